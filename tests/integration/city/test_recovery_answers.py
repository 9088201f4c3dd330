"""What answers a city that was put back, and what is news to it: late answers, forks, proofs one after the other."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_city import greeting, leases, officers, settle
from ewarung_city.store import schema
from ewarung_pos.domain.journal import OperatorChanged, StateReceived
from ewarung_pos.sync.protocol import SCHEMA, Ack, Hello, Mode
from tests.integration.city.city_kit import PERIOD, Cities, LiveCity, Pen, Till, ToldClock
from tests.integration.city.moving import at_home
from tests.integration.city.test_recovery_attacked import (
    DECEMBER,
    left_to_each_other,
    of_rice,
    outstanding,
    waits_for,
)
from tests.integration.city.test_two_copies import copied


def said(pen: Pen, head: int, acked: int, proof: Ack | None = None, **more: str) -> Hello:
    """Its greeting with that head, acknowledged up to there by that answer of the city."""
    proved = (
        {"ack_ms": proof.server_ms, "ack_flagged": proof.flagged, "ack_signature": proof.signature} if proof else {}
    )
    place = (head, pen.rows[head - 1].hash.hex(), acked, pen.rows[acked - 1].hash.hex())
    hello = Hello(pen.device, pen.epoch, *place, 0, SCHEMA, "0.1.0", pen.clock.ms, 1, "boot")
    return msgspec.structs.replace(hello, **proved, **more)


def proved(city: LiveCity, cities: Cities, pen: Pen, entries: int) -> tuple[LiveCity, list[Ack]]:
    """A copy, and the acknowledgements of the entries that the pen has sent since, each in its own batch."""
    pen.send(city.url, pen.batch())
    copy = copied(city, cities, "copy")
    acks = []
    for _ in range(entries):
        pen.write(OperatorChanged("siti", "signed_in"))
        acks.append(pen.send(city.url, pen.batch(len(pen.rows))))
    city.close()
    return copy, acks


def test_who_looks_changes_nothing_and_the_next_greeting_forgets_who_answered(
    city: LiveCity, till: Till, clock: ToldClock
) -> None:
    till.drain()
    with city.store.write() as tx:
        leases.restored(tx)
    clock.wait(11 * 60_000)
    till.drain()
    with city.store.read() as tx:
        assert leases.recovering(tx) == []
    till.reconnect(city.url)
    till.drain()
    with city.store.read() as tx:
        assert tx.starting(schema.city, "name", "owes|") == []


def test_a_late_answer_from_before_more_was_proved_ends_nothing_too_soon(
    city: LiveCity, pen: Pen, cities: Cities
) -> None:
    """The copy was made between question and answer; December was granted after it, and stands above that answer."""
    pen.send(city.url, pen.batch())
    head = len(pen.rows)
    family = str(at_home(city, "EW-0001")["key"])
    with city.store.write() as tx:
        leases.restored(tx)
        asked = tx.setting("life")
    copy = copied(city, cities, "copy")
    early = said(pen, head, head, recovery=asked, life=asked)
    pen.city(city.url).hello(early)
    assert waits_for(city) == []
    with city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
    pen.write(StateReceived(9, "", (of_rice(family, DECEMBER.iso, 10_000),)))
    ack = pen.send(city.url, pen.batch(head + 1))
    city.close()
    copy.start()
    pen.city(copy.url).hello(said(pen, head + 1, head + 1, ack, life=asked))
    with copy.store.write() as tx:
        greeting.welcome(tx, copy.keys, early, pen.clock.ms + 3_600_000, fresh=False)
    assert waits_for(copy) == ["EW-0001/1"]
    pen.send(copy.url, pen.batch(head + 1))
    assert waits_for(copy) == []


def test_a_greeting_that_shows_another_past_answers_nothing(city: LiveCity, pen: Pen) -> None:
    for _ in range(3):
        pen.write(OperatorChanged("siti", "signed_in"))
    pen.send(city.url, pen.batch())
    head = len(pen.rows)
    with city.store.write() as tx:
        leases.restored(tx)
        asked = tx.setting("life")
    city.clock.wait(60_000)
    old = msgspec.structs.replace(said(pen, head - 2, head - 2, recovery=asked, life=asked), boot="later")
    assert pen.city(city.url).hello(old).mode is Mode.UPLOAD_ONLY
    assert waits_for(city) == ["EW-0001/1"]


def test_who_proves_the_same_again_asks_nobody_anew(city: LiveCity, pen: Pen, cities: Cities) -> None:
    """Its answers end where the copy ends, and its proof lies above that."""
    copy, (ack,) = proved(city, cities, pen, 1)
    head = len(pen.rows) - 1
    copy.start()
    lives = []
    asked = ""
    for _ in range(4):
        liar = said(pen, head, head + 1, ack, recovery=asked, life=asked)
        pen.city(copy.url).hello(liar)
        with copy.store.read() as tx:
            asked = tx.setting("life")
        lives.append(asked)
    assert len(set(lives)) == 1
    assert waits_for(copy) == ["EW-0001/1"], "and it is named"


def test_a_lost_kiosk_is_news_once(city: LiveCity, pen: Pen, cities: Cities) -> None:
    """However many acknowledgements it can show, one after the other."""
    copy, acks = proved(city, cities, pen, 4)
    head = len(pen.rows)
    with copy.store.write() as tx:
        officers.freeze(tx, "EW-0001")
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
    copy.start()
    lives = set()
    for place, ack in enumerate(acks, head - 3):
        pen.city(copy.url).hello(said(pen, head, place, ack))
        with copy.store.read() as tx:
            lives.add(tx.setting("life"))
    assert len(lives) == 1


def test_nothing_is_topped_up_before_all_is_settled(city: LiveCity, pen: Pen, monkeypatch: pytest.MonkeyPatch) -> None:
    family = left_to_each_other(city, pen, monkeypatch)
    with city.store.write() as tx:
        settle.top_up(tx, family, PERIOD)
        assert outstanding(tx, family, PERIOD) == 0
