"""A receipt printer on a loopback port: takes jobs, answers DLE EOT as its state says, fails in the middle on order.

Orders are given from Python, or by a fault script: its deeds are the moods.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Self

from ewarung_pos.devices.simulated.faults import PRINTER, FaultScript

__all__ = ["Mood", "SimulatedPrinter"]


class Mood(StrEnum):
    """The state of the printer. MUTE prints and never answers, like many cheap units; DEAD closes its port."""

    OK = "ok"
    PAPER_LOW = "paper_low"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    CUTTER = "cutter"
    FAULT = "fault"
    HOT = "hot"
    OFFLINE = "offline"
    MUTE = "mute"
    DEAD = "dead"


_ANSWERS = {
    Mood.OK: {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12},
    Mood.PAPER_LOW: {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x1E},
    Mood.PAPER_OUT: {1: 0x1A, 2: 0x32, 3: 0x12, 4: 0x7E},
    Mood.COVER_OPEN: {1: 0x1A, 2: 0x16, 3: 0x12, 4: 0x12},
    Mood.CUTTER: {1: 0x1A, 2: 0x52, 3: 0x1A, 4: 0x12},
    Mood.FAULT: {1: 0x1A, 2: 0x52, 3: 0x32, 4: 0x12},
    Mood.HOT: {1: 0x1A, 2: 0x52, 3: 0x52, 4: 0x12},
    Mood.OFFLINE: {1: 0x1A, 2: 0x12, 3: 0x12, 4: 0x12},
    Mood.MUTE: {},
    Mood.DEAD: {},
}
_PRINTS = frozenset({Mood.OK, Mood.PAPER_LOW, Mood.MUTE})


class _Break(NamedTuple):
    """What happens after so many bytes of a job. By a script it is for this job alone."""

    after: int
    mood: Mood
    stays: int | None = None
    scripted: bool = False


class SimulatedPrinter:
    """Listens on 127.0.0.1 from construction to `stop()`; serves one connection at a time, like the real ones.

    A job is what one connection sent, status requests taken out. `jobs` holds what arrived, `papers` what came out:
    they differ when the printer stopped in the middle.

    Args:
        mood: the state to begin with.
        faults: a script of `faults.PRINTER`.
        ear: a listening socket instead of a port of its own; the printer closes it.
        out: is given each paper that came out, whole or in part, in the printer's thread.
    """

    def __init__(
        self,
        mood: Mood = Mood.OK,
        *,
        faults: FaultScript | None = None,
        ear: socket.socket | None = None,
        out: Callable[[bytes], None] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._mood = mood
        self._break: _Break | None = None
        self._faults = faults or FaultScript((), PRINTER)
        self._stays: int | None = None
        self._out = out
        self._jobs: list[bytes] = []
        self._papers: list[bytes] = []
        self._ear = ear or socket.create_server(("127.0.0.1", 0))
        self._wake, self._woken = socket.socketpair()
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._serve, name="simulated-printer")
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to print to."""
        host, port = self._ear.getsockname()[:2]
        return str(host), int(port)

    @property
    def mood(self) -> Mood:
        """The state now."""
        with self._lock:
            return self._mood

    def set_mood(self, mood: Mood) -> None:
        """Load paper, open the cover, pull the plug ..."""
        with self._lock:
            self._mood = mood
            self._break, self._stays = None, None

    def break_after(self, count: int, mood: Mood) -> None:
        """In the next job, after so many bytes, fall into that mood; one that cannot print ends the paper there."""
        with self._lock:
            self._break = _Break(count, mood)

    def jobs(self, wait: float = 2.0) -> tuple[bytes, ...]:
        """All jobs whose connection has ended, oldest first; waits for one that is still coming."""
        self._idle.wait(wait)
        with self._lock:
            return tuple(self._jobs)

    def papers(self, wait: float = 2.0) -> tuple[bytes, ...]:
        """The part of each job that came out on paper."""
        self._idle.wait(wait)
        with self._lock:
            return tuple(self._papers)

    def stop(self) -> None:
        """Close the port and end the thread."""
        self._wake.send(b"x")
        self._thread.join(5)
        for end in (self._ear, self._wake, self._woken):
            end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._ear, self._woken], [], [])
            if self._woken in ready:
                return
            link, _ = self._ear.accept()
            self._idle.clear()
            with link:
                more = self._take(link) if self.mood is not Mood.DEAD else True
            self._over()
            self._idle.set()
            if not more:
                return

    def _take(self, link: socket.socket) -> bool:
        """One connection; False when `stop()` was called meanwhile."""
        job, paper = bytearray(), bytearray()
        scanner = _Scanner()
        alive = stopped = False
        try:
            alive = True
            while alive:
                ready, _, _ = select.select([link, self._woken], [], [])
                if self._woken in ready:
                    stopped = True
                    break
                got = b""
                with contextlib.suppress(OSError):
                    got = link.recv(4096)
                if not got:
                    break
                alive = self._digest(link, scanner.feed(got), job, paper)
        finally:
            with self._lock:
                if job:
                    self._jobs.append(bytes(job))
                    self._papers.append(bytes(paper))
            if paper and self._out is not None:
                self._out(bytes(paper))
        return not stopped

    def _over(self) -> None:
        """A connection has ended: one fewer that the trouble stays."""
        with self._lock:
            if self._break is not None and self._break.scripted:
                self._break = None  # the job was shorter
            if self._stays == 0:
                self._mood, self._stays = Mood.OK, None
            elif self._stays is not None:
                self._stays -= 1

    def _strike(self, kind: str) -> None:
        """A request of this kind comes: what the script has for it."""
        for fault in self._faults.strike(kind).values():
            mood = Mood(fault.do)
            with self._lock:
                if fault.after:
                    self._break = _Break(fault.after, mood, fault.stays, scripted=True)
                else:
                    self._mood, self._stays = mood, fault.stays

    def _digest(self, link: socket.socket, items: Iterator[int | bytes], job: bytearray, paper: bytearray) -> bool:
        """Print bytes and answer questions; False when the printer died."""
        for item in items:
            if isinstance(item, int) or not job:
                self._strike("status" if isinstance(item, int) else "job")
            mood = self.mood
            if mood is Mood.DEAD:
                return False
            if isinstance(item, int):
                answer = _ANSWERS[mood].get(item)
                if answer is not None:
                    with contextlib.suppress(OSError):
                        link.sendall(bytes((answer,)))
                continue
            came = self._breaks(job, item, paper)
            job += item
            if self.mood is Mood.DEAD:
                return False
            if self.mood in _PRINTS:
                paper += came
        return True

    def _breaks(self, job: bytearray, item: bytes, paper: bytearray) -> bytes:
        """What of `item` comes after the break in the middle of the job, or all of it; what comes before is printed."""
        with self._lock:
            broken = self._break
            if broken is None or len(job) + len(item) < broken.after:
                return item
            before = max(0, broken.after - len(job))
            if self._mood in _PRINTS:
                paper += item[:before]
            self._mood, self._stays, self._break = broken.mood, broken.stays, None
            return item[before:]


