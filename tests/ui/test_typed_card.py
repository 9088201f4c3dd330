"""The page for a typed number: what the keyboard does, and that nothing of it stays."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.viewmodels.counter_state import CounterState
from ewarung_pos.ui.viewmodels.typed_card import ODD, TypedCardState
from ewarung_pos.ui.views.picture_stage import Still, till_window
from ewarung_pos.ui.views.ready import ReadyPage
from ewarung_pos.ui.views.typed_card import TypedCardView
from ewarung_pos.ui.views.window import TillWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

NUMBER = TypedCardState(mode="number")


def shown(qtbot: QtBot, **states: object) -> tuple[TillWindow, dict[str, Still]]:
    window, stills = till_window(**states)  # type: ignore[arg-type]
    qtbot.addWidget(window)
    window.resize(1366, 768)
    with qtbot.waitActive(window, timeout=15_000):
        window.show()
        window.activateWindow()
    return window, stills


def one(window: QWidget, kind: type[QWidget]) -> QWidget:
    (found,) = window.findChildren(kind)
    return found


def view_of(window: QWidget) -> TypedCardView:
    found = one(window, TypedCardView)
    assert isinstance(found, TypedCardView)
    return found


def test_siap_offers_to_type_when_the_day_is_open(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, counter=CounterState(day_open=True))
    page = one(window, ReadyPage)
    assert isinstance(page, ReadyPage)
    page.type_card.click()
    assert stills["typed"].calls == [("begin",)]
    stills["counter"].show(CounterState(day_open=False))
    assert not page.type_card.isVisible()


def test_digits_and_blanks_go_into_the_field_and_nothing_else(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, typed=NUMBER)
    view = view_of(window)
    assert view.number.field.hasFocus()
    QTest.keyClicks(view.number.field, "99 a8;")
    assert view.number.field.text() == "99 8"
    QTest.keyClick(view.number.field, Qt.Key.Key_Return)
    assert stills["typed"].calls[-2:] == [("type", "99 8"), ("ask_leader",)]


def test_a_number_that_looks_wrong_is_marked_and_may_go_on(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, typed=NUMBER)
    view = view_of(window)
    stills["typed"].show(replace(NUMBER, ready=True, reason="kartu_rusak", warning=ODD))
    assert view.number.field.accessibleDescription() == ODD
    assert view.number.next.isEnabled()
    stills["typed"].show(replace(NUMBER, ready=True))
    assert not view.number.next.isEnabled()


def test_the_pin_goes_to_the_pad_and_the_number_is_forgotten_afterwards(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, typed=NUMBER)
    view = view_of(window)
    QTest.keyClicks(view.number.field, "9999842538824821")
    stills["typed"].show(TypedCardState(mode="pin", reason="kartu_rusak", last4="4821"))
    assert view.pin.isVisible()
    QTest.keyClicks(view.pin.pad, "222222")
    QTest.keyClick(view.pin.pad, Qt.Key.Key_Return)
    assert stills["typed"].calls[-1] == ("confirm", "222222")
    stills["typed"].show(TypedCardState())
    assert not view.isVisible()
    stills["typed"].show(NUMBER)
    assert view.number.field.text() == ""
    assert not view.number.field.isUndoAvailable()


def test_back_from_the_pin_finds_the_number_as_it_was(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, typed=NUMBER)
    view = view_of(window)
    QTest.keyClicks(view.number.field, "9999842538824821")
    stills["typed"].show(TypedCardState(mode="pin", reason="kartu_rusak", last4="4821"))
    stills["typed"].show(replace(NUMBER, ready=True))
    assert view.number.field.text() == "9999842538824821"
