"""The business day as its entries alone tell it: where it stands, what was counted, and what its seal must state."""

from __future__ import annotations

from ewarung_pos.domain.business_day import ControlLine, DayState, DayTotals
from ewarung_pos.domain.journal import (
    AttemptOpened,
    AttemptSettled,
    ClosingBegun,
    ClosingCancelled,
    DayClosed,
    DayOpened,
    Entry,
    ReceiptPrinted,
    Redeemed,
    RedemptionRefused,
    Reversed,
    StockAdjusted,
    StockCounted,
)
from ewarung_pos.domain.redemption import PurseDebit, Tender
from ewarung_pos.domain.stock import CountLine
from ewarung_pos.domain.units import Unit

__all__ = ["DayAccount"]

_COUNTED = (DayState.COUNTING, DayState.EXPLAINED)


class DayAccount:
    """Takes the entries of an epoch in order.

    Args:
        whole: the entries begin with the first of the epoch. Otherwise nothing is said before the first day that
            begins among them.
    """

    def __init__(self, *, whole: bool) -> None:
        self._state: DayState | None = DayState.CLOSED if whole else None
        self._date = ""
        self._began = {""}
        self._count: tuple[CountLine, ...] = ()
        self._attempts: set[str] = set()
        self._sums = _Sums(0)

    def add(self, entry: Entry) -> tuple[str, ...]:
        """What the entry gets wrong.

        Returns:
            Of `day` (not in the state that the entry needs, or another date), `totals` and `count` (a seal that states
            something else than its day's entries).
        """
        fact = entry.fact
        if self._state is None and not isinstance(fact, DayOpened):
            self._attempt(fact)
            return ()
        found = [] if self._moved(entry) else ["day"]
        if entry.date != self._date and "day" not in found:
            found.append("day")
        self._attempt(fact)
        if isinstance(fact, DayClosed):
            if fact.totals != self._sums.totals(entry.seq - 1, len(self._attempts)):
                found.append("totals")
            if fact.count != self._count:
                found.append("count")
            self._date = ""
        else:
            self._sums.add(entry)
        return tuple(found)

    def _moved(self, entry: Entry) -> bool:
        """Bring the day on; False when it was not in the state for it."""
        state = self._state
        match entry.fact:
            case DayOpened():
                fits = state in (None, DayState.CLOSED) and entry.date not in self._began
                self._state, self._date, self._count = DayState.OPEN, entry.date, ()
                self._began.add(entry.date)
                self._sums = _Sums(entry.seq)
                return fits
            case ClosingBegun():
                self._state, self._count = DayState.COUNTING, ()
                return state is DayState.OPEN
            case ClosingCancelled():
                self._state, self._count = DayState.OPEN, ()
                return state in _COUNTED
            case StockCounted(closing=True, lines=lines):
                self._state, self._count = DayState.COUNTING, lines
                return state in _COUNTED
            case StockAdjusted(closing=True, lines=lines):
                merged = {line.product: line for line in (*self._count, *lines)}
                self._state, self._count = DayState.EXPLAINED, tuple(merged.values())
                return state in _COUNTED
            case DayClosed():
                self._state = DayState.CLOSED
                return state is DayState.EXPLAINED
            case Redeemed() | Reversed():
                return state is not DayState.CLOSED
            case _:
                return True

    def _attempt(self, fact: object) -> None:
        """Debits whose outcome is open hold the seal back, whenever they began."""
        match fact:
            case AttemptOpened():
                self._attempts.add(fact.attempt)
            case AttemptSettled() if fact.outcome != "in_doubt":
                self._attempts.discard(fact.attempt)
            case Redeemed(purse=PurseDebit(attempt=attempt)) | Reversed(void=PurseDebit(attempt=attempt)):
                self._attempts.discard(attempt)


class _Sums:
    """Totals of one day, net of reversals."""

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self._counts = dict.fromkeys(("Redeemed", "Reversed", "RedemptionRefused", "copies"), 0)
        self._receipts: list[int] = []
        self._families: dict[str, str] = {}
        self._rupiah = dict.fromkeys(Tender, 0)
        self._units: dict[str, Unit] = {}
        self._debited: dict[str, int] = {}
        self._issued: dict[str, int] = {}

    def add(self, entry: Entry) -> None:
        fact = entry.fact
        match fact:
            case Redeemed():
                self._goods(fact, 1)
                self._families[entry.id] = fact.family
                self._rupiah[Tender.PURSE] += fact.purse.amount if fact.purse else 0
            case Reversed():
                self._goods(fact, -1)
                self._families.pop(fact.original, None)
                self._rupiah[Tender.PURSE] -= fact.void.amount if fact.void else 0
            case RedemptionRefused():
                self._counts["RedemptionRefused"] += 1
            case ReceiptPrinted():
                self._counts["copies"] += fact.copy > 0

    def _goods(self, fact: Redeemed | Reversed, sign: int) -> None:
        self._counts[type(fact).__name__] += 1
        self._receipts.append(fact.receipt)
        for debit in fact.debits:
            self._units[debit.commodity] = debit.unit
            self._debited[debit.commodity] = self._debited.get(debit.commodity, 0) + sign * debit.amount
        for line in fact.lines:
            amount = sign * line.amount
            self._units.setdefault(line.commodity, line.unit)
            self._issued[line.commodity] = self._issued.get(line.commodity, 0) + amount
            if line.tender is not Tender.RATION:
                self._debited[line.commodity] = self._debited.get(line.commodity, 0) + amount
            if line.tender is not Tender.PURSE:
                self._rupiah[line.tender] += sign * line.total.amount

    def totals(self, last_seq: int, in_doubt: int) -> DayTotals:
        """As the seal must state them: receipts and shelf follow the lines, or the seal would not have been set."""
        return DayTotals(
            first_seq=self.first_seq,
            last_seq=last_seq,
            redemptions=self._counts["Redeemed"],
            reversals=self._counts["Reversed"],
            refused=self._counts["RedemptionRefused"],
            families=len(set(self._families.values())),
            receipts=len(self._receipts),
            first_receipt=min(self._receipts, default=0),
            last_receipt=max(self._receipts, default=0),
            copies=self._counts["copies"],
            ration_value=self._rupiah[Tender.RATION],
            purse=self._rupiah[Tender.PURSE],
            cash=self._rupiah[Tender.CASH],
            in_doubt=in_doubt,
            control=tuple(
                ControlLine(
                    commodity,
                    self._units[commodity],
                    self._debited.get(commodity, 0),
                    issued := self._issued.get(commodity, 0),
                    issued,
                    issued,
                )
                for commodity in sorted(self._units)
            ),
        )
