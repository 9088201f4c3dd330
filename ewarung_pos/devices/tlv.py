"""BER-TLV as chip cards use it (ISO/IEC 7816-4, EMV Book 3 annex B): pure, bounded, and silent about contents."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["TlvError", "each", "first", "objects"]

_DEPTH = 8
_TAG_BYTES = 3


class TlvError(ValueError):
    """Not BER-TLV. The message never repeats a byte of it: it may be a card number."""


def objects(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """Tag and value of each object of one level, in order; `00` and `FF` between them are padding.

    Raises:
        TlvError: cut off, of indefinite length, or with a tag longer than three bytes.
    """
    found = []
    at = 0
    while at < len(data):
        if data[at] in {0x00, 0xFF}:
            at += 1
            continue
        tag, at = _tag(data, at)
        length, at = _length(data, at)
        if at + length > len(data):
            raise TlvError("a value is cut off")
        found.append((tag, data[at : at + length]))
        at += length
    return tuple(found)


def each(data: bytes, tag: int) -> Iterator[bytes]:
    """Values of that tag at any depth, in order.

    Raises:
        TlvError: as `objects`, or nested deeper than any card nests.
    """
    yield from _each(data, tag, _DEPTH)


def first(data: bytes, tag: int) -> bytes | None:
    """The first value of that tag at any depth.

    Raises:
        TlvError: as `each`.
    """
    return next(each(data, tag), None)


def _each(data: bytes, wanted: int, depth: int) -> Iterator[bytes]:
    if depth == 0:
        raise TlvError("nested too deep")
    for tag, value in objects(data):
        if tag == wanted:
            yield value
        elif _constructed(tag):
            yield from _each(value, wanted, depth - 1)


def _constructed(tag: int) -> bool:
    leading = tag
    while leading > 0xFF:
        leading >>= 8
    return bool(leading & 0x20)


def _tag(data: bytes, at: int) -> tuple[int, int]:
    tag = data[at]
    at += 1
    if tag & 0x1F != 0x1F:
        return tag, at
    for _ in range(_TAG_BYTES - 1):
        if at >= len(data):
            break
        byte = data[at]
        tag = tag << 8 | byte
        at += 1
        if not byte & 0x80:
            return tag, at
    raise TlvError("a tag is cut off or too long")


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise TlvError("a length is cut off")
    head = data[at]
    at += 1
    if head < 0x80:
        return head, at
    size = head & 0x7F
    if size not in {1, 2} or at + size > len(data):
        raise TlvError("a length is indefinite, too long or cut off")
    return int.from_bytes(data[at : at + size], "big"), at + size
