"""A national close on this machine: closes of 60 entries by kiosks that are all different, sent to a city's programs.

Two workers on a durable PostgreSQL, six lines, every request signed and packed, everything applied. Measured is how
long as many closes as asked for took (`--closes`); what 100,000 would take is computed from their rate, unless that
many were sent. The sender runs on the same cores.

Then the city's programs and the database are killed at random moments of further closes, all of both at once: entries
that had been acknowledged and are gone, and the time until it serves again over that of a start after an orderly stop.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, ratio
from benchmarks.ingest import with_kiosks
from tests.city_databases import server
from tests.close_rush import CityPrograms, Rush, database_on, lost_of
from tests.many_kiosks import Batch, Kiosks, names

__all__ = ["measure"]

ALL = 100_000
SECONDS = 3_600
ENTRIES = 60
KILLED = 100
"""Closes that are under way when everything is killed, each time."""


def measure(repetitions: int, closes: int) -> list[Figure]:
    """P24 and P25."""
    kiosks = Kiosks(time.time_ns() // 1_000_000)
    portion = closes // repetitions
    devices = names(portion * (repetitions + 1) + KILLED * repetitions)
    batches: list[Batch] = []
    with _city(kiosks, devices) as city:
        rush = Rush(city)
        took = []
        for number in range(repetitions + 1):
            some = [kiosks.close(device) for device in devices[number * portion : (number + 1) * portion]]
            took.append(_rushed(rush, some))
            batches += some
        starts = []
        draw = random.Random(24)
        for number in range(repetitions):
            first = portion * (repetitions + 1) + KILLED * number
            some = [kiosks.close(device) for device in devices[first : first + KILLED]]
            starts.append(_killed(city, rush, some, draw.uniform(0.2, 0.8) * took[-1] * KILLED / portion))
            batches += some
        wrong = lost_of(city, batches, rush.acked)
        city.stop()
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    rate = f"{portion * ENTRIES / sorted(took[1:])[repetitions // 2]:,.0f} entries/s"
    note = rate + (f"; computed from {portion * repetitions:,} closes" if portion * repetitions < ALL else "")
    pairs = [(seconds * ALL / portion, float(SECONDS)) for seconds in took[1:]]
    return [
        ratio(f"{ALL:,} closes of {ENTRIES} / {SECONDS:,} s", pairs, goal=0.15, unit="s", note=note),
        ratio("serves again after a kill / clean start", starts, goal=1.5, unit="s"),
        ratio(
            f"acknowledged entries lost by {repetitions} kills",
            [(float(len(wrong)), 1.0)],
            goal=0,
            unit="",
            note=f"{len(batches):,} closes looked up again",
        ),
    ]


@contextmanager
def _city(kiosks: Kiosks, devices: list[str]) -> Iterator[CityPrograms]:
    with TemporaryDirectory(prefix="ewarung-bench-") as folder, server(durable=True, settings=_SETTINGS) as started:
        url = database_on(started)
        with_kiosks(kiosks, url, devices)
        city = CityPrograms(Path(folder), started, url)
        city.start()
        yield city


_SETTINGS = ("shared_buffers=256MB", "max_wal_size=4GB")


def _rushed(rush: Rush, batches: list[Batch]) -> float:
    rush.begin(batches)
    start = time.perf_counter()
    rush.end()
    return time.perf_counter() - start


def _killed(city: CityPrograms, rush: Rush, batches: list[Batch], after_s: float) -> tuple[float, float]:
    """(seconds until it served again, seconds of a clean start)."""
    city.stop()
    clean = city.start()
    rush.begin(batches)
    time.sleep(after_s)
    city.kill_database()
    city.kill_program()
    again = city.start()
    rush.end()
    return again, clean
