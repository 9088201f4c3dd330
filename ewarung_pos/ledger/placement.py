"""Where the ledger lies: its log is shared memory of one machine and goes by its name, its lock is its directory's."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from ewarung_pos.errors import ConfigError

__all__ = ["filesystem_of", "refuse_network_share", "refuse_other_names"]

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


def refuse_other_names(ledger: Path) -> None:
    """Refuse a ledger that is a link, or that has a name in another directory; one that is not there has none.

    Lock and log go by directory and name: under two of them two tills would write into one file. Names in its own
    directory, or a folder of it, are what an upgrade or a restore left that was cut off.

    Raises:
        ConfigError: it has (`ledger_link`).
    """
    try:
        found = ledger.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            home = ledger.parent
            near = [each.lstat() for kind in ("*", "*/*") for each in home.glob(kind)]
            known = sum((each.st_dev, each.st_ino) == (found.st_dev, found.st_ino) for each in near)
        else:
            known = found.st_nlink
    except OSError:
        return
    if stat.S_ISLNK(found.st_mode) or found.st_nlink > known:
        raise ConfigError(ledger.name, reason="ledger_link")
