"""Whose card it is, read from the chip: the part of an EMV transaction that only reads.

SELECT, one GET PROCESSING OPTIONS, READ RECORD: nothing else is ever sent. PIN commands and cryptograms belong to the
bank's EDC. The card number exists between a record and its keyed reference, in this module, and nowhere else.

Source: EMV 4.3 Book 1 (selection, 12) and Book 3 (6.5.8, 6.5.11, 10.1, 10.2); AIDs as in docs/devices.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ewarung_pos.devices.tlv import TlvError, each, first, objects
from ewarung_pos.domain.family import CardRef
from ewarung_pos.errors import CardNotRead

__all__ = ["KNOWN_AIDS", "Transmit", "read_card"]

Transmit = Callable[[bytes], bytes]
"""Sends a command APDU, gives the answer with its two status bytes; raises `DeviceError` when the card is gone."""

KNOWN_AIDS: tuple[bytes, ...] = tuple(
    bytes.fromhex(aid)
    for aid in (
        "A0000006021010",  # NSICCS, the domestic debit of GPN: what cards of the programme carry
        "A0000000041010",  # Mastercard
        "A0000000043060",  # Maestro
        "A0000000031010",  # Visa
        "A0000000032010",  # Visa Electron
    )
)
"""Applications of a bank card, the domestic one first: a card that carries several is read by that one."""

_DIRECTORIES = (b"1PAY.SYS.DDF01", b"2PAY.SYS.DDF01")
_MOST_ANSWERS = 8
_MOST_RECORDS = 60
_MOST_ENTRIES = 10
_NAME_BYTES = range(5, 17)

# What a terminal says of itself where the card asks (PDOL). All else is zeros: nothing is paid.
_TERMINAL = {
    0x9F1A: bytes.fromhex("0360"),  # country: Indonesia
    0x5F2A: bytes.fromhex("0360"),  # currency: rupiah
    0x9F35: bytes.fromhex("22"),  # type: attended, offline with online capability
    0x9F66: bytes.fromhex("36004000"),  # contactless: EMV mode and contact chip
}

_OK, _APPLICATION_BLOCKED, _CARD_BLOCKED = 0x9000, 0x6283, 0x6A81
_TRACK2 = re.compile(r"(?P<number>[0-9]{12,19})D(?P<expiry>[0-9]{4})[0-9]*F?")
_NUMBER = re.compile(r"(?P<number>[0-9]{12,19})F*")


def read_card(transmit: Transmit, refer: Callable[[str], CardRef], *, case4_le: bool) -> tuple[CardRef, str]:
    """Reference and expiry (YYMM, or empty) of the card in the reader.

    Args:
        transmit: one exchange with the card; it keeps the deadline.
        refer: turns the number into its keyed reference (`domain.family.card_ref` under the city's key).
        case4_le: whether a command that carries data and wants an answer says how much (T=1); T=0 has no room for it.

    Raises:
        CardNotRead: reason wrong_card, blocked or unreadable.
        DeviceError: whatever `transmit` raises.
    """
    card = _Card(transmit, case4_le=case4_le)
    try:
        options = _open_application(card)
        return _identity(card, options, refer)
    except TlvError as error:
        raise CardNotRead(str(error), reason="unreadable") from None


class _Card:
    """Commands with their status resolved: 61xx asks for the rest, 6Cxx asks again with the length it named."""

    def __init__(self, transmit: Transmit, *, case4_le: bool) -> None:
        self._transmit = transmit
        self._case4_le = case4_le

    def ask(self, head: bytes, data: bytes) -> tuple[bytes, int]:
        """Command with data."""
        command = head + bytes([len(data)]) + data + (b"\x00" if self._case4_le else b"")
        return self._exchange(command, says_length=self._case4_le)

    def read(self, head: bytes) -> tuple[bytes, int]:
        """Command without data."""
        return self._exchange(head + b"\x00", says_length=True)

    def _exchange(self, command: bytes, *, says_length: bool) -> tuple[bytes, int]:
        got = b""
        for _ in range(_MOST_ANSWERS):
            answer = self._transmit(command)
            if len(answer) < 2:
                raise CardNotRead("an answer without a status", reason="unreadable")
            got += answer[:-2]
            status = int.from_bytes(answer[-2:], "big")
            if status >> 8 == 0x61:
                command, says_length = b"\x00\xc0\x00\x00" + bytes([status & 0xFF]), True
            elif status >> 8 == 0x6C and says_length:
                command = command[:-1] + bytes([status & 0xFF])
            else:
                return got, status
        raise CardNotRead("the card asks again and again", reason="unreadable")


def _open_application(card: _Card) -> bytes:
    """Select the first application that we know and the card has; its answer to GET PROCESSING OPTIONS."""
    blocked = False
    for aid in _candidates(card):
        control, status = card.ask(b"\x00\xa4\x04\x00", aid)
        if status == _CARD_BLOCKED:
            raise CardNotRead(reason="blocked")
        blocked = blocked or status == _APPLICATION_BLOCKED
        if status == _OK:
            return _processing_options(card, control)
    raise CardNotRead(reason="blocked" if blocked else "wrong_card")


def _candidates(card: _Card) -> tuple[bytes, ...]:
    """What to try, in order: the directory's own names of applications we know, then those of our list."""
    for name in _DIRECTORIES:
        control, status = card.ask(b"\x00\xa4\x04\x00", name)
        if status != _OK:  # absent, or blocked by its issuer: the applications may be there all the same
            continue
        try:
            listed = tuple(entry for entry in _listed(card, control) if len(entry) in _NAME_BYTES)
        except TlvError:
            continue
        named = tuple(entry for known in KNOWN_AIDS for entry in listed if entry.startswith(known))
        if named:
            return named + tuple(known for known in KNOWN_AIDS if not any(name.startswith(known) for name in named))
    return KNOWN_AIDS


def _listed(card: _Card, control: bytes) -> Iterator[bytes]:
    """Names of applications: in the answer itself (contactless), or in the records of the directory (contact)."""
    yield from each(control, 0x4F)
    sfi = first(control, 0x88)
    if sfi is None:
        return
    if len(sfi) != 1 or not 1 <= sfi[0] <= 10:
        raise TlvError("no such directory file")
    for record in range(1, _MOST_ENTRIES + 1):
        data, status = card.read(bytes([0x00, 0xB2, record, sfi[0] << 3 | 4]))
        if status != _OK:
            return
        yield from each(data, 0x4F)


def _processing_options(card: _Card, control: bytes) -> bytes:
    """The one command that the card counts: it is sent once, whatever comes of it."""
    wanted = first(control, 0x9F38)
    filled = _fill(wanted) if wanted is not None else b""
    if len(filled) > 250:
        raise CardNotRead("the card asks for more than a command holds", reason="unreadable")
    template = b"\x83" + (bytes([len(filled)]) if len(filled) < 0x80 else bytes([0x81, len(filled)])) + filled
    options, status = card.ask(b"\x80\xa8\x00\x00", template)
    if status != _OK:
        raise CardNotRead(f"processing options answered {status:04X}", reason="unreadable")
    return options


def _fill(wanted: bytes) -> bytes:
    """Answer a list of tags and lengths (PDOL): what we are, and zeros."""
    filled, at = b"", 0
    while at < len(wanted):
        size = 1
        if wanted[at] & 0x1F == 0x1F:
            size = 2
            while at + size - 1 < len(wanted) and wanted[at + size - 1] & 0x80:
                size += 1
        tag = int.from_bytes(wanted[at : at + size], "big")
        at += size
        if at >= len(wanted):
            raise TlvError("a list of tags is cut off")
        length = wanted[at]
        at += 1
        # Numbers are cut or filled at the left (EMV Book 3, 5.4); ours are fixed in length, so it matters to none.
        filled += _TERMINAL.get(tag, b"")[-length:].rjust(length, b"\x00") if length else b""
    return filled


def _identity(card: _Card, options: bytes, refer: Callable[[str], CardRef]) -> tuple[CardRef, str]:
    """Read until number and expiry are known; two numbers that differ are no number."""
    found: dict[str, set[str]] = {"number": set(), "expiry": set(), "track": set()}
    held = objects(options)
    if len(held) != 1 or held[0][0] not in {0x77, 0x80}:
        raise CardNotRead("no processing options", reason="unreadable")
    tag, value = held[0]
    if tag == 0x77:
        _gather(options, found)
        files = first(options, 0x94) or b""
    else:
        files = value[2:]
    for sfi, record in _records(files):
        if found["number"] and (found["expiry"] or found["track"]):
            break  # certificates follow, which take a second to read and say nothing about whose card it is
        data, status = card.read(bytes([0x00, 0xB2, record, sfi << 3 | 4]))
        if status == _OK:
            _gather(data, found)
    expiry = found["expiry"] or found["track"]
    if len(found["number"]) != 1 or len(expiry) > 1:
        raise CardNotRead("no number, or more than one", reason="unreadable")
    try:
        return refer(found["number"].pop()), next(iter(expiry), "")
    except ValueError:
        raise CardNotRead("not a card number", reason="unreadable") from None


def _records(files: bytes) -> Iterator[tuple[int, int]]:
    """(file, record) of an application file locator, in its order."""
    if len(files) % 4:
        raise TlvError("a file locator is cut off")
    entries = [files[at : at + 4] for at in range(0, len(files), 4)]
    wanted = [(sfi >> 3, range(start, end + 1)) for sfi, start, end, _ in entries]
    if any(not 1 <= sfi <= 30 or not records or records[0] == 0 for sfi, records in wanted):
        raise TlvError("a file locator names no file or record")
    if sum(len(records) for _, records in wanted) > _MOST_RECORDS:
        raise TlvError("a file locator names more records than a card has")
    for sfi, records in wanted:
        for record in records:
            yield sfi, record


def _gather(data: bytes, found: dict[str, set[str]]) -> None:
    """Take number (5A, 57) and expiry (5F24, 57) out of a template."""
    for value in each(data, 0x5A):
        number = _NUMBER.fullmatch(value.hex().upper())
        if number is None:
            raise TlvError("a number is not in digits")
        found["number"].add(number["number"])
    for value in each(data, 0x57):
        track = _TRACK2.fullmatch(value.hex().upper())
        if track is None:
            raise TlvError("a track is not in digits")
        found["number"].add(track["number"])
        if _month(track["expiry"]):
            found["track"].add(track["expiry"])
    for value in each(data, 0x5F24):
        expiry = value.hex()[:4]
        if len(value) == 3 and expiry.isdigit() and _month(expiry):
            found["expiry"].add(expiry)


def _month(expiry: str) -> bool:
    return 1 <= int(expiry[2:]) <= 12
