"""Every paper as the receipt printer prints it, kept in the tree: a change of a paper is seen before it is merged.

    .venv/bin/python -m tests.paper_pictures

draws them anew after a change that was meant; look at what `git diff` says.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ewarung_pos.devices.escpos_bytes import encode
from ewarung_pos.domain.documents import Document
from ewarung_pos.domain.papers import receipt
from ewarung_pos.domain.trial_page import trial_page
from tests.escpos_interpreter import Printed, interpret
from tests.unit.papers.sample_papers import AT, all_documents, digest, entry, identity, redeemed

KEPT = Path(__file__).parent / "integration" / "printers" / "papers"
WIDTHS = {32: 384, 48: 576}
"""Columns of font A, and dots, of 58 and 80 mm."""


def documents(columns: int) -> dict[str, Document]:
    """All that is kept, by name: one of each paper, one of practice, one that may be out already, the trial page."""
    item = entry(redeemed())
    return {
        **all_documents(),
        "practice-receipt": all_documents(practice=True)["receipt"],
        "again": receipt(identity(), item, item.seq, digest(item), "Sri", 0, again=True),
        "trial": trial_page(identity(), columns, AT),
    }


def names() -> list[str]:
    """`paper-columns` of all that is kept."""
    return [f"{paper}-{columns}" for columns in WIDTHS for paper in documents(columns)]


def printed(name: str) -> Printed:
    """The paper of that name, out of the printer."""
    paper, _, wide = name.rpartition("-")
    columns = int(wide)
    return interpret(encode(documents(columns)[paper], columns), WIDTHS[columns])


def grid_of(paper: Printed) -> str:
    """Its lines between two edges, the codes as their text."""
    codes = [f"QR {text}" for text in paper.qr_texts]
    wide = paper.dots // 12
    return (
        "\n".join([*(f"|{row:<{wide}}|" for row in paper.grid), *codes, *(f"cut {cut}" for cut in paper.cuts)]) + "\n"
    )


def png_of(paper: Printed) -> bytes:
    """Its picture, black and white."""
    out = io.BytesIO()
    paper.picture().convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()


def open_kept(name: str) -> Image.Image:
    """The picture that is kept."""
    with Image.open(KEPT / f"{name}.png") as picture:
        return picture.convert("L")


def _files() -> Iterator[tuple[str, bytes]]:
    for name in names():
        paper = printed(name)
        yield f"{name}.txt", grid_of(paper).encode()
        yield f"{name}.png", png_of(paper)


def main() -> None:
    """Draw all of them anew."""
    KEPT.mkdir(exist_ok=True)
    for old in KEPT.iterdir():
        old.unlink()
    for file, content in _files():
        (KEPT / file).write_bytes(content)


if __name__ == "__main__":
    main()
