"""How much goes into one message: on a line that breaks in the middle of every long one, short ones still arrive."""

from __future__ import annotations

__all__ = ["MessageSize"]

_PATIENCE = 2
_PASSED = 8


class MessageSize:
    """Bytes before compression, for one way: a quarter after two breaks in a row, twice as much after eight passed.

    A single break says nothing of the size: the same message goes again. One entry, or one thing of a page, always
    goes.

    Args:
        most: what the protocol allows.
        least: what is little but headers once it is compressed, so that less would only cost more.
    """

    def __init__(self, most: int, least: int) -> None:
        self.now = most
        self._most = most
        self._least = least
        self._broke = 0
        self._passed = 0

    def broke(self, size: int) -> None:
        """The line was cut, or too slow, with a message of that size on it."""
        self._passed = 0
        self._broke += 1
        if self._broke == _PATIENCE:
            self._broke = 0
            self.now = min(self.now, max(self._least, size // 4))

    def passed(self) -> None:
        """One arrived, and its answer too."""
        self._broke = 0
        self._passed += 1
        if self._passed == _PASSED:
            self._passed = 0
            self.now = min(self._most, 2 * self.now)
