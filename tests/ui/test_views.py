"""Every screen in every state: whole, named, reachable by keyboard; and every press reaches its view-model."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import zxingcpp
from msgspec.structs import replace
from PIL import Image
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QApplication, QLineEdit, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.domain.documents import Document, Qr
from ewarung_pos.ui.qt_app import apply_theme, load_theme, start_qt
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.viewmodels.closing_state import ClosingState
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.doubt import DoubtState
from ewarung_pos.ui.viewmodels.history import HistoryState
from ewarung_pos.ui.viewmodels.shell import SCREENS, LampState
from ewarung_pos.ui.viewmodels.stick import StickState
from ewarung_pos.ui.viewmodels.stock import StockState
from ewarung_pos.ui.viewmodels.tray import TraySlip, TrayViewModel
from ewarung_pos.ui.views.basket import BasketPage, ShelfLine
from ewarung_pos.ui.views.closing import ClosingView
from ewarung_pos.ui.views.counter import CounterView
from ewarung_pos.ui.views.document import Paper
from ewarung_pos.ui.views.doubt import DoubtView, SlipForm
from ewarung_pos.ui.views.family_card import FamilyCard
from ewarung_pos.ui.views.kit import (
    BigButton,
    DataTable,
    Lamp,
    Line,
    Note,
    Picture,
    PinPad,
    StepHead,
    Stepper,
    Text,
    TickRow,
)
from ewarung_pos.ui.views.kit.lamp import HeaderButton
from ewarung_pos.ui.views.kit.paint import PaintedButton, text_width
from ewarung_pos.ui.views.kit.style import current_style
from ewarung_pos.ui.views.paged_rows import PagedRows
from ewarung_pos.ui.views.picture_books import (
    COUNTING,
    DIFFERS,
    EXPLAIN,
    HISTORY,
    LARGE,
    MORNING,
    RECEIPT,
    RECEIVING,
    SEAL,
    SEALED,
    SEALED_WITHOUT_PAPER,
    SENDING,
    STICK_BUSY,
    STICK_SAVED,
    STICK_WHICH,
    STOCK,
    SYNC,
)
from ewarung_pos.ui.views.picture_counter import CHOSEN, DONE, DOUBT, KNOWN, PROCESSING, PURSE, READY
from ewarung_pos.ui.views.picture_devices import ALLOWING, FINE, FOUND, NOTHING, TRYING, WRITTEN
from ewarung_pos.ui.views.picture_papers import PAPER
from ewarung_pos.ui.views.picture_scenes import SCENES
from ewarung_pos.ui.views.picture_stage import OUT, SHELL, Shows, Still, till_window
from ewarung_pos.ui.views.pictures import render_states, settle, show_scene
from ewarung_pos.ui.views.qr import qr_modules
from ewarung_pos.ui.views.tray import PAGE_KEYS, TrayView
from ewarung_pos.ui.views.tray_edc import TrayShape
from ewarung_pos.ui.views.window import TillWindow, ViewModels
from tests.ui.at_window import last, on, press, shown, typed, visible

# The offscreen platform says so when a window has a least size, is raised or docked; it is not about us.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

SIZES = [(1366, 768), (1024, 600), (800, 480)]
COUNTER_FLOW = ("siap", "dicari", "kartu", "ditolak", "proses", "selesai")
BY_NAME = {scene.name: scene for scene in SCENES}
STANDING = {
    scene.name: scene.build
    for scene in SCENES
    if isinstance(scene.build, Shows) and not scene.build.alone and scene.after is None and scene.size is None
}
ALONE = [name for name in BY_NAME if name not in STANDING]
PARTS = 6


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> Iterator[QApplication]:
    assert start_qt() is qapp
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768), motion=False)
    yield qapp
    settle()  # a window on its way out would be styled once more
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768))


def close(widget: QWidget) -> None:
    widget.close()
    widget.deleteLater()
    settle()


def scrolled(widget: QWidget, root: QWidget) -> bool:
    parent = widget.parentWidget()
    while parent is not None and parent is not root:
        if isinstance(parent, QAbstractScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def cut(root: QWidget) -> list[str]:
    """What does not come out whole: words wider or higher than their place, widgets outside their parent."""
    found = []
    for widget in visible(root):
        parent = widget.parentWidget()
        if scrolled(widget, root) or parent is None:
            continue
        name = f"{type(widget).__name__} {widget.accessibleName() or getattr(widget, 'text', str)()!r}"
        if not widget.isWindow() and not parent.rect().adjusted(-1, -1, 1, 1).contains(widget.geometry()):
            found.append(f"{name} lies outside: {widget.geometry()} in {parent.rect()}")
        if wrong := _words_cut(widget):
            found.append(f"{name} {wrong}")
    return found


def _words_cut(widget: QWidget) -> str:
    if isinstance(widget, Text) and widget.text():
        if widget.wordWrap():
            return "is too high" if widget.heightForWidth(widget.width()) > widget.height() + 1 else ""
        return "is too wide" if widget.sizeHint().width() > widget.width() else ""
    if isinstance(widget, Line):
        return "is too wide" if widget.sizeHint().width() > widget.width() + 1 else ""
    if isinstance(widget, HeaderButton):
        return "is too wide" if widget.sizeHint().width() > widget.width() else ""
    if isinstance(widget, StepHead):
        return "is too wide" if widget._places()[-1][1].right() >= widget.width() else ""
    if isinstance(widget, TickRow):
        _, place, _ = widget._places()
        wrapped = Qt.TextFlag.TextWordWrap.value
        needs = QFontMetrics(widget._font(place.width())).boundingRect(place, wrapped, widget._words())
        return "" if needs.width() <= place.width() and needs.height() <= place.height() else "is cut"
    # These set their words smaller, down to 14 px, before they cut them.
    if isinstance(widget, Note):
        font = current_style().font(widget._role, bold=widget._bold)
        room = widget.width() - widget._lead()
    elif isinstance(widget, BigButton):
        font = current_style().font(_role(widget), bold=True)
        icon, _, chip = widget._parts()
        room = widget.width() - 16 - icon - (chip.width() + 12 if chip.width() else 0)
    else:
        return ""
    return "is elided" if text_width(font.smaller(14), widget.accessibleName()) > room + 1 else ""


def _role(button: BigButton) -> Any:
    from ewarung_pos.ui.views.kit.buttons import _ROLES

    return _ROLES[button._size]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("part", range(PARTS))
def test_in_any_state_nothing_is_cut_and_all_is_named_large_enough_and_under_one_key(
    part: int, size: tuple[int, int], subtests: pytest.Subtests
) -> None:
    """A till's window stands all day while its states change; to build one for each costs five times the look at it."""
    scenes = dict(list(STANDING.items())[part::PARTS])
    window, stills = next(iter(scenes.values())).opened()
    stand(window, size)
    try:
        for name, build in scenes.items():
            build.show_on(stills)
            settle()
            with subtests.test(name):
                comes_out_whole(window, name, size)
    finally:
        close(window)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ALONE)
def test_so_it_is_in_what_needs_a_window_of_its_own(name: str, size: tuple[int, int]) -> None:
    widget = show_scene(BY_NAME[name], QSize(*size))
    try:
        comes_out_whole(widget, name, size)
    finally:
        close(widget)


