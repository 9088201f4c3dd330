"""A city's own programs on a durable PostgreSQL, the rush of a national close on them, and how they die."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psycopg
import requests

from ewarung_city.intake import chain_of
from ewarung_city.keys import make_keys
from ewarung_city.reading import decode_push
from ewarung_city.store import schema
from ewarung_city.store.database import CityStore
from ewarung_city.verify import verify
from ewarung_pos.sync.protocol import Ack, Outcome, ack_text
from ewarung_pos.sync.signing import verify as signed_by
from tests.city_databases import PostgresServer
from tests.many_kiosks import Batch, Sender, request_of

__all__ = ["CityPrograms", "Rush", "database_on", "lost_of"]

ANSWER_S = 60
AGAIN_S = 0.05


def database_on(server: PostgresServer) -> str:
    """The URL of a new database; nothing stays connected to a server that is going to be killed."""
    plain = server.url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE DATABASE rush TEMPLATE template0 ENCODING 'UTF8'")
    return server.url.replace("/postgres?", "/rush?")


class CityPrograms:
    """`ewarung-city serve` with several workers, on a database of a server that may be killed too.

    Args:
        folder: for the city's keys.
        server: durable, and started.
        url: of the city's database on it.
        workers: processes that answer.
    """

    def __init__(self, folder: Path, server: PostgresServer, url: str, workers: int = 2) -> None:
        self._folder = folder
        self._server = server
        self._workers = workers
        self._program: subprocess.Popen[str] | None = None
        self._log = folder / "city.log"
        self._last = ""
        self.url = url
        self.keys = make_keys(folder)
        self.port = 0

    def start(self) -> float:
        """Start what does not run; returns the seconds until the city answered."""
        began = time.monotonic()
        self._server.start()
        if self._program is None:
            listen = f"127.0.0.1:{self.port}"
            command = ["serve", "--data-dir", str(self._folder), "--listen", listen, "--json", "--with-stdin"]
            with self._log.open("ab") as log:  # workers whose database was killed say so, as they should
                self._program = subprocess.Popen(
                    [sys.executable, "-m", "ewarung_city", *command, "--workers", str(self._workers)],
                    env={**os.environ, "EWARUNG_CITY_DATABASE": self.url},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            assert self._program.stdout is not None
            self.port = int(json.loads(self._program.stdout.readline())["url"].rpartition(":")[2])
        while not self._answers():
            if time.monotonic() > began + ANSWER_S:
                said = self._log.read_text(encoding="utf-8", errors="replace")[-4000:]
                raise AssertionError(f"the city ({self._program.poll()}) does not answer: {self._last}\n{said}")
            time.sleep(0.005)
        return time.monotonic() - began

    def _answers(self) -> bool:
        try:
            said = requests.get(f"http://127.0.0.1:{self.port}/health", timeout=10)
        except requests.RequestException as error:
            self._last = repr(error)
            return False
        self._last = f"{said.status_code} {said.text}"
        return said.status_code == 200

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        assert self._program is not None
        with contextlib.suppress(OSError):
            return [int(pid) for pid in self._children().read_text(encoding="ascii").split()]
        return []

    def _children(self) -> Path:
        assert self._program is not None
        return Path(f"/proc/{self._program.pid}/task/{self._program.pid}/children")

    def kill_worker(self, place: int) -> None:
        """One of them; the program starts another."""
        there = self.workers()
        if there:
            with contextlib.suppress(ProcessLookupError):
                os.kill(there[place % len(there)], signal.SIGKILL)

    def kill_program(self) -> None:
        """All of the city's processes; the database stays."""
        assert self._program is not None
        doomed = [self._program.pid, *self.workers()]
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._gone()

    def kill_database(self) -> None:
        """All of the server's processes; the city's stay."""
        self._server.kill()

    def stop(self) -> None:
        """In order, both."""
        if self._program is not None:
            assert self._program.stdin is not None
            self._program.stdin.close()
            self._gone()
        self._server.stop()

    def _gone(self) -> None:
        assert self._program is not None
        self._program.wait(20)
        for stream in (self._program.stdin, self._program.stdout):
            if stream is not None:
                stream.close()
        self._program = None


class Rush:
    """Closes of many kiosks, sent over several lines, each again until the city acknowledges it.

    Attributes:
        acked: the acknowledgement of each kiosk.
        again: how often something was sent again.
    """

    def __init__(self, city: CityPrograms, lanes: int = 6) -> None:
        self._city = city
        self._lanes = lanes
        self._waiting: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self.acked: dict[str, Ack] = {}
        self.again = 0

    def begin(self, batches: Sequence[Batch]) -> None:
        """Sign the requests, and start to send them."""
        now_s = time.time_ns() // 10**9
        for batch in batches:
            self._waiting.put((batch.device, request_of(batch, now_s)))
        self._over.clear()
        self._threads = [threading.Thread(target=self._send, name=f"lane {lane}") for lane in range(self._lanes)]
        for thread in self._threads:
            thread.start()

    def done(self) -> bool:
        """Whether everything was acknowledged."""
        return not any(thread.is_alive() for thread in self._threads)

    def end(self, patience_s: float = 600) -> None:
        """Wait until everything was acknowledged.

        Raises:
            AssertionError: it was not.
        """
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._over.set()
        for thread in self._threads:
            thread.join(ANSWER_S)
        assert self._waiting.empty(), "not everything was acknowledged"

    def _send(self) -> None:
        sender = Sender(self._city.port, ANSWER_S)
        while not self._over.is_set():
            try:
                device, request = self._waiting.get_nowait()
            except queue.Empty:
                break
            ack = _asked(sender, request)
            if ack is None:
                self.again += 1
                self._waiting.put((device, request))
                time.sleep(AGAIN_S)
            else:
                self.acked[device] = ack
        sender.close()


def _asked(sender: Sender, request: bytes) -> Ack | None:
    """The acknowledgement; None when the city is not there or busy."""
    try:
        status, said = sender.send(request)
    except (OSError, http.client.HTTPException):
        return None
    if status >= 500:
        return None
    assert status == 200, (status, said)
    ack = msgspec.json.decode(said, type=Ack)
    assert ack.outcome is Outcome.ACCEPTED, ack
    return ack


def lost_of(city: CityPrograms, batches: Sequence[Batch], acked: Mapping[str, Ack]) -> list[str]:
    """What is wrong with what a city holds of what it acknowledged; empty when each entry is there, once."""
    store = CityStore(city.url)
    found = []
    with store.read() as tx:
        for batch in batches:
            ack = acked[batch.device]
            push = decode_push(batch.body)
            text = ack_text(batch.device, 1, ack.acked_seq, ack.acked_hash, ack.server_ms, ack.flagged)
            if not signed_by(city.keys.public, text, bytes.fromhex(ack.signature)) or ack.flagged:
                found.append(f"{batch.device}: not an acknowledgement of this")
            held = [bytes(row["hash"]) for row in tx.all(schema.entry, "seq", device=batch.device)]
            if held != chain_of(push)[1:] or ack.acked_hash != batch.head.hex():
                found.append(f"{batch.device}: {len(held)} of {len(batch.entries)} entries")
        found += [f"{one.device}/{one.epoch} {one.seq}: {one.what}" for one in verify(tx)]
    store.close()
    return found
