"""Both ends of the line over real HTTP: what arrives, what is said of it, and what a bad line can do (nothing)."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_city.store import schema
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import CityAcknowledged, OperatorChanged, decode
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import Period
from ewarung_pos.ports import SyncPhase
from ewarung_pos.services.day import DayService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.protocol import Outcome, ack_text
from ewarung_pos.sync.signing import verify
from tests.altered import altered
from tests.integration.city.city_kit import NOON, PERIOD, LiveCity, Pen, Till, ToldClock, Wire, answering, through

_CAPTIVE = b"<html>Selamat datang di WiFi</html>"
CAPTIVE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
    len(_CAPTIVE),
    _CAPTIVE,
)


def serve_some(till: Till, families: int = 1) -> None:
    """Open the day (once), stock up, hand rice to the next families that have a ration."""
    reader = till.ledger.read()
    stock = StockService(till.ledger)
    if not reader.day().serving:
        DayService(till.ledger, till.clock, stock).open("siti")
        stock.receive("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 400),), "siti")
    redeem = RedeemService(till.ledger, till.clock, lambda: None)
    served = 0
    for family in reader.families():
        leases = reader.leases(family.key, Period(PERIOD))
        if family.card_status != "active" or not any(x.commodity == "beras" and not x.spent for x in leases):
            continue
        basket = Basket().with_packs("beras-medium-5", 1, Tender.RATION, "JATAH")
        redeem.redeem(family.card, basket, HolderPresence.SELF, "siti")
        served += 1
        if served == families:
            return
    raise AssertionError("not enough families")


def held(city: LiveCity) -> int:
    with city.store.read() as tx:
        return tx.count(schema.entry)


def test_a_till_is_enrolled_gets_its_leases_and_both_ends_agree_on_the_journal(city: LiveCity, till: Till) -> None:
    till.drain()
    reader = till.ledger.read()
    rations = [f for f in reader.families() if "JATAH" in f.programmes]
    assert len(reader.families()) == 240
    assert reader.leases(rations[0].key, Period(PERIOD))[0].left.amount == 10_000
    assert reader.identity() == till.enrolment.identity
    assert reader.register_info()[1] == "contoh"

    serve_some(till, 3)
    till.drain()

    head = till.ledger.read().head()
    (last,) = till.ledger.read().sealed(head.acked_seq - 1, 1, 10**6)
    row = city.epoch()
    assert (
        (row["acked_seq"], row["acked_hash"]) == (head.acked_seq, last.hash.hex()) == (head.acked_seq, head.acked_hash)
    )
    assert head.unsent == 0
    assert held(city) == head.acked_seq
    with city.store.read() as tx:
        assert sum(r["spent"] for r in tx.all(schema.lease, commodity="beras")) == 15_000
        assert [r["packs"] for r in tx.all(schema.stock, product="beras-medium-5")] == [397]
    assert city.cases() == []


def test_an_acknowledgement_in_the_journal_proves_itself(till: Till) -> None:
    till.drain()
    entries = [decode(row.body) for row in till.ledger.read().sealed(0, 500, 10**7)]
    acks = [entry.fact for entry in entries if isinstance(entry.fact, CityAcknowledged)]
    assert acks
    for fact in acks:
        text = ack_text("EW-0001", 1, fact.acked_seq, fact.acked_hash, fact.server_ms, fact.flagged)
        assert verify(till.enrolment.city_key, text, bytes.fromhex(fact.signature))
        assert not verify(till.enrolment.city_key, text + b"x", bytes.fromhex(fact.signature))


def test_a_quiet_line_writes_nothing(till: Till) -> None:
    till.drain()
    before = till.ledger.read().head()
    report = till.engine.step()
    assert (report.phase, report.sent, report.received, report.more) == (SyncPhase.IDLE, 0, 0, False)
    assert till.ledger.read().head() == before


def test_a_reply_that_is_lost_leads_to_no_double(city: LiveCity, till: Till, wires: Callable[..., Wire]) -> None:
    till.drain()
    serve_some(till, 2)
    before = till.ledger.read().head()
    lost = wires(
        through(city.url, lambda answer: b"" if b'"acked_hash"' in answer and b"ACCEPTED" in answer else answer)
    )
    till.reconnect(lost.url)
    report = till.engine.step()
    assert (report.code, report.reason, report.sent) == ("server_unreachable", "cut", 0)
    assert till.ledger.read().head() == before
    assert city.epoch()["acked_seq"] == before.seq  # the city has it, the till does not know

    till.reconnect(city.url)
    till.drain()
    assert held(city) == till.ledger.read().head().acked_seq
    with city.store.read() as tx:
        assert sum(r["spent"] for r in tx.all(schema.lease, commodity="beras")) == 10_000
        assert tx.count(schema.redemption) == 2


@pytest.mark.parametrize("compressed", [False, True])
def test_a_captive_portal_changes_nothing(
    city: LiveCity, till: Till, wires: Callable[..., Wire], compressed: bool
) -> None:
    till.drain()
    serve_some(till)
    before = till.ledger.read().head()
    reply = CAPTIVE
    if compressed:
        body = gzip.compress(_CAPTIVE)
        reply = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        )
    till.reconnect(wires(answering(reply)).url)
    report = till.engine.step()
    assert (report.phase, report.code, report.reason) == (SyncPhase.WAITING, "server_unreachable", "not_the_city")
    assert report.retry_ms >= 2000
    assert report.unsent == before.unsent
    assert till.ledger.read().head() == before
    assert held(city) == before.acked_seq


def test_a_redirection_is_not_followed(till: Till, wires: Callable[..., Wire]) -> None:
    reply = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    till.reconnect(wires(answering(reply)).url)
    report = till.engine.step()
    assert (report.code, report.reason) == ("server_unreachable", "not_the_city")


def test_another_city_cannot_answer(tmp_path: Path, till: Till, clock: ToldClock) -> None:
    other = LiveCity(tmp_path / "other", clock)
    try:
        other.stock_up()
        with other.store.write() as tx:  # it even knows the kiosk's public key
            own = {"device_key": till.enrolment.device_public.hex(), "state": "active", "mode": "normal"}
            tx.put(schema.epoch, [{"device": "EW-0001", "epoch": 1, **own, "acked_hash": "00" * 32}])
        other.start()
        before = till.ledger.read().head()
        till.reconnect(other.url)
        report = till.engine.step()
        assert (report.code, report.reason) == ("unauthorised", "signature")
        assert till.ledger.read().head() == before
        assert till.ledger.read().cursor() == 0
    finally:
        other.close()


def test_an_altered_answer_is_refused(city: LiveCity, till: Till, wires: Callable[..., Wire]) -> None:
    before = till.ledger.read().head()
    bent = wires(through(city.url, altered))
    till.reconnect(bent.url)
    report = till.engine.step()
    assert (report.code, report.reason) == ("unauthorised", "signature")
    assert till.ledger.read().head() == before


def test_an_answer_to_an_earlier_request_is_refused(city: LiveCity, till: Till, wires: Callable[..., Wire]) -> None:
    kept: list[bytes] = []

    def first_again(answer: bytes) -> bytes:
        kept.append(answer)
        return kept[0]

    before = till.ledger.read().head()
    line = wires(through(city.url, first_again))
    till.reconnect(line.url)
    report = till.engine.step()  # the WELCOME is right; the ACK is the WELCOME again
    assert (report.code, report.reason) == ("unauthorised", "signature")
    assert till.ledger.read().head() == before
    assert len(kept) >= 2


def test_a_busy_city_is_left_alone_as_long_as_it_asked(
    till: Till, clock: ToldClock, wires: Callable[..., Wire]
) -> None:
    reply = b"HTTP/1.1 503 Busy\r\nRetry-After: 40\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    busy = wires(answering(reply))
    till.reconnect(busy.url)
    report = till.engine.step()
    assert (report.code, report.retry_ms) == ("server_busy", 40_000)
    asked = busy.connections
    clock.wait(39_000)
    assert till.engine.step().retry_ms == 1_000
    assert busy.connections == asked
    clock.wait(1_000)
    till.engine.step()
    assert busy.connections > asked


def test_sending_and_receiving_fail_apart(city: LiveCity, till: Till, wires: Callable[..., Wire]) -> None:
    no_pull = wires(
        through(city.url, lambda a: a if b'"acked_seq"' in a else b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
    )
    till.reconnect(no_pull.url)
    report = till.engine.step()
    assert report.sent > 0
    assert (report.received, report.code, report.reason) == (0, "server_busy", "server_error")

    no_push = wires(
        through(city.url, lambda a: b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n" if b'"outcome"' in a else a)
    )
    till.reconnect(no_push.url)
    with till.ledger.write() as uow:
        uow.append(OperatorChanged("siti", "signed_in"), "siti")
    report = till.engine.step()
    assert report.received > 1000
    assert report.code == "server_busy"


def test_without_a_line_the_till_waits_and_says_so(till: Till) -> None:
    till.reconnect("http://127.0.0.1:1")
    report = till.engine.step()
    assert (report.phase, report.code, report.reason) == (SyncPhase.WAITING, "server_unreachable", "no_line")
    assert 2_000 <= report.retry_ms <= 6_000


def test_without_a_url_the_line_is_off(till: Till) -> None:
    till.reconnect("")
    report = till.engine.step()
    assert (report.phase, report.unsent) == (SyncPhase.OFF, 1)


def test_everything_goes_up_in_batches_no_larger_than_allowed(
    city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ewarung_pos.sync.outgoing.BATCH_ENTRIES", 3)
    till.drain()
    serve_some(till, 5)
    till.drain(steps=20)
    with city.store.read() as tx:
        spans = [(row["first_seq"], row["last_seq"]) for row in tx.all(schema.batch, "last_seq")]
    assert all(last - first < 3 for first, last in spans)
    assert [first for first, _ in spans[1:]] == [last + 1 for _, last in spans[:-1]]


def test_the_citys_time_is_told(city: LiveCity, till: Till) -> None:
    assert till.engine.offset_ms() is None
    till.drain()
    assert till.engine.offset_ms() == 0


def test_a_wrong_clock_still_delivers_entries_but_gets_no_rights(city: LiveCity, tmp_path: Path) -> None:
    wrong = ToldClock(NOON - 3_600_000)
    till = Till(tmp_path / "till", city.url, city.code(), wrong)
    try:
        report = till.engine.step()
        assert report.sent == 1
        assert report.flagged == ((1, "CLOCK_SKEW"),)
        assert (report.received, report.code, report.reason) == (0, "clock_suspect", "off_server")
        assert till.engine.offset_ms() == 3_600_000
        wrong.ms = NOON
        assert till.engine.step().received > 1000
    finally:
        till.close()


def test_a_restarted_till_goes_on_where_it_was(city: LiveCity, till: Till) -> None:
    till.drain()
    serve_some(till, 2)
    till.engine.close()
    again = SyncEngine(till.ledger, till.clock, city.url)
    report = again.step()
    assert report.sent == 5  # the acknowledgements before, the day, the delivery, two redemptions
    assert report.unsent == 0
    again.close()


def test_the_same_batch_again_gets_the_same_bytes(city: LiveCity, pen: Pen) -> None:
    first = pen.send(city.url, pen.batch())
    pen.clock.wait(60_000)
    assert pen.send(city.url, pen.batch()) == first
    assert first.outcome is Outcome.ACCEPTED
    assert held(city) == 1


def test_the_city_s_time_is_carried_on_by_the_monotonic_clock_and_over_a_restart(city: LiveCity, till: Till) -> None:
    clock = till.clock
    till.drain()
    assert till.engine.offset_ms() == 0
    clock.wait(600_000)
    assert till.engine.offset_ms() == 0, "time passed"
    clock.ms += 3_600_000
    assert till.engine.offset_ms() == -3_600_000, "seen without asking the city again"
    till.reconnect(till.url)
    assert till.engine.offset_ms() == -3_600_000, "a program that starts anew knows it too"


def test_an_acknowledgement_said_again_does_not_tell_the_time(city: LiveCity, till: Till) -> None:
    """The city says it in the same bytes, with the time of the first saying."""
    till.drain()
    held = till.ledger.read().clock().city
    with till.ledger.write() as uow:
        uow.append(OperatorChanged("siti", "signed_in"), "siti")
    till.clock.wait(60_000)
    till.drain()
    assert till.ledger.read().clock().city == held
    assert till.engine.offset_ms() == 0
