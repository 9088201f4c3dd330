"""A slot for files that are carried: whoever brings a kiosk's file puts it in, and takes the reply along.

Nobody is asked who they are. The file is sealed to the city and signed by its kiosk, and so is the reply the other way
round: whoever brings them reads and changes nothing. What is believed is the file's own signature alone; what is
bounded is how much, how often and how many at a time. Pure ASGI, so that a body is counted while it arrives.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from html import escape

from ewarung_city.exchange import App, Receive, Scope, Send
from ewarung_city.limits import network_of
from ewarung_city.logs import event, whereabouts
from ewarung_pos.errors import BundleRefused, ServerBusy
from ewarung_pos.sync.bundle import FILE_BYTES
from ewarung_pos.sync.protocol import PROBLEM_TYPE, Problem, encode

__all__ = ["PATH", "Postbox"]

PATH = "/bundle"

_FORM_BYTES = 4096
"""What a browser puts around a file."""

_BODY_SECONDS = 600.0
"""The largest file at half a megabit per second."""

_AT_ONCE = 4
"""So many files are in memory at a time, and one of each address."""

_BURST = 20
_EVERY_SECONDS = 30.0
"""An address may bring so many files one after the other, then one each half minute."""

_ADDRESSES = 10_000

_BOUNDARY = re.compile(r'multipart/form-data;.*?\bboundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?', re.IGNORECASE)

_WORDS = {
    "not_a_bundle": "Ini bukan berkas kios (.bundle).",
    "newer": "Berkas ini dari versi yang lebih baru; kota perlu memperbarui programnya.",
    "too_large": "Berkas terlalu besar.",
    "damaged": "Berkas rusak atau terpotong. Salin lagi dari USB, atau minta kios menyimpannya lagi.",
    "wrong_way": "Ini balasan untuk kios, bukan berkas dari kios.",
    "other_city": "Berkas ini untuk kota lain.",
    "unknown_kiosk": "Kios ini tidak terdaftar di kota ini.",
    "busy": "Kota sedang sibuk. Tunggu sebentar, lalu kirim lagi.",
    "too_many": "Terlalu banyak berkas dari sini. Tunggu beberapa menit, lalu kirim lagi.",
    "timeout": "Berkas tidak sampai seluruhnya. Kirim lagi.",
    "failure": "Kota gagal. Berkas di USB tetap utuh; kirim lagi nanti.",
}
_OTHER = "Permintaan tidak dimengerti."

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class _No(Exception):
    """Not taken: the problem, and after how many seconds it may be tried again."""

    def __init__(self, status: int, title: str, reason: str, retry_s: int = 0) -> None:
        super().__init__(reason)
        self.problem = Problem(status, title, reason)
        self.retry_s = retry_s


class Postbox:
    """ASGI middleware: answers `PATH`, and hands everything else on.

    Args:
        app: what answers everything else.
        take: a kiosk's whole file; returns (name, content) of the reply. May raise BundleRefused and ServerBusy.
        now_s: seconds of a clock that never goes back.
    """

    def __init__(
        self, app: App, take: Callable[[bytes], tuple[str, bytes]], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._take = take
        self._turns = _Turns(now_s)
        self._at_work: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if scope["method"] in {"GET", "HEAD"}:
                await _say(send, 200, "text/html; charset=utf-8", _page())
            elif scope["method"] == "POST":
                name, reply = await self._posted(network_of(str((scope.get("client") or ("",))[0])), headers, receive)
                named = (b"content-disposition", f'attachment; filename="{name}"'.encode())
                await _say(send, 200, "application/octet-stream", reply, named)
            else:
                raise _No(405, "Put a file in, or look", "method")
        except _No as refused:
            await _refuse(send, headers, refused)

    async def _posted(self, address: str, headers: dict[str, str], receive: Receive) -> tuple[str, bytes]:
        if address in self._at_work or len(self._at_work) >= _AT_ONCE:
            raise _No(503, "The city is busy", "busy", 10)
        if not self._turns.take(address):
            raise _No(429, "Too many files", "too_many", int(_EVERY_SECONDS))
        self._at_work.add(address)
        try:
            body = await asyncio.wait_for(_body(headers, receive), _BODY_SECONDS)
            data = _file(headers.get("content-type", ""), body)
            return await asyncio.to_thread(self._take, data)
        except TimeoutError as error:
            raise _No(408, "The file did not arrive", "timeout") from error
        except BundleRefused as error:
            raise _No(422, "Not taken, and nothing was changed", error.reason) from error
        except ServerBusy as error:
            raise _No(503, "The city is busy", "busy", 30) from error
        except _No:
            raise
        except Exception as error:  # whatever it is, the file is where it was, and may be sent again
            event("fault", logging.ERROR, handler="postbox", fault=whereabouts(error))
            raise _No(500, "The city failed", "failure", 30) from error
        finally:
            self._at_work.discard(address)


class _Turns:
    """How many more files each address may bring now."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._free_at: dict[str, float] = {}

    def take(self, address: str) -> bool:
        """Take one turn, if there is one."""
        now = self._now_s()
        if len(self._free_at) >= _ADDRESSES:
            self._free_at = {whose: at for whose, at in self._free_at.items() if at > now}
        at = max(now, self._free_at.get(address, now))
        if at - now > (_BURST - 1) * _EVERY_SECONDS or (address not in self._free_at and self._full()):
            return False
        self._free_at[address] = at + _EVERY_SECONDS
        return True

    def _full(self) -> bool:
        return len(self._free_at) >= _ADDRESSES


