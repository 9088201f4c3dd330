"""Around the whole application: each request is counted, timed and logged, and `/metrics` is answered.

A pure ASGI layer, outside of everything that can refuse or fail.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import MutableMapping
from typing import Any

import msgspec

from ewarung_city.exchange import NOTES, App, Receive, Scope, Send, is_loopback
from ewarung_city.logs import event, whereabouts
from ewarung_city.metrics import Metrics
from ewarung_pos.sync.protocol import PROBLEM_TYPE, Problem, encode
from ewarung_pos.sync.signing import same

__all__ = ["Watched"]

_ROUTES = frozenset({"/bundle", "/health", "/metrics", "/schema", "/schema/openapi.json"})
_ROUTE = re.compile(r"/v1/(?:enrol|hello|push|pull|grant|attest)(?=/|$)")
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_FORWARDED = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
_PROBLEM_BYTES = 512
_GONE = 499
"""Whoever asked hung up before there was an answer."""


class Watched:
    """ASGI middleware, the outermost.

    Args:
        app: what answers.
        metrics: where it is counted.
        token: whoever shows it (`Authorization: Bearer`) reads `/metrics` from anywhere; else only this machine does,
            and nobody through a proxy.
    """

    def __init__(self, app: App, metrics: Metrics, token: str = "") -> None:
        self._app = app
        self._metrics = metrics
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        notes: dict[str, str | int] = {}
        scope = {**scope, "state": {**scope.get("state", {}), NOTES: notes}}
        seen = _Seen(receive, send)
        try:
            if scope["path"] == "/metrics":
                await self._tell(scope, seen.send)
            else:
                await self._app(scope, seen.receive, seen.send)
        except Exception as error:
            seen.status = 500
            event("fault", logging.ERROR, fault=whereabouts(error))
            raise
        finally:
            self._count(scope, notes, seen, time.perf_counter() - began)

    def _count(self, scope: Scope, notes: dict[str, str | int], seen: _Seen, seconds: float) -> None:
        route = route_of(scope["path"])
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.request(route, method, seen.status, seen.reason(), seconds)
        event(
            "request",
            method=method,
            route=route,
            status=seen.status,
            reason=seen.reason(),
            ms=round(seconds * 1000),
            taken=seen.taken,
            given=seen.given,
            **notes,
        )

    async def _tell(self, scope: Scope, send: Send) -> None:
        if not self._may_read(scope):
            await _answer(send, 403, PROBLEM_TYPE, encode(Problem(403, "For this machine, or with a token", "metrics")))
            return
        said = await asyncio.to_thread(self._metrics.text)
        await _answer(send, 200, "text/plain; version=0.0.4; charset=utf-8", said)

    def _may_read(self, scope: Scope) -> bool:
        headers = {name.lower(): value for name, value in scope["headers"]}
        given = headers.get(b"authorization", b"").decode("latin-1")
        if self._token and same(f"Bearer {self._token}", given):
            return True
        return is_loopback(scope) and not (headers.keys() & _FORWARDED)


def route_of(path: str) -> str:
    """What a path means, out of a short list: paths are made by whoever asks."""
    found = _ROUTE.match(path)
    return found[0] if found else path if path in _ROUTES else "other"


class _Seen:
    """What went through."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.status = _GONE
        self.taken = 0
        self.given = 0
        self._problem: bytearray | None = None

    async def receive(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self.taken += len(message.get("body", b""))
        return message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if (b"content-type", PROBLEM_TYPE.encode()) in message["headers"]:
                self._problem = bytearray()
        else:
            body = message.get("body", b"")
            self.given += len(body)
            if self._problem is not None and len(self._problem) < _PROBLEM_BYTES:
                self._problem += body
        await self._send(message)

    def reason(self) -> str:
        """Of the problem document; empty if it is none."""
        if not self._problem:
            return ""
        try:
            return msgspec.json.decode(self._problem, type=Problem).reason
        except msgspec.MsgspecError:
            return "problem"


async def _answer(send: Send, status: int, media: str, body: bytes) -> None:
    headers = [
        (b"content-type", media.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
