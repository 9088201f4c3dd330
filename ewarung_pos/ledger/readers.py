"""Connections that only read, lent for one snapshot each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from ewarung_pos.errors import LedgerError
from ewarung_pos.ledger.engine import Connection, connect, translated
from ewarung_pos.ledger.queries import Execute

__all__ = ["Readers"]


class Readers:
    """Query-only connections, as many as ever read at the same time; each is lent for one snapshot."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self._path = path
        self._key = key
        self._idle: list[Connection] = []
        self._guard = Lock()
        self._closed = False

    @contextmanager
    def snapshot(self) -> Iterator[Execute]:
        """`execute` inside a read transaction that ends with the block: a forgotten one would keep the log growing."""
        connection = self._take()
        sound = False
        try:
            with translated():
                connection.execute("BEGIN")
                yield connection.execute
                connection.execute("COMMIT")
            sound = True
        finally:
            self._give_back(connection, sound=sound)

    def close(self) -> None:
        """Close the idle ones; one that is still out is closed when it comes back."""
        with self._guard:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def _take(self) -> Connection:
        with self._guard:
            if self._closed:
                raise LedgerError("the ledger is closed", reason="closed")
            if self._idle:
                return self._idle.pop()
        return connect(self._path, self._key, query_only=True)

    def _give_back(self, connection: Connection, *, sound: bool) -> None:
        with self._guard:
            if sound and not self._closed:
                self._idle.append(connection)
            else:
                connection.close()
