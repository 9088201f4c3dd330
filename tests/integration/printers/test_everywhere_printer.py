"""Papers to a printer that we did not write, over IPP and without a queue: what it got, and what it says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pypdfium2
import pytest
import zxingcpp

from ewarung_pos.app import receipt_printer
from ewarung_pos.config import KioskConfig, PrinterConfig
from ewarung_pos.devices.cups import CupsPrinter
from ewarung_pos.devices.cups_sheets import pdf_sheet
from ewarung_pos.domain.papers import parse_qr
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState
from tests.integration.printers.everywhere_printer import EverywherePrinter, everywhere_printer, lacking
from tests.unit.papers.sample_papers import receipt_of, redeemed, words_of

MM = 72 / 25.4
RECEIPT = receipt_of(redeemed())


@pytest.fixture(scope="module")
def peer() -> Iterator[EverywherePrinter]:
    if lacks := lacking():
        pytest.skip(lacks)
    with everywhere_printer("-f", "application/pdf", "-c", "/bin/true") as printer:
        yield printer


@pytest.mark.parametrize(("columns", "width"), [(32, 58), (48, 80)])
def test_it_gets_the_paper_with_every_word_and_in_its_size(
    columns: Literal[32, 48], width: int, peer: EverywherePrinter, tmp_path: Path
) -> None:
    before = peer.kept()
    settings = PrinterConfig("cups", peer.uri, columns=columns)
    report = receipt_printer(KioskConfig(receipt_printer=settings), tmp_path).print(RECEIPT)
    assert not report.confirmed, "it does not see the paper"
    assert (report.status.state, report.status.reason) == (DeviceState.UNKNOWN, "queue")
    (got,) = (file for file in peer.kept() if file not in before)
    assert got.read_bytes() == pdf_sheet(width)(RECEIPT)[0]
    with pypdfium2.PdfDocument(got) as document:
        (page,) = document
        assert page.get_width() == pytest.approx(width * MM, abs=0.5)
        assert page.get_height() > page.get_width()
        printed = page.get_textpage().get_text_bounded().split()
        picture = page.render(scale=203 / 72).to_pil().convert("L")
    assert words_of(RECEIPT) <= set(printed)
    (code,) = zxingcpp.read_barcodes(picture)
    assert parse_qr(code.text).number == 47


def test_it_refuses_what_it_cannot_read_and_got_nothing(peer: EverywherePrinter) -> None:
    before = peer.kept()
    printer = CupsPrinter(peer.uri, 32, lambda document: (b"words", "application/x-unheard-of", 0, 0))
    with pytest.raises(PrinterNotReady) as caught:
        printer.print(RECEIPT)
    assert (caught.value.reason, caught.value.maybe_out) == ("aborted", False)
    assert peer.kept() == before


def test_a_paper_that_it_gave_up_is_perhaps_out() -> None:
    if lacks := lacking():
        pytest.skip(lacks)
    with everywhere_printer("-f", "application/pdf", "-c", "/bin/false") as broken:
        with pytest.raises(PrinterNotReady) as caught:
            CupsPrinter(broken.uri, 32, pdf_sheet(58)).print(RECEIPT)
        assert (caught.value.reason, caught.value.maybe_out) == ("aborted", True)
        assert len(broken.kept()) == 1
