"""After a time without a line the office sees for whom kiosks gave from their pools, and says what a card could not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from ewarung_city import leases
from ewarung_city.__main__ import cli
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_city.verify import verify
from ewarung_pos.domain.family import CardRef, HolderPresence
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason, stranger_of
from ewarung_pos.errors import PosError
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from tests.integration.city.city_kit import PERIOD, LiveCity, Till, ToldClock
from tests.integration.city.moving import RICE, Kiosk, at_home, card_of, open_day, rest, serve, sound
from tests.integration.city.test_months import DECEMBER, carrying, end_the_month

NOBODYS = CardRef("ab" * 32, "9105")
Run = Callable[..., str]


@pytest.fixture
def run(stocked: LiveCity) -> Run:
    """A command of the city; what it printed, or why it would not."""

    def call(*arguments: object) -> str:
        done = CliRunner().invoke(cli, [*map(str, arguments), "--data-dir", str(stocked.data_dir)])
        assert done.exception is None or isinstance(done.exception, PosError), done.exception
        return done.exception.reason if done.exception is not None else done.output

    return call


def report(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run("report", "darurat", "--period", PERIOD))))


def help_out(till: Till, card: CardRef, name: str = "") -> Redemption:
    basket = Basket().with_packs(RICE, 1, Tender.RATION, HARDSHIP)
    service = HardshipService(till.ledger, till.clock, lambda: None)
    done = service.serve(card, basket, HolderPresence.SELF, HardshipReason.NO_LINE, "siti", "yuni", name=name)
    till.drain()
    return done


def of_kiosk(city: LiveCity) -> Row:
    with city.store.read() as tx:
        (row,) = tx.all(schema.kiosk, device="EW-0002")
    return row


def test_a_use_by_card_says_whose_right_it_is_on_and_what_was_had_above_it(
    city: LiveCity, kiosk: Kiosk, run: Run
) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    done = help_out(other, card_of(family))
    (use,) = report(run)
    assert use == {
        "device": "EW-0002",
        "name": of_kiosk(city)["name"],
        "epoch": "1",
        "seq": str(done.entry.seq),
        "date": "2026-11-24",
        "receipt": "1",
        "reason": "tanpa_sambungan",
        "leader": "yuni",
        "said": stranger_of(card_of(family)),
        "family": family["key"],
        "named": "",
        "programme": "JATAH",
        "commodity": "beras",
        "unit": "g",
        "amount": "5000",
        "charged": "5000",
        "returned": "0",
        "owed": "0",
    }
    serve(home, family, 2)
    home.drain()
    assert [use["owed"] for use in report(run)] == ["5000"], "a whole ration at home, and one sack of a pool"
    assert report(lambda *_: run("report", "darurat", "--period", "2026-12")) == []


def test_a_name_that_was_typed_finds_who_bears_it_and_a_person_says_who_it_was(
    city: LiveCity, kiosk: Kiosk, run: Run
) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    first, second, third = (at_home(city, which=place) for place in range(3))
    with city.store.write() as tx:
        for row in (first, second):
            tx.change(schema.family, {"name": "Ngatinah Wijayanti"}, key=row["key"])
    seq = help_out(other, NOBODYS, name="  ngatinah WIJAYANTI ").entry.seq
    (use,) = report(run)
    assert (use["family"], use["named"].split()) == ("", [first["key"], second["key"]])
    assert (use["charged"], use["owed"]) == ("0", "5000")
    assert run("charge", "EW-0002", 1, seq, "nobody") == "unknown_family"
    assert run("charge", "EW-0002", 1, seq - 1, second["key"]) == "unknown_use"
    assert run("charge", "EW-0002", 1, seq, second["key"]) == f"{second['key']}: 1 commodities charged\n"
    assert run("charge", "EW-0002", 1, seq, third["key"]) == "assigned"
    (use,) = report(run)
    assert (use["family"], use["named"], use["programme"]) == (second["key"], "", "JATAH")
    assert (use["charged"], use["owed"]) == ("5000", "0")
    home.drain()
    assert [rest(home, row) for row in (first, second, third)] == [10_000, 5_000, 10_000]
    assert sound(city)


def test_a_use_that_came_back_is_charged_to_nobody_also_when_a_person_says_whose_it_was(
    city: LiveCity, kiosk: Kiosk, run: Run
) -> None:
    other = kiosk("EW-0002")
    family = at_home(city)
    done = help_out(other, NOBODYS)
    ReverseService(other.ledger, other.clock).reverse(done.entry.id, ReversalReason.WRONG_FAMILY, "siti", "yuni")
    other.drain()
    run("charge", "EW-0002", 1, done.entry.seq, family["key"])
    (use,) = report(run)
    assert (use["family"], use["charged"], use["returned"], use["owed"]) == (family["key"], "0", "5000", "0")
    assert sound(city)


def test_a_charge_that_no_pool_gave_is_found(city: LiveCity, kiosk: Kiosk) -> None:
    family = at_home(city)
    help_out(kiosk("EW-0002"), card_of(family))
    assert sound(city)
    with city.store.write() as tx:
        tx.change(schema.entitlement, {"charged": 0}, family=family["key"], commodity="beras")
    with city.store.read() as tx:
        assert [found.what for found in verify(tx)] == [f"charge {family['key']}/JATAH/{PERIOD}/beras"]


def carried_into_december(city: LiveCity, home: Till, other: Till, clock: ToldClock) -> None:
    """The month is over at both, and what is left of it is granted with the next; the day is open again."""
    for till in (home, other):
        end_the_month(till, clock)
    with city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
    for till in (home, other):
        till.drain()
        open_day(till)


def test_who_has_what_was_carried_over_owes_nothing_for_it(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock, run: Run
) -> None:
    carrying(city)
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    carried_into_december(city, home, other, clock)
    serve(home, family, 3)
    home.drain()
    help_out(other, card_of(family))

    def owed() -> list[str]:
        return [use["owed"] for use in csv.DictReader(io.StringIO(run("report", "darurat", "--period", DECEMBER.iso)))]

    assert owed() == ["0"], "20 kg are hers, of which 10 are November's; she had 15 and 5"
    serve(home, family)
    home.drain()
    assert owed() == ["5000"]
    of_month = run("family", family["key"], "--period", DECEMBER.iso)
    figures = "entitled 20000, brought 10000, charged 5000, granted 20000, given 20000, surrendered 0"
    assert f"\n  JATAH 2026-12 beras (g): {figures}\n" in of_month
    assert "2026-11" not in of_month
    (before,) = (line for line in run("family", family["key"]).splitlines() if "2026-11 beras" in line)
    assert before == "  JATAH 2026-11 beras (g): entitled 0, carried 10000, granted 10000, given 0, surrendered 10000"


@pytest.mark.parametrize(("taken", "owed"), [(True, "10000"), (False, "0")])
def test_who_was_helped_in_a_month_that_was_carried_over_owes_what_was_taken_before_that_was_known(
    city: LiveCity, kiosk: Kiosk, clock: ToldClock, run: Run, taken: bool, owed: str
) -> None:
    """All of November had gone into December, which has so much less from then on."""
    carrying(city)
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    with city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
    basket = Basket().with_packs(RICE, 2, Tender.RATION, HARDSHIP)
    service = HardshipService(other.ledger, other.clock, lambda: None)
    service.serve(card_of(family), basket, HolderPresence.SELF, HardshipReason.NO_LINE, "siti", "yuni")
    end_the_month(home, clock)
    if taken:
        open_day(home)
        serve(home, family, packs=4)
        home.drain()
    other.drain()
    (use,) = report(run)
    assert (use["charged"], use["owed"]) == ("10000", owed)
