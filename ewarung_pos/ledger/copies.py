"""The copies that a kiosk keeps by itself: one after every close, the newest fourteen and the last of each month.

A copy is made and verified by a process of its own, at low priority: seconds of work in this one would stand in the
way of whoever is served meanwhile.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ewarung_pos import errors
from ewarung_pos.domain.journal import decode
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, LedgerError, PosError
from ewarung_pos.ledger.keys import sync_directory
from ewarung_pos.ports import LedgerCopy, LedgerReader

if TYPE_CHECKING:
    import subprocess

    from ewarung_pos.ledger.backup import Backup

__all__ = ["KEEP", "LedgerCopies", "keep_copy"]

KEEP = 14
"""Newest copies that stay, beside the last of each month."""

LONGEST_S = 1800.0

_NAME = re.compile(
    r"ledger-(?P<device>[A-Za-z0-9-]{1,32})-(?P<epoch>[1-9][0-9]{0,5})-(?P<entries>[0-9]{8,})(-[0-9]{1,3})?\.db"
)


class _Said(msgspec.Struct, frozen=True):
    """What the other process says on the last line of its output."""

    path: str = ""
    entries: int = 0
    error: str = ""
    reason: str = ""
    detail: str = ""


class _Named(NamedTuple):
    epoch: int
    entries: int
    path: Path


class LedgerCopies:
    """`ports.Copies`.

    Args:
        data_dir: where the ledger and its key are.
        directory: where copies go.
        own: make the directory when it is not there; a stick's folder is not made, or the copy would lie on this disk.
        reader: of the ledger.
        key: of the ledger, for the other process: a passphrase could not be asked for there. It goes through a pipe.
            None: the other process takes the key by itself.
        command: how this program is started.
    """

    def __init__(
        self,
        data_dir: Path,
        directory: Path,
        *,
        own: bool,
        reader: Callable[[], LedgerReader],
        key: bytes | None = None,
        command: tuple[str, ...] = (),
    ) -> None:
        self._data_dir = data_dir
        self._directory = directory
        self._own = own
        self._reader = reader
        self._key = key
        self._command = command or _program()
        self._guard = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def make(self) -> LedgerCopy:
        """Copy, verify, and take away what is no longer kept.

        Raises:
            ConfigError: the place is not there, or cannot be written (`backup_dir`).
            LedgerFull: no room there (`copy`).
            LedgerError: the ledger does not verify, or the process did not start or ended without a word
                (`copy_stopped`).
        """
        if self._own:
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"{self._directory}: {error.strerror}", reason="backup_dir") from error
        said = self._run()
        if not said.path:
            raise _error(said)
        return self._told(said.entries, Path(said.path))

    def newest(self) -> LedgerCopy | None:
        """The newest one of this epoch that is there now, by its name.

        Raises:
            ConfigError: the place is not there, or went while it was looked at (`backup_dir`).
        """
        identity = self._reader().identity()
        if identity is None or (self._own and not self._directory.exists()):
            return None
        copies = _copies(self._directory, identity.device)
        found = max((each for each in copies if each.epoch == identity.epoch), default=None)
        return None if found is None else self._told(found.entries, found.path)

    def close(self) -> None:
        """End a copy that is under way; its draft is taken away by the next one. May be called twice."""
        with self._guard:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def _told(self, entries: int, path: Path) -> LedgerCopy:
        try:
            found = path.stat()
        except OSError as error:  # the stick was pulled meanwhile
            raise ConfigError(f"{self._directory}: {error.strerror}", reason="backup_dir") from error
        same = found.st_dev == self._data_dir.stat().st_dev
        return LedgerCopy(os.fspath(self._directory), found.st_mtime_ns // 1_000_000, entries, same)

    def _run(self) -> _Said:
        import subprocess

        words = [*self._command, "backup", "--json", "--data-dir", os.fspath(self._data_dir)]
        told = "" if self._key is None else self._key.hex()
        if told:
            words.append("--key-from-stdin")
        place = {"EWARUNG_PATHS_BACKUP": os.fspath(self._directory)}
        with self._guard:
            if self._closed:
                raise LedgerError("the till is closing", reason="copy_stopped")
            try:
                process = self._process = subprocess.Popen(  # noqa: S603 - this program
                    words,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    env={**os.environ, **place},
                )
            except OSError as error:  # no memory for it, or the program was moved by an upgrade
                raise LedgerError(f"{error.strerror}", reason="copy_stopped") from error
        try:
            said, _ = process.communicate(told, timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        finally:
            with self._guard:
                self._process = None
        try:
            return msgspec.json.decode(said.splitlines()[-1], type=_Said)
        except (msgspec.MsgspecError, IndexError):
            return _Said(detail=f"the copy ended with {process.returncode}")


def keep_copy(path: Path, key: bytes, directory: Path, keep: int = KEEP) -> Backup:
    """Make a verified copy, then take away older ones: all but the newest `keep` and the last of each month.

    A file is taken away only if its name is one of ours, it opens under this key, and the journal that was just copied
    begins with all of it. Whatever else lies there is left alone, copies of other epochs too.

    Raises:
        ConfigError, LedgerFull, LedgerError: as `back_up`; older copies are all there then.
    """
    from ewarung_pos.ledger.backup import back_up

    made = back_up(path, key, directory)
    newest = Path(made.path)
    found = _NAME.fullmatch(newest.name)
    if found is None:  # a ledger without a kiosk
        return made
    epoch, entries = int(found["epoch"]), int(found["entries"])
    ours = [each for each in _copies(directory, found["device"]) if each.epoch == epoch and each.entries <= entries]
    for old in _too_many(newest, key, sorted(ours, reverse=True)[keep - 1 :]):
        old.unlink(missing_ok=True)
    sync_directory(directory)
    return made


def _too_many(newest: Path, key: bytes, copies: list[_Named]) -> Iterator[Path]:
    """Of copies, newest first, of which the first stays: those that are followed by another of their month.

    They may be of an older version: nothing is read of them but their last entry.
    """
    from ewarung_pos.ledger.backup import last_entry
    from ewarung_pos.ledger.restore import LedgerFile

    month = ""
    with LedgerFile(newest, key) as journal:
        for at, copy in enumerate(copies):
            try:
                seq, digest, payload = last_entry(copy.path, key)
            except PosError:
                continue
            same = journal.sealed(seq - 1, 1, 1)
            if not same or seq != copy.entries or same[0].hash != digest or same[0].body != payload:
                continue
            period = Instant(decode(payload).instant).date().period().iso
            if at and period == month:
                yield copy.path
            month = period


def _copies(directory: Path, device: str) -> list[_Named]:
    try:
        files = list(directory.iterdir())
    except OSError as error:
        raise ConfigError(f"{directory}: {error.strerror}", reason="backup_dir") from error
    named = [(path, _NAME.fullmatch(path.name)) for path in files]
    return [
        _Named(int(match["epoch"]), int(match["entries"]), path)
        for path, match in named
        if match is not None and match["device"] == device
    ]


def _program() -> tuple[str, ...]:
    return (sys.executable,) if getattr(sys, "frozen", False) else (sys.executable, "-m", "ewarung_pos")


def _error(said: _Said) -> PosError:
    """The error of the other process, here."""
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, PosError) and kind.code == said.error:
            return kind(said.detail, reason=said.reason)
    return LedgerError(said.detail, reason="copy_stopped")
