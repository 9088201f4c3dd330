"""The city's keys: one Ed25519 pair that signs, one key that turns card numbers into references, one for pseudonyms.

They are made once, at `init`, in a file that only the city's account can read; they are never in the repository.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ewarung_pos.errors import ConfigError

__all__ = ["CityKeys", "city_keys"]

_FILE = "city.keys"


class CityKeys(msgspec.Struct, frozen=True):
    """Raw secrets, 32 bytes each in hex."""

    signing: str
    cards: str
    pseudonyms: str

    def __repr__(self) -> str:
        """Never the secrets."""
        return "CityKeys()"

    @property
    def private(self) -> Ed25519PrivateKey:
        """The signing key."""
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.signing))

    @property
    def public(self) -> str:
        """What kiosks check signatures with, hex."""
        return self.private.public_key().public_bytes_raw().hex()

    @property
    def card_key(self) -> bytes:
        """HMAC key of card references, shared with enrolled kiosks."""
        return bytes.fromhex(self.cards)

    def pseudonym(self, kind: str, value: str) -> str:
        """A stable name that tells nothing: 20 hex digits for a NIK, a family number or a family card."""
        return hmac.new(bytes.fromhex(self.pseudonyms), f"{kind}|{value}".encode(), hashlib.sha256).hexdigest()[:20]


def city_keys(data_dir: Path, *, create: bool = False) -> CityKeys:
    """Read the key file, or make it.

    Raises:
        ConfigError: there is none, or others can read it.
    """
    path = data_dir / _FILE
    if create and not path.exists():
        fresh = CityKeys(*(secrets.token_hex(32) for _ in range(3)))
        draft = path.with_suffix(".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, msgspec.json.encode(fresh))
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(path)
    try:
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            raise ConfigError(f"{path.name} must be readable by its owner alone (0600)", reason="key_exposed")
        return msgspec.json.decode(path.read_bytes(), type=CityKeys)
    except FileNotFoundError as error:
        raise ConfigError("no city keys here: run `ewarung-city init`", reason="no_city") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path.name} cannot be read", reason="keys") from error
