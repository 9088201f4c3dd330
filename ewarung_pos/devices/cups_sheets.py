"""What a print queue is handed: a PDF of the roll's own size, or ESC/POS that it changes nothing of."""

from __future__ import annotations

import math
from pathlib import Path

from ewarung_pos.devices.cups import Sheet
from ewarung_pos.devices.durable import next_numbered
from ewarung_pos.devices.escpos_bytes import Fittings, encode, profile_of
from ewarung_pos.devices.pdf import pdf_roll
from ewarung_pos.domain.documents import Document
from ewarung_pos.errors import PrinterNotReady

__all__ = ["pdf_sheet", "raw_sheet"]


def pdf_sheet(width_mm: int) -> Sheet:
    """As PDF, on paper of that width and as long as the document."""

    def sheet(document: Document) -> tuple[bytes, str, int, int]:
        data, high = pdf_roll(document, width_mm)
        return data, "application/pdf", width_mm, math.ceil(high)

    return sheet


def raw_sheet(columns: int, keep_dir: Path, profile: str = "", fittings: Fittings | None = None) -> Sheet:
    """As ESC/POS, kept in `keep_dir` before it is handed over.

    Raises:
        ConfigError: the profile does not fit the columns, or lacks the code page.
    """
    name = profile_of(columns, profile, (fittings or Fittings()).code_page)

    def sheet(document: Document) -> tuple[bytes, str, int, int]:
        data = encode(document, columns, name, fittings)
        try:
            next_numbered(keep_dir, ".bin", data)
        except OSError as exc:
            raise PrinterNotReady(f"{type(exc).__name__}: {exc}", reason="disk") from exc
        return data, "application/vnd.cups-raw", 0, 0

    return sheet
