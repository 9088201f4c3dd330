"""The end of a month over both real ends: what is left ends, or is carried into the next by its programme's rule."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_city import feed, leases, officers
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import PeriodClosed, StateReceived, Surrendered
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.timeline import Period
from ewarung_pos.domain.units import Unit
from ewarung_pos.services.day import DayService
from ewarung_pos.services.leftovers import LeftoverService
from ewarung_pos.services.stock import StockService
from tests.integration.city.city_kit import PERIOD, LiveCity, Pen, Till, ToldClock
from tests.integration.city.moving import Kiosk, ask, at_home, facts, rest, serve, sound

DECEMBER, JANUARY, FEBRUARY = Period("2026-12"), Period("2027-01"), Period("2027-02")
TEN_DAYS = 10 * 86_400_000


def carrying(city: LiveCity) -> None:
    """From now on the city ration carries over."""
    with city.store.write() as tx:
        held: Catalogue = feed.catalogue(tx)
        programmes = tuple(msgspec.structs.replace(item, carry_over=item.code == "JATAH") for item in held.programmes)
        tx.set("catalogue", msgspec.json.encode(msgspec.structs.replace(held, programmes=programmes)).decode())


def end_the_month(till: Till, clock: ToldClock) -> None:
    """The day is sealed, and ten days later the till looks what is over."""
    stock = StockService(till.ledger)
    day = DayService(till.ledger, clock, stock)
    day.begin_close("siti")
    day.explain(day.count(till.ledger.read().stock(), "siti"), "siti")
    with till.ledger.write() as uow:
        for job in uow.print_jobs():
            uow.print_done(job.id)
    day.seal("siti", None)
    clock.wait(TEN_DAYS)
    till.drain()
    LeftoverService(till.ledger, clock, till.engine.offset_ms).give_back()
    till.drain()


def entitled(tx: Tx, family: str, period: str) -> tuple[int, int]:
    row = tx.one(schema.entitlement, family=family, programme="JATAH", period=period, commodity="beras")
    assert row is not None
    return int(row["amount"]), int(row["carried"])


@pytest.mark.parametrize("granted_ahead", [True, False])
def test_what_is_left_is_granted_again_where_the_programme_says_so(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock, granted_ahead: bool
) -> None:
    carrying(city)
    home = kiosk("EW-0001")
    family = at_home(city)
    serve(home, family)
    if granted_ahead:
        with city.store.write() as tx:
            leases.grant(tx, DECEMBER.iso)
    end_the_month(home, clock)
    assert PeriodClosed(PERIOD) in facts(home)
    assert rest(home, family) == 0
    if not granted_ahead:
        with city.store.write() as tx:
            leases.grant(tx, DECEMBER.iso)
        home.drain()
    with city.store.read() as tx:
        assert entitled(tx, family["key"], PERIOD) == (10_000, 5_000)
    assert rest(home, family, month=DECEMBER) == 15_000
    assert sound(city)


def test_what_is_left_ends_where_the_programme_says_nothing(city: LiveCity, kiosk: Kiosk, clock: ToldClock) -> None:
    home = kiosk("EW-0001")
    family = at_home(city)
    with city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
    end_the_month(home, clock)
    assert (rest(home, family), rest(home, family, month=DECEMBER)) == (0, 10_000)
    with city.store.write() as tx:
        leases.grant(tx, PERIOD)  # somebody grants the old month again: it is over at the kiosk all the same
    home.drain()
    assert rest(home, family) == 0
    late = [fact for fact in facts(home) if isinstance(fact, Surrendered)]
    assert {fact.reason for fact in late} <= {"late"}
    assert sound(city)


def test_a_till_whose_clock_is_a_month_ahead_gets_nothing_twice(city: LiveCity, pen: Pen) -> None:
    """It closes the city's own month: what it had stays in the reserve until somebody asks; nothing goes in circles."""
    carrying(city)
    with city.store.read() as tx:
        family = tx.all(schema.lease, "family", device="EW-0001", commodity="beras")[0]["family"]
    pen.write(StateReceived(9, "", (LeaseGrant(family, "JATAH", PERIOD, "beras", Unit.GRAM, 10_000),)))
    pen.write(PeriodClosed(PERIOD))
    pen.send(city.url, pen.batch())
    with city.store.write() as tx:
        (row,) = tx.all(schema.lease, family=family, commodity="beras", period=PERIOD)
        assert (row["granted"], row["surrendered"]) == (10_000, 10_000)
        assert entitled(tx, family, PERIOD) == (10_000, 0)
        leases.grant(tx, PERIOD)
        (row,) = tx.all(schema.lease, family=family, commodity="beras", period=PERIOD)
        assert row["granted"] == 20_000
    assert sound_but_for_what_it_reported(city)


