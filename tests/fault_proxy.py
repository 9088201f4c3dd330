"""A bad line on loopback: between a till and its city, doing to each exchange what it is told.

It speaks just enough HTTP to know where a message ends, changes nothing in what it passes on, and counts the bytes.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

__all__ = [
    "CAPTIVE_PORTAL",
    "Exchange",
    "Fault",
    "FaultProxy",
    "answering",
    "at",
    "half_reply",
    "half_request",
    "honest",
    "lost_reply",
    "lost_request",
    "stale_reply",
    "twice",
]

_PIECE = 1024
_MOST = 4 * 1024 * 1024


class _Cut(Exception):
    """The line is gone in the middle of something."""


@dataclass
class Exchange:
    """One request of the till, and the means to answer it.

    Attributes:
        what: hello, push, pull, grant, attest, enrol, or whatever else the target says.
        nth: counts the requests of that kind from 1.
        number: counts all requests from 1.
        request: its bytes.
        before: the answer that the last request got, whatever it was; empty before the first.
    """

    what: str
    nth: int
    number: int
    request: bytes
    before: bytes
    _proxy: FaultProxy
    _send: Callable[[bytes], Awaitable[None]]

    async def forward(self) -> bytes:
        """Give it to the city, whole; returns the city's answer."""
        reader, writer = await self._proxy.connect()
        try:
            writer.write(self.request)
            await writer.drain()
            return await _message(reader.read)
        finally:
            writer.close()
            await writer.wait_closed()

    async def forward_half(self) -> None:
        """Give half of it to the city, and hang up."""
        _, writer = await self._proxy.connect()
        writer.write(self.request[: len(self.request) // 2])
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def send(self, answer: bytes) -> None:
        """Say that to the till."""
        await self._send(answer)


Fault = Callable[[Exchange], Awaitable[bool]]
"""Deals with one exchange; returns whether the connection stays open."""


async def honest(exchange: Exchange) -> bool:
    """As it should be."""
    await exchange.send(await exchange.forward())
    return True


async def lost_request(exchange: Exchange) -> bool:
    """The city never hears of it."""
    return False


async def half_request(exchange: Exchange) -> bool:
    """The line is cut while the city reads."""
    await exchange.forward_half()
    return False


async def lost_reply(exchange: Exchange) -> bool:
    """The city did it, and the till never hears so."""
    await exchange.forward()
    return False


async def half_reply(exchange: Exchange) -> bool:
    """The line is cut in the body of the answer."""
    answer = await exchange.forward()
    await exchange.send(answer[: answer.index(b"\r\n\r\n") + 9])
    return False


async def twice(exchange: Exchange) -> bool:
    """The city gets it twice; the till hears the second answer."""
    await exchange.forward()
    return await honest(exchange)


async def stale_reply(exchange: Exchange) -> bool:
    """The city did it; the till hears what it was told the last time."""
    await exchange.forward()
    if exchange.before:
        await exchange.send(exchange.before)
    return False


def answering(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Something else answers."""
    lines = {"Content-Type": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    answer = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    async def fault(exchange: Exchange) -> bool:
        await exchange.send(answer)
        return False

    return fault


CAPTIVE_PORTAL = answering(200, b"<html><title>Masuk WiFi</title>Selamat datang</html>")


def at(what: str, nth: int, fault: Fault) -> Callable[[Exchange], Fault]:
    """A plan: that fault for the nth request of a kind, and honesty for everything else."""
    return lambda exchange: fault if (exchange.what, exchange.nth) == (what, nth) else honest


@dataclass
class FaultProxy:
    """Serves while the block runs.

    Attributes:
        city: URL of the city.
        plan: what to do to an exchange.
        tls: server side of TLS, to be spoken with the till.
        cut_each: bytes after which a connection ends, whatever is on it; 0 for never.
        bits_s: so many a second, each way; 0 for as fast as it goes.
        up, down: bytes that the till sent and got, counted as they passed.
        seen: kinds of the requests, in order.
    """

    city: str
    plan: Callable[[Exchange], Fault] = lambda _: honest
    tls: ssl.SSLContext | None = None
    cut_each: int = 0
    bits_s: int = 0
    up: int = 0
    down: int = 0
    seen: list[str] = field(default_factory=list)
    url: str = ""
    _before: bytes = b""
    _loop: asyncio.AbstractEventLoop | None = None
    _over: asyncio.Event | None = None

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="fault proxy")
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the city."""
        where = urlsplit(self.city)
        return await asyncio.open_connection(where.hostname, where.port)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._connection(reader, writer)
                writer.close()  # what was said still arrives
                await writer.wait_closed()
            except (OSError, asyncio.CancelledError):
                writer.transport.abort()
            finally:
                tasks.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=self.tls)
        scheme = "http" if self.tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await self._over.wait()
        server.close()
        await server.wait_closed()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self.cut_each or _MOST

        async def pass_on(count: int) -> None:
            nonlocal left
            left -= count
            if self.bits_s:
                await asyncio.sleep(count * 8 / self.bits_s)

        async def read(most: int) -> bytes:
            if left <= 0:
                raise _Cut
            piece = await reader.read(min(most, left, _PIECE))
            self.up += len(piece)
            await pass_on(len(piece))
            return piece

        async def send(answer: bytes) -> None:
            for start in range(0, len(answer), _PIECE):
                piece = answer[start : start + min(_PIECE, max(left, 0))]
                self.down += len(piece)
                writer.write(piece)
                await writer.drain()
                await pass_on(len(piece))
                if left <= 0:
                    raise _Cut

        with suppress(_Cut):
            while True:
                request = await _message(read)
                if not request:
                    return
                exchange = self._exchange(request, send)
                stays = await self.plan(exchange)(exchange)
                if not stays:
                    return

    def _exchange(self, request: bytes, send: Callable[[bytes], Awaitable[None]]) -> Exchange:
        target = request.split(b" ", 2)[1].decode("latin-1")
        parts = target.partition("?")[0].strip("/").split("/")
        what = parts[1] if parts[0] == "v1" and len(parts) > 1 else parts[0]
        self.seen.append(what)

        async def told(answer: bytes) -> None:
            await send(answer)
            self._before = answer

        return Exchange(what, self.seen.count(what), len(self.seen), request, self._before, self, told)


async def _message(read: Callable[[int], Awaitable[bytes]]) -> bytes:
    """One whole HTTP message; empty when the other end hung up before it began."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = await read(_PIECE)
        if not piece:
            if data:
                raise _Cut
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = await read(length - len(body))
        if not piece:
            raise _Cut
        body += piece
    return head + b"\r\n\r\n" + body
