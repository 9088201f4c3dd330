"""Qt as the till starts it, and every window that a test opened is gone before the next test.

A window that lives on is styled anew with each theme.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from ewarung_pos.ui.qt_app import start_qt
from ewarung_pos.ui.views.pictures import settle


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application of pytest-qt's fixtures, guarded as the till guards itself on Python 3.11."""
    return start_qt(["ewarung-pos"])


@pytest.fixture(autouse=True)
def no_window_left_behind(qapp: QApplication) -> Iterator[None]:
    """Fail a test that leaves a window alive; those of `qtbot` are already on their way out when this looks."""
    yield
    settle()
    if qapp.topLevelWidgets():  # held by a cycle of Python's, perhaps
        gc.collect()
        settle()
    if left := qapp.topLevelWidgets():
        names = [type(window).__name__ for window in left]
        for window in left:
            window.close()
            window.deleteLater()
        settle()
        pytest.fail(f"left windows alive: {names}", pytrace=False)
