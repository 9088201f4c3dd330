"""One direction of the line: what became of it in this step, and when it should be tried again."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from ewarung_pos.errors import ChainBroken, ConfigError, PosError, RuleViolation, SyncError
from ewarung_pos.sync.client import Busy

__all__ = ["BASE_MS", "CAP_MS", "Leg"]

BASE_MS = 2_000
CAP_MS = 60_000
"""No pause is shorter, and none is drawn longer."""


class _Backoff:
    """Decorrelated: each pause is drawn between the base and three times the one before, up to a cap."""

    def __init__(self) -> None:
        self._last = BASE_MS

    def reset(self) -> None:
        self._last = BASE_MS

    def next(self) -> int:
        self._last = min(CAP_MS, BASE_MS + secrets.randbelow(max(1, 3 * self._last - BASE_MS)))
        return self._last


class Leg:
    """What one direction did, and what keeps it from going on.

    Attributes:
        error: why it failed in this step; None when it did not.
        retry_ms: milliseconds until it should be tried again; 0 at once.
        closed_until: monotonic milliseconds before which the city asked not to be asked.
    """

    def __init__(self) -> None:
        self.error: PosError | None = None
        self.retry_ms = 0
        self.closed_until = 0
        self._backoff = _Backoff()

    def run(self, work: Callable[[], None], now_ms: int) -> None:
        """Do the leg's work unless the city asked to wait; its failure stays in the leg."""
        if now_ms < self.closed_until:
            self.retry_ms = self.closed_until - now_ms
            return
        self.error, self.retry_ms = None, 0
        try:
            work()
            self._backoff.reset()
        except (SyncError, ChainBroken, RuleViolation, ConfigError) as error:
            self._failed(error, now_ms)

    def skip(self, other: Leg) -> None:
        """The same line failed just now; trying it again would only cost the operator's time."""
        self.error, self.retry_ms, self.closed_until = other.error, other.retry_ms, other.closed_until

    def _failed(self, error: PosError, now_ms: int) -> None:
        self.error = error
        self.retry_ms = self._backoff.next()
        if isinstance(error, Busy) and error.retry_ms:
            self.retry_ms = max(error.retry_ms, BASE_MS)
            self.closed_until = now_ms + self.retry_ms
