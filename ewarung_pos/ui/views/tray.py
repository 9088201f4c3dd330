"""The practice tray: cards to put in, the simulated EDC's display and keys, and how the next sale goes.

It stands for hands in front of an EDC, beside a till that is worked with the keyboard. So Enter is never the tray's: a
touch presses its buttons, or the space bar one that the Tab key was moved to.
"""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QWidget

from ewarung_pos.ui.viewmodels.tray import BEHAVIOURS, TraySlip, TrayState, TrayViewModel
from ewarung_pos.ui.views.kit import Flow, Panel, Role, SearchField, Text, Tone, row
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, PaintedButton, box, fitted, focus_ring, smooth, text_width
from ewarung_pos.ui.views.parts import Box, PagedRows

__all__ = ["PAGE_KEYS", "TrayShape", "TrayView"]

PAGE_KEYS = ("Alt+N", "Alt+M")
"""Up and down the cards; no screen of the till has these, for the tray stands beside all of them."""

_KEYS = ("1", "2", "3", "cancel", "4", "5", "6", "ok", "7", "8", "9", "0")
_ACROSS = 4
_NEXT_SALE = "Belanja KKS berikutnya"
_NO_SLIP = ("Belum ada slip EDC",)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
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


class _Hand(PaintedButton):
    """A button of the tray; it leaves Enter to the till."""

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride:
            return QAbstractButton.event(self, event)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _ENTER:
            event.ignore()
        else:
            super().keyPressEvent(event)


class _TrayCard(_Hand):
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


class _EdcKey(_Hand):
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


class _Chip(_Hand):
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


