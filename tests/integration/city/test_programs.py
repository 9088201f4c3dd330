"""The programs as people start them: the city's command line, and the city beside a till that practises."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from ewarung_city.__main__ import main
from ewarung_pos.errors import ConfigError, ServerBusy
from ewarung_pos.sync.embedded import EmbeddedCity
from ewarung_pos.sync.enrolment import enrol
from tests.city_databases import Databases
from tests.integration.city.city_kit import SAMPLE, Wire, answering
from tests.system.kit import gone


@pytest.fixture
def city(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command in this process; gives what it printed, errors included when it was meant to fail."""

    def run(directory: Path, command: str, *arguments: object, code: int = 0) -> str:
        mask = os.umask(0o022)
        try:
            with pytest.raises(SystemExit) as ended:
                main([command, "--data-dir", str(directory), *map(str, arguments)])
        finally:
            os.umask(mask)
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said.err
        return said.out if code == 0 else said.out + said.err

    return run


@pytest.fixture
def home(tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for a city's keys; its empty database is the one that the programs are told of."""
    directory = tmp_path / "city"
    url = databases.fresh(directory)
    if not url.startswith("sqlite"):  # SQLite is what they take when they are told nothing
        monkeypatch.setenv("EWARUNG_CITY_DATABASE", url)
    yield directory
    databases.drop(url)


def last(text: str) -> Any:
    return json.loads(text.splitlines()[-1])


def test_a_city_is_set_up_by_hand(tmp_path: Path, home: Path, city: Callable[..., str]) -> None:
    assert "no_keys" in city(home, "verify", code=2)
    city(home, "init", "--catalogue", SAMPLE / "catalogue.json")
    key = (home / "city.keys").read_bytes()
    assert stat.S_IMODE((home / "city.keys").stat().st_mode) == 0o600
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in home.iterdir())
    city(home, "init")
    assert (home / "city.keys").read_bytes() == key
    assert last(city(home, "import-kiosks", SAMPLE / "kiosks.csv", "--json"))["taken"] == 4
    said = last(city(home, "import-families", SAMPLE / "families.csv", "--json", "--source", "DTSEN"))
    assert (said["rows"], said["taken"], said["refused"]) == (300, 300, 0)
    assert last(city(home, "grant", "2026-11", "--json"))["leases"] == 900
    assert last(city(home, "grant", "2026-11", "--json"))["leases"] == 0
    assert len(city(home, "enrol", "EW-0001").strip()) == 19
    assert "unknown_kiosk" in city(home, "enrol", "EW-9", code=1)
    said = last(city(home, "verify", "--json"))
    assert (said["findings"], said["ok"]) == ([], True)
    rows = last(city(home, "report", "realisasi", "--period", "2026-11", "--json"))
    assert {row["commodity"] for row in rows} == {"beras", "gula", "minyak", "tepung"}
    city(home, "report", "realisasi", "--period", "2026-11", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "realisasi-2026-11.csv").read_text(encoding="utf-8").startswith("device,")
    assert city(home, "report", "kasus", "--period", "2026-11").splitlines() == [
        "device,epoch,seq,reason,date,state,owner,receipt,amount"
    ]
    assert city(home, "report", "spj", "--period", "2026-11").startswith("device,epoch,date")
    assert city(home, "approve") == ""
    assert "not_pending" in city(home, "approve", "EW-0001", "123456", code=1)
    assert "second_person" in city(home, "lost", "EW-0001", 1, "--officer", "Ratna", code=1)


def test_refused_rows_are_told_one_by_one_and_the_exit_code_says_so(
    tmp_path: Path, home: Path, city: Callable[..., str]
) -> None:
    file = tmp_path / "families.csv"
    city(home, "init", "--catalogue", SAMPLE / "catalogue.json")
    city(home, "import-kiosks", SAMPLE / "kiosks.csv")
    lines = (SAMPLE / "families.csv").read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([*lines[:3], lines[1]]) + "\n", encoding="utf-8")
    said = city(home, "import-families", file, code=1)
    assert "row 3: refused, nik_twice" in said
    assert "3 rows, 2 taken, 0 unchanged, 1 refused" in said


@pytest.mark.parametrize(
    ("listen", "reason"), [("0.0.0.0:0", "no_tls"), ("example.test:1", "no_tls"), ("127.0.0.1", "invalid")]
)
def test_the_city_listens_on_this_machine_only_without_tls(
    tmp_path: Path, city: Callable[..., str], listen: str, reason: str
) -> None:
    city(tmp_path, "init")
    assert reason in city(tmp_path, "serve", "--listen", listen, code=2)


