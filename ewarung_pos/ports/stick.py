"""The way to the city on a stick, as the till sees it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ewarung_pos.ports.city import RightsWish, SyncReport

__all__ = ["BundleFetched", "BundleSaved", "CarriedWish", "CityStick", "StickPlace"]


class StickPlace(msgspec.Struct, frozen=True):
    """A folder that takes files for the city: a stick's, or one that is configured; `name` as its label says."""

    folder: str
    name: str


class BundleSaved(msgspec.Struct, frozen=True):
    """What was written: file, entries `first_seq` to `last_seq`, bytes; `left` entries found no room in it."""

    file: str
    first_seq: int
    last_seq: int
    size: int
    left: int = 0


class BundleFetched(msgspec.Struct, frozen=True):
    """What a reply brought: `report` as of a step on the line; `resend_from` is the first entry that the city lacks.

    It is 0 unless the city holds less than it had acknowledged; the next file then begins there.
    """

    report: SyncReport
    resend_from: int = 0


class CarriedWish(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rights that were asked of the city with the next file, and what it said.

    Attributes:
        request: minted once.
        token, last4: of the card.
        family: its key; empty while it is not known here.
        period: the month, YYYY-MM.
        asked_ms: wall clock, when it was asked.
        outcome: empty (no reply yet), waiting, granted or nothing; `reason` and `kiosk` as in `RightsAnswer`.
    """

    request: str
    token: str
    last4: str
    family: str
    period: str
    asked_ms: int
    outcome: str = ""
    reason: str = ""
    kiosk: str = ""

    @property
    def open(self) -> bool:
        """Whether the city has not said its last word."""
        return self.outcome in {"", "waiting"}


class CityStick(Protocol):
    """The city's messages in files of some megabytes. SYNC lane, as every step on the line."""

    def places(self) -> tuple[StickPlace, ...]:
        """Where files can go now."""
        ...

    def save(self, folder: str) -> BundleSaved:
        """Write everything that the city has not acknowledged, and what is to be asked of it, into one file.

        Raises:
            StickError: nothing was written. LedgerError: the ledger cannot be read, or is not what it was.
            ConfigError: this kiosk is not enrolled.
        """
        ...

    def fetch(self, folder: str) -> BundleFetched:
        """Take the city's replies to this kiosk that are in that folder; what was taken before changes nothing.

        Raises:
            StickError: no reply is there (`no_reply`), or the folder cannot be read.
            BundleRefused: none that is there can be believed; nothing was used.
            LedgerError: the ledger did not take it.
        """
        ...

    def carry(self, wish: RightsWish, family: str) -> None:
        """Ask the city for these rights with the next file; `family` is its key, empty if it is not known here.

        Raises:
            LedgerError: it is not kept.
        """
        ...

    def wishes(self) -> tuple[CarriedWish, ...]:
        """What is asked so, and what the city has said; the oldest first. LEDGER lane."""
        ...
