"""Another home in the register: what a family has left of this month and the next follows it there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ewarung_city import leases, officers, register
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.domain.timeline import Period
from tests.integration.city.bnba_kit import as_csv
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity
from tests.integration.city.moving import Kiosk, ask, at_home, rest, serve, sound

NEXT = "2026-12"


@pytest.fixture
def listed(city: LiveCity, tmp_path: Path) -> Listed:
    return Listed(city, tmp_path)


class Listed:
    """Sends the row of one family of the sample again, with something changed."""

    def __init__(self, city: LiveCity, folder: Path) -> None:
        self._city = city
        self._path = folder / "ubah.csv"
        with (SAMPLE / "families.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self._rows = {register.family_key(city.keys.token("nik", row["nik"])): row for row in rows}

    def again(self, family: Row, **columns: str) -> None:
        row = self._rows[family["key"]] | columns
        self._path.write_bytes(as_csv([list(row), list(row.values())], ",", "utf-8"))
        with self._city.store.write() as tx:
            assert register.import_families(tx, self._path, self._city.keys, self._city.clock.ms).taken == 1


def test_rights_follow_a_family_that_a_list_gives_another_home(city: LiveCity, kiosk: Kiosk, listed: Listed) -> None:
    old, new = kiosk("EW-0001"), kiosk("EW-0002")
    family, neighbour = at_home(city), at_home(city, which=1)
    serve(old, family)
    old.drain()
    with city.store.write() as tx:
        leases.grant(tx, NEXT)
    listed.again(family, home_kiosk="EW-0002")
    new.drain()
    assert rest(old, family) == 5_000, "without a line it serves until it hears of it"
    old.drain()
    new.drain()
    assert (rest(old, family), rest(new, family)) == (0, 5_000)
    assert (rest(old, family, month=Period(NEXT)), rest(new, family, month=Period(NEXT))) == (0, 10_000)
    assert rest(old, neighbour) == 10_000
    serve(new, family)
    new.drain()
    assert [flag for _, flag in city.cases()] == []
    assert sound(city)


def test_they_go_at_once_from_a_kiosk_that_was_never_enrolled(city: LiveCity, kiosk: Kiosk, listed: Listed) -> None:
    new, family = kiosk("EW-0002"), at_home(city)
    listed.again(family, home_kiosk="EW-0002")
    new.drain()
    assert rest(new, family) == 10_000
    assert sound(city)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_home_that_can_be_given_nothing_takes_nothing_from_the_old_one(
    city: LiveCity, kiosk: Kiosk, listed: Listed, frozen: bool
) -> None:
    old, family = kiosk("EW-0001"), at_home(city)
    if frozen:
        kiosk("EW-0002")
        with city.store.write() as tx:
            officers.freeze(tx, "EW-0002")
    listed.again(family, home_kiosk="EW-0002")
    old.drain()
    assert rest(old, family) == 10_000
    if not frozen:
        new = kiosk("EW-0002")
        assert ask(new, family, home=True).outcome == "granted", "it is the home already, and says it again"
        old.drain()
        new.drain()
        assert (rest(old, family), rest(new, family)) == (0, 10_000)
    assert sound(city)


def test_whoever_is_dead_or_has_moved_away_takes_nothing_along(city: LiveCity, kiosk: Kiosk, listed: Listed) -> None:
    kiosk("EW-0002")
    family = at_home(city)
    listed.again(family, home_kiosk="EW-0002", card_status="moved")
    with city.store.read() as tx:
        assert {row["device"] for row in tx.all(schema.lease, family=family["key"])} == {"EW-0001"}


@pytest.mark.parametrize("by_list", [False, True])
def test_a_family_that_comes_back_at_once_has_its_rights_where_it_is(
    city: LiveCity, kiosk: Kiosk, listed: Listed, by_list: bool
) -> None:
    """The kiosk that was its home before, and is again, has not given anything back yet, and need not."""
    old, new = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    for number, till in enumerate((new, old)):
        if by_list:
            listed.again(family, home_kiosk=("EW-0002", "EW-0001")[number])
        else:
            assert ask(till, family, f"r-{number}", home=True).outcome == "granted"
    for till in (old, new, old):
        till.drain()
    assert (rest(old, family), rest(new, family)) == (10_000, 0)
    serve(old, family, 2)
    old.drain()
    assert sound(city)


def test_what_a_closed_kiosk_never_gave_back_goes_to_the_new_home_by_two_officers(
    city: LiveCity, kiosk: Kiosk, listed: Listed
) -> None:
    old, new = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    serve(old, family)
    old.drain()
    listed.again(family, home_kiosk="EW-0002")
    with city.store.write() as tx:
        officers.freeze(tx, "EW-0001")
        assert leases.grant(tx, PERIOD).leases == 0
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna W.", "Heru S."])
        leases.grant(tx, PERIOD)
    new.drain()
    assert rest(new, family) == 5_000
    serve(new, family)
    new.drain()
    assert sound(city)


def test_before_any_kiosk_is_enrolled_a_granted_month_follows_a_corrected_list(
    city: LiveCity, kiosk: Kiosk, listed: Listed
) -> None:
    family, neighbour = at_home(city), at_home(city, which=1)
    listed.again(family, home_kiosk="EW-0002")
    with city.store.write() as tx:
        assert leases.grant(tx, PERIOD).short == 0
    old, new = kiosk("EW-0001"), kiosk("EW-0002")
    assert (rest(old, family), rest(new, family), rest(old, neighbour)) == (0, 10_000, 10_000)
    serve(new, family, 2)
    new.drain()
    assert sound(city)
