"""What was just done, in one line."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.views.kit import IconView, Panel, Role, Text, Tone
from ewarung_pos.ui.views.parts import Box

__all__ = ["Said"]


class Said(Panel):
    """What was just done, in one line, until something else is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=1.5, tone=Tone.GO, parent=parent)
        self._words = Text(role=Role.BODY, tone=Tone.GO, bold=True, wrap=True)
        line = Box(across=True, gap=1.5)
        line.add(IconView("circle-check", tone=Tone.GO, role=Role.LEAD), align=Qt.AlignmentFlag.AlignVCenter)
        line.add(self._words, stretch=1)
        self.body.addWidget(line)
        self.setVisible(False)

    def render_state(self, said: str) -> None:
        """Show the words; none hides the line."""
        self._words.set_text(said)
        self.setAccessibleName(said)
        self.setVisible(bool(said))
