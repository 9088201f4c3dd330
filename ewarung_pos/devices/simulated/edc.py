"""The simulated EDC as a program of its own: a pseudo-terminal or a TCP port on this machine, and its tray.

`run` is the command; `Simulator` is the same in a thread; `spawn` starts it as a process and stops it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ewarung_pos.devices.simulated.edc_bank import Bank, read_cards, sample_cards
from ewarung_pos.devices.simulated.edc_behaviour import Edc, HangUp
from ewarung_pos.devices.simulated.edc_face import EdcFace
from ewarung_pos.devices.simulated.edc_wires import PtyWire, TcpWire, refuse_second
from ewarung_pos.devices.simulated.faults import POSELINK, FaultScript
from ewarung_pos.devices.simulated.program import ended_by_signals, parent_of, say
from ewarung_pos.devices.simulated.serving import Serving
from ewarung_pos.devices.simulated.spawned import Spawned, own_command, start
from ewarung_pos.errors import ConfigError

__all__ = ["Simulator", "Spawned", "run", "spawn"]

_NAME = "simulate-edc"


class Simulator(Serving):
    """A simulated EDC in ECR mode on one line with one tray."""

    edc: Edc

    def __init__(
        self,
        edc: Edc,
        *,
        pty: Path | None = None,
        listen: str | None = None,
    ) -> None:
        """Raises `ConfigError` when not exactly one line is given or it cannot be had."""
        if (pty is None) == (listen is None):
            raise ConfigError("beri satu: --pty atau --listen", reason="line")
        if pty is not None:
            refuse_second(Path(f"{pty}.tray"))
        self._wire: PtyWire | TcpWire = PtyWire(pty) if pty is not None else TcpWire(listen or "")
        self.url = self._wire.url
        try:
            super().__init__(edc, self._wire.tray)
        except BaseException:
            self._wire.close()
            raise
        self._watch_wire()

    def _ready(self, what: Any) -> None:  # noqa: ANN401 - see `Serving`
        if what == "listener" and isinstance(self._wire, TcpWire):
            self._unwatch_wire()
            self._wire.accept()
            self._watch_wire()
            return
        data = self._wire.read()
        if data is None:
            self._hang_up()
        elif data:
            self.edc.feed(data, time.monotonic())

    def _deliver(self, now: float) -> None:
        for what in self.edc.due(now):
            if isinstance(what, HangUp):
                self._hang_up()
                break
            self._wire.write(what)

    def _hang_up(self) -> None:
        self._unwatch_wire()
        self._wire.hang_up()
        self.edc.line_lost()
        self._watch_wire()

    def _watch_wire(self) -> None:
        handle = self._wire.fileno()
        if handle is not None:
            self._watch(handle, "wire")
        elif isinstance(self._wire, TcpWire):
            self._watch(self._wire.listener, "listener")

    def _unwatch_wire(self) -> None:
        handle = self._wire.fileno()
        if handle is not None:
            self._unwatch(handle)
        elif isinstance(self._wire, TcpWire):
            self._unwatch(self._wire.listener)

    def _close_line(self) -> None:
        self._wire.close()


def run(
    *,
    pty: str | Path | None = None,
    listen: str | None = None,
    faults: str | Path | None = None,
    families: str | Path | None = None,
    pin: str = "auto",
    journal: str | Path | None = None,
    seed: int = 1,
    delay_ms: int = 3,
    autopilot: bool = True,
    lost_after: int | None = None,
    parent: int | None = None,
) -> None:
    """The command `simulate-edc`: serve until SIGTERM or SIGINT, then take the link away.

    What is typed to it is answered by a line: `insert [ROW]` and `remove`, as at a chip reader.

    Args:
        pty: symlink to make for the pseudo-terminal.
        listen: tcp://127.0.0.1:PORT instead, or wss://127.0.0.1:PORT for POSe Link; the tray is on PORT+1.
        faults: fault script.
        families: families file; the sample families without it.
        pin: `auto` (typed by the simulator) or `face` (typed on the tray).
        journal: JSON Lines file of what the bank did, read again at the next start.
        seed: order in which cards present themselves.
        delay_ms: time the host takes.
        autopilot: whether cards present themselves until a tray is connected.
        lost_after: seconds until an answer that is lost breaks the line; silence without it.
        parent: end when this process is no longer the parent; `spawn` says so through the environment.

    Raises:
        ConfigError: an argument is not usable.
    """
    if pin not in {"auto", "face"}:
        raise ConfigError(f"--pin: {pin!r}, seharusnya auto atau face", reason="pin")
    cards = read_cards(Path(families)) if families else sample_cards()
    bank = Bank(cards, Path(journal) if journal else None)
    how: dict[str, Any] = {
        "pin_mode": pin,
        "delay_s": delay_ms / 1000,
        "autopilot": autopilot,
        "lost_s": lost_after,
        "seed": seed,
    }
    simulator: Serving
    if listen is not None and listen.startswith("wss://"):
        from ewarung_pos.devices.simulated.poselink import PoseLinkSimulator
        from ewarung_pos.devices.simulated.poselink_behaviour import PoseLinkEdc

        script = FaultScript.read(Path(faults), POSELINK) if faults else None
        simulator = PoseLinkSimulator(PoseLinkEdc(bank, script, **how), listen)
    else:
        script = FaultScript.read(Path(faults)) if faults else None
        simulator = Simulator(Edc(bank, script, **how), pty=Path(pty) if pty else None, listen=listen)
    simulator.hear(lambda line: _typed(simulator.edc, line))
    with ended_by_signals(simulator.stop):
        say(f"{_NAME} ready {simulator.url}")
        simulator.serve(parent_of(parent))


def _typed(edc: EdcFace[Any], line: str) -> str:
    """Do with the cards what was typed; what came of it."""
    word, _, row = line.partition(" ")
    if word == "remove" and not row:
        return "removed" if edc.remove() else "tidak ada kartu di EDC"
    if word != "insert":
        return f"tidak dimengerti: {line!r}; ketik insert, insert BARIS, atau remove"
    try:
        return f"inserted {edc.insert_by_hand(row.strip(), time.monotonic())}"
    except KeyError:
        return f"tidak ada kartu di baris {row.strip()!r}"


def spawn(
    *,
    pty: str | Path | None = None,
    listen: str | None = None,
    faults: str | Path | None = None,
    families: str | Path | None = None,
    pin: str = "auto",
    journal: str | Path | None = None,
    seed: int = 1,
    lost_after: int | None = None,
    program: Sequence[str] | None = None,
) -> Spawned:
    """Start `simulate-edc` as a process and wait until it is ready. It ends with this process.

    Args:
        program: the command before its options; this till's own `simulate-edc` without it.

    Raises:
        DeviceUnavailable: it did not become ready.
    """
    command = list(program) if program is not None else own_command(_NAME)
    options: dict[str, Any] = {
        "--pty": pty,
        "--listen": listen,
        "--faults": faults,
        "--families": families,
        "--pin": pin,
        "--journal": journal,
        "--seed": seed,
        "--lost-after": lost_after,
    }
    return start(_NAME, command, options)
