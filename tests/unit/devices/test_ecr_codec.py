from __future__ import annotations

import itertools
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.devices.ecr_codec import (
    Ack,
    BadFrame,
    Decoder,
    EcrRequest,
    Event,
    Frame,
    Nak,
    blanked,
    build_request,
)
from tests.unit.devices.ecr_by_table import PUBLISHED, TABLE, fields, request

# The vectors A to F as the till asks for them.
VECTORS = {
    "A": EcrRequest(type="01", amount=1, pan="   1688700627201892", expiry="2510"),
    "B": EcrRequest(
        type="02",
        version=2,
        amount=1000,
        pan="1688700627201892   ",
        expiry="2510",
        auth="000000",
        plan="000",
        tenor="00",
    ),
    "C": EcrRequest(type="01", amount=100, flags="NNN"),
    "D": EcrRequest(type="01", amount=62_500),
    "E": EcrRequest(type="17", version=3),
    "F": EcrRequest(type="08", invoice="000123"),
}


def test_the_table_has_a_place_for_each_byte_of_a_request() -> None:
    places = [place for offset, length in TABLE.values() for place in range(offset, offset + length)]
    assert places == list(range(150))


@pytest.mark.parametrize("name", VECTORS)
def test_request_has_the_published_frame(name: str) -> None:
    """Byte for byte: the LRC does not see whether two fields have changed places."""
    told, lrc = PUBLISHED[name]
    frame = build_request(VECTORS[name])
    assert len(frame) == 155
    assert frame[:3] == b"\x02\x01\x50"
    found = {field: frame[3 + offset : 3 + offset + length] for field, (offset, length) in TABLE.items()}
    assert found == fields(told)
    assert frame[153:] == bytes([0x03, lrc])


def test_vector_d_byte_for_byte() -> None:
    body = b"\x01" + b"01" + b"000006250000" + b"0" * 12 + b" " * 23 + b"00" + b"000000" + b" " * 6 + b"  N"
    assert build_request(VECTORS["D"]) == b"\x02\x01\x50" + body.ljust(150) + b"\x03\x1d"


@pytest.mark.parametrize("field", sorted(TABLE.keys() - {"version", "instalment", "redeem", "dcc", "filler"}))
def test_each_field_of_a_request_stands_in_its_own_place(field: str) -> None:
    amount = field.endswith("amount")
    said = 12_345_678 if amount else string.ascii_uppercase[: TABLE[field][1]]
    frame = build_request(EcrRequest(**{"type": "01", field: said}))  # type: ignore[arg-type]
    told = b"001234567800" if amount else str(said).encode()
    assert frame == request(**{"type": b"01", field: told})


@pytest.mark.parametrize("amount", [-1, 10_000_000_000])
def test_amount_outside_twelve_digits_is_refused(amount: int) -> None:
    with pytest.raises(ValueError, match="amount"):
        build_request(EcrRequest(type="01", amount=amount))


def test_field_that_does_not_fit_is_refused_without_its_value(canary: str) -> None:
    with pytest.raises(ValueError, match="pan") as caught:
        build_request(EcrRequest(type="01", pan=canary * 2))
    assert canary not in str(caught.value)


def test_largest_amount_fills_its_field() -> None:
    assert build_request(EcrRequest(type="01", amount=9_999_999_999))[6:18] == b"999999999900"


def test_response_fields(respond: Callable[..., bytes]) -> None:
    [event] = Decoder().feed(respond(pan="1688700627201892", code="00"))
    assert isinstance(event, Frame)
    got = event.response
    assert (got.version, got.type, got.amount, got.code) == (1, "01", 62_500, "00")
    assert (got.rrn, got.approval, got.invoice, got.batch) == ("000000000009", "123456", "000123", "000007")
    assert (got.merchant, got.terminal, got.stamp) == ("MERCHANT0000001", "TERM0001", "20261124094100")
    assert (got.pan, got.last4) == ("1688700627201892", "1892")


@pytest.mark.parametrize("pan", ["", "0000000000000000", "************", "168870062720****"])
def test_hidden_card_number_has_no_last_four(respond: Callable[..., bytes], pan: str) -> None:
    [event] = Decoder().feed(respond(pan=pan))
    assert isinstance(event, Frame)
    assert event.response.last4 == ""


def test_repr_shows_no_card_number(respond: Callable[..., bytes], canary: str) -> None:
    [event] = Decoder().feed(respond(pan=canary))
    assert canary not in repr(event)
    assert canary not in repr(EcrRequest(type="01", pan=canary))


def test_print_id_ignores_the_card_and_sees_everything_else(respond: Callable[..., bytes], canary: str) -> None:
    def print_id(frame: bytes) -> str:
        [event] = Decoder().feed(frame)
        assert isinstance(event, Frame)
        return event.response.print_id

    assert print_id(respond()) == print_id(respond(pan=canary))
    assert print_id(respond()) != print_id(respond(rrn="000000000010"))


