"""The journal is append-only: on the till's connection, and by trigger on any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.errors import LedgerCorrupt
from ewarung_pos.ledger import engine, guards
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from tests.integration.ledger.kiosk import KEY, eggs, rice, serve


@pytest.fixture
def served(ledger: SqlLedger) -> SqlLedger:
    from ewarung_pos.domain.journal import ReceiptPrinted

    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1), eggs(1))
        uow.append(ReceiptPrinted(1, entry.id, 0))
    return ledger


@pytest.mark.parametrize("table", guards.APPEND_ONLY)
@pytest.mark.parametrize(
    "verb", ["UPDATE {0} SET seq = seq + 100", "DELETE FROM {0}", "INSERT OR REPLACE INTO {0} {1}"]
)
def test_triggers_refuse_every_change_of_what_was_appended(
    served: SqlLedger, tmp_path: Path, table: str, verb: str
) -> None:
    other = connect(tmp_path / "ledger.db", KEY)
    try:
        with pytest.raises(sqlite.IntegrityError, match="append-only"):
            other.execute(verb.format(table, "SELECT * FROM " + table))  # noqa: S608 - names of ours
    finally:
        other.close()


def test_lease_totals_never_go_back_and_leases_stay(served: SqlLedger, tmp_path: Path) -> None:
    other = connect(tmp_path / "ledger.db", KEY)
    try:
        for total in ("granted", "spent"):
            with pytest.raises(sqlite.IntegrityError, match="only grow"):
                other.execute(f"UPDATE lease SET {total} = {total} - 1 WHERE {total} > 0")  # noqa: S608 - as above
        with pytest.raises(sqlite.IntegrityError, match="kept"):
            other.execute("DELETE FROM lease")
    finally:
        other.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lease SET spent = granted + 1",
        "UPDATE lease SET returned = spent + 1",
        "UPDATE stock SET packs = -1",
        "UPDATE ledger_entry SET seq = 0",
        "INSERT INTO stock VALUES ('X', 1.5)",
        "INSERT INTO goods_movement VALUES (999, 'redeemed', '[]', '[]')",
    ],
)
def test_the_tables_themselves_refuse_what_breaks_a_rule(served: SqlLedger, tmp_path: Path, change: str) -> None:
    other = connect(tmp_path / "ledger.db", KEY)
    try:
        with pytest.raises(sqlite.IntegrityError):
            other.execute(change)
    finally:
        other.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER guard_ledger_entry_update",
        "DROP TABLE ledger_entry",
        "DROP INDEX uq_ledger_entry_receipt",
        "ALTER TABLE ledger_entry RENAME TO other",
        "CREATE TABLE other (a INTEGER)",
        "CREATE TRIGGER other BEFORE INSERT ON stock BEGIN SELECT 1; END",
        "CREATE VIEW other AS SELECT 1",
        "ATTACH DATABASE ':memory:' AS other",
        "PRAGMA writable_schema = ON",
        "PRAGMA recursive_triggers = OFF",
        "PRAGMA synchronous = OFF",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA ignore_check_constraints = ON",
        "PRAGMA user_version = 0",
    ],
)
def test_the_tills_own_connection_cannot_take_the_guards_away(served: SqlLedger, statement: str) -> None:
    with pytest.raises(sqlite.DatabaseError, match="not authorized"), served.write() as uow:
        uow.execute(statement)


@pytest.mark.parametrize("table", guards.APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE {0}",
        "DROP TRIGGER guard_{0}_update",
        "DROP TRIGGER guard_{0}_delete",
        "ALTER TABLE {0} RENAME TO other",
        "ALTER TABLE {0} ADD COLUMN other INTEGER",
        "ALTER TABLE {0} RENAME COLUMN seq TO other",
        "CREATE TEMP TRIGGER other BEFORE INSERT ON {0} BEGIN SELECT 1; END",
        "CREATE TEMP TABLE {0} (seq INTEGER)",
        "CREATE TEMP VIEW {0} AS SELECT 1 AS seq",
        "CREATE INDEX other ON {0} (seq)",
    ],
)
def test_the_tills_own_connection_cannot_reshape_what_is_append_only(
    served: SqlLedger, table: str, statement: str
) -> None:
    with pytest.raises(sqlite.DatabaseError, match="not authorized"), served.write() as uow:
        uow.execute(statement.format(table))


@pytest.mark.parametrize("table", guards.APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO {0} SELECT * FROM {0}",
        "REPLACE INTO {0} SELECT * FROM {0}",
        "UPDATE OR REPLACE {0} SET seq = 1",
        "UPDATE {0} SET seq = seq",
        "DELETE FROM {0}",
    ],
)
def test_the_tills_own_connection_cannot_change_what_was_appended(
    served: SqlLedger, table: str, statement: str
) -> None:
    with pytest.raises(sqlite.IntegrityError, match="append-only"), served.write() as uow:
        uow.execute(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        f"PRAGMA hexrekey = '{'41' * 32}'",
        "PRAGMA HexRekey = '41'",
        "PRAGMA main.textrekey('other')",
        "PRAGMA \"rekey\" = 'other'",
        "PRAGMA hexkey = '41'",
        "PRAGMA cipher_migrate",
        "PRAGMA cipher_use_hmac = OFF",
        "PRAGMA cipher_default_kdf_iter = 1",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA defer_foreign_keys = ON",
        "PRAGMA wal_autocheckpoint = 0",
        "PRAGMA incremental_vacuum",
        "PRAGMA reset_database = 1",
        "PRAGMA no_such_pragma = 1",
        "DETACH DATABASE main",
        "VACUUM INTO 'other.db'",
    ],
)
def test_the_tills_own_connection_knows_no_other_key_and_no_other_setting(
    served: SqlLedger, tmp_path: Path, statement: str
) -> None:
    with pytest.raises(sqlite.DatabaseError, match=r"not authorized|denied"):
        served._connection().execute(statement)
    served.close()
    connect(tmp_path / "ledger.db", KEY).close()


@pytest.mark.parametrize("pragma", sorted(engine._TOLD))
def test_every_setting_can_still_be_asked_for(served: SqlLedger, pragma: str) -> None:
    assert len(served._connection().execute(f"PRAGMA {pragma}").fetchall()) <= 1


@pytest.mark.parametrize("pragma", sorted(engine._TOLD))
def test_no_setting_that_safety_rests_on_can_be_changed_later(served: SqlLedger, pragma: str) -> None:
    with pytest.raises(sqlite.DatabaseError, match="not authorized"), served.write() as uow:
        uow.execute(f"PRAGMA {pragma} = 0")


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM sqlite_schema", "UPDATE sqlite_schema SET sql = ''", "INSERT INTO sqlite_schema (name) VALUES ('x')"],
)
def test_the_schema_itself_is_no_table_to_write(served: SqlLedger, statement: str) -> None:
    with pytest.raises(sqlite.DatabaseError, match="may not be modified"), served.write() as uow:
        uow.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER guard_lease_update",
        "DROP INDEX ix_print_job_owed",
        "CREATE TRIGGER guard_more AFTER INSERT ON goods_movement BEGIN DELETE FROM print_job; END",
        "ALTER TABLE setting ADD COLUMN x INTEGER",
    ],
)
def test_a_ledger_whose_shape_was_altered_is_not_opened(
    served: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path, change: str
) -> None:
    served.close()
    other = connect(tmp_path / "ledger.db", KEY)
    other.execute(change)
    other.close()
    with pytest.raises(LedgerCorrupt) as caught:
        opened()
    assert caught.value.reason == "schema"


def test_readers_cannot_write(served: SqlLedger) -> None:
    from ewarung_pos.errors import ConfigError

    with pytest.raises(ConfigError), served.read()._snapshot() as execute:
        execute("INSERT INTO setting VALUES ('a', 'b')")


def test_guards_that_were_dropped_or_altered_are_missed_and_put_back(served: SqlLedger, tmp_path: Path) -> None:
    other = connect(tmp_path / "ledger.db", KEY)
    try:
        assert guards.missing(other) == ()
        other.execute("DROP TRIGGER guard_ledger_entry_update")
        other.execute("DROP TRIGGER guard_lease_delete")
        other.execute("CREATE TRIGGER guard_lease_delete BEFORE DELETE ON lease BEGIN SELECT 1; END")
        assert guards.missing(other) == ("guard_ledger_entry_update", "guard_lease_delete")
        guards.install(other)
        assert guards.missing(other) == ()
        with pytest.raises(sqlite.IntegrityError):
            other.execute("UPDATE ledger_entry SET kind = 'x'")
    finally:
        other.close()
