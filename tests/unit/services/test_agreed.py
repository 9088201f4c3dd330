"""What the holder agreed to is what is recorded: whatever the city sends between the screen, the EDC and the commit."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.catalogue import Catalogue, Product
from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.family import CardRef
from ewarung_pos.domain.journal import AttemptSettled
from ewarung_pos.domain.redemption import AttemptState, Basket, Tender
from ewarung_pos.domain.stock import VarianceReason
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import CardBlocked, DayNotOpen, NotAuthorised, NotEntitled, RuleViolation
from ewarung_pos.ports import Approved, Unknown
from ewarung_pos.services.redeem import Redemption
from tests.till_kit import TillKit
from tests.unit.services.counter import (
    DAY_MS,
    RICE,
    SELF,
    approved,
    begin,
    buy,
    cash,
    facts,
    pay,
    purse,
    ration,
    serve,
    tell_city,
)

EGGS = "telur-1"


def catalogue_with(kit: TillKit, *products: Product) -> Catalogue:
    return msgspec.structs.replace(kit.ledger.read().catalogue(), products=products)


def dearer(kit: TillKit, code: str, price: int) -> None:
    held = kit.ledger.read().catalogue().products
    tell_city(
        kit,
        catalogue=catalogue_with(
            kit, *(msgspec.structs.replace(p, price=Rupiah(price)) if p.code == code else p for p in held)
        ),
    )


def off_the_shelf(kit: TillKit, code: str, cursor: int = 2) -> None:
    held = kit.ledger.read().catalogue().products
    tell_city(kit, cursor=cursor, catalogue=catalogue_with(kit, *(p for p in held if p.code != code)))


def doubted(kit: TillKit, *packs: int) -> str:
    attempt = begin(kit, kit.card("SUMINAH"), purse(EGGS, packs[0] if packs else 1))
    assert kit.redeem.conclude(attempt.id, Unknown("no_answer"), "siti") is AttemptState.IN_DOUBT
    return attempt.id


def test_a_price_that_changes_while_the_edc_is_asked_changes_nothing(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse(EGGS, 2))
    dearer(shop, EGGS, 40_000)
    done = pay(shop, attempt)
    assert [line.total.amount for line in done.fact.lines] == [attempt.amount]
    assert done.fact.purse is not None
    assert done.fact.purse.amount == attempt.amount
    assert shop.day.totals().agrees


def test_goods_that_the_city_drops_while_the_edc_is_asked_are_still_handed_out(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse(EGGS, 2))
    off_the_shelf(shop, EGGS)
    done = pay(shop, attempt)
    assert [(line.product, line.packs) for line in done.fact.lines] == [(EGGS, 2)]
    assert "telur" in "\n".join(str(block) for block in shop.papers.document(done.job).blocks).lower()


@pytest.mark.parametrize("tender", [Tender.PURSE, Tender.CASH])
def test_nobody_pays_another_amount_than_the_screen_said(shop: TillKit, tender: Tender) -> None:
    shown = shop.ledger.read().catalogue().product(EGGS).price.amount
    dearer(shop, EGGS, 99_000)
    basket = Basket((purse(EGGS, 1) if tender is Tender.PURSE else cash(EGGS, 1),))
    work = shop.redeem.begin if tender is Tender.PURSE else shop.redeem.redeem
    with pytest.raises(RuleViolation) as caught:
        work(shop.card("SUMINAH"), basket, SELF, "siti", "", shown)
    assert caught.value.reason == "price_changed"
    assert shop.redeem.open_attempts() == ()
    work(shop.card("SUMINAH"), basket, SELF, "siti", "", 99_000)


def test_what_the_city_took_off_the_shelf_is_not_sold_any_more(shop: TillKit) -> None:
    off_the_shelf(shop, EGGS)
    with pytest.raises(NotEntitled) as caught:
        serve(shop, shop.card("SUMINAH"), cash(EGGS, 1))
    assert caught.value.reason == "not_eligible"


def test_a_commodity_that_the_city_forgot_does_not_stop_the_others(shop: TillKit) -> None:
    held = shop.ledger.read().catalogue()
    kept = msgspec.structs.replace(
        held,
        commodities=tuple(c for c in held.commodities if c.code != "tepung"),
        products=tuple(p for p in held.products if p.commodity != "tepung"),
        eligibilities=tuple(e for e in held.eligibilities if e.commodity != "tepung"),
    )
    tell_city(shop, catalogue=kept)
    done = serve(shop, shop.card("SUMINAH"), ration(RICE, 1))
    assert "tepung" in {left.name for left in done.fact.remaining}


def test_a_new_card_cannot_take_what_the_old_ones_debit_in_doubt_is_for(shop: TillKit) -> None:
    family = next(f for f in shop.families if f.name == "SUMINAH")
    rest = shop.redeem.identify(family.card).lease("JATAH", "beras")
    assert rest is not None
    packs = rest.rest // 5000
    attempt = begin(shop, family.card, ration(RICE, packs), purse(EGGS, 1))
    shop.redeem.conclude(attempt.id, Unknown("no_answer"), "siti")
    renewed = msgspec.structs.replace(family, card=CardRef("ab" * 32, "9999"))
    tell_city(shop, renewed)
    assert shop.redeem.identify(renewed.card).refusals == (Refusal.IN_DOUBT,)
    with pytest.raises(CardBlocked):
        serve(shop, renewed.card, ration(RICE, packs))
    assert isinstance(shop.redeem.conclude(attempt.id, approved(attempt.amount), "siti"), Redemption)


def test_goods_that_a_debit_in_doubt_waits_for_cannot_be_written_off(shop: TillKit) -> None:
    attempt = doubted(shop, 2)

    def write_off(left: int) -> None:
        (line,) = shop.stock.count({EGGS: left}, "siti")
        shop.stock.adjust((msgspec.structs.replace(line, reason=VarianceReason.DAMAGED),), "siti", leader="yuni")

    with pytest.raises(NotEntitled) as caught:
        write_off(1)
    assert caught.value.reason == "held"
    write_off(2)
    assert isinstance(shop.redeem.conclude(attempt, approved(58_000), "siti"), Redemption)
    assert shop.ledger.read().stock()[EGGS] == 0


@pytest.mark.parametrize(("approval", "invoice"), [("A00042", "42"), ("a00042", "000042"), (" A00042", "00042 ")])
def test_a_slip_is_the_same_however_it_is_typed(shop: TillKit, approval: str, invoice: str) -> None:
    buy(shop, shop.card("SUMINAH"), purse(EGGS, 1))
    attempt = doubted(shop)
    with pytest.raises(NotAuthorised) as caught:
        shop.redeem.conclude(
            attempt, Approved(29_000, approval, invoice, "", "", "", "", "slip"), "siti", ("siti", "yuni")
        )
    assert caught.value.reason == "slip_used"


def test_a_slip_that_the_edc_gives_to_another_debit_is_disputed_for_the_city(shop: TillKit) -> None:
    wrong = doubted(shop)
    shop.redeem.conclude(wrong, Approved(29_000, "A00042", "42", "", "", "", "", "slip"), "siti", ("siti", "yuni"))
    right = begin(shop, shop.card("SUMINAH"), purse(EGGS, 1))
    pay(shop, right, approved(29_000, "edc_inquiry"))
    disputed = [f for f in facts(shop) if isinstance(f, AttemptSettled) and f.outcome == "slip_disputed"]
    assert [(fact.attempt, fact.code) for fact in disputed] == [(wrong, "000042")]


def test_nobody_is_not_a_second_person(shop: TillKit) -> None:
    attempt = doubted(shop)
    with pytest.raises(NotAuthorised) as caught:
        shop.redeem.conclude(attempt, approved(29_000, "slip"), "", ("", "yuni"))
    assert caught.value.reason == "second_person"


def test_a_day_that_was_never_closed_does_not_hand_out_last_months_rights(shop: TillKit) -> None:
    shop.clock.ms += 20 * DAY_MS
    card = shop.card("SUMINAH")
    assert shop.redeem.identify(card).refusals == (Refusal.DAY_OVER,)
    with pytest.raises(DayNotOpen) as caught:
        serve(shop, card, ration(RICE, 1))
    assert caught.value.reason == "day_over"


def test_papers_of_one_entry_come_to_an_end(shop: TillKit) -> None:
    done = serve(shop, shop.card("SUMINAH"), ration(RICE, 1))
    with pytest.raises(RuleViolation) as caught, shop.ledger.write() as uow:
        uow.queue_print("receipt", done.entry.id, 1, 1000, {})
    assert caught.value.reason == "too_many_copies"
