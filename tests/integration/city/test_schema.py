"""The OpenAPI document says what the city takes and answers, and nothing that fits it makes the city fail."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, event, given, settings

from ewarung_city.store import schema
from ewarung_city.verify import verify
from ewarung_pos.sync.protocol import Enrol, GrantRequest, Hello, Push, encode
from ewarung_pos.sync.signing import SignedBy, public_of, sign_request
from tests.integration.city.city_kit import LiveCity, Pen

OPERATIONS = [
    "POST /v1/enrol",
    "POST /v1/hello",
    "POST /v1/push",
    "GET /v1/pull",
    "POST /v1/grant",
    "GET /v1/attest/{date}",
    "GET /health",
]


class Signed(requests.auth.AuthBase):
    """Signs what the generator made, as this kiosk."""

    def __init__(self, city: LiveCity, pen: Pen) -> None:
        self.city = city
        self.pen = pen

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url, body = str(request.url), request.body or b""
        request.body = body.encode() if isinstance(body, str) else bytes(body)
        headers = {"Host": urlsplit(url).netloc}
        enrols = urlsplit(url).path.startswith("/v1/enrol")
        keyid = f"enrol/{public_of(self.pen.key).hex()}" if enrols else f"{self.pen.device}/{self.pen.epoch}"
        by = SignedBy(keyid, self.city.clock.ms // 1000, secrets.token_urlsafe(24))
        sign_request(str(request.method), url, headers, request.body, self.pen.key, by)
        request.headers.update(headers)
        return request


@pytest.fixture
def document(city: LiveCity) -> Any:
    return schemathesis.openapi.from_url(city.url + "/schema/openapi.json")


def test_every_operation_is_described(document: Any) -> None:
    assert sorted(result.ok().label for result in document.get_all_operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("label", OPERATIONS)
def test_what_fits_the_document_is_answered_as_it_says(city: LiveCity, pen: Pen, document: Any, label: str) -> None:
    many(city, pen, document, label, 30)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("label", OPERATIONS)
def test_so_is_a_great_deal_of_it(city: LiveCity, pen: Pen, document: Any, label: str) -> None:
    many(city, pen, document, label, 3_000)


def many(city: LiveCity, pen: Pen, document: Any, label: str, examples: int) -> None:
    """So many messages that fit the document, half of them in this kiosk's own name."""
    (operation,) = [result.ok() for result in document.get_all_operations() if result.ok().label == label]
    signed = Signed(city, pen)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        case.body = own(whole(case.body), pen)
        answer = case.call(auth=signed)
        event(f"{label} {answer.status_code}")
        case.validate_response(answer)
        with city.store.write() as tx:  # what it may have believed of this kiosk is forgotten for the next
            tx.change(schema.epoch, {"mode": "normal", "reason": ""}, device=pen.device, epoch=pen.epoch)

    run()
    with city.store.read() as tx:
        assert verify(tx) == []


def whole(value: Any) -> Any:
    """JSON Schema takes 1.0 for an integer; here a number has no fraction, as the description says."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    return {name: whole(item) for name, item in value.items()} if isinstance(value, dict) else value


def own(body: Any, pen: Pen) -> Any:
    """In the name of the kiosk that signs; else every message would only be another's."""
    if not isinstance(body, dict):
        return body
    named = {"device": pen.device, "epoch": pen.epoch, "device_key": public_of(pen.key).hex()}
    return body | {name: value for name, value in named.items() if name in body}


@pytest.mark.parametrize("kind", [Enrol, Hello, Push, GrantRequest])
def test_a_message_that_the_document_does_not_allow_is_refused_as_malformed(
    city: LiveCity, pen: Pen, kind: type[msgspec.Struct]
) -> None:
    """Each field with something outside of what the document says of it."""
    said = requests.get(city.url + "/schema/openapi.json", timeout=10).json()["components"]["schemas"][kind.__name__]
    path = {"Enrol": "enrol", "Hello": "hello", "Push": "push", "GrantRequest": "grant"}[kind.__name__]
    assert set(said["properties"]) == {field.encode_name for field in msgspec.structs.fields(kind)}
    good = least(said)
    for name, field in said["properties"].items():
        for bad in outside(field):
            body = encode(good | {name: bad})
            answer = requests.post(f"{city.url}/v1/{path}", data=body, auth=Signed(city, pen), timeout=10)
            assert (answer.status_code, answer.json()["reason"]) == (400, "malformed"), (name, bad)


def least(said: dict[str, Any]) -> dict[str, Any]:
    """A message with nothing in it but what must be."""
    plain: dict[str, Any] = {"device": "EW-0001", "period": "2026-11", "request": "r", "code_id": "AAAA"}
    made = {}
    for name in said["required"]:
        field = said["properties"][name]
        length = field.get("maxLength", 0)
        made[name] = plain.get(
            name, {"integer": field.get("minimum", 0), "string": "0" * length, "array": [{}]}[field["type"]]
        )
    return made


def outside(field: dict[str, Any]) -> Iterator[Any]:
    kind = field.get("type", "")
    if kind == "integer":
        yield from (field["minimum"] - 1, field["maximum"] + 1, "1", 0.5, None)
    elif kind == "string":
        yield from ("0" * (field["maxLength"] + 1), 0, None)
        if "pattern" in field:
            yield "\0"
    elif kind == "array":
        yield from ({}, None, [1] * (field["maxItems"] + 1))
    elif kind == "boolean":
        yield from (0, "true", None)
