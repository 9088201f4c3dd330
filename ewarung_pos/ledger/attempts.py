"""Debits at the EDC as the ledger keeps them: which are not proven, what became of one, and whose slip was used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ewarung_pos.domain.journal import AttemptOpened, AttemptSettled, decode
from ewarung_pos.ports import Attempt

__all__ = ["ATTEMPT", "open_attempts", "settlements", "slip_used"]

Execute = Callable[..., Any]

ATTEMPT = msgspec.json.Decoder(Attempt)
"""Of the column `attempt.body`."""

_OPEN = "SELECT body FROM attempt WHERE state IN ('pending', 'in_doubt') ORDER BY opened_ms, id"
_TOLD = "SELECT payload FROM ledger_entry WHERE kind IN ('AttemptOpened', 'AttemptSettled') ORDER BY seq DESC"
_SLIPS = (
    "SELECT id, json_extract(CAST(body AS TEXT), '$.kind'), json_extract(CAST(body AS TEXT), '$.approval.evidence'), "
    "json_extract(CAST(body AS TEXT), '$.approval.approval'), json_extract(CAST(body AS TEXT), '$.approval.invoice') "
    "FROM attempt WHERE state = 'done' ORDER BY opened_ms, id"
)


def open_attempts(execute: Execute) -> tuple[Attempt, ...]:
    """Those whose outcome is not proven, oldest first."""
    return tuple(ATTEMPT.decode(body) for (body,) in execute(_OPEN).fetchall())


def settlements(execute: Execute, attempt_id: str) -> tuple[AttemptSettled, ...]:
    """What became of an attempt, newest first; looks back as far as to its opening."""
    found = []
    for (body,) in execute(_TOLD):
        match decode(body).fact:
            case AttemptSettled(attempt=named) as fact if named == attempt_id:
                found.append(fact)
            case AttemptOpened(attempt=named) if named == attempt_id:
                break
            case _:
                pass
    return tuple(found)


def slip_used(execute: Execute, approval: str, invoice: str, kinds: tuple[str, ...], *, by_people: bool) -> str | None:
    """Id of the first settled attempt of these kinds that stands on this approval and invoice, however typed.

    `by_people` looks only among those that two people decided.
    """
    wanted = (_typed(approval), _typed(invoice))
    return next(
        (
            attempt
            for attempt, kind, evidence, *slip in execute(_SLIPS).fetchall()
            if (kind or "sale") in kinds
            and (evidence == "slip" or not by_people)
            and tuple(map(_typed, slip)) == wanted
        ),
        None,
    )


def _typed(reference: str) -> str:
    """A reference of the bank as two people would agree that it is the same."""
    return reference.strip().upper().lstrip("0")
