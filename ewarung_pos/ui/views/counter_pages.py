"""The counter's other pages: Ditolak, Proses, Selesai."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.counter import CounterViewModel
from ewarung_pos.ui.viewmodels.counter_state import CounterState, DonePanel, LeftRow, Person
from ewarung_pos.ui.views.family_card import FamilyCard
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Density,
    Disc,
    Panel,
    Role,
    StepList,
    Text,
    TickRow,
    Tone,
    TroubleCard,
)
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.paper_trouble import PaperTrouble
from ewarung_pos.ui.views.parts import Action, Box, Page, is_narrow, kit_steps, kit_trouble, unbroken, unbroken_sum

__all__ = ["DonePage", "ProcessingPage", "RefusedPage"]

_NEXT_MAY = "Centang yang sudah diserahkan. Kartu berikutnya boleh langsung dimasukkan."
_NEXT_WAITS = "Kartu berikutnya sudah terbaca. Serahkan dulu barang ini, lalu tekan Selesai."


class RefusedPage(Page):
    """Ditolak: the card is not served, why, and the next step."""

    def __init__(self, counter: CounterViewModel, act: Action, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._counter = counter
        self._act = act
        self._action = ""
        self._state: CounterState = CounterState()
        self._family = FamilyCard()
        self._trouble = TroubleCard()
        self._trouble.acted.connect(self._acted)
        self._next = BigButton("Kartu berikutnya", size=ButtonSize.COUNTER, key="Esc")
        self._next.clicked.connect(counter.finish)
        top = Box(across=True, gap=2.5)
        top.add(self._family).add(self._trouble, stretch=1)
        self._leave = QShortcut(QKeySequence("Esc"), self)
        self._leave.activated.connect(counter.finish)
        self._foot = Box(across=True, gap=2)
        hint = Text("Kartu berikutnya boleh langsung dimasukkan.", Role.BODY, Tone.SOFT, wrap=True)
        self._foot.add(self._next).add(hint, stretch=1).add(self._trouble.button)
        self.add(top, stretch=1)
        self.add(self._foot)

    @property
    def button(self) -> BigButton:
        """The one button of the trouble."""
        return self._trouble.button

    def render_state(self, state: CounterState) -> None:
        """Show why."""
        self._state = state
        tight = self.look.room is Density.TIGHT
        self._family.setVisible(state.person is not None and not tight)
        self._family.render_person(state.person)
        if state.refusal is not None:
            self._action = state.refusal.action
            detail = _named(state.person) if state.person is not None and tight else ""
            self._trouble.render_state(kit_trouble(state.refusal, detail=detail))
            self._next.setVisible(self._action not in {"dismiss", "retry"})
            self._leave.setEnabled(self._action in {"dismiss", "retry"})

    def restyle(self) -> None:
        super().restyle()
        if getattr(self, "_state", None) is not None:
            self.render_state(self._state)

    def _acted(self) -> None:
        if self._action == "ask_city":  # about the very card that is in front
            self._act(self._action)
            return
        self._counter.finish()
        if self._action not in {"dismiss", "retry"}:
            self._act(self._action)


def _named(person: Person) -> str:
    """Name and card, where there is no room for the family's panel."""
    return ", ".join((person.name, *(fact.text for fact in person.facts if fact.icon == "credit-card")))


