"""Is the printer there, and has it paper? Asked now and then, so that the lamp knows before a family waits for it."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.errors import PosError
from ewarung_pos.ports import DeviceState, DeviceStatus, Lane, ReceiptPrinter, TaskRunner

__all__ = ["PrinterWatch"]

FIRST_MS = 1_500
"""The first screen is there."""
FINE_MS = 30_000
MISSED_MS = 2_000
"""A printer that is plugged in again is back on the lamp within 3 s."""


class PrinterWatch:
    """Asks the printer on its own lane, never while a paper is on its way: they share the lane.

    `changed` is called when its state is another than before, `there` after each look with whether it can print.
    """

    def __init__(
        self, printer: ReceiptPrinter, runner: TaskRunner, changed: Callable[[], None], there: Callable[[bool], None]
    ) -> None:
        self._printer = printer
        self._runner = runner
        self._changed = changed
        self._there = there
        self._looking = False
        self._wait_ms = 0
        self._known: DeviceStatus | None = None
        self._cancel: Callable[[], None] | None = None

    def start(self) -> None:
        """Ask soon, and go on asking."""
        self._later(FIRST_MS)

    def stop(self) -> None:
        """Ask no more."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    def hurry(self) -> None:
        """Something happened at the counter: where the printer said that it cannot print, ask it soon again."""
        if self._cancel is None or self._looking or self._wait_ms <= MISSED_MS or _can_print(self._printer.seen()):
            return
        self._cancel()
        self._later(MISSED_MS)

    def _later(self, wait_ms: int) -> None:
        self._wait_ms = wait_ms
        self._cancel = self._runner.later(wait_ms, self._look)

    def _look(self) -> None:
        self._looking = True
        self._runner.submit(Lane.PRINTER, self._printer.status, self._seen, self._failed)

    def _seen(self, status: DeviceStatus) -> None:
        self._looking = False
        if self._cancel is None:  # stopped meanwhile
            return
        there = _can_print(status)
        self._later(FINE_MS if there else MISSED_MS)
        if status != self._known:
            self._known = status
            self._changed()
        self._there(there)

    def _failed(self, error: Exception) -> None:
        self._looking = False
        if self._cancel is not None:
            self._later(FINE_MS)
        if not isinstance(error, PosError):
            raise error


def _can_print(status: DeviceStatus) -> bool:
    return status.state in (DeviceState.READY, DeviceState.UNKNOWN) or status.reason == "paper_low"
