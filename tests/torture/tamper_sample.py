"""Two kiosks of one real city, two days each of them at the counter: the ledgers that the tamper corpus edits.

Everything is written by the till's own services and synchronised with the city's own code. The main ledger ends in the
middle of its second day, with entries that the city has not seen.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ewarung_city import attest, feed, greeting, intake, leases, register, versions
from ewarung_city.store.database import Tx
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.family import CardRef, Family, HolderPresence
from ewarung_pos.domain.journal import (
    OTHER_DEBIT_VOIDED,
    CardTyped,
    ClockStepped,
    ComplaintRecorded,
    OperatorChanged,
    PriceChanged,
    RedemptionRefused,
    SettingsChanged,
)
from ewarung_pos.domain.redemption import Basket, BasketLine, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.stock import ReceivedLine, VarianceReason
from ewarung_pos.errors import NotAuthorised
from ewarung_pos.ledger.backup import copy_ledger
from ewarung_pos.ledger.database import LEDGER_FILE, SqlLedger, open_ledger
from ewarung_pos.ports import (
    Approved,
    Attempt,
    Declined,
    OtherDebit,
    PrintJob,
    RightsWish,
    Settlement,
    SyncReport,
    Unknown,
)
from ewarung_pos.services.day import DayService
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.leftovers import LeftoverService
from ewarung_pos.services.operators import LOCK_AFTER, OperatorService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.retention import RetentionService
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from ewarung_pos.services.stock import StockService
from ewarung_pos.services.typed_card import TypedReason
from ewarung_pos.sync.engine import HELLO_EVERY_MS, SyncEngine
from ewarung_pos.sync.protocol import PAGE_BYTES, Ack, Attest, Hello, Push, Welcome, encode
from ewarung_pos.sync.wishes import keep_wish
from tests.integration.city.city_kit import LEDGER_KEY, SAMPLE, LiveCity, Till, ToldClock, trying
from tests.till_kit import PEPPER, QUICK
from tests.unit.services.counter import PaperTray

__all__ = ["KEY", "OTHER", "WHO", "Contact", "Sample", "build", "contact", "serve_with", "signs_in"]

KEY = LEDGER_KEY
WHO = "EW-0001"
OTHER = "EW-0002"
DAY_MS = 86_400_000
RICE, SUGAR, EGGS = "beras-medium-5", "gula-1", "telur-1"


@dataclass(frozen=True)
class Sample:
    """The city as it stands, the ledger of each kiosk as one file, and older images of the main one.

    `images` are (name, file, whether the city has seen more than it holds).
    """

    city: LiveCity
    clock: ToldClock
    main: Path
    other: Path
    images: tuple[tuple[str, Path, bool], ...]
    device_key: bytes


def build(directory: Path) -> Sample:
    """Make the sample in `directory`; the city's server has stopped when it is there. Close the city after use."""
    clock = ToldClock()
    city = LiveCity(directory / "city", clock)
    _register(city, directory)
    city.start()
    try:
        one = Till(directory / WHO, city.url, city.code(WHO), clock)
        two = Till(directory / OTHER, city.url, city.code(OTHER), clock)
        try:
            kiosk, other = _Kiosk(one), _Kiosk(two)
            images = list(_main_days(kiosk, other, city, directory))
            _other_days(other)
            files = [directory / f"{name}.db" for name in (WHO, OTHER)]
            for till, file in zip((one, two), files, strict=True):
                copy_ledger(till.data_dir / LEDGER_FILE, file, KEY)
        finally:
            one.close()
            two.close()
    finally:
        city.stop()
    return Sample(city, clock, files[0], files[1], tuple(images), one.enrolment.device_key)


def _register(city: LiveCity, directory: Path) -> None:
    """A few families of each kiosk: what one verification costs is what the corpus costs."""
    head, *rows = (SAMPLE / "families.csv").read_text(encoding="utf-8").splitlines()
    few = [row for row in rows if f",{WHO}," in row][:10] + [row for row in rows if f",{OTHER}," in row][:4]
    families = directory / "families.csv"
    families.write_text("\n".join((head, *few)) + "\n", encoding="utf-8")
    with city.store.write() as tx:
        register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
        register.import_catalogue(tx, SAMPLE / "catalogue.json", "2026-11")
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        register.import_families(tx, families, city.keys, city.clock.ms, "contoh")
        leases.grant(tx, "2026-11")
        versions.set_oldest(tx, "0.0.1")


