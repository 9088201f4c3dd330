"""An EDC behind somebody else's line: socat as a serial server on TCP, and as a null modem, shared and torn."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_site import EcrSite
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.simulated.edc_frames import INQUIRY
from ewarung_pos.devices.simulated.tray import connect
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import Approved, Declined, DeviceState, PaymentIntent, PaymentOutcome, PaymentStep, Unknown
from tests.integration.devices.conftest import CANARY, TIMERS, Counter

pytestmark = pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")

AMOUNT = 2_500


class Way:
    """A socat that is there until it is torn."""

    def __init__(self, *ends: str) -> None:
        self._process = subprocess.Popen(["socat", "-d", "-d", *ends], stderr=subprocess.PIPE, start_new_session=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if b"listening on" in line or b"starting data transfer" in line:
                return
        raise AssertionError("socat did not come up")

    def tear(self) -> None:
        if self._process.stderr is not None and not self._process.stderr.closed:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process.stderr.close()


@pytest.fixture
def way() -> Iterator[Callable[..., Way]]:
    with contextlib.ExitStack() as stack:

        def make(*ends: str) -> Way:
            made = Way(*ends)
            stack.callback(made.tear)
            return made

        yield make


@pytest.fixture
def till() -> Iterator[Callable[..., Counter]]:
    """Another till at the same EDC, by this port."""
    with contextlib.ExitStack() as stack:

        def make(at: Counter, url: str) -> Counter:
            made = type(at)(at.simulator, at.bank, url)
            stack.callback(made.line.close)
            return made

        yield make


def serial_server(port: int, edc: str, *also: str) -> tuple[str, str]:
    return ",".join((f"TCP-LISTEN:{port}", "bind=127.0.0.1", "reuseaddr", *also)), f"{edc},raw,echo=0"


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


# -- two tills at one serial server ---------------------------------------------------------------------------------


def test_a_second_till_is_refused_by_a_serial_server_for_one(
    counter: Callable[..., Counter], tcp_ports: Callable[[], int], way: Callable[..., Way], till: Callable[..., Counter]
) -> None:
    at, port = counter("pty"), tcp_ports()
    way(*serial_server(port, at.url))
    first, second = (till(at, f"tcp://127.0.0.1:{port}") for _ in range(2))
    assert isinstance(first.pay("a", AMOUNT), Approved)
    with pytest.raises(DeviceUnavailable) as refused:
        second.pay("b", AMOUNT)
    assert refused.value.reason == "no_port"
    assert second.terminal.status().state is DeviceState.AWAY
    assert isinstance(first.pay("c", AMOUNT), Approved)
    assert len(at.slips()) == 2


def test_a_second_till_that_is_kept_waiting_sends_no_sale_and_is_served_when_the_first_has_gone(
    counter: Callable[..., Counter], tcp_ports: Callable[[], int], way: Callable[..., Way], till: Callable[..., Counter]
) -> None:
    """Its connection is there, and nobody behind it: what cannot answer an echo test is sent no debit."""
    at, port = counter("pty"), tcp_ports()
    way(*serial_server(port, at.url, "fork", "max-children=1"))
    first, second = (till(at, f"tcp://127.0.0.1:{port}") for _ in range(2))
    sold = first.pay("a", AMOUNT)
    assert isinstance(sold, Approved)
    assert second.pay("b", AMOUNT) == Declined("", "not_sent")
    assert second.inquire("a", AMOUNT) == Unknown("no_answer")
    assert isinstance(first.pay("c", AMOUNT), Approved)
    assert isinstance(first.terminal.void("undo a", sold), Approved)
    assert len(at.slips()) == 2
    first.line.close()
    outcome: PaymentOutcome = Declined("", "not_sent")
    end = time.monotonic() + 10
    while outcome == Declined("", "not_sent") and time.monotonic() < end:
        outcome = second.pay("d", AMOUNT)
    assert isinstance(outcome, Approved)
    assert outcome.rrn == at.slips()[-1].rrn
    assert len(at.slips()) == 3


# -- the line is torn right after the ACK -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "query_type", "known"),
    [
        # What the EDC said lies in its own line until somebody reads it, or is lost when the server opens that again.
        ("server", INQUIRY, ("edc_late", "edc_inquiry")),
        ("server", "", ("edc_late", "no_query")),
        ("null modem", INQUIRY, ("edc_inquiry",)),  # what it said went nowhere
        ("null modem", "", ("no_query",)),  # then people read its slip
    ],
)
def test_a_sale_whose_line_is_torn_right_after_its_ack_is_unknown_and_found_out(
    counter: Callable[..., Counter],
    tcp_ports: Callable[[], int],
    way: Callable[..., Way],
    tmp_path: Path,
    wire: str,
    query_type: str,
    known: tuple[str, ...],
) -> None:
    at = counter("pty" if wire == "server" else "tcp")
    tray = connect(at.simulator.url)
    assert tray is not None  # and no card in the EDC: it takes the sale, and waits
    if wire == "server":
        port = tcp_ports()
        url, ends = f"tcp://127.0.0.1:{port}", serial_server(port, at.url)
    else:
        url = str(tmp_path / "till")
        ends = f"pty,raw,echo=0,link={url}", f"tcp:{at.url.removeprefix('socket://')}"
    cable = [way(*ends)]
    line = EcrLine(SerialTransport(url), TIMERS, EcrSite(query_type=query_type))
    terminal, sale = EcrTerminal(line), PaymentIntent("a", AMOUNT, CANARY[-4:])
    steps: list[PaymentStep] = []

    def pulled(step: PaymentStep) -> None:
        steps.append(step)
        if step is PaymentStep.ACCEPTED:
            cable.pop().tear()

    with contextlib.closing(tray), contextlib.closing(line):
        assert terminal.pay(sale, pulled) == Unknown("link_lost")
        assert steps == [PaymentStep.SENT, PaymentStep.ACCEPTED]
        with pytest.raises(DeviceUnavailable):
            terminal.inquire(sale)
        assert at.slips() == []
        tray.insert("1")
        until(lambda: bool(at.slips()) and at.simulator.edc.next_due() is None)
        way(*ends)
        found: Any = terminal.inquire(sale)
        [slip] = at.slips()
        assert slip.moved
        if isinstance(found, Approved):
            assert found.evidence in known
            assert (found.amount, found.rrn) == (AMOUNT, slip.rrn)
        else:
            assert "no_query" in known
            assert found == Unknown("no_query")
        assert isinstance(terminal.pay(PaymentIntent("b", AMOUNT, sale.last4), lambda _: None), Approved)
        assert len(at.slips()) == 2
