"""How long the screen's thread does not come round: a beat every few milliseconds, and by how much each is late."""

from __future__ import annotations

import time

import msgspec
from PySide6.QtCore import QObject, Qt, QTimer, Slot

__all__ = ["Beats", "Stood"]

BEAT_MS = 4


class Stood(msgspec.Struct, frozen=True):
    """What the beats of one run say.

    Attributes:
        beats: how many there were.
        over_16, over_50: how many were late by more, ms.
        worst: the latest, ms.
        busy_16, busy_50: between how many two beats this thread itself computed for longer; what other programs of a
            busy machine take away is not in these, nor is a wait for a device.
    """

    beats: int
    over_16: int
    over_50: int
    worst: float
    busy_16: int
    busy_50: int


class Beats(QObject):
    """Counts from `start` to `end`, on the thread that it was made on."""

    def __init__(self) -> None:
        super().__init__()
        self._late: list[float] = []
        self._busy: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._wall = self._cpu = 0

    def start(self) -> None:
        """Begin to count."""
        self._wall, self._cpu = time.perf_counter_ns(), time.thread_time_ns()
        self._timer.start()

    def end(self) -> Stood:
        """Stop, and say what was seen."""
        self._timer.stop()
        return Stood(
            len(self._late),
            sum(each > 16 for each in self._late),
            sum(each > 50 for each in self._late),
            max(self._late, default=0.0),
            sum(each > 16 for each in self._busy),
            sum(each > 50 for each in self._busy),
        )

    @Slot()
    def _beat(self) -> None:
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        self._late.append((wall - self._wall) / 1e6 - BEAT_MS)
        self._busy.append((cpu - self._cpu) / 1e6)
        self._wall, self._cpu = wall, cpu
