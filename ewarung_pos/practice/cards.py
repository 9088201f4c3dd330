"""The invented families of the sandbox, as the script needs to know them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

__all__ = ["PracticeCard", "practice_cards", "sample_file"]


@dataclass(frozen=True, slots=True)
class PracticeCard:
    """One row of `families.csv`, without its card number: `row` counts from 1."""

    row: str
    name: str
    last4: str
    home: bool
    status: str
    ration: bool
    purse: int

    @property
    def servable(self) -> bool:
        """Whether this kiosk has something for the family on an ordinary day."""
        return self.home and self.status == "active" and (self.ration or self.purse > 0)


def sample_file(name: str) -> Path:
    """A file of the shipped sample data."""
    return Path(str(resources.files("ewarung_pos") / "resources" / "sample" / name))


def practice_cards(families: Path, kiosk: str) -> tuple[PracticeCard, ...]:
    """Read the families file from the point of view of one kiosk."""
    with families.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        PracticeCard(
            row=str(number),
            name=row["name"],
            last4=row["card_number"][-4:],
            home=row["home_kiosk"] == kiosk,
            status=row["card_status"],
            ration="JATAH" in row["programmes"].split(";"),
            purse=int(row["purse_balance"] or 0) if "SEMBAKO" in row["programmes"].split(";") else 0,
        )
        for number, row in enumerate(rows, start=1)
    )
