"""Files on the way to a printer are whole, numbered once, or absent."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ewarung_pos.devices.durable import next_numbered, replace_durably


def test_two_writers_never_share_a_number(tmp_path: Path) -> None:
    start = threading.Barrier(4)
    paths: list[Path] = []

    def write(mark: bytes) -> None:
        start.wait(5)
        paths.extend(next_numbered(tmp_path, ".bin", mark) for _ in range(10))

    threads = [threading.Thread(target=write, args=(bytes([65 + n]),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(paths)) == 40
    assert sorted(b"".join(path.read_bytes() for path in paths)) == sorted(b"ABCD" * 10)


def test_other_files_in_the_folder_do_not_count(tmp_path: Path) -> None:
    for name in ("9x.bin", "notes.txt", "000007.pdf"):
        (tmp_path / name).write_bytes(b"")
    assert next_numbered(tmp_path, ".bin", b"x").name == "000001.bin"


def test_a_replacement_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.pdf"
    replace_durably(target, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_durably(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_numbered_file_that_cannot_be_written_is_not_left_in_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        next_numbered(tmp_path, ".bin", b"x" * 9000)
    assert list(tmp_path.iterdir()) == []


def test_files_are_for_the_kiosk_alone(tmp_path: Path) -> None:
    replace_durably(tmp_path / "a.pdf", b"x")
    assert (tmp_path / "a.pdf").stat().st_mode & 0o077 == 0


def test_new_folders_last_as_long_as_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    really = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        really(descriptor)

    monkeypatch.setattr("os.fsync", noted)
    next_numbered(tmp_path / "kiosk" / "print", ".bin", b"x")
    assert synced[:2] == [tmp_path, tmp_path / "kiosk"]
    synced.clear()
    replace_durably(tmp_path / "kiosk" / "papers" / "a.pdf", b"x")
    assert synced[0] == tmp_path / "kiosk"
    synced.clear()
    replace_durably(tmp_path / "kiosk" / "papers" / "b.pdf", b"x")
    assert len(synced) == 2, "the draft and the folder it is in"
