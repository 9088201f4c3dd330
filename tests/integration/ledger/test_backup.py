"""Copies of a ledger in use."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerFull
from ewarung_pos.ledger.backup import back_up
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ledger.verify_report import VerifyReport
from tests.integration.ledger.kiosk import KEY, names, rice, serve


@pytest.fixture
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stick")


def test_a_backup_is_one_verified_file_under_the_same_key(ledger: SqlLedger, stick: Path) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    backup = ledger.back_up(stick)
    assert names(stick) == ["ledger-EW-0001-1-00000005.db"]
    assert backup.path == os.fspath(stick / "ledger-EW-0001-1-00000005.db")
    assert (backup.entries, backup.head) == (5, ledger.read().head().hash)
    report = verify(Path(backup.path), KEY)
    assert (report.ok, report.head) == (True, backup.head)
    assert names(stick) == ["ledger-EW-0001-1-00000005.db"]


def test_the_till_goes_on_while_it_is_backed_up(ledger: SqlLedger, stick: Path) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        backup = ledger.back_up(stick)
    assert backup.entries == 4
    assert ledger.back_up(stick).entries == 5
    assert ledger.back_up(stick).entries == 5
    assert len(names(stick)) == 2


def test_a_ledger_that_does_not_verify_is_not_backed_up_as_a_good_one(
    ledger: SqlLedger, stick: Path, tmp_path: Path
) -> None:
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("UPDATE stock SET packs = 7")
    connection.close()
    with pytest.raises(LedgerCorrupt) as caught:
        ledger.back_up(stick)
    assert caught.value.reason == "verify"
    assert names(stick) == []


def test_a_new_till_has_a_backup_too(empty: SqlLedger, stick: Path, tmp_path: Path) -> None:
    assert back_up(tmp_path / "ledger.db", KEY, stick).path.endswith("ledger-new-0-00000000.db")


def test_a_place_that_cannot_hold_it_is_named(ledger: SqlLedger, stick: Path) -> None:
    with pytest.raises(ConfigError):
        ledger.back_up(stick / "nowhere")
    (stick / "ledger-EW-0001-1-00000004.db").mkdir()
    with pytest.raises(ConfigError) as caught:
        ledger.back_up(stick)
    assert caught.value.reason == "backup_dir"
    assert names(stick) == ["ledger-EW-0001-1-00000004.db"]


def test_two_copies_at_once_are_never_taken_for_each_other(
    ledger: SqlLedger, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first is looked through, a second is written into the same folder: it is not looked through yet."""
    drafts: list[Path] = []

    def looked_through(draft: Path, key: bytes | None, *, encrypted: bool) -> VerifyReport:
        drafts.append(draft)
        if len(drafts) == 1:
            with pytest.raises(LedgerCorrupt):
                ledger.back_up(stick)
            assert draft.exists()
            return verify(draft, key, encrypted=encrypted)
        assert drafts[0].exists()
        raise LedgerCorrupt("the second", reason="verify")

    monkeypatch.setattr("ewarung_pos.ledger.backup.verify", looked_through)
    made = ledger.back_up(stick)
    assert len(set(drafts)) == 2
    assert names(stick) == ["ledger-EW-0001-1-00000004.db"]
    assert verify(Path(made.path), KEY).ok


def test_what_a_killed_copy_left_goes_with_the_next(ledger: SqlLedger, stick: Path) -> None:
    left, other = stick / ".ledger.db.copying-killed", stick / "copying-photos"
    for folder in (left, other):
        folder.mkdir()
        (folder / "ledger.lock").touch()
        (folder / "ledger.db").write_bytes(b"half")
    ledger.back_up(stick)
    assert names(stick) == ["copying-photos", "ledger-EW-0001-1-00000004.db"]


def test_a_stick_that_knows_no_locks_takes_a_copy_too(
    ledger: SqlLedger, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(file: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("ewarung_pos.ledger.lock._take", none)
    assert ledger.back_up(stick).entries == 4
    assert names(stick) == ["ledger-EW-0001-1-00000004.db"]


def test_a_stick_without_room_for_the_draft_s_folder_is_full(
    ledger: SqlLedger, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ewarung_pos.ledger.backup.tempfile.mkdtemp", full)
    with pytest.raises(LedgerFull) as caught:
        ledger.back_up(stick)
    assert caught.value.reason == "copy"


def test_no_room_for_a_copy_is_told_of_the_copy_and_not_of_the_ledger(
    ledger: SqlLedger, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise LedgerFull("database or disk is full")

    monkeypatch.setattr("ewarung_pos.ledger.backup._copied", full)
    with pytest.raises(LedgerFull) as caught:
        ledger.back_up(stick)
    assert (caught.value.reason, caught.value.detail) == ("copy", "database or disk is full")
    assert names(stick) == []
