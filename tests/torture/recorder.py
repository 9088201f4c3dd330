"""Runs the till under strace and reads back what it did; a run that cannot be explained in full is no recording."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.system.kit import TILL, demo_command, heard, offspring, surroundings
from tests.torture.explorer import Recording
from tests.torture.outside import Wires, promises
from tests.torture.storage import Disk
from tests.torture.trace import CALLS, read_trace

__all__ = ["HEARS_CTRL_C", "ROOT", "quiet_surroundings", "record", "why_no_tracing"]

ROOT = Path(__file__).parents[2]
HEARS_CTRL_C = ("env", "--default-signal=INT")
"""Before a program that is to be interrupted: what is started in the background may have been told to ignore that."""

_WORDS = 1_000_000
"""Longest string that strace writes out; longer data is refused by the reader, not cut short."""


def why_no_tracing() -> str:
    """Why programs cannot be watched here; empty when they can."""
    if shutil.which("strace") is None:
        return "strace is not installed (scripts/setup full installs it)"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"this machine lets nobody trace a program: {tried.stderr.strip()[:200]}"


def quiet_surroundings(**more: str) -> dict[str, str]:
    """As for every system test, but no coverage is measured: it would write files and take half of the time."""
    return {name: value for name, value in surroundings(**more).items() if not name.startswith("COVERAGE")}


def record(
    base: Path,
    *options: str,
    redemptions: int = 200,
    told: int | None = None,
    program: Sequence[str] = tuple(TILL),
    enrolled: Path | None = None,
    preload: str = "",
    seed: int = 7,
) -> Recording:
    """Serve under strace and read what happened.

    Args:
        base: an empty folder; the data directory is `base / "till"`.
        options: more of the demo's options.
        redemptions: how many the morning has.
        told: interrupt the till (Ctrl-C) once so many receipts were acknowledged; None lets the morning end.
        program: the till, or one with a bad habit.
        enrolled: go on with a copy of this data directory.
        preload: library that the till is started with.
        seed: of the morning.
    """
    folder, trace, words = base / "till", base / "trace", base / "words"
    folder.mkdir()
    if enrolled is not None:
        shutil.copytree(enrolled, folder, dirs_exist_ok=True)
        options = (*options, "--resume")
    disk = Disk(folder, folder)
    watched = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-xx",
        "-yy",
        "-s",
        str(_WORDS),
        "-o",
        str(trace),
        "-e",
        f"trace={CALLS}",
    ]
    if preload:
        watched += ["-E", f"LD_PRELOAD={preload}"]
    command = [*HEARS_CTRL_C, *watched, *program, *demo_command(folder, redemptions, *options, seed=seed)]
    with words.open("wb") as out:
        # Python's own cache files are not the till's.
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=quiet_surroundings(PYTHONDONTWRITEBYTECODE="1")
        )
        try:
            if told is not None:
                assert heard(words, f"struk {told:04d}", 60), words.read_text()[-2000:]
                for pid in offspring(process.pid):
                    os.kill(pid, signal.SIGINT)
            code = process.wait(120)
        finally:
            if process.poll() is None:
                for pid in offspring(process.pid):
                    os.kill(pid, signal.SIGKILL)
                process.kill()
                process.wait(10)
    assert code == (0 if told is None else 3), words.read_text()[-2000:]
    return _read(disk, folder, trace)


def _read(disk: Disk, folder: Path, trace: Path) -> Recording:
    calls = list(read_trace(trace))
    for call in calls:
        disk.follow(call)
    left = {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and not file.name.endswith("-shm")
    }
    assert disk.now() == left, "the recording does not explain the files that are there"
    config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    wires = Wires(
        printer=int(config["receipt_printer"]["port"].rpartition(":")[2]),
        city=int(config["city"]["url"].rpartition(":")[2]),
    )
    promised = promises(calls, wires)
    moments = sorted({*disk.operations, *(promise.at for promise in promised)})
    return Recording(disk, promised, tuple(moments), tuple(sorted(disk.renamings)))
