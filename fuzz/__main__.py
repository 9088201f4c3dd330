"""`python -m fuzz [--seconds N] [--corpus FOLDER] [TARGET ...]`: look for input that breaks a parser, N seconds in all.

Atheris (libFuzzer) is led by what the code does with each input. Each target gets its share of the time. What a search
found worth keeping stays in FOLDER, where the next one begins, with the slowest input of each target and the time that
was spent on it so far. An input that breaks something, or takes more than 20 s, is put into FOLDER/broken, and the exit
code is 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from fuzz.seeds import seeds
from fuzz.targets import TARGETS

CORPUS = Path("build/fuzz")
HOUR = 3600
HANG_S = 20
_RUNS = re.compile(r"^stat::number_of_executed_units: *(\d+)", re.MULTILINE)
_AT_FIRST = re.compile(r"^#\d+\s+INITED cov: (\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")
_SLOWEST = re.compile(r"^slowest: (\d+) us, (\d+) bytes", re.MULTILINE)


class Spent(msgspec.Struct):
    """What was spent on a target so far, over all searches with this corpus."""

    seconds: float = 0.0
    inputs: int = 0


class Corpus:
    """The folder that searches share."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._book = place / "spent.json"
        self.broken = place / "broken"
        self.broken.mkdir(parents=True, exist_ok=True)

    def of(self, name: str) -> Path:
        """Inputs of a target, with its seeds."""
        folder = self._place / "corpus" / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds(name)):
            (folder / f"seed-{number}").write_bytes(seed)
        return folder

    def slowest(self, name: str) -> Path:
        """Where the slowest input of a target is kept."""
        (self._place / "slowest").mkdir(exist_ok=True)
        return self._place / "slowest" / name

    def spend(self, name: str, seconds: float, inputs: int) -> Spent:
        """Add to the book; the sum so far."""
        book = msgspec.json.decode(self._book.read_bytes(), type=dict[str, Spent]) if self._book.exists() else {}
        spent = book.setdefault(name, Spent())
        spent.seconds += seconds
        spent.inputs += inputs
        self._book.write_bytes(msgspec.json.format(msgspec.json.encode(book)))
        return spent


def search(name: str, seconds: int, corpus: Corpus) -> bool:
    """One target in a process of its own; whether it kept its promises."""
    begun = time.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "fuzz.one",
            name,
            str(corpus.slowest(name)),
            str(corpus.of(name)),
            f"-max_total_time={seconds}",
            f"-artifact_prefix={corpus.broken}/{name}-",
            "-max_len=4096",
            f"-timeout={HANG_S}",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    print(_line(name, done.stderr, time.monotonic() - begun, corpus), flush=True)
    if done.returncode:
        print(f"{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.returncode == 0


def _line(name: str, said: str, seconds: float, corpus: Corpus) -> str:
    runs, first, covered, slowest = (
        _RUNS.search(said),
        _AT_FIRST.search(said),
        _COVERED.findall(said),
        _SLOWEST.findall(said),
    )
    inputs, now = int(runs[1]) if runs else 0, int(covered[-1]) if covered else 0
    spent = corpus.spend(name, seconds, inputs)
    micros, size = slowest[-1] if slowest else ("0", "0")
    return (
        f"{name:20} {inputs:>10} inputs  {now:>5} branches (+{now - int(first[1]) if first else now})"
        f"  slowest {int(micros) / 1000:.1f} ms ({size} bytes)"
        f"  so far {spent.seconds / 60:.0f} min, {spent.inputs} inputs"
    )


def main() -> int:
    """Search in each target for its share of the time."""
    told = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    told.add_argument("--seconds", type=int, default=HOUR, help="in all; an hour without it")
    told.add_argument("--corpus", type=Path, default=CORPUS, help=f"where it begins and keeps; {CORPUS} without it")
    told.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    asked = told.parse_args()
    unknown = sorted(set(asked.targets) - set(TARGETS))
    if unknown:
        told.error(f"no such target: {', '.join(unknown)}")
    names = asked.targets or list(TARGETS)
    share, corpus = max(1, asked.seconds // len(names)), Corpus(asked.corpus)
    kept = [search(name, share, corpus) for name in names]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
