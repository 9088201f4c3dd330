"""Tutup Hari: a wizard of four steps and the sealed end."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.closing import ClosingViewModel
from ewarung_pos.ui.viewmodels.closing_copy import CopyState, CopyViewModel
from ewarung_pos.ui.viewmodels.closing_sheet import differences
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.views.closing_pages import BeginPage, SealedPage, SealPage, SendPage, refuses_text
from ewarung_pos.ui.views.closing_sheet import SheetPage
from ewarung_pos.ui.views.kit import Density, Role, Step, StepHead, StepState, Text, Tone, TroubleCard
from ewarung_pos.ui.views.leader_pin import PinCard
from ewarung_pos.ui.views.parts import Action, Box, Page, Stack, is_narrow, kit_trouble

__all__ = ["ClosingView"]

_STEPS = ("Hitung stok", "Jelaskan selisih", "Kirim ke kota", "Cetak & segel")
# These are settled at the button of the page, not by reading and going on.
_SENDING = 3


class ClosingView(Page):
    """Shows the close and hands every press to its view-model."""

    def __init__(
        self, closing: ClosingViewModel, copy: CopyViewModel, act: Action, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent=parent)
        self._closing = closing
        self._act = act
        self._action = ""
        self._asks_leader = False
        self._state = ClosingState()
        head = Box(across=True, gap=3.5)
        self._title = Text("Tutup Hari", Role.TITLE)
        self._date = Text(role=Role.LEAD, tone=Tone.SOFT)
        self._steps = StepHead()
        self._filler = Box()
        head.add(self._title, self._date).add(self._steps, self._filler, stretch=1)
        self._head = head
        self.add(head)
        self._pages = Stack()
        self.begin = BeginPage(closing)
        self.sheet = SheetPage(closing, self._explained)
        self.sending = SendPage(closing, act)
        self.seal = SealPage(closing, act)
        self.sealed = SealedPage(closing, copy)
        self.pin = PinCard()
        self.pin.left.connect(self._no_leader)
        self.trouble = TroubleCard()
        self.trouble.acted.connect(self._acted)
        for page in (self.begin, self.sheet, self.sending, self.seal, self.sealed, self.pin, self.trouble):
            self._pages.addWidget(page)
        self.add(self._pages, stretch=1)

    def render_state(self, state: ClosingState) -> None:
        """Show the step the day stands at."""
        before, self._state = self._state, state
        if state.step != 2:
            self._asks_leader = False
        self._steps.set_steps(tuple(Step(words, _mark(place, state.step)) for place, words in enumerate(_STEPS, 1)))
        self._steps.setVisible(state.step > 0)
        self._head.setVisible(not (self._asks_leader and self.look.room is Density.TIGHT))
        # While it is counted and sealed the title says which day that is: after midnight it is not today's.
        self._title.set_text(f"Tutup {_day_month(state.date)}" if state.step > 0 and state.date else "Tutup Hari")
        # Smaller where it is narrow: the names of the steps need the room.
        self._title.set_role(Role.HEADING if state.step > 0 and is_narrow(self) else Role.TITLE)
        self._date.set_text(state.date)
        self._date.setVisible(state.step == 0)
        self._filler.setVisible(state.step == 0)
        page, front = self._page(state), self._pages.currentWidget()
        self._pages.show_page(page)
        if state.step != before.step or (page is self.seal and page is not front):
            self.take_keyboard()

    def render_copy(self, copy: CopyState) -> None:
        """Show what became of the copy that follows the seal."""
        self.sealed.render_copy(copy)

    def take_keyboard(self) -> None:
        """The first count, or why the EDC differs, is typed at once."""
        page = self._pages.currentWidget()
        if page is self.sheet and self._state.step == 1:
            self.sheet.take_keyboard()
        elif page is self.sheet:
            self.sheet.setFocus(Qt.FocusReason.OtherFocusReason)
        elif page is self.seal:
            self.seal.take_keyboard()
        elif page is self.pin:
            self.pin.take_keyboard()

    def _page(self, state: ClosingState) -> QWidget:
        if self._asks_leader:
            self.pin.render_notice(state.notice, busy=state.busy)
            return self.pin
        if state.notice is not None and state.step != _SENDING and not refuses_text(state):
            self._action = state.notice.action
            self.trouble.render_state(kit_trouble(state.notice))
            return self.trouble
        if state.step == 0:
            self.begin.render_state(state)
            return self.begin
        if state.step in (1, 2):
            self.sheet.render_state(state)
            return self.sheet
        if state.step == _SENDING:
            self.sending.render_state(state)
            return self.sending
        if state.step == 4:
            self.seal.render_state(state)
            return self.seal
        self.sealed.render_state(state)
        return self.sealed

    def _explained(self) -> None:
        if not self._state.needs_leader:
            self._closing.explain_done()
            return
        self._asks_leader = True
        self.pin.ask(
            "Ketua setuju dengan selisih ini?",
            "\n".join(differences(self._state.rows, 3 if self.look.room is Density.TIGHT else 6)),
            self._closing.explain_done,
        )
        self.render_state(self._state)
        self.pin.take_keyboard()

    def _no_leader(self) -> None:
        self._asks_leader = False
        self._closing.dismiss()
        self.render_state(self._state)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _acted(self) -> None:
        action = self._action
        self._closing.dismiss()
        if action == "reprint":
            self._closing.reprint()
        elif action == "send_now":
            self._closing.send()
        elif action != "dismiss":
            self._act(action)


def _day_month(long: str) -> str:
    """24 Nov, of 24 November 2026."""
    day, month, _ = long.split(" ")
    return f"{day} {month[:3]}"


def _mark(place: int, step: int) -> StepState:
    if place < step or step > len(_STEPS):
        return StepState.DONE
    return StepState.CURRENT if place == step else StepState.TO_COME
