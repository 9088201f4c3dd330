"""Time that is told, for tills and for the city: nobody waits for a month to pass.

A kiosk's clocks may be wrong, and its power may fail: what a till does, it does between two looks at the clock.
"""

from __future__ import annotations

import mmap
import random
import struct
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from ewarung_pos.domain.journal import uuid7
from ewarung_pos.domain.timeline import ClockReading, Instant

__all__ = ["KioskClock", "PowerCut", "ToldTime"]

_MS = struct.Struct("<q")


class PowerCut(BaseException):
    """The power is gone. Like the end of a process it is no error that anybody handles."""


class KioskClock:
    """`ports.Clock` of one kiosk's machine: wall and monotonic clock of a boot, and identifiers.

    Args:
        draw: what identifiers are made from.

    Attributes:
        true_ms: what time it really is; every look takes a millisecond.
        wrong_ms: by how much the wall clock is wrong.
    """

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._booted_ms = 0
        self._boot = ""
        self._fuse = 0
        self._dies: Callable[[], None] = lambda: None
        self.true_ms = 0
        self.wrong_ms = 0

    def boot(self) -> None:
        """The machine was switched on just now."""
        self._booted_ms, self._boot = self.true_ms, f"{self._draw.getrandbits(64):016x}"

    def fail_at(self, looks: int, dies: Callable[[], None]) -> None:
        """The power fails at that look from now on; `dies` is called at that very moment. 0 takes it back."""
        self._fuse, self._dies = looks, dies

    def now(self) -> ClockReading:
        """Both clocks.

        Raises:
            PowerCut: it is this look's turn.
        """
        self._look()
        return ClockReading(Instant(self.true_ms + self.wrong_ms), self.true_ms - self._booted_ms, self._boot)

    def mint(self) -> str:
        """A new UUIDv7."""
        self._look()
        return uuid7(max(0, self.true_ms + self.wrong_ms), self._draw.randbytes(10))

    def wait(self, ms: int) -> None:
        """Time passes."""
        self.true_ms += ms

    def _look(self) -> None:
        self.true_ms += 1
        if self._fuse:
            self._fuse -= 1
            if not self._fuse:
                self._dies()
                raise PowerCut


class ToldTime:
    """The city's time, kept where two processes look: one tells it, the city's server takes it for the time."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(_MS.pack(0))
        with file.open("r+b") as held:
            self._map = mmap.mmap(held.fileno(), _MS.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._map.close()

    def tell(self, ms: int) -> None:
        """From now on it is so late."""
        self._map[: _MS.size] = _MS.pack(ms)

    def ms(self) -> int:
        """What time it is."""
        return int(_MS.unpack(self._map[: _MS.size])[0])
