"""Trouble, in place: what happened, what is already safe, what to do now."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from ewarung_pos.ui.views.kit.buttons import BigButton, ButtonKind, ButtonSize
from ewarung_pos.ui.views.kit.card import Card, Panel, Rule, column, row
from ewarung_pos.ui.views.kit.status import Disc
from ewarung_pos.ui.views.kit.steps import Step, StepList
from ewarung_pos.ui.views.kit.style import Density, Role, Tone
from ewarung_pos.ui.views.kit.text import Text

__all__ = ["Trouble", "TroubleCard"]


class Trouble(msgspec.Struct, frozen=True):
    """What a trouble card says.

    Attributes:
        tone: LOOK when it will be settled, STOP when it is refused, INFO when it is only said.
        title: the trouble in a few words.
        detail: which card, which amount.
        happened, safe, now: the three lines; an empty one is left out.
        action: word of the one button that does the likely right thing; empty for none.
        key: its key.
        steps: what the till itself is doing about it.
        icon: drawn beside the title.
    """

    tone: Tone
    title: str
    happened: str
    safe: str
    now: str
    detail: str = ""
    action: str = ""
    key: str = ""
    icon: str = "triangle-alert"
    steps: Sequence[Step] = ()


class TroubleCard(Card):
    """The card for trouble.

    Signals:
        acted: its button was pressed.
    """

    acted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=3.75, spacing=2.5, tone=Tone.LOOK, parent=parent)
        self._disc = Disc("triangle-alert", tone=Tone.LOOK, size=66)
        self._title = Text(role=Role.TITLE, wrap=True)
        self._detail = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        self._head = head = row()
        head.addWidget(self._disc, 0, Qt.AlignmentFlag.AlignVCenter)
        words = column(gap=2)
        words.addWidget(self._title)
        words.addWidget(self._detail)
        head.addLayout(words, 1)
        self.body.addLayout(head)

        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        self._lines: list[tuple[Rule, Text, Text]] = []
        top = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        for place in range(3):
            rule = Rule()
            label = Text(role=Role.LEAD, bold=True, align=top)
            text = Text(role=Role.LEAD, wrap=True, align=top)
            self._grid.addWidget(rule, 2 * place, 0, 1, 2)
            self._grid.addWidget(label, 2 * place + 1, 0)
            self._grid.addWidget(text, 2 * place + 1, 1)
            self._lines.append((rule, label, text))
        self.body.addLayout(self._grid)
        self._steps_panel = Panel(pad=2.5)
        self._steps = StepList()
        self._steps_panel.body.addWidget(self._steps)
        self.body.addWidget(self._steps_panel)
        self.body.addStretch(1)
        self._button = BigButton(kind=ButtonKind.PRIMARY, size=ButtonSize.COUNTER)
        self._button.clicked.connect(self.acted)
        self.body.addWidget(self._button, 0, Qt.AlignmentFlag.AlignLeft)
        self._space()
        self.retranslate()

    def _space(self) -> None:
        super()._space()
        if hasattr(self, "_grid"):
            self._head.setSpacing(self.look.gap(2.25))
            self._grid.setHorizontalSpacing(self.look.gap(3))
            self._grid.setVerticalSpacing(self.look.gap(1.75))
            for _, label, _text in self._lines:  # in the smallest windows the sentences need the room
                label.set_role(Role.BODY if self.look.room is Density.TIGHT else Role.LEAD, bold=True)

    def retranslate(self) -> None:
        words = (
            QCoreApplication.translate("TroubleCard", "Yang terjadi"),
            QCoreApplication.translate("TroubleCard", "Yang sudah aman"),
            QCoreApplication.translate("TroubleCard", "Lakukan sekarang"),
        )
        for (_, label, _text), word in zip(self._lines, words, strict=True):
            label.set_text(word)

    @property
    def button(self) -> BigButton:
        """The one button."""
        return self._button

    def render_state(self, trouble: Trouble) -> None:
        """Show this trouble."""
        self.set_tone(trouble.tone)
        self._disc.render_state(trouble.icon, trouble.tone)
        self._title.set_text(trouble.title)
        self._detail.set_text(trouble.detail)
        self._detail.setVisible(bool(trouble.detail))
        texts = (trouble.happened, trouble.safe, trouble.now)
        for (rule, label, text), words in zip(self._lines, texts, strict=True):
            text.set_text(words)
            for part in (rule, label, text):
                part.setVisible(bool(words))
        self._steps.set_steps(trouble.steps)
        self._steps_panel.setVisible(bool(trouble.steps))
        self._button.set_text(trouble.action)
        self._button.set_key(trouble.key)
        self._button.setVisible(bool(trouble.action))
        self.setAccessibleName(trouble.title)
        self.setAccessibleDescription(" ".join(words for words in texts if words))
