"""What is left after a kill, a full disk and an I/O error."""

from __future__ import annotations

import itertools
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.domain.journal import DayOpened, StockReceived
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.domain.state import OperatorRecord
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.errors import ConfigError, LedgerError, LedgerFull
from ewarung_pos.ledger import engine
from ewarung_pos.ledger.database import CHECKPOINT_AFTER, SqlLedger
from ewarung_pos.ledger.verify import verify
from ewarung_pos.services.operators import OperatorService, PinCost
from tests.integration.ledger.kiosk import KEY, ToldClock, enrol, page, rice, serve, stock_up

ROOT = Path(__file__).parents[3]
Open = Callable[..., SqlLedger]

CHILD = """
import pathlib, sys
from ewarung_pos.domain.redemption import Tender
from ewarung_pos.ledger.database import open_ledger
from tests.integration.ledger.kiosk import KEY, ToldClock, rice, serve

ledger = open_ledger(pathlib.Path(sys.argv[1]), KEY, ToldClock())
print("ready", flush=True)
while True:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1, Tender.CASH))
    print(entry.id, flush=True)
"""

KILLS = 20


@pytest.mark.system
def test_a_killed_till_loses_nothing_that_it_acknowledged(empty: SqlLedger, opened: Open, tmp_path: Path) -> None:
    enrol(empty)
    stock_up(empty, packs=10**9)
    empty.close()
    chance = random.Random(20261124)
    acknowledged: list[str] = []
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, os.fspath(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert select.select([child.stdout], [], [], 60)[0]
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.05))
        child.send_signal(signal.SIGKILL)
        said = child.stdout.read().split("\n")
        child.wait(60)
        child.stdout.close()
        acknowledged += [line for line in said if len(line) == 36]
    ledger = opened()
    report = verify(tmp_path, KEY)
    assert report.ok, report.problems
    reader = ledger.read()
    assert all(reader.entry(entry_id) is not None for entry_id in acknowledged)
    assert len(acknowledged) > KILLS
    made = reader.head().seq - 4
    assert len(acknowledged) <= made <= len(acknowledged) + KILLS
    assert reader.stock()["B5"] == 10**9 - made
    assert len(reader.print_jobs()) == made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def serve_until_full(ledger: SqlLedger) -> int:
    served = 0
    with pytest.raises(LedgerFull):  # noqa: PT012 - it is the loop that ends with it
        while True:
            with ledger.write() as uow:
                serve(uow, "F0001", rice(1))
            served += 1
    return served


def test_a_full_disk_loses_the_last_commit_only_and_says_so(opened: Open, small_disk: Path) -> None:
    ledger = opened(small_disk, create=True)
    enrol(ledger)
    with ledger.write() as uow:
        uow.accept(page(10, 1, rice=10**9), "digest")
        uow.append(DayOpened())
        uow.append(StockReceived("Bulog", "DO", (ReceivedLine("B5", 10**6),)))
    served = serve_until_full(ledger)
    assert served > 10
    assert ledger.read().head().seq == 4 + served
    ledger.close()
    (small_disk / "ledger.lock").unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    again = opened(small_disk)
    assert again.read().head().seq == 4 + served
    assert again.read().stock()["B5"] == 10**6 - served
    with again.write() as uow:
        serve(uow, "F0001", rice(1))
    again.close()
    assert verify(small_disk, KEY).ok


def test_a_full_disk_gives_no_pin_a_try_for_nothing(opened: Open, small_disk: Path) -> None:
    ledger, clock = opened(small_disk, create=True), ToldClock()
    enrol(ledger)
    stock_up(ledger, packs=10**6)
    with ledger.write() as uow:
        uow.put_operator(OperatorRecord("ketua1", "KETUA", "ketua", PasswordHasher(1, 8, 1).hash("271828")))
        uow.accept(page(20, 1, rice=10**9), "digest")
    people = OperatorService(ledger, clock, (bytes(32),), PinCost(8, 1, 1))
    assert people.leader("271828").code == "ketua1"
    room = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize))
    with pytest.raises(LedgerFull):  # noqa: PT012 - the log still has a page or two
        while True:
            with ledger.write() as uow:
                uow.pin_failed("K1")
    for pin in ("271829", "271828", "271828"):
        with pytest.raises(LedgerFull):
            people.leader(pin)
    assert ledger.read().pin_failures("ketua1") == 0
    ledger.close()


