"""The ledger as one file with one writer: open it, write in units of work, read in snapshots, close it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING

from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerError
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.catalogue_cache import CatalogueCache
from ewarung_pos.ledger.engine import (
    CHECKED_FILE,
    LEDGER_FILE,
    SCHEMA_VERSION,
    Connection,
    check_owner,
    connect,
    is_copy,
    known,
    protect,
    translated,
)
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from ewarung_pos.ledger.placement import refuse_network_share, refuse_other_names
from ewarung_pos.ledger.queries import Execute, Queries
from ewarung_pos.ledger.readers import Readers
from ewarung_pos.ledger.shape import misshapen
from ewarung_pos.ledger.tip import Tip, load_tip
from ewarung_pos.ledger.unit_of_work import SqlUnitOfWork
from ewarung_pos.ports import Clock

if TYPE_CHECKING:
    from ewarung_pos.ledger.backup import Backup

__all__ = ["CHECKPOINT_AFTER", "LEDGER_FILE", "SqlLedger", "open_ledger"]

_DAY_MS = 86_400_000

CHECKPOINT_AFTER = 24
"""Units of work before a checkpoint is worth its waits for the disk; SQLite's own comes after some 60."""

_AND_BACK = (
    "UPDATE city_state SET acked_seq = acked_seq + 1 WHERE id = 1",
    "UPDATE city_state SET acked_seq = acked_seq - 1 WHERE id = 1",
)
"""Changes nothing, and yet a page is written: SQLite would leave out an update that finds everything as it is."""


def open_ledger(data_dir: Path, key: bytes, clock: Clock, *, create: bool = False, encrypted: bool = True) -> SqlLedger:
    """Open the ledger of this directory, for this process alone.

    An older schema is brought up to date first, on a copy. Nothing is ever recreated.

    Args:
        data_dir: where `ledger.db` is.
        key: 32 raw bytes (`keys.key_of`).
        clock: time and identifiers of new entries.
        create: make an empty ledger if there is none.
        encrypted: False leaves the pages plain, for benchmarks only.

    Raises:
        LedgerBusy: another instance has it.
        LedgerKeyWrong: the key does not open it.
        LedgerCorrupt: not a ledger of this product, or damaged.
        LedgerTooNew: written by a newer version.
        MigrationFailed: an older schema could not be brought up to date; the old file is in place.
        LedgerFull: no room to create or upgrade it.
        LedgerError: a copy (`copy`): it may be older than what was handed out, and serves nobody any more.
        ConfigError: no ledger, or a directory that cannot be used; one on a network share (`network_share`) among them,
            or a ledger that has another name elsewhere (`ledger_link`).
    """
    refuse_network_share(data_dir)
    path = data_dir / LEDGER_FILE
    refuse_other_names(path)
    secret = key if encrypted else None
    lock = InstanceLock(data_dir / LOCK_FILE)
    try:
        if create and not path.exists():
            from ewarung_pos.ledger import migrate

            migrate.create(path, secret)
        return SqlLedger(path, secret, clock, lock)
    except BaseException:
        lock.release()
        raise


