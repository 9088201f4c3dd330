"""Officers: who may act for the city, as what, and where; proved by a passphrase.

As long as there is no officer, whoever has the server's own account acts, as an administrator and under its name.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from ewarung_city.pins import COST
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Row, Tx
from ewarung_pos.errors import ConfigError, NotAuthorised
from ewarung_pos.sync.signing import new_code

__all__ = [
    "LEAST",
    "Officer",
    "Right",
    "Role",
    "add",
    "any_officer",
    "is_at_work",
    "listed",
    "must_be_for_practice",
    "renew",
    "set_passphrase",
    "set_state",
    "sign_in",
]

LEAST = 12
"""Characters of a passphrase that an officer chooses."""

_FREE_TRIES = 3
_LONGEST_WAIT_MS = 15 * 60_000
_NAME = re.compile(r"[^\W\d_][\w .,'-]{0,59}")
_NUMBER = re.compile(r"(?:\d[ .-]?){6}")


class Role(StrEnum):
    """What an officer is to the city."""

    ADMIN = "admin"
    OFFICER = "officer"
    AUDITOR = "auditor"
    VIEWER = "viewer"


class Right(StrEnum):
    """What a command asks for."""

    MANAGE = "manage"
    ACT = "act"
    LOOK_UP = "look_up"
    AUDIT = "audit"
    EVIDENCE = "evidence"
    FIGURES = "figures"


_MAY = {
    Role.ADMIN: frozenset(Right),
    Role.OFFICER: frozenset({Right.ACT, Right.LOOK_UP, Right.EVIDENCE, Right.FIGURES}),
    Role.AUDITOR: frozenset({Right.LOOK_UP, Right.AUDIT, Right.EVIDENCE, Right.FIGURES}),
    Role.VIEWER: frozenset({Right.FIGURES}),
}


class Officer(msgspec.Struct, frozen=True):
    """Who acts. `region` is the beginning of the codes of the kelurahan that are theirs; empty for the whole city.

    `state` is `new` (has not chosen a passphrase yet, and may do nothing else), `active` or `locked`.
    """

    name: str
    role: Role
    region: str = ""
    state: str = "active"

    def may(self, right: Right) -> bool:
        """Whether the role has this right."""
        return right in _MAY[self.role]

    def covers(self, kelurahan_code: str) -> bool:
        """Whether that kelurahan is theirs."""
        return not self.region or f"{kelurahan_code}.".startswith(f"{self.region}.")


def any_officer(tx: Tx) -> bool:
    """Whether this city has officers: then nobody acts without being one."""
    return tx.count(schema.officer) > 0


def must_be_for_practice(tx: Tx) -> None:
    """See to it that nobody practises in a city where officers work.

    Raises:
        ConfigError: it has officers (`real_city`).
    """
    if any_officer(tx):
        raise ConfigError("a city that has officers is not one to practise with", reason="real_city")


def is_at_work(tx: Tx, name: str) -> bool:
    """Whether that is an officer who is not locked; anybody is, where there are no officers."""
    row = tx.one(schema.officer, name=name)
    return row["state"] != "locked" if row is not None else not any_officer(tx)


def listed(tx: Tx) -> list[Officer]:
    """All, by name."""
    return [_officer(row) for row in tx.all(schema.officer, "name")]


def _officer(row: Row) -> Officer:
    return Officer(row["name"], Role(row["role"]), row["region"], row["state"])


def add(tx: Tx, name: str, role: Role, region: str = "") -> str:
    """A new officer; returns the passphrase, to be told to one person and replaced by her.

    Raises:
        ConfigError: the name is taken or none (`officer_name`), there is no such kelurahan or kecamatan (`region`), or
            the first one would not be an administrator of the whole city (`first_admin`).
    """
    spaced = name != " ".join(name.split())  # cases and keys know her by the name without
    if not _NAME.fullmatch(name) or spaced or _NUMBER.search(name) or tx.one(schema.officer, name=name) is not None:
        raise ConfigError("the name is taken, or no name (letters first, single spaces)", reason="officer_name")
    if not any_officer(tx) and (role is not Role.ADMIN or region):
        raise ConfigError("the first officer is an administrator of the whole city", reason="first_admin")
    made = Officer(name, role, region, "new")
    if region and not any(made.covers(row["kelurahan_code"]) for row in tx.all(schema.region)):
        raise ConfigError(f"{region}: no kelurahan of this city has a code that begins so", reason="region")
    if not any_officer(tx):  # nobody practises here any more
        tx.change(schema.code, {"state": "dead", "secret": b""}, auto=1, state="open")
    said = new_code()
    row = {"name": name, "role": role.value, "region": region, "state": "new"}
    tx.add(schema.officer, [{**row, "secret": _hashed(said), "tries": 0, "tried_ms": 0}])
    return said


def renew(tx: Tx, name: str, only: Role | None = None) -> str:
    """A new passphrase for somebody who forgot hers; returns it, to be told to her and replaced by her.

    Raises:
        NotAuthorised: no such officer (`officer_unknown`), or not of that role (`role`).
    """
    row = _row(tx, name)
    if only is not None and row["role"] != only:
        raise NotAuthorised(f"{name} is no {only}", reason="role")
    said = new_code()
    state = "locked" if row["state"] == "locked" else "new"
    tx.change(schema.officer, {"secret": _hashed(said), "tries": 0, "tried_ms": 0, "state": state}, name=name)
    return said


def set_passphrase(tx: Tx, name: str, chosen: str) -> None:
    """An officer chose her own.

    Raises:
        ConfigError: it is too short (`passphrase_short`), or the one that she was given or had (`passphrase_same`).
        NotAuthorised: no such officer, or locked meanwhile.
    """
    if len(chosen) < LEAST:
        raise ConfigError(f"a passphrase has {LEAST} characters or more", reason="passphrase_short")
    held = _row(tx, name)
    if held["state"] == "locked":
        raise NotAuthorised(f"{name} is locked", reason="officer_locked")
    if _fits(held["secret"], chosen):
        raise ConfigError("that is the passphrase that you were given or had: choose another", reason="passphrase_same")
    tx.change(schema.officer, {"secret": _hashed(chosen), "state": "active"}, name=name)


def set_state(tx: Tx, name: str, *, locked: bool) -> None:
    """Lock an officer, or let her in again with the passphrase that she had, which she then replaces.

    Raises:
        NotAuthorised: no such officer, or nobody could manage the city any more (`last_admin`).
    """
    row = _row(tx, name)
    others = [one for one in listed(tx) if one.role is Role.ADMIN and one.state == "active" and one.name != name]
    if locked and row["role"] == Role.ADMIN and not others:
        raise NotAuthorised(f"{name} is the last administrator", reason="last_admin")
    if (row["state"] == "locked") is not locked:
        tx.change(schema.officer, {"state": "locked" if locked else "new", "tries": 0, "tried_ms": 0}, name=name)


def _row(tx: Tx, name: str) -> Row:
    row = tx.one(schema.officer, name=name)
    if row is None:
        raise NotAuthorised("no such officer", reason="officer_unknown")
    return row


def sign_in(store: CityStore, name: str, passphrase: str, now_ms: int) -> Officer:
    """Whose passphrase that is. After three wrong ones each next try waits, twice as long each time, up to 15 minutes.

    Raises:
        NotAuthorised: not hers, or no such officer (`passphrase`), a wait is not over (`officer_waits`), or locked.
    """
    row = store.turn(f"officer {name}", lambda tx: _tried(tx, name, now_ms))
    right = _fits(row["secret"] if row is not None else "", passphrase)
    if row is None or not right:
        raise NotAuthorised("not the passphrase of an officer of this city", reason="passphrase")
    if row["state"] == "locked":
        raise NotAuthorised(f"{name} is locked", reason="officer_locked")
    store.turn(f"officer {name}", lambda tx: tx.change(schema.officer, {"tries": 0}, name=name))
    return _officer(row)


def _tried(tx: Tx, name: str, now_ms: int) -> Row | None:
    """Count the try before it is looked at: many at once are many tries."""
    row = tx.one(schema.officer, name=name)
    if row is None:
        return None
    over = int(row["tries"]) - _FREE_TRIES
    wait_ms = min(1000 << min(over, 20), _LONGEST_WAIT_MS) if over >= 0 else 0
    if abs(now_ms - int(row["tried_ms"])) < wait_ms:
        raise NotAuthorised(f"{name}: wait {wait_ms // 1000} s after a wrong passphrase", reason="officer_waits")
    tx.change(schema.officer, {"tries": int(row["tries"]) + 1, "tried_ms": now_ms}, name=name)
    return row


def _hashed(passphrase: str) -> str:
    from argon2 import PasswordHasher

    passes, memory, lanes = COST
    return PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes).hash(passphrase)


def _fits(secret: str, passphrase: str) -> bool:
    """Takes as long for somebody who does not exist."""
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    if not secret:
        return not _hashed(passphrase)
    try:
        return PasswordHasher().verify(secret, passphrase)
    except VerificationError:
        return False
