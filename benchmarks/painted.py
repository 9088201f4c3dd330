"""Tells the parent process when a widget has been painted, with the resident memory of that moment in KiB."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

__all__ = ["Painted"]


class Painted(QObject):
    """Watches one widget for its next paint, reports, and ends the application."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.installEventFilter(self)
        widget.update()
        self._done = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt names it
        if event.type() == QEvent.Type.Paint and not self._done:
            self._done = True
            QTimer.singleShot(0, _report)  # after this paint, not within it
        return False


def _report() -> None:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]
    os.write(1, f"{resident}\n".encode())
    QApplication.quit()
