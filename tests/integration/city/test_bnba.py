"""A list is taken in one piece, twice is once, a newer one marks who is missing, and every row is accounted for."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ewarung_city import feed
from ewarung_city.__main__ import main
from ewarung_city.bnba import papers
from ewarung_city.bnba.columns import ColumnMap
from ewarung_city.bnba.findings import Outcome, Severity
from ewarung_city.bnba.judging import Judge
from ewarung_city.bnba.taking import read_list, read_rows, take_list
from ewarung_city.store import schema
from ewarung_pos.domain.family import mask_nik
from ewarung_pos.errors import ConfigError
from tests.integration.city.bnba_kit import (
    KAUMAN,
    TODAY,
    Office,
    Person,
    as_csv,
    as_xlsx,
    codes,
    outcomes,
    person,
    sentence,
    table,
)
from tests.integration.city.city_kit import SAMPLE, LiveCity


@pytest.fixture
def office(bare: LiveCity, tmp_path: Path) -> Office:
    return Office(bare, tmp_path)


def listing(office: Office, one: Person) -> dict[str, Any]:
    key = office.family(one)["key"]
    with office.city.store.read() as tx:
        row = tx.one(schema.family_listing, family=key)
    assert row is not None
    return dict(row)


# --- once, twice, newer, older ----------------------------------------------------------------------------------------


def test_a_list_is_kept_with_its_source_its_day_and_what_became_of_it(office: Office) -> None:
    report = office.send(person(1), person(2, nik="1"), person(1))
    with office.city.store.read() as tx:
        (kept,) = tx.all(schema.family_list)
        notes = tx.all(schema.import_note, "row", import_id=report.list_id)
        assert (tx.setting("register_date"), tx.setting("register_source")) == ("2026-11-01", "Dinsos")
    assert (kept["file"], kept["digest"], kept["source"]) == ("daftar.csv", report.digest, "Dinsos")
    assert (kept["snapshot"], kept["taken_ms"]) == ("2026-11-01", office.city.clock.ms)
    assert [kept[name] for name in ("rows", "taken", "unchanged", "refused", "skipped")] == [3, 1, 0, 1, 1]
    assert [(note["row"], note["reason"], note["severity"]) for note in notes] == [
        (3, "nik_length", "tolak"),
        (4, "row_again", "info"),
    ]


def test_a_second_import_of_the_same_file_changes_nothing_at_all(office: Office) -> None:
    people = [person(1), person(2, nik="1"), person(3, status="meninggal"), person(4), person(4, programmes="JATAH")]
    office.send(person(9), snapshot="2026-10-01")
    first = office.send(*people)
    before = office.everything()
    office.city.clock.wait(60_000)
    again = office.send(*people)
    assert office.everything() == before
    assert outcomes(first) == ["diambil", "ditolak", "diambil", "diambil", "diambil"]
    assert outcomes(again) == ["tetap", "ditolak", "tetap", "tetap", "tetap"]
    assert again.missing == first.missing


def test_the_same_file_takes_later_what_the_city_could_not_take_at_first(office: Office) -> None:
    people = [person(1), person(2, kelurahan_code="33.74.01.1003")]
    assert outcomes(office.send(*people)) == ["diambil", "ditolak"]
    with office.city.store.write() as tx:
        tx.put(schema.kiosk, [{"device": "EW-0005", "name": "Baru", "kelurahan_code": "33.74.01.1003"}])
    report = office.send(*people)
    assert outcomes(report) == ["tetap", "diambil"]
    with office.city.store.read() as tx:
        assert tx.all(schema.import_note, import_id=report.list_id) == []


def test_rows_that_were_read_before_the_city_changed_are_read_again(office: Office) -> None:
    path = office.file(as_csv(table([person(1, kelurahan_code="33.74.01.1003", home="EW-0005")])))
    said = read_list(path, ColumnMap(), "Dinsos", "2026-11-01", TODAY)
    with office.city.store.read() as tx:
        rows = read_rows(tx, said)
    with office.city.store.write() as tx:
        tx.put(schema.kiosk, [{"device": "EW-0005", "name": "Baru", "kelurahan_code": "33.74.01.1003"}])
    with office.city.store.write() as tx:
        report = take_list(tx, office.city.keys, said, office.city.clock.ms, rows)
    assert outcomes(report) == ["diambil"]


def test_checking_a_list_says_the_same_and_writes_nothing(office: Office) -> None:
    before = office.everything()
    checked = office.send(person(1), person(2, nik="1"), only_check=True)
    assert office.everything() == before
    taken = office.send(person(1), person(2, nik="1"))
    assert (outcomes(checked), codes(checked)) == (outcomes(taken), codes(taken))


def test_a_newer_list_changes_families_and_marks_those_whom_it_does_not_name(office: Office) -> None:
    office.send(person(1), person(2), person(3))
    report = office.send(person(1, name="WARGA BARU"), person(3), snapshot="2026-11-15")
    assert outcomes(report) == ["diambil", "tetap"]
    assert [(family.name, family.new, family.listed) for family in report.missing] == [("WARGA C2", True, "2026-11-01")]
    assert office.family(person(1))["name"] == "WARGA BARU"
    assert office.family(person(2))["card_status"] == "active"
    assert listing(office, person(2))["missing"] == "2026-11-15"
    later = office.send(person(1), person(3), snapshot="2026-11-20")
    assert [(family.name, family.new) for family in later.missing] == [("WARGA C2", False)]
    back = office.send(person(1), person(2), person(3), snapshot="2026-11-22")
    assert back.missing == ()
    assert listing(office, person(2))["missing"] == ""


def test_whoever_a_refused_row_names_is_not_missing(office: Office) -> None:
    office.send(*(person(at) for at in range(1, 6)))
    report = office.send(
        person(1, name=""),
        person(2, nik="3,37E+15", card="1"),
        person(3, nik="x", kk="y"),
        person(4, nik="x", kk="y", card="z"),
        snapshot="2026-11-15",
    )
    assert [family.name for family in report.missing] == ["WARGA E4", "WARGA F5"]


def test_only_families_of_the_lists_kelurahan_and_programmes_can_be_missing(office: Office) -> None:
    elsewhere = person(2, kelurahan_code="33.74.16.1007")
    other, dead = person(3, programmes="JATAH"), person(4, status="meninggal")
    office.send(person(1), elsewhere, other, dead, person(5))
    report = office.send(person(1), snapshot="2026-11-15")
    assert [family.name for family in report.missing] == ["WARGA F5"]


def test_families_of_another_import_can_be_missing_too(stocked: LiveCity, tmp_path: Path) -> None:
    office = Office(stocked, tmp_path)
    report = office.send(person(1), snapshot="2026-11-15")
    with (SAMPLE / "families.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kelurahan_code"] == KAUMAN]
    expected = {
        row["name"]
        for row in rows
        if "SEMBAKO" in row["programmes"] and row["card_status"] not in {"deceased", "moved"}
    }
    assert expected
    assert {family.name for family in report.missing} == expected
    assert all(family.new and family.listed == "" for family in report.missing)


def test_two_lists_of_one_day_do_not_make_each_other_missing(office: Office) -> None:
    office.send(person(1), person(2), snapshot="2026-10-01")
    office.send(person(1))
    assert office.send(person(2)).missing == ()
    assert [listing(office, person(at))["missing"] for at in (1, 2)] == ["", ""]


def test_an_older_list_changes_nothing_that_a_newer_one_said(office: Office) -> None:
    office.send(person(1, name="BARU"), snapshot="2026-11-15")
    with office.city.store.read() as tx:
        day = tx.setting("register_date")
    report = office.send(person(1, name="LAMA"), person(2), snapshot="2026-11-01")
    assert outcomes(report) == ["dilewati", "dilewati"]
    assert codes(report) == {(2, "older_list"), (3, "older_list")}
    assert "2026-11-15" in sentence(report, "older_list")
    assert office.family(person(1))["name"] == "BARU"
    with office.city.store.read() as tx:
        assert (tx.setting("register_date"), day) == ("2026-11-15", "2026-11-15")


def test_a_family_that_a_newer_list_lacks_stays_marked_when_an_older_one_names_it(office: Office) -> None:
    office.send(person(1), person(2), snapshot="2026-09-01")
    office.send(person(1), snapshot="2026-11-01")
    office.send(person(1), person(2, name="LAMA"), snapshot="2026-10-01")
    assert listing(office, person(2))["missing"] == "2026-11-01"
    assert listing(office, person(2))["snapshot"] == "2026-10-01"


@pytest.mark.parametrize("snapshot", ["", "1 November 2026", "2026-11-31", "2026-11-25"])
def test_a_list_without_a_day_that_can_be_is_refused(office: Office, snapshot: str) -> None:
    with pytest.raises(ConfigError) as refused:
        office.send(person(1), snapshot=snapshot)
    assert refused.value.reason == "snapshot"


def test_a_list_of_nobody_is_refused(office: Office) -> None:
    with pytest.raises(ConfigError) as refused:
        office.send(person(1), source=" ")
    assert refused.value.reason == "source"


# --- against the register ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kk": person(1)["kk"]}, "kk_held"),
        ({"kk": person(1)["kk"], "name": person(1)["name"]}, "kk_person_held"),
        ({"card": person(1)["card"]}, "card_held"),
    ],
)
def test_what_another_family_of_the_register_holds_refuses_a_row(office: Office, change: Person, code: str) -> None:
    office.send(person(1))
    report = office.send(person(2) | change, person(3))
    assert (codes(report), outcomes(report)) == ({(2, code)}, ["ditolak", "diambil"])
    assert f"({mask_nik(person(1)['nik'])} di {KAUMAN})" in sentence(report, code), "whoever it is can be found"


def test_cards_that_change_hands_within_a_list_are_taken(office: Office) -> None:
    office.send(person(1), person(2))
    swapped = [person(1, card=person(2)["card"]), person(2, card=person(1)["card"])]
    report = office.send(*swapped)
    assert outcomes(report) == ["diambil", "diambil"]
    assert office.family(person(1))["last4"] == person(2)["card"][-4:]
    assert sentence(report, "card_changed") == (
        f"Kartu baru **** {person(2)['card'][-4:]} menggantikan **** {person(1)['card'][-4:]}."
    )


def test_a_card_that_is_not_given_up_after_all_is_not_taken_over(office: Office) -> None:
    """1 wants the card of 2, 2 that of 3, 3 that of 4, who keeps it: nobody gets anything."""
    office.send(*(person(at) for at in range(1, 5)))
    before = office.everything()["family"]
    report = office.send(*(person(at, card=person(at + 1)["card"]) for at in range(1, 4)))
    assert outcomes(report) == ["ditolak"] * 3
    assert {code for _, code in codes(report)} == {"card_held"}
    assert office.everything()["family"] == before


def test_a_column_that_slipped_by_a_row_costs_a_look_at_each_row_and_not_at_each_for_each(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    clash = Judge._clash

    def counted(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        return clash(*arguments)

    monkeypatch.setattr(Judge, "_clash", counted)
    people = [person(at) for at in range(1, 201)]
    office.send(*people)
    looks = 0
    report = office.send(*(one | {"card": after["card"]} for one, after in pairwise(people)))
    assert outcomes(report) == ["ditolak"] * 199
    assert looks < 500


def test_what_a_list_does_not_say_stays_as_it_was(office: Office) -> None:
    full = person(1, members="4", balance="15000", home="EW-0002", status="aktif")
    office.send(full)
    before = office.family(full)
    short = {name: full[name] for name in ("nik", "kk", "name", "kelurahan_code", "programmes")}
    assert outcomes(office.send(short, snapshot="2026-11-02")) == ["tetap"]
    assert office.family(full) == before


def test_a_list_speaks_of_the_programmes_that_it_names_and_of_no_others(office: Office) -> None:
    office.send(person(1, programmes="JATAH;SEMBAKO"), person(2, programmes="JATAH;SEMBAKO"))
    office.send(person(1, programmes="SEMBAKO"), person(2, programmes="SEMBAKO"), snapshot="2026-11-02")
    assert office.family(person(1))["programmes"] == "JATAH;SEMBAKO"
    report = office.send(person(1, programmes="SEMBAKO"), person(2, programmes="JATAH"), snapshot="2026-11-03")
    assert [office.family(person(at))["programmes"] for at in (1, 2)] == ["SEMBAKO", "JATAH"]
    assert codes(report) == {(2, "programmes_fewer"), (3, "programmes_fewer")}


@pytest.mark.parametrize("held", ["meninggal", "pindah", "blokir"])
def test_a_list_stops_a_card_and_does_not_let_it_go_again(office: Office, held: str) -> None:
    office.send(person(1))
    office.city.clock.wait(5)
    office.send(person(1, status=held), snapshot="2026-11-02")
    stopped = office.family(person(1))
    assert (stopped["card_status"] != "active", stopped["status_since"]) == (True, office.city.clock.ms)
    report = office.send(person(1, status="aktif"), snapshot="2026-11-03")
    assert codes(report) == {(2, "status_kept")}
    assert outcomes(office.send(person(1), snapshot="2026-11-04")) == ["tetap"]
    new_card = person(1, card=person(8)["card"])
    office.send(new_card, snapshot="2026-11-05")
    assert (office.family(person(1))["card_status"] == "active") is (held == "blokir")


def test_kiosks_are_told_of_new_changed_and_departed_families(office: Office) -> None:
    office.send(person(1), person(2))
    with office.city.store.write() as tx:
        before = feed.page_for(tx, "EW-0001", 1, 0)
    assert {family.name for family in before.families} == {"WARGA B1", "WARGA C2"}
    assert (before.register_date, before.register_source) == ("2026-11-01", "Dinsos")
    report = office.send(person(1, home="EW-0002"), person(2), snapshot="2026-11-02")
    assert codes(report) == {(2, "home_changed")}
    with office.city.store.write() as tx:
        page = feed.page_for(tx, "EW-0001", 1, before.cursor)
        other = feed.page_for(tx, "EW-0002", 1, 0)
    assert [(family.name, family.home) for family in page.families] == [("WARGA B1", "EW-0002")]
    assert [family.name for family in other.families] == ["WARGA B1"]


def test_if_the_list_cannot_be_taken_to_its_end_nothing_of_it_is(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office.everything()

    def broken(*_: object) -> None:
        raise OSError("power")

    monkeypatch.setattr(feed, "tell_all", broken)
    with pytest.raises(OSError, match="power"):
        office.send(person(1), person(2))
    assert office.everything() == before


# --- every row, whatever it says --------------------------------------------------------------------------------------

ROW = st.builds(
    person,
    st.integers(1, 4),
    nik=st.sampled_from([person(at)["nik"] for at in (1, 2, 3)] + ["", "3,3E+15", "3318014101801001"]),
    kk=st.sampled_from([person(at)["kk"] for at in (1, 2, 3)] + ["x"]),
    card=st.sampled_from([person(at)["card"] for at in (1, 2, 3)] + ["", "12"]),
    name=st.sampled_from(["SITI", "RATNA", ""]),
    programmes=st.sampled_from(["SEMBAKO", "JATAH", "JATAH;SEMBAKO", "", "lain", "PKH"]),
    kelurahan_code=st.sampled_from([KAUMAN, "33.74.16.1007", "33.74.01.1003", "", "9"]),
    status=st.sampled_from(["", "aktif", "meninggal", "sakit"]),
)
LISTS = st.lists(
    st.tuples(st.sampled_from(["2026-10-01", "2026-11-01"]), st.lists(ROW, max_size=6)), min_size=1, max_size=3
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists=LISTS)
def test_every_row_has_one_outcome_a_reason_if_not_taken_and_twice_is_once(
    office: Office, lists: list[tuple[str, list[Person]]]
) -> None:
    mapping = ColumnMap(words={"programmes": {"PKH": ""}})
    with office.city.store.write() as tx:
        for held in (schema.family, schema.family_listing, schema.family_list, schema.family_list_scope):
            tx.remove(held)
    for snapshot, people in lists:
        content = as_csv(table([person(1, status=""), *people])[:1] + table([person(1, status=""), *people])[2:])
        report = office.send(content=content, snapshot=snapshot, mapping=mapping)
        assert [row.row for row in report.rows] == list(range(2, len(people) + 2))
        severities = {
            row.row: {found.severity for found in report.findings if found.row == row.row} for row in report.rows
        }
        for row in report.rows:
            assert (row.outcome is Outcome.REFUSED) == (Severity.REFUSE in severities[row.row])
            assert row.outcome is not Outcome.SKIPPED or severities[row.row]
        with office.city.store.read() as tx:
            families = tx.all(schema.family)
        for column in ("nik_token", "kk_token", "token"):
            values = [family[column] for family in families]
            assert len(set(values)) == len(values)
        before = office.everything()
        again = office.send(content=content, snapshot=snapshot, mapping=mapping)
        assert office.everything() == before
        expected = [row.outcome if row.outcome is not Outcome.TAKEN else Outcome.UNCHANGED for row in report.rows]
        assert [row.outcome for row in again.rows] == expected


# --- papers -----------------------------------------------------------------------------------------------------------


def cells(report_csv: str) -> list[list[str]]:
    assert report_csv.startswith("\ufeff")
    return list(csv.reader(report_csv[1:].splitlines(), delimiter=";"))


def test_the_report_names_every_row_under_the_counts(office: Office) -> None:
    office.send(person(7), snapshot="2026-10-01")
    report = office.send(person(1, name="=CMD()"), person(2, nik="1"), person(2))
    lines = cells(papers.quality_csv(report))
    counts = dict(line for line in lines[: lines.index([])] if len(line) == 2)
    assert counts["Semua baris"] == "3"
    assert (counts["Baris ditolak"], counts["Baris diambil: baru atau berubah"]) == ("1", "2")
    assert counts["Tanggal daftar"] == "1 November 2026"
    assert counts["SHA-256"] == report.digest
    at = lines.index([])
    body = lines[at + 2 : lines.index([], at + 1)]
    assert [line[:2] for line in body] == [["2", "diambil"], ["3", "ditolak"], ["4", "diambil"]]
    assert body[0][6] == "'=CMD()"
    assert body[1][2:6] == ["tolak", "NIK", "nik_length", "NIK harus 16 angka; di sini 1 karakter."]
    assert lines[-1][0] == "WARGA H7"


def test_the_report_says_which_columns_and_sheets_were_not_read(office: Office, tmp_path: Path) -> None:
    rows = table([person(1)])
    book = as_xlsx(Lanjutan=[["x"]], Kauman=[[*rows[0], "Keterangan"], [*rows[1], "pindah"]])
    report = office.send(content=book)
    table_file, paper = papers.write_papers(report, tmp_path)
    for text in (table_file.read_text(encoding="utf-8-sig"), printed(paper), "\n".join(papers.remarks(report))):
        assert "Kolom yang dibaca: NIK = NIK; No. KK = No. KK; Nama = Nama;" in text
        assert "Kolom yang tidak dibaca: Keterangan." in text
        assert "Lembar yang tidak dibaca: Lanjutan (1 baris)." in text
    assert "tidak dibaca" not in papers.quality_csv(office.send(person(2)))
    filtered = papers.remarks(msgspec.structs.replace(report, hidden=1_200))
    assert "1.200 baris tersembunyi di lembar kerja (saringan?) ikut dibaca." in list(filtered)


def printed(path: Path) -> str:
    pages = pypdfium2.PdfDocument(path)
    try:
        return " ".join(page.get_textpage().get_text_range() for page in pages).replace("\r\n", " ")
    finally:
        pages.close()


def test_the_paper_has_counts_on_top_and_the_gravest_first(office: Office, tmp_path: Path) -> None:
    office.send(person(7), snapshot="2026-10-01")
    report = office.send(person(1, status="meninggal"), person(2, nik="1"), person(3, nik="3318014101801001"))
    table_file, paper = papers.write_papers(report, tmp_path / "papers")
    text = printed(paper)
    places = [
        text.index(word)
        for word in (
            "Semua baris",
            "NIK harus 16 angka; di sini ... karakter.",
            "Ditolak: perbaiki",
            "Baris 3 (WARGA C2)",
            "perlu diperiksa",
            "Baris 2 (WARGA B1)",
            "Keterangan",
            "WARGA H7",
        )
    ]
    assert places == sorted(places)
    assert table_file.read_bytes().decode("utf-8-sig").startswith('"Berkas";"daftar.csv"')
    assert table_file.stem == paper.stem == papers.file_stem(report)


def test_a_long_report_says_what_only_the_csv_has(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.send(*(person(at) for at in range(60, 66)), snapshot="2026-10-01")
    monkeypatch.setattr("ewarung_city.bnba.papers._SHEET_ROWS", 4)
    report = office.send(*(person(at, nik="1", kk=f"{at}", card="") for at in range(1, 4)))
    text = printed(papers.write_papers(report, tmp_path)[1])
    assert "2 lagi ada di berkas CSV." in text
    assert "2 keluarga lagi ada di berkas CSV." in text


def test_letters_that_were_guessed_and_a_mere_check_are_said(office: Office) -> None:
    content = as_csv(table([person(1, name="SITI NAÑIK")]), letters="cp1252")
    text = papers.quality_csv(office.send(content=content, only_check=True))
    assert "Windows-1252: periksa huruf" in text
    assert "register tidak berubah" in text


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], office: Office, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs import-families on the office's city; gives exit code, standard output and standard error."""
    monkeypatch.setenv("EWARUNG_CITY_DATABASE", office.city.database)

    def run(*words: object) -> tuple[int, str, str]:
        mask = os.umask(0o022)
        try:
            with pytest.raises(SystemExit) as ended:
                main(["import-families", "--data-dir", str(office.city.data_dir), *map(str, words)])
        finally:
            os.umask(mask)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_command_takes_a_workbook_and_writes_its_report(
    office: Office, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    book = office.file(as_xlsx(Rekap=[["x"]], Data=table([person(1), person(2, nik="1")])), "daftar.xlsx")
    words = ("--snapshot", "2026-11-01", "--source", "Dinsos", "--out", tmp_path / "mutu")
    code, out, _ = command(book, *words, "--check", "--json")
    assert (code, json.loads(out)["checked_only"], json.loads(out)["taken"]) == (1, True, 1)
    code, out, _ = command(book, *words, "--json")
    said = json.loads(out.splitlines()[-1])
    assert code == 1
    assert {name: said[name] for name in ("rows", "taken", "unchanged", "refused", "skipped", "missing")} == {
        "rows": 2,
        "taken": 1,
        "unchanged": 0,
        "refused": 1,
        "skipped": 0,
        "missing": 0,
    }
    assert said["reasons"] == {"nik_length": 1}
    assert said["notes"][0]["row"] == 3
    assert Path(said["csv"]).is_file()
    assert Path(said["pdf"]).read_bytes().startswith(b"%PDF")
    assert Path(said["csv"]).stat().st_mode & 0o077 == 0
    code, out, _ = command(book, *words[:4])
    assert "baris 3: ditolak. NIK harus 16 angka; di sini 1 karakter." in out
    assert "2 baris: 0 diambil, 1 tetap, 1 ditolak, 0 dilewati" in out
    assert list((office.city.data_dir / "papers").glob("bnba-2026-11-01-*.pdf"))


def test_the_command_uses_a_map_and_says_who_is_missing(
    office: Office, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    people = [person(at) for at in range(1, 40)]
    office.send(*people)
    rows = table([person(1), *(person(at, nik="1", kk="2", card="3") for at in range(3, 33))])
    rows[0][0] = "Nomor Induk"
    peta = tmp_path / "peta.toml"
    peta.write_text('[columns]\nnik = "Nomor Induk"\n', encoding="utf-8")
    code, out, _ = command(office.file(as_csv(rows)), "--map", peta, "--snapshot", "2026-11-10", "--source", "Dinsos")
    assert code == 1
    assert "alasan lagi, semuanya di laporan mutu" in out
    assert "38 keluarga di register tidak disebut (38 baru); ditandai, tetap dilayani" in out


def test_the_families_file_is_imported_as_before(office: Office, command: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = command(SAMPLE / "families.csv")
    assert code == 0
    assert out.splitlines()[-1] == "300 rows, 300 taken, 0 unchanged, 0 refused"
    words = ("--snapshot", "2026-11-01", "--source", "contoh", "--check", "--json")
    code, out, _ = command(SAMPLE / "families.csv", *words)
    said = json.loads(out)
    assert (code, said["unchanged"], said["rows"]) == (0, 300, 300)


def test_the_command_says_what_is_missing_and_that_nothing_was_changed(
    office: Office, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = office.file(as_csv(table([person(1)])))
    before = office.everything()
    assert "--snapshot" in command(path)[2]
    assert "--source" in command(path, "--snapshot", "2026-11-01")[2]
    in_the_way = tmp_path / "berkas"
    in_the_way.write_text("x")
    words = ("--snapshot", "2026-11-01", "--source", "Dinsos", "--out", in_the_way / "mutu")
    code, _, err = command(path, *words)
    assert (code, "register tidak berubah" in err) == (2, True)
    assert office.everything() == before


def test_a_report_that_cannot_be_written_says_what_was_taken(
    office: Office, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = office.file(as_csv(table([person(1)])))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(papers, "write_papers", full)
    words = ("--snapshot", "2026-11-01", "--source", "Dinsos")
    assert "register tidak berubah" in command(path, *words, "--check")[2]
    code, _, err = command(path, *words)
    assert (code, "baris yang baik sudah diambil" in err) == (2, True)
    assert office.family(person(1))["name"] == "WARGA B1"
