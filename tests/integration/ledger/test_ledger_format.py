"""docs/ledger-format.md tells the truth: its example is real, and it leaves out no kind, no field and no word."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlcipher3 import dbapi2 as sqlite

from ewarung_pos.domain.business_day import ControlLine, DayTotals, EdcTotals
from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.journal import Entry, Fact
from ewarung_pos.domain.redemption import PurseDebit, RedemptionLine, Remaining, RightDebit
from ewarung_pos.domain.stock import CountLine, ReceivedLine, VarianceReason
from ewarung_pos.ledger.engine import APPLICATION_ID
from ewarung_pos.ledger.export import FORMAT, VERSION, Header, Trailer
from tests.integration.ledger.test_published_ledgers import CHECKER, LEDGERS, TREE
from tests.till_kit import LEDGER_KEY, till_kit

TEXT = (TREE / "docs" / "ledger-format.md").read_text(encoding="utf-8")
KINDS: tuple[Any, ...] = get_args(Fact)
PARTS = (RedemptionLine, RightDebit, Remaining, PurseDebit, ReceivedLine, CountLine, DayTotals, ControlLine)
EXAMPLE = LEDGERS / "good-open-day.jsonl"


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def section(title: str, level: str = "##") -> str:
    """From a heading to the next one of its level or above."""
    begin = re.search(rf"^{level} {title}\n", TEXT, re.MULTILINE)
    assert begin is not None, title
    rest = TEXT[begin.end() :]
    end = re.search(rf"^#{{2,{len(level)}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def fields_of(table: str) -> list[str]:
    """Names in backticks in the first column."""
    return [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([a-z_0-9]+)`", row)
    ]


def test_the_example_is_of_the_sample_that_it_names() -> None:
    content = EXAMPLE.read_bytes()
    bodies = [block.strip().encode() for block in blocks("json", section("9. A worked example"))]
    assert len(bodies) == 3
    for body in bodies:
        assert b'{"entry":' + body + b',"hash":"' in content
    size = re.search(r"The first entry, (\d+) bytes", TEXT)
    assert size is not None
    assert len(bodies[0]) == int(size[1])


def test_the_program_in_the_document_prints_what_stands_below_it(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    (program,) = blocks("python")
    printed = blocks("text", section("9. A worked example"))[0]
    assert printed.startswith("seed ")
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.stdout == printed


def test_the_device_signed_the_text_in_the_document() -> None:
    _, text, signature = (block.strip() for block in blocks("text", section("9. A worked example")))
    (key,) = re.findall(r"with the key `([0-9a-f]{64})`", TEXT)
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), text.encode())
    assert signature.encode() in EXAMPLE.read_bytes()


def test_the_ledger_opens_as_the_document_says(tmp_path: Path) -> None:
    till_kit(tmp_path, families=2).ledger.close()
    (script,) = blocks("sql")
    *settings, query = [line.rstrip(";") for line in script.strip().splitlines()]
    assert len(settings) == 3
    connection = sqlite.connect(tmp_path / "ledger.db")
    try:
        for setting in settings:
            connection.execute(setting.replace("<64 hex digits>", LEDGER_KEY.hex()))
        rows = connection.execute(query).fetchall()
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
    finally:
        connection.close()
    assert [row[0] for row in rows] == [1, 2]
    assert f"{owner:#x}" in section("2. The ledger itself")
    assert owner == APPLICATION_ID


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_described_with_its_fields(kind: Any) -> None:
    assert fields_of(section(kind.__name__, "###")) == list(kind.__struct_fields__)


def test_no_kind_is_described_that_there_is_not() -> None:
    assert re.findall(r"^### (\w+)$", TEXT, re.MULTILINE) == [kind.__name__ for kind in KINDS]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_part_is_described_with_its_fields(part: Any) -> None:
    row = re.search(rf"^\| {part.__name__} \| (.*) \|$", section("7. Parts of facts"), re.MULTILINE)
    assert row is not None
    named = re.findall(r"`([a-z_0-9]+)`", row[1])
    assert [name for name in named if name in part.__struct_fields__] == list(part.__struct_fields__)


def test_header_trailer_and_entry_are_described_with_their_fields() -> None:
    told = section("3. The export")
    assert set(fields_of(told)) == {*Header.__struct_fields__, *Trailer.__struct_fields__}
    assert fields_of(section("5. Entries")) == list(Entry.__struct_fields__)
    assert f"`{FORMAT}`" in told
    assert f"Format version: **{VERSION}**" in TEXT


def test_every_code_is_listed() -> None:
    told = section("RedemptionRefused", "###")
    assert all(f"`{refusal.value}`" in told for refusal in Refusal)
    parts = section("7. Parts of facts")
    assert all(f"`{reason.value}`" in parts for reason in VarianceReason)
    assert all(f"`{name}`" in section("DayClosed", "###") for name in EdcTotals.__struct_fields__)


def test_every_word_of_the_checker_is_explained_and_no_other() -> None:
    said = {
        call.args[1].value
        for call in ast.walk(ast.parse(CHECKER.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "note"
        and isinstance(call.args[1], ast.Constant)
    }
    assert len(said) > 20
    assert set(fields_of(section("8. Rules, and what a checker says"))) == said


def test_every_word_is_shown_by_a_sample() -> None:
    index = (LEDGERS / "index.json").read_text(encoding="utf-8")
    shown = set(re.findall(r'"word": "([a-z_]+)"', index))
    assert shown == set(fields_of(section("8. Rules, and what a checker says")))
