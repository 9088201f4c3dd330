"""A real HTTP server on loopback that answers as a test tells it, signed or not."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ewarung_pos.sync import packing, protocol, signing
from tests.till_kit import DEVICE_KEY as DEVICE

__all__ = ["CITY", "DEVICE", "Answer", "Reply", "Seen", "served"]

CITY = bytes(range(1, 33))


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    by: signing.SignedBy
    port: int


@dataclass
class Reply:
    """What the server answers; signed by `key` unless that is None."""

    status: int = 200
    body: bytes = b"{}"
    key: bytes | None = CITY
    headers: dict[str, str] = field(default_factory=dict)
    nonce: str = ""
    packed: bool = False
    cut: bool = False


Answer = Callable[[Seen], Reply]


def _key_of(keyid: str) -> bytes:
    return bytes.fromhex(keyid[6:]) if keyid.startswith("enrol/") else signing.public_of(DEVICE)


@contextmanager
def served(answer: Answer) -> Iterator[tuple[str, list[Seen]]]:
    """URL of a server that verifies every request and answers as told, and what it saw."""
    seen: list[Seen] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            url = f"http://{self.headers['host']}{self.path}"
            by = signing.verify_request(self.command, url, self.headers.items(), body, _key_of)
            seen.append(Seen(self.command, url, dict(self.headers.items()), body, by, self.client_address[1]))
            reply = answer(seen[-1])
            if reply.cut:
                self.close_connection = True
                return
            content = packing.pack(reply.body) if reply.packed else reply.body
            headers = {"Content-Type": "application/json", "Connection": "close", **reply.headers}
            if reply.packed:
                headers["Content-Encoding"] = "gzip"
            if reply.key is not None:
                headers[protocol.NONCE_HEADER] = reply.nonce or by.nonce
                signing.sign_response(reply.status, headers, content, reply.key, "city/1", by.created)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = respond  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on standard error."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
