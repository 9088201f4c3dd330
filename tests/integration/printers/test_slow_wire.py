"""A serial line is slower than whoever writes to it: a printer is asked, and doubted, only when its bytes have come."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from ewarung_pos.devices.escpos import EscposPrinter, Pace
from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.devices.printer_links import network, serial_port
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState
from tests.unit.papers.sample_papers import prices, receipt_of, redeemed

QUESTION = b"\x10\x04"


class SlowLine:
    """A pseudo-terminal whose other end takes so many bytes a second, and answers a question when it has come."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.got = bytearray()
        self._stop = threading.Event()
        os.set_blocking(self._master, False)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            taken = b""
            with contextlib.suppress(BlockingIOError):
                taken = os.read(self._master, 16)
            time.sleep(max(1, len(taken)) / self._rate)
            for byte in taken:
                self.got.append(byte)
                if self.got[-3:-1] == QUESTION:
                    os.write(self._master, b"\x12")

    def close(self) -> None:
        self._stop.set()
        self._thread.join(3)
        os.close(self._master)
        os.close(self._slave)


class Uart:
    """A serial port as Linux drives one: 4096 bytes are taken at once, the next when fewer than 256 are left of them.

    The line takes `rate` bytes a second, or none while it is `held`.
    """

    BUFFER, WAKES = 4096, 256

    def __init__(self, rate: int) -> None:
        self.timeout: float | None = 0.0
        self.write_timeout: float | None = None
        self.came = bytearray()
        self.held = threading.Event()
        self._rate = rate
        self._waiting = bytearray()
        self._said = bytearray()
        self._moved = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        before, room = time.monotonic(), 0.0
        while not self._stop.wait(0.002):
            now = time.monotonic()
            room, before = room + (now - before) * self._rate, now
            with self._moved:
                taken = 0 if self.held.is_set() else min(int(room), len(self._waiting))
                room = room - taken if taken < len(self._waiting) else 0.0
                for byte in self._waiting[:taken]:
                    self.came.append(byte)
                    if self.came[-3:-1] == QUESTION:
                        self._said += b"\x12"
                del self._waiting[:taken]
                self._moved.notify_all()

    def write(self, data: bytes, /) -> int:
        rest = bytes(data)
        with self._moved:
            while rest:
                room = self.BUFFER - len(self._waiting)
                self._waiting += rest[:room]
                rest = rest[room:]
                if rest and not self._moved.wait_for(lambda: len(self._waiting) < self.WAKES, self.write_timeout):
                    raise serial.SerialTimeoutException("Write timeout")
        return len(data)

    @property
    def out_waiting(self) -> int:
        return len(self._waiting)

    @property
    def in_waiting(self) -> int:
        return len(self._said)

    def read(self, size: int = 1, /) -> bytes:
        with self._moved:
            self._moved.wait_for(lambda: self._said, self.timeout)
            said = bytes(self._said[:size])
            del self._said[:size]
            return said

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(3)


@pytest.fixture
def uart(monkeypatch: pytest.MonkeyPatch) -> Iterator[Uart]:
    made = Uart(rate=3840)
    monkeypatch.setattr(serial, "serial_for_url", lambda *_words, **_more: made)
    yield made
    made.stop()


def test_a_printer_at_the_usual_baud_rate_confirms_what_it_printed(tmp_path: Path) -> None:
    """A second of paper still waits in the line when the last byte was handed over, and the question behind it."""
    line = SlowLine(960)
    try:
        printer = EscposPrinter(serial_port(line.path, 9600), 32, tmp_path)
        assert printer.status().state is DeviceState.READY
        assert printer.print(prices()).confirmed
        assert encode(prices(), 32) in bytes(line.got)
    finally:
        line.close()


def test_a_line_a_little_slower_than_its_rate_confirms_too(tmp_path: Path) -> None:
    """Two stop bits, and an adapter that pauses between its blocks."""
    line = SlowLine(600)
    try:
        assert EscposPrinter(serial_port(line.path, 9600), 32, tmp_path).print(prices()).confirmed
    finally:
        line.close()


def test_a_network_printer_that_reads_as_slowly_as_it_prints_confirms_too(tmp_path: Path) -> None:
    """The network takes all of it at once, and the question waits behind it there."""

    def serve(ear: socket.socket) -> None:
        line, _ = ear.accept()
        got = bytearray()
        with line:
            while taken := line.recv(16):
                time.sleep(len(taken) / 960)
                for byte in taken:
                    got.append(byte)
                    if got[-3:-1] == QUESTION:
                        line.sendall(b"\x12")

    with socket.create_server(("127.0.0.1", 0)) as ear:
        printer = threading.Thread(target=serve, args=(ear,))
        printer.start()
        assert EscposPrinter(network(*ear.getsockname()), 32, tmp_path).print(prices()).confirmed
        printer.join()


def test_what_the_system_holds_back_is_waited_for(uart: Uart, tmp_path: Path) -> None:
    """Eleven thousand bytes at 38400 baud: more than the buffer, and each limit of its own shorter than the wire."""
    printer = EscposPrinter(serial_port("/dev/ttyS9", 38400), 32, tmp_path, pace=Pace(write=0.7, answer=0.4, job=1.5))
    assert printer.print(receipt_of(redeemed())).confirmed
    assert encode(receipt_of(redeemed()), 32) in bytes(uart.came)


def test_a_printer_that_holds_the_line_up_a_while_confirms_too(uart: Uart, tmp_path: Path) -> None:
    printer = EscposPrinter(serial_port("/dev/ttyS9", 115_200), 32, tmp_path, pace=Pace(answer=0.4))
    assert printer.print(prices()).confirmed
    assert printer.print(receipt_of(redeemed())).confirmed, "a third as fast as the line is set"


def test_a_line_that_is_held_up_for_good_is_no_printed_paper(uart: Uart, tmp_path: Path) -> None:
    """Flow control with the printer off: the system took all of it, and none left."""
    uart.held.set()
    printer = EscposPrinter(serial_port("/dev/ttyS9", 115_200), 32, tmp_path, pace=Pace(write=0.1, answer=0.1))
    with pytest.raises(PrinterNotReady) as caught:
        printer.print(prices())
    assert caught.value.reason == "stalled"
    assert not uart.came