class ProcessingPage(Page):
    """Proses: three steps that tick, what is waited for, and whether it may be cancelled."""

    def __init__(self, counter: CounterViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        top = Box(across=True, gap=2.5)
        self._family = FamilyCard()
        card = Card(pad=4, spacing=3)
        self._title = Text("Sedang disalurkan", Role.TITLE)
        self._basket = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        self._steps = StepList(big=True)
        self._wait = Panel(pad=2.5, tone=Tone.INFO)
        self._waiting = Text(role=Role.LEAD, tone=Tone.INFO, wrap=True)
        self._wait.body.addWidget(self._waiting)
        head = Box(gap=0.5)
        head.add(self._title, self._basket)
        card.body.addWidget(head)
        card.body.addWidget(self._steps)
        card.body.addWidget(self._wait)
        card.body.addStretch(1)
        top.add(self._family).add(card, stretch=1)
        self.add(top, stretch=1)
        foot = Box(across=True, gap=2.5)
        self.cancel = BigButton("Batal", icon="x", key="Esc")
        self.cancel.clicked.connect(counter.cancel)
        foot.add(self.cancel, align=Qt.AlignmentFlag.AlignVCenter).space()
        self.add(foot)

    def render_state(self, state: CounterState) -> None:
        """Show how far it is."""
        self._family.setVisible(state.person is not None)
        self._family.render_person(state.person)
        parts = (unbroken(state.summary), unbroken_sum(state.to_pay))
        self._basket.set_text("\N{NO-BREAK SPACE}· ".join(each for each in parts if each))
        self._steps.set_steps(kit_steps(state.steps))
        self._waiting.set_text(state.waiting)
        self._wait.setVisible(bool(state.waiting))
        self.cancel.set_reason("" if state.can_cancel else state.why_no_cancel)


class _LeftLine(Box):
    def __init__(self) -> None:
        super().__init__(across=True, gap=1)
        self._name, self._left = Text(role=Role.LEAD, wrap=True), Text(role=Role.LEAD, bold=True)
        self.add(self._name, stretch=1).add(self._left)

    def render_state(self, state: LeftRow) -> None:
        role = Role.BODY if is_narrow(self) else Role.LEAD
        self._name.set_role(role)
        self._name.set_text(state.name)
        self._left.set_role(role, bold=True)
        self._left.set_text(state.left)


class DonePage(Page):
    """Selesai: the pick list, what is left, and the paper."""

    def __init__(self, counter: CounterViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._handover = counter.handover
        self._ticks: list[TickRow] = []
        self._entry = ""
        self._left_lines: list[_LeftLine] = []
        top = Box(across=True, gap=2.5)
        top.add(self._make_picks(), stretch=7).add(self._make_left(), stretch=4)
        self.add(top, stretch=1)
        foot = Box(across=True, gap=2.5)
        self._hint = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        foot.add(self._hint, stretch=1)
        self.finish = BigButton("SELESAI", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.finish.clicked.connect(counter.finish)
        self._picks.set_followers(self.reprint, self.finish)
        foot.add(self.finish)
        self.add(foot)

    def _make_picks(self) -> Card:
        card = Card(pad=0, spacing=0)
        head = Box(across=True, gap=2.25, margins=(3, 2.25, 3, 2.25))
        words = Box(gap=0.25)
        self._title = Text(role=Role.TITLE, wrap=True)
        self._paper = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        words.add(self._title, self._paper)
        head.add(Disc("check", filled=True, size=68), align=Qt.AlignmentFlag.AlignVCenter).add(words, stretch=1)
        card.body.addWidget(head)
        self._picks = PagedRows("Serahkan barang ini", tall=89)
        card.body.addWidget(self._picks, 1)
        return card

    def _make_left(self) -> Card:
        card = Card(pad=3, spacing=2)
        self._left_title = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        self._left = Box(gap=1.25)
        card.body.addWidget(self._left_title)
        card.body.addWidget(self._left)
        card.body.addStretch(1)
        self._paper_trouble = PaperTrouble()
        card.body.addWidget(self._paper_trouble)
        self.reprint = BigButton("Cetak ulang", icon="receipt-text", key="F9")
        self.reprint.clicked.connect(self._handover.reprint)
        card.body.addWidget(self.reprint)
        self.on_screen = BigButton("Tampilkan di layar", icon="receipt-text", key="F8")
        self.on_screen.clicked.connect(self._handover.show_on_screen)
        card.body.addWidget(self.on_screen)
        return card

    def render_state(self, done: DonePanel) -> None:
        """Show what was recorded."""
        tight = self.look.room is Density.TIGHT
        self._title.set_role(Role.HEADING if tight else Role.TITLE)
        self._title.set_text(done.title)
        self._paper.set_text(done.paper)
        self._hint.set_text(_NEXT_WAITS if done.next_waits else _NEXT_MAY)
        if len(self._ticks) != len(done.picks) or done.entry != self._entry:
            self._entry = done.entry
            del self._ticks[len(done.picks) :]
            while len(self._ticks) < len(done.picks):
                self._ticks.append(self._new_tick(len(self._ticks)))
            self._picks.set_rows(self._ticks, keep_page=False)
        for tick, pick in zip(self._ticks, done.picks, strict=True):
            tick.render_state(pick.pictogram, pick.text, ticked=pick.ticked)
        self._left_title.set_text(done.left_title)
        while len(self._left_lines) < len(done.left):
            self._left_lines.append(_LeftLine())
            self._left.add(self._left_lines[-1])
        for line, left in zip(self._left_lines, done.left, strict=False):
            line.render_state(left)
        for place, line in enumerate(self._left_lines):
            line.setVisible(place < len(done.left))
        trouble = done.paper_trouble
        for part in (self._left, self._left_title):
            part.setVisible(trouble is None or not is_narrow(self))
        self._paper_trouble.render_state(trouble)
        self.on_screen.setVisible(trouble is not None)
        self.reprint.set_text("Cetak lagi" if trouble is not None else "Cetak ulang")

    def _new_tick(self, place: int) -> TickRow:
        tick = TickRow(key=str(place + 1) if place < 9 else "")
        tick.setProperty("place", place)
        tick.clicked.connect(self._ticked)
        return tick

    def _ticked(self) -> None:
        tick = self.sender()
        if isinstance(tick, TickRow):
            self._handover.tick(int(tick.property("place")))
