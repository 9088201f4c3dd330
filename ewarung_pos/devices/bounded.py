"""Calls that nobody can end, made on a thread of their own: who asks waits for them no longer than he wants to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["BoundedCalls", "NotBack"]

T = TypeVar("T")


class NotBack(Exception):
    """The call, or one before it, has not come back in time; it may still."""


class BoundedCalls:
    """One call at a time. The thread begins with the first, and does not keep the process from ending."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's."""
        self._name = name
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], object]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._late: Future[Any] | None = None

    def ask(self, call: Callable[[], T], seconds: float, late_seconds: float = 0.0) -> T:
        """What `call` gives or raises.

        Args:
            call: runs on the thread.
            seconds: how long it may take.
            late_seconds: how long to wait for an earlier call that is late. What that one gives is lost.

        Raises:
            NotBack: it is not back; until it is, nothing else is called.
        """
        if self._late is not None:
            if not _back(self._late, late_seconds):
                raise NotBack
            self._late = None
        if self._thread is None:
            self._thread = threading.Thread(target=_serve, args=(self._asked,), name=self._name, daemon=True)
            self._thread.start()
        answer: Future[T] = Future()
        self._asked.put((answer, call))
        if not _back(answer, seconds):
            self._late = answer
            raise NotBack
        try:
            return answer.result()
        finally:
            del answer  # what is raised would keep itself, and what was read of a card with it

    def end(self) -> None:
        """Let the thread go, as soon as it is back. The next `ask` begins another."""
        if self._thread is not None:
            self._asked.put(None)
            self._asked = SimpleQueue()
            self._thread = self._late = None


def _back(answer: Future[Any], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not answer.done():
        left = until - time.monotonic()
        if left <= 0:
            return False
        try:
            answer.exception(left)
        except NotYet:
            continue
    return True


def _serve(asked: SimpleQueue[tuple[Future[Any], Callable[[], object]] | None]) -> None:
    while (work := asked.get()) is not None:
        answer, call = work
        try:
            answer.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked
            answer.set_exception(error)
        del work, answer, call
