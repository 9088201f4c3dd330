"""Every window that a test opened is gone before the next test: one that lives on is styled anew with each theme."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from ewarung_pos.ui.views.pictures import settle


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
