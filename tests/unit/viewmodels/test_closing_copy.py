"""The copy of the ledger that follows the seal: said on the last page, and nothing that anybody waits for."""

from __future__ import annotations

import pytest

from ewarung_pos.domain.timeline import Instant
from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerError, LedgerFull
from ewarung_pos.ports import Lane, LedgerCopy
from ewarung_pos.ui.text_copies import SAME_DISK, copied_words
from ewarung_pos.ui.viewmodels.closing_copy import COPYING, CopyState
from tests.unit.services.counter import DAY_MS
from tests.unit.viewmodels.closing import seal, state, up_to_the_seal
from tests.unit.viewmodels.till import ScriptedTill


@pytest.fixture
def sealing(evening: ScriptedTill) -> ScriptedTill:
    up_to_the_seal(evening)
    return evening


def copy(till: ScriptedTill) -> CopyState:
    return till.vm.copy.state


def test_a_copy_is_made_after_every_seal_and_said(sealing: ScriptedTill) -> None:
    seal(sealing)
    assert len(sealing.stick.made) == 1
    clock = Instant(sealing.kit.clock.ms).clock()
    assert copy(sealing).copied == f"Salinan terakhir: hari ini {clock}, di /media/usb"
    assert copy(sealing).trouble is None


def test_it_is_made_on_a_lane_of_its_own(sealing: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes: list[str] = []
    submit = sealing.runner.submit

    def noted(lane: Lane | str, *rest: object) -> None:
        lanes.append(str(lane))
        submit(lane, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sealing.runner, "submit", noted)
    seal(sealing)
    assert lanes.count("copy") == 1


def test_a_copy_on_the_ledger_s_own_disk_is_said_to_be_one(sealing: ScriptedTill) -> None:
    sealing.stick.same_disk = True
    seal(sealing)
    assert copy(sealing).copied.endswith(f"/media/usb. {SAME_DISK}")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError(reason="backup_dir"), "config.backup_dir"),
        (LedgerFull(reason="copy"), "ledger_full.copy"),
        (LedgerCorrupt(reason="verify"), "ledger_corrupt"),
    ],
)
def test_a_copy_that_fails_is_a_look_with_one_next_step_and_the_day_is_sealed(
    sealing: ScriptedTill, error: Exception, code: str
) -> None:
    sealing.stick.failures = [error]
    seal(sealing)
    found = copy(sealing).trouble
    assert found is not None
    assert (found.code, found.tone, bool(found.now)) == (code, "look", True)
    assert (state(sealing).step, copy(sealing).copied, state(sealing).notice) == (5, "", None)
    assert state(sealing).said == "Hari disegel. Laporan tutup hari sudah dicetak."
    sealing.vm.copy.again()
    sealing.settle()
    assert copy(sealing).trouble is None
    assert copy(sealing).copied.startswith("Salinan terakhir: hari ini")


def test_a_bug_in_it_is_not_hidden(sealing: ScriptedTill) -> None:
    sealing.stick.failures = [ZeroDivisionError()]
    sealing.vm.closing.seal()
    with pytest.raises(ZeroDivisionError):
        sealing.settle()


def test_it_is_asked_for_once_at_a_time_and_never_before_the_seal(sealing: ScriptedTill) -> None:
    sealing.vm.copy.again()
    sealing.settle()
    assert sealing.stick.made == []
    seal(sealing)
    sealing.vm.copy.again()
    assert copy(sealing).copied == COPYING
    sealing.vm.copy.again()
    sealing.settle()
    assert len(sealing.stick.made) == 2


# --- the next morning ------------------------------------------------------------------------------------------------


def open_tomorrow(till: ScriptedTill) -> None:
    till.kit.clock.ms += DAY_MS
    till.to("day")
    till.vm.day.open()
    till.settle()
    assert till.vm.shell.state.screen == "counter"


def test_a_copy_that_the_evening_did_not_finish_is_made_in_the_morning(sealing: ScriptedTill) -> None:
    sealing.stick.failures = [LedgerError(reason="copy_stopped")]
    seal(sealing)
    assert sealing.stick.made == []
    open_tomorrow(sealing)
    assert len(sealing.stick.made) == 1
    assert sealing.stick.made[0].entries >= sealing.kit.ledger.read().last_seal() > 0
    assert sealing.vm.shell.state.notice is None


def test_an_older_copy_does_not_count_for_the_last_seal(sealing: ScriptedTill) -> None:
    sealing.stick.make()
    sealing.stick.failures = [LedgerError(reason="copy_stopped")]
    seal(sealing)
    open_tomorrow(sealing)
    assert len(sealing.stick.made) == 2


def test_a_copy_that_holds_the_last_seal_is_not_made_again(sealing: ScriptedTill) -> None:
    seal(sealing)
    open_tomorrow(sealing)
    assert len(sealing.stick.made) == 1
    assert sealing.vm.copy.state.copied.startswith("Salinan terakhir")


def test_before_the_first_seal_there_is_nothing_to_catch_up_on(shut: ScriptedTill) -> None:
    open_tomorrow(shut)
    assert shut.stick.made == []


@pytest.mark.parametrize("at_the_look", [True, False])
def test_a_copy_that_cannot_be_made_in_the_morning_is_told_to_who_opens(
    sealing: ScriptedTill, monkeypatch: pytest.MonkeyPatch, at_the_look: bool
) -> None:
    away = ConfigError(reason="backup_dir")
    sealing.stick.failures = [away, away]
    seal(sealing)
    if at_the_look:
        monkeypatch.setattr(sealing.stick, "newest", lambda: (_ for _ in ()).throw(away))
    open_tomorrow(sealing)
    told = sealing.vm.shell.state.notice
    assert told is not None
    assert (told.code, told.tone) == ("config.backup_dir", "look")
    assert told.now == "Pasang penyimpanan cadangan, disalin lagi sesudah Tutup Hari."
    assert sealing.kit.day.today().serving


@pytest.mark.parametrize(
    ("days", "day"), [(0, "hari ini"), (1, "kemarin"), (2, "22 November 2026"), (-1, "25 November 2026")]
)
def test_when_is_said_as_a_person_would(days: int, day: str) -> None:
    noon = Instant(1_795_496_400_000)  # 24 November 2026, 12.00 WIB
    made = LedgerCopy("/media/usb", noon.ms - days * DAY_MS, 7)
    assert copied_words(made, noon) == f"Salinan terakhir: {day} 12.00, di /media/usb"
