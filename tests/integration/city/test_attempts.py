"""However an attempt at a purse ends at the till, the city's account of the day ends the same way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ewarung_city.attest import fold_day
from ewarung_pos import services
from ewarung_pos.domain.journal import AttemptOpened, AttemptSettled, DayClosed, Entry, Fact
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.ports import Declined, PaymentOutcome, Unknown
from ewarung_pos.services.reverse import ReversalReason
from tests.integration.city.city_kit import LiveCity, Till
from tests.integration.city.test_day import APPROVED, Counter

STATES = {state.value for state in AttemptState}


def outcomes_in_the_sources() -> set[str]:
    """What the services write as the outcome of an attempt; `state.value` stands for the final states of a sale."""
    found: set[str] = set()
    for source in sorted(Path(str(services.__file__)).parent.glob("*.py")):
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "AttemptSettled":
                outcome = call.args[1]
                found |= {str(outcome.value)} if isinstance(outcome, ast.Constant) else STATES
    return found


OUTCOMES = sorted(outcomes_in_the_sources() | STATES)


def test_the_sources_write_outcomes_in_words() -> None:
    assert {"approved", "voided", "void_declined", "in_doubt", "declined", "cancelled"} <= set(OUTCOMES)


def entry(seq: int, fact: Fact) -> Entry:
    return Entry(seq, f"e{seq}", "EW-0001", 1, "2026-11-24", seq, seq, "boot", "siti", fact)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_attempt_is_open_while_its_outcome_is_not_known(outcome: str) -> None:
    """Pending is how an attempt begins; nothing is ever settled as pending."""
    story = [entry(1, AttemptOpened("a", "K1", "4821", 5)), entry(2, AttemptSettled("a", outcome))]
    assert fold_day(story[:1], 1, 1).in_doubt == 1
    assert fold_day(story, 1, 2).in_doubt == (outcome == AttemptState.IN_DOUBT)


PEOPLE = ("siti", "yuni")
ENDINGS: dict[str, tuple[PaymentOutcome, tuple[str, ...]]] = {
    "approved": (APPROVED, ()),
    "approved by slip": (APPROVED, PEOPLE),
    "declined": (Declined("51", "insufficient"), ()),
    "cancelled": (Declined("", "user_cancelled"), ()),
}


def sealed(city: LiveCity, till: Till, counter: Counter, edc: int) -> DayClosed:
    """Close, send, and have the city's word: no figure differs."""
    fact = counter.close(edc)
    attested: list[str] = []
    for _ in range(6):
        report = till.engine.step()
        assert (report.code, report.reason) == ("", "")
        attested.extend(report.attested)
    assert attested == ["2026-11-24"]
    assert city.cases() == []
    return fact


@pytest.fixture
def counter(till: Till) -> Counter:
    from ewarung_pos.domain.stock import ReceivedLine

    till.drain()
    made = Counter(till)
    made.day.open("siti")
    made.stock.receive("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 100),), "siti")
    return made


@pytest.mark.parametrize("doubt", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_day_with_a_sale_that_ended_so_is_attested(
    city: LiveCity, till: Till, counter: Counter, ending: str, doubt: bool
) -> None:
    from ewarung_pos.domain.family import HolderPresence
    from ewarung_pos.domain.redemption import Basket, Tender

    outcome, people = ENDINGS[ending]
    basket = Basket().with_packs("beras-medium-5", 1, Tender.PURSE, "SEMBAKO")
    attempt = counter.redeem.begin(counter.families("SEMBAKO")[0].card, basket, HolderPresence.SELF, "siti")
    if doubt:
        counter.redeem.conclude(attempt.id, Unknown("timeout"), "siti")
    counter.redeem.conclude(attempt.id, outcome, "siti", people)
    paid = APPROVED.amount if outcome is APPROVED else 0
    assert sealed(city, till, counter, paid).totals.purse == paid


@pytest.mark.parametrize("doubt", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_day_with_a_void_that_ended_so_is_attested(
    city: LiveCity, till: Till, counter: Counter, ending: str, doubt: bool
) -> None:
    import msgspec

    outcome, people = ENDINGS[ending]
    done = counter.purse(counter.families("SEMBAKO")[0])
    attempt, _ = counter.reverse.begin_void(done.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    if doubt:
        counter.reverse.conclude(attempt.id, Unknown("timeout"), "siti")
    voided = outcome is APPROVED
    if voided:
        outcome = msgspec.structs.replace(APPROVED, approval="999999", invoice="000002")
    counter.reverse.conclude(attempt.id, outcome, "siti", people)
    left = 0 if voided else APPROVED.amount
    assert sealed(city, till, counter, left).totals.purse == left
