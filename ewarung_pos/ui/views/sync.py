"""Sinkron: one sentence on top, a log in plain words, *Kirim sekarang*, and a stick where there is no line."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.text_city import SERVE_ON
from ewarung_pos.ui.text_stick import WHICH
from ewarung_pos.ui.viewmodels.stick import StickState, StickViewModel
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
from ewarung_pos.ui.views.stick import StickStrip

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
    """Shows where the line to the city stands and hands *Kirim sekarang* to its view-model; a stick's to that one's."""

    def __init__(self, sync: SyncViewModel, stick: StickViewModel, parent: QWidget | None = None) -> None:
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
        self.stick = StickStrip(stick)
        self._top.body.addWidget(self.stick)
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
        self._parts: list[QWidget] = []
        for place, title in enumerate(("Kios ini", "Terakhir dari kota", "Catatan terakhir", "Kunci buku catatan")):
            part = Box(gap=0.25)
            words_ = Text(role=Role.LEAD, wrap=True)
            if place:
                part.add(Rule()).add(Box(gap=0.5))
            part.add(Text(title, Role.BODY, Tone.SOFT), words_)
            self._parts.append(part)
            self._facts.append(words_)
            side.body.addWidget(part)
        side.body.addStretch(1)
        below.add(log, stretch=19).add(side, stretch=10)
        self.add(below, stretch=1)
        self._side = side
        self._line_says: tuple[str, Tone] | None = None
        self._stick_says: tuple[str, Tone] | None = None
        self._version_says: tuple[str, Tone] | None = None
        self._fit()

    def restyle(self) -> None:
        super().restyle()
        if hasattr(self, "_side"):
            self._fit()

    def _fit(self) -> None:
        self._side.setVisible(self.look.room is not Density.TIGHT)

    def render_stick(self, state: StickState) -> None:
        """Show where the stick stands; what it says goes before what the line says: somebody has just asked for it."""
        self.stick.render_state(state)
        notice = state.notice
        if state.busy or state.places:
            self._stick_says = (state.busy or WHICH, Tone.INFO)
        elif notice is not None:
            self._stick_says = (f"{notice.happened} {notice.safe} {notice.now}", tone_of(notice.tone))
        else:
            self._stick_says = (state.words, tone_of(state.tone)) if state.words else None
        self._say()

    def _say(self) -> None:
        said = self._stick_says or self._line_says or self._version_says
        self._notice.setVisible(said is not None)
        self.stick.hint(shown=said is None)
        # What is said needs the room; on a small screen the longer names stand back for as long.
        for part in self._parts[2:]:
            part.setVisible(said is None or self.look.room is not Density.COMPACT)
        if said is not None:
            words, tone = said
            self._notice.set_tone(tone)
            self._notice_words.set_tone(tone)
            self._notice_words.set_text(words)

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
        self._line_says = None
        if notice is not None:
            self._line_says = (f"{notice.happened} {notice.safe} {notice.now}", tone_of(notice.tone))
        self._version_says = (f"{state.upgrade} {SERVE_ON}", Tone.LOOK) if state.upgrade else None
        self._say()
        rows = state.wishes + state.log
        self.log.set_rows(rows)
        self._inside.show_page(self.log if rows else self._empty)
        for words, text in zip(self._facts, (state.kiosk, state.last_received, state.head, state.key), strict=True):
            words.set_text(text)
