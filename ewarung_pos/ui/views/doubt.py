"""Belum pasti: what the till is doing about a debit whose outcome is not proven, and the form for the EDC's slip."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.viewmodels.counter_state import DoubtPanel, Mark
from ewarung_pos.ui.viewmodels.doubt import DoubtState, DoubtViewModel
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Choice,
    Density,
    FieldRow,
    Line,
    Option,
    Panel,
    Role,
    Run,
    Text,
    TextField,
    Tone,
    TroubleCard,
)
from ewarung_pos.ui.views.leader_pin import PinCard
from ewarung_pos.ui.views.parts import Box, Page, Stack, is_narrow, kit_trouble, tone_of

__all__ = ["DoubtView", "SlipForm"]

_SAYS_PAID = "paid"
_SAYS_NONE = "none"
_SAYS_VOIDED = "voided"
_SAYS_OTHER = "other"
_OTHER = frozenset({_SAYS_VOIDED, _SAYS_OTHER})
_LAST = 4
_SALE_ONLY = (
    Option(_SAYS_VOIDED, "Salah, sudah batal", "Alt+S"),
    Option(_SAYS_OTHER, "Salah, belum batal", "Alt+B"),
)
_OF_SALE = (Option(_SAYS_PAID, "Ada, disetujui", "Alt+A"), Option(_SAYS_NONE, "Tidak ditarik", "Alt+T"), *_SALE_ONLY)
_OF_VOID = (Option(_SAYS_PAID, "Ada, disetujui", "Alt+A"), Option(_SAYS_NONE, "Tidak dibatalkan", "Alt+T"))
_ADVICE = {
    _SAYS_VOIDED: "Salah: kartu atau jumlah di struk bukan yang di atas. Simpan juga struk pembatalannya.",
    _SAYS_OTHER: "Coba batalkan dulu di EDC. Bila EDC menolak, catat di sini dan hubungi bank hari ini.",
}


class DoubtView(Page):
    """Shows the doubt in front and hands every press to its view-model."""

    def __init__(self, doubt: DoubtViewModel, parent: QWidget | None = None) -> None:
        super().__init__(across=True, parent=parent)
        self._doubt = doubt
        self._attempt = ""
        self._left = Stack()
        self._trouble = TroubleCard()
        self._action = ""
        self._left.addWidget(self._trouble)
        self._slip = SlipForm(doubt)
        self._left.addWidget(self._slip)
        self.add(self._left, stretch=19)
        self._side = self._make_side()
        self.add(self._side, stretch=10)
        self._slip.asks_pin.connect(self._pin_shown)

    def _make_side(self) -> Card:
        card = Card(pad=3, spacing=1.5)
        self._goods_title = Text("Barang di meja", Role.HEADING)
        self._tag = Line()
        self._goods = Text(role=Role.LEAD, wrap=True)
        self._others = Text(role=Role.BODY, tone=Tone.LOOK, wrap=True)
        self.other = BigButton("Layani kartu lain", icon="hand-helping", key="F9")
        self.other.clicked.connect(self._doubt.serve_other)
        self.ask = BigButton("Tanya EDC lagi", kind=ButtonKind.PRIMARY, icon="refresh-cw", key="Enter")
        self.ask.clicked.connect(self._act)
        self.slip = BigButton("Saya punya struk EDC", key="F8")
        self.slip.clicked.connect(self._doubt.ask_slip)
        above: tuple[QWidget, ...] = (self._goods_title, self._tag, self._goods)
        for part in above:
            card.body.addWidget(part)
        card.body.addStretch(1)
        for part in (self._others, self.ask, self.slip, self.other):
            card.body.addWidget(part)
        return card

    def render_state(self, state: DoubtState) -> None:
        """Show the doubt; without one the screen is not in front."""
        panel = state.panel
        if panel is None:
            self._attempt = ""
            return
        if panel.attempt != self._attempt:
            self._attempt = panel.attempt
            self._slip.clear()
        self._action = panel.trouble.action
        # The smallest windows have no room for the steps; the one that runs is said beside the amount.
        tight = self.look.room is Density.TIGHT
        now = next((step.text for step in panel.steps if step.mark is Mark.NOW), "")
        amount = _about(panel, tight=tight)
        detail = f"{now} …" if tight and panel.asking and now else amount
        steps = () if tight else panel.steps
        self._trouble.render_state(kit_trouble(panel.trouble, detail=detail, button="", steps=steps))
        self.ask.set_text(panel.trouble.button)
        self.ask.set_icon("receipt-text" if panel.trouble.action == "ask_slip" else "refresh-cw")
        self.ask.setVisible(not panel.asking and not panel.slip_form)
        self._slip.render_state(panel, state.notice)
        self._left.show_page(self._slip if panel.slip_form else self._trouble)
        self._goods_title.set_text("Struk yang dibatalkan" if panel.void else "Barang di meja")
        self._tag.set_runs((Run("Beri tanda nomor", Role.BODY, Tone.SOFT), Run(panel.tag, Role.LEAD, bold=True)))
        self._goods.set_text("\n".join(panel.goods))
        self._others.set_text(f"Masih ada {panel.others} lagi yang belum pasti.")
        self._others.setVisible(panel.others > 0)
        self.slip.setVisible(not panel.slip_form and panel.trouble.action != "ask_slip")

    def _pin_shown(self, shown: bool) -> None:
        self._side.setVisible(not (shown and is_narrow(self)))

    def _act(self) -> None:
        if self._action == "ask_slip":
            self._doubt.ask_slip()
        else:
            self._doubt.inquire()


class SlipForm(Stack):
    """What the EDC's slip says, read by two people; the leader confirms with her PIN.

    Signals:
        asks_pin(bool): the pad for the leader's PIN is in front, or no longer.
    """

    asks_pin = Signal(bool)

    def __init__(self, doubt: DoubtViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._doubt = doubt
        self._says = ""
        self._void = False
        self._notice: Trouble | None = None
        self._named = ("", "", "")
        self._form = Card(pad=3, spacing=2, tone=Tone.LOOK)
        self._make_form(self._form)
        self.addWidget(self._form)
        self.pin = PinCard()
        self.pin.left.connect(self._back)
        self.addWidget(self.pin)
        self._show()

    def _make_form(self, card: Card) -> None:
        head = Box(gap=0.5)
        self._detail = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        head.add(Text("Apa kata struk EDC?", Role.TITLE, wrap=True), self._detail)
        self._choice = Choice("Apa kata struk EDC?", stretch=False)
        self._choice.set_options(_OF_SALE)
        self._choice.chosen.connect(self._chosen)
        self.approval = TextField("Nomor persetujuan")
        self.approval.setMaxLength(12)
        self.last4 = TextField("4 angka kartu")
        self.last4.setMaxLength(_LAST)
        self.last4.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.invoice = TextField("Nomor invoice")
        self.invoice.setMaxLength(12)
        self.invoice.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        for field in (self.approval, self.last4, self.invoice):
            field.textChanged.connect(self._show)
        self._fields = Box(across=True, gap=2)
        self._fields.add(
            FieldRow("4 angka kartu", self.last4, help_text="di struk"),
            FieldRow("Approval", self.approval, help_text="di struk"),
            FieldRow("Invoice", self.invoice, help_text="di struk"),
            stretch=1,
        )
        self._hint = Panel(pad=2, tone=Tone.INFO)
        self._hint_words = Text(role=Role.BODY, tone=Tone.INFO, wrap=True)
        self._hint.body.addWidget(self._hint_words)
        foot = Box(across=True, gap=2)
        self.ask_again = BigButton("Tanya EDC lagi", size=ButtonSize.COUNTER, key="Esc")
        self.ask_again.clicked.connect(self._doubt.inquire)
        self.go_on = BigButton("PIN ketua", kind=ButtonKind.PRIMARY, icon="key-round", key="Enter")
        self.go_on.clicked.connect(self._ask_pin)
        foot.add(self.ask_again).space().add(self.go_on)
        for part in (head, self._choice, self._fields, self._hint):
            card.body.addWidget(part)
        card.body.addStretch(1)
        card.body.addWidget(foot)

    def clear(self) -> None:
        """Another doubt: nothing is typed yet."""
        for field in (self.approval, self.last4, self.invoice):
            field.clear()
        self._says = ""
        self._show()
        self._back()

    def choose(self, says: str) -> None:
        """Mark what the slip says; what the EDC itself named need not be copied."""
        self._says = says
        if says in _OTHER and not self.invoice.text():
            for field, text in zip((self.last4, self.approval, self.invoice), self._named, strict=True):
                field.setText(text)
        self._show()

    def render_state(self, panel: DoubtPanel, notice: Trouble | None) -> None:
        """Show which debit it is about, and what was wrong with what was entered."""
        tight = self._hint.look.room is Density.TIGHT  # the fields say already what the EDC named
        self._detail.set_text(panel.amount if tight else _about(panel, tight=False))
        self._void = panel.void
        self._choice.set_options(_OF_VOID if panel.void else _OF_SALE)
        self._notice = notice
        self._named = panel.slip
        self._show()
        self.pin.render_notice(notice)

    def _show_hint(self) -> None:
        notice = self._notice
        # No room for advice beside the fields in the smallest windows, nor beside what the EDC named.
        crowded = self._hint.look.room is Density.TIGHT or bool(self._named[0])
        self._hint.setVisible(notice is not None or not (crowded and self._says))
        tone = tone_of(notice.tone) if notice is not None else Tone.INFO
        self._hint.set_tone(tone)
        self._hint_words.set_tone(tone)
        self._hint_words.set_text(
            f"{notice.happened} {notice.now}"
            if notice is not None
            else _ADVICE.get(self._says, "Baca struk EDC bersama ketua. Pilihan ini dicatat atas nama berdua.")
        )

    def _chosen(self, says: str) -> None:
        self.choose(says)
        if says != _SAYS_NONE:
            self.last4.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show(self) -> None:
        self._choice.set_chosen(self._says)
        self._fields.setVisible(self._says not in {"", _SAYS_NONE})
        self._show_hint()
        self.go_on.set_reason(self._missing())

    def _missing(self) -> str:
        if not self._says:
            return "pilih dulu"
        if self._says == _SAYS_NONE or all(field.text().strip() for field in (self.last4, self.approval, self.invoice)):
            return ""
        return "salin dari struk"

    def _ask_pin(self) -> None:
        approval, invoice = self.approval.text().strip(), self.invoice.text().strip()
        numbers = f"Struk EDC: kartu •••• {self.last4.text().strip()}, approval {approval}, invoice {invoice}"
        title = {
            _SAYS_PAID: "Bank sudah mengembalikan saldo" if self._void else "Bank sudah menarik saldo",
            _SAYS_VOIDED: "Penarikan salah, sudah dibatalkan di EDC",
            _SAYS_OTHER: "Penarikan salah, belum dibatalkan",
        }.get(self._says, "Tidak ada pembatalan" if self._void else "Tidak ada penarikan")
        numbers = "" if self._says == _SAYS_NONE else numbers
        self.pin.ask(title, f"{self._detail.text()}\n{numbers}".rstrip(), self._confirm)
        self.show_page(self.pin)
        self.asks_pin.emit(True)
        self.pin.take_keyboard()

    def _back(self) -> None:
        self.show_page(self._form)
        self.asks_pin.emit(False)

    def _confirm(self, pin: str) -> None:
        slip = (self.last4.text(), self.approval.text(), self.invoice.text())
        if self._says == _SAYS_PAID:
            self._doubt.slip_approved(*slip, pin)
        elif self._says in _OTHER:
            voided = self._says == _SAYS_VOIDED
            self._doubt.slip_other(*slip, pin, voided=voided)
        else:
            self._doubt.slip_none(pin)


def _about(panel: DoubtPanel, *, tight: bool) -> str:
    """What was asked for, and what the EDC named instead; where there is no room for both, the latter."""
    if not panel.named:
        return panel.amount
    return panel.named if tight else f"{panel.amount}. {panel.named}"
