"""Where the siblings meet: what services, devices, ledger, sync and ui may ask of each other.

Only Protocols and the frozen values that pass through them. Blocking calls are made on the lane named in each
docstring and carry a deadline of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol, TypeVar

import msgspec

from ewarung_pos.domain.business_day import Day, DayTotals
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.entitlement import Lease
from ewarung_pos.domain.family import CardRef, Family
from ewarung_pos.domain.journal import CityAcknowledged, Entry, Fact, Sealed
from ewarung_pos.domain.redemption import AttemptState, Basket, RedemptionLine
from ewarung_pos.domain.retention import Presence
from ewarung_pos.domain.state import KioskIdentity, OperatorRecord, StatePage
from ewarung_pos.domain.timeline import BusinessDate, CityTime, ClockMemory, ClockReading, Period
from ewarung_pos.domain.units import Rupiah

T = TypeVar("T")

# --- time and identity -------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The only source of time and of new identifiers."""

    def now(self) -> ClockReading:
        """Wall and monotonic time together."""
        ...

    def mint(self) -> str:
        """A new UUIDv7: made once, before anything leaves the machine."""
        ...


# --- threads -----------------------------------------------------------------------------------------------------


class Lane(StrEnum):
    """One single-worker executor each; a device is only ever touched on its own lane.

    The ledger is written on LEDGER; SYNC, and PIN once the slow hashing is done, take their turn at it.
    """

    LEDGER = "ledger"
    TERMINAL = "terminal"
    PRINTER = "printer"
    SYNC = "sync"
    PIN = "pin"
    AUDIT = "audit"
    COPY = "copy"


