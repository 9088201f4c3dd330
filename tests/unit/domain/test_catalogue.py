"""Goods are found by code; programmes and price limits hold on their dates."""

from __future__ import annotations

from importlib import resources

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewarung_pos.domain.catalogue import Catalogue, Commodity
from ewarung_pos.domain.timeline import BusinessDate
from ewarung_pos.domain.units import Rupiah, Unit
from tests.unit.domain.counter_sample import CATALOGUE, EGG, OIL, RICE_5, SALT, TODAY

replace = msgspec.structs.replace


def test_goods_and_programmes_are_found_by_code() -> None:
    for item in CATALOGUE.commodities:
        assert CATALOGUE.commodity(item.code) is item
    for product in CATALOGUE.products:
        assert CATALOGUE.product(product.code) is product
    for programme in CATALOGUE.programmes:
        assert CATALOGUE.programme(programme.code) is programme


def test_an_unknown_code_is_named() -> None:
    for find in (CATALOGUE.commodity, CATALOGUE.product, CATALOGUE.programme):
        with pytest.raises(KeyError, match="emas"):
            find("emas")


@pytest.mark.parametrize(
    ("programme", "commodity", "day", "eligible"),
    [
        ("JATAH", "beras", "2025-12-31", False),
        ("JATAH", "beras", "2026-01-01", True),
        ("JATAH", "beras", "2099-01-01", True),
        ("JATAH", "gula", "2026-11-24", True),
        ("JATAH", "gula", "2026-11-25", False),
        ("SEMBAKO", "gula", "2026-11-24", False),
        ("SEMBAKO", "telur", "2026-11-24", True),
        ("LAIN", "beras", "2026-11-24", False),
    ],
)
def test_a_programme_hands_out_on_its_dates(programme: str, commodity: str, day: str, eligible: bool) -> None:
    assert CATALOGUE.eligible(programme, commodity, BusinessDate(day)) is eligible


@pytest.mark.parametrize(
    ("day", "price"),
    [("2024-06-06", None), ("2024-06-07", 12_500), ("2025-08-21", 12_500), ("2025-08-22", 13_500)],
)
def test_the_newest_limit_that_has_begun_is_in_force(day: str, price: int | None) -> None:
    limit = CATALOGUE.ceiling(RICE_5, BusinessDate(day))
    assert (limit.price.amount if limit else None) == price


def test_a_limit_holds_for_its_grade_only() -> None:
    assert CATALOGUE.ceiling(replace(RICE_5, grade="premium"), TODAY) is None
    assert CATALOGUE.ceiling(SALT, TODAY) is None


def test_a_pack_at_the_limit_is_not_over_it_and_one_rupiah_more_is() -> None:
    assert not CATALOGUE.over_ceiling(RICE_5, TODAY)
    assert CATALOGUE.over_ceiling(replace(RICE_5, price=Rupiah(67_501)), TODAY)


def test_a_reference_price_is_never_exceeded_bindingly() -> None:
    assert EGG.price.amount > 1_900 * EGG.pack.amount
    assert not CATALOGUE.over_ceiling(EGG, TODAY)


def test_without_a_limit_nothing_is_over_it() -> None:
    assert not CATALOGUE.over_ceiling(replace(OIL, price=Rupiah(10**9)), TODAY)


def test_pieces_are_limited_each() -> None:
    binding = replace(CATALOGUE, ceilings=tuple(replace(limit, binding=True) for limit in CATALOGUE.ceilings))
    assert binding.over_ceiling(EGG, TODAY)
    assert not binding.over_ceiling(replace(EGG, price=Rupiah(19_000)), TODAY)


@given(st.integers(1, 10**6), st.integers(1, 50_000))
def test_a_limit_is_compared_exactly(price: int, content: int) -> None:
    product = replace(RICE_5, price=Rupiah(price), pack=replace(RICE_5.pack, amount=content))
    assert CATALOGUE.over_ceiling(product, TODAY) == (price * 1000 > 13_500 * content)


def test_a_catalogue_survives_the_wire() -> None:
    assert msgspec.json.decode(msgspec.json.encode(CATALOGUE), type=Catalogue) == CATALOGUE


def test_the_picture_of_goods_without_one_of_their_own_is_drawn() -> None:
    name = Commodity("garam", "Garam", "Garam", Unit.GRAM).pictogram
    assert (resources.files("ewarung_pos") / "resources" / "pictograms" / f"{name}.svg").is_file()
