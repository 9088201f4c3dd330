"""QR codes for the screen: alphanumeric text, error correction M, versions 1 to 6 (ISO/IEC 18004:2015).

The printers make their own; the libraries they use would cost the till 100 ms when the first paper is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

__all__ = ["Grid", "qr_modules"]

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# version: (error correction bytes a block, data bytes of each block), level M, table 9 of the standard
_BLOCKS: dict[int, tuple[int, tuple[int, ...]]] = {
    1: (10, (16,)),
    2: (16, (28,)),
    3: (26, (44,)),
    4: (18, (32, 32)),
    5: (24, (43, 43)),
    6: (16, (27, 27, 27, 27)),
}
_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)

Grid = list[list[bool]]


def qr_modules(text: str) -> Grid:
    """The code's modules, row by row, dark is True; without the quiet zone of four modules around it.

    Raises:
        ValueError: a letter outside QR's alphanumeric set, or more than 154 of them.
    """
    version = next((each for each, (_, sizes) in _BLOCKS.items() if _bits_needed(text) <= 8 * sum(sizes)), 0)
    if not version:
        raise ValueError("too long for a QR code of version 6")
    fixed, grid = _frame(version)
    bits = [byte >> place & 1 for byte in _interleaved(_data(text, version), version) for place in range(7, -1, -1)]
    # The cells left over after the last byte stay light.
    for (y, x), bit in zip(_cells(fixed), bits, strict=False):
        grid[y][x] = bool(bit)
    return min((_masked(grid, fixed, number) for number in range(len(_MASKS))), key=_penalty)


def _bits_needed(text: str) -> int:
    return 4 + 9 + len(text) // 2 * 11 + len(text) % 2 * 6


def _data(text: str, version: int) -> bytes:
    values = [_LETTERS.index(letter) for letter in text]
    bits = f"0010{len(values):09b}"
    for place in range(0, len(values) - 1, 2):
        bits += f"{values[place] * 45 + values[place + 1]:011b}"
    if len(values) % 2:
        bits += f"{values[-1]:06b}"
    whole = 8 * sum(_BLOCKS[version][1])
    bits += "0" * min(4, whole - len(bits))
    bits += "0" * (-len(bits) % 8)
    filled = bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))
    return filled + bytes(0xEC if place % 2 == 0 else 0x11 for place in range(whole // 8 - len(filled)))


def _interleaved(data: bytes, version: int) -> bytes:
    extra, sizes = _BLOCKS[version]
    blocks, start = [], 0
    for size in sizes:
        blocks.append(data[start : start + size])
        start += size
    checks = [_check(block, extra) for block in blocks]
    return bytes(part[place] for parts in (blocks, checks) for place in range(len(parts[0])) for part in parts)


def _times(a: int, b: int) -> int:
    """Product in GF(256) with the standard's polynomial 0x11D."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


def _check(block: bytes, extra: int) -> bytes:
    """Reed-Solomon remainder of `extra` bytes."""
    generator, root = [1], 1
    for _ in range(extra):
        raised = [*generator, 0]
        for place, each in enumerate(generator):
            raised[place + 1] ^= _times(each, root)
        generator, root = raised, _times(root, 2)
    rest = [0] * extra
    for byte in block:
        factor = byte ^ rest[0]
        rest = [*rest[1:], 0]
        for place in range(extra):
            rest[place] ^= _times(generator[place + 1], factor)
    return bytes(rest)


def _frame(version: int) -> tuple[Grid, Grid]:
    """Which cells are not for data, and the grid with finders, timing and alignment in it."""
    side = 17 + 4 * version
    fixed = [[False] * side for _ in range(side)]
    grid = [[False] * side for _ in range(side)]

    def square(top: int, left: int, rings: dict[int, bool]) -> None:
        reach = max(rings)
        for y in range(max(0, top - reach), min(side, top + reach + 1)):
            for x in range(max(0, left - reach), min(side, left + reach + 1)):
                fixed[y][x] = True
                grid[y][x] = rings[max(abs(y - top), abs(x - left))]

    for place in range(8, side - 8):
        for y, x in ((6, place), (place, 6)):
            fixed[y][x], grid[y][x] = True, place % 2 == 0
    if version > 1:
        square(side - 7, side - 7, {0: True, 1: False, 2: True})
    for top, left in ((3, 3), (3, side - 4), (side - 4, 3)):
        square(top, left, {0: True, 1: True, 2: False, 3: True, 4: False})
    for place in range(9):
        fixed[8][place] = fixed[place][8] = True
    for place in range(8):
        fixed[8][side - 1 - place] = fixed[side - 1 - place][8] = True
    grid[side - 8][8] = True
    return fixed, grid


def _cells(fixed: Grid) -> Iterator[tuple[int, int]]:
    """Data cells in the standard's order: two columns at a time, up and down, from the right, past the timing."""
    side = len(fixed)
    up = True
    for right in (*range(side - 1, 6, -2), 5, 3, 1):
        for y in range(side - 1, -1, -1) if up else range(side):
            for x in (right, right - 1):
                if not fixed[y][x]:
                    yield y, x
        up = not up


def _masked(grid: Grid, fixed: Grid, number: int) -> Grid:
    mask = _MASKS[number]
    made = [
        [dark if held else dark != mask(y, x) for x, (dark, held) in enumerate(zip(line, holds, strict=True))]
        for y, (line, holds) in enumerate(zip(grid, fixed, strict=True))
    ]
    rest = number << 10  # level M is 00
    for place in range(14, 9, -1):
        if rest >> place & 1:
            rest ^= 0b10100110111 << place - 10
    word = (number << 10 | rest) ^ 0b101010000010010
    side = len(grid)
    first = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    second = [(side - 1 - place, 8) for place in range(7)] + [(8, side - 8 + place) for place in range(8)]
    for places in (first, second):
        for place, (y, x) in enumerate(places):
            made[y][x] = bool(word >> 14 - place & 1)
    return made


def _penalty(grid: Grid) -> int:
    """The standard's measure of what is hard to read: runs, blocks of four, and an uneven share of dark."""
    points = 0
    for lines in (grid, [list(line) for line in zip(*grid, strict=True)]):
        for line in lines:
            run = 0
            for place, dark in enumerate(line):
                run = run + 1 if place and dark == line[place - 1] else 1
                points += 3 if run == 5 else 1 if run > 5 else 0
    for upper, lower in pairwise(grid):
        for place in range(len(upper) - 1):
            points += 3 if upper[place] == upper[place + 1] == lower[place] == lower[place + 1] else 0
    dark = sum(map(sum, grid))
    return points + 10 * (abs(20 * dark - 10 * len(grid) ** 2) // len(grid) ** 2)
