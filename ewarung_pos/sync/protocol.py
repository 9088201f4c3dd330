"""The messages between kiosk and city, shared by both ends: what travels, how much of it, and what gets signed.

A message is JSON. Journal entries travel as their own canonical bytes inside it, so that hashes can be computed again
at the other end. Totals travel, never differences (rights are leases), so a message may be lost, doubled or late.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec

from ewarung_pos.domain.bounds import EXACT, Code, Count, Whole
from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import Family
from ewarung_pos.domain.journal import ack_text
from ewarung_pos.domain.rights import grant_text
from ewarung_pos.domain.state import StatePage

__all__ = [
    "BATCH_BYTES",
    "BATCH_ENTRIES",
    "CLOCK_TOLERANCE_S",
    "MESSAGE_BYTES",
    "NONCE_HEADER",
    "PAGE_BYTES",
    "PROBLEM_TYPE",
    "SCHEMA",
    "Ack",
    "Attest",
    "Enrol",
    "EnrolPending",
    "Enrolled",
    "Flag",
    "Grant",
    "GrantOutcome",
    "GrantRequest",
    "Hello",
    "Mode",
    "Outcome",
    "Problem",
    "Push",
    "Quarantine",
    "StatePage",
    "Welcome",
    "ack_text",
    "attest_text",
    "batch_text",
    "decode",
    "encode",
    "grant_text",
    "totals_digest",
]

SCHEMA = 1
"""Version of these messages; HELLO says it, and a city that does not know it answers `schema`."""

BATCH_ENTRIES = 500
BATCH_BYTES = 256 * 1024
"""At most so much of a journal in one PUSH, before compression."""

PAGE_BYTES = 240 * 1024
"""A page of state stays below BATCH_BYTES as an entry too: the till journals the rights it brought."""

MESSAGE_BYTES = 640 * 1024
"""No message is larger, compressed or not: a batch with its frame has room, a decompression bomb has not."""

CLOCK_TOLERANCE_S = 300
"""`created` further off than this: entries are taken and flagged, everything else waits for a right clock."""

NONCE_HEADER = "Ewarung-Nonce"
"""An answer repeats the request's nonce here, and its signature covers it."""

PROBLEM_TYPE = "application/problem+json"

T = TypeVar("T")

# `$` alone would let a line's end through after the last character; so the length is said too, or what follows.
_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
_Hex64 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$", max_length=128)]
_Hash = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$", max_length=64)]
"""Of an entry; empty before the first."""
_Life = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{32})?$", max_length=32)]
"""Of the city (`recovery.LIFE`); empty before it was ever put back from a copy."""
_Short = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$", max_length=200)]
"""Not with the one character that PostgreSQL cannot keep in a text."""
_CodeId = Annotated[str, msgspec.Meta(pattern="^[0-9A-HJKMNP-TV-Z]{4}$", max_length=4)]
"""The public part of an enrolment code, `signing.code_secret`."""
_Device = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,32}(?![\s\S])", max_length=32)]
_Request = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,40}(?![\s\S])", max_length=40)]
_Month = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])(?![\s\S])", max_length=7)]
_Epoch = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Outcome(StrEnum):
    """What became of a batch. Facts are kept whatever the outcome."""

    ACCEPTED = "ACCEPTED"
    FORK = "FORK"
    QUARANTINED = "QUARANTINED"


class Quarantine(StrEnum):
    """Why a batch, or the rest of it, was put aside."""

    GAP = "GAP"
    HASH = "HASH"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNKNOWN_EPOCH = "UNKNOWN_EPOCH"
    BAD_ENTRY = "BAD_ENTRY"


class Flag(StrEnum):
    """Why an entry that was taken opened a case: the goods have left, a person looks at it.

    BAD_REVERSAL: a counter-entry to what is unknown, undone before, of another day or not what it repeats; no right
    goes back by it. LINES_DIFFER: the goods are not those that the rights or the purse paid for. RECEIPT_GAP: receipts
    are numbered without gaps, and this one does not follow. UNREADABLE: no total and no balance moves by it, because
    this version cannot read it or no such figure can be. SLIP_DISPUTED: the EDC named another debit with the references
    of a slip that people had claimed. OTHER_DEBIT: by its slip the EDC debited another card or amount, which the bank
    has to give back; OTHER_DEBIT_VOIDED: the same, and people say that they voided it at the EDC. EDC_DIFFERS: at the
    close the EDC's total is another one than the kiosk's, explained or not, or there is none although purses were
    debited. HARDSHIP: taken from the kiosk's pool, to be reconciled with the family's rights; NO_LEADER_WORD: the same,
    and no leader allowed just this before it.
    """

    OVER_LEASE = "OVER_LEASE"
    UNKNOWN_CARD = "UNKNOWN_CARD"
    REVOKED_LATER = "REVOKED_LATER"
    CLOCK_SKEW = "CLOCK_SKEW"
    PRICE_MISMATCH = "PRICE_MISMATCH"
    DUPLICATE_UID = "DUPLICATE_UID"
    DAY_DIFFERS = "DAY_DIFFERS"
    UNKNOWN_GRANT = "UNKNOWN_GRANT"
    UNREADABLE = "UNREADABLE"
    BAD_REVERSAL = "BAD_REVERSAL"
    LINES_DIFFER = "LINES_DIFFER"
    RECEIPT_GAP = "RECEIPT_GAP"
    SLIP_DISPUTED = "SLIP_DISPUTED"
    OTHER_DEBIT = "OTHER_DEBIT"
    OTHER_DEBIT_VOIDED = "OTHER_DEBIT_VOIDED"
    EDC_DIFFERS = "EDC_DIFFERS"
    HARDSHIP = "HARDSHIP"
    NO_LEADER_WORD = "NO_LEADER_WORD"


