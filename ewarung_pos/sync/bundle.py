"""The messages of `protocol` in one file that is carried by hand: signed, sealed to one reader, complete or refused.

docs/usb-bundle.md describes the bytes so that somebody else can read and write them. A file is judged as a whole before
anything of it is used: its end proves that it is complete and whose it is, and every record is authenticated by itself.
What stands in a file's name is never looked at.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Annotated

import msgspec

from ewarung_pos.domain.bounds import Count, Whole
from ewarung_pos.errors import BundleRefused
from ewarung_pos.sync.packing import pack, unpack
from ewarung_pos.sync.protocol import MESSAGE_BYTES, decode
from ewarung_pos.sync.sealing import SEALED_BYTES, seal, unseal
from ewarung_pos.sync.signing import sign, verify

__all__ = [
    "BEGINNING_BYTES",
    "FILE_BYTES",
    "PLAIN_BYTES",
    "RECORDS",
    "VERSION",
    "Bundle",
    "Header",
    "Message",
    "Way",
    "look",
    "new_id",
    "read",
    "vouched",
    "write",
]

MAGIC = b"\x89EWB\r\n\x1a\n"
"""Not text for any program, and altered by every transfer that takes it for text."""

END = b"EWB-END\n"
VERSION = 1

FILE_BYTES = 32 * 1024 * 1024
"""No bundle is larger: some months of a busy kiosk take a few."""

PLAIN_BYTES = 128 * 1024 * 1024
"""All messages of a bundle together, expanded."""

RECORDS = 4096
RECORD_BYTES = MESSAGE_BYTES + 8 * 1024
"""A message with its headers, expanded or not."""

HEADER_BYTES = 4096
BEGINNING_BYTES = len(MAGIC) + 4 + HEADER_BYTES
"""So much of a file holds its whole header."""

_VERSION_AND_LENGTH = struct.Struct(">HH")
_LENGTH = struct.Struct(">I")
_HEAD_LENGTH = struct.Struct(">H")
_TAG_BYTES = 16
_SEALED_BYTES = RECORD_BYTES + 4096 + _TAG_BYTES
"""Of one record: what cannot be compressed grows a little by trying."""
_SIGNATURE_BYTES = 64

_Key = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
_Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", max_length=32)]
_Hash = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$", max_length=64)]
_NoId = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{32})?$", max_length=32)]
_Device = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,32}(?![\s\S])", max_length=32)]


class Way(StrEnum):
    """Whose words these are: a kiosk's to its city, or the city's answer."""

    TO_CITY = "to-city"
    TO_KIOSK = "to-kiosk"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What can be read without a key; believed only once the signature at the end was verified.

    Attributes:
        way: who speaks.
        city: its public signing key (hex).
        device, epoch: the kiosk.
        id: 128 random bits; the nonce of the n-th answer to it is `<id>.<n>`, counted from 0.
        answers: of a city's bundle, the id of the one that it answers; its own id when nobody asked.
        created_s: writer's wall clock, seconds.
        first_seq, last_seq: the entries that are in it, or answered by it; the first is the greater one for none.
        head: hash (hex) of entry `last_seq`: a journal that has another there is not the one that is answered.
        records: how many messages follow.
    """

    way: Way
    city: _Key
    device: _Device
    epoch: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    id: _Id
    created_s: Whole
    first_seq: Count = 0
    last_seq: Count = 0
    head: _Hash = ""
    answers: _NoId = ""
    records: Annotated[int, msgspec.Meta(ge=0, le=RECORDS)] = 0


class Message(msgspec.Struct, frozen=True):
    """One message: `target` is method and path as on the wire; an answer also has its status and signed headers."""

    target: str
    body: bytes = b""
    status: int = 0
    headers: dict[str, str] = {}


class _Head(msgspec.Struct, frozen=True, omit_defaults=True):
    target: Annotated[str, msgspec.Meta(max_length=200)]
    status: Annotated[int, msgspec.Meta(ge=0, le=599)] = 0
    headers: dict[str, str] = {}


_ENCODER = msgspec.json.Encoder(order="sorted")


class Bundle:
    """A bundle that was read whole: complete, signed by whom it should be, every record authentic and within bounds."""

    def __init__(self, header: Header, records: tuple[bytes, ...]) -> None:
        self.header = header
        self._records = records

    def messages(self) -> Iterator[Message]:
        """What it says, in order; expanded one by one."""
        for record in self._records:
            yield _message(record)


def new_id() -> str:
    """A new `Header.id`."""
    return secrets.token_hex(16)


