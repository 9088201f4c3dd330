"""A clock that is set, forwards or back, in one boot or over another: an entry says so before anything else does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.domain.journal import ClockStepped, DayOpened, OperatorChanged, decode, uuid7
from ewarung_pos.domain.timeline import CityTime, ClockMemory, ClockReading, Instant
from ewarung_pos.errors import LedgerFull
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, NOVEMBER_24, enrol, rice, serve, stock_up

HOUR = 3_600_000
DAY = 24 * HOUR
YEAR = 365 * DAY


@dataclass
class Machine:
    """Wall clock, monotonic clock and boot, each set by hand."""

    wall: int = NOVEMBER_24
    ticks: int = 10_000
    boot: str = "boot-1"

    def now(self) -> ClockReading:
        return ClockReading(Instant(self.wall), self.ticks, self.boot)

    def mint(self) -> str:
        return uuid7(self.wall, os.urandom(10))

    def wait(self, ms: int) -> None:
        self.wall += ms
        self.ticks += ms

    def restart(self) -> None:
        self.boot += "'"
        self.ticks = 500


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def till(tmp_path: Path, machine: Machine) -> Iterator[SqlLedger]:
    ledger = open_ledger(tmp_path, KEY, machine, create=True, encrypted=False)
    enrol(ledger)
    stock_up(ledger)
    yield ledger
    ledger.close()


def note(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.append(OperatorChanged("K1", "signed_in"), "K1")


def steps(ledger: SqlLedger) -> list[int]:
    facts = [decode(row.body).fact for row in ledger.read().sealed(0, 1000, 10**7)]
    return [fact.delta_ms for fact in facts if isinstance(fact, ClockStepped) and not fact.confirmed]


@pytest.mark.parametrize("moved", [3 * DAY, -3 * DAY, 2 * YEAR, -2 * YEAR, 121_000, -121_000])
def test_a_clock_that_was_set_is_an_entry_before_the_next_one(till: SqlLedger, machine: Machine, moved: int) -> None:
    note(till)
    machine.wait(HOUR)
    machine.wall += moved
    before = till.read().head().seq
    with till.write() as uow:
        serve(uow, "F0001", rice(1))
    kinds = [type(decode(row.body).fact).__name__ for row in till.read().sealed(before, 10, 10**6)]
    assert kinds == ["ClockStepped", "Redeemed"]
    assert steps(till) == [moved]
    note(till)
    assert steps(till) == [moved], "once for each step"
    till.close()
    assert verify(till._path, encrypted=False).ok


def test_time_that_passes_is_no_step(till: SqlLedger, machine: Machine) -> None:
    for pause in (1, HOUR, 9 * DAY):
        machine.wait(pause)
        note(till)
    machine.wall += 119_000
    note(till)
    machine.wall -= 1_000
    note(till)
    assert steps(till) == []


def test_another_boot_is_seen_when_the_clock_went_back(tmp_path: Path, till: SqlLedger, machine: Machine) -> None:
    note(till)
    till.close()
    machine.restart()
    machine.wall += 2 * YEAR
    again = open_ledger(tmp_path, KEY, machine, encrypted=False)
    note(again)
    assert steps(again) == [], "nobody knows how long it was off"
    again.close()
    machine.restart()
    machine.wall -= 3 * DAY
    again = open_ledger(tmp_path, KEY, machine, encrypted=False)
    note(again)
    assert steps(again) == [-3 * DAY]
    again.close()


def test_what_was_latest_is_remembered_until_a_leader_confirms(
    tmp_path: Path, till: SqlLedger, machine: Machine
) -> None:
    note(till)
    latest = machine.wall
    machine.wall -= DAY
    note(till)
    assert till.read().head().last_ms == latest
    till.close()
    again = open_ledger(tmp_path, KEY, machine, encrypted=False)
    assert again.read().head().last_ms == latest, "a restart does not make the clock right"
    machine.wait(HOUR)
    note(again)
    assert again.read().head().last_ms == latest
    with again.write() as uow:
        uow.append(ClockStepped(-DAY, confirmed=True), "K2")
        uow.accept_clock(DAY)
    assert again.read().head().last_ms == machine.wall
    again.close()
    again = open_ledger(tmp_path, KEY, machine, encrypted=False)
    assert again.read().head().last_ms == machine.wall
    assert again.read().clock() == ClockMemory(accepted_ms=DAY)
    again.close()


def test_a_clock_that_catches_up_is_right_again(till: SqlLedger, machine: Machine) -> None:
    machine.wall -= HOUR
    note(till)
    note(till)
    machine.wall += 2 * HOUR
    note(till)
    assert till.read().head().last_ms == machine.wall
    assert steps(till) == [-HOUR, 2 * HOUR]


def test_the_city_s_time_is_kept(tmp_path: Path, till: SqlLedger, machine: Machine) -> None:
    heard = CityTime(machine.wall + 5, machine.wall, machine.ticks, machine.boot)
    with till.write() as uow:
        uow.heard_city(heard)
    till.close()
    again = open_ledger(tmp_path, KEY, machine, encrypted=False)
    assert again.read().clock() == ClockMemory(city=heard)
    again.close()


def test_a_day_can_be_opened_under_a_date_before_that_of_a_wrong_clock(till: SqlLedger, machine: Machine) -> None:
    from ewarung_pos.domain.business_day import DayTotals
    from ewarung_pos.domain.journal import ClosingBegun, DayClosed, StockAdjusted, StockCounted

    def close_day() -> None:
        with till.write() as uow:
            uow.append(ClosingBegun())
            uow.append(StockCounted((), closing=True))
            uow.append(StockAdjusted((), closing=True))
            uow.append(DayClosed(DayTotals(), (), None, uow.head().hash, "", 1))

    close_day()
    machine.wall += 2 * YEAR
    with till.write() as uow:
        uow.append(DayOpened())
    close_day()
    machine.wall -= 2 * YEAR - DAY
    with till.write() as uow:
        assert uow.append(DayOpened()).date == "2026-11-25"
    assert till.read().has_day(till.read().day().date or pytest.fail("no day"))


class Unwilling:
    """The writing connection, that refuses one kind of statement."""

    def __init__(self, connection: object, error: Exception) -> None:
        self._connection = connection
        self._error = error

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, statement: str, *arguments: object) -> object:
        if statement.startswith("INSERT INTO ledger_entry"):
            raise self._error
        return self._connection.execute(statement, *arguments)  # type: ignore[attr-defined]


def full() -> Exception:
    error = sqlite.OperationalError("database or disk is full")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite.SQLITE_FULL, "SQLITE_FULL"
    return error  # type: ignore[no-any-return]


@pytest.mark.parametrize(("raised", "met"), [(full, LedgerFull), (ZeroDivisionError, ZeroDivisionError)])
def test_a_step_that_cannot_be_written_stops_the_unit_of_work_and_nothing_else(
    till: SqlLedger, machine: Machine, raised: type[Exception], met: type[Exception]
) -> None:
    machine.wall += DAY
    before, writer = till.read().head(), till._writer
    till._writer = Unwilling(writer, raised())
    with pytest.raises(met):
        note(till)
    assert till.read().head() == before
    till._writer = writer
    note(till)
    assert steps(till) == [DAY]


def test_a_damaged_last_entry_is_for_verify_to_tell(tmp_path: Path, till: SqlLedger, machine: Machine) -> None:
    till.close()
    with sqlite.connect(tmp_path / "ledger.db") as connection:
        connection.execute("DROP TRIGGER guard_ledger_entry_update")
        connection.execute("UPDATE ledger_entry SET payload = x'00' WHERE seq = (SELECT max(seq) FROM ledger_entry)")
        guards.install(connection)
    connection.close()
    again = open_ledger(tmp_path, KEY, machine, encrypted=False)
    assert again.read().head().last_ms == 0
    again.close()
    assert not verify(tmp_path, encrypted=False).ok


def altered(ledger: SqlLedger, value: str) -> None:
    """Somebody else writes what the till remembers of time."""
    connection = sqlite.connect(str(ledger._path))
    connection.execute("INSERT OR REPLACE INTO setting VALUES ('clock', ?)", (value,))
    connection.commit()
    connection.close()


def test_a_memory_that_was_forged_is_found_and_does_not_keep_the_till_from_opening(
    tmp_path: Path, till: SqlLedger, machine: Machine
) -> None:
    machine.wall -= HOUR
    note(till)
    assert verify(till._path, encrypted=False).ok
    till.close()
    altered(till, "x")
    again = open_ledger(tmp_path, KEY, machine, encrypted=False)
    assert again.read().clock() == ClockMemory()
    again.close()
    assert [problem.what for problem in verify(till._path, encrypted=False).problems] == ["reference"]


def test_what_a_leader_confirmed_is_what_the_memory_holds(till: SqlLedger, machine: Machine) -> None:
    machine.wall -= HOUR
    with till.write() as uow:
        uow.append(ClockStepped(-HOUR, confirmed=True), "K1")
        uow.accept_clock(HOUR)
    assert verify(till._path, encrypted=False).ok
    with till.write() as uow:
        uow.accept_clock(2 * HOUR)
    assert [problem.what for problem in verify(till._path, encrypted=False).problems] == ["reference"]
