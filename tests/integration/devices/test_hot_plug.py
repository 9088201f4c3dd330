"""Devices pulled out and put back under other names: in service again within three seconds, without a restart.

Pseudo-terminals stand for USB ports: each plug makes one with a new number, and a link in a folder like
/dev/serial/by-id, or the system's list of ports, leads to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_reader import EcrCardReader
from ewarung_pos.devices.ecr_site import EcrSite
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.devices.escpos import EscposPrinter, Pace
from ewarung_pos.devices.keyboard import GrabbedKeyboard
from ewarung_pos.devices.poselink import PoseLinkTerminal
from ewarung_pos.devices.poselink_line import PoseLine, PoseLinkSite
from ewarung_pos.devices.printer_links import serial_port
from ewarung_pos.devices.simulated.edc import Simulator
from ewarung_pos.devices.simulated.edc_bank import Bank, read_cards
from ewarung_pos.devices.simulated.edc_behaviour import Edc
from ewarung_pos.devices.simulated.edc_frames import CARD_INFO
from ewarung_pos.devices.simulated.faults import POSELINK, FaultScript
from ewarung_pos.devices.simulated.poselink import PoseLinkSimulator
from ewarung_pos.devices.simulated.poselink_behaviour import PoseLinkEdc
from ewarung_pos.devices.simulated.poselink_messages import SECRET
from ewarung_pos.devices.stripe import StripeCardReader
from ewarung_pos.devices.transport import SerialTransport
from ewarung_pos.devices.wss import WssLink
from ewarung_pos.domain.family import card_ref
from ewarung_pos.errors import DeviceUnavailable
from ewarung_pos.ports import Approved, CardReader, DeviceState, PaymentIntent
from ewarung_pos.ui.viewmodels.card_watch import RETRY_MS
from ewarung_pos.ui.viewmodels.printer_watch import MISSED_MS
from ewarung_pos.ui.viewmodels.terminal_watch import LOOK_MS
from tests.integration.devices.conftest import CARD_KEY
from tests.integration.devices.virtual_reader import missing
from tests.unit.devices.test_keyboard import TRACK, typed
from tests.unit.papers.sample_papers import receipt_of, redeemed

BACK_S = 3.0
VENDOR, PRODUCT = 0x0B00, 0x0083


class Port(ListPortInfo):
    """One line of the system's list."""

    def __init__(self, device: str, serial: str = "E7") -> None:
        super().__init__(device)
        self.vid, self.pid, self.serial_number = VENDOR, PRODUCT, serial


@dataclass
class Usb:
    """The ports of the machine: a folder of links by id, and the list that pyserial would give."""

    by_id: Path
    listed: list[ListPortInfo]

    def plug(self, pty: str) -> None:
        link = self.by_id / "usb-Bank_EDC_E7-if00"
        link.unlink(missing_ok=True)
        link.symlink_to(pty)
        self.listed[:] = [ListPortInfo("/dev/ttyS0"), Port(pty)]

    def unplug(self) -> None:
        (self.by_id / "usb-Bank_EDC_E7-if00").unlink(missing_ok=True)
        self.listed[:] = [ListPortInfo("/dev/ttyS0")]

    def named(self, how: str) -> str:
        return {
            "by-id": str(self.by_id / "usb-Bank_EDC_E7-if00"),
            "numbers": "usb:0b00:0083",
            "numbers and serial": "usb:0b00:0083:E7",
        }[how]


@pytest.fixture
def usb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Usb:
    (tmp_path / "by-id").mkdir()
    made = Usb(tmp_path / "by-id", [])
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: made.listed)
    return made


@contextmanager
def held() -> Iterator[None]:
    """Hold the next pseudo-terminal's number, so that the plug after it gets another."""
    master, slave = os.openpty()
    try:
        yield
    finally:
        os.close(master)
        os.close(slave)


@contextmanager
def edc(folder: Path, families: Path, usb: Usb) -> Iterator[Simulator]:
    """An EDC that is plugged in while the block runs."""
    simulator = Simulator(Edc(Bank(read_cards(families)), FaultScript.of([]), autopilot_s=0.02), pty=folder / "edc")
    thread = threading.Thread(target=simulator.serve, name="simulator")
    thread.start()
    usb.plug(os.path.realpath(simulator.url))
    try:
        yield simulator
    finally:
        usb.unplug()
        simulator.stop()
        thread.join()


