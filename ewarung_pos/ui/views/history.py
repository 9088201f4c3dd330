"""Riwayat: find a receipt, look at it as printed, print it again, or undo it with the leader's PIN."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QBoxLayout, QWidget

from ewarung_pos.ui.viewmodels.history import REASONS, HistoryLine, HistoryState, HistoryViewModel
from ewarung_pos.ui.views.document import PaperView
from ewarung_pos.ui.views.kit import (
    Badge,
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Cell,
    Choice,
    Column,
    Density,
    EmptyState,
    Option,
    Pages,
    Role,
    SearchField,
    Text,
    Tone,
    TroubleCard,
)
from ewarung_pos.ui.views.leader_pin import PinCard
from ewarung_pos.ui.views.parts import READING, Action, Box, Page, Stack, is_narrow, kit_trouble
from ewarung_pos.ui.views.room_table import RoomTable
from ewarung_pos.ui.views.said import Said

__all__ = ["HistoryView"]


def _status(line: HistoryLine) -> tuple[str, Tone, str]:
    first = line.status.split(" · ", maxsplit=1)[0]
    tone, icon = {"dibatalkan": (Tone.STOP, "ban"), "pembatalan": (Tone.INFO, "undo-2")}.get(first, (Tone.GO, "check"))
    if "belum dicetak" in line.status:
        tone, icon = Tone.LOOK, "printer"
    # Only what is out of the ordinary is said beside: "asli · 1 salinan" is short for it.
    words = line.status.removeprefix("asli · ")
    return {"asli": "tercatat"}.get(words, words), tone, icon


def _columns(room: Density) -> tuple[Column[HistoryLine], ...]:
    """Where it is narrow the goods are left to the receipt itself, and in the smallest windows the time."""
    time: tuple[Column[HistoryLine], ...] = (Column("Jam", lambda each: Cell(each.time, Tone.SOFT)),)
    goods: tuple[Column[HistoryLine], ...] = (Column("Barang", lambda each: Cell(each.goods, Tone.SOFT), share=2),)
    return (
        Column("Struk", lambda each: Cell(each.number, bold=True)),
        *(() if room is Density.TIGHT else time),
        Column("Keluarga", lambda each: Cell(f"{each.name} {each.card}"), share=3),
        *(() if room in (Density.TIGHT, Density.COMPACT) else goods),
        Column("Jumlah", lambda each: Cell(each.total, bold=True), right=True),
        Column("Keadaan", _status_cell, right=True),
    )


def _status_cell(line: HistoryLine) -> Cell:
    words, tone, icon = _status(line)
    return Cell(words, tone, icon=icon, badge=True)


class HistoryView(Stack):
    """Shows the history's state and hands every press to its view-model."""

    def __init__(self, history: HistoryViewModel, act: Action, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = ""
        self._list = _ListPage(history, act)
        self._receipt = _ReceiptPage(history, act)
        for page in (self._list, self._receipt):
            self.addWidget(page)

    def render_state(self, state: HistoryState) -> None:
        """Show the page of the state's mode."""
        if state.mode == "list" or state.selected is None:
            self._list.render_state(state)
            self.show_page(self._list)
        else:
            self._receipt.render_state(state, state.selected)
            self.show_page(self._receipt)
        if state.mode != self._mode:
            self._mode = state.mode
            self.take_keyboard()

    def take_keyboard(self) -> None:
        """What is typed is searched, moves the paper, or is the PIN."""
        (self._receipt if self.currentWidget() is self._receipt else self._list).take_keyboard(self._mode)


class _ListPage(Page):
    def __init__(self, history: HistoryViewModel, act: Action) -> None:
        super().__init__()
        self._history = history
        self._act = act
        self._action = ""
        self._query = ""
        self._asked = ""
        head = Box(across=True, gap=2)
        self._title = Text(role=Role.TITLE)
        self._hint = Text(role=Role.BODY, tone=Tone.SOFT)
        head.add(self._title).space().add(self._hint)
        self._said = Said()
        card = Card(pad=0, spacing=0)
        search = Box(margins=(2, 2, 2, 1))
        self.search = SearchField("Nama, 4 angka kartu, nomor struk, atau pindai QR struk")
        self.search.searched.connect(self._search)
        self.search.submitted.connect(self._submit)
        clear = QShortcut(QKeySequence("Esc"), self)
        clear.activated.connect(self._clear)
        search.add(self.search)
        self._empty = EmptyState("package", height=96)
        self.table: RoomTable[HistoryLine] = RoomTable("Struk", _columns, self._empty)
        self.table.opened.connect(self._open)
        self.search.went_down.connect(self.table.step_down)
        self._trouble = TroubleCard()
        self._trouble.acted.connect(self._acted)
        card.body.addWidget(search)
        card.body.addWidget(self.table, 1)
        self._below = Pages()
        self._below.addWidget(card)
        self._below.addWidget(self._trouble)
        self._card = card
        self.add(head, self._said)
        self.add(self._below, stretch=1)

    def render_state(self, state: HistoryState) -> None:
        self._title.set_text(f"Riwayat · {state.title}")
        self._said.render_state(state.said)
        opens = ("Enter membuka struk",) if state.rows else ()
        self._hint.set_text(" · ".join((*opens, *(("Esc semua struk hari ini",) if state.query else ()))))
        if state.query not in (self._query, self._asked):  # not by typing: another visit began
            self.search.forget()
            self.search.setText(state.query)
        if state.query != self._query:
            self._query = self._asked = state.query
        self.table.set_rows(state.rows, choose_first=True)
        if not state.read:
            title, detail = READING
        elif state.query:
            title, detail = "Tidak ada struk yang cocok", "Periksa lagi nama atau nomornya."
        else:
            title, detail = "Belum ada struk hari ini", "Struk muncul di sini setelah penyaluran pertama."
        self._empty.render_state("package", title, detail, title_role=Role.HEADING)
        if state.notice is not None:
            self._action = state.notice.action
            self._trouble.render_state(kit_trouble(state.notice))
        self._below.show_page(self._trouble if state.notice is not None else self._card)

    def take_keyboard(self, mode: str) -> None:
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)

    def _search(self, words: str) -> None:
        self._asked = words
        self._history.search(words)

    def _submit(self, words: str) -> None:
        """Enter opens the row that is marked; where it came before the hits, no row was seen to be marked."""
        self._asked = words
        row = self.table.chosen()
        if row is not None and words == self._query:
            self._history.open(row.entry)
        else:
            self._history.submit(words)

    def _clear(self) -> None:
        self.search.forget()
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)
        self._search("")

    def _open(self, place: int) -> None:
        self._history.open(self.table.row(place).entry)

    def _acted(self) -> None:
        self._history.dismiss()
        if self._action == "reprint":
            self._history.reprint()
        elif self._action != "dismiss":
            self._act(self._action)


