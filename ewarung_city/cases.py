"""Whose a case is, and what became of it: open, answered by the kiosk, closed by a person who says why.

A case is one thing to look at, and its history is only ever added to: each step says who took it, when and why. The
case's own row holds where it stands now.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.errors import ConfigError, NotEntitled

__all__ = [
    "ANSWERED",
    "CLOSED",
    "OPEN",
    "Case",
    "Step",
    "history",
    "is_there",
    "left_by",
    "open_once",
    "owner_of_new",
    "set_owner_of_new",
    "take_step",
]

OPEN, ANSWERED, CLOSED = "open", "answered", "closed"

_FROM = {"assigned": (OPEN, ANSWERED), ANSWERED: (OPEN,), CLOSED: (OPEN, ANSWERED), "reopened": (ANSWERED, CLOSED)}
"""What may be done with a case, and in which states."""

_TO = {ANSWERED: ANSWERED, CLOSED: CLOSED, "reopened": OPEN}

_OWNER = "case_owner|"
"""Settings `case_owner|DEVICE`: whose the new cases of a kiosk are; of every other kiosk's without one."""

_NAME_LETTERS = 80
_WHY_LETTERS = 500
_LONG_NUMBER = re.compile(r"(?:\d[ ./-]?){8}")
"""Of a card, a family or a person: none belongs into what everybody may read of a case."""


class Case(msgspec.Struct, frozen=True):
    """Which case: the entry, or the place, and why it was opened."""

    device: str
    epoch: int
    seq: int
    reason: str


class Step(msgspec.Struct, frozen=True):
    """One step of a case's history.

    Attributes:
        step: from 1.
        did: assigned, answered, closed or reopened.
        officer: who did it.
        owner: whose the case is from then on.
        why: in words; empty only for `assigned`.
        at_ms: the city's time.
    """

    step: int
    did: str
    officer: str
    owner: str
    why: str
    at_ms: int


def owner_of_new(tx: Tx, device: str) -> str:
    """Whose a case of that kiosk is when it opens; empty while nobody was named."""
    return tx.setting(_OWNER + device) or tx.setting(_OWNER)


def open_once(tx: Tx, device: str, epoch: int, seq: int, reason: str, now_ms: int) -> str:
    """A person should look at this, once: a kiosk repeats what was not taken. Its state before; empty of a new one."""
    key = {"device": device, "epoch": epoch, "seq": seq, "reason": reason}
    held = tx.one(schema.case, **key)
    if held is not None:
        return str(held["state"])
    tx.add(schema.case, [{**key, "state": OPEN, "owner": owner_of_new(tx, device), "opened_ms": now_ms}])
    return ""


def set_owner_of_new(tx: Tx, officer: str, by: str, now_ms: int, device: str = "") -> int:
    """New cases (of that kiosk) are hers; so are those that are open and nobody's. How many of these there were.

    Raises:
        ConfigError: no name of a person (`officer_name`).
        NotEntitled: no such kiosk (`unknown_kiosk`).
    """
    name = _name(officer)
    if device and tx.one(schema.kiosk, device=device) is None:
        raise NotEntitled(f"no kiosk {device}", reason="unknown_kiosk")
    tx.set(_OWNER + device, name)
    where = {"device": device} if device else {}
    nobodys = [row for row in tx.all(schema.case, owner="", **where) if row["state"] != CLOSED]
    mine = [row for row in nobodys if device or not tx.setting(_OWNER + row["device"])]
    for row in mine:
        take_step(tx, _case_of(row), "assigned", by, "", now_ms, name)
    return len(mine)


def left_by(tx: Tx, officer: str) -> tuple[int, tuple[str, ...]]:
    """(how many cases that are not closed are hers, the kiosks whose new cases will be; `*` is all others')."""
    held = sum(row["state"] != CLOSED for row in tx.all(schema.case, owner=officer))
    rows = tx.starting(schema.city, "name", _OWNER, "name")
    new = (str(row["name"]).removeprefix(_OWNER) or "*" for row in rows if row["value"] == officer)
    return held, tuple(new)


def take_step(tx: Tx, case: Case, did: str, officer: str, why: str, now_ms: int, owner: str = "") -> Step:
    """Do something with a case, and write it down.

    Args:
        tx: a write transaction.
        case: which.
        did: `assigned` (to `owner`), `answered`, `closed` or `reopened`.
        officer: who does it.
        why: what was found, or said; may be empty when it is only assigned.
        now_ms: the city's time.
        owner: whose it is from now on; as before if empty, and whoever does it if it was nobody's.

    Raises:
        ConfigError: a name that is none (`officer_name`), no reason, one that is too long or has somebody's number in
            it (`case_why`).
        NotEntitled: no such case (`unknown_case`), or it is in no state for that (`case_state`).
    """
    name, said = _name(officer), why.strip()
    if len(said) > _WHY_LETTERS or _LONG_NUMBER.search(said) or not (said or did == "assigned"):
        raise ConfigError(f"say why, in up to {_WHY_LETTERS} letters and without anybody's number", reason="case_why")
    row = tx.one(schema.case, **_key(case))
    if row is None:
        raise NotEntitled(f"no case {case.reason} at {case.device}/{case.epoch}/{case.seq}", reason="unknown_case")
    if row["state"] not in _FROM[did]:
        raise NotEntitled(f"the case is {row['state']}", reason="case_state")
    whose = _name(owner) if owner else str(row["owner"]) or name
    done = Step(len(history(tx, case)) + 1, did, name, whose, said, now_ms)
    tx.add(schema.case_step, [{**_key(case), **msgspec.structs.asdict(done)}])
    tx.change(schema.case, {"owner": whose, "state": _TO.get(did, row["state"])}, **_key(case))
    return done


def is_there(tx: Tx, case: Case) -> bool:
    """Whether such a case was ever opened."""
    return tx.one(schema.case, **_key(case)) is not None


def history(tx: Tx, case: Case) -> list[Step]:
    """What was done with a case, in order."""
    rows = tx.all(schema.case_step, "step", **_key(case))
    return [Step(**{name: row[name] for name in Step.__struct_fields__}) for row in rows]


def _case_of(row: Row) -> Case:
    return Case(row["device"], int(row["epoch"]), int(row["seq"]), row["reason"])


def _key(case: Case) -> dict[str, Any]:
    return msgspec.structs.asdict(case)


def _name(said: str) -> str:
    name = " ".join(said.split())
    if not any(map(str.isalpha, name)) or len(name) > _NAME_LETTERS or _LONG_NUMBER.search(name):
        raise ConfigError(f"{name or 'nobody'}: not the name of an officer", reason="officer_name")
    return name
