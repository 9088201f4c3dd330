"""Words that people type and that the journal keeps for ever: short, and never a card number, NIK, No. KK or name.

The journal knows families by key alone; a text that somebody types is the one way around that. The names of this
kiosk's register can be looked for, whole; a nickname or a stranger's name cannot be told from other words, so the
fields say on the screen what does not belong there, and the lengths leave little room. A receipt number says which
family is meant to whoever may know. Four digits pass: each entry has those of its card, and a price looks the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = [
    "EXPLANATION_CHARS",
    "NOTE_CHARS",
    "NOTE_NUMBER_CHARS",
    "PROXY_REASON_CHARS",
    "SUPPLIER_CHARS",
    "holds_long_number",
    "holds_name",
]

SUPPLIER_CHARS = 60
NOTE_NUMBER_CHARS = 40
NOTE_CHARS = 80
EXPLANATION_CHARS = 120
PROXY_REASON_CHARS = 20

_WORD = re.compile(r"[^\W_]+")
_LONG_NUMBER = re.compile(r"\d(?:[ .\-/]{0,2}\d){12,}")


def holds_long_number(text: str) -> bool:
    """Whether 13 digits or more stand in it, as on a card, a NIK or a No. KK, however they are spaced."""
    return _LONG_NUMBER.search(text) is not None


def holds_name(text: str, names: Iterable[str]) -> bool:
    """Whether one of these names stands in it, whole, in capitals or not and whatever stands between its words."""
    words = _spaced(text)
    return any(name in words for each in names if (name := _spaced(each)).strip())


def _spaced(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
