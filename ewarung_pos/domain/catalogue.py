"""What is on the shelf, at what price and ceiling, and which programme may hand it out on which day."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Quantity, Rupiah, Unit

__all__ = ["BenefitKind", "Catalogue", "Ceiling", "Commodity", "Eligibility", "Product", "Programme"]


class BenefitKind(StrEnum):
    """Ration: quantities under a lease, offline. Purse: rupiah at the bank, through the EDC."""

    RATION = "ration"
    PURSE = "purse"


class Commodity(msgspec.Struct, frozen=True):
    """A kind of good: `beras`, `gula`, `minyak`, `tepung`, `telur` ..."""

    code: str
    name: str
    short: str
    unit: Unit
    pictogram: str = "package"


class Ceiling(msgspec.Struct, frozen=True):
    """A dated price limit per kilogram, litre or piece, with the rule that set it.

    `binding` tells a HET (maximum retail price) from a HAP (reference only): domain rules R24, R25.
    """

    commodity: str
    grade: str
    price: Rupiah
    valid_from: BusinessDate
    regulation: str
    binding: bool = True


class Product(msgspec.Struct, frozen=True):
    """One thing on the shelf: brand, pack and price. A line sells whole packs, so rounding does not exist."""

    code: str
    name: str
    commodity: str
    grade: str
    brand: str
    pack: Quantity
    pack_word: str
    price: Rupiah


class Programme(msgspec.Struct, frozen=True):
    """A benefit programme."""

    code: str
    name: str
    kind: BenefitKind
    carry_over: bool = False


class Eligibility(msgspec.Struct, frozen=True):
    """Programme x commodity x dates (domain rule R1). `valid_to` is inclusive; None is open."""

    programme: str
    commodity: str
    valid_from: BusinessDate
    valid_to: BusinessDate | None = None


class Catalogue(msgspec.Struct, frozen=True):
    """Everything the counter needs to know of goods and programmes, as the city last sent it."""

    commodities: tuple[Commodity, ...] = ()
    products: tuple[Product, ...] = ()
    programmes: tuple[Programme, ...] = ()
    eligibilities: tuple[Eligibility, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()

    def commodity(self, code: str) -> Commodity:
        """The commodity of that code.

        Raises:
            KeyError: not in the catalogue.
        """
        for item in self.commodities:
            if item.code == code:
                return item
        raise KeyError(code)

    def product(self, code: str) -> Product:
        """The product of that code.

        Raises:
            KeyError: not in the catalogue.
        """
        for item in self.products:
            if item.code == code:
                return item
        raise KeyError(code)

    def programme(self, code: str) -> Programme:
        """The programme of that code.

        Raises:
            KeyError: not in the catalogue.
        """
        for item in self.programmes:
            if item.code == code:
                return item
        raise KeyError(code)

    def knows(self, product: str) -> bool:
        """Whether a product is in the catalogue now."""
        return any(item.code == product for item in self.products)

    def short(self, commodity: str) -> str:
        """What a commodity is called; one that the catalogue dropped goes by its code."""
        return next((item.short for item in self.commodities if item.code == commodity), commodity)

    def pictogram(self, commodity: str) -> str:
        """The picture of a commodity; a plain package for one that the catalogue dropped."""
        return next((item.pictogram for item in self.commodities if item.code == commodity), "package")

    def kind(self, programme: str) -> BenefitKind | None:
        """What a programme gives; None for one that the catalogue does not have."""
        return next((item.kind for item in self.programmes if item.code == programme), None)

    def eligible(self, programme: str, commodity: str, on: BusinessDate) -> bool:
        """Whether the programme hands out or pays for the commodity on that day."""
        # A plain loop: asked for every line on every press, and a generator costs more than the comparisons.
        for rule in self.eligibilities:
            if rule.commodity == commodity and rule.programme == programme and rule.valid_from.iso <= on.iso:
                last = rule.valid_to
                if last is None or on.iso <= last.iso:
                    return True
        return False

    def ceiling(self, product: Product, on: BusinessDate) -> Ceiling | None:
        """The price limit in force for the product's commodity and grade on that day, or None."""
        held = [
            limit
            for limit in self.ceilings
            if limit.commodity == product.commodity and limit.grade == product.grade and limit.valid_from <= on
        ]
        return max(held, key=lambda limit: limit.valid_from.iso, default=None)

    def over_ceiling(self, product: Product, on: BusinessDate) -> bool:
        """Whether the pack costs more than a binding ceiling allows for its content."""
        limit = self.ceiling(product, on)
        if limit is None or not limit.binding:
            return False
        per = 1 if product.pack.unit is Unit.PIECE else 1000
        return product.price.amount * per > limit.price.amount * product.pack.amount
