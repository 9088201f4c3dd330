"""The support bundle of a till in any state."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos.kiosk.support import write_bundle
from tests.unit.test_diagnostics import NIK, PAN, leaks


def bundle(folder: Path, found: list[dict[str, str]] | None = None) -> dict[str, str]:
    parts = write_bundle(str(folder), found or [], folder.parent / "help.zip")
    with zipfile.ZipFile(folder.parent / "help.zip") as held:
        assert tuple(held.namelist()) == parts
        return {name: held.read(name).decode() for name in parts}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "till").mkdir()
    return tmp_path / "till"


def test_before_enrolment_it_still_tells_what_there_is(folder: Path) -> None:
    parts = bundle(folder, [{"state": "look", "what": "ledger"}])
    assert json.loads(parts["doctor.json"]) == [{"state": "look", "what": "ledger"}]
    assert json.loads(parts["ledger.json"]) == {"error": "config", "reason": "no_key"}
    assert json.loads(parts["files.json"]) == []
    assert json.loads(parts["versions.json"])["packages"]["msgspec"] != "-"


def test_a_configuration_that_cannot_be_read_is_told_as_such(folder: Path) -> None:
    (folder / "config.toml").write_text("[kiosk]\nwarna = 1\n")
    parts = bundle(folder)
    assert "kiosk.warna" in json.loads(parts["config.json"])["error"]
    assert set(parts) == {"doctor.json", "versions.json", "config.json"}


def test_an_address_loses_its_name_and_password(folder: Path) -> None:
    (folder / "config.toml").write_text(
        '[city]\nurl = "https://kios:rahasia@kota.example/x?token=rahasia"\n'
        '[card_reader]\ndriver = "ecr"\nport = "socket://kios:rahasia@127.0.0.1:7002"\n'
        '[receipt_printer]\ndriver = "escpos-serial"\nport = "/dev/ttyUSB0"\n'
    )
    told = bundle(folder)["config.json"]
    assert "rahasia" not in told
    config = json.loads(told)
    assert config["city"]["url"] == "https://kota.example/x"
    assert config["card_reader"]["port"] == "socket://127.0.0.1:7002"
    assert config["receipt_printer"]["port"] == "/dev/ttyUSB0"


def test_what_goes_while_it_is_looked_at_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A till serves beside it: its write-ahead log comes and goes, drafts too, and logs take the next name."""
    (folder / "log").mkdir()
    (folder / "log" / "till.log").write_text("one")
    (folder / "ledger.db-wal").symlink_to(folder / "gone")
    (folder / "log" / "till.log.1").symlink_to(folder / "gone")
    walk = os.walk

    def meanwhile(place: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for at, folders, names in walk(place):
            yield at, [*folders, "a-draft"], [*names, "ledger.db-shm"]

    monkeypatch.setattr(os, "walk", meanwhile)
    parts = bundle(folder)
    assert [file["name"] for file in json.loads(parts["files.json"])] == ["log/till.log"]
    assert [name for name in parts if name.startswith("log/")] == ["log/till.log"]


def test_every_text_is_redacted_on_its_way_whoever_wrote_it(folder: Path) -> None:
    (folder / "log").mkdir()
    (folder / "log" / "till.log").write_text(f"kartu {PAN}\n")
    (folder / "log" / "till.log.1").write_text(f"nik {NIK}\n")
    (folder / f"{PAN}.txt").write_text("")
    parts = bundle(folder, [{"state": "stop", "what": "EDC", "meaning": f"card {PAN}", "do": ""}])
    assert {name: found for name, text in parts.items() if (found := leaks(text))} == {}
    assert "log/till.log.1" in parts
    assert "[####4821]" in parts["doctor.json"]
