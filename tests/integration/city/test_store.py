"""The verbs of the city's database say what they mean: equal is equal, and a beginning is a beginning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_pos.errors import ServerBusy
from tests.integration.city.city_kit import LiveCity

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
    [
        ("50", ["50", "50%", "50x"]),
        ("5_", ["5_%"]),
        ("%", ["%"]),
        ("5\\", ["5\\%"]),
        ("", sorted(NAMES)),
        ("x", []),
        ("50X", []),
    ],
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


def test_a_row_that_is_put_replaces_what_it_names_and_the_last_of_two_counts(tx: Tx) -> None:
    tx.put(schema.region, [{"kelurahan_code": "50", "kelurahan": name} for name in ("first", "second")])
    assert tx.one(schema.region, kelurahan_code="50") == {
        "kelurahan_code": "50",
        "kelurahan": "second",
        "kecamatan": "k",
    }


@pytest.mark.parametrize("count", [1, 100])
def test_new_rows_get_what_they_do_not_say(tx: Tx, count: int) -> None:
    tx.add(schema.kiosk, [{"device": f"EW-{place}", "name": "\u00e9\t\\N"} for place in range(count)])
    rows = tx.all(schema.kiosk, "device")
    assert len(rows) == count
    assert rows[0] == {"device": "EW-0", "name": "\u00e9\t\\N", "kelurahan_code": "", "epoch": 0, "cursor": 0}


@pytest.mark.parametrize("count", [1, 100])
def test_a_row_that_is_there_already_is_no_new_one(bare: LiveCity, count: int) -> None:
    rows = [{"device": f"EW-{place}", "name": "here"} for place in range(count)]
    with bare.store.write() as tx:
        tx.add(schema.kiosk, rows)
    with pytest.raises(Exception, match=r"(?i)unique"), bare.store.write() as tx:
        tx.add(schema.kiosk, rows)
    with bare.store.read() as tx:
        assert tx.count(schema.kiosk) == count


def test_what_is_read_is_one_state_and_nothing_is_written_beside_it(bare: LiveCity) -> None:
    with bare.store.read() as reading:
        assert reading.count(schema.region) == 0
        with bare.store.write() as tx:
            tx.add(schema.region, [{"kelurahan_code": "1", "kelurahan": "a", "kecamatan": "b"}])
        assert reading.count(schema.region) == 0
    with bare.store.read() as reading:
        assert reading.count(schema.region) == 1


def test_many_rows_are_found_by_what_they_are_and_by_nothing_like_it(tx: Tx) -> None:
    wanted = [*NAMES[:3], '"quoted"', "not there", "é"]
    assert sorted(row["kelurahan_code"] for row in tx.within(schema.region, "kelurahan_code", wanted)) == sorted(
        NAMES[:3]
    )
    assert tx.within(schema.region, "kelurahan_code", NAMES, kecamatan="other") == []
    assert tx.within(schema.region, "kelurahan_code", []) == []


def test_many_rows_are_moved_by_their_keys_and_others_stay(tx: Tx) -> None:
    places = [{"device": f"EW-{place % 2}", "epoch": 1, "product": f"p{place}", "packs": place} for place in range(20)]
    tx.add(schema.stock, places)
    tx.move(
        schema.stock, [{"product": f"p{place}", "packs": -place} for place in (2, 4, 5, 99)], device="EW-0", epoch=1
    )
    moved = {row["product"]: row["packs"] for row in tx.all(schema.stock)}
    assert moved == {f"p{place}": -place if place in {2, 4} else place for place in range(20)}


def test_a_row_advances_only_from_what_was_read_of_it(tx: Tx) -> None:
    was = {"kecamatan": "k"}
    tx.advance(schema.region, {"kecamatan": "next"}, was, kelurahan_code="50")
    with pytest.raises(ServerBusy) as lost:
        tx.advance(schema.region, {"kecamatan": "other"}, was, kelurahan_code="50")
    assert lost.value.reason == "serialization"
    assert [row["kecamatan"] for row in tx.all(schema.region, kelurahan_code="50")] == ["next"]


def test_of_many_rows_that_count_on_none_may_have_counted_meanwhile(tx: Tx) -> None:
    tx.add(schema.kiosk, [{"device": f"EW-{place}", "cursor": place} for place in range(3)])
    said = [{"device": f"EW-{place}", "name": "new", "cursor": place + 1} for place in range(3)]
    tx.advance_each(schema.kiosk, said, "cursor")
    assert [(row["name"], row["cursor"]) for row in tx.all(schema.kiosk, "device")] == [
        ("new", 1),
        ("new", 2),
        ("new", 3),
    ]
    with pytest.raises(ServerBusy) as lost:
        tx.advance_each(schema.kiosk, [{"device": "EW-0", "cursor": 2}, {"device": "EW-1", "cursor": 2}], "cursor")
    assert lost.value.reason == "serialization"


def test_a_closed_city_is_whole_in_its_one_file_whoever_still_holds_a_transaction(tmp_path: Path) -> None:
    store = CityStore(f"sqlite:///{tmp_path / 'city.db'}")
    store.create()
    with store.read() as read:
        assert read.count(schema.region) == 0
    with store.write() as written:
        written.set("told", "yes")
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["city.db"]  # and no log that a copy would leave behind
    del read, written
