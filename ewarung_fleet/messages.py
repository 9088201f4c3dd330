"""What the conductor of a fleet and its crews say to each other: one JSON object a line, each way."""

from __future__ import annotations

import msgspec

from ewarung_fleet.findings import Finding
from ewarung_fleet.kiosk import Ask
from ewarung_fleet.plan import Settings, Visit
from ewarung_fleet.truth import Truth

__all__ = ["Begin", "Done", "Drain", "Enter", "Look", "Looked", "Order", "Slot", "SyncThese", "WaitOver"]


class Begin(msgspec.Struct, frozen=True, tag=True):
    """First of all: the plan, where everything is, and which kiosks are this crew's."""

    settings: Settings
    folder: str
    url: str
    kiosks: tuple[int, ...]


class Slot(msgspec.Struct, frozen=True, tag=True):
    """Live one slot.

    `codes` of kiosks that asked for one; `visits` are those who come again: (kiosk, visit); `on_paper` are cards on the
    officers' list since the last slot.
    """

    day: int
    slot: int
    now_ms: int
    codes: dict[str, str]
    visits: tuple[tuple[int, Visit], ...] = ()
    on_paper: tuple[str, ...] = ()


class SyncThese(msgspec.Struct, frozen=True, tag=True):
    """These kiosks look at their line: somebody waits at another counter. By name."""

    names: tuple[str, ...]


class WaitOver(msgspec.Struct, frozen=True, tag=True):
    """Whoever waits at a counter of the crew's is served now, or goes."""

    day: int
    slot: int


class Drain(msgspec.Struct, frozen=True, tag=True):
    """All lines are back: send and fetch until nothing is left. `codes` as of a slot."""

    now_ms: int
    codes: dict[str, str]


class Look(msgspec.Struct, frozen=True, tag=True):
    """Hold every ledger against the city's database."""

    database: str


Order = Begin | Slot | SyncThese | WaitOver | Drain | Look


class Enter(msgspec.Struct, frozen=True):
    """A visit that comes again."""

    kiosk: int
    day: int
    slot: int
    visit: Visit


class Done(msgspec.Struct, frozen=True):
    """An order was carried out.

    `waits_for` are names of kiosks that are waited for; `unsent` is what the city still lacks after a drain;
    `missing` are cards whose receipts no ledger and no city knows of.
    """

    asks: tuple[Ask, ...] = ()
    again: tuple[Enter, ...] = ()
    waits_for: tuple[str, ...] = ()
    unsent: dict[str, int] = {}
    missing: tuple[str, ...] = ()


class Looked(msgspec.Struct, frozen=True):
    """What a crew found.

    Attributes:
        findings: everything that is not as it must be; a device-day is named by device, epoch and date.
        truths: by kiosk.
        device_days: how many were compared in all their figures.
        entries: how many entries of ledgers were found at the city under the same hash.
        ledgers: how many files were verified.
        on_way: acknowledgements that wait for the next batch, as they do.
        moved: rupiah that the EDC moved, by kiosk.
    """

    findings: tuple[Finding, ...]
    truths: dict[str, Truth]
    device_days: int
    entries: int
    ledgers: int
    on_way: int
    moved: dict[str, int]
