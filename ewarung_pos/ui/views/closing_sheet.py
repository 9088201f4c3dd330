"""The count of the shelf: first blind, then beside the book with a reason for each difference."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

from ewarung_pos.domain.free_text import NOTE_CHARS
from ewarung_pos.domain.stock import VarianceReason
from ewarung_pos.domain.units import dotted
from ewarung_pos.ui.viewmodels.closing import ClosingViewModel
from ewarung_pos.ui.viewmodels.closing_sheet import REASONS, CountRow, StoryLine
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.views.kit import (
    Badge,
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    Choice,
    Density,
    Flow,
    Note,
    NumberField,
    Option,
    Picture,
    Role,
    Rule,
    Text,
    TextField,
    Tone,
)
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.parts import Box, is_narrow

__all__ = ["SheetPage", "StoryCard"]

MOST_PACKS = 99_999
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _CountLine(Box):
    """One product: its name, what the book says (not while the count is blind), what she counted, the difference."""

    def __init__(self, closing: ClosingViewModel, row: CountRow) -> None:
        super().__init__(across=True, gap=2, margins=(2.75, 0.5, 2.75, 0.5))
        self._closing = closing
        self._product = row.product
        self._picture = Picture(row.pictogram, height=44)
        self._place = Box()
        self._place.add(self._picture, align=Qt.AlignmentFlag.AlignCenter)
        self._name = Text(row.name, Role.LEAD, wrap=True)
        self._booked = Text(role=Role.LEAD, align=_RIGHT)
        self.field = NumberField(f"{row.name}, hitungan", most=MOST_PACKS)
        self.field.changed.connect(self._typed)
        self._unit = Text(row.pack_word, Role.BODY, Tone.SOFT)
        self._badge_place = Box(across=True)
        self._badge = Badge()
        self._badge_place.space().add(self._badge)
        self.add(self._place).add(self._name, stretch=1).add(self._booked, self.field, self._unit, self._badge_place)
        self.restyle()

    def restyle(self) -> None:
        super().restyle()
        self._place.setFixedWidth(self.look.size(52))
        self._booked.setFixedWidth(self.look.pixels(Role.LEAD) * 7)
        self._unit.setFixedWidth(self.look.pixels(Role.BODY) * 5)

    def differs_width(self) -> int:
        """What the difference needs to be read whole."""
        return self._badge.sizeHint().width()

    def set_differs_width(self, width: int) -> None:
        """Differences stand under each other."""
        self._badge_place.setFixedWidth(width)

    def render_state(self, row: CountRow, *, blind: bool) -> None:
        self._booked.set_text(f"{dotted(row.booked)} {row.pack_word}")
        self._booked.setVisible(not blind)
        self._unit.setVisible(blind)
        self.field.setReadOnly(not blind)
        self.field.setFocusPolicy(Qt.FocusPolicy.StrongFocus if blind else Qt.FocusPolicy.NoFocus)
        if not self.field.hasFocus() or self.field.value() != row.counted:
            self.field.set_value(row.counted)
        self._badge_place.setVisible(not blind)
        tone = Tone.GO if not row.differs else Tone.INFO if row.reason else Tone.LOOK
        self._badge.render_state(row.difference or "cocok", tone, icon="check" if row.reason else None)

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(hint.width(), max(hint.height(), 58))

    def _typed(self) -> None:
        self._closing.set_count(self._product, self.field.value())


class _HeadLine(Box):
    def __init__(self) -> None:
        super().__init__(across=True, gap=2, margins=(2.75, 1.25, 2.75, 1.25))
        self._booked = Text("Menurut catatan", Role.BODY, Tone.SOFT, align=_RIGHT)
        self._counted = Text("Hitungan", Role.BODY, Tone.SOFT, align=_RIGHT)
        self._differs = Text("Selisih", Role.BODY, Tone.SOFT, align=_RIGHT)
        self._after = Text("kemasan", Role.BODY, Tone.SOFT)
        self.add(Text("Barang", Role.BODY, Tone.SOFT), stretch=1)
        self.add(self._booked, self._counted, self._after, self._differs)
        self.restyle()

    def restyle(self) -> None:
        super().restyle()
        self._booked.setFixedWidth(self.look.pixels(Role.LEAD) * 7)
        self._counted.setFixedWidth(self.field_width())
        self._after.setFixedWidth(self.look.pixels(Role.BODY) * 5)

    def differs_width(self) -> int:
        """What the title needs."""
        return self._differs.sizeHint().width()

    def set_differs_width(self, width: int) -> None:
        """As wide as the differences under it."""
        self._differs.setFixedWidth(width)

    def field_width(self) -> int:
        probe = NumberField(most=MOST_PACKS)
        width = probe.sizeHint().width()
        probe.deleteLater()
        return width

    def render_state(self, *, blind: bool) -> None:
        self._booked.setVisible(not blind)
        self._differs.setVisible(not blind)
        self._after.setVisible(blind)


class _WhyLine(Box):
    """Why one product differs; one difference at a time."""

    def __init__(self, closing: ClosingViewModel) -> None:
        super().__init__(gap=1, margins=(2.75, 1.5, 2.75, 1.5))
        self._closing = closing
        self._row: CountRow | None = None
        line = Box(across=True, gap=2)
        self._title = Text(role=Role.LEAD, bold=True, wrap=True)
        self._next = BigButton("Selisih berikutnya", size=ButtonSize.PLAIN, icon="arrow-right", key="F9")
        line.add(self._title, stretch=1).add(self._next)
        self._reasons = Choice("Alasan selisih", stretch=False)
        self._reasons.set_options(
            tuple(Option(value, label, f"Alt+{place}") for place, (value, label) in enumerate(REASONS, 1))
        )
        self._reasons.chosen.connect(self._chosen)
        self._note = TextField("Alasan lain, dengan kata sendiri")
        self._note.setPlaceholderText("Tulis alasannya, tanpa nama keluarga, NIK, atau nomor kartu")
        self._note.setMaxLength(NOTE_CHARS)
        self._note.textEdited.connect(self._noted)
        self.add(line, self._reasons, self._note)

    @property
    def next(self) -> BigButton:
        return self._next

    def render_state(self, row: CountRow, *, more: bool) -> None:
        changed = self._row is None or self._row.product != row.product
        self._row = row
        self._title.set_text(f"{row.name} {row.difference}, karena")
        self._reasons.set_chosen(row.reason)
        self._note.setVisible(row.reason == VarianceReason.OTHER.value)
        if changed or not self._note.hasFocus():
            self._note.setText(row.note)
        self._next.setVisible(more)

    def _chosen(self, reason: str) -> None:
        if self._row is not None:
            self._closing.choose_reason(self._row.product, reason, self._note.text().strip())
            if reason == VarianceReason.OTHER.value:
                self._note.setFocus(Qt.FocusReason.OtherFocusReason)

    def _noted(self, note: str) -> None:
        if self._row is not None:
            self._closing.choose_reason(self._row.product, self._row.reason, note.strip())


class StoryCard(Card):
    """Four figures that must tell one story, for each commodity."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(pad=1.5, spacing=0.5, parent=parent)
        self._story: tuple[StoryLine, ...] = ()
        self._title = Note("", "Empat angka, satu cerita", Tone.SOFT)
        self._flow = Flow(self.look.gap(2), self)
        line = Box(across=True, gap=3, margins=(1.5, 0, 1.5, 0))
        line.add(self._title, align=Qt.AlignmentFlag.AlignTop).add(self._flow, stretch=1)
        self.body.addWidget(line)

    def render_state(self, story: tuple[StoryLine, ...], *, agrees: bool) -> None:
        """Show what agrees; where something does not, its figures."""
        self.setVisible(bool(story))
        self.set_tone(Tone.INK if agrees else Tone.STOP)
        if story == self._story:
            return
        self._story = story
        shown = [each for each in story if not each.agrees] or list(story[:4])
        more = len(story) // 4
        title = f"Empat angka, satu cerita: {more} barang" if agrees and more > 1 else "Empat angka, satu cerita"
        self._title.render_state("", title, Tone.SOFT)
        notes: list[QWidget] = [
            Note("circle-check" if each.agrees else "circle-x", each.text, Tone.GO if each.agrees else Tone.STOP)
            for each in shown
        ]
        self._flow.set_widgets(notes)


