"""The whole ledger is verified once a day, and after every stop that was not in order."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_pos.errors import ConfigError, LedgerCorrupt
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from tests.integration.ledger.kiosk import KEY, ToldClock, rice, serve

DAY_MS = 86_400_000


def yes() -> bool:
    return True


def test_a_ledger_is_checked_once_a_day(ledger: SqlLedger, clock: ToldClock) -> None:
    assert ledger.audit(yes)
    assert not ledger.audit(yes)
    clock.ms += DAY_MS - 1_000
    assert not ledger.audit(yes)
    clock.ms += 2_000
    assert ledger.audit(yes)
    clock.ms -= 3 * DAY_MS  # a clock that was set back says nothing about the last time
    assert ledger.audit(yes)


def test_an_orderly_stop_leaves_nothing_to_check(ledger: SqlLedger, opened: Callable[..., SqlLedger]) -> None:
    assert ledger.audit(yes)
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    ledger.close()
    assert not opened().audit(yes)


def test_after_an_unclean_stop_it_is_checked_at_once(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path
) -> None:
    assert ledger.audit(yes)
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    died = tmp_path / "died"
    died.mkdir()
    for name in ("ledger.db", "ledger.db-wal", "ledger.checked"):
        shutil.copy(tmp_path / name, died / name)
    again = opened(died)
    assert again.audit(yes)
    assert not again.audit(yes)


def test_what_is_not_sound_is_said_and_stays_due(ledger: SqlLedger, tmp_path: Path) -> None:
    assert ledger.audit(yes)
    (tmp_path / "ledger.checked").unlink()
    other = connect(tmp_path / "ledger.db", KEY)
    other.execute("UPDATE stock SET packs = packs + 1 WHERE product = 'B5'")
    for _ in range(2):
        with pytest.raises(LedgerCorrupt) as caught:
            ledger.audit(yes)
        assert (caught.value.reason, caught.value.detail) == ("verify", "projection stock")
    other.execute("UPDATE stock SET packs = packs - 1 WHERE product = 'B5'")
    other.close()
    assert ledger.audit(yes)


def test_a_check_that_is_not_wanted_any_more_stays_due(ledger: SqlLedger) -> None:
    assert not ledger.audit(lambda: False)
    assert ledger.audit(yes)


@pytest.mark.parametrize("content", ["", "soon", "é"])
def test_a_note_that_cannot_be_read_is_no_note(ledger: SqlLedger, tmp_path: Path, content: str) -> None:
    (tmp_path / "ledger.checked").write_text(content)
    assert ledger.audit(yes)


def test_a_note_that_cannot_be_written_is_said(ledger: SqlLedger, tmp_path: Path) -> None:
    (tmp_path / "ledger.checked").mkdir()
    with pytest.raises(ConfigError) as caught:
        ledger.audit(yes)
    assert caught.value.reason == "data_dir"
