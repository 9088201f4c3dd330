"""A serial printer behind socat's null modem: the cable is pulled in the middle of a paper, and put back."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.app import receipt_printer
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.devices.simulated.printer_text import paper_text
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, ReceiptPrinter
from tests.till_kit import till_kit
from tests.unit.services.counter import RICE, ration, serve

pytestmark = pytest.mark.skipif(not shutil.which("socat"), reason="socat is not installed")


class NullModem:
    """Two serial ports whose ends are joined; `pull` takes the cable out, and both ports are gone."""

    def __init__(self, folder: Path) -> None:
        self.till, self.printer = folder / "ttyTILL", folder / "ttyPRINTER"
        self.plug()

    def plug(self) -> None:
        ends = (f"pty,raw,echo=0,link={end}" for end in (self.till, self.printer))
        self._socat = subprocess.Popen(["socat", *ends])
        until = time.monotonic() + 20
        while not (self.till.exists() and self.printer.exists()):
            assert time.monotonic() < until, "socat made no ports"
            time.sleep(0.01)

    def pull(self) -> None:
        self._socat.kill()
        self._socat.wait()


class Printer:
    """Reads its port as long as there is one, answers that all is well, and does `then` after so many bytes."""

    def __init__(self, port: Path, after: int, then: Callable[[], None]) -> None:
        self.papers: list[bytearray] = []
        self._port = port
        self._after = after
        self._then = then
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                port = os.open(self._port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                try:
                    self._print(port)
                finally:
                    os.close(port)
            time.sleep(0.01)

    def _print(self, port: int) -> None:
        held, paper = b"", bytearray()
        self.papers.append(paper)
        while not self._stop.is_set():
            try:
                got = os.read(port, 256)
            except BlockingIOError:
                time.sleep(0.002)
                continue
            if not got:
                return  # the cable is out
            held += got
            while (at := held.find(b"\x10\x04")) >= 0 and len(held) >= at + 3:
                paper += held[:at]
                held = held[at + 3 :]
                os.write(port, b"\x12")
            keep = 2 if held[-2:-1] == b"\x10" else 1 if held.endswith(b"\x10") else 0
            paper += held[: len(held) - keep]
            held = held[len(held) - keep :]
            if len(paper) > self._after:
                self._after = sys.maxsize
                self._then()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[NullModem]:
    modem = NullModem(tmp_path)
    yield modem
    modem.pull()


def printer_on(port: Path, folder: Path) -> ReceiptPrinter:
    settings = PrinterConfig("escpos-serial", str(port), baudrate=115_200)
    return receipt_printer(KioskConfig(receipt_printer=settings), folder)


def test_a_cable_that_was_pulled_in_the_middle_of_a_paper_and_put_back(cable: NullModem, tmp_path: Path) -> None:
    device = Printer(cable.printer, after=1500, then=cable.pull)
    kit = till_kit(tmp_path, encrypted=False, families=12)
    try:
        kit.open_shop()
        done = serve(kit, kit.card("SRI WAHYUNI"), ration(RICE, 2))
        driver = printer_on(cable.till, tmp_path)
        for maybe_out in (True, False):
            with pytest.raises(PrinterNotReady) as caught:
                kit.papers.print_again(done.entry.id, driver)
            assert (caught.value.reason, caught.value.maybe_out) == ("link", maybe_out)
        assert driver.status().state is DeviceState.AWAY
        cable.plug()
        assert kit.papers.print_again(done.entry.id, driver).report.confirmed, "found again without a restart"
        assert kit.papers.owed() == ()
    finally:
        device.stop()
        kit.ledger.close()
    torn, whole = (paper_text(bytes(paper), 32) for paper in device.papers if paper)
    assert "STRUK" in torn
    assert "SALINAN" not in torn
    assert "mungkin sudah tercetak" in whole


def test_a_port_that_another_program_holds_is_in_use_until_it_lets_go(cable: NullModem, tmp_path: Path) -> None:
    device = Printer(cable.printer, after=sys.maxsize, then=cable.pull)
    holds = "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holds, str(cable.till)]
    try:
        driver = printer_on(cable.till, tmp_path)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            assert (driver.status().state, driver.status().reason) == (DeviceState.AWAY, "in_use")
            other.communicate()
        assert driver.status().state is DeviceState.READY
    finally:
        device.stop()
