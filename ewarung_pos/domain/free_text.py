"""Words that people type and that the journal keeps for ever: short, and never a card number, NIK or No. KK.

The journal knows families by key alone; a text that somebody types is the one way around that. Names cannot be told
from other words, so the fields say on the screen what does not belong there, and the lengths leave little room.
"""

from __future__ import annotations

import re

__all__ = [
    "EXPLANATION_CHARS",
    "NOTE_CHARS",
    "NOTE_NUMBER_CHARS",
    "PROXY_REASON_CHARS",
    "SUPPLIER_CHARS",
    "holds_long_number",
]

SUPPLIER_CHARS = 60
NOTE_NUMBER_CHARS = 40
NOTE_CHARS = 80
EXPLANATION_CHARS = 120
PROXY_REASON_CHARS = 20

_LONG_NUMBER = re.compile(r"\d(?:[ .\-/]{0,2}\d){12,}")


def holds_long_number(text: str) -> bool:
    """Whether 13 digits or more stand in it, as on a card, a NIK or a No. KK, however they are spaced."""
    return _LONG_NUMBER.search(text) is not None
