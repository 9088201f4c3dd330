"""The line to an EDC that speaks POSe Link: one connection, one question at a time, one answer.

Nothing is asked on a line that has not just answered a ping: what is sent then has somebody who hears it, and what the
EDC still had to say about earlier questions has been taken. A question is sent once. What an answer means is decided by
`poselink`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ewarung_pos.devices.poselink_codec import Action, Note, NoteKind, PoseReply, PoseRequest, read_reply, seal
from ewarung_pos.devices.transport import LinkLost
from ewarung_pos.devices.wss import MessageLink
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import DeviceState, DeviceStatus, PaymentStep

__all__ = ["REFUSALS", "Failed", "PoseLine", "PoseLinkSite", "PoseLinkTimers"]

_log = logging.getLogger(__name__)

_MAX_MESSAGES = 256
_WIB = dt.timezone(dt.timedelta(hours=7))
_REFUSED = {NoteKind.BUSY: "busy", NoteKind.CLOCK: "clock_behind"}
REFUSALS = frozenset(_REFUSED.values())
"""Reasons for which the EDC itself says that it takes nothing now."""


@dataclass(frozen=True, slots=True)
class PoseLinkTimers:
    """Seconds; to be tuned on the site's terminal.

    Attributes:
        connect: TCP, TLS and WebSocket together.
        ping: from a ping to its answer; no money is asked for without one.
        accept: from a request to "busy", if that is to mean that the request was not taken.
        response: from a sale or void to its end: card, PIN and host. After it the EDC is done with it in any case.
        query: from an inquiry or settlement to its answer.
        look: for a look whether the EDC is there, connecting included.
        again: between the two times that the EDC must say that it knows no such transaction.
        slice: longest single wait, so that closing is quick.
        write: for a request to leave.
    """

    connect: float = 3.0
    ping: float = 5.0
    accept: float = 5.0
    response: float = 120.0
    query: float = 20.0
    look: float = 0.8
    again: float = 2.0
    slice: float = 0.1
    write: float = 2.0


@dataclass(frozen=True, slots=True)
class PoseLinkSite:
    """What is agreed with the bank and its vendor.

    Attributes:
        secret: shared, for the cipher of requests.
        address: how the till calls itself (`pos_address`).
        not_found: the EDC's text (`msg`) or code (`rc`) for "no such transaction"; empty where it is not known. Then no
            answer to an inquiry proves that nothing was debited.
    """

    secret: str
    address: str
    not_found: str = ""

    def __repr__(self) -> str:
        return f"PoseLinkSite(address={self.address!r}, not_found={self.not_found!r})"


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer. `sent`: whether the EDC may act on the request all the same."""

    reason: str
    sent: bool


