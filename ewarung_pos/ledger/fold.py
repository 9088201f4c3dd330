"""What the entries alone say, folded in memory: a second account of the projections, kept apart from the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import (
    CityAcknowledged,
    ClosingBegun,
    ClosingCancelled,
    DayClosed,
    DayOpened,
    Entry,
    HardshipAllowed,
    PeriodClosed,
    ReceiptPrinted,
    Redeemed,
    Reversed,
    RightsGranted,
    StateReceived,
    StockAdjusted,
    StockCounted,
    StockReceived,
    Surrendered,
)
from ewarung_pos.domain.redemption import RedemptionLine, RightDebit
from ewarung_pos.domain.rights import HARDSHIP, holder_of
from ewarung_pos.domain.stock import CountLine

__all__ = ["MOVED", "TABLES", "Fold"]

MOVED = {
    "goods_movement": "SELECT seq, kind, issued, moved FROM goods_movement ORDER BY seq",
    "receipt_paper": "SELECT seq, entry, copy, paper FROM receipt_paper ORDER BY seq",
}
"""Append-only tables whose rows come one after another from the entries, and how to read them in that order."""

TABLES = {
    "lease": "SELECT family, period, programme, commodity, unit, granted, surrendered, spent, returned FROM lease",
    "stock": "SELECT product, packs FROM stock",
    "purse_credit": "SELECT family, programme, period, amount FROM purse_credit",
    "purse_spent": "SELECT family, spent, returned FROM purse_spent",
    "business_day": "SELECT opened_seq, date, opened_at, state, closed_seq, count FROM business_day",
    "city_state": "SELECT acked_seq, acked_hash, cursor FROM city_state",
}
"""Totals, compared as a whole when every entry has been folded."""

Row = tuple[Any, ...]
_JSON = msgspec.json.Encoder()

_GRANTED, _SPENT, _RETURNED, _UNIT, _SURRENDERED = 0, 1, 2, 3, 4


class Fold:
    """Takes entries in order; keeps totals, and gives the rows that each entry must have left in the moved tables.

    Memory grows with families and products, not with the length of the journal (but for the numbers of redemptions).
    """

    def __init__(self) -> None:
        self._leases: dict[tuple[str, str, str, str], list[Any]] = {}
        self._stock: dict[str, int] = {}
        self._credits: dict[tuple[str, str, str], int] = {}
        self._purses: dict[str, list[int]] = {}
        self._days: list[list[Any]] = []
        self._city: tuple[int, str, int] = (0, "", 0)
        self._receipts = 0
        self._redemptions: dict[str, int | None] = {}
        self._problems: list[str] = []
        self._undone: int | None = None
        self._allowed: tuple[int, str] | None = None
        self._rows: list[tuple[str, Row]] = []
        self._handlers: dict[type[Any], Callable[[Entry, Any], None]] = {
            StateReceived: self._state,
            RightsGranted: lambda _, fact: self._grants(fact.leases),
            Surrendered: self._surrendered,
            PeriodClosed: self._period,
            CityAcknowledged: self._acknowledged,
            Redeemed: self._redeemed,
            Reversed: self._reversed,
            StockReceived: self._received,
            StockAdjusted: self._adjusted,
            StockCounted: self._counted,
            ReceiptPrinted: self._printed,
            DayOpened: self._opened,
            ClosingBegun: lambda _, __: self._day("counting", ()),
            ClosingCancelled: lambda _, __: self._day("open", ()),
            DayClosed: self._closed,
        }

    def add(self, entry: Entry) -> tuple[list[tuple[str, Row]], list[str], int | None]:
        """Fold one entry.

        Returns:
            (table, row) of everything it moved, the rules it breaks, and the redemption that it undoes.
        """
        handler = self._handlers.get(type(entry.fact))
        self._rows = []
        self._problems = []
        self._undone = None
        if handler is not None:
            handler(entry, entry.fact)
        said = entry.fact
        self._allowed = (said.receipt, said.family) if isinstance(said, HardshipAllowed) else None
        return self._rows, self._problems, self._undone

    def totals(self, table: str) -> Iterator[Row]:
        """Rows that `TABLES[table]` must give, in no order."""
        match table:
            case "lease":
                for key, (granted, spent, returned, unit, surrendered) in self._leases.items():
                    yield (*key, unit.value, granted, surrendered, spent, returned)
            case "stock":
                yield from self._stock.items()
            case "purse_credit":
                for key3, amount in self._credits.items():
                    yield (*key3, amount)
            case "purse_spent":
                for family, (spent, returned) in self._purses.items():
                    yield (family, spent, returned)
            case "business_day":
                for opened_seq, date, opened_at, state, closed_seq, count in self._days:
                    yield (opened_seq, date, opened_at, state, closed_seq, _JSON.encode(count))
            case _:
                yield self._city

    # -- rights ------------------------------------------------------------------------------------------------------

    def _state(self, entry: Entry, fact: StateReceived) -> None:
        self._grants(fact.leases)
        for family, programme, period, amount in fact.credits:
            self._credits[family, programme, period] = amount
        self._city = (*self._city[:2], fact.cursor)

    def _grants(self, leases: tuple[LeaseGrant, ...]) -> None:
        for grant in leases:
            key = (grant.family, grant.period, grant.programme, grant.commodity)
            lease = self._leases.setdefault(key, [0, 0, 0, grant.unit, 0])
            lease[_GRANTED] = max(lease[_GRANTED], grant.granted)

    def _surrendered(self, entry: Entry, fact: Surrendered) -> None:
        for given in fact.leases:
            key = (given.family, given.period, given.programme, given.commodity)
            lease = self._leases.setdefault(key, [0, 0, 0, given.unit, 0])
            less = given.surrendered < lease[_SURRENDERED]
            lease[_SURRENDERED] = given.surrendered
            if less or _rest(lease) < 0 or lease[_UNIT] is not given.unit:
                self._problems.append("surrendered")

    def _period(self, entry: Entry, fact: PeriodClosed) -> None:
        for (_, period, _, _), lease in self._leases.items():
            if period <= fact.period:
                lease[_SURRENDERED] += _rest(lease)

    def _acknowledged(self, entry: Entry, fact: CityAcknowledged) -> None:
        if fact.acked_seq >= self._city[0]:
            self._city = (fact.acked_seq, fact.acked_hash, self._city[2])

    # -- goods -------------------------------------------------------------------------------------------------------

    def _redeemed(self, entry: Entry, fact: Redeemed) -> None:
        self._receipt(fact.receipt)
        self._redemptions[entry.id] = entry.seq
        for debit in fact.debits:
            lease = self._lease(entry, fact.family, debit)
            lease[_SPENT] += debit.amount
            if _rest(lease) < 0 or lease[_UNIT] is not debit.unit:
                self._problems.append("overdrawn")
            if debit.programme == HARDSHIP and self._allowed != (fact.receipt, fact.family):
                self._problems.append("not_allowed")
        self._goods(entry.seq, "redeemed", fact.lines, 1)
        if fact.purse is not None:
            self._purses.setdefault(fact.family, [0, 0])[0] += fact.purse.amount

    def _reversed(self, entry: Entry, fact: Reversed) -> None:
        self._receipt(fact.receipt)
        self._undone = self._redemptions.get(fact.original)
        if self._undone is None:
            self._problems.append("reversed_twice")
        self._redemptions[fact.original] = None
        for debit in fact.debits:
            lease = self._lease(entry, fact.family, debit)
            lease[_RETURNED] += debit.amount
            if lease[_RETURNED] > lease[_SPENT]:
                self._problems.append("returned_more")
        self._goods(entry.seq, "reversed", fact.lines, -1)
        if fact.void is not None:
            self._purses.setdefault(fact.family, [0, 0])[1] += fact.void.amount

    def _lease(self, entry: Entry, family: str, debit: RightDebit) -> list[Any]:
        holder = holder_of(family, debit.programme, entry.device)
        key = (holder, debit.period, debit.programme, debit.commodity)
        return self._leases.setdefault(key, [0, 0, 0, debit.unit, 0])

    def _goods(self, seq: int, kind: str, lines: tuple[RedemptionLine, ...], sign: int) -> None:
        for line in lines:
            self._shelve(line.product, -sign * line.packs)
        issued = [(line.commodity, line.unit, sign * line.amount) for line in lines]
        moved = [(line.product, -sign * line.packs, line.commodity, -sign * line.amount) for line in lines]
        self._rows.append(("goods_movement", (seq, kind, _text(issued), _text(moved))))

    def _receipt(self, receipt: int) -> None:
        if receipt != self._receipts + 1:
            self._problems.append("receipt_gap")
        self._receipts = receipt

    def _received(self, entry: Entry, fact: StockReceived) -> None:
        for line in fact.lines:
            self._shelve(line.product, line.packs)
        self._moved(entry, "received", [(line.product, line.packs) for line in fact.lines])

    def _adjusted(self, entry: Entry, fact: StockAdjusted) -> None:
        moved = []
        for line in fact.lines:
            more = line.counted - self._stock.get(line.product, 0)
            self._shelve(line.product, more)
            moved.append((line.product, more))
        self._moved(entry, "adjusted", moved)
        if fact.closing:
            counted: tuple[CountLine, ...] = self._days[-1][5] if self._days else ()
            lines = {line.product: line for line in (*counted, *fact.lines)}
            self._day("explained", tuple(lines.values()))

    def _counted(self, entry: Entry, fact: StockCounted) -> None:
        if fact.closing:
            self._day("counting", fact.lines)

    def _moved(self, entry: Entry, kind: str, packs: list[tuple[str, int]]) -> None:
        if packs:
            self._rows.append(("goods_movement", (entry.seq, kind, "[]", _text(packs))))

    def _shelve(self, product: str, packs: int) -> None:
        held = self._stock.get(product, 0) + packs
        self._stock[product] = held
        if held < 0:
            self._problems.append("stock_below_zero")

    def _printed(self, entry: Entry, fact: ReceiptPrinted) -> None:
        self._rows.append(("receipt_paper", (entry.seq, fact.entry, fact.copy, fact.paper)))

    # -- the business day --------------------------------------------------------------------------------------------

    def _opened(self, entry: Entry, fact: DayOpened) -> None:
        self._days.append([entry.seq, entry.date, entry.instant, "open", None, ()])

    def _closed(self, entry: Entry, fact: DayClosed) -> None:
        self._day("closed", self._days[-1][5] if self._days else (), entry.seq)

    def _day(self, state: str, count: tuple[CountLine, ...], closed_seq: int | None = None) -> None:
        if self._days:
            self._days[-1][3:] = [state, closed_seq, count]
        else:
            self._problems.append("no_day")


def _rest(lease: list[Any]) -> int:
    return int(lease[_GRANTED] - lease[_SURRENDERED] - lease[_SPENT] + lease[_RETURNED])


def _text(rows: Sequence[Row]) -> str:
    return _JSON.encode(rows).decode()
