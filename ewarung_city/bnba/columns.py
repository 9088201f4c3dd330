"""Which column of a list holds what: by the usual headings of Indonesian offices, or by a column map (TOML or JSON).

A map answers what a list leaves open; nothing is guessed where two columns could be meant.

    sheet = "Penerima"              # of a workbook with several
    heading_row = 4                 # as the spreadsheet numbers it
    [columns]
    nik = "NIK Pengurus"            # a heading, or the number of the column from 1
    [defaults]
    programmes = "SEMBAKO"          # for a list without such a column
    [words.programmes]
    BPNT = "SEMBAKO"
    PKH = ""                        # known, and none of ours
    [words.card_status]
    MD = "deceased"
    [homes]
    "33.74.01.1010" = "EW-0001"     # who serves a kelurahan that has none, or several
"""

from __future__ import annotations

import hashlib
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from ewarung_city.bnba.digits import cleaned, hide_digits
from ewarung_city.bnba.sheet import HEAD_ROWS, Sheet, SheetRow
from ewarung_pos.domain.family import CardStatus
from ewarung_pos.errors import ConfigError

__all__ = ["FIELDS", "ColumnMap", "Entries", "Entry", "entries_of", "likeness", "read_map", "word"]

FIELDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "nik": (
        "NIK",
        frozenset({"nik", "nonik", "nomornik", "nikpengurus", "nikkpm", "nikpenerima", "nikkepalakeluarga", "noktp"}),
    ),
    "kk": (
        "No. KK",
        frozenset({"kk", "nokk", "nomorkk", "nokartukeluarga", "nomorkartukeluarga", "kartukeluarga", "nokeluarga"}),
    ),
    "name": (
        "Nama",
        frozenset(
            {"nama", "name", "namalengkap", "namapengurus", "namakpm", "namapenerima", "namapemegangkartu"}
            | {"namapenerimamanfaat", "namakepalakeluarga", "namakrt"}
        ),
    ),
    "address": (
        "Alamat",
        frozenset({"alamat", "address", "alamatlengkap", "alamattinggal", "alamatdomisili"}),
    ),
    "rt": ("RT", frozenset({"rt", "nort"})),
    "rw": ("RW", frozenset({"rw", "norw"})),
    "rt_rw": ("RT/RW", frozenset({"rtrw"})),
    "kelurahan_code": (
        "Kode wilayah",
        frozenset(
            {"kelurahancode", "kodewilayah", "kodekelurahan", "kodekel", "kodedesa", "kodedesakelurahan", "kdkel"}
            | {"kodekeldesa", "kodekemendagri", "kodewilayahkemendagri", "kodedesakel", "kodekelurahandesa"}
        ),
    ),
    "kelurahan": (
        "Kelurahan",
        frozenset({"kelurahan", "kel", "namakelurahan", "desa", "desakelurahan", "kelurahandesa", "namadesa", "nmkel"}),
    ),
    "kecamatan": ("Kecamatan", frozenset({"kecamatan", "kec", "namakecamatan", "nmkec"})),
    "card_number": (
        "Nomor kartu",
        frozenset(
            {"cardnumber", "nokks", "nomorkks", "nokartu", "nomorkartu", "nokartukks", "nomorkartukks", "kks"}
            | {"nokartudebit", "nomorkartudebit", "nokartuatm", "nomorkartuatm"}
        ),
    ),
    "programmes": (
        "Program",
        frozenset({"program", "programmes", "programme", "bansos", "jenisbansos", "jenisbantuan", "namaprogram"}),
    ),
    "home_kiosk": (
        "Kios",
        frozenset({"homekiosk", "kios", "idkios", "kodekios", "ewarong", "ewarung", "idewarong", "kioskid"}),
    ),
    "card_status": (
        "Status",
        frozenset({"status", "cardstatus", "statuskpm", "statuskartu", "statuskks", "statuspenerima"}),
    ),
    "members": (
        "Jumlah anggota",
        frozenset(
            {"members", "jumlahanggota", "jumlahanggotakeluarga", "jmlanggota", "jumlahart", "jmlart", "anggota"}
        ),
    ),
    "purse_balance": ("Saldo", frozenset({"pursebalance", "saldo", "saldokks"})),
}
"""What a list can say: how the report names the column, and the headings (letters and digits only) it goes by."""