def write(header: Header, messages: Iterable[Message], signer: bytes, recipient: bytes) -> bytes:
    """The bytes of a bundle.

    Args:
        header: `records` is set here.
        messages: in order; each and all together within the bounds above.
        signer: Ed25519 private key of whoever speaks.
        recipient: Ed25519 public key of the only one who can read it.

    Raises:
        BundleRefused: more than a bundle may hold (`too_large`).
        ValueError: nothing can be sealed to such a recipient.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    plain = [_plain(message) for message in messages]
    if len(plain) > RECORDS or sum(map(len, plain)) > PLAIN_BYTES or any(len(each) > RECORD_BYTES for each in plain):
        raise BundleRefused("more than a bundle may hold", reason="too_large")
    words = _ENCODER.encode(msgspec.structs.replace(header, records=len(plain)))
    out = bytearray(MAGIC + _VERSION_AND_LENGTH.pack(VERSION, len(words)) + words)
    key = ChaCha20Poly1305.generate_key()
    out += seal(recipient, key, bytes(out))
    context = hashlib.sha256(out).digest()
    cipher = ChaCha20Poly1305(key)
    for place, each in enumerate(plain):
        sealed = cipher.encrypt(_nonce(place, len(plain)), pack(each), context)
        out += _LENGTH.pack(len(sealed)) + sealed
    out += END
    out += sign(signer, _signed_text(out))
    if len(out) > FILE_BYTES:
        raise BundleRefused("more than a bundle may hold", reason="too_large")
    return bytes(out)


def look(beginning: bytes) -> Header:
    """The header of a file of which only the beginning need be there; nobody has vouched for it.

    Raises:
        BundleRefused: not a bundle (`not_a_bundle`), one of a later version (`newer`), or `damaged`.
    """
    header, _ = _header(beginning)
    return header


def vouched(data: bytes, key: bytes) -> Header:
    """The header of a whole file that this Ed25519 public key has signed; nothing of it is opened.

    Raises:
        BundleRefused: as `read`, as far as it shows without the recipient's key.
    """
    header, _ = _signed(data, lambda _: key)
    return header


def read(data: bytes, signer: Callable[[Header], bytes], recipient: bytes) -> Bundle:
    """Judge a whole file, and open it.

    Args:
        data: all of it, read once: a stick may say something else the second time.
        signer: the Ed25519 public key that must have signed a file with this header; may refuse it for what it says.
        recipient: Ed25519 private key of the reader.

    Raises:
        BundleRefused: `not_a_bundle`, `newer`, `too_large`; `damaged` when it is cut off or altered anywhere, not
            signed by the signer, or not sealed to the recipient.
    """
    header, at = _signed(data, signer)
    end = len(data) - _SIGNATURE_BYTES - len(END)
    return Bundle(header, tuple(_records(header, data, at, end, recipient)))


def _signed(data: bytes, signer: Callable[[Header], bytes]) -> tuple[Header, int]:
    """Header of a whole file that the signer vouches for, and where what follows it begins."""
    if len(data) > FILE_BYTES:
        raise BundleRefused(f"{len(data)} bytes", reason="too_large")
    header, at = _header(data)
    key = signer(header)
    end = len(data) - _SIGNATURE_BYTES
    if data[max(0, end - len(END)) : end] != END or not verify(key, _signed_text(data[:end]), data[end:]):
        raise BundleRefused("cut off, altered, or signed by somebody else", reason="damaged")
    return header, at


def _records(header: Header, data: bytes, at: int, end: int, recipient: bytes) -> Iterator[bytes]:
    """Each record, opened but not expanded."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    try:
        cipher = ChaCha20Poly1305(unseal(recipient, data[at : at + SEALED_BYTES], data[:at]))
    except ValueError as error:
        raise BundleRefused("sealed to somebody else", reason="damaged") from error
    at += SEALED_BYTES
    context = hashlib.sha256(data[:at]).digest()
    room = PLAIN_BYTES
    for place in range(header.records):
        length = _LENGTH.unpack_from(data, at)[0] if at + _LENGTH.size <= end else 0
        at += _LENGTH.size
        if not _TAG_BYTES < length <= min(_SEALED_BYTES, end - at):
            raise BundleRefused(f"record {place}: length", reason="damaged")
        try:
            record = cipher.decrypt(_nonce(place, header.records), data[at : at + length], context)
            room -= len(unpack(record, RECORD_BYTES))
            _message(record)
        except (InvalidTag, ValueError, msgspec.MsgspecError) as error:
            raise BundleRefused(f"record {place}", reason="damaged") from error
        if room < 0:
            raise BundleRefused("expands beyond all bounds", reason="too_large")
        yield record
        at += length
    if at != end:
        raise BundleRefused("something follows the last record", reason="damaged")


def _header(data: bytes) -> tuple[Header, int]:
    """Header, and where what follows it begins."""
    if data[: len(MAGIC)] != MAGIC:
        raise BundleRefused("another kind of file", reason="not_a_bundle")
    at = len(MAGIC)
    if len(data) < at + _VERSION_AND_LENGTH.size:
        raise BundleRefused("ends within the header", reason="damaged")
    version, length = _VERSION_AND_LENGTH.unpack_from(data, at)
    if version > VERSION:
        raise BundleRefused(f"version {version}", reason="newer")
    at += _VERSION_AND_LENGTH.size
    if version != VERSION or length > HEADER_BYTES or len(data) < at + length:
        raise BundleRefused("ends within the header", reason="damaged")
    try:
        return decode(data[at : at + length], Header), at + length
    except msgspec.MsgspecError as error:
        raise BundleRefused("the header", reason="damaged") from error


def _nonce(place: int, count: int) -> bytes:
    """STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015), laid out as age does: counter, and 1 on the last."""
    return place.to_bytes(11, "big") + bytes([place == count - 1])


def _signed_text(before: bytes | bytearray) -> bytes:
    return b"ewarung-bundle|1|" + hashlib.sha256(before).hexdigest().encode("ascii")


def _plain(message: Message) -> bytes:
    head = _ENCODER.encode(_Head(message.target, message.status, message.headers))
    return _HEAD_LENGTH.pack(len(head)) + head + message.body


def _message(record: bytes) -> Message:
    plain = unpack(record, RECORD_BYTES)
    (length,) = _HEAD_LENGTH.unpack_from(plain.ljust(_HEAD_LENGTH.size, b"\0"))
    at = _HEAD_LENGTH.size + length
    head = decode(plain[_HEAD_LENGTH.size : at], _Head)
    return Message(head.target, plain[at:], head.status, head.headers)
