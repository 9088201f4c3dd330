"""A printer whose papers are also filed as PDF: what the family took home can be looked at again."""

from __future__ import annotations

import logging

from ewarung_pos.domain.documents import Document
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceStatus, PrintReport, ReceiptPrinter

__all__ = ["FiledPrinter"]

_log = logging.getLogger(__name__)


class FiledPrinter:
    """Prints on `printer`, then files a PDF with `archive`.

    A PDF that cannot be written is logged and not an error: the paper is out and the ledger has the facts.
    """

    def __init__(self, printer: ReceiptPrinter, archive: ReceiptPrinter) -> None:
        self._printer = printer
        self._archive = archive
        self.columns = printer.columns

    def print(self, document: Document) -> PrintReport:
        """Print, then file.

        Raises:
            PrinterNotReady: the printer's own; nothing is filed then.
        """
        report = self._printer.print(document)
        try:
            self._archive.print(document)
        except PrinterNotReady as error:
            _log.warning("paper %s was printed but not filed: %s", document.name, error)
        return report

    def status(self) -> DeviceStatus:
        """The printer's."""
        return self._printer.status()

    def seen(self) -> DeviceStatus:
        """The printer's."""
        return self._printer.seen()

    def close(self) -> None:
        """Close both."""
        self._printer.close()
        self._archive.close()
