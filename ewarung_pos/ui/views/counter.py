"""Layanan: the counter, one page for each question it asks."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.counter import CounterViewModel
from ewarung_pos.ui.viewmodels.counter_state import CounterState, DonePanel, Phase
from ewarung_pos.ui.views.basket import BasketPage
from ewarung_pos.ui.views.counter_pages import DonePage, ProcessingPage, RefusedPage
from ewarung_pos.ui.views.kit import Chime, Sound
from ewarung_pos.ui.views.paper_screen import PaperOnScreenPage
from ewarung_pos.ui.views.parts import Action, Screens
from ewarung_pos.ui.views.ready import ReadyPage

__all__ = ["CounterView"]

_SOUNDS = {Phase.RECOGNISED: Sound.CARD, Phase.REFUSED: Sound.REFUSED, Phase.DONE: Sound.DONE}


class CounterView(Screens):
    """Shows the counter's state and hands every press to its view-model.

    Args:
        counter: takes the commands.
        act: does what another screen must do (`go_sync`, `resolve`, ...).
        chime: sounds for card read, done and refused; None for silence.
    """

    def __init__(
        self, counter: CounterViewModel, act: Action, chime: Chime | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._chime = chime
        self._phase = Phase.READY
        self.ready = ReadyPage(act)
        self.basket = BasketPage(counter, act)
        self.refused = RefusedPage(counter, act)
        self.processing = ProcessingPage(counter)
        self.done = DonePage(counter)
        self.paper = PaperOnScreenPage(counter.handover)
        for page in (self.ready, self.basket, self.refused, self.processing, self.done, self.paper):
            self.addWidget(page)

    def render_state(self, state: CounterState) -> None:
        """Show the page of the state's phase."""
        entered = state.phase is not self._phase
        if entered:
            self._enter(state.phase)
        page: QWidget = self.ready
        if state.phase is Phase.RECOGNISED:
            self.basket.render_state(state)
            page = self.basket
        elif state.phase is Phase.REFUSED:
            self.refused.render_state(state)
            page = self.refused
        elif state.phase is Phase.PROCESSING:
            self.processing.render_state(state)
            page = self.processing
        elif state.phase is Phase.DONE and state.done is not None:
            page = self._done_page(state.done)
        else:
            self.ready.render_state(state, looking=state.phase is Phase.LOOKING)
        self.show_page(page, at_once=page is self.basket)  # what is left must be read at once, and under no veil
        if entered:
            self.take_keyboard()

    def _done_page(self, done: DonePanel) -> QWidget:
        if done.on_screen is not None:
            self.paper.render_state(done)
            return self.paper
        self.done.render_state(done)
        return self.done

    def take_keyboard(self) -> None:
        """With a basket, + and − go to its first stepper."""
        if self.currentWidget() is self.basket:
            self.basket.take_keyboard()

    def _enter(self, phase: Phase) -> None:
        before, self._phase = self._phase, phase
        if phase is Phase.RECOGNISED and before is not Phase.PROCESSING:
            self.basket.start()
        sound = _SOUNDS.get(phase)
        # Back from Proses to the basket no card was read; its sound would say so.
        if phase is Phase.RECOGNISED and before is Phase.PROCESSING:
            sound = None
        if self._chime is not None and sound is not None:
            self._chime.play(sound)