class PoseLine:
    """One link, one user at a time.

    Attributes:
        lock: held by whoever talks; the terminal lane is the only one, this only guards against misuse.
        late: is offered each answer to an earlier question; True when it was one.
        wall: seconds since the epoch, for the time in requests: it is never earlier than in the request before.
    """

    def __init__(
        self,
        link: MessageLink,
        site: PoseLinkSite,
        timers: PoseLinkTimers | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.site = site
        self.timers = timers or PoseLinkTimers()
        self.lock = threading.RLock()
        self.late: Callable[[PoseReply], bool] = lambda _: False
        self._link = link
        self._wall = wall
        self._closing = False
        self._stamp = 0
        self._status = DeviceStatus(DeviceState.UNKNOWN, "not_asked")

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._status

    def note(self, state: DeviceState, reason: str = "", detail: str = "") -> None:
        """Say how the line is."""
        self._status = DeviceStatus(state, reason, detail)

    def close(self) -> None:
        """Hang up; whoever waits for an answer gives up within a slice. Never raises."""
        self._closing = True
        with self.lock:
            self._closing = False
            self._link.close()
            self.note(DeviceState.UNKNOWN, "closed")

    def drop(self) -> None:
        """Have a new connection for the next question: an answer that comes late must not meet it."""
        self._link.close()

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until `close`."""
        end = time.monotonic() + seconds
        while not self._closing and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self.timers.slice))

    # -- one question and its answer ------------------------------------------------------------------------------

    def look(self) -> None:
        """See whether the EDC is there, by a connection and a ping; nothing is asked. Never raises.

        One that does not answer in this short time is not hung up on: it may still have something to say about money.
        """
        with self.lock:
            until = time.monotonic() + self.timers.look
            with contextlib.suppress(DeviceUnavailable):
                self._open(until)
                try:
                    refused = self._answers(until)
                except LinkLost as error:
                    self._lost(error)
                else:
                    self._refused(refused) if refused is not None else self.note(DeviceState.READY)

    def greet(self) -> str | None:
        """Have a connection on which the EDC answers, with nothing old in it; else why not: no_answer or a refusal.

        Raises:
            DeviceUnavailable: no connection; `reason` as in `LinkLost`.
        """
        for _ in range(2):
            self._open(time.monotonic() + self.timers.connect)
            try:
                refused = self._answers(time.monotonic() + self.timers.ping)
            except LinkLost as error:
                self._lost(error)
                continue
            if refused is None:
                self.note(DeviceState.READY)
                return None
            self._hang_up(refused)
            if refused in REFUSALS:
                return refused
        return "no_answer"

    def request(
        self, action: Action, trx_id: str, *, amount: int = 0, trace: str = "", reference: str = ""
    ) -> PoseRequest:
        """A question of now."""
        self._stamp = max(self._stamp, int(self._wall()))
        return PoseRequest(
            action=action,
            trx_id=trx_id,
            stamp=dt.datetime.fromtimestamp(self._stamp, _WIB),
            address=self.site.address,
            amount=amount,
            trace=trace,
            reference=reference,
        )

    def ask(
        self, request: PoseRequest, wait_s: float, on_step: Callable[[PaymentStep], None] = lambda _: None
    ) -> PoseReply | Failed:
        """Send once, and wait for the answer that ends it."""
        sent = False
        try:
            self._link.send(seal(request, self.site.secret), time.monotonic() + self.timers.write)
            sent = True
            on_step(PaymentStep.SENT)
            got = self._answer(request, time.monotonic(), wait_s, on_step)
        except LinkLost as error:
            self._lost(error)
            return Failed("link_lost", sent=True) if sent or error.sent else Failed("not_sent", sent=False)
        if isinstance(got, Failed) and got.reason in {"no_answer", "no_ack"}:
            self.note(DeviceState.AWAY, "no_answer")
        elif isinstance(got, Failed):
            self._hang_up(got.reason)
        return got

    # -- inside ---------------------------------------------------------------------------------------------------

    def _answer(
        self, request: PoseRequest, sent_at: float, wait_s: float, on_step: Callable[[PaymentStep], None]
    ) -> PoseReply | Failed:
        taken = False
        for _ in range(_MAX_MESSAGES):
            got = self._receive(sent_at + wait_s)
            match got:
                case None:
                    return Failed("no_answer" if taken else "no_ack", sent=True)
                case Note(kind=NoteKind.TAKEN):
                    taken = True
                    on_step(PaymentStep.ACCEPTED)
                case Note():
                    in_time = time.monotonic() < sent_at + self.timers.accept
                    if in_time and not taken and got.trx_id in {"", request.trx_id}:
                        return Failed(_REFUSED[got.kind], sent=False)
                    # Else it is of something else: the EDC had taken this one.
                case PoseReply():
                    if got.trx_id == request.trx_id or not self.late(got):
                        return got
        return Failed("bad_frame", sent=True)  # it does not stop talking

    def _receive(self, deadline: float) -> PoseReply | Note | None:
        """The next message, read in slices so that `close` is quick.

        Raises:
            LinkLost: there will be none.
        """
        while True:
            if self._closing:
                raise LinkLost("closed")
            now = time.monotonic()
            text = self._link.receive(min(deadline, now + self.timers.slice))
            if text is not None:
                said = read_reply(text)
                _log.debug("EDC -> %s", said.kind if isinstance(said, Note) else said.status)
                return said
            if now >= deadline:
                return None

    def _answers(self, deadline: float) -> str | None:
        """Ping until then, and take what lay there; why nothing should be asked now, if so.

        Raises:
            LinkLost: the line broke.
        """
        alive = self._link.ping(deadline)
        for _ in range(_MAX_MESSAGES):
            text = self._link.receive(time.monotonic())
            if text is None:
                return None if alive else "no_answer"
            said = read_reply(text)
            if isinstance(said, PoseReply):
                self.late(said)
            elif said.kind is not NoteKind.TAKEN:
                return _REFUSED[said.kind]
        return "no_answer"

    def _open(self, deadline: float) -> None:
        try:
            self._link.open(deadline)
        except LinkLost as error:
            state = DeviceState.ATTENTION if error.reason == "certificate" else DeviceState.AWAY
            self.note(state, error.reason, error.detail)
            raise DeviceUnavailable(error.detail, reason=error.reason) from error

    def _lost(self, error: LinkLost) -> None:
        _log.info("EDC %s: link lost (%s)", self._link.name, error.reason)
        self._link.close()
        self.note(DeviceState.AWAY, error.reason, error.detail)

    def _hang_up(self, reason: str) -> None:
        self._link.close()
        self._refused(reason)

    def _refused(self, reason: str) -> None:
        self.note(DeviceState.BUSY if reason == "busy" else DeviceState.AWAY, reason)
