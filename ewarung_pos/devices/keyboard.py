"""Stripe readers that type: the line of a keyboard that is grabbed (Linux), or of what the window's filter took.

A grabbed keyboard types for nobody else: no field, no button, no other program sees it. Its keys come as positions and
not as letters, so that the layout of the machine does not matter; such readers type as a keyboard of the United States.

Source: Linux `uapi/linux/input.h` and `input-event-codes.h`.
"""

from __future__ import annotations

import errno
import os
import select
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from ewarung_pos.devices.transport import LinkLost

__all__ = ["GrabbedKeyboard", "KeyDecoder", "TypedLine"]

_EVENT = struct.Struct("@llHHi")  # time in two longs, type, code, value
_SYN, _KEY = 0, 1
_DROPPED = 3
_DOWN, _UP = 1, 0
_SHIFTS = frozenset((42, 54))
_ENTERS = frozenset((28, 96))
_UNKNOWN = 0
_BETWEEN_LOOKS_S = 2.0
_EVIOCGRAB = 0x40044590  # _IOW('E', 0x90, int)

_PLAIN = {
    **dict(zip(range(2, 12), b"1234567890", strict=True)),
    **dict(zip(range(16, 26), b"QWERTYUIOP", strict=True)),
    **dict(zip(range(30, 39), b"ASDFGHJKL", strict=True)),
    **dict(zip(range(44, 51), b"ZXCVBNM", strict=True)),
    **dict(zip((71, 72, 73, 75, 76, 77, 79, 80, 81, 82), b"7894561230", strict=True)),  # the number pad
    **dict(zip((12, 13, 26, 27, 39, 40, 43, 51, 52, 53, 57, 55, 74, 78, 83, 98), b"-=[];'\\,./ *-+./", strict=True)),
}
_SHIFTED = {
    **_PLAIN,
    **dict(zip(range(2, 12), b"!@#$%^&*()", strict=True)),
    **dict(zip((12, 13, 26, 27, 39, 40, 43, 51, 52, 53), b'_+{}:"|<>?', strict=True)),
}


class KeyDecoder:
    """The kernel's input events in, ASCII out: capital letters, CR for Enter, NUL for whatever no track holds."""

    def __init__(self) -> None:
        self._held = b""
        self._shifts: set[int] = set()

    def feed(self, data: bytes) -> bytes:
        """What was typed by `data`, which may begin and end within an event."""
        self._held += data
        whole = len(self._held) - len(self._held) % _EVENT.size
        typed = bytearray()
        for _, _, kind, code, value in _EVENT.iter_unpack(self._held[:whole]):
            if kind == _SYN and code == _DROPPED:
                typed.append(_UNKNOWN)  # keys are missing here: whatever this line says, it is not whole
            elif kind == _KEY:
                typed += self._key(code, value)
        self._held = self._held[whole:]
        return bytes(typed)

    def _key(self, code: int, value: int) -> bytes:
        if code in _SHIFTS:
            (self._shifts.discard if value == _UP else self._shifts.add)(code)
            return b""
        if value != _DOWN:
            return b""
        if code in _ENTERS:
            return b"\r"
        return bytes([(_SHIFTED if self._shifts else _PLAIN).get(code, _UNKNOWN)])


def _grab(handle: int) -> None:
    import fcntl

    fcntl.ioctl(handle, _EVIOCGRAB, 1)


class GrabbedKeyboard:
    """`Transport` on a keyboard of the kernel's, which types for nobody else while it is open. Only Linux has them.

    Attributes:
        name: the path, best one of /dev/input/by-id, which stays the same over plugging out and in.
    """

    def __init__(self, path: str, grab: Callable[[int], None] = _grab) -> None:
        self.name = path
        self._grab = grab
        self._handle: int | None = None
        self._decoder = KeyDecoder()

    def open(self) -> None:
        """Open and grab.

        Raises:
            LinkLost: no_port (also when it is no keyboard), in_use, no_permission.
        """
        if self._handle is not None:
            return
        if sys.platform == "win32":
            raise LinkLost("no_port", "only Linux hands out keyboards")
        try:
            handle = os.open(self.name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            refused = error.errno in {errno.EACCES, errno.EPERM}
            raise LinkLost("no_permission" if refused else "no_port", str(error.strerror)) from error
        try:
            self._grab(handle)
        except OSError as error:
            os.close(handle)
            raise LinkLost("in_use" if error.errno == errno.EBUSY else "no_port", str(error.strerror)) from error
        self._handle = handle
        self._decoder = KeyDecoder()

    def write(self, data: bytes, deadline: float) -> None:
        """Nobody tells such a reader anything."""
        raise LinkLost("no_port", "a keyboard takes no bytes")

    def read(self, max_bytes: int, deadline: float) -> bytes:
        if self._handle is None:
            raise LinkLost("no_port", "not open")
        while True:
            ready, _, _ = select.select([self._handle], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return b""
            try:
                data = os.read(self._handle, max_bytes * _EVENT.size)
            except BlockingIOError:
                continue
            except OSError as error:
                raise LinkLost("unplugged", str(error.strerror)) from error
            if not data:
                raise LinkLost("unplugged", "hung up")
            if typed := self._decoder.feed(data):
                return typed
            if time.monotonic() >= deadline:
                return b""

    def drain(self) -> bytes:
        return self.read(256, 0.0)

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)  # and the kernel lets the keyboard go


class TypedLine:
    """`Transport` whose bytes come from this process: swipes that the window's filter took from the keys.

    A swipe that nobody looks for is forgotten at once: a card number must not lie here until somebody signs in.
    """

    name = "keyboard"

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=8)
        self._came = threading.Condition()
        self._wanted_until = 0.0

    def offer(self, line: str) -> None:
        """A swipe as it was typed, without its Enter. Any thread."""
        with self._came:
            if time.monotonic() > self._wanted_until:
                self._lines.clear()
                return
            self._lines.append(line.encode("ascii", "replace") + b"\r")
            self._came.notify()

    def open(self) -> None:
        """Always open."""

    def write(self, data: bytes, deadline: float) -> None:
        """Nobody tells such a reader anything."""
        raise LinkLost("no_port", "a keyboard takes no bytes")

    def read(self, max_bytes: int, deadline: float) -> bytes:
        with self._came:
            self._wanted_until = max(deadline, time.monotonic()) + _BETWEEN_LOOKS_S
            self._came.wait_for(lambda: bool(self._lines), max(0.0, deadline - time.monotonic()))
            if not self._lines:
                return b""
            line = self._lines.popleft()
            if len(line) > max_bytes:
                self._lines.appendleft(line[max_bytes:])
            return line[:max_bytes]

    def drain(self) -> bytes:
        return self.read(256, 0.0)

    def close(self) -> None:
        with self._came:
            self._lines.clear()
