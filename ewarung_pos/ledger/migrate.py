"""Make a ledger, and bring an older one up to date on a copy. Alembic is imported here only, and only when needed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.errors import ConfigError, LedgerError, MigrationFailed, PosError
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.backup import complete, copy_ledger, discard, end_of
from ewarung_pos.ledger.engine import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    Connection,
    check_owner,
    connect,
    known,
    translated,
)
from ewarung_pos.ledger.keys import sync_directory
from ewarung_pos.ledger.verify import verify

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["REVISIONS", "alembic_config", "create", "migrate", "upgrade"]

_HOME = Path(__file__).parent / "migrations"

REVISIONS = (_HOME / "versions",)
"""Where the revisions are."""


def create(path: Path, key: bytes | None) -> None:
    """Make an empty ledger: built beside, linked into place, so that a power cut leaves a whole one or none.

    Raises:
        ConfigError: the directory cannot be used.
        LedgerFull: no room.
    """
    draft = path.with_name(path.name + ".new")
    try:
        discard(draft)
        connection = connect(draft, key, create=True)
        try:
            with translated():
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                migrate(connection)
                complete(connection)
        finally:
            connection.close()
        os.link(draft, path)
        discard(draft)
        sync_directory(path.parent)
    except OSError as error:
        raise ConfigError(f"{path.name}: {error.strerror}", reason="data_dir") from error


def upgrade(path: Path, key: bytes | None) -> bool:
    """Bring the ledger up to this version's schema; does nothing when it is there already.

    The work is done on a copy, which must end with the same entry and pass `verify` before it takes the old one's
    place; the old file is kept beside it as `ledger.db.schema-N`.

    Returns:
        Whether anything was done.

    Raises:
        LedgerTooNew: written by a newer version.
        LedgerBusy: another program reads it.
        MigrationFailed: the old file is in place, untouched.
    """
    with_old = connect(path, key)
    try:
        with translated():
            held = check_owner(with_old)
            if held == SCHEMA_VERSION:
                return False
            before = end_of(with_old)
            complete(with_old)  # or the new file would find a log that is not its own
    finally:
        with_old.close()
    draft = path.with_name(path.name + ".upgrade")
    kept = path.with_name(f"{path.name}.schema-{held}")
    try:
        discard(draft)
        copy_ledger(path, draft, key)
        _migrate_copy(draft, key, before)
        kept.unlink(missing_ok=True)
        os.link(path, kept)
        draft.replace(path)
        sync_directory(path.parent)
    except MigrationFailed:
        raise
    except (LedgerError, ConfigError, OSError) as error:
        raise MigrationFailed(str(error), reason="copy") from error
    finally:
        with suppress(OSError):
            discard(draft)
    return True


def _migrate_copy(draft: Path, key: bytes | None, before: tuple[int, bytes, bytes]) -> None:
    connection = connect(draft, key)
    try:
        with translated():
            migrate(connection)
            after = end_of(connection)
            complete(connection)
    finally:
        connection.close()
    report = verify(draft, key, encrypted=key is not None)
    if not report.ok or after != before:
        detail = "; ".join(map(str, report.problems)) or f"ended with entry {before[0]}, now with {after[0]}"
        raise MigrationFailed(detail, reason="verify")


def migrate(connection: Connection) -> None:
    """Run every revision that the file lacks, put the guards back, and note the number: one transaction.

    Raises:
        MigrationFailed: a revision went wrong; nothing changed.
        LedgerFull: no room; nothing changed.
    """
    from alembic import command
    from alembic.util.exc import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import StaticPool

    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    config = alembic_config()
    try:
        with engine.connect() as wrapped:  # rolls back when it is left before the COMMIT
            connection.execute("BEGIN EXCLUSIVE")
            config.attributes["connection"] = wrapped
            command.upgrade(config, "head")
            guards.install(connection)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
    except (SQLAlchemyError, CommandError) as error:
        raise MigrationFailed(str(error), reason="revision") from error
    except sqlite.Error as error:
        failure = known(error)
        raise (failure if isinstance(failure, PosError) else MigrationFailed(str(error), reason="revision")) from error


def alembic_config() -> Config:
    """Alembic's configuration without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", os.fspath(_HOME))
    config.set_main_option("version_locations", os.pathsep.join(map(os.fspath, REVISIONS)))
    config.set_main_option("path_separator", "os")
    return config
