"""Files that are whole or absent: written beside their place, flushed to the disk, then put there."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["next_numbered", "replace_durably"]


def replace_durably(path: Path, data: bytes) -> None:
    """Put `data` at `path`, replacing what was there; after a power cut either the old or the new file is there.

    Raises:
        OSError: no room, no right, no such place.
    """
    _make(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _write(draft, data, os.O_CREAT | os.O_TRUNC)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def next_numbered(directory: Path, suffix: str, data: bytes) -> Path:
    """Keep `data` as the next `NNNNNN<suffix>` of the directory; never touches an existing file.

    Raises:
        OSError: no room, no right, no such place.
    """
    _make(directory)
    taken = [int(file.stem) for file in directory.glob(f"[0-9]*{suffix}") if file.stem.isdecimal()]
    number = max(taken, default=0) + 1
    while True:
        path = directory / f"{number:06d}{suffix}"
        try:
            _write(path, data, os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            number += 1
            continue
        except OSError:  # half of it must not be taken for what was sent
            path.unlink(missing_ok=True)
            raise
        _sync_directory(directory)
        return path


def _make(directory: Path) -> None:
    """The directory and those above it, each name of them durable: what is in a directory lasts no longer than it."""
    if directory.is_dir():
        return
    _make(directory.parent)
    directory.mkdir(exist_ok=True)
    _sync_directory(directory.parent)


def _write(path: Path, data: bytes, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | flags | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":
        return  # only POSIX systems let a directory be flushed
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
