"""A wall clock that was moved is written down before anything else is; it does not make the new time a trusted one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import ClockStepped, OperatorChanged, decode
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.timeline import ClockReading, Instant
from ewarung_pos.errors import ClockSuspect, LedgerFull
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.export import export
from ewarung_pos.ledger.unit_of_work import SqlUnitOfWork
from ewarung_pos.ledger.verify import verify
from tests.till_kit import LEDGER_KEY, START_MS, FakeClock, TillKit, till_kit

HOUR = 3_600_000


@dataclass
class MovedClock(FakeClock):
    """Wall time `moved` against the clock that only runs forward."""

    moved: int = 0
    boot: str = "boot-1"

    def now(self) -> ClockReading:
        return ClockReading(Instant(self.ms + self.moved), self.ms - START_MS + 1000, self.boot)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    clock = MovedClock()
    monkeypatch.setattr("tests.till_kit.FakeClock", lambda: clock)
    return clock


@pytest.fixture
def till(tmp_path: Path, clock: MovedClock) -> Iterator[TillKit]:
    kit = till_kit(tmp_path, families=2)
    kit.open_shop()
    yield kit
    kit.ledger.close()


def facts(till: TillKit, after: int) -> list[object]:
    return [decode(row.body).fact for row in till.ledger.read().sealed(after, 100, 10**9)]


def signed_in(till: TillKit) -> OperatorChanged:
    fact = OperatorChanged("siti", "signed_in")
    with till.ledger.write() as uow:
        uow.append(fact, "siti")
    return fact


@pytest.mark.parametrize("moved", [HOUR, -HOUR, 2_001, -2_001])
def test_a_step_stands_before_the_first_entry_after_it_and_only_there(
    till: TillKit, clock: MovedClock, moved: int
) -> None:
    before = till.ledger.read().head().seq
    clock.ms += 60_000
    clock.moved = moved
    fact = signed_in(till)
    assert facts(till, before) == [ClockStepped(moved), fact]
    signed_in(till)
    assert facts(till, before) == [ClockStepped(moved), fact, fact]
    report = verify(till.data_dir, LEDGER_KEY)
    export(till.data_dir / "ledger.db", LEDGER_KEY, till.data_dir / "out.jsonl")
    assert (report.ok, verify(till.data_dir / "out.jsonl").problems) == (True, ())


@pytest.mark.parametrize("moved", [0, 2_000, -2_000])
def test_the_usual_jitter_is_no_step(till: TillKit, clock: MovedClock, moved: int) -> None:
    before = till.ledger.read().head().seq
    clock.ms += 60_000
    clock.moved = moved
    fact = signed_in(till)
    assert facts(till, before) == [fact]


def test_a_clock_that_is_behind_after_a_start_is_written_down_too(till: TillKit, clock: MovedClock) -> None:
    before = till.ledger.read().head()
    till.ledger.close()
    clock.moved, clock.boot = -HOUR, "boot-2"
    till.ledger = open_ledger(till.data_dir, LEDGER_KEY, clock)
    fact = signed_in(till)
    assert facts(till, before.seq) == [ClockStepped(-HOUR), fact]


def test_a_step_that_was_written_down_does_not_let_anybody_be_served(till: TillKit, clock: MovedClock) -> None:
    """The note is undone with the refused redemption, and even kept it does not count as a time to trust."""
    before = till.ledger.read().head()
    clock.moved = -HOUR
    basket = Basket().with_packs("beras-medium-5", 1, Tender.RATION, "JATAH")
    for _ in range(2):
        with pytest.raises(ClockSuspect):
            till.redeem.redeem(till.family("JATAH").card, basket, HolderPresence.SELF, "siti")
        assert till.ledger.read().head() == before
    with till.ledger.write() as uow:
        uow.put_setting("something", "else")
    assert facts(till, before.seq) == [ClockStepped(-HOUR)]
    assert till.ledger.read().head().last_ms == before.last_ms
    till.ledger.close()
    till.ledger = open_ledger(till.data_dir, LEDGER_KEY, clock)
    assert till.ledger.read().head().last_ms == before.last_ms


def test_a_note_that_cannot_be_written_lets_the_next_one_try(
    till: TillKit, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = till.ledger.read().head()
    clock.moved = HOUR

    def full(_: SqlUnitOfWork, *__: object) -> None:
        raise LedgerFull("no room")

    with monkeypatch.context() as patched:
        patched.setattr(SqlUnitOfWork, "append", full)
        with pytest.raises(LedgerFull):
            signed_in(till)
    assert till.ledger.read().head() == before
    fact = signed_in(till)
    assert facts(till, before.seq) == [ClockStepped(HOUR), fact]


def test_a_last_entry_that_cannot_be_read_does_not_keep_the_till_from_opening(till: TillKit, clock: MovedClock) -> None:
    till.ledger.close()
    connection = connect(till.data_dir / "ledger.db", LEDGER_KEY)
    connection.execute("DROP TRIGGER guard_ledger_entry_update")
    connection.execute("UPDATE ledger_entry SET payload = x'ff' WHERE seq = 4")
    guards.install(connection)
    connection.close()
    clock.moved = HOUR
    till.ledger = open_ledger(till.data_dir, LEDGER_KEY, clock)
    fact = signed_in(till)
    assert facts(till, 4) == [fact]
    assert verify(till.data_dir, LEDGER_KEY).first_bad_seq == 4
