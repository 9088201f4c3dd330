"""The frame: who works, which screen is in front, the lamps; and view-models that know no Qt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from ewarung_pos.domain.journal import OperatorChanged
from ewarung_pos.domain.state import OperatorRecord, StatePage
from ewarung_pos.errors import LedgerFull, PrinterNotReady
from ewarung_pos.ledger.unit_of_work import SqlUnitOfWork
from ewarung_pos.ports import DeviceState, DeviceStatus
from ewarung_pos.services.operators import DELAYS_MS
from ewarung_pos.ui.viewmodels.base import ViewModel
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.shell import SCREENS, ShellState
from tests.unit.services.counter import DAY_MS, facts
from tests.unit.viewmodels.closing import begin, count, explain, to_the_seal
from tests.unit.viewmodels.till import LEADER, SITI, Edc, ScriptedTill, assembled


def state(till: ScriptedTill) -> ShellState:
    return till.vm.shell.state


def lamps(till: ScriptedTill) -> list[tuple[str, str]]:
    return [(lamp.word, lamp.tone) for lamp in state(till).lamps]


def sign_in(till: ScriptedTill, code: str, pin: str) -> None:
    till.vm.shell.sign_in(code, pin)
    till.settle()


def notice(till: ScriptedTill) -> str:
    found = state(till).notice
    return found.code if found is not None else ""


def test_the_frame_says_where_and_when(till: ScriptedTill) -> None:
    assert (state(till).kiosk, state(till).place, state(till).practice) == ("e-Warung Mawar", "Kel. Kauman", False)
    assert (state(till).date, state(till).time) == ("Selasa 24 Nov 2026", "07.26")
    assert state(till).operators == (("siti", "Bu Siti"), ("yuni", "Bu Yuni"))
    assert till.vm.shell.today().iso == "2026-11-24"
    till.kit.clock.ms += 60_000
    till.vm.shell.tick()
    assert state(till).time == "07.27"


# --- operators -------------------------------------------------------------------------------------------------------


def test_signing_in_is_recorded_and_brings_the_screen_to_life(shut: ScriptedTill) -> None:
    assert (state(shut).operator, state(shut).operator_name) == ("siti", "Bu Siti")
    assert OperatorChanged("siti", "signed_in") in facts(shut.kit)


def test_a_wrong_pin_lets_nobody_in(till: ScriptedTill) -> None:
    till.vm.shell.sign_out()
    sign_in(till, "siti", LEADER)
    assert (state(till).operator, notice(till)) == ("", "not_authorised.wrong_pin")
    till.vm.shell.dismiss()
    assert notice(till) == ""
    sign_in(till, "siti", SITI)
    assert notice(till) == "not_authorised.wait"
    till.kit.clock.ms += DELAYS_MS[0]
    sign_in(till, "siti", SITI)
    assert state(till).operator == "siti"


def test_a_pin_that_cannot_be_counted_is_refused_in_words(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no redemption that did not happen."""

    def no_room(uow: SqlUnitOfWork, code: str) -> int:
        raise LedgerFull

    monkeypatch.setattr(SqlUnitOfWork, "pin_failed", no_room)
    till.vm.shell.sign_out()
    sign_in(till, "siti", SITI)
    said = state(till).notice
    assert said is not None
    assert (state(till).operator, state(till).checking, said.code) == ("", False, "ledger_full")
    assert "yang baru saja diminta TIDAK terjadi" in said.happened
    till.vm.shell.unlock("siti", LEADER)
    till.settle()
    assert (state(till).checking, notice(till)) == (False, "ledger_full")


def test_one_pin_is_looked_at_after_another(till: ScriptedTill) -> None:
    """An impatient second press is no second try."""
    till.vm.shell.sign_out()
    till.vm.shell.sign_in("siti", "000000")
    assert state(till).checking
    till.vm.shell.sign_in("siti", "000000")
    till.settle()
    assert not state(till).checking
    assert till.kit.ledger.read().pin_failures("siti") == 1


