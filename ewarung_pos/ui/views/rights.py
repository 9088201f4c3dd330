"""Rights that are not here: the city is asked, and the hardship pool helps where nobody answers."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.ui.viewmodels.rights import RightsViewModel
from ewarung_pos.ui.viewmodels.rights_state import HARDSHIP_REASONS, RightsState
from ewarung_pos.ui.views.basket import ShelfLine
from ewarung_pos.ui.views.family_card import FamilyCard
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Choice,
    Density,
    FieldRow,
    Option,
    Panel,
    Role,
    Text,
    TextField,
    Tone,
    TroubleCard,
)
from ewarung_pos.ui.views.leader_pin import PinCard
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.parts import Box, Page, Stack, kit_trouble, unbroken

__all__ = ["RightsView"]

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class RightsView(Stack):
    """Shows the state and hands every press to its view-model."""

    def __init__(self, rights: RightsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rights = rights
        self._mode = ""
        self.ask = AskPage(rights)
        self.pool = PoolPage(rights)
        self.why = WhyPage(rights)
        self.pin = PinCard()
        self.pin.left.connect(rights.back)
        self._pin_page = Page()
        self._pin_page.add(self.pin, stretch=1)
        self._pages: dict[str, QWidget] = {"pool": self.pool, "why": self.why, "pin": self._pin_page}
        for page in (self.ask, self.pool, self.why, self._pin_page):
            self.addWidget(page)

    def render_state(self, state: RightsState) -> None:
        """Show the page of the state's mode; forget the name when it is left."""
        entered = state.mode != self._mode
        if entered and not state.mode:
            self.why.clear()
        self._mode = state.mode
        if state.mode == "pool":
            self.pool.render_state(state)
        elif state.mode == "why":
            self.why.render_state(state)
        elif state.mode == "pin":
            label = dict(HARDSHIP_REASONS).get(state.reason, "")
            self.pin.ask(
                "Layani dari jatah darurat?",
                f"{state.summary}. Alasan: {label}. Kota mencocokkannya nanti dengan jatah keluarga. Ini dicatat.",
                self._rights.confirm,
            )
            self.pin.render_notice(state.notice, busy="Mencatat" if state.busy else "")
        else:
            self.ask.render_state(state)
        self.show_page(self._pages.get(state.mode, self.ask))
        if entered and state.mode:
            self.take_keyboard()

    def take_keyboard(self) -> None:
        """What is typed belongs to the page in front."""
        if self._mode == "pool":
            self.pool.take_keyboard()
        elif self._mode == "why":
            self.why.take_keyboard()
        elif self._mode == "pin":
            self.pin.take_keyboard()
        else:
            self.ask.setFocus(Qt.FocusReason.OtherFocusReason)


class AskPage(Page):
    """What is waited for, or what was answered, and what may be done about it."""

    def __init__(self, rights: RightsViewModel) -> None:
        super().__init__()
        self._family = FamilyCard()
        self._right = Stack()
        self._waiting = Card(pad=3.75, spacing=2.5)
        self._waiting.body.addWidget(Text("Minta jatah dari kota", Role.TITLE))
        self._waiting.body.addWidget(
            Text(
                "Kota mencari jatah keluarga ini. Bila ada di kios lain, kios itu mengembalikannya dulu.",
                Role.LEAD,
                Tone.SOFT,
                wrap=True,
            )
        )
        panel = Panel(pad=2.5, tone=Tone.INFO)
        self._words = Text(role=Role.LEAD, tone=Tone.INFO, wrap=True)
        panel.body.addWidget(self._words)
        self._waiting.body.addWidget(panel)
        self._waiting.body.addStretch(1)
        self._trouble = TroubleCard()
        self._trouble.acted.connect(self._acted)
        for page in (self._waiting, self._trouble):
            self._right.addWidget(page)
        top = Box(across=True, gap=2.5)
        top.add(self._family).add(self._right, stretch=1)
        self.add(top, stretch=1)
        self._rights = rights
        self._mode = ""
        self.cancel = BigButton("Batal", icon="x", key="Esc")
        self.cancel.clicked.connect(rights.cancel)
        self.move_home = BigButton("Jadikan langganan", size=ButtonSize.COUNTER, key="Alt+L")
        self.move_home.clicked.connect(rights.ask_home)
        self.carry = BigButton("Titip USB", size=ButtonSize.COUNTER, key="Alt+T")
        self.carry.clicked.connect(rights.carry)
        self.again = BigButton("Coba lagi", size=ButtonSize.COUNTER, key="F9")
        self.again.clicked.connect(rights.ask_again)
        self.pool = BigButton("Jatah darurat", kind=ButtonKind.STRONG, size=ButtonSize.COUNTER, key="F8")
        self.pool.clicked.connect(rights.open_pool)
        foot = Box(across=True, gap=2)
        foot.add(self.cancel).space().add(self.move_home, self.carry, self.again, self.pool).add(self._trouble.button)
        self.add(foot)

    @property
    def button(self) -> BigButton:
        """The main one of an answer."""
        return self._trouble.button

    def render_state(self, state: RightsState) -> None:
        """Show what is waited for, or the answer."""
        self._mode = state.mode
        tight = self.look.room is Density.TIGHT
        self._family.setVisible(state.person is not None and not tight)
        self._family.render_person(state.person)
        self._words.set_text(state.waiting)
        answered = state.answer is not None and state.mode in {"answer", "home"}
        if state.answer is not None and answered:
            detail = state.person.name if state.person is not None and tight else ""
            self._trouble.render_state(kit_trouble(state.answer, detail=detail))
        self._trouble.button.setVisible(answered)
        self.cancel.set_text("Tidak" if state.mode == "home" else "Batal")
        self.cancel.setVisible(state.mode != "answer")
        self.move_home.setVisible(state.can_move and state.mode in {"waiting", "answer"})
        self.carry.setVisible(state.can_carry and state.mode == "answer")
        self.again.setVisible(state.can_ask and state.mode == "answer")
        self.pool.setVisible(state.can_help and state.mode == "answer")
        self._right.show_page(self._trouble if answered else self._waiting)

    def _acted(self) -> None:
        if self._mode == "home":
            self._rights.move_home()
        else:
            self._rights.go_on()


