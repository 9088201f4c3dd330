"""The driver's own cursor under a transaction: what SQLAlchemy begins and ends, and does not get between.

Through SQLAlchemy a small statement of a batch costs the city's process twice as much; and the driver describes each
column of an answer anew, which nobody needs who names the columns in the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

__all__ = ["Driver", "named", "quoted"]


class Driver:
    """One cursor for the statements of one transaction, each of which is read to its end before the next.

    It is closed with the transaction: as long as anybody holds an open cursor, SQLite takes its connection for one in
    use, and leaves what was committed in the log when the store is closed.

    Attributes:
        postgres: whether that is its engine; else SQLite.
        mark: what stands for a value in its statements.
        cursor: the driver's, for what only one of the engines has (COPY).

    Raises:
        Exception: the driver's own errors, from every method; `CityStore` translates them.
    """

    def __init__(self, connection: Connection) -> None:
        self.postgres = connection.dialect.name == "postgresql"
        self.mark = "%s" if self.postgres else "?"
        self.cursor: Any = connection.connection.cursor()

    def close(self) -> None:
        """The transaction is over."""
        self.cursor.close()

    def run(self, statement: str, told: Sequence[object] = ()) -> int:
        """How many rows it changed."""
        self.cursor.execute(statement, told)
        return int(self.cursor.rowcount)

    def run_each(self, statement: str, told: Sequence[Sequence[object]]) -> int:
        """The same statement for each of many; how many rows were changed in all."""
        self.cursor.executemany(statement, told)
        return int(self.cursor.rowcount)

    def rows(self, statement: str, told: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What it found."""
        self.cursor.execute(statement, told)
        found: list[tuple[Any, ...]] = self.cursor.fetchall()
        return found


@cache
def named(table: Table) -> tuple[tuple[str, ...], str]:
    """(all columns of a table, the same as a statement lists them)."""
    names = tuple(column.name for column in table.columns)
    return names, quoted(names)


def quoted(names: Sequence[str]) -> str:
    """Columns as a statement lists them."""
    return ", ".join(f'"{name}"' for name in names)