class Mode(StrEnum):
    """What the city lets a kiosk do: UPLOAD_ONLY gives no new rights until a person decided."""

    NORMAL = "normal"
    UPLOAD_ONLY = "upload_only"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem document; `reason` is a stable short word."""

    status: int
    title: str
    reason: str
    detail: str = ""
    type: str = "about:blank"


class Enrol(msgspec.Struct, frozen=True):
    """A kiosk asks to be taken in: `proof` is HMAC-SHA-256 (hex) under the code over both public keys (hex).

    `device`, if it is not empty, is the kiosk that this machine was: a code of another is refused, and stays unused.
    """

    code_id: _CodeId
    proof: _Hex32
    device_key: _Hex32
    wrap_key: _Hex32
    app_version: _Short
    host: _Short = ""
    device: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9-]{1,32})?(?![\s\S])", max_length=32)] = ""


class EnrolPending(msgspec.Struct, frozen=True):
    """A person at the city compares the six digits first; the same ENROL is sent again until then."""

    city_key: _Hex32
    proof: _Hex32


class Enrolled(msgspec.Struct, frozen=True):
    """Taken in. `proof` is HMAC-SHA-256 under the code over everything else, so that no third party can answer.

    `card_key` is wrapped to the kiosk's X25519 key (`signing.wrap`); `cursor` is where PULL begins.
    """

    device: _Device
    epoch: _Epoch
    name: str
    kelurahan_code: str
    kelurahan: str
    practice: bool
    city_key: _Hex32
    next_key: str
    card_key: str
    cursor: Count
    server_ms: Whole
    proof: str = ""


class Hello(msgspec.Struct, frozen=True):
    """Where the kiosk's journal ends, and what it believes the city holds.

    `ack_ms`, `ack_flagged` and `ack_signature` (hex) are of the city's own acknowledgement of `acked_seq`: without them
    a city that holds less believes nothing of it. `recovery` repeats the question of a WELCOME; `life` is the newest
    life of the city that it has heard of, by which a copy of an earlier one that was put back again shows itself.
    """

    device: _Device
    epoch: _Epoch
    head_seq: Count
    head_hash: _Hex32
    acked_seq: Count
    acked_hash: _Hash
    cursor: Count
    schema: Count
    app_version: _Short
    wall_ms: Whole
    monotonic_ms: Whole
    boot: _Short
    ack_ms: Whole = 0
    ack_flagged: Annotated[tuple[tuple[Count, _Short], ...], msgspec.Meta(max_length=len(Flag) * BATCH_ENTRIES)] = ()
    ack_signature: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{128})?$", max_length=128)] = ""
    recovery: _Short = ""
    life: _Life = ""


class Welcome(msgspec.Struct, frozen=True):
    """Where the city's copy of the journal ends, and what the kiosk may do.

    `recovery` is the question of a city whose database was restored from a copy: the kiosk greets again at once and
    repeats it, so that the city knows how far to read before it grants anything; it is asked until that is read.
    `life` is as in a page: what an earlier life of the city gave is taken no more. `heard` repeats the life of the
    HELLO that this answers: a kiosk that has moved on since takes `life` for old news. `upgrade` is the oldest
    version of the till that the city supports, empty for any: an older till says so to its operator, and serves on.
    None says nothing of it.
    """

    acked_seq: Count
    acked_hash: _Hash
    cursor: Count
    server_ms: Whole
    mode: Mode = Mode.NORMAL
    reason: str = ""
    recovery: str = ""
    life: str = ""
    heard: str = ""
    upgrade: str | None = None


class Push(msgspec.Struct, frozen=True):
    """A run of the journal. `entries` are canonical bodies; the signature (hex) is over `batch_text`."""

    device: _Device
    epoch: _Epoch
    first_seq: Annotated[int, msgspec.Meta(ge=1, le=EXACT)]
    prev_hash: _Hex32
    entries: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1, max_length=BATCH_ENTRIES)]
    head_hash: _Hex32
    signature: _Hex64

    @property
    def last_seq(self) -> int:
        """Place of the last entry."""
        return self.first_seq + len(self.entries) - 1


class Ack(msgspec.Struct, frozen=True):
    """The city holds everything up to `acked_seq`, durably. `signature` (hex) is the city's over `ack_text`.

    `bad_seq` is the first entry of the batch that was not taken, 0 when all were.
    """

    outcome: Outcome
    acked_seq: Count
    acked_hash: _Hash
    server_ms: Whole
    flagged: tuple[tuple[Count, str], ...] = ()
    reason: str = ""
    bad_seq: Count = 0
    signature: str = ""


class Attest(msgspec.Struct, frozen=True):
    """The operator's proof that a day arrived: its place in the chain and the city's own totals of it.

    `first_seq`..`last_seq` end before the seal; `head` is the hash that the seal followed. `differs` names the figures
    in which the kiosk's seal says something else. `signature` (hex) is the city's over `attest_text`.
    """

    device: _Device
    epoch: _Epoch
    date: str
    first_seq: Count
    last_seq: Count
    head: str
    totals: DayTotals
    differs: tuple[str, ...]
    server_ms: Whole
    signature: str = ""


class GrantRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A kiosk asks for rights to serve whose card is on its counter.

    The same `request` is asked again as often as the kiosk likes, and granted at most once. `card` is the card's keyed
    reference: who asks has seen it. `commodity` empty asks for all that is left of every one; else `need` is so much
    more of that one, in base units, 0 all that is left. `home` says that the family chose this kiosk as its home.
    `withdraw`: nobody waits for it any more. `acked_seq` and `acked_hash`: the last entry that both ends were found to
    share; nothing is given to a journal that may be an older one than the city's.
    """

    device: _Device
    epoch: _Epoch
    request: _Request
    card: _Hex32
    period: _Month
    commodity: Code = ""
    need: Count = 0
    home: bool = False
    withdraw: bool = False
    acked_seq: Count | None = None
    acked_hash: _Hash = ""