class _Kiosk:
    """A till's services, and hands for them."""

    def __init__(self, till: Till) -> None:
        ledger, clock = till.ledger, till.clock
        self.till = till
        self.ledger: SqlLedger = ledger
        self.stock = StockService(ledger)
        self.day = DayService(ledger, clock, self.stock)
        self.counter = RedeemService(ledger, clock, till.engine.offset_ms)
        self.back = ReverseService(ledger, clock)
        self.papers = PaperService(ledger)
        self.people = OperatorService(ledger, clock, (PEPPER,), QUICK)
        self.pool = HardshipService(ledger, clock, till.engine.offset_ms)
        self.leftovers = LeftoverService(ledger, clock, till.engine.offset_ms)
        self.tray = PaperTray()
        self._slips = itertools.count(1)

    def families(self, programme: str) -> list[Family]:
        """Those at home here."""
        home = self.till.enrolment.identity.device
        held = [family for family in self.ledger.read().families() if programme in family.programmes]
        return [family for family in held if family.card_status.value == "active" and family.home == home]

    def wish(self, request: str, family: Family, *, home: bool = False) -> str:
        """Ask the city for this month's rights of a family; what came of it."""
        month = self.till.clock.now().wall.date().period()
        return self.till.engine.ask(RightsWish(request, family.card, month, home=home)).outcome

    def help_out(self, card: CardRef) -> Redemption:
        """A sack of rice from the kiosk's pool."""
        lines = (BasketLine(RICE, 1, Tender.RATION, HARDSHIP),)
        reason, name = HardshipReason.NO_LINE, "Retno Widayati"
        return self.pool.serve(card, Basket(lines), HolderPresence.SELF, reason, "siti", "yuni", name=name)

    def ration(self, family: Family, **packs: int) -> Redemption:
        self.till.clock.wait(60_000)
        names = {"rice": RICE, "sugar": SUGAR}
        lines = tuple(BasketLine(names[name], number, Tender.RATION, "JATAH") for name, number in packs.items())
        return self.counter.redeem(family.card, Basket(lines), HolderPresence.SELF, "siti")

    def ask(self, family: Family, packs: int = 1) -> Attempt:
        self.till.clock.wait(60_000)
        basket = Basket((BasketLine(EGGS, packs, Tender.PURSE, "SEMBAKO"),))
        return self.counter.begin(family.card, basket, HolderPresence.SELF, "siti")

    def approval(self, attempt: Attempt) -> Approved:
        slip = f"{next(self._slips):06d}"
        return Approved(attempt.amount, slip, slip, f"rrn-{slip}", "T1", "M1", "000001")

    def pay(self, family: Family, packs: int = 1) -> Redemption:
        attempt = self.ask(family, packs)
        done = self.counter.conclude(attempt.id, self.approval(attempt), "siti")
        assert isinstance(done, Redemption)
        return done

    def print_all(self) -> None:
        for job in self.papers.owed():
            self.papers.print_out(job, self.tray)

    def copy(self, job: PrintJob) -> None:
        self.papers.reprint(job.entry)

    def morning(self, packs: int) -> None:
        if any(person.pin_hash for person in self.people.present()):
            self.people.sign_in("siti", "111111")
        self.day.open("siti", 100_000)
        goods = [product.code for product in self.ledger.read().catalogue().products][:6]
        self.stock.receive("Bulog", "SJ-1", tuple(ReceivedLine(code, packs, 0) for code in goods), "siti")

    def evening(self, settled: int, missing: int = 0) -> None:
        self.day.begin_close("siti")
        self.day.cancel_close("siti")
        self.day.begin_close("siti")
        held = self.ledger.read().stock()
        counted = self.day.count(held | {SUGAR: held[SUGAR] - missing}, "siti")
        lines = tuple(msgspec.structs.replace(c, reason=VarianceReason.LEAKED) if c.difference else c for c in counted)
        self.day.explain(lines, "siti", "yuni")
        self.day.seal("siti", self.day.edc_settled(Settlement(settled, "000001")))
        self.people.sign_out("siti")


