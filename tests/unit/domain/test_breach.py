"""The list behind a notice under UU 27/2022 art. 46: whole, on time, and harmless in a spreadsheet."""

from __future__ import annotations

import csv

import msgspec
import pytest

from ewarung_pos.domain.breach import HeldFamily, Inventory, breach_csv, breach_paper, day_of_list, file_stem
from ewarung_pos.domain.documents import text_lines
from ewarung_pos.domain.timeline import Instant

NINE = Instant(1_795_485_600_000)  # 24 November 2026, 09.00 WIB


def inventory(*names: str, by_city: bool = True, practice: bool = False) -> Inventory:
    families = tuple(
        HeldFamily(f"K{at}", name, "3374••••••••9061", f"Gg. Melati II No. {at}", "0042", "2026-11")
        for at, name in enumerate(names)
    )
    return Inventory(
        device="EW-0001",
        kiosk="e-Warung Mawar",
        place="Kel. Kauman",
        at=NINE,
        by_city=by_city,
        families=families,
        people=() if by_city else ("Bu Siti", "Bu Yuni"),
        key_tier="" if by_city else "key_file",
        contact_ms=0 if by_city else NINE.ms,
        head_seq=76,
        head_hash="41f2ed3eabe6b77f",
        practice=practice,
    )


def rows(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff"), "a spreadsheet takes it for UTF-8 only then"
    return list(csv.reader(text[1:].splitlines()))


def test_every_family_is_a_row_with_what_a_letter_needs() -> None:
    heading, first, second = rows(breach_csv(inventory("SUMINAH", 'SRI "ATUN", WAHYUNI')))
    assert heading == ["nama", "nik_disamarkan", "alamat", "kartu", "sejak", "kunci_keluarga"]
    assert first == ["SUMINAH", "3374••••••••9061", "Gg. Melati II No. 0", "**** 0042", "2026-11", "K0"]
    assert second[0] == 'SRI "ATUN", WAHYUNI'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_is_never_a_formula(start: str) -> None:
    text = breach_csv(inventory(f"{start}cmd|' /C calc'!A0"))
    assert f"\"'{start}cmd" in text


def test_the_paper_names_everybody_and_the_time_that_is_left() -> None:
    paper = "\n".join(text_lines(breach_paper(inventory("SUMINAH", "TUKINAH", practice=True)), 80))
    for words in ("SUMINAH", "TUKINAH", "3374********9061", "27 November 2026 pukul 09.00 WIB", "pasal 46", "LATIHAN"):
        assert words in paper
    assert "tidak dilaporkan kepada kota" in paper
    assert "Menurut kota" in paper


def test_the_device_speaks_for_itself_and_names_its_people() -> None:
    paper = "\n".join(text_lines(breach_paper(inventory(by_city=False)), 80))
    for words in ("key_file", "Bu Siti, Bu Yuni", "Menurut perangkat ini sendiri", "Tidak ada.", "76 41f2ed3eabe6"):
        assert words in paper
    assert "LATIHAN" not in paper


def test_files_are_named_for_device_and_moment() -> None:
    assert file_stem(inventory()) == "pdp-EW-0001-20261124-0900"


def test_earlier_lists_that_lie_in_the_clear_are_named() -> None:
    held = inventory("SUMINAH", by_city=False)
    plain = "\n".join(text_lines(breach_paper(held), 200))
    assert "papers/" not in plain
    found = msgspec.structs.replace(held, lists=4, oldest_list="2026-03-01")
    paper = " ".join("\n".join(text_lines(breach_paper(found), 200)).split())
    assert "4 berkas daftar seperti ini, yang tertua 2026-03-01, masih ada di papers/ tanpa enkripsi" in paper


@pytest.mark.parametrize(
    ("name", "day"),
    [
        (f"{file_stem(inventory())}.csv", "2026-11-24"),
        (f"{file_stem(inventory())}.pdf", "2026-11-24"),
        ("pdp---20260301-0700.pdf", "2026-03-01"),
        ("pdp-EW-0001-20260301-0700.txt", ""),
        ("struk-EW-0001-20260301-0700.pdf", ""),
    ],
)
def test_a_list_is_known_by_its_name(name: str, day: str) -> None:
    assert day_of_list(name) == day
