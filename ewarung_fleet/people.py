"""Invented kiosks and families as the files that a city imports. Nobody in them is real, and no number is an issuer's.

NIK and KK have lawful forms with serials from 9001 up, as in the sample (resources/sample/README.md).
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from ewarung_city.register import FAMILY_COLUMNS
from ewarung_fleet.plan import Plan, kiosk_id

__all__ = ["kiosk_name", "write_families", "write_kiosks"]

_PEOPLE = "Bu Siti;Bu Yuni;Mas Adi"
"""Those whom the sample's catalogue describes: cashier, leader, companion."""

_FIRST = (
    "SRI",
    "SITI",
    "ENDANG",
    "DWI",
    "TRI",
    "NUR",
    "RINI",
    "YUNI",
    "RETNO",
    "DEWI",
    "ISTI",
    "UMI",
    "NANIK",
    "LILIS",
)
_SECOND = ("WAHYUNI", "LESTARI", "RAHAYU", "HANDAYANI", "PURWANTI", "MULYANI", "HARTATI", "ASIH", "NINGSIH", "ASTUTI")


def kiosk_name(kiosk: int) -> str:
    """Each has a name of its own: where rights wait for another kiosk, the city names that one."""
    return f"e-Warung {kiosk + 1}"


def write_kiosks(plan: Plan, file: Path) -> None:
    """Spread over the kelurahan of the sample, in their order."""
    places = _kelurahan()
    rows = [
        (kiosk_id(kiosk), kiosk_name(kiosk), places[kiosk % len(places)], _PEOPLE)
        for kiosk in range(plan.settings.kiosks)
    ]
    _write(file, ("kiosk_id", "name", "kelurahan_code", "officers"), rows)


def write_families(plan: Plan, file: Path) -> None:
    """All of the plan's families, in its order, at home where it says."""
    places, draw = _kelurahan(), plan.draw(0, "people")
    used: set[str] = set()
    rows = []
    for family in plan.families:
        place = places[family.home % len(places)]
        programmes = [*(["JATAH"] if family.ration else []), *(["SEMBAKO"] if family.purse else [])]
        rows.append(
            (
                family.number,
                _nik(draw, used, place, woman=True),
                _nik(draw, used, place, woman=False),
                f"{draw.choice(_FIRST)} {draw.choice(_SECOND)}",
                draw.randint(1, 6),
                f"Gg. Melati No. {draw.randint(1, 90)}",
                f"{draw.randint(1, 9):03d}",
                f"{draw.randint(1, 9):03d}",
                place,
                ";".join(programmes),
                kiosk_id(family.home),
                "active",
                family.purse,
            )
        )
    _write(file, FAMILY_COLUMNS, rows)


def _nik(draw: random.Random, used: set[str], place: str, *, woman: bool) -> str:
    """Place, date of birth (a woman's day plus 40), serial; a KK has the same form with the day it was issued on."""
    region = place.replace(".", "")[:6]
    while True:
        day = draw.randint(1, 28) + (40 if woman else 0)
        number = f"{region}{day:02d}{draw.randint(1, 12):02d}{draw.randint(50, 99):02d}{draw.randint(9001, 9899)}"
        if number not in used:
            used.add(number)
            return number


def _kelurahan() -> list[str]:
    text = (files("ewarung_pos") / "resources" / "sample" / "semarang-kelurahan.csv").read_text(encoding="utf-8")
    return [row["kelurahan_code"] for row in csv.DictReader(text.splitlines())]


def _write(file: Path, heading: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        written = csv.writer(lines)
        written.writerow(heading)
        written.writerows(rows)
