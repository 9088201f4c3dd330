"""The till knows a card by its token and its last four digits, and a NIK by its ends."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.family import CardRef, HolderPresence, card_ref, luhn_valid, mask_nik

KEY = b"the city's card key"
NUMBER = "9999842538824821"
DIGITS = st.text("0123456789", min_size=14, max_size=19)


def test_a_card_becomes_its_keyed_token_and_last_four_digits() -> None:
    card = card_ref(KEY, f" {NUMBER}\n")
    assert card == CardRef(hmac.new(KEY, NUMBER.encode(), hashlib.sha256).hexdigest(), "4821")
    assert card.masked == "**** 4821"


def test_another_key_makes_another_token() -> None:
    assert card_ref(KEY, NUMBER).token != card_ref(b"another", NUMBER).token


@given(DIGITS)
def test_the_number_is_in_nothing_the_till_keeps(number: str) -> None:
    card = card_ref(KEY, number)
    assert number not in repr(card)
    assert card.last4 == number[-4:]
    assert len(card.token) == 64


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "1234567890123",
        "12345678901234567890",
        "9999 8425 3882 4821",
        "999984253882482X",
        "\u0669" * 16,
        "\uff19" * 16,
    ],
)
def test_what_is_no_card_number_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(ValueError, match="14 to 19 digits") as caught:
        card_ref(KEY, wrong)
    assert type(caught.value) is ValueError
    assert not wrong or wrong not in str(caught.value)


@pytest.mark.parametrize("number", ["4111111111111111", "5500005555555559", NUMBER, "18", "0"])
def test_a_right_check_digit(number: str) -> None:
    assert luhn_valid(number)


@pytest.mark.parametrize("number", ["", "12x4", "٤٢", "4111111111111112", "4111111111111171"])
def test_a_wrong_check_digit_or_no_digits_at_all(number: str) -> None:
    assert not luhn_valid(number)


@given(st.text("0123456789", min_size=1, max_size=19), st.data())
def test_every_single_wrong_digit_fails_the_check(digits: str, data: st.DataObject) -> None:
    number = next(digits + last for last in "0123456789" if luhn_valid(digits + last))
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != number[place]))
    assert not luhn_valid(number[:place] + other + number[place + 1 :])


def test_a_nik_keeps_its_first_and_last_four_digits() -> None:
    assert mask_nik("3374015708619062") == "3374••••••••9062"


@given(st.text("0123456789", max_size=20))
def test_masking_hides_birth_date_and_sex_and_keeps_the_length(nik: str) -> None:
    masked = mask_nik(nik)
    assert len(masked) == len(nik)
    assert set(masked[4:-4]) <= {"•"}
    if len(nik) < 12:
        assert masked == "•" * len(nik)


def test_presence_as_said_at_the_counter() -> None:
    assert [presence.label for presence in HolderPresence] == ["Sendiri", "Anggota KK", "Kuasa"]
