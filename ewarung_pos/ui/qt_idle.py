"""Notices that nobody touches the till."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QGuiApplication, QWindow

__all__ = ["IdleWatch"]

_TOUCHED = frozenset(
    (
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.TouchBegin,
        QEvent.Type.Wheel,
        QEvent.Type.MouseMove,
    )
)


class IdleWatch(QObject):
    """Calls `idle` once each time that nothing was touched for so long; hears touches from `follow` on.

    An event filter for the windows that have the keyboard: keys, presses and moves come to a window before its widgets.

    Args:
        wait_ms: how long, above 0.
        idle: called on the UI thread.
    """

    def __init__(self, wait_ms: int, idle: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.timeout.connect(idle)
        self._timer.start(wait_ms)

    def follow(self, app: QGuiApplication) -> None:
        """Hear what comes to each window that gets the keyboard."""
        app.focusWindowChanged.connect(self._hear)
        self._hear(app.focusWindow())

    def _hear(self, window: QWindow | None) -> None:
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Start the wait again at each touch; nothing is kept from anybody."""
        if event.type() in _TOUCHED:
            self._timer.start()
        return super().eventFilter(watched, event)
