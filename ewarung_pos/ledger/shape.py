"""Which tables, indexes and columns a ledger of each schema has, to the letter: nothing may be missing or beside them.

A trigger or a view that somebody added would work for them inside the till's own transactions.
"""

from __future__ import annotations

import re
from hashlib import sha256

from ewarung_pos.ledger import engine
from ewarung_pos.ledger.engine import Connection
from ewarung_pos.ledger.guards import GUARDS

__all__ = ["SHAPES", "misshapen", "shape_of"]

SHAPES: dict[int, dict[str, str]] = {
    1: {
        "alembic_version": "f69dc4f3c3146773d1779a0786cd08f2",
        "attempt": "f6be2070e921a158e2b94d8c42621007",
        "business_day": "2396bff7e429d525b9c69e0c327c6474",
        "city_state": "5ffc76140d9f59691e2d47cd07c2b97b",
        "goods_movement": "dcbd3d7075b4a061a0e95059eb7f5b84",
        "guard_goods_movement_delete": "0fa25dc924f32cfa5374cd2991a3e13c",
        "guard_goods_movement_update": "4d914d579282a17c531cdc31e825761a",
        "guard_lease_delete": "fbcdfe147a782dd7de031d573edea388",
        "guard_lease_update": "a24033d04538a6ffa0c59bffa0df7e6d",
        "guard_ledger_entry_delete": "4c477c2ad81dac53aff4761d3c0086a3",
        "guard_ledger_entry_update": "69dda8387e44d8c7c291329bb6089643",
        "guard_receipt_paper_delete": "635a309603170fe2f9fc48f9b76e31ad",
        "guard_receipt_paper_update": "3bc1a9602153bbd27057437f6b2d9ad4",
        "identity": "bb16f26cfda1be7f605a7cace004deec",
        "ix_attempt_open": "81fe06faf03deb18ce130b1b83c44fbb",
        "ix_ledger_entry_acknowledged": "b36af6655a690780fad0ef6f2f5e8ad3",
        "ix_ledger_entry_family": "299e03d50d5c77c6037bb2c771903d4f",
        "ix_print_job_owed": "ac37a7af85b3f5fd958b3b990a386df4",
        "ix_receipt_paper_entry": "ecc39a26e5607b28110c9cb22f86b8a9",
        "lease": "017d335747de4c614957f5fe1b384ab6",
        "ledger_entry": "025cb4b105a2db036828c8090ca48889",
        "operator": "a9a356f54c6fa7766cf14071f30a4a16",
        "pin_failure": "f76e0984340823687e5d62119e3865b2",
        "print_job": "5328d51d2554083c87c085d23b1179cf",
        "purse_credit": "1150ca489447399cad09031ebcd45fc5",
        "purse_spent": "a67277b3b86ed6bc45a24a85ac1e9eaa",
        "receipt_paper": "bd4cb58b20b15c7a92859a1d751904ea",
        "reference": "fa5543729ea9cb431d6b56f8b4b2e880",
        "register_card": "0d3ee495b27908430c596d9d43e7e804",
        "register_family": "915eba29c9a68a0fd9ba52bde8dc4332",
        "secret": "990d87aebc897d06ef9e93448f0a1dbc",
        "setting": "1e552b2df54783fe109b652e0deb6548",
        "sqlite_autoindex_alembic_version_1": "2d5a1a24de27f974e75297a76f2e53d6",
        "sqlite_autoindex_business_day_1": "ff170492eb9573da6618313d9409d42f",
        "sqlite_autoindex_ledger_entry_1": "2acd6288b807608fa4213ae1660a7d46",
        "sqlite_autoindex_register_card_2": "5ae785e4a0c7bcdf824eb0dd460907b5",
        "stock": "33bf571a3dc642d34c2c1f7d684797e8",
        "uq_ledger_entry_receipt": "d309d9277ebb23c659fedde45f696059",
        "uq_ledger_entry_reverses": "63651263794451172df71ac5ba9e4aa5",
    },
}
"""By schema number: name of each table, index and guard, and a digest of its definition."""

_NAMES = "SELECT name, type, tbl_name, coalesce(sql, '') FROM sqlite_schema"


def shape_of(connection: Connection) -> dict[str, str]:
    """Name and digest of everything that the file defines."""
    return {name: _digest(kind, table, sql) for name, kind, table, sql in connection.execute(_NAMES)}


def misshapen(connection: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of what is missing or altered, and of what was added; the schema's number itself when no version had it.

    The guards of this version's schema are `guards`' business; those of an older one are held against it as well.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in SHAPES:
        return (f"schema {version}",), ()
    others = GUARDS if version == engine.SCHEMA_VERSION else {}
    expected = {name: digest for name, digest in SHAPES[version].items() if name not in others}
    held = {name: digest for name, digest in shape_of(connection).items() if name not in others}
    wrong = sorted(name for name, digest in expected.items() if held.get(name) != digest)
    return tuple(wrong), tuple(sorted(held.keys() - expected.keys()))


def _digest(kind: str, table: str, statement: str) -> str:
    """Spaces and quotes left out: there the tool that writes the statements may change its mind."""
    squeezed = re.sub(r"\s*([(),])\s*", r"\1", " ".join(statement.replace('"', "").split()))
    return sha256(f"{kind} {table} {squeezed}".encode()).hexdigest()[:32]
