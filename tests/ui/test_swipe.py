"""A stripe reader that types: its keys reach no field and no button, and a person's keys reach theirs."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut, QWindow
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from ewarung_pos.ui import qt_swipe
from ewarung_pos.ui.qt_swipe import QUIET_MS, SwipeFilter
from ewarung_pos.ui.views.kit import SearchField

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

TRACK = ";6013014455667785=2812201000000123?"
HUMAN_MS = 90


class Struck:
    """When a key is struck, as the test says it: on a busy machine a reader's keys would come like a person's.

    Attributes:
        ms: of the platform's clock; None for what the event says itself.
    """

    BEGINS_MS = 10_000

    def __init__(self) -> None:
        self.ms: int | None = self.BEGINS_MS
        self._really = qt_swipe._at

    def at(self, event: QKeyEvent) -> int:
        return self._really(event) if self.ms is None else self.ms

    def after(self, ms: int) -> None:
        """So long after the key before."""
        self.ms = (self.ms or 0) + ms


STRUCK = Struck()


class Form(QWidget):
    """A field, a button that Enter presses, and shortcuts on a digit and on Enter, as the till's pages have."""

    def __init__(self) -> None:
        super().__init__()
        self.did: list[str] = []
        self.field = QLineEdit()
        self.field.returnPressed.connect(lambda: self.did.append("confirmed"))
        self.button = QPushButton("Salurkan")
        self.button.setAutoDefault(True)
        self.button.clicked.connect(lambda: self.did.append("clicked"))
        column = QVBoxLayout(self)
        column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        column.addWidget(self.field)
        column.addWidget(self.button)
        for keys in ("6", "F9", "Return"):
            QShortcut(QKeySequence(keys), self).activated.connect(lambda keys=keys: self.did.append(keys))

    @property
    def window_handle(self) -> QWindow:
        handle = self.windowHandle()
        assert handle is not None
        return handle


@pytest.fixture
def form(qtbot: QtBot) -> Form:
    made = Form()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.field.setFocus()
    return made


