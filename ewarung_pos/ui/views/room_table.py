"""A table with one set of columns for much room and one for little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.views.kit import Column, DataTable, Density, EmptyState, Pages, current_style

__all__ = ["RoomTable"]

RowT = TypeVar("RowT")


class RoomTable(Pages, Generic[RowT]):
    """The same rows in a wide and a narrow table; and what stands there when there are none.

    Signals:
        opened(int): the operator opened the row of this place.
    """

    opened = Signal(int)

    def __init__(
        self,
        name: str,
        wide: Sequence[Column[RowT]],
        narrow: Sequence[Column[RowT]],
        empty: EmptyState,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._wide: DataTable[RowT] = DataTable(name, wide)
        self._narrow: DataTable[RowT] = DataTable(name, narrow)
        self._empty = empty
        self._rows: tuple[RowT, ...] = ()
        for table in (self._wide, self._narrow):
            table.opened.connect(self.opened)
            self.addWidget(table)
        self.addWidget(empty)

    @property
    def table(self) -> DataTable[RowT]:
        """The table that fits now."""
        narrow = current_style().room in (Density.TIGHT, Density.COMPACT)
        return self._narrow if narrow else self._wide

    def row(self, place: int) -> RowT:
        """The row at a place."""
        return self._rows[place]

    def set_rows(self, rows: Sequence[RowT], *, choose_first: bool = False) -> None:
        """Show these rows; with `choose_first` Enter opens the first until another is chosen."""
        self._rows = tuple(rows)
        for table in (self._wide, self._narrow):
            table.set_rows(self._rows)
            if choose_first and self._rows and not table.currentIndex().isValid():
                table.selectRow(0)
        self._show()

    def take_keyboard(self) -> None:
        """Arrow keys and Enter go to the rows."""
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show(self) -> None:
        self.show_page(self.table if self._rows else self._empty)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange and self.count():
            self._show()
