"""Every way the till can fail, one class for each different thing a person can do about it.

Drivers translate foreign exceptions into these at their own edge. Declines at the EDC and verdicts of the city are
values, not exceptions. Whatever is not a `PosError` is a bug.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

__all__ = [
    "AllotmentExhausted",
    "BundleRefused",
    "CardBlocked",
    "CardNotRead",
    "ChainBroken",
    "ClockSuspect",
    "ConfigError",
    "DayNotOpen",
    "DeviceError",
    "DeviceProtocolError",
    "DeviceTimeout",
    "DeviceUnavailable",
    "HomeElsewhere",
    "LedgerBusy",
    "LedgerCorrupt",
    "LedgerError",
    "LedgerFull",
    "LedgerKeyWrong",
    "LedgerTooNew",
    "MigrationFailed",
    "NotAuthorised",
    "NotEntitled",
    "OutOfStock",
    "OutcomeUnknown",
    "PeriodNotCurrent",
    "PosError",
    "PrinterNotReady",
    "ProtocolMismatch",
    "Retry",
    "RuleViolation",
    "ServerBusy",
    "ServerUnreachable",
    "StickError",
    "SyncError",
    "Unauthorised",
]


class Retry(StrEnum):
    """When trying again makes sense."""

    NEVER = "never"
    NOW = "now"
    LATER = "later"
    AFTER_OPERATOR = "after_operator"


class PosError(Exception):
    """Base of all expected failures.

    Attributes:
        code: stable identifier; `ui.text` has a sentence and a next step for each (with `reason`, if any).
        retry: when trying again makes sense.
        exit_code: of the command line (contracts: 1 a check found something wrong, 2 wrong use or broken
            environment, 3 could not finish, nothing lost).
        reason: which of several causes, a short stable word.
        detail: for the log; never holds a card number, a PIN, a NIK or a name.
    """

    code: ClassVar[str] = "pos"
    retry: ClassVar[Retry] = Retry.NEVER
    exit_code: ClassVar[int] = 3

    def __init__(self, detail: str = "", *, reason: str = "") -> None:
        super().__init__(detail or reason or self.code)
        self.detail = detail
        self.reason = reason


class RuleViolation(PosError):
    """The rules say no; nothing was changed."""

    code = "rule"
    exit_code = 1


class NotEntitled(RuleViolation):
    """The family has no right to this commodity, or the card is not known here."""

    code = "not_entitled"


class AllotmentExhausted(RuleViolation):
    """More is asked than is left of the lease."""

    code = "allotment_exhausted"


class PeriodNotCurrent(RuleViolation):
    """The lease belongs to another period."""

    code = "period_not_current"


class CardBlocked(RuleViolation):
    """The city blocked the card, or an unresolved debit holds it."""

    code = "card_blocked"


class HomeElsewhere(RuleViolation):
    """Another kiosk holds this family's lease."""

    code = "home_elsewhere"


class DayNotOpen(RuleViolation):
    """The business day is not in the state this needs."""

    code = "day_not_open"


class OutOfStock(RuleViolation):
    """The shelf holds less than is asked."""

    code = "out_of_stock"


class NotAuthorised(RuleViolation):
    """The operator may not do this, or the PIN is wrong."""

    code = "not_authorised"
    retry = Retry.AFTER_OPERATOR


class ClockSuspect(RuleViolation):
    """The clock contradicts the ledger or the city; no redemption until it is settled."""

    code = "clock_suspect"
    retry = Retry.AFTER_OPERATOR


class DeviceError(PosError):
    """Something on the counter does not work."""

    code = "device"
    retry = Retry.LATER


class DeviceUnavailable(DeviceError):
    """No port, in use by another program, or unplugged before anything was sent."""

    code = "device_unavailable"


class DeviceTimeout(DeviceError):
    """The device did not answer in time; nothing that moves money was asked."""

    code = "device_timeout"


class DeviceProtocolError(DeviceError):
    """The device answered something its protocol does not allow."""

    code = "device_protocol"


