"""What the counter works with, and what it reads from the ledger in one look."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ewarung_pos.domain.business_day import Day
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Standing
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.ports import CardReader, Ledger, PaymentTerminal, ReceiptPrinter, Tally
from ewarung_pos.services.day import DayService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.ui.viewmodels import counter_lines as lines
from ewarung_pos.ui.viewmodels.counter_state import Person

__all__ = ["CounterDesk", "Seen", "Whose", "look", "whose"]


class CounterDesk(msgspec.Struct, frozen=True):
    """What stands on the counter: services and devices the view-model may use.

    `operator` gives the code of whoever is signed in; `doubted` is told about an attempt in doubt; `changed` is called
    after each commit (the shell refreshes its lamps, sync may run). `files` takes receipts when the printer is dead.
    `say` speaks to the family, where the kiosk has a voice. `today` is the calendar date. `poll_ms` is the longest
    single wait for a card, `response_seconds` the longest the terminal waits for the bank.
    """

    ledger: Ledger
    redeem: RedeemService
    day: DayService
    papers: PaperService
    reader: CardReader
    terminal: PaymentTerminal | None
    printer: ReceiptPrinter
    files: ReceiptPrinter
    operator: Callable[[], str]
    changed: Callable[[], None]
    say: Callable[[str], None]
    today: Callable[[], BusinessDate]
    poll_ms: int = 200
    response_seconds: int = 120


class Seen(msgspec.Struct, frozen=True):
    """What the ledger says; `again` about the card that was refused."""

    catalogue: Catalogue
    tally: Tally | None
    day: Day
    sealed: bool
    doubts: int
    today: BusinessDate
    again: Standing | None


def look(desk: CounterDesk, refused: Standing | None) -> Seen:
    """Catalogue, tally and the day's state, and whether what refuses a card still does. On the ledger's lane."""
    reader = desk.ledger.read()
    day = reader.day()
    return Seen(
        reader.catalogue(),
        reader.tally(day.date) if day.date is not None and day.serving else None,
        day,
        desk.day.sealed_today(),
        len(reader.open_attempts()),
        desk.today(),
        desk.redeem.identify(refused.card) if refused is not None else None,
    )


class Whose(msgspec.Struct, frozen=True):
    """Whom a doubt was about: the family's panel, and name and card in a few words."""

    person: Person
    short: str


def whose(desk: CounterDesk, attempt: str) -> Whose | None:
    """The family of an attempt that is settled; None while it is open, or not known. On the ledger's lane."""
    reader = desk.ledger.read()
    found = reader.attempt(attempt)
    if found is None or not found.state.final:
        return None
    card = f"kartu •••• {found.card.last4}"
    person = lines.person(desk.redeem.identify(found.card), reader.catalogue())
    if person is None:  # it left the register meanwhile; its card is still in somebody's hand
        return Whose(Person(card.capitalize(), "", ()), card)
    return Whose(person, f"{person.name}, {card}")
