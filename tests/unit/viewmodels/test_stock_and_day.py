"""Stok with Terima barang, and Buka Hari."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.journal import ClockStepped, DayOpened, RegisterPurged, StockReceived
from ewarung_pos.domain.timeline import CityTime
from ewarung_pos.errors import LedgerFull
from ewarung_pos.ports import Unknown
from ewarung_pos.ui.text_day import still_to_close
from ewarung_pos.ui.viewmodels.counter_state import Phase
from ewarung_pos.ui.viewmodels.day_open import DayOpenState
from ewarung_pos.ui.viewmodels.stock import StockRow, StockState
from tests.unit.services.counter import DAY_MS, RICE, begin, facts, purse, ration, serve
from tests.unit.viewmodels.till import ScriptedTill


def shelf(till: ScriptedTill) -> StockState:
    return till.vm.stock.state


def row(till: ScriptedTill, product: str) -> StockRow:
    return next(found for found in shelf(till).rows if found.product == product)


def day(till: ScriptedTill) -> DayOpenState:
    return till.vm.day.state


def tones(till: ScriptedTill) -> dict[str, str]:
    return {fact.icon: tone for fact, tone in zip(day(till).facts, day(till).tones, strict=True)}


# --- Stok ------------------------------------------------------------------------------------------------------------


def test_the_shelf_shows_packs_contents_price_and_ceiling(till: ScriptedTill) -> None:
    till.to("stock")
    rice = row(till, RICE)
    assert (rice.on_hand, rice.pack, rice.content, rice.price) == (50, "karung 5 kg", "250 kg", "Rp67.500")
    assert rice.ceiling == "HET Rp67.500"  # for the sack, as the price is: Rp13.500 a kilogram
    assert not rice.over_ceiling
    assert len(shelf(till).rows) == len(till.kit.ledger.read().catalogue().products)


def test_each_list_says_whether_the_ledger_has_answered_yet(till: ScriptedTill) -> None:
    vm = till.vm

    def read() -> tuple[bool, ...]:
        return (vm.stock.state.read, vm.history.state.read, vm.closing.state.read)

    for screen in ("stock", "history", "closing"):
        vm.shell.go(screen)
    assert read() == (False, False, False)
    till.settle()
    assert read() == (True, True, True)


def test_before_the_first_day_no_ceiling_is_known(shut: ScriptedTill) -> None:
    shut.to("stock")
    assert row(shut, RICE).ceiling == ""
    assert row(shut, RICE).on_hand == 0


def test_a_delivery_needs_supplier_and_goods(till: ScriptedTill) -> None:
    till.to("stock")
    stock = till.vm.stock
    stock.begin_receiving()
    assert not shelf(till).can_receive
    stock.set_receiving(RICE, 20)
    assert not shelf(till).can_receive
    stock.describe(" ", "")
    assert not shelf(till).can_receive
    stock.describe("Bulog", "SJ-9")
    assert shelf(till).can_receive
    stock.set_receiving(RICE, -3)
    assert row(till, RICE).receiving == 0
    assert not shelf(till).can_receive


def test_a_delivery_is_on_the_shelf_at_once(till: ScriptedTill) -> None:
    till.to("stock")
    stock = till.vm.stock
    stock.begin_receiving()
    stock.describe(" Bulog ", "SJ-9")
    stock.set_receiving(RICE, 20)
    stock.set_receiving("gula-1", 5)
    stock.receive()
    assert shelf(till).asks == "25 kemasan dari Bulog: catat?"
    stock.receive()
    stock.receive()  # a further press while it is being recorded
    till.settle()
    assert (shelf(till).mode, shelf(till).said) == ("shelf", "25 kemasan dari Bulog sudah dicatat.")
    assert (row(till, RICE).on_hand, row(till, RICE).receiving) == (70, 0)
    received = [fact for fact in facts(till.kit) if isinstance(fact, StockReceived)]
    assert len(received) == 2
    assert received[-1].note_number == "SJ-9"
    stock.dismiss()
    assert shelf(till).said == ""


def test_one_press_records_no_delivery_and_a_change_asks_again(till: ScriptedTill) -> None:
    till.to("stock")
    stock = till.vm.stock
    stock.begin_receiving()
    stock.describe("Bulog", "")
    stock.set_receiving(RICE, 1_200)
    stock.receive()
    till.settle()
    assert shelf(till).asks == "1.200 kemasan dari Bulog: catat?"
    stock.set_receiving(RICE, 12)
    assert shelf(till).asks == ""
    stock.receive()
    stock.back()
    assert (shelf(till).mode, shelf(till).asks, row(till, RICE).receiving) == ("receive", "", 12)
    stock.receive()
    till.settle()
    assert row(till, RICE).on_hand == 50
    stock.receive()
    till.settle()
    assert row(till, RICE).on_hand == 62
    stock.begin_receiving()
    assert shelf(till).asks == ""


def test_a_delivery_half_entered_stays_while_another_screen_is_in_front(till: ScriptedTill) -> None:
    till.to("stock")
    till.vm.stock.begin_receiving()
    till.vm.stock.set_receiving(RICE, 20)
    till.to("counter")
    till.to("stock")
    assert (shelf(till).mode, row(till, RICE).receiving) == ("receive", 20)
    till.vm.stock.back()
    assert shelf(till).mode == "shelf"
    till.vm.stock.begin_receiving()
    assert row(till, RICE).receiving == 0


def test_a_delivery_before_the_day_is_open_is_refused_and_kept(shut: ScriptedTill) -> None:
    shut.to("stock")
    stock = shut.vm.stock
    stock.receive()
    stock.begin_receiving()
    stock.describe("Bulog", "")
    stock.set_receiving(RICE, 20)
    stock.receive()
    stock.receive()
    shut.settle()
    notice = shelf(shut).notice
    assert notice is not None
    assert (notice.code, notice.action) == ("refusal.day_not_open", "go_day")
    assert shelf(shut).can_receive
    assert row(shut, RICE).receiving == 20


def test_a_bug_in_stok_is_not_hidden(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(till.kit.stock, "receive", broken)
    till.to("stock")
    till.vm.stock.begin_receiving()
    till.vm.stock.describe("Bulog", "")
    till.vm.stock.set_receiving(RICE, 1)
    till.vm.stock.receive()
    till.vm.stock.receive()
    with pytest.raises(ZeroDivisionError):
        till.settle()


# --- Buka Hari -------------------------------------------------------------------------------------------------------


def test_the_morning_says_what_the_kiosk_knows(shut: ScriptedTill) -> None:
    shut.to("day")
    assert day(shut).date == "Selasa 24 Nov 2026"
    assert [fact.text for fact in day(shut).facts] == [
        "Daftar 12 keluarga, umur 23 hari",
        "0 kemasan di rak menurut catatan",
        f"{shut.kit.health.status().unsent} catatan belum terkirim",
        "Jam komputer cocok",
    ]
    assert tones(shut) == {"users": "ok", "package": "look", "cloud-upload": "look", "clock": "ok"}
    assert (day(shut).can_open, day(shut).already) == (True, False)


def test_opening_leads_to_the_counter(shut: ScriptedTill) -> None:
    shut.to("day")
    shut.vm.day.open()
    shut.vm.day.open()
    shut.settle()
    assert shut.vm.shell.state.screen == "counter"
    assert shut.counter.day_open
    assert sum(isinstance(fact, DayOpened) for fact in facts(shut.kit)) == 1
    shut.to("day")
    assert (day(shut).can_open, day(shut).already) == (False, True)


def test_what_is_owed_and_uncertain_is_said_before_opening(till: ScriptedTill) -> None:
    serve(till.kit, till.kit.card("SRI WAHYUNI"), ration(RICE, 1))
    attempt = begin(till.kit, till.kit.card("TUKINAH"), purse("telur-1", 1))
    till.kit.redeem.conclude(attempt.id, Unknown("no_answer"), "siti")
    till.to("day")
    texts = [fact.text for fact in day(till).facts]
    assert texts[-2:] == ["1 penarikan belum pasti", "1 struk belum tercetak"]


def test_a_day_that_was_sealed_today_opens_tomorrow(till: ScriptedTill) -> None:
    kit = till.kit
    kit.day.begin_close("siti")
    kit.day.explain(kit.day.count(dict(kit.ledger.read().stock()), "siti"), "siti")
    kit.day.seal("siti", None)
    till.to("day")
    notice = day(till).notice
    assert notice is not None
    assert (notice.code, day(till).can_open) == ("day_not_open.already_closed", False)
    till.vm.day.dismiss()
    assert day(till).notice is None
    kit.clock.ms += DAY_MS
    till.to("day")
    assert day(till).can_open


def test_a_clock_that_lies_opens_nothing(shut: ScriptedTill) -> None:
    shut.kit.clock.ms -= 60_000
    shut.to("day")
    assert tones(shut)["clock"] == "stop"
    assert not day(shut).can_open


def test_an_old_register_is_told_by_its_age(shut: ScriptedTill) -> None:
    shut.kit.clock.ms += 60 * DAY_MS
    shut.to("day")
    assert tones(shut)["users"] == "look"
    with shut.kit.ledger.write() as uow:
        from ewarung_pos.domain.state import StatePage

        uow.accept(StatePage(2, register_date="entah"), "00" * 32)
    shut.to("day")
    assert "umur tidak diketahui" in day(shut).facts[0].text


def test_what_failed_can_be_tried_again(shut: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    open_day = shut.kit.day.open

    def full(operator: str, *, date_confirmed: bool) -> None:
        raise LedgerFull

    monkeypatch.setattr(shut.kit.day, "open", full)
    shut.to("day")
    shut.vm.day.open()
    shut.settle()
    notice = day(shut).notice
    assert notice is not None
    assert (notice.code, day(shut).can_open) == ("ledger_full", True)
    monkeypatch.setattr(shut.kit.day, "open", open_day)
    shut.vm.day.open()
    shut.settle()
    assert shut.phase() is Phase.READY
    assert shut.counter.day_open


def test_a_bug_in_buka_hari_is_not_hidden(shut: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(operator: str, *, date_confirmed: bool) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(shut.kit.day, "open", broken)
    shut.to("day")
    shut.vm.day.open()
    with pytest.raises(ZeroDivisionError):
        shut.settle()


def test_names_whose_time_is_over_go_when_the_day_is_opened(shut: ScriptedTill) -> None:
    with shut.kit.ledger.write() as uow:
        uow.heard_city(CityTime(shut.kit.clock.ms + 500 * DAY_MS, shut.kit.clock.ms, 0, "boot-0"))
    shut.to("day")
    shut.vm.day.open()
    shut.settle()
    assert shut.kit.ledger.read().families() == ()
    assert isinstance(facts(shut.kit)[-1], RegisterPurged)


def test_a_purge_that_the_disk_refuses_is_put_off_and_the_day_is_open(
    shut: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise LedgerFull

    monkeypatch.setattr(shut.vm._retention, "purge", full)
    shut.to("day")
    shut.vm.day.open()
    shut.settle()
    assert day(shut).already
    assert shut.vm.shell.state.screen == "counter"


def test_a_purge_that_is_a_bug_is_not_swallowed(shut: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(shut.vm._retention, "purge", broken)
    shut.to("day")
    shut.vm.day.open()
    with pytest.raises(ZeroDivisionError):
        shut.settle()


# --- the clock -------------------------------------------------------------------------------------------------------


def test_a_clock_behind_the_ledger_is_shown_with_what_contradicts_it(till: ScriptedTill) -> None:
    till.kit.clock.ms -= 3 * DAY_MS
    till.to("day")
    assert tones(till)["clock"] == "stop"
    assert day(till).suspect == (
        "Jam komputer: Sabtu 21 Nov 2026, 07.26",
        "Catatan terakhir: Selasa 24 Nov 2026, 07.26",
    )


def test_the_leader_confirms_the_clock_and_cards_are_served(till: ScriptedTill) -> None:
    till.kit.clock.ms -= 3 * DAY_MS
    till.to("counter")
    till.insert("SRI WAHYUNI")
    assert till.phase() is Phase.REFUSED
    assert till.counter.refusal is not None
    assert till.counter.refusal.action == "go_day"
    till.vm.counter.finish()
    till.to("day")
    model = till.vm.day
    model.confirm_clock("222222")
    till.settle()
    assert day(till).suspect, "nobody asked for a PIN yet"
    model.ask_leader()
    model.confirm_clock("111111")
    model.confirm_clock("222222")  # while the first is looked at
    till.settle()
    notice = day(till).notice
    assert notice is not None
    assert (notice.code, day(till).asks_leader, day(till).busy) == ("not_authorised.wrong_pin", True, "")
    till.kit.clock.ms += 2_000  # no other PIN is looked at before
    model.confirm_clock("222222")
    till.settle()
    assert (day(till).suspect, day(till).asks_leader, day(till).notice) == ((), False, None)
    assert facts(till.kit)[-1] == ClockStepped(-3 * DAY_MS + 2_000, confirmed=True)
    till.to("counter")
    till.ration("SRI WAHYUNI", beras_medium_5=1)


def test_without_a_leader_the_clock_stays_what_it_is(till: ScriptedTill) -> None:
    till.to("day")
    till.vm.day.ask_leader()
    assert not day(till).asks_leader, "there is nothing to confirm"
    till.kit.offset[0] = 3 * DAY_MS
    till.to("day")
    assert day(till).suspect[-1] == "Jam kota: Jumat 27 Nov 2026, 07.26"
    till.vm.day.ask_leader()
    assert day(till).asks_leader
    till.vm.day.back()
    assert (day(till).asks_leader, bool(day(till).suspect)) == (False, True)


def test_at_the_end_of_a_month_the_operator_confirms_the_date(shut: ScriptedTill) -> None:
    shut.kit.clock.ms += 6 * DAY_MS
    shut.to("day")
    shut.vm.day.open()
    shut.settle()
    notice = day(shut).notice
    assert notice is not None
    assert (notice.code, notice.action, day(shut).already) == ("clock_suspect.date_unsure", "confirm_date", False)
    shut.vm.day.dismiss()
    shut.vm.day.confirm_date()
    shut.settle()
    assert day(shut).already
    assert isinstance(facts(shut.kit)[-1], DayOpened)
    shut.vm.day.confirm_date()
    shut.settle()
    assert sum(isinstance(fact, DayOpened) for fact in facts(shut.kit)) == 1


# --- a day that was left open ----------------------------------------------------------------------------------------

HOUR_MS = 3_600_000


def test_after_midnight_siap_and_buka_hari_name_the_day_that_is_still_open(till: ScriptedTill) -> None:
    assert (till.counter.left_open, till.counter.tally_of) == ("", "Hari ini")
    till.kit.clock.ms += 17 * HOUR_MS
    till.vm.shell.tick()  # nobody touched the till since
    till.settle()
    said = "Hari Selasa 24 Nov 2026 belum ditutup. Tutup di Tutup Hari (F5); kartu tetap dilayani."
    assert (till.counter.left_open, till.counter.tally_of) == (said, "Hari 24 Nov")
    till.to("day")
    assert (day(till).facts[0].text, day(till).tones[0]) == ("Hari Selasa 24 Nov 2026 belum ditutup", "look")
    assert (day(till).left_open, day(till).already) == (said, True)
    till.to("counter")
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    till.vm.counter.finish()
    till.settle()
    assert till.counter.left_open == said


def test_buka_hari_says_so_as_soon_as_midnight_is_over(till: ScriptedTill) -> None:
    till.to("day")
    assert day(till).left_open == ""
    till.kit.clock.ms += 17 * HOUR_MS
    till.vm.shell.tick()
    till.settle()
    assert day(till).left_open


def test_a_day_of_last_month_promises_no_service(till: ScriptedTill) -> None:
    till.kit.clock.ms += 7 * DAY_MS
    till.vm.shell.tick()
    till.settle()
    assert till.counter.left_open == "Hari Selasa 24 Nov 2026 belum ditutup. Tutup di Tutup Hari (F5)."


def test_a_sealed_day_was_not_left_open(till: ScriptedTill) -> None:
    kit = till.kit
    kit.day.begin_close("siti")
    kit.day.explain(kit.day.count(dict(kit.ledger.read().stock()), "siti"), "siti")
    kit.day.seal("siti", None)
    kit.clock.ms += DAY_MS
    till.to("day")
    assert (day(till).left_open, still_to_close(kit.ledger.read().day(), kit.clock.now().wall.date())) == ("", "")
