"""A real ledger in a directory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.ledger.database import SqlLedger, open_ledger
from tests.integration.ledger.kiosk import KEY, ToldClock, enrol, stock_up
from tests.new_ledger import new_ledger


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ToldClock) -> Iterator[Callable[..., SqlLedger]]:
    """Opens the ledger of the test's directory (again); every one is closed at the end."""
    held: list[SqlLedger] = []

    def open_(directory: Path = tmp_path, *, create: bool = False, encrypted: bool = True) -> SqlLedger:
        ledger = open_ledger(directory, KEY, clock, create=create, encrypted=encrypted)
        held.append(ledger)
        return ledger

    yield open_
    for ledger in held:
        ledger.close()


@pytest.fixture
def empty(tmp_path: Path, opened: Callable[..., SqlLedger]) -> SqlLedger:
    """A new ledger without an identity."""
    new_ledger(tmp_path, KEY)
    return opened()


@pytest.fixture
def ledger(empty: SqlLedger) -> SqlLedger:
    """Enrolled, three families with leases and credits, an open day, a hundred packs of each product."""
    enrol(empty)
    stock_up(empty)
    return empty
