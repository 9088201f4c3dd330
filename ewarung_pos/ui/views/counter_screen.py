"""The screen Layanan: the counter, and what comes in front of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.rights_state import RightsState
from ewarung_pos.ui.viewmodels.typed_card import TypedCardState
from ewarung_pos.ui.views.counter import CounterView
from ewarung_pos.ui.views.parts import Screens

if TYPE_CHECKING:
    from ewarung_pos.ui.views.doubt import DoubtView
    from ewarung_pos.ui.views.rights import RightsView
    from ewarung_pos.ui.views.typed_card import TypedCardView

__all__ = ["CounterScreen"]


class CounterScreen(Screens):
    """The counter, a number that is typed, rights that are asked for, or a doubt in front of all.

    What comes in front of the counter is made when it first comes: most mornings it does not, and the counter is
    there sooner after sign-in.

    Args:
        counter: the counter.
        typed, rights, doubt: make the others.
    """

    def __init__(
        self,
        counter: CounterView,
        typed: Callable[[], TypedCardView],
        rights: Callable[[], RightsView],
        doubt: Callable[[], DoubtView],
    ) -> None:
        super().__init__()
        self._counter = counter
        self._make_typed, self._make_rights, self._make_doubt = typed, rights, doubt
        self._typed: TypedCardView | None = None
        self._rights: RightsView | None = None
        self._doubt: DoubtView | None = None
        self._doubted = self._typing = self._asking = False
        self.addWidget(counter)

    def render_doubt(self, state: DoubtState) -> None:
        """Show a doubt, in front of everything else; or none."""
        self._doubted = state.panel is not None
        if self._doubt is None and self._doubted:
            self._doubt = self._make_doubt()
            self.addWidget(self._doubt)
        if self._doubt is not None:
            self._doubt.render_state(state)
            self._show_front()

    def render_typed(self, state: TypedCardState) -> None:
        """Show the page on which a card's number is typed; or not."""
        self._typing = bool(state.mode)
        if self._typed is None and self._typing:
            self._typed = self._make_typed()
            self.addWidget(self._typed)
        if self._typed is not None:
            self._show_front()
            self._typed.render_state(state)

    def render_rights(self, state: RightsState) -> None:
        """Show the pages on which rights are asked for; or not."""
        self._asking = bool(state.mode)
        if self._rights is None and self._asking:
            self._rights = self._make_rights()
            self.addWidget(self._rights)
        if self._rights is not None:
            self._show_front()
            self._rights.render_state(state)

    def _front(self) -> CounterView | TypedCardView | RightsView | DoubtView:
        if self._doubted and self._doubt is not None:
            return self._doubt
        if self._typing and self._typed is not None:
            return self._typed
        return self._rights if self._asking and self._rights is not None else self._counter

    def _show_front(self) -> None:
        self.show_page(self._front())

    def take_keyboard(self) -> None:
        """Put the keyboard where the page in front wants it."""
        front = self.currentWidget()
        if front is self._counter:
            self._counter.take_keyboard()
        elif front is self._typed and self._typed is not None:
            self._typed.take_keyboard()
        elif front is self._rights and self._rights is not None:
            self._rights.take_keyboard()
