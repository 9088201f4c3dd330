"""Words that people type reach the journal short and without long numbers, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.domain.redemption import Basket
from ewarung_pos.domain.stock import CountLine, ReceivedLine, VarianceReason
from ewarung_pos.errors import NotEntitled
from tests.till_kit import TillKit
from tests.unit.services.counter import RICE, SELF, facts, purse, ration

GOODS = (ReceivedLine(RICE, 1),)


def receive(kit: TillKit, text: str) -> None:
    kit.stock.receive(text, "SJ-1", GOODS, "siti")


def number(kit: TillKit, text: str) -> None:
    kit.stock.receive("Bulog", text, GOODS, "siti")


def note(kit: TillKit, text: str) -> None:
    kit.stock.adjust((CountLine(RICE, 50, 49, VarianceReason.OTHER, text),), "siti")


def explanation(kit: TillKit, text: str) -> None:
    kit.day.seal("siti", EdcTotals(1, "1", text))


def proxy(kit: TillKit, text: str) -> None:
    kit.redeem.redeem(kit.card("SRI WAHYUNI"), Basket((ration(RICE, 1),)), SELF, "siti", text)


def proxy_of_a_purse(kit: TillKit, text: str) -> None:
    kit.redeem.begin(kit.card("TUKINAH"), Basket((purse("telur-1", 1),)), SELF, "siti", text)


@pytest.mark.parametrize("typed", [receive, number, note, explanation, proxy, proxy_of_a_purse])
@pytest.mark.parametrize(
    ("text", "reason"), [("x" * 121, "text_too_long"), ("3374015708619", "text_number"), ("9" * 16, "text_number")]
)
def test_a_text_that_may_not_be_kept_changes_nothing(
    shop: TillKit, typed: Callable[[TillKit, str], None], text: str, reason: str
) -> None:
    before = facts(shop)
    with pytest.raises(NotEntitled) as refused:
        typed(shop, text)
    assert refused.value.reason == reason
    assert text not in str(refused.value)
    assert facts(shop) == before


@pytest.mark.parametrize("typed", [note, explanation])
@pytest.mark.parametrize("text", ["SUMINAH", "kurang bayar bu Suminah", "sri-wahyuni (4821)", "punya Sri  Wahyuni."])
def test_a_family_of_the_register_is_not_named_in_what_happened(
    shop: TillKit, typed: Callable[[TillKit, str], None], text: str
) -> None:
    before = facts(shop)
    with pytest.raises(NotEntitled) as refused:
        typed(shop, text)
    assert refused.value.reason == "text_name"
    assert text not in str(refused.value)
    assert facts(shop) == before


@pytest.mark.parametrize("text", ["struk 0047, kartu 4821", "kasir Sri lupa", "suminahan", "tumpah"])
def test_a_receipt_number_and_words_that_only_look_alike_pass(shop: TillKit, text: str) -> None:
    note(shop, text)


def test_a_supplier_may_bear_the_name_of_a_family(shop: TillKit) -> None:
    receive(shop, "Bu Suminah")
