"""A city that is spread over many machines: where its tables lie, what is said to Citus, and what one batch touches.

No Citus is behind these tests: `tests.citus_stand_in` notes what it is asked and refuses what Citus refuses.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Sequence as SqlSequence
from sqlalchemy import UniqueConstraint

from ewarung_city import intake
from ewarung_city.__main__ import main
from ewarung_city.store import bulk, schema, shards
from ewarung_city.store.database import CityStore, Tx
from ewarung_city.store.schema import METADATA
from ewarung_city.verify import verify
from ewarung_pos.domain.journal import DayOpened, PriceChanged, StockReceived, Surrendered
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.protocol import Ack, Outcome, decode
from tests.citus_stand_in import stand_in
from tests.city_databases import OnPostgres
from tests.integration.city.city_kit import LiveCity, Pen

BY_KIOSK = {
    "aside", "batch", "bundle", "case", "day", "entry", "epoch", "feed", "grant_request", "hardship", "lease", "nonce",
    "operator", "price", "recall", "redemption", "redemption_line", "stock",
}  # fmt: skip
BY_FAMILY = {"credit", "entitlement", "family_listing"}
EVERYWHERE = {
    "city", "code", "family", "family_list", "family_list_scope", "import_note", "kiosk", "list_price", "region",
}  # fmt: skip
HERE = {"audit", "case_step", "officer"}
PLACES = {
    shards.Place.KIOSK: BY_KIOSK,
    shards.Place.FAMILY: BY_FAMILY,
    shards.Place.EVERYWHERE: EVERYWHERE,
    shards.Place.HERE: HERE,
}


def test_every_table_has_its_place() -> None:
    found: dict[shards.Place, set[str]] = {}
    for table in METADATA.sorted_tables:
        found.setdefault(shards.place_of(table), set()).add(table.name)
    assert found == PLACES


def test_every_unique_key_holds_what_spreads_its_table_and_nothing_points_or_counts_across() -> None:
    for table in METADATA.sorted_tables:
        place = shards.place_of(table)
        keys = [[column.name for column in table.primary_key]]
        keys += [[column.name for column in index.columns] for index in table.indexes if index.unique]
        keys += [[c.name for c in rule.columns] for rule in table.constraints if isinstance(rule, UniqueConstraint)]
        if place in {shards.Place.KIOSK, shards.Place.FAMILY}:
            assert {key[0] for key in keys} == {place.value}, table.name
        assert not table.foreign_keys, table.name
        for column in table.columns:
            assert not isinstance(column.default, SqlSequence)
            assert column.autoincrement is not True
            assert column.identity is None


def test_what_is_said_to_citus() -> None:
    said = shards.statements()
    assert said[: len(EVERYWHERE)] == [
        f"SELECT create_reference_table('{table.name}')" for table in METADATA.sorted_tables if table.name in EVERYWHERE
    ]
    groups = said[len(EVERYWHERE) :]
    assert groups[0] == "SELECT create_distributed_table('epoch', 'device', colocate_with => 'none')"
    assert groups[len(BY_KIOSK)] == "SELECT create_distributed_table('entitlement', 'family', colocate_with => 'none')"
    assert "SELECT create_distributed_table('\"case\"', 'device', colocate_with => 'epoch')" in groups
    assert len(groups) == len(BY_KIOSK) + len(BY_FAMILY)
    assert shards.statements(frozenset(METADATA.tables) - {"stock"}) == [
        "SELECT create_distributed_table('stock', 'device', colocate_with => 'epoch')"
    ]


# --- init -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(databases: OnPostgres) -> Iterator[str]:
    """A PostgreSQL database without any table."""
    url = databases.unprepared()
    yield url
    databases.drop(url)


@pytest.fixture
def spread(plain: str) -> str:
    """The same with what stands in for Citus."""
    stand_in(plain)
    return plain


def asked(url: str, question: str) -> list[Any]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(question.encode()).fetchall()


def init(url: str, folder: Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["init", "--distributed", "--data-dir", str(folder), "--database", url])
    return int(str(ended.value.code))


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_without_the_extension_it_is_refused_and_nothing_is_made(
    plain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(plain, tmp_path / "city") == 2
    said = capsys.readouterr().err
    assert "(no_citus): the database has no Citus: nothing was changed. Add the extension" in said
    assert asked(plain, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []
    assert not (tmp_path / "city").exists()


def test_a_file_is_not_spread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(f"sqlite:///{tmp_path / 'city.db'}", tmp_path / "city") == 2
    assert "this is SQLite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_init_brings_each_table_to_its_place_once(
    spread: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    placed = "SELECT logicalrelid::text, partkey FROM pg_dist_partition ORDER BY place"
    assert init(spread, tmp_path / "city") == 0
    held = dict(asked(spread, placed))
    assert {name for name, key in held.items() if key is None} == EVERYWHERE
    assert {name.strip('"') for name, key in held.items() if key == "device"} == BY_KIOSK
    assert {name for name, key in held.items() if key == "family"} == BY_FAMILY
    assert asked(spread, "SELECT count(*) > 100 FROM region") == [(True,)]
    assert init(spread, tmp_path / "city") == 0
    assert "\n0 tables brought" in capsys.readouterr().out
    # A table that a newer program made follows at its first start.
    asked(spread, "DELETE FROM pg_dist_partition WHERE logicalrelid = 'stock'::regclass RETURNING 1")
    with closing(CityStore(spread)) as store:
        store.create()
    assert dict(asked(spread, placed)) == held


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_city_that_nobody_spread_stays_where_it_is(spread: str) -> None:
    store = CityStore(spread)
    store.create()
    assert asked(spread, "SELECT count(*) FROM pg_dist_partition") == [(0,)]
    assert asked(spread, "SELECT count(*) FROM information_schema.sequences WHERE sequence_name <> "
                         "'pg_dist_partition_place_seq'") == [(0,)]  # fmt: skip
    store.close()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "table",
    [
        'CREATE TABLE odd (device varchar(80) COLLATE "C", number int PRIMARY KEY)',
        'CREATE TABLE odd (device varchar(80) COLLATE "C" PRIMARY KEY, number int UNIQUE)',
        'CREATE TABLE odd (device varchar COLLATE "C" PRIMARY KEY, n int, FOREIGN KEY (device, n) REFERENCES epoch)',
        "CREATE TABLE odd (device varchar(80) PRIMARY KEY)",
    ],
)
def test_what_citus_would_refuse_is_refused_here(spread: str, tmp_path: Path, table: str) -> None:
    """Else the tests above would show nothing."""
    assert init(spread, tmp_path / "city") == 0
    with psycopg.connect(spread.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(table.encode())
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute("SELECT create_distributed_table('odd', 'device', colocate_with => 'epoch')")


# --- one batch ------------------------------------------------------------------------------------------------------


class Touched:
    """What a transaction says to its tables: (verb, table, the one kiosk that it names, or None)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[tuple[str, str, str | None]] = []
        for name in ("all", "one", "within", "between", "after", "starting", "last", "count", "change", "remove"):
            monkeypatch.setattr(Tx, name, self._named(name, getattr(Tx, name)))
        for name in ("add", "load", "put"):
            monkeypatch.setattr(Tx, name, self._brought(name, getattr(Tx, name)))
        monkeypatch.setattr(Tx, "move", self._named("move", Tx.move))
        monkeypatch.setattr(Tx, "advance", self._named("advance", Tx.advance))

    def _named(self, verb: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def said(tx: Tx, table: Any, *others: Any, **equal: Any) -> Any:
            self.said.append((verb, table.name, equal.get("device")))
            return real(tx, table, *others, **equal)

        return said

    def _brought(self, verb: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def said(tx: Tx, table: Any, *others: Any) -> Any:
            rows = others[-1]
            if rows:
                at = list(bulk._shape(table, others[0]).names).index("device") if verb == "load" else "device"
                devices = {row[at] for row in rows} if "device" in table.c else {None}
                self.said.append((verb, table.name, devices.pop() if len(devices) == 1 else None))
            return real(tx, table, *others)

        return said

    def crossing(self, device: str) -> set[tuple[str, str]]:
        """(what is done, table) of all that is not in that kiosk's own shard, nor a copy that every machine has."""
        writes = {"add", "load", "put", "change", "remove", "move", "advance"}
        found = set()
        for verb, name, named in self.said:
            place, does = shards.place_of(METADATA.tables[name]), "writes" if verb in writes else "reads"
            own = place is shards.Place.KIOSK and named == device
            copied = place is shards.Place.EVERYWHERE and does == "reads"
            if not own and not copied:
                found.add((does, name))
        return found


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> Touched:
    return Touched(monkeypatch)


def taken(city: LiveCity, pen: Pen, first: int) -> Outcome:
    push = pen.batch(first)
    now = city.clock.ms
    said = city.store.turn(pen.device, lambda tx: intake.take(tx, city.keys, push, now, now // 1000))
    return decode(said, Ack).outcome


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_batch_stays_in_its_kiosks_shard(city: LiveCity, pen: Pen, touched: Touched) -> None:
    """All that a day has: goods, prices, redemptions, a reversal, a seal, and the same batch again."""
    from tests.integration.city.test_intake import ration_family, redeemed, undo

    pen.write(DayOpened())
    pen.write(StockReceived("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 10),)))
    pen.write(PriceChanged("beras-medium-5", 67_500, 67_000, "promosi"))
    fact = redeemed(ration_family(city, 0))
    entry = pen.write(fact)
    pen.write(undo(entry.id, fact, 2))
    pen.write(redeemed("K-UNKNOWN", receipt=3))
    touched.said.clear()
    for _ in range(2):
        assert taken(city, pen, 1) is Outcome.ACCEPTED
    assert touched.crossing(pen.device) == set()
    assert "UNREADABLE" not in {reason for _, reason in city.cases()}
    assert {name for _, name, _ in touched.said} >= {
        "entry",
        "lease",
        "redemption",
        "redemption_line",
        "stock",
        "epoch",
    }
    with city.store.read() as tx:
        assert verify(tx) == []


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_surrender_goes_to_whom_the_right_belongs(city: LiveCity, pen: Pen, touched: Touched) -> None:
    """The one kind of batch, with the use of a pool, that touches what lies elsewhere."""
    from tests.integration.city.test_intake import ration_family

    family = ration_family(city, 0)
    with city.store.read() as tx:
        held = next(row for row in tx.all(schema.lease, family=family, device=pen.device))
    lease = Surrender(
        family, held["programme"], held["period"], held["commodity"], Unit(held["unit"]), int(held["granted"])
    )
    pen.write(Surrendered((lease,), "asked"))
    touched.said.clear()
    assert taken(city, pen, 1) is Outcome.ACCEPTED
    crossing = touched.crossing(pen.device)
    assert city.cases() == []
    assert {("reads", "entitlement"), ("reads", "lease")} <= crossing
    assert crossing <= {
        ("reads", "entitlement"), ("writes", "entitlement"), ("reads", "lease"), ("reads", "recall"),
        ("writes", "kiosk"), ("writes", "feed"), ("writes", "lease"), ("reads", "epoch"),
    }  # fmt: skip


# --- the shared suite -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_the_suite_runs_on_the_database_that_the_environment_names(spread: str) -> None:
    """Here on one with the stand-in: each city of it is a schema whose tables were brought to their places."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:randomly", "-p", "no:cacheprovider", __file__,
         "-k", "anybodys_tables and url"],
        env={**os.environ, "EWARUNG_CITY_TEST_URL": spread},
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert "test_anybodys_tables_lie_where_they_should[url]" in ran.stdout
    assert asked(spread, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ewarung_test_%'") == [(0,)]


def test_anybodys_tables_lie_where_they_should(stocked: LiveCity) -> None:
    """On a database with Citus every city is spread, and on no other."""
    there = "SELECT to_regclass('pg_dist_partition') IS NOT NULL"
    spread = stocked.store.shared and asked(stocked.database, there) == [(True,)]
    assert spread is ("search_path" in stocked.database)
    if spread:
        rows = asked(stocked.database, "SELECT logicalrelid::text FROM pg_dist_partition")
        # The numbers are of schemas that other tests have dropped: those Citus would forget by itself.
        mine = {str(name).strip('"') for (name,) in rows if "." not in name and not name.isdigit()}
        assert mine == BY_KIOSK | BY_FAMILY | EVERYWHERE
    with stocked.store.read() as tx:
        assert tx.count(schema.lease) > 0
        assert verify(tx) == []
