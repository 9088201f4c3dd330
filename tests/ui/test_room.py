"""What there is room for stands there whole: no word is cut beside an empty place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.qt_app import apply_theme, load_theme
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.views.basket import BasketPage
from ewarung_pos.ui.views.kit import (
    Badge,
    DataTable,
    Lamp,
    Line,
    PinPad,
    ProgressBar,
    Stepper,
    Text,
    TopBar,
    TroubleCard,
)
from ewarung_pos.ui.views.kit.rail import Rail
from ewarung_pos.ui.views.picture_books import COUNTING, EXPLAIN, HISTORY, MORNING, RECEIPT
from ewarung_pos.ui.views.picture_counter import CHOSEN, KNOWN, PROCESSING, PURSE, READY
from ewarung_pos.ui.views.picture_stage import OUT
from ewarung_pos.ui.views.pictures import settle
from ewarung_pos.ui.views.tabs import Tabs
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


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_is_left_of_a_month_is_drawn_to_one_scale(qtbot: QtBot, size: tuple[int, int]) -> None:
    window, stills = shown(qtbot, size=size, counter=KNOWN)
    before = {bar.accessibleName(): bar.width() for bar in visible(window, ProgressBar)}
    stills["counter"].show(CHOSEN)
    settle()
    after = {bar.accessibleName(): bar.width() for bar in visible(window, ProgressBar)}
    assert len(set(before.values()) | set(after.values())) <= 1


@pytest.mark.parametrize("size", [(1366, 768), (810, 740), (800, 600), (760, 640), (800, 480)], ids=str)
def test_the_tabs_and_the_button_beside_them_are_whole(qtbot: QtBot, size: tuple[int, int]) -> None:
    window, _ = shown(qtbot, size=size, counter=CHOSEN)
    (page,) = visible(window, BasketPage)
    (tabs,) = visible(window, Tabs)
    for each in (page.take_all, *tabs.findChildren(QAbstractButton)):
        assert each.width() >= each.sizeHint().width()
    assert max(each.geometry().right() for each in tabs.findChildren(QAbstractButton)) < tabs.width()


def test_no_number_is_parted_from_its_goods(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, size=(800, 480), counter=PURSE)
    said = next(each.text() for each in visible(window, Text) if "minyak" in each.text())
    assert all(part.startswith(tuple("123456789")) and part.count("\N{NO-BREAK SPACE}") for part in said.split(" "))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_is_paid_in_two_ways_is_read_whole(qtbot: QtBot, size: tuple[int, int]) -> None:
    both = replace(PURSE, summary="2 beras SPHP", to_pay="KKS Rp67.500 + tunai Rp67.500 = Rp135.000")
    window, _ = shown(qtbot, size=size, counter=both)
    said = next(each for each in visible(window, Text) if "tunai" in each.text() and "KKS" in each.text())
    lines = said.text().split(" ")
    assert [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] == [
        "KKS Rp67.500",
        "+ tunai Rp67.500",
        "= Rp135.000",
    ]
    sides = said.contentsMargins()
    assert (
        max(said.fontMetrics().horizontalAdvance(line) for line in lines) <= said.width() - sides.left() - sides.right()
    )
    assert said.wordWrap() or said.sizeHint().width() <= said.width()
    assert said.heightForWidth(said.width()) <= said.height() + 1
    assert len(visible(window, Stepper)) == 4, "no goods are turned over for it"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_so_it_is_while_the_edc_is_waited_for(qtbot: QtBot, size: tuple[int, int]) -> None:
    both = replace(PROCESSING, summary="2 beras SPHP", to_pay="KKS Rp1.067.500 + tunai Rp1.067.500 = Rp2.135.000")
    window, _ = shown(qtbot, size=size, counter=both)
    said = next(each for each in visible(window, Text) if "KKS" in each.text() and "=" in each.text())
    longest = max(said.text().split(" "), key=len)
    assert said.fontMetrics().horizontalAdvance(longest) <= said.width()
    assert said.heightForWidth(said.width()) <= said.height() + 1


def test_siap_says_that_yesterday_is_still_open(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=READY)
    stills["counter"].show(replace(READY, left_open="Hari Selasa 24 Nov 2026 belum ditutup.", tally_of="Hari 24 Nov"))
    settle()
    assert "Hari Selasa 24 Nov 2026 belum ditutup." in {each.text() for each in visible(window, Text)}
    assert any(each.accessibleName().startswith("Hari 24 Nov: ") for each in visible(window))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_count_says_which_day_is_closed(qtbot: QtBot, size: tuple[int, int]) -> None:
    window, _ = shown(qtbot, size=size, shell=on("closing"), closing=replace(COUNTING, date="1 Desember 2026"))
    title = next(each for each in visible(window, Text) if each.text() == "Tutup 1 Des")
    assert title.width() >= title.sizeHint().width()


def test_the_keys_of_the_pin_stay_where_they_are_whatever_is_said_above_them(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=OUT)
    (pad,) = visible(window, PinPad)
    wide = pad.width()
    stills["shell"].show(replace(OUT, notice=trouble("not_authorised.wait")))
    settle()
    assert pad.width() == wide


@pytest.mark.parametrize("mode", ["reason", "pin"])
def test_what_a_reversal_brings_back_is_read_before_the_pin(qtbot: QtBot, mode: str) -> None:
    back = "Barangnya harus sudah kembali di meja. KKS Rp83.200 dikembalikan ke kartu lewat EDC."
    asked = replace(RECEIPT, mode=mode, reason="jumlah_salah", goes_back=back)
    window, _ = shown(qtbot, size=(800, 600), shell=on("history"), history=asked)
    words = " ".join(each.text() for each in visible(window, Text))
    assert back in words
    assert "lawannya" not in words


@pytest.mark.parametrize("busy", ["", "Mengembalikan saldo lewat EDC"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_pin_page_says_whose_pin_it_wants(qtbot: QtBot, size: tuple[int, int], busy: str) -> None:
    voids = replace(RECEIPT, mode="pin", reason="jumlah_salah", busy=busy)
    window, stills = shown(qtbot, size=size, shell=on("history"), history=voids)
    settle()
    (pad,) = visible(window, PinPad)
    words = {each.text(): each for each in visible(pad, Text)}
    assert words["PIN ketua"].height() >= words["PIN ketua"].sizeHint().height()
    assert window.rect().contains(QRect(pad.mapTo(window, pad.rect().topLeft()), pad.size()))
    stills["history"].show(replace(voids, busy="", notice=trouble("not_authorised", "wrong_pin")))
    settle()
    assert "PIN ketua tidak cocok." in {each.text() for each in visible(window, Text)}


def test_a_pin_that_does_not_let_in_is_named_after_whoever_typed_it(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, shell=OUT)
    QTest.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    stills["shell"].show(replace(OUT, notice=trouble("not_authorised", "wrong_pin")))
    settle()
    assert "PIN Bu Siti tidak cocok. Coba lagi." in {each.text() for each in visible(window, Text)}


def test_no_word_is_left_alone_under_a_long_line(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, counter=replace(READY, reader=trouble("device_unavailable", "which_port")))
    detail = next(each for each in visible(window, Text) if "menebak" in each.text())
    sides = detail.contentsMargins()
    room = detail.width() - sides.left() - sides.right()
    advance = detail.fontMetrics().horizontalAdvance(detail.text())
    assert detail.width() < advance, "it needs two lines"
    assert room < advance * 2 // 3, "of like length"


@pytest.mark.parametrize(("size", "percent"), [((1024, 600), 150), ((1366, 768), 200)], ids=str)
def test_a_price_is_whole_in_large_type(qtbot: QtBot, qapp: QApplication, size: tuple[int, int], percent: int) -> None:
    apply_theme(qapp, load_theme("light"), percent, window=QSize(*size), motion=False)
    window, _ = shown(qtbot, size=size, counter=replace(PURSE, section="cash"))
    prices = [each for each in visible(window, Line) if each.text().startswith("Rp")]
    assert prices
    for price in prices:
        assert price.width() >= price.sizeHint().width()


@pytest.mark.parametrize("height", range(560, 620, 7))
def test_all_places_of_the_rail_are_drawn_alike(qtbot: QtBot, height: int) -> None:
    window, _ = shown(qtbot, size=(1024, height))
    (rail,) = visible(window, Rail)
    lowest = min(rail.findChildren(QAbstractButton), key=lambda each: each.height())
    assert rail.stacked == lowest.stacks()


def test_the_date_that_is_to_be_confirmed_stands_beside_the_question(qtbot: QtBot) -> None:
    asked = replace(MORNING, notice=trouble("clock_suspect", "date_unsure"))
    window, _ = shown(qtbot, shell=on("day"), day=asked)
    (card,) = visible(window, TroubleCard)
    assert any(MORNING.date in each.text() for each in visible(card, Text))


def test_the_zone_of_the_time_leaves_the_header_before_the_words_of_a_lamp(qtbot: QtBot) -> None:
    window, _ = shown(qtbot, size=(1100, 768), counter=READY)
    (bar,) = visible(window, TopBar)
    clock = next(each for each in visible(bar, Line) if "09.41" in each.text())
    without = []
    for width in range(1100, 900, -4):
        window.resize(width, 768)
        settle()
        if "WIB" not in clock.text():
            without.append([lamp.shown_word() for lamp in visible(bar, Lamp)])
    assert ["EDC siap", "Struk siap", "3 belum terkirim"] in without
