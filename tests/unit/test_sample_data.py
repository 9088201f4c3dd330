"""The sample data is whole, lawful, and drawn by scripts/make_sample.py."""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from importlib import resources
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from ewarung_pos.domain.catalogue import BenefitKind, Catalogue
from ewarung_pos.domain.family import CardStatus, card_ref, luhn_valid, mask_nik
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Quantity

SAMPLE = resources.files("ewarung_pos") / "resources" / "sample"
PICTOGRAMS = resources.files("ewarung_pos") / "resources" / "pictograms"
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_sample.py"
HOME = "EW-0001"
ON = BusinessDate("2026-11-24")


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    catalogue: Catalogue
    rations: dict[str, dict[str, int]]
    purses: dict[str, int]
    operators: tuple[OperatorRecord, ...]


def table(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((SAMPLE / name).read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def kelurahan() -> dict[str, dict[str, str]]:
    return {row["kelurahan_code"]: row for row in table("semarang-kelurahan.csv")}


@pytest.fixture(scope="module")
def kiosks() -> list[dict[str, str]]:
    return table("kiosks.csv")


@pytest.fixture(scope="module")
def families() -> list[dict[str, str]]:
    return table("families.csv")


@pytest.fixture(scope="module")
def document() -> Document:
    return msgspec.json.decode((SAMPLE / "catalogue.json").read_bytes(), type=Document)


@pytest.fixture(scope="module")
def delivery() -> list[ReceivedLine]:
    return msgspec.json.decode((SAMPLE / "delivery.json").read_bytes(), type=list[ReceivedLine])


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("make_sample", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_script_draws_the_files_again_byte_for_byte(generator: ModuleType) -> None:
    drawn = generator.files()
    assert set(drawn) == {"kiosks.csv", "families.csv", "catalogue.json", "delivery.json"}
    for name, content in drawn.items():
        assert content == (SAMPLE / name).read_bytes(), f"{name}: run scripts/make_sample.py"


def test_another_seed_draws_other_families(generator: ModuleType, families: list[dict[str, str]]) -> None:
    codes = [row["kelurahan_code"] for row in families]
    assert [row.nik for row in generator.Register(1, codes).families()] != [row["nik"] for row in families]


def test_the_script_writes_into_the_folder_named(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["make_sample.py", str(tmp_path)])
    generator.main()
    assert (tmp_path / "families.csv").read_bytes() == (SAMPLE / "families.csv").read_bytes()
    assert len(list(tmp_path.iterdir())) == 4


def test_licence_of_the_region_codes_lies_beside_them() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "idn-area-data 3.1.2, database under ODbL 1.0" in readme


def test_all_177_kelurahan_in_16_kecamatan(kelurahan: dict[str, dict[str, str]]) -> None:
    assert len(kelurahan) == 177
    assert len({row["kecamatan_code"] for row in kelurahan.values()}) == 16
    assert all(code.startswith(row["kecamatan_code"] + ".") for code, row in kelurahan.items())


def test_kiosks_stand_in_real_kelurahan(kiosks: list[dict[str, str]], kelurahan: dict[str, dict[str, str]]) -> None:
    assert [row["kiosk_id"] for row in kiosks] == [HOME, "EW-0002", "EW-0003", "EW-0004"]
    assert len({row["kelurahan_code"] for row in kiosks}) == 4
    first = kiosks[0]
    place = kelurahan[first["kelurahan_code"]]
    assert (first["name"], place["kelurahan"], place["kecamatan"]) == ("e-Warung Mawar", "Kauman", "Semarang Tengah")
    assert {row["kelurahan_code"] for row in kiosks} <= set(kelurahan)


def test_officers_of_the_first_kiosk_are_its_operators(kiosks: list[dict[str, str]], document: Document) -> None:
    assert kiosks[0]["officers"].split(";") == [person.name for person in document.operators]


def test_300_families_no_number_twice(families: list[dict[str, str]]) -> None:
    assert len(families) == 300
    for column in ("card_number", "nik", "kk"):
        assert len({row[column] for row in families}) == 300, column


def test_families_live_in_real_kelurahan_and_have_a_real_home(
    families: list[dict[str, str]], kiosks: list[dict[str, str]], kelurahan: dict[str, dict[str, str]]
) -> None:
    assert {row["kelurahan_code"] for row in families} <= set(kelurahan)
    homes = Counter(row["home_kiosk"] for row in families)
    assert homes == {HOME: 240, "EW-0002": 20, "EW-0003": 20, "EW-0004": 20}
    assert set(homes) == {row["kiosk_id"] for row in kiosks}
    assert all(re.fullmatch(r"0[01]\d", row[part]) for row in families for part in ("rt", "rw"))
    assert all(row["address"] and row["name"].isupper() and 1 <= int(row["members"]) <= 9 for row in families)


def test_cards_are_luhn_valid_under_a_prefix_nobody_issues(families: list[dict[str, str]]) -> None:
    for row in families:
        number = row["card_number"]
        assert re.fullmatch(r"9999\d{12}", number)
        assert luhn_valid(number)
    assert len({card_ref(b"key", row["card_number"]).token for row in families}) == 300


def test_niks_have_a_valid_form(families: list[dict[str, str]]) -> None:
    outside = women = 0
    for row in families:
        found = re.fullmatch(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{4})", row["nik"])
        assert found is not None
        province, city, kecamatan, day, month, year, serial = (int(part) for part in found.groups())
        born = date(1900 + year, month, day - 40 if day > 40 else day)
        assert date(1950, 1, 1) <= born <= date(1998, 12, 31)
        assert province == 33
        assert 1 <= kecamatan <= 16
        assert 9001 <= serial <= 9899
        outside += city != 74
        women += day > 40
        assert row["nik"][6:12] not in mask_nik(row["nik"])
    assert 15 <= outside <= 60
    assert women >= 240


def test_kks_begin_where_the_family_lives(families: list[dict[str, str]]) -> None:
    for row in families:
        assert re.fullmatch(r"\d{16}", row["kk"])
        assert row["kk"].startswith(row["kelurahan_code"].replace(".", "")[:6])


def test_programmes_are_shared_out_as_promised(families: list[dict[str, str]], document: Document) -> None:
    at_home = Counter(row["programmes"] for row in families if row["home_kiosk"] == HOME)
    assert at_home == {"JATAH": 96, "SEMBAKO": 60, "JATAH;SEMBAKO": 84}
    known = {programme.code for programme in document.catalogue.programmes}
    assert all(set(row["programmes"].split(";")) <= known for row in families)


def test_cards_that_are_not_served(families: list[dict[str, str]]) -> None:
    at_home = Counter(CardStatus(row["card_status"]) for row in families if row["home_kiosk"] == HOME)
    assert at_home == {CardStatus.ACTIVE: 232, CardStatus.BLOCKED: 4, CardStatus.DECEASED: 2, CardStatus.MOVED: 2}
    assert all(row["card_status"] == "active" for row in families if row["home_kiosk"] != HOME)
    assert all(row["card_status"] == "active" for row in families[:5])


def test_purses_hold_whole_credits_or_a_rest(families: list[dict[str, str]], document: Document) -> None:
    credit = document.purses["SEMBAKO"]
    purses = Counter(int(row["purse_balance"]) for row in families if "SEMBAKO" in row["programmes"])
    assert purses[credit] > sum(purses.values()) // 2
    assert purses[2 * credit] >= 10
    assert purses[15_000] >= 1
    assert all(balance > 0 for balance in purses)
    assert {row["purse_balance"] for row in families if row["programmes"] == "JATAH"} == {"0"}


def test_first_rows_are_the_known_faces(families: list[dict[str, str]]) -> None:
    first = families[0]
    assert (first["name"], first["card_number"][-4:], first["members"]) == ("SUMINAH", "4821", "4")
    assert (first["programmes"], first["home_kiosk"], first["purse_balance"]) == ("JATAH;SEMBAKO", HOME, "200000")
    assert [row["programmes"] for row in families[1:5]] == ["JATAH", "SEMBAKO", "JATAH;SEMBAKO", "JATAH"]
    assert sum(row["card_number"].endswith("4821") for row in families) == 1


def test_every_code_of_the_catalogue_leads_somewhere(document: Document) -> None:
    goods = document.catalogue
    commodities = {item.code for item in goods.commodities}
    programmes = {item.code for item in goods.programmes}
    assert len(commodities) == len(goods.commodities)
    assert len({item.code for item in goods.products}) == len(goods.products)
    assert {item.commodity for item in goods.products} == commodities
    assert {limit.commodity for limit in goods.ceilings} <= commodities
    assert {(rule.programme in programmes, rule.commodity in commodities) for rule in goods.eligibilities} == {
        (True, True)
    }
    for product in goods.products:
        assert product.pack.unit is goods.commodity(product.commodity).unit
        assert product.pack.amount > 0
        assert product.price.amount > 0


def test_every_pictogram_is_drawn(document: Document) -> None:
    for commodity in document.catalogue.commodities:
        assert (PICTOGRAMS / f"{commodity.pictogram}.svg").is_file(), commodity.code


def test_no_product_costs_more_than_its_binding_limit(document: Document) -> None:
    goods = document.catalogue
    assert not [product.code for product in goods.products if goods.over_ceiling(product, ON)]
    limited = {product.code for product in goods.products if goods.ceiling(product, ON)}
    assert limited == {"beras-medium-5", "beras-sphp-5", "minyak-1", "gula-1", "telur-1"}


def test_limits_are_dated_and_name_their_rule(document: Document) -> None:
    goods = document.catalogue
    assert all(limit.regulation for limit in goods.ceilings)
    medium = goods.product("beras-medium-5")
    dated = {"2023-06-01": 10_900, "2024-06-07": 12_500, "2025-08-21": 12_500, "2025-08-22": 13_500}
    for day, price in dated.items():
        limit = goods.ceiling(medium, BusinessDate(day))
        assert limit is not None
        assert limit.price.amount == price
    assert goods.over_ceiling(medium, BusinessDate("2025-08-21"))
    references = {limit.commodity for limit in goods.ceilings if not limit.binding}
    assert references == {"gula", "telur"}


def test_the_purse_pays_for_food_but_not_for_oil_sugar_or_flour(document: Document) -> None:
    goods = document.catalogue
    paid = {item.code for item in goods.commodities if goods.eligible("SEMBAKO", item.code, ON)}
    assert paid == {"beras", "telur", "kacang_tanah", "tempe", "ikan", "sayur", "buah"}
    cash_only = {
        item.code
        for item in goods.commodities
        if not any(goods.eligible(programme.code, item.code, ON) for programme in goods.programmes)
    }
    assert cash_only == {"garam", "kecap"}


def test_rations_are_handed_out_in_whole_packs(document: Document) -> None:
    goods = document.catalogue
    assert {code: goods.programme(code).kind for code in document.rations} == {"JATAH": BenefitKind.RATION}
    assert {code: goods.programme(code).kind for code in document.purses} == {"SEMBAKO": BenefitKind.PURSE}
    assert goods.programme("SEMBAKO").carry_over
    for commodity, amount in document.rations["JATAH"].items():
        assert goods.eligible("JATAH", commodity, ON)
        packs = [product.pack for product in goods.products if product.commodity == commodity]
        assert any(amount % pack.amount == 0 for pack in packs), Quantity(amount, packs[0].unit)


def test_operators_sign_in_with_their_practice_pins(document: Document) -> None:
    from argon2 import PasswordHasher, extract_parameters
    from argon2.exceptions import VerifyMismatchError

    people = {person.code: person for person in document.operators}
    assert {code: person.role for code, person in people.items()} == {
        "siti": "kasir",
        "yuni": "ketua",
        "adi": "pendamping",
    }
    assert people["adi"].pin_hash == ""
    hasher = PasswordHasher()
    for code, pin in (("siti", "111111"), ("yuni", "222222")):
        found = extract_parameters(people[code].pin_hash)
        assert (found.type.name, found.time_cost, found.memory_cost, found.parallelism) == ("ID", 3, 65_536, 4)
        assert hasher.verify(people[code].pin_hash, pin)
    with pytest.raises(VerifyMismatchError):
        hasher.verify(people["yuni"].pin_hash, "111111")


def test_the_delivery_serves_150_redemptions(document: Document, delivery: list[ReceivedLine]) -> None:
    goods = document.catalogue
    assert {line.product for line in delivery} == {product.code for product in goods.products}
    assert len(delivery) == len(goods.products)
    stocked: Counter[str] = Counter()
    for line in delivery:
        product = goods.product(line.product)
        assert 0 < line.price < product.price.amount
        stocked[product.commodity] += line.packs * product.pack.amount
    for commodity, amount in document.rations["JATAH"].items():
        assert stocked[commodity] >= 150 * amount
