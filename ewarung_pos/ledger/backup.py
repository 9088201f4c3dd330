"""A verified copy of a ledger in use: taken online, complete, and never taken for one before it was checked.

All that a restore needs is in the one file, except the key that opens it: who finds the copy must not find both.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from ewarung_pos.errors import ConfigError, LedgerBusy, LedgerCorrupt, LedgerError, LedgerFull, PosError
from ewarung_pos.ledger.engine import Connection, check_owner, connect, mark_copy, translated
from ewarung_pos.ledger.keys import sync_directory
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ledger.verify_report import VerifyReport

__all__ = ["Backup", "back_up", "complete", "copy_ledger", "discard", "end_of", "last_entry"]


class Backup(msgspec.Struct, frozen=True):
    """The copy: a single file under the ledger's own key, verified in full. `head` is hex."""

    path: str
    entries: int
    head: str


def back_up(path: Path, key: bytes | None, directory: Path) -> Backup:
    """Copy the ledger to another directory (a stick, a second disk) while the till goes on.

    The file says of itself that it is a copy (`engine.is_copy`): put in place by hand it serves nobody. A copy that
    ends with the same entry is replaced; whatever else has its name stays, and this one gets a number behind its own.

    Raises:
        ConfigError: the directory cannot be used, or its disk fails (`backup_dir`).
        LedgerFull: no room there (`copy`).
        LedgerCorrupt: the ledger does not verify (`verify`); no copy is left that could pass for a good one.
    """
    if not os.access(directory, os.W_OK):
        raise ConfigError(f"{directory.name}: tidak ada, atau tidak boleh ditulisi", reason="backup_dir")
    try:
        with _drafting(directory, path.name) as draft:
            copy_ledger(path, draft, key, mark=True)
            report = verify(draft, key, encrypted=key is not None)
            if not report.ok:
                raise LedgerCorrupt("; ".join(map(str, report.problems)), reason="verify")
            target = _place(directory, report, key)
            draft.replace(target)
            sync_directory(directory)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise LedgerFull(f"{error.strerror}", reason="copy") from error
        raise ConfigError(f"{directory.name}: {error.strerror}", reason="backup_dir") from error
    except LedgerError as error:
        if error.reason != "io":
            raise
        raise ConfigError(f"{directory.name}: {error.detail}", reason="backup_dir") from error
    return Backup(os.fspath(target), report.entries, report.head)


def _place(directory: Path, report: VerifyReport, key: bytes | None) -> Path:
    """Where nothing is taken away but a copy of the same journal: as many entries may be those of another past."""
    stem = f"ledger-{report.device or 'new'}-{report.epoch}-{report.entries:08d}"
    ends = itertools.chain(("",), (f"-{number}" for number in itertools.count(2)))
    places = (directory / f"{stem}{end}.db" for end in ends)
    return next(place for place in places if not place.is_file() or _ends_with(place, key, report.head))


def _ends_with(file: Path, key: bytes | None, head: str) -> bool:
    try:
        _, digest, _ = last_entry(file, key)
    except PosError:
        return False
    return digest.hex() == head


def last_entry(path: Path, key: bytes | None) -> tuple[int, bytes, bytes]:
    """`end_of` a file of ours, of whatever version that is not newer.

    Raises:
        ConfigError, LedgerError: it cannot be opened, or is none of ours.
    """
    connection = connect(path, key, query_only=True)
    try:
        with translated():
            check_owner(connection)
            return end_of(connection)
    finally:
        connection.close()


def end_of(connection: Connection) -> tuple[int, bytes, bytes]:
    """Place, hash and bytes of the last entry, three columns that no revision may ever touch; 0 and nothing if none."""
    row = connection.execute("SELECT seq, hash, payload FROM ledger_entry ORDER BY seq DESC LIMIT 1").fetchone()
    return (0, b"", b"") if row is None else (row[0], row[1], row[2])


@contextmanager
def _drafting(directory: Path, name: str) -> Iterator[Path]:
    """Where a copy is made, in a folder of its own: one that another process makes meanwhile is not taken for it.

    What copies left that were cut off goes first; one under way keeps its own, by the lock in it.
    """
    prefix = f".{name}.copying-"
    for left in directory.glob(f"{prefix}*/{LOCK_FILE}"):
        with suppress(LedgerBusy, ConfigError):
            InstanceLock(left).release()
            shutil.rmtree(left.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=directory))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # Where a disk knows no locks, another's sweep may end this copy; none is taken for a good one by that either.
        with suppress(LedgerBusy, ConfigError):
            stack.callback(InstanceLock(folder / LOCK_FILE).release)
        yield folder / name


def copy_ledger(source: Path, target: Path, key: bytes | None, *, mark: bool = False) -> None:
    """Copy page by page from one snapshot of the source, and make the copy durable. It is encrypted as the source is.

    Args:
        source: the ledger.
        target: a file that is not there yet.
        key: of both.
        mark: write into the target that it is a copy.

    Raises:
        LedgerFull: no room (`copy`).
        LedgerError, ConfigError: either file cannot be used.
    """
    try:
        _copied(source, target, key, mark=mark)
    except LedgerFull as error:
        raise LedgerFull(error.detail, reason="copy") from error


def _copied(source: Path, target: Path, key: bytes | None, *, mark: bool) -> None:
    reading = connect(source, key, query_only=True)
    try:
        if mark:
            with translated():
                check_owner(reading)  # an empty file has no place for the mark
        writing = connect(target, key, create=True)
        try:
            with translated():
                reading.backup(writing)
                if mark:
                    mark_copy(writing)
                complete(writing)
        finally:
            writing.close()
    finally:
        reading.close()
    file = os.open(target, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def complete(connection: Connection) -> None:
    """Make the file whole in itself, without a log beside it that could be forgotten or found by another.

    Closing would do it too, but in silence: with a full disk the log would stay and nobody would know.
    """
    with translated():
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()


def discard(path: Path) -> None:
    """Remove a draft with everything that may stand beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
