"""The other pages of Tutup Hari: begin, send, seal, sealed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QWidget

from ewarung_pos.domain.free_text import EXPLANATION_CHARS
from ewarung_pos.domain.units import dotted
from ewarung_pos.ui.viewmodels.closing import ClosingViewModel
from ewarung_pos.ui.viewmodels.closing_copy import COPYING, CopyState, CopyViewModel
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.views.closing_sheet import StoryCard
from ewarung_pos.ui.views.document import PaperView
from ewarung_pos.ui.views.kit import (
    Badge,
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Density,
    Disc,
    FieldRow,
    Note,
    Panel,
    ProgressBar,
    Role,
    Rule,
    Step,
    StepList,
    StepState,
    Text,
    TextField,
    Tone,
)
from ewarung_pos.ui.views.kit.paint import Painted
from ewarung_pos.ui.views.paper_trouble import PaperTrouble
from ewarung_pos.ui.views.parts import READING, Action, Box, is_narrow, tone_of
from ewarung_pos.ui.views.said import Said

__all__ = ["BeginPage", "SealPage", "SealedPage", "SendPage", "refuses_text"]

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class BeginPage(Box):
    """Before the first step: what closing means."""

    def __init__(self, closing: ClosingViewModel, parent: QWidget | None = None) -> None:
        super().__init__(gap=2.5, parent=parent)
        card = Card(pad=4, spacing=3)
        self._title = Text(role=Role.TITLE, wrap=True)
        self._detail = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        self._steps = StepList()
        self._steps.set_steps(
            (
                Step("Hitung stok di rak", StepState.TO_COME),
                Step("Jelaskan bila ada selisih", StepState.TO_COME),
                Step("Kirim catatan ke kota", StepState.TO_COME),
                Step("Cetak laporan dan segel hari", StepState.TO_COME),
            )
        )
        self._note = Panel(pad=2, tone=Tone.INFO)
        self._note.body.addWidget(
            Text(
                "Listrik mati di tengah jalan tidak apa-apa: dilanjutkan dari langkah terakhir.",
                Role.BODY,
                Tone.INFO,
                wrap=True,
            )
        )
        card.body.addWidget(self._title)
        card.body.addWidget(self._detail)
        card.body.addWidget(self._steps)
        card.body.addStretch(1)
        card.body.addWidget(self._note)
        self.add(card, stretch=1)
        foot = Box(across=True, gap=2.5)
        self.begin = BigButton("MULAI TUTUP HARI", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.begin.clicked.connect(closing.begin)
        foot.space().add(self.begin)
        self.add(foot)

    def render_state(self, state: ClosingState) -> None:
        """Show whether there is a day to close."""
        if state.can_go_on:
            title = "Sudah selesai melayani hari ini?"
            detail = "Setelah dimulai, kartu tidak dilayani, kecuali Anda memilih Kembali melayani."
        elif not state.read:
            title, detail = READING
        elif state.sealed_today:
            title, detail = "Hari ini sudah ditutup", "Hari kerja tanggal ini sudah disegel. Buka lagi besok pagi."
        else:
            title, detail = "Tidak ada hari yang terbuka", "Yang bisa ditutup hanya hari kerja yang sudah dibuka."
        self._title.set_text(title)
        self._detail.set_text(detail)
        self._steps.setVisible(state.can_go_on)
        self._note.setVisible(state.can_go_on)
        self.begin.setVisible(state.can_go_on)


class SendPage(Box):
    """Step 3: entries on their way to the city; may be left for later."""

    def __init__(self, closing: ClosingViewModel, act: Action, parent: QWidget | None = None) -> None:
        super().__init__(gap=2.5, parent=parent)
        card = Card(pad=4, spacing=2.5)
        head = Box(across=True, gap=2.25)
        self._disc = Disc("cloud-upload", size=66)
        words = Box(gap=0.25)
        self._title = Text(role=Role.TITLE, wrap=True)
        self._detail = Text(role=Role.LEAD, tone=Tone.SOFT, wrap=True)
        words.add(self._title, self._detail)
        head.add(self._disc, align=Qt.AlignmentFlag.AlignVCenter).add(words, stretch=1)
        self._bar = ProgressBar("Terkirim ke kota")
        self._panel = Panel(pad=2, spacing=0.5)
        self._what = Text(role=Role.LEAD, bold=True, wrap=True)
        self._means = Text(role=Role.BODY, wrap=True)
        self._panel.body.addWidget(self._what)
        self._panel.body.addWidget(self._means)
        card.body.addWidget(head)
        card.body.addWidget(self._bar)
        card.body.addWidget(self._panel)
        card.body.addStretch(1)
        self.add(card, stretch=1)
        foot = Box(across=True, gap=2.5)
        self.again = BigButton("Kirim lagi", icon="refresh-cw", key="F9")
        self.again.clicked.connect(closing.send)
        self.go_on = BigButton("LANJUT", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.go_on.clicked.connect(closing.send_done)
        self.back = _back_to_serving(closing)
        foot.add(self.back, self.again, align=Qt.AlignmentFlag.AlignVCenter).space().add(self.go_on)
        self.add(foot)

    def render_state(self, state: ClosingState) -> None:
        """Show how much is sent."""
        done = state.unsent == 0 and not state.sending
        tone = Tone.GO if done else Tone.LOOK if state.notice is not None else Tone.INFO
        self._disc.render_state("check" if done else "cloud-upload", tone, filled=done)
        if done:
            title = "Semua terkirim ke kota"
        elif state.sending:
            title = f"Mengirim {dotted(state.unsent)} catatan ke kota"
        else:
            title = f"{dotted(state.unsent)} catatan belum terkirim"
        self._title.set_text(title)
        size = f"{dotted(state.sent)} catatan terkirim, {_kilobytes(state.sent_bytes)}"
        nothing = "Tidak ada yang menunggu." if done else "Belum ada yang terkirim."
        self._detail.set_text(size if state.sent else nothing)
        self._bar.set_share(state.sent if not done else 1, state.sent + state.unsent if not done else 1, tone)
        notice = state.notice
        mood = tone_of(notice.tone) if notice is not None else Tone.INK
        self._panel.set_tone(mood)
        for text in (self._what, self._means):
            text.set_tone(mood)
        self._what.set_text(notice.happened if notice is not None else "Boleh dilanjutkan tanpa menunggu.")
        self._means.set_text(
            f"{notice.safe} {notice.now}"
            if notice is not None
            else "Yang belum terkirim tersimpan di sini dan dikirim sendiri begitu ada jaringan."
        )
        self._panel.setVisible(not done)
        self.again.setVisible(not state.sending and state.unsent > 0)
        self.go_on.set_text("LANJUT" if done else "LANJUT, KIRIM NANTI")


class _Figures(Painted):
    """Words at the left, figures at the right, in one or two columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures: tuple[tuple[str, str], ...] = ()
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.setLayout(self._grid)
        self._space()

    def _space(self) -> None:
        self._grid.setVerticalSpacing(self.look.gap(1))
        self._grid.setHorizontalSpacing(self.look.gap(3))

    def restyle(self) -> None:
        self._space()
        super().restyle()

    def set_figures(self, figures: tuple[tuple[str, str], ...]) -> None:
        if figures == self._figures:
            return
        self._figures = figures
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        half = -(-len(figures) // 2)
        for place, (word, value) in enumerate(figures):
            down, across = place % half, place // half * 2
            self._grid.addWidget(Text(word, Role.BODY, Tone.SOFT), down, across)
            self._grid.addWidget(Text(value, Role.LEAD, bold=True, align=_RIGHT), down, across + 1)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(2, 1)


def refuses_text(state: ClosingState) -> bool:
    """Whether it is the explanation that keeps the day from being sealed; that is said at its field."""
    return state.step == 4 and state.notice is not None and state.notice.code.startswith("not_entitled.text_")


class SealPage(Box):
    """Step 4: the day in figures, the EDC's total beside the book's, and the seal."""

    def __init__(self, closing: ClosingViewModel, act: Action, parent: QWidget | None = None) -> None:
        super().__init__(gap=2.5, parent=parent)
        self._closing = closing
        card = Card(pad=3, spacing=2)
        self._figures = _Figures()
        card.body.addWidget(self._figures)
        card.body.addWidget(Rule())
        edc = Box(across=True, gap=2.5)
        self._edc_words = Text(role=Role.LEAD, wrap=True)
        self._edc_badge = Badge()
        edc.add(self._edc_words, stretch=1).add(self._edc_badge, align=Qt.AlignmentFlag.AlignVCenter)
        card.body.addWidget(edc)
        self.why = TextField("Mengapa total EDC berbeda")
        self.why.setMaxLength(EXPLANATION_CHARS)
        self.why.textEdited.connect(closing.explain_edc)
        self._why_row = FieldRow(
            "Mengapa total EDC berbeda?",
            self.why,
            help_text="Ikut dicatat dan dicetak. Sebut nomor struk, jangan nama keluarga, NIK, atau nomor kartu.",
        )
        card.body.addWidget(self._why_row)
        card.body.addStretch(1)
        self._words = Text(role=Role.BODY, tone=Tone.SOFT, wrap=True)
        card.body.addWidget(self._words)
        self.add(card, stretch=1)
        self._story = StoryCard()
        self.add(self._story)
        foot = Box(across=True, gap=2.5)
        self.seal = BigButton("SEGEL & CETAK", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, icon="lock", key="Enter")
        self.seal.clicked.connect(closing.seal)
        self.back = _back_to_serving(closing)
        self.recount = BigButton("Hitung lagi", key="Esc")
        self.recount.clicked.connect(closing.recount)
        foot.add(self.back, self.recount, align=Qt.AlignmentFlag.AlignVCenter)
        foot.space().add(self.seal)
        self.add(foot)

    def render_state(self, state: ClosingState) -> None:
        """Show the day's figures."""
        self._figures.set_figures(state.figures)
        tight = self.look.room is Density.TIGHT
        crowded = state.story_agrees and (tight or (is_narrow(self) and state.edc_differs))
        words = _what_sealing_does(state)
        if crowded and state.story and not state.edc_differs:
            words = f"Empat angka cocok. {words}"
        self._words.set_text(words)
        self._words.setVisible(not (tight and state.edc_differs))
        self._story.render_state(() if crowded else state.story, agrees=state.story_agrees)
        words, badge, tone = _what_the_edc_said(state)
        self._edc_words.set_text(words)
        self._edc_badge.render_state(badge, tone)
        asked = self._why_row.isVisibleTo(self)
        self._why_row.setVisible(state.edc_differs)
        if not self.why.hasFocus():
            self.why.setText(state.explanation)
        refused = state.notice if refuses_text(state) else None
        self._why_row.set_error(f"{refused.title}. {refused.now}" if refused is not None else "")
        if state.edc_differs and not asked and self.isVisible():  # the EDC's answer came while the page was in front
            self.take_keyboard()
        for button in (self.back, self.recount):
            button.setEnabled(not state.busy)
        reason = f"{state.busy} …" if state.busy else ""
        if not reason and not state.can_go_on:
            reason = "tulis penjelasannya" if state.edc_differs else "belum bisa"
        self.seal.set_reason(reason)

    def take_keyboard(self) -> None:
        """Nothing is typed unless the EDC differs."""
        if self.why.isVisibleTo(self):
            self.why.setFocus(Qt.FocusReason.OtherFocusReason)


class SealedPage(Box):
    """The day is closed: the Z report as printed and another copy of it, and what became of the copy of the ledger."""

    def __init__(self, closing: ClosingViewModel, copy: CopyViewModel, parent: QWidget | None = None) -> None:
        super().__init__(across=True, gap=2.5, parent=parent)
        self._state = ClosingState()
        self._copy = CopyState()
        self._paper = PaperView()
        card = Card(pad=4, spacing=2.5)
        head = Box(across=True, gap=2.25)
        words = Box(gap=0.25)
        self._title = Text("Hari sudah disegel", Role.TITLE, wrap=True)
        self._next = Text("Kartu berikutnya dilayani setelah Buka Hari besok.", Role.LEAD, Tone.SOFT, wrap=True)
        words.add(self._title, self._next)
        head.add(Disc("lock", filled=True, size=66), align=Qt.AlignmentFlag.AlignVCenter).add(words, stretch=1)
        card.body.addWidget(head)
        self._said = Said()
        card.body.addWidget(self._said)
        self._paper_trouble = PaperTrouble()
        card.body.addWidget(self._paper_trouble)
        self._figures = _Figures()
        card.body.addWidget(self._figures)
        card.body.addStretch(1)
        self._unsent = Note("cloud-upload", "", Tone.LOOK)
        card.body.addWidget(self._unsent)
        self._copied = Text(role=Role.BODY, wrap=True)
        card.body.addWidget(self._copied)
        self._foot = foot = Box(across=True, gap=2)
        self.reprint = BigButton("Cetak ulang laporan", icon="printer", size=ButtonSize.COUNTER, key="F9")
        self.reprint.clicked.connect(closing.reprint)
        self.copy_again = BigButton("Salin lagi", icon="refresh-cw", size=ButtonSize.COUNTER, key="F8")
        self.copy_again.clicked.connect(copy.again)
        self.pdf = BigButton("Simpan PDF", icon="receipt-text", size=ButtonSize.COUNTER, key="F10")
        self.pdf.clicked.connect(closing.save_pdf)
        foot.add(self.reprint, stretch=1).add(self.pdf).add(self.copy_again)
        card.body.addWidget(foot)
        self.add(self._paper).add(card, stretch=1)

    def render_state(self, state: ClosingState) -> None:
        """Show the sealed day."""
        self._state = state
        self._render()

    def render_copy(self, copy: CopyState) -> None:
        """Show what became of the copy of the ledger."""
        self._copy = copy
        self._render()

    def _render(self) -> None:
        state, copy = self._state, self._copy
        self._paper.set_document(state.report)
        self._paper.setVisible(state.report is not None)
        no_paper = state.paper_trouble is not None
        self._said.render_state("" if no_paper else state.said)
        self._paper_trouble.render_state(state.paper_trouble)
        self._figures.set_figures(state.figures)
        tight = self.look.room is Density.TIGHT
        self._title.set_role(Role.HEADING if tight else Role.TITLE)
        crowded = tight or (is_narrow(self) and copy.asks_a_look)
        self._next.setVisible(not crowded)
        self._figures.setVisible(not tight and not (no_paper and is_narrow(self)))
        done = state.unsent == 0
        self._unsent.render_state(
            "check" if done else "cloud-upload",
            "Semua terkirim ke kota" if done else f"{dotted(state.unsent)} catatan dikirim nanti",
            Tone.GO if done else Tone.LOOK,
        )
        failed = copy.trouble is not None
        tone = Tone.LOOK if copy.asks_a_look else Tone.GO
        self._copied.set_text(copy.words)
        self._copied.set_tone(Tone.INFO if copy.copied == COPYING else tone)
        self._copied.setVisible(bool(copy.words))
        self.copy_again.setVisible(failed)
        again = "Cetak ulang" if failed else "Cetak ulang laporan"
        self.reprint.set_text("Cetak lagi" if no_paper else again)
        # Where there is room for one of the two, the report waits: it can be printed again once the copy is made.
        self.reprint.setVisible(bool(state.report_entry) and not (tight and failed))
        self.pdf.setVisible(no_paper and not (tight and failed))
        down = tight and no_paper
        self._unsent.setVisible(not down)  # the lamp says it too
        way = QBoxLayout.Direction.TopToBottom if down else QBoxLayout.Direction.LeftToRight
        self._foot.lay.setDirection(way)


def _what_sealing_does(state: ClosingState) -> str:
    if state.edc_differs:
        return "EDC sudah ditutup: struk KKS tidak bisa dibatalkan di EDC lagi."
    if state.edc_other:
        return "Pasang EDC kios ini lalu Segel lagi. Bila tetap lain, hari disegel tanpa total EDC."
    if state.edc_silent:
        return "Nyalakan EDC lalu Segel lagi. Bila tetap diam, hari disegel tanpa total EDC."
    if not state.edc_asked:
        return "Segel juga menutup EDC. Mau membatalkan struk? Kembali melayani dulu, lalu Riwayat."
    return "Setelah disegel, angka hari ini tidak berubah lagi."


def _what_the_edc_said(state: ClosingState) -> tuple[str, str, Tone]:
    if not state.edc_asked:
        return "Total EDC ditanyakan saat disegel", "nanti", Tone.INFO
    if state.edc_differs:
        return f"Total EDC {state.edc_total}, menurut catatan {state.till_purse}", "berbeda", Tone.STOP
    if state.edc_total.startswith("Rp"):
        return f"Total EDC {state.edc_total}, sama dengan catatan", "cocok", Tone.GO
    said = "EDC lain yang menjawab (TID atau MID)" if state.edc_other else "EDC tidak memberi total"
    return said, "tanpa data", Tone.LOOK


def _back_to_serving(closing: ClosingViewModel) -> BigButton:
    button = BigButton("Kembali melayani", key="F8")
    button.clicked.connect(closing.back_to_serving)
    return button


def _kilobytes(count: int) -> str:
    return f"{dotted(count)} B" if count < 1024 else f"{dotted(count // 1024)} kB"