def stand(window: TillWindow, size: tuple[int, int]) -> None:
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(*size)
    window.show()
    settle()


def comes_out_whole(widget: QWidget, name: str, size: tuple[int, int]) -> None:
    assert cut(widget) == []
    if name.startswith(COUNTER_FLOW):
        assert visible(widget, QScrollArea) == []
    if size != (800, 480):
        large_enough(widget, 64 if name.startswith(("kartu", "selesai", "ditolak", "proses")) else 48)
    one_key_each(widget)


def large_enough(root: QWidget, least: int) -> None:
    for each in visible(root, QAbstractButton):
        assert each.accessibleName(), f"{each} has no name"
        assert min(each.width(), each.height()) >= 48, f"{each.accessibleName()} is {each.size()}"
        if isinstance(each, BigButton) and each.accessibleName() in {"SALURKAN", "Batal", "SELESAI"}:
            assert each.height() >= least
    for field in visible(root, QLineEdit):
        assert field.accessibleName()
        assert field.height() >= 48
    for stepper in visible(root, Stepper):
        assert stepper.height() >= 64


def one_key_each(root: QWidget) -> None:
    taken: dict[str, str] = {}
    for each in visible(root, PaintedButton):
        if isinstance(each, BigButton):
            assert each.key_hint, f"{each.accessibleName()} shows no key"
        if each.key_hint and each.isEnabled():
            # In practice the tray stands beside every screen.
            assert isinstance(root, TrayView) or each.key_hint not in PAGE_KEYS
            assert each.key_hint not in taken, f"{each.key_hint}: {taken[each.key_hint]}, {each.accessibleName()}"
            taken[each.key_hint] = each.accessibleName()


def test_pictures_are_written_for_each_size(tmp_path: Path) -> None:
    files = render_states(tmp_path, ((800, 480),), only="siap")
    assert files[0].name.endswith("-siap-800x480.png")
    with Image.open(files[0]) as picture:
        assert picture.size == (800, 480)


# --- presses -------------------------------------------------------------------------------------------------


def test_the_counter_by_keyboard_alone(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    counter = stills["counter"]
    press(window, Qt.Key.Key_F10)
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Enter)
    press(window, Qt.Key.Key_Escape)
    assert counter.calls == [("take_all",), ("serve",), ("serve",), ("cancel",)]


def test_plus_and_minus_work_on_the_first_line_at_once(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=READY)
    counter = stills["counter"]
    counter.show(replace(READY, phase=Phase.LOOKING))
    counter.show(KNOWN)
    settle()
    press(window, Qt.Key.Key_Plus)
    assert counter.calls == [("set_packs", "beras-5", 1)]
    press(window, Qt.Key.Key_Minus)
    press(window, Qt.Key.Key_Minus)
    assert counter.calls[1:] == [("set_packs", "beras-5", 0)]


