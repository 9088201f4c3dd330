"""Bytes for the receipt printer, read back by an interpreter that is no relative of the encoder."""

from __future__ import annotations

import pytest
import zxingcpp
from escpos.printer import Dummy

from ewarung_pos.devices.escpos import encode
from ewarung_pos.domain.documents import Align, PaperLine, Qr, typeset
from ewarung_pos.domain.papers import parse_qr
from ewarung_pos.errors import ConfigError
from tests.escpos_interpreter import UnknownCommandError, interpret
from tests.unit.papers.sample_papers import all_documents, receipt_of, redeemed

WIDTHS = [(32, 384), (48, 576)]
PAPERS = [(name, practice) for name in all_documents() for practice in (False, True)]


@pytest.mark.parametrize(("columns", "dots"), WIDTHS)
@pytest.mark.parametrize(("name", "practice"), PAPERS)
def test_the_paper_shows_line_by_line_what_was_typeset(name: str, practice: bool, columns: int, dots: int) -> None:
    document = all_documents(practice=practice)[name]
    printed = interpret(encode(document, columns), dots)
    assert printed.overflows == 0
    wanted = [item for item in typeset(document, columns) if isinstance(item, PaperLine) and item.text]
    got = [line for line in printed.lines if line.text]
    assert [line.text for line in got] == [item.text for item in wanted]
    for line, item in zip(got, wanted, strict=True):
        assert (line.bold, line.tall, line.wide) == (item.bold, item.tall, item.wide), item.text
        width = sum(glyph.size[0] for glyph in line.glyphs)
        place = {Align.LEFT: 0, Align.CENTRE: (dots - width) // 2, Align.RIGHT: dots - width}[item.align]
        assert line.left == place, item.text


def test_a_printer_that_can_draw_the_code_gets_its_text() -> None:
    document = receipt_of(redeemed())
    printed = interpret(encode(document, 48), 576)
    (code,) = (block for block in document.blocks if isinstance(block, Qr))
    assert printed.qr_texts == [code.data]
    assert printed.rasters == []
    assert printed.cuts == 1


def test_a_printer_that_cannot_draw_it_gets_a_picture_that_reads() -> None:
    document = receipt_of(redeemed())
    printed = interpret(encode(document, 32), 384)
    assert printed.qr_texts == []
    (picture,) = printed.rasters
    (found,) = zxingcpp.read_barcodes(picture)
    assert parse_qr(found.text).total == 207_200
    assert printed.cuts == 0, "the cheap printer has no cutter"


@pytest.mark.parametrize(("columns", "dots"), WIDTHS)
@pytest.mark.parametrize("practice", [False, True])
def test_the_code_is_read_from_the_whole_printed_paper(columns: int, dots: int, practice: bool) -> None:
    document = receipt_of(redeemed(), practice=practice)
    (found,) = zxingcpp.read_barcodes(interpret(encode(document, columns), dots).picture())
    assert parse_qr(found.text).number == 47


def test_the_same_document_is_the_same_bytes() -> None:
    assert encode(receipt_of(redeemed()), 32) == encode(receipt_of(redeemed()), 32)


@pytest.mark.parametrize(
    ("columns", "profile"),
    [(32, "default"), (32, "simple"), (48, "no-such-printer"), (48, "POS-5890"), (40, "")],
)
def test_a_profile_that_does_not_know_its_paper_is_refused(columns: int, profile: str) -> None:
    with pytest.raises(ConfigError):
        encode(receipt_of(redeemed()), columns, profile)


def test_another_profile_of_the_right_width_may_be_named() -> None:
    document = receipt_of(redeemed())
    assert interpret(encode(document, 32, "NT-5890K"), 384).overflows == 0


# --- the interpreter itself --------------------------------------------------------------------------------------


def test_the_interpreter_reads_what_python_escpos_writes() -> None:
    paper = Dummy(profile="TM-T20II")
    paper.hw("INIT")
    paper.set(align="center", bold=True, double_height=True, double_width=True)
    paper.textln("KIOS")
    paper.set(align="right", bold=False, normal_textsize=True, font="b")
    paper.textln("kecil")
    paper.set(align="left", font="a", custom_size=True, width=3, height=2)
    paper.textln("A")
    paper.set(custom_size=True, width=1, height=1)
    paper.line_spacing(60)
    paper.textln("jauh")
    paper.line_spacing()
    paper.print_and_feed(2)
    paper.qr("EW1", native=True)
    paper.cut()
    got = interpret(bytes(paper.output), 576)
    big, small, wide, far = got.lines[:4]
    assert (big.text, big.bold, big.tall, big.wide, big.left) == ("KIOS", True, True, True, (576 - 4 * 24) // 2)
    assert (small.text, small.bold, small.left) == ("kecil", False, 576 - 5 * 9)
    assert wide.glyphs[0].size == (36, 48)
    assert far.text == "jauh"
    assert got.qr_texts == ["EW1"]
    assert got.cuts == 1
    assert got._strips[3][1] == 60


def test_the_interpreter_counts_text_over_the_edge() -> None:
    got = interpret(b"\x1b@" + b"x" * 33 + b"\n", 384)
    assert got.overflows == 1
    assert got.grid() == ["x" * 32, "x"]


def test_alignment_in_the_middle_of_a_line_has_no_effect() -> None:
    assert interpret(b"ab\x1ba\x01c\n", 384).lines[0].left == 0
    assert interpret(b"\x1ba\x02ab\n", 384).grid() == [" " * 30 + "ab"]


def test_a_raster_is_drawn_dot_by_dot() -> None:
    got = interpret(b"\x1dv0\x00\x01\x00\x02\x00\x80\x01", 384)
    assert got.rasters[0].size == (8, 2)
    assert [got.rasters[0].getpixel(dot) for dot in ((0, 0), (1, 0), (7, 1), (0, 1))] == [0, 255, 0, 255]


def test_status_requests_are_noted() -> None:
    assert interpret(b"\x10\x04\x01\x10\x04\x04", 384).asked == [1, 4]


@pytest.mark.parametrize(
    "data", [b"\x1bZ", b"\x1d", b"\x1dv0\x00\x01\x00\x09\x00\x00", b"\x07", b"\x1b!", b"\x80", b"\x1d(k\x03\x002C\x06"]
)
def test_bytes_outside_the_table_are_an_error(data: bytes) -> None:
    with pytest.raises(UnknownCommandError):
        interpret(data, 384)


def test_lines_are_drawn_in_black_on_white() -> None:
    picture = interpret(b"\x1bE\x01X\n\n", 384).picture()
    assert picture.size == (384 + 48, 60 + 48)
    assert picture.crop((24, 24, 36, 54)).getextrema()[0] == 0
    assert picture.crop((0, 54, 432, 108)).getextrema() == (255, 255)
