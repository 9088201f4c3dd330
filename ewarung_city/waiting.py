"""Families that nothing is granted to in a month that is granted: who came later, and whose kiosk is given nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from ewarung_city import ahead, feed, recovery
from ewarung_city.rights import carried_into, may_be_given, outstanding, rest_of
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.succession import GONE, followed
from ewarung_pos.domain.catalogue import BenefitKind
from ewarung_pos.domain.timeline import Period

__all__ = ["Waiting", "sentences", "waiting"]

_AT_ONCE = 5_000
_THING = ("family", "programme", "commodity")
_RATIONS = msgspec.json.Decoder(dict[str, dict[str, int]])
_PURSES = msgspec.json.Decoder(dict[str, int])

Thing = tuple[str, str, str]
"""Family, programme, commodity."""


class Waiting(msgspec.Struct, frozen=True):
    """Families with something left of a granted month, of which nothing lies at any kiosk that is at work.

    Attributes:
        period: the month.
        grant: how many get it when the month is granted again: they, their programme or their kiosk came later.
        stopped: how many do not, because their kiosk is given nothing now, or one that is frozen holds it; `kiosks` are
            these.
        homeless: how many do not, because the register names no kiosk of this city for them.
    """

    period: str
    grant: int
    stopped: int
    homeless: int
    kiosks: tuple[str, ...]


def waiting(tx: Tx, now_ms: int, covers: Callable[[str], bool]) -> Iterator[Waiting]:
    """For each granted month from the city's own on, if there are any; of families in kelurahan that are covered.

    Who is recorded as dead or moved waits for nothing. A kiosk that was not enrolled yet has what was granted to it.
    """
    kiosks = {row["device"]: int(row["epoch"]) for row in tx.all(schema.kiosk)}
    city = _City(_given(tx), kiosks, _given_nothing(tx, kiosks), followed(tx))
    months = [_Month(tx, period) for period in ahead.granted_from(tx, now_ms)]
    for families in _families(tx, covers) if months else ():
        for month in months:
            month.look(families)
            for family in families:
                month.count(family, city)
    for month in months:
        counts = month.counts
        if counts.total():
            at = tuple(sorted(month.at))
            yield Waiting(month.period, counts["grant"], counts["stopped"], counts["homeless"], at)


def _families(tx: Tx, covers: Callable[[str], bool]) -> Iterator[list[Row]]:
    """Those who may be waiting, so many at once that no city's rights of a month are in memory together."""
    key = ""
    while rows := tx.after(schema.family, "key", key, _AT_ONCE):
        key = str(rows[-1]["key"])
        yield [row for row in rows if row["card_status"] not in GONE and covers(row["kelurahan_code"])]


def sentences(found: Waiting) -> Iterator[str]:
    """What an officer should know of it and do, a line each."""
    month, run = Period(found.period).long(), f"ewarung-city grant {found.period}"
    if found.grant:
        yield f"Belum mendapat jatah {month}: {found.grant} keluarga. Jalankan: {run}"
    if found.stopped:
        yield (
            f"Belum mendapat jatah {month}: {found.stopped} keluarga, karena kiosnya dibekukan, dihentikan, atau "
            f"ditunggu laporannya: {', '.join(found.kiosks)}. Selesaikan dahulu (enrol, lost, release), lalu: {run}"
        )
    if found.homeless:
        yield (
            f"Belum mendapat jatah {month}: {found.homeless} keluarga tanpa kios di kota ini. "
            f"Beri kiosnya di daftar keluarga (ewarung-city import-families), lalu: {run}"
        )


def _given_nothing(tx: Tx, kiosks: Mapping[str, int]) -> set[str]:
    """Kiosks that a grant passes over."""
    stopped = {(row["device"], int(row["epoch"])) for row in tx.all(schema.epoch) if not may_be_given(row)}
    return {device for device, epoch in kiosks.items() if (device, epoch) in stopped} | recovery.all_doubted(tx)


@dataclass(slots=True)
class _Right:
    """What is left of it for the family: with the city, with kiosks at work, and with enrolments that are frozen."""

    left: int
    reserve: int
    within_reach: int = 0
    frozen_at: frozenset[str] = frozenset()

    @property
    def lacking(self) -> bool:
        """Whether there is something, and nobody who could hand it out."""
        return self.left > 0 >= self.within_reach


