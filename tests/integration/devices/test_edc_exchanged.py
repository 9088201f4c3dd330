"""An EDC that is borrowed from a neighbour, or given back: what it says of our debits, and what it is asked to undo."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_site import EcrSite
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.simulated import edc_frames
from ewarung_pos.devices.simulated.edc import Simulator
from ewarung_pos.devices.simulated.edc_bank import Bank, Slip, read_cards
from ewarung_pos.devices.simulated.edc_behaviour import Edc
from ewarung_pos.devices.simulated.edc_frames import CARD_INFO, INQUIRY
from ewarung_pos.devices.simulated.faults import FaultScript
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.ports import Approved, Declined, PaymentIntent, Unknown
from tests.integration.devices.conftest import TIMERS

AMOUNT = 10_000
TORN = {"on": "sale", "nth": 2, "do": "hangup_after_ack"}


class Neighbours(Bank):
    """The bank behind an EDC of the neighbour's: another terminal, another shop, the same invoice numbers."""

    def _write(self, *said: Any, **named: Any) -> Slip:
        slip = msgspec.structs.replace(super()._write(*said, **named), terminal="NEIGHB01", merchant="WARUNGSEBELAH01")
        self._slips[-1] = slip
        return slip


@contextlib.contextmanager
def plugged(pty: Path, bank: Bank, rules: Sequence[dict[str, Any]] = ()) -> Iterator[None]:
    """That EDC is at the cable."""
    simulator = Simulator(Edc(bank, FaultScript.of(list(rules)), autopilot_s=0.02), pty=pty)
    serving = threading.Thread(target=simulator.serve)
    serving.start()
    try:
        yield
    finally:
        simulator.stop()
        serving.join()


@contextlib.contextmanager
def named(monkeypatch: pytest.MonkeyPatch, terminal: str, merchant: str) -> Iterator[None]:
    """So the EDC that is there names itself where there is no slip: in an echo test, in a "not found"."""
    with monkeypatch.context() as patch:
        patch.setattr(edc_frames, "TERMINAL", terminal)
        patch.setattr(edc_frames, "MERCHANT", merchant)
        yield


@pytest.fixture
def ours(families: Path) -> Bank:
    return Bank(read_cards(families))


@pytest.fixture
def theirs(families: Path) -> Bank:
    """Its first sale of the day was a neighbour's."""
    bank = Neighbours(read_cards(families))
    bank.sale(bank.cards["2"], AMOUNT, "their customer", "00", moved=True)
    return bank


@pytest.fixture
def till(tmp_path: Path) -> Iterator[EcrTerminal]:
    site = EcrSite(card_info_type=CARD_INFO, query_type=INQUIRY)  # no terminal is agreed on: any is taken
    line = EcrLine(SerialTransport(str(tmp_path / "edc")), TIMERS, site)
    with contextlib.closing(line):
        yield EcrTerminal(line)


def sale(attempt: str) -> PaymentIntent:
    return PaymentIntent(attempt, AMOUNT)


def test_another_edc_is_not_asked_to_void_our_debit(
    tmp_path: Path, ours: Bank, theirs: Bank, till: EcrTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plugged(tmp_path / "edc", ours):
        sold = till.pay(sale("a"), lambda _: None)
    assert isinstance(sold, Approved)
    with named(monkeypatch, "NEIGHB01", "WARUNGSEBELAH01"), plugged(tmp_path / "edc", theirs):
        assert till.void("v", sold) == Declined("", "other_terminal")
    assert theirs.totals() == {"approved": AMOUNT, "voided": 0}
    with plugged(tmp_path / "edc", ours):
        assert isinstance(till.void("v again", sold), Approved)
    assert ours.totals() == {"approved": AMOUNT, "voided": AMOUNT}


def test_a_void_that_another_edc_did_after_all_undid_nothing_of_ours(
    tmp_path: Path, ours: Bank, theirs: Bank, till: EcrTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not name itself before: only its answer shows who it was."""
    with plugged(tmp_path / "edc", ours):
        sold = till.pay(sale("a"), lambda _: None)
    assert isinstance(sold, Approved)
    with named(monkeypatch, "", ""), plugged(tmp_path / "edc", theirs):
        assert till.void("v", sold) == Unknown("other_terminal")
    assert ours.totals() == {"approved": AMOUNT, "voided": 0}


@pytest.mark.parametrize(
    ("terminal", "merchant", "reason"), [("NEIGHB01", "WARUNGSEBELAH01", "other_terminal"), ("", "", "unclear")]
)
def test_another_edc_does_not_know_our_debit_and_that_proves_nothing(
    tmp_path: Path,
    ours: Bank,
    theirs: Bank,
    till: EcrTerminal,
    monkeypatch: pytest.MonkeyPatch,
    terminal: str,
    merchant: str,
    reason: str,
) -> None:
    with plugged(tmp_path / "edc", ours, [TORN]):
        assert isinstance(till.pay(sale("a"), lambda _: None), Approved)
        assert till.pay(sale("b"), lambda _: None) == Unknown("link_lost")
        end = time.monotonic() + 10
        while ours.totals()["approved"] != 2 * AMOUNT and time.monotonic() < end:
            time.sleep(0.02)
    with named(monkeypatch, terminal, merchant), plugged(tmp_path / "edc", theirs):
        assert till.inquire(sale("b")) == Unknown(reason)
    with plugged(tmp_path / "edc", ours):
        assert isinstance(till.inquire(sale("b")), Approved)
    assert ours.totals() == {"approved": 2 * AMOUNT, "voided": 0}


@pytest.mark.parametrize(("agreed", "found"), [("SANDBOX1", Declined("25", "not_found")), ("", Unknown("unclear"))])
def test_after_a_restart_only_the_terminal_that_is_agreed_on_may_say_that_there_was_no_debit(
    tmp_path: Path, ours: Bank, agreed: str, found: object
) -> None:
    site = EcrSite(query_type=INQUIRY, terminal=agreed)
    with (
        plugged(tmp_path / "edc", ours),
        contextlib.closing(EcrLine(SerialTransport(str(tmp_path / "edc")), TIMERS, site)) as line,
    ):
        assert EcrTerminal(line).inquire(sale("before the power cut")) == found
