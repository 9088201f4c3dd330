"""A data directory on a network share, or a ledger with a name elsewhere, is refused before anything is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_pos.errors import ConfigError
from ewarung_pos.ledger import placement
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.placement import filesystem_of, refuse_network_share
from tests.integration.ledger.kiosk import names

# As Linux writes them: a laptop with shares, a machine that mounts on demand, a Windows with Linux inside.
MOUNTS = r"""
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard,errors=remount-ro
25 22 0:23 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw,inode64
36 22 0:35 / /home rw,relatime shared:19 - btrfs /dev/nvme0n1p3 rw,ssd,space_cache=v2,subvolid=257,subvol=/home
98 36 0:52 / /home/siti/kantor rw,nosuid,nodev,relatime shared:51 - fuse.sshfs siti@kantor:/srv rw,user_id=1000
101 22 0:55 / /srv/kelurahan rw,relatime shared:53 - cifs //nas/kelurahan rw,vers=3.1.1,cache=strict,username=kios
110 22 0:41 / /net rw,relatime shared:60 - autofs systemd-1 rw,fd=46,pgrp=1,timeout=0,minproto=5,maxproto=5,direct
111 110 0:60 / /net rw,relatime shared:62 - nfs4 nas:/export rw,vers=4.2,hard,proto=tcp,sec=sys
112 22 0:61 / /mnt/Data\040Kios rw,relatime - nfs nas:/kios rw,vers=3,hard,proto=tcp
120 22 0:62 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync,aname=drvfs;path=C:\;uid=1000;gid=1000,mmap,access=client
130 22 254:17 / /srv/kelurahan/lokal rw,relatime - xfs /dev/vdb1 rw,attr2,inode64
a line of another kind
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/ewarung-pos", "ext4"),
        ("/", "ext4"),
        ("/home/siti/kios", "btrfs"),
        ("/home/siti/kantor/kios", "fuse.sshfs"),
        ("/home/siti/kantor2", "btrfs"),
        ("/srv/kelurahan", "cifs"),
        ("/srv/kelurahan/lokal/kios", "xfs"),
        ("/net/kios", "nfs4"),
        ("/mnt/Data Kios/kios", "nfs"),
        ("/mnt/c/Users/siti", "9p"),
        ("relative", ""),
    ],
)
def test_the_deepest_and_last_mount_above_a_path_tells_its_kind(path: str, kind: str) -> None:
    assert filesystem_of(MOUNTS, path) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"])
def test_a_ledger_is_not_opened_nor_made_on_a_network_share(
    opened: Callable[..., SqlLedger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    share = tmp_path / "share"
    (share / "kios").mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 254:1 / / rw - ext4 /dev/vda1 rw\n98 22 0:52 / {share.resolve()} rw - {kind} nas:/x rw\n")
    monkeypatch.setattr(placement, "_MOUNTS", mounts)
    link = tmp_path / "link"
    link.symlink_to(share / "kios")
    for directory in (share / "kios", link):
        with pytest.raises(ConfigError) as caught:
            opened(directory, create=True)
        assert caught.value.reason == "network_share"
    assert names(share / "kios") == []
    refuse_network_share(tmp_path)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_ledger_that_has_a_name_elsewhere_serves_nobody(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    """Each name would have a lock and a log of its own: two tills would write into one file."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link(tmp_path / "ledger.db", elsewhere / "ledger.db")
    with pytest.raises(ConfigError) as caught:
        opened(elsewhere)
    assert caught.value.reason == "ledger_link"
    assert "ledger.db-wal" not in names(elsewhere)


@pytest.mark.parametrize("kept", ["ledger.db.schema-0", "ledger.db.new", "epochs/ledger-EW-0001-1.db"])
def test_a_second_name_that_the_till_itself_left_is_no_hindrance(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path, kept: str
) -> None:
    ledger.close()
    (tmp_path / "epochs").mkdir()
    os.link(tmp_path / "ledger.db", tmp_path / kept)
    assert opened().read().identity() is not None


def test_where_the_system_does_not_tell_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "_MOUNTS", tmp_path / "nowhere")
    refuse_network_share(tmp_path)
