"""The signed interface from outside: whoever asks wrongly is refused with a problem document, and nothing breaks."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ewarung_city.keys import make_keys
from ewarung_city.limits import Limits
from ewarung_city.store import schema
from ewarung_pos.errors import ProtocolMismatch, ServerBusy, Unauthorised
from ewarung_pos.sync.packing import pack
from ewarung_pos.sync.protocol import (
    CLOCK_TOLERANCE_S,
    MESSAGE_BYTES,
    PROBLEM_TYPE,
    GrantRequest,
    Hello,
    Problem,
    encode,
)
from ewarung_pos.sync.signing import SignedBy, new_key, public_of, sign_request, verify_response
from tests.integration.city.city_kit import LiveCity, Pen, ToldClock


class Asker:
    """Signs what it is told to, and checks that every answer under /v1 is signed back."""

    def __init__(self, city: LiveCity, pen: Pen) -> None:
        self.city = city
        self.key = pen.key
        self.keyid = f"{pen.device}/{pen.epoch}"
        self.session = requests.Session()
        self.nonce = ""

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        key: bytes | None = None,
        keyid: str = "",
        created: int | None = None,
        nonce: str = "",
        signed_body: bytes | None = None,
    ) -> requests.Response:
        url = self.city.url + target
        sent = {"Host": urlsplit(url).netloc, "Accept-Encoding": "identity"} | (headers or {})
        created = self.city.clock.ms // 1000 if created is None else created
        self.nonce = nonce or secrets.token_urlsafe(24)
        by = SignedBy(keyid or self.keyid, created, self.nonce)
        sign_request(method, url, sent, body if signed_body is None else signed_body, key or self.key, by)
        answer = self.session.request(method, url, data=body, headers=sent, timeout=10)
        verify_response(answer.status_code, answer.headers, answer.content, self.city.keys.public, self.nonce)
        return answer


@pytest.fixture
def asker(city: LiveCity, pen: Pen) -> Iterator[Asker]:
    made = Asker(city, pen)
    yield made
    made.session.close()


def problem(answer: requests.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == PROBLEM_TYPE
    said = msgspec.json.decode(answer.content, type=Problem)
    assert said.status == answer.status_code
    return said.status, said.reason


def hello(clock: ToldClock, **changed: Any) -> bytes:
    fields: dict[str, Any] = {
        "device": "EW-0001",
        "epoch": 1,
        "head_seq": 0,
        "head_hash": "00" * 32,
        "acked_seq": 0,
        "acked_hash": "",
        "cursor": 0,
        "schema": 1,
        "app_version": "0.1.0",
        "wall_ms": clock.ms,
        "monotonic_ms": 1,
        "boot": "b",
    }
    return encode(Hello(**(fields | changed)))


def wish(**changed: Any) -> bytes:
    fields: dict[str, Any] = {
        "device": "EW-0001",
        "epoch": 1,
        "request": "r-1",
        "card": "ab" * 32,
        "period": "2026-11",
        "commodity": "beras",
        "need": 5_000,
        "home": True,
    }
    return encode(GrantRequest(**(fields | changed)))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/enrol"),
        ("POST", "/v1/hello"),
        ("POST", "/v1/push"),
        ("POST", "/v1/grant"),
        ("GET", "/v1/pull?cursor=0"),
        ("GET", "/v1/attest/2026-11-24"),
        ("GET", "/v1/anything"),
    ],
)
def test_whoever_does_not_sign_is_refused(city: LiveCity, method: str, path: str) -> None:
    answer = requests.request(method, city.url + path, data=b"{}", timeout=10)
    assert problem(answer) == (401, "signature")


def test_outside_the_signed_part_problems_are_documents_too(city: LiveCity) -> None:
    assert problem(requests.get(city.url + "/nowhere", timeout=10)) == (404, "not_found")
    assert problem(requests.post(city.url + "/health", timeout=10)) == (405, "method")
    health = requests.get(city.url + "/health", timeout=10).json()
    assert health == {"status": "ok", "schema": 1, "kiosks": 4}


def test_an_unknown_key_a_wrong_key_and_anothers_name(asker: Asker) -> None:
    other = new_key()
    body = hello(asker.city.clock)
    assert problem(asker.ask("POST", "/v1/hello", body, key=other)) == (401, "signature")
    assert problem(asker.ask("POST", "/v1/hello", body, keyid="EW-0009/1")) == (401, "unknown_key")
    assert problem(asker.ask("POST", "/v1/hello", body, keyid="nonsense")) == (401, "unknown_key")
    assert problem(asker.ask("POST", "/v1/hello", hello(asker.city.clock, device="EW-0002"))) == (403, "wrong_key")
    self_made = f"enrol/{public_of(other).hex()}"
    assert problem(asker.ask("POST", "/v1/hello", body, key=other, keyid=self_made)) == (403, "wrong_key")
    assert problem(asker.ask("POST", "/v1/enrol", body)) == (403, "wrong_key")
    enrol = encode(
        {"code_id": "AAAA", "proof": "0" * 64, "device_key": "0" * 64, "wrap_key": "0" * 64, "app_version": ""}
    )
    assert problem(asker.ask("POST", "/v1/enrol", enrol, key=other, keyid=self_made)) == (403, "wrong_key")


def test_the_body_is_what_was_signed(asker: Asker) -> None:
    body = hello(asker.city.clock)
    answer = asker.ask("POST", "/v1/hello", body, signed_body=body.replace(b"0.1.0", b"0.1.1"))
    assert problem(answer) == (401, "signature")


@pytest.mark.parametrize("nonce", ["short-nonce", "x" * 65])
def test_a_nonce_has_a_sensible_length(city: LiveCity, pen: Pen, nonce: str) -> None:
    url = city.url + "/v1/pull?cursor=0"
    headers = {"Host": urlsplit(url).netloc}
    sign_request("GET", url, headers, b"", pen.key, SignedBy("EW-0001/1", city.clock.ms // 1000, nonce))
    assert problem(requests.get(url, headers=headers, timeout=10)) == (401, "signature")


MALFORMED = (
    b"",
    b"{",
    b"[]",
    b"{}",
    b'{"device":"EW-0001"}',
    b'{"device":"\xff\xfe"}',
    b'{"code_id":"\xff\xfe"}',
    b'{"epoch":' + b"9" * 5000 + b"}",
    b'{"epoch":NaN}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"x":' + b"[" * 100_000,
)


@pytest.mark.parametrize("body", MALFORMED)
@pytest.mark.parametrize("path", ["/v1/enrol", "/v1/hello", "/v1/push", "/v1/grant"])
def test_what_is_malformed_is_refused(asker: Asker, path: str, body: bytes) -> None:
    keyid = f"enrol/{public_of(asker.key).hex()}" if path == "/v1/enrol" else ""
    answer = asker.ask("POST", path, body, headers={"Content-Type": "application/json"}, keyid=keyid)
    assert problem(answer) == (400, "malformed")


def test_another_version_of_the_protocol_is_told_so(asker: Asker) -> None:
    assert problem(asker.ask("POST", "/v1/hello", hello(asker.city.clock, schema=2))) == (409, "schema")


def test_sizes_are_limited_before_and_after_unpacking(asker: Asker) -> None:
    packed = {"Content-Encoding": "gzip"}
    assert problem(asker.ask("POST", "/v1/push", b"x" * (MESSAGE_BYTES + 1))) == (413, "too_large")
    bomb = pack(b" " * (20 * MESSAGE_BYTES))
    assert len(bomb) < MESSAGE_BYTES / 10
    assert problem(asker.ask("POST", "/v1/push", bomb, headers=packed)) == (413, "too_large")
    assert problem(asker.ask("POST", "/v1/push", b"not gzip", headers=packed)) == (400, "malformed")
    assert problem(asker.ask("POST", "/v1/push", pack(b"{}")[:-3], headers=packed)) == (400, "malformed")
    assert problem(asker.ask("POST", "/v1/push", b"{}", headers={"Content-Encoding": "br"})) == (
        415,
        "content_encoding",
    )


def test_a_body_without_end_is_cut_off_at_the_limit(city: LiveCity) -> None:
    where = urlsplit(city.url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as line:
        line.sendall(b"POST /v1/push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"%x\r\n" % 65536 + b"x" * 65536 + b"\r\n"
        try:
            for _ in range(20):
                line.sendall(piece)
            answer = line.recv(65536)
        except OSError:  # it answered and hung up while we were still sending
            answer = b"HTTP/1.1 413"
    assert answer.startswith(b"HTTP/1.1 413")
    assert requests.get(city.url + "/health", timeout=10).status_code == 200


def test_a_request_that_comes_twice_is_answered_once_unless_it_is_a_batch(asker: Asker, pen: Pen) -> None:
    nonce = secrets.token_urlsafe(24)
    assert asker.ask("GET", "/v1/pull?cursor=0", nonce=nonce).status_code == 200
    assert problem(asker.ask("GET", "/v1/pull?cursor=0", nonce=nonce)) == (409, "replayed")
    body = encode(pen.batch())
    first = asker.ask("POST", "/v1/push", body, nonce=nonce + "p")
    assert first.status_code == 200
    assert asker.ask("POST", "/v1/push", body, nonce=nonce + "p").content == first.content


def test_rights_wait_for_a_right_clock(asker: Asker) -> None:
    for created in (asker.city.clock.ms // 1000 - 301, asker.city.clock.ms // 1000 + 301):
        assert problem(asker.ask("GET", "/v1/pull?cursor=0", created=created)) == (409, "clock")
        assert problem(asker.ask("GET", "/v1/attest/2026-11-24", created=created)) == (409, "clock")
    assert asker.ask("GET", "/v1/pull?cursor=0", created=asker.city.clock.ms // 1000 - 299).status_code == 200


def test_an_old_hello_played_again_does_no_harm(asker: Asker, pen: Pen) -> None:
    """It shows an old head; only a fresh one may say that the kiosk was rolled back."""
    pen.send(asker.city.url, pen.batch())
    asker.ask("POST", "/v1/hello", hello(asker.city.clock), created=asker.city.clock.ms // 1000 - 86_400)
    assert asker.city.epoch()["mode"] == "normal"
    said = asker.ask("POST", "/v1/hello", hello(asker.city.clock)).json()
    assert (said["mode"], said["reason"], said["acked_seq"]) == ("upload_only", "FORK", 1)


@pytest.mark.parametrize("date", ["gestern", "2026-13-01", "20261124x", "20261124", "2026-W48-2"])
def test_a_day_that_is_none(asker: Asker, date: str) -> None:
    assert problem(asker.ask("GET", f"/v1/attest/{date}"))[0] == 400


def test_a_day_that_is_not_here(asker: Asker) -> None:
    assert problem(asker.ask("GET", "/v1/attest/2026-11-23")) == (404, "day_not_here")


@pytest.mark.parametrize("cursor", ["-1", "x", "", "9" * 30])
def test_a_cursor_that_is_none(asker: Asker, cursor: str) -> None:
    assert problem(asker.ask("GET", f"/v1/pull?cursor={cursor}")) == (400, "malformed")


def test_a_busy_database_asks_to_come_back_and_takes_nothing(city: LiveCity, pen: Pen, monkeypatch: Any) -> None:
    from ewarung_city.store.database import CityStore

    def busy(*_: object) -> None:
        raise ServerBusy("database is locked", reason="database")

    with monkeypatch.context() as patch:
        patch.setattr(CityStore, "turn", busy)
        with pytest.raises(ServerBusy) as refused:
            pen.send(city.url, pen.batch())
    assert refused.value.retry_ms == 5_000  # type: ignore[attr-defined]
    assert pen.send(city.url, pen.batch()).acked_seq == 1


def test_a_database_that_is_away_when_the_kiosks_key_is_looked_up_asks_to_come_back(
    city: LiveCity, pen: Pen, monkeypatch: Any
) -> None:
    from ewarung_city.store.database import CityStore

    def away(*_: object) -> None:
        raise ServerBusy("no connection", reason="database")

    with monkeypatch.context() as patch:
        patch.setattr(CityStore, "read", away)
        with pytest.raises(ServerBusy):
            pen.send(city.url, pen.batch())
    assert pen.send(city.url, pen.batch()).acked_seq == 1


def test_a_fault_of_the_city_is_its_own_and_the_next_request_works(city: LiveCity, pen: Pen, monkeypatch: Any) -> None:
    from ewarung_city import intake

    def fault(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(intake, "take", fault)
        with pytest.raises(ServerBusy):
            pen.send(city.url, pen.batch())
    assert pen.send(city.url, pen.batch()).acked_seq == 1


def test_the_description_says_what_travels(city: LiveCity) -> None:
    said = requests.get(city.url + "/schema/openapi.json", timeout=10).json()
    assert set(said["paths"]) == {
        "/v1/enrol",
        "/v1/hello",
        "/v1/push",
        "/v1/pull",
        "/v1/grant",
        "/v1/attest/{date}",
        "/health",
    }
    schemas = said["components"]["schemas"]
    assert schemas["Push"]["properties"]["entries"]["maxItems"] == 500
    for what in ("leases", "surrenders"):  # each travels as six values
        kind = schemas[schemas["StatePage"]["properties"][what]["items"]["$ref"].rpartition("/")[2]]
        assert (kind["type"], len(kind["prefixItems"])) == ("array", 6)
    refs = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(said)))
    assert refs <= schemas.keys()
    push = said["paths"]["/v1/push"]["post"]
    assert push["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Push")
    assert PROBLEM_TYPE in push["responses"]["400"]["content"]
    assert requests.get(city.url + "/schema", timeout=10).json() == said


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_message_makes_the_city_fail(asker: Asker, pen: Pen, data: st.DataObject) -> None:
    """Batches and greetings with any part replaced by anything: an answer below 500, always."""
    messages = [("/v1/push", encode(pen.batch())), ("/v1/hello", hello(pen.clock)), ("/v1/grant", wish())]
    path, body = data.draw(st.sampled_from(messages))
    message = json.loads(body)
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    )
    field = data.draw(st.sampled_from(sorted(message)))
    if field == "entries" and data.draw(st.booleans()):
        entry = message["entries"][0]
        entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(anything)
    else:
        message[field] = data.draw(anything)
    answer = asker.ask("POST", path, json.dumps(message).encode())
    assert answer.status_code < 500
    with asker.city.store.write() as tx:  # what it may have believed of the kiosk is forgotten for the next example
        tx.change(schema.epoch, {"mode": "normal", "reason": ""}, device="EW-0001", epoch=1)


def test_the_protocol_error_is_not_the_clients_fault(city: LiveCity, pen: Pen) -> None:
    line = pen.city(city.url)
    with pytest.raises(ProtocolMismatch) as refused:
        line.hello(msgspec.json.decode(hello(city.clock, schema=7), type=Hello))
    line.close()
    assert refused.value.reason == "schema"


@pytest.mark.parametrize(
    "path",
    [
        "//v1/pull?cursor=0",
        "///v1/pull?cursor=0",
        "/v1//pull?cursor=0",
        "/v1/pull/?cursor=0",
        "/%76%31/pull?cursor=0",
        "//v1/attest/2026-11-24",
    ],
)
def test_however_a_path_is_written_its_route_asks_for_a_signature(city: LiveCity, path: str) -> None:
    assert raw(city, "GET", path)[:2] == (401, "signature")


@pytest.mark.parametrize("path", ["//v1/enrol", "//v1/hello", "///v1//push"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_nor_can_it_be_posted_to(city: LiveCity, path: str, method: str) -> None:
    assert raw(city, method, path)[:2] == (401, "signature")


def test_a_doubled_slash_does_not_help_whoever_signs_either(asker: Asker) -> None:
    with pytest.raises(Unauthorised):  # nothing outside the exchange is signed back
        asker.ask("GET", "//v1/pull?cursor=0")


@pytest.mark.parametrize("path", ["/health", "//health", "/health/", "/schema", "/schema/openapi.json", "//schema"])
def test_what_is_public_needs_none(city: LiveCity, path: str) -> None:
    assert raw(city, "GET", path)[0] == 200


def test_only_health_and_the_description_are_public(city: LiveCity) -> None:
    """Every route that the application has, except what is listed here, refuses whoever comes past the exchange."""
    from ewarung_city import api

    app: Any = api.interface()
    public = {
        (route.path, method)
        for route in app.routes
        for handler in route.route_handlers
        for method in handler.http_methods
        if handler.opt.get("public")
    }
    assert {path for path, method in public if method == "GET"} == {
        "/health",
        "/schema",
        "/schema/openapi.json",
        "/schema/{path:str}",
    }
    assert {method for _, method in public} <= {"GET", "HEAD", "OPTIONS"}


def raw(city: LiveCity, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    """(status, reason) of a request whose path goes out as it is written."""
    where = urlsplit(city.url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as line:
        head = f"{method} {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\nContent-Length: {len(body)}"
        line.sendall(f"{head}\r\n\r\n".encode() + body)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    said, _, content = answer.partition(b"\r\n\r\n")
    status = int(said.split(b" ")[1])
    return status, msgspec.json.decode(content, type=Problem).reason if status >= 400 else ""


def test_a_fault_names_its_place_in_the_log_and_nobody(
    city: LiveCity, pen: Pen, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Inside the routes and in the exchange around them: a problem document, and a line without what it was about."""
    from ewarung_city import exchange, intake

    def fault(*_: object) -> None:
        raise ZeroDivisionError("SUMINAH")

    for module, name in ((intake, "take"), (exchange, "_plain")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fault)
            with pytest.raises(ServerBusy) as refused:
                pen.send(city.url, pen.batch())
        assert refused.value.reason == "server_error"
    assert "SUMINAH" not in caplog.text
    assert caplog.text.count("ZeroDivisionError at test_interface.py:") == 2
    assert pen.send(city.url, pen.batch()).acked_seq == 1


