"""Text on the screen: labels by role and tone, and one line of mixed emphasis."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.paint import Painted, smooth
from ewarung_pos.ui.views.kit.style import Face, Role, Tone, current_style

__all__ = ["Line", "Run", "Text"]


class Text(QLabel):
    """Plain text in a role and a tone. Markup in what it is given is shown as it is, never obeyed."""

    def __init__(
        self,
        text: str = "",
        role: Role = Role.BODY,
        tone: Tone = Tone.INK,
        *,
        bold: bool | None = None,
        wrap: bool = False,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._role = role
        self._tone = tone
        self._bold = bold
        self._set = False
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        self.setAlignment(align)
        self.setText(text)
        self._restyle()

    def set_text(self, text: str) -> None:
        """Show `text`; the same text again costs nothing."""
        if text != self.text():
            self.setText(text)

    def set_tone(self, tone: Tone) -> None:
        """Change the tone."""
        if tone is not self._tone:
            self._tone = tone
            self._restyle()

    def set_role(self, role: Role, *, bold: bool | None = None) -> None:
        """Change the size."""
        if (role, bold) != (self._role, self._bold):
            self._role, self._bold = role, bold
            self._restyle()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self._restyle()

    def _restyle(self) -> None:
        style = current_style()
        face, ink = style.font(self._role, bold=self._bold), style.colour(self._tone.text)
        # Qt tells of a style at each parent that a widget gets, and then may have put back an older font or colour.
        if not self._set or self.font() != face:
            self.setFont(face)
        palette = self.palette()
        if not self._set or palette.color(QPalette.ColorRole.WindowText) != ink:
            palette.setColor(QPalette.ColorRole.WindowText, ink)
            self.setPalette(palette)
        self._set = True


class Run(msgspec.Struct, frozen=True):
    """A stretch of text in one emphasis."""

    text: str
    role: Role = Role.BODY
    tone: Tone = Tone.INK
    bold: bool | None = None


class Line(Painted):
    """Runs of text on one baseline, such as "**sisa 10** dari 10 kg". Too long a line ends in an ellipsis."""

    def __init__(
        self,
        runs: Sequence[Run] = (),
        *,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._runs: tuple[Run, ...] = ()
        self._align = align
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_runs(runs)

    def set_runs(self, runs: Sequence[Run]) -> None:
        """Show these runs, a space between each."""
        new = tuple(run for run in runs if run.text)
        if new != self._runs:
            self._runs = new
            self.setAccessibleName(" ".join(run.text for run in new))
            self.updateGeometry()
            self.update()

    def text(self) -> str:
        """The whole line without emphasis."""
        return " ".join(run.text for run in self._runs)

    def _face(self, run: Run) -> Face:
        return self.look.font(run.role, bold=run.bold)

    def _space(self, run: Run) -> int:
        return self._face(run).width(" ") + 1

    def sizeHint(self) -> QSize:
        width = sum(self._face(run).width(run.text) for run in self._runs)
        width += sum(self._space(run) for run in self._runs[1:])
        height = max((self._face(run).metrics.height() for run in self._runs), default=1)
        return QSize(width, height)

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(min(hint.width(), 48), hint.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._runs:
            return
        painter = smooth(self)
        room = self.width()
        left = 0
        if self._align & Qt.AlignmentFlag.AlignRight:
            left = max(0, room - self.sizeHint().width())
        elif self._align & Qt.AlignmentFlag.AlignHCenter:
            left = max(0, (room - self.sizeHint().width()) // 2)
        ascent = max(self._face(run).metrics.ascent() for run in self._runs)
        height = max(self._face(run).metrics.height() for run in self._runs)
        base = (self.height() - height) // 2 + ascent
        for place, run in enumerate(self._runs):
            face = self._face(run)
            left += self._space(run) if place else 0
            shown = face.metrics.elidedText(run.text, Qt.TextElideMode.ElideRight, max(room - left, 0) + 1)
            painter.setFont(face)
            painter.setPen(self.look.colour(run.tone.text))
            painter.drawText(left, base, shown)
            left += face.width(run.text)
            if left >= room:
                break
