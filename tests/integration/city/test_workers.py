"""Several workers on one PostgreSQL database end where one would: each entry once, nothing lost, each in its turn."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import text

from ewarung_city import feed, intake
from ewarung_city.__main__ import main
from ewarung_city.rights import give, rights_of
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.journal import DayOpened, StockReceived, genesis
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.errors import ServerBusy, ServerUnreachable
from ewarung_pos.sync.enrolment import enrol
from ewarung_pos.sync.protocol import Outcome, Push
from tests.city_databases import postgres_programs
from tests.integration.city.city_kit import NOON, PERIOD, Cities, LiveCity, Pen, Till, ToldClock, begun
from tests.integration.city.test_intake import ration_family, redeemed, undo
from tests.integration.city.test_interface import Asker, problem
from tests.integration.city.test_line import serve_some

pytestmark = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)

TABLES = ("entry", "lease", "redemption", "redemption_line", "stock", "price", "day", "case", "epoch", "aside", "batch")
WHEN = {"received_ms", "opened_ms", "seen_ms", "enrolled_ms", "ack", "device_key", "pulled"}
"""What depends on the clock or the keys, and not on the entries."""


def state(city: LiveCity) -> dict[str, list[tuple[Any, ...]]]:
    with city.store.read() as tx:
        return {
            name: sorted(
                tuple(value for column, value in row.items() if column not in WHEN)
                for row in tx.all(schema.METADATA.tables[name])
            )
            for name in TABLES
        }


@contextmanager
def served(city: LiveCity, workers: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(URL, the program that watches them) of real worker processes on that city's database."""
    arguments = ["serve", "--data-dir", str(city.data_dir), "--listen", "127.0.0.1:0", "--json", "--with-stdin"]
    program = subprocess.Popen(
        [sys.executable, "-m", "ewarung_city", *arguments, "--workers", str(workers)],
        env={**os.environ, "EWARUNG_CITY_DATABASE": city.database},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        yield json.loads(program.stdout.readline())["url"], program
    finally:
        program.stdin.close()
        assert program.wait(20) == 0
        program.stdout.close()


def workers_of(program: subprocess.Popen[str], count: int) -> list[int]:
    """Their process ids, once all of them answer to signals."""
    deadline = time.monotonic() + 20
    while True:
        found = [int(pid) for pid in Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()]
        if len(found) == count:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.02)


