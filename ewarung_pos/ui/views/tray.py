"""The practice tray: cards to put in, the simulated EDC, and how the next sale goes.

It stands for hands in front of an EDC, beside a till that is worked with the keyboard. So Enter is never the tray's: a
touch presses its buttons, or the space bar one that the Tab key was moved to.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.ui.viewmodels.tray import BEHAVIOURS, TrayState, TrayViewModel
from ewarung_pos.ui.views.kit import Flow, Panel, Role, SearchField, Text, Tone
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import box, fitted, focus_ring, smooth
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.parts import Box
from ewarung_pos.ui.views.tray_edc import ENTER, Chip, Face, Hand, SlipPaper, TrayShape

__all__ = ["PAGE_KEYS", "TrayView"]

PAGE_KEYS = ("Alt+N", "Alt+M")
"""Up and down the cards; no screen of the till has these, for the tray stands beside all of them."""

_NEXT_SALE = "Belanja KKS berikutnya"


class _TrayCard(Hand):
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
        return QSize(240, max(self.look.target, self.look.font(Role.BODY).metrics.height() * 2 + 8))

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
        above, below = bold.metrics.height(), small.metrics.height() if rest else 0
        top = (self.height() - above - below) // 2
        painter.setPen(ink)
        painter.setFont(bold)
        painter.drawText(QRect(side + 30, top, room, above), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(small)
        painter.setPen(self.look.colour("go-dark" if self._in else "soft-dark"))
        painter.drawText(QRect(side + 30, top + above, room, below), Qt.AlignmentFlag.AlignVCenter, rest)
        if self.hasFocus():
            focus_ring(painter, self.rect(), 6)


class _NextSale(Hand):
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
        above, below = small.metrics.height(), bold.metrics.height()
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
            and event.key() in (*ENTER, Qt.Key.Key_Escape)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


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
        self._face = Face(shape)
        self._face.pressed.connect(tray.press)
        self._away = Panel(pad=1.5 if wide else 1, tone=Tone.LOOK)
        self._away_words = Text(role=Role.SMALL, tone=Tone.LOOK, wrap=True)
        self._away.body.addWidget(self._away_words)
        self._chips = [Chip(value, label) for value, label in BEHAVIOURS] if wide else []
        for chip in self._chips:
            chip.clicked.connect(self._behave)
        self._turn = _NextSale(self)
        self._turn.clicked.connect(self._turn_behaviour)
        self._paper = SlipPaper(shape)
        self._paper.void.clicked.connect(tray.void)
        self._next: QWidget = self._turn
        if wide:
            chips = Flow(6)
            chips.setAccessibleName(_NEXT_SALE)
            chips.set_widgets([*self._chips])
            self._next = Box(gap=1)
            self._next.add(Text(_NEXT_SALE, Role.SMALL, Tone.SOFT), chips)
            self._turn.hide()
        self.search = _CardSearch("Nama atau 4 angka" if wide else "Cari kartu")
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
        if isinstance(chip, Chip):
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
