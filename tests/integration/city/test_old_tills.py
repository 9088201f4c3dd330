"""The oldest till that the city supports: said with every greeting, shown at the till, and never in anybody's way."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import requests
from click.testing import CliRunner

from ewarung_city import versions
from ewarung_city.__main__ import cli
from ewarung_city.store import schema
from ewarung_pos import __version__
from ewarung_pos.domain.journal import SettingsChanged
from ewarung_pos.errors import ConfigError
from ewarung_pos.kiosk.doctor import examine
from ewarung_pos.kiosk.enrolment import enrol_into
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.health import HealthService
from tests.integration.city.city_kit import LEDGER_KEY, LiveCity, Pen, Till, ToldClock
from tests.integration.city.moving import Kiosk, at_home, facts, serve, sound
from tests.integration.city.test_bundles import there_and_back
from tests.integration.city.test_greeting import greeting, say

NEWER = "99.0"
Run = Callable[..., str]


@pytest.fixture
def run(stocked: LiveCity) -> Run:
    """A command of the city; what it printed."""

    def call(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*words, "--data-dir", str(stocked.data_dir)])
        assert (done.exit_code == 0) is (code == 0), done.output
        return str(done.output) + str(getattr(done.exception, "reason", ""))

    return call


def support(city: LiveCity, version: str) -> None:
    with city.store.write() as tx:
        versions.set_oldest(tx, version)


def told(till: Till) -> str:
    """Which version the till's operator is told to install."""
    return HealthService(till.ledger, till.clock, lambda: None).status().upgrade


def greet_again(till: Till) -> None:
    till.clock.wait(11 * 60_000)
    till.drain()


def test_an_old_till_says_so_and_serves_on(city: LiveCity, kiosk: Kiosk) -> None:
    till = kiosk("EW-0001")
    assert told(till) == ""
    support(city, __version__)
    greet_again(till)
    assert told(till) == ""
    support(city, NEWER)
    greet_again(till)
    assert told(till) == NEWER
    serve(till, at_home(city))
    till.drain()
    assert city.epoch()["acked_seq"] >= till.ledger.read().head().seq - 1
    with city.store.read() as tx:
        assert sum(int(row["spent"]) for row in tx.all(schema.lease, commodity="beras")) == 5_000
    support(city, "")
    greet_again(till)
    assert told(till) == ""
    changed = [fact.after for fact in facts(till) if isinstance(fact, SettingsChanged)]
    assert changed == [__version__, NEWER, ""]
    assert sound(city)
    till.close()
    assert verify(till.data_dir, LEDGER_KEY).ok


def test_a_till_without_a_line_hears_of_it_by_stick(city: LiveCity, till: Till) -> None:
    till.reconnect("")
    support(city, NEWER)
    report = there_and_back(city, till)
    assert (report.upgrade, told(till)) == (NEWER, NEWER)
    support(city, "")
    report = there_and_back(city, till)
    assert (report.upgrade, told(till)) == ("", "")


def test_a_kiosk_that_the_city_stopped_is_told_too(city: LiveCity, pen: Pen) -> None:
    support(city, NEWER)
    said = say(city, greeting(pen, 0, head_hash="ab" * 32))
    assert (said.reason, said.upgrade) == ("FORK", NEWER)
    stranger = msgspec.structs.replace(greeting(pen, 0), epoch=7)
    assert say(city, stranger).upgrade is None


@pytest.mark.parametrize("said", ["soon", "1..2", "v2", "0.1.0rc1", "1.2.3.4.5", "-1", "3374010101800001"])
def test_what_is_no_version_is_refused(stocked: LiveCity, said: str) -> None:
    with stocked.store.write() as tx:
        versions.set_oldest(tx, " 0.2.0 ")
        with pytest.raises(ConfigError, match="expected numbers with points") as refused:
            versions.set_oldest(tx, said)
        assert (refused.value.reason, versions.oldest(tx)) == ("version", "0.2.0")


def test_the_city_lists_those_below_it_first(city: LiveCity, run: Run, clock: ToldClock) -> None:
    said = {"EW-0001": "0.10.0", "EW-0002": "0.9.1", "EW-0003": "satu", "EW-0004": "0.9.10"}
    with city.store.write() as tx:
        for device, version in said.items():
            row = {"device": device, "epoch": 1, "state": "active", "mode": "normal", "app_version": version}
            tx.add(schema.epoch, [{**row, "seen_ms": clock.ms}])
        gone = {"device": "EW-0005", "epoch": 1, "state": "frozen", "mode": "normal", "app_version": "0.1"}
        tx.add(schema.epoch, [gone])

    def listed() -> list[tuple[str, str]]:
        rows = csv.DictReader(io.StringIO(run("report", "versi")))
        return [(row["device"], row["state"]) for row in rows]

    def counted() -> float:
        lines = requests.get(city.url + "/metrics", timeout=10).text.splitlines()
        (line,) = (line for line in lines if line.startswith("ewarung_kiosks_old "))
        return float(line.split()[1])

    assert run("oldest-till") == "oldest version: any; 0 kiosks below it (`report versi`)\n"
    assert ({state for _, state in listed()}, counted()) == ({"ok"}, 0)
    assert run("oldest-till", "0.9.10") == "oldest version: 0.9.10; 2 kiosks below it (`report versi`)\n"
    assert listed() == [("EW-0002", "old"), ("EW-0003", "unknown"), ("EW-0001", "ok"), ("EW-0004", "ok")]
    assert counted() == 2
    assert "Kios dengan aplikasi lama: 2. Jalankan: ewarung-city report versi" in run("today")
    assert msgspec.json.decode(run("oldest-till", "--json")) == {"oldest": "0.9.10", "below": 2}
    assert "version" in run("oldest-till", "0.9.x", code=2)
    assert "--any" in run("oldest-till", "0.9", "--any", code=2)
    assert "0 kiosks" in run("oldest-till", "--any")
    assert "report versi" in run("report", "versi", "--period", "2026-11", code=2)
    acts = [row.split(",")[4:8] for row in run("report", "audit").splitlines() if "oldest-till" in row]
    assert [(act[0], act[3]) for act in acts] == [
        ("oldest-till show", "done"),
        ("oldest-till", "done"),
        ("oldest-till show", "done"),
        ("oldest-till", "refused version"),
        ("oldest-till", "done"),
    ]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_doctor_says_which_version_to_install(
    city: LiveCity, clock: ToldClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: clock.ms * 1_000_000)
    folder = tmp_path / "kiosk"
    enrol_into(folder, city.url, city.code(), clock, practice=True)
    (folder / "config.toml").write_text(f'[city]\nurl = "{city.url}"\n')

    def version() -> dict[str, str]:
        (found,) = (each for each in examine(str(folder)) if each["what"] == "versi")
        return found

    assert (version()["state"], version()["meaning"]) == ("ok", __version__)
    support(city, NEWER)
    found = version()
    assert found["state"] == "look"
    assert found["meaning"] == (f"Versi aplikasi ini sudah lama: pasang versi {NEWER}. Yang terpasang: {__version__}.")
    assert found["do"].startswith("Layani terus")
    shutil.rmtree(folder)
