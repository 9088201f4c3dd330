"""BCA-style ECR frames: bytes to values and back; no clock, no I/O.

A frame is STX, length (two bytes packed BCD), that many bytes of body, ETX, LRC. The body is a binary version byte and
fixed-position ASCII: 150 bytes from the till, 200 from the EDC. Length and place decide, never the search for a
control byte, because the LRC may be any byte, STX, ETX, ACK and NAK among them.

Offsets are those of the body, version byte at 0, as in the published tables. Amounts are rupiah everywhere but on the
wire, which has two implied decimals.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

__all__ = [
    "ACK",
    "MAX_RUPIAH",
    "NAK",
    "Ack",
    "BadFrame",
    "Decoder",
    "EcrRequest",
    "EcrResponse",
    "Event",
    "Frame",
    "Nak",
    "TransType",
    "blanked",
    "build_request",
]

STX, ETX, ACK, NAK = 0x02, 0x03, 0x06, 0x15
MAX_RUPIAH = 9_999_999_999
"""Twelve digits with two implied decimals."""

_REQUEST_BODY = 150
_RESPONSE_BODY = 200
_RESPONSE_HEADER = b"\x02\x02\x00"
_RESPONSE_FRAME = 3 + _RESPONSE_BODY + 2
_SECRET_REQUEST = ((27, 50),)  # PAN, expiry
_SECRET_RESPONSE = ((27, 50), (108, 150))  # PAN, expiry; holder's name, cashier's PAN


class TransType(StrEnum):
    """Transaction types with a fixed code. Card information and inquiry are site configuration."""

    SALE = "01"
    VOID = "08"
    SETTLE = "10"
    ECHO = "17"


@dataclass(frozen=True, slots=True)
class EcrRequest:
    """What the till asks. `amount` and `other_amount` are rupiah; `pan` is the whole 19-character field.

    Spaces in `pan` mean that the EDC reads the card, which is all this till ever asks for.
    """

    type: str
    version: int = 1
    amount: int = 0
    other_amount: int = 0
    pan: str = field(default="", repr=False)
    expiry: str = field(default="", repr=False)
    cancel_reason: str = "00"
    invoice: str = "000000"
    auth: str = ""
    flags: str = "  N"
    plan: str = ""
    tenor: str = ""
    generic: str = ""
    reff: str = ""
    original_date: str = ""


@dataclass(frozen=True, slots=True)
class EcrResponse:
    """What the EDC answered, trimmed of spaces. `amount` is rupiah, None when it is not a whole number of them.

    `print_id` tells two answers apart without holding a card number: equal for a repetition of the same answer.
    """

    version: int
    type: str
    amount: int | None
    code: str
    rrn: str
    approval: str
    stamp: str
    merchant: str
    terminal: str
    invoice: str
    batch: str
    print_id: str = field(repr=False)
    pan: str = field(repr=False)
    expiry: str = field(repr=False)

    @property
    def last4(self) -> str:
        """Last four digits of the card where the site's EDC shows them, else empty."""
        digits = self.pan[-4:]
        shown = len(self.pan) >= 12 and digits.isdigit() and digits != "0000"
        return digits if shown else ""


class Ack(msgspec.Struct, frozen=True):
    """The EDC took the request."""


class Nak(msgspec.Struct, frozen=True):
    """The EDC did not understand the request and will do nothing about it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole response with a right LRC. `shown` are its bytes as they may be logged."""

    response: EcrResponse
    shown: bytes = field(default=b"", repr=False)


class BadFrame(msgspec.Struct, frozen=True):
    """Something began like a response and was none. `reason`: length, etx, lrc, text, truncated."""

    reason: str


Event = Ack | Nak | Frame | BadFrame


def build_request(request: EcrRequest) -> bytes:
    """The 155 bytes of a request.

    Raises:
        ValueError: a field does not fit its place; the message names the field, not the value.
    """
    body = bytearray([_version(request.version)])
    body += _text("type", request.type, 2)
    body += _amount("amount", request.amount)
    body += _amount("other_amount", request.other_amount)
    for name, width in (
        ("pan", 19),
        ("expiry", 4),
        ("cancel_reason", 2),
        ("invoice", 6),
        ("auth", 6),
        ("flags", 3),
        ("plan", 3),
        ("tenor", 2),
        ("generic", 12),
        ("reff", 12),
        ("original_date", 4),
    ):
        body += _text(name, getattr(request, name), width)
    body += b" " * (_REQUEST_BODY - len(body))
    covered = b"\x01\x50" + bytes(body) + bytes([ETX])
    return bytes([STX]) + covered + bytes([_lrc(covered)])