def test_a_touch_on_plus_leaves_enter_with_salurkan(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    line = visible(window, ShelfLine)[2]
    minus = line.stepper.findChildren(QAbstractButton)[0]
    QTest.mouseClick(minus, Qt.MouseButton.LeftButton)
    press(window, Qt.Key.Key_Return)
    assert stills["counter"].calls == [("set_packs", "minyak-1", 0), ("serve",)]


def test_the_stepper_cannot_pass_its_bound(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    plus = visible(window, ShelfLine)[2].stepper.findChildren(QAbstractButton)[1]
    assert not plus.isEnabled()
    QTest.mouseClick(plus, Qt.MouseButton.LeftButton)
    assert stills["counter"].calls == []


def test_without_a_reader_the_main_button_types_the_number(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=replace(READY, reader=trouble("device_unavailable.not_configured")))
    words = [each.text() for each in visible(window, Text)]
    assert "Belum ada pembaca kartu" in words
    assert "Masukkan atau gesek kartu" not in words
    buttons = [each for each in visible(window, BigButton) if each.accessibleName() == "Ketik nomor"]
    assert [button.key_hint for button in buttons] == ["F8"]
    press(window, Qt.Key.Key_F8)
    assert stills["typed"].calls == [("begin",)]
    stills["counter"].show(replace(READY, day_open=False))
    (button,) = [each for each in visible(window, BigButton) if each.accessibleName() == "Buka Hari"]
    assert button.key_hint == "Enter"


@pytest.mark.parametrize(
    "state",
    [
        CounterState(day_open=False),
        CounterState(day_open=False, day_closing=True),
        CounterState(day_open=False, day_sealed=True),
    ],
    ids=["not opened", "being closed", "sealed"],
)
def test_a_day_that_is_not_open_shows_a_shut_shop_and_no_broken_reader(qtbot: QtBot, state: CounterState) -> None:
    window, _ = shown(qtbot, counter=state)
    assert [each._name for each in visible(window, Picture)] == ["shop-shut"]


def test_the_count_says_that_packs_are_counted(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=COUNTING)
    assert "kemasan" in [each.text() for each in visible(window, Text)]
    stills["closing"].show(EXPLAIN)
    assert "kemasan" not in [each.text() for each in visible(window, Text)]


def test_large_counts_have_their_thousands_point(qtbot: QtBot) -> None:
    cloud = LampState("cloud-upload", "1.234 belum terkirim", "look", "sync")
    window, stills = shown(
        qtbot,
        size=(800, 480),
        shell=replace(on("closing"), lamps=(*SHELL.lamps[:2], cloud)),
        closing=replace(SENDING, unsent=1_234, sent=5_678, sent_bytes=9_876_543),
    )
    words = [each.text() for each in visible(window, Text)]
    assert "Mengirim 1.234 catatan ke kota" in words
    assert "5.678 catatan terkirim, 9.645 kB" in words
    assert visible(window, Lamp)[-1].shown_word() == "Kota 1.234"
    rows = tuple(replace(row, packs=1_200, most=1_200, value="1.200 × 5 kg") for row in CHOSEN.sections[0].rows)
    stills["counter"].show(replace(CHOSEN, sections=(replace(CHOSEN.sections[0], rows=rows),)))
    stills["shell"].show(on("counter"))
    settle()
    assert visible(window, Stepper)[0].text() == "1.200 × 5 kg"


def test_salurkan_says_why_it_waits(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=KNOWN)
    serve = window.findChildren(BasketPage)[0].serve
    assert serve.reason() == "pilih barang dulu"
    press(window, Qt.Key.Key_Return)
    stills["counter"].show(replace(CHOSEN, presence="kuasa", can_serve=False))
    assert serve.reason() == "pilih alasan kuasa"
    assert stills["counter"].calls == []


def test_who_has_come_and_why(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    counter = stills["counter"]
    press(window, Qt.Key.Key_U, Qt.KeyboardModifier.AltModifier)
    counter.show(replace(CHOSEN, presence="kuasa", can_serve=False))
    settle()
    reason = next(each for each in visible(window, QAbstractButton) if each.accessibleName() == "lanjut usia")
    reason.click()
    assert counter.calls == [("choose_presence", "kuasa"), ("choose_presence", "kuasa", "lanjut_usia")]


def test_tabs_by_key(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    press(window, Qt.Key.Key_K, Qt.KeyboardModifier.AltModifier)
    press(window, Qt.Key.Key_T, Qt.KeyboardModifier.AltModifier)
    assert stills["counter"].calls == [("choose_section", "purse"), ("choose_section", "cash")]


def test_more_rows_than_fit_turn_pages(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, counter=replace(PURSE, section="cash"))
    rows = visible(window, PagedRows)[0]
    first = [each for each in rows.rows() if each.isVisible()]
    press(window, Qt.Key.Key_PageDown)
    second = [each for each in rows.rows() if each.isVisible()]
    assert first
    assert second
    assert not set(first) & set(second)
    assert len(first) + len(second) == len(rows.rows()) == 6
    press(window, Qt.Key.Key_PageUp)
    assert [each for each in rows.rows() if each.isVisible()] == first


@pytest.mark.parametrize(
    ("width", "said"), [(500, ["1–6 dari 13", "7–12 dari 13", "13 dari 13"]), (380, ["1–6/13", "7–12/13", "13/13"])]
)
def test_a_page_of_one_row_names_one_number(qtbot: QtBot, width: int, said: list[str]) -> None:
    rows = PagedRows("Barang")
    qtbot.addWidget(rows)
    rows.set_rows([TickRow(text=f"Barang {place}") for place in range(13)])
    rows.resize(width, 7 * 64)
    rows.show()
    settle()
    found = []
    for _ in said:
        found.append(visible(rows, Text)[0].text())
        visible(rows, BigButton)[-1].click()
    assert found == said


@pytest.mark.parametrize("key", [Qt.Key.Key_PageDown, Qt.Key.Key_PageUp])
def test_after_a_page_is_turned_the_keyboard_is_on_its_first_row(qtbot: QtBot, key: Qt.Key) -> None:
    window, stills = shown(qtbot, counter=replace(PURSE, section="cash"))
    rows = visible(window, PagedRows)[0]
    if key is Qt.Key.Key_PageUp:
        press(window, Qt.Key.Key_PageDown)
    visible(rows, Stepper)[-1].setFocus()
    press(window, key)
    assert QApplication.focusWidget() is visible(rows, Stepper)[0]
    press(window, Qt.Key.Key_Return)
    assert ("cancel",) not in stills["counter"].calls


def test_a_chosen_option_leaves_enter_to_the_button_that_shows_it(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CHOSEN)
    (self_,) = [each for each in visible(window, QAbstractButton) if each.accessibleName() == "Sendiri"]
    self_.setFocus(Qt.FocusReason.TabFocusReason)
    press(window, Qt.Key.Key_Return)
    assert stills["counter"].calls == [("serve",)]


def test_a_basket_is_not_thrown_away_without_being_asked(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=replace(CHOSEN, asks_discard=True))
    cancel = window.findChildren(BasketPage)[0].cancel
    assert cancel.accessibleName() == "Buang keranjang?"
    assert "JANGAN BUANG" in [each.accessibleName() for each in visible(window, BigButton)]
    stills["counter"].show(CHOSEN)
    assert cancel.accessibleName() == "Batal"


def test_esc_leaves_a_refusal(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CounterState(phase=Phase.REFUSED, refusal=trouble("refusal.unknown_card")))
    press(window, Qt.Key.Key_Escape)
    assert stills["counter"].calls == [("finish",)]


def test_a_refusal_is_left_by_its_one_button(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CounterState(phase=Phase.REFUSED, refusal=trouble("refusal.out_of_stock")))
    press(window, Qt.Key.Key_Return)
    assert stills["counter"].calls == [("finish",)]
    assert stills["shell"].calls == [("go", "stock")]


def test_a_refusal_for_a_doubt_opens_the_doubt(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CounterState(phase=Phase.REFUSED, refusal=trouble("refusal.in_doubt")))
    press(window, Qt.Key.Key_Return)
    assert stills["doubt"].calls == [("resume",)]


def test_esc_cannot_cancel_what_the_edc_holds(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=PROCESSING)
    press(window, Qt.Key.Key_Escape)
    assert stills["counter"].calls == [("cancel",)]
    stills["counter"].show(replace(PROCESSING, can_cancel=False, why_no_cancel="EDC memegang jumlahnya"))
    press(window, Qt.Key.Key_Escape)
    assert stills["counter"].calls == [("cancel",)]


def test_selesai_ticks_reprints_and_ends(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CounterState(phase=Phase.DONE, done=DONE))
    press(window, Qt.Key.Key_3)
    press(window, Qt.Key.Key_F9)
    press(window, Qt.Key.Key_Return)
    assert cast("Still", stills["counter"].handover).calls == [("tick", 2), ("reprint",)]
    assert stills["counter"].calls == [("finish",)]


def test_a_dead_printer_offers_the_screen_and_the_screen_leads_back(qtbot: QtBot) -> None:
    lost = replace(DONE, paper_trouble=trouble("printer_not_ready", "link"))
    window, stills = shown(qtbot, counter=CounterState(phase=Phase.DONE, done=DONE))
    press(window, Qt.Key.Key_F8)
    handover = cast("Still", stills["counter"].handover)
    assert handover.calls == [], "with its paper out nobody needs it"
    stills["counter"].show(CounterState(phase=Phase.DONE, done=lost))
    press(window, Qt.Key.Key_F8)
    stills["counter"].show(CounterState(phase=Phase.DONE, done=replace(DONE, on_screen=PAPER)))
    press(window, Qt.Key.Key_Return)
    assert handover.calls == [("show_on_screen",), ("close_screen",)]
    assert stills["counter"].calls == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_code_of_a_receipt_on_the_screen_is_read_from_the_screen(
    qtbot: QtBot, app: QApplication, tmp_path: Path, theme: str
) -> None:
    apply_theme(app, load_theme(theme), 100, motion=False)
    window, _ = shown(qtbot, counter=CounterState(phase=Phase.DONE, done=replace(DONE, on_screen=PAPER)))
    window.grab().save(str(tmp_path / "screen.png"))
    with Image.open(tmp_path / "screen.png") as picture:
        codes = {code.text for code in zxingcpp.read_barcodes(picture.convert("L"))}
    assert codes == {block.data for block in PAPER.blocks if isinstance(block, Qr)}


def test_a_doubt_stands_before_the_counter_and_steps_back(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=READY)
    assert visible(window, CounterView)
    stills["doubt"].show(DoubtState(replace(DOUBT, asking=False), 1))
    assert visible(window, DoubtView)
    assert not visible(window, CounterView)
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_F8)
    press(window, Qt.Key.Key_F9)
    assert stills["doubt"].calls == [("inquire",), ("ask_slip",), ("serve_other",)]
    stills["doubt"].show(DoubtState())
    assert visible(window, CounterView)


def test_the_slip_needs_both_numbers_and_the_leader(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True), 1))
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_A, Qt.KeyboardModifier.AltModifier)
    typed("4821")
    press(window, Qt.Key.Key_Tab)
    typed("004512")
    press(window, Qt.Key.Key_Return)
    assert not visible(window, PinPad)
    press(window, Qt.Key.Key_Tab)
    typed("000123")
    press(window, Qt.Key.Key_Return)
    QTest.keyClicks(visible(window, PinPad)[0], "345678")
    press(window, Qt.Key.Key_Return)
    assert stills["doubt"].calls == [("slip_approved", "4821", "004512", "000123", "345678")]


