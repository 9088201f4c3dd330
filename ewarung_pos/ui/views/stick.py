"""The strip of Sinkron for a stick: what can be done with it, or which of several is meant."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.stick import StickState, StickViewModel
from ewarung_pos.ui.views.kit import BigButton, ButtonKind, ButtonSize, Role, Text, Tone
from ewarung_pos.ui.views.parts import Box

__all__ = ["StickStrip"]

_HINT = "Tanpa jaringan? Catatan bisa dibawa ke kota dengan USB."
_SHOWN = 3
"""So many sticks at one counter are offered; whoever has more pulls one out."""


class StickStrip(Box):
    """Hands *Simpan ke USB* and *Ambil dari USB* to its view-model."""

    def __init__(self, stick: StickViewModel, parent: QWidget | None = None) -> None:
        super().__init__(across=True, gap=1.5, parent=parent)
        self._stick = stick
        self._words = Text(_HINT, role=Role.BODY, tone=Tone.SOFT, wrap=True)
        self.add(self._words, stretch=1)
        middle = Qt.AlignmentFlag.AlignVCenter
        self.save = BigButton("Simpan ke USB", size=ButtonSize.PLAIN, icon="usb", key="F8")
        self.save.clicked.connect(stick.save)
        self.fetch = BigButton("Ambil dari USB", size=ButtonSize.PLAIN, icon="usb", key="F9")
        self.fetch.clicked.connect(stick.fetch)
        self.places = [BigButton(size=ButtonSize.PLAIN, icon="usb", key=str(each + 1)) for each in range(_SHOWN)]
        for place, button in enumerate(self.places):
            button.clicked.connect(lambda _=False, place=place: self._choose(place))
        self.none = BigButton("Batal", kind=ButtonKind.QUIET, size=ButtonSize.PLAIN, key="Esc")
        self.none.clicked.connect(stick.leave)
        for button in (self.save, self.fetch, *self.places, self.none):
            self.add(button, align=middle)

    def render_state(self, state: StickState) -> None:
        """Show what can be done, or which of several sticks is asked for."""
        asked = bool(state.places)
        for button in (self.save, self.fetch):
            button.setVisible(not asked)
            button.set_reason("tunggu sebentar" if state.busy else "")
        for place, button in enumerate(self.places):
            button.setVisible(place < len(state.places))
            if place < len(state.places):
                button.set_text(state.places[place].name)
        self.none.setVisible(asked)

    def hint(self, *, shown: bool) -> None:
        """Say what a stick is for, unless something else is being said."""
        self._words.setVisible(shown)

    def _choose(self, place: int) -> None:
        places = self._stick.state.places
        if place < len(places):
            self._stick.choose(places[place].folder)
