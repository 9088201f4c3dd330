"""A PIN from the city: the only way back in for a leader who locked herself out and has no other to open her."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_city import pins, register
from ewarung_city.__main__ import main
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.state import LOCK_AFTER
from ewarung_pos.errors import NotAuthorised, NotEntitled, PosError
from ewarung_pos.services.operators import DELAYS_MS, OperatorService, PinCost
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity, Till, ToldClock

PEPPER = bytes(range(16))
CHEAP = PinCost(memory_kib=64, passes=1, lanes=1)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "COST", (1, 64, 1))


def refused(desk: OperatorService, code: str, pin: str) -> str:
    with pytest.raises(NotAuthorised) as found:
        desk.sign_in(code, pin)
    return found.value.reason


def held(tx: Tx, code: str, device: str = "EW-0001") -> str:
    row = tx.one(schema.operator, device=device, code=code)
    assert row is not None
    return str(row["pin_hash"])


def test_a_leader_who_is_alone_and_locked_is_back_with_a_pin_from_the_city(
    city: LiveCity, till: Till, clock: ToldClock
) -> None:
    till.drain()
    desk = OperatorService(till.ledger, clock, (PEPPER,), CHEAP)
    for _ in range(LOCK_AFTER):
        refused(desk, "yuni", "000000")
        clock.wait(max(DELAYS_MS))
    assert refused(desk, "yuni", "000000") == "leader_locked"
    with city.store.write() as tx:
        made = pins.reset(tx, "EW-0001", "yuni")
    assert refused(desk, "yuni", made.pin) == "leader_locked"
    till.drain()
    assert desk.locked() == frozenset()
    assert desk.sign_in("yuni", made.pin).name == "Bu Yuni"
    desk.sign_in("yuni", made.pin)


def test_a_new_pin_is_six_digits_known_to_nobody_but_who_was_told(city: LiveCity) -> None:
    made, kept = [], []
    for _ in range(4):
        with city.store.write() as tx:
            made.append(pins.reset(tx, "EW-0001", "siti"))
        kept.append(made[-1].pin.encode() in city.content())
    assert all(len(each.pin) == 6 and each.pin.isdecimal() for each in made)
    assert len({each.pin for each in made}) > 1
    assert not all(kept), "six digits may stand in some hash by chance, but not each time"


@pytest.mark.parametrize(
    ("device", "code", "error", "reason"),
    [
        ("EW-9999", "yuni", NotEntitled, "unknown_kiosk"),
        ("EW-0001", "Bu Yuni", NotAuthorised, "unknown_operator"),
        ("EW-0001", "adi", NotAuthorised, "role"),  # a companion has no PIN: she signs in nowhere
    ],
)
def test_nobody_else_gets_one(stocked: LiveCity, device: str, code: str, error: type[PosError], reason: str) -> None:
    with stocked.store.write() as tx, pytest.raises(error) as found:
        pins.reset(tx, device, code)
    assert found.value.reason == reason


def test_who_has_left_gets_none(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        tx.change(schema.operator, {"active": 0}, device="EW-0001", code="siti")
        with pytest.raises(NotAuthorised) as found:
            pins.reset(tx, "EW-0001", "siti")
    assert found.value.reason == "unknown_operator"


def test_the_next_import_leaves_a_new_pin_alone(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        before = held(tx, "yuni")
        pins.reset(tx, "EW-0001", "yuni")
        after = held(tx, "yuni")
        assert after != before
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        assert held(tx, "yuni") == after


def test_somebody_whom_only_the_kiosks_file_names_gets_a_pin_and_keeps_it(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        assert held(tx, "bu-ratmi", "EW-0002") == ""
        pins.reset(tx, "EW-0002", "bu-ratmi")
        after = held(tx, "bu-ratmi", "EW-0002")
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        assert held(tx, "bu-ratmi", "EW-0002") == after != ""


def test_a_name_that_is_written_otherwise_keeps_her_pin(stocked: LiveCity, tmp_path: Path) -> None:
    kiosks = (SAMPLE / "kiosks.csv").read_text(encoding="utf-8")
    file = tmp_path / "kiosks.csv"
    file.write_text(kiosks.replace("Bu Ratmi", "BU RATMI"), encoding="utf-8")
    with stocked.store.write() as tx:
        pins.reset(tx, "EW-0002", "bu-ratmi")
        after = held(tx, "bu-ratmi", "EW-0002")
        register.import_kiosks(tx, file)
        assert held(tx, "bu-ratmi", "EW-0002") == after != ""


@pytest.mark.parametrize(("said", "taken"), [("$argon2id$another", True), ("", False)])
def test_a_description_that_says_another_pin_is_taken_and_one_that_says_none_takes_none_away(
    stocked: LiveCity, tmp_path: Path, said: str, taken: bool
) -> None:
    described = json.loads((SAMPLE / "catalogue.json").read_text(encoding="utf-8"))
    next(one for one in described["operators"] if one["code"] == "yuni")["pin_hash"] = said
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(described), encoding="utf-8")
    with stocked.store.write() as tx:
        pins.reset(tx, "EW-0001", "yuni")
        after = held(tx, "yuni")
        register.import_catalogue(tx, file, PERIOD)
        assert held(tx, "yuni") == (said if taken else after)


@pytest.fixture
def command(stocked: LiveCity, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["reset-pin", "--data-dir", str(stocked.data_dir), *arguments])
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said.err
        return said.out + said.err

    return run


def test_the_command_names_who_there_is_and_says_a_new_pin_once(stocked: LiveCity, command: Callable[..., str]) -> None:
    listed = command("EW-0001").splitlines()
    assert listed == ["siti: Bu Siti, kasir", "yuni: Bu Yuni, ketua"]
    assert command("EW-0002").splitlines() == ["bu-harni: Bu Harni, ketua, no PIN", "bu-ratmi: Bu Ratmi, kasir, no PIN"]
    said = json.loads(command("EW-0001", "yuni", "--json"))
    assert (said["kiosk"], said["code"], said["name"], len(said["pin"])) == ("EW-0001", "yuni", "Bu Yuni", 6)
    sentence = command("EW-0001", "yuni")
    assert sentence.startswith("Bu Yuni (EW-0001): ")
    assert "unknown_kiosk" in command("EW-9", code=1)
    assert "unknown_operator" in command("EW-0001", "nobody", code=1)
    assert json.loads(command("EW-0001", "--json"))[0] == {
        "code": "siti", "name": "Bu Siti", "role": "kasir", "has_pin": True
    }  # fmt: skip
