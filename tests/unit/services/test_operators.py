"""Who works the till: PINs, locks that survive a restart, roles, the leader."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from ewarung_pos.domain.journal import OperatorChanged
from ewarung_pos.domain.pins import OwnHash, origin_of, own_hash, pepper_name
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.errors import LedgerBusy, NotAuthorised
from ewarung_pos.ledger.engine import LEDGER_FILE, connect
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.operators import DELAYS_MS, LOCK_AFTER, OperatorService, PinCost
from tests.till_kit import PEPPER, QUICK, TillKit, till_kit
from tests.unit.services.counter import facts, reopened

SITI, YUNI, WRONG = "111111", "222222", "000000"


def refused(kit: TillKit, code: str, pin: str, *, after_ms: int = DELAYS_MS[-1]) -> str:
    """Why she may not, when she waited long enough before."""
    kit.clock.ms += after_ms
    with pytest.raises(NotAuthorised) as caught:
        kit.operators.sign_in(code, pin)
    assert pin not in str(caught.value)
    return caught.value.reason


def leader_refused(kit: TillKit, pin: str, *, after_ms: int = DELAYS_MS[-1]) -> str:
    kit.clock.ms += after_ms
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
    assert refused(kit, "adi", WRONG) == "no_pin"  # a companion without a PIN
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
    kit.clock.ms += DELAYS_MS[-1]
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
        kit.operators = OperatorService(kit.ledger, kit.clock, (PEPPER,), QUICK)
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
    kit.clock.ms += DELAYS_MS[-1]
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


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_each_wrong_pin_makes_the_next_wait_longer(kit: TillKit) -> None:
    for delay in DELAYS_MS:
        assert refused(kit, "siti", WRONG, after_ms=0) == "wrong_pin"
        assert refused(kit, "siti", SITI, after_ms=0) == "wait"
        assert refused(kit, "siti", SITI, after_ms=delay - 1) == "wait"
        kit.clock.ms += 1
    kit.operators.sign_in("siti", SITI)
    assert refused(kit, "siti", WRONG, after_ms=0) == "wrong_pin"


def test_a_pin_that_was_not_looked_at_does_not_count(kit: TillKit) -> None:
    refused(kit, "siti", WRONG)
    for _ in range(LOCK_AFTER):
        assert refused(kit, "siti", WRONG, after_ms=0) == "wait"
    assert kit.ledger.read().pin_failures("siti") == 1


def test_neither_a_restart_nor_the_wall_clock_shortens_the_wait(kit: TillKit) -> None:
    for _ in range(LOCK_AFTER - 1):
        refused(kit, "siti", WRONG)
    kit.clock.ms += DELAYS_MS[-1] - 1
    kit.operators = service(kit)  # the program starts again, a moment before the wait was over
    assert refused(kit, "siti", SITI, after_ms=1) == "wait"
    kit.clock.wall_ahead_ms = 365 * 86_400_000
    assert refused(kit, "siti", SITI, after_ms=0) == "wait"
    assert refused(kit, "siti", SITI, after_ms=DELAYS_MS[-1] - 2) == "wait"
    kit.clock.ms += 1
    kit.operators.sign_in("siti", SITI)


def test_a_leader_waits_too_and_nobody_else_for_her(kit: TillKit) -> None:
    assert leader_refused(kit, WRONG) == "wrong_pin"
    assert leader_refused(kit, YUNI, after_ms=0) == "wait"
    kit.operators.sign_in("siti", SITI)
    second_leader(kit)
    assert kit.operators.leader(SITI).code == "siti"
    assert leader_refused(kit, WRONG, after_ms=0) == "wrong_pin"  # counted for Bu Siti alone: Bu Yuni waits
    assert [kit.ledger.read().pin_failures(code) for code in ("siti", "yuni")] == [1, 1]


def test_one_leader_locked_by_a_guess_is_not_all_leaders_locked(kit: TillKit) -> None:
    """Bu Yuni was not asked, she waits: she can still open Bu Siti."""
    second_leader(kit)
    for _ in range(LOCK_AFTER - 1):
        refused(kit, "siti", WRONG)
    assert refused(kit, "yuni", WRONG) == "wrong_pin"
    assert leader_refused(kit, WRONG, after_ms=0) == "locked"
    assert kit.operators.locked() == {"siti"}
    assert leader_refused(kit, YUNI, after_ms=0) == "wait"
    kit.clock.ms += DELAYS_MS[-1]
    assert kit.operators.leader(YUNI).code == "yuni"


# -- counted before it is looked at ------------------------------------------------------------------------------------


def seen_by(kit: TillKit, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Whose hash is compared, and how many wrong ones the ledger holds of her at that moment."""
    seen: list[tuple[str, int]] = []
    real = OperatorService._matches

    def looked(self: OperatorService, person: OperatorRecord, pin: str) -> bool:
        seen.append((person.code, kit.ledger.read().pin_failures(person.code)))
        return real(self, person, pin)

    monkeypatch.setattr(OperatorService, "_matches", looked)
    return seen


