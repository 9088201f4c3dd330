"""A typed number: with a leader's PIN and a reason, recorded, and nothing of the number kept."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from ewarung_pos.domain.family import card_ref
from ewarung_pos.domain.journal import CardTyped
from ewarung_pos.errors import NotAuthorised, NotEntitled
from ewarung_pos.ports import CardPresented
from ewarung_pos.services.typed_card import TypedCardService, TypedReason
from tests.new_ledger import new_ledger
from tests.till_kit import CARD_KEY, LEDGER_KEY, TillKit
from tests.unit.services.counter import facts

NUMBER = "9999842538824821"
LEADER = "222222"


@pytest.fixture
def typed(kit: TillKit) -> TypedCardService:
    return TypedCardService(kit.ledger, kit.operators)


def test_a_typed_number_is_the_card_and_the_journal_says_so(kit: TillKit, typed: TypedCardService) -> None:
    found = typed.admit(NUMBER, TypedReason.CARD_BROKEN, LEADER, "siti")
    assert found == CardPresented(card_ref(CARD_KEY, NUMBER), "", "typed")
    family = kit.ledger.read().family_by_card(found.card.token)
    assert family is not None
    assert facts(kit)[-1] == CardTyped("4821", family.key, "kartu_rusak", "yuni")
    entry = kit.ledger.read().sealed(kit.ledger.read().head().seq - 1, 1, 10_000)[0]
    assert NUMBER not in entry.body.decode()


def test_a_number_that_is_not_of_the_register_is_recorded_too(kit: TillKit, typed: TypedCardService) -> None:
    typed.admit("6013014455667785", TypedReason.NO_READER, LEADER, "siti")
    assert facts(kit)[-1] == CardTyped("7785", "", "tanpa_pembaca", "yuni")


@pytest.mark.parametrize("number", ["", "123", "6013014455667785X", "60130144556677850000", "\uff16" * 16])
def test_what_is_no_card_number_is_refused_before_the_pin_is_looked_at(
    kit: TillKit, typed: TypedCardService, number: str
) -> None:
    before = kit.ledger.read().head().seq
    with pytest.raises(NotEntitled) as caught:
        typed.admit(number, TypedReason.CARD_BROKEN, "000000", "siti")
    assert caught.value.reason == "typed_number"
    assert not number or number not in "".join(traceback.format_exception(caught.value))
    assert kit.ledger.read().head().seq == before
    assert kit.ledger.read().pin_failures("yuni") == 0


@pytest.mark.parametrize("pin", ["111111", "000000"])
def test_without_a_leaders_pin_nothing_is_served_or_recorded(kit: TillKit, typed: TypedCardService, pin: str) -> None:
    before = len(facts(kit))
    with pytest.raises(NotAuthorised) as caught:
        typed.admit(NUMBER, TypedReason.CARD_BROKEN, pin, "siti")
    assert caught.value.reason == "wrong_pin"
    assert len(facts(kit)) == before
    assert kit.ledger.read().pin_failures("yuni") == 1


def test_a_kiosk_without_the_citys_key_knows_no_card(tmp_path: Path, kit: TillKit) -> None:
    from ewarung_pos.ledger.database import open_ledger

    empty = tmp_path / "empty"
    empty.mkdir()
    new_ledger(empty, LEDGER_KEY, encrypted=False)
    ledger = open_ledger(empty, LEDGER_KEY, kit.clock, encrypted=False)
    try:
        with pytest.raises(NotEntitled) as caught:
            TypedCardService(ledger, kit.operators).admit(NUMBER, TypedReason.CARD_BROKEN, LEADER, "siti")
        assert caught.value.reason == "not_enrolled"
    finally:
        ledger.close()


@pytest.mark.parametrize("reason", TypedReason)
def test_every_reason_has_its_words(reason: TypedReason) -> None:
    assert reason.label.islower()
