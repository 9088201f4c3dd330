"""Takes a stripe reader's keys out of the window's: for readers that type, where the system cannot grab them.

Such a reader types the track, then Enter, in whatever has the focus: digits in a field, and an Enter that confirms it.
The filter stands before all widgets and before all shortcuts. What begins like a track and comes at a machine's speed
is taken; what a person typed is handed back as it was, a moment later. Whatever else types that fast, a scanner or a
reader whose track lost its beginning, presses nothing: no Enter, no space and no function key counts that comes right
behind another key. Only a search line is there to be scanned into, and has the scan whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWindow
from PySide6.QtWidgets import QLineEdit

from ewarung_pos.ui.views.kit import SearchField

__all__ = ["SwipeFilter"]

FAST_MS = 50
"""Between two keys of a reader; readers type every 1 to 15 ms. People roll over letters faster than that now and then,
but none comes from a key to Enter or to a function key within 50."""

QUIET_MS = 150
"""So long after the last key a track is over, Enter or not. Longer than `FAST_MS`, for a screen that was busy."""

AFTER_MS = 300
"""So long after a track its Enter is still its own."""

CERTAIN = 6
"""From so many fast keys of a track on it is no person."""

INJECTED = 10
"""So many fast keys of any kind are no person's either: a track whose beginning was lost, or on another layout."""

LONGEST = 400

_CLOCK = 1 << 32
"""The clock of X11 and of Wayland begins anew after so many ms, which are 49 days."""

_STARTS = frozenset(";%")
_ENTERS = frozenset((Qt.Key.Key_Return.value, Qt.Key.Key_Enter.value))
_SPACE = Qt.Key.Key_Space.value
_FUNCTIONS = range(Qt.Key.Key_F1.value, Qt.Key.Key_F35.value + 1)
_MODIFIERS = frozenset((Qt.Key.Key_Shift.value, Qt.Key.Key_CapsLock.value, Qt.Key.Key_NumLock.value))
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_TRACK = frozenset("0123456789:;<=>?")
"""What track 2 is made of, its check character too."""


class _Held(msgspec.Struct, frozen=True):
    """A key that is kept until it is known whose it was."""

    window: QWindow
    key: int
    modifiers: Qt.KeyboardModifier
    text: str