class CardNotRead(DeviceError):
    """The reader works; this card could not be read. Taking it out and putting it in again may do.

    Reasons: removed, mute, wrong_card, blocked, unreadable, bad_swipe, two_cards.
    """

    code = "card_not_read"
    retry = Retry.NOW


_STOPPED = frozenset({"paper_out", "cover_open", "cutter", "fault", "hot", "offline"})
"""What a printer says of itself when it stopped."""


class PrinterNotReady(DeviceError):
    """Paper, cover or power: the print job stays.

    Attributes:
        maybe_out: a line of it may have been printed before the printer stopped, fell silent or was gone: the paper may
            be out, in part or whole. Where it is not set, certainly nothing came out.
    """

    code = "printer_not_ready"
    retry = Retry.AFTER_OPERATOR

    def __init__(self, detail: str = "", *, reason: str = "", maybe_out: bool = False) -> None:
        super().__init__(detail, reason=reason)
        self.maybe_out = maybe_out

    @property
    def in_doubt(self) -> bool:
        """Nobody knows, the printer neither: a person looks at it before another paper is printed.

        One that says why it stopped prints again by itself when that is mended, and what it prints says SALINAN.
        """
        return self.maybe_out and self.reason not in _STOPPED


class StickError(DeviceError):
    """The stick, or the folder in its place, does not take or give files. Nothing on it or here is half done.

    Reasons: full, read_only, gone, write, readback, no_stick, no_reply.
    """

    code = "stick"
    retry = Retry.AFTER_OPERATOR


class OutcomeUnknown(DeviceError):
    """Money may have moved; never sent again, must be resolved."""

    code = "outcome_unknown"
    retry = Retry.AFTER_OPERATOR


class LedgerError(PosError):
    """The ledger cannot be used as it is."""

    code = "ledger"
    exit_code = 2


class LedgerBusy(LedgerError):
    """Another instance of the till holds this ledger."""

    code = "ledger_busy"
    retry = Retry.LATER


class LedgerFull(LedgerError):
    """The disk is full; the last commit did not happen."""

    code = "ledger_full"
    retry = Retry.AFTER_OPERATOR
    exit_code = 3


class LedgerCorrupt(LedgerError):
    """The file is not a readable ledger of this product."""

    code = "ledger_corrupt"


class LedgerKeyWrong(LedgerError):
    """The file is there, the key does not open it."""

    code = "ledger_key_wrong"


class LedgerTooNew(LedgerError):
    """Written by a newer version; this version would harm it."""

    code = "ledger_too_new"


class MigrationFailed(LedgerError):
    """The upgrade did not work; the old file is in place."""

    code = "migration_failed"


class ChainBroken(LedgerError):
    """An entry was altered, removed or reordered."""

    code = "chain_broken"
    exit_code = 1


class SyncError(PosError):
    """The city could not be spoken to; everything stays here and is sent later."""

    code = "sync"
    retry = Retry.LATER


class ServerUnreachable(SyncError):
    """No line, no server, or an answer that is not the city's."""

    code = "server_unreachable"


class ServerBusy(SyncError):
    """The city asks to come back later."""

    code = "server_busy"


class Unauthorised(SyncError):
    """The city does not accept this kiosk, or the answer was not signed by the city."""

    code = "unauthorised"
    retry = Retry.AFTER_OPERATOR


class ProtocolMismatch(SyncError):
    """The two sides speak different versions."""

    code = "protocol_mismatch"
    retry = Retry.AFTER_OPERATOR


class BundleRefused(SyncError):
    """A file that was carried here is not to be believed, or not for here; nothing of it was used.

    Reasons: not_a_bundle, newer, too_large, damaged, wrong_way, other_city, other_kiosk, other_epoch, other_past; at
    the city unknown_kiosk too.
    """

    code = "bundle_refused"
    retry = Retry.AFTER_OPERATOR
    exit_code = 1


class ConfigError(PosError):
    """Wrong configuration: names the key, the value and what was expected."""

    code = "config"
    retry = Retry.AFTER_OPERATOR
    exit_code = 2
