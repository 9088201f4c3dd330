"""The city's end: pages of state, acknowledgements, and what is still to send."""

from __future__ import annotations

import msgspec
import pytest

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import CardRef, CardStatus
from ewarung_pos.domain.journal import CityAcknowledged, StateReceived
from ewarung_pos.domain.pins import OwnHash, origin_of
from ewarung_pos.domain.state import OperatorRecord, PurseCredit, StatePage
from ewarung_pos.domain.timeline import Period
from ewarung_pos.domain.units import Rupiah, Unit
from ewarung_pos.errors import ProtocolMismatch
from ewarung_pos.ledger.database import SqlLedger
from tests.integration.ledger.kiosk import catalogue, family, page, rice, serve

NOVEMBER = Period("2026-11")


def acknowledge(ledger: SqlLedger, seq: int) -> None:
    sealed = ledger.read().sealed(seq - 1, 1, 10**6)[0]
    with ledger.write() as uow:
        uow.append(CityAcknowledged(seq, sealed.hash.hex(), 0, ""))


def test_a_page_is_one_entry_with_its_digest_and_its_effect_on_rights(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = uow.accept(page(11, families=1), "abc")
    fact = entry.fact
    assert isinstance(fact, StateReceived)
    assert (fact.cursor, fact.digest) == (11, "abc")
    assert fact.leases == page(11, families=1).leases
    assert fact.credits == (("F0001", "KKS", "2026-11", 200_000),)
    assert ledger.read().cursor() == 11


@pytest.mark.parametrize("cursor", [9, 10])
def test_a_page_that_is_not_newer_is_refused_whole(ledger: SqlLedger, cursor: int) -> None:
    with pytest.raises(ProtocolMismatch) as caught, ledger.write() as uow:
        uow.accept(page(cursor, families=9), "abc")
    assert caught.value.reason == "downgrade"
    assert len(ledger.read().families()) == 3


def test_granted_totals_only_grow(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.accept(page(11, rice=5_000), "a")
    assert ledger.read().leases("F0001", NOVEMBER)[0].granted == 10_000
    with ledger.write() as uow:
        uow.accept(page(12, rice=15_000), "b")
    assert ledger.read().leases("F0001", NOVEMBER)[0].granted == 15_000


def test_a_lease_cannot_change_its_unit(ledger: SqlLedger) -> None:
    wrong = StatePage(cursor=11, leases=(LeaseGrant("F0001", "BPNT", "2026-11", "beras", Unit.PIECE, 99_999),))
    with pytest.raises(ProtocolMismatch) as caught, ledger.write() as uow:
        uow.accept(wrong, "a")
    assert caught.value.reason == "unit"
    assert ledger.read().cursor() == 10


def test_credits_are_totals_that_replace_each_other(ledger: SqlLedger) -> None:
    for cursor, amount in ((11, 400_000), (12, 300_000)):
        with ledger.write() as uow:
            uow.accept(StatePage(cursor, credits=(PurseCredit("F0001", "KKS", "2026-11", amount),)), "a")
    assert ledger.read().shadow("F0001") == Rupiah(300_000)


def test_a_page_replaces_families_and_their_cards_and_leaves_the_others(ledger: SqlLedger) -> None:
    new = msgspec.structs.replace(
        family(1), name="NAMA BARU", card=CardRef("f" * 64, "9999"), card_status=CardStatus.BLOCKED
    )
    with ledger.write() as uow:
        uow.accept(StatePage(11, families=(new,)), "a")
    reader = ledger.read()
    assert reader.family("F0001") == new
    assert reader.family_by_card(family(1).card.token) is None
    assert reader.family_by_card("f" * 64) == new
    assert reader.family("F0002") == family(2)
    assert reader.catalogue() == catalogue()
    assert reader.register_info() == ("2026-11-01", "DTSEN", 3)


def test_a_card_that_moves_to_another_family_belongs_to_the_later_one(ledger: SqlLedger) -> None:
    moved = msgspec.structs.replace(family(4), card=family(1).card)
    with ledger.write() as uow:
        uow.accept(StatePage(11, families=(moved,)), "a")
    assert ledger.read().family_by_card(family(1).card.token) == moved


def test_the_citys_operators_keep_the_pin_they_have_here(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.put_operator(OperatorRecord("K1", "SRI", "kasir", "local"))
        uow.accept(StatePage(11, operators=(OperatorRecord("K1", "SRI M", "ketua"),)), "a")
    assert ledger.read().operators() == (OperatorRecord("K1", "SRI M", "ketua", "local"),)
    with ledger.write() as uow:
        uow.accept(StatePage(12, operators=(OperatorRecord("K1", "SRI M", "ketua", "reset"),)), "b")
    assert ledger.read().operators()[0].pin_hash == "reset"


def test_a_new_pin_from_the_city_opens_an_account_that_wrong_ones_locked(ledger: SqlLedger) -> None:
    """A sole leader has nobody else who could."""
    with ledger.write() as uow:
        uow.put_operator(OperatorRecord("K1", "SRI", "ketua", "first"))
        for _ in range(5):
            uow.pin_failed("K1")
    for cursor, pin in ((11, ""), (12, "first")):  # her name, or the PIN she has: no reset
        with ledger.write() as uow:
            uow.accept(StatePage(cursor, operators=(OperatorRecord("K1", f"SRI {cursor}", "ketua", pin),)), "a")
        assert (ledger.read().pin_failures("K1"), ledger.read().operators()[0].pin_hash) == (5, "first")
    with ledger.write() as uow:
        uow.accept(StatePage(13, operators=(OperatorRecord("K1", "SRI", "ketua", "second"),)), "a")
    assert (ledger.read().pin_failures("K1"), ledger.read().operators()[0].pin_hash) == (0, "second")


def test_the_tills_own_hash_outlives_the_citys_news_but_not_its_reset(ledger: SqlLedger) -> None:
    own = str(OwnHash("pepper", origin_of("first"), "$argon2id$..."))
    with ledger.write() as uow:
        uow.put_operator(OperatorRecord("K1", "SRI", "kasir", own))
        uow.pin_failed("K1")
        uow.accept(StatePage(11, operators=(OperatorRecord("K1", "SRI M", "ketua", "first"),)), "a")
    assert ledger.read().operators() == (OperatorRecord("K1", "SRI M", "ketua", own),)
    assert ledger.read().pin_failures("K1") == 1
    with ledger.write() as uow:
        uow.accept(StatePage(12, operators=(OperatorRecord("K1", "SRI M", "ketua", "second"),)), "b")
    assert (ledger.read().operators()[0].pin_hash, ledger.read().pin_failures("K1")) == ("second", 0)


def test_nothing_is_unsent_once_all_but_acknowledgements_is_acknowledged(ledger: SqlLedger, opened: object) -> None:
    assert ledger.read().head().unsent == 4
    acknowledge(ledger, 3)
    assert (ledger.read().head().acked_seq, ledger.read().head().unsent) == (3, 1)
    acknowledge(ledger, 4)
    head = ledger.read().head()
    assert (head.seq, head.acked_seq, head.unsent) == (6, 4, 0)
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        assert uow.head().unsent == 1
    ledger.close()
    assert callable(opened)
    assert opened().read().head().unsent == 1


def test_an_acknowledgement_that_comes_late_takes_nothing_back(ledger: SqlLedger) -> None:
    acknowledge(ledger, 4)
    before = ledger.read().head()
    acknowledge(ledger, 2)
    head = ledger.read().head()
    assert (head.acked_seq, head.acked_hash, head.unsent) == (4, before.acked_hash, 0)
