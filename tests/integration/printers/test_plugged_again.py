"""Printers that go and come back, on every wire: the till's own printer finds them at its next look, and prints."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ewarung_pos.app import receipt_printer
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.devices.plugged import UsbName
from ewarung_pos.devices.simulated.printer import SimulatedPrinter
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState
from tests.integration.printers.print_service import PrintService
from tests.integration.printers.test_escpos_printer import READY, line_printer
from tests.integration.printers.test_ipp_printer import IppPrinter
from tests.integration.printers.test_usb_printer import KIND, Bus, UsbPrinter
from tests.unit.papers.sample_papers import receipt_of, redeemed

RECEIPT = receipt_of(redeemed())
Plug = Callable[[], AbstractContextManager[Callable[[], bool]]]
"""The printer is there while the block runs; what it gives says whether a paper came."""


def comes_back(folder: Path, settings: PrinterConfig, plug: Plug, there: DeviceState, gone: str) -> None:
    """One driver for all of it, as the till makes it once when it starts."""
    printer = receipt_printer(KioskConfig(receipt_printer=settings), folder)
    for _ in range(2):
        with plug() as printed:
            assert printer.status().state is there
            assert not printed()
            printer.print(RECEIPT)
            assert printed()
        status = printer.status()
        assert (status.state, status.reason) == (DeviceState.AWAY, gone)
        with pytest.raises(PrinterNotReady):
            printer.print(RECEIPT)
    printer.close()


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, UsbName, str]]:
    """The kernel's printer files."""
    found: list[tuple[Path, UsbName, str]] = []
    monkeypatch.setattr("ewarung_pos.devices.printer_links.printer_files", lambda: iter(found))
    return found


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    """What libusb sees."""
    made = Bus()
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda *_words, **_more: made)
    return made


def test_a_usb_printer_by_its_numbers_under_another_file_of_the_kernel(
    files: list[tuple[Path, UsbName, str]], bus: Bus, tmp_path: Path
) -> None:
    used: list[str] = []

    @contextlib.contextmanager
    def plug() -> Iterator[Callable[[], bool]]:
        with contextlib.ExitStack() as stack:
            if used:
                stack.enter_context(line_printer(READY))  # takes the number of before
            device = stack.enter_context(line_printer(READY))
            assert device.path not in used, "or the test shows nothing"
            used.append(device.path)
            files.append((Path(device.path), UsbName(KIND.vendor, KIND.product, "A1"), "POS58"))
            yield lambda: len(device.got) > 1000
            files.clear()

    comes_back(tmp_path, PrinterConfig("escpos-usb", "0416:5011"), plug, DeviceState.READY, "link")


def test_a_usb_printer_behind_libusb(files: list[tuple[Path, UsbName, str]], bus: Bus, tmp_path: Path) -> None:
    @contextlib.contextmanager
    def plug() -> Iterator[Callable[[], bool]]:
        bus.printers.append(device := UsbPrinter())
        yield lambda: len(device.got) > 1000
        bus.printers.clear()

    comes_back(tmp_path, PrinterConfig("escpos-usb", "0416:5011:A1"), plug, DeviceState.READY, "link")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_printer_on_the_network(tmp_path: Path) -> None:
    port = free_port()

    @contextlib.contextmanager
    def plug() -> Iterator[Callable[[], bool]]:
        with SimulatedPrinter(ear=socket.create_server(("127.0.0.1", port))) as device:
            yield lambda: bool(device.papers())

    comes_back(tmp_path, PrinterConfig("escpos-network", f"127.0.0.1:{port}"), plug, DeviceState.READY, "link")


def test_a_printer_that_speaks_ipp(tmp_path: Path) -> None:
    port = free_port()

    @contextlib.contextmanager
    def plug() -> Iterator[Callable[[], bool]]:
        device = IppPrinter(port)
        try:
            yield lambda: bool(device.jobs)
        finally:
            device.stop()

    settings = PrinterConfig("cups", f"ipp://127.0.0.1:{port}/ipp/print")
    comes_back(tmp_path, settings, plug, DeviceState.UNKNOWN, "link")


def test_a_queue_of_cups(cups: PrintService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPS_SERVER", cups.socket)

    @contextlib.contextmanager
    def plug() -> Iterator[Callable[[], bool]]:
        with SimulatedPrinter() as device:
            cups.add_queue("PULANG", "socket://{}:{}".format(*device.address))
            yield lambda: bool(device.papers())
            cups.run("lpadmin", "-x", "PULANG")

    comes_back(tmp_path, PrinterConfig("cups", "PULANG", raw=True), plug, DeviceState.UNKNOWN, "no_queue")


def test_cups_itself(cups: PrintService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped and started again, as at each upgrade of its package."""
    place = tmp_path / "cups.sock"
    monkeypatch.setenv("CUPS_SERVER", str(place))

    @contextlib.contextmanager
    def plug() -> Iterator[Callable[[], bool]]:
        with SimulatedPrinter() as device:
            cups.add_queue("KEMBALI", "socket://{}:{}".format(*device.address))
            place.unlink(missing_ok=True)
            place.symlink_to(cups.socket)
            yield lambda: bool(device.papers())
            place.unlink()
            with socket.socket(socket.AF_UNIX) as deaf:
                deaf.bind(str(place))

    comes_back(tmp_path, PrinterConfig("cups", "KEMBALI", raw=True), plug, DeviceState.UNKNOWN, "no_cups")
    cups.run("lpadmin", "-x", "KEMBALI")
