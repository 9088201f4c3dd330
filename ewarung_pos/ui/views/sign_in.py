"""The first thing seen: who works, and her PIN."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from ewarung_pos.ui.text import trouble, wrong_pin_of
from ewarung_pos.ui.viewmodels.shell import ShellState, ShellViewModel
from ewarung_pos.ui.views.kit import BigButton, ButtonKind, ButtonSize, Card, Note, Panel, PinPad, Role, Text, Tone
from ewarung_pos.ui.views.kit.paint import Painted
from ewarung_pos.ui.views.parts import Box, Page, tone_of

__all__ = ["SignInView"]

_LOCKED = "PIN salah terlalu sering. Ketua bisa membukanya di sini dengan PIN ketua."
_NOBODY_OPENS = trouble("not_authorised", "leader_locked")

ONE_COLUMN = 4
"""So many names stand below one another; more go into two columns."""


class _Names(Painted):
    """One button a name; the chosen one is marked by icon, edge and tint."""

    def __init__(self, shell: SignInView) -> None:
        super().__init__()
        self._view = shell
        self._buttons: dict[str, BigButton] = {}
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self.setLayout(self._grid)
        self.setAccessibleName("Siapa yang bertugas?")

    def render_state(self, operators: tuple[tuple[str, str], ...], chosen: str) -> None:
        if list(self._buttons) != [code for code, _ in operators]:
            for old in self._buttons.values():
                old.hide()
                old.deleteLater()
            self._buttons = {}
            columns = 1 if len(operators) <= ONE_COLUMN else 2
            for place, (code, name) in enumerate(operators):
                button = BigButton(name, icon="user", key=f"Alt+{place + 1}" if place < 9 else "")
                button.setProperty("code", code)
                button.clicked.connect(self._pressed)
                self._grid.addWidget(button, place // columns, place % columns)
                self._buttons[code] = button
        for code, button in self._buttons.items():
            button.set_kind(ButtonKind.STRONG if code == chosen else ButtonKind.SECONDARY)
            button.set_icon("check" if code == chosen else "user")
            button.setAccessibleDescription("dipilih" if code == chosen else "")

    def _pressed(self) -> None:
        button = self.sender()
        if isinstance(button, BigButton):
            self._view.choose(str(button.property("code")))


class SignInView(Page):
    """Choose a name, type the PIN. Who is locked needs the leader's PIN first, or one from the city if no leader can.

    Args:
        shell: takes the commands.
        practice_hint: the PINs of the practice till, said openly; empty on a real one.
    """

    def __init__(self, shell: ShellViewModel, practice_hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(across=True, parent=parent)
        self._shell = shell
        self._chosen = ""
        words = Box(gap=0.5)
        self._kiosk = Text(role=Role.DISPLAY, wrap=True)
        self._place = Text(role=Role.LEAD, tone=Tone.SOFT)
        self._clock = Text(role=Role.LEAD, tone=Tone.SOFT)
        words.add(self._kiosk, self._place, self._clock)
        self._names = _Names(self)
        ask = Box(gap=1.5)
        ask.add(Text("Siapa yang bertugas?", Role.HEADING), self._names)
        self._hint = Panel(pad=2, tone=Tone.INFO)
        self._hint.body.addWidget(Note("info", "Latihan", Tone.INFO, bold=True))
        self._hint.body.addWidget(Text(practice_hint, Role.BODY, Tone.INFO, wrap=True))
        self._hint.setVisible(bool(practice_hint))
        self._left = Box(gap=4)
        self._left.space().add(words, ask, self._hint).space()
        self._card = Card(pad=3, spacing=0)
        self.pad = PinPad()
        self.pad.entered.connect(self._entered)
        self._card.body.addWidget(self.pad)
        self._opening = False
        self._shut = Box(gap=2)
        self._shut_words = Text(role=Role.LEAD, wrap=True)
        self.unlock = BigButton(
            "Buka kunci", icon="key-round", kind=ButtonKind.PRIMARY, size=ButtonSize.COUNTER, key="Enter"
        )
        self.unlock.clicked.connect(self._ask_leader)
        self._shut_name = Text(role=Role.HEADING, tone=Tone.STOP, wrap=True)
        self._shut.add(self._shut_name, self._shut_words, self.unlock)
        self._shut.setFixedWidth(self.pad.minimumWidth())
        self._card.body.addWidget(self._shut)
        self.space().add(self._left).add(self._card, align=Qt.AlignmentFlag.AlignVCenter).space()
        self.restyle()

    def restyle(self) -> None:
        super().restyle()
        self.lay.setSpacing(self.look.gap(8))
        self._left.setFixedWidth(max(self.look.size(520), 300))

    def render_state(self, state: ShellState) -> None:
        """Show who may sign in."""
        self._kiosk.set_text(state.kiosk)
        self._place.set_text(state.place)
        self._place.setVisible(bool(state.place))
        self._clock.set_text(f"{state.date}, {state.time} WIB" if state.date else "")
        if self._chosen not in {code for code, _ in state.operators}:
            self._chosen = state.operators[0][0] if len(state.operators) == 1 else ""
        self._names.render_state(state.operators, self._chosen)
        name = next((name for code, name in state.operators if code == self._chosen), "")
        shut = self._chosen in state.locked
        self._opening = self._opening and shut and state.openable
        self._shut.setVisible(shut and not self._opening)
        self.pad.setVisible(not shut or self._opening)
        self._shut_name.set_text(f"PIN {name} terkunci")
        self.unlock.setVisible(state.openable)
        said = state.notice or (None if state.openable else _NOBODY_OPENS)
        self._shut_words.set_text(f"{said.happened} {said.now}" if said is not None else _LOCKED)
        whose = "PIN ketua" if self._opening else f"PIN {name}" if name else "PIN"
        self.pad.set_words(whose, "Buka kunci" if self._opening else "Masuk")
        self.pad.set_locked(not name or state.checking)
        notice = state.notice
        if state.checking:
            self.pad.set_message("Memeriksa PIN …", Tone.INFO)
        elif notice is not None:
            happened = wrong_pin_of(notice, whose).happened
            self.pad.set_message(f"{happened} {notice.now}", tone_of(notice.tone))
        elif self._opening:
            self.pad.set_message(f"untuk membuka kunci {name}", Tone.SOFT)
        else:
            self.pad.set_message("" if name else "Pilih nama dulu", Tone.SOFT)

    def _ask_leader(self) -> None:
        self._opening = True
        self._shell.dismiss()
        self.render_state(self._shell.state)
        self.take_keyboard()

    def choose(self, code: str) -> None:
        """Mark whose PIN will be typed."""
        self._pick(code)

    def take_keyboard(self) -> None:
        """Digits typed now go to the pad."""
        self.pad.setFocus(Qt.FocusReason.OtherFocusReason)

    def _pick(self, code: str) -> None:
        self._chosen = code
        self._opening = False
        self.pad.clear()
        self._shell.dismiss()
        self.render_state(self._shell.state)
        self.take_keyboard()

    def _entered(self, pin: str) -> None:
        if self._opening:
            self._shell.unlock(self._chosen, pin)
        else:
            self._shell.sign_in(self._chosen, pin)
