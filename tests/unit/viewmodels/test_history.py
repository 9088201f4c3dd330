"""Riwayat: find a receipt, see it as printed, print it again, undo it."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import Qr, text_lines
from ewarung_pos.domain.journal import Reversed
from ewarung_pos.errors import LedgerFull, PrinterNotReady
from ewarung_pos.ports import Approved, Declined, Settlement
from ewarung_pos.services.operators import DELAYS_MS
from ewarung_pos.ui.viewmodels.history import REASONS, HistoryLine, HistoryState
from tests.unit.services.counter import DAY_MS, RICE, facts, ration, serve
from tests.unit.viewmodels import closing
from tests.unit.viewmodels.till import LEADER, SITI, ScriptedTill, unplugged


@pytest.fixture
def morning(till: ScriptedTill) -> ScriptedTill:
    """Receipt 1: Sri Wahyuni's rice. Receipt 2: Tukinah's eggs, by purse. Riwayat is in front."""
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.buy("TUKINAH", telur_1=1)
    till.to("history")
    return till


def state(till: ScriptedTill) -> HistoryState:
    return till.vm.history.state


def found(till: ScriptedTill, receipt: int) -> HistoryLine:
    return next(row for row in state(till).rows if row.receipt == receipt)


def opened(till: ScriptedTill, receipt: int) -> None:
    till.vm.history.open(found(till, receipt).entry)
    till.settle()


def reverse(till: ScriptedTill, receipt: int, pin: str = LEADER) -> None:
    opened(till, receipt)
    till.vm.history.ask_reversal()
    till.vm.history.choose_reason("jumlah_salah")
    till.vm.history.confirm_reversal(pin)
    till.settle()


def search(till: ScriptedTill, query: str) -> list[int]:
    till.vm.history.search(query)
    till.settle()
    return [row.receipt for row in state(till).rows]


def test_today_newest_first(morning: ScriptedTill) -> None:
    assert state(morning).title == "Hari ini"
    assert [row.number for row in state(morning).rows] == ["0002", "0001"]
    assert found(morning, 1) == HistoryLine(
        entry=found(morning, 1).entry,
        receipt=1,
        number="0001",
        time="07.26",
        name="SRI WAHYUNI",
        card="•••• 4578",
        goods="Beras 10 kg",
        total="Rp135.000",
        status="asli",
        reversible=True,
    )


def test_before_the_first_day_there_is_nothing(shut: ScriptedTill) -> None:
    shut.to("history")
    assert state(shut).rows == ()


@pytest.mark.parametrize(
    ("query", "receipts"),
    [("sri", [1]), ("4578", [1]), ("2", [2]), ("0002", [2]), ("NI", [1]), ("nobody", []), ("", [2, 1])],
)
def test_search_by_name_digits_and_number(morning: ScriptedTill, query: str, receipts: list[int]) -> None:
    assert search(morning, query) == receipts
    assert state(morning).title == (f"Hasil untuk “{query}”" if query else "Hari ini")


def test_a_search_ends_with_the_visit(morning: ScriptedTill) -> None:
    assert search(morning, "sri") == [1]
    morning.to("counter")
    morning.to("history")
    assert (state(morning).query, state(morning).title) == ("", "Hari ini")
    assert [row.receipt for row in state(morning).rows] == [2, 1]


def test_hits_of_what_was_typed_on_from_are_not_shown(morning: ScriptedTill) -> None:
    seen: list[HistoryState] = []
    morning.vm.history.subscribe(seen.append)
    morning.vm.history.search("s")
    morning.vm.history.search("sri")
    morning.settle()
    assert {each.query for each in seen} == {"", "sri"}


def test_enter_before_the_hits_opens_none_of_several(morning: ScriptedTill) -> None:
    morning.vm.history.submit("i")
    morning.settle()
    assert (state(morning).mode, len(state(morning).rows)) == ("list", 2)


def test_it_is_said_why_a_receipt_cannot_be_reversed(morning: ScriptedTill) -> None:
    assert found(morning, 1).why_not == ""
    reverse(morning, 1)
    assert found(morning, 1).why_not == "Struk ini sudah dibatalkan."
    assert found(morning, 3).why_not.startswith("Ini struk pembatalan.")
    morning.to("closing")
    closing.begin(morning)
    morning.to("history")
    assert found(morning, 2).why_not.startswith("Hari sedang ditutup. Tekan Kembali melayani di Tutup Hari dulu")
    assert found(morning, 1).why_not == "Struk ini sudah dibatalkan."
    morning.edc.settlements = [Settlement(29_000, "000001")]
    closing.count(morning)
    closing.explain(morning)
    closing.to_the_seal(morning)
    closing.seal(morning)
    morning.to("history")
    assert found(morning, 2).why_not == "Hari struk ini sudah disegel, jadi tidak bisa dibatalkan lagi."
    morning.kit.clock.ms += DAY_MS
    morning.kit.day.open("siti", date_confirmed=True)
    search(morning, "tukinah")
    assert found(morning, 2).why_not.startswith("Struk ini dari Selasa 24 Nov 2026.")


def test_what_goes_back_to_whom_is_said_before_the_leader_allows_it_and_after(morning: ScriptedTill) -> None:
    opened(morning, 2)
    assert state(morning).goes_back == (
        "Barangnya harus sudah kembali di meja. KKS Rp29.000 dikembalikan ke kartu lewat EDC."
    )
    morning.vm.history.back()
    morning.settle()
    reverse(morning, 2)
    assert state(morning).said == (
        "Dibatalkan. Barang tercatat kembali di rak. KKS Rp29.000 sudah kembali lewat EDC. Struk pembatalan nomor 0003."
    )
    opened(morning, 1)
    assert state(morning).goes_back == "Barangnya harus sudah kembali di meja. Jatahnya kembali."
    morning.vm.history.back()
    morning.settle()
    opened(morning, 2)
    assert state(morning).goes_back == "", "it is reversed"
    morning.to("counter")
    morning.insert("SRI WAHYUNI")
    morning.choose("cash", minyak_1=1)
    morning.serve()
    morning.vm.counter.finish()
    morning.to("history")
    morning.vm.history.back()
    morning.settle()
    opened(morning, 4)
    assert state(morning).goes_back == (
        "Barangnya harus sudah kembali di meja. Tunai Rp15.700 diserahkan kembali ke keluarga."
    )


def test_a_scanned_receipt_is_that_receipt_and_no_card_that_ends_alike(morning: ScriptedTill) -> None:
    opened(morning, 1)
    document = state(morning).document
    assert document is not None
    (code,) = [block.data for block in document.blocks if isinstance(block, Qr)]
    morning.vm.history.back()
    morning.vm.history.submit(code)
    morning.settle()
    assert (state(morning).mode, [row.receipt for row in state(morning).rows]) == ("receipt", [1])


def test_enter_in_the_search_opens_the_only_hit(morning: ScriptedTill) -> None:
    morning.vm.history.submit("sri")
    morning.settle()
    assert (state(morning).mode, state(morning).selected) == ("receipt", found(morning, 1))


def test_enter_on_a_search_without_a_hit_stays_on_the_list(morning: ScriptedTill) -> None:
    morning.vm.history.submit("nobody")
    morning.settle()
    assert (state(morning).mode, state(morning).rows) == ("list", ())


def test_the_rows_say_at_once_what_was_printed(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="paper_out")]
    till.ration("SRI WAHYUNI", beras_medium_5=2)
    till.to("history")
    assert found(till, 1).status == "asli · belum dicetak"
    opened(till, 1)
    till.vm.history.reprint()
    till.settle()
    selected = state(till).selected
    assert selected is not None
    assert (selected.status, found(till, 1).status) == ("asli", "asli")


def test_a_reversal_takes_off_and_is_no_longer_owed_once_its_paper_came(morning: ScriptedTill) -> None:
    reverse(morning, 1)
    assert [(row.total, row.status) for row in state(morning).rows if row.receipt != 2] == [
        ("−Rp135.000", "pembatalan"),
        ("Rp135.000", "dibatalkan"),
    ]


def test_a_scanned_receipt_is_found_by_its_code(morning: ScriptedTill) -> None:
    document, _ = morning.kit.papers.preview(1)
    code = next(block.data for block in document.blocks if isinstance(block, Qr))
    assert search(morning, f" {code}\n") == [1]
    assert state(morning).title == "Hasil untuk “1”"


def test_a_family_that_the_register_lost_keeps_its_receipts(morning: ScriptedTill) -> None:
    with morning.kit.ledger.write() as uow:
        uow.execute("DELETE FROM register_card WHERE family = 'K00002'")
        uow.execute("DELETE FROM register_family WHERE key = 'K00002'")
    morning.vm.history.activate()
    morning.settle()
    assert found(morning, 1).name == "data keluarga sudah dihapus"


def test_a_receipt_opens_as_it_was_printed(morning: ScriptedTill) -> None:
    opened(morning, 1)
    assert state(morning).mode == "receipt"
    assert state(morning).document == morning.paper.papers[0]
    morning.vm.history.back()
    morning.settle()
    assert (state(morning).mode, state(morning).document, state(morning).selected) == ("list", None, None)
    morning.vm.history.open("no-such-entry")
    morning.settle()
    assert state(morning).mode == "list"


def test_a_reprint_is_a_numbered_copy_and_the_list_says_so(morning: ScriptedTill) -> None:
    opened(morning, 1)
    for number in (1, 2):
        morning.vm.history.reprint()
        assert state(morning).busy == "Mencetak"
        morning.settle()
        assert (state(morning).said, state(morning).busy) == (f"SALINAN ke-{number} sudah dicetak.", "")
        assert "SALINAN" in "\n".join(text_lines(morning.paper.papers[-1], 32))
    morning.vm.history.back()
    morning.settle()
    assert found(morning, 1).status == "asli · 2 salinan"


def test_a_receipt_may_be_saved_in_the_place_of_paper(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="link")]
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.to("history")
    opened(till, 1)
    till.paper.failures = [PrinterNotReady(reason="link")]
    till.vm.history.reprint()
    till.settle()
    assert state(till).no_paper
    till.vm.history.save_pdf()
    assert state(till).busy == "Menyimpan"
    till.settle()
    assert state(till).said == "Struk asli tersimpan sebagai PDF."
    assert not state(till).no_paper
    till.vm.history.save_pdf()
    till.settle()
    assert state(till).said == "SALINAN ke-1 tersimpan sebagai PDF."
    assert (len(till.paper.papers), len(till.files.papers)) == (0, 2)


def test_a_reprint_of_what_never_came_out_is_the_original(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="paper_out"), PrinterNotReady(reason="paper_out")]
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.to("history")
    assert found(till, 1).status == "asli · belum dicetak"
    opened(till, 1)
    till.vm.history.reprint()
    till.settle()
    notice = state(till).notice
    assert notice is not None
    assert (notice.code, state(till).busy) == ("printer_not_ready.paper_out", "")
    till.vm.history.reprint()
    till.settle()
    assert state(till).said == "Struk asli sudah dicetak."
    assert state(till).notice is None
    till.vm.history.dismiss()
    assert state(till).said == ""


def test_a_ration_is_undone_with_reason_and_leader(morning: ScriptedTill) -> None:
    reverse(morning, 1)
    assert state(morning).mode == "list"
    assert state(morning).said == (
        "Dibatalkan. Barang tercatat kembali di rak. Jatahnya sudah kembali. Struk pembatalan nomor 0003."
    )
    assert (found(morning, 1).status, found(morning, 1).reversible) == ("dibatalkan", False)
    assert found(morning, 3).status.startswith("pembatalan")
    fact = next(fact for fact in facts(morning.kit) if isinstance(fact, Reversed))
    assert (fact.reason, fact.approved_by) == ("jumlah_salah", "yuni")
    assert "PEMBATALAN" in "\n".join(text_lines(morning.paper.papers[-1], 32)).upper()


def test_undoing_what_was_paid_in_cash_says_how_much_goes_back(morning: ScriptedTill) -> None:
    morning.to("counter")
    morning.insert("SRI WAHYUNI")
    morning.choose("ration", gula_1=1)
    morning.choose("cash", minyak_1=1)
    morning.serve()
    morning.to("history")
    reverse(morning, 3)
    assert state(morning).said == (
        "Dibatalkan. Barang tercatat kembali di rak. Kembalikan tunai Rp15.700. Jatahnya sudah kembali. "
        "Struk pembatalan nomor 0004."
    )


def test_the_way_to_a_reversal_can_be_left_at_each_step(morning: ScriptedTill) -> None:
    history = morning.vm.history
    opened(morning, 1)
    history.ask_reversal()
    assert state(morning).mode == "reason"
    history.back()
    assert state(morning).mode == "receipt"
    history.ask_reversal()
    history.choose_reason("mutu_buruk")
    assert (state(morning).mode, state(morning).reason) == ("pin", "mutu_buruk")
    history.back()
    assert (state(morning).mode, state(morning).reason) == ("receipt", "")
    history.confirm_reversal(LEADER)
    morning.settle()
    assert not any(isinstance(fact, Reversed) for fact in facts(morning.kit))


@pytest.mark.parametrize("pin", ["000000", SITI])
def test_without_the_leaders_pin_nothing_is_undone(morning: ScriptedTill, pin: str) -> None:
    reverse(morning, 1, pin)
    notice = state(morning).notice
    assert notice is not None
    assert (notice.code, state(morning).mode, state(morning).busy) == ("not_authorised.wrong_pin", "pin", "")
    morning.kit.clock.ms += DELAYS_MS[0]
    morning.vm.history.confirm_reversal(LEADER)
    morning.settle()
    assert found(morning, 1).status == "dibatalkan"


def test_a_reversal_without_its_paper_is_printed_again_from_the_list(morning: ScriptedTill) -> None:
    morning.vm.history.reprint()  # nothing is open, and nothing was undone
    morning.settle()
    assert state(morning).said == ""
    morning.paper.failures = [PrinterNotReady(reason="paper_out")]
    reverse(morning, 1)
    notice = state(morning).notice
    assert notice is not None
    assert (notice.action, state(morning).mode) == ("reprint", "list")
    morning.vm.history.dismiss()
    morning.vm.history.reprint()
    morning.settle()
    assert state(morning).said == "Struk asli sudah dicetak."
    assert morning.kit.papers.owed() == ()


def test_a_second_press_does_not_undo_twice(morning: ScriptedTill) -> None:
    opened(morning, 1)
    morning.vm.history.ask_reversal()
    morning.vm.history.choose_reason("jumlah_salah")
    morning.vm.history.confirm_reversal(LEADER)
    morning.vm.history.confirm_reversal(LEADER)
    morning.settle()
    assert sum(isinstance(fact, Reversed) for fact in facts(morning.kit)) == 1


def test_a_purse_is_voided_before_the_counter_entry(morning: ScriptedTill) -> None:
    reverse(morning, 2)
    assert morning.edc.asked[-2:] == ["release", "void 29000 000042"]
    assert found(morning, 2).status == "dibatalkan"
    assert state(morning).busy == ""


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Declined("12", "declined"), "void"),
        (unplugged(), "void.not_sent"),
        (Declined("", "host_unavailable"), "void.host_unavailable"),
    ],
)
def test_a_void_that_the_edc_refuses_leaves_the_receipt_valid(
    morning: ScriptedTill, answer: Declined | Exception, code: str
) -> None:
    morning.edc.answers = [answer]
    reverse(morning, 2)
    notice = state(morning).notice
    assert notice is not None
    assert (notice.code, state(morning).mode, state(morning).busy) == (code, "receipt", "")
    assert not any(isinstance(fact, Reversed) for fact in facts(morning.kit))
    assert morning.kit.redeem.open_attempts() == ()
    morning.vm.history.ask_reversal()
    morning.vm.history.choose_reason("jumlah_salah")
    morning.vm.history.confirm_reversal(LEADER)
    morning.settle()
    assert found(morning, 2).status == "dibatalkan"


def test_a_void_that_could_not_be_written_is_still_to_be_settled(
    morning: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LedgerFull

    with monkeypatch.context() as disk:
        disk.setattr(morning.kit.reverse, "conclude", full)
        reverse(morning, 2)
    panel = morning.vm.doubt.state.panel
    assert panel is not None
    assert (panel.trouble.code, panel.void, morning.vm.shell.state.screen) == ("doubt.not_recorded", True, "counter")
    morning.vm.doubt.inquire()
    morning.settle()
    assert morning.kit.redeem.open_attempts() == ()
    assert found(morning, 2).status == "dibatalkan"
    assert not any(asked.startswith("inquire") for asked in morning.edc.asked)


def test_a_void_that_another_terminal_did_is_a_doubt_however_often_it_says_so(morning: ScriptedTill) -> None:
    undone = Approved(29_000, "777777", "000042", "", "NEIGHB01", "WARUNGSEBELAH01", "1")
    morning.edc.answers = [undone]
    morning.edc.inquiries = [undone] * 9
    reverse(morning, 2)
    for _ in range(2):
        panel = morning.vm.doubt.state.panel
        assert panel is not None
        assert (panel.trouble.code, panel.void) == ("doubt.other_terminal", True)
        morning.vm.doubt.inquire()
        morning.settle(60_000)
    assert len(morning.kit.redeem.open_attempts()) == 1
    assert not any(isinstance(fact, Reversed) for fact in facts(morning.kit))


def test_without_a_terminal_a_purse_cannot_be_given_back(morning: ScriptedTill) -> None:
    from msgspec.structs import replace

    morning.vm.history._desk = replace(morning.vm.history._desk, terminal=None)
    reverse(morning, 2)
    notice = state(morning).notice
    assert notice is not None
    assert notice.code == "void.not_sent"


def test_a_terminal_that_breaks_during_a_void_is_a_doubt_and_a_bug(morning: ScriptedTill) -> None:
    morning.edc.answers = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        reverse(morning, 2)
    morning.settle()
    assert morning.vm.doubt.state.panel is not None
    assert morning.vm.shell.state.screen == "counter"


def test_looking_at_the_counter_during_a_void_makes_no_doubt(morning: ScriptedTill) -> None:
    opened(morning, 2)
    morning.vm.history.ask_reversal()
    morning.vm.history.choose_reason("jumlah_salah")
    morning.vm.history.confirm_reversal(LEADER)
    morning.runner.post(lambda: morning.vm.shell.go("counter"))
    morning.settle()
    assert morning.vm.doubt.state.panel is None
    assert any(isinstance(fact, Reversed) for fact in facts(morning.kit))


def test_yesterdays_receipt_is_found_and_not_undone(morning: ScriptedTill) -> None:
    kit = morning.kit
    kit.day.begin_close("siti")
    kit.day.explain(kit.day.count(dict(kit.ledger.read().stock()), "siti"), "siti")
    kit.day.seal("siti", None)
    kit.clock.ms += DAY_MS
    kit.day.open("siti")
    serve(kit, kit.card("SUMINAH"), ration(RICE, 1))
    assert search(morning, "") == [3]
    assert search(morning, "sri") == [1]
    assert not found(morning, 1).reversible
    opened(morning, 1)
    morning.vm.history.ask_reversal()
    assert state(morning).mode == "receipt"


def test_what_was_undone_meanwhile_is_refused_in_words(morning: ScriptedTill) -> None:
    from ewarung_pos.services.reverse import ReversalReason

    opened(morning, 1)
    morning.kit.reverse.reverse(found(morning, 1).entry, ReversalReason.WRONG_GOODS, "siti", "yuni")
    morning.vm.history.ask_reversal()
    morning.vm.history.choose_reason("jumlah_salah")
    morning.vm.history.confirm_reversal(LEADER)
    morning.settle()
    notice = state(morning).notice
    assert notice is not None
    assert notice.code == "not_entitled.already_reversed"


def test_without_a_receipt_in_front_nothing_is_printed_or_undone(morning: ScriptedTill) -> None:
    before = state(morning)
    morning.vm.history.reprint()
    morning.vm.history.ask_reversal()
    morning.vm.history.confirm_reversal(LEADER)
    morning.settle()
    assert state(morning) == before


def test_a_bug_is_not_hidden(morning: ScriptedTill) -> None:
    morning.paper.failures = [ZeroDivisionError()]
    opened(morning, 1)
    morning.vm.history.reprint()
    with pytest.raises(ZeroDivisionError):
        morning.settle()


def test_every_reason_to_reverse_can_be_chosen() -> None:
    assert ("jumlah_salah", "jumlah salah") in REASONS
    assert len(REASONS) == 5