def as_the_counter_polls(reader: CardReader, until: Callable[[], bool], seconds: float) -> float:
    """Look as the counter does, a second after each failure; how long it took until it held."""
    began = time.monotonic()
    while not until():
        assert time.monotonic() - began < seconds, "not back in time"
        try:
            reader.poll(200)
        except DeviceUnavailable:
            if not until():
                time.sleep(RETRY_MS / 1000)
    return time.monotonic() - began


@pytest.mark.parametrize("how", ["by-id", "numbers", "numbers and serial"])
def test_an_edc_is_back_under_another_name(how: str, usb: Usb, families: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        with edc(tmp_path, families, usb) as simulator:
            before = os.path.realpath(simulator.url)
            line = EcrLine(SerialTransport(usb.named(how)), site=EcrSite(card_info_type=CARD_INFO))
            stack.callback(line.close)
            reader = EcrCardReader(line, lambda: CARD_KEY)
            as_the_counter_polls(reader, lambda: reader.status().state is DeviceState.READY, BACK_S)
            stack.enter_context(held())
        as_the_counter_polls(reader, lambda: reader.status().state is DeviceState.AWAY, BACK_S)
        with held(), edc(tmp_path, families, usb) as simulator:
            assert os.path.realpath(simulator.url) != before, "or the test shows nothing"
            as_the_counter_polls(reader, lambda: reader.status().state is DeviceState.READY, BACK_S)
            assert line.fence(), "and it answers"


def test_the_cable_of_an_edc_that_only_pays_is_seen_without_a_word_to_it(
    usb: Usb, families: Path, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        with edc(tmp_path, families, usb):
            line = EcrLine(SerialTransport(usb.named("by-id")))
            stack.callback(line.close)
            terminal = EcrTerminal(line)
            assert terminal.look().state is DeviceState.READY
        assert terminal.look().state is DeviceState.AWAY
        with edc(tmp_path, families, usb):
            time.sleep(line.timers.reopen)  # no attempt before; the till looks each two seconds
            assert terminal.look().state is DeviceState.READY
            assert terminal.diagnose().state is DeviceState.READY


def looks_until(reader: CardReader, state: DeviceState) -> int:
    """How many looks of the counter, a second apart after a failure, until it is so."""
    for number in range(1, 20):
        with suppress(DeviceUnavailable):
            reader.poll(200)
        if reader.status().state is state:
            return number
        time.sleep(RETRY_MS / 1000)
    pytest.fail("never")


LOOKS = int(BACK_S * 1000 // RETRY_MS)
"""So many looks of the counter are three seconds."""


@pytest.mark.parametrize("how", ["by-id", "numbers"])
def test_a_stripe_reader_is_back_under_another_name(how: str, usb: Usb) -> None:
    reader = StripeCardReader(SerialTransport(usb.named(how)), lambda: CARD_KEY)
    with plugged_printer(usb):  # a line that says nothing
        assert looks_until(reader, DeviceState.READY) == 1
    assert looks_until(reader, DeviceState.AWAY) <= LOOKS
    master, slave = os.openpty()
    with held():
        tty.setraw(slave)
        usb.plug(os.ttyname(slave))
        assert looks_until(reader, DeviceState.READY) <= LOOKS
        os.write(master, b";6013014455667785=2812201000000123?\r")
        card = next(card for _ in range(LOOKS) if (card := reader.poll(1_000)) is not None)
        assert card.card == card_ref(CARD_KEY, "6013014455667785")
    reader.close()
    os.close(master)
    os.close(slave)


@contextmanager
def keys(folder: Path, event: str) -> Iterator[int]:
    """A pipe in the place of a reader that types, and the link by its name, which are there while the block runs."""
    path, link = folder / event, folder / "usb-Mag-Tek_USB_Swipe-event-kbd"
    os.mkfifo(path)
    link.symlink_to(path)
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield handle
    finally:
        os.close(handle)
        link.unlink()
        path.unlink()


def test_a_stripe_reader_that_types_is_back_under_another_number_and_grabbed_again(tmp_path: Path) -> None:
    grabbed: list[int] = []
    keyboard = GrabbedKeyboard(str(tmp_path / "usb-Mag-Tek_USB_Swipe-event-kbd"), grabbed.append)
    reader = StripeCardReader(keyboard, lambda: CARD_KEY)
    for number, event in enumerate(("event3", "event7"), 1):
        with keys(tmp_path, event) as handle:
            assert looks_until(reader, DeviceState.READY) <= LOOKS
            assert len(grabbed) == number, "or it would type for everybody"
            os.write(handle, typed(TRACK + "\r"))
            card = reader.poll(1_000)
            assert card is not None
            assert card.card == card_ref(CARD_KEY, TRACK[1:17])
        assert looks_until(reader, DeviceState.AWAY) <= LOOKS
    reader.close()


@contextmanager
def edc_at(port: int, families: Path) -> Iterator[None]:
    """An EDC behind a serial server that has power while the block runs."""
    edc = Edc(Bank(read_cards(families)), FaultScript.of([]), autopilot_s=0.02)
    simulator = Simulator(edc, listen=f"tcp://127.0.0.1:{port}")
    thread = threading.Thread(target=simulator.serve, name="simulator")
    thread.start()
    try:
        yield
    finally:
        simulator.stop()
        thread.join()


def test_an_edc_on_tcp_is_back(families: Path, tcp_ports: Callable[[], int]) -> None:
    port = tcp_ports()
    line = EcrLine(SerialTransport(f"tcp://127.0.0.1:{port}"), site=EcrSite(card_info_type=CARD_INFO))
    reader = EcrCardReader(line, lambda: CARD_KEY)
    for _ in range(2):
        with edc_at(port, families):
            assert looks_until(reader, DeviceState.READY) <= LOOKS
            assert line.fence(), "and it answers"
        assert looks_until(reader, DeviceState.AWAY) <= LOOKS
    line.close()


@contextmanager
def wifi(port: int, edc: int) -> Iterator[None]:
    """The way to an EDC on the network, which is there while the block runs."""
    way = subprocess.Popen(
        ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"TCP:127.0.0.1:{edc}"], start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(way.pid, signal.SIGKILL)
        way.wait(10)


@pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed")
def test_an_edc_on_the_network_is_back_and_sells(families: Path, tcp_ports: Callable[[], int]) -> None:
    port, behind = tcp_ports(), tcp_ports()
    simulator = PoseLinkSimulator(
        PoseLinkEdc(Bank(read_cards(families)), FaultScript.of([], POSELINK), autopilot_s=0.02),
        f"wss://127.0.0.1:{behind}",
    )
    thread = threading.Thread(target=simulator.serve, name="simulator")
    thread.start()
    link = WssLink(f"wss://127.0.0.1:{port}", simulator.url.partition("#")[2])
    terminal = PoseLinkTerminal(PoseLine(link, PoseLinkSite(SECRET, "EW-0001")))

    def looked_until(state: DeviceState) -> float:
        """As the till looks, each two seconds."""
        began = time.monotonic()
        while terminal.look().state is not state:
            assert time.monotonic() - began < 10, terminal.status()
            time.sleep(LOOK_MS / 1000 if state is DeviceState.READY else 0.05)
        return time.monotonic() - began

    for attempt in ("a" * 32, "b" * 32):
        with wifi(port, behind):
            assert looked_until(DeviceState.READY) <= BACK_S
            assert isinstance(terminal.pay(PaymentIntent(attempt, 2_500), lambda _: None), Approved)
        looked_until(DeviceState.AWAY)
    terminal.close()
    simulator.stop()
    thread.join()


def test_a_second_edc_of_the_kind_is_not_taken_for_the_first(usb: Usb) -> None:
    usb.listed[:] = [Port("/dev/pts/900", "E7"), Port("/dev/pts/901", "E8")]
    reader = EcrCardReader(
        EcrLine(SerialTransport("usb:0b00:0083"), site=EcrSite(card_info_type=CARD_INFO)), lambda: CARD_KEY
    )
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(0)
    assert caught.value.reason == "which_port"


@pytest.mark.parametrize("how", ["by-id", "numbers"])
def test_a_printer_is_back_under_another_name(how: str, usb: Usb, tmp_path: Path) -> None:
    quick = Pace(answer=0.05, write=0.5)
    driver = EscposPrinter(serial_port(usb.named(how), 115_200), 32, tmp_path / "print", pace=quick)
    with plugged_printer(usb):
        assert driver.status().state is DeviceState.UNKNOWN, "a mute one"
    assert driver.status().state is DeviceState.AWAY
    with held(), plugged_printer(usb):
        began = time.monotonic()
        while driver.status().state is DeviceState.AWAY:
            assert time.monotonic() - began < BACK_S
            time.sleep(MISSED_MS / 1000)  # as the till asks a printer that is missed
        driver.print(receipt_of(redeemed()))
        other = EscposPrinter(serial_port(usb.named(how)), 32, tmp_path / "print", pace=quick)
        with opened(usb.named(how)):
            assert other.status().reason == "in_use", "one till to a printer"


@contextmanager
def plugged_printer(usb: Usb) -> Iterator[None]:
    """A printer that takes everything and says nothing."""
    master, slave = os.openpty()
    tty.setraw(slave)
    ends = threading.Event()

    def swallow() -> None:
        os.set_blocking(master, False)
        while not ends.is_set():
            try:
                os.read(master, 4096)
            except BlockingIOError:
                time.sleep(0.002)

    thread = threading.Thread(target=swallow)
    thread.start()
    usb.plug(os.ttyname(slave))
    try:
        yield
    finally:
        usb.unplug()
        ends.set()
        thread.join()
        os.close(master)
        os.close(slave)


@contextmanager
def opened(port: str) -> Iterator[None]:
    link = serial_port(port)()
    try:
        yield
    finally:
        link.close()


CHIP = """
from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.ports import DeviceState
from tests.integration.devices.test_hot_plug import BACK_S, CARD_KEY, as_the_counter_polls
from tests.integration.devices.virtual_reader import virtual_reader

with virtual_reader() as machine:
    reader = PcscCardReader("", lambda: CARD_KEY)
    for _ in range(2):
        with machine.running():
            as_the_counter_polls(reader, lambda: reader.status().state is DeviceState.READY, BACK_S)
        as_the_counter_polls(reader, lambda: reader.status().state is DeviceState.AWAY, BACK_S)
    reader.close()
"""


def test_a_chip_reader_whose_service_comes_back_is_found_again() -> None:
    """In a process of its own: libpcsclite keeps the first service's socket in mind for good."""
    if lacks := missing():
        pytest.skip(lacks)
    done = subprocess.run([sys.executable, "-c", CHIP], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


HANGS = """
from ewarung_pos.devices import pcsc
from ewarung_pos.devices.pcsc import PcscCardReader
from ewarung_pos.ports import DeviceState
from tests.integration.devices.test_hot_plug import BACK_S, CARD_KEY, as_the_counter_polls
from tests.integration.devices.virtual_reader import virtual_reader

pcsc._ANSWER_S, pcsc._READ_S = 0.5, 0.5
with virtual_reader() as machine, machine.running():
    reader = PcscCardReader("", lambda: CARD_KEY)
    as_the_counter_polls(reader, lambda: reader.status().state is DeviceState.READY, BACK_S)
    for _ in range(2):
        with machine.hanging():
            as_the_counter_polls(reader, lambda: reader.status().reason == "reader_hangs", BACK_S)
        as_the_counter_polls(reader, lambda: reader.status().state is DeviceState.READY, BACK_S)
    with machine.hanging():
        as_the_counter_polls(reader, lambda: reader.status().reason == "reader_hangs", BACK_S)
        reader.close()
        print("closed", flush=True)
"""


def test_a_service_that_hangs_is_said_and_found_again_and_the_till_can_end_all_the_same() -> None:
    if lacks := missing():
        pytest.skip(lacks)
    command = [sys.executable, "-c", HANGS]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "closed\n"), done.stderr
