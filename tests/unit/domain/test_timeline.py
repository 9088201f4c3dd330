"""Times are WIB whatever the machine says; months and days are real ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.timeline import WIB, BusinessDate, ClockReading, Instant, Period, clock_trouble

MORNING = Instant(int(datetime(2026, 11, 24, 9, 41, 7, tzinfo=WIB).timestamp()) * 1000)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


def test_an_instant_is_shown_in_western_indonesian_time() -> None:
    assert MORNING.clock() == "09.41"
    assert MORNING.date() == BusinessDate("2026-11-24")
    assert MORNING.local().utcoffset() == timedelta(hours=7)


def test_midnight_is_semarangs_not_greenwichs() -> None:
    last = Instant(int(datetime(2026, 11, 24, 23, 59, 59, tzinfo=WIB).timestamp()) * 1000 + 999)
    assert last.date().iso == "2026-11-24"
    assert Instant(last.ms + 1).date().iso == "2026-11-25"
    assert Instant(last.ms + 1).clock() == "00.00"


@given(st.integers(0, 4_102_444_800_000))
def test_an_instant_keeps_its_milliseconds(ms: int) -> None:
    local = Instant(ms).local()
    assert (local - datetime(1970, 1, 1, 7, tzinfo=WIB)) == timedelta(milliseconds=ms)


def test_instants_are_ordered_by_time() -> None:
    assert Instant(1) < Instant(2)
    assert max(Instant(5), Instant(3)) == Instant(5)
    assert ClockReading(MORNING, 12, "boot").wall is MORNING


def test_days_and_months_as_written() -> None:
    day = BusinessDate("2026-11-24")
    assert day.long() == "24 November 2026"
    assert day.short() == "Selasa 24 Nov 2026"
    assert day.period() == Period("2026-11")
    assert day.period().long() == "November 2026"
    assert BusinessDate("2026-08-02").short() == "Minggu 2 Agu 2026"


@pytest.mark.parametrize(
    ("month", "last"),
    [("2026-11", "2026-11-30"), ("2026-12", "2026-12-31"), ("2028-02", "2028-02-29"), ("2026-02", "2026-02-28")],
)
def test_a_month_ends_on_its_last_day(month: str, last: str) -> None:
    assert Period(month).last_day() == BusinessDate(last)


@given(DAYS)
def test_every_day_lies_in_its_month(day: date) -> None:
    business = BusinessDate(day.isoformat())
    assert business.period().last_day() >= business
    assert business.period().last_day().period() == business.period()
    assert business.long().endswith(str(day.year))


@given(DAYS, DAYS)
def test_dates_are_ordered_as_the_calendar(a: date, b: date) -> None:
    assert (BusinessDate(a.isoformat()) < BusinessDate(b.isoformat())) == (a < b)


@pytest.mark.parametrize("iso", ["", "2026-02-30", "20261124", "2026-W48-2", "24 November 2026", "2026-1-1"])
def test_what_is_no_date_is_refused(iso: str) -> None:
    with pytest.raises(ValueError, match=r"ISO|isoformat|day"):
        BusinessDate(iso)


@pytest.mark.parametrize("iso", ["", "2026", "2026-13", "2026-1", "2026-11-24", "202611"])
def test_what_is_no_month_is_refused(iso: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month"):
        Period(iso)


def test_a_wrong_date_from_the_city_does_not_decode() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"iso":"2026-02-30"}', type=BusinessDate)


@pytest.mark.parametrize(
    ("last_entry", "offset", "trouble"),
    [
        (None, None, None),
        (MORNING, None, None),
        (Instant(MORNING.ms + 2_000), None, None),
        (Instant(MORNING.ms + 2_001), None, "behind_ledger"),
        (Instant(MORNING.ms - 86_400_000), 0, None),
        (None, 300_000, None),
        (None, 300_001, "off_server"),
        (None, -300_001, "off_server"),
        (Instant(MORNING.ms + 5_000), 400_000, "behind_ledger"),
    ],
)
def test_when_a_clock_is_not_trusted(last_entry: Instant | None, offset: int | None, trouble: str | None) -> None:
    assert clock_trouble(MORNING, last_entry, offset) == trouble
