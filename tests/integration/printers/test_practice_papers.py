"""Nobody can take a practice paper for a real one, whatever it is and whatever prints it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest

from ewarung_pos.devices.cups_sheets import pdf_sheet, raw_sheet
from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.devices.pdf import PdfPrinter
from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.trial_page import trial_page
from tests.escpos_interpreter import interpret
from tests.unit.papers.sample_papers import all_documents, identity

MARK = "LATIHAN"
AT = 1_795_480_000_000


def papers(*, practice: bool) -> dict[str, Document]:
    """One of each kind that a till prints, the page that tries the printer among them."""
    trials = {f"trial {columns}": trial_page(identity(practice=practice), columns, AT) for columns in (32, 48)}
    return {**all_documents(practice=practice), **trials}


def in_bytes(data: bytes, dots: int) -> list[str]:
    return [line.text for line in interpret(data, dots).lines if line.text]


def in_pdf(data: bytes) -> list[str]:
    with pypdfium2.PdfDocument(data) as document:
        return [line for page in document for line in page.get_textpage().get_text_bounded().splitlines() if line]


def filed(document: Document, folder: Path, width: int) -> list[str]:
    PdfPrinter(folder, width).print(document)
    return in_pdf((folder / f"{document.name}.pdf").read_bytes())


WAYS: dict[str, Callable[[Document, Path], list[str]]] = {
    "ESC/POS, 32 columns": lambda document, _: in_bytes(encode(document, 32), 384),
    "ESC/POS, 48 columns": lambda document, _: in_bytes(encode(document, 48), 576),
    "a raw queue, 32 columns": lambda document, folder: in_bytes(raw_sheet(32, folder)(document)[0], 384),
    "a raw queue, 48 columns": lambda document, folder: in_bytes(raw_sheet(48, folder)(document)[0], 576),
    "a queue, 58 mm": lambda document, _: in_pdf(pdf_sheet(58)(document)[0]),
    "a queue, 80 mm": lambda document, _: in_pdf(pdf_sheet(80)(document)[0]),
    "a file, 58 mm": lambda document, folder: filed(document, folder, 58),
    "a file, 80 mm": lambda document, folder: filed(document, folder, 80),
}


@pytest.mark.parametrize("kind", papers(practice=True))
@pytest.mark.parametrize("way", WAYS)
def test_a_practice_paper_is_marked_on_top_in_the_middle_and_at_the_end(way: str, kind: str, tmp_path: Path) -> None:
    lines = WAYS[way](papers(practice=True)[kind], tmp_path)
    places = [place for place, line in enumerate(lines) if MARK in line]
    assert len(places) >= 3
    assert places[0] <= 1, "on top"
    assert places[-1] >= len(lines) - 4, "at the end"
    assert any(len(lines) // 6 <= place <= len(lines) - len(lines) // 6 for place in places[1:-1]), "in the middle"


@pytest.mark.parametrize("way", WAYS)
def test_a_real_paper_says_nothing_of_practice(way: str, tmp_path: Path) -> None:
    for kind in ("receipt", "report", "trial 32"):
        assert not any(MARK in line for line in WAYS[way](papers(practice=False)[kind], tmp_path))
