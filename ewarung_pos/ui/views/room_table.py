"""A table whose columns follow the room there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QWidget

from ewarung_pos.ui.views.kit import Column, DataTable, Density, EmptyState, Pages, current_style

__all__ = ["RoomTable"]

RowT = TypeVar("RowT")


class RoomTable(Pages, Generic[RowT]):
    """The same rows in the columns that fit the window; and what stands there when there are none.

    Args:
        name: accessible name.
        columns: gives the columns for a room.
        empty: shown without rows.

    Signals:
        opened(int): the operator opened the row of this place.
    """

    opened = Signal(int)

    def __init__(
        self,
        name: str,
        columns: Callable[[Density], Sequence[Column[RowT]]],
        empty: EmptyState,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._columns = columns
        self._tables: dict[Density, DataTable[RowT]] = {}
        self._empty = empty
        self._rows: tuple[RowT, ...] = ()
        self._choose_first = False
        self.addWidget(empty)

    @property
    def table(self) -> DataTable[RowT]:
        """The table that fits now."""
        room = current_style().room
        if room not in self._tables:
            table: DataTable[RowT] = DataTable(self._name, self._columns(room))
            table.opened.connect(self.opened)
            self.addWidget(table)
            self._tables[room] = table
            self._fill(table)
        return self._tables[room]

    def row(self, place: int) -> RowT:
        """The row at a place."""
        return self._rows[place]

    def set_rows(self, rows: Sequence[RowT], *, choose_first: bool = False) -> None:
        """Show these rows; with `choose_first` Enter opens the first until another is chosen."""
        self._rows = tuple(rows)
        self._choose_first = choose_first
        for table in self._tables.values():
            self._fill(table)
        self._show()

    def _fill(self, table: DataTable[RowT]) -> None:
        table.set_rows(self._rows)
        if self._choose_first and self._rows and not table.currentIndex().isValid():
            table.selectRow(0)

    def chosen(self) -> RowT | None:
        """The row that is marked; None without rows."""
        return self.table.current_row() if self._rows else None

    def step_down(self) -> None:
        """The keyboard goes to the rows, and the mark to the next one."""
        if self._rows:
            table = self.table
            table.selectRow(min(table.currentIndex().row() + 1, len(self._rows) - 1))
            self.take_keyboard()

    def take_keyboard(self) -> None:
        """Arrow keys and Enter go to the rows."""
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show(self) -> None:
        page: QWidget = self.table if self._rows else self._empty
        self.show_page(page)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange and self._rows:
            self._show()
