"""The city's database: schema and engine. SQLite out of the box, PostgreSQL by URL; the same SQLAlchemy Core for both.

Every key leads with the kiosk where a kiosk is involved; there is no sequence and no foreign key across kiosks, so that
one batch touches one kiosk's rows only (sync.md section 7).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError

from ewarung_pos.errors import ConfigError

__all__ = [
    "Store",
    "attested_day",
    "card",
    "case",
    "device",
    "entry",
    "enrolment_code",
    "family",
    "fork",
    "goods_line",
    "import_row",
    "kiosk",
    "lease",
    "meta",
    "open_store",
    "purse_credit",
    "quarantine",
    "reference",
    "request_nonce",
    "state_change",
]

meta = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s"}
)


def _key(name: str, kind: Any = String, **how: Any) -> Column[Any]:  # noqa: ANN401 - SQLAlchemy's own types
    return Column(name, kind, primary_key=True, **how)


def _must(name: str, kind: Any = String, **how: Any) -> Column[Any]:  # noqa: ANN401 - SQLAlchemy's own types
    return Column(name, kind, nullable=False, **how)


_STRICT: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": True}

kiosk = Table("kiosk", meta, _key("kiosk", Text), _must("name", Text), _must("kelurahan_code", Text), _must("kelurahan", Text), _must("officers", Text), **_STRICT)
"""Registered kiosks. A device of the same id is enrolled for each."""

device = Table(
    "device",
    meta,
    _key("device", Text),
    _key("epoch", Integer, autoincrement=False),
    _must("public_key", Text),
    _must("enrolled_ms", BigInteger),
    _must("acked_seq", BigInteger),
    _must("acked_hash", Text),
    _must("upload_only", Integer),
    _must("last_seen_ms", BigInteger),
    **_STRICT,
)
"""An enrolled device and its watermark: everything up to acked_seq is held, and acked_hash is its hash (hex)."""

entry = Table(
    "entry",
    meta,
    _key("device", Text),
    _key("epoch", Integer, autoincrement=False),
    _key("seq", BigInteger, autoincrement=False),
    _must("kind", Text),
    _must("date", Text),
    _must("instant", BigInteger),
    _must("received_ms", BigInteger),
    _must("body", LargeBinary),
    _must("hash", LargeBinary),
    Index("ix_entry_device_date", "device", "epoch", "date"),
    **_STRICT,
)
"""The kiosks' journals, verbatim."""

goods_line = Table(
    "goods_line",
    meta,
    _key("device", Text),
    _key("epoch", Integer, autoincrement=False),
    _key("seq", BigInteger, autoincrement=False),
    _key("place", Integer, autoincrement=False),
    _must("date", Text),
    _must("sign", Integer),
    _must("family", Text),
    _must("commodity", Text),
    _must("unit", Text),
    _must("amount", BigInteger),
    _must("tender", Text),
    _must("programme", Text),
    _must("value", BigInteger),
    Index("ix_goods_line_date", "date"),
    **_STRICT,
)
"""Typed facts of redemptions (sign 1) and reversals (sign -1) for figures."""

attested_day = Table(
    "attested_day",
    meta,
    _key("device", Text),
    _key("epoch", Integer, autoincrement=False),
    _key("date", Text),
    _must("seq", BigInteger),
    _must("agrees", Integer),
    _must("differences", Text),
    **_STRICT,
)
"""Closed days, and whether the city's own totals equal the Z report."""

