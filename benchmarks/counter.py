"""A kiosk with a past: real services over a real ledger, a hundred business days of redemptions, all papers printed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, CardStatus, Family, HolderPresence, card_ref
from ewarung_pos.domain.journal import KioskEnrolled, ReceiptPrinted, uuid7
from ewarung_pos.domain.redemption import Basket, BasketLine, Tender
from ewarung_pos.domain.state import KioskIdentity, OperatorRecord, StatePage
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import BusinessDate, ClockReading, Instant
from ewarung_pos.ledger.database import LEDGER_FILE, SqlLedger, open_ledger
from ewarung_pos.ledger.keys import KEY_FILE
from ewarung_pos.practice.cards import sample_file
from ewarung_pos.services.day import DayService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.stock import StockService

__all__ = ["Counter", "MovedClock", "build", "copied", "held", "number_of"]

KEY = bytes(range(32))
DAY_MS = 86_400_000
FAMILIES = 300
DAYS = 100
PROGRAMME = "JATAH"
WHO = "siti"


class MovedClock:
    """Real time, moved to another day."""

    def __init__(self, shift_ms: int) -> None:
        self.shift_ms = shift_ms

    def now(self) -> ClockReading:
        return ClockReading(
            Instant(time.time_ns() // 1_000_000 + self.shift_ms), time.monotonic_ns() // 1_000_000, "bench"
        )

    def mint(self) -> str:
        return uuid7(time.time_ns() // 1_000_000 + self.shift_ms, os.urandom(10))


class Counter:
    """The counter of one kiosk; every family may take the same basket of four ration lines again and again."""

    def __init__(self, directory: Path, clock: MovedClock, *, encrypted: bool, create: bool = False) -> None:
        self.directory = directory
        self.clock = clock
        self.ledger: SqlLedger = open_ledger(directory, KEY, clock, create=create, encrypted=encrypted)
        self.stock = StockService(self.ledger)
        self.day = DayService(self.ledger, clock, self.stock)
        self._service = RedeemService(self.ledger, clock, lambda: None)
        self._cards = [_family(number).card for number in range(FAMILIES)]
        self.basket = Basket(tuple(BasketLine(code, 1, Tender.RATION, PROGRAMME) for code in _goods()))

    def redeem(self, number: int) -> Redemption:
        """The whole service call for some family."""
        return self._service.redeem(self.card(number), self.basket, HolderPresence.SELF, WHO)

    def card(self, number: int) -> CardRef:
        """Neighbours in time are far from each other in the tables."""
        return self._cards[number * 37 % FAMILIES]

    def open_day(self, packs: int) -> None:
        """Open, and receive so many packs of each of the four."""
        self.day.open(WHO, date_confirmed=True)  # without a city, the first and last days of a month are confirmed
        self.stock.receive("Bulog", "SJ-1", tuple(ReceivedLine(code, packs) for code in _goods()), WHO)

    def close_day(self) -> None:
        """Count, explain, seal: the count agrees with the book."""
        self.day.begin_close(WHO)
        lines = self.day.count(self.ledger.read().stock(), WHO)
        self.day.explain(lines, WHO)
        self.day.seal(WHO, None)

    def print_owed(self) -> None:
        """All papers out, in one commit."""
        with self.ledger.write() as uow:
            for job in uow.print_jobs():
                uow.print_tried(job.id)
                uow.append(ReceiptPrinted(job.receipt, job.entry, job.copy), WHO)
                uow.print_done(job.id)


def build(directory: Path, redemptions: int, *, encrypted: bool) -> None:
    """Make a ledger with so many redemptions in `directory`; the day of today is open at the end."""
    clock = MovedClock(-DAYS * DAY_MS)
    _put_key(directory)
    counter = Counter(directory, clock, encrypted=encrypted, create=True)
    _enrol(counter, lambda _: tuple(_family(number) for number in range(FAMILIES)), days=DAYS)
    share, rest = divmod(redemptions, DAYS)
    done = 0
    for day in range(DAYS):
        clock.shift_ms = (day - DAYS) * DAY_MS
        today = share + (day < rest)
        counter.open_day(today + 10)
        for _ in range(today):
            counter.redeem(done)
            done += 1
        counter.print_owed()
        counter.close_day()
    counter.print_owed()
    clock.shift_ms = 0
    counter.open_day(1_000_000)
    counter.ledger.close()


def held(directory: Path, families: int) -> None:
    """Make a ledger that knows so many families by their cards' numbers, each with a ration; today is open."""
    _put_key(directory)
    clock = MovedClock(0)
    counter = Counter(directory, clock, encrypted=True, create=True)

    def known(card_key: bytes) -> tuple[Family, ...]:
        return tuple(
            msgspec.structs.replace(_family(each), card=card_ref(card_key, number_of(each))) for each in range(families)
        )

    _enrol(counter, known, days=0)
    counter.open_day(1_000_000)
    counter.ledger.close()


