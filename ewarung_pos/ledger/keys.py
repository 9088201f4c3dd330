"""The ladder of keys: where the secret that opens a ledger is kept, and how it moves from one rung to another.

A ledger's key is 256 random bits, made once. It never changes; what changes is the *wrapping key* around it, which the
TPM, the system's store or a passphrase gives. Beside the ledger stands `ledger.key.json` with the rung and the
wrapped secrets, or, on the lowest rung, `ledger.key` alone. Opening uses the rung that is written there and never
tries another. Destroying the wrapping key destroys the ledger and every copy under the same key (docs/keys.md).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ewarung_pos.errors import ConfigError, LedgerBusy, LedgerKeyWrong
from ewarung_pos.ledger import key_box, key_file, key_passphrase, key_store, key_tpm
from ewarung_pos.ledger.engine import KEY_BYTES, LEDGER_FILE, connect
from ewarung_pos.ledger.key_box import DESCRIPTOR_FILE, Descriptor, Held, Tier
from ewarung_pos.ledger.key_file import KEY_FILE, sync_directory
from ewarung_pos.ledger.key_passphrase import Ask, Question
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock

__all__ = [
    "DESCRIPTOR_FILE",
    "KEY_FILE",
    "LedgerKey",
    "Tier",
    "best_tier",
    "destroy_key",
    "held_tier",
    "key_for",
    "key_near",
    "key_of",
    "left_over",
    "make_key",
    "rekey",
    "sync_directory",
    "unavailable",
]

_PEPPER_LABEL = b"ewarung-pos pin pepper v1"


class LedgerKey(NamedTuple):
    """The secrets of a ledger and the rung that holds them.

    Attributes:
        secret: raw 256-bit database key.
        tier: `Tier` of the rung.
        pepper: keyed into every PIN hash. Random and wrapped beside the database key, or `derived` from it.
    """

    secret: bytes
    tier: str
    pepper: bytes

    def __repr__(self) -> str:
        """Never a secret."""
        return f"LedgerKey(tier={str(self.tier)!r})"

    @property
    def derived(self) -> bytes:
        """The pepper of a ledger that has one secret only: HKDF-SHA-256 (RFC 5869) of the database key.

        It keeps PIN hashes that leak without their key (a copied table, an export) from being guessed at. Whoever has
        the database key has it too; only a pepper of its own is more than that.
        """
        extracted = hmac.digest(bytes(KEY_BYTES), self.secret, hashlib.sha256)
        return hmac.digest(extracted, _PEPPER_LABEL + b"\x01", hashlib.sha256)

    @property
    def peppers(self) -> tuple[bytes, ...]:
        """The pepper in use, and the one that PINs were hashed with while the key lay in a file."""
        return (self.pepper,) if self.pepper == self.derived else (self.pepper, self.derived)


def key_of(data_dir: Path, ask: Ask | None = None, *, create: bool = False) -> LedgerKey:
    """The key of the ledger in this directory, from the rung that is recorded there and from no other.

    Args:
        data_dir: where the ledger is.
        ask: asks a person for the passphrase; None where nobody is there to be asked.
        create: make a key file if there is no key; never when a ledger is there already.

    Raises:
        ConfigError: no key (`no_key`), readable by others (`key_exposed`), a directory that cannot be used, or a rung
            that is out of reach (`tpm_missing`, `store_missing`, `store_locked`, `no_passphrase`).
        LedgerKeyWrong: what is there does not hold a key (`key_file`, `descriptor`), or the rung does not give it
            any more (`tpm_refused`, `store_empty`, `passphrase`).
    """
    if create and not _has_key(data_dir) and not (data_dir / LEDGER_FILE).exists():
        make_key(data_dir, Tier.KEY_FILE)
    descriptor = key_box.read(data_dir)
    found = _opened(data_dir, descriptor, ask)
    if _left_over(data_dir, descriptor):
        with suppress(LedgerBusy, ConfigError):
            lock = InstanceLock(data_dir / LOCK_FILE)
            try:
                _tidy(data_dir, found)
            finally:
                lock.release()
    return found


def key_for(file: Path, ask: Ask | None = None) -> LedgerKey:
    """The key of a ledger's file, from `key_near` it.

    Raises:
        ConfigError, LedgerKeyWrong: as `key_of`.
    """
    return key_of(key_near(file) or file.absolute().parent, ask)


def key_near(file: Path) -> Path | None:
    """The folder whose key is a file's: its own, or the one above (archived epochs, copies in the data directory).

    None where neither has a key.
    """
    beside = file.absolute().parent
    return next((folder for folder in (beside, beside.parent) if _has_key(folder)), None)


def held_tier(data_dir: Path) -> Tier | None:
    """The rung of the key that this directory has already; None when it has none. The rung itself is not asked.

    Raises:
        ConfigError, LedgerKeyWrong: the descriptor cannot be read.
    """
    descriptor = key_box.read(data_dir)
    if descriptor is not None:
        return descriptor.held.tier
    return Tier.KEY_FILE if _has_key(data_dir) else None


def make_key(data_dir: Path, tier: Tier, ask: Ask | None = None) -> LedgerKey:
    """New secrets for a new ledger, held by this rung.

    Raises:
        ConfigError: the rung is not to be had here (`key_rung`, `no_passphrase`, `short_passphrase`), a key or a
            ledger is there already (`enrolled`), or a directory that cannot be used.
    """
    if _has_key(data_dir) or (data_dir / LEDGER_FILE).exists():
        raise ConfigError(f"{data_dir.name} has a key already", reason="enrolled")
    secret = secrets.token_bytes(KEY_BYTES)
    if tier is Tier.KEY_FILE:
        key_file.write(data_dir, secret)
        return _key(secret, tier)
    both = secret + secrets.token_bytes(KEY_BYTES)
    _settle(data_dir, both, tier, ask, ())
    return _key(both, tier)


def best_tier(*, with_person: bool) -> Tier:
    """The highest rung that can be had here; a passphrase only where there is somebody to give it."""
    for tier in (Tier.TPM, Tier.OS_STORE):
        if not unavailable(tier):
            return tier
    return Tier.PASSPHRASE if with_person or key_passphrase.in_file() else Tier.KEY_FILE


def unavailable(tier: Tier) -> str:
    """Why a rung cannot be had on this machine, for a developer; empty when it can."""
    if tier is Tier.TPM:
        return key_tpm.available()
    return key_store.available() if tier is Tier.OS_STORE else ""


def rekey(data_dir: Path, tier: Tier, ask: Ask | None = None) -> LedgerKey:
    """Move the secrets of a ledger that is not in use to another rung, or renew this one; destroy the old wrapping.

    The database key stays: no page is written anew. At any moment a power cut leaves one whole way to open the
    ledger; what was to be destroyed is destroyed at the next opening. Whoever read an old key *file* still has the
    key: then enrol anew.

    Raises:
        LedgerBusy: the till runs.
        ConfigError, LedgerKeyWrong: as `key_of` and `make_key`, or a key file of another ledger is in the way
            (`key_rung`); the old rung is in force.
    """
    lock = InstanceLock(data_dir / LOCK_FILE)
    try:
        found = _opened(data_dir, key_box.read(data_dir), ask)
        connect(data_dir / LEDGER_FILE, found.secret, query_only=True).close()
        _tidy(data_dir, found)
        before = key_box.read(data_dir)
        if found.tier != Tier.KEY_FILE and (data_dir / KEY_FILE).exists():
            raise ConfigError(f"{KEY_FILE} holds the key of another ledger", reason="key_rung")
        retired = (Held(Tier.KEY_FILE),) if before is None else (*before.retired, before.held)
        if tier is Tier.KEY_FILE:
            both = found.secret if found.pepper == found.derived else found.secret + found.pepper
            key_file.write(data_dir, both)
            if before is not None:
                key_box.write(data_dir, Descriptor(key_box.VERSION, Held(tier), retired=retired))
        else:
            fresh = found.pepper == found.derived
            both = found.secret + (secrets.token_bytes(KEY_BYTES) if fresh else found.pepper)
            _settle(data_dir, both, tier, ask, retired)
        after = _key(both, tier)
        _tidy(data_dir, after)
        return after
    finally:
        lock.release()


def left_over(data_dir: Path) -> bool:
    """Whether a wrapping that is no longer in force still waits to be destroyed (its store could not be reached)."""
    return _left_over(data_dir, key_box.read(data_dir))


def destroy_key(data_dir: Path) -> None:
    """Destroy every wrapping in this directory: what it opened is gone for good. As far as the rungs can be reached."""
    descriptor = key_box.read(data_dir)
    if descriptor is not None:
        for held in (*descriptor.retired, descriptor.held):
            _forget(held)
    with suppress(OSError):
        for name in (DESCRIPTOR_FILE, KEY_FILE):
            key_file.destroy(data_dir / name)
        for draft in _drafts(data_dir):
            key_file.erase(draft)


def _has_key(data_dir: Path) -> bool:
    return any((data_dir / name).exists() for name in (DESCRIPTOR_FILE, KEY_FILE))


def _key(both: bytes, tier: Tier) -> LedgerKey:
    secret, pepper = both[:KEY_BYTES], both[KEY_BYTES:]
    alone = LedgerKey(secret, tier, b"")
    return alone._replace(pepper=pepper or alone.derived)


def _opened(data_dir: Path, descriptor: Descriptor | None, ask: Ask | None) -> LedgerKey:
    if descriptor is None or descriptor.held.tier is Tier.KEY_FILE:
        return _key(key_file.read(data_dir), Tier.KEY_FILE)
    try:
        for wrapping in _wrapping_keys(descriptor.held, ask):
            both = key_box.unwrap(descriptor, wrapping)
            if both is not None:
                return _key(both, descriptor.held.tier)
    except (KeyError, ValueError) as error:
        raise LedgerKeyWrong(DESCRIPTOR_FILE, reason="descriptor") from error
    raise LedgerKeyWrong(DESCRIPTOR_FILE, reason="descriptor")


def _wrapping_keys(held: Held, ask: Ask | None) -> Iterator[bytes]:
    """What the rung gives: one key, or one for each passphrase that is tried until somebody gives up."""
    if held.tier is Tier.TPM:
        yield key_tpm.recall(held.facts)
    elif held.tier is Tier.OS_STORE:
        yield key_store.recall(held.facts)
    else:
        question = Question.OPEN
        while True:
            yield key_passphrase.stretch(key_passphrase.answer(question, ask), held.facts)
            question = Question.WRONG


def _settle(data_dir: Path, both: bytes, tier: Tier, ask: Ask | None, retired: tuple[Held, ...]) -> None:
    """Wrap the secrets under a new wrapping key of this rung, and write the descriptor once the rung gave it back."""
    wrapping = secrets.token_bytes(KEY_BYTES)
    if tier is Tier.TPM:
        held = Held(tier, key_tpm.seal(wrapping))
    elif tier is Tier.OS_STORE:
        held = Held(tier, key_store.keep(wrapping))
    else:
        held = Held(tier, key_passphrase.fresh())
        wrapping = key_passphrase.stretch(key_passphrase.answer(Question.NEW, ask), held.facts)
    if tier is not Tier.PASSPHRASE and next(_wrapping_keys(held, ask)) != wrapping:
        raise ConfigError(f"{tier} gave something else back", reason="key_rung")
    # If this fails, the rung may keep a wrapping key that wraps nothing. To take it back would be to guess that the
    # descriptor did not arrive.
    key_box.write(data_dir, key_box.wrap(both, wrapping, held, retired))


def _forget(held: Held) -> bool:
    """Destroy a wrapping key; False when it cannot be reached now. The TPM's and the passphrase's lie in the box."""
    return held.tier is not Tier.OS_STORE or key_store.forget(held.facts)


def _left_over(data_dir: Path, descriptor: Descriptor | None) -> bool:
    if _drafts(data_dir):
        return True
    if descriptor is None:
        return False
    below = descriptor.held.tier is not Tier.KEY_FILE and (data_dir / KEY_FILE).exists()
    return below or bool(descriptor.retired)


def _drafts(data_dir: Path) -> list[Path]:
    return [left for name in (KEY_FILE, DESCRIPTOR_FILE) for left in key_file.drafts(data_dir / name)]


def _tidy(data_dir: Path, found: LedgerKey) -> None:
    """Destroy what is no longer in force. Under the ledger's lock: a rekey under way looks like this half-way.

    A key file beside another rung's descriptor is ours only when it holds the same key.
    """
    descriptor = key_box.read(data_dir)
    with suppress(OSError):
        for draft in _drafts(data_dir):
            key_file.erase(draft)
    if descriptor is None:
        return
    below = descriptor.held.tier is not Tier.KEY_FILE
    if below and (data_dir / KEY_FILE).exists():
        with suppress(OSError, ConfigError, LedgerKeyWrong):
            if key_file.read(data_dir)[:KEY_BYTES] == found.secret:
                key_file.destroy(data_dir / KEY_FILE)
    waiting = tuple(held for held in descriptor.retired if not _forget(held))
    if below or waiting:
        if waiting != descriptor.retired:
            key_box.write(data_dir, Descriptor(descriptor.version, descriptor.held, descriptor.box, waiting))
    else:
        with suppress(OSError):
            (data_dir / DESCRIPTOR_FILE).unlink()  # there is no secret in it, and the key file alone says the same
            sync_directory(data_dir)
