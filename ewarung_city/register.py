"""The register: lists of families and kiosks come in row by row, each with what was found; sound rows are taken.

Nothing is lost: every row's findings are kept. Card numbers become references at once and are never stored; of a NIK
the masked form and a keyed name are kept.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date
from importlib import resources
from pathlib import Path

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from ewarung_city.changes import note_changes
from ewarung_city.keys import CityKeys
from ewarung_city.store import Store, card, family, import_row, kiosk, reference
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.family import CardRef, CardStatus, card_ref, luhn_valid, mask_nik
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.errors import ConfigError

__all__ = ["ImportReport", "RowReport", "import_catalogue", "import_families", "import_kiosks", "nik_findings"]

_REQUIRED = ("card_number", "nik", "kk", "name", "kelurahan_code", "programmes", "home_kiosk")


class RowReport(msgspec.Struct, frozen=True):
    """One row: whether it was taken, and what was found. Findings never repeat a NIK or a card number."""

    row: int
    taken: bool
    findings: tuple[str, ...]


class ImportReport(msgspec.Struct, frozen=True):
    """The whole list."""

    source: str
    rows: tuple[RowReport, ...]

    @property
    def taken(self) -> int:
        """Rows that went into the register."""
        return sum(row.taken for row in self.rows)


def nik_findings(nik: str) -> tuple[str, ...]:
    """What is wrong with the form of a NIK (domain rules R10, R11): empty when sound.

    `nik_luar_kota` is information only: the prefix is the place of first registration.
    """
    if not re.fullmatch(r"\d{16}", nik):
        return ("nik_bukan_16_angka",)
    found = []
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    day = day - 40 if day > 40 else day
    if not any(_is_date(century + year, month, day) for century in (1900, 2000)):
        found.append("nik_tanggal_lahir")
    if nik[12:] == "0000":
        found.append("nik_nomor_urut")
    if not nik.startswith("3374"):
        found.append("nik_luar_kota")
    return tuple(found)


def import_kiosks(store: Store, file: Path) -> ImportReport:
    """Take a list of kiosks: kiosk_id, name, kelurahan_code, officers (`;` between names).

    Raises:
        ConfigError: the file cannot be read or lacks a column.
    """
    places = _places()
    reports = []
    with store.write() as connection:
        for number, row in enumerate(_rows(file, ("kiosk_id", "name", "kelurahan_code")), start=1):
            place = places.get(row["kelurahan_code"])
            if place is None or not row["kiosk_id"]:
                reports.append(RowReport(number, False, ("kelurahan_tidak_dikenal",)))
                continue
            values = {
                "name": row["name"],
                "kelurahan_code": row["kelurahan_code"],
                "kelurahan": place[0],
                "officers": row.get("officers", ""),
            }
            changed = connection.execute(update(kiosk).where(kiosk.c.kiosk == row["kiosk_id"]).values(values)).rowcount
            if not changed:
                connection.execute(insert(kiosk).values(kiosk=row["kiosk_id"], **values))
            reports.append(RowReport(number, True, ()))
        _keep(connection, f"kiosks:{file.name}", reports)
    return ImportReport(file.name, tuple(reports))


def import_catalogue(store: Store, file: Path) -> None:
    """Take goods, prices, ceilings, programmes, monthly rations and purses, and the kiosks' operators.

    Raises:
        ConfigError: not a catalogue (names the place and what was expected).
    """

    class _File(msgspec.Struct):
        catalogue: Catalogue
        rations: dict[str, dict[str, int]]
        purses: dict[str, int]
        operators: tuple[OperatorRecord, ...] = ()

    try:
        data = msgspec.json.decode(file.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{file.name}: {error}", reason="catalogue") from error
    with store.write() as connection:
        _put(connection, "catalogue", data.catalogue)
        _put(connection, "rations", data.rations)
        _put(connection, "purses", data.purses)
        for (name,) in connection.execute(select(kiosk.c.kiosk)).all():
            _put(connection, f"operators:{name}", data.operators)
            note_changes(connection, name, [("reference", "catalogue")])


def import_families(store: Store, keys: CityKeys, file: Path, *, snapshot: str = "") -> ImportReport:
    """Take a by-name-by-address list.

    Args:
        store: the city's database.
        keys: card and pseudonym keys.
        file: CSV in UTF-8; numbers are read as text.
        snapshot: date of the list, ISO; today without it.

    Raises:
        ConfigError: the file cannot be read or lacks a column.
    """
    places = _places()
    reports: list[RowReport] = []
    seen: dict[str, set[str]] = {"nik": set(), "kk": set(), "card": set()}
    changes: dict[str, list[tuple[str, str]]] = {}
    with store.write() as connection:
        homes = {name for (name,) in connection.execute(select(kiosk.c.kiosk))}
        held = {row.token: row.family for row in connection.execute(select(card.c.token, card.c.family))}
        for number, row in enumerate(_rows(file, _REQUIRED), start=1):
            findings, reference_ = _judge(row, keys, places, homes, seen)
            fatal = [finding for finding in findings if finding in _FATAL]
            if reference_ is None or fatal:
                reports.append(RowReport(number, False, findings))
                continue
            name = keys.pseudonym("family", row["kk"] + "|" + row["nik"])
            if held.get(reference_.token, name) != name:
                reports.append(RowReport(number, False, (*findings, "kartu_dipakai_keluarga_lain")))
                continue
            _put_family(connection, row, keys, places, name, reference_)
            changes.setdefault(row["home_kiosk"], []).append(("family", name))
            reports.append(RowReport(number, True, findings))
        for home, changed in changes.items():
            note_changes(connection, home, changed)
        _put(connection, "register", {"date": snapshot or date.today().isoformat(), "source": file.name})  # noqa: DTZ011 - a calendar day
        _keep(connection, f"families:{file.name}", reports)
    return ImportReport(file.name, tuple(reports))


_FATAL = frozenset(
    {
        "kartu_bukan_14_sampai_19_angka",
        "kartu_ganda",
        "kelurahan_tidak_dikenal",
        "kios_tidak_dikenal",
        "nama_kosong",
        "status_tidak_dikenal",
        "nik_ganda",
    }
)


def _judge(
    row: dict[str, str],
    keys: CityKeys,
    places: dict[str, tuple[str, str]],
    homes: set[str],
    seen: dict[str, set[str]],
) -> tuple[tuple[str, ...], CardRef | None]:
    findings = list(nik_findings(row["nik"]))
    try:
        reference_ = card_ref(keys.card_key, row["card_number"])
        if not luhn_valid(row["card_number"].strip()):
            findings.append("kartu_angka_periksa")
    except ValueError:
        reference_ = None
        findings.append("kartu_bukan_14_sampai_19_angka")
    for kind, value in (("nik", row["nik"]), ("kk", row["kk"]), ("card", row["card_number"])):
        if value in seen[kind]:
            findings.append({"nik": "nik_ganda", "kk": "kk_ganda", "card": "kartu_ganda"}[kind])
        seen[kind].add(value)
    if row["kelurahan_code"] not in places:
        findings.append("kelurahan_tidak_dikenal")
    if row["home_kiosk"] not in homes:
        findings.append("kios_tidak_dikenal")
    if not row["name"].strip():
        findings.append("nama_kosong")
    if (row.get("card_status") or "active") not in {status.value for status in CardStatus}:
        findings.append("status_tidak_dikenal")
    return tuple(findings), reference_


def _put_family(
    connection: Connection,
    row: dict[str, str],
    keys: CityKeys,
    places: dict[str, tuple[str, str]],
    name: str,
    reference_: CardRef,
) -> None:
    place = places[row["kelurahan_code"]]
    members = row.get("members") or ""
    connection.execute(delete(family).where(family.c.family == name))
    connection.execute(delete(card).where(card.c.family == name))
    connection.execute(
        insert(family).values(
            family=name,
            name=row["name"].strip(),
            nik_masked=mask_nik(row["nik"]),
            nik_token=keys.pseudonym("nik", row["nik"]),
            kk_token=keys.pseudonym("kk", row["kk"]),
            members=int(members) if members.isdigit() else 0,
            address=" ".join(filter(None, (row.get("address"), row.get("rt"), row.get("rw")))),
            kelurahan_code=row["kelurahan_code"],
            kelurahan=place[0],
            kecamatan=place[1],
            programmes=row["programmes"],
            home=row["home_kiosk"],
        )
    )
    connection.execute(
        insert(card).values(
            token=reference_.token, last4=reference_.last4, family=name, status=row.get("card_status") or "active"
        )
    )


def _rows(file: Path, required: tuple[str, ...]) -> Iterator[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            missing = [name for name in required if name not in (reader.fieldnames or ())]
            if missing:
                raise ConfigError(f"{file.name}: no column {', '.join(missing)}", reason="columns")
            for row in reader:
                yield {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file.name}: {error}", reason="unreadable") from error


def _places() -> dict[str, tuple[str, str]]:
    """Kelurahan by code: (kelurahan, kecamatan)."""
    text = (resources.files("ewarung_city") / "data" / "semarang-kelurahan.csv").read_text(encoding="utf-8")
    return {
        row["kelurahan_code"]: (row["kelurahan"], row["kecamatan"])
        for row in csv.DictReader(text.splitlines())
    }


def _put(connection: Connection, name: str, value: object) -> None:
    connection.execute(delete(reference).where(reference.c.name == name))
    connection.execute(insert(reference).values(name=name, value=msgspec.json.encode(value)))


def _keep(connection: Connection, source: str, reports: Iterable[RowReport]) -> None:
    connection.execute(delete(import_row).where(import_row.c.source == source))
    rows = [
        {"source": source, "row": report.row, "taken": int(report.taken), "findings": " ".join(report.findings)}
        for report in reports
    ]
    if rows:
        connection.execute(insert(import_row), rows)


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
