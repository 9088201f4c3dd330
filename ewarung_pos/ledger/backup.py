"""A verified copy of a ledger in use: taken online, complete, and never taken for one before it was checked."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ewarung_pos.errors import ConfigError, LedgerCorrupt
from ewarung_pos.ledger.engine import Connection, connect, translated
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

    Raises:
        ConfigError: the directory cannot be used.
        LedgerFull: no room there.
        LedgerCorrupt: the ledger does not verify (`verify`); no copy is left that could pass for a good one.
    """
    draft = directory / f"{path.name}.draft"
    try:
        discard(draft)
        copy_ledger(path, draft, key)
        report = verify(draft, key, encrypted=key is not None)
        if not report.ok:
            discard(draft)
            raise LedgerCorrupt("; ".join(map(str, report.problems)), reason="verify")
        target = directory / f"ledger-{report.device or 'new'}-{report.epoch}-{report.entries:08d}.db"
        draft.replace(target)
        discard(draft)
        sync_directory(directory)
    except OSError as error:
        raise ConfigError(f"{directory.name}: {error.strerror}", reason="backup_dir") from error
    return Backup(os.fspath(target), report.entries, report.head)


def copy_ledger(source: Path, target: Path, key: bytes | None) -> None:
    """Copy page by page from one snapshot of the source, and make the copy durable. It is encrypted as the source is.

    Raises:
        LedgerError, ConfigError: either file cannot be used.
    """
    reading = connect(source, key, query_only=True)
    try:
        writing = connect(target, key, create=True)
        try:
            with translated():
                reading.backup(writing)
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
