"""Tutup Hari: count, explain, send, seal; and taken up again at the step a power cut left."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.business_day import DayState, EdcTotals
from ewarung_pos.domain.journal import DayClosed, StockAdjusted
from ewarung_pos.errors import DeviceError, PrinterNotReady
from ewarung_pos.ports import Settlement, SyncPhase, SyncReport, Unknown
from ewarung_pos.ui.viewmodels.closing import REASONS, ClosingState, CountRow
from tests.unit.services.counter import DAY_MS, RICE, facts
from tests.unit.viewmodels.till import LEADER, ScriptedTill, approval


def state(till: ScriptedTill) -> ClosingState:
    return till.vm.closing.state


def row(till: ScriptedTill, product: str) -> CountRow:
    return next(found for found in state(till).rows if found.product == product)


@pytest.fixture
def evening(till: ScriptedTill) -> ScriptedTill:
    """A ration and a purse were served; Tutup Hari is in front."""
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.buy("TUKINAH", telur_1=1)
    till.vm.counter.finish()
    till.edc.settlements = [Settlement(29_000, "000001")]
    till.to("closing")
    return till


def begin(till: ScriptedTill) -> None:
    till.vm.closing.begin()
    till.settle()


def count(till: ScriptedTill, **short: int) -> None:
    """Count everything, so many packs fewer of some."""
    book = till.kit.ledger.read().stock()
    fewer = {product.replace("_", "-"): packs for product, packs in short.items()}
    for each in state(till).rows:
        till.vm.closing.set_count(each.product, book[each.product] - fewer.get(each.product, 0))
    till.vm.closing.count_done()
    till.settle()


def explain(till: ScriptedTill, pin: str = "") -> None:
    till.vm.closing.explain_done(pin)
    till.settle()


def ask_edc(till: ScriptedTill) -> None:
    till.vm.closing.send_done()
    till.settle()


def seal(till: ScriptedTill) -> None:
    till.vm.closing.seal()
    till.settle()


def closed(till: ScriptedTill) -> DayClosed:
    return next(fact for fact in facts(till.kit) if isinstance(fact, DayClosed))


def notice(till: ScriptedTill) -> str:
    found = state(till).notice
    return found.code if found is not None else ""


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_an_evening_without_differences(evening: ScriptedTill) -> None:
    assert (state(evening).step, state(evening).date, state(evening).can_go_on) == (0, "24 November 2026", True)
    begin(evening)
    assert state(evening).step == 1
    assert not state(evening).can_go_on
    count(evening)
    assert state(evening).step == 2
    assert {each.difference for each in state(evening).rows} == {"cocok"}
    assert [line.text for line in state(evening).story] == [
        "hak berkurang 10 kg beras",
        "diserahkan 10 kg",
        "di struk 10 kg",
        "stok −10 kg",
        "hak berkurang 1 kg telur",
        "diserahkan 1 kg",
        "di struk 1 kg",
        "stok −1 kg",
    ]
    assert state(evening).story_agrees
    explain(evening)
    assert (state(evening).step, state(evening).sending) == (3, False)
    ask_edc(evening)
    assert (state(evening).step, state(evening).till_purse, state(evening).edc_total) == (4, "Rp29.000", "Rp29.000")
    assert (state(evening).edc_differs, state(evening).can_go_on, state(evening).busy) == (False, True, "")
    assert ("Nilai jatah", "Rp135.000") in state(evening).figures
    seal(evening)
    assert state(evening).step == 5
    assert state(evening).said == "Hari disegel. Laporan Z sudah dicetak."
    assert state(evening).report == evening.paper.papers[-1]
    assert closed(evening).edc == EdcTotals(29_000, "000001")
    assert evening.kit.day.today().state is DayState.CLOSED
    evening.vm.closing.reprint()
    evening.settle()
    assert state(evening).said == "Hari disegel. Salinan ke-1 sudah dicetak."


def test_a_day_without_any_customer_closes_too(shut: ScriptedTill) -> None:
    shut.kit.day.open("siti")
    shut.to("closing")
    begin(shut)
    assert (state(shut).step, state(shut).rows, state(shut).can_go_on) == (1, (), True)
    count(shut)
    explain(shut)
    ask_edc(shut)
    seal(shut)
    assert state(shut).step == 5
    assert state(shut).story == ()


def test_no_card_is_served_once_the_close_began_and_again_when_it_is_called_off(evening: ScriptedTill) -> None:
    begin(evening)
    evening.to("counter")
    assert not evening.counter.day_open
    evening.insert("SUMINAH")
    assert evening.counter.refusal is not None
    assert evening.counter.refusal.code == "refusal.day_not_open"
    evening.to("closing")
    evening.vm.closing.back_to_serving()
    evening.settle()
    assert (state(evening).step, state(evening).can_go_on) == (0, True)
    evening.to("counter")
    evening.insert("SUMINAH")
    assert evening.counter.refusal is None


def test_what_was_undone_completely_tells_no_story(evening: ScriptedTill) -> None:
    from ewarung_pos.services.reverse import ReversalReason

    entry = evening.kit.papers.preview(1)[1]
    evening.kit.reverse.reverse(entry, ReversalReason.WRONG_GOODS, "siti", "yuni")
    begin(evening)
    count(evening)
    assert state(evening).story[0].text == "hak berkurang 1 kg telur"
    assert state(evening).story_agrees


def test_nothing_can_be_closed_that_is_not_open(shut: ScriptedTill) -> None:
    shut.to("closing")
    assert (state(shut).step, state(shut).can_go_on) == (0, False)
    begin(shut)
    assert notice(shut) == "refusal.day_not_open"
    shut.vm.closing.dismiss()
    assert notice(shut) == ""


def test_steps_cannot_be_jumped(evening: ScriptedTill) -> None:
    closing, before = evening.vm.closing, state(evening)
    for command in (closing.count_done, closing.explain_done, closing.send_done, closing.seal, closing.reprint):
        command()
    evening.settle()
    assert state(evening) == before


# --- differences -----------------------------------------------------------------------------------------------------


def test_the_count_goes_on_when_every_product_has_a_figure(evening: ScriptedTill) -> None:
    begin(evening)
    for each in state(evening).rows[:-1]:
        evening.vm.closing.set_count(each.product, 1)
    assert not state(evening).can_go_on
    evening.vm.closing.set_count(state(evening).rows[-1].product, 0)
    assert state(evening).can_go_on
    evening.vm.closing.set_count(RICE, None)
    assert not state(evening).can_go_on


def test_a_difference_waits_for_its_reason(evening: ScriptedTill) -> None:
    begin(evening)
    count(evening, gula_1=1)
    sugar = row(evening, "gula-1")
    assert (sugar.difference, sugar.differs) == ("−1 kg", True)
    assert not state(evening).can_go_on
    evening.vm.closing.choose_reason("gula-1", "lain")
    assert not state(evening).can_go_on
    evening.vm.closing.choose_reason("gula-1", "lain", "contoh untuk petugas")
    assert (state(evening).can_go_on, state(evening).needs_leader) == (True, False)
    explain(evening)
    assert state(evening).step == 3
    adjusted = next(fact for fact in facts(evening.kit) if isinstance(fact, StockAdjusted))
    assert [line.note for line in adjusted.lines if line.difference] == ["contoh untuk petugas"]


def test_more_than_the_book_says_is_a_difference_too(evening: ScriptedTill) -> None:
    begin(evening)
    count(evening, gula_1=-2)
    assert row(evening, "gula-1").difference == "+2 kg"


def test_a_large_difference_needs_the_leader(evening: ScriptedTill) -> None:
    begin(evening)
    count(evening, gula_1=6)
    evening.vm.closing.choose_reason("gula-1", "rusak")
    assert state(evening).needs_leader
    for pin, code in (("", "not_authorised.second_person"), ("000000", "not_authorised.wrong_pin")):
        explain(evening, pin)
        assert (notice(evening), state(evening).step) == (code, 2)
    explain(evening, LEADER)
    assert (notice(evening), state(evening).step) == ("", 3)
    adjusted = next(fact for fact in facts(evening.kit) if isinstance(fact, StockAdjusted))
    assert adjusted.approved_by == "yuni"


def test_a_recount_keeps_figures_and_reasons(evening: ScriptedTill) -> None:
    begin(evening)
    count(evening, gula_1=2, tepung_1=1)
    evening.vm.closing.choose_reason("gula-1", "bocor")
    evening.vm.closing.choose_reason("tepung-1", "tumpah")
    evening.vm.closing.recount()
    assert (state(evening).step, row(evening, "gula-1").counted) == (1, 48)
    evening.vm.closing.set_count("tepung-1", 50)
    evening.vm.closing.count_done()
    evening.settle()
    assert (row(evening, "gula-1").reason, row(evening, "tepung-1").reason) == ("bocor", "")
    assert state(evening).can_go_on


def test_every_reason_for_a_difference_can_be_chosen() -> None:
    assert ("bocor", "bungkus bocor") in REASONS
    assert ("lain", "lain") in REASONS


# --- the city --------------------------------------------------------------------------------------------------------


def test_sending_takes_as_many_steps_as_it_needs(evening: ScriptedTill) -> None:
    begin(evening)
    count(evening)
    evening.city.reports = [
        SyncReport(SyncPhase.SENDING, sent=10, sent_bytes=4_000, unsent=7),
        SyncReport(SyncPhase.SENDING, sent=7, sent_bytes=3_000, unsent=0, more=True),
        SyncReport(SyncPhase.IDLE),
    ]
    explain(evening)
    assert (state(evening).sent, state(evening).sent_bytes, state(evening).unsent) == (17, 7_000, 0)
    assert not state(evening).sending


def test_a_city_that_cannot_be_reached_does_not_keep_the_day_open(evening: ScriptedTill) -> None:
    begin(evening)
    count(evening)
    away = SyncReport(SyncPhase.WAITING, unsent=9, code="server_unreachable", reason="timeout", retry_ms=5_000)
    evening.city.reports = [away, away]
    explain(evening)
    assert (notice(evening), state(evening).sending, state(evening).unsent) == ("server_unreachable", False, 9)
    evening.vm.closing.send()
    evening.vm.closing.send()
    evening.settle()
    assert notice(evening) == "server_unreachable"
    ask_edc(evening)
    seal(evening)
    assert state(evening).step == 5


# --- the EDC ---------------------------------------------------------------------------------------------------------


def up_to_the_edc(till: ScriptedTill) -> None:
    begin(till)
    count(till)
    explain(till)
    ask_edc(till)


def test_a_difference_with_the_edc_needs_an_explanation(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    up_to_the_edc(evening)
    assert (state(evening).edc_differs, state(evening).can_go_on) == (True, False)
    seal(evening)
    assert state(evening).step == 4
    evening.vm.closing.explain_edc("   ")
    assert not state(evening).can_go_on
    evening.to("stock")
    evening.to("closing")
    assert (state(evening).step, state(evening).can_go_on) == (4, False)
    evening.vm.closing.explain_edc(" uji coba bank ")
    seal(evening)
    assert closed(evening).edc == EdcTotals(30_000, "000001", "uji coba bank")


def test_an_edc_that_gives_no_total_is_missing_and_not_zero(evening: ScriptedTill) -> None:
    evening.edc.settlements = [DeviceError(reason="settlement_refused"), Settlement(29_000, "000001")]
    up_to_the_edc(evening)
    assert (state(evening).edc_total, state(evening).edc_differs, state(evening).can_go_on) == (
        "tidak ada data",
        False,
        True,
    )
    ask_edc(evening)
    assert state(evening).edc_total == "Rp29.000"
    ask_edc(evening)
    assert evening.edc.asked.count("settle") == 2


def test_an_edc_that_stays_silent_does_not_keep_the_day_open(evening: ScriptedTill) -> None:
    evening.edc.settlements = [DeviceError(reason="settlement_refused")]
    up_to_the_edc(evening)
    seal(evening)
    assert closed(evening).edc is None


def test_without_a_terminal_nobody_is_asked(evening: ScriptedTill) -> None:
    from dataclasses import replace

    evening.vm.closing._desk = replace(evening.vm.closing._desk, terminal=None)
    up_to_the_edc(evening)
    assert state(evening).edc_total == "tidak ada data"
    assert "settle" not in evening.edc.asked


def test_what_was_settled_before_a_close_was_called_off_still_counts(evening: ScriptedTill) -> None:
    up_to_the_edc(evening)
    evening.vm.closing.back_to_serving()
    evening.settle()
    evening.to("counter")
    evening.buy("TUKINAH", telur_1=1)
    evening.edc.settlements = [Settlement(29_000, "000002")]
    evening.to("closing")
    up_to_the_edc(evening)
    assert (state(evening).edc_total, state(evening).edc_differs) == ("Rp58.000", False)


def test_a_debit_in_doubt_blocks_the_seal_and_says_where_to_go(evening: ScriptedTill) -> None:
    evening.to("counter")
    evening.edc.answers = [Unknown("no_answer")]
    evening.buy("SUMINAH", telur_1=1)
    evening.to("closing")
    up_to_the_edc(evening)
    seal(evening)
    assert (notice(evening), state(evening).step, state(evening).busy) == ("day_not_open.in_doubt", 4, "")
    found = state(evening).notice
    assert found is not None
    assert found.action == "resolve"


def test_goods_handed_out_after_the_count_ask_for_another(evening: ScriptedTill) -> None:
    evening.to("counter")
    evening.edc.answers = [Unknown("no_answer")]
    evening.buy("SUMINAH", telur_1=1)
    evening.to("closing")
    begin(evening)
    count(evening)
    evening.edc.inquiries = [approval(29_000, "edc_inquiry")]
    evening.settle(15_000)
    explain(evening)
    assert (notice(evening), state(evening).step) == ("not_entitled.count_again", 2)
    evening.vm.closing.recount()
    count(evening)
    explain(evening)
    assert state(evening).step == 3


# --- paper -----------------------------------------------------------------------------------------------------------


def test_a_report_that_did_not_come_out_stays_owed(evening: ScriptedTill) -> None:
    up_to_the_edc(evening)
    evening.paper.failures = [PrinterNotReady(reason="paper_out")]
    seal(evening)
    assert (state(evening).step, notice(evening)) == (5, "printer_not_ready.paper_out")
    assert [job.kind for job in evening.kit.papers.owed()] == ["day_report"]
    evening.vm.closing.reprint()
    evening.settle()
    assert state(evening).said == "Hari disegel. Laporan Z sudah dicetak."
    assert evening.kit.papers.owed() == ()


def test_a_bug_is_not_hidden(evening: ScriptedTill) -> None:
    up_to_the_edc(evening)
    evening.paper.failures = [ZeroDivisionError()]
    evening.vm.closing.seal()
    with pytest.raises(ZeroDivisionError):
        evening.settle()


# --- the next day, and power cuts ------------------------------------------------------------------------------------


def test_tomorrow_starts_with_nothing_of_today(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    begin(evening)
    count(evening, gula_1=1)
    evening.vm.closing.choose_reason("gula-1", "bocor")
    explain(evening)
    ask_edc(evening)
    evening.vm.closing.explain_edc("uji coba bank")
    seal(evening)
    evening.to("counter")
    evening.to("closing")
    assert state(evening).step == 5
    evening.kit.clock.ms += DAY_MS
    evening.kit.day.open("siti")
    evening.to("closing")
    assert state(evening).step == 0
    begin(evening)
    assert {each.counted for each in state(evening).rows} == {None}
    assert not state(evening).can_go_on
    count(evening, gula_1=1)
    assert row(evening, "gula-1").reason == ""
    evening.vm.closing.choose_reason("gula-1", "rusak")
    explain(evening)
    assert (state(evening).explanation, state(evening).edc_asked) == ("", False)


def test_each_step_is_taken_up_after_a_power_cut(evening: ScriptedTill) -> None:
    begin(evening)
    evening.power_cut()
    evening.to("closing")
    assert state(evening).step == 1
    count(evening, gula_1=1)
    evening.power_cut()
    evening.to("closing")
    assert (state(evening).step, row(evening, "gula-1").difference) == (2, "−1 kg")
    assert state(evening).story_agrees
    evening.vm.closing.choose_reason("gula-1", "bocor")
    explain(evening)
    evening.power_cut()
    evening.to("closing")
    assert (state(evening).step, state(evening).can_go_on) == (3, True)
    ask_edc(evening)
    assert state(evening).edc_total == "Rp29.000"
    evening.power_cut()
    evening.edc.settlements = [Settlement(0, "000002")]  # the batch was settled already: the terminal starts anew
    evening.to("closing")
    assert state(evening).step == 3
    ask_edc(evening)
    assert (state(evening).edc_total, state(evening).edc_differs) == ("Rp29.000", False)
    seal(evening)
    assert closed(evening).edc == EdcTotals(29_000, "000002")
    evening.power_cut()
    evening.to("closing")
    assert (state(evening).step, state(evening).can_go_on) == (0, False)
