"""Corners of the layout: what does not fit beside something, and tables with nothing in them."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import Columns, Cut, Document, Space, Table, text_lines
from ewarung_pos.domain.wording import paper_text


def lines(*blocks: object, columns: int = 32) -> list[str]:
    return text_lines(Document("x", "x", blocks), columns)  # type: ignore[arg-type]  # each test names real blocks


def test_a_right_part_wider_than_the_paper_stands_under_the_left_one() -> None:
    assert lines(Columns("Catatan", "satu dua tiga empat lima enam tujuh delapan")) == [
        "Catatan",
        "satu dua tiga empat lima enam".rjust(32),
        "tujuh delapan".rjust(32),
    ]


def test_a_table_without_header_and_rows_prints_nothing() -> None:
    assert lines(Table((), ()), Space()) == [""]


def test_the_cut_is_an_empty_line_on_a_terminal() -> None:
    assert lines(Cut()) == [""]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u1680"])
def test_spaces_that_are_not_plain_become_plain(separator: str) -> None:
    assert paper_text(f"beras{separator}medium") == "beras medium"
