"""A whole morning by the script, in processes of its own: what it leaves behind, and that no change goes unseen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.altered import altered
from tests.system.kit import (
    SUMMARY,
    book,
    morning,
    moved,
    other_connection,
    paper_is_backed,
    papers,
    run,
    said,
    same_at_the_city,
    same_money,
)

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("morning") / "till"
    return folder, morning(folder, 120)[0]


def test_a_morning_of_120_families_ends_with_the_summary(served: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = served
    held = book(folder)
    assert set(summary) == SUMMARY
    assert summary["redemptions"] == 120 == len(held.facts("Redeemed"))
    assert summary["overspend"] == 0
    assert summary["reversed"] == 2 == len(held.facts("Reversed"))
    assert summary["refused"] == len(held.facts("RedemptionRefused")) > 0
    assert summary["in_doubt_resolved"] >= 1
    assert summary["receipts_printed"] == 122
    assert held.receipts == list(range(1, 123)), "no gap in the receipt numbers"
    assert (summary["entries"], summary["ledger_head"]) == held.head
    assert summary["acked_seq"] == summary["entries"] - 1, "only the city's last acknowledgement is not with the city"
    report = said(folder)
    assert report["ok"]
    assert report["head"] == summary["ledger_head"]


def test_a_morning_whose_only_family_took_its_goods_back_is_closed_too(tmp_path: Path) -> None:
    """No goods moved, so the count has no story to tell and the day must still be sealed."""
    folder = tmp_path / "till"
    summary, _ = morning(folder, 1, seed=1)
    assert (summary["redemptions"], summary["reversed"], summary["edc_approved"]) == (1, 1, 0)
    assert said(folder)["ok"]
    assert len(book(folder).facts("DayClosed")) == 1
    same_at_the_city(folder)


def test_the_morning_is_exported_and_a_stranger_finds_it_sound(
    served: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Voids, debits in doubt, a sealed day and the city's own signatures: all of it by the checker's own reckoning."""
    folder, summary = served
    out = tmp_path / "morning.jsonl"
    assert run("export", str(out), "--data-dir", str(folder)).returncode == 0
    checker = Path(__file__).resolve().parents[2] / "tools" / "check_ledger.py"
    done = subprocess.run(
        [sys.executable, "-I", str(checker), str(out), "--json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["findings"]) == (0, [])
    assert (report["entries"], report["head"]) == (summary["entries"], summary["ledger_head"])
    assert (report["acked_seq"], report["sealed_days"], report["whole"]) == (summary["acked_seq"], 1, True)
    assert said(out) == said(folder)


def test_every_receipt_came_out_on_paper_and_as_pdf(served: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = served
    paper_is_backed(folder)
    owed = {seq for seq, kind, _, _ in book(folder).entries if kind in ("Redeemed", "Reversed", "DayClosed")}
    assert {seq for seq, _ in papers(folder)} == owed
    numbers = sorted(int(file.stem) for file in (folder / "print").glob("*.bin"))
    assert numbers == list(range(1, len(numbers) + 1))
    filed = {file.stem.split("-")[4] for file in (folder / "papers").glob("*.pdf") if not file.stem.startswith("tutup")}
    assert filed == {f"{number:04d}" for number in range(1, 123)}


def test_the_terminal_moved_what_the_ledger_says(served: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = served
    same_money(folder, folder / "edc-journal.jsonl")
    assert summary["edc_approved"] == moved(folder / "edc-journal.jsonl") > 0


def test_the_city_holds_the_same_head_and_the_same_day(served: tuple[Path, dict[str, Any]]) -> None:
    same_at_the_city(served[0])


def test_one_changed_byte_of_any_kind_of_entry_is_found_and_named(served: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = served
    kinds = {kind: seq for seq, kind, _, _ in book(folder).entries}
    assert len(kinds) >= 10
    with other_connection(folder) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for seq in kinds.values():
        body, changed = _flipped(folder, seq)
        _put(folder, triggers, seq, changed)
        report = said(folder)
        assert (report["ok"], report["first_bad_seq"]) == (False, seq)
        _put(folder, triggers, seq, body)
    assert said(folder)["ok"]


def _flipped(folder: Path, seq: int) -> tuple[bytes, bytes]:
    with other_connection(folder) as connection:
        (payload,) = connection.execute("SELECT payload FROM ledger_entry WHERE seq = ?", (seq,)).fetchone()
    body = bytes(payload)
    return body, altered(body, (seq * 7919) % len(body))


def _put(folder: Path, triggers: list[tuple[str, str]], seq: int, body: bytes) -> None:
    """Past every guard, and the guards back in their places, as somebody would who knows the key."""
    with other_connection(folder) as connection:
        connection.execute("BEGIN")
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE ledger_entry SET payload = ? WHERE seq = ?", (body, seq))
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")
