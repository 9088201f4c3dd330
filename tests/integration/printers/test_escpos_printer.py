"""The receipt printer driver against a printer on a socket, a terminal line and a device file."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
import usb.backend
import usb.core
from escpos.printer import Network

from ewarung_pos.app import receipt_printer
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.devices.escpos import EscposPrinter, Pace
from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.devices.filed import FiledPrinter
from ewarung_pos.devices.pdf import PdfPrinter
from ewarung_pos.devices.plugged import UsbName
from ewarung_pos.devices.printer_links import Connect, network, serial_port, usb_device, usb_file
from ewarung_pos.devices.simulated.printer import Mood, SimulatedPrinter
from ewarung_pos.errors import ConfigError, PrinterNotReady, Retry
from ewarung_pos.ports import DeviceState
from tests.escpos_interpreter import interpret
from tests.unit.papers.sample_papers import receipt_of, redeemed

QUICK = Pace(answer=0.1, write=1.0, job=5.0)


@pytest.fixture
def device() -> Iterator[SimulatedPrinter]:
    with SimulatedPrinter() as printer:
        yield printer


@pytest.fixture
def driver(device: SimulatedPrinter, tmp_path: Path) -> EscposPrinter:
    return EscposPrinter(network(*device.address), 32, tmp_path / "print", pace=QUICK)


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "print").glob("*"))


def test_a_receipt_is_kept_sent_and_confirmed(device: SimulatedPrinter, driver: EscposPrinter, tmp_path: Path) -> None:
    report = driver.print(receipt_of(redeemed()))
    assert report.confirmed
    assert report.status.state is DeviceState.READY
    (job,) = device.jobs()
    (file,) = kept(tmp_path)
    assert file.name == "000001.bin"
    assert file.read_bytes() == job == encode(receipt_of(redeemed()), 32)
    assert any("TOTAL" in line for line in interpret(job, 384).grid)


def test_jobs_are_numbered_and_never_overwritten(driver: EscposPrinter, tmp_path: Path) -> None:
    (tmp_path / "print").mkdir()
    (tmp_path / "print" / "000041.bin").write_bytes(b"earlier")
    driver.print(receipt_of(redeemed()))
    driver.print(receipt_of(redeemed(), copy=1))
    assert [file.name for file in kept(tmp_path)] == ["000041.bin", "000042.bin", "000043.bin"]
    assert kept(tmp_path)[0].read_bytes() == b"earlier"


STOPPED = [Mood.PAPER_OUT, Mood.COVER_OPEN, Mood.CUTTER, Mood.FAULT, Mood.HOT, Mood.OFFLINE]


@pytest.mark.parametrize("mood", STOPPED)
def test_a_printer_that_cannot_print_gets_nothing(
    mood: Mood, device: SimulatedPrinter, driver: EscposPrinter, tmp_path: Path
) -> None:
    device.set_mood(mood)
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(receipt_of(redeemed()))
    assert caught.value.reason == mood.value
    assert caught.value.retry is Retry.AFTER_OPERATOR
    assert device.jobs() == ()
    assert kept(tmp_path) == []
    assert driver.status().state is DeviceState.ATTENTION
    assert driver.status().reason == mood.value


def test_paper_near_its_end_prints_and_says_so(device: SimulatedPrinter, driver: EscposPrinter) -> None:
    device.set_mood(Mood.PAPER_LOW)
    report = driver.print(receipt_of(redeemed()))
    assert report.confirmed
    assert (report.status.state, report.status.reason) == (DeviceState.ATTENTION, "paper_low")


def test_a_silent_printer_is_unknown_and_not_an_error(device: SimulatedPrinter, driver: EscposPrinter) -> None:
    device.set_mood(Mood.MUTE)
    assert driver.status().state is DeviceState.UNKNOWN
    began = time.monotonic()
    report = driver.print(receipt_of(redeemed()))
    assert time.monotonic() - began < 1.0, "two unanswered questions, no more"
    assert not report.confirmed
    assert (report.status.state, report.status.reason) == (DeviceState.UNKNOWN, "no_answer")
    assert len(device.jobs()) == 1


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (Mood.PAPER_OUT, "paper_out"),
        (Mood.COVER_OPEN, "cover_open"),
        (Mood.CUTTER, "cutter"),
        (Mood.FAULT, "fault"),
        (Mood.HOT, "hot"),
        (Mood.OFFLINE, "offline"),
        (Mood.MUTE, "no_answer_after"),
    ],
)
def test_a_printer_that_stops_in_the_middle_leaves_the_job(
    mood: Mood, reason: str, device: SimulatedPrinter, driver: EscposPrinter, tmp_path: Path
) -> None:
    device.break_after(500, mood)
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(receipt_of(redeemed()))
    assert (caught.value.reason, caught.value.maybe_out) == (reason, True)
    assert caught.value.in_doubt is (mood is Mood.MUTE), "who says why it stopped prints again when that is mended"
    whole = kept(tmp_path)[0].read_bytes()
    if mood is not Mood.MUTE:
        assert device.papers() == (whole[:500],)
    device.set_mood(Mood.OK)
    assert driver.print(receipt_of(redeemed())).confirmed
    assert device.papers()[-1] == whole


def test_a_printer_unplugged_in_the_middle_is_a_lost_link(device: SimulatedPrinter, driver: EscposPrinter) -> None:
    device.break_after(500, Mood.DEAD)
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(receipt_of(redeemed()))
    assert caught.value.reason == "link"
    assert driver.status().state is DeviceState.AWAY


def test_paper_that_ends_while_it_still_moves_is_noticed(device: SimulatedPrinter, tmp_path: Path) -> None:
    patient = Pace(answer=0.1, settle=2.0)
    driver = EscposPrinter(network(*device.address), 32, tmp_path / "print", pace=patient)
    timer = threading.Timer(0.3, device.set_mood, [Mood.PAPER_OUT])
    timer.start()
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(receipt_of(redeemed()))
    timer.join()
    assert caught.value.reason == "paper_out"


def test_the_connection_is_ended_and_not_torn_down() -> None:
    """Bytes that the printer said unasked must not turn the close into a reset, which can take the last lines along."""
    with socket.create_server(("127.0.0.1", 0)) as ear:
        link = network(*ear.getsockname())()
        peer, _ = ear.accept()
        with peer:
            peer.settimeout(2)
            link.write(b"last line", 1.0)
            peer.sendall(b"\x14\x00\x00\x0f")
            time.sleep(0.05)
            link.close()
            time.sleep(0.05)
            assert peer.recv(64) == b"last line"
            assert peer.recv(64) == b""


def test_a_printer_that_never_stops_talking_does_not_hold_the_lane() -> None:
    with socket.create_server(("127.0.0.1", 0)) as ear:
        link = network(*ear.getsockname())()
        peer, _ = ear.accept()

        def talk() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer.sendall(b"\x14" * 4096)

        talker = threading.Thread(target=talk, daemon=True)
        talker.start()
        time.sleep(0.05)
        ended = threading.Thread(target=link.close, daemon=True)
        ended.start()
        ended.join(3)
        held = ended.is_alive()
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)
        peer.close()
        talker.join(3)
        ended.join(3)
    assert not held


def test_nobody_at_the_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    driver = EscposPrinter(network("127.0.0.1", port, timeout=0.5), 32, tmp_path / "print", pace=QUICK)
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(receipt_of(redeemed()))
    assert caught.value.reason == "link"
    assert driver.status().state is DeviceState.AWAY
    assert not (tmp_path / "print").exists()


def test_bytes_that_cannot_be_kept_are_not_sent(device: SimulatedPrinter, tmp_path: Path) -> None:
    (tmp_path / "print").write_text("a file where the folder should be")
    driver = EscposPrinter(network(*device.address), 32, tmp_path / "print", pace=QUICK)
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(receipt_of(redeemed()))
    assert caught.value.reason == "disk"
    assert device.jobs() == ()


def test_a_cheap_printer_is_fed_slowly(device: SimulatedPrinter, tmp_path: Path) -> None:
    slow = Pace(chunk=2048, pause=0.02, answer=0.1)
    driver = EscposPrinter(network(*device.address), 32, tmp_path / "print", pace=slow)
    began = time.monotonic()
    driver.print(receipt_of(redeemed()))
    pauses = (len(device.jobs()[0]) - 1) // 2048
    assert pauses > 1
    assert time.monotonic() - began >= pauses * 0.02


def test_a_job_that_never_gets_through_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as deaf:
        pace = Pace(chunk=64, pause=0.05, answer=0.05, job=0.2)
        driver = EscposPrinter(network(*deaf.getsockname()), 32, tmp_path / "print", pace=pace)
        with pytest.raises(PrinterNotReady) as caught:
            driver.print(receipt_of(redeemed()))
    assert caught.value.reason == "stalled"


def test_no_printing_with_a_profile_that_knows_no_width(tmp_path: Path) -> None:
    for profile, columns in (("default", 32), ("", 42)):
        with pytest.raises(ConfigError):
            EscposPrinter(network("127.0.0.1"), columns, tmp_path, profile=profile)


# --- word by word ------------------------------------------------------------------------------------------------


class ScriptedLink:
    """A conversation written down: pairs of (what must be sent, what is then said). `b"*"` is the job itself."""

    byte_s = 0.0

    def __init__(self, *script: tuple[bytes, bytes]) -> None:
        self.script = list(script)
        self.said = b""

    def write(self, data: bytes, timeout: float) -> None:
        sent, answer = self.script.pop(0)
        assert sent in {data, b"*"}
        self.said += answer

    def unsent(self) -> int:
        return 0

    def read(self, timeout: float) -> bytes:
        said, self.said = self.said, b""
        return said

    def close(self) -> None:
        assert self.script == []
        assert self.said == b""


FINE = ((b"\x10\x04\x01", b"\x12"), (b"\x10\x04\x02", b"\x12"), (b"\x10\x04\x04", b"\x12"))
JOB = (b"*", b"")


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (FINE, FINE, "ready"),
        (FINE, (*FINE[:2], (b"\x10\x04\x04", b"\x1e")), "paper_low"),
        (((b"\x10\x04\x01", b""),), ((b"\x10\x04\x01", b""),), "no_answer"),
        (FINE, ((b"\x10\x04\x01", b""),), "no_answer_after"),
        (((b"\x10\x04\x01", b"\x1a"), (b"\x10\x04\x02", b"\x16"), (b"\x10\x04\x04", b"\x12")), None, "cover_open"),
        (((b"\x10\x04\x01", b"\x1a"), (b"\x10\x04\x02", b"\x32"), (b"\x10\x04\x04", b"\x72")), None, "paper_out"),
        (((b"\x10\x04\x01", b"\x12"), (b"\x10\x04\x02", b""), (b"\x10\x04\x04", b"")), None, "no_answer"),
        (
            (
                *((b"\x10\x04\x01", b"\x1a"), (b"\x10\x04\x02", b"\x52"), (b"\x10\x04\x04", b"\x12")),
                (b"\x10\x04\x03", b"\x1a"),
            ),
            None,
            "cutter",
        ),
        (
            (
                *((b"\x10\x04\x01", b"\x1a"), (b"\x10\x04\x02", b"\x52"), (b"\x10\x04\x04", b"\x12")),
                (b"\x10\x04\x03", b""),
            ),
            None,
            "fault",
        ),
        (((b"\x10\x04\x01", b"\x1a"), (b"\x10\x04\x02", b"\x12"), (b"\x10\x04\x04", b"\x12")), None, "offline"),
    ],
)
def test_what_is_asked_around_a_job_and_what_is_made_of_it(
    before: tuple[tuple[bytes, bytes], ...],
    after: tuple[tuple[bytes, bytes], ...] | None,
    outcome: str,
    tmp_path: Path,
) -> None:
    asked = before if after is None else (*before, JOB, *after)
    if outcome == "no_answer" and after is None:  # silent at the paper: unknown, and printed all the same
        asked = (*before, JOB, (b"\x10\x04\x01", b""))
    link = ScriptedLink(*asked)
    driver = EscposPrinter(lambda: link, 32, tmp_path / "print", pace=Pace(chunk=1_000_000, answer=0.01))
    try:
        report = driver.print(receipt_of(redeemed()))
    except PrinterNotReady as error:
        said = error.reason
    else:
        said = report.status.reason or report.status.state.value
        assert report.confirmed is (outcome != "no_answer"), "silence confirms nothing"
    assert said == outcome


@pytest.mark.parametrize("whole", [True, False])
def test_a_wire_that_breaks_behind_the_last_byte_leaves_open_what_came_out(whole: bool, tmp_path: Path) -> None:
    class Breaking(ScriptedLink):
        def write(self, data: bytes, timeout: float) -> None:
            if not self.script:
                raise PrinterNotReady(reason="link")
            super().write(data, timeout)

    link = Breaking(*FINE, *((JOB,) if whole else ()))
    driver = EscposPrinter(lambda: link, 32, tmp_path, pace=Pace(chunk=1_000_000, answer=0.01))
    with pytest.raises(PrinterNotReady) as caught:
        driver.print(receipt_of(redeemed()))
    assert (caught.value.reason, caught.value.maybe_out) == ("link", whole)


# --- other wires -------------------------------------------------------------------------------------------------


class LinePrinter:
    """A printer on the far end of a pseudo-terminal; answers each DLE EOT with what `answers` says."""

    def __init__(self, answers: dict[int, bytes]) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.answers = answers
        self.got = bytearray()
        self._stop = threading.Event()
        os.set_blocking(self._master, False)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        held = b""
        while not self._stop.is_set():
            try:
                held += os.read(self._master, 4096)
            except BlockingIOError:
                time.sleep(0.002)
            while held:
                at = held.find(b"\x10\x04")
                if at < 0:
                    keep = held.endswith(b"\x10")
                    self.got += held[: len(held) - keep]
                    held = held[len(held) - keep :]
                    break
                if len(held) < at + 3:
                    break
                self.got += held[:at]
                os.write(self._master, self.answers.get(held[at + 2], b""))
                held = held[at + 3 :]

    def wait_for(self, data: bytes) -> bool:
        deadline = time.monotonic() + 30
        while bytes(self.got) != data and time.monotonic() < deadline:
            time.sleep(0.005)
        return bytes(self.got) == data

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(3)
        os.close(self._master)
        os.close(self._slave)


READY = {1: b"\x12", 2: b"\x12", 4: b"\x12"}


@contextlib.contextmanager
def line_printer(answers: dict[int, bytes]) -> Iterator[LinePrinter]:
    printer = LinePrinter(answers)
    try:
        yield printer
    finally:
        printer.close()


def over_serial(path: str) -> Connect:
    return serial_port(path, 115_200)


@pytest.mark.parametrize("wire", [over_serial, usb_file])
def test_serial_and_usb_printers_confirm_too(wire: Callable[[str], Connect], tmp_path: Path) -> None:
    with line_printer(READY) as printer:
        driver = EscposPrinter(wire(printer.path), 48, tmp_path / "print", pace=Pace(chunk=256, answer=0.5))
        assert driver.status().state is DeviceState.READY
        assert driver.print(receipt_of(redeemed())).confirmed
        assert printer.wait_for(encode(receipt_of(redeemed()), 48))


@pytest.mark.parametrize("wire", [over_serial, usb_file])
def test_paper_end_on_a_wire(wire: Callable[[str], Connect], tmp_path: Path) -> None:
    with line_printer({1: b"\x1a", 2: b"\x32", 4: b"\x7e"}) as printer:
        driver = EscposPrinter(wire(printer.path), 32, tmp_path / "print", pace=QUICK)
        with pytest.raises(PrinterNotReady) as caught:
            driver.print(receipt_of(redeemed()))
    assert caught.value.reason == "paper_out"


@pytest.mark.skipif(sys.platform == "win32", reason="termios")
def test_a_port_that_goes_while_it_is_opened_is_a_lost_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyserial hands on what the system says of it, which is no OSError."""
    import termios

    def gone(*_: object) -> None:
        raise termios.error(5, "Input/output error")

    with line_printer(READY) as printer:
        monkeypatch.setattr(termios, "tcflush", gone)
        driver = EscposPrinter(over_serial(printer.path), 32, tmp_path / "print", pace=QUICK)
        assert (driver.status().state, driver.status().reason) == (DeviceState.AWAY, "link")
        with pytest.raises(PrinterNotReady):
            driver.print(receipt_of(redeemed()))


