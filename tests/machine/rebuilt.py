"""I6: a city that gets the same entries in other batches, and each kiosk's among the others' in another order."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from sqlalchemy import Table

from ewarung_city import intake
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Row, Tx
from ewarung_pos.domain.journal import genesis
from ewarung_pos.sync.protocol import Push
from tests.machine.mirror import Broken
from tests.machine.world import World

__all__ = ["compare"]

_FROM_ENTRIES: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (schema.entry, ("received_ms",)),
    (schema.redemption, ()),
    (schema.redemption_line, ()),
    (schema.stock, ()),
    (schema.day, ()),
    (schema.lease, ("granted", "released")),
    (schema.hardship, ("family", "programme", "charged")),
)
"""What entries alone make, and the columns in them that the city decides."""
_EMPTIED = (schema.entry, schema.redemption, schema.redemption_line, schema.stock, schema.day, schema.hardship,
            schema.batch, schema.bundle, schema.aside, schema.case, schema.recall)  # fmt: skip
_TOTALS = dict.fromkeys(("claimed", "surrendered", "spent", "returned"), 0)


def compare(world: World, draw: random.Random) -> None:
    """Build it, and compare.

    Raises:
        Broken: the figures hang on how the entries came.
    """
    with world.city.store.read() as tx:
        ours = _figures(tx)
        journals: dict[tuple[str, int], list[Row]] = {}
        for row in tx.all(schema.entry, "device", "epoch", "seq"):
            journals.setdefault((row["device"], int(row["epoch"])), []).append(row)
    url = world.city.copy()
    store = CityStore(url)
    try:
        with store.write() as tx:
            _begin_anew(tx)
        while journals:
            whose = draw.choice(sorted(journals))
            rows = journals[whose]
            count = draw.randrange(1, 40)
            with store.write() as tx:
                _take(world, tx, whose, rows[:count])
            if not rows[count:]:
                del journals[whose]
            else:
                journals[whose] = rows[count:]
        with store.read() as tx:
            theirs = _figures(tx)
    finally:
        store.close()
        world.city.databases.drop(url)
    for (table, _), one, other in zip(_FROM_ENTRIES, ours, theirs, strict=True):
        if one != other:
            differ = sorted(one ^ other)[:4]
            raise Broken(f"I6: {table.name} hangs on the order in which entries came: {differ}")
    world.counted["cities built anew from their entries"] += 1


def _begin_anew(tx: Tx) -> None:
    for table in _EMPTIED:
        tx.remove(table)
    tx.change(schema.lease, _TOTALS)
    tx.change(schema.entitlement, {"charged": 0})
    for row in tx.all(schema.epoch):
        whose = {"device": row["device"], "epoch": row["epoch"]}
        fresh = {"state": "active", "mode": "normal", "acked_seq": 0, "last_id": ""}
        tx.change(schema.epoch, {**fresh, "acked_hash": genesis(row["device"], int(row["epoch"])).hex()}, **whose)


def _take(world: World, tx: Tx, whose: tuple[str, int], rows: list[Row]) -> None:
    """What `intake.take` does once it knows who signed."""
    epochs = tx.all(schema.epoch, device=whose[0])
    held = next(row for row in epochs if row["epoch"] == whose[1])
    last_id = max(str(row["last_id"]) for row in epochs)
    bodies = tuple(msgspec.Raw(bytes(row["body"])) for row in rows)
    head = bytes(rows[-1]["hash"]).hex()
    push = Push(*whose, int(rows[0]["seq"]), str(held["acked_hash"]), bodies, head, "00" * 64)
    now = world.city.now_ms()
    hashes = intake.chain_of(push)
    assert intake._position(tx, push, held, hashes) is None
    intake._apply(tx, world.city.keys, push, held, hashes, now, now // 1000, last_id)


def _figures(tx: Tx) -> list[set[tuple[Any, ...]]]:
    figures = []
    for table, decided in _FROM_ENTRIES:
        rows = tx.all(table)
        if table is schema.lease:  # one that the city granted and no journal speaks of is no figure of theirs
            rows = [row for row in rows if any(int(row[name]) for name in _TOTALS)]
        names = [column.name for column in table.columns if column.name not in decided]
        figures.append({tuple(row[name] for name in names) for row in rows})
    return figures
