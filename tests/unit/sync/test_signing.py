"""Signatures of requests, answers and texts: what is altered, replayed or by another hand is refused."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ewarung_pos.errors import ServerBusy, Unauthorised
from ewarung_pos.sync.protocol import NONCE_HEADER, Enrolled
from ewarung_pos.sync.signing import (
    SignedBy,
    answer_proof,
    code_secret,
    enrol_proof,
    fingerprint,
    new_code,
    new_wrap_key,
    public_of,
    sign,
    sign_request,
    sign_response,
    unwrap,
    verify,
    verify_request,
    verify_response,
    wrap,
    wrap_public_of,
)
from tests.altered import altered

DEVICE, CITY, OTHER = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
BY = SignedBy("EW-0001/1", 1_795_480_000, "0123456789abcdef0123456789abcdef")
URL = "http://127.0.0.1:8080/v1/pull?cursor=4"
BODY = b'{"device":"EW-0001"}'


def key_of(keyid: str) -> bytes | None:
    return public_of(DEVICE) if keyid == BY.keyid else None


def signed(url: str = URL, body: bytes = BODY, key: bytes = DEVICE, by: SignedBy = BY) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    sign_request("POST", url, headers, body, key, by)
    return headers


def answered(body: bytes = BODY, key: bytes = CITY, nonce: str = BY.nonce) -> dict[str, str]:
    headers = {"Content-Type": "application/json", NONCE_HEADER: nonce}
    sign_response(200, headers, body, key, "city", BY.created)
    return headers


def test_a_signed_request_says_who_when_and_which_nonce() -> None:
    assert verify_request("POST", URL, signed().items(), BODY, key_of) == BY


def test_header_names_may_change_case_on_the_way() -> None:
    lines = [(name.lower(), value) for name, value in signed().items()]
    assert verify_request("POST", URL, lines, BODY, key_of) == BY


def test_a_clock_that_is_years_off_stops_no_request() -> None:
    for created in (0, 4_000_000_000):
        by = SignedBy(BY.keyid, created, BY.nonce)
        assert verify_request("POST", URL, signed(by=by).items(), BODY, key_of).created == created


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", URL, BODY),
        ("POST", "http://127.0.0.1:8081/v1/pull?cursor=4", BODY),
        ("POST", "http://127.0.0.1:8080/v1/push?cursor=4", BODY),
        ("POST", "http://127.0.0.1:8080/v1/pull?cursor=5", BODY),
        ("POST", "http://127.0.0.1:8080/v1/pull", BODY),
        ("POST", URL, BODY + b" "),
        ("POST", URL, b""),
    ],
)
def test_another_method_place_query_or_body_is_refused(method: str, url: str, body: bytes) -> None:
    with pytest.raises(Unauthorised) as caught:
        verify_request(method, url, signed().items(), body, key_of)
    assert caught.value.reason == "signature"


def test_a_digest_that_was_made_to_fit_an_altered_body_is_refused() -> None:
    headers = {**signed(), "Content-Digest": signed(body=b"{}")["Content-Digest"]}
    with pytest.raises(Unauthorised):
        verify_request("POST", URL, headers.items(), b"{}", key_of)


def test_an_empty_body_is_covered_too() -> None:
    headers: dict[str, str] = {}
    sign_request("GET", URL, headers, b"", DEVICE, BY)
    assert verify_request("GET", URL, headers.items(), b"", key_of) == BY
    with pytest.raises(Unauthorised):
        verify_request("GET", URL, headers.items(), b"{}", key_of)


def test_a_signature_that_covers_less_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
    from http_message_signatures.algorithms import ED25519

    class Message:
        method, url = "POST", URL
        headers: dict[str, str] = {}  # noqa: RUF012 - one message of one test

    key = Ed25519PrivateKey.from_private_bytes(DEVICE)
    resolver = MappingKeyResolver(public_keys={}, private_keys={BY.keyid: key})
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=resolver).sign(
        Message, key_id=BY.keyid, nonce=BY.nonce, covered_component_ids=("@method", "@path"), body=BODY
    )
    with pytest.raises(Unauthorised, match="not covered"):
        verify_request("POST", URL, Message.headers.items(), BODY, key_of)


def test_a_key_that_cannot_be_looked_up_now_is_no_wrong_signature() -> None:
    def busy(_: str) -> bytes:
        raise ServerBusy("no connection", reason="database")

    with pytest.raises(ServerBusy):
        verify_request("POST", URL, signed().items(), BODY, busy)


def test_an_unknown_kiosk_is_told_from_a_wrong_signature() -> None:
    with pytest.raises(Unauthorised) as caught:
        verify_request("POST", URL, signed().items(), BODY, lambda _: None)
    assert caught.value.reason == "unknown_key"
    with pytest.raises(Unauthorised) as caught:
        verify_request("POST", URL, signed(key=OTHER).items(), BODY, key_of)
    assert caught.value.reason == "signature"


@pytest.mark.parametrize("field", ["", "x", "ewarung=()", 'ewarung=("@method");nonce=1', "=" * 5000, "ewarung=(\x00)"])
@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_malformed_field_is_refused(name: str, field: str) -> None:
    with pytest.raises(Unauthorised):
        verify_request("POST", URL, {**signed(), name: field}.items(), BODY, key_of)


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_missing_field_is_refused(name: str) -> None:
    headers = signed()
    del headers[name]
    with pytest.raises(Unauthorised):
        verify_request("POST", URL, headers.items(), BODY, key_of)


def test_a_nonce_too_short_to_be_unique_is_refused() -> None:
    with pytest.raises(Unauthorised, match="nonce"):
        verify_request("POST", URL, signed(by=SignedBy(BY.keyid, BY.created, "1")).items(), BODY, key_of)


def test_the_city_s_answer_is_bound_to_the_request() -> None:
    verify_response(200, answered(), BODY, public_of(CITY), BY.nonce)
    with pytest.raises(Unauthorised, match="another request"):
        verify_response(200, answered(), BODY, public_of(CITY), "f" * 32)


Forgery = Callable[[dict[str, str]], tuple[int, dict[str, str], bytes, bytes]]


@pytest.mark.parametrize(
    "forge",
    [
        lambda h: (403, h, BODY, CITY),
        lambda h: (200, h, b"{}", CITY),
        lambda h: (200, h, BODY, OTHER),
        lambda h: (200, {"content-type": "text/html"}, BODY, CITY),
        lambda h: (200, {**h, NONCE_HEADER: "f" * 32}, BODY, CITY),
    ],
)
def test_an_answer_altered_forged_or_unsigned_is_refused(forge: Forgery) -> None:
    status, headers, body, city = forge(answered())
    with pytest.raises(Unauthorised):
        verify_response(status, headers, body, public_of(city), BY.nonce)


def test_a_request_signature_is_no_response_signature() -> None:
    headers = {NONCE_HEADER: BY.nonce}
    sign_request("GET", URL, headers, BODY, CITY, BY)
    with pytest.raises(Unauthorised):
        verify_response(200, headers, BODY, public_of(CITY), BY.nonce)


def test_texts_are_signed_by_one_key() -> None:
    signature = sign(CITY, b"ack|1")
    assert verify(public_of(CITY), b"ack|1", signature)
    assert not verify(public_of(CITY), b"ack|2", signature)
    assert not verify(public_of(OTHER), b"ack|1", signature)
    assert not verify(public_of(CITY), b"ack|1", b"")


def test_the_card_key_is_for_one_till_and_one_epoch_only() -> None:
    till, other = new_wrap_key(), new_wrap_key()
    wrapped = wrap(wrap_public_of(till), bytes(32), "EW-0001/1")
    assert unwrap(till, wrapped, "EW-0001/1") == bytes(32)
    for key, sealed, context in (
        (other, wrapped, "EW-0001/1"),
        (till, altered(wrapped), "EW-0001/1"),
        (till, wrapped, "EW-0001/2"),
        (till, wrapped[:50], "EW-0001/1"),
        (till, b"", "EW-0001/1"),
    ):
        with pytest.raises(Unauthorised) as caught:
            unwrap(key, sealed, context)
        assert caught.value.reason == "wrapped_key"


def test_a_code_is_read_however_it_is_typed() -> None:
    code = new_code()
    sloppy = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert code_secret(sloppy) == code_secret(code)
    assert code_secret(code)[1] != code_secret(new_code())[1]
    for wrong in ("", "ABCD", code + "A", code[:-1] + "U"):
        with pytest.raises(Unauthorised) as caught:
            code_secret(wrong)
        assert caught.value.reason == "code_form"


def test_proofs_depend_on_every_word() -> None:
    keys = ("11" * 32, "22" * 32)
    proofs = {
        enrol_proof(b"S", "ABCD", *keys),
        enrol_proof(b"T", "ABCD", *keys),
        enrol_proof(b"S", "ABCE", *keys),
        enrol_proof(b"S", "ABCD", *reversed(keys)),
    }
    assert len(proofs) == 4
    answer = Enrolled("EW-0001", 1, "Mawar", "33.74", "Kauman", False, "33" * 32, "", "44" * 60, 0, 1)
    said = {
        answer_proof(b"S", keys[0], "33" * 32, answer),
        answer_proof(b"S", keys[0], "33" * 32, msgspec.structs.replace(answer, practice=True)),
        answer_proof(b"S", keys[0], "33" * 32, msgspec.structs.replace(answer, card_key="45" * 60)),
        answer_proof(b"S", keys[0], "33" * 32),
        answer_proof(b"T", keys[0], "33" * 32),
    }
    assert len(said) == 5


def test_the_six_digits_depend_on_every_key() -> None:
    one, two, three = "11" * 32, "22" * 32, "33" * 32
    digits = {fingerprint(one, two, three), fingerprint(two, one, three), fingerprint(one, three, two)}
    assert len(digits) == 3
    assert all(len(shown) == 6 and shown.isdigit() for shown in digits)
