"""What receiving a batch costs beside its database.

- The city's route for a PUSH of 100 entries (Litestar, msgspec, its thread) over a bare ASGI function that decodes the
  same message with msgspec; both behind the same HTTP server with the same settings, no signatures of requests at
  either. The whole exchange, with both signatures, is reported beside it.
- The check of a batch of 200 entries (one signature, every link) over a plain SHA-256 chain of the same entries.
- Bytes of a whole day's close as they travel, packed, for each of its entries, over what could not be left out: a
  family's reference and two quantities, 14 bytes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, ratio
from benchmarks.ingest import with_kiosks
from benchmarks.served import Served, serving
from ewarung_city.intake import chain_of
from ewarung_city.reading import decode_push
from ewarung_pos.domain.journal import genesis
from ewarung_pos.sync.protocol import batch_text
from ewarung_pos.sync.signing import public_of, verify
from tests.many_kiosks import Batch, Kiosks, Sender, key_of, names, plain_request_of, request_of

__all__ = ["measure"]

ROUTE_ENTRIES, ROUTE_REQUESTS = 100, 150
CHECKED, CHECKS = 200, 100
CLOSE = 60
FLOOR = 14


def measure(repetitions: int) -> list[Figure]:
    """P17, P18 and P19."""
    kiosks = Kiosks(time.time_ns() // 1_000_000)
    device = names(1)[0]
    return [
        *_routes(kiosks, kiosks.journal(device, 1, ROUTE_ENTRIES)[0], repetitions),
        _checked(kiosks.journal(device, 1, CHECKED)[0], repetitions),
        _wire(kiosks, repetitions),
    ]


def _routes(kiosks: Kiosks, batch: Batch, repetitions: int) -> list[Figure]:
    runs: list[list[tuple[float, float]]] = []
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="ewarung-bench-"))
        database = f"sqlite:///{Path(folder) / 'city.db'}"
        with_kiosks(kiosks, database, names(1))
        served = [stack.enter_context(serving(kind, database)) for kind in ("route", "bare", "store")]
        senders = [Sender(one.port) for one in served]
        for sender in senders:
            stack.callback(sender.close)
        plain = plain_request_of(batch)
        for _ in range(repetitions + 1):
            signed = request_of(batch, time.time_ns() // 10**9)
            asked = (plain, plain, signed)
            runs.append([_asked(*one) for one in zip(served, senders, asked, strict=True)])
    entries = ROUTE_ENTRIES * ROUTE_REQUESTS
    figures = []
    for at, name, goal in (
        (0, "the route of a PUSH / bare ASGI and msgspec", 0.6),
        (2, "the same with unpacking, both signatures and a batch that is held / bare", None),
    ):
        for which, by in enumerate(("", ", by the server's processor time")):
            pairs = [(entries / run[at][which], entries / run[1][which]) for run in runs[1:]]
            figures.append(ratio(name + by, pairs, goal=goal, unit="entries/s", at_least=True))
    return figures


def _asked(served: Served, sender: Sender, request: bytes) -> tuple[float, float]:
    used, start = served.cpu(), time.perf_counter()
    for _ in range(ROUTE_REQUESTS):
        status, said = sender.send(request)
        assert status == 200, (status, said)
        assert b'"outcome":"ACCEPTED"' in said
    return time.perf_counter() - start, served.cpu() - used


def _checked(batch: Batch, repetitions: int) -> Figure:
    push = decode_push(batch.body)
    public = public_of(key_of(batch.device))
    said = batch_text(push.device, push.epoch, push.first_seq, push.last_seq, push.head_hash)
    signature = bytes.fromhex(push.signature)

    def check() -> None:
        assert verify(public, said, signature)
        assert chain_of(push)[-1].hex() == push.head_hash

    def plain() -> None:
        head = genesis(batch.device, 1)
        for body in batch.bodies:
            head = hashlib.sha256(head + body).digest()
        assert head == batch.head

    pairs = [(_times(check), _times(plain)) for _ in range(repetitions + 1)]
    return ratio("check of a batch of 200 / plain SHA-256 chain of it", pairs[1:], goal=2.1)


def _times(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(CHECKS):
        work()
    return (time.perf_counter() - start) / CHECKS * 1e6


def _wire(kiosks: Kiosks, repetitions: int) -> Figure:
    requests = [request_of(kiosks.close(device, CLOSE), time.time_ns() // 10**9) for device in names(repetitions)]
    pairs = [(len(request.partition(b"\r\n\r\n")[2]) / CLOSE, float(FLOOR)) for request in requests]
    note = f"a close of {CLOSE} is {len(requests[0]):,} B with its headers"
    return ratio("bytes of a close on the wire / what could not be left out", pairs, unit="B/entry", note=note)
