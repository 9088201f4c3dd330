"""What an answer of POSe Link proves about the attempt that it names.

Every answer names its transaction (`trx_id`), so an answer belongs to a question by name and not by order. An approval
is believed when name, action, amount, card and references all fit. A denial is believed when the bank's own code says
it. Everything else proves nothing: `Unclear` where the EDC at least says that it is done, else `Unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ewarung_pos.devices.poselink_codec import Action, PoseReply
from ewarung_pos.ports import Approved, Declined, OtherDebit, PaymentOutcome, Unknown

__all__ = ["NotFound", "PoseDoubt", "Unclear", "judge_answer", "judge_check"]

_TIMEOUTS = frozenset({"TO", "68"})
"""The host did not answer the EDC in time: it may have done it."""

_REASONS = {
    "51": "insufficient",
    "54": "expired_card",
    "55": "wrong_pin",
    "91": "host_unavailable",
    "96": "host_unavailable",
}
_OF_THE_DEBIT = frozenset(("14", "41", "43", "51", "54", "55", "61", "62", "65", "75"))
"""What a host says of a card, its account or its PIN. No question about an earlier debit can be refused with these."""


@dataclass(frozen=True, slots=True)
class PoseDoubt:
    """An attempt whose outcome is being found out. `amount` rupiah; `last4` of the expected card, if known."""

    trx_id: str
    action: Action
    amount: int
    last4: str = ""


class Unclear:
    """The EDC is done with it and does not say how: cancelled by the holder, or no answer of the host."""


class NotFound:
    """The EDC has no transaction of this name, in the words that the site knows it by."""


def judge_answer(doubt: PoseDoubt, reply: PoseReply, evidence: str) -> PaymentOutcome | Unclear:
    """What the end of a sale or void means for this attempt."""
    if reply.trx_id != doubt.trx_id or reply.action not in {doubt.action, ""} or reply.method not in {"purchase", ""}:
        return Unknown("mismatch", _other(doubt, reply))
    if not reply.sound:
        return Unknown("bad_frame")
    if reply.approved:
        return _approved(doubt, reply, evidence)
    if reply.code in _TIMEOUTS:
        return Unknown("host_timeout")
    if reply.unclear_code:
        return Unclear()
    return Declined(reply.code, _REASONS.get(reply.code, "declined"))


def judge_check(doubt: PoseDoubt, reply: PoseReply, not_found: str) -> PaymentOutcome | NotFound:
    """What an answer to `Check Trx` means. `not_found` is the site's text or code for "no such transaction".

    The answer echoes our question, or the action that it was asked about.
    """
    if reply.trx_id != doubt.trx_id or reply.action not in {Action.CHECK, doubt.action, ""}:
        return Unknown("mismatch", _other(doubt, reply))
    if not reply.sound:
        return Unknown("bad_frame")
    if reply.approved:
        return _approved(doubt, reply, "edc_inquiry")
    if not_found and not_found.strip().lower() in {reply.message.lower(), reply.code.lower()}:
        return NotFound()
    if reply.code in _OF_THE_DEBIT:
        return Declined(reply.code, _REASONS.get(reply.code, "declined"))
    return Unknown("unclear")


def _approved(doubt: PoseDoubt, reply: PoseReply, evidence: str) -> PaymentOutcome:
    # A void may leave its amount out: its name says which one it was.
    amounts = {doubt.amount} if doubt.action == Action.SALE else {doubt.amount, None}
    other_card = doubt.last4 and reply.last4 and reply.last4 != doubt.last4
    if reply.amount not in amounts or other_card or not (reply.approval and reply.trace):
        return Unknown("mismatch", _other(doubt, reply))
    return Approved(
        amount=doubt.amount,
        approval=reply.approval,
        invoice=reply.trace,
        rrn=reply.reference,
        terminal=reply.terminal,
        merchant=reply.merchant,
        batch=reply.batch,
        evidence=evidence,
    )


def _other(doubt: PoseDoubt, said: PoseReply) -> OtherDebit | None:
    """What the EDC debited instead, if it says so in full: another amount or another card."""
    whole = said.approved and said.sound and said.amount and said.last4 and said.approval and said.trace
    same = said.amount == doubt.amount and said.last4 == (doubt.last4 or said.last4)
    return OtherDebit(said.amount or 0, said.last4, said.approval, said.trace) if whole and not same else None
