"""Every fault against POSe Link: the outcome is right or unknown, never wrong, and nothing is asked twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from ewarung_pos.devices.simulated.faults import POSELINK
from ewarung_pos.ports import Approved, Declined, OtherDebit, PaymentOutcome, Unknown
from tests.integration.devices.conftest import deeds_at
from tests.integration.devices.pose_counter import AMOUNT, PoseCounter, known_later, word

# fault of the sale, first outcome, outcome after asking the EDC
MATRIX: list[tuple[dict[str, object], str, str]] = [
    ({"do": "split"}, "approved", "approved"),
    ({"do": "garbage_before"}, "approved", "approved"),
    ({"do": "no_ack"}, "approved", "approved"),
    ({"do": "duplicate_response"}, "approved", "approved"),
    ({"do": "late_response", "ms": 200}, "approved", "approved"),
    ({"do": "decline", "code": "05"}, "declined", "?unclear"),
    ({"do": "decline", "code": "51"}, "insufficient", "insufficient"),
    ({"do": "decline", "code": "68"}, "?host_timeout", "?unclear"),
    ({"do": "reject_pin"}, "wrong_pin", "wrong_pin"),
    ({"do": "busy"}, "busy", "not_found"),
    ({"do": "old_timestamp"}, "clock_behind", "not_found"),
    ({"do": "silence"}, "?no_ack", "not_found"),
    ({"do": "silence", "processed": True}, "?no_ack", "approved"),
    ({"do": "hangup_before_ack"}, "?link_lost", "not_found"),
    ({"do": "hangup_before_ack", "processed": True}, "?link_lost", "approved"),
    ({"do": "hangup_after_ack"}, "?link_lost", "approved"),
    ({"do": "drop_response"}, "?no_answer", "approved"),
    ({"do": "late_response", "ms": 900}, "?no_answer", "approved"),
    ({"do": "short"}, "?no_answer", "approved"),
    ({"do": "wrong_amount"}, "?mismatch", "approved"),
    ({"do": "wrong_type"}, "?mismatch", "approved"),
    ({"do": "wrong_trx_id"}, "?mismatch", "approved"),
    ({"do": "host_timeout"}, "not_found", "not_found"),
    ({"do": "host_timeout", "approved": True}, "approved", "approved"),
    ({"do": "other_card"}, "?mismatch", "?mismatch"),  # people void it; the EDC named what it debited
]


def test_the_table_of_sales_has_all_that_can_go_wrong_with_one() -> None:
    assert {row[0]["do"] for row in MATRIX} == deeds_at(POSELINK, "sale")


def go_through(at: PoseCounter, name: str, first: str, final: str) -> None:
    """A sale that meets a fault, the question what became of it, and a sale after it."""
    before = len(at.slips())
    last4 = at.put_in()
    outcome = at.pay(name, last4=last4)
    assert word(outcome) == first, name
    known = known_later(at, name, last4=last4)
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
                assert (other.last4, other.invoice) == (slips[0].last4, slips[0].invoice)
    assert word(at.pay(f"after {name}", last4=last4)) == "approved"
    assert len(at.slips()) == before + len(slips) + 1


def test_all_faults_one_after_the_other(pose: Callable[..., PoseCounter]) -> None:
    script = [{"on": "sale", "nth": 2 * place + 1, **row[0]} for place, row in enumerate(MATRIX)]
    at = pose(script)
    for fault, first, final in MATRIX:
        go_through(at, "-".join(map(str, fault.values())), first, final)


# fault of Check Trx after a sale whose answer was lost: what it proves. Never that nothing was debited.
ASKED: list[tuple[dict[str, object], str]] = [
    ({"do": "drop_response"}, "?no_answer"),
    ({"do": "silence"}, "?no_answer"),
    ({"do": "hangup_before_ack"}, "?link_lost"),
    ({"do": "hangup_after_ack"}, "?link_lost"),
    ({"do": "busy"}, "?busy"),
    ({"do": "old_timestamp"}, "?no_answer"),
    ({"do": "short"}, "?no_answer"),
    ({"do": "wrong_trx_id"}, "?mismatch"),
    ({"do": "wrong_amount"}, "?mismatch"),
    ({"do": "wrong_type"}, "?mismatch"),
    ({"do": "split"}, "approved"),
    ({"do": "duplicate_response"}, "approved"),
    ({"do": "garbage_before"}, "approved"),
    ({"do": "no_ack"}, "approved"),
    ({"do": "late_response", "ms": 100}, "approved"),
    ({"do": "late_response", "ms": 600}, "?no_answer"),
]


def test_the_table_of_inquiries_has_all_that_can_go_wrong_with_one() -> None:
    assert {row[0]["do"] for row in ASKED} | {"not_found"} == deeds_at(POSELINK, "inquiry")


def test_an_inquiry_that_goes_wrong_proves_nothing_and_the_next_one_does(pose: Callable[..., PoseCounter]) -> None:
    script: list[dict[str, object]] = [{"on": "sale", "do": "hangup_after_ack"}]
    # Each is followed by one that is answered.
    script += [{"on": "inquiry", "nth": 2 * place + 1, **row[0]} for place, row in enumerate(ASKED)]
    at = pose(script)
    for fault, asked in ASKED:
        name = "-".join(map(str, fault.values()))
        assert word(at.pay(name)) == "?link_lost"
        at.until(lambda: at.simulator.edc._task is None)
        assert word(at.inquire(name)) == asked, name
        assert word(known_later(at, name)) == "approved", name
    assert len(at.slips()) == len(ASKED)


# fault of a void, first outcome, outcome after asking the EDC. That it finds none proves nothing: whether an EDC
# finds voids by their names is not published.
VOIDS: list[tuple[dict[str, object], str, str]] = [
    ({"do": "split"}, "approved", "approved"),
    ({"do": "garbage_before"}, "approved", "approved"),
    ({"do": "no_ack"}, "approved", "approved"),
    ({"do": "duplicate_response"}, "approved", "approved"),
    ({"do": "late_response", "ms": 200}, "approved", "approved"),
    ({"do": "busy"}, "busy", "?no_query"),
    ({"do": "old_timestamp"}, "clock_behind", "?no_query"),
    ({"do": "silence"}, "?no_ack", "?no_query"),
    ({"do": "silence", "processed": True}, "?no_ack", "approved"),
    ({"do": "hangup_before_ack"}, "?link_lost", "?no_query"),
    ({"do": "hangup_before_ack", "processed": True}, "?link_lost", "approved"),
    ({"do": "hangup_after_ack"}, "?link_lost", "approved"),
    ({"do": "drop_response"}, "?no_answer", "approved"),
    ({"do": "late_response", "ms": 900}, "?no_answer", "approved"),
    ({"do": "short"}, "?no_answer", "approved"),
    ({"do": "wrong_amount"}, "?mismatch", "approved"),
    ({"do": "wrong_type"}, "?mismatch", "approved"),
    ({"do": "wrong_trx_id"}, "?mismatch", "approved"),
]


def test_the_table_of_voids_has_all_that_can_go_wrong_with_one() -> None:
    assert {row[0]["do"] for row in VOIDS} == deeds_at(POSELINK, "void")


@pytest.mark.parametrize("restarted", [False, True])
def test_all_faults_of_a_void_one_after_the_other(pose: Callable[..., PoseCounter], restarted: bool) -> None:
    """Money goes back at most once, and the till knows that it did or does not know; also when it has forgotten."""
    at = pose([{"on": "void", "nth": place, **row[0]} for place, row in enumerate(VOIDS, start=1)])
    back = 0
    for place, (fault, first, final) in enumerate(VOIDS, start=1):
        name = "-".join(map(str, fault.values()))
        sold = at.pay(f"sale {name}")
        assert isinstance(sold, Approved)
        assert word(at.terminal.void(name, sold)) == first, name
        at.until(lambda: at.simulator.edc._task is None)
        if restarted:
            at.terminal.close()
            at.terminal = at.another()
        assert word(known_later(at, name, "void")) == final, name
        undone = [slip for slip in at.slips("void") if slip.of == sold.invoice]
        assert [slip.moved for slip in undone] == ([True] if final == "approved" else [])
        back += AMOUNT * len(undone)
        assert at.bank.totals() == {"approved": place * AMOUNT, "voided": back}


@pytest.mark.parametrize("seed", range(2))
def test_what_the_edc_approved_is_what_the_till_knows(pose: Callable[..., PoseCounter], seed: int) -> None:
    """A morning of random faults on sales, voids and inquiries; nothing may differ at its end."""
    dice = random.Random(seed)
    deeds: dict[str, list[dict[str, object]]] = {
        "sale": [
            {"do": "split"},
            {"do": "no_ack"},
            {"do": "short"},
            {"do": "silence", "processed": True},
            {"do": "hangup_before_ack"},
            {"do": "hangup_after_ack"},
            {"do": "duplicate_response", "ms": 5},
            {"do": "wrong_amount"},
            {"do": "wrong_trx_id"},
            {"do": "decline", "code": "51"},
            {"do": "host_timeout", "approved": True},
            {"do": "busy"},
        ],
        "void": [{"do": "split"}, {"do": "hangup_after_ack"}, {"do": "wrong_trx_id"}, {"do": "duplicate_response"}],
        "inquiry": [{"do": "busy"}, {"do": "hangup_before_ack"}, {"do": "wrong_trx_id"}, {"do": "no_ack"}],
    }
    script = [
        {"on": kind, "nth": nth, **dice.choice(deeds[kind])}
        for kind in deeds
        for nth in range(1, 20)
        if dice.random() < 0.5
    ]
    at = pose(script)
    sold: dict[str, Approved] = {}
    voided = 0
    for number in range(14):
        name, amount = f"sale {number}", dice.choice([5_000, 10_000])
        outcome = settled_at_last(at, name, amount, at.pay(name, amount))
        if isinstance(outcome, Approved):
            sold[name] = outcome
        if len(sold) > 2 and dice.random() < 0.4:
            undone = sold.pop(dice.choice(list(sold)))
            result = at.terminal.void(f"void {number}", undone)
            result = settled_at_last(at, f"void {number}", undone.amount, result, "void")
            assert isinstance(result, Approved), "a void that was begun can be proven here"
            voided += undone.amount
    totals = at.bank.totals()
    known = sum(one.amount for one in sold.values())
    assert (totals["approved"] - totals["voided"], totals["voided"]) == (known, voided)
    assert at.terminal.settle().amount == known
    refs = [slip.ref for slip in at.slips()]
    assert len(refs) == len(set(refs))


def settled_at_last(
    at: PoseCounter, name: str, amount: int, outcome: PaymentOutcome, kind: str = "sale"
) -> PaymentOutcome:
    end = time.monotonic() + 10 * at.timers.response
    while isinstance(outcome, Unknown) and time.monotonic() < end:
        time.sleep(0.02)
        outcome = at.inquire(name, amount, kind)
    assert not isinstance(outcome, Unknown), name
    return outcome
