"""The till worked by keyboard alone: where the focus stands, and that Enter does what the main button says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.qt_app import apply_theme, load_theme, start_qt
from ewarung_pos.ui.text import TROUBLES, trouble
from ewarung_pos.ui.viewmodels.closing_sheet import CountRow
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.stock import StockRow
from ewarung_pos.ui.views import leaving
from ewarung_pos.ui.views.basket import BasketPage
from ewarung_pos.ui.views.closing_sheet import SheetPage
from ewarung_pos.ui.views.doubt import SlipForm
from ewarung_pos.ui.views.kit import DataTable, Line, SearchField, Text, TopBar
from ewarung_pos.ui.views.kit.paint import PaintedButton
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.picture_books import COUNTING, EXPLAIN, HISTORY, RECEIVING, STOCK
from ewarung_pos.ui.views.picture_counter import CHOSEN, DONE, DOUBT, KNOWN, PROCESSING, READY
from ewarung_pos.ui.views.picture_stage import SHELL, Still
from ewarung_pos.ui.views.pictures import settle
from ewarung_pos.ui.views.tray import TrayView
from tests.ui.at_window import focused, last, on, press, shown, typed, visible

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

RETURN, F10 = Qt.Key.Key_Return, Qt.Key.Key_F10
Row = TypeVar("Row", CountRow, StockRow)
SIZES = [(1366, 768), (1024, 600), (800, 480)]


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> Iterator[QApplication]:
    assert start_qt() is qapp
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768), motion=False)
    yield qapp
    settle()  # a window on its way out would be styled once more
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768))


def activate(qtbot: QtBot, window: QWidget) -> None:
    with qtbot.waitActive(window, timeout=15_000):
        window.activateWindow()
    settle()


class Deck:
    """More cards on the tray than fit a page."""

    def cards(self) -> tuple[tuple[str, str], ...]:
        return tuple((str(place), f"KELUARGA {place}") for place in range(40))

    def face(self) -> dict[str, Any]:
        return {"lines": ["EDC SIMULASI"], "asks_pin": False}

    def insert(self, row: str) -> None: ...

    def next_sale(self, what: str) -> None: ...

    def press(self, key: str) -> None: ...

    def slip(self, attempt_amount: int) -> None:
        return None

    def void(self, invoice: str) -> str:
        return "00"

    def totals(self) -> dict[str, int]:
        return {}


def said(window: QWidget) -> str:
    """Every word on the screen."""
    lines = [each.accessibleName() for each in visible(window, Line)]
    return "\n".join([*lines, *(each.text() for each in visible(window, Text))])


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


# --- numbers one under the other -----------------------------------------------------------------------------


def many(rows: tuple[Row, ...], number: int) -> tuple[Row, ...]:
    """More rows than fit a page."""
    return tuple(
        replace(rows[place % len(rows)], product=f"p{place}", name=f"Barang {place + 1}") for place in range(number)
    )


def shows(still: Still) -> Any:
    """The state of whichever view-model it stands for."""
    return still.state


def write(still: Still, call: str, field: str) -> None:
    """What the view-model does with a number."""
    real = still.show

    def take(product: str, packs: int | None) -> None:
        rows = tuple(replace(row, **{field: packs}) if row.product == product else row for row in shows(still).rows)
        done = all(getattr(row, field) is not None for row in rows)
        real(replace(shows(still), rows=rows, **{"can_go_on" if call == "set_count" else "can_receive": done}))

    setattr(still, call, take)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_count_goes_from_page_to_page_and_loses_no_number(qtbot: QtBot, size: tuple[int, int]) -> None:
    rows = tuple(replace(row, counted=None) for row in many(COUNTING.rows, 12))
    window, stills = shown(qtbot, size=size, shell=on("closing"), closing=replace(COUNTING, rows=rows))
    closing = stills["closing"]
    write(closing, "set_count", "counted")
    for number in range(12):
        typed(str(number + 20))
        press(window, RETURN)
    assert [row.counted for row in shows(closing).rows] == [number + 20 for number in range(12)]
    assert focused() == "BANDINGKAN"
    assert closing.calls == []
    press(window, RETURN)
    assert closing.calls == [("count_done",)]


def test_enter_after_the_last_number_goes_back_to_the_one_passed_over(qtbot: QtBot) -> None:
    rows = tuple(replace(row, counted=None) for row in many(COUNTING.rows, 12))
    window, stills = shown(qtbot, size=(1024, 600), shell=on("closing"), closing=replace(COUNTING, rows=rows))
    write(stills["closing"], "set_count", "counted")
    for number in range(12):
        if number != 1:
            typed("7")
        press(window, RETURN)
    assert focused() == "Barang 2, hitungan"


def test_up_in_the_first_field_of_a_page_turns_back(qtbot: QtBot) -> None:
    rows = tuple(replace(row, counted=None) for row in many(COUNTING.rows, 12))
    window, _ = shown(qtbot, size=(1024, 600), shell=on("closing"), closing=replace(COUNTING, rows=rows))
    names = []
    for _ in range(8):
        names.append(focused())
        press(window, Qt.Key.Key_Down)
    for name in reversed(names):
        press(window, Qt.Key.Key_Up)
        assert focused() == name
    press(window, Qt.Key.Key_Up)
    assert focused() == names[0]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_enter_in_a_delivery_is_the_next_field_until_the_main_button(qtbot: QtBot, size: tuple[int, int]) -> None:
    rows = tuple(replace(row, receiving=1) for row in many(STOCK.rows, 8))
    state = replace(STOCK, mode="receive", rows=rows, supplier="Bulog", can_receive=True)
    window, stills = shown(qtbot, size=size, shell=on("stock"), stock=state)
    press(window, RETURN)
    press(window, RETURN)
    for number in range(8):
        assert focused() == f"Barang {number + 1}, jumlah datang"
        press(window, RETURN)
    assert focused() == "CATAT BARANG MASUK"
    assert ("receive",) not in stills["stock"].calls
    press(window, RETURN)
    assert last(stills["stock"]) == ("receive",)


def test_a_delivery_is_said_once_more_and_can_still_be_put_right(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("stock"), stock=RECEIVING)
    for _ in range(2 + len(RECEIVING.rows)):
        press(window, RETURN)
    press(window, RETURN)
    stills["stock"].show(replace(RECEIVING, asks="84 kemasan dari Bulog Semarang: catat?"))
    assert "84 kemasan dari Bulog Semarang: catat?" in said(window)
    assert focused() == "YA, CATAT"
    press(window, RETURN)
    assert "Perbaiki" in [each.accessibleName() for each in visible(window, QAbstractButton)]
    press(window, Qt.Key.Key_Escape)
    assert stills["stock"].calls == [("receive",), ("receive",), ("back",)]


def test_a_delivery_without_its_supplier_asks_for_it_after_the_last_number(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, shell=on("stock"), stock=replace(STOCK, mode="receive"))
    for _ in range(2 + len(STOCK.rows)):
        press(window, RETURN)
    assert focused() == "Pemasok (toko atau lembaga)"


def test_the_limit_of_a_number_is_said(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("stock"), stock=replace(STOCK, mode="receive"))
    write(stills["stock"], "set_receiving", "receiving")
    press(window, RETURN)
    press(window, RETURN)
    limit = "Paling banyak 9.999 sekali catat."
    typed("9999")
    assert limit not in said(window)
    typed("x")
    assert limit not in said(window)
    typed("9")
    assert limit in said(window)
    press(window, Qt.Key.Key_Backspace)
    assert limit not in said(window)
    counting, _ = shown(qtbot, shell=on("closing"), closing=COUNTING)
    typed("999999")
    assert "Paling banyak 99.999 kemasan di satu baris." in said(counting)


# --- why the shelf differs -----------------------------------------------------------------------------------


def test_another_reason_than_lain_leaves_the_keyboard_in_the_row_and_enter_with_the_main_button(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=EXPLAIN)
    closing = stills["closing"]

    def choose(product: str, reason: str, note: str = "") -> None:
        rows = tuple(
            replace(row, reason=reason, note=note) if row.product == product else row for row in shows(closing).rows
        )
        closing.show(replace(shows(closing), rows=rows, can_go_on=True))

    setattr(closing, "choose_reason", choose)  # noqa: B010 - no attribute that a type checker knows
    press(window, Qt.Key.Key_6, Qt.KeyboardModifier.AltModifier)
    assert focused() == "Alasan lain, dengan kata sendiri"
    press(window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    settle()
    assert not isinstance(QApplication.focusWidget(), QAbstractButton), focused()
    assert visible(window, SheetPage)[0].isAncestorOf(QApplication.focusWidget())
    press(window, RETURN)
    assert closing.calls == [("explain_done",)]


# --- the practice tray ---------------------------------------------------------------------------------------


def test_every_answer_about_a_slip_has_its_key_while_the_tray_turns_pages_beside_it(qtbot: QtBot) -> None:
    window, _ = shown(
        qtbot, size=(1800, 900), tray=Deck(), doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True), 1)
    )
    (tray,) = visible(window, TrayView)
    (rows,) = visible(tray, PagedRows)
    qtbot.waitUntil(lambda: len(rows.rows()) == 40, timeout=15_000)
    settle()
    first = [each for each in rows.rows() if each.isVisible()]
    press(window, Qt.Key.Key_M, Qt.KeyboardModifier.AltModifier)
    assert [each for each in rows.rows() if each.isVisible()] != first
    press(window, Qt.Key.Key_N, Qt.KeyboardModifier.AltModifier)
    assert [each for each in rows.rows() if each.isVisible()] == first
    (form,) = visible(window, SlipForm)
    answers = [each for each in visible(form, PaintedButton) if each.key_hint.startswith("Alt+")]
    assert len(answers) > 2
    for answer in answers:
        press(window, Qt.Key(ord(answer.key_hint[-1])), Qt.KeyboardModifier.AltModifier)
        assert answer.isChecked(), answer.key_hint
    window.close()


# --- who leaves a basket behind ------------------------------------------------------------------------------


def test_the_way_back_to_the_basket_is_enter_and_the_other_one_is_told_apart(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    shell, asks = stills["shell"], replace(SHELL, asks=trouble("leave", "sign_out"))
    visible(window, TopBar)[0].operator_pressed.emit()
    for key, modifier in (
        (RETURN, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Y, Qt.KeyboardModifier.AltModifier),
    ):
        shell.show(asks)
        settle()
        assert not visible(window, BasketPage)
        press(window, key, modifier)
        shell.show(SHELL)
        settle()
    assert [call for call in shell.calls if call != ("tick",)] == [("leave",), ("stay",), ("stay",), ("sign_out",)]
    assert stills["counter"].calls == []
    assert focused() == "Beras medium"


def test_the_window_stays_open_until_its_question_is_answered(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    shell = stills["shell"]

    def ask() -> bool:
        shell.show(replace(SHELL, asks=trouble("leave", "close")))
        return True

    setattr(shell, "ask_before_close", ask)  # noqa: B010 - no attribute that a type checker knows
    assert not window.close()
    assert window.isVisible()
    press(window, Qt.Key.Key_Y, Qt.KeyboardModifier.AltModifier)
    assert not window.isVisible()
    assert ("sign_out",) not in shell.calls


def test_everything_that_is_asked_about_has_a_word_for_the_way_on() -> None:
    assert set(leaving._ANYWAY) == {code for code in TROUBLES if code.startswith("leave.")}


def test_a_till_that_met_a_bug_closes_without_a_question(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    setattr(stills["shell"], "ask_before_close", lambda: True)  # noqa: B010 - as above
    window.show_fault()
    assert window.close()


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


def test_what_went_away_while_the_tray_was_in_front_leaves_the_keyboard_with_the_screen(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, size=(1024, 600), counter=CHOSEN)
    (page,) = visible(window, BasketPage)
    tray = QLineEdit()
    qtbot.addWidget(tray)
    tray.show()
    page.take_all.setFocus(Qt.FocusReason.TabFocusReason)
    activate(qtbot, tray)
    page.take_all.hide()
    activate(qtbot, window)
    assert focused() == "Beras medium"


def test_no_number_of_tabs_brings_the_focus_to_the_operators_name(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, counter=CHOSEN)
    seen = set()
    for _ in range(60):
        press(window, Qt.Key.Key_Tab)
        seen.add(focused())
    assert "SALURKAN" in seen
    assert "Bu Siti" not in seen


def test_up_and_down_choose_the_goods_and_left_and_right_how_many(qtbot: QtBot) -> None:
    first, second, *rest = KNOWN.sections[0].rows
    rows = (first, replace(second, gone="sudah habis bulan ini"), *rest)
    basket = replace(KNOWN, sections=(replace(KNOWN.sections[0], rows=rows), *KNOWN.sections[1:]))
    window, stills = shown(qtbot, counter=basket)
    press(window, Qt.Key.Key_Down)
    assert focused() == "Minyak goreng"  # past what is used up
    press(window, Qt.Key.Key_Right)
    assert stills["counter"].calls == [("set_packs", "minyak-1", 1)]
    press(window, Qt.Key.Key_Down)
    assert focused() == "Minyak goreng"
    press(window, Qt.Key.Key_Up)
    assert focused() == "Beras medium"
