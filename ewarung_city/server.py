"""Run the city's application on a socket, and stop it when asked."""

from __future__ import annotations

import gc
import ipaddress
import logging
import socket
import sys
import threading
from collections.abc import Callable

from ewarung_city import logs
from ewarung_city.exchange import App
from ewarung_pos.errors import ConfigError

__all__ = ["bind", "run", "url_of"]


def bind(listen: str, *, tls: bool) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        ConfigError: not HOST:PORT, not free, or an address that others reach without TLS.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"listen {listen!r}: expected HOST:PORT", reason="invalid")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not tls:
        raise ConfigError(
            f"listen {listen!r}: names travel here, so beyond this machine only with TLS", reason="no_tls"
        )
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        server = socket.socket(family, kind, proto)
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
            server.listen(128)
        except OSError:
            server.close()
            raise
    except OSError as error:
        raise ConfigError(f"listen {listen!r}: {error.strerror}", reason="listen") from error
    return server


def url_of(server: socket.socket, *, tls: bool) -> str:
    """Where it listens."""
    host, port = server.getsockname()[:2]
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def run(
    app: App,
    server: socket.socket,
    *,
    tls: tuple[str, str] | None = None,
    with_stdin: bool = False,
    ready: Callable[[], None] = lambda: None,
    log_level: int = logging.WARNING,
) -> None:
    """Serve until SIGTERM or SIGINT, or (`with_stdin`) until standard input ends: the parent died or let go."""
    import uvicorn

    from ewarung_city.connections import HTTP, allow_many

    logs.start(log_level)
    config = uvicorn.Config(
        app,
        http=HTTP,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    uvicorn_server = uvicorn.Server(config)

    def watch() -> None:
        while sys.stdin.buffer.read(1024):
            pass
        uvicorn_server.should_exit = True

    if with_stdin:
        threading.Thread(target=watch, name="stdin", daemon=True).start()
    allow_many()
    _collect_seldom()
    ready()
    uvicorn_server.run(sockets=[server])


def _collect_seldom() -> None:
    """Let the collector leave alone what a program is made of, and look seldom at the rest.

    A batch is thousands of small things, none of which stands in a circle: each look at them finds nothing, and looks
    took a tenth of a city's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
