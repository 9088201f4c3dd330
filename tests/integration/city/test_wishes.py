"""Rights that a kiosk without a line asks for in its file: granted, waited for or refused by the rules of the line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from ewarung_city import leases, recalls
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.domain.journal import RightsGranted, Surrendered
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import ClockSuspect, PosError, Unauthorised
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ports import CarriedWish, RightsAnswer, RightsWish
from ewarung_pos.sync.carried import CarriedCity
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.stick import Stick, fetch_bundle
from ewarung_pos.sync.wishes import answered, keep_wish, wishes_in
from tests.integration.city.city_kit import LEDGER_KEY, Cities, LiveCity, Till, ToldClock
from tests.integration.city.moving import MONTH, Kiosk, ask, at_home, card_of, facts, rest, serve, sound
from tests.integration.city.test_bundles import DAY_MS, at_the_city, home, out, rows, there_and_back

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")


def wish(till: Till, family: Row, request: str = "w-1", month: Period = MONTH) -> CarriedWish:
    return keep_wish(till.ledger, RightsWish(request, card_of(family), month), "", till.clock.ms)


def stands(till: Till) -> list[tuple[str, str]]:
    return [(each.outcome, each.reason) for each in wishes_in(till.ledger.read())]


def granted(till: Till) -> list[RightsGranted]:
    return [fact for fact in facts(till) if isinstance(fact, RightsGranted)]


def test_a_family_is_served_where_there_is_no_line_after_its_home_gave_its_rights_back(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    at, away = kiosk("EW-0001"), kiosk("EW-0002")
    away.reconnect("")
    family = at_home(city)
    wish(away, family)
    there_and_back(city, away)
    assert stands(away) == [("waiting", "")]
    assert rest(away, family) == 0
    clock.wait(2 * DAY_MS)  # nobody can repeat it from there, and it stays asked
    at.drain()
    assert rest(at, family) == 0
    away.ledger.close()
    away.ledger = open_ledger(away.data_dir, LEDGER_KEY, clock)
    reply = at_the_city(city, out(away)).reply
    assert home(away, reply).received > 0
    assert stands(away) == [("granted", "")]
    assert rest(away, family) == 10_000
    (said,) = granted(away)
    assert (said.request, len(said.leases) > 0) == ("w-1", True)
    kept = rows(away)
    home(away, reply)
    assert rows(away) == kept, "importing twice is nothing"
    serve(away, family, 2)
    there_and_back(city, away)
    assert city.cases() == []
    assert sound(city)
    away.ledger.close()
    assert verify(away.data_dir, LEDGER_KEY).problems == ()
    away.ledger = open_ledger(away.data_dir, LEDGER_KEY, clock)


def test_both_kiosks_speak_by_stick_alone(city: LiveCity, kiosk: Kiosk, clock: ToldClock) -> None:
    at, away = kiosk("EW-0001"), kiosk("EW-0002")
    for till in (at, away):
        till.reconnect("")
    family = at_home(city)
    wish(away, family)
    there_and_back(city, away)
    clock.wait(DAY_MS)
    there_and_back(city, at)
    assert any(isinstance(fact, Surrendered) for fact in facts(at)), "the wish came with the reply"
    there_and_back(city, away)
    assert stands(away) == [("waiting", "")], "what was given back is still on its way"
    clock.wait(DAY_MS)
    there_and_back(city, at)
    there_and_back(city, away)
    assert (stands(away), rest(away, family), rest(at, family)) == ([("granted", "")], 10_000, 0)
    assert sound(city)


def test_who_stands_at_a_counter_goes_before_a_file_and_the_file_is_told_so(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    at, away, there = kiosk("EW-0001"), kiosk("EW-0002"), kiosk("EW-0003")
    away.reconnect("")
    family = at_home(city)
    wish(away, family)
    there_and_back(city, away)
    assert ask(there, family).outcome == "waiting"
    at.drain()
    assert ask(there, family).outcome == "granted"
    serve(there, family, 2)
    there.drain()
    clock.wait(recalls.PATIENCE_MS + 1)
    there_and_back(city, away)
    assert stands(away) == [("waiting", "")], "for the sugar that is still there; the rice is gone"
    there.drain()
    there_and_back(city, away)
    assert (stands(away), rest(away, family), rest(away, family, "gula")) == ([("granted", "")], 0, 2_000)
    assert sound(city)


@pytest.mark.parametrize(("change", "reason"), [({"card_status": "blocked"}, "card_blocked"), ({"token": "00" * 32}, "unknown_card")])  # fmt: skip  # noqa: E501
def test_a_refusal_comes_home_with_its_reason(
    city: LiveCity, kiosk: Kiosk, change: dict[str, str], reason: str
) -> None:
    away = kiosk("EW-0002")
    away.reconnect("")
    family = at_home(city)
    wish(away, family)
    with city.store.write() as tx:
        tx.change(schema.family, change, key=family["key"])
    there_and_back(city, away)
    assert stands(away) == [("nothing", reason)]
    there_and_back(city, away)
    kept = rows(away)
    there_and_back(city, away)
    assert len(rows(away)) == len(kept), "what has its last word is not asked again"
    assert granted(away) == []


def test_what_is_withheld_now_is_asked_again_with_the_next_file(city: LiveCity, kiosk: Kiosk, clock: ToldClock) -> None:
    _, away = kiosk("EW-0001"), kiosk("EW-0002")
    away.reconnect("")
    wish(away, at_home(city))
    ahead = 10 * 60_000
    clock.ms += ahead
    file = out(away)
    clock.ms -= ahead
    report, _ = fetch_bundle(away.ledger, clock, at_the_city(city, file).reply)
    assert (report.reason, stands(away)) == ("off_server", [("", "")])
    there_and_back(city, away)
    assert stands(away) == [("waiting", "")]


@pytest.mark.parametrize("said", [Unauthorised("", reason="signature"), ClockSuspect("", reason="off_server")])
def test_no_answer_that_is_not_believed_ends_a_wish(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock, said: PosError
) -> None:
    _, away = kiosk("EW-0001"), kiosk("EW-0002")
    stick = Stick(away.ledger, clock, away.data_dir)
    stick.carry(RightsWish("w-1", card_of(at_home(city)), MONTH), "")

    def ask(_: RightsWish) -> RightsAnswer:
        raise said

    engine, carried = SimpleNamespace(ask=ask), SimpleNamespace(answers={"w-1": b""}, life="")
    assert answered(away.ledger, cast("SyncEngine", engine), cast("CarriedCity", carried)) == 0
    assert [(each.request, each.outcome) for each in stick.wishes()] == [("w-1", "")]


def test_a_city_that_is_gone_grants_nothing_any_more(
    city: LiveCity, cities: Cities, kiosk: Kiosk, clock: ToldClock
) -> None:
    """Its reply was under way when its database was put back; what it granted may go elsewhere by now."""
    away = kiosk("EW-0002")
    away.drain()
    away.reconnect("")
    family = at_home(city)
    with city.store.write() as tx:
        tx.change(schema.lease, {"surrendered": 10_000}, device="EW-0001", family=family["key"], commodity="beras")
    city.close()
    lost = cities.copy_of(city, "lost")
    wish(away, family)
    late = at_the_city(lost, out(away)).reply
    lost.close()
    restored = cities.copy_of(city, "restored")
    with restored.store.write() as tx:
        leases.restored(tx)
    clock.wait(DAY_MS)
    there_and_back(restored, away)
    assert stands(away) == [("nothing", "recovery")] or stands(away) == [("", "")]
    fetch_bundle(away.ledger, clock, late)
    assert granted(away) == []
    assert rest(away, family) == 0


def test_one_open_wish_a_family_and_no_more_than_twenty(city: LiveCity, till: Till) -> None:
    family = at_home(city)
    old = wish(till, family, "w-0", Period("2026-10"))
    assert old.open
    first = wish(till, family)
    assert wish(till, family, "w-2") == first
    assert [each.request for each in wishes_in(till.ledger.read())] == ["w-1"], "a month that is over is forgotten"
    for place in range(3, 25):
        token = {"token": f"{place:064d}"}
        keep_wish(
            till.ledger,
            RightsWish(f"w-{place}", msgspec.structs.replace(card_of(family), **token), MONTH),
            "",
            till.clock.ms,
        )
    held = [each.request for each in wishes_in(till.ledger.read())]
    assert (len(held), held[-1]) == (20, "w-24")
