"""One transaction on a city's database: the few verbs that its rules are written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Table, and_, delete, func, select, update

from ewarung_city.store import bulk, schema
from ewarung_city.store.partitions import Months

__all__ = ["Row", "Tx"]

Row = Mapping[str, Any]


class Tx:
    """One transaction. Tables come from `schema`; columns are named as keywords."""

    def __init__(self, connection: Connection, months: Months | None = None) -> None:
        self._connection = connection
        self._many = bulk.many(connection)
        self._months = months

    def all(self, table: Table, *order: str, **equal: object) -> list[Row]:
        """Rows whose columns equal these values."""
        query = select(table).where(*_conditions(table, equal)).order_by(*(table.c[name] for name in order))
        return _rows(self._connection.execute(query))

    def one(self, table: Table, **equal: object) -> Row | None:
        """The row with that key, if there is one."""
        return _first(self._connection.execute(select(table).where(*_conditions(table, equal))))

    def within(self, table: Table, column: str, values: Iterable[object], **equal: object) -> list[Row]:
        """Rows whose `column` is one of many values."""
        wanted = list(values)
        return self._many.find(table, column, wanted, equal) if wanted else []

    def between(self, table: Table, column: str, first: int, last: int, **equal: object) -> list[Row]:
        """Rows with `column` from first to last, in that order."""
        span = table.c[column].between(first, last)
        query = select(table).where(span, *_conditions(table, equal)).order_by(table.c[column])
        return _rows(self._connection.execute(query))

    def after(self, table: Table, column: str, value: int, limit: int, **equal: object) -> list[Row]:
        """The first `limit` rows with `column` above a value, in that order."""
        query = (
            select(table)
            .where(table.c[column] > value, *_conditions(table, equal))
            .order_by(table.c[column])
            .limit(limit)
        )
        return _rows(self._connection.execute(query))

    def starting(self, table: Table, column: str, prefix: str, *order: str, **equal: object) -> list[Row]:
        """Rows whose `column` begins with these very characters; no sign in them means anything else."""
        beginning = table.c[column].startswith(prefix, autoescape=True)
        query = select(table).where(beginning, *_conditions(table, equal)).order_by(*(table.c[name] for name in order))
        return _rows(self._connection.execute(query))

    def last(self, table: Table, column: str, **equal: object) -> Row | None:
        """The row with the greatest `column`, if there is one."""
        query = select(table).where(*_conditions(table, equal)).order_by(table.c[column].desc()).limit(1)
        return _first(self._connection.execute(query))

    def count(self, table: Table, **equal: object) -> int:
        """How many rows equal these values."""
        query = select(func.count()).select_from(table).where(*_conditions(table, equal))
        return int(self._connection.execute(query).scalar_one())

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """New rows, all with the same columns; others get the table's defaults."""
        if rows:
            self._many.add(table, rows)

    def load(self, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        """New rows as bare values in the order of these names, which are all of the table's: what comes in bulk."""
        if rows:
            self._many.load(table, names, rows)

    def open_month(self, received_ms: int) -> None:
        """Make sure that entries received then have a place."""
        if self._months is not None:
            self._months.open(self._connection, received_ms)

    def put(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows that replace those of the same key; columns that a row does not name stay (all rows name the same)."""
        if rows:
            self._many.put(table, rows)

    def move(self, table: Table, rows: Sequence[Mapping[str, Any]], **equal: object) -> None:
        """Set columns of many rows that are there, each named by the rest of its key; all name the same columns."""
        if rows:
            self._many.move(table, rows, equal)

    def change(self, table: Table, values: Mapping[str, Any], **equal: object) -> int:
        """Set columns of the rows that equal; returns how many there were."""
        return int(self._connection.execute(update(table).where(*_conditions(table, equal)).values(values)).rowcount)

    def remove(self, table: Table, **equal: object) -> None:
        """Delete the rows that equal."""
        self._connection.execute(delete(table).where(*_conditions(table, equal)))

    def forget(self, table: Table, column: str, before: int, **equal: object) -> None:
        """Delete the rows whose `column` is below a value."""
        self._connection.execute(delete(table).where(table.c[column] < before, *_conditions(table, equal)))

    # -- settings of the city ----------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """A setting, empty when it was never made."""
        row = self.one(schema.city, name=name)
        return "" if row is None else str(row["value"])

    def set(self, name: str, value: str) -> None:
        """Make a setting."""
        self.put(schema.city, [{"name": name, "value": value}])


def _rows(result: CursorResult[Any]) -> list[Row]:
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def _first(result: CursorResult[Any]) -> Row | None:
    row = result.first()
    return None if row is None else dict(zip(result.keys(), row, strict=True))


def _conditions(table: Table, equal: Mapping[str, object]) -> list[Any]:
    """Equality and nothing else: values come from outside, and must never become patterns."""
    return [and_(*(table.c[name] == value for name, value in equal.items()))] if equal else []
