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
from tests.escpos_interpreter import Printed, interpret
from tests.unit.papers.sample_papers import all_documents

KEPT = Path(__file__).parent / "integration" / "printers" / "papers"
WIDTHS = {32: 384, 48: 576}
"""Columns of font A, and dots, of 58 and 80 mm."""

_DRAWN = {"receipt", "copy", "reversal", "practice-receipt"}
"""Kept as pictures too; the others differ from them in words only."""


def names() -> list[str]:
    """`paper-columns` of all that is kept."""
    papers = [*all_documents(), "practice-receipt"]
    return [f"{paper}-{columns}" for paper in papers for columns in WIDTHS]


def printed(name: str) -> Printed:
    """The paper of that name, out of the printer."""
    paper, _, columns = name.rpartition("-")
    document = all_documents(practice=paper.startswith("practice-"))[paper.removeprefix("practice-")]
    return interpret(encode(document, int(columns)), WIDTHS[int(columns)])


def drawn(name: str) -> bool:
    """Whether it is kept as a picture."""
    return name.rpartition("-")[0] in _DRAWN


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
        if drawn(name):
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
