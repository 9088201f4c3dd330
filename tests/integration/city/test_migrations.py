"""A city's database is walked forward with its rows, and is then the one that the program is written against."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from ewarung_city.store import migrate, schema
from ewarung_city.store.database import CityStore
from ewarung_city.verify import verify
from ewarung_pos.errors import ConfigError
from tests.city_databases import Databases, OnPostgres
from tests.integration.city.city_kit import LiveCity

PAST = sorted((Path(__file__).parents[2] / "cities").glob("*.sql"))
HOME = Path(migrate.__file__).parent / "migrations"
LISTS = {"family_list", "family_list_scope", "family_listing"}
MOVING = {"grant_request", "recall", "hardship"}
OFFICE = {"officer", "audit"}
OWN = {"city", "region", "family", "import_note", "entitlement", "credit", "code", "list_price", "alembic_version"}
CITY_WIDE = OWN | LISTS | OFFICE
"""What the city decides for itself; everything else is a kiosk's, and its keys say whose."""


@pytest.fixture
def unmade(databases: Databases, tmp_path: Path) -> Any:
    """The URL of a database without any table."""
    url = databases.unprepared() if isinstance(databases, OnPostgres) else databases.fresh(tmp_path / "unmade")
    yield url
    databases.drop(url)


def written_by(path: Path, folder: Path) -> str:
    """A database with that content; a line that a program before it did not know may be left out."""
    file = folder / "city.db"
    with sqlite3.connect(file) as past:
        past.executescript(path.read_text(encoding="utf-8"))
    past.close()
    return f"sqlite:///{file}"


