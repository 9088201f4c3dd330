"""Messages over a WebSocket inside TLS with a pinned certificate: `wss`, one connection, one thread, deadlines.

The EDC is a server with a certificate that it signed itself. No authority vouches for it, so the site writes down its
SHA-256 fingerprint, and not one byte is said to anybody else. The WebSocket protocol (RFC 6455) is `websockets` without
its threads and loops; bytes, TLS and deadlines (instants of `time.monotonic()`) are here.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import re
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from ewarung_pos.devices.transport import LinkLost
from ewarung_pos.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    from websockets.client import ClientProtocol

__all__ = ["MessageLink", "WssLink", "fingerprint_of", "host_of"]

_PORT = 6746
_READ_MAX = 4096
_MAX_MESSAGE = 65_536
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_NO_FRAMES = logging.getLogger(f"{__name__}.frames")
_NO_FRAMES.setLevel(logging.WARNING)  # at DEBUG the library writes down what it carries


class MessageLink(Protocol):
    """One line that carries whole messages. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """For the log."""
        ...

    def open(self, deadline: float) -> None:
        """Connect or raise `LinkLost`; does nothing when open."""
        ...

    def send(self, text: str, deadline: float) -> None:
        """Send one message or raise `LinkLost` (`sent` says whether it may have left)."""
        ...

    def receive(self, deadline: float) -> str | None:
        """The next message; None when the deadline passes. Raises `LinkLost` when there will be none."""
        ...

    def ping(self, deadline: float) -> bool:
        """Whether the other end answers; messages that come meanwhile are kept. Raises `LinkLost`."""
        ...

    def close(self) -> None:
        """Never raises."""
        ...


def fingerprint_of(text: str) -> str:
    """A SHA-256 fingerprint as people copy it, with or without colons, as 64 small hexadecimal digits.

    Raises:
        ConfigError: it is not one.
    """
    digits = re.sub(r"[:\s]", "", text).lower()
    if not _FINGERPRINT.fullmatch(digits):
        raise ConfigError("seharusnya sidik jari SHA-256, 64 angka heksadesimal", reason="invalid")
    return digits


