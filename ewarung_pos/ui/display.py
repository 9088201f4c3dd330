"""Whether a window can be shown here; asked before Qt, which ends the whole process when it cannot.

Qt's own words for it are English and its way out is abort(). So the same question is put first, with the same
libraries: an X server is asked through libxcb (which also knows the server's password file), Wayland through its
socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import sys
from collections.abc import Mapping

from ewarung_pos.errors import ConfigError

__all__ = ["display_here", "require_display"]

_UNSEEN = ("offscreen", "minimal")


def display_here(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody would see a window: not only that a display is named, but that it lets us in.

    A platform that was chosen by name (`QT_QPA_PLATFORM`) is taken at its word, and so are Windows and macOS.
    """
    return environment.get("QT_QPA_PLATFORM") not in _UNSEEN and not _obstacle(environment)


def require_display(environment: Mapping[str, str] = os.environ) -> None:
    """Nothing when a window can be shown.

    Raises:
        ConfigError: no display; says which was named.
    """
    obstacle = _obstacle(environment)
    if obstacle:
        raise ConfigError(obstacle, reason="no_display")


def _obstacle(environment: Mapping[str, str]) -> str:
    if not sys.platform.startswith("linux") or environment.get("QT_QPA_PLATFORM"):
        return ""
    wayland, x11 = environment.get("WAYLAND_DISPLAY", ""), environment.get("DISPLAY", "")
    if (wayland and _wayland(wayland, environment)) or (x11 and _x11(x11)):
        return ""
    named = [f"{name}={value}" for name, value in (("DISPLAY", x11), ("WAYLAND_DISPLAY", wayland)) if value]
    return f"{', '.join(named)} tidak bisa dibuka" if named else "DISPLAY dan WAYLAND_DISPLAY kosong"


def _wayland(name: str, environment: Mapping[str, str]) -> bool:
    path = os.path.join(environment.get("XDG_RUNTIME_DIR", ""), name)  # noqa: PTH118 - an absolute name stays as it is
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _x11(name: str) -> bool:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # Qt's plugin for X needs it too
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(name.encode(), None)
    try:
        return int(xcb.xcb_connection_has_error(connection)) == 0
    finally:
        xcb.xcb_disconnect(connection)
