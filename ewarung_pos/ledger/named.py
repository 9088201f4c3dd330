"""Whom an entry names, and which one it undoes: the columns by which receipts are found again."""

from __future__ import annotations

from ewarung_pos.domain.journal import Fact, Redeemed, Reversed, decode
from ewarung_pos.errors import RuleViolation
from ewarung_pos.ledger.engine import Connection
from ewarung_pos.ledger.tip import Tip

__all__ = ["named"]


def named(connection: Connection, fact: Fact, tip: Tip) -> tuple[str | None, int | None, int | None]:
    """Of a redemption or reversal: its family, its receipt, and the place of what it undoes; else three times None.

    Raises:
        RuleViolation: a reversal of what is unknown, undone before, or not what the counter-entry repeats.
    """
    if not isinstance(fact, (Redeemed, Reversed)):  # a union would be built anew each time
        return None, None, None
    if fact.receipt != tip.receipts + 1:
        msg = f"receipt {fact.receipt} does not follow {tip.receipts}"
        raise ValueError(msg)
    return fact.family, fact.receipt, _undone(connection, fact) if isinstance(fact, Reversed) else None


def _undone(connection: Connection, fact: Reversed) -> int:
    row = connection.execute(
        "SELECT seq, payload, EXISTS (SELECT 1 FROM ledger_entry AS u WHERE u.reverses = e.seq) "
        "FROM ledger_entry AS e WHERE id = ?",
        (fact.original,),
    ).fetchone()
    seq, payload, before = row or (0, b"", 0)
    held = decode(payload).fact if row else None
    if not isinstance(held, Redeemed):
        raise RuleViolation("no such redemption", reason="unknown_entry")
    if before:
        raise RuleViolation("reversed before", reason="already_reversed")
    told = (fact.original_receipt, fact.family, fact.lines, fact.debits)
    paid = held.purse.amount if held.purse else 0
    if (held.receipt, held.family, held.lines, held.debits) != told or (fact.void and fact.void.amount > paid):
        raise RuleViolation("a counter-entry repeats what it undoes", reason="not_the_same")
    return int(seq)
