"""Which folders are sticks: those on which something is mounted, or the one that is configured."""

from __future__ import annotations

from pathlib import Path

from ewarung_pos.devices.sticks import mounted_sticks
from ewarung_pos.ports import StickPlace


def test_what_is_mounted_below_the_desktop_s_folders_is_a_stick(tmp_path: Path) -> None:
    media, run = tmp_path / "media", tmp_path / "run" / "media"
    mounts = [media / "siti" / "USB", media / "FOTO", run / "siti" / "3A1F-09C2"]
    plain = [media / "cdrom", media / "siti" / "pulled-out", run / "siti" / "a" / "deeper"]
    for folder in (*mounts, *plain):
        folder.mkdir(parents=True)
    (media / "link").symlink_to(mounts[0])
    (media / "file").write_text("")
    mounted = {str(folder) for folder in (*mounts, media / "link", plain[2])}
    found = mounted_sticks(roots=(media, run), is_mount=mounted.__contains__)
    assert found == tuple(StickPlace(str(each), each.name) for each in sorted(mounts))


def test_a_configured_folder_is_the_only_one_and_only_while_it_is_there(tmp_path: Path) -> None:
    assert mounted_sticks(str(tmp_path)) == (StickPlace(str(tmp_path), tmp_path.name),)
    assert mounted_sticks(str(tmp_path / "gone")) == ()
    assert mounted_sticks("/") == (StickPlace("/", "/"),)


def test_without_such_folders_there_is_no_stick_and_never_too_many(tmp_path: Path) -> None:
    assert mounted_sticks(roots=(tmp_path / "none",)) == ()
    for number in range(20):
        (tmp_path / f"{number:02}").mkdir()
    assert len(mounted_sticks(roots=(tmp_path,), is_mount=lambda _: True)) == 8
