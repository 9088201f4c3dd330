"""Copy the licence texts of what is in the frozen program, and of nothing else that the builder has."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ALWAYS = {"ewarung-pos", "pyinstaller"}
"""Ours; and whose bootloader is the program that starts, which stands in no list of modules."""

_TEXT = re.compile(r"(^|/)(LICEN[CS]E|COPYING|NOTICE)[^/]*$", re.IGNORECASE)


def sources(work: Path) -> set[Path]:
    """Files that PyInstaller took, as its own lists in this folder name them."""
    found: set[Path] = set()
    for name in ("PYZ-00.toc", "COLLECT-00.toc"):
        found |= {Path(path).resolve() for path in _paths(ast.literal_eval((work / name).read_text(encoding="utf-8")))}
    return found


def _paths(listed: Any) -> Iterable[str]:  # noqa: ANN401 - nested lists and tuples of PyInstaller's
    if isinstance(listed, tuple) and len(listed) == 3 and all(isinstance(part, str) for part in listed):
        yield listed[1]
    elif isinstance(listed, list | tuple):
        for part in listed:
            yield from _paths(part)


def frozen(taken: set[Path], installed: Iterable[Distribution]) -> list[Distribution]:
    """Distributions of which a file was taken, besides their metadata."""
    return [each for each in installed if each.name.lower() in ALWAYS or any(path in taken for path in _files(each))]


def _files(distribution: Distribution) -> Iterable[Path]:
    for file in distribution.files or ():
        if ".dist-info" not in str(file):
            yield Path(str(distribution.locate_file(file))).resolve()


def texts(distribution: Distribution) -> list[Path]:
    """Its licence texts."""
    found = (file for file in distribution.files or () if ".dist-info/" in str(file) and _TEXT.search(str(file)))
    return [Path(str(distribution.locate_file(file))) for file in found]


def unnamed(found: Iterable[Distribution], notice: str) -> list[str]:
    """Those that NOTICE does not name."""
    said = _plain(notice)
    return sorted(each.name for each in found if _plain(each.name) not in said)


def _plain(words: str) -> str:
    return re.sub(r"[-_.\s]+", "-", words.lower())


def main(work: str, target: str, notice: str) -> int:
    """Copy to `target`/NAME-VERSION/; returns the exit code: 1 when NOTICE leaves one out."""
    found = frozen(sources(Path(work)), distributions())
    for each in found:
        for text in texts(each):
            place = Path(target) / f"{each.name}-{each.version}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, place / text.name)
    left_out = unnamed(found, Path(notice).read_text(encoding="utf-8"))
    if left_out:
        print(f"NOTICE does not name {', '.join(left_out)}", file=sys.stderr)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
