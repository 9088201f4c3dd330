"""Is the ledger still what its entries say? Asked beside the counter, where nobody waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ewarung_pos.errors import LedgerCorrupt, PosError
from ewarung_pos.ports import Lane, Ledger, TaskRunner

__all__ = ["Audit"]

_log = logging.getLogger(__name__)

FIRST_MS = 20_000
"""The first screen is there, and nobody has signed in yet or somebody works already: a core is free."""

NEXT_MS = 3_600_000
"""A till that is never closed asks again whether a day is over."""


class Audit:
    """Has the whole ledger verified on a lane of its own; `unsound` is called when it is not, or is not ours alone."""

    def __init__(self, ledger: Ledger, runner: TaskRunner, unsound: Callable[[PosError], None]) -> None:
        self._ledger = ledger
        self._runner = runner
        self._unsound = unsound
        self._going = True
        self._end: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Ask soon, and go on asking."""
        self._end = self._runner.later(FIRST_MS, self._check)

    def stop(self) -> None:
        """Ask no more; nobody wants to know what is being verified now."""
        self._going = False
        self._end()

    def _check(self) -> None:
        self._runner.submit(Lane.AUDIT, lambda: self._ledger.audit(lambda: self._going), self._checked, self._failed)

    def _checked(self, _: bool) -> None:
        self._end = self._runner.later(NEXT_MS, self._check)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, PosError):
            raise error
        _log.error("the ledger was not verified: %s", error)
        if isinstance(error, LedgerCorrupt) or error.reason == "second":
            self._unsound(error)
        else:
            self._checked(False)
