"""How far each kiosk says that its journal goes: what the city compares with what has come."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("epoch", Column("said_seq", BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE city SET value = '10' WHERE name = 'schema'")
