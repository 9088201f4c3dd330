"""Rows that turn pages: as many as there is room for, never scrolled or cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from ewarung_pos.ui.views.kit import BigButton, ButtonKind, ButtonSize, Role, Text, Tone
from ewarung_pos.ui.views.kit.paint import Painted, smooth
from ewarung_pos.ui.views.parts import Box

__all__ = ["PagedRows"]

_NARROW_BAR = 420
_LEAST_BAR = 340
_ONE_BUTTON = 260
"""Below this there is room for one button only, which goes round."""
_PAGE_KEYS = ("PgUp", "PgDown")


def _first_control(line: QWidget) -> QWidget | None:
    """What of a row takes the keyboard; a row that only says something has nothing."""
    each: QWidget
    for each in (line, *line.findChildren(QWidget)):
        if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.isEnabled() and each.isVisibleTo(line):
            return each
    return None


class PagedRows(Painted):
    """Rows parted by hairlines, as many as there is room for; the rest on further pages, never scrolled or cut.

    Args:
        name: accessible name.
        tall: a row is never higher than this (pixels at 100 %).
        keys: of the page buttons, for rows that stand beside other rows.
    """

    def __init__(
        self, name: str, *, tall: int = 116, keys: tuple[str, str] = _PAGE_KEYS, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._tall = tall
        self._rows: tuple[QWidget, ...] = ()
        self._page = 0
        self._tops: list[int] = []
        self._followers: tuple[QWidget, ...] = ()
        self._after: Callable[[], None] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._bar = Box(across=True, gap=2, margins=(1.5, 0.5, 1.5, 0.5), parent=self)
        self._back = BigButton(
            "Sebelumnya", kind=ButtonKind.SECONDARY, size=ButtonSize.PLAIN, key=keys[0], hint=keys[0]
        )
        self._on = BigButton(
            "Berikutnya",
            kind=ButtonKind.SECONDARY,
            size=ButtonSize.PLAIN,
            key=keys[1],
            hint=keys[1].replace("PgDown", "PgDn"),
        )
        self._where = Text(role=Role.BODY, tone=Tone.SOFT, align=Qt.AlignmentFlag.AlignCenter)
        self._back.clicked.connect(self._turn_back)
        self._on.clicked.connect(self._turn_on)
        self._bar.add(self._back).add(self._where, stretch=1).add(self._on)
        self._bar.hide()

    def set_rows(self, rows: Sequence[QWidget], *, keep_page: bool = True) -> None:
        """Show these rows; rows that are no longer among them are deleted."""
        new = tuple(rows)
        if new != self._rows:
            self._replace(new)
        elif keep_page or not self._page:
            return
        if not keep_page:
            self._page = 0
        self.updateGeometry()
        self._place()

    def _replace(self, new: tuple[QWidget, ...]) -> None:
        if any(old not in new and self._typed_in(old) for old in self._rows):
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        for old in self._rows:
            if old not in new:
                old.hide()
                old.deleteLater()
        self._rows = new
        for each in new:
            each.setParent(self)
        self._order_tabs()

    def _typed_in(self, line: QWidget) -> bool:
        """Whether the keyboard is in this row, or will be once the window is in front again."""
        focus: QWidget | None = self.window().focusWidget()
        return focus is not None and (focus is line or line.isAncestorOf(focus))

    def _order_tabs(self) -> None:
        """Rows are made later than what stands below them, and would come after it."""
        chain = [
            each
            for line in self._rows
            for each in (line, *line.findChildren(QWidget))
            if each.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        for before, after in pairwise((*chain, self._back, self._on, *self._followers)):
            QWidget.setTabOrder(before, after)

    def set_after(self, after: Callable[[], None]) -> None:
        """What Enter in the field of the last row does."""
        self._after = after

    def pass_on(self, field: QWidget, *, forward: bool) -> None:
        """From a row's field to the field of the next row that has one, or of one before; the page turns with it."""
        at = next((place for place, each in enumerate(self._rows) if each.isAncestorOf(field)), -1)
        on = self._rows[at + 1 :] if forward else self._rows[:at][::-1]
        to = next((each for each in on if _first_control(each) is not None), None)
        if to is not None:
            self.take_keyboard(to)
        elif forward and self._after is not None:
            self._after()

    def take_keyboard(self, line: QWidget) -> None:
        """Show this row and give its first control the keyboard."""
        if line.isHidden():
            self.setFocus(Qt.FocusReason.OtherFocusReason)  # not with the row that goes
            self.turn_to(line)
        control = _first_control(line)
        if control is not None:
            control.setFocus(Qt.FocusReason.TabFocusReason)

    def set_followers(self, *widgets: QWidget) -> None:
        """What the Tab key comes to after the rows."""
        self._followers = widgets

    def rows(self) -> tuple[QWidget, ...]:
        """All rows, shown or not."""
        return self._rows

    def turn_to(self, widget: QWidget) -> None:
        """Show the page that holds this row."""
        if widget in self._rows:
            self._page = self._rows.index(widget) // max(1, self._per())
            self._place()

    def _turn_back(self) -> None:
        self._turn(-1)

    def _turn_on(self) -> None:
        self._turn(1)

    def _turn(self, by: int) -> None:
        focus = QApplication.focusWidget()
        inside = focus is not None and self.isAncestorOf(focus)
        if inside:
            # Qt would hand the keyboard on to what stands below the rows: *Batal*.
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._page += by
        if self._goes_round():
            self._page %= -(-len(self._rows) // self._per())
        self._place()
        if inside:
            self._focus_first()

    def _focus_first(self) -> None:
        """The keyboard goes on with the first row that is shown."""
        line = next((each for each in self._rows if not each.isHidden()), None)
        if line is not None:
            self.take_keyboard(line)

    def _least(self) -> int:
        return max((each.minimumSizeHint().height() for each in self._rows), default=48)

    def _per(self) -> int:
        """How many rows a page holds."""
        least, room = self._least(), self.height()
        if len(self._rows) * least <= room:
            return len(self._rows)
        return max(1, (room - self._bar.sizeHint().height()) // least)

    def _goes_round(self) -> bool:
        return self.width() < _ONE_BUTTON

    def _place(self) -> None:
        count = len(self._rows)
        per = self._per()
        pages = -(-count // per) if count else 1
        self._page = min(max(self._page, 0), pages - 1)
        bar = self._bar.sizeHint().height() if pages > 1 else 0
        room = self.height() - bar
        height = min(room // per, max(self.look.size(self._tall), self._least())) if count else 0
        first = self._page * per
        before, self._tops = self._tops, []
        for place, each in enumerate(self._rows):
            shown = first <= place < first + per
            if shown:
                top = (place - first) * height
                each.setGeometry(0, top + 1, self.width(), height - 1)
                self._tops.append(top)
            each.setVisible(shown)
        self._bar.setVisible(pages > 1)
        if pages > 1:
            narrow, one = self.width() < _NARROW_BAR, self._goes_round()
            self._back.setVisible(not one)
            self._back.set_text("Naik" if narrow else "Sebelumnya")
            self._on.set_text("Lainnya" if one else "Turun" if narrow else "Berikutnya")
            self._bar.setGeometry(0, self.height() - bar, self.width(), bar)
            self._tops.append(self.height() - bar)
            self._back.setEnabled(self._page > 0)
            self._on.setEnabled(one or self._page < pages - 1)
            last = min(first + per, count)
            self._where.setVisible(self.width() >= _LEAST_BAR)
            said = f"{first + 1}–{last}" if last > first + 1 else str(last)
            self._where.set_text(f"{said}/{count}" if narrow else f"{said} dari {count}")
        if self._tops != before:
            self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            self._place()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def restyle(self) -> None:
        super().restyle()
        self._place()

    def sizeHint(self) -> QSize:
        width = max((each.sizeHint().width() for each in self._rows), default=0)
        return QSize(width, len(self._rows) * self._least())

    def minimumSizeHint(self) -> QSize:
        width = max((each.minimumSizeHint().width() for each in self._rows), default=0)
        least = self._least()
        bar = self._bar.sizeHint().height() if len(self._rows) > 1 else 0
        return QSize(width, min(len(self._rows) * least, least + bar))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth(self)
        for top in self._tops:
            painter.fillRect(QRect(0, top, self.width(), 1), self.look.colour("line"))
