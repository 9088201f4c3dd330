"""The practice tray: cards to put in, the simulated EDC's display and keys, and how the next sale goes."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from ewarung_pos.ui.viewmodels.tray import BEHAVIOURS, TraySlip, TrayState, TrayViewModel
from ewarung_pos.ui.views.kit import Flow, Panel, Role, SearchField, Text, Tone
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, PaintedButton, box, fitted, focus_ring, smooth, text_width
from ewarung_pos.ui.views.parts import Box, PagedRows

__all__ = ["PAGE_KEYS", "TrayView"]

PAGE_KEYS = ("Alt+N", "Alt+M")
"""Up and down the cards; no screen of the till has these, for the tray stands beside all of them."""

_KEYS = ("1", "2", "3", "cancel", "4", "5", "6", "ok", "7", "8", "9", "0")
_ACROSS = 4
_NAMES = {"cancel": "Batal di EDC", "ok": "OK di EDC", "clear": "Hapus di EDC"}


class _TrayCard(PaintedButton):
    """One card that lies on the tray."""

    def __init__(self, row: str, label: str) -> None:
        super().__init__()
        self.row = row
        self._in = False
        self.setAccessibleName(label)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_inserted(self, inserted: bool) -> None:
        if inserted != self._in:
            self._in = inserted
            self.setAccessibleDescription("di dalam EDC" if inserted else "")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, max(self.look.target, QFontMetrics(self.look.font(Role.BODY)).height() * 2 + 8))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        if self._in:
            painter.fillRect(self.rect(), self.look.colour("go-tint"))
        elif self.underMouse() or self.isDown():
            painter.fillRect(self.rect(), self.look.colour("wash"))
        side = self.look.icon(Role.LEAD)
        ink = self.look.colour("go-dark" if self._in else "ink")
        paint_icon(painter, "credit-card", QRect(16, (self.height() - side) // 2, side, side), ink)
        name, _, rest = self.accessibleName().partition(" · ")
        room = self.width() - side - 44
        bold = fitted(self.look.font(Role.BODY, bold=True), name, room, floor=13)
        small = fitted(self.look.font(Role.SMALL), rest, room, floor=12)
        above, below = QFontMetrics(bold).height(), QFontMetrics(small).height() if rest else 0
        top = (self.height() - above - below) // 2
        painter.setPen(ink)
        painter.setFont(bold)
        painter.drawText(QRect(side + 30, top, room, above), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(small)
        painter.setPen(self.look.colour("go-dark" if self._in else "soft-dark"))
        painter.drawText(QRect(side + 30, top + above, room, below), Qt.AlignmentFlag.AlignVCenter, rest)
        if self.hasFocus():
            focus_ring(painter, self.rect(), 6)


class _EdcKey(PaintedButton):
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


class _Chip(PaintedButton):
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


class _Face(Painted):
    """The EDC: display and keys.

    Signals:
        pressed(str): a key of the EDC.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[str, ...] = ()
        self._keys = [_EdcKey(key, self) for key in _KEYS]
        self._grid = QGridLayout()
        self._grid.setSpacing(6)
        self._grid.setContentsMargins(16, 16, 16, 16)
        self._grid.setRowMinimumHeight(0, 76)
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
        display = QRect(16, 16, self.width() - 32, 72)
        box(painter, display, 8, self.look.colour("go-tint"), self.look.colour("go-line"), 1)
        painter.setPen(self.look.colour("go-dark"))
        count = max(len(self._lines), 1)
        for place, line in enumerate(self._lines):
            font = fitted(self.look.font(Role.BODY, bold=place > 0), line, display.width() - 16, floor=11)
            painter.setFont(font)
            height = (display.height() - 8) // count
            at = QRect(display.x(), display.y() + 4 + place * height, display.width(), height)
            painter.drawText(at, Qt.AlignmentFlag.AlignCenter, line)