class TaskRunner(Protocol):
    """Runs work on a lane and brings the result home to the caller's (UI) thread."""

    def submit(
        self,
        lane: Lane,
        work: Callable[[], T],
        on_ok: Callable[[T], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Queue `work`; exactly one of the two callbacks follows, on the UI thread."""
        ...

    def post(self, callback: Callable[[], None]) -> None:
        """Run `callback` on the UI thread; may be called from any lane (progress of a running job)."""
        ...

    def later(self, delay_ms: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Run `callback` on the UI thread after a delay; returns the function that cancels it."""
        ...


# --- devices -----------------------------------------------------------------------------------------------------


class DeviceState(StrEnum):
    """What a lamp shows."""

    READY = "ready"
    BUSY = "busy"
    AWAY = "away"
    ATTENTION = "attention"
    UNKNOWN = "unknown"
    NONE = "none"


class DeviceStatus(msgspec.Struct, frozen=True):
    """State of a device with a stable reason word (`ui.text` has the sentence) and a detail for the log."""

    state: DeviceState
    reason: str = ""
    detail: str = ""


class CardPresented(msgspec.Struct, frozen=True):
    """A card was read. `expiry` is YYMM or empty; `source` is ecr, pcsc, stripe or typed."""

    card: CardRef
    expiry: str = ""
    source: str = "ecr"


class CardReader(Protocol):
    """Says whose card it is. TERMINAL lane: it may be the same box as the terminal."""

    source: str
    """What `CardPresented.source` will be: ecr, pcsc or stripe; empty where there is no reader."""

    def poll(self, wait_ms: int) -> CardPresented | None:
        """One bounded step: wait at most `wait_ms` for a card.

        Raises:
            DeviceUnavailable: no port, unplugged, in use.
            DeviceProtocolError: an answer that its protocol does not allow.
            CardNotRead: the card that is there could not be read.
        """
        ...

    def diagnose(self) -> DeviceStatus:
        """Look for the reader now, without a card; `detail` says what was seen. Never raises."""
        ...

    def release(self) -> None:
        """Stop asking for a card (before the same box is asked to pay). Never raises."""
        ...

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        ...

    def close(self) -> None:
        """Give the port back. Never raises."""
        ...


class PaymentStep(StrEnum):
    """Progress of a payment, for the screen."""

    SENT = "sent"
    ACCEPTED = "accepted"
    VERIFYING = "verifying"


class PaymentIntent(msgspec.Struct, frozen=True):
    """A debit as written to the ledger before the first byte: id, whole rupiah (1..9_999_999_999), expected last4."""

    attempt: str
    amount: int
    last4: str = ""


class Approved(msgspec.Struct, frozen=True):
    """The bank took the money. References are the terminal's; `evidence` as in PurseDebit."""

    amount: int
    approval: str
    invoice: str
    rrn: str
    terminal: str
    merchant: str
    batch: str
    evidence: str = "edc"


class Declined(msgspec.Struct, frozen=True):
    """No money moved, and the terminal says so. `code` is its raw response code.

    `reason`: declined, insufficient, wrong_pin, expired_card, card_error, user_cancelled, host_unavailable,
    terminal_fault, not_accepted (three NAKs), not_sent (link gone before the first byte), not_found (inquiry).
    """

    code: str
    reason: str


class Unknown(msgspec.Struct, frozen=True):
    """Money may have moved. `reason`: no_answer, link_lost, bad_frame, mismatch, host_timeout, no_ack, no_query."""

    reason: str


PaymentOutcome = Approved | Declined | Unknown


class Settlement(msgspec.Struct, frozen=True):
    """The terminal's own total since its last settlement, net of voids, rupiah."""

    amount: int
    batch: str = ""


class PaymentTerminal(Protocol):
    """Moves money at the bank. TERMINAL lane; every call is bounded by the driver's deadlines."""

    def pay(self, intent: PaymentIntent, on_step: Callable[[PaymentStep], None]) -> PaymentOutcome:
        """Ask for a debit. Never raises for what may have moved money: that is `Unknown`.

        Raises:
            DeviceUnavailable: the port could not be opened; nothing was sent.
        """
        ...

    def inquire(self, intent: PaymentIntent) -> PaymentOutcome:
        """What became of an earlier intent. `Unknown("no_query")` where the terminal has no such question.

        Raises:
            DeviceUnavailable: the port could not be opened.
        """
        ...

    def void(self, attempt: str, original: Approved) -> PaymentOutcome:
        """Undo an approved debit (Approved means voided)."""
        ...

    def abort(self) -> None:
        """Ask to stop a payment that the terminal has not accepted yet. Safe from any thread."""
        ...

    def settle(self) -> Settlement:
        """Total of the batch, at the end of the day.

        Raises:
            DeviceError: unavailable, timeout or refused.
        """
        ...

    def diagnose(self) -> DeviceStatus:
        """Echo test."""
        ...

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        ...

    def close(self) -> None:
        """Give the port back. Never raises."""
        ...


class PrintReport(msgspec.Struct, frozen=True):
    """What is known after printing: `confirmed` when the device said so afterwards, else sent but not confirmed."""

    confirmed: bool
    status: DeviceStatus


class ReceiptPrinter(Protocol):
    """Puts a document on paper. PRINTER lane."""

    columns: int

    def print(self, document: Document) -> PrintReport:
        """Check, send, check again.

        Raises:
            PrinterNotReady: paper, cover, power; nothing useful came out and the job must stay.
        """
        ...

    def status(self) -> DeviceStatus:
        """Ask the device; "no answer" is UNKNOWN and not an error."""
        ...

    def close(self) -> None:
        """Give the port back. Never raises."""
        ...


class PracticeTray(Protocol):
    """Hands of the person in front of a simulated EDC; only in practice mode. Any thread; bounded calls."""

    def cards(self) -> tuple[tuple[str, str], ...]:
        """(row id, label) of the cards that lie on the tray."""
        ...

    def insert(self, row: str) -> None:
        """Put a card into the terminal."""
        ...

    def next_sale(self, what: str) -> None:
        """How the holder or the line behaves at the next sale.

        One of ok, wrong_pin, cancel, insufficient, lose_answer.
        """
        ...

    def face(self) -> Mapping[str, Any]:
        """What the terminal's own display shows: `{"lines": [...], "asks_pin": bool}`."""
        ...

    def press(self, key: str) -> None:
        """A key on the terminal: digit, `ok`, `cancel` or `clear`."""
        ...

    def slip(self, attempt_amount: int) -> Mapping[str, str] | None:
        """The terminal's own last slip of that amount (approval, invoice), as a person would read it."""
        ...

    def totals(self) -> Mapping[str, int]:
        """{"approved", "voided"} rupiah since the simulator started."""
        ...


# --- ledger ------------------------------------------------------------------------------------------------------


class Attempt(msgspec.Struct, frozen=True):
    """A purse debit, or the void of one, on its way to the terminal.

    `kind` is sale or void. A sale keeps its `basket` and the `lines` as priced when the holder was asked, so that the
    redemption can be completed after a power cut and whatever the catalogue says by then; a void keeps the `entry` it
    undoes, the `reason` and the `leader` who allowed it, for the same purpose.
    """

    id: str
    state: AttemptState
    family: str
    card: CardRef
    amount: int
    basket: Basket
    presence: str
    programme: str
    date: BusinessDate
    opened_ms: int
    operator: str
    approval: Approved | None = None
    proxy_reason: str = ""
    kind: str = "sale"
    entry: str = ""
    reason: str = ""
    leader: str = ""
    lines: tuple[RedemptionLine, ...] = ()

    def intent(self) -> str:
        """Digest (SHA-256, hex) of the attempt as it was opened: the same whatever became of it since."""
        opened = msgspec.structs.replace(self, state=AttemptState.PENDING, approval=None)
        return sha256(msgspec.json.encode(opened)).hexdigest()


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

    def shadow(self, family: str) -> Rupiah | None:
        """Credits the city sent minus purse debits recorded here; None when the family has no purse credit."""
        ...

    def stock(self) -> dict[str, int]: ...

    def last_visit(self, family: str) -> BusinessDate | None: ...

    def open_attempts(self) -> tuple[Attempt, ...]: ...

    def attempt(self, attempt_id: str) -> Attempt | None: ...

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

        Raises:
            ProtocolMismatch: the page's cursor is not above the held one (a downgrade).
        """
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
        """
        ...

    def audit(self, wanted: Callable[[], bool]) -> bool:
        """Verify everything, if that is due; ends early when it is not `wanted` any more. AUDIT lane.

        Raises:
            LedgerCorrupt: the ledger is not what its entries say; nothing may be served from it.
            LedgerError, ConfigError: it could not be done now.
        """
        ...

    def close(self) -> None: ...


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
        """The newest one that is there now.

        Raises:
            ConfigError: the place is not there (`backup_dir`).
        """
        ...


# --- city --------------------------------------------------------------------------------------------------------


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