def test_a_locked_account_is_opened_by_the_leader(till: ScriptedTill) -> None:
    till.vm.shell.sign_out()
    for _ in range(5):
        assert state(till).locked == frozenset()
        sign_in(till, "siti", "000000")
        till.kit.clock.ms += DELAYS_MS[-1]
    assert (notice(till), state(till).locked) == ("not_authorised.locked", frozenset({"siti"}))
    sign_in(till, "siti", SITI)
    assert notice(till) == "not_authorised.locked"
    till.vm.shell.unlock("siti", "000000")
    till.settle()
    assert (notice(till), state(till).locked) == ("not_authorised.wrong_pin", frozenset({"siti"}))
    till.kit.clock.ms += DELAYS_MS[-1]
    till.vm.shell.unlock("siti", LEADER)
    till.settle()
    assert (notice(till), state(till).locked) == ("", frozenset())
    sign_in(till, "siti", SITI)
    assert state(till).operator == "siti"


def test_an_account_that_was_locked_before_is_shown_so_at_the_start(till: ScriptedTill) -> None:
    with till.kit.ledger.write() as uow:
        for _ in range(5):
            uow.pin_failed("yuni")
    till.vm.shell.start()
    till.settle()
    assert state(till).locked == {"yuni"}


def from_the_city(till: ScriptedTill, *people: OperatorRecord) -> None:
    """The city's page arrives while nobody is signed in."""
    with till.kit.ledger.write() as uow:
        uow.accept(StatePage(90, operators=people), "00" * 32)
    till.vm.shell.refresh()
    till.settle()


def test_who_is_locked_and_has_nobody_to_open_her_is_told_so_and_comes_in_by_a_pin_of_the_city(
    till: ScriptedTill,
) -> None:
    till.vm.shell.sign_out()
    till.settle()
    assert state(till).openable
    for code in ("siti", "yuni"):
        for _ in range(5):
            sign_in(till, code, "000000")
            till.kit.clock.ms += DELAYS_MS[-1]
        assert (code in state(till).locked, state(till).openable) == (True, code == "siti")
    assert notice(till) == "not_authorised.leader_locked"
    sign_in(till, "siti", SITI)
    assert notice(till) == "not_authorised.leader_locked"  # her leader cannot open her: nobody sends her there
    hashed = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("271828")
    from_the_city(till, OperatorRecord("yuni", "Bu Yuni", "ketua", hashed))
    assert (state(till).locked, state(till).openable, notice(till)) == (frozenset({"siti"}), True, "")
    sign_in(till, "yuni", "271828")
    assert state(till).operator == "yuni"


def test_a_leader_whose_pin_lost_its_pepper_opens_nobody(till: ScriptedTill) -> None:
    till.vm.shell.sign_out()
    till.settle()
    from_the_city(till, OperatorRecord("yuni", "Bu Yuni", "ketua", "till2:gone:gone:gone"))
    assert not state(till).openable


def test_a_member_who_came_or_left_meanwhile_is_offered_or_not(till: ScriptedTill) -> None:
    till.vm.shell.sign_out()
    till.settle()
    from_the_city(
        till, OperatorRecord("baru", "Bu Baru", "kasir", "x"), OperatorRecord("siti", "Bu Siti", "kasir", active=False)
    )
    assert state(till).operators == (("baru", "Bu Baru"), ("yuni", "Bu Yuni"))


def test_nobody_signed_in_means_no_card_is_read(till: ScriptedTill) -> None:
    till.vm.shell.sign_out()
    till.settle()
    till.poll()
    till.edc.cards = [till.card("SUMINAH")]
    till.settle(5_000)
    assert (len(till.edc.cards), till.counter.phase) == (1, Phase.READY)
    till.vm.shell.sign_out()
    till.settle()
    assert [fact.change for fact in facts(till.kit) if isinstance(fact, OperatorChanged)] == ["signed_in", "signed_out"]
    sign_in(till, "yuni", LEADER)
    assert till.phase() is Phase.RECOGNISED


