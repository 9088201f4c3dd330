"""A card on the counter: who it is, what is left, and every reason not to serve it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.family import CardRef, CardStatus
from ewarung_pos.domain.journal import RedemptionRefused
from ewarung_pos.domain.rights import Surrender, asks_city
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import (
    AllotmentExhausted,
    CardBlocked,
    ClockSuspect,
    DayNotOpen,
    HomeElsewhere,
    NotEntitled,
    PeriodNotCurrent,
    RuleViolation,
)
from tests.till_kit import TillKit, till_kit
from tests.unit.services.counter import (
    DAY_MS,
    RICE,
    SUGAR,
    begin,
    buy,
    cash,
    facts,
    purse,
    ration,
    reopened,
    serve,
    tell_city,
)

STRANGER = CardRef("00" * 32, "0000")


def refusals(kit: TillKit, card: CardRef) -> tuple[Refusal, ...]:
    return kit.redeem.identify(card).refusals


def refused_serving(kit: TillKit, card: CardRef, kind: type[RuleViolation]) -> str:
    """The reason that serving this card is refused with; and nothing was written."""
    before = kit.ledger.read().head()
    with pytest.raises(kind) as caught:
        serve(kit, card, ration(RICE, 1))
    assert kit.ledger.read().head() == before
    return caught.value.reason


def test_a_family_with_rations_and_a_purse_shows_all_it_has(shop: TillKit) -> None:
    standing = shop.redeem.identify(shop.card("SUMINAH"))
    assert standing.refusals == ()
    assert standing.family is not None
    assert standing.family.name == "SUMINAH"
    assert {lease.commodity: lease.left.amount for lease in standing.leases} == {
        "beras": 10_000,
        "gula": 2_000,
        "minyak": 2_000,
        "tepung": 2_000,
    }
    assert standing.shadow == Rupiah(200_000)
    assert standing.stock[RICE] == 50
    assert standing.last_visit is None
    assert standing.attempt is None


def test_the_last_visit_is_the_date_of_the_last_redemption(shop: TillKit) -> None:
    serve(shop, shop.card("SUMINAH"), ration(RICE, 1))
    last = shop.redeem.identify(shop.card("SUMINAH")).last_visit
    assert last is not None
    assert last.iso == "2026-11-24"


def test_an_unknown_card(shop: TillKit) -> None:
    assert refusals(shop, STRANGER) == (Refusal.UNKNOWN_CARD,)
    assert refused_serving(shop, STRANGER, NotEntitled) == "unknown_card"


def test_before_the_day_is_open(kit: TillKit) -> None:
    assert refusals(kit, kit.card("SUMINAH")) == (Refusal.DAY_NOT_OPEN,)
    assert refused_serving(kit, kit.card("SUMINAH"), DayNotOpen) == "day_not_open"


def test_while_the_day_is_being_closed(shop: TillKit) -> None:
    shop.day.begin_close("siti")
    assert refused_serving(shop, shop.card("SUMINAH"), DayNotOpen) == "day_closing"


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (CardStatus.BLOCKED, Refusal.CARD_BLOCKED),
        (CardStatus.DECEASED, Refusal.HOLDER_DECEASED),
        (CardStatus.MOVED, Refusal.FAMILY_MOVED),
    ],
)
def test_a_card_that_the_city_stopped(shop: TillKit, status: CardStatus, refusal: Refusal) -> None:
    family = msgspec.structs.replace(shop.family("JATAH"), card_status=status)
    tell_city(shop, family)
    assert refusals(shop, family.card) == (refusal,)
    assert refused_serving(shop, family.card, CardBlocked) == refusal.value


def test_a_clock_behind_the_ledger(shop: TillKit) -> None:
    shop.clock.ms -= 10_000
    assert refusals(shop, shop.card("SUMINAH")) == (Refusal.CLOCK_SUSPECT,)
    assert refused_serving(shop, shop.card("SUMINAH"), ClockSuspect) == "clock_suspect"


def test_a_clock_that_the_city_contradicts(shop: TillKit) -> None:
    shop.offset[0] = 6 * 60_000
    assert refusals(shop, shop.card("SUMINAH")) == (Refusal.CLOCK_SUSPECT,)
    shop.offset[0] = -4 * 60_000
    assert refusals(shop, shop.card("SUMINAH")) == ()


def test_rations_that_are_used_up(shop: TillKit) -> None:
    card = shop.card("SRI WAHYUNI")
    serve(shop, card, ration(RICE, 2), ration(SUGAR, 2), ration("minyak-1", 2), ration("tepung-1", 2))
    assert refusals(shop, card) == (Refusal.EXHAUSTED,)
    assert refused_serving(shop, card, AllotmentExhausted) == "exhausted"


def test_a_family_at_home_here_without_any_lease_has_used_nothing_and_waits_for_it(shop: TillKit) -> None:
    family = msgspec.structs.replace(shop.family("JATAH"), key="K90001", card=CardRef("ab" * 32, "1234"))
    tell_city(shop, family)
    assert refusals(shop, family.card) == (Refusal.PERIOD_OVER,)
    nothing = msgspec.structs.replace(family, key="K90003", card=CardRef("ef" * 32, "1234"), programmes=())
    tell_city(shop, nothing, cursor=3)
    assert refusals(shop, nothing.card) == (Refusal.NO_RATION,)
    assert refused_serving(shop, nothing.card, NotEntitled) == "no_ration"


@pytest.mark.parametrize("taken", [0, 1, 2])
@pytest.mark.parametrize("home", ["EW-0001", "EW-0002"])
def test_what_the_city_took_back_was_not_taken_by_the_family(shop: TillKit, home: str, taken: int) -> None:
    """Its rights went to another kiosk, or back to the city: nobody says that it had them."""
    family = shop.family("JATAH")
    if taken:
        serve(shop, family.card, ration(RICE, taken))
    tell_city(shop, msgspec.structs.replace(family, home=home))
    period = shop.redeem.identify(family.card).period
    with shop.ledger.write() as uow:
        uow.surrender(
            (
                Surrender(lease.family, lease.programme, lease.period, lease.commodity, lease.unit, lease.granted)
                for lease in uow.leases(family.key, period)
            ),
            "asked",
        )
    standing = shop.redeem.identify(family.card)
    assert sum(lease.rest for lease in standing.leases) == 0
    assert standing.refusals == (Refusal.PERIOD_OVER if home == "EW-0001" else Refusal.HOME_ELSEWHERE,)
    assert asks_city(standing, shop.ledger.read().catalogue())


def test_rations_that_another_kiosk_holds(shop: TillKit) -> None:
    family = msgspec.structs.replace(
        shop.family("JATAH"), key="K90002", home="EW-0002", card=CardRef("cd" * 32, "1234")
    )
    tell_city(shop, family)
    assert refusals(shop, family.card) == (Refusal.HOME_ELSEWHERE,)
    assert refused_serving(shop, family.card, HomeElsewhere) == "home_elsewhere"


def test_rations_of_another_month_only(kit: TillKit) -> None:
    kit.clock.ms += 10 * DAY_MS  # 4 December; the till holds November's leases
    kit.offset[0] = 0
    kit.open_shop()
    assert refusals(kit, kit.card("SRI WAHYUNI")) == (Refusal.PERIOD_OVER,)
    assert refused_serving(kit, kit.card("SRI WAHYUNI"), PeriodNotCurrent) == "period_over"


def test_a_purse_keeps_a_family_served_when_its_rations_are_gone(shop: TillKit) -> None:
    assert refusals(shop, shop.card("TUKINAH")) == ()
    serve(shop, shop.card("SUMINAH"), ration(RICE, 2), ration(SUGAR, 2), ration("minyak-1", 2), ration("tepung-1", 2))
    assert refusals(shop, shop.card("SUMINAH")) == ()


def test_a_debit_that_is_not_certain_holds_its_card_and_no_other(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    standing = shop.redeem.identify(shop.card("SUMINAH"))
    assert standing.refusals == (Refusal.IN_DOUBT,)
    assert standing.attempt == attempt.id
    assert refused_serving(shop, shop.card("SUMINAH"), CardBlocked) == "in_doubt"
    assert refusals(shop, shop.card("TUKINAH")) == ()


def test_every_reason_is_told_the_gravest_first(shop: TillKit) -> None:
    begin(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    shop.day.begin_close("siti")
    shop.clock.ms -= 10_000
    assert refusals(shop, shop.card("SUMINAH")) == (
        Refusal.DAY_NOT_OPEN,
        Refusal.CLOCK_SUSPECT,
        Refusal.IN_DOUBT,
    )


def test_a_refusal_is_recorded_with_its_reasons_and_without_a_name(shop: TillKit) -> None:
    blocked = shop.card("YUNI NINGSIH")
    shop.redeem.refuse(shop.redeem.identify(blocked), "siti")
    shop.redeem.refuse(shop.redeem.identify(STRANGER), "siti")
    known, stranger = [fact for fact in facts(shop) if isinstance(fact, RedemptionRefused)]
    assert known == RedemptionRefused(blocked.last4, "K00012", (Refusal.CARD_BLOCKED,))
    assert stranger == RedemptionRefused("0000", "", (Refusal.UNKNOWN_CARD,))


def test_goods_on_the_way_to_the_terminal_are_not_promised_twice(shop: TillKit) -> None:
    begin(shop, shop.card("SUMINAH"), purse("telur-1", 3), ration(RICE, 2), cash("kecap-500", 1))
    stock = shop.redeem.identify(shop.card("TUKINAH")).stock
    assert (stock["telur-1"], stock[RICE], stock["kecap-500"]) == (47, 48, 49)
    assert shop.ledger.read().stock()["telur-1"] == 50


def test_who_a_card_is_survives_a_restart(tmp_path: Path) -> None:
    kit = till_kit(tmp_path, families=12)
    kit.open_shop()
    buy(kit, kit.card("TUKINAH"), purse("telur-1", 1))
    before = kit.redeem.identify(kit.card("TUKINAH"))
    kit.ledger.close()
    ledger = reopened(tmp_path, kit.clock, encrypted=True)
    try:
        after = type(kit.redeem)(ledger, kit.clock, lambda: None).identify(kit.card("TUKINAH"))
    finally:
        ledger.close()
    assert after == before
    assert after.shadow == Rupiah(171_000)
