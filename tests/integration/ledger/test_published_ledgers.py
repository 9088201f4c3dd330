"""The published samples: each wrong thing is found and named, by the stranger's checker and by our own verify alike."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from ewarung_pos.domain.journal import Fact
from ewarung_pos.errors import LedgerCorrupt, LedgerTooNew, PosError
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ledger.verify_report import VerifyReport

TREE = Path(__file__).resolve().parents[3]
LEDGERS = TREE / "tests" / "ledgers"
CHECKER = TREE / "tools" / "check_ledger.py"
INDEX: dict[str, Any] = json.loads((LEDGERS / "index.json").read_text(encoding="utf-8"))
SAMPLES: list[dict[str, Any]] = INDEX["samples"]
GOOD = [sample["file"] for sample in SAMPLES if sample["exit"] == 0]
READABLE = [sample for sample in SAMPLES if sample["exit"] < 2]
MOST_BYTES = 60_000


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return module_of(CHECKER)


def checked(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """By a process of its own that sees nothing of ours: no working directory, no environment on its path."""
    return subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(path), *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )


def by_name(sample: dict[str, Any]) -> str:
    return str(sample["file"]).removesuffix(".jsonl")


def test_the_samples_are_those_that_the_script_makes(tmp_path: Path) -> None:
    maker = module_of(TREE / "scripts" / "make_ledgers.py")
    maker.make(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in LEDGERS.iterdir() if path.is_file()}
    assert sorted(made) == sorted(kept)
    for name, content in kept.items():
        assert content == made[name], f"{name}: run scripts/make_ledgers.py"
        assert len(content) < MOST_BYTES, name
    assert {sample["file"] for sample in SAMPLES} == set(kept) - {"index.json"}


def test_the_good_sample_has_an_entry_of_every_kind(checker: ModuleType) -> None:
    kinds = {kind.__name__ for kind in get_args(Fact)}
    held = {
        json.loads(line)["entry"]["fact"]["kind"]
        for line in (LEDGERS / "good-two-days.jsonl").read_bytes().splitlines()[1:-1]
    }
    assert held == kinds == set(checker.FACTS)


def test_the_checker_knows_nothing_of_ours() -> None:
    source = CHECKER.read_text(encoding="utf-8")
    assert "ewarung_pos" not in source
    assert "ewarung_city" not in source
    assert "msgspec" not in source


@pytest.mark.parametrize("sample", SAMPLES, ids=by_name)
def test_the_checker_finds_what_the_index_says_and_nothing_else(sample: dict[str, Any]) -> None:
    done = checked(LEDGERS / sample["file"], "--json")
    assert done.returncode == sample["exit"], done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is (sample["exit"] == 0)
    if sample["exit"] == 2:
        assert report["error"]
        assert sample["file"] in done.stderr
        return
    assert done.stderr == ""
    assert [{"seq": found["seq"], "word": found["word"]} for found in report["findings"]] == sample["findings"]
    assert all(len(found["sentence"]) > 10 for found in report["findings"])


@pytest.mark.parametrize("sample", READABLE, ids=by_name)
def test_our_own_verify_finds_the_same_first_of_all(sample: dict[str, Any]) -> None:
    report = verify(LEDGERS / sample["file"])
    places = [found["seq"] for found in sample["findings"] if found["seq"]]
    assert report.first_bad_seq == min(places, default=None)
    assert report.ok is not bool(sample["findings"])
    found = sorted((problem.seq, problem.what) for problem in report.problems)
    assert found == [(told["seq"], told["word"]) for told in sample["findings"]]


def test_verify_refuses_what_is_no_export_or_too_new() -> None:
    with pytest.raises(LedgerTooNew):
        verify(LEDGERS / "newer-version.jsonl")
    with pytest.raises(LedgerCorrupt):
        verify(LEDGERS / "not-an-export.jsonl")


@pytest.mark.parametrize("name", GOOD)
def test_the_checker_says_in_sentences_what_it_looked_at(name: str) -> None:
    done = checked(LEDGERS / name)
    assert done.returncode == 0
    assert "Sound." in done.stdout
    assert INDEX["device_key"] in done.stdout
    assert ("Not from the first entry on" in done.stdout) is ("from" in name)


def test_the_checker_names_what_is_wrong_in_sentences() -> None:
    done = checked(LEDGERS / "overspent.jsonl")
    assert done.returncode == 1
    assert "[overdrawn]" in done.stdout
    assert "G 10000, S 0, P 15000, R 0 g" in done.stdout


def test_a_file_that_is_not_there_and_wrong_use_are_2(tmp_path: Path) -> None:
    assert checked(tmp_path / "gone.jsonl").returncode == 2
    assert checked(tmp_path, "--nope").returncode == 2
    (tmp_path / "empty").write_bytes(b"")
    assert checked(tmp_path / "empty").returncode == 2
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 40)
    assert checked(tmp_path / "binary").returncode == 2


# --- every byte counts ----------------------------------------------------------------------------------------------


def places(content: bytes) -> list[int]:
    """Every byte of the first and the last line, and some of every other."""
    lines = content.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    whole = {0, len(lines) - 1}
    drawn = random.Random(7)
    found: list[int] = []
    for number, (start, line) in enumerate(zip(starts, lines, strict=True)):
        inside = range(start, start + len(line))
        found += inside if number in whole else drawn.sample(inside, min(8, len(line)))
        found.append(start + len(line) - 1)
    return sorted(set(found))


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def sound_to(checker: ModuleType, content: bytes) -> bool:
    try:
        return bool(checker.check(io.BytesIO(content))["ok"])
    except checker.NotALedger:
        return False


@pytest.mark.parametrize("name", ["good-open-day.jsonl", "good-from-the-second-day.jsonl"])
def test_no_byte_can_be_flipped_unseen_by_the_checker(checker: ModuleType, name: str) -> None:
    content = (LEDGERS / name).read_bytes()
    assert sound_to(checker, content)
    drawn = random.Random(name)
    unseen = [
        (place, bit)
        for place in places(content)
        for bit in [drawn.randrange(8)]
        if sound_to(checker, flipped(content, place, bit))
    ]
    assert unseen == []


def verified(path: Path) -> VerifyReport | None:
    try:
        return verify(path)
    except PosError:
        return None


@pytest.mark.parametrize("name", ["good-open-day.jsonl", "good-from-the-second-day.jsonl"])
def test_no_byte_can_be_flipped_unseen_by_verify(tmp_path: Path, name: str) -> None:
    content = (LEDGERS / name).read_bytes()
    drawn = random.Random(name)
    unseen = []
    for place in places(content)[::2]:
        bit = drawn.randrange(8)
        (tmp_path / "flipped.jsonl").write_bytes(flipped(content, place, bit))
        report = verified(tmp_path / "flipped.jsonl")
        if report is not None and report.ok:
            unseen.append((place, bit))
    assert unseen == []


def test_the_first_and_the_last_line_are_canonical_too(checker: ModuleType, tmp_path: Path) -> None:
    content = (LEDGERS / "good-open-day.jsonl").read_bytes()
    header, rest = content.split(b"\n", 1)
    entries, trailer = rest[: rest.rindex(b"\n", 0, -1) + 1], json.loads(rest.splitlines()[-1])
    spaced = json.dumps(json.loads(header), sort_keys=True).encode() + b"\n" + entries
    trailer["digest"] = hashlib.sha256(spaced).hexdigest()
    path = tmp_path / "spaced.jsonl"
    path.write_bytes(spaced + json.dumps(trailer, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    assert [str(problem) for problem in verify(path).problems] == ["header not canonical"]
    assert [found["word"] for found in checker.check(io.BytesIO(path.read_bytes()))["findings"]] == ["header"]
    told = json.loads(rest.splitlines()[-1])
    path.write_bytes(header + b"\n" + entries + json.dumps(told, sort_keys=True).encode() + b"\n")
    assert [str(problem) for problem in verify(path).problems] == ["trailer not canonical"]
    assert [found["word"] for found in checker.check(io.BytesIO(path.read_bytes()))["findings"]] == ["trailer"]


def test_a_file_of_nothing_but_trouble_is_given_up_early(checker: ModuleType, tmp_path: Path) -> None:
    header = (LEDGERS / "good-open-day.jsonl").read_bytes().splitlines(keepends=True)[0]
    path = tmp_path / "rubbish.jsonl"
    path.write_bytes(header + b"rubbish\n" * 5000)
    assert 0 < len(verify(path).problems) <= 51
    assert 0 < len(checker.check(io.BytesIO(path.read_bytes()))["findings"]) <= 201


def test_no_line_can_be_left_out_doubled_or_swapped_unseen(checker: ModuleType, tmp_path: Path) -> None:
    lines = (LEDGERS / "good-open-day.jsonl").read_bytes().splitlines(keepends=True)
    for at in range(1, len(lines)):
        others = (
            lines[:at] + lines[at + 1 :],
            lines[: at + 1] + lines[at:],
            [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]],
            lines[:at],
        )
        for changed in others:
            content = b"".join(changed)
            (tmp_path / "changed.jsonl").write_bytes(content)
            report = verified(tmp_path / "changed.jsonl")
            assert report is None or not report.ok, at
            assert not sound_to(checker, content), at
