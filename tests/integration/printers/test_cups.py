"""Printing through a real CUPS: the paper that its queue makes, and what is said when it makes none."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from ewarung_pos.app import receipt_printer
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.devices.cups import CupsPrinter, queues
from ewarung_pos.devices.cups_sheets import pdf_sheet
from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.devices.simulated.printer import SimulatedPrinter
from ewarung_pos.domain.documents import Document, Text
from ewarung_pos.domain.papers import parse_qr
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, ReceiptPrinter
from ewarung_pos.ui.text import trouble_of
from tests.integration.printers.print_service import PrintService, print_service
from tests.unit.papers.sample_papers import closed, receipt_of, redeemed, report_of, words_of

MM = 72 / 25.4


@pytest.fixture(autouse=True)
def server(cups: PrintService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPS_SERVER", cups.socket)


def configured(folder: Path, queue: str, **settings: Any) -> ReceiptPrinter:
    config = PrinterConfig("cups", queue, **settings)
    return receipt_printer(KioskConfig(receipt_printer=config), folder)


def newest(cups: PrintService) -> tuple[str, tuple[float, float], Image.Image]:
    """Text, page size in points, and picture at 203 dpi of the paper that the queue made last."""
    with pypdfium2.PdfDocument(cups.papers()[-1]) as document:
        assert len(document) == 1
        page = document[0]
        return (
            page.get_textpage().get_text_bounded(),
            page.get_size(),
            page.render(scale=203 / 72).to_pil().convert("L"),
        )


def refusal(printer: CupsPrinter, document: Document | None = None) -> str:
    with pytest.raises(PrinterNotReady) as caught:
        printer.print(document or receipt_of(redeemed()))
    return caught.value.reason


# --- PDF ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "width"), [(32, 58), (48, 80)])
@pytest.mark.parametrize("document", [receipt_of(redeemed()), report_of(closed())], ids=["receipt", "report"])
def test_the_queue_makes_the_paper_that_was_sent(
    document: Document, columns: int, width: int, cups: PrintService, tmp_path: Path
) -> None:
    before = len(cups.papers())
    printer = configured(tmp_path, "STRUK", columns=columns)
    report = printer.print(document)
    assert not report.confirmed, "a queue does not see the paper"
    assert (report.status.state, report.status.reason, report.paper) == (DeviceState.UNKNOWN, "queue", "printer")
    assert len(cups.papers()) == before + 1
    words, (wide, high), picture = newest(cups)
    assert wide == pytest.approx(width * MM, abs=1.5)
    with pypdfium2.PdfDocument(tmp_path / "papers" / f"{document.name}.pdf") as filed:
        assert high == pytest.approx(filed[0].get_height(), abs=4)
    printed = words.split()
    for word in words_of(document):
        assert word in printed
    (code,) = zxingcpp.read_barcodes(picture)
    assert parse_qr(code.text).total == (207_200 if "struk" in document.name else parse_qr(code.text).total)


def test_a_short_paper_is_not_turned(cups: PrintService, tmp_path: Path) -> None:
    configured(tmp_path, "STRUK", columns=48).print(Document("uji", "Uji", (Text("Uji cetak"),)))
    words, (wide, high), _ = newest(cups)
    assert words.strip() == "Uji cetak"
    assert wide == pytest.approx(80 * MM, abs=1.5)
    assert high > wide


def test_what_the_queue_cannot_make_is_not_called_printed(cups: PrintService) -> None:
    broken = CupsPrinter("STRUK", 32, lambda document: (b"no PDF", "application/pdf", 58, 100))
    assert refusal(broken) == "aborted"
    unheard = CupsPrinter("STRUK", 32, lambda document: (b"x", "application/x-unheard-of", 58, 100))
    assert refusal(unheard) == "aborted"
    assert cups.waiting("STRUK") == ""


# --- ESC/POS unchanged -------------------------------------------------------------------------------------------


@pytest.fixture
def device(cups: PrintService) -> Iterator[SimulatedPrinter]:
    with SimulatedPrinter() as printer:
        host, port = printer.address
        cups.add_queue("MENTAH", f"socket://{host}:{port}")
        yield printer


@pytest.mark.parametrize("columns", [32, 48])
def test_a_raw_queue_gets_every_byte(columns: int, device: SimulatedPrinter, tmp_path: Path) -> None:
    printer = configured(tmp_path, "MENTAH", columns=columns, raw=True, drawer=2)
    assert not printer.print(receipt_of(redeemed())).confirmed
    (kept,) = (tmp_path / "print").glob("*.bin")
    assert device.jobs() == (kept.read_bytes(),)
    assert kept.read_bytes().startswith(encode(receipt_of(redeemed()), columns)[:2] + b"\x1bp\x00")


def test_bytes_that_cannot_be_kept_are_not_sent(device: SimulatedPrinter, tmp_path: Path) -> None:
    (tmp_path / "print").write_text("a file in the folder's place")
    printer = configured(tmp_path, "MENTAH", raw=True)
    with pytest.raises(PrinterNotReady) as caught:
        printer.print(receipt_of(redeemed()))
    assert caught.value.reason == "disk"
    assert device.jobs() == ()


@pytest.mark.parametrize("name", ["Kafé", "a%41b", "x+y&z"])
def test_a_queue_of_any_name_is_found(name: str, cups: PrintService, tmp_path: Path) -> None:
    cups.add_pdf_queue(name)
    before = len(cups.papers())
    assert configured(tmp_path, name).print(receipt_of(redeemed())).status.reason == "queue"
    assert name in queues()
    assert len(cups.papers()) == before + 1


def test_a_service_that_keeps_no_history_has_let_the_job_go(
    cups: PrintService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is gone as soon as it is done, and nobody can say how it ended."""
    with print_service("PreserveJobHistory No") as other:
        monkeypatch.setenv("CUPS_SERVER", other.socket)
        other.add_pdf_queue("STRUK")
        assert not configured(tmp_path, "STRUK").print(receipt_of(redeemed())).confirmed
        assert len(other.papers()) == 1