class SheetPage(Box):
    """Steps 1 and 2."""

    def __init__(self, closing: ClosingViewModel, explained: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(gap=2.5, parent=parent)
        self._closing = closing
        self._explained = explained
        self._lines: dict[str, _CountLine] = {}
        self._at = ""
        self._state = ClosingState()
        card = Card(pad=0, spacing=0)
        self._head = _HeadLine()
        self._rows = PagedRows("Hitungan stok", tall=76)
        self._why = Box()
        self._why_line = _WhyLine(closing)
        self._why_line.next.clicked.connect(self._next_difference)
        self._why.add(Rule(), self._why_line)
        card.body.addWidget(self._head)
        card.body.addWidget(self._rows, 1)
        card.body.addWidget(self._why)
        self._story = StoryCard()
        foot = Box(across=True, gap=2.5)
        self.back = BigButton("Kembali melayani")
        self.back.clicked.connect(closing.back_to_serving)
        self.recount = BigButton("Hitung lagi", key="Esc")
        self.recount.clicked.connect(closing.recount)
        self._words = Text(
            role=Role.BODY, tone=Tone.SOFT, wrap=True, align=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        self.go_on = BigButton("BANDINGKAN", kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, key="Enter")
        self.go_on.clicked.connect(self._go_on)
        foot.add(self.back, self.recount, align=Qt.AlignmentFlag.AlignVCenter)
        foot.add(self._words, stretch=1).add(self.go_on)
        self._rows.set_followers(self.back, self.recount, self.go_on)
        self._rows.set_after(self._counted)
        self.add(card, stretch=1)
        self.add(self._story, foot)

    def render_state(self, state: ClosingState) -> None:
        """Show the count."""
        self._state = state
        blind = state.step == 1
        rows = self._shown(state, blind=blind)
        if [row.product for row in rows] != list(self._lines):
            self._lines = {row.product: _CountLine(self._closing, row) for row in rows}
            for row in rows:
                self._lines[row.product].render_state(row, blind=blind)
                self._lines[row.product].field.limited.connect(self._say_limit)
            self._rows.set_rows(tuple(self._lines.values()), keep_page=False)
        for row in rows:
            self._lines[row.product].render_state(row, blind=blind)
        self._align()
        self._head.render_state(blind=blind)
        self._head.setVisible(blind or self.look.room is not Density.TIGHT)
        self._render_why(state, blind=blind)
        # Where there is little room, the story waits for the seal unless it does not agree.
        told = not blind and not (is_narrow(self) and state.story_agrees)
        self._story.render_state(state.story if told else (), agrees=state.story_agrees)
        self.back.set_key("Esc" if blind else "F8")
        self.recount.setVisible(not blind)
        self.go_on.set_text("BANDINGKAN" if blind else "PIN KETUA" if state.needs_leader else "KIRIM KE KOTA")
        self.go_on.set_icon("" if blind or not state.needs_leader else "key-round")
        left = sum(row.counted is None for row in state.rows)
        if blind:
            self._words.set_text("Hitung yang ada di rak tanpa melihat catatan.")
            self.go_on.set_reason("" if state.can_go_on else f"{dotted(left)} belum dihitung")
        else:
            self._words.set_text("")
            self.go_on.set_reason("" if state.can_go_on else "pilih alasan selisih")

    def _align(self) -> None:
        columns: tuple[_HeadLine | _CountLine, ...] = (self._head, *self._lines.values())
        width = max(each.differs_width() for each in columns)
        for each in columns:
            each.set_differs_width(width)

    def restyle(self) -> None:
        super().restyle()
        if hasattr(self, "_head"):
            self._align()

    def _shown(self, state: ClosingState, *, blind: bool) -> list[CountRow]:
        """What differs stands first: that is what is asked about. Little room leaves out what agrees."""
        if blind:
            return [*state.rows]
        different = [row for row in state.rows if row.differs]
        if different and self.look.room is Density.TIGHT:
            self._choose(different)
            return [row for row in different if row.product == self._at]
        if different and is_narrow(self):
            return different
        return [*different, *(row for row in state.rows if not row.differs)]

    def _choose(self, different: list[CountRow]) -> None:
        if self._at not in {row.product for row in different}:
            self._at = next((row.product for row in different if not row.reason), different[0].product)

    def _render_why(self, state: ClosingState, *, blind: bool) -> None:
        different = [row for row in state.rows if row.differs] if not blind else []
        self._why.setVisible(bool(different))
        if not different:
            return
        self._choose(different)
        row = next(row for row in different if row.product == self._at)
        self._why_line.render_state(row, more=len(different) > 1)

    def _next_difference(self) -> None:
        different = [row.product for row in self._state.rows if row.differs]
        self._at = different[(different.index(self._at) + 1) % len(different)]
        self.render_state(self._state)
        self._rows.turn_to(self._lines[self._at])

    def take_keyboard(self) -> None:
        """The first number is typed first."""
        for line in self._lines.values():
            line.field.setFocus(Qt.FocusReason.TabFocusReason)
            return

    def _counted(self) -> None:
        """After the last number: the main button, or what was passed over."""
        left = next((row.product for row in self._state.rows if row.counted is None), None)
        if left is not None:
            self._rows.take_keyboard(self._lines[left])
        else:
            self.go_on.setFocus(Qt.FocusReason.TabFocusReason)

    def _say_limit(self) -> None:
        self._words.set_text(f"Paling banyak {dotted(MOST_PACKS)} kemasan di satu baris.")

    def _go_on(self) -> None:
        if self._state.step == 1:
            self._closing.count_done()
        else:
            self._explained()
