"""What pools gave of a month that had been carried into the next before the city heard of it."""

from __future__ import annotations

import pytest

from ewarung_city import leases
from ewarung_city.rights import rights_of
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason
from ewarung_pos.domain.timeline import Period
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.leftovers import LeftoverService
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from tests.integration.city.city_kit import PERIOD, LiveCity, Till, ToldClock
from tests.integration.city.moving import RICE, Kiosk, ask, at_home, card_of, open_day, rest, serve, sound
from tests.integration.city.test_months import DECEMBER, carrying, end_the_month

JANUARY = Period("2027-01")
ALL = 10_000
"""Grams of a month's whole right."""


def help_out(till: Till, family: Row, packs: int = 2) -> Redemption:
    """From the pool, without a line: so many sacks of five kilograms."""
    service = HardshipService(till.ledger, till.clock, lambda: None)
    basket = Basket().with_packs(RICE, packs, Tender.RATION, HARDSHIP)
    return service.serve(card_of(family), basket, HolderPresence.SELF, HardshipReason.NO_LINE, "siti", "yuni")


def grant(city: LiveCity, month: Period) -> None:
    with city.store.write() as tx:
        leases.grant(tx, month.iso)


def entitled(city: LiveCity, family: Row, month: Period) -> int:
    with city.store.read() as tx:
        (right,) = [one for one in rights_of(tx, family["key"], month.iso) if one.commodity == "beras"]
    return right.entitled


@pytest.fixture
def home(city: LiveCity, kiosk: Kiosk) -> Till:
    carrying(city)
    return kiosk("EW-0001")


@pytest.fixture
def other(home: Till, kiosk: Kiosk) -> Till:
    """Another kiosk; tests say when it has a line."""
    return kiosk("EW-0002")


@pytest.mark.parametrize("granted_ahead", [True, False])
def test_the_next_month_has_so_much_less(
    city: LiveCity, home: Till, other: Till, clock: ToldClock, granted_ahead: bool
) -> None:
    family = at_home(city)
    if granted_ahead:
        grant(city, DECEMBER)
        home.drain()
    help_out(other, family)
    end_the_month(home, clock)
    other.drain()
    if not granted_ahead:
        grant(city, DECEMBER)
    home.drain()
    home.drain()
    assert rest(home, family, month=DECEMBER) == ALL, "of twenty kilograms for both months ten were handed out"
    assert (entitled(city, family, Period(PERIOD)), entitled(city, family, DECEMBER)) == (ALL, ALL)
    assert sound(city)


def test_a_part_of_it_leaves_the_rest(city: LiveCity, home: Till, other: Till, clock: ToldClock) -> None:
    family = at_home(city)
    grant(city, DECEMBER)
    help_out(other, family, packs=1)
    end_the_month(home, clock)
    assert rest(home, family, month=DECEMBER) == 2 * ALL
    other.drain()
    home.drain()
    home.drain()
    assert rest(home, family, month=DECEMBER) == ALL + ALL // 2
    assert sound(city)


def test_what_is_reversed_at_the_pool_comes_back_to_the_month_it_was_taken_from(
    city: LiveCity, home: Till, other: Till, clock: ToldClock
) -> None:
    family = at_home(city)
    grant(city, DECEMBER)
    done = help_out(other, family)
    other.drain()
    ReverseService(other.ledger, other.clock).reverse(done.entry.id, ReversalReason.WRONG_FAMILY, "siti", "yuni")
    with city.store.read() as tx:
        assert [row["returned"] for row in tx.all(schema.hardship)] == [0]
    home.drain()  # the month's own right is asked back
    end_the_month(home, clock)
    assert rest(home, family, month=DECEMBER) == ALL
    other.drain()
    home.drain()
    home.drain()
    LeftoverService(home.ledger, clock, home.engine.offset_ms).give_back()
    home.drain()
    home.drain()
    assert rest(home, family, month=DECEMBER) == 2 * ALL
    assert sound(city)


def test_what_another_kiosk_still_held_of_that_month_makes_up_for_it(
    city: LiveCity, home: Till, other: Till, kiosk: Kiosk, clock: ToldClock
) -> None:
    """Of a right of twenty kilograms half was at a third kiosk, without a line as well, which never handed it out."""
    third = kiosk("EW-0003")
    family = at_home(city)
    grant(city, DECEMBER)
    ask(third, family)
    home.drain()
    ask(third, family)
    with city.store.write() as tx:
        tx.change(schema.entitlement, {"amount": 2 * ALL}, family=family["key"], period=PERIOD, commodity="beras")
        leases.grant(tx, PERIOD)
    home.drain()
    third.drain()
    assert (rest(home, family), rest(third, family)) == (ALL, ALL)
    help_out(other, family)
    end_the_month(home, clock)
    assert rest(home, family, month=DECEMBER) == 2 * ALL
    other.drain()
    home.drain()
    home.drain()
    assert rest(home, family, month=DECEMBER) == ALL, "nobody knows yet whether the third kiosk handed out its half"
    end_the_month(third, clock)
    home.drain()
    assert rest(home, family, month=DECEMBER) == 2 * ALL
    assert sound(city)


def test_it_is_missing_in_the_month_to_which_it_was_carried_in_the_end(
    city: LiveCity, home: Till, other: Till, clock: ToldClock
) -> None:
    family = at_home(city)
    grant(city, DECEMBER)
    help_out(other, family)
    end_the_month(home, clock)
    grant(city, JANUARY)
    home.drain()
    clock.wait(31 * 86_400_000)
    home.drain()
    LeftoverService(home.ledger, clock, home.engine.offset_ms).give_back()
    home.drain()
    assert rest(home, family, month=JANUARY) == 3 * ALL
    other.drain()
    home.drain()
    home.drain()
    assert rest(home, family, month=JANUARY) == 2 * ALL
    assert [entitled(city, family, month) for month in (Period(PERIOD), DECEMBER, JANUARY)] == [ALL, 0, 2 * ALL]
    assert sound(city)


def test_what_was_handed_out_before_it_was_known_stays_handed_out(
    city: LiveCity, home: Till, other: Till, clock: ToldClock
) -> None:
    """Goods that have left are left: it is the pool's risk, and `report darurat` names it."""
    family = at_home(city)
    grant(city, DECEMBER)
    help_out(other, family)
    end_the_month(home, clock)
    open_day(home)
    serve(home, family, packs=4)
    home.drain()
    other.drain()
    home.drain()
    assert (rest(home, family, month=DECEMBER), entitled(city, family, DECEMBER)) == (0, ALL)
    assert sound(city)
