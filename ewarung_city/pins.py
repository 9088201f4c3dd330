"""New PINs: for who has none yet, has forgotten hers, or is locked out and has nobody at the kiosk to open her.

The till takes a new one with its next page of the feed, and opens the account that wrong ones locked.
"""

from __future__ import annotations

import secrets

import msgspec

from ewarung_city import feed
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.errors import NotAuthorised, NotEntitled

__all__ = ["COST", "Member", "NewPin", "members", "reset"]

COST = (3, 65_536, 4)
"""Argon2id's passes, KiB and lanes: the till's own, which it makes of it after the first right entry."""

_SIGN_IN = ("kasir", "ketua")


class Member(msgspec.Struct, frozen=True):
    """Somebody who may sign in at a kiosk."""

    code: str
    name: str
    role: str
    has_pin: bool


class NewPin(msgspec.Struct, frozen=True):
    """To be told to one person; the city keeps its hash only."""

    kiosk: str
    code: str
    name: str
    pin: str


def members(tx: Tx, device: str) -> list[Member]:
    """Who may sign in at a kiosk, by code.

    Raises:
        NotEntitled: no such kiosk.
    """
    if tx.one(schema.kiosk, device=device) is None:
        raise NotEntitled(f"no kiosk {device}", reason="unknown_kiosk")
    return [
        Member(row["code"], row["name"], row["role"], bool(row["pin_hash"]))
        for row in tx.all(schema.operator, "code", device=device)
        if row["active"] and row["role"] in _SIGN_IN
    ]


def reset(tx: Tx, device: str, code: str) -> NewPin:
    """Give a member a new PIN; the one before is dead as soon as the till has heard of it.

    Raises:
        NotEntitled: no such kiosk.
        NotAuthorised: nobody at work there has this code (`unknown_operator`), or only looks on (`role`).
    """
    found = next((one for one in members(tx, device) if one.code == code), None)
    if found is None:
        held = tx.one(schema.operator, device=device, code=code)
        looks_on = held is not None and bool(held["active"])
        raise NotAuthorised(
            f"{code} at {device}: " + ("a companion has no PIN" if looks_on else "no such member"),
            reason="role" if looks_on else "unknown_operator",
        )
    from argon2 import PasswordHasher

    passes, memory, lanes = COST
    pin = f"{secrets.randbelow(1_000_000):06d}"
    hashed = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes).hash(pin)
    tx.change(schema.operator, {"pin_hash": hashed}, device=device, code=code)
    feed.tell(tx, device, [("operator", code)])
    return NewPin(device, code, found.name, pin)
