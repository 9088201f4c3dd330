"""Families and cards as the till may know them: by keyed token and last four digits, never by the number."""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import StrEnum

import msgspec

__all__ = ["CardRef", "CardStatus", "Family", "HolderPresence", "card_ref", "luhn_valid", "mask_nik"]

_PAN = re.compile(r"[0-9]{14,19}")


class CardStatus(StrEnum):
    """What the city says of a card."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    DECEASED = "deceased"
    MOVED = "moved"


class HolderPresence(StrEnum):
    """Who stands at the counter (domain rule R19)."""

    SELF = "sendiri"
    RELATIVE = "anggota_kk"
    PROXY = "kuasa"

    @property
    def label(self) -> str:
        """As said at the counter."""
        return {"sendiri": "Sendiri", "anggota_kk": "Anggota KK", "kuasa": "Kuasa"}[self.value]


class CardRef(msgspec.Struct, frozen=True):
    """A card without its number: HMAC-SHA-256 (hex) under the city's card key, and the last four digits."""

    token: str
    last4: str

    @property
    def masked(self) -> str:
        """As shown and printed: **** 4821 (PCI DSS 3.4.1: last four only)."""
        return f"**** {self.last4}"


class Family(msgspec.Struct, frozen=True):
    """One registered family as the register of this kiosk holds it.

    Attributes:
        key: the city's pseudonymous key; the journal knows the family by it alone.
        name: the holder, as on the card.
        nik_masked: first and last four digits of the NIK.
        members: number of people in the family (0 unknown).
        programmes: codes of the programmes it belongs to.
        home: the kiosk that holds its leases.
    """

    key: str
    name: str
    nik_masked: str
    kelurahan_code: str
    kelurahan: str
    kecamatan: str
    members: int
    programmes: tuple[str, ...]
    home: str
    card: CardRef
    card_status: CardStatus


def card_ref(key: bytes, number: str) -> CardRef:
    """Turn a card number into its reference; the only place a number is looked at.

    Raises:
        ValueError: not 14 to 19 digits (the message does not repeat the number).
    """
    digits = number.strip()
    if not _PAN.fullmatch(digits):
        msg = "a card number has 14 to 19 digits"
        raise ValueError(msg)
    return CardRef(hmac.new(key, digits.encode("ascii"), hashlib.sha256).hexdigest(), digits[-4:])


def luhn_valid(number: str) -> bool:
    """ISO/IEC 7812 check digit. A failed check is a warning, never a refusal (domain 4.2); no digits fail it too."""
    if not (number.isascii() and number.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit)
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def mask_nik(nik: str) -> str:
    """First four and last four digits; everything between is hidden (it tells birth date and sex)."""
    return nik[:4] + "•" * (len(nik) - 8) + nik[-4:] if len(nik) >= 12 else "•" * len(nik)
