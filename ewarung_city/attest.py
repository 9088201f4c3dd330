"""The city's own totals of a business day, from the entries it holds: to be compared with the till's Z report."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, and_, select

from ewarung_city.store import entry
from ewarung_pos.domain.business_day import ControlLine, DayTotals
from ewarung_pos.domain.journal import (
    AttemptOpened,
    AttemptSettled,
    DayClosed,
    DayOpened,
    Entry,
    ReceiptPrinted,
    Redeemed,
    RedemptionRefused,
    Reversed,
    decode,
)
from ewarung_pos.domain.redemption import RedemptionLine, Tender
from ewarung_pos.domain.units import Unit

__all__ = ["COMPARED", "DayFigures", "day_figures", "differences"]

COMPARED = (
    "first_seq",
    "last_seq",
    "redemptions",
    "reversals",
    "refused",
    "families",
    "receipts",
    "first_receipt",
    "last_receipt",
    "copies",
    "ration_value",
    "purse",
    "cash",
    "in_doubt",
)
"""Fields of DayTotals that the city knows from entries alone; and each commodity's `debited`, beside them."""


class DayFigures(msgspec.Struct, frozen=True):
    """The day as the city holds it: range, head (hex), totals, and the till's own close once it arrived."""

    first_seq: int
    last_seq: int
    head: str
    totals: DayTotals
    closed: DayClosed | None


def day_figures(connection: Connection, device: str, epoch: int, date: str) -> DayFigures | None:
    """Fold the entries of a business date; None while nothing of it has arrived."""
    rows = connection.execute(
        select(entry.c.seq, entry.c.body, entry.c.hash)
        .where(and_(entry.c.device == device, entry.c.epoch == epoch, entry.c.date == date))
        .order_by(entry.c.seq)
    ).all()
    if not rows:
        return None
    entries = [decode(row.body) for row in rows]
    closed = next((item for item in entries if isinstance(item.fact, DayClosed)), None)
    day = [item for item in entries if closed is None or item.seq < closed.seq]
    fact = closed.fact if closed is not None and isinstance(closed.fact, DayClosed) else None
    return DayFigures(rows[0].seq, rows[-1].seq, rows[-1].hash.hex(), _totals(day), fact)


def differences(ours: DayTotals, theirs: DayTotals) -> tuple[str, ...]:
    """Names of the figures in which the city and the Z report differ; empty when they tell one story."""
    found = [name for name in COMPARED if getattr(ours, name) != getattr(theirs, name)]
    mine = {line.commodity: line.debited for line in ours.control}
    till = {line.commodity: line.debited for line in theirs.control}
    found += [f"debited:{name}" for name in sorted(mine.keys() | till.keys()) if mine.get(name, 0) != till.get(name, 0)]
    return tuple(found)


def _totals(entries: list[Entry]) -> DayTotals:
    redeemed = [item.fact for item in entries if isinstance(item.fact, Redeemed)]
    undone = [item.fact for item in entries if isinstance(item.fact, Reversed)]
    originals = {fact.original for fact in undone}
    served = {
        item.fact.family for item in entries if isinstance(item.fact, Redeemed) and item.id not in originals
    }
    receipts = [fact.receipt for fact in (*redeemed, *undone)]
    value = {tender: 0 for tender in Tender}
    goods: dict[str, tuple[Unit, int]] = {}
    for sign, facts in ((1, redeemed), (-1, undone)):
        for fact in facts:
            _add(fact.lines, sign, value, goods)
    begun = next((item for item in entries if isinstance(item.fact, DayOpened)), entries[0])
    return DayTotals(
        first_seq=begun.seq,
        last_seq=entries[-1].seq,
        redemptions=len(redeemed),
        reversals=len(undone),
        refused=sum(isinstance(item.fact, RedemptionRefused) for item in entries),
        families=len(served),
        receipts=len(receipts),
        first_receipt=min(receipts, default=0),
        last_receipt=max(receipts, default=0),
        copies=sum(isinstance(item.fact, ReceiptPrinted) and item.fact.copy > 0 for item in entries),
        ration_value=value[Tender.RATION],
        purse=value[Tender.PURSE],
        cash=value[Tender.CASH],
        in_doubt=_open_attempts(entries),
        control=tuple(ControlLine(name, unit, n, n, n, n) for name, (unit, n) in sorted(goods.items())),
    )


def _add(
    lines: Iterable[RedemptionLine], sign: int, value: dict[Tender, int], goods: dict[str, tuple[Unit, int]]
) -> None:
    for line in lines:
        value[line.tender] += sign * line.total.amount
        unit, amount = goods.get(line.commodity, (line.unit, 0))
        goods[line.commodity] = (unit, amount + sign * line.amount)


def _open_attempts(entries: list[Entry]) -> int:
    """Debits and voids of the day whose end is not in the journal."""
    under_way: set[str] = set()
    for item in entries:
        match item.fact:
            case AttemptOpened(attempt=attempt):
                under_way.add(attempt)
            case AttemptSettled(attempt=attempt, outcome=outcome) if outcome != "in_doubt":
                under_way.discard(attempt)
            case Redeemed(purse=debit) if debit is not None:
                under_way.discard(debit.attempt)
            case Reversed(void=debit) if debit is not None:
                under_way.discard(debit.attempt)
            case _:
                pass
    return len(under_way)
