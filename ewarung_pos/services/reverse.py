"""Reverse a redemption of the same day: a counter-entry, with the leader's word; nothing is erased.

A redemption paid by purse is voided at the terminal first; the counter-entry follows only a proven void.
"""

from __future__ import annotations

from enum import StrEnum
from secrets import token_hex

import msgspec

from ewarung_pos.domain.journal import (
    AttemptOpened,
    AttemptSettled,
    Entry,
    Redeemed,
    Reversed,
    SettingsChanged,
    decode,
)
from ewarung_pos.domain.redemption import AttemptState, Basket, PurseDebit
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.errors import DayNotOpen, NotAuthorised, NotEntitled
from ewarung_pos.ports import (
    Approved,
    Attempt,
    Clock,
    Declined,
    Ledger,
    LedgerReader,
    PaymentOutcome,
    PrintJob,
    UnitOfWork,
    Unknown,
)
from ewarung_pos.services.day import EDC_SETTLED
from ewarung_pos.services.doubt import another_was_debited, note_doubt
from ewarung_pos.services.redeem import (
    dispute_slip,
    evidence_of,
    goods_of,
    purse_debit,
    refuse_used_slip,
    remaining_after,
)

__all__ = ["Reversal", "ReversalReason", "ReverseService"]


_PAGE, _PAGE_BYTES = 500, 4_000_000


class ReversalReason(StrEnum):
    """Why a redemption is undone (code list)."""

    WRONG_GOODS = "barang_salah"
    WRONG_AMOUNT = "jumlah_salah"
    POOR_QUALITY = "mutu_buruk"
    WRONG_FAMILY = "keluarga_salah"
    HOLDER_ASKED = "permintaan_keluarga"

    @property
    def label(self) -> str:
        """As said at the counter."""
        return {
            "barang_salah": "barang salah",
            "jumlah_salah": "jumlah salah",
            "mutu_buruk": "mutu buruk",
            "keluarga_salah": "salah keluarga",
            "permintaan_keluarga": "permintaan keluarga",
        }[self.value]


class Reversal(msgspec.Struct, frozen=True):
    """What was committed: the counter-entry and the paper that is owed for it."""

    entry: Entry
    fact: Reversed
    job: PrintJob


