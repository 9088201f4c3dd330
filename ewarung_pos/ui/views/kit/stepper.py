"""How many: minus, value, plus, within bounds that cannot be passed."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.domain.units import dotted
from ewarung_pos.ui.views.kit.fields import pass_on
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import RING, Painted, PaintedButton, box, fitted, focus_ring, smooth, text_width
from ewarung_pos.ui.views.kit.style import Density, Role

__all__ = ["Stepper"]


_OUTLINE = 2


class _StepButton(PaintedButton):
    """One end of the stepper; painted inside the stepper's outline."""

    def __init__(self, icon: str, *, left: bool, parent: Stepper) -> None:
        super().__init__(parent)
        self._stepper = parent
        self._icon = icon
        self._left = left
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAutoRepeat(True)
        self.setAutoRepeatDelay(450)
        self.setAutoRepeatInterval(160)

    def sizeHint(self) -> QSize:
        return QSize(self.look.counter_target, self.look.counter_target)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        path = QPainterPath()
        # It is painted over the stepper, whose outline and focus ring must stay whole.
        edge = RING if self._stepper.hasFocus() else _OUTLINE
        area = self.rect().adjusted(edge if self._left else 0, edge, 0 if self._left else -edge, -edge)
        wide = area.adjusted(0, 0, 20, 0) if self._left else area.adjusted(-20, 0, 0, 0)
        path.addRoundedRect(wide, self.look.radius - edge, self.look.radius - edge)
        painter.setClipRect(area)
        token = "wash"
        if self.isEnabled() and (self.isDown() or self.underMouse()):
            token = "go-tint" if self.isDown() else "track"
        painter.fillPath(path, self.look.colour(token))
        side = self.look.icon(Role.LEAD)
        icon = QRect((self.width() - side) // 2, (self.height() - side) // 2, side, side)
        paint_icon(painter, self._icon, icon, self.look.colour("ink" if self.isEnabled() else "edge"))


class Stepper(Painted):
    """A count with − and +, in targets of the counter flow.

    The widget holds the count and keeps it between its bounds, whatever is pressed; why the bound is where it is, the
    view says (`set_bound`). Keys while it has the focus: − and +, left and right, Home and End, a digit
    sets the count; up and down go to the stepper above and below, as in every list of numbers.

    Signals:
        changed(int): the operator changed the count; never emitted by `set_…`.
    """

    changed = Signal(int)

    def __init__(self, name: str = "", *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = 0
        self._least = 0
        self._most = 0
        self._unit = ""
        self._bound = ""
        self._shown: tuple[int, int, int, str, str] | None = None
        self._minus = _StepButton("minus", left=True, parent=self)
        self._plus = _StepButton("plus", left=False, parent=self)
        self._minus.clicked.connect(self._down)
        self._plus.clicked.connect(self._up)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        self.retranslate()
        self._show()

    def set_name(self, name: str) -> None:
        """Say what is counted ("Beras medium"): accessible name here and on both ends."""
        if name != self.accessibleName():
            self.setAccessibleName(name)
            self.retranslate()

    def retranslate(self) -> None:
        less = QCoreApplication.translate("Stepper", "Kurangi")
        more = QCoreApplication.translate("Stepper", "Tambah")
        self._minus.setAccessibleName(f"{less} {self.accessibleName()}".strip())
        self._plus.setAccessibleName(f"{more} {self.accessibleName()}".strip())

    def set_range(self, least: int, most: int) -> None:
        """Bound the count. A `most` under `least` leaves only `least`; the count is brought inside."""
        self._least = least
        self._most = max(least, most)
        self.set_value(self._value)

    def set_value(self, value: int) -> None:
        """Show this count, brought inside the bounds."""
        self._value = min(max(value, self._least), self._most)
        self._show()

    def set_unit(self, unit: str) -> None:
        """Set what stands behind the count ("× 5 kg")."""
        self._unit = unit
        self._show()

    def set_bound(self, words: str) -> None:
        """Say the bound in words under the stepper ("stok tinggal 3"); nothing takes the line away."""
        if words != self._bound:
            self._bound = words
            self._show()
            self.updateGeometry()

    def value(self) -> int:
        """The count."""
        return self._value

    def maximum(self) -> int:
        """The most the count can be."""
        return self._most

    def text(self) -> str:
        """The count as shown."""
        return f"{dotted(self._value)} {self._unit}".strip()

    def _show(self) -> None:
        now = (self._value, self._least, self._most, self._unit, self._bound)
        if now == self._shown:
            return
        self._shown = now
        self._minus.setEnabled(self._value > self._least)
        self._plus.setEnabled(self._value < self._most)
        self.setAccessibleDescription(f"{self.text()}. {self._bound}" if self._bound else self.text())
        self.update()

    def _set_by_hand(self, value: int) -> None:
        before = self._value
        self.set_value(value)
        if self._value != before:
            self.changed.emit(self._value)

    def _down(self) -> None:
        self._set_by_hand(self._value - 1)

    def _up(self) -> None:
        self._set_by_hand(self._value + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Right):
            self._up()
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Left):
            self._down()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            pass_on(self, forward=key == Qt.Key.Key_Down)
        elif key == Qt.Key.Key_Home:
            self._set_by_hand(self._least)
        elif key == Qt.Key.Key_End:
            self._set_by_hand(self._most)
        elif event.text() in tuple("0123456789"):
            self._set_by_hand(int(event.text()))
        else:
            super().keyPressEvent(event)

    def _line(self) -> int:
        return self.look.font(Role.SMALL).metrics.height() + 4 if self._bound else 0

    def sizeHint(self) -> QSize:
        font = self.look.font(Role.QUANTITY)
        # Steppers of one list are of one width unless a unit is unusually long.
        digit = "0" if self.look.room is Density.TIGHT else "00"
        value = max(text_width(font, f"{digit} {self._unit}"), text_width(font, f"{digit} × 0 kg"))
        middle = max(value + 2 * self.look.gap(1), self.look.size(150))
        return QSize(2 * self.look.counter_target + middle, self.look.counter_target + self._line())

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(2 * self.look.counter_target + 96, hint.height())

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._place()

    def restyle(self) -> None:
        self._place()
        super().restyle()

    def _place(self) -> None:
        side = self.look.counter_target
        self._minus.setGeometry(0, 0, side, side)
        self._plus.setGeometry(self.width() - side, 0, side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        side = self.look.counter_target
        outline = QRect(0, 0, self.width(), side)
        edge = self.look.colour("go" if self._value > 0 else "edge")
        box(painter, outline, self.look.radius, self.look.colour("card"), edge, _OUTLINE)
        middle = outline.adjusted(side + 4, 0, -side - 4, 0)
        painter.setFont(fitted(self.look.font(Role.QUANTITY), self.text(), middle.width(), floor=18))
        painter.setPen(self.look.colour("ink" if self._value else "soft-dark"))
        painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, self.text())
        if self._bound:
            font = fitted(self.look.font(Role.SMALL), self._bound, self.width())
            painter.setFont(font)
            painter.setPen(self.look.colour("soft-dark"))
            painter.drawText(QRect(0, side + 4, self.width(), self._line()), Qt.AlignmentFlag.AlignHCenter, self._bound)
        if self.hasFocus():
            focus_ring(painter, outline, self.look.radius)
