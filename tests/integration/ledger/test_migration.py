"""The schema's history: head is what the code describes, and an upgrade happens on a copy or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from ewarung_pos.domain.journal import SettingsChanged
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import ConfigError, LedgerBusy, LedgerCorrupt, LedgerTooNew, MigrationFailed
from ewarung_pos.ledger import engine, guards, migrate
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.schema import METADATA
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, names, rice, serve

Open = Callable[..., SqlLedger]

FORGET_THE_LAST = """op.execute('DROP TRIGGER guard_ledger_entry_delete')
    op.execute('DROP TRIGGER guard_goods_movement_delete')
    op.execute('DELETE FROM goods_movement WHERE seq = 4')
    op.execute('DELETE FROM stock')
    op.execute('DELETE FROM ledger_entry WHERE seq = 4')
"""


def test_the_newest_revision_is_what_the_code_describes(empty: SqlLedger, tmp_path: Path) -> None:
    connection = connect(tmp_path / "ledger.db", KEY, query_only=True)
    wrapped = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with wrapped.connect() as held:
        context = MigrationContext.configure(held, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    wrapped.dispose()


def test_every_detail_of_every_table_is_what_the_code_describes(empty: SqlLedger, tmp_path: Path) -> None:
    """Autogenerate does not see CHECK, STRICT or WITHOUT ROWID; the statements themselves tell."""
    from sqlalchemy.dialects import sqlite as dialect
    from sqlalchemy.schema import CreateIndex, CreateTable

    def normal(statement: str) -> list[str]:
        body = " ".join(statement.replace('"', "").split())
        return sorted(part.strip() for part in body.replace("(", ",").replace(")", ",").split(","))

    connection = connect(tmp_path / "ledger.db", KEY, query_only=True)
    held = {
        name: normal(sql)
        for name, sql in connection.execute("SELECT name, sql FROM sqlite_schema WHERE type <> 'trigger' AND sql <> ''")
        if name != "alembic_version"
    }
    connection.close()
    described = {
        name: normal(str(CreateTable(table).compile(dialect=dialect.dialect())))
        for name, table in METADATA.tables.items()
    }
    for table in METADATA.tables.values():
        for index in table.indexes:
            described[str(index.name)] = normal(str(CreateIndex(index).compile(dialect=dialect.dialect())))
    assert held == described


def test_revisions_import_nothing_of_ours_and_end_with_the_schema_number() -> None:
    script = ScriptDirectory.from_config(migrate.alembic_config())
    assert script.get_heads() == [f"{engine.SCHEMA_VERSION:04d}"]
    for revision in script.walk_revisions():
        assert "ewarung" not in Path(revision.path).read_text()


def test_an_up_to_date_ledger_is_left_alone(ledger: SqlLedger, tmp_path: Path) -> None:
    ledger.close()
    before = (tmp_path / "ledger.db").read_bytes()
    assert migrate.upgrade(tmp_path / "ledger.db", KEY) is False
    assert (tmp_path / "ledger.db").read_bytes() == before


def test_an_older_ledger_is_brought_up_to_date_with_all_it_holds(
    ledger: SqlLedger, opened: Open, tmp_path: Path, second: Callable[..., None]
) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        uow.put_setting("theme", "dark")
        uow.append(SettingsChanged("theme", "", "dark"))
    head = ledger.read().head()
    ledger.close()
    second()
    again = opened()
    assert again.read().head() == head
    assert again.read().settings() == {"theme": "dark"}
    assert again.read().leases("F0001", Period("2026-11"))[0].spent == 5000
    with again.write() as uow:
        serve(uow, "F0001", rice(1))
        assert uow.execute("SELECT note FROM setting").fetchone() == ("",)
    assert verify(tmp_path, KEY).ok
    assert names(tmp_path) == [
        "ledger.db",
        "ledger.db-shm",
        "ledger.db-wal",
        "ledger.db.schema-1",
        "ledger.lock",
    ]
    kept = connect(tmp_path / "ledger.db.schema-1", KEY, query_only=True)
    assert kept.execute("SELECT count(*) FROM ledger_entry").fetchone() == (6,)
    assert kept.execute("PRAGMA user_version").fetchone() == (1,)
    kept.close()


def test_a_revision_that_drops_the_guards_silently_gets_them_back(
    ledger: SqlLedger, opened: Open, tmp_path: Path, second: Callable[..., None]
) -> None:
    ledger.close()
    second(
        "with op.batch_alter_table('receipt_paper', recreate='always') as batch:\n"
        "        batch.add_column(sa.Column('note', sa.Text()))"
    )
    opened()
    connection = connect(tmp_path / "ledger.db", KEY, query_only=True)
    assert guards.missing(connection) == ()
    connection.close()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("op.execute('SELECT * FROM nowhere')", "revision"),
        (
            "op.execute('DROP TRIGGER guard_ledger_entry_update'); op.execute('UPDATE ledger_entry SET instant = 1')",
            "verify",
        ),
        ("op.execute('UPDATE stock SET packs = 7')", "verify"),
        (FORGET_THE_LAST, "verify"),
    ],
)
def test_an_upgrade_that_goes_wrong_leaves_the_old_file(
    ledger: SqlLedger, opened: Open, tmp_path: Path, second: Callable[..., None], more: str, reason: str
) -> None:
    ledger.close()
    second(more)
    with pytest.raises(MigrationFailed) as caught:
        opened()
    assert caught.value.reason == reason
    connection = connect(tmp_path / "ledger.db", KEY)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM ledger_entry").fetchone() == (4,)
    connection.close()
    assert names(tmp_path) == ["ledger.db", "ledger.lock"]


def test_a_ledger_that_another_program_reads_is_not_swapped_under_it(
    ledger: SqlLedger, opened: Open, tmp_path: Path, second: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.close()
    second()
    monkeypatch.setattr(engine, "_BUSY_MS", 10)
    monkeypatch.setattr(engine, "_PRAGMAS", tuple(row for row in engine._PRAGMAS if row[0] != "busy_timeout"))
    reading = connect(tmp_path / "ledger.db", KEY, query_only=True)
    reading.execute("BEGIN")
    reading.execute("SELECT count(*) FROM ledger_entry").fetchone()
    with pytest.raises(LedgerBusy):
        opened()
    reading.close()
    opened()


def test_an_upgrade_without_room_leaves_the_old_file(
    ledger: SqlLedger, opened: Open, tmp_path: Path, second: Callable[..., None]
) -> None:
    ledger.close()
    second()
    (tmp_path / "ledger.db.upgrade").mkdir()
    with pytest.raises(MigrationFailed) as caught:
        opened()
    assert caught.value.reason == "copy"


def test_a_ledger_of_an_unknown_revision_is_left_alone(
    ledger: SqlLedger, opened: Open, tmp_path: Path, second: Callable[..., None]
) -> None:
    ledger.close()
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("UPDATE alembic_version SET version_num = '0000x'")
    connection.close()
    second()
    with pytest.raises(MigrationFailed) as caught:
        opened()
    assert caught.value.reason == "revision"


def test_a_newer_ledger_is_not_downgraded(ledger: SqlLedger, tmp_path: Path) -> None:
    ledger.close()
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(LedgerTooNew):
        migrate.upgrade(tmp_path / "ledger.db", KEY)


def test_a_file_cut_off_before_its_first_schema_is_refused(tmp_path: Path) -> None:
    connect(tmp_path / "ledger.db", KEY, create=True).close()
    with pytest.raises(LedgerCorrupt):
        migrate.upgrade(tmp_path / "ledger.db", KEY)


def test_a_draft_that_a_power_cut_left_is_replaced(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "ledger.db.new").write_bytes(b"half")
    opened(create=True)
    assert not (tmp_path / "ledger.db.new").exists()


def test_creating_where_a_ledger_is_never_replaces_it(ledger: SqlLedger, tmp_path: Path) -> None:
    ledger.close()
    before = (tmp_path / "ledger.db").read_bytes()
    with pytest.raises(ConfigError):
        migrate.create(tmp_path / "ledger.db", KEY)
    assert (tmp_path / "ledger.db").read_bytes() == before


def test_creating_where_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.db.new").mkdir()
    with pytest.raises(ConfigError) as caught:
        migrate.create(tmp_path / "ledger.db", KEY)
    assert caught.value.reason == "data_dir"
