"""Append-only by trigger: journal and movements are never updated or deleted, lease totals never go back.

Guards stop bugs, not whoever holds the key: they can be dropped over another connection, and then `verify` says so.
`INSERT OR REPLACE` counts as a delete because `recursive_triggers` is on.
"""

from __future__ import annotations

import re

from ewarung_pos.ledger.engine import Connection

__all__ = ["APPEND_ONLY", "GUARDS", "install", "missing"]

APPEND_ONLY = (
    "ledger_entry",
    "goods_movement",
    "receipt_paper",
)


def _append_only() -> dict[str, str]:
    return {
        f"guard_{table}_{verb}": (
            f"CREATE TRIGGER guard_{table}_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        for table in APPEND_ONLY
        for verb in ("update", "delete")
    }


GUARDS = _append_only() | {
    "guard_lease_update": (
        "CREATE TRIGGER guard_lease_update AFTER UPDATE ON lease "
        "WHEN NEW.granted < OLD.granted OR NEW.surrendered < OLD.surrendered "
        "OR NEW.spent < OLD.spent OR NEW.returned < OLD.returned "
        "BEGIN SELECT RAISE(ABORT, 'lease totals only grow'); END"
    ),
    "guard_lease_delete": (
        "CREATE TRIGGER guard_lease_delete BEFORE DELETE ON lease BEGIN SELECT RAISE(ABORT, 'leases are kept'); END"
    ),
}
"""Name and statement of each."""


def install(connection: Connection) -> None:
    """Create the guards that are not there as they should be; replaces one that was altered."""
    wrong = set(missing(connection))
    for name, statement in GUARDS.items():
        if name in wrong:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            connection.execute(statement)


def missing(connection: Connection) -> tuple[str, ...]:
    """Names of the guards that are absent or say something else than they should."""
    held = {
        name: _squeezed(statement)
        for name, statement in connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    }
    return tuple(name for name, statement in GUARDS.items() if held.get(name) != _squeezed(statement))


def _squeezed(statement: str) -> str:
    return re.sub(r"\s+", " ", statement).strip()
