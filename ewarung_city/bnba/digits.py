"""Long numbers in spreadsheets: which cells still hold every digit, and how none of them is shown to anybody.

A spreadsheet keeps fifteen significant digits of a number; NIK, No. KK and card numbers have sixteen and more
(domain 0.9). What went through a number cell is therefore reported as lost, and never completed by a guess.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

__all__ = [
    "EXACT_DIGITS",
    "LOST",
    "Number",
    "cleaned",
    "hide_digits",
    "long_run",
    "mask_card",
    "mask_number",
    "read_number",
]

EXACT_DIGITS = 15
"""Significant digits that a spreadsheet's number keeps (IEEE 754 double, as spreadsheets show and store it)."""

LOST = "\ufffc"
"""Stands for a number cell whose last digits are not known."""

_EXPONENT = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+", re.ASCII)
_FRACTION = re.compile(r"\d{9,}[.,]0*", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3}){3,}(?:[.,]\d+)?", re.ASCII)
_SEPARATED = re.compile(r"\d{2,}(?:[ .-]\d{2,})+", re.ASCII)
_RUN = re.compile(r"\d(?:[ .,'-]{0,2}\d){12,}")
_GROUPS = re.compile(r"\d{4,}(?:[\W_]{1,3}\d{4,}){2,}")
"""Digits as people group a number, whatever they put between the groups; house numbers and RT/RW are shorter."""
_QUOTED = re.compile(r'="([^"]*)"')
"""How programs write a number into CSV that a spreadsheet is to leave a text."""
_LEADING_MARKS = "'`\u2018\u2019"


class Number(msgspec.Struct, frozen=True):
    """What a cell says of a number: its digits (or the text as it stands, when it is none), or that digits are lost."""

    text: str
    lost: bool = False


def read_number(cell: str) -> Number:
    """The digits of a cell, without the marks and separators that people and spreadsheets put around them."""
    text = cleaned(cell)
    quoted = _QUOTED.fullmatch(text)
    text = (quoted[1] if quoted is not None else text).strip(_LEADING_MARKS).strip()
    if LOST in text or _EXPONENT.fullmatch(text) or _FRACTION.fullmatch(text) or _GROUPED.fullmatch(text):
        return Number("", lost=True)
    if _SEPARATED.fullmatch(text):
        return Number(re.sub(r"[ .-]", "", text))
    return Number(text)


def cleaned(text: str) -> str:
    """Text on one line: composed, without control and invisible characters, single spaces."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(" " if char.isspace() else char for char in composed if char.isspace() or _shown(char))
    return " ".join(visible.split())


def _shown(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cf", "Co", "Cs", "Cn"}


def long_run(text: str) -> bool:
    """Whether thirteen digits or more follow each other: a number that belongs in another column."""
    return _RUN.search(text) is not None or any(_is_long(found) for found in _GROUPS.finditer(text))


def hide_digits(text: str) -> str:
    """The text with every run of thirteen digits or more hidden, whatever stands between them."""
    return _GROUPS.sub(lambda found: "•••" if _is_long(found) else found[0], _RUN.sub("•••", text))


def _is_long(found: re.Match[str]) -> bool:
    return sum(map(str.isdigit, found[0])) > 12


def mask_number(number: str) -> str:
    """NIK and No. KK: first four and last four digits; nothing of what is shorter or is no number (rule R23)."""
    return f"{number[:4]}{'•' * (len(number) - 8)}{number[-4:]}" if _long(number) else "•" * min(len(number), 16)


def mask_card(number: str) -> str:
    """Last four digits only (PCI DSS 3.4.1)."""
    return f"**** {number[-4:]}" if _long(number) else "****" if number else ""


def _long(number: str) -> bool:
    return len(number) >= 12 and number.isascii() and number.isdigit()
