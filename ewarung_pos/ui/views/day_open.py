"""Buka Hari: what the kiosk knows this morning, and one button."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.day_open import DayOpenState, DayOpenViewModel
from ewarung_pos.ui.views.kit import (
    Badge,
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    IconView,
    Pages,
    Role,
    Text,
    Tone,
    TroubleCard,
)
from ewarung_pos.ui.views.leader_pin import PinCard
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.parts import Action, Box, Page, kit_trouble, tone_of

__all__ = ["DayOpenView"]

_WORDS = {Tone.GO: "baik", Tone.LOOK: "perhatikan", Tone.STOP: "periksa", Tone.INFO: "catatan"}


class _FactRow(Box):
    def __init__(self) -> None:
        super().__init__(across=True, gap=2, margins=(3, 1, 3, 1))
        self._icon = IconView("info", role=Role.HEADING)
        self._text = Text(role=Role.LEAD, wrap=True)
        self._badge = Badge()
        self.add(self._icon, align=Qt.AlignmentFlag.AlignVCenter)
        self.add(self._text, stretch=1)
        self.add(self._badge, align=Qt.AlignmentFlag.AlignVCenter)

    def render_state(self, icon: str, text: str, tone: Tone) -> None:
        self._icon.set_icon(icon, Tone.INK)
        self._text.set_text(text)
        self._badge.render_state(_WORDS.get(tone, "catatan"), tone)


class DayOpenView(Page):
    """Shows the morning and hands *Buka Hari* to its view-model."""

    def __init__(self, day: DayOpenViewModel, act: Action, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._day = day
        self._act = act
        self._action = ""
        self._goes = "go_counter"
        self._facts: list[_FactRow] = []
        head = Box(across=True, gap=2)
        self._title = Text("Buka Hari", Role.TITLE)
        self._date = Text(role=Role.LEAD, tone=Tone.SOFT)
        head.add(self._title, self._date).space()
        self._card = Card(pad=0, spacing=0)
        self._rows = PagedRows("Keadaan pagi ini", tall=88)
        self._card.body.addWidget(self._rows, 1)
        self._trouble = TroubleCard()
        self._trouble.acted.connect(self._acted)
        self._body = Pages()
        self._body.addWidget(self._card)
        self._body.addWidget(self._trouble)
        self.pin = PinCard()
        self.pin.left.connect(day.back)
        self._body.addWidget(self.pin)
        foot = Box(across=True, gap=2.5)
        self._words = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        self.open = BigButton("BUKA HARI", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.open.clicked.connect(day.open)
        self.serve = BigButton("LAYANI KARTU", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.serve.clicked.connect(self._serve)
        self.clock = BigButton("JAM SUDAH BENAR", icon="clock", size=ButtonSize.COUNTER, key="F8")
        self.clock.clicked.connect(day.ask_leader)
        foot.add(self._words, stretch=1).add(self.clock, self.open, self.serve)
        self.add(head)
        self.add(self._body, stretch=1)
        self.add(foot)
        self._foot = foot

    def render_state(self, state: DayOpenState) -> None:
        """Show what the kiosk knows."""
        self._date.set_text(state.date)
        del self._facts[len(state.facts) :]
        while len(self._facts) < len(state.facts):
            self._facts.append(_FactRow())
        for row, fact, tone in zip(self._facts, state.facts, state.tones, strict=True):
            row.render_state(fact.icon, fact.text, tone_of(tone))
        self._rows.set_rows(self._facts)
        notice = None if state.asks_leader else state.notice
        if notice is not None:
            self._action = notice.action
            detail = f"Menurut komputer ini: {state.date}" if notice.action == "confirm_date" else ""
            button = "" if notice.action == "dismiss" else None
            self._trouble.render_state(kit_trouble(notice, detail=detail, button=button))
        if state.asks_leader:
            self._ask(state)
        page: QWidget = self.pin if state.asks_leader else self._trouble if notice is not None else self._card
        came = page is self.pin and self._body.currentWidget() is not self.pin
        self._body.show_page(page)
        if came:
            self.pin.take_keyboard()
        plain = page is self._card
        self._foot.setVisible(plain or (state.already and page is not self.pin))
        self.clock.setVisible(bool(state.suspect) and plain)
        self.open.setVisible(not state.already and not state.suspect and plain)
        self.open.setEnabled(state.can_open)
        self._goes = "go_closing" if state.closing else "go_counter"
        self.serve.set_text("LANJUTKAN TUTUP HARI" if state.closing else "LAYANI KARTU")
        self.serve.setVisible(state.already)
        already = "Hari sedang ditutup." if state.closing else "Hari sudah dibuka."
        if state.left_open:
            already = state.left_open
        words = already if state.already else "Mulai melayani keluarga." if plain else ""
        self._words.set_text("Jam komputer perlu dipastikan ketua." if state.suspect and plain else words)

    def _ask(self, state: DayOpenState) -> None:
        detail = "\n".join((*state.suspect, "Ketua memastikan bahwa jam komputer yang benar."))
        self.pin.ask("Jam komputer benar?", detail, self._day.confirm_clock)
        self.pin.render_notice(state.notice, busy=state.busy)

    def _serve(self) -> None:
        self._act(self._goes)

    def _acted(self) -> None:
        self._day.dismiss()
        if self._action == "confirm_date":
            self._day.confirm_date()
        elif self._action != "dismiss":
            self._act(self._action)