def test_no_debit_on_the_edc_needs_the_leader_only(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True), 1))
    press(window, Qt.Key.Key_T, Qt.KeyboardModifier.AltModifier)
    press(window, Qt.Key.Key_Return)
    QTest.keyClicks(visible(window, PinPad)[0], "345678")
    press(window, Qt.Key.Key_Return)
    assert stills["doubt"].calls == [("slip_none", "345678")]


@pytest.mark.parametrize(("key", "voided"), [(Qt.Key.Key_S, True), (Qt.Key.Key_B, False)])
def test_a_slip_of_another_card_needs_its_four_digits_its_invoice_and_the_leader(
    qtbot: QtBot, key: Qt.Key, voided: bool
) -> None:
    window, stills = shown(qtbot, doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True), 1))
    press(window, key, Qt.KeyboardModifier.AltModifier)
    assert not visible(window, PinPad)
    for digits in ("1190", "004512"):
        typed(digits)
        press(window, Qt.Key.Key_Tab)
    typed("000123")
    press(window, Qt.Key.Key_Return)
    QTest.keyClicks(visible(window, PinPad)[0], "345678")
    press(window, Qt.Key.Key_Return)
    assert stills["doubt"].calls == [("slip_other", "1190", "004512", "000123", "345678", voided)]


def test_what_the_edc_named_stands_in_the_form_already(qtbot: QtBot) -> None:
    named = replace(DOUBT, asking=False, slip_form=True, slip=("1190", "004512", "000123"))
    window, stills = shown(qtbot, doubt=DoubtState(named, 1))
    press(window, Qt.Key.Key_S, Qt.KeyboardModifier.AltModifier)
    press(window, Qt.Key.Key_Return)
    QTest.keyClicks(visible(window, PinPad)[0], "345678")
    press(window, Qt.Key.Key_Return)
    assert stills["doubt"].calls == [("slip_other", "1190", "004512", "000123", "345678", True)]


def test_a_void_in_doubt_is_never_somebody_elses(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True, void=True), 1))
    (form,) = visible(window, SlipForm)
    press(window, Qt.Key.Key_B, Qt.KeyboardModifier.AltModifier)
    assert not form.last4.isVisible()


@pytest.mark.parametrize(
    ("void", "says", "title"),
    [
        (True, "paid", "Bank sudah mengembalikan saldo"),
        (True, "none", "Tidak ada pembatalan"),
        (False, "paid", "Bank sudah menarik saldo"),
        (False, "none", "Tidak ada penarikan"),
    ],
)
def test_the_leader_is_told_which_way_the_money_went(qtbot: QtBot, void: bool, says: str, title: str) -> None:
    window, _ = shown(qtbot, doubt=DoubtState(replace(DOUBT, asking=False, slip_form=True, void=void), 1))
    (form,) = visible(window, SlipForm)
    form.choose(says)
    form.last4.setText("4821")
    form.approval.setText("004512")
    form.invoice.setText("000123")
    press(window, Qt.Key.Key_Return)
    assert title in [text.text() for text in form.pin.findChildren(Text)]


@pytest.mark.parametrize(("screen", "key"), [(screen, key) for screen, _, _, key in SCREENS])
def test_f_keys_go_everywhere(qtbot: QtBot, screen: str, key: str) -> None:
    window, stills = shown(qtbot)
    press(window, Qt.Key(Qt.Key.Key_F1 + int(key[1:]) - 1))
    assert stills["shell"].calls == [("go", screen)]


def test_devices_are_tried_and_looked_for_by_key(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("devices"), devices=FINE)
    devices = stills["devices"]
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_F8):
        press(window, key)
    assert devices.calls == [("try_card",), ("try_paper",), ("try_edc",), ("look_around",)]
    devices.show(FOUND)
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Escape)
    assert devices.calls[4:] == [("ask_to_apply",), ("back",)]
    devices.show(replace(ALLOWING, notice=None))
    for digit in "222222":
        press(window, Qt.Key(ord(digit)))
    press(window, Qt.Key.Key_Return)
    assert devices.calls[6:] == [("apply", "222222")]
    devices.show(WRITTEN)
    press(window, Qt.Key.Key_Return)
    assert devices.calls[7:] == [], "what stands in the file is not written twice"


def test_a_search_that_found_nothing_names_what_is_ready_and_can_be_repeated(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("devices"), devices=NOTHING)
    words = [each.text() for each in visible(window, Text)]
    assert "Sudah siap: Pembaca kartu, Printer struk, EDC." in words
    assert any(each.startswith("Tidak ada perangkat lain.") for each in words)
    (again,) = (each for each in visible(window, BigButton) if each.accessibleName() == "Cari lagi")
    press(window, Qt.Key.Key_F8)
    assert stills["devices"].calls == [("look_around",)]
    stills["devices"].show(replace(NOTHING, busy="Mencari perangkat"))
    assert not again.isEnabled()
    stills["devices"].show(replace(NOTHING, rows=TRYING.rows[1:]))
    settle()
    words = [each.text() for each in visible(window, Text)]
    assert "Tidak ada perangkat yang ditemukan." in words
    assert not any("Sudah siap" in each for each in words)


def test_screens_are_made_when_first_shown(qtbot: QtBot) -> None:
    window, stills = shown(qtbot)
    assert window.findChildren(ClosingView) == []
    stills["shell"].show(replace(SHELL, screen="closing"))
    assert len(window.findChildren(ClosingView)) == 1
    stills["shell"].show(replace(SHELL, screen="counter"))
    stills["shell"].show(replace(SHELL, screen="closing"))
    assert len(window.findChildren(ClosingView)) == 1


def test_the_clock_ticks(qtbot: QtBot) -> None:
    _, stills = shown(qtbot)
    qtbot.waitUntil(lambda: ("tick",) in stills["shell"].calls, timeout=15_000)