family = Table(
    "family",
    meta,
    _key("family", Text),
    _must("name", Text),
    _must("nik_masked", Text),
    _must("nik_token", Text),
    _must("kk_token", Text),
    _must("members", Integer),
    _must("address", Text),
    _must("kelurahan_code", Text),
    _must("kelurahan", Text),
    _must("kecamatan", Text),
    _must("programmes", Text),
    _must("home", Text),
    Index("ix_family_home", "home"),
    Index("ix_family_nik", "nik_token"),
    **_STRICT,
)
card = Table("card", meta, _key("token", Text), _must("last4", Text), _must("family", Text), _must("status", Text), Index("ix_card_family", "family"), **_STRICT)
lease = Table(
    "lease",
    meta,
    _key("family", Text),
    _key("programme", Text),
    _key("period", Text),
    _key("commodity", Text),
    _key("device", Text),
    _must("unit", Text),
    _must("entitled", BigInteger),
    _must("granted", BigInteger),
    _must("surrendered", BigInteger),
    _must("spent", BigInteger),
    _must("returned", BigInteger),
    Index("ix_lease_device", "device", "period"),
    **_STRICT,
)
"""Rights: the city writes granted, the device's reports write the rest; all only grow."""

purse_credit = Table("purse_credit", meta, _key("family", Text), _key("programme", Text), _key("period", Text), _must("amount", BigInteger), **_STRICT)
state_change = Table(
    "state_change",
    meta,
    _key("kiosk", Text),
    _key("cursor", BigInteger, autoincrement=False),
    _must("subject", Text),
    _must("key", Text),
    **_STRICT,
)
"""What a kiosk must be told, in order: subject is family, lease, credit or reference; key says which."""

reference = Table("reference", meta, _key("name", Text), _must("value", LargeBinary), **_STRICT)
enrolment_code = Table(
    "enrolment_code",
    meta,
    _key("code_id", Text),
    _must("kiosk", Text),
    _must("secret", Text),
    _must("expires_ms", BigInteger),
    _must("tries", Integer),
    _must("used", Integer),
    **_STRICT,
)
case = Table(
    "case_file",
    meta,
    _key("device", Text),
    _key("epoch", Integer, autoincrement=False),
    _key("seq", BigInteger, autoincrement=False),
    _key("reason", Text),
    _must("opened_ms", BigInteger),
    _must("owner", Text),
    _must("state", Text),
    _must("detail", Text),
    **_STRICT,
)
quarantine = Table("quarantine", meta, _key("digest", Text), _must("device", Text), _must("reason", Text), _must("received_ms", BigInteger), _must("body", LargeBinary), **_STRICT)
fork = Table("fork", meta, _key("digest", Text), _must("device", Text), _must("epoch", Integer), _must("seq", BigInteger), _must("received_ms", BigInteger), _must("body", LargeBinary), **_STRICT)
import_row = Table(
    "import_row",
    meta,
    _key("source", Text),
    _key("row", Integer, autoincrement=False),
    _must("taken", Integer),
    _must("findings", Text),
    **_STRICT,
)
"""What became of each row of each imported list."""

request_nonce = Table("request_nonce", meta, _key("keyid", Text), _key("nonce", Text), _must("seen_ms", BigInteger), **_STRICT)


class Store:
    """The database, and the only way to a transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; commits at the end of the block."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view."""
        with self._engine.connect() as connection:
            yield connection
            connection.rollback()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def open_store(url: str, *, create: bool = False) -> Store:
    """Open the city's database.

    Args:
        url: `sqlite:///path` or `postgresql+psycopg://...`.
        create: make the tables that are not there.

    Raises:
        ConfigError: it cannot be reached, or holds no city (run `ewarung-city init`).
    """
    if url.startswith("sqlite:///") and not create and not Path(url.removeprefix("sqlite:///")).exists():
        raise ConfigError("no city here: run `ewarung-city init`", reason="no_city")
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begun)
    try:
        if create:
            meta.create_all(engine)
        with engine.connect() as connection:
            connection.execute(reference.select().limit(1)).all()
    except DBAPIError as error:
        engine.dispose()
        raise ConfigError(f"city database: {type(error.orig).__name__}", reason="database") from error
    return Store(engine)


def _sqlite_connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - DB-API has no type
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000", "trusted_schema=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begun(connection: Connection) -> None:
    """Every transaction takes the write lock at once: a deferred one that upgrades fails without waiting."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
