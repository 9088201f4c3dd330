"""Times are WIB whatever the machine says; months and days are real ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.timeline import (
    WIB,
    BusinessDate,
    CityTime,
    ClockReading,
    Instant,
    Period,
    clock_step,
    clock_trouble,
    date_unsure,
)

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


@pytest.mark.parametrize(("one", "next_"), [("2026-11", "2026-12"), ("2026-12", "2027-01"), ("2027-02", "2027-03")])
def test_months_follow_each_other(one: str, next_: str) -> None:
    assert Period(one).following() == Period(next_)
    assert Period(next_).before() == Period(one)


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


@pytest.mark.parametrize(
    ("offset", "accepted", "trouble"),
    [
        (3_600_000, 3_600_000, None),
        (3_600_000, 3_300_000, None),
        (3_600_000, 3_299_999, "off_server"),
        (0, 3_600_000, None),
        (-3_600_000, 3_600_000, "off_server"),
    ],
)
def test_a_distance_that_a_leader_confirmed_is_no_trouble_and_neither_is_none(
    offset: int, accepted: int, trouble: str | None
) -> None:
    assert clock_trouble(MORNING, None, offset, accepted) == trouble


HOUR = 3_600_000
DAY = 24 * HOUR


def reading(wall: int, monotonic: int = 0, boot: str = "a") -> ClockReading:
    return ClockReading(Instant(MORNING.ms + wall), 1_000_000 + monotonic, boot)


@pytest.mark.parametrize(
    ("now", "step"),
    [
        (reading(5_000, 5_000), None),
        (reading(HOUR, HOUR), None),
        (reading(120_000, 0), None),
        (reading(120_001, 0), 120_001),
        (reading(-120_000, 0), None),
        (reading(-120_001, 0), -120_001),
        (reading(730 * DAY, HOUR), 730 * DAY - HOUR),
        (reading(HOUR - 3 * DAY, HOUR), -3 * DAY),
        (reading(0, HOUR), -HOUR),
        (reading(730 * DAY, 0, "b"), None),
        (reading(-2_000, 9 * HOUR, "b"), None),
        (reading(-2_001, 9 * HOUR, "b"), -2_001),
    ],
)
def test_by_how_much_the_wall_clock_was_set(now: ClockReading, step: int | None) -> None:
    assert clock_step(reading(0), now) == step


@pytest.mark.parametrize(
    ("now", "ahead"),
    [
        (reading(0), 7_000),
        (reading(HOUR, HOUR), 7_000),
        (reading(HOUR, 0), 7_000 - HOUR),
        (reading(-3 * DAY, HOUR), 7_000 + HOUR + 3 * DAY),
        (reading(HOUR, 0, "b"), None),
        (reading(730 * DAY, 0, "b"), None),
        (reading(-290_000, 0, "b"), None),
        (reading(-293_001, 0, "b"), 300_001),
        (reading(-3 * DAY, 0, "b"), 7_000 + 3 * DAY),
    ],
)
def test_the_city_s_time_is_carried_on_in_one_boot_and_is_a_lower_bound_in_the_next(
    now: ClockReading, ahead: int | None
) -> None:
    assert CityTime(MORNING.ms + 7_000, MORNING.ms, 1_000_000, "a").ahead_ms(now) == ahead


def wib(text: str) -> Instant:
    return Instant(int(datetime.fromisoformat(text).replace(tzinfo=WIB).timestamp() * 1000))


@pytest.mark.parametrize(
    ("now", "unsure"),
    [
        ("2026-11-24T09:00", False),
        ("2026-11-29T23:59", False),
        ("2026-11-30T00:00", True),
        ("2026-11-30T23:59", True),
        ("2026-12-01T00:00", True),
        ("2026-12-01T23:59", True),
        ("2026-12-02T00:00", False),
        ("2027-01-01T08:00", True),
    ],
)
def test_a_person_confirms_the_date_within_a_day_of_the_turn_of_a_month(now: str, unsure: bool) -> None:
    at = wib(now)
    assert date_unsure(at, None, None) is unsure
    assert date_unsure(at, Instant(at.ms - DAY), None) is unsure
    assert not date_unsure(at, None, 0)


def test_a_person_confirms_the_date_after_a_week_without_an_entry() -> None:
    at = wib("2026-11-24T09:00")
    assert not date_unsure(at, Instant(at.ms - 7 * DAY), None)
    assert date_unsure(at, Instant(at.ms - 7 * DAY - 1), None)
    assert date_unsure(at, Instant(at.ms - 730 * DAY), None)
    assert not date_unsure(at, Instant(at.ms - 730 * DAY), -3)
