"""The till's window: QApplication, lanes, window, and an orderly end."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ewarung_pos.ports import PracticeTray, TaskRunner
from ewarung_pos.ui.qt_runner import QtRunner, Watchdog
from ewarung_pos.ui.viewmodels.till import TillViewModels

if TYPE_CHECKING:
    from ewarung_pos.ui.qt_app import Fault

__all__ = ["WindowLook", "WindowedTill", "ask_passphrase", "show_till"]

_log = logging.getLogger(__name__)

SWITCH_S = 0.001
"""How long a lane may go on computing while the screen waits for its turn. Qt gives the turn up at each call, so that
with Python's usual 5 ms a page that takes 20 ms came after 90 while a receipt was being drawn as a PDF."""


class WindowedTill(Protocol):
    """What the window needs of a composed application."""

    @property
    def till(self) -> TillViewModels:
        """The view-models."""
        ...

    @property
    def swiped(self) -> Callable[[str], None] | None:
        """Takes what a stripe reader typed in the window; None where none types there."""
        ...

    def stop(self) -> None:
        """End timers, lanes, devices and the ledger, in this order."""
        ...


class WindowLook(Protocol):
    """How the screen speaks and looks."""

    @property
    def text_scale(self) -> int:
        """Percent, 100..200."""
        ...

    @property
    def theme(self) -> str:
        """Name of the theme: light or dark."""
        ...


def show_till(
    start: Callable[[TaskRunner, Callable[[], None]], WindowedTill],
    look: WindowLook,
    tray: PracticeTray | None,
    practice_hint: str,
    *,
    idle_minutes: int = 0,
) -> int:
    """Build the application on the window's lanes, show it, and stop it when the window closes.

    Args:
        start: builds and starts the application on these lanes; the second argument ends the lanes.
        look: theme and text size.
        tray: the practice EDC's hands; None on a real kiosk.
        practice_hint: shown where PINs are asked for in practice mode.
        idle_minutes: after so long without a key or a touch the operator is signed out; 0 never.

    Returns:
        Qt's exit code.
    """
    from ewarung_pos.ui.qt_app import FaultHook, apply_theme, load_theme, start_qt
    from ewarung_pos.ui.qt_idle import IdleWatch
    from ewarung_pos.ui.views.kit import Chime
    from ewarung_pos.ui.views.window import TillWindow

    app = start_qt()
    hook = FaultHook(_record)
    hook.install()
    apply_theme(app, load_theme(look.theme), look.text_scale)
    runner = QtRunner()
    usual = sys.getswitchinterval()
    try:
        application = start(runner, lambda: _end(runner))
    except BaseException:
        hook.uninstall()
        raise
    try:
        window = TillWindow(application.till, practice_hint=practice_hint, tray=tray, chime=Chime())
        hook.faulted.connect(window.show_fault)
        hook.faulted.connect(application.till.stop)
        if idle_minutes:
            idle = IdleWatch(idle_minutes * 60_000, application.till.idle)
            idle.follow(app)
        if application.swiped is not None:
            from ewarung_pos.ui.qt_swipe import SwipeFilter

            keys = SwipeFilter(application.swiped)
            keys.follow(app)
        watchdog = Watchdog()
        watchdog.start()
        window.resize(app.primaryScreen().availableSize())
        window.showMaximized()
        gc.freeze()
        gc.enable()
        sys.setswitchinterval(SWITCH_S)
        return int(app.exec())
    finally:
        sys.setswitchinterval(usual)
        application.stop()
        hook.uninstall()


def ask_passphrase(*, wrong: bool) -> str:
    """Ask for the ledger's passphrase before the till's window is there: for the `start` of `show_till`.

    Args:
        wrong: say that the one before was wrong.

    Returns:
        What was typed; empty when the operator gave up.
    """
    from ewarung_pos.ui.views.passphrase import PassphraseWindow

    window = PassphraseWindow()
    try:
        return window.ask(wrong=wrong)
    finally:
        window.hide()
        window.deleteLater()


def _record(fault: Fault) -> None:
    """Where it happened, and nothing that it carried."""
    _log.error("bug: %s in %s at %s", fault.kind, fault.thread, " > ".join(fault.places))


def _end(runner: QtRunner) -> None:
    """Lanes finish what is under way; a device that hangs is not waited for longer than its own deadline."""
    runner.close()
