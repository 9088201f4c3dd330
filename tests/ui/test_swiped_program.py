"""A reader that types into the program's own window: its track goes to the till, and into no page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit

from ewarung_pos.config import KioskSection
from ewarung_pos.ports import TaskRunner
from ewarung_pos.ui.qt_till import show_till
from ewarung_pos.ui.views.kit import BigButton
from ewarung_pos.ui.views.window import TillWindow
from tests.ui.test_fault import Composed, app
from tests.ui.test_swipe import TRACK, inject_into

__all__ = ["app"]

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Swiped(Composed):
    """A till that takes what is swiped."""

    def __init__(self, runner: TaskRunner, close: Callable[[], None]) -> None:
        super().__init__(runner, close, lambda _: None)
        self.swipes: list[str] = []
        self.swiped = self.swipes.append  # type: ignore[assignment]


def test_a_swipe_goes_to_the_till_and_into_no_page(app: QApplication) -> None:
    made: list[Swiped] = []
    pressed: list[str] = []
    typed: list[str] = []

    def start(runner: TaskRunner, close: Callable[[], None]) -> Swiped:
        def swipe() -> None:
            (window,) = (top for top in app.topLevelWidgets() if isinstance(top, TillWindow) and top.isVisible())
            handle = window.windowHandle()
            if app.focusWindow() is not handle:
                runner.later(5, swipe)
                return
            for button in window.findChildren(BigButton):
                button.clicked.connect(lambda: pressed.append("a button"))
            for turn, each in enumerate((None, *(line for line in window.findChildren(QLineEdit) if line.isVisible()))):
                if each is not None:
                    each.setFocus()
                for place, character in enumerate(TRACK + "\r"):
                    inject_into(handle, character, 10_000 * (turn + 1) + 2 * place)
            typed.extend(line.text() for line in window.findChildren(QLineEdit))
            window.close()

        made.append(Swiped(runner, close))
        runner.later(5, swipe)
        return made[0]

    assert show_till(start, KioskSection(), None, "") == 0
    assert made[0].swipes
    assert set(made[0].swipes) == {TRACK}
    assert (pressed, "".join(typed)) == ([], "")
