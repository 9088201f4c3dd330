"""One program per ledger, and what is said where the file system cannot keep that."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ewarung_pos.domain.journal import canonical
from ewarung_pos.errors import ConfigError, LedgerBusy
from ewarung_pos.ledger import lock
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, rice, serve


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


# -- the file of the lock is taken away under a running till (not on Windows, where an open file stays) ---------------


def test_a_till_whose_lock_was_removed_takes_it_again(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path
) -> None:
    (tmp_path / LOCK_FILE).unlink()
    ledger.checkpoint()
    with pytest.raises(LedgerBusy):
        opened()
    (tmp_path / LOCK_FILE).rename(tmp_path / "elsewhere")
    assert ledger.audit(lambda: True)
    with pytest.raises(LedgerBusy):
        opened()
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    ledger.close()
    opened().close()


def test_a_till_whose_lock_another_one_holds_says_so(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path
) -> None:
    (tmp_path / LOCK_FILE).unlink()
    other = opened()
    for ask in (ledger.checkpoint, lambda: ledger.audit(lambda: True)):
        with pytest.raises(LedgerBusy) as caught:
            ask()
        assert caught.value.reason == "second"
    other.close()


def test_what_another_program_wrote_is_never_written_over(
    ledger: SqlLedger, opened: Callable[..., SqlLedger], tmp_path: Path
) -> None:
    (tmp_path / LOCK_FILE).unlink()
    other = opened()
    with other.write() as uow:
        entry = serve(uow, "F0001", rice(1))
    other.close()
    for _ in range(2):
        with pytest.raises(LedgerBusy) as caught, ledger.write() as uow:
            serve(uow, "F0002", rice(1))
        assert caught.value.reason == "second"
    kept = ledger.read().entry(entry.id)
    assert kept is not None
    assert (kept.seq, kept.body) == (entry.seq, canonical(entry))
    ledger.close()
    assert verify(tmp_path, KEY).ok
    with opened().write() as uow:
        assert serve(uow, "F0002", rice(1)).seq == entry.seq + 1


def test_a_lock_that_is_removed_while_it_is_taken_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = lock._take

    def late(file: int) -> None:
        (tmp_path / LOCK_FILE).unlink()
        take(file)

    monkeypatch.setattr(lock, "_take", late)
    with pytest.raises(LedgerBusy):
        InstanceLock(tmp_path / LOCK_FILE)
    monkeypatch.undo()
    InstanceLock(tmp_path / LOCK_FILE).release()


def test_a_lock_that_was_given_back_is_not_taken_again(tmp_path: Path) -> None:
    held = InstanceLock(tmp_path / LOCK_FILE)
    held.release()
    held.renew()
    assert not held.held
