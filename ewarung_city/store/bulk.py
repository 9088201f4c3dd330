"""Many rows in one go, as each driver does it fastest: SQLite row after row in C, PostgreSQL by COPY or as one text."""

# ruff: noqa: S608 - the names in these statements are those of our own tables; every value travels beside them

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import Column, Integer, LargeBinary, Table
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import BigInteger

from ewarung_city.store.driver import Driver, quoted

__all__ = ["many"]

Row = Mapping[str, Any]
Rows = Sequence[Row]
Values = list[tuple[Any, ...]]
Equal = Mapping[str, object]

_COPY_FROM = 8
"""So many new rows are worth a COPY of their own."""


class Many(Protocol):
    """Writes rows that all name the same columns, and finds many by one of theirs."""

    def find(self, table: Table, names: Sequence[str], column: str, values: Sequence[object], equal: Equal) -> Values:
        """Values of these names, of rows whose `column` is one of many values, and whose other columns equal those."""

    def add(self, table: Table, rows: Rows) -> None:
        """New rows."""

    def load(self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        """New rows as values in the order of these names: every column that has no default."""

    def put(self, table: Table, rows: Rows) -> None:
        """Rows that replace those of the same key; columns that are not named stay, or get the default."""

    def move(self, table: Table, rows: Rows, equal: Equal, count: str) -> int:
        """Set columns of rows that are there, each named by its key; all have the columns that equal in common.

        With `count`, only of rows whose value of it is the one before; how many rows there were.
        """


def many(driver: Driver) -> Many:
    """The one for this driver's engine."""
    return _Postgres(driver) if driver.postgres else _Sqlite(driver)


def _present(column: str, values: Sequence[object]) -> str:
    """What an index over filled fields wants to hear, where no empty one is looked for."""
    return f""" AND "{column}" <> ''""" if values and values[0] and isinstance(values[0], str) else ""


def _moving(table: Table, row: Row, equal: Equal) -> tuple[list[str], list[str]]:
    """(key columns that a row names, columns that it changes)."""
    keys = [column.name for column in table.primary_key if column.name not in equal]
    return keys, [name for name in row if name not in keys]


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


def _shape(table: Table, said: tuple[str, ...]) -> _Shape:
    known = (table.name, said)
    if known not in _shapes:
        _shapes[known] = _shaped(table, said)
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
        values=_picker(said),
        columns=", ".join(f'"{name}"' for name in names),
        conflict=f"ON CONFLICT ({quoted}) DO " + (f"UPDATE SET {changed}" if changed else "NOTHING"),
        key=itemgetter(*keys),
        types=tuple(_type(table.c[name]) for name in names),
    )


