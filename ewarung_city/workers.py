"""Several server processes on one socket and one database: started, watched, and stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ewarung_pos.errors import ConfigError

__all__ = ["run_workers"]

STOP_SECONDS = 8.0
_LOOK_S = 0.2
_TOO_FAST_S = 5.0
_DEATHS = 5


def run_workers(
    command: Sequence[str],
    environment: Mapping[str, str],
    count: int,
    listening: socket.socket,
    *,
    ready: Callable[[], None],
    with_stdin: bool = False,
) -> None:
    """Serve with `count` processes until SIGTERM or SIGINT, or (`with_stdin`) until standard input ends.

    Each is `command` with the descriptor of the listening socket as its last argument, and stops when its standard
    input ends: none outlives this one, however that dies. One that dies is replaced.

    Args:
        command: how a worker is started.
        environment: for it; what must not stand in a list of processes belongs here.
        count: of processes.
        listening: all accept from it; the kernel gives each connection to one.
        ready: called when all were started.
        with_stdin: also stop when standard input ends.

    Raises:
        ConfigError: workers die as fast as they are started (`workers`).
    """
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    if with_stdin:
        threading.Thread(target=_watch, args=(over,), name="stdin", daemon=True).start()
    running: list[subprocess.Popen[bytes]] = []
    died: list[float] = []
    try:
        running = [_start(command, environment, listening) for _ in range(count)]
        ready()
        while not over.wait(_LOOK_S):
            for place, worker in enumerate(running):
                if worker.poll() is not None:
                    _let_go(worker)
                    died = [at for at in died if at > time.monotonic() - _TOO_FAST_S] + [time.monotonic()]
                    if len(died) >= _DEATHS:
                        raise ConfigError("the workers die as fast as they are started", reason="workers")
                    running[place] = _start(command, environment, listening)
    finally:
        _stop(running)


def _watch(over: threading.Event) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    over.set()


def _start(command: Sequence[str], environment: Mapping[str, str], listening: socket.socket) -> subprocess.Popen[bytes]:
    number = listening.fileno()
    os.set_inheritable(number, True)
    return subprocess.Popen(  # noqa: S603 - our own program
        [*command, str(number)], env=environment, stdin=subprocess.PIPE, pass_fds=(number,), start_new_session=True
    )


def _let_go(worker: subprocess.Popen[bytes]) -> None:
    if worker.stdin is not None:
        worker.stdin.close()


def _stop(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for worker in running:
        _let_go(worker)
    deadline = time.monotonic() + STOP_SECONDS
    for worker in running:
        try:
            worker.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
