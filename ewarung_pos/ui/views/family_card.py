"""The family at the left of the counter's pages: whose card it is, and who has come."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.ui.viewmodels.counter_state import PROXY_REASONS, Person
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonSize,
    Card,
    Choice,
    Density,
    Disc,
    IconView,
    Option,
    Role,
    Rule,
    Text,
    Tone,
)
from ewarung_pos.ui.views.parts import Box

__all__ = ["FamilyCard"]

_PRESENCE = (
    Option(HolderPresence.SELF.value, "Sendiri", "Alt+S"),
    Option(HolderPresence.RELATIVE.value, "Anggota KK", "Alt+A"),
    Option(HolderPresence.PROXY.value, "Kuasa", "Alt+U"),
)
_SPARED_WHEN_TIGHT = ("map-pin", "clock")


class _FactLine(Box):
    """An icon and a line that wraps; without the icon where there is no room for it."""

    def __init__(self, icon: str) -> None:
        super().__init__(across=True, gap=1.25)
        self._icon = IconView(icon, role=Role.BODY)
        self._text = Text(role=Role.BODY, wrap=True)
        self.add(self._icon, align=Qt.AlignmentFlag.AlignTop)
        self.add(self._text, stretch=1)
        self.restyle()

    def render_state(self, icon: str, text: str) -> None:
        self._icon.set_icon(icon, Tone.INK)
        self._text.set_text(text)

    def restyle(self) -> None:
        self._icon.setVisible(self.look.room is not Density.TIGHT)
        super().restyle()


class HearsWhoCame(Protocol):
    """A view-model of a family that is being served."""

    def choose_presence(self, presence: str, proxy_reason: str = "") -> None:
        """Who came."""
        ...


class FamilyCard(Card):
    """Whose card it is; with `counter`, also who has come."""

    def __init__(self, counter: HearsWhoCame | None = None, parent: QWidget | None = None) -> None:
        super().__init__(pad=3, spacing=1.75, parent=parent)
        self._counter = counter
        self._person: Person | None = None
        self._tight = self.look.room is Density.TIGHT
        head = Box(across=True, gap=1.75)
        words = Box(gap=0.25)
        self._name = Text(role=Role.HEADING, wrap=True)
        self._subtitle = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        words.add(self._name, self._subtitle)
        self._disc = Disc("user", size=60)
        head.add(self._disc, align=Qt.AlignmentFlag.AlignTop).add(words, stretch=1)
        self.body.addWidget(head)
        self._facts = Box(gap=1.25)
        self._lines: list[_FactLine] = []
        self.body.addWidget(self._facts)
        self._why = Box(gap=1)
        self._reasons = Choice("Alasan kuasa", stretch=False)
        self._reasons.set_options(tuple(Option(value, label) for value, label in PROXY_REASONS))
        self._reasons.chosen.connect(self._because)
        self._why_label = Text("Kuasa datang karena", Role.BODY, Tone.SOFT)
        self._why.add(self._why_label, self._reasons)
        self._why.hide()
        self.body.addWidget(self._why)
        self.body.addStretch(1)
        self.elsewhere = BigButton(size=ButtonSize.PLAIN)
        self.elsewhere.hide()
        self.body.addWidget(self.elsewhere)
        self._asks = Box(gap=1)
        self._asks_label = Text("Yang datang", Role.BODY, Tone.SOFT)
        self._presence = Choice("Yang datang")
        self._presence.set_options(_PRESENCE)
        self._presence.chosen.connect(self._came)
        self._asks.add(Rule(), self._asks_label, self._presence)
        self._asks.setVisible(counter is not None)
        self.body.addWidget(self._asks)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._fit()

    def render_person(self, person: Person | None) -> None:
        """Show whose card it is."""
        tight = self.look.room is Density.TIGHT
        if person == self._person and tight == self._tight:
            return
        self._person, self._tight = person, tight
        self._name.set_text(person.name if person is not None else "")
        self._subtitle.set_text(person.subtitle if person is not None else "")
        facts = person.facts if person is not None else ()
        shown = [fact for fact in facts if not (tight and fact.icon in _SPARED_WHEN_TIGHT)]
        while len(self._lines) < len(shown):
            self._lines.append(_FactLine(shown[len(self._lines)].icon))
            self._facts.add(self._lines[-1])
        for line, fact in zip(self._lines, shown, strict=False):
            line.render_state(fact.icon, fact.text)
        for place, line in enumerate(self._lines):
            line.setVisible(place < len(shown))

    def render_presence(self, presence: str, proxy_reason: str) -> None:
        """Mark who has come; a proxy has to say why."""
        self._presence.set_chosen(presence)
        self._reasons.set_chosen(proxy_reason)
        proxy = presence == HolderPresence.PROXY.value
        self._why.setVisible(proxy)
        self._facts.setVisible(not proxy)

    def _came(self, presence: str) -> None:
        if self._counter is not None:
            self._counter.choose_presence(presence)

    def _because(self, reason: str) -> None:
        if self._counter is not None:
            self._counter.choose_presence(HolderPresence.PROXY.value, reason)

    def _fit(self) -> None:
        tight = self.look.room is Density.TIGHT
        wide = 220 if tight else max(self.look.size(330), 264)
        self.setFixedWidth(min(wide * self.look.percent // 100, max(self.look.window.width() * 3 // 10, 220)))
        self._asks_label.setVisible(not tight)
        self._disc.setVisible(not tight)

    def restyle(self) -> None:
        super().restyle()
        self._fit()
        self.render_person(self._person)
