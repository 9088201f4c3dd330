"""Stok: what is on the shelf, and *Terima barang*."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.domain.free_text import NOTE_NUMBER_CHARS, SUPPLIER_CHARS
from ewarung_pos.domain.units import dotted
from ewarung_pos.ui.viewmodels.stock import StockRow, StockState, StockViewModel
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Cell,
    Column,
    Density,
    EmptyState,
    FieldRow,
    Line,
    NumberField,
    Pages,
    Picture,
    Role,
    Run,
    Text,
    TextField,
    Tone,
    TroubleCard,
)
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.parts import READING, Box, Page, Stack, kit_trouble
from ewarung_pos.ui.views.room_table import RoomTable
from ewarung_pos.ui.views.said import Said

__all__ = ["StockView"]

MOST_PACKS = 9_999


def _columns(room: Density) -> tuple[Column[StockRow], ...]:
    """Where it is narrow the pack is left to the name, and in the smallest windows the content."""
    content: tuple[Column[StockRow], ...] = (
        Column("Isi", lambda each: Cell(each.content or "–", Tone.SOFT), right=True),
    )
    pack: tuple[Column[StockRow], ...] = (Column("Kemasan", lambda each: Cell(each.pack, Tone.SOFT)),)
    return (
        Column("Barang", lambda each: Cell(each.name, picture=each.pictogram), share=1),
        *(() if room in (Density.TIGHT, Density.COMPACT) else pack),
        Column("Di rak", _on_hand, right=True),
        *(() if room is Density.TIGHT else content),
        Column("Harga/kemasan", lambda each: Cell(each.price), right=True),
        Column("Batas/kemasan", _ceiling, right=True),
    )


def _on_hand(row: StockRow) -> Cell:
    return Cell("–", Tone.SOFT) if row.on_hand is None else Cell(dotted(row.on_hand), bold=True)


def _sum(row: StockRow) -> str:
    if row.on_hand is None:
        return f"+ {dotted(row.receiving)}" if row.receiving else "–"
    if not row.receiving:
        return dotted(row.on_hand)
    return f"{dotted(row.on_hand)} + {dotted(row.receiving)} = {dotted(row.on_hand + row.receiving)}"


def _ceiling(each: StockRow) -> Cell:
    if each.over_ceiling:
        return Cell(each.ceiling, Tone.STOP, icon="triangle-alert", badge=True)
    return Cell(each.ceiling or "–", Tone.SOFT)


class StockView(Stack):
    """Shows the shelf and hands every press to its view-model."""

    def __init__(self, stock: StockViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shelf = _ShelfPage(stock)
        self.receive = _ReceivePage(stock)
        self._mode = ""
        self.addWidget(self.shelf)
        self.addWidget(self.receive)

    def render_state(self, state: StockState) -> None:
        """Show the page of the state's mode."""
        if state.mode == "receive":
            self.receive.render_state(state, fresh=self._mode != "receive")
            self.show_page(self.receive)
        else:
            self.shelf.render_state(state)
            self.show_page(self.shelf)
        if state.mode != self._mode:
            self._mode = state.mode
            self.take_keyboard()

    def take_keyboard(self) -> None:
        """The supplier is typed first; on the shelf the arrows move through the rows."""
        if self.currentWidget() is self.receive:
            self.receive.supplier.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.shelf.table.take_keyboard()


class _ShelfPage(Page):
    def __init__(self, stock: StockViewModel) -> None:
        super().__init__()
        head = Box(across=True, gap=2)
        self._blind = Text(
            "Jumlah di rak disembunyikan selama stok dihitung.",
            Role.BODY,
            Tone.SOFT,
            wrap=True,
        )
        head.add(Text("Stok di rak", Role.TITLE)).add(self._blind, stretch=4).space()
        self.begin = BigButton("Terima barang", kind=ButtonKind.PRIMARY, icon="truck", key="F9")
        self.begin.clicked.connect(stock.begin_receiving)
        head.add(self.begin)
        self._said = Said()
        self._card = Card(pad=0, spacing=0)
        self._empty = EmptyState("package", height=96)
        self.table: RoomTable[StockRow] = RoomTable("Stok di rak", _columns, self._empty)
        self._card.body.addWidget(self.table, 1)
        self._trouble = TroubleCard()
        self._trouble.acted.connect(stock.dismiss)
        self._body = Pages()
        self._body.addWidget(self._card)
        self._body.addWidget(self._trouble)
        self.add(head, self._said)
        self.add(self._body, stretch=1)

    def render_state(self, state: StockState) -> None:
        self._said.render_state(state.said)
        self._blind.setVisible(state.blind)
        self.begin.set_reason("hari sedang ditutup" if state.closing else "")
        self.table.set_rows(state.rows)
        title, detail = ("Belum ada barang", "Daftar barang datang dari kota lewat Sinkron.") if state.read else READING
        self._empty.render_state("package", title, detail)
        if state.notice is not None:
            self._trouble.render_state(kit_trouble(state.notice))
        self._body.show_page(self._trouble if state.notice is not None else self._card)


