"""One of a few: who has come, which reason."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.card import row
from ewarung_pos.ui.views.kit.flow import Flow
from ewarung_pos.ui.views.kit.paint import Painted, PaintedButton, box, fitted, focus_ring, smooth, text_width
from ewarung_pos.ui.views.kit.style import Role, Style

__all__ = ["Choice", "Option"]


class Option(msgspec.Struct, frozen=True):
    """One thing to choose: what the view calls it, what the screen says, and its key if it has one."""

    name: str
    words: str
    key: str = ""


class _OptionButton(PaintedButton):
    def __init__(self, option: Option, *, stretch: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.option = option
        self._stretch = stretch
        self._hinted: tuple[Style, str, QSize] | None = None
        self.setCheckable(True)
        self.setAccessibleName(option.words)
        self.set_key(option.key)
        wide = QSizePolicy.Policy.Expanding if stretch else QSizePolicy.Policy.Preferred
        # Segments are as high as the highest of them.
        high = QSizePolicy.Policy.Preferred if stretch else QSizePolicy.Policy.Fixed
        self.setSizePolicy(wide, high)

    def _key_height(self) -> int:
        return self.look.font(Role.KEY).metrics.height() if self.key_hint else 0

    def _words(self) -> str:
        """Two words on two lines when the options share a row."""
        return self.option.words.replace(" ", "\n", 1) if self._stretch else self.option.words

    def sizeHint(self) -> QSize:
        # Layouts ask a thousand times while one page is shown, and the words stay.
        look, key = self.look, self.key_hint
        if self._hinted is None or self._hinted[0] is not look or self._hinted[1] != key:
            self._hinted = (look, key, self._measured())
        return self._hinted[2]

    def _measured(self) -> QSize:
        font = self.look.font(Role.SMALL if self._stretch else Role.BODY, bold=True)
        lines = self._words().split("\n")
        width = max(text_width(font, line) for line in lines)
        height = font.metrics.height() * len(lines) + self._key_height() + self.look.gap(2)
        least = self.look.counter_target if self._stretch else 52
        return QSize(width + (20 if self._stretch else 2 * self.look.gap(3)), max(height, least))

    def minimumSizeHint(self) -> QSize:
        return QSize(self.look.target, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        chosen = self.isChecked()
        fill = "go-tint" if chosen else "wash" if self.underMouse() or self.isDown() else "card"
        edge, ink = ("go", "go-dark") if chosen else ("edge", "ink")
        if not self.isEnabled():
            fill, edge, ink = "wash", "line", "soft-dark"
        width = 3 if chosen else 2
        box(painter, self.rect(), self.look.radius, self.look.colour(fill), self.look.colour(edge), width)
        lines = self._words().split("\n")
        longest = max(lines, key=len)
        base = self.look.font(Role.SMALL if self._stretch else Role.BODY, bold=chosen or not self._stretch)
        font = fitted(base, longest, self.width() - 12, floor=12)
        painter.setFont(font)
        painter.setPen(self.look.colour(ink))
        words = self.rect()
        if key := self._key_height():
            words.setHeight(words.height() - key)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self._words())
        if key:
            painter.setFont(self.look.font(Role.KEY))
            painter.setPen(self.look.colour("go-dark" if chosen else "soft-dark"))
            below = QRect(0, self.height() - key - 6, self.width(), key)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self.key_hint)
        if self.hasFocus():
            focus_ring(painter, self.rect(), self.look.radius)


class Choice(Painted):
    """Exactly one of a few, or none yet. Arrow keys move; the chosen one is marked by tint, edge and bold type.

    Args:
        name: accessible name of the whole ("Yang datang").
        stretch: options share the width (segments); otherwise each is as wide as its words and they wrap.

    Signals:
        chosen(str): the operator chose the option of this name.
    """

    chosen = Signal(str)

    def __init__(self, name: str, *, stretch: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._stretch = stretch
        self._options: tuple[Option, ...] = ()
        self._group = QButtonGroup(self)
        self._group.buttonClicked.connect(self._picked)
        self._box = row(gap=7)
        self._flow = None if stretch else Flow(self.look.gap(2), self)
        if self._flow is not None:
            self._box.addWidget(self._flow)
        self.setLayout(self._box)
        policy = self.sizePolicy()
        policy.setHeightForWidth(not stretch)
        policy.setVerticalPolicy(QSizePolicy.Policy.Fixed if stretch else QSizePolicy.Policy.Minimum)
        self.setSizePolicy(policy)

    def set_options(self, options: Sequence[Option]) -> None:
        """Offer these options; the same ones again change nothing."""
        new = tuple(options)
        if new == self._options:
            return
        for old in self._group.buttons():
            self._group.removeButton(old)
            self._box.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._options = new
        buttons = [_OptionButton(option, stretch=self._stretch, parent=self) for option in new]
        for button in buttons:
            self._group.addButton(button)
        if self._flow is not None:
            self._flow.set_widgets([*buttons])
        else:
            for button in buttons:
                self._box.addWidget(button)

    def restyle(self) -> None:
        if self._flow is not None:
            self._flow.set_gap(self.look.gap(2))
        super().restyle()

    def set_chosen(self, name: str) -> None:
        """Mark the option of this name; a name not offered marks none."""
        if name == self.current():
            return
        self._group.setExclusive(False)
        for button in self._group.buttons():
            button.setChecked(isinstance(button, _OptionButton) and button.option.name == name)
        self._group.setExclusive(True)

    def current(self) -> str:
        """Name of the chosen option, or nothing."""
        button = self._group.checkedButton()
        return button.option.name if isinstance(button, _OptionButton) else ""

    def _picked(self, button: object) -> None:
        if isinstance(button, _OptionButton):
            self.chosen.emit(button.option.name)
