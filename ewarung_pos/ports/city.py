"""The line to the city, as the till sees it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from ewarung_pos.domain.family import CardRef, Family
from ewarung_pos.domain.timeline import Period

__all__ = ["CitySync", "RightsAnswer", "RightsWish", "SyncPhase", "SyncReport"]


class SyncPhase(StrEnum):
    """What the line to the city is doing."""

    IDLE = "idle"
    SENDING = "sending"
    RECEIVING = "receiving"
    WAITING = "waiting"
    OFF = "off"


class SyncReport(msgspec.Struct, frozen=True):
    """Result of one step: what was sent, what came, and when to try again.

    `code`/`reason` name the error, if any (`ui.text`); `attested` are dates whose day the city confirmed. `upgrade` is
    the version to install where the city does not support this till's any more, as it said last.
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
    upgrade: str = ""


class RightsWish(msgspec.Struct, frozen=True):
    """Rights of a month that the counter asks of the city, for whose card is on it.

    `request` is minted once for all tries of one wish: the city grants it at most once. `home` makes this kiosk the
    family's home; `withdraw` says that nobody waits any more.
    """

    request: str
    card: CardRef
    period: Period
    home: bool = False
    withdraw: bool = False


class RightsAnswer(msgspec.Struct, frozen=True):
    """What the city said of a wish.

    `outcome`: granted (it stands in the journal), waiting (another kiosk was asked; ask again), nothing. `reason`:
    unknown_card, card_blocked, holder_deceased, family_moved, no_ration, exhausted, elsewhere, frozen, recovery,
    doubt, period, withdrawn. `kiosk` is the name of the kiosk that is waited for, or of the home that holds the rights.
    """

    outcome: str
    reason: str = ""
    kiosk: str = ""
    family: Family | None = None
    home: bool = False


class CitySync(Protocol):
    """The till's end of sync.md. SYNC lane."""

    def step(self) -> SyncReport:
        """One push step and one pull step, each with its own outcome; contains no loop, never raises SyncError."""
        ...

    def ask(self, wish: RightsWish) -> RightsAnswer:
        """Ask the city for rights; what it grants is in the journal, under its signature, when this returns.

        Raises:
            SyncError: no answer that can be believed; nothing happened here, and the same wish may be asked again.
            ClockSuspect: the same, because the city's time is another than ours (`off_server`).
        """
        ...

    def offset_ms(self) -> int | None:
        """City's time minus ours at the last exchange."""
        ...