def test_a_fault_of_a_command_names_its_place_and_nobody(
    tmp_path: Path, city: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError("SUMINAH 3374014101801001")

    city(tmp_path, "init")
    monkeypatch.setattr("ewarung_city.leases.grant", fault)
    said = city(tmp_path, "grant", "2026-11", code=3)
    assert "ZeroDivisionError at test_programs.py:" in said
    assert "SUMINAH" not in said


def test_an_officer_whose_database_is_held_by_another_hears_what_to_do(
    tmp_path: Path, city: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: object) -> None:
        raise ServerBusy("OperationalError: database is locked", reason="database")

    city(tmp_path, "init")
    monkeypatch.setattr("ewarung_city.leases.grant", held)
    said = city(tmp_path, "grant", "2026-11", code=3)
    assert "database is locked" in said
    assert "Nothing is lost." in said
    assert "run the same command again" in said


@pytest.mark.parametrize("half", ["--tls-cert", "--tls-key"])
def test_half_of_what_tls_needs_is_not_served_without_it(tmp_path: Path, city: Callable[..., str], half: str) -> None:
    file = tmp_path / "half.pem"
    file.touch()
    said = city(tmp_path / "city", "serve", "--listen", "127.0.0.1:0", half, file, code=2)
    assert "--tls-cert" in said
    assert "--tls-key" in said


@pytest.mark.parametrize("period", ["2026-1", "2026", "2026-13", "../../x"])
def test_a_report_is_of_one_month(tmp_path: Path, city: Callable[..., str], period: str) -> None:
    """A part of one would be the beginning of several, and the name of the file besides."""
    city(tmp_path / "city", "init")
    for kind in ("kasus", "spj", "realisasi"):
        said = city(tmp_path / "city", "report", kind, "--period", period, "--out", tmp_path / "out", code=2)
        assert "YYYY-MM" in said
    assert not (tmp_path / "out").exists()


def test_a_report_that_cannot_be_written_is_said_and_no_finding(tmp_path: Path, city: Callable[..., str]) -> None:
    city(tmp_path / "city", "init")
    (tmp_path / "file").touch()
    assert "out" in city(tmp_path / "city", "report", "spj", "--period", "2026-11", "--out", tmp_path / "file", code=2)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    from ewarung_city.keys import load_keys, make_keys

    make_keys(tmp_path)
    (tmp_path / "city.keys").chmod(0o644)
    with pytest.raises(ConfigError) as refused:
        load_keys(tmp_path)
    assert refused.value.reason == "key_exposed"
    for content in (b"{}", b'{"signing":"00","card":"00","register":"00"}', b"\xff"):
        (tmp_path / "city.keys").write_bytes(content)
        (tmp_path / "city.keys").chmod(0o600)
        with pytest.raises(ConfigError) as refused:
            load_keys(tmp_path)
        assert refused.value.reason == "key_file"


def test_keys_that_could_not_be_put_in_place_lie_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stick without hard links, say."""
    from ewarung_city.keys import make_keys

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(ConfigError) as refused:
        make_keys(tmp_path)
    assert refused.value.reason == "data_dir"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////nowhere/at/all/city.db"])
def test_a_database_that_cannot_be_used_is_said_plainly(url: str) -> None:
    from ewarung_city.store.database import CityStore

    with pytest.raises(ConfigError):
        CityStore(url).create()


@pytest.mark.system
def test_the_program_serves_until_it_is_stopped(home: Path, city: Callable[..., str]) -> None:
    city(home, "init")
    arguments = ["serve", "--data-dir", str(home), "--listen", "127.0.0.1:0", "--json"]
    served = subprocess.Popen([sys.executable, "-m", "ewarung_city", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout is not None
        url = json.loads(served.stdout.readline())["url"]
        assert requests.get(url + "/health", timeout=5).json()["status"] == "ok"
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(10)
        if served.stdout is not None:
            served.stdout.close()
    assert served.returncode in {0, -signal.SIGTERM}


def test_more_kiosks_than_messages_at_a_time_may_keep_their_connections(
    tmp_path: Path, city: Callable[..., str]
) -> None:
    """Each keeps its own for a minute after a message; that is no work for the city, and no reason to be busy."""
    city(tmp_path, "init")
    arguments = ["serve", "--data-dir", str(tmp_path), "--listen", "127.0.0.1:0", "--json", "--with-stdin"]
    with ExitStack() as stack:
        served = stack.enter_context(
            subprocess.Popen(
                ["sh", "-c", 'ulimit -S -n 200; exec "$@"', "sh", sys.executable, "-m", "ewarung_city", *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        assert served.stdin is not None
        assert served.stdout is not None
        stack.callback(served.stdin.close)
        port = int(json.loads(served.stdout.readline())["url"].rpartition(":")[2])
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(300)]
        for line in lines:
            line.sendall(b"GET /health HTTP/1.1\r\nHost: city\r\n\r\n")
        assert {line.recv(12) for line in lines} == {b"HTTP/1.1 200"}


def test_workers_that_cannot_live_are_not_started_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from ewarung_city import server, workers

    kept = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    monkeypatch.setattr(workers, "_LOOK_S", 0.01)
    told: list[str] = []
    with server.bind("127.0.0.1:0", tls=False) as listening, pytest.raises(ConfigError) as refused:
        workers.run_workers(
            [sys.executable, "-c", "raise SystemExit(3)"],
            dict(os.environ),
            2,
            listening,
            ready=lambda: told.append("up"),
        )
    assert (refused.value.reason, told) == ("workers", ["up"])
    for number, handler in zip((signal.SIGTERM, signal.SIGINT), kept, strict=True):
        signal.signal(number, handler)


def test_sqlite_has_one_worker(tmp_path: Path, city: Callable[..., str]) -> None:
    city(tmp_path, "init")
    assert "PostgreSQL" in city(tmp_path, "serve", "--workers", 2, code=2)


# --- beside the till ------------------------------------------------------------------------------------------------


@pytest.mark.system
def test_practice_mode_gets_a_whole_city_quickly_and_again(tmp_path: Path) -> None:
    began = time.monotonic()
    with EmbeddedCity(tmp_path / "city", log=tmp_path / "city.log") as embedded:
        assert time.monotonic() - began < 15  # about one second on an idle machine
        taken = enrol(embedded.url, embedded.code, "0.1.0")
        assert taken.identity.practice
        assert taken.identity.device == "EW-0001"
        assert requests.get(embedded.url + "/health", timeout=5).json()["kiosks"] == 4
        url = embedded.url
    with pytest.raises(requests.ConnectionError):
        requests.get(url + "/health", timeout=5)
    again = EmbeddedCity(tmp_path / "city", kiosk="EW-0002", period="2026-12", families=SAMPLE / "families.csv")
    again.start()
    assert again.period == "2026-12"
    assert enrol(again.url, again.code, "0.1.0").identity.device == "EW-0002"
    again.stop()
    again.stop()
    assert (tmp_path / "city.log").read_text(encoding="utf-8") == ""


@pytest.mark.system
def test_a_city_does_not_outlive_a_till_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time, pathlib; from ewarung_pos.sync.embedded import EmbeddedCity; "
        "c = EmbeddedCity(pathlib.Path(sys.argv[1])); c.start(); print(c.url, c._process.pid, flush=True); "
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    url, pid = parent.stdout.readline().split()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone({int(pid)}), "the city outlived its till"
    with pytest.raises(requests.ConnectionError):
        requests.get(url + "/health", timeout=5)


def test_an_installation_without_a_city_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError) as refused:
        EmbeddedCity(tmp_path).start()
    assert refused.value.reason == "no_city"


def test_a_frozen_till_starts_the_city_through_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frozen program is played by a script that prints its arguments and ends."""
    fake = tmp_path / "ewarung-pos"
    fake.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n', encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(fake))
    with pytest.raises(ConfigError) as refused:
        EmbeddedCity(tmp_path / "city").start()
    assert refused.value.reason == "city_start"
    said = (tmp_path / "arguments").read_text(encoding="utf-8")
    assert said.startswith("city-serve practice --data-dir ")


DEAD = '{"url":"http://127.0.0.1:1","kiosk":"EW-0001","code":"x","period":"2026-11"}'


def test_a_city_that_is_not_well_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wires: Callable[..., Wire]
) -> None:
    sick = wires(answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    fake = tmp_path / "python"
    fake.write_text(
        f"#!/bin/sh\necho '{DEAD.replace('http://127.0.0.1:1', sick.url)}'\nexec sleep 5\n", encoding="utf-8"
    )
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    monkeypatch.setattr("ewarung_pos.sync.embedded.STOP_SECONDS", 0.2)
    monkeypatch.setattr("ewarung_pos.sync.embedded.START_SECONDS", 0.3)
    with pytest.raises(ConfigError) as refused:
        EmbeddedCity(tmp_path / "city").start()
    assert refused.value.reason == "city_start"


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\necho hello\nexec sleep 5\n",
        "#!/bin/sh\nexec sleep 5\n",
        "#!/bin/nothing\n",
        f"#!/bin/sh\necho '{DEAD}'\nexec sleep 5\n",
    ],
)
def test_a_city_that_does_not_come_up_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    fake = tmp_path / "python"
    fake.write_text(script, encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    monkeypatch.setattr("ewarung_pos.sync.embedded.STOP_SECONDS", 0.2)
    monkeypatch.setattr("ewarung_pos.sync.embedded.START_SECONDS", 0.3)
    with pytest.raises(ConfigError) as refused:
        EmbeddedCity(tmp_path / "city").start()
    assert refused.value.reason == "city_start"
