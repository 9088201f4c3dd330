"""The share of families that were served stands beside its goal, and a goal that a run misses is a finding."""

from __future__ import annotations

from typing import Any

import pytest

from ewarung_fleet.report import Report, Served, missed

COUNTS = (
    "seed", "ledgers", "redemptions", "entries", "on_way", "gone", "differences", "overspend", "lost", "double",
    "unsound", "families",
)  # fmt: skip
TABLES = ("faults", "noted", "turned_away", "cases")


def report(**changed: Any) -> Report:
    """Of a run in which nothing went wrong."""
    counts: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {name: {} for name in TABLES}
    sound = {"kiosks": 185, "days": 30, "device_days": 5_550, "entries_compared": 9}
    served = {"served_home": Served(359, 359), "served_all": Served(8_348, 8_346)}
    return Report(**(counts | sound | served | {"findings": []} | changed))


@pytest.mark.parametrize(
    ("changed", "goals"),
    [
        ({}, 0),
        ({"served_all": Served(1_000, 995)}, 0),
        ({"served_all": Served(1_000, 994)}, 1),
        ({"served_home": Served(359, 358)}, 1),
        ({"served_home": Served(359, 358), "served_all": Served(1_000, 900)}, 2),
        ({"served_home": Served(0, 0)}, 0),
        ({"kiosks": 99, "served_all": Served(231, 227)}, 0),
        ({"days": 3, "served_all": Served(2_774, 2_745)}, 0),
        ({"kiosks": 12, "days": 16, "served_home": Served(42, 41)}, 1),
    ],
)
def test_a_goal_that_is_one_of_this_run_is_missed_or_not(changed: dict[str, Any], goals: int) -> None:
    found = list(missed(report(**changed)))
    assert len(found) == goals
    assert report(**changed, findings=found).clean is (goals == 0)


def test_the_share_stands_beside_its_goal() -> None:
    home, everybody = (line for line in report().lines() if line.startswith("served"))
    assert home.endswith("359 of 359 (100.00%); goal 100 %")
    assert everybody.endswith("8346 of 8348 (99.98%); goal 99.5 %")
    *_, small = (line for line in report(kiosks=12, served_all=Served(231, 227)).lines() if line.startswith("served"))
    assert small.endswith("227 of 231 (98.27%); goal 99.5 % of 100 kiosks for 28 days or more, not of this run")
