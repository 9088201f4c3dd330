"""What a ledger file is like, without anything that stands in it: for whoever helps from afar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.errors import LedgerCorrupt
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.engine import LEDGER_FILE, check_owner, connect, translated
from ewarung_pos.ledger.key_passphrase import Ask
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.ledger.tip import load_tip

__all__ = ["anatomy"]

_PRAGMAS = (
    "application_id",
    "auto_vacuum",
    "cipher_version",
    "freelist_count",
    "journal_mode",
    "page_count",
    "page_size",
    "user_version",
)


def anatomy(data_dir: Path, ask: Ask | None = None) -> dict[str, Any]:
    """Schema, settings of the engine, sizes, counts of rows and of entries by kind, and the end of the chain.

    Raises:
        ConfigError, LedgerError: the ledger cannot be read, or lacks what every ledger has (`schema`).
    """
    try:
        return _anatomy(data_dir, ask)
    except sqlite.Error as error:
        raise LedgerCorrupt(str(error), reason="schema") from error


def _anatomy(data_dir: Path, ask: Ask | None) -> dict[str, Any]:
    key = key_of(data_dir, ask)
    connection = connect(data_dir / LEDGER_FILE, key.secret, query_only=True)
    try:
        with translated():
            check_owner(connection)
            connection.execute("BEGIN")
            tip = load_tip(connection)
            schema = connection.execute(
                "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"
            ).fetchall()
            tables = [name for kind, name, _ in schema if kind == "table"]
            found = {
                "key_tier": key.tier,
                "pragmas": {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS},
                "schema": [sql for _, _, sql in schema],
                "guards_missing": list(guards.missing(connection)),
                "rows": {
                    name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - of the schema
                    for name in tables
                },
                "entries": dict(
                    connection.execute("SELECT kind, count(*) FROM ledger_entry GROUP BY kind ORDER BY kind")
                ),
                "attempts": dict(
                    connection.execute("SELECT state, count(*) FROM attempt GROUP BY state ORDER BY state")
                ),
                "device": tip.identity.device if tip.identity is not None else "",
                "epoch": tip.identity.epoch if tip.identity is not None else 0,
                "head_seq": tip.seq,
                "head_hash": tip.head().hash,
                "acked_seq": tip.acked_seq,
                "unsent": tip.unsent,
                "cursor": tip.cursor,
                "day": f"{tip.day.date.iso if tip.day.date is not None else ''} {tip.day.state.value}".strip(),
                "last_ms": tip.last_ms,
            }
            connection.execute("ROLLBACK")
            return found
    finally:
        connection.close()
