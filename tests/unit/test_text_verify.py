"""What `verify` found is said in sentences."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ewarung_pos.ledger.verify_report import Problem, VerifyReport
from ewarung_pos.ui.text_verify import FOUND, verdict


def said(*problems: Problem, first: int | None = None) -> tuple[str, ...]:
    report = VerifyReport(False, 40, "ab" * 32, first_bad_seq=first, problems=problems)
    built: dict[str, Any] = msgspec.to_builtins(report)
    return verdict(built)


def test_every_word_of_a_problem_has_a_sentence_and_no_other() -> None:
    listed = " ".join((Problem.__doc__ or "").split()).partition("Words: ")[2]
    assert set(re.findall(r"[a-z_]+", listed)) == set(FOUND)


def test_a_sound_ledger_is_said_in_one_line() -> None:
    report: dict[str, Any] = msgspec.to_builtins(VerifyReport(True, 40, "ab" * 32))
    assert verdict(report) == ("Buku catatan utuh: 40 catatan, kepala abababababab.",)


@pytest.mark.parametrize("word", sorted(set(FOUND) - {"file"}))
def test_a_problem_names_its_entry_and_what_to_do(word: str) -> None:
    lines = said(Problem(12, word, "detail"), first=12)
    assert lines[0].endswith("pertama yang salah: nomor 12.")
    assert lines[1] == f"  Catatan 12: {FOUND[word]} ({word} detail)."
    assert lines[-1].startswith("Lakukan sekarang: ")
    assert len(lines) == 3


def test_what_is_not_at_an_entry_names_none() -> None:
    lines = said(Problem(0, "guard", "no_update"))
    assert "None" not in " ".join(lines)
    assert lines[0].endswith("melainkan yang di sampingnya.")
    assert lines[1].startswith("  Penjaga")


def test_a_damaged_file_is_summed_up_by_its_pages() -> None:
    wall = [Problem(0, "file", f"Tree 5 page {n} cell 0: btreeInitPage() returns error code 11") for n in range(3, 40)]
    lines = said(*wall)
    assert len(lines) == 3
    assert lines[0].endswith("Yang rusak berkasnya.")
    assert lines[1] == "  Berkas rusak di halaman 3, 4, 5, 6, 7, 8 dan 31 halaman lain."
    assert "cadangan" in lines[2]


def test_a_file_that_tells_no_page_is_said_to_be_unreadable() -> None:
    assert said(Problem(0, "file", "SQLITE_CORRUPT"))[1].endswith("rusak dan tidak terbaca seluruhnya.")


def test_a_long_list_is_cut_and_says_so() -> None:
    lines = said(*(Problem(n, "hash") for n in range(1, 31)), first=1)
    assert len(lines) == 1 + 20 + 2
    assert lines[-2] == "  ... dan 10 lagi; semuanya ada pada --json."
