"""The pad for the operator's or leader's PIN; the family's PIN is only ever typed at the EDC."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRect, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.buttons import BigButton, ButtonKind, ButtonSize
from ewarung_pos.ui.views.kit.card import column
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, PaintedButton, box, smooth
from ewarung_pos.ui.views.kit.style import Role, Tone
from ewarung_pos.ui.views.kit.text import Text

__all__ = ["PinPad"]

_APART, _CLOSE = 14, 8
"""Between title, dots, message, keys and button; where the window is short."""


class _Dots(Painted):
    """One dot a digit typed; never the digits."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._filled = 0
        self._places = 6
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_count(self, filled: int, places: int) -> None:
        self._filled, self._places = filled, places
        words = QCoreApplication.translate("PinPad", "%n angka diketik", "", filled)
        self.setAccessibleName(words)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._places * 34 - 14, 28)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        for place in range(self._places):
            dot = QRect(place * 34, 4, 20, 20)
            if place < self._filled:
                box(painter, dot, 10, self.look.colour("ink"))
            else:
                box(painter, dot, 10, self.look.colour("card"), self.look.colour("edge"), 2)


class _PadKey(PaintedButton):
    def __init__(self, digit: str, icon: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.digit = digit
        self._icon = icon
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(digit)

    def sizeHint(self) -> QSize:
        return QSize(88, self.look.counter_target)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        fill = "go-tint" if self.isDown() else "wash" if self.underMouse() else "card"
        enabled = self.isEnabled()
        edge = self.look.colour("edge" if enabled else "line")
        box(painter, self.rect(), self.look.radius, self.look.colour(fill if enabled else "wash"), edge, 2)
        ink = self.look.colour("ink" if enabled else "soft-dark")
        if self._icon:
            side = self.look.icon(Role.LEAD)
            paint_icon(
                painter,
                self._icon,
                self.rect().adjusted(0, (self.height() - side) // 2, 0, -((self.height() - side) // 2)),
                ink,
            )
            return
        painter.setFont(self.look.font(Role.HEADING))
        painter.setPen(ink)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.digit)


class PinPad(QWidget):
    """Digits, dots, and a button to confirm. The keyboard types as well: digits, Backspace, Enter.

    What was typed leaves the pad with `entered` and when the pad is hidden; it is never shown or named.

    Signals:
        entered(str): a PIN of allowed length was confirmed.
    """

    entered = Signal(str)

    def __init__(self, *, least: int = 4, most: int = 6, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._least, self._most = least, most
        self._typed = ""
        self._locked = False
        self._bare = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        centre = Qt.AlignmentFlag.AlignHCenter
        self._title = Text(role=Role.HEADING, align=Qt.AlignmentFlag.AlignCenter)
        self._message = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True, align=Qt.AlignmentFlag.AlignCenter)
        wrapped = self._message.sizePolicy()  # a longer line wraps: the keys stay where they are
        wrapped.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
        self._message.setSizePolicy(wrapped)
        self._dots = _Dots(self)
        self._keys: list[_PadKey] = []
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for place, digit in enumerate("123456789"):
            grid.addWidget(self._add(digit, ""), place // 3, place % 3)
        self._clear = self._add("", "x")
        self._back = self._add("", "delete")
        grid.addWidget(self._clear, 3, 0)
        grid.addWidget(self._add("0", ""), 3, 1)
        grid.addWidget(self._back, 3, 2)
        self._confirm = BigButton(kind=ButtonKind.PRIMARY, size=ButtonSize.COUNTER, key="Enter")
        self._confirm.clicked.connect(self._enter)
        self._column = body = column(gap=_APART)
        body.addWidget(self._title)
        body.addWidget(self._dots, 0, centre)
        body.addWidget(self._message)
        body.addLayout(grid)
        body.addWidget(self._confirm)
        self.setLayout(body)
        self.setMinimumWidth(300)
        self._retranslate()
        self._show()

    def _add(self, digit: str, icon: str) -> _PadKey:
        key = _PadKey(digit, icon, self)
        key.clicked.connect(self._pressed)
        self._keys.append(key)
        return key

    def set_words(self, title: str, confirm: str) -> None:
        """Whose PIN, for what; and the word on the button."""
        self._title.set_text(title)
        self._confirm.set_text(confirm)
        self.setAccessibleName(title)

    def set_bare(self, bare: bool) -> None:
        """Small title, closer lines, and no empty line for a message: short windows need the room.

        The title stays: whose PIN is wanted is said where it is typed.
        """
        self._bare = bare
        self._title.set_role(Role.BODY if bare else Role.HEADING, bold=True)
        self._column.setSpacing(_CLOSE if bare else _APART)
        self._message.setVisible(not bare or bool(self._message.text()))

    def set_message(self, words: str, tone: Tone = Tone.SOFT) -> None:
        """A line under the dots: what the PIN allows, or that it was wrong."""
        self._message.set_tone(tone)
        self._message.set_text(words)
        self._message.setVisible(not self._bare or bool(words))
        self.setAccessibleDescription(words)

    def set_locked(self, locked: bool) -> None:
        """Take no digits, while attempts are held back."""
        self._locked = locked
        if locked:
            self._typed = ""
        self._show()

    def clear(self) -> None:
        """Forget what was typed."""
        self._typed = ""
        self._show()

    def count(self) -> int:
        """How many digits are typed."""
        return len(self._typed)

    def _retranslate(self) -> None:
        self._clear.setAccessibleName(QCoreApplication.translate("PinPad", "Kosongkan"))
        self._back.setAccessibleName(QCoreApplication.translate("PinPad", "Hapus satu angka"))

    def _pressed(self) -> None:
        key = self.sender()
        if key is self._clear:
            self.clear()
        elif key is self._back:
            self._typed = self._typed[:-1]
            self._show()
        elif isinstance(key, _PadKey):
            self._type(key.digit)

    def _type(self, digit: str) -> None:
        if not self._locked and len(self._typed) < self._most:
            self._typed += digit
            self._show()

    def _enter(self) -> None:
        if len(self._typed) >= self._least and not self._locked:
            typed, self._typed = self._typed, ""
            self._show()
            self.entered.emit(typed)

    def _show(self) -> None:
        self._dots.set_count(len(self._typed), self._most)
        for key in self._keys:
            key.setEnabled(not self._locked)
        self._confirm.setEnabled(len(self._typed) >= self._least and not self._locked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text() and event.text() in "0123456789":
            self._type(event.text())
        elif event.key() == Qt.Key.Key_Backspace:
            self._typed = self._typed[:-1]
            self._show()
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.clear()
        super().hideEvent(event)
