"""Serve a card: identify, check, redeem, settle an attempt, reverse.

A purse debit runs in three calls so that no transaction spans the terminal: `begin` (intent durable) on the ledger
lane, `PaymentTerminal.pay` on the terminal lane, `conclude` (one commit) back on the ledger lane.
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex

import msgspec

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Lease, Standing
from ewarung_pos.domain.family import CardRef, HolderPresence
from ewarung_pos.domain.free_text import PROXY_REASON_CHARS
from ewarung_pos.domain.journal import OTHER_DEBITS, AttemptOpened, AttemptSettled, Entry, Redeemed, RedemptionRefused
from ewarung_pos.domain.redemption import (
    AttemptState,
    Basket,
    PurseDebit,
    RedemptionLine,
    Remaining,
    RightDebit,
    Tender,
    priced,
    right_debits,
    total_of,
)
from ewarung_pos.domain.rights import is_pool
from ewarung_pos.errors import NotAuthorised, NotEntitled, OutcomeUnknown, RuleViolation
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
from ewarung_pos.services.doubt import another_was_debited, note_doubt
from ewarung_pos.services.standing import servable, standing_of
from ewarung_pos.services.typed import refuse_text

__all__ = [
    "RedeemService",
    "Redemption",
    "dispute_slip",
    "evidence_of",
    "goods_of",
    "hand_out",
    "purse_debit",
    "refuse_used_slip",
    "remaining_after",
]


class Redemption(msgspec.Struct, frozen=True):
    """What was committed: the entry, the paper that is owed for it, and the family's name (empty: no longer known)."""

    entry: Entry
    fact: Redeemed
    job: PrintJob
    name: str = ""


