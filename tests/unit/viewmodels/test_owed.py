"""A till that died between the record and the paper: whose goods are open is said, and the paper comes by itself."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import text_lines
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ports import DeviceState, DeviceStatus
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.owed import ANY, OwedDesk, OwedViewModel
from tests.unit.services.counter import cash, ration, serve
from tests.unit.viewmodels.closing import seal, up_to_the_seal
from tests.unit.viewmodels.till import LEADER, SITI, ScriptedTill


def recorded(till: ScriptedTill, name: str, packs: int = 1) -> None:
    """The record is there, and the machine dies before the paper."""
    serve(till.kit, till.kit.card(name), ration("beras-medium-5", packs))


def told(till: ScriptedTill) -> str:
    return till.vm.shell.state.recovered


def notice(till: ScriptedTill) -> str:
    found = till.vm.shell.state.notice
    return found.code if found is not None else ""


def test_after_a_death_the_paper_comes_by_itself_and_the_family_is_named(till: ScriptedTill) -> None:
    recorded(till, "SRI WAHYUNI", 2)
    till.power_cut()
    assert till.kit.papers.owed() == ()
    assert till.vm.owed.state.printed == (1,)
    assert [lamp.word for lamp in till.vm.shell.state.lamps][1] == "Struk siap"
    assert told(till).startswith("Struk 0001 SRI WAHYUNI (")
    assert "(Beras 10 kg)" in told(till)
    assert told(till).endswith("tercatat sebelum komputer mati; serahkan barang bila belum.")


def test_a_paper_whose_printing_was_cut_off_says_that_it_may_be_out(till: ScriptedTill) -> None:
    recorded(till, "SRI WAHYUNI")
    (job,) = till.kit.papers.owed()
    with till.kit.ledger.write() as uow:
        uow.print_tried(job.id)
    plain = text_lines(till.kit.papers.preview(1)[0], 32)
    till.power_cut()
    (paper,) = till.paper.papers
    assert set(text_lines(paper, 32)) - set(plain)
    assert till.kit.papers.owed() == ()


def test_the_sentence_stays_until_it_was_read_and_is_shown_to_nobody_else(till: ScriptedTill) -> None:
    recorded(till, "SRI WAHYUNI")
    till.power_cut()
    shell = till.vm.shell
    till.to("history")
    till.to("counter")
    shell.sign_out()
    till.settle()
    assert told(till) == ""
    shell.sign_in("yuni", LEADER)
    till.settle()
    assert "SRI WAHYUNI" in told(till)
    shell.dismiss()
    assert told(till) == ""
    shell.sign_out()
    shell.sign_in("siti", SITI)
    till.settle()
    assert told(till) == ""


def test_a_till_that_ended_in_order_says_nothing(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.power_cut()
    assert (told(till), till.vm.owed.state.printed, till.vm.owed.state.over) == ("", (), True)


def test_what_was_reversed_is_printed_and_not_named(till: ScriptedTill) -> None:
    recorded(till, "SRI WAHYUNI")
    entry = till.kit.papers.owed()[0].entry
    till.vm.history.activate()
    till.settle()
    till.vm.history.open(entry)
    till.settle()
    till.vm.history.ask_reversal()
    till.vm.history.choose_reason("jumlah_salah")
    till.vm.history.confirm_reversal(LEADER)
    till.settle()
    till.power_cut()
    assert till.vm.owed.state.printed == (1,)
    assert told(till) == ""


def test_a_paper_of_a_day_that_is_closed_names_nobody(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    evening.paper.failures = [PrinterNotReady(reason="paper_out")]
    seal(evening)
    evening.power_cut()
    assert (evening.vm.owed.state.printed, told(evening)) == ((0,), "")


def test_many_are_counted_and_not_all_named(till: ScriptedTill) -> None:
    for _ in range(4):
        serve(till.kit, till.kit.card("SRI WAHYUNI"), cash("telur-1", 1))
    till.power_cut()
    assert told(till).count("Struk ") == 3
    assert "dan 1 struk lain, lihat Riwayat" in told(till)
    assert till.vm.owed.state.printed == (1, 2, 3, 4)


def test_a_printer_that_is_not_ready_is_said_and_the_family_after_it(till: ScriptedTill) -> None:
    recorded(till, "SRI WAHYUNI")
    till.power_cut(PrinterNotReady(reason="paper_out"))
    assert notice(till) == "printer_not_ready.paper_out"
    banner = till.vm.shell.state.notice
    assert banner is not None
    assert banner.now == "Pasang gulungan baru, lalu Cetak ulang di Riwayat."
    assert len(till.kit.papers.owed()) == 1
    till.vm.shell.dismiss()
    assert notice(till) == ""
    assert "SRI WAHYUNI" in told(till)
    assert till.phase() is Phase.READY


def test_a_bug_while_printing_is_not_hidden(till: ScriptedTill) -> None:
    recorded(till, "SRI WAHYUNI")
    with pytest.raises(RuntimeError):
        till.power_cut(RuntimeError())


def test_what_was_printed_from_the_history_meanwhile_is_not_printed_twice(till: ScriptedTill) -> None:
    recorded(till, "SRI WAHYUNI")
    (job,) = till.kit.papers.owed()
    said: list[str] = []
    owed = OwedViewModel(
        OwedDesk(
            till.kit.ledger, till.kit.papers, till.paper, lambda: ANY, said.append, lambda _: None, lambda _: None
        ),
        till.runner,
    )
    owed.begin()
    till.kit.papers.print_out(job, till.paper)
    owed.begin()
    till.settle()
    assert len(said) == 1
    assert (owed.state.over, owed.state.printed) == (True, ())
    assert len(till.paper.papers) == 1


# -- while the till runs ----------------------------------------------------------------------------------------------


def out_of_paper(till: ScriptedTill, tries: int = 1) -> None:
    """The next `tries` papers do not come out, and the printer says so from now on."""
    till.paper.failures = [PrinterNotReady(reason="paper_out")] * tries
    till.paper.is_now = DeviceStatus(DeviceState.ATTENTION, "paper_out")


def new_roll(till: ScriptedTill) -> None:
    """Somebody has changed the paper."""
    till.paper.failures = []
    till.paper.is_now = DeviceStatus(DeviceState.READY)


def printed(till: ScriptedTill) -> tuple[int, ...]:
    return till.vm.owed.state.printed


def looked(till: ScriptedTill) -> None:
    """So long until the printer was surely looked at again while it is away."""
    till.settle(2_100)


def kept_back(till: ScriptedTill, *names: str) -> None:
    """Families that were served without a receipt, each of whom has left."""
    out_of_paper(till, len(names))
    for name in names:
        till.ration(name, beras_medium_5=1)
        till.vm.counter.finish()
        till.settle()


def test_what_a_dead_printer_kept_back_comes_out_in_order_once_it_is_back(till: ScriptedTill) -> None:
    kept_back(till, "SRI WAHYUNI", "SUMINAH")
    looked(till)
    assert till.paper.papers == []
    new_roll(till)
    looked(till)
    assert printed(till) == (1, 2)
    assert [paper.name[-4:] for paper in till.paper.papers] == ["0001", "0002"]
    assert not any("SALINAN" in "\n".join(text_lines(paper, 32)) for paper in till.paper.papers)
    assert [lamp.word for lamp in till.vm.shell.state.lamps][1] == "Struk siap"
    till.settle(120_000)
    assert len(till.paper.papers) == 2


def test_a_printer_that_failed_is_looked_at_again_within_two_seconds(till: ScriptedTill) -> None:
    till.settle(2_000)  # it was looked at, and is fine: the next look is half a minute away
    out_of_paper(till)
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    new_roll(till)
    looked(till)
    assert len(till.paper.papers) == 1


def test_papers_come_out_between_families_and_not_while_one_is_served(till: ScriptedTill) -> None:
    kept_back(till, "SRI WAHYUNI")
    till.insert("SUMINAH")
    new_roll(till)
    till.settle(60_000)
    assert till.paper.papers == []
    till.vm.counter.cancel()
    till.settle()
    assert printed(till) == (1,)


def test_the_family_in_front_gets_its_paper_at_once_and_the_others_after_it(till: ScriptedTill) -> None:
    kept_back(till, "SRI WAHYUNI")
    out_of_paper(till)
    till.ration("SUMINAH", beras_medium_5=1)
    new_roll(till)
    looked(till)
    assert printed(till) == (2,)
    assert till.counter.done is not None
    assert (till.counter.done.paper, till.counter.done.paper_trouble) == ("Struk nomor 0002 sudah dicetak", None)
    till.vm.counter.finish()
    till.settle()
    assert printed(till) == (2, 1)


def test_who_presses_while_it_comes_by_itself_gets_no_copy(till: ScriptedTill) -> None:
    out_of_paper(till)
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    new_roll(till)
    till.vm.owed.printer_back()
    till.vm.counter.handover.reprint()  # the screen still says that nothing came out
    till.vm.counter.handover.show_on_screen()
    till.settle()
    assert len(till.paper.papers) == 1
    assert till.files.papers == []
    assert till.counter.done is not None
    assert till.counter.done.paper == "Struk nomor 0001 sudah dicetak"


def test_no_drawer_opens_for_a_paper_that_comes_late(till: ScriptedTill) -> None:
    out_of_paper(till)
    till.insert("SRI WAHYUNI")
    till.choose("cash", telur_1=1)
    till.serve()
    (job,) = till.kit.papers.owed()
    assert till.kit.papers.document(job).cash
    new_roll(till)
    looked(till)
    assert [paper.cash for paper in till.paper.papers] == [False]


def test_a_paper_that_is_perhaps_out_comes_once_more_says_so_and_is_then_left(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="no_answer_after", maybe_out=True)]
    till.paper.is_now = DeviceStatus(DeviceState.AWAY, "link")
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.vm.counter.finish()
    plain = text_lines(till.kit.papers.preview(1)[0], 32)
    new_roll(till)
    till.paper.failures = [PrinterNotReady(reason="no_answer_after", maybe_out=True)]
    looked(till)
    for _ in range(5):
        till.paper.is_now = DeviceStatus(DeviceState.AWAY, "link")
        looked(till)
        new_roll(till)
        till.settle(60_000)
    assert till.paper.papers == []
    assert len(till.kit.papers.owed()) == 1
    till.power_cut()
    (paper,) = till.paper.papers
    assert set(text_lines(paper, 32)) - set(plain)


def test_a_paper_that_was_torn_comes_by_itself_with_the_new_roll_and_says_so(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="paper_out", maybe_out=True)]
    till.paper.is_now = DeviceStatus(DeviceState.ATTENTION, "paper_out")
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.vm.counter.finish()
    looked(till)
    assert till.paper.papers == []
    new_roll(till)
    looked(till)
    (paper,) = till.paper.papers
    assert "yang asli mungkin sudah tercetak" in " ".join(text_lines(paper, 32))
    assert till.kit.papers.owed() == ()


def test_a_printer_that_says_ready_and_prints_nothing_is_not_asked_for_it_without_end(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="stalled")] * 3
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.vm.counter.finish()
    till.settle(600_000)
    assert len(till.paper.failures) == 1  # once by the counter, once by itself
    till.vm.shell.dismiss()
    till.paper.failures = []
    till.ration("SUMINAH", beras_medium_5=1)  # its own paper came out
    till.vm.counter.finish()
    till.settle(60_000)
    assert len(till.kit.papers.owed()) == 1  # the one that failed waits for the printer to have been away
    till.paper.is_now = DeviceStatus(DeviceState.AWAY, "link")
    till.settle(60_000)
    new_roll(till)
    looked(till)
    assert till.kit.papers.owed() == ()


def test_nothing_comes_out_where_nobody_has_signed_in(till: ScriptedTill) -> None:
    kept_back(till, "SRI WAHYUNI")
    till.vm.shell.sign_out()
    new_roll(till)
    till.settle(120_000)
    assert till.paper.papers == []
    till.vm.shell.sign_in("siti", SITI)
    till.settle(30_000)
    assert printed(till) == (1,)


def test_a_paper_that_fails_again_by_itself_is_said(till: ScriptedTill) -> None:
    kept_back(till, "SRI WAHYUNI")
    new_roll(till)
    till.paper.failures = [PrinterNotReady(reason="cutter")]
    looked(till)
    assert notice(till) == "printer_not_ready.cutter"
    assert len(till.kit.papers.owed()) == 1


def test_a_bug_in_a_paper_that_comes_by_itself_is_not_hidden(till: ScriptedTill) -> None:
    out_of_paper(till)
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    new_roll(till)
    till.paper.failures = [RuntimeError()]
    with pytest.raises(RuntimeError):
        looked(till)


def test_a_report_that_the_printer_kept_back_comes_by_itself_and_the_page_says_so(evening: ScriptedTill) -> None:
    up_to_the_seal(evening)
    evening.paper.failures = [PrinterNotReady(reason="paper_out")]
    evening.paper.is_now = DeviceStatus(DeviceState.ATTENTION, "paper_out")
    seal(evening)
    assert evening.vm.closing.state.said == "Hari disegel. Laporan tutup hari belum tercetak."
    new_roll(evening)
    looked(evening)
    assert evening.vm.closing.state.said == "Hari disegel. Laporan tutup hari sudah dicetak."
    assert evening.vm.closing.state.paper_trouble is None
    assert evening.kit.papers.owed() == ()


def test_the_history_says_at_once_that_a_paper_came_out(till: ScriptedTill) -> None:
    kept_back(till, "SRI WAHYUNI")
    till.to("history")
    assert "belum dicetak" in till.vm.history.state.rows[0].status
    new_roll(till)
    looked(till)
    assert till.vm.history.state.rows[0].status == "asli"
