"""What is left over goes back to the city: of a month that ended, and of families whose home is another kiosk."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.domain.journal import Entry, PeriodClosed
from ewarung_pos.domain.rights import all_of
from ewarung_pos.domain.timeline import Instant, Period, clock_trouble
from ewarung_pos.ports import Clock, Ledger, UnitOfWork

__all__ = ["LeftoverService"]


class LeftoverService:
    """Runs after a day was opened and after one was sealed, on the ledger lane.

    Only while the city's time is known: a wrong clock of this machine must not give away what families may still take,
    and without a line nobody else could have it.
    """

    def __init__(self, ledger: Ledger, clock: Clock, offset_ms: Callable[[], int | None]) -> None:
        """`offset_ms` gives the city's time minus ours at the last exchange, if there was one."""
        self._ledger = ledger
        self._clock = clock
        self._offset_ms = offset_ms

    def give_back(self) -> tuple[Entry, ...]:
        """Close the months that are over, and give back what visitors left here; returns the entries it made."""
        offset = self._offset_ms()
        if offset is None:
            return ()
        now = self._clock.now().wall
        with self._ledger.write() as uow:
            head = uow.head()
            last = Instant(head.last_ms) if head.last_ms else None
            if clock_trouble(now, last, offset, uow.clock().accepted_ms) is not None:
                return ()
            month = Instant(now.ms + offset).date().period()
            made = (_close(uow, month.before()), _visitors(uow, month))
        return tuple(entry for entry in made if entry is not None)


def _close(uow: UnitOfWork, over: Period) -> Entry | None:
    """A day of that month that is not sealed holds it open."""
    day = uow.day()
    under_way = day.date is not None and (day.serving or day.closing) and day.date.period() <= over
    return None if under_way or not uow.left_over(over) else uow.append(PeriodClosed(over.iso))


def _visitors(uow: UnitOfWork, month: Period) -> Entry | None:
    """Who stands at the counter meanwhile keeps what is in the basket: only between days nobody does."""
    day = uow.day()
    if day.serving or day.closing:
        return None
    return uow.surrender(map(all_of, uow.visitors(month)), "visitors")
