"""A city's month: 185 kiosks, 30 days, every fault, reconciled to zero."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.system.kit import CITY, surroundings

pytestmark = [pytest.mark.torture, pytest.mark.timeout(7200)]


def test_a_city_of_185_kiosks_for_a_month(record_property: Callable[[str, object], None]) -> None:
    command = ["simulate", "--kiosks", "185", "--days", "30", "--faults", "--json"]
    done = subprocess.run([*CITY, *command], capture_output=True, text=True, env=surroundings(), check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    for name in ("differences", "overspend", "lost", "double", "unsound"):
        assert said[name] == 0
        record_property(f"counted: fleet: {name}", said[name])
    assert said["device_days"] > 185 * 30 * 0.98
    assert said["served_home"]["served"] == said["served_home"]["came"] > 0
    assert said["served_all"]["served"] >= 0.995 * said["served_all"]["came"]
    for name in ("device_days", "redemptions", "entries"):
        record_property(f"counted: fleet: {name}", said[name])
    for name, count in said["faults"].items():
        record_property(f"counted: fleet: fault {name}", count)
