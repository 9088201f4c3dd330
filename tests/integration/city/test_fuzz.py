"""Whatever a signed caller sends, in whatever wrapping, to whichever route: an answer below 500, and the next works."""

from __future__ import annotations

import gzip
import secrets
import typing
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import msgspec
import pytest
import requests
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ewarung_city.store import schema
from ewarung_city.verify import verify
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import Entry, Fact, PriceChanged, Redeemed, Reversed, StockReceived, canonical
from ewarung_pos.domain.redemption import RedemptionLine, RightDebit, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.packing import pack
from ewarung_pos.sync.protocol import Ack, Enrol, encode
from ewarung_pos.sync.signing import SignedBy, public_of, sign_request
from tests.any_entry import structs
from tests.integration.city.city_kit import LiveCity, Pen
from tests.integration.city.test_interface import hello

fuzzed = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Stranger:
    """Sends signed requests whose every part may be wrong except the signature."""

    def __init__(self, city: LiveCity, pen: Pen) -> None:
        self.city = city
        self.pen = pen
        self.line = HTTPConnection(urlsplit(city.url).netloc, timeout=20)

    def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: typing.Mapping[str, str] | None = None,
        *,
        chunked: bool = False,
        keyid: str = "",
        created: int | None = None,
    ) -> tuple[int, bytes]:
        """(status, body) of the answer."""
        url = self.city.url + target
        sent = {"Host": urlsplit(url).netloc, "Accept-Encoding": "identity"} | dict(headers or {})
        when = self.city.clock.ms // 1000 if created is None else created
        by = SignedBy(keyid or f"{self.pen.device}/{self.pen.epoch}", when, secrets.token_urlsafe(24))
        try:
            sign_request(method, url, sent, body, self.pen.key, by)
        except HTTPMessageSignaturesException:  # no URL at all: signed as another one
            sent.pop("Content-Digest", None)
            sign_request(method, self.city.url, sent, body, self.pen.key, by)
        if chunked:
            sent["Transfer-Encoding"] = "chunked"
        whole: typing.Any = iter([body[:7], body[7:]]) if chunked else body
        self.line.request(method, target, whole, sent, encode_chunked=chunked)
        answer = self.line.getresponse()
        content = answer.read()
        event(f"{method} {target[:8]} {answer.status}")
        assert answer.status < 500, (method, target, body, headers)
        return answer.status, content

    def forget(self) -> None:
        """What the city may have believed of this kiosk, and cases, are gone for the next example."""
        with self.city.store.write() as tx:
            tx.change(schema.epoch, {"mode": "normal", "reason": ""}, device=self.pen.device, epoch=self.pen.epoch)


@pytest.fixture
def stranger(city: LiveCity, pen: Pen) -> Iterator[Stranger]:
    made = Stranger(city, pen)
    yield made
    made.line.close()
    with city.store.read() as tx:
        assert verify(tx) == []
    assert requests.get(city.url + "/health", timeout=10).status_code == 200


def messages(pen: Pen) -> dict[str, bytes]:
    """One good message for each route that takes one."""
    public = public_of(pen.key).hex()
    return {
        "/v1/enrol": encode(Enrol("AAAA", "0" * 64, public, "2" * 64, "x")),
        "/v1/hello": hello(pen.clock, head_seq=len(pen.rows), head_hash=pen.head.hex()),
        "/v1/push": encode(pen.batch()),
    }


