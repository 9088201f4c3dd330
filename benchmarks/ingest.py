"""Intake at the city over what its database can do at most with the same bytes.

Several things take turns, batch by batch, on one PostgreSQL server that is durable (fsync on) and on the disk, in
transactions of one batch each:

- *store*: the city's PUSH from end to end (HTTP, unpacking, both signatures, chain, entries, watermark, commit, signed
  answer) with nothing applied;
- *apply*: all of it, as a kiosk's PUSH gets it: rights, stock, redemptions and lines besides;
- *replay*: the same requests a second time, which is what a kiosk does whose answer was lost;
- the reference: the very rows of the entries, prepared as bytes beforehand, by COPY into a table with the key that
  keeps an entry from being there twice, as the goals were found (reliability-and-speed.md 5.1: "PK");
- the same into a table without any index, which nobody could ask for an entry.

The sender is this process, and its own time is part of what takes turns; each server is one process. By processor time
only the city's side counts: its process and the database's. SQLite is measured without HTTP, beside `executemany`.
Each entry is a redemption of two ration lines with two debits.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unittest import mock

import msgspec
import psycopg

from benchmarks.figures import Figure, ratio
from benchmarks.served import KEYS, Served, Storing, cpu_of, serving
from ewarung_city import intake
from ewarung_city.reading import decode_push
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_city.verify import verify
from ewarung_pos.sync.protocol import Ack, Outcome, Push
from tests.city_databases import OnPostgres, server
from tests.many_kiosks import Batch, Kiosks, Sender, names, request_of

__all__ = ["durable_postgres", "measure"]

T = TypeVar("T")

KIOSKS = 8
FAMILIES = 200
ENTRIES = 280
"""As many of these as fit into one PUSH (256 KiB)."""


class Run(NamedTuple):
    """Seconds of one round: by the clock, and of the processor."""

    wall: float
    cpu: float


def measure(repetitions: int, size: int = ENTRIES) -> list[Figure]:
    """Figures of PostgreSQL and of SQLite; a repetition is one batch of each kiosk, after one that is not timed."""
    now_ms = time.time_ns() // 1_000_000
    kiosks = Kiosks(now_ms, FAMILIES)
    journals = [kiosks.journal(device, repetitions + 1, size) for device in names(KIOSKS)]
    rounds = [list(batches) for batches in zip(*journals, strict=True)]
    gc.collect()
    gc.freeze()  # what was prepared here is no part of a city, and its collector need not walk through it
    figures = _over_http(kiosks, rounds)
    figures += _on_sqlite(kiosks, rounds)
    gc.unfreeze()
    return figures


# --- PostgreSQL, over HTTP ------------------------------------------------------------------------------------------


@contextmanager
def durable_postgres() -> Iterator[tuple[OnPostgres, Callable[[], float]]]:
    """(databases of a server that waits for the disk, its processor time so far)."""
    with server(durable=True, settings=("shared_buffers=256MB", "max_wal_size=4GB")) as started:
        databases = OnPostgres(started.url, lambda url: CityStore(url).create())
        try:
            yield databases, lambda: cpu_of(started.pid)
        finally:
            databases.close()


def _over_http(kiosks: Kiosks, rounds: list[list[Batch]]) -> list[Figure]:
    with ExitStack() as stack:
        databases, of_database = stack.enter_context(durable_postgres())
        urls = [databases.unprepared() for _ in range(3)]
        served = []
        for kind, url in zip(("store", "apply"), urls, strict=False):
            with_kiosks(kiosks, url, names(KIOSKS))
            served.append(stack.enter_context(serving(kind, url)))
        keyed, bare = stack.enter_context(_copied(urls[2]))
        senders = [stack.enter_context(_sending(one)) for one in served]
        runs = []
        for batches in rounds:
            # The signature of a request must not be old: it is made before each round, and not timed.
            requests = [request_of(batch, time.time_ns() // 10**9) for batch in batches]
            binaries = [_binary(batch) for batch in batches]
            turns = (0, 1, 1)  # the last is the replay
            said = [_timed(partial(_sent, senders[at], requests), of_database, served[at]) for at in turns]
            said += [_timed(partial(_each, copy, binaries), of_database, None) for copy in (keyed, bare)]
            runs.append(said)
        _check(urls[1], rounds)
    entries = sum(len(batch.entries) for batch in rounds[0])
    figures = []
    for place, (name, goal) in enumerate((("stored", 0.30), ("applied", 0.12))):
        for kind in ("wall", "cpu"):
            pairs = [(entries / _of(run[place], kind), entries / _of(run[3], kind)) for run in runs[1:]]
            by = "" if kind == "wall" else ", by processor time"
            name_ = f"PUSH over HTTP, {name} / COPY of the same rows{by}"
            figures.append(ratio(name_, pairs, goal=goal, unit="entries/s", at_least=True))
        pairs = [(entries / run[place].wall, entries / run[4].wall) for run in runs[1:]]
        name_ = f"PUSH over HTTP, {name} / COPY of the same rows without any index"
        figures.append(ratio(name_, pairs, unit="entries/s", at_least=True))
    for kind in ("wall", "cpu"):
        pairs = [(1e3 * _of(run[2], kind), 1e3 * _of(run[1], kind)) for run in runs[1:]]
        by = "" if kind == "wall" else ", by processor time"
        figures.append(ratio(f"replay of acknowledged batches / first push{by}", pairs, goal=0.5, unit="ms"))
    return figures


def _of(run: Run, kind: str) -> float:
    return run.wall if kind == "wall" else run.cpu


def with_kiosks(kiosks: Kiosks, url: str, devices: list[str]) -> None:
    """Make a city of these kiosks, as one with a month before it."""
    store = CityStore(url)
    store.create()
    kiosks.settle_in(store, devices)
    store.close()
    if not url.startswith("sqlite"):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


@contextmanager
def _sending(served: Served) -> Iterator[Sender]:
    sender = Sender(served.port)
    yield sender
    sender.close()


def _sent(sender: Sender, requests: list[bytes]) -> None:
    for request in requests:
        status, said = sender.send(request)
        assert status == 200, (status, said)
        assert msgspec.json.decode(said, type=Ack).outcome is Outcome.ACCEPTED


def _timed(work: Callable[[], object], of_database: Callable[[], float], served: Served | None) -> Run:
    def used() -> float:
        return of_database() + (time.process_time() if served is None else served.cpu())

    before, start = used(), time.perf_counter()
    work()
    return Run(time.perf_counter() - start, used() - before)


_COLUMNS = (
    "device text, epoch int, seq bigint, id text, kind text, date text, instant bigint, body {0}, hash {0},"
    " received_ms bigint"
)


@contextmanager
def _copied(url: str) -> Iterator[tuple[Callable[[bytes], None], Callable[[bytes], None]]]:
    """(COPY into a table with the key of an entry, and into one without)."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        columns = _COLUMNS.format("bytea")
        connection.execute(f"CREATE TABLE keyed ({columns}, PRIMARY KEY (device, epoch, seq))".encode())
        connection.execute(f"CREATE TABLE bare ({columns})".encode())
        connection.commit()

        def copy(table: str, binary: bytes) -> None:
            statement = f"COPY {table} FROM STDIN (FORMAT BINARY)".encode()
            with connection.cursor() as cursor, cursor.copy(statement) as stream:
                stream.write(binary)
            connection.commit()

        yield partial(copy, "keyed"), partial(copy, "bare")


