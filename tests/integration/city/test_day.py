"""A whole day at the counter with the real services: the city's own totals are the till's Z report."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from ewarung_city import monitoring
from ewarung_city.attest import fold_day
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.domain.family import Family, HolderPresence
from ewarung_pos.domain.journal import AttemptOpened, AttemptSettled, DayClosed, Entry, Fact, Redeemed
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.domain.timeline import Period
from ewarung_pos.ports import Approved, Declined
from ewarung_pos.services.day import DayService
from ewarung_pos.services.redeem import RedeemService, Redemption
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.protocol import attest_text
from ewarung_pos.sync.signing import verify as genuine
from tests.integration.city.city_kit import PERIOD, LiveCity, Till, trying

APPROVED = Approved(67_500, "123456", "000001", "RRN1", "TID1", "MID1", "000001")


class Counter:
    """What an operator does in a day."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.stock = StockService(till.ledger)
        self.day = DayService(till.ledger, till.clock, self.stock)
        self.redeem = RedeemService(till.ledger, till.clock, lambda: None)
        self.reverse = ReverseService(till.ledger, till.clock)

    def families(self, *programmes: str) -> list[Family]:
        return [
            f for f in self.till.ledger.read().families() if f.programmes == programmes and f.card_status == "active"
        ]

    def ration(self, family: Family, packs: int = 1) -> Redemption:
        basket = Basket().with_packs("beras-medium-5", packs, Tender.RATION, "JATAH")
        basket = basket.with_packs("gula-1", 1, Tender.CASH)
        return self.redeem.redeem(family.card, basket, HolderPresence.SELF, "siti")

    def purse(self, family: Family) -> Redemption:
        basket = Basket().with_packs("beras-medium-5", 1, Tender.PURSE, "SEMBAKO")
        attempt = self.redeem.begin(family.card, basket, HolderPresence.SELF, "siti")
        done = self.redeem.conclude(attempt.id, APPROVED, "siti")
        assert isinstance(done, Redemption)
        return done

    def declined(self, family: Family) -> None:
        basket = Basket().with_packs("beras-medium-5", 1, Tender.PURSE, "SEMBAKO")
        attempt = self.redeem.begin(family.card, basket, HolderPresence.SELF, "siti")
        self.redeem.conclude(attempt.id, Declined("51", "insufficient"), "siti")

    def close(self, edc: int) -> DayClosed:
        self.day.begin_close("siti")
        self.day.count(dict(self.till.ledger.read().stock()), "siti")
        self.day.explain((), "siti")
        entry, _ = self.day.seal("siti", EdcTotals(edc))
        assert isinstance(entry.fact, DayClosed)
        return entry.fact


