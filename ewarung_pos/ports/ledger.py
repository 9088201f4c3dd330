"""The ledger, as services, sync and screens may ask it: what it tells, a unit of work in it, and the whole of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from ewarung_pos.domain.business_day import Day, DayTotals
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Lease, LeaseGrant
from ewarung_pos.domain.family import Family
from ewarung_pos.domain.journal import AttemptSettled, CityAcknowledged, Entry, Fact, Sealed
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.retention import Presence
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.state import KioskIdentity, OperatorRecord, StatePage
from ewarung_pos.domain.timeline import BusinessDate, CityTime, ClockMemory, Period
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.ports.attempt import Attempt
from ewarung_pos.ports.devices import Approved

__all__ = ["HistoryRow", "Ledger", "LedgerHead", "LedgerReader", "PrintJob", "Tally", "UnitOfWork", "Visit"]


class PrintJob(msgspec.Struct, frozen=True):
    """Paper that is owed. `kind`: receipt, reversal, day_report. `copy` 0 is the original.

    `goods` are (commodity, base units) printed on it, for the four-way control; empty on copies. `tries` are those
    whose end nobody knows: the paper may be out.
    """

    id: int
    kind: str
    entry: str
    receipt: int
    copy: int
    tries: int = 0
    done: bool = False


class Visit(msgspec.Struct, frozen=True):
    """All that the ledger knows when a card is on the counter, of one and the same moment.

    `leases` are of the period asked for; `shadow` as in `LedgerReader.shadow`; `attempts` are all open ones.
    """

    family: Family | None
    leases: tuple[Lease, ...]
    shadow: Rupiah | None
    last_visit: BusinessDate | None
    stock: dict[str, int]
    attempts: tuple[Attempt, ...]


class LedgerHead(msgspec.Struct, frozen=True):
    """End of the chain, and how far the city has acknowledged it. Hashes are hex.

    `last_ms` is the latest wall time of an entry since a leader last confirmed the clock.

    `unsent` counts the entries above the last acknowledgement that wait for the city; acknowledgements themselves do
    not count, they go with the next batch.
    """

    seq: int
    hash: str
    last_ms: int
    acked_seq: int
    acked_hash: str
    unsent: int = 0


class HistoryRow(msgspec.Struct, frozen=True):
    """A receipt in Riwayat. `name` is empty once the register no longer holds the family."""

    seq: int
    entry: str
    receipt: int
    kind: str
    at_ms: int
    date: BusinessDate
    name: str
    last4: str
    goods: str
    total: int
    reversed: bool
    printed: int
    reversible: bool


class Tally(msgspec.Struct, frozen=True):
    """The morning's line on Siap: families served, and base units handed out for each commodity."""

    families: int
    goods: tuple[tuple[str, int], ...]
    opened_ms: int


class LedgerReader(Protocol):
    """Frozen snapshots. Nothing here holds a transaction after it returns; safe from any lane."""

    def identity(self) -> KioskIdentity | None:
        """Who this till is; None before enrolment."""
        ...

    def head(self) -> LedgerHead: ...

    def day(self) -> Day: ...

    def catalogue(self) -> Catalogue: ...

    def visit(self, token: str, period: Period) -> Visit:
        """Everything that is asked of the ledger about a card, in one look."""
        ...

    def family_by_card(self, token: str) -> Family | None: ...

    def family(self, key: str) -> Family | None: ...

    def families(self) -> tuple[Family, ...]:
        """The whole register of this kiosk (reports, search), by name."""
        ...

    def leases(self, family: str, period: Period) -> tuple[Lease, ...]: ...

    def other_periods(self, family: str, period: Period) -> bool:
        """Whether the family holds a lease of any other period."""
        ...

    def left_over(self, until: Period) -> bool:
        """Whether anything is left of a lease of that month or of one before."""
        ...

    def visitors(self, period: Period) -> tuple[Lease, ...]:
        """What is left here of a month for families whose home is another kiosk."""
        ...

    def shadow(self, family: str) -> Rupiah | None:
        """Credits the city sent minus purse debits recorded here; None when the family has no purse credit."""
        ...

    def stock(self) -> dict[str, int]: ...

    def last_visit(self, family: str) -> BusinessDate | None: ...

    def open_attempts(self) -> tuple[Attempt, ...]: ...

    def attempt(self, attempt_id: str) -> Attempt | None: ...

    def settlements(self, attempt_id: str) -> tuple[AttemptSettled, ...]:
        """What the journal says became of an attempt, newest first."""
        ...

    def slip_used(self, approval: str, invoice: str, kinds: tuple[str, ...], *, by_people: bool = False) -> str | None:
        """Id of a settled attempt of one of these kinds (sale, void) that stands on this approval and invoice already.

        `by_people` looks only among those that two people decided.
        """
        ...

    def operators(self) -> tuple[OperatorRecord, ...]: ...

    def pin_failures(self, code: str) -> int: ...

    def print_jobs(self) -> tuple[PrintJob, ...]:
        """Owed, oldest first."""
        ...

    def copies(self, entry: str) -> int:
        """How many papers of this entry left the printer, the original included."""
        ...

    def entry(self, entry_id: str) -> Sealed | None: ...

    def entry_by_receipt(self, receipt: int) -> Sealed | None: ...

    def history(self, date: BusinessDate | None, text: str = "", limit: int = 200) -> tuple[HistoryRow, ...]:
        """Newest first. `text` matches name, last four digits, or receipt number; date None searches all days."""
        ...

    def tally(self, date: BusinessDate) -> Tally: ...

    def totals(self, date: BusinessDate) -> DayTotals:
        """Folded from the day's entries, each control figure from its own table."""
        ...

    def register_info(self) -> tuple[str, str, int]:
        """(snapshot date, source, number of families) of the register."""
        ...

    def presence(self) -> tuple[Presence, ...]:
        """When each family of the register was last known to have anything to do with this kiosk, by key."""
        ...

    def has_day(self, date: BusinessDate) -> bool:
        """Whether there was a business day of that date."""
        ...

    def last_seal(self) -> int:
        """Place of the newest seal of a day; 0 before the first."""
        ...

    def clock(self) -> ClockMemory:
        """What is remembered of time over a restart."""
        ...

    def settings(self) -> Mapping[str, str]: ...

    def secret(self, name: str) -> bytes | None:
        """A key kept in the encrypted file: `device_key`, `card_key`, `city_key`."""
        ...

    def sealed(self, after_seq: int, limit: int, max_bytes: int) -> tuple[Sealed, ...]:
        """Entries above `after_seq` for a batch, at least one if there is any."""
        ...

    def acknowledgement(self) -> CityAcknowledged | None:
        """The city's newest, with its signature; None before the first."""
        ...

    def cursor(self) -> int:
        """Of the last accepted page of the city's state."""
        ...


