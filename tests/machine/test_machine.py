"""sync.md section 6 over the real code of both ends, with a line, clocks, disks and databases that do their worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.city_databases import Databases
from tests.machine.mutants import MUTANTS
from tests.machine.rules import RULES
from tests.machine.run import explore, found, run
from tests.machine.world import Template

FOCUS = ("serve", "ask", "sync", "drain", "grant", "copy_city", "restore_city")
"""What moves rights, and the one mishap that a broken rule is about: all others only take longer to get there."""
FIRST = {"cached_balance": 9, "cap_per_kiosk": 12, "surrender_before_its_commit": 6, "no_recovery": 2}
"""Seeds that find a broken rule soon, to be quick; any others do too."""
TRIES, STEPS = 60, 50

SHARDS, RUNS, LONG = 50, 50, 400
"""A million steps: shards that processes share out, runs of each, steps of a run."""


@pytest.fixture(scope="module", autouse=True)
def templates() -> Iterator[None]:
    yield
    Template.forget()


def record(counted: Counter[str], property_: Callable[[str, object], None]) -> None:
    for name, count in counted.items():
        property_(f"counted: machine, {name}", count)


def test_nothing_breaks_whatever_hypothesis_chooses() -> None:
    counted = explore(3, 25, signed=True, shrink=False)
    assert counted["runs that came to rest"] >= 3


@pytest.mark.parametrize("seed", range(4))
def test_nothing_breaks_in_a_seeded_run(seed: int) -> None:
    counted: Counter[str] = Counter()
    run(seed, 100, counted, signed=seed == 0)
    assert counted["steps"] == 100
    assert counted["cities built anew from their entries"] == 1


@pytest.mark.parametrize("name", MUTANTS)
def test_each_broken_rule_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same machine, within so many steps of so many runs; and it is the broken rule that is found."""
    Template.of()
    with monkeypatch.context() as patch:
        MUTANTS[name](patch)
        seeds = [FIRST[name], *range(1000, 1000 + TRIES)]
        seed = next((seed for seed in seeds if found(seed, STEPS, FOCUS)), None)
        assert seed is not None, f"{name} survives"
        what = found(seed, STEPS, FOCUS)
    print(f"{name}: seed {seed}: {what}")  # noqa: T201
    assert what.partition(":")[0] in {"I1", "I3", "I12"}
    assert found(seed, STEPS, FOCUS) == ""


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_nothing_breaks_in_a_million_steps(shard: int, record_property: Callable[[str, object], None]) -> None:
    counted: Counter[str] = Counter()
    for seed in range(shard * RUNS, (shard + 1) * RUNS):
        run(seed, LONG, counted, thorough=seed % 4 == 0)
    record(counted, record_property)
    assert counted["steps"] == RUNS * LONG


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_nothing_breaks_on_signed_lines_and_on_either_database(
    databases: Databases, record_property: Callable[[str, object], None]
) -> None:
    counted: Counter[str] = Counter()
    for seed in range(100_000, 100_025):
        run(seed, 200, counted, databases=databases, signed=True)
    record(counted, record_property)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_hypothesis_finds_nothing_either(record_property: Callable[[str, object], None]) -> None:
    counted = explore(400, 60, signed=False, shrink=True)
    record(counted, record_property)
    assert all(counted[f"rule: {name}"] for name in RULES)
