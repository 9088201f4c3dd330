"""What there is room for stands there whole: no word is cut beside an empty place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.qt_app import apply_theme, load_theme
from ewarung_pos.ui.views.kit import Badge, DataTable
from ewarung_pos.ui.views.picture_books import EXPLAIN, HISTORY
from ewarung_pos.ui.views.pictures import settle
from tests.ui.at_window import on, shown, visible

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

SIZES = [(1366, 768), (1024, 768), (1024, 600), (800, 600), (800, 480)]


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> Iterator[QApplication]:
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768), motion=False)
    yield qapp
    settle()  # a window on its way out would be styled once more
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_history_names_each_family_and_its_card_whole(qtbot: QtBot, size: tuple[int, int]) -> None:
    window, _ = shown(qtbot, size=size, shell=on("history"), history=HISTORY)
    (table,) = visible(window, DataTable)
    titles = [table.model().headerData(place, table.horizontalHeader().orientation()) for place in range(6)]
    family = titles.index("Keluarga")
    assert table.columnWidth(family) >= table.sizeHintForColumn(family)
    assert sum(table.columnWidth(place) for place in range(len(titles))) <= table.viewport().width()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_large_difference_is_read_whole(qtbot: QtBot, size: tuple[int, int]) -> None:
    rows = tuple(replace(row, difference="+12.340 kemasan", differs=True) for row in EXPLAIN.rows)
    window, _ = shown(qtbot, size=size, shell=on("closing"), closing=replace(EXPLAIN, rows=rows))
    badges = [each for each in visible(window, Badge) if each.accessibleName() == "+12.340 kemasan"]
    assert badges
    for badge in badges:
        assert badge.parentWidget().width() >= badge.sizeHint().width()