_FOR_ALL_ROWS = frozenset({"programmes", "home_kiosk", "card_status", "kelurahan_code"})
_FIELD_OF = {heading: field for field, (_, headings) in FIELDS.items() for heading in headings}
_ENOUGH = 2
"""Known headings from which on a row is taken for the headings; one alone is a word in a letter."""


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of a list beside what its headings say; empty, the headings say everything."""

    sheet: str = ""
    heading_row: Annotated[int, msgspec.Meta(ge=0)] = 0
    columns: dict[str, str | int] = {}
    defaults: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    homes: dict[str, str] = {}
    digest: str = ""

    def meaning(self, field: str, said: str) -> str | None:
        """What the map says that a word of this column means; None when it does not say."""
        given = {word(key): value for key, value in self.words.get(field, {}).items()}
        return given.get(word(said))


class Entry(msgspec.Struct, frozen=True):
    """One row of the list: its number in the spreadsheet, its cells by field, and whether cells lie beyond them."""

    row: int
    cells: dict[str, str]
    beyond: bool = False

    def __getitem__(self, field: str) -> str:
        """The cell of this field, empty when the list has no such column."""
        return self.cells.get(field, "")


class Entries(msgspec.Struct, frozen=True):
    """The list's rows below the headings. `fields` are those that it has a column or a default for."""

    fields: frozenset[str]
    heading_row: int
    headings: dict[str, str]
    rows: tuple[Entry, ...]
    passed: tuple[int, ...] = ()
    """Rows that say nothing of anybody: they number the columns, or repeat the headings."""
    unread: tuple[str, ...] = ()
    """Headings of columns that nothing was taken from."""


def word(text: str) -> str:
    """A heading or a word without what people write differently: case, spaces, points."""
    return re.sub(r"[\W_]+", "", cleaned(text).casefold())


def read_map(file: Path | None) -> ColumnMap:
    """A column map, by its ending TOML or JSON; an empty one without a file.

    Raises:
        ConfigError: unreadable, not a map, or it names a column, a status or a heading that cannot be.
    """
    if file is None:
        return ColumnMap()
    try:
        content = file.read_bytes()
        decode = msgspec.json.decode if file.suffix.lower() == ".json" else msgspec.toml.decode
        said = decode(content.removeprefix(BOM_UTF8), type=ColumnMap)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", reason="unreadable") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: bukan peta kolom: {hide_digits(str(error))}", reason="invalid") from error
    unknown = sorted({*said.columns, *said.words} - FIELDS.keys()) + sorted(said.defaults.keys() - _FOR_ALL_ROWS)
    states = {status.value for status in CardStatus} | {""}
    wrong = sorted(set(said.words.get("card_status", {}).values()) - states)
    if unknown or wrong:
        what = f"kolom {', '.join(unknown)}" if unknown else f"status {', '.join(wrong)}"
        raise ConfigError(f"{file}: peta kolom menyebut {hide_digits(what)}, yang tidak dikenal", reason="invalid")
    return msgspec.structs.replace(said, digest=hashlib.sha256(content).hexdigest())


def likeness(mapping: ColumnMap, rows: Sequence[Sequence[str]]) -> int:
    """How many columns the best heading among these rows names."""
    found = [len(_named(mapping, cells)) for cells in rows]
    return max((count for count in found if count >= _ENOUGH), default=0)


