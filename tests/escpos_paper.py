"""What came out of the printer of the tests: lines, codes, and a picture with one pixel a dot.

The letters are Pillow's own bitmap, so that the same paper is the same picture on every machine.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

CELLS = {0: (12, 24), 1: (9, 17)}
"""Dots of a character of font A and B at 203 dpi."""

_MARGIN = 24
_RULES = {"─": "lr", "│": "tb", "┼": "lrtb", "┬": "lrb", "┴": "lrt", "├": "rtb", "┤": "ltb"}


@dataclass(frozen=True)
class Glyph:
    char: str
    bold: bool = False
    wide: int = 1
    tall: int = 1
    font: int = 0
    underlined: bool = False
    reversed: bool = False

    @property
    def size(self) -> tuple[int, int]:
        width, height = CELLS[self.font]
        return width * self.wide, height * self.tall


@dataclass(frozen=True)
class Line:
    """A printed line: each character with its dots from the paper's printable edge."""

    pieces: tuple[tuple[int, Glyph], ...]

    @property
    def glyphs(self) -> tuple[Glyph, ...]:
        return tuple(glyph for _, glyph in self.pieces)

    @property
    def left(self) -> int:
        return self.pieces[0][0] if self.pieces else 0

    @property
    def text(self) -> str:
        """As it stands, a gap of whole characters as spaces."""
        words = self.glyphs[0].char if self.pieces else ""
        for (before, first), (at, glyph) in pairwise(self.pieces):
            gap = at - before - first.size[0]
            words += " " * (gap // CELLS[first.font][0]) + glyph.char
        return words

    @property
    def bold(self) -> bool:
        return all(glyph.bold for glyph in self.glyphs if glyph.char != " ")

    @property
    def tall(self) -> bool:
        return any(glyph.tall > 1 for glyph in self.glyphs)

    @property
    def wide(self) -> bool:
        return any(glyph.wide > 1 for glyph in self.glyphs)

    @property
    def height(self) -> int:
        return max((glyph.size[1] for glyph in self.glyphs), default=0)


@dataclass
class Printed:
    """What came out, and what was asked for on the way.

    `grid` is the paper as columns of font A: a wide character takes two, a picture is one row that says its size.
    """

    dots: int
    lines: list[Line] = field(default_factory=list)
    grid: list[str] = field(default_factory=list)
    qr_texts: list[str] = field(default_factory=list)
    rasters: list[Image.Image] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)
    kicks: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    overflows: int = 0
    strips: list[tuple[Image.Image, int]] = field(default_factory=list)

    def add_line(self, line: Line, rows: int) -> None:
        self.lines.append(line)
        rows = max(rows, line.height)
        strip = Image.new("L", (self.dots, rows), 255)
        row = ""
        for at, glyph in line.pieces:
            strip.paste(_draw(glyph), (at, line.height - glyph.size[1]))
            row = row.ljust(at // CELLS[0][0]) + glyph.char + " " * (glyph.wide - 1)
        self.grid.append(row.rstrip())
        self.strips.append((strip, rows))

    def add_picture(self, picture: Image.Image, left: int) -> None:
        strip = Image.new("L", (self.dots, picture.height), 255)
        strip.paste(picture, (left, 0))
        self.grid.append(f"[{picture.width}x{picture.height} dots at {left}]")
        self.strips.append((strip, picture.height))

    def add_blank(self, rows: int) -> None:
        if rows:
            self.strips.append((Image.new("L", (self.dots, rows), 255), rows))

    def picture(self) -> Image.Image:
        """The paper, one pixel a dot, black on white, with the margins of the roll."""
        height = sum(rows for _, rows in self.strips) + 2 * _MARGIN
        paper = Image.new("L", (self.dots + 2 * _MARGIN, height), 255)
        top = _MARGIN
        for strip, rows in self.strips:
            paper.paste(strip, (_MARGIN, top))
            top += rows
        return paper


@functools.lru_cache(maxsize=1024)
def _draw(glyph: Glyph) -> Image.Image:
    width, height = CELLS[glyph.font]
    cell = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(cell)
    if glyph.char in _RULES:
        middle = (width // 2, height // 2)
        ends = {"l": (0, middle[1]), "r": (width, middle[1]), "t": (middle[0], 0), "b": (middle[0], height)}
        for way in _RULES[glyph.char]:
            pen.line((*middle, *ends[way]), fill=0, width=2)
    else:
        letter = _letter(glyph.char).resize((width, height - 2), Image.Resampling.NEAREST)
        cell.paste(letter, (0, 1))
        if glyph.bold:  # struck twice, as heads of dots do it
            cell.paste(
                0, (1, 1, width, height - 1), letter.crop((0, 0, width - 1, height - 2)).point(lambda x: 255 - x)
            )
    if glyph.underlined:
        pen.line((0, height - 2, width, height - 2), fill=0, width=2)
    if glyph.reversed:
        cell = cell.point(lambda tone: 255 - tone)
    return cell.resize(glyph.size, Image.Resampling.NEAREST)


@functools.cache
def _letter(char: str) -> Image.Image:
    face = ImageFont.load_default_imagefont()
    letter = Image.new("1", (12, 11), 1)
    ImageDraw.Draw(letter).text((0, 0), f" {char if ord(char) < 256 else '?'}", fill=0, font=face)
    return letter.convert("L").crop((5, 0, 12, 11))  # serifs reach one dot over the cell of six
