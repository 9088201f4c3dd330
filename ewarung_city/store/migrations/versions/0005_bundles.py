"""Files that kiosks without a line sent by hand, and what the newest of each were answered."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

revision = "0005"
down_revision = "0004"

WORD = String(80).with_variant(String(80, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "bundle",
        Column("device", WORD, primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False),
        Column("digest", WORD, primary_key=True),
        *(Column(name, BigInteger, nullable=False) for name in ("first_seq", "last_seq", "taken_ms")),
        Column("reply", LargeBinary, nullable=False),
    )
    op.execute("UPDATE city SET value = '5' WHERE name = 'schema'")