@dataclass(frozen=True)
class _City:
    """What programmes give (commodities of each, and those with a purse), kiosks, and who follows whom."""

    given: tuple[dict[str, list[str]], set[str]]
    kiosks: Mapping[str, int]
    closed: set[str]
    followed: Mapping[str, frozenset[str]]

    def things(self, family: Row, programmes: list[str]) -> Iterator[Thing]:
        """All that a family may have of a month."""
        return ((family["key"], each, item) for each in programmes for item in self.given[0].get(each, ()))


class _Month:
    """A month as it is granted: of some families, and what was counted so far."""

    def __init__(self, tx: Tx, period: str) -> None:
        self.period = period
        self.counts, self.at = Counter[str](), set[str]()
        self._tx = tx
        self._brought = carried_into(tx, period)
        self._frozen = {(row["device"], int(row["epoch"])) for row in tx.all(schema.epoch, state="frozen")}
        self._rights: dict[Thing, _Right] = {}
        self._credited: set[tuple[str, str]] = set()

    def look(self, families: list[Row]) -> None:
        """Read what these families have of it; what was read before is forgotten."""
        keys = [row["key"] for row in families]
        self._rights = rights = {}
        for *thing, amount, carried, charged in self._tx.bare(
            schema.entitlement, (*_THING, "amount", "carried", "charged"), "family", keys, period=self.period
        ):
            family, programme, commodity = thing
            of = (family, programme, commodity)
            all_ = int(amount) - int(carried) - int(charged) + self._brought.get(of, 0)
            rights[of] = _Right(all_, all_)
        for row in self._tx.within(schema.lease, "family", keys, period=self.period):
            if (right := rights.get((row["family"], row["programme"], row["commodity"]))) is not None:
                rest, out = rest_of(row), outstanding(row)
                right.left -= out - rest
                right.reserve -= out
                if (row["device"], int(row["epoch"])) not in self._frozen:
                    right.within_reach += rest
                elif rest > 0:
                    right.frozen_at |= {row["device"]}
        names = ("family", "programme")
        self._credited = {
            (family, programme)
            for family, programme in self._tx.bare(schema.credit, names, "family", keys, period=self.period)
        }

    def count(self, family: Row, city: _City) -> None:
        """Whether that family waits for something of it, and why."""
        programmes, home = family["programmes"].split(";"), family["home"]
        lacking = [right for thing in city.things(family, programmes) if (right := self._right(thing)).lacking]
        if lacking and family["key"] in city.followed:
            lacking = list(self._her_own(family, programmes, city))
        if not lacking:
            purses = city.given[1]
            self.counts["grant"] += any(
                each in purses and (family["key"], each) not in self._credited for each in programmes
            )
        elif home not in city.kiosks:
            self.counts["homeless"] += 1
        elif home not in city.closed and any(right.reserve > 0 for right in lacking):
            self.counts["grant"] += 1
        else:
            self.counts["stopped"] += 1
            frozen = (right.frozen_at for right in lacking)
            self.at |= {home} if home in city.closed else frozenset().union(*frozen)

    def _her_own(self, family: Row, programmes: list[str], city: _City) -> Iterator[_Right]:
        """What she lacks and whoever she follows was not granted: of the rest this month gives her nothing."""
        before = city.followed[family["key"]]
        rows = self._tx.within(schema.entitlement, "family", sorted(before), period=self.period)
        theirs = {(row["programme"], row["commodity"]) for row in rows}
        for thing in city.things(family, programmes):
            if thing in self._rights or thing[1:] not in theirs:
                right = self._right(thing)
                if right.lacking:
                    yield right

    def _right(self, thing: Thing) -> _Right:
        """As it stands; as the next grant would make it, if there is none."""
        return self._rights.get(thing) or _Right(1, 1)


def _given(tx: Tx) -> tuple[dict[str, list[str]], set[str]]:
    """Commodities that each programme gives, and programmes that give a purse."""
    kinds = {item.code: item.kind for item in feed.catalogue(tx).programmes}
    rations = {
        programme: [commodity for commodity, amount in ration.items() if amount]
        for programme, ration in _RATIONS.decode(tx.setting("rations") or "{}").items()
        if kinds.get(programme) is BenefitKind.RATION
    }
    return rations, set(_PURSES.decode(tx.setting("purses") or "{}"))
