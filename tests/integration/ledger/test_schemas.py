"""Every schema that was ever released, with rows in it, walks forward to the newest: nothing of it changes.

`tests/ledgers/schemas/NNNN.db` is a ledger as that release wrote it, under the published test key `kiosk.KEY`, and
`NNNN.json` what it held. Neither is ever written again; a new release adds its own with `python -m
tests.integration.ledger.released_schema`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import to_builtins

from ewarung_pos.errors import LedgerError, MigrationFailed
from ewarung_pos.ledger import engine, guards, migrate, shape
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ui.text_verify import verdict
from tests.integration.ledger.kiosk import KEY, names, rice, serve
from tests.integration.ledger.released_schema import SCHEMAS, held_by

pytestmark = pytest.mark.usefixtures("own_drafts")

Open = Callable[..., SqlLedger]
ROOT = Path(__file__).parents[3]
SHAPE = "shape.json"
RELEASED = sorted(path.stem for path in SCHEMAS.glob("*.db"))

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("stock", recreate="always") as batch:
        batch.add_column(sa.Column("shelf", sa.Text(), nullable=False, server_default=sa.text("''")))
    with op.batch_alter_table("receipt_paper", recreate="always") as batch:  # takes its guards away, silently
        batch.add_column(sa.Column("note", sa.Text()))
"""


def put(schema: str, place: Path) -> Path:
    path = place / "ledger.db"
    shutil.copy(SCHEMAS / f"{schema}.db", path)
    return path