def test_a_printer_that_is_off_gets_no_job_later(cups: PrintService) -> None:
    """The till prints it again when told to: a job left in the queue would come out as well, unmarked."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    cups.add_queue("MATI", f"socket://127.0.0.1:{port}")
    printer = CupsPrinter("MATI", 32, lambda document: (b"words", "application/vnd.cups-raw", 0, 0), patience=1.0)
    began = time.monotonic()
    with pytest.raises(PrinterNotReady) as caught:
        printer.print(receipt_of(redeemed()))
    assert caught.value.reason in {"stalled", "offline"}
    assert "mati" in trouble_of(caught.value).happened, "what is most likely is said first"
    assert time.monotonic() - began < 5
    assert cups.waiting("MATI") == ""


class DeafPrinter:
    """Takes and prints all that comes, and never ends a connection: the queue waits for it to finish."""

    def __init__(self) -> None:
        self._ear = socket.create_server(("127.0.0.1", 0))
        self.port = self._ear.getsockname()[1]
        self._held: list[socket.socket] = []
        self.papers: list[bytearray] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._ear.accept()
                self._held.append(line)
                self.papers.append(bytearray())
                threading.Thread(target=self._print, args=(line, self.papers[-1]), daemon=True).start()

    def _print(self, line: socket.socket, paper: bytearray) -> None:
        with contextlib.suppress(OSError):
            while got := line.recv(4096):
                paper += got

    def stop(self) -> None:
        for end in (self._ear, *self._held):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def deaf(cups: PrintService) -> Iterator[DeafPrinter]:
    printer = DeafPrinter()
    cups.add_queue("TULI", f"socket://127.0.0.1:{printer.port}")
    yield printer
    cups.run("cancel", "-a", "TULI")
    cups.run("lpadmin", "-x", "TULI")
    printer.stop()


def raw_printer(queue: str, words: bytes, patience: float) -> CupsPrinter:
    return CupsPrinter(queue, 32, lambda document: (words, "application/vnd.cups-raw", 0, 0), patience)


def test_a_job_that_was_taken_back_after_it_had_begun_is_perhaps_out(deaf: DeafPrinter) -> None:
    """All of it came to the printer, and the queue still waits: what is printed next must not pass for the first."""
    with pytest.raises(PrinterNotReady) as caught:
        raw_printer("TULI", b"words\n", patience=1.5).print(receipt_of(redeemed()))
    assert [bytes(paper) for paper in deaf.papers] == [b"words\n"]
    assert (caught.value.reason, caught.value.maybe_out) == ("stalled", True)


def test_a_job_that_never_began_is_certainly_not_out(cups: PrintService, deaf: DeafPrinter) -> None:
    """Another's paper is before it in the queue."""
    cups.run("lp", "-d", "TULI", "-o", "raw", str(cups.folder / "etc" / "cupsd.conf"))
    until = time.monotonic() + 20
    while not any(deaf.papers) and time.monotonic() < until:
        time.sleep(0.02)
    with pytest.raises(PrinterNotReady) as caught:
        raw_printer("TULI", b"waits\n", patience=0.5).print(receipt_of(redeemed()))
    assert (caught.value.reason, caught.value.maybe_out) == ("stalled", False)
    assert not any(b"waits" in paper for paper in deaf.papers)


