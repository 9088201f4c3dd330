"""Officers with a role and a passphrase, and what they did: a chain that nobody's statement changes."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, String, Text

revision = "0008"
down_revision = "0007"

WORD = String(80).with_variant(String(80, collation="C"), "postgresql")
PROSE = Text().with_variant(Text(collation="C"), "postgresql")


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, PROSE, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "officer",
        Column("name", WORD, primary_key=True),
        *_texts("role", "region", "secret", "state"),
        *(Column(name, BigInteger, nullable=False) for name in ("tries", "tried_ms")),
    )
    op.create_table(
        "audit",
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        *_texts("officer", "subject"),
        *(Column(name, LargeBinary, nullable=False) for name in ("body", "hash", "signature")),
    )
    for name in ("officer", "subject"):
        op.create_index(f"ix_audit_{name}", "audit", [name])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit is only added to'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()"
        )
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_stays_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END"
            )
    op.execute("UPDATE city SET value = '8' WHERE name = 'schema'")
