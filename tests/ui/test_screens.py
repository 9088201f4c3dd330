"""The screens and their pages: what is behind the one in front costs nothing when a line comes or goes."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.views.parts import Screens


class Measured(QWidget):
    """A screen that counts how often it is asked for its size."""

    def __init__(self, place: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.asked = 0
        self._place = place

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        self.asked += 1
        return QSize(100 + 50 * self._place, 60)


def test_only_the_screen_in_front_is_measured(qtbot: QtBot) -> None:
    screens = Screens()
    qtbot.addWidget(screens)
    assert screens.minimumSizeHint().width() <= 0, "no screen yet"
    assert screens.sizeHint().width() <= 0
    pages = [Measured(place, screens) for place in range(3)]
    for page in pages:
        screens.addWidget(page)
    screens.show_page(pages[2])
    for page in pages:
        page.asked = 0
    assert (screens.minimumSizeHint(), screens.sizeHint()) == (QSize(200, 60), QSize(200, 60))
    assert [page.asked > 0 for page in pages] == [False, False, True]