def rows_of(file: Path) -> dict[str, list[dict[str, Any]]]:
    held = sqlite3.connect(file)
    held.row_factory = sqlite3.Row
    names = [name for (name,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    rows = {name: [dict(row) for row in held.execute(f'SELECT * FROM "{name}"')] for name in names}  # noqa: S608
    held.close()
    return rows


def test_the_revisions_are_one_line_and_end_where_the_program_stands() -> None:
    script = ScriptDirectory(str(HOME))
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == migrate.REVISIONS
    assert script.get_heads() == [migrate.HEAD]


@pytest.mark.parametrize("path", PAST, ids=lambda path: path.stem)
def test_an_older_database_keeps_every_row(path: Path, tmp_path: Path) -> None:
    url = written_by(path, tmp_path)
    before = rows_of(tmp_path / "city.db")
    assert len(before["entry"]) == 6
    store = CityStore(url)
    for _ in range(2):
        store.create()
    after = rows_of(tmp_path / "city.db")
    prices = before["price"]
    assert {row["device"] for row in prices} == {"", "EW-0001"}
    before["price"] = [row for row in prices if row["device"]]
    listed = {(row["product"], row["price"]) for row in prices if not row["device"]}
    assert {(row["product"], row["price"]) for row in after["list_price"]} == listed
    before["city"] = [row for row in before["city"] if row["name"] != "schema"]
    for name, rows in before.items():
        assert [{key: row[key] for key in rows[0]} for row in after[name] if row.get("name") != "schema"] == rows, name
    assert {name for name in after if name not in before} == {
        "alembic_version",
        "bundle",
        "case_step",
        "list_price",
        "nonce",
    } | LISTS | MOVING | OFFICE
    with store.read() as tx:
        assert verify(tx) == []
        assert tx.all(schema.epoch)[0]["last_id"] == max(row["id"] for row in before["entry"])
    store.close()


def test_what_programs_before_the_first_revision_lacked_is_added_empty(tmp_path: Path) -> None:
    url = written_by(PAST[0], tmp_path)
    with sqlite3.connect(tmp_path / "city.db") as past:
        past.executescript(
            "DROP INDEX ix_redemption_device_original; ALTER TABLE epoch DROP COLUMN pulled;"
            "ALTER TABLE epoch DROP COLUMN app_version; DROP TABLE operator; DELETE FROM city WHERE name = 'schema'"
        )
    past.close()
    store = CityStore(url)
    store.create()
    with store.read() as tx:
        (row,) = tx.all(schema.epoch)
        assert tx.count(schema.operator) == 0
    assert (row["acked_seq"], row["pulled"], row["app_version"]) == (6, 0, "")
    assert {"ix_redemption_device_original"} == {
        index["name"] for index in inspect(store._engine).get_indexes("redemption")
    }
    store.close()


def test_a_revision_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    url = written_by(PAST[0], tmp_path)
    with sqlite3.connect(tmp_path / "city.db") as past:
        past.execute("CREATE TABLE nonce (taken INTEGER)")
    past.close()
    before = rows_of(tmp_path / "city.db")
    store = CityStore(url)
    with pytest.raises(ConfigError) as failed:
        store.create()
    assert failed.value.reason == "invalid"
    assert rows_of(tmp_path / "city.db") == before
    store.close()


@pytest.mark.parametrize(
    "change",
    ["UPDATE city SET value = '99' WHERE name = 'schema'", "UPDATE alembic_version SET version_num = '9999'"],
)
def test_a_database_of_a_newer_program_is_left_alone(bare: LiveCity, change: str) -> None:
    with bare.store._engine.begin() as connection:
        connection.execute(text(change))
        if "city" in change:
            connection.execute(text("DROP TABLE alembic_version"))
    store = CityStore(bare.database)
    with pytest.raises(ConfigError) as refused:
        store.create()
    assert refused.value.reason == "schema"
    store.close()


def test_the_tables_are_those_that_the_program_asks(bare: LiveCity) -> None:
    found = inspect(bare.store._engine)
    for table in schema.METADATA.sorted_tables:
        held = {column["name"]: (str(column["type"]), column["nullable"]) for column in found.get_columns(table.name)}
        asked = {
            column.name: (column.type.compile(bare.store._engine.dialect), bool(column.nullable))
            for column in table.columns
        }
        assert held == asked
        indexes = {index["name"]: index["column_names"] for index in found.get_indexes(table.name)}
        assert indexes == {index.name: [column.name for column in index.columns] for index in table.indexes}
        key = found.get_pk_constraint(table.name)["constrained_columns"]
        month = ["received_ms"] if table.name == "entry" and bare.store.shared else []
        assert key == [column.name for column in table.primary_key] + month


def test_every_key_of_a_kiosks_rows_names_the_kiosk_and_nothing_points_across(bare: LiveCity) -> None:
    found = inspect(bare.store._engine)
    for name in found.get_table_names():
        assert found.get_foreign_keys(name) == []
        if name not in CITY_WIDE:
            keys = [found.get_pk_constraint(name)["constrained_columns"]]
            keys += [
                [str(column) for column in index["column_names"]]
                for index in found.get_indexes(name)
                if index["unique"]
            ]
            assert {key[0] for key in keys} == {"device"}, name


def test_programs_that_start_together_make_one_database(unmade: str) -> None:
    stores = [CityStore(unmade) for _ in range(4)]
    failed: list[BaseException] = []

    def start(store: CityStore) -> None:
        try:
            store.create()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells
            failed.append(error)

    threads = [threading.Thread(target=start, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    for store in stores:
        with store.read() as tx:
            assert tx.setting("schema") == str(len(migrate.REVISIONS))
        store.close()


def test_a_database_that_cannot_be_reached_is_told_without_its_password() -> None:
    store = CityStore("postgresql+psycopg://somebody:geheim@127.0.0.1:1/city")
    with pytest.raises(ConfigError) as refused:
        store.create()
    assert refused.value.reason == "invalid"
    assert "geheim" not in str(refused.value.detail)
    store.close()


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr("ewarung_city.store.database.create_engine", missing)
    with pytest.raises(ConfigError) as refused:
        CityStore("postgresql+psycopg://localhost/city")
    assert refused.value.reason == "no_driver"
    assert "city-postgresql" in refused.value.detail
