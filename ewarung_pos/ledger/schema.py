"""The tables, as SQLAlchemy Core describes them: what the migrations must arrive at.

The till itself runs on the driver's own SQL and never imports this module: SQLAlchemy would cost it more than all of
its own start-up, and a commit through Core expressions five times the plain one.

Journal and movements are append-only (`guards`). Everything else is either a projection, which the entries explain
in full, or reference data that the city or the operator replaces. Names of people stand in `register_*` alone.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = ["METADATA"]

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _whole(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _of_entry() -> Column[int]:
    return Column("seq", Integer, ForeignKey("ledger_entry.seq"), primary_key=True)


def _table(name: str, *parts: Column[str] | Column[int] | Column[bytes] | object, rowid: bool = False) -> Table:
    return Table(name, METADATA, *parts, sqlite_strict=True, sqlite_with_rowid=rowid)  # type: ignore[arg-type]


# --- the journal: one chain, never changed --------------------------------------------------------------------------

_table(
    "ledger_entry",
    Column("seq", Integer, primary_key=True),
    _text("id"),
    _text("kind"),
    _text("business_date"),
    _whole("instant"),
    Column("family", Text, comment="of a redemption or reversal"),
    Column("receipt", Integer, comment="of a redemption or reversal"),
    Column("reverses", Integer, ForeignKey("ledger_entry.seq"), comment="of a reversal: the redemption it undoes"),
    Column("payload", LargeBinary, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("id"),
    CheckConstraint("seq >= 1", name="seq"),
    CheckConstraint("length(prev_hash) = 32 AND length(hash) = 32", name="hashes"),
    Index("ix_ledger_entry_acknowledged", "seq", sqlite_where=text("kind = 'CityAcknowledged'")),
    Index("ix_ledger_entry_family", "family", "reverses", sqlite_where=text("family IS NOT NULL")),
    Index("uq_ledger_entry_receipt", "receipt", unique=True, sqlite_where=text("receipt IS NOT NULL")),
    Index("uq_ledger_entry_reverses", "reverses", unique=True, sqlite_where=text("reverses IS NOT NULL")),
    rowid=True,
)

# --- what entries moved: append-only as well ------------------------------------------------------------------------

_table(
    "goods_movement",
    _of_entry(),
    _text("kind"),
    Column("issued", Text, nullable=False, comment="JSON, for each line: commodity, unit, base units; of a redemption"),
    Column("moved", Text, nullable=False, comment="JSON, for each line: product, packs, commodity, base units"),
    rowid=True,
)

_table(
    "receipt_paper",
    _of_entry(),
    _text("entry"),
    _whole("copy"),
    _text("paper"),
    Index("ix_receipt_paper_entry", "entry"),
    rowid=True,
)

# --- projections: totals that the entries explain -------------------------------------------------------------------

_table(
    "lease",
    Column("family", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("programme", Text, primary_key=True),
    Column("commodity", Text, primary_key=True),
    _text("unit"),
    _whole("granted"),
    _count("surrendered"),
    _count("spent"),
    _count("returned"),
    CheckConstraint("granted >= 0 AND surrendered >= 0 AND spent >= 0 AND returned >= 0", name="totals"),
    CheckConstraint("returned <= spent", name="returned"),
    CheckConstraint("spent - returned + surrendered <= granted", name="never_overdrawn"),
)

_table(
    "stock",
    Column("product", Text, primary_key=True),
    _whole("packs"),
    CheckConstraint("packs >= 0", name="packs"),
)

_table(
    "purse_credit",
    Column("family", Text, primary_key=True),
    Column("programme", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    _whole("amount"),
)

_table(
    "purse_spent",
    Column("family", Text, primary_key=True),
    _count("spent"),
    _count("returned"),
)

_table(
    "business_day",
    Column("opened_seq", Integer, ForeignKey("ledger_entry.seq"), primary_key=True),
    _text("date"),
    _whole("opened_at"),
    _text("state"),
    Column("closed_seq", Integer, ForeignKey("ledger_entry.seq")),
    Column("count", LargeBinary, nullable=False),
    UniqueConstraint("date"),
    rowid=True,
)

_table(
    "city_state",
    Column("id", Integer, primary_key=True),
    _count("acked_seq"),
    Column("acked_hash", Text, nullable=False, server_default=text("''")),
    _count("cursor"),
    Column("register_date", Text, nullable=False, server_default=text("''")),
    Column("register_source", Text, nullable=False, server_default=text("''")),
    CheckConstraint("id = 1", name="single"),
    rowid=True,
)

# --- work under way -------------------------------------------------------------------------------------------------

_table(
    "attempt",
    Column("id", Text, primary_key=True),
    _text("state"),
    _text("date"),
    _whole("opened_ms"),
    Column("body", LargeBinary, nullable=False),
    Index("ix_attempt_open", "opened_ms", sqlite_where=text("state IN ('pending', 'in_doubt')")),
)

_table(
    "print_job",
    Column("id", Integer, primary_key=True, comment="seq of the entry * 1000 + copy"),
    _text("kind"),
    _text("entry"),
    _whole("receipt"),
    _whole("copy"),
    _text("goods"),
    _count("tries"),
    _count("done"),
    Index("ix_print_job_owed", "id", sqlite_where=text("done = 0")),
    rowid=True,
)

# --- reference data -------------------------------------------------------------------------------------------------

_table(
    "register_family",
    Column("key", Text, primary_key=True),
    _text("name"),
    _text("nik_masked"),
    _text("kelurahan_code"),
    _text("kelurahan"),
    _text("kecamatan"),
    _whole("members"),
    _text("programmes"),
    _text("home"),
    Column("salt", LargeBinary, nullable=False, comment="16 random bytes, gone with the row"),
    Column("since_ms", Integer, nullable=False, comment="when the till first heard of the family"),
)

_table(
    "register_card",
    Column("token", Text, primary_key=True),
    Column("family", Text, ForeignKey("register_family.key"), nullable=False),
    _text("last4"),
    _text("status"),
    UniqueConstraint("family"),
)

_table(
    "reference",
    Column("name", Text, primary_key=True),
    _text("set_by"),
    Column("body", LargeBinary, nullable=False),
)

_table(
    "operator",
    Column("code", Text, primary_key=True),
    _text("name"),
    _text("role"),
    _text("pin_hash"),
    _whole("active"),
)

_table("pin_failure", Column("code", Text, primary_key=True), _whole("failures"))
_table("setting", Column("key", Text, primary_key=True), _text("value"))
_table("secret", Column("name", Text, primary_key=True), Column("value", LargeBinary, nullable=False))

_table(
    "identity",
    Column("id", Integer, primary_key=True),
    _text("device"),
    _whole("epoch"),
    _text("name"),
    _text("kelurahan_code"),
    _text("kelurahan"),
    _whole("practice"),
    CheckConstraint("id = 1", name="single"),
    rowid=True,
)
