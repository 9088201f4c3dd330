"""The page that a printer is tried with: what it shows, and that it passes for nothing else."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import Qr, text_lines
from ewarung_pos.domain.papers import parse_qr
from ewarung_pos.domain.trial_page import trial_page
from tests.unit.papers.sample_papers import AT, identity


@pytest.mark.parametrize("columns", [32, 48])
def test_its_ruler_fills_the_paper_exactly(columns: int) -> None:
    lines = text_lines(trial_page(identity(), columns, AT), columns)
    assert "123456789012345678901234567890123456789012345678"[:columns] in lines
    assert all(len(line) <= columns for line in lines)


def test_it_is_no_receipt() -> None:
    page = trial_page(identity(), 32, AT)
    assert "bukan struk" in "\n".join(text_lines(page, 32))
    (code,) = (block for block in page.blocks if isinstance(block, Qr))
    assert code.data == "UJI CETAK EW-0123"
    with pytest.raises(ValueError, match="not a paper code"):
        parse_qr(code.data)
    assert not page.cash, "it opens no drawer"


def test_practice_is_marked_and_a_kiosk_without_a_name_prints_too() -> None:
    assert trial_page(identity(practice=True), 32, AT).watermark.startswith("LATIHAN")
    page = trial_page(None, 32, AT)
    assert (page.watermark, page.name) == ("", "uji-cetak")
    assert "Kios belum terdaftar" in "\n".join(text_lines(page, 32))