class SqlLedger:
    """`ports.Ledger`: one writing connection for all lanes, and readers that never wait for it.

    Made by `open_ledger`, which takes the lock.
    """

    def __init__(self, path: Path, key: bytes | None, clock: Clock, lock: InstanceLock) -> None:
        self._path = path
        self._key = key
        self._clock = clock
        self._lock = lock
        self._turn = RLock()
        self._unit: SqlUnitOfWork | None = None
        self._logged = 0
        self._stopped_unclean = _log_left(path)
        self._catalogue = CatalogueCache()
        self._writer: Connection | None
        self._writer, self._tip = _writer(path, key)
        self._readers = Readers(path, key)
        self._reader = _Reader(self, self._catalogue)

    def write(self) -> AbstractContextManager[SqlUnitOfWork]:
        """A unit of work; waits for the one before it, in whichever lane.

        Raises:
            LedgerFull: no room; nothing happened.
            LedgerBusy: another program holds it, or has written to it (`second`); nothing happened.
            LedgerError: an I/O error. `not_written`: nothing happened, and that is certain. `io`: it is not known if it
                did: an entry's id tells when the file is read anew (the disk still fails), and of a unit without an
                entry nothing does.
        """
        return _Writing(self)

    def read(self) -> Queries:
        """Reader of committed state; never waits for a writer."""
        return self._reader

    def checkpoint(self) -> None:
        """Bring the write-ahead log home once it has grown, and begin it anew; a busy reader only makes it do less.

        The commit that begins a log waits for the disk twice: here nobody waits for it.

        Raises:
            LedgerFull, LedgerError: the disk; what was committed stays in the log.
            LedgerBusy: another program runs on this ledger (`second`), for the lock's file was taken away.
        """
        with self._turn:
            self._lock.renew()
            if self._logged < CHECKPOINT_AFTER:
                return
            try:
                with translated():
                    connection = self._connection()
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                    _commit_nothing(connection)
            except (LedgerError, ConfigError):
                self._drop_writer()
                raise
            self._logged = 0

    def audit(self, wanted: Callable[[], bool]) -> bool:
        """Verify everything, if the till was not closed in order last time or the last time is a day ago.

        Reads on a connection of its own, in one snapshot, while the till goes on.

        Args:
            wanted: asked now and then; ends it early, and it stays due.

        Returns:
            Whether it was done.

        Raises:
            LedgerCorrupt: the ledger does not verify (`verify`); it stays due.
            LedgerBusy: another program runs on this ledger (`second`).
            ConfigError, LedgerError: the disk.
        """
        from ewarung_pos.ledger.verify import verify

        with self._turn:
            self._lock.renew()
        checked = self._path.with_name(CHECKED_FILE)
        now = self._clock.now().wall.ms
        if not self._stopped_unclean and abs(now - _read_ms(checked)) < _DAY_MS:
            return False
        report = verify(self._path, self._key, encrypted=self._key is not None, wanted=wanted)
        if not wanted():
            return False
        if not report.ok:
            with suppress(OSError):
                checked.unlink()
            raise LedgerCorrupt("; ".join(map(str, report.problems)), reason="verify")
        try:
            checked.write_text(str(now), encoding="ascii")
        except OSError as error:
            raise ConfigError(f"{checked.name}: {error.strerror}", reason="data_dir") from error
        self._stopped_unclean = False
        return True

    def back_up(self, directory: Path) -> Backup:
        """A verified copy in another directory, while the till goes on: of what is committed now.

        Raises:
            ConfigError: the directory cannot be used.
            LedgerFull: no room there.
            LedgerCorrupt: this ledger does not verify.
        """
        from ewarung_pos.ledger import backup

        return backup.back_up(self._path, self._key, directory)

    def close(self) -> None:
        """Close every connection, the writer last, and let the next instance in. May be called twice."""
        with self._turn:
            self._readers.close()
            self._drop_writer()
            self._lock.release()

    # -- for the units of work and the reader --------------------------------------------------------------------------

    def _connection(self) -> Connection:
        """The writing connection; opened anew, and the tip with it, after an I/O error made the old one doubtful."""
        if not self._lock.held:
            raise LedgerError("the ledger is closed", reason="closed")
        if self._writer is None:
            self._writer, self._tip = _writer(self._path, self._key)
        return self._writer

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _begin(self) -> SqlUnitOfWork:
        self._turn.acquire()
        try:
            if self._unit is not None:
                msg = "units of work do not nest"
                raise RuntimeError(msg)
            connection = self._connection()
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite.Error as error:
                raise known(error) from error
            unit = SqlUnitOfWork(connection, self._tip, self._clock, self._catalogue)
            self._watch_clock(unit)
            self._unit = unit
            return unit
        except BaseException:
            self._turn.release()
            raise

    def _watch_clock(self, unit: SqlUnitOfWork) -> None:
        try:
            unit.watch_clock()
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite.Error):
                raise known(error) from error
            raise

    def _end(self, *, commit: bool) -> None:
        unit, self._unit = self._unit, None
        try:
            if unit is None or self._writer is None:  # closed within its own unit of work: SQLite rolled back
                return
            if not commit or unit.spoiled:
                self._roll_back()
            else:
                self._commit(unit)
        finally:
            self._turn.release()
        if commit and unit.spoiled:
            msg = "an append failed and its error was caught: nothing was committed"
            raise RuntimeError(msg)

    def _commit(self, unit: SqlUnitOfWork) -> None:
        before = self._tip.seq
        try:
            unit.execute("COMMIT")
        except sqlite.Error as error:
            failure = known(error)
            if not (isinstance(failure, LedgerError) and failure.reason == "io"):
                self._roll_back()
                raise failure from error
            self._drop_writer()
            if not self._settled(unit.tip, before):
                certain = unit.tip.seq > before
                raise LedgerError(failure.detail, reason="not_written" if certain else "io") from error
        self._tip = unit.tip
        self._logged += 1

    def _settled(self, meant: Tip, before: int) -> bool:
        """Whether a COMMIT that failed happened; and see to it that it stays so, whatever becomes of this process.

        Of a unit without an entry nothing tells: it may be there although this says False.

        The log may hold the whole of it without anybody having been told: the next opening would find it then. So
        either it is brought home into the file itself, or something else is committed over it.

        Raises:
            LedgerError: the disk still fails (`io`): only the next opening can tell.
        """
        try:
            connection = self._connection()
            with translated():
                if meant.seq > before and self._tip.hash == meant.hash:
                    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    if busy:
                        raise LedgerError("the log could not be brought home", reason="io")
                    return True
                _commit_nothing(connection)
                return False
        except (LedgerError, ConfigError) as error:
            self._drop_writer()
            raise LedgerError(error.detail, reason="io") from error

    def _roll_back(self) -> None:
        """Undo; a connection that cannot even do that is given up, and the file's own recovery does it at reopening."""
        try:
            if self._writer is not None and self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite.Error:
            self._drop_writer()


