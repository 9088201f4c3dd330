"""The screen Layanan: the counter, and what comes in front of it."""

from __future__ import annotations

from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.rights_state import RightsState
from ewarung_pos.ui.viewmodels.typed_card import TypedCardState
from ewarung_pos.ui.views.counter import CounterView
from ewarung_pos.ui.views.doubt import DoubtView
from ewarung_pos.ui.views.parts import Stack
from ewarung_pos.ui.views.rights import RightsView
from ewarung_pos.ui.views.typed_card import TypedCardView

__all__ = ["CounterScreen"]


class CounterScreen(Stack):
    """The counter, a number that is typed, rights that are asked for, or a doubt in front of all."""

    def __init__(self, counter: CounterView, typed: TypedCardView, rights: RightsView, doubt: DoubtView) -> None:
        super().__init__()
        self._counter, self._typed, self._rights, self._doubt = counter, typed, rights, doubt
        self._doubted = self._typing = self._asking = False
        for page in (counter, typed, rights, doubt):
            self.addWidget(page)

    def render_doubt(self, state: DoubtState) -> None:
        """Show a doubt, in front of everything else; or none."""
        self._doubt.render_state(state)
        self._doubted = state.panel is not None
        self._show_front()

    def render_typed(self, state: TypedCardState) -> None:
        """Show the page on which a card's number is typed; or not."""
        self._typing = bool(state.mode)
        self._show_front()
        self._typed.render_state(state)

    def render_rights(self, state: RightsState) -> None:
        """Show the pages on which rights are asked for; or not."""
        self._asking = bool(state.mode)
        self._show_front()
        self._rights.render_state(state)

    def _show_front(self) -> None:
        asked = self._rights if self._asking else self._counter
        self.show_page(self._doubt if self._doubted else self._typed if self._typing else asked)

    def take_keyboard(self) -> None:
        """Put the keyboard where the page in front wants it."""
        front = self.currentWidget()
        if front is self._counter:
            self._counter.take_keyboard()
        elif front is self._typed:
            self._typed.take_keyboard()
        elif front is self._rights:
            self._rights.take_keyboard()