class RedeemService:
    """Serving one card after another, on the ledger lane."""

    def __init__(self, ledger: Ledger, clock: Clock, offset_ms: Callable[[], int | None]) -> None:
        """`offset_ms` gives the city's time minus ours at the last exchange, if there was one."""
        self._ledger = ledger
        self._clock = clock
        self._offset_ms = offset_ms

    def identify(self, card: CardRef) -> Standing:
        """Who this is, what is left, and every reason not to serve."""
        return self._standing(self._ledger.read(), card)

    def refuse(self, standing: Standing, operator: str) -> Entry:
        """Record that somebody came and was not served, and why."""
        with self._ledger.write() as uow:
            return uow.append(
                RedemptionRefused(
                    last4=standing.card.last4,
                    family=standing.family.key if standing.family else "",
                    reasons=standing.refusals,
                ),
                operator,
            )

    def redeem(
        self,
        card: CardRef,
        basket: Basket,
        presence: HolderPresence,
        operator: str,
        proxy_reason: str = "",
        shown: int | None = None,
    ) -> Redemption:
        """Hand out a basket without purse lines: one commit.

        `shown` is what the screen says that is to be paid, in rupiah.

        Raises:
            RuleViolation: the subclass names the rule, or `price_changed`: the catalogue says another amount than the
                screen; nothing happened.
            LedgerError: nothing happened, or (a failed commit) the outcome is looked up on reopening.
        """
        if any(line.tender is Tender.PURSE for line in basket.lines):
            raise OutcomeUnknown("a basket with purse lines needs an attempt", reason="no_attempt")
        refuse_text(proxy_reason, PROXY_REASON_CHARS)
        with self._ledger.write() as uow:
            standing = self._standing(uow, card)
            return self._commit(uow, standing, basket, presence, operator, proxy_reason, shown)

    def begin(
        self,
        card: CardRef,
        basket: Basket,
        presence: HolderPresence,
        operator: str,
        proxy_reason: str = "",
        shown: int | None = None,
    ) -> Attempt:
        """Write the intent to debit the purse; durable before the first byte goes to the terminal.

        Goods, names and prices are fixed here: what the holder agrees to is what will be recorded.

        Raises:
            RuleViolation: the basket may not be served, or `price_changed` as for `redeem`; nothing happened.
        """
        refuse_text(proxy_reason, PROXY_REASON_CHARS)
        with self._ledger.write() as uow:
            standing = self._standing(uow, card)
            catalogue = uow.catalogue()
            family = servable(standing, basket, catalogue)
            now = self._clock.now()
            purse = next((line for line in basket.lines if line.tender is Tender.PURSE), None)
            if purse is None:
                raise NotEntitled("nothing to debit", reason="no_debit")
            lines = priced(basket, catalogue)
            _as_shown(lines, shown)
            attempt = Attempt(
                id=self._clock.mint(),
                state=AttemptState.PENDING,
                family=family.key,
                card=card,
                amount=total_of(lines, Tender.PURSE).amount,
                basket=basket,
                presence=presence.value,
                programme=purse.programme,
                date=standing.date,
                opened_ms=now.wall.ms,
                operator=operator,
                proxy_reason=proxy_reason,
                lines=lines,
                salt=token_hex(16),
            )
            uow.open_attempt(attempt)
            opened = AttemptOpened(attempt.id, family.key, card.last4, attempt.amount, attempt.intent())
            uow.append(opened, operator)
            return attempt

    def conclude(
        self, attempt_id: str, outcome: PaymentOutcome, operator: str, decided_by: tuple[str, ...] = ()
    ) -> Redemption | AttemptState:
        """Make the outcome of an attempt durable: a redemption when approved, else the attempt's new state.

        Concluding twice is harmless: a final attempt stays as it is. Where the terminal named another debit before,
        its no does not end the doubt (`another_was_debited`).

        Raises:
            NotAuthorised: evidence from a slip needs two different people (`second_person`), and a slip proves one
                debit only (`slip_used`).
        """
        with self._ledger.write() as uow:
            attempt = uow.attempt(attempt_id)
            if attempt is None or attempt.kind != "sale":
                raise NotEntitled("no such attempt", reason="unknown_attempt")
            if attempt.state.final:
                return attempt.state
            evidence = evidence_of(outcome, decided_by)
            match outcome:
                case Approved():
                    standing = self._standing(uow, attempt.card, concluding=attempt)
                    if decided_by:
                        refuse_used_slip(uow, outcome.approval, outcome.invoice, ("sale", "void"))
                        uow.append(AttemptSettled(attempt.id, "approved", "", "slip", decided_by), operator)
                    else:
                        dispute_slip(uow, outcome, ("sale", "void"), operator)
                    done = _complete(uow, standing, attempt, purse_debit(attempt, outcome, evidence), operator)
                    approved = msgspec.structs.replace(outcome, evidence=evidence)
                    uow.settle_attempt(attempt.id, AttemptState.DONE, approved)
                    return done
                case Declined() if not decided_by and another_was_debited(uow, attempt.id):
                    return note_doubt(uow, attempt, Unknown("mismatch"), operator)
                case Declined():
                    state = AttemptState.CANCELLED if outcome.reason == "user_cancelled" else AttemptState.DECLINED
                    if outcome.reason in OTHER_DEBITS:
                        _, approval, invoice = outcome.code.split()
                        refuse_used_slip(uow, approval, invoice, ("sale", "void"))
                    uow.settle_attempt(attempt.id, state)
                    named = outcome.reason if outcome.reason in OTHER_DEBITS else state.value
                    code = outcome.code or outcome.reason
                    uow.append(AttemptSettled(attempt.id, named, code, evidence, decided_by), operator)
                    uow.append(
                        RedemptionRefused(attempt.card.last4, attempt.family, (), f"edc:{outcome.reason}"), operator
                    )
                    return state
                case _:
                    return note_doubt(uow, attempt, outcome, operator)

    def recover(self, operator: str = "") -> tuple[Attempt, ...]:
        """At start: every attempt that was under way when the machine died is IN DOUBT until it is resolved."""
        for attempt in self._ledger.read().open_attempts():
            if attempt.state is AttemptState.PENDING:
                with self._ledger.write() as uow:
                    note_doubt(uow, attempt, Unknown("restart"), operator)
        return self._ledger.read().open_attempts()

    def open_attempts(self) -> tuple[Attempt, ...]:
        """Debits whose outcome is not proven."""
        return self._ledger.read().open_attempts()

    # -- inside one unit of work ----------------------------------------------------------------------------------

    def _standing(self, reader: LedgerReader, card: CardRef, concluding: Attempt | None = None) -> Standing:
        return standing_of(reader, card, self._clock.now().wall, self._offset_ms, concluding)

    def _commit(
        self,
        uow: UnitOfWork,
        standing: Standing,
        basket: Basket,
        presence: HolderPresence,
        operator: str,
        proxy_reason: str,
        shown: int | None,
    ) -> Redemption:
        return hand_out(uow, standing, basket, uow.catalogue(), presence, operator, proxy_reason, shown)


def hand_out(
    uow: UnitOfWork,
    standing: Standing,
    basket: Basket,
    catalogue: Catalogue,
    presence: HolderPresence,
    operator: str,
    proxy_reason: str = "",
    shown: int | None = None,
) -> Redemption:
    """Append a redemption without purse and owe its paper; the catalogue names what may be handed out to whom.

    Raises:
        RuleViolation: the basket may not be served, or `price_changed` as for `RedeemService.redeem`.
    """
    family = servable(standing, basket, catalogue)
    lines = priced(basket, catalogue)
    _as_shown(lines, shown)
    debits = right_debits(lines, standing.period.iso)
    fact = Redeemed(
        receipt=uow.next_receipt(),
        family=family.key,
        last4=standing.card.last4,
        presence=presence,
        lines=lines,
        debits=debits,
        remaining=remaining_after(standing.leases, debits, catalogue),
        proxy_reason=proxy_reason,
    )
    return _handed_out(uow, standing, fact, operator)


