"""What had been carried from month to month, by what kiosks hold: a city that was put back learns it from their claims.

A kiosk tells what it was granted of a month, and not that some of it came from the month before. But nothing else is
ever granted above a month's own amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import msgspec

from ewarung_city import feed
from ewarung_city.rights import RIGHT, before, following, outstanding
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx

__all__ = ["carries", "learn", "moved"]

_FAMILIES = 500
"""Looked at together, so that no city's leases are in memory at once."""

_RATIONS = msgspec.json.Decoder(dict[str, dict[str, int]])


@dataclass
class _Month:
    """A right in one month: its row, if the city has one, what one would say, and what all kiosks have of it."""

    row: Row | None
    key: dict[str, str]
    unit: str
    amount: int
    out: int = 0

    @property
    def carried(self) -> int:
        return int(self.row["carried"]) if self.row is not None else 0

    @property
    def charged(self) -> int:
        return int(self.row["charged"]) if self.row is not None else 0

    @property
    def own(self) -> int:
        """What is left of its amount; below 0 by what must have come from the month before.

        What pools gave for it is looked at by `learn`.
        """
        return self.amount - self.carried - self.out


def carries(tx: Tx) -> set[str]:
    """Programmes of which what is left goes into the next month."""
    return {programme.code for programme in feed.catalogue(tx).programmes if programme.carry_over}


def learn(tx: Tx, families: Iterable[str], *, asked: bool = False) -> None:
    """Mark as carried over what is out of a month above its own amount, as far as the months before can have given it.

    Only from a month into the next one, and no more than what is left of it: the months together never get more by
    this, whatever the claims say. What no month can have given stays above the entitlement (`verify`), and nothing is
    granted of the months before it.

    Args:
        tx: a write transaction.
        families: whose rights; those of programmes that do not carry over are left as they are.
        asked: kiosks said it because the city was put back and asked them. Then a month may have been carried over
            before the city that is gone heard what pools gave for it, which this one hears at the same time.
    """
    rations = _RATIONS.decode(tx.setting("rations") or "{}")
    programmes = sorted(carries(tx))
    rest = iter(sorted(set(families)))
    while some := list(islice(rest, _FAMILIES)):
        for programme in programmes:
            _learn(tx, programme, some, rations.get(programme, {}), asked=asked)


def moved(left: Mapping[str, int]) -> dict[str, int]:
    """How much each month must have carried into the next.

    Args:
        left: by month, what is left of it, below 0 where more is out than there was. Nothing goes over a month that is
            not there.
    """
    wanted: dict[str, int] = {}
    short = 0
    for period in sorted(left, reverse=True):
        wanted[period] = short if following(period) in left else 0
        short = max(0, wanted[period] - left[period])
    went: dict[str, int] = {}
    for period in sorted(left):
        came = went.get(before(period), 0)
        went[period] = min(wanted[period], max(0, left[period] + came))
    return went


def _learn(tx: Tx, programme: str, families: list[str], rations: dict[str, int], *, asked: bool) -> None:
    known, new = [], []
    for months in _months(tx, programme, families, rations):
        left = {
            period: month.own - (0 if asked else month.charged) + _carried_into(months, period)
            for period, month in months.items()
        }
        for period, more in moved(left).items():
            month = months[period]
            if not more:
                continue
            if month.row is None:  # of a month that was granted after the copy was made
                own = {"unit": month.unit, "amount": month.amount, "charged": 0, "version": 0}
                new.append({**month.key, **own, "carried": more})
            else:
                on = {"carried": month.carried + more, "version": int(month.row["version"]) + 1}
                known.append({**month.key, **on})
    tx.advance_each(schema.entitlement, known, "version")
    tx.add(schema.entitlement, new)


def _carried_into(months: Mapping[str, _Month], period: str) -> int:
    month = months.get(before(period))
    return month.carried if month is not None else 0


def _months(tx: Tx, programme: str, families: list[str], rations: dict[str, int]) -> Iterable[dict[str, _Month]]:
    """The months of each right, by family and commodity."""
    rights: dict[tuple[str, str], dict[str, _Month]] = {}
    for row in tx.within(schema.entitlement, "family", families, programme=programme):
        month = _Month(row, _key(row), row["unit"], int(row["amount"]))
        rights.setdefault((row["family"], row["commodity"]), {})[row["period"]] = month
    for lease in tx.within(schema.lease, "family", families, programme=programme):
        months = rights.setdefault((lease["family"], lease["commodity"]), {})
        amount = rations.get(lease["commodity"], 0)
        month = months.setdefault(lease["period"], _Month(None, _key(lease), lease["unit"], amount))
        month.out += outstanding(lease)
    return rights.values()


def _key(row: Row) -> dict[str, str]:
    return {name: str(row[name]) for name in RIGHT}
