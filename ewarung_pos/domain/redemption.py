"""Baskets and what they become: a redemption, and the reversal that can follow it the same day."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ewarung_pos.domain.bounds import Code, Count, Whole
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.units import Quantity, Rupiah, Unit

__all__ = [
    "AttemptState",
    "Basket",
    "BasketLine",
    "PurseDebit",
    "RedemptionLine",
    "Remaining",
    "RightDebit",
    "Tender",
    "priced",
    "right_debits",
    "total_of",
]


class Tender(StrEnum):
    """What pays for a line. The price is the same for each (domain rule R27)."""

    RATION = "ration"
    PURSE = "purse"
    CASH = "cash"

    @property
    def label(self) -> str:
        """As said at the counter and printed."""
        return {"ration": "jatah", "purse": "KKS", "cash": "tunai"}[self.value]


class AttemptState(StrEnum):
    """Life of a purse debit (devices.md 7.2). IN_DOUBT is TIDAK PASTI on screen."""

    PENDING = "pending"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    DECLINED = "declined"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more can happen to it."""
        return self in (AttemptState.DONE, AttemptState.DECLINED, AttemptState.CANCELLED)


class BasketLine(msgspec.Struct, frozen=True):
    """So many packs of a product, paid by one tender; `programme` is empty for cash."""

    product: str
    packs: int
    tender: Tender
    programme: str = ""


class Basket(msgspec.Struct, frozen=True):
    """What the holder chose. Starts empty; there is no bundle (domain rules R2, R3)."""

    lines: tuple[BasketLine, ...] = ()

    def packs(self, product: str, tender: Tender | None = None) -> int:
        """Packs of a product, of one tender or of all."""
        packs = 0
        for line in self.lines:
            if line.product == product and (tender is None or line.tender is tender):
                packs += line.packs
        return packs

    def with_packs(self, product: str, packs: int, tender: Tender, programme: str = "") -> Basket:
        """The same basket with that line set to so many packs (0 removes it)."""
        kept = [line for line in self.lines if not (line.product == product and line.tender is tender)]
        at = next(
            (i for i, line in enumerate(self.lines) if line.product == product and line.tender is tender), len(kept)
        )
        if packs > 0:
            kept.insert(at, BasketLine(product, packs, tender, programme))
        return Basket(tuple(kept))


class RedemptionLine(msgspec.Struct, frozen=True):
    """A line as recorded and printed; keeps its price whatever happens to the catalogue (domain rule R26).

    `amount` is the whole quantity in base units of `unit`; `price` is rupiah per pack.
    """

    product: Code
    name: str
    commodity: Code
    packs: Count
    pack_word: str
    amount: Count
    unit: Unit
    price: Count
    tender: Tender
    programme: Code = ""

    @property
    def quantity(self) -> Quantity:
        """Content of all packs together."""
        return Quantity(self.amount, self.unit)

    @property
    def pack(self) -> Quantity:
        """Content of one pack."""
        return Quantity(self.amount // self.packs, self.unit)

    @property
    def total(self) -> Rupiah:
        """Packs x price."""
        return Rupiah(self.packs * self.price)


class RightDebit(msgspec.Struct, frozen=True):
    """So much taken from the lease of (family, programme, period, commodity), in base units."""

    programme: Code
    period: Code
    commodity: Code
    unit: Unit
    amount: Count


class Remaining(msgspec.Struct, frozen=True):
    """What the family has left of a commodity this month, before and after. Base units of `unit`."""

    programme: Code
    commodity: Code
    name: str
    unit: Unit
    before: Whole
    after: Whole


class PurseDebit(msgspec.Struct, frozen=True):
    """What the EDC approved. `amount` rupiah; the references are the bank's; `evidence` says how we know.

    `evidence` is `edc` (its response), `edc_inquiry`, `edc_late`, or `slip` (two people read the EDC's slip).
    """

    attempt: str
    amount: Count
    approval: str
    invoice: str
    rrn: str
    terminal: str
    merchant: str
    batch: str
    evidence: str = "edc"
    programme: str = ""


def priced(basket: Basket, catalogue: Catalogue) -> tuple[RedemptionLine, ...]:
    """The basket with names, contents and prices of the catalogue.

    Raises:
        KeyError: a product is not in the catalogue.
    """
    lines = []
    for line in basket.lines:
        product = catalogue.product(line.product)
        lines.append(
            RedemptionLine(
                product=product.code,
                name=product.name,
                commodity=product.commodity,
                packs=line.packs,
                pack_word=product.pack_word,
                amount=product.pack.amount * line.packs,
                unit=product.pack.unit,
                price=product.price.amount,
                tender=line.tender,
                programme=line.programme,
            )
        )
    return tuple(lines)


def total_of(lines: tuple[RedemptionLine, ...], *tenders: Tender) -> Rupiah:
    """What the lines of these tenders cost together."""
    return Rupiah(sum(line.total.amount for line in lines if line.tender in tenders))


def right_debits(lines: tuple[RedemptionLine, ...], period: str) -> tuple[RightDebit, ...]:
    """What the ration lines take from the leases, one debit for each programme and commodity, in a stable order."""
    sums: dict[tuple[str, str, Unit], int] = {}
    for line in lines:
        if line.tender is Tender.RATION:
            key = (line.programme, line.commodity, line.unit)
            sums[key] = sums.get(key, 0) + line.amount
    return tuple(RightDebit(p, period, c, u, amount) for (p, c, u), amount in sorted(sums.items()))
