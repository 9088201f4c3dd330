"""A small ESC/POS printer for tests: bytes in, printed lines, QR texts and a picture out.

Written from the command reference, not from an encoder, and strict: a command it does not know is an error, and text
that runs over the edge is counted.
"""

from __future__ import annotations

from collections.abc import Callable

import qrcode
from PIL import Image

from tests.escpos_paper import Glyph, Line, Printed

__all__ = ["CODE_PAGES", "CutShortError", "Printed", "UnknownCommandError", "interpret"]

_DEFAULT_SPACING = 30
CODE_PAGES = {
    0: "cp437",
    1: "katakana",
    2: "cp850",
    3: "cp860",
    4: "cp863",
    5: "cp865",
    16: "cp1252",
    17: "cp866",
    18: "cp852",
    19: "cp858",
}
"""Epson's numbers of ESC t."""
_KATAKANA = dict(zip(range(0x8F, 0x97), "┼┴┬┤├ ─│", strict=True))
"""The rules of page 1; its letters are not expected on these papers."""


class UnknownCommandError(ValueError):
    """Bytes that no printer of ours is expected to receive."""


class CutShortError(UnknownCommandError):
    """The last command is not whole: whoever sent it was killed meanwhile."""


def interpret(data: bytes, dots: int) -> Printed:
    """Print `data` on a roll of so many dots.

    Raises:
        UnknownCommandError: a command outside the table, or one cut short.
    """
    machine = _Machine(data, dots)
    while machine.more:
        machine.step()
    machine.end()
    return machine.out


