"""Many rows in one go, as each driver does it fastest: SQLite row after row in C, PostgreSQL by COPY and by arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import BigInteger

__all__ = ["writer"]

Rows = Sequence[Mapping[str, Any]]

_COPY_FROM = 8
"""So many new rows are worth a COPY of their own."""


class Writer(Protocol):
    """Writes rows that all name the same columns."""

    def add(self, table: Table, rows: Rows) -> None:
        """New rows."""

    def put(self, table: Table, rows: Rows) -> None:
        """Rows that replace those of the same key; columns that are not named stay, or get the default."""


def writer(connection: Connection) -> Writer:
    """The one for this connection's engine."""
    return _Postgres(connection) if connection.dialect.name == "postgresql" else _Sqlite(connection)


class _Shape(NamedTuple):
    """Of a table and a choice of its columns: everything about a statement that does not depend on the values."""

    names: tuple[str, ...]
    defaults: tuple[Any, ...]
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    columns: str
    conflict: str
    key: Callable[[Mapping[str, Any]], object]
    types: tuple[str, ...]


_shapes: dict[tuple[str, tuple[str, ...]], _Shape] = {}


def _shape(table: Table, row: Mapping[str, Any]) -> _Shape:
    known = (table.name, tuple(row))
    if known not in _shapes:
        _shapes[known] = _shaped(table, tuple(row))
    return _shapes[known]


def _shaped(table: Table, said: tuple[str, ...]) -> _Shape:
    left = [column for column in table.columns if column.name not in said]
    keys = [column.name for column in table.primary_key]
    names = (*said, *(column.name for column in left))
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in said if name not in keys)
    quoted = ", ".join(f'"{name}"' for name in keys)
    return _Shape(
        names=names,
        defaults=tuple(_default(column) for column in left),
        values=itemgetter(*said) if len(said) > 1 else lambda row: (row[said[0]],),
        columns=", ".join(f'"{name}"' for name in names),
        conflict=f"ON CONFLICT ({quoted}) DO " + (f"UPDATE SET {changed}" if changed else "NOTHING"),
        key=itemgetter(*keys),
        types=tuple(_type(table.c[name]) for name in names),
    )


def _default(column: Column[Any]) -> object:
    if not isinstance(column.default, ScalarElementColumnDefault):
        raise KeyError(f"{column}: a row must say it")
    return column.default.arg


def _type(column: Column[Any]) -> str:
    if isinstance(column.type, BigInteger):
        return "int8"
    if isinstance(column.type, Integer):
        return "int4"
    return "bytea" if isinstance(column.type, LargeBinary) else "text"


class _Sqlite:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, table: Table, rows: Rows) -> None:
        self._insert(table, rows, "")

    def put(self, table: Table, rows: Rows) -> None:
        self._insert(table, rows, _shape(table, rows[0]).conflict)

    def _insert(self, table: Table, rows: Rows, conflict: str) -> None:
        shape = _shape(table, rows[0])
        places = ", ".join("?" * len(shape.names))
        statement = f'INSERT INTO "{table.name}" ({shape.columns}) VALUES ({places}) {conflict}'  # noqa: S608 - our names
        values, defaults = shape.values, shape.defaults
        self._connection.exec_driver_sql(statement, [values(row) + defaults for row in rows])


class _Postgres:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, table: Table, rows: Rows) -> None:
        shape = _shape(table, rows[0])
        if len(rows) < _COPY_FROM:
            self._insert(table, shape, rows, "")
            return
        values, defaults = shape.values, shape.defaults
        driver: Any = self._connection.connection
        with driver.cursor() as cursor:
            statement = f'COPY "{table.name}" ({shape.columns}) FROM STDIN (FORMAT BINARY)'
            with cursor.copy(statement) as copy:
                copy.set_types(shape.types)
                for row in rows:
                    copy.write_row(values(row) + defaults)

    def put(self, table: Table, rows: Rows) -> None:
        shape = _shape(table, rows[0])
        # One statement may meet a key once only; of several rows with one key the last one counts.
        last = {shape.key(row): row for row in rows} if len(rows) > 1 else {None: rows[0]}
        self._insert(table, shape, list(last.values()), shape.conflict)

    def _insert(self, table: Table, shape: _Shape, rows: Rows, conflict: str) -> None:
        values, defaults = shape.values, shape.defaults
        arrays = ", ".join(f"%s::{kind}[]" for kind in shape.types)
        statement = f'INSERT INTO "{table.name}" ({shape.columns}) SELECT * FROM unnest({arrays}) {conflict}'  # noqa: S608 - our names
        columns = zip(*(values(row) + defaults for row in rows), strict=True)
        self._connection.exec_driver_sql(statement, tuple(map(list, columns)))
