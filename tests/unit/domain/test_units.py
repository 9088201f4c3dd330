"""Rupiah and quantities are exact and never mix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.units import Quantity, Rupiah, Unit, grams, millilitres, pieces

AMOUNTS = st.integers(-(10**12), 10**12)


@given(AMOUNTS, AMOUNTS)
def test_rupiah_adds_and_subtracts_exactly(a: int, b: int) -> None:
    assert Rupiah(a) + Rupiah(b) == Rupiah(a + b)
    assert (Rupiah(a) + Rupiah(b)) - Rupiah(b) == Rupiah(a)
    assert (Rupiah(a) < Rupiah(b)) == (a < b)
    assert Rupiah(a) * 3 == Rupiah(a) + Rupiah(a) + Rupiah(a)


@given(AMOUNTS, st.integers(1, 1000))
def test_a_split_loses_nothing(amount: int, parts: int) -> None:
    share, rest = Rupiah(amount).split(parts)
    assert share * parts + rest == Rupiah(amount)
    assert 0 <= rest.amount < parts


@pytest.mark.parametrize("parts", [0, -1])
def test_a_split_into_no_parts_is_refused(parts: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Rupiah(100).split(parts)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "Rp0"),
        (500, "Rp500"),
        (67_500, "Rp67.500"),
        (1_234_567, "Rp1.234.567"),
        (-15_000, "-Rp15.000"),
    ],
)
def test_rupiah_as_written(amount: int, written: str) -> None:
    assert str(Rupiah(amount)) == written


@pytest.mark.parametrize(
    ("quantity", "written"),
    [
        (grams(10_000), "10 kg"),
        (grams(2_500), "2,5 kg"),
        (grams(1_005), "1,005 kg"),
        (grams(1_050), "1,05 kg"),
        (grams(750), "750 g"),
        (grams(0), "0 kg"),
        (grams(-2_500), "-2,5 kg"),
        (grams(-250), "-250 g"),
        (grams(1_234_567_000), "1.234.567 kg"),
        (millilitres(2_000), "2 L"),
        (millilitres(900), "900 ml"),
        (millilitres(0), "0 L"),
        (pieces(30), "30 butir"),
        (pieces(0), "0 butir"),
        (pieces(12_000), "12.000 butir"),
    ],
)
def test_quantities_as_written(quantity: Quantity, written: str) -> None:
    assert str(quantity) == written
    assert f"{quantity.figure} {quantity.symbol}" == written


@given(AMOUNTS, AMOUNTS, st.sampled_from(Unit))
def test_quantities_of_one_kind_calculate_and_compare(a: int, b: int, unit: Unit) -> None:
    first, second = Quantity(a, unit), Quantity(b, unit)
    assert (first + second) - second == first
    assert first * 2 == first + first
    assert (first < second, first <= second, first > second, first >= second) == (a < b, a <= b, a > b, a >= b)


def test_quantities_of_two_kinds_never_mix() -> None:
    for combine in (
        lambda: grams(1) + millilitres(1),
        lambda: grams(1) - pieces(1),
        lambda: grams(1) < millilitres(1),
        lambda: pieces(1) <= millilitres(1),
    ):
        with pytest.raises(TypeError, match="cannot combine"):
            combine()
    assert grams(1) != millilitres(1)


@given(st.integers(0, 10**9))
def test_a_written_weight_is_read_back_as_the_same_grams(amount: int) -> None:
    number, symbol = str(grams(amount)).split(" ")
    whole, _, rest = number.replace(".", "").partition(",")
    assert int(whole) * (1000 if symbol == "kg" else 1) + int(rest.ljust(3, "0") if rest else 0) == amount
