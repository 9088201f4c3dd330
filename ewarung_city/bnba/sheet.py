"""A list as it was sent: rows of cells out of CSV (whatever its separator and letters) or XLSX, nothing interpreted.

Rows keep the number under which a spreadsheet shows them, titles and headings included, so that whoever corrects the
list finds them. A number cell of a spreadsheet that cannot hold all its digits is marked as lost (`digits`), and a
merged cell says the same in each of its rows, as it does on the screen.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import re
import warnings
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from ewarung_city.bnba.digits import EXACT_DIGITS, LOST, hide_digits
from ewarung_pos.errors import ConfigError

__all__ = ["HEAD_ROWS", "Sheet", "SheetRow", "read_sheet"]

HEAD_ROWS = 25
"""Rows from the top among which headings are looked for: offices put titles and letterheads above them."""

_ROW_LIMIT = 2_000_000
_WIDTH_LIMIT = 512
_FILE_LIMIT = 256 << 20
_UNPACKED_LIMIT = 1 << 30
_SEPARATORS = (",", ";", "\t", "|")
_ROW_PLACE = re.compile(rb"""<(?:\w+:)?row\s(?:[^>]*?\s)?r=["'](\d+)["']""")
_HIDDEN_ROW = re.compile(rb"""<(?:\w+:)?row\b(?=[^>]*\shidden=["'](?:1|true)["'])\s(?:[^>]*?\s)?r=["'](\d{1,7})["']""")
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?ref=["']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["']""")
_NOT_COMPUTED = re.compile(
    rb"""<(?:\w+:)?c\b(?![^>]*\st=["']str["'])[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
"""A formula that no program has computed. One that came to an empty text says so (`t="str"`)."""
_MERGES = 100_000
_XLSX, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

Score = Callable[[Sequence[Sequence[str]]], int]
"""How well the first rows of a table look like a list: how many columns their best heading names, 0 for none."""


class SheetRow(msgspec.Struct, frozen=True):
    """One row: its number in the spreadsheet, and its cells as text."""

    number: int
    cells: tuple[str, ...]


class Sheet(msgspec.Struct, frozen=True):
    """A list as it was sent.

    Attributes:
        name: of the sheet in a workbook; empty for CSV.
        how: as what it was read, for the report ("CSV dengan ;, UTF-8").
        digest: SHA-256 (hex) of the file.
        rows: those that are not empty.
        guessed_letters: the bytes were no UTF-8 and were read as Windows-1252.
        others: sheets of the workbook that were not read, with how many rows each has.
        hidden: so many of the rows are not to be seen in the spreadsheet (a filter), and are rows all the same.
    """

    name: str
    how: str
    digest: str
    rows: tuple[SheetRow, ...]
    guessed_letters: bool = False
    others: tuple[tuple[str, int], ...] = ()
    hidden: int = 0


def read_sheet(file: Path, score: Score, sheet: str = "") -> Sheet:
    """Read the list out of a file: of CSV by the separator, of a workbook by the sheet, whose headings say most.

    Raises:
        ConfigError: `unreadable` (no such table, or damaged), `too_large`, or `sheet` (none or several could be meant).
    """
    try:
        if file.stat().st_size > _FILE_LIMIT:
            raise ConfigError(f"{file}: lebih dari {_FILE_LIMIT >> 20} MiB; bagi daftarnya", reason="too_large")
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", reason="unreadable") from error
    digest = hashlib.sha256(content).hexdigest()
    if content.startswith(_OLD_OFFICE):
        raise ConfigError(
            f"{file}: XLS lama atau buku kerja bersandi; simpan ulang sebagai XLSX tanpa sandi", reason="unreadable"
        )
    if content.startswith(_XLSX):
        return _workbook(file, content, digest, score, sheet)
    if sheet:
        raise ConfigError(f"{file}: CSV tidak mempunyai lembar {sheet!r}", reason="sheet")
    return _separated(file, content, digest, score)


# --- CSV --------------------------------------------------------------------------------------------------------------


def _separated(file: Path, content: bytes, digest: str, score: Score) -> Sheet:
    text, letters = _decoded(file, content)
    separator = max(_SEPARATORS, key=lambda candidate: score(_head(text, candidate)))
    rows: list[SheetRow] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), 1):
            _limit(file, number, cells)
            if any(cell.strip() for cell in cells):
                rows.append(SheetRow(number, tuple(cells)))
    except csv.Error as error:
        raise ConfigError(f"{file}: baris {len(rows) + 1} atau sesudahnya: {error}", reason="unreadable") from error
    named = {"\t": "tab"}.get(separator, separator)
    return Sheet("", f"CSV dengan {named}, {letters}", digest, tuple(rows), letters == "Windows-1252")


def _decoded(file: Path, content: bytes) -> tuple[str, str]:
    """(text, name of its letters): by the mark at its start, else UTF-8, else what Indonesian Windows writes."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for codec, letters in [("utf-16", "UTF-16")] if marked else [("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252")]:
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, letters
    raise ConfigError(f"{file}: bukan CSV dan bukan XLSX", reason="unreadable")


def _head(text: str, separator: str) -> list[list[str]]:
    """The first rows under this separator, as far as they can be read so."""
    rows: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text[: 1 << 16], newline=""), delimiter=separator):
            rows.append(cells)
            if len(rows) == HEAD_ROWS:
                break
    except csv.Error:
        pass
    return rows


def _limit(file: Path, number: int, cells: Sequence[object]) -> None:
    if number > _ROW_LIMIT:
        raise ConfigError(f"{file}: lebih dari {_ROW_LIMIT} baris", reason="too_large")
    if len(cells) > _WIDTH_LIMIT:
        raise ConfigError(f"{file}: baris {number} mempunyai lebih dari {_WIDTH_LIMIT} kolom", reason="too_large")


# --- XLSX -------------------------------------------------------------------------------------------------------------


def _workbook(file: Path, content: bytes, digest: str, score: Score, wanted: str) -> Sheet:
    damaged = f"{file}: buku kerja rusak atau bukan XLSX; buka dan simpan ulang di program lembar kerja"
    try:
        import openpyxl
    except ImportError as error:
        raise ConfigError(f"{file}: untuk XLSX pasang ewarung-pos[city]", reason="unreadable") from error
    try:
        merges, formulas, unseen = _look_inside(file, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the styles and validations that a list brings along and nobody needs
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            try:
                tables: dict[str, tuple[SheetRow, ...]] = {}
                unknown: set[str] = set()
                away: set[str] = set()
                hidden: dict[str, int] = {}
                for table in book.worksheets:
                    # what a file says of its own size need not be true
                    table.reset_dimensions()
                    part = str(getattr(table, "_worksheet_path", "")).lstrip("/")  # which nothing public says
                    rows = _unmerged(table.iter_rows(values_only=True), merges.get(part, ()))
                    tables[table.title] = tuple(_rows(file, rows))
                    if part in formulas:
                        unknown.add(table.title)
                    if table.sheet_state != "visible":
                        away.add(table.title)
                    hidden[table.title] = sum(row.number in unseen.get(part, ()) for row in tables[table.title])
            finally:
                book.close()
    except ConfigError:
        raise
    except Exception as error:  # a damaged part surfaces as almost anything; its text may be a cell's
        raise ConfigError(f"{damaged} ({type(error).__name__})", reason="unreadable") from error
    name = _chosen(file, tables, away, score, wanted)
    if name in unknown:
        raise ConfigError(
            f"{file}: lembar {hide_digits(name)!r} berisi rumus yang belum dihitung; "
            "buka dan simpan ulang di program lembar kerja",
            reason="unreadable",
        )
    others = tuple((title, len(rows)) for title, rows in tables.items() if title != name and rows)
    how = f"XLSX, lembar {name}{' (tersembunyi)' if name in away else ''}"
    return Sheet(name, how, digest, tables[name], others=others, hidden=hidden[name])


class _Merge(NamedTuple):
    """A merged cell: its first and last row and column, from 1."""

    top: int
    left: int
    bottom: int
    right: int


def _look_inside(file: Path, content: bytes) -> tuple[dict[str, list[_Merge]], set[str], dict[str, set[int]]]:
    """(merged cells by part, parts with formulas that were not computed, numbers of hidden rows by part).

    Refuses what would fill the memory, and rows out of their order (the library leaves such rows out unasked).
    """
    merges: dict[str, list[_Merge]] = {}
    formulas: set[str] = set()
    unseen: dict[str, set[int]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(part.file_size for part in archive.infolist()) > _UNPACKED_LIMIT:
            raise ConfigError(f"{file}: isinya lebih dari {_UNPACKED_LIMIT >> 30} GiB", reason="too_large")
        for part in archive.namelist():
            if not re.fullmatch(r"/?xl/worksheets/[^/]+\.xml", part):
                continue
            last = 0
            text = archive.read(part)
            name = part.lstrip("/")
            found = itertools.islice(_MERGED.finditer(text), _MERGES)
            merges[name] = sorted(_Merge(int(at[2]), _column(at[1]), int(at[4]), _column(at[3])) for at in found)
            unseen[name] = {int(place[1]) for place in _HIDDEN_ROW.finditer(text)}
            if _NOT_COMPUTED.search(text):
                formulas.add(name)
            for place in _ROW_PLACE.finditer(text):
                if len(place[1]) > 7 or int(place[1]) <= last:
                    raise ConfigError(f"{file}: nomor baris di dalam XLSX tidak berurutan", reason="unreadable")
                last = int(place[1])
    return merges, formulas, unseen


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _unmerged(rows: Iterable[Sequence[object]], merges: Sequence[_Merge]) -> Iterator[Sequence[object]]:
    """The rows, with what a merged cell says in each row that says anything itself: it stands in the first one only."""
    ahead = deque(merge for merge in merges if merge.bottom > merge.top and merge.left <= _WIDTH_LIMIT)
    said: dict[int, tuple[int, object]] = {}  # by column: until which row, and what
    for number, row in enumerate(rows, 1):
        cells = list(row)
        if any(cell is not None for cell in row):
            for column, (until, value) in said.items():
                if number <= until:
                    cells += [None] * (column - len(cells))
                    cells[column - 1] = value if cells[column - 1] is None else cells[column - 1]
        while ahead and ahead[0].top <= number:
            merge = ahead.popleft()
            if merge.left <= len(row):
                said[merge.left] = (merge.bottom, row[merge.left - 1])
        yield cells


def _rows(file: Path, table: Iterable[Sequence[object]]) -> Iterator[SheetRow]:
    for number, row in enumerate(table, 1):
        _limit(file, number, row)
        cells = tuple(map(_text, row))
        if any(cell.strip() for cell in cells):
            yield SheetRow(number, cells)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "YA" if value else "TIDAK"
        case int() | float() if not abs(value) < 10**EXACT_DIGITS:  # not a number at all, too
            return LOST
        case float():
            return str(int(value)) if value == int(value) else repr(value)
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)


def _chosen(file: Path, tables: dict[str, tuple[SheetRow, ...]], away: set[str], score: Score, wanted: str) -> str:
    shown = ", ".join(repr(hide_digits(name)) for name in tables)
    if wanted:
        if wanted not in tables:
            raise ConfigError(f"{file}: tidak ada lembar {wanted!r}; yang ada: {shown}", reason="sheet")
        return wanted
    likely = [name for name, rows in tables.items() if score([row.cells for row in rows[:HEAD_ROWS]])]
    if len(likely) > 1:
        named = ", ".join(f"{hide_digits(name)!r}{' yang tersembunyi' if name in away else ''}" for name in likely)
        raise ConfigError(
            f"{file}: lebih dari satu lembar berisi daftar ({named}); pilih dengan --sheet", reason="sheet"
        )
    if not tables:
        raise ConfigError(f"{file}: tidak ada lembar", reason="sheet")
    return likely[0] if likely else next(iter(tables))
