"""A redemption on a ledger with a long past over the same on a young one: the counter must not feel the years."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from benchmarks.counter import Counter, MovedClock, copied
from benchmarks.figures import Figure, ratio

__all__ = ["measure"]

WARM_UP = 100
BATCH = 20
"""Redemptions on the one ledger before it is the other's turn: both meet the same disk."""


def measure(young: Path, grown: Path, past: tuple[int, int], repetitions: int, redemptions: int) -> list[Figure]:
    """P4: the whole service call, encrypted, p50; `past` are the redemptions that each ledger begins with."""
    with copied(young) as young_dir, copied(grown) as grown_dir:
        counters = [Counter(directory, MovedClock(0), encrypted=True) for directory in (grown_dir, young_dir)]
        served = 0
        for counter in counters:
            for number in range(WARM_UP):
                counter.redeem(number)
        pairs = []
        for _ in range(repetitions):
            calls: list[list[float]] = [[], []]
            for _ in range(redemptions // BATCH):
                for counter, taken in zip(counters, calls, strict=True):
                    taken.extend(_timed(counter, served + number) for number in range(BATCH))
                served += BATCH
            pairs.append((median(calls[0]), median(calls[1])))
        for counter in counters:
            counter.ledger.close()
    note = f"{past[1]:,} over {past[0]:,} redemptions"
    return [ratio("redemption on a grown / on a young ledger, p50", pairs, goal=1.3, note=note)]


def _timed(counter: Counter, number: int) -> float:
    """Microseconds of one call; the checkpoint that the till makes between families is not part of it."""
    start = time.perf_counter_ns()
    counter.redeem(number)
    took = (time.perf_counter_ns() - start) / 1000
    counter.ledger.checkpoint()
    return took
