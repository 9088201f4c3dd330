"""The Qt application: fonts, theme and text size, less motion when asked for, and what becomes of our own bugs."""

from __future__ import annotations

import ctypes
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import PurePath
from types import TracebackType

import msgspec
from PySide6.QtCore import QMessageLogContext, QObject, QSize, Qt, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtGui import QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from ewarung_pos.ui.text import trouble
from ewarung_pos.ui.views.kit.icons import pictogram_icon
from ewarung_pos.ui.views.kit.style import (
    Role,
    Style,
    Theme,
    current_style,
    load_theme,
    resource_bytes,
    set_current_style,
)

__all__ = [
    "Fault",
    "FaultHook",
    "apply_theme",
    "apply_window",
    "load_theme",
    "motion_wanted",
    "start_qt",
    "style_sheet",
]

_log = logging.getLogger(__name__)
_FONTS = ("AtkinsonHyperlegible-400.ttf", "AtkinsonHyperlegible-700.ttf")
_PLACE = re.compile(r"\{(?:([a-z][a-z-]*)|(\d+):gap)\}")


def start_qt(arguments: Sequence[str] = ()) -> QApplication:
    """The one QApplication, with our fonts, in the light theme at 100 %.

    Raises:
        RuntimeError: the shipped fonts cannot be loaded (a broken installation).
    """
    _spare_singletons()
    found = QApplication.instance()
    app = found if isinstance(found, QApplication) else _begin([*(arguments or sys.argv[:1])])
    app.setApplicationName("eWarung POS")
    app.setDesktopFileName("ewarung-pos")  # the launcher's entry: its icon and name, for a window on Wayland
    app.setStyle("Fusion")
    for name in _FONTS:
        if QFontDatabase.addApplicationFontFromData(resource_bytes("fonts", name)) < 0:
            raise RuntimeError(f"font cannot be loaded: {name}")
    apply_theme(app, load_theme("light"))
    app.setWindowIcon(pictogram_icon("app"))
    return app


def _begin(arguments: list[str]) -> QApplication:
    """Qt ends the process by abort() when no platform will do; then our words come out, and exit code 2."""
    before = qInstallMessageHandler(_while_beginning)
    try:
        return QApplication(arguments)
    finally:
        qInstallMessageHandler(before)


def _while_beginning(kind: QtMsgType, _: QMessageLogContext, text: str) -> None:
    _log.info("%s", text)
    if kind is QtMsgType.QtFatalMsg:
        said = trouble("config", "no_display")
        sys.stderr.write(f"{said.title}. {said.happened}\nYang sudah aman: {said.safe}\nLakukan sekarang: {said.now}\n")
        sys.stderr.flush()
        os._exit(2)


def _spare_singletons() -> None:
    """Make None, True and False as good as immortal before Python 3.12, where they are so by themselves (PEP 683).

    PySide 6.12 gives them back without taking a reference to them; on Python 3.11 every such call takes one away, and
    the interpreter ends with "deallocating None" or "bool_dealloc" after some thousand of them. Measured:
    `QObject().setObjectName("")`, and about one True a window.
    """
    if sys.version_info < (3, 12) and sys.implementation.name == "cpython":
        spare = 1 << (8 * ctypes.sizeof(ctypes.c_ssize_t) - 4)
        for each in (None, True, False):
            count = ctypes.c_ssize_t.from_address(id(each))
            if count.value < spare // 2:
                count.value += spare


def style_sheet(style: Style) -> str:
    """`theme.qss` with its places filled; raises `KeyError` for a token the theme lacks."""

    def fill(found: re.Match[str]) -> str:
        if found[1] is not None:
            return style.theme[found[1]]
        return f"{style.gap(int(found[2]))}px"

    text = resource_bytes("theme", "theme.qss").decode()
    # The heading makes every style's sheet another text: Qt tells widgets of a change only when there is one.
    heading = f"/* {style.theme.name} {style.percent} {style.density.value} {style.room.value} */\n"
    return heading + _PLACE.sub(fill, text)


