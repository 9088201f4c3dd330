"""Copy, lose, restore, enrol again: the commands as a person gives them, against a real city."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.clock import SystemClock
from ewarung_pos.domain.journal import ComplaintRecorded
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.sync.embedded import EmbeddedCity
from tests.system.kit import CITY, refused, run, said, surroundings

pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Place:
    """A city that serves."""

    data_dir: Path
    url: str


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("city") / "data"
    with EmbeddedCity(folder) as started:
        yield Place(folder, started.url)


def new_code(city: Place) -> str:
    words = [*CITY, "enrol", "EW-0001", "--practice", "--json", "--data-dir", str(city.data_dir)]
    done = subprocess.run(words, capture_output=True, text=True, env=surroundings(), check=True)
    return str(json.loads(done.stdout.splitlines()[-1])["code"])


def enrolled(city: Place, folder: Path) -> str:
    done = run("enrol", "--city", city.url, "--code", new_code(city), "--data-dir", str(folder))
    assert done.returncode == 0, done.stderr
    folder.joinpath("config.toml").write_text(f'[city]\nurl = "{city.url}"\n')
    return done.stdout


def note(folder: Path, times: int) -> None:
    """Entries that have not been sent."""
    ledger = open_ledger(folder, key_of(folder).secret, SystemClock())
    for _ in range(times):
        with ledger.write() as uow:
            uow.append(ComplaintRecorded("P-1", "lain", "antre", anonymous=True))
    ledger.close()


def doctor(folder: Path) -> dict[str, Any]:
    done = run("doctor", "--json", "--data-dir", str(folder))
    return {line["what"]: line for line in json.loads(done.stdout.splitlines()[-1])["checks"]}


def answered(*words: str) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.timeout(180)
def test_from_a_copy_to_the_next_epoch(city: Place, tmp_path: Path) -> None:
    folder, stick = tmp_path / "till", tmp_path / "stick"
    assert "Terdaftar: EW-0001" in enrolled(city, folder)
    epoch = said(folder)["epoch"]
    assert doctor(folder)["salinan"]["meaning"] == "belum ada salinan"
    kept = answered("backup", "--data-dir", str(folder))
    assert Path(kept["path"]).parent == folder / "backup"
    copies = doctor(folder)["salinan"]
    assert copies["meaning"].startswith("Salinan terakhir: hari ini")
    assert "disk yang sama" in copies["do"]
    note(folder, 2)
    made = answered("backup", str(stick), "--data-dir", str(folder))
    assert run("verify", made["path"], "--data-dir", str(folder)).returncode == 0
    assert "Kunci untuk membuka" in refused(run("verify", made["path"]), 2)
    note(folder, 3)

    assert "lebih lengkap" in refused(run("restore", made["path"], "--data-dir", str(folder)), 2)
    told = answered("restore", made["path"], "--older", "--data-dir", str(folder))
    assert (told["entries"], told["replaced_entries"]) == (made["entries"], made["entries"] + 3)
    assert told["replaced_ok"]
    assert told["city"]["sent"] >= 2
    assert (told["city"]["missing"], told["city"]["same_past"], told["city_error"]) == (0, True, "")
    assert said(Path(told["replaced"]))["entries"] == made["entries"] + 3

    stopped = refused(run("run", "--data-dir", str(folder)), 2)
    assert "Buku ini salinan" in stopped
    assert "ewarung-pos enrol" in stopped.partition("Lakukan sekarang:")[2]
    assert "ewarung-pos enrol" in doctor(folder)["ledger"]["do"]
    bundle = tmp_path / "help.zip"
    assert run("doctor", "--bundle", str(bundle), "--data-dir", str(folder)).returncode == 1
    with zipfile.ZipFile(bundle) as parts:
        assert json.loads(parts.read("ledger.json"))["head_seq"] == made["entries"]
    first = answered("report", "pdp", "--data-dir", str(folder))
    assert (first["families"] > 0, first["lists"], first["oldest_list"]) == (True, 0, "")

    assert f"Kota memegang semua catatan salinan ini, sampai {made['entries']}." in enrolled(city, folder)
    report = said(folder)
    assert (report["ok"], report["epoch"]) == (True, epoch + 1)
    assert said(folder / "epochs" / f"ledger-EW-0001-{epoch}.db")["ok"]
    held = answered("report", "pdp", "--data-dir", str(folder))
    assert (held["head_seq"], held["families"] > 0) == (report["entries"], True)
    assert (held["lists"], held["lists_in"]) == (2, str(folder / "papers")), "the first one's table and paper"
    assert held["oldest_list"].replace("-", "") in Path(first["csv"]).name
    assert f"masih ada di {folder / 'papers'}" in run("report", "pdp", "--data-dir", str(folder)).stdout
    second = answered("backup", "--data-dir", str(folder))
    assert "masa yang sudah berakhir" in refused(run("restore", made["path"], "--data-dir", str(folder)), 2)
    assert said(Path(second["path"]))["epoch"] == epoch + 1
    refused(run("enrol", "--city", city.url, "--code", new_code(city), "--data-dir", str(folder)), 2)


def test_a_restore_without_a_line_says_so_and_what_to_do(city: Place, tmp_path: Path) -> None:
    folder = tmp_path / "till"
    enrolled(city, folder)
    made = answered("backup", "--data-dir", str(folder))
    (folder / "config.toml").write_text('[city]\nurl = "http://127.0.0.1:1"\n')
    note(folder, 1)
    done = run("restore", made["path"], "--older", "--data-dir", str(folder))
    assert done.returncode == 0, done.stderr
    assert "Kota belum ditanya" in done.stdout
    assert "utuh dan lebih lengkap" in done.stdout
    assert done.stdout.count("Lakukan sekarang:") == 1


def test_a_copy_that_cannot_be_used_is_refused_in_words(city: Place, tmp_path: Path) -> None:
    folder = tmp_path / "till"
    enrolled(city, folder)
    made = answered("backup", "--data-dir", str(folder))
    (folder / "ledger.key").rename(tmp_path / "away.key")
    assert "Kunci" in refused(run("restore", made["path"], "--data-dir", str(folder)), 2)
    (tmp_path / "away.key").rename(folder / "ledger.key")
    broken = tmp_path / "broken.db"
    body = bytearray(Path(made["path"]).read_bytes())
    body[len(body) // 2] ^= 1
    broken.write_bytes(body)
    refused(run("restore", str(broken), "--data-dir", str(folder)), 2)
    done = run("backup", "--json", "--data-dir", str(folder), EWARUNG_PATHS_BACKUP=str(tmp_path / "no-stick"))
    assert done.returncode == 2
    assert json.loads(done.stdout.splitlines()[-1])["reason"] == "backup_dir"
    assert said(folder)["ok"]
