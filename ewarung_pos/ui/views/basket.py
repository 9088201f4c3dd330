"""Kartu dikenali: the family at the left, what it may take at the right, Salurkan below."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.units import dotted
from ewarung_pos.ui.viewmodels.counter import CounterViewModel
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Section, ShelfRow
from ewarung_pos.ui.views.family_card import FamilyCard
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Density,
    Line,
    Note,
    Picture,
    ProgressBar,
    Role,
    Run,
    Stepper,
    Text,
    Tone,
    TroubleCard,
)
from ewarung_pos.ui.views.kit.paint import text_width
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.parts import Action, Box, Page, Stack, is_narrow, kit_trouble, unbroken, unbroken_sum
from ewarung_pos.ui.views.tabs import Tab, Tabs

__all__ = ["BasketPage", "ShelfLine"]

_TAB_KEYS = {"ration": "Alt+J", "purse": "Alt+K", "cash": "Alt+T"}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LARGE_TEXT = 125
"""Text larger than this (percent) leaves no room for two words beside the tabs in the smallest windows."""
_USUAL_BOUND = "sampai batas jatah"
NARROW_STEPPER = 252
"""In the smallest windows a long pack ("10 butir") is set smaller rather than the name beside it cut."""


class TakesPacks(Protocol):
    """A view-model of goods on a counter."""

    def set_packs(self, product: str, packs: int) -> None:
        """Set a line."""
        ...


def _is_large(widget: Box) -> bool:
    """Whether the text is large for the room there is."""
    return widget.look.room is Density.TIGHT and widget.look.percent > LARGE_TEXT


class ShelfLine(Box):
    """One product with its stepper."""

    def __init__(self, counter: TakesPacks, product: str, parent: QWidget | None = None) -> None:
        super().__init__(across=True, gap=3, margins=(2.75, 0.25, 2.75, 0.25), parent=parent)
        self._counter = counter
        self._product = product
        self._state: ShelfRow | None = None
        self._picture = Picture("package", height=56)
        self._place = Box()
        self._place.add(self._picture, align=Qt.AlignmentFlag.AlignCenter)
        words = Box()
        self._name = Note(role=Role.LEAD)
        self._left = Line()
        self._third = Box(across=True, gap=1.5)
        self._bar = ProgressBar()
        self._of = Text(role=Role.SMALL, tone=Tone.SOFT)
        self._bound = Note("info", "", Tone.LOOK, role=Role.SMALL)
        # Its place is kept, so that bars of one length stand for shares of one size.
        kept = self._bound.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self._bound.setSizePolicy(kept)
        self._third.add(self._bar, stretch=1).add(self._of, self._bound)
        words.space().add(self._name, self._left, self._third).space()
        self.stepper = Stepper()
        self.stepper.changed.connect(self._stepped)
        self.add(self._place).add(words, stretch=1).add(self.stepper, align=Qt.AlignmentFlag.AlignVCenter)
        self.restyle()

    def render_state(self, state: ShelfRow) -> None:
        """Show the product as it stands now."""
        if state != self._state or state.packs != self.stepper.value():
            self._draw(state)

    def _draw(self, state: ShelfRow) -> None:
        self._state = state
        self._picture.set_picture(state.pictogram)
        self._name.render_state("", state.name)
        tight, narrow, barred = self.look.room is Density.TIGHT, is_narrow(self), state.permille is not None
        tone = Tone.LOOK if state.scarce else Tone.SOFT
        cramped = tight or (narrow and barred)
        # That a ration ends is seen by its +; a scarce shelf is news.
        bound_above = bool(state.bound) and cramped and not (barred and state.bound == _USUAL_BOUND)
        if state.gone:
            self._left.set_runs((Run(state.gone, Role.LEAD, Tone.SOFT),))
        elif bound_above:
            amount = f"{state.left} {state.of.rpartition(' ')[2]}" if barred else state.left
            left = Run(amount, Role.LEAD, bold=True) if tight else Run(amount, Role.QUANTITY)
            self._left.set_runs((left, Run(state.bound.removeprefix("sampai "), Role.SMALL, tone)))
        else:
            beside = state.of if barred else ""
            words = Run(beside.replace("dari ", "/ "), Role.SMALL, Tone.SOFT) if tight else Run(beside, tone=Tone.SOFT)
            left = Run(state.left, Role.LEAD, bold=True) if _is_large(self) else Run(state.left, Role.QUANTITY)
            self._left.set_runs((left, words))
        self._of.set_text(state.of)
        self._of.setVisible(not barred)
        self._bar.setVisible(barred)
        self._bar.set_share(state.permille or 0, 1000)
        self._bar.setAccessibleName(f"{state.name} {state.left} {state.of} {state.bound}".strip())
        self._bound.render_state("" if narrow else "info", "" if cramped else state.bound, tone)
        self._bound.setFixedWidth(self._place_of_bound(state, narrow=narrow, barred=barred))
        self._bound.setVisible(bool(state.bound) and not cramped and not state.gone)
        self._third.setVisible(not tight and not state.gone)
        self._third.setFixedHeight(self._bound.sizeHint().height() - 4)
        self.stepper.setVisible(not state.gone)
        self.stepper.set_name(state.name)
        self.stepper.set_range(0, max(state.most, state.packs))
        self.stepper.set_value(state.packs)
        self.stepper.set_unit(state.value.removeprefix(dotted(state.packs)).strip())

    def _place_of_bound(self, state: ShelfRow, *, narrow: bool, barred: bool) -> int:
        """How wide the bound is, or would be beside a bar."""
        if narrow and barred:
            return 0
        if not barred:
            return self._bound.sizeHint().width() if state.bound else 0
        words = max((state.bound, _USUAL_BOUND), key=len)
        return text_width(self.look.font(Role.SMALL), words) + self.look.icon(Role.SMALL) + 12

    def restyle(self) -> None:
        super().restyle()
        tight = self.look.room is Density.TIGHT
        self._place.setVisible(not tight)
        side = self.look.gap(1.5 if tight else 2.75)
        self.lay.setContentsMargins(side, 1, side, 1)
        self.lay.setSpacing(self.look.gap(1.5 if tight else 3))
        self._place.setFixedWidth(self._picture.sizeHint().height() + self.look.gap(1))
        if self._state is not None:
            self._draw(self._state)

    def _stepped(self, packs: int) -> None:
        self._counter.set_packs(self._product, packs)

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(hint.width(), max(hint.height(), self.look.counter_target + 2))


class BasketPage(Page):
    """The page for a card that is known."""

    def __init__(self, counter: CounterViewModel, act: Action, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._counter = counter
        self._act = act
        self._elsewhere = ""
        self._section = ""
        self._lines: dict[str, ShelfLine] = {}
        top = Box(across=True, gap=2.5)
        self.family = FamilyCard(counter)
        self.family.elsewhere.clicked.connect(self._ask)
        top.add(self.family)
        self._right = Stack()
        self._shelf = self._make_shelf()
        self._right.addWidget(self._shelf)
        self._trouble = TroubleCard()
        self._trouble.acted.connect(counter.dismiss)
        self._right.addWidget(self._trouble)
        top.add(self._right, stretch=1)
        self.add(top, stretch=1)
        self.add(self._make_foot())
        self._fit()

    def _make_shelf(self) -> Card:
        card = Card(pad=0, spacing=0)
        head = Box(across=True, gap=1, margins=(0.75, 0, 2.75, 0))
        self._tabs = Tabs("Bagian keranjang")
        self._tabs.chosen.connect(self._counter.choose_section)
        self.take_all = BigButton("Ambil semua", kind=ButtonKind.STRONG, size=ButtonSize.PLAIN, icon="check", key="F10")
        self.take_all.clicked.connect(self._counter.take_all)
        self.take_all.clicked.connect(self.take_keyboard)
        self.take_all.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)  # the tabs grow short first
        head.add(self._tabs, stretch=1).add(self.take_all, align=Qt.AlignmentFlag.AlignVCenter)
        self._head = head
        self._why_not = Box(margins=(2.75, 1, 2.75, 1))
        self._why_words = Note("unplug", "", Tone.LOOK, role=Role.BODY)
        self._why_not.add(self._why_words)
        self._rows = PagedRows("Barang")
        card.body.addWidget(head)
        card.body.addWidget(self._why_not)
        card.body.addWidget(self._rows, 1)
        return card

    def _make_foot(self) -> Box:
        foot = Box(across=True, gap=2.5)
        self.cancel = BigButton("Batal", icon="x", key="Esc")
        self.cancel.clicked.connect(self._counter.cancel)
        words = Box(gap=0.25)
        self._now = Text("Diserahkan sekarang", Role.BODY, Tone.SOFT, align=_RIGHT)
        self._summary = Text(role=Role.LEAD, bold=True, align=_RIGHT, wrap=True)
        self._to_pay = Text(role=Role.BODY, bold=True, align=_RIGHT, wrap=True)
        words.space().add(self._now, self._summary, self._to_pay).space()
        self.serve = BigButton("SALURKAN", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.serve.clicked.connect(self._counter.serve)
        foot.add(self.cancel, align=Qt.AlignmentFlag.AlignVCenter).add(words, stretch=1).add(self.serve)
        # A trouble's button stands where Salurkan stands: the place of what comes next.
        foot.add(self._trouble.button)
        self._rows.set_followers(self.cancel, self.serve, self._trouble.button)
        return foot

    def render_state(self, state: CounterState) -> None:
        """Show the basket."""
        self.family.render_person(state.person)
        self.family.render_presence(state.presence, state.proxy_reason)
        self._offer(state)
        section = next((each for each in state.sections if each.id == state.section), None)
        if section is not None:
            self._render_section(state, section)
        self._now.setVisible(not state.to_pay)
        self._summary.set_text(unbroken(state.summary) or "belum ada barang")
        self._to_pay.set_text(unbroken_sum(state.to_pay))
        self._to_pay.setVisible(bool(state.to_pay))
        self.serve.set_reason(_why_not_yet(state))
        self.cancel.set_text("Buang keranjang?" if state.asks_discard else "Batal")
        self.cancel.set_kind(ButtonKind.DANGER if state.asks_discard else ButtonKind.SECONDARY)
        self.serve.set_text("JANGAN BUANG" if state.asks_discard else "SALURKAN")
        if state.notice is not None:
            self._trouble.render_state(kit_trouble(state.notice))
        else:
            self._trouble.button.hide()
        self.serve.setVisible(state.notice is None)
        page = self._trouble if state.notice is not None else self._shelf
        if page is not self._right.currentWidget():
            self._right.show_page(page)
            if page is self._shelf:
                self.take_keyboard()

    def _offer(self, state: CounterState) -> None:
        """What the city may do for a family whose rights, or whose home, are elsewhere."""
        self._elsewhere = "ask_city" if state.can_ask else "ask_home" if state.guest else ""
        button = self.family.elsewhere
        tight = self.look.room is Density.TIGHT
        if state.can_ask:
            button.set_text("Minta jatah" if tight else "Minta jatah dari kota")
        else:
            button.set_text("Langganan" if tight else "Jadikan langganan")
        button.set_key("Alt+I" if state.can_ask else "Alt+L")
        button.setVisible(bool(self._elsewhere) and state.presence != HolderPresence.PROXY.value)

    def _ask(self) -> None:
        self._act(self._elsewhere)

    def _render_section(self, state: CounterState, section: Section) -> None:
        tabs = [
            Tab(
                each.id, each.tab, each.title, each.subtitle, _TAB_KEYS.get(each.id, ""), each.chosen,
                short=each.tab.removeprefix("Belanja "),
            )
            for each in state.sections
        ]  # fmt: skip
        self._tabs.set_tabs(tabs, section.id)
        self.take_all.setVisible(section.take_all)
        icon = "unplug" if section.why_not else "triangle-alert"
        self._why_words.render_state(icon, section.why_not or section.look, Tone.LOOK)
        self._why_not.setVisible(bool(section.why_not or section.look))
        wanted = [row.product for row in section.rows]
        other = wanted != list(self._lines)
        if other:  # the next family mostly finds the same goods: making the lines anew is most of what a card costs
            self._lines = {row.product: ShelfLine(self._counter, row.product) for row in section.rows}
        for row in section.rows:
            self._lines[row.product].render_state(row)
        if other or section.id != self._section:
            self._rows.set_rows(tuple(self._lines.values()), keep_page=section.id == self._section)
            self._section = section.id
            self.take_keyboard()
        self._align()

    def _align(self) -> None:
        """Steppers of one width, so that their ends stand under each other."""
        steppers = [line.stepper for line in self._lines.values()]
        width = max((each.sizeHint().width() for each in steppers), default=0)
        if self.look.room is Density.TIGHT:
            width = min(width, NARROW_STEPPER * min(self.look.percent, LARGE_TEXT) // 100)
        for each in steppers:
            each.setFixedWidth(width)

    def restyle(self) -> None:
        super().restyle()
        if hasattr(self, "_lines"):
            self._fit()
            self._align()

    def _fit(self) -> None:
        tight = self.look.room is Density.TIGHT
        self.take_all.set_icon("" if tight else "check")
        large = _is_large(self)
        self.take_all.set_text("Semua" if large else "Ambil semua")
        self._summary.set_role(Role.BODY if large else Role.LEAD, bold=True)

    def take_keyboard(self) -> None:
        """Put the keyboard on the first stepper, so that + and − work at once; without one it rests on the page."""
        lines = self._lines.values()
        steppers = (each.stepper for each in lines if each.stepper.maximum() > 0 and not each.stepper.isHidden())
        next(steppers, self).setFocus(Qt.FocusReason.OtherFocusReason)

    def start(self) -> None:
        """Another card: from the first page again."""
        self._section = ""


def _why_not_yet(state: CounterState) -> str:
    if state.can_serve:
        return ""
    if not state.summary:
        return "pilih barang dulu"
    if state.presence == HolderPresence.PROXY.value and not state.proxy_reason:
        return "pilih alasan kuasa"
    return "periksa keranjang"
