"""What left the machine and can no longer be taken back: said on the screen, printed, asked of the EDC, told the city.

Each is a promise: whatever the power does from then on, the ledger must hold what it speaks of.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from tests.system.kit import named_on
from tests.torture.trace import NEVER, Call

__all__ = ["Promise", "Wires", "promises"]

_STX = b"\x02"
_AFTER_STX = 154
_MONEY = {b"01": "sale", b"08": "void"}
_TOLD = re.compile(r"Tercatat: struk (\d+)")
_EVENTS = {"Masuk:": "KioskEnrolled", "Hari dibuka.": "DayOpened", "Barang masuk:": "StockReceived"}
_PEER = re.compile(r"TCP:\[127\.0\.0\.1:(\d+)->127\.0\.0\.1:(\d+)\]")
_REQUEST = re.compile(rb"POST /v1/(push|hello) HTTP/1\.1\r\n(.*?)\r\n\r\n", re.DOTALL)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_QUESTION = b"\x10\x04"


@dataclass(frozen=True, slots=True)
class Promise:
    """From the moment `at` on. What it speaks of depends on its kind:

    said: receipt `number` · happened: an entry of the kind `word` · printed, sent: entry `number` has a hash that
    begins with `word`; `data` is the paper · asked: for a sale of `number` rupiah, or a void (`word`).
    """

    at: int
    kind: str
    number: int = 0
    word: str = ""
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Wires:
    """How to know what goes where: ports of the printer and the city, on loopback."""

    printer: int
    city: int


def promises(calls: Iterable[Call], wires: Wires) -> tuple[Promise, ...]:
    """Everything that was promised in a recording, oldest first."""
    screen = bytearray()
    said: list[Promise] = []
    streams: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
    woken = 0
    for call in calls:
        if call.handle is None or call.name not in ("write", "sendto"):
            continue
        data = call.texts[0]  # begun is as good as done: bytes may be out before the call comes back
        leads = call.handle.leads
        if call.handle.number == 1:
            screen += data
            while b"\n" in screen:
                line, _, rest = bytes(screen).partition(b"\n")
                screen[:] = rest
                said += _said(call.begun, line.decode())
        elif leads.startswith("/dev/pts/"):  # the first byte of a request wakes the EDC; the rest comes after it
            if data == _STX:
                woken = call.begun
            elif len(data) == _AFTER_STX and (kind := _MONEY.get(data[3:5])) is not None:
                said.append(Promise(woken, "asked", int(data[5:17]) // 100, kind))
        elif (peer := _PEER.match(leads)) is not None and int(peer[2]) in (wires.printer, wires.city):
            streams[leads].append((call.begun, data))
    for leads, pieces in streams.items():
        peer = _PEER.match(leads)
        assert peer is not None
        said += _printed(pieces) if int(peer[2]) == wires.printer else _sent(pieces)
    enrolled = min((promise.at for promise in said if promise.kind == "happened"), default=NEVER)
    # Until the till is enrolled, what the city heard binds it to nothing: that enrolment begins anew.
    kept = [promise for promise in said if promise.kind != "sent" or promise.at > enrolled]
    return tuple(sorted(kept, key=lambda promise: promise.at))


def _said(at: int, line: str) -> Iterator[Promise]:
    told = _TOLD.search(line)
    if told is not None:
        yield Promise(at, "said", int(told[1]))
    for words, kind in _EVENTS.items():
        if line.startswith(words):
            yield Promise(at, "happened", word=kind)


def _printed(pieces: list[tuple[int, bytes]]) -> Iterator[Promise]:
    """A paper promises from its first byte on: it is in the printer then, and nobody takes it back."""
    job = [(at, data) for at, data in pieces if not (len(data) == 3 and data.startswith(_QUESTION))]
    if job:
        paper = b"".join(data for _, data in job)
        for seq, digest in named_on(paper):
            yield Promise(job[0][0], "printed", seq, digest, paper)


def _sent(pieces: list[tuple[int, bytes]]) -> Iterator[Promise]:
    """What the city was told of the journal: its end in a HELLO, entries in a PUSH."""
    stream = b"".join(data for _, data in pieces)
    ends, total = [], 0
    for at, data in pieces:
        total += len(data)
        ends.append((total, at))
    for request in _REQUEST.finditer(stream):
        length = _LENGTH.search(request[2])
        body = stream[request.end() : request.end() + (int(length[1]) if length is not None else 0)]
        if b"gzip" in request[2].lower().partition(b"content-encoding")[2][:12]:
            body = zlib.decompress(body, 31)
        told = msgspec.json.decode(body)
        at = next(at for end, at in ends if end > request.end())  # the piece in which the body begins
        if request[1] == b"push":
            yield Promise(at, "sent", told["first_seq"] + len(told["entries"]) - 1, told["head_hash"])
        elif told["head_seq"]:
            yield Promise(at, "sent", told["head_seq"], told["head_hash"])
