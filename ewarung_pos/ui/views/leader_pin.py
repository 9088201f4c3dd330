"""Asking a leader for her PIN in place of the page that needs it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text import Trouble, wrong_pin_of
from ewarung_pos.ui.views.kit import BigButton, ButtonSize, Card, Density, Panel, PinPad, Role, Text, Tone
from ewarung_pos.ui.views.parts import Box, tone_of

__all__ = ["PinCard"]


class PinCard(Card):
    """What the PIN will allow at the left, the pad at the right.

    Signals:
        left: the operator goes back without a PIN.
    """

    left = Signal()

    def __init__(self, title: str = "PIN ketua", parent: QWidget | None = None) -> None:
        super().__init__(pad=2.5, spacing=0, parent=parent)
        self._whose = title
        self._allowed: Callable[[str], None] | None = None
        line = Box(across=True, gap=4)
        words = Box(gap=2)
        self._title = Text(role=Role.TITLE, wrap=True)
        self._detail = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        self._notice = Panel(pad=2, spacing=0.5, tone=Tone.STOP)
        self._what = Text(role=Role.LEAD, tone=Tone.STOP, bold=True, wrap=True)
        self._now = Text(role=Role.BODY, tone=Tone.STOP, wrap=True)
        self._notice.body.addWidget(self._what)
        self._notice.body.addWidget(self._now)
        self.back = BigButton("Kembali", icon="arrow-left", size=ButtonSize.COUNTER, key="Esc")
        self.back.clicked.connect(self.left)
        words.add(self._title, self._detail, self._notice).space()
        words.add(self.back, align=Qt.AlignmentFlag.AlignLeft)
        self.pad = PinPad()
        self.pad.set_words(title, "Izinkan")
        self.pad.entered.connect(self._entered)
        line.add(words, stretch=1).add(self.pad, align=Qt.AlignmentFlag.AlignCenter)
        self.body.addWidget(line, 1)
        self._fit()

    def restyle(self) -> None:
        super().restyle()
        if hasattr(self, "pad"):
            self._fit()

    def _fit(self) -> None:
        tight = self.look.room is Density.TIGHT
        self.pad.set_bare(tight)
        self._title.set_role(Role.HEADING if tight else Role.TITLE)

    def ask(self, title: str, detail: str, allowed: Callable[[str], None]) -> None:
        """Ask for what `title` says; `allowed` gets the PIN."""
        self._title.set_text(title)
        self._detail.set_text(detail)
        self._allowed = allowed

    def render_notice(self, notice: Trouble | None, *, busy: str = "") -> None:
        """Say that the PIN was wrong, or what is being done with it."""
        self._notice.setVisible(notice is not None)
        if notice is not None:
            tone = tone_of(notice.tone)
            self._notice.set_tone(tone)
            self._what.set_tone(tone)
            self._now.set_tone(tone)
            self._what.set_text(wrong_pin_of(notice, self._whose).happened)
            self._now.set_text(notice.now)
        self.pad.set_message(f"{busy} …" if busy else "", Tone.INFO)
        self.pad.set_locked(bool(busy))

    def take_keyboard(self) -> None:
        """Digits typed now go to the pad."""
        self.pad.setFocus(Qt.FocusReason.OtherFocusReason)

    def _entered(self, pin: str) -> None:
        if self._allowed is not None:
            self._allowed(pin)