def test_a_job_that_the_queue_gave_up_is_perhaps_out(cups: PrintService) -> None:
    broken = CupsPrinter("STRUK", 32, lambda document: (b"no PDF", "application/pdf", 58, 100))
    with pytest.raises(PrinterNotReady) as caught:
        broken.print(receipt_of(redeemed()))
    assert (caught.value.reason, caught.value.maybe_out) == ("aborted", True)


# --- queues that print nothing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["cupsdisable", "cupsreject"])
def test_a_queue_that_was_stopped_says_so_before_anything_is_sent(command: str, cups: PrintService) -> None:
    cups.add_pdf_queue("HENTI")
    cups.run(command, "HENTI")
    printer = CupsPrinter("HENTI", 32, pdf_sheet(58))
    status = printer.status()
    assert (status.state, status.reason) == (DeviceState.ATTENTION, "queue_stopped")
    assert refusal(printer) == "queue_stopped"
    assert cups.waiting("HENTI") == ""
    cups.run("lpadmin", "-x", "HENTI")


def test_a_queue_that_is_not_there(cups: PrintService) -> None:
    printer = CupsPrinter("TIDAKADA", 32, pdf_sheet(58))
    assert (printer.status().state, printer.status().reason) == (DeviceState.AWAY, "no_queue")
    assert refusal(printer) == "no_queue"


def test_no_cups_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPS_SERVER", "127.0.0.1:9")
    printer = CupsPrinter("STRUK", 32, pdf_sheet(58))
    assert (printer.status().state, printer.status().reason) == (DeviceState.AWAY, "no_cups")
    monkeypatch.setenv("CUPS_SERVER", str(tmp_path / "cups.sock"))
    assert refusal(printer) == "no_cups"


@pytest.mark.parametrize(
    ("named", "host", "port"),
    [
        ("kota", "kota", 631),
        ("kota:8631", "kota", 8631),
        ("kota:8631/version=1.1", "kota", 8631),
        ("kota/version=2.0", "kota", 631),
        ("[::1]:8631", "::1", 8631),
        ("[fe80::12]", "fe80::12", 631),
        ("kota:ipp", "kota:ipp", 631),
        ("kota:²", "kota:²", 631),
        ("", "localhost", 631),
        (":8631", "localhost", 8631),
    ],
)
def test_the_server_is_named_as_for_cups_own_programs(
    named: str, host: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def looked_up(host: str, port: int, **_more: object) -> None:
        asked.append((host, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    monkeypatch.setattr("ewarung_pos.devices.cups._SOCKETS", ())
    monkeypatch.setenv("CUPS_SERVER", named)
    status = CupsPrinter("STRUK", 32, pdf_sheet(58)).status()
    assert (asked, status.state, status.reason) == ([(host, port)], DeviceState.AWAY, "no_cups")


def test_a_server_that_is_no_address_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPS_SERVER", "kota:99999")
    printer = CupsPrinter("STRUK", 32, pdf_sheet(58))
    assert (printer.status().state, printer.status().reason) == (DeviceState.AWAY, "cups_server")
    assert "'kota:99999'" in printer.status().detail
    assert refusal(printer) == "cups_server"
    assert queues() == ()
