"""The simulated EDC's own codec: small, written from the tables, and sharing nothing with the driver's."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from ewarung_pos.devices.simulated.edc_bank import APPROVED, MERCHANT, TERMINAL, Card, Slip, now_stamp

__all__ = [
    "CARD_INFO",
    "GARBAGE",
    "INQUIRY",
    "KINDS",
    "REQUEST_BYTES",
    "Request",
    "misshapen",
    "parse_request",
    "response_frame",
]

CARD_INFO = "40"
INQUIRY = "33"
KINDS = {"01": "sale", "08": "void", "10": "settle", "17": "echo", CARD_INFO: "card", INQUIRY: "inquiry"}
REQUEST_BYTES = 155
GARBAGE = b"\x00\xff\x02\x7f\x03~"
"""Noise with a false STX and ETX in it."""


@dataclass(frozen=True)
class Request:
    """What a till asks. `amount` is rupiah, -1 when the field is no amount; `raw` is the whole frame."""

    version: int
    type: str
    amount: int
    invoice: str
    ref: str
    raw: bytes = field(repr=False)


def parse_request(frame: bytes) -> Request | None:
    """A whole frame; None when it is damaged."""
    if frame[153] != 0x03 or _check(frame[1:154]) != frame[154] or frame[3] not in (1, 2, 3):
        return None
    body = frame[3:153]

    def text(offset: int, width: int) -> str:
        return body[offset : offset + width].decode("ascii", "replace").strip()

    hundredths = text(3, 12)
    whole = len(hundredths) == 12 and hundredths.isdigit() and hundredths.endswith("00")
    return Request(
        version=body[0],
        type=text(1, 2),
        amount=int(hundredths) // 100 if whole else -1,
        invoice=text(52, 6),
        ref=text(84, 12),
        raw=frame,
    )


def response_frame(
    request: Request,
    code: str,
    *,
    slip: Slip | None,
    card: Card | None,
    trace: str,
    whole_number: bool,
    kind: str,
    extra: int,
) -> bytes:
    """The 205 bytes of an answer.

    Args:
        request: echoed where the table says so.
        code: response code.
        slip: the transaction it is about.
        card: the card in it.
        trace: stands for the RRN where there is no slip.
        whole_number: show the whole card number (card information only).
        kind: transaction type to answer with.
        extra: rupiah to add to the amount.
    """
    shown = whole_number and code == APPROVED
    pan = ""
    if card is not None and card.number:
        pan = card.number if shown else "*" * (len(card.number) - 4) + card.number[-4:]
    elif slip is not None and slip.last4:
        pan = "*" * 12 + slip.last4
    amount = max(0, slip.amount if slip is not None else request.amount) + extra
    body = bytearray(b" " * 200)
    body[0] = request.version
    for offset, width, text in (
        (1, 2, kind),
        (3, 12, f"{amount * 100:012d}"),
        (15, 12, "0" * 12),
        (27, 19, pan),
        (46, 4, card.expiry if card is not None and shown else "0000"),
        (50, 2, code),
        (52, 12, slip.rrn if slip is not None else trace),
        (64, 6, slip.approval if slip is not None else ""),
        (70, 14, slip.stamp if slip is not None else now_stamp()),
        (84, 15, slip.merchant if slip is not None else MERCHANT),
        (99, 8, slip.terminal if slip is not None else TERMINAL),
        (107, 1, "N"),
        (108, 26, card.name if card is not None else ""),
        (134, 16, "0" * 16),
        (150, 6, slip.invoice if slip is not None else ""),
        (156, 6, slip.batch if slip is not None else ""),
        (164, 3, "NNN"),
        (167, 12, "0" * 12),
    ):
        raw = text.encode("ascii", "replace")[:width]
        body[offset : offset + len(raw)] = raw
    covered = b"\x02\x00" + bytes(body) + b"\x03"
    return b"\x02" + covered + bytes([_check(covered)])


def misshapen(frame: bytes, faults: Container[str]) -> tuple[bytes, bytes]:
    """A response as the faults want it: what goes out first, and what goes out when it is asked for again."""
    first = again = frame
    if "bad_lrc" in faults or "bad_lrc_once" in faults:
        first = frame[:-1] + bytes([frame[-1] ^ 0x5A])
        again = first if "bad_lrc" in faults else frame
    if "short" in faults:
        first = again = frame[:-20]
    if "long" in faults:
        first = again = frame[:-2] + b" " * 20 + frame[-2:]
    if "garbage_before" in faults:
        first = GARBAGE + first
    if "glue_ack" in faults:
        first = b"\x06" + first
    return first, again


def _check(covered: bytes) -> int:
    check = 0
    for byte in covered:
        check ^= byte
    return check