class _Machine:
    def __init__(self, data: bytes, dots: int) -> None:
        self.out = Printed(dots)
        self.data = data
        self.at = 0
        self.begun = 0
        self.row: list[tuple[int, Glyph]] = []
        self.x = 0
        self.stored: Image.Image | None = None
        self.qr_size, self.qr_level, self.qr_data = 3, 48, b""
        self.reset()

    @property
    def more(self) -> bool:
        return self.at < len(self.data)

    def reset(self) -> None:
        self.bold = self.underlined = self.reversed = False
        self.wide = self.tall = 1
        self.font = self.align = self.page = 0
        self.margin, self.area = 0, self.out.dots
        self.spacing = _DEFAULT_SPACING

    def end(self) -> None:
        if self.row:
            self.feed()

    # -- bytes ----------------------------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) < count:
            raise CutShortError(f"cut short at {self.begun}")
        self.at += count
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def only(self, *allowed: bytes) -> None:
        """What follows is one of these: this printer prints the same whichever it is."""
        if self.take(len(allowed[0])) not in allowed:
            raise self.unknown()

    def unknown(self) -> UnknownCommandError:
        return UnknownCommandError(f"{self.data[self.begun : self.at]!r} at {self.begun}")

    def step(self) -> None:
        self.begun = self.at
        byte = self.byte()
        if 0x20 <= byte != 0x7F:
            self.character(self.letter(byte))
            return
        if byte in _PLAIN:
            _PLAIN[byte](self)
            return
        if byte not in _COMMANDS:
            raise self.unknown()
        command = _COMMANDS[byte].get(self.take(1))
        if command is None:
            raise self.unknown()
        command(self)

    def letter(self, byte: int) -> str:
        if byte < 0x80:
            return chr(byte)
        name = CODE_PAGES[self.page]
        if name == "katakana":
            if byte not in _KATAKANA:
                raise self.unknown()
            return _KATAKANA[byte]
        return bytes((byte,)).decode(name)

    # -- paper ----------------------------------------------------------------------------------------------------

    def character(self, char: str) -> None:
        glyph = Glyph(char, self.bold, self.wide, self.tall, self.font, self.underlined, self.reversed)
        if self.x + glyph.size[0] > self.area:
            self.out.overflows += 1
            self.feed()
        self.row.append((self.x, glyph))
        self.x += glyph.size[0]

    def left(self, width: int) -> int:
        return self.margin + {0: 0, 1: (self.area - width) // 2, 2: self.area - width}[self.align]

    def feed(self) -> None:
        left = self.left(max((at + glyph.size[0] for at, glyph in self.row), default=0))
        self.out.add_line(Line(tuple((left + at, glyph) for at, glyph in self.row)), self.spacing)
        self.row, self.x = [], 0

    def image(self, picture: Image.Image) -> None:
        self.end()
        self.x = 0
        if picture.width > self.area:
            self.out.overflows += 1
        self.out.add_picture(picture, self.left(picture.width))

    def bits(self, across: int, rows: int, width: int) -> Image.Image:
        """A picture of `across` bytes a row, of which `width` dots are meant."""
        ink = bytes(byte ^ 0xFF for byte in self.take(across * rows))
        return Image.frombytes("1", (across * 8, rows), ink).convert("L").crop((0, 0, width, rows))

    def at_line_start(self) -> bool:
        return not self.row and self.x == 0

    # -- ESC ------------------------------------------------------------------------------------------------------

    def modes(self) -> None:
        value = self.byte()
        self.font = value & 1
        self.bold = bool(value & 0x08)
        self.tall = 2 if value & 0x10 else 1
        self.wide = 2 if value & 0x20 else 1
        self.underlined = bool(value & 0x80)

    def set_bold(self) -> None:
        self.bold = bool(self.byte() & 1)

    def set_underline(self) -> None:
        self.underlined = self.byte() % 48 > 0

    def set_align(self) -> None:
        value = self.byte() % 48
        # Epson: in standard mode this has effect only at the beginning of a line.
        if self.at_line_start():
            self.align = value

    def set_font(self) -> None:
        self.font = self.byte() % 48

    def set_spacing(self) -> None:
        self.spacing = self.byte()

    def default_spacing(self) -> None:
        self.spacing = _DEFAULT_SPACING

    def feed_lines(self) -> None:
        value = self.byte()
        self.feed()
        self.out.add_blank(self.spacing * (value - 1) if value else 0)

    def set_page(self) -> None:
        self.page = self.byte()
        if self.page not in CODE_PAGES:
            raise self.unknown()

    def absolute(self) -> None:
        self.x = self.number()

    def relative(self) -> None:
        step = self.number()
        self.x = max(0, self.x + (step - 65_536 if step >= 32_768 else step))

    def kick(self) -> None:
        connector = self.byte() % 48
        self.take(2)
        self.out.kicks.append(connector)

    # -- GS -------------------------------------------------------------------------------------------------------

    def sizes(self) -> None:
        value = self.byte()
        self.wide, self.tall = (value >> 4) + 1, (value & 7) + 1

    def set_reverse(self) -> None:
        self.reversed = bool(self.byte() & 1)

    def set_margin(self) -> None:
        value = self.number()
        if self.at_line_start():
            self.margin = value

    def set_area(self) -> None:
        value = self.number()
        if self.at_line_start():
            self.area = min(value, self.out.dots - self.margin)

    def cut(self) -> None:
        mode = self.byte()
        if mode in {65, 66}:
            self.take(1)  # and the feed before it
        elif mode % 48 > 1:
            raise self.unknown()
        self.out.cuts.append("part" if mode in {1, 49, 66} else "full")

    def raster(self) -> None:
        if self.take(1) != b"0" or self.byte() % 48 != 0:
            raise self.unknown()
        across, rows = self.number(), self.number()
        picture = self.bits(across, rows, across * 8)
        self.image(picture)
        self.out.rasters.append(picture)

    def extended(self) -> None:
        kind, size = self.take(1), self.number()
        if kind == b"k":
            self.code(self.take(size))
        elif kind == b"L":
            self.graphics(size)
        else:
            raise self.unknown()

    def graphics_large(self) -> None:
        if self.take(1) != b"L":
            raise self.unknown()
        self.graphics(int.from_bytes(self.take(4), "little"))

    def graphics(self, size: int) -> None:
        """Functions 112 (store a raster of one colour at its own size) and 50 (print what is stored)."""
        function = self.take(2)
        if function in {b"0\x32", b"0\x02"} and size == 2 and self.stored is not None:
            self.image(self.stored)
            self.out.rasters.append(self.stored)
            self.stored = None
            return
        if function != b"0p" or self.take(4) != b"0\x01\x011":
            raise self.unknown()
        width, rows = self.number(), self.number()
        if size != 10 + (width + 7) // 8 * rows:
            raise self.unknown()
        self.stored = self.bits((width + 7) // 8, rows, width)

    def code(self, body: bytes) -> None:
        if body[:1] != b"1":
            raise self.unknown()
        match body[1]:
            case 65 if body[2] in {49, 50}:
                pass  # model 1 or 2
            case 67:
                self.qr_size = body[2]
            case 69:
                self.qr_level = body[2]
            case 80:
                self.qr_data = body[3:]
            case 81:
                self.out.qr_texts.append(self.qr_data.decode("ascii"))
                self.image(_qr(self.qr_data, self.qr_size, self.qr_level))
            case _:
                raise self.unknown()


_Command = Callable[[_Machine], object]

_PLAIN: dict[int, _Command] = {0x0A: _Machine.feed, 0x0D: lambda _: None}
_ESC: dict[bytes, _Command] = {
    b"@": _Machine.reset,
    b"!": _Machine.modes,
    b"E": _Machine.set_bold,
    b"G": _Machine.set_bold,
    b"-": _Machine.set_underline,
    b"a": _Machine.set_align,
    b"M": _Machine.set_font,
    b"2": _Machine.default_spacing,
    b"3": _Machine.set_spacing,
    b"d": _Machine.feed_lines,
    b"t": _Machine.set_page,
    b"$": _Machine.absolute,
    b"\\": _Machine.relative,
    b"p": _Machine.kick,
    b" ": lambda m: m.only(b"\x00"),  # no space beside characters
    b"{": lambda m: m.only(b"\x00"),  # not upside down
}
_GS: dict[bytes, _Command] = {
    b"!": _Machine.sizes,
    b"B": _Machine.set_reverse,
    b"L": _Machine.set_margin,
    b"W": _Machine.set_area,
    b"V": _Machine.cut,
    b"v": _Machine.raster,
    b"(": _Machine.extended,
    b"8": _Machine.graphics_large,
    b"a": lambda m: m.only(b"\x00"),  # says nothing unasked
    b"r": lambda m: m.only(b"1", b"\x01"),  # a status that nobody waits for here
}
_FS: dict[bytes, _Command] = {  # Chinese characters, all of it switched off
    b".": lambda _: None,
    b"-": lambda m: m.take(1),
    b"C": lambda m: m.only(b"0", b"\x00"),
    b"S": lambda m: m.only(b"\x00\x00"),
    b"(": lambda m: m.only(b"A\x02\x000\x00"),
}
_COMMANDS: dict[int, dict[bytes, _Command]] = {
    0x10: {b"\x04": lambda m: m.out.asked.append(m.byte())},
    0x1B: _ESC,
    0x1C: _FS,
    0x1D: _GS,
}


def _qr(data: bytes, size: int, level: int) -> Image.Image:
    levels = {48: 1, 49: 0, 50: 3, 51: 2}
    code = qrcode.QRCode(error_correction=levels[level], box_size=1, border=0)
    code.add_data(data)
    code.make(fit=True)
    matrix = code.get_matrix()
    cells = bytes(0 if dark else 255 for row in matrix for dark in row)
    picture = Image.frombytes("L", (len(matrix), len(matrix)), cells)
    return picture.resize((len(matrix) * size,) * 2, Image.Resampling.NEAREST)
