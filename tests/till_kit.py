"""A till's ledger with the sample families in it, for tests of services and view-models: real SQLite, no devices."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, CardStatus, Family, card_ref, mask_nik
from ewarung_pos.domain.journal import KioskEnrolled, uuid7
from ewarung_pos.domain.state import KioskIdentity, OperatorRecord, PurseCredit, StatePage
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import ClockReading, Instant
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.practice.cards import sample_file
from ewarung_pos.services.day import DayService
from ewarung_pos.services.health import HealthService
from ewarung_pos.services.operators import OperatorService, PinCost
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.reverse import ReverseService
from ewarung_pos.services.stock import StockService
from tests.new_ledger import new_ledger

__all__ = ["CARD_KEY", "DEVICE_KEY", "FakeClock", "TillKit", "till_kit"]

CARD_KEY = bytes(range(32))
DEVICE_KEY = bytes(range(32, 64))
LEDGER_KEY = bytes(32)
PEPPER = bytes(range(64, 96))
QUICK = PinCost(8, 1, 1)  # hashing is not what these tests are about
START_MS = 1_795_480_000_000  # 24 November 2026, 07.26 WIB


@dataclass
class FakeClock:
    """A clock that the test moves; `wall_ahead_ms` is what somebody set the wall clock forward by."""

    ms: int = START_MS
    minted: int = 0
    wall_ahead_ms: int = 0

    def now(self) -> ClockReading:
        return ClockReading(Instant(self.ms + self.wall_ahead_ms), self.ms - START_MS + 1000, "boot-1")

    def mint(self) -> str:
        self.minted += 1
        return uuid7(self.ms, self.minted.to_bytes(10, "big"))


@dataclass
class TillKit:
    """Ledger and services, and the sample's cards by name."""

    data_dir: Path
    clock: FakeClock
    ledger: SqlLedger
    stock: StockService
    day: DayService
    redeem: RedeemService
    reverse: ReverseService
    operators: OperatorService
    papers: PaperService
    health: HealthService
    families: tuple[Family, ...]
    offset: list[int | None] = field(default_factory=lambda: [None])

    def card(self, name: str) -> CardRef:
        return next(family.card for family in self.families if family.name == name)

    def family(self, *programmes: str, status: CardStatus = CardStatus.ACTIVE) -> Family:
        return next(f for f in self.families if f.programmes == programmes and f.card_status is status)

    def open_shop(self, packs: int = 50) -> None:
        """Open the day and receive so many packs of everything."""
        self.day.open("siti")
        catalogue = self.ledger.read().catalogue()
        self.stock.receive("Bulog", "SJ-1", tuple(ReceivedLine(p.code, packs, 0) for p in catalogue.products), "siti")


def sample() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(sample_file("catalogue.json").read_text(encoding="utf-8"))
    return loaded


def sample_families(kiosk: str) -> tuple[Family, ...]:
    import csv

    with sample_file("families.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Family(
            key=f"K{number:05d}",
            name=row["name"],
            nik_masked=mask_nik(row["nik"]),
            kelurahan_code=row["kelurahan_code"],
            kelurahan="Kauman",
            kecamatan="Semarang Tengah",
            members=int(row["members"]),
            programmes=tuple(row["programmes"].split(";")),
            home=row["home_kiosk"],
            card=card_ref(CARD_KEY, row["card_number"]),
            card_status=CardStatus(row["card_status"]),
        )
        for number, row in enumerate(rows, start=1)
        if row["home_kiosk"] == kiosk
    )


@cache
def quick_pin(code: str) -> dict[str, str]:
    """The sample's PIN of this operator, under a hash that costs a test less time; nothing for who has none."""
    from argon2 import PasswordHasher

    pin = {"siti": "111111", "yuni": "222222"}.get(code)
    return {"pin_hash": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(pin)} if pin else {}


def state_page(families: tuple[Family, ...], period: str, cursor: int = 1) -> StatePage:
    data = sample()
    people: list[dict[str, Any]] = data["operators"]
    units = {c["code"]: c["unit"] for c in data["catalogue"]["commodities"]}
    leases = tuple(
        LeaseGrant(family.key, "JATAH", period, commodity, units[commodity], amount)
        for family in families
        if "JATAH" in family.programmes
        for commodity, amount in data["rations"]["JATAH"].items()
    )
    purses = tuple(PurseCredit(f.key, "SEMBAKO", period, 200_000) for f in families if "SEMBAKO" in f.programmes)
    return StatePage(
        cursor=cursor,
        families=families,
        leases=tuple(msgspec.convert(msgspec.to_builtins(lease), LeaseGrant) for lease in leases),
        credits=purses,
        operators=tuple(msgspec.convert(person | quick_pin(person["code"]), OperatorRecord) for person in people),
        catalogue=msgspec.convert(data["catalogue"], Catalogue),
        register_date="2026-11-01",
        register_source="contoh",
    )


def till_kit(data_dir: Path, *, encrypted: bool = True, families: int | None = None) -> TillKit:
    """An enrolled till with the sample's state of November 2026; the day is not open yet."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    clock = FakeClock()
    new_ledger(data_dir, LEDGER_KEY, encrypted=encrypted)
    ledger = open_ledger(data_dir, LEDGER_KEY, clock, encrypted=encrypted)
    public = Ed25519PrivateKey.from_private_bytes(DEVICE_KEY).public_key().public_bytes_raw().hex()
    held = sample_families("EW-0001")[:families]
    with ledger.write() as uow:
        uow.set_identity(KioskIdentity("EW-0001", 1, "e-Warung Mawar", "33.74.01.1010", "Kauman"))
        uow.put_secret("device_key", DEVICE_KEY)
        uow.put_secret("card_key", CARD_KEY)
        uow.put_secret("city_key", bytes(32))
        uow.append(KioskEnrolled("e-Warung Mawar", "33.74.01.1010", public, "00" * 32, "0.1.0", "", "Kauman"))
        uow.accept(state_page(held, "2026-11"), "00" * 32)
    stock = StockService(ledger)
    offset: list[int | None] = [None]
    return TillKit(
        data_dir,
        clock,
        ledger,
        stock,
        DayService(ledger, clock, stock, lambda: offset[0]),
        RedeemService(ledger, clock, lambda: offset[0]),
        ReverseService(ledger, clock),
        OperatorService(ledger, clock, (PEPPER,), QUICK),
        PaperService(ledger),
        HealthService(ledger, clock, lambda: offset[0]),
        held,
        offset,
    )
