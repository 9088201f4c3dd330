"""Rights that move, in the real file: what was given back cannot be spent, and `verify` agrees with every total."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import (
    Fact,
    HardshipAllowed,
    PeriodClosed,
    RightsGranted,
    Surrendered,
    decode,
)
from ewarung_pos.domain.redemption import RightDebit
from ewarung_pos.domain.rights import HARDSHIP, Surrender, grant_text, pool_of
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.timeline import Period
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import (
    AllotmentExhausted,
    DayNotOpen,
    NotAuthorised,
    PeriodNotCurrent,
    PosError,
    ProtocolMismatch,
)
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import (
    CITY,
    IDENTITY,
    KEY,
    family,
    goods,
    redeemed,
    rice,
    serve,
    signer,
)

NOVEMBER = Period("2026-11")
POOL = pool_of("EW-0001")
replace = msgspec.structs.replace


def back(total: int, key: str = "F0001", period: str = "2026-11", unit: Unit = Unit.GRAM) -> Surrender:
    return Surrender(key, "BPNT", period, "beras", unit, total)


def left(ledger: SqlLedger, key: str = "F0001") -> int:
    return next(lease.rest for lease in ledger.read().leases(key, NOVEMBER) if lease.commodity == "beras")


def facts(ledger: SqlLedger, after: int = 0) -> list[Fact]:
    return [decode(row.body).fact for row in ledger.read().sealed(after, 1000, 10**7)]


def write(ledger: SqlLedger, *entries: Fact) -> None:
    with ledger.write() as uow:
        for fact in entries:
            uow.append(fact, "K1")


def refused(ledger: SqlLedger, *entries: Fact) -> PosError:
    before = ledger.read().head()
    with pytest.raises(PosError) as caught:
        write(ledger, *entries)
    assert ledger.read().head() == before
    return caught.value


def allowed(receipt: int, key: str) -> HardshipAllowed:
    return HardshipAllowed(receipt, key, key[-4:], "tanpa_sambungan", "yuni")


def from_pool(receipt: int, key: str, packs: int = 1) -> Any:
    line = replace(rice(packs), programme=HARDSHIP)
    debit = RightDebit(HARDSHIP, "2026-11", "beras", Unit.GRAM, 5000 * packs)
    return replace(redeemed(receipt, key, line), debits=(debit,))


def hand_out_from_pool(ledger: SqlLedger, key: str) -> str:
    with ledger.write() as uow:
        fact = from_pool(uow.next_receipt(), key)
        uow.append(allowed(fact.receipt, key), "K1")
        entry = uow.append(fact, "K1")
        uow.queue_print("receipt", entry.id, fact.receipt, 0, goods(*fact.lines))
    return entry.id


def sound(tmp_path: Path) -> bool:
    report = verify(tmp_path, KEY)
    assert report.problems == ()
    return report.ok


# --- surrender ------------------------------------------------------------------------------------------------------


def test_what_the_city_asks_for_is_given_back_with_the_page_that_asked(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    head = ledger.read().head().seq
    with ledger.write() as uow:
        uow.accept(StatePage(11, surrenders=(back(9_000), back(4_000, "F0002"), back(5, "F0099"))), "abc")
    assert facts(ledger, head)[1:] == [Surrendered((back(5_000), back(4_000, "F0002")), "asked")]
    assert (left(ledger), left(ledger, "F0002")) == (0, 6_000)
    assert isinstance(refused(ledger, redeemed(2, "F0001", rice(1))), AllotmentExhausted)
    assert sound(tmp_path)


def test_asked_again_or_for_less_nothing_more_is_given(ledger: SqlLedger) -> None:
    for cursor, total in ((11, 4_000), (12, 4_000), (13, 1_000)):
        with ledger.write() as uow:
            uow.accept(StatePage(cursor, surrenders=(back(total),)), "abc")
    assert [fact for fact in facts(ledger) if isinstance(fact, Surrendered)] == [Surrendered((back(4_000),), "asked")]
    with ledger.write() as uow:
        assert uow.surrender([back(10_000, period="nonsense")], "asked") is None


@pytest.mark.parametrize(
    "wrong", [back(10_001), back(3_999), back(9_000, unit=Unit.PIECE), back(1, "F0099"), back(1, period="2026-12")]
)
def test_no_entry_gives_back_what_is_not_there(ledger: SqlLedger, wrong: Surrender) -> None:
    with ledger.write() as uow:
        uow.append(Surrendered((back(4_000),), "asked"))
    assert isinstance(refused(ledger, Surrendered((wrong,), "asked")), AllotmentExhausted)


def test_what_comes_back_by_a_reversal_after_a_surrender_may_be_handed_out_again(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    from tests.integration.ledger.test_units_of_work import undo

    with ledger.write() as uow:
        gone = serve(uow, "F0001", rice(1))
        uow.append(Surrendered((back(5_000),), "asked"))
        reversal = undo(uow, gone.id)
        entry = uow.append(reversal)
        uow.queue_print("reversal", entry.id, reversal.receipt, 0, goods(*reversal.lines))
    assert left(ledger) == 5_000
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    assert sound(tmp_path)


# --- what the city grants on request ---------------------------------------------------------------------------------


def test_a_grant_brings_the_family_and_what_it_may_take(ledger: SqlLedger, tmp_path: Path) -> None:
    guest = replace(family(7), home="EW-0002")
    leases = (LeaseGrant("F0007", "BPNT", "2026-11", "beras", Unit.GRAM, 5_000),)
    text = grant_text(IDENTITY.device, IDENTITY.epoch, "r-1", 31, "F0007", leases, home=False)
    signature = signer(CITY).sign(text).hex()
    with ledger.write() as uow:
        entry = uow.accept_grant("r-1", 31, guest, leases, signature)
    fact = entry.fact
    assert isinstance(fact, RightsGranted)
    assert (fact.request, fact.family, fact.leases, fact.home) == ("r-1", "F0007", leases, False)
    assert [(kind, key) for kind, key, _ in fact.items] == [("family", "F0007")]
    with ledger.write() as uow:
        serve(uow, "F0007", rice(1))
    assert ledger.read().family("F0007") == guest
    assert ledger.read().cursor() == 10
    assert sound(tmp_path)


def test_a_grant_that_the_city_did_not_sign_is_found(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        uow.accept_grant("r-1", 31, family(1), (), "00" * 64)
    assert [(problem.seq, problem.what) for problem in verify(tmp_path, KEY).problems] == [(5, "grant_signature")]


def test_a_grant_does_not_change_a_unit(ledger: SqlLedger) -> None:
    wrong = LeaseGrant("F0001", "BPNT", "2026-11", "beras", Unit.PIECE, 5_000)
    assert isinstance(refused(ledger, RightsGranted("r", 1, "F0001", (wrong,), (), "")), ProtocolMismatch)


# --- the end of a month ----------------------------------------------------------------------------------------------


def test_a_closed_month_gives_back_all_that_was_left_and_stays_closed(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        uow.accept(
            StatePage(11, leases=(LeaseGrant("F0001", "BPNT", "2026-10", "beras", Unit.GRAM, 10_000),)), "october"
        )
        uow.append(PeriodClosed("2026-10"))
    old = ledger.read().leases("F0001", Period("2026-10"))
    assert [(lease.surrendered, lease.rest) for lease in old] == [(10_000, 0)]
    assert left(ledger) == 5_000
    head = ledger.read().head().seq
    more = tuple(
        LeaseGrant("F0001", "BPNT", period, "beras", Unit.GRAM, 12_000) for period in ("2026-09", "2026-10", "2026-11")
    )
    with ledger.write() as uow:
        uow.accept(StatePage(12, leases=more), "late")
    late = (back(12_000, period="2026-09"), back(12_000, period="2026-10"))
    assert facts(ledger, head)[1:] == [Surrendered(late, "late")]
    assert left(ledger) == 7_000
    assert sound(tmp_path)


def test_a_month_is_not_closed_twice_and_not_while_a_day_of_it_is_open(ledger: SqlLedger) -> None:
    assert isinstance(refused(ledger, PeriodClosed("2026-11")), DayNotOpen)
    with ledger.write() as uow:
        uow.append(PeriodClosed("2026-10"))
    for period in ("2026-10", "2026-09"):
        assert isinstance(refused(ledger, PeriodClosed(period)), PeriodNotCurrent)


# --- the pool --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pooled(ledger: SqlLedger) -> SqlLedger:
    with ledger.write() as uow:
        uow.accept(StatePage(11, leases=(LeaseGrant(POOL, HARDSHIP, "2026-11", "beras", Unit.GRAM, 12_000),)), "pool")
    return ledger


def test_the_pool_pays_for_a_stranger_by_the_leaders_word(pooled: SqlLedger, tmp_path: Path) -> None:
    hand_out_from_pool(pooled, "C0123")
    hand_out_from_pool(pooled, "F0001")
    (pool,) = pooled.read().leases(POOL, NOVEMBER)
    assert (pool.spent, pool.rest) == (10_000, 2_000)
    assert left(pooled) == 10_000
    third = from_pool(3, "C0123")
    assert isinstance(refused(pooled, allowed(3, "C0123"), third), AllotmentExhausted)
    assert sound(tmp_path)


def test_what_was_reversed_is_back_in_the_pool(pooled: SqlLedger, tmp_path: Path) -> None:
    from tests.integration.ledger.test_units_of_work import undo

    gone = hand_out_from_pool(pooled, "C0123")
    with pooled.write() as uow:
        reversal = undo(uow, gone)
        entry = uow.append(reversal)
        uow.queue_print("reversal", entry.id, reversal.receipt, 0, goods(*reversal.lines))
    (pool,) = pooled.read().leases(POOL, NOVEMBER)
    assert (pool.spent, pool.returned, pool.rest) == (5_000, 5_000, 12_000)
    assert sound(tmp_path)


@pytest.mark.parametrize("word", [None, allowed(1, "C0999"), allowed(2, "C0123"), PeriodClosed("2026-10")])
def test_without_a_leaders_word_for_just_this_nothing_leaves_the_pool(pooled: SqlLedger, word: Fact | None) -> None:
    entries = [from_pool(1, "C0123")] if word is None else [word, from_pool(1, "C0123")]
    error = refused(pooled, *entries)
    assert isinstance(error, NotAuthorised)
    assert error.reason == "no_leader_word"
