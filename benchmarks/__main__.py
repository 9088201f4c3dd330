"""`python -m benchmarks`: the figures of docs/benchmarks.md, measured here and now. Nothing is asserted about time."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks import (
    backup,
    bad_line,
    growth,
    ingest,
    interaction,
    national,
    receiving,
    redemption,
    verification,
    window,
)
from benchmarks.counter import build
from benchmarks.figures import Figure, table

__all__ = ["main"]

_ALL = ("redemption", "backup", "window", "growth", "verify", "interaction", "ingest", "national", "line")
_OF_TILLS = {"redemption", "backup", "window", "growth", "verify"}
"""Those that need a ledger with a past."""

MEMORY = Path("/dev/shm")  # noqa: S108 - where there is one, the past of the ledger is written without a disk


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--only", choices=_ALL, action="append", default=[])
    parser.add_argument("--ledger", type=int, default=10_000, help="redemptions in the ledger (default 10000)")
    parser.add_argument("--young", type=int, default=1_000, help="redemptions in growth's young ledger (default 1000)")
    parser.add_argument(
        "--grown",
        type=int,
        default=100_000,
        help="redemptions in growth's old ledger (default 100000; 1000000 takes ten minutes and 8 GB to make)",
    )
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument(
        "--closes",
        type=int,
        default=2_000,
        help="closes of the national day that are really sent (default 2000; 100000 takes half an hour and 30 GB)",
    )
    parser.add_argument("--redemptions", type=int, default=400, help="timed in each repetition (default 400)")
    options = parser.parse_args(arguments)
    if options.repetitions < 5:
        parser.error("a spread takes five repetitions")
    wanted = set(options.only) or set(_ALL)
    figures: list[Figure] = []
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ewarung-bench-", dir=where) as name:
        plain, encrypted = Path(name) / "plain", Path(name) / "encrypted"
        for directory in (plain, encrypted):
            directory.mkdir()
            if wanted & _OF_TILLS if directory is encrypted else "redemption" in wanted:
                start = time.monotonic()
                build(directory, options.ledger, encrypted=directory is encrypted)
                _say(f"{directory.name} ledger of {options.ledger} redemptions in {time.monotonic() - start:.0f} s")
        if "redemption" in wanted:
            figures += redemption.measure(plain, encrypted, options.repetitions, options.redemptions)
        if "backup" in wanted:
            figures += backup.measure(encrypted, options.repetitions, options.redemptions)
        if "window" in wanted:
            figures += window.measure(encrypted, options.repetitions)
        if "growth" in wanted:
            young, grown = Path(name) / "young", Path(name) / "grown"
            for directory, past in ((young, options.young), (grown, options.grown)):
                directory.mkdir()
                build(directory, past, encrypted=True)
            figures += growth.measure(
                young, grown, (options.young, options.grown), options.repetitions, options.redemptions
            )
        if "interaction" in wanted:
            figures += interaction.measure(options.repetitions)
        if "verify" in wanted:
            figures += verification.measure(encrypted, options.repetitions)
    figures += _city(wanted, options.repetitions, options.closes)
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    _say(machine)
    print(table(figures))
    if options.json:
        print(json.dumps({"machine": machine, "figures": msgspec.to_builtins(figures)}))
    return 0


def _city(wanted: set[str], repetitions: int, closes: int) -> list[Figure]:
    """What needs no ledger with a past."""
    figures: list[Figure] = []
    if "ingest" in wanted:
        figures += ingest.measure(repetitions) + receiving.measure(repetitions)
    if "national" in wanted:
        figures += national.measure(repetitions, closes)
    return figures + (bad_line.measure(repetitions) if "line" in wanted else [])


def _say(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