class _NextSale(_Hand):
    """How the next sale goes, in one line: each press is the next way."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.value = BEHAVIOURS[0][0]
        self.setAccessibleName(_NEXT_SALE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def following(self) -> str:
        """The way after this one."""
        values = [value for value, _ in BEHAVIOURS]
        return values[(values.index(self.value) + 1) % len(values)]

    def render_state(self, value: str) -> None:
        self.value = value
        self.setAccessibleDescription(dict(BEHAVIOURS)[value])
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, self.look.target)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        plain = self.value == BEHAVIOURS[0][0]
        fill = "wash" if self.underMouse() or self.isDown() else "card" if plain else "look-tint"
        box(painter, self.rect(), 8, self.look.colour(fill), self.look.colour("edge" if plain else "look"), 2)
        side, room = self.look.icon(Role.BODY), self.width() - 16
        small = fitted(self.look.font(Role.SMALL), _NEXT_SALE, room, floor=11)
        bold = fitted(self.look.font(Role.SMALL, bold=True), self.accessibleDescription(), room - side, floor=12)
        above, below = QFontMetrics(small).height(), QFontMetrics(bold).height()
        top = (self.height() - above - below) // 2
        painter.setFont(small)
        painter.setPen(self.look.colour("soft-dark"))
        painter.drawText(QRect(8, top, room, above), Qt.AlignmentFlag.AlignVCenter, _NEXT_SALE)
        ink = self.look.colour("ink" if plain else "look-dark")
        painter.setFont(bold)
        painter.setPen(ink)
        painter.drawText(
            QRect(8, top + above, room, below), Qt.AlignmentFlag.AlignVCenter, self.accessibleDescription()
        )
        paint_icon(painter, "refresh-cw", QRect(8 + room - side, top + above, side, below), ink)
        if self.hasFocus():
            focus_ring(painter, self.rect(), 8)


class _CardSearch(SearchField):
    """Keeps Enter and Esc from the till's buttons while a card is looked for.

    Signals:
        left: Esc was pressed.
    """

    left = Signal()

    def event(self, event: QEvent) -> bool:
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (*_ENTER, Qt.Key.Key_Escape)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class _Face(Painted):
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
            font.setPixelSize(min(font.pixelSize(), height - 1))
            painter.setFont(font)
            at = QRect(display.x(), display.y() + 4 + place * height, display.width(), height)
            painter.drawText(at, Qt.AlignmentFlag.AlignCenter, line)


class _SlipPaper(Painted):
    """The newest slip that the EDC printed, and VOID as in its own menu.

    Its place is kept while there is none: what stands below must not move away under a finger.
    """

    def __init__(self, shape: TrayShape, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wide = shape is TrayShape.WIDE
        self._lines: tuple[str, ...] = _NO_SLIP
        self.void = _Chip("void", "VOID", checkable=False)
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
        return QSize(200, max(self.look.target, lines * QFontMetrics(self.look.font(Role.SMALL)).height()) + 6)

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
        heights = [QFontMetrics(font).height() for font in fonts]
        top = (self.height() - sum(heights)) // 2
        painter.setPen(self.look.colour("ink" if self.void.isEnabled() else "soft-dark"))
        for line, font, height in zip(self._lines, fonts, heights, strict=True):
            painter.setFont(font)
            painter.drawText(QRect(10, top, room, height), Qt.AlignmentFlag.AlignVCenter, line)
            top += height


class TrayView(Box):
    """The tray at the right of the till, or over it where there is no room beside.

    Signals:
        served: a card was put in, or none is looked for any more; what is typed next is meant for the till.
    """

    served = Signal()

    def __init__(self, tray: TrayViewModel, shape: TrayShape = TrayShape.WIDE, parent: QWidget | None = None) -> None:
        wide = shape is TrayShape.WIDE
        super().__init__(across=True, parent=parent)
        self.shape = shape
        self._tray = tray
        self._cards: list[_TrayCard] = []
        self._found: tuple[tuple[str, str], ...] = ()
        self._state = TrayState()
        self.setObjectName("page")
        self.setFixedWidth(shape.width)
        self.setAccessibleName("Latihan: kartu dan EDC")
        self._face = _Face(shape)
        self._face.pressed.connect(tray.press)
        self._away = Panel(pad=1.5 if wide else 1, tone=Tone.LOOK)
        self._away_words = Text(role=Role.SMALL, tone=Tone.LOOK, wrap=True)
        self._away.body.addWidget(self._away_words)
        self._chips = [_Chip(value, label) for value, label in BEHAVIOURS] if wide else []
        for chip in self._chips:
            chip.clicked.connect(self._behave)
        self._turn = _NextSale(self)
        self._turn.clicked.connect(self._turn_behaviour)
        self._paper = _SlipPaper(shape)
        self._paper.void.clicked.connect(tray.void)
        self._next: QWidget = self._turn
        if wide:
            chips = Flow(6)
            chips.setAccessibleName(_NEXT_SALE)
            chips.set_widgets([*self._chips])
            self._next = Box(gap=1)
            self._next.add(Text(_NEXT_SALE, Role.SMALL, Tone.SOFT), chips)
            self._turn.hide()
        self.search = _CardSearch("Nama atau 4 angka")
        self.search.left.connect(self.served)
        self.search.searched.connect(self._render_cards)
        self.search.submitted.connect(self._insert_only)
        self._rows = PagedRows("Kartu di meja", tall=56, keys=PAGE_KEYS)
        hands, cards = Box(gap=0.75), Box(gap=0.75)
        hands.add(self._face, self._paper, self._away, self._next)
        cards.add(self.search)
        cards.add(self._rows, stretch=1)
        if shape is TrayShape.SPREAD:
            hands.setFixedWidth(shape.width // 2 - 4)
            hands.space()
            self.add(hands, cards, stretch=1)
        else:
            hands.add(cards, stretch=1)
            self.add(hands)
        self._respace()

    def _respace(self) -> None:
        # Not of the grid: the keys need each pixel of a narrow column.
        edge = 4 if getattr(self, "shape", TrayShape.WIDE) is not TrayShape.WIDE else self.look.gap(2)
        self.lay.setSpacing(2 * edge)
        self.lay.setContentsMargins(edge, edge, edge, edge)

    def render_state(self, state: TrayState) -> None:
        """Show cards and display."""
        self._state = state
        self._render_cards()
        self._face.render_state(state.display, asks_pin=state.asks_pin)
        self._paper.render_state(state.slip)
        for chip in self._chips:
            chip.setChecked(chip.value == state.behaviour)
        self._turn.render_state(state.behaviour)
        self._away.setVisible(state.away is not None)
        self._next.setVisible(state.away is None)
        self._paper.setVisible(state.away is None)
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
            self._put_in(self._found[0][0])

    def _put_in(self, row: str) -> None:
        self._tray.insert(row)
        self.served.emit()

    def _turn_behaviour(self) -> None:
        self._tray.next_sale(self._turn.following())

    def _behave(self) -> None:
        chip = self.sender()
        if isinstance(chip, _Chip):
            # The mark follows what the view-model says.
            chip.setChecked(False)
            self._tray.next_sale(chip.value)

    def _insert(self) -> None:
        card = self.sender()
        if isinstance(card, _TrayCard):
            self._put_in(card.row)

    def sizeHint(self) -> QSize:
        return QSize(self.shape.width, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.fillRect(self.rect(), self.look.colour("ground"))
        painter.fillRect(0, 0, 1, self.height(), self.look.colour("line"))
