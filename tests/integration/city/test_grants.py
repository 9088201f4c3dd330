"""Rights that move between two kiosks and their city, over both real ends: asked for, given back, granted again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec
import pytest

from ewarung_city import grants, leases, recalls
from ewarung_city.rights import rights_of
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.family import CardRef, CardStatus, Family
from ewarung_pos.domain.journal import (
    Redeemed,
    RightsGranted,
    Surrendered,
    genesis,
)
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import AllotmentExhausted, ClockSuspect, PeriodNotCurrent, Unauthorised
from ewarung_pos.ports import RightsAnswer, RightsWish
from ewarung_pos.sync.engine import HELLO_EVERY_MS
from ewarung_pos.sync.protocol import Grant, GrantOutcome, GrantRequest
from tests.integration.city.city_kit import PERIOD, LiveCity, Till, ToldClock
from tests.integration.city.moving import Kiosk, ask, at_home, facts, rest, serve, sound


def outstanding(tx: Tx, family: str, commodity: str = "beras") -> int:
    (right,) = [right for right in rights_of(tx, family, PERIOD) if right.commodity == commodity]
    return right.entitled - right.reserve


# --- asked for, given back, granted again ----------------------------------------------------------------------------


def test_a_family_is_served_at_another_kiosk_after_its_home_gave_its_rights_back(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    serve(home, family)
    home.drain()
    assert ask(other, family) == RightsAnswer("waiting", kiosk="e-Warung Mawar", family=_known(home, family))
    assert rest(other, family) == 0
    home.drain()
    assert rest(home, family) == 0
    assert [fact.reason for fact in facts(home) if isinstance(fact, Surrendered)] == ["asked"]
    said = ask(other, family)
    assert (said.outcome, said.home) == ("granted", False)
    assert rest(other, family) == 5_000
    assert other.ledger.read().family(family["key"]) == said.family
    serve(other, family)
    with pytest.raises(AllotmentExhausted):
        serve(other, family)
    # There it was given back, not taken: the city is asked, and knows. Who has a purse besides may come in for that.
    with pytest.raises(AllotmentExhausted if "SEMBAKO" in family["programmes"] else PeriodNotCurrent):
        serve(home, family)
    other.drain()
    assert ask(home, family, "r-3").outcome == "nothing"
    assert rest(home, family) == 0
    assert [flag for _, flag in city.cases()] == []
    assert sound(city)


def _known(till: Till, family: Row) -> Family | None:
    return till.ledger.read().family(family["key"])


def test_the_same_request_is_granted_once_and_answered_in_the_same_words(city: LiveCity, kiosk: Kiosk) -> None:
    other = kiosk("EW-0002")
    family = at_home(city)  # its kiosk was never enrolled
    said = [ask(other, family) for _ in range(3)]
    assert said[0].outcome == "granted"
    assert said == [said[0]] * 3
    granted = [fact for fact in facts(other) if isinstance(fact, RightsGranted)]
    assert len({(fact.request, fact.serial, fact.leases, fact.signature) for fact in granted}) == 1
    assert rest(other, family) == 10_000
    assert ask(other, family, "r-2").outcome == "granted", "what it holds, said again"
    assert rest(other, family) == 10_000
    assert sound(city)


@pytest.mark.parametrize("home", [False, True])
def test_nobody_holds_what_was_granted_to_a_kiosk_that_was_never_enrolled(
    city: LiveCity, kiosk: Kiosk, home: bool
) -> None:
    other = kiosk("EW-0002")
    family, neighbour = at_home(city, "EW-0003"), at_home(city, "EW-0003", 1)
    assert ask(other, family, home=home).outcome == "granted"
    assert rest(other, family) == 10_000
    third = kiosk("EW-0003")
    third.drain()
    assert (rest(third, family), rest(third, neighbour)) == (0, 10_000)
    serve(other, family, 2)
    other.drain()
    assert sound(city)


def test_a_city_that_was_put_back_cannot_know_who_was_never_enrolled(city: LiveCity, kiosk: Kiosk) -> None:
    other = kiosk("EW-0002")
    with city.store.write() as tx:
        leases.restored(tx)
    other.drain()
    assert ask(other, at_home(city, "EW-0003")).outcome == "nothing"


def test_an_answer_that_was_lost_is_no_right_that_is_lost(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    assert ask(other, family).outcome == "waiting"
    home.drain()  # the home kiosk gives back, and nobody asks at the other any more
    other.drain()
    assert rest(other, family) == 10_000, "with the next page"
    serve(other, family, 2)
    other.drain()
    assert sound(city)


def test_who_goes_away_leaves_the_rights_where_they_are(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    assert ask(other, family).outcome == "waiting"
    assert ask(other, family, withdraw=True).reason == "withdrawn"
    home.drain()
    assert rest(home, family) == 10_000
    assert ask(other, family).reason == "withdrawn", "that wish is over"
    assert ask(other, family, "r-2").outcome == "waiting"


def test_what_was_given_back_for_nobody_goes_home_again(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    ask(other, family)
    assert home.engine.step().received > 0, "it has committed, and sent nothing yet"
    assert rest(home, family) == 0
    ask(other, family, withdraw=True)
    home.drain()
    assert rest(home, family) == 10_000
    serve(home, family, 2)
    home.drain()
    assert sound(city)


def test_a_kiosk_that_was_out_of_reach_gives_nothing_up_for_a_counter_that_is_empty(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    ask(other, family)
    clock.wait(recalls.PATIENCE_MS + 1)
    home.drain()
    assert rest(home, family) == 10_000
    ask(other, family)
    clock.wait(recalls.PATIENCE_MS - 1)
    home.drain()
    assert rest(home, family) == 0


def test_nothing_is_granted_before_the_home_kiosk_has_committed(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    for _ in range(3):
        assert ask(other, family).outcome == "waiting"
    with city.store.read() as tx:
        assert outstanding(tx, family["key"]) == 10_000
    home.engine.step()  # pulled, and given back in its own journal only
    for _ in range(3):
        assert ask(other, family).outcome == "waiting"
    assert rest(other, family) == 0


def test_only_what_is_needed_is_asked_for(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    request = GrantRequest("EW-0002", 1, "r-1", family["token"], PERIOD, "beras", 4_000)
    assert direct(city, request).outcome is GrantOutcome.WAITING
    assert direct(city, request).outcome is GrantOutcome.WAITING
    home.drain()
    assert (rest(home, family), rest(home, family, "gula")) == (6_000, 2_000)
    said = direct(city, request)
    assert said.outcome is GrantOutcome.GRANTED
    assert [(lease.commodity, lease.granted) for lease in said.leases] == [("beras", 4_000)]
    assert direct(city, request) == said
    more = direct(city, msgspec.structs.replace(request, request="r-2", need=1_000))
    assert more.outcome is GrantOutcome.WAITING
    assert rest(other, family) == 0


def direct(city: LiveCity, said: GrantRequest) -> Grant:
    """Asked without a line."""
    grant: Grant = city.store.turn(said.device, lambda tx: grants.ask(tx, city.keys, said, city.clock.ms))
    return grant


def test_what_comes_back_while_the_city_recovers_is_granted_when_every_kiosk_has_reported(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    ask(other, family)
    assert home.engine.step().received > 0, "it has committed, and sent nothing yet"
    with city.store.write() as tx:
        leases.restored(tx)
    home.drain()
    with city.store.read() as tx:
        assert outstanding(tx, family["key"]) == 0
    for _ in range(4):
        assert ask(other, family).reason == "recovery"
        clock.wait(HELLO_EVERY_MS // 4)
    home.drain()
    assert ask(other, family).reason == "recovery", "the other one has not shown what it was given"
    other.drain()
    assert ask(other, family).outcome == "granted"
    assert rest(other, family) == 10_000
    assert sound(city)


def test_what_came_back_while_the_city_recovered_goes_home_if_nobody_waits_for_it_any_more(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    ask(other, family)
    assert home.engine.step().received > 0
    with city.store.write() as tx:
        leases.restored(tx)
    clock.wait(HELLO_EVERY_MS)
    home.drain()
    other.drain()
    home.drain()
    assert (rest(home, family), rest(other, family)) == (10_000, 0)
    assert sound(city)


# --- two counters ---------------------------------------------------------------------------------------------------


def test_who_asks_first_is_served_first_and_the_other_counter_is_told_where(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    home, first, second = kiosk("EW-0001"), kiosk("EW-0002"), kiosk("EW-0003")
    family = at_home(city)
    assert ask(first, family).outcome == "waiting"
    assert ask(second, family).outcome == "waiting"
    home.drain()
    said = ask(second, family)
    with city.store.read() as tx:
        name = (tx.one(schema.kiosk, device="EW-0002") or {})["name"]
    assert (said.outcome, said.reason, said.kiosk) == ("nothing", "elsewhere", name)
    assert ask(first, family).outcome == "granted"
    clock.wait(recalls.PATIENCE_MS + 1)
    assert ask(second, family).outcome == "waiting", "the family went on, for it was not served there"
    first.drain()
    assert ask(second, family).outcome == "granted"
    assert (rest(first, family), rest(second, family)) == (0, 10_000)
    assert sound(city)


def test_who_waits_no_longer_leaves_the_wish_to_the_next(city: LiveCity, kiosk: Kiosk, clock: ToldClock) -> None:
    home, first, second = kiosk("EW-0001"), kiosk("EW-0002"), kiosk("EW-0003")
    family = at_home(city)
    ask(first, family)
    clock.wait(recalls.PATIENCE_MS + 1)
    assert ask(second, family).outcome == "waiting"
    home.drain()
    ask(second, family)
    assert (rest(first, family), rest(second, family)) == (0, 10_000)
    assert sound(city)


# --- nothing to grant ------------------------------------------------------------------------------------------------


def test_every_reason_for_nothing_is_said(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family, second, third = (at_home(city, which=which) for which in range(3))
    unknown = {"token": "ab" * 32, "last4": "0000", "key": ""}
    assert ask(other, unknown, "r-1").reason == "unknown_card"
    assert ask(other, unknown, "r-2", withdraw=True).reason == "unknown_card"
    serve(home, family, 2)
    with city.store.read() as tx:
        (without,) = tx.all(schema.family, "key", home="EW-0003", programmes="SEMBAKO")[:1]
    assert ask(other, without, "r-3").reason == "no_ration"
    home.drain()
    for name in ("gula", "minyak", "tepung"):
        with city.store.write() as tx:
            tx.change(schema.lease, {"spent": 10_000}, family=family["key"], commodity=name)
    said = ask(other, family, "r-4")
    assert (said.outcome, said.reason, said.kiosk) == ("nothing", "exhausted", "e-Warung Mawar")
    for status, reason in (
        (CardStatus.BLOCKED, "card_blocked"),
        (CardStatus.DECEASED, "holder_deceased"),
        (CardStatus.MOVED, "family_moved"),
    ):
        with city.store.write() as tx:
            tx.change(schema.family, {"card_status": status.value}, key=family["key"])
        assert ask(other, family, "r-5").reason == reason
    assert ask(other, second, "r-6", home=True).outcome == "granted"
    with city.store.write() as tx:
        leases.restored(tx)
    assert ask(other, third, "r-7").reason == "recovery"
    with city.store.write() as tx:
        for row in tx.starting(schema.city, "name", "owes|"):
            tx.remove(schema.city, name=row["name"])
        leases.doubt(tx, "EW-0002", 1, 10**6)
    assert ask(other, third, "r-8").reason == "doubt"
    december = RightsWish("r-9", CardRef(family["token"], "0000"), Period("2026-12"))
    with city.store.write() as tx:
        tx.change(schema.family, {"card_status": "active"}, key=family["key"])
    assert other.engine.ask(december).reason == "period"


def test_what_a_lost_kiosk_holds_is_frozen_until_two_officers_sign(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    with city.store.write() as tx:
        tx.change(schema.epoch, {"state": "frozen"}, device="EW-0001")
    assert ask(other, family).reason == "frozen"
    with city.store.write() as tx:
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
    assert ask(other, family, "r-2").outcome == "granted"
    assert rest(other, family) == rest(home, family) == 10_000, "the one human assumption: it will never spend again"
    assert sound(city)


def test_a_request_that_names_another_family_than_before_is_refused(city: LiveCity, kiosk: Kiosk) -> None:
    kiosk("EW-0001")
    other = kiosk("EW-0002")
    assert ask(other, at_home(city)).outcome == "waiting"
    assert ask(other, at_home(city, which=1)).reason == "withdrawn"


def test_a_wrong_clock_and_a_fork_get_nothing(city: LiveCity, kiosk: Kiosk, clock: ToldClock) -> None:
    other = kiosk("EW-0002")
    family = at_home(city)
    real = city.clock
    city.clock = ToldClock(clock.ms + 10 * 60_000)
    city.stop()
    city.start()
    other.reconnect(city.url)
    with pytest.raises(ClockSuspect):
        ask(other, family)
    city.clock = real
    city.stop()
    city.start()
    other.reconnect(city.url)
    with city.store.write() as tx:
        tx.change(schema.epoch, {"mode": "upload_only"}, device="EW-0002")
    with pytest.raises(Unauthorised) as caught:
        ask(other, family)
    assert caught.value.reason == "upload_only"


# --- two at once -----------------------------------------------------------------------------------------------------


def at_once(*calls: Callable[[], object]) -> None:
    start = threading.Barrier(len(calls))
    failed: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        start.wait()
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


@pytest.mark.parametrize("round_", range(3))
def test_two_kiosks_that_ask_for_the_last_of_it_at_once_do_not_both_get_it(stocked: LiveCity, round_: int) -> None:
    """No line and no thread of a server between them: the two transactions meet as closely as they can."""
    devices = [f"EW-000{number}" for number in range(2, 6)]
    family = at_home(stocked)
    with stocked.store.write() as tx:
        tx.remove(schema.lease, family=family["key"])
        begun = [(device, genesis(device, 1).hex()) for device in devices]
        tx.put(
            schema.epoch,
            [{"device": device, "epoch": 1, "state": "active", "acked_hash": seed} for device, seed in begun],
        )
    said = {
        device: GrantRequest(device, 1, f"r-{round_}", family["token"], PERIOD, "beras", 4_000) for device in devices
    }
    answers: dict[str, Grant] = {}

    def call(device: str) -> Callable[[], object]:
        return lambda: answers.update({device: direct(stocked, said[device])})

    at_once(*map(call, devices), lambda: _office(stocked))
    with stocked.store.read() as tx:
        (right,) = [right for right in rights_of(tx, family["key"], PERIOD) if right.commodity == "beras"]
        assert sum(int(row["granted"]) for row in right.leases) <= right.entitled == 10_000
        assert verify(tx) == []


def _office(city: LiveCity) -> None:
    """An officer grants the month again, meanwhile; told to try again, he does."""
    from ewarung_pos.errors import ServerBusy

    for _ in range(20):
        try:
            with city.store.write() as tx:
                leases.grant(tx, PERIOD)
        except ServerBusy:
            continue
        return
    raise AssertionError("never granted")


# --- a new home ------------------------------------------------------------------------------------------------------


def test_a_family_changes_its_home_where_it_stands(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    serve(home, family)
    home.drain()
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
    said = ask(other, family, home=True)
    assert (said.outcome, said.home) == ("granted", True)
    assert said.family is not None
    assert said.family.home == "EW-0002"
    (entry,) = [fact for fact in facts(other) if isinstance(fact, RightsGranted)]
    assert (entry.home, entry.leases) == (True, ()), "the reserve had nothing"
    assert rest(home, family) == 5_000, "offline, it serves until it hears of it"
    home.drain()
    other.drain()
    assert (rest(home, family), rest(other, family)) == (0, 5_000)
    december = other.ledger.read().leases(family["key"], Period("2026-12"))
    assert [lease.rest for lease in december if lease.commodity == "beras"] == [10_000]
    known = _known(home, family)
    assert known is not None
    assert known.home == "EW-0002"
    with city.store.write() as tx:
        leases.grant(tx, "2027-01")
        (january,) = tx.all(schema.lease, family=family["key"], period="2027-01", commodity="beras")
        assert january["device"] == "EW-0002"
    assert ask(other, family, home=True) == said
    assert sound(city)


def test_a_new_home_gets_at_once_what_nobody_holds(city: LiveCity, kiosk: Kiosk) -> None:
    other = kiosk("EW-0002")
    family = at_home(city)
    with city.store.write() as tx:
        tx.remove(schema.lease, family=family["key"])
    ask(other, family, home=True)
    assert rest(other, family) == 10_000
    assert ask(other, family, "r-2", home=True).outcome == "granted", "it is the home already"
    serve(other, family, 2)
    other.drain()
    assert sound(city)


# --- believed only under a signature ---------------------------------------------------------------------------------


def test_a_redemption_of_granted_rights_is_no_case(city: LiveCity, kiosk: Kiosk) -> None:
    kiosk("EW-0001").drain()
    other = kiosk("EW-0002")
    family = at_home(city)
    with city.store.write() as tx:
        tx.remove(schema.lease, family=family["key"])
    ask(other, family)
    serve(other, family, 2)
    other.drain()
    assert city.cases() == []
    assert sum(isinstance(fact, Redeemed) for fact in facts(other)) == 1
