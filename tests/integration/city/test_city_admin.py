"""The guide for whoever runs the city's server is true: its commands are run in its order, its figures looked up."""

from __future__ import annotations

import ast
import configparser
import csv
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner

from ewarung_city import forks
from ewarung_city.__main__ import cli
from ewarung_city.accounts import Officer, Right, Role
from ewarung_city.limits import Limits
from ewarung_city.serving import serve
from ewarung_city.store import schema
from ewarung_pos.sync.enrolment import enrol
from tests.integration.city.city_kit import NOON, SAMPLE, LiveCity, ToldClock

GUIDE = (Path(__file__).parents[3] / "docs" / "city-admin.md").read_text(encoding="utf-8")
CHOSEN = "kata sandi yang panjang"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


class Desk:
    """Whoever follows the guide: runs each line, answers what is asked, and copies what is said."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, city: LiveCity) -> None:
        self.folder, self.patch, self.city = folder, patch, city
        self.known: dict[str, str] = {}
        self.ran: list[str] = []
        self._asking = ""
        self._kiosk: threading.Thread | None = None
        self._digits: list[str] = []
        patch.setattr("ewarung_city.acting._at_terminal", lambda: True)
        patch.setattr("ewarung_city.acting.click.prompt", self._answer)

    def _answer(self, prompt: str, **_: object) -> str:
        return CHOSEN if prompt == "New passphrase" else self.known[self._asking]

    def follow(self, line: str) -> None:
        line = line.replace("123456", self._digits[0]) if self._digits else line
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            if name != "EWARUNG_CITY_DIR":
                self.patch.setenv(name, value)
        elif words[0] == "ewarung-city":
            self._command(words[1:])
        elif words[0] == "sqlite3" and shutil.which("sqlite3") is None:
            self._copy(words)
        else:
            subprocess.run(["bash", "-ec", line], cwd=self.folder, check=True)
        self.ran.append(" ".join(words[:2]))

    def _copy(self, words: list[str]) -> None:
        with (
            closing(sqlite3.connect(os.path.expandvars(words[1]))) as held,
            closing(sqlite3.connect(self.folder / words[2].split()[1])) as copy,
        ):
            held.backup(copy)

    def _command(self, words: list[str]) -> None:
        if words[0] == "family":
            with self.city.store.read() as tx:
                words[1] = tx.all(schema.family, "key")[0]["key"]
        if words[0] == "release":
            self._stop(words[1], int(words[2]))
        if words[:1] == ["approve"] and self._kiosk is None:
            self._begin_enrolment()
        self._asking = words[words.index("--as") + 1] if "--as" in words else os.environ.get("EWARUNG_OFFICER", "")
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, (words, done.output, done.exception, getattr(done.exception, "detail", ""))
        if words[:2] == ["officer", "add"]:
            self.known[words[2]] = done.output.partition(": ")[2].strip()
        elif words[:2] == ["officer", "passphrase"]:
            self.known[self._asking] = CHOSEN
        elif words[0] == "enrol":
            self.known["code"] = done.output.strip()
        elif words[0] == "approve" and len(words) == 3 and self._kiosk is not None:
            self._kiosk.join(30)
            assert not self._kiosk.is_alive()

    def _stop(self, kiosk: str, epoch: int) -> None:
        """Another machine with that kiosk's key."""
        with self.city.store.write() as tx:
            held = tx.one(schema.epoch, device=kiosk, epoch=epoch)
            assert held is not None
            forks.stop(tx, held, 1, NOON)

    def _begin_enrolment(self) -> None:
        """The person at the till."""
        self.city.start()
        self._kiosk = threading.Thread(
            target=enrol,
            args=(self.city.url, self.known["code"], "0.1.0"),
            kwargs={
                "on_digits": self._digits.append,
                "now_s": lambda: NOON // 1000,
                "sleep": lambda _: time.sleep(0.05),
            },
        )
        self._kiosk.start()
        deadline = time.monotonic() + 30
        while not self._digits:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A folder with the files that the guide speaks of, and a city that is not made yet."""
    monkeypatch.setattr("ewarung_city.accounts.COST", (1, 8, 1))
    monkeypatch.setattr("time.time_ns", lambda: NOON * 1_000_000)
    monkeypatch.setenv("EWARUNG_CITY_DIR", str(tmp_path / "city"))
    monkeypatch.chdir(tmp_path)
    for name in ("catalogue.json", "kiosks.csv"):
        shutil.copy(SAMPLE / name, tmp_path)
    office_list(tmp_path / "daftar.csv")
    city = LiveCity(tmp_path / "city", ToldClock())
    yield Desk(tmp_path, monkeypatch, city)
    city.close()


def office_list(path: Path) -> None:
    """The sample's families as an office would keep them."""
    columns = {
        "NIK": "nik", "No. KK": "kk", "Nama": "name", "Alamat": "address", "Kode Kelurahan": "kelurahan_code",
        "No. KKS": "card_number", "Program": "programmes", "Kios": "home_kiosk",
    }  # fmt: skip
    with (SAMPLE / "families.csv").open(encoding="utf-8") as file, path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=";")
        writer.writerow(columns)
        writer.writerows([row[name] for name in columns.values()] for row in list(csv.DictReader(file))[:60])