def test_log_form_hides_by_offset(respond: Callable[..., bytes], canary: str) -> None:
    shown = blanked(respond(pan=canary))
    assert canary.encode() not in shown
    assert b"SETIAWATI" not in shown
    assert b"000123" in shown
    request = blanked(build_request(EcrRequest(type="01", pan=canary, expiry="2812")))
    assert canary.encode() not in request
    assert b"2812" not in request


@pytest.mark.parametrize("lrc", [0x02, 0x03, 0x06, 0x15])
def test_lrc_may_look_like_a_control_byte(respond: Callable[..., bytes], lrc: int) -> None:
    letters = string.digits + string.ascii_letters
    frames = (respond(approval=f"{one}{two}3456") for one in letters for two in letters + string.punctuation)
    frame = next(frame for frame in frames if frame[-1] == lrc)
    decoder = Decoder()
    assert [type(e) for b in frame + b"\x06" for e in decoder.feed(bytes([b]))] == [Frame, Ack]


@given(st.lists(st.integers(0, 206), max_size=8))
def test_frame_glued_to_its_ack_survives_any_split(cuts: list[int]) -> None:
    wire = b"\x06" + _response()
    decoder = Decoder()
    events: list[Event] = []
    edges = [0, *sorted(cuts), len(wire)]
    for start, end in itertools.pairwise(edges):
        events += decoder.feed(wire[start:end])
    assert [type(event) for event in events] == [Ack, Frame]


@given(st.binary(max_size=40).filter(lambda g: b"\x02" not in g), st.integers(1, 205))
def test_garbage_before_a_response_is_skipped(garbage: bytes, piece: int) -> None:
    decoder = Decoder()
    wire = garbage + _response()
    events = [e for i in range(0, len(wire), piece) for e in decoder.feed(wire[i : i + piece])]
    assert isinstance(events[-1], Frame)
    assert sum(isinstance(event, Frame) for event in events) == 1


@given(st.binary(max_size=60))
def test_response_is_found_behind_garbage_with_false_beginnings(garbage: bytes) -> None:
    decoder = Decoder()
    events = decoder.feed(garbage + _response())
    events += decoder.expire()
    assert any(isinstance(event, Frame) for event in events)


@given(st.integers(0, 204), st.integers(1, 255))
def test_one_damaged_byte_is_never_a_good_frame(place: int, flip: int) -> None:
    frame = bytearray(_response())
    frame[place] ^= flip
    decoder = Decoder()
    events = decoder.feed(bytes(frame)) + decoder.expire()
    assert not any(isinstance(event, Frame) for event in events)
    assert not any(isinstance(event, Nak) for event in events if place)


@given(st.integers(1, 204))
def test_truncated_frame_is_told_after_the_gap(length: int) -> None:
    decoder = Decoder()
    assert decoder.feed(_response()[:length]) == []
    assert decoder.inside_frame
    assert decoder.expire() == [BadFrame("truncated")]
    assert [type(e) for e in decoder.feed(_response())] == [Frame]


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_bytes_end(pieces: list[bytes]) -> None:
    decoder = Decoder()
    for piece in pieces:
        decoder.feed(piece)
    decoder.expire()
    assert not decoder.inside_frame


def test_damaged_length_is_told_once_and_its_tail_is_no_nak(respond: Callable[..., bytes]) -> None:
    frame = respond()
    damaged = frame[:1] + b"\x02\x20" + frame[3:-1] + b"\x15"
    decoder = Decoder()
    assert decoder.feed(damaged) == [BadFrame("length")]
    assert decoder.feed(b"\x15") == []
    decoder.expire()
    assert decoder.feed(b"\x15") == [Nak()]


def test_response_with_control_bytes_in_its_fields_is_bad(respond: Callable[..., bytes]) -> None:
    [event] = Decoder().feed(respond(approval="12\x003456"[:6]))
    assert event == BadFrame("text")


def test_fraction_of_a_rupiah_is_no_amount(respond: Callable[..., bytes]) -> None:
    frame = bytearray(respond())
    frame[3 + 14] ^= 0x01
    frame[-1] ^= 0x01
    [event] = Decoder().feed(bytes(frame))
    assert isinstance(event, Frame)
    assert event.response.amount is None


def _response() -> bytes:
    body = "01000006250000" + "0" * 12 + " " * 19 + "0000" + "00" + "000000000009" + "123456" + "20261124094100"
    covered = b"\x02\x00\x01" + body.ljust(199, "7").encode() + b"\x03"
    check = 0
    for byte in covered:
        check ^= byte
    return b"\x02" + covered + bytes([check])
