"""Amounts in words, typed amounts, and what may reach paper."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewarung_pos.domain.units import Rupiah
from ewarung_pos.domain.wording import HIGHEST, paper_text, parse_rupiah, rupiah_in_words, terbilang

AMOUNTS = st.integers(0, HIGHEST)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "nol"),
        (7, "tujuh"),
        (10, "sepuluh"),
        (11, "sebelas"),
        (12, "dua belas"),
        (19, "sembilan belas"),
        (20, "dua puluh"),
        (100, "seratus"),
        (111, "seratus sebelas"),
        (200, "dua ratus"),
        (1000, "seribu"),
        (1100, "seribu seratus"),
        (2000, "dua ribu"),
        (11_000, "sebelas ribu"),
        (101_000, "seratus satu ribu"),
        (207_200, "dua ratus tujuh ribu dua ratus"),
        (1_000_000, "satu juta"),
        (1_001_000, "satu juta seribu"),
        (2_950_000, "dua juta sembilan ratus lima puluh ribu"),
        (1_000_000_000, "satu miliar"),
        (1_000_000_000_000, "satu triliun"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert terbilang(number) == words


def read_words(words: str) -> int:
    """The number that the words say, by an independent reading from left to right."""
    digits = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")
    ones = {digit: number for number, digit in enumerate(digits)}
    total = block = last = 0
    for word in words.split():
        match word:
            case "sepuluh":
                block += 10
            case "sebelas":
                block += 11
            case "seratus":
                block += 100
            case "seribu":
                total += 1000
            case "belas":
                block += 10
            case "puluh":
                block += last * 9
            case "ratus":
                block += last * 99
            case "ribu" | "juta" | "miliar" | "triliun":
                total += block * {"ribu": 10**3, "juta": 10**6, "miliar": 10**9, "triliun": 10**12}[word]
                block = 0
            case _:
                last = ones[word]
                block += last
    return total + block


@settings(deadline=None)
@given(AMOUNTS)
def test_words_say_the_number_again(number: int) -> None:
    assert read_words(terbilang(number)) == number


@settings(deadline=None)
@given(AMOUNTS)
def test_no_satu_where_the_language_says_se(number: int) -> None:
    padded = f" {terbilang(number)} "
    for wrong in ("satu puluh", "satu belas", "satu ratus"):
        assert f" {wrong} " not in padded
    assert not padded.startswith(" satu ribu")


@pytest.mark.parametrize("number", [-1, HIGHEST + 1])
def test_numbers_without_words_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        terbilang(number)


def test_rupiah_in_words_as_on_a_kuitansi() -> None:
    assert rupiah_in_words(Rupiah(2_950_000)) == "dua juta sembilan ratus lima puluh ribu rupiah"


@pytest.mark.parametrize(
    "text",
    ["200000", "200.000", "Rp200.000", "Rp 200.000", "rp 200000", "  Rp200.000,00 ", "RP200000"],
)
def test_generous_spellings_of_one_amount(text: str) -> None:
    assert parse_rupiah(text) == Rupiah(200_000)


@pytest.mark.parametrize(
    "text",
    [
        "200,000",  # a question for the person: two hundred, or two hundred thousand?
        "200,5",
        "200.00",
        "20.0000",
        "2.00.000",
        "1,000.00",
        "",
        "Rp",
        "-5",
        "007",
        "0.200",
        "2e5",
        "٢٠٠",
        "dua ratus",
        "Rp  200",
        "99999999999999",
    ],
)
def test_doubtful_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an amount|above"):
        parse_rupiah(text)


@settings(deadline=None)
@given(AMOUNTS)
def test_an_amount_as_we_write_it_is_read_back(number: int) -> None:
    assert parse_rupiah(str(Rupiah(number))) == Rupiah(number)
    assert parse_rupiah(str(number)) == Rupiah(number)


@settings(deadline=None)
@given(st.text())
def test_paper_carries_printable_ascii_only(text: str) -> None:
    assert all(" " <= char <= "~" for char in paper_text(text))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_left_alone(text: str) -> None:
    assert paper_text(text) == text


@settings(deadline=None)
@given(st.text(), st.sampled_from(["cp437", "cp850", "cp858", "cp1252"]))
def test_letters_of_a_code_page_are_one_byte_each_and_steer_nothing(text: str, page: str) -> None:
    kept = paper_text(text, page)
    assert len(kept.encode(page)) == len(kept)
    assert all(byte >= 0x20 and byte != 0x7F for byte in kept.encode(page))


def test_accents_stay_where_the_printer_has_them() -> None:
    assert paper_text("Jose\u0301 R\xfcdi \u0160", "cp850") == "Jos\xe9 R\xfcdi S"
    assert paper_text("\xbd \u20ac \u0153", "cp1252") == "1?2 ? \u0153"


def test_names_from_a_register_cannot_steer_the_printer() -> None:
    assert paper_text("SITI\x1b@\x1dV\x00\u202eAH") == "SITI@VAH"
    assert (
        paper_text("Caf\u00e9 \u2014 5\u00d72 \u2022 \u2018enak\u2019 \u2026 10\u00a0kg")
        == "Cafe - 5x2 * 'enak' ... 10 kg"
    )
    assert paper_text("ꦱꦺꦩꦫꦁ").strip("?") == ""
