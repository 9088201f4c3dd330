"""The Internet Printing Protocol, as much of it as a receipt needs: requests to bytes, bytes to answers. No I/O.

Source: RFC 8010 (encoding), RFC 8011 (operations, job and printer states), PWG 5101.1 (names of paper sizes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum

import msgspec

__all__ = ["Answer", "JobState", "Operation", "PrinterState", "Told", "custom_media", "parse_answer", "request"]

_VERSION = b"\x01\x01"  # what every printer since 2000 speaks
_OPERATION_GROUP, _JOB_GROUP, _END = 0x01, 0x02, 0x03
_INTEGER, _BOOLEAN, _ENUM = 0x21, 0x22, 0x23
_TEXT, _NAME, _KEYWORD, _URI = 0x41, 0x42, 0x44, 0x45
_CHARSET, _LANGUAGE, _MIME = 0x47, 0x48, 0x49
_TAGS = {
    "attributes-charset": _CHARSET,
    "attributes-natural-language": _LANGUAGE,
    "printer-uri": _URI,
    "job-id": _INTEGER,
    "requesting-user-name": _NAME,
    "job-name": _NAME,
    "document-format": _MIME,
    "requested-attributes": _KEYWORD,
    "media": _KEYWORD,
}


class Operation(IntEnum):
    """RFC 8011 section 4; the last one is CUPS's own (Printer/CUPS Implementation of IPP)."""

    PRINT_JOB = 0x0002
    CANCEL_JOB = 0x0008
    GET_JOB_ATTRIBUTES = 0x0009
    GET_PRINTER_ATTRIBUTES = 0x000B
    CUPS_GET_PRINTERS = 0x4002


class JobState(IntEnum):
    """RFC 8011 section 5.3.7."""

    PENDING = 3
    PENDING_HELD = 4
    PROCESSING = 5
    PROCESSING_STOPPED = 6
    CANCELED = 7
    ABORTED = 8
    COMPLETED = 9


class PrinterState(IntEnum):
    """RFC 8011 section 5.4.11."""

    IDLE = 3
    PROCESSING = 4
    STOPPED = 5


Value = int | bool | str
Told = Mapping[str, Value | tuple[str, ...]]
"""Attributes by their names in RFC 8011."""


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status code, and every attribute with its values, of whichever group."""

    status: int
    attributes: dict[str, tuple[Value, ...]]

    @property
    def successful(self) -> bool:
        """Whether it was done (RFC 8011 appendix B: 0x0000 to 0x00FF)."""
        return self.status < 0x0100

    def number(self, name: str, default: int = 0) -> int:
        """The first value of an attribute that is a number."""
        return next((value for value in self.attributes.get(name, ()) if isinstance(value, int)), default)

    def words(self, name: str) -> tuple[str, ...]:
        """The values of an attribute that are words."""
        return tuple(value for value in self.attributes.get(name, ()) if isinstance(value, str))


def custom_media(width_mm: int, height_mm: int) -> str:
    """The name of a paper of that size (PWG 5101.1 section 5.1)."""
    return f"custom_struk_{width_mm}x{height_mm}mm"


def request(
    operation: Operation,
    number: int,
    printer_uri: str,
    told: Told,
    job: Told | None = None,
    document: bytes = b"",
) -> bytes:
    """One request: `told` are attributes of the operation, `job` of the job."""
    first: Told = {"attributes-charset": "utf-8", "attributes-natural-language": "en"}
    if printer_uri:
        first = {**first, "printer-uri": printer_uri}
    parts = [_VERSION, struct.pack(">HI", operation, number), bytes((_OPERATION_GROUP,))]
    parts += _attributes({**first, **told})
    if job:
        parts += [bytes((_JOB_GROUP,)), *_attributes(job)]
    return b"".join([*parts, bytes((_END,)), document])


def parse_answer(data: bytes) -> Answer:
    """Read an answer; values that are neither numbers nor words are left out.

    Raises:
        ValueError: it is not one.
    """
    if len(data) < 9:
        raise ValueError("no IPP answer")
    found: dict[str, list[Value]] = {}
    name, at = "", 8
    while True:
        tag = _byte(data, at)
        at += 1
        if tag == _END:
            return Answer(int.from_bytes(data[2:4], "big"), {key: tuple(values) for key, values in found.items()})
        if tag < 0x10:
            continue  # another group
        new, at = _field(data, at)
        value, at = _field(data, at)
        name = new.decode("ascii", "replace") or name
        found.setdefault(name, []).extend(_values(tag, value))


def _attributes(told: Told) -> Iterator[bytes]:
    for name, value in told.items():
        label = name.encode()
        for each in value if isinstance(value, tuple) else (value,):
            body = struct.pack(">i", each) if isinstance(each, int) else str(each).encode()
            yield struct.pack(">BH", _TAGS[name], len(label)) + label + struct.pack(">H", len(body)) + body
            label = b""  # further values of the same attribute come without its name


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise ValueError("an IPP answer that breaks off")
    return data[at]


def _field(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    if at + 2 > len(data) or end > len(data):
        raise ValueError("an IPP answer that breaks off")
    return data[at + 2 : end], end


def _values(tag: int, value: bytes) -> list[Value]:
    if tag in {_INTEGER, _ENUM} and len(value) == 4:
        return [int.from_bytes(value, "big", signed=True)]
    if tag == _BOOLEAN and len(value) == 1:
        return [value != b"\x00"]
    if _TEXT <= tag <= _MIME:
        return [value.decode("utf-8", "replace")]
    return []
