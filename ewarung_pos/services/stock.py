"""Goods in, goods counted, goods lost."""

from __future__ import annotations

from ewarung_pos.domain.free_text import NOTE_CHARS, NOTE_NUMBER_CHARS, SUPPLIER_CHARS
from ewarung_pos.domain.journal import Entry, StockAdjusted, StockCounted, StockReceived
from ewarung_pos.domain.stock import VARIANCE_SECOND_PERSON_PACKS, CountLine, ReceivedLine, variances
from ewarung_pos.errors import DayNotOpen, NotAuthorised, NotEntitled
from ewarung_pos.ports import Ledger
from ewarung_pos.services.typed import refuse_names, refuse_text

__all__ = ["StockService", "needs_leader", "unexplained"]


def unexplained(lines: tuple[CountLine, ...]) -> tuple[CountLine, ...]:
    """Differences that still lack a reason (or the text that `lain` requires)."""
    return tuple(
        line
        for line in variances(lines)
        if line.reason is None or (line.reason.value == "lain" and not line.note.strip())
    )


def needs_leader(lines: tuple[CountLine, ...]) -> bool:
    """Whether any difference is large enough for a second person."""
    return any(abs(line.difference) > VARIANCE_SECOND_PERSON_PACKS for line in lines)


class StockService:
    """Movements of goods outside redemptions, on the ledger lane."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def receive(self, supplier: str, note_number: str, lines: tuple[ReceivedLine, ...], operator: str) -> Entry:
        """Book a delivery.

        Raises:
            DayNotOpen: no business day is open, or its close is under way (`day_closing`).
            NotEntitled: no supplier, no goods, an unknown product, or a text that may not be kept (`refuse_text`).
        """
        supplier, note_number = supplier.strip(), note_number.strip()
        refuse_text(supplier, SUPPLIER_CHARS)
        refuse_text(note_number, NOTE_NUMBER_CHARS)
        with self._ledger.write() as uow:
            day = uow.day()
            if not day.serving:
                raise DayNotOpen(reason="day_closing" if day.closing else "day_not_open")
            known = {product.code for product in uow.catalogue().products}
            if not supplier or not lines:
                raise NotEntitled("supplier and goods are required", reason="empty_delivery")
            if any(line.packs <= 0 or line.product not in known for line in lines):
                raise NotEntitled("unknown product or no packs", reason="bad_delivery")
            return uow.append(StockReceived(supplier, note_number, lines), operator)

    def count(self, counted: dict[str, int], operator: str, *, closing: bool = False) -> tuple[CountLine, ...]:
        """Record a blind count, in packs; returns it beside the book.

        Raises:
            NotEntitled: a negative count, or a product that the kiosk does not know.
        """
        if any(packs < 0 for packs in counted.values()):
            raise NotEntitled("a count cannot be negative", reason="bad_count")
        with self._ledger.write() as uow:
            if counted.keys() - {product.code for product in uow.catalogue().products}:
                raise NotEntitled("unknown product", reason="bad_count")
            booked = uow.stock()
            lines = tuple(CountLine(product, booked.get(product, 0), packs) for product, packs in counted.items())
            uow.append(StockCounted(lines, closing), operator)
            return lines

    def adjust(self, lines: tuple[CountLine, ...], operator: str, *, leader: str = "", closing: bool = False) -> Entry:
        """Set the book to the count, each difference with its reason.

        Raises:
            NotEntitled: a difference has no reason, or the book moved since the count (goods of a debit in doubt were
                handed out meanwhile): setting it to the count would bring them back. `held`: less than what debits in
                doubt still wait for, which could then never be completed. Or a note may not be kept (`refuse_text`,
                `refuse_names`).
            NotAuthorised: a large difference without the leader.
        """
        for line in lines:
            refuse_text(line.note, NOTE_CHARS)
        if unexplained(lines):
            raise NotEntitled("a difference lacks its reason", reason="unexplained")
        if needs_leader(lines) and not leader:
            raise NotAuthorised("a large difference needs the leader", reason="second_person")
        with self._ledger.write() as uow:
            refuse_names(uow, *(line.note for line in lines))
            booked = uow.stock()
            if any(line.booked != booked.get(line.product, 0) for line in lines):
                raise NotEntitled("the book moved since the count", reason="count_again")
            held: dict[str, int] = {}
            for wanted in (each for attempt in uow.open_attempts() for each in attempt.basket.lines):
                held[wanted.product] = held.get(wanted.product, 0) + wanted.packs
            if any(line.counted < held.get(line.product, 0) for line in lines):
                raise NotEntitled("a debit in doubt waits for these goods", reason="held")
            return uow.append(StockAdjusted(lines, leader, closing), operator)