def shop_day(city: LiveCity, pen: Pen, count: int) -> None:
    """A day of redemptions and reversals, twice as much as was granted."""
    pen.write(DayOpened())
    pen.write(StockReceived("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 10),)))
    families = [ration_family(city, place) for place in range(10)]
    for number in range(count):
        fact = redeemed(families[number % 10], receipt=2 * number + 1)
        entry = pen.write(fact)
        pen.write(undo(entry.id, fact, 2 * number + 2) if number % 4 == 3 else redeemed(families[0], receipt=0))


def own_pen(city: LiveCity, url: str, kiosk: str = "EW-0001") -> Pen:
    clock = ToldClock(time.time_ns() // 1_000_000)
    return begun(Pen(enrol(url, city.code(kiosk), "0.1.0", now_s=lambda: clock.ms // 1000), clock))


def batches(pen: Pen, size: int) -> list[Push]:
    return [pen.batch(first, min(first + size - 1, len(pen.rows))) for first in range(1, len(pen.rows) + 1, size)]


def send_patiently(pen: Pen, url: str, push: Push) -> Outcome:
    """As a till does: again until there is an answer."""
    for _ in range(200):
        try:
            return pen.send(url, push).outcome
        except (ServerUnreachable, ServerBusy):
            time.sleep(0.02)
    raise AssertionError("the city never answered")


@pytest.fixture
def clock() -> ToldClock:
    """The workers' own clock: they are programs."""
    return ToldClock(time.time_ns() // 1_000_000)


@pytest.mark.system
def test_two_workers_on_one_journal_end_where_one_does(stocked: LiveCity, cities: Cities, template: LiveCity) -> None:
    alone = cities.copy_of(template, "alone")
    with served(stocked, 2) as (url, program):
        pens = [own_pen(stocked, url, kiosk) for kiosk in ("EW-0001", "EW-0002")]
        for pen in pens:
            shop_day(stocked, pen, 40)
        # Two tills with one key, both sending everything in its order, beside another kiosk that does so too.
        with ThreadPoolExecutor(4) as lanes:
            sent = [
                lanes.submit(lambda pen: [send_patiently(pen, url, push) for push in batches(pen, 7)], pen)
                for pen in (*pens, *pens)
            ]
            outcomes = {outcome for lane in sent for outcome in lane.result()}
        assert len(workers_of(program, 2)) == 2
        with stocked.store._engine.connect() as connection:
            names = connection.execute(
                text("SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()")
            )
            assert len({name for (name,) in names if str(os.getpid()) not in name}) >= 2, "one worker did everything"
    assert outcomes == {Outcome.ACCEPTED}
    with alone.store.write() as tx:
        for row in rows_of(stocked, "epoch"):
            start = {"acked_seq": 0, "acked_hash": genesis(row["device"], row["epoch"]).hex(), "last_id": ""}
            tx.add(schema.epoch, [{**row, **start}])
    for pen in pens:
        for push in batches(pen, 7):
            with alone.store.write() as tx:
                intake.take(tx, alone.keys, push, pen.clock.ms, pen.clock.ms // 1000)
    assert state(stocked) == state(alone)
    with stocked.store.read() as tx:
        assert verify(tx) == []
        assert tx.count(schema.entry) == sum(len(pen.rows) for pen in pens)


def rows_of(city: LiveCity, name: str) -> list[dict[str, Any]]:
    with city.store.read() as tx:
        return [dict(row) for row in tx.all(schema.METADATA.tables[name])]


@pytest.mark.system
def test_a_worker_that_is_killed_loses_nothing_and_is_replaced(stocked: LiveCity) -> None:
    with served(stocked, 2) as (url, program):
        pen = own_pen(stocked, url)
        shop_day(stocked, pen, 30)
        first = workers_of(program, 2)
        sent = batches(pen, 3)
        for number, push in enumerate(sent):
            if number in {3, 9}:
                os.kill(workers_of(program, 2)[number % 2], signal.SIGKILL)
            assert send_patiently(pen, url, push) is Outcome.ACCEPTED
        deadline = time.monotonic() + 20
        while set(workers_of(program, 2)) & set(first) == set(first):
            assert time.monotonic() < deadline, "nobody took the dead one's place"
            time.sleep(0.05)
        assert requests.get(url + "/health", timeout=10).json()["status"] == "ok"
    with stocked.store.read() as tx:
        assert verify(tx) == []
        assert tx.count(schema.entry) == len(pen.rows)


def test_whoever_waited_for_a_kiosks_turn_sees_what_was_written_before(bare: LiveCity) -> None:
    """Two programs add to one number, over and over: without turns or with an old view, some would be lost."""
    other = CityStore(bare.database)
    tries = [0]

    def add(tx: Tx) -> None:
        tries[0] += 1
        held = tx.one(schema.stock, device="EW-1", epoch=1, product="p")
        tx.put(
            schema.stock,
            [{"device": "EW-1", "epoch": 1, "product": "p", "packs": int(held["packs"]) + 1 if held else 1}],
        )

    def run(store: CityStore) -> None:
        for _ in range(25):
            store.turn("EW-1", add)

    with ThreadPoolExecutor(4) as lanes:
        for done in [lanes.submit(run, store) for store in (bare.store, other, bare.store, other)]:
            done.result()
    other.close()
    with bare.store.read() as tx:
        assert [row["packs"] for row in tx.all(schema.stock)] == [100]
    # Who asks for a free turn in the moment in which the one before commits has an old view, and is done again.
    assert tries[0] < 110, "turns make a second try all but needless"


def test_what_lost_against_another_is_done_again(bare: LiveCity) -> None:
    other = CityStore(bare.database)
    losses = [2]

    def take_one(tx: Tx) -> int:
        packs = int(tx.all(schema.stock)[0]["packs"])
        if losses[0]:
            losses[0] -= 1
            other.turn("EW-2", lambda tx: tx.change(schema.stock, {"packs": packs + 10}, device="EW-1"))
        tx.change(schema.stock, {"packs": packs - 1}, device="EW-1")
        return packs

    with bare.store.write() as tx:
        tx.add(schema.stock, [{"device": "EW-1", "epoch": 1, "product": "p", "packs": 100}])
    assert bare.store.turn("EW-1", take_one) == 120
    with bare.store.read() as tx:
        assert tx.all(schema.stock)[0]["packs"] == 119
    losses[0] = 100
    with pytest.raises(ServerBusy) as lost:
        bare.store.turn("EW-1", take_one, tries=3)
    assert lost.value.reason == "serialization"
    assert losses[0] == 97
    other.close()


@pytest.mark.parametrize("level", ["REPEATABLE READ", "READ COMMITTED"])
def test_two_grants_of_one_right_at_once_give_it_once(stocked: LiveCity, level: str) -> None:
    """The rule holds by what it writes, also where every statement sees the newest state (as shards of Citus do)."""
    first, other = CityStore(stocked.database), CityStore(stocked.database)
    for store in (first, other):
        store._engine = store._engine.execution_options(isolation_level=level)
    family = ration_family(stocked, 0)
    with stocked.store.write() as tx:
        right = rights_of(tx, family, PERIOD)[0]
        tx.change(schema.entitlement, {"amount": right.entitled + 1000}, **right.key)
    tries = []

    def give_all(device: str, tx: Tx) -> int:
        right = rights_of(tx, family, PERIOD)[0]
        tries.append(device)
        if len(tries) == 1:
            assert other.turn("EW-0002", partial(give_all, "EW-0002")) == 1000
        return give(tx, device, 1, [(right, right.reserve)])[0]

    assert first.turn("EW-0003", partial(give_all, "EW-0003")) == 0
    assert tries == ["EW-0003", "EW-0002", "EW-0003"]
    with stocked.store.read() as tx:
        right = rights_of(tx, family, PERIOD)[0]
        assert sum(int(lease["granted"]) for lease in right.leases) == right.entitled
        assert verify(tx) == []
    first.close()
    other.close()


@pytest.mark.parametrize("count", [1, 100])
def test_a_row_that_another_added_meanwhile_is_seen_the_second_time(bare: LiveCity, count: int) -> None:
    """Its key is taken, and what this transaction sees is older: PostgreSQL calls that 23505, and not 40001."""
    other = CityStore(bare.database)
    rows = [{"device": "EW-1", "epoch": 1, "product": f"p{place}", "packs": 1} for place in range(count)]
    tries = []

    def add_missing(tx: Tx) -> None:
        tries.append(tx.count(schema.stock))
        if len(tries) == 1:
            other.turn("EW-2", lambda tx: tx.add(schema.stock, rows))
        tx.add(schema.stock, rows if tries[-1] == 0 else [])

    bare.store.turn("EW-1", add_missing)
    assert tries == [0, count]
    with pytest.raises(Exception, match=r"(?i)unique"):
        bare.store.turn("EW-1", lambda tx: tx.add(schema.stock, rows))  # taken however often it looks: a fault of ours
    other.close()


def test_a_full_pool_and_a_server_that_goes_away_ask_to_come_back(bare: LiveCity) -> None:
    """Neither is a fault of the city: whoever asks is told to try again, in whichever verb it happens."""
    engine = bare.store._engine

    def interrupted(rows: int) -> None:
        with bare.store.write() as tx:
            tx.count(schema.stock)
            with engine.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            places = range(rows)
            tx.add(schema.stock, [{"device": "E", "epoch": 1, "product": f"p{place}", "packs": 1} for place in places])

    for rows in (1, 100):  # as one statement, and by COPY
        with pytest.raises(ServerBusy) as gone:
            interrupted(rows)
        assert gone.value.reason == "database"
    with bare.store.read() as tx:
        assert tx.count(schema.stock) == 0
    pool: Any = engine.pool
    pool._timeout = 0.05
    with ExitStack() as held:
        for _ in range(pool.size() + pool._max_overflow):
            held.enter_context(engine.connect())
        with pytest.raises(ServerBusy) as full:
            bare.store.turn("EW-1", lambda tx: tx.count(schema.stock))
        assert full.value.reason == "database"


def test_officers_of_two_programs_act_one_after_another(bare: LiveCity) -> None:
    other = CityStore(bare.database)
    started = threading.Event()

    def second() -> str:
        started.set()
        with other.write() as tx:
            return tx.setting("word")

    with ThreadPoolExecutor(1) as lane:
        with bare.store.write() as tx:
            waiting = lane.submit(second)
            assert started.wait(5)
            time.sleep(0.1)
            assert not waiting.done()
            tx.set("word", "said")
        assert waiting.result(10) == "said"
    other.close()


def test_what_an_officer_lost_is_done_again(bare: LiveCity) -> None:
    other = CityStore(bare.database)
    tries = []

    def count_down(tx: Tx) -> int:
        (row,) = tx.all(schema.stock)
        tries.append(int(row["packs"]))
        if len(tries) == 1:
            other.turn("EW-1", lambda tx: tx.change(schema.stock, {"packs": 50}, device="EW-1"))
        tx.change(schema.stock, {"packs": tries[-1] - 1}, device="EW-1")
        return tries[-1] - 1

    with bare.store.write() as tx:
        tx.add(schema.stock, [{"device": "EW-1", "epoch": 1, "product": "p", "packs": 100}])
    assert bare.store.decide(count_down) == 49
    assert tries == [100, 50]
    other.close()


def test_an_officers_long_work_does_not_lose_against_kiosks_that_are_told_something(stocked: LiveCity) -> None:
    """An import of the whole city takes seconds, and in each of them some kiosk is granted rights on request."""
    other = CityStore(stocked.database)
    with ThreadPoolExecutor(1) as lane:
        with stocked.store.write() as tx:
            before = tx.one(schema.kiosk, device="EW-0001")
            told = lane.submit(other.turn, "EW-0001", lambda tx: feed.tell(tx, "EW-0001", [("register", "")]))
            wait([told], 0.3)
            feed.tell(tx, "EW-0001", [("register", ""), ("catalogue", "")])
        told.result(10)
    with stocked.store.read() as tx:
        after = tx.one(schema.kiosk, device="EW-0001")
        assert before is not None
        assert after == {**before, "cursor": before["cursor"] + 3}
        assert tx.one(schema.feed, device="EW-0001", kind="register", key="")["version"] == after["cursor"]  # type: ignore[index]
    other.close()


def test_a_message_that_one_worker_has_answered_is_refused_by_the_other(
    city: LiveCity, clock: ToldClock, template: LiveCity
) -> None:
    second = LiveCity(city.data_dir, clock, city.database)
    second.start()
    pen = own_pen(city, city.url)
    asker = Asker(city, pen)
    try:
        assert asker.ask("GET", "/v1/pull?cursor=0").status_code == 200
        there = asker.ask("GET", "/v1/pull?cursor=0")
        again = requests.get(
            second.url + "/v1/pull?cursor=0",
            headers={**there.request.headers, "Host": urlsplit(city.url).netloc},
            timeout=10,
        )
        assert problem(again) == (409, "replayed")
        clock.wait(3_600_000)
        assert asker.ask("GET", "/v1/pull?cursor=0").status_code == 200
        with city.store.read() as tx:
            assert tx.count(schema.nonce) == 1, "what is too old to come again is not kept"
    finally:
        asker.session.close()
        second.close()


def test_entries_lie_in_the_month_in_which_they_came(city: LiveCity, clock: ToldClock) -> None:
    clock.ms = NOON
    pen = begun(Pen(enrol(city.url, city.code(), "0.1.0", now_s=lambda: clock.ms // 1000), clock))
    for month in (11, 12, 13):
        moment = dt.datetime(2026 + month // 13, (month - 1) % 12 + 1, 30, 23, 59, tzinfo=dt.UTC)
        clock.ms = int(moment.timestamp() * 1000)
        pen.write(DayOpened(), date=moment.date().isoformat())
        pen.write(StockReceived("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 10),)), date=moment.date().isoformat())
        assert pen.send(city.url, pen.batch(len(pen.rows) - 1 if month > 11 else 1)).acked_seq == len(pen.rows)
    with city.store._engine.connect() as connection:
        where = connection.execute(
            text("SELECT tableoid::regclass::text, array_agg(seq ORDER BY seq) FROM entry GROUP BY 1")
        )
        assert {name: list(places) for name, places in where} == {
            "entry_2026_11": [1, 2, 3],
            "entry_2026_12": [4, 5],
            "entry_2027_01": [6, 7],
        }
    with city.store.read() as tx:
        assert verify(tx) == []
        assert [row["seq"] for row in tx.between(schema.entry, "seq", 3, 5, device="EW-0001", epoch=1)] == [3, 4, 5]


def test_many_workers_that_need_a_new_month_at_once_make_it_once(bare: LiveCity) -> None:
    stores = [CityStore(bare.database) for _ in range(4)]
    row: dict[str, Any] = {"epoch": 1, "seq": 1, "body": b"{}", "hash": b"h", "received_ms": NOON + 40 * 86_400_000}

    def take_in(tx: Tx, device: str) -> None:
        tx.open_month(row["received_ms"])
        tx.add(schema.entry, [{**row, "device": device}])

    def add(place: int) -> None:
        stores[place].turn(f"EW-{place}", lambda tx: take_in(tx, f"EW-{place}"))

    with ThreadPoolExecutor(4) as lanes:
        for done in [lanes.submit(add, place) for place in range(4)]:
            done.result()
    for store in stores:
        store.close()
    with bare.store.read() as tx:
        assert tx.count(schema.entry) == 4


def test_leases_are_spread_by_kiosk(stocked: LiveCity) -> None:
    with stocked.store._engine.connect() as connection:
        where = connection.execute(text("SELECT DISTINCT tableoid::regclass::text, device FROM lease")).all()
    assert len(where) == len({device for _, device in where}), "one kiosk, one partition"
    assert len({part for part, _ in where}) > 1


def test_a_city_restored_from_a_dump_gives_nothing_before_its_kiosks_reported(
    city: LiveCity,
    cities: Cities,
    clock: ToldClock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    clock.ms = NOON
    monkeypatch.setattr("ewarung_city.__main__.now_ms", lambda: clock.ms)
    with closing(Till(tmp_path / "till", city.url, city.code(), clock)) as till:
        _restore(city, till, cities, clock, capsys, tmp_path / "city.dump")


def _restore(
    city: LiveCity, till: Till, cities: Cities, clock: ToldClock, capsys: pytest.CaptureFixture[str], dump: Path
) -> None:
    till.drain()
    city.stop()
    programs = postgres_programs()
    assert programs is not None
    held = city.database.replace("+psycopg", "")
    subprocess.run([programs / "pg_dump", "--format=custom", f"--file={dump}", held], check=True)
    before = state(city)
    city.start()
    till.reconnect(city.url)
    serve_some(till, 2)
    till.drain()
    acked = till.ledger.read().head().acked_seq
    city.close()

    clock.wait(60_000)
    restored = cities.restored(city, "restored", dump, programs)
    assert state(restored) == before
    place = ["--data-dir", str(restored.data_dir), "--database", restored.database]
    said = commanded(capsys, "recover", *place, "--json")
    assert json.loads(said.splitlines()[-1]) == {"waiting": ["EW-0001/1"]}
    assert "EW-0001/1" in commanded(capsys, "grant", "2026-12", *place, code=2)
    restored.start()
    till.reconnect(restored.url)
    for _ in range(8):
        assert till.engine.step().code == ""
    assert restored.epoch()["acked_seq"] >= acked
    commanded(capsys, "grant", "2026-12", *place)
    with restored.store.read() as tx:
        assert verify(tx) == []


def commanded(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert (ended.value.code or 0) == code
    said = capsys.readouterr()
    return said.out + said.err
