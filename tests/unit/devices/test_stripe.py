"""What a stripe reader sends, however it arrives: the card that was swiped, or the word to swipe again."""

from __future__ import annotations

import functools
import itertools
import logging
import operator
import traceback
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.devices.stripe import StripeCardReader, StripeLine, Swipe
from ewarung_pos.devices.transport import LinkLost, ScriptedTransport
from ewarung_pos.domain.family import CardRef, card_ref
from ewarung_pos.errors import CardNotRead, DeviceUnavailable
from ewarung_pos.ports import CardPresented, DeviceState

KEY = b"k" * 32
NUMBER = "6013014455667785"
OTHER = "6013010000004565"
TAIL = "2812201000000123"


def refer(number: str) -> CardRef:
    return card_ref(KEY, number)


def check_digit(digits: str) -> str:
    """ISO/IEC 7812, written again: the digit that makes the whole sound."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return digits + str(-total % 10)


def track2(number: str = NUMBER, tail: str = TAIL, *, lrc: bool = False) -> str:
    """A track as a reader sends it; its LRC out of the five-bit characters of the stripe."""
    body = f";{number}={tail}?"
    codes = [int(c) if c.isdigit() else {";": 11, "=": 13, "?": 15}[c] for c in body]
    return body + ("0123456789:;<=>?"[functools.reduce(operator.xor, codes)] if lrc else "")


def said(text: str | bytes | Iterable[bytes]) -> list[Swipe]:
    line = StripeLine(refer)
    chunks = [text.encode()] if isinstance(text, str) else [text] if isinstance(text, bytes) else text
    swipes = [swipe for chunk in chunks for swipe in line.feed(chunk)]
    return swipes + line.end()


def outcome(text: str | bytes | Iterable[bytes]) -> str:
    """`card 4455`, or the reasons."""
    return ", ".join(
        f"card {swipe.card.last4}" if isinstance(swipe, CardPresented) else swipe.reason for swipe in said(text)
    )


numbers = st.from_regex(r"[0-9]{15,18}", fullmatch=True).map(check_digit)
tails = st.from_regex(r"[0-9]{2}(0[1-9]|1[0-2])[0-9]{3,13}", fullmatch=True)


def test_a_swipe_is_a_card() -> None:
    assert check_digit(NUMBER[:-1]) == NUMBER
    assert said(track2() + "\r") == [CardPresented(refer(NUMBER), "2812", "stripe")]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (track2() + "\r\n", "card 7785"),
        (track2(lrc=True) + "\r", "card 7785"),
        (track2(), "card 7785"),
        ("\r\n\r\n", ""),
        (f"%B{NUMBER}^SITI AMINAH^{TAIL}?{track2()}\r", "card 7785"),
        (f"%B{NUMBER}^SITI AMINAH^{TAIL}?Q{track2(lrc=True)}+0013?7\r", "card 7785"),
        (f"T2 {track2()}\r", "card 7785"),
        (f"{track2()}{track2()}\r", "card 7785"),
        (f"{track2(lrc=True)}{track2(lrc=True)}\r", "card 7785"),
        (f"{track2()}\r{track2(OTHER)}\r", "card 7785, card 4565"),
        (f"{track2()}{track2(OTHER)}\r", "two_cards"),
        (";E?\r", "bad_swipe"),
        ("%E?;E?+E?\r", "bad_swipe"),
        (track2()[:-1] + "\r", "bad_swipe"),
        (track2()[1:] + "\r", "bad_swipe"),
        (track2(NUMBER[:-1] + "0") + "\r", "bad_swipe"),
        (track2(NUMBER[:-1]) + "\r", "bad_swipe"),
        (track2(tail="2813201") + "\r", "bad_swipe"),
        (track2(tail="281") + "\r", "bad_swipe"),
        (track2() + ";\r", "card 7785"),  # its LRC, which looks like the beginning of another
        (track2() + "0\r", "bad_swipe"),
        (track2() + "garbage\r", "bad_swipe"),
        (";" + "9" * 3000 + "\r", "bad_swipe"),
        ("\x00\xff\x15", "bad_swipe"),
    ],
)
def test_lines_of_readers(line: str, what: str) -> None:
    assert outcome(line.encode("latin-1")) == what


def test_a_sound_stripe_whose_number_has_no_check_digit_is_a_card() -> None:
    """The stripe's own check is the better one: a bank may number its cards as it likes."""
    number = NUMBER[:-1] + "0"
    assert outcome(track2(number, lrc=True) + "\r") == "card 7780"


