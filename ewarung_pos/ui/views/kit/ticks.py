"""The pick list: what to hand over, ticked item by item."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.icons import paint_icon, paint_pictogram
from ewarung_pos.ui.views.kit.paint import PaintedButton, box, fitted, focus_ring, key_chip, key_chip_size, smooth
from ewarung_pos.ui.views.kit.style import Face, Role

__all__ = ["TickRow"]

_WRAPPED = Qt.AlignmentFlag.AlignVCenter.value | Qt.TextFlag.TextWordWrap.value


class TickRow(PaintedButton):
    """One thing to hand over; the whole row is the target, its number key ticks it.

    Signals:
        ticked(bool): the operator ticked or unticked it.
    """

    ticked = Signal(bool)

    def __init__(
        self, picture: str = "package", text: str = "", *, key: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._picture = picture
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.ticked)
        self.set_key(key)
        self.render_state(picture, text, ticked=False)

    def render_state(self, picture: str, text: str, *, ticked: bool) -> None:
        """Show the thing and whether it is handed over."""
        self.setChecked(ticked)
        if (picture, text) != (self._picture, self.accessibleName()):
            self._picture = picture
            self.setAccessibleName(text)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, max(self.look.size(89), self.look.counter_target, self.look.pixels(Role.TITLE) + 24))

    def minimumSizeHint(self) -> QSize:
        return QSize(260, max(self.look.counter_target, self.look.pixels(Role.TITLE) + 24))

    def _places(self) -> tuple[QRect, QRect, QRect]:
        """Where the picture, the words and the tick stand."""
        pad, middle = self.look.gap(3), self.height() // 2
        picture, side = self.look.size(56), max(44, self.look.size(44))
        tick = QRect(self.width() - pad - side, middle - side // 2, side, side)
        left = pad + picture + self.look.gap(2.5)
        chip = key_chip_size(self.key_hint).width()
        words = QRect(left, 0, tick.left() - left - 12 - (chip + 12 if chip else 0), self.height())
        return QRect(pad, middle - picture // 2, picture, picture), words, tick

    def _words(self) -> str:
        """What is written; a line never ends between a number and its unit."""
        return "\N{NO-BREAK SPACE}".join(self.accessibleName().rsplit(" ", 1))

    def _font(self, room: int) -> Face:
        """As large as the words fit on one line; what is too long even at 20 px goes on two."""
        return fitted(self.look.font(Role.TITLE), self.accessibleName(), room, floor=20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        if self.underMouse() or self.isDown():
            painter.fillRect(self.rect(), self.look.colour("wash"))
        picture, words, tick = self._places()
        paint_pictogram(painter, self._picture, picture)
        painter.setFont(self._font(words.width()))
        painter.setPen(self.look.colour("soft-dark" if self.isChecked() else "ink"))
        painter.drawText(words, _WRAPPED, self._words())
        chip = key_chip_size(self.key_hint)
        if chip.width():
            middle = self.height() // 2
            at = QRect(tick.left() - 12 - chip.width(), middle - chip.height() // 2, chip.width(), chip.height())
            key_chip(painter, at, self.key_hint, self.look.colour("soft-dark"))
        side = tick.width()
        if self.isChecked():
            box(painter, tick, 9, self.look.colour("go"))
            inset = side * 18 // 100
            paint_icon(
                painter, "check", tick.adjusted(inset, inset, -inset, -inset), self.look.colour("on-go"), weight=3
            )
        else:
            box(painter, tick, 9, self.look.colour("card"), self.look.colour("go"), 3)
        if self.hasFocus():
            focus_ring(painter, self.rect(), self.look.radius)
