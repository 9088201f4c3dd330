"""The copies that a kiosk keeps by itself: made by a process of its own, and none taken away that is not contained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.domain.redemption import Tender
from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerError, LedgerFull, LedgerKeyWrong, PosError
from ewarung_pos.ledger import copies as module
from ewarung_pos.ledger.backup import complete
from ewarung_pos.ledger.copies import LedgerCopies, keep_copy
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.keys import DESCRIPTOR_FILE, Tier, make_key
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, NOVEMBER_24, ToldClock, enrol, names, rice, serve, stock_up

DAY_MS = 86_400_000
Make = Callable[..., LedgerCopies]


@pytest.fixture
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stick")


@pytest.fixture
def kiosk(ledger: SqlLedger, tmp_path: Path) -> SqlLedger:
    """With its key beside it, for the process that makes the copy."""
    (tmp_path / "ledger.key").write_text(KEY.hex())
    (tmp_path / "ledger.key").chmod(0o600)
    return ledger


@pytest.fixture
def copies(kiosk: SqlLedger, tmp_path: Path, stick: Path) -> Make:
    def make(place: Path = stick, *, own: bool = False, command: tuple[str, ...] = ()) -> LedgerCopies:
        return LedgerCopies(tmp_path, place, own=own, reader=kiosk.read, command=command)

    return make


def sell(ledger: SqlLedger, times: int = 1) -> None:
    for _ in range(times):
        with ledger.write() as uow:
            serve(uow, "F0001", rice(1, Tender.CASH))


# --- made by another process -----------------------------------------------------------------------------------------


def test_a_copy_is_made_beside_a_till_that_serves(copies: Make, kiosk: SqlLedger, stick: Path) -> None:
    assert copies().newest() is None
    made = copies().make()
    assert (made.folder, made.entries) == (os.fspath(stick), 4)
    assert abs(made.at_ms - time.time_ns() // 1_000_000) < 60_000
    assert made.same_disk is (stick.stat().st_dev == Path(kiosk._path).stat().st_dev)
    assert copies().newest() == made
    assert verify(stick / "ledger-EW-0001-1-00000004.db", KEY).ok
    sell(kiosk)
    again = copies()
    assert again.make().entries == 5
    again.close()
    assert names(stick) == ["ledger-EW-0001-1-00000004.db", "ledger-EW-0001-1-00000005.db"]


def test_the_copy_of_a_till_whose_passphrase_nobody_types_again_gets_the_key_through_a_pipe(
    ledger: SqlLedger, tmp_path: Path, stick: Path
) -> None:
    (tmp_path / "rung").mkdir()
    make_key(tmp_path / "rung", Tier.PASSPHRASE, lambda _: "beras lima kilo, minyak dua")
    (tmp_path / "rung" / DESCRIPTOR_FILE).rename(tmp_path / DESCRIPTOR_FILE)
    with pytest.raises(ConfigError) as caught:
        LedgerCopies(tmp_path, stick, own=False, reader=ledger.read).make()
    assert caught.value.reason == "no_passphrase"
    with pytest.raises(LedgerKeyWrong):
        LedgerCopies(tmp_path, stick, own=False, reader=ledger.read, key=KEY[1:]).make()
    assert LedgerCopies(tmp_path, stick, own=False, reader=ledger.read, key=KEY).make().entries == 4
    assert verify(stick / "ledger-EW-0001-1-00000004.db", KEY).ok


def test_a_place_of_our_own_is_made_and_a_stick_s_is_not(copies: Make, tmp_path: Path) -> None:
    own = tmp_path / "backup"
    assert copies(own, own=True).newest() is None
    assert copies(own, own=True).make().entries == 4
    for ask in (copies(tmp_path / "media").make, copies(tmp_path / "media").newest):
        with pytest.raises(ConfigError) as caught:
            ask()
        assert caught.value.reason == "backup_dir"
    assert not (tmp_path / "media").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        copies(tmp_path / "file" / "backup", own=True).make()
    assert caught.value.reason == "backup_dir"


def test_what_is_wrong_with_the_ledger_comes_home_as_the_same_error(copies: Make, tmp_path: Path, stick: Path) -> None:
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("UPDATE stock SET packs = 7")
    connection.close()
    with pytest.raises(LedgerCorrupt) as caught:
        copies().make()
    assert (caught.value.reason, "stock" in caught.value.detail) == ("verify", True)
    assert names(stick) == []


@pytest.mark.parametrize("words", ["", "no JSON", "1", '{"error": "unheard_of", "reason": "x", "detail": "y"}'])
def test_a_process_that_says_nothing_we_know_made_no_copy(copies: Make, words: str) -> None:
    odd = copies(command=(sys.executable, "-c", f"print({words!r})"))
    with pytest.raises(LedgerError) as caught:
        odd.make()
    assert caught.value.reason == "copy_stopped"


def test_a_program_that_cannot_be_started_made_no_copy(copies: Make, tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        copies(command=(os.fspath(tmp_path / "not-there"),)).make()
    assert caught.value.reason == "copy_stopped"


def test_a_stick_that_is_pulled_after_the_copy_was_made_is_named(copies: Make, stick: Path) -> None:
    gone = stick / "ledger-EW-0001-1-00000004.db"
    with pytest.raises(ConfigError) as caught:
        copies(command=(sys.executable, "-c", f"print({json.dumps({'path': os.fspath(gone), 'entries': 4})!r})")).make()
    assert caught.value.reason == "backup_dir"


def test_a_process_that_never_ends_is_ended(copies: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.2)
    with pytest.raises(LedgerError) as caught:
        copies(command=(sys.executable, "-c", "import time; time.sleep(60)")).make()
    assert caught.value.reason == "copy_stopped"


def test_a_till_that_closes_does_not_wait_for_a_copy(copies: Make) -> None:
    slow = copies(command=(sys.executable, "-c", "import time; time.sleep(60)"))
    caught: list[PosError] = []

    def make() -> None:
        try:
            slow.make()
        except PosError as error:
            caught.append(error)

    lane = threading.Thread(target=make)
    lane.start()
    deadline = time.monotonic() + 20
    while slow._process is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    slow.close()
    slow.close()
    lane.join(20)
    assert not lane.is_alive()
    assert [error.reason for error in caught] == ["copy_stopped"]
    with pytest.raises(LedgerError):
        slow.make()


def test_a_copy_of_another_epoch_is_none_of_this_ledger(copies: Make, kiosk: SqlLedger, stick: Path) -> None:
    (stick / "ledger-EW-0001-2-00009999.db").write_bytes(b"")
    assert copies().newest() is None
    made = copies().make()
    assert copies().newest() == made


def test_a_ledger_without_a_kiosk_has_no_newest_copy(empty: SqlLedger, tmp_path: Path, stick: Path) -> None:
    assert LedgerCopies(tmp_path, stick, own=False, reader=empty.read).newest() is None
    assert keep_copy(tmp_path / "ledger.db", KEY, stick).entries == 0


def test_a_program_in_one_piece_calls_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module._program() == (sys.executable, "-m", "ewarung_pos")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert module._program() == (sys.executable,)


# --- which are kept ----------------------------------------------------------------------------------------------


def evenings(ledger: SqlLedger, clock: ToldClock, data_dir: Path, stick: Path, days: range, keep: int) -> list[str]:
    """One sale and one copy on each of these days after 24 November; what lies on the stick then."""
    for day in days:
        clock.ms = NOVEMBER_24 + day * DAY_MS
        sell(ledger)
        keep_copy(data_dir / "ledger.db", KEY, stick, keep)
    return [name[-11:-3].lstrip("0") for name in names(stick) if name.startswith("ledger-EW-0001-1-")]


def test_the_newest_stay_and_the_last_of_each_month(
    ledger: SqlLedger, clock: ToldClock, tmp_path: Path, stick: Path
) -> None:
    # Entry 5 is of 24 November; 11 of 30 November; 42 of 31 December.
    assert evenings(ledger, clock, tmp_path, stick, range(45), 3) == ["11", "42", "47", "48", "49"]
    assert all(verify(path, KEY).ok for path in stick.iterdir())


def test_fourteen_stay_by_themselves(ledger: SqlLedger, clock: ToldClock, tmp_path: Path, stick: Path) -> None:
    assert module.KEEP == 14
    for _ in range(16):
        sell(ledger)
        keep_copy(tmp_path / "ledger.db", KEY, stick)
    assert len(names(stick)) == 14
    assert names(stick)[-1] == "ledger-EW-0001-1-00000020.db"


def test_nothing_else_is_ever_taken_away(ledger: SqlLedger, clock: ToldClock, tmp_path: Path, stick: Path) -> None:
    """Not a file of another name, kiosk or epoch, nor one that cannot be read, nor one of another past."""
    sell(ledger)
    first = Path(ledger.back_up(stick).path).read_bytes()
    left = {
        "ledger-EW-0001-1-00000003.db": b"not a ledger",
        "ledger-EW-0001-1-00000002.db": first,  # its name says less than it holds
        "ledger-EW-0001-2-00000001.db": first,
        "ledger-EW-0002-1-00000001.db": first,
        "ledger.db": first,
        "foto.jpg": b"\xff\xd8",
    }
    for name, body in left.items():
        (stick / name).write_bytes(body)
    other = stick / "other"
    other.mkdir()
    evenings(ledger, clock, tmp_path, stick, range(4), 1)
    for name, body in left.items():
        assert (stick / name).read_bytes() == body
    assert not (stick / "ledger-EW-0001-1-00000005.db").exists()
    assert other.is_dir()


def test_a_copy_of_another_past_is_not_taken_away(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], clock: ToldClock, tmp_path: Path, stick: Path
) -> None:
    neighbour = tmp_path / "image"
    neighbour.mkdir()
    image = opened(neighbour, create=True)
    enrol(image)
    stock_up(image)
    sell(image)
    another = Path(image.back_up(stick).path)
    assert another.name == "ledger-EW-0001-1-00000005.db"
    sell(ledger, 2)
    for _ in range(3):
        sell(ledger)
        keep_copy(tmp_path / "ledger.db", KEY, stick, 1)
    assert another.exists()
    assert names(stick) == [another.name, "ledger-EW-0001-1-00000009.db"]


def test_a_copy_of_as_many_entries_of_another_past_is_not_written_over(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], clock: ToldClock, tmp_path: Path, stick: Path
) -> None:
    """Two machines with one image: what both served is on the stick."""
    neighbour = tmp_path / "image"
    neighbour.mkdir()
    image = opened(neighbour, create=True)
    enrol(image)
    stock_up(image)
    sell(image)
    sell(ledger)
    theirs = Path(image.back_up(stick).path)
    before = theirs.read_bytes()
    mine = Path(keep_copy(tmp_path / "ledger.db", KEY, stick).path)
    assert Path(keep_copy(tmp_path / "ledger.db", KEY, stick).path) == mine  # it takes the place of the first
    assert names(stick) == [mine.name, theirs.name]
    assert (mine.name, theirs.read_bytes()) == ("ledger-EW-0001-1-00000005-2.db", before)
    assert verify(mine, KEY).head == ledger.read().head().hash
    theirs.write_bytes(b"not a ledger any more")
    assert Path(keep_copy(tmp_path / "ledger.db", KEY, stick).path) == mine
    sell(ledger)
    keep_copy(tmp_path / "ledger.db", KEY, stick, 1)
    assert names(stick) == [theirs.name, "ledger-EW-0001-1-00000006.db"]


def test_copies_of_an_older_version_are_taken_away_as_others_are(
    ledger: SqlLedger, clock: ToldClock, tmp_path: Path, stick: Path
) -> None:
    """They lack what the reader of this version looks for."""
    evenings(ledger, clock, tmp_path, stick, range(2), 3)
    for old in stick.iterdir():
        connection = connect(old, KEY)
        connection.execute("ALTER TABLE city_state RENAME COLUMN cursor TO place")
        connection.execute("PRAGMA user_version = 0")
        complete(connection)
        connection.close()
    assert evenings(ledger, clock, tmp_path, stick, range(2, 4), 2) == ["7", "8"]


def test_a_copy_that_fails_takes_nothing_away(ledger: SqlLedger, clock: ToldClock, tmp_path: Path, stick: Path) -> None:
    before = evenings(ledger, clock, tmp_path, stick, range(3), 3)
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("UPDATE stock SET packs = 7")
    connection.close()
    with pytest.raises(LedgerCorrupt):
        keep_copy(tmp_path / "ledger.db", KEY, stick, 1)
    assert [name[-11:-3].lstrip("0") for name in names(stick)] == before


# --- no room, and a stick that fails -----------------------------------------------------------------------------


@pytest.fixture
def small_stick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path_factory.mktemp("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_stick_is_named_and_left_without_a_draft(copies: Make, small_stick: Path) -> None:
    with pytest.raises(LedgerFull) as caught:
        copies(small_stick).make()
    assert caught.value.reason == "copy"
    assert names(small_stick) == []


def test_a_stick_on_another_disk_is_told_from_the_ledger_s_own(copies: Make, small_stick: Path, stick: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=8m", small_stick], check=True)
    assert not copies(small_stick).make().same_disk


def test_a_stick_that_fails_in_the_middle_is_named(
    ledger: SqlLedger, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ewarung_pos.ledger import backup

    def fails(*_: object, **__: object) -> None:
        raise LedgerError("SQLITE_IOERR", reason="io")

    monkeypatch.setattr(backup, "copy_ledger", fails)
    with pytest.raises(ConfigError) as caught:
        ledger.back_up(stick)
    assert caught.value.reason == "backup_dir"
