"""A file of the city's words as the till's engine meets it: what it says, says again, and never says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.journal import CityAcknowledged
from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import BundleRefused, ConfigError, ProtocolMismatch, ServerUnreachable
from ewarung_pos.ports import StickPlace
from ewarung_pos.sync import bundle, protocol, signing
from ewarung_pos.sync.bundle import Bundle, Header, Message, Way
from ewarung_pos.sync.carried import CarriedCity
from ewarung_pos.sync.outgoing import greeting
from ewarung_pos.sync.protocol import Ack, GrantRequest, Outcome, Problem, Welcome, encode
from ewarung_pos.sync.stick import NOTES_FILE, Notes, Stick, fetch_bundle, notes_in, outgoing_bundle
from tests.till_kit import TillKit, till_kit
from tests.unit.sync.line import CITY, DEVICE

HASH = "ab" * 32
BEHIND = Problem(409, "Later", "behind")
CLOCK = Problem(409, "Later", "clock")


@pytest.fixture
def kit(tmp_path: Path) -> Any:
    made = till_kit(tmp_path, families=2)
    with made.ledger.write() as uow:
        uow.put_secret("city_key", signing.public_of(CITY))
    yield made
    made.ledger.close()


def answer(place: int, target: str, said: object, status: int = 200) -> Message:
    body = encode(said)
    headers = {protocol.NONCE_HEADER: f"{'0' * 32}.{place}"}
    signing.sign_response(status, headers, body, CITY, "city/1", 1)
    return Message(target, body, status, {name.lower(): value for name, value in headers.items()})


def opened(*said: tuple[str, object] | tuple[str, object, int]) -> Bundle:
    header = Header(
        way=Way.TO_KIOSK, city=signing.public_of(CITY).hex(), device="EW-0001", epoch=1, id="1" * 32,
        answers="0" * 32, created_s=1,
    )  # fmt: skip
    told = [answer(place, *each) for place, each in enumerate(said)]
    data = bundle.write(header, told, CITY, signing.public_of(DEVICE))
    return bundle.read(data, lambda _: signing.public_of(CITY), DEVICE)


def city(*said: tuple[str, object] | tuple[str, object, int], known: CityAcknowledged | None = None) -> CarriedCity:
    return CarriedCity(opened(*said), signing.public_of(CITY), known)


def push(kit: TillKit) -> protocol.Push:
    made = outgoing_bundle(kit.ledger.read(), kit.clock)
    found = bundle.read(made.data, lambda _: signing.public_of(DEVICE), CITY)
    (said,) = [message.body for message in found.messages() if message.target == "POST /v1/push"]
    return msgspec.json.decode(said, type=protocol.Push)


def test_a_greeting_that_was_not_sent_is_answered_by_what_it_says_itself(kit: TillKit) -> None:
    reader = kit.ledger.read()
    who = reader.identity()
    assert who is not None
    hello = greeting(reader, who, kit.clock.now())
    assert city().hello(hello) == Welcome(hello.acked_seq, hello.acked_hash, 0, 0)
    held = city(("POST /v1/hello", Welcome(1, HASH, 4, 5, recovery="asked")))
    assert (held.asks, held.hello(hello).acked_seq, held.asks) == ("", 1, "asked")


def test_an_acknowledgement_is_said_once_and_the_last_one_again(kit: TillKit) -> None:
    first, gap = Ack(Outcome.ACCEPTED, 4, HASH, 1), Ack(Outcome.QUARANTINED, 4, HASH, 1, reason="GAP", bad_seq=5)
    said = city(("POST /v1/push", first), ("POST /v1/push", gap))
    batch = push(kit)
    assert [said.push(batch)[0] for _ in range(3)] == [first, gap, gap]
    assert (said.heard, said.lacks_from) == (2, 5)


def test_a_file_that_says_nothing_of_entries_repeats_what_is_known_or_says_nothing(kit: TillKit) -> None:
    batch = push(kit)
    known = CityAcknowledged(4, HASH, 1, "cd" * 64, ((2, "X"),))
    assert city(known=known).push(batch)[0] == Ack(Outcome.ACCEPTED, 4, HASH, 1, ((2, "X"),), signature="cd" * 64)
    silent = city()
    for work in (
        lambda: silent.push(batch),
        lambda: silent.grant(GrantRequest("EW-0001", 1, "r", "ab" * 32, "2026-11")),
    ):
        with pytest.raises(ServerUnreachable) as caught:
            work()
        assert caught.value.reason == "not_carried"


def test_pages_follow_each_other_and_one_that_is_known_in_part_is_taken(kit: TillKit) -> None:
    where = "GET /v1/pull?cursor=3&acked_seq=4&acked_hash=ab"
    said = city((where, StatePage(7, more=True)), (where, StatePage(9)))
    assert [said.pull(cursor)[0].cursor for cursor in (2, 3, 6, 7, 8, 9, 12)] == [2, 7, 7, 9, 9, 9, 12]
    assert said.pull(9) == (StatePage(9), b"")


def test_what_was_withheld_is_said_once_and_what_was_overtaken_never() -> None:
    where = "GET /v1/pull?cursor=3&acked_seq=4&acked_hash=ab"
    late = city((where, BEHIND, 409))
    assert late.pull(3)[0] == StatePage(3)
    ahead = city((where, CLOCK, 409))
    with pytest.raises(ProtocolMismatch) as caught:
        ahead.pull(3)
    assert caught.value.reason == "clock"
    assert ahead.pull(3)[0] == StatePage(3)


def test_a_day_that_was_not_asked_for_or_not_there_has_no_word() -> None:
    said = city(
        ("GET /v1/attest/2026-11-23", Problem(404, "Not here", "day_not_here"), 404),
        ("GET /v1/attest/2026-11-24", ATTEST),
        ("POST /v1/tomorrow", {"x": 1}),
    )
    assert said.attest("2026-11-22") is None
    assert said.attest("2026-11-23") is None
    assert [said.attest("2026-11-24") for _ in range(2)] == [ATTEST, ATTEST]
    assert said.heard == 1
    said.close()


ATTEST = protocol.Attest("EW-0001", 1, "2026-11-24", 2, 9, HASH, DayTotals(2, 9), (), 1, "cd" * 64)


@pytest.mark.parametrize(
    ("target", "said", "status"),
    [
        ("POST /v1/hello", {"acked_seq": "one"}, 200),
        ("POST /v1/push", [], 200),
        ("POST /v1/push", "no problem document", 500),
        ("GET /v1/pull?cursor=3", {"cursor": -1, "leases": 1}, 200),
        ("GET /v1/attest/2026-11-24", {}, 200),
        ("POST /v1/hello", Welcome(0, "", 0, 0), 503),
    ],
)
def test_an_answer_of_another_kind_is_damage(target: str, said: object, status: int) -> None:
    with pytest.raises(BundleRefused) as caught:
        city((target, said, status))
    assert caught.value.reason == "damaged"


def test_an_answer_to_another_question_is_damage() -> None:
    found = opened(("POST /v1/hello", Welcome(0, "", 0, 0)))
    other = msgspec.structs.replace(found.header, answers="2" * 32)
    with pytest.raises(BundleRefused):
        CarriedCity(Bundle(other, found._records), signing.public_of(CITY), None)


# --- what the stick notes ---------------------------------------------------------------------------------------------


def test_a_machine_that_is_no_kiosk_has_nothing_to_send_or_take(tmp_path: Path) -> None:
    from ewarung_pos.ledger.database import open_ledger
    from tests.till_kit import FakeClock

    clock = FakeClock()
    ledger = open_ledger(tmp_path, bytes(32), clock, create=True)
    try:
        for work in (lambda: outgoing_bundle(ledger.read(), clock), lambda: fetch_bundle(ledger, clock, b"")):
            with pytest.raises(ConfigError) as caught:
                work()
            assert caught.value.reason == "not_enrolled"
    finally:
        ledger.close()


def test_notes_that_cannot_be_read_or_written_are_none(kit: TillKit, tmp_path: Path) -> None:
    assert notes_in(tmp_path) == Notes()
    (tmp_path / NOTES_FILE).write_text("half a no")
    assert notes_in(tmp_path) == Notes()
    (tmp_path / NOTES_FILE).write_bytes(encode(Notes("asked", 4)))
    assert notes_in(tmp_path) == Notes("asked", 4)
    place = StickPlace(str(tmp_path), "USB")
    stick = Stick(kit.ledger, kit.clock, tmp_path / "gone", lambda: (place,))
    assert stick.places() == (place,)
    (tmp_path / "reply.bundle").write_bytes(reply(kit))
    assert stick.fetch(str(tmp_path)).report.code == ""


def reply(kit: TillKit) -> bytes:
    """The city's file to a kiosk of which it holds nothing yet."""
    header = Header(
        way=Way.TO_KIOSK, city=signing.public_of(CITY).hex(), device="EW-0001", epoch=1, id="1" * 32,
        answers="0" * 32, created_s=1,
    )  # fmt: skip
    return bundle.write(header, (), CITY, signing.public_of(DEVICE))


def test_what_the_city_asked_for_is_said_by_the_next_file(kit: TillKit) -> None:
    made = outgoing_bundle(kit.ledger.read(), kit.clock, Notes("asked", 1))
    found = bundle.read(made.data, lambda _: signing.public_of(DEVICE), CITY)
    first = next(iter(found.messages()))
    assert msgspec.json.decode(first.body, type=protocol.Hello).recovery == "asked"
    assert (made.header.first_seq, made.left) == (1, 0)
