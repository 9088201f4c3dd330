"""Where the city is: an address that the till may speak to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ewarung_pos.errors import ConfigError

__all__ = ["checked_url"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def checked_url(url: str, ca: str = "") -> str:
    """The city's base URL without a slash at its end.

    Raises:
        ConfigError: neither https nor plain http to this machine, or the CA file is not there.
    """
    base = url.rstrip("/")
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"city.url: {url!r}, expected https://HOST[:PORT]", reason="invalid") from error
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not (host and secure and base.isascii()) or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError(
            f"city.url: {url!r}, expected https://HOST[:PORT] (http only to this machine)", reason="invalid"
        )
    if ca and not Path(ca).is_file():
        raise ConfigError(f"city.ca: {ca!r}, expected a certificate file", reason="invalid")
    return base
