"""Writes the ledger of this release's schema for `test_schemas`, once, when it is run as a module.

A schema that was not released yet may still change; then the file is removed by hand first:
`rm tests/ledgers/schemas/0001.*; python -m tests.integration.ledger.released_schema`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ewarung_pos.domain.journal import AttemptOpened, ComplaintRecorded, SettingsChanged
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.ledger.backup import complete
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.engine import SCHEMA_VERSION, connect
from ewarung_pos.ledger.fold import MOVED, TABLES
from ewarung_pos.ledger.restore import LedgerFile
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.day import DayService
from ewarung_pos.services.stock import StockService
from tests.integration.ledger.kiosk import KEY, ToldClock, attempt, eggs, enrol, printed, rice, serve, stock_up

SCHEMAS = Path(__file__).parents[2] / "ledgers" / "schemas"

_KEPT = {
    "setting": "SELECT key, value FROM setting ORDER BY key",
    "print_job": "SELECT id, kind, entry, receipt, copy, tries, done FROM print_job ORDER BY id",
    "register_family": "SELECT key, name, since_ms FROM register_family ORDER BY key",
    "attempt": "SELECT id, state FROM attempt ORDER BY id",
}


def held_by(path: Path, key: bytes) -> dict[str, Any]:
    """Everything that must come through every revision: head, folded tables, and what only the tables hold."""
    with LedgerFile(path, key) as file:
        head = file.head()
    connection = connect(path, key, query_only=True)
    try:
        tables = {
            name: [list(row) for row in connection.execute(query)] for name, query in (MOVED | TABLES | _KEPT).items()
        }
    finally:
        connection.close()
    told = {
        "entries": head.seq,
        "head": head.hash,
        "tables": {name: sorted(rows, key=str) for name, rows in tables.items()},
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=lambda value: value.hex()))
    return plain


def write(schemas: Path) -> None:
    """A kiosk with two days: one sealed, one open, with a debit in doubt and paper owed."""
    path = schemas / f"{SCHEMA_VERSION:04d}.db"
    if path.exists():
        sys.exit(f"{path.name} is released and is never written again")
    with tempfile.TemporaryDirectory() as folder:
        clock = ToldClock()
        ledger = open_ledger(Path(folder), KEY, clock, create=True)
        enrol(ledger, KEY)
        stock_up(ledger)
        with ledger.write() as uow:
            uow.put_setting("theme", "dark")
            uow.append(SettingsChanged("theme", "", "dark"), "K1")
            entry = serve(uow, "F0001", rice(1), eggs(1))
            printed(uow, entry)
            printed(uow, serve(uow, "F0002", rice(1, Tender.CASH)))
            uow.append(ComplaintRecorded("P-1", "lain", "antre", anonymous=True))
        day = DayService(ledger, clock, StockService(ledger))
        day.begin_close("K1")
        day.explain(day.count(dict(ledger.read().stock()), "K1"), "K1")
        day.seal("K1", None)
        clock.ms += 86_400_000
        day.open("K1")
        with ledger.write() as uow:
            serve(uow, "F0002", eggs(2))
            asked = attempt()
            uow.append(AttemptOpened(asked.id, asked.family, asked.card.last4, asked.amount, asked.intent()), "K1")
            uow.open_attempt(asked)
        ledger.close()
        whole = connect(Path(folder) / "ledger.db", KEY)
        complete(whole)
        whole.close()
        path.write_bytes((Path(folder) / "ledger.db").read_bytes())
    report = verify(path, KEY)
    if not report.ok:
        path.unlink()
        sys.exit(f"not a sound ledger: {report.problems}")
    told = json.dumps(held_by(path, KEY), indent=1, sort_keys=True)
    path.with_suffix(".json").write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(SCHEMAS)
