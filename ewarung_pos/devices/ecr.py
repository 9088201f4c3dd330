"""The line to an EDC in ECR mode, shared by the terminal and the card reader of the same box.

It opens and reopens the port, sends whole frames, answers responses with ACK or NAK, recognises a repeated response,
and knows how the line is. What a response means is decided by `ecr_terminal` and `ecr_reader`.

The response of this protocol names no transaction, so an answer belongs to a question only by order. That order is
established by a fence: an echo test that the EDC answers. Everything it still had to say about earlier questions comes
before that answer. `dirty` says that a fence is needed before money may be moved.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from ewarung_pos.devices.ecr_codec import (
    ACK,
    NAK,
    Ack,
    BadFrame,
    EcrRequest,
    EcrResponse,
    Event,
    Frame,
    Nak,
    TransType,
    blanked,
    build_request,
)
from ewarung_pos.devices.ecr_incoming import Incoming
from ewarung_pos.devices.ecr_named import Name, name_of
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.transport import LinkLost, Transport
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import DeviceState, DeviceStatus

__all__ = ["EcrLine", "Garbled"]

_log = logging.getLogger(__name__)

_READ_MAX = 4096
_REMEMBERED = 256
_MAX_EVENTS = 64
_NO_SUCH_TEST = frozenset(("12", "30", "57", "58"))
"""Codes by which an EDC says that it does not know a question."""
_UNANSWERED = 3


class Garbled(Exception):
    """The EDC's response stayed unreadable after it was asked to repeat it."""


