"""Beside the counter the whole ledger is verified; when it is not sound, nothing more is served."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ewarung_pos.errors import LedgerCorrupt, LedgerError
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from ewarung_pos.ui.viewmodels.audit import FIRST_MS, NEXT_MS
from ewarung_pos.ui.viewmodels.shell import ShellState
from tests.unit.viewmodels.till import SITI, ScriptedTill


def state(till: ScriptedTill) -> ShellState:
    return till.vm.shell.state


class Audits:
    """Stands in for the ledger's audit: counts, and raises what it was told to."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.wanted: list[Callable[[], bool]] = []

    def __call__(self, wanted: Callable[[], bool]) -> bool:
        self.wanted.append(wanted)
        if self.errors:
            raise self.errors.pop(0)
        return True


def audits(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> Audits:
    made = Audits(*errors)
    monkeypatch.setattr(till.kit.ledger, "audit", made)
    return made


def wait(till: ScriptedTill, ms: int) -> None:
    till.runner.advance(ms)
    till.settle()


def test_a_sound_ledger_is_verified_once_the_screen_stands_and_nobody_hears_of_it(till: ScriptedTill) -> None:
    before = state(till)
    wait(till, FIRST_MS)
    assert (till.kit.data_dir / "ledger.checked").exists()
    assert (state(till).operator, state(till).notice) == (before.operator, None)


def test_it_is_asked_again_for_as_long_as_the_till_runs(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    made = audits(till, monkeypatch, LedgerError("the disk", reason="io"))
    wait(till, FIRST_MS)
    wait(till, NEXT_MS)
    wait(till, NEXT_MS)
    assert (len(made.wanted), state(till).notice, state(till).operator) == (3, None, "siti")
    assert all(wanted() for wanted in made.wanted)
    till.vm.stop()
    assert not any(wanted() for wanted in made.wanted)
    wait(till, NEXT_MS)
    assert len(made.wanted) == 3


def test_a_ledger_that_is_not_sound_ends_service_until_the_next_start(
    till: ScriptedTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    audits(till, monkeypatch, LedgerCorrupt("projection stock", reason="verify"))
    wait(till, FIRST_MS)

    def shown() -> tuple[str, str]:
        notice = state(till).notice
        return state(till).operator, notice.code if notice is not None else ""

    assert shown() == ("", "ledger_corrupt")
    asked = len(till.edc.asked)
    tries: tuple[Callable[[], None], ...] = (
        lambda: till.vm.shell.sign_in("siti", SITI),
        till.vm.shell.dismiss,
        lambda: till.to("history"),
    )
    for each in tries:
        each()
        till.settle()
        assert shown() == ("", "ledger_corrupt")
    assert len(till.edc.asked) == asked


@pytest.mark.parametrize("goes_on", [lambda till: wait(till, FIRST_MS), lambda till: till.vm._changed()])
def test_a_second_till_on_the_same_ledger_ends_service(
    till: ScriptedTill, goes_on: Callable[[ScriptedTill], None]
) -> None:
    """Somebody removed the lock's file under this one."""
    (till.kit.data_dir / LOCK_FILE).unlink()
    second = InstanceLock(till.kit.data_dir / LOCK_FILE)
    try:
        goes_on(till)
        till.settle()
    finally:
        second.release()
    notice = state(till).notice
    assert notice is not None
    assert (state(till).operator, notice.code) == ("", "ledger_busy.second")


def test_a_bug_in_the_audit_is_not_hidden(till: ScriptedTill, monkeypatch: pytest.MonkeyPatch) -> None:
    audits(till, monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        wait(till, FIRST_MS)
