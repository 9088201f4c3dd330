"""Task runners without Qt, for programs and tests that drive the view-models by hand."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TypeVar

from ewarung_pos.ports import Lane

__all__ = ["InlineRunner", "SteppedRunner"]

T = TypeVar("T")
Callback = Callable[[], None]

_IDLE_S = 0.005


class _Timers:
    """Callbacks that are due later, on a clock that runs by itself and can be moved ahead."""

    def __init__(self) -> None:
        self._ahead_ms = 0.0
        self._numbers = count()
        self._heap: list[tuple[float, int, Callback]] = []
        self._live: set[int] = set()

    def now_ms(self) -> float:
        return time.monotonic() * 1000 + self._ahead_ms

    def add(self, delay_ms: int, callback: Callback) -> Callback:
        number = next(self._numbers)
        heapq.heappush(self._heap, (self.now_ms() + max(0, delay_ms), number, callback))
        self._live.add(number)
        return partial(self._live.discard, number)

    def next_due_ms(self) -> float | None:
        while self._heap and self._heap[0][1] not in self._live:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, until_ms: float, before: float = float("inf")) -> Callback | None:
        """The earliest callback due by `until_ms` and made before number `before`, taken off the list."""
        kept: list[tuple[float, int, Callback]] = []
        found: Callback | None = None
        while found is None and self._heap and self._heap[0][0] <= until_ms:
            each = heapq.heappop(self._heap)
            if each[1] not in self._live:
                continue
            if each[1] >= before:
                kept.append(each)
                continue
            self._live.discard(each[1])
            self._ahead_ms += max(0.0, each[0] - self.now_ms())
            found = each[2]
        for each in kept:
            heapq.heappush(self._heap, each)
        return found

    def move_to(self, moment_ms: float) -> None:
        self._ahead_ms += max(0.0, moment_ms - self.now_ms())

    def mark(self) -> int:
        """The number the next timer gets."""
        return next(self._numbers) + 1


class SteppedRunner:
    """Does lane work at once, in the caller's thread, and keeps every callback until it is pumped.

    One thing follows another as on the till, and the caller decides when. `post` may be called from any thread; all
    else belongs to one thread.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callback] = deque()
        self._news = threading.Condition()
        self._timers = _Timers()

    def submit(
        self, lane: Lane | str, work: Callable[[], T], on_ok: Callable[[T], None], on_error: Callable[[Exception], None]
    ) -> None:
        """Do `work` now; its callback waits for the pump."""
        try:
            done = partial(on_ok, work())
        except Exception as error:  # noqa: BLE001 - the caller's on_error decides what is a bug
            done = partial(on_error, error)
        self.post(done)

    def post(self, callback: Callback) -> None:
        """Queue `callback`; from any thread."""
        with self._news:
            self._waiting.append(callback)
            self._news.notify_all()

    def later(self, delay_ms: int, callback: Callback) -> Callback:
        """Run `callback` when pumped after the delay, or when the clock is moved past it; returns what cancels it."""
        return self._timers.add(delay_ms, callback)

    def pump(self, until: Callable[[], bool] | None = None, timeout: float = 5.0) -> bool:
        """Run what is due until `until` holds (without it: until nothing is due).

        Args:
            until: looked at before each callback.
            timeout: real seconds after which pumping ends in any case.

        Returns:
            Whether `until` held (without it: whether all was done in time).
        """
        end = time.monotonic() + timeout
        while True:
            if until is not None and until():
                return True
            callback = self._due()
            if callback is not None:
                callback()
            elif until is None:
                return True
            else:
                self._wait(end)
            if time.monotonic() >= end:
                return until is not None and until()

    def advance(self, ms: int) -> None:
        """Move the clock ahead and run, in order, what falls due on the way.

        What asks for "at once again" on the way (a reader that is polled without end) waits for the next pump.
        """
        target = self._timers.now_ms() + ms
        self._drain()
        while True:
            before = self._timers.mark()
            found = self._timers.take(target, before)
            if found is None:
                break
            found()
            self._drain()
            due = self._timers.next_due_ms()
            if due is not None and due <= self._timers.now_ms() and self._timers.take(target, before) is None:
                break
        self._timers.move_to(target)

    def _drain(self) -> None:
        while (callback := self._queued()) is not None:
            callback()

    def _queued(self) -> Callback | None:
        with self._news:
            return self._waiting.popleft() if self._waiting else None

    def _due(self) -> Callback | None:
        return self._queued() or self._timers.take(self._timers.now_ms())

    def _wait(self, end: float) -> None:
        due = self._timers.next_due_ms()
        left = max(0.0, end - time.monotonic())
        wait = min(left, _IDLE_S if due is None else max(0.0, (due - self._timers.now_ms()) / 1000), _IDLE_S)
        with self._news:
            if not self._waiting and wait:
                self._news.wait(wait)
