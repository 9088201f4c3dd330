"""One snapshot of how the kiosk is: ledger, clock, register, paper owed, debits in doubt, lease horizon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec

from ewarung_pos import __version__
from ewarung_pos.domain.timeline import Instant, clock_trouble
from ewarung_pos.domain.versions import to_install
from ewarung_pos.ports import Clock, Ledger

__all__ = ["HealthService", "KioskStatus"]

REGISTER_YELLOW_DAYS = 60
REGISTER_RED_DAYS = 90


class KioskStatus(msgspec.Struct, frozen=True):
    """What the health lamp and `doctor` show. `register_age` is days, -1 unknown; `key_tier` as in `ledger.keys`.

    `upgrade` is the version to install where the city does not support this one any more, as it said last.
    """

    unsent: int
    papers_owed: int
    in_doubt: int
    clock: str
    register_date: str
    register_age: int
    families: int
    head_seq: int
    head_hash: str
    key_tier: str = ""
    upgrade: str = ""

    @property
    def register_state(self) -> str:
        """ok, look (60-90 days) or stop (over 90 days): domain rule R36."""
        if self.register_age > REGISTER_RED_DAYS:
            return "stop"
        return "look" if self.register_age > REGISTER_YELLOW_DAYS or self.register_age < 0 else "ok"


class HealthService:
    """Reads only. `key_tier` is the rung that opened the ledger."""

    def __init__(self, ledger: Ledger, clock: Clock, offset_ms: Callable[[], int | None], key_tier: str = "") -> None:
        self._ledger = ledger
        self._clock = clock
        self._offset_ms = offset_ms
        self.key_tier = key_tier

    def status(self) -> KioskStatus:
        """The snapshot of now."""
        reader = self._ledger.read()
        head = reader.head()
        now = self._clock.now().wall
        date, _, families = reader.register_info()
        age = _days_since(date, now)
        last = Instant(head.last_ms) if head.last_ms else None
        return KioskStatus(
            unsent=head.unsent,
            papers_owed=len(reader.print_jobs()),
            in_doubt=len(reader.open_attempts()),
            clock=clock_trouble(now, last, self._offset_ms(), reader.clock().accepted_ms) or "",
            register_date=date,
            register_age=age,
            families=families,
            head_seq=head.seq,
            head_hash=head.hash,
            key_tier=self.key_tier,
            upgrade=to_install(reader.settings(), __version__),
        )


def _days_since(written: str, now: Instant) -> int:
    """Whole days since an ISO date; -1 when there is none that can be read (missing is not zero: domain rule R45)."""
    try:
        then = dt.date.fromisoformat(written[:10])
    except ValueError:
        return -1
    return (now.local().date() - then).days
