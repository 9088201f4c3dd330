"""The hands of the person in front of the simulated EDC, over a second channel: one JSON object a line, both ways.

Beside a pty at LINK the channel is the Unix socket LINK.tray; beside TCP port P it is port P+1 of the same host.
`docs/sandbox-edc.md` lists what may be asked.
"""

from __future__ import annotations

import socket
import stat
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ewarung_pos.devices.simulated.edc_face import EdcFace
from ewarung_pos.devices.transport import port_url
from ewarung_pos.errors import ConfigError, DeviceProtocolError, DeviceUnavailable

__all__ = ["HELLO", "TrayClient", "answer", "connect", "tray_address"]

HELLO = "ewarung-edc-tray/1"
_TIMEOUT_S = 2.0

Address = str | tuple[str, int]


def answer(edc: EdcFace[Any], line: bytes, now: float) -> bytes:
    """The simulator's side: do what one line asks and say what came of it."""
    try:
        asked = msgspec.json.decode(line, type=dict[str, Any])
        result = _do(edc, asked, now)
        return msgspec.json.encode({"ok": result}) + b"\n"
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        return msgspec.json.encode({"error": f"not understood: {type(error).__name__}"}) + b"\n"


def _do(edc: EdcFace[Any], asked: dict[str, Any], now: float) -> Any:  # noqa: ANN401 - whatever JSON can say
    result: Any = True
    match asked["do"]:
        case "hello":
            edc.autopilot = False
            result = HELLO
        case "cards":
            result = edc.cards()
        case "insert":
            edc.insert(str(asked["row"]), now)
        case "next_sale":
            edc.next_sale(str(asked["what"]))
        case "face":
            result = edc.face()
        case "press":
            edc.press(str(asked["key"]), now)
        case "slip":
            result = edc.slip(int(asked["amount"]))
        case "void":
            result = edc.void(str(asked["invoice"]))
        case "totals":
            result = edc.totals()
        case unknown:
            raise KeyError(unknown)
    return result


def tray_address(url: str) -> Address | None:
    """Where the tray of the EDC at this port would be; None when there cannot be one."""
    try:
        url = port_url(url)
    except ConfigError:
        return None
    if url.startswith(("socket://", "wss://")):
        place = url.partition("://")[2].partition("?")[0].partition("#")[0]
        host, _, port = place.rstrip("/").rpartition(":")
        return (host.strip("[]"), int(port) + 1) if host and port.isdigit() and int(port) < 65535 else None
    if "://" in url:
        return None
    for path in (Path(url), Path(url + ".tray")):
        try:
            if stat.S_ISSOCK(path.stat().st_mode):
                return str(path)
        except OSError:
            continue
    return None


def connect(url: str) -> TrayClient | None:
    """The tray beside an EDC port (`/path/of/pty`, its `.tray`, `socket://…` or `tcp://…`); None if none answers."""
    address = tray_address(url)
    if address is None:
        return None
    client = TrayClient(address)
    try:
        client.totals()
    except (DeviceUnavailable, DeviceProtocolError):
        client.close()
        return None
    return client


class TrayClient:
    """`PracticeTray` of a running simulator. Keeps one connection and makes a new one when it broke.

    Every call raises `DeviceUnavailable` (reason `tray`) when the simulator does not answer within 2 s, and
    `DeviceProtocolError` when it does not understand.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def cards(self) -> tuple[tuple[str, str], ...]:
        return tuple((str(row), str(label)) for row, label in self._ask({"do": "cards"}))

    def insert(self, row: str) -> None:
        self._ask({"do": "insert", "row": row})

    def next_sale(self, what: str) -> None:
        self._ask({"do": "next_sale", "what": what})

    def face(self) -> Mapping[str, Any]:
        face: dict[str, Any] = self._ask({"do": "face"})
        return face

    def press(self, key: str) -> None:
        self._ask({"do": "press", "key": key})

    def slip(self, attempt_amount: int) -> Mapping[str, Any] | None:
        slip: dict[str, Any] | None = self._ask({"do": "slip", "amount": attempt_amount})
        return slip

    def void(self, invoice: str) -> str:
        return str(self._ask({"do": "void", "invoice": invoice}))

    def totals(self) -> Mapping[str, int]:
        totals: dict[str, int] = self._ask({"do": "totals"})
        return totals

    def close(self) -> None:
        """Leave the tray; the simulator goes on. Never raises."""
        with self._lock:
            self._drop()

    def _ask(self, question: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever JSON can say
        with self._lock:
            fresh = self._socket is None
            try:
                reply = self._exchange(question)
            except OSError as error:
                self._drop()
                if fresh:
                    raise DeviceUnavailable(str(error), reason="tray") from error
                try:  # the simulator may have been restarted
                    reply = self._exchange(question)
                except OSError as again:
                    self._drop()
                    raise DeviceUnavailable(str(again), reason="tray") from again
            if "error" in reply:
                raise DeviceProtocolError(str(reply["error"]), reason="tray")
            return reply.get("ok")

    def _exchange(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._socket is None:
            self._socket = self._connected()
            if self._round({"do": "hello"}).get("ok") != HELLO:
                raise ConnectionError("something else answers there")
        return self._round(question)

    def _round(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._socket is None:
            raise ConnectionError("not connected")
        self._socket.sendall(msgspec.json.encode(question) + b"\n")
        reply = bytearray()
        while not reply.endswith(b"\n"):
            piece = self._socket.recv(65536)
            if not piece or len(reply) > 1 << 24:
                raise ConnectionError("the tray hung up")
            reply += piece
        try:
            return msgspec.json.decode(reply, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise ConnectionError("something else answers there") from error

    def _connected(self) -> socket.socket:
        if isinstance(self._address, tuple):
            return socket.create_connection(self._address, timeout=_TIMEOUT_S)
        if sys.platform == "win32":
            raise ConnectionError("no Unix sockets here")
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(_TIMEOUT_S)
            made.connect(self._address)
        except OSError:
            made.close()
            raise
        return made

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
