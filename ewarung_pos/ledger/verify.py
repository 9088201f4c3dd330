"""Is this ledger what it says it is? Chain, guards, shape, columns, projections, balances, signatures, reference data.

Read-only, streamed, beside a running till: everything is read in one snapshot. `domain.journal` tells how to do the
same without this program.

Not to be known from the file alone, and why. Somebody who holds the ledger's key holds everything in it, the device's
signing key too, and can write a whole ledger anew. What stops them is what the city signed: its acknowledgements are
checked here, its own copy of the journal at the next contact (HELLO and PUSH answer FORK). So an entry is beyond doubt
once the city has acknowledged it. Until then entries may be altered, or cut off at the end, by who holds the key, and
an older image of the file put in the place of this one looks like this one did then; papers and receipts tell, and the
city as soon as it had seen more. Of the tables beside the journal these say something no entry says: `print_job.tries`,
a copy that is owed and not printed yet, `pin_failure` below the lock, the signature in `attested:` settings, of which
the city holds the original, and the mark of a copy (`engine.is_copy`), whose journal is the original's. None of them
hands out goods or rights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.domain.journal import (
    Entry,
    KioskEnrolled,
    Redeemed,
    Reversed,
    canonical,
    decode,
    genesis,
)
from ewarung_pos.errors import LedgerCorrupt, MigrationFailed
from ewarung_pos.ledger import engine, guards
from ewarung_pos.ledger.engine import LEDGER_FILE, Connection, check_owner, connect, translated
from ewarung_pos.ledger.exported import verify_export
from ewarung_pos.ledger.fold import MOVED, TABLES, Fold
from ewarung_pos.ledger.keys import key_for
from ewarung_pos.ledger.paperwork import Attempts, PrintJobs
from ewarung_pos.ledger.reference import Reference
from ewarung_pos.ledger.shape import misshapen
from ewarung_pos.ledger.signatures import SIGNED, Signatures
from ewarung_pos.ledger.verify_report import MANY, Problem, VerifyReport

__all__ = ["is_export", "verify"]

_ENTRIES = (
    "SELECT seq, payload, prev_hash, hash, id, kind, business_date, instant, family, receipt, reverses "
    "FROM ledger_entry ORDER BY seq"
)
_BESIDE = {"projection": 1, "paperwork": 2, "reference": 2}
"""Problems of what stands beside an entry, and how far from it."""

_ASK_EVERY = 512
_CHAIN = "SELECT seq, payload, prev_hash, hash FROM ledger_entry ORDER BY seq"


def verify(
    path: Path,
    key: bytes | None = None,
    *,
    encrypted: bool = True,
    chain_only: bool = False,
    wanted: Callable[[], bool] = lambda: True,
) -> VerifyReport:
    """Check a data directory, a ledger file or an export; a ledger of an older version too, as it is.

    Args:
        path: the directory, or the file.
        key: 32 raw bytes; None takes the key of the data directory that the file is in (`keys.key_for`).
        encrypted: False for the plain files of benchmarks.
        chain_only: hashes, guards and definitions, but neither the file's structure nor what the entries mean.
        wanted: asked now and then; when nobody wants to know any more, the report says `stopped`.

    Raises:
        ConfigError: no ledger, or no key.
        LedgerKeyWrong: the key does not open it.
        LedgerTooNew: written by a newer version.
        LedgerCorrupt: not a ledger of this product at all; damage inside of one is reported, not raised.
    """
    if path.is_file() and is_export(path):
        return verify_export(path)
    file = path / LEDGER_FILE if path.is_dir() else path
    if encrypted and key is None:
        key = key_for(file).secret
    try:
        connection = connect(file, key if encrypted else None, query_only=True)
    except LedgerCorrupt as error:
        if error.detail != "SQLITE_CORRUPT":
            raise
        return VerifyReport(ok=False, entries=0, head="", problems=(Problem(0, "file", error.detail),))
    try:
        with translated():
            held = check_owner(connection)
        if held == engine.SCHEMA_VERSION:
            return _Verification(connection, wanted, chain_only=chain_only).run()
    finally:
        connection.close()
    return _verify_older(file, key if encrypted else None, held, wanted, chain_only=chain_only)


def _strange(file: Path, key: bytes | None) -> tuple[Problem, ...]:
    """What in a file of an older version is not as that version left it.

    Raises:
        LedgerCorrupt: a page of it is damaged.
        LedgerError, ConfigError: it cannot be read.
    """
    connection = connect(file, key, query_only=True)
    try:
        with translated():
            torn = connection.execute("PRAGMA cipher_integrity_check").fetchone()
            if torn is not None:  # a copy would hold zeros there, and be called something else than damaged
                raise LedgerCorrupt(torn[0])
            wrong, added = misshapen(connection)
    finally:
        connection.close()
    return tuple(Problem(0, "guard" if name in guards.GUARDS else "schema", name) for name in (*wrong, *added))


def _verify_older(
    file: Path, key: bytes | None, held: int, wanted: Callable[[], bool], *, chain_only: bool
) -> VerifyReport:
    """A file of an older version is what its entries say if the till could go on with it: on a copy, here."""
    from ewarung_pos.ledger.forward import brought_forward

    try:
        strange = _strange(file, key)
        if strange:
            return VerifyReport(ok=False, entries=0, head="", schema=held, problems=strange)
        with brought_forward(file, key) as copy:
            connection = connect(copy, key, query_only=True)
            try:
                report = _Verification(connection, wanted, chain_only=chain_only).run()
            finally:
                connection.close()
    except MigrationFailed as error:
        return VerifyReport(
            ok=False, entries=0, head="", schema=held, problems=(Problem(0, "schema", f"{held}: {error.reason}"),)
        )
    except LedgerCorrupt as error:
        return VerifyReport(ok=False, entries=0, head="", schema=held, problems=(Problem(0, "file", error.detail),))
    return msgspec.structs.replace(report, schema=held)


def is_export(path: Path) -> bool:
    """Whether it can be an export: an encrypted ledger begins with 16 random bytes, a plain one has a NUL there."""
    with path.open("rb") as file:
        begin = file.read(16)
    return begin.startswith(b'{"') and all(0x20 <= byte < 0x7F for byte in begin)


class _Verification:
    """One pass over one snapshot."""

    def __init__(self, connection: Connection, wanted: Callable[[], bool], *, chain_only: bool) -> None:
        self._connection = connection
        self._wanted = wanted
        self._chain_only = chain_only
        self._problems: list[Problem] = []
        self._fold = Fold()
        self._moved: dict[str, Iterator[Any]] = {}
        self._off: set[str] = set()
        self._signatures = Signatures(connection.execute)
        self._entries = 0
        self._head = b""

    def run(self) -> VerifyReport:
        """Everything in order, the cheap checks first."""
        self._identity = ("", 0)
        self._acked_seq = 0
        try:
            with translated():
                self._connection.execute("BEGIN")
                try:
                    self._all()
                finally:
                    self._connection.execute("ROLLBACK")
        except LedgerCorrupt as error:
            self._note(0, "file", error.detail)
        except sqlite.Error as error:
            self._note(0, "file", str(error))
        device, epoch = self._identity
        return VerifyReport(
            ok=not self._problems,
            entries=self._entries,
            head=self._head.hex(),
            device=device,
            epoch=epoch,
            acked_seq=self._acked_seq,
            sealed_days=self._signatures.seals,
            first_bad_seq=_first(self._problems),
            problems=tuple(self._problems[:MANY]),
        )

    def _note(self, seq: int, what: str, detail: str = "") -> None:
        self._problems.append(Problem(seq, what, detail))

    def _all(self) -> None:
        wrong, added = misshapen(self._connection)
        for name in (*wrong, *added):
            self._note(0, "schema", name)
        for name in guards.missing(self._connection):
            self._note(0, "guard", name)
        if not self._chain_only:
            # What an index says must be what its table says: the till reads through the one, this through the other.
            for (line,) in self._connection.execute("PRAGMA integrity_check"):
                if line != "ok":
                    self._note(0, "file", line)
        if wrong:
            return  # nothing is where the rest would look for it
        self._versions()
        identity = self._connection.execute("SELECT device, epoch FROM identity").fetchone()
        (self._acked_seq,) = self._connection.execute("SELECT acked_seq FROM city_state").fetchone() or (0,)
        if not self._chain_only:
            self._reference = Reference(self._connection.execute)
            self._jobs = PrintJobs(self._connection.execute)
            self._attempts = Attempts(self._connection.execute)
        if identity is not None:
            self._identity = identity
            self._journal(*identity)
        elif self._connection.execute("SELECT count(*) FROM ledger_entry").fetchone() != (0,):
            self._note(1, "identity", "entries of nobody")
        if not self._chain_only and self._wanted():
            self._totals()
            self._rest()

    def _versions(self) -> None:
        (number,) = self._connection.execute("PRAGMA user_version").fetchone()
        held = self._connection.execute("SELECT version_num FROM alembic_version").fetchall()
        if held != [(f"{number:04d}",)]:
            self._note(0, "schema", "alembic_version")

    # -- entries, one after another ----------------------------------------------------------------------------------

    def _journal(self, device: str, epoch: int) -> None:
        head = genesis(device, epoch)
        expected = 0
        if not self._chain_only:
            self._moved = {table: iter(self._connection.execute(query)) for table, query in MOVED.items()}
            self._next = {table: next(rows, None) for table, rows in self._moved.items()}
        query = _CHAIN if self._chain_only else _ENTRIES
        for seq, payload, prev_hash, digest, *columns in self._connection.execute(query):
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
            if len(self._problems) > MANY:
                break
            if expected % _ASK_EVERY == 0 and not self._wanted():
                self._note(0, "stopped")
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
        rows, broken, undone = self._fold.add(entry)
        self._row(entry, undone, payload, columns, (device, epoch))
        for what in broken:
            self._note(seq, what)
        for table, row in rows:
            self._compare(table, row)
        if type(entry.fact) in SIGNED:
            for at, what, detail in self._signatures.add(entry, prev_hash, (device, epoch)):
                self._note(at, what, detail)
        self._reference.add(entry)
        for table, found in (("print_job", self._jobs.add(entry)), ("attempt", self._attempts.add(entry))):
            for at, detail in found:
                self._note(at, "paperwork", f"{table}: {detail}")

    def _row(
        self, entry: Entry, undone: int | None, payload: bytes, columns: list[Any], identity: tuple[str, int]
    ) -> None:
        """What stands beside the payload, and its form."""
        seq, fact = entry.seq, entry.fact
        # A union would be built anew each time.
        named = [fact.family, fact.receipt] if isinstance(fact, (Redeemed, Reversed)) else [None, None]
        told = [entry.id, type(fact).__name__, entry.date, entry.instant, *named, undone]
        if told != columns:
            self._note(seq, "column")
        if (entry.device, entry.epoch) != identity:
            self._note(seq, "identity")
        if canonical(entry) != payload:
            self._note(seq, "canonical")
        if isinstance(fact, KioskEnrolled) is not (seq == 1):
            self._note(seq, "not_first")

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

    def _rest(self) -> None:
        for table, found in (("print_job", self._jobs.rest()), ("attempt", self._attempts.rest())):
            for seq, detail in found:
                self._note(seq, "paperwork", f"{table}: {detail}")
        for table, (seq, detail) in self._reference.found():
            self._note(seq, "reference", f"{table}: {detail}")


def _first(problems: list[Problem]) -> int | None:
    """A broken entry contradicts what was right before it: the entry is to be named, not what it contradicts."""
    ranked = [(_BESIDE.get(problem.what, 0), problem.seq) for problem in problems if problem.seq]
    return min(ranked)[1] if ranked else None
