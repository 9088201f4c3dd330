"""The navigation at the left: seven places, each with icon, word and key."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QCoreApplication, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.card import column
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, PaintedButton, box, fitted, focus_ring, smooth, text_width
from ewarung_pos.ui.views.kit.style import Density, Role

__all__ = ["Rail", "RailItem"]

_APART = 10
"""So far (px) a key stands from the next icon, or it would read as that one's."""


class RailItem(msgspec.Struct, frozen=True):
    """A place to go: its name in the program, icon, word, short word for narrow windows, key."""

    name: str
    icon: str
    word: str
    short: str
    key: str


class _RailButton(PaintedButton):
    def __init__(self, item: RailItem, rail: Rail) -> None:
        super().__init__(rail)
        self._rail = rail
        self.item = item
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.set_item(item)

    def set_item(self, item: RailItem) -> None:
        self.item = item
        self.setAccessibleName(item.word)
        self.set_key(item.key)

    def sizeHint(self) -> QSize:
        return QSize(self.look.target, self.look.target)

    def stacks(self) -> bool:
        """Whether icon, word and key have room under each other, and a gap to the next place."""
        word, key = self.look.font(Role.SMALL).metrics.height(), self.look.font(Role.KEY).metrics.height()
        return self.height() >= self._side() + word + key + 14 + _APART

    def _side(self) -> int:
        return min(self.look.icon(Role.LEAD), 26 if self.look.narrow else self.look.size(34))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        here = self.isChecked()
        if here:
            box(painter, self.rect(), self.look.radius, self.look.colour("go"))
        elif self.underMouse() or self.isDown():
            box(painter, self.rect(), self.look.radius, self.look.colour("wash"))
        narrow = self.look.narrow
        word = self.item.short if narrow else self.item.word
        font = fitted(self.look.font(Role.SMALL, bold=here), word, self.width() - 6, floor=13)
        key = self.look.font(Role.KEY, bold=here)
        word_height = font.metrics.height()
        key_height = key.metrics.height()
        side = self._side()
        ink = self.look.colour("on-go" if here else "soft-dark")
        centre = Qt.AlignmentFlag.AlignCenter
        tall = side + word_height + key_height + 14
        if self._rail.stacked:
            top = (self.height() - tall) // 2
            paint_icon(painter, self.item.icon, QRect((self.width() - side) // 2, top, side, side), ink)
            word_at = QRect(0, top + side + 7, self.width(), word_height)
            key_at = QRect(0, word_at.bottom() + 6, self.width(), key_height)
        else:
            # Not high enough for three lines: the key goes beside the icon.
            top = max((self.height() - side - word_height - 3) // 2, 2)
            wide = text_width(key, self.item.key) + 4
            left = (self.width() - side - 6 - wide) // 2
            paint_icon(painter, self.item.icon, QRect(left, top, side, side), ink)
            word_at = QRect(0, top + side + 3, self.width(), word_height)
            key_at = QRect(left + side + 6, top + (side - key_height) // 2, wide, key_height)
        painter.setPen(ink)
        painter.setFont(font)
        painter.drawText(word_at, centre, word)
        painter.setFont(key)
        painter.drawText(key_at, centre, self.item.key)
        if self.hasFocus():
            focus_ring(painter, self.rect(), self.look.radius)


class Rail(Painted):
    """The rail. Icons over short words in narrow windows; the words shrink before the targets do.

    Signals:
        chosen(str): the operator wants to go to the place of this name.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        self._group.buttonClicked.connect(self._pressed)
        self._buttons: list[_RailButton] = []
        self._current = ""
        self._box = column()
        self.setLayout(self._box)
        self._space()
        self.retranslate()

    def retranslate(self) -> None:
        self.setAccessibleName(QCoreApplication.translate("Rail", "Menu utama"))

    def set_items(self, items: Sequence[RailItem]) -> None:
        """Offer these places, top to bottom; for another language, the same places with other words."""
        if [button.item.name for button in self._buttons] == [item.name for item in items]:
            for button, item in zip(self._buttons, items, strict=True):
                button.set_item(item)
        else:
            while self._box.count():
                self._box.takeAt(0)
            for button in self._buttons:
                self._group.removeButton(button)
                button.deleteLater()
            self._buttons = [_RailButton(item, self) for item in items]
            for button in self._buttons:
                self._group.addButton(button)
                self._box.addWidget(button, 1)
            self._box.addStretch()
        self._space()
        self.set_current(self._current)
        self.updateGeometry()
        self.update()

    @property
    def stacked(self) -> bool:
        """Whether the key stands under the word at every place; a pixel less at one of them makes them all alike."""
        return all(button.stacks() for button in self._buttons)

    def set_current(self, name: str) -> None:
        """Mark where we are."""
        self._current = name
        for button in self._buttons:
            button.setChecked(button.item.name == name)

    def _pressed(self, button: object) -> None:
        if isinstance(button, _RailButton):
            # The mark moves when the view says we are there, not before.
            self.set_current(self._current)
            self.chosen.emit(button.item.name)

    def _space(self) -> None:
        tight = self.look.room is Density.TIGHT
        side = 4 if tight else 8
        self._box.setContentsMargins(side, 4 if tight else self.look.gap(1.5), side + 1, 4 if tight else side)
        self._box.setSpacing(2 if tight else 4)
        for button in self._buttons:
            button.setMaximumHeight(max(self.look.size(94), self.look.pixels(Role.SMALL) * 4))

    def restyle(self) -> None:
        self._space()
        super().restyle()

    def sizeHint(self) -> QSize:
        narrow = self.look.narrow
        font = self.look.font(Role.SMALL, bold=True)
        items = [button.item for button in self._buttons]
        words = [item.short if narrow else item.word for item in items]
        widest = max((text_width(font, word) for word in words), default=0)
        least, most = (
            (80, min(112 * self.look.percent // 100, 170)) if narrow else (self.look.size(132), self.look.size(190))
        )
        return QSize(min(max(widest + 33, least), most), 400)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width(), 200)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.fillRect(self.rect(), self.look.colour("card"))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), self.look.colour("line"))