def test_every_command_of_the_guide_does_what_it_says(desk: Desk) -> None:
    for block in blocks("sh"):
        for line in block.splitlines():
            desk.follow(line)
    assert len(desk.ran) > 40
    assert {path.name.partition("-")[0] for path in (desk.folder / "papers").iterdir()} == {"pdp", "realisasi", "spj"}
    offered = set(cli.commands) - {"serve", "practice", "simulate", "bundle", "case", "charge"}
    assert offered <= {ran.removeprefix("ewarung-city ") for ran in desk.ran if ran.startswith("ewarung-city ")}


def test_the_service_starts_the_program_with_options_that_it_has() -> None:
    (unit,) = blocks("ini")
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.optionxform = str  # type: ignore[assignment,method-assign]
    service.read_string(unit)
    program, command, *arguments = shlex.split(service["Service"]["ExecStart"])
    assert (Path(program).name, command) == ("ewarung-city", "serve")
    serve.make_context("serve", arguments)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_every_figure_of_the_alerts_is_told_and_every_alert_explained(city: LiveCity) -> None:
    requests.get(city.url + "/v1/pull", timeout=10)
    with city.store.write() as tx:
        tx.add(schema.epoch, [{"device": "EW-0001", "epoch": 1, "state": "active", "mode": "normal"}])
    told = requests.get(city.url + "/metrics", timeout=10).text
    scraped, alerts = (yaml.safe_load(said) for said in blocks("yaml"))
    assert scraped["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:8470"]
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    for rule in rules:
        named = set(re.findall(r"\bewarung_\w+", rule["expr"]))
        assert named or "up{" in rule["expr"]
        for name in named:
            assert f"\n{name}{{" in told or f"\n{name} " in told, name
    explained = "\n".join(
        line.partition("|")[2].partition("|")[0] for line in GUIDE.splitlines() if line.startswith("|")
    )
    assert not [rule["alert"] for rule in rules if rule["alert"] not in explained]


def test_the_limits_and_the_roles_are_those_of_the_program() -> None:
    limits = Limits()
    assert f"| {limits.kiosk_rate} | {limits.kiosk_burst} | {limits.kiosk_at_once} |" in GUIDE
    assert f"| {limits.unproved_rate} | {limits.unproved_burst} | {limits.address_at_once} |" in GUIDE
    assert f"| the server | | | {limits.at_once} |" in GUIDE
    rows = {
        Right.MANAGE: "`officer ...`", Right.ACT: "register", Right.LOOK_UP: "names", Right.EVIDENCE: "`report kasus`",
        Right.AUDIT: "`report audit`", Right.FIGURES: "`report realisasi`",
    }  # fmt: skip
    for right, begins in rows.items():
        (row,) = (line for line in GUIDE.splitlines() if line.startswith(f"| {begins}"))
        said = [cell.strip() == "yes" for cell in row.strip("|").split("|")[1:]]
        assert said == [Officer("x", role).may(right) for role in Role], row


def test_the_log_has_the_fields_that_are_described() -> None:
    table = GUIDE.partition("| field | |")[2].partition("\n\n")[0]
    described = set(
        re.findall(r"`(\w+)`", "\n".join(line.partition("|")[2].partition("|")[0] for line in table.splitlines()))
    )
    folder = Path(serve.callback.__code__.co_filename).parent  # type: ignore[union-attr]
    named = {"time", "level", "event", "worker", "logger", "text"}
    for source in folder.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "event":
                named |= {keyword.arg for keyword in node.keywords if keyword.arg is not None}
    assert named <= described | {"logger", "text"}
    assert described - named <= {"kiosk", "epoch"}
