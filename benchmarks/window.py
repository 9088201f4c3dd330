"""The first usable till window over an empty window: time from the start of the process, and memory.

Each is a process of its own, started in turn. The till is the program itself on a kiosk's data directory (`show_till`
on a composed application with an EDC configured); usable is the sign-in with the members to choose
from, painted. The clock runs from before the process is made until its line arrives here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.counter import copied
from benchmarks.figures import Figure, ratio

__all__ = ["measure"]

_HERE = Path(__file__).parent
_EMPTY = _HERE / "empty_window.py"
_TILL = _HERE / "till_window.py"
LIMIT_S = 60
CONFIG = """\
[card_reader]
driver = "ecr"
port = "/dev/ttyUSB0"

[payment_terminal]
driver = "ecr"
"""


def measure(encrypted: Path, repetitions: int) -> list[Figure]:
    """P10 and P11."""
    times, memory = [], []
    with copied(encrypted) as directory, TemporaryDirectory(prefix="ewarung-bench-") as compiled:
        (directory / "config.toml").write_text(CONFIG)
        _run(compiled, _EMPTY)
        _run(compiled, _TILL, str(directory))
        for _ in range(repetitions):
            empty_ms, empty_kb = _run(compiled, _EMPTY)
            till_ms, till_kb = _run(compiled, _TILL, str(directory))
            times.append((till_ms, empty_ms))
            memory.append((till_kb / 1024, empty_kb / 1024))
    return [
        ratio("first usable till window / empty window, time", times, goal=1.8, unit="ms"),
        ratio("first usable till window / empty window, memory", memory, goal=1.7, unit="MiB"),
    ]


def _run(compiled: str, script: Path, *arguments: str) -> tuple[float, int]:
    """Milliseconds to the first painted window, and its resident memory in KiB."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "EWARUNG_REDUCED_MOTION": "1",
        "PYTHONPATH": str(_HERE.parent),
        "PYTHONPYCACHEPREFIX": compiled,  # an installed program is compiled already: the first run of each does it
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter_ns()
    with subprocess.Popen([sys.executable, str(script), *arguments], stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        took = (time.perf_counter_ns() - start) / 1e6
        child.stdout.read()
        code = child.wait(LIMIT_S)
    assert code == 0, code
    return took, int(line)
