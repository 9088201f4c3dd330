"""Task runners without Qt, for programs and tests that drive the view-models by hand."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ewarung_pos.ports import Lane

__all__ = ["InlineRunner", "SteppedRunner"]

T = TypeVar("T")
Callback = Callable[[], None]

_NAP_S = 0.005


@dataclass(eq=False, slots=True)
class _Timer:
    due_ms: float
    at_once: bool
    callback: Callback


class _Timers:
    """Callbacks that are due later, on a clock that runs by itself and can be moved ahead."""

    def __init__(self) -> None:
        self._ahead_ms = 0.0
        self._timers: list[_Timer] = []

    def now_ms(self) -> float:
        return time.monotonic() * 1000 + self._ahead_ms

    def add(self, delay_ms: int, callback: Callback) -> Callback:
        timer = _Timer(self.now_ms() + max(0, delay_ms), delay_ms <= 0, callback)
        self._timers.append(timer)
        return partial(self._cancel, timer)

    def _cancel(self, timer: _Timer) -> None:
        if timer in self._timers:
            self._timers.remove(timer)

    def known(self) -> frozenset[_Timer]:
        return frozenset(self._timers)

    def take(self, until_ms: float, spare: Callable[[_Timer], bool] | None = None) -> Callback | None:
        """The earliest callback due by `until_ms`, off the list; the clock then stands where it was due."""
        due = [each for each in self._timers if each.due_ms <= until_ms and not (spare is not None and spare(each))]
        if not due:
            return None
        first = min(due, key=lambda each: each.due_ms)
        self._timers.remove(first)
        self.move_to(first.due_ms)
        return first.callback

    def move_to(self, moment_ms: float) -> None:
        self._ahead_ms += max(0.0, moment_ms - self.now_ms())

    def next_due_ms(self) -> float | None:
        return min((each.due_ms for each in self._timers), default=None)


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
        self.post(_outcome(work, on_ok, on_error))

    def post(self, callback: Callback) -> None:
        """Queue `callback`; from any thread."""
        with self._news:
            self._waiting.append(callback)
            self._news.notify_all()

    def later(self, delay_ms: int, callback: Callback) -> Callback:
        """Run `callback` when pumped after the delay, or when the clock is moved past it; returns what cancels it."""
        return self._timers.add(delay_ms, callback)

    def pump(self, until: Callable[[], bool] | None = None, timeout: float = 5.0) -> bool:
        """Run what is due, one callback at a time, until `until` holds (without it: until nothing is due).

        Args:
            until: looked at before each callback.
            timeout: real seconds after which pumping ends in any case.

        Returns:
            Whether `until` held (without it: whether everything due was done in time).
        """
        end = time.monotonic() + timeout
        while True:
            if until is not None and until():
                return True
            callback = self._queued() or self._timers.take(self._timers.now_ms())
            if callback is not None:
                callback()
            elif until is None:
                return True
            else:
                self._nap(end)
            if time.monotonic() >= end:
                return until is not None and until()

    def advance(self, ms: int) -> None:
        """Move the clock ahead and run, in order, what falls due on the way.

        What asks for "at once again" on the way (a reader that is polled without end) waits for the next pump.
        """
        target = self._timers.now_ms() + ms
        before = self._timers.known()
        self._drain()
        while (callback := self._timers.take(target, lambda each: each.at_once and each not in before)) is not None:
            callback()
            self._drain()
        self._timers.move_to(target)

    def _drain(self) -> None:
        while (callback := self._queued()) is not None:
            callback()

    def _queued(self) -> Callback | None:
        with self._news:
            return self._waiting.popleft() if self._waiting else None

    def _nap(self, end: float) -> None:
        due = self._timers.next_due_ms()
        waits = [_NAP_S, end - time.monotonic()]
        if due is not None:
            waits.append((due - self._timers.now_ms()) / 1000)
        with self._news:
            if not self._waiting:
                self._news.wait(max(0.0, min(waits)))


class InlineRunner:
    """Does lane work and its callback at once, in the caller's thread; what is for later waits for `advance`."""

    def __init__(self) -> None:
        self._timers = _Timers()

    def submit(
        self, lane: Lane | str, work: Callable[[], T], on_ok: Callable[[T], None], on_error: Callable[[Exception], None]
    ) -> None:
        """Do `work` and call one of the two."""
        _outcome(work, on_ok, on_error)()

    def post(self, callback: Callback) -> None:
        """Call it."""
        callback()

    def later(self, delay_ms: int, callback: Callback) -> Callback:
        """Keep `callback` for `advance`; returns what cancels it."""
        return self._timers.add(delay_ms, callback)

    def advance(self, ms: int) -> None:
        """Move the clock ahead and run, in order, what falls due on the way (as `SteppedRunner.advance`)."""
        target = self._timers.now_ms() + ms
        before = self._timers.known()
        while (callback := self._timers.take(target, lambda each: each.at_once and each not in before)) is not None:
            callback()
        self._timers.move_to(target)


def _outcome(work: Callable[[], T], on_ok: Callable[[T], None], on_error: Callable[[Exception], None]) -> Callback:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - on_error decides what is a bug
        return partial(on_error, error)
    return partial(on_ok, result)
