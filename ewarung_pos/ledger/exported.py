"""Is this export what it says it is? Read line by line, as docs/ledger-format.md tells a stranger to do it.

What only the past can tell (balances, stock, a day that began earlier) is checked in an export from the first entry on.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, get_args

import msgspec

from ewarung_pos.domain.journal import (
    CityAcknowledged,
    ClockStepped,
    DayClosed,
    Entry,
    Fact,
    KioskEnrolled,
    Redeemed,
    Reversed,
    RightsGranted,
    StateReceived,
    StockAdjusted,
    StockCounted,
    StockReceived,
    Surrendered,
    canonical,
    decode,
    genesis,
    link,
)
from ewarung_pos.domain.redemption import PurseDebit, Tender
from ewarung_pos.domain.rights import grant_text, holder_of
from ewarung_pos.domain.timeline import BACKWARD_TOLERANCE_MS, STEP_TOLERANCE_MS
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import LedgerCorrupt, LedgerTooNew
from ewarung_pos.ledger.day_account import DayAccount
from ewarung_pos.ledger.export import FORMAT, VERSION, Header, Tally, Trailer, trailer_text
from ewarung_pos.ledger.fold import Fold
from ewarung_pos.ledger.verify_report import MANY, Problem, VerifyReport

__all__ = ["verify_export"]

_LINE_BYTES = 8 * 1024 * 1024
"""No entry is near it; what is longer is not read into memory."""

_BEGIN, _BETWEEN, _END = b'{"entry":', b',"hash":"', b'"}\n'
_HEX32 = re.compile(r"[0-9a-f]{64}")
_HEX64 = re.compile(r"[0-9a-f]{128}")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_JSON = msgspec.json.Encoder(order="sorted")


_KINDS = frozenset(kind.__name__ for kind in get_args(Fact))


class _Kind(msgspec.Struct, frozen=True):
    kind: str = ""


class _Loose(msgspec.Struct, frozen=True):
    """As much of an entry as says that it is one of another version."""

    seq: int
    fact: _Kind


class _Named(msgspec.Struct, frozen=True):
    """As much of a first line as says what it is."""

    format: str = ""
    version: int = 0


def verify_export(path: Path) -> VerifyReport:
    """Check an export.

    Raises:
        LedgerCorrupt: not an export (`foreign`).
        LedgerTooNew: of a format that this version does not know.
    """
    with path.open("rb") as file:
        line = file.readline(_LINE_BYTES)
        try:
            named = msgspec.json.decode(line, type=_Named)
        except _UNREADABLE as error:
            raise LedgerCorrupt(path.name, reason="foreign") from error
        if named.format != FORMAT:
            raise LedgerCorrupt(path.name, reason="foreign")
        if named.version > VERSION:
            raise LedgerTooNew(f"export {named.version}, this version knows {VERSION}")
        try:
            header = msgspec.json.decode(line, type=Header)
        except _UNREADABLE as error:
            return _unusable(str(error).partition(" - ")[0])
        if header.version != VERSION:
            return _unusable(f"version {header.version}")
        words = (header.device_key, header.city_key, header.prev_hash)
        if not all(map(_HEX32.fullmatch, words)) or header.first_seq < 1:
            return _unusable("a key, a hash or a number")
        return _Check(header, line).run(file)


def _unusable(detail: str) -> VerifyReport:
    """Without its header nothing else of a file can be checked."""
    return VerifyReport(ok=False, entries=0, head="", problems=(Problem(0, "header", detail),))


class _Check:
    """One pass over one file."""

    def __init__(self, header: Header, line: bytes) -> None:
        self._problems: list[Problem] = []
        self._header = header
        self._whole = header.first_seq == 1
        self._canonical_header = _JSON.encode(header) + b"\n" == line
        self._digest = sha256(line)
        self._before = bytes.fromhex(self._header.prev_hash)
        self._head: bytes | None = self._before
        self._hashes = {header.first_seq - 1: self._before}
        self._expected = self._header.first_seq
        self._ids: set[str] = set()
        self._receipt: int | None = 0 if self._whole else None
        self._clock: tuple[int, int, str] | None = None
        self._redeemed: dict[str, Redeemed] = {}
        self._units: dict[tuple[str, str, str, str], Unit] = {}
        self._fold = Fold()
        self._day = DayAccount(whole=self._whole)
        self._tally = Tally()
        self._acked = 0
        self._seals = 0

    def run(self, file: BinaryIO) -> VerifyReport:
        """Every line, then what they add up to."""
        if self._whole and self._before != genesis(self._header.device, self._header.epoch):
            self._note(0, "header", "the first entry follows another seed")
        if not self._canonical_header:
            self._note(0, "header", "not canonical")
        held: bytes | None = None
        while len(self._problems) <= MANY and (line := file.readline(_LINE_BYTES)):
            if held is not None:
                self._entry_line(held)
                self._digest.update(held)
            held = line
        self._trailer(held or b"")
        found = [problem.seq for problem in self._problems if problem.seq]
        return VerifyReport(
            ok=not self._problems,
            entries=self._tally.entries,
            head=self._head.hex() if self._head else "",
            device=self._header.device,
            epoch=self._header.epoch,
            acked_seq=self._acked,
            sealed_days=self._seals,
            first_bad_seq=min(found, default=None),
            problems=tuple(self._problems[:MANY]),
        )

    def _note(self, seq: int, what: str, detail: str = "") -> None:
        self._problems.append(Problem(seq, what, detail))

    # -- entries -----------------------------------------------------------------------------------------------------

    def _entry_line(self, line: bytes) -> None:
        end = len(line) - len(_END) - 64
        told = line[end:-3].decode("latin-1")
        middle = end - len(_BETWEEN)
        framed = line.startswith(_BEGIN) and line.endswith(_END) and line[middle:end] == _BETWEEN
        if not framed or not _HEX32.fullmatch(told):
            self._note(self._expected, "payload", "not the line of an entry")
            self._step(self._expected, None)
            return
        body, digest = line[len(_BEGIN) : middle], bytes.fromhex(told)
        try:
            entry = decode(body)
        except _UNREADABLE as error:
            self._unread(body, digest, str(error).partition(" - ")[0])
            return
        self._linked(entry.seq, body, digest)
        if canonical(entry) != body:
            self._note(entry.seq, "canonical")
        for what in self._wrong_with(entry, body):
            self._note(entry.seq, what)
        self._step(entry.seq, digest)

    def _unread(self, body: bytes, digest: bytes, detail: str) -> None:
        """Neither an entry nor of a kind that this version knows."""
        try:
            said = msgspec.json.decode(body, type=_Loose)
        except _UNREADABLE:
            said = _Loose(self._expected, _Kind())
        self._linked(said.seq, body, digest)
        if said.fact.kind:
            self._tally.count(said.fact.kind)
        known = said.fact.kind in {"", *_KINDS}
        self._note(said.seq, "payload" if known else "kind", detail if known else said.fact.kind)
        self._step(said.seq, digest)

    def _linked(self, seq: int, body: bytes, digest: bytes) -> None:
        if seq != self._expected:
            self._note(self._expected, "gap", f"next is {seq}")
            self._head = None  # what is missing cannot be hashed
        if self._head is not None and link(self._head, body) != digest:
            self._note(seq, "hash")

    def _step(self, seq: int, digest: bytes | None) -> None:
        self._head = digest
        if digest is not None:
            self._hashes.setdefault(seq, digest)
        self._expected = seq + 1

    def _wrong_with(self, entry: Entry, body: bytes) -> list[str]:
        fact = entry.fact
        found = []
        if (entry.device, entry.epoch) != (self._header.device, self._header.epoch):
            found.append("identity")
        if isinstance(fact, KioskEnrolled) is not (entry.seq == 1):
            found.append("not_first")
        if entry.id in self._ids:
            found.append("duplicate_id")
        self._ids.add(entry.id)
        found += self._clock_of(entry)
        found += self._receipts(fact)
        if self._whole:
            found += self._booked(fact)
            found += [word for word in self._fold.add(entry)[1] if word not in {"no_day", "receipt_gap"}]
            undone = self._undone(entry)
            found += undone if not {"reversed_twice", "returned_more"} & set(found) else []
        found += _amounts(fact) + self._other_unit(entry)
        found += self._day.add(entry)
        match fact:
            case KioskEnrolled():
                if (fact.device_key, fact.city_key) != (self._header.device_key, self._header.city_key):
                    self._note(0, "header", "other keys than the first entry names")
            case DayClosed():
                found += self._seal(entry, fact)
            case CityAcknowledged():
                found += self._acknowledged(entry, fact)
            case RightsGranted():
                who = (entry.device, entry.epoch, fact.request, fact.serial, fact.family)
                text = grant_text(*who, fact.leases, home=fact.home)
                found += [] if _signed_by(self._header.city_key, text, fact.signature) else ["grant_signature"]
        self._tally.add(fact)
        return list(dict.fromkeys(found))

    def _clock_of(self, entry: Entry) -> list[str]:
        before, self._clock = self._clock, (entry.instant, entry.monotonic, entry.boot)
        if before is None:
            return []
        wall, ticked = entry.instant - before[0], entry.monotonic - before[1]
        same_boot, stepped = entry.boot == before[2], isinstance(entry.fact, ClockStepped)
        if same_boot and ticked < 0:
            return ["clock"]  # a step is of the wall clock; this one only runs forward
        moved = abs(wall - ticked) > STEP_TOLERANCE_MS if same_boot else wall < -BACKWARD_TOLERANCE_MS
        return ["clock"] if moved and not stepped else []

    def _receipts(self, fact: object) -> list[str]:
        if not isinstance(fact, Redeemed | Reversed):
            return []
        before, self._receipt = self._receipt, fact.receipt
        return ["receipt_gap"] if before is not None and fact.receipt != before + 1 else []

    def _booked(self, fact: object) -> list[str]:
        """A count stands beside the book of that moment."""
        if not isinstance(fact, StockCounted | StockAdjusted):
            return []
        book: dict[str, int] = dict(self._fold.totals("stock"))
        return ["booked"] if any(line.booked != book.get(line.product, 0) for line in fact.lines) else []

    def _undone(self, entry: Entry) -> list[str]:
        """A counter-entry repeats what it undoes, on the same business day."""
        fact = entry.fact
        match fact:
            case Redeemed():
                self._redeemed[entry.id] = fact
            case DayClosed():
                self._redeemed.clear()
            case Reversed():
                held = self._redeemed.pop(fact.original, None)
                told = (fact.original_receipt, fact.family, fact.lines, fact.debits)
                if held is None or (held.receipt, held.family, held.lines, held.debits) != told:
                    return ["reversal"]
                paid = held.purse.amount if held.purse else 0
                return ["reversal"] if fact.void is not None and fact.void.amount > paid else []
        return []

    def _other_unit(self, entry: Entry) -> list[str]:
        """A lease that is granted has the unit in which it first stood in the file."""
        fact, other = entry.fact, False
        match fact:
            case StateReceived() | RightsGranted() | Surrendered():
                for lease in fact.leases:
                    key = (lease.family, lease.programme, lease.period, lease.commodity)
                    other |= self._units.setdefault(key, lease.unit) is not lease.unit
            case Redeemed() | Reversed():
                for debit in fact.debits:
                    holder = holder_of(fact.family, debit.programme, entry.device)
                    self._units.setdefault((holder, debit.programme, debit.period, debit.commodity), debit.unit)
        return ["amount"] if other and not isinstance(fact, Surrendered) else []

    # -- signatures --------------------------------------------------------------------------------------------------

    def _seal(self, entry: Entry, fact: DayClosed) -> list[str]:
        """The device's signature over the head that the seal follows."""
        self._seals += 1
        text = f"{entry.device}|{entry.epoch}|{fact.totals.first_seq}|{entry.seq - 1}|{fact.head}"
        before = self._hashes.get(entry.seq - 1)
        sound = _signed_by(self._header.device_key, text, fact.signature)
        found = [] if sound and (before is None or fact.head == before.hex()) else ["seal"]
        edc = fact.edc
        unexplained = edc is not None and edc.amount != fact.totals.purse and not edc.explanation.strip()
        return [*found, "edc"] if unexplained else found

    def _acknowledged(self, entry: Entry, fact: CityAcknowledged) -> list[str]:
        self._acked = max(self._acked, fact.acked_seq)
        flags = ",".join(f"{seq}:{flag}" for seq, flag in fact.flagged)
        text = f"ack|{entry.device}|{entry.epoch}|{fact.acked_seq}|{fact.acked_hash}|{fact.server_ms}|{flags}"
        held = self._hashes.get(fact.acked_seq)
        if fact.acked_seq >= entry.seq or (held is not None and held.hex() != fact.acked_hash):
            at = min(fact.acked_seq, entry.seq)
            self._note(at, "acknowledged", f"the city holds another entry (acknowledged at {entry.seq})")
        return [] if _signed_by(self._header.city_key, text, fact.signature) else ["ack_signature"]

    # -- the last line -----------------------------------------------------------------------------------------------

    def _trailer(self, line: bytes) -> None:
        try:
            told = msgspec.json.decode(line, type=Trailer)
        except _UNREADABLE:
            if line.startswith(_BEGIN):
                self._entry_line(line)
            self._note(0, "trailer", "the file ends without one")
            return
        if _JSON.encode(told) + b"\n" != line:
            self._note(0, "trailer", "not canonical")
        head = self._head.hex() if self._head is not None else ""
        ours = self._tally.trailer(self._digest.hexdigest(), self._expected - 1, head, told.signature)
        for name in Trailer.__struct_fields__:
            if getattr(told, name) != getattr(ours, name):
                self._note(0, "trailer", name)
        if not _signed_by(
            self._header.device_key, trailer_text(self._header, told.last_seq, told.head), told.signature
        ):
            self._note(0, "trailer", "signature")


