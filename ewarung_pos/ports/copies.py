"""Copies of the ledger: what the close makes, and what the doctor looks for."""

from __future__ import annotations

from typing import Protocol

import msgspec

__all__ = ["Copies", "LedgerCopy"]


class LedgerCopy(msgspec.Struct, frozen=True):
    """A verified copy of the ledger: in which folder, when, of how many entries, and whether on the same disk."""

    folder: str
    at_ms: int
    entries: int
    same_disk: bool = False


class Copies(Protocol):
    """Copies of the ledger in the place that is configured. COPY lane; each takes seconds, and nobody waits for it."""

    def make(self) -> LedgerCopy:
        """Copy, verify, and take away what is no longer kept.

        Raises:
            ConfigError: the place is not there, or cannot be written (`backup_dir`).
            LedgerFull: no room there (`copy`).
            LedgerError: the ledger does not verify, or the copy was cut off (`copy_stopped`).
        """
        ...

    def newest(self) -> LedgerCopy | None:
        """The newest one of this epoch that is there now.

        Raises:
            ConfigError: the place is not there (`backup_dir`).
        """
        ...