def test_sign_in_by_keyboard_and_who_is_out(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=OUT)
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    typed("234567")
    press(window, Qt.Key.Key_Return)
    assert ("sign_in", "R1", "234567") in stills["shell"].calls
    assert not visible(window, CounterView)
    stills["shell"].show(SHELL)
    assert visible(window, CounterView)
    press(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert last(stills["shell"]) == ("leave",)


def test_a_locked_member_is_opened_with_the_leaders_pin(qtbot: QtBot) -> None:
    locked = replace(OUT, locked=frozenset({"R1"}))
    window, stills = shown(qtbot, shell=locked)
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert not visible(window, PinPad)
    (button,) = [each for each in visible(window, BigButton) if each.accessibleName().startswith("Buka kunci")]
    button.click()
    typed("345678")
    press(window, Qt.Key.Key_Return)
    assert ("unlock", "R1", "345678") in stills["shell"].calls
    stills["shell"].show(replace(locked, checking=True))
    typed("1111")
    assert visible(window, PinPad)[0].count() == 0  # one at a time
    stills["shell"].show(OUT)
    typed("234567")
    press(window, Qt.Key.Key_Return)
    assert last(stills["shell"]) == ("sign_in", "R1", "234567")


def test_somebody_else_can_sign_in_beside_a_locked_member(qtbot: QtBot) -> None:
    window, stills = shown(
        qtbot, shell=replace(OUT, locked=frozenset({"R1"}), notice=trouble("not_authorised", "leader_locked"))
    )
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert any("tidak ada ketua yang bisa membuka" in each.text() for each in visible(window, Text))
    press(window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    typed("123456")
    press(window, Qt.Key.Key_Return)
    assert last(stills["shell"]) == ("sign_in", "S1", "123456")


def test_nobody_is_sent_to_a_leader_who_cannot_open_her(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=replace(OUT, locked=frozenset({"S1", "R1"}), openable=False))
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    words = [each.text() for each in visible(window, Text)]
    assert any("petugas kota" in text for text in words)
    assert not any("Ketua bisa" in text for text in words)
    assert not [each for each in visible(window, BigButton) if each.accessibleName().startswith("Buka kunci")]
    assert not visible(window, PinPad)
    stills["shell"].show(replace(OUT, locked=frozenset({"R1"})))  # the city has opened the leader
    (button,) = [each for each in visible(window, BigButton) if each.accessibleName().startswith("Buka kunci")]
    button.click()
    assert visible(window, PinPad)
    stills["shell"].show(replace(OUT, locked=frozenset({"S1", "R1"}), openable=False))  # and she locked herself again
    assert not visible(window, PinPad)


def test_practice_pins_are_shown_only_when_given(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, shell=replace(OUT, practice=True), practice_hint="PIN Bu Siti 123456")
    assert "PIN Bu Siti 123456" in [each.text() for each in visible(window, Text)]
    real, _ = shown(qtbot, shell=OUT)
    assert "Latihan" not in [each.accessibleName() for each in visible(real, Note)]


def test_history_opens_with_enter_and_goes_down_to_the_pin(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("history"), history=HISTORY)
    history = stills["history"]
    press(window, Qt.Key.Key_Tab)
    press(window, Qt.Key.Key_Down)
    press(window, Qt.Key.Key_Return)
    assert history.calls == [("open", "e37")]
    history.show(RECEIPT)
    press(window, Qt.Key.Key_F9)
    press(window, Qt.Key.Key_Delete)
    assert history.calls[1:] == [("reprint",), ("ask_reversal",)]
    history.show(replace(RECEIPT, mode="reason"))
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert last(history) == ("choose_reason", "jumlah_salah")
    history.show(replace(RECEIPT, mode="pin", reason="jumlah_salah"))
    typed("345678")
    press(window, Qt.Key.Key_Return)
    assert last(history) == ("confirm_reversal", "345678")
    press(window, Qt.Key.Key_Escape)
    assert last(history) == ("back",)


def test_history_searches_what_is_typed(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("history"), history=HistoryState())
    typed("4821")
    qtbot.waitUntil(lambda: ("search", "4821") in stills["history"].calls, timeout=15_000)
    press(window, Qt.Key.Key_Return)
    assert last(stills["history"]) == ("submit", "4821")


@pytest.mark.parametrize(
    ("screen", "read"),
    [
        ("history", HistoryState(read=True)),
        ("stock", StockState(read=True)),
        ("closing", ClosingState(read=True)),
    ],
)
def test_nothing_is_said_to_be_missing_before_the_ledger_was_read(qtbot: QtBot, screen: str, read: Any) -> None:
    window, stills = shown(qtbot, shell=on(screen))

    def said() -> str:
        return " ".join(each.text() for each in visible(window, Text))

    assert "Buku catatan sedang dibaca." in said()
    assert not re.search("[Bb]elum ada|Tidak ada", said())
    stills[screen].show(read)
    settle()
    assert "sedang dibaca" not in said()
    assert re.search("[Bb]elum ada|Tidak ada", said())


def test_receiving_goods_by_keyboard(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("stock"), stock=STOCK)
    stock = stills["stock"]
    press(window, Qt.Key.Key_F9)
    stock.show(replace(STOCK, mode="receive"))
    typed("Bulog")
    assert last(stock) == ("describe", "Bulog", "")
    press(window, Qt.Key.Key_Tab)
    press(window, Qt.Key.Key_Tab)
    typed("60")
    assert last(stock) == ("set_receiving", "b5", 60)
    press(window, Qt.Key.Key_Return)
    assert ("receive",) not in stock.calls
    stock.show(RECEIVING)
    for _ in range(len(RECEIVING.rows)):
        press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Escape)
    assert stock.calls[0] == ("begin_receiving",)
    assert stock.calls[-2:] == [("receive",), ("back",)]


def test_the_day_is_opened_with_enter_and_only_when_it_may(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("day"), day=MORNING)
    press(window, Qt.Key.Key_Return)
    stills["day"].show(replace(MORNING, can_open=False))
    press(window, Qt.Key.Key_Return)
    assert stills["day"].calls == [("open",)]
    stills["day"].show(replace(MORNING, can_open=False, already=True))
    press(window, Qt.Key.Key_Return)
    assert stills["shell"].calls == [("go", "counter")]


def test_while_the_day_is_being_closed_each_screen_leads_to_the_close_and_not_to_the_other(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CounterState(day_open=False, day_closing=True))
    assert any("Hari sedang ditutup" in each.text() for each in visible(window, Text))
    press(window, Qt.Key.Key_Return)
    stills["shell"].show(on("day"))
    stills["day"].show(replace(MORNING, can_open=False, already=True, closing=True))
    press(window, Qt.Key.Key_Return)
    assert stills["shell"].calls == [("go", "closing"), ("go", "closing")]


@pytest.mark.parametrize("state", [COUNTING, EXPLAIN, SENDING, SEAL], ids=lambda state: str(state.step))
def test_each_step_of_the_close_leads_back_to_serving(qtbot: QtBot, state: ClosingState) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=state)
    press(window, Qt.Key.Key_Escape if state.step == 1 else Qt.Key.Key_F8)
    assert stills["closing"].calls == [("back_to_serving",)]


def test_why_the_edc_differs_is_typed_at_once_when_its_total_comes(qtbot: QtBot) -> None:
    asking = replace(SEAL, busy="Menanyakan total ke EDC")
    window, stills = shown(qtbot, shell=on("closing"), closing=asking)
    closing = stills["closing"]
    press(window, Qt.Key.Key_F8)
    press(window, Qt.Key.Key_Escape)
    assert closing.calls == []
    closing.show(DIFFERS)
    settle()
    typed("uji")
    assert closing.calls[-1] == ("explain_edc", "uji")
    closing.show(replace(DIFFERS, explanation="uji", notice=trouble("day_not_open", "in_doubt")))
    settle()
    closing.show(replace(DIFFERS, explanation="uji"))
    settle()
    typed("!")
    assert closing.calls[-1] == ("explain_edc", "uji!")
    press(window, Qt.Key.Key_Escape)
    assert last(closing) == ("recount",)


