"""An EMV card as a program: applications, a directory or none, and answers to the commands that only read.

Written from ISO 7816-4 and EMV, not from the driver: its TLV encoder and its command interpreter are its own. What
stands between the two is not ours either: pcscd, its vpcd driver and pyscard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ewarung_pos.devices.simulated.edc_bank import Card
from ewarung_pos.devices.simulated.faults import Fault, FaultScript

__all__ = [
    "ATR_T0",
    "ATR_T1",
    "GPN",
    "VISA",
    "Application",
    "ChipCard",
    "ScriptedCard",
    "application",
    "chip_of",
    "packed",
    "tlv",
]

GPN = bytes.fromhex("A0000006021010")
VISA = bytes.fromhex("A0000000031010")
ATR_T0 = bytes.fromhex("3B6800000073C84013009000")
ATR_T1 = bytes.fromhex("3B80800101")
"""What a contactless reader makes up for a card without history bytes; such a card is spoken to in T=1."""

_OK = 0x9000
_NO_FILE, _NO_RECORD, _NO_COMMAND, _WRONG_LENGTH = 0x6A82, 0x6A83, 0x6D00, 0x6700
_WITHOUT_DATA = (0xB2, 0xC0)
"""READ RECORD and GET RESPONSE: what follows their four bytes is the length that is wanted, 0 for all there is."""
_BLOCKED = "6283"
_NO_DIAGNOSIS = "6F00"
_SLOW_MS = 500


def tlv(tag: str, value: bytes) -> bytes:
    """One BER-TLV object; the tag in hexadecimal digits."""
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
    """One application: how it answers when selected, what it wants to know, and what is in its files.

    Attributes:
        files: records by the number of their file.
        locator: of the files, four bytes for each run of records.
        pdol: tags and lengths of what it wants to know of the terminal; nothing where empty.
        selected: status word of SELECT.
        options: status word of GET PROCESSING OPTIONS.
        format1: whether its options come in the old form (tag 80).
        extra: objects beside the locator, in the new form.
    """

    files: dict[int, list[bytes]]
    locator: bytes
    pdol: bytes = b""
    selected: int = _OK
    options: int = _OK
    format1: bool = False
    extra: bytes = b""


def application(
    number: str,
    expiry: str = "2812",
    *,
    track: bool = True,
    plain: bool = True,
    pdol: bytes = b"",
    selected: int = _OK,
    options: int = _OK,
    format1: bool = False,
) -> Application:
    """The usual one: track in file 1, number and expiry in file 2, then certificates that nobody should need."""
    first = tlv("57", packed(f"{number}D{expiry}201{'0' * 9}")) if track else tlv("5F20", b"TANPA NAMA")
    second = tlv("5F24", bytes.fromhex(expiry + "31")) + (tlv("5A", packed(number)) if plain else b"")
    files = {1: [tlv("70", first)], 2: [tlv("70", second), tlv("70", tlv("90", bytes(176)))]}
    locator = bytes.fromhex("0801010010010200")
    return Application(files, locator, pdol=pdol, selected=selected, options=options, format1=format1)


@dataclass
class ChipCard:
    """A card: applications by AID, with or without a directory.

    Attributes:
        directory: AIDs that the contact directory names; None without one.
        proximity: AIDs that the contactless directory names; None without one.
        frugal: answers with 61xx and 6Cxx, as T=0 cards do.
        atr: `ATR_T0`, or else it wants the length of an answer behind a command's data too.
        leaves_at: pulled out in place of answering that command (counted from 1).
        delay: seconds before each answer.
        status: status word for a name that it does not have.
        commands: all that came, oldest first.
    """

    applications: dict[bytes, Application]
    directory: tuple[bytes, ...] | None = None
    proximity: tuple[bytes, ...] | None = None
    frugal: bool = False
    leaves_at: int = 0
    delay: float = 0.0
    atr: bytes = ATR_T0
    status: int = _NO_FILE
    commands: list[bytes] = field(default_factory=list)
    _chosen: Application | None = None
    _in_directory: bool = False
    _rest: bytes = b""

    def sent(self, instruction: int) -> int:
        """How many commands of that instruction came."""
        return sum(command[1] == instruction for command in self.commands)

    def answer(self, command: bytes) -> bytes | None:
        """The answer with its two status bytes; None when the card is pulled out instead."""
        self.commands.append(command)
        if len(self.commands) == self.leaves_at:
            return None
        time.sleep(self.delay)
        if not self._sized(command):
            return _WRONG_LENGTH.to_bytes(2, "big")
        if self.frugal and command[1] == 0xC0:
            data, status = self._rest, _OK
        else:
            data, status = self._run(command)
        if data and status == _OK:
            size = len(data) & 0xFF
            if command[1] in _WITHOUT_DATA:
                if command[4] != size and (command[4] or self.frugal):
                    return bytes([0x6C, size])
            elif self.frugal:
                self._rest = data
                return bytes([0x61, size])
        return data + status.to_bytes(2, "big")

    def _sized(self, command: bytes) -> bool:
        """Whether it is as long as its kind is: behind data T=0 has no room for a length (ISO 7816-3, 12)."""
        if len(command) < 5:
            return False
        if command[1] in _WITHOUT_DATA:
            return len(command) == 5
        return len(command) == 5 + command[4] + (self.atr != ATR_T0)

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
                    return tlv("70", tlv("61", tlv("4F", names[p1 - 1]) + tlv("50", b"DEBIT"))), _OK
                return b"", _NO_RECORD
            records = self._chosen.files.get(p2 >> 3, []) if self._chosen is not None else []
            return (records[p1 - 1], _OK) if 1 <= p1 <= len(records) else (b"", _NO_RECORD)
        return b"", _NO_COMMAND

    def _select(self, name: bytes) -> tuple[bytes, int]:
        self._chosen, self._in_directory = None, False
        if name == b"1PAY.SYS.DDF01" and self.directory is not None:
            self._in_directory = True
            return tlv("6F", tlv("84", name) + tlv("A5", tlv("88", b"\x01"))), _OK
        if name == b"2PAY.SYS.DDF01" and self.proximity is not None:
            entries = b"".join(tlv("61", tlv("4F", aid) + tlv("87", b"\x01")) for aid in self.proximity)
            return tlv("6F", tlv("84", name) + tlv("A5", tlv("BF0C", entries))), _OK
        chosen = next((aid for aid in self.applications if aid.startswith(name)), None)
        if chosen is None:
            return b"", self.status
        found = self.applications[chosen]
        if found.selected != _OK:
            return b"", found.selected
        self._chosen = found
        asks = tlv("9F38", found.pdol) if found.pdol else b""
        return tlv("6F", tlv("84", chosen) + tlv("A5", tlv("50", b"DEBIT") + asks)), _OK

    def _open(self, chosen: Application, said: bytes) -> tuple[bytes, int]:
        if chosen.options != _OK:
            return b"", chosen.options
        wanted = _lengths(chosen.pdol)
        if said != tlv("83", said[2:]) or len(said) - 2 != wanted:
            return b"", _WRONG_LENGTH
        if chosen.format1:
            return tlv("80", b"\x1c\x00" + chosen.locator), _OK
        return tlv("77", tlv("82", b"\x1c\x00") + tlv("94", chosen.locator) + chosen.extra), _OK


def _lengths(pdol: bytes) -> int:
    """How many bytes the list asks for; its tags here have one or two bytes."""
    total, at = 0, 0
    while at < len(pdol):
        at += 2 if pdol[at] & 0x1F == 0x1F else 1
        total += pdol[at]
        at += 1
    return total


def chip_of(card: Card, struck: Mapping[str, Fault] | None = None) -> ChipCard:
    """The chip of an invented card: the domestic application and a directory that names it.

    Args:
        card: a row of a families file.
        struck: what a script has for this insertion.
    """
    struck = struck or {}
    number = card.number
    if "odd_number" in struck and len(number) % 2 == 0:
        number += "0"
    blocked = struck.get("blocked")
    selected = int(blocked.status or _BLOCKED, 16) if blocked is not None else _OK
    held = {GPN: application(number, card.expiry, selected=selected)}
    return ChipCard(held, directory=None if "no_directory" in struck else (GPN,))


class ScriptedCard:
    """A card that was put in, whose answers a script may spoil.

    Attributes:
        chip: the card.
        struck: what the script had for putting it in.
    """

    def __init__(self, card: Card, faults: FaultScript, pause: Callable[[float], object] = time.sleep) -> None:
        """Counts as one `insert`. `pause` is how a slow card spends its time."""
        self._faults = faults
        self._pause = pause
        self.struck = faults.strike("insert")
        self.chip = chip_of(card, self.struck)

    def answer(self, command: bytes) -> bytes | None:
        """The answer to this command; None when the card is pulled out instead."""
        number = len(self.chip.commands) + 1
        struck = {name: fault for name, fault in self.struck.items() if name == "slow" or fault.at == number}
        struck |= self._faults.strike("command")
        if "removed" in struck:
            return None
        if "slow" in struck:
            self._pause((_SLOW_MS if struck["slow"].ms is None else struck["slow"].ms) / 1000)
        said = self.chip.answer(command)
        return bytes.fromhex(struck["status"].status or _NO_DIAGNOSIS) if "status" in struck else said
