"""One program per ledger, and what is said where the file system cannot keep that."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from pathlib import Path

import pytest

from ewarung_pos.errors import ConfigError, LedgerBusy
from ewarung_pos.ledger import lock
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock


def test_the_second_one_is_told_that_it_is_busy_until_the_first_lets_go(tmp_path: Path) -> None:
    first = InstanceLock(tmp_path / LOCK_FILE)
    with pytest.raises(LedgerBusy):
        InstanceLock(tmp_path / LOCK_FILE)
    first.release()
    InstanceLock(tmp_path / LOCK_FILE).release()


def test_it_is_free_while_another_process_is_being_born(tmp_path: Path) -> None:
    born, report = os.pipe()
    wait, go = os.pipe()

    def halfway() -> None:
        os.write(report, b"!")
        os.read(wait, 1)

    held = InstanceLock(tmp_path / LOCK_FILE)
    bearing = threading.Thread(target=lambda: subprocess.run(["true"], preexec_fn=halfway, check=True))
    bearing.start()
    try:
        assert os.read(born, 1) == b"!"
        held.release()
        InstanceLock(tmp_path / LOCK_FILE).release()
    finally:
        os.write(go, b"!")
        bearing.join()
        for end in (born, report, wait, go):
            os.close(end)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_folder_without_locks_is_not_called_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, "not here")

    monkeypatch.setattr(lock, "_take", refuse)
    with pytest.raises(ConfigError) as refused:
        InstanceLock(tmp_path / LOCK_FILE)
    assert refused.value.reason == "data_dir"
