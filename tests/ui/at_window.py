"""The till's window over still view-models, and the hands at its keyboard."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ports import PracticeTray
from ewarung_pos.ui.views.picture_stage import SHELL, Still, till_window
from ewarung_pos.ui.views.pictures import settle
from ewarung_pos.ui.views.window import TillWindow

__all__ = ["focused", "last", "on", "press", "shown", "typed", "visible"]


def visible(root: QWidget, kind: type[QWidget] = QWidget) -> list[Any]:
    return [each for each in root.findChildren(kind) if each.isVisibleTo(root)]


def shown(
    qtbot: QtBot, *, size: tuple[int, int] = (1366, 768), tray: PracticeTray | None = None, **states: Any
) -> tuple[TillWindow, dict[str, Still]]:
    window, stills = till_window(tray=tray, **states)
    qtbot.addWidget(window)
    window.resize(*size)
    with qtbot.waitActive(window, timeout=15_000):
        window.show()
        window.activateWindow()
    settle()
    for still in stills.values():
        still.calls.clear()
    return window, stills


def press(window: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or window, key, modifier)


def typed(words: str) -> None:
    field = QApplication.focusWidget()
    assert field is not None
    QTest.keyClicks(field, words)


def focused() -> str:
    """Accessible name of what has the keyboard; its class where it has none."""
    found = QApplication.focusWidget()
    return (found.accessibleName() or type(found).__name__) if found is not None else ""


def last(still: Still) -> tuple[object, ...]:
    return still.calls[-1]


def on(screen: str) -> Any:
    return replace(SHELL, screen=screen)
