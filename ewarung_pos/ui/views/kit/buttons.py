"""The buttons: one big main action, and the quieter ones beside it."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import (
    PaintedButton,
    box,
    fitted,
    focus_ring,
    key_chip,
    key_chip_size,
    smooth,
    text_width,
)
from ewarung_pos.ui.views.kit.style import Role

__all__ = ["BigButton", "ButtonKind", "ButtonSize"]


class ButtonKind(StrEnum):
    """How loud a button is. One `PRIMARY` a screen."""

    PRIMARY = "primary"
    STRONG = "strong"
    SECONDARY = "secondary"
    QUIET = "quiet"
    DANGER = "danger"
    INFO = "info"


class ButtonSize(StrEnum):
    """How big: the main action, a control of the counter flow, any other control."""

    MAIN = "main"
    COUNTER = "counter"
    PLAIN = "plain"


_ROLES = {ButtonSize.MAIN: Role.HEADING, ButtonSize.COUNTER: Role.LEAD, ButtonSize.PLAIN: Role.BODY}
# kind: (fill, fill under the pointer, edge, text)
_INKS: dict[ButtonKind, tuple[str | None, str, str | None, str]] = {
    ButtonKind.PRIMARY: ("go", "go-dark", None, "on-go"),
    ButtonKind.STRONG: ("card", "go-tint", "go", "go-dark"),
    ButtonKind.SECONDARY: ("card", "wash", "edge", "ink"),
    ButtonKind.QUIET: (None, "wash", None, "ink"),
    ButtonKind.DANGER: ("stop", "stop-dark", None, "on-stop"),
    ButtonKind.INFO: ("info-tint", "info-tint", "info-line", "info-dark"),
}


class BigButton(PaintedButton):
    """A button with a word, perhaps an icon before it, and its key behind it.

    Signals:
        clicked(bool): pressed by touch, pointer, keyboard or its key.
    """

    def __init__(
        self,
        text: str = "",
        *,
        kind: ButtonKind = ButtonKind.SECONDARY,
        size: ButtonSize = ButtonSize.COUNTER,
        icon: str = "",
        key: str = "",
        hint: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._kind = kind
        self._size = size
        self._icon = icon
        self._reason = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_text(text)
        self.set_key(key, hint)

    def set_text(self, text: str) -> None:
        """Set the word on the button, which is its accessible name as well."""
        if text != self.accessibleName():
            self.setAccessibleName(text)
            self.updateGeometry()
            self.update()

    def set_icon(self, icon: str) -> None:
        """Set the icon before the word; empty for none."""
        if icon != self._icon:
            self._icon = icon
            self.updateGeometry()
            self.update()

    def set_kind(self, kind: ButtonKind) -> None:
        """Make the button louder or quieter."""
        if kind is not self._kind:
            self._kind = kind
            self.update()

    def set_reason(self, reason: str) -> None:
        """Switch the button off and say why under its word; an empty reason switches it on.

        The keyboard then stays where it was on the page: Qt would hand it to the next button, whatever that does.
        """
        around = self.parentWidget()
        if reason and self.hasFocus() and around is not None:
            around.setFocus(Qt.FocusReason.OtherFocusReason)
        self.setEnabled(not reason)
        if reason != self._reason:
            self._reason = reason
            self.setAccessibleDescription(reason)
            self.updateGeometry()
            self.update()

    def reason(self) -> str:
        """Why the button is off, or nothing."""
        return self._reason

    def _least(self) -> int:
        if self._size is ButtonSize.MAIN:
            return max(self.look.counter_target, self.look.size(80))
        return self.look.counter_target if self._size is ButtonSize.COUNTER else max(52, self.look.size(52))

    def _parts(self) -> tuple[int, int, QSize]:
        """Widths of icon (with its gap) and word, and the key hint's size."""
        role = _ROLES[self._size]
        icon = self.look.icon(role) + 12 if self._icon else 0
        return icon, text_width(self.look.font(role, bold=True), self.accessibleName()), key_chip_size(self.key_hint)

    def sizeHint(self) -> QSize:
        icon, word, chip = self._parts()
        width = icon + word + (chip.width() + 12 if chip.width() else 0)
        metrics = self.look.font(_ROLES[self._size], bold=True).metrics
        height = metrics.height() + self.look.gap(2)
        if self._reason:
            small = self.look.font(Role.SMALL)
            width = max(width, text_width(small, self._reason))
            height += small.metrics.height()
        pad = self.look.gap(5.5 if self._size is ButtonSize.MAIN else 3.5)
        return QSize(width + 2 * pad, max(height, self._least()))

    def minimumSizeHint(self) -> QSize:
        # The word may shrink to three quarters before the layout has to give more room.
        hint = self.sizeHint()
        icon, word, chip = self._parts()
        least = icon + word * 3 // 4 + (chip.width() + 12 if chip.width() else 0) + 24
        return QSize(min(hint.width(), least), hint.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        fill, hover, edge, ink = _INKS[self._kind]
        pressed = self.isDown() or self.isChecked()
        if not self.isEnabled():
            fill, edge, ink = "wash", "line", "soft-dark"
        elif pressed or self.underMouse():
            fill = hover
        area = self.rect()
        box(
            painter,
            area,
            self.look.radius,
            self.look.colour(fill) if fill else None,
            self.look.colour(edge) if edge else None,
            2,
        )
        if pressed:
            area.translate(0, 1)
        self._paint_words(painter, area, self.look.colour(ink))
        if self.hasFocus():
            focus_ring(painter, self.rect(), self.look.radius)

    def _paint_words(self, painter: QPainter, area: QRect, ink: QColor) -> None:
        role = _ROLES[self._size]
        icon, word, chip = self._parts()
        behind = chip.width() + 12 if chip.width() else 0
        room = area.width() - 16
        font = fitted(self.look.font(role, bold=True), self.accessibleName(), room - icon - behind)
        word = min(text_width(font, self.accessibleName()), room - icon - behind)
        middle = area.center().y() + 1
        if self._reason:
            small = fitted(self.look.font(Role.SMALL), self._reason, room)
            line = small.metrics.height()
            painter.setFont(small)
            painter.setPen(ink)
            below = QRect(area.x() + 8, middle + 1, room, line)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._reason)
            middle -= line // 2
        left = area.x() + (area.width() - icon - word - behind) // 2
        if icon:
            side = icon - 12
            paint_icon(painter, self._icon, QRect(left, middle - side // 2, side, side), ink)
            left += icon
        painter.setFont(font)
        painter.setPen(ink)
        shown = font.metrics.elidedText(self.accessibleName(), Qt.TextElideMode.ElideRight, word)
        painter.drawText(QRect(left, middle - 60, word + 2, 120), Qt.AlignmentFlag.AlignVCenter, shown)
        if behind:
            corner = QRect(left + word + 12, middle - chip.height() // 2, chip.width(), chip.height())
            key_chip(painter, corner, self.key_hint, ink)
