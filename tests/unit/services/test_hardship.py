"""The hardship pool at the counter: whom it serves, by whose word, and never beyond what it holds."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.entitlement import LeaseGrant, Refusal
from ewarung_pos.domain.family import CardRef, CardStatus
from ewarung_pos.domain.journal import HardshipAllowed, Redeemed
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason, name_digest, pool_of, stranger_of
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import (
    AllotmentExhausted,
    CardBlocked,
    DayNotOpen,
    NotAuthorised,
    NotEntitled,
    RuleViolation,
)
from ewarung_pos.services.hardship import HardshipOffer, HardshipService
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.services.reverse import ReversalReason
from tests.till_kit import CARD_KEY, TillKit
from tests.unit.services.counter import RICE, SELF, facts, owed, ration, serve, tell_city

STRANGER = CardRef("ab" * 32, "9105")
TWO_SACKS = Basket().with_packs(RICE, 2, Tender.RATION, HARDSHIP)
ONE_SACK = Basket().with_packs(RICE, 1, Tender.RATION, HARDSHIP)


@pytest.fixture
def hardship(shop: TillKit) -> HardshipService:
    """With 12 kg of rice in the pool."""
    pool = LeaseGrant(pool_of("EW-0001"), HARDSHIP, "2026-11", "beras", Unit.GRAM, 12_000)
    with shop.ledger.write() as uow:
        uow.accept(StatePage(2, leases=(pool,)), "00" * 32)
    return HardshipService(shop.ledger, shop.clock, lambda: None)


def help_out(service: HardshipService, card: CardRef, basket: Basket = ONE_SACK, **more: str) -> Redemption:
    return service.serve(card, basket, SELF, HardshipReason.NO_LINE, "siti", "yuni", **more)


def offered(service: HardshipService, card: CardRef) -> HardshipOffer:
    offer = service.offer(card)
    assert offer is not None
    return offer


def test_a_stranger_is_served_by_the_leaders_word(shop: TillKit, hardship: HardshipService) -> None:
    offer = offered(hardship, STRANGER)
    assert offer.helps
    assert [lease.rest for lease in offer.standing.leases] == [12_000]
    done = help_out(hardship, STRANGER, TWO_SACKS, name="Ny. Suminah")
    word, taken = facts(shop)[-2:]
    key = stranger_of(STRANGER)
    named = name_digest(CARD_KEY, "ny suminah")
    assert word == HardshipAllowed(done.fact.receipt, key, "9105", "tanpa_sambungan", "yuni", named)
    assert isinstance(taken, Redeemed)
    assert taken == done.fact
    assert (taken.family, taken.last4, taken.remaining) == (key, "9105", ())
    assert [(debit.programme, debit.amount) for debit in taken.debits] == [(HARDSHIP, 10_000)]
    assert owed(shop) == [("receipt", 0)]
    assert [lease.rest for lease in offered(hardship, STRANGER).standing.leases] == [2_000]
    with pytest.raises(AllotmentExhausted):
        help_out(hardship, STRANGER)
    assert shop.ledger.read().stock()[RICE] == 48


def test_a_family_of_another_kiosk_is_served_under_its_own_key(shop: TillKit, hardship: HardshipService) -> None:
    guest = msgspec.structs.replace(
        shop.families[0], key="K90001", home="EW-0002", programmes=("JATAH",), card=STRANGER
    )
    tell_city(shop, guest, cursor=3)
    assert shop.redeem.identify(STRANGER).refusals == (Refusal.HOME_ELSEWHERE,)
    assert help_out(hardship, STRANGER).fact.family == "K90001"


def test_an_empty_pool_and_a_kiosk_without_one_help_nobody(shop: TillKit) -> None:
    hardship = HardshipService(shop.ledger, shop.clock, lambda: None)
    assert not offered(hardship, STRANGER).helps
    pool = LeaseGrant(pool_of("EW-0001"), HARDSHIP, "2026-11", "beras", Unit.GRAM, 5_000)
    with shop.ledger.write() as uow:
        uow.accept(StatePage(2, leases=(pool,)), "00" * 32)
    assert offered(hardship, STRANGER).helps
    help_out(hardship, STRANGER)
    assert not offered(hardship, STRANGER).helps


def test_whoever_has_rights_here_takes_those(shop: TillKit, hardship: HardshipService) -> None:
    family = shop.family("JATAH")
    assert hardship.offer(family.card) is None
    with pytest.raises(NotEntitled) as caught:
        help_out(hardship, family.card)
    assert caught.value.reason == "has_rights"
    sacks = shop.ledger.read().leases(family.key, shop.redeem.identify(family.card).period)
    assert sum(lease.rest for lease in sacks) > 0


def test_whoever_took_it_all_has_no_second_month_in_the_pool(shop: TillKit, hardship: HardshipService) -> None:
    family = shop.family("JATAH")
    catalogue = shop.ledger.read().catalogue()
    from ewarung_pos.domain.entitlement import take_all

    everything = take_all(shop.redeem.identify(family.card), catalogue, Basket())
    serve(shop, family.card, *everything.lines)
    assert shop.redeem.identify(family.card).refusals == (Refusal.EXHAUSTED,)
    with pytest.raises(AllotmentExhausted):
        help_out(hardship, family.card)


def test_a_blocked_card_and_a_closed_day_are_not_helped(shop: TillKit, hardship: HardshipService) -> None:
    blocked = next(family for family in shop.families if family.card_status is CardStatus.BLOCKED)
    with pytest.raises(CardBlocked):
        help_out(hardship, blocked.card)
    shop.day.begin_close("siti")
    with pytest.raises(DayNotOpen):
        help_out(hardship, STRANGER)
    assert hardship.offer(STRANGER) is None


def test_it_needs_a_leader_a_basket_of_the_pool_and_words_that_may_be_kept(
    shop: TillKit, hardship: HardshipService
) -> None:
    head = shop.ledger.read().head()
    with pytest.raises(NotAuthorised):
        hardship.serve(STRANGER, ONE_SACK, SELF, HardshipReason.NO_LINE, "siti", "")
    for basket in (Basket(), Basket((ration(RICE, 1),))):
        with pytest.raises(NotEntitled):
            help_out(hardship, STRANGER, basket)
    with pytest.raises(RuleViolation) as caught:
        help_out(hardship, STRANGER, name="3374015708619062")
    assert caught.value.reason == "text_number"
    assert shop.ledger.read().head() == head


def test_it_is_reversed_like_any_other(shop: TillKit, hardship: HardshipService) -> None:
    done = help_out(hardship, STRANGER, TWO_SACKS)
    shop.reverse.reverse(done.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    assert [lease.rest for lease in offered(hardship, STRANGER).standing.leases] == [12_000]
