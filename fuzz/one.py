"""One target under Atheris: `python -m fuzz.one TARGET SLOWEST [libFuzzer's options]`. Started by `python -m fuzz`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ewarung_pos", "fuzz"], enable_loader_override=False):
    from fuzz.targets import TARGETS, Target

_WORTH_TELLING_NS = 1_000_000


def _watched(target: Target, kept: Path) -> Target:
    """The same target; whenever an input takes more of the processor than any before, it is kept and told."""
    worst = _WORTH_TELLING_NS

    def run(data: bytes) -> None:
        nonlocal worst
        begun = time.thread_time_ns()
        target(data)
        took = time.thread_time_ns() - begun
        if took > worst:
            worst = took
            kept.write_bytes(data)
            print(f"slowest: {took // 1000} us, {len(data)} bytes", file=sys.stderr, flush=True)

    return run


def main() -> None:
    """Search until the options say to stop."""
    name, kept = sys.argv.pop(1), Path(sys.argv.pop(1))
    for _ in range(2):
        TARGETS[name](b"")  # what is loaded at the first call is no input's fault
    atheris.Setup(sys.argv, _watched(TARGETS[name], kept))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