def _main_days(kiosk: _Kiosk, other: _Kiosk, city: LiveCity, directory: Path) -> Iterator[tuple[str, Path, bool]]:
    """Every kind of entry; an image of the file at each point that an attacker might come back to.

    Rights move both ways between the two kiosks; the second day is of another month.
    """
    till = kiosk.till

    def image(name: str, *, behind: bool) -> tuple[str, Path, bool]:
        file = directory / f"{name}.db"
        copy_ledger(till.data_dir / LEDGER_FILE, file, KEY)
        return name, file, behind

    till.drain()
    other.till.drain()
    yield image("enrolled", behind=True)
    kiosk.morning(30)
    jatah, sembako = kiosk.families("JATAH"), kiosk.families("SEMBAKO")
    first = kiosk.ration(jatah[0], rice=1, sugar=1)
    kiosk.print_all()
    kiosk.ration(jatah[1], rice=2)
    wrong = kiosk.ration(jatah[2], rice=1)
    kiosk.back.reverse(wrong.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    kiosk.pay(sembako[0])
    undone = kiosk.pay(sembako[1], 2)
    void, original = kiosk.back.begin_void(undone.entry.id, ReversalReason.POOR_QUALITY, "siti", "yuni")
    kiosk.back.conclude(void.id, original, "siti")
    kiosk.counter.conclude(kiosk.ask(sembako[0]).id, Declined("51", "insufficient"), "siti")
    kept = kiosk.pay(sembako[2])
    refused, _ = kiosk.back.begin_void(kept.entry.id, ReversalReason.HOLDER_ASKED, "siti", "yuni")
    kiosk.back.conclude(refused.id, Declined("12", "declined"), "siti")
    unsure = kiosk.ask(sembako[2])
    kiosk.counter.conclude(unsure.id, Unknown("no_answer"), "siti")
    kiosk.counter.conclude(unsure.id, kiosk.approval(unsure), "siti", ("siti", "yuni"))
    _more_debits(kiosk, sembako[3])
    kiosk.print_all()
    kiosk.copy(first.job)
    kiosk.print_all()
    yield image("first-noon", behind=True)
    till.drain()
    _rights_that_move(kiosk, other, jatah[7])
    with kiosk.ledger.write() as uow:
        catalogue: Catalogue = uow.catalogue()
        before = catalogue.product(EGGS).price.amount
        uow.append(PriceChanged(EGGS, before, before - 500), "yuni")
        uow.append(PriceChanged(EGGS, before - 500, before - 1_000), "yuni")
        uow.append(ComplaintRecorded("P-1", "mutu", "beras berbau", anonymous=True), "siti")
        uow.put_setting("theme", "dark")
        uow.append(SettingsChanged("theme", "light", "dark"), "siti")
        uow.append(ClockStepped(5), "siti")
        uow.append(RedemptionRefused("0009", "", (Refusal.UNKNOWN_CARD,)), "siti")
        uow.append(CardTyped(jatah[5].card.last4, jatah[5].key, TypedReason.CARD_BROKEN.value, "yuni"), "siti")
    asked = RightsWish("w-1", jatah[6].card, till.clock.now().wall.date().period())
    keep_wish(kiosk.ledger, asked, jatah[6].key, till.clock.ms)
    kiosk.evening(kiosk.day.totals().purse, missing=1)
    kiosk.leftovers.give_back()
    kiosk.print_all()
    yield image("first-evening", behind=True)
    till.drain()
    yield image("first-night", behind=True)

    with city.store.write() as tx:
        leases.restored(tx)
    till.clock.wait(HELLO_EVERY_MS)
    for each in (till, other.till):
        each.engine.step()  # the first greeting may find the city behind
        each.drain()
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
    till.clock.wait(8 * DAY_MS)
    till.drain()
    kiosk.morning(10)
    kiosk.leftovers.give_back()
    RetentionService(kiosk.ledger, 12).purge()
    with kiosk.ledger.write() as uow:  # as the services do it, without what a PIN costs
        for code in ("yuni",) * LOCK_AFTER + ("siti",):
            uow.pin_failed(code)
        uow.append(OperatorChanged("yuni", "locked"), "yuni")
    kiosk.ration(jatah[3], sugar=1)
    kiosk.pay(sembako[1])
    kiosk.print_all()
    till.drain()
    yield image("second-noon", behind=False)
    kiosk.ration(jatah[0], rice=1)
    kiosk.counter.conclude(kiosk.ask(sembako[0]).id, Unknown("link_lost"), "siti")
    kiosk.print_all()
    last = kiosk.ration(jatah[4], rice=1, sugar=1)
    kiosk.copy(last.job)
    kiosk.ask(sembako[2])


def _more_debits(kiosk: _Kiosk, family: Family) -> None:
    """The EDC debited another card, and later gives a slip that two people had claimed to another debit."""
    people = ("siti", "yuni")
    strange = kiosk.ask(family)
    kiosk.counter.conclude(strange.id, Unknown("mismatch", OtherDebit(29_000, "1190", "A77", "000077")), "siti")
    kiosk.counter.conclude(strange.id, Declined("1190 A77 000077", OTHER_DEBIT_VOIDED), "siti", people)
    claimed = kiosk.ask(family)
    kiosk.counter.conclude(claimed.id, Unknown("no_answer"), "siti")
    slip = kiosk.approval(claimed)
    kiosk.counter.conclude(claimed.id, slip, "siti", people)
    kiosk.counter.conclude(kiosk.ask(family).id, slip, "siti")


def _rights_that_move(kiosk: _Kiosk, other: _Kiosk, ours: Family) -> None:
    """Granted to a visitor and to a family that wants its home here, given back for the other, lent by the pool."""
    theirs = other.families("JATAH")
    visitor = next(family for family in theirs if "SEMBAKO" in family.programmes)
    mover, stranger, *_ = (family for family in theirs if family != visitor)
    asked = kiosk.wish("w-1", visitor), kiosk.wish("w-2", mover, home=True), other.wish("w-3", ours)
    assert asked == ("waiting", "granted", "waiting")
    other.till.drain()
    kiosk.till.drain()
    assert {kiosk.wish("w-1", visitor), kiosk.wish("w-2", mover, home=True), other.wish("w-3", ours)} == {"granted"}
    kiosk.ration(visitor, rice=1)
    kiosk.pay(visitor)
    kiosk.counter.conclude(kiosk.ask(visitor).id, Declined("51", "insufficient"), "siti")
    kiosk.ration(mover, rice=1)
    helped = kiosk.help_out(stranger.card)
    kiosk.back.reverse(helped.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    kiosk.help_out(stranger.card)


def _other_days(kiosk: _Kiosk) -> None:
    kiosk.till.drain()
    kiosk.morning(20)
    for family in kiosk.families("JATAH")[:3]:
        kiosk.ration(family, rice=1)
    kiosk.print_all()
    kiosk.evening(0)
    kiosk.print_all()
    kiosk.till.drain()


def serve_with(image: Path, file: Path, until: int, clock: ToldClock) -> None:
    """The till itself goes on with this image, up to entry `until`; `file` is how it leaves it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(image, folder / LEDGER_FILE)
        ledger = open_ledger(folder, KEY, clock)
        try:
            for seq in range(ledger.read().head().seq, until):
                with ledger.write() as uow:
                    uow.append(RedemptionRefused(f"{seq:04d}", "", (Refusal.UNKNOWN_CARD,)), "siti")
        finally:
            ledger.close()
        shutil.copy(folder / LEDGER_FILE, file)


def signs_in(file: Path, code: str, pin: str, clock: ToldClock) -> bool:
    """Whether the till with this image lets her in with this PIN; the file is left as the till leaves it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(file, folder / LEDGER_FILE)
        ledger = open_ledger(folder, KEY, clock)
        try:
            OperatorService(ledger, clock, (PEPPER,), QUICK).sign_in(code, pin)
        except NotAuthorised as error:
            if error.reason != "wrong_pin":
                raise
            return False
        finally:
            ledger.close()
        shutil.copy(folder / LEDGER_FILE, file)
        return True


class DirectCity:
    """The city's own handling of each message, in one transaction, without the wire between."""

    def __init__(self, tx: Tx, city: LiveCity, device: str) -> None:
        self._tx = tx
        self._city = city
        self._device = device
        self.pulled = 0

    def hello(self, hello: Hello) -> Welcome:
        return greeting.welcome(self._tx, self._city.keys, hello, self._city.clock.ms, fresh=True)

    def push(self, push: Push) -> tuple[Ack, int]:
        now = self._city.clock.ms
        body = intake.take(self._tx, self._city.keys, push, now, now // 1000)
        return msgspec.json.decode(body, type=Ack), len(body)

    def pull(
        self, cursor: int, acked: tuple[int, str] | None = None, most: int = PAGE_BYTES
    ) -> tuple[StatePage, bytes]:
        self.pulled += 1
        page = feed.page_for(self._tx, self._device, 1, cursor, most)
        return page, encode(page)

    def attest(self, date: str) -> Attest | None:
        return attest.attest(self._tx, self._city.keys, self._device, 1, date, self._city.clock.ms)

    def close(self) -> None:
        """There is nothing to give back."""


@dataclass(frozen=True)
class Contact:
    """What came of the till's next contact: the reports of its steps, and whether it was given anything new."""

    reports: tuple[SyncReport, ...]
    pulled: int
    mode: str

    @property
    def refused(self) -> bool:
        """The two journals were found to differ, and nothing new was asked for."""
        return self.reports[0].reason == "fork" and self.pulled == 0 and self.mode == "upload_only"


def contact(sample: Sample, file: Path, directory: Path, steps: int = 3) -> Contact:
    """Let the till's own engine speak to the city about this file; the city forgets it afterwards."""
    shutil.copy(file, directory / LEDGER_FILE)
    ledger = open_ledger(directory, KEY, sample.clock)
    try:
        with trying(sample.city.store) as tx:
            city = DirectCity(tx, sample.city, WHO)
            engine = SyncEngine(ledger, sample.clock, sample.city.url)
            engine._connected()
            engine._city = city  # type: ignore[assignment]  # the same calls, without a wire
            reports = tuple(engine.step() for _ in range(steps))
            mode = engine._mode.value
            pulled = city.pulled
    finally:
        ledger.close()
    return Contact(reports, pulled, mode)
