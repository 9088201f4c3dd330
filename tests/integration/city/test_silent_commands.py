"""What the city's commands say, refuse and write down names nobody of the files that they read."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_city.__main__ import main
from ewarung_city.store import schema
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity

LONG = re.compile(r"\d(?:[ .-]?\d){11,}")
Run = Callable[..., str]


@pytest.fixture
def said(stocked: LiveCity, capsys: pytest.CaptureFixture[str]) -> Run:
    """Everything that a command prints, whether it does what was asked or not."""

    def run(*words: object) -> str:
        with pytest.raises(SystemExit):
            main([*map(str, words), "--data-dir", str(stocked.data_dir)])
        return "".join(capsys.readouterr())

    return run


def sample() -> list[dict[str, str]]:
    with (SAMPLE / "families.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def personal() -> set[str]:
    return {row[field] for row in sample() for field in ("nik", "kk", "card_number", "name", "address") if row[field]}


def spoilt(path: Path, *, heading: bool) -> Path:
    """The sample with something wrong in every row: as this program's own table, or as an office's list."""
    rows = sample()[:40]
    for number, row in enumerate(rows):
        spoils = (
            {"nik": row["nik"][:-1]},
            {"nik": f"{row['nik'][:6]}991345{row['nik'][12:]}"},
            {"kk": row["kk"] + row["kk"]},
            {"card_number": row["nik"]},
            {"name": f"{row['name']} {row['nik']}"},
            {"kelurahan_code": row["name"]},
            {"home_kiosk": row["card_number"]},
            {"programmes": row["name"]},
        )
        row.update(spoils[number % len(spoils)])
    words = {"nik": "NIK", "kk": "No. KK", "name": "Nama"} if heading else {}
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(words.get(name, name) for name in rows[0])
        writer.writerows([*(row.values() for row in rows), ["\0", *rows[0].values()]])
    return path


def test_no_command_says_whose_row_or_number_it_refused(
    stocked: LiveCity, said: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sample()[0]
    own, office = spoilt(tmp_path / "own.csv", heading=False), spoilt(tmp_path / "office.csv", heading=True)
    dated = ("--snapshot", "2026-11-01", "--source", "Dinsos", "--out", tmp_path / "papers")
    printed = [
        said("import-families", own),
        said("import-families", own, "--json"),
        said("import-families", office, *dated),
        said("import-families", office, *dated, "--json"),
        said("import-families", office, *dated, "--check"),
        said("import-kiosks", own),
        said("import-catalogue", own),
        said("charge", "EW-0001", 1, 1, "K000000000000000"),
        said("bundle", "import", own),
        said("verify"),
    ]
    with stocked.store.read() as tx:
        key = tx.all(schema.family, "key")[0]["key"]
    shown = said("family", key)
    assert any(name in shown for name in personal()), "who is asked for is shown"
    said("report", "pdp", "EW-0001", "--out", tmp_path / "papers")

    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"{first['name']} {first['nik']}")

    for broken, command in {
        "register.import_families": ("import-families", SAMPLE / "families.csv"),
        "register.import_kiosks": ("import-kiosks", SAMPLE / "kiosks.csv"),
        "leases.grant": ("grant", PERIOD),
        "lookups.look_up": ("family", key),
        "breach.inventory_of": ("report", "pdp", "EW-0001"),
        "pins.reset": ("reset-pin", "EW-0001", "siti"),
        "bundles.take_bundle": ("bundle", "import", own),
    }.items():
        with monkeypatch.context() as patch:
            patch.setattr(f"ewarung_city.{broken}", fault)
            printed.append(said(*command))
    for text in printed:
        assert text
        assert [word for word in personal() if word in text] == []
        assert LONG.findall(re.sub(r"[0-9a-f]{32,}", "", text)) == []
    with stocked.store.read() as tx:
        kept = b"\n".join(bytes(row["body"]) for row in tx.all(schema.audit)).decode()
    assert [word for word in personal() if word in kept] == []
    assert kept.count('"outcome":"failed"') >= 6