@pytest.mark.parametrize("field", ["app_version", "boot", "recovery"])
def test_a_character_that_no_database_text_can_hold_is_malformed(asker: Asker, field: str) -> None:
    assert problem(asker.ask("POST", "/v1/hello", hello(asker.city.clock, **{field: "a\0b"}))) == (400, "malformed")


def test_a_busy_city_does_not_look_through_all_its_messages_at_each(tmp_path: Path, monkeypatch: Any) -> None:
    from ewarung_city import exchange

    looks = [0]

    class Now(int):
        def __lt__(self, other: int) -> bool:
            looks[0] += 1
            return int(self) < other

    monkeypatch.setattr(exchange, "_NONCES", 10)
    made = exchange.SignedExchange(None, make_keys(tmp_path), lambda *_: None, lambda: 0)  # type: ignore[arg-type]
    caller = exchange.Caller("EW-0001", 1, "", 0, fresh=True)

    def first(number: int, now_s: int) -> bool:
        return made._first(caller, SignedBy("EW-0001/1", now_s, f"{number:032}"), Now(now_s))

    count = 500
    assert all(first(number, 0) for number in range(count))
    assert looks[0] < 4 * count
    assert not any(first(number, 0) for number in range(count)), "each is remembered as long as it could come again"
    later = 3 * CLOCK_TOLERANCE_S
    assert all(first(count + number, later) for number in range(2 * count))
    assert len(made._nonces) < 3 * count, "and no longer"


