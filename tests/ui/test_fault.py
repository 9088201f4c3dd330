"""A bug of ours: the till says so, serves nobody until it is started again, and tells nothing that it carried."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ewarung_pos.config import KioskSection
from ewarung_pos.ports import Lane, TaskRunner
from ewarung_pos.ui.qt_app import apply_theme, load_theme, start_qt
from ewarung_pos.ui.qt_till import show_till
from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.viewmodels.shell import ShellState
from ewarung_pos.ui.viewmodels.till import TillViewModels
from ewarung_pos.ui.views.kit import BigButton, Text, TroubleCard
from ewarung_pos.ui.views.picture_stage import till_window
from ewarung_pos.ui.views.pictures import settle
from ewarung_pos.ui.views.window import ViewModels

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

SECRET = "kartu 6013010000004821"


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> Iterator[QApplication]:
    assert start_qt() is qapp
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768), motion=False)
    yield qapp
    gc.unfreeze()  # `show_till` froze what was there, and keeps its window for as long as the program runs
    for window in qapp.topLevelWidgets():
        window.deleteLater()
    settle()
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768))


class Till:
    """Still view-models that count how often they were stopped."""

    def __init__(self, models: ViewModels | TillViewModels) -> None:
        self._models = models
        self.stops = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._models, name)

    def stop(self) -> None:
        self.stops += 1


class Composed:
    """What the window is given, with a bug that happens once it is shown."""

    swiped = None

    def __init__(self, runner: TaskRunner, close: Callable[[], None], bug: Callable[[TaskRunner], None]) -> None:
        self._close = close
        model, _ = till_window()
        self.till = cast("TillViewModels", Till(model._vm))
        model.deleteLater()
        runner.later(0, lambda: bug(runner))

    def stop(self) -> None:
        self.till.stop()
        self._close()


def breaks(*_: object) -> None:
    raise ValueError(SECRET)


def in_a_slot(runner: TaskRunner) -> None:
    breaks()


def in_an_answer(runner: TaskRunner) -> None:
    runner.submit(Lane.LEDGER, lambda: SECRET, breaks, breaks)


def in_a_thread(runner: TaskRunner) -> None:
    threading.Thread(target=breaks, name="edc").start()


@pytest.mark.parametrize("bug", [in_a_slot, in_an_answer, in_a_thread])
def test_a_bug_stops_service_and_says_so(
    bug: Callable[[TaskRunner], None], app: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[Composed] = []
    shown: list[tuple[list[str], int]] = []

    def start(runner: TaskRunner, close: Callable[[], None]) -> Composed:
        def look() -> None:
            cards = [card for top in app.topLevelWidgets() for card in top.findChildren(TroubleCard)]
            cards = [card for card in cards if card.isVisible()]
            if not cards:
                runner.later(5, look)
                return
            shown.append(([line.text() for line in cards[0].findChildren(Text)], cast("Till", made[0].till).stops))
            (button,) = (each for each in cards[0].findChildren(BigButton) if each.isVisible())
            button.click()

        made.append(Composed(runner, close, bug))
        runner.later(5, look)
        return made[0]

    hooks = (sys.excepthook, threading.excepthook)
    with caplog.at_level(logging.ERROR, "ewarung_pos"):
        assert show_till(start, KioskSection(), None, "") == 0
    assert (sys.excepthook, threading.excepthook) == hooks
    ((words, stops),) = shown
    assert trouble("bug").title in words
    assert stops == 1
    (line,) = [record.getMessage() for record in caplog.records if "bug:" in record.getMessage()]
    assert "ValueError" in line
    assert "test_fault.py" in line
    assert "4821" not in caplog.text + " ".join(words)


def test_nothing_brings_the_screens_back(qtbot: QtBot) -> None:
    window, stills = till_window()
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    window.show_fault()
    window.show_fault()
    shell = stills["shell"]
    serving = shell.state
    assert isinstance(serving, ShellState)
    for state in (replace(serving, operator=""), serving):
        shell.show(state)
        (card,) = (each for each in window.findChildren(TroubleCard) if each.isVisible())
        assert trouble("bug").title in [line.text() for line in card.findChildren(Text)]
