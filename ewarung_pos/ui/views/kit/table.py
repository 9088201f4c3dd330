"""Long lists: a table over frozen rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from ewarung_pos.ui.views.kit.icons import paint_icon, paint_pictogram
from ewarung_pos.ui.views.kit.paint import box, focus_ring, text_width
from ewarung_pos.ui.views.kit.style import Role, Style, Tone, current_style

__all__ = ["Cell", "Column", "DataTable"]

RowT = TypeVar("RowT")
_Index = QModelIndex | QPersistentModelIndex


class Cell(msgspec.Struct, frozen=True):
    """What stands in one cell; `badge` puts it on a tint of its tone, with the icon as the third carrier."""

    text: str
    tone: Tone = Tone.INK
    bold: bool = False
    icon: str = ""
    picture: str = ""
    badge: bool = False


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """A column: title, what it shows of a row, its share of spare width (0: as wide as it needs), and its side."""

    title: str
    cell: Callable[[RowT], Cell]
    share: int = 0
    right: bool = False


class _Rows(QAbstractTableModel, Generic[RowT]):
    def __init__(self, columns: Sequence[Column[RowT]], parent: QWidget) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: tuple[RowT, ...] = ()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.columns)

    def cell(self, index: _Index) -> Cell:
        return self.columns[index.column()].cell(self.rows[index.row()])

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if index.isValid() and role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.cell(index).text
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self.columns[section].right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def replace(self, rows: Sequence[RowT]) -> None:
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def retitle(self, columns: Sequence[Column[RowT]]) -> None:
        self.columns = tuple(columns)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, max(len(self.columns) - 1, 0))


class _Painter(QStyledItemDelegate):
    def _pad(self) -> int:
        return current_style().gap(2)

    def width_of(self, cell: Cell) -> int:
        style = current_style()
        width = text_width(style.font(Role.LEAD, bold=cell.bold or cell.badge), cell.text) + 2 * self._pad()
        if cell.badge:
            width += 24
        if cell.icon:
            width += style.icon(Role.BODY) + 8
        if cell.picture:
            width += style.size(44) + 12
        return width

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        model = index.model()
        if not isinstance(model, _Rows):
            return super().sizeHint(option, index)
        return QSize(self.width_of(model.cell(index)), 0)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        if not isinstance(model, _Rows):
            return
        style = current_style()
        cell: Cell = model.cell(index)
        right = model.columns[index.column()].right
        area: QRect = option.rect
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen:
            painter.fillRect(area, style.colour("go-tint"))
            if index.column() == 0:
                painter.fillRect(area.x(), area.y(), 5, area.height(), style.colour("go"))
        painter.fillRect(area.x(), area.bottom(), area.width(), 1, style.colour("line"))
        room = area.adjusted(self._pad(), 0, -self._pad(), -1)
        if cell.picture:
            side = style.size(44)
            paint_pictogram(painter, cell.picture, QRect(room.x(), room.center().y() - side // 2, side, side))
            room.setLeft(room.left() + side + 12)
        font = style.font(Role.LEAD, bold=cell.bold or cell.badge)
        if cell.badge:
            font = style.font(Role.BODY, bold=True)
        ink = style.colour(cell.tone.text)
        icon = style.icon(Role.SMALL) if cell.icon else 0
        behind = icon + 8 if icon else 0
        inset = 12 if cell.badge else 0
        shown = font.metrics.elidedText(
            cell.text, Qt.TextElideMode.ElideRight, max(room.width() - behind - 2 * inset, 0)
        )
        wide = text_width(font, shown) + behind + 2 * inset
        left = room.right() + 1 - wide if right else room.left()
        if cell.badge:
            height = font.metrics.height() + 14
            pill = QRect(left, room.center().y() - height // 2, wide, height)
            box(painter, pill, 8, style.colour("card" if chosen else cell.tone.tint))
            left += inset
        if icon:
            paint_icon(painter, cell.icon, QRect(left, room.center().y() - icon // 2, icon, icon), ink)
            left += behind
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(QRect(left, room.y(), wide, room.height()), Qt.AlignmentFlag.AlignVCenter, shown)
        view = self.parent()
        if (
            index.column() == 0
            and isinstance(view, QTableView)
            and view.hasFocus()
            and view.currentIndex().row() == index.row()
        ):
            # The ring goes round the whole row, as the row is what Enter opens.
            whole = QRect(area.x(), area.y(), view.viewport().width(), area.height() - 1)
            painter.setClipping(False)
            focus_ring(painter, whole, 6)
        painter.restore()


class DataTable(QTableView, Generic[RowT]):
    """Frozen rows in a table: up and down choose, Enter or a press opens. Rows are 56 px high at least.

    Signals:
        opened(int): the operator opened the row of this place; `row(place)` gives it.
        moved(int): another row is chosen.
    """

    opened = Signal(int)
    moved = Signal(int)

    def __init__(self, name: str, columns: Sequence[Column[RowT]], *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: _Rows[RowT] = _Rows(columns, self)
        self._delegate = _Painter(self)
        self._measured_for: tuple[Style, tuple[Column[RowT], ...], tuple[RowT, ...]] | None = None
        self._widths: list[int] = []
        self.setAccessibleName(name)
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionsClickable(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.clicked.connect(self._open)
        self._restyle()

    def set_columns(self, columns: Sequence[Column[RowT]]) -> None:
        """The same columns in other words (another language)."""
        self._model.retitle(columns)
        self._share_width()

    def set_rows(self, rows: Sequence[RowT]) -> None:
        """Show these rows; an equal row keeps the choice, and the list keeps its place."""
        new = tuple(rows)
        if new == self._model.rows:
            return
        at = self.currentIndex().row()
        kept = self._model.rows[at] if 0 <= at < len(self._model.rows) else None
        place = self.verticalScrollBar().value()
        self._model.replace(new)
        if kept is not None and kept in new:
            self.setCurrentIndex(self._model.index(new.index(kept), 0))
        self._fit_rows()
        self.verticalScrollBar().setValue(place)
        self._share_width()

    def row(self, place: int) -> RowT:
        """The row at a place, as given to `set_rows`."""
        return self._model.rows[place]

    def current_row(self) -> RowT | None:
        """The chosen row."""
        at = self.currentIndex().row()
        return self._model.rows[at] if 0 <= at < len(self._model.rows) else None

    def currentChanged(self, current: _Index, previous: _Index) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()
        if current.isValid() and current.row() != previous.row():
            self.moved.emit(current.row())

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(index.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Enter opens the chosen row, before the key of any button sees it.
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and self.currentIndex().isValid()
        ):
            event.accept()
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self._restyle()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_rows()
        self._share_width()

    def _restyle(self) -> None:
        style = current_style()
        self._fit_rows()
        self.horizontalHeader().setFont(style.font(Role.BODY))
        self._share_width()

    def _fit_rows(self) -> None:
        """Rows as high as they like, or a little higher, so that the last one shown is whole."""
        style = current_style()
        least = max(style.size(66), 56, style.pixels(Role.LEAD) * 2)
        room = self.viewport().height()
        fit = room // least
        high = room // fit if 0 < fit < len(self._model.rows) else least
        if high != self.verticalHeader().defaultSectionSize():
            self.verticalHeader().setDefaultSectionSize(high)

    def _least_widths(self) -> list[int]:
        """What each column needs; asked again at each change of the window's size, and the rows stay."""
        now = (current_style(), self._model.columns, self._model.rows)
        if self._measured_for is None or any(was is not one for was, one in zip(self._measured_for, now, strict=True)):
            self._measured_for = now
            self._widths = [self._least_width(column) for column in self._model.columns]
        return self._widths

    def _least_width(self, column: Column[RowT]) -> int:
        style = current_style()
        title = text_width(style.font(Role.BODY), column.title) + 2 * style.gap(2) + 4
        # A few hundred rows are measured; a table that is longer is of one make.
        cells = (self._delegate.width_of(column.cell(each)) for each in self._model.rows[:300])
        return max((title, *cells))

    def _share_width(self) -> None:
        columns = self._model.columns
        widths = self._least_widths()
        rest = self.viewport().width() - sum(
            width for width, column in zip(widths, columns, strict=True) if not column.share
        )
        shared = {place: column.share for place, column in enumerate(columns) if column.share}
        given = _shared(rest, shared, widths)
        for place, width in enumerate(widths):
            self.setColumnWidth(place, max(given[place], 80) if place in given else width)


def _shared(rest: int, shares: dict[int, int], wanted: Sequence[int]) -> dict[int, int]:
    """Width for each column with a share: what it needs where there is room for all, and nobody more than that before.

    What one column does not need goes to the others, so that a short name is not cut beside half an empty column.
    """
    spare = rest - sum(wanted[place] for place in shares)
    if spare >= 0:
        return {place: wanted[place] + spare * share // sum(shares.values()) for place, share in shares.items()}
    given: dict[int, int] = {}
    while shares:
        total = sum(shares.values())
        full = [place for place, share in shares.items() if wanted[place] <= rest * share // total]
        if not full:
            return given | {place: rest * share // total for place, share in shares.items()}
        for place in full:
            given[place] = wanted[place]
        rest -= sum(wanted[place] for place in full)
        shares = {place: share for place, share in shares.items() if place not in full}
    return given