def test_a_connection_ends_in_order_however_much_the_printer_said_that_nobody_read() -> None:
    """A close before unread bytes is a reset, and a printer that hears of one may throw the last lines away."""
    with socket.create_server(("127.0.0.1", 0)) as ear:
        link = network(*ear.getsockname())()
        printer, _ = ear.accept()
        with printer:
            printer.settimeout(5)
            printer.sendall(b"\x14\x00\x00\x0f" * 50)
            link.write(b"baris terakhir", 1.0)
            time.sleep(0.05)
            link.close()
            assert printer.recv(64) == b"baris terakhir"
            assert printer.recv(64) == b""


@pytest.mark.parametrize("wire", [over_serial, usb_file])
def test_a_port_that_is_not_there(wire: Callable[[str], Connect], tmp_path: Path) -> None:
    driver = EscposPrinter(wire(str(tmp_path / "lp0")), 32, tmp_path / "print", pace=QUICK)
    assert driver.status().state is DeviceState.AWAY


def test_a_usb_printer_by_its_numbers_prints_through_the_kernels_file_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with line_printer(READY) as printer:
        found = [(Path(printer.path), UsbName(0x0416, 0x5011, "A1"), "POS58"), (Path("/x"), UsbName(1, 2), "")]
        monkeypatch.setattr("ewarung_pos.devices.printer_links.printer_files", lambda: iter(found))
        driver = EscposPrinter(usb_device(UsbName(0x0416, 0x5011)), 48, tmp_path / "print", pace=QUICK)
        assert driver.status().state is DeviceState.READY
        found.append((Path("/y"), UsbName(0x0416, 0x5011, "A2"), "POS58"))
        assert (driver.status().state, driver.status().reason) == (DeviceState.AWAY, "which_port")
        told = EscposPrinter(usb_device(UsbName(0x0416, 0x5011, "A1")), 48, tmp_path / "print", pace=QUICK)
        assert told.status().state is DeviceState.READY


