"""An old backup put back on either side is found before any new right is made, whatever is late, lost or said twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ewarung_city import feed, leases, settle
from ewarung_city.bundles import take_bundle
from ewarung_city.carried import moved
from ewarung_city.rights import rights_of
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_city.verify import verify as verify_city
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import OperatorChanged, PeriodClosed, StateReceived
from ewarung_pos.domain.timeline import Period
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import ConfigError, ProtocolMismatch, ServerUnreachable
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.leftovers import LeftoverService
from ewarung_pos.sync.client import HttpCityServer
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.enrolment import enrol
from ewarung_pos.sync.protocol import Ack, Hello, Push, Welcome
from ewarung_pos.sync.stick import fetch_bundle, outgoing_bundle
from tests.integration.city.city_kit import (
    LEDGER_KEY,
    PERIOD,
    Cities,
    LiveCity,
    Pen,
    Till,
    ToldClock,
    Wire,
    answering,
    begun,
)
from tests.integration.city.test_line import CAPTIVE
from tests.integration.city.test_months import carrying, entitled, sound_but_for_what_it_reported

NEXT = Period("2026-12")
JANUARY = "2027-01"


@dataclass
class After:
    """A city that was put back to before it granted December; the till holds December and has told nobody."""

    city: LiveCity
    till: Till
    family: str
    waiting: list[str]

    def move(self) -> None:
        """The family asks for another home: its ration would go there."""
        with self.city.store.write() as tx:
            tx.change(schema.family, {"home": "EW-0002"}, key=self.family)

    def granted(self) -> dict[str, int] | None:
        """December's rice of the family by kiosk after a round of grants; None when there could be none."""
        with self.city.store.write() as tx:
            if leases.recovering(tx):
                with pytest.raises(ConfigError) as refused:
                    leases.grant(tx, NEXT.iso)
                assert refused.value.reason == "recovery"
                return None
            leases.grant(tx, NEXT.iso)
            return _rice(tx, self.family)


def _rice(tx: Tx, family: str) -> dict[str, int]:
    rows = tx.all(schema.lease, family=family, period=NEXT.iso, commodity="beras")
    return {str(row["device"]): leases.outstanding(row) for row in rows}


@pytest.fixture
def after(city: LiveCity, till: Till, cities: Cities) -> After:
    till.drain()
    city.stop()
    city.store.close()
    backup = cities.copy_of(city, "backup")
    with city.store.write() as tx:
        leases.grant(tx, NEXT.iso)
    city.start()
    till.reconnect(city.url)
    assert till.engine.step().received > 0
    family = next(f.key for f in till.ledger.read().families() if till.ledger.read().leases(f.key, NEXT))
    city.close()
    assert till.ledger.read().head().unsent > 0
    with backup.store.write() as tx:
        waiting = leases.restored(tx)
    backup.start()
    till.reconnect(backup.url)
    return After(backup, till, family, waiting)


