"""By what the city holds a till to its words: a redemption's lines fit its debits, a counter-entry its original.

The till refuses to write anything else (`ewarung_pos.ledger`), so what does not fit was written by another program.
"""

from __future__ import annotations

from collections.abc import Mapping

from ewarung_pos.domain.catalogue import Product
from ewarung_pos.domain.journal import Entry, Redeemed, Reversed
from ewarung_pos.domain.redemption import Tender

__all__ = ["Counterparts", "lines_fit"]

_RATION, _PURSE = Tender.RATION, Tender.PURSE


class Counterparts:
    """The redemptions of one enrolment that its counter-entries may undo, told in the order of the journal."""

    def __init__(self) -> None:
        self._redeemed: dict[str, tuple[int, int]] = {}
        self._undone: set[str] = set()

    def redeemed(self, entry: Entry) -> None:
        """A redemption; of two entries with one id the first is the one that can be undone."""
        fact = entry.fact
        if isinstance(fact, Redeemed):
            said = hash((entry.date, fact.receipt, fact.family, fact.lines, fact.debits))
            self._redeemed.setdefault(entry.id, (said, fact.purse.amount if fact.purse is not None else 0))

    def undone(self, original: str) -> None:
        """A counter-entry named this redemption before."""
        self._undone.add(original)

    def undoes(self, entry: Entry, fact: Reversed) -> bool:
        """Whether this is the first counter-entry to a redemption of the same day, and repeats it as it was.

        Only then do rights go back to the lease: what nobody handed out cannot come back.
        """
        said, paid = self._redeemed.get(fact.original, (None, 0))
        first = fact.original not in self._undone
        self._undone.add(fact.original)
        same = said == hash((entry.date, fact.original_receipt, fact.family, fact.lines, fact.debits))
        return first and same and (fact.void is None or fact.void.amount <= paid)


def lines_fit(entry: Entry, fact: Redeemed, products: Mapping[str, Product]) -> bool:
    """Whether the lines say what was taken.

    Their content is that of their packs, the debits are those of the ration lines for the day's month, and the purse
    paid the lines that it should (as by `right_debits`). A product that the city does not list is judged by its price,
    not here.
    """
    purse = 0
    wanted: dict[tuple[str, str, str], int] = {}
    for line in fact.lines:
        product = products.get(line.product)
        if product is not None:
            pack = product.pack
            if (line.commodity, line.unit, line.amount) != (product.commodity, pack.unit, pack.amount * line.packs):
                return False
        if line.tender is _RATION:
            key = (line.programme, line.commodity, line.unit)
            wanted[key] = wanted.get(key, 0) + line.amount
        elif line.tender is _PURSE:
            purse += line.packs * line.price
    if purse != (fact.purse.amount if fact.purse is not None else 0):
        return False
    period = entry.date[:7]
    said = {(debit.programme, debit.commodity, debit.unit): debit.amount for debit in fact.debits}
    if len(fact.debits) != len(wanted) or said != wanted:
        return False
    return all(debit.period == period for debit in fact.debits)
