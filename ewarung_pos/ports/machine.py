"""What the machine gives to all of them: time and new identifiers, and the lanes that work runs on."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar

from ewarung_pos.domain.timeline import ClockReading

__all__ = ["Clock", "Lane", "TaskRunner", "Voice"]

T = TypeVar("T")


class Clock(Protocol):
    """The only source of time and of new identifiers."""

    def now(self) -> ClockReading:
        """Wall and monotonic time together."""
        ...

    def mint(self) -> str:
        """A new UUIDv7: made once, before anything leaves the machine."""
        ...


class Lane(StrEnum):
    """One single-worker executor each; a device is only ever touched on its own lane.

    The ledger is written on LEDGER; SYNC, and PIN once the slow hashing is done, take their turn at it.
    """

    LEDGER = "ledger"
    TERMINAL = "terminal"
    PRINTER = "printer"
    SYNC = "sync"
    PIN = "pin"
    AUDIT = "audit"
    COPY = "copy"
    VOICE = "voice"


class Voice(Protocol):
    """Says a sentence aloud. VOICE lane."""

    def say(self, words: str) -> None:
        """Say it to the end, bounded by the driver. Never raises."""
        ...

    def hush(self) -> None:
        """Break off what is being said. Any thread; never raises."""
        ...


class TaskRunner(Protocol):
    """Runs work on a lane and brings the result home to the caller's (UI) thread."""

    def submit(
        self,
        lane: Lane,
        work: Callable[[], T],
        on_ok: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Queue `work`; exactly one of the two callbacks follows, on the UI thread."""
        ...

    def post(self, callback: Callable[[], None]) -> None:
        """Run `callback` on the UI thread; may be called from any lane (progress of a running job)."""
        ...

    def later(self, delay_ms: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Run `callback` on the UI thread after a delay; returns the function that cancels it."""
        ...
