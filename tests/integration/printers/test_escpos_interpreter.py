"""The interpreter that judges our papers, judged by two encoders that we did not write: python-escpos, receiptline."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import zxingcpp
from escpos.printer import Dummy
from PIL import Image

from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.domain.documents import Align, Cut, Document, PaperLine, Qr, typeset
from tests.escpos_interpreter import CODE_PAGES, Printed, UnknownCommandError, interpret
from tests.escpos_paper import Line
from tests.unit.papers.sample_papers import all_documents

RECEIPTLINE = Path(__file__).with_name("receiptline")
WIDTHS = [(32, 384), (48, 576)]


# --- receiptline: its own layout engine, its own QR generator, positions in dots instead of spaces ---------------


def _escaped(text: str) -> str:
    return "".join(char if char.isalnum() else f"\\x{ord(char):02x}" for char in text)


def _markup(document: Document, columns: int) -> str:
    """What we would typeset, in receiptline's own language."""
    lines = ["{w:*}"]
    for item in typeset(document, columns):
        match item:
            case PaperLine():
                words = _escaped(item.text)
                if item.bold:
                    words = f'"{words}"'
                words = "^" * (item.wide + 2 * item.tall) + words
                lines.append({Align.LEFT: f"{words} |", Align.CENTRE: words, Align.RIGHT: f"| {words}"}[item.align])
            case Qr():
                lines.append(f"{{c:{_escaped(item.data)};o:qrcode,6,m}}")
            case Cut():
                lines.append("=")
    return "\n".join(lines)


