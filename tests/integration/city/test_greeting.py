"""HELLO says where a journal ends: what is late is old news, and what was rolled back is found before any new right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ewarung_city import feed, leases
from ewarung_city.greeting import welcome
from ewarung_city.store import schema
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.journal import ComplaintRecorded, DayOpened, canonical, genesis
from ewarung_pos.errors import ServerUnreachable, Unauthorised
from ewarung_pos.sync.protocol import CLOCK_TOLERANCE_S, Hello, Mode, Welcome
from tests.integration.city.city_kit import LiveCity, Pen, Till, trying
from tests.integration.city.test_line import serve_some


def greeting(pen: Pen, seq: int, **changed: Any) -> Hello:
    """As the till of this pen greets when its journal ends at `seq`, at this moment."""
    head = pen.rows[seq - 1].hash if seq else genesis(pen.device, pen.epoch)
    fields: dict[str, Any] = {
        "device": pen.device,
        "epoch": pen.epoch,
        "head_seq": seq,
        "head_hash": head.hex(),
        "acked_seq": 0,
        "acked_hash": "",
        "cursor": 0,
        "schema": 1,
        "app_version": "0.1.0",
        "wall_ms": pen.clock.ms,
        "monotonic_ms": pen.clock.ticks,
        "boot": "boot",
    }
    return Hello(**(fields | changed))


def write(pen: Pen, **changed: Any) -> None:
    """One more entry: of a kind that may come as often as it likes."""
    complaint = ComplaintRecorded("1", "antrean", "lama", anonymous=True)
    pen.write(complaint, **({"monotonic": pen.clock.ticks} | changed))


def say(city: LiveCity, hello: Hello) -> Welcome:
    with city.store.write() as tx:
        return welcome(tx, city.keys, hello, city.clock.ms, fresh=True)


@pytest.fixture
def sent(city: LiveCity, pen: Pen) -> Pen:
    """Four entries at the city, ten seconds between them."""
    for _ in range(3):
        pen.clock.wait(10_000)
        write(pen)
    pen.send(city.url, pen.batch())
    return pen


def test_a_greeting_that_comes_late_is_old_news(city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves, is held up, the till gives it up, greets again and sends; then the first one arrives."""
    till.drain()
    late: list[Hello] = []
    line = till.engine._connected()
    true: Callable[[Hello], Welcome] = line.hello

    def held_up(hello: Hello) -> Welcome:
        late.append(hello)
        return true(hello)

    till.clock.wait(11 * 60_000)
    with monkeypatch.context() as patch:
        patch.setattr(line, "hello", held_up)
        till.drain()
    for _ in range(3):
        with till.ledger.write() as uow:
            uow.append(ComplaintRecorded("1", "antrean", "lama", anonymous=True))
        till.clock.wait(20_000)
        till.drain()
    before = city.epoch()
    assert late[0].head_seq < before["acked_seq"]
    assert true(late[0]).mode is Mode.NORMAL
    assert true(late[0]).acked_seq == before["acked_seq"]
    assert (city.epoch()["mode"], city.cases()) == ("normal", [])
    till.clock.wait(11 * 60_000)
    assert till.engine.step().code == ""


def test_greetings_in_any_order_leave_an_honest_kiosk_alone(city: LiveCity, pen: Pen) -> None:
    hellos = []
    for _ in range(4):
        hellos.append(greeting(pen, len(pen.rows)))
        pen.clock.wait(10_000)
        write(pen)
    pen.send(city.url, pen.batch())
    hellos.append(greeting(pen, len(pen.rows)))
    for hello in (*reversed(hellos), *hellos, hellos[2], hellos[-1], hellos[0]):
        assert say(city, hello).mode is Mode.NORMAL
    assert city.cases() == []


@pytest.mark.parametrize("boot", ["boot", "another boot"])
@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_kiosk_that_lost_what_it_sent_is_found(city: LiveCity, sent: Pen, boot: str, seq: int) -> None:
    """An old disk image: it greets after it wrote an entry of which it no longer knows."""
    sent.clock.wait(60_000)
    said = say(city, greeting(sent, seq, boot=boot, monotonic_ms=sent.clock.ticks if boot == "boot" else 5_000))
    assert (said.mode, said.reason, said.acked_seq) == (Mode.UPLOAD_ONLY, "FORK", 4)
    assert city.cases() == [(seq + 1, "FORK")]
    line = sent.city(city.url)
    with pytest.raises(Unauthorised) as refused:
        line.pull(0)
    line.close()
    assert refused.value.reason == "upload_only"


def test_a_kiosk_with_another_past_is_found_however_old_its_greeting_is(city: LiveCity, sent: Pen) -> None:
    other = {"head_hash": "ab" * 32, "monotonic_ms": 0, "wall_ms": 0}
    assert say(city, greeting(sent, 2, **other)).mode is Mode.UPLOAD_ONLY
    assert city.cases() == [(2, "FORK")]
    assert say(city, greeting(sent, 2, **other)).mode is Mode.UPLOAD_ONLY
    assert city.cases() == [(2, "FORK")]  # once


def test_a_greeting_from_before_a_power_cut_is_old_news_too(city: LiveCity, pen: Pen) -> None:
    hello = greeting(pen, 1, boot="boot before", monotonic_ms=10**9)
    pen.clock.wait(90_000)
    write(pen)
    pen.send(city.url, pen.batch())
    assert say(city, hello).mode is Mode.NORMAL


def test_a_clock_that_was_years_ahead_hides_no_rollback(city: LiveCity, pen: Pen) -> None:
    """The entry says 2036; but it was not written after it came here."""
    write(pen, instant=pen.clock.ms + 10 * 365 * 86_400_000)
    pen.send(city.url, pen.batch())
    pen.clock.wait(2 * CLOCK_TOLERANCE_S * 1000)
    assert say(city, greeting(pen, 1, boot="another boot")).mode is Mode.UPLOAD_ONLY


