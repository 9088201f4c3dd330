"""Each thing that can be wrong with a row has its own finding, and no number stands in any sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ewarung_city.bnba.columns import FIELDS, ColumnMap, read_map
from ewarung_city.bnba.findings import ROWS, SENTENCES, Finding, Severity, finding, kind_of, shown
from ewarung_city.bnba.papers import quality_csv
from ewarung_city.bnba.taking import ListReport
from ewarung_pos.domain.family import luhn_valid
from tests.integration.city.bnba_kit import Office, Person, as_csv, codes, outcomes, person, sentence, table
from tests.integration.city.city_kit import LiveCity

BARE = {"kelurahan_code": ""}
MAP = ColumnMap(
    words={"programmes": {"BPNT": "SEMBAKO", "PKH": "", "Dua": "JATAH;SEMBAKO", "Salah": "TIDAK ADA"}}
    | {"card_status": {"MD": "deceased", "baik": ""}, "home_kiosk": {"Mawar": "EW-0001"}},
    homes={"33.74.01.1001": "EW-0003", "33.74.01.1002": "EW-9999"},
)


@pytest.fixture
def office(bare: LiveCity, tmp_path: Path) -> Office:
    return Office(bare, tmp_path)


ONE_ROW: list[tuple[Person, str, str]] = [
    ({"nik": "3.37401410180100E+15"}, "digits_lost", "ditolak"),
    ({"kk": "3374010101202001.0"}, "digits_lost", "ditolak"),
    ({"card": "9,999,000,000,000,100"}, "digits_lost", "ditolak"),
    ({"nik": ""}, "nik_missing", "ditolak"),
    ({"name": "-"}, "name_missing", "ditolak"),
    ({"nik": "337401410180100"}, "nik_length", "ditolak"),
    ({"nik": "33740141018010011"}, "nik_length", "ditolak"),
    ({"nik": "tidak tahu"}, "nik_length", "ditolak"),
    ({"nik": "3374O14101801001"}, "not_digits", "ditolak"),
    ({"nik": "\uff13\uff13\uff17\uff14014101801001"}, "not_digits", "ditolak"),
    ({"nik": "3374 O141 0180 1001"}, "not_digits", "ditolak"),
    ({"nik": "3 374014101801001"}, "nik_length", "ditolak"),
    ({"kk": "33740l0101202001"}, "not_digits", "ditolak"),
    ({"card": "9999OO0000000100"}, "not_digits", "ditolak"),
    ({"nik": "3374017201801001"}, "nik_date", "ditolak"),
    ({"nik": "3374013002801001"}, "nik_date", "ditolak"),
    ({"nik": "3374014113801001"}, "nik_date", "ditolak"),
    ({"nik": "3374014101800000"}, "nik_serial", "ditolak"),
    ({"kk": ""}, "kk_missing", "ditolak"),
    ({"kk": "1234"}, "kk_length", "ditolak"),
    ({"name": " \u200b "}, "name_missing", "ditolak"),
    ({"name": "SITI 3374014101801001"}, "number_in_text", "ditolak"),
    ({"address": "Jl. 3374-0141-0180-1001"}, "number_in_text", "ditolak"),
    ({"name": "A" * 121}, "text_too_long", "ditolak"),
    ({"address": "A\n" * 9}, "row_swallowed", "ditolak"),
    ({"card": ""}, "card_missing", "ditolak"),
    ({"card": "9999"}, "card_length", "ditolak"),
    (BARE, "kelurahan_missing", "ditolak"),
    ({"kelurahan_code": "33.74.99.1001"}, "kelurahan_unknown", "ditolak"),
    (BARE | {"kelurahan": "Purwokerto"}, "kelurahan_unknown", "ditolak"),
    (BARE | {"kelurahan": "Kauman", "kecamatan": "Tugu"}, "kelurahan_unknown", "ditolak"),
    (BARE | {"kelurahan": "Mangunharjo"}, "kelurahan_ambiguous", "ditolak"),
    ({"programmes": ""}, "programme_missing", "ditolak"),
    ({"programmes": "Bedah rumah"}, "programme_unknown", "ditolak"),
    ({"programmes": "Salah"}, "programme_unknown", "ditolak"),
    ({"status": "sakit"}, "status_unknown", "ditolak"),
    ({"balance": "200,000"}, "balance_form", "ditolak"),
    ({"balance": "dua ratus ribu"}, "balance_form", "ditolak"),
    ({"home": "EW-0009"}, "home_unknown", "ditolak"),
    ({"kelurahan_code": "33.74.01.1002"}, "home_unknown", "ditolak"),
    ({"kelurahan_code": "33.74.01.1003"}, "home_missing", "ditolak"),
    ({"programmes": "PKH"}, "programme_none", "dilewati"),
    ({"programmes": "SEMBAKO; bedah rumah"}, "programme_passed", "diambil"),
    (BARE | {"kelurahan": "Kel. KAUMAN"}, "kelurahan_by_name", "diambil"),
    (BARE | {"kelurahan": "Mangunharjo", "kecamatan": "Kec. Tugu"}, "kelurahan_by_names", "diambil"),
    ({"kelurahan": "Miroto"}, "kelurahan_differs", "diambil"),
    ({"members": "banyak"}, "members_unknown", "diambil"),
    ({"rt_rw": "2026-08-07T00:00:00"}, "rt_rw_unclear", "diambil"),
    ({"rt_rw": "07-Agu"}, "rt_rw_unclear", "diambil"),
    ({"status": "Meninggal dunia"}, "holder_deceased", "diambil"),
    ({"status": "MD"}, "holder_deceased", "diambil"),
    ({"status": "pindah"}, "family_moved", "diambil"),
    ({"status": "Blokir"}, "card_blocked", "diambil"),
    ({"nik": "3318014101801001"}, "nik_outside_city", "diambil"),
]


@pytest.mark.parametrize(("change", "code", "outcome"), ONE_ROW)
def test_a_row_is_judged_and_the_one_beside_it_is_taken(
    office: Office, change: Person, code: str, outcome: str
) -> None:
    report = office.send(person(1) | change, person(2), mapping=MAP)
    assert codes(report) == {(2, code)}
    assert outcomes(report) == [outcome, "diambil"]
    assert (SENTENCES[code][0] is Severity.REFUSE) is (outcome == "ditolak")


def test_a_letter_among_the_digits_is_said_with_its_place(office: Office) -> None:
    report = office.send(person(1, nik="3374O14101801001"), person(2))
    assert sentence(report, "not_digits").startswith("NIK: karakter ke-5 bukan angka 0 sampai 9")
    assert "3374O" not in sentence(report, "not_digits")


def test_a_check_digit_is_information_only(office: Office) -> None:
    odd = person(1)
    odd["card"] = next(f"{odd['card'][:-1]}{last}" for last in range(10) if not luhn_valid(f"{odd['card'][:-1]}{last}"))
    report = office.send(odd)
    assert (codes(report), outcomes(report)) == ({(2, "card_check_digit")}, ["diambil"])


def test_cells_beyond_the_headings_refuse_their_row_alone(office: Office) -> None:
    heading, first, second = table([person(1), person(2)])
    report = office.send(content=as_csv([heading, [*first, "Kauman"], second]))
    assert (codes(report), outcomes(report)) == ({(2, "row_shifted")}, ["ditolak", "diambil"])


def test_a_column_that_mostly_ends_in_zero_lost_its_last_digit(office: Office) -> None:
    people = [person(at) for at in range(1, 31)]
    cut = [one | {"card": one["card"][:-1] + "0"} for one in people[:20]]
    report = office.send(*cut, *people[20:])
    zeros = {row for row, one in enumerate([*cut, *people[20:]], 2) if one["card"].endswith("0")}
    assert {row for row, code in codes(report) if code == "digits_doubtful"} == zeros
    assert f"{len(zeros)} dari 30 Nomor kartu di daftar ini berakhir 0" in sentence(report, "digits_doubtful")
    assert [row.outcome.value for row in report.rows if row.row not in zeros] == ["diambil"] * (30 - len(zeros))
    few = office.send(*cut[:19])
    assert "digits_doubtful" not in {code for _, code in codes(few)}


@pytest.mark.parametrize(
    ("said", "programmes"),
    [
        ("sembako", "SEMBAKO"),
        ("Sembako KKS", "SEMBAKO"),
        ("BPNT/PKH", "SEMBAKO"),
        ("JATAH, BPNT", "JATAH;SEMBAKO"),
        ("Dua", "JATAH;SEMBAKO"),
        ("Jatah pangan kota + SEMBAKO", "JATAH;SEMBAKO"),
    ],
)
def test_programmes_go_by_code_by_name_or_by_the_map(office: Office, said: str, programmes: str) -> None:
    office.send(person(1, programmes=said), mapping=MAP)
    assert office.family(person(1))["programmes"] == programmes


def test_what_a_row_says_is_in_the_register_without_its_numbers(office: Office) -> None:
    one = person(
        1, rt_rw="RT 7 / RW 08", members="4", balance="Rp 200.000", status="aktif", kelurahan_code="3374011010"
    )
    assert codes(office.send(one)) == set()
    held = office.family(one)
    assert (held["address"], held["members"], held["opening_credit"]) == ("Gg. Melati No. 1, RT 007, RW 008", 4, 200000)
    assert (held["kelurahan_code"], held["home"], held["card_status"]) == ("33.74.01.1010", "EW-0001", "active")
    assert held["last4"] == one["card"][-4:]


def test_a_home_comes_from_the_list_from_the_map_or_is_the_only_kiosk_there(office: Office) -> None:
    people = [
        person(1),
        person(2, home="EW-0002"),
        person(3, home="mawar", kelurahan_code="33.74.16.1007"),
        person(4, kelurahan_code="33.74.01.1001"),
        person(5, status="baik"),
    ]
    office.send(*people, mapping=MAP)
    assert [office.family(one)["home"] for one in people] == ["EW-0001", "EW-0002", "EW-0001", "EW-0003", "EW-0001"]


@pytest.mark.parametrize(
    ("rt", "address", "unclear"),
    [
        ("1", "RT 001, RW 012A", False),
        ("RT 01", "RT 001, RW 012A", False),
        ("rt.012 B", "RT 012 B, RW 012A", False),
        ("7 (belakang masjid)", "RW 012A", True),
        ("RTW", "RT RTW, RW 012A", False),
        ("3 blok C", "RT 3 blok C, RW 012A", False),
        ("8-Jul", "RW 012A", True),
        ("07/08/2026", "RW 012A", True),
        ("2026-07-08", "RW 012A", True),
    ],
)
def test_a_cell_that_names_its_rt_names_it_once_and_a_long_one_is_told(
    office: Office, rt: str, address: str, unclear: bool
) -> None:
    report = office.send(person(1, rt=rt, rw="RW 012A", rt_rw=""))
    assert office.family(person(1))["address"] == f"Gg. Melati No. 1, {address}"
    assert ((2, "rt_rw_unclear") in codes(report)) is unclear


def test_old_spellings_of_kelurahan_are_known(office: Office) -> None:
    one = person(1, kelurahan_code="", kelurahan="Wonotinggal", home="EW-0001")
    assert outcomes(office.send(one)) == ["diambil"]


@pytest.mark.parametrize("field", ["name", "address", "card", "balance"])
def test_a_formula_that_failed_is_nobody_s_name_and_no_empty_cell(office: Office, field: str) -> None:
    office.send(person(1, balance="200000"), snapshot="2026-10-01")
    report = office.send(person(1, **{"balance": "200000", field: "#N/A"}))
    assert outcomes(report) == ["ditolak"]
    assert (2, "cell_error") in codes(report)
    assert office.family(person(1))["name"] == "WARGA B1"


# --- rows against each other ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"nik": person(1)["nik"]}, "nik_twice"),
        ({"kk": person(1)["kk"], "name": "warga  b1"}, "kk_person_twice"),
        ({"kk": person(1)["kk"]}, "kk_twice"),
        ({"card": person(1)["card"]}, "card_twice"),
    ],
)
def test_rows_that_contradict_each_other_are_both_refused(office: Office, other: Person, code: str) -> None:
    report = office.send(person(1), person(2) | other, person(3))
    assert codes(report) == {(2, code), (3, code)}
    assert outcomes(report) == ["ditolak", "ditolak", "diambil"]
    assert "baris 3" in next(found.sentence for found in report.findings if found.row == 2)


def test_a_number_that_half_the_list_has_names_some_of_its_rows(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[int] = []

    def counted(row: int, field: str, code: str, **words: Any) -> Finding:
        named.append(len(words["rows"]))
        return finding(row, field, code, **words)

    monkeypatch.setattr("ewarung_city.bnba.twice.finding", counted)
    report = office.send(*(person(at, kk=person(1)["kk"]) for at in range(1, 41)))
    assert (outcomes(report), len(named)) == (["ditolak"] * 40, 40)
    assert max(named) <= ROWS + 2, "with each row of a whole city it would be a square"
    assert "di baris 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ...;" in sentence(report, "kk_twice")


def test_the_same_row_again_and_the_same_family_for_another_programme_are_one(office: Office) -> None:
    report = office.send(person(1), person(1, programmes="JATAH"), person(1))
    assert codes(report) == {(3, "merged"), (4, "row_again")}
    assert outcomes(report) == ["diambil", "diambil", "dilewati"]
    assert office.family(person(1))["programmes"] == "SEMBAKO;JATAH"


def test_what_only_the_row_for_another_programme_says_counts_too(office: Office) -> None:
    ration = person(1, programmes="JATAH", members="", balance="")
    report = office.send(ration, person(1, members="4", balance="200000"))
    assert outcomes(report) == ["diambil", "diambil"]
    family = office.family(person(1))
    assert (family["members"], family["opening_credit"]) == (4, 200_000)


@pytest.mark.parametrize("field", ["members", "balance"])
def test_two_rows_of_a_family_that_say_another_number_are_both_refused(office: Office, field: str) -> None:
    report = office.send(person(1, programmes="JATAH", **{field: "4"}), person(1, **{field: "5"}))
    assert codes(report) == {(2, "nik_twice"), (3, "nik_twice")}


def test_a_second_row_of_the_same_person_with_a_lost_nik_does_not_refuse_the_first(office: Office) -> None:
    report = office.send(person(1), person(1, nik="3,4E+15"))
    assert outcomes(report) == ["diambil", "ditolak"]
    stranger = office.send(person(2), person(2, nik="3,4E+15", name="LAIN"))
    assert outcomes(stranger) == ["ditolak", "ditolak"]


def test_what_refuses_a_family_refuses_all_its_rows(office: Office) -> None:
    report = office.send(person(1, card=""), person(1, card="", programmes="JATAH"), person(1, card=""))
    assert outcomes(report) == ["ditolak"] * 3
    assert {row for row, code in codes(report) if code == "card_missing"} == {2, 3, 4}


def test_a_row_of_headings_in_the_middle_is_told(office: Office) -> None:
    heading, *rows = table([person(1), person(2)])
    report = office.send(content=as_csv([heading, rows[0], heading, rows[1]]))
    assert (codes(report), outcomes(report)) == ({(3, "row_of_headings")}, ["diambil", "dilewati", "diambil"])


# --- no number anywhere -----------------------------------------------------------------------------------------------


def numbers_in(report: ListReport) -> list[str]:
    text = quality_csv(report).replace(report.digest, "")
    return re.findall(r"\d(?:[ .,'-]{0,2}\d){12,}", text)


def test_no_number_of_anybody_stands_in_a_report(office: Office) -> None:
    """Numbers put into every column that there is, one after the other."""
    long = "3374014101801001"
    fields = [*person(1), "status", "home", "members", "balance", "kelurahan", "kecamatan"]
    people = [person(at, **{field: f"x{long}y" if at % 2 else long}) for at, field in enumerate(fields * 2, 1)]
    report = office.send(*people, source=f"Dinsos {long}", mapping=MAP)
    assert numbers_in(report) == []
    assert long not in repr(report)
    assert long not in "".join(row for rows in office.everything().values() for row in rows)


def test_every_kind_of_finding_has_a_sentence_that_can_be_said() -> None:
    words = {name: "kata" for _, text in SENTENCES.values() for name in re.findall(r"\{(\w+)\}", text)}
    words.pop("column")
    for code, (severity, _) in SENTENCES.items():
        found = finding(7, "nik", code, **words)
        assert found.severity is severity
        assert "{" not in found.sentence + kind_of(code, "NIK")
        assert found.sentence.endswith((".", "!"))
    assert finding(1, "nik", "nik_twice", rows=tuple(range(100, 130))).sentence.count(",") == 10
    assert len(shown("a" * 200)) == 60


DOCUMENT = Path(__file__).parents[3] / "docs" / "city-register.md"


def test_the_document_names_every_finding_and_every_field_and_its_map_can_be_used(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| (tolak|periksa|info) \| (.+) \|$", text, re.MULTILINE)
    assert {code: (severity, said) for code, severity, said in told} == {
        code: (severity.value, said) for code, (severity, said) in SENTENCES.items()
    }
    fields = re.findall(r"^\| `(\w+)` \| ([^|]+) \| `", text, re.MULTILINE)
    assert dict(fields) == {field: label for field, (label, _) in FIELDS.items()}
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "peta.toml"
    path.write_text(example, encoding="utf-8")
    said = read_map(path)
    assert (said.sheet, said.heading_row, said.homes) == ("Penerima", 4, {"33.74.01.1001": "EW-0001"})
