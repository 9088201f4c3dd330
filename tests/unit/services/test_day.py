"""The business day: opened, counted, explained, sealed; and taken up again where a power cut left it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ewarung_pos.domain.business_day import Day, DayState, EdcTotals
from ewarung_pos.domain.journal import ClosingBegun, ClosingCancelled, DayClosed, DayOpened
from ewarung_pos.domain.stock import CountLine, VarianceReason
from ewarung_pos.errors import ClockSuspect, DayNotOpen, LedgerCorrupt, NotAuthorised, NotEntitled
from ewarung_pos.ports import Settlement, Unknown
from ewarung_pos.services.day import DayService, signing_text
from ewarung_pos.services.stock import StockService
from tests.till_kit import DEVICE_KEY, TillKit, till_kit
from tests.unit.services.counter import (
    DAY_MS,
    RICE,
    approved,
    begin,
    buy,
    facts,
    purse,
    ration,
    reopened,
    serve,
)


def count_all(kit: TillKit, **differing: int) -> tuple[CountLine, ...]:
    counted = dict(kit.ledger.read().stock()) | {code.replace("_", "-"): packs for code, packs in differing.items()}
    return kit.day.count(counted, "siti")


def close_up_to_the_seal(kit: TillKit) -> None:
    kit.day.begin_close("siti")
    kit.day.explain(count_all(kit), "siti")


def blocked(kit: TillKit, edc: EdcTotals | None = None) -> str:
    head = kit.ledger.read().head()
    with pytest.raises(DayNotOpen) as caught:
        kit.day.seal("siti", edc)
    if edc is None:
        with pytest.raises(DayNotOpen, match=caught.value.reason):
            kit.day.check_seal()
    assert kit.ledger.read().head() == head
    return caught.value.reason


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_day_opens_on_the_clocks_date_and_once(kit: TillKit) -> None:
    assert kit.day.today() == Day(DayState.CLOSED)
    entry = kit.day.open("siti", cash_float=100_000)
    assert (entry.date, entry.fact) == ("2026-11-24", DayOpened(100_000))
    assert kit.day.today().serving
    with pytest.raises(DayNotOpen) as caught:
        kit.day.open("siti")
    assert caught.value.reason == "already_open"


def test_a_sealed_day_is_not_opened_again_and_the_next_one_is(shop: TillKit) -> None:
    close_up_to_the_seal(shop)
    shop.day.seal("siti", None)
    with pytest.raises(DayNotOpen) as caught:
        shop.day.open("siti")
    assert caught.value.reason == "already_closed"
    shop.clock.ms += DAY_MS
    assert shop.day.open("siti").date == "2026-11-25"


def test_a_clock_behind_the_ledger_opens_nothing(kit: TillKit) -> None:
    kit.clock.ms -= 60_000
    with pytest.raises(ClockSuspect) as caught:
        kit.day.open("siti")
    assert caught.value.reason == "behind_ledger"


def test_no_totals_before_the_first_day(kit: TillKit) -> None:
    with pytest.raises(DayNotOpen):
        kit.day.totals()


# --- closing ----------------------------------------------------------------------------------------------------------


def test_a_close_is_begun_once_and_only_of_an_open_day(kit: TillKit) -> None:
    with pytest.raises(DayNotOpen) as caught:
        kit.day.begin_close("siti")
    assert caught.value.reason == "day_not_open"
    kit.day.open("siti")
    assert kit.day.begin_close("siti").state is DayState.COUNTING
    assert kit.day.begin_close("siti").state is DayState.COUNTING
    assert facts(kit).count(ClosingBegun()) == 1


def test_a_close_begun_too_early_goes_back_to_serving_until_the_seal(shop: TillKit) -> None:
    close_up_to_the_seal(shop)
    shop.day.cancel_close("siti")
    assert facts(shop)[-1] == ClosingCancelled()
    assert shop.day.today().serving
    serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    with pytest.raises(DayNotOpen) as caught:
        shop.day.cancel_close("siti")
    assert caught.value.reason == "not_counting"


def test_the_closing_count_belongs_to_a_close(shop: TillKit) -> None:
    with pytest.raises(DayNotOpen) as caught:
        count_all(shop)
    assert caught.value.reason == "not_counting"
    with pytest.raises(DayNotOpen):
        shop.day.explain((CountLine(RICE, 50, 50),), "siti")


def test_differences_are_explained_and_large_ones_with_the_leader(shop: TillKit) -> None:
    shop.day.begin_close("siti")
    lines = count_all(shop, gula_1=49, telur_1=40)
    with pytest.raises(NotEntitled):
        shop.day.explain(lines, "siti")
    explained = tuple(
        msgspec.structs.replace(line, reason=VarianceReason.LEAKED) if line.difference else line for line in lines
    )
    with pytest.raises(NotAuthorised):
        shop.day.explain(explained, "siti")
    shop.day.explain(explained, "siti", "yuni")
    day = shop.day.today()
    assert (day.state, day.count) == (DayState.EXPLAINED, explained)
    assert shop.ledger.read().stock()["gula-1"] == 49


def test_a_second_count_takes_the_place_of_the_first(shop: TillKit) -> None:
    shop.day.begin_close("siti")
    count_all(shop, gula_1=49)
    shop.day.explain(count_all(shop), "siti")
    count_all(shop)
    assert shop.day.today().state is DayState.COUNTING


def test_goods_handed_out_after_the_count_are_not_counted_back(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("TUKINAH"), purse("telur-1", 2))
    shop.redeem.conclude(attempt.id, Unknown("no_answer"), "siti")
    shop.day.begin_close("siti")
    lines = count_all(shop)
    shop.redeem.conclude(attempt.id, approved(attempt.amount), "siti")
    with pytest.raises(NotEntitled) as caught:
        shop.day.explain(lines, "siti")
    assert caught.value.reason == "count_again"
    shop.day.explain(count_all(shop), "siti")
    assert shop.ledger.read().stock()["telur-1"] == 48


# --- the seal ---------------------------------------------------------------------------------------------------------


def test_the_seal_signs_the_head_it_follows_and_owes_the_report(shop: TillKit) -> None:
    serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    close_up_to_the_seal(shop)
    totals, head = shop.day.totals(), shop.ledger.read().head()
    entry, job = shop.day.seal("siti", None)
    fact = entry.fact
    assert isinstance(fact, DayClosed)
    assert (fact.totals, fact.head, fact.report, fact.edc) == (totals, head.hash, 1, None)
    assert (job.kind, job.entry, job.receipt, job.copy) == ("day_report", entry.id, 0, 0)
    text = signing_text("EW-0001", 1, totals.first_seq, head.seq, head.hash)
    Ed25519PrivateKey.from_private_bytes(DEVICE_KEY).public_key().verify(bytes.fromhex(fact.signature), text)
    assert shop.day.today().state is DayState.CLOSED
    assert shop.day.totals().redemptions == 1


def test_a_day_without_any_customer_is_sealed_too(kit: TillKit) -> None:
    kit.day.open("siti")
    close_up_to_the_seal(kit)
    entry, _ = kit.day.seal("siti", None)
    assert isinstance(entry.fact, DayClosed)
    assert entry.fact.totals.receipts == 0


def test_reports_are_numbered_from_day_to_day(kit: TillKit) -> None:
    numbers = []
    for _ in range(3):
        kit.day.open("siti")
        close_up_to_the_seal(kit)
        fact = kit.day.seal("siti", None)[0].fact
        assert isinstance(fact, DayClosed)
        numbers.append(fact.report)
        kit.clock.ms += DAY_MS
    assert numbers == [1, 2, 3]


def test_no_seal_without_a_day(kit: TillKit) -> None:
    assert blocked(kit) == "day_not_open"


def test_no_seal_before_the_differences_are_explained(shop: TillKit) -> None:
    assert blocked(shop) == "not_explained"
    shop.day.begin_close("siti")
    assert blocked(shop) == "not_explained"
    count_all(shop)
    assert blocked(shop) == "not_explained"


def test_no_seal_twice(shop: TillKit) -> None:
    close_up_to_the_seal(shop)
    shop.day.seal("siti", None)
    assert blocked(shop) == "not_explained"


def test_no_seal_over_a_debit_in_doubt(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    shop.redeem.conclude(attempt.id, Unknown("no_answer"), "siti")
    close_up_to_the_seal(shop)
    assert blocked(shop) == "in_doubt"
    shop.redeem.conclude(attempt.id, approved(attempt.amount), "siti")
    shop.day.seal("siti", EdcTotals(29_000))


def test_no_seal_while_the_four_figures_differ(shop: TillKit) -> None:
    done = serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 2))
    with shop.ledger.write() as uow:  # goods that left without a receipt of theirs
        again = msgspec.structs.replace(done.fact, receipt=2, family="K00005", debits=done.fact.debits)
        uow.append(again, "siti")
    close_up_to_the_seal(shop)
    assert blocked(shop) == "control"


def test_no_seal_over_a_difference_with_the_edc_that_nobody_explained(shop: TillKit) -> None:
    buy(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    close_up_to_the_seal(shop)
    shop.day.check_seal()  # as far as this side goes
    assert blocked(shop, EdcTotals(30_000, "000001", "  ")) == "edc"
    entry, _ = shop.day.seal("siti", EdcTotals(30_000, "000001", "uji coba bank"))
    assert isinstance(entry.fact, DayClosed)
    assert entry.fact.edc == EdcTotals(30_000, "000001", "uji coba bank")


def test_no_seal_without_the_key_that_signs_it(shop: TillKit, monkeypatch: pytest.MonkeyPatch) -> None:
    close_up_to_the_seal(shop)
    from ewarung_pos.ledger.queries import Queries

    monkeypatch.setattr(Queries, "secret", lambda self, name: None)
    with pytest.raises(LedgerCorrupt) as caught:
        shop.day.seal("siti", None)
    assert caught.value.reason == "no_device_key"
    assert shop.day.today().state is DayState.EXPLAINED


# --- what the EDC settled ---------------------------------------------------------------------------------------------


def test_what_the_edc_settles_is_summed_over_the_day_and_kept(shop: TillKit) -> None:
    assert shop.day.edc_settled(None) is None
    assert shop.day.edc_settled(Settlement(29_000, "000001")) == EdcTotals(29_000, "000001")
    assert shop.day.edc_settled(None) == EdcTotals(29_000, "000001")
    assert shop.day.edc_settled(Settlement(58_000, "000002")) == EdcTotals(87_000, "000002")


def test_yesterdays_settlement_is_not_todays(shop: TillKit) -> None:
    shop.day.edc_settled(Settlement(29_000, "000001"))
    close_up_to_the_seal(shop)
    shop.day.seal("siti", EdcTotals(29_000, "000001", "uji coba"))
    shop.clock.ms += DAY_MS
    shop.day.open("siti")
    assert shop.day.edc_settled(None) is None
    assert shop.day.edc_settled(Settlement(1_000)) == EdcTotals(1_000)


def test_nothing_is_settled_before_the_first_day(kit: TillKit) -> None:
    with pytest.raises(DayNotOpen):
        kit.day.edc_settled(None)


# --- after a power cut ------------------------------------------------------------------------------------------------


@pytest.fixture
def cut(tmp_path: Path) -> Iterator[TillKit]:
    """An encrypted till whose ledger is closed and opened again between any two steps."""
    kit = till_kit(tmp_path, families=12)
    yield kit
    kit.ledger.close()


def power_cut(kit: TillKit) -> None:
    kit.ledger.close()
    kit.ledger = reopened(kit.data_dir, kit.clock, encrypted=True)
    kit.stock = StockService(kit.ledger)
    kit.day = DayService(kit.ledger, kit.clock, kit.stock)


def test_a_day_goes_on_after_a_power_cut_between_any_two_steps(cut: TillKit) -> None:
    cut.open_shop()
    serve(cut, cut.card("SRI WAHYUNI"), ration(RICE, 2))
    power_cut(cut)
    assert cut.day.today().serving
    cut.day.begin_close("siti")
    power_cut(cut)
    assert cut.day.today().state is DayState.COUNTING
    lines = count_all(cut, gula_1=49)
    power_cut(cut)
    assert cut.day.today() == msgspec.structs.replace(cut.day.today(), state=DayState.COUNTING, count=lines)
    explained = tuple(
        msgspec.structs.replace(line, reason=VarianceReason.SPILLED) if line.difference else line for line in lines
    )
    cut.day.explain(explained, "siti")
    power_cut(cut)
    assert (cut.day.today().state, cut.day.today().count) == (DayState.EXPLAINED, explained)
    cut.day.edc_settled(Settlement(0, "000009"))
    power_cut(cut)
    assert cut.day.edc_settled(None) == EdcTotals(0, "000009")
    entry, job = cut.day.seal("siti", EdcTotals(0, "000009"))
    power_cut(cut)
    assert cut.day.today().state is DayState.CLOSED
    assert [(owed.kind, owed.entry) for owed in cut.ledger.read().print_jobs()][-1] == ("day_report", entry.id)
    assert job.entry == entry.id
