"""An invented kiosk: its goods, families and facts, and a clock that is told the time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ewarung_pos.domain.catalogue import BenefitKind, Catalogue, Commodity, Eligibility, Product, Programme
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, CardStatus, Family, HolderPresence
from ewarung_pos.domain.journal import (
    CityAcknowledged,
    DayOpened,
    Entry,
    KioskEnrolled,
    ReceiptPrinted,
    Redeemed,
    RightsGranted,
    StockReceived,
    ack_text,
    uuid7,
)
from ewarung_pos.domain.redemption import (
    AttemptState,
    Basket,
    BasketLine,
    PurseDebit,
    RedemptionLine,
    RightDebit,
    Tender,
)
from ewarung_pos.domain.rights import grant_text
from ewarung_pos.domain.state import KioskIdentity, PurseCredit, StatePage
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import BusinessDate, ClockReading, Instant
from ewarung_pos.domain.units import Rupiah, Unit, grams, pieces
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.unit_of_work import SqlUnitOfWork
from ewarung_pos.ports import Attempt

KEY = bytes(range(32))
CITY = bytes(31) + b"\2"
NOVEMBER_24 = 1_795_485_600_000  # 2026-11-24 09.00 WIB
IDENTITY = KioskIdentity("EW-0001", 1, "E-Warong Melati", "3374010001", "Bulu Lor")


class ToldClock:
    """Says what it was told; every reading is one millisecond later, every identifier a new one."""

    def __init__(self, ms: int = NOVEMBER_24) -> None:
        self.ms = ms

    def now(self) -> ClockReading:
        self.ms += 1
        return ClockReading(Instant(self.ms), self.ms - NOVEMBER_24 + 1000, "boot")

    def mint(self) -> str:
        return uuid7(self.ms, os.urandom(10))


def catalogue() -> Catalogue:
    return Catalogue(
        commodities=(
            Commodity("beras", "Beras", "beras", Unit.GRAM),
            Commodity("telur", "Telur", "telur", Unit.PIECE),
        ),
        products=(
            Product("B5", "Beras 5 kg", "beras", "medium", "Melati", grams(5000), "sak", Rupiah(65_000)),
            Product("T10", "Telur 10", "telur", "", "Kampung", pieces(10), "wadah", Rupiah(20_000)),
        ),
        programmes=(Programme("BPNT", "Sembako", BenefitKind.RATION), Programme("KKS", "Saldo", BenefitKind.PURSE)),
        eligibilities=tuple(
            Eligibility(programme, commodity, BusinessDate("2026-01-01"))
            for programme in ("BPNT", "KKS")
            for commodity in ("beras", "telur")
        ),
    )


def family(number: int, name: str = "") -> Family:
    return Family(
        key=f"F{number:04d}",
        name=name or f"KELUARGA {number:04d}",
        nik_masked="3374••••••••0001",
        kelurahan_code="3374010001",
        kelurahan="Bulu Lor",
        kecamatan="Semarang Utara",
        members=4,
        programmes=("BPNT", "KKS"),
        home="EW-0001",
        card=CardRef(f"{number:064x}", f"{number % 10000:04d}"),
        card_status=CardStatus.ACTIVE,
    )


def page(
    cursor: int,
    families: int = 3,
    rice: int = 10_000,
    eggs: int = 30,
    *,
    credit: int = 200_000,
    with_goods: bool = True,
) -> StatePage:
    people = tuple(family(number) for number in range(1, families + 1))
    return StatePage(
        cursor=cursor,
        families=people,
        leases=tuple(
            LeaseGrant(person.key, "BPNT", "2026-11", commodity, unit, amount)
            for person in people
            for commodity, unit, amount in (("beras", Unit.GRAM, rice), ("telur", Unit.PIECE, eggs))
        ),
        credits=tuple(PurseCredit(person.key, "KKS", "2026-11", credit) for person in people),
        catalogue=catalogue() if with_goods else None,
        register_date="2026-11-01",
        register_source="DTSEN",
    )


def rice(packs: int, tender: Tender = Tender.RATION) -> RedemptionLine:
    programme = {Tender.RATION: "BPNT", Tender.PURSE: "KKS", Tender.CASH: ""}[tender]
    return RedemptionLine("B5", "Beras 5 kg", "beras", packs, "sak", 5000 * packs, Unit.GRAM, 65_000, tender, programme)


def eggs(packs: int, tender: Tender = Tender.RATION) -> RedemptionLine:
    programme = {Tender.RATION: "BPNT", Tender.PURSE: "KKS", Tender.CASH: ""}[tender]
    return RedemptionLine("T10", "Telur 10", "telur", packs, "wadah", 10 * packs, Unit.PIECE, 20_000, tender, programme)


def redeemed(receipt: int, key: str, *lines: RedemptionLine, purse: PurseDebit | None = None) -> Redeemed:
    return Redeemed(
        receipt=receipt,
        family=key,
        last4=key[-4:],
        presence=HolderPresence.SELF,
        lines=lines,
        debits=tuple(
            RightDebit(line.programme, "2026-11", line.commodity, line.unit, line.amount)
            for line in lines
            if line.tender is Tender.RATION
        ),
        remaining=(),
        purse=purse,
    )


def attempt(attempt_id: str = "A1") -> Attempt:
    return Attempt(
        id=attempt_id,
        state=AttemptState.PENDING,
        family="F0001",
        card=family(1).card,
        amount=65_000,
        basket=Basket((BasketLine("B5", 1, Tender.PURSE, "KKS"),)),
        presence="sendiri",
        programme="KKS",
        date=BusinessDate("2026-11-24"),
        opened_ms=1,
        operator="K1",
    )


def goods(*lines: RedemptionLine) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.commodity] = sums.get(line.commodity, 0) + line.amount
    return sums


def names(directory: Path) -> list[str]:
    """What is in a directory, sorted."""
    return sorted(path.name for path in directory.iterdir())


def serve(uow: SqlUnitOfWork, key: str, *lines: RedemptionLine, purse: PurseDebit | None = None) -> Entry:
    """What the counter does in one commit: the entry and the paper owed for it."""
    fact = redeemed(uow.next_receipt(), key, *lines, purse=purse)
    entry = uow.append(fact, "K1")
    uow.queue_print("receipt", entry.id, fact.receipt, 0, goods(*lines))
    return entry


def signer(secret: bytes) -> Any:
    """The Ed25519 key of the city or of a device."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(secret)


