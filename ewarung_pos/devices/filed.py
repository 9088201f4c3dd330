"""A printer whose papers are also filed as PDF, and of which is known what it last said of itself."""

from __future__ import annotations

import logging
from typing import Protocol

from ewarung_pos.domain.documents import Document
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus, PrintReport

__all__ = ["FiledPrinter", "PrinterDevice"]

_log = logging.getLogger(__name__)

_NOT_THERE = frozenset(
    {"link", "in_use", "no_permission", "no_driver", "no_cups", "cups_server", "no_queue", "which_port"}
)
"""Reasons of a printer that cannot be reached; with any other it is there and cannot print."""


class PrinterDevice(Protocol):
    """A driver: what it can do and what it says, without memory."""

    columns: int

    def print(self, document: Document) -> PrintReport:
        """As `ReceiptPrinter.print`."""
        ...

    def status(self) -> DeviceStatus:
        """As `ReceiptPrinter.status`."""
        ...

    def close(self) -> None:
        """Give the port back. Never raises."""
        ...


class FiledPrinter:
    """Prints on `printer`, then files a PDF with `archive`; a `ReceiptPrinter`.

    A PDF that cannot be written is logged and not an error: the paper is out and the ledger has the facts.
    """

    def __init__(self, printer: PrinterDevice, archive: PrinterDevice) -> None:
        self._printer = printer
        self._archive = archive
        self._seen = DeviceStatus(DeviceState.UNKNOWN, "not_asked")
        self.columns = printer.columns

    def print(self, document: Document) -> PrintReport:
        """Print, then file.

        Raises:
            PrinterNotReady: the printer's own; nothing is filed then.
        """
        try:
            report = self._printer.print(document)
        except PrinterNotReady as error:
            state = DeviceState.AWAY if error.reason in _NOT_THERE else DeviceState.ATTENTION
            self._seen = DeviceStatus(state, error.reason, error.detail)
            raise
        self._seen = report.status
        try:
            self._archive.print(document)
        except Exception:  # noqa: BLE001 - raised, it would have a paper printed again that is out
            _log.exception("paper %s was printed but not filed", document.name)
        return report

    def status(self) -> DeviceStatus:
        """Ask the printer."""
        self._seen = self._printer.status()
        return self._seen

    def seen(self) -> DeviceStatus:
        """As it last said itself; no I/O."""
        return self._seen

    def close(self) -> None:
        """Close both."""
        self._printer.close()
        self._archive.close()