class GrantOutcome(StrEnum):
    """GRANTED: signed totals. WAITING: another kiosk was asked to surrender; ask again. NOTHING: `reason` says why."""

    GRANTED = "GRANTED"
    WAITING = "WAITING"
    NOTHING = "NOTHING"


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a GrantRequest.

    Granted: `leases` are the new totals G of this kiosk, `serial` their place in its feed, `signature` (hex) the city's
    over `grant_text`. `home` repeats that this kiosk is the family's home now. Otherwise `kiosk` names who is waited
    for or who holds it. `reason`: unknown_card, card_blocked, holder_deceased, family_moved, no_ration, exhausted,
    elsewhere (granted to another counter a moment ago), frozen (with a lost kiosk), recovery, doubt, period, withdrawn.
    """

    request: str
    outcome: GrantOutcome
    serial: Count = 0
    family: Family | None = None
    leases: tuple[LeaseGrant, ...] = ()
    home: bool = False
    signature: str = ""
    reason: str = ""
    kiosk: str = ""


def batch_text(device: str, epoch: int, first_seq: int, last_seq: int, head: str) -> bytes:
    """What the device signs on each batch (hex head)."""
    return f"{device}|{epoch}|{first_seq}|{last_seq}|{head}".encode()


def attest_text(attest: Attest) -> bytes:
    """What the city signs when it attests a day."""
    span = f"{attest.first_seq}|{attest.last_seq}|{attest.head}"
    said = f"{totals_digest(attest.totals)}|{','.join(attest.differs)}|{attest.server_ms}"
    return f"attest|{attest.device}|{attest.epoch}|{attest.date}|{span}|{said}".encode()


def totals_digest(totals: DayTotals) -> str:
    """SHA-256 (hex) of the totals' canonical JSON."""
    return hashlib.sha256(encode(totals)).hexdigest()


_ENCODER = msgspec.json.Encoder(order="sorted")


def encode(message: object) -> bytes:
    """A message as it travels: keys sorted, so that equal messages are equal bytes."""
    return _ENCODER.encode(message)


def decode(body: bytes, kind: type[T]) -> T:
    """The message of this kind in these bytes, whoever sent them.

    Raises:
        msgspec.MsgspecError: it is none, or not JSON.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:  # what msgspec lets through of bytes that are not JSON
        raise msgspec.DecodeError("not JSON") from error
