"""Amounts said aloud by espeak-ng, a program beside the till: offline, and off until it is asked for."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

__all__ = ["EspeakVoice", "SilentVoice"]

_log = logging.getLogger(__name__)

_LONGEST_S = 30.0
"""A sentence of forty goods; what speaks longer hangs."""


class SilentVoice:
    """`Voice` of a till that says nothing."""

    def say(self, words: str) -> None:
        """Say nothing."""

    def hush(self) -> None:
        """It says nothing anyway."""


class EspeakVoice:
    """`Voice` through espeak-ng, Indonesian. One sentence at a time; a missing program or sound card is logged.

    Args:
        command: the program and its options; words come on its standard input.
    """

    def __init__(self, command: Sequence[str] = ("espeak-ng", "-v", "id", "-s", "150", "--stdin")) -> None:
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._speaking: subprocess.Popen[bytes] | None = None
        self._hushed = 0

    def say(self, words: str) -> None:
        """Say it to the end, or until `hush`. Never raises."""
        import subprocess  # most tills are silent, and every one starts

        hushed = self._hushed
        try:
            speaking = subprocess.Popen(  # noqa: S603 - our own command; the words go to its standard input
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            _log.info("no voice: %s", error)
            return
        with self._lock:
            self._speaking = speaking
            if self._hushed != hushed:  # while the program started
                speaking.kill()
        try:
            with contextlib.suppress(BrokenPipeError):
                speaking.communicate(words.encode(), timeout=_LONGEST_S)
        except subprocess.TimeoutExpired:
            speaking.kill()
            speaking.communicate()
        finally:
            with self._lock:
                self._speaking = None

    def hush(self) -> None:
        """Break off what is being said. Any thread; never raises."""
        with self._lock:
            self._hushed += 1
            if self._speaking is not None:
                self._speaking.kill()
