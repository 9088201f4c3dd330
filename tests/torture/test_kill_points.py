"""kill -9 at every point where something has just become durable, and at random: one outcome, everywhere."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.devices.simulated.edc import spawn
from ewarung_pos.sync.embedded import EmbeddedCity
from tests.system.kit import book, demo_command, morning, named_on
from tests.system.lives import all_is_well, live_and_die, look, told_in
from tests.torture.deadly import POINTS
from tests.torture.recorder import ROOT, quiet_surroundings

pytestmark = pytest.mark.system

Count = Callable[[str, object], None]

AT_THE_COUNTER = (
    "intent-committed",
    "terminal-asked",
    "terminal-answered",
    "redemption-committed",
    "paper-out",
    "print-done-committed",
    "push-sent",
    "ack-stored",
)
LIVES = 50
ALIKE = 10
"""So many of these are as long as the machine wants them at that time."""


@dataclass(frozen=True)
class Kiosk:
    """A till's folder, between a city and a terminal that outlive it."""

    folder: Path
    journal: Path
    words: Path
    options: tuple[str, ...]

    def dies_at(self, point: str, nth: int, redemptions: int, seed: int, *, surely: bool = True) -> bool:
        """A life that ends there; False where the day ended first, which it may only if the death is not `surely`."""
        with self.words.open("ab") as out:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "tests.torture.deadly", point, str(nth)),
                    *demo_command(self.folder, redemptions, "--resume", *self.options, seed=seed),
                ],
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env=quiet_surroundings(),
                timeout=110,
                check=False,
            )
        if done.returncode == 0 and not surely:
            return False
        assert done.returncode == -signal.SIGKILL, f"{point} was never reached: {self.words.read_text()[-2000:]}"
        look(self.folder, self.words)
        return True

    def ends_well(self, redemptions: int, seed: int) -> dict[str, Any]:
        """The last life: to the end of the day."""
        summary, last = morning(self.folder, redemptions, "--resume", *self.options, seed=seed, timeout=300)
        told = told_in(self.words.read_text() + last)
        all_is_well(self.folder, self.journal, summary, told, redemptions)
        return summary


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    folder, journal = tmp_path / "till", tmp_path / "bank.jsonl"
    folder.mkdir()
    (folder / "city").symlink_to(tmp_path / "city")
    with contextlib.ExitStack() as stack:
        city = stack.enter_context(EmbeddedCity(tmp_path / "city"))
        edc = stack.enter_context(spawn(pty=tmp_path / "edc", journal=journal))
        yield Kiosk(folder, journal, tmp_path / "words", ("--edc", edc.url, "--city", city.url, "--code", city.code))


def one_paper_each(folder: Path) -> None:
    """Every receipt came out, and of those that came out again only one looks like the original."""
    numbers = {seq for seq, kind, _, _ in book(folder).entries if kind in ("Redeemed", "Reversed")}
    originals: Counter[int] = Counter()
    for file in (folder / "print").glob("*.bin"):
        paper = file.read_bytes()
        for seq, _ in named_on(paper):
            originals[seq] += b"SALINAN" not in paper
    assert numbers <= set(originals)
    assert max(originals.values()) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_every_durable_point_there_is_one_outcome(kiosk: Kiosk, record_property: Count) -> None:
    for point in AT_THE_COUNTER:
        kiosk.dies_at(point, 1, 10, seed=3)
    kiosk.ends_well(10, seed=3)
    one_paper_each(kiosk.folder)
    record_property("counted: kill -9 at a durable point", len(AT_THE_COUNTER))


@pytest.mark.torture
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_killed_at_any_point_in_any_order(kiosk: Kiosk, seed: int, record_property: Count) -> None:
    rng = random.Random(seed)
    deaths = [*AT_THE_COUNTER, *rng.choices(AT_THE_COUNTER, k=8)]
    rng.shuffle(deaths)
    deaths.insert(0, "redemption-committed")  # enrolled first: a code is good once
    # A morning so long that no death finds it over: how many families a life serves before it first sends to the city
    # depends on how fast the machine is.
    for point in deaths:
        kiosk.dies_at(point, rng.randint(1, 2) if point not in ("push-sent", "ack-stored") else 1, 400, seed)
    for point in deaths:
        record_property(f"counted: kill -9 at {point}", 1)
    # In the order of a morning: voids, reversals, the end of the day. Not every morning has a debit to void.
    enough = len(book(kiosk.folder).facts("Redeemed")) + 12
    for point in POINTS:
        if point not in AT_THE_COUNTER and kiosk.dies_at(point, 1, enough, seed, surely=point == "reversal-committed"):
            record_property(f"counted: kill -9 at {point}", 1)
    kiosk.ends_well(len(book(kiosk.folder).facts("Redeemed")), seed)
    one_paper_each(kiosk.folder)


@pytest.mark.torture
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("seed", range(20))
def test_killed_a_thousand_times_at_random(kiosk: Kiosk, seed: int, record_property: Count) -> None:
    rng = random.Random(seed)
    # Enrolled and serving first: a code is good once, and a till that dies while it enrols needs a new one. How long
    # that takes on this machine says how long the lives must be; it is asked again, for others use the machine too.
    for _ in range(LIVES // ALIKE):
        began = time.monotonic()
        kiosk.dies_at("redemption-committed", 1, 400, seed)
        first = time.monotonic() - began
        lives = [rng.uniform(0.2 * first, 1.6 * first) for _ in range(ALIKE)]
        live_and_die(kiosk.folder, lives, 400, kiosk.words, *kiosk.options, seed=seed, environment=quiet_surroundings())
    held = book(kiosk.folder)
    redeemed = len(held.facts("Redeemed"))
    assert redeemed > LIVES // 10, "the till hardly ever lived long enough to serve somebody"
    kiosk.ends_well(redeemed + (0 if held.facts("DayClosed") else 12), seed)
    one_paper_each(kiosk.folder)
    record_property("counted: kill -9 at random", LIVES)
