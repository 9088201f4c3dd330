"""A city's database: one engine, short transactions, and the few verbs that its rules are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Table,
    Text,
    and_,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from ewarung_city.store import schema
from ewarung_pos.errors import ConfigError, ServerBusy

__all__ = ["CityStore", "Row", "Tx"]

Row = Mapping[str, Any]
T = TypeVar("T")

_CHUNK = 400
"""Values of an IN list at a time: below every engine's limit of parameters."""


class Tx:
    """One transaction. Tables come from `schema`; columns are named as keywords."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, table: Table, *order: str, **equal: object) -> list[Row]:
        """Rows whose columns equal these values."""
        query = select(table).where(*_conditions(table, equal)).order_by(*(table.c[name] for name in order))
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def one(self, table: Table, **equal: object) -> Row | None:
        """The row with that key, if there is one."""
        row = self._connection.execute(select(table).where(*_conditions(table, equal))).mappings().first()
        return None if row is None else dict(row)

    def within(self, table: Table, column: str, values: Iterable[object], **equal: object) -> list[Row]:
        """Rows whose `column` is one of many values."""
        wanted = list(values)
        found: list[Row] = []
        for at in range(0, len(wanted), _CHUNK):
            among = table.c[column].in_(wanted[at : at + _CHUNK])
            query = select(table).where(among, *_conditions(table, equal))
            found.extend(dict(row) for row in self._connection.execute(query).mappings())
        return found

    def between(self, table: Table, column: str, first: int, last: int, **equal: object) -> list[Row]:
        """Rows with `column` from first to last, in that order."""
        span = table.c[column].between(first, last)
        query = select(table).where(span, *_conditions(table, equal)).order_by(table.c[column])
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def after(self, table: Table, column: str, value: int, limit: int, **equal: object) -> list[Row]:
        """The first `limit` rows with `column` above a value, in that order."""
        query = (
            select(table)
            .where(table.c[column] > value, *_conditions(table, equal))
            .order_by(table.c[column])
            .limit(limit)
        )
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def starting(self, table: Table, column: str, prefix: str, *order: str, **equal: object) -> list[Row]:
        """Rows whose `column` begins with these very characters; no sign in them means anything else."""
        beginning = table.c[column].startswith(prefix, autoescape=True)
        query = select(table).where(beginning, *_conditions(table, equal)).order_by(*(table.c[name] for name in order))
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def last(self, table: Table, column: str, **equal: object) -> Row | None:
        """The row with the greatest `column`, if there is one."""
        query = select(table).where(*_conditions(table, equal)).order_by(table.c[column].desc()).limit(1)
        row = self._connection.execute(query).mappings().first()
        return None if row is None else dict(row)

    def count(self, table: Table, **equal: object) -> int:
        """How many rows equal these values."""
        query = select(func.count()).select_from(table).where(*_conditions(table, equal))
        return int(self._connection.execute(query).scalar_one())

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """New rows."""
        if rows:
            self._connection.execute(insert(table), list(rows))

    def put(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows that replace those of the same key; columns that a row does not name stay (all rows name the same)."""
        if not rows:
            return
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        keys = [column.name for column in table.primary_key]
        statement = make(table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        if changed:
            statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        self._connection.execute(statement, list(rows))

    def change(self, table: Table, values: Mapping[str, Any], **equal: object) -> int:
        """Set columns of the rows that equal; returns how many there were."""
        return int(self._connection.execute(update(table).where(*_conditions(table, equal)).values(values)).rowcount)

    def remove(self, table: Table, **equal: object) -> None:
        """Delete the rows that equal."""
        self._connection.execute(delete(table).where(*_conditions(table, equal)))

    # -- settings of the city ----------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """A setting, empty when it was never made."""
        row = self.one(schema.city, name=name)
        return "" if row is None else str(row["value"])

    def set(self, name: str, value: str) -> None:
        """Make a setting."""
        self.put(schema.city, [{"name": name, "value": value}])


class CityStore:
    """The database of one city.

    Raises:
        ConfigError: the URL or the database cannot be used, or belongs to another version.
    """

    def __init__(self, url: str) -> None:
        try:
            self._engine = _engine(url)
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigError(f"database: {type(error).__name__}", reason="invalid") from error
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._turn = Lock()

    def create(self) -> None:
        """Make the tables that are not there yet, and complete those of an older database.

        Raises:
            ConfigError: unusable, or made by a newer version.
        """
        try:
            schema.METADATA.create_all(self._engine)
            self._complete()
        except SQLAlchemyError as error:
            raise ConfigError(f"database: {_reason(error)}", reason="invalid") from error
        with self.write() as tx:
            held = tx.setting("schema")
            if not held:
                tx.set("schema", str(schema.SCHEMA_VERSION))
            elif held != str(schema.SCHEMA_VERSION):
                raise ConfigError(
                    f"the database has schema {held}, this program {schema.SCHEMA_VERSION}", reason="schema"
                )

    def _complete(self) -> None:
        """Give tables of an older database the columns and indexes that were added since; nothing is taken away."""
        with self._engine.begin() as connection:
            found = inspect(connection)
            for table in schema.METADATA.sorted_tables:
                held = {column["name"] for column in found.get_columns(table.name)}
                for column in table.columns:
                    if column.name not in held:
                        connection.exec_driver_sql(_added(connection, table, column))
                indexes = {index["name"] for index in found.get_indexes(table.name)}
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    if index.name not in indexes:
                        index.create(connection)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that commits at the end of the block, and not at all if it raises.

        Raises:
            ServerBusy: another process holds the database for too long, or a serialization failure; try again.
        """
        with self._guarded(), self._engine.begin() as connection:
            yield Tx(connection)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent view; nothing is written."""
        with _translated(), self._engine.connect().execution_options(reading=True) as connection:
            yield Tx(connection)

    def retrying(self, work: Callable[[Tx], T], tries: int = 3) -> T:
        """`work` in a write transaction, again when it lost against another (SQLSTATE 40001)."""
        while True:
            tries -= 1
            try:
                with self.write() as tx:
                    return work(tx)
            except ServerBusy as error:
                if not tries or error.reason != "serialization":
                    raise

    def close(self) -> None:
        """Give connections back."""
        self._engine.dispose()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """SQLite has one writer: wait here in order instead of being refused there at random."""
        with _translated():
            if not self._sqlite:
                yield
                return
            with self._turn:
                yield


def _added(connection: Connection, table: Table, column: Column[Any]) -> str:
    """The statement for a column that an older table lacks; every column added since the first shape has a default."""
    quote = connection.dialect.identifier_preparer.quote
    kind = column.type.compile(connection.dialect)
    filled = "''" if isinstance(column.type, Text) else "0"
    return f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind} DEFAULT {filled} NOT NULL"


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, isolation_level="REPEATABLE READ", hide_parameters=True)
    engine = create_engine(url, connect_args={"timeout": 10}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(connection: DBAPIConnection, record: object) -> None:
        connection.isolation_level = None  # the driver's own idea of when a transaction begins is not ours
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON", "trusted_schema=OFF"):
            connection.cursor().execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _conditions(table: Table, equal: Mapping[str, object]) -> list[Any]:
    """Equality and nothing else: values come from outside, and must never become patterns."""
    return [and_(*(table.c[name] == value for name, value in equal.items()))] if equal else []


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise ServerBusy(_reason(error), reason=_busy(error)) from error
    except DBAPIError as error:
        if _busy(error) != "database":
            raise ServerBusy(_reason(error), reason=_busy(error)) from error
        raise


def _busy(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    return "serialization" if state in {"40001", "40P01"} else "database"


def _reason(error: SQLAlchemyError) -> str:
    """The driver's sentence; of a statement that failed only its code: sentence and detail may quote personal data."""
    original = getattr(error, "orig", None)
    if original is None:
        return type(error).__name__
    said = getattr(original, "sqlstate", None) or str(original).partition("\n")[0]
    return f"{type(error).__name__}: {said}"
