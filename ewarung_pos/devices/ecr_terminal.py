"""Payments on an EDC in ECR mode: ask once, believe only what is proven, say so when nothing is.

The answer to a sale does not name the sale. Three things keep two sales apart: no sale is sent before the EDC has
answered an echo test if an earlier outcome is open (whatever it still had to say has then been said); references that
were given to one attempt are not given to another; and where the site has an inquiry, it is asked by our own reference
whenever an open attempt of the same amount could be meant.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ewarung_pos.devices.ecr import EcrLine, Garbled
from ewarung_pos.devices.ecr_codec import MAX_RUPIAH, Ack, EcrRequest, EcrResponse, Nak, TransType
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

__all__ = ["EcrTerminal", "short_id"]

_log = logging.getLogger(__name__)

_SENDS = 3
_ABORT_VALID_S = 5.0
_REMEMBERED = 512
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_INVOICE = re.compile(r"[0-9A-Za-z]{1,6}")

_REASONS = {
    "51": "insufficient",
    "54": "expired_card",
    "55": "wrong_pin",
    "91": "host_unavailable",
    "96": "host_unavailable",
    "CE": "host_unavailable",
    "P2": "card_error",
    "P3": "user_cancelled",
    "PT": "terminal_fault",
}
_TIMEOUT = "TO"
_NOT_FOUND = "25"


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A request that may have moved money and whose outcome this driver could not prove."""

    attempt: str
    type: str
    amounts: frozenset[int]
    amount: int
    last4: str


@dataclass(frozen=True, slots=True)
class _Failed:
    """No usable response. `sent`: whether the EDC may act on the request all the same."""

    reason: str
    sent: bool


def short_id(attempt: str) -> str:
    """The 12 characters of an attempt that fit into ReffNumber: the random end of a UUID, else a digest."""
    if _UUID.fullmatch(attempt):
        return attempt[-12:].upper()
    return hashlib.sha256(attempt.encode()).hexdigest()[:12].upper()