@pytest.fixture
def swipes(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    got: list[str] = []
    STRUCK.ms = Struck.BEGINS_MS
    monkeypatch.setattr(qt_swipe, "_at", STRUCK.at)
    keys = SwipeFilter(got.append)
    keys.follow(qapp)
    yield got
    keys.deleteLater()


def strike(form: Form, text: str, delay: int = -1) -> None:
    """Keys as the platform delivers them: to the window, shortcuts first."""
    for character in text:
        if delay > 0:
            QTest.qWait(delay)  # the delay of QTest's own key clicks is none
        STRUCK.after(max(delay, 1))
        if character == "\r":
            click(form, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
        else:
            shifted = Qt.KeyboardModifier.ShiftModifier if character in "?%^" else Qt.KeyboardModifier.NoModifier
            click(form, character, shifted)


def click(form: Form, *key: Any) -> None:
    QTest.keyClick(form.window_handle, *key)
    # PySide6 6.12 gives a reference to None away with each of these; before Python 3.12 some thousands end the process.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))


def test_without_the_filter_a_swipe_would_type_and_confirm(form: Form) -> None:
    strike(form, TRACK + "\r")
    assert form.did
    assert form.field.text() or "6" in form.did


@pytest.mark.parametrize("focus", ["field", "button"])
@pytest.mark.parametrize("delay", [-1, 10])
def test_a_swipe_types_nowhere_and_confirms_nothing(
    form: Form, swipes: list[str], focus: str, delay: int, qtbot: QtBot
) -> None:
    getattr(form, focus).setFocus()
    strike(form, TRACK + "\r", delay)
    assert swipes == [TRACK]
    qtbot.wait(2 * QUIET_MS)
    assert form.field.text() == ""
    assert form.did == []
    assert swipes == [TRACK]


def test_a_swipe_is_known_by_the_platform_s_own_clock(
    form: Form, swipes: list[str], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for _ in range(50):  # a machine that stands still in the middle of one breaks it
        strike(form, TRACK + "\r")
        qtbot.wait(2 * QUIET_MS)
        if TRACK in swipes:
            break
    assert TRACK in swipes


def test_two_swipes_are_two(form: Form, swipes: list[str]) -> None:
    strike(form, f"{TRACK}\r{TRACK}\r")
    assert swipes == [TRACK, TRACK]
    assert (form.field.text(), form.did) == ("", [])


def test_the_name_on_track_one_goes_with_it(form: Form, swipes: list[str]) -> None:
    line = "%B6013014455667785^SITI AMINAH^2812201?" + TRACK
    strike(form, line + "\r")
    assert [each.upper() for each in swipes] == [line]
    assert (form.field.text(), form.did) == ("", [])


@pytest.mark.parametrize("cut", [7, 12, len(TRACK) - 1, len(TRACK)])
def test_a_swipe_that_breaks_off_is_handed_on_when_it_is_quiet(
    form: Form, swipes: list[str], cut: int, qtbot: QtBot
) -> None:
    strike(form, TRACK[:cut])
    qtbot.waitUntil(lambda: swipes == [TRACK[:cut]], timeout=5000)
    assert (form.field.text(), form.did) == ("", [])


@pytest.mark.parametrize("cut", [2, 3, 5])
@pytest.mark.parametrize("focus", ["field", "button"])
def test_the_enter_of_a_swipe_that_broke_off_at_once_confirms_nothing(
    form: Form, swipes: list[str], focus: str, cut: int
) -> None:
    getattr(form, focus).setFocus()
    strike(form, TRACK[:cut] + "\r")
    assert not {"confirmed", "clicked", "Return"} & set(form.did)


def test_the_enter_that_comes_late_confirms_nothing(form: Form, swipes: list[str], qtbot: QtBot) -> None:
    strike(form, TRACK)
    qtbot.waitUntil(lambda: bool(swipes), timeout=5000)
    strike(form, "\r", QUIET_MS + 50)
    assert form.did == []


def test_the_enter_of_a_swipe_without_its_beginning_confirms_nothing(form: Form, swipes: list[str]) -> None:
    """Digits that nobody could tell from a person's are in the field; they go no further."""
    form.field.setFocus()
    strike(form, "013014455007785=2812201?\r")
    assert swipes == []
    assert "confirmed" not in form.did
    assert "Return" not in form.did


@pytest.mark.parametrize("lrc", list("0123456789:;<=>?"))
@pytest.mark.parametrize("late", [-1, 120])
def test_no_check_character_lets_the_enter_of_such_a_swipe_through(
    form: Form, swipes: list[str], lrc: str, late: int
) -> None:
    form.field.setFocus()
    strike(form, "013014455007785=2812201?" + lrc)
    strike(form, "\r", late)
    assert "confirmed" not in form.did
    assert "Return" not in form.did


LAYOUTS = {
    "US": ";6013014455667785=2812201000000123?<",
    "US, without its beginning": "B6013014455667785^SITI AMINAH^28122011?",
    "DE": "ö6013014455667785\0002812201000000123_;",
    "FR": 'm"à&"à&\'\'(())èè_(=é_&éé&àààààà&é"§.',
}
"""What a reader that thinks of an American keyboard types on others; \\0 is a dead key, which has no text."""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_swipe_on_any_layout_confirms_nothing(form: Form, swipes: list[str], layout: str) -> None:
    form.field.setFocus()
    for character in LAYOUTS[layout]:
        inject(form, character)
    inject(form, "\r")
    assert "confirmed" not in form.did
    assert "Return" not in form.did


@pytest.mark.parametrize("line", ["B6013014455667785^SITI  AMINAH  ^28122011?", "SN 4471 ", "6013014 7785"])
def test_the_spaces_of_what_types_fast_press_no_button(form: Form, swipes: list[str], line: str) -> None:
    """Track 1 fills the name with spaces, and a space presses the button that has the focus."""
    form.button.setFocus()
    for character in line:
        inject(form, character)
    assert "clicked" not in form.did


FUNCTION_KEY = "\x01"
TAB = "\t"


@pytest.mark.parametrize("focus", ["field", "button"])
@pytest.mark.parametrize(
    "keys", [f"{FUNCTION_KEY}\r", "1\r", "12345\r", "ABCDEFGHI\r", f"{TAB}\r", f"{TAB} ", "\r\r\r"]
)
def test_of_what_types_fast_nothing_is_confirmed_but_a_first_key(
    form: Form, swipes: list[str], focus: str, keys: str
) -> None:
    """A lone key could be anybody's; whatever comes right behind another one is no person's."""
    getattr(form, focus).setFocus()
    for place, character in enumerate(keys):
        inject(form, character, 1_000 + 2 * place)
    alone = {FUNCTION_KEY: ["F9"], "\r": ["Return"]}.get(keys[0], [])
    assert form.did == alone


def test_function_keys_that_come_fast_press_once(form: Form, swipes: list[str]) -> None:
    for place in range(3):
        inject(form, FUNCTION_KEY, 1_000 + 20 * place)
    assert form.did == ["F9"]
    inject(form, FUNCTION_KEY, 2_000)
    assert form.did == ["F9", "F9"]


@pytest.mark.parametrize("last", ["\r", FUNCTION_KEY])
def test_whoever_holds_a_key_down_presses_with_the_other_hand(form: Form, swipes: list[str], last: str) -> None:
    form.field.setFocus()
    for place in range(5):
        inject(form, "7", 1_000 + 30 * place, repeats=place > 0)
    inject(form, last, 1_000 + 30 * 5)
    assert form.did == ["Return" if last == "\r" else "F9"]


@pytest.mark.parametrize("pause", [60, 100, 140])
def test_whoever_typed_a_sentinel_confirms_it(form: Form, swipes: list[str], pause: int) -> None:
    form.field.setFocus()
    inject(form, ";", 1_000)
    inject(form, "\r", 1_000 + pause)
    assert (form.field.text(), form.did, swipes) == (";", ["Return"], [])


def test_a_persons_space_presses_and_stands_between_words(form: Form, swipes: list[str], qtbot: QtBot) -> None:
    form.button.setFocus()
    type_as_person(form, "7 ")
    assert form.did == ["clicked"]
    form.field.setFocus()
    STRUCK.after(HUMAN_MS)
    for character in "siti a":
        inject(form, character)
    assert form.field.text() == "siti a"


@pytest.mark.parametrize("code", ["EW1:S:EW-0123:1:47:9F86D081884C7D65", "EW1:S:MAWAR%5F3:1:47:9F86D081884C7D65"])
def test_what_is_scanned_into_a_search_line_is_searched(form: Form, swipes: list[str], code: str) -> None:
    search = searched_in(form)
    for character in code:
        inject(form, character)
    assert search.text() == code
    inject(form, "\r")
    assert form.did == ["Return"], "the page's own, which the filter would have taken"
    assert swipes == []


def test_a_swipe_types_nothing_into_a_search_line(form: Form, swipes: list[str]) -> None:
    search = searched_in(form)
    strike(form, TRACK + "\r")
    assert swipes == [TRACK]
    assert (search.text(), form.did) == ("", [])


def searched_in(form: Form) -> SearchField:
    search = SearchField()
    column = form.layout()
    assert column is not None
    column.addWidget(search)
    search.show()
    search.setFocus()
    assert search.hasFocus()
    return search


NAMELESS = {
    "\0": Qt.Key.Key_Dead_Acute.value,
    "\r": Qt.Key.Key_Return.value,
    FUNCTION_KEY: Qt.Key.Key_F9.value,
    TAB: Qt.Key.Key_Tab.value,
}


def inject(form: Form, text: str, at_ms: int = 0, *, repeats: bool = False) -> None:
    inject_into(form.window_handle, text, at_ms, repeats=repeats)


def inject_into(window: QWindow, text: str, at_ms: int = 0, *, repeats: bool = False) -> None:
    """A key as another layout gives it: its text, and the number that Qt has for it."""
    key = NAMELESS.get(text) or ord(text.upper())
    if at_ms:
        STRUCK.ms = None
    else:
        STRUCK.after(1)
    for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, text.strip("\0" + FUNCTION_KEY), repeats)
        event.setTimestamp(at_ms)
        QCoreApplication.sendEvent(window, event)


def test_the_clock_of_the_window_system_may_begin_anew(form: Form, swipes: list[str], qtbot: QtBot) -> None:
    """After 49 days. A person's Enter is a person's then, and a reader's keys are a reader's over it."""
    last = (1 << 32) - 39
    form.button.setFocus()
    for place, character in enumerate(TRACK):
        inject(form, character, (last + 2 * place) % (1 << 32))
    inject(form, "\r", (last + 2 * len(TRACK)) % (1 << 32))
    assert swipes == [TRACK]
    assert form.did == []
    for character in TRACK:
        inject(form, character, last - 5)
    qtbot.waitUntil(lambda: len(swipes) == 2, timeout=5000)
    inject(form, "\r", 5_000)
    assert form.did == ["Return"]


@pytest.mark.parametrize("pause", [70, (20, 90), (5, 5, 5, 90)])
def test_a_name_that_is_typed_fast_is_confirmed(form: Form, swipes: list[str], pause: int | tuple[int, ...]) -> None:
    """Fingers that roll over two or three keys at once are a person's still."""
    pauses = itertools.cycle((pause,) if isinstance(pause, int) else pause)
    form.field.setFocus()
    for character in "siti aminah binti":
        strike(form, character, next(pauses))
    strike(form, "\r", 70)
    assert form.field.text() == "siti aminah binti"
    assert form.did == ["Return"]


def type_as_person(form: Form, text: str) -> None:
    strike(form, text, HUMAN_MS)


@pytest.mark.parametrize("text", ["12;5", "10%", ";", "Rp;;x", "ab%c"])
def test_what_a_person_types_arrives_as_it_was(form: Form, swipes: list[str], text: str, qtbot: QtBot) -> None:
    type_as_person(form, text)
    qtbot.waitUntil(lambda: form.field.text() == text, timeout=5000)
    assert swipes == []


def test_a_persons_enter_confirms(form: Form, swipes: list[str]) -> None:
    type_as_person(form, "12\r")
    assert form.field.text() == "12"
    assert form.did == ["Return"]


def test_a_persons_shortcuts_work_after_a_swipe(form: Form, swipes: list[str], qtbot: QtBot) -> None:
    strike(form, TRACK + "\r")
    qtbot.wait(400)
    STRUCK.after(400)
    form.button.setFocus()
    click(form, Qt.Key.Key_F9)
    type_as_person(form, "6")
    assert form.did == ["F9", "6"]


def test_a_key_that_is_held_down_is_a_persons(form: Form, swipes: list[str], qtbot: QtBot) -> None:
    for repeat in (False, *(True,) * 12):
        event = QKeyEvent(
            QEvent.Type.KeyPress, Qt.Key.Key_Semicolon, Qt.KeyboardModifier.NoModifier, ";", autorep=repeat
        )
        QCoreApplication.sendEvent(form.window_handle, event)
    qtbot.waitUntil(lambda: form.field.text() == ";" * 13, timeout=5000)
    assert swipes == []


def test_a_line_without_end_is_not_kept(form: Form, swipes: list[str], qtbot: QtBot) -> None:
    strike(form, ";" + "9" * 600)
    qtbot.waitUntil(lambda: bool(swipes), timeout=5000)
    assert len(swipes[0]) == 400
    assert (form.field.text(), form.did) == ("", [])
