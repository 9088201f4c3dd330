"""The small window before the till's own: it asks for the passphrase, says that it was wrong, and can be left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from ewarung_pos.ui.qt_app import apply_theme, load_theme, start_qt
from ewarung_pos.ui.qt_till import ask_passphrase
from ewarung_pos.ui.views.passphrase import PassphraseWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture(autouse=True)
def app(qapp: QApplication) -> None:
    assert start_qt() is qapp
    apply_theme(qapp, load_theme("light"), window=QSize(1366, 768), motion=False)


def answered(act: Callable[[PassphraseWindow], None], *, wrong: bool = False) -> str:
    """What comes back when the operator does this."""

    def find() -> None:
        (window,) = (each for each in QApplication.topLevelWidgets() if isinstance(each, PassphraseWindow))
        assert window.isVisible()
        act(window)

    QTimer.singleShot(0, find)
    said = ask_passphrase(wrong=wrong)
    QApplication.sendPostedEvents()
    return said


def test_what_is_typed_comes_back_and_is_not_shown(qtbot: QtBot) -> None:
    def types(window: PassphraseWindow) -> None:
        assert window.field.echoMode() is QLineEdit.EchoMode.Password
        assert not window.wrong.isVisible()
        QTest.keyClicks(window.field, "beras lima kilo")
        QTest.keyClick(window.field, Qt.Key.Key_Return)

    assert answered(types) == "beras lima kilo"


def test_the_button_does_the_same_and_nothing_typed_is_no_answer(qtbot: QtBot) -> None:
    def presses(window: PassphraseWindow) -> None:
        window.go.click()
        assert window.isVisible()
        QTest.keyClicks(window.field, "minyak dua liter")
        window.go.click()

    assert answered(presses) == "minyak dua liter"


def test_a_wrong_one_is_said(qtbot: QtBot) -> None:
    def leaves(window: PassphraseWindow) -> None:
        assert window.wrong.isVisible()
        QTest.keyClicks(window.field, "beras")
        window.leave.click()

    assert answered(leaves, wrong=True) == ""


def test_closing_the_window_gives_up(qtbot: QtBot) -> None:
    def closes(window: PassphraseWindow) -> None:
        window.close()

    assert answered(closes) == ""
