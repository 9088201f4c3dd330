"""What the answers of an EDC prove about our attempts, and which answer belongs to which.

Held in memory only. After a restart nothing is attributed by guess: the terminal is asked by reference, or people are.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from ewarung_pos.devices.ecr_codec import EcrResponse, TransType
from ewarung_pos.ports import Approved, Declined, OtherDebit, PaymentOutcome, Unknown

__all__ = ["NOT_FOUND", "Doubt", "Evidence", "short_id"]

_log = logging.getLogger(__name__)
_K = TypeVar("_K")
_V = TypeVar("_V")

NOT_FOUND = "25"
_TIMEOUT = "TO"
_OF_THE_DEBIT = frozenset(("14", "41", "43", "51", "54", "55", "Z3"))
"""What a host says of a card, its account or its PIN. No question about an earlier debit can be refused with these."""
_LATER = frozenset(("91", "96", "CE", _TIMEOUT))
_NOT_KNOWN = frozenset(("12", "30", "57", "58"))
_REMEMBERED = 512
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
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


@dataclass(frozen=True, slots=True)
class Doubt:
    """An attempt whose outcome is being found out.

    Attributes:
        type: sale or void.
        amounts: rupiah that its response may carry.
        amount: rupiah that it moves.
        last4: of the expected card, if known.
        other: what the EDC named instead, if it did.
    """

    attempt: str
    type: str
    amounts: frozenset[int]
    amount: int
    last4: str = ""
    other: OtherDebit | None = None


def short_id(attempt: str) -> str:
    """The 12 characters of an attempt that fit into ReffNumber: the random end of a UUID, else a digest."""
    if _UUID.fullmatch(attempt):
        return attempt[-12:].upper()
    return hashlib.sha256(attempt.encode()).hexdigest()[:12].upper()


class Evidence:
    """Attempts in doubt, answers that came late, and whose references were whose."""

    def __init__(self, *, check_last4: bool) -> None:
        self._check_last4 = check_last4
        self._open: Doubt | None = None
        self._doubts: OrderedDict[str, Doubt] = OrderedDict()
        self._late: OrderedDict[str, PaymentOutcome] = OrderedDict()
        self._owner: OrderedDict[tuple[str, ...], str] = OrderedDict()

    # -- one answer -----------------------------------------------------------------------------------------------

    def judge(self, doubt: Doubt, response: EcrResponse, evidence: str) -> PaymentOutcome:
        """What a response of the right type means for this attempt; an approval's references become its own."""
        if response.code == _TIMEOUT:
            return Unknown("host_timeout")
        if len(response.code) != 2:
            return Unknown("mismatch")
        if response.code != "00":
            return Declined(response.code, _REASONS.get(response.code, "declined"))
        shown = response.last4
        other_card = self._check_last4 and doubt.last4 and shown and shown != doubt.last4
        if response.amount not in doubt.amounts or other_card:
            return Unknown("mismatch", _other(response))
        _put(self._owner, _references(doubt.type, response), doubt.attempt)
        return Approved(
            amount=doubt.amount,
            approval=response.approval,
            invoice=response.invoice,
            rrn=response.rrn,
            terminal=response.terminal,
            merchant=response.merchant,
            batch=response.batch,
            evidence=evidence,
        )

    def judge_inquiry(self, doubt: Doubt, response: EcrResponse) -> PaymentOutcome:
        """What the answer to an inquiry means for this attempt.

        The same codes may speak of the debit or of the question about it (a host out of reach, a type that this EDC
        does not have, the red key pressed while it asked): only what cannot be said of a question is a decline.
        """
        code = response.code
        if code == NOT_FOUND:
            return Declined(NOT_FOUND, "not_found")
        if code == "00" or (code in _OF_THE_DEBIT and response.amount in doubt.amounts):
            return self.judge(doubt, response, "edc_inquiry")
        if code in _LATER:
            return Unknown("host_timeout")
        return Unknown("no_query" if code in _NOT_KNOWN else "unclear")

    def may_answer(self, doubt: Doubt, response: EcrResponse) -> bool:
        """False for an approval whose references were given to another attempt before: a stray repetition."""
        if response.code != "00" or not (response.rrn or response.approval):
            return True
        return self._owner.get(_references(doubt.type, response), doubt.attempt) == doubt.attempt

    def compare(self, doubt: Doubt, answered: PaymentOutcome, proven: PaymentOutcome) -> PaymentOutcome:
        """The outcome when the response might be a twin's: what the inquiry by our own reference proves.

        The references of a response that was a twin's are free again, for the twin.
        """
        if isinstance(proven, Approved) and answered == msgspec.structs.replace(proven, evidence="edc"):
            return answered
        if isinstance(answered, Approved):
            mine = isinstance(proven, Approved) and _references(doubt.type, proven)
            if mine != _references(doubt.type, answered):
                self._owner.pop(_references(doubt.type, answered), None)
        match proven:
            case Approved():
                return proven
            case Declined(reason="not_found"):
                return answered if isinstance(answered, Declined) else Unknown("mismatch")
            case Declined():
                return proven
            case Unknown():
                return Unknown("mismatch")

    # -- doubts ---------------------------------------------------------------------------------------------------

    def begin(self, doubt: Doubt) -> None:
        """The outcome of this attempt is not proven; its response may still come."""
        self._open = doubt
        _put(self._doubts, doubt.attempt, doubt)

    def named(self, attempt: str, outcome: PaymentOutcome) -> PaymentOutcome:
        """The same outcome; one that is still not known says again what the EDC named instead."""
        known = self._doubts.get(attempt)
        if not isinstance(outcome, Unknown) or outcome.other is not None or known is None:
            return outcome
        return Unknown(outcome.reason, known.other)

    def fenced(self) -> None:
        """No response to anything earlier can come any more."""
        self._open = None

    def twin(self, doubt: Doubt) -> bool:
        """Whether another attempt is in doubt whose response would look the same."""
        return any(
            other.type == doubt.type and other.amount == doubt.amount and other.attempt != doubt.attempt
            for other in self._doubts.values()
        )

    def asked(self, doubt: Doubt) -> Doubt:
        """The same question with what is known of the attempt: whether it was a void."""
        known = self._doubts.get(doubt.attempt)
        return doubt if known is None else replace(doubt, type=known.type)

    def settled(self, attempt: str) -> None:
        """It is proven now."""
        self._doubts.pop(attempt, None)

    # -- late answers ---------------------------------------------------------------------------------------------

    def take_late(self, response: EcrResponse) -> None:
        """A response that nobody waits for. It can only be about the last attempt in doubt, and must fit it."""
        doubt = self._open
        fits = (
            doubt is not None
            and response.type == doubt.type
            and response.amount in doubt.amounts
            and self.may_answer(doubt, response)
        )
        if doubt is None or not fits:
            _log.info("EDC: response of type %s that nobody waits for", response.type)
            return
        outcome = self.judge(doubt, response, "edc_late")
        if isinstance(outcome, Unknown):
            return
        _log.info("EDC: late response resolves an attempt in doubt")
        self._open = None
        self.settled(doubt.attempt)
        _put(self._late, doubt.attempt, outcome)

    def late(self, attempt: str) -> PaymentOutcome | None:
        """The outcome of this attempt, if its response came late."""
        return self._late.get(attempt)


def _other(said: EcrResponse) -> OtherDebit | None:
    """What a person could find again on a slip: whole, and in letters and digits that can be typed."""
    whole = said.amount is not None and said.last4.isdigit() and said.invoice.isdigit() and said.approval.isalnum()
    return OtherDebit(said.amount or 0, said.last4, said.approval, said.invoice) if whole else None


def _references(kind: str, said: Approved | EcrResponse) -> tuple[str, ...]:
    # A void may repeat the references of its sale: the kind keeps them apart.
    return (TransType(kind), said.terminal, said.batch, said.invoice, said.rrn, said.approval)


def _put(memory: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    memory[key] = value
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
