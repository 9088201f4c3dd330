"""The gate for words that people type: what the journal may keep for ever, and what it may not."""

from __future__ import annotations

from ewarung_pos.domain.free_text import holds_long_number
from ewarung_pos.errors import NotEntitled

__all__ = ["refuse_text"]


def refuse_text(text: str, limit: int) -> None:
    """Let a text pass, or say why not.

    Raises:
        NotEntitled: reason text_too_long or text_number; the message does not repeat the text.
    """
    if len(text) > limit:
        raise NotEntitled(f"{len(text)} characters, {limit} at most", reason="text_too_long")
    if holds_long_number(text):
        raise NotEntitled("a long number in a text", reason="text_number")
