"""A till that nobody touches asks who works."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.qt_idle import IdleWatch


def test_each_touch_starts_the_wait_again(qtbot: QtBot, qapp: QApplication) -> None:
    calls: list[int] = []
    watch = IdleWatch(1000, lambda: calls.append(1))
    watch.follow(qapp)
    widget = QWidget()  # a window that comes later is heard too
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    window = widget.windowHandle()
    assert window is not None
    qtbot.waitUntil(lambda: qapp.focusWindow() is window)
    try:
        for turn in range(8):
            qtbot.wait(150)
            if turn % 2:
                QTest.mouseClick(window, Qt.MouseButton.LeftButton)
            else:
                QTest.keyClick(window, Qt.Key.Key_A)
        assert calls == []
        qtbot.waitUntil(lambda: len(calls) == 1, timeout=15_000)
    finally:
        watch.deleteLater()
