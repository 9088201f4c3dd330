"""Baskets, the lines they become, and what these take from the leases."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.redemption import (
    AttemptState,
    Basket,
    BasketLine,
    RedemptionLine,
    RightDebit,
    Tender,
    priced,
    right_debits,
)
from ewarung_pos.domain.units import Rupiah, Unit, grams
from tests.unit.domain.counter_sample import CATALOGUE, EGG, OIL, RICE_2, RICE_5, SALT

PRODUCTS = st.sampled_from([item.code for item in CATALOGUE.products])
STEPS = st.lists(st.tuples(PRODUCTS, st.integers(0, 9), st.sampled_from(Tender)), max_size=20)


def test_a_basket_starts_empty() -> None:
    assert Basket().lines == ()
    assert Basket().packs(RICE_5.code) == 0


def test_packs_count_by_tender_or_together() -> None:
    basket = (
        Basket()
        .with_packs(RICE_5.code, 2, Tender.RATION, "JATAH")
        .with_packs(RICE_5.code, 1, Tender.CASH)
        .with_packs(SALT.code, 4, Tender.CASH)
    )
    assert basket.packs(RICE_5.code) == 3
    assert basket.packs(RICE_5.code, Tender.RATION) == 2
    assert basket.packs(RICE_5.code, Tender.PURSE) == 0


def test_a_line_keeps_its_place_when_its_packs_change() -> None:
    basket = Basket().with_packs(RICE_5.code, 1, Tender.CASH).with_packs(SALT.code, 1, Tender.CASH)
    changed = basket.with_packs(RICE_5.code, 2, Tender.CASH)
    assert changed.lines == (BasketLine(RICE_5.code, 2, Tender.CASH), BasketLine(SALT.code, 1, Tender.CASH))
    assert basket.packs(RICE_5.code) == 1


def test_no_packs_remove_the_line() -> None:
    basket = Basket().with_packs(RICE_5.code, 1, Tender.CASH).with_packs(RICE_5.code, 1, Tender.RATION, "JATAH")
    assert basket.with_packs(RICE_5.code, 0, Tender.CASH).lines == (BasketLine(RICE_5.code, 1, Tender.RATION, "JATAH"),)
    assert Basket().with_packs(SALT.code, 0, Tender.CASH) == Basket()


@given(STEPS)
def test_a_basket_holds_each_product_once_for_each_tender_as_last_set(steps: list[tuple[str, int, Tender]]) -> None:
    basket, expected = Basket(), dict[tuple[str, Tender], int]()
    for code, packs, tender in steps:
        basket = basket.with_packs(code, packs, tender)
        expected[code, tender] = packs
    held = {(line.product, line.tender): line.packs for line in basket.lines}
    assert len(held) == len(basket.lines)
    assert held == {key: packs for key, packs in expected.items() if packs}


def test_lines_take_name_content_and_price_from_the_catalogue() -> None:
    basket = (
        Basket().with_packs(RICE_5.code, 2, Tender.RATION, "JATAH").with_packs(EGG.code, 3, Tender.PURSE, "SEMBAKO")
    )
    rice, egg = priced(basket, CATALOGUE)
    assert rice == RedemptionLine(
        RICE_5.code, "Beras-5", "beras", 2, "bungkus", 10_000, Unit.GRAM, 67_500, Tender.RATION, "JATAH"
    )
    assert (rice.quantity, rice.total) == (grams(10_000), Rupiah(135_000))
    assert (egg.amount, egg.unit, egg.total) == (30, Unit.PIECE, Rupiah(60_000))


def test_an_unknown_product_has_no_price() -> None:
    with pytest.raises(KeyError, match="emas"):
        priced(Basket((BasketLine("emas", 1, Tender.CASH),)), CATALOGUE)


def test_only_ration_lines_take_from_leases_one_debit_for_each_programme_and_commodity() -> None:
    basket = (
        Basket()
        .with_packs(OIL.code, 1, Tender.RATION, "JATAH")
        .with_packs(RICE_5.code, 1, Tender.RATION, "JATAH")
        .with_packs(RICE_2.code, 2, Tender.RATION, "JATAH")
        .with_packs(EGG.code, 1, Tender.PURSE, "SEMBAKO")
        .with_packs(SALT.code, 1, Tender.CASH)
    )
    assert right_debits(priced(basket, CATALOGUE), "2026-11") == (
        RightDebit("JATAH", "2026-11", "beras", Unit.GRAM, 9_000),
        RightDebit("JATAH", "2026-11", "minyak", Unit.MILLILITRE, 1_000),
    )


@given(STEPS, st.randoms(use_true_random=False))
def test_debits_are_the_same_whatever_the_order_of_the_lines(
    steps: list[tuple[str, int, Tender]], order: random.Random
) -> None:
    basket = Basket()
    for code, packs, tender in steps:
        basket = basket.with_packs(code, packs, tender, "JATAH" if tender is Tender.RATION else "")
    lines = list(priced(basket, CATALOGUE))
    first = right_debits(tuple(lines), "2026-11")
    order.shuffle(lines)
    assert right_debits(tuple(lines), "2026-11") == first
    assert sum(debit.amount for debit in first) == sum(line.amount for line in lines if line.tender is Tender.RATION)


def test_tenders_as_said_at_the_counter() -> None:
    assert [tender.label for tender in Tender] == ["jatah", "KKS", "tunai"]


def test_an_attempt_is_open_until_it_is_done_declined_or_cancelled() -> None:
    assert [state for state in AttemptState if not state.final] == [AttemptState.PENDING, AttemptState.IN_DOUBT]
