"""Reading what a kiosk sent: an entry that the city may count, and a batch of which one entry is no honest JSON.

One entry that cannot be read never costs the others their place (sync.md section 2): it is kept as it came.
"""

from __future__ import annotations

import re

import msgspec

from ewarung_pos.domain.bounds import Code, Count, Whole
from ewarung_pos.domain.journal import Entry, canonical, decode
from ewarung_pos.sync.protocol import BATCH_ENTRIES, Push, encode

__all__ = ["Loose", "countable", "decode_push", "loosely"]

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The character that PostgreSQL cannot keep in a text, as JSON writes it."""

_NUL_WORD = b"\\u0000"

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
"""What the shape of JSON consists of; everything between is a number, a word or nothing of ours.

A string that never ends is one token too: looked for anew from each quote within, it would keep the city for an hour.
"""

_PUSH = msgspec.json.Decoder(Push)
_SPACE = b" \t\r\n"
_CLOSES = {b"]": b"[", b"}": b"{"}
_FRAME_BYTES = 4096


class Loose(msgspec.Struct, frozen=True):
    """What an entry says of itself in every version; what it does not say is empty."""

    seq: Count | None = None
    device: Code | None = None
    epoch: Count | None = None
    id: Code = ""
    date: Code = ""
    instant: Whole = 0
    monotonic: Whole = 0
    boot: str = ""


class _Place(msgspec.Struct, frozen=True):
    seq: Count | None = None
    device: Code | None = None
    epoch: Count | None = None


_LOOSE = msgspec.json.Decoder(Loose)
_PLACE = msgspec.json.Decoder(_Place)


def countable(body: bytes) -> Entry | None:
    """The entry, if it is one of this version in its one canonical form; None if nothing may be counted by it."""
    try:
        entry = decode(body)
    except msgspec.MsgspecError:
        return None
    return entry if canonical(entry) == body and not _has_nul(body) else None


def _has_nul(body: bytes) -> bool:
    return b"\\" in body and _NUL_WORD in body and _NUL.search(body) is not None  # one byte is looked for much faster


def loosely(body: bytes) -> Loose:
    """What can be had of an entry that this version cannot read; at worst nothing.

    Only canonical JSON is believed beyond its place: of bytes that two readers may read differently, nothing is.
    """
    try:
        if encode(msgspec.json.decode(body)) == body and not _has_nul(body):
            return _LOOSE.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass
    try:
        place = _PLACE.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return Loose()
    return Loose(place.seq, place.device, place.epoch)


def decode_push(body: bytes) -> Push:
    """A batch; entries that are no JSON stay in it as the bytes that they are.

    Raises:
        msgspec.MsgspecError, UnicodeError, RecursionError: the frame around the entries is not one.
    """
    try:
        return _PUSH.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        span = _entries(body)
        if span is None:
            raise
        first, last, entries = span
        frame = body[:first] + b",".join([b"0"] * len(entries)) + body[last:]
        return msgspec.structs.replace(_PUSH.decode(frame), entries=tuple(map(msgspec.Raw, entries)))


def _entries(body: bytes) -> tuple[int, int, list[bytes]] | None:
    """Where the one list `entries` of the outermost object begins and ends, and its items; None if it has none."""
    opened: list[bytes] = []
    cuts: list[int] = []
    begin = end = 0
    before, key = b"", b""
    for found in _TOKEN.finditer(body):
        token = found[0]
        if token in (b"[", b"{"):
            if token == b"[" and opened == [b"{"] and key == b'"entries"':
                if begin:
                    return None  # which of two?
                begin = found.end()
            opened.append(token)
        elif token in _CLOSES:
            if not opened or opened.pop() != _CLOSES[token]:
                return None
            if begin and not end and opened == [b"{"]:
                end = found.start()
        elif token == b"," and begin and not end and len(opened) == 2:
            cuts.append(found.start())
            if len(cuts) > BATCH_ENTRIES:
                return None
        elif token[:1] == b'"' and opened == [b"{"] and before in (b"{", b","):
            key = token
        before = token
    if not begin or not end or opened or len(body) - (end - begin) > _FRAME_BYTES:
        return None
    places = zip([begin, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True)
    items = [body[at:to].strip(_SPACE) for at, to in places]
    return None if b"" in items else (begin, end, items)
