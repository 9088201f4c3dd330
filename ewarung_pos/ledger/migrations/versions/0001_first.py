"""First schema: journal, movements, projections, work under way, reference data.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _journal()
    _movements()
    _projections()
    _work()
    _reference()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))


def _blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _entry(table: str, column: str = "seq") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["ledger_entry.seq"], name=f"fk_{table}_{column}")


def _create(table: str, *parts: sa.Column[str] | sa.Column[int] | sa.Column[bytes] | sa.Constraint, key: str) -> None:
    """A STRICT table keyed by the comma-separated columns; one whole-number key is SQLite's own row number."""
    columns = key.split(",")
    rowid = key in {"id", "seq", "opened_seq"} and table != "attempt"
    primary = sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")
    op.create_table(table, *parts, primary, sqlite_strict=True, sqlite_with_rowid=rowid)


def _journal() -> None:
    _create(
        "ledger_entry",
        _whole("seq"),
        _text("id"),
        _text("kind"),
        _text("business_date"),
        _whole("instant"),
        sa.Column("family", sa.Text(), comment="of a redemption or reversal"),
        sa.Column("receipt", sa.Integer(), comment="of a redemption or reversal"),
        sa.Column("reverses", sa.Integer(), comment="of a reversal: the redemption it undoes"),
        _blob("payload"),
        _blob("prev_hash"),
        _blob("hash"),
        _entry("ledger_entry", "reverses"),
        sa.UniqueConstraint("id", name="uq_ledger_entry_id"),
        sa.CheckConstraint("seq >= 1", name="ck_ledger_entry_seq"),
        sa.CheckConstraint("length(prev_hash) = 32 AND length(hash) = 32", name="ck_ledger_entry_hashes"),
        key="seq",
    )
    _index("ix_ledger_entry_acknowledged", ["seq"], "kind = 'CityAcknowledged'")
    _index("ix_ledger_entry_family", ["family", "reverses"], "family IS NOT NULL")
    _index("uq_ledger_entry_receipt", ["receipt"], "receipt IS NOT NULL", unique=True)
    _index("uq_ledger_entry_reverses", ["reverses"], "reverses IS NOT NULL", unique=True)


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, "ledger_entry", columns, unique=unique, sqlite_where=sa.text(where))


def _movements() -> None:
    _create(
        "goods_movement",
        _whole("seq"),
        _text("kind"),
        _text("issued"),
        _text("moved"),
        _entry("goods_movement"),
        key="seq",
    )
    _create(
        "receipt_paper",
        _whole("seq"),
        _text("entry"),
        _whole("copy"),
        _text("paper"),
        _entry("receipt_paper"),
        key="seq",
    )
    op.create_index("ix_receipt_paper_entry", "receipt_paper", ["entry"])


def _projections() -> None:
    totals = "granted >= 0 AND surrendered >= 0 AND spent >= 0 AND returned >= 0"
    _create(
        "lease",
        _text("family"),
        _text("period"),
        _text("programme"),
        _text("commodity"),
        _text("unit"),
        _whole("granted"),
        _count("surrendered"),
        _count("spent"),
        _count("returned"),
        sa.CheckConstraint(totals, name="ck_lease_totals"),
        sa.CheckConstraint("returned <= spent", name="ck_lease_returned"),
        sa.CheckConstraint("spent - returned + surrendered <= granted", name="ck_lease_never_overdrawn"),
        key="family,period,programme,commodity",
    )
    _create(
        "stock",
        _text("product"),
        _whole("packs"),
        sa.CheckConstraint("packs >= 0", name="ck_stock_packs"),
        key="product",
    )
    _create(
        "purse_credit",
        _text("family"),
        _text("programme"),
        _text("period"),
        _whole("amount"),
        key="family,programme,period",
    )
    _create("purse_spent", _text("family"), _count("spent"), _count("returned"), key="family")
    _create(
        "business_day",
        _whole("opened_seq"),
        _text("date"),
        _whole("opened_at"),
        _text("state"),
        sa.Column("closed_seq", sa.Integer()),
        _blob("count"),
        sa.UniqueConstraint("date", name="uq_business_day_date"),
        _entry("business_day", "opened_seq"),
        _entry("business_day", "closed_seq"),
        key="opened_seq",
    )
    _create(
        "city_state",
        _whole("id"),
        _count("acked_seq"),
        sa.Column("acked_hash", sa.Text(), nullable=False, server_default=sa.text("''")),
        _count("cursor"),
        sa.Column("register_date", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("register_source", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.CheckConstraint("id = 1", name="ck_city_state_single"),
        key="id",
    )
    op.execute("INSERT INTO city_state (id) VALUES (1)")


def _work() -> None:
    _create(
        "attempt",
        _text("id"),
        _text("state"),
        _text("date"),
        _whole("opened_ms"),
        _blob("body"),
        key="id",
    )
    op.create_index(
        "ix_attempt_open", "attempt", ["opened_ms"], sqlite_where=sa.text("state IN ('pending', 'in_doubt')")
    )
    _create(
        "print_job",
        sa.Column("id", sa.Integer(), nullable=False, comment="seq of the entry * 1000 + copy"),
        _text("kind"),
        _text("entry"),
        _whole("receipt"),
        _whole("copy"),
        _text("goods"),
        _count("tries"),
        _count("done"),
        key="id",
    )
    op.create_index("ix_print_job_owed", "print_job", ["id"], sqlite_where=sa.text("done = 0"))


def _reference() -> None:
    _create(
        "register_family",
        _text("key"),
        _text("name"),
        _text("nik_masked"),
        _text("kelurahan_code"),
        _text("kelurahan"),
        _text("kecamatan"),
        _whole("members"),
        _text("programmes"),
        _text("home"),
        _blob("salt"),
        _whole("since_ms"),
        key="key",
    )
    _create(
        "register_card",
        _text("token"),
        _text("family"),
        _text("last4"),
        _text("status"),
        sa.UniqueConstraint("family", name="uq_register_card_family"),
        sa.ForeignKeyConstraint(["family"], ["register_family.key"], name="fk_register_card_family"),
        key="token",
    )
    _create("reference", _text("name"), _text("set_by"), _blob("body"), key="name")
    _create("operator", _text("code"), _text("name"), _text("role"), _text("pin_hash"), _whole("active"), key="code")
    _create("pin_failure", _text("code"), _whole("failures"), key="code")
    _create("setting", _text("key"), _text("value"), key="key")
    _create("secret", _text("name"), _blob("value"), key="name")
    _create(
        "identity",
        _whole("id"),
        _text("device"),
        _whole("epoch"),
        _text("name"),
        _text("kelurahan_code"),
        _text("kelurahan"),
        _whole("practice"),
        sa.CheckConstraint("id = 1", name="ck_identity_single"),
        key="id",
    )
