"""Officers who sign: two of them free what a lost kiosk still held, and nothing else ever does (sync.md section 1).

Two of them also say which of two journals of one kiosk stands (`forks`).

An officer's key is a file of its own, made once; the city's database knows the public half. What two officers signed is
kept, with the place in the journal up to which the city knew the kiosk when they did.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from ewarung_city import accounts, forks, leases
from ewarung_city.forks import RELEASED, Released
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.errors import ConfigError, NotEntitled
from ewarung_pos.sync.signing import new_key, public_of, sign, verify

__all__ = [
    "Signed",
    "declare_lost",
    "drop_key",
    "freeze",
    "has_keys",
    "lost_text",
    "register_officer",
    "release",
    "sign_lost",
    "sign_release",
]

_OFFICER = "officer|"
"""Settings `officer|NAME`: the public key (hex) of an officer; empty once it was dropped."""
_SIGNED = "signed|"
"""Settings `signed|DEVICE|EPOCH`: what the officers signed that declared that enrolment lost (JSON)."""


class Signed(msgspec.Struct, frozen=True):
    """An officer's word: name, the text that was signed, and the Ed25519 signature (hex)."""

    officer: str
    text: str
    signature: str


def register_officer(tx: Tx, name: str, file: Path) -> str:
    """Make an officer's key in a new file that only its owner can read; returns the public half (hex).

    Raises:
        ConfigError: the file is there already or cannot be written (`officer_file`), or the officer has a key already
            (`officer_twice`).
    """
    name = name.strip()
    if not name or tx.setting(_OFFICER + name):
        what = f"{name} has a key: if it is lost, an administrator drops it (`officer drop-key`)" if name else "no name"
        raise ConfigError(what, reason="officer_twice")
    key = new_key()
    try:
        with open(file, "x", opener=lambda path, flags: os.open(path, flags, 0o600), encoding="ascii") as out:
            out.write(key.hex() + "\n")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", reason="officer_file") from error
    public = public_of(key).hex()
    tx.set(_OFFICER + name, public)
    return public


def drop_key(tx: Tx, name: str) -> None:
    """This officer's key was lost, or is in other hands: it signs nothing from now on, and she may make another.

    What was signed with it before stands.

    Raises:
        ConfigError: she has no key (`officer_no_key`).
    """
    if not tx.setting(_OFFICER + name):
        raise ConfigError(f"{name}: has no key", reason="officer_no_key")
    tx.set(_OFFICER + name, "")


def has_keys(tx: Tx) -> bool:
    """Whether any officer of this city ever had a key: then two names alone sign nothing."""
    return bool(tx.starting(schema.city, "name", _OFFICER))


def freeze(tx: Tx, device: str) -> int:
    """From now on this kiosk gets nothing and what it sends is kept aside: it was lost. Returns the frozen epoch.

    What it holds stays where it is until two officers declare it lost, or it is found and enrolled again.

    Raises:
        NotEntitled: no enrolment of it is active.
    """
    active = tx.all(schema.epoch, device=device, state="active")
    if not active:
        raise NotEntitled(f"{device} has no active enrolment", reason="not_active")
    tx.change(schema.epoch, {"state": "frozen"}, device=device, state="active")
    return int(active[0]["epoch"])


def lost_text(tx: Tx, device: str, epoch: int) -> str:
    """What an officer signs: which enrolment will never spend again, and how far the city knows its journal.

    Raises:
        NotEntitled: no such enrolment.
    """
    held = tx.one(schema.epoch, device=device, epoch=epoch)
    if held is None:
        raise NotEntitled(f"no enrolment {device}/{epoch}", reason="unknown_kiosk")
    return f"lost|{device}|{epoch}|{held['acked_seq']}|{held['acked_hash']}"


def sign_lost(tx: Tx, device: str, epoch: int, officer: str, file: Path) -> Signed:
    """Sign with the key in that file.

    Raises:
        ConfigError: the file holds no key (`officer_file`).
        NotEntitled: no such enrolment.
    """
    return _sign(lost_text(tx, device, epoch), officer, file)


def sign_release(tx: Tx, device: str, epoch: int, officer: str, file: Path) -> Signed:
    """Sign with the key in that file which journal of a kiosk stands (`forks.release_text`).

    Raises:
        ConfigError: the file holds no key (`officer_file`).
        NotEntitled: nothing is to be decided there.
    """
    return _sign(forks.release_text(tx, device, epoch), officer, file)


def _sign(text: str, officer: str, file: Path) -> Signed:
    try:
        return Signed(officer, text, sign(bytes.fromhex(file.read_text(encoding="ascii").strip()), text.encode()).hex())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: no officer's key", reason="officer_file") from error


def declare_lost(tx: Tx, device: str, epoch: int, signed: Iterable[Signed]) -> int:
    """Two officers signed that this enrolment will never spend again; returns the number of leases released.

    Raises:
        NotEntitled: a signature is none of that officer's over just this (`bad_signature`), fewer than two officers
            with two keys signed (`second_person`), or the enrolment is still active (`not_frozen`).
    """
    words = _two_words(tx, lost_text(tx, device, epoch), signed, "two officers sign that a kiosk is lost")
    released = leases.declare_lost(tx, device, epoch, words)
    tx.set(f"{_SIGNED}{device}|{epoch}", _kept(words))
    return released


def release(tx: Tx, device: str, epoch: int, signed: Iterable[Signed], by: str, why: str, now_ms: int) -> Released:
    """Two officers signed which journal of a stopped kiosk stands; it may be granted to again (`forks.release`).

    Raises:
        ConfigError: no reason.
        NotEntitled: a signature is none of that officer's over just this (`bad_signature`), fewer than two officers
            with two keys signed (`second_person`), or nothing is to be decided there.
    """
    text = forks.release_text(tx, device, epoch)
    words = _two_words(tx, text, signed, "two officers sign which journal of a kiosk stands")
    done = forks.release(tx, device, epoch, words, by, why, now_ms)
    tx.set(f"{RELEASED}{device}|{epoch}|{done.acked_seq}", _kept(words))
    return done


def _kept(words: Mapping[str, Signed]) -> str:
    return msgspec.json.encode(list(words.values())).decode()


def _two_words(tx: Tx, text: str, signed: Iterable[Signed], else_: str) -> Mapping[str, Signed]:
    """By officer, what two of them or more signed with keys of their own."""
    words: Mapping[str, Signed] = {word.officer: word for word in signed}
    keys = set()
    for word in words.values():
        key = tx.setting(_OFFICER + word.officer)
        sound = word.text == text and bool(key) and accounts.is_at_work(tx, word.officer)
        if not sound or not verify(bytes.fromhex(key), text.encode(), bytes.fromhex(word.signature)):
            raise NotEntitled(f"{word.officer}: not a registered officer's signature", reason="bad_signature")
        keys.add(key)
    if len(keys) < 2:
        raise NotEntitled(else_, reason="second_person")
    return words