class _ReceiveLine(Box):
    def __init__(self, stock: StockViewModel, row: StockRow) -> None:
        super().__init__(across=True, gap=2, margins=(2.75, 0.5, 2.75, 0.5))
        self._stock = stock
        self._product = row.product
        self._row = row
        self._picture = Picture(row.pictogram, height=44)
        self._place = Box()
        self._place.add(self._picture, align=Qt.AlignmentFlag.AlignCenter)
        words = Box(gap=0.25)
        self._name = Text(row.name, Role.LEAD, wrap=True)
        self._now = Line()
        words.space().add(self._name, self._now).space()
        self.field = NumberField(f"{row.name}, jumlah datang", most=MOST_PACKS)
        self.field.setPlaceholderText("0")
        self.field.changed.connect(self._typed)
        self.field.limited.connect(self._limit)
        self._limited = False
        self._unit = Text(row.pack, Role.BODY, Tone.SOFT)
        self.add(self._place).add(words, stretch=1).add(self._unit, self.field)
        self.restyle()

    def restyle(self) -> None:
        super().restyle()
        self._place.setFixedWidth(self.look.size(52))

    def render_state(self, row: StockRow) -> None:
        self._row = row
        runs = [Run("di rak", Role.BODY, Tone.SOFT)]
        if self._limited:
            runs = [Run(f"Paling banyak {dotted(MOST_PACKS)} sekali catat.", Role.BODY, Tone.LOOK, bold=True)]
        else:
            runs.append(Run(_sum(row), Role.BODY, Tone.GO if row.receiving else Tone.INK, bold=True))
        self._now.set_runs(tuple(runs))
        if not self.field.hasFocus() or (self.field.value() or 0) != row.receiving:
            self.field.set_value(row.receiving or None)

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(hint.width(), max(hint.height(), 60))

    def _limit(self) -> None:
        self._limited = True
        self.render_state(self._row)

    def _typed(self) -> None:
        self._limited = False
        self._stock.set_receiving(self._product, self.field.value() or 0)


class _ReceivePage(Page):
    def __init__(self, stock: StockViewModel) -> None:
        super().__init__()
        self._stock = stock
        self._lines: dict[str, _ReceiveLine] = {}
        head = Box(across=True, gap=2.5)
        self._title = Text("Terima barang", Role.TITLE)
        self.supplier = TextField()
        self.supplier.setMaxLength(SUPPLIER_CHARS)
        self.note = TextField()
        self.note.setMaxLength(NOTE_NUMBER_CHARS)
        self.supplier.textEdited.connect(self._described)
        self.note.textEdited.connect(self._described)
        head.add(FieldRow("Pemasok (toko atau lembaga)", self.supplier), stretch=3)
        head.add(FieldRow("Nomor surat jalan (boleh kosong)", self.note), stretch=2)
        self._rows = PagedRows("Barang yang datang", tall=76)
        card = Card(pad=0, spacing=0)
        card.body.addWidget(self._rows, 1)
        self._trouble = TroubleCard()
        self._trouble.acted.connect(stock.dismiss)
        self._body = Pages()
        self._body.addWidget(card)
        self._body.addWidget(self._trouble)
        self._card = card
        foot = Box(across=True, gap=2.5)
        self.back = BigButton("Batal", icon="x", key="Esc")
        self.back.clicked.connect(stock.back)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self._sum = Text(role=Role.LEAD, bold=True, wrap=True, align=right)
        self.receive = BigButton("CATAT BARANG MASUK", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.receive.clicked.connect(stock.receive)
        foot.add(self.back, align=Qt.AlignmentFlag.AlignVCenter).add(self._sum, stretch=1).add(self.receive)
        self._rows.set_followers(self.back, self.receive)
        self._rows.set_after(self._entered)
        self.supplier.set_onward(self.note.setFocus)
        self.note.set_onward(self._first)
        self.add(self._title, head)
        self.add(self._body, stretch=1)
        self.add(foot)

    def render_state(self, state: StockState, *, fresh: bool) -> None:
        if fresh or not self.supplier.hasFocus():
            self.supplier.setText(state.supplier)
        if fresh or not self.note.hasFocus():
            self.note.setText(state.note)
        if [row.product for row in state.rows] != list(self._lines):
            self._lines = {row.product: _ReceiveLine(self._stock, row) for row in state.rows}
            for row in state.rows:
                self._lines[row.product].render_state(row)
            self._rows.set_rows(tuple(self._lines.values()), keep_page=False)
        for row in state.rows:
            self._lines[row.product].render_state(row)
        packs = sum(row.receiving for row in state.rows)
        self._sum.set_text(state.asks or (f"{dotted(packs)} kemasan" if packs else ""))
        self._sum.set_tone(Tone.LOOK if state.asks else Tone.INK)
        self.receive.set_text("YA, CATAT" if state.asks else "CATAT BARANG MASUK")
        self.back.set_text("Perbaiki" if state.asks else "Batal")
        self.back.set_icon("arrow-left" if state.asks else "x")
        missing = "isi pemasok" if not state.supplier.strip() else "isi jumlah barang" if not packs else ""
        self.receive.set_reason("" if state.can_receive else missing or "sedang dicatat")
        if state.notice is not None:
            self._trouble.render_state(kit_trouble(state.notice))
        self._body.show_page(self._trouble if state.notice is not None else self._card)
        self.receive.setVisible(state.notice is None)

    def _first(self) -> None:
        for line in self._lines.values():
            self._rows.take_keyboard(line)
            return

    def _entered(self) -> None:
        """After the last number: the main button, or what is still missing."""
        if self.receive.isEnabled():
            self.receive.setFocus(Qt.FocusReason.TabFocusReason)
        elif not self.supplier.text().strip():
            self.supplier.setFocus(Qt.FocusReason.TabFocusReason)
        else:
            self._first()

    def _described(self) -> None:
        self._stock.describe(self.supplier.text(), self.note.text())
