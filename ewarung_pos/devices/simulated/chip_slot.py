"""The wire on which a card program lies in vpcd's virtual reader: a connection is a card in the slot.

Each message is its length in two bytes, big-endian, and as many bytes. One byte alone is a word to the slot (off, on,
reset, and the question for the ATR, the only one with an answer); anything longer is a command to the card.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ewarung_pos.devices.simulated.chip_card import ChipCard
from ewarung_pos.errors import ConfigError

__all__ = ["Address", "VirtualSlot", "in_reader", "slot_address"]

Address = Path | tuple[str, int]
"""Of a slot: a Unix socket, or host and port."""
Answer = Callable[[bytes], bytes | None]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PORT = re.compile(r"[0-9]{1,5}")
_ASKS_ATR = b"\x04"
_PATIENCE_S = 10.0
_AGAIN_S = 0.02


def slot_address(words: str) -> Address:
    """`HOST:PORT` on this machine, or the path of a Unix socket.

    Raises:
        ConfigError: neither.
    """
    host, _, port = words.rpartition(":")
    host = host.strip("[]")
    if host in _LOOPBACK and _PORT.fullmatch(port) and 0 < int(port) < 65_536:
        return host, int(port)
    if "/" in words and sys.platform != "win32":
        return Path(words)
    raise ConfigError(f"--chip: {words!r}, seharusnya 127.0.0.1:PORT atau jalur sebuah soket Unix", reason="chip")


class VirtualSlot:
    """One slot of a virtual reader: a card is put in and taken out, and a thread answers for it meanwhile."""

    def __init__(self, address: Address, patience_s: float = _PATIENCE_S) -> None:
        """`patience_s`: how long to try to reach the slot."""
        self._address = address
        self._patience_s = patience_s
        self._wire: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._out = threading.Event()

    @property
    def holds_a_card(self) -> bool:
        """Whether one lies there; it may have left by itself."""
        return self._thread is not None and self._thread.is_alive()

    def reach(self, seconds: float) -> None:
        """Wait until a reader is there: it takes the connection and asks for a card's ATR.

        A port that opens may be anybody's, or belong to a reader that has another card. The question stays without an
        answer, and so no card was in.

        Raises:
            OSError: nobody asked in so many seconds.
        """
        until = time.monotonic() + seconds
        while True:
            try:
                with _reached(self._address) as wire:
                    wire.settimeout(max(_AGAIN_S, until - time.monotonic()))
                    if wire.recv(1):
                        return
                    raise ConnectionError("it hung up")
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)

    def insert(self, atr: bytes, answer: Answer) -> None:
        """Put a card in; `answer` says what it answers to a command, None when it is pulled out instead.

        Raises:
            OSError: no reader is there.
        """
        self.remove()
        self._out.clear()
        self._wire = self._connected()
        self._thread = threading.Thread(target=_serve, args=(self._wire, atr, answer), name="card")
        self._thread.start()

    def remove(self) -> None:
        """Take the card out, if one is in. Never raises."""
        self._out.set()
        if self._wire is not None and self._thread is not None:
            with contextlib.suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._wire.close()
        self._wire = self._thread = None

    def pause(self, seconds: float) -> None:
        """Let so much time go by, or less when the card is taken out meanwhile."""
        self._out.wait(seconds)

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                return _reached(self._address)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)


@contextlib.contextmanager
def in_reader(slot: Address, card: ChipCard, answer: Answer | None = None) -> Iterator[ChipCard]:
    """The card lies in the reader while the block runs (unless it leaves by itself)."""
    held = VirtualSlot(slot)
    held.insert(card.atr, answer or card.answer)
    try:
        yield card
    finally:
        held.remove()


def _reached(address: Address) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=None)
    if sys.platform == "win32":
        raise ConnectionError("no Unix sockets here")
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        wire.connect(str(address))
    except OSError:
        wire.close()
        raise
    return wire


def _serve(wire: socket.socket, atr: bytes, answer: Answer) -> None:
    with contextlib.suppress(OSError):
        while (head := _read(wire, 2)) is not None:
            payload = _read(wire, struct.unpack(">H", head)[0])
            if payload is None:
                return
            if len(payload) == 1:
                if payload == _ASKS_ATR:
                    wire.sendall(struct.pack(">H", len(atr)) + atr)
                continue
            said = answer(payload)
            if said is None:
                wire.shutdown(socket.SHUT_RDWR)
                return
            wire.sendall(struct.pack(">H", len(said)) + said)


def _read(wire: socket.socket, size: int) -> bytes | None:
    got = b""
    while len(got) < size:
        more = wire.recv(size - len(got))
        if not more:
            return None
        got += more
    return got
