"""The business day and its totals, from the first card to the seal."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.business_day import Day, DayState, DayTotals
from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.journal import (
    ClosingBegun,
    ClosingCancelled,
    DayClosed,
    DayOpened,
    Fact,
    OperatorChanged,
    ReceiptPrinted,
    RedemptionRefused,
    StockAdjusted,
    StockCounted,
)
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.stock import CountLine, VarianceReason
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.errors import DayNotOpen, OutOfStock
from ewarung_pos.ledger.database import SqlLedger
from tests.integration.ledger.kiosk import ToldClock, eggs, goods, rice, serve
from tests.integration.ledger.test_units_of_work import debit, undo

TODAY = BusinessDate("2026-11-24")
SEAL = DayClosed(DayTotals(), (), None, "", "", 1)
COUNT = (CountLine("B5", 100, 99), CountLine("T10", 100, 100))
WHY = (CountLine("B5", 100, 99, VarianceReason.LEAKED),)


def append(ledger: SqlLedger, *facts: Fact) -> None:
    for fact in facts:
        with ledger.write() as uow:
            uow.append(fact, "K1")


def test_each_step_of_the_close_is_where_the_day_resumes(ledger: SqlLedger, opened: object) -> None:
    assert callable(opened)
    steps: list[tuple[Fact, DayState, tuple[CountLine, ...]]] = [
        (ClosingBegun(), DayState.COUNTING, ()),
        (StockCounted(COUNT, closing=True), DayState.COUNTING, COUNT),
        (StockAdjusted(WHY, closing=True), DayState.EXPLAINED, (WHY[0], COUNT[1])),
        (StockCounted(COUNT, closing=True), DayState.COUNTING, COUNT),
        (StockAdjusted(WHY, closing=True), DayState.EXPLAINED, (WHY[0], COUNT[1])),
        (SEAL, DayState.CLOSED, (WHY[0], COUNT[1])),
    ]
    for fact, state, count in steps:
        append(ledger, fact)
        day = ledger.read().day()
        assert (day.state, day.date, day.count, day.opened_seq) == (state, TODAY, count, 3)
        ledger.close()
        ledger = opened()
        assert ledger.read().day() == day
    assert ledger.read().stock()["B5"] == 99


def test_a_close_begun_too_early_can_be_cancelled(ledger: SqlLedger) -> None:
    append(ledger, ClosingBegun(), StockCounted(COUNT, closing=True), ClosingCancelled())
    assert ledger.read().day() == Day(DayState.OPEN, TODAY, 3, ledger.read().day().opened_at)


@pytest.mark.parametrize(
    "facts",
    [
        (DayOpened(),),
        (ClosingCancelled(),),
        (StockCounted(COUNT, closing=True),),
        (StockAdjusted(WHY, closing=True),),
        (SEAL,),
        (ClosingBegun(), ClosingBegun()),
        (ClosingBegun(), SEAL),
    ],
)
def test_the_day_moves_one_step_at_a_time(ledger: SqlLedger, facts: tuple[Fact, ...]) -> None:
    append(ledger, *facts[:-1])
    before = ledger.read().day()
    with pytest.raises(DayNotOpen):
        append(ledger, facts[-1])
    assert ledger.read().day() == before


def test_counts_and_adjustments_outside_the_close_leave_the_day_alone(ledger: SqlLedger) -> None:
    append(ledger, StockCounted(COUNT), StockAdjusted((*WHY, CountLine("NEW", 0, 4, VarianceReason.OTHER, "x"))))
    assert ledger.read().day().serving
    assert ledger.read().stock() == {"B5": 99, "T10": 100, "NEW": 4}
    with pytest.raises(OutOfStock):
        append(ledger, StockAdjusted((CountLine("B5", 99, -1),)))


def test_a_day_is_opened_once_and_never_before_the_last(ledger: SqlLedger, clock: ToldClock) -> None:
    append(ledger, ClosingBegun(), StockCounted(COUNT, closing=True), StockAdjusted(WHY, closing=True), SEAL)
    with pytest.raises(DayNotOpen) as caught:
        append(ledger, DayOpened())
    assert caught.value.reason == "already_closed"
    with ledger.write() as uow:
        between = uow.append(ReceiptPrinted(0, "x", 0))
    assert between.date == ""
    clock.ms += 86_400_000
    append(ledger, DayOpened())
    assert ledger.read().day().date == BusinessDate("2026-11-25")


def test_totals_tell_one_story(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        first = serve(uow, "F0001", rice(1), eggs(2), rice(1, Tender.CASH))
        serve(uow, "F0002", rice(1), eggs(1, Tender.PURSE), purse=debit(20_000))
        gone = serve(uow, "F0003", rice(2), rice(1, Tender.PURSE), purse=debit(65_000))
        counter = undo(uow, gone.id, void=debit(65_000))
        entry = uow.append(counter, "K1")
        uow.queue_print("reversal", entry.id, counter.receipt, 0, goods(*counter.lines))
        uow.queue_print("receipt", first.id, 1, 1, {})
        uow.append(RedemptionRefused("0009", "", (Refusal.UNKNOWN_CARD,)), "K1")
        uow.append(ReceiptPrinted(1, first.id, 0))
        uow.append(ReceiptPrinted(1, first.id, 1))
    totals = ledger.read().totals(TODAY)
    assert totals.agrees
    assert [(x.commodity, x.debited, x.issued, x.receipted, x.moved) for x in totals.control] == [
        ("beras", 15_000, 15_000, 15_000, 15_000),
        ("telur", 30, 30, 30, 30),
    ]
    assert (totals.redemptions, totals.reversals, totals.refused, totals.families) == (3, 1, 1, 2)
    assert (totals.receipts, totals.first_receipt, totals.last_receipt, totals.copies) == (4, 1, 4, 1)
    assert (totals.ration_value, totals.purse, totals.cash) == (65_000 * 2 + 40_000, 20_000, 65_000)
    assert (totals.first_seq, totals.last_seq) == (3, ledger.read().head().seq)
    tally = ledger.read().tally(TODAY)
    assert (tally.families, tally.goods) == (2, (("beras", 15_000), ("telur", 30)))
    assert tally.opened_ms == ledger.read().day().opened_at


def test_a_paper_that_was_forgotten_shows_in_the_control(ledger: SqlLedger) -> None:
    from tests.integration.ledger.kiosk import redeemed

    with ledger.write() as uow:
        uow.append(redeemed(1, "F0001", rice(1)))
    (line,) = ledger.read().totals(TODAY).control
    assert not line.agrees
    assert (line.debited, line.issued, line.receipted, line.moved) == (5000, 5000, 0, 5000)


def test_goods_that_only_a_tampered_table_knows_show_in_the_control(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        entry = uow.append(OperatorChanged("K1", "signed_in"))
        uow.execute("INSERT INTO goods_movement VALUES (?, 'redeemed', ?, '[]')", (entry.seq, '[["gula","g",1000]]'))
    assert [(x.commodity, x.debited, x.issued) for x in ledger.read().totals(TODAY).control] == [
        ("beras", 5000, 5000),
        ("gula", 0, 1000),
    ]


def test_totals_end_with_the_days_own_seal(ledger: SqlLedger, clock: ToldClock) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    append(ledger, ClosingBegun(), StockCounted((), closing=True), StockAdjusted((), closing=True), SEAL)
    sealed = ledger.read().totals(TODAY)
    clock.ms += 86_400_000
    append(ledger, DayOpened())
    with ledger.write() as uow:
        serve(uow, "F0002", rice(1))
    assert ledger.read().totals(TODAY) == sealed
    assert sealed.last_seq == 9
    assert ledger.read().totals(BusinessDate("2026-11-25")).redemptions == 1
    assert ledger.read().last_visit("F0001") == TODAY
    assert ledger.read().last_visit("F0002") == BusinessDate("2026-11-25")


def test_a_date_without_a_day_has_no_totals(ledger: SqlLedger) -> None:
    other = BusinessDate("2026-11-23")
    assert ledger.read().totals(other) == DayTotals()
    tally = ledger.read().tally(other)
    assert (tally.families, tally.goods, tally.opened_ms) == (0, (), 0)
