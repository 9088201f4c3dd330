"""What happens at a counter, in the words of the tests."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.family import CardRef, Family, HolderPresence
from ewarung_pos.domain.journal import Entry, Fact, decode
from ewarung_pos.domain.redemption import Basket, BasketLine, Tender
from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.ports import Approved, Attempt, DeviceState, DeviceStatus, PaymentOutcome, PrintReport
from ewarung_pos.services.redeem import Redemption
from tests.till_kit import LEDGER_KEY, FakeClock, TillKit

__all__ = [
    "DAY_MS",
    "RICE",
    "SELF",
    "SUGAR",
    "PaperTray",
    "approved",
    "begin",
    "buy",
    "cash",
    "entries",
    "facts",
    "owed",
    "pay",
    "purse",
    "ration",
    "reopened",
    "serve",
    "tell_city",
]

DAY_MS = 86_400_000
SELF = HolderPresence.SELF
RICE, SUGAR = "beras-medium-5", "gula-1"


def ration(product: str, packs: int) -> BasketLine:
    return BasketLine(product, packs, Tender.RATION, "JATAH")


def purse(product: str, packs: int) -> BasketLine:
    return BasketLine(product, packs, Tender.PURSE, "SEMBAKO")


def cash(product: str, packs: int) -> BasketLine:
    return BasketLine(product, packs, Tender.CASH)


def serve(kit: TillKit, card: CardRef, *lines: BasketLine) -> Redemption:
    return kit.redeem.redeem(card, Basket(lines), SELF, "siti")


def begin(kit: TillKit, card: CardRef, *lines: BasketLine) -> Attempt:
    return kit.redeem.begin(card, Basket(lines), SELF, "siti")


def approved(amount: int, evidence: str = "edc") -> Approved:
    return Approved(amount, "A00042", "000042", "000000000042", "SANDBOX1", "SANDBOXEWARUNG1", "000001", evidence)


def pay(kit: TillKit, attempt: Attempt, outcome: PaymentOutcome | None = None) -> Redemption:
    done = kit.redeem.conclude(attempt.id, outcome or approved(attempt.amount), "siti")
    assert isinstance(done, Redemption)
    return done


def buy(kit: TillKit, card: CardRef, *lines: BasketLine) -> Redemption:
    """A whole purse redemption that the terminal approves."""
    return pay(kit, begin(kit, card, *lines))


def facts(kit: TillKit) -> list[Fact]:
    """The journal's facts from the first to the newest."""
    return [decode(sealed.body).fact for sealed in kit.ledger.read().sealed(0, 10_000, 50_000_000)]


def entries(kit: TillKit) -> list[Entry]:
    return [decode(sealed.body) for sealed in kit.ledger.read().sealed(0, 10_000, 50_000_000)]


def tell_city(kit: TillKit, *families: Family, cursor: int = 2, **more: object) -> None:
    """The city sends another page."""
    with kit.ledger.write() as uow:
        uow.accept(msgspec.structs.replace(StatePage(cursor, families=families), **more), "00" * 32)


def reopened(data_dir: Path, clock: FakeClock, *, encrypted: bool = False) -> SqlLedger:
    """The same file after the machine was off."""
    return open_ledger(data_dir, LEDGER_KEY, clock, encrypted=encrypted)


class PaperTray:
    """A receipt printer that prints, or raises what it was told to raise. Keeps what came out."""

    columns = 32

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.papers: list[Document] = []
        self.is_now = DeviceStatus(DeviceState.READY)
        self.last_said = self.is_now
        self.paper = "printer"

    def print(self, document: Document) -> PrintReport:
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, PrinterNotReady):
                self.last_said = DeviceStatus(DeviceState.ATTENTION, failure.reason)
            raise failure
        self.papers.append(document)
        return PrintReport(True, self.status(), self.paper)

    def status(self) -> DeviceStatus:
        self.last_said = self.is_now
        return self.is_now

    def seen(self) -> DeviceStatus:
        return self.last_said

    def close(self) -> None:
        return None


def owed(kit: TillKit) -> list[tuple[str, int]]:
    return [(job.kind, job.copy) for job in kit.papers.owed()]
