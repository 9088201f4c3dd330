"""A few hundred edits of the tamper corpus with every run of the tests; `make torture` does more than ten thousand."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from ewarung_pos.domain.journal import AttemptSettled, Fact, Surrendered
from ewarung_pos.ledger.engine import SCHEMA_VERSION
from ewarung_pos.ledger.export import export
from ewarung_pos.ledger.guards import GUARDS
from ewarung_pos.ledger.shape import SHAPES
from ewarung_pos.ledger.verify import verify
from tests.torture.forger import entries_of
from tests.torture.tamper import RESIDUE, Corpus
from tests.torture.tamper_edits import INDEXES, TABLES, Hand
from tests.torture.tamper_sample import KEY, Sample, build


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    made = build(tmp_path_factory.mktemp("sample"))
    yield made
    made.city.close()


def test_every_edit_is_found_here_or_by_the_city_but_for_the_named_residue(sample: Sample, tmp_path: Path) -> None:
    table = Corpus(sample, tmp_path, seed=1).run(280)
    assert table.wrong == []
    assert table.tried > 250
    assert table.excuses.keys() <= RESIDUE


ROOT = Path(__file__).parents[3]

# --- nothing of a ledger is left out of the sample -----------------------------------------------------------------

SETTINGS = {
    "'z_report'": "z_report",
    "EDC_SETTLED": "edc_settled",
    "CLOSED_PERIOD": "period_closed",
    "CLOCK": "clock",
    "DUE": "attest_due",
    "_ATTESTED + date": "attested:2026-11-24",
    "_LIFE": "city_life",
    "OLDEST_SETTING": "city_oldest_version",
    "WISHES": "carried_wishes",
}
"""How the program names each setting that it writes, and its key in the sample."""


def test_every_kind_of_fact_is_in_the_sample(sample: Sample) -> None:
    with Hand(sample.main) as connection:
        held = {kind for (kind,) in connection.execute("SELECT DISTINCT kind FROM ledger_entry")}
        codes = {fact.outcome for fact in facts_of(connection) if isinstance(fact, AttemptSettled)}
        reasons = {fact.reason for fact in facts_of(connection) if isinstance(fact, Surrendered)}
    assert held == {kind.__name__ for kind in get_args(Fact)}
    assert codes >= {"declined", "in_doubt", "approved", "void_declined", "slip_disputed", "other_debit_voided"}
    assert reasons >= {"asked", "visitors"}


def facts_of(connection: Any) -> list[Fact]:
    return [entry.fact for entry in entries_of(connection)]


def test_every_table_is_edited_and_has_rows_in_the_sample(sample: Sample) -> None:
    with Hand(sample.main) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        empty = {name for name in tables if connection.execute(f"SELECT 1 FROM {name}").fetchone() is None}  # noqa: S608
        indexes = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql <> ''")
        }
    assert tables == set(TABLES)
    assert empty == set()
    assert indexes == set(INDEXES)
    guards_here = {name for name in SHAPES[SCHEMA_VERSION] if name.startswith("guard_")}
    assert {*tables, *indexes, *guards_here} == {n for n in SHAPES[SCHEMA_VERSION] if not n.startswith("sqlite_")}
    assert guards_here == set(GUARDS)


def test_every_setting_that_the_program_writes_is_in_the_sample(sample: Sample) -> None:
    written = {
        ast.unparse(call.args[0])
        for file in (ROOT / "ewarung_pos").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "put_setting"
    }
    with Hand(sample.main) as connection:
        held = {key for (key,) in connection.execute("SELECT key FROM setting")}
    assert written | {"CLOSED_PERIOD"} == SETTINGS.keys(), "projections write that one by themselves"
    assert held >= set(SETTINGS.values())


@pytest.mark.parametrize("kiosk", ["main", "other"])
def test_whoever_has_only_its_export_finds_it_sound_too(sample: Sample, tmp_path: Path, kiosk: str) -> None:
    out = tmp_path / "out.jsonl"
    export(getattr(sample, kiosk), KEY, out, 1)
    assert verify(out).problems == ()
    checked = subprocess.run(
        [sys.executable, ROOT / "tools/check_ledger.py", out], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "Sound.")


def test_a_corpus_that_finds_nothing_says_so(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with a `verify` that looks away, and before the city is asked, edits survive and are told."""
    from tests.torture import tamper

    real = verify(sample.main, KEY)
    corpus = Corpus(sample, tmp_path, seed=1)
    monkeypatch.setattr(tamper, "verify", lambda *_: real)
    table = corpus.run(40)
    assert len(table.wrong) > 20
