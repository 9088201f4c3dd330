"""Signatures of requests, responses and texts: what is altered, replayed or by another hand is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ewarung_pos.errors import Unauthorised
from ewarung_pos.sync.signing import (
    device_keyid,
    enrol_proof,
    fingerprint,
    new_nonce,
    nonce_of,
    sign_request,
    sign_response,
    sign_text,
    split_keyid,
    unwrap_card_key,
    verify_request,
    verify_response,
    verify_text,
    wrap_card_key,
)

DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CITY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
KEYID = device_keyid("EW-0001", 1)
URL = "http://127.0.0.1:8080/v1/pull?cursor=4"
BODY = b'{"device":"EW-0001"}'
CREATED = 1_795_480_000


def keys(keyid: str) -> Ed25519PublicKey | None:
    return DEVICE.public_key() if keyid == KEYID else None


def signed(url: str = URL, body: bytes = BODY, key: Ed25519PrivateKey = DEVICE) -> dict[str, str]:
    return sign_request("POST", url, {"Content-Type": "application/json"}, body, keyid=KEYID, key=key, created=CREATED)


def test_a_signed_request_says_who_when_and_which_nonce() -> None:
    headers = signed()
    found = verify_request("POST", URL, headers, BODY, keys)
    assert found.keyid == KEYID
    assert found.created == CREATED
    assert found.nonce == nonce_of(headers) != ""
    assert headers["Content-Type"] == "application/json"


def test_header_names_may_change_case_on_the_way() -> None:
    headers = {name.lower(): value for name, value in signed().items()}
    assert verify_request("POST", URL, headers, BODY, keys).keyid == KEYID


def test_an_empty_body_is_covered_too() -> None:
    headers = sign_request("GET", URL, {}, b"", keyid=KEYID, key=DEVICE, created=CREATED)
    verify_request("GET", URL, headers, b"", keys)
    with pytest.raises(Unauthorised) as caught:
        verify_request("GET", URL, headers, b"{}", keys)
    assert caught.value.reason == "signature"


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
        verify_request(method, url, signed(), body, keys)
    assert caught.value.reason == "signature"


def test_a_digest_that_was_made_to_fit_an_altered_body_is_refused() -> None:
    other = signed(body=b"{}")
    headers = {**signed(), "Content-Digest": other["Content-Digest"]}
    with pytest.raises(Unauthorised):
        verify_request("POST", URL, headers, b"{}", keys)


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_request_without_a_part_of_its_signature_is_unsigned(name: str) -> None:
    headers = signed()
    del headers[name]
    with pytest.raises(Unauthorised) as caught:
        verify_request("POST", URL, headers, BODY, keys)
    assert caught.value.reason == "unsigned"


def test_a_signature_that_covers_less_is_refused() -> None:
    from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
    from http_message_signatures.algorithms import ED25519

    class Message:
        method, url = "POST", URL
        headers: dict[str, str] = {}

    message = Message()
    resolver = MappingKeyResolver(public_keys={}, private_keys={KEYID: DEVICE})
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=resolver).sign(
        message, key_id=KEYID, nonce="1", covered_component_ids=("@method", "@authority", "@path"), body=BODY
    )
    with pytest.raises(Unauthorised, match="not covered"):
        verify_request("POST", URL, message.headers, BODY, keys)


def test_a_key_that_is_not_known_is_told_from_a_wrong_signature() -> None:
    with pytest.raises(Unauthorised) as caught:
        verify_request("POST", URL, signed(), BODY, lambda _: None)
    assert caught.value.reason == "keyid"
    with pytest.raises(Unauthorised) as caught:
        verify_request("POST", URL, signed(key=OTHER), BODY, keys)
    assert caught.value.reason == "signature"


@pytest.mark.parametrize("field", ["", "x", "ewarung=()", 'ewarung=("@method");nonce=1', "=" * 5000, "ewarung=(\x00)"])
@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_malformed_field_is_refused_and_nothing_else_happens(name: str, field: str) -> None:
    headers = {**signed(), name: field}
    with pytest.raises(Unauthorised):
        verify_request("POST", URL, headers, BODY, keys)
    assert isinstance(nonce_of(headers), str)


def test_the_city_s_answer_is_bound_to_the_request() -> None:
    nonce = new_nonce()
    headers = sign_response(200, {"Content-Type": "application/json"}, BODY, nonce, CITY)
    verify_response(200, headers, BODY, nonce, [CITY.public_key()])
    with pytest.raises(Unauthorised) as caught:
        verify_response(200, headers, BODY, new_nonce(), [CITY.public_key()])
    assert caught.value.reason == "nonce"


def test_the_next_city_key_may_sign_as_well() -> None:
    headers = sign_response(200, {}, BODY, "abc", CITY)
    verify_response(200, headers, BODY, "abc", [OTHER.public_key(), CITY.public_key()])


@pytest.mark.parametrize(
    "forge",
    [
        lambda h: (403, h, BODY, [CITY.public_key()]),
        lambda h: (200, h, b"{}", [CITY.public_key()]),
        lambda h: (200, h, BODY, [OTHER.public_key()]),
        lambda h: (200, h, BODY, []),
        lambda h: (200, {"content-type": "text/html"}, BODY, [CITY.public_key()]),
        lambda h: (200, {**h, "x-request-nonce": "def"}, BODY, [CITY.public_key()]),
    ],
)
def test_an_answer_altered_forged_or_unsigned_is_refused(
    forge: Callable[[dict[str, str]], tuple[int, dict[str, str], bytes, list[Ed25519PublicKey]]],
) -> None:
    status, headers, body, city = forge(sign_response(200, {}, BODY, "abc", CITY))
    with pytest.raises(Unauthorised):
        verify_response(status, headers, body, "abc", city)


def test_a_request_signature_is_no_response_signature() -> None:
    headers = sign_request("GET", URL, {"x-request-nonce": "abc"}, BODY, keyid="city", key=CITY, created=CREATED)
    with pytest.raises(Unauthorised):
        verify_response(200, headers, BODY, "abc", [CITY.public_key()])


def test_the_nonce_of_an_unsigned_request_stands_in_its_header() -> None:
    assert nonce_of({"X-Request-Nonce": "abc123"}) == "abc123"
    assert nonce_of({"X-Request-Nonce": 'a", evil="1'}) == ""
    assert nonce_of({}) == ""


def test_keyids_come_apart_as_they_were_made() -> None:
    assert split_keyid(device_keyid("EW-0001", 12)) == ("EW-0001", 12)
    for wrong in ("", "EW-0001", "EW-0001|", "|1", "EW-0001|x", "EW-0001|²", "city"):
        with pytest.raises(Unauthorised):
            split_keyid(wrong)


def test_texts_are_signed_by_one_key() -> None:
    signature = sign_text(CITY, b"ack|1")
    assert verify_text(CITY.public_key(), signature, b"ack|1")
    assert not verify_text(CITY.public_key(), signature, b"ack|2")
    assert not verify_text(OTHER.public_key(), signature, b"ack|1")
    assert not verify_text(CITY.public_key(), "zz", b"ack|1")


def test_the_card_key_is_for_one_till_only() -> None:
    till, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    wrapped = wrap_card_key(bytes(32), till.public_key().public_bytes_raw())
    assert unwrap_card_key(wrapped, till.private_bytes_raw()) == bytes(32)
    assert len(wrapped) == 2 * (32 + 12 + 32 + 16)
    altered = wrapped[:-2] + ("00" if wrapped[-2:] != "00" else "01")
    for text, key in ((wrapped, other), (altered, till), (wrapped[:60], till), ("zz", till)):
        with pytest.raises(ValueError, match=r"wrapped|32|hex|[Nn]once"):
            unwrap_card_key(text, key.private_bytes_raw())


def test_proof_and_fingerprint_depend_on_every_key() -> None:
    one, two, three = bytes(32), bytes([1]) * 32, bytes([2]) * 32
    assert enrol_proof(b"S", one, two) != enrol_proof(b"S", two, one)
    assert enrol_proof(b"S", one, two) != enrol_proof(b"T", one, two)
    digits = {fingerprint(one, two, three), fingerprint(two, one, three), fingerprint(one, three, two)}
    assert len(digits) == 3
    assert all(len(shown) == 6 and shown.isdigit() for shown in digits)
