"""Bring a city's database to the tables of this program, revision by revision, in one transaction.

Alembic is imported only when there is something to do.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ewarung_pos.errors import ConfigError

__all__ = ["HEAD", "REVISIONS", "upgrade"]

_HOME = Path(__file__).parent / "migrations"

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""Of this program, in order."""

HEAD = REVISIONS[-1]
"""The revision that this program works with."""

_LOCK = 0x6557_6172_756E_67
"""Held in PostgreSQL while tables are changed: of several workers that start together one does it, the others wait."""


def upgrade(engine: Engine) -> None:
    """Run what the database lacks; nothing of it stays if one revision fails.

    Raises:
        ConfigError: made by a newer program (`schema`).
        SQLAlchemyError: the database cannot be used.
    """
    with engine.connect().execution_options(reading=True) as connection:
        if _revision(connection) == HEAD:
            return
    # Whoever waited for the lock must see what the one before it made: not one state from before the wait.
    level = {"isolation_level": "READ COMMITTED"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**level) as connection, connection.begin():
        if level:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if _revision(connection) != HEAD:
            _run(connection)


def _revision(connection: Connection) -> str:
    """What the database says it is; empty if it has no tables, or those of a program without revisions."""
    found = inspect(connection)
    if not found.has_table("alembic_version"):
        if found.has_table("city"):
            held = connection.execute(text("SELECT value FROM city WHERE name = 'schema'")).scalar()
            if held not in {None, "1"}:
                raise _newer(str(held))
        return ""
    held = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if held not in {None, *REVISIONS}:
        raise _newer(str(held))
    return str(held or "")


def _newer(held: str) -> ConfigError:
    return ConfigError(f"the database has schema {held}, this program {HEAD}: use the newer program", reason="schema")


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", os.fspath(_HOME))
    config.set_main_option("version_locations", os.fspath(_HOME / "versions"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
