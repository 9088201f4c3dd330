"""What the city tells of itself: figures that add up, a log of JSON lines, and nothing of anybody in either."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from ewarung_city import logs, metrics
from ewarung_city.store import schema
from ewarung_city.verify import verify
from ewarung_city.watching import Watched
from ewarung_pos.domain.journal import OperatorChanged
from ewarung_pos.sync.outgoing import greeting
from ewarung_pos.sync.signing import code_secret
from tests.city_databases import OnPostgres
from tests.integration.city.city_kit import SAMPLE, LiveCity, Till
from tests.integration.city.test_line import serve_some

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
NUMBERS = ("3374014101801001", "9999842538824821", "6013019999000017")
PIN = "271828"
MEASURED = re.compile(r"\d+\.\d+(?:e[+-]\d+)?")
"""Times and sums, in which any six digits may stand by chance."""


def figures(url: str, **headers: str) -> Samples:
    """As a parser that is not ours reads them."""
    answer = requests.get(url + "/metrics", timeout=10, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(said: Samples, name: str, **labels: str) -> float:
    return said[name, frozenset(labels.items())]


def total(said: Samples, name: str, **labels: str) -> float:
    """Over every label that is not named."""
    return sum(
        number for (found, held), number in said.items() if found == name and labels.items() <= dict(held).items()
    )


def test_the_figures_are_what_happened(city: LiveCity, till: Till) -> None:
    till.drain()
    serve_some(till, 2)
    till.drain()
    head = till.ledger.read().head()
    requests.get(city.url + "/health", timeout=5)
    assert requests.get(city.url + "/v1/pull?cursor=0", timeout=5).status_code == 401
    assert requests.get(city.url + "/nonsense/3374014101801001", timeout=5).status_code == 404
    said = figures(city.url)
    assert value(said, "ewarung_entries_total") == head.acked_seq
    assert value(said, "ewarung_kiosk_entries", kiosk="EW-0001") == head.acked_seq
    assert value(said, "ewarung_kiosk_behind_entries", kiosk="EW-0001") == 0
    assert value(said, "ewarung_kiosk_seen_timestamp_seconds", kiosk="EW-0001") == city.clock.ms / 1000
    assert value(said, "ewarung_kiosks", state="active") == 1
    assert value(said, "ewarung_cases", reason="FORK", state="open") == 0
    assert value(said, "ewarung_requests_total", route="/health", method="GET", status="200") == 1
    assert value(said, "ewarung_requests_total", route="/v1/pull", method="GET", status="401") == 1
    assert value(said, "ewarung_requests_total", route="other", method="GET", status="404") == 1
    assert value(said, "ewarung_refusals_total", reason="signature") == 1
    pushes = total(said, "ewarung_requests_total", route="/v1/push", status="200")
    assert pushes == value(said, "ewarung_request_seconds_count", route="/v1/push") > 0
    assert value(said, "ewarung_database_seconds_count", work="kiosk") > pushes
    assert value(said, "ewarung_database_wait_seconds_count", work="read") > 0
    assert total(said, "ewarung_build_info") + total(said, "ewarung_build") == 1


def test_what_waits_for_a_person_shows(city: LiveCity, till: Till) -> None:
    till.drain()
    with city.store.write() as tx:
        tx.add(schema.case, [{"device": "EW-0001", "epoch": 1, "seq": 1, "reason": "FORK", "state": "open"}])
        tx.change(schema.epoch, {"mode": "upload_only"}, device="EW-0001", epoch=1)
    city.code("EW-0002", auto=False)
    with city.store.write() as tx:
        tx.change(schema.code, {"state": "pending"}, device="EW-0002")
    said = figures(city.url)
    assert value(said, "ewarung_cases", reason="FORK", state="open") == 1
    assert value(said, "ewarung_kiosks", state="upload_only") == 1
    assert value(said, "ewarung_enrolments_pending") == 1
    assert value(said, "ewarung_recovery_waits") == 0


def test_what_a_kiosk_says_that_it_still_has_is_behind_until_it_comes(city: LiveCity, till: Till) -> None:
    till.drain()

    def greet() -> None:
        reader = till.ledger.read()
        who = reader.identity()
        assert who is not None
        till.engine._connected().hello(greeting(reader, who, till.clock.now()))

    def behind() -> float:
        said = figures(city.url)
        each = value(said, "ewarung_kiosk_behind_entries", kiosk="EW-0001")
        assert value(said, "ewarung_behind_entries") == each
        return each

    greet()
    assert behind() == 0, "it has nothing but the acknowledgement of what it sent"
    serve_some(till, 2)
    head = till.ledger.read().head()
    assert head.unsent > 0
    assert behind() == 0, "and has not said anything of it"
    greet()
    assert behind() == head.seq - head.acked_seq
    with city.store.read() as tx:
        assert verify(tx) == []
    till.drain()
    assert behind() == 0
    greet()
    assert behind() == 0


def test_a_large_city_tells_sums_and_not_each_kiosk(
    city: LiveCity, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "EACH_KIOSK", 0)
    said = figures(city.url)
    assert not [name for name, _ in said if name.startswith("ewarung_kiosk_")]
    assert value(said, "ewarung_kiosks", state="active") == 1


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_figures_are_for_this_machine_or_for_a_token(bare: LiveCity, tmp_path: Path) -> None:
    from ewarung_city import api

    token = "a-token-that-nobody-guesses"
    app = api.build(bare.store, bare.keys, metrics_token=token)
    here, there = ("127.0.0.1", 5), ("203.0.113.7", 5)
    proxied, shown = (b"x-forwarded-for", b"203.0.113.7"), (b"authorization", f"Bearer {token}".encode())
    wrong = (b"authorization", b"Bearer a-token-that-somebody-guesses")
    asked = [
        (here, [], 200),
        (here, [proxied], 403),
        (there, [], 403),
        (there, [wrong], 403),
        (there, [shown], 200),
        (here, [proxied, shown], 200),
        (None, [], 403),
    ]
    assert [status_of(app, client, headers) for client, headers, _ in asked] == [status for *_, status in asked]
    assert status_of(api.build(bare.store, bare.keys), there, [(b"authorization", b"Bearer ")]) == 403


def status_of(app: Any, client: Any, headers: list[tuple[bytes, bytes]]) -> int:
    said: list[int] = []

    async def never() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said.append(message["status"])

    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers, "client": client}
    asyncio.run(app(scope, never, send))
    return said[0]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_whoever_hangs_up_is_no_failure_of_the_citys_and_a_fault_is(bare: LiveCity) -> None:
    async def hung_up(*_: Any) -> None:
        return

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    counted = metrics.Metrics(bare.store)
    scope = {"type": "http", "method": "POST", "path": "/v1/push", "headers": []}
    asyncio.run(Watched(hung_up, counted)(scope, None, None))  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Watched(broken, counted)(scope, None, None))  # type: ignore[arg-type]
    text = counted.text().decode()
    for status in ("499", "500"):
        assert f'ewarung_requests_total{{method="POST",route="/v1/push",status="{status}"}} 1.0' in text


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_whoever_breaks_the_protocol_is_no_failure_of_the_citys(
    city: LiveCity, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    where = urlsplit(city.url)

    def said(method: str, path: str, body: bytes) -> bytes:
        heading = f"{method} {path} HTTP/1.1\r\nHost: city\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as line:
            line.sendall(heading + body)
            line.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: line.recv(65536), b""))

    paths = ("/health", "/v1/hello", "/v1/push", "/bundle", "/metrics", "/schema", "/nonsense")
    for path in paths:
        for body in (b"--x", b"--x\r\n", b"5\r\nhello\r\n--x\r\n"):
            assert said("POST", path, body).partition(b"\r\n")[0][9:10] in {b"4", b"2", b""}
        said("HEAD", path, b"--x\r\n")
    assert said("POST", "/health", b"--x\r\n").startswith(b"HTTP/1.1 400 ")
    counted = {dict(labels)["status"] for name, labels in figures(city.url) if name == "ewarung_requests_total"}
    assert [status for status in counted if status.startswith("5")] == []
    assert {line["level"] for line in logged()} <= {"info", "warning"}
    assert requests.get(city.url + "/health", timeout=5).status_code == 200


# --- nothing of anybody ---------------------------------------------------------------------------------------------


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Every line that the log would have had, as the program writes it."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logs._JsonLines())
    root, ours = logging.getLogger(), logging.getLogger("ewarung_city")
    root.addHandler(handler)
    before, ours.level = ours.level, logging.INFO
    ours.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    ours.setLevel(before)
    root.removeHandler(handler)


def test_each_request_is_one_line(city: LiveCity, till: Till, logged: Callable[[], list[dict[str, Any]]]) -> None:
    till.drain()
    requests.get(city.url + "/v1/pull?cursor=0", timeout=5)
    expected = {
        ("POST", "/v1/hello", 200, "EW-0001"),
        ("POST", "/v1/push", 200, "EW-0001"),
        ("GET", "/v1/pull", 200, "EW-0001"),
        ("GET", "/v1/pull", 401, ""),
    }
    deadline = time.monotonic() + 10  # a line is written when its answer has gone, perhaps after it was heard
    lines: list[dict[str, Any]] = []
    seen: set[tuple[Any, ...]] = set()
    while not seen >= expected and time.monotonic() < deadline:
        lines = [line for line in logged() if line["event"] == "request"]
        seen = {(line["method"], line["route"], line["status"], line.get("kiosk", "")) for line in lines}
    assert seen >= expected
    known = {"time", "level", "event", "worker", "method", "route", "status", "reason", "ms", "taken", "given"}
    assert {field for line in lines for field in line} <= known | {"kiosk", "epoch"}
    assert all(line["time"].endswith("Z") and line["worker"] == os.getpid() for line in lines)


def personal() -> set[str]:
    """Names, addresses and numbers of the sample's families."""
    with (SAMPLE / "families.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row[field] for row in rows for field in ("nik", "kk", "name", "address", "card_number") if row.get(field)}


def named_code(city: LiveCity) -> str:
    """The public name of a code, with letters enough that no time and no figure is it by chance."""
    while True:
        name, _ = code_secret(city.code("EW-0002"))
        if sum(map(str.isalpha, name)) > 1:
            return name


def test_neither_log_nor_figures_hold_a_name_a_number_or_a_pin(
    city: LiveCity,
    till: Till,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], list[dict[str, Any]]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Through every route and every way to fail: in paths, queries, headings, bodies, entries and faults."""
    canary = f"SUMINAH PIN {PIN} " + " ".join(NUMBERS)
    till.drain()
    with till.ledger.write() as uow:
        uow.append(OperatorChanged(canary[:40], "signed_in"), "siti")
    till.engine.step()
    for path in ("health", "schema", "metrics", "v1/enrol", "v1/hello", "v1/push", "v1/pull", "v1/grant", "v1/attest"):
        for method in ("GET", "POST", "PUT", canary.replace(" ", "")):
            requests.request(
                method,
                f"{city.url}/{path}/{NUMBERS[0]}?cursor={NUMBERS[1]}&name=SUMINAH",
                data=canary.encode(),
                headers={
                    "X-Name": canary,
                    "Authorization": f"Bearer {NUMBERS[2]}",
                    "Signature-Input": f'sig=();keyid="{NUMBERS[0]}";nonce="{canary.replace(" ", "-")[:40]}"',
                    "Cookie": canary,
                },
                timeout=10,
            )
    code_id = named_code(city)

    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError(canary)

    for module in ("intake.take", "greeting.welcome", "feed.page_for"):
        with monkeypatch.context() as patch:
            patch.setattr(f"ewarung_city.{module}", fault)
            till.engine.step()
    logging.getLogger("uvicorn.error").error("failed over %s", canary, exc_info=ZeroDivisionError(canary))
    lines = logged()
    assert {line["event"] for line in lines} >= {"request", "fault", "log"}
    assert len(lines) > 40
    everything = json.dumps(lines) + requests.get(city.url + "/metrics", timeout=10).text + "".join(capfd.readouterr())
    found = [word for word in (*NUMBERS, "SUMINAH", code_id, *personal()) if word in everything]
    assert found == []
    assert PIN not in MEASURED.sub("#", everything)
    assert "EW-0001" in everything


def test_what_others_log_is_cut_to_its_kind() -> None:
    said = logs._JsonLines().format(
        logging.LogRecord("somebody", logging.ERROR, "", 1, f"cannot serve {NUMBERS[0]} %s", ("SUMINAH",), None)
    )
    line = json.loads(said)
    assert (line["event"], line["logger"], line["text"]) == ("log", "somebody", "cannot serve # %s")


# --- as programs ----------------------------------------------------------------------------------------------------


@contextmanager
def serving(city: LiveCity, log: Path, *arguments: object) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "ewarung_city", "serve", "--data-dir", str(city.data_dir)]
    command += ["--listen", "127.0.0.1:0", "--json", "--database", city.database, *map(str, arguments)]
    with log.open("wb") as errors:
        served = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert served.stdout is not None
        yield json.loads(served.stdout.readline())["url"], served
    finally:
        served.send_signal(signal.SIGTERM)
        served.communicate(timeout=20)


@pytest.mark.system
def test_the_figures_of_several_workers_add_up(stocked: LiveCity, databases: Any, tmp_path: Path) -> None:
    if not isinstance(databases, OnPostgres):
        pytest.skip("several workers need PostgreSQL")
    log = tmp_path / "log"
    with serving(stocked, log, "--workers", 2) as (url, _):
        asked, answered = 0, answers_by(log)
        while len(answered) < 2 or min(answered.values()) < 3:
            assert requests.get(url + "/health", timeout=60).status_code == 200
            asked, answered = asked + 1, answers_by(log)
        deadline = time.monotonic() + 10  # a request is counted and logged when its answer has gone
        while answers_by(log).total() < asked and time.monotonic() < deadline:
            time.sleep(0.01)
        said = figures(url)
        assert value(said, "ewarung_requests_total", route="/health", method="GET", status="200") == asked
        assert value(said, "ewarung_entries_total") == 0
        assert value(said, "ewarung_build", version=our_version(), protocol="1", database="postgresql") == 1


def answers_by(log: Path) -> Counter[int]:
    """How many requests each worker has logged."""
    return Counter(line["worker"] for line in lines_of(log) if line["event"] == "request")


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Whole lines: the last may be under way."""
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def our_version() -> str:
    from importlib.metadata import version

    return version("ewarung-pos")


@pytest.mark.system
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_program_logs_json_lines_and_takes_its_token_from_a_file(stocked: LiveCity, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("sixteen-or-more-letters\n")
    with serving(stocked, tmp_path / "log", "--metrics-token", token) as (url, _):
        forwarded = {"X-Forwarded-For": "203.0.113.7"}
        assert requests.get(url + "/metrics", timeout=5, headers=forwarded).status_code == 403
        assert figures(url, Authorization="Bearer sixteen-or-more-letters", **forwarded)
    assert [line["status"] for line in lines_of(tmp_path / "log") if line["event"] == "request"] == [403, 200]
    token.write_text("short")
    done = subprocess.run(
        [sys.executable, "-m", "ewarung_city", "serve", "--data-dir", stocked.data_dir, "--metrics-token", token],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "metrics_token" in done.stderr) == (2, True)
