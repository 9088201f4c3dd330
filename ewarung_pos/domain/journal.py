"""The journal: what can happen (`domain.facts`) in its place, canonical bytes, and the chain from entry to entry.

An entry's canonical bytes are RFC 8785 JSON (keys sorted, no fractions); its hash is
SHA-256(previous hash || canonical bytes). The first entry follows a seed made of device and epoch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from ewarung_pos.domain.bounds import Code, Count, Whole
from ewarung_pos.domain.facts import (
    OTHER_DEBIT,
    OTHER_DEBIT_VOIDED,
    OTHER_DEBITS,
    AttemptOpened,
    AttemptSettled,
    CardTyped,
    CityAcknowledged,
    ClockStepped,
    ClosingBegun,
    ClosingCancelled,
    ComplaintRecorded,
    DayClosed,
    DayOpened,
    Fact,
    HardshipAllowed,
    KioskEnrolled,
    OperatorChanged,
    PeriodClosed,
    PriceChanged,
    ReceiptPrinted,
    Redeemed,
    RedemptionRefused,
    RegisterPurged,
    Reversed,
    RightsGranted,
    SettingsChanged,
    StateReceived,
    StockAdjusted,
    StockCounted,
    StockReceived,
    Surrendered,
)

__all__ = [
    "OTHER_DEBIT",
    "OTHER_DEBITS",
    "OTHER_DEBIT_VOIDED",
    "AttemptOpened",
    "AttemptSettled",
    "CardTyped",
    "CityAcknowledged",
    "ClockStepped",
    "ClosingBegun",
    "ClosingCancelled",
    "ComplaintRecorded",
    "DayClosed",
    "DayOpened",
    "Entry",
    "Fact",
    "HardshipAllowed",
    "KioskEnrolled",
    "OperatorChanged",
    "PeriodClosed",
    "PriceChanged",
    "ReceiptPrinted",
    "Redeemed",
    "RedemptionRefused",
    "RegisterPurged",
    "Reversed",
    "RightsGranted",
    "Sealed",
    "SettingsChanged",
    "StateReceived",
    "StockAdjusted",
    "StockCounted",
    "StockReceived",
    "Surrendered",
    "ack_text",
    "canonical",
    "decode",
    "first_break",
    "genesis",
    "link",
    "seal",
    "uuid7",
]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fact in its place. `instant` is wall time in ms UTC, `monotonic` ms since `boot`'s start.

    `date` is the business date (empty outside a business day).
    """

    seq: Count
    id: Code
    device: Code
    epoch: Count
    date: Code
    instant: Whole
    monotonic: Whole
    boot: str
    operator: str
    fact: Fact


class Sealed(msgspec.Struct, frozen=True):
    """An entry's canonical bytes with the hashes that chain it. Hashes are 32 bytes."""

    seq: int
    body: bytes
    prev_hash: bytes
    hash: bytes


_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(Entry)


def canonical(entry: Entry) -> bytes:
    """RFC 8785 bytes of the entry."""
    return _ENCODER.encode(entry)


def decode(body: bytes) -> Entry:
    """The entry of these canonical bytes.

    Raises:
        msgspec.DecodeError: not an entry of this version, or not JSON.
    """
    try:
        return _DECODER.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:  # what msgspec lets through of bytes that are not JSON
        raise msgspec.DecodeError("not JSON") from error


def genesis(device: str, epoch: int) -> bytes:
    """The known seed that the first entry follows."""
    return hashlib.sha256(f"ewarung-pos|{device}|{epoch}".encode()).digest()


def link(prev_hash: bytes, body: bytes) -> bytes:
    """The hash that chains `body` to what came before."""
    return hashlib.sha256(prev_hash + body).digest()


def first_break(rows: Iterable[Sealed], seed: bytes, first_seq: int = 1) -> tuple[int, str] | None:
    """Walk a chain and name the first thing wrong with it.

    Returns:
        (seq, what) with what one of `gap`, `prev_hash`, `hash`; or None when the chain holds.
    """
    expected = first_seq
    head = seed
    for row in rows:
        if row.seq != expected:
            return expected, "gap"
        if row.prev_hash != head:
            return row.seq, "prev_hash"
        if link(head, row.body) != row.hash:
            return row.seq, "hash"
        head = row.hash
        expected += 1
    return None


def ack_text(
    device: str, epoch: int, acked_seq: int, acked_hash: str, server_ms: int, flagged: tuple[tuple[int, str], ...]
) -> bytes:
    """What the city signs when it acknowledges; all of it is in the till's CityAcknowledged entry."""
    flags = ",".join(f"{seq}:{flag}" for seq, flag in flagged)
    return f"ack|{device}|{epoch}|{acked_seq}|{acked_hash}|{server_ms}|{flags}".encode()


def uuid7(ms: int, entropy: bytes) -> str:
    """RFC 9562 version 7 identifier from a time and ten random bytes, as 36 characters.

    Raises:
        ValueError: fewer than ten bytes.
    """
    if len(entropy) < 10:
        raise ValueError("an identifier takes ten random bytes")
    value = bytearray(ms.to_bytes(6, "big") + entropy[:10])
    value[6] = 0x70 | (value[6] & 0x0F)
    value[8] = 0x80 | (value[8] & 0x3F)
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def seal(entries: Iterable[Entry], head: bytes) -> Iterator[Sealed]:
    """Chain entries one after another from `head`."""
    for entry in entries:
        body = canonical(entry)
        digest = link(head, body)
        yield Sealed(entry.seq, body, head, digest)
        head = digest
