"""The simulated printer as a program of its own: a port of this machine, and a folder where its papers fall.

`run` is the command `simulate-printer`.
"""

from __future__ import annotations

from pathlib import Path

from ewarung_pos.devices.durable import next_numbered
from ewarung_pos.devices.simulated.edc_wires import loopback_port
from ewarung_pos.devices.simulated.faults import PRINTER, FaultScript
from ewarung_pos.devices.simulated.printer import Mood, SimulatedPrinter
from ewarung_pos.devices.simulated.printer_text import paper_text
from ewarung_pos.devices.simulated.program import Attendant, parent_of

__all__ = ["run"]

_NAME = "simulate-printer"


def run(
    *,
    listen: str,
    faults: str | Path | None = None,
    papers: str | Path | None = None,
    columns: int = 32,
    parent: int | None = None,
) -> None:
    """The command `simulate-printer`: print until SIGTERM or SIGINT. A mood's name typed to it is its mood then.

    Args:
        listen: tcp://127.0.0.1:PORT.
        faults: fault script.
        papers: folder that gets each paper that came out, as it came (`NNNNNN.bin`) and as text (`NNNNNN.txt`).
        columns: of that text, 32 or 48.
        parent: end when this process is no longer the parent.

    Raises:
        ConfigError: an argument is not usable.
        OSError: a paper could not be kept; the printer ends with it.
    """
    script = FaultScript.read(Path(faults), PRINTER) if faults else None
    folder = Path(papers) if papers else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    _, ear = loopback_port(listen, "tcp://")
    failed: list[OSError] = []

    def keep(paper: bytes) -> None:
        if folder is None:
            return
        try:
            path = next_numbered(folder, ".bin", paper)
            path.with_suffix(".txt").write_text(paper_text(paper, columns), encoding="utf-8")
        except OSError as error:
            failed.append(error)
            attendant.stop()

    def heard(line: str) -> str:
        if line not in list(Mood):
            return f"tidak dimengerti: {line!r}; ketik salah satu dari {', '.join(Mood)}"
        printer.set_mood(Mood(line))
        return line

    attendant = Attendant(heard)
    host, port = ear.getsockname()[:2]
    with SimulatedPrinter(faults=script, ear=ear, out=keep) as printer:
        attendant.attend(f"{_NAME} ready socket://{f'[{host}]' if ':' in host else host}:{port}", parent_of(parent))
    if failed:
        raise failed[0]
