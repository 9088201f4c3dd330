"""Every fault at an EDC that has no inquiry, as BCA's: the outcome is right or unknown, and no sale is sent twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_evidence import short_id
from ewarung_pos.devices.ecr_site import EcrSite
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.simulated.edc_frames import CARD_INFO
from ewarung_pos.devices.simulated.faults import EDC
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import Approved, Declined, PaymentIntent, PaymentOutcome, Unknown
from tests.integration.devices.conftest import TIMERS, Counter, deeds_at
from tests.integration.devices.test_edc_faults_and_outcomes import MATRIX, VOIDS, word

AMOUNT = 2_500
LATE = {"approved", "insufficient", "wrong_pin"}
"""What a late answer may still prove where nothing can be asked."""


@pytest.fixture
def terminals() -> Iterator[Callable[[Counter], EcrTerminal]]:
    lines: list[EcrLine] = []

    def at(counter: Counter) -> EcrTerminal:
        counter.line.close()
        lines.append(EcrLine(SerialTransport(counter.url), TIMERS, EcrSite(card_info_type=CARD_INFO)))
        return EcrTerminal(lines[-1])

    yield at
    for line in lines:
        line.close()


def true(at: Counter, attempt: str, outcome: PaymentOutcome, kind: str = "sale") -> bool:
    """Whether the bank did what the outcome says, and did it once at most."""
    slips = [slip for slip in at.slips(kind) if slip.ref == short_id(attempt)]
    moved = [slip for slip in slips if slip.moved or (kind == "void" and slip.code == "00")]
    if isinstance(outcome, Approved):
        return len(moved) == 1
    return len(moved) <= 1 if isinstance(outcome, Unknown) else not moved


@pytest.mark.parametrize(
    ("fault", "first"), [row[:2] for row in MATRIX], ids=["-".join(map(str, row[0].values())) for row in MATRIX]
)
def test_a_sale_is_right_or_unknown(
    counter: Callable[..., Counter],
    terminals: Callable[[Counter], EcrTerminal],
    fault: dict[str, object],
    first: str,
) -> None:
    at = counter("pty", [{"on": "sale", "nth": 1, **fault}])
    terminal = terminals(at)
    sale = PaymentIntent("a", AMOUNT, at.put_in())
    outcome = terminal.pay(sale, lambda _: None)
    assert word(outcome) == first
    assert true(at, "a", outcome)
    known = terminal.inquire(sale)
    assert word(known) in {"?no_query", "?no_answer", *(LATE if isinstance(outcome, Unknown) else ())}
    assert true(at, "a", known)
    assert len(at.slips()) <= 1


def test_the_next_sale_after_each_fault_is_its_own(
    counter: Callable[..., Counter], terminals: Callable[[Counter], EcrTerminal]
) -> None:
    at = counter("tcp", [{"on": "sale", "nth": 2 * place + 1, **row[0]} for place, row in enumerate(MATRIX)])
    terminal = terminals(at)
    for place, (fault, *_) in enumerate(MATRIX):
        for attempt in (f"{place} meets it", f"{place} after it"):
            outcome = pay(terminal, attempt, last4=at.put_in())
            assert true(at, attempt, outcome), (fault, attempt, outcome)


def test_a_void_is_right_or_unknown(
    counter: Callable[..., Counter], terminals: Callable[[Counter], EcrTerminal]
) -> None:
    at = counter("tcp", [{"on": "void", "nth": place, **row[0]} for place, row in enumerate(VOIDS, start=1)])
    terminal = terminals(at)
    for place, (fault, first, _) in enumerate(VOIDS):
        sold = pay(terminal, f"sale {place}")
        assert isinstance(sold, Approved), fault
        undone = terminal.void(f"void {place}", sold)
        assert word(undone) == first, fault
        assert true(at, f"void {place}", undone, "void"), fault


@pytest.mark.parametrize("seed", range(4))
def test_faults_at_random_make_no_outcome_wrong(
    counter: Callable[..., Counter], terminals: Callable[[Counter], EcrTerminal], seed: int
) -> None:
    dice = random.Random(seed)
    deeds = [row[0] for row in MATRIX]
    script = [
        {"on": kind, "nth": nth, **dice.choice([deed for deed in deeds if deed["do"] in deeds_at(EDC, kind)])}
        for kind, share in (("sale", 0.5), ("echo", 0.15))
        for nth in range(1, 20)
        if dice.random() < share
    ]
    at = counter(dice.choice(["pty", "tcp"]), script)
    terminal = terminals(at)
    said: dict[str, PaymentOutcome] = {}
    for number in range(12):
        attempt, amount = f"s{number}", dice.choice([AMOUNT, AMOUNT, 2 * AMOUNT])
        said[attempt] = pay(terminal, attempt, amount)
        if isinstance(said[attempt], Unknown):
            try:
                said[attempt] = terminal.inquire(PaymentIntent(attempt, amount))
            except DeviceUnavailable:
                continue
    assert [attempt for attempt, outcome in said.items() if not true(at, attempt, outcome)] == []


def pay(terminal: EcrTerminal, attempt: str, amount: int = AMOUNT, last4: str = "") -> Any:
    """A sale; while the line is away nothing was sent."""
    try:
        return terminal.pay(PaymentIntent(attempt, amount, last4), lambda _: None)
    except DeviceUnavailable:
        return Declined("", "not_sent")
