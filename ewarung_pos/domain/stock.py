"""Stock: what came in, what went out, what was counted, and the difference with its reason."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ewarung_pos.domain.bounds import Code, Count, Whole

__all__ = ["VARIANCE_SECOND_PERSON_PACKS", "CountLine", "ReceivedLine", "VarianceReason", "variances"]

VARIANCE_SECOND_PERSON_PACKS = 5
"""A difference of more packs than this at the count needs the leader's PIN."""


class VarianceReason(StrEnum):
    """Code list for differences and losses."""

    LEAKED = "bocor"
    SPILLED = "tumpah"
    MISCOUNTED = "salah_hitung_terima"
    DAMAGED = "rusak"
    RETURNED_TO_SUPPLIER = "retur"
    OTHER = "lain"

    @property
    def label(self) -> str:
        """As said at the counter."""
        return {
            "bocor": "bungkus bocor",
            "tumpah": "tumpah",
            "salah_hitung_terima": "salah hitung terima",
            "rusak": "rusak",
            "retur": "retur ke pemasok",
            "lain": "lain",
        }[self.value]


class ReceivedLine(msgspec.Struct, frozen=True):
    """So many packs of a product delivered at a purchase price (rupiah per pack, 0 unknown)."""

    product: Code
    packs: Count
    price: Count = 0


class CountLine(msgspec.Struct, frozen=True):
    """One product at the count, in packs: `booked` by the ledger, `counted` by hand, and why they differ."""

    product: Code
    booked: Whole
    counted: Count
    reason: VarianceReason | None = None
    note: str = ""

    @property
    def difference(self) -> int:
        """Counted - booked, in packs."""
        return self.counted - self.booked


def variances(lines: tuple[CountLine, ...]) -> tuple[CountLine, ...]:
    """The lines that differ and so need a reason."""
    return tuple(line for line in lines if line.difference)
