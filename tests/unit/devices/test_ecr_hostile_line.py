"""Whatever the line does to the bytes of one answer, a sale ends in time and is never approved by mistake."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.ports import Approved, Declined, PaymentIntent, PaymentOutcome, Unknown

TIMERS = EcrTimers(
    ack=0.02, gap=0.005, response=0.03, query=0.03, echo=0.03, repeat=0.02, settle=0.005, slice=0.01, reopen=0.01
)
LIMIT_S = 2.0


class HostileLine:
    """Answers echo tests honestly and every sale with the given pieces; counts the sales."""

    name = "hostile"

    def __init__(self, echo: bytes, pieces: list[bytes]) -> None:
        self._echo = echo
        self._pieces = pieces
        self._inbox: list[bytes] = []
        self.sales = 0

    def open(self) -> None: ...

    def write(self, data: bytes, deadline: float) -> None:
        if len(data) == 155 and data[4:6] == b"17":
            self._inbox.append(b"\x06" + self._echo)
        elif len(data) == 155:
            self.sales += 1
            self._inbox += self._pieces

    def read(self, max_bytes: int, deadline: float) -> bytes:
        if self._inbox:
            return self._inbox.pop(0)
        time.sleep(max(0.0, deadline - time.monotonic()))
        return b""

    def drain(self) -> bytes:
        return self._inbox.pop(0) if self._inbox else b""

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def answers() -> dict[str, bytes]:
    from functools import reduce
    from operator import xor

    def build(kind: str, amount: int, code: str) -> bytes:
        body = f"{kind}{amount * 100:012d}{'0' * 12}{'':19}0000{code}000000000009123456" + "20261124094100"
        covered = b"\x02\x00\x01" + body.ljust(199, "1").encode() + b"\x03"
        return b"\x02" + covered + bytes([reduce(xor, covered)])

    return {"echo": build("17", 0, "00"), "yes": build("01", 62_500, "00"), "no": build("01", 62_500, "51")}


def pay(echo: bytes, pieces: list[bytes]) -> tuple[PaymentOutcome, int]:
    line = HostileLine(echo, [piece for piece in pieces if piece])
    terminal = EcrTerminal(EcrLine(line, TIMERS, EcrSite()))
    begun = time.monotonic()
    outcome = terminal.pay(PaymentIntent("a", 62_500), lambda _: None)
    assert time.monotonic() - begun < LIMIT_S
    return outcome, line.sales


def pieces_of(wire: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(wire)]
    return [wire[a:b] for a, b in itertools.pairwise(edges)]


cuts = st.lists(st.integers(0, 210), max_size=5)


@given(cuts, st.sampled_from(["yes", "no"]))
@settings(max_examples=50)
def test_split_and_glued_answers_are_understood(answers: dict[str, bytes], cuts: list[int], said: str) -> None:
    outcome, sales = pay(answers["echo"], pieces_of(b"\x06" + answers[said], cuts))
    assert isinstance(outcome, Approved if said == "yes" else Declined)
    assert sales == 1


@given(cuts, st.integers(0, 204), st.integers(1, 255))
@settings(max_examples=80)
def test_damaged_decline_never_becomes_an_approval(
    answers: dict[str, bytes], cuts: list[int], place: int, flip: int
) -> None:
    frame = bytearray(answers["no"])
    frame[place] ^= flip
    outcome, sales = pay(answers["echo"], pieces_of(b"\x06" + bytes(frame), cuts))
    assert isinstance(outcome, Unknown)
    assert sales == 1


@given(cuts, st.integers(0, 204), st.integers(1, 255))
@settings(max_examples=50)
def test_damaged_approval_is_unknown(answers: dict[str, bytes], cuts: list[int], place: int, flip: int) -> None:
    frame = bytearray(answers["yes"])
    frame[place] ^= flip
    outcome, _ = pay(answers["echo"], pieces_of(b"\x06" + bytes(frame), cuts))
    assert isinstance(outcome, Unknown)


@given(st.integers(0, 204), st.sampled_from(["yes", "no"]))
@settings(max_examples=40)
def test_truncated_answer_is_unknown_and_not_asked_again(answers: dict[str, bytes], length: int, said: str) -> None:
    outcome, sales = pay(answers["echo"], [b"\x06", answers[said][:length]])
    assert isinstance(outcome, Unknown)
    assert sales == 1


@given(st.binary(max_size=80), cuts)
@settings(max_examples=60)
def test_garbage_between_ack_and_answer(answers: dict[str, bytes], garbage: bytes, cuts: list[int]) -> None:
    outcome, sales = pay(answers["echo"], pieces_of(b"\x06" + garbage + answers["no"], cuts))
    assert isinstance(outcome, Declined | Unknown)
    assert sales == 1


@given(st.lists(st.binary(max_size=260), max_size=5))
@settings(max_examples=60)
def test_pure_noise_approves_nothing(answers: dict[str, bytes], noise: list[bytes]) -> None:
    outcome, sales = pay(answers["echo"], noise)
    assert not isinstance(outcome, Approved)
    if isinstance(outcome, Declined):
        assert outcome.reason == "not_accepted"
    assert sales <= 3
