"""The till worked by keyboard alone: where the focus stands, and that Enter does what the main button says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.qt_app import apply_theme, load_theme, start_qt
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.views.basket import BasketPage
from ewarung_pos.ui.views.kit import DataTable, SearchField, TopBar
from ewarung_pos.ui.views.picture_books import HISTORY
from ewarung_pos.ui.views.picture_counter import CHOSEN, DONE, KNOWN, PROCESSING, READY
from ewarung_pos.ui.views.pictures import settle
from tests.ui.at_window import focused, last, on, press, shown, typed, visible

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

RETURN, F10 = Qt.Key.Key_Return, Qt.Key.Key_F10
SIZES = [(1366, 768), (1024, 600), (800, 480)]


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> Iterator[QApplication]:
    assert start_qt() is qapp
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768), motion=False)
    yield qapp
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768))


def activate(qtbot: QtBot, window: QWidget) -> None:
    with qtbot.waitActive(window, timeout=15_000):
        window.activateWindow()
    settle()


# --- Riwayat -------------------------------------------------------------------------------------------------


def test_enter_in_the_search_opens_the_row_that_is_marked(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("history"), history=HISTORY)
    history = stills["history"]
    visible(window, DataTable)[0].selectRow(3)
    press(window, RETURN)
    assert history.calls == [("open", "e35")]


def test_down_in_the_search_goes_on_to_the_rows(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("history"), history=HISTORY)
    press(window, Qt.Key.Key_Down)
    assert isinstance(QApplication.focusWidget(), DataTable)
    press(window, RETURN)
    assert stills["history"].calls == [("open", "e37")]


def test_enter_before_the_hits_leaves_it_to_them(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("history"), history=HISTORY)
    typed("sum")
    press(window, RETURN)
    assert stills["history"].calls == [("submit", "sum")]
    stills["history"].show(replace(HISTORY, query="sum", rows=HISTORY.rows[:1]))
    press(window, RETURN)
    assert last(stills["history"]) == ("open", "e38")
    press(window, Qt.Key.Key_Down)
    assert focused() == "Struk"


def test_esc_clears_the_search_from_the_field_and_from_the_rows(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("history"), history=HISTORY)
    history = stills["history"]
    for away in (False, True):
        typed("sri")
        press(window, RETURN)
        history.show(replace(HISTORY, query="sri"))
        if away:
            press(window, Qt.Key.Key_Down)
        press(window, Qt.Key.Key_Escape)
        assert last(history) == ("search", "")
        history.show(HISTORY)
        (field,) = visible(window, SearchField)
        assert (field.text(), field.hasFocus()) == ("", True)


def test_another_visit_begins_with_an_empty_search(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("history"), history=HISTORY)
    typed("sri")
    press(window, RETURN)
    stills["history"].show(replace(HISTORY, query="sri"))
    stills["history"].show(HISTORY)
    assert visible(window, SearchField)[0].text() == ""


# --- where the focus stands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_family_that_took_all_its_ration_leaves_enter_harmless(qtbot: QtBot, size: tuple[int, int]) -> None:
    gone = tuple(replace(row, most=0, packs=0, gone="sudah habis bulan ini") for row in KNOWN.sections[0].rows)
    empty = replace(
        KNOWN, sections=(replace(KNOWN.sections[0], rows=gone, take_all=False), *KNOWN.sections[1:]), can_serve=False
    )
    window, stills = shown(qtbot, size=size, counter=READY)
    counter = stills["counter"]
    # The practice tray is a window of its own where there is no room beside the till; a card is put in there.
    tray = QLineEdit()
    qtbot.addWidget(tray)
    tray.show()
    for state in (KNOWN, CHOSEN, PROCESSING, CounterState(phase=Phase.DONE, done=DONE), READY):
        activate(qtbot, tray if state is KNOWN else window)
        counter.show(state)
        settle()
    activate(qtbot, tray)
    counter.show(replace(READY, phase=Phase.LOOKING))
    counter.show(replace(empty, sections=()))
    counter.show(empty)
    settle()
    activate(qtbot, window)
    (page,) = visible(window, BasketPage)
    assert page is QApplication.focusWidget()
    press(window, RETURN)
    assert counter.calls == []
    assert ("sign_out",) not in stills["shell"].calls


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_goes_away_with_the_focus_never_hands_it_to_the_header(qtbot: QtBot, size: tuple[int, int]) -> None:
    window, _ = shown(qtbot, size=size, counter=CHOSEN)
    (page,) = visible(window, BasketPage)
    (top,) = visible(window, TopBar)
    for away in (page.cancel, page.serve, page.take_all):
        away.setFocus(Qt.FocusReason.TabFocusReason)
        away.hide()
        settle()
        assert page.isAncestorOf(QApplication.focusWidget()), focused()
        away.show()
        away.setFocus(Qt.FocusReason.TabFocusReason)
        away.setEnabled(False)
        assert not top.isAncestorOf(QApplication.focusWidget()), focused()
        away.setEnabled(True)


def test_no_number_of_tabs_brings_the_focus_to_the_operators_name(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, counter=CHOSEN)
    seen = set()
    for _ in range(60):
        press(window, Qt.Key.Key_Tab)
        seen.add(focused())
    assert "SALURKAN" in seen
    assert "Bu Siti" not in seen
