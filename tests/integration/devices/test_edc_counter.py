"""The two roles of one simulated EDC, and the hands at its tray."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.devices.simulated.edc_bank import usual_expiry
from ewarung_pos.devices.simulated.tray import TrayClient, connect
from ewarung_pos.devices.transport import LinkLost, SerialTransport
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import DeviceProtocolError, DeviceUnavailable
from ewarung_pos.ports import Approved, CardPresented, Declined, DeviceState, PaymentIntent, PaymentStep, Unknown


@pytest.fixture
def tray_of() -> Iterator[Callable[..., TrayClient]]:
    with contextlib.ExitStack() as stack:

        def get(at: Any) -> TrayClient:
            tray = connect(at.simulator.url)
            assert tray is not None
            stack.callback(tray.close)
            return tray

        yield get


def wait_for_card(at: Any, polls: int = 40) -> CardPresented:
    for _ in range(polls):
        card: CardPresented | None = at.reader.poll(50)
        if card is not None:
            return card
    raise AssertionError("no card came")


def test_cards_present_themselves_when_nobody_holds_the_tray(counter: Callable[..., Any], kind: str) -> None:
    at = counter(kind)
    seen = {wait_for_card(at).card.last4 for _ in range(4)}
    assert seen == {"7788", "4563"}


def test_inserted_card_is_read_once_and_pays(
    counter: Callable[..., Any], kind: str, tray_of: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    at = counter(kind)
    tray = tray_of(at)
    assert at.reader.poll(100) is None
    [row] = [row for row, label in tray.cards() if "7788" in label]
    tray.insert(row)
    card = wait_for_card(at)
    assert card.card == card_ref(b"a key of thirty-two bytes, truly", "6013014455667788")
    assert card.expiry == usual_expiry()
    at.reader.release()
    steps: list[PaymentStep] = []
    outcome = at.terminal.pay(PaymentIntent("a", 10_000, "7788"), steps.append)
    assert isinstance(outcome, Approved)
    assert steps == [PaymentStep.SENT, PaymentStep.ACCEPTED, PaymentStep.VERIFYING]
    assert at.reader.poll(100) is None
    assert tray.totals() == {"approved": 10_000, "voided": 0}
    slip = tray.slip(10_000)
    assert slip is not None
    assert (slip["approval"], slip["invoice"]) == (outcome.approval, outcome.invoice)
    assert tray.slip(77) is None
    assert "6013014455667788" not in caplog.text
    assert b"6013014455667788".hex() not in caplog.text


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ("wrong_pin", Declined("55", "wrong_pin")),
        ("cancel", Declined("P3", "user_cancelled")),
        ("insufficient", Declined("51", "insufficient")),
        ("lose_answer", Unknown("no_answer")),
    ],
)
def test_holder_and_line_behave_as_told_once(
    counter: Callable[..., Any], tray_of: Callable[..., Any], what: str, outcome: object
) -> None:
    at = counter()
    tray = tray_of(at)
    tray.insert("1")
    tray.next_sale(what)
    assert at.pay("a", 10_000) == outcome
    assert isinstance(at.pay("b", 10_000), Approved)


def test_purse_is_emptied_and_no_further(counter: Callable[..., Any], tray_of: Callable[..., Any]) -> None:
    at = counter()
    tray_of(at).insert("2")
    assert isinstance(at.pay("a", 200_000), Approved)
    assert at.pay("b", 1) == Declined("51", "insufficient")


def test_void_gives_the_money_back_once(counter: Callable[..., Any], tray_of: Callable[..., Any]) -> None:
    at = counter()
    tray = tray_of(at)
    tray.insert("2")
    sold = at.pay("a", 200_000)
    assert isinstance(sold, Approved)
    voided = at.terminal.void("v", sold)
    assert isinstance(voided, Approved)
    assert at.inquire("v", 200_000) == Approved(
        200_000,
        voided.approval,
        voided.invoice,
        voided.rrn,
        voided.terminal,
        voided.merchant,
        voided.batch,
        "edc_inquiry",
    )
    assert at.terminal.void("w", sold) == Declined("12", "declined")
    assert isinstance(at.pay("b", 200_000), Approved)
    assert tray.totals() == {"approved": 400_000, "voided": 200_000}


def test_settlement_closes_the_batch(counter: Callable[..., Any], kind: str) -> None:
    at = counter(kind)
    first = at.pay("a", 10_000)
    at.pay("b", 5_000)
    assert isinstance(first, Approved)
    at.terminal.void("v", first)
    done = at.terminal.settle()
    assert (done.amount, done.batch) == (5_000, "000001")
    assert at.terminal.settle().amount == 0
    assert at.terminal.void("w", first) == Declined("25", "declined")


def test_lost_settlement_answer_is_given_again(counter: Callable[..., Any]) -> None:
    at = counter(faults=[{"on": "settle", "nth": 1, "do": "drop_response"}])
    at.pay("a", 10_000)
    with pytest.raises(Exception, match="settlement"):
        at.terminal.settle()
    assert at.terminal.settle().amount == 10_000


def with_time_to_type(at: Any) -> None:
    """From now on the till waits as at a counter: hands on a busy machine are slow."""
    at.line.timers = msgspec.structs.replace(at.line.timers, response=20.0)


def until_a_pin_is_asked_for(tray: TrayClient) -> None:
    end = time.monotonic() + 15
    while not tray.face()["asks_pin"]:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_pin_typed_on_the_face(counter: Callable[..., Any], tray_of: Callable[..., Any]) -> None:
    at = counter(pin_mode="face")
    with_time_to_type(at)
    tray = tray_of(at)
    tray.insert("1")
    outcomes: list[object] = []
    for pin, expected in (("123456", Approved), ("000000", Declined)):
        payer = threading.Thread(target=lambda: outcomes.append(at.pay(str(len(outcomes)), 10_000)))
        payer.start()
        until_a_pin_is_asked_for(tray)
        tray.press("9")
        tray.press("clear")
        for digit in pin:
            tray.press(digit)
        assert tray.face()["lines"][-1] == "MASUKKAN PIN ******"
        tray.press("ok")
        payer.join()
        assert isinstance(outcomes[-1], expected)
    assert outcomes[-1] == Declined("55", "wrong_pin")


def test_cancel_key_ends_a_payment_and_a_card_request(counter: Callable[..., Any], tray_of: Callable[..., Any]) -> None:
    at = counter(pin_mode="face")
    tray = tray_of(at)
    assert at.reader.poll(60) is None
    tray.press("cancel")
    assert at.reader.poll(60) is None
    assert at.reader.status().state is DeviceState.READY
    with_time_to_type(at)
    tray.insert("1")
    outcomes: list[object] = []
    payer = threading.Thread(target=lambda: outcomes.append(at.pay("a", 10_000)))
    payer.start()
    until_a_pin_is_asked_for(tray)
    tray.press("cancel")
    payer.join()
    assert outcomes == [Declined("P3", "user_cancelled")]


def test_tray_refuses_what_it_does_not_know(counter: Callable[..., Any], tray_of: Callable[..., Any]) -> None:
    tray = tray_of(counter())
    with pytest.raises(DeviceProtocolError):
        tray.insert("99")
    with pytest.raises(DeviceProtocolError):
        tray.next_sale("dance")
    assert tray.totals() == {"approved": 0, "voided": 0}


def test_no_tray_where_there_is_no_simulator(tmp_path: Path, tcp_ports: Callable[[], int]) -> None:
    assert connect(str(tmp_path / "nothing")) is None
    assert connect(f"tcp://127.0.0.1:{tcp_ports()}") is None
    assert connect("loop://") is None
    assert connect("") is None


def test_tray_is_found_by_the_pty_and_by_its_own_path(counter: Callable[..., Any]) -> None:
    at = counter("pty")
    for url in (at.url, at.url + ".tray"):
        tray = connect(url)
        assert tray is not None
        tray.close()


def test_second_opener_is_refused(counter: Callable[..., Any]) -> None:
    at = counter("pty")
    at.terminal.diagnose()
    with pytest.raises(LinkLost) as caught:
        SerialTransport(at.url).open()
    assert caught.value.reason == "in_use"
    other = type(at)(at.simulator, at.bank, at.url)
    with pytest.raises(DeviceUnavailable) as refused:
        other.reader.poll(10)
    assert refused.value.reason == "in_use"
    assert other.reader.status().reason == "in_use"
    at.line.close()
    assert other.terminal.diagnose().state is DeviceState.READY
    other.line.close()


def test_till_may_close_and_come_back(counter: Callable[..., Any], kind: str) -> None:
    at = counter(kind)
    for number in range(3):
        assert isinstance(at.pay(str(number), 5_000), Approved)
        at.terminal.close()


def test_next_till_is_served_when_the_first_has_gone(counter: Callable[..., Any]) -> None:
    at = counter("tcp")
    assert isinstance(at.pay("a", 5_000), Approved)
    at.line.close()
    other = type(at)(at.simulator, at.bank, at.url)
    assert isinstance(other.pay("b", 5_000), Approved)
    other.line.close()
