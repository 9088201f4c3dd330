"""Bundles as files on a stick: whole or absent, read back before anybody is told that they are there."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
from pathlib import Path

from ewarung_pos.errors import BundleRefused, StickError
from ewarung_pos.sync.bundle import BEGINNING_BYTES, FILE_BYTES, Header, Way, look

__all__ = ["SUFFIX", "bundles_in", "file_name", "keep", "take"]

SUFFIX = ".bundle"

_SPARE_BYTES = 64 * 1024
"""Room that must be left after a file: directories and tables of the file system grow too."""

_MOST_FILES = 5_000
"""No more files of a folder are looked at."""

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WRITE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def file_name(header: Header) -> str:
    """`ewarung-<device>-<from>-<to>.bundle`, with `-reply` for the city's answer: for people alone.

    `ewarung-<device>-<to>-state.bundle` is what the city says without having been asked.
    """
    if header.answers == header.id:
        return f"ewarung-{header.device}-{header.last_seq}-state{SUFFIX}"
    reply = "-reply" if header.way is Way.TO_KIOSK else ""
    return f"ewarung-{header.device}-{header.first_seq}-{header.last_seq}{reply}{SUFFIX}"


def keep(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Put a whole file on the stick: written beside its place, flushed, read back, then named, the name flushed too.

    What an earlier attempt at this name left half done is taken away. Whatever fails, an earlier file of that name is
    as it was.

    Args:
        path: of the file.
        data: all of it.
        replace: False never touches a file that is there.

    Raises:
        StickError: `full`, `read_only`, `gone` (no such folder any more), `write`, or `readback`.
        FileExistsError: something is there, and nothing may be replaced.
    """
    folder = path.parent
    if not replace and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "exists", str(path))
    draft = folder / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        _sweep(path)
        if shutil.disk_usage(folder).free < len(data) + _SPARE_BYTES:
            raise StickError(f"{folder}: no room for {len(data)} bytes", reason="full")
        try:
            _write(draft, data)
            draft.replace(path)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        _flush_name(folder)
    except OSError as error:
        raise _trouble(error, folder) from error


def take(path: Path, limit: int = FILE_BYTES) -> bytes:
    """A file's content, read once; its size is looked at before anything is read.

    Raises:
        StickError: it cannot be read (`gone`).
        BundleRefused: larger than any bundle (`too_large`), or no file at all (`not_a_bundle`).
    """
    try:
        file = os.open(path, _READ)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise BundleRefused(f"{path.name}: not a file", reason="not_a_bundle")
            if found.st_size > limit:
                raise BundleRefused(f"{path.name}: {found.st_size} bytes", reason="too_large")
            return _content(file, found.st_size)
        finally:
            os.close(file)
    except OSError as error:
        if error.errno == errno.ELOOP:  # a name that leads elsewhere
            raise BundleRefused(f"{path.name}: not a file", reason="not_a_bundle") from error
        raise _trouble(error, path.parent) from error


def bundles_in(folder: Path) -> tuple[tuple[Path, Header], ...]:
    """Files of a folder that begin like bundles, by their own word on when they were made; nothing else of it is read.

    Raises:
        StickError: the folder cannot be read (`gone`).
    """
    found = []
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.lower().endswith(SUFFIX))
    except OSError as error:
        raise _trouble(error, folder) from error
    for name in names[:_MOST_FILES]:
        with contextlib.suppress(BundleRefused):
            found.append((folder / name, look(_beginning(folder / name))))
    return tuple(sorted(found, key=lambda pair: (pair[1].created_s, pair[0].name)))


def _beginning(path: Path) -> bytes:
    try:
        file = os.open(path, _READ)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                return b""
            return os.read(file, BEGINNING_BYTES)
        finally:
            os.close(file)
    except OSError:
        return b""


def _write(path: Path, data: bytes) -> None:
    file = os.open(path, _WRITE, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
        # What the kernel still holds of it would be compared with itself.
        if hasattr(os, "posix_fadvise"):  # pragma: no branch - Linux has it
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.lseek(file, 0, os.SEEK_SET)
        if _content(file, len(data)) != data:
            raise StickError(f"{path.name}: not what was written", reason="readback")
    finally:
        os.close(file)


def _content(file: int, size: int) -> bytes:
    """So many bytes and one more, if there is one: a file that grew is not what was measured."""
    parts = bytearray()
    while len(parts) <= size and (part := os.read(file, size + 1 - len(parts))):
        parts += part
    return bytes(parts)


def _sweep(path: Path) -> None:
    """Take away drafts of this file that a stick pulled out too early kept."""
    draft = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.part")
    with os.scandir(path.parent) as entries:
        left = [entry.name for entry in entries if draft.fullmatch(entry.name)]
    for name in left:
        (path.parent / name).unlink(missing_ok=True)


def _flush_name(folder: Path) -> None:
    if sys.platform != "win32":  # pragma: no branch - not needed, and not possible, on Windows
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that has no such thing for directories
                raise
        finally:
            os.close(file)


_REASONS = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.ENOENT: "gone",
    errno.ENOTDIR: "gone",
    errno.ENODEV: "gone",
    errno.ENXIO: "gone",
}


def _trouble(error: OSError, folder: Path) -> StickError:
    return StickError(f"{folder}: {error.strerror}", reason=_REASONS.get(error.errno or 0, "write"))
