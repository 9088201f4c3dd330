"""Connections to the encrypted file: key, pragmas, authorizer, and SQLite's errors in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.errors import (
    ConfigError,
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerFull,
    LedgerKeyWrong,
    LedgerTooNew,
)

__all__ = [
    "APPLICATION_ID",
    "CHECKED_FILE",
    "COPY_MARK",
    "KEY_BYTES",
    "LEDGER_FILE",
    "PAGE_BYTES",
    "SCHEMA_VERSION",
    "SQLITE_VERSION",
    "Connection",
    "check_owner",
    "connect",
    "engine_affected",
    "is_copy",
    "known",
    "mark_copy",
    "may_be_ledger",
    "protect",
    "translated",
]

Connection = Any
"""A `sqlcipher3.dbapi2.Connection`; the package has no type information."""

APPLICATION_ID = 0x65576172
"""`eWar` in the file's header: this product's ledger."""

SCHEMA_VERSION = 1
"""Number of the newest migration, kept in the file's `user_version`."""

SQLITE_VERSION: str = sqlite.sqlite_version
"""Of the one engine."""

LEDGER_FILE = "ledger.db"
"""Its name in a data directory."""

CHECKED_FILE = "ledger.checked"
"""Beside it: when the till last verified it in full."""

COPY_MARK = ("copy", "yes")
"""The setting that makes a file a copy. No entry tells of it, for the journal of a copy is the original's."""

KEY_BYTES = 32

PAGE_BYTES = 2048
"""Every page that a commit touches is encrypted and authenticated as a whole: half the usual size, half the work."""

_BUSY_MS = 5_000
_WRITING: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
)
_PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("foreign_keys", "ON", 1),
    ("recursive_triggers", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("cell_size_check", "ON", 1),
    ("fullfsync", "ON", 1),
    ("checkpoint_fullfsync", "ON", 1),
    ("busy_timeout", str(_BUSY_MS), _BUSY_MS),
    ("temp_store", "MEMORY", 2),
    ("secure_delete", "ON", 1),  # what is replaced, a PIN's hash above all, is zeroed
)

_TAKEN = "UNIQUE constraint failed: ledger_entry.seq"
"""The place after what this program knows as the last: somebody else has written there."""

_SAID = {
    "database is locked": sqlite.SQLITE_BUSY,
    "database or disk is full": sqlite.SQLITE_FULL,
    "database disk image is malformed": sqlite.SQLITE_CORRUPT,
    "attempt to write a readonly database": sqlite.SQLITE_READONLY,
    "disk I/O error": sqlite.SQLITE_IOERR,
}
"""`sqlite3_errstr` of the results that a copy can end with."""

_DROPS = frozenset(
    (
        sqlite.SQLITE_ALTER_TABLE,
        sqlite.SQLITE_ATTACH,
        sqlite.SQLITE_DETACH,
        sqlite.SQLITE_CREATE_INDEX,
        sqlite.SQLITE_CREATE_TABLE,
        sqlite.SQLITE_CREATE_TEMP_INDEX,
        sqlite.SQLITE_CREATE_TEMP_TABLE,
        sqlite.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite.SQLITE_CREATE_TEMP_VIEW,
        sqlite.SQLITE_CREATE_TRIGGER,
        sqlite.SQLITE_CREATE_VIEW,
        sqlite.SQLITE_CREATE_VTABLE,
        sqlite.SQLITE_DROP_INDEX,
        sqlite.SQLITE_DROP_TABLE,
        sqlite.SQLITE_DROP_TEMP_TRIGGER,
        sqlite.SQLITE_DROP_TRIGGER,
        sqlite.SQLITE_DROP_VIEW,
        sqlite.SQLITE_DROP_VTABLE,
    )
)
_DONE = frozenset(("wal_checkpoint",))
"""The one pragma that the till's writing connection uses once it is open."""

_TOLD = frozenset(name for name, _, _ in (*_WRITING, *_PRAGMAS)) | {
    "application_id",
    "ignore_check_constraints",
    "legacy_alter_table",
    "query_only",
    "schema_version",
    "user_version",
    "writable_schema",
}
"""Settings that it may be asked for; to be given a value, none."""


def engine_affected(version: tuple[int, ...]) -> bool:
    """Whether this SQLite can lose committed pages (the WAL-reset bug: 3.7.0 to 3.51.2, but not 3.44.6 and 3.50.7 on).

    Two connections that write or checkpoint at the same instant are needed; the till refuses such an engine all the
    same, because a ledger has no second copy until the city has acknowledged it.
    """
    repaired = (version[:2] == (3, 44) and version >= (3, 44, 6)) or (version[:2] == (3, 50) and version >= (3, 50, 7))
    return (3, 7, 0) <= version < (3, 51, 3) and not repaired


def may_be_ledger(path: Path) -> bool:
    """Whether this file looks encrypted: whole pages, not the plain header. If it is ours, only its key can tell."""
    size = path.stat().st_size
    with path.open("rb") as file:
        plain = file.read(16) == b"SQLite format 3\0"
    return size >= PAGE_BYTES and size % PAGE_BYTES == 0 and not plain


@contextmanager
def translated() -> Iterator[None]:
    """Turn SQLite's errors into what a person can do about them.

    Raises:
        LedgerBusy: locked by another connection for longer than the busy timeout, or the next place in the journal is
            taken (`second`).
        LedgerFull: no room on the disk.
        LedgerCorrupt: damaged pages (every encrypted page carries its own HMAC).
        ConfigError: read-only or not reachable.
        LedgerError: an I/O error (`io`): whether the last commit happened is unknown until the file is read again.
    """
    try:
        yield
    except sqlite.Error as error:
        raise known(error) from error