def morning(till: Till) -> tuple[Counter, DayClosed]:
    counter = Counter(till)
    counter.day.open("siti")
    goods = (ReceivedLine("beras-medium-5", 100), ReceivedLine("gula-1", 100))
    counter.stock.receive("Bulog", "SJ-1", goods, "siti")
    rations, purses = counter.families("JATAH"), counter.families("SEMBAKO")
    for family in rations[:4]:
        counter.ration(family)
    counter.ration(rations[0])  # the rest of it, later
    undone = counter.ration(rations[5], packs=2)
    counter.reverse.reverse(undone.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    kept = counter.purse(purses[0])
    void, _ = counter.reverse.begin_void(kept.entry.id, ReversalReason.HOLDER_ASKED, "siti", "yuni")
    counter.reverse.conclude(void.id, Declined("12", "declined"), "siti")
    counter.purse(purses[1])
    counter.declined(purses[2])
    counter.redeem.refuse(counter.redeem.identify(counter.families("JATAH")[6].card), "siti")
    return counter, counter.close(2 * 67_500)


def test_the_citys_totals_of_a_day_are_the_z_report(city: LiveCity, till: Till) -> None:
    till.drain()
    _, sealed = morning(till)
    attested: list[str] = []
    for _ in range(6):
        report = till.engine.step()
        assert (report.code, report.reason) == ("", "")
        attested.extend(report.attested)
    assert attested == ["2026-11-24"]
    assert till.ledger.read().settings()["attest_due"] == ""
    assert till.ledger.read().settings()["attested:2026-11-24"].startswith("agrees ")

    till.engine._greet(till.engine._connected())
    said = till.engine._connected().attest("2026-11-24")
    assert said is not None
    assert said.totals == sealed.totals
    assert sealed.totals.redemptions == 8
    assert (sealed.totals.reversals, sealed.totals.purse, sealed.totals.refused) == (1, 135_000, 2)
    assert (said.head, said.differs) == (sealed.head, ())
    assert genuine(city.keys.public, attest_text(said), bytes.fromhex(said.signature))
    assert city.cases() == []


def test_a_void_that_the_bank_declined_leaves_nothing_in_doubt(city: LiveCity, till: Till) -> None:
    till.drain()
    counter = Counter(till)
    counter.day.open("siti")
    counter.stock.receive("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 10),), "siti")
    sold = counter.purse(counter.families("SEMBAKO")[0])
    attempt, _ = counter.reverse.begin_void(sold.entry.id, ReversalReason.WRONG_GOODS, "siti", "yuni")
    counter.reverse.conclude(attempt.id, Declined("25", "not_found"), "siti")
    counter.close(APPROVED.amount)
    till.drain()
    with city.store.read() as tx:
        (day,) = tx.all(schema.day)
    assert day["closed_seq"]
    assert (day["differs"], city.cases()) == ("", [])


def test_the_figures_of_the_period(city: LiveCity, till: Till) -> None:
    till.drain()
    morning(till)
    till.drain()
    with city.store.read() as tx:
        rows = {(r.device, r.commodity): r for r in monitoring.realisation(tx, PERIOD)}
        days = monitoring.days(tx, PERIOD)
        assert monitoring.cases(tx, PERIOD) == []
        assert verify(tx) == []
    rice = rows["EW-0001", "beras"]
    assert (rice.issued, rice.served, rice.granted, rice.entitled) == (25_000, 4, rice.families * 10_000, rice.granted)
    assert (rows["EW-0002", "beras"].issued, rows["EW-0002", "beras"].served) == (None, None)  # nothing came: not zero
    assert [(d.date, d.redemptions, d.purse, d.cash, d.differs) for d in days] == [
        ("2026-11-24", 8, 135_000, 5 * _sugar(till), "")
    ]
    text = monitoring.as_csv(list(rows.values()), monitoring.RealisationRow)
    assert text.splitlines()[0].startswith("device,name,kelurahan_code,period")
    assert len(text.splitlines()) == len(rows) + 1


def _sugar(till: Till) -> int:
    return till.ledger.read().catalogue().product("gula-1").price.amount


def test_a_day_is_attested_later_when_the_line_was_down(city: LiveCity, till: Till) -> None:
    till.drain()
    morning(till)
    till.reconnect("http://127.0.0.1:1")
    assert till.engine.step().attested == ()
    till.reconnect(city.url)
    attested = [date for _ in range(4) for date in till.engine.step().attested]
    assert attested == ["2026-11-24"]


def test_an_altered_figure_at_the_city_is_shown_not_overwritten(city: LiveCity, till: Till) -> None:
    till.drain()
    morning(till)
    with city.store.read() as tx:
        assert tx.count(schema.day) == 0
    report = till.engine.step()  # the seal arrives and is attested in the same step
    assert report.attested == ("2026-11-24",)
    with city.store.write() as tx:
        (day,) = tx.all(schema.day)
        totals = msgspec.json.decode(day["totals"])
        tx.change(schema.day, {"totals": msgspec.json.encode(totals | {"cash": 1}).decode()}, device="EW-0001")
        assert [found.what for found in verify(tx)] == ["day"]
    with till.ledger.write() as uow:
        uow.put_setting("attest_due", "2026-11-24")
    report = till.engine.step()
    assert (report.reason, report.attested) == ("day_differs", ())
    assert till.ledger.read().settings()["attested:2026-11-24"].startswith("differs ")


def test_verify_names_what_was_changed_behind_the_citys_back(city: LiveCity, till: Till) -> None:
    till.drain()
    counter = Counter(till)
    counter.day.open("siti")
    counter.stock.receive("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 9), ReceivedLine("gula-1", 9)), "siti")
    served = counter.ration(counter.families("JATAH")[0])
    counter.ration(counter.families("JATAH")[1])
    till.drain()
    assert isinstance(served.entry.fact, Redeemed)
    seq = served.entry.seq
    changes: dict[str, Callable[[Tx], object]] = {
        "hash": lambda tx: tx.change(schema.entry, {"body": b"{}"}, device="EW-0001", epoch=1, seq=seq),
        "gap": lambda tx: tx.remove(schema.entry, device="EW-0001", epoch=1, seq=seq),
        "watermark": lambda tx: tx.change(schema.epoch, {"acked_seq": 1}, device="EW-0001"),
        "lease": lambda tx: tx.change(schema.lease, {"spent": 0}, device="EW-0001", family=served.fact.family),
        "overgrant": lambda tx: tx.change(
            schema.lease, {"granted": 10_001}, device="EW-0001", family=served.fact.family
        ),
    }
    for what, change in changes.items():
        with trying(city.store) as tx:
            assert verify(tx) == []
            change(tx)
            assert verify(tx)[0].what.split()[0] == what


def test_periods_of_leases_are_the_business_days(till: Till) -> None:
    till.drain()
    family = Counter(till).families("JATAH")[0]
    assert {lease.period for lease in till.ledger.read().leases(family.key, Period(PERIOD))} == {PERIOD}


@pytest.mark.parametrize(
    ("outcome", "left"),
    [("in_doubt", 1), *((word, 0) for word in ("declined", "cancelled", "approved", "voided", "void_declined"))],
)
def test_a_debit_or_void_that_was_settled_is_no_longer_in_doubt(outcome: str, left: int) -> None:
    opened = AttemptOpened("a1", "K00001", "1234", -95_000)
    facts: tuple[Fact, ...] = (opened, AttemptSettled("a1", outcome))
    entries = [
        Entry(seq, f"e{seq}", "EW-0001", 1, "2026-11-24", seq, seq, "boot", "siti", fact)
        for seq, fact in enumerate(facts, start=1)
    ]
    assert fold_day(entries, 1, 2).in_doubt == left
