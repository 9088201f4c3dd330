"""The scripted till: small honest stand-ins for reader, terminal, printer and city under the real view-models.

Each stand-in answers from a list that the test writes and keeps what it was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ewarung_pos.domain.family import CardRef
from ewarung_pos.errors import DeviceUnavailable, PosError, ServerUnreachable
from ewarung_pos.ports import (
    Approved,
    BundleFetched,
    BundleSaved,
    CardPresented,
    CarriedWish,
    DeviceState,
    DeviceStatus,
    FoundDevice,
    LedgerCopy,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    RightsAnswer,
    RightsWish,
    Setting,
    Settlement,
    StickPlace,
    SyncPhase,
    SyncReport,
    Unknown,
)
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.ui.runners import SteppedRunner
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.till import TillViewModels
from ewarung_pos.ui.viewmodels.till_services import Services
from tests.till_kit import PEPPER, QUICK, TillKit, till_kit
from tests.unit.services.counter import PaperTray
from tests.unit.services.counter import approved as approval

__all__ = ["LEADER", "SITI", "CityLine", "Edc", "ScriptedTill", "Stick", "Usb", "approval", "scripted_till"]

SITI, LEADER = "111111", "222222"


class Edc:
    """Reader and terminal in one box, as on the counter.

    Attributes:
        cards: what each poll finds; an error is raised; empty means no card.
        answers: outcomes of sales and voids, the next one first; without one the sale is approved.
        inquiries: outcomes of inquiries, the next one first; without one the terminal cannot say.
        on_pay: called in the middle of a payment, with the way to tell progress.
    """

    source = "ecr"
    reason = ""

    def __init__(self) -> None:
        self.cards: list[CardPresented | Exception] = []
        self.answers: list[PaymentOutcome | Exception] = []
        self.inquiries: list[PaymentOutcome | Exception] = []
        self.settlements: list[Settlement | Exception] = []
        self.on_pay: Callable[[Callable[[PaymentStep], None]], None] = lambda tell: None
        self.asked: list[str] = []
        self.state = DeviceState.READY

    def poll(self, wait_ms: int) -> CardPresented | None:
        if not self.cards:
            return None
        card = self.cards.pop(0)
        if isinstance(card, Exception):
            self.state = DeviceState.AWAY
            raise card
        self.state = DeviceState.READY
        return card

    def release(self) -> None:
        self.asked.append("release")

    def status(self) -> DeviceStatus:
        return DeviceStatus(self.state, self.reason)

    def forget_settlement(self) -> None:
        self.asked.append("forget_settlement")

    def pay(self, intent: PaymentIntent, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        self.asked.append(f"pay {intent.amount} {intent.last4}")
        self.on_pay(on_step)
        return self._next(self.answers, intent.amount)

    def inquire(self, intent: PaymentIntent) -> PaymentOutcome:
        self.asked.append(f"inquire {intent.amount}")
        return self._next(self.inquiries or [Unknown("no_answer")], intent.amount)

    def void(self, attempt: str, original: Approved) -> PaymentOutcome:
        self.asked.append(f"void {original.amount} {original.invoice}")
        return self._next(self.answers, original.amount)

    def abort(self) -> None:
        self.asked.append("abort")

    def settle(self) -> Settlement:
        self.asked.append("settle")
        found = self.settlements.pop(0) if self.settlements else Settlement(0, "000001")
        if isinstance(found, Exception):
            raise found
        return found

    def look(self) -> DeviceStatus:
        self.asked.append("look")
        return DeviceStatus(self.state)

    def diagnose(self) -> DeviceStatus:
        return self.status()

    def close(self) -> None:
        return None

    @staticmethod
    def _next(script: list[PaymentOutcome | Exception], amount: int) -> PaymentOutcome:
        answer = script.pop(0) if script else approval(amount)
        if isinstance(answer, Exception):
            raise answer
        return answer


class CityLine:
    """The line to the city: `reports` are the next steps' results; without one nothing is to be said.

    `answers` are what it says of the next wishes, an exception is raised; without one it is out of reach.
    """

    def __init__(self) -> None:
        self.reports: list[SyncReport | Exception] = []
        self.steps = 0
        self.answers: list[RightsAnswer | Exception] = []
        self.wishes: list[RightsWish] = []

    def ask(self, wish: RightsWish) -> RightsAnswer:
        self.wishes.append(wish)
        found = self.answers.pop(0) if self.answers else ServerUnreachable("away", reason="no_line")
        if isinstance(found, Exception):
            raise found
        return found

    def step(self) -> SyncReport:
        self.steps += 1
        found = self.reports.pop(0) if self.reports else SyncReport(SyncPhase.IDLE)
        if isinstance(found, Exception):
            raise found
        return found

    def offset_ms(self) -> int | None:
        return None


class Stick:
    """Where copies go: `failures` are raised, the next one first; without one a copy is made."""

    def __init__(self, kit: TillKit) -> None:
        self.failures: list[Exception] = []
        self.made: list[LedgerCopy] = []
        self.same_disk = False
        self._kit = kit

    def make(self) -> LedgerCopy:
        if self.failures:
            raise self.failures.pop(0)
        entries = self._kit.ledger.read().head().seq
        self.made.append(LedgerCopy("/media/usb", self._kit.clock.ms, entries, self.same_disk))
        return self.made[-1]

    def newest(self) -> LedgerCopy | None:
        return self.made[-1] if self.made else None


class Usb:
    """Sticks that take files for the city: `found` are plugged in, `replies` are what the next ones say."""

    def __init__(self) -> None:
        self.found: tuple[StickPlace, ...] = (StickPlace("/media/siti/USB", "USB"),)
        self.replies: list[BundleFetched | Exception] = []
        self.left = 0
        self.calls: list[tuple[str, str]] = []
        self.asked: list[CarriedWish] = []

    def carry(self, wish: RightsWish, family: str) -> None:
        token, last4 = wish.card.token, wish.card.last4
        self.asked.append(CarriedWish(wish.request, token, last4, family, wish.period.iso, 1))

    def wishes(self) -> tuple[CarriedWish, ...]:
        return tuple(self.asked)

    def places(self) -> tuple[StickPlace, ...]:
        return self.found

    def save(self, folder: str) -> BundleSaved:
        self.calls.append(("save", folder))
        return BundleSaved("ewarung-EW-0001-3-7.bundle", 3, 7, 4096, self.left)

    def fetch(self, folder: str) -> BundleFetched:
        self.calls.append(("fetch", folder))
        said = self.replies.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


@dataclass
class ScriptedTill:
    """The view-models of one till and everything below them."""

    kit: TillKit
    edc: Edc
    paper: PaperTray
    city: CityLine
    runner: SteppedRunner
    vm: TillViewModels
    stick: Stick
    files: PaperTray
    plugged: Plugged
    voice: Mouth
    usb: Usb
    closed: bool = field(default=False)

    # -- time ---------------------------------------------------------------------------------------------------------

    def settle(self, ms: int = 0) -> None:
        """Let everything due happen, and so many milliseconds pass. A reader that polls without end waits."""
        self.runner.advance(ms)

    def poll(self) -> None:
        """Let the reader look once more, and what follows from it happen."""
        self.runner.advance(1)
        self.runner.advance(1)

    def to(self, screen: str) -> None:
        self.vm.shell.go(screen)
        self.settle()

    # -- the counter --------------------------------------------------------------------------------------------------

    @property
    def counter(self) -> CounterState:
        return self.vm.counter.state

    def phase(self) -> Phase:
        return self.vm.counter.state.phase

    def card(self, name: str) -> CardPresented:
        return CardPresented(self.kit.card(name))

    def insert(self, name: str) -> None:
        """The family puts its card in."""
        self.vm.counter.present(self.card(name))
        self.settle()

    def stranger(self) -> None:
        self.vm.counter.present(CardPresented(CardRef("00" * 32, "0000")))
        self.settle()

    def choose(self, section: str, **packs: int) -> None:
        """Set steppers of a section; `_` stands for the dash of a product's code."""
        self.vm.counter.choose_section(section)
        for product, number in packs.items():
            self.vm.counter.set_packs(product.replace("_", "-"), number)

    def serve(self) -> None:
        self.vm.counter.serve()
        self.settle()

    def ration(self, name: str, **packs: int) -> None:
        """One family's ration from card to Selesai."""
        self.insert(name)
        self.choose("ration", **packs)
        self.serve()
        assert self.phase() is Phase.DONE

    def buy(self, name: str, **packs: int) -> None:
        """One family's purse basket up to the EDC's answer."""
        self.insert(name)
        self.choose("purse", **packs)
        self.serve()

    # -- the end ------------------------------------------------------------------------------------------------------

    def power_cut(self, *printer: Exception) -> None:
        """The machine dies here: nothing that waited happens any more; then it starts again, with such a printer."""
        from ewarung_pos.ledger.database import open_ledger
        from tests.till_kit import LEDGER_KEY

        self.kit.ledger.close()
        again = assembled(
            self.kit, open_ledger(self.kit.data_dir, LEDGER_KEY, self.kit.clock, encrypted=False), self.edc, self.city
        )
        self.kit, self.runner, self.vm, self.paper = again.kit, again.runner, again.vm, again.paper
        self.files = again.files
        self.paper.failures = list(printer)
        sign_in(self)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.vm.stop()
            self.kit.ledger.close()


