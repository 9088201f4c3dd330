"""What a till that knows no city yet believes: only who knows the secret of the code that a person typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ewarung_pos.clock import SystemClock
from ewarung_pos.errors import ProtocolMismatch, ServerBusy, ServerUnreachable, SyncError, Unauthorised
from ewarung_pos.kiosk.enrolment import enrol_into
from ewarung_pos.sync import packing, protocol, signing
from ewarung_pos.sync.enrolment import Enrolment, enrol
from ewarung_pos.sync.protocol import Enrol, Enrolled, EnrolPending, encode
from tests.unit.sync.line import CITY, Reply, Seen, served

CODE = "AK4D-4FBM-SPFW-Y1R9"
CODE_ID, SECRET = signing.code_secret(CODE)
CARD_KEY = bytes(range(64, 96))
CITY_KEY = signing.public_of(CITY).hex()


def asked(seen: Seen) -> Enrol:
    body = packing.unpack(seen.body) if "Content-Encoding" in seen.headers else seen.body
    return msgspec.json.decode(body, type=Enrol)


def taken_in(seen: Seen, secret: bytes = SECRET, context: str = CODE_ID, **other: object) -> Reply:
    message = asked(seen)
    card_key = signing.wrap(bytes.fromhex(message.wrap_key), CARD_KEY, context).hex()
    answer = Enrolled("EW-0007", 3, "Mawar", "33.74", "Kauman", False, CITY_KEY, "", card_key, 0, 5)
    answer = msgspec.structs.replace(answer, proof=signing.answer_proof(secret, message.device_key, CITY_KEY, answer))
    return Reply(body=encode(msgspec.structs.replace(answer, **other)))


def pending(seen: Seen) -> Reply:
    proof = signing.answer_proof(SECRET, asked(seen).device_key, CITY_KEY)
    return Reply(202, body=encode(EnrolPending(CITY_KEY, proof)))


def enrolled(*answers: Callable[[Seen], Reply]) -> tuple[Enrolment, list[Seen], list[str]]:
    waiting = list(answers)
    digits: list[str] = []

    def in_turn(seen: Seen) -> Reply:
        return waiting.pop(0)(seen)

    with served(in_turn) as (url, seen):
        done = enrol(url, CODE, "0.1.0", on_digits=digits.append, sleep=lambda _: None)
    return done, seen, digits


def test_the_answer_of_the_city_that_issued_the_code_is_believed() -> None:
    done, seen, digits = enrolled(taken_in)
    assert (done.identity.device, done.identity.epoch, done.card_key) == ("EW-0007", 3, CARD_KEY)
    assert done.city_key.hex() == CITY_KEY
    message = asked(seen[0])
    assert message.code_id == CODE_ID
    assert message.proof == signing.enrol_proof(SECRET, CODE_ID, message.device_key, message.wrap_key)
    assert seen[0].by.keyid == f"enrol/{message.device_key}"
    assert signing.public_of(done.device_key).hex() == message.device_key
    assert digits == []


def test_neither_code_nor_private_keys_travel_or_are_shown() -> None:
    done, seen, _ = enrolled(taken_in)
    everything = seen[0].body + repr(seen[0].headers).encode() + repr(done).encode()
    for secret in (SECRET, done.device_key, CODE.replace("-", "").encode()):
        assert secret not in everything
        assert secret.hex().encode() not in everything


def test_the_same_question_is_asked_until_a_person_has_compared_the_digits() -> None:
    _, seen, digits = enrolled(pending, pending, taken_in)
    messages = [asked(one) for one in seen]
    assert messages[0] == messages[1] == messages[2]
    assert digits == [signing.fingerprint(messages[0].device_key, messages[0].wrap_key, CITY_KEY)]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_city_does_not_end_the_wait_for_whoever_compares(status: int) -> None:
    def busy(_: Seen) -> Reply:
        return Reply(status, body=b"{}")

    done, seen, digits = enrolled(pending, busy, busy, taken_in)
    assert (done.identity.device, len(seen), len(digits)) == ("EW-0007", 4, 1)
    assert isinstance(refused(busy), ServerBusy)


def test_nobody_who_compares_is_said() -> None:
    with served(pending) as (url, _), pytest.raises(Unauthorised) as caught:
        enrol(url, CODE, "0.1.0", wait_seconds=0, sleep=lambda _: None)
    assert caught.value.reason == "not_approved"


def test_a_lost_answer_is_asked_for_again_with_the_same_keys() -> None:
    _, seen, _ = enrolled(lambda _: Reply(cut=True), taken_in)
    assert asked(seen[0]) == asked(seen[1])


def refused(answer: Callable[[Seen], Reply]) -> SyncError:
    with served(answer) as (url, _), pytest.raises(SyncError) as caught:
        enrol(url, CODE, "0.1.0", sleep=lambda _: None)
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        lambda seen: taken_in(seen, secret=bytes(32)),
        lambda seen: taken_in(seen, device="EW-0008"),
        lambda seen: taken_in(seen, practice=True),
        lambda seen: taken_in(seen, proof=""),
        lambda seen: Reply(body=taken_in(seen).body, key=bytes(range(2, 34))),
        lambda seen: Reply(202, body=encode(EnrolPending(CITY_KEY, "00" * 32))),
    ],
)
def test_whoever_does_not_know_the_code_is_not_the_city(answer: Callable[[Seen], Reply]) -> None:
    error = refused(answer)
    assert isinstance(error, Unauthorised)
    assert error.reason == "signature"


def test_a_card_key_that_was_sealed_for_another_code_is_refused() -> None:
    assert refused(lambda seen: taken_in(seen, context="XXXX")).reason == "wrapped_key"


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        (Reply(403, body=encode(protocol.Problem(403, "No", "code_used"))), Unauthorised, "code_used"),
        (Reply(409, body=encode(protocol.Problem(409, "No", "schema"))), ProtocolMismatch, "schema"),
        (Reply(503, body=b"{}"), ServerBusy, "server_error"),
        (Reply(key=None, headers={"Content-Type": "text/html"}, body=b"<p>"), ServerUnreachable, "not_the_city"),
        (Reply(body=b'{"city_key":' + b"[" * 9_000), ServerUnreachable, "not_the_city"),
    ],
)
def test_a_refusal_keeps_its_word(reply: Reply, kind: type[SyncError], reason: str) -> None:
    error = refused(lambda _: reply)
    assert isinstance(error, kind)
    assert error.reason == reason


def test_a_failed_enrolment_leaves_nothing_behind(tmp_path: Path) -> None:
    refusal = Reply(403, body=encode(protocol.Problem(403, "No", "code_wrong")))
    with served(lambda _: refusal) as (url, _), pytest.raises(Unauthorised):
        enrol_into(tmp_path, url, CODE, SystemClock(), practice=True)
    assert list(tmp_path.iterdir()) == []