def _amounts(fact: object) -> list[str]:
    """Nothing, and less than nothing, is neither granted nor handed out; what is taken are the rights to the goods."""
    match fact:
        case StateReceived() | RightsGranted():
            return ["amount"] if any(lease.granted < 0 for lease in fact.leases) else []
        case StockReceived():
            return ["amount"] if any(line.packs == 0 for line in fact.lines) else []
        case Redeemed():
            found = ["amount"] if _nothing(fact, fact.purse) else []
            return [*found, "debits"] if _rights(fact) else found
        case Reversed():
            return ["amount"] if _nothing(fact, fact.void) else []
        case _:
            return []


def _nothing(fact: Redeemed | Reversed, purse: PurseDebit | None) -> bool:
    """Whether something of it is nothing at all; less than nothing is no amount that can be read (`bounds.Count`)."""
    moved = [min(line.packs, line.amount) for line in fact.lines] + [debit.amount for debit in fact.debits]
    return 0 in (*moved, purse.amount if purse is not None else None)


def _rights(fact: Redeemed) -> bool:
    """Whether goods handed out as ration and rights taken differ."""
    sums: dict[tuple[str, str, str], int] = {}
    for line in fact.lines:
        if line.tender is Tender.RATION:
            key = (line.programme, line.commodity, line.unit.value)
            sums[key] = sums.get(key, 0) + line.amount
    for debit in fact.debits:
        key = (debit.programme, debit.commodity, debit.unit.value)
        sums[key] = sums.get(key, 0) - debit.amount
    return any(sums.values())


def _signed_by(key: str, text: str | bytes, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not _HEX64.fullmatch(signature):
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), text.encode() if isinstance(text, str) else text)
    except (ValueError, InvalidSignature):
        return False
    return True
