"""A small fleet lives, with every fault, and is reconciled to zero; whatever is then made wrong is found and named."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ewarung_city.__main__ import cli
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_fleet import crew, till
from ewarung_fleet.crews import OwnHands
from ewarung_fleet.files import place_for
from ewarung_fleet.fleet import Fleet
from ewarung_fleet.messages import Looked
from ewarung_fleet.plan import Settings
from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.errors import ConfigError
from ewarung_pos.ledger.queries import Queries
from ewarung_pos.ports import SyncPhase, SyncReport
from ewarung_pos.sync.engine import SyncEngine
from tests.city_databases import OnPostgres
from tests.system.kit import CITY, surroundings

WRONG = ("differences", "overspend", "lost", "double", "unsound")
DAY = "EW-0001/1 2026-11-01"
LARGE = {"lost", "restored_from_backup", "rolled_back_found_as_fork", "usb_stick"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is one: a fleet waits for the disk some hundred times a day."""
    made = place_for(4)
    yield made
    shutil.rmtree(made)


def test_every_fault_happens_and_everything_is_zero(folder: Path) -> None:
    command = ["simulate", "--kiosks", "4", "--days", "4", "--families", "60", "--faults", "--seed", "16", "--json"]
    done = subprocess.run(
        [*CITY, *command, "--folder", str(folder / "fleet")],
        capture_output=True, text=True, timeout=200, env=surroundings(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert {name: said[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert set(said["faults"]) >= LARGE | {"power_cut", "city_killed"}
    assert {"lost_reply", "lost_request", "twice"} & set(said["faults"])
    assert said["device_days"] >= 12
    assert said["entries_compared"] > 200
    assert said["served_home"]["came"] == said["served_home"]["served"] > 0
    assert "day 4 of 4 is over" in done.stderr
    assert "real: ledgers" in done.stderr


def test_the_same_on_postgresql_and_never_in_a_database_that_is_used(
    postgresql: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    settings = Settings(2, 2, 24, 3, faults=True)
    databases = OnPostgres(postgresql, lambda _: None)
    request.addfinalizer(databases.close)
    database = databases.fresh(folder / "database")
    with Fleet(settings, folder, database, [OwnHands()], lambda _: None) as fleet:
        fleet.found()
        fleet.live()
        fleet.drain()
        report = fleet.reconcile()
        assert report.findings == []
        assert report.clean
        assert report.device_days >= 2
    with (
        pytest.raises(ConfigError, match="a city in it already"),
        Fleet(settings, Path(tempfile.mkdtemp(dir=folder)), database, [OwnHands()], lambda _: None) as again,
    ):
        again.found()


# --- it cannot say zero without having looked -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived() -> Iterator[Fleet]:
    """Two kiosks after two good days, everything drained."""
    place = place_for(2)
    with Fleet(Settings(2, 2, 40, 1, faults=False), place, "", [OwnHands()], lambda _: None) as fleet:
        fleet.found()
        fleet.live()
        fleet.drain()
        assert fleet.reconcile().clean
        yield fleet
    shutil.rmtree(place)


def _day(tx: Tx) -> None:
    row = tx.one(schema.day, device="EW-0001", epoch=1, date="2026-11-01")
    assert row is not None
    totals = msgspec.json.decode(row["totals"], type=DayTotals)
    less = msgspec.structs.replace(totals, ration_value=totals.ration_value - 1)
    tx.put(schema.day, [{**row, "totals": msgspec.json.encode(less).decode()}])


def _seal(tx: Tx) -> None:
    tx.remove(schema.day, device="EW-0001", date="2026-11-01")


def _hash(tx: Tx) -> None:
    tx.change(schema.entry, {"hash": bytes(32)}, device="EW-0001", seq=5)


def _last_entry(tx: Tx) -> None:
    row = tx.last(schema.entry, "seq", device="EW-0001")
    assert row is not None
    tx.remove(schema.entry, device="EW-0001", seq=row["seq"])


def _again(tx: Tx) -> None:
    row = tx.last(schema.redemption, "seq", device="EW-0001")
    assert row is not None
    tx.add(schema.redemption, [{**row, "seq": 90_000}])


def _line(tx: Tx) -> None:
    row = next(row for row in tx.all(schema.redemption_line, device="EW-0001", tender="ration"))
    key = {name: row[name] for name in ("device", "epoch", "seq", "line")}
    tx.change(schema.redemption_line, {"amount": int(row["amount"]) + 1000}, **key)


def _right(tx: Tx) -> None:
    for row in tx.all(schema.lease, device="EW-0001", commodity="beras"):
        if int(row["spent"]) > 0:
            tx.change(schema.entitlement, {"amount": 1}, family=row["family"], commodity="beras")
            return


@pytest.mark.parametrize(
    ("alter", "finding"),
    [
        (_day, f"difference: {DAY}: the city's totals differ from the Z report in ration_value"),
        (_seal, f"lost: {DAY}: the city has no seal of it"),
        (_hash, "difference: EW-0001/1: entry 5 is another one at the city"),
        (_last_entry, "is not at the city"),
        (_again, "counts 2 times"),
        (_line, "left the counter, the city counts"),
        (_right, "left the counters, entitled to 1"),
    ],
)
def test_a_row_that_somebody_altered_is_named(lived: Fleet, alter: Callable[[Tx], None], finding: str) -> None:
    city = lived.office.data_dir / "city.db"
    with lived.office.store.write() as tx:
        kept = {table: [dict(row) for row in tx.all(table)] for table in TABLES}
        alter(tx)
    try:
        report = lived.reconcile()
    finally:
        with lived.office.store.write() as tx:
            for table, rows in kept.items():
                tx.remove(table)
                tx.put(table, rows)
    assert city.exists()
    assert any(finding in found for found in report.findings), report.findings
    assert not report.clean
    assert sum(getattr(report, name) for name in WRONG) == len(report.findings) > 0
    assert lived.reconcile().clean


TABLES = (schema.day, schema.entry, schema.redemption, schema.redemption_line, schema.entitlement)


def test_a_day_that_nobody_closed_is_no_zero(lived: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lived.plan, "settings", msgspec.structs.replace(lived.settings, days=3))
    report = lived.reconcile()
    assert report.findings == ["unsound: EW-0001: closed 2 of 3 days", "unsound: EW-0002: closed 2 of 3 days"]


def test_a_ledger_that_nobody_looked_at_is_no_zero(lived: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew.Crew, "_look", lambda self, order: Looked((), {}, 0, 0, 0, 0, {}))
    report = lived.reconcile()
    assert report.findings == ["unsound: EW-0001: was not looked at", "unsound: EW-0002: was not looked at"]
    assert not report.clean


class _Idle(SyncEngine):
    """Says that all is well, and sends nothing: the engine of EW-0002."""

    def step(self) -> SyncReport:
        identity = self._ledger.read().identity()
        if identity is None or identity.device != "EW-0002":
            return super().step()
        return SyncReport(SyncPhase.IDLE)


def test_broken_tills_end_with_exit_code_1_and_their_days_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(till, "SyncEngine", _Idle)
    count = Queries.totals

    def miscount(self: Queries, date: object) -> DayTotals:
        """EW-0001 counts one refusal too many."""
        totals = count(self, date)  # type: ignore[arg-type]
        who = self.identity()
        wrong = who is not None and who.device == "EW-0001"
        return msgspec.structs.replace(totals, refused=totals.refused + 1) if wrong else totals

    monkeypatch.setattr(Queries, "totals", miscount)
    command = ["simulate", "--kiosks", "2", "--days", "1", "--families", "12", "--workers", "0"]
    done = CliRunner().invoke(cli, [*command, "--folder", str(folder / "fleet")])
    assert done.exit_code == 1, done.output
    assert f"difference: {DAY}: the city's totals differ from the Z report in refused" in done.output
    assert "lost: EW-0002/1 2026-11-01: the city has no seal of it" in done.output
    assert "entries did not arrive though the line was back" in done.output
