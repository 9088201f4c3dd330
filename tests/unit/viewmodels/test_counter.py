"""The counter: card in, basket, Salurkan, Selesai, and back to Siap."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.journal import Redeemed, RedemptionRefused
from ewarung_pos.errors import DeviceProtocolError
from ewarung_pos.ports import DeviceState
from ewarung_pos.ui.viewmodels.counter import CounterViewModel
from ewarung_pos.ui.viewmodels.counter_state import CounterState, Phase, Section, ShelfRow
from tests.unit.services.counter import facts, tell_city
from tests.unit.viewmodels.till import ScriptedTill, unplugged


def section(state: CounterState, name: str) -> Section:
    return next(found for found in state.sections if found.id == name)


def row(state: CounterState, name: str, product: str) -> ShelfRow:
    return next(found for found in section(state, name).rows if found.product == product)


# --- Siap ------------------------------------------------------------------------------------------------------------


def test_ready_tells_what_the_morning_was(till: ScriptedTill) -> None:
    assert till.phase() is Phase.READY
    assert till.counter.day_open
    assert till.counter.opened == "buka 07.26"
    assert [(item.word, item.value) for item in till.counter.tally] == [("keluarga", "0")]
    till.ration("SRI WAHYUNI", beras_medium_5=2, gula_1=1)
    till.vm.counter.finish()
    till.settle()
    assert [(item.word, item.value) for item in till.counter.tally] == [
        ("keluarga", "1"),
        ("beras", "10 kg"),
        ("gula", "1 kg"),
    ]


def test_before_the_day_is_open_there_is_no_tally(shut: ScriptedTill) -> None:
    shut.to("counter")
    assert not shut.counter.day_open
    assert (shut.counter.tally, shut.counter.opened) == ((), "")


def test_a_card_in_the_reader_is_recognised(till: ScriptedTill) -> None:
    till.edc.cards = [till.card("SUMINAH")]
    till.poll()
    assert till.phase() is Phase.RECOGNISED


def test_a_reader_that_goes_away_says_why_and_comes_back_by_itself(till: ScriptedTill) -> None:
    till.edc.cards = [unplugged(), unplugged(), till.card("SUMINAH")]
    till.poll()
    assert till.phase() is Phase.READY
    assert till.counter.reader is not None
    assert till.counter.reader.code == "device_unavailable.unplugged"
    till.settle(1_000)
    assert till.counter.reader is not None
    till.settle(1_000)
    assert till.phase() is Phase.RECOGNISED
    assert till.counter.reader is None


def test_without_a_reader_no_card_is_asked_for_and_the_way_on_is_said(till: ScriptedTill) -> None:
    till.edc.state = DeviceState.NONE
    till.poll()
    reader = till.counter.reader
    assert reader is not None
    assert (reader.title, reader.action) == ("Belum ada pembaca kartu", "type_card")
    assert "ketua" in reader.now
    till.vm.counter.finish()
    assert till.counter.reader is reader
    again = CounterViewModel(till.vm.counter._desk, till.runner, lambda *_: None)
    assert again.state.reader is reader  # before the first look at the reader too


def test_a_reader_that_talks_nonsense_is_told_from_one_that_is_away(till: ScriptedTill) -> None:
    till.edc.cards = [DeviceProtocolError(reason="bad_frame")]
    till.poll()
    assert till.counter.reader is not None
    assert till.counter.reader.code == "device_protocol"


def test_no_card_is_read_while_another_screen_is_in_front(till: ScriptedTill) -> None:
    till.to("stock")
    till.poll()
    till.edc.cards = [till.card("SUMINAH")]
    till.settle(5_000)
    assert till.phase() is Phase.READY
    assert len(till.edc.cards) == 1
    till.to("counter")
    assert till.phase() is Phase.RECOGNISED


def test_a_card_that_comes_in_while_the_screen_is_left_is_not_looked_up(till: ScriptedTill) -> None:
    till.to("stock")
    till.settle(1)
    till.edc.cards = [till.card("SUMINAH")]
    till.vm.counter.activate()  # the reader looks, and finds the card
    till.vm.counter.deactivate()
    till.settle()
    assert till.phase() is Phase.READY
    assert till.counter.person is None


def test_no_card_is_read_while_a_basket_is_filled(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.edc.cards = [till.card("SRI WAHYUNI")]
    till.settle(5_000)
    assert till.counter.person is not None
    assert till.counter.person.name == "SUMINAH"


def test_a_bug_in_the_reader_is_not_taken_for_a_cable(till: ScriptedTill) -> None:
    till.edc.cards = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        till.poll()
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "bug"


# --- a card ----------------------------------------------------------------------------------------------------------


def test_a_recognised_family_sees_what_is_left(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    state = till.counter
    assert state.person is not None
    assert state.person.subtitle == "Jatah pangan kota + Sembako KKS · 4 jiwa"
    facts_shown = [fact.text for fact in state.person.facts]
    assert facts_shown == [
        "kartu •••• 4821",
        "NIK 3374••••••••9062",
        "Kauman, Semarang Tengah",
        "saldo menurut catatan Rp200.000",
    ]
    assert [found.id for found in state.sections] == ["ration", "purse", "cash"]
    rice = row(state, "ration", "beras-medium-5")
    assert (rice.left, rice.of, rice.permille, rice.packs, rice.most) == ("sisa 10", "dari 10 kg", 1000, 0, 2)
    assert (state.summary, state.to_pay, state.can_serve) == ("", "", False)


def test_a_second_visit_says_when_the_first_was(till: ScriptedTill) -> None:
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.insert("SRI WAHYUNI")
    assert till.counter.person is not None
    assert "terakhir datang 24 Nov" in [fact.text for fact in till.counter.person.facts]
    assert row(till.counter, "ration", "beras-medium-5").left == "sisa 5"


def test_steppers_stay_between_none_and_what_is_left(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    counter = till.vm.counter
    for _ in range(5):
        counter.step("beras-medium-5", 1)
    rice = row(till.counter, "ration", "beras-medium-5")
    assert (rice.packs, rice.bound, rice.value) == (2, "sampai batas jatah", "2 × 5 kg")
    for _ in range(5):
        counter.step("beras-medium-5", -1)
    assert row(till.counter, "ration", "beras-medium-5").packs == 0
    counter.set_packs("beras-medium-5", 99)
    assert row(till.counter, "ration", "beras-medium-5").packs == 2
    counter.set_packs("no-such-product", 1)
    counter.step("no-such-product", 1)
    assert till.counter.summary == "2 beras medium"
    assert till.counter.can_serve


def test_a_stepper_says_when_the_shelf_is_the_bound(shut: ScriptedTill) -> None:
    shut.kit.open_shop(packs=1)
    shut.to("counter")
    shut.insert("SRI WAHYUNI")
    shut.choose("ration", beras_medium_5=2)
    rice = row(shut.counter, "ration", "beras-medium-5")
    assert (rice.packs, rice.most, rice.bound) == (1, 1, "stok hanya 1")
    shut.choose("cash", beras_medium_5=1)
    shelf = row(shut.counter, "cash", "beras-medium-5")
    assert (shelf.packs, shelf.most, shelf.gone) == (0, 0, "stok habis")


def test_take_all_takes_the_ration_and_never_the_purse(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    assert section(till.counter, "ration").take_all
    till.choose("purse", telur_1=1)
    till.vm.counter.take_all()
    assert till.counter.section == "ration"
    assert till.counter.summary == "2 beras medium · 2 gula · 2 minyak · 2 tepung · 1 telur"
    assert till.counter.to_pay == "KKS Rp29.000"
    assert [found.chosen for found in till.counter.sections] == [8, 1, 0]


def test_a_mixed_basket_says_what_each_pays(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("purse", telur_1=2)
    till.choose("cash", kecap_500=1)
    assert till.counter.to_pay == "KKS Rp58.000 + tunai Rp14.500 = Rp72.500"
    till.vm.counter.choose_section("no-such-section")
    assert till.counter.section == "cash"


def test_the_purse_waits_while_the_edc_is_away(till: ScriptedTill) -> None:
    from ewarung_pos.ports import DeviceState

    till.edc.state = DeviceState.AWAY
    till.insert("SUMINAH")
    assert section(till.counter, "purse").why_not == "EDC tidak tersambung: belanja KKS menunggu EDC."
    assert section(till.counter, "ration").why_not == ""


def test_a_commodity_that_is_not_handed_out_today_says_so(till: ScriptedTill) -> None:
    import msgspec

    catalogue = till.kit.ledger.read().catalogue()
    kept = tuple(each for each in catalogue.eligibilities if (each.programme, each.commodity) != ("JATAH", "gula"))
    tell_city(till.kit, catalogue=msgspec.structs.replace(catalogue, eligibilities=kept))
    till.vm.counter.refresh()
    till.insert("SRI WAHYUNI")
    sugar = row(till.counter, "ration", "gula-1")
    assert (sugar.gone, sugar.most) == ("belum boleh dibagikan hari ini", 0)


def test_a_paper_that_comes_after_done_was_left_changes_no_screen(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.vm.counter.serve()
    till.runner.pump(lambda: till.phase() is Phase.DONE)
    till.vm.counter.finish()
    till.settle()
    assert (till.counter.phase, till.counter.done) == (Phase.READY, None)
    assert till.kit.papers.owed() == ()


def test_a_proxy_needs_a_reason_before_goods_leave(till: ScriptedTill) -> None:
    till.insert("SRI WAHYUNI")
    till.choose("ration", beras_medium_5=1)
    till.vm.counter.choose_presence("kuasa")
    alone = till.counter
    assert not alone.can_serve
    till.serve()
    assert till.phase() is Phase.RECOGNISED
    till.vm.counter.choose_presence("kuasa", "sakit")
    assert till.counter.can_serve
    till.serve()
    fact = next(fact for fact in facts(till.kit) if isinstance(fact, Redeemed))
    assert (fact.presence.value, fact.proxy_reason) == ("kuasa", "sakit")
    till.vm.counter.finish()
    assert till.counter.presence == "sendiri"


def test_who_came_may_be_said_before_a_card_is_in(till: ScriptedTill) -> None:
    till.vm.counter.choose_presence("anggota_kk")
    assert (till.counter.presence, till.counter.phase) == ("anggota_kk", Phase.READY)


# --- refused ---------------------------------------------------------------------------------------------------------


def test_a_card_that_is_not_served_says_why_and_is_recorded(till: ScriptedTill) -> None:
    till.insert("YUNI NINGSIH")
    assert till.phase() is Phase.REFUSED
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "refusal.card_blocked"
    assert till.counter.person is not None
    assert isinstance(facts(till.kit)[-1], RedemptionRefused)
    till.vm.counter.finish()
    assert till.phase() is Phase.READY


def test_a_stranger_has_no_panel_and_the_next_card_may_follow_at_once(till: ScriptedTill) -> None:
    till.stranger()
    assert (till.counter.phase, till.counter.person) == (Phase.REFUSED, None)
    assert till.counter.refusal is not None
    assert till.counter.refusal.code == "refusal.unknown_card"
    till.edc.cards = [till.card("SUMINAH")]
    till.poll()
    assert till.phase() is Phase.RECOGNISED


def test_commands_without_a_card_do_nothing(till: ScriptedTill) -> None:
    counter, before = till.vm.counter, till.counter
    for command in (counter.serve, counter.take_all, counter.handover.reprint, lambda: counter.handover.tick(0)):
        command()
    counter.set_packs("beras-medium-5", 1)
    counter.step("beras-medium-5", 1)
    till.settle()
    assert till.counter == before
