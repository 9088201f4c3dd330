"""A city that was put back, and kiosks that lie, are lost, have wrong clocks or answer all at once."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_city import forks, intake, leases, officers, recovery
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import PeriodClosed, StateReceived, Surrendered
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.timeline import ClockReading, Instant, Period
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import SyncError
from ewarung_pos.ports import RightsWish
from ewarung_pos.sync.enrolment import enrol
from ewarung_pos.sync.outgoing import greeting
from ewarung_pos.sync.protocol import SCHEMA, Hello
from tests.integration.city.city_kit import PERIOD, Cities, LiveCity, Pen, Till, ToldClock, begun
from tests.integration.city.moving import Kiosk, at_home, card_of, rest
from tests.integration.city.test_months import carrying
from tests.integration.city.test_two_copies import copied, exchanged, put_back

DECEMBER = Period("2026-12")
RICE = {"programme": "JATAH", "commodity": "beras"}
INVENTED = "ab" * 16
"""A life that no city ever had."""


def of_rice(family: str, period: str, amount: int) -> LeaseGrant:
    return LeaseGrant(family, "JATAH", period, "beras", Unit.GRAM, amount)


def given_back(family: str, period: str, amount: int) -> Surrendered:
    return Surrendered((Surrender(family, "JATAH", period, "beras", Unit.GRAM, amount),), "asked")


def waits_for(city: LiveCity) -> list[str]:
    with city.store.write() as tx:
        return leases.recovering(tx)


def stolen(copy: LiveCity, *devices: str) -> None:
    with copy.store.write() as tx:
        for device in devices:
            officers.freeze(tx, device)
            leases.declare_lost(tx, device, 1, ["Ratna", "Heru"])


@pytest.fixture
def liar(city: LiveCity, clock: ToldClock) -> Pen:
    """EW-0002 with its own key, in a hand that writes and greets as it likes."""
    pen = begun(Pen(enrol(city.url, city.code("EW-0002"), "0.1.0", now_s=lambda: clock.ms // 1000), clock))
    pen.send(city.url, pen.batch())
    return pen


def lie(city: LiveCity, pen: Pen, recovery: str = "") -> None:
    """A greeting that names an invented life and proves nothing."""
    place = (len(pen.rows), pen.head.hex())
    hello = Hello(pen.device, pen.epoch, *place, *place, 0, SCHEMA, "0.1.0", pen.clock.ms, 1, "boot")
    pen.city(city.url).hello(replace_life(hello, recovery))


def replace_life(hello: Hello, recovery: str) -> Hello:
    return msgspec.structs.replace(hello, recovery=recovery, life=INVENTED)


# --- rights ----------------------------------------------------------------------------------------------------------


def test_a_liar_cannot_take_from_others_what_they_were_told_and_could_not_report(
    city: LiveCity, kiosk: Kiosk, liar: Pen, clock: ToldClock
) -> None:
    """It claims December of a family of EW-0001, which has been told of it since it answered."""
    honest, third = kiosk("EW-0001"), kiosk("EW-0003")
    for till in (honest, third):
        till.drain()
    family = at_home(city, "EW-0001")
    with city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
        leases.restored(tx)
    clock.wait(11 * 60_000)
    third.drain()
    while not rest(honest, family, month=DECEMBER):
        honest.engine.step()
    lie(city, liar)
    with city.store.write() as tx:
        assert recovery.divided(tx)
        asked = tx.setting("life")
    liar.write(StateReceived(9, "", (of_rice(family["key"], DECEMBER.iso, 10_000),)))
    lie(city, liar, asked)
    liar.send(city.url, liar.batch(2))
    exchanged(third, third)
    assert "EW-0001/1" in waits_for(city), "it has to be heard anew before anything is taken back"
    clock.wait(11 * 60_000)
    exchanged(honest, third, honest)
    assert waits_for(city) == []
    clock.wait(10 * 86_400_000)
    exchanged(third)
    liar.write(given_back(family["key"], DECEMBER.iso, 10_000))
    liar.send(city.url, liar.batch(3))
    third.engine.ask(RightsWish("r-9", card_of(family), DECEMBER))
    exchanged(third)
    assert (rest(honest, family, month=DECEMBER), rest(third, family, month=DECEMBER)) == (10_000, 0)


def test_what_a_stolen_till_holds_is_freed_by_two_officers_alone(
    city: LiveCity, kiosk: Kiosk, liar: Pen, clock: ToldClock
) -> None:
    missing = kiosk("EW-0001")
    missing.drain()
    family = at_home(city, "EW-0001")
    with city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
    clock.wait(11 * 60_000)
    while not rest(missing, family, month=DECEMBER):
        missing.engine.step()
    with city.store.write() as tx:
        officers.freeze(tx, "EW-0001")
        leases.restored(tx)
    lie(city, liar)
    with city.store.read() as tx:
        asked = tx.setting("life")
    liar.write(StateReceived(9, "", (of_rice(family["key"], DECEMBER.iso, 10_000),)))
    lie(city, liar, asked)
    liar.send(city.url, liar.batch(2))
    assert waits_for(city) == []
    with city.store.read() as tx:
        held = tx.one(schema.lease, device="EW-0001", epoch=1, family=family["key"], period=DECEMBER.iso, **RICE)
    assert held is not None
    assert held["granted"] == 10_000


def left_to_each_other(city: LiveCity, pen: Pen, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two kiosks answered last at once, and each took the other for one that still owed: nothing is settled.

    November's rice of the family (the answer) was carried into December, which the city does not know.
    """
    carrying(city)
    city.clock.wait(45 * 86_400_000)
    family = str(at_home(city, "EW-0001")["key"])
    with city.store.write() as tx:
        leases.restored(tx)
    pen.write(StateReceived(9, "", (of_rice(family, PERIOD, 10_000),)))
    pen.write(PeriodClosed(PERIOD))
    pen.write(StateReceived(10, "", (of_rice(family, DECEMBER.iso, 20_000),)))
    with city.store.write() as tx:
        leases.answer(tx, pen.device, pen.epoch, tx.setting("life"), len(pen.rows))
    with monkeypatch.context() as patch:
        patch.setattr(intake, "resume", lambda _: None)
        pen.send(city.url, pen.batch())
    assert waits_for(city) == []
    return family


