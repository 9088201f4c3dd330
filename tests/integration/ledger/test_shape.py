"""What a ledger's file defines is compared to the letter: a quote turns a rule into a text that says yes to all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.errors import LedgerCorrupt
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.shape import misshapen
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, rice, serve

DEFINED = "SELECT name, sql FROM sqlite_schema WHERE sql <> '' AND name NOT LIKE 'guard%'"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("uq_ledger_entry_reverses", "reverses IS NOT NULL"),
        ("uq_ledger_entry_receipt", "receipt IS NOT NULL"),
        ("lease", "surrendered <= granted"),
    ],
)
def test_a_rule_that_was_put_in_quotes_is_found_and_the_till_does_not_open_it(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path, name: str, rule: str
) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    ledger.close()
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("PRAGMA writable_schema = ON")
    edit = "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ? AND instr(sql, ?)"
    assert connection.execute(edit, (rule, f'"{rule}"', name, rule)).rowcount == 1
    connection.close()
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("REINDEX")
    connection.close()
    assert [str(problem) for problem in verify(tmp_path, KEY).problems] == [f"schema {name}"]
    with pytest.raises(LedgerCorrupt) as caught:
        opened()
    assert (caught.value.reason, caught.value.detail) == ("schema", name)


def test_a_quote_anywhere_in_any_definition_is_found(ledger: SqlLedger, tmp_path: Path) -> None:
    """Around a word it may change nothing at all; who could say so of every place of every statement?"""
    source = connect(tmp_path / "ledger.db", KEY, query_only=True)
    plain = sqlite.connect(":memory:", isolation_level=None)
    plain.execute("PRAGMA user_version = 1")
    for (statement,) in source.execute("SELECT sql FROM sqlite_schema WHERE sql <> '' ORDER BY type = 'table' DESC"):
        plain.execute(statement)
    source.close()
    assert misshapen(plain) == ((), ())
    plain.execute("PRAGMA writable_schema = ON")
    unseen = []
    for name, statement in plain.execute(DEFINED).fetchall():
        for place in {match.start() for match in re.finditer(r"\b|$", statement)}:
            quoted = f'{statement[:place]}"{statement[place:]}'
            plain.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (quoted, name))
            if misshapen(plain) != ((name,), ()):
                unseen.append(quoted)
        plain.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (statement, name))
    plain.close()
    assert unseen == []
