"""What is left after a kill, a full disk and an I/O error."""

from __future__ import annotations

import os
import random
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.domain.journal import DayOpened, StockReceived
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.errors import ConfigError, LedgerError, LedgerFull
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, enrol, page, rice, serve, stock_up

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


@pytest.fixture
def no_more_writing() -> Iterator[Callable[[int], None]]:
    """Makes every write beyond a size fail, as a dying disk would: not full, but in error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size < 0 else size, before[1]))

    yield limit
    limit(-1)


def test_after_an_io_error_the_file_is_read_anew_and_says_what_happened(
    ledger: SqlLedger, no_more_writing: Callable[[int], None], tmp_path: Path
) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    head = ledger.read().head()
    no_more_writing((tmp_path / "ledger.db-wal").stat().st_size)
    with pytest.raises(LedgerError) as caught, ledger.write() as uow:
        lost = serve(uow, "F0002", rice(1))
    assert caught.value.reason == "io"
    no_more_writing(-1)
    assert ledger.read().head() == head
    assert ledger.read().entry(lost.id) is None
    with ledger.write() as uow:
        assert serve(uow, "F0002", rice(1)).seq == head.seq + 1
    ledger.close()
    assert verify(tmp_path, KEY).ok
