"""What can happen: the facts that a journal's entries carry.

They are taken from `domain.journal`, which puts each in its place in the chain.
"""

from __future__ import annotations

import msgspec

from ewarung_pos.domain.bounds import Code, Count, Whole
from ewarung_pos.domain.business_day import DayTotals, EdcTotals
from ewarung_pos.domain.entitlement import LeaseGrant, Refusal
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import PurseDebit, RedemptionLine, Remaining, RightDebit
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.stock import CountLine, ReceivedLine

__all__ = [
    "OTHER_DEBIT",
    "OTHER_DEBITS",
    "OTHER_DEBIT_VOIDED",
    "AttemptOpened",
    "AttemptSettled",
    "CardTyped",
    "CityAcknowledged",
    "ClockStepped",
    "ClosingBegun",
    "ClosingCancelled",
    "ComplaintRecorded",
    "DayClosed",
    "DayOpened",
    "Fact",
    "HardshipAllowed",
    "KioskEnrolled",
    "OperatorChanged",
    "PeriodClosed",
    "PriceChanged",
    "ReceiptPrinted",
    "Redeemed",
    "RedemptionRefused",
    "RegisterPurged",
    "Reversed",
    "RightsGranted",
    "SettingsChanged",
    "StateReceived",
    "StockAdjusted",
    "StockCounted",
    "StockReceived",
    "Surrendered",
]


