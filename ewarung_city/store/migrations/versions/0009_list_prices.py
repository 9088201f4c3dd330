"""The city's own prices in a table of their own: what every kiosk's batch reads, and no batch writes.

They stood among the kiosks' as those of a kiosk without a name. On many machines those would lie on one of them.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0009"
down_revision = "0008"

WORD = String(80).with_variant(String(80, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "list_price",
        Column("product", WORD, primary_key=True),
        Column("price", BigInteger, primary_key=True, autoincrement=False),
    )
    op.execute("INSERT INTO list_price (product, price) SELECT product, price FROM price WHERE device = ''")
    op.execute("DELETE FROM price WHERE device = ''")
    op.execute("UPDATE city SET value = '9' WHERE name = 'schema'")
