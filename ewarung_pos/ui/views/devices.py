"""Atur: three devices with a live trial each, what is plugged in, and the settings that follow from it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text_devices import none_found
from ewarung_pos.ui.viewmodels.devices import DeviceRow, DevicesState, DevicesViewModel
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Density,
    Disc,
    Panel,
    Role,
    Text,
    Tone,
)
from ewarung_pos.ui.views.leader_pin import PinCard
from ewarung_pos.ui.views.parts import Box, Page, Stack, is_narrow, tone_of

__all__ = ["DevicesView"]

_ICONS = {"card": "credit-card", "print": "printer", "edc": "plug"}
_TRIALS = {"card": "Uji kartu", "print": "Uji cetak", "edc": "Uji EDC"}
_MOST = 6
"""Devices that are named; more are counted."""


class _Row(Card):
    """One device: what was seen of it, what to do, and the button that tries it."""

    def __init__(self, name: str, key: str, tried: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(pad=2.25, spacing=0, parent=parent)
        self._name = name
        line = Box(across=True, gap=2.25)
        self._disc = Disc(_ICONS[name], size=60)
        words = Box(gap=0.25)
        self._title = Text(role=Role.HEADING)
        self._seen = Text(role=Role.BODY, wrap=True)
        self._do = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        words.add(self._title, self._seen, self._do)
        self.button = BigButton(_TRIALS[name], kind=ButtonKind.STRONG, size=ButtonSize.PLAIN, key=key)
        self.button.clicked.connect(tried)
        line.add(self._disc, align=Qt.AlignmentFlag.AlignVCenter).add(words, stretch=1)
        line.add(self.button, align=Qt.AlignmentFlag.AlignVCenter)
        self.body.addWidget(line)

    def render_state(self, row: DeviceRow) -> None:
        """Show the device."""
        tone = Tone.INFO if row.busy else tone_of(row.seen.state)
        self._disc.render_state(_ICONS[self._name], tone)
        self._title.set_text(row.title)
        self._seen.set_tone(tone if tone is not Tone.GO else Tone.INK)
        self._seen.set_text(f"{row.busy} …" if row.busy else row.seen.seen)
        do = "" if row.busy else row.seen.do
        self._do.set_text(do)
        self._do.setVisible(bool(do))
        self.button.set_reason("sedang diuji" if row.busy else "")


class _Devices(Box):
    """The three devices and *Cari perangkat*."""

    def __init__(self, devices: DevicesViewModel, parent: QWidget | None = None) -> None:
        super().__init__(gap=1.75, parent=parent)
        tries = {"card": devices.try_card, "print": devices.try_paper, "edc": devices.try_edc}
        self._rows = {name: _Row(name, str(place), tried) for place, (name, tried) in enumerate(tries.items(), 1)}
        self.add(*self._rows.values()).space()
        self._notice = Panel(pad=1.5, tone=Tone.LOOK)
        self._words = Text(role=Role.BODY, tone=Tone.LOOK, wrap=True)
        self._notice.body.addWidget(self._words)
        self.add(self._notice)
        foot = Box(across=True, gap=2)
        self._hint = Text(
            "Uji tidak dicatat dan tidak menarik saldo. Ada alat baru? Tekan Cari perangkat.",
            Role.BODY,
            Tone.SOFT,
            wrap=True,
        )
        self.search = BigButton("Cari perangkat", icon="search", size=ButtonSize.PLAIN, key="F8")
        self.search.clicked.connect(devices.look_around)
        foot.add(self._hint, stretch=1).add(self.search)
        self.add(foot)

    def render_state(self, state: DevicesState) -> None:
        """Show what was seen of each."""
        for row in state.rows:
            self._rows[row.id].render_state(row)
        self.search.set_reason(f"{state.busy} …" if state.busy else "")
        notice = state.notice
        self._notice.setVisible(notice is not None)
        self._words.set_text(f"{notice.happened} {notice.now}" if notice is not None else "")


class _Found(Box):
    """What is plugged in at the left, what follows from it at the right."""

    def __init__(self, devices: DevicesViewModel, parent: QWidget | None = None) -> None:
        super().__init__(gap=2, parent=parent)
        line = Box(across=True, gap=2.5)
        self._found, self._proposed = Card(pad=2.5, spacing=1), Card(pad=2.5, spacing=1)
        self._devices, self._settings = Box(gap=1), Box(gap=0.75)
        self._found.body.addWidget(Text("Yang ditemukan", Role.HEADING))
        self._found.body.addWidget(self._devices)
        self._found.body.addStretch(1)
        self._proposed.body.addWidget(Text("Usulan pengaturan", Role.HEADING))
        self._proposed.body.addWidget(self._settings)
        self._proposed.body.addStretch(1)
        self._said = Text(role=Role.BODY, wrap=True, bold=True)
        self._proposed.body.addWidget(self._said)
        line.add(self._found, self._proposed, stretch=1)
        foot = Box(across=True, gap=2)
        self.back = BigButton("Kembali", icon="arrow-left", size=ButtonSize.COUNTER, key="Esc")
        self.back.clicked.connect(devices.back)
        self.apply = BigButton("Pakai usulan", kind=ButtonKind.PRIMARY, size=ButtonSize.COUNTER, key="Enter")
        self.apply.clicked.connect(devices.ask_to_apply)
        self.again = BigButton("Cari lagi", icon="search", size=ButtonSize.COUNTER, key="F8")
        self.again.clicked.connect(devices.look_around)
        foot.add(self.back, self.again).space().add(self.apply)
        self.add(line, stretch=1).add(foot)

    def render_state(self, state: DevicesState) -> None:
        """Show what was found, and the lines for config.toml."""
        role = Role.SMALL if is_narrow(self) else Role.BODY
        more = len(state.found) - _MOST
        names = [*state.found[:_MOST], *([f"dan {more} lagi"] if more > 0 else [])]
        _refill(
            self._devices,
            [Text(words, role, wrap=True) for words in names or none_found(_ready(state))],
        )
        self.again.set_reason(f"{state.busy} …" if state.busy else "")
        lines = [Text(words, role, wrap=True) for words in state.proposed]
        lines += [Text(f"Dugaan: {words}", role, Tone.SOFT, wrap=True) for words in state.guesses]
        _refill(self._settings, lines or [Text("Tidak ada yang perlu diubah.", role, Tone.SOFT, wrap=True)])
        said = ""
        if state.written:
            said = "Tersimpan. Tutup kasir dan buka lagi, lalu uji tiap perangkat."
        elif state.guesses:
            said = "Yang dugaan diisi petugas di config.toml."
        self._said.set_text(said)
        self._said.set_tone(Tone.GO if state.written else Tone.SOFT)
        self._said.setVisible(bool(said))
        self.apply.setVisible(bool(state.proposed) and not state.written)


def _ready(state: DevicesState) -> tuple[str, ...]:
    """The devices that are set up and well: a search that finds no other ones is no news of these."""
    return tuple(row.title for row in state.rows if row.seen.state == "ok")


def _refill(into: Box, widgets: list[Text]) -> None:
    while (item := into.lay.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.hide()
            old.deleteLater()
    into.add(*widgets)


class DevicesView(Page):
    """Shows the devices and hands every press to the view-model."""

    def __init__(self, devices: DevicesViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._title = Text("Atur perangkat", Role.TITLE)
        self.add(self._title)
        self._pages = Stack()
        self.devices = _Devices(devices)
        self.found = _Found(devices)
        self.pin = PinCard()
        self.pin.left.connect(devices.back)
        self.pin.ask(
            "Pakai usulan pengaturan?",
            "Usulan ditulis ke config.toml dan berlaku setelah kasir dibuka lagi. Yang lama tetap disimpan.",
            devices.apply,
        )
        for page in (self.devices, self.found, self.pin):
            self._pages.addWidget(page)
        self.add(self._pages, stretch=1)

    def render_state(self, state: DevicesState) -> None:
        """Show the page that the state asks for."""
        page: QWidget = self.devices
        if state.asks_leader:
            self.pin.render_notice(state.notice, busy=state.busy)
            page = self.pin
        elif state.looked:
            self.found.render_state(state)
            page = self.found
        else:
            self.devices.render_state(state)
        self._title.setVisible(self.look.room is not Density.TIGHT)
        entered = page is not self._pages.currentWidget()
        self._pages.show_page(page)
        if entered and page is self.pin:
            self.pin.take_keyboard()

    def take_keyboard(self) -> None:
        """The pad, where a PIN is asked for."""
        if self._pages.currentWidget() is self.pin:
            self.pin.take_keyboard()
