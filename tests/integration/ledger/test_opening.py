"""What a ledger says to a wrong key, a foreign or newer file, a second instance, a directory that is not there."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import (
    ConfigError,
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerKeyWrong,
    LedgerTooNew,
)
from ewarung_pos.ledger import engine
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.ledger.engine import SCHEMA_VERSION, check_owner, connect, engine_affected
from ewarung_pos.ledger.keys import KEY_FILE, LedgerKey, key_of
from ewarung_pos.ports import Ledger
from tests.integration.ledger.kiosk import KEY, ToldClock, names, rice, serve

Open = Callable[..., SqlLedger]


def raw(directory: Path) -> engine.Connection:
    """A second connection of somebody who knows the key."""
    return connect(directory / "ledger.db", KEY)


def test_what_was_committed_is_there_after_reopening(ledger: SqlLedger, opened: Open) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    before = ledger.read().head()
    ledger.close()
    again: Ledger = opened()
    assert again.read().head() == before
    assert again.read().day().serving
    assert [lease.spent for lease in again.read().leases("F0001", Period("2026-11"))] == [5000, 0]
    with again.write() as uow:
        assert uow.next_receipt() == 2


def test_opening_twice_with_create_keeps_what_is_there(ledger: SqlLedger, opened: Open) -> None:
    head = ledger.read().head()
    ledger.close()
    assert opened(create=True).read().head() == head


@pytest.mark.parametrize("column", ["state = 'ope'", "date = '2026-13-01'", "count = x'7b'"])
def test_a_day_that_no_till_wrote_is_a_damaged_ledger(
    ledger: SqlLedger, opened: Open, tmp_path: Path, column: str
) -> None:
    ledger.close()
    connection = raw(tmp_path)
    connection.execute(f"UPDATE business_day SET {column}")  # noqa: S608
    connection.commit()
    connection.close()
    with pytest.raises(LedgerCorrupt) as caught:
        opened()
    assert caught.value.reason == "verify"


def test_the_file_is_ciphertext_and_holds_no_name(ledger: SqlLedger, tmp_path: Path) -> None:
    ledger.close()
    held = (tmp_path / "ledger.db").read_bytes()
    assert not held.startswith(b"SQLite format 3")
    assert b"KELUARGA" not in held
    assert b"ledger_entry" not in held


def test_names_are_in_the_register_only_not_in_the_journal(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    bodies = b"".join(sealed.body for sealed in ledger.read().sealed(0, 100, 10**6))
    assert b"KELUARGA" not in bodies
    assert b"3374\xe2" not in bodies


def test_an_unencrypted_ledger_is_possible_for_benchmarks(opened: Open, tmp_path: Path) -> None:
    opened(create=True, encrypted=False).close()
    assert (tmp_path / "ledger.db").read_bytes().startswith(b"SQLite format 3")
    with pytest.raises(LedgerCorrupt):
        opened()


def test_another_key_does_not_open_it(empty: SqlLedger, tmp_path: Path, clock: ToldClock) -> None:
    empty.close()
    with pytest.raises(LedgerKeyWrong) as caught:
        open_ledger(tmp_path, bytes(32), clock)
    assert bytes(32).hex() not in str(caught.value)
    with pytest.raises(LedgerKeyWrong):
        open_ledger(tmp_path, b"short", clock)


def test_a_failed_opening_lets_the_next_one_in(
    empty: SqlLedger, tmp_path: Path, clock: ToldClock, opened: Open
) -> None:
    empty.close()
    with pytest.raises(LedgerKeyWrong):
        open_ledger(tmp_path, bytes(32), clock)
    assert opened().read().head().seq == 0


@pytest.mark.parametrize(
    "content", [b"hello", b"", b"SQLite format 3\0" + bytes(8176)], ids=["short", "empty", "plain"]
)
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(opened: Open, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ledger.db"
    file.write_bytes(content)
    with pytest.raises((LedgerCorrupt, LedgerKeyWrong)):
        opened(create=True)
    assert file.read_bytes()[: len(content)] == content


def test_a_plain_database_of_another_program_is_refused(opened: Open, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db")
    other.execute("CREATE TABLE other (a)")
    other.commit()
    other.close()
    with pytest.raises(LedgerCorrupt):
        opened()


def test_an_encrypted_database_of_another_program_is_refused(opened: Open, tmp_path: Path) -> None:
    other = connect(tmp_path / "ledger.db", KEY, create=True)
    other.execute("PRAGMA application_id = 7")
    other.close()
    with pytest.raises(LedgerCorrupt) as caught:
        opened()
    assert caught.value.reason == "foreign"


def test_a_newer_ledger_is_refused(empty: SqlLedger, opened: Open, tmp_path: Path) -> None:
    empty.close()
    newer = raw(tmp_path)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(LedgerTooNew):
        opened()


def test_a_second_instance_is_refused_until_the_first_is_closed(empty: SqlLedger, opened: Open) -> None:
    with pytest.raises(LedgerBusy):
        opened()
    empty.close()
    opened()


def test_a_missing_directory_and_a_missing_ledger_are_named(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(tmp_path / "nowhere", create=True)
    assert caught.value.reason == "data_dir"
    with pytest.raises(ConfigError) as caught:
        opened()
    assert caught.value.reason == "no_ledger"


def test_a_ledger_that_is_no_file_is_named(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(ConfigError):
        opened()


def test_a_closed_ledger_says_so_and_closing_twice_is_harmless(empty: SqlLedger) -> None:
    reader = empty.read()
    empty.close()
    empty.close()
    with pytest.raises(LedgerError) as caught, empty.write():
        pass
    assert caught.value.reason == "closed"
    with pytest.raises(LedgerError):
        reader.stock()


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ],
)
def test_engines_with_the_wal_reset_bug_are_known(version: tuple[int, ...], affected: bool) -> None:
    assert engine_affected(version) is affected


def test_an_engine_with_the_wal_reset_bug_is_refused(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlcipher3.dbapi2.sqlite_version_info", (3, 40, 1))
    with pytest.raises(ConfigError) as caught:
        opened(create=True)
    assert caught.value.reason == "engine"


def test_every_safety_setting_is_on(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        held = {
            name: uow.execute(f"PRAGMA {name}").fetchone()[0] for name, _, _ in (*engine._WRITING, *engine._PRAGMAS)
        }
    assert held == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "fullfsync": 1,
        "checkpoint_fullfsync": 1,
        "busy_timeout": 5000,
        "temp_store": 2,
        "secure_delete": 1,
    }


@pytest.mark.parametrize("place", range(len(engine._PRAGMAS)))
def test_a_setting_that_does_not_take_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    name, value, _ = engine._PRAGMAS[place]
    monkeypatch.setattr(engine, "_PRAGMAS", (*engine._PRAGMAS[:place], (name, value, "else")))
    with pytest.raises(ConfigError) as caught:
        connect(tmp_path / "ledger.db", KEY, create=True)
    assert caught.value.reason == "engine_setting"
    assert name in caught.value.detail


def test_a_file_whose_creation_was_cut_off_is_no_ledger(tmp_path: Path) -> None:
    connection = connect(tmp_path / "ledger.db", KEY, create=True)
    with pytest.raises(LedgerCorrupt) as caught:
        check_owner(connection)
    connection.close()
    assert caught.value.reason == "empty"


def test_opening_an_up_to_date_ledger_imports_no_sql_library(empty: SqlLedger, tmp_path: Path) -> None:
    empty.close()
    code = (
        "import sys, pathlib\n"
        "from ewarung_pos.ledger.database import open_ledger\n"
        "from tests.integration.ledger.kiosk import KEY, ToldClock\n"
        "ledger = open_ledger(pathlib.Path(sys.argv[1]), KEY, ToldClock())\n"
        "ledger.read().history(None)\n"
        "ledger.close()\n"
        "print(sorted({'alembic', 'sqlalchemy', 'cryptography'} & set(sys.modules)))\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, os.fspath(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    key = key_of(tmp_path, create=True)
    assert (len(key.secret), key.tier) == (32, "key_file")
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert key_of(tmp_path, create=True) == key_of(tmp_path) == key
    assert names(tmp_path) == [KEY_FILE]
    assert key.secret.hex() not in repr(key)
    assert key.pepper.hex() not in repr(key)
    assert repr(key) == "LedgerKey(tier='key_file')"
    assert key == LedgerKey(key.secret, "key_file", key.derived)


def test_no_new_key_is_made_for_a_ledger_that_has_lost_its_own(empty: SqlLedger, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        key_of(tmp_path, create=True)
    assert caught.value.reason == "no_key"


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key_of(tmp_path, create=True)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(ConfigError) as caught:
        key_of(tmp_path)
    assert caught.value.reason == "key_exposed"


@pytest.mark.parametrize("content", [b"", b"zz" * 32, b"ab" * 31, b"ab" * 48, "é".encode() * 32])
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / KEY_FILE
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(LedgerKeyWrong) as caught:
        key_of(tmp_path)
    assert caught.value.reason == "key_file"


def test_a_directory_without_room_for_a_key_is_named(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).mkdir(0o700)
    with pytest.raises(ConfigError) as caught:
        key_of(tmp_path)
    assert caught.value.reason == "data_dir"
