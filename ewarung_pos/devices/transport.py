"""Bytes to and from a box on the counter: serial, USB-CDC, pseudo-terminal or TCP, always with a deadline.

Deadlines are instants of `time.monotonic()`. Whatever the operating system says about a dead line becomes `LinkLost`;
the drivers translate it further, because what it means depends on what had been sent.
"""

from __future__ import annotations

import contextlib
import errno
import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from ewarung_pos.devices.plugged import NotPlugged, port_now
from ewarung_pos.devices.serial_ports import opened, shut
from ewarung_pos.errors import ConfigError

if TYPE_CHECKING:
    import serial

__all__ = ["LINK_ERRORS", "LinkLost", "ScriptedTransport", "SerialTransport", "Transport", "port_url"]

LINK_ERRORS: tuple[type[Exception], ...] = (OSError,)  # serial.SerialException is an OSError
if sys.platform != "win32":
    import termios

    LINK_ERRORS = (OSError, termios.error)  # a line whose other end is gone answers ioctls with termios.error
"""Whatever the operating system says about a line that is dead."""

_BUSY = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY}
_READ_MAX = 4096
_CONNECT_S = 2
_PROBES = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 30_000))
"""Asked after 10 s of silence, then each 5 s, given up after 4; what was sent must arrive within 30 s (ms)."""


class LinkLost(Exception):
    """The line is not there (any more).

    Attributes:
        reason: no_port, which_port (two devices fit), in_use, no_permission or unplugged.
        sent: whether any byte of the write that failed may have left.
    """

    def __init__(self, reason: str, detail: str = "", *, sent: bool = False) -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail
        self.sent = sent


