"""The lowest rung: the key in a file that only the till's own account can read. Also how small secret files are kept.

Whoever can read the disk as that account, or takes the disk out of an unencrypted machine, has the key. It is for the
practice sandbox, and for a kiosk with nothing better.
"""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from ewarung_pos.errors import ConfigError, LedgerKeyWrong
from ewarung_pos.ledger.engine import KEY_BYTES

__all__ = ["KEY_FILE", "destroy", "drafts", "erase", "put", "read", "read_private", "sync_directory", "write"]

KEY_FILE = "ledger.key"


def read(data_dir: Path) -> bytes:
    """What the key file holds: the database key, and behind it the pepper where that is a secret of its own.

    Returns:
        32 or 64 bytes.

    Raises:
        ConfigError: no file (`no_key`), readable by others (`key_exposed`), or a directory that cannot be used.
        LedgerKeyWrong: the file does not hold a key (`key_file`).
    """
    path = data_dir / KEY_FILE
    text = read_private(path).strip()
    try:
        held = bytes.fromhex(text.decode("ascii"))
    except ValueError as error:
        raise LedgerKeyWrong(path.name, reason="key_file") from error
    if len(held) not in (KEY_BYTES, 2 * KEY_BYTES):
        raise LedgerKeyWrong(path.name, reason="key_file")
    return held


def read_private(path: Path) -> bytes:
    """The content of a file that nobody else may read.

    Raises:
        ConfigError: not there (`no_key`), readable by others (`key_exposed`), or not readable at all (`data_dir`).
    """
    try:
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            raise ConfigError(f"{path.name} must be readable by its owner alone (0600)", reason="key_exposed")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(path.name, reason="no_key") from error
    except OSError as error:
        raise ConfigError(f"{path.name}: {error.strerror}", reason="data_dir") from error


def write(data_dir: Path, held: bytes) -> None:
    """Keep these 32 or 64 bytes as the key file.

    Raises:
        ConfigError: a directory that cannot be used.
    """
    put(data_dir / KEY_FILE, held.hex().encode())


def put(path: Path, content: bytes) -> None:
    """All or nothing, durable, readable by the owner alone; what was there before is replaced in the same instant.

    No ledger may ever be encrypted under a key that a power cut takes away.

    Raises:
        ConfigError: a directory that cannot be used.
    """
    draft = _draft(path)
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, content)
            os.fsync(file)
        finally:
            os.close(file)
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise ConfigError(f"{path.name}: {error.strerror}", reason="data_dir") from error


def drafts(path: Path) -> list[Path]:
    """What a power cut left of writing or destroying this file: it has no name any more, or none yet."""
    return list(path.parent.glob(f"{path.name}.{'[0-9a-f]' * 8}"))


def destroy(path: Path) -> None:
    """Take a secret file's name away, write over it, remove it; nothing if it is not there.

    A disk that writes elsewhere (flash, a journal, a snapshot) may still hold the old content somewhere.

    Raises:
        OSError: it could not be removed; `drafts` names what is left.
    """
    nameless = _draft(path)
    try:
        path.replace(nameless)
    except FileNotFoundError:
        return
    sync_directory(path.parent)
    erase(nameless)


def erase(nameless: Path) -> None:
    """Write over what has lost its name already, and remove it.

    Raises:
        OSError: it could not be removed.
    """
    file = os.open(nameless, os.O_WRONLY)
    try:
        os.write(file, bytes(os.fstat(file).st_size))
        os.fsync(file)
    finally:
        os.close(file)
    nameless.unlink()
    sync_directory(nameless.parent)


def _draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}")


def sync_directory(directory: Path) -> None:
    """Make names in the directory durable (not needed, and not possible, on Windows)."""
    if sys.platform != "win32":  # pragma: no branch
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
