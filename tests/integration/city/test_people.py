"""Who is on a kiosk's list no more signs in no more, with the next page and not with the next visit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewarung_city import pins, register
from ewarung_city.importing import ImportReport
from ewarung_city.store import schema
from ewarung_pos.errors import NotAuthorised
from ewarung_pos.services.operators import OperatorService, PinCost
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity, Till

CHEAP = PinCost(memory_kib=64, passes=1, lanes=1)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "COST", (1, 64, 1))


def take(city: LiveCity, tmp_path: Path, officers: str, device: str = "EW-0001") -> ImportReport:
    """The kiosks' list with one row."""
    with city.store.read() as tx:
        row = tx.one(schema.kiosk, device=device) or {}
    path = tmp_path / "kiosks.csv"
    path.write_text(
        f"kiosk_id,name,kelurahan_code,officers\n{device},{row['name']},{row['kelurahan_code']},{officers}\n"
    )
    with city.store.write() as tx:
        return register.import_kiosks(tx, path)


def active(city: LiveCity, device: str = "EW-0001") -> dict[str, str]:
    with city.store.read() as tx:
        return {row["code"]: row["role"] for row in tx.all(schema.operator, device=device, active=1)}


def test_who_left_the_list_is_gone_from_the_till_with_its_next_page_and_comes_back_with_her_pin(
    city: LiveCity, till: Till, tmp_path: Path
) -> None:
    with city.store.write() as tx:
        pin = pins.reset(tx, "EW-0001", "siti").pin
    till.drain()
    desk = OperatorService(till.ledger, till.clock, (bytes(16),), CHEAP)
    assert desk.sign_in("siti", pin).name == "Bu Siti"
    report = take(city, tmp_path, ";Bu Yuni;Mas Adi")
    assert (report.taken, report.unchanged, report.by_reason()) == (1, 0, {"person_left": 1})
    till.drain()
    assert [person.code for person in desk.present()] == ["yuni"]
    with pytest.raises(NotAuthorised) as refused:
        desk.sign_in("siti", pin)
    assert refused.value.reason == "unknown_operator"
    again = take(city, tmp_path, ";Bu Yuni;Mas Adi")
    assert (again.unchanged, again.notes) == (1, ())
    with city.store.write() as tx:
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
    assert "siti" not in active(city), "what describes her does not say that she works there"
    assert take(city, tmp_path, "Bu Siti;Bu Yuni;Mas Adi").notes == ()
    till.drain()
    assert desk.sign_in("siti", pin).name == "Bu Siti"


def test_the_last_leader_does_not_leave_unsaid(stocked: LiveCity, tmp_path: Path) -> None:
    report = take(stocked, tmp_path, "Bu Siti;;Mas Adi")
    assert report.by_reason() == {"person_left": 1, "leader_left": 1}
    assert {note.severity for note in report.notes} == {"warning"}
    assert active(stocked) == {"siti": "kasir", "adi": "pendamping"}


def test_a_leader_without_a_pin_is_not_yet_one(stocked: LiveCity, tmp_path: Path) -> None:
    report = take(stocked, tmp_path, "Bu Siti;Bu Baru;Mas Adi")
    assert report.by_reason() == {"person_left": 1, "leader_left": 1}
    assert active(stocked)["bu-baru"] == "ketua"


def test_another_place_on_the_list_is_another_role_and_said(stocked: LiveCity, tmp_path: Path) -> None:
    assert take(stocked, tmp_path, "Bu Harni;Mas Bayu", "EW-0002").by_reason() == {"person_left": 1, "role_changed": 1}
    assert active(stocked, "EW-0002") == {"bu-harni": "kasir", "mas-bayu": "ketua"}
    assert take(stocked, tmp_path, ";Bu Wiji", "EW-0003").by_reason()["role_changed"] == 1


def test_a_row_that_names_nobody_says_nothing_of_people(stocked: LiveCity, tmp_path: Path) -> None:
    before = active(stocked)
    assert take(stocked, tmp_path, " ; ").by_reason() == {"people_unnamed": 1}
    assert active(stocked) == before


def test_whose_description_gives_another_code_signs_in_by_the_old_one_no_more(bare: LiveCity) -> None:
    with bare.store.write() as tx:
        register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        before = {row["code"] for row in tx.all(schema.operator, device="EW-0001", active=1)}
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        fed = {row["key"] for row in tx.all(schema.feed, device="EW-0001", kind="operator")}
        rows = {row["code"]: bool(row["active"]) for row in tx.all(schema.operator, device="EW-0001")}
    assert before == {"bu-siti", "bu-yuni", "mas-adi"}
    assert rows == dict.fromkeys(before, False) | dict.fromkeys(("siti", "yuni", "adi"), True)
    assert fed == set(rows)
