"""The simulated EDC's lines: a port that the system chose is one whose neighbour the tray can have."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ewarung_pos.devices.simulated.edc_wires import listen_tray, loopback_port

HOST = "127.0.0.1"


def crowded() -> tuple[int, socket.socket]:
    """A free port, and whoever holds the one after it."""
    while True:
        with socket.create_server((HOST, 0)) as free:
            port: int = free.getsockname()[1]
            try:
                return port, socket.create_server((HOST, port + 1))
            except (OSError, OverflowError):
                continue


def test_a_chosen_port_leaves_the_next_one_for_the_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    port, neighbour = crowded()
    asked: list[int] = []
    create = socket.create_server

    def given(address: tuple[str, int], **how: Any) -> socket.socket:
        """The system's first choice is the crowded one."""
        asked.append(address[1])
        return create((HOST, port) if asked == [0] else address, **how)

    monkeypatch.setattr(socket, "create_server", given)
    with neighbour:
        host, listener = loopback_port(f"tcp://{HOST}:0", "tcp://")
        with listener, listen_tray((host, listener.getsockname()[1] + 1)) as tray:
            assert listener.getsockname()[1] != port
            assert tray.getsockname()[1] == listener.getsockname()[1] + 1
    assert asked.count(0) >= 2


def test_a_port_that_was_named_is_had_whoever_holds_the_next() -> None:
    port, neighbour = crowded()
    with neighbour:
        _, listener = loopback_port(f"tcp://{HOST}:{port}", "tcp://")
        with listener:
            assert listener.getsockname()[1] == port
