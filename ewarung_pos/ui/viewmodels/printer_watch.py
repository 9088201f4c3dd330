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

    `changed` is called when its state is another than before.
    """

    def __init__(self, printer: ReceiptPrinter, runner: TaskRunner, changed: Callable[[], None]) -> None:
        self._printer = printer
        self._runner = runner
        self._changed = changed
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

    def _later(self, wait_ms: int) -> None:
        self._cancel = self._runner.later(wait_ms, self._look)

    def _look(self) -> None:
        self._runner.submit(Lane.PRINTER, self._printer.status, self._seen, self._failed)

    def _seen(self, status: DeviceStatus) -> None:
        if self._cancel is None:  # stopped meanwhile
            return
        there = status.state in (DeviceState.READY, DeviceState.UNKNOWN) or status.reason == "paper_low"
        self._later(FINE_MS if there else MISSED_MS)
        if status != self._known:
            self._known = status
            self._changed()

    def _failed(self, error: Exception) -> None:
        if self._cancel is not None:
            self._later(FINE_MS)
        if not isinstance(error, PosError):
            raise error