class ReverseService:
    """Undoing, on the ledger lane."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def original(self, entry_id: str) -> Redeemed:
        """The redemption, if it may be reversed now.

        Raises:
            RuleViolation: not a redemption, not of this open day, reversed before, or a void of it is under way.
        """
        return self._reversible(self._ledger.read(), entry_id)[0]

    def reverse(self, entry_id: str, reason: ReversalReason, operator: str, leader: str) -> Reversal:
        """Append the counter-entry of a redemption without purse: goods back, rights back, receipt owed.

        Raises:
            RuleViolation: it may not be reversed. Nothing happened.
        """
        with self._ledger.write() as uow:
            original, _ = self._reversible(uow, entry_id)
            if original.purse is not None:
                raise NotAuthorised("the debit must be voided first", reason="void_first")
            return self._commit(uow, entry_id, original, reason.value, operator, leader, None)

    def begin_void(self, entry_id: str, reason: ReversalReason, operator: str, leader: str) -> tuple[Attempt, Approved]:
        """Write the intent to void; durable before the terminal is asked. Returns it with the debit to undo.

        Raises:
            RuleViolation: it may not be reversed, there is no debit, or the EDC ended its batch since (`edc_settled`):
                it voids nothing of a batch that it gave the bank.
        """
        with self._ledger.write() as uow:
            original, entry = self._reversible(uow, entry_id)
            debit = original.purse
            family = uow.family(original.family)
            if debit is None or family is None:
                raise NotEntitled("no debit to void", reason="no_debit")
            if _settled_since(uow, entry.seq):
                raise NotEntitled("the batch of this debit is settled", reason="edc_settled")
            attempt = Attempt(
                id=self._clock.mint(),
                state=AttemptState.PENDING,
                family=original.family,
                card=family.card,
                amount=debit.amount,
                basket=Basket(),
                presence=original.presence.value,
                programme=debit.programme,
                date=BusinessDate(entry.date),
                opened_ms=self._clock.now().wall.ms,
                operator=operator,
                kind="void",
                entry=entry_id,
                reason=reason.value,
                leader=leader,
                salt=token_hex(16),
            )
            uow.open_attempt(attempt)
            opened = AttemptOpened(attempt.id, original.family, original.last4, -debit.amount, attempt.intent())
            uow.append(opened, operator)
            return attempt, Approved(
                debit.amount, debit.approval, debit.invoice, debit.rrn, debit.terminal, debit.merchant, debit.batch
            )

    def conclude(
        self, attempt_id: str, outcome: PaymentOutcome, operator: str, decided_by: tuple[str, ...] = ()
    ) -> Reversal | AttemptState:
        """Make the outcome of a void durable: the counter-entry when proven, else the attempt's new state.

        What another terminal undid, by a number that both gave away, is not this debit: the void stays in doubt.

        Raises:
            NotAuthorised: evidence from a slip needs two different people (`second_person`), and a void's slip proves
                one void only (`slip_used`).
        """
        with self._ledger.write() as uow:
            attempt = uow.attempt(attempt_id)
            if attempt is None or attempt.kind != "void":
                raise NotEntitled("no such void", reason="unknown_attempt")
            if attempt.state.final:
                return attempt.state
            original = _redeemed(uow, attempt.entry)[0]
            debit = original.purse
            if isinstance(outcome, Approved) and not decided_by and debit and _undone_elsewhere(debit, outcome):
                outcome = Unknown("other_terminal")
            evidence = evidence_of(outcome, decided_by)
            match outcome:
                case Approved():
                    void = purse_debit(attempt, outcome, evidence)
                    if decided_by:
                        refuse_used_slip(uow, outcome.approval, outcome.invoice, ("void",))
                        uow.append(AttemptSettled(attempt.id, "voided", "", evidence, decided_by), operator)
                    else:
                        dispute_slip(uow, outcome, ("void",), operator)
                    done = self._commit(uow, attempt.entry, original, attempt.reason, operator, attempt.leader, void)
                    approved = msgspec.structs.replace(outcome, evidence=evidence)
                    uow.settle_attempt(attempt.id, AttemptState.DONE, approved)
                    return done
                case Declined() if not decided_by and another_was_debited(uow, attempt.id):
                    return note_doubt(uow, attempt, Unknown("mismatch"), operator)
                case Declined():
                    uow.settle_attempt(attempt.id, AttemptState.DECLINED)
                    code = outcome.code or outcome.reason
                    uow.append(AttemptSettled(attempt.id, "void_declined", code, evidence, decided_by), operator)
                    return AttemptState.DECLINED
                case _:
                    return note_doubt(uow, attempt, outcome, operator)

    @staticmethod
    def _commit(
        uow: UnitOfWork,
        entry_id: str,
        original: Redeemed,
        reason: str,
        operator: str,
        leader: str,
        void: PurseDebit | None,
    ) -> Reversal:
        receipt = uow.next_receipt()
        leases = uow.leases(original.family, Period(original.debits[0].period)) if original.debits else ()
        fact = Reversed(
            receipt=receipt,
            original=entry_id,
            original_receipt=original.receipt,
            family=original.family,
            last4=original.last4,
            reason=reason,
            approved_by=leader,
            lines=original.lines,
            debits=original.debits,
            remaining=remaining_after(leases, original.debits, uow.catalogue(), sign=-1),
            void=void,
        )
        entry = uow.append(fact, operator)
        return Reversal(entry, fact, uow.queue_print("reversal", entry.id, receipt, 0, goods_of(original.lines)))

    @staticmethod
    def _reversible(reader: LedgerReader, entry_id: str) -> tuple[Redeemed, Entry]:
        fact, entry = _redeemed(reader, entry_id)
        day = reader.day()
        if day.closing:
            raise DayNotOpen("the close is under way", reason="day_closing")
        if not day.serving or day.date is None or day.date.iso != entry.date:
            raise DayNotOpen("only on the same open day", reason="not_same_day")
        if any(attempt.entry == entry_id for attempt in reader.open_attempts()):
            raise NotEntitled("a void is under way", reason="void_in_doubt")
        rows = reader.history(day.date, str(fact.receipt))
        if any(row.entry == entry_id and row.reversed for row in rows):
            raise NotEntitled("reversed before", reason="already_reversed")
        return fact, entry


def _redeemed(reader: LedgerReader, entry_id: str) -> tuple[Redeemed, Entry]:
    sealed = reader.entry(entry_id)
    if sealed is None:
        raise NotEntitled("no such redemption", reason="unknown_entry")
    entry = decode(sealed.body)
    if not isinstance(entry.fact, Redeemed):
        raise NotEntitled("not a redemption", reason="not_reversible")
    return entry.fact, entry


def _undone_elsewhere(debit: PurseDebit, undone: Approved) -> bool:
    """Whether a void names another terminal or merchant than its debit; zeros and spaces name nobody."""
    pairs = ((debit.terminal, undone.terminal), (debit.merchant, undone.merchant))
    return any(ours.strip("0 ") and theirs.strip("0 ") and ours != theirs for ours, theirs in pairs)


def _settled_since(reader: LedgerReader, seq: int) -> bool:
    """Whether the EDC gave its total, and so ended its batch, after this entry."""
    while page := reader.sealed(seq, _PAGE, _PAGE_BYTES):
        for sealed in page:
            seq = sealed.seq
            fact = decode(sealed.body).fact
            if isinstance(fact, SettingsChanged) and fact.key == EDC_SETTLED:
                return True
    return False
