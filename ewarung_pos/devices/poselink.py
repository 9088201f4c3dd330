"""Payments on a BRI EDC through POSe Link: ask once, believe only what is proven, say so when nothing is.

Every transaction has a name (`trx_id`), which is the attempt's own. An answer that was lost is asked for by that name
(`Check Trx`); a sale is never sent a second time. That the EDC knows no transaction of that name proves nothing while
it may still be at work on it: it counts when the EDC has ended it or the longest time of a sale has passed, and when it
was said twice.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ewarung_pos.devices.poselink_codec import (
    MAX_RUPIAH,
    Action,
    Note,
    NoteKind,
    PoseReply,
    PoseRequest,
    read_reply,
    seal,
    trx_id_of,
)
from ewarung_pos.devices.poselink_evidence import NotFound, PoseDoubt, Unclear, judge_answer, judge_check
from ewarung_pos.devices.transport import LinkLost
from ewarung_pos.devices.wss import MessageLink
from ewarung_pos.errors import DeviceError, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from ewarung_pos.ports import (
    Approved,
    Declined,
    DeviceState,
    DeviceStatus,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    Settlement,
    Unknown,
)

__all__ = ["PoseLinkSite", "PoseLinkTerminal", "PoseLinkTimers"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_ABORT_VALID_S = 5.0
_REMEMBERED = 512
_MAX_MESSAGES = 256
_WIB = dt.timezone(dt.timedelta(hours=7))
_REFUSED = {NoteKind.BUSY: "busy", NoteKind.CLOCK: "clock_behind"}


@dataclass(frozen=True, slots=True)
class PoseLinkTimers:
    """Seconds; to be tuned on the site's terminal.

    Attributes:
        connect: TCP, TLS and WebSocket together.
        ping: from a ping to its answer; no money is asked for without one.
        response: from a sale or void to its end: card, PIN and host. After it the EDC is done with it in any case.
        query: from an inquiry or settlement to its answer.
        again: between the two times that the EDC must say that it knows no such transaction.
        slice: longest single wait, so that closing is quick.
        write: for a request to leave.
    """

    connect: float = 3.0
    ping: float = 5.0
    response: float = 120.0
    query: float = 20.0
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
class _Failed:
    """No usable answer. `sent`: whether the EDC may act on the request all the same."""

    reason: str
    sent: bool


class PoseLinkTerminal:
    """`PaymentTerminal` on a `MessageLink`.

    `wall` gives seconds since the epoch, for the time in requests: it is never earlier than in the request before.
    """

    def __init__(
        self,
        link: MessageLink,
        site: PoseLinkSite,
        timers: PoseLinkTimers | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._link = link
        self._site = site
        self._timers = timers or PoseLinkTimers()
        self._wall = wall
        self._lock = threading.RLock()
        self._closing = False
        self._aborted_at: float | None = None
        self._started_at = 0.0
        self._stamp = 0
        self._settle_id = ""
        self._over_at: OrderedDict[str, float] = OrderedDict()
        self._over_before = time.monotonic() + self._timers.response  # what was sent before this program started
        self._doubts: OrderedDict[str, PoseDoubt] = OrderedDict()
        self._late: OrderedDict[str, PaymentOutcome] = OrderedDict()
        self._status = DeviceStatus(DeviceState.UNKNOWN, "not_asked")

    # -- PaymentTerminal ------------------------------------------------------------------------------------------

    def pay(self, intent: PaymentIntent, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        """Ask for a debit, once.

        Raises:
            DeviceUnavailable: no connection; nothing was sent.
            ValueError: the amount is not 1..9_999_999_999 rupiah; nothing was sent.
        """
        if not 1 <= intent.amount <= MAX_RUPIAH:
            raise ValueError(f"amount is not 1..{MAX_RUPIAH} rupiah")
        doubt = PoseDoubt(trx_id_of(intent.attempt), Action.SALE, intent.amount, intent.last4)
        return self._move(doubt, self._request(doubt.action, doubt.trx_id, amount=doubt.amount), on_step)

    def void(self, attempt: str, original: Approved) -> PaymentOutcome:
        """Undo an approved debit by its trace number; `Approved` means undone.

        Raises:
            DeviceUnavailable: no connection; nothing was sent.
        """
        if not original.invoice:
            return Declined("", "not_sent")
        doubt = PoseDoubt(trx_id_of(attempt), Action.VOID, original.amount)
        request = self._request(
            doubt.action, doubt.trx_id, amount=original.amount, trace=original.invoice, reference=original.rrn
        )
        return self._move(doubt, request, lambda _: None)

    def inquire(self, intent: PaymentIntent) -> PaymentOutcome:
        """What became of an earlier sale or void: from an answer that came late, else by asking the EDC.

        Raises:
            DeviceUnavailable: no connection.
        """
        action = Action.VOID if intent.kind == "void" else Action.SALE
        doubt = PoseDoubt(trx_id_of(intent.attempt), action, intent.amount, intent.last4)
        with self._lock:
            if doubt.trx_id not in self._late:
                _keep(self._doubts, doubt.trx_id, doubt)
                refused = self._greet()
                if refused is not None and doubt.trx_id not in self._late:
                    return Unknown("busy" if refused == "busy" else "no_answer")
            late = self._late.get(doubt.trx_id)
            outcome = late if late is not None else self._checked(doubt)
            if not isinstance(outcome, Unknown):
                self._doubts.pop(doubt.trx_id, None)
            return outcome

    def abort(self) -> None:
        """Stop a payment before it was sent. Safe from any thread."""
        self._aborted_at = time.monotonic()

    def settle(self) -> Settlement:
        """Close the batch. A settlement whose answer was lost is asked for again under the same name.

        Raises:
            DeviceUnavailable: no connection, busy, or nothing was sent.
            DeviceTimeout: no answer.
            DeviceProtocolError: an answer that names no total of this settlement.
            DeviceError: refused (`reason` settlement_refused).
        """
        with self._lock:
            refused = self._greet()
            if refused is not None:
                raise DeviceUnavailable("the EDC does not take a settlement", reason=refused)
            self._settle_id = self._settle_id or secrets.token_hex(16)
            got = self._ask(self._request(Action.SETTLE, self._settle_id), self._timers.query)
            if isinstance(got, _Failed):
                raise _settle_error(got)
            if got.trx_id != self._settle_id or got.action not in {Action.SETTLE, ""} or not got.sound:
                raise DeviceProtocolError("the EDC answers another question", reason="mismatch")
            if not got.approved:
                raise DeviceError("the EDC refused the settlement", reason="settlement_refused")
            self._settle_id = ""
            if got.amount is None:
                raise DeviceProtocolError("the EDC settled and did not say how much", reason="no_total")
            return Settlement(got.amount, got.batch)

    def diagnose(self) -> DeviceStatus:
        """Connect if need be, and ping. Never raises."""
        with self._lock:
            with contextlib.suppress(DeviceUnavailable):
                self._greet()
            return self._status

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._status

    def close(self) -> None:
        """Hang up; whoever waits for an answer gives up within a slice. Never raises."""
        self._closing = True
        with self._lock:
            self._closing = False
            self._link.close()
            self._note(DeviceState.UNKNOWN, "closed")

    # -- a request that moves money -------------------------------------------------------------------------------

    def _move(self, doubt: PoseDoubt, request: PoseRequest, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        with self._lock:
            self._started_at = time.monotonic()
            try:
                refused = self._greet()
                if refused is not None:
                    return Declined("", refused if refused in _REFUSED.values() else "not_sent")
                if self._abort_asked():
                    return Declined("", "user_cancelled")
                self._note(DeviceState.BUSY)
                _keep(self._doubts, doubt.trx_id, doubt)
                _keep(self._over_at, doubt.trx_id, time.monotonic() + self._timers.response)
                outcome = self._proven(doubt, self._ask(request, self._timers.response, on_step), on_step)
            finally:
                self._aborted_at = None
                if self._status == DeviceStatus(DeviceState.BUSY):
                    self._note(DeviceState.READY)
            if not isinstance(outcome, Unknown):
                self._doubts.pop(doubt.trx_id, None)
            return outcome

    def _proven(
        self, doubt: PoseDoubt, got: PoseReply | _Failed, on_step: Callable[[PaymentStep], None]
    ) -> PaymentOutcome:
        if isinstance(got, _Failed):
            return Unknown(got.reason) if got.sent else Declined("", got.reason)
        on_step(PaymentStep.VERIFYING)
        outcome = judge_answer(doubt, got, "edc")
        if not isinstance(outcome, Unclear):
            return outcome
        # Cancelled by the holder, or the host was late: both look the same, and happen often. The EDC knows which.
        self._over_at[doubt.trx_id] = time.monotonic()
        try:
            return Unknown("host_timeout") if self._greet() else self._checked(doubt)
        except DeviceUnavailable:
            return Unknown("link_lost")

    def _checked(self, doubt: PoseDoubt) -> PaymentOutcome:
        """Ask the EDC by name. The link has just answered a ping."""
        for again in (False, True):
            if again:
                self._pause(self._timers.again)
            over = time.monotonic() >= self._over_at.get(doubt.trx_id, self._over_before)
            found = self._check(doubt)
            if not isinstance(found, NotFound):
                return found
            if doubt.action == Action.VOID:
                return Unknown("no_query")  # whether voids are found by name is not published
            if not over:
                return Unknown("busy")
        return Declined("", "not_found")

    def _check(self, doubt: PoseDoubt) -> PaymentOutcome | NotFound:
        got = self._ask(self._request(Action.CHECK, doubt.trx_id), self._timers.query)
        if isinstance(got, _Failed):
            self._link.close()  # an answer that comes late after all must not meet the next question
            return Unknown(got.reason if got.reason in {"busy", "link_lost"} else "no_answer")
        found = judge_check(doubt, got, self._site.not_found)
        if not isinstance(found, Unknown) or got.action != doubt.action:
            return found
        late = judge_answer(doubt, got, "edc_late")  # of the sale itself, not of our question
        if isinstance(late, Unclear):
            self._over_at[doubt.trx_id] = time.monotonic()
            return found
        return late

    # -- one question and its answer ------------------------------------------------------------------------------

    def _ask(
        self, request: PoseRequest, wait_s: float, on_step: Callable[[PaymentStep], None] = lambda _: None
    ) -> PoseReply | _Failed:
        """Send once, and wait for the answer that ends it."""
        taken = False
        sent = False
        try:
            self._link.send(seal(request, self._site.secret), time.monotonic() + self._timers.write)
            sent = True
            on_step(PaymentStep.SENT)
            deadline = time.monotonic() + wait_s
            for _ in range(_MAX_MESSAGES):
                got = self._receive(deadline)
                match got:
                    case None:
                        self._note(DeviceState.AWAY, "no_answer")
                        return _Failed("no_answer" if taken else "no_ack", sent=True)
                    case Note(kind=NoteKind.TAKEN):
                        taken = True
                        on_step(PaymentStep.ACCEPTED)
                    case Note():
                        if taken or got.trx_id not in {"", request.trx_id}:
                            continue  # of something else: the EDC had taken this one
                        self._hang_up(_REFUSED[got.kind])
                        return _Failed(_REFUSED[got.kind], sent=False)
                    case PoseReply():
                        if got.trx_id == request.trx_id or not self._take_late(got):
                            return got
            self._hang_up("no_answer")  # it does not stop talking
            return _Failed("bad_frame", sent=True)
        except LinkLost as error:
            self._lost(error)
            return _Failed("link_lost", sent=True) if sent or error.sent else _Failed("not_sent", sent=False)

    def _receive(self, deadline: float) -> PoseReply | Note | None:
        """The next message, read in slices so that `close` is quick.

        Raises:
            LinkLost: there will be none.
        """
        while True:
            if self._closing:
                raise LinkLost("closed")
            now = time.monotonic()
            text = self._link.receive(min(deadline, now + self._timers.slice))
            if text is not None:
                said = read_reply(text)
                _log.debug("EDC -> %s", said.kind if isinstance(said, Note) else said.status)
                return said
            if now >= deadline:
                return None

    def _take_late(self, reply: PoseReply) -> bool:
        """Whether this is about an earlier attempt whose outcome is open; what it proves is kept for `inquire`."""
        doubt = self._doubts.get(reply.trx_id)
        if doubt is None:
            return False
        outcome = judge_answer(doubt, reply, "edc_late") if reply.action != Action.CHECK else Unknown("no_answer")
        if isinstance(outcome, Unclear):
            self._over_at[doubt.trx_id] = time.monotonic()
        elif not isinstance(outcome, Unknown):
            _log.info("EDC: a late answer resolves an attempt in doubt")
            _keep(self._late, doubt.trx_id, outcome)
        return True

    # -- the line -------------------------------------------------------------------------------------------------

    def _greet(self) -> str | None:
        """Have a connection on which the EDC answers, with nothing old in it; else why not.

        Raises:
            DeviceUnavailable: no connection.
        """
        for last in (False, True):
            self._open()
            try:
                refused = self._answers()
            except LinkLost as error:
                self._lost(error)
                if last:
                    return "no_answer"
                continue
            if refused is None:
                self._note(DeviceState.READY)
                return None
            self._hang_up(refused)
            if refused in _REFUSED.values() or last:
                return refused
        return "no_answer"

    def _answers(self) -> str | None:
        alive = self._link.ping(time.monotonic() + self._timers.ping)
        for _ in range(_MAX_MESSAGES):
            text = self._link.receive(time.monotonic())
            if text is None:
                return None if alive else "no_answer"
            said = read_reply(text)
            if isinstance(said, PoseReply):
                self._take_late(said)
            elif said.kind is not NoteKind.TAKEN:
                return _REFUSED[said.kind]
        return "no_answer"

    def _open(self) -> None:
        try:
            self._link.open(time.monotonic() + self._timers.connect)
        except LinkLost as error:
            state = DeviceState.ATTENTION if error.reason == "certificate" else DeviceState.AWAY
            self._note(state, error.reason, error.detail)
            raise DeviceUnavailable(error.detail, reason=error.reason) from error

    def _lost(self, error: LinkLost) -> None:
        _log.info("EDC %s: link lost (%s)", self._link.name, error.reason)
        self._link.close()
        self._note(DeviceState.AWAY, error.reason, error.detail)

    def _hang_up(self, reason: str) -> None:
        self._link.close()
        self._note(DeviceState.BUSY if reason == "busy" else DeviceState.AWAY, reason)

    def _note(self, state: DeviceState, reason: str = "", detail: str = "") -> None:
        self._status = DeviceStatus(state, reason, detail)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _request(
        self, action: Action, trx_id: str, *, amount: int = 0, trace: str = "", reference: str = ""
    ) -> PoseRequest:
        self._stamp = max(self._stamp, int(self._wall()))
        return PoseRequest(
            action=action,
            trx_id=trx_id,
            stamp=dt.datetime.fromtimestamp(self._stamp, _WIB),
            address=self._site.address,
            amount=amount,
            trace=trace,
            reference=reference,
        )

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._closing and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self._timers.slice))

    def _abort_asked(self) -> bool:
        at = self._aborted_at
        return at is not None and at > self._started_at - _ABORT_VALID_S


def _settle_error(failed: _Failed) -> DeviceError:
    if failed.reason in {"no_answer", "no_ack"}:
        return DeviceTimeout("settlement not answered", reason=failed.reason)
    if failed.reason == "bad_frame":
        return DeviceProtocolError("unreadable settlement", reason=failed.reason)
    return DeviceUnavailable("settlement not answered", reason=failed.reason)


def _keep(memory: OrderedDict[str, _T], key: str, value: _T) -> None:
    memory[key] = value
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
