"""Handing out: rations, cash and mixed baskets, each in one commit with its receipt number and its paper."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.family import CardRef, HolderPresence
from ewarung_pos.domain.redemption import Basket, BasketLine, RightDebit, Tender
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import AllotmentExhausted, NotEntitled, OutcomeUnknown, OutOfStock
from ewarung_pos.ports import PrintJob
from tests.till_kit import TillKit
from tests.unit.services.counter import (
    RICE,
    SUGAR,
    approved,
    begin,
    buy,
    cash,
    owed,
    pay,
    purse,
    ration,
    serve,
    tell_city,
)


def left(kit: TillKit, name: str) -> dict[str, int]:
    return {lease.commodity: lease.left.amount for lease in kit.redeem.identify(kit.card(name)).leases}


def test_a_ration_is_one_entry_with_receipt_stock_and_paper(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2), ration(SUGAR, 1))
    assert done.fact.receipt == 1
    assert done.fact.debits == (
        RightDebit("JATAH", "2026-11", "beras", Unit.GRAM, 10_000),
        RightDebit("JATAH", "2026-11", "gula", Unit.GRAM, 1_000),
    )
    assert {row.commodity: (row.before, row.after) for row in done.fact.remaining} == {
        "beras": (10_000, 0),
        "gula": (2_000, 1_000),
        "minyak": (2_000, 2_000),
        "tepung": (2_000, 2_000),
    }
    assert done.job == PrintJob(done.job.id, "receipt", done.entry.id, 1, 0)
    assert shop.ledger.read().stock()[RICE] == 48
    assert left(shop, "SRI WAHYUNI") == {"beras": 0, "gula": 1_000, "minyak": 2_000, "tepung": 2_000}


def test_a_month_may_be_taken_in_several_visits_until_nothing_is_left(shop: TillKit) -> None:
    card = shop.card("SRI WAHYUNI")
    serve(shop, card, ration(RICE, 1))
    serve(shop, card, ration(RICE, 1), ration(SUGAR, 2))
    with pytest.raises(AllotmentExhausted) as caught:
        serve(shop, card, ration(RICE, 1))
    assert (caught.value.reason, str(caught.value)) == ("lease", RICE)
    assert left(shop, "SRI WAHYUNI")["minyak"] == 2_000
    assert shop.ledger.read().stock()[RICE] == 48


def test_receipt_numbers_run_without_a_gap_past_what_was_refused(shop: TillKit) -> None:
    first = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    with pytest.raises(AllotmentExhausted):
        serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    second = serve(shop, shop.card("SUMINAH"), ration(RICE, 1))
    assert (first.fact.receipt, second.fact.receipt) == (1, 2)
    assert owed(shop) == [("receipt", 0), ("receipt", 0)]


def test_who_came_and_why_a_proxy_is_part_of_the_entry(shop: TillKit) -> None:
    done = shop.redeem.redeem(
        shop.card("SRI WAHYUNI"), Basket((ration(RICE, 1),)), HolderPresence.PROXY, "siti", "sakit"
    )
    assert (done.fact.presence, done.fact.proxy_reason, done.entry.operator) == (HolderPresence.PROXY, "sakit", "siti")


def test_rations_and_cash_share_one_receipt(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(SUGAR, 1), cash(SUGAR, 2))
    assert [(line.tender, line.packs, line.price) for line in done.fact.lines] == [
        (Tender.RATION, 1, 17_500),
        (Tender.CASH, 2, 17_500),
    ]
    totals = shop.day.totals()
    assert (totals.ration_value, totals.cash, totals.purse, totals.agrees) == (17_500, 35_000, 0, True)


def test_ration_purse_and_cash_together_are_one_redemption(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), ration(RICE, 2), purse("telur-1", 2), cash("kecap-500", 1))
    assert attempt.amount == 58_000
    done = pay(shop, attempt)
    assert done.fact.purse is not None
    assert (done.fact.purse.amount, done.fact.purse.programme, done.fact.purse.evidence) == (58_000, "SEMBAKO", "edc")
    assert (done.fact.purse_before, done.fact.purse_after) == (200_000, 142_000)
    totals = shop.day.totals()
    assert (totals.redemptions, totals.ration_value, totals.purse, totals.cash) == (1, 135_000, 58_000, 14_500)
    assert totals.agrees


def test_the_shadow_falls_with_each_debit(shop: TillKit) -> None:
    buy(shop, shop.card("TUKINAH"), purse("telur-1", 2))
    second = buy(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    assert (second.fact.purse_before, second.fact.purse_after) == (142_000, 113_000)


def test_a_purse_the_city_sent_no_credit_for_has_no_shadow(shop: TillKit) -> None:
    family = msgspec.structs.replace(shop.family("SEMBAKO"), key="K90003", card=CardRef("ef" * 32, "1234"))
    tell_city(shop, family)
    done = buy(shop, family.card, purse("telur-1", 1))
    assert (done.fact.purse_before, done.fact.purse_after) == (None, None)


def test_purse_lines_never_go_past_the_terminal(shop: TillKit) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        serve(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    assert caught.value.reason == "no_attempt"
    assert shop.ledger.read().tally(shop.redeem.identify(shop.card("TUKINAH")).date).families == 0


def test_a_debit_of_nothing_is_not_begun(shop: TillKit) -> None:
    with pytest.raises(NotEntitled) as caught:
        begin(shop, shop.card("SUMINAH"), ration(RICE, 1))
    assert caught.value.reason == "no_debit"
    assert shop.redeem.open_attempts() == ()


def test_an_empty_basket(shop: TillKit) -> None:
    with pytest.raises(NotEntitled) as caught:
        serve(shop, shop.card("SUMINAH"))
    assert caught.value.reason == "empty_basket"


def test_more_than_the_shelf_holds(kit: TillKit) -> None:
    kit.open_shop(packs=1)
    with pytest.raises(OutOfStock) as caught:
        serve(kit, kit.card("SUMINAH"), ration(RICE, 2))
    assert caught.value.reason == "stock"
    with pytest.raises(OutOfStock):
        begin(kit, kit.card("SUMINAH"), purse("telur-1", 2))


def test_a_programme_that_does_not_pay_for_this(shop: TillKit) -> None:
    with pytest.raises(NotEntitled) as caught:
        serve(shop, shop.card("SUMINAH"), BasketLine("kecap-500", 1, Tender.RATION, "JATAH"))
    assert caught.value.reason == "not_eligible"
    with pytest.raises(NotEntitled):
        begin(shop, shop.card("SRI WAHYUNI"), purse("telur-1", 1))


def test_the_last_goods_go_to_whoever_has_them_on_the_way(kit: TillKit) -> None:
    kit.open_shop(packs=2)
    attempt = begin(kit, kit.card("SUMINAH"), purse("telur-1", 2))
    with pytest.raises(OutOfStock):
        serve(kit, kit.card("TUKINAH"), cash("telur-1", 1))
    pay(kit, attempt, approved(attempt.amount))
    assert kit.ledger.read().stock()["telur-1"] == 0
