"""Somebody sets the computer's clock in the middle of a morning: real programs under libfaketime.

Nothing is lost, the order is that of the entries, each step is an entry, and the counter goes on only after a leader
said that the clock is right, or it is.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.simulated.edc import spawn
from ewarung_pos.domain.timeline import WIB
from ewarung_pos.ledger.engine import LEDGER_FILE
from ewarung_pos.ledger.export import export
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.sync.embedded import EmbeddedCity
from tests.system.kit import book, demo_command, other_connection, paper_is_backed, said, same_money, started

pytestmark = pytest.mark.system

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
CHECKER = Path(__file__).parents[2] / "tools" / "check_ledger.py"
DAY_MS = 86_400_000
TOLERANCE_MS = 60_000

_SLEEP = """
# libfaketime 0.9.10 turns the absolute deadline of clock_nanosleep into a wrong one, and Python sleeps by it.
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


@dataclass
class FakedClock:
    """Environment for programs whose wall clock is what a file says; the monotonic one stays true."""

    place: Path

    def __post_init__(self) -> None:
        (self.place / "sitecustomize.py").write_text(_SLEEP)
        self.set("+0")

    def set(self, said: str) -> None:
        """`+3d` from now on, or `@2026-11-30 23:59:30` at the start of the program."""
        draft = self.place / "clock.new"
        draft.write_text(f"{said}\n")
        draft.replace(self.place / "clock")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.place / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(self.place),
            "TZ": "UTC",
        }


@pytest.fixture
def clock(tmp_path: Path) -> FakedClock:
    if LIBRARY is None:
        pytest.skip("faketime is not installed (scripts/setup full installs it)")
    place = tmp_path / "clock"
    place.mkdir()
    return FakedClock(place)


def served(words: Path, families: int, seconds: float = 90) -> bool:
    """Wait until so many families were told that their redemption is recorded."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if words.exists() and words.read_text(errors="replace").count("Tercatat: struk") >= families:
            return True
        time.sleep(0.02)
    return False


def turned_away(words: Path) -> int:
    """How often a family was told that the day of another month serves nobody."""
    return words.read_text(errors="replace").count("Tidak dilayani: Hari lama belum ditutup")


def served_or_turned_away(words: Path, families: int, before: int, seconds: float = 90) -> bool:
    """Wait until so many were served, or the clock says a month that the open day is not of."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if turned_away(words) > before + 1 or served(words, families, 0.02):  # one may be of the clock as it was
            return True
        time.sleep(0.02)
    return False


def steps(folder: Path) -> list[tuple[int, bool]]:
    return [(fact["delta_ms"], fact["confirmed"]) for fact in book(folder).facts("ClockStepped")]


def summary_of(words: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(words.read_text().splitlines()[-1])
    return found


def work_through(tmp_path: Path, clock: FakedClock, days: tuple[int, ...], redemptions: int) -> Path:
    """A morning in which the clock is set by so many days, one after another, and right again at the end."""
    folder, words = tmp_path / "till", tmp_path / "words"
    every = redemptions // (len(days) + 2)
    with (
        EmbeddedCity(tmp_path / "city") as city,
        spawn(pty=tmp_path / "edc", journal=tmp_path / "bank.jsonl") as terminal,
    ):
        command = demo_command(
            folder, redemptions, "--edc", terminal.url, "--city", city.url, "--code", city.code, "--json"
        )
        with started(*command, said_in=words, **clock.environment) as till:
            for turn, moved in enumerate((*days, 0), start=1):
                before = turned_away(words) if words.exists() else 0
                assert served_or_turned_away(words, turn * every, before), words.read_text()[-2000:]
                clock.set(f"{moved:+d}d" if moved else "+0")
            assert till.wait(150) == 0, words.read_text()[-3000:]
    text = words.read_text()
    assert "Traceback" not in text
    held = book(folder)
    assert summary_of(words)["redemptions"] == redemptions == len(held.facts("Redeemed"))
    assert held.receipts == list(range(1, len(held.receipts) + 1))
    assert [seq for seq, _, _, _ in held.entries] == list(range(1, len(held.entries) + 1))
    assert len(held.facts("DayClosed")) == 1
    report = said(folder)
    assert report["ok"], report["problems"]
    sound_for_strangers(folder, tmp_path / "out.jsonl")
    paper_is_backed(folder)
    same_money(folder, tmp_path / "bank.jsonl")
    assert summary_of(words)["acked_seq"] == summary_of(words)["entries"] - 1, "the clock is right: all of it is sent"
    return folder


def sound_for_strangers(folder: Path, out: Path) -> None:
    """Whoever has only the export finds every step explained, and nothing else wrong."""
    export(folder / LEDGER_FILE, key_of(folder).secret, out, 1)
    words = [sys.executable, str(CHECKER), str(out), "--json"]
    told = json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout)
    assert told["findings"] == []


