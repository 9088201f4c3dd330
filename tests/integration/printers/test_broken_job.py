"""A job that breaks off: from the first byte that can have printed a line on, the paper may be out; before it, not."""

from __future__ import annotations

import os
import socket
import struct
import threading
import tty
from collections.abc import Callable
from pathlib import Path

import pytest
import serial
from PIL import Image

from ewarung_pos.devices.escpos import EscposPrinter, Pace
from ewarung_pos.devices.escpos_bytes import Fittings, encode
from ewarung_pos.devices.filed import FiledPrinter
from ewarung_pos.devices.pdf import PdfPrinter
from ewarung_pos.devices.printer_links import PrinterLink, network, serial_port, usb_file
from ewarung_pos.devices.simulated.printer_text import paper_text
from ewarung_pos.domain.documents import Document, Text
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, PrintReport
from tests.unit.papers.sample_papers import receipt_of, redeemed

RECEIPT = receipt_of(redeemed())


class Wire:
    """Takes so many bytes of a job, one at a time, and is gone with the next; `sure` whether that one did not leave."""

    byte_s = 0.0

    def __init__(self, takes: int, *, sure: bool = True) -> None:
        self.took = bytearray()
        self._takes = takes
        self._sure = sure

    def write(self, data: bytes, timeout: float) -> None:
        if data.startswith(b"\x10\x04"):
            return
        if len(self.took) == self._takes:
            raise PrinterNotReady(reason="link", maybe_out=not self._sure)
        self.took += data

    def unsent(self) -> int:
        return 0

    def read(self, timeout: float) -> bytes:
        return b""

    def close(self) -> None:
        pass


def broken(link: PrinterLink, folder: Path, document: Document = RECEIPT, **more: object) -> PrinterNotReady:
    pace = Pace(chunk=1, answer=0.0)
    driver = EscposPrinter(lambda: link, 32, folder / "print", pace=pace, **more)  # type: ignore[arg-type]
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(document)
    return caught.value


@pytest.mark.parametrize("logo", [False, True])
def test_nothing_is_out_before_the_first_line_or_picture_and_perhaps_all_after_it(logo: bool, tmp_path: Path) -> None:
    fittings = Fittings()
    if logo:
        Image.new("1", (64, 16)).save(tmp_path / "logo.png")
        fittings = Fittings(logo=tmp_path / "logo.png", drawer=2)
    job = encode(RECEIPT, 32, fittings=fittings)
    begins = job.index(b"\x1dv0") + 8 if logo else job.index(b"\n")
    assert 10 < begins < 60
    for takes in (0, begins - 1, begins, begins + 1, len(job) - 1):
        wire = Wire(takes)
        error = broken(wire, tmp_path, fittings=fittings)
        assert bytes(wire.took) == job[:takes]
        assert (error.reason, error.maybe_out) == ("link", takes > begins)
        assert broken(Wire(takes, sure=False), tmp_path, fittings=fittings).maybe_out is (takes >= begins)


def test_a_job_that_takes_too_long_is_perhaps_out_as_far_as_it_came(tmp_path: Path) -> None:
    for job_s, maybe_out in ((-1.0, False), (0.2, True)):
        driver = EscposPrinter(
            lambda: Wire(1_000_000), 32, tmp_path, pace=Pace(chunk=64, pause=0.05, answer=0.0, job=job_s)
        )
        with pytest.raises(PrinterNotReady) as caught:
            driver.print(RECEIPT)
        assert (caught.value.reason, caught.value.maybe_out) == ("stalled", maybe_out)


def test_whatever_breaks_behind_the_first_byte_leaves_open_what_came_out(tmp_path: Path) -> None:
    class Odd(Wire):
        def unsent(self) -> int:
            raise TypeError("the driver's own fault")

    error = broken(Odd(1_000_000), tmp_path)
    assert (error.reason, error.detail, error.maybe_out) == ("no_answer_after", "TypeError", True)