def test_the_total_of_the_edc_takes_no_keyboard_from_another_screen(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=SEAL)
    stills["shell"].show(on("history"))
    settle()
    stills["closing"].show(DIFFERS)
    settle()
    typed("4821")
    assert not any(call[0] == "explain_edc" for call in stills["closing"].calls)
    assert not any("Empat angka" in each.text() for each in visible(window, Text))


def test_a_text_that_may_not_be_kept_is_refused_at_its_field(qtbot: QtBot) -> None:
    refused = replace(DIFFERS, explanation="Bu Suminah", notice=trouble("not_entitled", "text_name"))
    window, stills = shown(qtbot, shell=on("closing"), closing=DIFFERS)
    typed("Bu Suminah")
    stills["closing"].show(refused)
    settle()
    assert any("Ganti nama itu dengan nomor struknya" in each.text() for each in visible(window, Text))
    typed(" x")
    assert stills["closing"].calls[-1] == ("explain_edc", "Bu Suminah x")


def test_the_close_from_count_to_seal(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=ClosingState(can_go_on=True))
    closing = stills["closing"]
    press(window, Qt.Key.Key_Return)
    closing.show(COUNTING)
    typed("119")
    press(window, Qt.Key.Key_Return)
    assert closing.calls == [
        ("begin",),
        ("set_count", "b5", 1),
        ("set_count", "b5", 11),
        ("set_count", "b5", 119),
    ]
    closing.show(replace(COUNTING, can_go_on=True, rows=tuple(replace(row, counted=1) for row in COUNTING.rows)))
    for _ in range(len(COUNTING.rows)):
        press(window, Qt.Key.Key_Return)
    closing.show(EXPLAIN)
    settle()
    reason = next(each for each in visible(window, QAbstractButton) if each.accessibleName() == "tumpah")
    reason.click()
    assert closing.calls[-2:] == [("count_done",), ("choose_reason", "g1", "tumpah", "")]
    closing.show(replace(EXPLAIN, can_go_on=True))
    press(window, Qt.Key.Key_Return)
    closing.show(SENDING)
    press(window, Qt.Key.Key_Return)
    closing.show(SEAL)
    press(window, Qt.Key.Key_Return)
    closing.show(SEALED)
    press(window, Qt.Key.Key_F9)
    assert closing.calls[-4:] == [("explain_done",), ("send_done",), ("seal",), ("reprint",)]


@pytest.mark.parametrize("size", [(1366, 768), (1024, 600), (800, 480)])
def test_a_report_without_paper_is_saved_by_a_key_and_says_why(qtbot: QtBot, size: tuple[int, int]) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=SEALED)
    window.resize(*size)
    press(window, Qt.Key.Key_F10)
    assert stills["closing"].calls == []  # a report that came out needs no file
    stills["closing"].show(SEALED_WITHOUT_PAPER)
    settle()
    assert "Pasang gulungan baru, lalu Cetak lagi." in " ".join(each.text() for each in visible(window, Text))
    press(window, Qt.Key.Key_F10)
    press(window, Qt.Key.Key_F9)
    assert stills["closing"].calls == [("save_pdf",), ("reprint",)]


def test_the_count_is_blind(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=COUNTING)
    said = " ".join(each.text() for each in visible(window, Text))
    assert "126" not in said
    stills["closing"].show(EXPLAIN)
    assert "126 bungkus" in " ".join(each.text() for each in visible(window, Text))


def test_while_the_shelf_is_counted_no_screen_shows_the_book_nor_takes_goods_in(qtbot: QtBot) -> None:
    hidden = tuple(replace(row, on_hand=None, content="") for row in STOCK.rows)
    window, stills = shown(qtbot, shell=on("stock"), stock=replace(STOCK, rows=hidden, closing=True, blind=True))
    press(window, Qt.Key.Key_F9)
    assert stills["stock"].calls == []
    stills["stock"].show(replace(RECEIVING, rows=tuple(replace(row, on_hand=None) for row in RECEIVING.rows)))
    settle()
    words = [each.accessibleName() for each in visible(window, Line)]
    assert "di rak + 60" in " | ".join(words)
    assert not any("120" in each for each in words)


def test_a_large_difference_asks_the_leader(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("closing"), closing=LARGE)
    press(window, Qt.Key.Key_Return)
    assert stills["closing"].calls == []
    told = [each.text() for each in visible(window, Text)]
    assert "Beras Rojolele 5 kg: −20 karung, salah hitung terima" in "\n".join(told)
    typed("345678")
    press(window, Qt.Key.Key_Return)
    assert stills["closing"].calls == [("explain_done", "345678")]


def test_sinkron_sends_with_enter_but_not_twice(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("sync"), sync=SYNC)
    press(window, Qt.Key.Key_Return)
    stills["sync"].show(replace(SYNC, busy=True))
    press(window, Qt.Key.Key_Return)
    assert stills["sync"].calls == [("send_now",)]


def test_sinkron_says_that_the_version_is_old_after_what_is_more_pressing(qtbot: QtBot) -> None:
    old = replace(SYNC, upgrade="Versi aplikasi ini sudah lama: pasang versi 0.9.")
    window, stills = shown(qtbot, shell=on("sync"), sync=old)
    for notice, first in ((None, "pasang versi 0.9. Layani terus"), (trouble("server_unreachable"), "Tidak ada jalur")):
        stills["sync"].show(replace(old, notice=notice))
        said = " ".join(each.text() for each in visible(window, Text))
        assert first in said
        assert ("pasang versi" in said) is (notice is None)
    press(window, Qt.Key.Key_Return)
    assert stills["sync"].calls == [("send_now",)], "it holds nobody up"


def test_lamps_lead_to_their_screens(qtbot: QtBot) -> None:
    window, stills = shown(qtbot)
    lamp = next(each for each in visible(window, QAbstractButton) if each.accessibleName() == "3 belum terkirim")
    lamp.click()
    assert stills["shell"].calls == [("go", "sync")]


def test_what_was_recorded_before_the_end_is_read_and_put_away_with_a_key(qtbot: QtBot) -> None:
    sentence = "Struk 0047 SUMINAH (Beras 10 kg): tercatat sebelum komputer mati; serahkan barang bila belum."
    window, stills = shown(qtbot, shell=replace(SHELL, banner="Daftar lama.", recovered=sentence))
    assert sentence in [each.text() for each in visible(window, Text)]
    press(window, Qt.Key.Key_F12)
    assert stills["shell"].calls == [("dismiss",)]
    stills["shell"].show(replace(SHELL, banner="Daftar lama."))
    words = [each.text() for each in visible(window, Text)]
    assert "Daftar lama." in words
    assert sentence not in words


def test_the_window_ends_its_subscriptions_and_closes_once(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=READY)
    window.close()
    stills["counter"].show(KNOWN)
    stills["shell"].calls.clear()
    qtbot.wait(1100)
    assert ("tick",) not in stills["shell"].calls
    assert not window.findChildren(CounterView)[0].basket.isVisibleTo(window)


# --- practice tray -------------------------------------------------------------------------------------------


