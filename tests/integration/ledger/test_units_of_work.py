"""All or nothing: what a unit of work keeps, what it refuses, and what is left when it fails."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.journal import (
    DayOpened,
    KioskEnrolled,
    PriceChanged,
    Redeemed,
    RedemptionRefused,
    Reversed,
    StockReceived,
    decode,
    first_break,
    genesis,
)
from ewarung_pos.domain.redemption import AttemptState, PurseDebit, Tender
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.domain.units import Rupiah
from ewarung_pos.errors import AllotmentExhausted, ConfigError, DayNotOpen, LedgerBusy, OutOfStock, RuleViolation
from ewarung_pos.ledger.database import CHECKPOINT_AFTER, SqlLedger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.unit_of_work import SqlUnitOfWork
from ewarung_pos.ports import Approved
from tests.integration.ledger.kiosk import (
    IDENTITY,
    KEY,
    ToldClock,
    attempt,
    catalogue,
    eggs,
    enrol,
    redeemed,
    rice,
    serve,
)

NOVEMBER = Period("2026-11")


def debit(amount: int, attempt: str = "A1") -> PurseDebit:
    return PurseDebit(attempt, amount, "123456", "000001", "rrn", "T1", "M1", "000001", programme="KKS")


def undo(uow: SqlUnitOfWork, entry_id: str, **other: object) -> Reversed:
    sealed = uow.entry(entry_id)
    assert sealed is not None
    fact = decode(sealed.body).fact
    assert isinstance(fact, Redeemed)
    reversal = Reversed(
        receipt=uow.next_receipt(),
        original=entry_id,
        original_receipt=fact.receipt,
        family=fact.family,
        last4=fact.last4,
        reason="barang_salah",
        approved_by="L1",
        lines=fact.lines,
        debits=fact.debits,
        remaining=(),
    )
    return msgspec.structs.replace(reversal, **other)


# --- the chain ------------------------------------------------------------------------------------------------------


def test_entries_chain_from_the_seed_of_device_and_epoch(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    rows = ledger.read().sealed(0, 100, 10**6)
    assert first_break(rows, genesis("EW-0001", 1)) is None
    assert [decode(row.body).seq for row in rows] == [1, 2, 3, 4, 5]
    assert rows[-1].hash.hex() == ledger.read().head().hash


def test_an_entry_carries_the_clock_the_day_and_the_operator(ledger: SqlLedger, clock: ToldClock) -> None:
    with ledger.write() as uow:
        entry = uow.append(RedemptionRefused("0001", "F0001", (Refusal.EXHAUSTED,)), "K1")
    assert (entry.date, entry.operator, entry.instant, entry.boot) == ("2026-11-24", "K1", clock.ms, "boot")
    assert ledger.read().head().last_ms == clock.ms
    sealed = ledger.read().entry(entry.id)
    assert sealed is not None
    assert decode(sealed.body) == entry


def test_the_journal_begins_with_the_enrolment_once(empty: SqlLedger) -> None:
    with pytest.raises(ConfigError) as caught, empty.write() as uow:
        uow.append(DayOpened())
    assert caught.value.reason == "not_enrolled"
    with empty.write() as uow:
        uow.set_identity(IDENTITY)
        assert uow.identity() == IDENTITY
    with pytest.raises(ConfigError), empty.write() as uow:
        uow.append(DayOpened())
    enrol(empty)
    with pytest.raises(ConfigError), empty.write() as uow:
        uow.append(KioskEnrolled("x", "x", "", "", ""))
    with pytest.raises(ConfigError) as caught, empty.write() as uow:
        uow.set_identity(IDENTITY)
    assert caught.value.reason == "identity_fixed"
    assert empty.read().head().seq == 1


def test_an_entrys_id_is_its_idempotency_key(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.append(RedemptionRefused("", "", ()), entry_id="mine")
    with pytest.raises(RuleViolation) as caught, ledger.write() as uow:
        uow.append(RedemptionRefused("", "", ()), entry_id="mine")
    assert caught.value.reason == "duplicate_entry"
    assert ledger.read().head().seq == 5
    assert ledger.read().entry("mine") is not None
    assert ledger.read().entry("another") is None


# --- transactions ---------------------------------------------------------------------------------------------------


def test_an_error_in_the_block_undoes_all_of_it(ledger: SqlLedger) -> None:
    before = ledger.read().head()
    with pytest.raises(KeyError), ledger.write() as uow:  # noqa: PT012 - the block is what is tested
        serve(uow, "F0001", rice(1))
        uow.put_setting("a", "b")
        assert uow.settings() == {"a": "b"}
        raise KeyError
    reader = ledger.read()
    assert (reader.head(), reader.stock()["B5"], reader.settings(), reader.print_jobs()) == (before, 100, {}, ())
    with ledger.write() as uow:
        assert serve(uow, "F0001", rice(1)).seq == before.seq + 1


def test_a_unit_sees_its_own_writes_and_readers_only_committed_ones(ledger: SqlLedger) -> None:
    reader = ledger.read()
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        assert uow.stock()["B5"] == 99
        assert uow.head().seq == 5
        assert uow.leases("F0001", NOVEMBER)[0].left.amount == 5000
        assert reader.stock()["B5"] == 100
        assert reader.head().seq == 4
        assert reader.leases("F0001", NOVEMBER)[0].left.amount == 10_000
    assert reader.head().seq == 5


def test_an_append_that_failed_half_way_cannot_be_committed_by_catching_its_error(ledger: SqlLedger) -> None:
    with pytest.raises(RuntimeError, match="nothing was committed"), ledger.write() as uow:  # noqa: PT012 - as above
        serve(uow, "F0002", rice(1))
        with pytest.raises(OutOfStock):
            serve(uow, "F0001", rice(1), eggs(1000, Tender.CASH))
    assert ledger.read().head().seq == 4
    assert ledger.read().stock() == {"B5": 100, "T10": 100}


def test_units_do_not_nest(ledger: SqlLedger) -> None:
    with pytest.raises(RuntimeError, match="nest"), ledger.write(), ledger.write():
        pass
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))


def test_units_of_two_lanes_take_turns(ledger: SqlLedger) -> None:
    def lane(key: str) -> None:
        for _ in range(20):
            with ledger.write() as uow:
                serve(uow, key, eggs(1, Tender.CASH))

    lanes = [threading.Thread(target=lane, args=(key,)) for key in ("F0001", "F0002", "F0003")]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join(30)
    rows = ledger.read().sealed(0, 1000, 10**7)
    assert len(rows) == 64
    assert first_break(rows, genesis("EW-0001", 1)) is None
    assert ledger.read().stock()["T10"] == 40


def test_readers_of_many_threads_are_lent_connections(ledger: SqlLedger) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.extend(ledger.read().stock()["B5"] for _ in range(50))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert seen == [100] * 200


def test_closing_inside_a_unit_of_work_leaves_nothing_of_it(ledger: SqlLedger, opened: object) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        ledger.close()
    assert callable(opened)
    assert opened().read().head().seq == 4


def test_a_reader_that_is_out_when_the_ledger_closes_is_closed_on_return(ledger: SqlLedger) -> None:
    with ledger.read()._snapshot() as execute:
        ledger.close()
        assert execute("SELECT count(*) FROM ledger_entry").fetchone() == (4,)
    with pytest.raises(Exception, match="closed"):
        execute("SELECT 1")


def test_a_checkpoint_brings_the_log_home_once_it_has_grown(ledger: SqlLedger, tmp_path: Path) -> None:
    before = (tmp_path / "ledger.db").read_bytes()
    for _ in range(CHECKPOINT_AFTER - 1 - ledger._logged):
        with ledger.write() as uow:
            uow.put_secret("weight", b"1")
    ledger.checkpoint()
    assert (tmp_path / "ledger.db").read_bytes() == before
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    ledger.checkpoint()
    home = (tmp_path / "ledger.db").read_bytes()
    assert home != before
    assert ledger.read().head().seq == 5
    ledger.checkpoint()
    assert (tmp_path / "ledger.db").read_bytes() == home


def test_a_checkpoint_begins_the_log_anew_so_that_no_family_waits_for_it(ledger: SqlLedger, tmp_path: Path) -> None:
    def begun() -> bytes:
        with (tmp_path / "ledger.db-wal").open("rb") as log:
            return log.read(32)  # its header; each new beginning has another salt

    before, head = begun(), ledger.read().head()
    for _ in range(CHECKPOINT_AFTER):
        with ledger.write() as uow:
            uow.put_secret("weight", b"1")
    assert begun() == before
    ledger.checkpoint()
    anew = begun()
    assert anew != before
    assert ledger.read().head() == head
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    assert begun() == anew


def test_a_ledger_that_another_program_writes_is_busy_and_then_goes_on(ledger: SqlLedger, tmp_path: Path) -> None:
    other = connect(tmp_path / "ledger.db", KEY)
    other.execute("BEGIN IMMEDIATE")
    assert ledger._writer is not None
    ledger._writer.set_busy_timeout(0.01)
    with pytest.raises(LedgerBusy), ledger.write():
        pass
    other.execute("ROLLBACK")
    other.close()
    with ledger.write() as uow:
        assert serve(uow, "F0001", rice(1)).seq == 5


def test_a_connection_that_is_lost_is_opened_anew(ledger: SqlLedger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.write() as uow:  # noqa: PT012 - as above
        serve(uow, "F0001", rice(1))
        uow._connection.close()
        raise ZeroDivisionError
    with ledger.write() as uow:
        assert serve(uow, "F0001", rice(1)).seq == 5


# --- rights and goods -----------------------------------------------------------------------------------------------


def test_a_lease_is_never_overdrawn(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(2))
    with pytest.raises(AllotmentExhausted), ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    (lease, _) = ledger.read().leases("F0001", NOVEMBER)
    assert (lease.spent, lease.left.amount) == (10_000, 0)
    assert ledger.read().stock()["B5"] == 98


def test_rights_of_another_family_or_programme_do_not_help(ledger: SqlLedger) -> None:
    with pytest.raises(AllotmentExhausted), ledger.write() as uow:
        serve(uow, "F0099", rice(1))
    with pytest.raises(AllotmentExhausted), ledger.write() as uow:
        serve(uow, "F0001", msgspec.structs.replace(rice(1), programme="LAIN"))


def test_stock_never_falls_below_zero(ledger: SqlLedger) -> None:
    with pytest.raises(OutOfStock) as caught, ledger.write() as uow:
        serve(uow, "F0001", eggs(101, Tender.CASH))
    assert caught.value.detail == "T10"
    with pytest.raises(OutOfStock), ledger.write() as uow:
        serve(uow, "F0001", msgspec.structs.replace(rice(1, Tender.CASH), product="NONE"))
    assert ledger.read().stock() == {"B5": 100, "T10": 100}


def test_nothing_and_less_than_nothing_cannot_be_handed_out(ledger: SqlLedger) -> None:
    for line in (rice(0, Tender.CASH), rice(-1, Tender.CASH), rice(-1)):
        with pytest.raises(ValueError, match="not a quantity"), ledger.write() as uow:
            serve(uow, "F0001", line)
    with pytest.raises(ValueError, match="not a quantity"), ledger.write() as uow:
        serve(uow, "F0001", rice(1, Tender.PURSE), purse=debit(-65_000))
    with pytest.raises(ValueError, match="not a quantity"), ledger.write() as uow:
        uow.append(StockReceived("Bulog", "DO", (ReceivedLine("B5", 0),)))


def test_receipts_are_numbered_without_gaps(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        first = serve(uow, "F0001", rice(1))
    for wrong in (1, 3):
        with pytest.raises(ValueError, match="does not follow"), ledger.write() as uow:
            uow.append(redeemed(wrong, "F0002", rice(1)))
    with ledger.write() as uow:
        assert uow.next_receipt() == 2
        uow.append(undo(uow, first.id))
        assert uow.next_receipt() == 3


def test_a_purse_debit_lowers_the_shadow_and_a_void_brings_it_back(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1, Tender.PURSE), purse=debit(65_000))
    assert ledger.read().shadow("F0001") == Rupiah(135_000)
    with ledger.write() as uow:
        uow.append(undo(uow, entry.id, void=debit(65_000)))
    assert ledger.read().shadow("F0001") == Rupiah(200_000)
    assert ledger.read().shadow("F0099") is None


# --- reversals ------------------------------------------------------------------------------------------------------


def test_a_reversal_gives_rights_and_goods_back_and_loses_nothing(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1), eggs(2))
    assert ledger.read().last_visit("F0001") == BusinessDate("2026-11-24")
    with ledger.write() as uow:
        uow.append(undo(uow, entry.id))
    reader = ledger.read()
    assert [(x.spent, x.returned, x.left.amount) for x in reader.leases("F0001", NOVEMBER)] == [
        (5000, 5000, 10_000),
        (20, 20, 30),
    ]
    assert reader.stock() == {"B5": 100, "T10": 100}
    assert reader.last_visit("F0001") is None
    assert reader.entry(entry.id) is not None


def test_a_redemption_is_reversed_once(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
        uow.append(undo(uow, entry.id))
    with pytest.raises(RuleViolation) as caught, ledger.write() as uow:
        uow.append(undo(uow, entry.id))
    assert caught.value.reason == "already_reversed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"original": "unknown"}, "unknown_entry"),
        ({"family": "F0002"}, "not_the_same"),
        ({"lines": (rice(2),)}, "not_the_same"),
        ({"debits": ()}, "not_the_same"),
        ({"original_receipt": 9}, "not_the_same"),
        ({"void": debit(1)}, "not_the_same"),
    ],
)
def test_a_counter_entry_repeats_what_it_undoes(ledger: SqlLedger, change: dict[str, object], reason: str) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
    with pytest.raises(RuleViolation) as caught, ledger.write() as uow:
        uow.append(undo(uow, entry.id, **change))
    assert caught.value.reason == reason


def test_only_a_redemption_can_be_reversed(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
        counter = uow.append(undo(uow, entry.id))
    with pytest.raises(RuleViolation) as caught, ledger.write() as uow:
        uow.append(undo(uow, entry.id, original=counter.id, receipt=3))
    assert caught.value.reason == "unknown_entry"


def test_what_a_tampered_lease_does_not_show_as_spent_does_not_come_back(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
    other = connect(tmp_path / "ledger.db", KEY)
    other.execute("UPDATE lease SET returned = spent")
    other.close()
    with pytest.raises(RuleViolation) as caught, ledger.write() as uow:
        uow.append(undo(uow, entry.id))
    assert caught.value.reason == "not_spent"


def test_nothing_is_handed_out_outside_a_business_day(empty: SqlLedger) -> None:
    enrol(empty)
    with pytest.raises(DayNotOpen), empty.write() as uow:
        serve(uow, "F0001", rice(1, Tender.CASH))


# --- attempts, papers, people, settings -----------------------------------------------------------------------------


def test_an_attempt_stays_open_until_its_outcome_is_proven(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.open_attempt(attempt())
    assert ledger.read().open_attempts() == (attempt(),)
    with ledger.write() as uow:
        uow.settle_attempt("A1", AttemptState.IN_DOUBT)
    assert [held.state for held in ledger.read().open_attempts()] == [AttemptState.IN_DOUBT]
    assert ledger.read().totals(BusinessDate("2026-11-24")).in_doubt == 1
    approved = Approved(65_000, "1", "2", "3", "4", "5", "6")
    with ledger.write() as uow:
        uow.settle_attempt("A1", AttemptState.DONE, approved)
    assert ledger.read().open_attempts() == ()
    held = ledger.read().attempt("A1")
    assert held is not None
    assert (held.state, held.approval, held.basket) == (AttemptState.DONE, approved, attempt().basket)


def test_an_attempt_that_is_settled_or_unknown_cannot_be_settled(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.open_attempt(attempt())
        uow.settle_attempt("A1", AttemptState.DECLINED)
    for attempt_id, reason in (("A1", "attempt_final"), ("A2", "unknown_attempt")):
        with pytest.raises(RuleViolation) as caught, ledger.write() as uow:
            uow.settle_attempt(attempt_id, AttemptState.DONE)
        assert caught.value.reason == reason
    assert ledger.read().attempt("A2") is None


def test_paper_is_owed_until_it_left_the_printer(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
        copy = uow.queue_print("receipt", entry.id, 1, 1, {})
    first, second = ledger.read().print_jobs()
    assert (first.copy, second) == (0, copy)
    with ledger.write() as uow:
        uow.print_tried(first.id)
        uow.print_tried(first.id)
    assert ledger.read().print_jobs()[0].tries == 2
    with ledger.write() as uow:
        uow.print_done(first.id)
    assert ledger.read().print_jobs() == (second,)


def test_paper_belongs_to_an_entry(ledger: SqlLedger) -> None:
    with pytest.raises(RuleViolation) as caught, ledger.write() as uow:
        uow.queue_print("receipt", "unknown", 1, 0, {})
    assert caught.value.reason == "unknown_entry"


def test_operators_and_wrong_pins_survive_a_restart(ledger: SqlLedger, opened: object) -> None:
    sri = OperatorRecord("K1", "SRI", "kasir", "hash")
    ani = OperatorRecord("L1", "ANI", "ketua", "hash", active=False)
    with ledger.write() as uow:
        uow.put_operator(sri)
        uow.put_operator(ani)
        assert [uow.pin_failed("K1") for _ in range(3)] == [1, 2, 3]
    ledger.close()
    assert callable(opened)
    again = opened()
    assert again.read().operators() == (ani, sri)
    assert (again.read().pin_failures("K1"), again.read().pin_failures("L1")) == (3, 0)
    with again.write() as uow:
        uow.pin_accepted("K1")
        uow.put_operator(msgspec.structs.replace(sri, name="SRI M"))
    assert again.read().pin_failures("K1") == 0
    assert again.read().operators()[1].name == "SRI M"


def test_a_try_that_was_another_persons_is_taken_back(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        assert [uow.pin_failed("K1") for _ in range(2)] == [1, 2]
        left = []
        for _ in range(3):
            uow.pin_not_meant("K1")
            left.append(uow.pin_failures("K1"))
        assert left == [1, 0, 0]
        assert uow.pin_failed("K1") == 1


def test_settings_and_secrets_are_replaced(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.put_setting("theme", "light")
        uow.put_setting("theme", "dark")
        uow.put_secret("device_key", b"1")
        uow.put_secret("device_key", b"2")
    assert ledger.read().settings() == {"theme": "dark"}
    assert (ledger.read().secret("device_key"), ledger.read().secret("other")) == (b"2", None)


def test_a_price_changes_from_now_on_and_not_after_a_rollback(ledger: SqlLedger) -> None:
    assert ledger.read().catalogue() == catalogue()
    with pytest.raises(ZeroDivisionError), ledger.write() as uow:  # noqa: PT012 - as above
        uow.append(PriceChanged("B5", 65_000, 1))
        assert uow.catalogue().product("B5").price == Rupiah(1)
        raise ZeroDivisionError
    assert ledger.read().catalogue().product("B5").price == Rupiah(65_000)
    with ledger.write() as uow:
        uow.append(PriceChanged("B5", 65_000, 66_000))
    held = ledger.read().catalogue()
    assert held.product("B5").price == Rupiah(66_000)
    assert ledger.read().catalogue() is held
    with pytest.raises(KeyError), ledger.write() as uow:
        uow.append(PriceChanged("NONE", 1, 2))


def test_a_new_till_knows_nothing(empty: SqlLedger) -> None:
    reader = empty.read()
    assert reader.identity() is None
    assert reader.catalogue() == Catalogue()
    assert reader.day().date is None
    assert (reader.head().seq, reader.head().hash, reader.head().unsent) == (0, "", 0)
    assert (reader.families(), reader.stock(), reader.settings(), reader.operators()) == ((), {}, {}, ())
    assert reader.register_info() == ("", "", 0)
    assert reader.last_visit("F0001") is None
    with pytest.raises(KeyError), empty.write() as uow:  # noqa: PT012 - as above
        uow.set_identity(IDENTITY)
        uow.append(KioskEnrolled("x", "x", "", "", ""))
        uow.append(PriceChanged("B5", 1, 2))