class _Writing:
    """The `with` block around a unit of work; a class because it is entered with every redemption."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    def __enter__(self) -> SqlUnitOfWork:
        return self._ledger._begin()  # noqa: SLF001 - two halves of one thing

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ledger._end(commit=error is None)  # noqa: SLF001 - as above
        if isinstance(error, sqlite.Error):
            raise known(error) from error


class _Reader(Queries):
    """`ports.LedgerReader` of committed state, for every lane at once."""

    def __init__(self, ledger: SqlLedger, catalogue: CatalogueCache) -> None:
        super().__init__(catalogue)
        self._ledger = ledger

    def _snapshot(self) -> AbstractContextManager[Execute]:
        return self._ledger._readers.snapshot()  # noqa: SLF001 - the reader is part of its ledger

    def _tip(self) -> Tip:
        return self._ledger._tip  # noqa: SLF001 - as above


def _commit_nothing(connection: Connection) -> None:
    """A commit that takes the place of one that may be left in the log, or with which the log begins anew."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _AND_BACK:
        connection.execute(statement)
    connection.execute("COMMIT")


def _log_left(path: Path) -> bool:
    """Whether the last one to write did not close the file: closing brings the log home and removes it."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _read_ms(file: Path) -> int:
    """The instant that the file keeps; 0 when there is none."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _check_shape(connection: Connection) -> None:
    """What the file defines is what this version wrote; a foreign trigger would work in every transaction of ours."""
    wrong, added = misshapen(connection)
    found = (*wrong, *added, *guards.missing(connection))
    if found:
        raise LedgerCorrupt(", ".join(found), reason="schema")


def _writer(path: Path, key: bytes | None) -> tuple[Connection, Tip]:
    """The writing connection of an up-to-date file, guarded, with the tip it holds."""
    connection = connect(path, key)
    try:
        with translated():
            if check_owner(connection) < SCHEMA_VERSION:
                from ewarung_pos.ledger import migrate

                connection.close()
                migrate.upgrade(path, key)
                connection = connect(path, key)
            _check_shape(connection)
            if is_copy(connection):
                raise LedgerError(path.name, reason="copy")
            protect(connection)
            return connection, load_tip(connection)
    except BaseException:
        connection.close()
        raise
