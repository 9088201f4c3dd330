"""Around every message under /v1: how large it may be, whose it is, and that the answer proves itself.

Pure ASGI, so that the routes behind it see plain JSON from a known kiosk and answer plain JSON.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from threading import Lock
from typing import Any

import msgspec

from ewarung_city.keys import CityKeys
from ewarung_city.limits import Gate, Limits, Share, network_of
from ewarung_city.logs import event, whereabouts
from ewarung_pos.errors import ServerBusy, Unauthorised
from ewarung_pos.sync.packing import TooLarge, pack, unpack
from ewarung_pos.sync.protocol import (
    CLOCK_TOLERANCE_S,
    MESSAGE_BYTES,
    NONCE_HEADER,
    PROBLEM_TYPE,
    Problem,
    encode,
)
from ewarung_pos.sync.signing import SignedBy, sign_response, verify_request

__all__ = ["NOTES", "Caller", "SignedExchange", "is_loopback"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

NOTES = "notes"
"""Of a request's state: what the layers within found out and the log may say (kiosk, epoch)."""

_NONCE = re.compile(r'nonce="([!-~]{16,64})"')
_KEYID = re.compile(r"(?:enrol/([0-9a-f]{64})|([A-Za-z0-9-]{1,32})/([1-9][0-9]{0,5}))")
_CLAIMED = re.compile(r'keyid="([^"]{1,80})"')
_LIMITS = Limits()
_PACK_FROM = 512
_BODY_SECONDS = 60
_NONCES = 10_000
"""So many messages are remembered without a look at which of them are too old to come again."""
_REPEATABLE = ("/v1/push", "/v1/enrol")
"""Messages that may come twice: their answer is the same, and nothing happens again."""


class Caller(msgspec.Struct, frozen=True):
    """Who sent a request, proved by its signature: the kiosk and epoch, or the key that wants to enrol."""

    device: str
    epoch: int
    key: str
    created: int
    fresh: bool


class _Refused(Exception):
    def __init__(self, problem: Problem, retry_s: int = 0) -> None:
        super().__init__(problem.reason)
        self.problem = problem
        self.retry_s = retry_s


