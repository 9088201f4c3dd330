"""One running instance per ledger: a lock file that the system itself lets go of when the process dies."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from ewarung_pos.errors import ConfigError, LedgerBusy

__all__ = ["LOCK_FILE", "InstanceLock"]

LOCK_FILE = "ledger.lock"
"""Its name in a data directory."""

_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
"""What systems answer when somebody else holds it: flock the first, Windows the others."""


class InstanceLock:
    """Held from construction to `release`.

    Raises:
        LedgerBusy: another process (or another ledger object of this one) holds it.
        ConfigError: the directory is missing or cannot be written, or its file system knows no locks (`data_dir`).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise ConfigError(f"{path.name}: {error.strerror}", reason="data_dir") from error
        try:
            _take(self._file)
        except OSError as error:
            self.release()
            if error.errno not in _HELD:
                raise ConfigError(f"{path.name}: {error.strerror}", reason="data_dir") from error
            raise LedgerBusy(path.name) from error
        if not _in_place(path, self._file):
            self.release()
            raise LedgerBusy(path.name)

    @property
    def held(self) -> bool:
        """Whether this object still holds it."""
        return self._file is not None

    def renew(self) -> None:
        """See to it that the next program meets this lock: its file may have been removed, and then locks nobody out.

        Raises:
            LedgerBusy: another program took it meanwhile (`second`); this one may not go on.
            ConfigError: the file cannot be made again.
        """
        if self._file is None or _in_place(self._path, self._file):
            return
        try:
            taken = InstanceLock(self._path)
        except LedgerBusy as error:
            raise LedgerBusy(self._path.name, reason="second") from error
        self.release()
        self._file = taken._file

    def release(self) -> None:
        """Let go; the file stays, so that nobody can lock a deleted one. May be called twice.

        A process that is just being born holds everything its parent has open, also this, until it becomes another
        program: closing alone would leave the lock with it.
        """
        if self._file is not None:
            with contextlib.suppress(OSError):
                _give_back(self._file)
            os.close(self._file)
            self._file = None


if sys.platform == "win32":  # pragma: no cover - the other branch runs where this does not
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _give_back(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

    def _in_place(_path: Path, _file: int) -> bool:
        return True  # a file that is open can be neither removed nor renamed there

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_back(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def _in_place(path: Path, file: int) -> bool:
        """Whether the file that is open is still the one of that name."""
        try:
            return os.path.samestat(path.stat(), os.fstat(file))
        except FileNotFoundError:
            return False
