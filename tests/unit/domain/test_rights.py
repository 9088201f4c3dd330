"""Rights that move: nobody gives back what it does not have, and the pool serves only whom nothing else can."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from ewarung_pos.domain.entitlement import LeaseGrant, Refusal, check, take_all
from ewarung_pos.domain.family import CardStatus
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import (
    HARDSHIP,
    HardshipReason,
    Surrender,
    asks_city,
    give_back,
    grant_text,
    holder_of,
    is_pool,
    name_digest,
    pool_family,
    pool_helps,
    pool_of,
    pool_standing,
    stranger_of,
    surrenders,
    with_pool,
)
from ewarung_pos.domain.units import Unit
from tests.unit.domain.counter_sample import CATALOGUE, FAMILY, PERIOD, RICE_5, lease, standing

replace = msgspec.structs.replace
NOBODYS = replace(standing(), leases=())
TOTAL = st.integers(0, 20_000)


def wish(total: int, commodity: str = "beras", unit: Unit = Unit.GRAM) -> Surrender:
    held = lease(commodity, 0)
    return Surrender(held.family, held.programme, held.period, commodity, unit, total)


# --- giving back ----------------------------------------------------------------------------------------------------


@given(TOTAL, TOTAL, TOTAL, TOTAL, st.integers(-5, 50_000))
def test_what_is_given_back_was_there_and_no_total_falls(
    granted: int, before: int, spent: int, back: int, asked: int
) -> None:
    held = replace(lease("beras", granted), surrendered=before, spent=spent, returned=back)
    assume(back <= spent and held.rest >= 0)
    after = give_back(held, asked)
    assert before <= after <= granted - spent + back
    assert after == before or after <= asked
    assert give_back(replace(held, surrendered=after), asked) == after


def test_a_lease_that_was_overdrawn_gives_nothing_back() -> None:
    assert give_back(replace(lease("beras", 1000), spent=2000), 5000) == 0


def test_only_what_is_held_is_given_back_and_of_several_wishes_the_largest_counts() -> None:
    held = (replace(lease("beras", 10_000), spent=4_000), lease("gula", 2_000))
    asked = [
        wish(2_000), wish(9_000), wish(1_000), wish(0, "gula"), wish(5, "minyak", Unit.MILLILITRE),
        wish(500, "gula", Unit.PIECE),
    ]  # fmt: skip
    assert surrenders(held, asked) == (wish(6_000),)
    assert surrenders(held, reversed(asked)) == (wish(6_000),)
    assert surrenders((), asked) == ()


def test_a_surrender_is_an_array_on_the_wire() -> None:
    assert msgspec.json.encode(wish(7)) == b'["f-1","JATAH","2026-11","beras","g",7]'


def test_the_city_signs_who_asked_and_every_total() -> None:
    leases = (LeaseGrant("K1", "JATAH", "2026-11", "beras", Unit.GRAM, 5000),)
    told = hashlib.sha256(rfc8785.dumps([["K1", "JATAH", "2026-11", "beras", "g", 5000]])).hexdigest()
    assert grant_text("EW-1", 2, "r", 7, "K1", leases, home=True) == f"grant|EW-1|2|r|7|K1|1|{told}".encode()
    assert grant_text("EW-1", 2, "r", 7, "K1", leases, home=False).split(b"|")[6] == b"0"


# --- who is asked about, and who is helped --------------------------------------------------------------------------


def test_the_city_is_asked_about_strangers_and_families_without_a_lease_here() -> None:
    stranger = replace(NOBODYS, family=None, refusals=(Refusal.UNKNOWN_CARD,))
    assert asks_city(stranger, CATALOGUE)
    assert not asks_city(replace(stranger, refusals=(Refusal.DAY_NOT_OPEN,)), CATALOGUE)
    assert asks_city(NOBODYS, CATALOGUE)
    assert not asks_city(standing((lease("beras", 5000),)), CATALOGUE)
    assert not asks_city(standing((replace(lease("beras", 5000), spent=5000),)), CATALOGUE)
    assert asks_city(standing((replace(lease("beras", 5000), surrendered=5000),)), CATALOGUE)
    assert asks_city(standing((replace(lease("beras", 5000), spent=2000, surrendered=3000),)), CATALOGUE)
    purse_only = replace(FAMILY, programmes=("SEMBAKO",))
    assert not asks_city(replace(NOBODYS, family=purse_only), CATALOGUE)
    blocked = replace(FAMILY, card_status=CardStatus.BLOCKED)
    assert not asks_city(replace(NOBODYS, family=blocked), CATALOGUE)


@pytest.mark.parametrize("refusal", Refusal)
def test_the_pool_helps_against_a_missing_lease_and_nothing_else(refusal: Refusal) -> None:
    helped = {Refusal.UNKNOWN_CARD, Refusal.HOME_ELSEWHERE, Refusal.PERIOD_OVER, Refusal.NO_RATION}
    alone = replace(NOBODYS, refusals=(refusal,))
    assert pool_helps(alone) is (refusal in helped)
    assert not pool_helps(replace(alone, refusals=(refusal, Refusal.CLOCK_SUSPECT)))
    taken = replace(lease("beras", 5000), spent=5000)
    assert not pool_helps(replace(standing((taken,)), refusals=(refusal,)))


def test_whoever_has_rights_here_is_not_helped_by_the_pool() -> None:
    assert not pool_helps(standing((lease("beras", 5000),)))
    assert pool_helps(NOBODYS)


# --- the pool itself ------------------------------------------------------------------------------------------------


def test_a_debit_of_the_pool_is_the_kiosks_and_every_other_the_familys() -> None:
    assert holder_of("K1", HARDSHIP, "EW-0001") == pool_of("EW-0001") == "POOL.EW-0001"
    assert holder_of("K1", "JATAH", "EW-0001") == "K1"
    assert is_pool(pool_of("EW-0001"))
    assert not is_pool("K1")


def test_the_pool_hands_out_what_it_holds_and_no_more() -> None:
    pool = (replace(lease("beras", 12_000), family=pool_of("EW-0001"), programme=HARDSHIP),)
    catalogue = with_pool(CATALOGUE, pool)
    stranger = replace(NOBODYS, family=None, refusals=(Refusal.UNKNOWN_CARD,))
    served = pool_standing(stranger, pool)
    assert served.refusals == ()
    assert take_all(served, catalogue, Basket()).packs(RICE_5.code) == 2
    two = Basket().with_packs(RICE_5.code, 2, Tender.RATION, HARDSHIP)
    assert check(two, served, catalogue) == ()
    assert check(Basket().with_packs(RICE_5.code, 3, Tender.RATION, HARDSHIP), served, catalogue) != ()
    assert catalogue.programme(HARDSHIP).name == "Jatah darurat"
    assert with_pool(CATALOGUE, ()).eligibilities == CATALOGUE.eligibilities


def test_a_reason_that_the_pool_cannot_help_against_stays() -> None:
    shut = replace(NOBODYS, refusals=(Refusal.UNKNOWN_CARD, Refusal.DAY_NOT_OPEN))
    assert pool_standing(shut, ()).refusals == shut.refusals


def test_a_stranger_is_known_by_the_card_alone() -> None:
    stranger = replace(NOBODYS, family=None)
    family = pool_family(stranger)
    assert family.key == stranger_of(stranger.card) == "C" + stranger.card.token[:15].upper()
    assert (family.name, family.programmes, family.card) == ("", (), stranger.card)
    assert pool_family(NOBODYS) == replace(FAMILY, programmes=())


def test_a_name_leaves_a_keyed_digest_whatever_its_capitals_and_signs() -> None:
    key = bytes(32)
    assert name_digest(key, "Ny. Suminah") == name_digest(key, " ny  SUMINAH ") != name_digest(key, "Sumirah")
    assert name_digest(key, "Suminah") != name_digest(bytes(31) + b"\1", "Suminah")
    assert len(name_digest(key, "Suminah")) == 32
    assert name_digest(key, " .- ") == name_digest(key, "") == ""


@pytest.mark.parametrize("reason", HardshipReason)
def test_every_reason_can_be_said(reason: HardshipReason) -> None:
    assert reason.label[0].islower()
    assert PERIOD.iso == "2026-11"