def known(error: sqlite.Error) -> Exception:
    """The error of ours for one of SQLite's; what is not the environment's fault stays what it is: a bug."""
    # The backup says what went wrong in SQLite's words only.
    primary = getattr(error, "sqlite_errorcode", _SAID.get(str(error), 0)) & 0xFF
    name = getattr(error, "sqlite_errorname", str(error))
    if primary in (sqlite.SQLITE_BUSY, sqlite.SQLITE_LOCKED):
        return LedgerBusy(name)
    if str(error) == _TAKEN:
        return LedgerBusy(name, reason="second")
    if primary == sqlite.SQLITE_FULL:
        return LedgerFull(name)
    if primary in (sqlite.SQLITE_CORRUPT, sqlite.SQLITE_NOTADB):
        return LedgerCorrupt(name)
    if primary in (sqlite.SQLITE_READONLY, sqlite.SQLITE_CANTOPEN, sqlite.SQLITE_PERM):
        return ConfigError(name, reason="data_dir")
    if primary == sqlite.SQLITE_IOERR:
        return LedgerError(name, reason="io")
    return error  # type: ignore[no-any-return]


def connect(path: Path, key: bytes | None, *, query_only: bool = False, create: bool = False) -> Connection:
    """Open one connection with every safety setting on, each read back.

    Args:
        path: the file.
        key: 32 raw bytes; None opens an unencrypted file (benchmarks only).
        query_only: never write through this connection; a file on a read-only medium can be read as well.
        create: make the file if it is not there.

    Raises:
        ConfigError: no such file, an engine with the WAL-reset bug, or a setting that did not take (a network drive
            refuses WAL, for example).
        LedgerCorrupt: the file is not an encrypted database.
        LedgerKeyWrong: it may be one, but not under this key.
    """
    if engine_affected(sqlite.sqlite_version_info):
        raise ConfigError(sqlite.sqlite_version, reason="engine")
    if not create and not path.is_file():
        raise ConfigError(path.name, reason="no_ledger")
    if not query_only:
        return _opened(path, key, "rwc" if create else "rw", (*_WRITING, *_PRAGMAS))
    settings = (*_PRAGMAS, ("query_only", "ON", 1))
    try:
        return _opened(path, key, "ro", settings)
    except ConfigError:
        if path.with_name(path.name + "-wal").exists():
            raise
        # Not even the files of a reader can be made there; without a log the file itself is all there is.
        return _opened(path, key, "ro&immutable=1", settings)


def _opened(path: Path, key: bytes | None, mode: str, settings: tuple[tuple[str, str, object], ...]) -> Connection:
    with translated():
        # Transactions are ours alone: the driver's own would leave the reads before a write outside of them.
        connection = sqlite.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
    try:
        _unlock(connection, path, key)
        with translated():
            for name, value, expected in settings:
                connection.execute(f"PRAGMA {name} = {value}")
                held = connection.execute(f"PRAGMA {name}").fetchone()[0]
                if held != expected:
                    raise ConfigError(f"{name} is {held!r}", reason="engine_setting")
    except BaseException:
        connection.close()
        raise
    return connection


def _unlock(connection: Connection, path: Path, key: bytes | None) -> None:
    if key is not None:
        if len(key) != KEY_BYTES:
            raise LedgerKeyWrong(f"{len(key)} bytes", reason="length")
        # SQLCipher reports a failed page check on standard error by itself; the exception says it better.
        connection.execute("PRAGMA cipher_log_level = NONE")
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")
    else:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    try:
        with translated():
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except LedgerCorrupt as error:
        if key is None or error.detail != "SQLITE_NOTADB" or not may_be_ledger(path):
            raise
        raise LedgerKeyWrong(path.name) from error


def check_owner(connection: Connection) -> int:
    """The schema number of our own file.

    Raises:
        LedgerCorrupt: another program's file (`foreign`), or one whose creation was cut off (`empty`).
        LedgerTooNew: written by a newer version.
    """
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if owner != APPLICATION_ID:
        raise LedgerCorrupt(f"application_id {owner:#x}", reason="foreign" if owner or version else "empty")
    if version > SCHEMA_VERSION:
        raise LedgerTooNew(f"schema {version}, this version knows {SCHEMA_VERSION}")
    return version


def mark_copy(connection: Connection) -> None:
    """Write into the file itself that it is a copy: nobody can forget it, nor lose it beside the file."""
    connection.execute("INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO NOTHING", COPY_MARK)


def is_copy(connection: Connection) -> bool:
    """Whether the file is a copy: it may be older than what was handed out, so it serves nobody any more.

    Everything in it stays readable; a new epoch begins in a new file.
    """
    return connection.execute("SELECT 1 FROM setting WHERE key = ?", COPY_MARK[:1]).fetchone() is not None


def protect(connection: Connection) -> None:
    """Deny this connection everything that could take the guards away: it is asked when a statement is prepared.

    Of the pragmas, all that are not needed: SQLCipher alone has several that give the file another key.

    Against our own bugs, not against who holds the key: for that there are the chain and the city.
    """

    def judge(action: int, subject: str | None, value: str | None, _database: str | None, _source: str | None) -> int:
        if action in _DROPS:
            return sqlite.SQLITE_DENY  # type: ignore[no-any-return]
        if action == sqlite.SQLITE_PRAGMA:
            name = (subject or "").lower()
            allowed = name in _DONE or (value is None and name in _TOLD)
            return sqlite.SQLITE_OK if allowed else sqlite.SQLITE_DENY  # type: ignore[no-any-return]
        return sqlite.SQLITE_OK  # type: ignore[no-any-return]

    connection.set_authorizer(judge)
