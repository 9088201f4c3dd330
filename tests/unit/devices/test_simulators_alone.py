"""The simulators know no driver: the contract of imports that says so has every driver, and the leave that it gives."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
DEVICES = ROOT / "ewarung_pos" / "devices"


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    [found] = [one for one in tools["importlinter"]["contracts"] if one["id"] == "simulators-know-no-driver"]
    return dict(found)


def imported(file: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything of `devices` that a file imports from outside the simulators."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            _, under, module = node.module.partition("ewarung_pos.devices")
            if under and not module.startswith(".simulated"):
                yield from ((module.removeprefix("."), name.name) for name in node.names if name.name != "simulated")


def test_no_module_of_the_devices_is_left_out_of_the_contract(contract: dict[str, Any]) -> None:
    there = {file.stem for file in DEVICES.glob("*.py")} - {"__init__"}
    there |= {file.parent.name for file in DEVICES.glob("*/__init__.py")} - {"simulated"}
    assert sorted(contract["forbidden_modules"]) == sorted(f"ewarung_pos.devices.{name}" for name in there)


def test_two_small_helpers_are_all_that_simulators_share_with_the_till(contract: dict[str, Any]) -> None:
    """An ignored import would let a whole module in; this one says what of it."""
    shared = {
        f"ewarung_pos.devices.simulated.{file.stem} -> ewarung_pos.devices.{module}": name
        for file in (DEVICES / "simulated").glob("*.py")
        for module, name in imported(file)
    }
    assert shared == dict(zip(sorted(contract["ignore_imports"]), ("next_numbered", "port_url"), strict=True))
