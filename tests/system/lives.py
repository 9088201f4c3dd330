"""A till that is killed again and again on one data directory, and what must hold in the end."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ewarung_pos.ledger.verify import verify
from tests.system.kit import (
    TILL,
    book,
    demo_command,
    gone,
    moved,
    offspring,
    paper_is_backed,
    said,
    same_at_the_city,
    same_money,
    surroundings,
)

__all__ = ["Life", "all_is_well", "live_and_die", "look", "told_in"]

_TOLD = re.compile(r"Tercatat: struk (\d+)")


@dataclass(frozen=True)
class Life:
    """A life that ends so many seconds after it has served so many families, however fast the machine is."""

    seconds: float
    served: int = 0

    def pass_by(self, process: subprocess.Popen[bytes], words: Path) -> None:
        before, end = len(told_in(words.read_text())), time.monotonic() + 90
        while len(told_in(words.read_text(errors="replace"))) < before + self.served and process.poll() is None:
            assert time.monotonic() < end, "the till serves nobody"
            time.sleep(0.02)
        time.sleep(self.seconds)


def told_in(words: str) -> list[int]:
    """Receipts that were acknowledged on the screen."""
    return [int(number) for number in _TOLD.findall(words)]


def live_and_die(
    folder: Path,
    lives: Sequence[Life | float],
    redemptions: int,
    words: Path,
    *more: str,
    seed: int = 7,
    environment: dict[str, str] | None = None,
) -> None:
    """Start the demo, kill it without warning, look at what is there, go on."""
    folder.mkdir(parents=True, exist_ok=True)
    for life in lives:
        with words.open("ab") as out:
            process = subprocess.Popen(
                [*TILL, *demo_command(folder, redemptions, "--resume", *more, seed=seed)],
                stdout=out,
                stderr=out,
                env=surroundings() if environment is None else environment,
            )
        try:
            (life if isinstance(life, Life) else Life(life)).pass_by(process, words)
        finally:
            children = offspring(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        look(folder, words)
        assert gone(children), "the city or the terminal outlived the till"
    text = words.read_text()
    assert "Traceback" not in text
    assert "Lakukan sekarang" not in text, "a resumed till must not need a person"


def look(folder: Path, words: Path) -> None:
    """Right after a death: the ledger is whole, and holds all that was acknowledged and printed."""
    if (folder / "ledger.db").exists():
        report = verify(folder)
        assert report.ok, report.problems
        assert set(told_in(words.read_text())) <= set(book(folder).receipts)
        paper_is_backed(folder)


def all_is_well(folder: Path, journal: Path, summary: dict[str, Any], told: list[int], redemptions: int) -> None:
    """After a morning that ended well: one outcome for each redemption, everywhere.

    Args:
        folder: the data directory, with the city's in or linked in it.
        journal: the terminal's own.
        summary: what the last life ended with.
        told: receipts acknowledged in all lives.
        redemptions: how many were asked for.
    """
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
