"""Ketik nomor: the number on the card, why it is typed, and the leader's PIN."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, Qt
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.typed_card import LONGEST, TYPED_REASONS, TypedCardState, TypedCardViewModel
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Choice,
    FieldRow,
    Option,
    Role,
    Text,
    TextField,
    Tone,
)
from ewarung_pos.ui.views.leader_pin import PinCard
from ewarung_pos.ui.views.parts import Box, Page, Stack

__all__ = ["TypedCardView"]

_HELP = "14 sampai 19 angka, seperti tercetak di kartu"


class TypedCardView(Stack):
    """Shows the state and hands every press to its view-model."""

    def __init__(self, typed: TypedCardViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = ""
        self.number = _NumberPage(typed)
        self.pin = PinCard()
        self.pin.left.connect(typed.back)
        self._confirm = typed.confirm
        self._pin_page = Page()
        self._pin_page.add(self.pin, stretch=1)
        for page in (self.number, self._pin_page):
            self.addWidget(page)

    def render_state(self, state: TypedCardState) -> None:
        """Show the page of the state's mode; forget what was typed when it is left."""
        entered = state.mode != self._mode
        if entered and not state.mode:
            self.number.clear()
        self._mode = state.mode
        self.number.render_state(state)
        label = dict(TYPED_REASONS).get(state.reason, "")
        self.pin.ask(
            f"Layani kartu •••• {state.last4} yang diketik?",
            f"Alasan: {label}. Cocokkan dulu nomor dan nama dengan kartu di meja. Ini dicatat.",
            self._confirm,
        )
        self.pin.render_notice(state.notice if state.mode == "pin" else None, busy="Memeriksa" if state.busy else "")
        self.show_page(self._pin_page if state.mode == "pin" else self.number)
        if entered and state.mode:
            self.take_keyboard()

    def take_keyboard(self) -> None:
        """What is typed is the number, or the PIN."""
        if self._mode == "pin":
            self.pin.take_keyboard()
        else:
            self.number.field.setFocus(Qt.FocusReason.OtherFocusReason)


class _NumberPage(Page):
    """The number and the reason."""

    def __init__(self, typed: TypedCardViewModel) -> None:
        super().__init__()
        self._typed = typed
        card = Card(pad=3, spacing=2)
        card.body.addWidget(Text("Ketik nomor kartu", Role.TITLE))
        card.body.addWidget(
            Text(
                "Hanya bila kartu tidak terbaca. Kartunya harus ada di meja, dan ketua mengizinkan dengan PIN.",
                Role.BODY,
                Tone.SOFT,
                wrap=True,
            )
        )
        self.field = TextField("Nomor kartu", role=Role.HEADING, bold=True)
        self.field.setValidator(
            QRegularExpressionValidator(QRegularExpression(f"([0-9] ?){{0,{LONGEST}}}"), self.field)
        )
        self.field.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.field.textChanged.connect(typed.type)
        self.field.returnPressed.connect(typed.ask_leader)
        self._row = FieldRow("Nomor kartu", self.field, help_text=_HELP)
        card.body.addWidget(self._row)
        card.body.addWidget(Text("Mengapa diketik?", Role.BODY, Tone.SOFT))
        self.reasons = Choice("Alasan diketik", stretch=False)
        self.reasons.set_options(
            tuple(Option(value, label, f"Alt+{place}") for place, (value, label) in enumerate(TYPED_REASONS, 1))
        )
        self.reasons.chosen.connect(typed.choose_reason)
        card.body.addWidget(self.reasons)
        card.body.addStretch(1)
        self.add(card, stretch=1)
        foot = Box(across=True, gap=2)
        self.back = BigButton("Kembali", icon="arrow-left", size=ButtonSize.COUNTER, key="Esc")
        self.back.clicked.connect(typed.back)
        self.next = BigButton("Lanjut", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="F9")
        self.next.clicked.connect(typed.ask_leader)
        foot.add(self.back).space().add(self.next)
        self.add(foot)

    def clear(self) -> None:
        """Nothing is typed yet, or any more."""
        self.field.setText("")  # and not clear(), which could be undone

    def render_state(self, state: TypedCardState) -> None:
        self.reasons.set_chosen(state.reason)
        wrong = state.notice.happened if state.notice is not None and state.mode == "number" else ""
        self._row.set_error(wrong or state.warning)
        reason = "" if state.ready and state.reason else "ketik nomor" if not state.ready else "pilih alasan"
        self.next.set_reason(reason)
