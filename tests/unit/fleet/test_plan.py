"""What a seed decides is the same each time, for whichever kiosks it is asked, and lawful in form."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest

from ewarung_city.bnba.rows import nik_trouble
from ewarung_fleet.clock import KioskClock, PowerCut, ToldTime
from ewarung_fleet.people import write_families
from ewarung_fleet.plan import SLOTS, Luck, Plan, Settings
from ewarung_pos.domain.family import luhn_valid

SIZE = Settings(12, 30, 240, 7, faults=True)


def test_the_same_seed_draws_the_same_month() -> None:
    one, other = Plan(SIZE), Plan(SIZE)
    assert one.families == other.families
    assert one.visits(frozenset({3})) == other.visits(frozenset({3}))
    assert [one.cuts(kiosk) for kiosk in range(12)] == [other.cuts(kiosk) for kiosk in range(12)]
    assert one.families != Plan(msgspec.structs.replace(SIZE, seed=8)).families


def test_a_kiosk_has_the_same_month_whichever_process_it_is_in() -> None:
    plan = Plan(msgspec.structs.replace(SIZE, families=60))
    whole = plan.visits(frozenset(range(12)))
    for kiosk in (0, 7, 11):
        own = plan.visits(frozenset({kiosk}))
        assert own == {key: visits for key, visits in whole.items() if key[0] == kiosk}


def test_every_ration_is_fetched_and_most_at_home() -> None:
    plan = Plan(SIZE)
    last = [
        visit.family
        for visits in plan.visits(frozenset(range(12))).values()
        for visit in visits
        if visit.wants == "all"
    ]
    assert sorted(last) == [index for index, family in enumerate(plan.families) if family.ration]
    guests = sum(not plan.stays_home(index) for index in last)
    assert 0 < guests < 0.05 * len(last)


def test_every_kind_of_misfortune_befalls_somebody_and_nobody_without_faults() -> None:
    assert set(Plan(SIZE).lucks) == set(Luck)
    calm = Plan(msgspec.structs.replace(SIZE, faults=False))
    assert set(calm.lucks) == {Luck.NONE}
    assert not any(calm.cuts(kiosk) or calm.outages(kiosk) or calm.wrong_clocks(kiosk) for kiosk in range(12))
    assert all(calm.city_dies(day) is None for day in range(30))


def test_slots_follow_each_other() -> None:
    plan = Plan(SIZE)
    moments = [plan.at(day, slot) for day in range(3) for slot in range(len(SLOTS))]
    assert moments == sorted(set(moments))


def test_the_invented_people_have_lawful_numbers_of_no_issuer(tmp_path: Path) -> None:
    write_families(Plan(SIZE), tmp_path / "families.csv")
    with (tmp_path / "families.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240
    assert all(nik_trouble(row["nik"]) == "" for row in rows)
    assert all(row["card_number"].startswith("9999") and luhn_valid(row["card_number"]) for row in rows)
    for column in ("card_number", "nik", "kk"):
        assert len({row[column] for row in rows}) == 240


def test_the_power_fails_at_the_look_that_was_said(tmp_path: Path) -> None:
    clock = KioskClock(Plan(SIZE).draw(0, "ids"))
    died: list[int] = []
    clock.fail_at(3, lambda: died.append(clock.true_ms))
    clock.now()
    clock.mint()
    with pytest.raises(PowerCut):
        clock.now()
    clock.now()
    assert died == [3]


def test_a_told_time_is_read_by_others(tmp_path: Path) -> None:
    with ToldTime(tmp_path / "time") as told, ToldTime(tmp_path / "time") as read:
        told.tell(1_795_496_400_000)
        assert read.ms() == 1_795_496_400_000
