"""Bytes that somebody changed on the way."""

from __future__ import annotations


def altered(data: bytes, at: int = -1) -> bytes:
    """The same with one bit of the byte `at` turned: never what it was, as a byte put in its place may be."""
    place = range(len(data))[at]
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
