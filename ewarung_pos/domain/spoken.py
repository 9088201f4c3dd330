"""Amounts and goods as they are said aloud: every number in words, every unit in full.

Nothing that names a person is said: a voice is heard by the whole queue.
"""

from __future__ import annotations

import re

from ewarung_pos.domain.journal import Redeemed
from ewarung_pos.domain.redemption import RedemptionLine, Remaining, Tender
from ewarung_pos.domain.units import Quantity, Rupiah
from ewarung_pos.domain.wording import HIGHEST, rupiah_in_words, terbilang

__all__ = ["spoken_debit", "spoken_handover", "spoken_text"]

_UNITS = {"kg": "kilogram", "g": "gram", "l": "liter", "ml": "mililiter"}
_RUPIAH = re.compile(r"\bRp ?([0-9]{1,3}(?:\.[0-9]{3}){1,3}|[0-9]{1,12})(?![0-9.])", re.ASCII)
_NUMBER = re.compile(
    r"\b([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]+))?(?: ?(kg|g|ml|l))?\b", re.IGNORECASE | re.ASCII
)


def spoken_text(text: str) -> str:
    """The same with numbers in words: `Beras 5 kg, Rp67.500` is beras lima kilogram, enam puluh tujuh ribu ..."""
    said = _RUPIAH.sub(lambda found: rupiah_in_words(Rupiah(int(found[1].replace(".", "")))), text)
    return _NUMBER.sub(_in_words, said)


def spoken_debit(amount: int) -> str:
    """Before the holder presses the PIN: what will be taken from the purse, rupiah."""
    return f"Saldo KKS akan ditarik {rupiah_in_words(Rupiah(amount))}. Tekan PIN sendiri di mesin EDC."


def spoken_handover(fact: Redeemed) -> str:
    """After the record: what is handed over, what paid for it, and what is left of the rations and of the purse."""
    parts = [_line(line) for line in fact.lines]
    for tender, words in ((Tender.PURSE, "Saldo KKS ditarik"), (Tender.CASH, "Tunai")):
        amount = sum(line.total.amount for line in fact.lines if line.tender is tender)
        if amount:
            parts.append(f"{words} {rupiah_in_words(Rupiah(amount))}")
    if fact.remaining:
        parts.append(f"Sisa jatah: {', '.join(map(_left, fact.remaining))}")
    if fact.purse is not None and fact.purse_after is not None:
        parts.append(f"Sisa saldo menurut catatan {rupiah_in_words(Rupiah(fact.purse_after))}")
    return " ".join(f"{part}." for part in parts)


def _line(line: RedemptionLine) -> str:
    content = spoken_text(str(line.quantity))
    return f"{terbilang(line.packs)} {line.pack_word} {spoken_text(line.name)}, isi {content}"


def _left(remaining: Remaining) -> str:
    content = spoken_text(str(Quantity(remaining.after, remaining.unit))) if remaining.after else "habis"
    return f"{spoken_text(remaining.name)} {content}"


def _in_words(found: re.Match[str]) -> str:
    number = int(found[1].replace(".", ""))
    if number > HIGHEST:
        return found[0]
    decimals = " ".join(["koma", *(terbilang(int(digit)) for digit in found[2])]) if found[2] else ""
    unit = _UNITS.get((found[3] or "").lower(), "")
    return " ".join(part for part in (terbilang(number), decimals, unit) if part)
