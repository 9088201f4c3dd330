"""The clock that cannot be trusted stops the counter until it is put right, or a leader says that it is right."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.journal import ClockStepped, DayOpened
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ClockSuspect, DayNotOpen
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.clockwork import ClockFindings, ClockService
from tests.till_kit import START_MS, TillKit
from tests.unit.services.counter import DAY_MS, RICE, facts, ration, serve

CARD = "SRI WAHYUNI"


def clocks(kit: TillKit) -> ClockService:
    return ClockService(kit.ledger, kit.clock, lambda: kit.offset[0])


def refusals(kit: TillKit) -> tuple[Refusal, ...]:
    return kit.redeem.identify(kit.card(CARD)).refusals


def test_a_clock_behind_the_ledger_is_confirmed_by_a_leader(shop: TillKit) -> None:
    last = shop.clock.ms
    shop.clock.ms -= 3 * DAY_MS
    assert refusals(shop) == (Refusal.CLOCK_SUSPECT,)
    assert clocks(shop).findings() == ClockFindings("behind_ledger", Instant(shop.clock.ms), Instant(last), None)
    entry = clocks(shop).confirm("yuni")
    assert (entry.operator, entry.fact) == ("yuni", ClockStepped(-3 * DAY_MS, confirmed=True))
    assert refusals(shop) == ()
    assert clocks(shop).findings().trouble == ""
    serve(shop, shop.card(CARD), ration(RICE, 1))


def test_an_entry_that_was_made_meanwhile_does_not_make_the_clock_right(shop: TillKit) -> None:
    shop.clock.ms -= 3 * DAY_MS
    shop.redeem.refuse(shop.redeem.identify(shop.card(CARD)), "siti")
    assert refusals(shop) == (Refusal.CLOCK_SUSPECT,)


def test_a_distance_to_the_city_is_confirmed_by_a_leader_and_only_that_one(shop: TillKit) -> None:
    shop.offset[0] = -2 * DAY_MS
    assert refusals(shop) == (Refusal.CLOCK_SUSPECT,)
    assert clocks(shop).findings().city == Instant(shop.clock.ms - 2 * DAY_MS)
    assert clocks(shop).confirm("yuni").fact == ClockStepped(2 * DAY_MS, confirmed=True)
    assert refusals(shop) == ()
    assert shop.health.status().clock == ""
    shop.offset[0] = 0
    assert refusals(shop) == (), "the clock was put right"
    shop.offset[0] = 2 * DAY_MS
    assert refusals(shop) == (Refusal.CLOCK_SUSPECT,)


def test_a_ledger_without_entries_has_no_last_one(kit: TillKit) -> None:
    assert clocks(kit).findings() == ClockFindings("", Instant(START_MS), Instant(START_MS), None)


@pytest.mark.parametrize(("offset", "reason"), [(-DAY_MS, "off_server"), (DAY_MS, "off_server")])
def test_no_day_is_opened_far_from_the_city_s_time(kit: TillKit, offset: int, reason: str) -> None:
    kit.offset[0] = offset
    with pytest.raises(ClockSuspect) as refused:
        kit.day.open("siti")
    assert refused.value.reason == reason
    clocks(kit).confirm("yuni")
    kit.day.open("siti")


def test_near_the_turn_of_the_month_the_operator_confirms_the_date(kit: TillKit) -> None:
    kit.clock.ms += 6 * DAY_MS  # 30 November
    with pytest.raises(ClockSuspect) as refused:
        kit.day.open("siti")
    assert refused.value.reason == "date_unsure"
    assert not any(isinstance(fact, DayOpened) for fact in facts(kit))
    assert kit.day.open("siti", date_confirmed=True).date == "2026-11-30"
    assert facts(kit)[-2:] == [ClockStepped(0, confirmed=True), DayOpened()]
    assert refusals(kit) == ()


def test_with_the_city_s_time_known_nobody_is_asked(kit: TillKit) -> None:
    kit.clock.ms += 7 * DAY_MS  # 1 December
    kit.offset[0] = 250
    assert kit.day.open("siti", date_confirmed=True).date == "2026-12-01"
    assert facts(kit)[-1] == DayOpened()
    assert not any(isinstance(fact, ClockStepped) for fact in facts(kit))


def test_a_week_later_the_operator_confirms_the_date(kit: TillKit) -> None:
    kit.clock.ms += 730 * DAY_MS
    with pytest.raises(ClockSuspect) as refused:
        kit.day.open("siti")
    assert refused.value.reason == "date_unsure"


def test_a_date_that_is_sealed_stays_sealed_whatever_the_leader_confirms(shop: TillKit) -> None:
    shop.day.begin_close("siti")
    shop.day.count({}, "siti")
    shop.day.explain((), "siti")
    shop.day.seal("siti", None)
    shop.clock.ms += DAY_MS
    shop.day.open("siti")
    shop.day.begin_close("siti")
    shop.day.count({}, "siti")
    shop.day.explain((), "siti")
    shop.day.seal("siti", None)
    shop.clock.ms -= DAY_MS
    with pytest.raises(DayNotOpen):
        shop.day.open("siti")
    shop.clock.ms -= DAY_MS
    with pytest.raises(ClockSuspect):
        shop.day.open("siti")
    clocks(shop).confirm("yuni")
    assert shop.day.open("siti").date == "2026-11-23"


def remembered(kit: TillKit, accepted_ms: int) -> list[str]:
    """What `verify` says once somebody wrote this distance into what the till remembers."""
    hand = connect(kit.data_dir / "ledger.db", None)
    memory = msgspec.structs.replace(kit.ledger.read().clock(), accepted_ms=accepted_ms)
    hand.execute("UPDATE setting SET value = ? WHERE key = 'clock'", (msgspec.json.encode(memory).decode(),))
    hand.close()
    return [problem.detail for problem in verify(kit.data_dir, encrypted=False).problems]


FOUND = ["setting: clock: not what was latest, or not what a leader confirmed"]


def test_a_distance_that_was_confirmed_once_does_not_stand_for_good(shop: TillKit) -> None:
    shop.offset[0] = -730 * DAY_MS
    clocks(shop).confirm("yuni")
    assert remembered(shop, -730 * DAY_MS) == []
    assert remembered(shop, 0) == FOUND
    shop.offset[0] = 0
    clocks(shop).confirm("yuni")
    assert remembered(shop, -730 * DAY_MS) == FOUND
    assert remembered(shop, 0) == []
    shop.offset[0] = 2 * DAY_MS
    clocks(shop).confirm("yuni")
    assert remembered(shop, 2 * DAY_MS) == []
    assert remembered(shop, -730 * DAY_MS) == FOUND


def test_a_clock_behind_the_ledger_alone_has_no_distance_to_the_city_s_time(shop: TillKit) -> None:
    shop.clock.ms -= 3 * DAY_MS
    clocks(shop).confirm("yuni")
    assert shop.ledger.read().clock().accepted_ms == 0
    assert verify(shop.data_dir, encrypted=False).problems == ()


def test_a_date_that_is_confirmed_leaves_the_distance_that_a_leader_confirmed(kit: TillKit) -> None:
    kit.offset[0] = 2 * DAY_MS
    clocks(kit).confirm("yuni")
    kit.offset[0] = None
    kit.clock.ms += 6 * DAY_MS  # 30 November
    kit.day.open("siti", date_confirmed=True)
    assert facts(kit)[-2:] == [ClockStepped(-2 * DAY_MS, confirmed=True), DayOpened()]
    assert kit.ledger.read().clock().accepted_ms == 2 * DAY_MS
    assert verify(kit.data_dir, encrypted=False).problems == ()
    assert remembered(kit, 3 * DAY_MS) == FOUND
