"""Requests of the ECR frames, written by offset from the published table and not by the driver."""

from __future__ import annotations

import functools
import operator

__all__ = ["PUBLISHED", "TABLE", "fields", "request"]

# Field: offset and length in the body, whose first byte is the version.
TABLE = {
    "version": (0, 1),
    "type": (1, 2),
    "amount": (3, 12),
    "other_amount": (15, 12),
    "pan": (27, 19),
    "expiry": (46, 4),
    "cancel_reason": (50, 2),
    "invoice": (52, 6),
    "auth": (58, 6),
    "instalment": (64, 1),
    "redeem": (65, 1),
    "dcc": (66, 1),
    "plan": (67, 3),
    "tenor": (70, 2),
    "generic": (72, 12),
    "reff": (84, 12),
    "original_date": (96, 4),
    "filler": (100, 50),
}

_EMPTY = {
    "version": b"\x01",
    "amount": b"000000000000",
    "other_amount": b"000000000000",
    "cancel_reason": b"00",
    "invoice": b"000000",
    "dcc": b"N",
}
"""What stands in a field that says nothing; in all others spaces."""

# Fields and LRC of each vector. A and B were published by an unrelated author, the others computed from the table.
PUBLISHED: dict[str, tuple[dict[str, bytes], int]] = {
    "A": ({"type": b"01", "amount": b"000000000100", "pan": b"   1688700627201892", "expiry": b"2510"}, 0x18),
    "B": (
        {
            "version": b"\x02",
            "type": b"02",
            "amount": b"000000100000",
            "pan": b"1688700627201892   ",
            "expiry": b"2510",
            "auth": b"000000",
            "plan": b"000",
            "tenor": b"00",
        },
        0x08,
    ),
    "C": ({"type": b"01", "amount": b"000000010000", "instalment": b"N", "redeem": b"N"}, 0x1D),
    "D": ({"type": b"01", "amount": b"000006250000"}, 0x1D),
    "E": ({"version": b"\x03", "type": b"17"}, 0x19),
    "F": ({"type": b"08", "invoice": b"000123"}, 0x15),
}


def fields(told: dict[str, bytes]) -> dict[str, bytes]:
    """Every field of the table, whole."""
    return {name: told.get(name, _EMPTY.get(name, b" " * length)) for name, (_, length) in TABLE.items()}


def request(**told: bytes) -> bytes:
    """The 155 bytes of a request that says this and nothing else."""
    body = bytearray(150)
    for name, value in fields(told).items():
        offset, length = TABLE[name]
        assert len(value) == length, f"{name} has {length} bytes"
        body[offset : offset + length] = value
    covered = b"\x01\x50" + bytes(body) + b"\x03"
    return b"\x02" + covered + bytes([functools.reduce(operator.xor, covered)])
