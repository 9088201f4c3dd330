"""How long a kiosk knows who somebody is: while a family has rights or comes here, and so many months after that.

The books are kept for ten years under the family's key; name, NIK and card are not needed for that (domain rule R42).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.timeline import Period

__all__ = ["RETENTION_MONTHS", "Due", "Presence", "due", "months_before"]

RETENTION_MONTHS = 12
"""Unless the kiosk's configuration says otherwise: long enough for a yearly examination of the books."""


class Presence(msgspec.Struct, frozen=True):
    """When a family was last known to have anything to do with this kiosk.

    `last` is the latest month of a right, a credit or a visit, empty when there never was one; `since` the month in
    which the till first heard of the family; `in_doubt` says that a debit of its card is not resolved.
    """

    key: str
    home: str
    status: CardStatus
    last: str
    since: str
    in_doubt: bool = False


class Due(msgspec.Struct, frozen=True):
    """Keys of the families whose time is over: `expired` by the months, `moved` to another kiosk."""

    expired: tuple[str, ...]
    moved: tuple[str, ...]


def due(families: Iterable[Presence], device: str, now: Period, months: int) -> Due:
    """Whose data is to be removed.

    A family that moved away goes as soon as the month of its last right here is over, any other `months` months after
    it; one whose debit is in doubt stays until that is resolved.
    """
    before = months_before(now, months)
    expired, moved = [], []
    for family in families:
        if family.in_doubt:
            continue
        if family.home != device or family.status is CardStatus.MOVED:
            if family.last < now.iso:
                moved.append(family.key)
        elif max(family.last, family.since) < before:
            expired.append(family.key)
    return Due(tuple(expired), tuple(moved))


def months_before(period: Period, months: int) -> str:
    """The month (`YYYY-MM`) that was so many months before."""
    first = date.fromisoformat(period.iso + "-01")
    place = first.year * 12 + first.month - 1 - months
    return f"{place // 12:04d}-{place % 12 + 1:02d}"
