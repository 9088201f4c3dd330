"""Indonesian wording of amounts and lists, and the characters that paper can carry."""

from __future__ import annotations

import re
import unicodedata

from ewarung_pos.domain.units import Rupiah

__all__ = ["HIGHEST", "paper_text", "parse_rupiah", "rupiah_in_words", "terbilang"]

HIGHEST = 9_999_999_999_999
"""The largest amount that can be written in words or typed."""

_ONES = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas")
_SCALES = ((10**12, "triliun"), (10**9, "miliar"), (10**6, "juta"))
_TYPED = re.compile(r"(?:rp)? ?(0|[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[1-9][0-9]*)(?:,00)?", re.IGNORECASE | re.ASCII)
_PLAIN = str.maketrans(
    {
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{BULLET}": "*",
        "\N{MIDDLE DOT}": "-",
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\t": " ",
        "\n": " ",
        "\r": " ",
    }
)


def terbilang(number: int) -> str:
    """A count in Indonesian words: 11 sebelas, 101 seratus satu, 1000 seribu, 1000000 satu juta.

    Raises:
        ValueError: below zero or above `HIGHEST`.
    """
    if not 0 <= number <= HIGHEST:
        raise ValueError(f"outside 0..{HIGHEST}")
    return " ".join(_words(number))


def rupiah_in_words(amount: Rupiah) -> str:
    """As written on a kuitansi: dua juta sembilan ratus lima puluh ribu rupiah.

    Raises:
        ValueError: below zero or above `HIGHEST`.
    """
    return f"{terbilang(amount.amount)} rupiah"


def parse_rupiah(text: str) -> Rupiah:
    """What a person typed as an amount: `200000`, `200.000`, `Rp 200.000`, `Rp200.000,00`.

    A comma separates decimals in Indonesian, so `200,000` could be two hundred or two hundred thousand: it is
    refused, and the person is asked.

    Raises:
        ValueError: not an amount of whole rupiah, or above `HIGHEST`.
    """
    found = _TYPED.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an amount of whole rupiah")
    amount = int(found.group(1).replace(".", ""))
    if amount > HIGHEST:
        raise ValueError(f"above {HIGHEST}")
    return Rupiah(amount)


def paper_text(text: str, code_page: str = "ascii") -> str:
    """The same text in letters of the printer's code page; by default ASCII, which the cheapest can be trusted with.

    Accents that the page lacks go, typographic signs become plain ones, control characters and marks of direction
    vanish (text from a register must not steer the printer), anything else becomes a question mark. Each letter of
    the result is one byte in that page.
    """
    return "".join(_letter(char, code_page) for char in unicodedata.normalize("NFC", text.translate(_PLAIN)))


def _letter(char: str, code_page: str) -> str:
    if " " <= char <= "~":
        return char
    kind = unicodedata.category(char)
    if kind in {"Zs", "Zl", "Zp"}:
        return " "
    if kind[0] in {"C", "M"}:
        return ""
    if kind[0] == "L" and len(char.encode(code_page, "ignore")) == 1:
        return char
    plain = unicodedata.normalize("NFKD", char)
    return "?" if plain == char else "".join(_letter(part, "ascii") for part in plain)


def _words(number: int) -> list[str]:
    if number < 12:
        return [_ONES[number]]
    if number < 20:
        return [_ONES[number - 10], "belas"]
    if number < 100:
        return [_ONES[number // 10], "puluh", *_rest(number % 10)]
    if number < 200:
        return ["seratus", *_rest(number - 100)]
    if number < 1000:
        return [_ONES[number // 100], "ratus", *_rest(number % 100)]
    if number < 2000:
        return ["seribu", *_rest(number - 1000)]
    if number < 10**6:
        return [*_words(number // 1000), "ribu", *_rest(number % 1000)]
    size, name = next(scale for scale in _SCALES if number >= scale[0])
    return [*_words(number // size), name, *_rest(number % size)]


def _rest(number: int) -> list[str]:
    return _words(number) if number else []
