"""The plug is pulled at any moment of a recorded morning: what the till said, printed, asked for or sent is there.

And the proof bites: tills that do it wrong on purpose are caught.
"""

from __future__ import annotations

import functools
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ewarung_pos.clock import SystemClock
from ewarung_pos.devices.simulated.edc import spawn
from ewarung_pos.kiosk.enrolment import enrol_into
from ewarung_pos.sync.embedded import EmbeddedCity
from tests.torture.explorer import Found, Recording, explore
from tests.torture.recorder import record, why_no_tracing

pytestmark = pytest.mark.system

Count = Callable[[str, object], None]

NO_CITY = "http://127.0.0.1:1"
EVERY_KIND = {"happened", "said", "printed", "asked"}
CARELESS = {
    "rarely-synced": {"lost said", "lost printed", "lost asked"},
    "never-synced": {"lost said", "lost printed", "lost asked"},
    "eatmydata": {"lost said", "lost printed", "lost asked", "unfiled"},
    "early-paper": {"lost printed"},
    "early-money": {"lost asked"},
}
QUICK = ("rarely-synced", "early-paper", "early-money")


@pytest.fixture(autouse=True)
def traceable() -> None:
    reason = why_no_tracing()
    if reason:
        pytest.skip(reason)


def served(base: Path, *options: str, **how: object) -> Recording:
    """A recorded morning from enrolment on, with a city and an EDC of its own."""
    till = base / "run"
    till.mkdir()
    with EmbeddedCity(base / "city") as city, spawn(pty=base / "edc", journal=base / "bank.jsonl") as edc:
        words = ("--edc", edc.url, "--city", city.url, "--code", city.code, *options)
        return record(till, *words, **how)  # type: ignore[arg-type]


def counted(note: Count, *explored: Found) -> None:
    for found in explored:
        note("counted: crash states opened and checked", found.states)
        note("counted: crash states that differ from one another", found.different)


@pytest.mark.slow
def test_nothing_that_left_the_machine_is_lost(tmp_path: Path, record_property: Count) -> None:
    recording = served(tmp_path, told=5)
    assert set(recording.asked_for()) >= EVERY_KIND, "the morning did not get far enough"
    anywhere = explore(recording, 250, 1)
    at_names = explore(recording, 150, 2, at=recording.renamings)
    counted(record_property, anywhere, at_names)
    assert not anywhere.wrong, anywhere
    assert not at_names.wrong, at_names
    assert len(anywhere.losses) == 4
    assert anywhere.different > 100


def caught(base: Path, enrolled: Path, states: int, habit: str) -> Found:
    """A few families served by a till with a bad habit, and what the explorer says to it."""
    place = base / habit
    place.mkdir()
    how: dict[str, object] = {"program": (sys.executable, "-m", "tests.torture.careless", habit)}
    if habit == "eatmydata":
        how = {"preload": "libeatmydata.so"}
    with spawn(pty=place / "edc", journal=place / "bank.jsonl") as edc:
        recording = record(
            place,
            "--edc",
            edc.url,
            "--city",
            NO_CITY,
            told=4,
            enrolled=enrolled,
            seed=3,
            **how,  # type: ignore[arg-type]
        )
    return explore(recording, states, 1)


def all_caught(base: Path, habits: dict[str, set[str]], states: int, note: Count) -> None:
    enrolled = base / "enrolled"
    with EmbeddedCity(base / "city") as city:
        enrol_into(enrolled, city.url, city.code, SystemClock(), practice=True)
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(habits, pool.map(functools.partial(caught, base, enrolled, states), habits), strict=True))
    for habit, must in habits.items():
        assert must <= set(found[habit].kinds), f"{habit}: {found[habit]}"
        note(f"counted: crash states that gave the control {habit} away", len(found[habit].wrong))


@pytest.mark.slow
def test_a_careless_till_is_caught(tmp_path: Path, record_property: Count) -> None:
    all_caught(tmp_path, {habit: CARELESS[habit] for habit in QUICK}, 60, record_property)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_every_careless_till_is_caught(tmp_path: Path, record_property: Count) -> None:
    if shutil.which("eatmydata") is None:
        pytest.skip("eatmydata is not installed (scripts/setup full installs it)")
    all_caught(tmp_path, CARELESS, 200, record_property)


@pytest.mark.torture
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_whole_mornings(tmp_path: Path, seed: int, record_property: Count) -> None:
    recording = served(tmp_path, redemptions=16, seed=seed)
    asked = recording.asked_for()
    assert set(asked) >= EVERY_KIND | {"sent"}
    assert Counter(promise.word for promise in recording.promised if promise.kind == "asked")["void"]
    anywhere = explore(recording, 3000, seed)
    at_names = explore(recording, 600, seed + 100, at=recording.renamings)
    counted(record_property, anywhere, at_names)
    assert not anywhere.wrong, anywhere
    assert not at_names.wrong, at_names
