"""Intake at the city over what its database can do at most with the same bytes.

Three things take turns, batch by batch, on one server and in transactions of one batch each:

- *store*: the city's own intake of a batch (decode, signature, chain, entries and watermark) with nothing applied;
- *apply*: the whole intake, as a kiosk's PUSH gets it: rights, stock, redemptions and lines besides;
- the reference: the very rows of the entries, prepared as bytes beforehand, by COPY into a table without an index
  (PostgreSQL), or by `executemany` into one (SQLite).

Each entry is a redemption of two ration lines with two debits. The server is durable (fsync on) and on the disk.
"""

from __future__ import annotations

import gc
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import msgspec
import psycopg

from benchmarks.figures import Figure, ratio
from ewarung_city import intake, register
from ewarung_city.keys import CityKeys
from ewarung_city.reading import decode_push
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import DayOpened, Entry, Fact, KioskEnrolled, Redeemed, canonical, genesis, link, uuid7
from ewarung_pos.domain.redemption import RedemptionLine, RightDebit, Tender
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.protocol import BATCH_ENTRIES, Ack, Outcome, Push, batch_text, encode
from ewarung_pos.sync.signing import public_of, sign
from tests.city_databases import OnPostgres, server

__all__ = ["measure"]

KIOSKS = 8
FAMILIES = 200
NOON = 1_795_496_400_000
PERIOD, DAY = "2026-11", "2026-11-24"
KEYS = CityKeys(b"s" * 32, b"c" * 32, b"r" * 32)
SAMPLE = Path(__file__).parents[1] / "ewarung_pos" / "resources" / "sample"


class Batch(NamedTuple):
    """One batch of one kiosk, as it travels and as plain rows."""

    device: str
    body: bytes
    rows: list[tuple[Any, ...]]
    binary: bytes


def measure(repetitions: int, size: int = BATCH_ENTRIES) -> list[Figure]:
    """Figures of PostgreSQL and of SQLite; a repetition is one batch of each kiosk, after one that is not timed."""
    goods = _goods()
    rounds = _rounds(repetitions + 1, size, goods)
    gc.collect()
    gc.freeze()  # what was prepared here is no part of a city, and its collector need not walk through it
    figures = []
    for engine in ("PostgreSQL", "SQLite"):
        with _places(engine, goods) as (stored, applied, reference):
            runs = [_one_round(batches, stored, applied, reference) for batches in rounds][1:]
            _check(applied, rounds, size)
        most = "COPY into a bare table" if engine == "PostgreSQL" else "executemany into a bare table"
        goal = {"store": 0.30, "apply": 0.12} if engine == "PostgreSQL" else {}
        for place, name in enumerate(("store", "apply")):
            pairs = [(size * KIOSKS / run[place], size * KIOSKS / run[2]) for run in runs]
            figures.append(
                ratio(f"{name}, {engine} / {most}", pairs, goal=goal.get(name), unit="entries/s", at_least=True)
            )
    return figures