def _rows(batch: Batch) -> list[tuple[Any, ...]]:
    return [
        (batch.device, 1, one.seq, one.id, type(one.fact).__name__, one.date, one.instant, body, digest, one.instant)
        for one, body, digest in zip(batch.entries, batch.bodies, batch.hashes, strict=True)
    ]


def _binary(batch: Batch) -> bytes:
    """The rows in PostgreSQL's binary COPY format."""
    out = bytearray(b"PGCOPY\n\xff\r\n\x00" + bytes(8))
    for row in _rows(batch):
        out += len(row).to_bytes(2, "big")
        for place, value in enumerate(row):
            if isinstance(value, int):
                raw = value.to_bytes(4 if place == 1 else 8, "big", signed=True)
            else:
                raw = value if isinstance(value, bytes) else value.encode()
            out += len(raw).to_bytes(4, "big") + raw
    return bytes(out + b"\xff\xff")


def _check(url: str, rounds: list[list[Batch]]) -> None:
    """What was measured really happened."""
    entries = sum(len(batch.entries) for batches in rounds for batch in batches)
    store = CityStore(url)
    with store.read() as tx:
        assert tx.count(schema.entry) == entries
        assert tx.count(schema.redemption) == entries - 2 * KIOSKS
        assert tx.all(schema.case) == []
        assert verify(tx) == []
    store.close()


# --- SQLite, in this process ----------------------------------------------------------------------------------------


def _on_sqlite(kiosks: Kiosks, rounds: list[list[Batch]]) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="ewarung-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        stores = []
        for name in ("stored", "applied"):
            with_kiosks(kiosks, f"sqlite:///{folder / name}.db", names(KIOSKS))
            stores.append(CityStore(f"sqlite:///{folder / name}.db"))
            stack.callback(stores[-1].close)
        execute = stack.enter_context(_executed(folder / "reference.db"))
        runs = []
        for batches in rounds:
            rows = [_rows(batch) for batch in batches]
            with mock.patch.object(intake, "Applier", Storing):
                stored = _timed(partial(_taken, stores[0], batches), lambda: 0.0, None)
            applied = _timed(partial(_taken, stores[1], batches), lambda: 0.0, None)
            reference = _timed(partial(_each, execute, rows), lambda: 0.0, None)
            runs.append((stored, applied, reference))
        _check(f"sqlite:///{folder / 'applied'}.db", rounds)
    entries = sum(len(batch.entries) for batch in rounds[0])
    return [
        ratio(
            f"{name} without HTTP, SQLite / executemany of the same rows",
            [(entries / run[place].wall, entries / run[2].wall) for run in runs[1:]],
            unit="entries/s",
            at_least=True,
        )
        for place, name in enumerate(("stored", "applied"))
    ]


def _each(work: Callable[[T], None], pieces: Iterable[T]) -> None:
    for piece in pieces:
        work(piece)


def _took(tx: Tx, push: Push, now_ms: int) -> bytes:
    return intake.take(tx, KEYS, push, now_ms, now_ms // 1000)


def _taken(store: CityStore, batches: list[Batch]) -> None:
    now_ms = time.time_ns() // 1_000_000
    for batch in batches:
        push = decode_push(batch.body)
        said = store.turn(batch.device, partial(_took, push=push, now_ms=now_ms))
        assert msgspec.json.decode(said, type=Ack).outcome is Outcome.ACCEPTED


@contextmanager
def _executed(path: Path) -> Iterator[Callable[[list[tuple[Any, ...]]], None]]:
    import sqlite3

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"CREATE TABLE reference ({_COLUMNS.format('blob')})")

    def execute(rows: list[tuple[Any, ...]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO reference VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
        connection.execute("COMMIT")

    yield execute
    connection.close()
