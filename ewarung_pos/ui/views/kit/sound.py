"""Three short sounds: card read, done, refused. A till without sound goes on silently."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib.resources import as_file, files

from PySide6.QtCore import QProcess, QStandardPaths
from PySide6.QtWidgets import QApplication

__all__ = ["Chime", "Sound"]


class Sound(StrEnum):
    """What can be heard; each names a file in `resources/sounds`."""

    CARD = "card"
    DONE = "done"
    REFUSED = "refused"


class Chime:
    """Plays a sound beside the program and never waits for it."""

    def __init__(self, *, muted: bool = False) -> None:
        self.muted = muted
        self._player: str | None = None

    def play(self, sound: Sound) -> None:
        """Start `sound`, unless muted."""
        if self.muted:
            return
        # Qt's multimedia module would add 60 MB for three beeps; every desktop has a player of its own.
        with as_file(files("ewarung_pos").joinpath("resources", "sounds", f"{sound.value}.wav")) as path:
            if sys.platform == "win32":
                import winsound

                winsound.PlaySound(str(path), winsound.SND_FILENAME | winsound.SND_ASYNC | winsound.SND_NODEFAULT)
                return
            if self._player is None:
                found = (QStandardPaths.findExecutable(each) for each in ("pw-play", "paplay", "aplay"))
                self._player = next(filter(None, found), "")
            if not (self._player and QProcess.startDetached(self._player, [str(path)])[0]):
                QApplication.beep()
