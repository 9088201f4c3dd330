"""Rupiah and quantities: exact integers; adding across kinds is an error."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ewarung_pos.domain.bounds import Whole

__all__ = ["Quantity", "Rupiah", "Unit", "dotted", "grams", "millilitres", "pieces"]


class Unit(StrEnum):
    """Base units in which every quantity is counted."""

    GRAM = "g"
    MILLILITRE = "ml"
    PIECE = "pc"


class Rupiah(msgspec.Struct, frozen=True, order=True):
    """An amount of money in whole rupiah. Negative values occur only as differences."""

    amount: Whole

    def __add__(self, other: Rupiah) -> Rupiah:
        return Rupiah(self.amount + other.amount)

    def __sub__(self, other: Rupiah) -> Rupiah:
        return Rupiah(self.amount - other.amount)

    def __mul__(self, count: int) -> Rupiah:
        return Rupiah(self.amount * count)

    def split(self, parts: int) -> tuple[Rupiah, Rupiah]:
        """Divide into equal parts; returns (one part, remainder), so that part * parts + remainder is the whole.

        Raises:
            ValueError: parts is not positive.
        """
        if parts <= 0:
            msg = "parts must be positive"
            raise ValueError(msg)
        share, rest = divmod(self.amount, parts)
        return Rupiah(share), Rupiah(rest)

    def __str__(self) -> str:
        """As written in Indonesian: Rp1.234.567 (no space, no dot after Rp)."""
        sign = "-" if self.amount < 0 else ""
        return f"{sign}Rp{abs(self.amount):,}".replace(",", ".")


class Quantity(msgspec.Struct, frozen=True):
    """A count of base units of one kind (grams, millilitres or pieces)."""

    amount: Whole
    unit: Unit

    def _same(self, other: Quantity) -> None:
        if self.unit is not other.unit:
            msg = f"cannot combine {self.unit.value} with {other.unit.value}"
            raise TypeError(msg)

    def __add__(self, other: Quantity) -> Quantity:
        self._same(other)
        return Quantity(self.amount + other.amount, self.unit)

    def __sub__(self, other: Quantity) -> Quantity:
        self._same(other)
        return Quantity(self.amount - other.amount, self.unit)

    def __mul__(self, count: int) -> Quantity:
        return Quantity(self.amount * count, self.unit)

    def __lt__(self, other: Quantity) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Quantity) -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __str__(self) -> str:
        """As written in Indonesian: 10 kg, 2,5 kg, 750 g, 2 L, 900 ml, 30 butir."""
        return f"{self.figure} {self.symbol}"

    @property
    def _scaled(self) -> bool:
        """From one kilogram or litre on (or for zero) the big unit is shown."""
        return self.unit is not Unit.PIECE and (abs(self.amount) >= 1000 or self.amount == 0)

    @property
    def figure(self) -> str:
        """The number alone, in the unit that `symbol` names."""
        if not self._scaled:
            return f"{self.amount:,}".replace(",", ".")
        whole, rest = divmod(abs(self.amount), 1000)
        tail = f",{rest:03d}".rstrip("0") if rest else ""
        sign = "-" if self.amount < 0 else ""
        return sign + f"{whole:,}".replace(",", ".") + tail

    @property
    def symbol(self) -> str:
        """The unit that `figure` is in: kg, g, L, ml or butir."""
        if self.unit is Unit.PIECE:
            return "butir"
        if self.unit is Unit.GRAM:
            return "kg" if self._scaled else "g"
        return "L" if self._scaled else "ml"


def dotted(count: int) -> str:
    """A count as written here: 10.414."""
    return f"{count:,}".replace(",", ".")


def grams(amount: int) -> Quantity:
    """Quantity of so many grams."""
    return Quantity(amount, Unit.GRAM)


def millilitres(amount: int) -> Quantity:
    """Quantity of so many millilitres."""
    return Quantity(amount, Unit.MILLILITRE)


def pieces(amount: int) -> Quantity:
    """Quantity of so many pieces."""
    return Quantity(amount, Unit.PIECE)
