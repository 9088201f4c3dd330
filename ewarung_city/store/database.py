"""A city's database: one engine, short transactions, and whose turn it is.

SQLite has one writer at a time. On PostgreSQL every transaction sees one state (REPEATABLE READ) and loses if another
wrote what it would write; the transactions of one kiosk follow each other, those of different kiosks run side by side.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.pool import QueuePool

from ewarung_city.store import shards
from ewarung_city.store.driver import Driver
from ewarung_city.store.migrate import upgrade
from ewarung_city.store.partitions import Months
from ewarung_city.store.transaction import Row, Tx
from ewarung_pos.errors import ConfigError, ServerBusy

__all__ = ["CityStore", "Row", "Tx"]

T = TypeVar("T")

_OFFICE = "office"
_LOST = ("40001", "40P01")
"""Another transaction wrote what this one would write, or both waited for each other."""
_TAKEN = "23505"
"""A row of that key is there: if not by a fault of ours, another added it and this transaction does not see it."""
_PAUSE_S = 0.02
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_WAIT_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_HOLD_KIOSKS = text("SELECT FROM kiosk ORDER BY device FOR UPDATE")
"""What an officer does may take seconds and ends by telling kiosks (`feed`). A kiosk that is told something meanwhile
waits and does it again, instead of the other way round."""


class CityStore:
    """The database of one city.

    Raises:
        ConfigError: the URL or the database cannot be used, or belongs to another version.
    """

    def __init__(self, url: str) -> None:
        try:
            self._engine = _engine(url)
        except ImportError as error:
            raise ConfigError(
                f"database: no driver {error.name}; PostgreSQL's comes with ewarung-pos[city-postgresql]",
                reason="no_driver",
            ) from error
        except SQLAlchemyError as error:
            raise ConfigError(f"database: {type(error).__name__}", reason="invalid") from error
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._one = Lock()
        self._months = Months(self._engine)
        self.watch: Callable[[str, float, float], None] = lambda work, waited, worked: None
        """Told of each transaction: what for (read, kiosk, office), seconds until its turn, seconds from then."""
        self._reading: dict[str, Any] = {"reading": True} if self._sqlite else {"postgresql_readonly": True}

    def create(self) -> None:
        """Make the tables of a new database, and bring those of an older one to this program's.

        Raises:
            ConfigError: unusable, or made by a newer version.
        """
        with self._usable():
            upgrade(self._engine)
            if self.shared:
                shards.distribute(self._engine, begin=False)  # a newer program's tables, where the others are

    def refuse_without_citus(self) -> None:
        """Before a city that is to be spread is made.

        Raises:
            ConfigError: it cannot be (`no_citus`), or the database is unusable.
        """
        with self._usable():
            shards.refuse_without_citus(self._engine)

    def distribute(self) -> int:
        """Spread the tables over the machines of a Citus cluster (`shards`); how many were not in their place.

        Raises:
            ConfigError: Citus refused.
        """
        with self._usable():
            return len(shards.distribute(self._engine, begin=True))

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise ConfigError(f"database: {_reason(error)}", reason="invalid") from error

    @property
    def shared(self) -> bool:
        """Whether several programs may work on it at once."""
        return not self._sqlite

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that commits at the end of the block, and not at all if it raises.

        For what officers do: these come one after another, whichever program they are made in. `decide` does it again
        if it lost.

        Raises:
            ServerBusy: another process holds the database for too long, or a serialization failure; try again.
        """
        with self._turn_of(_OFFICE) as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent view; nothing is written."""
        began = turn = time.monotonic()
        try:
            with (
                self._translated(),
                self._engine.connect() as connection,
                connection.execution_options(**self._reading).begin(),
                closing(Tx(connection)) as tx,
            ):
                turn = time.monotonic()
                yield tx
        finally:
            self.watch("read", turn - began, time.monotonic() - turn)

    def turn(self, kiosk: str, work: Callable[[Tx], T], tries: int = 8) -> T:
        """`work` for one kiosk in a write transaction, after everything else that is under way for this kiosk.

        Done again when it lost against another kiosk's or an officer's (SQLSTATE 40001, 40P01, and 23505 where that
        added the same row): `work` must not keep anything of a try that failed.

        Raises:
            ServerBusy: the database is held for too long, or it lost `tries` times.
        """
        return self._until_it_wins(f"kiosk {kiosk}", work, tries)

    def decide(self, work: Callable[[Tx], T], tries: int = 8) -> T:
        """`work` of an officer in a transaction like that of `write`, done again like a kiosk's when it lost.

        Raises:
            ServerBusy: the database is held for too long, or it lost `tries` times.
        """
        return self._until_it_wins(_OFFICE, work, tries)

    @property
    def busy(self) -> int:
        """How many connections are in use."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def close(self) -> None:
        """Give connections back."""
        self._engine.dispose()

    def _until_it_wins(self, name: str, work: Callable[[Tx], T], tries: int) -> T:
        for left in reversed(range(tries)):
            try:
                with self._turn_of(name) as tx:
                    return work(tx)
            except ServerBusy as error:
                if not left or error.reason != "serialization":
                    raise
            except (DBAPIError, self._engine.dialect.loaded_dbapi.Error) as error:
                if not left or _state(error) != _TAKEN:
                    raise
            time.sleep(_PAUSE_S * random.random())  # noqa: S311 - so that two do not meet again in step
        raise AssertionError("unreachable")  # pragma: no cover

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The driver's errors as ours: through SQLAlchemy, or straight from a statement of a `Tx`."""
        driver = self._engine.dialect.loaded_dbapi
        try:
            yield
        except (OperationalError, driver.OperationalError) as error:
            reason = "serialization" if _state(error) in _LOST else "database"
            raise ServerBusy(_reason(error), reason=reason) from error
        except NoConnectionLeft as error:
            raise ServerBusy(type(error).__name__, reason="database") from error

    @contextmanager
    def _turn_of(self, name: str) -> Iterator[Tx]:
        began = turn = time.monotonic()
        try:
            with self._locked(name) as tx:
                turn = time.monotonic()
                yield tx
        finally:
            self.watch("office" if name == _OFFICE else "kiosk", turn - began, time.monotonic() - turn)

    @contextmanager
    def _locked(self, name: str) -> Iterator[Tx]:
        with self._translated():
            if self._sqlite:
                # SQLite has one writer: wait here in order instead of being refused there at random.
                with self._one, self._engine.begin() as connection, closing(Tx(connection)) as tx:
                    yield tx
                return
            while True:
                with self._engine.begin() as connection:
                    if _locked(connection, name):
                        if name == _OFFICE:
                            connection.execute(_HOLD_KIOSKS)
                        with closing(Tx(connection, self._months)) as tx:
                            yield tx
                        return
                # What that transaction saw is older than what the one before it has written: a new one looks again.


