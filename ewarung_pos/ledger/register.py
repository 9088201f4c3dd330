"""What the city sent and the operator keeps: register, catalogue, people, settings. Replaced in place, no history.

The journal holds a keyed digest of each row that a page left here, so that `verify` knows a row that was altered
since, while the journal itself names nobody. In that of a family goes a salt that stands in its row alone: once the row
is gone, nobody finds out by guessing whom the digest was of, with the ledger's keys neither.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from secrets import token_bytes
from typing import Any

import msgspec

from ewarung_pos.domain.family import Family
from ewarung_pos.domain.pins import origin_of, same_pin
from ewarung_pos.domain.state import LOCK_AFTER, KioskIdentity, OperatorRecord, StatePage
from ewarung_pos.ports import Attempt

__all__ = [
    "FAMILIES",
    "OPERATORS",
    "digest_of",
    "forget",
    "note_since",
    "put_catalogue",
    "put_families",
    "put_identity",
    "put_operator",
    "put_reference",
    "sent_operator",
]

Execute = Callable[..., Any]

_FAMILY = (
    "INSERT INTO register_family VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET name = excluded.name, "
    "nik_masked = excluded.nik_masked, kelurahan_code = excluded.kelurahan_code, kelurahan = excluded.kelurahan, "
    "kecamatan = excluded.kecamatan, members = excluded.members, programmes = excluded.programmes, "
    "home = excluded.home, salt = excluded.salt"
)
_OPERATOR = (
    "INSERT INTO operator VALUES (?, ?, ?, ?, ?) ON CONFLICT (code) DO UPDATE SET name = excluded.name, "
    "role = excluded.role, pin_hash = excluded.pin_hash, active = excluded.active"
)
_ATTEMPTS = (
    "SELECT body FROM attempt WHERE state NOT IN ('pending', 'in_doubt') "
    "AND json_extract(CAST(body AS TEXT), '$.family') = ?"
)
_BLANK = "UPDATE attempt SET opened_ms = ?, body = ? WHERE id = ?"
_REFERENCE = (
    "INSERT INTO reference VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET set_by = excluded.set_by, "
    "body = excluded.body"
)


FAMILIES = (
    "SELECT f.key, f.name, f.nik_masked, f.kelurahan_code, f.kelurahan, f.kecamatan, f.members, f.programmes, f.home, "
    "f.salt, c.token, c.last4, c.status FROM register_family AS f LEFT JOIN register_card AS c ON c.family = f.key"
)
"""A family with its card and its salt, as its digest covers it; the key comes first."""

OPERATORS = "SELECT code, name, role, pin_hash, active FROM operator"
"""A member of the kiosk; the code comes first."""

SALT_BYTES = 16
"""Of a family's row: a new one each time that it is written, so that what it said before is beyond guessing too."""

Items = tuple[tuple[str, str, str], ...]


def sent_operator(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of `OPERATORS` as its digest covers it: of a PIN in the till's own form the city's hash that it came from.

    What stands in that form itself nobody can forge without the till's pepper, and nobody can check without it.
    """
    code, name, role, pin, active = row
    return code, name, role, origin_of(pin) if pin else "", active


def digest_of(key: bytes, kind: str, *values: object) -> str:
    """Keyed digest of a row: half of an HMAC-SHA-256, as hex.

    Under the city's card key, so that it tells nothing about a person to whoever reads a journal without it; what a
    family's tells to whoever has the key ends with its salt.
    """
    return hmac.digest(key, msgspec.json.encode((kind, *values)), "sha256")[:16].hex()


def put_reference(execute: Execute, page: StatePage, key: bytes) -> tuple[Items, tuple[str, ...]]:
    """Take the people of a page; leases and credits are the entry's own effect, and `put_catalogue` takes the goods.

    Returns:
        (kind, key, digest) of every row that is not as it was before, and of the catalogue; and the codes of those
        whose locked account a new PIN opened.
    """
    touched = put_families(execute, page.families)
    opened = tuple(operator.code for operator in page.operators if _take_operator(execute, operator))
    rows = [("family", execute(f"{FAMILIES} WHERE f.key = ?", (family,)).fetchone()) for family in sorted(touched)]
    codes = sorted({operator.code for operator in page.operators})
    rows += [("operator", sent_operator(execute(f"{OPERATORS} WHERE code = ?", (code,)).fetchone())) for code in codes]
    items = [(kind, str(row[0]), digest_of(key, kind, *row)) for kind, row in rows]
    if page.catalogue is not None:
        items.append(("catalogue", "", digest_of(key, "catalogue", page.catalogue)))
    if page.register_date:
        execute(
            "UPDATE city_state SET register_date = ?, register_source = ?", (page.register_date, page.register_source)
        )
        items.append(("register", "", digest_of(key, "register", page.register_date, page.register_source)))
    return tuple(items), opened


def put_catalogue(execute: Execute, page: StatePage, entry_id: str) -> None:
    """Take the goods of a page, under the entry that brought them."""
    if page.catalogue is not None:
        execute(_REFERENCE, ("catalogue", entry_id, msgspec.json.encode(page.catalogue)))


def note_since(execute: Execute, instant_ms: int) -> None:
    """The families that a page brought for the first time are here since its entry."""
    execute("UPDATE register_family SET since_ms = ? WHERE since_ms = 0", (instant_ms,))


def put_families(execute: Execute, families: Iterable[Family]) -> set[str]:
    """Replace these families and their cards; a card that moved between families goes to the later one.

    Since when a new one is here, `note_since` says afterwards.

    Returns:
        Keys of all families whose row or card this touched.
    """
    touched: set[str] = set()
    for family in families:
        touched.add(family.key)
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
                token_bytes(SALT_BYTES),
                0,
            ),
        )
        left = execute(
            "DELETE FROM register_card WHERE family = ? OR token = ? RETURNING family", (family.key, family.card.token)
        ).fetchall()
        touched.update(key for (key,) in left)
        execute(
            "INSERT INTO register_card VALUES (?, ?, ?, ?)",
            (family.card.token, family.key, family.card.last4, family.card_status.value),
        )
    return touched


def _take_operator(execute: Execute, sent: OperatorRecord) -> bool:
    """Without a PIN, or with the one that is kept in the till's own form, the kept one stays.

    A new PIN is the city's reset: it opens an account that wrong PINs locked, a sole leader's too. Returns whether it
    did.
    """
    row = execute("SELECT pin_hash FROM operator WHERE code = ?", (sent.code,)).fetchone()
    kept = row[0] if row is not None else ""
    locked = False
    if not sent.pin_hash or same_pin(kept, sent.pin_hash):
        sent = msgspec.structs.replace(sent, pin_hash=kept)
    else:
        failed = execute("DELETE FROM pin_failure WHERE code = ? RETURNING failures", (sent.code,)).fetchone()
        locked = failed is not None and failed[0] >= LOCK_AFTER
    put_operator(execute, sent)
    return locked


def forget(execute: Execute, keys: Iterable[str]) -> None:
    """Remove families with everything that leads to a person: the register's rows, and what settled debits hold.

    The salts go with the rows. The journal keeps what they received under their keys.
    """
    for key in keys:
        execute("DELETE FROM register_card WHERE family = ?", (key,))
        execute("DELETE FROM register_family WHERE key = ?", (key,))
        for (body,) in execute(_ATTEMPTS, (key,)).fetchall():
            bare = msgspec.json.decode(body, type=Attempt).forgotten()
            execute(_BLANK, (bare.opened_ms, msgspec.json.encode(bare), bare.id))


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