class _ReceiptPage(Page):
    """The paper at the left; at the right what can be done with it, why, and the leader's PIN."""

    def __init__(self, history: HistoryViewModel, act: Action) -> None:
        super().__init__(across=True)
        self._history = history
        self._act = act
        self._action = ""
        self._paper = PaperView()
        self.add(self._paper)
        self._right = Stack()
        self._facts = self._make_facts()
        self._reason = self._make_reason()
        self._pin = PinCard()
        self._pin.left.connect(history.back)
        self._trouble = TroubleCard()
        self._trouble.acted.connect(self._acted)
        for page in (self._facts, self._reason, self._pin, self._trouble):
            self._right.addWidget(page)
        self.add(self._right, stretch=1)
        self._fit()

    def _make_facts(self) -> Card:
        card = Card(pad=3, spacing=2)
        head = Box(gap=1)
        self._number = Text(role=Role.TITLE)
        self._who = Text(role=Role.LEAD, wrap=True)
        self._goods = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        self._total = Text(role=Role.QUANTITY)
        self._badge = Badge()
        head.add(self._number, self._who, self._goods, self._total)
        head.add(self._badge, align=Qt.AlignmentFlag.AlignLeft)
        self._said = Said()
        self._why_not = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        card.body.addWidget(head)
        card.body.addWidget(self._said)
        card.body.addStretch(1)
        card.body.addWidget(self._why_not)
        self._actions = first = Box(across=True, gap=1.5)
        self.reprint = BigButton("Cetak ulang", kind=ButtonKind.STRONG, size=ButtonSize.PLAIN, icon="printer", key="F9")
        self.reprint.clicked.connect(self._history.reprint)
        self.pdf = BigButton("Simpan PDF", size=ButtonSize.PLAIN, icon="receipt-text", key="F8")
        self.pdf.clicked.connect(self._history.save_pdf)
        self.reverse = BigButton("Batalkan", size=ButtonSize.PLAIN, icon="undo-2", key="Del")
        self.reverse.clicked.connect(self._history.ask_reversal)
        first.add(self.reprint, self.reverse, stretch=1)
        self.back = BigButton("Kembali", size=ButtonSize.PLAIN, icon="arrow-left", key="Esc")
        self.back.clicked.connect(self._history.back)
        self._rest = rest = Box(across=True, gap=1.5)
        rest.add(self.pdf, self.back, stretch=1)
        card.body.addWidget(first)
        card.body.addWidget(rest)
        return card

    def _make_reason(self) -> Card:
        card = Card(pad=3, spacing=2)
        card.body.addWidget(Text("Mengapa dibatalkan?", Role.TITLE, wrap=True))
        self._back_first = Text(role=Role.BODY, wrap=True, bold=True)
        card.body.addWidget(self._back_first)
        card.body.addWidget(
            Text("Struk yang asli tetap tersimpan; struk pembatalan dicetak.", Role.BODY, Tone.SOFT, wrap=True)
        )
        self.reasons = Choice("Alasan pembatalan", stretch=False)
        self.reasons.set_options(
            tuple(Option(value, label, f"Alt+{place}") for place, (value, label) in enumerate(REASONS, 1))
        )
        self.reasons.chosen.connect(self._history.choose_reason)
        card.body.addWidget(self.reasons)
        card.body.addStretch(1)
        back = BigButton("Kembali", icon="arrow-left", size=ButtonSize.COUNTER, key="Esc")
        back.clicked.connect(self._history.back)
        card.body.addWidget(back, 0, Qt.AlignmentFlag.AlignLeft)
        return card

    def restyle(self) -> None:
        super().restyle()
        if hasattr(self, "_actions"):
            self._fit()

    def _fit(self) -> None:
        down = self.look.room is Density.TIGHT
        for line in (self._actions, self._rest):
            line.lay.setDirection(QBoxLayout.Direction.TopToBottom if down else QBoxLayout.Direction.LeftToRight)

    def render_state(self, state: HistoryState, line: HistoryLine) -> None:
        self._paper.set_document(state.document)
        self._number.set_text(f"Struk {line.number}")
        self._who.set_text(f"{line.name} {line.card}, jam {line.time}")
        self._goods.set_text(line.goods)
        self._goods.setVisible(not state.no_paper or self.look.room is not Density.TIGHT)  # it stands on the paper too
        self._total.set_text(line.total)
        self._badge.render_state(*_status(line)[:2], icon=_status(line)[2])
        self._said.render_state(state.said)
        self.reprint.set_reason(f"{state.busy} …" if state.busy else "")
        self.pdf.setVisible(state.no_paper)
        self.pdf.set_reason(f"{state.busy} …" if state.busy else "")
        self.reverse.setVisible(line.reversible)
        self._why_not.set_text(line.why_not)
        self._why_not.setVisible(bool(line.why_not))
        self.reasons.set_chosen(state.reason)
        label = next((label for value, label in REASONS if value == state.reason), "")
        self._back_first.set_text(state.goes_back)
        tight = self.look.room is Density.TIGHT  # the goods stand on the page before
        what = f"{line.name}, {line.total}" if tight else f"{line.name}: {line.goods}, {line.total}"
        why = f"{what}. Alasan: {label}.\n{state.goes_back}".rstrip()
        self._pin.ask(f"Batalkan struk {line.number}?", why, self._history.confirm_reversal)
        self._pin.render_notice(state.notice if state.mode == "pin" else None, busy=state.busy)
        page: QWidget = {"reason": self._reason, "pin": self._pin}.get(state.mode, self._facts)
        if state.notice is not None and state.mode != "pin":
            self._action = state.notice.action
            self._trouble.render_state(kit_trouble(state.notice))
            page = self._trouble
        self._right.show_page(page)
        self._paper.setVisible(not ((page is self._pin and is_narrow(self)) or (page is self._reason and tight)))

    def take_keyboard(self, mode: str) -> None:
        if mode == "pin":
            self._pin.take_keyboard()
        else:
            (self._right if self._paper.isHidden() else self._paper).setFocus(Qt.FocusReason.OtherFocusReason)

    def _acted(self) -> None:
        self._history.dismiss()
        if self._action == "reprint":
            self._history.reprint()
        elif self._action != "dismiss":
            self._act(self._action)
