"""Two copies of one city, put back one after the other: what both granted is handed out once."""

from __future__ import annotations

import pytest

from ewarung_city import leases, officers
from ewarung_city.store import schema
from ewarung_pos.domain.family import CardRef
from ewarung_pos.errors import ServerBusy
from ewarung_pos.ports import RightsWish
from tests.integration.city.city_kit import Cities, LiveCity, Till
from tests.integration.city.moving import MONTH, Kiosk, ask, at_home, rest, serve, sound


def copied(city: LiveCity, cities: Cities, name: str) -> LiveCity:
    city.stop()
    city.store.close()
    copy = cities.copy_of(city, name)
    city.start()
    return copy


def put_back(copy: LiveCity, *tills: Till) -> None:
    """The office says so, and the lines lead there."""
    with copy.store.write() as tx:
        leases.restored(tx)
    copy.start()
    for till in tills:
        till.reconnect(copy.url)


def exchanged(*tills: Till) -> None:
    """Some steps of each; a city that has to learn first gives nothing."""
    for till in tills:
        for _ in range(4):
            assert till.engine.step().reason in {"", "behind"}


def test_what_one_copy_granted_and_never_told_is_not_told_after_the_other_granted_it(
    city: LiveCity, kiosk: Kiosk, cities: Cities
) -> None:
    """EW-0001 gave a family's rice back for EW-0002, which never heard that it was granted it; the second copy says so.
    But the first copy was put back meanwhile, and granted it to the family's home again.
    """
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    first = copied(city, cities, "first")
    for till in (home, other):
        till.reconnect(city.url)
    assert ask(other, family).outcome == "waiting"
    home.drain()
    assert rest(home, family) == 0
    second = copied(city, cities, "second")
    city.close()
    put_back(first, home, other)
    exchanged(home, other, home)
    assert (rest(home, family), rest(other, family)) == (10_000, 0)
    first.close()
    put_back(second, home, other)
    exchanged(home)  # it has heard of a life that this database never had
    with pytest.raises(ServerBusy):
        other.engine.ask(RightsWish("r-2", CardRef(family["token"], family["last4"]), MONTH))
    exchanged(other, home, other, home)
    with second.store.read() as tx:
        assert leases.recovering(tx) == []
        rows = {row["device"]: row for row in tx.all(schema.lease, family=family["key"], commodity="beras")}
        assert rows["EW-0002"]["granted"] == rows["EW-0002"]["claimed"] == 0
    assert (rest(home, family), rest(other, family)) == (10_000, 0)
    serve(home, family)
    home.drain()
    assert ask(other, family).outcome == "waiting", "what was granted to this very request was taken back"
    home.drain()
    other.drain()
    assert (rest(home, family), rest(other, family)) == (0, 5_000)
    assert sound(second)


def test_nobody_waits_for_a_lost_kiosk_that_turns_up_again(city: LiveCity, kiosk: Kiosk, cities: Cities) -> None:
    """It proves more than the copy knows, and its journal is taken by nobody."""
    missing, other = kiosk("EW-0001"), kiosk("EW-0002")
    copy = copied(city, cities, "copy")
    for till in (missing, other):
        till.reconnect(city.url)
        till.drain()
    city.close()
    with copy.store.write() as tx:
        officers.freeze(tx, "EW-0001")
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
    put_back(copy, missing, other)
    for _ in range(3):
        missing.reconnect(copy.url)
        assert missing.engine.step().reason.endswith("unknown_epoch")
    exchanged(other)
    with copy.store.write() as tx:
        life = tx.setting("life")
        assert leases.recovering(tx) == []
    missing.reconnect(copy.url)
    missing.engine.step()
    with copy.store.write() as tx:
        assert leases.recovering(tx) == [], "it has heard of this life, and is no news"
        assert tx.setting("life") == life
        leases.grant(tx, "2026-12")
