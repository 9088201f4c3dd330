"""The tables of the first release.

Databases of programs before this revision have no version. They may lack whole tables, and columns and indexes that
came later: they get them here, empty, and lose nothing. Nothing else was ever changed in them.

On PostgreSQL entries lie in a partition for each month in which they arrived (the program makes the next one when it
is needed), and leases in partitions by kiosk.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    inspect,
)

revision = "0001"
down_revision = None

METADATA = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"},
)
LEASE_PARTS = 8

WORD = String(80).with_variant(String(80, collation="C"), "postgresql")
PROSE = Text().with_variant(Text(collation="C"), "postgresql")


def _key(name: str) -> Column[str]:
    return Column(name, WORD, primary_key=True)


def _place(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, nullable=False, autoincrement=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, PROSE, nullable=False)


def _device_epoch() -> tuple[Column[str], Column[int]]:
    return _key("device"), Column("epoch", Integer, primary_key=True, autoincrement=False)


Table("city", METADATA, _key("name"), _text("value"))

Table("region", METADATA, _key("kelurahan_code"), _text("kelurahan"), _text("kecamatan"))

Table(
    "kiosk",
    METADATA,
    _key("device"),
    _text("name"),
    _text("kelurahan_code"),
    Column("epoch", Integer, nullable=False),
    _number("cursor"),
)

Table(
    "operator",
    METADATA,
    _key("device"),
    _key("code"),
    _text("name"),
    _text("role"),
    _text("pin_hash"),
    Column("active", Integer, nullable=False),
)

Table(
    "family",
    METADATA,
    _key("key"),
    _text("name"),
    _text("nik_masked"),
    _text("nik_token"),
    _text("kk_token"),
    Column("members", Integer, nullable=False),
    _text("address"),
    _text("kelurahan_code"),
    _text("programmes"),
    _text("home"),
    _text("token"),
    _text("last4"),
    _text("card_status"),
    _number("status_since"),
    _number("opening_credit"),
    Index(None, "nik_token"),
    Index(None, "kk_token"),
    Index(None, "token"),
    Index(None, "home"),
)

Table(
    "import_note",
    METADATA,
    _key("import_id"),
    Column("row", Integer, primary_key=True, autoincrement=False),
    _key("reason"),
    _text("severity"),
)

Table(
    "entitlement",
    METADATA,
    _key("family"),
    _key("programme"),
    _key("period"),
    _key("commodity"),
    _text("unit"),
    _number("amount"),
)

Table("credit", METADATA, _key("family"), _key("programme"), _key("period"), _number("amount"))

Table(
    "lease",
    METADATA,
    *_device_epoch(),
    _key("family"),
    _key("programme"),
    _key("period"),
    _key("commodity"),
    _text("unit"),
    _number("granted"),
    _number("claimed"),
    _number("surrendered"),
    _number("spent"),
    _number("returned"),
    _number("released"),
    Index(None, "family", "period"),
)

Table(
    "feed",
    METADATA,
    _key("device"),
    _key("kind"),
    _key("key"),
    _place("version"),
    Index("ix_feed_device_version", "device", "version"),
)

Table(
    "code",
    METADATA,
    _key("code_id"),
    _text("device"),
    Column("secret", LargeBinary, nullable=False),
    _number("expires"),
    Column("tries", Integer, nullable=False),
    Column("auto", Integer, nullable=False),
    _text("state"),
    _text("device_key"),
    _text("wrap_key"),
    Column("epoch", Integer, nullable=False),
)

Table(
    "epoch",
    METADATA,
    *_device_epoch(),
    _text("device_key"),
    _text("state"),
    _text("mode"),
    _text("reason"),
    _number("acked_seq"),
    _text("acked_hash"),
    _number("claimed_seq"),
    _number("pulled"),
    _number("enrolled_ms"),
    _number("seen_ms"),
    _text("app_version"),
    _number("practice"),
)

Table(
    "entry",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _text("id"),
    _text("kind"),
    _text("date"),
    _number("instant"),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    _number("received_ms"),
    Index("ix_entry_device_id", "device", "id"),
)

Table(
    "batch",
    METADATA,
    *_device_epoch(),
    _place("last_seq", primary_key=True),
    _number("first_seq"),
    _text("head_hash"),
    Column("ack", LargeBinary, nullable=False),
)

Table(
    "aside",
    METADATA,
    *_device_epoch(),
    _key("digest"),
    _text("reason"),
    _number("first_seq"),
    _number("last_seq"),
    Column("body", LargeBinary, nullable=False),
    _number("received_ms"),
)

Table(
    "case",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _key("reason"),
    _text("detail"),
    _text("owner"),
    _text("state"),
    _number("opened_ms"),
)

Table(
    "redemption",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _text("entry"),
    _text("original"),
    _text("family"),
    _text("date"),
    _text("presence"),
    _number("receipt"),
    _number("instant"),
    _number("ration_value"),
    _number("purse"),
    _number("cash"),
    Index("ix_redemption_device_date", "device", "date"),
    Index("ix_redemption_device_original", "device", "original"),
)

Table(
    "redemption_line",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _text("date"),
    _text("product"),
    _text("commodity"),
    _text("unit"),
    _number("packs"),
    _number("amount"),
    _number("price"),
    _text("tender"),
    _text("programme"),
    Index("ix_redemption_line_device_date", "device", "date"),
)

Table("stock", METADATA, *_device_epoch(), _key("product"), _number("packs"))

Table("price", METADATA, _key("device"), _key("product"), _place("price", primary_key=True))

Table(
    "day",
    METADATA,
    *_device_epoch(),
    _key("date"),
    _number("first_seq"),
    _number("closed_seq"),
    _text("head"),
    _text("totals"),
    _text("differs"),
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _by_month(METADATA.tables["entry"])
        METADATA.tables["lease"].dialect_options["postgresql"]["partition_by"] = "HASH (device)"
    METADATA.create_all(connection)
    if connection.dialect.name == "postgresql":
        for part in range(LEASE_PARTS):
            op.execute(
                f"CREATE TABLE lease_{part} PARTITION OF lease"
                f" FOR VALUES WITH (MODULUS {LEASE_PARTS}, REMAINDER {part})"
                " WITH (fillfactor = 80)"  # its rows are written again and again: leave room beside them
            )
    else:
        _complete(connection)


def _by_month(entry: Table) -> None:
    """The key of a partitioned table holds what it is partitioned by; the city's own time, which no kiosk can set."""
    entry.dialect_options["postgresql"]["partition_by"] = "RANGE (received_ms)"
    entry.c.received_ms.primary_key = True
    entry.append_constraint(PrimaryKeyConstraint(*entry.primary_key.columns, entry.c.received_ms))


def _complete(connection: Connection) -> None:
    found = inspect(connection)
    quote = connection.dialect.identifier_preparer.quote
    for table in METADATA.sorted_tables:
        held = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in held:
                kind = column.type.compile(connection.dialect)
                filled = "''" if isinstance(column.type, Text) else "0"
                op.execute(
                    f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind} DEFAULT {filled} NOT NULL"
                )
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in indexes:
                index.create(connection)
