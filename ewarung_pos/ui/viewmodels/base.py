"""What every view-model is: a frozen state that changes whole, and listeners that hear of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["ViewModel"]

S = TypeVar("S")


class ViewModel(Generic[S]):
    """Holds one state; commands replace it; listeners are called with the new one, on the UI thread."""

    def __init__(self, state: S) -> None:
        self._state = state
        self._listeners: list[Callable[[S], None]] = []

    @property
    def state(self) -> S:
        """The state now."""
        return self._state

    def subscribe(self, listener: Callable[[S], None]) -> Callable[[], None]:
        """Call `listener` now and at each change; returns what ends it."""
        self._listeners.append(listener)
        listener(self._state)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def _set(self, state: S) -> None:
        if state != self._state:
            self._state = state
            for listener in tuple(self._listeners):
                listener(state)
