"""A till on a disk that fails: faults put under the real program by strace or libfiu, each proven to have fired."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.system.kit import TILL, demo_command, offspring
from tests.system.lives import told_in
from tests.torture.recorder import HEARS_CTRL_C, ROOT, quiet_surroundings

__all__ = ["Fault", "Outcome", "serve_on", "serve_until_it_dies", "why_no_libfiu"]

_EXIT_CODES = (0, 2, 3)


@dataclass(frozen=True, slots=True)
class Fault:
    """The `when`-th such call on that file of the data directory (`20+`: each from then on) ends in `error`."""

    call: str
    error: str
    when: str
    file: str

    def __str__(self) -> str:
        return f"{self.call} on {self.file} number {self.when}: {self.error}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a till ended: exit code, all it said, and how many faults it was given."""

    code: int
    said: str
    fired: int

    def clear(self) -> None:
        """Whatever happened was said as a person should hear it: no traceback, and where it ended, one next step."""
        assert "Traceback" not in self.said, self.said[-3000:]
        assert self.code in _EXIT_CODES, self.said[-3000:]
        if self.code:
            assert self.said.count("Lakukan sekarang:") == 1, self.said[-3000:]
            assert "Yang sudah aman:" in self.said


def serve_on(folder: Path, fault: Fault, redemptions: int, *options: str, seed: int) -> Outcome:
    """The demo with one fault under it, by strace's own injector.

    A till that goes on after it is interrupted (Ctrl-C) when two more receipts were told.
    """
    with tempfile.TemporaryDirectory() as place:
        trace, words = Path(place) / "trace", Path(place) / "words"
        command = [
            *HEARS_CTRL_C,
            *("strace", "-f", "-qq", "-o", str(trace), "-P", str(folder / fault.file), "-e", f"trace={fault.call}"),
            *("-e", f"inject={fault.call}:error={fault.error}:when={fault.when}"),
            *TILL,
            *demo_command(folder, redemptions, "--resume", *options, seed=seed),
        ]
        with words.open("wb") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=quiet_surroundings()
            )
            try:
                _interrupted_after(process, trace, words)
                code = process.wait(60)
            finally:
                for pid in offspring(process.pid):
                    os.kill(pid, signal.SIGKILL)
                process.wait(10)
        return Outcome(code, words.read_text(), trace.read_text(encoding="ascii").count("(INJECTED)"))


def _interrupted_after(process: subprocess.Popen[bytes], trace: Path, words: Path) -> None:
    enough, end = 0, time.monotonic() + 100
    while process.poll() is None:
        assert time.monotonic() < end, words.read_text()[-2000:]
        time.sleep(0.05)
        told = len(told_in(words.read_text()))
        if not enough and trace.exists() and "(INJECTED)" in trace.read_text(encoding="ascii"):
            enough = told + 2
        if enough and told >= enough:
            for pid in offspring(process.pid):
                os.kill(pid, signal.SIGINT)
            return


def why_no_libfiu() -> str:
    """Why libfiu cannot be used here; empty when it can."""
    if shutil.which("fiu-run") is None or shutil.which("fiu-ctrl") is None:
        return "libfiu is not installed (scripts/setup full installs fiu-utils where apt knows it)"
    return ""


def serve_until_it_dies(
    folder: Path, words: Path, point: str, redemptions: int, *options: str, told: int, seed: int
) -> Outcome:
    """The demo under libfiu; once so many receipts were told, the point of failure fails for good with EIO.

    That it fired shows in what the till says: nothing else fails here.
    """
    with words.open("wb") as out, tempfile.TemporaryDirectory() as pipes:
        process = subprocess.Popen(
            [
                "fiu-run",
                "-x",
                "-f",
                f"{pipes}/fiu",
                *TILL,
                *demo_command(folder, redemptions, "--resume", *options, seed=seed),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=quiet_surroundings(),
        )
        try:
            end = time.monotonic() + 60
            while len(told_in(words.read_text())) < told and process.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            _control(process, pipes, f"enable name={point},failinfo=5")
            code = process.wait(110)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(10)
    said = words.read_text()
    return Outcome(code, said, int("Disk bermasalah" in said or "Disk penuh" in said))


def _control(process: subprocess.Popen[bytes], pipes: str, command: str) -> None:
    control: Sequence[str] = ("fiu-ctrl", "-f", f"{pipes}/fiu", "-c", command, str(process.pid))
    done = subprocess.run(control, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
