"""The clock that cannot be trusted: what is known about it, and a leader who says that it is right."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ewarung_pos.domain.journal import ClockStepped, Entry
from ewarung_pos.domain.timeline import Instant, clock_trouble
from ewarung_pos.ports import Clock, Ledger

__all__ = ["ClockFindings", "ClockService"]


class ClockFindings(msgspec.Struct, frozen=True):
    """`trouble` is empty, behind_ledger or off_server; `last` the newest entry's time, `city` the city's, if known."""

    trouble: str
    now: Instant
    last: Instant | None
    city: Instant | None


class ClockService:
    """On the ledger lane."""

    def __init__(self, ledger: Ledger, clock: Clock, offset_ms: Callable[[], int | None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._offset_ms = offset_ms

    def findings(self) -> ClockFindings:
        """The clock of this machine beside what contradicts it."""
        reader = self._ledger.read()
        now, offset, last_ms = self._clock.now().wall, self._offset_ms(), reader.head().last_ms
        last = Instant(last_ms) if last_ms else None
        return ClockFindings(
            trouble=clock_trouble(now, last, offset, reader.clock().accepted_ms) or "",
            now=now,
            last=last,
            city=None if offset is None else Instant(now.ms + offset),
        )

    def confirm(self, leader: str) -> Entry:
        """A leader looked at date and time and says that they are right: an entry, and redemption goes on.

        The entry says how far the clock is from the city's time, or, where that is not known, from the newest entry.
        The same distance to the city's time is no trouble from then on; the city flags what it means for its own rules.
        """
        with self._ledger.write() as uow:
            now, offset = self._clock.now().wall, self._offset_ms()
            behind = min(0, now.ms - uow.head().last_ms)
            entry = uow.append(ClockStepped(behind if offset is None else -offset, confirmed=True), leader)
            uow.accept_clock(offset or 0)
            return entry
