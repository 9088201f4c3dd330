"""What the family hears: every number in words, nobody's name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.spoken import spoken_debit, spoken_handover, spoken_text
from tests.unit.papers.sample_papers import EGGS, RICE, SUGAR, ration_only, redeemed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Beras medium 5 kg", "Beras medium lima kilogram"),
        ("Minyakita 1 L", "Minyakita satu liter"),
        ("Wortel 500g, Rp67.500", "Wortel lima ratus gram, enam puluh tujuh ribu lima ratus rupiah"),
        ("Santan 65 ml", "Santan enam puluh lima mililiter"),
        ("Telur isi 10", "Telur isi sepuluh"),
        ("2,5 kg", "dua koma lima kilogram"),
        ("1.200 butir", "seribu dua ratus butir"),
        ("99999999999999", "99999999999999"),
        ("Rp0", "nol rupiah"),
        ("Rp 1.000.000", "satu juta rupiah"),
        ("Gulaku", "Gulaku"),
        ("9999999999999", "sembilan triliun"),
    ],
)
def test_numbers_and_units_in_words(text: str, said: str) -> None:
    assert spoken_text(text).startswith(said)


@given(st.text())
def test_any_name_of_a_product_can_be_said(text: str) -> None:
    spoken_text(text)


def test_before_the_pin_the_amount_is_said() -> None:
    assert spoken_debit(83_200) == (
        "Saldo KKS akan ditarik delapan puluh tiga ribu dua ratus rupiah. Tekan PIN sendiri di mesin EDC."
    )


def test_after_the_record_goods_and_what_paid_for_them() -> None:
    assert spoken_handover(redeemed(lines=(RICE, EGGS, SUGAR))) == (
        "dua sak Beras medium Rojolele lima kilogram, isi sepuluh kilogram. "
        "dua tray Telur ayam ras isi sepuluh, isi dua puluh butir. "
        "satu bungkus Gula pasir Gulaku satu kilogram, isi satu kilogram. "
        "Saldo KKS ditarik tiga puluh sembilan ribu rupiah. "
        "Tunai tujuh belas ribu lima ratus rupiah. "
        "Sisa jatah: Beras habis, Minyak goreng satu liter. "
        "Sisa saldo menurut catatan seratus enam puluh satu ribu rupiah."
    )


def test_a_ration_is_said_without_money() -> None:
    said = spoken_handover(ration_only())
    assert "rupiah" not in said
    assert not re.search(r"\d", said)


def test_what_is_left_of_a_ration_is_said() -> None:
    said = spoken_handover(ration_only())
    assert said.endswith("Sisa jatah: Beras habis, Minyak goreng satu liter.")
    assert "Sisa jatah" not in spoken_handover(redeemed(remaining=()))


def test_a_balance_that_nobody_knows_is_not_said() -> None:
    assert "Sisa saldo" not in spoken_handover(redeemed(purse_after=None))
