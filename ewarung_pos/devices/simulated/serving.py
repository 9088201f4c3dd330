"""A simulated EDC serves: one loop over its line, its tray and its own clock, until it is told to stop."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ewarung_pos.devices.simulated.edc_face import EdcFace
from ewarung_pos.devices.simulated.edc_wires import listen_tray
from ewarung_pos.devices.simulated.program import Typed, say
from ewarung_pos.devices.simulated.tray import Address, answer

__all__ = ["Serving"]

_TRAY_MAX = 65_536
_LOOK_S = 0.5
"""How often it is looked whether the parent lives, and whether the terminal is ours to read from."""


class Serving(ABC):
    """`serve` until `stop`. A subclass registers its line with `_watch` and hears of it in `_ready`.

    Attributes:
        url: what a till opens.
        edc: the terminal itself, only to be touched when not serving.
    """

    url: str

    def __init__(self, edc: EdcFace[Any], tray: Address) -> None:
        """Raises `ConfigError` when the tray's address cannot be had."""
        self.edc = edc
        self._tray = tray
        self._tray_listener = listen_tray(tray)
        self._selector = selectors.DefaultSelector()
        self._wake_r, self._wake_w = socket.socketpair()
        self._stopping = threading.Event()
        self._trays: dict[socket.socket, bytearray] = {}
        self._typed: Typed | None = None
        self._heard: Callable[[str], str] = str
        self._watched_typing = -1
        self._watch(self._wake_r, "wake")
        self._watch(self._tray_listener, "tray")

    def hear(self, heard: Callable[[str], str]) -> None:
        """Give `heard` each line that is typed from now on, and say what it answers."""
        self._typed, self._heard = Typed(), heard

    def serve(self, parent: int | None = None) -> None:
        """Until `stop`, or until `parent` (a process id) is no longer our parent."""
        try:
            while not self._stopping.is_set() and (parent is None or os.getppid() == parent):
                self._watch_typing()
                waits = parent is not None or (self._typed is not None and self._typed.waits)
                self._turn(_LOOK_S if waits else 30.0)
        finally:
            self._close()

    def stop(self) -> None:
        """End `serve`. From any thread and from a signal handler."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._wake_w.send(b"x")

    @abstractmethod
    def _ready(self, what: Any) -> None:  # noqa: ANN401 - what the subclass gave to `_watch`
        """Something that the subclass watches can be read."""

    @abstractmethod
    def _deliver(self, now: float) -> None:
        """Send what is due."""

    @abstractmethod
    def _close_line(self) -> None:
        """Give the line back."""

    def _watch(self, handle: socket.socket | int, what: object) -> None:
        self._selector.register(handle, selectors.EVENT_READ, what)

    def _unwatch(self, handle: socket.socket | int) -> None:
        self._selector.unregister(handle)

    def _turn(self, longest_s: float) -> None:
        due = self.edc.next_due()
        wait = longest_s if due is None else max(0.0, min(longest_s, due - time.monotonic()))
        for key, _ in self._selector.select(wait):
            match key.data:
                case "wake":
                    self._wake_r.recv(64)
                case "tray":
                    self._trays[made := self._tray_listener.accept()[0]] = bytearray()
                    made.settimeout(1)
                    self._watch(made, ("tray", made))
                case "typed":
                    self._from_keyboard()
                case ("tray", made):
                    self._from_tray(made)
                case what:
                    self._ready(what)
        now = time.monotonic()
        self.edc.advance(now)
        self._deliver(now)

    def _watch_typing(self) -> None:
        """Listen to standard input while there is one, and while it is ours to read."""
        if self._typed is None:
            return
        now = next(iter(self._typed.handle()), -1)
        if now == self._watched_typing:
            return
        if self._watched_typing >= 0:
            self._unwatch(self._watched_typing)
            self._watched_typing = -1
        if now >= 0:
            try:
                self._watch(now, "typed")
                self._watched_typing = now
            except PermissionError:  # a file, or /dev/null: nothing to wait for, what is in it is there
                while self._typed.handle():
                    self._from_keyboard()

    def _from_keyboard(self) -> None:
        for line in self._typed.lines() if self._typed is not None else ():
            say(self._heard(line))

    def _from_tray(self, made: socket.socket) -> None:
        try:
            data = made.recv(4096)
        except OSError:
            data = b""
        buffer = self._trays[made]
        buffer += data
        if not data or len(buffer) > _TRAY_MAX:
            self._unwatch(made)
            del self._trays[made]
            made.close()
            return
        while b"\n" in buffer:
            line, _, rest = bytes(buffer).partition(b"\n")
            buffer[:] = rest
            with contextlib.suppress(OSError):
                made.sendall(answer(self.edc, line, time.monotonic()))

    def _close(self) -> None:
        for made in self._trays:
            made.close()
        self._trays.clear()
        self._tray_listener.close()
        if isinstance(self._tray, str):
            Path(self._tray).unlink(missing_ok=True)
        self._close_line()
        self._wake_r.close()
        self._wake_w.close()
        self._selector.close()
