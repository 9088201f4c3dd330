"""Bytes for the receipt printer, read back by an interpreter that is no relative of the encoder."""

from __future__ import annotations

import pytest
import zxingcpp

from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.domain.documents import Align, PaperLine, Qr, typeset
from ewarung_pos.domain.papers import parse_qr
from ewarung_pos.errors import ConfigError
from tests.escpos_interpreter import interpret
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
    assert printed.cuts == ["part"]


def test_a_printer_that_cannot_draw_it_gets_a_picture_that_reads() -> None:
    document = receipt_of(redeemed())
    printed = interpret(encode(document, 32), 384)
    assert printed.qr_texts == []
    (picture,) = printed.rasters
    (found,) = zxingcpp.read_barcodes(picture)
    assert parse_qr(found.text).total == 207_200
    assert printed.cuts == [], "the cheap printer has no cutter"


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
