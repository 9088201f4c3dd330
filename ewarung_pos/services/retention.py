"""Remove from the register whoever has nothing to do with this kiosk any more."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.domain.journal import Entry, RegisterPurged
from ewarung_pos.domain.retention import due, months_before
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.ports import Ledger

__all__ = ["RetentionService"]


class RetentionService:
    """Runs after a day was opened, on the ledger lane.

    Args:
        ledger: of this kiosk.
        months: how long a name is kept.
        drop_papers: removes what was written in the clear before this month (`YYYY-MM`): lists of names, papers.
    """

    def __init__(self, ledger: Ledger, months: int, drop_papers: Callable[[str], None] | None = None) -> None:
        self._ledger = ledger
        self._months = months
        self._drop_papers = drop_papers

    def purge(self) -> Entry | None:
        """Remove what is due, and say in the journal how many; None when nobody was.

        The month is the city's, as last heard: a wrong clock of this machine must not remove the families it serves.
        Without a word of the city nobody is removed. Lists of names go by the same months, be anybody due or not.
        """
        entry, before = self._purged()
        if before and self._drop_papers is not None:
            self._drop_papers(before)
        return entry

    def _purged(self) -> tuple[Entry | None, str]:
        """The entry, if anybody was removed; the first month that is kept, if the city ever said what time it is."""
        with self._ledger.write() as uow:
            identity, city = uow.identity(), uow.clock().city
            if identity is None or city is None:
                return None, ""
            now = Instant(city.server_ms).date().period()
            before = months_before(now, self._months)
            found = due(uow.presence(), identity.device, now, self._months)
            if not found.expired and not found.moved:
                return None, before
            uow.forget_families((*found.expired, *found.moved))
            purged = tuple(sorted(found.expired)), tuple(sorted(found.moved))
            return uow.append(RegisterPurged(*purged, self._months, city.server_ms)), before
