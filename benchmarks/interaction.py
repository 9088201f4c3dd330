"""Card to screen, and how long the screen ever stands still while the devices around it hang.

Each run is the till itself in a process of its own (`counter_window.py`), on a ledger that knows few or many families,
beside devices that answer or do not. The two that are compared run in turn.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.counter import copied, held
from benchmarks.figures import Figure, counted, percentile, ratio

__all__ = ["measure"]

_TILL = Path(__file__).parent / "counter_window.py"
FEW, MANY = 50, 50_000
CARDS, SALES = 100, 40
LONGEST_MS = 50.0
LIMIT_S = 300

_QUIET = '[card_reader]\ndriver = "stripe-keyboard"\n[receipt_printer]\ndriver = "pdf"\n'


def measure(repetitions: int) -> list[Figure]:
    """P13, and of P12 what hanging devices do."""
    cards: list[tuple[float, float]] = []
    work: list[tuple[float, float]] = []
    stills: list[tuple[dict[str, Any], dict[str, Any]]] = []
    with TemporaryDirectory(prefix="ewarung-bench-") as name, TemporaryDirectory(prefix="ewarung-bench-") as compiled:
        few, many = _built(Path(name), FEW), _built(Path(name), MANY)
        _run(compiled, few, FEW, _QUIET, "cards", 1)
        for _ in range(repetitions):
            pair = [
                _run(compiled, built, families, _QUIET, "cards", CARDS)
                for built, families in ((many, MANY), (few, FEW))
            ]
            cards.append((_p99(pair[0], "took_ms"), _p99(pair[1], "took_ms")))
            work.append((_p99(pair[0], "worked_ms"), _p99(pair[1], "worked_ms")))
            with _hung() as settings:
                hung = _run(compiled, many, MANY, settings, "sales", SALES)
            stills.append((hung["stood"], _run(compiled, many, MANY, _QUIET, "sales", SALES)["stood"]))
    return [
        ratio(f"card to painted balances, {MANY} families held / {FEW}, p99", cards, goal=1.2, unit="ms"),
        ratio(
            f"card to painted balances with {MANY} families, p99 / {LONGEST_MS:.0f} ms",
            [(measured, LONGEST_MS) for measured, _ in cards],
            goal=1.0,
            unit="ms",
        ),
        ratio("the screen's thread's own work for it, the same two, p99", work, unit="ms"),
        *(
            counted(
                f"{words} per 1,000 families, every device hung (without devices beside it)",
                [(each[key] * 1000 / SALES, other[key] * 1000 / SALES) for each, other in stills],
                goal=goal,
            )
            for words, key, goal in (
                ("screen stands still > 50 ms", "over_50", 0),
                ("screen stands still > 16 ms", "over_16", 5),
                ("screen's thread busy > 50 ms", "busy_50", 0),
                ("screen's thread busy > 16 ms", "busy_16", None),
            )
        ),
    ]


def _p99(said: dict[str, Any], key: str) -> float:
    return percentile(said[key], 0.99)


def _built(place: Path, families: int) -> Path:
    folder = place / str(families)
    folder.mkdir()
    held(folder, families)
    return folder


@contextmanager
def _hung() -> Iterator[str]:
    """Settings of devices that are there and never say a word: an EDC, a printer, and a city."""
    with ExitStack() as stack:
        terminal, line = os.openpty()
        stack.callback(os.close, terminal)
        stack.callback(os.close, line)
        ports = []
        for _ in range(2):
            ear = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
            ports.append(ear.getsockname()[1])
        port = os.ttyname(line)
        yield (
            f'[city]\nurl = "http://127.0.0.1:{ports[0]}"\n'
            f'[card_reader]\ndriver = "ecr"\nport = "{port}"\n[payment_terminal]\ndriver = "ecr"\n'
            f'[receipt_printer]\ndriver = "escpos-network"\nport = "127.0.0.1:{ports[1]}"\n'
        )


def _run(compiled: str, built: Path, families: int, settings: str, deed: str, count: int) -> dict[str, Any]:
    with copied(built) as directory:
        (directory / "config.toml").write_text(settings)
        (directory / "families").write_text(str(families))
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "EWARUNG_REDUCED_MOTION": "1",
            "PYTHONPATH": str(_TILL.parent.parent),
            "PYTHONPYCACHEPREFIX": compiled,
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, str(_TILL), str(directory), deed, str(count)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said