class EcrTerminal:
    """`PaymentTerminal` on an `EcrLine`, which it may share with an `EcrCardReader`."""

    def __init__(self, line: EcrLine) -> None:
        self._line = line
        self._aborted_at: float | None = None
        self._started_at = 0.0
        self._open: _Doubt | None = None
        self._doubts: OrderedDict[str, _Doubt] = OrderedDict()
        self._late: OrderedDict[str, PaymentOutcome] = OrderedDict()
        self._owner: OrderedDict[tuple[str, ...], str] = OrderedDict()
        self._settle_ref = ""
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
        doubt = _Doubt(intent.attempt, TransType.SALE, frozenset({intent.amount}), intent.amount, intent.last4)
        return self._move(request, doubt, on_step)

    def void(self, attempt: str, original: Approved) -> PaymentOutcome:
        """Undo an approved debit by its invoice number; `Approved` means undone.

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
        doubt = _Doubt(attempt, TransType.VOID, frozenset({original.amount, 0}), original.amount, "")
        return self._move(request, doubt, lambda _: None)

    def inquire(self, intent: PaymentIntent) -> PaymentOutcome:
        """What became of an earlier sale or void: from a response that came late, else by asking the EDC.

        Raises:
            DeviceUnavailable: the port could not be opened.
        """
        with self._line.lock:
            if intent.attempt not in self._late:
                self._line.ensure_open()
                if not self._fence():
                    return self._late.get(intent.attempt, Unknown("no_answer"))
            late = self._late.get(intent.attempt)
            if late is not None:
                return late
            return self._query(intent.attempt, frozenset({intent.amount}), intent.amount, intent.last4)

    def abort(self) -> None:
        """Stop a payment before its first byte, or between a NAK and the next try. Safe from any thread."""
        self._aborted_at = time.monotonic()

    def settle(self) -> Settlement:
        """Close the batch. A settlement whose answer was lost is asked for again under the same reference.

        Raises:
            DeviceUnavailable: no port, or nothing was sent.
            DeviceTimeout: no answer.
            DeviceProtocolError: an unreadable answer.
            DeviceError: refused (`reason` settlement_refused).
        """
        with self._line.lock:
            self._line.ensure_open()
            if self._line.dirty and not self._fence():
                raise DeviceUnavailable("the EDC does not answer", reason="no_answer")
            self._settle_ref = self._settle_ref or secrets.token_hex(6).upper()
            request = EcrRequest(type=TransType.SETTLE, version=self._line.site.version, reff=self._settle_ref)
            got = self._ask(request, self._line.timers.query, lambda _: True)
            if isinstance(got, _Failed):
                self._line.dirty = True
                raise _settle_error(got)
            if got.code != "00" or got.amount is None:
                raise DeviceError(f"settlement answered {got.code}", reason="settlement_refused")
            self._settle_ref = ""
            return Settlement(got.amount, got.batch)

    def diagnose(self) -> DeviceStatus:
        """Echo test. Never raises."""
        with self._line.lock:
            try:
                self._line.ensure_open()
            except DeviceUnavailable:
                return self._line.status()
            self._fence()
            return self._line.status()

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        return self._line.status()

    def close(self) -> None:
        """Give the port back. Never raises."""
        self._line.close()

    # -- a request that moves money -------------------------------------------------------------------------------

    def _move(self, request: EcrRequest, doubt: _Doubt, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        line = self._line
        with line.lock:
            self._started_at = time.monotonic()
            line.ensure_open()
            try:
                if line.dirty and not self._fence():
                    return Declined("", "not_sent")
                if self._abort_asked():
                    return Declined("", "user_cancelled")
                line.note(DeviceState.BUSY)
                got = self._ask(request, line.timers.response, lambda r: self._may_answer(doubt, r), on_step)
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
                self._begin_doubt(doubt)
            elif isinstance(outcome, Declined) and outcome.reason == "not_accepted":
                line.dirty = True
            return outcome

    def _verified(self, doubt: _Doubt, response: EcrResponse) -> PaymentOutcome:
        outcome = self._judged(doubt, response, "edc")
        twin = any(other.type == doubt.type and other.amount == doubt.amount for other in self._doubts.values())
        if not twin or not self._line.site.query_type or isinstance(outcome, Unknown):
            return outcome
        # An attempt of the same amount is open: the response alone does not say which of the two it answers.
        self._line.dirty = True
        proven = self._fence() and self._query(doubt.attempt, doubt.amounts, doubt.amount, doubt.last4)
        match proven:
            case Approved():
                return outcome if outcome == _with_evidence(proven, "edc") else proven
            case Declined(reason="not_found"):
                return outcome if isinstance(outcome, Declined) else self._disown(doubt, outcome)
            case Declined():
                return proven
            case _:
                return Unknown("mismatch")

    def _disown(self, doubt: _Doubt, outcome: Approved) -> PaymentOutcome:
        self._owner.pop(_references(doubt.type, outcome), None)
        return Unknown("mismatch")

    def _judged(self, doubt: _Doubt, response: EcrResponse, evidence: str) -> PaymentOutcome:
        """What a response of the right type means for this attempt."""
        if response.code == _TIMEOUT:
            return Unknown("host_timeout")
        if len(response.code) != 2:
            return Unknown("mismatch")
        if response.code != "00":
            return Declined(response.code, _REASONS.get(response.code, "declined"))
        if response.amount not in doubt.amounts:
            return Unknown("mismatch")
        shown = response.last4
        if self._line.site.check_last4 and doubt.last4 and shown and shown != doubt.last4:
            return Unknown("mismatch")
        approved = Approved(
            amount=doubt.amount,
            approval=response.approval,
            invoice=response.invoice,
            rrn=response.rrn,
            terminal=response.terminal,
            merchant=response.merchant,
            batch=response.batch,
            evidence=evidence,
        )
        self._owner[_references(doubt.type, approved)] = doubt.attempt
        if len(self._owner) > _REMEMBERED:
            self._owner.popitem(last=False)
        return approved

    def _may_answer(self, doubt: _Doubt, response: EcrResponse) -> bool:
        """False for a response whose references were given to another attempt before: a stray repetition."""
        if response.code != "00" or not (response.rrn or response.approval):
            return True
        return self._owner.get(_references(doubt.type, response), doubt.attempt) == doubt.attempt

    # -- what is not proven ---------------------------------------------------------------------------------------

    def _begin_doubt(self, doubt: _Doubt) -> None:
        self._line.dirty = True
        self._open = doubt
        self._doubts[doubt.attempt] = doubt
        if len(self._doubts) > _REMEMBERED:
            self._doubts.popitem(last=False)

    def _fence(self) -> bool:
        if not self._line.fence():
            return False
        self._open = None
        return True

    def _take_late(self, response: EcrResponse) -> None:
        """A response that nobody waits for. It can only be about the last open attempt, and must fit it."""
        doubt = self._open
        if doubt is None or response.type != doubt.type or not self._may_answer(doubt, response):
            _log.info("EDC: response of type %s that nobody waits for", response.type)
            return
        outcome = self._judged(doubt, response, "edc_late")
        if isinstance(outcome, Unknown) or response.amount not in doubt.amounts:
            return
        _log.info("EDC: late response resolves an open attempt")
        self._open = None
        self._resolve(doubt.attempt, outcome)

    def _resolve(self, attempt: str, outcome: PaymentOutcome) -> None:
        self._doubts.pop(attempt, None)
        self._late[attempt] = outcome
        if len(self._late) > _REMEMBERED:
            self._late.popitem(last=False)

    def _query(self, attempt: str, amounts: frozenset[int], amount: int, last4: str) -> PaymentOutcome:
        """Ask the EDC by our reference. The line has just been fenced."""
        line = self._line
        kind = line.site.query_type
        if not kind:
            return Unknown("no_query")
        request = EcrRequest(type=kind, version=line.site.version, amount=amount, reff=short_id(attempt))
        known = self._doubts.get(attempt)
        doubt = _Doubt(attempt, known.type if known else TransType.SALE, amounts, amount, last4)
        got = self._ask(request, line.timers.query, lambda r: self._may_answer(doubt, r))
        line.dirty = True  # a repeated answer must not meet the next question
        if isinstance(got, _Failed):
            return Unknown(got.reason if got.sent else "no_answer")
        if got.code == _NOT_FOUND:
            outcome: PaymentOutcome = Declined(_NOT_FOUND, "not_found")
        else:
            outcome = self._judged(doubt, got, "edc_inquiry")
        if not isinstance(outcome, Unknown):
            self._doubts.pop(attempt, None)
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
        if request.type == TransType.SALE and got.amount != request.amount:
            return _Failed("mismatch", sent=True)
        return got

    def _abort_asked(self) -> bool:
        at = self._aborted_at
        return at is not None and at > self._started_at - _ABORT_VALID_S


def _references(kind: str, said: Approved | EcrResponse) -> tuple[str, ...]:
    return (kind, said.terminal, said.batch, said.invoice, said.rrn, said.approval)


def _with_evidence(approved: Approved, evidence: str) -> Approved:
    return Approved(
        approved.amount,
        approved.approval,
        approved.invoice,
        approved.rrn,
        approved.terminal,
        approved.merchant,
        approved.batch,
        evidence,
    )


def _settle_error(failed: _Failed) -> DeviceError:
    if failed.reason in {"bad_frame", "mismatch"}:
        return DeviceProtocolError("unreadable settlement", reason=failed.reason)
    if not failed.sent or failed.reason == "link_lost":
        return DeviceUnavailable("settlement not answered", reason=failed.reason)
    return DeviceTimeout("settlement not answered", reason=failed.reason)