def scripted_till(folder: Path, *, terminal: bool = True) -> ScriptedTill:
    """A till with the twelve families; Bu Siti is signed in."""
    kit = till_kit(folder, encrypted=False, families=12)
    till = assembled(kit, kit.ledger, Edc(), CityLine(), terminal=terminal)
    sign_in(till)
    return till


def sign_in(till: ScriptedTill) -> None:
    till.kit.redeem.recover()
    till.vm.start()
    till.settle()
    till.vm.shell.sign_in("siti", SITI)
    till.settle()
    assert till.vm.shell.operator() == "siti"


def assembled(kit: TillKit, ledger: object, edc: Edc, city: CityLine, *, terminal: bool = True) -> ScriptedTill:
    from ewarung_pos.ledger.database import SqlLedger
    from ewarung_pos.services.clockwork import ClockService
    from ewarung_pos.services.day import DayService
    from ewarung_pos.services.hardship import HardshipService
    from ewarung_pos.services.health import HealthService
    from ewarung_pos.services.leftovers import LeftoverService
    from ewarung_pos.services.operators import OperatorService
    from ewarung_pos.services.printing import PaperService
    from ewarung_pos.services.retention import RetentionService
    from ewarung_pos.services.reverse import ReverseService
    from ewarung_pos.services.stock import StockService
    from ewarung_pos.services.typed_card import TypedCardService

    assert isinstance(ledger, SqlLedger)
    kit.ledger = ledger
    kit.stock = StockService(ledger)
    kit.day = DayService(ledger, kit.clock, kit.stock, lambda: kit.offset[0])
    kit.redeem = RedeemService(ledger, kit.clock, lambda: kit.offset[0])
    kit.reverse = ReverseService(ledger, kit.clock)
    kit.operators = OperatorService(ledger, kit.clock, (PEPPER,), QUICK)
    kit.papers = PaperService(ledger)
    kit.health = HealthService(ledger, kit.clock, lambda: kit.offset[0])
    paper, files, runner, copies = PaperTray(), PaperTray(), SteppedRunner(), Stick(kit)
    files.paper = "pdf"
    plugged, voice = Plugged(), Mouth()
    usb = Usb()
    services = Services(
        ledger=ledger,
        clock=kit.clock,
        redeem=kit.redeem,
        reverse=kit.reverse,
        day=kit.day,
        stock=kit.stock,
        operators=kit.operators,
        typed=TypedCardService(ledger, kit.operators),
        hardship=HardshipService(ledger, kit.clock, lambda: kit.offset[0]),
        leftovers=LeftoverService(ledger, kit.clock, lambda: kit.offset[0]),
        papers=kit.papers,
        health=kit.health,
        retention=RetentionService(ledger, 12),
        clocks=ClockService(ledger, kit.clock, lambda: kit.offset[0]),
        reader=edc,
        terminal=edc if terminal else None,
        printer=paper,
        files=files,
        search=plugged,
        voice=voice,
        settings=plugged,
        city=city,
        stick=usb,
        copies=copies,
    )
    return ScriptedTill(
        kit, edc, paper, city, runner, TillViewModels(services, runner), copies, files, plugged, voice, usb
    )


def unplugged() -> PosError:
    return DeviceUnavailable("pulled out", reason="unplugged")


class Mouth:
    """A voice that keeps what it said; `breaks` are the times that it was broken off."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.breaks = 0

    def say(self, words: str) -> None:
        self.said.append(words)

    def hush(self) -> None:
        self.breaks += 1


class Plugged:
    """What looking around finds, and the file that settings are written to."""

    def __init__(self) -> None:
        self.found: tuple[FoundDevice, ...] = ()
        self.sections: frozenset[str] = frozenset()
        self.applied: list[tuple[Setting, ...]] = []
        self.failures: list[Exception] = []

    def look(self) -> tuple[FoundDevice, ...]:
        return self.found

    def set_up(self) -> frozenset[str]:
        return self.sections

    def apply(self, settings: tuple[Setting, ...]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.applied.append(settings)
