"""The header: whose kiosk, when, who, and whether things work."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLayout, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit.card import row
from ewarung_pos.ui.views.kit.lamp import HeaderButton, Lamp, Words
from ewarung_pos.ui.views.kit.paint import Painted, smooth
from ewarung_pos.ui.views.kit.style import Role, Tone
from ewarung_pos.ui.views.kit.text import Line, Run, Text

__all__ = ["TopBar"]


class _Form(NamedTuple):
    """What the header says: the kelurahan, which date, the time's zone, the lamps' words, the operator's."""

    place: bool
    date: Words
    zone: bool
    lamps: Words
    trouble: Words
    operator: Words


_LONG, _SHORT, _NONE = Words.LONG, Words.SHORT, Words.NONE
_FORMS = (
    _Form(place=True, date=_LONG, zone=True, lamps=_LONG, trouble=_LONG, operator=_LONG),
    _Form(place=False, date=_LONG, zone=True, lamps=_LONG, trouble=_LONG, operator=_LONG),
    _Form(place=False, date=_SHORT, zone=True, lamps=_LONG, trouble=_LONG, operator=_LONG),
    _Form(place=False, date=_SHORT, zone=False, lamps=_LONG, trouble=_LONG, operator=_LONG),
    _Form(place=False, date=_SHORT, zone=False, lamps=_SHORT, trouble=_LONG, operator=_LONG),
    _Form(place=False, date=_SHORT, zone=False, lamps=_SHORT, trouble=_LONG, operator=_SHORT),
    _Form(place=False, date=_NONE, zone=False, lamps=_SHORT, trouble=_LONG, operator=_SHORT),
    _Form(place=False, date=_SHORT, zone=False, lamps=_SHORT, trouble=_SHORT, operator=_LONG),
    _Form(place=False, date=_SHORT, zone=False, lamps=_SHORT, trouble=_SHORT, operator=_SHORT),
    _Form(place=False, date=_NONE, zone=False, lamps=_SHORT, trouble=_SHORT, operator=_SHORT),
    _Form(place=False, date=_NONE, zone=False, lamps=_SHORT, trouble=_SHORT, operator=_NONE),
)
"""From wide to narrow; the first that fits is shown. A lamp in trouble keeps its words longer than the date."""

_KIOSK_SHARE = 5
"""Once something had to leave, the kiosk's name claims a fifth of the header at most: who works here knows it.

At 800 px that is a usual name ("e-Warung Mawar", 150 px) whole: the operator's long word and the date leave before it.
"""


class _Operator(HeaderButton):
    def __init__(self, icon: str) -> None:
        super().__init__(icon)
        # It ends somebody's turn at the till: an Enter meant for the screen must never land here.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def set_name(self, name: str, short: str) -> None:
        self._say(name, short)


class TopBar(Painted):
    """The header. What does not fit leaves in the order of `_FORMS`; the end of a long kiosk's name leaves last.

    Signals:
        operator_pressed: the operator's name was pressed.
    """

    operator_pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._kiosk = Line()
        self._kiosk.setMinimumWidth(1)  # the one part whose end may leave altogether
        self._place_name = Text(role=Role.BODY, tone=Tone.SOFT)
        self._clock = Line(align=Qt.AlignmentFlag.AlignRight)
        self._clock.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._operator = _Operator("user")
        self._operator.set_key("Ctrl+L")
        self._operator.clicked.connect(self.operator_pressed)
        self._lamps: list[Lamp] = []
        self._whose = ("", "")
        self._who = ("", "")
        self._when = ("", "", "", "")
        self._level = 0
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
        if (name, place) != self._whose:
            self._whose = (name, place)
            self._kiosk.set_runs((Run(name, Role.LEAD, bold=True),))
            self._place_name.set_text(place)
            self._fit()

    def set_operator(self, name: str, short: str = "") -> None:
        """Who is at the counter; `short` for a narrow header (nothing: the icon alone)."""
        if (name, short) != self._who:
            self._who = (name, short)
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
        form = _FORMS[self._level]
        day = Run({_LONG: date, _SHORT: short_date, _NONE: ""}[form.date], Role.BODY, Tone.SOFT)
        clock = Run(time, Role.LEAD, bold=True)
        self._clock.set_runs((day, clock, Run(zone if form.zone else "", Role.BODY, Tone.SOFT)))

    def _apply(self, level: int) -> None:
        self._level = level
        form = _FORMS[level]
        self._place_name.setVisible(form.place)
        self._show_clock()
        for lamp in self._lamps:
            lamp.set_words(self._words_of(lamp))
        self._operator.set_words(form.operator)

    def _words_of(self, lamp: Lamp) -> Words:
        form = _FORMS[self._level]
        return form.trouble if lamp.hides_trouble else form.lamps

    def _in_other_words(self) -> bool:
        return any(lamp.words is not self._words_of(lamp) for lamp in self._lamps)

    def _wanted(self) -> int:
        form = _FORMS[self._level]
        parts: list[QWidget] = [self._clock, self._operator, *self._lamps]
        if form.place:
            parts.append(self._place_name)
        kiosk = self._kiosk.sizeHint().width()
        if form.lamps is not _LONG:
            kiosk = min(kiosk, self.width() // _KIOSK_SHARE)
        margins = self._box.contentsMargins()
        gaps = self._box.spacing() * (len(parts) + 1)
        return kiosk + sum(part.sizeHint().width() for part in parts) + gaps + margins.left() + margins.right()

    def _fit(self, least: int = 0) -> None:
        """Say as much as there is room for; from `least` on, so that the date does not jump with minutes and lamps."""
        for level in range(least, len(_FORMS)):
            self._apply(level)
            if self._wanted() <= self.width():
                break
        self._box.invalidate()
        self._box.activate()
        self.update()

    def event(self, event: QEvent) -> bool:
        # A lamp that says something longer, or something else than it may say here, asks for a new layout.
        if event.type() is QEvent.Type.LayoutRequest and (self._in_other_words() or self._wanted() > self.width()):
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
