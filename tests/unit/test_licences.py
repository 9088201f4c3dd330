"""The Debian package carries the licence texts of what is in it, and of nothing that only its builder has."""

from __future__ import annotations

import importlib.util
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import click
import keyring.backend
import pytest

TREE = Path(__file__).parents[2]


@pytest.fixture
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", TREE / "installer/licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """As PyInstaller leaves it: one module of click, a file of keyring, and metadata, which alone is no program."""
    psycopg = distribution("psycopg")
    told = next(str(psycopg.locate_file(file)) for file in psycopg.files or () if ".dist-info/" in str(file))
    module = ("click.core", click.core.__file__, "PYMODULE")
    (tmp_path / "PYZ-00.toc").write_text(repr(("PYZ-00.pyz", [module], {"name": (1, 2)})))
    data = ("keyring/backend.py", keyring.backend.__file__, "DATA")
    (tmp_path / "COLLECT-00.toc").write_text(repr(([data, ("METADATA", told, "DATA")],)))
    return tmp_path


def test_only_what_was_frozen_brings_its_licence(licences: ModuleType, work: Path, tmp_path: Path) -> None:
    target = tmp_path / "licenses"
    assert licences.main(str(work), str(target), str(TREE / "NOTICE")) == 0
    names = {place.name.rpartition("-")[0] for place in target.iterdir()}
    assert {"click", "keyring", "pyinstaller"} <= names
    assert not {"psycopg", "pytest", "mypy", "hypothesis"} & names
    assert (target / f"click-{distribution('click').version}" / "LICENSE.txt").read_text().strip()


def test_what_notice_leaves_out_is_named(
    licences: ModuleType, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "NOTICE").write_text("click, PyInstaller and eWarung POS\n")
    assert licences.main(str(work), str(tmp_path / "licenses"), str(tmp_path / "NOTICE")) == 1
    assert capsys.readouterr().err == "NOTICE does not name keyring\n"