def entries_of(file: Path, sheet: Sheet, mapping: ColumnMap) -> Entries:
    """The rows of a list under their headings.

    Raises:
        ConfigError: `columns`: no row of headings, two columns that could both be meant, or no NIK or no name.
    """
    place = _heading_at(file, sheet, mapping)
    heading = sheet.rows[place]
    columns = _columns(file, mapping, heading)
    missing = [FIELDS[field][0] for field in ("nik", "kk", "name") if field not in columns]
    if missing:
        seen = ", ".join(repr(hide_digits(cleaned(cell))[:40]) for cell in heading.cells if cell.strip())
        raise ConfigError(
            f"{file}: baris {heading.number} tidak mempunyai kolom {', '.join(missing)}; judul yang ada: {seen}. "
            "Tulis peta kolom (--map)",
            reason="columns",
        )
    width = max((at for at, cell in enumerate(heading.cells, 1) if cell.strip()), default=0)
    below = sheet.rows[place + 1 :]
    headings_said = [word(cell) for cell in heading.cells if cell.strip()]
    passed = tuple(row.number for row in below if _says_nothing(row, headings_said))
    skipped = frozenset(passed)
    beyond = not sheet.name  # only in CSV does an unquoted separator move the cells of a row
    rows = tuple(
        Entry(
            row.number,
            {field: row.cells[at] if at < len(row.cells) else "" for field, at in columns.items()}
            | {field: value for field, value in mapping.defaults.items() if field not in columns},
            beyond and any(cell.strip() for cell in row.cells[width:]),
        )
        for row in below
        if row.number not in skipped
    )
    headings = {field: cleaned(heading.cells[at]) for field, at in columns.items() if at < len(heading.cells)}
    read = set(columns.values())
    unread = tuple(cleaned(cell) for at, cell in enumerate(heading.cells) if at not in read and cell.strip())
    return Entries(frozenset({*columns, *mapping.defaults}), heading.number, headings, rows, passed, unread)


def _heading_at(file: Path, sheet: Sheet, mapping: ColumnMap) -> int:
    if mapping.heading_row:
        for place, row in enumerate(sheet.rows):
            if row.number == mapping.heading_row:
                return place
        raise ConfigError(f"{file}: baris judul {mapping.heading_row} kosong atau tidak ada", reason="columns")
    head = sheet.rows[:HEAD_ROWS]
    counts = [len(_named(mapping, row.cells)) for row in head]
    if max(counts, default=0) < _ENOUGH:
        raise ConfigError(
            f"{file}: tidak ada judul kolom yang dikenal (NIK, No. KK, Nama, ...) di {HEAD_ROWS} baris pertama. "
            "Tulis peta kolom (--map)",
            reason="columns",
        )
    return counts.index(max(counts))


def _named(mapping: ColumnMap, cells: Sequence[str]) -> set[str]:
    """Fields that headings in this row name."""
    given = {word(name): field for field, name in mapping.columns.items() if isinstance(name, str)}
    named = (given.get(word(cell)) or _FIELD_OF.get(word(cell)) for cell in cells)
    return {field for field in named if field}


def _columns(file: Path, mapping: ColumnMap, heading: SheetRow) -> dict[str, int]:
    """Place of each field. What the map says goes before what the headings say."""
    words = [word(cell) for cell in heading.cells]
    places: dict[str, int] = {}
    for field, name in mapping.columns.items():
        found = [name - 1] if isinstance(name, int) else [at for at, said in enumerate(words) if said == word(name)]
        if len(found) != 1 or not 0 <= found[0] < len(words):
            what = "ada beberapa kali" if len(found) > 1 else "tidak ada"
            raise ConfigError(
                f"{file}: kolom {hide_digits(str(name))!r} dari peta {what} di baris {heading.number}", reason="columns"
            )
        places[field] = found[0]
    taken = set(places.values())
    for field, found in _by_heading(words, taken):
        if field in places:
            continue
        if len(found) > 1:
            names = ", ".join(f"{cleaned(heading.cells[at])!r} (kolom {at + 1})" for at in found)
            raise ConfigError(
                f"{file}: {FIELDS[field][0]} bisa berarti {names}; pilih di peta kolom (--map)", reason="columns"
            )
        places[field] = found[0]
    return places


def _by_heading(words: Sequence[str], taken: set[int]) -> Iterator[tuple[str, list[int]]]:
    for field, (_, headings) in FIELDS.items():
        found = [at for at, said in enumerate(words) if said in headings and at not in taken]
        if found:
            yield field, found


def _says_nothing(row: SheetRow, headings: Sequence[str]) -> bool:
    """Whether a row below the headings only numbers the columns (1, 2, 3, ...) or is the headings again."""
    said = [cell for cell in row.cells if cell.strip()]
    first = said[0].strip(" ()")
    if first == "1":
        return len(said) >= _ENOUGH and [cell.strip(" ()") for cell in said] == list(map(str, range(1, len(said) + 1)))
    return word(first) == headings[0] and [word(cell) for cell in said] == headings
