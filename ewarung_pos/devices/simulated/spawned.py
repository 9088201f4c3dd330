"""A simulator in a process of its own: started, waited for until it is ready, and ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

from ewarung_pos.devices.simulated.program import PARENT
from ewarung_pos.errors import DeviceUnavailable

__all__ = ["Spawned", "own_command", "start"]

_START_S = 20.0
_STOP_S = 5.0


class Spawned:
    """A simulator in a process of its own. Use as a context manager, or call `stop`.

    Attributes:
        url: what a till opens.
        pid: of the process.
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url
        self.pid = process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    def tell(self, words: str) -> str:
        """Type a line to it; what it answers. Only where it was started to be told (`start`)."""
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("it was not started to be told anything")
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().rstrip("\n")

    def stop(self) -> None:
        """End it and wait for that. Never raises; may be called again."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()

    def kill(self) -> None:
        """Pull the cable: end it without letting it clean up."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                end.close()


def own_command(name: str) -> list[str]:
    """This till's own command of that name, as it is installed or in its tree."""
    if getattr(sys, "frozen", False):
        return [sys.executable, name]
    return [sys.executable, "-m", "ewarung_pos", name]


def start(name: str, command: Sequence[str], options: Mapping[str, Any], *, told: bool = False) -> Spawned:
    """Start a simulator as a process and wait until it is ready. It ends with this process.

    Args:
        name: as its first line says it.
        command: the words before its options.
        options: by their names; one that is None is left out.
        told: whether lines will be typed to it.

    Raises:
        DeviceUnavailable: it did not become ready.
    """
    words = list(command)
    for option, value in options.items():
        if value is not None:
            words += [option, str(value)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        words,
        stdin=subprocess.PIPE if told else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, PARENT: str(os.getpid())},
    )
    line = _first_line(process)
    ready = f"{name} ready"
    if not line.startswith(ready):
        Spawned(process, "").stop()
        raise DeviceUnavailable(f"{name} did not start", reason="simulator")
    return Spawned(process, line.removeprefix(ready).strip())


def _first_line(process: subprocess.Popen[str]) -> str:
    found: list[str] = []

    def read() -> None:
        if process.stdout is not None:
            found.append(process.stdout.readline())

    reader = threading.Thread(target=read, name="simulator-ready", daemon=True)
    reader.start()
    reader.join(_START_S)
    return found[0] if found else ""