def outstanding(tx: Tx, family: str, period: str) -> int:
    return sum(map(leases.outstanding, tx.all(schema.lease, family=family, period=period, **RICE)))


def test_nothing_is_granted_before_all_is_settled_though_two_answered_last_at_once(
    city: LiveCity, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = left_to_each_other(city, pen, monkeypatch)
    with city.store.write() as tx:
        for period in (PERIOD, DECEMBER.iso):
            leases.grant(tx, period)
        assert [outstanding(tx, family, period) for period in (PERIOD, DECEMBER.iso)] == [0, 20_000]


def test_a_claim_that_nobody_asked_for_carries_nothing_over_that_a_pool_gave(
    city: LiveCity, pen: Pen, liar: Pen
) -> None:
    """A pool gave November's rice; another kiosk claims ten kilograms of December and gives them back."""
    carrying(city)
    family = str(at_home(city, "EW-0001")["key"])
    with city.store.write() as tx:
        tx.change(schema.entitlement, {"charged": 10_000}, family=family, period=PERIOD, **RICE)
        leases.grant(tx, DECEMBER.iso)
    pen.write(StateReceived(9, "", (of_rice(family, PERIOD, 10_000), of_rice(family, DECEMBER.iso, 10_000))))
    pen.write(given_back(family, PERIOD, 10_000))
    pen.send(city.url, pen.batch())
    liar.write(StateReceived(9, "", (of_rice(family, DECEMBER.iso, 10_000),)))
    liar.send(city.url, liar.batch(2))
    liar.write(given_back(family, DECEMBER.iso, 10_000))
    liar.send(city.url, liar.batch(3))
    with city.store.read() as tx:
        rows = tx.all(schema.lease, family=family, period=DECEMBER.iso, **RICE)
        assert sum(map(leases.outstanding, rows)) == 10_000
        assert not [item for item in verify(tx) if item.what.startswith("overgrant")]


def test_a_kiosk_with_two_pasts_is_granted_no_month_that_it_could_not_be_told_of(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock
) -> None:
    kiosk("EW-0001")
    other = kiosk("EW-0003")
    family = at_home(city, "EW-0001")
    with city.store.write() as tx:
        held = tx.one(schema.epoch, device="EW-0001", epoch=1)
        assert held is not None
        forks.stop(tx, held, 3, clock.ms)
        leases.grant(tx, DECEMBER.iso)
        assert tx.all(schema.lease, family=family["key"], period=DECEMBER.iso) == []
    clock.wait(10 * 86_400_000)
    exchanged(other)
    assert other.engine.ask(RightsWish("r-9", card_of(family), DECEMBER)).outcome == "granted"


# --- an end ----------------------------------------------------------------------------------------------------------


def test_two_lost_kiosks_that_are_switched_on_hold_nobody_up(city: LiveCity, kiosk: Kiosk, cities: Cities) -> None:
    """Each proves more than the copy knows, and each hears of a life that the other's greeting ended."""
    first, second, other = kiosk("EW-0001"), kiosk("EW-0002"), kiosk("EW-0003")
    copy = copied(city, cities, "copy")
    for till in (first, second, other):
        till.reconnect(city.url)
        till.drain()
    city.close()
    stolen(copy, "EW-0001", "EW-0002")
    put_back(copy, first, second, other)
    lives = set()
    for _ in range(4):
        for till in (first, second, other):
            till.reconnect(copy.url)
            till.engine.step()
        with copy.store.read() as tx:
            lives.add(tx.setting("life"))
    exchanged(other)
    assert waits_for(copy) == []
    assert len(lives) == 1


def test_a_lost_kiosk_that_invents_lives_changes_nothing(city: LiveCity, kiosk: Kiosk, cities: Cities) -> None:
    missing, other = kiosk("EW-0001"), kiosk("EW-0003")
    copy = copied(city, cities, "copy")
    for till in (missing, other):
        till.reconnect(city.url)
        till.drain()
    city.close()
    stolen(copy, "EW-0001")
    put_back(copy, missing, other)
    missing.engine.step()
    exchanged(other, other)
    assert waits_for(copy) == []
    line = missing.engine._connected()
    said = greeting(missing.ledger.read(), missing.engine._who(), missing.clock.now())
    for _ in range(3):
        line.hello(replace_life(said, ""))
    assert waits_for(copy) == []
    with pytest.raises(SyncError):
        line.hello(msgspec.structs.replace(said, life="a,b"))


class Ahead:
    """A clock that is six minutes ahead of the city's."""

    def __init__(self, clock: ToldClock) -> None:
        self._clock = clock

    def now(self) -> ClockReading:
        reading = self._clock.now()
        return msgspec.structs.replace(reading, wall=Instant(reading.wall.ms + 6 * 60_000))


def test_a_till_whose_clock_is_off_answers_like_all_others(city: LiveCity, till: Till) -> None:
    till.drain()
    with city.store.write() as tx:
        leases.restored(tx)
    till.clock = Ahead(till.clock)  # type: ignore[assignment]
    till.reconnect(city.url)
    for _ in range(6):
        till.engine.step()
    assert waits_for(city) == []


def test_a_database_that_waits_for_a_lost_kiosk_waits_no_more(city: LiveCity, kiosk: Kiosk) -> None:
    """As one of an earlier version may."""
    kiosk("EW-0001")
    stolen(city, "EW-0001")
    with city.store.write() as tx:
        tx.set("owes|EW-0001|1", "0" * 32)
        assert leases.recovering(tx) == []


def test_as_many_lives_are_kept_as_nobody_can_have_slept_through(city: LiveCity, till: Till) -> None:
    with city.store.write() as tx:
        for _ in range(300):
            leases.restored(tx)
        assert len(tx.setting("lives").split(",")) == 200
    for _ in range(40):
        with city.store.write() as tx:
            leases.restored(tx)
        till.reconnect(city.url)
        till.engine.step()
    assert len(till.ledger.read().settings()["city_life"].split(",")) == 32
    assert waits_for(city) == []