@given(numbers, tails, st.booleans(), st.lists(st.integers(0, 120), max_size=12))
def test_a_split_line_is_the_same_line(number: str, tail: str, lrc: bool, cuts: list[int]) -> None:
    whole = (track2(number, tail, lrc=lrc) + "\r").encode()
    at = sorted({0, len(whole), *(cut % len(whole) for cut in cuts)})
    chunks = [whole[start:end] for start, end in itertools.pairwise(at)]
    assert said(chunks) == [CardPresented(refer(number), tail[:4], "stripe")]


@given(st.lists(st.tuples(numbers, tails), min_size=1, max_size=5), st.booleans())
def test_glued_lines_are_their_cards_in_order(cards: list[tuple[str, str]], lrc: bool) -> None:
    text = "".join(track2(number, tail, lrc=lrc) + "\r" for number, tail in cards)
    assert said(text) == [CardPresented(refer(number), tail[:4], "stripe") for number, tail in cards]


@given(numbers, tails, st.booleans(), st.data())
def test_a_changed_character_is_never_another_card(number: str, tail: str, lrc: bool, data: st.DataObject) -> None:
    line = track2(number, tail, lrc=lrc)
    at = data.draw(st.integers(0, len(line) - 1))
    changed = line[:at] + data.draw(st.characters(max_codepoint=255)) + line[at + 1 :]
    for swipe in said((changed + "\r").encode("latin-1")):
        assert isinstance(swipe, CardNotRead) or swipe.card == refer(number)


@given(st.from_regex(r"[0-9]{15}", fullmatch=True).map(check_digit), tails, st.booleans(), st.data())
def test_a_line_that_lost_a_piece_is_never_another_card(number: str, tail: str, lrc: bool, data: st.DataObject) -> None:
    line = track2(number, tail, lrc=lrc)
    start = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(start + 1, len(line)))
    for swipe in said(line[:start] + line[end:] + "\r"):
        assert isinstance(swipe, CardNotRead) or swipe.card == refer(number)


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([b";", b"=", b"?", b"\r", b"%"])), max_size=30))
def test_noise_is_no_card_and_no_digit_of_it_is_told(chunks: list[bytes]) -> None:
    line = StripeLine(refer)
    for chunk in chunks:
        for swipe in line.feed(chunk):
            assert isinstance(swipe, CardNotRead | CardPresented)
            if isinstance(swipe, CardNotRead):
                assert not any(c.isdigit() for c in "".join(traceback.format_exception(swipe)))


def test_a_line_without_end_is_not_kept() -> None:
    line = StripeLine(refer)
    assert line.feed(track2().encode() * 200) == []
    assert len(line._held) <= 400
    assert [isinstance(swipe, CardNotRead) for swipe in line.end()] == [True]


def reader_on(*chunks: bytes | LinkLost | None) -> StripeCardReader:
    reader = StripeCardReader(ScriptedTransport([(b"", list(chunks))]), lambda: KEY)
    reader._open, reader._polled = True, 1e12  # in the middle of a morning
    return reader


def test_the_reader_hands_on_the_card() -> None:
    reader = reader_on(track2().encode()[:9], track2().encode()[9:] + b"\r")
    assert reader.poll(50) == CardPresented(refer(NUMBER), "2812", "stripe")
    assert reader.status().state is DeviceState.READY


def test_a_bad_swipe_is_said_until_the_next_swipe() -> None:
    reader = reader_on(b";12?\r", None, None, (track2() + "\r").encode())
    for _ in range(3):
        with pytest.raises(CardNotRead) as caught:
            reader.poll(5)
        assert caught.value.reason == "bad_swipe"
        assert reader.status().state is DeviceState.ATTENTION
    assert reader.poll(5) is not None


def test_two_cards_in_one_look_are_no_card() -> None:
    reader = reader_on((track2() + "\r" + track2(OTHER) + "\r").encode())
    with pytest.raises(CardNotRead) as caught:
        reader.poll(5)
    assert caught.value.reason == "two_cards"


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("no_port", "no_reader"),
        ("unplugged", "no_reader"),
        ("in_use", "reader_in_use"),
        ("no_permission", "reader_no_permission"),
    ],
)
def test_a_reader_that_is_not_there_says_why(lost: str, reason: str) -> None:
    reader = reader_on(LinkLost(lost))
    with pytest.raises(DeviceUnavailable) as caught:
        reader.poll(5)
    assert caught.value.reason == reason
    assert reader.status().state is DeviceState.AWAY


def test_the_track_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reader = reader_on((track2() + "\r").encode(), (track2()[:-1] + "\r").encode())
    card = reader.poll(5)
    with pytest.raises(CardNotRead) as caught:
        reader.poll(5)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(card) + repr(vars(reader))
    assert NUMBER[:12] not in told + repr(vars(reader._line))
