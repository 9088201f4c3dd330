"""What is left goes back to the city when a month is over, and when visitors have gone: never on a doubtful clock."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, Family
from ewarung_pos.domain.journal import PeriodClosed, Surrendered
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.timeline import Period
from ewarung_pos.domain.units import Unit
from ewarung_pos.services.leftovers import LeftoverService
from tests.till_kit import TillKit
from tests.unit.services.counter import RICE, facts, ration, serve, tell_city

NOVEMBER, DECEMBER = Period("2026-11"), Period("2026-12")
GUEST_CARD = CardRef("ab" * 32, "9105")
DAYS_10 = 10 * 86_400_000


@pytest.fixture
def leftovers(kit: TillKit) -> LeftoverService:
    kit.offset[0] = 0
    return LeftoverService(kit.ledger, kit.clock, lambda: kit.offset[0])


def guest(kit: TillKit) -> Family:
    return msgspec.structs.replace(
        kit.families[0], key="K90001", home="EW-0002", programmes=("JATAH",), card=GUEST_CARD
    )


def rest(kit: TillKit, key: str, period: Period = NOVEMBER) -> int:
    return sum(lease.rest for lease in kit.ledger.read().leases(key, period))


def close_day(kit: TillKit) -> None:
    from ewarung_pos.domain.stock import CountLine

    kit.day.begin_close("siti")
    lines: tuple[CountLine, ...] = kit.day.count(dict(kit.ledger.read().stock()), "siti")
    kit.day.explain(lines, "siti")
    with kit.ledger.write() as uow:
        for job in uow.print_jobs():
            uow.print_done(job.id)
    kit.day.seal("siti", None)


def test_nothing_goes_back_while_the_month_lasts(kit: TillKit, leftovers: LeftoverService) -> None:
    assert leftovers.give_back() == ()
    assert not kit.ledger.read().left_over(NOVEMBER.before())


def test_a_month_that_is_over_is_closed_once(kit: TillKit, leftovers: LeftoverService) -> None:
    family = kit.family("JATAH")
    kit.clock.ms += DAYS_10
    (entry,) = leftovers.give_back()
    assert entry.fact == PeriodClosed("2026-11")
    assert rest(kit, family.key) == 0
    assert leftovers.give_back() == ()


@pytest.mark.parametrize("offset", [None, 20 * 60_000, -20 * 60_000])
def test_a_clock_that_the_city_has_not_confirmed_gives_nothing_away(
    kit: TillKit, leftovers: LeftoverService, offset: int | None
) -> None:
    kit.clock.ms += DAYS_10
    kit.offset[0] = offset
    assert leftovers.give_back() == ()


def test_by_the_citys_time_the_month_is_not_over_yet(kit: TillKit, leftovers: LeftoverService) -> None:
    kit.clock.ms = 1_796_058_060_000  # 1 December 2026, 00.01 WIB; to the city it is three minutes earlier
    kit.offset[0] = -3 * 60_000
    assert leftovers.give_back() == ()
    kit.offset[0] = 0
    assert len(leftovers.give_back()) == 1


def test_a_day_of_that_month_that_is_not_sealed_holds_it_open(shop: TillKit, leftovers: LeftoverService) -> None:
    shop.clock.ms += DAYS_10
    assert leftovers.give_back() == ()
    close_day(shop)
    assert [entry.fact for entry in leftovers.give_back()] == [PeriodClosed("2026-11")]


def test_what_visitors_left_goes_back_between_days(shop: TillKit, leftovers: LeftoverService) -> None:
    visitor = guest(shop)
    lease = LeaseGrant(visitor.key, "JATAH", "2026-11", "beras", Unit.GRAM, 10_000)
    tell_city(shop, visitor, leases=(lease,))
    serve(shop, GUEST_CARD, ration(RICE, 1))
    assert leftovers.give_back() == (), "somebody may be at the counter"
    close_day(shop)
    (entry,) = leftovers.give_back()
    back = Surrender(visitor.key, "JATAH", "2026-11", "beras", Unit.GRAM, 5_000)
    assert entry.fact == Surrendered((back,), "visitors")
    assert rest(shop, visitor.key) == 0
    assert leftovers.give_back() == ()
    assert rest(shop, shop.family("JATAH").key) > 0
    assert sum(isinstance(fact, Surrendered) for fact in facts(shop)) == 1
    assert NOVEMBER.following() == DECEMBER