def test_an_entry_of_a_version_to_come_tells_the_time_as_well(city: LiveCity, pen: Pen) -> None:
    hello = greeting(pen, 1)
    body = msgspec.json.decode(canonical(pen.write(DayOpened(), monotonic=pen.clock.ticks)))
    pen.rows.pop()
    pen.body(msgspec.json.encode(body | {"fact": {"kind": "OfTomorrow"}}, order="sorted"))
    pen.send(city.url, pen.batch())
    assert say(city, hello).mode is Mode.NORMAL
    pen.clock.wait(60_000)
    assert say(city, greeting(pen, 1)).mode is Mode.UPLOAD_ONLY


def test_a_real_till_whose_disk_was_put_back_gets_nothing_new(city: LiveCity, till: Till) -> None:
    """Its own first greeting after the change of disks is enough."""
    till.drain()
    head = till.ledger.read().head()
    serve_some(till, 2)
    till.drain()
    till.clock.wait(120_000)
    who = till.ledger.read().identity()
    assert who is not None
    hello = Hello(
        who.device, who.epoch, head.seq, head.hash, 0, "", 0, 1, "0.1.0", till.clock.ms, till.clock.ticks, "boot"
    )
    assert till.engine._connected().hello(hello).mode is Mode.UPLOAD_ONLY
    with city.store.read() as tx:
        assert [(row["seq"], row["reason"]) for row in tx.all(schema.case)] == [(head.seq + 1, "FORK")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_old_news_and_rollbacks_are_told_apart_at_every_place(sent: Pen, city: LiveCity, data: st.DataObject) -> None:
    """A greeting with head k is honest exactly when it was said before entry k + 1 was written."""
    seq = data.draw(st.integers(1, 3))
    written = sent.clock.ticks - 10_000 * (3 - seq)  # entry seq + 1
    ticks = data.draw(st.one_of(st.integers(0, written), st.integers(written + 2_001, written + 10**7)))
    with trying(city.store) as tx:
        said = welcome(tx, city.keys, greeting(sent, seq, monotonic_ms=ticks), city.clock.ms, fresh=True)
        assert (said.mode is Mode.UPLOAD_ONLY) is (ticks > written)


# --- claims without proof ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        {"acked_seq": EXACT, "head_seq": EXACT, "acked_hash": "ab" * 32},
        {"acked_seq": 5, "head_seq": 9, "acked_hash": "ab" * 32, "ack_signature": "ab" * 64, "ack_ms": 1},
        {"cursor": EXACT, "head_seq": 9},
        {"cursor": 5_000, "head_seq": 9},
    ],
    ids=["all there is", "a signature that is none", "every version", "some versions"],
)
def test_a_claim_without_proof_is_a_case_and_touches_nobody_else(
    city: LiveCity, sent: Pen, claim: dict[str, Any]
) -> None:
    hello = greeting(sent, 4, **({"head_hash": "cd" * 32} | claim))
    for _ in range(2):
        said = say(city, hello)
        assert (said.mode, said.acked_seq) == (Mode.NORMAL, 4)
    assert city.cases() == [(4, "UNPROVEN_CLAIM")]
    assert city.epoch()["claimed_seq"] <= 4
    with city.store.write() as tx:
        assert (tx.setting("recovery"), leases.recovering(tx)) == ("", [])
        done = leases.grant(tx, "2026-12")
        homes = {row["device"] for row in tx.all(schema.lease, period="2026-12")}
    assert done.leases > 0
    assert homes
    assert "EW-0001" not in homes
    line = sent.city(city.url)
    page, _ = line.pull(0)  # the versions that are left are such as a till can read
    line.close()
    assert page.families
    while len(sent.rows) < 9:
        write(sent)
    assert sent.send(city.url, sent.batch(5)).acked_seq == 9
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
        homes = {row["device"] for row in tx.all(schema.lease, period="2026-12")}
    assert ("EW-0001" in homes) is (hello.head_seq == 9)


def test_a_real_till_shows_the_proof_that_a_restored_city_needs(
    city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.drain()
    serve_some(till, 1)
    till.drain()
    acked = till.ledger.read().head().acked_seq
    with city.store.write() as tx:  # as a backup of before all that would know it
        where = {"device": "EW-0001", "epoch": 1}
        for table in (schema.entry, schema.batch, schema.redemption, schema.redemption_line):
            tx.remove(table, **where)
        start = {"acked_seq": 0, "acked_hash": genesis("EW-0001", 1).hex(), "claimed_seq": 0, "pulled": 0}
        tx.change(schema.epoch, start, **where)
    till.clock.wait(11 * 60_000)
    line = till.engine._connected()
    with monkeypatch.context() as patch:
        patch.setattr(line, "push", lambda _: (_ for _ in ()).throw(ServerUnreachable("cut", reason="test")))
        till.engine.step()
    assert city.epoch()["claimed_seq"] == acked
    with city.store.write() as tx:
        assert leases.recovering(tx) == ["EW-0001/1"]
    assert city.cases() == []


def test_a_page_that_is_asked_for_again_late_makes_no_claim_of_the_next_greeting(
    city: LiveCity, pen: Pen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_THINGS", 300)
    with city.store.write() as tx:
        first = page = feed.page_for(tx, pen.device, pen.epoch, 0)
        while page.more:
            page = feed.page_for(tx, pen.device, pen.epoch, page.cursor)
        assert page.cursor > first.cursor, "several pages"
        assert feed.page_for(tx, pen.device, pen.epoch, 0) == first  # the request lay about in the network
    say(city, greeting(pen, 0, cursor=page.cursor))
    assert city.cases() == []
