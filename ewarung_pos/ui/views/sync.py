"""Sinkron: one sentence on top, a log in plain words, *Kirim sekarang*."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.viewmodels.sync import SyncLine, SyncState, SyncViewModel
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    Card,
    Cell,
    Column,
    DataTable,
    Density,
    Disc,
    EmptyState,
    Pages,
    Panel,
    Role,
    Rule,
    Text,
    Tone,
)
from ewarung_pos.ui.views.parts import Box, Page, tone_of

__all__ = ["SyncView"]

_ICONS = {Tone.GO: "check", Tone.LOOK: "triangle-alert", Tone.STOP: "ban", Tone.INFO: "info"}


def _columns() -> tuple[Column[SyncLine], ...]:
    return (
        Column("Jam", lambda each: Cell(each.time, Tone.SOFT)),
        Column("Yang terjadi", _text, share=1),
    )


def _text(each: SyncLine) -> Cell:
    tone = tone_of(each.tone)
    return Cell(each.text, Tone.INK if tone is Tone.GO else tone, icon=_ICONS.get(tone, "info"))


class SyncView(Page):
    """Shows where the line to the city stands and hands *Kirim sekarang* to its view-model."""

    def __init__(self, sync: SyncViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._top = Card(pad=3, spacing=2)
        line = Box(across=True, gap=2.25)
        self._disc = Disc("cloud-upload", size=66)
        words = Box(gap=0.25)
        self._headline = Text(role=Role.TITLE, wrap=True)
        self._detail = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        words.add(self._headline, self._detail)
        self.send = BigButton("Kirim sekarang", kind=ButtonKind.PRIMARY, icon="cloud-upload", key="Enter")
        self.send.clicked.connect(sync.send_now)
        line.add(self._disc, align=Qt.AlignmentFlag.AlignVCenter).add(words, stretch=1)
        line.add(self.send, align=Qt.AlignmentFlag.AlignVCenter)
        self._top.body.addWidget(line)
        self._notice = Panel(pad=2, spacing=0.5, tone=Tone.LOOK)
        self._notice_words = Text(role=Role.BODY, wrap=True)
        self._notice.body.addWidget(self._notice_words)
        self._top.body.addWidget(self._notice)
        self.add(self._top)
        below = Box(across=True, gap=2.5)
        log = Card(pad=0, spacing=0)
        self.log: DataTable[SyncLine] = DataTable("Catatan kiriman", _columns())
        self._empty = EmptyState(
            "package", "Belum ada kiriman", "Kasir mengirim sendiri setelah tiap penyaluran.", height=72
        )
        self._inside = Pages()
        self._inside.addWidget(self.log)
        self._inside.addWidget(self._empty)
        log.body.addWidget(self._inside, 1)
        side = Card(pad=3, spacing=1.5)
        self._facts: list[Text] = []
        for place, title in enumerate(("Kios ini", "Terakhir dari kota", "Catatan terakhir", "Kunci buku catatan")):
            if place:
                side.body.addWidget(Rule())
            part = Box(gap=0.25)
            words_ = Text(role=Role.LEAD, wrap=True)
            part.add(Text(title, Role.BODY, Tone.SOFT), words_)
            self._facts.append(words_)
            side.body.addWidget(part)
        side.body.addStretch(1)
        below.add(log, stretch=19).add(side, stretch=10)
        self.add(below, stretch=1)
        self._side = side
        self._fit()

    def restyle(self) -> None:
        super().restyle()
        if hasattr(self, "_side"):
            self._fit()

    def _fit(self) -> None:
        self._side.setVisible(self.look.room is not Density.TIGHT)

    def render_state(self, state: SyncState) -> None:
        """Show where the line stands."""
        tone = tone_of(state.tone)
        icon = "check" if tone is Tone.GO else "cloud-upload" if state.notice is None else "wifi-off"
        self._disc.render_state(icon, tone, filled=tone is Tone.GO)
        self._top.set_tone(Tone.INK if tone is Tone.GO else tone)
        self._headline.set_text(state.headline)
        self._detail.set_text("Sedang mengirim …" if state.busy else state.detail)
        self._detail.setVisible(state.busy or bool(state.detail))
        self.send.set_reason("sedang mengirim" if state.busy else "")
        notice = state.notice
        self._notice.setVisible(notice is not None)
        if notice is not None:
            mood = tone_of(notice.tone)
            self._notice.set_tone(mood)
            self._notice_words.set_tone(mood)
            self._notice_words.set_text(f"{notice.happened} {notice.safe} {notice.now}")
        self.log.set_rows(state.log)
        self._inside.show_page(self.log if state.log else self._empty)
        for words, text in zip(self._facts, (state.kiosk, state.last_received, state.head, state.key), strict=True):
            words.set_text(text)
