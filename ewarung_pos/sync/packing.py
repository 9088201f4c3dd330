"""How a message is made smaller for the line, and never larger than allowed when it comes out again."""

from __future__ import annotations

import zlib

from ewarung_pos.sync.protocol import MESSAGE_BYTES

__all__ = ["TooLarge", "pack", "unpack"]


class TooLarge(ValueError):
    """More bytes than the protocol allows, before or after expansion."""


def pack(body: bytes) -> bytes:
    """Gzip, with no time in it: equal bodies give equal bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def unpack(body: bytes, limit: int = MESSAGE_BYTES) -> bytes:
    """Undo `pack`, never expanding beyond the limit.

    Raises:
        TooLarge: it would be larger than `limit` bytes.
        ValueError: not one whole gzip member.
    """
    unpacker = zlib.decompressobj(31)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError("not gzip") from error
    if len(plain) > limit:
        raise TooLarge(f"more than {limit} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("not one whole gzip member")
    return plain
