"""Bytes that a day's close sends on a bad line, over those on a good one.

Sixty families were served without a line and the day was sealed. Then the line is there: 64 kbit/s; thirty of a hundred
exchanges are lost, half of them before the city has the request, half with its answer; and every connection ends after
10 kB, whatever is on it. Pauses between tries are not waited for. What is counted passed the line from the till to the
city, headers included, also what was lost behind it. Both ends must come to hold the same.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

from benchmarks.figures import Figure, ratio
from ewarung_pos.sync.engine import SyncEngine
from tests.fault_proxy import Exchange, Fault, FaultProxy, honest, lost_reply, lost_request
from tests.integration.city.city_kit import LiveCity, Till
from tests.integration.sync.shop import Shop, city_story, copied, ledger_story, small_city, step_until_quiet

__all__ = ["measure"]

FAMILIES = 60
CUT_EACH = 10_000
BITS_S = 64_000
LINES = 3
"""Bad lines for each repetition: whether the one long message is lost is a matter of luck."""


class _Sent(NamedTuple):
    up: int
    seconds: float


def measure(repetitions: int) -> list[Figure]:
    """P20: one figure; each of its repetitions is a line with faults of its own."""
    with tempfile.TemporaryDirectory(prefix="ewarung-bench-") as name:
        folder = Path(name)
        pattern = small_city(folder / "pattern", FAMILIES)
        pattern.close()
        good = _close(pattern, folder / "good", lambda _: honest, 0)
        bad = [_close(pattern, folder / f"bad-{seed}", _Losing(seed), CUT_EACH) for seed in range(LINES * repetitions)]
    shares = [run.up / good.up for run in bad]
    slow = median(run.seconds for run in bad)
    note = f"mean {mean(shares):.2f}; {slow:.1f} s at 64 kbit/s, {good.seconds:.1f} s on the good line"
    pairs = [(float(run.up), float(good.up)) for run in bad]
    return [ratio("bytes of a close on a bad line / on a good one", pairs, goal=1.6, unit="B", note=note)]


class _Losing:
    """Thirty of a hundred exchanges, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)

    def __call__(self, exchange: Exchange) -> Fault:
        drawn = self._draw.randrange(100)
        if drawn < 15:
            return lost_request
        return lost_reply if drawn < 30 else honest


def _close(pattern: LiveCity, folder: Path, plan: Callable[[Exchange], Fault], cut_each: int) -> _Sent:
    city = copied(pattern, folder)
    city.start()
    till = Till(folder / "till", city.url, city.code(), city.clock)
    shop = Shop(till)
    step_until_quiet(till.engine, city.clock)
    shop.open()
    step_until_quiet(till.engine, city.clock)
    for family in shop.families():
        shop.serve(family)
    shop.close()
    with FaultProxy(city.url, plan, cut_each=cut_each, bits_s=BITS_S) as line:
        till.engine.close()
        till.engine = SyncEngine(till.ledger, city.clock, line.url)
        start = time.monotonic()
        step_until_quiet(till.engine, city.clock, 200)
        took = time.monotonic() - start
    facts = ledger_story(till)
    assert sum(kind == "Redeemed" for kind, _ in facts) == len(city_story(city)["redemption"]) == FAMILIES
    assert till.ledger.read().head().acked_seq == int(city.epoch()["acked_seq"])
    till.close()
    city.close()
    return _Sent(line.up, took)
