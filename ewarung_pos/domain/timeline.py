"""Instants, business dates, months, and when a clock may be trusted.

Order is the ledger's sequence, never the clock: times here are for people and for the choice of the current period.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

import msgspec

__all__ = [
    "WIB",
    "BusinessDate",
    "CityTime",
    "ClockMemory",
    "ClockReading",
    "Instant",
    "Period",
    "clock_step",
    "clock_trouble",
    "date_unsure",
]

WIB = timezone(timedelta(hours=7), "WIB")
"""Western Indonesian time: UTC+7, no summer time."""

_WIB_MS = 7 * 3_600_000
_DAY_MS = 24 * 3_600_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
_MONTHS = (
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
)

BACKWARD_TOLERANCE_MS = 2_000
"""A clock this far behind the last entry is the usual jitter of time synchronisation."""

SERVER_TOLERANCE_MS = 5 * 60_000
"""sync.md section 5: further from the city's time than this, rights wait."""


STEP_TOLERANCE_MS = 2 * 60_000
"""Wall and monotonic clock of one boot apart by more than this: somebody, or something, set the clock."""

UNSURE_NEAR_MS = 24 * 3_600_000
"""sync.md section 1: so near to the turn of a month an untrusted clock does not choose the month by itself."""

UNSURE_AFTER_MS = 7 * 24 * 3_600_000
"""After so long without an entry an untrusted clock does not choose the date by itself either."""


class Instant(msgspec.Struct, frozen=True, order=True):
    """A point in time: milliseconds since 1970-01-01 UTC."""

    ms: int

    def local(self) -> datetime:
        """The same instant as a WIB date-time."""
        return (_EPOCH + timedelta(milliseconds=self.ms)).astimezone(WIB)

    def date(self) -> BusinessDate:
        """The WIB calendar day it falls on."""
        return _day((self.ms + _WIB_MS) // _DAY_MS)

    def clock(self) -> str:
        """As written on paper: 09.41."""
        return self.local().strftime("%H.%M")


class BusinessDate(msgspec.Struct, frozen=True, order=True):
    """The date a business day carries, fixed when the day opens. ISO 8601 `YYYY-MM-DD`."""

    iso: str

    def __post_init__(self) -> None:
        if date.fromisoformat(self.iso).isoformat() != self.iso:
            msg = f"not an ISO date: {self.iso!r}"
            raise ValueError(msg)

    def period(self) -> Period:
        """The month it belongs to."""
        return _month(self.iso[:7])

    def long(self) -> str:
        """24 November 2026."""
        day = date.fromisoformat(self.iso)
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def day_month(self) -> str:
        """24 Nov, where the year is plain."""
        return self.short().split(" ", 1)[1].rsplit(" ", 1)[0]

    def short(self) -> str:
        """Selasa 24 Nov 2026."""
        day = date.fromisoformat(self.iso)
        return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1][:3]} {day.year}"


class Period(msgspec.Struct, frozen=True, order=True):
    """A month of entitlement, `YYYY-MM`."""

    iso: str

    def __post_init__(self) -> None:
        date.fromisoformat(self.iso + "-01")

    def long(self) -> str:
        """November 2026."""
        first = date.fromisoformat(self.iso + "-01")
        return f"{_MONTHS[first.month - 1]} {first.year}"

    def before(self) -> Period:
        """The month before it."""
        first = date.fromisoformat(self.iso + "-01")
        return Period((first - timedelta(days=1)).isoformat()[:7])

    def following(self) -> Period:
        """The month after it."""
        first = date.fromisoformat(self.iso + "-01")
        return Period((first + timedelta(days=32)).isoformat()[:7])

    def last_day(self) -> BusinessDate:
        """Its last calendar day."""
        first = date.fromisoformat(self.iso + "-01")
        following = (first + timedelta(days=32)).replace(day=1)
        return BusinessDate((following - timedelta(days=1)).isoformat())


