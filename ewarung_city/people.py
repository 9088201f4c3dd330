"""Who works at a kiosk, by the kiosks' list and by the descriptions in the catalogue file.

Who is on the list no more goes inactive at the till with its next page: she signs in nowhere, and her entries keep
their name. Nobody is ever removed, for a till forgets no one whom it was told of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ewarung_city import feed
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.state import OperatorRecord

__all__ = ["Named", "describe_again", "described", "listed", "named_in", "told_apart"]

_ROLES = ("kasir", "ketua", "pendamping")
_LEADER = "ketua"

Named = tuple[str, str]
"""A person on the list: (name, role by her place on it)."""


def described(tx: Tx) -> dict[str, OperatorRecord]:
    """By name: those whom the catalogue file describes."""
    people = msgspec.json.decode(tx.setting("people") or "[]", type=tuple[OperatorRecord, ...])
    return {person.name: person for person in people}


def named_in(cell: str) -> list[Named]:
    """The people of a kiosks' list's cell, in the order kasir, ketua, pendamping; a place may be left empty."""
    places = [name.strip() for name in cell.split(";")]
    return [(name, _ROLES[min(place, len(_ROLES) - 1)]) for place, name in enumerate(places) if name]


def told_apart(named: list[Named], known: Mapping[str, OperatorRecord]) -> bool:
    """Whether each has a code of her own: who shares one would take the other's place, and role."""
    codes = [_code_of(name, known) for name, _ in named]
    return all(codes) and len(set(codes)) == len(codes)


def listed(tx: Tx, device: str, named: list[Named], known: Mapping[str, OperatorRecord]) -> tuple[str, ...]:
    """These are the kiosk's people, and nobody else; an empty list says nothing of them.

    Returns:
        What a person should know: `person_left` for each who goes inactive, `role_changed` for each whose place on the
        list gives another role than before, `leader_left` when nobody with a PIN can act as leader any more, and
        `people_unnamed` where the list names none.
    """
    if not named:
        return ("people_unnamed",) if tx.count(schema.operator, device=device, active=1) else ()
    led = _leaders(tx, device)
    before = {row["code"]: row for row in tx.all(schema.operator, device=device) if row["active"]}
    _describe(tx, device, named, known, keep_roles=False)
    staying = {_code_of(name, known) for name, _ in named}
    gone = [{**row, "active": 0} for code, row in before.items() if code not in staying]
    _put(tx, device, gone)
    now = {row["code"]: row for row in tx.all(schema.operator, device=device)}
    names = {name for name, _ in named}
    notes = ["person_left" for row in gone if row["name"] not in names]
    notes += ["role_changed" for code in sorted(before.keys() & staying) if before[code]["role"] != now[code]["role"]]
    if led and not _leaders(tx, device):
        notes.append("leader_left")
    return tuple(notes)


def describe_again(tx: Tx, device: str, before: Mapping[str, OperatorRecord]) -> None:
    """The catalogue file describes people anew: those of this kiosk are as it says now, with the role it says.

    A PIN is taken only where it is another than the description `before` had. Whoever left the kiosk's list comes back
    by that list alone.
    """
    rows = tx.all(schema.operator, "code", device=device, active=1)
    _describe(tx, device, [(row["name"], "") for row in rows], before, keep_roles=True)


def _leaders(tx: Tx, device: str) -> bool:
    """Whether somebody can act as the kiosk's leader."""
    rows = tx.all(schema.operator, device=device, role=_LEADER, active=1)
    return any(row["pin_hash"] for row in rows)


def _code_of(name: str, known: Mapping[str, OperatorRecord]) -> str:
    """By what a person is known at the kiosk; empty if nothing of the name can be written so."""
    return known[name].code if name in known else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _describe(
    tx: Tx, device: str, named: list[Named], before: Mapping[str, OperatorRecord], *, keep_roles: bool
) -> None:
    known = described(tx)
    there = sorted(tx.all(schema.operator, "code", device=device), key=lambda row: int(row["active"]))
    held = {row["code"]: row for row in there} | {row["name"]: row for row in there}
    rows: list[dict[str, Any]] = []
    for name, role in named:
        person = known.get(name)
        if person is None and keep_roles:
            continue
        if person is None:
            person = OperatorRecord(_code_of(name, known), name, role)
        was, last = held.get(name) or held.get(person.code), before.get(name)
        if was is not None and person.pin_hash in {"", last.pin_hash if last is not None else ""}:
            person = msgspec.structs.replace(person, pin_hash=was["pin_hash"])
        if was is not None and was["code"] != person.code and was["active"]:
            rows.append({**was, "active": 0})  # by her code of before she signs in no more
        row = {"device": device, **msgspec.to_builtins(person), "active": int(person.active)}
        if was is None or any(was[column] != value for column, value in row.items()):
            rows.append(row)
    _put(tx, device, rows)


def _put(tx: Tx, device: str, rows: list[Row] | list[dict[str, Any]]) -> None:
    tx.put(schema.operator, [dict(row) for row in rows])
    feed.tell(tx, device, [("operator", row["code"]) for row in rows])
