"""Pass a kiosk's sealed file on to its city over HTTPS, and take the sealed reply: by whoever has no key to either."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ewarung_pos.errors import BundleRefused, ConfigError, ServerBusy, ServerUnreachable
from ewarung_pos.sync.bundle import FILE_BYTES, Header, Way, look, vouched
from ewarung_pos.sync.client import check_url
from ewarung_pos.sync.protocol import Problem, decode

if TYPE_CHECKING:
    from requests import Response

__all__ = ["forward"]

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 120.0
_ANSWER_SECONDS = 600.0
_CHUNK = 64 * 1024
_REFUSALS = {400, 413, 422}


def forward(data: bytes, url: str, ca: str = "") -> tuple[Header, bytes]:
    """Put a kiosk's file into the city's slot; returns the reply with its header.

    The reply is signed by the city that the file is for, and answers this file: that much can be seen from outside. The
    kiosk alone can read it. The same file again gets the same reply.

    Args:
        data: the whole file.
        url: of the city, `https://...`; plain `http://` only on this machine.
        ca: PEM file that replaces the system's authorities; empty for those.

    Raises:
        BundleRefused: not a kiosk's file, or the city did not take it: nothing was changed.
        ServerBusy: come back later. ServerUnreachable: no answer, or not the city's. The file is where it was.
        ConfigError: a URL or file that cannot be used.
    """
    asked = look(data)
    if asked.way is not Way.TO_CITY:
        raise BundleRefused("a city's reply, not a kiosk's file", reason="wrong_way")
    if ca and not Path(ca).is_file():
        raise ConfigError(f"{ca!r}: expected a PEM file", reason="invalid")
    reply = _posted(data, check_url(url) + "/bundle", ca)
    try:
        said = vouched(reply, bytes.fromhex(asked.city))
    except BundleRefused as error:
        raise ServerUnreachable(f"what answered is not the city: {error.reason}", reason="not_the_city") from error
    if (said.way, said.device, said.epoch, said.answers) != (Way.TO_KIOSK, asked.device, asked.epoch, asked.id):
        raise ServerUnreachable("a reply to another file", reason="not_the_city")
    return said, reply


def _posted(data: bytes, url: str, ca: str) -> bytes:
    import requests
    from requests.exceptions import BaseHTTPError  # type: ignore[attr-defined]  # what reading the raw body raises

    with requests.Session() as session:
        session.trust_env = False  # where this goes is the caller's word alone
        session.verify = ca or True
        headers = {"Content-Type": "application/octet-stream", "Accept-Encoding": "identity"}
        try:
            with session.post(
                url,
                data=data,
                headers=headers,
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _content(response)
                status, retry = response.status_code, response.headers.get("Retry-After", "")
        except requests.exceptions.SSLError as error:
            raise ServerUnreachable(_why(error), reason="tls") from error
        except requests.exceptions.Timeout as error:
            raise ServerUnreachable(_why(error), reason="timeout") from error
        except (requests.exceptions.RequestException, BaseHTTPError, OSError) as error:
            raise ServerUnreachable(_why(error), reason="no_line") from error
    if status == 200:
        return body
    if status in {429, 503} or status >= 500:
        raise ServerBusy(f"status {status}, come back{f' in {retry} s' if retry.isdigit() else ''}")
    if status in _REFUSALS:
        raise BundleRefused("the city did not take it", reason=_reason(body))
    raise ServerUnreachable(f"status {status}", reason="not_the_city")


def _content(response: Response) -> bytes:
    deadline = time.monotonic() + _ANSWER_SECONDS
    body = bytearray()
    while piece := response.raw.read(_CHUNK, decode_content=False):
        body += piece
        if len(body) > FILE_BYTES:
            raise ServerUnreachable("the answer is too large", reason="too_large")
        if time.monotonic() > deadline:
            raise ServerUnreachable("the answer takes too long", reason="timeout")
    return bytes(body)


def _reason(body: bytes) -> str:
    try:
        return decode(body, Problem).reason
    except msgspec.MsgspecError as error:
        raise ServerUnreachable("what answered is not the city", reason="not_the_city") from error


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:160]}"
