"""The line to the city, as the till sees it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

__all__ = ["CitySync", "SyncPhase", "SyncReport"]


class SyncPhase(StrEnum):
    """What the line to the city is doing."""

    IDLE = "idle"
    SENDING = "sending"
    RECEIVING = "receiving"
    WAITING = "waiting"
    OFF = "off"


class SyncReport(msgspec.Struct, frozen=True):
    """Result of one step: what was sent, what came, and when to try again.

    `code`/`reason` name the error, if any (`ui.text`); `attested` are dates whose day the city confirmed.
    """

    phase: SyncPhase
    sent: int = 0
    sent_bytes: int = 0
    received: int = 0
    unsent: int = 0
    retry_ms: int = 0
    at_ms: int = 0
    code: str = ""
    reason: str = ""
    flagged: tuple[tuple[int, str], ...] = ()
    attested: tuple[str, ...] = ()
    more: bool = False


class CitySync(Protocol):
    """The till's end of sync.md. SYNC lane."""

    def step(self) -> SyncReport:
        """One push step and one pull step, each with its own outcome; contains no loop, never raises SyncError."""
        ...

    def offset_ms(self) -> int | None:
        """City's time minus ours at the last exchange."""
        ...
