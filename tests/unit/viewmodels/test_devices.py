"""Atur: each device is tried where it stands, nothing of it is recorded, and what is written a leader allowed."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.documents import text_lines
from ewarung_pos.domain.family import CardRef
from ewarung_pos.errors import CardNotRead, ConfigError, DeviceUnavailable, PrinterNotReady
from ewarung_pos.ports import (
    CardPresented,
    DeviceKind,
    DeviceRole,
    DeviceState,
    DeviceStatus,
    FoundDevice,
    PrintReport,
    Setting,
)
from ewarung_pos.ui.text_devices import Seen
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.devices import CARD_MS, DeviceRow, DevicesState
from tests.unit.services.counter import facts
from tests.unit.viewmodels.till import LEADER, SITI, ScriptedTill, scripted_till

CARD = CardPresented(CardRef("00" * 32, "4821"), "2812", "pcsc")
PRINTER = FoundDevice(DeviceKind.USB_PRINTER, DeviceRole.PRINTER, "0416:5011", "POS58")
CABLE = FoundDevice(DeviceKind.SERIAL, DeviceRole.UNKNOWN, "usb:1a86:7523", "USB Serial")


def state(till: ScriptedTill) -> DevicesState:
    return till.vm.devices.state


def row(till: ScriptedTill, name: str) -> DeviceRow:
    (found,) = (each for each in state(till).rows if each.id == name)
    return found


def seen(till: ScriptedTill, name: str) -> Seen:
    return row(till, name).seen


@pytest.fixture
def atur(till: ScriptedTill) -> ScriptedTill:
    till.to("devices")
    return till


def test_it_shows_what_was_last_seen_of_each(till: ScriptedTill) -> None:
    till.paper.last_said = DeviceStatus(DeviceState.ATTENTION, "paper_low")
    till.edc.state = DeviceState.UNKNOWN
    till.to("devices")
    assert [each.title for each in state(till).rows] == ["Pembaca kartu", "Printer struk", "EDC"]
    assert [seen(till, name).state for name in ("card", "print", "edc")] == ["look", "look", "look"]
    till.to("counter")
    till.edc.state = DeviceState.READY
    till.to("devices")
    assert (seen(till, "card").state, seen(till, "edc").seen) == ("ok", "EDC menjawab.")


@pytest.mark.parametrize(
    ("source", "reason", "says"),
    [
        ("pcsc", "blocked", "Chip kartu ini sudah diblokir oleh bank penerbit."),
        ("pcsc", "", "Pembaca bekerja, tetapi kartu ini tidak terbaca."),
        ("stripe", "bad_swipe", "Pita magnet tidak terbaca utuh."),
        ("ecr", "card_error", "EDC tersambung, tetapi tidak bisa membaca kartu tadi."),
    ],
)
def test_of_a_card_that_was_not_read_it_does_not_say_that_the_reader_is_gone(
    till: ScriptedTill, monkeypatch: pytest.MonkeyPatch, source: str, reason: str, says: str
) -> None:
    monkeypatch.setattr(till.edc, "source", source)
    monkeypatch.setattr(till.edc, "reason", reason)
    till.edc.state = DeviceState.ATTENTION
    till.to("devices")
    assert seen(till, "card").seen == says


# --- Uji kartu -------------------------------------------------------------------------------------------------------


def test_a_card_is_read_and_serves_nobody(atur: ScriptedTill) -> None:
    before = facts(atur.kit)
    atur.vm.devices.try_card()
    assert row(atur, "card").busy == "Masukkan atau gesek satu kartu"
    atur.edc.cards = [CARD]
    atur.poll()
    assert seen(atur, "card").seen == "Kartu •••• 4821 terbaca lewat chip, berlaku sampai 12/28."
    assert (row(atur, "card").busy, seen(atur, "card").state) == ("", "ok")
    assert facts(atur.kit) == before
    atur.to("counter")
    assert atur.phase() is Phase.READY


def test_a_card_that_does_not_come_is_said_after_a_while(atur: ScriptedTill) -> None:
    atur.vm.devices.try_card()
    atur.vm.devices.try_card()  # an impatient second press
    atur.settle(CARD_MS - 1)
    assert row(atur, "card").busy
    atur.settle(1)
    assert (row(atur, "card").busy, seen(atur, "card").seen) == ("", "Tidak ada kartu yang masuk.")


def test_a_card_that_fails_is_said_and_the_next_one_may_do(atur: ScriptedTill) -> None:
    atur.edc.cards = [CardNotRead(reason="mute")]
    atur.vm.devices.try_card()
    atur.settle()
    assert "tidak menjawab" in seen(atur, "card").seen
    assert row(atur, "card").busy
    atur.edc.cards = [CARD]
    atur.settle(1_000)
    atur.poll()
    assert seen(atur, "card").state == "ok"


def test_a_reader_that_stays_away_is_told_with_what_to_do(atur: ScriptedTill) -> None:
    atur.edc.cards = [DeviceUnavailable(reason="no_port")] * 99
    atur.vm.devices.try_card()
    atur.settle(CARD_MS)
    assert row(atur, "card").busy == ""
    assert (seen(atur, "card").state, seen(atur, "card").do.endswith(".")) == ("stop", True)


def test_another_screen_ends_the_wait_for_a_card(atur: ScriptedTill) -> None:
    atur.vm.devices.try_card()
    atur.to("stock")
    atur.edc.cards = [CARD]
    atur.settle(CARD_MS)
    assert len(atur.edc.cards) == 1, "nobody looked"
    atur.to("devices")
    assert row(atur, "card").busy == ""


def test_a_till_without_a_reader_says_what_to_fill_in(atur: ScriptedTill) -> None:
    atur.edc.source = ""
    atur.vm.devices.activate()
    atur.vm.devices.try_card()
    assert "config.toml" in seen(atur, "card").do
    assert row(atur, "card").busy == ""


def test_a_bug_of_the_reader_is_not_hidden(atur: ScriptedTill) -> None:
    atur.edc.cards = [ZeroDivisionError()]
    atur.vm.devices.try_card()
    with pytest.raises(ZeroDivisionError):
        atur.settle()
    assert row(atur, "card").busy == ""


# --- Uji cetak -------------------------------------------------------------------------------------------------------


def test_a_page_comes_out_and_is_recorded_nowhere(atur: ScriptedTill) -> None:
    before = facts(atur.kit)
    atur.vm.devices.try_paper()
    atur.vm.devices.try_paper()
    assert row(atur, "print").busy == "Mencetak"
    atur.settle()
    (page,) = atur.paper.papers
    assert "UJI CETAK" in "\n".join(text_lines(page, 32))
    assert (seen(atur, "print").state, row(atur, "print").busy) == ("ok", "")
    assert facts(atur.kit) == before


def test_a_page_that_is_on_its_way_is_not_asked_for_twice_by_looking_elsewhere(atur: ScriptedTill) -> None:
    atur.vm.devices.try_paper()
    atur.vm.devices.deactivate()
    atur.vm.devices.activate()
    atur.vm.devices.try_paper()
    atur.settle()
    assert [page.name for page in atur.paper.papers] == ["uji-cetak"]
    assert not any(row.busy for row in state(atur).rows)


@pytest.mark.parametrize(
    ("status", "confirmed", "tone"),
    [
        (DeviceStatus(DeviceState.UNKNOWN, "no_answer"), False, "look"),
        (DeviceStatus(DeviceState.ATTENTION, "paper_low"), True, "look"),
    ],
)
def test_a_page_that_nobody_confirmed_is_to_be_looked_at(
    atur: ScriptedTill, monkeypatch: pytest.MonkeyPatch, status: DeviceStatus, confirmed: bool, tone: str
) -> None:
    monkeypatch.setattr(atur.paper, "print", lambda _: PrintReport(confirmed, status))
    atur.vm.devices.try_paper()
    atur.settle()
    assert seen(atur, "print").state == tone
    assert seen(atur, "print").do


def test_a_printer_that_cannot_says_why(atur: ScriptedTill) -> None:
    atur.paper.failures = [PrinterNotReady(reason="paper_out")]
    atur.vm.devices.try_paper()
    atur.settle()
    assert seen(atur, "print") == Seen("stop", "Kertas printer habis.", "Pasang gulungan baru, lalu uji lagi.")


def test_a_bug_of_the_printer_is_not_hidden(atur: ScriptedTill) -> None:
    atur.paper.failures = [ZeroDivisionError()]
    atur.vm.devices.try_paper()
    with pytest.raises(ZeroDivisionError):
        atur.settle()
    assert row(atur, "print").busy == ""


# --- Uji EDC ---------------------------------------------------------------------------------------------------------


def test_the_edc_is_asked_for_an_echo_and_no_money_moves(atur: ScriptedTill) -> None:
    atur.vm.devices.try_card()
    asked = len(atur.edc.asked)
    atur.vm.devices.try_edc()
    assert row(atur, "edc").busy == "Menunggu jawaban EDC"
    atur.vm.devices.try_edc()
    atur.settle()
    assert (seen(atur, "edc"), row(atur, "card").busy) == (Seen("ok", "EDC menjawab."), "")
    assert atur.edc.asked[asked:] == ["release"]
    atur.edc.state = DeviceState.AWAY
    atur.vm.devices.try_edc()
    atur.settle()
    assert seen(atur, "edc").state == "stop"
    atur.edc.state = DeviceState.BUSY
    atur.vm.devices.try_edc()
    atur.settle()
    assert seen(atur, "edc").seen == "Alat sedang bekerja."


def test_an_edc_whose_question_fails_says_so(atur: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> DeviceStatus:
        raise DeviceUnavailable(reason="in_use")

    monkeypatch.setattr(atur.edc, "diagnose", away)
    atur.vm.devices.try_edc()
    atur.settle()
    assert (seen(atur, "edc").state, row(atur, "edc").busy) == ("stop", "")


def test_a_till_without_an_edc_says_so(tmp_path: object) -> None:
    till = scripted_till(tmp_path, terminal=False)  # type: ignore[arg-type]
    try:
        till.to("devices")
        till.vm.devices.try_edc()
        assert seen(till, "edc").state == "look"
    finally:
        till.close()


# --- Cari perangkat --------------------------------------------------------------------------------------------------


def test_what_is_plugged_in_and_what_follows_from_it(atur: ScriptedTill) -> None:
    atur.plugged.found = (PRINTER, CABLE)
    atur.vm.devices.look_around()
    assert state(atur).busy == "Mencari perangkat"
    atur.vm.devices.look_around()
    atur.settle()
    assert state(atur).found == ("printer USB: POS58 (0416:5011)", "port serial: USB Serial (usb:1a86:7523)")
    assert state(atur).proposed == ("Printer struk: USB, 0416:5011, kertas 58 mm",)
    assert state(atur).guesses == ("EDC: EDC lewat kabel, usb:1a86:7523",)
    atur.vm.devices.back()
    assert not state(atur).looked


def test_an_edc_that_speaks_in_the_clear_is_told_as_one(atur: ScriptedTill) -> None:
    atur.plugged.found = (FoundDevice(DeviceKind.POSELINK, DeviceRole.EDC, "ws://192.0.2.9:6745", "192.0.2.9"),)
    atur.vm.devices.look_around()
    atur.settle()
    assert state(atur).found[0].endswith("(ws://192.0.2.9:6745), tanpa enkripsi: nyalakan wss di EDC")
    assert (state(atur).proposed, state(atur).guesses) == ((), ())


def test_only_what_is_sure_is_written_and_only_by_the_leader(atur: ScriptedTill) -> None:
    atur.plugged.found = (PRINTER, CABLE)
    atur.vm.devices.look_around()
    atur.settle()
    atur.vm.devices.ask_to_apply()
    assert state(atur).asks_leader
    atur.vm.devices.apply(SITI)
    atur.settle()
    assert (state(atur).notice is not None, atur.plugged.applied) == (True, [])
    atur.vm.devices.dismiss()
    assert state(atur).notice is None
    atur.kit.clock.ms += 60_000
    atur.vm.devices.apply(LEADER)
    assert state(atur).busy == "Menyimpan"
    atur.settle()
    assert (state(atur).written, state(atur).asks_leader) == (True, False)
    assert atur.plugged.applied == [
        (
            Setting("receipt_printer", "driver", "escpos-usb"),
            Setting("receipt_printer", "port", "0416:5011"),
            Setting("receipt_printer", "columns", 32),
        )
    ]
    atur.vm.devices.ask_to_apply()
    assert not state(atur).asks_leader, "once is enough"


def test_settings_that_cannot_be_written_leave_the_way_back(atur: ScriptedTill) -> None:
    atur.plugged.found = (PRINTER,)
    atur.plugged.failures = [ConfigError("receipt_printer.port: x", reason="invalid")]
    atur.vm.devices.look_around()
    atur.settle()
    atur.vm.devices.ask_to_apply()
    atur.vm.devices.apply(LEADER)
    atur.settle()
    assert (state(atur).notice is not None, state(atur).written, state(atur).busy) == (True, False, "")
    atur.vm.devices.back()
    assert (state(atur).asks_leader, state(atur).looked, state(atur).notice) == (False, True, None)


def test_what_is_set_up_already_is_not_proposed_again(atur: ScriptedTill) -> None:
    atur.plugged.found = (PRINTER,)
    atur.plugged.sections = frozenset({"receipt_printer", "card_reader", "payment_terminal"})
    atur.vm.devices.look_around()
    atur.settle()
    assert (state(atur).looked, state(atur).proposed) == (True, ())
    atur.vm.devices.ask_to_apply()
    atur.vm.devices.apply(LEADER)
    assert not state(atur).asks_leader