NASTY = st.sampled_from(
    [
        *(b"NaN", b"-Infinity", b"1e999", b"-0", b"1.5", b"null", b"true", b'""', b"[]", b"{}", b",", b":", b"}"),
        *(str(number).encode() for number in (2**53, 2**63, 2**64, 2**70, -(2**70), 10**4000)),
        *(b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\\x", b"\x00", b"%", b"\xf0\x9f\x98\x80"),
        *(b"[" * 3000, b'{"a":' * 3000, b"[" * 3000 + b"]" * 3000, b'"epoch":1,', b'"kind":"Reversed",'),
    ]
)


@st.composite
def spoiled(draw: st.DrawFn, body: bytes) -> bytes:
    """The body with pieces cut out, put in, or turned over."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        until = min(len(body), at + draw(st.integers(0, 12)))
        put = draw(NASTY | st.binary(max_size=4))
        body = body[:at] + put + body[until:]
    return body


HONEST: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("identity", bytes),
    ("gzip", pack),
    ("GZIP", gzip.compress),
)
WRONG: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("gzip", bytes),
    ("gzip", zlib.compress),
    ("gzip", lambda body: pack(pack(body))),
    ("gzip", lambda body: pack(body)[:-4]),
    ("gzip", lambda body: pack(body) + b"x"),
    ("gzip, gzip", lambda body: pack(pack(body))),
    ("deflate", zlib.compress),
    ("br", bytes),
    ("", bytes),
    ("identity", pack),
)
TYPES = ("application/json", "text/plain", "application/msgpack", "multipart/form-data", "application/xml", "x", "")


@fuzzed
@given(data=st.data())
def test_no_body_in_any_wrapping_makes_the_city_fail(stranger: Stranger, data: st.DataObject) -> None:
    good = messages(stranger.pen)
    path = data.draw(st.sampled_from(sorted(good)))
    body = data.draw(st.just(good[path]) | spoiled(good[path]) | spoiled(good["/v1/push"]) | NASTY)
    encoding, wrap = data.draw(st.sampled_from(HONEST * 3 + WRONG))
    headers = {"Content-Type": data.draw(st.sampled_from(TYPES)), "Content-Encoding": encoding}
    keyid = f"enrol/{public_of(stranger.pen.key).hex()}" if path == "/v1/enrol" else ""
    stranger.send("POST", path, wrap(body), headers, chunked=data.draw(st.booleans()), keyid=keyid)
    stranger.forget()


@fuzzed
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]),
    path=st.sampled_from(
        [
            *("/v1/pull", "/v1/attest/", "/v1/attest/2026-11-24", "/v1/push", "/v1/hello", "/v1/enrol", "/v1/", "/v1"),
            *("//v1/pull", "/v1//attest/2026-11-24", "/health", "/schema", "/schema/openapi.json", "/schema/x", "/"),
        ]
    ),
    tail=st.sampled_from(["", "?cursor=0", "?cursor=9007199254740991", "?cursor=9007199254740992", "?cursor=-1"])
    | st.text("0123456789-%/?&=.;abcF", max_size=12).map(lambda text: "?cursor=" + text)
    | st.text("0123456789-%2/.abF", max_size=12),
    created=st.sampled_from([None, 0, -1, 2**31, 10**10]),
    body=st.sampled_from([b"", b"{}", b"\xff"]),
)
def test_no_target_makes_the_city_fail(
    stranger: Stranger, method: str, path: str, tail: str, created: int | None, body: bytes
) -> None:
    stranger.send(method, path + tail, body, created=created)


# --- journals ---------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["beras-medium-5", "beras", "gula", "JATAH", "SEMBAKO", "2026-11", "K1", "%", "", "x" * 80])
NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 5, 5_000, 67_500, 2**31, 2**32, EXACT // 2, EXACT])
LINES = st.builds(
    RedemptionLine,
    NAMES,
    NAMES,
    NAMES,
    NUMBERS,
    NAMES,
    NUMBERS,
    st.sampled_from(Unit),
    NUMBERS,
    st.sampled_from(Tender),
)
DEBITS = st.builds(RightDebit, NAMES, NAMES, NAMES, st.sampled_from(Unit), NUMBERS)
LIKELY = st.one_of(
    st.builds(
        Redeemed,
        receipt=NUMBERS,
        family=NAMES,
        last4=NAMES,
        presence=st.sampled_from(HolderPresence),
        lines=st.lists(LINES, max_size=3).map(tuple),
        debits=st.lists(DEBITS, max_size=3).map(tuple),
        remaining=st.just(()),
    ),
    st.builds(
        Reversed,
        receipt=NUMBERS,
        original=NAMES,
        original_receipt=NUMBERS,
        family=NAMES,
        last4=NAMES,
        reason=NAMES,
        approved_by=NAMES,
        lines=st.lists(LINES, max_size=2).map(tuple),
        debits=st.lists(DEBITS, max_size=2).map(tuple),
        remaining=st.just(()),
    ),
    st.builds(StockReceived, NAMES, NAMES, st.lists(st.builds(ReceivedLine, NAMES, NUMBERS), max_size=3).map(tuple)),
    st.builds(PriceChanged, NAMES, NUMBERS, NUMBERS),
)
ANY = st.one_of([structs(kind) for kind in typing.get_args(Fact)])
DATES = st.sampled_from(["2026-11-24", "2026-11-25", "", "2026-13-99", "%", "x" * 80, "9999-12-31"])


@fuzzed
@given(data=st.data())
def test_no_journal_makes_the_city_fail_nor_stops_what_follows(stranger: Stranger, data: st.DataObject) -> None:
    """Entries with any facts, spoiled or not, chained and signed as they should be; then an honest one."""
    pen = stranger.pen
    for _ in range(data.draw(st.integers(1, 4))):
        fact = data.draw(LIKELY if data.draw(st.booleans()) else ANY)
        date = data.draw(DATES)
        body = canonical(
            Entry(len(pen.rows) + 1, pen.clock.mint(), pen.device, pen.epoch, date, pen.clock.ms, 1, "b", "o", fact)
        )
        pen.body(data.draw(spoiled(body)) if data.draw(st.integers(0, 9)) == 0 else body)
    push(stranger)
    pen.write(StockReceived("Bulog", "SJ", ()))
    push(stranger)
    assert b'"SJ"' in pen.rows[-1].body
    for date in ("2026-11-24", "2026-11-25"):
        stranger.send("GET", f"/v1/attest/{date}")


def push(stranger: Stranger) -> None:
    """Everything that the city does not hold yet; what it did not take is torn out of the journal."""
    pen, city = stranger.pen, stranger.city
    status, answer = stranger.send("POST", "/v1/push", encode(pen.batch(int(city.epoch()["acked_seq"]) + 1)))
    if status == 200:
        ack = msgspec.json.decode(answer, type=Ack)
        event(f"{ack.outcome} {ack.reason} {sorted({flag for _, flag in ack.flagged})}")
    pen.rows = pen.rows[: int(city.epoch()["acked_seq"])]
