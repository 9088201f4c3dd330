"""A city beside the till that does not come up: each way it fails is told, in time, and leaves no process behind.

The city is played by a script that stands where Python is; what it does is what a city out of order would do. That no
process of it is left, not even as a zombie, is looked after for every test by `nothing_left_behind`.
"""

from __future__ import annotations

import http.server
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.errors import ConfigError
from ewarung_pos.sync import embedded
from ewarung_pos.sync.embedded import EmbeddedCity

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the city is played by a shell script")

WAIT = "exec sleep 60"
NOBODY = "http://127.0.0.1:1"


def ready(url: str) -> str:
    return f"""echo '{{"url":"{url}","kiosk":"EW-0001","code":"X","period":"2026-11"}}'"""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., EmbeddedCity]:
    """A city that is a script of these lines."""

    def play(*script: str) -> EmbeddedCity:
        program = tmp_path / "python"
        program.write_text("\n".join(("#!/bin/sh", *script, "")), encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setattr(embedded, "STOP_SECONDS", 0.1)
        return EmbeddedCity(tmp_path / "city")

    return play


def failure(city: EmbeddedCity) -> str:
    with pytest.raises(ConfigError) as caught:
        city.start()
    assert caught.value.reason == "city_start"
    return caught.value.detail


class _Sick(http.server.BaseHTTPRequestHandler):
    """Answers 503, then 200, as a city does that still reads its register."""

    asked: int

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(503 if type(self).asked == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def sick() -> Iterator[tuple[str, type[_Sick]]]:
    """URL of a server that is not well at first, and its handler, which counts."""

    class Handler(_Sick):
        asked = 0

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_city_that_says_nothing_is_given_up_in_time(
    played: Callable[..., EmbeddedCity], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "START_SECONDS", 0.5)
    began = time.monotonic()
    assert failure(played(WAIT)) == "server kota tidak siap pada waktunya"
    assert time.monotonic() - began < 10


def test_a_city_that_ends_at_once_tells_with_what(
    played: Callable[..., EmbeddedCity], monkeypatch: pytest.MonkeyPatch
) -> None:
    city = played("exit 3")
    monkeypatch.setattr(embedded, "STOP_SECONDS", 5.0)  # between the end of its output and its own
    assert failure(city) == "server kota berhenti dengan kode 3"


@pytest.mark.parametrize("said", ["echo hello", "echo '[]'", """echo '{"url":"http://127.0.0.1:1"}'"""])
def test_a_program_that_is_no_city_is_told_by_its_first_line(played: Callable[..., EmbeddedCity], said: str) -> None:
    assert failure(played(said, WAIT)) == "server kota mengatakan hal lain"


def test_a_city_that_names_an_address_where_nobody_answers_is_given_up(
    played: Callable[..., EmbeddedCity], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The time is up only once the city has spoken: a slow machine is not mistaken for one that says nothing.
    healthy = EmbeddedCity._healthy
    monkeypatch.setattr(EmbeddedCity, "_healthy", lambda city, _: healthy(city, time.monotonic() + 0.1))
    assert failure(played(ready(NOBODY), WAIT)) == "server kota tidak menjawab"


def test_a_city_that_is_not_well_yet_is_asked_again_and_ended_when_it_does_not_stop_by_itself(
    played: Callable[..., EmbeddedCity], sick: tuple[str, type[_Sick]]
) -> None:
    url, handler = sick
    city = played(ready(url), WAIT)
    city.start()
    assert handler.asked == 2
    assert (city.url, city.code, city.period) == (url, "X", "2026-11")
    city.stop()


def test_a_program_that_cannot_be_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    assert failure(EmbeddedCity(tmp_path / "city")) == f"server kota: {os.strerror(2)}"


def test_a_program_that_closes_its_output_and_lingers_is_told_and_ended(played: Callable[..., EmbeddedCity]) -> None:
    assert failure(played("exec >&-", WAIT)) == "server kota menutup keluarannya"
