"""The simulated POSe Link EDC on a TCP port of this machine: TLS under a certificate of its own, WebSockets, a tray.

The certificate is made at each start, as an EDC makes one when it is set up, and its fingerprint stands in the URL.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import ipaddress
import itertools
import logging
import socket
import ssl
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from ewarung_pos.devices.simulated.edc_face import HangUp
from ewarung_pos.devices.simulated.edc_wires import loopback_port
from ewarung_pos.devices.simulated.poselink_behaviour import Fragments, Out, PoseLinkEdc
from ewarung_pos.devices.simulated.serving import Serving

__all__ = ["PoseLinkSimulator"]

_log = logging.getLogger(__name__)
_NO_FRAMES = logging.getLogger(f"{__name__}.frames")
_NO_FRAMES.setLevel(logging.ERROR)

_PATIENCE_S = 2.0
_PIECE = 40


class _Till:
    """One connection: bytes to messages and back."""

    def __init__(self, line: ssl.SSLSocket) -> None:
        self.line = line
        self._protocol = ServerProtocol(max_size=65_536, logger=_NO_FRAMES)
        self._part = bytearray()

    def read(self) -> list[str] | None:
        """Messages that have come; None when there will be no more."""
        messages: list[str] = []
        while True:
            try:
                self.line.settimeout(0)
                data = self.line.recv(4096)
            except (ssl.SSLWantReadError, BlockingIOError):
                return messages
            except OSError:
                return None
            if not data:
                return None
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                messages += self._heard(event)
            if not self._flush() or self._protocol.close_expected():
                return None

    def write(self, what: str | Fragments) -> bool:
        """False when it could not be sent."""
        if self._protocol.state.name != "OPEN":
            return False
        if isinstance(what, str):
            self._protocol.send_text(what.encode())
            return self._flush()
        whole = what.text.encode()
        pieces = [whole[at : at + _PIECE] for at in range(0, len(whole), _PIECE)] or [b""]
        for number, piece in enumerate(pieces, start=1):
            if number == 1:
                self._protocol.send_text(piece, fin=number == len(pieces))
            else:
                self._protocol.send_continuation(piece, fin=number == len(pieces))
            if not self._flush():
                return False
        return True

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.line.close()

    def _heard(self, event: object) -> list[str]:
        if isinstance(event, Request):
            self._protocol.send_response(self._protocol.accept(event))
        elif isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            self._part += event.data
            if event.fin:
                message = self._part.decode("utf-8", "replace")
                self._part.clear()
                return [message]
        return []

    def _flush(self) -> bool:
        data = b"".join(self._protocol.data_to_send())
        try:
            self.line.settimeout(_PATIENCE_S)
            self.line.sendall(data)
        except OSError:
            return False
        return True


class PoseLinkSimulator(Serving):
    """A simulated POSe Link EDC for any number of tills, with one tray (on the next port).

    Attributes:
        url: `wss://HOST:PORT#FINGERPRINT`.
        fingerprint: SHA-256 of the certificate.
    """

    edc: PoseLinkEdc

    def __init__(self, edc: PoseLinkEdc, listen: str) -> None:
        """Raises `ConfigError` when `listen` is not `wss://` on this machine, or cannot be had."""
        host, self._listener = loopback_port(listen, "wss://")
        port = self._listener.getsockname()[1]
        try:
            self._context, self.fingerprint = _identity(host)
            super().__init__(edc, (host, port + 1))
        except BaseException:
            self._listener.close()
            raise
        self.url = f"wss://{f'[{host}]' if ':' in host else host}:{port}#{self.fingerprint}"
        self._numbers = itertools.count(1)
        self._tills: dict[int, _Till] = {}
        self._watch(self._listener, "listener")

    def _ready(self, what: Any) -> None:  # noqa: ANN401 - see `Serving`
        if what == "listener":
            self._accept()
            return
        messages = self._tills[what].read()
        for message in messages or ():
            self.edc.hear(what, message, time.monotonic())
        if messages is None:
            self._hang_up(what)

    def _deliver(self, now: float) -> None:
        for line, what in self.edc.due(now):
            till = self._tills.get(line)
            if till is not None and not self._sent(till, what):
                self._hang_up(line)

    def _sent(self, till: _Till, what: Out) -> bool:
        return False if isinstance(what, HangUp) else till.write(what)

    def _accept(self) -> None:
        bare = self._listener.accept()[0]
        try:
            bare.settimeout(_PATIENCE_S)
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = self._context.wrap_socket(bare, server_side=True)
        except OSError as error:  # it did not like our certificate, or speaks no TLS
            _log.info("a till left at the door: %s", error)
            bare.close()
            return
        number = next(self._numbers)
        self._tills[number] = _Till(line)
        self._watch(line, number)

    def _hang_up(self, number: int) -> None:
        till = self._tills.pop(number)
        self._unwatch(till.line)
        till.hang_up()
        self.edc.line_lost(number)

    def _close_line(self) -> None:
        for till in self._tills.values():
            till.hang_up()
        self._tills.clear()
        self._listener.close()


def _identity(host: str) -> tuple[ssl.SSLContext, str]:
    """A server's TLS under a fresh certificate that it signs itself, and its fingerprint."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "EDC simulasi")])
    today = dt.datetime.now(tz=dt.UTC)
    known: x509.GeneralName = x509.DNSName(host)
    with contextlib.suppress(ValueError):
        known = x509.IPAddress(ipaddress.ip_address(host))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([known]), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # the library takes a key from a file only; nobody else may read it
        file = Path(folder) / "edc.pem"
        file.touch(mode=0o600)
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(file)
    return context, hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
