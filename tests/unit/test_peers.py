"""A test whose peer is missing: skipped and said, or failed where every peer must be there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import MAY_LACK

TREE = Path(__file__).parents[2]
SAMPLE = """
import pytest

@pytest.mark.skipif(True, reason="cupsd is not installed")
def test_marked():
    pass

@pytest.fixture
def reader():
    pytest.skip("pcscd is not installed")

def test_fixture(reader):
    pass

def test_import():
    pytest.importorskip("no_such_module_anywhere")

def test_uinput():
    pytest.skip("this kernel has no uinput")

@pytest.mark.xfail(reason="known")
def test_known():
    raise AssertionError

def test_well():
    pass
"""
WHOLE = """
import pytest
pytest.skip("swtpm is not installed", allow_module_level=True)
"""


def ran(folder: Path, every: str, *words: str) -> tuple[int, str]:
    """In a process of its own, with no plugin but those that are named: they take longer to load than all this."""
    (folder / "test_sample.py").write_text(SAMPLE)
    (folder / "test_whole.py").write_text(WHOLE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-p", "no:cacheprovider", "-rsfE", "--tb=line", str(folder)],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(TREE),
            "EWARUNG_EVERY_PEER": every,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("every", ["", "0"])
def test_a_missing_peer_is_skipped_and_its_name_is_said(every: str, tmp_path: Path) -> None:
    code, said = ran(tmp_path, every, "-p", "tests.peers")
    assert code == 0, said
    assert "1 passed, 5 skipped, 1 xfailed" in said
    assert "cupsd is not installed" in said
    assert "swtpm is not installed" in said


def test_where_every_peer_must_be_there_a_missing_one_fails_and_is_named(tmp_path: Path) -> None:
    """In the surroundings of every test of ours, and in a process of several, as `make test` starts them."""
    code, said = ran(tmp_path, "1", "-p", "tests.conftest", "-p", "xdist", "-n", "1")
    assert code == 1, said
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 3 errors" in said
    for lacks in ("cupsd is not installed", "pcscd is not installed", "no_such_module_anywhere", "swtpm is not"):
        assert lacks in said
    assert "this kernel has no uinput" in said


def test_each_reason_that_is_let_pass_is_one_that_a_test_gives() -> None:
    """So that nothing stays on the list that nobody says any more."""
    given = "\n".join(path.read_text("utf-8") for path in (TREE / "tests").rglob("*.py") if path.name != "peers.py")
    assert [reason for reason in MAY_LACK if f'"{reason}' not in given] == []


def test_the_full_run_asks_for_every_peer_and_says_what_was_skipped() -> None:
    assert "export EWARUNG_EVERY_PEER=1" in (TREE / ".ci/run").read_text().splitlines()
    (line,) = (line for line in (TREE / "Makefile").read_text().splitlines() if '-m "not torture"' in line)
    assert " -rs " in line