class UnitOfWork(LedgerReader, Protocol):
    """One BEGIN IMMEDIATE .. COMMIT; reads see its own writes. Lives milliseconds, one at a time in the process.

    Leaving the `with` block normally commits; leaving it with an exception rolls back.
    A projection that would break a rule (a lease overdrawn, stock below zero) raises and nothing happens.
    """

    def append(self, fact: Fact, operator: str = "", entry_id: str | None = None) -> Entry:
        """Chain one fact and update every projection it touches.

        Raises:
            AllotmentExhausted: a lease would be overdrawn.
            OutOfStock: stock would fall below zero.
            LedgerFull: no room on the disk.
        """
        ...

    def next_receipt(self) -> int:
        """The next receipt number; used by the same transaction's entry, so there is never a gap."""
        ...

    def open_attempt(self, attempt: Attempt) -> None: ...

    def settle_attempt(self, attempt_id: str, state: AttemptState, approval: Approved | None = None) -> None: ...

    def queue_print(self, kind: str, entry: str, receipt: int, copy: int, goods: Mapping[str, int]) -> PrintJob: ...

    def print_tried(self, job: int) -> None: ...

    def print_refused(self, job: int) -> None:
        """Take that try back: nothing came out."""
        ...

    def print_done(self, job: int) -> None: ...

    def accept(self, page: StatePage, digest: str) -> Entry:
        """Take a page of the city's state: register and reference tables, and one StateReceived entry.

        What the page asks to have back, and what it grants for a month that is closed here, is given back in the same
        transaction.

        Raises:
            ProtocolMismatch: the page's cursor is not above the held one (a downgrade).
        """
        ...

    def accept_grant(
        self,
        request: str,
        serial: int,
        family: Family,
        leases: tuple[LeaseGrant, ...],
        signature: str,
        *,
        home: bool = False,
    ) -> Entry:
        """Take the city's answer to a request for rights: the family's row, and one RightsGranted entry.

        Raises:
            ProtocolMismatch: a lease changed its unit.
        """
        ...

    def surrender(self, asked: Iterable[Surrender], reason: str) -> Entry | None:
        """Give back of these leases what is asked for (totals S), as far as it is here; None when there is nothing."""
        ...

    def forget_families(self, keys: Iterable[str]) -> None:
        """Remove these families from the register; their receipts and rights stay under their keys."""
        ...

    def heard_city(self, time: CityTime) -> None:
        """Remember the city's time."""
        ...

    def accept_clock(self, offset_ms: int) -> None:
        """Remember the distance to the city's time that a leader confirmed."""
        ...

    def put_operator(self, operator: OperatorRecord) -> None: ...

    def pin_failed(self, code: str) -> int:
        """Count a wrong PIN; survives a restart. Returns the new count."""
        ...

    def pin_not_meant(self, code: str) -> None:
        """Take one count back: that PIN was another's."""
        ...

    def pin_accepted(self, code: str) -> None: ...

    def put_setting(self, key: str, value: str) -> None: ...

    def put_secret(self, name: str, value: bytes) -> None: ...

    def set_identity(self, identity: KioskIdentity) -> None:
        """Fix who this ledger belongs to; before the first entry of an epoch."""
        ...


class Ledger(Protocol):
    """The only home of facts. One instance per file and machine."""

    def write(self) -> AbstractContextManager[UnitOfWork]:
        """A unit of work; waits for the one before it. Services use it on the LEDGER lane, sync and PINs on theirs.

        Raises:
            LedgerBusy, LedgerFull, LedgerCorrupt: in the `with` statement or at its end.
        """
        ...

    def read(self) -> LedgerReader:
        """Reader of committed state on a query-only connection; never waits for a writer."""
        ...

    def checkpoint(self) -> None:
        """Housekeeping that a later write would otherwise have to do; for moments when nobody waits. LEDGER lane.

        Raises:
            LedgerFull, LedgerError: the disk; nothing is lost by it.
            LedgerBusy: another program works on this ledger too (`second`); nothing may be served from it.
        """
        ...

    def audit(self, wanted: Callable[[], bool]) -> bool:
        """Verify everything, if that is due; ends early when it is not `wanted` any more. AUDIT lane.

        Raises:
            LedgerCorrupt: the ledger is not what its entries say; nothing may be served from it.
            LedgerBusy: another program works on it too (`second`); nor then.
            LedgerError, ConfigError: it could not be done now.
        """
        ...

    def close(self) -> None: ...
