"""Room for the files of many tills at once, and a place for them where waiting for a disk costs nothing."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

__all__ = ["allow_many_files", "in_memory", "place_for"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes it safe
_ROOM = 16 * 1024 * 1024
"""Bytes that one kiosk and its share of the city may take in a month, generously."""


def allow_many_files() -> None:
    """As many open files as this account may have: each till that is on has about ten."""
    if sys.platform == "win32":  # pragma: no cover - has no such limit
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def place_for(kiosks: int) -> Path:
    """A new folder: in memory where there is room for so many kiosks, else where temporary files go."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > kiosks * _ROOM
    return Path(tempfile.mkdtemp(prefix="ewarung-fleet-", dir=_MEMORY if roomy else None))


def in_memory(folder: Path) -> bool:
    """Whether waiting for the disk is free there."""
    return folder.is_relative_to(_MEMORY)
