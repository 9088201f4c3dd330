"""The months in which PostgreSQL keeps entries: one partition each, by the city's own time, made when it is needed."""

from __future__ import annotations

import datetime as dt
from threading import Lock

from sqlalchemy import Connection, Engine, text

__all__ = ["Months"]

_LOCK = 0x6557_6172_756E_68


class Months:
    """The partitions of `entry`.

    A new one is made beside the table and attached: attaching lets everybody else read and write meanwhile. It is its
    own short transaction, because the one that needs it may be undone.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: set[str] = set()
        self._turn = Lock()

    def open(self, asking: Connection, received_ms: int) -> None:
        """Make sure that an entry received then has its place, for the transaction of that connection."""
        moment = dt.datetime.fromtimestamp(received_ms / 1000, dt.UTC)
        name = f"entry_{moment:%Y_%m}"
        with self._turn:
            if name not in self._known:
                if not _is_there(asking, name):
                    self._attach(name, moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
                self._known.add(name)

    def _attach(self, name: str, first: dt.datetime) -> None:
        until = (first + dt.timedelta(days=32)).replace(day=1)
        span = [int(moment.timestamp() * 1000) for moment in (first, until)]
        with self._engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if not _is_there(connection, name):
                connection.exec_driver_sql(
                    f"CREATE TABLE {name} (LIKE entry INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
                )
                connection.exec_driver_sql(
                    f"ALTER TABLE entry ATTACH PARTITION {name} FOR VALUES FROM ({span[0]}) TO ({span[1]})"
                )


def _is_there(connection: Connection, name: str) -> bool:
    return connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() is not None
