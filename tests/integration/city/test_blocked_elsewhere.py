"""What changes of a family reaches every kiosk that has rights for it, and not its home alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ewarung_city import register
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.domain.family import CardStatus
from ewarung_pos.errors import CardBlocked
from tests.integration.city.city_kit import SAMPLE, LiveCity, Till
from tests.integration.city.moving import Kiosk, ask, at_home, rest, serve


@pytest.fixture
def family(city: LiveCity) -> Row:
    return at_home(city)


@pytest.fixture
def guest(city: LiveCity, kiosk: Kiosk, family: Row) -> Till:
    """A kiosk that was given the family's rights, which its home gave back."""
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    ask(other, family)
    home.drain()
    other.drain()
    assert rest(other, family) == 10_000
    return other


def import_changed(city: LiveCity, family: Row, file: Path, **changed: str) -> Row:
    """The list once more, with that family's row changed; as the city has it then."""
    with (SAMPLE / "families.csv").open(encoding="utf-8", newline="") as old:
        rows = list(csv.DictReader(old))
    ours = [row for row in rows if city.keys.card_ref(row["card_number"]).token == family["token"]]
    ours[0].update(changed)
    with file.open("w", encoding="utf-8", newline="") as new:
        writer = csv.DictWriter(new, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with city.store.write() as tx:
        register.import_families(tx, file, city.keys, city.clock.ms)
        now = tx.one(schema.family, key=family["key"])
    assert now is not None
    return now


@pytest.mark.parametrize("status", [CardStatus.BLOCKED, CardStatus.DECEASED, CardStatus.MOVED])
def test_a_guest_is_served_no_more_where_its_rights_are(
    city: LiveCity, guest: Till, family: Row, tmp_path: Path, status: CardStatus
) -> None:
    import_changed(city, family, tmp_path / "list.csv", card_status=status.value)
    guest.drain()
    with pytest.raises(CardBlocked):
        serve(guest, family)


def test_a_new_card_opens_and_the_old_one_does_not_where_its_rights_are(
    city: LiveCity, guest: Till, family: Row, tmp_path: Path
) -> None:
    now = import_changed(city, family, tmp_path / "list.csv", card_number="9999534494174560")
    guest.drain()
    reader = guest.ledger.read()
    assert reader.family_by_card(family["token"]) is None
    serve(guest, now)


def test_a_kiosk_that_has_nothing_for_the_family_is_told_nothing(
    city: LiveCity, guest: Till, kiosk: Kiosk, family: Row, tmp_path: Path
) -> None:
    kiosk("EW-0003").drain()
    import_changed(city, family, tmp_path / "list.csv", card_status=CardStatus.BLOCKED.value)
    with city.store.read() as tx:
        told = {row["device"] for row in tx.all(schema.feed, kind="family", key=family["key"])}
    assert told == {"EW-0001", "EW-0002"}