class PoolPage(Page):
    """What the kiosk's pool holds, to be chosen from."""

    def __init__(self, rights: RightsViewModel) -> None:
        super().__init__()
        self._rights = rights
        self._lines: dict[str, ShelfLine] = {}
        self.family = FamilyCard(rights)
        card = Card(pad=0, spacing=0)
        head = Box(gap=0.25, margins=(2.75, 1.5, 2.75, 1.5))
        self._left = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        head.add(Text("Jatah darurat", Role.HEADING), self._left)
        self._rows = PagedRows("Barang")
        card.body.addWidget(head)
        card.body.addWidget(self._rows, 1)
        top = Box(across=True, gap=2.5)
        top.add(self.family).add(card, stretch=1)
        self.add(top, stretch=1)
        self.back = BigButton("Kembali", icon="arrow-left", size=ButtonSize.COUNTER, key="Esc")
        self.back.clicked.connect(rights.back)
        words = Box(gap=0.25)
        self._summary = Text(role=Role.LEAD, bold=True, align=_RIGHT, wrap=True)
        words.space().add(self._summary).space()
        self.next = BigButton("LANJUT", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.next.clicked.connect(rights.ask_why)
        foot = Box(across=True, gap=2.5)
        foot.add(self.back, align=Qt.AlignmentFlag.AlignVCenter).add(words, stretch=1).add(self.next)
        self._rows.set_followers(self.back, self.next)
        self.add(foot)

    def render_state(self, state: RightsState) -> None:
        """Show the goods as chosen."""
        self.family.render_person(state.person)
        self.family.render_presence(state.presence, state.proxy_reason)
        self._left.set_text(f"sisa di kios ini: {state.left}")
        wanted = [row.product for row in state.rows]
        if wanted != list(self._lines):
            self._lines = {row.product: ShelfLine(self._rights, row.product) for row in state.rows}
            self._rows.set_rows(tuple(self._lines.values()), keep_page=False)
        for row in state.rows:
            self._lines[row.product].render_state(row)
        self._summary.set_text(unbroken(state.summary) or "belum ada barang")
        self.next.set_reason(_why_not_yet(state))

    def take_keyboard(self) -> None:
        """+ and − go to the first stepper."""
        lines = self._lines.values()
        steppers = (each.stepper for each in lines if each.stepper.maximum() > 0 and not each.stepper.isHidden())
        next(steppers, self).setFocus(Qt.FocusReason.OtherFocusReason)


class WhyPage(Page):
    """Why the family's own rights cannot be reached, and whose card it is where the register does not say."""

    def __init__(self, rights: RightsViewModel) -> None:
        super().__init__()
        card = Card(pad=3, spacing=2)
        card.body.addWidget(Text("Mengapa dari jatah darurat?", Role.TITLE))
        self.reasons = Choice("Alasan jatah darurat", stretch=False)
        self.reasons.set_options(
            tuple(Option(value, label, f"Alt+{place}") for place, (value, label) in enumerate(HARDSHIP_REASONS, 1))
        )
        self.reasons.chosen.connect(rights.choose_reason)
        card.body.addWidget(self.reasons)
        self.field = TextField("Nama pemegang kartu", role=Role.LEAD)
        self.field.textChanged.connect(rights.type_name)
        self.field.returnPressed.connect(rights.ask_leader)
        self._name = FieldRow(
            "Nama pemegang kartu",
            self.field,
            help_text="Boleh kosong. Kota memakainya bila nomor kartu tidak ditemukan; namanya tidak dicatat.",
        )
        card.body.addWidget(self._name)
        card.body.addStretch(1)
        self.add(card, stretch=1)
        self.back = BigButton("Kembali", icon="arrow-left", size=ButtonSize.COUNTER, key="Esc")
        self.back.clicked.connect(rights.back)
        self.next = BigButton("Lanjut", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="F9")
        self.next.clicked.connect(rights.ask_leader)
        foot = Box(across=True, gap=2)
        foot.add(self.back).space().add(self.next)
        self.add(foot)

    def clear(self) -> None:
        """Nothing is typed any more."""
        self.field.setText("")  # and not clear(), which could be undone

    def render_state(self, state: RightsState) -> None:
        """Show what was chosen."""
        self.reasons.set_chosen(state.reason)
        self._name.setVisible(state.stranger)
        self.next.set_reason("" if state.reason else "pilih alasan")

    def take_keyboard(self) -> None:
        """The name is typed last: the reasons have keys of their own."""
        self.reasons.setFocus(Qt.FocusReason.OtherFocusReason)


def _why_not_yet(state: RightsState) -> str:
    if state.can_go_on:
        return ""
    if not state.summary:
        return "pilih barang dulu"
    if state.presence == HolderPresence.PROXY.value and not state.proxy_reason:
        return "pilih alasan kuasa"
    return "periksa keranjang"
