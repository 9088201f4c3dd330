"""A flood by one kiosk, or by somebody who proves nothing, is asked to come back, and everybody else is served."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from ewarung_city import api
from ewarung_city.limits import Gate, Limits, Share
from ewarung_pos.ports import SyncPhase
from ewarung_pos.sync.enrolment import enrol
from ewarung_pos.sync.protocol import MESSAGE_BYTES, Enrol, encode
from ewarung_pos.sync.signing import SignedBy, new_key, public_of, sign_request
from tests.integration.city.city_kit import LiveCity, Pen, Till, ToldClock, begun

LIMITS = Limits(kiosk_rate=0.5, kiosk_burst=12, kiosk_at_once=2, unproved_rate=0.5, unproved_burst=4, address_at_once=6)
FAR = {"X-Forwarded-For": "203.0.113.7"}
"""As a proxy on this machine says whom it speaks for."""


@pytest.fixture
def limited(stocked: LiveCity, clock: ToldClock, monkeypatch: pytest.MonkeyPatch) -> Callable[[Limits], LiveCity]:
    """Serves with these limits, whose seconds are the told clock's: how fast this machine is does not matter."""
    build = api.build

    def start(limits: Limits) -> LiveCity:
        monkeypatch.setattr(api, "build", lambda *told, **named: build(*told, **named, limits=limits))
        monkeypatch.setattr(
            "ewarung_city.exchange.Share", lambda rate, burst: Share(rate, burst, lambda: clock.ms / 1000)
        )
        stocked.start()
        return stocked

    return start


@pytest.fixture
def tight(limited: Callable[[Limits], LiveCity]) -> LiveCity:
    """A city that soon has enough."""
    return limited(LIMITS)


