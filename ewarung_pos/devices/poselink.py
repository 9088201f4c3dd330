"""Payments on a BRI EDC through POSe Link: ask once, believe only what is proven, say so when nothing is.

Every transaction has a name (`trx_id`), which is the attempt's own. An answer that was lost is asked for by that name
(`Check Trx`); a sale is never sent a second time. That the EDC knows no transaction of that name proves nothing while
it may still be at work on it: it counts when the EDC has ended it or the longest time of a sale has passed, and when it
was said twice.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from ewarung_pos.devices.bounded import BoundedCalls, NotBack
from ewarung_pos.devices.poselink_codec import MAX_RUPIAH, Action, PoseReply, PoseRequest, trx_id_of
from ewarung_pos.devices.poselink_evidence import NotFound, PoseDoubt, Unclear, judge_answer, judge_check
from ewarung_pos.devices.poselink_line import REFUSALS, Failed, PoseLine
from ewarung_pos.errors import DeviceError, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from ewarung_pos.ports import (
    Approved,
    Declined,
    DeviceState,
    DeviceStatus,
    OtherDebit,
    PaymentIntent,
    PaymentOutcome,
    PaymentStep,
    Settlement,
    Unknown,
)

__all__ = ["PoseLinkTerminal"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_ABORT_VALID_S = 5.0
_REMEMBERED = 512
_SAID = 60
_SOON_S = 0.1
"""In a kiosk's network an EDC answers a ping sooner; the card reader waits for this on the same lane."""


