"""What tests of rights that move have in common: kiosks enrolled with one city, and a family at their counters."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_city.verify import verify
from ewarung_pos.domain.family import CardRef, HolderPresence
from ewarung_pos.domain.journal import DayOpened, StockReceived, decode
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import Period
from ewarung_pos.ports import RightsAnswer, RightsWish
from ewarung_pos.services.redeem import RedeemService
from tests.integration.city.city_kit import PERIOD, LiveCity, Till

__all__ = ["MONTH", "RICE", "Kiosk", "ask", "at_home", "card_of", "facts", "open_day", "rest", "serve", "sound"]

RICE = "beras-medium-5"
MONTH = Period(PERIOD)
Kiosk = Callable[[str], Till]
"""Enrols the kiosk of that name."""


def open_day(till: Till) -> None:
    """A day, and rice for every family."""
    with till.ledger.write() as uow:
        uow.append(DayOpened())
        uow.append(StockReceived("Bulog", "SJ-1", (ReceivedLine(RICE, 500, 0),)))


def at_home(city: LiveCity, device: str = "EW-0001", which: int = 0) -> Row:
    """A family with a ration, at home there."""
    with city.store.read() as tx:
        rows = tx.all(schema.family, "key", home=device, card_status="active")
    return [row for row in rows if "JATAH" in row["programmes"]][which]


def card_of(family: Row) -> CardRef:
    """Its card, as a reader would give it."""
    return CardRef(family["token"], family["last4"])


def ask(till: Till, family: Row, request: str = "r-1", **more: bool) -> RightsAnswer:
    """Ask the city for the family's rights, over the line."""
    return till.engine.ask(RightsWish(request, card_of(family), MONTH, **more))


def rest(till: Till, family: Row, commodity: str = "beras", month: Period = MONTH) -> int:
    """What the kiosk may still hand out to it."""
    held = till.ledger.read().leases(family["key"], month)
    return sum(lease.rest for lease in held if lease.commodity == commodity)


def serve(till: Till, family: Row, packs: int = 1) -> None:
    """So many sacks of five kilograms."""
    service = RedeemService(till.ledger, till.clock, lambda: None)
    basket = Basket().with_packs(RICE, packs, Tender.RATION, "JATAH")
    service.redeem(card_of(family), basket, HolderPresence.SELF, "siti")


def sound(city: LiveCity) -> bool:
    """Whether the city finds nothing wrong with itself."""
    with city.store.read() as tx:
        found = verify(tx)
    assert found == []
    return True


def facts(till: Till) -> list[object]:
    """The kiosk's journal."""
    return [decode(row.body).fact for row in till.ledger.read().sealed(0, 10_000, 10**8)]
