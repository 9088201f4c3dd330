"""Screens are drawn while they are in front; what changes on the others is drawn when they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ewarung_pos.ui.viewmodels.base import ViewModel

__all__ = ["InFront"]

S = TypeVar("S")


class _Drawing:
    """One state on one screen, and whether what is drawn is older than it."""

    def __init__(self, screen: str, draw: Callable[[], None]) -> None:
        self.screen = screen
        self.draw = draw
        self.owed = True

    def settle(self) -> None:
        self.owed = False
        self.draw()


class InFront:
    """Draws the states of the screen whose name `name` gives; owes those of the others until `come`.

    A redemption changes what eight screens say, and the counter waits for none of the other seven.
    """

    def __init__(self, name: Callable[[], str]) -> None:
        self._name = name
        self._drawings: list[_Drawing] = []
        self._ends: list[Callable[[], None]] = []

    def show(self, screen: str, viewmodel: ViewModel[S], draw: Callable[[S], None]) -> None:
        """Draw at every change of the state, now if the screen is in front."""
        drawing = _Drawing(screen, lambda: draw(viewmodel.state))
        self._drawings.append(drawing)

        def changed(_: S) -> None:
            drawing.owed = True
            self.come(self._name())

        self._ends.append(viewmodel.subscribe(changed))

    def come(self, screen: str) -> None:
        """This screen comes to the front, or is there: draw what is owed on it."""
        for drawing in tuple(self._drawings):
            if drawing.owed and drawing.screen == screen:
                drawing.settle()

    def again(self) -> None:
        """The room or the theme changed: everything is drawn anew, the screen in front now."""
        for drawing in self._drawings:
            drawing.owed = True
        self.come(self._name())

    def end(self) -> None:
        """Hear of nothing any more."""
        while self._ends:
            self._ends.pop()()
