"""`python -m fuzz [--seconds N] [TARGET ...]`: look for input that breaks a parser, for N seconds in all.

Atheris (libFuzzer) is led by what the code does with each input. What it found worth keeping stays in
build/fuzz/corpus, where the next search begins; an input that breaks something is put into build/fuzz/broken, and the
exit code is 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from fuzz.seeds import seeds
from fuzz.targets import TARGETS

PLACE = Path("build/fuzz")
HOUR = 3600
_RUNS = re.compile(r"^stat::number_of_executed_units: *(\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")


def search(name: str, seconds: int) -> bool:
    """One target in a process of its own; whether it kept its promises."""
    corpus, broken = PLACE / "corpus" / name, PLACE / "broken"
    for folder in (corpus, broken):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "fuzz.one",
            name,
            str(corpus),
            f"-max_total_time={seconds}",
            f"-artifact_prefix={broken}/{name}-",
            "-max_len=4096",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    runs, covered = _RUNS.search(done.stderr), _COVERED.findall(done.stderr)
    print(f"{name:20} {runs[1] if runs else '?':>10} inputs  {covered[-1] if covered else '?':>5} branches", flush=True)
    if done.returncode:
        print(f"{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.returncode == 0


def main() -> int:
    """Search in each target for its share of the time."""
    told = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    told.add_argument("--seconds", type=int, default=HOUR, help="in all; an hour without it")
    told.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    asked = told.parse_args()
    unknown = sorted(set(asked.targets) - set(TARGETS))
    if unknown:
        told.error(f"no such target: {', '.join(unknown)}")
    names = asked.targets or list(TARGETS)
    share = max(1, asked.seconds // len(names))
    kept = [search(name, share) for name in names]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
