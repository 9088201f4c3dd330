"""What was found in a ledger or in an export of one, and how many findings are enough."""

from __future__ import annotations

import msgspec

__all__ = ["MANY", "Problem", "VerifyReport"]

MANY = 50
"""After so many problems the rest would only repeat them."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: at which entry (0: not at one), a stable word, and what exactly.

    An export has words of its own beside these (docs/ledger-format.md).

    Words: file, schema, guard, identity, gap, prev_hash, hash, payload, column, canonical, not_first, overdrawn,
    surrendered, not_allowed, returned_more, reversed_twice, stock_below_zero, receipt_gap, no_day, acknowledged,
    grant_signature, seal, projection, paperwork, reference, stopped.
    """

    seq: int
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (f"seq {self.seq}" if self.seq else "", self.what, self.detail) if part)


class VerifyReport(msgspec.Struct, frozen=True):
    """What was found. `head` is hex; `first_bad_seq` is None when nothing is wrong with any one entry.

    When entries themselves are wrong it is the first of them; else the first that something beside it contradicts.
    `schema` is the number of an older version that wrote the file, 0 where it is this one (or an export): the till
    brings it up to date when it opens it.
    """

    ok: bool
    entries: int
    head: str
    device: str = ""
    epoch: int = 0
    acked_seq: int = 0
    sealed_days: int = 0
    first_bad_seq: int | None = None
    problems: tuple[Problem, ...] = ()
    schema: int = 0
