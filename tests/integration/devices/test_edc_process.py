"""The simulator as a process: started, killed like a pulled cable, started again on its journal."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.simulated.edc import Simulator, spawn
from ewarung_pos.devices.simulated.edc_bank import Bank, read_cards
from ewarung_pos.devices.simulated.edc_behaviour import Edc
from ewarung_pos.devices.simulated.edc_frames import CARD_INFO, INQUIRY
from ewarung_pos.devices.simulated.spawned import own_command, start
from ewarung_pos.devices.simulated.tray import connect
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.errors import ConfigError, DeviceUnavailable
from ewarung_pos.ports import Approved, DeviceState, PaymentIntent, PaymentStep, Unknown
from ewarung_pos.practice.sandbox import Sandbox


@pytest.fixture
def till(counter: Callable[..., Any]) -> Callable[[str], Any]:
    """Only the drivers, for a simulator that is elsewhere."""

    def make(url: str) -> Any:
        at = counter("pty")
        return type(at)(at.simulator, at.bank, url)

    return make


def line(tmp_path: Path, tcp_ports: Callable[[], int], kind: str) -> dict[str, str]:
    return {"pty": str(tmp_path / "line")} if kind == "pty" else {"listen": f"tcp://127.0.0.1:{tcp_ports()}"}


def went_away(at: Any) -> bool:
    for _ in range(20):
        try:
            at.reader.poll(50)
        except DeviceUnavailable:
            return True
    return False


def test_a_lost_answer_of_the_practice_comes_to_the_doubt_in_seconds_with_the_timers_of_a_counter(
    tmp_path: Path, families: Path
) -> None:
    """As the practice starts it: with 120 s for card, PIN and bank, and hands on the tray."""
    with spawn(pty=tmp_path / "line", families=families, pin="face", lost_after=1) as edc:
        tray = connect(edc.url)
        assert tray is not None
        line = EcrLine(SerialTransport(edc.url), EcrTimers(), EcrSite(card_info_type=CARD_INFO, query_type=INQUIRY))
        terminal = EcrTerminal(line)
        try:
            tray.insert("1")
            tray.next_sale("lose_answer")

            def holder(step: PaymentStep) -> None:
                if step is PaymentStep.ACCEPTED:
                    for key in (*"123456", "ok"):
                        tray.press(key)

            began = time.monotonic()
            outcome = terminal.pay(PaymentIntent("a", 10_000, "7788"), holder)
            assert outcome == Unknown("link_lost")
            assert time.monotonic() - began < 10
            found = terminal.inquire(PaymentIntent("a", 10_000, "7788"))
            for _ in range(20):
                if not isinstance(found, Unknown):
                    break
                time.sleep(0.2)
                found = terminal.inquire(PaymentIntent("a", 10_000, "7788"))
            assert isinstance(found, Approved)
        finally:
            line.close()
            tray.close()


@pytest.mark.parametrize(("face", "seconds"), [(True, 3), (False, None)])
def test_only_hands_at_a_window_are_spared_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face: bool, seconds: int | None
) -> None:
    """The scripted morning has short timers of its own, and meets the silence itself."""
    asked: list[Any] = []

    def spawned(**options: Any) -> Any:
        asked.append(options["lost_after"])
        raise DeviceUnavailable

    monkeypatch.setattr("ewarung_pos.practice.sandbox.edc.spawn", spawned)
    with pytest.raises(DeviceUnavailable):
        Sandbox(tmp_path, edc="", city="http://127.0.0.1:9", code="A", seed=1, face=face)._start_edc()
    assert asked == [seconds]


@pytest.mark.parametrize("wire", ["pty", "tcp"])
def test_the_card_that_is_typed_to_it_pays_as_the_one_that_another_reader_read(
    tmp_path: Path, families: Path, tcp_ports: Callable[[], int], wire: str, till: Callable[[str], Any]
) -> None:
    """Beside a stripe reader: by itself the EDC would take the next card of its own order."""
    options = {f"--{name}": value for name, value in line(tmp_path, tcp_ports, wire).items()}
    held = [card for card in read_cards(families) if card.status == "active"]
    with start("simulate-edc", own_command("simulate-edc"), {**options, "--families": families}, told=True) as edc:
        at = till(edc.url)
        for turn, card in enumerate((*held, *reversed(held))):
            assert edc.tell(f"insert {card.row}") == f"inserted {card.row}"
            assert isinstance(at.pay(f"a{turn}", 1_000, card.number[-4:]), Approved)
        assert edc.tell("remove") == "removed"
        assert edc.tell("remove") == "tidak ada kartu di EDC"
        assert edc.tell("insert") in {f"inserted {card.row}" for card in held}, "the next of its order"
        assert edc.tell("insert 999") == "tidak ada kartu di baris '999'"
        assert edc.tell("swipe 1").startswith("tidak dimengerti")


@pytest.mark.parametrize("where", ["/dev/null", "a file", "nothing"])
def test_it_serves_on_where_nothing_can_be_typed(
    tmp_path: Path, families: Path, where: str, till: Callable[[str], Any]
) -> None:
    (tmp_path / "typed").write_text("insert 1\n")
    names = {"/dev/null": Path("/dev/null"), "a file": tmp_path / "typed"}
    words = [*own_command("simulate-edc"), "--pty", str(tmp_path / "line"), "--families", str(families)]
    with contextlib.ExitStack() as stack:
        stdin = stack.enter_context(names[where].open()) if where in names else subprocess.PIPE
        process = stack.enter_context(subprocess.Popen(words, stdin=stdin, stdout=subprocess.PIPE, text=True))
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("simulate-edc ready")
            if process.stdin is not None:
                process.stdin.close()
            if where == "a file":
                assert process.stdout.readline() == "inserted 1\n"
            assert isinstance(till(str(tmp_path / "line")).pay("a", 1_000), Approved)
        finally:
            process.terminate()


@pytest.mark.parametrize("wire", ["pty", "tcp"])
def test_cable_pulled_and_put_back(
    tmp_path: Path,
    families: Path,
    tcp_ports: Callable[[], int],
    simulate: tuple[str, ...],
    till: Callable[[str], Any],
    wire: str,
) -> None:
    options: dict[str, Any] = dict(line(tmp_path, tcp_ports, wire))
    journal = tmp_path / "edc.jsonl"
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"on": "sale", "nth": 2, "do": "drop_response"}]))
    first = spawn(**options, families=families, journal=journal, faults=faults, program=simulate)
    at = till(first.url)
    try:
        paid = at.pay("a", 10_000)
        assert isinstance(paid, Approved)
        assert at.pay("b", 10_000) == Unknown("no_answer")
        assert at.reader.poll(20) is None
        first.kill()
        assert went_away(at)
        assert at.reader.status().state is DeviceState.AWAY
        begun = time.monotonic()
        with pytest.raises(DeviceUnavailable):
            at.pay("c", 10_000)
        assert time.monotonic() - begun < 2
    finally:
        first.stop()
        at.line.close()
    again = spawn(**options, families=families, journal=journal, program=simulate)
    try:
        deadline = time.monotonic() + 30
        card = None
        while card is None and time.monotonic() < deadline:
            try:
                card = at.reader.poll(100)
            except DeviceUnavailable:
                continue
        assert card is not None
        assert at.reader.status().state is DeviceState.READY
        at.reader.release()
        resolved = at.inquire("b", 10_000)
        assert isinstance(resolved, Approved)
        assert resolved.evidence == "edc_inquiry"
        assert at.inquire("c", 10_000) == Unknown("unclear")  # it was never sent: whoever is there cannot know it
        assert isinstance(at.terminal.void("v", paid), Approved)
        tray = connect(again.url)
        assert tray is not None
        assert tray.totals() == {"approved": 20_000, "voided": 10_000}
        tray.close()
    finally:
        at.line.close()
        again.stop()
    assert not again.running
    assert "6013014455667788" not in journal.read_text()


def test_killed_in_the_middle_of_a_sale(
    tmp_path: Path, families: Path, simulate: tuple[str, ...], till: Callable[[str], Any]
) -> None:
    faults, journal = tmp_path / "faults.toml", tmp_path / "j"
    faults.write_text('[[fault]]\non = "sale"\ndo = "late_response"\nms = 60000\n')
    options: dict[str, Any] = {
        "pty": tmp_path / "line",
        "families": families,
        "journal": journal,
        "program": simulate,
    }
    simulator = spawn(**options, faults=faults)
    at = till(simulator.url)

    def pull_the_cable(step: PaymentStep) -> None:
        if step is PaymentStep.ACCEPTED:
            deadline = time.monotonic() + 30
            while not (journal.exists() and journal.read_text().endswith("\n")) and time.monotonic() < deadline:
                time.sleep(0.01)  # until the bank has moved the money
            simulator.kill()

    try:
        outcome = at.terminal.pay(
            PaymentIntent("a", 10_000),
            pull_the_cable,
        )
        assert outcome == Unknown("link_lost")
    finally:
        simulator.stop()
    with spawn(**options) as again:
        assert again.running
        assert isinstance(at.inquire("a", 10_000), Approved)
        at.line.close()


def test_simulator_does_not_outlive_a_till_that_is_killed(
    tmp_path: Path, families: Path, simulate: tuple[str, ...]
) -> None:
    script = f"""
