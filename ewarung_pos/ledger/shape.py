"""Which tables, indexes and columns a ledger of each schema has, to the letter: nothing may be missing or beside them.

A trigger or a view that somebody added would work for them inside the till's own transactions.
"""

from __future__ import annotations

from hashlib import sha256

from ewarung_pos.ledger import engine
from ewarung_pos.ledger.engine import Connection
from ewarung_pos.ledger.guards import GUARDS

__all__ = ["SHAPES", "misshapen", "shape_of"]

SHAPES: dict[int, dict[str, str]] = {
    1: {
        "alembic_version": "894169489b0f3e1c4c53e30ab22077a3",
        "attempt": "5eaf4f4ce30534be6dea72503fea6885",
        "business_day": "faec87912e632225faad5a94642fa28e",
        "city_state": "02f4f43ad37e9e5020e95b7b7296f516",
        "goods_movement": "bf32bcfbec91943229672b4ba928abf1",
        "guard_goods_movement_delete": "95b3da49d1b78b8b1a891300e85a2e8a",
        "guard_goods_movement_update": "b8f8590354b1b5ad8b880946120aa4d0",
        "guard_lease_delete": "13e5608980f989ea0b0d4d1c0c4930e7",
        "guard_lease_update": "a4e879b52d4992bef26ef3bd1f4d6ec6",
        "guard_ledger_entry_delete": "0d5fbb3868d5beb18002ff68c1b6be10",
        "guard_ledger_entry_update": "ebf37706574e4c55149eef57e991dc02",
        "guard_receipt_paper_delete": "5d832a4f1ba8f805d212565168eb14e4",
        "guard_receipt_paper_update": "3e169a4f3814a60b1722fe73cff4b4ba",
        "identity": "b6847a2bd42a88bc9a55faa97645f3aa",
        "ix_attempt_open": "8fb6bec32f93a60ed6887ace82204192",
        "ix_ledger_entry_acknowledged": "7b3bc736a8aa69cd28404faea1134684",
        "ix_ledger_entry_family": "e49b6815d9cc4eef8b15d1f95a00801f",
        "ix_print_job_owed": "3b4347741b65df829694169fd80461a0",
        "ix_receipt_paper_entry": "eaffabe266a932c47373bbad9721ea44",
        "lease": "57a5a5a7681c9c5a44227aa5e3f7a88a",
        "ledger_entry": "92e52dfe53bd9da2764b39a8501e61d9",
        "operator": "9d4ed8f84a84efe32034ba8ebc42b8f3",
        "pin_failure": "d3e01daa28d3e3fbad38b95f4034a671",
        "print_job": "9934c5a2e1ebaadd50cf1a8c09bd7381",
        "purse_credit": "24fc2798351e58a039fe66293d78f876",
        "purse_spent": "5ec5e68da431437e011711bbd00ad688",
        "receipt_paper": "9ce9c79786a8aa0c881418b508947551",
        "reference": "aa162176f59f407bb8b64bf322a54845",
        "register_card": "27728638dfff28871e62772239fa1b15",
        "register_family": "806506c8e53521ac82f432db72036737",
        "secret": "d7532be5d93bc6863d07d42a731634bf",
        "setting": "81ebdc45ea9b60b07ee240969d461d32",
        "sqlite_autoindex_alembic_version_1": "2d5a1a24de27f974e75297a76f2e53d6",
        "sqlite_autoindex_business_day_1": "ff170492eb9573da6618313d9409d42f",
        "sqlite_autoindex_ledger_entry_1": "2acd6288b807608fa4213ae1660a7d46",
        "sqlite_autoindex_register_card_2": "5ae785e4a0c7bcdf824eb0dd460907b5",
        "stock": "f9065c93cfc91387815b3079b88492d0",
        "uq_ledger_entry_receipt": "d8e022abd897f91499ded8a3d073450c",
        "uq_ledger_entry_reverses": "73349a1894fbb28c903691c605d00e4b",
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
    """To the letter: SQLite takes a name in quotes that names no column for a text, and a rule in quotes is none."""
    return sha256(f"{kind} {table} {statement}".encode()).hexdigest()[:32]