def test_a_serial_printer_is_for_one_program_at_a_time(tmp_path: Path) -> None:
    with line_printer(READY) as printer:
        held = over_serial(printer.path)()
        driver = EscposPrinter(over_serial(printer.path), 32, tmp_path / "print", pace=QUICK)
        status = driver.status()
        assert (status.state, status.reason) == (DeviceState.AWAY, "in_use")
        held.close()
        assert driver.status().state is DeviceState.READY


def test_a_printer_that_may_not_be_opened_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_words: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", forbidden)
    status = EscposPrinter(usb_file("/dev/usb/lp0"), 32, tmp_path).status()
    assert (status.state, status.reason) == (DeviceState.AWAY, "no_permission")


def test_flow_control_bytes_are_not_taken_for_an_answer(tmp_path: Path) -> None:
    with line_printer({1: b"\x11\x13", 2: b"\x12", 4: b"\x12"}) as printer:
        driver = EscposPrinter(usb_file(printer.path), 32, tmp_path / "print", pace=QUICK)
        assert driver.status().state is DeviceState.UNKNOWN


def test_a_late_answer_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    """ "Paper end" left in the buffer from before must not stop a printer that is ready now."""
    with line_printer(READY) as printer:
        link = usb_file(printer.path)()
        printer.say(b"\x7e\x7e\x7e")
        time.sleep(0.02)
        driver = EscposPrinter(lambda: link, 32, tmp_path / "print", pace=QUICK)
        assert driver.status().state is DeviceState.READY