def blanked(frame: bytes) -> bytes:
    """A whole request or response frame as it may be logged: card number, expiry and names as `#`, by offset."""
    secret = _SECRET_RESPONSE if frame[:3] == _RESPONSE_HEADER else _SECRET_REQUEST
    shown = bytearray(frame)
    for start, end in secret:
        shown[3 + start : 3 + end] = b"#" * (end - start)
    return bytes(shown[:-1])  # the LRC would give one digit away


class Decoder:
    """Takes the EDC's bytes in whatever pieces they come and says what they mean.

    A NAK is reported only when nothing strange arrived before it: it allows sending again, and the LRC of a damaged
    response may look like one. A false ACK only makes the till wait.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._strange = False
        self._told = False

    @property
    def inside_frame(self) -> bool:
        """Whether a response has begun and is not complete."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Event]:
        """What these bytes complete, in order."""
        buffer = self._buffer
        buffer += data
        events: list[Event] = []
        while buffer:
            head = bytes(buffer[:3])
            if head == _RESPONSE_HEADER[: len(head)]:
                if len(buffer) < _RESPONSE_FRAME:
                    break
                events.append(self._take_frame())
            elif buffer[0] == STX:
                del buffer[0]
                self._strange = True
                # The rest of a frame with a wrong length is skipped byte by byte; tell of it once.
                if not self._told:
                    self._told = True
                    events.append(BadFrame("length"))
            else:
                self._take_single(buffer.pop(0), events)
        return events

    def expire(self) -> list[Event]:
        """The line has been silent for longer than a gap inside a frame: what was begun will not be completed."""
        rest = bytes(self._buffer)
        self.reset()
        if not rest:
            return []
        # A false beginning may have swallowed a whole answer.
        start = rest.find(_RESPONSE_HEADER, 1)
        found = self.feed(rest[start:]) if start > 0 else []
        self.reset()
        return found or [BadFrame("truncated")]

    def reset(self) -> None:
        """Forget everything that came before."""
        self._buffer.clear()
        self._strange = self._told = False

    def _take_single(self, byte: int, events: list[Event]) -> None:
        if byte == ACK:
            events.append(Ack())
        elif byte == NAK and not self._strange:
            events.append(Nak())
        else:
            self._strange = True

    def _take_frame(self) -> Event:
        frame = bytes(self._buffer[:_RESPONSE_FRAME])
        reason = _fault(frame)
        if not reason:
            del self._buffer[:_RESPONSE_FRAME]
            self._strange = self._told = False
            return Frame(_parse(frame[3:-2]), blanked(frame))
        self._strange = self._told = True
        again = frame.find(_RESPONSE_HEADER, 1)
        del self._buffer[: again if again > 0 else _RESPONSE_FRAME]
        return BadFrame(reason)


def _version(version: int) -> int:
    if version not in (1, 2, 3):
        raise ValueError("version is 1, 2 or 3")
    return version


def _amount(name: str, rupiah: int) -> bytes:
    if not 0 <= rupiah <= MAX_RUPIAH:
        raise ValueError(f"{name} is not 0..{MAX_RUPIAH} rupiah")
    return f"{rupiah * 100:012d}".encode("ascii")


def _text(name: str, value: str, width: int) -> bytes:
    if len(value) > width or not value.isascii() or not (value.isprintable() or not value):
        raise ValueError(f"{name} does not fit {width} printable ASCII characters")
    return value.ljust(width).encode("ascii")


def _lrc(covered: bytes) -> int:
    check = 0
    for byte in covered:
        check ^= byte
    return check


def _fault(frame: bytes) -> str:
    if frame[-2] != ETX:
        return "etx"
    if _lrc(frame[1:-1]) != frame[-1]:
        return "lrc"
    body = frame[3:-2]
    read = body[1:27] + body[50:107] + body[150:162]  # names and fillers are not ours to judge
    if body[0] not in (1, 2, 3) or any(not 0x20 <= byte <= 0x7E for byte in read):
        return "text"
    return ""


def _parse(body: bytes) -> EcrResponse:
    def text(start: int, width: int) -> str:
        return body[start : start + width].decode("ascii", "replace").strip()

    hundredths = text(3, 12)
    whole = hundredths.isdigit() and len(hundredths) == 12 and hundredths.endswith("00")
    nameless = bytearray(body)
    for start, end in _SECRET_RESPONSE:
        nameless[start:end] = b"#" * (end - start)
    return EcrResponse(
        version=body[0],
        type=text(1, 2),
        amount=int(hundredths) // 100 if whole else None,
        code=text(50, 2),
        rrn=text(52, 12),
        approval=text(64, 6),
        stamp=text(70, 14),
        merchant=text(84, 15),
        terminal=text(99, 8),
        invoice=text(150, 6),
        batch=text(156, 6),
        print_id=hashlib.sha256(nameless).hexdigest(),
        pan=text(27, 19),
        expiry=text(46, 4),
    )