def no_push(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """Greetings come through, batches do not."""

    def cut(self: HttpCityServer, message: Push) -> tuple[Ack, int]:
        raise ServerUnreachable("cut", reason="cut")

    monkeypatch.setattr(HttpCityServer, "push", cut)


def test_a_greeting_alone_does_not_say_what_a_kiosk_was_given(after: After, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its head and its proof are those of the backup; what it was given since lies above, and is not here yet."""
    assert after.waiting == ["EW-0001/1"]
    after.move()
    with monkeypatch.context() as patch:
        no_push(after.till, patch)
        after.till.engine.step()
    assert after.granted() is None
    after.till.reconnect(after.city.url)
    after.till.drain()
    assert after.granted() == {"EW-0001": 10_000}, "known by its journal, so nothing is left for another"


def test_a_greeting_from_before_answers_nothing(after: After, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was under way when the database was put back, and its head is that of then."""
    after.move()
    sent: list[Hello] = []
    true = HttpCityServer.hello

    def kept(self: HttpCityServer, message: Hello) -> Welcome:
        sent.append(message)
        return true(self, message)

    with monkeypatch.context() as patch:
        patch.setattr(HttpCityServer, "hello", kept)
        no_push(after.till, patch)
        after.till.engine.step()
    assert [bool(hello.recovery) for hello in sent[:2]] == [False, True]
    with after.city.store.write() as tx:
        leases.restored(tx)  # put back once more
    line = after.till.engine._connected()
    for hello in sent:  # what answered the question of before is no answer now
        line.hello(hello)
        assert after.granted() is None
    after.till.clock.wait(11 * 60_000)  # it greets again
    after.till.drain()
    assert after.granted() == {"EW-0001": 10_000}


def test_being_enrolled_again_does_not_answer_and_two_officers_do(after: After, tmp_path: Path) -> None:
    after.move()
    again = Till(tmp_path / "again", after.city.url, after.city.code(), after.till.clock)
    try:
        again.drain()
        assert after.granted() is None, "the old epoch may be spending what it was given"
        with after.city.store.write() as tx:
            leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
        granted = after.granted()
        assert granted == {"EW-0002": 10_000}
    finally:
        again.close()


def test_who_proves_more_than_an_old_copy_knows_is_asked_and_so_is_everybody_else(
    city: LiveCity, till: Till, cities: Cities
) -> None:
    """Nobody said that the database was put back: the first one that greets with a proof finds it out."""
    city.stop()
    city.store.close()
    backup = cities.copy_of(city, "backup")
    city.start()
    till.reconnect(city.url)
    till.drain()
    city.close()
    with backup.store.write() as tx:
        own = {"state": "active", "mode": "normal", "device_key": "00" * 32, "acked_hash": "00" * 32}
        tx.put(schema.epoch, [{"device": "EW-0002", "epoch": 1, **own}])
    backup.start()
    till.reconnect(backup.url)
    till.drain()
    with backup.store.write() as tx:
        assert leases.recovering(tx) == ["EW-0002/1"], "it answered; the other one did not"
        assert leases.question(tx, "EW-0001", 1, int(backup.epoch()["acked_seq"]), "") == ""


def test_a_till_that_stopped_after_its_answer_sends_what_is_waited_for(
    city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that it has not sent is an acknowledgement, which no till sends for its own sake."""
    till.drain()
    assert till.ledger.read().head().unsent == 0
    with city.store.write() as tx:
        leases.restored(tx)
    with monkeypatch.context() as patch:
        no_push(till, patch)
        till.reconnect(city.url)
        till.engine.step()
    with city.store.write() as tx:
        assert tx.setting("owes|EW-0001|1").endswith(f" {till.ledger.read().head().seq}"), "it has answered"
        assert leases.recovering(tx) == ["EW-0001/1"]
    till.reconnect(city.url)
    till.drain()
    with city.store.write() as tx:
        assert leases.recovering(tx) == []


def test_a_file_from_a_city_that_is_gone_gives_nothing_once_the_restored_one_was_heard(
    city: LiveCity, till: Till, cities: Cities
) -> None:
    """The stick was under way when the database was put back, and comes after the kiosk has answered for itself."""
    till.drain()
    city.stop()
    city.store.close()
    backup = cities.copy_of(city, "backup")
    with city.store.write() as tx:
        leases.grant(tx, NEXT.iso)
        family = str(tx.all(schema.lease, "family", device="EW-0001", period=NEXT.iso)[0]["family"])
    out = outgoing_bundle(till.ledger.read(), till.clock).data
    stick = take_bundle(city.store, city.keys, out, till.clock.ms).reply
    city.close()
    with backup.store.write() as tx:
        leases.restored(tx)
        tx.change(schema.family, {"home": "EW-0002"}, key=family)
    backup.start()
    till.reconnect(backup.url)
    till.drain()
    with backup.store.write() as tx:
        assert leases.recovering(tx) == []
        leases.grant(tx, NEXT.iso)
        assert _rice(tx, family) == {"EW-0002": 10_000}

    report, _ = fetch_bundle(till.ledger, till.clock, stick)
    assert (report.code, report.reason, report.received) == ("server_busy", "behind", 0)
    assert not till.ledger.read().leases(family, NEXT)
    till.engine.step()
    assert till.ledger.read().settings()["city_life"], "the late word of the old life changed nothing"
    assert verify(till.data_dir, LEDGER_KEY).problems == ()
    till.drain()


def test_a_file_from_a_life_that_the_kiosk_never_heard_of_is_late_as_well(
    city: LiveCity, till: Till, cities: Cities
) -> None:
    """It was under way when the city was put back, and again when it was put back once more."""
    till.drain()
    out = outgoing_bundle(till.ledger.read(), till.clock).data
    city.stop()
    with city.store.write() as tx:
        leases.restored(tx)
    city.store.close()
    backup = cities.copy_of(city, "backup")
    with city.store.write() as tx:
        feed.tell(tx, "EW-0001", [("message", "of the life between")])
    stick = take_bundle(city.store, city.keys, out, till.clock.ms).reply
    city.close()
    with backup.store.write() as tx:
        leases.restored(tx)
        life = tx.setting("life")
    backup.start()
    till.reconnect(backup.url)
    till.drain()
    assert till.ledger.read().settings()["city_life"] == life
    cursor = till.ledger.read().cursor()

    report, notes = fetch_bundle(till.ledger, till.clock, stick)
    assert (report.code, report.reason, report.received) == ("server_busy", "behind", 0)
    assert notes.asks == "", "what that life asks is not answered either"
    assert till.ledger.read().settings()["city_life"] == life
    with backup.store.write() as tx:
        feed.tell(tx, "EW-0001", [("message", "of now")])
    till.drain()
    assert till.ledger.read().cursor() == cursor + 1, "the city that is there is listened to"


@pytest.fixture
def recovering_copy(city: LiveCity, till: Till, cities: Cities) -> LiveCity:
    """Made while the city was recovering, and put back after it was restored once more; nobody says `recover`."""
    till.drain()
    with city.store.write() as tx:
        leases.restored(tx)
    city.stop()
    city.store.close()
    backup = cities.copy_of(city, "backup")
    with city.store.write() as tx:
        leases.restored(tx)
    city.start()
    till.reconnect(city.url)
    return backup


def test_a_copy_of_a_city_that_was_recovering_is_found_by_the_life_that_a_kiosk_has_heard_of(
    city: LiveCity, till: Till, recovering_copy: LiveCity
) -> None:
    """It waits for this kiosk already, but in a life that is over there: what it gave would never be taken."""
    till.drain()
    city.close()
    recovering_copy.start()
    till.reconnect(recovering_copy.url)
    till.drain()
    with recovering_copy.store.write() as tx:
        assert leases.recovering(tx) == []
        leases.grant(tx, NEXT.iso)
    till.clock.wait(11 * 60_000)
    till.drain()
    assert any(till.ledger.read().leases(family.key, NEXT) for family in till.ledger.read().families())


def test_a_copy_that_waits_for_what_was_acknowledged_since_is_found_out(
    city: LiveCity, till: Till, cities: Cities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made after the kiosk had answered and before its journal was here; what was granted after that is not known."""
    till.drain()
    with city.store.write() as tx:
        leases.restored(tx)
    till.reconnect(city.url)
    with till.ledger.write() as uow:
        uow.append(OperatorChanged("siti", "signed_in"))
    with monkeypatch.context() as patch:
        no_push(till, patch)
        till.engine.step()
    city.stop()
    city.store.close()
    backup = cities.copy_of(city, "backup")
    with backup.store.read() as tx:
        life = tx.setting("life")
        assert leases.recovering(tx) == ["EW-0001/1"]
        answered, _, head = tx.setting("owes|EW-0001|1").partition(" ")
        assert (answered, int(head)) == (life, till.ledger.read().head().seq), "it has answered"
    city.start()
    till.reconnect(city.url)
    till.drain()
    with city.store.write() as tx:
        assert leases.recovering(tx) == []
    city.close()
    backup.start()
    till.reconnect(backup.url)
    till.drain()
    with backup.store.read() as tx:
        assert tx.setting("life") != life


def test_a_life_that_nobody_knows_and_nothing_proves_is_a_case(
    city: LiveCity, till: Till, recovering_copy: LiveCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        no_push(till, patch)
        till.engine.step()
    city.close()
    recovering_copy.start()
    till.reconnect(recovering_copy.url)
    till.engine.step()
    assert "UNPROVEN_CLAIM" in {reason for _, reason in recovering_copy.cases()}


def test_what_came_back_while_the_city_recovered_is_settled_when_that_is_over(
    city: LiveCity, till: Till, cities: Cities, clock: ToldClock
) -> None:
    """A month is closed towards a city that was put back: what is left of it is carried over all the same."""
    carrying(city)
    till.drain()
    city.stop()
    city.store.close()
    backup = cities.copy_of(city, "backup")
    city.close()
    with backup.store.write() as tx:
        leases.restored(tx)
        family = str(tx.all(schema.lease, "family", device="EW-0001", period=PERIOD, commodity="beras")[0]["family"])
    backup.start()
    till.reconnect(backup.url)
    clock.wait(10 * 86_400_000)
    LeftoverService(till.ledger, clock, till.engine.offset_ms).give_back()
    till.drain()
    with backup.store.write() as tx:
        assert leases.recovering(tx) == []
        assert entitled(tx, family, PERIOD) == (10_000, 10_000)
        leases.grant(tx, NEXT.iso)
        assert _rice(tx, family) == {"EW-0001": 20_000}
        assert tx.starting(schema.city, "name", "later|") == []


@pytest.fixture
def family(city: LiveCity) -> str:
    """At home at EW-0001; what is left of its rice is carried over, the city was put back, and it is January."""
    carrying(city)
    city.clock.wait(45 * 86_400_000)
    with city.store.read() as tx:
        return str(tx.all(schema.lease, "family", device="EW-0001", period=PERIOD, commodity="beras")[0]["family"])


def _granted(pen: Pen, family: str, **rice: int) -> None:
    """It was given so much by a city that is gone."""
    pen.write(
        StateReceived(
            9,
            "",
            tuple(
                LeaseGrant(
                    family, "JATAH", {"nov": PERIOD, "dec": NEXT.iso, "jan": JANUARY}[month], "beras", Unit.GRAM, of
                )
                for month, of in rice.items()
            ),
        )
    )


def _tell(city: LiveCity, *pens: Pen) -> None:
    """Each has heard the question, and sends all that it wrote."""
    with city.store.write() as tx:
        for pen in pens:
            leases.answer(tx, pen.device, pen.epoch, tx.setting("life"), len(pen.rows))
    for pen in pens:
        pen.send(city.url, pen.batch())


def _after_all_is_granted(city: LiveCity, family: str) -> tuple[dict[str, int], dict[str, int]]:
    """By month, what was carried on of the rice of the family and what is out of it; whatever could be granted is."""
    own = {"family": family, "programme": "JATAH", "commodity": "beras"}
    out: dict[str, int] = {}
    with city.store.write() as tx:
        assert leases.recovering(tx) == []
        for period in (PERIOD, NEXT.iso, JANUARY):
            leases.grant(tx, period)
        carried = {str(row["period"]): int(row["carried"]) for row in tx.all(schema.entitlement, "period", **own)}
        for row in tx.all(schema.lease, "period", **own):
            out[str(row["period"])] = out.get(str(row["period"]), 0) + leases.outstanding(row)
    assert sound_but_for_what_it_reported(city)
    return carried, out


def test_what_was_carried_before_the_copy_is_not_granted_a_second_time(city: LiveCity, family: str, pen: Pen) -> None:
    """Two months were carried over into January, and the copy knows of none of that, nor of December."""
    with city.store.write() as tx:
        leases.restored(tx)
    _granted(pen, family, nov=10_000)
    pen.write(PeriodClosed(PERIOD))
    _granted(pen, family, dec=20_000)
    pen.write(PeriodClosed(NEXT.iso))
    _granted(pen, family, jan=30_000)
    _tell(city, pen)
    carried = {PERIOD: 10_000, NEXT.iso: 20_000, JANUARY: 0}
    assert _after_all_is_granted(city, family) == (carried, {PERIOD: 0, NEXT.iso: 0, JANUARY: 30_000})


def test_what_was_carried_before_a_pool_gave_for_it_stays_carried(city: LiveCity, family: str, pen: Pen) -> None:
    """The city that is gone had carried November over when it heard of the pool; this one hears of both at once."""
    own = {"family": family, "programme": "JATAH", "commodity": "beras"}
    with city.store.write() as tx:
        leases.restored(tx)
        tx.change(schema.entitlement, {"charged": 10_000}, **own, period=PERIOD)
        use = {"device": "EW-0003", "epoch": 1, "seq": 9, **own, "period": PERIOD}
        tx.put(schema.hardship, [{**use, "amount": 10_000, "charged": 10_000}])
    _granted(pen, family, nov=10_000)
    pen.write(PeriodClosed(PERIOD))
    _granted(pen, family, dec=20_000)
    _tell(city, pen)
    with city.store.write() as tx:
        leases.grant(tx, NEXT.iso)
        assert [int(row["carried"]) for row in tx.all(schema.entitlement, "period", **own)][:1] == [10_000]
        months = [
            (right.entitled, right.reserve) for right in rights_of(tx, family, NEXT.iso) if right.commodity == "beras"
        ]
        assert months == [(10_000, 0)], "what the pool gave is missing in December"
        (wish,) = tx.all(schema.recall, **own, period=NEXT.iso)
        assert (wish["device"], wish["wanted"], wish["by_device"]) == (pen.device, 10_000, "")
        assert not [item for item in verify_city(tx) if item.what.startswith("overgrant")]


def test_what_was_carried_is_known_before_an_earlier_month_is_settled(
    city: LiveCity, family: str, pen: Pen, clock: ToldClock
) -> None:
    """December was EW-0002's and carried into January; November comes back only now and goes into December."""
    other = begun(Pen(enrol(city.url, city.code("EW-0002"), "0.1.0", now_s=lambda: clock.ms // 1000), clock))
    with city.store.write() as tx:
        for period in (NEXT.iso, JANUARY):
            leases.grant(tx, period)
        own = {"family": family, "programme": "JATAH", "commodity": "beras", "period": NEXT.iso}
        tx.change(schema.lease, {"device": "EW-0002"}, **own)
        leases.restored(tx)
    _granted(other, family, dec=10_000)
    other.write(PeriodClosed(NEXT.iso))
    _granted(pen, family, nov=10_000, jan=20_000)
    pen.write(PeriodClosed(PERIOD))
    _tell(city, pen, other)
    carried = {PERIOD: 10_000, NEXT.iso: 10_000, JANUARY: 0}
    assert _after_all_is_granted(city, family) == (carried, {PERIOD: 0, NEXT.iso: 10_000, JANUARY: 20_000})


def test_what_officers_free_of_a_lost_kiosk_had_been_carried_over_already(
    city: LiveCity, family: str, pen: Pen, clock: ToldClock
) -> None:
    """Its last entries went with its disk: the copy does not know that it had given November back."""
    with city.store.write() as tx:
        leases.restored(tx)
    again = begun(Pen(enrol(city.url, city.code(), "0.1.0", now_s=lambda: clock.ms // 1000), clock))
    _granted(again, family, dec=20_000)
    _tell(city, again)
    with city.store.write() as tx:
        leases.declare_lost(tx, "EW-0001", pen.epoch, ["Ratna", "Heru"])
    carried = {PERIOD: 10_000, NEXT.iso: 0, JANUARY: 0}
    assert _after_all_is_granted(city, family) == (carried, {PERIOD: 0, NEXT.iso: 20_000, JANUARY: 10_000})


def test_claims_that_no_month_can_have_given_hold_up_the_months_before(city: LiveCity, family: str, pen: Pen) -> None:
    """A till that says more than anybody could have granted: nothing more is granted, and what is left stays short."""
    with city.store.write() as tx:
        leases.restored(tx)
    _granted(pen, family, nov=10_000, dec=50_000)
    pen.write(PeriodClosed(PERIOD))
    _tell(city, pen)
    carried = {PERIOD: 10_000, NEXT.iso: 0, JANUARY: 0}
    assert _after_all_is_granted(city, family) == (carried, {PERIOD: 0, NEXT.iso: 50_000, JANUARY: 10_000})
    assert "UNKNOWN_GRANT" in {reason for _, reason in city.cases()}


@pytest.mark.parametrize(
    ("left", "carried"),
    [
        ([10, -4], [4, 0]),
        ([10, 0, -4], [4, 4, 0]),
        ([10, 3, -4], [1, 4, 0]),
        ([0, 3, -4], [0, 3, 0]),
        ([10, -2, -4], [6, 4, 0]),
        ([5, -2, -4], [5, 3, 0]),
        ([10, None, -4], [0, 0]),
        ([0, 10, 10], [0, 0, 0]),
        ([-4, 10], [0, 0]),
    ],
)
def test_no_month_carries_more_than_it_has_or_over_one_that_was_not_there(
    left: list[int | None], carried: list[int]
) -> None:
    months = {f"2026-{month:02d}": rest for month, rest in enumerate(left, 1) if rest is not None}
    assert list(moved(months).values()) == carried


def test_a_home_is_topped_up_only_when_all_is_known(city: LiveCity, till: Till) -> None:
    """A hand-over from a pool is reversed: what the family may have again could be with another kiosk."""
    till.drain()
    with city.store.write() as tx:
        family = str(tx.all(schema.lease, "family", device="EW-0001", period=PERIOD, commodity="beras")[0]["family"])
        own = {"family": family, "period": PERIOD, "commodity": "beras"}
        tx.change(schema.entitlement, {"amount": 15_000}, **own)
        leases.restored(tx)
        settle.top_up(tx, family, PERIOD)
        assert [row["granted"] for row in tx.all(schema.lease, **own)] == [10_000]
    till.clock.wait(11 * 60_000)
    till.drain()
    with city.store.read() as tx:
        assert [row["granted"] for row in tx.all(schema.lease, **own)] == [15_000]


# --- a kiosk's old disk image ----------------------------------------------------------------------------------------


@pytest.fixture
def image(city: LiveCity, till: Till, clock: ToldClock, tmp_path: Path) -> Till:
    """The till whose disk was put back to before December came and was acknowledged."""
    till.drain()
    till.close()
    shutil.copytree(till.data_dir, tmp_path / "image")
    till.ledger = open_ledger(till.data_dir, LEDGER_KEY, clock)
    with city.store.write() as tx:
        leases.grant(tx, NEXT.iso)
    till.reconnect(city.url)
    till.drain()
    till.close()
    clock.wait(60_000)
    shutil.rmtree(till.data_dir)
    shutil.copytree(tmp_path / "image", till.data_dir)
    till.ledger = open_ledger(till.data_dir, LEDGER_KEY, clock)
    till.engine = SyncEngine(till.ledger, clock, city.url)
    return till


def test_what_the_city_has_not_greeted_gets_nothing(
    city: LiveCity, image: Till, wires: Callable[..., Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its greeting is lost and the line is there again: what it asks for next is not answered either."""
    with monkeypatch.context() as patch:

        def lost(self: HttpCityServer, message: Hello) -> Welcome:
            raise ServerUnreachable("cut", reason="cut")

        patch.setattr(HttpCityServer, "hello", lost)
        report = image.engine.step()
    assert (report.reason, report.received) == ("cut", 0)
    image.reconnect(wires(answering(CAPTIVE)).url)
    assert image.engine.step().received == 0
    image.reconnect(city.url)
    report = image.engine.step()
    assert (report.code, report.reason, report.received) == ("unauthorised", "fork", 0)
    assert not any(image.ledger.read().leases(f.key, NEXT) for f in image.ledger.read().families())


def test_an_old_disk_that_was_written_on_beyond_the_city_s_copy_is_found_by_the_city_too(
    city: LiveCity, image: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its greeting says nothing: its head is above what the city holds."""
    held = city.epoch()["acked_seq"]
    while image.ledger.read().head().seq <= held:
        with image.ledger.write() as uow:
            uow.append(OperatorChanged("siti", "signed_in"))
    with monkeypatch.context() as patch:
        no_push(image, patch)
        assert image.engine.step().reason == "fork"
    assert city.epoch()["mode"] == "normal", "what shows it was lost"
    assert image.engine.step().reason == "fork"
    assert (city.epoch()["mode"], city.epoch()["reason"]) == ("upload_only", "FORK")
    assert city.cases() == [(held, "FORK")]
    with city.store.read() as tx:
        asides = tx.count(schema.aside)
    assert image.engine.step().reason == "fork"
    with city.store.read() as tx:
        assert tx.count(schema.aside) == asides == 1, "once is enough"


def test_the_city_gives_nothing_to_a_journal_that_ends_before_what_it_holds(city: LiveCity, pen: Pen) -> None:
    """Even one that it has greeted: what the lost one had sent may come after that."""
    pen.write(OperatorChanged("siti", "signed_in"))
    pen.send(city.url, pen.batch(1, 1))
    line = pen.city(city.url)
    try:
        known = (1, pen.rows[0].hash.hex())
        assert line.pull(0, known)[0].families
        pen.send(city.url, pen.batch(2, 2))
        for stale in (known, (0, pen.rows[0].prev_hash.hex()), (2, known[1])):
            with pytest.raises(ProtocolMismatch) as caught:
                line.pull(0, stale)
            assert caught.value.reason == "behind"
        assert city.epoch()["mode"] == "normal", "it may as well be a message that is late"
        assert line.pull(0, (2, pen.head.hex()))[0].families
    finally:
        line.close()


def test_a_till_whose_city_took_more_than_it_heard_of_greets_and_then_gets_its_page(
    city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = HttpCityServer.push

    def unheard(self: HttpCityServer, message: Push) -> tuple[Ack, int]:
        true(self, message)
        raise ServerUnreachable("cut", reason="cut")

    with monkeypatch.context() as patch:
        patch.setattr(HttpCityServer, "push", unheard)
        report = till.engine.step()
    assert (report.reason, report.sent) == ("cut", 0)
    assert report.received > 1000, "an upload that fails does not stop a download"