def test_a_connection_on_which_no_request_arrives_is_closed_and_one_that_rests_is_not(
    bare: LiveCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ewarung_city import connections

    monkeypatch.setattr(connections, "_LOOK_S", 0.05)
    bare.start()
    where = urlsplit(bare.url)
    ask = b"GET /health HTTP/1.1\r\nHost: city\r\n\r\n"

    def line(said: bytes) -> socket.socket:
        made = socket.create_connection((where.hostname or "", where.port or 0), timeout=10)
        made.sendall(said)
        return made

    def answer(line: socket.socket) -> None:
        said = b""
        while not said.endswith(b"}"):
            said += line.recv(4096)
        assert b"200 OK" in said

    with line(b"") as silent, line(ask[:20]) as half, line(ask) as resting, line(ask) as again:
        for answered in (resting, again):
            answer(answered)
        again.sendall(ask[:20])
        assert [given_up.recv(1) for given_up in (silent, half, again)] == [b"", b"", b""]
        resting.sendall(ask)
        answer(resting)


def test_more_messages_at_a_time_than_the_city_can_take_are_asked_to_come_back(tmp_path: Path) -> None:
    from ewarung_city import exchange

    limits = Limits(at_once=2)
    app = exchange.SignedExchange(None, make_keys(tmp_path), lambda *_: None, lambda: 0, None, limits)  # type: ignore[arg-type]
    scope: dict[str, Any] = {"type": "http", "path": "/v1/push", "headers": []}

    async def story() -> list[tuple[int, bytes]]:
        gone, said = asyncio.Event(), []

        async def hangs_up() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                said.append((message["status"], dict(message["headers"]).get(b"retry-after", b"")))

        slow = [asyncio.create_task(app(scope, hangs_up, send)) for _ in range(2)]
        await asyncio.sleep(0)
        await app(scope, hangs_up, send)
        gone.set()
        await asyncio.gather(*slow)
        await app(scope, hangs_up, send)  # there is room again
        return said

    assert asyncio.run(story()) == [(503, b"5")]


@pytest.mark.parametrize("length", ["\xb2", "-1", "1e3", "9" * 5_000, ""])
def test_a_length_that_is_no_number_is_too_large(tmp_path: Path, length: str) -> None:
    """As a server that checks less than ours would hand it on."""
    from ewarung_city.exchange import SignedExchange

    async def never(*_: object) -> Any:
        raise AssertionError("nothing of it is read")

    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    app = SignedExchange(never, make_keys(tmp_path), lambda *_: None, lambda: 0)
    headers = [(b"content-length", length.encode("latin-1"))]
    asyncio.run(app({"type": "http", "path": "/v1/push", "headers": headers}, never, send))
    assert said[0]["status"] == 413