class _Fact(msgspec.Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """Base of all facts; `kind` on the wire is the class name."""


class KioskEnrolled(_Fact, frozen=True):
    """First entry of an epoch: whose ledger this is, and the public keys (hex) that go with it."""

    name: str
    kelurahan_code: str
    device_key: str
    city_key: str
    app_version: str
    reason: str = ""
    kelurahan: str = ""
    practice: bool = False


class StateReceived(_Fact, frozen=True):
    """The city's state up to `cursor` was accepted: digest of the page and its effect on rights.

    `credits` are (family, programme, period, total rupiah credited at the bank). `items` are (kind, key, keyed digest)
    of everything else that the page left in the register (family, operator, catalogue, register): the journal names
    nobody, and still says what each row must be.
    """

    cursor: Count
    digest: str
    leases: tuple[LeaseGrant, ...] = ()
    credits: tuple[tuple[Code, Code, Code, Whole], ...] = ()
    items: tuple[tuple[str, str, str], ...] = ()


class RightsGranted(_Fact, frozen=True):
    """The city's answer to this kiosk's request: what it may hand out to a family from now on, as totals.

    `serial` is the place of these rights in the city's feed for this kiosk. `home` says that the family asked for this
    kiosk as its home, which the city made it. `items` as in StateReceived. `signature` (hex) is the city's over
    `rights.grant_text`.
    """

    request: Code
    serial: Count
    family: Code
    leases: tuple[LeaseGrant, ...]
    items: tuple[tuple[str, str, str], ...]
    signature: str
    home: bool = False


class Surrendered(_Fact, frozen=True):
    """Rights given back for good, as totals; the city counts them only after it has this entry.

    `reason`: asked (the city did), visitors (what families of other kiosks left here at the day's close), late (granted
    for a month that is closed here).
    """

    leases: tuple[Surrender, ...]
    reason: str


class PeriodClosed(_Fact, frozen=True):
    """Nothing of this month, or of one before it, is handed out by this kiosk any more: what was left is given back."""

    period: Code


class HardshipAllowed(_Fact, frozen=True):
    """The leader allowed the redemption that follows to be taken from the kiosk's pool, and why.

    `receipt` is that redemption's; `family` too, where a card that is not in the register here goes by
    `rights.stranger_of`. `named` is `rights.name_digest` of the name that was typed, if one was.
    """

    receipt: Count
    family: Code
    last4: str
    reason: str
    approved_by: str
    named: str = ""


class DayOpened(_Fact, frozen=True):
    """A business day began."""

    cash_float: Count = 0


class Redeemed(_Fact, frozen=True):
    """Goods handed to a family. `receipt` is numbered without gaps per device and epoch."""

    receipt: Count
    family: Code
    last4: str
    presence: HolderPresence
    lines: tuple[RedemptionLine, ...]
    debits: tuple[RightDebit, ...]
    remaining: tuple[Remaining, ...]
    purse: PurseDebit | None = None
    purse_before: Whole | None = None
    purse_after: Whole | None = None
    proxy_reason: str = ""


class Reversed(_Fact, frozen=True):
    """Counter-entry to a redemption: goods back on the shelf, rights back to the lease, purse voided at the EDC.

    `debits` and `lines` repeat those of the redemption; their effect is the opposite.
    """

    receipt: Count
    original: Code
    original_receipt: Count
    family: Code
    last4: str
    reason: str
    approved_by: str
    lines: tuple[RedemptionLine, ...]
    debits: tuple[RightDebit, ...]
    remaining: tuple[Remaining, ...]
    void: PurseDebit | None = None


class RedemptionRefused(_Fact, frozen=True):
    """Somebody came and was not served, and why."""

    last4: str
    family: Code
    reasons: tuple[Refusal, ...]
    code: str = ""


class CardTyped(_Fact, frozen=True):
    """A card's number was typed in place of being read: why, and the leader who allowed it with her PIN.

    What is redeemed with it follows. `family` is empty when the number is not of the register. No other entry says how
    a card was read: without this one before it, a reader or the EDC read it.
    """

    last4: str
    family: Code
    reason: str
    approved_by: str


class AttemptOpened(_Fact, frozen=True):
    """Intent to debit a purse (or, with a negative amount, to void), durable before the first byte to the terminal.

    `amount` rupiah. `intent` is the digest of the attempt as it was opened, basket included.
    """

    attempt: str
    family: Code
    last4: str
    amount: Whole
    intent: str = ""


OTHER_DEBIT = "other_debit"
OTHER_DEBIT_VOIDED = "other_debit_voided"
OTHER_DEBITS = frozenset({OTHER_DEBIT, OTHER_DEBIT_VOIDED})
"""Outcomes of an attempt for which the EDC debited another card or amount."""


class AttemptSettled(_Fact, frozen=True):
    """What became of an attempt, beside a redemption or its counter-entry.

    `outcome`: declined, cancelled, in_doubt, approved (by slip), voided (by slip), void_declined; other_debit or
    other_debit_voided: the EDC debited another card or amount, and that debit stands or was voided at the EDC; or
    slip_disputed: the EDC itself named another attempt's debit with the references that this one's slip had claimed.
    `code`: the terminal's; of another debit what its slip says: last four of the card, approval, invoice; in doubt,
    why, and after it the same and the rupiah of a debit that the EDC named instead.
    `evidence` says how we know; `decided_by` names the people when people decided.
    """

    attempt: str
    outcome: str
    code: str = ""
    evidence: str = "edc"
    decided_by: tuple[str, ...] = ()


class StockReceived(_Fact, frozen=True):
    """Goods delivered."""

    supplier: str
    note_number: str
    lines: tuple[ReceivedLine, ...]


class StockCounted(_Fact, frozen=True):
    """A blind count, in packs."""

    lines: tuple[CountLine, ...]
    closing: bool = False


class StockAdjusted(_Fact, frozen=True):
    """Book stock set to the count, each difference with its reason."""

    lines: tuple[CountLine, ...]
    approved_by: str = ""
    closing: bool = False


class PriceChanged(_Fact, frozen=True):
    """A product's price from now on, rupiah per pack; `reason` is required above the ceiling."""

    product: Code
    before: Count
    after: Count
    reason: str = ""


class ReceiptPrinted(_Fact, frozen=True):
    """Paper left the printer (copy 0 is the original, 1.. are SALINAN). `paper` says how: printer or pdf."""

    receipt: Count
    entry: Code
    copy: Count
    paper: str = "printer"


class OperatorChanged(_Fact, frozen=True):
    """Somebody signed in, out, was locked, or unlocked: by a leader, a new PIN, or her own right one at the fifth try.

    That lock is written before the fifth is looked at.
    """

    code: str
    change: str


class ComplaintRecorded(_Fact, frozen=True):
    """A complaint, which the kiosk cannot delete (domain rule R43).

    `commitment` is hex SHA-256 over 16 random bytes and the UTF-8 text. Both are to be kept beside the register: with
    them anybody can check the text, and without them nothing of it can be found out, so it can be purged and the chain
    stays whole. Nothing records a complaint yet, and schema 1 has no table for the two.
    """

    number: str
    category: str
    commitment: str
    anonymous: bool


class SettingsChanged(_Fact, frozen=True):
    """A setting that matters changed."""

    key: str
    before: str
    after: str


class RegisterPurged(_Fact, frozen=True):
    """Names, NIKs and cards of these families were removed from the register; what they received stays.

    `expired` had no right and no visit for `months`; `moved` belong to another kiosk. Both are keys, which name nobody.
    `server_ms` is the city's time that both were judged by: a clock of the kiosk alone removes nobody.
    """

    expired: tuple[Code, ...]
    moved: tuple[Code, ...]
    months: Count
    server_ms: Whole


class ClockStepped(_Fact, frozen=True):
    """The wall clock moved against the monotonic one by so many milliseconds, or a person confirmed it.

    Confirmed, it says by how much the clock is then held to be ahead of the city's time, or of the newest entry (so
    below 0) where that is not known: no distance but the last that was confirmed is ever trusted.
    """

    delta_ms: Whole
    confirmed: bool = False


class CityAcknowledged(_Fact, frozen=True):
    """The city holds everything up to `acked_seq`; `signature` (hex) is the city's over its acknowledgement."""

    acked_seq: Count
    acked_hash: str
    server_ms: Whole
    signature: str
    flagged: tuple[tuple[Count, str], ...] = ()


class ClosingBegun(_Fact, frozen=True):
    """New redemptions are refused; the count begins."""


class ClosingCancelled(_Fact, frozen=True):
    """Back to serving: the close was begun too early."""


class DayClosed(_Fact, frozen=True):
    """The seal: totals of the day, the count, the EDC's total, and the device's signature over the head before it.

    `signature` is hex Ed25519 over `device|epoch|first_seq|last_seq|head` with the head the entry follows.
    """

    totals: DayTotals
    count: tuple[CountLine, ...]
    edc: EdcTotals | None
    head: str
    signature: str
    report: Count


Fact = (
    KioskEnrolled
    | StateReceived
    | RightsGranted
    | Surrendered
    | PeriodClosed
    | HardshipAllowed
    | DayOpened
    | Redeemed
    | Reversed
    | RedemptionRefused
    | CardTyped
    | AttemptOpened
    | AttemptSettled
    | StockReceived
    | StockCounted
    | StockAdjusted
    | PriceChanged
    | ReceiptPrinted
    | OperatorChanged
    | ComplaintRecorded
    | SettingsChanged
    | RegisterPurged
    | ClockStepped
    | CityAcknowledged
    | ClosingBegun
    | ClosingCancelled
    | DayClosed
)
