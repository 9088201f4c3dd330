"""Where the data directory lies: the ledger's log is shared memory of one machine, and no network share has that."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ewarung_pos.errors import ConfigError

__all__ = ["filesystem_of", "refuse_network_share"]

_MOUNTS = Path("/proc/self/mountinfo")

_NETWORK = frozenset(
    (
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.smbnetfs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    )
)


def filesystem_of(mountinfo: str, path: str) -> str:
    """Kind of the file system that holds an absolute path without links, by the lines of /proc/self/mountinfo.

    The deepest mount point above the path counts, and of several mounts on one point the last (proc_pid_mountinfo(5)).
    Empty when no line says it.
    """
    found, deepest = "", -1
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 6 or not after:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4]).rstrip("/")
        if len(point) >= deepest and (path == point or path.startswith(f"{point}/")):
            found, deepest = after.split(" ")[0], len(point)
    return found


def refuse_network_share(directory: Path) -> None:
    """Refuse a directory on a disk of another machine; asks nothing where the system does not tell (not Linux).

    Raises:
        ConfigError: it is one (`network_share`).
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = filesystem_of(mounts, os.path.realpath(directory))
    if kind in _NETWORK:
        raise ConfigError(f"the data directory is on {kind}", reason="network_share")
