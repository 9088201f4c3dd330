"""A verified copy of a ledger in use: taken online, complete, and never taken for one before it was checked.

All that a restore needs is in the one file, except the key that opens it: who finds the copy must not find both.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerError, LedgerFull
from ewarung_pos.ledger.engine import Connection, check_owner, connect, mark_copy, translated
from ewarung_pos.ledger.keys import sync_directory
from ewarung_pos.ledger.verify import verify

__all__ = ["Backup", "back_up", "complete", "copy_ledger", "discard"]


class Backup(msgspec.Struct, frozen=True):
    """The copy: a single file under the ledger's own key, verified in full. `head` is hex."""

    path: str
    entries: int
    head: str


def back_up(path: Path, key: bytes | None, directory: Path) -> Backup:
    """Copy the ledger to another directory (a stick, a second disk) while the till goes on.

    The file says of itself that it is a copy (`engine.is_copy`): put in place by hand it serves nobody.

    Raises:
        ConfigError: the directory cannot be used, or its disk fails (`backup_dir`).
        LedgerFull: no room there (`copy`).
        LedgerCorrupt: the ledger does not verify (`verify`); no copy is left that could pass for a good one.
    """
    if not os.access(directory, os.W_OK):
        raise ConfigError(f"{directory.name}: tidak ada, atau tidak boleh ditulisi", reason="backup_dir")
    draft = directory / f"{path.name}.draft"
    try:
        discard(draft)
        copy_ledger(path, draft, key, mark=True)
        report = verify(draft, key, encrypted=key is not None)
        if not report.ok:
            raise LedgerCorrupt("; ".join(map(str, report.problems)), reason="verify")
        target = directory / f"ledger-{report.device or 'new'}-{report.epoch}-{report.entries:08d}.db"
        draft.replace(target)
        sync_directory(directory)
    except OSError as error:
        raise ConfigError(f"{directory.name}: {error.strerror}", reason="backup_dir") from error
    except LedgerError as error:
        if error.reason != "io":
            raise
        raise ConfigError(f"{directory.name}: {error.detail}", reason="backup_dir") from error
    finally:
        with suppress(OSError):
            discard(draft)
    return Backup(os.fspath(target), report.entries, report.head)


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