def apply_theme(
    app: QApplication, theme: Theme, scale: int = 100, *, window: QSize | None = None, motion: bool | None = None
) -> Style:
    """Put a theme in force at a text size; every widget follows at once.

    Args:
        app: the application.
        theme: from `load_theme`.
        scale: text size in per cent, 100 to 200.
        window: size of the till's window; as before when not given.
        motion: whether short fades are wanted; what the system says when not given.

    Raises:
        ValueError: `scale` is out of range.
    """
    style = Style(
        theme,
        scale,
        current_style().window if window is None else window,
        motion=motion_wanted(app) if motion is None else motion,
    )
    set_current_style(style)
    app.setFont(style.font(Role.BODY))
    app.setPalette(_palette(style))
    app.setStyleSheet(style_sheet(style))
    return style


def apply_window(app: QApplication, size: QSize) -> None:
    """Follow the till's window, from its resize event; costs nothing while the same room is left."""
    now = current_style()
    new = Style(now.theme, now.percent, size, motion=now.motion)
    if (new.density, new.room) != (now.density, now.room):
        apply_theme(app, now.theme, now.percent, window=size, motion=now.motion)


def _palette(style: Style) -> QPalette:
    palette = QPalette()
    for role, token in (
        (QPalette.ColorRole.Window, "ground"),
        (QPalette.ColorRole.WindowText, "ink"),
        (QPalette.ColorRole.Base, "card"),
        (QPalette.ColorRole.AlternateBase, "wash"),
        (QPalette.ColorRole.Text, "ink"),
        (QPalette.ColorRole.Button, "card"),
        (QPalette.ColorRole.ButtonText, "ink"),
        (QPalette.ColorRole.PlaceholderText, "soft-dark"),
        (QPalette.ColorRole.Highlight, "go"),
        (QPalette.ColorRole.HighlightedText, "on-go"),
        (QPalette.ColorRole.Accent, "go"),
        (QPalette.ColorRole.Link, "info-dark"),
        (QPalette.ColorRole.Mid, "line"),
        (QPalette.ColorRole.ToolTipBase, "ink"),
        (QPalette.ColorRole.ToolTipText, "card"),
    ):
        palette.setColor(role, style.colour(token))
    return palette


def motion_wanted(app: QApplication) -> bool:
    """False when the system asks for less motion, or `EWARUNG_REDUCED_MOTION=1` does."""
    if os.environ.get("EWARUNG_REDUCED_MOTION", "") not in ("", "0"):
        return False
    hints = getattr(app.styleHints(), "accessibility", None)
    asked = getattr(hints(), "motionPreference", None) if hints is not None else None
    # Qt before 6.11 cannot say; then the system's switch for interface effects stands in.
    if asked is None:
        return bool(QApplication.isEffectEnabled(Qt.UIEffect.UI_General))
    return bool(asked() != Qt.MotionPreference.ReducedMotion)


class Fault(msgspec.Struct, frozen=True):
    """A bug of ours that reached the top, without any value it carried.

    Attributes:
        kind: class of the exception.
        places: `module:line function`, innermost last. Messages and arguments are left out on purpose: they may
            hold what must never be shown or logged (card, NIK, PIN).
        thread: name of the thread it happened in.
    """

    kind: str
    places: tuple[str, ...]
    thread: str


class FaultHook(QObject):
    """Catches what nothing else caught, in any thread, and tells the main thread.

    Signals:
        faulted(Fault): delivered in the thread this object lives in.
    """

    faulted = Signal(object)
    _crossed = Signal(object)

    def __init__(self, record: Callable[[Fault], None], parent: QObject | None = None) -> None:
        """Args: record: writes the fault to the log; called in the thread where it happened, must not raise."""
        super().__init__(parent)
        self._record = record
        self._before = (sys.excepthook, threading.excepthook)
        self._crossed.connect(self._arrived, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Take the place of Python's own hooks."""
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._uncaught
        threading.excepthook = self._uncaught_in_thread

    def uninstall(self) -> None:
        """Put Python's own hooks back."""
        sys.excepthook, threading.excepthook = self._before

    def _uncaught(self, kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        self._take(kind, trace)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        self._take(args.exc_type, args.exc_traceback)

    def _take(self, kind: type[BaseException], trace: TracebackType | None) -> None:
        frames = traceback.extract_tb(trace)
        places = tuple(f"{PurePath(each.filename).name}:{each.lineno} {each.name}" for each in frames)
        fault = Fault(kind.__qualname__, places, threading.current_thread().name)
        self._record(fault)
        self._crossed.emit(fault)

    def _arrived(self, fault: Fault) -> None:
        self.faulted.emit(fault)
