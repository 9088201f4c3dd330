"""Goods in, goods counted, goods lost."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.journal import StockAdjusted, StockCounted, StockReceived
from ewarung_pos.domain.stock import CountLine, ReceivedLine, VarianceReason
from ewarung_pos.errors import DayNotOpen, NotAuthorised, NotEntitled
from ewarung_pos.services.stock import needs_leader, unexplained
from tests.till_kit import TillKit
from tests.unit.services.counter import RICE, SUGAR, facts, ration, serve


def test_a_delivery_is_on_the_shelf_at_once(shop: TillKit) -> None:
    lines = (ReceivedLine(RICE, 20, 60_000), ReceivedLine(SUGAR, 5))
    entry = shop.stock.receive("  Bulog ", " SJ-7 ", lines, "siti")
    assert entry.fact == StockReceived("Bulog", "SJ-7", lines)
    assert (shop.ledger.read().stock()[RICE], shop.ledger.read().stock()[SUGAR]) == (70, 55)


def test_no_delivery_before_the_day_is_open(kit: TillKit) -> None:
    with pytest.raises(DayNotOpen):
        kit.stock.receive("Bulog", "SJ-1", (ReceivedLine(RICE, 1),), "siti")


@pytest.mark.parametrize(
    ("supplier", "lines", "reason"),
    [
        (" ", (ReceivedLine(RICE, 1),), "empty_delivery"),
        ("Bulog", (), "empty_delivery"),
        ("Bulog", (ReceivedLine(RICE, 0),), "bad_delivery"),
        ("Bulog", (ReceivedLine("no-such", 1),), "bad_delivery"),
    ],
)
def test_a_delivery_that_says_too_little(
    shop: TillKit, supplier: str, lines: tuple[ReceivedLine, ...], reason: str
) -> None:
    with pytest.raises(NotEntitled) as caught:
        shop.stock.receive(supplier, "", lines, "siti")
    assert caught.value.reason == reason
    assert set(shop.ledger.read().stock().values()) == {50}


def test_a_count_is_recorded_beside_the_book_and_moves_nothing(shop: TillKit) -> None:
    lines = shop.stock.count({RICE: 49, SUGAR: 50}, "siti")
    assert lines == (CountLine(RICE, 50, 49), CountLine(SUGAR, 50, 50))
    assert facts(shop)[-1] == StockCounted(lines)
    assert shop.ledger.read().stock()[RICE] == 50


def test_what_was_never_delivered_counts_as_none_in_the_book(kit: TillKit) -> None:
    kit.day.open("siti")
    assert kit.stock.count({RICE: 3}, "siti") == (CountLine(RICE, 0, 3),)


@pytest.mark.parametrize("counted", [{RICE: -1}, {"no-such": 1}])
def test_a_count_that_cannot_be(shop: TillKit, counted: dict[str, int]) -> None:
    with pytest.raises(NotEntitled) as caught:
        shop.stock.count(counted, "siti")
    assert caught.value.reason == "bad_count"


def test_a_difference_with_its_reason_sets_the_book(shop: TillKit) -> None:
    lines = (CountLine(RICE, 50, 49, VarianceReason.LEAKED), CountLine(SUGAR, 50, 50))
    assert shop.stock.adjust(lines, "siti").fact == StockAdjusted(lines)
    assert shop.ledger.read().stock()[RICE] == 49


@pytest.mark.parametrize(
    ("line", "open_question"),
    [
        (CountLine(RICE, 50, 49), True),
        (CountLine(RICE, 50, 49, VarianceReason.OTHER, "  "), True),
        (CountLine(RICE, 50, 49, VarianceReason.OTHER, "dipakai contoh"), False),
        (CountLine(RICE, 50, 49, VarianceReason.DAMAGED), False),
        (CountLine(RICE, 50, 50), False),
    ],
)
def test_which_differences_still_lack_their_reason(shop: TillKit, line: CountLine, open_question: bool) -> None:
    assert bool(unexplained((line,))) is open_question
    if open_question:
        with pytest.raises(NotEntitled) as caught:
            shop.stock.adjust((line,), "siti")
        assert caught.value.reason == "unexplained"
    else:
        shop.stock.adjust((line,), "siti")


@pytest.mark.parametrize("counted", [44, 56])
def test_a_large_difference_needs_the_leader(shop: TillKit, counted: int) -> None:
    lines = (CountLine(RICE, 50, counted, VarianceReason.MISCOUNTED),)
    assert needs_leader(lines)
    with pytest.raises(NotAuthorised) as caught:
        shop.stock.adjust(lines, "siti")
    assert caught.value.reason == "second_person"
    entry = shop.stock.adjust(lines, "siti", leader="yuni")
    assert isinstance(entry.fact, StockAdjusted)
    assert entry.fact.approved_by == "yuni"


def test_a_difference_of_five_packs_needs_nobody_else(shop: TillKit) -> None:
    lines = (CountLine(RICE, 50, 45, VarianceReason.MISCOUNTED),)
    assert not needs_leader(lines)
    shop.stock.adjust(lines, "siti")


def test_a_count_older_than_the_book_is_counted_again(shop: TillKit) -> None:
    lines = shop.stock.count({RICE: 50}, "siti")
    serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    with pytest.raises(NotEntitled) as caught:
        shop.stock.adjust(lines, "siti")
    assert caught.value.reason == "count_again"
    assert shop.ledger.read().stock()[RICE] == 48
