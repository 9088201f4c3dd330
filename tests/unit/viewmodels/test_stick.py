"""Simpan ke USB and Ambil dari USB: what the operator is told, and that nothing waits for a stick."""

from __future__ import annotations

from typing import Any

import pytest

from ewarung_pos.errors import BundleRefused, LedgerBusy, StickError
from ewarung_pos.ports import BundleFetched, Lane, StickPlace, SyncPhase, SyncReport
from ewarung_pos.ui.viewmodels.stick import StickState
from tests.till_kit import START_MS
from tests.unit.viewmodels.till import ScriptedTill


def state(till: ScriptedTill) -> StickState:
    return till.vm.stick.state


def reply(**more: object) -> BundleFetched:
    resend = more.pop("resend_from", 0)
    report = SyncReport(SyncPhase.IDLE, at_ms=START_MS, **more)  # type: ignore[arg-type]
    return BundleFetched(report, resend)  # type: ignore[arg-type]


def save(till: ScriptedTill) -> None:
    till.vm.stick.save()
    till.settle()


def fetch(till: ScriptedTill, said: BundleFetched | Exception) -> None:
    till.usb.replies = [said]
    till.vm.stick.fetch()
    till.settle()


def log(till: ScriptedTill) -> list[str]:
    return [line.text for line in till.vm.sync.state.log]


def notice(till: ScriptedTill) -> str:
    said = state(till).notice
    return said.code if said is not None else ""


def test_one_stick_is_used_without_a_question_and_says_when_it_may_be_pulled_out(till: ScriptedTill) -> None:
    till.vm.stick.save()
    assert state(till).busy == "Mencari USB …"
    till.settle()
    assert till.usb.calls == [("save", "/media/siti/USB")]
    assert (state(till).busy, state(till).tone) == ("", "ok")
    assert state(till).words == (
        "Catatan 3 sampai 7 disimpan. USB boleh dicabut. "
        "Bawa ke kelurahan atau kecamatan, lalu ambil balasannya di sini."
    )


def test_who_comes_back_to_the_screen_finds_no_old_news(till: ScriptedTill) -> None:
    save(till)
    till.to("history")
    till.to("sync")
    assert state(till) == StickState()
    till.vm.stick.save()
    till.vm.shell.go("history")
    till.vm.shell.go("sync")
    assert state(till).busy
    till.settle()
    assert state(till).words


def test_what_found_no_room_is_said(till: ScriptedTill) -> None:
    till.usb.left = 12
    save(till)
    assert "12 catatan lagi tidak muat" in state(till).words


def test_a_reply_is_told_in_the_words_of_the_line_and_the_log_has_them_too(till: ScriptedTill) -> None:
    fetch(till, reply(sent=5, received=2, attested=("2026-11-23",), flagged=((7, "OVER_LEASE"),)))
    assert till.usb.calls == [("fetch", "/media/siti/USB")]
    assert state(till).words == (
        "5 catatan diterima kota, 2 pembaruan dari kota, hari Senin 23 Nov 2026: kota membenarkan. USB boleh dicabut."
    )
    assert log(till) == [
        "hari Senin 23 Nov 2026: kota membenarkan",
        "catatan 7: diterima, melebihi jatah yang diketahui kota",
        "2 pembaruan dari kota",
        "5 catatan diterima kota",
    ]
    assert state(till).tone == "ok"


def test_where_there_is_no_line_the_headline_counts_what_still_waits(till: ScriptedTill) -> None:
    till.to("sync")
    waiting = till.kit.ledger.read().head().unsent
    fetch(till, reply(sent=5, unsent=waiting))
    assert till.vm.sync.state.headline == f"{waiting} catatan belum terkirim"
    assert till.vm.sync.state.tone == "look"


