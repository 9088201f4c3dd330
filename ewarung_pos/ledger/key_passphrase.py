"""The third rung: a passphrase that somebody gives at each start, stretched by Argon2id into the wrapping key."""

from __future__ import annotations

import os
import secrets
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from ewarung_pos.errors import ConfigError, LedgerKeyWrong
from ewarung_pos.ledger.key_file import read_private

__all__ = ["LEAST", "Ask", "Question", "answer", "fresh", "in_file", "stretch"]

LEAST = 10
"""Characters of a new passphrase: with this stretching, ten at random are beyond a thief; a common phrase is not."""

PASSPHRASE_FILE = "EWARUNG_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
"""Names a file (0600) with the passphrase, for an account without a person: a service."""

MEMORY_KIB, PASSES, LANES = 65_536, 3, 4
_MOST_KIB, _MOST_PASSES, _MOST_LANES = 1_048_576, 16, 16


class Question(StrEnum):
    """What is asked of whoever knows the passphrase."""

    OPEN = "open"
    WRONG = "wrong"
    NEW = "new"


Ask = Callable[[Question], str]
"""Asks a person. Raises ConfigError (`no_passphrase`) when she gives up or nobody is there."""


def in_file() -> bool:
    """Whether the environment names a file with the passphrase."""
    return bool(os.environ.get(PASSPHRASE_FILE))


def answer(question: Question, ask: Ask | None) -> str:
    """The passphrase out of the file that the environment names, or from a person.

    Raises:
        ConfigError: nobody to ask (`no_passphrase`), or a file that cannot be used (`key_exposed`, `no_key`).
        LedgerKeyWrong: what the file said was wrong (`passphrase`): it would say the same again.
    """
    named = os.environ.get(PASSPHRASE_FILE)
    if named:
        if question is Question.WRONG:
            raise LedgerKeyWrong(PASSPHRASE_FILE, reason="passphrase")
        said = read_private(Path(named)).decode("utf-8", "replace").split("\n", 1)[0].rstrip("\r")
    elif ask is None:
        raise ConfigError(reason="no_passphrase")
    else:
        said = ask(question)
    if question is Question.NEW and len(said) < LEAST:
        raise ConfigError(f"{len(said)} characters, expected at least {LEAST}", reason="short_passphrase")
    return said


def fresh() -> dict[str, str]:
    """A new salt with the cost of today; kept beside what it wraps."""
    return {
        "salt": secrets.token_hex(16),
        "memory_kib": str(MEMORY_KIB),
        "passes": str(PASSES),
        "lanes": str(LANES),
    }


def stretch(passphrase: str, facts: dict[str, str]) -> bytes:
    """32 bytes out of a passphrase. The same letters count as the same, however the keyboard composed them.

    Raises:
        LedgerKeyWrong: a cost outside of what any version wrote (`descriptor`).
    """
    from argon2.low_level import Type, hash_secret_raw

    memory, passes, lanes = (int(facts[name]) for name in ("memory_kib", "passes", "lanes"))
    if not (8 * lanes <= memory <= _MOST_KIB and 1 <= passes <= _MOST_PASSES and 1 <= lanes <= _MOST_LANES):
        raise LedgerKeyWrong("cost", reason="descriptor")
    return hash_secret_raw(
        unicodedata.normalize("NFC", passphrase).encode(),
        bytes.fromhex(facts["salt"]),
        time_cost=passes,
        memory_cost=memory,
        parallelism=lanes,
        hash_len=32,
        type=Type.ID,
    )
