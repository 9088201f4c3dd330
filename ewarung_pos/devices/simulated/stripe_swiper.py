"""A serial stripe reader: cards drawn through it come out of a pseudo-terminal as the text of their track 2.

Written from ISO/IEC 7813 (what stands on the track) and 7811-2 (its characters and their check), not from the driver.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ewarung_pos.devices.simulated.edc_bank import Card
from ewarung_pos.devices.simulated.edc_wires import PtyWire
from ewarung_pos.devices.simulated.faults import STRIPE, Fault, FaultScript

__all__ = ["Swiper", "track2"]

_CHARACTERS = "0123456789:;<=>?"
"""The sixteen of track 2, by the value of their four bits."""
_SERVICE = "201"
"""Use the chip where there is one; the card may be used in every country and for everything."""
_ISSUERS = "00000000"
_NOISE = b"\x00\xff\x13\x7f"
_BETWEEN_BYTES_MS = 8
"""About 1200 baud."""
_BEFORE_COPY_MS = 50
_UNTIL_BACK_MS = 1000


def track2(card: Card) -> str:
    """What stands on the stripe: `;` number `=` YYMM service code and more `?`, and the check character behind it."""
    body = f";{card.number}={card.expiry}{_SERVICE}{_ISSUERS}?"
    check = 0
    for character in body:
        check ^= _CHARACTERS.index(character)
    return body + _CHARACTERS[check]


class Swiper:
    """A reader whose cable ends in a link to a pseudo-terminal. The link is the same after pulling out and plugging in.

    Args:
        link: what a till opens.
        faults: a script of `faults.STRIPE`.
        pause: how time is spent between bytes, and while the cable is out.

    Raises:
        ConfigError: the link cannot be had.
    """

    def __init__(
        self, link: Path, faults: FaultScript | None = None, pause: Callable[[float], object] = time.sleep
    ) -> None:
        self.link = link
        self._faults = faults or FaultScript((), STRIPE)
        self._pause = pause
        self._wire = PtyWire(link, "--stripe")

    def swipe(self, card: Card) -> tuple[str, ...]:
        """Draw a card through; what the script did to it."""
        struck = self._faults.strike("swipe")
        line = _spoilt(track2(card), struck).encode("latin-1") + b"\r"
        if "garbage_before" in struck:
            line = _NOISE + line
        unplugged = struck.get("unplugged")
        if unplugged is not None:
            self._say(line[: unplugged.after or 0], struck)
            self.pull_out()
            self._pause(_seconds(unplugged, _UNTIL_BACK_MS))
            self.plug_in()
            return tuple(struck)
        self._say(line, struck)
        if "twice" in struck:
            self._pause(_seconds(struck["twice"], _BEFORE_COPY_MS))
            self._say(line, struck)
        return tuple(struck)

    def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Whatever a reader may say, piece by piece, with so many seconds after each."""
        for piece in pieces:
            self._wire.write(piece)
            self._pause(pause)

    def pull_out(self) -> None:
        """The cable leaves its socket: the link is gone, and who had the line open finds it dead."""
        self._wire.pull_out()

    def plug_in(self) -> None:
        """The cable is back, on another pseudo-terminal behind the same link."""
        self._wire.plug_in()

    def close(self) -> None:
        """Take the link away. May be called again."""
        self._wire.close()

    def _say(self, line: bytes, struck: Mapping[str, Fault]) -> None:
        if "split" in struck:
            self.send(*(bytes((byte,)) for byte in line), pause=_seconds(struck["split"], _BETWEEN_BYTES_MS))
        elif line:
            self.send(line)


def _seconds(fault: Fault, else_ms: int) -> float:
    return (else_ms if fault.ms is None else fault.ms) / 1000


def _spoilt(track: str, struck: Mapping[str, Fault]) -> str:
    """The track as the head read it, where the script has something for that."""
    body, check = track[:-1], track[-1]
    if "bad_parity" in struck:  # a bit of the last digit of the number fell over, and the reader passes it on
        at = body.index("=") - 1
        body = body[:at] + _CHARACTERS[_CHARACTERS.index(body[at]) ^ 1] + body[at + 1 :]
    if "bad_lrc" in struck:
        check = _CHARACTERS[_CHARACTERS.index(check) ^ 1]
    if "no_start" in struck:
        body = body[1:]
    if "no_end" in struck:  # the head was lifted too early: neither sentinel nor check came by
        body, check = body[:-1], ""
    return body + check
