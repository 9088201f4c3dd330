"""What the city sent and the operator keeps: register, catalogue, people, settings. Replaced in place, no history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ewarung_pos.domain.family import Family
from ewarung_pos.domain.state import KioskIdentity, OperatorRecord, StatePage

__all__ = ["forget", "put_families", "put_identity", "put_operator", "put_page"]

Execute = Callable[..., Any]

_FAMILY = (
    "INSERT INTO register_family VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET name = excluded.name, "
    "nik_masked = excluded.nik_masked, kelurahan_code = excluded.kelurahan_code, kelurahan = excluded.kelurahan, "
    "kecamatan = excluded.kecamatan, members = excluded.members, programmes = excluded.programmes, home = excluded.home"
)
_OPERATOR = (
    "INSERT INTO operator VALUES (?, ?, ?, ?, ?) ON CONFLICT (code) DO UPDATE SET name = excluded.name, "
    "role = excluded.role, pin_hash = excluded.pin_hash, active = excluded.active"
)
_CITY_OPERATOR = (
    "INSERT INTO operator VALUES (?, ?, ?, ?, ?) ON CONFLICT (code) DO UPDATE SET name = excluded.name, "
    "role = excluded.role, active = excluded.active, "
    "pin_hash = CASE excluded.pin_hash WHEN '' THEN operator.pin_hash ELSE excluded.pin_hash END"
)
_BLANK_CARD = (
    "UPDATE attempt SET body = CAST(json_set(CAST(body AS TEXT), '$.card.token', '') AS BLOB) "
    "WHERE state NOT IN ('pending', 'in_doubt') AND json_extract(CAST(body AS TEXT), '$.family') = ?"
)
_REFERENCE = (
    "INSERT INTO reference VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET set_by = excluded.set_by, "
    "body = excluded.body"
)


def put_page(execute: Execute, page: StatePage, entry_id: str, since_ms: int) -> None:
    """Take the reference part of a page; leases and credits are the entry's own effect."""
    put_families(execute, page.families, since_ms)
    for operator in page.operators:
        execute(_CITY_OPERATOR, _operator(operator))
    if page.catalogue is not None:
        execute(_REFERENCE, ("catalogue", entry_id, msgspec.json.encode(page.catalogue)))
    if page.register_date:
        execute(
            "UPDATE city_state SET register_date = ?, register_source = ?", (page.register_date, page.register_source)
        )


def put_families(execute: Execute, families: Iterable[Family], since_ms: int) -> None:
    """Replace these families and their cards; a card that moved between families goes to the later one.

    `since_ms` is kept for those that were not here before.
    """
    for family in families:
        execute(
            _FAMILY,
            (
                family.key,
                family.name,
                family.nik_masked,
                family.kelurahan_code,
                family.kelurahan,
                family.kecamatan,
                family.members,
                msgspec.json.encode(family.programmes).decode(),
                family.home,
                since_ms,
            ),
        )
        execute("DELETE FROM register_card WHERE family = ? OR token = ?", (family.key, family.card.token))
        execute(
            "INSERT INTO register_card VALUES (?, ?, ?, ?)",
            (family.card.token, family.key, family.card.last4, family.card_status.value),
        )


def forget(execute: Execute, keys: Iterable[str]) -> None:
    """Remove families with everything that leads to a person: the register's rows, and the card of settled debits.

    The journal keeps what they received under their keys.
    """
    for key in keys:
        execute("DELETE FROM register_card WHERE family = ?", (key,))
        execute("DELETE FROM register_family WHERE key = ?", (key,))
        execute(_BLANK_CARD, (key,))


def put_operator(execute: Execute, operator: OperatorRecord) -> None:
    """Replace a member of the kiosk, PIN included."""
    execute(_OPERATOR, _operator(operator))


def _operator(operator: OperatorRecord) -> tuple[object, ...]:
    return (operator.code, operator.name, operator.role, operator.pin_hash, int(operator.active))


def put_identity(execute: Execute, identity: KioskIdentity) -> None:
    """Fix whose ledger this is."""
    execute("DELETE FROM identity")
    execute(
        "INSERT INTO identity VALUES (1, ?, ?, ?, ?, ?, ?)",
        (
            identity.device,
            identity.epoch,
            identity.name,
            identity.kelurahan_code,
            identity.kelurahan,
            int(identity.practice),
        ),
    )