class _Scanner:
    """Splits a stream into DLE EOT questions (int) and everything else (bytes).

    Bytes of images and QR codes are counted over, so that a picture which happens to hold 10 04 is not a question.
    """

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0

    def feed(self, data: bytes) -> Iterator[int | bytes]:
        """Everything that can be told apart so far; an unfinished command waits for its rest."""
        data, self._held = self._held + data, b""
        start = at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            head = data[at : at + 8]
            need = _length(head)
            if need > len(head):
                break
            if head[:2] == b"\x10\x04":
                if at > start:
                    yield data[start:at]
                yield head[2]
                at = start = at + 3
                continue
            self._skip = _payload(head)
            at += need
        if at > start:
            yield data[start:at]
        self._held = data[at:]


def _length(head: bytes) -> int:
    """How many bytes must be seen before the command at the start of `head` is understood."""
    if head[:1] == b"\x10":
        return 3 if head[1:2] in {b"", b"\x04"} else 1
    if head[:1] == b"\x1d":
        if len(head) < 2:
            return 2
        return {b"v": 8, b"(": 5}.get(head[1:2], 2)
    return 1


def _payload(head: bytes) -> int:
    """Data bytes that follow: GS v 0 m xL xH yL yH, and GS ( fn pL pH."""
    if head[:2] == b"\x1dv" and len(head) == 8:
        return (head[4] + 256 * head[5]) * (head[6] + 256 * head[7])
    if head[:2] == b"\x1d(":
        return head[3] + 256 * head[4]
    return 0
