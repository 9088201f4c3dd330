"""Tables that other programs write for the city (CSV with commas and one heading), and what is said of their rows."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.errors import ConfigError

__all__ = ["ImportReport", "RowNote", "TableRow", "report_of", "table_of"]

_ROW_LIMIT = 2_000_000


class RowNote(msgspec.Struct, frozen=True):
    """What is to be said of one row (`TableRow.number`). `severity` is refused, warning or info."""

    row: int
    severity: str
    reason: str


class ImportReport(msgspec.Struct, frozen=True):
    """Every row of the file is in exactly one of taken, unchanged and refused."""

    rows: int
    taken: int
    unchanged: int
    refused: int
    notes: tuple[RowNote, ...]

    def by_reason(self) -> dict[str, int]:
        """How often each reason was given."""
        counts: dict[str, int] = {}
        for note in self.notes:
            counts[note.reason] = counts.get(note.reason, 0) + 1
        return counts


class TableRow(msgspec.Struct, frozen=True):
    """One row by its columns.

    Attributes:
        number: its place after the heading, from 1, empty rows counted.
        trouble: `row_shifted` (cells beyond the headings: a comma that is not in quotes), `row_cut` (fewer cells than
            headings: a file that broke off) or `row_unreadable` (a NUL in it); empty when it has the heading's shape.
    """

    number: int
    cells: dict[str, str]
    trouble: str

    def __getitem__(self, column: str) -> str:
        """The cell of that column, without space around it; empty if the row has none."""
        return self.cells[column]


def table_of(file: Path, columns: Iterable[str]) -> list[TableRow]:
    """The rows of a file by these columns, without those that are empty.

    Raises:
        ConfigError: it cannot be read as such a table (`columns`, `too_large`, `unreadable`).
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            heading = next(reader, [])
            places = _places(file, heading, columns)
            rows: list[TableRow] = []
            for number, cells in enumerate(reader, start=1):
                if number > _ROW_LIMIT:
                    raise ConfigError(f"{file}: more than {_ROW_LIMIT} rows", reason="too_large")
                if any(map(str.strip, cells)):
                    rows.append(_row(number, cells, places, len(heading)))
            return rows
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8; save it as CSV UTF-8 (comma delimited)", reason="unreadable") from error
    except (OSError, csv.Error) as error:
        raise ConfigError(f"{file}: {error}", reason="unreadable") from error


def _places(file: Path, heading: list[str], columns: Iterable[str]) -> dict[str, int]:
    counts = {column: heading.count(column) for column in columns}
    missing = ", ".join(sorted(column for column, count in counts.items() if not count))
    double = ", ".join(sorted(column for column, count in counts.items() if count > 1))
    if missing or double:
        said = f"no column {missing}" if missing else f"more than one column {double}"
        other = next((sign for sign in ";\t|" if len(heading) == 1 and sign in heading[0]), "")
        if other:  # as spreadsheets write it where the comma is in numbers
            said += f"; it is separated by {other!r}: save it with commas (CSV UTF-8, comma delimited)"
        raise ConfigError(f"{file}: {said}", reason="columns")
    return {column: heading.index(column) for column in counts}


def _row(number: int, cells: list[str], places: dict[str, int], width: int) -> TableRow:
    shifted = any(map(str.strip, cells[width:]))
    trouble = "row_shifted" if shifted else "row_cut" if len(cells) < width else ""
    said = {column: cells[at].strip() if at < len(cells) else "" for column, at in places.items()}
    if any("\0" in cell for cell in said.values()):  # no text of a database, and no word of a list
        trouble = "row_unreadable"
    return TableRow(number, said, trouble)


def report_of(tx: Tx, table: list[TableRow], notes: list[RowNote], taken: int, unchanged: int) -> ImportReport:
    """What became of a table; what was noted of its rows is kept."""
    import_id = secrets.token_hex(8)
    tx.put(
        schema.import_note,
        [{"import_id": import_id, "row": n.row, "reason": n.reason, "severity": n.severity} for n in notes],
    )
    refused = len({note.row for note in notes if note.severity == "refused"})
    return ImportReport(len(table), taken, unchanged, refused, tuple(notes))