def host_of(url: str) -> tuple[str, int]:
    """Host and port of `wss://HOST[:PORT][/…]`; the port is 6746 where none is named.

    Raises:
        ConfigError: it is no such address.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORT
    except ValueError:
        host, port = "", 0
    else:
        if parts.scheme != "wss" or parts.username is not None:
            host = ""
    if not host:
        raise ConfigError("seharusnya alamat EDC wss://HOST:PORT", reason="invalid")
    return host, port


class WssLink:
    """`MessageLink` to one server, known by the fingerprint of its certificate.

    `LinkLost` has the reasons no_host (nobody there), no_answer (somebody, who does not speak WebSocket in time),
    certificate (somebody else), and unplugged (it was there).
    """

    def __init__(self, url: str, fingerprint: str) -> None:
        """Raises `ConfigError` when either is none."""
        self._host, self._port = host_of(url)
        self._pin = fingerprint_of(fingerprint)
        self.name = f"wss://{f'[{self._host}]' if ':' in self._host else self._host}:{self._port}"
        self._socket: ssl.SSLSocket | None = None
        self._protocol: ClientProtocol | None = None
        self._inbox: deque[str] = deque()
        self._part = bytearray()
        self._pong = b""
        self._gone: LinkLost | None = None

    def open(self, deadline: float) -> None:
        """Connect, look at the certificate, and shake hands.

        Raises:
            LinkLost: no_host, certificate, no_answer; nothing is open then.
        """
        if self._socket is not None:
            return
        self._socket = self._connect(deadline)
        try:
            self._shake_hands(deadline)
        except LinkLost as error:
            self.close()
            raise LinkLost("no_answer" if error.reason == "unplugged" else error.reason, error.detail) from error
        except BaseException:
            self.close()
            raise

    def send(self, text: str, deadline: float) -> None:
        protocol = self._open_protocol()
        protocol.send_text(text.encode())
        self._flush(deadline, sent=True)

    def receive(self, deadline: float) -> str | None:
        while not self._inbox:
            if self._gone is not None:
                raise self._gone
            if not self._take(deadline):
                return None
        return self._inbox.popleft()

    def ping(self, deadline: float) -> bool:
        protocol = self._open_protocol()
        asked = os.urandom(8)
        protocol.send_ping(asked)
        self._flush(deadline, sent=False)
        while self._pong != asked:
            if self._gone is not None:
                raise self._gone
            if not self._take(deadline):
                return False
        return True

    def close(self) -> None:
        line, protocol = self._socket, self._protocol
        self._socket = self._protocol = self._gone = None
        self._inbox.clear()
        self._part.clear()
        if line is None:
            return
        with contextlib.suppress(OSError):
            if protocol is not None and protocol.state.name == "OPEN":
                protocol.send_close()
                line.settimeout(0.2)
                line.sendall(b"".join(protocol.data_to_send()))
        with contextlib.suppress(OSError):
            line.close()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _connect(self, deadline: float) -> ssl.SSLSocket:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False  # the fingerprint says who it is; no authority signs what stands in a kiosk
        context.verify_mode = ssl.CERT_NONE
        try:
            bare = socket.create_connection((self._host, self._port), timeout=_left(deadline))
        except (OSError, UnicodeError) as error:
            raise LinkLost("no_host", str(error)) from error
        try:
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _notice_dead_peers(bare)
            bare.settimeout(_left(deadline))
            line = context.wrap_socket(bare, server_hostname=self._host)
        except OSError as error:
            bare.close()
            raise LinkLost("no_answer", str(error)) from error
        shown = hashlib.sha256(line.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(shown, self._pin):
            line.close()
            raise LinkLost("certificate", shown)
        return line

    def _shake_hands(self, deadline: float) -> None:
        from websockets.client import ClientProtocol
        from websockets.uri import parse_uri

        self._protocol = protocol = ClientProtocol(parse_uri(self.name + "/"), max_size=_MAX_MESSAGE, logger=_NO_FRAMES)
        protocol.send_request(protocol.connect())
        self._flush(deadline, sent=False)
        while protocol.state.name == "CONNECTING" and protocol.handshake_exc is None and self._gone is None:
            if not self._take(deadline):
                raise LinkLost("no_answer", "no WebSocket there")
        if protocol.state.name == "CONNECTING" or protocol.handshake_exc is not None:
            raise LinkLost("no_answer", str(protocol.handshake_exc or "no WebSocket there"))

    def _open_protocol(self) -> ClientProtocol:
        """The protocol, if anything can still be sent on it."""
        if self._gone is not None:
            raise self._gone
        if self._protocol is None or self._protocol.state.name != "OPEN":
            raise LinkLost("unplugged", "not open")
        return self._protocol

    def _take(self, deadline: float) -> bool:
        """Wait for some bytes and take in what they say; False when the deadline passes first."""
        line, protocol = self._socket, self._protocol
        if line is None or protocol is None:
            raise LinkLost("unplugged", "not open")
        try:
            line.settimeout(_left(deadline))
            data = line.recv(_READ_MAX)
        except TimeoutError:
            return False
        except OSError as error:
            self._gone = LinkLost("unplugged", str(error))
            return True
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
        for event in protocol.events_received():
            self._hear(event)
        with contextlib.suppress(LinkLost):  # an answer to its ping or farewell; the next read tells of a broken line
            self._flush(time.monotonic() + 1.0, sent=False)
        if protocol.close_expected() or protocol.state.name in {"CLOSING", "CLOSED"}:
            self._gone = LinkLost("unplugged", "the other end hung up")
        return True

    def _hear(self, event: object) -> None:
        from websockets.frames import Frame, Opcode

        if not isinstance(event, Frame):
            return
        if event.opcode is Opcode.PONG:
            self._pong = bytes(event.data)
        elif event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            self._part += event.data
            if event.fin:
                self._inbox.append(self._part.decode("utf-8", "replace"))
                self._part.clear()

    def _flush(self, deadline: float, *, sent: bool) -> None:
        line, protocol = self._socket, self._protocol
        if line is None or protocol is None:
            raise LinkLost("unplugged", "not open")
        data = b"".join(protocol.data_to_send())
        if not data:
            return
        try:
            line.settimeout(_left(deadline))
            line.sendall(data)
        except OSError as error:
            self._gone = LinkLost("unplugged", str(error))
            raise LinkLost("unplugged", str(error), sent=sent) from error


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


def _notice_dead_peers(line: socket.socket) -> None:
    """Wi-Fi that went away says nothing: have the kernel ask, so that waiting for an answer ends after 20 s."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)
