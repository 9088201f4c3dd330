"""What is done, what is being done, what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from PySide6.QtCore import QCoreApplication, QRect, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, box, fitted, smooth, text_width
from ewarung_pos.ui.views.kit.style import Face, Role, Style, Tone

__all__ = ["Step", "StepHead", "StepList", "StepState"]

_BESIDE = 12
"""From a disc to its words."""
_LEAST_GAP = 6
_LEAST_WORDS = 48
"""In less room words say nothing."""


class StepState(StrEnum):
    """Where a step stands."""

    DONE = "done"
    CURRENT = "current"
    TO_COME = "to-come"
    FAILED = "failed"


_MARKS = {
    StepState.DONE: ("circle-check", Tone.GO),
    StepState.CURRENT: ("refresh-cw", Tone.INK),
    StepState.TO_COME: ("clock", Tone.SOFT),
    StepState.FAILED: ("circle-x", Tone.STOP),
}


class Step(msgspec.Struct, frozen=True):
    """A step in words; `detail` stands behind them ("8 detik")."""

    words: str
    state: StepState
    detail: str = ""

    @property
    def text(self) -> str:
        """Words with the detail, as shown."""
        return f"{self.words} … {self.detail}" if self.detail else self.words


def _spoken(steps: Sequence[Step]) -> str:
    says = {
        StepState.DONE: QCoreApplication.translate("StepList", "selesai"),
        StepState.CURRENT: QCoreApplication.translate("StepList", "sedang"),
        StepState.TO_COME: QCoreApplication.translate("StepList", "nanti"),
        StepState.FAILED: QCoreApplication.translate("StepList", "gagal"),
    }
    return "; ".join(f"{step.text}: {says[step.state]}" for step in steps)


class StepList(Painted):
    """Steps below one another. `big` is for the page that shows nothing else."""

    def __init__(self, *, big: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps: tuple[Step, ...] = ()
        self._role = Role.HEADING if big else Role.LEAD
        self._measured: dict[int, list[int]] = {}
        self._measured_for: tuple[Style, tuple[Step, ...]] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def set_steps(self, steps: Sequence[Step]) -> None:
        """Show these steps."""
        new = tuple(steps)
        if new != self._steps:
            same_room = len(new) == len(self._steps)
            self._steps = new
            self.setAccessibleName(_spoken(new))
            if not same_room:
                self.updateGeometry()
            self.update()

    def _indent(self) -> int:
        return self.look.icon(self._role) + 14

    def _heights(self, width: int) -> list[int]:
        """Of each step; layouts ask a thousand times while one page is shown, and the words stay."""
        look, steps = self._measured_for or (None, ())
        if look is not self.look or steps is not self._steps:
            self._measured_for = (self.look, self._steps)
            self._measured.clear()
        found = self._measured.get(width)
        if found is None:
            found = self._measured[width] = self._measure(width)
        return found

    def _measure(self, width: int) -> list[int]:
        least = self.look.icon(self._role) + self.look.gap(1.75)
        heights = []
        for step in self._steps:
            metrics = self.look.font(self._role, bold=step.state is StepState.CURRENT).metrics
            room = QRect(0, 0, max(width - self._indent(), 60), 10_000)
            words = metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, step.text).height()
            heights.append(max(words + self.look.gap(1.25), least))
        return heights

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return sum(self._heights(width))

    def sizeHint(self) -> QSize:
        font = self.look.font(self._role, bold=True)
        width = max((text_width(font, step.text) for step in self._steps), default=0) + self._indent() + 2
        return QSize(width, sum(self._heights(width)))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, sum(self._heights(max(self.width(), 160))))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        top = 0
        side = self.look.icon(self._role)
        for step, height in zip(self._steps, self._heights(self.width()), strict=True):
            icon, tone = _MARKS[step.state]
            ink = self.look.colour(tone.text)
            paint_icon(painter, icon, QRect(0, top + (height - side) // 2, side, side), ink)
            painter.setFont(self.look.font(self._role, bold=step.state is StepState.CURRENT))
            painter.setPen(ink)
            words = QRect(self._indent(), top, self.width() - self._indent(), height)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap, step.text)
            top += height


class StepHead(Painted):
    """Steps beside one another, numbered: the head of a wizard.

    Where it is narrow the words of steps not current leave, then the distances, then the size of the current words.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps: tuple[Step, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_steps(self, steps: Sequence[Step]) -> None:
        """Show these steps."""
        self._steps = tuple(steps)
        self.setAccessibleName(_spoken(self._steps))
        self.updateGeometry()
        self.update()

    def _disc(self) -> int:
        return max(self.look.size(40), self.look.pixels(Role.LEAD) + 14)

    def _font(self, step: Step, room: int = 10_000) -> Face:
        """Of a step's words; those of the current step are made smaller until they fit."""
        font = self.look.font(Role.LEAD, bold=step.state is StepState.CURRENT)
        return fitted(font, step.words, room) if step.state is StepState.CURRENT else font

    def _said(self, *, all_words: bool) -> list[int]:
        """Width of each step's words, nothing where they leave."""
        return [
            text_width(self._font(step), step.words) if all_words or step.state is StepState.CURRENT else 0
            for step in self._steps
        ]

    def _places(self) -> list[tuple[QRect, QRect]]:
        """Where each step's disc and words stand; words that left have no width."""
        count = len(self._steps)
        side = max(min(self._disc(), (self.width() - _LEAST_GAP * (count - 1)) // max(count, 1)), 1)
        said = self._said(all_words=True)
        gap = self.look.gap(4)
        if self._total(side, said, gap) > self.width():
            said = self._said(all_words=False)
            spare = self.width() - self._total(side, said, 0)
            gap = max(min(gap, spare // max(count - 1, 1)), _LEAST_GAP)
            over = max(self._total(side, said, gap) - self.width(), 0)
            said = [wide - over if wide - over >= _LEAST_WORDS else 0 for wide in said]
        places, left = [], 0
        for wide in said:
            disc = QRect(left, (self.height() - side) // 2, side, side)
            words = QRect(disc.right() + 1 + (_BESIDE if wide else 0), 0, wide, self.height())
            places.append((disc, words))
            left = words.x() + wide + gap
        return places

    def _total(self, side: int, said: Sequence[int], gap: int) -> int:
        count = len(said)
        return side * count + sum(wide + _BESIDE for wide in said if wide) + gap * max(count - 1, 0)

    def sizeHint(self) -> QSize:
        return QSize(
            self._total(self._disc(), self._said(all_words=True), self.look.gap(4)),
            self._disc() + 4,
        )

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self._total(self._disc(), [0] * len(self._steps), _LEAST_GAP), 320), self._disc() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        for number, (step, (disc, words)) in enumerate(zip(self._steps, self._places(), strict=True), 1):
            side = disc.width()
            current = step.state is StepState.CURRENT
            if step.state is StepState.TO_COME:
                box(painter, disc, side / 2, self.look.colour("card"), self.look.colour("edge"), 2)
                ink = self.look.colour("soft-dark")
            else:
                failed = step.state is StepState.FAILED
                box(painter, disc, side / 2, self.look.colour("stop" if failed else "go"))
                ink = self.look.colour("on-stop" if failed else "on-go")
            if step.state is StepState.DONE:
                inset = side * 22 // 100
                paint_icon(painter, "check", disc.adjusted(inset, inset, -inset, -inset), ink, weight=3)
            else:
                painter.setFont(self.look.font(Role.BODY, bold=True))
                painter.setPen(ink)
                painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, str(number))
            if words.width():
                font = self._font(step, words.width())
                painter.setFont(font)
                painter.setPen(self.look.colour("ink" if current else "soft-dark"))
                shown = font.metrics.elidedText(step.words, Qt.TextElideMode.ElideRight, words.width())
                painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, shown)