@lru_cache(maxsize=64)
def _day(number: int) -> BusinessDate:
    """The day of that number since 1970-01-01; the same few are asked for all day."""
    return BusinessDate((_EPOCH + timedelta(days=number)).date().isoformat())


@lru_cache(maxsize=64)
def _month(iso: str) -> Period:
    return Period(iso)


class ClockReading(msgspec.Struct, frozen=True):
    """Wall and monotonic time read together, with the boot they belong to."""

    wall: Instant
    monotonic_ms: int
    boot: str


class CityTime(msgspec.Struct, frozen=True):
    """The city's time as its last greeting told it, and our own clocks when we heard it."""

    server_ms: int
    wall_ms: int
    monotonic_ms: int
    boot: str

    def ahead_ms(self, now: ClockReading) -> int | None:
        """City's time minus ours, as far as it can be known; None when it cannot.

        In the boot in which it was heard the monotonic clock carries it on, whatever was done to the wall clock since.
        After another start nobody knows how long the machine was off, but the city's time does not go back: a wall
        clock that is behind it by more than the tolerance is wrong by at least so much.
        """
        if now.boot == self.boot:
            return self.server_ms + now.monotonic_ms - self.monotonic_ms - now.wall.ms
        behind = self.server_ms - now.wall.ms
        return behind if behind > SERVER_TOLERANCE_MS else None


class ClockMemory(msgspec.Struct, frozen=True):
    """What the till remembers of time over a restart.

    Attributes:
        city: its time as last heard.
        highest_ms: wall time of the newest entry before the clock was set back; 0 when it was not, or when a leader
            confirmed the clock since.
        accepted_ms: the distance to the city's time that a leader confirmed.
    """

    city: CityTime | None = None
    highest_ms: int = 0
    accepted_ms: int = 0

    def ahead_ms(self, now: ClockReading) -> int | None:
        """City's time minus ours, as far as it was heard and can be known."""
        return None if self.city is None else self.city.ahead_ms(now)


def clock_trouble(
    now: Instant, last_entry: Instant | None, server_offset_ms: int | None, accepted_ms: int = 0
) -> str | None:
    """Why the clock may not be trusted, or None.

    Args:
        now: wall time.
        last_entry: wall time of the newest ledger entry, the latest one if the clock was set back since.
        server_offset_ms: city's time minus ours, where it is known.
        accepted_ms: the offset that a leader confirmed.

    Returns:
        `"behind_ledger"`, `"off_server"` or None.
    """
    if last_entry is not None and now.ms < last_entry.ms - BACKWARD_TOLERANCE_MS:
        return "behind_ledger"
    if (
        server_offset_ms is not None
        and min(abs(server_offset_ms), abs(server_offset_ms - accepted_ms)) > SERVER_TOLERANCE_MS
    ):
        return "off_server"
    return None


def clock_step(last: ClockReading, now: ClockReading) -> int | None:
    """By how many ms the wall clock was set since the last reading, or None.

    In one boot the monotonic clock tells. Over a restart nobody knows how long the machine was off, and only a wall
    clock that went back is seen.
    """
    wall = now.wall.ms - last.wall.ms
    if now.boot != last.boot:
        return wall if wall < -BACKWARD_TOLERANCE_MS else None
    moved = wall - (now.monotonic_ms - last.monotonic_ms)
    return moved if abs(moved) > STEP_TOLERANCE_MS else None


def date_unsure(now: Instant, last_entry: Instant | None, server_offset_ms: int | None) -> bool:
    """Whether a person has to say that the date is right before a day is opened under it.

    Only where the city's time is not known: near the turn of a month, or a long time after the newest entry.
    """
    if server_offset_ms is not None:
        return False
    month = now.date().period()
    near = any(Instant(now.ms + distance).date().period() != month for distance in (-UNSURE_NEAR_MS, UNSURE_NEAR_MS))
    return near or (last_entry is not None and now.ms - last_entry.ms > UNSURE_AFTER_MS)
