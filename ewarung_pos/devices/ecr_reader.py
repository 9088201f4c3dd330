"""Whose card it is, asked of the EDC: a card information request that waits until a card comes.

The card number exists here for one moment, between the response and its keyed reference. It is not kept, logged, or
put into an error.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ewarung_pos.devices.ecr import EcrLine, Garbled
from ewarung_pos.devices.ecr_codec import Ack, EcrRequest, EcrResponse, Nak
from ewarung_pos.devices.transport import LinkLost
from ewarung_pos.domain.family import CardRef, card_ref
from ewarung_pos.errors import ConfigError, DeviceProtocolError, DeviceUnavailable
from ewarung_pos.ports import CardPresented, DeviceState, DeviceStatus

__all__ = ["EcrCardReader"]

_log = logging.getLogger(__name__)

_SENDS = 3
_REFUSED_PAUSE_S = 1.0
_STALE_S = 2.0
_NO_CARD = {"TO", "P3"}
_CARD_ERROR = "P2"
_ISSUER = 6
"""Digits that name the bank; an EDC that hides the number may fill all that follow with zeros."""


class EcrCardReader:
    """`CardReader` on an `EcrLine`, which it may share with an `EcrTerminal`.

    At most one request is outstanding. It survives polls, and is superseded by whatever else is asked of the EDC.
    """

    source = "ecr"

    def __init__(self, line: EcrLine, card_key: Callable[[], bytes]) -> None:
        """`card_key` gives the city's key for card references, at each card (it may change by enrolment).

        Raises:
            ConfigError: the site has no card information type.
        """
        if len(line.site.card_info_type) != 2:
            raise ConfigError("card_reader.card_info_type: seharusnya dua angka dari bank")
        self._line = line
        self._card_key = card_key
        self._generation: int | None = None
        self._acked = False
        self._ack_by = 0.0
        self._answer_by = 0.0
        self._naks = 0
        self._not_before = 0.0
        self._polled = 0.0

    def poll(self, wait_ms: int) -> CardPresented | None:
        """Ask if nothing is outstanding, then wait at most `wait_ms` for a card.

        A card that came while nobody polled is forgotten and asked for anew: another may be in its place by now.

        Raises:
            DeviceUnavailable: no_port, in_use, no_permission, unplugged.
            DeviceProtocolError: unreadable or refused; asked again at a later poll.
        """
        until = time.monotonic() + wait_ms / 1000
        with self._line.lock:
            if time.monotonic() - self._polled > _STALE_S:
                self.release()
            try:
                return self._poll(until)
            except LinkLost as error:
                self._generation = None
                self._line.lost(error)
                raise DeviceUnavailable(error.detail, reason=error.reason) from error
            except Garbled:
                self._generation = None
                self._line.dirty = True
                raise DeviceProtocolError("card information unreadable", reason="bad_frame") from None
            finally:
                self._polled = time.monotonic()

    def diagnose(self) -> DeviceStatus:
        """Open the port; whether the EDC answers is the terminal's echo test to find out. Never raises."""
        with self._line.lock:
            try:
                self._line.ensure_open()
            except DeviceUnavailable:
                return self._line.status()
            return DeviceStatus(DeviceState.READY, detail=self._line.port)

    def release(self) -> None:
        """Stop asking: the next request takes the place of the waiting one. Never raises."""
        with self._line.lock:
            if self._generation is None:
                return
            self._generation = None
            try:
                self._line.clear()
            except LinkLost as error:
                self._line.lost(error)

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._line.status()

    def close(self) -> None:
        """Give the port back. Never raises."""
        self._generation = None
        self._line.close()

    def _poll(self, until: float) -> CardPresented | None:
        line = self._line
        if self._generation is None or self._generation != line.generation:
            line.ensure_open(until)
            pause = self._not_before - time.monotonic()
            if pause > 0:
                time.sleep(max(0.0, min(pause, until - time.monotonic())))
                return None
            self._naks = 0
            self._request()
        while True:
            got = line.receive(until if self._acked else min(until, self._ack_by))
            match got:
                case None:
                    if not self._acked and time.monotonic() >= self._ack_by:
                        self._give_up(DeviceState.AWAY, "no_answer")
                    elif self._acked and time.monotonic() >= self._answer_by:
                        # The EDC's own wait ends long before this: its answer was lost, so it is asked again.
                        self._generation = None
                    return None
                case Ack():
                    self._acked = True
                    self._answer_by = time.monotonic() + line.timers.response
                    line.note(DeviceState.READY)
                case Nak():
                    self._naks += 1
                    if self._naks >= _SENDS:
                        self._give_up(DeviceState.ATTENTION, "not_accepted")
                        return None
                    self._request()
                case EcrResponse():
                    if got.type != line.site.card_info_type:
                        line.late(got)
                        continue
                    self._generation = None
                    return self._card(got)

    def _request(self) -> None:
        line = self._line
        line.send(EcrRequest(type=line.site.card_info_type, version=line.site.version))
        self._generation = line.generation
        self._acked = False
        self._ack_by = time.monotonic() + line.timers.ack

    def _give_up(self, state: DeviceState, reason: str) -> None:
        self._generation = None
        self._not_before = time.monotonic() + _REFUSED_PAUSE_S
        self._line.dirty = True
        self._line.note(state, reason)
        if state is DeviceState.AWAY:
            self._line.unanswered()

    def _card(self, response: EcrResponse) -> CardPresented | None:
        line = self._line
        if response.code == "00":
            card = self._reference(response)
            line.note(DeviceState.READY)
            expiry = response.expiry if response.expiry.isdigit() and response.expiry != "0000" else ""
            return CardPresented(card, expiry, "ecr")
        if response.code in _NO_CARD:
            line.note(DeviceState.READY)
            return None
        if response.code == _CARD_ERROR:
            line.note(DeviceState.ATTENTION, "card_error")
            return None
        self._not_before = time.monotonic() + _REFUSED_PAUSE_S
        line.note(DeviceState.ATTENTION, "card_info_refused", response.code)
        raise DeviceProtocolError(f"card information answered {response.code}", reason="card_info_refused")

    def _reference(self, response: EcrResponse) -> CardRef:
        try:
            if len(set(response.pan[_ISSUER:])) == 1:
                raise ValueError("filled, and no number")
            return card_ref(self._card_key(), response.pan)
        except ValueError:
            self._not_before = time.monotonic() + _REFUSED_PAUSE_S
            self._line.note(DeviceState.ATTENTION, "card_number")
            raise DeviceProtocolError("the EDC hides the card number", reason="card_number") from None