class PoseLinkTerminal:
    """`PaymentTerminal` on a `PoseLine`."""

    def __init__(self, line: PoseLine) -> None:
        self._line = line
        self._looks = BoundedCalls("edc-look")
        self._aborted_at: float | None = None
        self._started_at = 0.0
        self._settle_id = ""
        self._settled_late: PoseReply | None = None
        self._tried = False
        self._over_at: OrderedDict[str, float] = OrderedDict()
        self._over_before = time.monotonic() + line.timers.response  # what was sent before this program started
        self._doubts: OrderedDict[str, PoseDoubt] = OrderedDict()
        self._late: OrderedDict[str, PaymentOutcome] = OrderedDict()
        self._named: OrderedDict[str, OtherDebit] = OrderedDict()
        line.late = self._take_late

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
        return self._move(doubt, self._line.request(doubt.action, doubt.trx_id, amount=doubt.amount), on_step)

    def void(self, attempt: str, original: Approved) -> PaymentOutcome:
        """Undo an approved debit by its trace number; `Approved` means undone.

        Raises:
            DeviceUnavailable: no connection; nothing was sent.
        """
        if not original.invoice:
            return Declined("", "not_sent")
        doubt = PoseDoubt(trx_id_of(attempt), Action.VOID, original.amount)
        request = self._line.request(
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
        with self._line.lock:
            if doubt.trx_id not in self._late:
                _keep(self._doubts, doubt.trx_id, doubt)
                refused = self._line.greet()
                if refused is not None and doubt.trx_id not in self._late:
                    return self._held(doubt, Unknown("busy" if refused == "busy" else "no_answer"))
            late = self._late.get(doubt.trx_id)
            return self._held(doubt, late if late is not None else self._checked(doubt))

    def abort(self) -> None:
        """Stop a payment before it was sent. Safe from any thread."""
        self._aborted_at = time.monotonic()

    def settle(self) -> Settlement:
        """Close the batch. A settlement whose answer was lost is asked for again by its name, unless that came late.

        Raises:
            DeviceUnavailable: no connection, busy, or nothing was sent.
            DeviceTimeout: no answer.
            DeviceProtocolError: an answer that names no total of this settlement.
            DeviceError: refused (`reason` settlement_refused).
        """
        with self._line.lock:
            refused = self._line.greet()
            if refused is not None:
                raise DeviceUnavailable("the EDC does not take a settlement", reason=refused)
            got: PoseReply | Failed | None = self._settled_late
            if got is None:
                self._settle_id = self._settle_id or secrets.token_hex(16)
                got = self._line.ask(self._line.request(Action.SETTLE, self._settle_id), self._line.timers.query)
            self._settled_late = None
            if isinstance(got, Failed):
                raise _settle_error(got)
            if got.trx_id != self._settle_id or got.action not in {Action.SETTLE, ""} or not got.sound:
                raise DeviceProtocolError("the EDC answers another question", reason="mismatch")
            if not got.approved:
                raise DeviceError("the EDC refused the settlement", reason="settlement_refused")
            self._settle_id = ""
            if got.amount is None:
                raise DeviceProtocolError("the EDC settled and did not say how much", reason="no_total")
            return Settlement(got.amount, got.batch)

    def forget_settlement(self) -> None:
        """A settlement whose answer was lost is over: the next one ends the batch of what was paid since."""
        with self._line.lock:
            self._settle_id = ""
            self._settled_late = None

    def diagnose(self) -> DeviceStatus:
        """Connect if need be, and ping; the first time also see whether the EDC understands us. Never raises.

        It is asked about a transaction that does not exist; `detail` is what it says to that. That it stays silent or
        hangs up (`not_understood`) is said here and not by `status`: nothing depends on it.
        """
        with self._line.lock:
            with contextlib.suppress(DeviceUnavailable):
                if self._line.greet() is None and not self._tried:
                    self._tried = True
                    return self._understood()
            return self._line.status()

    def _understood(self) -> DeviceStatus:
        got = self._line.ask(self._line.request(Action.CHECK, secrets.token_hex(16)), self._line.timers.query)
        if isinstance(got, PoseReply):
            said = got.message or got.code
            return DeviceStatus(DeviceState.READY, detail=said[:_SAID] if said.isprintable() else "")
        if got.reason in REFUSALS:
            return self._line.status()
        self._line.drop()
        self._line.note(DeviceState.READY)
        return DeviceStatus(DeviceState.ATTENTION, "not_understood")

    def look(self) -> DeviceStatus:
        """Whether the EDC answers a ping. Never raises, and does not wait for one that is away.

        A look that is not back soon goes on by itself, and this is as last seen.
        """
        with contextlib.suppress(NotBack):
            self._looks.ask(self._line.look, _SOON_S)
        return self._line.status()

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._line.status()

    def close(self) -> None:
        """Hang up; whoever waits for an answer gives up within a slice. Never raises."""
        self._line.close()
        self._looks.end()

    # -- a request that moves money -------------------------------------------------------------------------------

    def _move(self, doubt: PoseDoubt, request: PoseRequest, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        with self._line.lock:
            self._started_at = time.monotonic()
            try:
                refused = self._line.greet()
                if refused is not None:
                    return Declined("", refused if refused in REFUSALS else "not_sent")
                if self._abort_asked():
                    return Declined("", "user_cancelled")
                self._line.note(DeviceState.BUSY)
                _keep(self._doubts, doubt.trx_id, doubt)
                _keep(self._over_at, doubt.trx_id, time.monotonic() + self._line.timers.response)
                outcome = self._proven(doubt, self._line.ask(request, self._line.timers.response, on_step), on_step)
            finally:
                self._aborted_at = None
                if self._line.status() == DeviceStatus(DeviceState.BUSY):
                    self._line.note(DeviceState.READY)
            if not isinstance(outcome, Declined):
                self.forget_settlement()
            return self._held(doubt, outcome)

    def _held(self, doubt: PoseDoubt, outcome: PaymentOutcome) -> PaymentOutcome:
        """The same outcome; one that is still not known says again what the EDC named instead."""
        if not isinstance(outcome, Unknown):
            self._doubts.pop(doubt.trx_id, None)
            self._named.pop(doubt.trx_id, None)
            return outcome
        if outcome.other is not None:
            _keep(self._named, doubt.trx_id, outcome.other)
        return Unknown(outcome.reason, self._named.get(doubt.trx_id))

    def _proven(
        self, doubt: PoseDoubt, got: PoseReply | Failed, on_step: Callable[[PaymentStep], None]
    ) -> PaymentOutcome:
        if isinstance(got, Failed):
            return Unknown(got.reason) if got.sent else Declined("", got.reason)
        on_step(PaymentStep.VERIFYING)
        outcome = judge_answer(doubt, got, "edc")
        if not isinstance(outcome, Unclear):
            return outcome
        # Cancelled by the holder, or the host was late: both look the same, and happen often. The EDC knows which.
        self._over_at[doubt.trx_id] = time.monotonic()
        try:
            return Unknown("host_timeout") if self._line.greet() else self._checked(doubt)
        except DeviceUnavailable:
            return Unknown("link_lost")

    def _checked(self, doubt: PoseDoubt) -> PaymentOutcome:
        """Ask the EDC by name. The link has just answered a ping."""
        for again in (False, True):
            if again:
                self._line.pause(self._line.timers.again)
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
        got = self._line.ask(self._line.request(Action.CHECK, doubt.trx_id), self._line.timers.query)
        if isinstance(got, Failed):
            self._line.drop()  # an answer that comes late after all must not meet the next question
            return Unknown(got.reason if got.reason in {"busy", "link_lost"} else "no_answer")
        found = judge_check(doubt, got, self._line.site.not_found)
        if not isinstance(found, Unknown) or got.action != doubt.action:
            return found
        late = judge_answer(doubt, got, "edc_late")  # of the sale itself, not of our question
        if isinstance(late, Unclear):
            self._over_at[doubt.trx_id] = time.monotonic()
            return found
        return late

    def _take_late(self, reply: PoseReply) -> bool:
        """Whether this is about an earlier attempt whose outcome is open; what it proves is kept for `inquire`."""
        if self._settle_id and reply.trx_id == self._settle_id and reply.approved:
            self._settled_late = reply
            return True
        doubt = self._doubts.get(reply.trx_id)
        if doubt is None:
            if reply.approved and reply.action != Action.CHECK:
                _log.warning("EDC: an approval that nobody waits for")
            return False
        outcome = judge_answer(doubt, reply, "edc_late") if reply.action != Action.CHECK else Unknown("no_answer")
        if isinstance(outcome, Unclear):
            self._over_at[doubt.trx_id] = time.monotonic()
        elif isinstance(outcome, Unknown):
            self._held(doubt, outcome)
        else:
            _log.info("EDC: a late answer resolves an attempt in doubt")
            _keep(self._late, doubt.trx_id, outcome)
        return True

    def _abort_asked(self) -> bool:
        at = self._aborted_at
        return at is not None and at > self._started_at - _ABORT_VALID_S


def _settle_error(failed: Failed) -> DeviceError:
    if failed.reason in {"no_answer", "no_ack"}:
        return DeviceTimeout("settlement not answered", reason=failed.reason)
    if failed.reason == "bad_frame":
        return DeviceProtocolError("unreadable settlement", reason=failed.reason)
    return DeviceUnavailable("settlement not answered", reason=failed.reason)


def _keep(memory: OrderedDict[str, _T], key: str, value: _T) -> None:
    memory[key] = value
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
