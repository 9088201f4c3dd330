"""What holds for any entries in any order: canonical bytes, totals, and rights that are never overdrawn."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import (
    Entry,
    StockAdjusted,
    StockReceived,
    canonical,
    decode,
)
from ewarung_pos.domain.redemption import RedemptionLine, Tender
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.stock import CountLine, ReceivedLine
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import RuleViolation
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, ToldClock, acknowledged, eggs, enrol, goods, rice, serve, stock_up
from tests.integration.ledger.test_units_of_work import debit, undo
from tests.new_ledger import new_ledger

NOVEMBER = Period("2026-11")
TODAY = BusinessDate("2026-11-24")

words = st.text(st.characters(codec="utf-8"), max_size=12)
st.register_type_strategy(str, words)
st.register_type_strategy(BusinessDate, st.just(TODAY))


def entries() -> st.SearchStrategy[Entry]:
    return struct(Entry)


def struct(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a struct, every field filled, optional ones too."""
    return st.builds(kind, **{field.name: valued(field.type) for field in msgspec.structs.fields(kind)})


def valued(kind: Any) -> st.SearchStrategy[Any]:
    if limits := getattr(kind, "__metadata__", ()):
        return words if kind.__origin__ is str else st.integers(limits[0].ge, limits[0].le)
    if getattr(kind, "__origin__", None) is tuple:
        inner = [valued(part) for part in kind.__args__ if part is not Ellipsis]
        return st.lists(inner[0], max_size=2).map(tuple) if Ellipsis in kind.__args__ else st.tuples(*inner)
    if hasattr(kind, "__args__"):
        return st.one_of([valued(part) for part in kind.__args__])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return struct(kind)
    return st.from_type(kind)


@given(entries())
def test_canonical_bytes_are_those_of_rfc_8785(entry: Entry) -> None:
    body = canonical(entry)
    assert body == rfc8785.dumps(msgspec.json.decode(body))
    assert decode(body) == entry


families = st.sampled_from(["F0001", "F0002", "F0003"])
packs = st.integers(1, 3)
tenders = st.sampled_from(list(Tender))


class Counter(RuleBasedStateMachine):
    """Serves, reverses, receives and counts at random, and keeps its own books beside the ledger's."""

    served = Bundle("served")

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        new_ledger(Path(self.home.name), KEY)
        self.ledger = open_ledger(Path(self.home.name), KEY, ToldClock())
        enrol(self.ledger)
        stock_up(self.ledger, packs=8)
        self.left = {(key, kind): amount for key in ("F0001", "F0002", "F0003") for kind, amount in RIGHTS.items()}
        self.granted = dict(self.left)
        self.shelf = {"B5": 8, "T10": 8}
        self.cursor = 10

    @rule(target=served, family=families, rice_packs=packs, egg_packs=packs, tender=tenders)
    def serve(self, family: str, rice_packs: int, egg_packs: int, tender: Tender) -> Any:
        lines = (rice(rice_packs), eggs(egg_packs, tender))
        asked = goods(*[line for line in lines if line.tender is Tender.RATION])
        allowed = all(self.left[family, kind] >= amount for kind, amount in asked.items())
        allowed = allowed and self.shelf["B5"] >= rice_packs and self.shelf["T10"] >= egg_packs
        purse = debit(egg_packs * 20_000) if tender is Tender.PURSE else None
        entry = None
        with suppress(RuleViolation), self.ledger.write() as uow:
            entry = serve(uow, family, *lines, purse=purse)
        assert (entry is not None) is allowed
        if entry is None:
            return multiple()
        self.move(family, lines, 1)
        return (entry.id, family, lines)

    @rule(done=consumes(served))
    def reverse(self, done: tuple[str, str, tuple[RedemptionLine, ...]]) -> None:
        entry_id, family, lines = done
        with self.ledger.write() as uow:
            fact = undo(uow, entry_id)
            entry = uow.append(fact)
            uow.queue_print("reversal", entry.id, fact.receipt, 0, goods(*lines))
        self.move(family, lines, -1)

    @rule(product=st.sampled_from(["B5", "T10"]), amount=packs)
    def receive(self, product: str, amount: int) -> None:
        with self.ledger.write() as uow:
            uow.append(StockReceived("Bulog", "DO", (ReceivedLine(product, amount),)))
        self.shelf[product] += amount

    @rule(product=st.sampled_from(["B5", "T10"]), amount=st.integers(0, 9))
    def adjust(self, product: str, amount: int) -> None:
        with self.ledger.write() as uow:
            uow.append(StockAdjusted((CountLine(product, self.shelf[product], amount),)))
        self.shelf[product] = amount

    @rule(family=families, total=st.integers(0, 30_000))
    def grant(self, family: str, total: int) -> None:
        self.cursor += 1
        with self.ledger.write() as uow:
            uow.accept(
                StatePage(self.cursor, leases=(LeaseGrant(family, "BPNT", "2026-11", "beras", Unit.GRAM, total),)), ""
            )
        more = max(0, total - self.granted[family, "beras"])
        self.granted[family, "beras"] += more
        self.left[family, "beras"] += more

    @rule(back=st.integers(0, 5))
    def acknowledge(self, back: int) -> None:
        seq = max(1, self.ledger.read().head().seq - back)
        with self.ledger.write() as uow:
            uow.append(acknowledged(uow, seq))

    @rule()
    def reopen(self) -> None:
        before = self.ledger._tip
        self.ledger.close()
        self.ledger = open_ledger(Path(self.home.name), KEY, ToldClock())
        assert self.ledger._tip == before

    def move(self, family: str, lines: tuple[RedemptionLine, ...], sign: int) -> None:
        for line in lines:
            self.shelf[line.product] -= sign * line.packs
            if line.tender is Tender.RATION:
                self.left[family, line.commodity] -= sign * line.amount

    @invariant()
    def books_agree(self) -> None:
        reader = self.ledger.read()
        assert reader.stock() == self.shelf
        for (family, kind), left in self.left.items():
            (lease,) = [lease for lease in reader.leases(family, NOVEMBER) if lease.commodity == kind]
            assert lease.left.amount == left >= 0
        assert reader.totals(TODAY).agrees

    def teardown(self) -> None:
        report = verify(Path(self.home.name), KEY)
        self.ledger.close()
        self.home.cleanup()
        assert report.problems == ()


RIGHTS = {"beras": 10_000, "telur": 30}
Counter.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestCounter = Counter.TestCase
