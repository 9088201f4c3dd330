"""Surfaces: the card, the hairline that parts its rows, and the tinted panel."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ewarung_pos.ui.views.kit.paint import Painted, box, smooth
from ewarung_pos.ui.views.kit.style import Tone, current_style

__all__ = ["Card", "Panel", "Rule", "column", "row"]

_Layout = TypeVar("_Layout", bound=QBoxLayout)


def column(*, gap: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QVBoxLayout:
    """A vertical layout with nothing between and around unless told (pixels)."""
    return _bare(QVBoxLayout(), gap, margins)


def row(*, gap: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QHBoxLayout:
    """A horizontal layout with nothing between and around unless told (pixels)."""
    return _bare(QHBoxLayout(), gap, margins)


def _bare(layout: _Layout, gap: int, margins: tuple[int, int, int, int]) -> _Layout:
    layout.setContentsMargins(*margins)
    layout.setSpacing(gap)
    return layout


class _Surface(Painted):
    """A painted surface with a column inside; margins follow the style, colours its tone."""

    def __init__(self, pad: float, spacing: float, tone: Tone, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._tone = tone
        self._pad = pad
        self._spacing = spacing
        self.body = column()
        self.setLayout(self.body)
        self._space()

    def set_tone(self, tone: Tone) -> None:
        """Change the tone."""
        self._tone = tone
        self.update()

    def _space(self) -> None:
        pad = self.look.gap(self._pad)
        self.body.setContentsMargins(pad, pad, pad, pad)
        self.body.setSpacing(self.look.gap(self._spacing))

    def restyle(self) -> None:
        self._space()
        super().restyle()


class Card(_Surface):
    """A white rounded panel on the ground; `body` is its column.

    Args:
        pad: inner margin in steps of the 8 px grid; 0 for cards made of full-width rows.
        spacing: distance between what is put in, in the same steps.
        tone: a tone other than ink gives the edge that tone's colour, for trouble.
    """

    def __init__(
        self, *, pad: float = 3, spacing: float = 2, tone: Tone = Tone.INK, parent: QWidget | None = None
    ) -> None:
        super().__init__(pad, spacing, tone, parent)

    def _space(self) -> None:
        super()._space()
        pad = self.look.gap(self._pad)
        # Full-width rows stay inside the edge; one more pixel below for the shadow line.
        self.body.setContentsMargins(max(pad, 1), max(pad, 1), max(pad, 1), max(pad, 1) + 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        area = self.rect()
        radius = self.look.radius
        box(painter, area.adjusted(0, 4, 0, 0), radius, self.look.colour("shadow"))
        width = 1.0 if self._tone is Tone.INK else 1.5
        face = area.adjusted(0, 0, 0, -2)
        box(painter, face, radius, self.look.colour("card"), self.look.colour(self._tone.line), width)


class Panel(_Surface):
    """A flat tinted box inside a card: steps in progress, a hint, a warning."""

    def __init__(
        self, *, pad: float = 2, spacing: float = 1, tone: Tone = Tone.INK, parent: QWidget | None = None
    ) -> None:
        super().__init__(pad, spacing, tone, parent)

    def paintEvent(self, _event: QPaintEvent) -> None:
        token = "ground" if self._tone is Tone.INK else self._tone.tint
        box(smooth(self), self.rect(), self.look.radius, self.look.colour(token))


class Rule(QWidget):
    """A hairline between rows, or between columns when `upright`."""

    def __init__(self, *, upright: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._upright = upright
        fixed, free = QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding
        self.setSizePolicy(fixed if upright else free, free if upright else fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:
        return QSize(1, 1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        smooth(self).fillRect(self.rect(), current_style().colour("line"))
