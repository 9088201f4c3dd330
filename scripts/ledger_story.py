"""Two days at an invented counter, served by a real till: the good sample of tests/ledgers (see make_ledgers)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.domain.catalogue import (
    BenefitKind,
    Catalogue,
    Commodity,
    Eligibility,
    Product,
    Programme,
)
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, CardStatus, Family, HolderPresence
from ewarung_pos.domain.journal import (
    CardTyped,
    CityAcknowledged,
    ClockStepped,
    ComplaintRecorded,
    Entry,
    KioskEnrolled,
    OperatorChanged,
    PeriodClosed,
    PriceChanged,
    ReceiptPrinted,
    RedemptionRefused,
    RegisterPurged,
    SettingsChanged,
    uuid7,
)
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason, Surrender, grant_text, pool_of
from ewarung_pos.domain.state import KioskIdentity, PurseCredit, StatePage
from ewarung_pos.domain.stock import CountLine, ReceivedLine, VarianceReason
from ewarung_pos.domain.timeline import BusinessDate, ClockReading, Instant
from ewarung_pos.domain.units import Rupiah, Unit, grams, millilitres, pieces
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.ledger.export import export
from ewarung_pos.ports import Approved, Declined
from ewarung_pos.services.day import DayService
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from ewarung_pos.services.stock import StockService

__all__ = ["APP_VERSION", "CITY", "DAY_MS", "DEVICE", "IDENTITY", "Body", "ack_text", "public_of", "real_export"]

APP_VERSION = "0.1.0"
"""Of the header of every sample, whatever version makes them."""

DEVICE_SECRET = sha256(b"ewarung-pos published sample, device key: not secret").digest()
CITY_SECRET = sha256(b"ewarung-pos published sample, city key: not secret").digest()
DEVICE = Ed25519PrivateKey.from_private_bytes(DEVICE_SECRET)
CITY = Ed25519PrivateKey.from_private_bytes(CITY_SECRET)
IDENTITY = KioskIdentity("EW-0000", 1, "e-Warung Contoh", "33.74.01.1010", "Kauman", practice=True)
LEDGER_KEY = bytes(32)
START_MS = 1_795_480_000_000  # 24 November 2026, 07.26 WIB
DAY_MS = 86_400_000
RICE, OIL, EGGS = "beras-5", "minyak-1", "telur-10"

Body = dict[str, Any]


def public_of(key: Ed25519PrivateKey) -> str:
    """The public key (hex)."""
    return key.public_key().public_bytes_raw().hex()


def ack_text(device: str, epoch: int, seq: int, digest: str, server_ms: int, flagged: Iterable[Sequence[Any]]) -> bytes:
    """What the city signs when it acknowledges."""
    flags = ",".join(f"{place}:{flag}" for place, flag in flagged)
    return f"ack|{device}|{epoch}|{seq}|{digest}|{server_ms}|{flags}".encode()


@dataclass
class _Clock:
    """Told by the story; wall and monotonic time go together unless it says otherwise."""

    wall: int = START_MS
    ticked: int = 60_000
    boot: str = "5f0c0a52-0001-4000-8000-000000000001"
    minted: int = 0

    def now(self) -> ClockReading:
        return ClockReading(Instant(self.wall), self.ticked, self.boot)

    def mint(self) -> str:
        self.minted += 1
        return uuid7(self.wall, sha256(str(self.minted).encode()).digest()[:10])

    def pass_(self, seconds: int) -> None:
        self.wall += 1000 * seconds
        self.ticked += 1000 * seconds

    def start_again(self, wall: int) -> None:
        self.wall, self.ticked, self.boot = wall, 45_000, "5f0c0a52-0002-4000-8000-000000000002"


def _family(number: int) -> Family:
    return Family(
        key=f"K{number:05d}",
        name=f"KELUARGA CONTOH {number}",
        nik_masked="3374••••••••0001",
        kelurahan_code="33.74.01.1010",
        kelurahan="Kauman",
        kecamatan="Semarang Tengah",
        members=4,
        programmes=("JATAH", "SEMBAKO"),
        home=IDENTITY.device,
        card=CardRef(sha256(f"sample card {number}".encode()).hexdigest(), f"900{number}"),
        card_status=CardStatus.ACTIVE,
    )


FAMILIES = tuple(_family(number) for number in (1, 2, 3))
GUEST = msgspec.structs.replace(_family(4), home="EW-0001")
STRANGER = CardRef(sha256(b"sample card of nobody known here").hexdigest(), "9105")


def _page() -> StatePage:
    rights = ((RICE, "beras", Unit.GRAM, 10_000), (OIL, "minyak", Unit.MILLILITRE, 2_000))
    return StatePage(
        cursor=7,
        families=FAMILIES,
        leases=tuple(
            LeaseGrant(family.key, "JATAH", "2026-11", commodity, unit, amount)
            for family in FAMILIES
            for _, commodity, unit, amount in rights
        ),
        credits=tuple(PurseCredit(family.key, "SEMBAKO", "2026-11", 200_000) for family in FAMILIES),
        catalogue=Catalogue(
            commodities=(
                Commodity("beras", "Beras", "beras", Unit.GRAM),
                Commodity("minyak", "Minyak goreng", "minyak", Unit.MILLILITRE),
                Commodity("telur", "Telur ayam", "telur", Unit.PIECE),
            ),
            products=(
                Product(RICE, "Beras 5 kg", "beras", "medium", "Contoh", grams(5000), "sak", Rupiah(65_000)),
                Product(OIL, "Minyak 1 L", "minyak", "", "Contoh", millilitres(1000), "botol", Rupiah(16_000)),
                Product(EGGS, "Telur 10", "telur", "", "Contoh", pieces(10), "wadah", Rupiah(20_000)),
            ),
            programmes=(
                Programme("JATAH", "Jatah kota", BenefitKind.RATION),
                Programme("SEMBAKO", "Sembako", BenefitKind.PURSE),
            ),
            eligibilities=tuple(
                Eligibility(programme, commodity, BusinessDate("2026-01-01"))
                for programme, commodity in (("JATAH", "beras"), ("JATAH", "minyak"), ("SEMBAKO", "telur"))
            ),
        ),
        register_date="2026-11-01",
        register_source="contoh",
    )


class _Story:
    """Two days at an invented counter, with an entry of every kind."""

    def __init__(self, ledger: SqlLedger, clock: _Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._stock = StockService(ledger)
        self._days = DayService(ledger, clock, self._stock)
        self._redeem = RedeemService(ledger, clock, lambda: None)
        self._reverse = ReverseService(ledger, clock)
        self._hardship = HardshipService(ledger, clock, lambda: None)

    def tell(self) -> None:
        with self._ledger.write() as uow:
            uow.set_identity(IDENTITY)
            uow.put_secret("device_key", DEVICE_SECRET)
            public, city = public_of(DEVICE), public_of(CITY)
            uow.append(KioskEnrolled(IDENTITY.name, IDENTITY.kelurahan_code, public, city, APP_VERSION))
            self._clock.pass_(2)
            uow.accept(_page(), sha256(b"sample page").hexdigest())
        self._append(OperatorChanged("sri", "signed_in"))
        self._days.open("sri", 50_000)
        self._clock.pass_(200)
        goods = (ReceivedLine(RICE, 12, 60_000), ReceivedLine(OIL, 10, 14_000), ReceivedLine(EGGS, 8, 18_000))
        self._stock.receive("Bulog", "SJ-24/11", goods, "sri")
        self._append(PriceChanged(OIL, 16_000, 15_500))
        self._first_day()
        self._clock.start_again(START_MS + DAY_MS)
        self._append(ClockStepped(-1500, confirmed=True))
        self._second_day()

    def _first_day(self) -> None:
        one, two, three = FAMILIES
        self._printed(self._serve(one, (RICE, 1, Tender.RATION), (OIL, 1, Tender.RATION)))
        egg_sale = self._pay(two, (EGGS, 2, Tender.PURSE))
        self._printed(egg_sale)
        self._acknowledge()
        self._refused_by_the_bank(three)
        mixed = self._serve(three, (RICE, 1, Tender.RATION), (EGGS, 1, Tender.CASH))
        self._clock.pass_(30)
        self._reverse.reverse(mixed.entry.id, ReversalReason.WRONG_GOODS, "sri", "yuni")
        self._void(egg_sale)
        self._append(RedemptionRefused("9999", "", (), "unknown_card"))
        self._append(
            ComplaintRecorded("A-1", "mutu", sha256(bytes(16) + b"Telur pecah dua butir.").hexdigest(), anonymous=True)
        )
        self._append(RegisterPurged(("K00009",), (), 12, self._clock.now().wall.ms))
        self._append(CardTyped("0042", "", "kartu_rusak", "yuni"))
        self._append(SettingsChanged("text_scale", "100", "125"))
        self._days.begin_close("sri")
        self._count()
        self._days.cancel_close("sri")
        self._clock.pass_(60)
        self._serve(two, (RICE, 2, Tender.RATION))
        self._close(missing=1)
        self._acknowledge((17, "PRICE_MISMATCH"))

    def _second_day(self) -> None:
        self._clock.pass_(5)
        self._append(PeriodClosed("2026-10"))
        self._rights_move()
        self._days.open("sri")
        self._serve(FAMILIES[0], (RICE, 1, Tender.RATION))
        self._serve(GUEST, (RICE, 1, Tender.RATION))
        self._clock.pass_(40)
        basket = Basket().with_packs(RICE, 1, Tender.RATION, HARDSHIP)
        self._hardship.serve(STRANGER, basket, HolderPresence.SELF, HardshipReason.NO_LINE, "sri", "yuni")
        self._close()
        self._acknowledge()

    def _rights_move(self) -> None:
        """The pool comes, a family's rice goes to another kiosk, and a guest's comes from one."""
        self._clock.pass_(9)
        pool = LeaseGrant(pool_of(IDENTITY.device), HARDSHIP, "2026-11", "beras", Unit.GRAM, 20_000)
        back = Surrender(FAMILIES[2].key, "JATAH", "2026-11", "beras", Unit.GRAM, 5000)
        with self._ledger.write() as uow:
            uow.accept(StatePage(9, leases=(pool,), surrenders=(back,)), sha256(b"second page").hexdigest())
        self._clock.pass_(20)
        leases = (LeaseGrant(GUEST.key, "JATAH", "2026-11", "beras", Unit.GRAM, 10_000),)
        request = self._clock.mint()
        text = grant_text(IDENTITY.device, IDENTITY.epoch, request, 10, GUEST.key, leases, home=False)
        with self._ledger.write() as uow:
            uow.accept_grant(request, 10, GUEST, leases, CITY.sign(text).hex())

    def _append(self, fact: Any) -> Entry:  # noqa: ANN401 - any fact
        self._clock.pass_(7)
        with self._ledger.write() as uow:
            return uow.append(fact, "sri")

    def _basket(self, *lines: tuple[str, int, Tender]) -> Basket:
        programme = {Tender.RATION: "JATAH", Tender.PURSE: "SEMBAKO", Tender.CASH: ""}
        basket = Basket()
        for product, packs, tender in lines:
            basket = basket.with_packs(product, packs, tender, programme[tender])
        return basket

    def _serve(self, family: Family, *lines: tuple[str, int, Tender]) -> Redemption:
        self._clock.pass_(95)
        return self._redeem.redeem(family.card, self._basket(*lines), HolderPresence.SELF, "sri")

    def _pay(self, family: Family, *lines: tuple[str, int, Tender]) -> Redemption:
        self._clock.pass_(60)
        attempt = self._redeem.begin(family.card, self._basket(*lines), HolderPresence.RELATIVE, "sri")
        self._clock.pass_(18)
        done = self._redeem.conclude(attempt.id, self._slip(attempt.amount, "004512"), "sri")
        assert isinstance(done, Redemption)  # noqa: S101 - the story says so
        return done

    def _refused_by_the_bank(self, family: Family) -> None:
        self._clock.pass_(60)
        basket = self._basket((EGGS, 3, Tender.PURSE))
        attempt = self._redeem.begin(family.card, basket, HolderPresence.PROXY, "sri", "sakit")
        self._clock.pass_(11)
        self._redeem.conclude(attempt.id, Declined("insufficient", "51"), "sri")

    def _void(self, sale: Redemption) -> None:
        self._clock.pass_(40)
        attempt, _ = self._reverse.begin_void(sale.entry.id, ReversalReason.HOLDER_ASKED, "sri", "yuni")
        self._clock.pass_(15)
        self._reverse.conclude(attempt.id, self._slip(abs(attempt.amount), "004513"), "sri")

    @staticmethod
    def _slip(amount: int, invoice: str) -> Approved:
        return Approved(amount, "123456", invoice, "000000004512", "10000001", "100000000000001", "000007")

    def _printed(self, sale: Redemption) -> None:
        self._append(ReceiptPrinted(sale.fact.receipt, sale.entry.id, 0))
        self._append(ReceiptPrinted(sale.fact.receipt, sale.entry.id, 1, "pdf"))

    def _count(self, missing: int = 0) -> tuple[CountLine, ...]:
        self._clock.pass_(30)
        counted = self._ledger.read().stock()
        counted[OIL] -= missing
        return self._days.count(counted, "sri")

    def _close(self, missing: int = 0) -> None:
        self._days.begin_close("sri")
        lines = tuple(
            CountLine(line.product, line.booked, line.counted, VarianceReason.LEAKED if line.difference else None)
            for line in self._count(missing)
        )
        self._days.explain(lines, "sri")
        self._clock.pass_(20)
        self._days.seal("sri", EdcTotals(0, "000007"))

    def _acknowledge(self, *flagged: tuple[int, str]) -> None:
        head = self._ledger.read().head()
        server_ms = self._clock.wall + 250
        text = ack_text(IDENTITY.device, IDENTITY.epoch, head.seq, head.hash, server_ms, flagged)
        self._append(CityAcknowledged(head.seq, head.hash, server_ms, CITY.sign(text).hex(), flagged))


def real_export() -> tuple[list[Body], bytes]:
    """Bodies of the story's entries, and the file that the till itself exported."""
    clock = _Clock()
    salts = (sha256(f"salt {number}".encode()).digest()[:16] for number in count())  # the same bytes every time
    with (
        tempfile.TemporaryDirectory(prefix="ledgers-") as folder,
        patch("ewarung_pos.ledger.register.token_bytes", lambda _: next(salts)),
        patch("ewarung_pos.services.redeem.token_hex", lambda _: next(salts).hex()),
        patch("ewarung_pos.services.reverse.token_hex", lambda _: next(salts).hex()),
    ):
        ledger = open_ledger(Path(folder), LEDGER_KEY, clock, create=True)
        try:
            _Story(ledger, clock).tell()
            out = Path(folder) / "out.jsonl"
            export(Path(folder) / "ledger.db", LEDGER_KEY, out)
            written = out.read_bytes()
        finally:
            ledger.close()
    return [json.loads(line)["entry"] for line in written.splitlines()[1:-1]], written
