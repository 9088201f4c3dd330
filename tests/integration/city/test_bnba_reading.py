"""Whatever an office sends is read as it stands or refused as a whole; digits are never made up."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ewarung_city.bnba.columns import ColumnMap, Entries, entries_of, likeness, read_map
from ewarung_city.bnba.digits import LOST, cleaned, hide_digits, long_run, mask_card, mask_number, read_number
from ewarung_city.bnba.sheet import Sheet, read_sheet
from ewarung_pos.errors import ConfigError
from tests.integration.city.bnba_kit import as_csv, as_xlsx, person, table

ROWS = table([person(1, name="Siti"), person(2, name="Nañik, Sri")])
Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def wrote(content: bytes) -> Path:
        path = tmp_path / "daftar"
        path.write_bytes(content)
        return path

    return wrote


def read(path: Path, mapping: ColumnMap | None = None, sheet: str = "") -> tuple[Sheet, Entries]:
    asked = mapping or ColumnMap()
    found = read_sheet(path, lambda rows: likeness(asked, rows), sheet)
    return found, entries_of(path, found, asked)


def refused(path: Path, mapping: ColumnMap | None = None, sheet: str = "") -> ConfigError:
    with pytest.raises(ConfigError) as error:
        read(path, mapping, sheet)
    return error.value


# --- CSV --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("letters", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_separator_and_the_letters_are_found(write: Write, separator: str, letters: str) -> None:
    sheet, entries = read(write(as_csv(ROWS, separator, letters)))
    assert [entry["name"] for entry in entries.rows] == ["Siti", "Nañik, Sri"]
    assert [entry["nik"] for entry in entries.rows] == [person(1)["nik"], person(2)["nik"]]
    assert sheet.guessed_letters is (letters == "cp1252")


def test_rows_keep_the_number_that_a_spreadsheet_shows(write: Write) -> None:
    rows = [["DAFTAR PENERIMA BANTUAN"], [], ["Kelurahan Kauman", "", ""], *ROWS[:2], [], ROWS[2]]
    _, entries = read(write(as_csv(rows)))
    assert (entries.heading_row, [entry.row for entry in entries.rows]) == (4, [5, 7])


def test_rows_that_only_number_or_repeat_the_headings_are_passed_over(write: Write) -> None:
    numbers = [f"({at})" for at in range(1, len(ROWS[0]) + 1)]
    _, entries = read(write(as_csv([ROWS[0], numbers, ROWS[1], ROWS[0], ROWS[2]])))
    assert ([entry.row for entry in entries.rows], entries.passed) == ([3, 5], (2, 4))


def test_what_lies_beyond_the_headings_is_said_and_a_short_row_is_empty_there(write: Write) -> None:
    _, entries = read(write(as_csv([ROWS[0], [*ROWS[1], "geser"], ROWS[2][:3], [*ROWS[2], " "]])))
    assert [entry.beyond for entry in entries.rows] == [True, False, False]
    assert entries.rows[1]["programmes"] == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "columns"),
        (b"a;b\r\n1;2\r\n", "columns"),
        (b"NIK;Nama\r\n3374014101801001;X\r\n", "columns"),
        (b'NIK;No KK;Nama\r\n1;2;"tanpa akhir\r\n', "unreadable"),
        (b'NIK;No KK;Nama\r\n1;2;"a"b\r\n', "unreadable"),
        (b"NIK;No KK;Nama\0", "unreadable"),
        (b"\xff\xfe\x00\xd8", "unreadable"),
        (b"\x81\x8d\x8f", "unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unreadable"),
        (b"PK\x03\x04 and no more", "unreadable"),
        (b"NIK;No KK;Nama\r\n" + b";" * 600, "too_large"),
        (b"NIK;NIK Pengurus;No KK;Nama\r\n", "columns"),
    ],
)
def test_what_is_no_list_is_refused_whole(write: Write, content: bytes, reason: str) -> None:
    assert refused(write(content)).reason == reason


def test_headings_that_are_data_are_not_shown_with_their_numbers(write: Write) -> None:
    rows = [["NIK", "Nama", "3374014101801001"], ["3374014101801001", "SITI", "3374 0141 0180 1001"]]
    error = refused(write(as_csv(rows)))
    assert "No. KK" in str(error)
    assert "1001" not in str(error)


def test_a_file_that_is_not_there_or_has_no_such_sheet_is_said(write: Write, tmp_path: Path) -> None:
    assert refused(tmp_path / "none").reason == "unreadable"
    assert refused(write(as_csv(ROWS)), sheet="Data").reason == "sheet"


# --- XLSX -------------------------------------------------------------------------------------------------------------


def test_a_workbook_says_the_same_as_the_csv(write: Write) -> None:
    sheet, entries = read(write(as_xlsx(Penerima=[["DAFTAR"], [], *ROWS])))
    _, other = read(write(as_csv([["DAFTAR"], [], *ROWS])))
    assert (entries, sheet.name) == (other, "Penerima")


def test_the_sheet_with_the_headings_is_taken_and_two_of_them_are_not_guessed(write: Write) -> None:
    book = as_xlsx(Rekap=[["Jumlah", 2]], Kauman=ROWS)
    assert read(write(book))[0].name == "Kauman"
    both = write(as_xlsx(Kauman=ROWS, Miroto=ROWS))
    assert refused(both).reason == "sheet"
    assert read(both, sheet="Miroto")[0].name == "Miroto"
    assert refused(both, sheet="Lain").reason == "sheet"


def test_a_number_cell_that_cannot_hold_its_digits_is_lost_and_others_are_digits(write: Write) -> None:
    headings = ["NIK", "No KK", "Nama", "RT", "Jumlah Anggota", "Alamat", "Saldo", "Program", "Status"]
    day = datetime(2026, 8, 7)  # noqa: DTZ001 - what a spreadsheet makes of 7/8
    row = [3374014101801001, 3.37401010120201e15, "SITI", 7, 4.0, day, 0.5, True, None]
    _, entries = read(write(as_xlsx(a=[headings, row, ["x", 337401010120201, False]])))
    first, second = entries.rows
    assert (first["nik"], first["kk"]) == (LOST, LOST)
    assert (first["rt"], first["members"], first["purse_balance"]) == ("7", "4", "0.5")
    assert (first["address"], first["programmes"], first["card_status"]) == ("2026-08-07T00:00:00", "YA", "")
    assert (second["kk"], second["name"]) == ("337401010120201", "TIDAK")


def _with(book: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A workbook whose first sheet's text was changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = old.read(part)
            new.writestr(part, change(text) if part == "xl/worksheets/sheet1.xml" else text)
    return out.getvalue()


def test_rows_that_the_library_would_leave_out_refuse_the_workbook(write: Write) -> None:
    book = as_xlsx(a=ROWS)
    assert refused(write(_with(book, lambda text: text.replace(b'r="2"', b'r="3"', 1)))).reason == "unreadable"
    assert refused(write(_with(book, lambda text: text.replace(b'<row r="3"', b'<row r="99999999"')))).reason in {
        "unreadable",
        "too_large",
    }


def test_a_workbook_that_lies_about_its_size_is_read_to_its_end(write: Write) -> None:
    short = _with(as_xlsx(a=ROWS), lambda text: text.replace(b'<dimension ref="A1:H3"', b'<dimension ref="A1:B2"'))
    assert b'ref="A1:B2"' in zipfile.ZipFile(io.BytesIO(short)).read("xl/worksheets/sheet1.xml")
    assert len(read(write(short))[1].rows) == 2


def test_a_workbook_that_would_fill_the_memory_is_not_opened(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_city.bnba.sheet._UNPACKED_LIMIT", 1000)
    assert refused(write(as_xlsx(a=ROWS))).reason == "too_large"
    monkeypatch.setattr("ewarung_city.bnba.sheet._FILE_LIMIT", 1000)
    assert refused(write(as_xlsx(a=ROWS))).reason == "too_large"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 1 << 20), value=st.integers(0, 255), cut=st.integers(0, 200))
def test_a_damaged_workbook_is_read_or_refused(write: Write, at: int, value: int, cut: int) -> None:
    book = bytearray(as_xlsx(a=ROWS))
    book[at % len(book)] = value
    said = ""
    try:
        read(write(bytes(book[: len(book) - cut])))
    except ConfigError as error:
        said = str(error)
    assert person(1)["nik"] not in said


# --- hypothesis: what was written is what is read ---------------------------------------------------------------------

CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)
NUMBER_OR_WORD = (
    st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.from_regex(r"[a-z ]{0,6}", fullmatch=True)
)
BODY = st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODY, separator=st.sampled_from([",", ";", "\t", "|"]), letters=st.sampled_from(["utf-8-sig", "utf-16"]))
def test_no_row_and_no_cell_of_a_csv_is_lost(write: Write, body: list[list[str]], separator: str, letters: str) -> None:
    rows = [["NIK", "No KK", "Nama", "Alamat"], *body]
    _, entries = read(write(as_csv(rows, separator, letters)))
    said = [(number, cells) for number, cells in enumerate(body, 2) if any(cell.strip() for cell in cells)]
    taken = [(entry.row, [entry[field] for field in ("nik", "kk", "name", "address")]) for entry in entries.rows]
    assert taken == [(number, cells) for number, cells in said if number not in entries.passed]
    assert len(taken) + len(entries.passed) == len(said)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.lists(st.lists(NUMBER_OR_WORD, min_size=3, max_size=3), max_size=6))
def test_no_row_of_a_workbook_is_lost_and_no_digit_made_up(write: Write, body: Sequence[Sequence[object]]) -> None:
    _, entries = read(write(as_xlsx(a=[["NIK", "No KK", "Nama"], *body])))
    said = {number for number, cells in enumerate(body, 2) if any(str(cell).strip() for cell in cells)}
    assert {entry.row for entry in entries.rows} | set(entries.passed) == said
    for entry in entries.rows:
        for field, value in zip(("nik", "kk", "name"), body[entry.row - 2], strict=True):
            if isinstance(value, int):
                assert entry[field] == (str(value) if abs(value) < 10**15 else LOST)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(write: Write, content: bytes) -> None:
    for start in (b"", b"NIK;No KK;Nama\n", b"PK\x03\x04"):
        try:
            read(write(start + content))
        except ConfigError:
            continue


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        ("3374014101801001", "3374014101801001"),
        (" '3374014101801001 ", "3374014101801001"),
        ("3374 0141 0180 1001", "3374014101801001"),
        ("3374\u00a00141\u00a00180\u00a01001", "3374014101801001"),
        ("\ufeff3374014101801001\u200b", "3374014101801001"),
        ("9999-0000-0000-1234", "9999000000001234"),
        ("33.74.01.410180.1001", "3374014101801001"),
        ('="3374014101801001"', "3374014101801001"),
        ("", ""),
        ("12 buah", "12 buah"),
    ],
)
def test_marks_and_separators_are_taken_off_a_number(cell: str, digits: str) -> None:
    found = read_number(cell)
    assert (found.text, found.lost) == (digits, False)


@pytest.mark.parametrize(
    "cell",
    [
        "3.37401410180100E+15",
        "3,37401410180100E+15",
        "3E15",
        "3374014101801001.0",
        "3374014101801001,00",
        "3374014101801001.",
        "3,374,014,101,801,000",
        "3.374.014.101.801.000",
        "3.374.014.101.801.000,00",
        LOST,
    ],
)
def test_what_went_through_a_number_cell_is_lost(cell: str) -> None:
    assert read_number(cell).lost


@given(st.text(max_size=40))
def test_a_number_never_gets_digits_that_were_not_in_the_cell(cell: str) -> None:
    found = read_number(cell)
    kept = iter(cleaned(cell))
    assert all(any(char == other for other in kept) for char in found.text)


@given(st.text("0123456789 .,-'", min_size=13, max_size=40), st.text(max_size=5))
def test_no_long_number_survives_hiding(digits: str, words: str) -> None:
    hidden = hide_digits(f"{words}{digits}{words}")
    assert not long_run(hidden)


@given(
    st.from_regex(r"[0-9]{16}", fullmatch=True),
    st.sampled_from(["/", "_", ":", ";", "–", " / ", "|", ")(", "\u00a0", "·"]),
    st.sampled_from([(4, 8, 12), (6, 12), (4, 10)]),
)
def test_nor_does_one_that_is_grouped_however_people_group_it(number: str, mark: str, cuts: tuple[int, ...]) -> None:
    parts = [number[at:to] for at, to in zip((0, *cuts), (*cuts, 16), strict=True)]
    text = cleaned(f"Ibu {mark.join(parts)} Siti")
    assert long_run(text)
    assert hide_digits(text) == "Ibu ••• Siti"


@pytest.mark.parametrize(
    "address", ["Jl. Mawar 12/34 RT 001/RW 002, 50132", "Gg. Melati 3 001/002 50132", "Jl. 17 Agustus 1945/12, 2026"]
)
def test_an_address_is_no_number(address: str) -> None:
    assert not long_run(address)
    assert hide_digits(address) == address


@given(st.from_regex(r"[0-9]{12,19}", fullmatch=True))
def test_masks_show_no_more_than_they_may(number: str) -> None:
    assert mask_number(number) == number[:4] + "•" * (len(number) - 8) + number[-4:]
    assert mask_card(number) == f"**** {number[-4:]}"
    assert set(mask_number(number[:11])) == {"•"}


def test_masks_of_what_is_no_number_show_nothing() -> None:
    assert (mask_number("SITI BINTI A"), mask_number(""), mask_card("SITI"), mask_card("")) == (
        "•" * 12,
        "",
        "****",
        "",
    )


# --- column maps ------------------------------------------------------------------------------------------------------

ODD = [
    ["Kolom A", "NIK Suami", "NIK Istri", "Kartu Keluarga No", "Kepala"],
    ["x", "3374011010800001", person(1)["nik"], person(1)["kk"], "SITI"],
]


def mapped(tmp_path: Path, text: str, name: str = "peta.toml") -> ColumnMap:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_map(path)


def test_a_map_names_columns_by_heading_or_place(write: Write, tmp_path: Path) -> None:
    said = mapped(
        tmp_path, '[columns]\nnik = "nik  ISTRI"\nkk = 4\nname = "Kepala"\n[defaults]\nprogrammes = "SEMBAKO"'
    )
    _, entries = read(write(as_csv(ODD)), said)
    (entry,) = entries.rows
    assert (entry["nik"], entry["kk"], entry["name"]) == (person(1)["nik"], person(1)["kk"], "SITI")
    assert entry["programmes"] == "SEMBAKO"
    as_json = mapped(tmp_path, '{"columns": {"nik": "NIK Istri", "kk": 4, "name": "Kepala"}}', "peta.json")
    assert read(write(as_csv(ODD)), as_json)[1].rows[0]["nik"] == person(1)["nik"]


def test_a_map_decides_between_two_columns_and_where_the_headings_are(write: Write) -> None:
    rows = [["NIK", "NIK Pengurus", "No KK", "Nama"], ["a", "b", "c", "d"]]
    said = ColumnMap(columns={"nik": "NIK Pengurus"}, heading_row=3)
    _, entries = read(write(as_csv([["NIK No KK Nama"], [], *rows])), said)
    assert entries.rows[0]["nik"] == "b"


@pytest.mark.parametrize(
    "said",
    [
        ColumnMap(columns={"nik": "NIK Anak"}),
        ColumnMap(columns={"nik": 0}),
        ColumnMap(columns={"nik": 9}),
        ColumnMap(heading_row=9),
    ],
)
def test_a_map_that_does_not_fit_the_list_is_refused(write: Write, said: ColumnMap) -> None:
    assert refused(write(as_csv([["NIK", "No KK", "Nama"], ["a", "b", "c"]])), said).reason == "columns"


@pytest.mark.parametrize(
    "text",
    [
        "[columns",
        "[kolom]\nnik = 1",
        '[columns]\nnomor = "NIK"',
        '[words.umur]\na = "b"',
        '[words.card_status]\nMD = "mati"',
        '[defaults]\nnik = "1"',
        "heading_row = -1",
        "[columns]\nnik = 1.5",
    ],
)
def test_a_map_that_says_what_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        mapped(tmp_path, text)
    assert error.value.reason == "invalid"


def test_a_map_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read_map(tmp_path / "none.toml")
    assert error.value.reason == "unreadable"
    assert read_map(None) == ColumnMap()


def test_a_map_that_an_editor_put_a_mark_in_front_of_is_read(tmp_path: Path) -> None:
    path = tmp_path / "peta.toml"
    path.write_bytes(b'\xef\xbb\xbf[columns]\r\nnik = "NIK Pengurus"\r\n')
    assert read_map(path).columns == {"nik": "NIK Pengurus"}


def test_the_sample_families_file_reads_as_a_list_too() -> None:
    from tests.integration.city.city_kit import SAMPLE

    path = SAMPLE / "families.csv"
    _, entries = read(path)
    with path.open(encoding="utf-8", newline="") as file:
        said = list(csv.DictReader(file))
    assert [entry["card_number"] for entry in entries.rows] == [row["card_number"] for row in said]
    assert {"home_kiosk", "programmes", "purse_balance", "rt", "rw"} <= entries.fields


# --- what a spreadsheet shows, and keeps otherwise --------------------------------------------------------------------


def edited(change: Callable[[Any], None], **sheets: Any) -> bytes:
    """A workbook, as somebody left it who worked in it."""
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(**sheets)))
    change(book)
    out = io.BytesIO()
    book.save(out)
    book.close()
    return out.getvalue()


def test_a_merged_cell_says_the_same_in_each_of_its_rows(write: Write) -> None:
    heading = ["Daftar", None, None, None], ["NIK", "No KK", "Nama", "Status"]
    body = [
        ["1", "2", "A", "MENINGGAL"],
        ["3", "4", "B", None],
        [None] * 4,
        ["5", "6", "C", None],
        ["7", "8", "D", None],
    ]

    def merge(book: Any) -> None:
        for cells in ("A1:D1", "D3:D6", "A7:B7"):
            book["a"].merge_cells(cells)
        book["a"].merged_cells.add("A8:A1048576")  # merge_cells would make a million cells, and no other file of it

    _, entries = read(write(edited(merge, a=[*heading, *body])))
    assert [(entry.row, entry["name"], entry["card_status"]) for entry in entries.rows] == [
        (3, "A", "MENINGGAL"),
        (4, "B", "MENINGGAL"),
        (6, "C", "MENINGGAL"),
        (7, "D", ""),
    ]


def test_headings_in_two_rows_are_one_where_cells_are_merged(write: Write) -> None:
    rows = [["NIK", "No KK", "Nama", "Alamat", None, None], [None, None, None, "Jalan", "RT", "RW"]]
    person_row = ["3374014101801001", "3374010101202001", "SITI", "Gg. Melati", "7", "8"]

    def merge(book: Any) -> None:
        for cells in ("A1:A2", "B1:B2", "C1:C2", "D1:F1"):
            book["a"].merge_cells(cells)

    _, entries = read(write(edited(merge, a=[*rows, person_row])))
    assert entries.heading_row == 2
    assert [(entry["name"], entry["rt"], entry["rw"]) for entry in entries.rows] == [("SITI", "7", "8")]
    assert entries.unread == ("Jalan",)


def test_a_formula_that_nobody_computed_refuses_its_sheet_and_no_other(write: Write) -> None:
    rows = [list(row) for row in ROWS]

    def compute(book: Any) -> None:
        book["a"]["C2"] = '=UPPER("siti")'

    said = refused(write(edited(compute, a=rows)))
    assert (said.reason, "rumus" in said.detail) == ("unreadable", True)

    def compute_elsewhere(book: Any) -> None:
        book["Rekap"]["A1"] = "=COUNTA(a!A:A)"

    assert len(read(write(edited(compute_elsewhere, a=rows, Rekap=[["x"]])))[1].rows) == 2


@pytest.mark.parametrize(
    ("cell", "taken"),
    [
        ('<c r="C2" t="str"><f>UPPER("siti")</f><v>SITI</v></c>', True),
        ('<c r="C2" t="str"><f>IF(A2="","",B2)</f><v></v></c>', True),  # it came to an empty text
        ('<c r="C2"><f t="shared" si="0"/><v>7</v></c>', True),
        ('<c r="C2"><f>UPPER("siti")</f></c>', False),
        ('<c r="C2" s="1"><f>UPPER("siti")</f><v/></c>', False),
        ("<c r='C2'><f t='shared' si='0'/></c>", False),
    ],
)
def test_a_formula_counts_by_what_it_came_to(write: Write, cell: str, taken: bool) -> None:
    def replaced(text: bytes) -> bytes:
        changed = re.sub(rb'<c r="C2".*?</c>', cell.encode(), text, count=1)
        assert changed != text
        return changed

    path = write(_with(as_xlsx(a=ROWS), replaced))
    if taken:
        assert len(read(path)[1].rows) == 2
    else:
        assert "rumus" in refused(path).detail


def test_rows_out_of_order_are_seen_however_their_numbers_are_quoted(write: Write) -> None:
    book = _with(as_xlsx(a=ROWS), lambda text: re.sub(rb'<row r="(\d+)"', rb"<row r='\1'", text))
    assert len(read(write(book))[1].rows) == 2
    assert refused(write(_with(book, lambda text: text.replace(b"r='2'", b"r='3'", 1)))).reason == "unreadable"


def test_what_was_not_read_is_said(write: Write) -> None:
    rows = [[*ROWS[0], "Keterangan"], *([*row, "pindah"] for row in ROWS[1:])]
    sheet, entries = read(write(as_xlsx(Rekap=[["Jumlah", 2]], Kauman=rows, Lanjutan=ROWS[1:], Kosong=[])))
    assert entries.unread == ("Keterangan",)
    assert sheet.others == (("Rekap", 1), ("Lanjutan", 2))


def test_hidden_rows_and_sheets_are_read_and_it_is_said(tmp_path: Path) -> None:
    """A filter hides rows from whoever sends the list, and not from whoever reads the file."""
    heads = ["NIK", "No. KK", "Nama"]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for cells in (heads, *([str(number)] * 3 for number in range(1, 5))):
        sheet.append(cells)
    for number in (3, 5, 9):
        sheet.row_dimensions[number].hidden = True
    path = tmp_path / "disaring.xlsx"
    book.save(path)
    found, _ = read(path)
    assert ([row.number for row in found.rows], found.hidden) == ([1, 2, 3, 4, 5], 2)
    old = book.create_sheet("Lama")
    old.append(heads)
    old.sheet_state = "hidden"
    book.save(path)
    assert "'Sheet', 'Lama' yang tersembunyi" in str(refused(path).detail)
    assert read(path, sheet="Lama")[0].how == "XLSX, lembar Lama (tersembunyi)"
    book.close()