@pytest.fixture
def next_version(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This version becomes one that knows a second schema; the revision rebuilds a table, as Alembic does on SQLite."""
    versions = tmp_path_factory.mktemp("versions")
    (versions / "0002_shelf.py").write_text(NEXT)
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, versions))
    for module in ("engine", "migrate", "database"):
        monkeypatch.setattr(f"ewarung_pos.ledger.{module}.SCHEMA_VERSION", 2)
    connection = connect(tmp_path_factory.mktemp("empty") / "ledger.db", None, create=True)
    migrate.migrate(connection)
    monkeypatch.setitem(shape.SHAPES, 2, shape.shape_of(connection))
    connection.close()
    (versions / SHAPE).write_text(json.dumps(shape.SHAPES[2]), encoding="utf-8")
    return versions


def test_every_released_schema_has_its_ledger() -> None:
    assert [f"{number:04d}" for number in range(1, engine.SCHEMA_VERSION + 1)] == RELEASED


@pytest.mark.parametrize("schema", RELEASED)
def test_a_released_ledger_opens_with_all_it_held(schema: str, opened: Open, tmp_path: Path) -> None:
    path = put(schema, tmp_path)
    expected = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    ledger = opened()
    assert held_by(path, KEY) == expected
    report = verify(tmp_path, KEY)
    assert (report.ok, report.entries, report.head) == (True, expected["entries"], expected["head"])
    with ledger.write() as uow:
        serve(uow, "F0003", rice(1))
    assert verify(tmp_path, KEY).ok


@pytest.mark.parametrize("schema", RELEASED)
def test_a_released_ledger_walks_on_to_the_next_schema(
    schema: str, opened: Open, tmp_path: Path, next_version: Path
) -> None:
    path = put(schema, tmp_path)
    before = path.read_bytes()
    expected = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    ledger = opened()
    assert held_by(path, KEY) == expected
    assert ledger.read().head().hash == expected["head"]
    connection = connect(path, KEY, query_only=True)
    assert guards.missing(connection) == ()
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT DISTINCT shelf FROM stock").fetchone() == ("",)
    connection.close()
    assert verify(tmp_path, KEY).ok
    kept = tmp_path / f"ledger.db.schema-{int(schema)}"
    assert held_by(kept, KEY) == expected
    assert len(kept.read_bytes()) == len(before)


# --- before the till opened it -------------------------------------------------------------------------------------


def hand(path: Path, *statements: str) -> None:
    """Somebody who knows the key, and has nothing on that would hinder them."""
    connection = connect(path, KEY)
    connection.execute("PRAGMA writable_schema = ON")
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("schema", RELEASED)
def test_a_ledger_that_is_only_older_is_sound_and_is_left_as_it_is(
    schema: str, tmp_path: Path, next_version: Path
) -> None:
    path = put(schema, tmp_path)
    hand(path)
    before = pages_of(path)
    expected = json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8"))
    report = verify(tmp_path, KEY)
    assert (report.problems, report.entries, report.head) == ((), expected["entries"], expected["head"])
    assert report.schema == int(schema)
    assert verdict(to_builtins(report))[1:] == ("Ditulis versi sebelumnya; kasir memperbaruinya sendiri saat dibuka.",)
    assert pages_of(path) == before
    assert not list(Path(tempfile.gettempdir()).glob("ewarung-reading-*"))
    assert verify(path, KEY, chain_only=True).ok


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DROP TRIGGER guard_lease_update", "guard guard_lease_update"),
        ("CREATE TRIGGER mine AFTER INSERT ON stock BEGIN DELETE FROM print_job; END", "schema mine"),
        ("CREATE VIEW stock_now AS SELECT * FROM stock", "schema stock_now"),
        ("ALTER TABLE stock ADD COLUMN shelf TEXT", "schema stock"),
        ("UPDATE stock SET packs = packs + 1", "projection stock"),
        ("PRAGMA user_version = 0", "schema schema 0"),
        ("UPDATE alembic_version SET version_num = '0000'", "schema 1: revision"),
    ],
)
def test_an_older_ledger_that_somebody_was_at_is_found(
    tmp_path: Path, next_version: Path, statement: str, problem: str
) -> None:
    hand(put("0001", tmp_path), statement)
    report = verify(tmp_path, KEY)
    assert [str(each) for each in report.problems] == [problem]


def test_an_entry_of_an_older_ledger_is_named(tmp_path: Path, next_version: Path) -> None:
    path = put("0001", tmp_path)
    (guard,) = (statement for name, statement in guards.GUARDS.items() if name == "guard_ledger_entry_update")
    change = (
        "UPDATE ledger_entry SET payload = CAST(replace(CAST(payload AS TEXT), 'date', 'Date') AS BLOB) WHERE seq = 6"
    )
    hand(path, "DROP TRIGGER guard_ledger_entry_update", change, guard)
    assert verify(tmp_path, KEY).first_bad_seq == 6


def test_a_torn_ledger_of_an_older_version_is_told_as_such(tmp_path: Path, next_version: Path) -> None:
    path = put("0001", tmp_path)
    whole = path.read_bytes()
    for page in range(1, len(whole) // engine.PAGE_BYTES):
        at = page * engine.PAGE_BYTES + 100
        path.write_bytes(whole[:at] + b"torn" + whole[at + 4 :])
        report = verify(tmp_path, KEY)
        assert {problem.what for problem in report.problems} == {"file"}


# --- every failure leaves the old file in place, byte for byte -----------------------------------------------------


def settled(tmp_path: Path) -> bytes:
    """The old file as a till leaves it (its journal mode is set already), and its bytes."""
    path = put("0001", tmp_path)
    connection = connect(path, KEY)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return pages_of(path)


def pages_of(path: Path) -> bytes:
    """All pages but the first, whose header counts openings."""
    return path.read_bytes()[engine.PAGE_BYTES :]


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("copy_ledger", LedgerError("SQLITE_IOERR", reason="io")),
        ("migrate", MigrationFailed("wrong", reason="revision")),
        ("complete", LedgerError("SQLITE_IOERR", reason="io")),
        ("verify", LedgerError("SQLITE_IOERR", reason="io")),
        ("sync_directory", OSError(5, "Input/output error")),
    ],
)
def test_a_step_that_fails_leaves_the_old_file(
    tmp_path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    before = settled(tmp_path)
    real, calls = getattr(migrate, where), 0

    def fails(*arguments: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if where == "complete" and calls == 1:  # the first is of the old file
            return real(*arguments, **more)
        raise error

    monkeypatch.setattr(migrate, where, fails)
    if where == "sync_directory":  # the name is the new file's already; all that is left is to make it last
        with pytest.raises(MigrationFailed):
            migrate.upgrade(tmp_path / "ledger.db", KEY)
        assert pages_of(tmp_path / "ledger.db.schema-1") == before
        assert verify(tmp_path, KEY).ok
        return
    with pytest.raises(MigrationFailed):
        migrate.upgrade(tmp_path / "ledger.db", KEY)
    assert names(tmp_path) == ["ledger.db"]
    assert pages_of(tmp_path / "ledger.db") == before


def test_guards_that_are_not_there_afterwards_are_found(
    tmp_path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settled(tmp_path)
    monkeypatch.setattr(guards, "install", lambda _: None)
    with pytest.raises(MigrationFailed) as caught:
        migrate.upgrade(tmp_path / "ledger.db", KEY)
    assert (caught.value.reason, "guard" in caught.value.detail) == ("verify", True)
    assert pages_of(tmp_path / "ledger.db") == before


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, next_version: Path) -> None:
    resource = pytest.importorskip("resource")
    before = settled(tmp_path)
    size = (tmp_path / "ledger.db").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (0, size // 2, size - engine.PAGE_BYTES):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(LedgerError):
                migrate.upgrade(tmp_path / "ledger.db", KEY)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert pages_of(tmp_path / "ledger.db") == before
    assert migrate.upgrade(tmp_path / "ledger.db", KEY)


CHILD = """
import json, os, pathlib, sys
from ewarung_pos.ledger import database, engine, migrate, shape
from tests.integration.ledger.kiosk import KEY

place, versions, stop = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
migrate.REVISIONS = (*migrate.REVISIONS, versions)
shape.SHAPES[2] = json.loads((versions / "shape.json").read_text())
engine.SCHEMA_VERSION = migrate.SCHEMA_VERSION = database.SCHEMA_VERSION = 2
steps = 0


def dying(real):
    def step(*arguments, **more):
        global steps
        steps += 1
        if steps == stop:
            os._exit(9)
        return real(*arguments, **more)

    return step


for name in ("copy_ledger", "migrate", "complete", "verify", "discard", "sync_directory"):
    setattr(migrate, name, dying(getattr(migrate, name)))
os.link = dying(os.link)
pathlib.Path.replace = dying(pathlib.Path.replace)
assert migrate.upgrade(place / "ledger.db", KEY)
"""


def test_a_death_between_any_two_steps_leaves_the_old_file_or_the_new_one(tmp_path: Path, next_version: Path) -> None:
    seen = set()
    for stop in range(1, 30):
        place = tmp_path / str(stop)
        place.mkdir()
        before = settled(place)
        words = [sys.executable, "-c", CHILD, os.fspath(place), os.fspath(next_version), str(stop)]
        died = subprocess.run(words, cwd=ROOT, check=False).returncode
        assert died in {0, 9}
        connection = connect(place / "ledger.db", KEY, query_only=True)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.close()
        seen.add(version)
        if version == 1:
            assert pages_of(place / "ledger.db") == before
        migrate.upgrade(place / "ledger.db", KEY)
        assert verify(place, KEY).ok
        assert held_by(place / "ledger.db", KEY) == json.loads((SCHEMAS / "0001.json").read_text(encoding="utf-8"))
        assert "ledger.db.upgrade" not in names(place)
        if not died:
            break
    assert (seen, stop > 7) == ({1, 2}, True)
