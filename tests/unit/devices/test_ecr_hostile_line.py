"""Whatever the line does to the bytes of an answer, and when: a sale ends in time, and is never approved by mistake."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ewarung_pos.devices.ecr import EcrLine
from ewarung_pos.devices.ecr_site import EcrSite, EcrTimers
from ewarung_pos.devices.ecr_terminal import EcrTerminal
from ewarung_pos.ports import Approved, Declined, PaymentIntent, PaymentOutcome, Unknown

ACK = b"\x06"
TIMERS = EcrTimers()  # a kiosk's own: the clock is ours
LIMIT_S = TIMERS.ack + TIMERS.response + 2 * TIMERS.repeat
Piece = tuple[float, bytes]
"""Bytes, and the seconds of silence before them."""


class Clock:
    """Time that passes while somebody waits for the line."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)

    def wait_until(self, instant: float) -> None:
        self.now = max(self.now, instant)


CLOCK = Clock()


@pytest.fixture(scope="module", autouse=True)
def own_clock() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("ecr", "ecr_incoming", "ecr_terminal"):
            patch.setattr(f"ewarung_pos.devices.{module}.time", CLOCK)
        yield


class HostileLine:
    """Answers echo tests honestly and every sale with the given pieces, each at its time; counts the sales."""

    name = "hostile"

    def __init__(self, echo: bytes, pieces: list[Piece]) -> None:
        self._echo = echo
        self._pieces = pieces
        self._inbox: list[Piece] = []
        self.sales = 0

    def open(self) -> None: ...

    def write(self, data: bytes, deadline: float) -> None:
        if len(data) == 155 and data[4:6] == b"17":
            self._inbox.append((CLOCK.now, ACK + self._echo))
        elif len(data) == 155:
            self.sales += 1
            at = CLOCK.now
            for pause, piece in self._pieces:
                at += pause
                if piece:
                    self._inbox.append((at, piece))

    def read(self, max_bytes: int, deadline: float) -> bytes:
        if self._inbox and self._inbox[0][0] <= max(deadline, CLOCK.now):
            at, piece = self._inbox.pop(0)
            CLOCK.wait_until(at)
            return piece
        CLOCK.wait_until(deadline)
        CLOCK.sleep(1e-6)  # nobody wakes at the very instant
        return b""

    def drain(self) -> bytes:
        return self._inbox.pop(0)[1] if self._inbox and self._inbox[0][0] <= CLOCK.now else b""

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def answers() -> dict[str, bytes]:
    from functools import reduce
    from operator import xor

    def build(kind: str, amount: int, code: str, approval: str = "123456") -> bytes:
        body = f"{kind}{amount * 100:012d}{'0' * 12}{'':19}0000{code}000000000009{approval}" + "20261124094100"
        covered = b"\x02\x00\x01" + body.ljust(199, "1").encode() + b"\x03"
        return b"\x02" + covered + bytes([reduce(xor, covered)])

    letters = string.digits + string.ascii_letters
    frames = (build("01", 62_500, "00", f"1234{one}{two}") for one in letters for two in letters + string.punctuation)
    like_a_nak = next(frame for frame in frames if frame[-1] == 0x15)
    plain = {"echo": build("17", 0, "00"), "yes": build("01", 62_500, "00"), "no": build("01", 62_500, "51")}
    return plain | {"like a NAK": like_a_nak}


def sell(echo: bytes, pieces: list[Piece]) -> tuple[PaymentOutcome, HostileLine, EcrTerminal]:
    line = HostileLine(echo, pieces)
    terminal = EcrTerminal(EcrLine(line, TIMERS, EcrSite()))
    begun = CLOCK.now
    outcome = terminal.pay(PaymentIntent("a", 62_500), lambda _: None)
    assert CLOCK.now - begun < LIMIT_S
    return outcome, line, terminal


def pay(echo: bytes, pieces: list[Piece]) -> tuple[PaymentOutcome, int]:
    outcome, line, _ = sell(echo, pieces)
    return outcome, line.sales


def pieces_of(wire: bytes, cuts: list[int], pauses: list[int]) -> list[Piece]:
    """Cut there, with so many milliseconds before each piece."""
    edges = [0, *sorted(cuts), len(wire)]
    waits = itertools.chain(pauses, itertools.repeat(0))
    return [(pause / 1000, wire[a:b]) for (a, b), pause in zip(itertools.pairwise(edges), waits, strict=False)]


cuts = st.lists(st.integers(0, 210), max_size=5)
GAP_MS = round(TIMERS.gap * 1000)
short_pauses = st.lists(st.integers(0, GAP_MS - 50), max_size=6)
too_long = st.integers(GAP_MS + 50, 10 * GAP_MS)
any_pauses = st.lists(st.one_of(st.just(0), st.integers(0, GAP_MS - 50), too_long), max_size=6)
said = st.sampled_from(["yes", "no", "like a NAK"])