def _one_round(
    batches: list[Batch], stored: CityStore, applied: CityStore, reference: Callable[[Batch], None]
) -> tuple[float, float, float]:
    """Seconds of each for one batch of every kiosk."""
    took = [0.0, 0.0, 0.0]
    for batch in batches:
        with mock.patch.object(intake, "Applier", _Nothing):
            took[0] += _timed(partial(_taken, stored, batch))
        took[1] += _timed(partial(_taken, applied, batch))
        took[2] += _timed(partial(reference, batch))
    return took[0], took[1], took[2]


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _taken(store: CityStore, batch: Batch) -> None:
    push = decode_push(batch.body)
    said = store.turn(batch.device, lambda tx: intake.take(tx, KEYS, push, NOON, NOON // 1000))
    assert msgspec.json.decode(said, type=Ack).outcome is Outcome.ACCEPTED


class _Nothing:
    """In the place of what applies entries: *store* only stores."""

    uncounted: frozenset[int] = frozenset()

    def __init__(self, *_: object) -> None: ...

    def apply(self, _: object) -> list[tuple[int, str]]:
        return []


# --- places ---------------------------------------------------------------------------------------------------------


@contextmanager
def _places(engine: str, goods: list[RedemptionLine]) -> Iterator[tuple[CityStore, CityStore, Callable[[Batch], None]]]:
    """(city that only stores, city that applies, reference), ready."""
    with ExitStack() as stack:
        if engine == "PostgreSQL":
            started = stack.enter_context(server(durable=True, settings=("shared_buffers=256MB", "max_wal_size=4GB")))
            databases = OnPostgres(started.url, lambda url: CityStore(url).create())
            stack.callback(databases.close)
            urls = [databases.unprepared() for _ in range(3)]
            reference = stack.enter_context(_copied(urls[2]))
        else:
            folder = Path(tempfile.mkdtemp(prefix="ewarung-bench-"))
            stack.callback(shutil.rmtree, folder)
            urls = [f"sqlite:///{folder / name}.db" for name in ("stored", "applied")]
            reference = stack.enter_context(_executed(folder / "reference.db"))
        stores = [CityStore(url) for url in urls[:2]]
        for store, url in zip(stores, urls, strict=False):
            store.create()
            stack.callback(store.close)
            _prepare(store, goods)
            if engine == "PostgreSQL":
                with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                    connection.execute("VACUUM ANALYZE")
        yield stores[0], stores[1], reference


_COLUMNS = (
    "device text, epoch int, seq bigint, id text, kind text, date text, instant bigint, body {0}, hash {0},"
    " received_ms bigint"
)


@contextmanager
def _copied(url: str) -> Iterator[Callable[[Batch], None]]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"CREATE TABLE reference ({_COLUMNS.format('bytea')})".encode())
        connection.commit()

        def copy(batch: Batch) -> None:
            with connection.cursor() as cursor, cursor.copy("COPY reference FROM STDIN (FORMAT BINARY)") as stream:
                stream.write(batch.binary)
            connection.commit()

        yield copy


@contextmanager
def _executed(path: Path) -> Iterator[Callable[[Batch], None]]:
    import sqlite3

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"CREATE TABLE reference ({_COLUMNS.format('blob')})")

    def execute(batch: Batch) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO reference VALUES (?,?,?,?,?,?,?,?,?,?)", batch.rows)
        connection.execute("COMMIT")

    yield execute
    connection.close()


def _prepare(store: CityStore, goods: list[RedemptionLine]) -> None:
    """Kiosks, families and their rights, as a city with a month before it has them."""
    with store.write() as tx:
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        for kiosk in range(KIOSKS):
            device = _device(kiosk)
            tx.add(schema.kiosk, [{"device": device, "name": device, "epoch": 1}])
            key = public_of(_device_key(device)).hex()
            opening = {"device_key": key, "state": "active", "mode": "normal", "acked_hash": genesis(device, 1).hex()}
            tx.add(schema.epoch, [{"device": device, "epoch": 1, **opening}])
            families = [_family(device, place) for place in range(FAMILIES)]
            tx.add(schema.family, [{"key": key, "home": device, "card_status": "active"} for key in families])
            _lease(tx, device, families, goods)


def _lease(tx: Tx, device: str, families: list[str], goods: list[RedemptionLine]) -> None:
    rights = [
        {"family": family, "programme": "JATAH", "period": PERIOD, "commodity": line.commodity, "unit": line.unit.value}
        for family in families
        for line in goods
    ]
    tx.add(schema.entitlement, [{**right, "amount": 10**9} for right in rights])
    tx.add(schema.lease, [{"device": device, "epoch": 1, **right, "granted": 10**9} for right in rights])


