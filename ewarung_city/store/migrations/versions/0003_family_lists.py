"""Lists by name and address: which were imported, of what they spoke, and which families they named or did not."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0003"
down_revision = "0002"

WORD = String(80).with_variant(String(80, collation="C"), "postgresql")
PROSE = Text().with_variant(Text(collation="C"), "postgresql")


def _key(name: str) -> Column[str]:
    return Column(name, WORD, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, PROSE, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def upgrade() -> None:
    op.create_table(
        "family_list",
        _key("list_id"),
        *map(_text, ("file", "digest", "map_digest", "source", "snapshot")),
        *map(_number, ("taken_ms", "rows", "taken", "unchanged", "refused", "skipped", "missing")),
    )
    op.create_table(
        "family_list_scope", _key("kelurahan_code"), _key("programme"), *map(_text, ("snapshot", "list_id"))
    )
    op.create_table("family_listing", _key("family"), *map(_text, ("snapshot", "list_id", "missing", "missing_list")))
    op.execute("UPDATE city SET value = '3' WHERE name = 'schema'")