class Transport(Protocol):
    """One byte stream. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """For the log."""
        ...

    def open(self) -> None:
        """Open or raise `LinkLost`; does nothing when open."""
        ...

    def write(self, data: bytes, deadline: float) -> None:
        """Send everything or raise `LinkLost` (`sent` says whether part of it may have left)."""
        ...

    def read(self, max_bytes: int, deadline: float) -> bytes:
        """What has arrived, as soon as something has; empty when the deadline passes. Raises `LinkLost`."""
        ...

    def drain(self) -> bytes:
        """What has arrived, without waiting. Raises `LinkLost`."""
        ...

    def close(self) -> None:
        """Never raises."""
        ...


def port_url(port: str) -> str:
    """A port as people write it, as a pyserial URL.

    `tcp://HOST:PORT` becomes `socket://HOST:PORT`; device paths, `usb:VENDOR:PRODUCT`, COM ports and URLs stay.

    Raises:
        ConfigError: empty.
    """
    port = port.strip()
    if not port:
        raise ConfigError("port kosong, seharusnya /dev/ttyACM0 atau URL pyserial", reason="port")
    return "socket://" + port.removeprefix("tcp://") if port.startswith("tcp://") else port


class SerialTransport:
    """Any port that pyserial can open by URL; real ports and ptys exclusively.

    A USB device named by its numbers, or by a link of /dev/serial/by-id, is looked for at each opening.

    Attributes:
        name: the URL.
    """

    def __init__(self, port: str, baudrate: int = 9600, parity: str = "N") -> None:
        self.name = port_url(port)
        self._baudrate = baudrate
        self._parity = parity
        self._serial: serial.SerialBase | None = None
        self._pending: LinkLost | None = None

    def open(self) -> None:
        """Open the port; TCP connects within 2 s, everything else at once.

        Raises:
            LinkLost: no_port, which_port, in_use, no_permission.
            ConfigError: the port cannot have these parameters.
        """
        if self._serial is not None:
            return
        import serial

        network = "://" in self.name
        if network:
            from serial.urlhandler import protocol_socket

            protocol_socket.POLL_TIMEOUT = _CONNECT_S  # a constant of pyserial's; there is no other way to say it
        try:
            self._serial = opened(
                port_now(self.name),
                baudrate=self._baudrate,
                bytesize=serial.EIGHTBITS,
                parity=self._parity,
                stopbits=serial.STOPBITS_ONE,
                timeout=0,
                write_timeout=2,
                **({} if network else {"exclusive": True}),
            )
        except NotPlugged as error:
            raise LinkLost(error.reason, str(error)) from error
        except LINK_ERRORS as error:
            raise LinkLost(_why_not(error), str(error)) from error
        except ValueError as error:
            raise ConfigError(f"port {self.name}: {error}", reason="port") from error
        if self.name.startswith("socket://"):
            _tune(self._serial)
        self._pending = None

    def write(self, data: bytes, deadline: float) -> None:
        """Send all of `data`.

        The first byte goes alone: if that fails, nothing has left, which is worth knowing when `data` moves money.
        """
        port = self._port()
        for part, begun in ((data[:1], False), (data[1:], True)):
            if not part:
                continue
            try:
                port.write_timeout = max(0.01, deadline - time.monotonic())
                port.write(part)
            except LINK_ERRORS as error:
                # A write that timed out may have handed its bytes over all the same.
                raise LinkLost("unplugged", str(error), sent=begun or _timed_out(error)) from error

    def read(self, max_bytes: int, deadline: float) -> bytes:
        port = self._port()
        if self._pending is not None:
            raise self._pending
        wait = max(0.0, deadline - time.monotonic())
        try:
            port.timeout = wait
            first = bytes(port.read(1))
        except LINK_ERRORS as error:
            raise LinkLost("unplugged", str(error)) from error
        if not first or max_bytes == 1:
            return first
        try:
            port.timeout = 0
            return first + bytes(port.read(max_bytes - 1))
        except LINK_ERRORS as error:
            # What came before the hang-up still counts; the hang-up is told at the next read.
            self._pending = LinkLost("unplugged", str(error))
            return first

    def drain(self) -> bytes:
        return self.read(_READ_MAX, 0.0)

    def close(self) -> None:
        port, self._serial, self._pending = self._serial, None, None
        if port is not None:
            with contextlib.suppress(*LINK_ERRORS):
                shut(port)

    def _port(self) -> serial.SerialBase:
        if self._serial is None:
            raise LinkLost("no_port", "not open")
        return self._serial


def _tune(port: serial.SerialBase) -> None:
    """Have each byte sent at once, and a peer noticed that lost its power without a word.

    Nagle's delay would hold the request after our one-byte ACK back by 40 ms. Without probes a connection whose other
    end is gone looks well for good; an outage of half a minute is endured, for a PIN may be typed meanwhile.
    """
    import socket

    with (
        contextlib.suppress(OSError),
        socket.fromfd(port.fileno(), socket.AF_INET, socket.SOCK_STREAM) as handle,
    ):
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _PROBES:
            if hasattr(socket, name):
                handle.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _why_not(error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code in _BUSY:
        return "in_use"
    if code in {errno.EACCES, errno.EPERM} or (sys.platform == "win32" and "PermissionError" in str(error)):
        return "in_use" if sys.platform == "win32" else "no_permission"
    return "no_port"


def _timed_out(error: Exception) -> bool:
    import serial

    return isinstance(error, serial.SerialTimeoutException)


class ScriptedTransport:
    """A conversation written down beforehand, for wire tests: pairs of (what must be sent, what then arrives).

    An expected write of None matches any write; an empty expected write delivers its bytes at once. A delivery is
    bytes, or a list of chunks that arrive in separate reads, in which None stands for silence until the reader's
    deadline and a `LinkLost` is raised. The test ends with `done()`.
    """

    name = "scripted"

    def __init__(self, script: Iterable[tuple[bytes | None, bytes | list[bytes | LinkLost | None]]]) -> None:
        self._script = deque(script)
        self._inbox: deque[bytes | LinkLost | None] = deque()
        self.written: list[bytes] = []
        self._deliver_unprompted()

    def open(self) -> None:
        """Nothing to do."""

    def write(self, data: bytes, deadline: float) -> None:
        self.written.append(data)
        if not self._script:
            raise AssertionError(f"unexpected write of {len(data)} bytes")
        expected, answer = self._script.popleft()
        if expected is not None and expected != data:
            raise AssertionError(f"write {len(self.written)} is not the one in the script")
        self._queue(answer)
        self._deliver_unprompted()

    def read(self, max_bytes: int, deadline: float) -> bytes:
        chunk = self._inbox.popleft() if self._inbox else None
        if chunk is None:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return b""
        if isinstance(chunk, LinkLost):
            raise chunk
        if len(chunk) > max_bytes:
            self._inbox.appendleft(chunk[max_bytes:])
        return chunk[:max_bytes]

    def drain(self) -> bytes:
        if self._inbox and self._inbox[0] is None:
            return b""
        return self.read(_READ_MAX, 0.0)

    def close(self) -> None:
        """Nothing to do."""

    def done(self) -> None:
        """Fail on a write that never came or a byte that nobody read."""
        left = [chunk for chunk in self._inbox if chunk is not None]
        if self._script or left:
            raise AssertionError(f"{len(self._script)} writes missing, {len(left)} chunks unread")

    def _queue(self, answer: bytes | list[bytes | LinkLost | None]) -> None:
        if isinstance(answer, bytes):
            if answer:
                self._inbox.append(answer)
        else:
            self._inbox.extend(answer)

    def _deliver_unprompted(self) -> None:
        while self._script and self._script[0][0] == b"":
            self._queue(self._script.popleft()[1])
