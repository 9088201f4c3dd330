"""A TCP bridge whose other end is gone leaves nothing open, whenever it went."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from pathlib import Path
from typing import Any

import pytest
import serial
import serial.urlhandler.protocol_socket as bridge

from ewarung_pos.devices.serial_ports import opened, shut


def sockets() -> set[str]:
    names = set()
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            names.add(str(each.readlink()))
    return {name for name in names if name.startswith("socket:")}


@pytest.fixture
def peer() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def reset(listening: socket.socket) -> None:
    """Take the connection, and break it off without a word."""
    taken, _ = listening.accept()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    taken.close()


def test_a_port_that_broke_is_shut_whole(peer: socket.socket) -> None:
    port = opened(f"socket://127.0.0.1:{peer.getsockname()[1]}", timeout=0)
    before = sockets()
    reset(peer)
    until = time.monotonic() + 5
    with contextlib.suppress(serial.SerialException):
        while time.monotonic() < until:
            port.read(1)
    shut(port)
    assert len(before - sockets()) == 1


def test_a_port_that_breaks_while_it_is_opened_leaves_nothing(
    peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bridge.Serial.reset_input_buffer

    def broken(port: Any) -> None:
        reset(peer)
        real(port)
        raise serial.SerialException("gone")

    monkeypatch.setattr(bridge.Serial, "reset_input_buffer", broken)
    before = sockets()
    with pytest.raises(serial.SerialException):
        opened(f"socket://127.0.0.1:{peer.getsockname()[1]}", timeout=0)
    assert sockets() == before
