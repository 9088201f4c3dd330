"""Papers as PDF: a roll of 58 or 80 mm, as long as its content, or sheets of A4; for a screen or an office printer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ewarung_pos.devices.durable import replace_durably
from ewarung_pos.domain.documents import (
    Align,
    Block,
    Columns,
    Cut,
    Document,
    Qr,
    Rule,
    Space,
    Table,
    Text,
    balanced_by,
    marked,
    wrapped_by,
)
from ewarung_pos.domain.wording import paper_text
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus, PrintReport

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

__all__ = ["PdfPrinter", "pdf_bytes", "pdf_roll", "render_receipt", "sheet_bytes"]

_MM = 72 / 25.4
_REGULAR = "AtkinsonHyperlegible-400"
_BOLD = "AtkinsonHyperlegible-700"


class _Style(msgspec.Struct, frozen=True):
    """Sizes in points for one paper width."""

    width: float
    margin: float
    body: float
    small: float
    big: float
    tall: float
    leading: float
    qr: float

    @property
    def inner(self) -> float:
        return self.width - 2 * self.margin


_STYLES = {
    58: _Style(58 * _MM, 4.5 * _MM, 8.2, 6.6, 13.0, 12.5, 1.32, 27 * _MM),
    80: _Style(80 * _MM, 6.5 * _MM, 9.6, 7.6, 16.0, 15.0, 1.34, 30 * _MM),
}
_A4 = _Style(210 * _MM, 18 * _MM, 9.4, 7.6, 15.0, 12.0, 1.4, 30 * _MM)
_A4_HEIGHT = 297 * _MM
_COLUMNS = {58: 32, 80: 48}
_HAIRLINE = 0.35
_FIGURE_GAP = 7.0
"""Points between two cells of a table."""


class _Item(msgspec.Struct, frozen=True):
    """Something of a known height; `draw(canvas, top)` puts it there."""

    height: float
    draw: Callable[[Canvas, float], None]


def pdf_bytes(document: Document, width_mm: int) -> bytes:
    """The document as a one-page PDF, the same bytes each time.

    Raises:
        ValueError: a width other than 58 or 80 mm.
    """
    return pdf_roll(document, width_mm)[0]


def pdf_roll(document: Document, width_mm: int) -> tuple[bytes, float]:
    """The same, and how many millimetres of the roll it takes.

    Raises:
        ValueError: a width other than 58 or 80 mm.
    """
    from reportlab.pdfgen.canvas import Canvas

    if width_mm not in _STYLES:
        raise ValueError(f"paper of {width_mm} mm")
    _register_fonts()
    style = _STYLES[width_mm]
    items = [item for block in marked(document) for item in _items(block, style)]
    # Taller than wide: print queues turn what is not.
    height = max(sum(item.height for item in items) + 2 * style.margin, style.width + _MM)
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(style.width, height), invariant=1, pageCompression=1)
    canvas.setTitle(document.title)
    canvas.setCreator("ewarung-pos")
    if document.watermark:
        _across(canvas, paper_text(document.watermark), style, height)
    top = height - style.margin
    for item in items:
        item.draw(canvas, top)
        top -= item.height
    canvas.showPage()
    canvas.save()
    return out.getvalue(), height / _MM


def sheet_bytes(document: Document) -> bytes:
    """The document on sheets of A4, numbered at the foot, the same bytes each time."""
    from reportlab.pdfgen.canvas import Canvas

    _register_fonts()
    style = _A4
    sheets: list[list[_Item]] = [[]]
    room = _A4_HEIGHT - 2 * style.margin - style.body
    left = room
    for block in document.blocks:
        for item in _items(block, style):
            if item.height > left:
                sheets.append([])
                left = room
            sheets[-1].append(item)
            left -= item.height
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(style.width, _A4_HEIGHT), invariant=1, pageCompression=1)
    canvas.setTitle(document.title)
    canvas.setCreator("ewarung-pos")
    for number, items in enumerate(sheets, start=1):
        if document.watermark:
            _across(canvas, paper_text(document.watermark), style, _A4_HEIGHT)
        top = _A4_HEIGHT - style.margin
        for item in items:
            item.draw(canvas, top)
            top -= item.height
        foot = f"{paper_text(document.title)}, lembar {number} dari {len(sheets)}"
        _put(canvas, foot, _REGULAR, style.small, style.width / 2, style.margin * 0.6, Align.CENTRE)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def render_receipt(document: Document, width_mm: int, path: Path) -> None:
    """Write the document as a PDF; the file is whole or absent.

    Raises:
        ValueError: a width other than 58 or 80 mm.
        OSError: it cannot be written.
    """
    replace_durably(path, pdf_bytes(document, width_mm))


class PdfPrinter:
    """A `ReceiptPrinter` whose paper is a folder of PDF files, named after the documents.

    Raises:
        ValueError: a width other than 58 or 80 mm.
    """

    def __init__(self, directory: Path, width_mm: int = 80) -> None:
        if width_mm not in _STYLES:
            raise ValueError(f"paper of {width_mm} mm")
        self.columns = _COLUMNS[width_mm]
        self._directory = directory
        self._width_mm = width_mm

    def path(self, document: Document) -> Path:
        """Where the document is (or will be)."""
        return self._directory / f"{_file_stem(document.name)}.pdf"

    def print(self, document: Document) -> PrintReport:
        """Write the file and flush it to the disk.

        Raises:
            PrinterNotReady: reason `disk`.
        """
        try:
            render_receipt(document, self._width_mm, self.path(document))
        except OSError as exc:
            raise PrinterNotReady(f"{type(exc).__name__}: {exc}", reason="disk") from exc
        return PrintReport(confirmed=True, status=self.status(), paper="pdf")

    def status(self) -> DeviceStatus:
        """Always ready; a full disk shows when it prints."""
        return DeviceStatus(DeviceState.READY, "pdf")

    def seen(self) -> DeviceStatus:
        """Always ready."""
        return DeviceStatus(DeviceState.READY, "pdf")

    def close(self) -> None:
        """Nothing is held between jobs."""


def _file_stem(name: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in name).lstrip(".")


def _register_fonts() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name in (_REGULAR, _BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            data = (files("ewarung_pos") / "resources" / "fonts" / f"{name}.ttf").read_bytes()
            pdfmetrics.registerFont(TTFont(name, io.BytesIO(data)))


def _width(text: str, font: str, size: float) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return float(stringWidth(text, font, size))


def _fits(font: str, size: float, room: float) -> Callable[[str], bool]:
    return lambda words: _width(words, font, size) <= room


def _across(canvas: Canvas, text: str, style: _Style, height: float) -> None:
    """The watermark, slanted and pale, behind everything and close enough to survive any tear."""
    canvas.saveState()
    canvas.setFillGray(0.86)
    size = style.big
    canvas.setFont(_BOLD, size)
    step = style.width * 0.95
    y = step * 0.5
    while y < height + step:
        canvas.saveState()
        canvas.translate(style.width / 2, y)
        canvas.rotate(32)
        for place, part in enumerate(balanced_by(text, _fits(_BOLD, size, style.width * 0.98))):
            canvas.drawCentredString(0, -place * size * 1.1, part)
        canvas.restoreState()
        y += step
    canvas.restoreState()


def _items(block: Block, style: _Style) -> Iterator[_Item]:
    match block:
        case Text():
            yield from _paragraph(block, style)
        case Columns():
            yield from _pair(block, style)
        case Table():
            yield from _table(block, style)
        case Rule():
            yield _rule(style, thick=block.double)
        case Space():
            yield _Item(style.body * style.leading, lambda _canvas, _top: None)
        case Qr():
            yield _qr(block.data, style)
        case Cut():
            return


def _rule(style: _Style, *, thick: bool) -> _Item:
    height = style.body * 0.85

    def draw(canvas: Canvas, top: float) -> None:
        canvas.setLineWidth(1.1 if thick else _HAIRLINE)
        canvas.line(style.margin, top - height / 2, style.width - style.margin, top - height / 2)

    return _Item(height, draw)


def _put(canvas: Canvas, text: str, font: str, size: float, x: float, y: float, align: Align) -> None:
    canvas.setFont(font, size)
    match align:
        case Align.LEFT:
            canvas.drawString(x, y, text)
        case Align.CENTRE:
            canvas.drawCentredString(x, y, text)
        case Align.RIGHT:
            canvas.drawRightString(x, y, text)


def _indent(text: str, size: float) -> tuple[str, float]:
    """Leading spaces as an indent in points."""
    bare = text.lstrip(" ")
    return bare, (len(text) - len(bare)) * size * 0.35


def _paragraph(block: Text, style: _Style) -> Iterator[_Item]:
    size = style.big if block.big else style.small if block.small else style.body
    font = _BOLD if block.bold else _REGULAR
    height = size * (1.18 if block.big else style.leading)
    text, indent = _indent(paper_text(block.text), size)
    x = {
        Align.LEFT: style.margin + indent,
        Align.CENTRE: style.width / 2,
        Align.RIGHT: style.width - style.margin,
    }[block.align]
    wrap = balanced_by if block.align is Align.CENTRE else wrapped_by
    for line in wrap(text, _fits(font, size, style.inner - indent)):

        def draw(canvas: Canvas, top: float, line: str = line) -> None:
            _put(canvas, line, font, size, x, top - size, block.align)

        yield _Item(height, draw)


def _pair(block: Columns, style: _Style) -> Iterator[_Item]:
    size = style.tall if block.tall else style.body
    font = _BOLD if block.bold else _REGULAR
    height = size * style.leading
    left, indent = _indent(paper_text(block.left), size)
    right = paper_text(block.right)
    room = style.inner - indent
    beside = room - _width(right, font, size) - size * 0.8
    longest = max((_width(word, font, size) for word in left.split()), default=0.0)
    if beside < room / 4 or beside < longest:
        fits = _fits(font, size, room)
        lines = [*((part, "") for part in wrapped_by(left, fits)), *(("", part) for part in wrapped_by(right, fits))]
    else:
        parts = wrapped_by(left, _fits(font, size, beside))
        lines = [*((part, "") for part in parts[:-1]), (parts[-1], right)]
    for line_left, line_right in lines:

        def draw(canvas: Canvas, top: float, line_left: str = line_left, line_right: str = line_right) -> None:
            _put(canvas, line_left, font, size, style.margin + indent, top - size, Align.LEFT)
            _put(canvas, line_right, font, size, style.width - style.margin, top - size, Align.RIGHT)

        yield _Item(height, draw)


def _table(table: Table, style: _Style) -> Iterator[_Item]:
    header = tuple(map(paper_text, table.header))
    rows = [tuple(map(paper_text, row)) for row in table.rows]
    size, small = style.body, style.small
    widths = [
        max([_width(cell, _REGULAR, small) for cell in column[:1]] + [_width(c, _REGULAR, size) for c in column[1:]])
        + _FIGURE_GAP
        for column in list(zip(header, *rows, strict=True))[1:]
    ]
    edges = [style.width - style.margin - sum(widths[place + 1 :]) for place in range(len(widths))]
    room = style.inner - sum(widths)
    longest = max((_width(row[0], _REGULAR, size) for row in rows), default=0.0)
    stacked = room < min(longest, style.inner * 0.45)

    def figures(row: tuple[str, ...], letter: float) -> Callable[[Canvas, float], None]:
        def draw(canvas: Canvas, top: float) -> None:
            for cell, edge in zip(row[1:], edges, strict=True):
                _put(canvas, cell, _REGULAR, letter, edge, top - letter, Align.RIGHT)

        return draw

    def label(text: str, letter: float) -> Callable[[Canvas, float], None]:
        return lambda canvas, top: _put(canvas, text, _REGULAR, letter, style.margin, top - letter, Align.LEFT)

    def line(text: str, row: tuple[str, ...], letter: float) -> _Item:
        draw_label, draw_figures = label(text, letter), figures(row, letter)

        def draw(canvas: Canvas, top: float) -> None:
            draw_label(canvas, top)
            draw_figures(canvas, top)

        return _Item(letter * style.leading, draw)

    if any(header):
        yield line("" if stacked else header[0], header, small)
    for row in rows:
        parts = wrapped_by(row[0], _fits(_REGULAR, size, style.inner if stacked else room))
        for part in parts if stacked else parts[:-1]:
            yield _Item(size * style.leading, label(part, size))
        yield line("" if stacked else parts[-1], row, size)


def _qr(data: str, style: _Style) -> _Item:
    from reportlab.graphics import renderPDF
    from reportlab.graphics.barcode.qr import QrCodeWidget
    from reportlab.graphics.shapes import Drawing

    gap = style.body * 0.5

    def draw(canvas: Canvas, top: float) -> None:
        code = QrCodeWidget(data, barLevel="M", barBorder=4)
        code.barWidth = code.barHeight = style.qr
        drawing = Drawing(style.qr, style.qr)
        drawing.add(code)
        x = (style.width - style.qr) / 2
        y = top - gap - style.qr
        canvas.setFillGray(1)  # the watermark must not run through the code
        canvas.rect(x, y, style.qr, style.qr, stroke=0, fill=1)
        canvas.setFillGray(0)
        renderPDF.draw(drawing, canvas, x, y)

    return _Item(style.qr + 2 * gap, draw)
