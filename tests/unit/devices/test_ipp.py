"""IPP on the wire: requests as RFC 8010 writes them, answers whole, cut off, and made up."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.devices.ipp import JobState, Operation, custom_media, parse_answer, request

# RFC 8010 appendix A.2 (Print-Job response), rebuilt from its table.
PRINTED = (
    b"\x01\x01\x00\x00\x00\x00\x00\x01"
    b"\x01\x47\x00\x12attributes-charset\x00\x05utf-8"
    b"\x48\x00\x1battributes-natural-language\x00\x05en-us"
    b"\x41\x00\x0estatus-message\x00\x0dsuccessful-ok"
    b"\x02\x21\x00\x06job-id\x00\x04\x00\x00\x00\x93"
    b"\x45\x00\x07job-uri\x00\x2aipp://printer.example.com/ipp/print/147\x20\x20\x20"
    b"\x23\x00\x09job-state\x00\x04\x00\x00\x00\x03"
    b"\x03"
)
"""With the job's URI padded, so that the table's lengths stay readable."""


def test_a_request_is_the_table_of_the_standard() -> None:
    made = request(
        Operation.PRINT_JOB,
        1,
        "ipp://printer.example.com/ipp/print/pinetree",
        {"job-name": "foobar"},
        {"media": "custom_struk_58x120mm"},
        b"%PDF",
    )
    assert made == (
        b"\x01\x01\x00\x02\x00\x00\x00\x01"
        b"\x01\x47\x00\x12attributes-charset\x00\x05utf-8"
        b"\x48\x00\x1battributes-natural-language\x00\x02en"
        b"\x45\x00\x0bprinter-uri\x00\x2cipp://printer.example.com/ipp/print/pinetree"
        b"\x42\x00\x08job-name\x00\x06foobar"
        b"\x02\x44\x00\x05media\x00\x15custom_struk_58x120mm"
        b"\x03%PDF"
    )


def test_several_values_are_named_once() -> None:
    made = request(Operation.GET_JOB_ATTRIBUTES, 7, "u", {"job-id": 147, "requested-attributes": ("job-id", "job-uri")})
    assert made.endswith(
        b"\x21\x00\x06job-id\x00\x04\x00\x00\x00\x93"
        b"\x44\x00\x14requested-attributes\x00\x06job-id"
        b"\x44\x00\x00\x00\x07job-uri"
        b"\x03"
    )


def test_an_answer_is_read() -> None:
    answer = parse_answer(PRINTED)
    assert answer.successful
    assert (answer.number("job-id"), answer.number("job-state")) == (147, JobState.PENDING)
    assert answer.words("status-message") == ("successful-ok",)
    assert (answer.number("copies", 5), answer.words("job-id")) == (5, ())


def test_lists_booleans_and_refusals_are_read() -> None:
    answer = parse_answer(
        b"\x01\x01\x04\x06\x00\x00\x00\x02\x04"
        b"\x44\x00\x15printer-state-reasons\x00\x0cmedia-empty1\x44\x00\x00\x00\x0acover-open"
        b"\x22\x00\x19printer-is-accepting-jobs\x00\x01\x00"
        b"\x13\x00\x07no-such\x00\x00"
        b"\x31\x00\x04when\x00\x0bxxxxxxxxxxx"
        b"\x03"
    )
    assert not answer.successful
    assert answer.words("printer-state-reasons") == ("media-empty1", "cover-open")
    assert answer.number("printer-is-accepting-jobs", 1) == 0
    assert answer.attributes["no-such"] == answer.attributes["when"] == ()


@pytest.mark.parametrize("length", range(len(PRINTED)))
def test_an_answer_that_breaks_off_is_none(length: int) -> None:
    with pytest.raises(ValueError, match="IPP answer"):
        parse_answer(PRINTED[:length])


@given(st.binary(max_size=200))
def test_whatever_a_stranger_says_ends_in_an_answer_or_in_none(data: bytes) -> None:
    with contextlib.suppress(ValueError):  # and nothing else
        assert parse_answer(data).status == int.from_bytes(data[2:4], "big")


def test_the_roll_has_a_name() -> None:
    assert custom_media(80, 211) == "custom_struk_80x211mm"