def number_of(family: int) -> str:
    """The invented card number of a family, as a stripe holds it."""
    digits = f"601301{family:09d}"
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return digits + str(-sum(each // 10 + each % 10 for each in doubled) % 10)


def _put_key(directory: Path) -> None:
    key_file = directory / KEY_FILE
    key_file.write_text(KEY.hex())
    key_file.chmod(0o600)


@contextmanager
def copied(built: Path) -> Iterator[Path]:
    """A copy of a built directory on the disk that temporary files are on, gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="ewarung-bench-"))
    try:
        for name in (LEDGER_FILE, KEY_FILE):
            shutil.copy(built / name, directory / name)
        yield directory
    finally:
        shutil.rmtree(directory)


def _enrol(counter: Counter, known: Callable[[bytes], tuple[Family, ...]], *, days: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    device_key, card_key = secrets.token_bytes(32), secrets.token_bytes(32)
    public = Ed25519PrivateKey.from_private_bytes(device_key).public_key().public_bytes_raw().hex()
    data = json.loads(sample_file("catalogue.json").read_text(encoding="utf-8"))
    catalogue = msgspec.convert(data["catalogue"], Catalogue)
    now = counter.clock.now().wall.ms
    periods = sorted({Instant(now + day * DAY_MS).date().period().iso for day in range(days + 1)})
    families = known(card_key)
    units = {item.code: item.unit for item in catalogue.commodities}
    taken = [catalogue.product(code).commodity for code in _goods()]
    with counter.ledger.write() as uow:
        uow.set_identity(KioskIdentity("EW-0001", 1, "e-Warung Mawar", "33.74.01.1010", "Kauman"))
        uow.put_secret("device_key", device_key)
        uow.put_secret("card_key", card_key)
        uow.put_secret("city_key", bytes(32))
        uow.append(KioskEnrolled("e-Warung Mawar", "33.74.01.1010", public, "00" * 32, "0.1.0", "", "Kauman"))
        uow.accept(
            StatePage(
                cursor=1,
                families=families,
                leases=tuple(
                    LeaseGrant(family.key, PROGRAMME, period, commodity, units[commodity], 10_000_000)
                    for family in families
                    for period in periods
                    for commodity in taken
                ),
                operators=tuple(msgspec.convert(person, OperatorRecord) for person in data["operators"]),
                catalogue=catalogue,
                register_date=BusinessDate(counter.clock.now().wall.date().iso).iso,
                register_source="contoh",
            ),
            "00" * 32,
        )


def _goods() -> tuple[str, ...]:
    """One pack each of four commodities that the sample's ration covers."""
    data = json.loads(sample_file("catalogue.json").read_text(encoding="utf-8"))
    first: dict[str, str] = {}
    for product in data["catalogue"]["products"]:
        if product["commodity"] in data["rations"][PROGRAMME]:
            first.setdefault(product["commodity"], product["code"])
    return tuple(first.values())[:4]


def _family(number: int) -> Family:
    return Family(
        key=f"K{number:05d}",
        name=f"KELUARGA {number:05d}",
        nik_masked="3374••••••••0001",
        kelurahan_code="33.74.01.1010",
        kelurahan="Kauman",
        kecamatan="Semarang Tengah",
        members=4,
        programmes=(PROGRAMME,),
        home="EW-0001",
        card=CardRef(secrets_of(number), f"{number:04d}"),
        card_status=CardStatus.ACTIVE,
    )


def secrets_of(number: int) -> str:
    """A token as the till knows one: 64 hex digits in no order."""
    import hashlib

    return hashlib.sha256(f"card {number}".encode()).hexdigest()
