"""Tutup Hari: count, explain, send."""

from __future__ import annotations

from ewarung_pos.domain.business_day import DayState, EdcTotals
from ewarung_pos.domain.documents import text_lines
from ewarung_pos.domain.journal import StockAdjusted
from ewarung_pos.ports import SyncPhase, SyncReport
from ewarung_pos.services.operators import DELAYS_MS
from ewarung_pos.ui.viewmodels.closing_sheet import REASONS, CountRow, differences
from ewarung_pos.ui.viewmodels.counter_state import Phase
from tests.unit.services.counter import DAY_MS, RICE, facts
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
from tests.unit.viewmodels.till import LEADER, ScriptedTill

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
        "beras: jatah 10 kg",
        "diserahkan 10 kg",
        "di struk 10 kg",
        "stok −10 kg",
        "telur: KKS 1 kg",
        "diserahkan 1 kg",
        "di struk 1 kg",
        "stok −1 kg",
    ]
    assert state(evening).story_agrees
    explain(evening)
    assert (state(evening).step, state(evening).sending) == (3, False)
    to_the_seal(evening)
    assert (state(evening).step, state(evening).till_purse, state(evening).edc_asked) == (4, "Rp29.000", False)
    assert (state(evening).can_go_on, state(evening).busy) == (True, "")
    assert "settle" not in evening.edc.asked
    assert ("Nilai jatah", "Rp135.000") in state(evening).figures
    seal(evening)
    assert evening.edc.asked.count("settle") == 1
    assert (state(evening).edc_total, state(evening).edc_differs) == ("Rp29.000", False)
    assert state(evening).step == 5
    assert state(evening).said == "Hari disegel. Laporan tutup hari sudah dicetak."
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
    to_the_seal(shut)
    seal(shut)
    assert state(shut).step == 5
    assert state(shut).story == ()


def test_no_card_is_served_once_the_close_began_and_again_when_it_is_called_off(evening: ScriptedTill) -> None:
    begin(evening)
    evening.to("counter")
    assert (evening.counter.day_open, evening.counter.day_closing) == (False, True)
    evening.insert("SUMINAH")
    assert refusal(evening) == ("refusal.day_closing", "go_closing")
    evening.to("closing")
    evening.vm.closing.back_to_serving()
    evening.settle()
    assert (state(evening).step, state(evening).can_go_on) == (0, True)
    assert (evening.vm.shell.state.screen, evening.counter.day_open) == ("counter", True)
    assert (evening.phase(), evening.counter.refusal) == (Phase.READY, None)
    evening.insert("SUMINAH")
    assert evening.counter.refusal is None


def test_a_close_that_is_under_way_is_what_every_screen_says_and_leads_to(evening: ScriptedTill) -> None:
    begin(evening)
    evening.to("counter")
    assert (evening.counter.day_closing, evening.counter.day_sealed) == (True, False)
    evening.to("day")
    opening = evening.vm.day.state
    assert (opening.already, opening.closing, opening.can_open) == (True, True, False)
    evening.to("stock")
    evening.vm.stock.begin_receiving()
    evening.vm.stock.describe("Bulog", "SJ-1")
    evening.vm.stock.set_receiving(RICE, 3)
    evening.vm.stock.receive()  # says it once more
    evening.vm.stock.receive()
    evening.settle()
    told = evening.vm.stock.state.notice
    assert told is not None
    assert (told.title, told.action) == ("Hari sedang ditutup", "go_closing")


def test_no_screen_shows_the_book_until_the_count_is_recorded(evening: ScriptedTill) -> None:
    def told() -> tuple[set[int | None], bool, bool, str]:
        evening.to("stock")
        evening.to("day")
        shelf = evening.vm.stock.state
        facts_of_the_morning = " ".join(fact.text for fact in evening.vm.day.state.facts)
        evening.to("closing")
        return {each.on_hand for each in shelf.rows}, shelf.blind, shelf.closing, facts_of_the_morning

    on_hand, blind, closing, morning = told()
    assert None not in on_hand
    assert (blind, closing) == (False, False)
    assert "menurut catatan" in morning
    begin(evening)
    on_hand, blind, closing, morning = told()
    assert (on_hand, blind, closing) == ({None}, True, True)
    assert {each.content for each in evening.vm.stock.state.rows} == {""}
    assert "menurut catatan" not in morning
    count(evening)
    on_hand, blind, closing, _ = told()
    assert None not in on_hand
    assert (blind, closing) == (False, True)


def test_a_refusal_does_not_outlive_the_close_that_was_its_reason(evening: ScriptedTill) -> None:
    begin(evening)
    evening.to("counter")
    evening.insert("SUMINAH")
    recorded = len(facts(evening.kit))
    evening.to("closing")
    evening.to("counter")
    assert refusal(evening) == ("refusal.day_closing", "go_closing")
    evening.to("closing")
    count(evening)
    explain(evening)
    to_the_seal(evening)
    seal(evening)
    sealed = len(facts(evening.kit))
    evening.to("counter")
    assert refusal(evening) == ("refusal.day_sealed", "dismiss")
    assert evening.counter.person is not None
    assert recorded < sealed == len(facts(evening.kit))
    evening.vm.counter.finish()
    evening.settle()
    assert (evening.phase(), evening.counter.day_sealed) == (Phase.READY, True)
    evening.to("closing")
    evening.insert("SUMINAH")
    evening.kit.clock.ms += DAY_MS
    evening.to("counter")
    assert refusal(evening) == ("refusal.day_not_open", "go_day")


