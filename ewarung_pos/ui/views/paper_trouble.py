"""Why a paper did not come out and what to do now, beside what it is about."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.views.kit import Note, Panel, Role, Text, Tone
from ewarung_pos.ui.views.parts import tone_of

__all__ = ["PaperTrouble"]


class PaperTrouble(Panel):
    """Hidden while the paper came out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=2, spacing=0.5, tone=Tone.LOOK, parent=parent)
        self._title = Note("printer", "", Tone.LOOK, role=Role.LEAD, bold=True)
        self._now = Text(role=Role.BODY, tone=Tone.LOOK, wrap=True)
        self.body.addWidget(self._title)
        self.body.addWidget(self._now)

    def render_state(self, trouble: Trouble | None) -> None:
        """Show it; None hides it."""
        self.setVisible(trouble is not None)
        if trouble is not None:
            tone = tone_of(trouble.tone)
            self.set_tone(tone)
            self._title.render_state("printer", trouble.title, tone)
            self._now.set_tone(tone)
            self._now.set_text(trouble.now)
