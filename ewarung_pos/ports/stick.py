"""The way to the city on a stick, as the till sees it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ewarung_pos.ports.city import SyncReport

__all__ = ["BundleFetched", "BundleSaved", "CityStick", "StickPlace"]


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
