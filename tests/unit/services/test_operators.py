"""Who works the till: PINs, locks that survive a restart, roles, the leader."""

from __future__ import annotations

from pathlib import Path

import pytest

from ewarung_pos.domain.journal import OperatorChanged
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.errors import NotAuthorised
from ewarung_pos.services.operators import LOCK_AFTER, OperatorService
from tests.till_kit import TillKit, till_kit
from tests.unit.services.counter import facts, reopened

SITI, YUNI, WRONG = "111111", "222222", "000000"


def refused(kit: TillKit, code: str, pin: str) -> str:
    with pytest.raises(NotAuthorised) as caught:
        kit.operators.sign_in(code, pin)
    assert pin not in str(caught.value)
    return caught.value.reason


def leader_refused(kit: TillKit, pin: str) -> str:
    with pytest.raises(NotAuthorised) as caught:
        kit.operators.leader(pin)
    return caught.value.reason


def changes(kit: TillKit) -> list[tuple[str, str]]:
    return [(fact.code, fact.change) for fact in facts(kit) if isinstance(fact, OperatorChanged)]


def second_leader(kit: TillKit) -> None:
    """Bu Siti leads too, with her own PIN."""
    siti = next(person for person in kit.ledger.read().operators() if person.code == "siti")
    with kit.ledger.write() as uow:
        uow.put_operator(OperatorRecord("siti", siti.name, "ketua", siti.pin_hash))


def test_who_may_sign_in(kit: TillKit) -> None:
    with kit.ledger.write() as uow:
        uow.put_operator(OperatorRecord("lama", "Bu Lama", "kasir", "x", active=False))
    assert [person.code for person in kit.operators.present()] == ["siti", "yuni"]


def test_signing_in_and_out_is_in_the_journal(kit: TillKit) -> None:
    assert kit.operators.sign_in("siti", SITI).name == "Bu Siti"
    kit.operators.sign_out("siti")
    assert changes(kit) == [("siti", "signed_in"), ("siti", "signed_out")]


def test_a_wrong_pin_and_a_stranger(kit: TillKit) -> None:
    assert refused(kit, "siti", WRONG) == "wrong_pin"
    assert refused(kit, "siti", YUNI) == "wrong_pin"
    assert refused(kit, "nobody", SITI) == "unknown_operator"
    assert refused(kit, "adi", WRONG) == "unknown_operator"  # a companion without a PIN
    assert changes(kit) == []


def test_a_companion_sees_and_does_not_sell(kit: TillKit) -> None:
    siti = next(person for person in kit.ledger.read().operators() if person.code == "siti")
    with kit.ledger.write() as uow:
        uow.put_operator(OperatorRecord("adi", "Mas Adi", "pendamping", siti.pin_hash))
    assert refused(kit, "adi", SITI) == "role"


def test_a_hash_that_is_none_opens_for_no_pin(kit: TillKit) -> None:
    with kit.ledger.write() as uow:
        uow.put_operator(OperatorRecord("siti", "Bu Siti", "kasir", "not a hash"))
    assert refused(kit, "siti", SITI) == "wrong_pin"


def test_the_right_pin_forgets_the_wrong_ones(kit: TillKit) -> None:
    for _ in range(LOCK_AFTER - 1):
        assert refused(kit, "siti", WRONG) == "wrong_pin"
    kit.operators.sign_in("siti", SITI)
    assert kit.ledger.read().pin_failures("siti") == 0
    assert refused(kit, "siti", WRONG) == "wrong_pin"


def test_five_wrong_pins_lock_and_the_lock_survives_a_restart(tmp_path: Path) -> None:
    kit = till_kit(tmp_path, families=1)
    said = [refused(kit, "siti", WRONG) for _ in range(LOCK_AFTER)]
    assert said == ["wrong_pin"] * 4 + ["locked"]
    assert changes(kit) == [("siti", "locked")]
    kit.ledger.close()

    kit.ledger = reopened(tmp_path, kit.clock, encrypted=True)
    try:
        kit.operators = OperatorService(kit.ledger)
        assert refused(kit, "siti", SITI) == "locked"
        assert refused(kit, "siti", WRONG) == "locked"
        assert changes(kit) == [("siti", "locked")]
        kit.operators.unlock("siti", YUNI)
        assert changes(kit)[-1] == ("siti", "unlocked")
        kit.operators.sign_in("siti", SITI)
    finally:
        kit.ledger.close()


def test_only_a_leader_unlocks_and_only_whom_there_is(kit: TillKit) -> None:
    for _ in range(LOCK_AFTER):
        refused(kit, "siti", WRONG)
    with pytest.raises(NotAuthorised):
        kit.operators.unlock("siti", SITI)
    assert refused(kit, "siti", SITI) == "locked"
    with pytest.raises(NotAuthorised) as caught:
        kit.operators.unlock("nobody", YUNI)
    assert caught.value.reason == "unknown_operator"


def test_the_samples_own_pins_open(tmp_path: Path) -> None:
    kit = till_kit(tmp_path, encrypted=False, families=1)
    try:
        assert kit.operators.sign_in("siti", SITI).code == "siti"
        assert kit.operators.leader(YUNI).code == "yuni"
    finally:
        kit.ledger.close()


def test_the_leader_is_known_by_her_pin(kit: TillKit) -> None:
    assert kit.operators.leader(YUNI).code == "yuni"
    assert leader_refused(kit, SITI) == "wrong_pin"


def test_a_leader_is_locked_like_everybody(kit: TillKit) -> None:
    said = [leader_refused(kit, WRONG) for _ in range(LOCK_AFTER)]
    assert said == ["wrong_pin"] * 4 + ["locked"]
    assert leader_refused(kit, YUNI) == "locked"
    assert refused(kit, "yuni", YUNI) == "locked"


def test_a_kiosk_without_a_leader_says_so(kit: TillKit) -> None:
    with kit.ledger.write() as uow:
        uow.put_operator(OperatorRecord("yuni", "Bu Yuni", "kasir"))
    assert leader_refused(kit, YUNI) == "no_leader"


def test_one_leaders_pin_is_not_held_against_another(kit: TillKit) -> None:
    second_leader(kit)
    for _ in range(LOCK_AFTER + 1):
        assert kit.operators.leader(YUNI).code == "yuni"
        assert kit.operators.leader(SITI).code == "siti"
    assert kit.ledger.read().pin_failures("siti") == 0


def test_a_leader_who_is_locked_is_opened_by_the_other(kit: TillKit) -> None:
    second_leader(kit)
    for _ in range(LOCK_AFTER):
        refused(kit, "yuni", WRONG)
    assert leader_refused(kit, YUNI) == "locked"
    assert leader_refused(kit, WRONG) == "wrong_pin"  # Bu Siti still has tries left
    kit.operators.unlock("yuni", SITI)
    assert kit.operators.leader(YUNI).code == "yuni"
