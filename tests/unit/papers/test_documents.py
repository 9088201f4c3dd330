"""Layout in columns: nothing is lost, nothing runs over the edge."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewarung_pos.domain.documents import (
    Align,
    Block,
    Columns,
    Cut,
    Document,
    PaperLine,
    Qr,
    Rule,
    Space,
    Table,
    Text,
    balanced_by,
    marked,
    text_lines,
    typeset,
    wrapped_by,
)

WORDS = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=80)
BLOCKS: st.SearchStrategy[Block] = st.one_of(
    st.builds(Text, WORDS, st.sampled_from(Align), st.booleans(), st.booleans()),
    st.builds(Columns, WORDS, WORDS, st.booleans(), st.booleans()),
    st.builds(Rule, st.booleans()),
    st.just(Space()),
    st.integers(1, 5).flatmap(
        lambda width: st.builds(
            Table, st.tuples(*[WORDS] * width), st.lists(st.tuples(*[WORDS] * width), max_size=4).map(tuple)
        )
    ),
)
DOCUMENTS = st.builds(
    lambda blocks, mark: Document("d", "D", (*blocks, Cut()), mark),
    st.lists(BLOCKS, max_size=8),
    st.sampled_from(["", "LATIHAN - BUKAN STRUK ASLI"]),
)


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([32, 48]))
def test_no_line_is_wider_than_the_paper(document: Document, columns: int) -> None:
    for item in typeset(document, columns):
        if isinstance(item, PaperLine):
            assert len(item.text) * (2 if item.wide else 1) <= columns
    assert all(len(line) <= columns for line in text_lines(document, columns))


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([32, 48]))
def test_no_character_is_lost(document: Document, columns: int) -> None:
    """Everything but spaces comes out, however often the layout breaks lines; a stacked table drops one label."""
    wanted: list[str] = []
    for block in document.blocks:
        match block:
            case Text(text=text):
                wanted.append(text)
            case Columns(left=left, right=right):
                wanted += [left, right]
            case Table(header=header, rows=rows):
                wanted += [cell for row in rows for cell in row]
                wanted += header[1:]
            case _:
                pass
    printed = "".join(line for line in text_lines(Document("d", "D", document.blocks), columns))
    for char in set("".join(wanted)) - {" "}:
        assert printed.count(char) >= sum(text.count(char) for text in wanted)


@settings(deadline=None)
@given(WORDS, st.integers(1, 40))
def test_wrapping_keeps_the_words(text: str, width: int) -> None:
    lines = wrapped_by(text, lambda line: len(line) <= width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= width for line in lines)
    even = balanced_by(text, lambda line: len(line) <= width)
    assert len(even) == len(lines)
    assert "".join("".join(even).split()) == "".join(text.split())


def test_a_number_stays_with_its_unit() -> None:
    assert wrapped_by("Beras medium Rojolele 5 kg", lambda line: len(line) <= 24) == ["Beras medium Rojolele", "5 kg"]


def test_headings_are_wrapped_evenly() -> None:
    assert balanced_by("LATIHAN - BUKAN STRUK ASLI", lambda line: len(line) <= 24) == ["LATIHAN - BUKAN", "STRUK ASLI"]


@pytest.mark.parametrize(
    ("left", "right", "lines"),
    [
        ("Kasir", "Sri", ["Kasir" + " " * 24 + "Sri"]),
        ("  sebelum", "Rp200.000", ["  sebelum              Rp200.000"]),
        ("Beras medium Rojolele 5 kg", "Rp67.500", ["Beras medium Rojolele 5 kg", " " * 24 + "Rp67.500"]),
        (
            "  " + "kata " * 12,
            "Rp1",
            ["  kata kata kata kata kata", "  kata kata kata kata kata", "  kata kata" + " " * 18 + "Rp1"],
        ),
    ],
)
def test_left_and_right_on_narrow_paper(left: str, right: str, lines: list[str]) -> None:
    assert text_lines(Document("d", "D", (Columns(left, right),)), 32) == lines


def test_a_table_is_stacked_when_its_labels_would_break_badly() -> None:
    table = Table(("Barang", "buku", "hitung"), (("Gula pasir Gulaku 1 kg murni", "40", "39"),))
    assert text_lines(Document("d", "D", (table,)), 24) == [
        "             buku hitung",
        "Gula pasir Gulaku 1 kg",
        "murni",
        "               40     39",
    ]
    assert text_lines(Document("d", "D", (table,)), 48) == [
        "Barang" + " " * 30 + " buku hitung",
        "Gula pasir Gulaku 1 kg murni" + " " * 8 + "   40     39",
    ]


def test_a_practice_paper_says_so_on_top_in_the_middle_and_at_the_end() -> None:
    blocks = (Text("a"), Rule(), Text("b"), Rule(), Text("c"), Text("d"), Cut())
    got = marked(Document("d", "D", blocks, "LATIHAN"))
    places = [place for place, block in enumerate(got) if isinstance(block, Text) and block.text == "LATIHAN"]
    assert len(places) == 3
    assert places[0] == 0
    assert places[2] == len(got) - 2
    assert isinstance(got[-1], Cut)
    between = [block for block in got if isinstance(block, Text) and block.text != "LATIHAN"]
    assert [block.text for block in between] == ["a", "b", "c", "d"]
    middle = got[places[1] - 2 : places[1] + 3]
    assert [block.text for block in middle if isinstance(block, Text)] in (["b", "LATIHAN", "c"], ["a", "LATIHAN", "b"])


def test_without_any_rule_the_mark_still_stands_in_the_middle() -> None:
    got = marked(Document("d", "D", (Text("a"), Text("b")), "LATIHAN"))
    texts = [block.text for block in got if isinstance(block, Text)]
    assert texts == ["LATIHAN", "a", "LATIHAN", "b", "LATIHAN"]


def test_a_real_paper_carries_no_mark() -> None:
    blocks = (Text("a"), Rule(), Qr("EW1"), Cut())
    assert marked(Document("d", "D", blocks)) == blocks


def test_a_terminal_shows_the_text_of_the_code() -> None:
    assert text_lines(Document("d", "D", (Qr("EW1:S"), Cut())), 11) == ["    [QR]", "   EW1:S", ""]