@cache
def _receiptline(command: str) -> dict[tuple[str, int], bytes]:
    """Every paper as receiptline would print it, by (name, columns)."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (RECEIPTLINE / "node_modules" / "receiptline").exists():
        pytest.skip("receiptline is not installed; scripts/setup full does that where npm is")
    papers = [(name, columns) for name in all_documents() for columns, _ in WIDTHS]
    documents = all_documents()
    jobs = [{"text": _markup(documents[name], cpl), "cpl": cpl, "command": command} for name, cpl in papers]
    done = subprocess.run(
        ["node", str(RECEIPTLINE / "encode.js")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(zip(papers, map(base64.b64decode, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("command", ["escpos", "generic"])
@pytest.mark.parametrize(("columns", "dots"), WIDTHS)
@pytest.mark.parametrize("name", all_documents())
def test_two_encoders_that_share_nothing_print_the_same_paper(name: str, columns: int, dots: int, command: str) -> None:
    ours = interpret(encode(all_documents()[name], columns), dots)
    theirs = interpret(_receiptline(command)[name, columns], dots)
    assert theirs.overflows == 0
    assert [line.text.strip() for line in _written(theirs)] == [line.text.strip() for line in _written(ours)]
    for their, our in zip(_written(theirs), _written(ours), strict=True):
        assert (their.bold, their.tall, their.wide) == (our.bold, our.tall, our.wide), our.text
        # Both know whole characters only where they fill with spaces: half of one is lost when they centre.
        assert abs(_ink(their) - _ink(our)) <= 12, our.text
    assert _codes(theirs.picture()) == _codes(ours.picture())


def _written(printed: Printed) -> list[Line]:
    return [line for line in printed.lines if line.text.strip()]


def _ink(line: Line) -> int:
    """Where the first letter begins, in dots."""
    return next(at for at, glyph in line.pieces if glyph.char != " ")


def _codes(picture: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(picture)]


# --- python-escpos -----------------------------------------------------------------------------------------------


def test_what_python_escpos_writes_is_understood() -> None:
    paper = Dummy(profile="TM-T20II")
    paper.hw("INIT")
    paper.set(align="center", bold=True, double_height=True, double_width=True)
    paper.textln("KIOS")
    paper.set(align="right", bold=False, normal_textsize=True, font="b", underline=1)
    paper.textln("kecil")
    paper.set(align="left", font="a", underline=0, custom_size=True, width=3, height=2)
    paper.textln("A")
    paper.set(custom_size=True, width=1, height=1, invert=True)
    paper.line_spacing(60)
    paper.textln("jauh")
    paper.line_spacing()
    paper.set(invert=False)
    paper.print_and_feed(2)
    paper.qr("EW1", native=True)
    paper.cashdraw(2)
    paper.cashdraw(5)
    paper.cut(mode="PART")
    paper.cut()
    got = interpret(bytes(paper.output), 576)
    big, small, wide, far = got.lines[:4]
    assert (big.text, big.bold, big.tall, big.wide, big.left) == ("KIOS", True, True, True, (576 - 4 * 24) // 2)
    assert (small.text, small.bold, small.left) == ("kecil", False, 576 - 5 * 9)
    assert all(glyph.underlined for glyph in small.glyphs)
    assert wide.glyphs[0].size == (36, 48)
    assert (far.text, far.glyphs[0].reversed) == ("jauh", True)
    assert got.strips[3][1] == 60
    assert got.qr_texts == ["EW1"]
    assert got.kicks == [0, 1]
    assert got.cuts == ["part", "full"]


@pytest.mark.parametrize("page", ["CP437", "CP850", "CP1252"])
def test_letters_with_accents_come_out_of_the_code_page_that_was_chosen(page: str) -> None:
    paper = Dummy(profile="TM-T20II")
    paper.charcode(page)
    paper.textln("Jos\xe9 R\xfcdi")
    assert interpret(bytes(paper.output), 576).grid == ["Jos\xe9 R\xfcdi"]


@pytest.mark.parametrize("how", ["bitImageRaster", "graphics"])
def test_pictures_are_drawn_dot_by_dot_whichever_command_brings_them(how: str) -> None:
    picture = Image.new("1", (40, 24), 1)
    picture.paste(0, (3, 5, 17, 20))
    paper = Dummy(profile="TM-T20II")
    paper.image(picture, impl=how, center=False)
    (got,) = interpret(bytes(paper.output), 576).rasters
    assert got.crop((0, 0, 40, 24)).tobytes() == picture.convert("L").tobytes()


# --- the table itself --------------------------------------------------------------------------------------------


def test_text_over_the_edge_is_counted() -> None:
    got = interpret(b"\x1b@" + b"x" * 33 + b"\n", 384)
    assert got.overflows == 1
    assert got.grid == ["x" * 32, "x"]


def test_alignment_in_the_middle_of_a_line_has_no_effect() -> None:
    assert interpret(b"ab\x1ba\x01c\n", 384).lines[0].left == 0
    assert interpret(b"\x1ba\x02ab\n", 384).grid == [" " * 30 + "ab"]


def test_positions_in_dots_leave_gaps() -> None:
    got = interpret(b"ab\x1b$\x48\x00cd\x1b\\\x0c\x00e\x1b\\\xf4\xff\n", 384)
    assert got.grid == ["ab    cd e"]
    assert got.lines[0].text == "ab    cd e"
    assert [at for at, _ in got.lines[0].pieces] == [0, 12, 72, 84, 108]


def test_a_print_area_moves_and_narrows_the_line() -> None:
    got = interpret(b"\x1dL\x18\x00\x1dW\x30\x00\x1ba\x02ab\nabcde\n", 384)
    assert got.grid == ["    ab", "  abcd", "     e"]
    assert got.overflows == 1


def test_a_raster_is_drawn_dot_by_dot() -> None:
    got = interpret(b"\x1dv0\x00\x01\x00\x02\x00\x80\x01", 384)
    assert got.rasters[0].size == (8, 2)
    assert [got.rasters[0].getpixel(dot) for dot in ((0, 0), (1, 0), (7, 1), (0, 1))] == [0, 255, 0, 255]


def test_status_requests_are_noted() -> None:
    assert interpret(b"\x10\x04\x01\x10\x04\x04", 384).asked == [1, 4]


@pytest.mark.parametrize(
    "data",
    [
        b"\x1bZ",
        b"\x1d",
        b"\x1dv0\x00\x01\x00\x09\x00\x00",
        b"\x07",
        b"\x7f",
        b"\x1b!",
        b"\x1bt\x01\x80",
        b"\x1bt\xff",
        b"\x1b{\x01",
        b"\x1dV\x02",
        b"\x1d(k\x03\x002C\x06",
        b"\x1d(k\x03\x001C",
        b"\x1d(L\x02\x0002",
        b"\x1d(L\x0b\x000p0\x02\x011\x08\x00\x01\x00\x00",
        b"\x1d(L\x0c\x000p0\x01\x011\x08\x00\x01\x00\x00\x00",
    ],
)
def test_bytes_outside_the_table_are_an_error(data: bytes) -> None:
    with pytest.raises(UnknownCommandError):
        interpret(data, 384)


def test_every_code_page_of_the_table_is_one_that_can_be_read() -> None:
    for number, name in CODE_PAGES.items():
        byte = b"\x95" if name == "katakana" else "\xe9".encode(name, "replace")
        assert interpret(b"\x1bt" + bytes((number,)) + byte + b"\n", 384).grid


def test_lines_are_drawn_in_black_on_white() -> None:
    picture = interpret(b"\x1bE\x01X\n\n", 384).picture()
    assert picture.size == (384 + 48, 60 + 48)
    assert picture.crop((24, 24, 36, 54)).getextrema()[0] == 0
    assert picture.crop((0, 54, 432, 108)).getextrema() == (255, 255)


def test_underlines_reversals_and_rules_show_in_the_picture() -> None:
    def ink(data: bytes) -> int:
        return interpret(data + b"\n", 384).picture().histogram()[0]

    assert ink(b"\x1b-\x01a") > ink(b"a")
    assert ink(b"\x1dB\x01a") > 144
    assert ink(b"\x1bt\x01\x95\x95") >= 2 * 12 * 2
