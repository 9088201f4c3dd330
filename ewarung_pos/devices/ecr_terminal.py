"""Payments on an EDC in ECR mode: ask once, believe only what is proven, say so when nothing is.

The answer to a sale does not name the sale. Three things keep two sales apart: no sale is sent before the EDC has
answered an echo test if an earlier outcome is open (whatever it still had to say has then been said); references that
were given to one attempt are not given to another; and where the site has an inquiry, it is asked by our own reference
whenever an open attempt of the same amount could be meant.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ewarung_pos.devices.ecr import EcrLine, Garbled
from ewarung_pos.devices.ecr_codec import MAX_RUPIAH, Ack, EcrRequest, EcrResponse, Nak, TransType
from ewarung_pos.devices.ecr_evidence import Doubt, Evidence, short_id
from ewarung_pos.devices.ecr_named import Asked, LastNamed, Name, elsewhere, name_of, no_proof
from ewarung_pos.devices.transport import LinkLost
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

__all__ = ["EcrTerminal"]

_log = logging.getLogger(__name__)

_SENDS = 3
_ABORT_VALID_S = 5.0
_INVOICE = re.compile(r"[0-9A-Za-z]{1,6}")


@dataclass(frozen=True, slots=True)
class _Failed:
    """No usable response. `sent`: whether the EDC may act on the request all the same."""

    reason: str
    sent: bool


class EcrTerminal:
    """`PaymentTerminal` on an `EcrLine`, which it may share with an `EcrCardReader`."""

    def __init__(self, line: EcrLine) -> None:
        self._line = line
        self._aborted_at: float | None = None
        self._started_at = 0.0
        self._evidence = Evidence(check_last4=line.site.check_last4)
        self._named = LastNamed()
        self._asked = Asked(line.site)
        self._born = time.monotonic()
        self._undoes = Name()
        self._settle_ref = ""
        self._settled_late: EcrResponse | None = None
        line.late = self._take_late

    # -- PaymentTerminal ------------------------------------------------------------------------------------------

    def pay(self, intent: PaymentIntent, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        """Ask for a debit, once.

        Raises:
            DeviceUnavailable: the port could not be opened; nothing was sent.
            ValueError: the amount is not 1..9_999_999_999 rupiah; nothing was sent.
        """
        if not 1 <= intent.amount <= MAX_RUPIAH:
            raise ValueError(f"amount is not 1..{MAX_RUPIAH} rupiah")
        request = EcrRequest(
            type=TransType.SALE,
            version=self._line.site.version,
            amount=intent.amount,
            reff=short_id(intent.attempt),
        )
        doubt = Doubt(intent.attempt, TransType.SALE, frozenset({intent.amount}), intent.amount, intent.last4)
        return self._move(request, doubt, on_step, Name())

    def void(self, attempt: str, original: Approved) -> PaymentOutcome:
        """Undo an approved debit by its invoice number; `Approved` means undone.

        Another EDC gives away the same numbers. One that names itself otherwise than the debit did is not asked
        (other_terminal), and what it says all the same proves nothing.

        Raises:
            DeviceUnavailable: the port could not be opened; nothing was sent.
        """
        if not _INVOICE.fullmatch(original.invoice):
            return Declined("", "not_sent")
        request = EcrRequest(
            type=TransType.VOID,
            version=self._line.site.version,
            cancel_reason="02",
            invoice=original.invoice.rjust(6, "0"),
            reff=short_id(attempt),
        )
        # The EDC answers with the amount of the sale, or echoes the zero of the request.
        doubt = Doubt(attempt, TransType.VOID, frozenset({original.amount, 0}), original.amount)
        with self._line.lock:
            self._line.dirty = True  # an echo test tells who is there now
            return self._move(request, doubt, lambda _: None, name_of(original))

    def inquire(self, intent: PaymentIntent) -> PaymentOutcome:
        """What became of an earlier sale or void: from a response that came late, else by asking the EDC.

        Raises:
            DeviceUnavailable: the port could not be opened.
        """
        with self._line.lock:
            fenced = False
            if self._evidence.late(intent.attempt) is None:
                if not self._asked.knows(intent.attempt):  # it was sent before this program started
                    self._wait_for_late(self._born)
                self._line.ensure_open()
                fenced = self._fence()
            late = self._evidence.late(intent.attempt)
            if late is not None:
                return late
            kind = TransType.VOID if intent.kind == "void" else TransType.SALE
            amounts = frozenset({intent.amount} | ({0} if kind is TransType.VOID else set()))
            question = Doubt(intent.attempt, kind, amounts, intent.amount, intent.last4)
            found = self._query(question) if fenced else Unknown("busy" if self._line.at_work else "no_answer")
            return self._evidence.named(intent.attempt, found)

    def abort(self) -> None:
        """Stop a payment before its first byte, or between a NAK and the next try. Safe from any thread."""
        self._aborted_at = time.monotonic()

    def settle(self) -> Settlement:
        """Close the batch. A settlement whose answer was lost is asked for again under the same reference.

        Unless the answer has come meanwhile: an EDC that does not know references would close the next, empty batch.

        Raises:
            DeviceUnavailable: no port, or nothing was sent.
            DeviceTimeout: no answer.
            DeviceProtocolError: an unreadable answer.
            DeviceError: refused (`reason` settlement_refused), or of another terminal than the one that was agreed with
                the bank (other_terminal): that is not the total of this till.
        """
        with self._line.lock:
            self._line.ensure_open()
            if self._line.dirty and not self._fence():
                reason = "busy" if self._line.at_work else "no_answer"
                raise DeviceUnavailable("the EDC does not answer", reason=reason)
            got: EcrResponse | _Failed | None = self._settled_late
            if got is None:
                self._settle_ref = self._settle_ref or secrets.token_hex(6).upper()
                request = EcrRequest(type=TransType.SETTLE, version=self._line.site.version, reff=self._settle_ref)
                got = self._ask(request, self._line.timers.query, lambda _: True)
            self._line.dirty = True  # a copy of the answer must not be taken for that of the next settlement
            if isinstance(got, _Failed):
                raise _settle_error(got)
            self._settled_late = None
            if got.code != "00" or got.amount is None:
                raise DeviceError(f"settlement answered {got.code}", reason="settlement_refused")
            self._settle_ref = ""
            if elsewhere(self._line.site, got, unnamed=False):
                raise DeviceError("another terminal settled", reason="other_terminal")
            return Settlement(got.amount, got.batch)

    def forget_settlement(self) -> None:
        """A settlement whose answer was lost is over: the next one ends the batch of what was paid since."""
        with self._line.lock:
            self._settle_ref = ""
            self._settled_late = None

    def _take_late(self, response: EcrResponse) -> None:
        """A response that nobody waits for: of a settlement whose answer was missed, or of an attempt in doubt."""
        strange = response.type == TransType.VOID and self._undoes.other(name_of(response))
        if response.type in {TransType.SALE, TransType.VOID} and (strange or no_proof(self._line.site, response)):
            _log.warning("EDC: a late response of another terminal, or an approval that names nothing")
        elif response.type == TransType.SETTLE and self._settle_ref and response.code == "00":
            self._settled_late = response
        else:
            self._evidence.take_late(response)

    def diagnose(self) -> DeviceStatus:
        """Echo test. Never raises.

        `reason`: quiet where the EDC has no such test, and nothing was asked of it; terminal_changed when its approvals
        named two terminals since the till was started, `detail` says which.
        """
        with self._line.lock:
            try:
                self._line.ensure_open()
            except DeviceUnavailable:
                return self._line.status()
            certain = self._fence()
            if certain and self._named.changed:
                return DeviceStatus(DeviceState.READY, "terminal_changed", self._named.changed)
            if certain and self._line.site.fence == "quiet":
                return DeviceStatus(DeviceState.READY, "quiet")
            return self._line.status()

    def look(self) -> DeviceStatus:
        """Whether the port is there; the EDC is asked nothing. Never raises."""
        with self._line.lock, contextlib.suppress(DeviceUnavailable):
            self._line.ensure_open(time.monotonic())
        return self._line.status()

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._line.status()

    def close(self) -> None:
        """Give the port back. Never raises."""
        self._line.close()

    # -- a request that moves money -------------------------------------------------------------------------------

    def _move(
        self, request: EcrRequest, doubt: Doubt, on_step: Callable[[PaymentStep], None], undoes: Name
    ) -> PaymentOutcome:
        """`undoes`: who took the debit that a void is of."""
        line = self._line
        with line.lock:
            self._started_at = time.monotonic()
            try:
                line.ensure_open()
            except BaseException:
                self._aborted_at = None  # it was meant for this payment and not for the next
                raise
            try:
                if line.dirty and not self._fence():
                    return Declined("", "busy" if line.at_work else "not_sent")
                if undoes.other(line.named):
                    return Declined("", "other_terminal")
                if self._abort_asked():
                    return Declined("", "user_cancelled")
                self._undoes = undoes
                self._asked.sent(doubt.attempt, line.opening, line.named)
                line.note(DeviceState.BUSY)
                got = self._ask(request, line.timers.response, lambda r: self._evidence.may_answer(doubt, r), on_step)
                if isinstance(got, _Failed):
                    if got.reason == "no_ack":
                        line.note(DeviceState.AWAY, "no_answer")
                    outcome: PaymentOutcome = Unknown(got.reason) if got.sent else Declined("", got.reason)
                else:
                    on_step(PaymentStep.VERIFYING)
                    outcome = self._verified(doubt, got)
            except BaseException:
                # A bug or an interrupt: what was sent, was sent.
                self._begin_doubt(doubt)
                raise
            finally:
                self._aborted_at = None
                if line.status().state is DeviceState.BUSY:
                    line.note(DeviceState.READY)
            if isinstance(outcome, Unknown):
                self._begin_doubt(replace(doubt, other=outcome.other))
            elif isinstance(outcome, Declined) and outcome.reason == "not_accepted":
                line.dirty = True
            if not isinstance(outcome, Declined):
                self.forget_settlement()
            return outcome

    def _verified(self, doubt: Doubt, response: EcrResponse) -> PaymentOutcome:
        if reason := no_proof(self._line.site, response):
            return Unknown(reason)
        if self._undoes.other(name_of(response)):
            return Unknown("other_terminal")
        outcome = self._evidence.judge(doubt, response, "edc")
        if isinstance(outcome, Approved):
            self._named.take(response)
        if isinstance(outcome, Unknown) or not self._line.site.query_type or not self._evidence.twin(doubt):
            return outcome
        # An attempt of the same amount is open: the response alone does not say which of the two it answers.
        self._line.dirty = True
        proven = self._query(doubt) if self._fence() else Unknown("no_answer")
        return self._evidence.compare(doubt, outcome, proven)

    def _begin_doubt(self, doubt: Doubt) -> None:
        self._line.dirty = True
        self._wait_for_late(time.monotonic())
        self._evidence.begin(doubt)

    def _wait_for_late(self, sent: float) -> None:
        self._line.keep_until = max(self._line.keep_until, sent + self._line.timers.response)

    def _fence(self) -> bool:
        if not self._line.fence():
            return False
        self._evidence.fenced()
        return True

    def _query(self, question: Doubt) -> PaymentOutcome:
        """Ask the EDC by our reference. The line has just been fenced."""
        line = self._line
        kind = line.site.query_type
        if not kind:
            return Unknown("no_query")
        doubt = self._evidence.asked(question)
        request = EcrRequest(type=kind, version=line.site.version, amount=doubt.amount, reff=short_id(doubt.attempt))
        got = self._ask(request, line.timers.query, lambda r: self._evidence.may_answer(doubt, r))
        line.dirty = True  # a repeated answer must not meet the next question
        if isinstance(got, _Failed):
            return Unknown(got.reason if got.sent else "no_answer")
        if reason := no_proof(self._line.site, got):
            return Unknown(reason)
        outcome = self._evidence.judge_inquiry(doubt, got)
        if isinstance(outcome, Declined) and outcome.reason == "not_found":
            reason = self._asked.no_word(doubt.attempt, line.opening, line.named)
            outcome = Unknown(reason) if reason else outcome
        if not isinstance(outcome, Unknown):
            self._evidence.settled(doubt.attempt)
        return outcome

    # -- one question and its answer ------------------------------------------------------------------------------

    def _ask(
        self,
        request: EcrRequest,
        wait_s: float,
        mine: Callable[[EcrResponse], bool],
        on_step: Callable[[PaymentStep], None] = lambda _: None,
    ) -> EcrResponse | _Failed:
        """Send, have it accepted, wait for the response. Sent again only after a NAK, never after an ACK."""
        line = self._line
        sent = False
        try:
            for number in range(_SENDS):
                if number and self._abort_asked():
                    return _Failed("user_cancelled", sent=False)
                sent = False
                line.send(request)
                sent = True
                on_step(PaymentStep.SENT)
                got = self._acknowledged(request, mine)
                if got is None:
                    return _Failed("no_ack", sent=True)
                if isinstance(got, Nak):
                    continue
                if isinstance(got, Ack):
                    on_step(PaymentStep.ACCEPTED)
                    got = self._response(request, mine, time.monotonic() + wait_s)
                return got
            return _Failed("not_accepted", sent=False)
        except LinkLost as error:
            line.lost(error)
            return _Failed("link_lost", sent=True) if sent or error.sent else _Failed("not_sent", sent=False)
        except Garbled:
            return _Failed("bad_frame", sent=True)

    def _acknowledged(
        self, request: EcrRequest, mine: Callable[[EcrResponse], bool]
    ) -> EcrResponse | _Failed | Ack | Nak | None:
        """ACK, NAK, or a response whose ACK was lost; None for silence."""
        line = self._line
        deadline = time.monotonic() + line.timers.ack
        refused: Nak | None = None
        while True:
            got = line.receive(deadline)
            match got:
                case None:
                    return refused
                case Ack():
                    return got
                case Nak():
                    # An ACK that follows proves the NAK to be noise: then it must not be sent again.
                    deadline = deadline if refused else time.monotonic() + line.timers.settle
                    refused = got
                case EcrResponse():
                    answer = self._answer(request, mine, got)
                    if answer is not None:
                        return answer

    def _response(
        self, request: EcrRequest, mine: Callable[[EcrResponse], bool], deadline: float
    ) -> EcrResponse | _Failed:
        while True:
            got = self._line.receive(deadline)
            if got is None:
                return _Failed("no_answer", sent=True)
            if isinstance(got, EcrResponse):
                answer = self._answer(request, mine, got)
                if answer is not None:
                    return answer

    def _answer(
        self, request: EcrRequest, mine: Callable[[EcrResponse], bool], got: EcrResponse
    ) -> EcrResponse | _Failed | None:
        """The response if it answers this request; None for one that answers another, which is skipped."""
        site = self._line.site
        moves = {TransType.SALE, TransType.VOID}
        if got.type != request.type:
            harmless = {TransType.ECHO, TransType.SETTLE, site.card_info_type, site.query_type}
            if got.type in harmless or request.type not in moves:
                self._line.late(got)
                return None
            return _Failed("mismatch", sent=True)
        if not mine(got):
            return None
        # Of an approval of another amount `judge` says what it names; a no to another amount answers another question.
        if request.type == TransType.SALE and got.amount != request.amount and got.code != "00":
            return _Failed("mismatch", sent=True)
        return got

    def _abort_asked(self) -> bool:
        at = self._aborted_at
        return at is not None and at > self._started_at - _ABORT_VALID_S


def _settle_error(failed: _Failed) -> DeviceError:
    if failed.reason in {"bad_frame", "mismatch"}:
        return DeviceProtocolError("unreadable settlement", reason=failed.reason)
    if not failed.sent or failed.reason == "link_lost":
        return DeviceUnavailable("settlement not answered", reason=failed.reason)
    return DeviceTimeout("settlement not answered", reason=failed.reason)
