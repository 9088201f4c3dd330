"""No false alarm: whatever a till has just committed, `verify` beside it finds the ledger sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.verify import verify
from tests.torture.tamper_sample import KEY, build

_LEAST = 150


@pytest.mark.torture
@pytest.mark.timeout(1_200)
def test_a_ledger_in_use_is_sound_after_every_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """Two days of two kiosks: every service, both directions to the city, every kind of entry."""
    seen: dict[Path, int] = {}
    alarms: list[str] = []
    really_end = SqlLedger._end

    def end(ledger: SqlLedger, *, commit: bool) -> None:
        really_end(ledger, commit=commit)
        if not commit:
            return
        report = verify(ledger._path, KEY)
        seen[ledger._path] = seen.get(ledger._path, 0) + 1
        alarms.extend(f"entry {report.entries}: {problem}" for problem in report.problems)

    monkeypatch.setattr(SqlLedger, "_end", end)
    build(tmp_path).city.close()
    record_property("counted: ledgers verified beside their till, after a commit", sum(seen.values()))
    assert alarms == []
    assert len(seen) == 2
    assert sum(seen.values()) > _LEAST
