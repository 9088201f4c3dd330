"""kill -9 at random moments: what was acknowledged is in the ledger, once, and the day ends as if nothing happened."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.simulated.edc import spawn
from tests.system.kit import (
    TILL,
    book,
    demo_command,
    gone,
    morning,
    moved,
    offspring,
    paper_is_backed,
    run,
    said,
    same_at_the_city,
    same_money,
    surroundings,
)

pytestmark = pytest.mark.system

_TOLD = re.compile(r"Tercatat: struk (\d+)")


def live_and_die(folder: Path, lives: list[float], redemptions: int, words: Path, *more: str) -> None:
    """Start the demo, kill it without warning, look at what is there, go on."""
    for life in lives:
        with words.open("ab") as out:
            process = subprocess.Popen(
                [*TILL, *demo_command(folder, redemptions, "--resume", *more)],
                stdout=out,
                stderr=out,
                env=surroundings(),
            )
        try:
            time.sleep(life)
        finally:
            children = offspring(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        if (folder / "ledger.db").exists():
            report = said(folder)
            assert report["ok"], report["problems"]
            held = book(folder)
            assert {int(number) for number in _TOLD.findall(words.read_text())} <= set(held.receipts)
            paper_is_backed(folder)
        assert gone(children), "the city or the terminal outlived the till"
    text = words.read_text()
    assert "Traceback" not in text
    assert "Lakukan sekarang" not in text, "a resumed till must not need a person"


def all_is_well(folder: Path, journal: Path, summary: dict[str, Any], told: list[int], redemptions: int) -> None:
    held = book(folder)
    assert summary["redemptions"] >= redemptions
    assert summary["overspend"] == 0
    assert held.receipts == list(range(1, len(held.receipts) + 1)), "receipt numbers without a gap, each once"
    assert set(told) <= set(held.receipts)
    assert len(told) == len(set(told)), "a receipt was acknowledged twice"
    assert summary["receipts_printed"] == len(held.receipts)
    attempts = [debit["attempt"] for debit in held.debits]
    assert len(attempts) == len(set(attempts)), "one debit, two redemptions"
    originals = [fact["original"] for fact in held.facts("Reversed")]
    assert len(originals) == len(set(originals))
    same_money(folder, journal)
    assert summary["edc_approved"] == moved(journal)
    paper_is_backed(folder)
    assert said(folder)["ok"]
    assert not list(folder.glob("enrolling-*")), "keys of an enrolment that was cut off lie about"
    same_at_the_city(folder)
    [sealed] = held.facts("DayClosed")
    assert sealed["totals"]["redemptions"] == summary["redemptions"] == len(held.facts("Redeemed"))
    assert sealed["totals"]["purse"] == held.purse


def test_killed_again_and_again_the_day_still_ends_whole(tmp_path: Path) -> None:
    folder, words = tmp_path / "till", tmp_path / "words"
    rng = random.Random(2026)
    # Two deaths fall into enrolment, one life is long enough to serve somebody.
    lives = [0.9, 1.2, 4.5, 2.0, *(rng.uniform(1.9, 2.9) for _ in range(4))]
    live_and_die(folder, lives, 30, words)
    summary, last = morning(folder, 30, "--resume")
    told = [int(number) for number in _TOLD.findall(words.read_text() + last)]
    assert len(told) >= 5, "the till was killed before it served anybody"
    all_is_well(folder, folder / "edc-journal.jsonl", summary, told, 30)
    again = run(*demo_command(folder, 30, "--resume", "--json"))
    assert again.returncode == 0, again.stderr
    assert book(folder).receipts == list(range(1, summary["receipts_printed"] + 1)), "a sealed day stays as it is"


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_killed_sixty_times_over_with_a_misbehaving_terminal(tmp_path: Path, seed: int) -> None:
    folder, words, journal = tmp_path / "till", tmp_path / "words", tmp_path / "bank.jsonl"
    faults = tmp_path / "faults.json"
    faults.write_text(
        '[{"on": "sale", "every": 3, "do": "late_response", "ms": 700}, {"on": "any", "every": 7, "do": "split"},'
        ' {"on": "sale", "every": 5, "do": "drop_response"}, {"on": "void", "nth": 1, "do": "drop_response"}]'
    )
    rng = random.Random(seed)
    lives = [4.5, *(rng.uniform(0.3, 6.0) for _ in range(15))]
    if seed % 2:
        live_and_die(folder, lives, 60, words)
        summary, last = morning(folder, 60, "--resume", timeout=300)
        journal = folder / "edc-journal.jsonl"
    else:
        with spawn(pty=tmp_path / "edc", journal=journal, faults=faults) as terminal:
            live_and_die(folder, lives, 60, words, "--edc", terminal.url)
            summary, last = morning(folder, 60, "--resume", "--edc", terminal.url, timeout=300)
    told = [int(number) for number in _TOLD.findall(words.read_text() + last)]
    all_is_well(folder, journal, summary, told, 60)
