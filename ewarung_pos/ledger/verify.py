"""Is this ledger what it says it is? Chain, guards, columns, projections, balances, seals: read-only, streamed.

Works beside a running till: everything is read in one snapshot. `domain.journal` tells how to do the same
without this program.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.domain.journal import (
    CityAcknowledged,
    DayClosed,
    Entry,
    KioskEnrolled,
    Redeemed,
    Reversed,
    canonical,
    decode,
    genesis,
)
from ewarung_pos.errors import LedgerCorrupt
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.engine import LEDGER_FILE, Connection, check_owner, connect, translated
from ewarung_pos.ledger.fold import MOVED, TABLES, Fold
from ewarung_pos.ledger.keys import key_of

__all__ = ["Problem", "VerifyReport", "verify"]

_ENTRIES = (
    "SELECT seq, payload, prev_hash, hash, id, kind, business_date, instant, family, receipt, reverses "
    "FROM ledger_entry ORDER BY seq"
)
_MANY = 50
"""After so many problems the rest would only repeat them."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: at which entry (0: not at one), a stable word, and what exactly.

    Words: file, owner, guard, identity, gap, prev_hash, hash, payload, column, canonical, not_first, overdrawn,
    returned_more, reversed_twice, stock_below_zero, receipt_gap, no_day, acknowledged, seal, projection. Of an export
    also those of docs/ledger-format.md.
    """

    seq: int
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (f"seq {self.seq}" if self.seq else "", self.what, self.detail) if part)


class VerifyReport(msgspec.Struct, frozen=True):
    """What was found. `head` is hex; `first_bad_seq` is None when nothing is wrong with any one entry."""

    ok: bool
    entries: int
    head: str
    device: str = ""
    epoch: int = 0
    acked_seq: int = 0
    sealed_days: int = 0
    first_bad_seq: int | None = None
    problems: tuple[Problem, ...] = ()


def verify(path: Path, key: bytes | None = None, *, encrypted: bool = True, chain_only: bool = False) -> VerifyReport:
    """Check a data directory, a ledger file or an export.

    Args:
        path: the directory, or the file.
        key: 32 raw bytes; None takes the key file beside the ledger.
        encrypted: False for the plain files of benchmarks.
        chain_only: hashes, guards and the file's structure, but not what the entries mean.

    Raises:
        ConfigError: no ledger, or no key.
        LedgerKeyWrong: the key does not open it.
        LedgerTooNew: written by a newer version.
        LedgerCorrupt: not a ledger of this product at all; damage inside of one is reported, not raised.
    """
    if path.is_file() and _is_text(path):
        from ewarung_pos.ledger.exported import verify_export

        return verify_export(path)
    file = path / LEDGER_FILE if path.is_dir() else path
    if encrypted and key is None:
        key = key_of(file.parent).secret
    try:
        connection = connect(file, key if encrypted else None, query_only=True)
    except LedgerCorrupt as error:
        if error.detail != "SQLITE_CORRUPT":
            raise
        return VerifyReport(ok=False, entries=0, head="", problems=(Problem(0, "file", error.detail),))
    try:
        with translated():
            check_owner(connection)
        return _Verification(connection, chain_only=chain_only).run()
    finally:
        connection.close()


def _is_text(path: Path) -> bool:
    """Whether it can be an export: an encrypted ledger begins with 16 random bytes, a plain one has a NUL there."""
    with path.open("rb") as file:
        begin = file.read(16)
    return begin.startswith(b'{"') and all(0x20 <= byte < 0x7F for byte in begin)


class _Verification:
    """One pass over one snapshot."""

    def __init__(self, connection: Connection, *, chain_only: bool) -> None:
        self._connection = connection
        self._chain_only = chain_only
        self._problems: list[Problem] = []
        self._fold = Fold()
        self._moved: dict[str, Iterator[Any]] = {}
        self._off: set[str] = set()
        self._device_key = ""
        self._seals = 0
        self._entries = 0
        self._head = b""

    def run(self) -> VerifyReport:
        """Everything in order, the cheap checks first."""
        device, epoch, acked_seq = "", 0, 0
        try:
            with translated():
                self._connection.execute("BEGIN")
                self._file()
                for name in guards.missing(self._connection):
                    self._note(0, "guard", name)
                identity = self._connection.execute("SELECT device, epoch FROM identity").fetchone()
                (acked_seq,) = self._connection.execute("SELECT acked_seq FROM city_state").fetchone()
                if identity is not None:
                    device, epoch = identity
                    self._journal(device, epoch)
                if not self._chain_only:
                    self._totals()
                self._connection.execute("ROLLBACK")
        except LedgerCorrupt as error:
            self._note(0, "file", error.detail)
        found = [problem.seq for problem in self._problems if problem.seq]
        return VerifyReport(
            ok=not self._problems,
            entries=self._entries,
            head=self._head.hex(),
            device=device,
            epoch=epoch,
            acked_seq=acked_seq,
            sealed_days=self._seals,
            first_bad_seq=min(found, default=None),
            problems=tuple(self._problems[:_MANY]),
        )

    def _note(self, seq: int, what: str, detail: str = "") -> None:
        self._problems.append(Problem(seq, what, detail))

    def _file(self) -> None:
        for (line,) in self._connection.execute("PRAGMA quick_check").fetchall():
            if line != "ok":
                self._note(0, "file", line)

    # -- entries, one after another ----------------------------------------------------------------------------------

    def _journal(self, device: str, epoch: int) -> None:
        head = genesis(device, epoch)
        expected = 0
        if not self._chain_only:
            self._moved = {table: iter(self._connection.execute(query)) for table, query in MOVED.items()}
            self._next = {table: next(rows, None) for table, rows in self._moved.items()}
        for seq, payload, prev_hash, digest, *columns in self._connection.execute(_ENTRIES):
            expected += 1
            if seq != expected:
                self._note(expected, "gap", f"next is {seq}")
                expected = seq
            elif prev_hash != head:
                self._note(seq, "prev_hash")
            if sha256(prev_hash + payload).digest() != digest:
                self._note(seq, "hash")
            head = digest
            if not self._chain_only:
                self._entry(seq, payload, prev_hash, columns, device, epoch)
            if len(self._problems) > _MANY:
                break
        self._entries = expected
        self._head = head

    def _entry(self, seq: int, payload: bytes, prev_hash: bytes, columns: list[Any], device: str, epoch: int) -> None:
        try:
            entry = decode(payload)
        except msgspec.DecodeError as error:
            self._note(seq, "payload", str(error).partition(" - ")[0])
            return
        if entry.seq != seq:
            self._note(seq, "column", "seq")
            entry = msgspec.structs.replace(entry, seq=seq)
        fact = entry.fact
        rows, broken, undone = self._fold.add(entry)
        named = [fact.family, fact.receipt] if isinstance(fact, Redeemed | Reversed) else [None, None]
        told = [entry.id, type(fact).__name__, entry.date, entry.instant, *named, undone]
        if told != columns:
            self._note(seq, "column")
        if entry.device != device or entry.epoch != epoch:
            self._note(seq, "identity")
        if canonical(entry) != payload:
            self._note(seq, "canonical")
        if isinstance(fact, KioskEnrolled) is not (seq == 1):
            self._note(seq, "not_first")
        for what in broken:
            self._note(seq, what)
        for table, row in rows:
            self._compare(table, row)
        match fact:
            case KioskEnrolled():
                self._device_key = fact.device_key
            case DayClosed():
                self._seal(entry, fact, prev_hash)
            case CityAcknowledged():
                self._acknowledged(seq, fact)

    def _compare(self, table: str, row: tuple[Any, ...]) -> None:
        """The next row of a moved table must be this one; after a difference the table is out of step."""
        if table in self._off:
            return
        held = self._next[table]
        if held != row:
            self._off.add(table)
            self._note(row[0] if held is None else min(row[0], held[0]), "projection", table)
        else:
            self._next[table] = next(self._moved[table], None)

    def _acknowledged(self, seq: int, fact: CityAcknowledged) -> None:
        row = self._connection.execute("SELECT hash FROM ledger_entry WHERE seq = ?", (fact.acked_seq,)).fetchone()
        if row is None or row[0].hex() != fact.acked_hash or fact.acked_seq >= seq:
            self._note(fact.acked_seq, "acknowledged", f"the city holds another entry (acknowledged at {seq})")

    def _seal(self, entry: Entry, fact: DayClosed, prev_hash: bytes) -> None:
        """The device's signature over the head before the seal."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        text = f"{entry.device}|{entry.epoch}|{fact.totals.first_seq}|{entry.seq - 1}|{fact.head}"
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self._device_key))
            key.verify(bytes.fromhex(fact.signature), text.encode())
        except (ValueError, InvalidSignature):
            self._note(entry.seq, "seal", "signature")
        if fact.head != prev_hash.hex():
            self._note(entry.seq, "seal", "head")
        self._seals += 1

    # -- totals, when every entry is folded ----------------------------------------------------------------------------

    def _totals(self) -> None:
        for table, row in getattr(self, "_next", {}).items():
            if row is not None and table not in self._off:
                self._note(row[0], "projection", f"{table}: a row that no entry explains")
        for table, query in TABLES.items():
            held = sorted(self._connection.execute(query))
            for told, kept in zip_longest(sorted(self._fold.totals(table)), held):
                if told != kept:
                    self._note(0, "projection", table)
                    break
