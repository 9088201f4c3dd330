"""Siap: what the counter waits for, and the day in one line."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.ui.text import Trouble
from ewarung_pos.ui.viewmodels.counter_state import CounterState, TallyItem
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonKind,
    ButtonSize,
    Card,
    EmptyState,
    IconView,
    Note,
    Panel,
    Role,
    Text,
    Tone,
)
from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, smooth, text_width
from ewarung_pos.ui.views.parts import Action, Box, Page

__all__ = ["ReadyPage"]


class _Tally(Painted):
    """The day in one line; closes up, and then leaves out its first and last words, where it is narrow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: tuple[TallyItem, ...] = ()
        self._opened = ""
        self._of = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def render_state(self, items: tuple[TallyItem, ...], opened: str, of: str) -> None:
        if (items, opened, of) == (self._items, self._opened, self._of):
            return
        self._items, self._opened, self._of = items, opened, of
        words = [f"{each.word} {each.value}" if each.word_first else f"{each.value} {each.word}" for each in items]
        self.setAccessibleName(f"{of}: " + ", ".join((*words, opened)))
        self.update()

    def _parts(self, item: TallyItem, role: Role) -> list[tuple[str, bool]]:
        first, second = (item.word, False), (item.value, True)
        return [first, second] if item.word_first else [second, first]

    def _width(self, item: TallyItem, role: Role) -> int:
        parts = self._parts(item, role)
        return sum(text_width(self.look.font(role, bold=bold), text) for text, bold in parts) + self._blank(role)

    def _blank(self, role: Role) -> int:
        return self.look.font(role).width(" ")

    def sizeHint(self) -> QSize:
        return QSize(320, self.look.font(Role.LEAD).metrics.height() + self.look.gap(4))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        pad = self.look.gap(3.5)
        soft = self.look.font(Role.BODY)
        side = self.look.icon(Role.BODY)
        label = text_width(soft, self._of)
        opened = text_width(soft, self._opened) + side + 8 if self._opened else 0
        room = self.width() - 2 * pad
        role, gap, with_label, with_opened = Role.BODY, self.look.gap(1.5), False, False
        for role_, steps, with_label_, with_opened_ in (
            (Role.LEAD, 5.5, True, True),
            (Role.LEAD, 4, True, True),
            (Role.LEAD, 3, False, True),
            (Role.BODY, 3, False, True),
            (Role.BODY, 2, False, True),
            (Role.BODY, 2, False, False),
            (Role.SMALL, 1.5, False, False),
        ):
            role, gap = role_, self.look.gap(steps)
            with_label, with_opened = with_label_, with_opened_
            pieces = [self._width(each, role) for each in self._items]
            total = sum(pieces) + gap * len(pieces)
            if total + (label + gap if with_label else 0) + (opened if with_opened else 0) <= room:
                break
        left = pad
        if with_label:
            painter.setFont(soft)
            painter.setPen(self.look.colour("soft-dark"))
            painter.drawText(QRect(left, 0, label, self.height()), Qt.AlignmentFlag.AlignVCenter, self._of)
            left += label + gap
        for item in self._items:
            self._paint_item(painter, item, role, left)
            left += self._width(item, role) + gap
        if with_opened and self._opened:
            at = self.width() - pad - opened
            ink = self.look.colour("soft-dark")
            paint_icon(painter, "clock", QRect(at, (self.height() - side) // 2, side, side), ink)
            painter.setFont(soft)
            painter.setPen(ink)
            words = QRect(at + side + 8, 0, opened, self.height())
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self._opened)

    def _paint_item(self, painter: QPainter, item: TallyItem, role: Role, left: int) -> None:
        painter.setPen(self.look.colour("ink"))
        for text, bold in self._parts(item, role):
            font = self.look.font(role, bold=bold)
            wide = text_width(font, text)
            painter.setFont(font)
            painter.drawText(QRect(left, 0, wide, self.height()), Qt.AlignmentFlag.AlignVCenter, text)
            left += wide + self._blank(role)


_OPEN = ("go_day", "Buka Hari", "calendar")
_CLOSE = ("go_closing", "Lanjutkan Tutup Hari", "door-closed")
_TYPE = ("type_card", "Ketik nomor", "credit-card")
"""Where the main button of Siap goes, its word and its icon."""


def _drawn(reader: Trouble) -> str:
    """A cable that is out, or, where only the card was not read, the card that is put in again."""
    return "reader-again" if reader.code.startswith("card_not_read") else "reader-away"


class ReadyPage(Page):
    """Siap: put a card in. Also while the card is looked up, the reader is away, or the day is not open."""

    def __init__(self, act: Action, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._act = act
        self._doubt = Panel(pad=1.5, tone=Tone.LOOK)
        line = Box(across=True, gap=2)
        self._doubt_words = Note("triangle-alert", "", Tone.LOOK, role=Role.LEAD)
        resolve = BigButton("Selesaikan", kind=ButtonKind.SECONDARY, size=ButtonSize.COUNTER, key="F9")
        resolve.clicked.connect(self._resolve)
        line.add(self._doubt_words, stretch=1).add(resolve)
        self._doubt.body.addWidget(line)
        self.add(self._doubt)
        self._old_day = Panel(pad=1.5, tone=Tone.LOOK)
        self._old_words = Text(role=Role.BODY, tone=Tone.LOOK, bold=True, wrap=True)
        old = Box(across=True, gap=1.5)
        old.add(IconView("calendar", tone=Tone.LOOK, role=Role.LEAD), align=Qt.AlignmentFlag.AlignVCenter)
        old.add(self._old_words, stretch=1)
        self._old_day.body.addWidget(old)
        self.add(self._old_day)
        self._goes, word, icon = _OPEN
        self.main = BigButton(word, kind=ButtonKind.PRIMARY, size=ButtonSize.MAIN, icon=icon, key="Enter")
        self.main.clicked.connect(self._go)
        self._empty = EmptyState("reader-ready", height=240, action=self.main)
        self.add(self._empty, stretch=1)
        self._card = Card(pad=0, spacing=0)
        self._tally = _Tally()
        self._card.body.addWidget(self._tally)
        self.type_card = BigButton("Ketik nomor", size=ButtonSize.PLAIN, key="F8")
        self.type_card.clicked.connect(self._type)
        foot = Box(across=True, gap=2)
        foot.add(self._card, stretch=1).add(self.type_card)
        self.add(foot)

    def render_state(self, state: CounterState, *, looking: bool) -> None:
        """Show what the reader waits for."""
        typed = state.day_open and state.reader is not None and state.reader.action == "type_card"
        if looking:
            words = ("reader-reading", "Kartu dibaca, mencari keluarga", "Sebentar.")
        elif state.day_closing:
            words = (
                "shop-shut",
                "Hari sedang ditutup",
                "Kartu tidak dilayani selama Tutup Hari. Untuk melayani lagi: lanjutkan, lalu pilih Kembali melayani.",
            )
        elif state.day_sealed:
            words = ("shop-shut", "Hari ini sudah ditutup", "Hari kerja sudah disegel. Buka lagi besok pagi.")
        elif not state.day_open:
            words = ("shop-shut", "Hari belum dibuka", "Kartu dilayani setelah hari kerja dibuka.")
        elif state.reader is not None:
            words = (
                "card-typed" if typed else _drawn(state.reader),
                state.reader.title,
                f"{state.reader.happened} {state.reader.now}",
            )
        else:
            words = (
                "reader-ready",
                "Masukkan atau gesek kartu",
                "Kartu tetap dipegang keluarga. PIN ditekan sendiri di mesin EDC.",
            )
        self._empty.render_state(*words, title_role=Role.DISPLAY)
        self._goes, word, icon = _CLOSE if state.day_closing else _TYPE if typed else _OPEN
        self.main.set_text(word)
        self.main.set_icon(icon)
        self.main.set_key("F8" if typed else "Enter")
        self.main.setVisible((typed or not state.day_open) and not state.day_sealed and not looking)
        self._doubt.setVisible(state.doubts_waiting > 0 and not looking)
        self._doubt_words.render_state(
            "triangle-alert", f"{state.doubts_waiting} penarikan saldo belum pasti", Tone.LOOK
        )
        self._old_day.setVisible(bool(state.left_open) and not looking)
        self._old_words.set_text(state.left_open)
        self._card.setVisible(bool(state.tally))
        self.type_card.setVisible(state.day_open and not state.day_sealed and not looking and not typed)
        self._tally.render_state(state.tally, state.opened, state.tally_of)

    def _go(self) -> None:
        self._act(self._goes)

    def _resolve(self) -> None:
        self._act("resolve")

    def _type(self) -> None:
        self._act("type_card")
