"""A kiosk's line to the city when it is bad: messages that never arrive, answers that are lost, and batches sent twice.

The messages themselves go over real HTTP to the real server; this stands between the engine and its line.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from ewarung_pos.domain.state import StatePage
from ewarung_pos.errors import PosError, ServerUnreachable
from ewarung_pos.sync.outgoing import CityServer
from ewarung_pos.sync.protocol import PAGE_BYTES, Ack, Attest, Grant, GrantRequest, Hello, Push, Welcome

__all__ = ["BadLine", "Weather"]

T = TypeVar("T")

_LOST_REQUEST = 0.02
_LOST_REPLY = 0.03
_TWICE = 0.03
_LATE = 0.02
_KEPT = 3


class Weather:
    """What a kiosk's line is like: it outlives the till's process.

    Attributes:
        down: whether there is no line at all now.
        rough: whether single messages are lost or doubled.
        fired: faults that happened, by kind.
        late: batches that somewhere on the way are still to arrive once more.
    """

    def __init__(self, draw: random.Random, *, rough: bool) -> None:
        self._draw = draw
        self.down = False
        self.rough = rough
        self.fired: Counter[str] = Counter()
        self.late: list[Push] = []

    def next(self) -> str:
        """What becomes of the next message."""
        if self.down:
            return "down"
        if not self.rough:
            return "good"
        lot = self._draw.random()
        for kind, share in (("lost_request", _LOST_REQUEST), ("lost_reply", _LOST_REPLY), ("twice", _TWICE)):
            if lot < share:
                self.fired[kind] += 1
                return kind
            lot -= share
        return "good"

    def keeps(self, push: Push) -> None:
        """Perhaps this batch arrives a second time, days later."""
        if self.rough and self._draw.random() < _LATE and len(self.late) < _KEPT:
            self.late.append(push)

    def arrives(self) -> Push | None:
        """A batch of long ago that arrives now."""
        if self.late and not self.down and self._draw.random() < 0.1:
            self.fired["late_batch"] += 1
            return self.late.pop(0)
        return None


class BadLine:
    """`sync.outgoing.CityServer` over another one.

    Raises:
        ServerUnreachable: from every method, as the weather says.
    """

    def __init__(self, city: CityServer, weather: Weather) -> None:
        self._city = city
        self._weather = weather

    def hello(self, message: Hello) -> Welcome:
        """Greet; first arrives what was under way from long ago, whose answer nobody hears."""
        old = self._weather.arrives()
        if old is not None and (old.device, old.epoch) == (message.device, message.epoch):
            try:
                self._city.push(old)
            except PosError:
                self._weather.fired["late_batch"] -= 1
        return self._through(lambda: self._city.hello(message))

    def push(self, message: Push) -> tuple[Ack, int]:
        """Send a batch."""
        said = self._through(lambda: self._city.push(message))
        self._weather.keeps(message)
        return said

    def pull(
        self, cursor: int, acked: tuple[int, str] | None = None, most: int = PAGE_BYTES
    ) -> tuple[StatePage, bytes]:
        """Ask for the next page."""
        return self._through(lambda: self._city.pull(cursor, acked, most))

    def attest(self, date: str) -> Attest | None:
        """Ask for the city's word on a day."""
        return self._through(lambda: self._city.attest(date))

    def grant(self, message: GrantRequest) -> Grant:
        """Ask for rights."""
        return self._through(lambda: self._city.grant(message))

    def close(self) -> None:
        """Give the connection back."""
        self._city.close()

    def _through(self, say: Callable[[], T]) -> T:
        what = self._weather.next()
        if what == "down":
            raise ServerUnreachable("the line is down", reason="no_line")
        if what == "lost_request":
            raise ServerUnreachable("lost on the way", reason="cut")
        if what in {"lost_reply", "twice"}:
            heard = say()
            if what == "lost_reply":
                raise ServerUnreachable("the answer was lost", reason="cut")
            return say() if not isinstance(heard, Grant) else heard
        return say()
