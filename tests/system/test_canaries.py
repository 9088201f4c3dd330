"""Known numbers go through a whole morning with everything that can go wrong, and are found nowhere afterwards.

Card numbers, NIKs and Nos. KK of every sample family, the PINs that are typed, and whatever looks like a track. Names
and addresses may stand in the register alone.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import pytest

from ewarung_pos.devices.simulated.edc import spawn
from ewarung_pos.practice.cards import sample_file
from tests.escpos_interpreter import interpret
from tests.system.kit import ROLL_DOTS, book, demo_command, morning, other_connection, run, surroundings
from tests.unit.test_diagnostics import KK, NIK, PAN

pytestmark = pytest.mark.system

with sample_file("families.csv").open(encoding="utf-8", newline="") as _file:
    FAMILIES = list(csv.DictReader(_file))
NUMBERS = {row[column] for row in FAMILIES for column in ("card_number", "nik", "kk")}
PERSONAL = {row["name"] for row in FAMILIES} | {row["address"] for row in FAMILIES}
PINS = re.compile(rb"(?<![0-9A-Za-z])(?:111111|222222)(?![0-9A-Za-z])")
TRACK = re.compile(rb"[;%]B?\d{12,19}[=^]|\d{13,19}=\d{4}|9999\d{12}[=D^]")
LONG = re.compile(rb"\d(?:(?:\s{1,2}|[./_,-]| - )?\d){12,}")

# Faults of the line and of the bank, on every kind of request; all of them are answered by the till's own means.
FAULTS = [
    {"on": "card", "nth": 2, "do": "garbage_before"},
    {"on": "card", "nth": 3, "do": "bad_lrc_once"},
    {"on": "card", "nth": 4, "do": "bad_lrc"},
    {"on": "card", "nth": 5, "do": "short"},
    {"on": "card", "nth": 6, "do": "long"},
    {"on": "card", "nth": 8, "do": "wrong_type"},
    {"on": "sale", "nth": 2, "do": "late_response", "ms": 300},
    {"on": "sale", "nth": 3, "do": "decline", "code": "05"},
    {"on": "any", "every": 9, "do": "duplicate_response"},
]


def numbers_in(data: bytes) -> list[str]:
    """Canaries in these bytes, also with what stands between their digits taken out. Names none of them in full."""
    found = set()
    for run_ in LONG.findall(data):
        digits = re.sub(rb"\D", b"", run_).decode()
        found |= {
            f"...{digits[at + 12 : at + 16]}" for at in range(len(digits) - 15) if digits[at : at + 16] in NUMBERS
        }
    found |= {"track" for _ in TRACK.findall(data)}
    found |= {"PIN" for _ in PINS.findall(data)}
    return sorted(found)


@dataclass(frozen=True)
class Morning:
    folder: Path
    said: bytes
    bundle: Path

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """Everything that the morning left: (where, bytes)."""
        yield "standard output and error", self.said
        for file in sorted(self.folder.rglob("*")):
            if file.is_file():
                yield str(file.relative_to(self.folder)), file.read_bytes()
        for file in sorted((self.folder / "papers").glob("*.pdf")):
            yield f"text of {file.name}", _pdf_text(file)
        for file in sorted((self.folder / "print").glob("*.bin")):
            text = "\n".join(line.text for line in interpret(file.read_bytes(), ROLL_DOTS).lines)
            yield f"text of {file.name}", text.encode()
        with zipfile.ZipFile(self.bundle) as bundle:
            for name in bundle.namelist():
                yield f"bundle {name}", bundle.read(name)

    def tables(self) -> Iterator[tuple[str, bytes]]:
        """Every table of the ledger, by its key."""
        with other_connection(self.folder) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - of its own schema
                yield name, b"\n".join(_plain(cell) for row in rows for cell in row)


def _pdf_text(file: Path) -> bytes:
    document = pypdfium2.PdfDocument(file)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document).encode()
    finally:
        document.close()


def _plain(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Morning:
    place = tmp_path_factory.mktemp("canaries")
    folder, faults = place / "till", place / "faults.json"
    faults.write_text(json.dumps(FAULTS))
    with spawn(pty=place / "edc", journal=place / "bank.jsonl", faults=faults) as terminal:
        summary, said = morning(folder, 18, "--edc", terminal.url)
        doctor = run("doctor", "--data-dir", str(folder), "--bundle", str(place / "help.zip"), "--json")
    report = run("report", "pdp", "--data-dir", str(folder), "--out", str(place / "pdp"), "--json")
    assert report.returncode == 0, report.stderr
    assert summary["redemptions"] == 18
    words = [said, json.dumps(summary), doctor.stdout, doctor.stderr, report.stdout, report.stderr]
    return Morning(folder, "\n".join(words).encode(), place / "help.zip")


def test_the_search_finds_what_it_looks_for() -> None:
    for text in (PAN, NIK, f"a{KK}b", "9999 8425 3882 4821", "9999/8425\n3882 - 4821", f"21{PAN}"):
        assert numbers_in(text.encode())
    assert numbers_in(b";9999842538824821=25121011234?") == ["...4821", "track"]
    assert numbers_in(b'{"pin":"222222"}') == ["PIN"]
    assert numbers_in(b"K3FFFF9C19ECFC32 1795542945171 a111111b Rp111.111") == []


def test_faults_and_refusals_really_happened(served: Morning) -> None:
    held = book(served.folder)
    outcomes = {fact["outcome"] for fact in held.facts("AttemptSettled")}
    assert {"declined", "cancelled", "in_doubt"} <= outcomes
    assert held.facts("RedemptionRefused")
    assert b"broken response" in (served.folder / "log" / "till.log").read_bytes()


def test_no_number_no_track_and_no_pin_is_left_anywhere(served: Morning) -> None:
    looked_at = {where: numbers_in(data) for where, data in served.pieces()}
    assert {where: found for where, found in looked_at.items() if found} == {}
    for expected in ("log/till.log", "config.toml", "print/000001.bin", "bundle ledger.json", "bundle log/till.log"):
        assert expected in looked_at
    assert sum(where.startswith("text of") for where in looked_at) > 30


def test_the_ledger_itself_holds_none_under_its_own_key(served: Morning) -> None:
    looked_at = {table: numbers_in(data) for table, data in served.tables()}
    assert {table: found for table, found in looked_at.items() if found} == {}
    assert len(looked_at) > 15


def test_names_and_addresses_stand_in_the_register_alone(served: Morning) -> None:
    holding = {name for name, data in served.tables() if any(word.encode() in data for word in PERSONAL)}
    assert holding == {"register_family"}
    leaks = {
        where
        for where, data in served.pieces()
        if not where.startswith("city/") and any(word.encode() in data for word in PERSONAL)
    }
    assert leaks == set()


def test_the_journal_bytes_hold_no_name_no_address_and_no_number(served: Morning) -> None:
    with other_connection(served.folder) as connection:
        payloads = [bytes(row[0]) for row in connection.execute("SELECT payload FROM ledger_entry ORDER BY seq")]
    assert len(payloads) > 70
    journal = b"\n".join(payloads)
    assert [word for word in sorted(PERSONAL | NUMBERS) if word.encode() in journal] == []
    assert numbers_in(journal) == []
    for row in FAMILIES:
        assert f"{row['nik'][:4]}••••••••{row['nik'][-4:]}".encode() not in journal


def test_the_report_on_a_lost_till_names_everybody_and_nobody_else_hears_it(served: Morning) -> None:
    (table,) = (served.folder.parent / "pdp").glob("pdp-EW-0001-*.csv")
    rows = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))[1:]
    here = [row for row in FAMILIES if row["home_kiosk"] == "EW-0001"]
    assert sorted(row[0] for row in rows) == sorted(row["name"] for row in here)
    assert {row[1] for row in rows} == {f"{row['nik'][:4]}••••••••{row['nik'][-4:]}" for row in here}
    assert table.stat().st_mode & 0o077 == 0
    printed = _pdf_text(table.with_suffix(".pdf")).decode()
    assert all(row["name"] in printed for row in here)
    assert numbers_in(table.read_bytes() + printed.encode()) == []


_CRASHING = """
import sys
from ewarung_pos.devices import ecr_reader
def broken(key, number):
    raise RuntimeError(f"driver met {number} and ;{number}=25121011234567890000?")
ecr_reader.card_ref = broken
from ewarung_pos.__main__ import main
main(sys.argv[1:])
"""


def test_a_driver_that_breaks_down_over_a_card_number_does_not_tell_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CRASHING, *demo_command(tmp_path / "till", 2)],
        capture_output=True,
        timeout=110,
        env=surroundings(),
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert b"RuntimeError: driver met [####" in said
    assert numbers_in(said) == []
    for file in (tmp_path / "till").rglob("*"):
        if file.is_file():
            assert numbers_in(file.read_bytes()) == [], file.name
