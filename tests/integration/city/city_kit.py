"""A real city on a loopback port, a till that is enrolled with it, and lines that go wrong on purpose."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn

from ewarung_city import api, connections, enrolment, leases, register, server
from ewarung_city.keys import KEY_FILE, CityKeys, make_keys
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Row, Tx
from ewarung_pos.domain.journal import Entry, Fact, KioskEnrolled, Sealed, canonical, genesis, link, uuid7
from ewarung_pos.domain.timeline import ClockReading, Instant
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.sync.client import HttpCityServer, Line
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.enrolment import Enrolment, enrol, record
from ewarung_pos.sync.protocol import Ack, Push, batch_text
from ewarung_pos.sync.signing import sign
from tests.city_databases import Databases, OnPostgres
from tests.new_ledger import new_ledger

SAMPLE = Path(__file__).parents[3] / "ewarung_pos" / "resources" / "sample"
NOON = 1_795_496_400_000  # 24 November 2026, 12.00 WIB
PERIOD = "2026-11"
LEDGER_KEY = bytes(range(32))


class ToldClock:
    """Says what it was told: setting `ms` sets the wall clock, `wait` lets time pass."""

    def __init__(self, ms: int = NOON) -> None:
        self.ms = ms
        self.ticks = 1_000

    def now(self) -> ClockReading:
        return ClockReading(Instant(self.ms), self.ticks, "boot")

    def wait(self, ms: int) -> None:
        self.ms += ms
        self.ticks += ms

    def mint(self) -> str:
        return uuid7(self.ms, os.urandom(10))


class _Server(uvicorn.Server):
    """Ends as soon as it is told to and its last answer is out; uvicorn itself looks every tenth of a second, twice."""

    _loop: asyncio.AbstractEventLoop
    _over: asyncio.Event

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks) and not self._over.is_set():
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle(), 1)
        for task in self.server_state.tasks:
            task.cancel()

    async def _idle(self) -> None:
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - sets that tell nobody
            await asyncio.sleep(0.002)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)


class LiveCity:
    """A city with the sample register, served by a thread of this process; on SQLite in its directory if no URL.

    Args:
        data_dir: its keys.
        clock: what it takes for the time.
        database: its URL.
        copied: that one is the copy of a whole city's, and has the tables already.
    """

    def __init__(self, data_dir: Path, clock: ToldClock, database: str = "", *, copied: bool = False) -> None:
        self.data_dir = data_dir
        self.clock = clock
        self.keys: CityKeys = make_keys(data_dir)
        self.database = database or f"sqlite:///{data_dir / 'city.db'}"
        self.store = CityStore(self.database)
        if not copied:
            self.store.create()
        self.url = ""
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def stock_up(self) -> None:
        """Sample register, rations of PERIOD."""
        with self.store.write() as tx:
            register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
            register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
            register.import_kiosks(tx, SAMPLE / "kiosks.csv")
            register.import_families(tx, SAMPLE / "families.csv", self.keys, self.clock.ms, "contoh")
            leases.grant(tx, PERIOD)
            tx.open_month(self.clock.ms)  # else each test would make it anew, over a connection of its own

    def code(self, kiosk: str = "EW-0001", *, auto: bool = True) -> str:
        with self.store.write() as tx:
            return enrolment.issue_code(tx, kiosk, self.clock.ms, auto=auto)

    def start(self) -> None:
        self._listening = listening = server.bind("127.0.0.1:0", tls=False)
        self.url = server.url_of(listening, tls=False)
        app = api.build(self.store, self.keys, lambda: self.clock.ms)
        self._server = _Server(
            uvicorn.Config(
                app, http=connections.HTTP, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="city")
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the city did not start"
            time.sleep(0.005)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join(10)
            assert not self._thread.is_alive()
            self._listening.close()
        self._server = self._thread = None

    def close(self) -> None:
        self.stop()
        self.store.close()

    def epoch(self, device: str = "EW-0001", epoch: int = 1) -> Row:
        with self.store.read() as tx:
            row = tx.one(schema.epoch, device=device, epoch=epoch)
        assert row is not None
        return row

    def content(self) -> bytes:
        """Everything that it keeps: its files, and every value of every row."""
        with self.store.read() as tx:
            values = [
                value for table in schema.METADATA.sorted_tables for row in tx.all(table) for value in row.values()
            ]
        rows = [value if isinstance(value, bytes) else str(value).encode() for value in values]
        return b"\0".join([*(path.read_bytes() for path in sorted(self.data_dir.iterdir())), *rows])

    def cases(self) -> list[tuple[int, str]]:
        with self.store.read() as tx:
            return [(row["seq"], row["reason"]) for row in tx.all(schema.case, "device", "epoch", "seq", "reason")]


class Cities:
    """Makes cities on one kind of database, and puts them away."""

    def __init__(self, databases: Databases, folder: Path, clock: ToldClock) -> None:
        self._databases = databases
        self._folder = folder
        self._clock = clock
        self._made: list[LiveCity] = []

    def new(self, name: str) -> LiveCity:
        """One with an empty register."""
        return self._open(self._folder / name, self._databases.fresh(self._folder / name))

    def copy_of(self, city: LiveCity, name: str) -> LiveCity:
        """One with the keys and rows of another, which is closed."""
        directory = self._folder / name
        directory.mkdir()
        shutil.copy(city.data_dir / KEY_FILE, directory)
        return self._open(directory, self._databases.copied(city.database, directory), copied=True)

    def restored(self, city: LiveCity, name: str, dump: Path, programs: Path) -> LiveCity:
        """One with the keys of another and what `pg_dump` wrote of its database."""
        assert isinstance(self._databases, OnPostgres)
        directory = self._folder / name
        directory.mkdir()
        shutil.copy(city.data_dir / KEY_FILE, directory)
        database = self._databases.unprepared()
        target = f"--dbname={database.replace('+psycopg', '')}"
        subprocess.run([programs / "pg_restore", "--exit-on-error", target, dump], check=True)
        return self._open(directory, database)

    def _open(self, directory: Path, database: str, *, copied: bool = False) -> LiveCity:
        self._made.append(LiveCity(directory, self._clock, database, copied=copied))
        return self._made[-1]

    def close(self) -> None:
        for city in self._made:
            city.close()
            self._databases.drop(city.database)


def enrolled(url: str, code: str, clock: ToldClock) -> Enrolment:
    """What the city gives for a code."""
    return enrol(url, code, "0.1.0", now_s=lambda: clock.ms // 1000)


class Till:
    """A real ledger enrolled with a city, and its end of the line.

    Args:
        data_dir: its ledger; made if missing.
        url: of the city.
        enrolment: what the city gave it; or a code, to enrol with now.
        clock: what it takes for the time.
    """

    def __init__(self, data_dir: Path, url: str, enrolment: Enrolment | str, clock: ToldClock) -> None:
        self.data_dir = data_dir
        self.clock = clock
        self.enrolment = enrolled(url, enrolment, clock) if isinstance(enrolment, str) else enrolment
        data_dir.mkdir(exist_ok=True)
        new_ledger(data_dir, LEDGER_KEY)
        self.ledger: SqlLedger = open_ledger(data_dir, LEDGER_KEY, clock)
        with self.ledger.write() as uow:
            record(uow, self.enrolment)
        self.url = url
        self.engine = SyncEngine(self.ledger, clock, url)

    def reconnect(self, url: str) -> None:
        """The same till over another line."""
        self.engine.close()
        self.engine = SyncEngine(self.ledger, self.clock, url)

    def drain(self, steps: int = 12) -> None:
        """Step until nothing waits; every step must go well."""
        for _ in range(steps):
            report = self.engine.step()
            assert (report.code, report.reason) == ("", "")
            if not report.more and not report.unsent:
                return
        raise AssertionError("the till does not drain")

    def close(self) -> None:
        self.engine.close()
        self.ledger.close()


class Pen:
    """Writes a kiosk's journal by hand and sends it: whatever a real till would never write, too."""

    def __init__(self, enrolment: Enrolment, clock: ToldClock) -> None:
        self.device = enrolment.identity.device
        self.epoch = enrolment.identity.epoch
        self.key = enrolment.device_key
        self.clock = clock
        self.rows: list[Sealed] = []
        self._city_key = enrolment.city_key

    @property
    def head(self) -> bytes:
        return self.rows[-1].hash if self.rows else genesis(self.device, self.epoch)

    def write(self, fact: Fact, date: str = "2026-11-24", **changed: Any) -> Entry:
        fields: dict[str, Any] = {
            "seq": len(self.rows) + 1,
            "id": self.clock.mint(),
            "device": self.device,
            "epoch": self.epoch,
            "date": date,
            "instant": self.clock.ms,
            "monotonic": 1,
            "boot": "boot",
            "operator": "siti",
            "fact": fact,
        }
        entry = Entry(**(fields | changed))
        self.body(canonical(entry))
        return entry

    def body(self, body: bytes) -> None:
        self.rows.append(Sealed(len(self.rows) + 1, body, self.head, link(self.head, body)))

    def batch(self, first: int = 1, last: int | None = None) -> Push:
        from msgspec import Raw

        rows = self.rows[first - 1 : last]
        head = rows[-1].hash.hex()
        text = batch_text(self.device, self.epoch, first, rows[-1].seq, head)
        signature = sign(self.key, text).hex()
        entries = tuple(Raw(row.body) for row in rows)
        return Push(self.device, self.epoch, first, rows[0].prev_hash.hex(), entries, head, signature)

    def send(self, url: str, push: Push) -> Ack:
        city = self.city(url)
        try:
            return city.push(push)[0]
        finally:
            city.close()

    def city(self, url: str) -> HttpCityServer:
        keyid = f"{self.device}/{self.epoch}"
        return HttpCityServer(Line(url), keyid, self.key, self._city_key, lambda: self.clock.ms // 1000)


def begun(pen: Pen) -> Pen:
    """It has written what every journal begins with."""
    pen.write(KioskEnrolled("e-Warung Mawar", "33.74.01.1010", "", "", "0.1.0"), date="")
    return pen


class _Undo(Exception):
    """Ends a trial."""


@contextmanager
def trying(store: CityStore) -> Iterator[Tx]:
    """A transaction whose writes are gone at the end of the block."""
    with suppress(_Undo), store.write() as tx:
        yield tx
        raise _Undo


class Wire:
    """A TCP listener on loopback whose every connection is handled by a function; counts them."""

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._handle = handle
        self._over = threading.Event()
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, name="wire")
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            with connection:
                connection.settimeout(5)
                self._handle(connection)

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._listener.close()


def request_of(connection: socket.socket) -> bytes:
    """One whole HTTP request."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(reply: bytes) -> Callable[[socket.socket], None]:
    """Something that says the same to everybody."""

    def handle(connection: socket.socket) -> None:
        if request_of(connection):
            connection.sendall(reply)

    return handle


def through(url: str, change: Callable[[bytes], bytes]) -> Callable[[socket.socket], None]:
    """A middleman: passes the request on as it is, and changes the answer (to nothing: the line is cut)."""
    host, port = url.removeprefix("http://").split(":")

    def handle(connection: socket.socket) -> None:
        request = request_of(connection)
        if not request:
            return
        with socket.create_connection((host, int(port)), timeout=5) as onward:
            onward.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += onward.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            while len(body) < length:
                body += onward.recv(65536)
        changed = change(head + b"\r\n\r\n" + body)
        if changed:
            # One request for each connection, and it says so: a client that believed in a next one would meet a reset.
            connection.sendall(changed.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

    return handle