class Hands:
    """Stands in front of an invented EDC."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.away = False

    def cards(self) -> tuple[tuple[str, str], ...]:
        return (("1", "SUMINAH · KKS"), ("2", "NGATINI"))

    def insert(self, row: str) -> None:
        self.done.append(("insert", row))

    def next_sale(self, what: str) -> None:
        self.done.append(("next_sale", what))

    def face(self) -> dict[str, Any]:
        slip = {"kind": "sale", "amount": 58_000, "last4": "4821", "approval": "004512", "invoice": "000123"}
        return {"lines": ["EDC SIMULASI", "MASUKKAN PIN"], "asks_pin": True, "slip": slip}

    def press(self, key: str) -> None:
        self.done.append(("press", key))

    def slip(self, attempt_amount: int) -> None:
        return None

    def void(self, invoice: str) -> str:
        self.done.append(("void", invoice))
        return "00"

    def totals(self) -> dict[str, int]:
        return {}


def practised(qtbot: QtBot, size: tuple[int, int], hands: Hands, **states: Any) -> tuple[TillWindow, dict[str, Still]]:
    spare, stills = till_window(**states)
    close(spare)
    window = TillWindow(ViewModels(**cast("dict[str, Any]", stills)), tray=hands)
    qtbot.addWidget(window)
    window.resize(*size)
    with qtbot.waitActive(window, timeout=15_000):
        window.show()
        window.activateWindow()
    qtbot.waitUntil(lambda: len(tray_of(window)._cards) == 2, timeout=15_000)
    qtbot.waitUntil(tray_of(window)._face._keys[0].isEnabled, timeout=15_000)
    for still in stills.values():
        still.calls.clear()
    return window, stills


def tray_of(window: TillWindow) -> TrayView:
    assert window._tray is not None
    return window._tray


def test_the_tray_works_beside_and_over_the_till_and_ends_its_thread(qtbot: QtBot) -> None:
    hands = Hands()
    window, _ = practised(qtbot, (1800, 900), hands)
    tray = tray_of(window)
    assert tray.shape is TrayShape.WIDE
    tray._cards[1].click()
    tray._chips[1].click()
    tray._face._keys[0].click()
    tray._paper.void.click()
    qtbot.waitUntil(lambda: len(hands.done) == 4)
    assert hands.done == [("insert", "2"), ("next_sale", "wrong_pin"), ("press", "1"), ("void", "000123")]
    keys = [each.key_hint for each in visible(window, PaintedButton) if each.key_hint and each.isEnabled()]
    assert len(keys) == len(set(keys))
    window.resize(800, 480)
    settle()
    assert tray_of(window).shape is TrayShape.SPREAD
    qtbot.waitUntil(lambda: len(tray_of(window)._cards) == 2, timeout=15_000)
    tray_of(window)._turn.click()
    qtbot.waitUntil(lambda: hands.done[-1] == ("next_sale", "cancel"), timeout=15_000)
    window.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane-")]


@pytest.mark.parametrize(
    ("size", "beside"),
    [((1364, 740), True), ((1280, 800), True), ((1022, 578), True), ((1024, 500), False), ((800, 600), False)],
)
@pytest.mark.parametrize("counter", [READY, PURSE], ids=["siap", "kartu"])
def test_the_tray_fits_the_window_and_covers_no_screen_and_no_name(
    qtbot: QtBot, size: tuple[int, int], beside: bool, counter: CounterState
) -> None:
    window, _ = practised(qtbot, size, Hands(), counter=counter)
    tray = tray_of(window)
    assert (window.width(), window.height()) == size
    area = QRect(tray.mapTo(window, QPoint(0, 0)), tray.size())
    assert window.rect().contains(area)
    assert cut(window) == []
    till = window._frame
    assert beside == (till.geometry().right() < tray.geometry().left())
    assert window._shell is not None
    rail = window._shell.rail
    assert not area.intersects(QRect(rail.mapTo(window, QPoint(0, 0)), rail.size()))
    for card in visible(window, FamilyCard):
        assert not area.intersects(QRect(card.mapTo(window, QPoint(0, 0)), card.size()))
    window.close()


@pytest.mark.parametrize("name", ["latihan-edc", "latihan-edc-sempit", "latihan-edc-rendah"])
def test_a_slip_moves_nothing_on_the_tray_and_nothing_covers_the_display(name: str) -> None:
    widget = show_scene(BY_NAME[name], QSize(1024, 600))
    try:
        assert isinstance(widget, TrayView)

        def places() -> list[QRect]:
            settle()
            return [QRect(each.mapTo(widget, QPoint(0, 0)), each.size()) for each in visible(widget, QAbstractButton)]

        state = cast("Any", widget._tray).state
        widget.render_state(replace(state, slip=None))
        before = places()
        widget.render_state(replace(state, slip=TraySlip("SALE Rp58.000 •••• 4821", "APPR 1 · INV 2", "2", True)))
        assert places() == before
        widget.render_state(replace(state, slip=TraySlip("VOID Rp58.000 •••• 4821", "APPR 1 · INV 2", "2", False)))
        assert places() == before
        assert not widget._paper.void.isEnabled()
        assert min(key.y() for key in widget._face._keys) >= widget._face._edge + widget._face._display
    finally:
        close(widget)


@pytest.mark.parametrize("size", [(1366, 768), (1022, 578), (800, 480)], ids=str)
def test_whatever_is_pressed_on_the_tray_the_keyboard_stays_with_the_till(qtbot: QtBot, size: tuple[int, int]) -> None:
    hands = Hands()
    window, stills = practised(qtbot, size, hands, counter=CHOSEN)
    tray = tray_of(window)
    QTest.mouseClick(tray._cards[0], Qt.MouseButton.LeftButton)
    QTest.mouseClick(tray._face._keys[4], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(hands.done) == 2, timeout=15_000)
    press(window, Qt.Key.Key_Return)
    assert stills["counter"].calls == [("serve",)]
    chip = tray._chips[1] if tray._chips else tray._turn
    chip.setFocus(Qt.FocusReason.TabFocusReason)
    press(window, Qt.Key.Key_Return)
    tray._cards[1].setFocus(Qt.FocusReason.TabFocusReason)
    press(window, Qt.Key.Key_Enter)
    assert stills["counter"].calls == [("serve",)] * 3
    assert len(hands.done) == 2
    press(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: hands.done[2:] == [("insert", "2")], timeout=15_000)
    window.close()


@pytest.mark.parametrize("size", [(1022, 578), (800, 480)], ids=str)
def test_a_card_of_the_tray_is_found_by_name_and_the_keyboard_goes_back(qtbot: QtBot, size: tuple[int, int]) -> None:
    hands = Hands()
    window, stills = practised(qtbot, size, hands, counter=CHOSEN)
    tray = tray_of(window)
    tray.search.setFocus(Qt.FocusReason.MouseFocusReason)
    typed("ngat")
    qtbot.waitUntil(lambda: [card.row for card in tray._cards] == ["2"], timeout=15_000)
    QTest.keyClick(tray.search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hands.done == [("insert", "2")], timeout=15_000)
    assert not tray.search.hasFocus()
    press(window, Qt.Key.Key_Return)
    tray.search.setFocus(Qt.FocusReason.MouseFocusReason)
    press(window, Qt.Key.Key_Escape)
    press(window, Qt.Key.Key_Escape)
    assert stills["counter"].calls == [("serve",), ("cancel",)]
    window.close()


def test_a_tray_over_the_till_is_put_away_by_key_and_waits_for_who_signs_in(qtbot: QtBot) -> None:
    window, stills = practised(qtbot, (800, 480), Hands(), counter=CHOSEN)
    tray = tray_of(window)
    assert tray.isVisible()
    tray.search.setFocus(Qt.FocusReason.MouseFocusReason)
    press(window, Qt.Key.Key_F11)
    assert tray.isHidden()
    press(window, Qt.Key.Key_Return)
    assert ("serve",) in stills["counter"].calls
    press(window, Qt.Key.Key_F11)
    assert tray.isVisible()
    stills["shell"].show(OUT)
    assert tray.isHidden()
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    typed("234567")
    assert visible(window, PinPad)[0].count() == 6
    stills["shell"].show(SHELL)
    assert tray.isVisible()
    window.resize(1022, 578)
    settle()
    press(window, Qt.Key.Key_F11)
    assert tray_of(window).isVisible()
    window.close()


def test_the_red_key_of_the_tray_never_takes_the_keyboard(qtbot: QtBot) -> None:
    widget = BY_NAME["latihan-edc-jauh"].build()
    qtbot.addWidget(widget)
    assert isinstance(widget, TrayView)
    (red,) = [key for key in widget._face._keys if key.edc_key == "cancel"]
    assert red.focusPolicy() is Qt.FocusPolicy.NoFocus


@pytest.mark.parametrize("height", [500, 610, 701])
def test_the_last_row_of_a_long_list_is_shown_whole(qtbot: QtBot, height: int) -> None:
    rows = tuple(replace(STOCK.rows[0], product=f"p{place}") for place in range(30))
    window, _ = shown(qtbot, shell=on("stock"), stock=replace(STOCK, rows=rows))
    window.resize(1366, height)
    settle()
    table = visible(window, DataTable)[0]
    last = table.rowAt(table.viewport().height() - table.rowHeight(0) // 3)
    bottom = table.rowViewportPosition(last) + table.rowHeight(last)
    assert bottom <= table.viewport().height()


def test_the_tray_says_that_it_is_away(qtbot: QtBot) -> None:
    widget = BY_NAME["latihan-edc-jauh"].build()
    qtbot.addWidget(widget)
    assert isinstance(widget, TrayView)
    keys = [key for key in widget._face._keys if key.edc_key.isdigit()]
    assert not any(key.isEnabled() for key in keys)


def test_the_tray_model_tries_again_after_trouble() -> None:
    from ewarung_pos.errors import DeviceUnavailable
    from ewarung_pos.ui.runners import SteppedRunner

    class Away(Hands):
        def cards(self) -> tuple[tuple[str, str], ...]:
            if self.away:
                raise DeviceUnavailable("gone", reason="tray")
            return super().cards()

    hands, runner = Away(), SteppedRunner()
    hands.away = True
    model = TrayViewModel(hands, runner)
    model.activate()
    runner.pump()
    assert model.state.display == ()
    assert "EDC" in str(model.state.away)
    hands.away = False
    runner.advance(2_500)
    runner.pump()
    assert len(model.state.cards) == 2
    assert model.state.asks_pin
    assert model.state.away is None
    model.stop()
    assert runner.pump(timeout=0.5)


# --- papers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["A", "EW1:S:EW-0123:1:123:9F86D081884C7D65:47:2026-11-24:191000", "Q7:" * 50])
def test_a_qr_on_the_screen_can_be_scanned(text: str) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    modules = qr_modules(text)
    side = len(modules) + 8
    image = Image.new("L", (side * 4, side * 4), 255)
    for down, line in enumerate(modules):
        for across, dark in enumerate(line):
            if dark:
                image.paste(0, ((across + 4) * 4, (down + 4) * 4, (across + 5) * 4, (down + 5) * 4))
    assert [found.text for found in zxingcpp.read_barcodes(image)] == [text]


@pytest.mark.parametrize("text", ["a", "X" * 155])
def test_what_does_not_fit_a_qr_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"too long|substring"):
        qr_modules(text)


def test_the_paper_on_the_screen_carries_the_scannable_code(qtbot: QtBot) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    paper = Paper()
    qtbot.addWidget(paper)
    paper.set_document(PAPER)
    paper.show()
    from PySide6.QtCore import QBuffer, QByteArray

    store = QByteArray()
    buffer = QBuffer(store)
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    paper.grab().scaled(paper.width() * 3, paper.height() * 3).save(buffer, "PNG")
    image = Image.open(io.BytesIO(bytes(store.data())))
    code = next(block.data for block in PAPER.blocks if isinstance(block, Qr))
    assert [found.text for found in zxingcpp.read_barcodes(image)] == [code]


def test_a_practice_paper_is_marked_on_the_screen_too(qtbot: QtBot) -> None:
    paper = Paper()
    qtbot.addWidget(paper)
    plain = Document("a", "A", PAPER.blocks)
    paper.set_document(plain)
    before = paper.sizeHint().height()
    paper.set_document(Document("a", "A", plain.blocks, "LATIHAN - BUKAN STRUK ASLI"))
    assert paper.sizeHint().height() > before + 60


def test_the_paper_can_be_moved_with_keys(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, shell=on("history"), history=RECEIPT)
    area = visible(window, QScrollArea)[0]
    area.setFocus()
    press(window, Qt.Key.Key_End)
    bar = area.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    press(window, Qt.Key.Key_Home)
    assert bar.value() == 0


def test_focus_can_be_seen(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, counter=CHOSEN)
    stepper = visible(window, ShelfLine)[0].stepper
    cancel = window.findChildren(BasketPage)[0].cancel
    cancel.setFocus(Qt.FocusReason.TabFocusReason)
    without = stepper.grab().toImage()
    stepper.setFocus(Qt.FocusReason.TabFocusReason)
    assert stepper.grab().toImage() != without
    assert stepper.mapTo(window, QPoint(0, 0)).x() > 0


def test_sinkron_takes_a_stick_by_key_and_asks_which_of_several(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=on("sync"), sync=SYNC)
    press(window, Qt.Key.Key_F8)
    press(window, Qt.Key.Key_F9)
    assert stills["stick"].calls == [("save",), ("fetch",)]
    stills["stick"].show(STICK_BUSY)
    press(window, Qt.Key.Key_F8)
    assert len(stills["stick"].calls) == 2
    stills["stick"].show(STICK_WHICH)
    press(window, Qt.Key.Key_2)
    press(window, Qt.Key.Key_Escape)
    assert stills["stick"].calls[2:] == [("choose", "/media/siti/FOTO"), ("leave",)]
    assert stills["sync"].calls == []


def test_what_a_stick_says_goes_before_what_the_line_says_and_gives_the_place_back(qtbot: QtBot) -> None:
    away = replace(SYNC, notice=trouble("server_unreachable"))
    window, stills = shown(qtbot, shell=on("sync"), sync=away, stick=STICK_SAVED)
    said = " ".join(each.text() for each in visible(window, Text))
    assert "Catatan 132 sampai 188 disimpan" in said
    assert "jalur ke kota" not in said
    stills["stick"].show(StickState())
    said = " ".join(each.text() for each in visible(window, Text))
    assert "jalur ke kota" in said
