"""Put a verified copy in the place of a ledger, and later a new epoch in the place of the copy.

Nothing is deleted or overwritten, and nothing is ever half there: the file that leaves gets a second name first, then
the new one takes its name in one step. A power cut leaves the old file or the new one in place. The file that left is
marked as a copy too, once it has left: put back by hand, it does not serve beside the epoch that follows.

A copy may be older than what was handed out. It says so itself (`engine.is_copy`), and so serves nobody: it can be
read, verified and sent to the city, until the kiosk is enrolled again.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec

from ewarung_pos.errors import (
    ConfigError,
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerFull,
    LedgerTooNew,
)
from ewarung_pos.ledger import migrate
from ewarung_pos.ledger.backup import complete, copy_ledger
from ewarung_pos.ledger.catalogue_cache import CatalogueCache
from ewarung_pos.ledger.engine import (
    CHECKED_FILE,
    LEDGER_FILE,
    Connection,
    check_owner,
    connect,
    is_copy,
    mark_copy,
    translated,
)
from ewarung_pos.ledger.keys import sync_directory
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from ewarung_pos.ledger.queries import Execute, Queries
from ewarung_pos.ledger.tip import Tip, load_tip
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ledger.verify_report import VerifyReport

__all__ = ["ARCHIVE", "LedgerFile", "Restored", "begin", "holds_copy", "restore", "retire"]

ARCHIVE = "epochs"
"""Folder of the data directory in which the ledgers of ended epochs are kept."""

_DRAFT = "restoring-"


class Restored(msgspec.Struct, frozen=True):
    """The copy that is in place now, and where the ledger that was there before is kept (`replaced`, empty: none).

    `in_doubt` counts the debits whose outcome the copy does not know: the terminal's slips tell. `replaced_entries` is
    -1 and `replaced_epoch` 0 when the old file could not be read. `replaced_serves`: it could be read and not be marked
    as a copy, so it would serve again where it is put back. `log` is where the log of a ledger that was gone is kept
    (empty: none).
    """

    device: str
    epoch: int
    entries: int
    head: str
    in_doubt: int = 0
    replaced: str = ""
    replaced_epoch: int = 0
    replaced_entries: int = -1
    replaced_ok: bool = False
    replaced_serves: bool = False
    log: str = ""


def holds_copy(path: Path, key: bytes | None) -> bool:
    """Whether this ledger is a copy.

    Raises:
        LedgerError, ConfigError: it cannot be opened.
    """
    connection = connect(path, key, query_only=True)
    try:
        with translated():
            check_owner(connection)
            return is_copy(connection)
    finally:
        connection.close()


def restore(file: Path, data_dir: Path, key: bytes | None, *, older: bool = False) -> Restored:
    """Verify a copy in full and put it in the place of the ledger of this directory, which is kept beside it.

    Args:
        file: the copy; it is only read.
        data_dir: with the key, and perhaps a ledger, sound or not.
        key: 32 raw bytes; None for the plain files of tests.
        older: also in the place of a sound ledger that serves and holds as much.

    Raises:
        LedgerBusy: the till runs, or another program reads the ledger.
        LedgerCorrupt: the copy does not verify (`verify`), or belongs to no kiosk (`no_identity`).
        LedgerKeyWrong: this directory's key does not open the copy.
        ConfigError: the copy is another kiosk's (`other_kiosk`), or of an epoch that ended before the sound ledger in
            place began (`ended_epoch`), or the ledger in place is sound, serves and holds as much (`older_copy`), or a
            directory cannot be used.
        LedgerTooNew: the copy, or the ledger in place, is of a newer version.
        LedgerFull: no room for it.
        MigrationFailed: a copy of an older version could not be brought up to date.
    """
    lock = InstanceLock(data_dir / LOCK_FILE)
    try:
        with _drafting(data_dir) as draft:
            copy_ledger(file, draft, key, mark=True)
            migrate.upgrade(draft, key)
            report = verify(draft, key, encrypted=key is not None)
            if not report.ok:
                raise LedgerCorrupt("; ".join(map(str, report.problems)), reason="verify")
            if not report.device:
                raise LedgerCorrupt("tanpa kios", reason="no_identity")
            with LedgerFile(draft, key) as copied:
                in_doubt = len(copied.open_attempts())
            restored = Restored(report.device, report.epoch, report.entries, report.head, in_doubt)
            ledger = data_dir / LEDGER_FILE
            if not ledger.exists():
                log = _lone_log_kept(ledger, f"ledger-{report.device}-{report.epoch}-log")
                _exchange(draft, ledger)
                return msgspec.structs.replace(restored, log=log)
            return _in_place_of(ledger, draft, key, restored, older=older)
    finally:
        lock.release()


def retire(data_dir: Path, key: bytes | None, fresh: Path) -> Path:
    """Keep the copy as the archive of its epoch, and put the ledger of the new epoch in its place.

    Args:
        data_dir: whose lock the caller holds.
        key: of the copy.
        fresh: the new ledger, closed and whole, on the same disk.

    Raises:
        LedgerError, ConfigError: the copy cannot be used; it stays in place.
    """
    ledger = data_dir / LEDGER_FILE
    with LedgerFile(ledger, key) as old:
        identity = old.identity()
    if identity is None:
        raise LedgerCorrupt("tanpa kios", reason="no_identity")
    for file in (ledger, fresh):
        _make_whole(file, key)
    try:
        folder = data_dir / ARCHIVE
        folder.mkdir(exist_ok=True)
        kept = _second_name(ledger, folder, f"ledger-{identity.device}-{identity.epoch}", first="")
        sync_directory(data_dir)
        _exchange(fresh, ledger)
    except OSError as error:
        raise ConfigError(f"{ARCHIVE}: {error.strerror}", reason="data_dir") from error
    return kept


def begin(fresh: Path, ledger: Path) -> None:
    """Put a new ledger where none is. A log that is left of one that is gone keeps another name: it may hold sales.

    Args:
        fresh: closed and whole, on the same disk.
        ledger: its name; no file has it.

    Raises:
        OSError: the disk.
    """
    _lone_log_kept(ledger, "ledger-log")
    _exchange(fresh, ledger)


class LedgerFile(Queries):
    """`ports.LedgerReader` of a file that nobody writes: a copy, or the archive of an ended epoch. Context manager."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        super().__init__(CatalogueCache())
        self._connection: Connection = connect(path, key, query_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _snapshot(self) -> AbstractContextManager[Execute]:
        return self._execute()

    @contextmanager
    def _execute(self) -> Iterator[Execute]:
        with translated():
            yield self._connection.execute

    def _tip(self) -> Tip:
        with translated():
            return load_tip(self._connection)


def _in_place_of(ledger: Path, draft: Path, key: bytes | None, restored: Restored, *, older: bool) -> Restored:
    present = _looked_at(ledger, key)
    if present is not None and present.device not in {"", restored.device}:
        raise ConfigError(f"salinan {restored.device}, buku di sini {present.device}", reason="other_kiosk")
    if present is not None and present.ok and present.epoch > restored.epoch:
        raise ConfigError(f"salinan masa {restored.epoch}, buku di sini masa {present.epoch}", reason="ended_epoch")
    known = (
        present is not None
        and present.ok
        and present.device
        and (present.epoch, present.entries) >= (restored.epoch, restored.entries)
    )
    if known and not older and not holds_copy(ledger, key):
        # The kiosk would stop until two officers had signed, for a copy that knows no more.
        raise ConfigError(f"salinan sampai {restored.entries}", reason="older_copy")
    whole = present is not None
    if present is not None:
        try:
            _make_whole(ledger, key)
        except (LedgerBusy, LedgerFull):
            raise
        except LedgerError:
            whole, present = False, msgspec.structs.replace(present, ok=False)  # then its log is kept beside it
    named = present if present is not None and present.device else restored
    kept = _second_name(ledger, ledger.parent, f"ledger-{named.device}-{named.epoch}-replaced", first="-1")
    _exchange(draft, ledger)
    marked = False
    with suppress(LedgerError, ConfigError):  # the copy is in place whatever becomes of this
        if whole:
            _make_whole(kept, key, mark=True)
            marked = True
    return msgspec.structs.replace(
        restored,
        replaced=os.fspath(kept),
        replaced_serves=present is not None and not marked,
        replaced_epoch=0 if present is None else present.epoch,
        replaced_entries=-1 if present is None else present.entries,
        replaced_ok=present is not None and present.ok,
    )


def _looked_at(ledger: Path, key: bytes | None) -> VerifyReport | None:
    """What the ledger in place is; None when it cannot be read. Nothing is written: that could take its log away."""
    try:
        return verify(ledger, key, encrypted=key is not None)
    except (LedgerBusy, LedgerFull, LedgerTooNew):
        raise
    except LedgerError:
        return None


def _make_whole(ledger: Path, key: bytes | None, *, mark: bool = False) -> None:
    connection = connect(ledger, key)
    try:
        with translated():
            check_owner(connection)
            if mark:
                mark_copy(connection)
        complete(connection)
    finally:
        connection.close()


def _second_name(ledger: Path, folder: Path, stem: str, *, first: str) -> Path:
    """Give the file another name that nobody has, durably. What stands beside an unreadable one goes with it."""
    names = itertools.chain((first,), (f"-{number}" for number in itertools.count(2)))
    kept = next(path for path in (folder / f"{stem}{end}.db" for end in names) if _linked(ledger, path))
    log = ledger.with_name(ledger.name + "-wal")
    if log.exists():
        _linked(log, kept.with_name(kept.name + "-wal"))
    sync_directory(folder)
    return kept


def _lone_log_kept(ledger: Path, stem: str) -> str:
    """A second name for a log whose ledger is gone; its last entries may be nowhere else. Empty when there is none."""
    log = ledger.with_name(ledger.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        return ""
    names = (log.with_name(f"{stem}-{number}.db-wal") for number in itertools.count(1))
    kept = next(path for path in names if _linked(log, path))
    sync_directory(kept.parent)
    return os.fspath(kept)


def _linked(file: Path, name: Path) -> bool:
    """Whether the file has that name now; a power cut may have come after it got it."""
    try:
        os.link(file, name)
    except FileExistsError:
        return name.samefile(file)
    return True


def _exchange(draft: Path, ledger: Path) -> None:
    """One rename; before it, whatever an unreadable file left beside its name, so that the new one does not find it."""
    for suffix in ("-wal", "-shm", "-journal"):
        ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)
    ledger.with_name(CHECKED_FILE).unlink(missing_ok=True)  # it speaks of the file that leaves
    sync_directory(ledger.parent)
    draft.replace(ledger)
    sync_directory(ledger.parent)


@contextmanager
def _drafting(data_dir: Path) -> Iterator[Path]:
    """Where the new file is made, on the same disk; what a power cut left there goes first. Needs the lock."""
    try:
        for left in data_dir.glob(f"{_DRAFT}*"):
            shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=data_dir))
        try:
            yield folder / LEDGER_FILE
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise ConfigError(f"{data_dir.name}: {error.strerror}", reason="data_dir") from error
