"""The whole redemption service call over an fdatasync'd overwrite of the bytes that its commit put into the log.

The two are timed in turn, one redemption and one overwrite, so that both meet the same disk. The overwrite is one
`pwrite` of exactly as many bytes as the commit before it appended to the write-ahead log, in a file that was written
in full beforehand (so that no block is allocated), moving on through it like the log does; then `fdatasync`.

How much of that is the engine's own way of writing, a second overwrite shows: the same bytes in as many calls as it
makes, a header and a page for each frame.

After each redemption the till has a moment and offers the ledger a checkpoint; so does the measurement, and does not
time it, because nobody waits for it. What the tail is when there is never such a moment, is measured beside it.
"""

from __future__ import annotations

import os
import struct
import time
from itertools import cycle
from pathlib import Path
from statistics import median

from benchmarks.counter import Counter, MovedClock, copied
from benchmarks.figures import Figure, percentile, ratio
from ewarung_pos.ledger.database import LEDGER_FILE
from ewarung_pos.ledger.engine import PAGE_BYTES

__all__ = ["measure"]

FRAME_HEADER_BYTES = 24
FILE_BYTES = 4 << 20
WARM_UP = 100


def measure(plain: Path, encrypted: Path, repetitions: int, redemptions: int) -> list[Figure]:
    """P1, P2 and P3 of the plain and of the encrypted ledger."""
    with copied(plain) as plain_dir, copied(encrypted) as encrypted_dir:
        open_file = _Alternating(plain_dir, encrypted=False)
        sealed_file = _Alternating(encrypted_dir, encrypted=True)
        for kind in (open_file, sealed_file):
            kind.run(WARM_UP)
        runs = [(open_file.run(redemptions), sealed_file.run(redemptions)) for _ in range(repetitions)]
        rushed = [
            (open_file.run(redemptions, rests=False), sealed_file.run(redemptions, rests=False))
            for _ in range(repetitions)
        ]
        bytes_each = median(open_file.written)
        open_file.close()
        sealed_file.close()
    figures = []
    for name, place, goal in (("plain", 0, 2.0), ("encrypted", 1, 2.7)):
        p50 = [(median(run[place][0]), median(run[place][1])) for run in runs]
        note = f"{bytes_each:,.0f} B of log each" if place == 0 else ""
        figures.append(ratio(f"redemption, {name} / fdatasync'd overwrite, p50", p50, goal=goal, note=note))
        framed = [(median(run[place][0]), median(run[place][2])) for run in runs]
        figures.append(ratio(f"the same, {name} / the same bytes frame by frame, p50", framed))
        p99 = [(percentile(run[place][0], 0.99), percentile(run[place][1], 0.99)) for run in runs]
        figures.append(ratio(f"redemption, {name} / fdatasync'd overwrite, p99", p99, goal=3.0))
        p99 = [(percentile(run[place][0], 0.99), percentile(run[place][1], 0.99)) for run in rushed]
        figures.append(ratio(f"the same without a pause between families, {name}, p99", p99))
    both = [(median(run[1][0]), median(run[0][0])) for run in runs]
    figures.append(ratio("redemption, encrypted / plain, p50", both, goal=1.35))
    return figures


class _Alternating:
    """A ledger and, on the same disk, the file that the reference overwrites."""

    def __init__(self, directory: Path, *, encrypted: bool) -> None:
        self._counter = Counter(directory, MovedClock(0), encrypted=encrypted)
        self._index = (directory / (LEDGER_FILE + "-shm")).open("rb", buffering=0)
        self._file = os.open(directory / "reference", os.O_RDWR | os.O_CREAT)
        self._noise = os.urandom(FILE_BYTES)
        os.pwrite(self._file, self._noise, 0)
        os.fsync(self._file)
        self._place = 0
        self._served = 0
        self.written: list[int] = []

    def run(self, redemptions: int, *, rests: bool = True) -> tuple[list[float], list[float], list[float]]:
        """Microseconds of each redemption, of the overwrite that followed it, and of the one frame by frame."""
        calls, overwrites, framed = [], [], []
        for _ in range(redemptions):
            self._served += 1
            before = self._frames()
            start = time.perf_counter_ns()
            done = self._counter.redeem(self._served)
            calls.append((time.perf_counter_ns() - start) / 1000)
            after = self._frames()
            frames = after - before if after > before else after
            size = frames * (PAGE_BYTES + FRAME_HEADER_BYTES)
            assert done.entry.seq == self._counter.ledger.read().head().seq
            overwrites.append(self._overwrite(size))
            framed.append(self._overwrite(size, FRAME_HEADER_BYTES, PAGE_BYTES))
            self.written.append(size)
            if rests:
                self._counter.ledger.checkpoint()
        return calls, overwrites, framed

    def _overwrite(self, size: int, *pieces: int) -> float:
        """Microseconds of writing so many bytes, at once or in calls of these sizes in turn, and of the flush."""
        if self._place + size > FILE_BYTES:
            self._place = 0
        body = memoryview(self._noise)[self._place : self._place + size]
        calls, at = [], 0
        for length in cycle(pieces or (size,)):
            calls.append((body[at : at + length], self._place + at))
            at += length
            if at >= size:
                break
        start = time.perf_counter_ns()
        for piece, place in calls:
            os.pwrite(self._file, piece, place)
        os.fdatasync(self._file)
        took = (time.perf_counter_ns() - start) / 1000
        self._place += size
        return took

    def _frames(self) -> int:
        """Valid frames in the log: `mxFrame` of the index that SQLite itself keeps (file format, section 4)."""
        frames: int = struct.unpack("=I", os.pread(self._index.fileno(), 4, 16))[0]
        return frames

    def close(self) -> None:
        os.close(self._file)
        self._index.close()
        self._counter.ledger.close()
