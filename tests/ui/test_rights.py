"""The pages for rights that are not here: which button asks for what, and what the keyboard does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase
from ewarung_pos.ui.viewmodels.rights_state import RightsState
from ewarung_pos.ui.views.basket import BasketPage
from ewarung_pos.ui.views.counter_pages import RefusedPage
from ewarung_pos.ui.views.picture_counter import CHOSEN
from ewarung_pos.ui.views.picture_rights import RIGHTS
from ewarung_pos.ui.views.picture_stage import Still, till_window
from ewarung_pos.ui.views.rights import RightsView
from ewarung_pos.ui.views.window import TillWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

ANSWER = RightsState(mode="answer", answer=trouble("rights.no_line"), can_ask=True, can_help=True, can_move=True)


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


def view_of(window: QWidget) -> RightsView:
    found = one(window, RightsView)
    assert isinstance(found, RightsView)
    return found


def test_a_refused_card_is_asked_for_without_leaving_it(qtbot: QtBot) -> None:
    refused = CounterState(phase=Phase.REFUSED, refusal=trouble("refusal.home_elsewhere"))
    window, stills = shown(qtbot, counter=refused)
    page = one(window, RefusedPage)
    assert isinstance(page, RefusedPage)
    page.button.click()
    assert stills["rights"].calls == [("ask_city",)]
    assert ("finish",) not in stills["counter"].calls


@pytest.mark.parametrize(("can_ask", "asked"), [(True, "ask_city"), (False, "ask_home")])
def test_beside_a_basket_the_city_is_asked_too(qtbot: QtBot, can_ask: bool, asked: str) -> None:
    window, stills = shown(qtbot, counter=replace(CHOSEN, guest=True, can_ask=can_ask))
    page = one(window, BasketPage)
    assert isinstance(page, BasketPage)
    page.family.elsewhere.click()
    assert stills["rights"].calls == [(asked,)]
    stills["counter"].show(CHOSEN)
    assert not page.family.elsewhere.isVisible()


def test_an_answer_offers_only_what_may_be_done(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, rights=ANSWER)
    ask = view_of(window).ask
    for button, command in (
        (ask.again, "ask_again"),
        (ask.pool, "open_pool"),
        (ask.move_home, "ask_home"),
        (ask.button, "go_on"),
    ):
        assert button.isVisible()
        button.click()
        assert stills["rights"].calls[-1] == (command,)
    assert not ask.cancel.isVisible()
    stills["rights"].show(RightsState(mode="answer", answer=trouble("rights.exhausted")))
    assert not any(button.isVisible() for button in (ask.again, ask.pool, ask.move_home))
    stills["rights"].show(RightsState(mode="home", answer=trouble("rights.home_asked")))
    ask.button.click()
    assert stills["rights"].calls[-1] == ("move_home",)


def test_waiting_is_left_with_esc(qtbot: QtBot) -> None:
    window, stills = shown(qtbot, rights=RightsState(mode="waiting", waiting="Menunggu jawaban kota."))
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert stills["rights"].calls == [("cancel",)]


def test_the_pool_is_chosen_explained_and_allowed(qtbot: QtBot) -> None:
    state = next(scene for scene in RIGHTS if scene.name == "jatah-darurat")
    pool = state.build()
    qtbot.addWidget(pool)
    view = view_of(pool)
    assert len(view.pool._lines) == 3
    window, stills = shown(qtbot, rights=RightsState(mode="pool", summary="2 beras", can_go_on=True))
    QTest.keyClick(window, Qt.Key.Key_Return)
    assert stills["rights"].calls == [("ask_why",)]
    stills["rights"].show(RightsState(mode="why", stranger=True))
    view = view_of(window)
    assert not view.why.next.isEnabled()
    QTest.keyClicks(view.why.field, "Suminah")
    QTest.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert stills["rights"].calls[-1] == ("choose_reason", "tanpa_sambungan")
    stills["rights"].show(RightsState(mode="pin", reason="tanpa_sambungan", summary="2 beras"))
    QTest.keyClicks(view.pin.pad, "222222")
    QTest.keyClick(view.pin.pad, Qt.Key.Key_Return)
    assert stills["rights"].calls[-1] == ("confirm", "222222")
    stills["rights"].show(RightsState())
    assert view.why.field.text() == ""
