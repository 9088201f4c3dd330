"""The second rung: the wrapping key in the operating system's own store, unlocked when the account signs in.

Only stores that encrypt are used, each known by name. The `keyring` library also knows files in plain text, a store
that forgets everything and one that always fails; none of them is ever chosen, whatever its configuration says.
Any program of the same account can read the entry: give the till an account of its own.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ewarung_pos.errors import ConfigError, LedgerKeyWrong

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["ACCEPTED", "available", "forget", "keep", "recall"]

ACCEPTED = {
    "secret-service": "keyring.backends.SecretService.Keyring",
    "kwallet": "keyring.backends.kwallet.DBusKeyring",
    "macos-keychain": "keyring.backends.macOS.Keyring",
    "windows-credentials": "keyring.backends.Windows.WinVaultKeyring",
}
"""Name in the descriptor, and the class of `keyring` that reaches it; the first one that is there is taken."""

SERVICE = "ewarung-pos"


def available() -> str:
    """Empty when there is an encrypting store; else why not, for a developer."""
    return "" if _present() else "no encrypting store of the system is reachable"


def keep(secret: bytes) -> dict[str, str]:
    """Put a secret under a new name; returns what `recall` needs.

    Raises:
        ConfigError: no store, or it is locked (`key_rung`).
    """
    from keyring.errors import KeyringError

    present = _present()
    if not present:
        raise ConfigError(available(), reason="key_rung")
    store, backend = next(iter(present.items()))
    entry = secrets.token_hex(8)
    try:
        backend.set_password(SERVICE, entry, secret.hex())
    except KeyringError as error:
        raise ConfigError(f"{store}: {type(error).__name__}", reason="key_rung") from error
    return {"store": store, "entry": entry}


def recall(facts: dict[str, str]) -> bytes:
    """What was kept.

    Raises:
        ConfigError: that store is not reachable (`store_missing`), or stays locked (`store_locked`).
        LedgerKeyWrong: the store no longer has the entry (`store_empty`).
    """
    from keyring.errors import KeyringError

    backend = _present().get(facts["store"])
    if backend is None:
        raise ConfigError(facts["store"], reason="store_missing")
    try:
        held = backend.get_password(SERVICE, facts["entry"])
    except KeyringError as error:
        raise ConfigError(f"{facts['store']}: {type(error).__name__}", reason="store_locked") from error
    if held is None:
        raise LedgerKeyWrong(facts["store"], reason="store_empty")
    return bytes.fromhex(held)


def forget(facts: dict[str, str]) -> bool:
    """Remove the entry; False when the store cannot be asked now. One that is gone already counts as removed."""
    from keyring.errors import KeyringError, PasswordDeleteError

    backend = _present().get(facts["store"])
    if backend is None:
        return False
    try:
        backend.delete_password(SERVICE, facts["entry"])
    except PasswordDeleteError:
        return True
    except KeyringError:
        return False
    return True


def _present() -> dict[str, KeyringBackend]:
    """The accepted stores that answer, best first."""
    from keyring.backend import get_all_keyring

    known = {f"{type(each).__module__}.{type(each).__qualname__}": each for each in get_all_keyring()}
    return {name: known[kind] for name, kind in ACCEPTED.items() if kind in known}
