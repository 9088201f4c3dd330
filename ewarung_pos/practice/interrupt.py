"""Ctrl+C in the scripted morning: heeded between two pieces of work, never within one.

Python raises `KeyboardInterrupt` wherever it stands, also inside a library that swallows it or trips over it in its
`finally` (reportlab does both): the morning then went on, or ended as if it had a bug.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from ewarung_pos.ui.runners import SteppedRunner

__all__ = ["InterruptibleRunner"]


class InterruptibleRunner(SteppedRunner):
    """A `SteppedRunner` that is the one to hear Ctrl+C within its `with` block; in the main thread only.

    `pump` raises the `KeyboardInterrupt`, before a callback or after the last. Who presses twice is heeded at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = False
        self._before: signal.Handlers | int | Callable[[int, FrameType | None], object] | None = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def pump(self, until: Callable[[], bool] | None = None, timeout: float = 5.0) -> bool:
        """As of `SteppedRunner`; raises `KeyboardInterrupt` when Ctrl+C was pressed."""

        def heeding() -> bool:
            self._heed()
            return until is not None and until()

        self._heed()
        done = super().pump(None if until is None else heeding, timeout)
        self._heed()
        return done

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._heed()
        self._asked = True

    def _heed(self) -> None:
        if self._asked:
            raise KeyboardInterrupt