@pytest.fixture
def pens(tight: LiveCity, clock: ToldClock) -> Callable[[str], Pen]:
    return lambda kiosk: begun(Pen(enrol(tight.url, tight.code(kiosk), "0", now_s=lambda: clock.ms // 1000), clock))


def ask(city: LiveCity, pen: Pen, **headers: str) -> requests.Response:
    """A question of this kiosk, signed."""
    return signed(city, "GET", "/v1/pull?cursor=0", b"", pen.key, f"{pen.device}/{pen.epoch}", headers)


def signed(
    city: LiveCity, method: str, path: str, body: bytes, key: bytes, keyid: str, headers: dict[str, str]
) -> requests.Response:
    url = city.url + path
    named = {"Host": urlsplit(url).netloc}
    sign_request(method, url, named, body, key, SignedBy(keyid, city.clock.ms // 1000, secrets.token_urlsafe(24)))
    return requests.request(method, url, data=body, headers={**named, **headers}, timeout=10)


def flood(city: LiveCity, pen: Pen) -> list[requests.Response]:
    return [ask(city, pen) for _ in range(LIMITS.kiosk_burst + 3)]


def reason(answer: requests.Response) -> str:
    return str(answer.json()["reason"])


def test_a_kiosk_that_floods_is_asked_to_come_back_and_another_is_served(
    tight: LiveCity, pens: Callable[[str], Pen]
) -> None:
    loud, quiet = pens("EW-0001"), pens("EW-0002")
    answers = flood(tight, loud)
    assert {answer.status_code for answer in answers[: LIMITS.kiosk_burst]} == {200}
    assert [answer.status_code for answer in answers[LIMITS.kiosk_burst :]] == [429] * 3
    assert (reason(answers[-1]), answers[-1].headers["retry-after"]) == ("rate", "2")
    assert ask(tight, quiet).status_code == 200


def test_the_till_waits_as_long_as_it_is_told_and_loses_nothing(
    limited: Callable[[Limits], LiveCity], tmp_path: Path, clock: ToldClock
) -> None:
    city = limited(Limits(kiosk_rate=1, kiosk_burst=3))
    till = Till(tmp_path / "till", city.url, city.code(), clock)
    waits = []
    try:
        while (report := till.engine.step()).code or report.more:
            if report.code:
                assert (report.phase, report.code) == (SyncPhase.WAITING, "server_busy")
                waits.append(report.retry_ms)
                assert len(waits) < 20
                clock.wait(report.retry_ms)
        assert waits
        assert all(1_000 <= wait <= 5_000 for wait in waits)
        assert till.ledger.read().head().acked_seq > 0
        assert len(till.ledger.read().families()) == 240
    finally:
        till.close()


def test_nobody_uses_up_a_kiosks_share_without_its_key(tight: LiveCity, pens: Callable[[str], Pen]) -> None:
    pen = pens("EW-0001")
    keyid = f"{pen.device}/{pen.epoch}"
    for _ in range(2 * LIMITS.kiosk_burst):
        assert signed(tight, "GET", "/v1/pull?cursor=0", b"", new_key(), keyid, FAR).status_code == 401
    assert ask(tight, pen).status_code == 200
    assert ask(tight, pen, **FAR).status_code == 200, "not even from the very same address"


def test_an_address_that_proves_nothing_is_asked_to_come_back_before_anything_of_it_is_read(
    tight: LiveCity, pens: Callable[[str], Pen]
) -> None:
    pen = pens("EW-0001")
    url = tight.url + "/v1/push"
    said = [requests.post(url, data=b"{}", headers=FAR, timeout=10) for _ in range(LIMITS.unproved_burst + 2)]
    assert [answer.status_code for answer in said] == [401] * LIMITS.unproved_burst + [429] * 2
    assert (reason(said[-1]), said[-1].headers["retry-after"]) == ("rate", "2")
    where = urlsplit(tight.url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as line:
        head = "POST /v1/push HTTP/1.1\r\nHost: city\r\nX-Forwarded-For: 203.0.113.7\r\n"
        line.sendall(f"{head}Content-Length: {MESSAGE_BYTES}\r\n\r\n".encode())  # and not one byte of the body
        assert line.recv(100).startswith(b"HTTP/1.1 429")
    assert ask(tight, pen, **FAR).status_code == 200, "a kiosk behind the same address is known"
    assert requests.post(url, data=b"{}", headers={"X-Forwarded-For": "203.0.113.8"}, timeout=10).status_code == 401
    assert requests.post(url, data=b"{}", timeout=10).status_code == 401, "this machine itself"


def test_tries_to_enrol_are_counted_by_address(tight: LiveCity) -> None:
    def attempt(headers: dict[str, str]) -> int:
        key = new_key()
        public = public_of(key).hex()
        body = encode(Enrol("AAAA", "00" * 32, public, "00" * 32, "0", ""))
        return signed(tight, "POST", "/v1/enrol", body, key, f"enrol/{public}", headers).status_code

    assert [attempt(FAR) for _ in range(LIMITS.unproved_burst + 1)] == [403] * LIMITS.unproved_burst + [429]
    assert attempt({"X-Forwarded-For": "203.0.113.9"}) == 403


@pytest.fixture
def slow_lines(tight: LiveCity) -> Iterator[Callable[[str, str], socket.socket]]:
    """Opens requests whose body never comes; each is closed at the end."""
    where = urlsplit(tight.url)
    with ExitStack() as stack:

        def begin(address: str, keyid: str) -> socket.socket:
            line = stack.enter_context(socket.create_connection((where.hostname or "", where.port or 0), timeout=10))
            said = f"POST /v1/push HTTP/1.1\r\nHost: city\r\nX-Forwarded-For: {address}\r\nContent-Length: 9\r\n"
            line.sendall(f'{said}Signature-Input: sig1=("@method");keyid="{keyid}"\r\n\r\n'.encode())
            return line

        yield begin


def test_slow_bodies_of_one_kiosk_or_one_address_leave_room_for_others(
    tight: LiveCity, pens: Callable[[str], Pen], slow_lines: Callable[[str, str], socket.socket]
) -> None:
    pen, other = pens("EW-0001"), pens("EW-0002")
    mine = f"{pen.device}/{pen.epoch}"
    held = [slow_lines("203.0.113.7", mine) for _ in range(LIMITS.kiosk_at_once + 1)]
    assert held[-1].recv(100).startswith(b"HTTP/1.1 429")
    assert (ask(tight, pen, **FAR).status_code, reason(ask(tight, pen, **FAR))) == (429, "at_once")
    assert ask(tight, other, **FAR).status_code == 200
    assert ask(tight, pen).status_code == 200, "from where it really is"
    many = [slow_lines("203.0.113.7", f"EW-{number:04}/1") for number in range(10, 10 + LIMITS.address_at_once)]
    assert many[-1].recv(100).startswith(b"HTTP/1.1 429")
    assert ask(tight, other, **FAR).status_code == 429
    assert ask(tight, other, **{"X-Forwarded-For": "203.0.113.8"}).status_code == 200


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_another_kiosk_is_answered_beside_a_flood(limited: Callable[[Limits], LiveCity], clock: ToldClock) -> None:
    """Many lines of one kiosk at once, as fast as they are answered."""
    city = limited(Limits(kiosk_burst=60))
    loud, quiet = (
        begun(Pen(enrol(city.url, city.code(kiosk), "0", now_s=lambda: clock.ms // 1000), clock))
        for kiosk in ("EW-0001", "EW-0002")
    )
    over, statuses = threading.Event(), []

    def pour() -> None:
        while not over.is_set():
            statuses.append(ask(city, loud).status_code)

    with ThreadPoolExecutor(8) as lanes:
        for _ in range(8):
            lanes.submit(pour)
        deadline = time.monotonic() + 30
        while 429 not in statuses and time.monotonic() < deadline:
            time.sleep(0.01)
        answers = [ask(city, quiet) for _ in range(10)]
        over.set()
    assert {answer.status_code for answer in answers} == {200}
    assert {200, 429} <= set(statuses)


def test_a_share_comes_back_with_time_and_is_everybodys_own() -> None:
    now = [100.0]
    share = Share(2, 3, lambda: now[0])
    assert [share.take("a") for _ in range(4)] == [0, 0, 0, 1]
    assert (share.left("a"), share.left("b"), share.take("b")) == (1, 0, 0)
    now[0] += 0.5
    assert [share.take("a"), share.take("a")] == [0, 1]
    now[0] += 1_000
    assert [share.take("a") for _ in range(4)] == [0, 0, 0, 1]


def test_a_share_forgets_whoever_has_all_of_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_city.limits._REMEMBERED", 10)
    now = [0.0]
    share = Share(1, 2, lambda: now[0])
    for number in range(500):
        now[0] += 0.01
        share.take(f"203.0.113.{number}")
    assert len(share._next) <= 210
    assert [share.take("203.0.113.499"), share.take("203.0.113.499")] == [0, 1]


def test_whoever_goes_out_leaves_room() -> None:
    gate = Gate()
    with gate.enter("a", "b"), gate.enter("a"):
        assert gate.full("a", 2)
        assert not gate.full("b", 2)
    assert not gate.full("a", 1)
    assert not gate._inside