def _complete(uow: UnitOfWork, standing: Standing, attempt: Attempt, debit: PurseDebit, operator: str) -> Redemption:
    """The redemption of a proven debit, as it was agreed to: neither prices nor rights are asked again."""
    debits = right_debits(attempt.lines, standing.period.iso)
    before = standing.shadow.amount if standing.shadow is not None else None
    fact = Redeemed(
        receipt=uow.next_receipt(),
        family=attempt.family,
        last4=attempt.card.last4,
        presence=HolderPresence(attempt.presence),
        lines=attempt.lines,
        debits=debits,
        remaining=remaining_after(standing.leases, debits, uow.catalogue()),
        purse=debit,
        purse_before=before,
        purse_after=None if before is None else before - debit.amount,
        proxy_reason=attempt.proxy_reason,
    )
    return _handed_out(uow, standing, fact, operator)


def _handed_out(uow: UnitOfWork, standing: Standing, fact: Redeemed, operator: str) -> Redemption:
    entry = uow.append(fact, operator)
    job = uow.queue_print("receipt", entry.id, fact.receipt, 0, goods_of(fact.lines))
    return Redemption(entry, fact, job, standing.family.name if standing.family is not None else "")


def _as_shown(lines: tuple[RedemptionLine, ...], shown: int | None) -> None:
    """Nobody pays another amount than the screen said.

    Raises:
        RuleViolation: the city sent other prices since the basket was shown (`price_changed`).
    """
    total = total_of(lines, Tender.PURSE, Tender.CASH).amount
    if shown is not None and total != shown:
        raise RuleViolation(f"{total} is not {shown}", reason="price_changed")


def evidence_of(outcome: PaymentOutcome, decided_by: tuple[str, ...]) -> str:
    """How the outcome is known: by the terminal, or by two people who read its slip.

    Raises:
        NotAuthorised: one person alone decided.
    """
    if not decided_by:
        return outcome.evidence if isinstance(outcome, Approved) else "edc"
    if len(set(decided_by) - {""}) < 2:
        raise NotAuthorised("a slip needs two people", reason="second_person")
    return "slip"


def refuse_used_slip(reader: LedgerReader, approval: str, invoice: str, kinds: tuple[str, ...]) -> None:
    """One slip of the EDC proves one thing, whatever two people say.

    Raises:
        NotAuthorised: its approval and invoice stand in the ledger already (`slip_used`).
    """
    if reader.slip_used(approval, invoice, kinds) is not None:
        raise NotAuthorised("this slip is recorded already", reason="slip_used")


def dispute_slip(uow: UnitOfWork, proven: Approved, kinds: tuple[str, ...], operator: str) -> None:
    """The EDC itself names a debit that two people had claimed for another basket: say so, for the city to settle.

    What the EDC proves is recorded all the same; the other redemption stands too, because its goods have left.
    """
    claimed = uow.slip_used(proven.approval, proven.invoice, kinds, by_people=True)
    if claimed is not None:
        uow.append(AttemptSettled(claimed, "slip_disputed", proven.invoice, "edc"), operator)


def purse_debit(attempt: Attempt, approved: Approved, evidence: str) -> PurseDebit:
    """The terminal's answer as the journal keeps it."""
    return PurseDebit(
        attempt=attempt.id,
        amount=approved.amount,
        approval=approved.approval,
        invoice=approved.invoice,
        rrn=approved.rrn,
        terminal=approved.terminal,
        merchant=approved.merchant,
        batch=approved.batch,
        evidence=evidence,
        programme=attempt.programme,
    )


def goods_of(lines: tuple[RedemptionLine, ...]) -> dict[str, int]:
    """Base units of each commodity on the lines, whatever paid for them."""
    goods: dict[str, int] = {}
    for line in lines:
        goods[line.commodity] = goods.get(line.commodity, 0) + line.amount
    return goods


def remaining_after(
    leases: tuple[Lease, ...], debits: tuple[RightDebit, ...], catalogue: Catalogue, sign: int = 1
) -> tuple[Remaining, ...]:
    """What is left of every lease before and after these debits (`sign` -1 gives them back).

    What is left of the kiosk's pool is no family's.
    """
    taken = {(d.programme, d.commodity): d.amount for d in debits}
    rows = []
    for lease in leases:
        if is_pool(lease.family):
            continue
        before = lease.rest
        after = before - sign * taken.get((lease.programme, lease.commodity), 0)
        name = catalogue.short(lease.commodity)
        rows.append(Remaining(lease.programme, lease.commodity, name, lease.unit, before, after))
    return tuple(rows)
