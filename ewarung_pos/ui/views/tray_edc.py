"""The simulated EDC on the tray: its display and keys, the slip that it printed, and the shapes a tray can have."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QWidget

from ewarung_pos.ui.viewmodels.tray import TraySlip
from ewarung_pos.ui.views.kit import Role, row
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, PaintedButton, box, fitted, focus_ring, smooth, text_width

__all__ = ["ENTER", "Chip", "Face", "Hand", "SlipPaper", "TrayShape"]

ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
"""Never the tray's: the till beside it is worked with the keyboard."""

_KEYS = ("1", "2", "3", "cancel", "4", "5", "6", "ok", "7", "8", "9", "0")
_ACROSS = 4
_NO_SLIP = ("Belum ada slip EDC",)
_NAMES = {"cancel": "Batal di EDC", "ok": "OK di EDC", "clear": "Hapus di EDC"}


class TrayShape(StrEnum):
    """A column of its full width, a narrow one, or two narrow ones side by side where it is low."""

    WIDE = "wide"
    NARROW = "narrow"
    SPREAD = "spread"

    @property
    def width(self) -> int:
        """In pixels: a narrow column holds four keys of the least size."""
        return {"wide": 340, "narrow": 224, "spread": 448}[self.value]


class Hand(PaintedButton):
    """A button of the tray; it leaves Enter to the till."""

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride:
            return QAbstractButton.event(self, event)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in ENTER:
            event.ignore()
        else:
            super().keyPressEvent(event)


