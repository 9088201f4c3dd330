"""What several workers on one database share: the newest entry id of an enrolment, and messages that came before.

`epoch.last_id` is the greatest id among the entries that are held: only an id that is not above it can be a second one.
Nothing ever asked for lines by their date: an index less to write with each.
The setting `schema` is what programs without revisions look at; they refuse a database that says 2.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    collation = "C" if postgresql else None
    op.add_column("epoch", Column("last_id", Text(collation=collation), nullable=False, server_default=""))
    op.execute(
        "UPDATE epoch SET last_id = COALESCE("
        "(SELECT max(id) FROM entry WHERE entry.device = epoch.device AND entry.epoch = epoch.epoch), '')"
    )
    op.create_table(
        "nonce",
        Column("device", String(80, collation=collation), primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False),
        Column("nonce", String(80, collation=collation), primary_key=True),
        Column("until_s", BigInteger, nullable=False),
    )
    op.drop_index("ix_redemption_line_device_date", "redemption_line")
    op.execute("DELETE FROM city WHERE name = 'schema'")
    op.execute("INSERT INTO city (name, value) VALUES ('schema', '2')")
