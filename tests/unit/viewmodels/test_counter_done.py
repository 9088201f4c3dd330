"""Selesai: what to hand over, the paper, back to Siap; and trouble on the way there."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import text_lines
from ewarung_pos.domain.journal import ReceiptPrinted, Redeemed
from ewarung_pos.errors import LedgerFull, PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus
from ewarung_pos.ui.viewmodels.counter_state import Mark, Phase
from tests.unit.services.counter import DAY_MS, facts, ration, serve
from tests.unit.viewmodels.closing import begin, count, explain, seal, to_the_seal, up_to_the_seal
from tests.unit.viewmodels.till import ScriptedTill

# --- A day that is over -----------------------------------------------------------------------------------------------


def test_a_family_that_was_left_in_front_is_gone_once_the_day_is_sealed(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.to("closing")
    up_to_the_seal(till)
    seal(till)
    till.to("counter")
    assert till.phase() is Phase.READY
    assert till.counter.day_sealed


# --- Selesai ---------------------------------------------------------------------------------------------------------


def test_done_lists_what_to_hand_over_and_what_is_left(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2, gula_1=1)
    done = till.counter.done
    assert done is not None
    assert [pick.text for pick in done.picks] == ["2 karung Beras medium 5 kg", "1 bungkus Gula pasir 1 kg"]
    assert done.title == "Tercatat. Serahkan 2 macam barang ini"
    assert done.left_title == "Sisa SRI WAHYUNI bulan ini"
    assert [(left.name, left.left) for left in done.left] == [
        ("Beras", "0 kg"),
        ("Gula", "1 kg"),
        ("Minyak", "2 L"),
        ("Tepung", "2 kg"),
    ]
    assert done.paper == "Struk nomor 0001 sudah dicetak"
    assert [step.mark for step in till.counter.steps] == [Mark.DONE, Mark.NOW]
    assert len(till.paper.papers) == 1


def test_a_tick_is_taken_back_by_a_second_press(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2, gula_1=1)
    till.vm.counter.handover.tick(1)
    assert till.counter.done is not None
    assert [pick.ticked for pick in till.counter.done.picks] == [False, True]
    till.vm.counter.handover.tick(1)
    till.vm.counter.handover.tick(0)
    assert [pick.ticked for pick in till.counter.done.picks] == [True, False]


def test_goods_of_one_kind_are_told_apart_by_name(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("cash", beras_medium_5=2, beras_sphp_5=1, wortel_500=1, gula_1=1)
    assert till.counter.summary == "2 beras medium · 1 beras SPHP · 1 wortel · 1 gula"
    till.serve()
    assert till.counter.done is not None
    assert [pick.text for pick in till.counter.done.picks][1:] == [
        "2 karung Beras medium 5 kg",
        "1 karung Beras SPHP 5 kg",
        "1 ikat Wortel 500 g",
        "1 bungkus Gula pasir 1 kg",
    ]


def test_what_was_bought_with_cash_is_handed_over_for_the_cash(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=2)
    till.choose("cash", gula_1=2, minyak_1=1)
    till.serve()
    assert till.counter.done is not None
    assert till.counter.done.title == "Tercatat. Tunai dulu, lalu 3 macam barang"
    assert [(pick.pictogram, pick.text) for pick in till.counter.done.picks] == [
        ("cash", "Terima tunai Rp50.700"),
        ("rice", "2 karung Beras medium 5 kg"),
        ("sugar", "2 bungkus Gula pasir 1 kg"),
        ("oil", "1 botol Minyak goreng 1 L"),
    ]
    for place in (1, 2, 3):
        till.vm.counter.handover.tick(place)
    till.settle(600_000)
    assert till.phase() is Phase.DONE  # the cash is not there yet
    till.vm.counter.handover.tick(0)
    till.settle(11_000)
    assert till.phase() is Phase.READY


def test_goods_that_are_paid_in_two_ways_are_one_kind(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=1)
    till.choose("cash", telur_1=2, minyak_1=1)
    till.serve()
    assert till.counter.done is not None
    assert len(till.counter.done.picks) == 4, "cash, and three lines"
    assert till.counter.done.title == "Tercatat. Tunai dulu, lalu 2 macam barang"


def test_done_stays_until_everything_is_ticked_and_then_goes_back_by_itself(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2, gula_1=1)
    till.vm.counter.handover.tick(0)
    till.settle(600_000)
    assert till.phase() is Phase.DONE
    till.vm.counter.handover.tick(1)
    till.settle(9_000)
    assert till.phase() is Phase.DONE
    till.settle(1_500)
    assert till.phase() is Phase.READY


def test_a_tick_taken_back_keeps_done_in_front(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.vm.counter.handover.tick(0)
    till.settle(5_000)
    till.vm.counter.handover.tick(0)
    till.settle(60_000)
    assert till.phase() is Phase.DONE


def test_the_next_card_may_be_inserted_while_done_is_shown(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.vm.counter.handover.tick(0)
    till.edc.cards = [till.card("SUMINAH")]
    till.poll()
    assert till.phase() is Phase.RECOGNISED
    till.settle(20_000)
    assert till.phase() is Phase.RECOGNISED


def test_a_card_that_lay_in_the_reader_waits_until_the_goods_are_handed_over(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.choose("cash", gula_1=1)
    till.edc.cards = [till.card("SUMINAH")]
    till.serve()
    till.poll()
    assert till.phase() is Phase.DONE
    assert till.counter.done is not None
    assert till.counter.done.next_waits
    till.settle(600_000)
    assert till.phase() is Phase.DONE
    till.vm.counter.finish()
    till.settle()
    assert till.phase() is Phase.RECOGNISED
    assert till.counter.person is not None
    assert till.counter.person.name == "SUMINAH"


def test_a_card_that_waits_is_taken_once_everything_is_ticked(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.edc.cards = [till.card("SUMINAH")]
    till.serve()
    till.poll()
    till.vm.counter.handover.tick(0)
    till.settle(11_000)
    assert till.phase() is Phase.RECOGNISED


def test_a_card_inserted_before_the_eyes_of_the_operator_ends_the_list(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.settle(4_000)
    till.edc.cards = [till.card("SUMINAH")]
    till.poll()
    assert till.phase() is Phase.RECOGNISED


def test_a_card_that_waits_is_nobodys_after_signing_out(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.edc.cards = [till.card("SUMINAH")]
    till.serve()
    till.poll()
    till.vm.shell.sign_out()
    till.settle()
    assert till.phase() is Phase.READY


def test_finishing_by_hand_does_not_end_the_next_family_early(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.vm.counter.handover.tick(0)
    till.vm.counter.finish()
    till.settle(9_000)
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.settle(5_000)
    assert till.phase() is Phase.DONE


def test_a_printer_that_is_not_ready_keeps_done_until_the_paper_came(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="paper_out")]
    till.paper.is_now = DeviceStatus(DeviceState.ATTENTION, "paper_out")
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    done = till.counter.done
    assert done is not None
    assert done.paper == "Struk nomor 0001 belum tercetak"
    assert done.paper_trouble is not None
    till.vm.counter.handover.tick(0)
    assert (done.paper_trouble.code, done.paper_trouble.action) == ("printer_not_ready.paper_out", "reprint")
    till.settle(60_000)
    assert till.phase() is Phase.DONE
    till.vm.counter.handover.reprint()
    till.settle()
    assert till.counter.done is not None
    assert (till.counter.done.paper, till.counter.done.paper_trouble) == ("Struk nomor 0001 sudah dicetak", None)
    assert "SALINAN" not in "\n".join(text_lines(till.paper.papers[0], 32))
    till.settle(11_000)
    assert till.phase() is Phase.READY


def test_a_second_print_is_a_numbered_copy(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.vm.counter.handover.reprint()
    till.settle()
    assert till.counter.done is not None
    assert till.counter.done.paper == "Struk nomor 0001 salinan ke-1 sudah dicetak"
    assert "SALINAN" in "\n".join(text_lines(till.paper.papers[1], 32))


def test_a_paper_that_fails_late_is_not_blamed_on_the_next_family(till: ScriptedTill) -> None:
    """The first family's print comes back while the second family's Selesai is shown."""
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    first = till.counter.done
    assert first is not None
    till.ration("SUMINAH", beras_medium_5=1)
    till.vm.counter.handover._not_printed(first.entry, PrinterNotReady(reason="paper_out"))
    assert till.counter.done is not None
    assert till.counter.done.paper_trouble is None


def test_a_bug_while_printing_is_not_hidden(till: ScriptedTill) -> None:
    till.paper.failures = [ZeroDivisionError()]
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.vm.counter.serve()
    with pytest.raises(ZeroDivisionError):
        till.settle()


# --- trouble ---------------------------------------------------------------------------------------------------------


def test_what_changed_behind_the_screen_comes_back_to_the_basket(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=2)
    serve(till.kit, till.kit.card("SRI WAHYUNI"), ration("beras-medium-5", 2))
    till.serve()
    assert till.phase() is Phase.RECOGNISED
    assert till.counter.notice is not None
    assert till.counter.notice.code == "allotment_exhausted"
    till.vm.counter.dismiss()
    assert till.counter.notice is None


def test_cancelling_at_a_notice_only_leaves_the_notice(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=2)
    serve(till.kit, till.kit.card("SRI WAHYUNI"), ration("beras-medium-5", 2))
    till.serve()
    till.vm.counter.cancel()
    assert (till.phase(), till.counter.notice) == (Phase.RECOGNISED, None)


def test_once_the_day_is_sealed_the_counter_says_so_and_not_that_it_is_unopened(till: ScriptedTill) -> None:
    assert not till.counter.day_sealed
    till.vm.counter.finish()
    till.to("closing")
    begin(till)
    count(till)
    explain(till)
    to_the_seal(till)
    seal(till)
    till.to("counter")
    assert (till.counter.day_open, till.counter.day_sealed) == (False, True)
    till.kit.clock.wall_ahead_ms += DAY_MS
    till.to("counter")
    assert (till.counter.day_open, till.counter.day_sealed) == (False, False)


def test_an_empty_basket_is_left_at_once(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.vm.counter.cancel()
    till.settle()
    assert till.phase() is Phase.READY


def test_a_full_disk_is_said_where_it_happened(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(card: object) -> None:
        raise LedgerFull

    monkeypatch.setattr(till.kit.redeem, "identify", full)
    till.insert("SUMINAH")
    assert till.phase() is Phase.REFUSED
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "ledger_full"


def test_a_bug_while_serving_is_not_hidden(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError

    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    monkeypatch.setattr(till.kit.redeem, "redeem", broken)
    till.vm.counter.serve()
    with pytest.raises(ZeroDivisionError):
        till.settle()
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "bug"


def test_a_ration_cannot_be_cancelled_once_it_is_being_recorded(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.vm.counter.serve()
    assert (till.counter.can_cancel, till.counter.why_no_cancel) == (False, "Penyaluran sedang dicatat.")
    till.vm.counter.cancel()
    till.vm.counter.finish()
    till.settle()
    assert till.phase() is Phase.DONE
    assert "abort" not in till.edc.asked


def test_cancelling_a_basket_goes_back_to_ready_and_sells_nothing(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.vm.counter.cancel()
    till.settle()
    assert (till.phase(), till.counter.asks_discard) == (Phase.RECOGNISED, True)
    till.choose("ration", beras_medium_5=2)  # going on with it is an answer too
    assert not till.counter.asks_discard
    till.vm.counter.cancel()
    till.vm.counter.cancel()
    till.settle()
    assert till.phase() is Phase.READY
    assert not any(isinstance(fact, Redeemed) for fact in facts(till.kit))


# --- a dead printer --------------------------------------------------------------------------------------------------


def dead(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="link")] * 9


def test_a_receipt_that_no_printer_prints_is_shown_on_the_screen_when_somebody_says_so(till: ScriptedTill) -> None:
    dead(till)
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    assert till.counter.done is not None
    assert till.counter.done.on_screen is None
    assert till.files.papers == [], "nothing takes the place of paper by itself"
    till.vm.counter.handover.show_on_screen()
    till.settle()
    done = till.counter.done
    assert (done.paper, done.paper_trouble) == ("Struk nomor 0001 tersimpan sebagai PDF", None)
    assert done.on_screen == till.files.papers[0]
    assert "SALINAN" not in "\n".join(text_lines(done.on_screen, 32))
    assert facts(till.kit)[-1] == ReceiptPrinted(1, done.entry, 0, "pdf")
    assert till.kit.papers.owed() == ()


def test_what_the_printer_prints_of_it_later_is_a_numbered_copy(till: ScriptedTill) -> None:
    dead(till)
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.vm.counter.handover.show_on_screen()
    till.settle()
    till.paper.failures = []
    for number in (1, 2):
        till.vm.counter.handover.reprint()
        till.settle()
        assert till.counter.done is not None
        assert till.counter.done.paper == f"Struk nomor 0001 salinan ke-{number} sudah dicetak"
        assert f"SALINAN ke-{number}" in "\n".join(text_lines(till.paper.papers[-1], 32))


def test_selesai_waits_until_the_receipt_on_the_screen_was_looked_at(till: ScriptedTill) -> None:
    dead(till)
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.vm.counter.handover.tick(0)
    till.vm.counter.handover.show_on_screen()
    till.settle(600_000)
    assert till.phase() is Phase.DONE
    till.vm.counter.handover.close_screen()
    assert till.counter.done is not None
    assert till.counter.done.on_screen is None
    till.vm.counter.handover.close_screen()
    till.settle(11_000)
    assert till.phase() is Phase.READY


def test_a_receipt_that_came_out_is_not_taken_to_the_screen(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.vm.counter.handover.show_on_screen()
    till.settle()
    assert till.files.papers == []


def test_a_file_that_cannot_be_written_leaves_the_receipt_owed(till: ScriptedTill) -> None:
    dead(till)
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.files.failures = [PrinterNotReady(reason="disk")]
    till.vm.counter.handover.show_on_screen()
    till.settle()
    assert till.counter.done is not None
    assert till.counter.done.paper_trouble is not None
    assert till.counter.done.paper_trouble.code == "printer_not_ready.disk"
    assert len(till.kit.papers.owed()) == 1


def test_a_till_without_a_printer_files_its_receipts_and_covers_no_screen(till: ScriptedTill) -> None:
    till.paper.paper = "pdf"
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    assert till.counter.done is not None
    assert (till.counter.done.paper, till.counter.done.on_screen) == ("Struk nomor 0001 tersimpan sebagai PDF", None)


def test_the_choice_outlives_a_power_cut(till: ScriptedTill) -> None:
    """Cut off before the choice the paper is owed and comes out by itself; after it, nothing is printed twice."""
    dead(till)
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.vm.counter.handover.show_on_screen()
    till.settle()
    till.ration("SUMINAH", beras_medium_5=1)
    till.power_cut()
    till.settle()
    assert [document.name for document in till.paper.papers] == ["struk-2026-11-24-0002"]


def test_enter_under_the_question_whether_to_throw_the_basket_away_hands_nothing_out(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.vm.counter.cancel()
    till.serve()
    assert (till.phase(), till.counter.asks_discard) == (Phase.RECOGNISED, False)
    assert not [fact for fact in facts(till.kit) if isinstance(fact, Redeemed)]
    till.serve()
    assert till.phase() is Phase.DONE
