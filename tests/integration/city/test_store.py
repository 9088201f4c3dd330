"""The verbs of the city's database say what they mean: equal is equal, and a beginning is a beginning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from tests.integration.city.city_kit import LiveCity, ToldClock

NAMES = ("50%", "50x", "5_%", "5\\%", "%", "50")


@pytest.fixture
def tx(bare: LiveCity) -> Iterator[Tx]:
    with bare.store.write() as tx:
        tx.put(schema.region, [{"kelurahan_code": name, "kelurahan": name, "kecamatan": "k"} for name in NAMES])
        yield tx


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_ends_in_a_percent_sign_is_a_value(tx: Tx, name: str) -> None:
    assert [row["kelurahan_code"] for row in tx.all(schema.region, kelurahan_code=name)] == [name]
    assert tx.one(schema.region, kelurahan=name) == {"kelurahan_code": name, "kelurahan": name, "kecamatan": "k"}
    assert tx.count(schema.region, kelurahan_code=name) == 1
    assert tx.change(schema.region, {"kecamatan": "changed"}, kelurahan_code=name) == 1
    tx.remove(schema.region, kelurahan_code=name)
    assert {row["kelurahan_code"]: row["kecamatan"] for row in tx.all(schema.region)} == dict.fromkeys(
        set(NAMES) - {name}, "k"
    )


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("50", ["50", "50%", "50x"]), ("5_", ["5_%"]), ("%", ["%"]), ("5\\", ["5\\%"]), ("", sorted(NAMES)), ("x", [])],
)
def test_a_beginning_is_these_very_characters(tx: Tx, prefix: str, found: list[str]) -> None:
    rows = tx.starting(schema.region, "kelurahan_code", prefix, "kelurahan_code", kecamatan="k")
    assert [row["kelurahan_code"] for row in rows] == found
    assert tx.starting(schema.region, "kelurahan_code", prefix, kecamatan="other") == []


def test_the_last_row_is_the_one_with_the_greatest_value(tx: Tx) -> None:
    last = tx.last(schema.region, "kelurahan_code", kecamatan="k")
    assert last is not None
    assert last["kelurahan_code"] == max(NAMES)
    assert tx.last(schema.region, "kelurahan_code", kecamatan="other") is None


def test_a_database_of_an_earlier_program_gets_what_was_added_since(tmp_path: Path, clock: ToldClock) -> None:
    bare = LiveCity(tmp_path / "city", clock)
    with bare.store._engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_redemption_device_original")
        connection.exec_driver_sql("ALTER TABLE epoch DROP COLUMN pulled")
        connection.exec_driver_sql("ALTER TABLE epoch DROP COLUMN app_version")
        connection.exec_driver_sql(
            "INSERT INTO epoch (device, epoch, device_key, state, mode, reason, acked_seq, acked_hash, claimed_seq,"
            " enrolled_ms, seen_ms, practice) VALUES ('EW-1', 1, '', 'active', 'normal', '', 3, '', 3, 1, 1, 0)"
        )
    for _ in range(2):
        store = CityStore(f"sqlite:///{bare.data_dir / 'city.db'}")
        store.create()
        with store.write() as tx:
            (row,) = tx.all(schema.epoch)
        assert (row["acked_seq"], row["pulled"], row["app_version"]) == (3, 0, "")
        indexes = {index["name"] for index in inspect(store._engine).get_indexes("redemption")}
        assert indexes == {"ix_redemption_device_date", "ix_redemption_device_original"}
        store.close()
