"""The lines of the simulated devices: a pseudo-terminal, or one TCP connection, and the socket of an EDC's tray."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
from pathlib import Path

from ewarung_pos.devices.simulated.tray import Address
from ewarung_pos.errors import ConfigError

__all__ = ["PtyWire", "TcpWire", "listen_tray", "loopback_port", "refuse_second"]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PORT = re.compile(r"[0-9]{1,5}")
_TRIES = 20
"""How often the system is asked for another port because the one after it is taken; then it is the tray that fails."""
LAST_PORT = 65_534


class PtyWire:
    """A pseudo-terminal behind a symlink that stays the same when the line is torn and mended.

    `option` is what the command calls it, for its errors.
    """

    def __init__(self, link: Path, option: str = "--pty") -> None:
        self._option = option
        if sys.platform == "win32":
            raise self._refused(f"di sini tidak ada terminal semu{', pakai --listen' if option == '--pty' else ''}")
        self.url = str(link)
        self._link = link
        self.tray: Address = f"{link}.tray"
        if link.exists() and not link.is_symlink():
            raise self._refused(f"{str(link)!r} sudah ada, dan bukan tautan simulator")
        self._master = self._slave = -1
        self._open()

    def fileno(self) -> int | None:
        return self._master

    def read(self) -> bytes | None:
        try:
            return os.read(self._master, 4096)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        # Nobody reads: like a real line, what does not fit is lost.
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)

    def hang_up(self) -> None:
        old = self._master, self._slave
        self._open()  # first, so that the link never leads nowhere
        for handle in old:
            os.close(handle)

    def pull_out(self) -> None:
        """The cable leaves its socket: line and link are gone."""
        if self._master < 0:
            return
        if self._link.is_symlink() and str(self._link.readlink()) == self._name:
            self._link.unlink()
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def plug_in(self) -> None:
        """The cable is back, and the link leads to another line."""
        if self._master < 0:
            self._open()

    def close(self) -> None:
        self.pull_out()

    def _open(self) -> None:
        import tty

        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._name = os.ttyname(self._slave)
        # Our own end of the slave stays open, so that the till may come and go.
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._name)
            fresh.replace(self._link)
        except OSError as error:
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1
            raise self._refused(f"{str(self._link)!r}, {error.strerror}") from error

    def _refused(self, why: str) -> ConfigError:
        return ConfigError(f"{self._option}: {why}", reason="pty")


class TcpWire:
    """One till at a time on a port of this machine; the next is taken when it has hung up."""

    def __init__(self, address: str) -> None:
        host, self.listener = loopback_port(address, "tcp://", backlog=1)
        at = self.listener.getsockname()[1]
        self.url = f"socket://{f'[{host}]' if ':' in host else host}:{at}"
        self.tray: Address = (host, at + 1)
        self.client: socket.socket | None = None

    def fileno(self) -> int | None:
        return self.client.fileno() if self.client is not None else None

    def accept(self) -> None:
        self.client = self.listener.accept()[0]
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.settimeout(1)

    def read(self) -> bytes | None:
        if self.client is None:
            return None
        try:
            return self.client.recv(4096) or None
        except OSError:
            return None

    def write(self, data: bytes) -> None:
        if self.client is not None:
            with contextlib.suppress(OSError):
                self.client.sendall(data)

    def hang_up(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None

    def close(self) -> None:
        self.hang_up()
        self.listener.close()


def loopback_port(address: str, scheme: str, backlog: int = 8) -> tuple[str, socket.socket]:
    """Host and listening socket of `SCHEME://HOST:PORT` on this machine; port 0 takes any with a free one after it.

    Raises:
        ConfigError: another scheme or machine, or the port cannot be had.
    """
    host, _, port = address.removeprefix(scheme).rpartition(":")
    host = host.strip("[]")
    # The tray listens one port further on.
    if host not in _LOOPBACK or not _PORT.fullmatch(port) or int(port) > LAST_PORT:
        raise ConfigError(
            f"--listen: {address!r}, seharusnya {scheme}127.0.0.1:PORT, PORT 0 sampai {LAST_PORT}", reason="listen"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, int(port)), family=family, backlog=backlog)
        for _ in range(_TRIES):
            if int(port) or _free_after(made, host, family):
                break
            made.close()
            made = socket.create_server((host, 0), family=family, backlog=backlog)
    except OSError as error:
        raise ConfigError(f"--listen: {address!r}, {error.strerror}", reason="listen") from error
    return host, made


def _free_after(listener: socket.socket, host: str, family: int) -> bool:
    """Whether the tray can have the port after the one that the system chose."""
    try:
        socket.create_server((host, listener.getsockname()[1] + 1), family=family).close()
    except OSError:
        return False
    return True


def listen_tray(address: Address) -> socket.socket:
    """The listening socket of a tray.

    Raises:
        ConfigError: the address cannot be had.
    """
    try:
        if isinstance(address, tuple):
            return socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if sys.platform == "win32":
            raise ConfigError("--pty: di sini tidak ada soket Unix, pakai --listen", reason="pty")
        Path(address).unlink(missing_ok=True)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.bind(address)
            Path(address).chmod(0o600)
            made.listen()
        except OSError:
            made.close()
            raise
        return made
    except OSError as error:
        raise ConfigError(f"nampan simulator di {address}: {error.strerror}", reason="listen") from error


def refuse_second(tray: Path) -> None:
    """A simulator that still answers at this link keeps it.

    Raises:
        ConfigError: one does.
    """
    if sys.platform == "win32" or not tray.exists():
        return
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(tray))
        except OSError:
            return
    raise ConfigError(f"--pty: simulator lain masih berjalan di {str(tray)!r}", reason="pty")
