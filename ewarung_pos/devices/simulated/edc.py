"""The simulated EDC as a program of its own: a pseudo-terminal or a TCP port on this machine, and its tray.

`run` is the command; `Simulator` is the same in a thread; `spawn` starts it as a process and stops it.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from ewarung_pos.devices.simulated.edc_bank import Bank, read_cards, sample_cards
from ewarung_pos.devices.simulated.edc_behaviour import Edc, HangUp
from ewarung_pos.devices.simulated.edc_wires import PtyWire, TcpWire, refuse_second
from ewarung_pos.devices.simulated.faults import POSELINK_DEEDS, FaultScript
from ewarung_pos.devices.simulated.serving import Serving
from ewarung_pos.errors import ConfigError, DeviceUnavailable

__all__ = ["Simulator", "Spawned", "run", "spawn"]

_log = logging.getLogger(__name__)

_READY = "simulate-edc ready"
_PARENT = "SIMULATE_EDC_PARENT"
_START_S = 20.0
_STOP_S = 5.0


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
    if parent is None and os.environ.get(_PARENT, "").isdigit():
        parent = int(os.environ[_PARENT])
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

        script = FaultScript.read(Path(faults), POSELINK_DEEDS) if faults else None
        simulator = PoseLinkSimulator(PoseLinkEdc(bank, script, **how), listen)
    else:
        script = FaultScript.read(Path(faults)) if faults else None
        simulator = Simulator(Edc(bank, script, **how), pty=Path(pty) if pty else None, listen=listen)
    signals = [signal.SIGTERM, signal.SIGINT]
    before = [signal.signal(one, lambda *_: simulator.stop()) for one in signals]
    try:
        sys.stdout.write(f"{_READY} {simulator.url}\n")
        sys.stdout.flush()
        simulator.serve(parent)
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


class Spawned:
    """A simulator in a process of its own. Use as a context manager, or call `stop`.

    Attributes:
        url: what a till opens.
        pid: of the process.
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url
        self.pid = process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it and wait for that. Never raises; may be called again."""
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def kill(self) -> None:
        """Pull the cable: end it without letting it clean up."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


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
    extra: Sequence[str] = (),
) -> Spawned:
    """Start `simulate-edc` as a process and wait until it is ready. It ends with this process.

    Args:
        program: the command before its options; this till's own `simulate-edc` without it.
        extra: further options.

    Raises:
        DeviceUnavailable: it did not become ready.
    """
    command = list(program) if program is not None else _own_command()
    given: dict[str, Any] = {
        "--pty": pty,
        "--listen": listen,
        "--faults": faults,
        "--families": families,
        "--pin": pin,
        "--journal": journal,
        "--seed": seed,
        "--lost-after": lost_after,
    }
    for option, value in given.items():
        if value is not None:
            command += [option, str(value)]
    command += extra
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, _PARENT: str(os.getpid())},
    )
    line = _first_line(process)
    if not line.startswith(_READY):
        Spawned(process, "").stop()
        raise DeviceUnavailable("the simulated EDC did not start", reason="simulator")
    return Spawned(process, line.removeprefix(_READY).strip())


def _own_command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, "simulate-edc"]
    return [sys.executable, "-m", "ewarung_pos", "simulate-edc"]


def _first_line(process: subprocess.Popen[str]) -> str:
    found: list[str] = []

    def read() -> None:
        if process.stdout is not None:
            found.append(process.stdout.readline())

    reader = threading.Thread(target=read, name="simulate-edc-ready", daemon=True)
    reader.start()
    reader.join(_START_S)
    return found[0] if found else ""
