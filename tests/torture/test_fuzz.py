"""A minute of `make fuzz`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from fuzz.targets import TARGETS

pytestmark = pytest.mark.torture

MINUTE = 60


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python")
@pytest.mark.timeout(600)
def test_a_minute_of_bytes_that_nobody_would_send() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--seconds", str(MINUTE)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    looked_at = [line.split(maxsplit=1)[0] for line in done.stdout.splitlines()]
    assert looked_at == list(TARGETS)
    assert all(int(line.split()[1]) > 100 for line in done.stdout.splitlines())
