"""An EMV card as a program, and the wire on which a card lies in vpcd's virtual reader.

Written from ISO 7816-4 and EMV, not from the driver: its TLV encoder and its command interpreter are its own. Between
the two stand programs that are not ours: pcscd, its vpcd driver, and pyscard.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["GPN", "VISA", "Application", "Card", "application", "in_reader", "packed", "tlv"]

GPN = bytes.fromhex("A0000006021010")
VISA = bytes.fromhex("A0000000031010")
ATR_T0 = bytes.fromhex("3B6800000073C84013009000")
ATR_T1 = bytes.fromhex("3B80800101")  # what a contactless reader makes up for a card without history bytes


def tlv(tag: str, value: bytes) -> bytes:
    size = len(value)
    length = (
        bytes([size]) if size < 0x80 else bytes([0x81, size]) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    )
    return bytes.fromhex(tag) + length + value


def packed(digits: str) -> bytes:
    """Digits (and a D) two to a byte, an odd one out beside an F."""
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


@dataclass
class Application:
    """One application: how it answers when selected, what it wants to know, and what is in its files."""

    files: dict[int, list[bytes]]
    locator: bytes
    pdol: bytes = b""
    selected: int = 0x9000
    options: int = 0x9000
    format1: bool = False
    extra: bytes = b""


def application(
    number: str, expiry: str = "2812", *, track: bool = True, plain: bool = True, **options: object
) -> Application:
    """The usual one: track in file 1, number and expiry in file 2, then certificates that nobody should need."""
    first = tlv("57", packed(f"{number}D{expiry}201{'0' * 9}")) if track else tlv("5F20", b"TANPA NAMA")
    second = tlv("5F24", bytes.fromhex(expiry + "31")) + (tlv("5A", packed(number)) if plain else b"")
    files = {1: [tlv("70", first)], 2: [tlv("70", second), tlv("70", tlv("90", bytes(176)))]}
    return Application(files, bytes.fromhex("0801010010010200"), **options)  # type: ignore[arg-type]


@dataclass
class Card:
    """A card: applications by AID, with or without a directory.

    Attributes:
        directory: AIDs that the contact directory names; None without one.
        proximity: AIDs that the contactless directory names; None without one.
        frugal: answers with 61xx and 6Cxx, as T=0 cards do.
        leaves_at: pulled out in place of answering that command (counted from 1).
        delay: seconds before each answer.
    """

    applications: dict[bytes, Application]
    directory: tuple[bytes, ...] | None = None
    proximity: tuple[bytes, ...] | None = None
    frugal: bool = False
    leaves_at: int = 0
    delay: float = 0.0
    atr: bytes = ATR_T0
    status: int = 0x6A82
    commands: list[bytes] = field(default_factory=list)
    _chosen: Application | None = None
    _in_directory: bool = False
    _rest: bytes = b""

    def sent(self, instruction: int) -> int:
        """How many commands of that instruction came."""
        return sum(command[1] == instruction for command in self.commands)

    def answer(self, command: bytes) -> bytes | None:
        self.commands.append(command)
        if len(self.commands) == self.leaves_at:
            return None
        time.sleep(self.delay)
        if self.frugal and command[1] == 0xC0:
            rest, self._rest = self._rest, b""
            return rest + b"\x90\x00"
        data, status = self._run(command)
        if self.frugal and data and status == 0x9000:
            if command[1] == 0xB2:
                return data + b"\x90\x00" if command[4] == len(data) else bytes([0x6C, len(data) & 0xFF])
            self._rest = data
            return bytes([0x61, len(data) & 0xFF])
        return data + status.to_bytes(2, "big")

    def _run(self, command: bytes) -> tuple[bytes, int]:
        kind, instruction, p1, p2 = command[:4]
        if (kind, instruction) == (0x00, 0xA4):
            return self._select(command[5 : 5 + command[4]])
        if (kind, instruction) == (0x80, 0xA8) and self._chosen is not None:
            return self._open(self._chosen, command[5 : 5 + command[4]])
        if (kind, instruction) == (0x00, 0xB2):
            if self._in_directory:
                names = self.directory or ()
                if p2 == 0x0C and 1 <= p1 <= len(names):
                    return tlv("70", tlv("61", tlv("4F", names[p1 - 1]) + tlv("50", b"DEBIT"))), 0x9000
                return b"", 0x6A83
            records = self._chosen.files.get(p2 >> 3, []) if self._chosen is not None else []
            return (records[p1 - 1], 0x9000) if 1 <= p1 <= len(records) else (b"", 0x6A83)
        return b"", 0x6D00

    def _select(self, name: bytes) -> tuple[bytes, int]:
        self._chosen, self._in_directory = None, False
        if name == b"1PAY.SYS.DDF01" and self.directory is not None:
            self._in_directory = True
            return tlv("6F", tlv("84", name) + tlv("A5", tlv("88", b"\x01"))), 0x9000
        if name == b"2PAY.SYS.DDF01" and self.proximity is not None:
            entries = b"".join(tlv("61", tlv("4F", aid) + tlv("87", b"\x01")) for aid in self.proximity)
            return tlv("6F", tlv("84", name) + tlv("A5", tlv("BF0C", entries))), 0x9000
        chosen = next((aid for aid in self.applications if aid.startswith(name)), None)
        if chosen is None:
            return b"", self.status
        found = self.applications[chosen]
        if found.selected != 0x9000:
            return b"", found.selected
        self._chosen = found
        asks = tlv("9F38", found.pdol) if found.pdol else b""
        return tlv("6F", tlv("84", chosen) + tlv("A5", tlv("50", b"DEBIT") + asks)), 0x9000

    def _open(self, chosen: Application, said: bytes) -> tuple[bytes, int]:
        if chosen.options != 0x9000:
            return b"", chosen.options
        wanted = _lengths(chosen.pdol)
        if said != tlv("83", said[2:]) or len(said) - 2 != wanted:
            return b"", 0x6700
        if chosen.format1:
            return tlv("80", b"\x1c\x00" + chosen.locator), 0x9000
        return tlv("77", tlv("82", b"\x1c\x00") + tlv("94", chosen.locator) + chosen.extra), 0x9000


def _lengths(pdol: bytes) -> int:
    """How many bytes the list asks for; its tags here have one or two bytes."""
    total, at = 0, 0
    while at < len(pdol):
        at += 2 if pdol[at] & 0x1F == 0x1F else 1
        total += pdol[at]
        at += 1
    return total


@contextlib.contextmanager
def in_reader(slot: Path, card: Card, answer: Callable[[bytes], bytes | None] | None = None) -> Iterator[Card]:
    """The card lies in the reader while the block runs (unless it leaves by itself)."""
    wire = _connect(slot)
    thread = threading.Thread(target=_serve, args=(wire, card, answer or card.answer), name="card")
    thread.start()
    try:
        yield card
    finally:
        with contextlib.suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)
        thread.join()
        wire.close()


def _connect(slot: Path) -> socket.socket:
    deadline = time.monotonic() + 10
    while True:
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            wire.connect(str(slot))
            return wire
        except OSError:
            wire.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _serve(wire: socket.socket, card: Card, answer: Callable[[bytes], bytes | None]) -> None:
    with contextlib.suppress(OSError):
        while (head := _read(wire, 2)) is not None:
            payload = _read(wire, struct.unpack(">H", head)[0])
            if payload is None:
                return
            if len(payload) == 1:
                if payload == b"\x04":
                    wire.sendall(struct.pack(">H", len(card.atr)) + card.atr)
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
