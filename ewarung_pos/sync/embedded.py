"""A city of one's own on this machine: the real server as a child process, for practice and for tests.

The till knows the city by its command line and its wire alone, so nothing here imports it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from ewarung_pos.errors import ServerUnreachable

__all__ = ["EmbeddedCity"]

READY_SECONDS = 60.0
"""The first start makes the city: schema, register, grants. A small board with a slow card takes its time."""

STOP_SECONDS = 5.0


class EmbeddedCity:
    """A city in its own directory; `start` brings up what is there, or makes it from the three files.

    Args:
        data_dir: the city's own directory; it comes up again with the same state.
        families: register to import (CSV).
        kiosks: kiosks to import (CSV).
        catalogue: goods, programmes, rations and operators (JSON).
    """

    def __init__(self, data_dir: Path, families: Path, kiosks: Path, catalogue: Path) -> None:
        self._data_dir = data_dir
        self._sources = (families, kiosks, catalogue)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._url = ""
        self._said: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where it listens, on loopback; empty before `start`."""
        return self._url

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ServerUnreachable: it did not come up (`city_start`); its log is in `city.log` of its directory.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        families, kiosks, catalogue = self._sources
        command = [
            *_program(),
            "practice",
            *("--data-dir", str(self._data_dir)),
            *("--families", str(families)),
            *("--kiosks", str(kiosks)),
            *("--catalogue", str(catalogue)),
            *("--listen", "127.0.0.1:0"),
            "--with-stdin",
        ]
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        with (self._data_dir / "city.log").open("ab") as log:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own program
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                raise ServerUnreachable(f"{error.strerror}", reason="city_start") from error
        self._process = process
        self._reader = threading.Thread(target=_read_lines, args=(process.stdout, lines), name="city-stdout")
        self._reader.start()
        try:
            self._said = _ready_line(lines)
            self._url = self._said["url"]
        except BaseException:
            self.stop()
            raise

    def enrolment_code(self, kiosk: str) -> str:
        """The code that this start made for a kiosk, as a person would type it.

        Raises:
            ServerUnreachable: there is none for this kiosk (`city_code`).
        """
        if self._said.get("kiosk") != kiosk:
            raise ServerUnreachable(f"no code for {kiosk}", reason="city_code")
        return self._said["code"]

    def stop(self) -> None:
        """Ask it to end, then make it. May be called twice, and before `start`."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(STOP_SECONDS)
            self._reader = None
        if process.stdout is not None:
            process.stdout.close()
        self._url = ""


def _program() -> list[str]:
    """How the city is called: a frozen till carries it in the same executable."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "city"]
    return [sys.executable, "-m", "ewarung_city"]


def _read_lines(stream: IO[str] | None, lines: queue.SimpleQueue[str]) -> None:
    """Everything the city says, so that it never blocks on a full pipe; an empty line at its end."""
    for line in stream or ():
        lines.put(line)
    lines.put("")


def _ready_line(lines: queue.SimpleQueue[str]) -> dict[str, str]:
    """The first line is a JSON object: url, kiosk, code, period."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise ServerUnreachable("the city does not get ready", reason="city_start") from None
        if not line:
            raise ServerUnreachable("the city ended; see city.log", reason="city_start")
        if line.startswith("{"):
            said: dict[str, str] = json.loads(line)
            return said
