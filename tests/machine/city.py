"""The city of the machine: a real database, which can be copied and put back, and the officers who work on it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import event

from ewarung_city import enrolment, leases, register
from ewarung_city.keys import KEY_FILE, CityKeys, load_keys
from ewarung_city.store.database import CityStore
from ewarung_pos.practice.cards import sample_file
from tests.city_databases import Databases
from tests.machine.kiosk import Ticks
from tests.machine.line import CityDied, Desk

__all__ = ["HOMES", "KIOSKS", "OIL", "RATIONS", "RICE", "START_MS", "City", "new_city"]

START_MS = 1_795_496_400_000  # 24 November 2026, 12.00 WIB
KIOSKS = 3
RICE, OIL = "beras-medium-5", "minyak-1"
RATIONS = {"JATAH": {"beras": 10_000}, "TABUNGAN": {"minyak": 2_000}}
"""Two packs of each a month; what is left of the second is carried over."""
HOMES = (0, 0, 1, 2)
"""Where each family is at home."""


class City:
    """A city on one database at a time."""

    def __init__(self, folder: Path, url: str, databases: Databases, ticks: Ticks) -> None:
        self.folder = folder
        self.databases = databases
        self.ticks = ticks
        self.ahead_ms = 0
        self.keys: CityKeys = load_keys(folder)
        self.url = url
        self.touched = True
        self._dies = False
        self._copies = 0
        self._homes = [*HOMES]
        self._open()

    def now_ms(self) -> int:
        """What it takes for the time."""
        return self.ticks.ms + self.ahead_ms

    def _open(self) -> None:
        self.store = CityStore(self.url)
        event.listen(self.store._engine, "commit", self._committing)
        self.restart()

    def restart(self) -> None:
        """Its program starts anew: what only memory held is gone."""
        self.desk = Desk(self.store, self.keys, self.now_ms, self._touch)

    def _touch(self) -> None:
        self.touched = True

    def break_commits(self, broken: bool) -> None:
        """Whether its next commits fail."""
        self._dies = broken

    def _committing(self, _: object) -> None:
        if self._dies:
            raise CityDied

    def copy(self) -> str:
        """A copy of its database, as a backup is; returns its URL."""
        self.store.close()
        self._copies += 1
        folder = self.folder / f"copy-{self._copies}"
        folder.mkdir()
        url = self.databases.copied(self.url, folder)
        self._open()
        return url

    def put_back(self, url: str, *, recover: bool) -> None:
        """That copy is its database from now on; the copy itself stays as it is."""
        self.store.close()
        gone = self.url
        self._copies += 1
        folder = self.folder / f"copy-{self._copies}"
        folder.mkdir()
        self.url = self.databases.copied(url, folder)
        self.databases.drop(gone)
        self._open()
        if recover:
            with self.store.write() as tx:
                leases.restored(tx)
        self.touched = True

    def relist(self, family: int, home: int) -> None:
        """A list by name and address comes in that gives a family another home; the others have those of the last."""
        self._homes[family] = home
        file = self.folder / "relisted.csv"
        _families(file, self._homes)
        with self.store.write() as tx:
            register.import_families(tx, file, self.keys, self.now_ms(), "contoh")
        self.touched = True

    def code(self, device: str) -> str:
        """An enrolment code for whom nobody compares digits."""
        with self.store.write() as tx:
            return enrolment.issue_code(tx, device, self.now_ms(), auto=True)

    def close(self) -> None:
        """Give it back."""
        self.store.close()


def new_city(folder: Path, databases: Databases, ticks: Ticks) -> City:
    """A city with three kiosks, four families, and this month granted."""
    folder.mkdir(parents=True)
    stored = {"signing": b"\1" * 32, "card": b"\2" * 32, "register": b"\3" * 32}
    key_file = folder / KEY_FILE
    key_file.touch(0o600)
    key_file.write_bytes(msgspec.json.encode({name: key.hex() for name, key in stored.items()}))
    url = databases.fresh(folder)
    store = CityStore(url)
    store.create()
    files = _files(folder)
    with store.write() as tx:
        register.import_regions(tx, files["regions"])
        register.import_catalogue(tx, files["catalogue"], "2026-11")
        register.import_kiosks(tx, files["kiosks"])
        register.import_families(tx, files["families"], load_keys(folder), ticks.ms, "contoh")
        leases.grant(tx, "2026-11")
        tx.open_month(ticks.ms)
    store.close()
    return City(folder, url, databases, ticks)


def _files(folder: Path) -> dict[str, Path]:
    """What an office would import, cut from the sample to a handful."""
    paths = {name: folder / f"{name}.csv" for name in ("regions", "kiosks", "families")}
    paths["catalogue"] = folder / "catalogue.json"
    _cut("semarang-kelurahan.csv", paths["regions"], 10_000, {})
    _cut("kiosks.csv", paths["kiosks"], KIOSKS, {})
    _families(paths["families"], HOMES)
    paths["catalogue"].write_text(json.dumps(_catalogue()), encoding="utf-8")
    return paths


def _families(to: Path, homes: Sequence[int]) -> None:
    named = [f"EW-{home + 1:04d}" for home in homes]
    _cut("families.csv", to, len(homes), {"home_kiosk": named, "programmes": ["JATAH;TABUNGAN"] * len(homes)})


def _cut(name: str, to: Path, rows: int, change: dict[str, list[str]]) -> None:
    with sample_file(name).open(encoding="utf-8", newline="") as file:
        said = list(csv.DictReader(file))
    if name == "families.csv":
        said = [row for row in said if row["card_status"] == "active"]
    said = said[:rows]
    for column, values in change.items():
        for row, value in zip(said, values, strict=True):
            row[column] = value
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, said[0].keys())
        writer.writeheader()
        writer.writerows(said)


def _catalogue() -> dict[str, Any]:
    said: dict[str, Any] = json.loads(sample_file("catalogue.json").read_text(encoding="utf-8"))
    goods = said["catalogue"]
    goods["commodities"] = [item for item in goods["commodities"] if item["code"] in {"beras", "minyak"}]
    goods["products"] = [item for item in goods["products"] if item["code"] in {RICE, OIL}]
    goods["programmes"] = [
        {"code": "JATAH", "name": "Jatah pangan kota", "kind": "ration", "carry_over": False},
        {"code": "TABUNGAN", "name": "Jatah yang dibawa", "kind": "ration", "carry_over": True},
    ]
    goods["eligibilities"] = [
        {"programme": programme, "commodity": commodity, "valid_from": {"iso": "2020-01-01"}, "valid_to": None}
        for programme, rations in RATIONS.items()
        for commodity in rations
    ]
    goods["ceilings"] = []
    return {"catalogue": goods, "rations": RATIONS, "purses": {}, "operators": said["operators"],
            "hardship_permille": 500}  # fmt: skip
