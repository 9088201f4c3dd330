"""What is done, what is being done, what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from PySide6.QtCore import QCoreApplication, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.icons import paint_icon
from ewarung_pos.ui.views.kit.paint import Painted, box, smooth, text_width
from ewarung_pos.ui.views.kit.style import Role, Tone

__all__ = ["Step", "StepHead", "StepList", "StepState"]


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
        least = self.look.icon(self._role) + self.look.gap(1.75)
        heights = []
        for step in self._steps:
            metrics = QFontMetrics(self.look.font(self._role, bold=step.state is StepState.CURRENT))
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
    """Steps beside one another, numbered: the head of a wizard. Words of steps not current leave when it is narrow."""

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

    def _width(self, *, words: bool) -> int:
        total = 0
        for step in self._steps:
            current = step.state is StepState.CURRENT
            total += self._disc() + self.look.gap(4)
            if words or current:
                total += text_width(self.look.font(Role.LEAD, bold=current), step.words) + 12
        return total - self.look.gap(4)

    def sizeHint(self) -> QSize:
        return QSize(max(self._width(words=True), 0), self._disc() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(max(min(self._width(words=False), 320), 0), self._disc() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        words = self._width(words=True) <= self.width()
        side = self._disc()
        left = 0
        for number, step in enumerate(self._steps, 1):
            disc = QRect(left, (self.height() - side) // 2, side, side)
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
            left += side
            if words or current:
                font = self.look.font(Role.LEAD, bold=current)
                painter.setFont(font)
                painter.setPen(self.look.colour("ink" if current else "soft-dark"))
                wide = text_width(font, step.words)
                painter.drawText(QRect(left + 12, 0, wide, self.height()), Qt.AlignmentFlag.AlignVCenter, step.words)
                left += 12 + wide
            left += self.look.gap(4)
