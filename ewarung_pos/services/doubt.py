"""A debit whose outcome is not proven, in the journal: why, and which other debit the terminal named instead."""

from __future__ import annotations

from ewarung_pos.domain.journal import AttemptSettled
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.ports import Attempt, LedgerReader, OtherDebit, UnitOfWork, Unknown

__all__ = ["named_debit", "note_doubt"]

_IN_DOUBT = AttemptState.IN_DOUBT
_FIELDS = 5
"""Reason, last four of the card, approval, invoice, rupiah; without another debit the reason stands alone."""


def note_doubt(uow: UnitOfWork, attempt: Attempt, outcome: Unknown, operator: str) -> AttemptState:
    """Write down that nothing is proven; a second time only if the terminal names another debit than it did before.

    Money has moved then, and nobody but the journal knows of it after a restart.
    """
    known = attempt.state is _IN_DOUBT
    if known and (outcome.other is None or outcome.other == named_debit(uow, attempt.id)):
        return _IN_DOUBT
    if not known:
        uow.settle_attempt(attempt.id, _IN_DOUBT)
    uow.append(AttemptSettled(attempt.id, _IN_DOUBT.value, _code(outcome)), operator)
    return _IN_DOUBT


def named_debit(reader: LedgerReader, attempt_id: str) -> OtherDebit | None:
    """The debit that the terminal named last instead of this one; None if it named none."""
    for settled in reader.settlements(attempt_id):
        told = settled.code.split(" ") if settled.outcome == _IN_DOUBT.value else []
        if len(told) == _FIELDS:
            return OtherDebit(int(told[4]), told[1], told[2], told[3])
    return None


def another_was_debited(reader: LedgerReader, attempt_id: str) -> bool:
    """Whether the terminal named a debit instead of this one that stands nowhere in the journal.

    That it then knows nothing of this attempt, or says no to it, does not bring that money back: people must look.
    """
    named = named_debit(reader, attempt_id)
    return named is not None and reader.slip_used(named.approval, named.invoice, ("sale", "void")) is None


def _code(outcome: Unknown) -> str:
    other = outcome.other
    if other is None:
        return outcome.reason
    return f"{outcome.reason} {other.last4} {other.approval} {other.invoice} {other.amount}"