def test_every_try_is_in_the_ledger_before_a_hash_is_looked_at(kit: TillKit, monkeypatch: pytest.MonkeyPatch) -> None:
    second_leader(kit)
    seen = seen_by(kit, monkeypatch)
    kit.operators.sign_in("siti", SITI)
    refused(kit, "siti", WRONG)
    kit.clock.ms += DELAYS_MS[-1]
    assert kit.operators.leader(YUNI).code == "yuni"
    assert seen == [("siti", 1), ("siti", 1), ("siti", 2), ("yuni", 1)]
    assert [kit.ledger.read().pin_failures(code) for code in ("siti", "yuni")] == [1, 0]


def test_a_pin_that_cannot_be_counted_is_not_looked_at(kit: TillKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever keeps the ledger from being written has any number of tries."""
    kit.operators.sign_in("siti", SITI)
    kit.operators.leader(YUNI)
    entries, seen = len(facts(kit)), seen_by(kit, monkeypatch)
    another = connect(kit.data_dir / LEDGER_FILE, None)
    another.execute("BEGIN IMMEDIATE")
    kit.ledger._connection().set_busy_timeout(0.01)
    for pin in (WRONG, YUNI, SITI):
        with pytest.raises(LedgerBusy):
            kit.operators.leader(pin)
        with pytest.raises(LedgerBusy):
            kit.operators.sign_in("siti", pin)
        with pytest.raises(LedgerBusy):
            kit.operators.unlock("siti", pin)
    another.execute("ROLLBACK")
    another.close()
    assert (seen, len(facts(kit))) == ([], entries)
    assert kit.operators.leader(YUNI).code == "yuni"


def of_locks(kit: TillKit) -> list[str]:
    problems = verify(kit.data_dir, None, encrypted=False).problems
    return [str(problem) for problem in problems if "pin_failure" in str(problem)]


def test_the_fifth_try_is_locked_before_it_is_looked_at_and_opens_by_the_right_pin(
    kit: TillKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any moment the count of a lock and its entry stand together: `verify` asks for both."""
    second_leader(kit)
    for code in ("siti", "yuni"):
        for _ in range(LOCK_AFTER - 1):
            refused(kit, code, WRONG)
    unsound: list[str] = []
    real = OperatorService._matches

    def looked(self: OperatorService, person: OperatorRecord, pin: str) -> bool:
        unsound.extend(of_locks(kit))
        return real(self, person, pin)

    monkeypatch.setattr(OperatorService, "_matches", looked)
    kit.clock.ms += DELAYS_MS[-1]
    assert kit.operators.leader(YUNI).code == "yuni"
    assert changes(kit) == [("siti", "locked"), ("yuni", "locked"), ("siti", "unlocked"), ("yuni", "unlocked")]
    assert [kit.ledger.read().pin_failures(code) for code in ("siti", "yuni")] == [LOCK_AFTER - 1, 0]
    kit.operators.sign_in("siti", SITI)
    assert changes(kit)[4:] == [("siti", "locked"), ("siti", "unlocked"), ("siti", "signed_in")]
    assert unsound == of_locks(kit) == []


def test_a_till_that_dies_at_a_try_has_counted_it(kit: TillKit, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCutError(Exception):
        pass

    def dies(self: OperatorService, person: OperatorRecord, pin: str) -> bool:
        raise PowerCutError

    monkeypatch.setattr(OperatorService, "_matches", dies)
    for number in range(1, LOCK_AFTER + 1):
        kit.operators = service(kit)
        kit.clock.ms += DELAYS_MS[-1]
        with pytest.raises(PowerCutError):
            kit.operators.leader(YUNI)
        assert kit.ledger.read().pin_failures("yuni") == number
    assert leader_refused(kit, YUNI) == "leader_locked"
    assert changes(kit) == [("yuni", "locked")]


def test_a_right_pin_that_may_do_nothing_leaves_no_count(kit: TillKit) -> None:
    second_leader(kit)
    for _ in range(LOCK_AFTER):
        refused(kit, "yuni", WRONG)
    assert leader_refused(kit, WRONG) == "wrong_pin"
    assert leader_refused(kit, YUNI) == "locked"
    siti = next(person for person in kit.ledger.read().operators() if person.code == "siti")
    with kit.ledger.write() as uow:
        uow.put_operator(msgspec.structs.replace(siti, role="pendamping"))
    assert refused(kit, "siti", SITI) == "role"
    assert [kit.ledger.read().pin_failures(code) for code in ("siti", "yuni")] == [1, LOCK_AFTER]


# -- the till's own hash -----------------------------------------------------------------------------------------------


def service(kit: TillKit, *peppers: bytes, cost: PinCost = QUICK) -> OperatorService:
    return OperatorService(kit.ledger, kit.clock, peppers or (PEPPER,), cost)


def kept(kit: TillKit, code: str) -> str:
    return next(person.pin_hash for person in kit.ledger.read().operators() if person.code == code)


def put_hash(kit: TillKit, code: str, pin_hash: str) -> None:
    with kit.ledger.write() as uow:
        held = next(person for person in uow.operators() if person.code == code)
        uow.put_operator(msgspec.structs.replace(held, pin_hash=pin_hash))


def test_the_citys_hash_is_replaced_at_the_first_right_pin(kit: TillKit) -> None:
    city = {code: kept(kit, code) for code in ("siti", "yuni")}
    refused(kit, "siti", WRONG)
    assert kept(kit, "siti") == city["siti"]
    kit.clock.ms += DELAYS_MS[0]
    kit.operators.sign_in("siti", SITI)
    kit.operators.leader(YUNI)
    for code, pin in (("siti", SITI), ("yuni", YUNI)):
        own = own_hash(kept(kit, code))
        assert own is not None
        assert (own.pepper, own.origin) == (pepper_name(PEPPER), origin_of(city[code]))
        assert city[code] not in kept(kit, code)
        with pytest.raises(VerifyMismatchError):  # without the pepper the right PIN says nothing
            PasswordHasher().verify(own.encoded, pin)
    first = kept(kit, "siti")
    kit.operators.sign_in("siti", SITI)
    assert kit.operators.leader(YUNI).code == "yuni"
    assert kept(kit, "siti") == first
    assert refused(kit, "siti", WRONG) == "wrong_pin"


def test_a_hash_is_worth_nothing_under_another_name(kit: TillKit) -> None:
    """Whoever can write the table cannot give a member the PIN that she knows."""
    kit.operators.sign_in("siti", SITI)
    with kit.ledger.write() as uow:
        uow.put_operator(OperatorRecord("yuni", "Bu Yuni", "ketua", kept(kit, "siti")))
    assert refused(kit, "yuni", SITI) == "wrong_pin"


def test_a_hash_is_worth_nothing_under_another_origin(kit: TillKit) -> None:
    """Whoever can write the table lets the till make its own of a PIN of theirs, and then names the city's hash."""
    assert kit.operators.leader(YUNI).code == "yuni"
    real = kept(kit, "yuni")
    chosen = "135791"
    put_hash(kit, "yuni", PasswordHasher(1, 8, 1).hash(chosen))
    assert kit.operators.leader(chosen).code == "yuni"  # so far `verify` says that this hash is not the city's
    made = own_hash(kept(kit, "yuni"))
    assert made is not None
    put_hash(kit, "yuni", str(OwnHash(made.pepper, origin_of(real), made.encoded)))
    assert leader_refused(kit, chosen) == "wrong_pin"
    put_hash(kit, "yuni", real)
    kit.clock.ms += DELAYS_MS[-1]
    assert kit.operators.leader(YUNI).code == "yuni"


def test_a_hash_without_its_origin_is_not_held_against_anybody(kit: TillKit) -> None:
    """Of a version before; the city's own word about that PIN still holds."""
    kit.operators.sign_in("siti", SITI)
    now = kept(kit, "siti")
    put_hash(kit, "siti", now.replace("till2:", "till1:", 1))
    assert refused(kit, "siti", SITI) == refused(kit, "siti", WRONG) == "pin_renewal"
    assert kit.ledger.read().pin_failures("siti") == 0
    assert origin_of(kept(kit, "siti")) == origin_of(now)


def test_a_hash_of_the_pepper_before_is_made_anew(kit: TillKit) -> None:
    kit.operators.sign_in("siti", SITI)
    old, new = kept(kit, "siti"), b"n" * 32
    kit.operators = service(kit, new, PEPPER)
    kit.operators.sign_in("siti", SITI)
    own = own_hash(kept(kit, "siti"))
    assert own is not None
    assert (own.pepper, own.origin) == (pepper_name(new), origin_of(old))
    kit.operators = service(kit, new)
    kit.operators.sign_in("siti", SITI)


def test_a_cheaper_hash_is_made_anew(kit: TillKit) -> None:
    kit.operators.sign_in("siti", SITI)
    kit.operators = service(kit, cost=PinCost(16, 2, 1))
    kit.operators.sign_in("siti", SITI)
    assert "m=16,t=2,p=1" in kept(kit, "siti")


def test_hashes_are_made_at_the_full_cost_unless_told_otherwise(kit: TillKit) -> None:
    OperatorService(kit.ledger, kit.clock, (PEPPER,)).sign_in("siti", SITI)
    assert "$argon2id$" in kept(kit, "siti")
    assert "m=65536,t=3,p=4" in kept(kit, "siti")


def test_a_pepper_that_is_gone_is_not_held_against_anybody(kit: TillKit) -> None:
    kit.operators.sign_in("siti", SITI)
    kit.operators.leader(YUNI)
    kit.operators = service(kit, b"x" * 32)
    assert refused(kit, "siti", SITI) == "pin_renewal"
    assert leader_refused(kit, YUNI) == "pin_renewal"
    assert kit.ledger.read().pin_failures("siti") == kit.ledger.read().pin_failures("yuni") == 0


def test_what_the_city_sends_while_a_pin_is_hashed_wins(kit: TillKit, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = OperatorService._fresh

    def slowly(self: OperatorService, person: OperatorRecord, pin: str) -> str:
        hashed = fresh(self, person, pin)
        with kit.ledger.write() as uow:
            uow.put_operator(OperatorRecord("siti", "Bu Siti", "kasir", "new", active=False))
        return hashed

    monkeypatch.setattr(OperatorService, "_fresh", slowly)
    kit.operators.sign_in("siti", SITI)
    held = next(person for person in kit.ledger.read().operators() if person.code == "siti")
    assert (held.pin_hash, held.active) == ("new", False)


@pytest.mark.parametrize("part", ["_matches", "_fresh"])
def test_no_commit_waits_while_a_pin_is_hashed(kit: TillKit, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hashing, committed = threading.Event(), threading.Event()
    real = getattr(OperatorService, part)

    def slowly(self: OperatorService, person: OperatorRecord, pin: str) -> object:
        hashing.set()
        assert committed.wait(10)
        return real(self, person, pin)

    monkeypatch.setattr(OperatorService, part, slowly)
    lane = threading.Thread(target=kit.operators.sign_in, args=("siti", SITI))
    lane.start()
    try:
        assert hashing.wait(10)
        with kit.ledger.write() as uow:
            uow.append(OperatorChanged("yuni", "signed_out"), "yuni")
    finally:
        committed.set()
        lane.join()
    assert changes(kit) == [("yuni", "signed_out"), ("siti", "signed_in")]


# -- the leader --------------------------------------------------------------------------------------------------------


def test_the_leader_is_known_by_her_pin(kit: TillKit) -> None:
    assert kit.operators.leader(YUNI).code == "yuni"
    assert leader_refused(kit, SITI) == "wrong_pin"


def test_a_leader_is_locked_like_everybody(kit: TillKit) -> None:
    said = [leader_refused(kit, WRONG) for _ in range(LOCK_AFTER)]
    assert said == ["wrong_pin"] * 4 + ["leader_locked"]
    assert leader_refused(kit, YUNI) == "leader_locked"
    assert refused(kit, "yuni", YUNI) == "leader_locked"


def test_who_has_no_leader_to_open_her_is_not_sent_to_one(kit: TillKit) -> None:
    assert kit.operators.can_unlock()
    for _ in range(LOCK_AFTER):
        leader_refused(kit, WRONG)
    assert not kit.operators.can_unlock()
    assert [refused(kit, "siti", WRONG) for _ in range(LOCK_AFTER)] == ["wrong_pin"] * 4 + ["leader_locked"]
    assert refused(kit, "siti", SITI) == "leader_locked"


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
    assert refused(kit, "yuni", YUNI) == "locked"
    assert leader_refused(kit, WRONG) == "wrong_pin"  # Bu Siti still has tries left
    kit.clock.ms += DELAYS_MS[-1]
    kit.operators.unlock("yuni", SITI)
    assert kit.operators.leader(YUNI).code == "yuni"
