"""Tutup Hari: the EDC's total, the seal, its paper; and taken up again at the step a power cut left."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.errors import DeviceError, PrinterNotReady
from ewarung_pos.ports import Settlement, Unknown
from tests.unit.services.counter import DAY_MS
from tests.unit.viewmodels.closing import (
    ask_edc,
    begin,
    closed,
    count,
    explain,
    notice,
    row,
    seal,
    state,
    up_to_the_edc,
)
from tests.unit.viewmodels.till import ScriptedTill, approval

# --- the EDC ---------------------------------------------------------------------------------------------------------


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


def test_an_explanation_that_names_a_family_is_told_so_and_can_be_put_right(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    up_to_the_edc(evening)
    evening.vm.closing.explain_edc("kurang bayar Bu Suminah")
    seal(evening)
    assert (notice(evening), state(evening).step, state(evening).busy) == ("not_entitled.text_name", 4, "")
    evening.vm.closing.explain_edc("kurang bayar, struk 0002")
    assert (notice(evening), state(evening).can_go_on) == ("", True)
    seal(evening)
    assert state(evening).step == 5


def test_a_recount_is_possible_up_to_the_seal(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    up_to_the_edc(evening)
    evening.vm.closing.explain_edc("uji coba bank")
    evening.vm.closing.recount()
    assert (state(evening).step, row(evening, "gula-1").counted) == (1, 50)
    count(evening, gula_1=1)
    evening.vm.closing.choose_reason("gula-1", "bocor")
    explain(evening)
    ask_edc(evening)
    assert (state(evening).step, state(evening).edc_total, state(evening).explanation) == (
        4,
        "Rp30.000",
        "uji coba bank",
    )
    evening.vm.closing.seal()
    evening.vm.closing.recount()
    evening.settle()
    assert state(evening).step == 5
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
    from msgspec.structs import replace

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
    assert state(evening).said == "Hari disegel. Laporan tutup hari sudah dicetak."
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
    assert (state(evening).step, row(evening, "gula-1").difference) == (2, "−1 bungkus")
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
