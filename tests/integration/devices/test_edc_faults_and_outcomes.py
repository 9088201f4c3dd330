"""Every fault against every kind of line: the outcome is right or unknown, never wrong, and nothing is asked twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ewarung_pos.devices.ecr_evidence import short_id
from ewarung_pos.devices.simulated.faults import EDC
from ewarung_pos.errors import DeviceError, DeviceUnavailable
from ewarung_pos.ports import Approved, Declined, OtherDebit, PaymentIntent, PaymentOutcome, Unknown
from tests.integration.devices.conftest import Counter, deeds_at

AMOUNT = 2_500

# fault, first outcome, final outcome after asking the EDC
MATRIX: list[tuple[dict[str, object], str, str]] = [
    ({"do": "split", "ms": 1}, "approved", "approved"),
    ({"do": "glue_ack"}, "approved", "approved"),
    ({"do": "garbage_before"}, "approved", "approved"),
    ({"do": "bad_lrc_once"}, "approved", "approved"),
    ({"do": "nak", "count": 1}, "approved", "approved"),
    ({"do": "nak", "count": 2}, "approved", "approved"),
    ({"do": "duplicate_response"}, "approved", "approved"),
    ({"do": "late_response", "ms": 200}, "approved", "approved"),
    ({"do": "nak", "count": 3}, "not_accepted", "not_found"),
    ({"do": "decline", "code": "05"}, "declined", "?unclear"),  # a host may say that of the question too
    ({"do": "decline", "code": "51"}, "insufficient", "insufficient"),
    ({"do": "reject_pin"}, "wrong_pin", "wrong_pin"),
    ({"do": "bad_lrc"}, "?bad_frame", "approved"),
    ({"do": "short"}, "?bad_frame", "approved"),
    ({"do": "long"}, "?bad_frame", "approved"),
    ({"do": "silence"}, "?no_ack", "not_found"),
    ({"do": "silence", "processed": True}, "?no_ack", "approved"),
    ({"do": "drop_response"}, "?no_answer", "approved"),
    ({"do": "late_response", "ms": 800}, "?no_answer", "approved"),
    ({"do": "wrong_amount"}, "?mismatch", "approved"),
    ({"do": "wrong_type"}, "?mismatch", "approved"),
    ({"do": "host_timeout"}, "?host_timeout", "not_found"),
    ({"do": "host_timeout", "approved": True}, "?host_timeout", "approved"),
    ({"do": "hangup_after_ack"}, "?link_lost", "approved"),
    ({"do": "other_card"}, "?mismatch", "?mismatch"),  # people void it; the EDC named what it debited
]


def word(outcome: object) -> str:
    match outcome:
        case Approved():
            return "approved"
        case Declined(reason=reason):
            return reason
        case Unknown(reason=reason):
            return "?" + reason
    raise AssertionError(outcome)


@pytest.mark.parametrize(
    ("fault", "first", "final"), MATRIX, ids=["-".join(map(str, row[0].values())) for row in MATRIX]
)
def test_outcome_on_a_fresh_pty(
    counter: Callable[..., Counter], fault: dict[str, object], first: str, final: str
) -> None:
    at = counter("pty", [{"on": "sale", "nth": 1, **fault}])
    go_through(at, "a", first, final)


def test_all_faults_one_after_the_other_on_one_tcp_line(counter: Callable[..., Any]) -> None:
    script = [{"on": "sale", "nth": 2 * place + 1, **row[0]} for place, row in enumerate(MATRIX)]
    at = counter("tcp", script)
    for fault, first, final in MATRIX:
        go_through(at, str(fault), first, final)


def test_the_table_of_sales_has_all_that_can_go_wrong_with_one() -> None:
    assert {row[0]["do"] for row in MATRIX} == deeds_at(EDC, "sale") == set(EDC.deeds)


def go_through(at: Counter, name: str, first: str, final: str) -> None:
    """A sale that meets a fault, the question what became of it, and a sale after it."""
    before = len(at.slips())
    last4 = at.put_in()
    outcome = at.pay(name, AMOUNT, last4)
    assert word(outcome) == first, name
    known = at.inquire(name, AMOUNT, last4)
    assert word(known) == final, name
    slips = at.slips()[before:]
    assert len(slips) <= 1
    for told in (outcome, known):
        match told:
            case Approved():
                assert slips[0].moved
                assert (told.amount, told.invoice, told.rrn) == (AMOUNT, slips[0].invoice, slips[0].rrn)
                assert slips[0].last4 == last4
            case Declined():
                assert not any(slip.moved for slip in slips)
            case Unknown(other=OtherDebit() as other):
                assert (other.last4, other.invoice, other.approval) == (
                    slips[0].last4,
                    slips[0].invoice,
                    slips[0].approval,
                )
    assert word(at.pay(f"after {name}", AMOUNT, last4)) == "approved"
    assert len(at.slips()) == before + len(slips) + 1


@pytest.mark.parametrize("wire", ["pty", "tcp"])
def test_equal_amounts_are_not_mixed_up_when_the_first_answer_is_late(counter: Callable[..., Any], wire: str) -> None:
    at = counter(wire, [{"on": "sale", "nth": 1, "do": "late_response", "ms": 700}])
    assert word(at.pay("a", AMOUNT)) == "?no_answer"
    second = at.pay("b", AMOUNT)
    if isinstance(second, Declined):  # the EDC was still busy: nothing was sent
        assert second.reason == "not_sent"
        second = at.pay("b", AMOUNT)
    first = at.inquire("a", AMOUNT)
    assert isinstance(first, Approved)
    assert isinstance(second, Approved)
    assert [first.rrn, second.rrn] == [slip.rrn for slip in at.slips()]


@pytest.mark.parametrize("wire", ["pty", "tcp"])
def test_delayed_copies_do_not_answer_the_next_question(counter: Callable[..., Any], wire: str) -> None:
    at = counter(wire, [{"on": "any", "every": 1, "do": "duplicate_response", "ms": 30}])
    for number in range(4):
        outcome = at.pay(f"sale {number}", AMOUNT)
        assert isinstance(outcome, Approved)
        assert outcome.rrn == at.slips()[-1].rrn
        found = at.inquire(f"sale {number}", AMOUNT)
        assert isinstance(found, Approved)
        assert found.rrn == outcome.rrn
    assert at.inquire("never sold", AMOUNT) == Unknown("unclear")  # not sent here: perhaps another EDC knows it


@pytest.mark.parametrize("seed", range(3))
def test_what_the_edc_approved_is_what_the_till_knows(counter: Callable[..., Any], seed: int) -> None:
    """A morning of random faults on sales and voids; nothing may differ at its end."""
    import random

    dice = random.Random(seed)
    deeds: list[dict[str, object]] = [
        {"do": "split", "ms": 0},
        {"do": "glue_ack"},
        {"do": "bad_lrc_once"},
        {"do": "bad_lrc"},
        {"do": "nak"},
        {"do": "silence", "processed": True},
        {"do": "drop_response"},
        {"do": "duplicate_response", "ms": 5},
        {"do": "wrong_amount"},
        {"do": "wrong_type"},
        {"do": "garbage_before"},
        {"do": "hangup_after_ack"},
        {"do": "decline", "code": "51"},
        {"do": "host_timeout", "approved": True},
    ]
    script = [
        {"on": kind, "nth": nth, **dice.choice([deed for deed in deeds if deed["do"] in deeds_at(EDC, kind)])}
        for kind, count in (("sale", 25), ("void", 8))
        for nth in range(1, count)
        if dice.random() < 0.5
    ]
    at = counter("pty", script)
    sold: dict[str, Approved] = {}
    voided = 0
    for number in range(25):
        amount = dice.choice([5_000, 10_000])
        outcome = at.pay(f"sale {number}", amount)
        if isinstance(outcome, Unknown):
            outcome = at.inquire(f"sale {number}", amount)
        assert not isinstance(outcome, Unknown)
        if isinstance(outcome, Approved):
            sold[f"sale {number}"] = outcome
        if len(sold) > 3 and dice.random() < 0.3:
            undo = sold.pop(dice.choice(list(sold)))
            result = at.terminal.void(f"void {number}", undo)
            if isinstance(result, Unknown):
                result = at.inquire(f"void {number}", undo.amount)
            if isinstance(result, Approved):
                voided += undo.amount
            else:
                assert isinstance(result, Declined)
                sold[f"kept {number}"] = undo
    totals = at.bank.totals()
    known = sum(one.amount for one in sold.values())
    assert totals["approved"] - totals["voided"] == known
    assert totals["voided"] == voided
    assert at.terminal.settle().amount == known
    refs = [slip.ref for slip in at.slips()]
    assert len(refs) == len(set(refs))


# fault of an inquiry: what it proves of a sale that was debited, and of one that was not
ASKED: list[tuple[dict[str, object], str, str]] = [
    ({"do": "split", "ms": 1}, "approved", "not_found"),
    ({"do": "glue_ack"}, "approved", "not_found"),
    ({"do": "garbage_before"}, "approved", "not_found"),
    ({"do": "bad_lrc_once"}, "approved", "not_found"),
    ({"do": "nak", "count": 2}, "approved", "not_found"),
    ({"do": "duplicate_response"}, "approved", "not_found"),
    ({"do": "duplicate_response", "ms": 100}, "approved", "not_found"),
    ({"do": "late_response", "ms": 100}, "approved", "not_found"),
    ({"do": "late_response", "ms": 800}, "?no_answer", "?no_answer"),
    ({"do": "nak", "count": 3}, "?no_answer", "?no_answer"),
    ({"do": "silence"}, "?no_ack", "?no_ack"),
    ({"do": "silence", "processed": True}, "?no_ack", "?no_ack"),
    ({"do": "drop_response"}, "?no_answer", "?no_answer"),
    ({"do": "hangup_after_ack"}, "?link_lost", "?link_lost"),
    ({"do": "bad_lrc"}, "?bad_frame", "?bad_frame"),
    ({"do": "short"}, "?bad_frame", "?bad_frame"),
    ({"do": "long"}, "?bad_frame", "?bad_frame"),
    ({"do": "wrong_amount"}, "?mismatch", "not_found"),  # that there is none has no amount
    ({"do": "wrong_type"}, "?no_answer", "?no_answer"),
    ({"do": "wrong_type", "type": "01"}, "?no_answer", "?no_answer"),
    ({"do": "wrong_type", "type": "08"}, "?no_answer", "?no_answer"),
]


def test_the_table_of_inquiries_has_all_that_can_go_wrong_with_one() -> None:
    assert {row[0]["do"] for row in ASKED} == deeds_at(EDC, "inquiry")


def known_later(at: Counter, name: str, last4: str) -> PaymentOutcome:
    """Asked as the screen asks: again while the EDC does not answer."""
    end = time.monotonic() + 10
    outcome = at.inquire(name, AMOUNT, last4)
    while isinstance(outcome, Unknown) and time.monotonic() < end:
        outcome = at.inquire(name, AMOUNT, last4)
    return outcome


@pytest.mark.parametrize("debited", [True, False])
def test_all_faults_of_an_inquiry_one_after_the_other(counter: Callable[..., Counter], debited: bool) -> None:
    """What it proves is right or nothing; the next one proves it, and nothing is debited by asking."""
    lost = {"on": "sale", "nth": 1, "do": "hangup_after_ack" if debited else "host_timeout"}
    at = counter("tcp")
    last4 = at.put_in()
    for place, (fault, *proves) in enumerate(ASKED):
        name = f"{place} {fault}"
        at.goes_wrong(lost, {"on": "inquiry", "nth": 1, **fault})
        assert isinstance(at.pay(name, AMOUNT, last4), Unknown), name
        asked = at.inquire(name, AMOUNT, last4)
        assert word(asked) == proves[not debited], name
        known = known_later(at, name, last4)
        assert word(known) == ("approved" if debited else "not_found"), name
        [slip] = [slip for slip in at.slips() if slip.ref == short_id(name)]
        assert slip.moved == debited
        for told in (asked, known):
            if isinstance(told, Approved):
                assert (told.amount, told.invoice, told.rrn) == (AMOUNT, slip.invoice, slip.rrn)
    assert len(at.slips()) == len(ASKED)
    assert at.bank.totals() == {"approved": debited * AMOUNT * len(ASKED), "voided": 0}


# fault of a void, first outcome, final outcome after asking the EDC
VOIDS: list[tuple[dict[str, object], str, str]] = [
    ({"do": "split", "ms": 1}, "approved", "approved"),
    ({"do": "glue_ack"}, "approved", "approved"),
    ({"do": "garbage_before"}, "approved", "approved"),
    ({"do": "bad_lrc_once"}, "approved", "approved"),
    ({"do": "duplicate_response"}, "approved", "approved"),
    ({"do": "late_response", "ms": 200}, "approved", "approved"),
    ({"do": "nak", "count": 2}, "approved", "approved"),
    ({"do": "nak", "count": 3}, "not_accepted", "not_found"),
    ({"do": "bad_lrc"}, "?bad_frame", "approved"),
    ({"do": "short"}, "?bad_frame", "approved"),
    ({"do": "long"}, "?bad_frame", "approved"),
    ({"do": "silence"}, "?no_ack", "not_found"),
    ({"do": "silence", "processed": True}, "?no_ack", "approved"),
    ({"do": "drop_response"}, "?no_answer", "approved"),
    ({"do": "late_response", "ms": 800}, "?no_answer", "approved"),
    ({"do": "wrong_amount"}, "?mismatch", "approved"),
    ({"do": "wrong_type"}, "?mismatch", "approved"),
    ({"do": "hangup_after_ack"}, "?link_lost", "approved"),
]


def test_the_table_of_voids_has_all_that_can_go_wrong_with_one() -> None:
    assert {row[0]["do"] for row in VOIDS} == deeds_at(EDC, "void")


def test_all_faults_of_a_void_one_after_the_other(counter: Callable[..., Any]) -> None:
    """Money goes back at most once, and the till knows whether it did; also when it does not remember the question."""
    at = counter("tcp", [{"on": "void", "nth": place, **row[0]} for place, row in enumerate(VOIDS, start=1)])
    back = 0
    for fault, first, final in VOIDS:
        name = str(fault)
        sold = at.pay(f"sale {name}", AMOUNT)
        assert isinstance(sold, Approved)
        assert word(at.terminal.void(f"void {name}", sold)) == first, name
        at.terminal._evidence._doubts.clear()  # as after a restart
        known = at.terminal.inquire(PaymentIntent(f"void {name}", AMOUNT, kind="void"))
        assert word(known) == final, name
        back += AMOUNT if final == "approved" else 0
        assert at.bank.totals() == {"approved": at.bank.totals()["approved"], "voided": back}


# fault of a settlement, why there is no total at first (empty: there is one), and how many settlements the EDC counts
SETTLEMENTS: list[tuple[dict[str, object], str, int]] = [
    ({"do": "split", "ms": 1}, "", 1),
    ({"do": "glue_ack"}, "", 1),
    ({"do": "garbage_before"}, "", 1),
    ({"do": "bad_lrc_once"}, "", 1),
    ({"do": "nak", "count": 2}, "", 1),
    ({"do": "duplicate_response"}, "", 1),
    ({"do": "duplicate_response", "ms": 150}, "", 1),
    ({"do": "late_response", "ms": 200}, "", 1),
    ({"do": "nak", "count": 3}, "not_accepted", 2),
    ({"do": "bad_lrc"}, "bad_frame", 2),
    ({"do": "short"}, "bad_frame", 2),
    ({"do": "long"}, "bad_frame", 2),
    ({"do": "silence"}, "no_ack", 2),
    ({"do": "silence", "processed": True}, "no_ack", 2),
    ({"do": "drop_response"}, "no_answer", 2),
    ({"do": "late_response", "ms": 700}, "no_answer", 1),
    ({"do": "wrong_type", "type": "99"}, "no_answer", 2),
    ({"do": "hangup_after_ack"}, "link_lost", 2),
]


def test_the_table_of_settlements_has_all_that_can_go_wrong_with_one() -> None:
    assert {row[0]["do"] for row in SETTLEMENTS} | {"wrong_amount"} == deeds_at(EDC, "settle")


def test_a_total_that_is_wrong_is_told_as_the_edc_said_it(counter: Callable[..., Counter]) -> None:
    """The close compares it with the journal: it is not the driver's to mend."""
    at = counter("pty", [{"on": "settle", "nth": 1, "do": "wrong_amount"}])
    assert word(at.pay("a", AMOUNT)) == "approved"
    assert at.terminal.settle().amount == AMOUNT + 1


