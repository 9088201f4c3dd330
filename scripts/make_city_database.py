"""Writes a small city's database as this version of the program makes it, as SQL text: the past of the tests.

    .venv/bin/python scripts/make_city_database.py tests/cities/NAME.sql

Run it before the tables change; `tests/integration/city/test_migrations.py` walks every file there forward. Keys and
people are invented, clocks and ids told, so that the same program writes the same text.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

from msgspec import Raw

from ewarung_city import enrolment, intake, leases, register
from ewarung_city.keys import CityKeys
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore, Tx
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import (
    DayOpened,
    Entry,
    Fact,
    KioskEnrolled,
    PriceChanged,
    Redeemed,
    Reversed,
    StockReceived,
    canonical,
    genesis,
    link,
    uuid7,
)
from ewarung_pos.domain.redemption import RedemptionLine, RightDebit, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.protocol import Enrol, Enrolled, Push, batch_text
from ewarung_pos.sync.signing import code_secret, enrol_proof, public_of, sign

SAMPLE = Path(__file__).parents[1] / "ewarung_pos" / "resources" / "sample"
NOON = 1_795_496_400_000  # 24 November 2026, 12.00 WIB
KEYS = CityKeys(b"s" * 32, b"c" * 32, b"r" * 32)
KIOSK, PERIOD, DAY = "EW-0001", "2026-11", "2026-11-24"
DEVICE_KEY = b"d" * 32
WRAP_KEY = "09" + "00" * 31


def write(url: str, scratch: Path) -> None:
    """The database: six families, one kiosk with a short journal, one batch put aside."""
    store = CityStore(url)
    store.create()
    with store.write() as tx:
        _register(tx, scratch)
        leases.grant(tx, PERIOD)
        _enrol(tx)
        rows = _journal(tx)
        good = _push(rows)
        intake.take(tx, KEYS, good, NOON + 60_000, NOON // 1000)
        later = Push(KIOSK, 1, 40, good.head_hash, good.entries[:1], "00" * 32, "00" * 64)
        intake.take(tx, KEYS, later, NOON + 61_000, NOON // 1000)
    store.close()


def _register(tx: Tx, scratch: Path) -> None:
    register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
    register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
    for name, keep in (("kiosks.csv", 1), ("families.csv", 6)):
        lines = (SAMPLE / name).read_text(encoding="utf-8").splitlines()
        rows = [line for line in lines[1:] if KIOSK in line][:keep]
        (scratch / name).write_text("\n".join([lines[0], *rows, ""]), encoding="utf-8")
    register.import_kiosks(tx, scratch / "kiosks.csv")
    register.import_families(tx, scratch / "families.csv", KEYS, NOON, "contoh", "2026-11-01")
    tx.change(schema.import_note, {"import_id": "0" * 16})  # drawn by lot, like the code below


def _enrol(tx: Tx) -> None:
    code_id, secret = code_secret(enrolment.issue_code(tx, KIOSK, NOON, auto=True))
    key = public_of(DEVICE_KEY).hex()
    proof = enrol_proof(secret, code_id, key, WRAP_KEY)
    said = enrolment.enrol(tx, KEYS, Enrol(code_id, proof, key, WRAP_KEY, "0.1.0"), NOON)
    if not isinstance(said, Enrolled):
        raise SystemExit(f"not enrolled: {said}")
    tx.remove(schema.code, code_id=code_id)


def _journal(tx: Tx) -> list[bytes]:
    family = tx.all(schema.lease, "family", commodity="beras")[0]["family"]
    line = RedemptionLine(
        "beras-medium-5", "Beras", "beras", 1, "karung", 5_000, Unit.GRAM, 67_500, Tender.RATION, "JATAH"
    )
    debits = (RightDebit("JATAH", PERIOD, "beras", Unit.GRAM, 5_000),)
    taken = Redeemed(1, family, "4821", HolderPresence.SELF, (line,), debits, ())
    undone = Reversed(2, _id(4), 1, family, "4821", "salah", "yuni", (line,), debits, ())
    facts: list[Fact] = [
        KioskEnrolled("e-Warung Mawar", "33.74.01.1010", "", "", "0.1.0"),
        DayOpened(),
        StockReceived("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 10),)),
        taken,
        undone,
        PriceChanged("beras-medium-5", 67_500, 90_000, "pasar"),
    ]
    return [
        canonical(Entry(seq, _id(seq), KIOSK, 1, DAY if seq > 1 else "", NOON + seq, seq, "boot", "siti", fact))
        for seq, fact in enumerate(facts, start=1)
    ]


def _id(seq: int) -> str:
    return uuid7(NOON + seq, seq.to_bytes(10, "big"))


def _push(rows: list[bytes]) -> Push:
    first = head = genesis(KIOSK, 1)
    for row in rows:
        head = link(head, row)
    text = batch_text(KIOSK, 1, 1, len(rows), head.hex())
    return Push(KIOSK, 1, 1, first.hex(), tuple(map(Raw, rows)), head.hex(), sign(DEVICE_KEY, text).hex())


def main(out: Path) -> None:
    """Write it there."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "city.db"
        write(f"sqlite:///{path}", Path(scratch))
        held = sqlite3.connect(path)
        lines = sorted(held.iterdump(), key=lambda line: line if line.startswith("CREATE INDEX") else "")
        lines.append(lines.pop(lines.index("COMMIT;")))
        out.write_text("\n".join([*lines, ""]), encoding="utf-8")
        held.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
