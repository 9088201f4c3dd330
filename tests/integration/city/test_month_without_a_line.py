"""A whole month in which no kiosk reaches the city: who is served all the same, and what the city finds afterwards.

Four kiosks of one size with the sample's families. Families come once or twice; two in a hundred come to another kiosk
than their own. Nothing is drawn by lot that is not drawn the same way every time.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_city import leases, register
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.domain.catalogue import Catalogue
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import StockReceived
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason, is_pool
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.errors import RuleViolation
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.redeem import RedeemService
from tests.integration.city.city_kit import PERIOD, SAMPLE, Cities, LiveCity, Till, ToldClock
from tests.integration.city.moving import card_of, open_day, sound

KIOSKS = ("EW-0001", "EW-0002", "EW-0003", "EW-0004")
ELSEWHERE = 0.02


class Counter:
    """One kiosk's counter without a line: rations from leases, and the pool for whoever has none here."""

    def __init__(self, till: Till) -> None:
        self._redeem = RedeemService(till.ledger, till.clock, lambda: None)
        self._hardship = HardshipService(till.ledger, till.clock, lambda: None)
        self._catalogue: Catalogue = till.ledger.read().catalogue()
        self.refused: list[str] = []
        goods = tuple(ReceivedLine(product.code, 5_000, 0) for product in self._catalogue.products)
        with till.ledger.write() as uow:
            uow.append(StockReceived("Bulog", "SJ-2", goods))

    def _basket(self, programme: str, wanted: dict[str, int]) -> Basket:
        basket = Basket()
        for commodity, amount in wanted.items():
            product = next(p for p in self._catalogue.products if p.commodity == commodity)
            basket = basket.with_packs(product.code, amount // product.pack.amount, Tender.RATION, programme)
        return basket

    def serve(self, family: Row, wanted: dict[str, int]) -> bool:
        """Hand out so much; from the pool where this kiosk holds no lease of the family. Whether it went."""
        card = card_of(family)
        try:
            if self._hardship.offer(card) is None:
                self._redeem.redeem(card, self._basket("JATAH", wanted), HolderPresence.SELF, "siti")
            else:
                basket = self._basket(HARDSHIP, wanted)
                self._hardship.serve(card, basket, HolderPresence.SELF, HardshipReason.NO_LINE, "siti", "yuni")
        except RuleViolation as error:
            self.refused.append(f"{type(error).__name__} {error.reason}")
            return False
        return True


@pytest.fixture
def even(cities: Cities, tmp_path: Path) -> LiveCity:
    """A city whose families are spread evenly over its kiosks."""
    city = cities.new("even")
    with (SAMPLE / "families.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    families = tmp_path / "families.csv"
    with families.open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, rows[0].keys())
        written.writeheader()
        written.writerows(row | {"home_kiosk": KIOSKS[place % 4]} for place, row in enumerate(rows))
    with city.store.write() as tx:
        register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        register.import_families(tx, families, city.keys, city.clock.ms, "contoh")
        leases.grant(tx, PERIOD)
    city.start()
    return city


@pytest.fixture
def tills(even: LiveCity, tmp_path: Path, clock: ToldClock) -> Iterator[dict[str, Till]]:
    """All four, enrolled, with their state; a day is open at each."""
    made: dict[str, Till] = {}
    for device in KIOSKS:
        made[device] = Till(tmp_path / device, even.url, even.code(device), clock)
        made[device].drain()
        open_day(made[device])
    yield made
    for till in made.values():
        till.close()


def test_home_families_are_all_served_and_with_the_pool_nearly_everybody(
    even: LiveCity, tills: dict[str, Till]
) -> None:
    city = even
    with city.store.read() as tx:
        entitled: dict[str, dict[str, int]] = {}
        for row in tx.all(schema.entitlement, "commodity", period=PERIOD, programme="JATAH"):
            entitled.setdefault(row["family"], {})[row["commodity"]] = int(row["amount"])
        families = [row for row in tx.all(schema.family, card_status="active") if row["key"] in entitled]
    city.stop()
    families.sort(key=lambda row: (row["name"], row["address"], row["last4"]))  # a key is another in each city
    drawn = random.Random(2026)
    counters = {device: Counter(till) for device, till in tills.items()}
    served: dict[str, bool] = {}
    guests = {row["key"] for row in drawn.sample(families, round(ELSEWHERE * len(families)))}
    for family in drawn.sample(families, len(families)):
        ration = entitled[family["key"]]
        if family["key"] in guests:
            at = drawn.choice([device for device in KIOSKS if device != family["home"]])
            served[family["key"]] = counters[at].serve(family, ration)
        elif drawn.random() < 0.5:
            served[family["key"]] = counters[family["home"]].serve(family, ration)
        else:
            first = {commodity: amount // 2 for commodity, amount in ration.items()}
            rest = {commodity: amount - first[commodity] for commodity, amount in ration.items()}
            both = [counters[family["home"]].serve(family, part) for part in (first, rest)]
            served[family["key"]] = all(both)
    at_home = [went for key, went in served.items() if key not in guests]
    assert len(served) == len(families) > 200
    assert all(at_home), [counter.refused for counter in counters.values()]
    assert sum(served.values()) >= 0.995 * len(served)
    assert sum(served[key] for key in guests) >= 4

    city.start()  # the line is back, and everything arrives
    for till in tills.values():
        till.reconnect(city.url)
        till.drain(40)
    for till in tills.values():
        till.drain(40)
    assert sound(city)
    with city.store.read() as tx:
        uses = tx.all(schema.hardship)
        held = tx.all(schema.lease, period=PERIOD)
        pools = sum(int(row["amount"]) for row in tx.all(schema.entitlement, programme=HARDSHIP, commodity="beras"))
    assert {use["family"] for use in uses} == {key for key in guests if served[key]}
    assert {reason for _, reason in city.cases()} == {"HARDSHIP"}
    handed = sum(int(row["spent"]) - int(row["returned"]) for row in held if row["commodity"] == "beras")
    assert handed <= sum(ration.get("beras", 0) for ration in entitled.values()) + pools
    for row in held:
        if not is_pool(row["family"]):
            assert int(row["spent"]) - int(row["returned"]) <= entitled[row["family"]][row["commodity"]]
