"""`python -m fuzz [--seconds N] [--jobs N] [--corpus FOLDER] [TARGET ...]`: look for input that breaks a parser.

Atheris (libFuzzer) is led by what the code does with each input. Each target gets N seconds of a processor, less what
it has had: what a search found worth keeping stays in FOLDER, where the next one begins, with the slowest input of each
target and a book of what was spent on it. An input that breaks something, or takes more than 20 s, is put into
FOLDER/broken, its target is left there, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from fuzz.seeds import seeds
from fuzz.targets import TARGETS

CORPUS = Path("build/fuzz")
HOUR = 3600
AT_A_TIME_S = 600
"""After so long a target is started anew: whoever stops the search loses no more of its count."""
HANG_S = 20
_RUNS = re.compile(r"^stat::number_of_executed_units: *(\d+)", re.MULTILINE)
_AT_FIRST = re.compile(r"^#\d+\s+INITED cov: (\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")
_SLOWEST = re.compile(r"^slowest: (\d+) us, (\d+) bytes", re.MULTILINE)


class Spent(msgspec.Struct):
    """What was spent on a target so far, over all searches with this corpus: seconds of a processor, and inputs."""

    seconds: float = 0.0
    inputs: int = 0


class Corpus:
    """The folder that searches share."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._book = place / "spent.json"
        self._writing = threading.Lock()
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

    def spent(self, name: str) -> Spent:
        """What the book says of a target."""
        with self._writing:
            return self._read().get(name, Spent())

    def spend(self, name: str, seconds: float, inputs: int) -> Spent:
        """Add to the book; the sum so far."""
        with self._writing:
            book = self._read()
            spent = book.setdefault(name, Spent())
            spent.seconds += seconds
            spent.inputs += inputs
            self._book.write_bytes(msgspec.json.format(msgspec.json.encode(book)))
        return spent

    def _read(self) -> dict[str, Spent]:
        return msgspec.json.decode(self._book.read_bytes(), type=dict[str, Spent]) if self._book.exists() else {}


def search(name: str, seconds: int, corpus: Corpus) -> bool:
    """One target until it has had its time of a processor; whether it kept its promises."""
    while (left := seconds - corpus.spent(name).seconds) > 0:
        code, said, took = _run(name, min(math.ceil(left), AT_A_TIME_S), corpus)
        print(_line(name, said, took, corpus), flush=True)
        if code:
            print(said[-5000:], flush=True)
            return False
    return True


def _run(name: str, seconds: int, corpus: Corpus) -> tuple[int, str, float]:
    """One process for so many seconds of the clock: its exit code, what it said, its seconds of a processor."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
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
            stdout=said,
            stderr=said,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace"), used.ru_utime + used.ru_stime


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
        f"  so far {spent.seconds / 60:.1f} min, {spent.inputs} inputs"
    )


def main() -> int:
    """Search in each target until it has had its time."""
    told = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    told.add_argument("--seconds", type=int, default=HOUR, help="of a processor for each target; an hour without it")
    told.add_argument("--jobs", type=int, default=os.cpu_count(), help="at once; as many as there are processors")
    told.add_argument("--corpus", type=Path, default=CORPUS, help=f"where it begins and keeps; {CORPUS} without it")
    told.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    asked = told.parse_args()
    unknown = sorted(set(asked.targets) - set(TARGETS))
    if unknown:
        told.error(f"no such target: {', '.join(unknown)}")
    corpus = Corpus(asked.corpus)
    with ThreadPoolExecutor(asked.jobs) as pool:
        kept = list(pool.map(lambda name: search(name, asked.seconds, corpus), asked.targets or list(TARGETS)))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
