"""Tutup Hari: the EDC's total, the seal, its paper; and taken up again at the step a power cut left."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.domain.documents import text_lines
from ewarung_pos.domain.journal import ReceiptPrinted, Reversed
from ewarung_pos.errors import DeviceError, PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus, Settlement, Unknown
from ewarung_pos.services.day import EDC_SETTLED
from tests.unit.services.counter import DAY_MS, facts
from tests.unit.viewmodels.closing import (
    begin,
    closed,
    count,
    explain,
    notice,
    row,
    seal,
    state,
    to_the_seal,
    up_to_the_seal,
)
from tests.unit.viewmodels.till import LEADER, ScriptedTill, approval

# --- the EDC ---------------------------------------------------------------------------------------------------------


def test_a_difference_with_the_edc_needs_an_explanation(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    up_to_the_seal(evening)
    seal(evening)
    assert (state(evening).step, state(evening).edc_total) == (4, "Rp30.000")
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
    assert evening.edc.asked.count("settle") == 1


def test_an_explanation_that_names_a_family_is_told_so_and_can_be_put_right(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    up_to_the_seal(evening)
    seal(evening)
    evening.vm.closing.explain_edc("kurang bayar Bu Suminah")
    seal(evening)
    assert (notice(evening), state(evening).step, state(evening).busy) == ("not_entitled.text_name", 4, "")
    evening.vm.closing.explain_edc("kurang bayar, struk 0002")
    assert (notice(evening), state(evening).can_go_on) == ("", True)
    seal(evening)
    assert state(evening).step == 5


def test_a_recount_is_possible_up_to_the_seal(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    up_to_the_seal(evening)
    seal(evening)
    evening.vm.closing.explain_edc("uji coba bank")
    evening.vm.closing.recount()
    assert (state(evening).step, row(evening, "gula-1").counted) == (1, 50)
    count(evening, gula_1=1)
    evening.vm.closing.choose_reason("gula-1", "bocor")
    explain(evening)
    to_the_seal(evening)
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
    assert evening.edc.asked.count("settle") == 1


def test_an_edc_that_gives_no_total_is_asked_once_more(evening: ScriptedTill) -> None:
    evening.edc.settlements = [DeviceError(reason="settlement_refused"), Settlement(29_000, "000001")]
    up_to_the_seal(evening)
    seal(evening)
    silent = state(evening)
    assert (silent.step, silent.edc_total, silent.edc_silent, silent.can_go_on) == (4, "tidak ada data", True, True)
    seal(evening)
    assert (state(evening).step, state(evening).edc_total) == (5, "Rp29.000")
    assert closed(evening).edc == EdcTotals(29_000, "000001")


def test_that_another_edc_gave_its_total_is_said_and_its_total_is_not_taken(evening: ScriptedTill) -> None:
    evening.edc.settlements = [DeviceError(reason="other_terminal"), DeviceError(reason="no_answer")]
    up_to_the_seal(evening)
    seal(evening)
    other = state(evening)
    assert (other.step, other.edc_total, other.edc_silent, other.edc_other) == (4, "tidak ada data", True, True)
    seal(evening)
    assert closed(evening).edc is None


def test_an_edc_that_stays_silent_does_not_keep_the_day_open(evening: ScriptedTill) -> None:
    evening.edc.settlements = [DeviceError(reason="settlement_refused")] * 2
    up_to_the_seal(evening)
    seal(evening)
    seal(evening)
    assert evening.edc.asked.count("settle") == 2
    assert closed(evening).edc is None  # missing is not zero
    assert evening.edc.asked[-1] == "forget_settlement"  # of this day; the next one has a total of its own


def test_who_pressed_seals_though_the_screen_would_be_locked_meanwhile(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    evening.vm.closing.seal()
    evening.vm.idle()
    evening.settle()
    assert evening.vm.shell.operator() == "siti"
    assert state(evening).step == 5
    evening.vm.idle()
    assert evening.vm.shell.operator() == ""


def test_until_the_day_is_sealed_a_purse_can_be_given_back(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    assert "settle" not in evening.edc.asked
    evening.vm.closing.back_to_serving()
    evening.settle()
    reverse_the_purse(evening)
    assert [fact.void is not None for fact in facts(evening.kit) if isinstance(fact, Reversed)] == [True]


def test_a_purse_of_a_batch_that_was_ended_is_not_voided_and_that_is_said(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(30_000, "000001")]
    up_to_the_seal(evening)
    seal(evening)  # the totals differ: the EDC's batch is ended, and the day is not sealed
    evening.vm.closing.back_to_serving()
    evening.settle()
    reverse_the_purse(evening)
    told = evening.vm.history.state.notice
    assert told is not None
    assert (told.code, told.title) == ("not_entitled.edc_settled", "EDC sudah ditutup")
    assert not any(asked.startswith("void") for asked in evening.edc.asked)
    assert evening.kit.redeem.open_attempts() == ()


def reverse_the_purse(till: ScriptedTill) -> None:
    history = till.vm.history
    till.to("history")
    history.open(next(line.entry for line in history.state.rows if line.receipt == 2))
    till.settle()
    history.ask_reversal()
    history.choose_reason("mutu_buruk")
    history.confirm_reversal(LEADER)
    till.settle()


def test_without_a_terminal_nobody_is_asked(evening: ScriptedTill) -> None:
    from msgspec.structs import replace

    evening.vm.closing._desk = replace(evening.vm.closing._desk, terminal=None)
    up_to_the_seal(evening)
    assert state(evening).edc_total == "tidak ada data"
    assert "settle" not in evening.edc.asked


def test_what_was_settled_before_a_close_was_called_off_still_counts(evening: ScriptedTill) -> None:
    evening.edc.settlements = [Settlement(28_000, "000001")]
    up_to_the_seal(evening)
    seal(evening)
    evening.vm.closing.back_to_serving()
    evening.settle()
    evening.to("counter")
    evening.buy("TUKINAH", telur_1=1)
    evening.edc.settlements = [Settlement(30_000, "000002")]
    evening.to("closing")
    up_to_the_seal(evening)
    seal(evening)
    assert (state(evening).edc_total, state(evening).edc_differs) == ("Rp58.000", False)
    assert closed(evening).edc == EdcTotals(58_000, "000002")


def test_a_debit_in_doubt_blocks_the_seal_and_says_where_to_go(evening: ScriptedTill) -> None:
    evening.to("counter")
    evening.edc.answers = [Unknown("no_answer")]
    evening.buy("SUMINAH", telur_1=1)
    evening.to("closing")
    up_to_the_seal(evening)
    seal(evening)
    assert (notice(evening), state(evening).step, state(evening).busy) == ("day_not_open.in_doubt", 4, "")
    assert "settle" not in evening.edc.asked  # nothing could be voided any more, and the day would still be open
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
    up_to_the_seal(evening)
    evening.paper.failures = [PrinterNotReady(reason="paper_out")]
    seal(evening)
    trouble = state(evening).paper_trouble
    assert trouble is not None
    assert (state(evening).step, trouble.code, notice(evening)) == (5, "printer_not_ready.paper_out", "")
    assert [job.kind for job in evening.kit.papers.owed()] == ["day_report"]
    evening.vm.closing.reprint()
    evening.settle()
    assert state(evening).said == "Hari disegel. Laporan tutup hari sudah dicetak."
    assert evening.kit.papers.owed() == ()


def test_a_report_of_a_dead_printer_is_saved_as_a_file(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    assert state(evening).paper_trouble is None
    evening.paper.failures = [PrinterNotReady(reason="link")]
    evening.paper.is_now = DeviceStatus(DeviceState.AWAY, "link")
    seal(evening)
    assert state(evening).paper_trouble is not None
    evening.vm.closing.save_pdf()
    evening.settle()
    assert [paper.name[:10] for paper in evening.files.papers] == ["tutup-hari"]
    assert state(evening).said == "Hari disegel. Laporan tersimpan sebagai PDF."
    assert state(evening).paper_trouble is None
    assert evening.kit.papers.owed() == ()
    assert facts(evening.kit)[-1] == ReceiptPrinted(0, state(evening).report_entry, 0, "pdf")


def test_what_is_printed_of_a_saved_report_is_a_copy(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    evening.paper.failures = [PrinterNotReady(reason="link")]
    evening.paper.is_now = DeviceStatus(DeviceState.AWAY, "link")
    seal(evening)
    evening.vm.closing.save_pdf()
    evening.settle()
    evening.vm.closing.reprint()
    evening.settle()
    assert state(evening).said == "Hari disegel. Salinan ke-1 sudah dicetak."
    assert "SALINAN" in "\n".join(text_lines(evening.paper.papers[-1], 32))


def test_without_a_seal_there_is_no_report_to_print(evening: ScriptedTill) -> None:
    before = list(evening.paper.papers)
    evening.vm.closing.reprint()
    evening.vm.closing.save_pdf()
    evening.settle()
    assert evening.kit.papers.owed() == ()
    assert (evening.paper.papers, evening.files.papers) == (before, [])


def test_a_bug_is_not_hidden(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
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
    to_the_seal(evening)
    seal(evening)
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
    to_the_seal(evening)
    evening.vm.closing.seal()
    assert evening.runner.pump(lambda: EDC_SETTLED in evening.kit.ledger.read().settings())
    evening.power_cut()  # between the EDC's total and the seal
    evening.edc.settlements = [Settlement(0, "000002")]  # the batch was settled already: the terminal starts anew
    evening.to("closing")
    assert state(evening).step == 3
    to_the_seal(evening)
    seal(evening)
    assert (state(evening).edc_total, state(evening).edc_differs) == ("Rp29.000", False)
    assert closed(evening).edc == EdcTotals(29_000, "000002")
    evening.power_cut()
    evening.to("closing")
    assert (state(evening).step, state(evening).can_go_on) == (0, False)
