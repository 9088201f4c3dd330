"""Answers of an EDC as bytes, built from the published table and not by the driver."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable

import pytest

CANARY = "6013014455667788"


def build_response(
    type: str = "01",  # noqa: A002
    amount: int = 62_500,
    code: str = "00",
    *,
    pan: str = "************7788",
    rrn: str = "000000000009",
    approval: str = "123456",
    stamp: str = "20261124094100",
    invoice: str = "000123",
    batch: str = "000007",
    version: int = 1,
    merchant: str = "MERCHANT0000001",
    terminal: str = "TERM0001",
) -> bytes:
    body = (
        f"{type}{amount * 100:012d}{'0' * 12}{pan:<19}0000{code}{rrn:<12}{approval:<6}{stamp:<14}"
        f"{merchant:<15}{terminal:<8}N{'INA SETIAWATI':<26}{'0' * 16}{invoice:<6}{batch:<6}"
    )
    covered = b"\x02\x00" + bytes([version]) + body.ljust(199).encode() + b"\x03"
    return b"\x02" + covered + bytes([functools.reduce(operator.xor, covered)])


@pytest.fixture
def respond() -> Callable[..., bytes]:
    return build_response


@pytest.fixture
def canary() -> str:
    return CANARY
