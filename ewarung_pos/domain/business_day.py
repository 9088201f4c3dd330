"""The business day: its states, its totals, and the four figures that must tell one story."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from ewarung_pos.domain.bounds import Code, Count, Whole
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Quantity, Unit

__all__ = ["ControlLine", "Day", "DayState", "DayTotals", "EdcTotals", "blocking_close", "paid_words"]


class DayState(StrEnum):
    """COUNTING refuses new redemptions; EXPLAINED has every difference explained and waits for the seal."""

    CLOSED = "closed"
    OPEN = "open"
    COUNTING = "counting"
    EXPLAINED = "explained"


class Day(msgspec.Struct, frozen=True):
    """Where the business day stands, read from the journal, so that it resumes after a power cut."""

    state: DayState
    date: BusinessDate | None = None
    opened_seq: int = 0
    opened_at: int = 0
    count: tuple[CountLine, ...] = ()

    @property
    def serving(self) -> bool:
        """Whether a redemption may be recorded."""
        return self.state is DayState.OPEN

    @property
    def closing(self) -> bool:
        """Whether the close has begun and is not sealed yet; it may still be called off."""
        return self.state in (DayState.COUNTING, DayState.EXPLAINED)

    @property
    def counting(self) -> bool:
        """Whether the shelf is being counted without looking at the book, which nothing may show until then."""
        return self.state is DayState.COUNTING and not self.count

    def why_not_serving(self, today: BusinessDate) -> str:
        """Code of why nothing is served while the day is not open.

        `day_closing` while the close is under way, `day_sealed` when the day of `today` is over, else `day_not_open`.
        """
        if self.closing:
            return "day_closing"
        return "day_sealed" if self.date is not None and today <= self.date else "day_not_open"


class ControlLine(msgspec.Struct, frozen=True):
    """Four-way control of one commodity, in base units of `unit`, reversals taken off.

    `debited` from the rights (leases, purse and cash lines of the entries), `issued` by the redemption lines,
    `receipted` on the receipts, `moved` out of stock.
    """

    commodity: Code
    unit: Unit
    debited: Whole
    issued: Whole
    receipted: Whole
    moved: Whole

    @property
    def agrees(self) -> bool:
        """Whether the four tell one story."""
        return self.debited == self.issued == self.receipted == self.moved


def paid_words(paid: Mapping[Tender, int], unit: Unit) -> str:
    """`jatah 10 kg + KKS 10 kg + tunai 5 kg`; what is nothing is left out."""
    return " + ".join(f"{each.label} {Quantity(paid[each], unit)}" for each in Tender if paid.get(each))


class EdcTotals(msgspec.Struct, frozen=True):
    """What the terminal says it approved today, net of voids, rupiah; and why it differs from ours, if it does."""

    amount: Whole
    batch: str = ""
    explanation: str = ""


class DayTotals(msgspec.Struct, frozen=True):
    """Totals folded from the day's first to its last entry. Rupiah net of reversals; counts are counts."""

    first_seq: Count = 0
    last_seq: Count = 0
    redemptions: Count = 0
    reversals: Count = 0
    refused: Count = 0
    families: Count = 0
    receipts: Count = 0
    first_receipt: Count = 0
    last_receipt: Count = 0
    copies: Count = 0
    ration_value: Whole = 0
    purse: Whole = 0
    cash: Whole = 0
    in_doubt: Count = 0
    control: tuple[ControlLine, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every commodity's four figures agree."""
        return all(line.agrees for line in self.control)


def blocking_close(day: Day, totals: DayTotals, edc: EdcTotals | None) -> str | None:
    """Why the day cannot be sealed yet, or None.

    Returns:
        `not_explained`, `in_doubt` (a debit is unresolved), `control` (the four figures differ) or
        `edc` (the terminal's total differs and nobody explained it).
    """
    if day.state is not DayState.EXPLAINED:
        return "not_explained"
    if totals.in_doubt:
        return "in_doubt"
    if not totals.agrees:
        return "control"
    if edc is not None and edc.amount != totals.purse and not edc.explanation.strip():
        return "edc"
    return None
