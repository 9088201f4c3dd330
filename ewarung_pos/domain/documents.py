"""Documents: printer-neutral papers, made by pure functions and turned into bytes by the devices.

`typeset` is the one layout for fixed columns; the receipt printer and the terminal use it alike, so that what is
shown is what is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum

import msgspec

from ewarung_pos.domain.wording import paper_text

__all__ = [
    "Align",
    "Block",
    "Columns",
    "Cut",
    "Document",
    "PaperLine",
    "Qr",
    "Rule",
    "Space",
    "Table",
    "Text",
    "balanced_by",
    "marked",
    "text_lines",
    "typeset",
    "wrapped_by",
]


class Align(StrEnum):
    """Where a line of text stands."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


class Text(msgspec.Struct, frozen=True, tag=True):
    """A paragraph, wrapped at word ends by the device.

    `big` is double height, and double width where every word fits; `small` may be set smaller where the device can.
    """

    text: str
    align: Align = Align.LEFT
    bold: bool = False
    big: bool = False
    small: bool = False


class Columns(msgspec.Struct, frozen=True, tag=True):
    """Left and right on one line; the left part wraps when both do not fit. `tall` is double height."""

    left: str
    right: str
    bold: bool = False
    tall: bool = False


class Table(msgspec.Struct, frozen=True, tag=True):
    """Rows of equal length: the first cell stands left, the others right under each other.

    Where the paper is too narrow the first cell takes a line of its own.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Rule(msgspec.Struct, frozen=True, tag=True):
    """A line across the paper."""

    double: bool = False


class Space(msgspec.Struct, frozen=True, tag=True):
    """An empty line."""


class Qr(msgspec.Struct, frozen=True, tag=True):
    """A QR code holding ASCII text."""

    data: str


class Cut(msgspec.Struct, frozen=True, tag=True):
    """End of the paper."""


Block = Text | Columns | Table | Rule | Space | Qr | Cut


class Document(msgspec.Struct, frozen=True):
    """A paper. `name` is the stem of files made from it; `watermark` is repeated across practice papers.

    `cash`: money goes into the drawer or comes out of it when this paper is printed.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    watermark: str = ""
    cash: bool = False


class PaperLine(msgspec.Struct, frozen=True):
    """One printed line, at most as long as the columns (half of them when `wide`)."""

    text: str
    align: Align = Align.LEFT
    bold: bool = False
    tall: bool = False
    wide: bool = False


_GAP = 1
_UNITS = frozenset({"kg", "g", "L", "ml", "butir", "WIB"})
_IN_WORDS = "rupiah"
"""Ends an amount in words, and says nothing where it stands alone."""
_NARROWEST_LABEL = 16
"""A wrapped first cell narrower than this reads badly; the table is stacked instead."""


