"""The machine's clocks and the source of new identifiers."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from ewarung_pos.domain.journal import uuid7
from ewarung_pos.domain.timeline import ClockReading, Instant

__all__ = ["SystemClock"]


class SystemClock:
    """Wall clock, monotonic clock and boot id of this machine. `shift_ms` moves the wall clock (practice, tests)."""

    def __init__(self, shift_ms: int = 0) -> None:
        self._shift = shift_ms
        self._boot = _boot_id()

    def now(self) -> ClockReading:
        """Wall and monotonic time together."""
        return ClockReading(
            Instant(time.time_ns() // 1_000_000 + self._shift), _since_boot_ns() // 1_000_000, self._boot
        )

    def mint(self) -> str:
        """A new UUIDv7."""
        return uuid7(time.time_ns() // 1_000_000 + self._shift, os.urandom(10))


def _since_boot_ns() -> int:
    """Time since the machine started, its sleep included: a till that slept must not look as if its clock was set."""
    if sys.platform == "win32":
        return time.monotonic_ns()
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _boot_id() -> str:
    """Linux names each boot; elsewhere the process start is the best there is."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