def test_serving_can_be_taken_up_again_up_to_the_seal(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    assert state(evening).step == 4
    evening.vm.closing.back_to_serving()
    evening.settle()
    assert evening.vm.shell.state.screen == "counter"
    evening.ration("SUMINAH", beras_medium_5=1)


def test_a_seal_that_is_being_set_is_not_called_off(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    evening.vm.closing.seal()
    evening.vm.closing.back_to_serving()
    evening.settle()
    assert (state(evening).step, notice(evening)) == (5, "")


def test_who_went_elsewhere_meanwhile_is_not_fetched_back_to_the_counter(evening: ScriptedTill) -> None:
    begin(evening)
    evening.vm.closing.back_to_serving()
    evening.vm.shell.go("history")
    evening.settle()
    assert evening.vm.shell.state.screen == "history"


def test_a_basket_under_way_when_the_close_began_says_so(evening: ScriptedTill) -> None:
    evening.to("counter")
    evening.insert("SUMINAH")
    evening.choose("ration", beras_medium_5=1)
    evening.to("closing")
    begin(evening)
    evening.to("counter")
    evening.serve()
    told = evening.counter.notice
    assert told is not None
    assert told.title == "Hari sedang ditutup"


def test_the_first_figure_says_what_paid_for_the_goods_on_screen_and_paper(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=2)
    till.choose("cash", beras_sphp_5=1)
    till.serve()
    till.vm.counter.finish()
    till.to("closing")
    begin(till)
    count(till)
    assert state(till).story[0].text == "beras: jatah 10 kg + tunai 5 kg"
    explain(till)
    to_the_seal(till)
    seal(till)
    paper = "\n".join(text_lines(till.paper.papers[-1], 32))
    assert "jatah 10 kg + tunai 5 kg" in paper
    assert "hak" not in paper.split()


def test_what_was_undone_completely_tells_no_story(evening: ScriptedTill) -> None:
    from ewarung_pos.services.reverse import ReversalReason

    entry = evening.kit.papers.preview(1)[1]
    evening.kit.reverse.reverse(entry, ReversalReason.WRONG_GOODS, "siti", "yuni")
    begin(evening)
    count(evening)
    assert state(evening).story[0].text == "telur: KKS 1 kg"
    assert state(evening).story_agrees


def refusal(till: ScriptedTill) -> tuple[str, str]:
    """Code and action of what keeps the card from being served."""
    assert till.counter.refusal is not None
    return till.counter.refusal.code, till.counter.refusal.action


def test_nothing_can_be_closed_that_is_not_open(shut: ScriptedTill) -> None:
    shut.to("closing")
    assert (state(shut).step, state(shut).can_go_on, state(shut).sealed_today) == (0, False, False)
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
    assert (sugar.difference, sugar.differs) == ("−1 bungkus", True)
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
    assert row(evening, "gula-1").difference == "+2 bungkus"


def test_a_large_difference_needs_the_leader(evening: ScriptedTill) -> None:
    begin(evening)
    count(evening, gula_1=6)
    evening.vm.closing.choose_reason("gula-1", "rusak")
    assert state(evening).needs_leader
    for pin, code in (("", "not_authorised.second_person"), ("000000", "not_authorised.wrong_pin")):
        explain(evening, pin)
        assert (notice(evening), state(evening).step) == (code, 2)
    evening.kit.clock.ms += DELAYS_MS[0]
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
    to_the_seal(evening)
    seal(evening)
    assert state(evening).step == 5


def test_a_leader_is_told_the_largest_differences_first_and_how_many_more_there_are() -> None:
    rows = tuple(
        CountRow(name, name, "", "karung", 100, 100 + packs, f"{packs:+d} karung", packs != 0, "bocor", note)
        for name, packs, note in (
            ("Gula", -1, ""),
            ("Beras", 40, "datang malam"),
            ("Tepung", 0, ""),
            ("Minyak", -2, ""),
        )
    )
    assert differences(rows, 6) == (
        "Beras: +40 karung, datang malam",
        "Minyak: -2 karung, bungkus bocor",
        "Gula: -1 karung, bungkus bocor",
    )
    assert differences(rows, 1) == ("Beras: +40 karung, datang malam", "dan 2 barang lain")


def test_the_count_goes_along_the_shelf_as_stok_shows_it(till: ScriptedTill) -> None:
    till.to("stock")
    shelf = [row.product for row in till.vm.stock.state.rows]
    begin(till)
    assert [row.product for row in state(till).rows] == shelf
    count(till, gula_1=1)
    assert [row.product for row in state(till).rows] == shelf
