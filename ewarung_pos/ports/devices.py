"""What stands on the counter: card reader, payment terminal, receipt printer, and the tray of practice mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.family import CardRef

__all__ = [
    "Approved",
    "CardPresented",
    "CardReader",
    "Declined",
    "DeviceState",
    "DeviceStatus",
    "PaymentIntent",
    "PaymentOutcome",
    "PaymentStep",
    "PaymentTerminal",
    "PracticeTray",
    "PrintReport",
    "ReceiptPrinter",
    "Settlement",
    "Unknown",
]


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
    """A debit as written to the ledger before the first byte: id, whole rupiah (1..9_999_999_999), expected last4.

    `kind` is sale, or void where a void is inquired about.
    """

    attempt: str
    amount: int
    last4: str = ""
    kind: str = "sale"


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
    """The debit that was asked for did not happen. `code` is the terminal's raw response code.

    People who read the slip may also say no_slip, other_debit or other_debit_voided; the code is then as in
    `AttemptSettled`.

    `reason`: declined, insufficient, wrong_pin, expired_card, card_error, user_cancelled, host_unavailable,
    terminal_fault, not_accepted (three NAKs), not_sent (link gone before the first byte), busy (with another till),
    clock_behind (the terminal's clock is ahead of ours), not_found (inquiry). A void may also end as other_terminal:
    who is there did not take the debit, and nothing was sent.
    """

    code: str
    reason: str


class OtherDebit(msgspec.Struct, frozen=True):
    """A debit that the terminal named instead of the one it was asked for: rupiah, and whose card."""

    amount: int
    last4: str
    approval: str
    invoice: str


class Unknown(msgspec.Struct, frozen=True):
    """Money may have moved.

    `reason`: no_answer, link_lost, bad_frame, mismatch, host_timeout, no_ack, no_query, busy, unclear (asked what
    became of it, the terminal answered something that may not be about it), other_terminal (another than the one that
    is configured), unnamed (approved, without approval code, invoice and reference).

    `other`: at a mismatch, what the terminal says it debited instead, if it says so.
    """

    reason: str
    other: OtherDebit | None = None


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

        One whose answer was lost is asked for again, unless money was moved since or it was forgotten.

        Raises:
            DeviceError: unavailable, timeout or refused.
        """
        ...

    def forget_settlement(self) -> None:
        """The day is sealed, with or without the total of a settlement: it is not asked for again. Never raises."""
        ...

    def diagnose(self) -> DeviceStatus:
        """Echo test."""
        ...

    def look(self) -> DeviceStatus:
        """Whether the line is there, as far as that is seen without a question to the terminal. Never raises."""
        ...

    def status(self) -> DeviceStatus:
        """As last seen; no I/O."""
        ...

    def close(self) -> None:
        """Give the port back. Never raises."""
        ...


class PrintReport(msgspec.Struct, frozen=True):
    """What is known after printing: `confirmed` when the device said so afterwards, else sent but not confirmed.

    `paper` is what the journal says of it: `printer`, or `pdf` where nothing but a file came out.
    """

    confirmed: bool
    status: DeviceStatus
    paper: str = "printer"


class ReceiptPrinter(Protocol):
    """Puts a document on paper. PRINTER lane."""

    columns: int

    def print(self, document: Document) -> PrintReport:
        """Check, send, check again.

        Raises:
            PrinterNotReady: paper, cover, power; nothing useful came out and the job must stay. Whatever else is raised
                was raised before the first byte was sent.
        """
        ...

    def status(self) -> DeviceStatus:
        """Ask the device; "no answer" is UNKNOWN and not an error."""
        ...

    def seen(self) -> DeviceStatus:
        """As it last said itself, asked or printing; no I/O. Any thread."""
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
        """What the terminal's own display shows, its newest slip as `slip` says it or None, and how its next sale goes.

        `{"lines": [...], "asks_pin": bool, "slip": {...}, "next_sale": "ok"}`.
        """
        ...

    def press(self, key: str) -> None:
        """A key on the terminal: digit, `ok`, `cancel` or `clear`."""
        ...

    def slip(self, attempt_amount: int) -> Mapping[str, Any] | None:
        """The terminal's own last slip of that amount, with kind, amount, approval, invoice and last4."""
        ...

    def void(self, invoice: str) -> str:
        """VOID in the terminal's own menu; the bank's two-character answer, or `busy`."""
        ...

    def totals(self) -> Mapping[str, int]:
        """{"approved", "voided"} rupiah since the simulator started."""
        ...
