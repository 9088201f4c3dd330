"""What an EDC says, out of the bytes that arrive: whole things in order, and noise told from broken responses."""

from __future__ import annotations

import time
from collections import deque

from ewarung_pos.devices.ecr_codec import Ack, BadFrame, Decoder, Event, Frame, Nak

__all__ = ["Incoming"]

_HEADER = b"\x02\x02\x00"
_FRAME = 205
_MUCH = 100
"""So many bytes without a pause were a response, even where its beginning is broken. Noise is shorter."""


class Incoming:
    """Takes bytes, gives events; the silence between them is told to it.

    A NAK allows sending again. It is believed only where nothing strange came since `forget`, however long ago: on a
    slow line the last byte of a broken response comes alone, and may look like one.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._events: deque[Event] = deque()
        self._last_byte = 0.0
        self._burst = 0
        self._tail = b""
        self._like_a_response = False
        self._false_start = False
        self._unexplained = 0
        self._strange = False

    def __bool__(self) -> bool:
        """Whether an event waits."""
        return bool(self._events)

    @property
    def inside_frame(self) -> bool:
        """Whether a response has begun and is not complete."""
        return self._decoder.inside_frame

    @property
    def last_byte(self) -> float:
        """When bytes last came (`time.monotonic()`)."""
        return self._last_byte

    def next(self) -> Event:
        """The oldest event; there must be one."""
        return self._events.popleft()

    def feed(self, data: bytes) -> None:
        """Decode what arrived. That something began wrongly is told when the line is silent again: it may be noise."""
        self._last_byte = time.monotonic()
        for byte in data:  # one by one, so that a burst means the same in whatever pieces it comes
            self._take(bytes([byte]))

    def _take(self, byte: bytes) -> None:
        self._burst += 1
        self._unexplained += 1
        self._tail = (self._tail + byte)[-len(_HEADER) :]
        self._like_a_response = self._like_a_response or self._tail == _HEADER or self._burst >= _MUCH
        for event in self._decoder.feed(byte):
            if isinstance(event, BadFrame) and event.reason == "length":
                self._false_start = True
                continue
            if isinstance(event, Ack | Nak):
                self._unexplained -= 1
                if self._strange and isinstance(event, Nak):
                    continue
            self._events.append(event)
            if isinstance(event, Frame):
                self._unexplained -= _FRAME
                self._burst, self._tail = 0, b""
                self._like_a_response = self._false_start = False

    def silent(self) -> None:
        """What was begun is over; only what was like a response is worth asking for again."""
        self._strange = self._strange or self._unexplained > 0
        found = self._decoder.expire()
        if self._false_start and not found:
            found = [BadFrame("length")]
        if not self._like_a_response:
            found = [event for event in found if not isinstance(event, BadFrame)]
        self._events.extend(found)
        self._burst_over()

    def forget(self) -> None:
        """Nothing of what came before counts."""
        self._decoder.reset()
        self._events.clear()
        self._burst_over()
        self._strange = False

    def _burst_over(self) -> None:
        self._burst, self._unexplained, self._tail = 0, 0, b""
        self._like_a_response = self._false_start = False