def _picker(names: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    """The values of these columns of a row, however few they are."""
    return itemgetter(*names) if len(names) > 1 else lambda row: tuple(row[name] for name in names)


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
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def find(self, table: Table, names: Sequence[str], column: str, values: Sequence[object], equal: Equal) -> Values:
        rest = _present(column, values) + "".join(f' AND "{name}" = ?' for name in equal)
        among = f'"{column}" IN (SELECT value FROM json_each(?))'
        return self._driver.rows(
            f'SELECT {quoted(names)} FROM "{table.name}" WHERE {among}{rest}', (_listed(values), *equal.values())
        )

    def add(self, table: Table, rows: Rows) -> None:
        shape = _shape(table, tuple(rows[0]))
        self._insert(table, shape, _values(shape, rows), "")

    def load(self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        self._insert(table, _shape(table, names), rows, "")

    def put(self, table: Table, rows: Rows) -> None:
        shape = _shape(table, tuple(rows[0]))
        self._insert(table, shape, _values(shape, rows), shape.conflict)

    def move(self, table: Table, rows: Rows, equal: Equal, count: str) -> int:
        keys, changed = _moving(table, rows[0], equal)
        those = " AND ".join(f'"{name}" = ?' for name in (*equal, *keys))
        columns = ", ".join(f'"{name}" = ?' for name in changed)
        statement = f'UPDATE "{table.name}" SET {columns} WHERE {those}' + (f' AND "{count}" = ? - 1' if count else "")
        named, new, whose = _picker(keys), _picker(changed), tuple(equal.values())
        told = [(*new(row), *whose, *named(row), *((row[count],) if count else ())) for row in rows]
        return self._driver.run_each(statement, told)

    def _insert(self, table: Table, shape: _Shape, rows: Sequence[tuple[Any, ...]], conflict: str) -> None:
        places = ", ".join("?" * len(shape.names))
        statement = f'INSERT INTO "{table.name}" ({shape.columns}) VALUES ({places}) {conflict}'
        self._driver.run_each(statement, rows)


class _Postgres:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def find(self, table: Table, names: Sequence[str], column: str, values: Sequence[object], equal: Equal) -> Values:
        rest = _present(column, values) + "".join(f' AND "{name}" = %s' for name in equal)
        # Not = ANY (array): in a plan for any values, and a small table, each row is compared with every value.
        among = f'"{column}" IN (SELECT json_array_elements_text(%s::json)::{_type(table.c[column])})'
        return self._driver.rows(
            f'SELECT {quoted(names)} FROM "{table.name}" WHERE {among}{rest}', (_listed(values), *equal.values())
        )

    def add(self, table: Table, rows: Rows) -> None:
        shape = _shape(table, tuple(rows[0]))
        self._add(table, shape, _values(shape, rows))

    def load(self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        self._add(table, _shape(table, names), rows)

    def put(self, table: Table, rows: Rows) -> None:
        shape = _shape(table, tuple(rows[0]))
        # One statement may meet a key once only; of several rows with one key the last one counts.
        last = {shape.key(row): row for row in rows} if len(rows) > 1 else {None: rows[0]}
        self._insert(table, shape, _values(shape, list(last.values())), shape.conflict)

    def move(self, table: Table, rows: Rows, equal: Equal, count: str) -> int:
        keys, changed = _moving(table, rows[0], equal)
        names = ", ".join(f'"{name}" {_type(table.c[name])}' for name in (*keys, *changed))
        those = [*(f'"{table.name}"."{name}" = %s' for name in equal)]
        those += [f'"{table.name}"."{name}" = said."{name}"' for name in keys]
        those += [f'"{table.name}"."{count}" = said."{count}" - 1'] if count else []
        new = ", ".join(f'"{name}" = said."{name}"' for name in changed)
        source = f"json_to_recordset(%s::json) AS said ({names})"
        statement = f'UPDATE "{table.name}" SET {new} FROM {source} WHERE {" AND ".join(those)}'
        return self._driver.run(statement, (_listed(rows), *equal.values()))

    def _add(self, table: Table, shape: _Shape, rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) < _COPY_FROM:
            self._insert(table, shape, rows, "")
            return
        statement = f'COPY "{table.name}" ({shape.columns}) FROM STDIN (FORMAT BINARY)'
        with self._driver.cursor.copy(statement) as copy:
            copy.set_types(shape.types)
            for row in rows:
                copy.write_row(row)

    def _insert(self, table: Table, shape: _Shape, rows: Sequence[tuple[Any, ...]], conflict: str) -> None:
        told: tuple[object, ...]
        if "bytea" in shape.types:
            arrays = ", ".join(f"%s::{kind}[]" for kind in shape.types)
            source = f"unnest({arrays})"
            told = tuple(map(list, zip(*rows, strict=True)))
        else:  # one text for all rows: the driver would look at every value of an array by itself
            names = ", ".join(f'"{name}" {kind}' for name, kind in zip(shape.names, shape.types, strict=True))
            source = f"json_to_recordset(%s::json) AS said ({names})"
            told = (_listed([dict(zip(shape.names, row, strict=True)) for row in rows]),)
        statement = f'INSERT INTO "{table.name}" ({shape.columns}) SELECT * FROM {source} {conflict}'
        self._driver.run(statement, told)


def _values(shape: _Shape, rows: Rows) -> list[tuple[Any, ...]]:
    values, defaults = shape.values, shape.defaults
    return [values(row) + defaults for row in rows]


def _listed(values: Sequence[object]) -> str:
    """One text for all: however many there are, the statement stays the same."""
    return msgspec.json.encode(values).decode()
