"""Verifying a ledger over a bare SELECT of its entries: the chain alone, and everything that an entry tells."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.counter import KEY
from benchmarks.figures import Figure, ratio
from ewarung_pos.ledger.database import LEDGER_FILE
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.verify import verify

__all__ = ["measure"]


def measure(encrypted: Path, repetitions: int) -> list[Figure]:
    """P7, and everything: the file's structure, canonical bytes, projections, papers, register, balances, seals."""
    chain, whole = [], []
    entries = 0
    for _ in range(repetitions):
        reading, entries = _select(encrypted / LEDGER_FILE)
        chain.append((_verify(encrypted, chain_only=True), reading))
        reading, entries = _select(encrypted / LEDGER_FILE)
        whole.append((_verify(encrypted, chain_only=False), reading))
    note = f"{entries:,} entries"
    return [
        ratio("verify the chain / bare SELECT of the entries", chain, goal=2.0, unit="ms", note=note),
        ratio("verify everything / bare SELECT of the entries", whole, unit="ms", note=note),
    ]


def _select(file: Path) -> tuple[float, int]:
    start = time.perf_counter_ns()
    connection = connect(file, KEY, query_only=True)
    entries = 0
    for _ in connection.execute("SELECT seq, payload, prev_hash, hash FROM ledger_entry ORDER BY seq"):
        entries += 1
    connection.close()
    return (time.perf_counter_ns() - start) / 1e6, entries


def _verify(directory: Path, *, chain_only: bool) -> float:
    start = time.perf_counter_ns()
    report = verify(directory, KEY, chain_only=chain_only)
    took = (time.perf_counter_ns() - start) / 1e6
    assert report.ok, report.problems
    return took
