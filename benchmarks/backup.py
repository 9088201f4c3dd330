"""Redemptions while a copy of the ledger is made and verified, over redemptions while nothing else happens.

The copy is made as the till makes it: on a lane of its own, which waits for a process of its own. Redemptions follow
each other without a pause until that process is done, and are timed one by one; then as many are timed alone. After
each the ledger is offered its checkpoint, untimed, as on the till. While the copy reads, a checkpoint cannot do its
whole work and the log grows: that is part of what is measured.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from threading import Thread

from benchmarks.counter import Counter, MovedClock, copied
from benchmarks.figures import Figure, percentile, ratio
from ewarung_pos.ledger.copies import LedgerCopies
from ewarung_pos.ports import LedgerCopy

__all__ = ["measure"]

WARM_UP = 100


def measure(encrypted: Path, repetitions: int, redemptions: int) -> list[Figure]:
    """P26: p50 and p99 beside a copy, over the same alone; the copy on the ledger's own disk, the worst place."""
    with copied(encrypted) as directory, tempfile.TemporaryDirectory(dir=directory) as place:
        counter = _Served(directory)
        copies = LedgerCopies(directory, Path(place), own=False, reader=counter.counter.ledger.read)
        counter.run(WARM_UP)
        pairs, seconds = [], []
        for _ in range(repetitions):
            start = time.monotonic()
            beside = counter.beside(copies, redemptions)
            seconds.append(time.monotonic() - start)
            counter.run(WARM_UP)  # the log is home again
            pairs.append((beside, counter.run(len(beside))))
        counter.counter.ledger.close()
    served = median(len(beside) for beside, _ in pairs)
    note = f"{served:,.0f} redemptions beside each, {median(seconds):.1f} s"
    p50 = [(median(beside), median(alone)) for beside, alone in pairs]
    p99 = [(percentile(beside, 0.99), percentile(alone, 0.99)) for beside, alone in pairs]
    worst = [(max(beside), max(alone)) for beside, alone in pairs]
    return [
        ratio("redemption beside a backup / alone, p99", p99, goal=1.5, note=note),
        ratio("redemption beside a backup / alone, p50", p50),
        ratio("redemption beside a backup / alone, the longest one", worst),
    ]


class _Served:
    def __init__(self, directory: Path) -> None:
        self.counter = Counter(directory, MovedClock(0), encrypted=True)
        self._number = 0

    def run(self, redemptions: int) -> list[float]:
        """Microseconds of each."""
        return [self._one() for _ in range(redemptions)]

    def beside(self, copies: LedgerCopies, at_least: int) -> list[float]:
        """Microseconds of each while copies are made, one after another until there are enough."""
        took: list[float] = []
        while len(took) < at_least:
            made: list[LedgerCopy] = []
            lane = Thread(target=lambda to=made: to.append(copies.make()))
            lane.start()
            while lane.is_alive():
                took.append(self._one())
            lane.join()
            assert made
            assert made[0].entries > 0
        return took

    def _one(self) -> float:
        self._number += 1
        start = time.perf_counter_ns()
        done = self.counter.redeem(self._number)
        took = (time.perf_counter_ns() - start) / 1000
        assert done.entry.seq == self.counter.ledger.read().head().seq
        self.counter.ledger.checkpoint()
        return took
