"""The POSe Link driver and the simulated EDC over real sockets, TLS and WebSockets; each is also met by a stranger."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ewarung_pos.devices.poselink import PoseLinkTerminal
from ewarung_pos.devices.poselink_line import PoseLine, PoseLinkSite, PoseLinkTimers
from ewarung_pos.devices.simulated.poselink_messages import NOT_FOUND, SECRET
from ewarung_pos.devices.wss import WssLink
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import Approved, Declined, DeviceState, PaymentIntent, PaymentOutcome, Unknown
from tests.integration.devices.pose_counter import AMOUNT, TIMERS, PoseCounter, known_later, word


def test_a_sale_an_inquiry_a_void_and_a_settlement(pose: Callable[..., PoseCounter]) -> None:
    at = pose()
    sold = at.pay("a", 40_000)
    assert isinstance(sold, Approved)
    [slip] = at.slips()
    assert (sold.amount, sold.approval, sold.invoice, sold.rrn) == (40_000, slip.approval, slip.invoice, slip.rrn)
    assert (sold.terminal, sold.merchant, sold.batch) == (slip.terminal, slip.merchant, slip.batch)
    assert isinstance(at.pay("b", 5_000), Approved)
    found = at.inquire("a", 40_000)
    assert isinstance(found, Approved)
    assert found.invoice == sold.invoice
    undone = at.terminal.void("undo a", sold)
    assert isinstance(undone, Approved)
    assert isinstance(at.inquire("undo a", 40_000, "void"), Approved)
    assert at.bank.totals() == {"approved": 45_000, "voided": 40_000}
    assert at.terminal.settle().amount == 5_000
    assert at.terminal.settle().amount == 0
    assert at.terminal.status().state is DeviceState.READY


def test_another_card_is_named_and_not_taken_for_ours(pose: Callable[..., PoseCounter]) -> None:
    at = pose([{"on": "sale", "do": "other_card"}], autopilot=False)
    at.simulator.edc._slot = next(iter(at.bank.cards.values()))
    expected = at.simulator.edc._slot.number[-4:]
    outcome = at.pay("a", last4=expected)
    assert isinstance(outcome, Unknown)
    assert outcome.other is not None
    assert outcome.other.last4 == at.slips()[0].last4 != expected


def test_an_edc_that_does_not_find_a_running_sale_is_not_believed(pose: Callable[..., PoseCounter]) -> None:
    """Some EDC might answer while it still waits for a card: its "not found" comes too early then."""
    at = pose(
        [{"on": "sale", "do": "hangup_before_ack", "processed": True}, {"on": "inquiry", "nth": 1, "do": "not_found"}]
    )
    assert word(at.pay("a")) == "?link_lost"
    at.until(lambda: at.simulator.edc._task is None)
    assert word(at.inquire("a")) == "?busy"
    assert word(known_later(at, "a")) == "approved"


def test_a_second_till_is_told_that_the_edc_is_busy(pose: Callable[..., PoseCounter]) -> None:
    at = pose(autopilot=False)  # nobody puts a card in: the sale waits
    found: list[PaymentOutcome] = []
    first = threading.Thread(target=lambda: found.append(at.pay("a")))
    first.start()
    at.until(lambda: at.simulator.edc._task is not None)
    second = at.another()
    assert second.pay(PaymentIntent("b", AMOUNT), lambda _: None) == Declined("", "busy")
    assert second.inquire(PaymentIntent("b", AMOUNT)) == Unknown("busy")
    first.join()
    assert found == [Unknown("no_answer")]


def test_a_sale_that_was_done_is_not_done_again_whoever_repeats_it(pose: Callable[..., PoseCounter]) -> None:
    """Not that the driver would: it is the EDC's own promise, and the simulator keeps it."""
    at = pose()
    sold = at.pay("a")
    other = at.another()
    assert other.pay(PaymentIntent("a", AMOUNT), lambda _: None) == sold
    assert len(at.slips()) == 1


def test_an_edc_of_another_certificate_hears_nothing(pose: Callable[..., PoseCounter]) -> None:
    at = pose()
    stranger = at.another(fingerprint="ab" * 32)
    with pytest.raises(DeviceUnavailable) as caught:
        stranger.pay(PaymentIntent("a", AMOUNT), lambda _: None)
    assert caught.value.reason == "certificate"
    assert at.fingerprint in caught.value.detail
    assert stranger.status().state is DeviceState.ATTENTION
    assert at.simulator.edc._last_stamp is None, "something was said before the certificate was looked at"


def test_another_secret_is_not_understood(pose: Callable[..., PoseCounter]) -> None:
    at = pose()
    stranger = at.another(secret="not the site's")
    assert word(stranger.pay(PaymentIntent("a", AMOUNT), lambda _: None)) == "?link_lost"
    assert stranger.diagnose().reason == "not_understood"
    assert at.slips() == []


def test_a_clock_that_is_behind_is_a_clear_answer(pose: Callable[..., PoseCounter]) -> None:
    at = pose()
    assert isinstance(at.pay("a"), Approved)
    link = WssLink(at.url, at.fingerprint)
    late = PoseLinkTerminal(
        PoseLine(link, PoseLinkSite(SECRET, "EW-0002", NOT_FOUND), TIMERS, wall=lambda: time.time() - 3600)
    )
    assert late.pay(PaymentIntent("b", AMOUNT), lambda _: None) == Declined("", "clock_behind")
    late.close()
    assert len(at.slips()) == 1


def test_an_edc_that_was_off_for_a_while_is_found_again(pose: Callable[..., PoseCounter]) -> None:
    at = pose([{"on": "any", "nth": 1, "do": "hangup_after_ack"}])
    assert word(at.pay("a")) == "?link_lost"
    assert at.terminal.status().state is DeviceState.AWAY
    at.until(lambda: at.simulator.edc._task is None)
    assert at.terminal.diagnose().state is DeviceState.READY


@contextlib.contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Somebody on a port who is no EDC."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            with contextlib.suppress(OSError), contextlib.closing(server.accept()[0]) as line:
                answer(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"wss://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda line: line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "no_answer"),
        (lambda line: line.recv(1), "no_answer"),
        (lambda line: line.close(), "no_answer"),
        (lambda line: time.sleep(0.6), "no_answer"),
    ],
)
def test_somebody_who_speaks_no_tls_is_not_an_edc(answer: Callable[[socket.socket], None], reason: str) -> None:
    with listening(answer) as url:
        timers = PoseLinkTimers(connect=0.3)
        terminal = PoseLinkTerminal(PoseLine(WssLink(url, "00" * 32), PoseLinkSite(SECRET, ""), timers))
        begun = time.monotonic()
        assert terminal.diagnose().reason == reason
        assert time.monotonic() - begun < 2


def test_nobody_there_is_said_at_once() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    terminal = PoseLinkTerminal(PoseLine(WssLink(f"wss://127.0.0.1:{port}", "00" * 32), PoseLinkSite(SECRET, "")))
    assert terminal.diagnose().reason == "no_host"


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_shows_the_same_fingerprint(pose: Callable[..., PoseCounter]) -> None:
    at = pose()
    address = at.url.removeprefix("wss://")
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", address], input=b"", capture_output=True, check=False, timeout=30
    ).stdout
    told = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
        input=shown,
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout.decode()
    copied = told.strip().partition("=")[2]
    assert at.another(fingerprint=copied).diagnose().state is DeviceState.READY
