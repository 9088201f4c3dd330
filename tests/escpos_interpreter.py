"""A small ESC/POS printer for tests: bytes in, printed lines, QR texts and a picture out.

Written from the command reference, not from an encoder, and strict: a command it does not know is an error, and text
that runs over the edge is counted.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

import qrcode
from PIL import Image, ImageDraw, ImageFont

_CELLS = {0: (12, 24), 1: (9, 17)}
_DEFAULT_SPACING = 30
_MONO = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")


class UnknownCommandError(ValueError):
    """Bytes that no printer of ours is expected to receive."""


@dataclass(frozen=True)
class Glyph:
    char: str
    bold: bool
    wide: int
    tall: int
    font: int

    @property
    def size(self) -> tuple[int, int]:
        width, height = _CELLS[self.font]
        return width * self.wide, height * self.tall


@dataclass(frozen=True)
class Line:
    """A printed line: `text` as it stands, `left` dots from the edge."""

    glyphs: tuple[Glyph, ...]
    align: int
    left: int

    @property
    def text(self) -> str:
        return "".join(glyph.char for glyph in self.glyphs)

    @property
    def bold(self) -> bool:
        return all(glyph.bold for glyph in self.glyphs if glyph.char != " ")

    @property
    def tall(self) -> bool:
        return any(glyph.tall > 1 for glyph in self.glyphs)

    @property
    def wide(self) -> bool:
        return any(glyph.wide > 1 for glyph in self.glyphs)


@dataclass
class Printed:
    """What came out."""

    dots: int
    lines: list[Line] = field(default_factory=list)
    qr_texts: list[str] = field(default_factory=list)
    rasters: list[Image.Image] = field(default_factory=list)
    cuts: int = 0
    overflows: int = 0
    asked: list[int] = field(default_factory=list)
    _strips: list[tuple[Image.Image, int]] = field(default_factory=list)

    def grid(self) -> list[str]:
        """Lines as columns of font A; a wide character takes two."""
        rows = []
        for line in self.lines:
            row = " " * (line.left // _CELLS[0][0])
            row += "".join(glyph.char + " " * (glyph.wide - 1) for glyph in line.glyphs)
            rows.append(row.rstrip())
        return rows

    def picture(self) -> Image.Image:
        """The paper, one pixel a dot, black on white, with the margins of the roll."""
        margin = 24
        height = sum(rows for _, rows in self._strips) + 2 * margin
        paper = Image.new("L", (self.dots + 2 * margin, height), 255)
        top = margin
        for strip, rows in self._strips:
            paper.paste(strip, (margin, top))
            top += rows
        return paper


def interpret(data: bytes, dots: int) -> Printed:
    """Print `data` on a roll of so many dots.

    Raises:
        UnknownCommandError: a command outside the table, or one cut short.
    """
    return _Machine(dots).run(data)


class _Machine:
    def __init__(self, dots: int) -> None:
        self.out = Printed(dots)
        self.dots = dots
        self.row: list[Glyph] = []
        self.qr_size = 3
        self.qr_level = 48
        self.qr_data = b""
        self.reset()

    def reset(self) -> None:
        self.bold = False
        self.wide = self.tall = 1
        self.font = 0
        self.align = 0
        self.spacing = _DEFAULT_SPACING

    def run(self, data: bytes) -> Printed:
        at = 0
        while at < len(data):
            at = self.step(data, at)
        if self.row:
            self.feed()
        return self.out

    def step(self, data: bytes, at: int) -> int:
        byte = data[at]
        if byte == 0x0A:
            self.feed()
            return at + 1
        if byte == 0x0D:
            return at + 1
        if 0x20 <= byte < 0x7F:
            self.character(chr(byte))
            return at + 1
        if byte == 0x1B:
            return self.escape(data, at)
        if byte == 0x1D:
            return self.group(data, at)
        if byte == 0x10 and data[at + 1 : at + 2] == b"\x04":
            self.out.asked.append(self.need(data, at, 3)[2])
            return at + 3
        raise UnknownCommandError(f"byte {byte:#04x} at {at}")

    @staticmethod
    def need(data: bytes, at: int, count: int) -> bytes:
        if at + count > len(data):
            raise UnknownCommandError(f"cut short at {at}")
        return data[at : at + count]

    def escape(self, data: bytes, at: int) -> int:
        command = self.need(data, at, 2)[1:2]
        if command == b"@":
            self.reset()
            return at + 2
        if command == b"2":
            self.spacing = _DEFAULT_SPACING
            return at + 2
        value = self.need(data, at, 3)[2]
        match command:
            case b"!":
                self.font = value & 1
                self.bold = bool(value & 0x08)
                self.tall = 2 if value & 0x10 else 1
                self.wide = 2 if value & 0x20 else 1
            case b"E" | b"G":
                self.bold = bool(value & 1)
            case b"a":
                # Epson: in standard mode this has effect only at the beginning of a line.
                if not self.row:
                    self.align = value % 48
            case b"M":
                self.font = value % 48
            case b"3":
                self.spacing = value
            case b"d":
                self.feed()
                self.blank(self.spacing * (value - 1) if value else 0)
            case b"t":
                if value > 50:
                    raise UnknownCommandError(f"code page {value}")
            case _:
                raise UnknownCommandError(f"ESC {command!r} at {at}")
        return at + 3

    def group(self, data: bytes, at: int) -> int:
        command = self.need(data, at, 2)[1:2]
        match command:
            case b"!":
                value = self.need(data, at, 3)[2]
                self.wide, self.tall = (value >> 4) + 1, (value & 7) + 1
                return at + 3
            case b"V":
                mode = self.need(data, at, 3)[2]
                self.out.cuts += 1
                return at + (4 if mode in {65, 66} else 3)
            case b"v":
                return self.raster(data, at)
            case b"(":
                head = self.need(data, at, 5)
                if head[2:3] != b"k":
                    raise UnknownCommandError(f"GS ( {head[2:3]!r} at {at}")
                size = head[3] + 256 * head[4]
                self.code(self.need(data, at, 5 + size)[5:])
                return at + 5 + size
            case _:
                raise UnknownCommandError(f"GS {command!r} at {at}")

    def raster(self, data: bytes, at: int) -> int:
        head = self.need(data, at, 8)
        if head[2:3] != b"0" or head[3] not in {0, 48}:
            raise UnknownCommandError(f"GS v {head[2:4]!r} at {at}")
        width, height = head[4] + 256 * head[5], head[6] + 256 * head[7]
        body = self.need(data, at, 8 + width * height)[8:]
        ink = Image.frombytes("1", (width * 8, height), bytes(byte ^ 0xFF for byte in body))
        self.image(ink.convert("L"))
        self.out.rasters.append(ink.convert("L"))
        return at + 8 + width * height

    def code(self, body: bytes) -> None:
        if body[:1] != b"1":
            raise UnknownCommandError(f"two-dimensional code {body[:1]!r}")
        match body[1]:
            case 65:
                if body[2] not in {49, 50}:
                    raise UnknownCommandError("QR model")
            case 67:
                self.qr_size = body[2]
            case 69:
                self.qr_level = body[2]
            case 80:
                self.qr_data = body[3:]
            case 81:
                self.out.qr_texts.append(self.qr_data.decode("ascii"))
                levels = {48: 1, 49: 0, 50: 3, 51: 2}
                code = qrcode.QRCode(error_correction=levels[self.qr_level], box_size=self.qr_size, border=0)
                code.add_data(self.qr_data)
                code.make(fit=True)
                matrix = code.get_matrix()
                side = len(matrix) * self.qr_size
                picture = Image.new("L", (side, side), 255)
                pen = ImageDraw.Draw(picture)
                for y, cells in enumerate(matrix):
                    for x, dark in enumerate(cells):
                        if dark:
                            corner = (x * self.qr_size, y * self.qr_size)
                            pen.rectangle((*corner, corner[0] + self.qr_size - 1, corner[1] + self.qr_size - 1), fill=0)
                self.image(picture)
            case other:
                raise UnknownCommandError(f"QR function {other}")

    def character(self, char: str) -> None:
        glyph = Glyph(char, self.bold, self.wide, self.tall, self.font)
        if sum(g.size[0] for g in self.row) + glyph.size[0] > self.dots:
            self.out.overflows += 1
            self.feed()
        self.row.append(glyph)

    def left(self, width: int) -> int:
        return {0: 0, 1: (self.dots - width) // 2, 2: self.dots - width}[self.align]

    def feed(self) -> None:
        width = sum(glyph.size[0] for glyph in self.row)
        height = max((glyph.size[1] for glyph in self.row), default=0)
        line = Line(tuple(self.row), self.align, self.left(width))
        self.out.lines.append(line)
        rows = max(self.spacing, height)
        strip = Image.new("L", (self.dots, rows), 255)
        x = line.left
        for glyph in self.row:
            strip.paste(_draw(glyph), (x, height - glyph.size[1]))
            x += glyph.size[0]
        self.out._strips.append((strip, rows))
        self.row = []

    def image(self, picture: Image.Image) -> None:
        if self.row:
            self.feed()
        if picture.width > self.dots:
            self.out.overflows += 1
        strip = Image.new("L", (self.dots, picture.height), 255)
        strip.paste(picture, (self.left(picture.width), 0))
        self.out._strips.append((strip, picture.height))

    def blank(self, rows: int) -> None:
        if rows:
            self.out._strips.append((Image.new("L", (self.dots, rows), 255), rows))


@functools.lru_cache(maxsize=512)
def _draw(glyph: Glyph) -> Image.Image:
    width, height = _CELLS[glyph.font]
    cell = Image.new("L", (width, height), 255)
    size = round(height * 0.8)
    font = ImageFont.truetype(str(_MONO), size) if _MONO.exists() else ImageFont.load_default(size)
    pen = ImageDraw.Draw(cell)
    pen.text((width / 2, height * 0.8), glyph.char, fill=0, font=font, anchor="ms", stroke_width=1 if glyph.bold else 0)
    return cell.resize(glyph.size, Image.Resampling.NEAREST)
