"""Sinkron: one sentence, a log in plain words, and the quiet retry behind it."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.journal import CityAcknowledged, ComplaintRecorded
from ewarung_pos.domain.versions import OLDEST_SETTING
from ewarung_pos.errors import LedgerBusy
from ewarung_pos.ports import SyncPhase, SyncReport
from ewarung_pos.sync.protocol import Flag
from ewarung_pos.ui.viewmodels.sync import EVENING_MS, LOG_LINES, SyncState, spread_ms
from tests.till_kit import START_MS
from tests.unit.viewmodels.till import ScriptedTill

AWAY = SyncReport(SyncPhase.WAITING, unsent=3, code="server_unreachable", reason="no_line", retry_ms=20_000)


def state(till: ScriptedTill) -> SyncState:
    return till.vm.sync.state


def report(**more: object) -> SyncReport:
    return SyncReport(SyncPhase.IDLE, at_ms=START_MS, **more)  # type: ignore[arg-type]


def send(till: ScriptedTill, *reports: SyncReport | Exception) -> None:
    """Press *Kirim sekarang* and let what is due at once follow; the ledger does not contradict what these say."""
    till.vm.shell._counts.clear()
    till.city.reports = list(reports)
    till.vm.sync.send_now()
    till.settle()


def log(till: ScriptedTill) -> list[str]:
    return [line.text for line in state(till).log]


def test_the_screen_says_whose_line_it_is_and_where_it_stands(till: ScriptedTill) -> None:
    till.to("sync")
    head = till.kit.ledger.read().head()
    assert state(till).kiosk == "EW-0001 · e-Warung Mawar"
    assert state(till).last_received == "kiriman kota ke-1"
    assert state(till).head == f"no. {head.seq} · {head.hash[:12]}"
    assert (state(till).headline, state(till).unsent) == (f"{state(till).unsent} catatan belum terkirim", head.unsent)


def test_a_good_exchange_says_what_went_and_what_came(till: ScriptedTill) -> None:
    send(till, report(sent=5, received=2, flagged=((7, "OVER_LEASE"),), attested=("2026-11-23",)))
    assert (state(till).headline, state(till).tone, state(till).busy) == ("Semua terkirim 07.26", "ok", False)
    assert log(till) == [
        "hari Senin 23 Nov 2026: kota membenarkan",
        "catatan 7: diterima, melebihi jatah yang diketahui kota",
        "2 pembaruan dari kota",
        "5 catatan diterima kota",
    ]
    assert {line.time for line in state(till).log} == {"07.26"}


def test_large_counts_have_their_thousands_point(till: ScriptedTill) -> None:
    send(till, report(sent=2_345, received=3_456, unsent=1_234))
    assert log(till) == ["3.456 pembaruan dari kota", "2.345 catatan diterima kota"]
    assert state(till).headline == "1.234 catatan belum terkirim"


@pytest.mark.parametrize("flag", Flag)
def test_every_flag_of_the_city_has_words(till: ScriptedTill, flag: Flag) -> None:
    send(till, report(flagged=((7, flag.value),)))
    assert log(till)[0].startswith("catatan 7: diterima, ")
    assert flag.value not in log(till)[0]


def test_a_flag_of_tomorrow_is_shown_as_it_came(till: ScriptedTill) -> None:
    send(till, report(flagged=((7, "NEW_FLAG"),)))
    assert log(till) == ["catatan 7: diterima, NEW_FLAG"]


def test_a_line_that_is_down_says_when_it_is_tried_again_and_is(till: ScriptedTill) -> None:
    send(till, AWAY)
    notice = state(till).notice
    assert notice is not None
    assert notice.code == "server_unreachable"
    assert (state(till).headline, state(till).tone) == ("3 catatan belum terkirim", "look")
    assert state(till).detail == "mencoba lagi 20 detik lagi"
    steps = till.city.steps
    till.settle(19_000)
    assert till.city.steps == steps
    till.city.reports = [report(sent=3)]
    till.settle(1_500)
    assert till.city.steps == steps + 1
    assert (state(till).notice, state(till).detail, state(till).tone) == (None, "", "ok")


def test_a_trouble_the_city_names_is_said_and_can_be_read_away(till: ScriptedTill) -> None:
    send(till, SyncReport(SyncPhase.WAITING, unsent=3, code="unauthorised", reason="fork"))
    notice = state(till).notice
    assert notice is not None
    assert (notice.code, state(till).tone) == ("unauthorised.fork", "stop")
    till.vm.sync.dismiss()
    assert state(till).notice is None


def test_a_version_that_is_too_old_is_said_until_the_city_supports_it_again(till: ScriptedTill) -> None:
    said = "Versi aplikasi ini sudah lama: pasang versi 99.1."
    assert state(till).upgrade == ""
    send(till, report(upgrade="99.1"))
    assert (state(till).upgrade, state(till).tone, state(till).notice) == (said, "ok", None)
    send(till, report())
    assert state(till).upgrade == ""
    with till.kit.ledger.write() as uow:
        uow.put_setting(OLDEST_SETTING, "99.1")
    till.to("sync")
    assert state(till).upgrade == said


def test_more_to_send_is_sent_without_waiting(till: ScriptedTill) -> None:
    steps = till.city.steps
    send(till, report(sent=50, unsent=50), report(sent=50, more=True), report())
    for _ in range(4):
        till.settle(1)
    assert till.city.steps == steps + 3
    till.settle(20_000)
    assert till.city.steps == steps + 3


def test_a_line_that_sends_nothing_is_not_asked_without_end(till: ScriptedTill) -> None:
    """A kiosk that is off, as in practice: entries wait and none is ever sent."""
    steps = till.city.steps
    send(till, SyncReport(SyncPhase.OFF, unsent=9))
    for _ in range(5):
        till.settle(100)
    assert till.city.steps == steps + 1
    assert state(till).headline == "9 catatan belum terkirim"
    assert state(till).tone == "look"


def test_a_commit_is_sent_soon_afterwards(till: ScriptedTill) -> None:
    till.settle(5_000)
    steps = till.city.steps
    till.ration("SRI WAHYUNI", beras_medium_5=1)
    assert till.city.steps == steps
    till.settle(1_500)
    assert till.city.steps == steps + 1


def test_what_is_committed_while_sending_goes_right_after(till: ScriptedTill) -> None:
    till.settle(5_000)
    steps = till.city.steps
    till.vm.sync.send_now()
    till.vm.sync.send_now()
    till.vm.sync.nudge()
    assert state(till).busy
    till.settle()
    till.settle(1)
    assert till.city.steps == steps + 2
    till.settle(20_000)
    assert till.city.steps == steps + 2


def test_the_line_keeps_itself_going_when_nothing_happens(till: ScriptedTill) -> None:
    till.settle(5_000)
    steps = till.city.steps
    till.settle(61_000)
    assert till.city.steps == steps + 2


def test_a_till_that_ends_plans_no_further_step(till: ScriptedTill) -> None:
    till.settle(5_000)
    till.vm.sync.send_now()
    till.vm.stop()
    till.settle()
    steps = till.city.steps
    till.settle(120_000)
    assert till.city.steps == steps


def test_the_log_keeps_the_newest_lines(till: ScriptedTill) -> None:
    for number in range(1, LOG_LINES + 11):
        send(till, report(sent=number))
    assert len(log(till)) == LOG_LINES
    assert log(till)[0] == f"{LOG_LINES + 10} catatan diterima kota"


def test_a_ledger_that_is_busy_is_said_and_tried_again(till: ScriptedTill) -> None:
    send(till, LedgerBusy())
    notice = state(till).notice
    assert notice is not None
    assert (notice.code, state(till).busy) == ("ledger_busy", False)
    steps = till.city.steps
    till.settle(31_000)
    assert till.city.steps == steps + 1


def test_a_bug_is_not_hidden(till: ScriptedTill) -> None:
    with pytest.raises(ZeroDivisionError):
        send(till, ZeroDivisionError())


def test_all_sent_before_the_first_exchange_names_no_time(till: ScriptedTill) -> None:
    till.settle(5_000)
    head = till.kit.ledger.read().head()
    with till.kit.ledger.write() as uow:
        uow.append(CityAcknowledged(head.seq, head.hash, START_MS, "00"))
    till.power_cut()
    till.to("sync")
    assert state(till).last_received == "kiriman kota ke-1"
    assert state(till).headline


def test_lamp_and_screens_count_the_same_entries_at_every_moment(till: ScriptedTill) -> None:
    """A commit is counted on all of them before the line has said anything of it."""

    def said() -> set[str]:
        lamp = next(lamp.word for lamp in till.vm.shell.state.lamps if lamp.icon == "cloud-upload")
        facts = [fact.text for fact in till.vm.day.state.facts if fact.icon == "cloud-upload"]
        return {lamp, state(till).headline, *facts}

    ledger = till.kit.ledger
    till.to("day")
    with ledger.write() as uow:
        uow.append(ComplaintRecorded("1", "antrean", "lama", anonymous=True))
    till.vm.shell.refresh()
    till.settle()
    unsent = ledger.read().head().unsent
    assert said() == {f"{unsent} belum terkirim", f"{unsent} catatan belum terkirim"}
    with ledger.write() as uow:
        uow.append(CityAcknowledged(uow.head().seq, uow.head().hash, 1, "00" * 64))
    till.vm.shell.refresh()
    till.settle()
    assert said() == {"Semua terkirim", "Semua terkirim ke kota"}


BUSY = SyncReport(SyncPhase.WAITING, unsent=3, code="server_busy", reason="asked", retry_ms=5_000)


def test_a_city_that_is_busy_when_all_seal_their_day_is_asked_again_at_this_kiosks_own_time(till: ScriptedTill) -> None:
    till.to("sync")
    till.vm.sync.evening(sealed=True)
    send(till, BUSY)
    own = spread_ms("EW-0001")
    assert 5_000 < own < EVENING_MS
    assert state(till).detail == f"mencoba lagi {own // 60_000} menit lagi"
    steps = till.city.steps
    till.vm.sync.nudge()  # the report is printed, a copy is made
    till.settle(own - 1_000)
    assert till.city.steps == steps, "others first"
    till.city.reports = [BUSY, report()]
    till.settle(1_500)
    assert till.city.steps == steps + 1
    till.settle(6_000)
    assert till.city.steps == steps + 2, "once; then for as long as the city says"


def test_who_presses_the_button_does_not_wait_for_others(till: ScriptedTill) -> None:
    till.to("sync")
    till.vm.sync.evening(sealed=True)
    send(till, BUSY)
    send(till, report())
    assert state(till).headline.startswith("Semua terkirim")


@pytest.mark.parametrize(("sealed", "said"), [(False, BUSY), (True, AWAY)])
def test_by_day_and_without_a_line_nothing_waits_for_an_evening(
    till: ScriptedTill, sealed: bool, said: SyncReport
) -> None:
    """A till that is switched off after the seal should have tried as often as the line came."""
    till.to("sync")
    till.vm.sync.evening(sealed=True)
    till.vm.sync.evening(sealed=sealed)
    send(till, said)
    steps = till.city.steps
    till.city.reports = [report()]
    till.settle(said.retry_ms + 1_000)
    assert till.city.steps == steps + 1


def test_kiosks_spread_over_the_half_hour() -> None:
    places = [spread_ms(f"EW-{number:04d}") for number in range(1, 178)]
    assert len(set(places)) == 177
    busiest = max(sum(minute == place // 60_000 for place in places) for minute in range(30))
    assert busiest <= 15, "of 177 kiosks, 6 a minute would be even"
    assert min(places) >= 0
    assert max(places) < EVENING_MS