class SignedExchange:
    """ASGI middleware for the signed part of the interface.

    Args:
        app: what answers.
        keys: of the city.
        find_key: public key of a kiosk's enrolment, or None; may touch the database.
        now_s: the city's time.
        first_anywhere: (caller, nonce, now, until) whether no other worker saw that message before, and remember it
            until then; None when there is no other.
        limits: what one kiosk or one address may ask. So many messages as `at_once` are read or answered at a time;
            connections that rest between two of them are no burden.
    """

    def __init__(
        self,
        app: App,
        keys: CityKeys,
        find_key: Callable[[str, int], bytes | None],
        now_s: Callable[[], int],
        first_anywhere: Callable[[Caller, str, int, int], bool] | None = None,
        limits: Limits = _LIMITS,
    ) -> None:
        self._app = app
        self._keys = keys
        self._find_key = find_key
        self._now_s = now_s
        self._first_anywhere = first_anywhere
        self._known: dict[str, bytes] = {}
        self._nonces: dict[str, int] = {}
        self._many = _NONCES
        self._guard = Lock()
        self._limits = limits
        self._kiosks = Share(limits.kiosk_rate, limits.kiosk_burst)
        self._unproved = Share(limits.unproved_rate, limits.unproved_burst)
        self._gate = Gate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        address, keyid = _address(scope), _claimed(headers)
        here, whose = f"at {address}", f"from {address} {keyid}"
        refused = self._no_room(here if address else "", whose)
        if refused is not None:
            await self._problem(headers, refused.problem, send, refused.retry_s)
            return
        try:
            with self._gate.enter("all", here, whose):
                wait_s = self._unproved.left(address) if address else 0
                if wait_s and (not keyid or keyid.startswith("enrol/") or not await self._is_kiosk(keyid)):
                    said = Problem(429, "Too many that prove nothing", "rate")
                    await self._problem(headers, said, send, wait_s)
                    return
                await self._signed(scope, headers, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the kiosk gets an answer and keeps its entries
            event("fault", logging.ERROR, handler="exchange", fault=whereabouts(error))
            await self._problem(headers, Problem(500, "The city failed", "failure"), send, 5)

    def _no_room(self, here: str, whose: str) -> _Refused | None:
        """Before anything is read: whether there is no room for one more, or for one more of these."""
        limits = self._limits
        if self._gate.full("all", limits.at_once):
            return _Refused(Problem(503, "The city is busy", "busy"), 5)
        if self._gate.full(whose, limits.kiosk_at_once) or (here and self._gate.full(here, limits.address_at_once)):
            return _Refused(Problem(429, "Too many at a time", "at_once"), 1)
        return None

    async def _is_kiosk(self, keyid: str) -> bool:
        try:
            return await asyncio.to_thread(self._key_of, keyid) is not None
        except ServerBusy:
            return False

    async def _signed(self, scope: Scope, headers: list[tuple[str, str]], receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(_read(headers, receive), _BODY_SECONDS)
            caller = await asyncio.to_thread(self._who, scope, headers, body)
            self._share(caller)
            plain = _plain(headers, body)
        except TimeoutError:
            await self._problem(headers, Problem(408, "The body did not arrive", "timeout"), send)
            return
        except _Refused as refused:
            await self._problem(headers, refused.problem, send, refused.retry_s)
            return
        if plain is None:
            return  # the other end hung up
        scope = {**scope, "headers": _relabelled(scope["headers"], len(plain))}
        scope["state"] = {**scope.get("state", {}), "caller": caller}
        if caller is not None and caller.device:
            scope["state"].get(NOTES, {}).update(kiosk=caller.device, epoch=caller.epoch)
        answer = _Answer()
        await self._app(scope, _replay(plain, receive), answer.send)
        await self._send(headers, answer.status, answer.headers, bytes(answer.body), send)

    def _share(self, caller: Caller | None) -> None:
        """A kiosk that proved itself takes of its own share.

        Raises:
            _Refused: there is none left for now.
        """
        wait_s = self._kiosks.take(f"{caller.device}/{caller.epoch}") if caller is not None and caller.device else 0
        if wait_s:
            raise _Refused(Problem(429, "Too many of one kiosk", "rate"), wait_s)

    # -- the request -------------------------------------------------------------------------------------------------

    def _who(self, scope: Scope, headers: list[tuple[str, str]], body: bytes | None) -> Caller | None:
        if body is None:
            return None
        host = next((value for name, value in headers if name == "host"), "")
        query = scope["query_string"].decode("latin-1")
        path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        url = f"{scope.get('scheme', 'http')}://{host}{path}{'?' + query if query else ''}"
        try:
            by = verify_request(scope["method"], url, headers, body, self._key_of)
            return self._caller(scope, by)
        except Unauthorised as error:
            self._proved_nothing(scope)
            raise _Refused(Problem(401, "Not signed by a kiosk of this city", error.reason)) from error
        except ServerBusy as error:
            raise _Refused(Problem(503, "The city is busy", "busy"), 5) from error

    def _caller(self, scope: Scope, by: SignedBy) -> Caller:
        path = scope["path"]
        found = _KEYID.fullmatch(by.keyid)
        if found is None:  # pragma: no cover - no key is ever found for such an id
            raise _Refused(Problem(401, "Not signed by a kiosk of this city", "unknown_key"))
        key, device, epoch = found.groups()
        if (key is not None) is not path.startswith("/v1/enrol"):
            raise _Refused(Problem(403, "This key is for something else", "wrong_key"))
        now = self._now_s()
        if key:  # anybody can make a key that wants to enrol
            self._proved_nothing(scope)
        fresh = abs(by.created - now) <= CLOCK_TOLERANCE_S
        caller = Caller(device or "", int(epoch or 0), key or "", by.created, fresh)
        if fresh and not path.startswith(_REPEATABLE) and not self._first(caller, by, now):
            raise _Refused(Problem(409, "This message came before", "replayed"))
        return caller

    def _proved_nothing(self, scope: Scope) -> None:
        if address := _address(scope):
            self._unproved.take(address)

    def _key_of(self, keyid: str) -> bytes | None:
        found = _KEYID.fullmatch(keyid)
        if found is None:
            return None
        if found[1] is not None:
            return bytes.fromhex(found[1])
        held = self._known.get(keyid)
        if held is None:
            held = self._find_key(found[2], int(found[3]))
            if held is not None:
                self._known[keyid] = held
        return held

    def _first(self, caller: Caller, by: SignedBy, now: int) -> bool:
        """Whether a fresh message comes for the first time; older ones are refused for their age."""
        message, until = f"{by.keyid} {by.nonce}", now + 2 * CLOCK_TOLERANCE_S
        with self._guard:
            if len(self._nonces) > self._many:
                self._nonces = {name: until for name, until in self._nonces.items() if until > now}
                # Of a busy city most are live: looked through at every message, they would cost more than the message.
                self._many = max(_NONCES, 2 * len(self._nonces))
            if message in self._nonces:
                return False
            self._nonces[message] = until
        return self._first_anywhere is None or self._first_anywhere(caller, by.nonce, now, until)

    # -- the answer --------------------------------------------------------------------------------------------------

    async def _problem(self, headers: list[tuple[str, str]], problem: Problem, send: Send, retry_s: int = 0) -> None:
        said = {"content-type": PROBLEM_TYPE}
        if retry_s:
            said["retry-after"] = str(retry_s)
        await self._send(headers, problem.status, said, encode(problem), send)

    async def _send(
        self, asked: list[tuple[str, str]], status: int, headers: dict[str, str], body: bytes, send: Send
    ) -> None:
        headers.pop("content-length", None)
        accepts = ",".join(value for name, value in asked if name == "accept-encoding")
        if len(body) > _PACK_FROM and "gzip" in accepts:
            body = await asyncio.to_thread(pack, body)
            headers["content-encoding"] = "gzip"
        headers[NONCE_HEADER.lower()] = _nonce_of(asked)
        headers["cache-control"] = "no-store"
        sign_response(status, headers, body, self._keys.signing, self._keys.keyid, self._now_s())
        headers["content-length"] = str(len(body))
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def is_loopback(scope: Scope) -> bool:
    """Whether the other end is on this machine, as far as the server was told."""
    client = scope.get("client")
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


class _Answer:
    """What the routes answered, whole."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


async def _read(headers: list[tuple[str, str]], receive: Receive) -> bytes | None:
    """The body as sent, at most so large; None when the other end hung up."""
    length = next((value for name, value in headers if name == "content-length"), "0")
    if re.fullmatch(r"[0-9]{1,9}", length) is None or int(length) > MESSAGE_BYTES:
        raise _Refused(Problem(413, "Too large", "too_large"))
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MESSAGE_BYTES:
            raise _Refused(Problem(413, "Too large", "too_large"))
        if not message.get("more_body", False):
            return bytes(body)


def _plain(headers: list[tuple[str, str]], body: bytes | None) -> bytes | None:
    coding = next((value.strip().lower() for name, value in headers if name == "content-encoding"), "identity")
    if body is None or coding == "identity":
        return body
    if coding != "gzip":
        raise _Refused(Problem(415, "Only gzip or nothing", "content_encoding"))
    try:
        return unpack(body)
    except TooLarge as error:
        raise _Refused(Problem(413, "Too large when unpacked", "too_large")) from error
    except ValueError as error:
        raise _Refused(Problem(400, "Not gzip", "malformed")) from error


def _relabelled(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [pair for pair in headers if pair[0].lower() not in {b"content-encoding", b"content-length"}]
    return [*kept, (b"content-length", str(length).encode())]


def _replay(body: bytes, receive: Receive) -> Receive:
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return pending.pop() if pending else await receive()

    return again


def _address(scope: Scope) -> str:
    """Where a request came from; empty for this machine, or where nobody knows."""
    client = scope.get("client")
    return "" if client is None or is_loopback(scope) else network_of(str(client[0]))


def _claimed(headers: list[tuple[str, str]]) -> str:
    """The key that a request says to be signed with, unproved; empty if none of ours."""
    said = next((value for name, value in headers if name == "signature-input"), "")
    found = _CLAIMED.search(said)
    return found[1] if found is not None and _KEYID.fullmatch(found[1]) else ""


def _nonce_of(headers: list[tuple[str, str]]) -> str:
    """The nonce that the answer repeats, proved or not: the asker decides whether the answer is for it."""
    for name, value in headers:
        if name == "signature-input" and (found := _NONCE.search(value)):
            return found[1]
    return "none"
