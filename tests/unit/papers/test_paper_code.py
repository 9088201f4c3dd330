"""The QR on a paper leads back to its entry."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewarung_pos.domain.paper_code import PaperCode, parse_qr, qr_text
from ewarung_pos.domain.timeline import BusinessDate

QR_ALPHANUMERIC = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
CODES = st.builds(
    PaperCode,
    kind=st.sampled_from(["receipt", "reversal", "day_report"]),
    device=st.text(min_size=1, max_size=12),
    epoch=st.integers(0, 999_999),
    seq=st.integers(0, 10**12 - 1),
    digest=st.binary(min_size=8, max_size=8).map(bytes.hex),
    number=st.integers(0, 10**9 - 1),
    date=st.dates(dt.date(2020, 1, 1), dt.date(2099, 12, 31)).map(lambda day: BusinessDate(day.isoformat())),
    total=st.integers(0, 10**13 - 1),
)
GOOD = "EW1:S:EW-0123:1:123:9F86D081884C7D65:47:2026-11-24:191000"


@settings(deadline=None)
@given(CODES)
def test_a_code_is_read_back_as_written(code: PaperCode) -> None:
    text = qr_text(code)
    assert parse_qr(text) == code
    assert set(text) <= QR_ALPHANUMERIC


def test_the_documented_example() -> None:
    code = parse_qr(f" {GOOD}\r\n")
    assert (code.kind, code.device, code.epoch, code.seq) == ("receipt", "EW-0123", 1, 123)
    assert (code.digest, code.number, code.date.iso, code.total) == ("9f86d081884c7d65", 47, "2026-11-24", 191_000)
    assert code.matches("9f86d081884c7d65" + "0" * 48)
    assert not code.matches("9f86d081884c7d66" + "0" * 48)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.org",
        GOOD.replace("EW1", "EW2"),
        GOOD.replace(":S:", ":X:"),
        GOOD.replace("9F86", "9f86"),
        GOOD.replace("2026-11-24", "2026-13-24"),
        GOOD + ":1",
        GOOD.replace("EW-0123", "%FF"),
        GOOD.replace(":47:", ":-47:"),
        GOOD.replace("EW-0123", ""),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_qr(text)


def test_a_field_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="paper code"):
        qr_text(PaperCode("receipt", "EW-0123", 1, 1, "abc", 1, BusinessDate("2026-11-24"), 1))
    with pytest.raises(ValueError, match="paper code"):
        qr_text(PaperCode("invoice", "EW-0123", 1, 1, "0" * 16, 1, BusinessDate("2026-11-24"), 1))