import os
from ewarung_pos.devices.simulated.edc import spawn
print(spawn(pty={str(tmp_path / "line")!r}, families={str(families)!r}, program={simulate!r}).pid, flush=True)
os.kill(os.getpid(), 9)
"""
    till = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False, timeout=20)
    pid = int(till.stdout)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
    assert not (tmp_path / "line").is_symlink()


def test_link_and_tray_are_gone_after_the_end(tmp_path: Path, families: Path, simulate: tuple[str, ...]) -> None:
    simulator = spawn(pty=tmp_path / "line", families=families, program=simulate)
    assert (tmp_path / "line").is_symlink()
    assert (tmp_path / "line.tray").exists()
    simulator.stop()
    simulator.stop()
    assert not os.path.lexists(tmp_path / "line")
    assert not (tmp_path / "line.tray").exists()


def test_the_tills_own_command_starts_it(tmp_path: Path, families: Path, till: Callable[[str], Any]) -> None:
    with spawn(pty=tmp_path / "line", families=families) as simulator:
        at = till(simulator.url)
        assert isinstance(at.pay("a", 1_000), Approved)
        at.line.close()


def test_simulator_that_cannot_start_is_told(
    tmp_path: Path, simulate: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DeviceUnavailable):
        spawn(pty=tmp_path / "line", families=tmp_path / "missing.csv", program=simulate)
    assert "missing.csv" in capfd.readouterr().err


def test_two_simulators_do_not_share_a_link(tmp_path: Path, families: Path, counter: Callable[..., Any]) -> None:
    at = counter("pty")
    with pytest.raises(ConfigError):
        Simulator(Edc(Bank(read_cards(families))), pty=Path(at.url))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError):
        Simulator(Edc(Bank(read_cards(families))), pty=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("address", ["tcp://0.0.0.0:7002", "tcp://192.168.1.2:7002", "tcp://127.0.0.1:x", "7002"])
def test_only_this_machine_is_served(families: Path, address: str) -> None:
    with pytest.raises(ConfigError):
        Simulator(Edc(Bank(read_cards(families))), listen=address)


def test_hundred_and_twenty_sales_take_seconds(counter: Callable[..., Any]) -> None:
    at = counter("pty")
    begun = time.monotonic()
    for number in range(120):
        assert isinstance(at.pay(str(number), 1_000), Approved)
    assert time.monotonic() - begun < 6
