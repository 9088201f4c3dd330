"""What the till makes of whatever answers at the city's address; a real HTTP server on loopback for each answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import (
    ConfigError,
    ProtocolMismatch,
    ServerBusy,
    ServerUnreachable,
    SyncError,
    Unauthorised,
)
from ewarung_pos.sync import client, packing, protocol, signing
from ewarung_pos.sync.client import Busy, HttpCityServer, Line, check_url
from tests.unit.sync.line import CITY, DEVICE, Answer, Reply, Seen, served

OTHER = bytes(range(2, 34))
WELCOME = protocol.Welcome(0, "", 0, 1_795_480_000_000)


@contextmanager
def city(answer: Answer) -> Iterator[tuple[HttpCityServer, list[Seen]]]:
    """A client of a server that answers as told."""
    with served(answer) as (url, seen):
        line = connected(url)
        try:
            yield line, seen
        finally:
            line.close()


def connected(url: str) -> HttpCityServer:
    return HttpCityServer(Line(url), "EW-0001/1", DEVICE, signing.public_of(CITY), lambda: 1_795_480_000)


def hello(version: str = "0.1.0") -> protocol.Hello:
    return protocol.Hello("EW-0001", 1, 0, "00" * 32, 0, "", 0, protocol.SCHEMA, version, 1, 1, "boot")


def problem(status: int, reason: str) -> bytes:
    return protocol.encode(protocol.Problem(status, "No", reason))


def failure(reply: Reply) -> SyncError:
    with city(lambda _: reply) as (line, _), pytest.raises(SyncError) as caught:
        line.hello(hello())
    return caught.value


def test_a_signed_answer_is_taken() -> None:
    with city(lambda _: Reply(body=protocol.encode(WELCOME))) as (line, seen):
        assert line.hello(hello()) == WELCOME
    assert (seen[0].method, seen[0].by.keyid) == ("POST", "EW-0001/1")
    assert seen[0].url.endswith("/v1/hello")
    assert seen[0].body == protocol.encode(hello())


def test_long_bodies_travel_compressed_both_ways_and_short_ones_do_not() -> None:
    long = hello("x" * 2000)
    with city(lambda _: Reply(body=protocol.encode(WELCOME), packed=True)) as (line, seen):
        assert line.hello(long) == WELCOME
        line.hello(hello())
    assert seen[0].headers["Content-Encoding"] == "gzip"
    assert len(seen[0].body) < 1000
    assert packing.unpack(seen[0].body) == protocol.encode(long)
    assert "Content-Encoding" not in seen[1].headers


def test_every_request_has_a_nonce_of_its_own() -> None:
    with city(lambda _: Reply(body=protocol.encode(WELCOME))) as (line, seen):
        for _ in range(3):
            line.hello(hello())
    assert len({item.by.nonce for item in seen}) == 3


def test_nobody_there_is_unreachable() -> None:
    with city(lambda _: Reply()) as (line, _):
        url = line._line._base
    line = connected(url)
    with pytest.raises(ServerUnreachable) as caught:
        line.hello(hello())
    line.close()
    assert caught.value.reason == "no_line"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(cut=True), "cut"),
        (Reply(headers={"Content-Length": "5000"}), "cut"),
        (Reply(key=None, headers={"Content-Type": "text/html; charset=utf-8"}, body=b"<h1>Login</h1>"), "not_the_city"),
        (Reply(key=None, headers={"Content-Type": "text/plain"}, body=b" <!DOCTYPE html>"), "not_the_city"),
        (Reply(302, key=None, headers={"Location": "http://portal.invalid/"}), "not_the_city"),
        (Reply(key=None, body=b"x" * (protocol.MESSAGE_BYTES + 1)), "too_large"),
    ],
)
def test_a_broken_line_and_a_network_s_own_page_are_unreachable(reply: Reply, reason: str) -> None:
    error = failure(reply)
    assert isinstance(error, ServerUnreachable)
    assert error.reason == reason


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"content-type": "text/html"}])
def test_an_answer_whose_head_ends_in_the_middle_was_cut(headers: dict[str, str]) -> None:
    with pytest.raises(ServerUnreachable) as caught:
        client.RawReply(200, headers, b"", "n" * 24).verified(signing.public_of(CITY))
    assert caught.value.reason == "cut"


def test_a_server_that_is_silent_is_unreachable_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "READ_SECONDS", 0.2)
    go_on = threading.Event()

    def wait(_: Seen) -> Reply:
        go_on.wait(5)
        return Reply(cut=True)

    with city(wait) as (line, _):
        with pytest.raises(ServerUnreachable) as caught:
            line.hello(hello())
        go_on.set()
    assert caught.value.reason == "timeout"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=protocol.encode(WELCOME), key=None),
        Reply(body=protocol.encode(WELCOME), key=OTHER),
        Reply(body=protocol.encode(WELCOME), nonce="f" * 32),
        Reply(403, body=problem(403, "upload_only"), key=None),
        Reply(404, body=problem(404, "day_not_here"), key=OTHER),
    ],
)
def test_nothing_of_an_answer_that_the_city_did_not_sign_for_this_request_is_used(reply: Reply) -> None:
    error = failure(reply)
    assert isinstance(error, Unauthorised)
    assert error.reason == "signature"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(502, key=None, headers={"Content-Type": "text/plain"}, body=b"bad gateway"),
        Reply(511, key=None, headers={"Content-Type": "text/html"}, body=b"<p>"),
        Reply(500, body=problem(500, "failure")),
    ],
)
def test_a_server_that_fails_is_asked_again_later(reply: Reply) -> None:
    error = failure(reply)
    assert isinstance(error, ServerBusy)
    assert error.reason == "server_error"


@pytest.mark.parametrize("key", [CITY, None])
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_says_when_to_come_back(status: int, key: bytes | None) -> None:
    error = failure(Reply(status, body=problem(status, "busy"), key=key, headers={"Retry-After": "7"}))
    assert isinstance(error, Busy)
    assert isinstance(error, ServerBusy)
    assert error.retry_ms == 7000


@pytest.mark.parametrize(("said", "wait"), [("9999999", 3_600_000), ("soon", 0), ("-1", 0), ("²", 0)])
def test_a_retry_after_is_bounded(said: str, wait: int) -> None:
    # Header values are Latin-1 on the wire, which has the superscript two.
    error = failure(Reply(503, body=b"{}", headers={"Retry-After": said}))
    assert isinstance(error, Busy)
    assert error.retry_ms == wait


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (401, "unknown_key", Unauthorised),
        (403, "upload_only", Unauthorised),
        (409, "schema", ProtocolMismatch),
        (426, "", ProtocolMismatch),
        (400, "malformed", ProtocolMismatch),
        (409, "clock", ProtocolMismatch),
    ],
)
def test_a_refusal_of_the_city_keeps_its_word(status: int, word: str, kind: type[SyncError]) -> None:
    error = failure(Reply(status, body=problem(status, word)))
    assert type(error) is kind
    assert error.reason == word


@pytest.mark.parametrize("body", [b"", b"[]", b'{"x":"\xff"}', b'{"x":' + b"[" * 9_000])
def test_a_refusal_without_words_is_one_all_the_same(body: bytes) -> None:
    error = failure(Reply(409, body=body))
    assert isinstance(error, ProtocolMismatch)
    assert error.reason == ""


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"[]"),
        Reply(body=b'{"acked_seq":"x"}'),
        Reply(body=b"\xff"),
        Reply(body=b'{"x":"\xff"}'),
        Reply(body=b'{"x":' + b"[" * 9_000),
        Reply(body=b"{}", headers={"Content-Encoding": "gzip"}),
        Reply(body=b" " * (protocol.MESSAGE_BYTES + 1), packed=True),
    ],
)
def test_a_signed_answer_that_is_no_message_is_another_version(reply: Reply) -> None:
    error = failure(reply)
    assert isinstance(error, ProtocolMismatch)
    assert error.reason == "body"


def test_a_page_comes_with_the_bytes_that_were_signed() -> None:
    page = protocol.encode(StatePage(cursor=7, register_source="x" * 2000))
    with city(lambda _: Reply(body=page, packed=True)) as (line, seen):
        pulled, body = line.pull(4)
    assert pulled.cursor == 7
    assert body == page
    assert (seen[0].method, seen[0].body) == ("GET", b"")
    assert seen[0].url.endswith("/v1/pull?cursor=4")


def push() -> protocol.Push:
    import msgspec

    return protocol.Push("EW-0001", 1, 1, "00" * 32, (msgspec.Raw(b'{"b":1, "a":2}'),), "00" * 32, "00" * 64)


def test_entries_travel_byte_for_byte() -> None:
    said = protocol.Ack(protocol.Outcome.ACCEPTED, 1, "aa" * 32, 5)
    with city(lambda _: Reply(body=protocol.encode(said))) as (line, seen):
        assert line.push(push()) == (said, len(protocol.encode(push())))
    assert b'{"b":1, "a":2}' in seen[0].body


def test_a_day_that_has_not_arrived_is_no_error() -> None:
    said = protocol.Attest("EW-0001", 1, "2026-11-24", 3, 9, "aa" * 32, DayTotals(), (), 5, "00")
    answers = iter(
        [
            Reply(body=protocol.encode(said)),
            Reply(404, body=problem(404, "day_not_here")),
            Reply(404, body=problem(404, "not_found")),
        ]
    )
    with city(lambda _: next(answers)) as (line, _):
        assert line.attest("2026-11-24") == said
        assert line.attest("2026-11-24") is None
        with pytest.raises(ProtocolMismatch):
            line.attest("2026-11-24")


def test_an_idle_connection_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "KEEP_SECONDS", 0.0)
    with city(lambda _: Reply(body=protocol.encode(WELCOME), headers={"Connection": "keep-alive"})) as (line, seen):
        line.hello(hello())
        line.hello(hello())
    assert len(seen) == 2
    assert seen[0].port != seen[1].port


def test_a_busy_line_keeps_its_connection() -> None:
    with city(lambda _: Reply(body=protocol.encode(WELCOME), headers={"Connection": "keep-alive"})) as (line, seen):
        line.hello(hello())
        line.hello(hello())
    assert seen[0].port == seen[1].port


@pytest.mark.parametrize(
    "url",
    [
        "http://kota.example",
        "http://192.168.1.2:8080",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
        "https://",
        "https://user:secret@kota.example",
        "https://kota.example/?a=1",
        "http://[::1",
    ],
)
def test_plain_http_goes_to_this_machine_only(url: str) -> None:
    with pytest.raises(ConfigError, match=r"city\.url"):
        check_url(url)


def test_https_and_loopback_are_addresses() -> None:
    for url in ("https://kota.example:8443", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"):
        assert check_url(url + "/") == url
