"""What is on the shelf, at what price and ceiling, and which programme may hand it out on which day."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

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


class Catalogue(msgspec.Struct, frozen=True, dict=True):
    """Everything the counter needs to know of goods and programmes, as the city last sent it.

    Of two with one code the first counts.
    """

    commodities: tuple[Commodity, ...] = ()
    products: tuple[Product, ...] = ()
    programmes: tuple[Programme, ...] = ()
    eligibilities: tuple[Eligibility, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()

    # Asked for every line on every press: sorted out once for each catalogue that the city sends.

    @cached_property
    def _commodities(self) -> dict[str, Commodity]:
        return {item.code: item for item in reversed(self.commodities)}

    @cached_property
    def _products(self) -> dict[str, Product]:
        return {item.code: item for item in reversed(self.products)}

    @cached_property
    def _programmes(self) -> dict[str, Programme]:
        return {item.code: item for item in reversed(self.programmes)}

    @cached_property
    def _rules(self) -> dict[tuple[str, str], tuple[Eligibility, ...]]:
        rules: dict[tuple[str, str], tuple[Eligibility, ...]] = {}
        for rule in self.eligibilities:
            key = (rule.programme, rule.commodity)
            rules[key] = (*rules.get(key, ()), rule)
        return rules

    def commodity(self, code: str) -> Commodity:
        """The commodity of that code.

        Raises:
            KeyError: not in the catalogue.
        """
        return self._commodities[code]

    def product(self, code: str) -> Product:
        """The product of that code.

        Raises:
            KeyError: not in the catalogue.
        """
        return self._products[code]

    def programme(self, code: str) -> Programme:
        """The programme of that code.

        Raises:
            KeyError: not in the catalogue.
        """
        return self._programmes[code]

    def knows(self, product: str) -> bool:
        """Whether a product is in the catalogue now."""
        return product in self._products

    def short(self, commodity: str) -> str:
        """What a commodity is called; one that the catalogue dropped goes by its code."""
        item = self._commodities.get(commodity)
        return commodity if item is None else item.short

    def pictogram(self, commodity: str) -> str:
        """The picture of a commodity; a plain package for one that the catalogue dropped."""
        item = self._commodities.get(commodity)
        return "package" if item is None else item.pictogram

    def kind(self, programme: str) -> BenefitKind | None:
        """What a programme gives; None for one that the catalogue does not have."""
        item = self._programmes.get(programme)
        return None if item is None else item.kind

    def eligible(self, programme: str, commodity: str, on: BusinessDate) -> bool:
        """Whether the programme hands out or pays for the commodity on that day."""
        # A plain loop: a generator costs more than the comparisons.
        for rule in self._rules.get((programme, commodity), ()):
            if rule.valid_from.iso <= on.iso and (rule.valid_to is None or on.iso <= rule.valid_to.iso):
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
