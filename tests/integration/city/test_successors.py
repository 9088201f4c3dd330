"""The holder of a card died or moved away, and another person of the family card takes her place: never both."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewarung_city import leases, register
from ewarung_city.store import schema
from ewarung_city.verify import verify
from ewarung_city.waiting import waiting
from tests.integration.city.bnba_kit import Office, as_csv, codes, outcomes, person, sentence
from tests.integration.city.city_kit import NOON, PERIOD, LiveCity

NEXT = "2026-12"
MOTHER = person(1, programmes="JATAH", members="4")
DAUGHTER = person(2, programmes="JATAH", kk=MOTHER["kk"])


@pytest.fixture
def office(bare: LiveCity, tmp_path: Path) -> Office:
    made = Office(bare, tmp_path)
    assert outcomes(made.send(MOTHER)) == ["diambil"]
    return made


def granted(city: LiveCity, key: str) -> dict[str, int]:
    """Kilograms of rice by month."""
    with city.store.read() as tx:
        assert verify(tx) == []
        rows = tx.all(schema.lease, family=key, commodity="beras")
    return {row["period"]: int(row["granted"]) // 1000 for row in rows}


@pytest.mark.parametrize("status", ["Meninggal", "Pindah"])
@pytest.mark.parametrize("at_once", [False, True])
def test_another_person_of_the_family_card_takes_the_place_of_who_is_gone(
    office: Office, status: str, at_once: bool
) -> None:
    gone = MOTHER | {"status": status}
    report = office.send(gone, DAUGHTER | {"status": ""}, snapshot="2026-11-02") if at_once else None
    if report is None:
        office.send(gone, snapshot="2026-11-02")
        report = office.send(DAUGHTER, snapshot="2026-11-03")
    assert set(outcomes(report)) == {"diambil"}
    nik = office.family(MOTHER)["nik_masked"]
    word = {"Meninggal": "meninggal", "Pindah": "pindah"}[status]
    assert sentence(report, "kk_taken_over") == (
        f"Menggantikan pengurus {nik} ({word}) di No. KK yang sama; jatahnya mulai bulan yang belum dibagikan."
    )
    assert office.family(MOTHER)["kk_token"] == office.family(DAUGHTER)["kk_token"]
    other = office.send(person(3, kk=MOTHER["kk"]), snapshot="2026-11-04")
    assert codes(other) == {(2, "kk_held")}, "there is one who is there now"
    assert outcomes(office.send(gone, snapshot="2026-11-05")) == ["tetap"], "who is gone may stand in every list"


def test_nobody_takes_the_place_of_who_is_there(office: Office) -> None:
    assert codes(office.send(DAUGHTER)) == {(2, "kk_held")}
    blocked = MOTHER | {"status": "Blokir"}
    assert codes(office.send(blocked, DAUGHTER | {"status": ""})) == {(2, "kk_twice"), (3, "kk_twice")}
    both = [DAUGHTER | {"status": ""}, person(3, kk=MOTHER["kk"], programmes="JATAH", status="")]
    found = codes(office.send(MOTHER | {"status": "Meninggal"}, *both))
    assert found == {(row, "kk_twice") for row in (2, 3, 4)}, "of two it is not said which"


def test_a_month_is_never_granted_to_both(office: Office) -> None:
    city = office.city
    with city.store.write() as tx:
        leases.grant(tx, PERIOD)
    office.send(MOTHER | {"status": "Meninggal"}, DAUGHTER | {"status": ""}, snapshot="2026-11-02")
    mother, daughter = (str(office.family(one)["key"]) for one in (MOTHER, DAUGHTER))
    with city.store.write() as tx:
        assert leases.grant(tx, PERIOD).leases == 0, "it is out already, and may have been handed out"
        assert list(waiting(tx, NOON, lambda _: True)) == [], "and nobody waits for a grant that gives nothing"
        leases.grant(tx, NEXT)
    assert (granted(city, mother), granted(city, daughter)) == ({PERIOD: 10}, {NEXT: 10})


def test_the_families_file_says_the_same(bare: LiveCity, tmp_path: Path) -> None:
    office, path = Office(bare, tmp_path), tmp_path / "families.csv"

    def send(*changes: dict[str, str]) -> set[tuple[int, str]]:
        said = {
            "card_number": MOTHER["card"], "nik": MOTHER["nik"], "kk": MOTHER["kk"], "name": "IBU", "members": "4",
            "address": "", "rt": "", "rw": "", "kelurahan_code": MOTHER["kelurahan_code"], "programmes": "JATAH",
            "home_kiosk": "EW-0001", "card_status": "active", "purse_balance": "0",
        }  # fmt: skip
        path.write_bytes(as_csv([list(said), *(list((said | change).values()) for change in changes)], ",", "utf-8"))
        with bare.store.write() as tx:
            report = register.import_families(tx, path, bare.keys, bare.clock.ms)
        return {(note.row, note.reason) for note in report.notes if note.severity == "refused"}

    heir = {"nik": DAUGHTER["nik"], "card_number": DAUGHTER["card"], "name": "ANAK"}
    dead = {"card_status": "deceased"}
    assert send({}) == set()
    assert send(heir) == {(1, "kk_twice")}
    assert send(dead, heir) == set()
    assert send(dead, heir) == set(), "again it changes nothing"
    assert send({}) == {(1, "kk_twice")}, "she does not come back beside her heir"
    assert send(heir | dead, {}) == set()
    assert office.family(MOTHER)["card_status"] == "active"
