from __future__ import annotations

import os
import socket
import sys
import time

import pytest

from ewarung_pos.devices.transport import LinkLost, ScriptedTransport, SerialTransport, port_url
from ewarung_pos.errors import ConfigError


@pytest.mark.parametrize(
    ("port", "url"),
    [
        ("tcp://127.0.0.1:7002", "socket://127.0.0.1:7002"),
        (" /dev/ttyUSB0 ", "/dev/ttyUSB0"),
        ("socket://127.0.0.1:7002", "socket://127.0.0.1:7002"),
        ("COM3", "COM3"),
    ],
)
def test_port_as_people_write_it(port: str, url: str) -> None:
    assert port_url(port) == url


def test_empty_port_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        port_url("  ")


def test_missing_port() -> None:
    with pytest.raises(LinkLost) as caught:
        SerialTransport("/dev/does-not-exist").open()
    assert caught.value.reason == "no_port"


def test_closed_tcp_port_is_no_port() -> None:
    with pytest.raises(LinkLost) as caught:
        SerialTransport("tcp://127.0.0.1:1").open()
    assert caught.value.reason == "no_port"


def test_a_tcp_line_asks_whether_its_other_end_is_still_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = SerialTransport(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        transport.open()
        assert transport._serial is not None
        with socket.fromfd(transport._serial.fileno(), socket.AF_INET, socket.SOCK_STREAM) as handle:
            assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            if sys.platform == "linux":
                asked = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
                again = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
                times = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
                assert asked + again * times == 30
                assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        transport.close()


def test_a_tcp_line_is_opened_within_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def nobody(_: object, timeout: float) -> socket.socket:
        asked.append(timeout)
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", nobody)
    with pytest.raises(LinkLost) as caught:
        SerialTransport("tcp://192.0.2.10:7002").open()
    assert (caught.value.reason, asked) == ("no_port", [2])


def test_wrong_parity_is_a_configuration_error() -> None:
    master, slave = os.openpty()
    try:
        with pytest.raises(ConfigError):
            SerialTransport(os.ttyname(slave), parity="?").open()
    finally:
        os.close(master)
        os.close(slave)


def test_use_before_opening_is_link_lost() -> None:
    with pytest.raises(LinkLost):
        SerialTransport("/dev/null").write(b"x", time.monotonic() + 1)


def test_bytes_before_a_hang_up_still_arrive() -> None:
    master, slave = os.openpty()
    transport = SerialTransport(os.ttyname(slave))
    transport.open()
    try:
        os.write(master, b"abc")
        assert transport.read(100, time.monotonic() + 1) == b"abc"
        assert transport.read(100, time.monotonic() + 0.01) == b""
        os.close(slave)
        os.close(master)
        with pytest.raises(LinkLost) as caught:
            transport.read(100, time.monotonic() + 1)
        assert caught.value.reason == "unplugged"
        with pytest.raises(LinkLost) as caught:
            transport.write(b"x", time.monotonic() + 1)
        assert not caught.value.sent
    finally:
        transport.close()
        transport.close()


def test_stalled_write_ends_at_its_deadline_and_may_have_left() -> None:
    master, slave = os.openpty()
    transport = SerialTransport(os.ttyname(slave))
    transport.open()
    try:
        begun = time.monotonic()
        with pytest.raises(LinkLost) as caught:
            transport.write(b"x" * 1_000_000, begun + 0.1)
        assert caught.value.sent
        assert time.monotonic() - begun < 2
    finally:
        os.close(master)
        os.close(slave)
        transport.close()


def test_script_fails_on_what_it_does_not_expect() -> None:
    script = ScriptedTransport([(b"a", b"1")])
    with pytest.raises(AssertionError):
        script.write(b"b", 0)
    script = ScriptedTransport([(b"a", b"1"), (b"c", b"")])
    script.write(b"a", 0)
    with pytest.raises(AssertionError):
        script.done()