def test_all_faults_of_a_settlement_one_after_the_other(counter: Callable[..., Any]) -> None:
    """Whatever happens to the answer: asked again, the EDC's total is the till's, of each batch once."""
    script = []
    nth = 1
    for fault, _, counted in SETTLEMENTS:
        script.append({"on": "settle", "nth": nth, **fault})
        nth += counted
    at = counter("tcp", script)
    for place, (fault, why, _) in enumerate(SETTLEMENTS, start=1):
        name, amount = f"{place} {fault}", 1_000 * place
        assert word(at.pay(name, amount)) == "approved", name
        if why:
            with pytest.raises(DeviceError) as caught:
                at.terminal.settle()
            assert caught.value.reason == why, name
        assert at.terminal.settle().amount == amount, name


def test_a_settlement_that_answers_late_is_not_made_twice(counter: Callable[..., Any]) -> None:
    """On an EDC that knows no references a second one would close an empty batch and say nothing of the first."""
    at = counter("pty", [{"on": "settle", "nth": 1, "do": "late_response", "ms": 900}])
    assert word(at.pay("a", AMOUNT)) == "approved"
    with pytest.raises(DeviceError):
        at.terminal.settle()
    at.bank.settle = lambda ref: (_ for _ in ()).throw(AssertionError("settled again"))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            assert at.terminal.settle().amount == AMOUNT
            break
        except DeviceUnavailable:  # still deaf
            continue
    assert len(at.slips("settle")) == 1
