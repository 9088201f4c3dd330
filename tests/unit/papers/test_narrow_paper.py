"""Corners of the layout: what does not fit beside something, and tables with nothing in them."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import (
    Align,
    Columns,
    Cut,
    Document,
    PaperLine,
    Space,
    Table,
    Text,
    text_lines,
    typeset,
)
from ewarung_pos.domain.paper_parts import total_line
from ewarung_pos.domain.wording import paper_text
from tests.unit.papers.sample_papers import all_documents, words_of


def lines(*blocks: object, columns: int = 32) -> list[str]:
    return text_lines(Document("x", "x", blocks), columns)  # type: ignore[arg-type]  # each test names real blocks


def test_no_line_holds_the_word_rupiah_alone() -> None:
    amounts = (207_200, 174_000, 191_000, 2_950_000, 1_111_111, 500, 0)
    printed = [lines(*total_line("TOTAL", amount), columns=columns) for amount in amounts for columns in (32, 48)]
    assert all(line.strip() != "rupiah)" for paper in printed for line in paper)
    assert printed[0][2:4] == ["(dua ratus tujuh ribu dua", "ratus rupiah)"]


def test_a_right_part_wider_than_the_paper_stands_under_the_left_one() -> None:
    assert lines(Columns("Catatan", "satu dua tiga empat lima enam tujuh delapan")) == [
        "Catatan",
        "satu dua tiga empat lima enam".rjust(32),
        "tujuh delapan".rjust(32),
    ]


def test_text_on_the_right_ends_at_the_edge_of_the_paper() -> None:
    assert lines(Text("Semarang, 24 November 2026", Align.RIGHT)) == ["Semarang, 24 November 2026".rjust(32)]


@pytest.mark.parametrize(
    ("name", "columns", "printed", "wide"),
    [
        ("e-Warung Kesejahteraan", 32, ["e-Warung", "Kesejahteraan"], True),
        ("e-Warung Sumberkesejahteraan", 32, ["e-Warung Sumberkesejahteraan"], False),
        ("e-Warung Sumberkesejahteraan", 48, ["e-Warung", "Sumberkesejahteraan"], True),
    ],
)
def test_a_kiosks_name_is_big_and_no_word_of_it_broken(name: str, columns: int, printed: list[str], wide: bool) -> None:
    head = [*typeset(Document("x", "x", (Text(name, Align.CENTRE, big=True),)), columns)]
    assert [line.text for line in head if isinstance(line, PaperLine)] == printed
    assert all(isinstance(line, PaperLine) and (line.tall, line.wide) == (True, wide) for line in head)


def test_a_word_longer_than_the_paper_is_broken_and_goes_on_below() -> None:
    assert lines(Text("Invoice 0123456789abcdef siap"), columns=8) == ["Invoice", "01234567", "89abcdef", "siap"]


def test_figures_that_do_not_fit_side_by_side_stand_under_each_other_at_the_edge() -> None:
    table = Table(("Barang", "buku", "hitung"), (("Beras", "1.234.567 kg", "1.234.566 kg"),))
    assert lines(table, columns=20) == [
        "buku hitung".rjust(20),
        "Beras",
        "1.234.567 kg".rjust(20),
        "1.234.566 kg".rjust(20),
    ]


def test_a_table_without_header_and_rows_prints_nothing() -> None:
    assert lines(Table((), ()), Space()) == [""]


def test_the_cut_is_an_empty_line_on_a_terminal() -> None:
    assert lines(Cut()) == [""]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u1680"])
def test_spaces_that_are_not_plain_become_plain(separator: str) -> None:
    assert paper_text(f"beras{separator}medium") == "beras medium"


def test_a_long_word_beside_a_figure_is_never_broken_the_figure_goes_below() -> None:
    assert lines(Columns("Jumlah yang dipertanggungjawabkan", "Rp1.250.000"), columns=24) == [
        "Jumlah yang",
        "dipertanggungjawabkan",
        "Rp1.250.000".rjust(24),
    ]


@pytest.mark.parametrize("columns", [32, 42, 48])
@pytest.mark.parametrize("name", list(all_documents()))
def test_no_paper_breaks_a_word(name: str, columns: int) -> None:
    document = all_documents()[name]
    printed = " ".join(text_lines(document, columns)).split()
    for word in words_of(document):
        assert word in printed
