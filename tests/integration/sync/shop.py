"""A small city with one kiosk, a shop day that can be told in two halves, and what both ends say of it afterwards."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ewarung_city import leases, register
from ewarung_city.keys import KEY_FILE
from ewarung_city.store import schema
from ewarung_city.verify import verify as verify_city
from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.domain.family import Family, HolderPresence
from ewarung_pos.domain.journal import CityAcknowledged, DayClosed, Redeemed, Reversed, StateReceived, decode
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.ledger.verify import verify as verify_ledger
from ewarung_pos.ports import SyncReport
from ewarung_pos.services.day import DayService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.engine import SyncEngine
from tests.integration.city.city_kit import LEDGER_KEY, PERIOD, SAMPLE, LiveCity, Till, ToldClock

__all__ = ["RICE", "Shop", "city_story", "ledger_story", "small_city", "step_until_quiet"]

RICE, SUGAR = "beras-medium-5", "gula-1"


def small_city(folder: Path, families: int) -> LiveCity:
    """A city whose register has so many families, all of EW-0001 and with a ration; not serving yet."""
    city = LiveCity(folder, ToldClock())
    with (SAMPLE / "families.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["home_kiosk"] == "EW-0001" and _has_ration(row)]
    few = folder / "families.csv"
    with few.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows[:families])
    with city.store.write() as tx:
        register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        register.import_families(tx, few, city.keys, city.clock.ms, "contoh")
        leases.grant(tx, PERIOD)
    return city


def _has_ration(row: dict[str, str]) -> bool:
    return "JATAH" in row["programmes"] and row["card_status"] == "active"


def copied(city: LiveCity, folder: Path) -> LiveCity:
    """Another city with the same keys and rows; the first one is closed."""
    folder.mkdir()
    for name in (KEY_FILE, "city.db"):
        shutil.copy(city.data_dir / name, folder)
    return LiveCity(folder, ToldClock())


class Shop:
    """What an operator does at the counter of a till."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.stock = StockService(till.ledger)
        self.day = DayService(till.ledger, till.clock, self.stock)
        self.redeem = RedeemService(till.ledger, till.clock, lambda: None)
        self.reverse = ReverseService(till.ledger, till.clock)

    def families(self) -> tuple[Family, ...]:
        """In the order of the register's keys."""
        return tuple(sorted(self.till.ledger.read().families(), key=lambda family: family.key))

    def open(self) -> None:
        self.day.open("siti")
        self.stock.receive("Bulog", "SJ-1", (ReceivedLine(RICE, 400), ReceivedLine(SUGAR, 400)), "siti")

    def serve(self, family: Family, packs: int = 1) -> str:
        """Rice of the ration and sugar for cash; returns the entry's id."""
        basket = Basket().with_packs(RICE, packs, Tender.RATION, "JATAH").with_packs(SUGAR, 1, Tender.CASH)
        return self.redeem.redeem(family.card, basket, HolderPresence.SELF, "siti").entry.id

    def undo(self, entry: str) -> None:
        self.reverse.reverse(entry, ReversalReason.WRONG_GOODS, "siti", "yuni")

    def close(self) -> None:
        self.day.begin_close("siti")
        self.day.count(dict(self.till.ledger.read().stock()), "siti")
        self.day.explain((), "siti")
        self.day.seal("siti", EdcTotals(0))

    def first_half(self) -> None:
        self.open()
        done = [self.serve(family) for family in self.families()[:4]]
        self.undo(done[1])

    def second_half(self) -> None:
        for family in self.families()[3:6]:
            self.serve(family)
        self.close()


def step_until_quiet(engine: SyncEngine, clock: ToldClock, steps: int = 60) -> list[SyncReport]:
    """Step, and wait when told to, until nothing is left to do and nothing is wrong."""
    reports: list[SyncReport] = []
    for _ in range(steps):
        report = engine.step()
        reports.append(report)
        if not report.code and not report.more and not report.unsent:
            return reports
        clock.wait(report.retry_ms)
    raise AssertionError(f"never quiet: {[(report.code, report.reason, report.unsent) for report in reports[-4:]]}")


# --- what both ends say afterwards ------------------------------------------------------------------------------------


def ledger_story(till: Till) -> list[tuple[str, Any]]:
    """Everything that happened at the kiosk, without what the line alone decides: acknowledgements and places."""
    told: list[tuple[str, Any]] = []
    receipts: dict[str, int] = {}
    for row in till.ledger.read().sealed(0, 10_000, 10**8):
        entry = decode(row.body)
        match entry.fact:
            case CityAcknowledged():
                continue
            case StateReceived() as fact:
                told.append(("StateReceived", sorted(msgspec.to_builtins(fact.leases))))
                continue
            case Redeemed(receipt=receipt):
                receipts[entry.id] = receipt
        plain = msgspec.to_builtins(entry.fact)
        for name in ("head", "signature", "device_key", "entry"):
            plain.pop(name, None)
        if isinstance(entry.fact, Reversed):
            plain["original"] = receipts[entry.fact.original]
        if isinstance(entry.fact, DayClosed):
            for name in ("first_seq", "last_seq"):
                plain["totals"].pop(name)
        told.append((plain.pop("kind"), plain))
    assert list(map(str, verify_ledger(till.data_dir, LEDGER_KEY).problems)) == []
    reader = till.ledger.read()
    told.append(("stock", sorted(reader.stock().items())))
    told.append(("unsent", reader.head().unsent))
    return told


_COLUMNS: dict[str, tuple[str, ...]] = {
    "lease": ("device", "epoch", "family", "commodity", "granted", "claimed", "surrendered", "spent", "returned"),
    "stock": ("device", "epoch", "product", "packs"),
    "redemption": ("device", "epoch", "receipt", "family", "date", "ration_value", "purse", "cash"),
    "redemption_line": ("device", "epoch", "date", "product", "packs", "amount", "price", "tender", "programme"),
    "day": ("device", "epoch", "date", "differs"),
    "case": ("device", "epoch", "reason"),
    "aside": ("device", "epoch", "reason"),
    "epoch": ("device", "epoch", "state", "mode", "reason"),
}


def city_story(city: LiveCity, skip: Callable[[str, dict[str, Any]], bool] = lambda *_: False) -> dict[str, list[Any]]:
    """What the city made of it, without places and times."""
    with city.store.read() as tx:
        assert verify_city(tx) == []
        return {
            name: sorted(
                tuple(row[column] for column in columns)
                for row in map(dict, tx.all(schema.METADATA.tables[name]))
                if not skip(name, row)
            )
            for name, columns in _COLUMNS.items()
        }
