"""Strokes every kit control shares: rounded boxes, the focus ring, key hints, text that fits, and two base classes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPen, QShortcut
from PySide6.QtWidgets import QAbstractButton, QWidget

from ewarung_pos.ui.views.kit.style import Face, Role, Style, current_style

__all__ = [
    "RING",
    "Painted",
    "PaintedButton",
    "box",
    "fitted",
    "focus_ring",
    "key_chip",
    "key_chip_size",
    "smooth",
    "text_width",
]

_CENTRE = Qt.AlignmentFlag.AlignCenter


def smooth(widget: QWidget) -> QPainter:
    """A painter on the widget with smooth edges."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return painter


def box(
    painter: QPainter, rect: QRect, radius: float, fill: QColor | None, edge: QColor | None = None, width: float = 0
) -> None:
    """A rounded box whose edge lies wholly inside `rect`."""
    inset = width / 2 if edge is not None else 0.0
    painter.setPen(QPen(edge, width) if edge is not None else Qt.PenStyle.NoPen)
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(inset, inset, -inset, -inset), radius - inset, radius - inset)


RING = 5
"""How far the focus ring reaches inwards: a stroke of 3 and a bright one of 2."""


def focus_ring(painter: QPainter, rect: QRect, radius: float) -> None:
    """The ring that shows where the keyboard is: two strokes, so it stands out on every fill."""
    style = current_style()
    box(painter, rect, radius, None, style.colour("focus"), 3)
    box(painter, rect.adjusted(3, 3, -3, -3), max(radius - 3, 1), None, style.colour("card"), 2)


def text_width(font: Face, text: str) -> int:
    """Width of `text`, rounded up so that it is never cut by a fraction of a pixel."""
    return font.width(text)


def fitted(font: Face, text: str, room: int, floor: int = 14) -> Face:
    """`font`, made smaller (never under `floor` pixels) until `text` fits `room`."""
    while font.pixels > floor and font.width(text) > room:
        font = font.smaller(font.pixels - 1)
    return font


def key_chip_size(key: str) -> QSize:
    """Room a key hint takes; nothing for an empty hint."""
    if not key:
        return QSize(0, 0)
    font = current_style().font(Role.KEY)
    return QSize(max(font.width(key) + 14, 26), font.metrics.height() + 5)


def key_chip(painter: QPainter, rect: QRect, key: str, colour: QColor) -> None:
    """A key hint: the key's name in a thin box, in the colour of the text beside it."""
    box(painter, rect, 4, None, colour, 1)
    painter.setFont(current_style().font(Role.KEY))
    painter.setPen(colour)
    painter.drawText(rect, _CENTRE, key)


class Painted(QWidget):
    """A widget that paints itself from the style in force and follows it when it changes."""

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self.restyle()
        elif event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def restyle(self) -> None:
        """Take fonts and distances from the style again."""
        self.updateGeometry()
        self.update()

    def retranslate(self) -> None:
        """Set the kit's own words again; what the view said, the view renders again."""

    @property
    def look(self) -> Style:
        return current_style()


class PaintedButton(QAbstractButton):
    """A button that paints itself; it has a key of its own and takes focus from the keyboard only.

    A mouse or touch press leaves the focus alone, so `Enter` stays with the main action after *Ambil semua* was
    touched. A button that has the focus answers `Enter` itself, before any other button's key; one that is ticked or
    chosen answers to the space bar and leaves `Enter` to the button that shows it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._key = ""
        self._key_hint = ""
        self._shortcut: QShortcut | None = None

    @property
    def look(self) -> Style:
        return current_style()

    @property
    def key_hint(self) -> str:
        """The key as shown on the button."""
        return self._key_hint

    def set_key(self, key: str, hint: str | None = None) -> None:
        """Give the button a key (portable name, such as `Enter`, `Esc`, `F10`); an empty name takes it away.

        The key works while the button is visible and enabled. Holding it down presses once.
        """
        hint = key if hint is None else hint
        if key != self._key:
            self._key = key
            self._bind(key)
        if hint != self._key_hint:
            self._key_hint = hint
            self.updateGeometry()
            self.update()

    def _bind(self, key: str) -> None:
        if self._shortcut is None:
            self._shortcut = QShortcut(self)
            self._shortcut.setAutoRepeat(False)
            self._shortcut.activated.connect(self.click)
        self._shortcut.setEnabled(bool(key))
        if key:
            enter = [QKeySequence("Return"), QKeySequence("Enter")]
            self._shortcut.setKeys(enter if key == "Enter" else [QKeySequence(key)])

    def event(self, event: QEvent) -> bool:
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self.hasFocus()
            and not self.isCheckable()
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self.click()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self.restyle()
        elif event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def restyle(self) -> None:
        """Take fonts and distances from the style again."""
        self.updateGeometry()
        self.update()

    def retranslate(self) -> None:
        """Set the kit's own words again."""

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()
