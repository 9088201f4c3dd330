"""Receipts as PDF: read back by another library, code and all."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from ewarung_pos.devices.pdf import PdfPrinter, pdf_bytes, render_receipt, sheet_bytes
from ewarung_pos.domain.documents import Columns, Cut, Document, Table, Text
from ewarung_pos.domain.paper_parts import WATERMARK
from ewarung_pos.domain.papers import parse_qr
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState
from tests.unit.papers.sample_papers import all_documents, closed, receipt_of, redeemed, report_of, words_of

MM = 72 / 25.4


def open_pdf(data: bytes) -> tuple[str, tuple[float, float], Image.Image]:
    """Text, page size in points, and picture at 203 dpi of a one-page PDF."""
    with pypdfium2.PdfDocument(data) as document:
        assert len(document) == 1
        page = document[0]
        words = page.get_textpage().get_text_bounded()
        return words, page.get_size(), page.render(scale=203 / 72).to_pil().convert("L")


@pytest.mark.parametrize("width", [58, 80])
@pytest.mark.parametrize("name", list(all_documents()))
def test_everything_on_the_document_is_on_the_paper(name: str, width: int) -> None:
    document = all_documents()[name]
    words, (wide, high), _ = open_pdf(pdf_bytes(document, width))
    assert wide == pytest.approx(width * MM, abs=0.1)
    assert high > wide
    run_together = "".join(words.split())
    for block in document.blocks:
        match block:
            case Text(text=text):
                parts = [text]
            case Columns(left=left, right=right):
                parts = [left, right]
            case Table(rows=rows):
                parts = [cell for row in rows for cell in row]
            case _:
                parts = []
        for part in parts:
            assert all(word in run_together for word in part.split()), part


@pytest.mark.parametrize("width", [58, 80])
@pytest.mark.parametrize("name", list(all_documents()))
def test_no_word_is_broken(name: str, width: int) -> None:
    document = all_documents()[name]
    words, _, _ = open_pdf(pdf_bytes(document, width))
    printed = words.split()
    for word in words_of(document):
        assert word in printed


@pytest.mark.parametrize("width", [58, 80])
@pytest.mark.parametrize("practice", [False, True])
def test_the_code_is_read_from_the_page(width: int, practice: bool) -> None:
    _, _, picture = open_pdf(pdf_bytes(receipt_of(redeemed(), practice=practice), width))
    (found,) = zxingcpp.read_barcodes(picture)
    code = parse_qr(found.text)
    assert (code.seq, code.number, code.total) == (123, 47, 207_200)


@pytest.mark.parametrize("width", [58, 80])
@pytest.mark.parametrize("name", list(all_documents()))
def test_nothing_is_drawn_over_the_edge(name: str, width: int) -> None:
    """The margins of the roll stay white, on all four sides."""
    _, _, picture = open_pdf(pdf_bytes(all_documents()[name], width))
    margin = round(3.5 * 203 / 25.4)
    for box in (
        (0, 0, margin, picture.height),
        (picture.width - margin, 0, picture.width, picture.height),
        (0, 0, picture.width, margin),
        (0, picture.height - margin, picture.width, picture.height),
    ):
        assert picture.crop(box).getextrema() == (255, 255)


def test_long_words_stay_on_the_paper() -> None:
    blocks = (Text("x" * 200), Columns("y" * 90, "z" * 90), Table(("", ""), (("w" * 120, "1"),)), Cut())
    words, _, picture = open_pdf(pdf_bytes(Document("long", "Panjang", blocks), 58))
    assert all(words.count(char) >= count for char, count in (("x", 200), ("y", 90), ("z", 90), ("w", 120)))
    assert picture.crop((0, 0, 28, picture.height)).getextrema() == (255, 255)


def test_the_same_document_is_the_same_bytes() -> None:
    assert pdf_bytes(report_of(closed()), 80) == pdf_bytes(report_of(closed()), 80)


def test_the_letters_travel_with_the_file() -> None:
    data = pdf_bytes(receipt_of(redeemed()), 80)
    with pypdfium2.PdfDocument(data) as document:
        assert document.get_metadata_dict()["Title"] == "Struk 2026-11-24/0047"
    assert data.count(b"/FontFile2") == 2
    assert b"AtkinsonHyperlegible" in data


def test_a_practice_page_is_marked_across_and_in_plain_words() -> None:
    real, _, plain = open_pdf(pdf_bytes(receipt_of(redeemed()), 80))
    practice, _, marked = open_pdf(pdf_bytes(receipt_of(redeemed(), practice=True), 80))
    assert "LATIHAN" not in real
    assert practice.count("LATIHAN") >= 6
    pale = range(200, 240)
    share = [
        sum(picture.histogram()[tone] for tone in pale) / (picture.width * picture.height)
        for picture in (plain, marked)
    ]
    assert share[1] > share[0] + 0.01


def test_every_sheet_of_a_practice_paper_is_marked() -> None:
    rows = tuple((f"Keluarga {place}", "10 kg") for place in range(90))
    document = Document("daftar", "Daftar", (Table(("nama", "beras"), rows),), watermark=WATERMARK)
    with pypdfium2.PdfDocument(sheet_bytes(document)) as sheets:
        words = [sheet.get_textpage().get_text_bounded() for sheet in sheets]
    assert len(words) > 1
    assert all(each.count("LATIHAN") >= 2 for each in words)


def test_another_width_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="76 mm"):
        render_receipt(receipt_of(redeemed()), 76, tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="76 mm"):
        PdfPrinter(tmp_path, 76)


def test_the_pdf_printer_files_each_paper_under_its_name(tmp_path: Path) -> None:
    printer = PdfPrinter(tmp_path / "papers", 58)
    assert printer.columns == 32
    report = printer.print(receipt_of(redeemed()))
    assert report.confirmed
    assert report.paper == "pdf", "and the journal does not say that paper came out"
    assert printer.seen().state is DeviceState.READY
    assert report.status.state is DeviceState.READY
    printer.print(receipt_of(redeemed(), copy=1))
    printer.print(receipt_of(redeemed()))
    names = sorted(file.name for file in (tmp_path / "papers").iterdir())
    assert names == ["struk-2026-11-24-0047-salinan-1.pdf", "struk-2026-11-24-0047.pdf"]
    assert printer.path(receipt_of(redeemed())).read_bytes() == pdf_bytes(receipt_of(redeemed()), 58)


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    printer = PdfPrinter(tmp_path / "papers")
    printer.print(Document("../../etc/x", "X", (Text("x"),)))
    (file,) = (tmp_path / "papers").iterdir()
    assert file.name == "_.._etc_x.pdf"


def test_a_paper_that_cannot_be_written_leaves_the_job_and_no_rubbish(tmp_path: Path) -> None:
    printer = PdfPrinter(tmp_path, 80)
    target = printer.path(receipt_of(redeemed()))
    target.mkdir()
    with pytest.raises(PrinterNotReady) as caught:
        printer.print(receipt_of(redeemed()))
    assert caught.value.reason == "disk"
    assert list(tmp_path.iterdir()) == [target]
