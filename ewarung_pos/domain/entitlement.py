"""Leases and the one rule that keeps them: what may still be redeemed, here, now, and why not.

sync.md section 1: for each (family, programme, period, commodity) and device three totals that only grow; a fourth,
`returned`, grows when a redemption is reversed the same day, so that no total ever goes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from ewarung_pos.domain.bounds import Code, Whole
from ewarung_pos.domain.catalogue import BenefitKind, Catalogue, Product
from ewarung_pos.domain.family import CardRef, CardStatus, Family
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.domain.units import Quantity, Rupiah, Unit

__all__ = [
    "Bound",
    "Lease",
    "LeaseGrant",
    "LineProblem",
    "Refusal",
    "Standing",
    "allowance",
    "check",
    "purse_programme",
    "ration_programme",
    "refusal_of_card",
    "take_all",
    "used_up",
]


class LeaseGrant(msgspec.Struct, frozen=True, array_like=True):
    """What the city granted this device, as a total: `granted` base units of `unit`."""

    family: Code
    programme: Code
    period: Code
    commodity: Code
    unit: Unit
    granted: Whole


class Lease(msgspec.Struct, frozen=True):
    """A lease and what became of it; all totals in base units, each only ever grows."""

    family: str
    programme: str
    period: str
    commodity: str
    unit: Unit
    granted: int
    surrendered: int = 0
    spent: int = 0
    returned: int = 0

    @property
    def rest(self) -> int:
        """What this device may still hand out, in base units: granted - surrendered - (spent - returned)."""
        return self.granted - self.surrendered - self.spent + self.returned

    @property
    def left(self) -> Quantity:
        """`rest` as a quantity."""
        return Quantity(self.rest, self.unit)

    @property
    def whole(self) -> Quantity:
        """The lease before anything was taken."""
        return Quantity(self.granted, self.unit)

    def allows(self, amount: int) -> bool:
        """The device rule: P + q + S <= G (P net of what came back)."""
        return amount >= 0 and self.spent - self.returned + amount + self.surrendered <= self.granted


def used_up(leases: Iterable[Lease]) -> bool:
    """Whether the family took all that was ever granted here, and the city asked nothing of it back."""
    granted = [lease for lease in leases if lease.granted]
    return bool(granted) and all(lease.spent - lease.returned >= lease.granted for lease in granted)


class Refusal(StrEnum):
    """Why a card is not served. Each has its own sentence and next step on screen.

    EXHAUSTED: all of this month was taken here. PERIOD_OVER: this kiosk holds nothing of this month that the city may
    have. NO_RATION: the city's list has no ration for the family, and none was ever here.
    """

    UNKNOWN_CARD = "unknown_card"
    CARD_BLOCKED = "card_blocked"
    HOLDER_DECEASED = "holder_deceased"
    FAMILY_MOVED = "family_moved"
    HOME_ELSEWHERE = "home_elsewhere"
    EXHAUSTED = "exhausted"
    NO_RATION = "no_ration"
    PERIOD_OVER = "period_over"
    OUT_OF_STOCK = "out_of_stock"
    DAY_NOT_OPEN = "day_not_open"
    DAY_OVER = "day_over"
    CLOCK_SUSPECT = "clock_suspect"
    IN_DOUBT = "in_doubt"
    PURSE_OFFLINE = "purse_offline"


class Standing(msgspec.Struct, frozen=True):
    """All that is known when a card is on the counter: enough to answer every question in the same frame.

    Attributes:
        family: None when the card is not known here.
        refusals: why the family cannot be served at all; empty when it can.
        leases: of the current period.
        stock: packs on hand for each product.
        shadow: purse balance according to the credits the city sent and what was spent here; the bank is right
            (domain rule R16). None when the family has no purse.
        attempt: id of an unresolved debit of this card, if any.
        day: code of what the day that is not open waits for (`Day.why_not_serving`).
        last_visit: date of the last redemption, if any.
        guest: the family's home is another kiosk.
    """

    card: CardRef
    family: Family | None
    date: BusinessDate
    period: Period
    refusals: tuple[Refusal, ...]
    leases: tuple[Lease, ...] = ()
    stock: Mapping[str, int] = {}
    shadow: Rupiah | None = None
    attempt: str | None = None
    last_visit: BusinessDate | None = None
    day: str = ""
    guest: bool = False

    @property
    def why_not(self) -> str:
        """Code of the first reason not to serve, in the words of the day where that is it; empty when there is none."""
        if not self.refusals:
            return ""
        first = self.refusals[0]
        return self.day if first is Refusal.DAY_NOT_OPEN and self.day else first.value

    def lease(self, programme: str, commodity: str) -> Lease | None:
        """The lease of that programme and commodity, if the family has one here."""
        for lease in self.leases:
            if lease.commodity == commodity and lease.programme == programme:
                return lease
        return None


class Bound(StrEnum):
    """What limits a stepper."""

    LEASE = "lease"
    STOCK = "stock"
    PURSE = "purse"
    NOT_ELIGIBLE = "not_eligible"


# Read through its class an enumeration's member costs ten times a look-up like these, and `check` takes dozens.
_RATION, _PURSE, _CASH = Tender.RATION, Tender.PURSE, Tender.CASH
_BY_LEASE, _BY_STOCK, _NOT_ELIGIBLE = Bound.LEASE, Bound.STOCK, Bound.NOT_ELIGIBLE
_KIND_RATION = BenefitKind.RATION


class LineProblem(msgspec.Struct, frozen=True):
    """A line of the basket that cannot be served as it is."""

    product: str
    tender: Tender
    bound: Bound


def ration_programme(standing: Standing, catalogue: Catalogue, commodity: str) -> str | None:
    """The programme under whose lease this commodity is handed out today, or None.

    Of several leases the first with something left counts, so that an exhausted one does not hide the next.
    """
    first = None
    for lease in standing.leases:
        if (
            lease.commodity == commodity
            and catalogue.eligible(lease.programme, commodity, standing.date)
            and catalogue.kind(lease.programme) is _KIND_RATION
        ):
            if lease.rest > 0:
                return lease.programme
            first = first or lease.programme
    return first


def purse_programme(standing: Standing, catalogue: Catalogue, commodity: str) -> str | None:
    """The purse programme of the family that pays for this commodity today, or None."""
    if standing.family is None:
        return None
    for code in standing.family.programmes:
        if catalogue.eligible(code, commodity, standing.date) and catalogue.kind(code) is BenefitKind.PURSE:
            return code
    return None


def allowance(
    product: Product, tender: Tender, basket: Basket, standing: Standing, catalogue: Catalogue
) -> tuple[int, Bound]:
    """How many packs of the product this tender may reach given the rest of the basket, and what limits it.

    The purse is bounded by stock only: its balance is the bank's to judge, ours is a shadow.
    """
    return _most(product, tender, _programme(product, tender, standing, catalogue), basket, standing, catalogue)


def _most(
    product: Product, tender: Tender, programme: str, basket: Basket, standing: Standing, catalogue: Catalogue
) -> tuple[int, Bound]:
    """`allowance` under the programme that a line of this tender has to name."""
    others = taken = 0
    for line in basket.lines:
        if line.product == product.code:
            if line.tender is not tender:
                others += line.packs
        elif line.tender is _RATION and catalogue.knows(line.product):
            other = catalogue.product(line.product)
            if other.commodity == product.commodity:
                taken += other.pack.amount * line.packs
    on_shelf = max(0, standing.stock.get(product.code, 0) - others)
    if tender is _CASH:
        return on_shelf, _BY_STOCK
    if not programme:
        return 0, _NOT_ELIGIBLE
    if tender is _PURSE:
        return on_shelf, _BY_STOCK
    lease = standing.lease(programme, product.commodity)
    if lease is None or lease.unit is not product.pack.unit:
        return 0, _NOT_ELIGIBLE
    by_lease = max(0, lease.rest - taken) // product.pack.amount
    return (by_lease, _BY_LEASE) if by_lease <= on_shelf else (on_shelf, _BY_STOCK)


def check(basket: Basket, standing: Standing, catalogue: Catalogue) -> tuple[LineProblem, ...]:
    """Every line that breaks a rule; empty when the basket may be served. Pure: the screen calls it on each press."""
    problems = []
    for line in basket.lines:
        if not catalogue.knows(line.product):  # the city took it off the shelf since it was chosen
            problems.append(LineProblem(line.product, line.tender, _NOT_ELIGIBLE))
            continue
        product = catalogue.product(line.product)
        programme = _programme(product, line.tender, standing, catalogue)
        most, bound = _most(product, line.tender, programme, basket, standing, catalogue)
        if line.programme != programme:
            problems.append(LineProblem(line.product, line.tender, _NOT_ELIGIBLE))
        elif line.packs < 1 or basket.packs(line.product, line.tender) > most:
            problems.append(LineProblem(line.product, line.tender, bound))
    return tuple(problems)


def take_all(standing: Standing, catalogue: Catalogue, basket: Basket) -> Basket:
    """*Ambil semua*: the whole ration that lease and stock allow, biggest packs first. Never touches purse or cash."""
    for line in basket.lines:
        if line.tender is Tender.RATION:
            basket = basket.with_packs(line.product, 0, Tender.RATION)
    for product in sorted(catalogue.products, key=lambda item: (-item.pack.amount, item.code)):
        programme = ration_programme(standing, catalogue, product.commodity)
        if programme is None:
            continue
        most, _ = allowance(product, Tender.RATION, basket, standing, catalogue)
        if most:
            basket = basket.with_packs(product.code, most, Tender.RATION, programme)
    return Basket(tuple(sorted(basket.lines, key=lambda line: _shelf_place(catalogue, line.product))))


def refusal_of_card(status: CardStatus) -> Refusal | None:
    """What the city's word on a card means at the counter."""
    return {
        CardStatus.ACTIVE: None,
        CardStatus.BLOCKED: Refusal.CARD_BLOCKED,
        CardStatus.DECEASED: Refusal.HOLDER_DECEASED,
        CardStatus.MOVED: Refusal.FAMILY_MOVED,
    }[status]


def _programme(product: Product, tender: Tender, standing: Standing, catalogue: Catalogue) -> str:
    """The programme that a line of this tender has to name; empty for cash, and where there is none."""
    if tender is _RATION:
        return ration_programme(standing, catalogue, product.commodity) or ""
    if tender is _PURSE:
        return purse_programme(standing, catalogue, product.commodity) or ""
    return ""


def _shelf_place(catalogue: Catalogue, code: str) -> int:
    return next(place for place, product in enumerate(catalogue.products) if product.code == code)
