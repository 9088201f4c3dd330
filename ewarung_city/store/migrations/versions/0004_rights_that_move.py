"""Rights that move: what was asked for and is asked back, what pools handed out, what a month carries over."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

revision = "0004"
down_revision = "0003"

WORD = String(80).with_variant(String(80, collation="C"), "postgresql")
PROSE = Text().with_variant(Text(collation="C"), "postgresql")


def _key(name: str) -> Column[str]:
    return Column(name, WORD, primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, PROSE, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _enrolment() -> tuple[Column[str], Column[int]]:
    return _key("device"), Column("epoch", Integer, primary_key=True, autoincrement=False)


def upgrade() -> None:
    for name in ("charged", "carried", "version"):
        op.add_column("entitlement", Column(name, BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "grant_request",
        *_enrolment(),
        _key("request"),
        *map(_text, ("family", "period", "commodity")),
        _number("need"),
        Column("home", Integer, nullable=False),
        _text("state"),
        _number("serial"),
        _text("leases"),
        _number("asked_ms"),
    )
    op.create_index("ix_grant_request_family", "grant_request", ["family"])
    op.create_table(
        "recall",
        *_enrolment(),
        *map(_key, ("family", "programme", "period", "commodity")),
        _text("unit"),
        _number("wanted"),
        _text("by_device"),
        Column("by_epoch", Integer, nullable=False),
        _text("request"),
        _number("asked_ms"),
    )
    op.create_table(
        "hardship",
        *_enrolment(),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        _key("commodity"),
        *map(_text, ("said", "named", "reason", "leader", "period", "unit")),
        _number("amount"),
        *map(_text, ("family", "programme")),
        *map(_number, ("charged", "returned")),
    )
    op.execute("UPDATE city SET value = '4' WHERE name = 'schema'")
