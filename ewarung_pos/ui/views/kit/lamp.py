"""The pills in the header: a device or the city server, with its state in a word."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import PaintedButton, box, focus_ring, key_chip, key_chip_size, smooth, text_width
from ewarung_pos.ui.views.kit.style import Role, Tone

__all__ = ["HeaderButton", "Lamp", "Words"]


class Words(StrEnum):
    """How much a button of the header says."""

    LONG = "long"
    SHORT = "short"
    NONE = "none"


class HeaderButton(PaintedButton):
    """An icon, a word and its key in the header; a tinted pill when it has a tone, an edged one when not.

    The pill is 38 px high, its target 48.
    """

    def __init__(self, icon: str, *, tone: Tone | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self._tone = tone
        self._word = ""
        self._short = ""
        self._words = Words.LONG
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def _say(self, word: str, short: str) -> None:
        if (word, short) != (self._word, self._short):
            self._word, self._short = word, short
            self.setAccessibleName(word)
            self.updateGeometry()
            self.update()

    @property
    def words(self) -> Words:
        """How much it says."""
        return self._words

    def set_words(self, words: Words) -> None:
        """Say so much; the key is only shown beside the long word."""
        if words is not self._words:
            self._words = words
            self.updateGeometry()
            self.update()

    def shown_word(self) -> str:
        """The word as it stands on the screen now."""
        return {Words.LONG: self._word, Words.SHORT: self._short, Words.NONE: ""}[self._words]

    def sizeHint(self) -> QSize:
        font = self.look.font(Role.SMALL, bold=self._tone is not None)
        side = self.look.icon(Role.SMALL)
        word = text_width(font, self.shown_word())
        pad = self._pad()
        height = max(font.metrics.height() + 18, self.look.target)
        chip = key_chip_size(self.key_hint).width() if self._words is Words.LONG else 0
        wide = (8 + word if self.shown_word() else 0) + (8 + chip if chip else 0)
        return QSize(2 * pad + side + wide, height)

    def _pad(self) -> int:
        return 14 if self._tone is not None else 10

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        font = self.look.font(Role.SMALL, bold=self._tone is not None)
        pill = self.rect().adjusted(0, 5, 0, -5)
        ink = self.look.colour(self._tone.text if self._tone is not None else "soft-dark")
        if self._tone is not None:
            edge = self.look.colour(self._tone.line) if self.underMouse() or self.isDown() else None
            box(painter, pill, 9, self.look.colour(self._tone.tint), edge, 1.5)
        else:
            fill = "wash" if self.underMouse() or self.isDown() else "card"
            box(painter, pill, 9, self.look.colour(fill), self.look.colour("edge"), 1.5)
        pad = self._pad()
        side = self.look.icon(Role.SMALL)
        paint_icon(painter, self._icon, QRect(pad, (self.height() - side) // 2, side, side), ink)
        painter.setFont(font)
        painter.setPen(ink)
        words = self.rect().adjusted(pad + side + 8, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.shown_word())
        if self.key_hint and self._words is Words.LONG:
            chip = key_chip_size(self.key_hint)
            corner = QPoint(self.width() - pad - chip.width(), (self.height() - chip.height()) // 2)
            key_chip(painter, QRect(corner, chip), self.key_hint, ink)
        if self.hasFocus():
            focus_ring(painter, pill, 9)


class Lamp(HeaderButton):
    """A lamp: icon, word and colour say the state; pressing it shows more.

    Signals:
        clicked(bool): pressed.
    """

    def __init__(self, icon: str, *, parent: QWidget | None = None) -> None:
        super().__init__(icon, tone=Tone.SOFT, parent=parent)

    @property
    def hides_trouble(self) -> bool:
        """Whether the short word leaves out what is wrong: "Struk" for "Kertas habis", and not "Kota 3"."""
        return self._tone in (Tone.LOOK, Tone.STOP) and not self._short[-1:].isdigit()

    def render_state(self, tone: Tone, word: str, short: str, *, icon: str | None = None, detail: str = "") -> None:
        """Show a state.

        Args:
            tone: GO in order, LOOK attention, STOP not usable, INFO busy.
            word: the state in words ("EDC siap").
            short: the same for a narrow header ("EDC").
            icon: another icon than the lamp's own.
            detail: one sentence more, for assistive technology and the pointer.
        """
        shown = self._icon if icon is None else icon
        if (tone, shown) != (self._tone, self._icon):
            self._tone, self._icon = tone, shown
            self.update()
        if detail != self.accessibleDescription():
            self.setAccessibleDescription(detail)
            self.setToolTip(detail)
        self._say(word, short)
