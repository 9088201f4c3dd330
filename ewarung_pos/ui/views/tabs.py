"""Tabs in the head of a card: the one in front says more than its name."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.domain.units import dotted
from ewarung_pos.ui.views.kit import Density, Role, row
from ewarung_pos.ui.views.kit.paint import Painted, PaintedButton, focus_ring, smooth, text_width

__all__ = ["Tab", "Tabs"]


class Tab(msgspec.Struct, frozen=True):
    """`title` and `subtitle` are shown when in front, `word` and `count` (of things chosen in it) when not.

    `short` stands for the word where even words are too long; without it the word stays.
    """

    name: str
    word: str
    title: str
    subtitle: str
    key: str
    count: int = 0
    short: str = ""


_TITLE, _WORD, _SHORT = range(3)
"""How much the tabs say, from much room to little."""


class _TabButton(PaintedButton):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._tab = Tab("", "", "", "", "")
        self._level = _TITLE
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    @property
    def tab(self) -> Tab:
        return self._tab

    def set_tab(self, tab: Tab, *, front: bool, level: int) -> None:
        self._tab, self._level = tab, level
        self.setChecked(front)
        self.setAccessibleName(tab.word)
        self.setAccessibleDescription(tab.subtitle if front else self._below())
        self.set_key(tab.key)
        self.updateGeometry()
        self.update()

    def _above(self) -> str:
        if self.isChecked() and self._level == _TITLE:
            return self._tab.title
        return (self._tab.short or self._tab.word) if self._level == _SHORT else self._tab.word

    def _below(self) -> str:
        if self.isChecked() and self._level == _TITLE and self._tab.subtitle:
            return self._tab.subtitle
        chosen = f"{dotted(self._tab.count)} dipilih" if self._tab.count else ""
        if self._level != _TITLE:
            return chosen or self._tab.key
        return " · ".join(each for each in (self._tab.key, chosen) if each)

    def width_for(self, level: int) -> int:
        """What it needs to say so much."""
        was, self._level = self._level, level
        above = text_width(self.look.font(Role.LEAD, bold=True), self._above())
        below = text_width(self.look.font(Role.SMALL), self._below())
        self._level = was
        return max(above, below) + 2 * self._pad(level)

    def _pad(self, level: int) -> int:
        return self.look.gap(2 if level == _TITLE else 1.5)

    def sizeHint(self) -> QSize:
        height = self.look.font(Role.LEAD).metrics.height() + self.look.font(Role.SMALL).metrics.height()
        least = 52 if self.look.room is Density.TIGHT else self.look.counter_target
        return QSize(self.width_for(self._level), max(least, height + 8))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        front = self.isChecked()
        if not front and (self.underMouse() or self.isDown()):
            painter.fillRect(self.rect(), self.look.colour("wash"))
        title, small = self.look.font(Role.LEAD, bold=front), self.look.font(Role.SMALL)
        above, below = title.metrics.height(), small.metrics.height()
        top = (self.height() - above - below) // 2
        pad = self._pad(self._level)
        left = QRect(pad, top, self.width() - pad, above)
        painter.setFont(title)
        painter.setPen(self.look.colour("ink" if front else "soft-dark"))
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, self._above())
        painter.setFont(small)
        painter.setPen(self.look.colour("soft-dark"))
        painter.drawText(left.adjusted(0, above, 0, below), Qt.AlignmentFlag.AlignTop, self._below())
        if front:
            painter.fillRect(pad, self.height() - 4, self.width() - 2 * pad, 4, self.look.colour("go"))
        if self.hasFocus():
            focus_ring(painter, self.rect(), 6)


class Tabs(Painted):
    """The tabs side by side.

    Signals:
        chosen(str): the operator wants the tab of this name.
    """

    chosen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._tabs: tuple[Tab, ...] = ()
        self._front = ""
        self._buttons: list[_TabButton] = []
        self._line = row()
        self._line.addStretch(1)
        self.setLayout(self._line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_tabs(self, tabs: Sequence[Tab], front: str) -> None:
        """Show these tabs, `front` in front."""
        if (tuple(tabs), front) == (self._tabs, self._front):
            return
        self._tabs, self._front = tuple(tabs), front
        while len(self._buttons) < len(self._tabs):
            button = _TabButton(self)
            button.clicked.connect(self._pressed)
            self._line.insertWidget(len(self._buttons), button)
            self._buttons.append(button)
        for place, button in enumerate(self._buttons):
            button.setVisible(place < len(self._tabs))
        self._show()
        self.updateGeometry()

    def _show(self) -> None:
        for level in (_TITLE, _WORD, _SHORT):
            for tab, button in zip(self._tabs, self._buttons, strict=False):
                button.set_tab(tab, front=tab.name == self._front, level=level)
            shown = self._buttons[: len(self._tabs)]
            if sum(button.width_for(level) for button in shown) <= self.width():
                break

    def _pressed(self) -> None:
        button = self.sender()
        if isinstance(button, _TabButton):
            button.setChecked(button.tab.name == self._front)
            self.chosen.emit(button.tab.name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._show()

    def restyle(self) -> None:
        super().restyle()
        self._show()

    def sizeHint(self) -> QSize:
        shown = self._buttons[: len(self._tabs)]
        return QSize(
            sum(button.width_for(_TITLE) for button in shown),
            max((button.sizeHint().height() for button in shown), default=self.look.counter_target),
        )

    def minimumSizeHint(self) -> QSize:
        shown = self._buttons[: len(self._tabs)]
        return QSize(sum(button.width_for(_SHORT) for button in shown), self.sizeHint().height())