class _SlipPaper(Panel):
    """The newest slip that the EDC printed, and VOID as in its own menu."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=1, parent=parent)
        self._title = Text(role=Role.SMALL, wrap=True)
        self._numbers = Text(role=Role.SMALL, wrap=True)
        self.void = _Chip("void", "VOID", checkable=False)
        self.void.setAccessibleDescription("Batalkan penarikan di EDC")
        words = Box(gap=0)
        words.add(self._title, self._numbers)
        across = Box(across=True, gap=1)
        across.add(words, stretch=1)
        across.add(self.void)
        self.body.addWidget(across)

    def paintEvent(self, _event: QPaintEvent) -> None:
        box(smooth(self), self.rect(), 4, self.look.colour("card"), self.look.colour("line"), 1)

    def render_state(self, slip: TraySlip | None) -> None:
        self.setVisible(slip is not None)
        if slip is not None:
            self._title.set_text(slip.title)
            self._numbers.set_text(slip.numbers)
            self.void.setVisible(slip.voidable)


class TrayView(Box):
    """The tray as a panel at the right or a window of its own."""

    def __init__(self, tray: TrayViewModel, parent: QWidget | None = None) -> None:
        super().__init__(gap=1, margins=(2, 2, 2, 2), parent=parent)
        self._tray = tray
        self._cards: list[_TrayCard] = []
        self.setObjectName("page")
        self.setWindowTitle("Latihan: kartu dan EDC")
        self._face = _Face()
        self._face.pressed.connect(tray.press)
        self._away = Panel(pad=1.5, tone=Tone.LOOK)
        self._away_words = Text(role=Role.SMALL, tone=Tone.LOOK, wrap=True)
        self._away.body.addWidget(self._away_words)
        self._behaviour = Flow(6)
        self._behaviour.setAccessibleName("Belanja KKS berikutnya")
        self._chips = [_Chip(value, label) for value, label in BEHAVIOURS]
        for chip in self._chips:
            chip.clicked.connect(self._behave)
        self._behaviour.set_widgets([*self._chips])
        self._rows = PagedRows("Kartu di meja", tall=56, keys=PAGE_KEYS)
        self._paper = _SlipPaper()
        self._paper.void.clicked.connect(tray.void)
        self.add(self._face, self._paper, self._away)
        self._next = Text("Belanja KKS berikutnya", Role.SMALL, Tone.SOFT)
        self.add(self._next, self._behaviour)
        self._found: tuple[tuple[str, str], ...] = ()
        self._state = TrayState()
        self.search = SearchField("Nama atau 4 angka")
        self.search.searched.connect(self._render_cards)
        self.search.submitted.connect(self._insert_only)
        self.add(self.search)
        self.add(self._rows, stretch=1)

    def render_state(self, state: TrayState) -> None:
        """Show cards and display."""
        self._state = state
        self._render_cards()
        self._face.render_state(state.display, asks_pin=state.asks_pin)
        self._paper.render_state(state.slip)
        for chip in self._chips:
            chip.setChecked(chip.value == state.behaviour)
        self._away.setVisible(state.away is not None)
        self._next.setVisible(state.away is None)
        self._behaviour.setVisible(state.away is None)
        if state.away is not None:
            self._away_words.set_text(f"{state.away.happened} {state.away.now}")

    def _render_cards(self) -> None:
        words = self.search.text().casefold().split()
        found = tuple(each for each in self._state.cards if all(word in each[1].casefold() for word in words))
        if found != self._found:
            self._found = found
            self._cards = [_TrayCard(row, label) for row, label in found]
            for card in self._cards:
                card.clicked.connect(self._insert)
            self._rows.set_rows(self._cards, keep_page=False)
        for card in self._cards:
            card.set_inserted(card.row == self._state.inserted)

    def _insert_only(self) -> None:
        self._render_cards()
        if len(self._found) == 1:
            self._tray.insert(self._found[0][0])

    def _behave(self) -> None:
        chip = self.sender()
        if isinstance(chip, _Chip):
            # The mark follows what the view-model says.
            chip.setChecked(False)
            self._tray.next_sale(chip.value)

    def _insert(self) -> None:
        card = self.sender()
        if isinstance(card, _TrayCard):
            self._tray.insert(card.row)

    def sizeHint(self) -> QSize:
        return QSize(340, 720)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.fillRect(self.rect(), self.look.colour("ground"))
        painter.fillRect(0, 0, 1, self.height(), self.look.colour("line"))
