"""What a family may still take, here and now: never more than was granted, never more than is on the shelf."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ewarung_pos.domain.catalogue import Product
from ewarung_pos.domain.entitlement import (
    Bound,
    Lease,
    LeaseGrant,
    LineProblem,
    Refusal,
    allowance,
    check,
    purse_programme,
    ration_programme,
    refusal_of_card,
    take_all,
)
from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.redemption import Basket, BasketLine, RightDebit, Tender, priced, right_debits
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Unit, grams
from tests.unit.domain.counter_sample import (
    CATALOGUE,
    EGG,
    FAMILY,
    OIL,
    PERIOD,
    RATION,
    RICE_2,
    RICE_5,
    SALT,
    SUGAR,
    TODAY,
    lease,
    standing,
)

replace = msgspec.structs.replace
EMPTY = Basket()


def ration(*wanted: tuple[Product, int]) -> Basket:
    basket = EMPTY
    for product, packs in wanted:
        basket = basket.with_packs(product.code, packs, Tender.RATION, "JATAH")
    return basket


# --- leases -------------------------------------------------------------------------------------


def test_a_lease_counts_what_left_and_what_came_back() -> None:
    rice = replace(lease("beras", 10_000), spent=5_000, returned=2_000, surrendered=1_000)
    assert rice.left == grams(6_000)
    assert rice.whole == grams(10_000)


def test_the_device_rule() -> None:
    rice = replace(lease("beras", 10_000), spent=5_000, returned=2_000, surrendered=1_000)
    assert rice.allows(6_000)
    assert not rice.allows(6_001)
    assert not rice.allows(-1)


@given(*[st.integers(0, 100_000)] * 4, st.integers(-10, 200_000))
def test_a_lease_allows_exactly_what_it_has_left(
    granted: int, surrendered: int, spent: int, returned: int, amount: int
) -> None:
    assume(returned <= spent)
    held = Lease("f-1", "JATAH", PERIOD.iso, "beras", Unit.GRAM, granted, surrendered, spent, returned)
    assert held.allows(amount) == (0 <= amount <= held.left.amount)


def test_a_grant_is_an_array_on_the_wire() -> None:
    grant = LeaseGrant("f-1", "JATAH", "2026-11", "beras", Unit.GRAM, 10_000)
    assert msgspec.json.encode(grant) == b'["f-1","JATAH","2026-11","beras","g",10000]'
    assert msgspec.json.decode(msgspec.json.encode(grant), type=LeaseGrant) == grant


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (CardStatus.ACTIVE, None),
        (CardStatus.BLOCKED, Refusal.CARD_BLOCKED),
        (CardStatus.DECEASED, Refusal.HOLDER_DECEASED),
        (CardStatus.MOVED, Refusal.FAMILY_MOVED),
    ],
)
def test_what_the_citys_word_on_a_card_means(status: CardStatus, refusal: Refusal | None) -> None:
    assert refusal_of_card(status) is refusal


# --- programmes ---------------------------------------------------------------------------------


def test_a_lease_is_found_by_programme_and_commodity() -> None:
    now = standing()
    assert now.lease("JATAH", "beras") is RATION[0]
    assert now.lease("JATAH", "telur") is None
    assert now.lease("TAMBAHAN", "beras") is None


def test_a_ration_needs_a_lease_and_a_date() -> None:
    assert ration_programme(standing(), CATALOGUE, "beras") == "JATAH"
    assert ration_programme(standing(), CATALOGUE, "telur") is None
    assert ration_programme(standing(), CATALOGUE, "gula") == "JATAH"
    assert ration_programme(standing(date=BusinessDate("2026-11-25")), CATALOGUE, "gula") is None


def test_a_lease_of_a_purse_programme_is_no_ration() -> None:
    assert ration_programme(standing((lease("beras", 5_000, programme="SEMBAKO"),)), CATALOGUE, "beras") is None


def test_a_programme_that_the_catalogue_does_not_know_yet_stops_nobody() -> None:
    unknown = standing(
        (lease("beras", 5_000, programme="BARU"), *RATION), family=replace(FAMILY, programmes=("BARU", "SEMBAKO"))
    )
    assert ration_programme(unknown, CATALOGUE, "beras") == "JATAH"
    assert purse_programme(unknown, CATALOGUE, "beras") == "SEMBAKO"


def test_an_exhausted_lease_does_not_hide_the_next() -> None:
    first, second = lease("beras", 5_000, spent=5_000), lease("beras", 2_000, programme="TAMBAHAN")
    both = standing((first, second))
    assert ration_programme(both, CATALOGUE, "beras") == "TAMBAHAN"
    assert allowance(RICE_2, Tender.RATION, EMPTY, both, CATALOGUE) == (1, Bound.LEASE)
    assert ration_programme(standing((first,)), CATALOGUE, "beras") == "JATAH"


def test_a_purse_needs_a_family_in_a_programme_that_pays_for_it() -> None:
    assert purse_programme(standing(), CATALOGUE, "telur") == "SEMBAKO"
    assert purse_programme(standing(), CATALOGUE, "minyak") is None
    assert purse_programme(standing(family=None), CATALOGUE, "telur") is None
    assert purse_programme(standing(family=replace(FAMILY, programmes=("JATAH",))), CATALOGUE, "beras") is None


# --- allowance ----------------------------------------------------------------------------------


def test_the_lease_bounds_a_ration() -> None:
    assert allowance(RICE_5, Tender.RATION, EMPTY, standing(), CATALOGUE) == (2, Bound.LEASE)
    assert allowance(RICE_2, Tender.RATION, EMPTY, standing(), CATALOGUE) == (5, Bound.LEASE)


def test_when_lease_and_shelf_end_together_the_lease_is_named() -> None:
    assert allowance(RICE_5, Tender.RATION, EMPTY, standing(stock={RICE_5.code: 2}), CATALOGUE) == (2, Bound.LEASE)
    assert allowance(RICE_5, Tender.RATION, EMPTY, standing(stock={RICE_5.code: 1}), CATALOGUE) == (1, Bound.STOCK)


def test_packs_of_one_commodity_share_its_lease() -> None:
    with_five = ration((RICE_5, 1))
    assert allowance(RICE_2, Tender.RATION, with_five, standing(), CATALOGUE) == (2, Bound.LEASE)
    assert allowance(RICE_5, Tender.RATION, with_five, standing(), CATALOGUE) == (2, Bound.LEASE)
    assert allowance(OIL, Tender.RATION, with_five, standing(), CATALOGUE) == (2, Bound.LEASE)


def test_the_shelf_bounds_every_tender_together() -> None:
    short = standing(stock={RICE_5.code: 3})
    bought = EMPTY.with_packs(RICE_5.code, 2, Tender.CASH)
    assert allowance(RICE_5, Tender.RATION, bought, short, CATALOGUE) == (1, Bound.STOCK)
    assert allowance(RICE_5, Tender.CASH, ration((RICE_5, 2)), short, CATALOGUE) == (1, Bound.STOCK)
    assert allowance(RICE_5, Tender.PURSE, bought, short, CATALOGUE) == (1, Bound.STOCK)
    assert allowance(RICE_5, Tender.CASH, ration((RICE_5, 9)), short, CATALOGUE) == (0, Bound.STOCK)
    assert allowance(SALT, Tender.CASH, EMPTY, short, CATALOGUE) == (0, Bound.STOCK)


def test_what_no_programme_gives_is_not_eligible_but_sold_for_cash() -> None:
    assert allowance(SALT, Tender.RATION, EMPTY, standing(), CATALOGUE) == (0, Bound.NOT_ELIGIBLE)
    assert allowance(SALT, Tender.PURSE, EMPTY, standing(), CATALOGUE) == (0, Bound.NOT_ELIGIBLE)
    assert allowance(SALT, Tender.CASH, EMPTY, standing(), CATALOGUE) == (50, Bound.STOCK)


def test_a_lease_in_another_unit_gives_nothing() -> None:
    in_pieces = standing((lease("beras", 10, Unit.PIECE),))
    assert allowance(RICE_5, Tender.RATION, EMPTY, in_pieces, CATALOGUE) == (0, Bound.NOT_ELIGIBLE)


def test_an_overdrawn_lease_gives_nothing() -> None:
    overdrawn = standing((replace(lease("beras", 5_000), spent=10_000),))
    assert allowance(RICE_5, Tender.RATION, EMPTY, overdrawn, CATALOGUE) == (0, Bound.LEASE)


# --- check --------------------------------------------------------------------------------------


def test_an_empty_basket_breaks_no_rule() -> None:
    assert check(EMPTY, standing(), CATALOGUE) == ()


def test_a_basket_of_all_three_tenders_may_be_served() -> None:
    basket = ration((RICE_5, 2), (SUGAR, 1)).with_packs(EGG.code, 1, Tender.PURSE, "SEMBAKO")
    assert check(basket.with_packs(SALT.code, 1, Tender.CASH), standing(), CATALOGUE) == ()


def test_every_line_that_breaks_a_rule_is_named() -> None:
    basket = (
        ration((RICE_5, 3), (SUGAR, 1))
        .with_packs(OIL.code, 1, Tender.PURSE, "SEMBAKO")
        .with_packs(SALT.code, 51, Tender.CASH)
    )
    assert check(basket, standing(), CATALOGUE) == (
        LineProblem(RICE_5.code, Tender.RATION, Bound.LEASE),
        LineProblem(OIL.code, Tender.PURSE, Bound.NOT_ELIGIBLE),
        LineProblem(SALT.code, Tender.CASH, Bound.STOCK),
    )


@pytest.mark.parametrize("packs", [0, -1])
def test_a_line_of_no_packs_is_no_line(packs: int) -> None:
    basket = Basket((BasketLine(SALT.code, packs, Tender.CASH),))
    assert check(basket, standing(), CATALOGUE) == (LineProblem(SALT.code, Tender.CASH, Bound.STOCK),)


def test_the_same_line_twice_does_not_double_the_right() -> None:
    line = BasketLine(RICE_5.code, 2, Tender.RATION, "JATAH")
    problem = LineProblem(RICE_5.code, Tender.RATION, Bound.LEASE)
    assert check(Basket((line, line)), standing(), CATALOGUE) == (problem, problem)


@pytest.mark.parametrize(
    "line",
    [
        BasketLine(RICE_5.code, 1, Tender.RATION, ""),
        BasketLine(RICE_5.code, 1, Tender.RATION, "TAMBAHAN"),
        BasketLine(EGG.code, 1, Tender.PURSE, "JATAH"),
        BasketLine(SALT.code, 1, Tender.CASH, "SEMBAKO"),
    ],
)
def test_a_line_names_the_programme_that_gives_it(line: BasketLine) -> None:
    problem = LineProblem(line.product, line.tender, Bound.NOT_ELIGIBLE)
    assert check(Basket((line,)), standing(), CATALOGUE) == (problem,)


# --- the whole ration ---------------------------------------------------------------------------


def test_take_all_takes_the_whole_ration_in_the_biggest_packs() -> None:
    basket = take_all(standing(), CATALOGUE, EMPTY)
    assert [(line.product, line.packs) for line in basket.lines] == [("beras-5", 2), ("gula-1", 2), ("minyak-1", 2)]
    assert {(line.tender, line.programme) for line in basket.lines} == {(Tender.RATION, "JATAH")}


def test_take_all_fills_up_with_smaller_packs_and_keeps_the_order_of_the_shelf() -> None:
    basket = take_all(standing((lease("beras", 9_000),)), CATALOGUE, EMPTY)
    assert [(line.product, line.packs) for line in basket.lines] == [("beras-2", 2), ("beras-5", 1)]


def test_take_all_takes_what_the_shelf_has() -> None:
    basket = take_all(standing(stock={"beras-5": 1, "minyak-1": 0, "gula-1": 1}), CATALOGUE, EMPTY)
    assert [(line.product, line.packs) for line in basket.lines] == [("beras-5", 1), ("gula-1", 1)]


def test_take_all_replaces_ration_lines_and_leaves_purse_and_cash() -> None:
    bought = EMPTY.with_packs(SALT.code, 1, Tender.CASH).with_packs(EGG.code, 2, Tender.PURSE, "SEMBAKO")
    chosen = bought.with_packs(RICE_2.code, 4, Tender.RATION, "JATAH")
    basket = take_all(standing(), CATALOGUE, chosen)
    assert basket.packs(RICE_2.code) == 0
    assert basket.packs(RICE_5.code, Tender.RATION) == 2
    assert (basket.packs(SALT.code, Tender.CASH), basket.packs(EGG.code, Tender.PURSE)) == (1, 2)
    assert take_all(standing(), CATALOGUE, basket) == basket


# --- over many visits ---------------------------------------------------------------------------

LINES = st.builds(
    BasketLine,
    product=st.sampled_from([item.code for item in CATALOGUE.products]),
    packs=st.integers(-1, 6),
    tender=st.sampled_from(Tender),
    programme=st.sampled_from(["JATAH", "SEMBAKO", "TAMBAHAN", ""]),
)
BASKETS = st.lists(LINES, max_size=6).map(lambda lines: Basket(tuple(lines)))
LEASES = st.builds(
    lambda rice, more, sugar, oil: (
        lease("beras", rice),
        lease("beras", more, programme="TAMBAHAN"),
        lease("gula", sugar),
        lease("minyak", oil, Unit.MILLILITRE),
    ),
    st.integers(0, 30_000),
    st.integers(0, 10_000),
    st.integers(0, 5_000),
    st.integers(0, 5_000),
)
STOCK = st.fixed_dictionaries({item.code: st.integers(0, 20) for item in CATALOGUE.products})


def _moved(leases: tuple[Lease, ...], debits: tuple[RightDebit, ...], total: str) -> tuple[Lease, ...]:
    amounts = {(debit.programme, debit.commodity): debit.amount for debit in debits}
    assert set(amounts) <= {(held.programme, held.commodity) for held in leases}
    return tuple(
        replace(held, **{total: getattr(held, total) + amounts.get((held.programme, held.commodity), 0)})
        for held in leases
    )


@given(
    LEASES, STOCK, st.lists(st.tuples(BASKETS, st.sampled_from(["asked", "all", "reversed"])), max_size=8), st.data()
)
def test_no_sequence_of_allowed_takes_exceeds_what_was_granted(
    leases: tuple[Lease, ...], stock: dict[str, int], visits: list[tuple[Basket, str]], data: st.DataObject
) -> None:
    for wanted, way in visits:
        now = standing(leases, stock)
        basket = take_all(now, CATALOGUE, Basket()) if way == "all" else wanted
        if check(basket, now, CATALOGUE):
            continue
        lines = priced(basket, CATALOGUE)
        debits = right_debits(lines, PERIOD.iso)
        if way == "reversed":
            leases = _moved(_moved(leases, debits, "spent"), debits, "returned")
            continue
        leases = _moved(leases, debits, "spent")
        stock = {code: packs - basket.packs(code) for code, packs in stock.items()}
        given_up = data.draw(st.integers(0, max(0, leases[0].left.amount)))
        leases = (replace(leases[0], surrendered=leases[0].surrendered + given_up), *leases[1:])
        for held in leases:
            assert held.spent - held.returned + held.surrendered <= held.granted
            assert held.left.amount >= 0
        assert min(stock.values()) >= 0


@given(LEASES, STOCK, BASKETS)
def test_take_all_may_always_be_served(leases: tuple[Lease, ...], stock: dict[str, int], before: Basket) -> None:
    now = standing(leases, stock)
    assume(not check(before, now, CATALOGUE))
    after = take_all(now, CATALOGUE, before)
    assert check(after, now, CATALOGUE) == ()
    for product in CATALOGUE.products:
        for tender in (Tender.PURSE, Tender.CASH):
            assert after.packs(product.code, tender) == before.packs(product.code, tender)


@given(LEASES, STOCK, BASKETS, st.sampled_from(CATALOGUE.products), st.sampled_from(Tender))
def test_the_allowance_may_be_reached_and_not_passed(
    leases: tuple[Lease, ...], stock: dict[str, int], before: Basket, product: Product, tender: Tender
) -> None:
    now = standing(leases, stock)
    assume(not check(before, now, CATALOGUE))
    most, bound = allowance(product, tender, before, now, CATALOGUE)
    find = {Tender.RATION: ration_programme, Tender.PURSE: purse_programme}.get(tender)
    programme = (find(now, CATALOGUE, product.commodity) if find else None) or ""
    assert check(before.with_packs(product.code, most, tender, programme), now, CATALOGUE) == ()
    beyond = check(before.with_packs(product.code, most + 1, tender, programme), now, CATALOGUE)
    assert LineProblem(product.code, tender, bound) in beyond


def test_the_sample_family_is_served_once_a_month() -> None:
    basket = take_all(standing(), CATALOGUE, EMPTY)
    after = _moved(RATION, right_debits(priced(basket, CATALOGUE), PERIOD.iso), "spent")
    assert [held.left.amount for held in after] == [0, 0, 0]
    assert take_all(standing(after), CATALOGUE, EMPTY) == EMPTY
    assert standing(after).date == TODAY
