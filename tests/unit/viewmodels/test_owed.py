"""A till that died between the record and the paper: whose goods are open is said, and the paper comes by itself."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import text_lines
from ewarung_pos.errors import PrinterNotReady
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.owed import OwedDesk, OwedViewModel
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
    assert told(till).endswith("tercatat sebelum kasir mati; serahkan barang bila belum.")


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
        OwedDesk(till.kit.ledger, till.kit.papers, till.paper, said.append, lambda _: None, lambda: None), till.runner
    )
    owed.begin()
    till.kit.papers.print_out(job, till.paper)
    owed.begin()
    till.settle()
    assert len(said) == 1
    assert (owed.state.over, owed.state.printed) == (True, ())
    assert len(till.paper.papers) == 1
