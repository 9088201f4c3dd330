"""A real ledger in a directory of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewarung_pos.ledger import engine, migrate
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from tests.integration.ledger.kiosk import KEY, ToldClock, enrol, stock_up
from tests.new_ledger import new_ledger

SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("setting", sa.Column("note", sa.Text(), nullable=False, server_default=sa.text("''")))
    {more}
"""


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture
def own_drafts(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts of this test alone: in the system's folder for such lie those of tests that run beside it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("drafts")))


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


@pytest.fixture
def second(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes this version one that knows a second revision, which also does `more`."""

    def know(more: str = "") -> None:
        versions = tmp_path_factory.mktemp("versions")
        (versions / "0002_second.py").write_text(SECOND.format(more=more))
        monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, versions))
        for module in (engine, migrate):
            monkeypatch.setattr(module, "SCHEMA_VERSION", 2)
        monkeypatch.setattr("ewarung_pos.ledger.database.SCHEMA_VERSION", 2)
        for module_ in ("verify", "database"):
            monkeypatch.setattr(f"ewarung_pos.ledger.{module_}.misshapen", lambda _: ((), ()))

    return know