class EcrLine:
    """One port, one decoder, one user at a time.

    Attributes:
        lock: held by whoever talks; both roles live on the terminal lane, this only guards against misuse.
        dirty: an answer to an earlier question may still come.
        generation: changes with every request and every reopening, so that the reader notices that its own request
            was superseded.
        late: where a response goes that nobody waits for.
        keep_until: until then a late answer may come on this connection.
        opening: grows each time that the port is opened; never 0 while it is open.
        named: who has answered since then, as far as he named himself.
    """

    def __init__(self, transport: Transport, timers: EcrTimers | None = None, site: EcrSite | None = None) -> None:
        self.timers = timers or EcrTimers()
        self.site = site or EcrSite()
        self.lock = threading.RLock()
        self.dirty = True
        self.generation = 0
        self.keep_until = 0.0
        self.opening = 0
        self.named = Name()
        self.late: Callable[[EcrResponse], None] = _nobody
        self._transport = transport
        self._incoming = Incoming()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._last_card = (b"", 0.0)
        self._card_salt = secrets.token_bytes(32)
        self._open = False
        self._closing = False
        self._bad = 0
        self._patience = _MAX_EVENTS
        self._no_echo = ""
        self._unanswered = 0
        self._retry_at = 0.0
        self._failures = 0
        self._status = DeviceStatus(DeviceState.UNKNOWN, "not_asked")

    # -- the port -------------------------------------------------------------------------------------------------

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._status

    def note(self, state: DeviceState, reason: str = "", detail: str = "") -> None:
        """Say how the line is."""
        self._status = DeviceStatus(state, reason, detail)

    def ensure_open(self, wait_until: float | None = None) -> None:
        """Have an open port and nothing old in it.

        Args:
            wait_until: given by a poll, which respects the pause between attempts and uses its time waiting for it;
                None tries at once.

        Raises:
            DeviceUnavailable: `reason` as in `LinkLost`.
        """
        for last in (False, True):
            if not self._open:
                self._reopen(wait_until)
            try:
                self.clear()
            except LinkLost as error:
                self.lost(error)
                if last or wait_until is not None:
                    raise DeviceUnavailable(error.detail, reason=error.reason) from error
            else:
                return

    def lost(self, error: LinkLost) -> None:
        """The line broke: close it, to be reopened at the next use."""
        _log.info("EDC %s: link lost (%s)", self._transport.name, error.reason)
        self._unanswered = 0
        self._shut()
        self.note(DeviceState.AWAY, error.reason, error.detail)
        self._pause()

    def unanswered(self) -> None:
        """The EDC said nothing to a question that moves no money.

        A TCP connection is made anew after some of these: its other end may have been switched off and on. Not while
        an answer about money may still come on it.
        """
        self._unanswered += 1
        enough = self._unanswered >= _UNANSWERED and time.monotonic() >= self.keep_until
        if enough and self._transport.name.startswith("socket://"):
            self._unanswered = 1  # silent still, until it has said something
            _log.info("EDC %s: silent, connecting anew", self._transport.name)
            self._shut()

    def close(self) -> None:
        """Give the port back; whoever waits for an answer gives up within a slice. Never raises."""
        self._closing = True
        with self.lock:
            self._closing = False
            self._shut()
            self._retry_at = 0.0
            self.note(DeviceState.UNKNOWN, "closed")

    # -- frames ---------------------------------------------------------------------------------------------------

    def send(self, request: EcrRequest) -> None:
        """Send one request; nothing that arrived before it can be taken for its answer.

        Raises:
            LinkLost: `sent` says whether the EDC may have got it.
        """
        frame = build_request(request)
        self.clear()
        self._bad = 0
        self._patience = _MAX_EVENTS
        self.generation += 1
        self._transport.write(frame, time.monotonic() + self.timers.write)
        _log.debug("EDC <- %s", blanked(frame).hex())

    @property
    def port(self) -> str:
        """Where the EDC is looked for."""
        return self._transport.name

    def receive(self, deadline: float) -> EcrResponse | Ack | Nak | None:
        """The next thing the EDC says; None when the deadline passes.

        A good response is answered with ACK and a repetition of an earlier one is dropped. A broken one is answered
        with NAK, twice, and the repetition must come soon.

        Raises:
            LinkLost: the line broke.
            Garbled: no readable response after all repetitions.
        """
        while True:
            event = self._next_event(deadline)
            if event is None:
                if self._bad:
                    raise Garbled
                return None
            self._unanswered = 0
            self._patience -= 1
            if self._patience < 0:
                _log.warning("EDC: does not stop talking")
                raise Garbled
            if isinstance(event, BadFrame):
                self._bad += 1
                _log.info("EDC: broken response (%s)", event.reason)
                if self._bad > 2:
                    raise Garbled
                self._reply(NAK)
                deadline = min(deadline, time.monotonic() + self.timers.repeat)
            elif isinstance(event, Frame):
                self._bad = 0
                if self._accept(event):
                    return event.response
            else:
                return event

    def clear(self) -> None:
        """Take what has arrived unasked: late responses are acknowledged and handed on, the rest is noise.

        Raises:
            LinkLost: the line broke.
        """
        end = time.monotonic() + 4 * self.timers.gap  # even on a line that never stops talking
        while True:
            while self._incoming:
                self._take_unasked(self._incoming.next())
            data = self._transport.drain()
            if data:
                self._incoming.feed(data)
            if time.monotonic() >= end or not (data or self._incoming.inside_frame):
                break
            if not data and (event := self._next_event(time.monotonic() + self.timers.gap)) is not None:
                self._take_unasked(event)
        self._incoming.forget()

    def fence(self) -> bool:
        """Make sure that every earlier answer has come; True when that is certain. Never raises.

        Late responses go to `late` on the way. Silence says nothing (`at_work`) as long as the EDC may still be busy
        with a card.
        """
        self._no_echo = ""
        try:
            self.ensure_open()
            certain = self._echo() if self.site.fence == "echo" else self._quiet()
        except LinkLost as error:
            self.lost(error)
            return False
        except (DeviceUnavailable, Garbled):
            return False
        if certain:
            self.dirty = False
            self.note(DeviceState.READY)
        elif self.at_work:
            self.note(DeviceState.READY)
        elif self._no_echo:
            self.note(DeviceState.ATTENTION, "no_echo", self._no_echo)
        else:
            self.note(DeviceState.AWAY, "no_answer")
            self.unanswered()
        return certain

    @property
    def at_work(self) -> bool:
        """Whether an EDC without an echo test may still answer an earlier sale or void, however quiet it is."""
        return self.site.fence == "quiet" and time.monotonic() < self.keep_until

    # -- inside ---------------------------------------------------------------------------------------------------

    def _echo(self) -> bool:
        for _ in range(3):
            self.send(EcrRequest(type=TransType.ECHO, version=3))
            deadline = time.monotonic() + self.timers.ack
            refused = False
            while not refused:
                got = self.receive(deadline)
                match got:
                    case None:
                        return False
                    case Ack():
                        deadline = time.monotonic() + self.timers.echo
                    case Nak():
                        refused = True
                    case EcrResponse(type=TransType.ECHO):
                        self._no_echo = got.code if got.code in _NO_SUCH_TEST else ""
                        return got.code == "00"
                    case EcrResponse():
                        self.late(got)
                        deadline = time.monotonic() + self.timers.echo
        return False

    def _quiet(self) -> bool:
        if self.at_work:
            self.clear()
            return False
        end = time.monotonic() + max(self.timers.echo, 2 * self.site.quiet_s)
        while time.monotonic() < end:
            got = self.receive(time.monotonic() + self.site.quiet_s)
            if got is None:
                return True
            if isinstance(got, EcrResponse):
                self.late(got)
        return False

    def _next_event(self, deadline: float) -> Event | None:
        """Wait for something whole; a response that has begun may end a little after the deadline."""
        looked = False
        incoming = self._incoming
        while not incoming:
            if self._closing:
                raise LinkLost("closed")
            now = time.monotonic()
            inside = incoming.inside_frame
            if now >= deadline and not (inside and now < deadline + 2 * self.timers.gap):
                # One more look: perhaps the machine was slow, not the EDC.
                if looked or not self._just_arrived():
                    return None
                looked = True
                continue
            until = min(now + self.timers.slice, incoming.last_byte + self.timers.gap if inside else deadline)
            data = self._transport.read(_READ_MAX, until)
            if data:
                incoming.feed(data)
            elif time.monotonic() - incoming.last_byte >= self.timers.gap:
                incoming.silent()
        return incoming.next()

    def _just_arrived(self) -> bool:
        """Whether bytes lie in the port although the deadline has passed."""
        data = self._transport.drain()
        if not data:
            return False
        self._incoming.feed(data)
        return True

    def _take_unasked(self, event: Event) -> None:
        if isinstance(event, Frame) and self._accept(event):
            self.late(event.response)

    def _accept(self, frame: Frame) -> bool:
        """Acknowledge a good response; False for a repetition of one that was taken before."""
        response = frame.response
        _log.debug("EDC -> %s", frame.shown.hex())
        self._reply(ACK)
        name = name_of(response)
        self.named = name if any(name) else self.named
        if response.type not in {TransType.SALE, TransType.VOID, self.site.card_info_type}:
            return True
        stamped = bool(response.stamp.strip("0 "))
        if response.type == self.site.card_info_type:
            repeated = stamped and self._same_card(response)
        elif stamped:
            repeated = self._same_answer(response)
        else:
            # Nothing tells a repetition from the next answer: a fence must, before more money is moved.
            self.dirty = True
            repeated = False
        if repeated:
            _log.info("EDC: response repeated, ignored")
        return not repeated

    def _same_answer(self, response: EcrResponse) -> bool:
        if response.print_id in self._seen:
            return True
        self._seen[response.print_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _same_card(self, response: EcrResponse) -> bool:
        """Whether this is the last card again, soon after: what differs between two cards may be the number alone."""
        told = f"{response.print_id} {response.pan} {response.expiry}".encode()
        digest = hashlib.blake2b(told, key=self._card_salt).digest()
        (last, at), now = self._last_card, time.monotonic()
        if digest == last and now - at < self.timers.repeat:
            return True
        self._last_card = (digest, now)
        return False

    def _reply(self, byte: int) -> None:
        # The response counts even when the line breaks before it can be acknowledged; the next read tells of that.
        try:
            self._transport.write(bytes([byte]), time.monotonic() + self.timers.write)
        except LinkLost as error:
            _log.info("EDC: could not answer a response (%s)", error.reason)

    def _reopen(self, wait_until: float | None) -> None:
        if wait_until is not None and (pause := self._retry_at - time.monotonic()) > 0:
            time.sleep(max(0.0, min(pause, wait_until - time.monotonic())))
            if time.monotonic() < self._retry_at:
                raise DeviceUnavailable(self._status.detail, reason=self._status.reason)
        try:
            self._transport.open()
        except LinkLost as error:
            self.note(DeviceState.AWAY, error.reason, error.detail)
            self._pause()
            raise DeviceUnavailable(error.detail, reason=error.reason) from error
        self._open = True
        self.opening += 1
        self.named = Name()
        self._failures = 0
        self._forget()
        if not self._unanswered:
            self.note(DeviceState.READY)

    def _pause(self) -> None:
        self._failures += 1
        self._retry_at = time.monotonic() + self.timers.reopen * min(2, self._failures)

    def _shut(self) -> None:
        self._transport.close()
        self._open = False
        self._forget()

    def _forget(self) -> None:
        self._incoming.forget()
        self.dirty = True
        self.generation += 1


def _nobody(response: EcrResponse) -> None:
    _log.info("EDC: response of type %s that nobody waits for", response.type)
