"""Where each table lies when a city's database is spread over many machines by Citus.

- by kiosk: all that a kiosk reports or is told, one place for each kiosk, so that a batch is one shard's transaction;
- by family: what the city owes, before any kiosk holds it;
- everywhere: a copy on every machine, of what is small and what batches read of the city's own;
- here: on the coordinator alone.

A table that is not named below lies where its key says: `device` first is a kiosk's, `family` first a family's, any
other is the city's own.
"""

from __future__ import annotations

from enum import Enum

from sqlalchemy import Connection, Engine, Table, text

from ewarung_city.store.schema import METADATA
from ewarung_pos.errors import ConfigError

__all__ = ["Place", "distribute", "place_of", "refuse_without_citus", "statements"]

_KIOSKS, _FAMILIES = "epoch", "entitlement"
"""The tables that all others of their group lie beside."""


class Place(Enum):
    """Of a table; the value is the column that decides, if one does."""

    KIOSK = "device"
    FAMILY = "family"
    EVERYWHERE = ""
    HERE = None


_NAMED = {
    "kiosk": Place.EVERYWHERE,  # a row for each, which officers hold while they work; batches only read it
    # Officers, and what they did: triggers keep that from being changed, and shards would have none.
    "officer": Place.HERE,
    "audit": Place.HERE,
    "case_step": Place.HERE,
}


def place_of(table: Table) -> Place:
    """Where a table lies."""
    if table.name in _NAMED:
        return _NAMED[table.name]
    first = next(iter(table.primary_key)).name
    return Place(first) if first in {Place.KIOSK.value, Place.FAMILY.value} else Place.EVERYWHERE


def statements(placed: frozenset[str] = frozenset()) -> list[str]:
    """What brings tables that are not `placed` to their places, in this order; nothing for those that stay here."""
    lie = {table.name: place_of(table) for table in METADATA.sorted_tables}
    said = [
        f"SELECT create_reference_table('{name}')"
        for name, place in lie.items()
        if place is Place.EVERYWHERE and name not in placed
    ]
    for first, place in ((_KIOSKS, Place.KIOSK), (_FAMILIES, Place.FAMILY)):
        names = [name for name, where in lie.items() if where is place]
        for name in sorted(names, key=lambda name: name != first):
            if name not in placed:
                beside = "none" if name == first else first
                said.append(
                    f"SELECT create_distributed_table('{_quoted(name)}', '{place.value}', colocate_with => '{beside}')"
                )
    return said


def _quoted(name: str) -> str:
    return f'"{name}"' if name == "case" else name


def refuse_without_citus(engine: Engine) -> None:
    """Before anything is made.

    Raises:
        ConfigError: not PostgreSQL, or a database without the extension (`no_citus`).
        SQLAlchemyError: it cannot be reached.
    """
    if engine.dialect.name != "postgresql":
        raise ConfigError(
            "--distributed spreads a PostgreSQL database over many machines; this is SQLite", reason="no_citus"
        )
    with engine.connect() as connection:
        if not _has_citus(connection):
            raise ConfigError(
                "the database has no Citus: nothing was changed. Add the extension to it and to its workers "
                "(CREATE EXTENSION citus; SELECT citus_add_node(...)), or leave out --distributed",
                reason="no_citus",
            )


def distribute(engine: Engine, *, begin: bool) -> list[str]:
    """Bring every table to its place that is not there yet; returns the statements that did it.

    Each is its own transaction, as Citus wants it: what failed in between is done by the next call.

    Args:
        engine: of a database with all its tables.
        begin: also where none is in its place so far; else only in a city that is spread already.

    Raises:
        SQLAlchemyError: Citus refused one.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not _has_citus(connection):
            return []
        held = connection.execute(text("SELECT logicalrelid::regclass::text FROM pg_dist_partition"))
        placed = frozenset(str(name).strip('"') for (name,) in held)
        wanted = statements(placed) if begin or _KIOSKS in placed else []
        for statement in wanted:
            connection.exec_driver_sql(statement)
    return wanted


def _has_citus(connection: Connection) -> bool:
    found = connection.execute(text("SELECT extversion FROM pg_extension WHERE extname = 'citus'"))
    return found.scalar() is not None