def test_a_disk_without_room_for_a_ledger_is_named(opened: Open, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(900 * 1024))
    with pytest.raises((LedgerFull, ConfigError)):
        opened(small_disk, create=True)
    assert not (small_disk / "ledger.db").exists()


def test_a_read_only_disk_is_named(opened: Open, small_disk: Path) -> None:
    ledger = opened(small_disk, create=True)
    ledger.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(ConfigError) as caught:
        opened(small_disk)
    assert caught.value.reason == "data_dir"


ONE_PAGE = 24 + engine.PAGE_BYTES
"""In the log: its header there and itself."""


@pytest.fixture
def no_more_writing() -> Iterator[Callable[[int], None]]:
    """Makes every write beyond a size fail, as a dying disk would: not full, but in error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size < 0 else size, before[1]))

    yield limit
    limit(-1)


@pytest.mark.parametrize(("room", "reason"), [(ONE_PAGE, "not_written"), (0, "io"), (-(10**6), "io")])
def test_after_an_io_error_the_file_is_read_anew_and_says_what_happened(
    ledger: SqlLedger, no_more_writing: Callable[[int], None], tmp_path: Path, room: int, reason: str
) -> None:
    """With room for a smaller commit the outcome is settled at once; without any only the next opening tells."""
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    head = ledger.read().head()
    no_more_writing(max(0, (tmp_path / "ledger.db-wal").stat().st_size + room))
    with pytest.raises(LedgerError) as caught, ledger.write() as uow:
        lost = serve(uow, "F0002", rice(1))
    assert caught.value.reason == reason
    no_more_writing(-1)
    assert ledger.read().head() == head
    assert ledger.read().entry(lost.id) is None
    with ledger.write() as uow:
        assert serve(uow, "F0002", rice(1)).seq == head.seq + 1
    ledger.close()
    assert verify(tmp_path, KEY).ok


class Failing:
    """The writing connection; its next COMMIT fails as on a dying disk, before or after it was done."""

    def __init__(self, ledger: SqlLedger, *, done: bool) -> None:
        self._really: engine.Connection = ledger._writer
        self._done = done

    def __getattr__(self, name: str) -> object:
        return getattr(self._really, name)

    def execute(self, statement: str, *values: object) -> object:
        if statement != "COMMIT":
            return self._really.execute(statement, *values)
        if self._done:
            self._really.execute(statement)
        error = sqlite.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite.SQLITE_IOERR
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise error


def test_a_commit_that_failed_and_is_not_there_never_comes_back(ledger: SqlLedger, tmp_path: Path) -> None:
    head = ledger.read().head()
    ledger._writer = Failing(ledger, done=False)
    with pytest.raises(LedgerError) as caught, ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    assert caught.value.reason == "not_written"
    assert ledger.read().head() == head
    with ledger.write() as uow:
        assert serve(uow, "F0001", rice(1)).seq == head.seq + 1
    ledger.close()
    assert verify(tmp_path, KEY).ok


def test_something_else_is_written_over_a_commit_that_failed(ledger: SqlLedger, tmp_path: Path) -> None:
    """Its pages may stand in the log behind the last valid one, where the next opening would find them."""

    def pages() -> int:
        return int.from_bytes((tmp_path / "ledger.db-shm").read_bytes()[16:20], sys.byteorder)

    assert ledger.read().stock()["B5"] == 100, "a reader is there: the log stays when the doubtful writer is closed"
    before = pages()
    ledger._writer = Failing(ledger, done=False)
    with pytest.raises(LedgerError, match="SQLITE_IOERR_FSYNC"), ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    assert pages() == before + 1


def test_a_commit_that_failed_and_is_there_is_told_as_done(ledger: SqlLedger, tmp_path: Path) -> None:
    ledger._writer = Failing(ledger, done=True)
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
    assert (tmp_path / "ledger.db-wal").stat().st_size == 0, "it is in the file itself, not in a doubtful log"
    assert ledger.read().head().seq == entry.seq
    assert ledger.read().entry(entry.id) is not None


@pytest.mark.parametrize("done", [True, False])
def test_a_failed_commit_without_an_entry_is_called_uncertain(ledger: SqlLedger, *, done: bool) -> None:
    """Nothing can be looked up that would tell: it may be there, as here, and nobody is told that it is not."""
    ledger._writer = Failing(ledger, done=done)
    with pytest.raises(LedgerError, match="SQLITE_IOERR_FSYNC") as caught, ledger.write() as uow:
        uow.pin_failed("K1")
    assert caught.value.reason == "io"
    assert ledger.read().pin_failures("K1") == done
    with ledger.write() as uow:
        assert uow.pin_failed("K1") == 1 + done


def test_a_checkpoint_that_fails_gives_the_connection_up_and_loses_nothing(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
    for _ in range(CHECKPOINT_AFTER):
        with ledger.write() as uow:
            uow.put_setting("a", "b")
    ledger._writer = Failing(ledger, done=False)
    with pytest.raises(LedgerError, match="SQLITE_IOERR_FSYNC"):
        ledger.checkpoint()
    assert ledger.read().head().seq == entry.seq
    with ledger.write() as uow:
        uow.put_setting("a", "")
        assert serve(uow, "F0001", rice(1)).seq == entry.seq + 1
    ledger.checkpoint()
    assert ledger.read().head().seq == entry.seq + 1


def test_a_log_that_cannot_be_brought_home_leaves_the_outcome_open(
    ledger: SqlLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = tuple(("busy_timeout", "10", 10) if each[0] == "busy_timeout" else each for each in engine._PRAGMAS)
    monkeypatch.setattr(engine, "_PRAGMAS", impatient)
    reading = engine.connect(tmp_path / "ledger.db", KEY, query_only=True)
    reading.execute("BEGIN")
    reading.execute("SELECT count(*) FROM ledger_entry").fetchone()
    ledger._writer = Failing(ledger, done=True)
    with pytest.raises(LedgerError) as caught, ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
    assert caught.value.reason == "io"
    reading.close()
    assert ledger.read().entry(entry.id) is not None
    with ledger.write() as uow:
        assert serve(uow, "F0001", rice(1)).seq == entry.seq + 1


# --- the log beside the file: taken away, or one of another moment put there --------------------------------------


def test_a_log_of_another_moment_is_found_or_leaves_what_was_once_true(ledger: SqlLedger, tmp_path: Path) -> None:
    """Nobody needs a key to move these files; every pair of them is tried, and none of it makes a new past."""
    saved: list[Path] = []
    ends = {("", 0)}
    for step in range(9):
        if step:
            with ledger.write() as uow:
                serve(uow, "F0001", rice(1, Tender.CASH))
        if step in {3, 6}:
            ledger._connection().execute(f"PRAGMA wal_checkpoint({'PASSIVE' if step == 3 else 'TRUNCATE'})").fetchall()
        folder = tmp_path / f"saved-{step}"
        folder.mkdir()
        for name in ("ledger.db", "ledger.db-wal"):
            shutil.copy(tmp_path / name, folder / name)
        head = ledger.read().head()
        ends.add((head.hash, head.seq))
        saved.append(folder)
    told: Counter[str] = Counter()
    mixed = tmp_path / "mixed"
    for base, log in itertools.product(saved, (*saved, None)):
        shutil.rmtree(mixed, ignore_errors=True)
        mixed.mkdir()
        shutil.copy(base / "ledger.db", mixed)
        if log is not None:
            shutil.copy(log / "ledger.db-wal", mixed)
        report = verify(mixed, KEY)
        assert not report.ok or (report.head, report.entries) in ends, (base, log, report)
        told["sound" if report.ok else "found"] += 1
    assert told["found"] > 10
    assert told["sound"] >= len(saved)


def test_an_old_page_of_the_same_file_is_found_or_leaves_what_was_once_true(ledger: SqlLedger, tmp_path: Path) -> None:
    """Each page is sound in itself, and older: whoever kept images of the disk can mix them without a key."""
    images: list[bytes] = []
    ends = set()
    for family in ("F0001", "F0001", "F0002", "F0002", "F0003"):
        with ledger.write() as uow:
            serve(uow, family, rice(1))
        ledger._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        images.append((tmp_path / "ledger.db").read_bytes())
        head = ledger.read().head()
        ends.add((head.hash, head.seq))
    chance, size = random.Random(4), engine.PAGE_BYTES
    mixed = tmp_path / "mixed.db"
    found = 0
    for old, new in itertools.combinations(images, 2):
        pages = [at for at in range(0, len(old), size) if old[at : at + size] != new[at : at + size]]
        for some in [*([at] for at in pages), chance.sample(pages, 3)]:
            content = bytearray(new)
            for at in some:
                content[at : at + size] = old[at : at + size]
            mixed.write_bytes(content)
            report = verify(mixed, KEY)
            assert not report.ok or (report.head, report.entries) in ends, some
            found += not report.ok
    assert found > 60
