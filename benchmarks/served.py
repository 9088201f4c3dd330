"""Servers to measure, each a process of its own on the city's own HTTP settings.

`apply` is the whole city; `store` takes batches and applies nothing of them; `route` is the city's PUSH behind its
signatures and before its database; `bare` is a plain ASGI function that decodes the same message with msgspec and
answers the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from unittest import mock

import msgspec

from ewarung_city import api, intake, routes, server
from ewarung_city.apply import Applier
from ewarung_city.exchange import App, Caller, Receive, Scope, Send
from ewarung_city.keys import CityKeys
from ewarung_city.limits import WITHOUT
from ewarung_city.store.database import CityStore
from ewarung_pos.sync.protocol import Ack, Outcome, Push, encode

__all__ = ["KEYS", "Served", "Storing", "serving"]

KEYS = CityKeys(b"s" * 32, b"c" * 32, b"r" * 32)
ACK = encode(Ack(Outcome.ACCEPTED, 100, "0" * 64, 0))


class Storing:
    """In the place of what applies entries: a city that only stores."""

    uncounted: frozenset[int] = frozenset()

    def __init__(self, *_: object) -> None: ...

    def apply(self, _: object) -> list[tuple[int, str]]:
        return []


class Served:
    """A server that runs; its port, and how much processor time it has used."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def cpu(self) -> float:
        """Seconds, its own and its children's."""
        return cpu_of(self.process.pid)


@contextmanager
def serving(kind: str, database: str = "") -> Iterator[Served]:
    """One of the four."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.served", kind],
        env={**os.environ, "EWARUNG_CITY_DATABASE": database},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        yield Served(process, int(url.rpartition(":")[2]))
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def cpu_of(pid: int) -> float:
    """Seconds on a processor, of a process with its threads and of all that it has started and that still runs."""
    total, left = 0, [pid]
    while left:
        for task in Path(f"/proc/{left.pop()}/task").glob("*"):
            with suppress(OSError):  # it ended meanwhile
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
                left += map(int, (task / "children").read_text(encoding="ascii").split())
    return total / 1e9


def main(kind: str) -> None:
    listening = server.bind("127.0.0.1:0", tls=False)
    print(json.dumps({"url": server.url_of(listening, tls=False)}), flush=True)
    if kind in {"route", "bare"}:
        server.run(_route() if kind == "route" else _bare, listening, with_stdin=True)
        return
    with closing(CityStore(os.environ["EWARUNG_CITY_DATABASE"])) as store:
        applier = Storing if kind == "store" else Applier
        with mock.patch.object(intake, "Applier", applier):
            server.run(api.build(store, KEYS, limits=WITHOUT), listening, with_stdin=True)


class _NoStore:
    """Answers a batch without looking into it."""

    def turn(self, *_: object) -> bytes:
        return ACK


def _route() -> App:
    """The routes of a city for a kiosk that was proved already, over no database."""
    answering = cast("App", api.interface())
    state: dict[str, Any] = {
        "city": routes.City(cast("CityStore", _NoStore()), KEYS, lambda: time.time_ns() // 1_000_000),
        "caller": Caller("EW-000001", 1, "", 0, fresh=True),
    }

    async def proved(scope: Scope, receive: Receive, send: Send) -> None:
        await answering({**scope, "state": {**scope.get("state", {}), **state}}, receive, send)

    return proved


_PUSH = msgspec.json.Decoder(Push)


async def _bare(_: Scope, receive: Receive, send: Send) -> None:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    push = _PUSH.decode(body)
    answer = encode(Ack(Outcome.ACCEPTED, push.last_seq, push.head_hash, 0))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    main(sys.argv[1])