def enrol(ledger: SqlLedger, device: bytes = b"") -> None:
    """Begin the journal; without a device key nothing can be sealed."""
    who = IDENTITY
    city = signer(CITY).public_key().public_bytes_raw()
    public = signer(device).public_key().public_bytes_raw().hex() if device else ""
    with ledger.write() as uow:
        uow.set_identity(who)
        uow.put_secret("city_key", city)
        uow.put_secret("card_key", bytes(32))
        if device:
            uow.put_secret("device_key", device)
        uow.append(KioskEnrolled(who.name, who.kelurahan_code, public, city.hex(), "0.1.0", "", who.kelurahan))


def acknowledged(uow: SqlUnitOfWork, seq: int) -> CityAcknowledged:
    """The city's word that it holds everything up to `seq`."""
    digest = uow.sealed(seq - 1, 1, 10**6)[0].hash.hex()
    text = ack_text(IDENTITY.device, IDENTITY.epoch, seq, digest, NOVEMBER_24, ())
    return CityAcknowledged(seq, digest, NOVEMBER_24, signer(CITY).sign(text).hex())


def granted(request: str, key: str, amount: int, *, home: bool = False, serial: int = 20) -> RightsGranted:
    """The city's answer to a request for rice, signed."""
    leases = (LeaseGrant(key, "BPNT", "2026-11", "beras", Unit.GRAM, amount),)
    text = grant_text(IDENTITY.device, IDENTITY.epoch, request, serial, key, leases, home=home)
    return RightsGranted(request, serial, key, leases, (), signer(CITY).sign(text).hex(), home)


def printed(uow: SqlUnitOfWork, entry: Entry, copy: int = 0) -> Entry:
    """A paper of that entry leaves the printer."""
    (job,) = [job for job in uow.print_jobs() if (job.entry, job.copy) == (entry.id, copy)]
    uow.print_tried(job.id)
    uow.print_done(job.id)
    return uow.append(ReceiptPrinted(job.receipt, job.entry, job.copy))


def stock_up(ledger: SqlLedger, families: int = 3, packs: int = 100) -> None:
    """The city's state, an open day, and goods on the shelf."""
    with ledger.write() as uow:
        uow.accept(page(10, families), "digest")
        uow.append(DayOpened(), "K1")
        uow.append(StockReceived("Bulog", "DO-1", (ReceivedLine("B5", packs), ReceivedLine("T10", packs))), "K1")
