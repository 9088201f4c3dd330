"""A minute of `make fuzz` for each parser."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.targets import TARGETS

pytestmark = pytest.mark.torture

MINUTE = 60


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TARGETS)
def test_a_minute_of_bytes_that_nobody_would_send(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--seconds", str(MINUTE), "--corpus", str(tmp_path), name],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    spent = json.loads((tmp_path / "spent.json").read_bytes())[name]
    assert spent["seconds"] >= MINUTE
    assert spent["inputs"] > 100


WORSE = """
from fuzz import targets
def worse(data):
    if data[:1] == b"E":
        raise KeyError("not promised")
targets.TARGETS["paper_codes"] = worse
"""


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python")
@pytest.mark.timeout(120)
def test_an_input_that_breaks_a_parser_is_kept_and_ends_the_search(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WORSE)
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--seconds", "5", "--corpus", str(tmp_path / "corpus"), "paper_codes"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
    )
    assert done.returncode == 1
    assert "KeyError" in done.stdout
    kept = list((tmp_path / "corpus" / "broken").iterdir())
    assert [path.name[:12] for path in kept] == ["paper_codes-"]
    assert kept[0].read_bytes()[:1] == b"E"
    assert '"paper_codes"' in (tmp_path / "corpus" / "spent.json").read_text()
