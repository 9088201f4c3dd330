"""The key that opens the ledger, and where it is kept: the tier is shown on the health screen."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import NamedTuple

from ewarung_pos.errors import ConfigError, LedgerKeyWrong
from ewarung_pos.ledger.engine import KEY_BYTES, LEDGER_FILE

__all__ = ["KEY_FILE", "LedgerKey", "key_of", "sync_directory"]

KEY_FILE = "ledger.key"


class LedgerKey(NamedTuple):
    """A raw 256-bit key and the rung of the ladder it came from (`key_file`)."""

    secret: bytes
    tier: str

    def __repr__(self) -> str:
        """Never the secret."""
        return f"LedgerKey(tier={self.tier!r})"


def key_of(data_dir: Path, *, create: bool = False) -> LedgerKey:
    """The key of the ledger in this directory: the key file of a dedicated account (or of a sandbox).

    Args:
        data_dir: where the ledger is.
        create: make a new random key if there is none; never when a ledger is there already.

    Raises:
        ConfigError: no key (`no_key`), readable by others (`key_exposed`), or a directory that cannot be used.
        LedgerKeyWrong: the file does not hold a key.
    """
    path = data_dir / KEY_FILE
    try:
        if create and not path.exists() and not (data_dir / LEDGER_FILE).exists():
            _write_once(path, secrets.token_bytes(KEY_BYTES).hex().encode())
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            raise ConfigError(f"{path.name} must be readable by its owner alone (0600)", reason="key_exposed")
        text = path.read_bytes().strip()
    except FileNotFoundError as error:
        raise ConfigError(path.name, reason="no_key") from error
    except OSError as error:
        raise ConfigError(f"{path.name}: {error.strerror}", reason="data_dir") from error
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError as error:
        raise LedgerKeyWrong(path.name, reason="key_file") from error
    if len(secret) != KEY_BYTES:
        raise LedgerKeyWrong(path.name, reason="key_file")
    return LedgerKey(secret, "key_file")


def _write_once(path: Path, content: bytes) -> None:
    """All or nothing, and durable: no ledger may ever be encrypted under a key that a power cut takes away."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    os.link(draft, path)
    draft.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names in the directory durable (not needed, and not possible, on Windows)."""
    if sys.platform != "win32":  # pragma: no branch
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
