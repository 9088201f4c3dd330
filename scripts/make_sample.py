"""Draw the sample data of ewarung_pos/resources/sample: invented families, goods with their real price limits.

    python scripts/make_sample.py [folder]

The same seed draws the same files, byte for byte; tests/unit/test_sample_data.py holds the files to that. The region
codes (semarang-kelurahan.csv) are not drawn: they lie in the folder already and are read from there.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.sample_families import KIOSKS, FamilyRow, Kiosk, Register  # noqa: E402 - found only now that the tree is on the path
from scripts.sample_goods import delivery, sample_catalogue  # noqa: E402

SAMPLE = ROOT / "ewarung_pos" / "resources" / "sample"
SEED = 3374


def _table(kind: type[Kiosk | FamilyRow], rows: Iterable[Kiosk | FamilyRow]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(kind)])
    writer.writerows(astuple(row) for row in rows)
    return text.getvalue().encode()


def _document(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def files() -> dict[str, bytes]:
    """Every drawn file by name."""
    with (SAMPLE / "semarang-kelurahan.csv").open(encoding="utf-8", newline="") as regions:
        kelurahan = [row["kelurahan_code"] for row in csv.DictReader(regions)]
    return {
        "kiosks.csv": _table(Kiosk, KIOSKS),
        "families.csv": _table(FamilyRow, Register(SEED, kelurahan).families()),
        "catalogue.json": _document(sample_catalogue()),
        "delivery.json": _document(delivery()),
    }


def main() -> None:
    """Write the files into the folder named, or into the sample folder."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    for name, content in files().items():
        (target / name).write_bytes(content)
        print(f"{target / name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