def test_a_paper_that_is_out_is_not_owed_because_its_file_could_not_be_made(tmp_path: Path) -> None:
    class Odd(PdfPrinter):
        def print(self, document: Document) -> PrintReport:
            raise TypeError("the file's maker is broken")

    printer = FiledPrinter(EscposPrinter(lambda: Wire(1_000_000), 32, tmp_path), Odd(tmp_path, 58))
    assert printer.print(RECEIPT).status.state is DeviceState.UNKNOWN


def test_a_question_that_perhaps_left_prints_nothing(tmp_path: Path) -> None:
    class Gone(Wire):
        def write(self, data: bytes, timeout: float) -> None:
            raise PrinterNotReady(reason="link", maybe_out=True)

    assert not broken(Gone(0), tmp_path).maybe_out


def test_a_network_printer_that_is_reset_behind_its_last_line_has_perhaps_printed(tmp_path: Path) -> None:
    job = encode(RECEIPT, 32)
    came = bytearray()

    def serve(ear: socket.socket) -> None:
        line, _ = ear.accept()
        while len(came) < len(job) - 100:
            came.extend(line.recv(4096).replace(b"\x10\x04\x01", b""))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()

    with socket.create_server(("127.0.0.1", 0)) as ear:
        printer = threading.Thread(target=serve, args=(ear,))
        printer.start()
        pace = Pace(chunk=64, pause=0.002, answer=0.02)
        driver = EscposPrinter(network(*ear.getsockname()), 32, tmp_path, pace=pace)
        with pytest.raises(PrinterNotReady) as caught:
            driver.print(RECEIPT)
        printer.join()
    assert "TOTAL" in paper_text(bytes(came), 32)
    assert (caught.value.reason, caught.value.maybe_out) == ("link", True)


@pytest.mark.parametrize("wire", [serial_port, usb_file])
def test_a_line_that_takes_no_more_has_perhaps_printed(wire: Callable[[str], Callable[[], PrinterLink]]) -> None:
    """More than the system holds for a terminal, and nobody reads: some left, and how much is not told."""
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        link = wire(os.ttyname(slave))()
        with pytest.raises(PrinterNotReady) as caught:
            link.write(b"words\n" * 20_000, 0.2)
        assert (caught.value.reason, caught.value.maybe_out) == ("stalled", True)
        link.close()
    finally:
        os.close(slave)
        os.close(master)


def test_a_file_that_takes_nothing_has_printed_nothing() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        link = usb_file(os.ttyname(slave))()
        with pytest.raises(PrinterNotReady):
            link.write(b"words\n" * 20_000, 0.2)  # filled to the brim
        with pytest.raises(PrinterNotReady) as caught:
            link.write(b"words\n", 0.2)
        assert (caught.value.reason, caught.value.maybe_out) == ("stalled", False)
        link.close()
    finally:
        os.close(slave)
        os.close(master)


def test_a_write_that_timed_out_with_all_of_it_handed_over_has_perhaps_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyserial looks at the clock once more behind the last byte."""

    write = serial.Serial.write

    def late(port: serial.Serial, data: bytes) -> None:
        write(port, data)
        if len(data) > 3:  # no question
            raise serial.SerialTimeoutException("Write timeout")

    monkeypatch.setattr(serial.Serial, "write", late)
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        pace = Pace(chunk=4096, write=0.2, answer=0.02)
        driver = EscposPrinter(serial_port(os.ttyname(slave), 115_200), 32, tmp_path, pace=pace)
        document = Document("uji", "Uji", (Text("Uji cetak"),))
        with pytest.raises(PrinterNotReady) as caught:
            driver.print(document)
        assert (caught.value.reason, caught.value.maybe_out) == ("stalled", True)
        came = b""
        while len(came) < 3 + len(encode(document, 32)):  # the question before it
            came += os.read(master, 4096)
        assert came.endswith(encode(document, 32))
    finally:
        os.close(slave)
        os.close(master)
