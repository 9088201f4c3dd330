"""Magnetic stripe: track 2 as readers send it, and the reader on whatever line it comes by.

Track data exists here from the start sentinel to the end of its line, and becomes a keyed reference or nothing.

Source: ISO/IEC 7813 (track 2: `;` number `=` YYMM service code and the rest `?`), ISO/IEC 7811-6 (LRC).
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from functools import reduce
from operator import xor

from ewarung_pos.devices.transport import LinkLost, Transport
from ewarung_pos.domain.family import CardRef, card_ref, luhn_valid
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import CardPresented, DeviceState, DeviceStatus

__all__ = ["StripeCardReader", "StripeLine", "Swipe"]

_log = logging.getLogger(__name__)

Swipe = CardPresented | CardNotRead
"""What a line of a stripe reader said: a card, or why it is none."""

_LONGEST = 400
"""Three tracks have 79 + 40 + 107 characters; some readers put words before them."""
_BLANKS = b"\r\n"
_STARTS = "%;+"
_TRACK2 = re.compile(r"(?P<number>[0-9]{16,19})=(?P<expiry>[0-9]{4})[0-9=]*")
"""A card of the programme has 16 to 19 digits. Fewer are not asked for, so that a digit lost on the way is noticed."""

_QUIET_S = 0.25
"""A line without its end is taken as it is after this; a whole swipe takes 0.06 s at 9600 baud."""
_STALE_S = 2.0
_TOLD_S = 4.0
_SLICE = 256

_UNAVAILABLE = {
    "no_port": "no_reader",
    "unplugged": "no_reader",
    "in_use": "reader_in_use",
    "no_permission": "reader_no_permission",
}


class StripeLine:
    """Bytes in, swipes out. Split where the line split them, glued, cut off or broken: never a wrong card."""

    def __init__(self, refer: Callable[[str], CardRef]) -> None:
        self._refer = refer
        self._held = bytearray()
        self._too_long = False

    @property
    def begun(self) -> bool:
        """Whether part of a line is held."""
        return bool(self._held) or self._too_long

    def feed(self, data: bytes) -> list[Swipe]:
        """The swipes whose lines ended in `data`."""
        found: list[Swipe] = []
        for byte in data:
            if byte in _BLANKS:
                found += self.end()
            elif len(self._held) < _LONGEST:
                self._held.append(byte)
            else:
                self._too_long = True
        return found

    def end(self) -> list[Swipe]:
        """The line is over, though nothing said so: nothing more came. At most one swipe."""
        line, too_long = bytes(self._held), self._too_long
        self.forget()
        if not line and not too_long:
            return []
        return [_bad() if too_long else _swipe(line.decode("latin-1"), self._refer)]

    def forget(self) -> None:
        """Drop what is held."""
        self._held.clear()
        self._too_long = False


def _bad(reason: str = "bad_swipe") -> CardNotRead:
    return CardNotRead(reason=reason)


def _swipe(line: str, refer: Callable[[str], CardRef]) -> Swipe:
    """What one line says. Anything on it that is not a sound track makes the whole line unreadable."""
    rest = re.sub(f"^[^{_STARTS}]*", "", line)
    found: dict[CardRef, str] = {}
    while rest:
        start, (body, end, after) = rest[0], rest[1:].partition("?")
        if start not in _STARTS or not end:
            return _bad()
        check, rest = _check_character(after)
        if start != ";":
            continue  # the name on track 1 and what banks keep on track 3 are none of ours
        track = _TRACK2.fullmatch(body)
        if track is None or not 1 <= int(track["expiry"][2:]) <= 12:
            return _bad()
        if check != _lrc(body) if check else not luhn_valid(track["number"]):
            return _bad()
        found[refer(track["number"])] = track["expiry"]
    if len(found) != 1:
        return _bad("two_cards" if found else "bad_swipe")
    card, expiry = found.popitem()
    return CardPresented(card, expiry, "stripe")


def _check_character(after: str) -> tuple[str, str]:
    """The LRC that some readers send behind the end sentinel, and what follows it.

    It may look like a sentinel: it is one only if digits follow.
    """
    if after and (len(after) == 1 or after[1] in _STARTS):
        return after[0], after[1:]
    return "", after


def _lrc(body: str) -> str:
    """What the stripe ends with: the exclusive or of all its characters, sentinels included."""
    return chr(0x30 | reduce(xor, (ord(character) & 0x0F for character in f";{body}?")))


class StripeCardReader:
    """`CardReader` on a line: a serial port, a grabbed keyboard, or what the window's filter took from the keys."""

    source = "stripe"

    def __init__(self, transport: Transport, card_key: Callable[[], bytes]) -> None:
        """`card_key` gives the city's key for card references, at each card (it may change by enrolment)."""
        self._transport = transport
        self._line = StripeLine(lambda number: card_ref(card_key(), number))
        self._open = False
        self._polled = 0.0
        self._heard = 0.0
        self._fault: CardNotRead | None = None
        self._told_until = 0.0
        self._status = DeviceStatus(DeviceState.UNKNOWN)

    def poll(self, wait_ms: int) -> CardPresented | None:
        """Wait at most `wait_ms` for a swipe. What was swiped while nobody polled is forgotten.

        Raises:
            DeviceUnavailable: no_reader, reader_in_use, reader_no_permission.
            CardNotRead: bad_swipe, two_cards; said again for 4 s or until the next swipe.
        """
        until = time.monotonic() + wait_ms / 1000
        try:
            swipes = self._swipes(until)
        except LinkLost as error:
            self._lost()
            reason = _UNAVAILABLE.get(error.reason, "no_reader")
            self._note(DeviceState.AWAY, reason)
            raise DeviceUnavailable(error.detail, reason=reason) from error
        finally:
            self._polled = time.monotonic()
        if not swipes and (self._fault is None or self._polled >= self._told_until):
            self._fault = None
            self._note(DeviceState.READY)
            return None
        return self._present(swipes)

    def diagnose(self) -> DeviceStatus:
        """Open the line, which a reader that says nothing by itself cannot confirm. Never raises."""
        try:
            self._ensure_open()
        except LinkLost as error:
            self._lost()
            return DeviceStatus(DeviceState.AWAY, _UNAVAILABLE.get(error.reason, "no_reader"), error.detail)
        return DeviceStatus(DeviceState.READY, detail=self._transport.name)

    def release(self) -> None:
        """Nothing is asked of a card while nobody polls."""

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._status

    def close(self) -> None:
        """Give the line back. Never raises."""
        self._lost()

    def _present(self, swipes: list[Swipe]) -> CardPresented:
        """The one card among them, or the fault that is to be told."""
        cards = {swipe.card: swipe for swipe in swipes if isinstance(swipe, CardPresented)}
        if len(cards) == 1 and isinstance(swipes[-1], CardPresented):
            self._fault = None
            self._note(DeviceState.READY)
            return swipes[-1]
        if swipes:
            last = swipes[-1]
            self._fault = _bad("two_cards") if isinstance(last, CardPresented) else last
            self._told_until = time.monotonic() + _TOLD_S
        reason = self._fault.reason if self._fault is not None else "bad_swipe"
        self._note(DeviceState.ATTENTION, reason)
        raise _bad(reason)

    def _swipes(self, until: float) -> list[Swipe]:
        self._ensure_open()
        if time.monotonic() - self._polled > _STALE_S:
            while self._transport.drain():
                pass
            self._line.forget()
        while True:
            wait = until
            if self._line.begun:
                wait = min(until, self._heard + _QUIET_S)
            data = self._transport.read(_SLICE, wait)
            now = time.monotonic()
            if data:
                self._heard = now
                found = self._line.feed(data)
            else:
                found = self._line.end() if self._line.begun and now >= self._heard + _QUIET_S else []
            if found or (not data and now >= until):
                return found

    def _ensure_open(self) -> None:
        if not self._open:
            self._transport.open()
            self._open = True
            self._polled = 0.0  # what a port held from before it was opened is nobody's swipe

    def _lost(self) -> None:
        self._transport.close()
        self._line.forget()
        self._open = False

    def _note(self, state: DeviceState, reason: str = "") -> None:
        if (state, reason) != (self._status.state, self._status.reason):
            _log.info("stripe reader %s %s", state.value, reason)
            self._status = DeviceStatus(state, reason)
