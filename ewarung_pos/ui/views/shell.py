"""The frame around the screens: header, rail, banner; and the stripes of practice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QPaintEvent, QPolygon
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from ewarung_pos.ui.viewmodels.shell import SCREENS, LampState, ShellState, ShellViewModel
from ewarung_pos.ui.views.kit import (
    BigButton,
    ButtonSize,
    Density,
    IconView,
    Lamp,
    Rail,
    RailItem,
    Role,
    Text,
    Tone,
    TopBar,
)
from ewarung_pos.ui.views.kit.paint import Painted, smooth, text_width
from ewarung_pos.ui.views.leaving import LeavingPage
from ewarung_pos.ui.views.parts import Box, Screens, tone_of

__all__ = ["PracticeFrame", "ShellView", "TakesKeyboard"]

_SHORT = {"day": "Buka", "closing": "Tutup"}
_LAMP_SHORT = {"credit-card": "EDC", "printer": "Struk", "cloud-upload": "Kota"}
_LAMP_ICONS = {("credit-card", Tone.STOP): "unplug", ("printer", Tone.STOP): "triangle-alert"}


@runtime_checkable
class TakesKeyboard(Protocol):
    """A screen that has a control in mind for what is typed when it comes to the front."""

    def take_keyboard(self) -> None:
        """Give that control the focus."""
        ...


class ShellView(Painted):
    """Header, rail and the screen in front. A screen is made when it is first shown.

    Args:
        shell: takes the commands.
        make: makes the screen of this id, subscribed to its view-model.
    """

    def __init__(self, shell: ShellViewModel, make: Callable[[str], QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shell = shell
        self._make = make
        self._screens: dict[str, QWidget] = {}
        self._first = True
        self._lamps: list[Lamp] = []
        self._lamp_screens: list[str] = []
        self.top = TopBar()
        self.top.operator_pressed.connect(shell.leave)
        self.rail = Rail()
        self.rail.set_items(
            tuple(RailItem(name, icon, word, _SHORT.get(name, word), key) for name, word, icon, key in SCREENS)
        )
        self.rail.chosen.connect(shell.go)
        self._banner = _Banner(shell.dismiss)
        self.pages = Screens()
        self.leaving = LeavingPage(shell)
        self.pages.addWidget(self.leaving)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        grid.addWidget(self.top, 0, 0, 1, 2)
        grid.addWidget(self.rail, 1, 0, 2, 1)
        grid.addWidget(self._banner, 1, 1)
        grid.addWidget(self.pages, 2, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(2, 1)

    def screen_of(self, name: str) -> QWidget:
        """The screen of this id, made if it was not yet."""
        if name not in self._screens:
            self._screens[name] = self._make(name)
            self.pages.addWidget(self._screens[name])
        return self._screens[name]

    def render_state(self, state: ShellState) -> None:
        """Show who, where and when; bring the screen to the front."""
        self.top.set_kiosk(state.kiosk, state.place)
        self.top.set_operator(state.operator_name, state.operator_name.split()[-1] if state.operator_name else "")
        parts = state.date.split()
        self.top.set_clock(state.date, " ".join(parts[1:3]), state.time, "WIB")
        self._render_lamps(state.lamps)
        self.rail.set_current(state.screen)
        self._banner.render_state(state)
        screen: QWidget = self.leaving
        if state.asks is not None:
            self.leaving.render_state(state.asks)
        else:
            screen = self.screen_of(state.screen)
        if screen is not self.pages.currentWidget() or self._first:
            self._first = False
            self.pages.show_page(screen)
            # Also before the window is shown: else Qt picks the header's first button, and Enter would sign out.
            self.take_keyboard()

    def take_keyboard(self) -> None:
        """The screen in front gets what is typed: its field or stepper where it has one in mind, else its page."""
        screen = self.pages.currentWidget()
        if screen is not None:
            screen.setFocus(Qt.FocusReason.OtherFocusReason)
            if isinstance(screen, TakesKeyboard):
                screen.take_keyboard()

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002 - Qt's own name
        """When what had the keyboard went away the screen keeps it: Qt would go round to the header and the rail."""
        had = QApplication.focusWidget()
        if had is None or (had.isVisible() and had.isEnabled()) or not self.isVisible():
            return bool(super().focusNextPrevChild(next))
        self.take_keyboard()
        return True

    def _render_lamps(self, lamps: tuple[LampState, ...]) -> None:
        while len(self._lamps) < len(lamps):
            lamp = self.top.add_lamp(lamps[len(self._lamps)].icon)
            lamp.clicked.connect(self._lamp_pressed)
            self._lamps.append(lamp)
        self._lamp_screens = [each.screen for each in lamps]
        for lamp, state in zip(self._lamps, lamps, strict=False):
            tone = tone_of(state.tone)
            short = state.short or _LAMP_SHORT.get(state.icon, state.word)
            number = state.word.split()[0]
            if number.replace(".", "").isdigit():
                short = f"{short} {number}"
            lamp.render_state(tone, state.word, short, icon=_LAMP_ICONS.get((state.icon, tone), state.icon))

    def _lamp_pressed(self) -> None:
        lamp = self.sender()
        if isinstance(lamp, Lamp):
            screen = self._lamp_screens[self._lamps.index(lamp)]
            if screen:
                self._shell.go(screen)


class _Banner(Box):
    """What everybody at the till should know, across the top of the screen."""

    def __init__(self, dismiss: Callable[[], None]) -> None:
        super().__init__(across=True, gap=1.5, margins=(3.5, 1, 3.5, 1))
        self._tone = Tone.LOOK
        self._icon = IconView("triangle-alert", tone=Tone.LOOK, role=Role.BODY)
        self._words = Text(role=Role.BODY, tone=Tone.LOOK, bold=True, wrap=True)
        self._button = BigButton("Mengerti", size=ButtonSize.PLAIN, key="F12")
        self._button.clicked.connect(dismiss)
        self.add(self._icon, align=Qt.AlignmentFlag.AlignVCenter)
        self.add(self._words, stretch=1).add(self._button)
        self.hide()

    def render_state(self, state: ShellState) -> None:
        notice = state.notice
        self._tone = tone_of(notice.tone) if notice is not None else Tone.LOOK
        self._icon.set_icon("triangle-alert", self._tone)
        self._words.set_tone(self._tone)
        words = f"{notice.happened} {notice.now}" if notice is not None else state.recovered or state.banner
        self._words.set_text(words)
        self._button.setVisible(notice is not None or bool(state.recovered))
        self.setVisible(bool(words))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.fillRect(self.rect(), self.look.colour(self._tone.tint))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self.look.colour(self._tone.line))


class PracticeFrame(Box):
    """The striped border of the practice till, with the word in it; nothing on a real one."""

    EDGE = 8

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._on = False
        self._hint = ""
        self.add(content, stretch=1)

    def set_hint(self, hint: str) -> None:
        """Say this behind the word."""
        self._hint = f" · {hint}" if hint else ""
        self.update()

    def set_on(self, on: bool) -> None:
        """Draw the stripes, or not."""
        if on != self._on:
            self._on = on
            self._respace()
            self.update()

    def _word_height(self) -> int:
        return self.look.font(Role.KEY, bold=True).metrics.height() + 6

    def _respace(self) -> None:
        if getattr(self, "_on", False):
            edge = 4 if self.look.room is Density.TIGHT else self.EDGE
            self.lay.setContentsMargins(edge, self._word_height(), edge, edge)
        else:
            self.lay.setContentsMargins(0, 0, 0, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.fillRect(self.rect(), self.look.colour("ground"))
        if not self._on:
            return
        painter.fillRect(self.rect(), self.look.colour("look-tint"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.look.colour("look"))
        width, height = self.width(), self.height()
        for left in range(-height, width, 32):
            painter.drawPolygon(
                QPolygon(
                    [
                        QPoint(left, height),
                        QPoint(left + 16, height),
                        QPoint(left + 16 + height, 0),
                        QPoint(left + height, 0),
                    ]
                )
            )
        inner = self.contentsRect().marginsRemoved(self.lay.contentsMargins())
        painter.fillRect(inner, self.look.colour("ground"))
        font = self.look.font(Role.KEY, bold=True)
        word = "LATIHAN · tidak ada yang sungguhan" + self._hint
        wide = text_width(font, word) + 32
        at = QRect((width - wide) // 2, 0, wide, self._word_height())
        painter.fillRect(at, self.look.colour("look"))
        painter.setPen(self.look.colour("card"))
        painter.setFont(font)
        painter.drawText(at, Qt.AlignmentFlag.AlignCenter, word)

    def minimumSizeHint(self) -> QSize:
        return QSize(640, 400)
