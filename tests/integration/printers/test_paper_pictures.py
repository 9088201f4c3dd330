"""Papers at 32 and 48 columns, as lines and as pictures, against those that are kept in the tree."""

from __future__ import annotations

from pathlib import Path

import pytest
import zxingcpp
from PIL import ImageChops

from ewarung_pos.domain.papers import parse_qr
from tests.paper_pictures import KEPT, grid_of, names, open_kept, printed

NUMBERS = {"reversal": (123, 48), "report": (132, 12)}
"""Place in the chain and number of the papers that are no receipt."""
CODED = [name for name in names() if not name.startswith(("prices", "trial"))]
ANEW = "if the change is meant: .venv/bin/python -m tests.paper_pictures"


@pytest.mark.parametrize("name", names())
def test_a_paper_is_the_one_that_was_looked_at(name: str) -> None:
    kept = (KEPT / f"{name}.txt").read_text(encoding="utf-8")
    assert grid_of(printed(name)) == kept, ANEW


@pytest.mark.parametrize("name", names())
def test_its_picture_is_the_one_that_was_looked_at(name: str, tmp_path: Path) -> None:
    kept, now = open_kept(name), printed(name).picture()
    now.save(tmp_path / f"{name}.png")
    assert now.size == kept.size, f"{tmp_path}: {ANEW}"
    differs = ImageChops.difference(now, kept).getbbox()
    assert differs is None, f"{tmp_path} differs within {differs}; {ANEW}"


@pytest.mark.parametrize("name", CODED)
def test_the_code_is_read_from_the_kept_picture(name: str) -> None:
    (found,) = zxingcpp.read_barcodes(open_kept(name))
    code = parse_qr(found.text)
    assert (code.seq, code.number) == NUMBERS.get(name.partition("-")[0], (123, 47))


def test_nothing_is_kept_that_no_test_looks_at() -> None:
    wanted = {f"{name}.{kind}" for name in names() for kind in ("txt", "png")}
    assert {file.name for file in KEPT.iterdir()} == wanted
