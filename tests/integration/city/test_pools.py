"""Hardship pools over both real ends: granted with the month, used without a line, charged to the family afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ewarung_city import hardship, leases, register
from ewarung_city.rights import rights_of
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.family import CardRef, HolderPresence
from ewarung_pos.domain.journal import HardshipAllowed, Redeemed
from ewarung_pos.domain.redemption import Basket, RedemptionLine, RightDebit, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason, pool_of, stranger_of
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import AllotmentExhausted
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity, Pen, Till
from tests.integration.city.moving import MONTH, RICE, Kiosk, ask, at_home, card_of, rest, serve, sound

ONE_SACK = Basket().with_packs(RICE, 1, Tender.RATION, HARDSHIP)


def help_out(till: Till, card: CardRef, packs: int = 1) -> Redemption:
    service = HardshipService(till.ledger, till.clock, lambda: None)
    basket = Basket().with_packs(RICE, packs, Tender.RATION, HARDSHIP)
    return service.serve(card, basket, HolderPresence.SELF, HardshipReason.NO_LINE, "siti", "yuni")


def charged(city: LiveCity, family: Row) -> int:
    with city.store.read() as tx:
        (right,) = [right for right in rights_of(tx, family["key"], PERIOD) if right.commodity == "beras"]
    return right.charged


def uses(city: LiveCity) -> list[Row]:
    with city.store.read() as tx:
        return tx.all(schema.hardship, "device", "epoch", "seq", "commodity")


def pool(till: Till) -> int:
    held = till.ledger.read().leases(pool_of("EW-0002"), MONTH)
    return sum(lease.rest for lease in held if lease.commodity == "beras")


def rice_pool(tx: Tx, device: str) -> Row:
    (row,) = tx.all(schema.lease, family=pool_of(device), commodity="beras", period=PERIOD)
    return row


@pytest.mark.parametrize(
    ("device", "rations", "granted"), [("EW-0001", 1_800_000, 40_000), ("EW-0002", 170_000, 10_000)]
)
def test_each_kiosk_has_a_pool_of_two_per_cent_of_its_rations_in_whole_ones(
    stocked: LiveCity, device: str, rations: int, granted: int
) -> None:
    with stocked.store.read() as tx:
        homes = {row["key"] for row in tx.all(schema.family, home=device)}
        rows = tx.all(schema.entitlement, period=PERIOD, commodity="beras")
        assert sum(int(row["amount"]) for row in rows if row["family"] in homes) == rations
        row = rice_pool(tx, device)
    assert rations * 20 // 1000 <= granted
    assert (row["granted"], row["device"], row["programme"]) == (granted, device, HARDSHIP)


def test_a_pool_may_grow_and_never_shrinks(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        row = rice_pool(tx, "EW-0002")
        leases.grant(tx, PERIOD)
        assert rice_pool(tx, "EW-0002") == row
        tx.set("hardship_permille", "0")
        leases.grant(tx, "2026-12")
        assert tx.all(schema.lease, family=pool_of("EW-0002"), period="2026-12") == []
        leases.grant(tx, PERIOD)
        assert rice_pool(tx, "EW-0002") == row
        tx.set("hardship_permille", "100")
        leases.grant(tx, PERIOD)
        assert rice_pool(tx, "EW-0002")["granted"] == 20_000


def test_a_larger_pool_that_a_city_put_back_has_forgotten_takes_nothing_from_anybody(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        rice = {"device": "EW-0002", "epoch": 1, "family": pool_of("EW-0002"), "commodity": "beras"}
        granted = int(rice_pool(tx, "EW-0002")["granted"])
        tx.change(schema.lease, {"claimed": granted + 5_000}, **rice)
        assert verify(tx) == []
        tx.change(schema.lease, {"granted": granted + 5_000}, **rice)
        assert [item.what for item in verify(tx)] == [f"overgrant {pool_of('EW-0002')}/{HARDSHIP}/{PERIOD}/beras"]


@pytest.mark.parametrize(("said", "held"), [({}, "20"), ({"hardship_permille": 35}, "35")])
def test_the_catalogue_says_how_much(stocked: LiveCity, tmp_path: Path, said: dict[str, int], held: str) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(json.loads((SAMPLE / "catalogue.json").read_bytes()) | said), encoding="utf-8")
    with stocked.store.write() as tx:
        register.import_catalogue(tx, path, PERIOD)
        assert tx.setting("hardship_permille") == held


def test_a_kiosk_enrolled_anew_has_no_second_pool(city: LiveCity, pen: Pen) -> None:
    with city.store.write() as tx:
        tx.change(schema.epoch, {"state": "frozen"}, device="EW-0001", epoch=1)
        tx.change(schema.kiosk, {"epoch": 2}, device="EW-0001")
        tx.put(schema.epoch, [{"device": "EW-0001", "epoch": 2, "state": "active", "mode": "normal"}])
        leases.grant(tx, PERIOD)
        assert [row["epoch"] for row in tx.all(schema.lease, family=pool_of("EW-0001"), commodity="beras")] == [1]
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
        leases.grant(tx, PERIOD)
        rows = tx.all(schema.lease, "epoch", family=pool_of("EW-0001"), commodity="beras")
        assert [row["epoch"] for row in rows] == [1, 2]


def test_what_a_stranger_got_is_charged_to_the_family_whose_card_it_was(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    before = pool(other)
    help_out(other, card_of(family))
    assert pool(other) == before - 5_000
    other.drain()
    cases = [reason for _, reason in city.cases()]
    assert cases == ["HARDSHIP"]
    assert charged(city, family) == 5_000
    (use,) = uses(city)
    assert (use["said"], use["family"], use["programme"]) == (stranger_of(card_of(family)), family["key"], "JATAH")
    assert (use["reason"], use["leader"], use["amount"]) == ("tanpa_sambungan", "yuni", 5_000)
    home.drain()
    assert rest(home, family) == 5_000, "the rest of the month is what is left of the ration"
    assert ask(other, family).outcome == "waiting"
    home.drain()
    ask(other, family)
    assert rest(other, family) == 5_000
    assert sound(city)


def test_who_has_taken_everything_before_is_a_case_and_owes_nothing(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    serve(home, family, 2)
    home.drain()
    help_out(other, card_of(family))
    other.drain()
    home.drain()
    assert charged(city, family) == 5_000
    assert [reason for _, reason in city.cases()] == ["HARDSHIP"]
    for commodity in ("gula", "minyak", "tepung"):
        with city.store.write() as tx:
            tx.change(schema.lease, {"surrendered": 10_000}, family=family["key"], commodity=commodity)
            tx.change(schema.entitlement, {"charged": 10_000}, family=family["key"], commodity=commodity)
            of = {"family": family["key"], "programme": "JATAH", "period": PERIOD, "commodity": commodity}
            tx.put(schema.hardship, [{"device": "EW-0003", "epoch": 1, "seq": 9, **of, "charged": 10_000}])
    assert ask(other, family).reason == "exhausted"
    assert sound(city)


def test_a_reversed_use_is_charged_to_nobody(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    done = help_out(other, card_of(family))
    other.drain()
    home.drain()
    assert rest(home, family) == 5_000
    ReverseService(other.ledger, other.clock).reverse(done.entry.id, ReversalReason.WRONG_FAMILY, "siti", "yuni")
    other.drain()
    home.drain()
    assert charged(city, family) == 0
    assert rest(home, family) == 10_000
    assert [use["returned"] for use in uses(city)] == [5_000]
    assert sound(city)


def test_what_is_reversed_at_home_after_a_pool_gave_for_it_is_asked_back(city: LiveCity, kiosk: Kiosk) -> None:
    """The home kiosk had given all that it had then."""
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    serve(home, family)
    basket = Basket().with_packs(RICE, 1, Tender.RATION, "JATAH")
    served = RedeemService(home.ledger, home.clock, lambda: None).redeem(
        card_of(family), basket, HolderPresence.SELF, "siti"
    )
    home.drain()
    help_out(other, card_of(family))
    other.drain()
    home.drain()
    assert (charged(city, family), rest(home, family)) == (5_000, 0)
    ReverseService(home.ledger, home.clock).reverse(served.entry.id, ReversalReason.WRONG_FAMILY, "siti", "yuni")
    home.drain()
    home.drain()
    assert rest(home, family) == 0, "ten of ten kilograms are handed out, five of them by the pool"
    assert sound(city)


def test_a_use_and_its_reversal_in_one_batch_leave_nothing_behind(city: LiveCity, kiosk: Kiosk) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    done = help_out(other, card_of(family))
    ReverseService(other.ledger, other.clock).reverse(done.entry.id, ReversalReason.WRONG_FAMILY, "siti", "yuni")
    other.drain()
    home.drain()
    assert (charged(city, family), rest(home, family)) == (0, 10_000)
    assert sound(city)


def test_a_card_that_nobody_has_is_a_case_with_nobody_to_charge(city: LiveCity, kiosk: Kiosk) -> None:
    other = kiosk("EW-0002")
    help_out(other, CardRef("ab" * 32, "9105"))
    other.drain()
    assert [reason for _, reason in city.cases()] == ["HARDSHIP", "UNKNOWN_CARD"]
    (use,) = uses(city)
    assert (use["family"], use["programme"], use["charged"]) == ("", "", 0)
    assert sound(city)


def test_a_card_is_found_by_its_beginning_only_when_that_is_clear(stocked: LiveCity) -> None:
    family = at_home(stocked)
    with stocked.store.write() as tx:
        said = stranger_of(card_of(family))
        found = hardship.family_of(tx, said)
        assert found is not None
        assert found["key"] == family["key"]
        assert hardship.family_of(tx, family["key"]) == found
        for wrong in ("C", "C" + "0" * 15, said[:-1], "K0"):
            assert hardship.family_of(tx, wrong) is None
        twin = at_home(stocked, which=1)
        tx.change(schema.family, {"token": family["token"][:15] + "0" * 49}, key=twin["key"])
        assert hardship.family_of(tx, said) is None, "two cards that begin alike: a person looks"


@pytest.mark.parametrize("word", [None, HardshipAllowed(2, "K0", "4821", "tanpa_sambungan", "yuni")])
def test_an_altered_till_that_takes_from_the_pool_without_a_word_is_seen(
    city: LiveCity, pen: Pen, word: HardshipAllowed | None
) -> None:
    line = RedemptionLine(RICE, "Beras", "beras", 1, "karung", 5_000, Unit.GRAM, 67_500, Tender.RATION, HARDSHIP)
    debit = RightDebit(HARDSHIP, PERIOD, "beras", Unit.GRAM, 5_000)
    if word is not None:
        pen.write(word)
        pen.send(city.url, pen.batch())
    pen.write(Redeemed(1, "K0", "4821", HolderPresence.SELF, (line,), (debit,), ()))
    pen.send(city.url, pen.batch(1 if word is None else 3))
    assert {"HARDSHIP", "NO_LEADER_WORD", "UNKNOWN_CARD"} <= {reason for _, reason in city.cases()}


def test_the_pool_is_all_there_is(city: LiveCity, kiosk: Kiosk) -> None:
    other = kiosk("EW-0002")
    packs = pool(other) // 5_000
    for place in range(packs):
        help_out(other, CardRef(f"{place:064x}", "9105"))
    with pytest.raises(AllotmentExhausted):
        help_out(other, CardRef("ab" * 32, "9105"))
    other.drain()
    assert "OVER_LEASE" not in {reason for _, reason in city.cases()}
    assert sound(city)
