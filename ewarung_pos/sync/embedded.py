"""Start a city server beside the till, for practice: another process, known by its command line only.

The child stops when its standard input ends, so that it never outlives a till that was killed.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit

import msgspec

from ewarung_pos.errors import ConfigError

__all__ = ["EmbeddedCity"]

START_SECONDS = 20.0
STOP_SECONDS = 8.0


class _Ready(msgspec.Struct, frozen=True):
    url: str
    kiosk: str
    code: str
    period: str


class EmbeddedCity:
    """A city with the invented families, granted and serving on loopback.

    Args:
        data_dir: of the city; run again on it, everything is still there.
        listen: HOST:PORT; port 0 is any free one.
        kiosk: gets an enrolment code.
        period: YYYY-MM to grant; the current one if empty.
        families: another CSV of families.
        log: file for what the server says; nowhere if None.

    Attributes:
        url, code, period: known once started.
    """

    def __init__(
        self,
        data_dir: Path,
        listen: str = "127.0.0.1:0",
        *,
        kiosk: str = "EW-0001",
        period: str = "",
        families: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self._arguments = [
            "practice",
            "--data-dir",
            str(data_dir),
            "--listen",
            listen,
            "--kiosk",
            kiosk,
            "--with-stdin",
        ]
        if period:
            self._arguments += ["--period", period]
        if families is not None:
            self._arguments += ["--families", str(families)]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.code = ""
        self.period = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ConfigError: this installation has no city (`no_city`), or it did not come up (`city_start`).
        """
        command = [*_command(), *self._arguments]
        with contextlib.ExitStack() as files:
            errors = files.enter_context(self._log.open("ab")) if self._log is not None else subprocess.DEVNULL
            try:
                process = subprocess.Popen(  # noqa: S603 - our own program, arguments are a list
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
                )
            except OSError as error:
                raise ConfigError(f"server kota: {error.strerror}", reason="city_start") from error
        self._process = process
        try:
            deadline = time.monotonic() + START_SECONDS
            said = _first_line(process, deadline)
            self.url, self.code, self.period = said.url, said.code, said.period
            self._healthy(deadline)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it; may be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _healthy(self, deadline: float) -> None:
        where = urlsplit(self.url)
        while True:
            connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=2)
            try:
                connection.request("GET", "/health")
                if connection.getresponse().status == http.client.OK:
                    return
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            if time.monotonic() > deadline:
                raise ConfigError("server kota tidak menjawab", reason="city_start")
            time.sleep(0.02)


def _first_line(process: subprocess.Popen[bytes], deadline: float) -> _Ready:
    """What the child says once it listens; it says nothing before."""
    said = process.stdout
    if said is None or not _readable(said, deadline - time.monotonic()):
        raise ConfigError("server kota tidak siap pada waktunya", reason="city_start")
    line = said.readline()
    if not line:
        try:
            raise ConfigError(f"server kota berhenti dengan kode {process.wait(STOP_SECONDS)}", reason="city_start")
        except subprocess.TimeoutExpired:
            raise ConfigError("server kota menutup keluarannya", reason="city_start") from None
    try:
        return msgspec.json.decode(line, type=_Ready)
    except msgspec.MsgspecError as error:
        raise ConfigError("server kota mengatakan hal lain", reason="city_start") from error


def _command() -> list[str]:
    """How this installation starts the city: a frozen program by its own subcommand, else Python by module name."""
    if importlib.util.find_spec("ewarung_city") is None:
        raise ConfigError("modul ewarung_city tidak ada", reason="no_city")
    if getattr(sys, "frozen", False):
        return [sys.executable, "city-serve"]
    return [sys.executable, "-m", "ewarung_city"]


def _readable(pipe: IO[bytes], seconds: float) -> bool:
    """Whether the child said something in time; on Windows a pipe cannot be waited for, and reading it waits."""
    if sys.platform == "win32":  # pragma: no cover - there is no select on pipes there
        return True
    return bool(select.select([pipe], [], [], seconds)[0])