async def _body(headers: dict[str, str], receive: Receive) -> bytes:
    length = headers.get("content-length", "0")
    most = FILE_BYTES + _FORM_BYTES
    if re.fullmatch(r"[0-9]{1,9}", length) is None or int(length) > most:
        raise _No(413, "Too large", "too_large")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _No(400, "Cut off", "timeout")
        body += message.get("body", b"")
        if len(body) > most:
            raise _No(413, "Too large", "too_large")
        if not message.get("more_body", False):
            return bytes(body)


def _file(kind: str, body: bytes) -> bytes:
    """The file: the body itself, or the one file of a browser's form."""
    found = _BOUNDARY.match(kind)
    if found is None:
        return body
    fence = b"--" + found[1].encode("ascii")
    head, _, rest = body.partition(b"\r\n\r\n")
    content, end, _ = rest.rpartition(b"\r\n" + fence + b"--")
    if not head.startswith(fence + b"\r\n") or not end or b"\r\n" + fence + b"\r\n" in content:
        raise _No(400, "Not one file", "malformed")
    return content


async def _refuse(send: Send, headers: dict[str, str], refused: _No) -> None:
    problem = refused.problem
    more = ((b"retry-after", str(refused.retry_s).encode()),) if refused.retry_s else ()
    if "text/html" in headers.get("accept", ""):
        page = _page(_WORDS.get(problem.reason, _OTHER))
        await _say(send, problem.status, "text/html; charset=utf-8", page, *more)
    else:
        await _say(send, problem.status, PROBLEM_TYPE, encode(problem), *more)


async def _say(send: Send, status: int, kind: str, body: bytes, *more: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", kind.encode()), length, *_HEADERS, *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _page(said: str = "") -> bytes:
    """For a browser: no script, nothing from elsewhere."""
    told = f"<p><strong>{escape(said)}</strong></p>" if said else ""
    return f"""<!doctype html>
<html lang="id"><meta charset="utf-8"><title>Berkas kios</title>
<h1>Berkas kios</h1>{told}
<p>Pilih berkas dari USB kios (<code>ewarung-....bundle</code>), lalu Kirim. Balasannya terunduh: simpan di USB
yang sama dan bawa kembali ke kios. Isinya tersegel; komputer ini tidak bisa membacanya.</p>
<form method="post" enctype="multipart/form-data"><input type="file" name="file" accept=".bundle" required>
<button>Kirim</button></form></html>
""".encode()
