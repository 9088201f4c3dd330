"""The descriptor beside a ledger: which rung holds its wrapping key, and the two secrets wrapped by it."""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path

import msgspec

from ewarung_pos.errors import ConfigError, LedgerKeyWrong
from ewarung_pos.ledger.key_file import put, read_private

__all__ = ["DESCRIPTOR_FILE", "VERSION", "Descriptor", "Held", "Tier", "read", "unwrap", "wrap", "write"]

DESCRIPTOR_FILE = "ledger.key.json"

VERSION = 1
_NONCE = 12


class Tier(StrEnum):
    """The rungs of the ladder, best first."""

    TPM = "tpm"
    OS_STORE = "os_store"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a rung
    KEY_FILE = "key_file"


class Held(msgspec.Struct, frozen=True):
    """Where a wrapping key is: the rung, and what that rung needs to give it again. No secret."""

    tier: Tier
    facts: dict[str, str] = {}


class Descriptor(msgspec.Struct, frozen=True):
    """`ledger.key.json`. `box` is hex: nonce and AES-256-GCM of the secrets; empty when they lie in the key file.

    `retired` are rungs before this one, until their wrapping keys are destroyed: a power cut may come in between.
    """

    version: int
    held: Held
    box: str = ""
    retired: tuple[Held, ...] = ()


def wrap(secret: bytes, key: bytes, held: Held, retired: tuple[Held, ...]) -> Descriptor:
    """Wrap the secrets for this rung under its key; the box fits no other rung."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE)
    box = nonce + AESGCM(key).encrypt(nonce, secret, _bound_to(held))
    return Descriptor(VERSION, held, box.hex(), retired)


def unwrap(descriptor: Descriptor, key: bytes) -> bytes | None:
    """The secrets, or None when this is not the key (or the descriptor was touched)."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    box = bytes.fromhex(descriptor.box)
    try:
        return AESGCM(key).decrypt(box[:_NONCE], box[_NONCE:], _bound_to(descriptor.held))
    except InvalidTag:
        return None


def read(data_dir: Path) -> Descriptor | None:
    """The descriptor of this directory; None when there is none, which means a key file.

    Raises:
        ConfigError: it cannot be read (`data_dir`, `key_exposed`).
        LedgerKeyWrong: it is not one, or a newer version's (`descriptor`).
    """
    path = data_dir / DESCRIPTOR_FILE
    try:
        content = read_private(path)
    except ConfigError as error:
        if error.reason == "no_key":
            return None
        raise
    try:
        found = msgspec.json.decode(content, type=Descriptor)
    except msgspec.DecodeError as error:
        raise LedgerKeyWrong(path.name, reason="descriptor") from error
    if found.version != VERSION:
        raise LedgerKeyWrong(f"{path.name}: version {found.version}", reason="descriptor")
    return found


def write(data_dir: Path, descriptor: Descriptor) -> None:
    """Put it in place of the one before, in one instant.

    Raises:
        ConfigError: a directory that cannot be used.
    """
    put(data_dir / DESCRIPTOR_FILE, msgspec.json.format(msgspec.json.encode(descriptor)))


def _bound_to(held: Held) -> bytes:
    return b"ewarung-pos ledger key " + msgspec.json.encode(held, order="sorted")
