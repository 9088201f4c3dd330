"""What was done with each case, by whom and why: rows that are only ever added."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

revision = "0006"
down_revision = "0005"

WORD = String(80).with_variant(String(80, collation="C"), "postgresql")
PROSE = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "case_step",
        Column("device", WORD, primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("reason", WORD, primary_key=True),
        Column("step", BigInteger, primary_key=True, autoincrement=False),
        *(Column(name, PROSE, nullable=False) for name in ("did", "officer", "owner", "why")),
        Column("at_ms", BigInteger, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION case_step_stays() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the history of a case is only added to'; END $$"
        )
        op.execute(
            "CREATE TRIGGER case_step_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON case_step "
            "FOR EACH STATEMENT EXECUTE FUNCTION case_step_stays()"
        )
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER case_step_stays_{verb.lower()} BEFORE {verb} ON case_step "
                "BEGIN SELECT RAISE(ABORT, 'the history of a case is only added to'); END"
            )
    op.execute("UPDATE city SET value = '6' WHERE name = 'schema'")
