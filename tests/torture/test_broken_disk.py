"""The disk fails under the till: it says so, and what it acknowledged is there when the disk works again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ewarung_pos.devices.simulated.edc import spawn
from ewarung_pos.sync.embedded import EmbeddedCity
from tests.system.kit import book, morning
from tests.system.lives import all_is_well, told_in
from tests.torture.broken_disk import Fault, Outcome, serve_on, serve_until_it_dies, why_no_libfiu
from tests.torture.judge import judge
from tests.torture.recorder import why_no_tracing

pytestmark = pytest.mark.system

Count = Callable[[str, object], None]

LOG, LEDGER = "ledger.db-wal", "ledger.db"


@pytest.fixture
def traceable() -> None:
    reason = why_no_tracing()
    if reason:
        pytest.skip(reason)


@dataclass
class Kiosk:
    """A till between a city and a terminal whose own disks are sound, and all that it ever told."""

    folder: Path
    journal: Path
    options: tuple[str, ...]
    told: list[int] = field(default_factory=list)

    def struck(self, outcome: Outcome) -> None:
        """After a fault: it fired, it was said clearly, and nothing that was told is missing.

        The judge looks at a copy, so that it is the till itself that recovers the folder.
        """
        assert outcome.fired, f"the fault never fired: {outcome.said[-2000:]}"
        outcome.clear()
        self.told += told_in(outcome.said)
        copy = self.folder.with_name("copy")
        shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns("city", "*.sock"))
        assert judge(copy, []) == []
        assert set(self.told) <= set(book(copy).receipts)
        shutil.rmtree(copy)

    def ends_well(self, redemptions: int, seed: int) -> None:
        summary, last = morning(self.folder, redemptions, "--resume", *self.options, seed=seed, timeout=300)
        self.told += told_in(last)
        all_is_well(self.folder, self.journal, summary, self.told, redemptions)


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    folder, journal = tmp_path / "till", tmp_path / "bank.jsonl"
    folder.mkdir()
    (folder / "city").symlink_to(tmp_path / "city")
    with EmbeddedCity(tmp_path / "city") as city, spawn(pty=tmp_path / "edc", journal=journal) as edc:
        yield Kiosk(folder, journal, ("--edc", edc.url, "--city", city.url, "--code", city.code))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_commit_that_fails_is_told_and_never_half_there(
    kiosk: Kiosk, traceable: None, record_property: Count
) -> None:
    faults = (Fault("fsync", "EIO", "14+", LOG), Fault("pwrite64", "EIO", "70+", LOG), Fault("fsync", "EIO", "16", LOG))
    for fault in faults:
        outcome = serve_on(kiosk.folder, fault, 60, *kiosk.options, seed=3)
        assert outcome.code == 3, f"{fault}: {outcome.said[-2000:]}"
        assert "Disk bermasalah" in outcome.said or fault.when.isdecimal()
        kiosk.struck(outcome)
    kiosk.ends_well(max(10, len(kiosk.told)), seed=3)
    record_property("counted: disk faults that fired", len(faults))


SWEEPS = {
    "log-not-synced": [Fault("fsync", "EIO", str(when), LOG) for when in range(3, 22, 2)],
    "log-not-synced-any-more": [Fault("fsync", "EIO", f"{when}+", LOG) for when in range(4, 22, 3)],
    "log-not-written": [Fault("pwrite64", "EIO", str(when), LOG) for when in range(5, 160, 17)],
    "log-not-written-any-more": [Fault("pwrite64", "EIO", f"{when}+", LOG) for when in range(9, 160, 29)],
    "log-full": [Fault("pwrite64", "ENOSPC", f"{when}+", LOG) for when in range(11, 160, 31)],
    "ledger-not-synced": [Fault("fsync", "EIO", f"{when}+", LEDGER) for when in (1, 1, 1)],
    "ledger-not-written": [Fault("pwrite64", "EIO", f"{when}+", LEDGER) for when in (1, 4, 9)],
    "ledger-not-read": [Fault("pread64", "EIO", str(when), LEDGER) for when in (2, 9, 17, 25, 40)],
    "log-not-read": [Fault("pread64", "EIO", str(when), LOG) for when in (1, 2, 5, 9)],
}


@pytest.mark.torture
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("sweep", SWEEPS)
def test_any_call_may_fail(kiosk: Kiosk, traceable: None, sweep: str, record_property: Count) -> None:
    # A first life that enrols, opens the day and serves: what is struck then is a till with a history.
    kiosk.struck(serve_on(kiosk.folder, Fault("fsync", "EIO", "30", LOG), 200, *kiosk.options, seed=5))
    fired = 1
    for number, fault in enumerate(SWEEPS[sweep]):
        outcome = serve_on(kiosk.folder, fault, 200, *kiosk.options, seed=number)
        kiosk.struck(outcome)
        fired += outcome.fired
    kiosk.ends_well(len(book(kiosk.folder).facts("Redeemed")) + 12, seed=5)
    record_property("counted: disk faults that fired", fired)


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", ["posix/io/sync/fsync", "posix/io/rw/pwrite"])
def test_a_disk_that_dies_for_good(kiosk: Kiosk, tmp_path: Path, point: str, record_property: Count) -> None:
    reason = why_no_libfiu()
    if reason:
        pytest.skip(reason)
    for told in (1, 3, 5):
        outcome = serve_until_it_dies(
            kiosk.folder, tmp_path / f"words{told}", point, 60, *kiosk.options, told=told, seed=told
        )
        assert outcome.code, outcome.said[-2000:]
        kiosk.struck(outcome)
    kiosk.ends_well(len(book(kiosk.folder).facts("Redeemed")) + 12, seed=5)
    record_property("counted: disks that died for good", 3)
