"""The importer takes what is sound, says why not of the rest, and keeps no number."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ewarung_city import feed, register
from ewarung_city.importing import ImportReport
from ewarung_city.register import nik_form
from ewarung_city.store import schema
from ewarung_pos.errors import ConfigError
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity

SOUND = {
    "card_number": "9999842538824821",
    "nik": "3374015708619062",
    "kk": "3374012412099643",
    "name": "SUMINAH",
    "members": "4",
    "address": "Gg. Melati II No. 14",
    "rt": "007",
    "rw": "008",
    "kelurahan_code": "33.74.01.1010",
    "programmes": "JATAH;SEMBAKO",
    "home_kiosk": "EW-0001",
    "card_status": "active",
    "purse_balance": "200000",
}
OTHER = SOUND | {"card_number": "9999534494174578", "nik": "3374014503799525", "kk": "3374012909129464", "name": "SRI"}


@pytest.fixture
def empty(bare: LiveCity) -> LiveCity:
    """Kiosks and goods, no families."""
    with bare.store.write() as tx:
        register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
    return bare


def take(city: LiveCity, tmp_path: Path, *rows: dict[str, str]) -> ImportReport:
    path = tmp_path / "families.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(SOUND))
        writer.writeheader()
        writer.writerows(rows)
    with city.store.write() as tx:
        return register.import_families(tx, path, city.keys, city.clock.ms, "contoh", "2026-11-01")


MIDNIGHT_MS = 1_796_058_000_000  # 1 December 2026, 00.00 WIB: still November in UTC, and everywhere west of it


@pytest.mark.parametrize(("now_ms", "day"), [(MIDNIGHT_MS - 1, "2026-11-30"), (MIDNIGHT_MS, "2026-12-01")])
def test_a_list_without_a_date_is_of_the_day_that_it_is_in_semarang(empty: LiveCity, now_ms: int, day: str) -> None:
    with empty.store.write() as tx:
        register.import_families(tx, SAMPLE / "families.csv", empty.keys, now_ms, "contoh")
        assert tx.setting("register_date") == day


def test_a_number_in_the_name_of_a_list_goes_to_no_till(empty: LiveCity, tmp_path: Path) -> None:
    take(empty, tmp_path, SOUND)
    path = tmp_path / f"ubah {SOUND['nik']}.csv"
    (tmp_path / "families.csv").rename(path)
    path.write_text(path.read_text(encoding="utf-8").replace(SOUND["name"], "LAIN"), encoding="utf-8")
    with empty.store.write() as tx:
        register.import_families(tx, path, empty.keys, empty.clock.ms)
        assert tx.setting("register_source") == "ubah •••.csv"


def test_an_older_list_does_not_make_the_register_older(empty: LiveCity, tmp_path: Path) -> None:
    take(empty, tmp_path, SOUND)
    path = tmp_path / "families.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(SOUND["name"], "LAIN"), encoding="utf-8")
    with empty.store.write() as tx:
        assert register.import_families(tx, path, empty.keys, empty.clock.ms, "lama", "2026-10-31").taken == 1
        assert (tx.setting("register_date"), tx.setting("register_source")) == ("2026-11-01", "contoh")


def test_every_row_is_taken_unchanged_or_refused(empty: LiveCity) -> None:
    for taken, unchanged in ((300, 0), (0, 300)):
        with empty.store.write() as tx:
            report = register.import_families(tx, SAMPLE / "families.csv", empty.keys, 1)
        assert (report.rows, report.taken, report.unchanged, report.refused) == (300, taken, unchanged, 0)
        assert report.by_reason() == {"nik_outside_city": 27}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"nik": "3374017308619062"}, "nik_form"),  # day 73
        ({"nik": "3374013102619062"}, "nik_form"),  # 31 February
        ({"nik": "337401570861906"}, "nik_form"),
        ({"nik": "3.37401570861906E+15"}, "nik_form"),  # a spreadsheet was here
        ({"nik": "3374015708610000"}, "nik_form"),
        ({"kk": "33740124120996"}, "kk_form"),
        ({"card_number": "99998425388248"[:13]}, "card_form"),
        ({"card_number": "9999-8425-3882-4821"}, "card_form"),
        ({"kelurahan_code": "33.74.99.1001"}, "unknown_kelurahan"),
        ({"home_kiosk": "EW-9999"}, "unknown_kiosk"),
        ({"programmes": "JATAH;HADIAH"}, "unknown_programme"),
        ({"programmes": ""}, "unknown_programme"),
        ({"name": "  "}, "no_name"),
        ({"card_status": "hilang"}, "card_status"),
        ({"purse_balance": "-5"}, "purse_balance"),
    ],
)
def test_a_row_that_is_not_sound_is_refused_with_its_reason_and_the_others_are_taken(
    empty: LiveCity, tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    report = take(empty, tmp_path, SOUND | change, OTHER)
    assert [(note.row, note.severity, note.reason) for note in report.notes] == [(1, "refused", reason)]
    assert (report.taken, report.refused) == (1, 1)


@pytest.mark.parametrize(
    ("column", "reason"), [("nik", "nik_twice"), ("kk", "kk_twice"), ("card_number", "card_twice")]
)
def test_what_must_not_come_twice_is_refused_the_second_time(
    empty: LiveCity, tmp_path: Path, column: str, reason: str
) -> None:
    double = OTHER | {column: SOUND[column]}
    assert take(empty, tmp_path, SOUND, double).by_reason() == {reason: 1}
    if column != "nik":  # with the same NIK it is the same family, moved on
        assert take(empty, tmp_path, double).by_reason() == {reason: 1}


def test_doubts_are_told_and_the_row_is_taken(empty: LiveCity, tmp_path: Path) -> None:
    odd = SOUND | {"card_number": "9999842538824822", "members": "banyak", "nik": "3402015708619062"}
    report = take(empty, tmp_path, odd)
    assert {(n.severity, n.reason) for n in report.notes} == {
        ("warning", "card_check_digit"),
        ("warning", "members_unknown"),
        ("info", "nik_outside_city"),
    }
    assert report.taken == 1


def test_a_new_card_is_the_same_family_and_goes_to_its_kiosk_again(empty: LiveCity, tmp_path: Path) -> None:
    take(empty, tmp_path, SOUND)
    with empty.store.write() as tx:
        before = feed.page_for(tx, "EW-0001", 1, 0)
    empty.clock.wait(5)
    take(
        empty, tmp_path, SOUND | {"card_number": "9999534494174578", "card_status": "blocked", "home_kiosk": "EW-0002"}
    )
    with empty.store.write() as tx:
        page = feed.page_for(tx, "EW-0001", 1, before.cursor)
        elsewhere = feed.page_for(tx, "EW-0002", 1, 0)
        (row,) = tx.all(schema.family)
    assert [family.key for family in page.families] == [before.families[0].key]
    assert page.families[0].card.last4 == "4578"
    assert page.families[0].home == "EW-0002"
    assert [family.key for family in elsewhere.families] == [before.families[0].key]
    assert row["status_since"] == empty.clock.ms


def test_no_number_is_kept_anywhere(empty: LiveCity, tmp_path: Path) -> None:
    take(empty, tmp_path, SOUND, SOUND | {"name": "LAGI"}, OTHER | {"kelurahan_code": "x"})
    empty.close()
    content = empty.content()
    assert b"SUMINAH" in content
    for number in (SOUND["card_number"], SOUND["nik"], SOUND["kk"], OTHER["card_number"], OTHER["nik"]):
        assert number.encode() not in content


@pytest.mark.parametrize(
    ("nik", "sound"),
    [
        ("3374015708619062", True),
        ("3374011708619062", True),
        ("3374012902009001", True),  # 29 February 2000
        ("3374012902019001", False),
        ("3374010008619062", False),
        ("3374014008619062", False),
        ("337401570861906x", False),
    ],
)
def test_the_form_of_a_nik(nik: str, sound: bool) -> None:
    assert nik_form(nik) is sound


def test_kiosks_get_their_people_and_goods(empty: LiveCity) -> None:
    with empty.store.write() as tx:
        page, other = feed.page_for(tx, "EW-0001", 1, 0), feed.page_for(tx, "EW-0002", 1, 0)
    assert {(p.code, p.role, bool(p.pin_hash)) for p in page.operators} == {
        ("siti", "kasir", True),
        ("yuni", "ketua", True),
        ("adi", "pendamping", False),
    }
    assert [(p.code, p.role, p.pin_hash) for p in other.operators] == [
        ("bu-ratmi", "kasir", ""),
        ("bu-harni", "ketua", ""),
        ("mas-bayu", "pendamping", ""),
    ]
    assert page.catalogue == other.catalogue is not None


def test_kiosks_that_are_not_sound_are_refused(empty: LiveCity, tmp_path: Path) -> None:
    path = tmp_path / "kiosks.csv"
    path.write_text(
        "kiosk_id,name,kelurahan_code,officers\n"
        "EW-0001,e-Warung Mawar,33.74.01.1010,Bu Siti\n"
        "EW-0001,Lagi,33.74.01.1010,\n"
        "ew 5,Baru,33.74.01.1010,\n"
        "EW-0006,,33.74.99.1010,\n",
        encoding="utf-8",
    )
    with empty.store.write() as tx:
        report = register.import_kiosks(tx, path)
    assert (report.rows, report.taken, report.unchanged, report.refused) == (4, 1, 0, 3)
    assert report.by_reason() == {
        "person_left": 1, "leader_left": 1, "kiosk_twice": 1, "kiosk_id_form": 1, "unknown_kelurahan": 1, "no_name": 1,
    }  # fmt: skip


def test_people_described_later_replace_the_names_of_the_kiosks_file(bare: LiveCity) -> None:
    with bare.store.write() as tx:
        register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        codes = {row["code"] for row in tx.all(schema.operator, device="EW-0001", active=1)}
    assert codes == {"siti", "yuni", "adi"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        (
            '{"catalogue": {"products": [{"code": "x", "name": "", "commodity": "beras", "grade": "", "brand": "", '
            '"pack": {"amount": 1, "unit": "g"}, "pack_word": "", "price": {"amount": 1}}]}}'
        ),
        '{"catalogue": {}, "rations": {"JATAH": {"beras": 1}}}',
        '{"catalogue": {}, "purses": {"SEMBAKO": 1}}',
        (
            '{"catalogue": {"commodities": [{"code": "beras", "name": "", "short": "", "unit": "g"}], "programmes": '
            '[{"code": "JATAH", "name": "", "kind": "ration"}]}, "rations": {"JATAH": {"beras": 0}}}'
        ),
    ],
)
def test_a_catalogue_that_contradicts_itself_is_refused(bare: LiveCity, tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError), bare.store.write() as tx:
        register.import_catalogue(tx, path, PERIOD)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe", b""])
def test_a_file_that_is_no_such_table_is_refused(empty: LiveCity, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigError), empty.store.write() as tx:
        register.import_families(tx, path, empty.keys, 1)
    with pytest.raises(ConfigError), empty.store.write() as tx:
        register.import_kiosks(tx, tmp_path / "none.csv")


KIOSK_HEADING = "kiosk_id,name,kelurahan_code,officers"
FAMILY_HEADING = ",".join(SOUND)
FAMILY = ",".join(SOUND.values())


def reasons(city: LiveCity, tmp_path: Path, *lines: str) -> dict[tuple[int, str], str]:
    """By (row, reason): how grave; of a table of kiosks, or of families."""
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    with city.store.write() as tx:
        kiosks = lines[0].startswith("kiosk_id")
        report = (
            register.import_kiosks(tx, path) if kiosks else register.import_families(tx, path, city.keys, city.clock.ms)
        )
    return {(note.row, note.reason): note.severity for note in report.notes}


@pytest.mark.parametrize(
    ("heading", "row", "reason"),
    [
        (KIOSK_HEADING, "EW-0001,e-Warung Mawar,33.74.01.1010,Bu Siti,Bu Yuni", "row_shifted"),  # commas for semicolons
        (KIOSK_HEADING, "EW-0001,e-Warung Mawar,33.74.01.1010", "row_cut"),
        (KIOSK_HEADING, "EW-0001,e-Warung\0Mawar,33.74.01.1010,Bu Siti", "row_unreadable"),
        (FAMILY_HEADING, f"{FAMILY},lagi", "row_shifted"),
        (FAMILY_HEADING, FAMILY.removesuffix(",200000"), "row_cut"),  # an opening balance of nothing
        (f"{FAMILY_HEADING.replace(',address', '')},address", FAMILY.replace(",Gg. Melati II No. 14", "") + ",A, 3",
         "row_shifted"),
    ],
)  # fmt: skip
def test_a_row_that_has_not_the_shape_of_the_heading_loses_nothing_silently(
    empty: LiveCity, tmp_path: Path, heading: str, row: str, reason: str
) -> None:
    assert reasons(empty, tmp_path, heading, row) == {(1, reason): "refused"}


def test_empty_rows_and_cells_after_the_last_column_are_nothing_and_rows_keep_their_numbers(
    empty: LiveCity, tmp_path: Path
) -> None:
    wrong = FAMILY.replace("SUMINAH", "")
    assert reasons(empty, tmp_path, FAMILY_HEADING, "", "," * 14, f"{FAMILY},,", wrong) == {
        (4, "no_name"): "refused",
        (4, "nik_twice"): "refused",
        (4, "kk_twice"): "refused",
        (4, "card_twice"): "refused",
    }


@pytest.mark.parametrize("name", ["card_number", "kk", "purse_balance"])
def test_digits_of_another_script_are_no_number(empty: LiveCity, tmp_path: Path, name: str) -> None:
    written = "".join(chr(0x0660 + int(digit)) for digit in SOUND[name])
    report = take(empty, tmp_path, SOUND | {name: written})
    assert report.refused == 1


def test_a_heading_that_comes_twice_is_refused(empty: LiveCity, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        reasons(empty, tmp_path, f"{KIOSK_HEADING},officers", "EW-0001,e-Warung Mawar,33.74.01.1010,Bu Siti,Bu Yuni")
    assert (refused.value.reason, "officers" in refused.value.detail) == ("columns", True)


def test_a_region_out_of_its_columns_is_refused(empty: LiveCity, tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text("kelurahan_code,kelurahan,kecamatan\n33.74.01.1001,Kembangsari, Barat,Semarang Tengah\n")
    with pytest.raises(ConfigError), empty.store.write() as tx:
        register.import_regions(tx, path)


@pytest.mark.parametrize("day", ["besok", "2026-13-01", "20261101", "2026-11-25"])
def test_a_list_is_of_a_day_that_can_be(empty: LiveCity, day: str) -> None:
    """Kiosks are told it, and print it on their reports."""
    with pytest.raises(ConfigError) as refused, empty.store.write() as tx:
        register.import_families(tx, SAMPLE / "families.csv", empty.keys, empty.clock.ms, "contoh", day)
    assert refused.value.reason == "snapshot"


@pytest.mark.parametrize("officers", ["Bu Siti;Bu Siti", "Sri A;Sri A.", "Bu Siti;佩妮"])
def test_people_of_one_kiosk_who_would_have_one_code_are_refused(
    empty: LiveCity, tmp_path: Path, officers: str
) -> None:
    """The second would take the first one's place, and her role."""
    row = f"EW-0001,e-Warung Mawar,33.74.01.1010,{officers}"
    assert reasons(empty, tmp_path, KIOSK_HEADING, row) == {(1, "people_alike"): "refused"}


def test_what_a_spreadsheet_made_of_a_table_is_said_with_what_to_do(empty: LiveCity, tmp_path: Path) -> None:
    text = (SAMPLE / "kiosks.csv").read_text(encoding="utf-8")
    path = tmp_path / "kiosks.csv"
    for content, told in (
        (text.replace(",", ";").encode(), "separated by ';': save it with commas"),
        (text.replace("Mawar", "Mawar\xe9").encode("cp1252"), "not UTF-8; save it as CSV UTF-8"),
    ):
        path.write_bytes(content)
        with empty.store.write() as tx, pytest.raises(ConfigError, match=told):
            register.import_kiosks(tx, path)
