"""Which entries cannot be true because a total of the city would go beyond what every JSON reader keeps exactly."""

from __future__ import annotations

from collections.abc import Mapping

from ewarung_city.balances import Balances
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.journal import Fact, Redeemed, Reversed, StockAdjusted, StockReceived

__all__ = ["Beyond", "bear_each", "exact", "weight"]


class Beyond(Exception):
    """The entry would take a total beyond what is kept exactly, so it cannot be true."""


def exact(total: int) -> int:
    """The total, if it is one that can be kept.

    Raises:
        Beyond: it cannot.
    """
    if not -EXACT <= total <= EXACT:
        raise Beyond
    return total


def weight(fact: Fact) -> int:
    """At least as much as this fact can move any total by."""
    if isinstance(fact, Redeemed | Reversed):
        heavy = 0
        for line in fact.lines:
            heavy += line.packs * (line.price + 1)
        for debit in fact.debits:
            heavy += debit.amount
        return heavy
    if isinstance(fact, StockReceived):
        return sum(good.packs for good in fact.lines)
    if isinstance(fact, StockAdjusted):
        return sum(count.counted for count in fact.lines)
    return 0


def bear_each(fact: Fact, stock: Mapping[str, int], rights: Balances) -> None:
    """Look at every total that the fact moves, by what is held: packs by product, and leases.

    Raises:
        Beyond: one of them would not stay exact.
    """
    moved: dict[object, int] = {}
    if isinstance(fact, Redeemed | Reversed):
        sign, total = (1, "spent") if isinstance(fact, Redeemed) else (-1, "returned")
        for line in fact.lines:
            paid, goods = ("paid", line.tender), ("packs", line.product)  # a product may be named like a tender
            moved[paid] = exact(moved.get(paid, 0) + line.total.amount)
            held = moved.get(goods, stock.get(line.product, 0))
            moved[goods] = exact(held - sign * line.packs)
        for debit in fact.debits:
            key = rights.key_of(fact.family, debit)
            moved[key] = exact(moved.get(key, rights.total(key, total)) + debit.amount)
    elif isinstance(fact, StockReceived):
        for good in fact.lines:
            held = moved.get(good.product, stock.get(good.product, 0))
            moved[good.product] = exact(held + good.packs)