def test_a_clone_that_never_explains_itself_still_reports_its_paper(tmp_path: Path) -> None:
    with line_printer({1: b"\x12", 4: b"\x12"}) as printer:
        driver = EscposPrinter(usb_file(printer.path), 32, tmp_path / "print", pace=QUICK)
        assert driver.status().state is DeviceState.READY


@pytest.mark.parametrize("lacking", ["usb", "libusb"])
def test_a_usb_printer_without_what_speaks_usb_is_away_and_says_why(
    lacking: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if lacking == "usb":
        monkeypatch.setitem(sys.modules, "usb", None)
    else:
        monkeypatch.setattr("usb.libloader.locate_library", lambda *_words, **_more: None)
        monkeypatch.setattr("usb.backend.libusb1._lib", None)
        monkeypatch.setattr("usb.backend.libusb1._lib_object", None)
    status = EscposPrinter(usb_device(UsbName(0x04B8, 0x0202)), 32, tmp_path).status()
    assert (status.state, status.reason) == (DeviceState.AWAY, "no_driver")


@pytest.mark.parametrize("serial", ["", "A1"])
def test_a_usb_printer_without_leave_for_it_says_so(
    serial: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """pyusb cannot read its serial number either, and calls that a ValueError."""
    described = SimpleNamespace(
        **dict.fromkeys(("bDeviceClass", "bDeviceSubClass", "bDeviceProtocol", "bcdDevice", "iManufacturer"), 0),
        **dict.fromkeys(("iProduct", "bNumConfigurations", "address", "bus", "port_number"), 1),
        bLength=18,
        bDescriptorType=1,
        bcdUSB=0x200,
        bMaxPacketSize0=64,
        idVendor=0x0416,
        idProduct=0x5011,
        iSerialNumber=3,
        port_numbers=(1,),
        speed=2,
    )

    class Forbidden(usb.backend.IBackend):  # type: ignore[misc]  # pyusb ships no types
        def enumerate_devices(self) -> list[int]:
            return [1]

        def get_device_descriptor(self, _: int) -> SimpleNamespace:
            return described

        def open_device(self, _: int) -> None:
            raise usb.core.USBError("Access denied (insufficient permissions)", -3, errno.EACCES)

    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda *_words, **_more: Forbidden())
    monkeypatch.setattr("ewarung_pos.devices.printer_links.printer_files", lambda: iter(()))
    status = EscposPrinter(usb_device(UsbName(0x0416, 0x5011, serial)), 32, tmp_path).status()
    assert (status.state, status.reason) == (DeviceState.AWAY, "no_permission")


def test_a_usb_printer_by_vendor_and_product_that_is_not_there(tmp_path: Path) -> None:
    status = EscposPrinter(usb_device(UsbName(0xFFFF, 0xFFFF)), 32, tmp_path).status()
    assert (status.state, status.reason) == (DeviceState.AWAY, "link")


@pytest.mark.parametrize("driver", ["escpos-usb", "escpos-serial"])
def test_the_configured_printer_is_the_one_that_prints(
    driver: Literal["escpos-usb", "escpos-serial"], tmp_path: Path
) -> None:
    with line_printer(READY) as wired:
        chosen = receipt_printer(KioskConfig(receipt_printer=PrinterConfig(driver, wired.path, columns=48)), tmp_path)
        assert chosen.print(receipt_of(redeemed())).confirmed
        assert wired.wait_for(encode(receipt_of(redeemed()), 48))


# --- the simulator, judged by a library that is not ours ---------------------------------------------------------


@pytest.mark.parametrize(
    ("mood", "online", "paper"),
    [
        (Mood.OK, True, 2),
        (Mood.PAPER_LOW, True, 1),
        (Mood.PAPER_OUT, False, 0),
        (Mood.COVER_OPEN, False, 2),
        (Mood.CUTTER, False, 2),
        (Mood.OFFLINE, False, 2),
    ],
)
def test_the_simulated_printer_answers_python_escpos(
    device: SimulatedPrinter, mood: Mood, online: bool, paper: int
) -> None:
    device.set_mood(mood)
    host, port = device.address
    theirs = Network(host, port=port, timeout=2, profile="POS-5890")
    theirs.open()
    assert theirs.is_online() is online
    assert theirs.paper_status() == paper
    theirs.close()


def test_questions_inside_a_picture_are_data(device: SimulatedPrinter) -> None:
    raster = b"\x1dv0\x00\x03\x00\x02\x00" + b"\x10\x04\x01\x10\x04\x04"
    with socket.create_connection(device.address, 2) as link:
        for at in range(len(raster)):
            link.sendall(raster[at : at + 1])
        link.sendall(b"\x10\x04")
        link.sendall(b"\x04")
        link.settimeout(2)
        assert link.recv(8) == b"\x12"
    assert device.jobs() == (raster,)


def test_the_simulated_printer_stops_while_somebody_is_connected() -> None:
    printer = SimulatedPrinter()
    with socket.create_connection(printer.address, 2) as link:
        link.sendall(b"half a job")
        time.sleep(0.05)
        printer.stop()
    assert printer.jobs() == (b"half a job",)
    assert not any(thread.name == "simulated-printer" for thread in threading.enumerate())


# --- as last seen ------------------------------------------------------------------------------------------------


def test_what_was_last_seen_is_told_without_asking(
    device: SimulatedPrinter, driver: EscposPrinter, tmp_path: Path
) -> None:
    filed = FiledPrinter(driver, PdfPrinter(tmp_path / "papers", 58))

    def seen() -> tuple[DeviceState, str]:
        return filed.seen().state, filed.seen().reason

    assert seen() == (DeviceState.UNKNOWN, "not_asked")
    filed.print(receipt_of(redeemed()))
    assert seen() == (DeviceState.READY, "")
    device.set_mood(Mood.PAPER_OUT)
    assert seen() == (DeviceState.READY, "")
    with pytest.raises(PrinterNotReady):
        filed.print(receipt_of(redeemed()))
    assert seen() == (DeviceState.ATTENTION, "paper_out")
    device.set_mood(Mood.MUTE)
    filed.status()
    assert seen() == (DeviceState.UNKNOWN, "no_answer")
    device.set_mood(Mood.DEAD)
    with pytest.raises(PrinterNotReady):
        filed.print(receipt_of(redeemed()))
    assert seen() == (DeviceState.AWAY, "link")
    assert len(list((tmp_path / "papers").iterdir())) == 1, "only what was printed is filed"
