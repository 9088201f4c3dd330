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
from ewarung_pos.domain.catalogue import BenefitKind
from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.timeline import Period

__all__ = ["Waiting", "sentences", "waiting"]

_GONE = {CardStatus.DECEASED.value, CardStatus.MOVED.value}

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
    families = [row for row in tx.all(schema.family) if row["card_status"] not in _GONE]
    families = [row for row in families if covers(row["kelurahan_code"])]
    rations, purses = _given(tx)
    kiosks = {row["device"]: int(row["epoch"]) for row in tx.all(schema.kiosk)}
    closed = _given_nothing(tx, kiosks)
    for period in ahead.granted_from(tx, now_ms):
        month = _Month(tx, period)
        counts, at = Counter[str](), set[str]()
        for family in families:
            programmes, home = family["programmes"].split(";"), family["home"]
            things = ((family["key"], each, item) for each in programmes for item in rations.get(each, ()))
            lacking = [right for thing in things if (right := month.right(thing)).lacking]
            if not lacking:
                no_credit = any(each in purses and (family["key"], each) not in month.credited for each in programmes)
                counts["grant"] += no_credit
            elif home not in kiosks:
                counts["homeless"] += 1
            elif home not in closed and any(right.reserve > 0 for right in lacking):
                counts["grant"] += 1
            else:
                counts["stopped"] += 1
                at.update({home} if home in closed else frozenset().union(*(right.frozen_at for right in lacking)))
        if counts.total():
            yield Waiting(period, counts["grant"], counts["stopped"], counts["homeless"], tuple(sorted(at)))


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


class _Month:
    """A month as it is granted."""

    def __init__(self, tx: Tx, period: str) -> None:
        brought = carried_into(tx, period)
        frozen = {(row["device"], int(row["epoch"])) for row in tx.all(schema.epoch, state="frozen")}
        self._rights: dict[Thing, _Right] = {}
        for row in tx.all(schema.entitlement, period=period):
            less = int(row["carried"]) + int(row["charged"])
            all_ = int(row["amount"]) - less + brought.get(_of(row), 0)
            self._rights[_of(row)] = _Right(all_, all_)
        for row in tx.all(schema.lease, period=period):
            if (right := self._rights.get(_of(row))) is not None:
                rest = rest_of(row)
                right.left -= outstanding(row) - rest
                right.reserve -= outstanding(row)
                if (row["device"], int(row["epoch"])) not in frozen:
                    right.within_reach += rest
                elif rest > 0:
                    right.frozen_at |= {row["device"]}
        self.credited = {(row["family"], row["programme"]) for row in tx.all(schema.credit, period=period)}

    def right(self, thing: Thing) -> _Right:
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


def _of(row: Row) -> Thing:
    return row["family"], row["programme"], row["commodity"]