@given(cuts, short_pauses, said)
@settings(max_examples=60)
def test_split_glued_and_slow_answers_are_understood(
    answers: dict[str, bytes], cuts: list[int], pauses: list[int], said: str
) -> None:
    outcome, sales = pay(answers["echo"], pieces_of(ACK + answers[said], cuts, pauses))
    assert isinstance(outcome, Declined if said == "no" else Approved)
    assert sales == 1


@given(st.integers(1, 204), too_long, said, st.booleans())
@example(204, GAP_MS + 50, "like a NAK", False).via("what comes alone and late is an LRC")
@settings(max_examples=60)
def test_an_answer_with_too_long_a_pause_in_it_is_unknown_and_not_asked_again(
    answers: dict[str, bytes], place: int, pause: int, said: str, acknowledged: bool
) -> None:
    """Also where the ACK was lost: what was begun shows that the EDC took the sale."""
    pieces = [(0.0, ACK)] if acknowledged else []
    pieces += pieces_of(answers[said], [place], [0, pause])
    outcome, sales = pay(answers["echo"], pieces)
    assert isinstance(outcome, Unknown)
    assert sales == 1


@given(cuts, any_pauses, said, st.booleans())
@example([1, 90, 180, 204], [0] + 4 * [GAP_MS + 50], "like a NAK", False).via("no piece is like an answer")
@settings(max_examples=80)
def test_an_answer_at_any_pace_is_what_it_says_or_unknown(
    answers: dict[str, bytes], cuts: list[int], pauses: list[int], said: str, acknowledged: bool
) -> None:
    outcome, sales = pay(answers["echo"], pieces_of(ACK * acknowledged + answers[said], cuts, pauses))
    assert isinstance(outcome, (Declined if said == "no" else Approved) | Unknown)
    assert not isinstance(outcome, Declined) or outcome.code == "51"
    assert sales == 1


@given(st.one_of(st.integers(0, 110), st.integers(125, 600)), cuts, short_pauses, said)
@settings(max_examples=60)
def test_an_answer_counts_for_its_own_sale_however_late_it_is(
    answers: dict[str, bytes], seconds: int, cuts: list[int], pauses: list[int], said: str
) -> None:
    first, *rest = pieces_of(answers[said], cuts, pauses)
    outcome, line, terminal = sell(answers["echo"], [(0.0, ACK), (first[0] + seconds, first[1]), *rest])
    right = Declined if said == "no" else Approved
    if seconds > TIMERS.response:
        assert isinstance(outcome, Unknown)
        CLOCK.sleep(700)
        outcome = terminal.inquire(PaymentIntent("a", 62_500))
    assert isinstance(outcome, right)
    assert line.sales == 1


@given(cuts, any_pauses, st.integers(0, 204), st.integers(1, 255))
@settings(max_examples=80)
def test_damaged_decline_never_becomes_an_approval(
    answers: dict[str, bytes], cuts: list[int], pauses: list[int], place: int, flip: int
) -> None:
    frame = bytearray(answers["no"])
    frame[place] ^= flip
    outcome, sales = pay(answers["echo"], pieces_of(ACK + bytes(frame), cuts, pauses))
    assert isinstance(outcome, Unknown)
    assert sales == 1


@given(cuts, any_pauses, st.integers(0, 204), st.integers(1, 255), st.booleans())
@settings(max_examples=60)
def test_damaged_approval_is_unknown_and_not_asked_again(
    answers: dict[str, bytes], cuts: list[int], pauses: list[int], place: int, flip: int, acknowledged: bool
) -> None:
    frame = bytearray(answers["yes"])
    frame[place] ^= flip
    outcome, sales = pay(answers["echo"], pieces_of(ACK * acknowledged + bytes(frame), cuts, pauses))
    assert isinstance(outcome, Unknown)
    assert sales == 1


@given(st.integers(0, 204), said)
@settings(max_examples=40)
def test_truncated_answer_is_unknown_and_not_asked_again(answers: dict[str, bytes], length: int, said: str) -> None:
    outcome, sales = pay(answers["echo"], [(0.0, ACK), (0.0, answers[said][:length])])
    assert isinstance(outcome, Unknown)
    assert sales == 1


@given(st.binary(max_size=80), cuts, any_pauses)
@settings(max_examples=60)
def test_garbage_between_ack_and_answer(
    answers: dict[str, bytes], garbage: bytes, cuts: list[int], pauses: list[int]
) -> None:
    outcome, sales = pay(answers["echo"], pieces_of(ACK + garbage + answers["no"], cuts, pauses))
    assert isinstance(outcome, Declined | Unknown)
    assert sales == 1


@given(st.lists(st.tuples(any_pauses.map(lambda pauses: sum(pauses) / 1000), st.binary(max_size=260)), max_size=5))
@settings(max_examples=80)
def test_pure_noise_approves_nothing(answers: dict[str, bytes], noise: list[Piece]) -> None:
    outcome, sales = pay(answers["echo"], noise)
    assert not isinstance(outcome, Approved)
    if isinstance(outcome, Declined):
        assert outcome.reason == "not_accepted"
    assert sales <= 3
