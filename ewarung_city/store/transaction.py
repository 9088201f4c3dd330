"""One transaction on a city's database: the few verbs that its rules are written in.

Their statements are texts for the driver itself (`driver`).
"""

# ruff: noqa: S608 - the names in these statements are those of our own tables; every value travels beside them

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from ewarung_city.store import bulk, schema
from ewarung_city.store.driver import Driver, named
from ewarung_city.store.partitions import Months
from ewarung_pos.errors import ServerBusy

__all__ = ["Row", "Tx"]

Row = Mapping[str, Any]

_Bound = tuple[str, str, object]
"""Column, sign, value."""

_LAST = "\U0010ffff"
"""No text of anybody's has it, and it comes after every other character: what begins with a word lies below both."""


class Tx:
    """One transaction. Tables come from `schema`; columns are named as keywords."""

    def __init__(self, connection: Connection, months: Months | None = None) -> None:
        self._connection = connection
        self._driver = Driver(connection)
        self._many = bulk.many(self._driver)
        self._mark = self._driver.mark
        self._months = months

    def close(self) -> None:
        """Nothing is asked any more; the store ends the transaction itself."""
        self._driver.close()

    def all(self, table: Table, *order: str, **equal: object) -> list[Row]:
        """Rows whose columns equal these values."""
        return self._rows(table, equal, order=order)

    def one(self, table: Table, **equal: object) -> Row | None:
        """The row with that key, if there is one."""
        return next(iter(self._rows(table, equal)), None)

    def within(self, table: Table, column: str, values: Iterable[object], **equal: object) -> list[Row]:
        """Rows whose `column` is one of many values."""
        names, _ = named(table)
        return [dict(zip(names, row, strict=True)) for row in self.bare(table, names, column, values, **equal)]

    def bare(
        self, table: Table, names: tuple[str, ...], column: str, values: Iterable[object], **equal: object
    ) -> list[tuple[Any, ...]]:
        """The same as bare values in the order of these names: what is read in bulk."""
        wanted = list(values)
        return self._many.find(table, names, column, wanted, equal) if wanted else []

    def between(self, table: Table, column: str, first: int, last: int, **equal: object) -> list[Row]:
        """Rows with `column` from first to last, in that order."""
        return self._rows(table, equal, ((column, ">=", first), (column, "<=", last)), order=(column,))

    def after(self, table: Table, column: str, value: int | str, limit: int, **equal: object) -> list[Row]:
        """The first `limit` rows with `column` above a value, in that order."""
        return self._rows(table, equal, ((column, ">", value),), order=(column,), limit=limit)

    def starting(self, table: Table, column: str, prefix: str, *order: str, **equal: object) -> list[Row]:
        """Rows whose `column` begins with these very characters; no sign in them means anything else."""
        span = ((column, ">=", prefix), (column, "<", prefix + _LAST))
        return self._rows(table, equal, span, order=order)

    def last(self, table: Table, column: str, **equal: object) -> Row | None:
        """The row with the greatest `column`, if there is one."""
        return next(iter(self._rows(table, equal, order=(column,), downwards=True, limit=1)), None)

    def count(self, table: Table, **equal: object) -> int:
        """How many rows equal these values."""
        where, told = self._where(table, equal)
        return int(self._driver.rows(f'SELECT count(*) FROM "{table.name}"{where}', told)[0][0])

    def tally(self, table: Table, *columns: str, **equal: object) -> dict[tuple[str, ...], int]:
        """How many rows there are of each combination of these columns' values."""
        where, told = self._where(table, equal)
        names = ", ".join(f'"{table.c[name].name}"' for name in columns)
        rows = self._driver.rows(f'SELECT {names}, count(*) FROM "{table.name}"{where} GROUP BY {names}', told)
        return {tuple(map(str, row[:-1])): int(row[-1]) for row in rows}

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
            self._many.move(table, rows, equal, "")

    def advance_each(self, table: Table, rows: Sequence[Mapping[str, Any]], count: str) -> None:
        """The same as `advance` of many rows, of which each says the next value of its `count`, that grows by one.

        Raises:
            ServerBusy: one of them was changed meanwhile (`serialization`).
        """
        if rows and self._many.move(table, rows, {}, count) != len(rows):
            raise ServerBusy("another was first", reason="serialization")

    def change(self, table: Table, values: Mapping[str, Any], **equal: object) -> int:
        """Set columns of the rows that equal; returns how many there were."""
        where, told = self._where(table, equal)
        columns = ", ".join(f'"{table.c[name].name}" = {self._mark}' for name in values)
        return self._driver.run(f'UPDATE "{table.name}" SET {columns}{where}', (*values.values(), *told))

    def advance(self, table: Table, values: Mapping[str, Any], was: Mapping[str, object], **equal: object) -> None:
        """Set columns of one row that still says what it said when this transaction read it (`was`).

        Whoever decides by such a row is safe by this alone, also where each statement sees the newest state (a
        database that is spread over machines) and not all of them the same.

        Raises:
            ServerBusy: another changed it meanwhile; look again (`serialization`).
        """
        if self.change(table, values, **equal, **was) != 1:
            raise ServerBusy("another was first", reason="serialization")

    def remove(self, table: Table, **equal: object) -> None:
        """Delete the rows that equal."""
        where, told = self._where(table, equal)
        self._driver.run(f'DELETE FROM "{table.name}"{where}', told)

    def forget(self, table: Table, column: str, before: int, **equal: object) -> None:
        """Delete the rows whose `column` is below a value."""
        where, told = self._where(table, equal, ((column, "<", before),))
        self._driver.run(f'DELETE FROM "{table.name}"{where}', told)

    # -- settings of the city ----------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """A setting, empty when it was never made."""
        row = self.one(schema.city, name=name)
        return "" if row is None else str(row["value"])

    def set(self, name: str, value: str) -> None:
        """Make a setting."""
        self.put(schema.city, [{"name": name, "value": value}])

    # -- statements --------------------------------------------------------------------------------------------------

    def _rows(
        self,
        table: Table,
        equal: Mapping[str, object],
        span: Sequence[_Bound] = (),
        *,
        order: Sequence[str] = (),
        downwards: bool = False,
        limit: int = 0,
    ) -> list[Row]:
        where, told = self._where(table, equal, span)
        by = ", ".join(f'"{table.c[name].name}"' for name in order)
        rest = (f" ORDER BY {by}" if by else "") + (" DESC" if downwards else "")
        if limit:
            rest, told = f"{rest} LIMIT {self._mark}", (*told, limit)
        names, columns = named(table)
        rows = self._driver.rows(f'SELECT {columns} FROM "{table.name}"{where}{rest}', told)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _where(
        self, table: Table, equal: Mapping[str, object], span: Sequence[_Bound] = ()
    ) -> tuple[str, tuple[object, ...]]:
        """Equality and bounds, and nothing else: values come from outside, and must never become patterns."""
        bounds: list[_Bound] = [*((name, "=", value) for name, value in equal.items()), *span]
        said = " AND ".join(f'"{table.c[name].name}" {sign} {self._mark}' for name, sign, _ in bounds)
        return (f" WHERE {said}" if said else ""), tuple(value for *_, value in bounds)
