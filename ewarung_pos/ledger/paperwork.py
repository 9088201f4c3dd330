"""Are papers and debits under way what the journal says? Streamed beside the entries, as far as entries tell.

What no entry tells: how often a paper was tried, and that a copy is owed which has not been printed yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ewarung_pos.domain.family import CardRef
from ewarung_pos.domain.journal import (
    OTHER_DEBIT,
    OTHER_DEBIT_VOIDED,
    AttemptOpened,
    AttemptSettled,
    DayClosed,
    Entry,
    Redeemed,
    RegisterPurged,
    Reversed,
)
from ewarung_pos.domain.redemption import AttemptState, Basket, PurseDebit, RedemptionLine
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.ledger.history import COPIES
from ewarung_pos.ports import Approved, Attempt

__all__ = ["Attempts", "PrintJobs"]

Execute = Callable[..., Any]
Found = tuple[int, str]
"""(seq of the entry that is contradicted, what is wrong)."""

_JOBS = (
    "SELECT id, kind, entry, receipt, copy, goods, tries, done, "
    "EXISTS (SELECT 1 FROM receipt_paper AS r WHERE r.entry = p.entry AND r.copy = p.copy), "
    "(SELECT count(DISTINCT copy) FROM receipt_paper AS r WHERE r.entry = p.entry) "
    "FROM print_job AS p ORDER BY id"
)
_PAPERS = "SELECT count(DISTINCT copy) FROM receipt_paper WHERE entry = ?"
_ATTEMPT = "SELECT state, date, opened_ms, body FROM attempt WHERE id = ?"
_DECODER = msgspec.json.Decoder(Attempt)
_JSON = msgspec.json.Encoder()
_OF_DEBITS = frozenset((AttemptOpened, AttemptSettled, Redeemed, Reversed, RegisterPurged))
_OUTCOMES = {
    "declined": AttemptState.DECLINED,
    OTHER_DEBIT: AttemptState.DECLINED,
    OTHER_DEBIT_VOIDED: AttemptState.DECLINED,
    "void_declined": AttemptState.DECLINED,
    "cancelled": AttemptState.CANCELLED,
    "in_doubt": AttemptState.IN_DOUBT,
}


class PrintJobs:
    """Each redemption, reversal and seal owes one paper; what is done is what the journal says was printed."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._rows: Iterator[tuple[Any, ...]] = iter(execute(_JOBS))
        self._next = next(self._rows, None)

    def add(self, entry: Entry) -> Iterable[Found]:
        """What is wrong with the papers of this entry."""
        match entry.fact:
            case Redeemed() as fact:
                return self._papers(entry, "receipt", fact.receipt, _goods(fact.lines))
            case Reversed() as fact:
                return self._papers(entry, "reversal", fact.receipt, _goods(fact.lines))
            case DayClosed():
                return self._papers(entry, "day_report", 0, {})
            case _:
                return ()

    def rest(self) -> Iterator[Found]:
        """Jobs that are left when every entry was taken."""
        if self._next is not None:
            yield self._next[0] // COPIES, "a job that no entry explains"

    def _papers(self, entry: Entry, kind: str, receipt: int, goods: dict[str, int]) -> Iterator[Found]:
        done, place = 0, entry.seq * COPIES
        held = False
        papers: dict[str, int] = {}
        while self._next is not None and self._next[0] < place + COPIES:
            job, *told, text, tries, is_done, printed, of_entry = self._next
            self._next = next(self._rows, None)
            papers[told[1]] = of_entry
            if job < place:
                yield job // COPIES, "a job that no entry explains"
                continue
            original = job == place
            held = held or original
            expected = _JSON.encode(goods if original else {}).decode()
            if told != [kind, entry.id, receipt, job - place] or text != expected:
                yield entry.seq, f"copy {job - place}: not the paper of this entry"
            if is_done not in (0, 1) or bool(is_done) is not bool(printed) or tries < is_done:
                yield entry.seq, f"copy {job - place}: printed or not"
            done += is_done
        if not held:
            yield entry.seq, "the original is missing"
        if entry.id not in papers:
            (papers[entry.id],) = self._execute(_PAPERS, (entry.id,)).fetchone()
        if papers[entry.id] != done:
            yield entry.seq, "more was printed than is done"


