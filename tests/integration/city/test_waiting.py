"""Families that nothing was granted to in a month that is granted: the morning counts them, and says what to do."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ewarung_city import leases, officers, register
from ewarung_city.__main__ import cli
from ewarung_city.store import schema
from ewarung_city.waiting import Waiting, sentences, waiting
from tests.integration.city.city_kit import NOON, PERIOD, SAMPLE, LiveCity
from tests.integration.city.moving import Kiosk, ask, at_home, card_of, serve
from tests.integration.city.test_pools import help_out

NEXT = "2026-12"
Run = Callable[..., str]


@pytest.fixture
def run(stocked: LiveCity, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What a command prints on 23 November: a day before December is expected."""
    monkeypatch.setattr("time.time_ns", lambda: (NOON - 86_400_000) * 1_000_000)

    def call(*words: str) -> str:
        done = CliRunner().invoke(cli, [*words, "--data-dir", str(stocked.data_dir)])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    return call


def found(city: LiveCity, region: str = "") -> list[Waiting]:
    with city.store.read() as tx:
        return list(waiting(tx, NOON, lambda code: code.startswith(region)))


def newcomer(city: LiveCity, folder: Path, **columns: str) -> None:
    """A family that a list names after the month was granted."""
    with (SAMPLE / "families.csv").open(encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["programmes"] == "JATAH")
    numbers = {"nik": "3374014503799526", "kk": "3374012909129465", "card_number": "9999534494174560"}
    path = folder / "families.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, row.keys())
        writer.writeheader()
        writer.writerow({**row, **numbers, "name": "BARU", **columns})
    with city.store.write() as tx:
        assert register.import_families(tx, path, city.keys, city.clock.ms).taken == 1


def of_home(city: LiveCity, device: str) -> int:
    """Families there to whom a programme gives something, and who are neither dead nor moved."""
    with city.store.read() as tx:
        rows = tx.all(schema.family, home=device)
    return sum(bool(row["programmes"]) and row["card_status"] not in {"deceased", "moved"} for row in rows)


@pytest.mark.parametrize("programme", ["JATAH", "SEMBAKO"])
def test_a_family_that_came_after_the_grant_is_counted_until_it_is_granted(
    stocked: LiveCity, run: Run, tmp_path: Path, programme: str
) -> None:
    assert run("today") == "Tidak ada yang menunggu.\n"
    newcomer(stocked, tmp_path, programmes=programme)
    line = f"Belum mendapat jatah November 2026: 1 keluarga. Jalankan: ewarung-city grant {PERIOD}\n"
    assert run("today") == line
    assert msgspec.json.decode(run("today", "--json"))["waiting"] == [
        {"period": PERIOD, "grant": 1, "stopped": 0, "homeless": 0, "kiosks": []}
    ]
    run("grant", PERIOD)
    assert run("today") == "Tidak ada yang menunggu.\n"


def test_whoever_is_dead_or_has_moved_waits_for_nothing(stocked: LiveCity, tmp_path: Path) -> None:
    newcomer(stocked, tmp_path, card_status="deceased")
    assert found(stocked) == []


def test_an_officer_of_a_part_hears_of_its_families(stocked: LiveCity, tmp_path: Path) -> None:
    newcomer(stocked, tmp_path)
    assert found(stocked, "33.74.01.") == [Waiting(PERIOD, 1, 0, 0, ())]
    assert found(stocked, "33.74.16.") == []


def test_a_grant_says_who_is_short_and_the_morning_whose_kiosk_is_stopped(
    city: LiveCity, kiosk: Kiosk, run: Run
) -> None:
    kiosk("EW-0002")
    with city.store.write() as tx:
        officers.freeze(tx, "EW-0002")
    count = of_home(city, "EW-0002")
    stopped = Waiting(PERIOD, 0, count - purses_alone(city, "EW-0002"), 0, ("EW-0002",))
    assert found(city) == [stopped], "what it holds nobody can hand out"
    said = run("grant", NEXT)
    rations = msgspec.json.decode(run("grant", NEXT, "--json"))["short"]
    assert rations > 0
    assert f"\n{rations} rations short: their home kiosk is frozen" in said
    assert "`ewarung-city today`" in said
    assert found(city) == [stopped, msgspec.structs.replace(stopped, period=NEXT)]
    lines = run("today").splitlines()
    assert len(lines) == 2
    assert f"{stopped.stopped} keluarga, karena kiosnya dibekukan" in lines[1]
    assert "EW-0002. Selesaikan dahulu" in lines[1]
    assert lines[1].endswith(f"lalu: ewarung-city grant {NEXT}")


def purses_alone(city: LiveCity, device: str) -> int:
    with city.store.read() as tx:
        rows = tx.all(schema.family, home=device, programmes="SEMBAKO")
    return sum(row["card_status"] not in {"deceased", "moved"} for row in rows)


def test_what_an_old_machine_holds_waits_for_two_officers_and_then_for_a_grant(city: LiveCity, kiosk: Kiosk) -> None:
    home = kiosk("EW-0002")
    served = at_home(city, "EW-0002")
    serve(home, served, 2)
    home.drain()
    rations = of_home(city, "EW-0002") - purses_alone(city, "EW-0002")
    with city.store.write() as tx:
        tx.change(schema.epoch, {"state": "frozen"}, device="EW-0002")
        tx.change(schema.kiosk, {"epoch": 2}, device="EW-0002")
        tx.put(schema.epoch, [{"device": "EW-0002", "epoch": 2, "state": "active", "mode": "normal"}])
    assert found(city) == [Waiting(PERIOD, 0, rations, 0, ("EW-0002",))]
    with city.store.write() as tx:
        leases.grant(tx, PERIOD)
    assert found(city) == [Waiting(PERIOD, 0, rations, 0, ("EW-0002",))], "a grant alone gives nothing of it"
    with city.store.write() as tx:
        leases.declare_lost(tx, "EW-0002", 1, ["Ratna", "Heru"])
    assert found(city) == [Waiting(PERIOD, rations, 0, 0, ())]
    with city.store.write() as tx:
        leases.grant(tx, PERIOD)
    assert found(city) == []


def test_whoever_has_had_everything_or_has_it_elsewhere_waits_for_nothing(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    served, visitor, helped = (at_home(city, which=place) for place in range(3))
    serve(home, served, 2)
    help_out(other, card_of(helped), 2)
    assert ask(other, visitor).outcome == "waiting"
    home.drain()
    assert ask(other, visitor).outcome == "granted"
    other.drain()
    home.drain()
    assert found(city) == []


def test_a_family_without_a_kiosk_of_this_city_needs_one_first(stocked: LiveCity, run: Run, tmp_path: Path) -> None:
    newcomer(stocked, tmp_path)
    with stocked.store.write() as tx:
        tx.change(schema.family, {"home": "EW-9999"}, name="BARU")
    assert found(stocked) == [Waiting(PERIOD, 0, 0, 1, ())]
    (line,) = run("today").splitlines()
    assert line.startswith("Belum mendapat jatah November 2026: 1 keluarga tanpa kios di kota ini.")
    assert list(sentences(Waiting(PERIOD, 0, 0, 0, ()))) == []
