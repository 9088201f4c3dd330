"""What is said aloud to the family: the newest sentence, never a late one after it."""

from __future__ import annotations

from collections.abc import Callable

from ewarung_pos.ports import Lane, TaskRunner, Voice

__all__ = ["Speaker"]


class Speaker:
    """Says sentences on a lane of its own, where nobody waits for them."""

    def __init__(self, voice: Voice, runner: TaskRunner) -> None:
        self._voice = voice
        self._runner = runner
        self._newest = 0

    def say(self, words: str) -> None:
        """Say this now, in the place of what is being said."""
        self._newest += 1
        number = self._newest
        self._voice.hush()
        self._runner.submit(Lane.VOICE, self._unless_late(number, words), _said, _failed)

    def stop(self) -> None:
        """Say nothing more."""
        self._newest += 1
        self._voice.hush()

    def _unless_late(self, number: int, words: str) -> Callable[[], None]:
        def work() -> None:
            if number == self._newest:
                self._voice.say(words)

        return work


def _said(_: None) -> None:
    """Nobody waits for it."""


def _failed(error: Exception) -> None:
    raise error
