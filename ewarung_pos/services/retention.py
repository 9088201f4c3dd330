"""Remove from the register whoever has nothing to do with this kiosk any more."""

from __future__ import annotations

from ewarung_pos.domain.journal import Entry, RegisterPurged
from ewarung_pos.domain.retention import due
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.ports import Ledger

__all__ = ["RetentionService"]


class RetentionService:
    """Runs after a day was opened, on the ledger lane."""

    def __init__(self, ledger: Ledger, months: int) -> None:
        self._ledger = ledger
        self._months = months

    def purge(self) -> Entry | None:
        """Remove what is due, and say in the journal how many; None when nobody was.

        The month is the city's, as last heard: a wrong clock of this machine must not remove the families it serves.
        Without a word of the city nobody is removed.
        """
        with self._ledger.write() as uow:
            identity, city = uow.identity(), uow.clock().city
            if identity is None or city is None:
                return None
            now = Instant(city.server_ms).date().period()
            found = due(uow.presence(), identity.device, now, self._months)
            if not found.expired and not found.moved:
                return None
            uow.forget_families((*found.expired, *found.moved))
            return uow.append(
                RegisterPurged(tuple(sorted(found.expired)), tuple(sorted(found.moved)), self._months, city.server_ms),
            )
