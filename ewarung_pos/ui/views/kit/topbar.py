"""The header: whose kiosk, when, who, and whether things work."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLayout, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.card import row
from ewarung_pos.ui.views.kit.lamp import HeaderButton, Lamp
from ewarung_pos.ui.views.kit.paint import Painted, smooth
from ewarung_pos.ui.views.kit.style import Role, Tone
from ewarung_pos.ui.views.kit.text import Line, Run, Text

__all__ = ["TopBar"]


class _Operator(HeaderButton):
    def __init__(self, icon: str) -> None:
        super().__init__(icon)
        # It ends somebody's turn at the till: an Enter meant for the screen must never land here.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def set_name(self, name: str, short: str) -> None:
        self._say(name, short)


class TopBar(Painted):
    """The header. What does not fit leaves in order: kelurahan, weekday and year, long lamp words, operator's name.

    Signals:
        operator_pressed: the operator's name was pressed.
    """

    operator_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._kiosk = Text(role=Role.LEAD, bold=True)
        self._place_name = Text(role=Role.BODY, tone=Tone.SOFT)
        self._clock = Line(align=Qt.AlignmentFlag.AlignRight)
        self._operator = _Operator("user")
        self._operator.set_key("Ctrl+L")
        self._operator.clicked.connect(self.operator_pressed)
        self._lamps: list[Lamp] = []
        self._when = ("", "", "", "")
        self._level = -1
        self._box = row()
        # What does not fit leaves; it never makes the header wider.
        self._box.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._box.addWidget(self._kiosk)
        self._box.addWidget(self._place_name)
        self._box.addStretch(1)
        self._box.addWidget(self._clock)
        self._box.addWidget(self._operator)
        self.setLayout(self._box)
        self._space()

    def add_lamp(self, icon: str) -> Lamp:
        """Append a lamp and return it."""
        lamp = Lamp(icon, parent=self)
        self._lamps.append(lamp)
        self._box.addWidget(lamp)
        return lamp

    def set_kiosk(self, name: str, place: str) -> None:
        """Name of the kiosk and of its kelurahan."""
        self._kiosk.set_text(name)
        self._place_name.set_text(place)
        self._fit()

    def set_operator(self, name: str, short: str = "") -> None:
        """Who is at the counter; `short` for a narrow header (nothing: the icon alone)."""
        self._operator.set_name(name, short)
        self._fit()

    def set_clock(self, date: str, short_date: str, time: str, zone: str) -> None:
        """The business date in long and short, and the time with its zone."""
        if (date, short_date, time, zone) != self._when:
            self._when = (date, short_date, time, zone)
            self._show_clock()
            self._fit(self._level)

    def retranslate(self) -> None:
        self._operator.setAccessibleDescription(QCoreApplication.translate("TopBar", "Ganti petugas"))

    def _show_clock(self) -> None:
        date, short_date, time, zone = self._when
        day = Run("" if self._level >= 5 else short_date if self._level >= 2 else date, Role.BODY, Tone.SOFT)
        clock = Run(time, Role.LEAD, bold=True)
        self._clock.set_runs((day, clock, Run("" if self._level >= 3 else zone, Role.BODY, Tone.SOFT)))

    def _apply(self, level: int) -> None:
        self._level = level
        self._place_name.setVisible(level < 1)
        self._show_clock()
        for lamp in self._lamps:
            lamp.set_brief(level >= 3)
        self._operator.set_brief(level >= 4)

    def _wanted(self) -> int:
        parts: list[QWidget] = [self._kiosk, self._clock, self._operator, *self._lamps]
        if self._level < 1:
            parts.append(self._place_name)
        margins = self._box.contentsMargins()
        gaps = self._box.spacing() * (len(parts) + 1)
        return sum(part.sizeHint().width() for part in parts) + gaps + margins.left() + margins.right()

    def _fit(self, least: int = 0) -> None:
        """Say as much as there is room for; from `least` on, so that the date does not jump with minutes and lamps."""
        for level in range(least, 6):
            self._apply(level)
            if self._wanted() <= self.width():
                break
        self._box.invalidate()
        self._box.activate()
        self.update()

    def event(self, event: QEvent) -> bool:
        # A lamp that says something longer asks for a new layout here.
        if event.type() is QEvent.Type.LayoutRequest and self._wanted() > self.width():
            self._fit(self._level)
        return super().event(event)

    def _space(self) -> None:
        side = self.look.gap(3)
        self._box.setContentsMargins(side, 0, side, 1)
        self._box.setSpacing(self.look.gap(2))

    def restyle(self) -> None:
        self._space()
        self._fit()
        super().restyle()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(800, max(self.look.size(64), self._operator.sizeHint().height() + 4))

    def minimumSizeHint(self) -> QSize:
        return QSize(320, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = smooth(self)
        painter.fillRect(self.rect(), self.look.colour("card"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self.look.colour("line"))
