"""Where a stick is: the folders that the desktop mounts what is plugged in under, or one that is configured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ewarung_pos.ports import StickPlace

__all__ = ["mounted_sticks"]

_ROOTS = (Path("/media"), Path("/run/media"))
"""udisks mounts at ROOT/USER/LABEL or ROOT/LABEL; a folder there on which nothing is mounted is no stick."""

_MOST = 8


def mounted_sticks(
    folder: str = "", roots: tuple[Path, ...] = _ROOTS, is_mount: Callable[[str], bool] = os.path.ismount
) -> tuple[StickPlace, ...]:
    """Folders that files can be written to and taken from now, by name.

    Args:
        folder: the configured one, which is then the only one; empty looks for sticks.
        roots: where sticks are mounted.
        is_mount: whether something is mounted there.
    """
    if folder:
        return (StickPlace(folder, Path(folder).name or folder),) if Path(folder).is_dir() else ()
    found = sorted({each for root in roots for each in _below(root, 2) if is_mount(each)})
    return tuple(StickPlace(each, Path(each).name) for each in found[:_MOST])


def _below(folder: Path, depth: int) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:  # no such root, or another account's
        return
    for name in names:
        yield name
        if depth > 1:
            yield from _below(Path(name), depth - 1)