def _locked(connection: Connection, name: str) -> bool:
    """Take the lock of that name until the transaction ends; false when that took waiting."""
    with closing(Driver(connection)) as driver:
        ((taken,),) = driver.rows(_TRY_LOCK, (name,))
        if not taken:
            driver.rows(_WAIT_LOCK, (name,))
    return bool(taken)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        # As many connections as there may be threads with a request; what is over the pool is closed after use.
        server = create_engine(
            url, isolation_level="REPEATABLE READ", hide_parameters=True, pool_size=10, max_overflow=40
        )

        @event.listens_for(server, "connect")
        def _patient(connection: DBAPIConnection, record: object) -> None:
            connection.cursor().execute(
                f"SET lock_timeout = '10s'; SET application_name = 'ewarung-city {os.getpid()}'"
            )
            connection.commit()

        return server
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


def _state(error: BaseException) -> str | None:
    """PostgreSQL's SQLSTATE, whether SQLAlchemy brings the driver's error or that comes by itself."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _reason(error: BaseException) -> str:
    """The driver's sentence; of a statement that failed only its code: sentence and detail may quote personal data."""
    original = getattr(error, "orig", error if not isinstance(error, SQLAlchemyError) else None)
    if original is None:
        return type(error).__name__
    said = getattr(original, "sqlstate", None) or str(original).partition("\n")[0]
    return f"{type(error).__name__}: {said}"
