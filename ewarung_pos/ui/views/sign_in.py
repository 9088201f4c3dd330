"""The first thing seen: who works, and her PIN."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.shell import ShellState, ShellViewModel
from ewarung_pos.ui.views.kit import Card, Choice, Note, Option, Panel, PinPad, Role, Text, Tone
from ewarung_pos.ui.views.parts import Box, Page, tone_of

__all__ = ["SignInView"]


class SignInView(Page):
    """Choose a name, type the PIN.

    Args:
        shell: takes the commands.
        practice_hint: the PINs of the practice till, said openly; empty on a real one.
    """

    def __init__(self, shell: ShellViewModel, practice_hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(across=True, parent=parent)
        self._shell = shell
        self._chosen = ""
        left = Box(gap=2)
        who = Box(across=True, gap=2)
        words = Box(gap=0.25)
        self._kiosk = Text(role=Role.DISPLAY, wrap=True)
        self._place = Text(role=Role.LEAD, tone=Tone.SOFT)
        words.add(self._kiosk, self._place)
        who.add(words, stretch=1)
        self._clock = Text(role=Role.LEAD, tone=Tone.SOFT)
        self._ask = Text("Siapa yang bertugas?", Role.HEADING)
        self._names = Choice("Siapa yang bertugas?", stretch=False)
        self._names.chosen.connect(self._pick)
        self._hint = Panel(pad=2, tone=Tone.INFO)
        self._hint_words = Text(practice_hint, Role.BODY, Tone.INFO, wrap=True)
        self._hint.body.addWidget(Note("info", "Latihan", Tone.INFO, bold=True))
        self._hint.body.addWidget(self._hint_words)
        self._hint.setVisible(bool(practice_hint))
        left.add(who, self._clock).space().add(self._ask, self._names).space().add(self._hint)
        self.add(left, stretch=1)
        self._card = Card(pad=3, spacing=2)
        self.pad = PinPad()
        self.pad.entered.connect(self._entered)
        self._card.body.addStretch(1)
        self._card.body.addWidget(self.pad, 0, Qt.AlignmentFlag.AlignCenter)
        self._card.body.addStretch(1)
        self.add(self._card)

    def render_state(self, state: ShellState) -> None:
        """Show who may sign in."""
        self._kiosk.set_text(state.kiosk)
        self._place.set_text(state.place)
        self._place.setVisible(bool(state.place))
        self._clock.set_text(f"{state.date}   {state.time} WIB" if state.date else "")
        self._names.set_options(
            tuple(Option(code, name, f"Alt+{place}") for place, (code, name) in enumerate(state.operators, 1))
        )
        if self._chosen not in {code for code, _ in state.operators}:
            self._chosen = state.operators[0][0] if len(state.operators) == 1 else ""
        self._names.set_chosen(self._chosen)
        name = next((name for code, name in state.operators if code == self._chosen), "")
        self.pad.set_words(f"PIN {name}" if name else "PIN", "Masuk")
        self.pad.set_locked(not name)
        notice = state.notice
        if notice is not None:
            self.pad.set_message(f"{notice.happened} {notice.now}", tone_of(notice.tone))
        else:
            self.pad.set_message("" if name else "Pilih nama dulu", Tone.SOFT)

    def choose(self, code: str) -> None:
        """Mark whose PIN will be typed."""
        self._pick(code)

    def take_keyboard(self) -> None:
        """Digits typed now go to the pad."""
        self.pad.setFocus(Qt.FocusReason.OtherFocusReason)

    def _pick(self, code: str) -> None:
        self._chosen = code
        self.pad.clear()
        self._shell.dismiss()
        self.render_state(self._shell.state)
        self.take_keyboard()

    def _entered(self, pin: str) -> None:
        self._shell.sign_in(self._chosen, pin)