def test_what_the_line_has_to_say_is_not_covered_by_a_stick(till: ScriptedTill) -> None:
    till.city.reports = [SyncReport(SyncPhase.WAITING, unsent=3, code="server_unreachable", reason="no_line")]
    till.vm.sync.send_now()
    till.settle()
    fetch(till, reply(sent=3))
    shown = till.vm.sync.state
    assert shown.notice is not None
    assert shown.notice.code == "server_unreachable"
    assert log(till)[0] == "3 catatan diterima kota"


def test_the_same_reply_again_says_so(till: ScriptedTill) -> None:
    fetch(till, reply())
    assert state(till).words == "Tidak ada yang baru: balasan ini sudah pernah diambil. USB boleh dicabut."
    assert (state(till).tone, log(till)) == ("info", [])


def test_what_the_city_says_against_it_is_said(till: ScriptedTill) -> None:
    fetch(till, reply(sent=2, code="unauthorised", reason="fork"))
    assert notice(till) == "unauthorised.fork"
    assert log(till)[0] == "Kota memegang catatan lain untuk kios ini."
    fetch(till, reply(code="unauthorised", reason="quarantined_gap", resend_from=1))
    assert notice(till) == "unauthorised.quarantined_gap"


@pytest.mark.parametrize("reason", ["damaged", "other_kiosk", "other_city", "other_epoch", "newer", "wrong_way"])
def test_a_file_that_is_refused_says_why(till: ScriptedTill, reason: str) -> None:
    fetch(till, BundleRefused(reason=reason))
    assert notice(till) == f"bundle_refused.{reason}"
    assert state(till).busy == ""


def test_without_a_stick_nothing_is_tried(till: ScriptedTill) -> None:
    till.usb.found = ()
    save(till)
    fetch(till, reply())
    assert (notice(till), till.usb.calls) == ("stick.no_stick", [])


def test_of_several_sticks_the_operator_says_which_or_none(till: ScriptedTill) -> None:
    two = (StickPlace("/media/siti/A", "A"), StickPlace("/media/siti/B", "B"))
    till.usb.found = two
    save(till)
    assert (state(till).places, state(till).busy, till.usb.calls) == (two, "", [])
    till.vm.stick.choose("/media/siti/C")
    till.settle()
    assert till.usb.calls == []
    till.vm.stick.choose("/media/siti/B")
    till.settle()
    assert till.usb.calls == [("save", "/media/siti/B")]
    fetch(till, reply(sent=1))
    till.vm.stick.leave()
    assert (state(till).places, len(till.usb.calls)) == ((), 1)
    fetch(till, reply(sent=1))
    till.vm.stick.choose("/media/siti/A")
    till.settle()
    assert till.usb.calls[-1] == ("fetch", "/media/siti/A")


def test_while_a_stick_is_at_work_nothing_else_begins(till: ScriptedTill) -> None:
    till.vm.stick.save()
    till.vm.stick.fetch()
    till.vm.stick.save()
    till.settle()
    assert till.usb.calls == [("save", "/media/siti/USB")]


def test_no_lane_but_that_of_the_line_waits_for_a_stick(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    till.to("history")  # where nothing else is going on
    lanes: list[Lane] = []
    submit = till.runner.submit

    def noted(lane: Lane, *words: Any) -> None:
        lanes.append(lane)
        submit(lane, *words)

    with monkeypatch.context() as patch:
        patch.setattr(till.runner, "submit", noted)
        save(till)
        till.usb.replies = [BundleRefused(reason="damaged")]
        till.vm.stick.fetch()
        till.settle()
    assert lanes == [Lane.SYNC] * 4


def test_a_stick_that_fails_and_a_ledger_that_is_busy_are_told(till: ScriptedTill) -> None:
    fetch(till, StickError(reason="gone"))
    assert notice(till) == "stick.gone"
    fetch(till, LedgerBusy())
    assert notice(till) == "ledger_busy"


def test_a_mistake_of_ours_is_no_trouble_of_the_stick(till: ScriptedTill) -> None:
    with pytest.raises(ZeroDivisionError):
        fetch(till, ZeroDivisionError())
    assert notice(till) == "bug"