class Attempts:
    """Each debit under way is as it was opened, and in the state that the journal left it in.

    One that was over when its family left the register holds no more than the journal says.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._opened = 0
        self._open: dict[str, tuple[Entry, AttemptOpened, AttemptState]] = {}
        self._whole: dict[str, int] = {}
        self._blank: dict[str, int] = {}
        # by family, where its first one was opened that ended since the family last left the register

    def add(self, entry: Entry) -> Iterable[Found]:
        """What is wrong with the attempt that this entry ends."""
        return self._taken(entry) if type(entry.fact) in _OF_DEBITS else ()

    def _taken(self, entry: Entry) -> Iterator[Found]:
        match entry.fact:
            case AttemptOpened() as fact:
                self._opened += 1
                self._open[fact.attempt] = (entry, fact, AttemptState.PENDING)
            case RegisterPurged() as fact:
                for family in (*fact.expired, *fact.moved):
                    self._blank.pop(family, None)
                    if family in self._whole:
                        yield self._whole.pop(family), "it holds what left with its family"
            case AttemptSettled() as fact if fact.attempt in self._open and fact.outcome in _OUTCOMES:
                state = _OUTCOMES[fact.outcome]
                self._open[fact.attempt] = (*self._open[fact.attempt][:2], state)
                if state.final:
                    yield from self._ended(fact.attempt, None)
            case Redeemed(purse=PurseDebit() as debit) | Reversed(void=PurseDebit() as debit) if (
                debit.attempt in self._open
            ):
                self._open[debit.attempt] = (*self._open[debit.attempt][:2], AttemptState.DONE)
                yield from self._ended(debit.attempt, debit)
            case _:
                pass

    def rest(self) -> Iterator[Found]:
        """What is wrong with those that are still open, and whether there is one that nobody opened."""
        for attempt in tuple(self._open):
            yield from self._ended(attempt, None)
        if self._execute("SELECT count(*) FROM attempt").fetchone() != (self._opened,):
            yield 0, "one that no entry opened"
        for seq in self._blank.values():
            yield seq, "not as it was opened"

    def _ended(self, attempt: str, debit: PurseDebit | None) -> Iterator[Found]:
        opened, fact, state = self._open.pop(attempt)
        seq, approval = opened.seq, None if debit is None else _approval(debit)
        row = self._execute(_ATTEMPT, (attempt,)).fetchone()
        if row is None:
            yield seq, "missing"
            return
        try:
            held = _DECODER.decode(row[3])
        except (msgspec.DecodeError, ValueError):
            yield seq, "not readable"
            return
        told = msgspec.structs.replace(held, state=state, approval=approval)
        if state.final and not held.card.token:  # it went with the family's name, and so did the intent
            self._blank.setdefault(fact.family, seq)
            told = _forgotten(opened, fact, state, approval)
        elif held.intent() != fact.intent or held.id != attempt:
            yield seq, "not as it was opened"
            return
        elif state.final:
            self._whole.setdefault(fact.family, seq)
        if row == (state.value, told.date.iso, told.opened_ms, _JSON.encode(told)):
            return
        yield seq, "not in the state that it was left in"


def _forgotten(opened: Entry, fact: AttemptOpened, state: AttemptState, approval: Approved | None) -> Attempt:
    """What stays of a debit when its family is removed, by the entries alone."""
    return Attempt(
        id=fact.attempt,
        state=state,
        family=fact.family,
        card=CardRef("", fact.last4),
        amount=abs(fact.amount),
        basket=Basket(),
        presence="",
        programme="",
        date=BusinessDate(opened.date),
        opened_ms=0,
        operator=opened.operator,
        approval=approval,
        kind="void" if fact.amount < 0 else "sale",
    )


def _goods(lines: tuple[RedemptionLine, ...]) -> dict[str, int]:
    """Base units of each commodity, as they stand on the paper."""
    goods: dict[str, int] = {}
    for line in lines:
        goods[line.commodity] = goods.get(line.commodity, 0) + line.amount
    return goods


def _approval(debit: PurseDebit) -> Approved:
    return Approved(
        debit.amount,
        debit.approval,
        debit.invoice,
        debit.rrn,
        debit.terminal,
        debit.merchant,
        debit.batch,
        debit.evidence,
    )
