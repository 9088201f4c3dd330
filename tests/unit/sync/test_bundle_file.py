"""Files on a stick: whole or absent, and never taken for what they are not."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from ewarung_pos.errors import BundleRefused, StickError
from ewarung_pos.sync import bundle_file
from ewarung_pos.sync.bundle import Way
from ewarung_pos.sync.bundle_file import bundles_in, file_name, keep, take
from tests.unit.sync.test_bundle import HEADER, written

NAME = "ewarung-EW-0001-1-9.bundle"


def failing(name: str, number: int, after: int = 0) -> Callable[..., object]:
    """A function of the system that fails from its so-manyth call on."""
    real, calls = getattr(os, name), [0]

    def call(*words: object, **more: object) -> object:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(number, os.strerror(number))
        return real(*words, **more)

    return call


def reason(work: Callable[[], object]) -> str:
    with pytest.raises((StickError, BundleRefused)) as caught:
        work()
    return caught.value.reason


def test_a_file_is_named_for_people() -> None:
    assert file_name(HEADER) == NAME
    assert file_name(replace(HEADER, way=Way.TO_KIOSK)) == "ewarung-EW-0001-1-9-reply.bundle"


def test_what_is_kept_is_read_again_and_nothing_stands_beside_it(tmp_path: Path) -> None:
    data = written()
    keep(tmp_path / NAME, data)
    assert take(tmp_path / NAME) == data
    keep(tmp_path / NAME, data + b"x")  # the same entries again: the newer file counts
    assert take(tmp_path / NAME) == data + b"x"
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_file_of_somebody_else_is_not_replaced_where_that_was_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "mine.bundle").write_text("my list")
    (tmp_path / "link.bundle").symlink_to(tmp_path / "nowhere")
    for name in ("mine.bundle", "link.bundle"):
        with pytest.raises(FileExistsError):
            keep(tmp_path / name, b"data", replace=False)
    assert (tmp_path / "mine.bundle").read_text() == "my list"
    keep(tmp_path / "new.bundle", b"data", replace=False)
    assert take(tmp_path / "new.bundle") == b"data"


def test_a_name_that_leads_elsewhere_is_replaced_itself(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("my notes")
    (tmp_path / NAME).symlink_to(tmp_path / "notes.txt")
    keep(tmp_path / NAME, b"data")
    assert (tmp_path / "notes.txt").read_text() == "my notes"
    assert not (tmp_path / NAME).is_symlink()


@pytest.mark.parametrize(
    ("number", "named"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "read_only"), (errno.EACCES, "read_only"), (errno.EIO, "write")],
)
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_stick_that_does_not_take_it_keeps_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, named: str, call: str
) -> None:
    keep(tmp_path / NAME, b"before")
    monkeypatch.setattr(os, call, failing(call, number))
    assert reason(lambda: keep(tmp_path / NAME, b"data")) == named
    monkeypatch.undo()
    assert take(tmp_path / NAME) == b"before"
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_stick_that_writes_little_at_a_time_gets_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, bytes(data)[:100]))
    keep(tmp_path / NAME, bytes(range(256)) * 4)
    assert take(tmp_path / NAME) == bytes(range(256)) * 4


def test_a_stick_without_room_is_not_begun_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    monkeypatch.setattr(os, "write", failing("write", errno.EIO))
    assert reason(lambda: keep(tmp_path / NAME, b"data")) == "full"


def test_a_stick_that_reads_back_something_else_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick that says it is larger than it is."""
    real = os.read
    monkeypatch.setattr(os, "read", lambda file, size: real(file, size).replace(b"t", b"\0"))
    assert reason(lambda: keep(tmp_path / NAME, b"data")) == "readback"
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    assert reason(lambda: keep(tmp_path / "gone" / NAME, b"data")) == "gone"
    assert reason(lambda: take(tmp_path / "gone" / NAME)) == "gone"
    assert reason(lambda: bundles_in(tmp_path / "gone")) == "gone"


@pytest.mark.parametrize(("number", "good"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_file_system_that_flushes_no_names_will_do_and_one_that_fails_will_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, good: bool
) -> None:
    monkeypatch.setattr(os, "fsync", failing("fsync", number, after=1))
    if good:
        keep(tmp_path / NAME, b"data")
    else:
        assert reason(lambda: keep(tmp_path / NAME, b"data")) == "write"


def test_what_a_stick_pulled_out_too_early_kept_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / f".{NAME}.0123abcd.part"
    others = [tmp_path / name for name in (f".{NAME}.part", ".ewarung-EW-0001-1-8.bundle.0123abcd.part", "x.part")]
    for path in (left, *others):
        path.write_text("half")
    keep(tmp_path / NAME, b"data")
    assert not left.exists()
    assert all(path.exists() for path in others)


def test_only_files_of_a_size_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.bundle").mkdir()
    (tmp_path / "real").write_bytes(b"data")
    (tmp_path / "link.bundle").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe.bundle")
    for name in ("folder.bundle", "link.bundle", "pipe.bundle"):
        assert reason(lambda name=name: take(tmp_path / name)) == "not_a_bundle"  # type: ignore[misc]
    monkeypatch.setattr(os, "read", failing("read", errno.EIO))
    assert reason(lambda: take(tmp_path / "real", limit=3)) == "too_large"  # not a byte was read
    assert reason(lambda: take(tmp_path / "real")) == "write"


def test_a_folder_is_looked_through_by_content_not_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.BUNDLE").write_bytes(written())
    (tmp_path / "a.bundle").write_bytes(written()[:300])  # half copied, and shown: it is refused where it is opened
    (tmp_path / "c.bundle").write_bytes(b"nothing of the kind")
    (tmp_path / "d.txt").write_bytes(written())
    (tmp_path / "e.bundle").mkdir()
    (tmp_path / "f.bundle").symlink_to(tmp_path / "b.BUNDLE")
    assert [path.name for path, _ in bundles_in(tmp_path)] == ["a.bundle", "b.BUNDLE"]
    assert {header.device for _, header in bundles_in(tmp_path)} == {"EW-0001"}


def test_the_oldest_comes_first_and_not_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, made in (("a", 30), ("b", 10), ("c", 20)):
        (tmp_path / f"{name}.bundle").write_bytes(written(header=replace(HEADER, created_s=made)))
    assert [path.stem for path, _ in bundles_in(tmp_path)] == ["b", "c", "a"]
    monkeypatch.setattr(bundle_file, "_MOST_FILES", 2)
    assert [path.stem for path, _ in bundles_in(tmp_path)] == ["b", "a"]
