"""States and amounts: badge, flat bar, pictures, and the page that is empty."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.buttons import BigButton
from ewarung_pos.ui.views.kit.card import column
from ewarung_pos.ui.views.kit.icons import paint_icon, paint_pictogram, pictogram_ratio
from ewarung_pos.ui.views.kit.paint import Painted, box, fitted, smooth, text_width
from ewarung_pos.ui.views.kit.style import Role, Tone, current_style
from ewarung_pos.ui.views.kit.text import Text

__all__ = ["TONE_ICONS", "Badge", "Disc", "EmptyState", "IconView", "Note", "Picture", "ProgressBar"]

_WRAP = int(Qt.TextFlag.TextWordWrap)

TONE_ICONS = {
    Tone.INK: "info",
    Tone.SOFT: "clock",
    Tone.GO: "check",
    Tone.LOOK: "triangle-alert",
    Tone.STOP: "ban",
    Tone.INFO: "info",
}
"""The icon a tone speaks with when the view names no other."""


class Badge(Painted):
    """A state in a word: icon, word and tint ("cocok", "−1 kg")."""

    def __init__(
        self, text: str = "", tone: Tone = Tone.GO, *, icon: str | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._tone = tone
        self._icon = TONE_ICONS[tone]
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.render_state(text, tone, icon=icon)

    def render_state(self, text: str, tone: Tone, *, icon: str | None = None) -> None:
        """Show the word in the tone, with the tone's icon unless another is named."""
        shown = TONE_ICONS[tone] if icon is None else icon
        if (shown, text, tone) != (self._icon, self.accessibleName(), self._tone):
            self._icon, self._tone = shown, tone
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        font = self.look.font(Role.BODY, bold=True)
        icon = self.look.icon(Role.SMALL) + 8 if self._icon else 0
        width = text_width(font, self.accessibleName()) + icon + 2 * 14
        return QSize(width, font.metrics.height() + self.look.gap(2))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        ink = self.look.colour(self._tone.text)
        box(painter, self.rect(), 8, self.look.colour(self._tone.tint))
        area = self.rect().adjusted(14, 0, -14, 0)
        if self._icon:
            side = self.look.icon(Role.SMALL)
            paint_icon(painter, self._icon, QRect(area.x(), (self.height() - side) // 2, side, side), ink)
            area.setLeft(area.left() + side + 8)
        painter.setFont(fitted(self.look.font(Role.BODY, bold=True), self.accessibleName(), area.width() + 2))
        painter.setPen(ink)
        painter.drawText(area.adjusted(0, 0, 2, 0), Qt.AlignmentFlag.AlignVCenter, self.accessibleName())


class Note(Painted):
    """An icon and a short line in one tone, without a box ("diserahkan 370 kg")."""

    def __init__(
        self,
        icon: str = "",
        text: str = "",
        tone: Tone = Tone.INK,
        *,
        role: Role = Role.BODY,
        bold: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon, self._tone, self._role, self._bold = icon, tone, role, bold
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.render_state(icon, text, tone)

    def render_state(self, icon: str, text: str, tone: Tone = Tone.INK) -> None:
        """Show icon and words in the tone."""
        if (icon, text, tone) != (self._icon, self.accessibleName(), self._tone):
            self._icon, self._tone = icon, tone
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def _lead(self) -> int:
        return self.look.icon(self._role) + 10 if self._icon else 0

    def sizeHint(self) -> QSize:
        font = self.look.font(self._role, bold=self._bold)
        height = max(font.metrics.height(), self.look.icon(self._role)) + 4
        return QSize(text_width(font, self.accessibleName()) + self._lead() + 2, height)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._lead() + 40, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        ink = self.look.colour(self._tone.text)
        lead = self._lead()
        if lead:
            side = lead - 10
            paint_icon(painter, self._icon, QRect(0, (self.height() - side) // 2, side, side), ink)
        font = self.look.font(self._role, bold=self._bold)
        font = fitted(font, self.accessibleName(), self.width() - lead, floor=font.pixels * 9 // 10)
        painter.setFont(font)
        painter.setPen(ink)
        shown = font.metrics.elidedText(self.accessibleName(), Qt.TextElideMode.ElideRight, self.width() - lead + 1)
        painter.drawText(self.rect().adjusted(lead, 0, 2, 0), Qt.AlignmentFlag.AlignVCenter, shown)


class ProgressBar(QProgressBar):
    """A flat bar for a share of a whole; the words beside it are the view's."""

    def __init__(self, name: str = "", *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone = Tone.GO
        self.setAccessibleName(name)
        self.setTextVisible(False)
        self.setRange(0, 1000)
        self.setValue(0)
        self.setAccessibleDescription("0 %")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_share(self, part: int, whole: int, tone: Tone = Tone.GO) -> None:
        """Fill `part` of `whole` (any unit, any size); outside 0..`whole` it stops at the end."""
        share = min(max(part, 0) * 1000 // whole, 1000) if whole > 0 else 0
        if (share, tone) != (self.value(), self._tone):
            self._tone = tone
            self.setValue(share)
            self.setAccessibleDescription(f"{share // 10} %")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, 10)

    def minimumSizeHint(self) -> QSize:
        return QSize(48, 10)

    def paintEvent(self, _event: QPaintEvent) -> None:
        style = current_style()
        painter = smooth(self)
        area = self.rect()
        box(painter, area, area.height() / 2, style.colour("track"))
        width = area.width() * self.value() // 1000
        if width > 0:
            box(painter, QRect(0, 0, max(width, area.height()), area.height()), 5, style.colour(self._tone.value))


class IconView(Painted):
    """One icon, standing alone."""

    def __init__(
        self, icon: str, *, tone: Tone = Tone.INK, role: Role = Role.LEAD, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon, self._tone, self._role = icon, tone, role
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_icon(self, icon: str, tone: Tone) -> None:
        """Show another icon or tone."""
        if (icon, tone) != (self._icon, self._tone):
            self._icon, self._tone = icon, tone
            self.update()

    def sizeHint(self) -> QSize:
        side = self.look.icon(self._role)
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_icon(smooth(self), self._icon, self.rect(), self.look.colour(self._tone.text))


class Disc(Painted):
    """An icon in a round: tinted for who and what, filled for "it is done"."""

    def __init__(
        self, icon: str, *, tone: Tone = Tone.GO, filled: bool = False, size: int = 64, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon, self._tone, self._filled, self._side = icon, tone, filled, size
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def render_state(self, icon: str, tone: Tone, *, filled: bool = False) -> None:
        """Show another icon or tone."""
        self._icon, self._tone, self._filled = icon, tone, filled
        self.update()

    def sizeHint(self) -> QSize:
        side = self.look.size(self._side)
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        fill = self._tone.value if self._filled else self._tone.tint
        ink = "card" if self._filled else self._tone.text
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.look.colour(fill))
        painter.drawEllipse(self.rect())
        inset = self.width() * (20 if self._filled else 26) // 100
        icon = self.rect().adjusted(inset, inset, -inset, -inset)
        paint_icon(painter, self._icon, icon, self.look.colour(ink), weight=3 if self._filled else 2)


class Picture(Painted):
    """An own pictogram or illustration at a height, in proportion."""

    def __init__(self, name: str, *, height: int = 56, alt: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._height = height
        self.setAccessibleName(alt)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_picture(self, name: str, alt: str = "") -> None:
        """Show another pictogram, with what it means in words."""
        self.setAccessibleName(alt)
        if name != self._name:
            self._name = name
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        height = max(self.look.size(self._height), min(self._height, 38))
        return QSize(round(height * pictogram_ratio(self._name)), height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_pictogram(smooth(self), self._name, self.rect())


class EmptyState(QWidget):
    """A page with nothing on it yet: a picture, what that means, and perhaps the one thing to do."""

    def __init__(
        self,
        picture: str,
        title: str = "",
        detail: str = "",
        *,
        action: BigButton | None = None,
        height: int = 120,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        centre = Qt.AlignmentFlag.AlignHCenter
        self._picture = Picture(picture, height=height)
        self._title = Text(title, Role.TITLE, wrap=True, align=Qt.AlignmentFlag.AlignCenter)
        self._detail = Text(detail, Role.LEAD, Tone.SOFT, wrap=True, align=Qt.AlignmentFlag.AlignCenter)
        body = column(gap=16)
        body.addStretch(1)
        body.addWidget(self._picture, 0, centre)
        body.addWidget(self._title)
        body.addWidget(self._detail)
        if action is not None:
            body.addSpacing(8)
            body.addWidget(action, 0, centre)
        body.addStretch(1)
        self.setLayout(body)

    def render_state(self, picture: str, title: str, detail: str, *, title_role: Role = Role.TITLE) -> None:
        """Show picture, title and detail."""
        self._picture.set_picture(picture, title)
        self._title.set_role(title_role)
        self._title.set_text(title)
        self._detail.set_text(detail)
        self._detail.setVisible(bool(detail))
        self.setAccessibleName(title)
        self._balance()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._balance()

    def _balance(self) -> None:
        """Lines of like length: one word alone under a long line reads as left over."""
        metrics, words, room = self._detail.fontMetrics(), self._detail.text(), max(self.width(), 1)
        lines = -(-metrics.horizontalAdvance(words) // room)
        width = metrics.horizontalAdvance(words) // lines if lines > 1 else room
        high = lines * metrics.lineSpacing() + metrics.lineSpacing() // 2  # Qt rounds each line up
        while width < room and metrics.boundingRect(0, 0, width, 0, _WRAP, words).height() > high:
            width += 8
        side = max(room - width - 4, 0) // 2
        self._detail.setContentsMargins(side, 0, side, 0)
