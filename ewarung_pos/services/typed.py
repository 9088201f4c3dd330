"""The gate for words that people type: what the journal may keep for ever, and what it may not."""

from __future__ import annotations

from ewarung_pos.domain.free_text import holds_long_number, holds_name
from ewarung_pos.errors import NotEntitled
from ewarung_pos.ports import LedgerReader

__all__ = ["refuse_names", "refuse_text"]


def refuse_text(text: str, limit: int) -> None:
    """Let a text pass, or say why not.

    Raises:
        NotEntitled: reason text_too_long or text_number; the message does not repeat the text.
    """
    if len(text) > limit:
        raise NotEntitled(f"{len(text)} characters, {limit} at most", reason="text_too_long")
    if holds_long_number(text):
        raise NotEntitled("a long number in a text", reason="text_number")


def refuse_names(reader: LedgerReader, *texts: str) -> None:
    """Let texts about what happened pass, unless one names a family of the register.

    Not for the names of suppliers: a delivery has to say who it is from.

    Raises:
        NotEntitled: reason text_name; the message does not repeat the text.
    """
    told = [text for text in texts if text.strip()]
    names = [family.name for family in reader.families()] if told else []
    if any(holds_name(text, names) for text in told):
        raise NotEntitled("a family's name in a text", reason="text_name")
