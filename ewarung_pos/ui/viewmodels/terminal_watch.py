"""Is the EDC that only pays still on its line? Looked at while the counter waits for a card, so that the lamp knows."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.errors import PosError
from ewarung_pos.ports import DeviceStatus, Lane, PaymentTerminal, TaskRunner

__all__ = ["LOOK_MS", "TerminalWatch"]

LOOK_MS = 2_000


class TerminalWatch:
    """Looks at the line on the terminal's lane, one look at a time; the EDC itself is asked nothing.

    `free` says whether nobody is served: else no look is taken. `changed` is called when its state is another.
    """

    def __init__(
        self,
        terminal: PaymentTerminal,
        runner: TaskRunner,
        free: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._terminal = terminal
        self._runner = runner
        self._free = free
        self._changed = changed
        self._known: DeviceStatus | None = None
        self._cancel: Callable[[], None] | None = None

    def start(self) -> None:
        """Look soon, and go on looking."""
        self._later()

    def stop(self) -> None:
        """Look no more."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def _later(self) -> None:
        self._cancel = self._runner.later(LOOK_MS, self._look)

    def _look(self) -> None:
        if self._free():
            self._runner.submit(Lane.TERMINAL, self._terminal.look, self._seen, self._failed)
        else:
            self._later()

    def _seen(self, status: DeviceStatus) -> None:
        if self._cancel is None:  # stopped meanwhile
            return
        self._later()
        if status != self._known:
            self._known = status
            self._changed()

    def _failed(self, error: Exception) -> None:
        if self._cancel is not None:
            self._later()
        if not isinstance(error, PosError):
            raise error
