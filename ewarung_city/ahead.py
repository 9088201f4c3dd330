"""Which months should be granted by now and are not: home leases go out seven days before a month (sync.md section 1).

The city's clock, in WIB, tells what month it is. Nothing is granted by it: it only says what an officer has not done.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from ewarung_city import feed
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.timeline import BusinessDate, Instant, Period
from ewarung_pos.errors import ConfigError

__all__ = [
    "DAYS_BEFORE",
    "Due",
    "check_turn",
    "due",
    "expected",
    "granted_from",
    "granted_since",
    "is_granted",
    "sentences",
    "was_granted",
]

DAYS_BEFORE = 7
"""So many days before a month every family's ration should be at its home kiosk."""

_GRANTED = "granted|"
"""Settings `granted|PERIOD`: that month's rations were granted. One of before has none, and its leases tell."""

_RATIONS = msgspec.json.Decoder(dict[str, dict[str, int]])
_PURSES = msgspec.json.Decoder(dict[str, int])


class Due(msgspec.Struct, frozen=True):
    """A month that is not granted, though it should be.

    Attributes:
        period: YYYY-MM.
        days: until its first day; 0 on that day, below 0 after it.
        catalogue: whether there is one, without which nothing can be granted.
        families: how many of the register have a programme that gives something; all of it without a catalogue.
        register_date: of the newest list of families, if that one is older than the month before; else empty.
    """

    period: str
    days: int
    catalogue: bool
    families: int
    register_date: str


def expected(now_ms: int) -> tuple[tuple[str, int], ...]:
    """(month, days until its first day) of each that should be granted by now: this one, and the next in time."""
    today = Instant(now_ms).date()
    months = (today.period(), today.period().following())
    counted = ((month.iso, (_first(month.iso) - date.fromisoformat(today.iso)).days) for month in months)
    return tuple((period, days) for period, days in counted if days <= DAYS_BEFORE)


def is_granted(tx: Tx, period: str) -> bool:
    """Whether rations or credits of that month were granted, to whomever; what kiosks claim of it says nothing."""
    if tx.setting(_GRANTED + period):
        return True
    leased = tx.after(schema.lease, "granted", 0, 1, period=period)
    return bool(leased or tx.after(schema.credit, "amount", -1, 1, period=period))


def was_granted(tx: Tx, period: str) -> None:
    """Remember that a month was granted, so that nobody has to look through all leases for it."""
    if not tx.setting(_GRANTED + period):
        tx.set(_GRANTED + period, "1")


def check_turn(tx: Tx, period: str) -> None:
    """Months are granted one after the other, and one that was granted again: a slip of the finger cannot be undone.

    Raises:
        ValueError: not a month.
        ConfigError: it is neither the month after the newest that was granted, nor one that was granted (`invalid`).
    """
    Period(period)
    granted = _noted(tx)
    if not granted or period in granted:
        return
    newest = max(granted)
    following = Period(newest).following().iso
    if period != following:
        raise ConfigError(
            f"period {period!r}: {newest} is the newest that was granted, so {following} is next. Nothing was granted. "
            "Say --any-month if you mean it",
            reason="invalid",
        )


def granted_since(tx: Tx, period: str) -> tuple[str, ...]:
    """Months from that one on that were granted."""
    return tuple(month for month in sorted(_noted(tx)) if month >= period)


def _noted(tx: Tx) -> set[str]:
    return {str(row["name"]).removeprefix(_GRANTED) for row in tx.starting(schema.city, "name", _GRANTED)}


def granted_from(tx: Tx, now_ms: int) -> list[str]:
    """Months that were granted, from the city's own on."""
    noted = _noted(tx)
    noted |= {period for period, _ in expected(now_ms) if period not in noted and is_granted(tx, period)}
    return sorted(period for period in noted if period >= Instant(now_ms).date().period().iso)


def due(tx: Tx, now_ms: int) -> list[Due]:
    """Months that should be granted by now and are not, the earlier first."""
    found = []
    for period, days in expected(now_ms):
        if not is_granted(tx, period):
            listed = tx.setting("register_date")
            stale = listed < f"{Period(period).before().iso}-01"
            there = bool(tx.setting("catalogue"))
            families = _entitled(tx) if there else tx.count(schema.family)
            found.append(Due(period, days, there, families, listed if stale else ""))
    return found


def sentences(waiting: Due) -> Iterator[str]:
    """What an officer should know of it and do, a line each."""
    month, first = Period(waiting.period).long(), BusinessDate(f"{waiting.period}-01").long()
    if waiting.days > 1:
        when = f"bulan itu mulai {waiting.days} hari lagi, {first}"
    elif waiting.days == 1:
        when = f"bulan itu mulai besok, {first}"
    else:
        when = "bulan itu mulai hari ini" if not waiting.days else "bulan itu sudah berjalan"
    yield f"Jatah {month} belum diberikan ke kios; {when}."
    if not waiting.catalogue:
        yield "Katalog belum ada. Muat dahulu: ewarung-city import-catalogue catalogue.json"
    lists = "ewarung-city import-families DAFTAR --snapshot TANGGAL --source ASAL"
    if not waiting.families:
        yield f"Belum ada keluarga yang berhak. Muat dahulu: {lists}"
    elif waiting.register_date:
        yield f"Daftar keluarga bertanggal {waiting.register_date}. Bila ada yang lebih baru, muat dahulu: {lists}"
    yield f"Jalankan: ewarung-city grant {waiting.period}"


def _first(period: str) -> date:
    return date.fromisoformat(f"{period}-01")


def _entitled(tx: Tx) -> int:
    """Families with a programme of the catalogue that gives them something."""
    known = {programme.code for programme in feed.catalogue(tx).programmes}
    rations = {code for code, ration in _RATIONS.decode(tx.setting("rations") or "{}").items() if ration}
    gives = known & {*rations, *_PURSES.decode(tx.setting("purses") or "{}")}
    each = tx.tally(schema.family, "programmes")
    return sum(count for (programmes,), count in each.items() if gives & set(programmes.split(";")))