def sound_but_for_what_it_reported(city: LiveCity) -> bool:
    from ewarung_city.verify import verify

    with city.store.read() as tx:
        return [found for found in verify(tx) if found.what.startswith("overgrant")] == []


def test_a_surrender_of_more_than_there_was_is_seen_and_not_credited(city: LiveCity, pen: Pen) -> None:
    with city.store.read() as tx:
        family = tx.all(schema.lease, "family", device="EW-0001", commodity="beras")[0]["family"]
    back = Surrender(family, "JATAH", PERIOD, "beras", Unit.GRAM, 99_000)
    pen.write(Surrendered((back,), "asked"))
    pen.send(city.url, pen.batch())
    assert "OVER_LEASE" in {reason for _, reason in city.cases()}
    with city.store.read() as tx:
        (row,) = tx.all(schema.lease, family=family, commodity="beras", period=PERIOD, device="EW-0001")
        assert row["surrendered"] == 10_000


def test_the_family_that_is_gone_from_the_register_is_carried_to_nobody(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    carrying(city)
    home = kiosk("EW-0001")
    family = at_home(city)
    with city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
        tx.change(schema.family, {"home": "EW-9999"}, key=family["key"])
    end_the_month(home, clock)
    with city.store.read() as tx:
        assert entitled(tx, family["key"], PERIOD) == (10_000, 10_000)
    assert rest(home, family, month=DECEMBER) == 10_000
    assert sound(city)


# --- what nobody held when the month was over -------------------------------------------------------------------------


def moved_to(city: LiveCity, family: Row, device: str) -> None:
    with city.store.write() as tx:
        tx.change(schema.family, {"home": device}, key=family["key"])


def grant(city: LiveCity, month: Period) -> None:
    """As the command does it."""
    with city.store.write() as tx:
        leases.grant(tx, month.iso, city.clock.ms)


@pytest.mark.parametrize("ahead", [False, True])
def test_what_a_lost_kiosk_had_is_carried_over(city: LiveCity, kiosk: Kiosk, clock: ToldClock, ahead: bool) -> None:
    """Signed within the month, or when it was over and the next was granted already."""
    carrying(city)
    kiosk("EW-0001")
    other = kiosk("EW-0002")
    family = at_home(city)
    moved_to(city, family, "EW-0002")
    with city.store.write() as tx:
        officers.freeze(tx, "EW-0001")
        if ahead:
            leases.grant(tx, DECEMBER.iso, city.clock.ms)
        else:
            leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
    clock.wait(TEN_DAYS)
    if ahead:
        with city.store.write() as tx:
            leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
    for _ in range(2):
        grant(city, DECEMBER)
    other.drain()
    assert rest(other, family, month=DECEMBER) == 20_000
    assert sound(city)


def test_what_was_never_granted_is_carried_over_with_the_next_grant(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    """Its home was frozen when December was granted; in January February is granted ahead, as every month."""
    carrying(city)
    kiosk("EW-0001")
    other = kiosk("EW-0002")
    family = at_home(city)
    with city.store.write() as tx:
        officers.freeze(tx, "EW-0001")
    grant(city, DECEMBER)
    clock.wait(3 * TEN_DAYS)
    grant(city, JANUARY)
    moved_to(city, family, "EW-0002")
    clock.wait(3 * TEN_DAYS)
    grant(city, FEBRUARY)
    other.drain()
    assert rest(other, family, month=JANUARY) == 20_000, "and November is still out at the frozen kiosk"
    with city.store.write() as tx:
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
    grant(city, FEBRUARY)
    other.drain()
    assert (rest(other, family, month=JANUARY), rest(other, family, month=FEBRUARY)) == (30_000, 10_000)
    assert sound(city)


def test_nothing_of_a_month_that_runs_is_carried_over(city: LiveCity, kiosk: Kiosk) -> None:
    carrying(city)
    kiosk("EW-0001")
    other = kiosk("EW-0002")
    family = at_home(city)
    with city.store.write() as tx:
        officers.freeze(tx, "EW-0001")
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
    moved_to(city, family, "EW-0002")
    grant(city, DECEMBER)
    other.drain()
    assert rest(other, family, month=DECEMBER) == 10_000
    assert ask(other, family).outcome == "granted"
    assert rest(other, family) == 10_000
    assert sound(city)
