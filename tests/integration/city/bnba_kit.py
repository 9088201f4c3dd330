"""Lists as offices make them: invented people, written as CSV or XLSX, and taken by a city."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl

from ewarung_city import register
from ewarung_city.bnba.columns import ColumnMap
from ewarung_city.bnba.findings import Finding
from ewarung_city.bnba.taking import ListReport, check_list, read_list, take_list
from ewarung_city.store import schema
from ewarung_pos.domain.family import luhn_valid
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity

TODAY = date(2026, 11, 24)
KAUMAN = "33.74.01.1010"
HEADINGS = {
    "nik": "NIK",
    "kk": "No. KK",
    "name": "Nama",
    "address": "Alamat",
    "rt_rw": "RT/RW",
    "rt": "RT",
    "rw": "RW",
    "kelurahan_code": "Kode Wilayah",
    "card": "Nomor KKS",
    "programmes": "Program",
    "status": "Status",
    "home": "Kios",
    "members": "Jumlah Anggota",
    "balance": "Saldo",
    "kelurahan": "Kelurahan",
    "kecamatan": "Kecamatan",
}

Person = dict[str, str]


def person(number: int, **change: str) -> Person:
    """The invented person of that number, 1 to 899, in a family of her own at Kauman."""
    card = f"99990000000{number + 100:04}"
    return {
        "nik": f"33740141018{number % 10}{number + 1000}",
        "kk": f"337401010120{number + 2000}",
        "name": f"WARGA {chr(65 + number % 26)}{number}",
        "address": f"Gg. Melati No. {number}",
        "rt_rw": "007/008",
        "kelurahan_code": KAUMAN,
        "card": next(card + str(digit) for digit in range(10) if luhn_valid(card + str(digit))),
        "programmes": "SEMBAKO",
    } | change


def table(people: Sequence[Person]) -> list[list[str]]:
    """Heading and rows, with a column for everything that somebody has."""
    fields = [field for field in HEADINGS if any(field in one for one in people)]
    return [[HEADINGS[field] for field in fields], *([one.get(field, "") for field in fields] for one in people)]


def as_csv(rows: Iterable[Sequence[str]], separator: str = ";", letters: str = "utf-8-sig") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(letters)


def as_xlsx(**sheets: Iterable[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    book.close()
    return out.getvalue()


class Office:
    """Sends lists to a city and remembers nothing."""

    def __init__(self, city: LiveCity, directory: Path) -> None:
        self.city = city
        self._directory = directory
        with city.store.write() as tx:
            register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
            register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
            register.import_kiosks(tx, SAMPLE / "kiosks.csv")

    def file(self, content: bytes, name: str = "daftar.csv") -> Path:
        path = self._directory / name
        path.write_bytes(content)
        return path

    def send(
        self,
        *people: Person,
        snapshot: str = "2026-11-01",
        source: str = "Dinsos",
        mapping: ColumnMap | None = None,
        content: bytes | None = None,
        only_check: bool = False,
    ) -> ListReport:
        path = self.file(as_csv(table(people)) if content is None else content)
        said = read_list(path, mapping or ColumnMap(), source, snapshot, TODAY)
        if only_check:
            with self.city.store.read() as tx:
                return check_list(tx, self.city.keys, said, self.city.clock.ms)
        with self.city.store.write() as tx:
            return take_list(tx, self.city.keys, said, self.city.clock.ms)

    def family(self, one: Person) -> dict[str, Any]:
        """The registered family of that person; KeyError if there is none."""
        key = register.family_key(self.city.keys.token("nik", one["nik"]))
        with self.city.store.read() as tx:
            row = tx.one(schema.family, key=key)
        if row is None:
            raise KeyError(key)
        return dict(row)

    def everything(self) -> dict[str, list[Any]]:
        """Every row of every table but the audit, which says who tried."""
        with self.city.store.read() as tx:
            return {
                name: sorted(repr(sorted(row.items())) for row in tx.all(held))
                for name, held in schema.METADATA.tables.items()
                if held is not schema.audit
            }


def outcomes(report: ListReport) -> list[str]:
    return [row.outcome.value for row in report.rows]


def codes(report: ListReport) -> set[tuple[int, str]]:
    return {(found.row, found.code) for found in report.findings}


def sentence(report: ListReport, code: str) -> str:
    found: list[Finding] = [found for found in report.findings if found.code == code]
    return found[0].sentence
