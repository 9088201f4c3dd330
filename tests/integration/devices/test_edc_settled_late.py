"""A settlement whose answer was lost, and what is paid after it: each total is that of its own batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_site import EcrSite
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.simulated.edc_frames import CARD_INFO
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.errors import DeviceError, DeviceUnavailable
from ewarung_pos.ports import Approved, Declined, Unknown
from tests.integration.devices.conftest import TIMERS

TWICE_LOST = [{"on": "settle", "nth": 1, "do": "drop_response"}, {"on": "settle", "nth": 2, "do": "drop_response"}]


@pytest.fixture(params=["ecr", "poselink"])
def at(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A counter with such an EDC and this fault script."""
    if request.param == "ecr":
        counter = request.getfixturevalue("counter")
        return lambda rules: counter("pty", rules)
    made: Callable[..., Any] = request.getfixturevalue("pose")
    return made


def lose(at: Any) -> None:
    with pytest.raises(DeviceError):
        at.terminal.settle()


def test_what_was_paid_after_a_lost_total_is_settled_as_a_batch_of_its_own(at: Callable[..., Any]) -> None:
    till = at(TWICE_LOST)
    assert isinstance(till.pay("monday", 10_000), Approved)
    lose(till)
    lose(till)
    assert isinstance(till.pay("tuesday", 25_000), Approved)
    assert till.terminal.settle().amount == 25_000
    assert till.bank.batch_total() == 0


def test_a_debit_that_the_till_does_not_know_shows_in_the_total_after_a_lost_one(at: Callable[..., Any]) -> None:
    till = at(TWICE_LOST)
    assert isinstance(till.pay("monday", 200_000), Approved)
    lose(till)
    lose(till)
    assert isinstance(till.pay("tuesday", 200_000), Approved)
    till.bank.sale(till.bank.cards["1"], 200_000, "stray", "00", moved=True)
    assert till.terminal.settle().amount == 400_000


def test_a_total_that_came_late_is_not_that_of_the_batch_after_it(counter: Callable[..., Any]) -> None:
    till = counter("pty", [{"on": "settle", "nth": 1, "do": "late_response", "ms": 900}])
    assert isinstance(till.pay("monday", 10_000), Approved)
    lose(till)
    time.sleep(1.0)
    till.terminal.diagnose()
    assert isinstance(till.pay("tuesday", 25_000), Approved)
    assert till.terminal.settle().amount == 25_000


def test_a_lost_total_is_asked_for_again_as_long_as_nothing_was_paid_and_the_day_is_open(
    at: Callable[..., Any],
) -> None:
    till = at(TWICE_LOST)
    assert isinstance(till.pay("monday", 10_000), Approved)
    lose(till)
    lose(till)
    assert till.terminal.settle().amount == 10_000


def test_the_lost_total_of_a_sealed_day_is_not_that_of_the_next(at: Callable[..., Any]) -> None:
    till = at(TWICE_LOST)
    assert isinstance(till.pay("monday", 10_000), Approved)
    lose(till)
    lose(till)
    till.terminal.forget_settlement()
    assert till.terminal.settle().amount == 0


# -- where silence must do for an echo test ---------------------------------------------------------------------------


@pytest.mark.parametrize("check_last4", [True, False])
def test_where_there_is_no_echo_test_nobody_is_served_by_the_edc_until_the_last_answer_must_have_come(
    counter: Callable[..., Any],
    check_last4: bool,
) -> None:
    """An EDC that hides the number would give the next family the approval of the one before."""
    late = {"on": "sale", "nth": 1, "do": "late_response", "ms": 950}
    till = counter("pty", [late, {"on": "sale", "nth": 2, "do": "decline", "code": "51"}])
    site = EcrSite(card_info_type=CARD_INFO, fence="quiet", quiet_s=0.1, check_last4=check_last4)
    till.line = EcrLine(SerialTransport(till.url), TIMERS, site)
    till.terminal = EcrTerminal(till.line)
    assert till.pay("family A", 200_000, till.put_in("1")) == Unknown("no_answer")
    assert till.pay("family B", 200_000, till.put_in("2")) == Declined("", "busy")
    assert till.inquire("family A", 200_000) == Unknown("busy")
    with pytest.raises(DeviceUnavailable) as refused:
        till.terminal.settle()
    assert refused.value.reason == "busy"
    time.sleep(TIMERS.response)
    found = till.inquire("family A", 200_000)
    assert isinstance(found, Approved)
    assert found.evidence == "edc_late"
    assert till.pay("family B", 200_000, till.put_in("2")) == Declined("51", "insufficient")
    till.line.close()


def test_after_a_restart_such_an_edc_is_given_the_time_of_a_debit_too(counter: Callable[..., Any]) -> None:
    till = counter("pty", [])
    site = EcrSite(card_info_type=CARD_INFO, fence="quiet", quiet_s=0.1)
    till.line = EcrLine(SerialTransport(till.url), TIMERS, site)
    till.terminal = EcrTerminal(till.line)
    assert till.inquire("before the power cut", 10_000) == Unknown("busy")
    assert till.pay("the next", 20_000) == Declined("", "busy")
    time.sleep(TIMERS.response)
    assert isinstance(till.pay("the next", 20_000), Approved)
    till.line.close()
