"""A short table made of controls: counts, device tests, variances."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from ewarung_pos.ui.views.kit.card import Card, Rule
from ewarung_pos.ui.views.kit.style import Role, Tone
from ewarung_pos.ui.views.kit.text import Text

__all__ = ["Sheet", "SheetColumn"]


class SheetColumn(msgspec.Struct, frozen=True):
    """A column of a sheet: title, share of the spare width, and side."""

    title: str
    share: int = 0
    right: bool = False


class Sheet(Card):
    """A card of rows parted by hairlines, each cell a control of its own. For a handful of rows; else `DataTable`."""

    def __init__(self, columns: Sequence[SheetColumn] = (), parent: QWidget | None = None) -> None:
        super().__init__(pad=0, spacing=0, parent=parent)
        self._columns: tuple[SheetColumn, ...] = ()
        self._made: list[QWidget] = []
        self._heads: list[Text] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(0)
        self.body.addLayout(self._grid)
        self.body.addStretch(1)
        self._pads()
        self.set_columns(columns)

    def _pads(self) -> None:
        side = self.look.gap(2.75)
        self._grid.setContentsMargins(0, self.look.gap(0.5), 0, self.look.gap(0.5))
        self._grid.setHorizontalSpacing(side)

    def restyle(self) -> None:
        self._pads()
        super().restyle()

    def set_columns(self, columns: Sequence[SheetColumn]) -> None:
        """Set or retitle the columns."""
        new = tuple(columns)
        if len(new) == len(self._columns):
            for head, each in zip(self._heads, new, strict=True):
                head.set_text(each.title)
            self._columns = new
            return
        for head in self._heads:
            head.deleteLater()
        self._columns = new
        self._heads = []
        for place, each in enumerate(new):
            align = self._side(each)
            head = Text(each.title, Role.BODY, Tone.SOFT, align=align)
            head.setMinimumHeight(self.look.size(52))
            self._grid.addWidget(head, 0, place + 1, align)
            self._grid.setColumnStretch(place + 1, each.share)
            self._heads.append(head)
        # The outer columns are the margins, so that the hairlines run from edge to edge.
        self._grid.setColumnMinimumWidth(0, 1)
        self._grid.setColumnMinimumWidth(len(new) + 1, 1)

    def set_rows(self, rows: Sequence[Sequence[QWidget]]) -> None:
        """Put these rows in place of what was there; the old widgets are deleted."""
        for widget in self._made:
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._made = []
        for number, cells in enumerate(rows):
            rule = Rule()
            self._grid.addWidget(rule, 2 * number + 1, 0, 1, len(self._columns) + 2)
            self._made.append(rule)
            self._grid.setRowMinimumHeight(2 * number + 2, max(self.look.size(66), 56))
            for place, (cell, each) in enumerate(zip(cells, self._columns, strict=True)):
                self._grid.addWidget(cell, 2 * number + 2, place + 1, self._side(each))
                self._made.append(cell)

    @staticmethod
    def _side(each: SheetColumn) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if each.right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter
