"""How much one kiosk, or one address that has proved nothing, may ask of the city; the rest is for the others.

What is counted against a kiosk is only what its own key signed: nobody can use up another's share. What is counted
against an address is only what proved nothing: kiosks behind one address of a network operator do not share a limit.
Each worker counts for itself.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import msgspec

__all__ = ["WITHOUT", "Gate", "Limits", "Share", "network_of"]

_REMEMBERED = 10_000


class Limits(msgspec.Struct, frozen=True):
    """Requests a second, so many at a stretch before that, and so many at one time.

    A till sends one message at a time and has at most a few a second to send, even after a month without a line. The
    addresses of this machine itself (a proxy that does not say whom it speaks for) have no limit of their own.
    """

    kiosk_rate: float = 30
    kiosk_burst: int = 600
    kiosk_at_once: int = 4
    unproved_rate: float = 2
    unproved_burst: int = 120
    address_at_once: int = 64
    at_once: int = 256


def network_of(address: str) -> str:
    """Whom an address counts for: of IPv6 the network, for one machine has as many addresses there as it likes."""
    try:
        return str(ipaddress.IPv6Network((address, 64), strict=False)) if ":" in address else address
    except ValueError:
        return address


class Share:
    """A rate that each of many names has for itself.

    Args:
        rate: a second.
        burst: so many at a stretch.
        now: seconds, of a clock that is never set.
    """

    def __init__(self, rate: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._each = 1 / rate
        self._ahead = (burst - 1) / rate
        self._now = now
        self._next: dict[str, float] = {}
        self._guard = Lock()
        self._many = _REMEMBERED

    def take(self, name: str) -> int:
        """Take one; 0, or the whole seconds until there is one again."""
        with self._guard:
            now = self._now()
            due = max(now, self._next.get(name, now))
            wait = due - now - self._ahead
            if wait <= 0:
                self._next[name] = due + self._each
                self._forget(now)
            return max(0, math.ceil(wait))

    def left(self, name: str) -> int:
        """As `take`, without taking."""
        now = self._now()
        return max(0, math.ceil(self._next.get(name, now) - now - self._ahead))

    def _forget(self, now: float) -> None:
        """Whoever has all of a share again need not be remembered."""
        if len(self._next) > self._many:
            self._next = {name: due for name, due in self._next.items() if due > now}
            self._many = max(_REMEMBERED, 2 * len(self._next))


WITHOUT = Limits(kiosk_rate=1e6, kiosk_burst=1_000_000, kiosk_at_once=256)
"""For a city whose kiosks live a month in minutes, or that is asked how much it can take."""


class Gate:
    """How many of each name are inside at a time. For one event loop."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()

    def full(self, name: str, most: int) -> bool:
        """Whether no more of that name may enter."""
        return self._inside[name] >= most

    @contextmanager
    def enter(self, *names: str) -> Iterator[None]:
        """Be inside under these names."""
        self._inside.update(names)
        try:
            yield
        finally:
            for name in names:
                self._inside[name] -= 1
                if not self._inside[name]:
                    del self._inside[name]
