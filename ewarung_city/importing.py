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

__all__ = ["ImportReport", "RowNote", "report_of", "table_of"]

_ROW_LIMIT = 2_000_000


class RowNote(msgspec.Struct, frozen=True):
    """What is to be said of one row (counted from 1 after the heading). `severity` is refused, warning or info."""

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


def table_of(file: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a file by these columns.

    Raises:
        ConfigError: it cannot be read as such a table (`columns`, `too_large`, `unreadable`).
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            missing = sorted(set(columns) - set(reader.fieldnames or ()))
            if missing:
                raise ConfigError(f"{file}: no column {', '.join(missing)}", reason="columns")
            rows: list[dict[str, str]] = []
            for row in reader:
                if len(rows) >= _ROW_LIMIT:
                    raise ConfigError(f"{file}: more than {_ROW_LIMIT} rows", reason="too_large")
                rows.append({name: row.get(name) or "" for name in columns})
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file}: {error}", reason="unreadable") from error


def report_of(tx: Tx, table: list[dict[str, str]], notes: list[RowNote], taken: int, unchanged: int) -> ImportReport:
    """What became of a table; what was noted of its rows is kept."""
    import_id = secrets.token_hex(8)
    tx.put(
        schema.import_note,
        [{"import_id": import_id, "row": n.row, "reason": n.reason, "severity": n.severity} for n in notes],
    )
    refused = len({note.row for note in notes if note.severity == "refused"})
    return ImportReport(len(table), taken, unchanged, refused, tuple(notes))