def marked(document: Document) -> tuple[Block, ...]:
    """The blocks with the watermark on top, in the middle and at the end, so that no torn part passes as real."""
    blocks = document.blocks
    if not document.watermark:
        return blocks
    mark = Text(document.watermark, Align.CENTRE, bold=True, big=True)
    line = Rule(double=True)
    end = len(blocks) - 1 if blocks and isinstance(blocks[-1], Cut) else len(blocks)
    rules = [place for place, block in enumerate(blocks[:end]) if block == Rule()]
    middle = min(rules, key=lambda place: abs(2 * place - end), default=None)
    inner = (
        (*blocks[:middle], line, mark, line, *blocks[middle + 1 : end])
        if middle is not None
        else (*blocks[: end // 2], line, mark, line, *blocks[end // 2 : end])
    )
    return (mark, line, *inner, line, mark, *blocks[end:])


def typeset(document: Document, columns: int, code_page: str = "ascii") -> Iterator[PaperLine | Qr | Cut]:
    """Lay the document out in fixed columns, watermark included; no line is longer than fits.

    Only letters of the code page occur, each one byte there: see `paper_text`.
    """

    def letters(text: str) -> str:
        return paper_text(text, code_page)

    for block in marked(document):
        match block:
            case Text():
                yield from _paragraph(block, letters(block.text), columns)
            case Columns():
                for line in _pair(letters(block.left), letters(block.right), columns):
                    yield PaperLine(line, bold=block.bold, tall=block.tall)
            case Table():
                header = tuple(map(letters, block.header))
                yield from _table(header, [tuple(map(letters, row)) for row in block.rows], columns)
            case Rule():
                yield PaperLine(("=" if block.double else "-") * columns)
            case Space():
                yield PaperLine("")
            case _:  # Qr and Cut are the device's to draw
                yield block


def text_lines(document: Document, columns: int) -> list[str]:
    """The document as plain lines for a terminal; a QR code shows as its text."""
    lines: list[str] = []
    for item in typeset(document, columns):
        match item:
            case PaperLine(align=Align.CENTRE):
                lines.append(item.text.center(columns).rstrip())
            case PaperLine(align=Align.RIGHT):
                lines.append(item.text.rjust(columns))
            case PaperLine():
                lines.append(item.text)
            case Qr():
                lines += [part.center(columns).rstrip() for part in ("[QR]", *_chunks(item.data, columns))]
            case _:  # Cut
                lines.append("")
    return lines


def wrapped_by(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Wrap at spaces into lines that fit; a word too long for any line is broken. At least one line.

    `fits` says whether a line fits: by counting columns on a receipt printer, by measuring on a PDF.
    """
    lines: list[str] = []
    line = ""
    for word in _words(text):
        rest = word
        if line and fits(f"{line} {rest}"):
            line = f"{line} {rest}"
            continue
        if line:
            lines.append(line)
        while len(rest) > 1 and not fits(rest):
            cut = next((size for size in range(len(rest) - 1, 1, -1) if fits(rest[:size])), 1)
            lines.append(rest[:cut])
            rest = rest[cut:]
        line = rest
    return [*lines, line] if line or not lines else lines


def _words(text: str) -> list[str]:
    """Words, with a number and its unit as one: `5 kg` is not torn apart at a line's end, nor `dua ratus rupiah)`."""
    words: list[str] = []
    for word in text.split():
        unit = word.rstrip(".,;)")
        if words and (unit == _IN_WORDS or (unit in _UNITS and words[-1][-1].isdigit())):
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def balanced_by(text: str, fits: Callable[[str], bool]) -> list[str]:
    """As `wrapped_by`, in as few lines, but as even as words allow: what a centred heading wants."""
    lines = wrapped_by(text, fits)
    longest_word = max(map(len, _words(text)), default=0)
    for most in range(max(map(len, lines)) - 1, longest_word - 1, -1):
        narrower = wrapped_by(text, _both(fits, most))
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def _both(fits: Callable[[str], bool], most: int) -> Callable[[str], bool]:
    return lambda line: len(line) <= most and fits(line)


def _paragraph(block: Text, text: str, columns: int) -> Iterator[PaperLine]:
    wide = block.big and all(len(word) <= columns // 2 for word in text.split())  # else the word would be broken
    width = columns // 2 if wide else columns
    centred = block.align is Align.CENTRE
    for line in balanced_by(text, lambda words: len(words) <= width) if centred else _wrap(text, width):
        yield PaperLine(line, block.align, block.bold, tall=block.big, wide=wide)


def _wrap(text: str, width: int) -> list[str]:
    """Wrap to columns; leading spaces are an indent that each line keeps."""
    bare = text.lstrip(" ")
    indent = " " * min(len(text) - len(bare), width // 2)
    return [indent + line for line in wrapped_by(bare, lambda words: len(indent) + len(words) <= width)]


def _pair(left: str, right: str, columns: int) -> list[str]:
    if not right.strip():
        return _wrap(left, columns)
    if len(right) > columns:
        return [*_wrap(left, columns), *(line.rjust(columns) for line in _wrap(right, columns))]
    lines = _wrap(left, columns)
    beside = columns - len(right) - _GAP
    tight = len(lines) > 1 and len(lines[-1]) > beside and len(right) <= columns // 2
    if tight and max(map(len, left.split())) <= beside:  # else the word would be broken
        lines = _wrap(left, beside)
    if len(lines[-1]) + _GAP + len(right) <= columns:
        lines[-1] += right.rjust(columns - len(lines[-1]))
    else:
        lines.append(right.rjust(columns))
    return lines


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]], columns: int) -> Iterator[PaperLine]:
    everything = [header, *rows] if header else rows
    if not everything:
        return
    widths = [max(map(len, cells)) for cells in zip(*everything, strict=True)]
    room = columns - sum(width + _GAP for width in widths[1:])
    stacked = room < min(widths[0], _NARROWEST_LABEL)
    for row in everything:
        bold = row is header
        figures = "".join(" " * _GAP + cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        if not stacked:
            *first, last = _wrap(row[0], room)
            yield from (PaperLine(line, bold=bold) for line in first)
            yield PaperLine((last.ljust(room) + figures).rstrip(), bold=bold)
            continue
        if row is not header:
            yield from (PaperLine(line) for line in _wrap(row[0], columns))
        if len(figures) <= columns:
            yield PaperLine(figures.rjust(columns), bold=bold)
        else:
            yield from (PaperLine(line.rjust(columns), bold=bold) for line in _wrap(" ".join(row[1:]), columns))


def _chunks(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]