class SwipeFilter(QObject):
    """An event filter for the windows that have the keyboard, from `follow` on.

    The application itself would ask it of every event of every widget, some thousand times a family.

    Args:
        swiped: takes the track as it was typed, without its Enter; called on the UI thread.
    """

    def __init__(self, swiped: Callable[[str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._swiped = swiped
        self._held: list[_Held] = []
        self._taking = False
        self._last_ms = 0
        self._ended_ms = -AFTER_MS
        self._digits = 0
        self._run = 0
        self._taken: set[int] = set()
        self._replaying = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self._quiet)

    def follow(self, app: QGuiApplication) -> None:
        """Stand before each window that gets the keyboard."""
        app.focusWindowChanged.connect(self._stand_before)
        self._stand_before(app.focusWindow())

    def _stand_before(self, window: QWindow | None) -> None:
        if window is not None:
            window.installEventFilter(self)  # a second time takes the place of the first

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take a reader's keys where they enter the window; everything else passes."""
        if self._replaying or not isinstance(event, QKeyEvent) or not isinstance(watched, QWindow):
            return False
        kind = event.type()
        if kind is QEvent.Type.ShortcutOverride:
            if self._is_ours(event):
                event.accept()  # no shortcut: the key itself follows, and is decided on below
                return True
            return False
        if kind is QEvent.Type.KeyPress:
            return self._pressed(watched, event)
        if kind is QEvent.Type.KeyRelease and event.key() in self._taken:
            if not event.isAutoRepeat():
                self._taken.discard(event.key())
            return True
        return False

    # -- whose key it is ----------------------------------------------------------------------------------------------

    def _is_ours(self, event: QKeyEvent) -> bool:
        """Whether the key that is about to come will be held or taken."""
        if event.key() in _MODIFIERS or event.modifiers() & _COMMANDS:
            return False
        fast = self._is_fast(event)
        if event.key() in _ENTERS:
            return (bool(self._held) and fast) or self._is_end(event, fast=fast)
        if self._held:
            return fast or event.text() in _STARTS
        if event.key() in _FUNCTIONS:
            return fast
        if event.key() == _SPACE:
            return fast and self._presses()
        inside = fast and self._run > 0 and _scanned_into()  # of a scan: a paper's code may hold a %
        return bool(event.text()) and event.text() in _STARTS and not inside

    def _presses(self) -> bool:
        """Whether a space behind a key would press what has the focus, or is a machine's; names have some too."""
        if not isinstance(QGuiApplication.focusObject(), QLineEdit):
            return True
        return (self._run >= INJECTED or self._digits >= CERTAIN) and not _scanned_into()

    def _is_fast(self, event: QKeyEvent) -> bool:
        return not event.isAutoRepeat() and _since(self._last_ms, event) <= FAST_MS

    def _is_end(self, event: QKeyEvent, *, fast: bool) -> bool:
        """The Enter of a track that was taken, or of whatever else typed: it confirms nothing."""
        if _since(self._ended_ms, event) <= AFTER_MS:
            return True
        late = _since(self._last_ms, event) <= AFTER_MS and self._run >= INJECTED
        return (late or fast) and not _scanned_into()

    def _pressed(self, window: QWindow, event: QKeyEvent) -> bool:
        if event.key() in _MODIFIERS or event.modifiers() & _COMMANDS:
            return False
        ours, fast, text = self._is_ours(event), self._is_fast(event), event.text()
        self._count(event, fast=fast)
        if self._held and not fast:
            self._quiet()  # what was held had ended before this key
            ours = self._is_ours(event)
        if not event.isAutoRepeat():  # whoever holds an arrow down presses Enter with the other hand
            self._last_ms = _at(event)
        if not ours:
            if event.key() in _ENTERS:
                self._digits = self._run = 0
            return False
        self._taken.add(event.key())
        if event.key() in _ENTERS:
            if self._held:
                self._end(window, event)
            self._digits = self._run = 0
            return True
        if not self._held and (event.key() == _SPACE or event.key() in _FUNCTIONS):
            return True
        if len(self._held) < LONGEST:
            self._held.append(_Held(window, event.key(), event.modifiers(), text))
        self._taking = self._taking or len(self._held) >= CERTAIN
        self._timer.start()
        return True

    def _count(self, event: QKeyEvent, *, fast: bool) -> None:
        """How many keys came at a machine's speed until now. A dead key of another layout has no text of its own."""
        text = event.text()
        if event.key() in _ENTERS or (fast and not text):
            return
        self._run = (self._run if fast else 0) + (1 if text.isprintable() and text else 0)
        self._digits = (self._digits if fast else 0) + 1 if text and text in _TRACK else 0

    # -- how it ends --------------------------------------------------------------------------------------------------

    def _end(self, window: QWindow, event: QKeyEvent) -> None:
        """Enter: of a track, or of a person who had typed a sentinel."""
        if self._taking:
            self._hand_on()
        elif len(self._held) > 1 or self._run >= INJECTED or self._digits >= CERTAIN:
            self._hand_back()  # a track that broke off, or the check character of one whose beginning was lost
        else:
            self._held.append(_Held(window, event.key(), event.modifiers(), event.text()))
            self._hand_back()

    def _quiet(self) -> None:
        """No Enter came."""
        if self._taking:
            self._hand_on()
        else:
            self._hand_back()

    def _hand_on(self) -> None:
        track = "".join(held.text for held in self._held)
        self._clear()
        self._ended_ms = self._last_ms
        self._swiped(track)

    def _hand_back(self) -> None:
        """A person typed this: let it happen now."""
        held = self._held[:]
        self._clear()
        self._replaying = True
        try:
            for each in held:
                for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                    QCoreApplication.sendEvent(each.window, QKeyEvent(kind, each.key, each.modifiers, each.text))
        finally:
            self._replaying = False

    def _clear(self) -> None:
        self._held.clear()
        self._taking = False
        self._timer.stop()


def _scanned_into() -> bool:
    """Whether the focus is in a line that a scanner types into and ends; what it opens there confirms nothing."""
    return isinstance(QGuiApplication.focusObject(), SearchField)


def _since(ms: int, event: QKeyEvent) -> int:
    """From an instant until the key was struck."""
    return (_at(event) - ms) % _CLOCK


def _at(event: QKeyEvent) -> int:
    """When the key was struck, in ms, by the platform's clock: a busy screen must not make a person look fast."""
    return event.timestamp() or time.monotonic_ns() // 1_000_000