def check_steps(folder: Path, days: tuple[int, ...]) -> None:
    """Every setting of the clock is an entry, in its order; a leader's word stands before goods go out again."""
    expected = [now - before for before, now in zip((0, *days), (*days, 0), strict=True)]
    told = [delta for delta, confirmed in steps(folder) if not confirmed]
    assert len(told) == len(expected), steps(folder)
    for delta, wanted in zip(told, expected, strict=True):
        assert abs(delta - wanted * DAY_MS) < TOLERANCE_MS
    today = dt.datetime.now(WIB).date()
    near = [moved for moved in days if (today + dt.timedelta(moved)).replace(day=1) == today.replace(day=1)]
    assert sum(confirmed for _, confirmed in steps(folder)) >= len(near), "in another month nobody is served anyway"
    off, trusted = 0, True
    for _, kind, _, fact in book(folder).entries:
        if kind == "ClockStepped":
            off += 0 if fact["confirmed"] else fact["delta_ms"]
            trusted = fact["confirmed"] or abs(off) < TOLERANCE_MS
        elif kind == "Redeemed" and not fact.get("purse"):  # a debit that the bank made meanwhile is completed
            assert trusted, "goods went out under a clock that nobody had confirmed"


def test_a_clock_set_by_three_days_both_ways(tmp_path: Path, clock: FakedClock) -> None:
    days = (3, -3)
    check_steps(work_through(tmp_path, clock, days, 16), days)


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("days", [(730,), (-730,), (730, -730, 3, -3), (-3, 730)])
def test_a_clock_set_by_years(tmp_path: Path, clock: FakedClock, days: tuple[int, ...]) -> None:
    check_steps(work_through(tmp_path, clock, days, 36), days)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_a_morning_over_the_end_of_the_month(tmp_path: Path, clock: FakedClock) -> None:
    """City, EDC and till live in the same last minute of November; in December the day of November serves nobody."""
    folder, words = tmp_path / "till", tmp_path / "words"
    clock.set(_until("23:58:30"))
    with started(*demo_command(folder, 24, "--json"), said_in=words, **clock.environment) as till:
        assert served(words, 8), words.read_text()[-2000:]
        clock.set(_until("23:59:58"))  # not two minutes further: no step yet, as far as the till is concerned
        assert till.wait(150) == 3, words.read_text()[-3000:]
    assert "Traceback" not in words.read_text()
    assert turned_away(words)
    held = book(folder)
    assert 8 <= len(held.facts("Redeemed")) < 24
    assert _dates(folder) == {("2026-11-30", "2026-11")}, "goods went out in a month of which the day is not"
    assert held.facts("DayClosed") == [], "nobody closed it yet"
    assert steps(folder) in ([], [(0, True)]), "time only passed"
    assert {debit["period"] for fact in held.facts("Redeemed") for debit in fact["debits"]} == {"2026-11"}
    assert said(folder)["ok"]
    same_money(folder, folder / "edc-journal.jsonl")


def _until(moment: str) -> str:
    """How to set the clock so that it is that moment of 30 November 2026 in Semarang now."""
    wanted = dt.datetime.fromisoformat(f"2026-11-30T{moment}").replace(tzinfo=WIB)
    return f"{int((wanted - dt.datetime.now(WIB)).total_seconds()):+d}"


def _dates(folder: Path) -> set[tuple[str, str]]:
    """(business date, calendar month in WIB) of every redemption, but for a debit that the bank had made before."""
    with other_connection(folder) as connection:
        rows = connection.execute(
            "SELECT business_date, instant FROM ledger_entry "
            "WHERE kind = 'Redeemed' AND json_extract(CAST(payload AS TEXT), '$.fact.purse') IS NULL"
        ).fetchall()
    return {(date, dt.datetime.fromtimestamp(at / 1000, WIB).strftime("%Y-%m")) for date, at in rows}
