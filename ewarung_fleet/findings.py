"""What a reconciliation can find, and how it is said."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Finding", "Kind"]


class Kind(StrEnum):
    """What is wrong.

    DIFFERENCE: a device-day, an entry or a sum is not the same everywhere. UNSOUND: something cannot be trusted, or was
    not looked at.
    """

    DIFFERENCE = "difference"
    LOST = "lost"
    DOUBLE = "double"
    OVERSPEND = "overspend"
    UNSOUND = "unsound"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong; `where` is DEVICE/EPOCH DATE for a device-day, or names what it is about otherwise."""

    kind: Kind
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"
