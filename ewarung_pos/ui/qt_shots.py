"""Pictures of the real window at moments of a script: offscreen, one PNG a moment."""

from __future__ import annotations

import os
from pathlib import Path

from ewarung_pos.ui.viewmodels.till import TillViewModels

__all__ = ["WindowShots"]

SETTLE_MS = 60


class WindowShots:
    """The till's window, offscreen, and a camera in front of it."""

    def __init__(
        self, till: TillViewModels, folder: Path, practice_hint: str, size: tuple[int, int] = (1366, 768)
    ) -> None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        os.environ["EWARUNG_REDUCED_MOTION"] = "1"
        from ewarung_pos.ui.qt_app import apply_theme, load_theme, start_qt
        from ewarung_pos.ui.views.window import TillWindow

        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._app = start_qt()
        apply_theme(self._app, load_theme("light"))
        self._window = TillWindow(till, practice_hint=practice_hint, tray=None)
        self._window.resize(*size)
        self._window.show()
        self.taken: list[Path] = []

    def take(self, name: str) -> None:
        """Picture of now; the same moment twice keeps the first picture."""
        path = self._folder / f"{name}.png"
        if path in self.taken:
            return
        self._settle()
        if self._window.grab().save(str(path)):
            self.taken.append(path)

    def _settle(self) -> None:
        """Let the window lay itself out and paint: the script has no event loop of its own."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(SETTLE_MS, loop.quit)
        loop.exec()