def asked(till: ScriptedTill) -> str:
    found = state(till).asks
    return found.code if found is not None else ""


def test_a_basket_is_asked_about_before_somebody_else_takes_the_till(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("ration", beras_medium_5=2)
    till.to("stock")
    till.vm.shell.leave()
    assert (state(till).operator, asked(till)) == ("siti", "leave.sign_out")
    till.vm.shell.stay()
    assert (asked(till), state(till).screen, till.counter.summary) == ("", "counter", "2 beras medium")
    till.vm.shell.leave()
    till.vm.shell.stay()
    assert (asked(till), till.phase()) == ("", Phase.RECOGNISED)
    till.vm.shell.leave()
    till.vm.shell.sign_out()
    till.settle()
    assert (state(till).operator, asked(till), till.phase()) == ("", "", Phase.READY)


def test_without_a_basket_nothing_is_asked(till: ScriptedTill) -> None:
    assert not till.vm.shell.ask_before_close()
    till.insert("SUMINAH")
    assert not till.vm.shell.ask_before_close()
    till.vm.shell.leave()
    till.settle()
    assert (state(till).operator, asked(till)) == ("", "")
    till.vm.shell.leave()
    assert not till.vm.shell.ask_before_close()


def test_a_basket_is_asked_about_before_the_till_is_closed(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("ration", beras_medium_5=2)
    assert till.vm.shell.ask_before_close()
    assert asked(till) == "leave.close"
    till.to("history")
    assert asked(till) == ""


def enter_a_delivery(till: ScriptedTill) -> None:
    till.to("stock")
    till.vm.stock.begin_receiving()
    till.vm.stock.describe("Bulog", "")


def test_a_half_entered_delivery_is_asked_about_before_the_till_is_closed(till: ScriptedTill) -> None:
    till.to("stock")
    till.vm.stock.begin_receiving()
    assert not till.vm.shell.ask_before_close()
    till.vm.stock.describe("Bulog", "")
    till.to("history")
    assert till.vm.shell.ask_before_close()
    assert asked(till) == "leave.close_delivery"
    till.vm.shell.stay()
    till.settle()
    assert (asked(till), state(till).screen, till.vm.stock.state.supplier) == ("", "stock", "Bulog")
    assert till.vm.shell.ask_before_close()
    till.vm.stock.back()  # thrown away by hand
    assert asked(till) == ""
    assert not till.vm.shell.ask_before_close()


def test_who_signs_out_finds_her_delivery_again(till: ScriptedTill) -> None:
    enter_a_delivery(till)
    till.vm.shell.leave()
    till.settle()
    assert (state(till).operator, asked(till)) == ("", "")
    till.vm.shell.sign_in("siti", SITI)
    till.settle()
    assert till.vm.stock.state.supplier == "Bulog"


def test_what_the_close_has_not_recorded_is_asked_about_before_the_till_is_closed(evening: ScriptedTill) -> None:
    closing = evening.vm.closing
    assert not evening.vm.shell.ask_before_close()
    begin(evening)
    assert not evening.vm.shell.ask_before_close()
    closing.set_count("gula-1", 12)
    assert evening.vm.shell.ask_before_close()
    assert asked(evening) == "leave.close_count"
    evening.to("counter")
    evening.vm.shell.ask_before_close()
    evening.vm.shell.stay()
    evening.settle()
    assert (state(evening).screen, asked(evening)) == ("closing", "")
    count(evening, gula_1=1)
    assert not evening.vm.shell.ask_before_close()  # the count is an entry now
    closing.choose_reason("gula-1", "bocor")
    assert evening.vm.shell.ask_before_close()
    explain(evening)
    assert not evening.vm.shell.ask_before_close()
    to_the_seal(evening)
    closing.seal()
    assert evening.vm.shell.ask_before_close()
    assert asked(evening) == "leave.close_sealing"
    evening.settle()
    assert asked(evening) == ""
    assert not evening.vm.shell.ask_before_close()


def test_a_void_that_the_edc_works_on_is_asked_about_until_it_is_done(till: ScriptedTill) -> None:
    till.buy("SUMINAH", telur_1=1)
    till.vm.counter.finish()
    till.to("history")
    history = till.vm.history
    history.open(history.state.rows[0].entry)
    till.settle()
    history.ask_reversal()
    history.choose_reason("jumlah_salah")
    history.confirm_reversal(LEADER)
    assert till.runner.pump(lambda: bool(history.under_way()))
    assert till.vm.shell.ask_before_close()
    assert asked(till) == "leave.close_void"
    till.settle()
    assert (asked(till), history.under_way()) == ("", "")


def test_what_is_being_paid_is_asked_about_until_it_is_done(till: ScriptedTill) -> None:
    seen: list[str] = []

    def ask() -> None:
        assert till.vm.shell.ask_before_close()
        seen.append(asked(till))

    till.edc.on_pay = lambda tell: till.runner.post(ask)
    till.buy("SUMINAH", telur_1=1)
    assert seen == ["leave.close_paying"]
    assert (asked(till), till.phase()) == ("", Phase.DONE)


def test_the_next_operator_does_not_inherit_a_basket(till: ScriptedTill) -> None:
    till.insert("SUMINAH")
    till.choose("ration", beras_medium_5=2)
    till.vm.shell.sign_out()
    till.settle()
    assert (till.counter.phase, till.counter.person) == (Phase.READY, None)


# --- screens ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("screen", [name for name, _, _, _ in SCREENS])
def test_every_screen_comes_to_the_front(till: ScriptedTill, screen: str) -> None:
    till.to(screen)
    assert state(till).screen == screen


def test_a_screen_that_does_not_exist_changes_nothing(till: ScriptedTill) -> None:
    till.to("no-such-screen")
    assert state(till).screen == "counter"


def test_keys_are_told_apart() -> None:
    assert len({key for _, _, _, key in SCREENS}) == len(SCREENS)


# --- lamps -----------------------------------------------------------------------------------------------------------


def test_the_lamps_say_what_waits(till: ScriptedTill) -> None:
    unsent = till.kit.health.status().unsent
    till.vm.shell.refresh()
    till.settle()
    assert lamps(till) == [("EDC siap", "ok"), ("Struk siap", "ok"), (f"{unsent} belum terkirim", "look")]
    till.paper.failures = [PrinterNotReady(reason="paper_out")]
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    assert lamps(till)[1] == ("1 struk tertunda", "stop")
    till.vm.counter.handover.reprint()
    till.settle()
    assert lamps(till)[1] == ("Struk siap", "ok")


def test_large_counts_of_the_lamps_have_their_thousands_point(
    till: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = replace(till.kit.health.status(), unsent=1_234, papers_owed=5_678)
    monkeypatch.setattr(till.kit.health, "status", lambda: status)
    till.vm.shell.refresh()
    till.settle()
    assert lamps(till)[1:] == [("5.678 struk tertunda", "look"), ("1.234 belum terkirim", "look")]


@pytest.mark.parametrize(
    ("found", "word", "tone"),
    [
        (DeviceState.READY, "EDC siap", "ok"),
        (DeviceState.BUSY, "EDC bekerja", "info"),
        (DeviceState.AWAY, "EDC terputus", "stop"),
        (DeviceState.ATTENTION, "Periksa EDC", "look"),
        (DeviceState.UNKNOWN, "EDC dicari", "info"),
        (DeviceState.NONE, "Tanpa EDC", "info"),
    ],
)
def test_the_edcs_lamp_has_a_word_for_every_state(till: ScriptedTill, found: DeviceState, word: str, tone: str) -> None:
    till.edc.state = found
    till.vm.shell.tick()
    assert lamps(till)[0] == (word, tone)


@pytest.mark.parametrize(
    ("source", "ready", "short"),
    [("ecr", "EDC siap", "EDC"), ("pcsc", "Chip siap", "Chip"), ("stripe", "Gesek siap", "Gesek")],
)
def test_the_lamp_says_which_reader_it_speaks_of(till: ScriptedTill, source: str, ready: str, short: str) -> None:
    till.edc.source = source
    till.vm.shell.tick()
    lamp = state(till).lamps[0]
    assert (lamp.word, lamp.short) == (ready, short)


@pytest.mark.parametrize(
    ("reader", "terminal", "word", "tone"),
    [
        (DeviceState.READY, DeviceState.READY, "Chip siap", "ok"),
        (DeviceState.READY, DeviceState.UNKNOWN, "Chip siap", "ok"),
        (DeviceState.READY, DeviceState.BUSY, "Chip siap", "ok"),
        (DeviceState.READY, DeviceState.AWAY, "EDC terputus", "stop"),
        (DeviceState.READY, DeviceState.ATTENTION, "Periksa EDC", "look"),
        (DeviceState.AWAY, DeviceState.AWAY, "Chip terputus", "stop"),
    ],
)
def test_an_edc_beside_a_sound_reader_is_spoken_of_when_it_is_in_trouble(
    till: ScriptedTill, reader: DeviceState, terminal: DeviceState, word: str, tone: str
) -> None:
    class Beside(Edc):
        def status(self) -> DeviceStatus:
            return DeviceStatus(terminal)

    till.edc.source, till.edc.state = "pcsc", reader
    till.vm.shell._terminal = Beside()
    till.vm.shell.tick()
    lamp = state(till).lamps[0]
    assert (lamp.word, lamp.tone) == (word, tone)
    assert lamp.short == next(part for part in word.split() if part in {"Chip", "EDC"})


def test_a_till_without_a_reader_says_so(till: ScriptedTill) -> None:
    till.edc.source, till.edc.state = "", DeviceState.NONE
    till.vm.shell.tick()
    assert (state(till).lamps[0].word, state(till).lamps[0].short) == ("Tanpa pembaca", "Kartu")


def test_all_sent_is_said(till: ScriptedTill) -> None:
    from ewarung_pos.domain.journal import CityAcknowledged

    head = till.kit.ledger.read().head()
    with till.kit.ledger.write() as uow:
        uow.append(CityAcknowledged(head.seq, head.hash, till.kit.clock.ms, "00"))
    till.vm.shell.refresh()
    till.settle()
    assert lamps(till)[2] == ("Semua terkirim", "ok")


@pytest.mark.parametrize(
    ("days", "banner"),
    [
        (10, ""),
        (50, "Daftar keluarga berumur 73 hari."),
        (80, "Daftar keluarga sudah 103 hari: sinkron dan hubungi kota."),
    ],
)
def test_an_old_register_is_said_in_a_banner(till: ScriptedTill, days: int, banner: str) -> None:
    till.kit.clock.ms += days * DAY_MS
    till.vm.shell.refresh()
    till.settle()
    assert state(till).banner == banner


def test_a_bug_in_the_frame_is_not_hidden(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(till.kit.health, "status", broken)
    till.vm.shell.refresh()
    with pytest.raises(ZeroDivisionError):
        till.settle()
    assert notice(till) == "bug"


def test_before_enrolment_the_frame_says_so(tmp_path: Path) -> None:
    from ewarung_pos.ledger.database import open_ledger
    from tests.till_kit import LEDGER_KEY, FakeClock, till_kit
    from tests.unit.viewmodels.till import CityLine, Edc

    for folder in ("enrolled", "bare"):
        (tmp_path / folder).mkdir()
    kit = till_kit(tmp_path / "enrolled", encrypted=False, families=1)
    kit.ledger.close()
    bare = open_ledger(tmp_path / "bare", LEDGER_KEY, FakeClock(), create=True, encrypted=False)
    till = assembled(kit, bare, Edc(), CityLine())
    try:
        till.vm.start()
        till.settle()
        till.vm.sync.activate()
        till.settle()
        assert (state(till).kiosk, state(till).place, state(till).operators) == ("Belum terdaftar", "", ())
        assert till.vm.sync.state.kiosk == "belum terdaftar"
        assert (till.vm.sync.state.head, till.vm.sync.state.last_received) == ("kosong", "belum ada")
        assert till.vm.sync.state.headline == "Semua terkirim"
        till.to("stock")
        assert till.vm.stock.state.rows == ()
    finally:
        till.close()


# --- what a view-model is --------------------------------------------------------------------------------------------


def test_a_listener_hears_the_state_now_and_each_change_until_it_ends() -> None:
    class Number(ViewModel[int]):
        def put(self, number: int) -> None:
            self._set(number)

    number, heard = Number(1), list[int]()
    end = number.subscribe(heard.append)
    for each in (2, 2, 3):
        number.put(each)
    end()
    end()
    number.put(4)
    assert (heard, number.state) == ([1, 2, 3], 4)


def test_view_models_need_no_qt() -> None:
    """They are imported where PySide6 cannot be."""
    import ewarung_pos.ui.viewmodels as package

    modules = sorted(f"{package.__name__}.{path.stem}" for path in Path(package.__path__[0]).glob("[!_]*.py"))
    assert len(modules) > 8
    script = (
        "import importlib, sys\n"
        "sys.modules['PySide6'] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "import ewarung_pos.ui.runners, ewarung_pos.ui.text\n"
        "heavy = {'reportlab', 'requests', 'escpos', 'alembic', 'cryptography', 'argon2'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (found.returncode, found.stdout) == (0, "[]\n"), found.stderr


@pytest.mark.parametrize(
    ("found", "word", "tone"),
    [
        (DeviceStatus(DeviceState.READY), "Struk siap", "ok"),
        (DeviceStatus(DeviceState.ATTENTION, "paper_low"), "Kertas tinggal sedikit", "look"),
        (DeviceStatus(DeviceState.ATTENTION, "paper_out"), "Kertas habis", "stop"),
        (DeviceStatus(DeviceState.ATTENTION, "cover_open"), "Printer terbuka", "stop"),
        (DeviceStatus(DeviceState.ATTENTION, "fault"), "Periksa printer", "look"),
        (DeviceStatus(DeviceState.AWAY, "link"), "Printer terputus", "stop"),
        (DeviceStatus(DeviceState.UNKNOWN, "no_answer"), "Printer diam", "info"),
        (DeviceStatus(DeviceState.UNKNOWN, "not_asked"), "Printer dicari", "info"),
    ],
)
def test_the_printer_is_asked_before_a_family_waits_for_it(
    till: ScriptedTill, found: DeviceStatus, word: str, tone: str
) -> None:
    till.paper.is_now = found
    till.settle(30_000)
    assert lamps(till)[1] == (word, tone)


def test_a_printer_that_comes_back_is_on_the_lamp_within_three_seconds(till: ScriptedTill) -> None:
    till.paper.is_now = DeviceStatus(DeviceState.AWAY, "link")
    till.settle(30_000)
    assert lamps(till)[1] == ("Printer terputus", "stop")
    till.paper.is_now = DeviceStatus(DeviceState.READY)
    till.settle(3_000)
    assert lamps(till)[1] == ("Struk siap", "ok")


def test_a_paper_that_is_owed_is_said_first_and_in_red_when_nothing_can_print_it(till: ScriptedTill) -> None:
    till.paper.failures = [PrinterNotReady(reason="link")]
    till.paper.is_now = DeviceStatus(DeviceState.AWAY, "link")
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.settle(30_000)
    assert lamps(till)[1] == ("1 struk tertunda", "stop")


def test_a_till_that_ended_asks_no_printer(till: ScriptedTill) -> None:
    till.vm.stop()
    till.paper.last_said = DeviceStatus(DeviceState.UNKNOWN, "not_asked")
    till.settle(60_000)
    assert till.paper.last_said.reason == "not_asked"


def test_a_bug_of_the_printers_driver_is_not_hidden(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> DeviceStatus:
        raise ZeroDivisionError

    monkeypatch.setattr(till.paper, "status", broken)
    with pytest.raises(ZeroDivisionError):
        till.settle(30_000)
