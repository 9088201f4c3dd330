"""The city's keys: made once at init, kept in a file that only its owner can read, never in the database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from ewarung_pos.domain.family import CardRef, card_ref
from ewarung_pos.errors import ConfigError
from ewarung_pos.sync.signing import public_of

__all__ = ["KEY_FILE", "CityKeys", "load_keys", "make_keys"]

KEY_FILE = "city.keys"


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signing: str
    card: str
    register: str


class CityKeys(NamedTuple):
    """Three secrets: `signing` (Ed25519), `card` (every kiosk gets it, wrapped), `register` (never leaves the city)."""

    signing: bytes
    card: bytes
    register: bytes

    def __repr__(self) -> str:
        """Never the secrets."""
        return "CityKeys(...)"

    @property
    def public(self) -> bytes:
        """The key that answers are verified with."""
        return public_of(self.signing)

    @property
    def keyid(self) -> str:
        """How signatures name it."""
        return f"city/{self.public.hex()[:16]}"

    def card_ref(self, number: str) -> CardRef:
        """The reference of a card; the number goes no further."""
        return card_ref(self.card, number)

    def token(self, kind: str, number: str) -> str:
        """A keyed token (hex) of a NIK or KK. Not under the card key: kiosks have that, and could try all numbers."""
        return hmac.new(self.register, f"{kind}|{number}".encode(), hashlib.sha256).hexdigest()


def make_keys(data_dir: Path) -> CityKeys:
    """The keys of this directory, made if there are none.

    Raises:
        ConfigError: the directory cannot be used, or the file that is there.
    """
    path = data_dir / KEY_FILE
    if path.exists():
        return load_keys(data_dir)
    keys = CityKeys(*(secrets.token_bytes(32) for _ in range(3)))
    draft = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, msgspec.json.encode(_Stored(*(key.hex() for key in keys))))
            os.fsync(file)
        finally:
            os.close(file)
        os.link(draft, path)  # all or nothing, and never over another's
    except FileExistsError:
        return load_keys(data_dir)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", reason="data_dir") from error
    finally:
        with suppress(OSError):  # it holds the secrets, whatever became of it
            draft.unlink()
    return keys


def load_keys(data_dir: Path) -> CityKeys:
    """The keys of this directory.

    Raises:
        ConfigError: none (`no_keys`), readable by others (`key_exposed`), or not a key file.
    """
    path = data_dir / KEY_FILE
    try:
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} must be readable by its owner alone (0600)", reason="key_exposed")
        stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
        keys = CityKeys(*(bytes.fromhex(key) for key in (stored.signing, stored.card, stored.register)))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no keys; run `ewarung-city init` first", reason="no_keys") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", reason="data_dir") from error
    except (ValueError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: not a key file", reason="key_file") from error
    if any(len(key) != 32 for key in keys):
        raise ConfigError(f"{path}: not a key file", reason="key_file")
    return keys
