"""Lanes for the till's window: one worker thread each, results home on the UI thread, and a watch on that thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from threading import Lock
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, QTimerEvent, Signal, Slot

from ewarung_pos.ports import Lane

__all__ = ["QtRunner", "Watchdog"]

_log = logging.getLogger(__name__)

T = TypeVar("T")
Callback = Callable[[], None]

CLOSE_SECONDS = 8.0
"""A lane may be inside a call that its driver bounds; the ledger's longest is far below this."""


class _Bridge(QObject):
    """Lives on the UI thread; whatever is sent to it runs there, in the order sent by each thread."""

    sent = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._open = True
        self.sent.connect(self._arrived, Qt.ConnectionType.QueuedConnection)

    def shut(self) -> None:
        self._open = False

    @Slot(object)
    def _arrived(self, callback: Callback) -> None:
        if self._open:
            callback()


class _WayHome:
    """The lanes' way to the bridge. Once shut it leads nowhere: a late lane may outlive the bridge, a Qt object."""

    def __init__(self, bridge: _Bridge) -> None:
        self._bridge: _Bridge | None = bridge
        self._gate = Lock()

    def send(self, callback: Callback) -> None:
        with self._gate:
            if self._bridge is not None:
                self._bridge.sent.emit(callback)

    def shut(self) -> None:
        with self._gate:
            self._bridge = None


class _Delay(QObject):
    """One single-shot timer and what it calls."""

    def __init__(self, delay_ms: int, callback: Callback, done: Callable[[_Delay], None], parent: QObject) -> None:
        super().__init__(parent)
        self._callback: Callback | None = callback
        self._done = done
        precise = Qt.TimerType.PreciseTimer if delay_ms < 1000 else Qt.TimerType.CoarseTimer
        self._timer = self.startTimer(max(0, delay_ms), precise)

    def timerEvent(self, event: QTimerEvent) -> None:
        callback = self._end()
        if callback is not None:
            callback()

    def cancel(self) -> None:
        self._end()

    def _end(self) -> Callback | None:
        callback, self._callback = self._callback, None
        if callback is not None:
            self.killTimer(self._timer)
            self._done(self)
            self.deleteLater()
        return callback


class QtRunner:
    """`TaskRunner` for the window. Build it on the UI thread; `submit` and `later` belong to that thread."""

    def __init__(self) -> None:
        self._bridge = _Bridge()
        self._home = _WayHome(self._bridge)
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._delays: set[_Delay] = set()
        self._closed = False

    def submit(
        self, lane: Lane | str, work: Callable[[], T], on_ok: Callable[[T], None], on_error: Callable[[Exception], None]
    ) -> None:
        """Queue `work` on its lane (the thread is made when first needed); after `close` nothing is taken any more.

        Args:
            lane: one of the till's lanes, or another name for a thread of its own (the practice tray).
            work: runs on the lane.
            on_ok: gets the result, on the UI thread.
            on_error: gets the exception, on the UI thread.
        """
        if self._closed:
            return
        name = str(lane)
        executor = self._lanes.get(name)
        if executor is None:
            executor = self._lanes[name] = ThreadPoolExecutor(1, thread_name_prefix=f"lane-{name}")
        executor.submit(_run, self._home, work, on_ok, on_error)

    def post(self, callback: Callback) -> None:
        """Run `callback` on the UI thread, soon; may be called from any thread."""
        self._home.send(callback)

    def later(self, delay_ms: int, callback: Callback) -> Callback:
        """Run `callback` on the UI thread after a delay; returns the function that cancels it."""
        if self._closed:
            return _nothing
        delay = _Delay(delay_ms, callback, self._delays.discard, self._bridge)
        self._delays.add(delay)
        return delay.cancel

    def close(self, seconds: float = CLOSE_SECONDS) -> bool:
        """End timers, let queued work finish, end the threads. What comes home afterwards is not delivered.

        Args:
            seconds: how long to wait for all lanes together.

        Returns:
            False when a lane was still inside a call at the deadline; its thread ends when the call does.
        """
        if self._closed:
            return True
        self._closed = True
        for delay in tuple(self._delays):
            delay.cancel()
        self._bridge.shut()
        self._home.shut()
        last = {name: executor.submit(_nothing) for name, executor in self._lanes.items()}
        late = wait(last.values(), timeout=seconds).not_done
        for name, executor in self._lanes.items():
            executor.shutdown(wait=last[name] not in late)
            if last[name] in late:
                _log.warning("lane %s did not end in time", name)
        return not late


def _run(
    home: _WayHome, work: Callable[[], T], on_ok: Callable[[T], None], on_error: Callable[[Exception], None]
) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - on_error decides what is a bug
        home.send(partial(on_error, error))
    else:
        home.send(partial(on_ok, result))


class Watchdog(QObject):
    """Notices when the UI thread did not come round: a beat that is late by more than the limit is logged.

    Attributes:
        blocks: how many beats were late.
        worst_ms: the longest lateness so far, ms.
    """

    BEAT_MS = 25
    ASLEEP_MS = 30_000
    """Lateness of this much is the machine's sleep, not a block."""

    def __init__(self, limit_ms: int = 50, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.blocks = 0
        self.worst_ms = 0
        self._limit = limit_ms
        self._last = time.perf_counter_ns()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(self.BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to watch."""
        self._last = time.perf_counter_ns()
        self._timer.start()

    def stop(self) -> None:
        """End watching."""
        self._timer.stop()

    @Slot()
    def _beat(self) -> None:
        now = time.perf_counter_ns()
        late_ms = (now - self._last) // 1_000_000 - self.BEAT_MS
        self._last = now
        if self._limit < late_ms < self.ASLEEP_MS:
            self.blocks += 1
            self.worst_ms = max(self.worst_ms, late_ms)
            _log.warning("the screen stood still for %d ms", late_ms)


def _nothing() -> None:
    """Take no action."""