class _EdcKey(Hand):
    def __init__(self, key: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.edc_key = key
        if key == "cancel":  # an Enter meant for the till must not stop the EDC
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(_NAMES.get(key, f"{key} di EDC"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(64, self.look.target)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        fill = {"ok": "go", "cancel": "stop"}.get(self.edc_key, "card")
        if not self.isEnabled():
            fill = "wash"
        elif fill == "card" and (self.isDown() or self.underMouse()):
            fill = "go-tint" if self.isDown() else "track"
        box(painter, self.rect(), 8, self.look.colour(fill), self.look.colour("edge"), 1)
        ink = "soft-dark" if not self.isEnabled() else "on-go" if fill in {"go", "stop"} else "ink"
        icon = {"ok": "check", "cancel": "x"}.get(self.edc_key)
        if icon is not None:
            side = self.look.icon(Role.BODY)
            at = QRect((self.width() - side) // 2, (self.height() - side) // 2, side, side)
            paint_icon(painter, icon, at, self.look.colour(ink))
        else:
            painter.setFont(self.look.font(Role.LEAD, bold=True))
            painter.setPen(self.look.colour(ink))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.edc_key)
        if self.hasFocus():
            focus_ring(painter, self.rect(), 8)


class Chip(Hand):
    """One way the next sale can go, or a small thing to press."""

    def __init__(self, value: str, label: str, *, checkable: bool = True) -> None:
        super().__init__()
        self.value = value
        self.setCheckable(checkable)
        self.setAccessibleName(label)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(text_width(self.look.font(Role.SMALL, bold=True), self.accessibleName()) + 20, self.look.target)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        chosen = self.isChecked()
        fill = "go-tint" if chosen else "wash" if self.underMouse() or self.isDown() else "card"
        edge, ink = ("go", "go-dark") if chosen else ("edge", "ink")
        box(painter, self.rect(), 8, self.look.colour(fill), self.look.colour(edge), 3 if chosen else 2)
        painter.setFont(self.look.font(Role.SMALL, bold=chosen))
        painter.setPen(self.look.colour(ink))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.accessibleName())
        if self.hasFocus():
            focus_ring(painter, self.rect(), 8)


class Face(Painted):
    """The EDC: display and keys.

    Signals:
        pressed(str): a key of the EDC.
    """

    pressed = Signal(str)

    def __init__(self, shape: TrayShape, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[str, ...] = ()
        self._keys = [_EdcKey(key, self) for key in _KEYS]
        wide = shape is TrayShape.WIDE
        self._edge, self._display = (16, 72) if wide else (6, 56)
        gap = 6 if wide else 4
        self._grid = QGridLayout()
        self._grid.setSpacing(gap)
        self._grid.setContentsMargins(self._edge, self._edge, self._edge, self._edge)
        self._grid.setRowMinimumHeight(0, self._display + 4)
        for place, key in enumerate(self._keys):
            key.clicked.connect(self._press)
            self._grid.addWidget(key, place // _ACROSS + 1, place % _ACROSS)
        self.setLayout(self._grid)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def render_state(self, lines: tuple[str, ...], *, asks_pin: bool) -> None:
        self._lines = lines
        self.setAccessibleName("Layar EDC: " + ", ".join(lines))
        for key in self._keys:
            key.setEnabled(asks_pin or (bool(lines) and key.edc_key == "cancel"))
        self.update()

    def _press(self) -> None:
        key = self.sender()
        if isinstance(key, _EdcKey):
            self.pressed.emit(key.edc_key)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        box(painter, self.rect(), 18, self.look.colour("ink" if not self.look.theme.dark else "wash"))
        display = QRect(self._edge, self._edge, self.width() - 2 * self._edge, self._display)
        box(painter, display, 8, self.look.colour("go-tint"), self.look.colour("go-line"), 1)
        painter.setPen(self.look.colour("go-dark"))
        count = max(len(self._lines), 1)
        for place, line in enumerate(self._lines):
            height = (display.height() - 8) // count
            font = fitted(self.look.font(Role.BODY, bold=place > 0), line, display.width() - 16, floor=11)
            painter.setFont(font.smaller(min(font.pixels, height - 1)))
            at = QRect(display.x(), display.y() + 4 + place * height, display.width(), height)
            painter.drawText(at, Qt.AlignmentFlag.AlignCenter, line)


class SlipPaper(Painted):
    """The newest slip that the EDC printed, and VOID as in its own menu.

    Its place is kept while there is none: what stands below must not move away under a finger.
    """

    def __init__(self, shape: TrayShape, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wide = shape is TrayShape.WIDE
        self._lines: tuple[str, ...] = _NO_SLIP
        self.void = Chip("void", "VOID", checkable=False)
        self.void.setAccessibleDescription("Batalkan penarikan di EDC")
        line = row()
        line.setContentsMargins(8, 3, 6, 3)
        line.addStretch(1)
        line.addWidget(self.void)
        self.setLayout(line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def render_state(self, slip: TraySlip | None) -> None:
        self.void.setEnabled(slip is not None and slip.voidable)
        lines: tuple[str, ...] = _NO_SLIP
        if slip is not None:
            lines = (slip.title, slip.numbers)
        if slip is not None and not self._wide:  # each number whole, to be read and copied
            sale, dots, last4 = slip.title.partition("••••")
            lines = (sale.strip(), dots + last4, *slip.numbers.split(" · "))
        if lines != self._lines:
            self._lines = lines
            self.setAccessibleName("Slip EDC: " + ", ".join(lines))
            self.update()

    def sizeHint(self) -> QSize:
        lines = 2 if self._wide else 4
        return QSize(200, max(self.look.target, lines * self.look.font(Role.SMALL).metrics.height()) + 6)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        box(painter, self.rect(), 4, self.look.colour("card"), self.look.colour("line"), 1)
        room = self.void.x() - 16
        fonts = [
            fitted(self.look.font(Role.SMALL, bold=not place), line, room, floor=11)
            for place, line in enumerate(self._lines)
        ]
        heights = [font.metrics.height() for font in fonts]
        top = (self.height() - sum(heights)) // 2
        painter.setPen(self.look.colour("ink" if self.void.isEnabled() else "soft-dark"))
        for line, font, height in zip(self._lines, fonts, heights, strict=True):
            painter.setFont(font)
            painter.drawText(QRect(10, top, room, height), Qt.AlignmentFlag.AlignVCenter, line)
            top += height
