"""A simulated printer's paper as text: what a person would read on it, from the bytes that came out.

Written from Epson's command reference. It is lenient where a printer is: a command that it does not know is passed
over, and a paper that was torn off in the middle of one ends there.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["paper_text"]

_PAGES = {
    0: "cp437",
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
_RULES = {0x95: "─", 0x96: "│", 0x8F: "┼"}
"""Lines on page 1, whose letters are Japanese."""
_DOTS = 12
"""Of a character across; a picture is as many characters wide as it covers."""

# Bytes that follow the two of a command, where it is neither text nor picture.
_ESC = {"@": 0, "2": 0, "<": 0, "L": 0, "S": 0} | dict.fromkeys("!EG-MRVr3 {tdJeaTU%=", 1) | {"$": 2, "\\": 2, "p": 3}
_GS = dict.fromkeys("!BbHfhwaIr/", 1) | dict.fromkeys("LWP$\\", 2) | {":": 0}
_FS = {"&": 0, ".": 0, "!": 1, "-": 1, "C": 1, "S": 2}


def paper_text(data: bytes, columns: int) -> str:
    """The lines of a paper of so many columns (font A), each ended; a code or picture is a line that says so.

    Letters of double width stand where they begin, and are not drawn apart.
    """
    paper = _Paper(data, columns)
    while paper.step():
        pass
    paper.feed()
    return "\n".join(paper.lines).rstrip("\n") + "\n"


class _Paper:
    def __init__(self, data: bytes, columns: int) -> None:
        self.lines: list[str] = []
        self._data = data
        self._at = 0
        self._columns = columns
        self._row, self._width = "", 0
        self._code = b""
        self._reset()

    def step(self) -> bool:
        """The next character or command; False at the end of the paper."""
        if self._at >= len(self._data):
            return False
        byte = self._data[self._at]
        if byte in _COMMANDS:
            return self._command(byte)
        self._at += 1
        if byte == 0x0A:
            self.feed(blank=True)
        elif byte >= 0x20:
            self._character(byte)
        return True

    def feed(self, *, blank: bool = False) -> None:
        """Print the line that was begun; an empty one only where it is asked for."""
        if self._row or blank:
            self.lines.append(f"{' ' * self._left(self._width)}{self._row}".rstrip())
        self._row, self._width = "", 0

    def _reset(self) -> None:
        self._wide, self._align, self._page = 1, 0, 0

    def _left(self, width: int) -> int:
        return max(0, {1: (self._columns - width) // 2, 2: self._columns - width}.get(self._align, 0))

    def _character(self, byte: int) -> None:
        if byte >= 0x80 and self._page == 1:
            letter = _RULES.get(byte, "?")
        else:
            letter = bytes((byte,)).decode(_PAGES.get(self._page, "cp437"), "replace")
        if self._width + self._wide > self._columns:
            self.feed()
        self._row += letter
        self._width += self._wide

    def _command(self, first: int) -> bool:
        head = self._data[self._at + 1 : self._at + 2].decode("latin-1")
        begins = self._at + 2
        size = self._size(first, head, begins)
        if not head or begins + size > len(self._data):
            return False
        operand = self._data[begins : begins + size]
        self._at = begins + size
        if (act := _ACTS.get((first, head))) is not None:
            act(self, operand)
        return True

    def _size(self, first: int, head: str, begins: int) -> int:
        """Bytes after the two of a command."""
        data = self._data
        if first == 0x1D and head == "V":
            return 2 if data[begins : begins + 1] in {b"A", b"B", b"a", b"b", b"g", b"h"} else 1
        if first == 0x1D and head == "v":
            return 6 + int.from_bytes(data[begins + 2 : begins + 4], "little") * int.from_bytes(
                data[begins + 4 : begins + 6], "little"
            )
        if first == 0x1D and head == "8":
            return 5 + int.from_bytes(data[begins + 1 : begins + 5], "little")
        if head == "(":
            return 3 + int.from_bytes(data[begins + 1 : begins + 3], "little")
        if first == 0x1B and head == "*":
            across = 3 if data[begins : begins + 1] in {b"\x20", b"\x21"} else 1
            return 3 + across * int.from_bytes(data[begins + 1 : begins + 3], "little")
        return _COMMANDS[first].get(head, 0)

    # -- what changes the text --------------------------------------------------------------------------------------

    def initialise(self, operand: bytes) -> None:
        self._reset()

    def modes(self, operand: bytes) -> None:
        self._wide = 2 if operand[0] & 0x20 else 1

    def sizes(self, operand: bytes) -> None:
        self._wide = (operand[0] >> 4 & 7) + 1

    def aligned(self, operand: bytes) -> None:
        if not self._row:  # it counts at the beginning of a line only
            self._align = operand[0] % 48

    def paged(self, operand: bytes) -> None:
        self._page = operand[0]

    def fed(self, operand: bytes) -> None:
        self.feed(blank=True)
        self.lines += [""] * (operand[0] - 1)

    def cut(self, operand: bytes) -> None:
        self.feed()
        self.lines.append("- " * (self._columns // 2))

    def kicked(self, operand: bytes) -> None:
        self.feed()
        self.lines.append("[laci dibuka]")

    def raster(self, operand: bytes) -> None:
        self._picture(int.from_bytes(operand[2:4], "little") * 8, int.from_bytes(operand[4:6], "little"))

    def extended(self, operand: bytes) -> None:
        kind, body = operand[:1], operand[3:]
        if kind == b"k" and body[:2] == b"1P":
            self._code = body[3:]
        elif kind == b"k" and body[:2] == b"1Q":
            self.feed()
            self.lines.append(f"[QR {self._code.decode('latin-1')}]")
        elif kind == b"L":
            self._graphics(body)

    def large(self, operand: bytes) -> None:
        if operand[:1] == b"L":
            self._graphics(operand[5:])

    def _graphics(self, body: bytes) -> None:
        if body[:2] == b"0p":
            self._picture(int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little"))

    def _picture(self, width: int, height: int) -> None:
        self.feed()
        words = f"[gambar {width} x {height}]"
        self.lines.append(" " * self._left(max(len(words), width // _DOTS)) + words)


_COMMANDS = {0x10: {"\x04": 1, "\x14": 3, "\x05": 1}, 0x1B: _ESC, 0x1C: _FS, 0x1D: _GS}
_ACTS: dict[tuple[int, str], Callable[[_Paper, bytes], None]] = {
    (0x1B, "@"): _Paper.initialise,
    (0x1B, "!"): _Paper.modes,
    (0x1B, "a"): _Paper.aligned,
    (0x1B, "t"): _Paper.paged,
    (0x1B, "d"): _Paper.fed,
    (0x1B, "p"): _Paper.kicked,
    (0x1D, "!"): _Paper.sizes,
    (0x1D, "V"): _Paper.cut,
    (0x1D, "v"): _Paper.raster,
    (0x1D, "("): _Paper.extended,
    (0x1D, "8"): _Paper.large,
}
