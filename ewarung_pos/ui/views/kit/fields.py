"""Where something is typed: labelled row, text, number, search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QEvent, QRect, QRegularExpression, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QPaintEvent, QRegularExpressionValidator
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.card import column
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import smooth
from ewarung_pos.ui.views.kit.style import Role, Tone, current_style
from ewarung_pos.ui.views.kit.text import Text

__all__ = ["FieldOrder", "FieldRow", "NumberField", "SearchField", "TextField", "pass_on"]


_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@runtime_checkable
class FieldOrder(Protocol):
    """What holds fields and knows which of them comes next, also where that one is not shown yet."""

    def pass_on(self, field: QWidget, *, forward: bool) -> None:
        """Give the keyboard to the field after this one, or before it."""
        ...


def pass_on(control: QWidget, *, forward: bool) -> None:
    """The keyboard goes to the control of the next row, or of the one before, as the rows around say."""
    around = control.parentWidget()
    while around is not None and not isinstance(around, FieldOrder):
        around = around.parentWidget()
    if isinstance(around, FieldOrder):
        around.pass_on(control, forward=forward)
    else:
        control.focusNextPrevChild(forward)


class TextField(QLineEdit):
    """A line to type in; 48 px high at least."""

    _onward: Callable[[], None] | None = None

    def __init__(
        self, name: str = "", *, role: Role = Role.LEAD, bold: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._role, self._bold = role, bold
        self.setAccessibleName(name)
        self._restyle()

    def set_wrong(self, wrong: bool) -> None:
        """Mark the field as not acceptable; the row beside says why."""
        if bool(self.property("wrong")) != wrong:
            self.setProperty("wrong", wrong)
            self.style().unpolish(self)
            self.style().polish(self)

    def set_onward(self, onward: Callable[[], None]) -> None:
        """Let Enter do this, instead of what the page's main button does."""
        self._onward = onward

    def event(self, event: QEvent) -> bool:
        if (
            self._onward is not None
            and event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _ENTER
        ):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._onward is not None and event.key() in _ENTER:
            if not event.isAutoRepeat():
                self._onward()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self._restyle()

    def _restyle(self) -> None:
        font = current_style().font(self._role, bold=self._bold)
        if font != self.font():
            self.setFont(font)


class NumberField(TextField):
    """A whole number of zero or more, big and to the right. Nothing but digits can be typed.

    Enter and Down go on to the next field, Up goes back: numbers are typed one under the other. A `FieldOrder` around
    it says which field that is; without one it is as for Tab.

    Signals:
        changed: the operator typed; read `value()`.
        limited: she typed more than `most`; the field keeps what it can.
    """

    changed = Signal()
    limited = Signal()

    def __init__(self, name: str = "", *, most: int = 999_999, parent: QWidget | None = None) -> None:
        super().__init__(name, role=Role.HEADING, bold=True, parent=parent)
        self._most = most
        self._typing = ""
        self.set_onward(self._go_on)
        self.inputRejected.connect(self._rejected)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        digits = QRegularExpression(f"[0-9]{{0,{len(str(most))}}}")
        self.setValidator(QRegularExpressionValidator(digits, self))
        self.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.textEdited.connect(self._edited)

    def value(self) -> int | None:
        """The number, or None while nothing is typed."""
        return int(self.text()) if self.text() else None

    def set_value(self, value: int | None) -> None:
        """Show a number, or an empty field."""
        text = "" if value is None else str(min(max(value, 0), self._most))
        if text != self.text():
            self.setText(text)

    def _edited(self) -> None:
        value = self.value()
        if value is not None and value > self._most:
            self.setText(str(self._most))
            self.limited.emit()
        self.changed.emit()

    def _rejected(self) -> None:
        if self._typing.isdigit():
            self.limited.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            pass_on(self, forward=event.key() == Qt.Key.Key_Down)
        else:
            self._typing = event.text()
            super().keyPressEvent(event)

    def _go_on(self) -> None:
        pass_on(self, forward=True)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.selectAll()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        digits = QFontMetrics(self.font()).horizontalAdvance("0" * max(len(str(self._most)), 4))
        return QSize(max(digits + 36, 130), max(hint.height(), 52))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class SearchField(TextField):
    """A search line with a magnifier. A scanner types into it and ends with Enter.

    Signals:
        searched(str): what stands in it, 150 ms after the last change.
        submitted(str): Enter was pressed or a scan ended.
        went_down: the operator goes on to what was found.
    """

    searched = Signal(str)
    submitted = Signal(str)
    went_down = Signal()

    def __init__(self, placeholder: str = "", *, parent: QWidget | None = None) -> None:
        super().__init__(placeholder, parent=parent)
        self.setPlaceholderText(placeholder)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(150)
        self._wait.timeout.connect(self._search)
        self.textEdited.connect(self._wait_for_more)
        self.returnPressed.connect(self._submit)
        self._indent()

    def set_placeholder(self, text: str) -> None:
        """Say what can be searched; the accessible name as well."""
        self.setPlaceholderText(text)
        self.setAccessibleName(text)

    def forget(self) -> None:
        """Nothing is searched any more, and nothing typed waits to be."""
        self._wait.stop()
        self.clear()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.went_down.emit()
        else:
            super().keyPressEvent(event)

    def _wait_for_more(self) -> None:
        self._wait.start()

    def _search(self) -> None:
        self.searched.emit(self.text())

    def _submit(self) -> None:
        self._wait.stop()
        self.submitted.emit(self.text())

    def _restyle(self) -> None:
        super()._restyle()
        self._indent()

    def _indent(self) -> None:
        self.setTextMargins(current_style().icon(Role.LEAD) + 10, 0, 0, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        side = current_style().icon(Role.LEAD)
        at = QRect(14, (self.height() - side) // 2, side, side)
        paint_icon(smooth(self), "search", at, current_style().colour("soft"))


class FieldRow(QWidget):
    """A field with its label above and a line of help, or of what is wrong, below."""

    def __init__(self, label: str, field: QWidget, *, help_text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = Text(label, Role.BODY, Tone.SOFT)
        self._label.setBuddy(field)
        self._field = field
        self._help = help_text
        self._below = Text(help_text, Role.SMALL, Tone.SOFT, wrap=True)
        self._below.setVisible(bool(help_text))
        body = column(gap=6)
        body.addWidget(self._label)
        body.addWidget(field)
        body.addWidget(self._below)
        self.setLayout(body)
        self.set_label(label)

    def set_label(self, label: str) -> None:
        """Set the label, which names the field as well."""
        self._label.set_text(label)
        self._field.setAccessibleName(label)

    def set_help(self, text: str) -> None:
        """Set the line below for when nothing is wrong."""
        self._help = text
        self.set_error("")

    def set_error(self, words: str) -> None:
        """Say what is wrong and mark the field; nothing takes the mark away."""
        if isinstance(self._field, TextField):
            self._field.set_wrong(bool(words))
        self._below.set_tone(Tone.STOP if words else Tone.SOFT)
        self._below.set_text(words or self._help)
        self._below.setVisible(bool(words or self._help))
        self._field.setAccessibleDescription(words or self._help)