def _check(applied: CityStore, rounds: list[list[Batch]], size: int) -> None:
    """What was measured really happened."""
    with applied.read() as tx:
        assert tx.count(schema.entry) == len(rounds) * size * KIOSKS
        assert tx.count(schema.redemption) == (len(rounds) * size - 2) * KIOSKS
        assert {row["reason"] for row in tx.all(schema.case)} <= set(), tx.all(schema.case)[:3]
        assert verify(tx) == []


# --- journals -------------------------------------------------------------------------------------------------------


def _goods() -> list[RedemptionLine]:
    catalogue = msgspec.json.decode((SAMPLE / "catalogue.json").read_bytes())["catalogue"]
    products = {product["code"]: product for product in catalogue["products"]}
    rice = products["beras-medium-5"]
    oil = next(product for product in products.values() if product["commodity"] == "minyak")
    return [
        RedemptionLine(
            item["code"], item["commodity"].title(), item["commodity"], 1, "pak", item["pack"]["amount"],
            Unit(item["pack"]["unit"]), item["price"]["amount"], Tender.RATION, "JATAH",
        )
        for item in (rice, oil)
    ]  # fmt: skip


def _rounds(count: int, size: int, goods: list[RedemptionLine]) -> list[list[Batch]]:
    kiosks = [_journal(_device(kiosk), count, size, goods) for kiosk in range(KIOSKS)]
    return [list(batches) for batches in zip(*kiosks, strict=True)]


def _journal(device: str, count: int, size: int, goods: list[RedemptionLine]) -> list[Batch]:
    head, batches = genesis(device, 1), []
    debits = tuple(RightDebit("JATAH", PERIOD, line.commodity, line.unit, line.amount) for line in goods)
    for number in range(count):
        before, bodies, rows = head, [], []
        for seq in range(number * size + 1, (number + 1) * size + 1):
            fact: Fact
            if seq == 1:
                fact = KioskEnrolled(device, "", "", "", "0.1.0")
            elif seq == 2:
                fact = DayOpened()
            else:
                family = _family(device, seq * 7 % FAMILIES)
                fact = Redeemed(seq - 2, family, "4821", HolderPresence.SELF, tuple(goods), debits, ())
            identity = uuid7(NOON - 10**7 + seq, hashlib.sha256(f"{device}{seq}".encode()).digest()[:10])
            date = DAY if seq > 1 else ""
            body = canonical(Entry(seq, identity, device, 1, date, NOON - 10**7 + seq, seq, "boot", "siti", fact))
            head = link(head, body)
            bodies.append(msgspec.Raw(body))
            rows.append((device, 1, seq, identity, type(fact).__name__, date, NOON - 10**7 + seq, body, head, NOON))
        first = number * size + 1
        said = batch_text(device, 1, first, first + size - 1, head.hex())
        push = Push(device, 1, first, before.hex(), tuple(bodies), head.hex(), sign(_device_key(device), said).hex())
        batches.append(Batch(device, encode(push), rows, _binary(rows)))
    return batches


def _binary(rows: list[tuple[Any, ...]]) -> bytes:
    """The rows in PostgreSQL's binary COPY format."""
    out = bytearray(b"PGCOPY\n\xff\r\n\x00" + bytes(8))
    for row in rows:
        out += len(row).to_bytes(2, "big")
        for place, value in enumerate(row):
            if isinstance(value, int):
                raw = value.to_bytes(4 if place == 1 else 8, "big", signed=True)
            else:
                raw = value if isinstance(value, bytes) else value.encode()
            out += len(raw).to_bytes(4, "big") + raw
    return bytes(out + b"\xff\xff")


def _device(kiosk: int) -> str:
    return f"EW-{kiosk + 1:04d}"


def _device_key(device: str) -> bytes:
    return hashlib.sha256(device.encode()).digest()


def _family(device: str, place: int) -> str:
    return f"K{hashlib.sha256(f'{device}{place}'.encode()).hexdigest()[:15].upper()}"
