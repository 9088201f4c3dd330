"""The POSe Link driver and the simulated EDC over real sockets, TLS and WebSockets; each is also met by a stranger."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.poselink import PoseLinkTerminal
from ewarung_pos.devices.poselink_line import PoseLine, PoseLinkSite, PoseLinkTimers
from ewarung_pos.devices.simulated.edc_bank import Bank, Slip, read_cards
from ewarung_pos.devices.simulated.faults import POSELINK, FaultScript
from ewarung_pos.devices.simulated.poselink import PoseLinkSimulator
from ewarung_pos.devices.simulated.poselink_behaviour import PoseLinkEdc
from ewarung_pos.devices.simulated.poselink_messages import NOT_FOUND, SECRET
from ewarung_pos.devices.wss import WssLink
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import Approved, Declined, DeviceState, PaymentIntent, PaymentOutcome, Unknown

# Short, but no shorter than a busy machine can hold.
TIMERS = PoseLinkTimers(connect=2.0, ping=0.5, accept=0.5, response=0.6, query=0.4, again=0.02, slice=0.05, write=0.5)
AMOUNT = 2_500


class PoseCounter:
    """One counter: simulator, line and terminal."""

    def __init__(self, simulator: PoseLinkSimulator, bank: Bank, timers: PoseLinkTimers) -> None:
        self.simulator = simulator
        self.bank = bank
        self.timers = timers
        url, _, self.fingerprint = simulator.url.partition("#")
        self.url = url
        self.tills: list[PoseLinkTerminal] = []
        self.terminal = self.another()

    def another(self, *, secret: str = SECRET, fingerprint: str = "") -> PoseLinkTerminal:
        """A till of its own on the same EDC."""
        link = WssLink(self.url, fingerprint or self.fingerprint)
        made = PoseLinkTerminal(PoseLine(link, PoseLinkSite(secret, "EW-0001", NOT_FOUND), self.timers))
        self.tills.append(made)
        made._over_before = 0.0  # no sale of an earlier life of the program can still be under way
        return made

    def pay(self, attempt: str, amount: int = AMOUNT, last4: str = "") -> PaymentOutcome:
        return self.terminal.pay(PaymentIntent(attempt, amount, last4), lambda _: None)

    def inquire(self, attempt: str, amount: int = AMOUNT, kind: str = "sale") -> PaymentOutcome:
        return self.terminal.inquire(PaymentIntent(attempt, amount, "", kind))

    def close(self) -> None:
        for till in self.tills:
            till.close()

    def until(self, there: Callable[[], bool]) -> None:
        """Wait for the EDC, which works on when a till has gone."""
        end = time.monotonic() + 5
        while not there() and time.monotonic() < end:
            time.sleep(0.002)

    def slips(self, kind: str = "sale") -> list[Slip]:
        """What the bank did, whatever the line made of it."""
        return [slip for slip in self.bank._slips if slip.kind == kind]


@pytest.fixture
def pose(families: Path, tcp_ports: Callable[[], int]) -> Iterator[Callable[..., PoseCounter]]:
    """Makes counters: `pose([faults], timers=…, **edc_options)`."""
    with contextlib.ExitStack() as stack:

        def make(
            faults: list[dict[str, Any]] | None = None, *, timers: PoseLinkTimers = TIMERS, **options: Any
        ) -> PoseCounter:
            bank = Bank(read_cards(families))
            script = FaultScript.of(faults or [], POSELINK)
            edc = PoseLinkEdc(bank, script, **options)
            simulator = PoseLinkSimulator(edc, f"wss://127.0.0.1:{tcp_ports()}")
            thread = threading.Thread(target=simulator.serve, name="simulator")
            thread.start()
            stack.callback(thread.join)
            stack.callback(simulator.stop)
            made = PoseCounter(simulator, bank, timers)
            stack.callback(made.close)
            return made

        yield make


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


def known_later(at: PoseCounter, name: str) -> PaymentOutcome:
    """Asked as the screen asks: again while the EDC may still be at work."""
    end = time.monotonic() + 4 * at.timers.response
    outcome = at.inquire(name)
    while isinstance(outcome, Unknown) and outcome.reason in {"busy", "no_answer"} and time.monotonic() < end:
        time.sleep(0.1)
        outcome = at.inquire(name)
    return outcome


def go_through(at: PoseCounter, name: str, first: str, final: str) -> None:
    """A sale that meets a fault, the question what became of it, and a sale after it."""
    before = len(at.slips())
    outcome = at.pay(name)
    assert word(outcome) == first, name
    known = known_later(at, name)
    assert word(known) == final, name
    slips = at.slips()[before:]
    assert len(slips) <= 1
    assert (final == "approved") == any(slip.moved for slip in slips)
    for told in (outcome, known):
        if isinstance(told, Approved):
            assert (told.amount, told.invoice, told.rrn) == (AMOUNT, slips[0].invoice, slips[0].rrn)
    assert word(at.pay(f"after {name}")) == "approved"
    assert len(at.slips()) == before + len(slips) + 1


def test_all_faults_one_after_the_other(pose: Callable[..., PoseCounter]) -> None:
    script = [{"on": "sale", "nth": 2 * place + 1, **row[0]} for place, row in enumerate(MATRIX)]
    at = pose(script)
    for fault, first, final in MATRIX:
        go_through(at, "-".join(map(str, fault.values())), first, final)
    assert {row[0]["do"] for row in MATRIX} | {"other_card", "not_found"} == set(POSELINK.deeds)


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
