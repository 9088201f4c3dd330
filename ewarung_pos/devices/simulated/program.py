"""What the simulators share as programs: the line that says ready, what ends them, and words typed to them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

__all__ = ["PARENT", "Attendant", "Typed", "ended_by_signals", "parent_of", "say"]

PARENT = "SIMULATE_PARENT"
"""Environment variable by which a starter says that the program ends with it."""
_LOOK_S = 0.5
"""How often it is looked whether the parent lives, and whether the terminal is ours to read from."""
_LONGEST_LINE = 1024


def say(words: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def parent_of(parent: int | None) -> int | None:
    """The process that the program ends with: the one that was named, or the one that started it and said so."""
    told = os.environ.get(PARENT, "")
    return int(told) if parent is None and told.isdigit() else parent


@contextlib.contextmanager
def ended_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop` while the block runs. Main thread only."""
    signals = [signal.SIGTERM, signal.SIGINT]
    before = [signal.signal(one, lambda *_: stop()) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


class Attendant:
    """Waits until the program is told to end, and meanwhile hears what is typed and does what is due.

    `heard` gets each line of standard input and gives the line to answer with. `due` is called every `every_s` seconds.
    """

    def __init__(
        self, heard: Callable[[str], str], due: Callable[[], None] | None = None, every_s: float | None = None
    ) -> None:
        self._heard = heard
        self._due = due
        self._every_s = every_s
        self._typed = Typed()
        self._stopping = threading.Event()
        self._wake_r, self._wake_w = socket.socketpair()

    def stop(self) -> None:
        """End `attend`. From any thread and from a signal handler."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._wake_w.send(b"x")

    def pause(self, seconds: float) -> None:
        """Do nothing for so long, or until told to end: what wakes us is left for whoever waits next."""
        select.select([self._wake_r.fileno()], [], [], seconds)

    def attend(self, ready: str, parent: int | None = None) -> None:
        """Say `ready`, then go on until SIGTERM, SIGINT or `stop`, or until `parent` is no longer our parent."""
        try:
            with ended_by_signals(self.stop):
                say(ready)
                begun = time.monotonic()
                while not self._stopping.is_set() and (parent is None or os.getppid() == parent):
                    begun = self._turn(begun, watched=parent is not None)
        finally:
            self._wake_r.close()
            self._wake_w.close()

    def _turn(self, begun: float, *, watched: bool) -> float:
        """One wait; since when the next `due` is waited for."""
        typed = self._typed.handle()
        waits = [_LOOK_S] if watched or self._typed.waits else []
        if self._every_s is not None:
            waits.append(max(0.0, begun + self._every_s - time.monotonic()))
        ready, _, _ = select.select([self._wake_r.fileno(), *typed], [], [], min(waits, default=None))
        if typed and typed[0] in ready:
            for line in self._typed.lines():
                say(self._heard(line))
        now = time.monotonic()
        if self._due is not None and self._every_s is not None and now >= begun + self._every_s:
            self._due()
            return now
        return begun


class Typed:
    """Lines of standard input, as far as there is one and it is ours to read.

    Attributes:
        waits: it is a terminal that another program has at the moment: reading from it would stop us.
    """

    def __init__(self) -> None:
        self.waits = False
        self._part = b""
        try:
            # Windows can wait for sockets only.
            self._from = sys.stdin.fileno() if sys.stdin is not None and sys.platform != "win32" else -1
        except (OSError, ValueError):
            self._from = -1

    def handle(self) -> list[int]:
        """What to wait for; nothing when nobody can type."""
        if sys.platform == "win32" or self._from < 0:
            return []
        try:
            self.waits = os.isatty(self._from) and os.tcgetpgrp(self._from) != os.getpgrp()
        except OSError:  # a terminal that is not ours at all
            self._from = -1
        return [] if self.waits or self._from < 0 else [self._from]

    def lines(self) -> list[str]:
        """The lines that have come."""
        try:
            got = os.read(self._from, 4096)
        except OSError:
            got = b""
        if not got:
            self._from = -1
            return []
        *whole, self._part = (self._part + got).split(b"\n")
        self._part = self._part[:_LONGEST_LINE]
        return [text for line in whole if (text := line.decode("utf-8", "replace").strip())]
