"""A copy in the place of a ledger: verified first, nothing lost, and nobody served from it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ewarung_pos.domain.journal import AttemptOpened, AttemptSettled
from ewarung_pos.domain.redemption import AttemptState
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import (
    ConfigError,
    LedgerBusy,
    LedgerCorrupt,
    LedgerError,
    LedgerFull,
    LedgerKeyWrong,
    LedgerTooNew,
    PosError,
)
from ewarung_pos.ledger import restore as module
from ewarung_pos.ledger.backup import back_up
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.keys import key_for, sync_directory
from ewarung_pos.ledger.restore import LedgerFile, holds_copy, restore, retire
from ewarung_pos.ledger.verify import verify
from tests.integration.ledger.kiosk import KEY, attempt, enrol, names, rice, serve

Open = Callable[..., SqlLedger]
ROOT = Path(__file__).parents[3]
ASIDE = "ledger-EW-0001-1-replaced-1.db"

put_back = partial(restore, older=True)
"""What these tests put back, they mean to, whatever the ledger in place holds."""


@pytest.fixture
def copy(ledger: SqlLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of four entries; the ledger has gone on to six, and is closed."""
    path = Path(ledger.back_up(tmp_path_factory.mktemp("stick")).path)
    for key in ("F0001", "F0002"):
        with ledger.write() as uow:
            serve(uow, key, rice(1))
    ledger.close()
    return path


def entries(path: Path) -> int:
    with LedgerFile(path, KEY) as file:
        return file.head().seq


def test_the_copy_takes_the_place_and_the_ledger_is_kept(copy: Path, opened: Open, tmp_path: Path) -> None:
    before = copy.read_bytes()
    done = put_back(copy, tmp_path, KEY)
    assert (done.device, done.epoch, done.entries) == ("EW-0001", 1, 4)
    assert (done.replaced, done.replaced_entries, done.replaced_ok) == (os.fspath(tmp_path / ASIDE), 6, True)
    assert not done.replaced_serves
    assert names(tmp_path) == [ASIDE, "ledger.db", "ledger.lock"]
    assert entries(tmp_path / "ledger.db") == 4
    assert entries(tmp_path / ASIDE) == 6
    assert verify(tmp_path, KEY).head == done.head
    assert copy.read_bytes() == before
    with pytest.raises(LedgerError) as caught:
        opened()
    assert caught.value.reason == "copy"


def test_a_sound_ledger_that_holds_as_much_is_not_replaced_by_accident(
    copy: Path, opened: Open, tmp_path: Path
) -> None:
    before = files(tmp_path)
    with pytest.raises(ConfigError) as caught:
        restore(copy, tmp_path, KEY)
    assert caught.value.reason == "older_copy"
    assert files(tmp_path) == before
    opened(tmp_path).close()  # it serves as before
    put_back(copy, tmp_path, KEY)
    restore(copy, tmp_path, KEY)  # in the place of a copy, which serves nobody anyway


def test_a_copy_put_in_place_by_hand_serves_nobody_either(copy: Path, opened: Open, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(copy.read_bytes())
    with pytest.raises(LedgerError) as caught:
        opened()
    assert caught.value.reason == "copy"
    assert holds_copy(tmp_path / "ledger.db", KEY)


def test_a_ledger_that_was_replaced_does_not_serve_when_somebody_puts_it_back(
    copy: Path, opened: Open, tmp_path: Path
) -> None:
    """Else two epochs would serve, and only the city could tell."""
    done = put_back(copy, tmp_path, KEY)
    assert holds_copy(Path(done.replaced), KEY)
    assert verify(Path(done.replaced), KEY).ok
    (tmp_path / "ledger.db").write_bytes(Path(done.replaced).read_bytes())
    with pytest.raises(LedgerError) as caught:
        opened()
    assert caught.value.reason == "copy"


@pytest.mark.parametrize("error", [LedgerFull("SQLITE_FULL"), ConfigError("journal_mode", reason="engine_setting")])
def test_a_disk_that_fails_after_the_exchange_leaves_the_restore_done_and_says_what_still_serves(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: PosError
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "mark_copy", fails)
    done = put_back(copy, tmp_path, KEY)
    assert (done.entries, done.replaced_entries, done.replaced_ok) == (4, 6, True)
    assert done.replaced_serves
    assert entries(Path(done.replaced)) == 6


def test_a_copy_of_a_copy_is_one(copy: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    put_back(copy, tmp_path, KEY)
    assert holds_copy(Path(back_up(tmp_path / "ledger.db", KEY, tmp_path_factory.mktemp("second")).path), KEY)


def test_a_plain_copy_of_the_file_becomes_one_when_it_is_restored(
    copy: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = tmp_path_factory.mktemp("image") / "ledger.db"
    image.write_bytes((tmp_path / "ledger.db").read_bytes())
    assert not holds_copy(image, KEY)
    assert put_back(image, tmp_path, KEY).entries == 6
    assert holds_copy(tmp_path / "ledger.db", KEY)
    assert not holds_copy(image, KEY)


def test_a_replaced_ledger_can_be_put_back_without_a_loss(copy: Path, tmp_path: Path) -> None:
    done = put_back(copy, tmp_path, KEY)
    again = put_back(Path(done.replaced), tmp_path, KEY)
    assert again.entries == 6
    assert again.replaced.endswith("replaced-2.db")
    assert holds_copy(tmp_path / "ledger.db", KEY)


def test_the_copy_is_read_like_any_ledger(copy: Path, tmp_path: Path) -> None:
    put_back(copy, tmp_path, KEY)
    with LedgerFile(tmp_path / "ledger.db", KEY) as held:
        assert held.stock() == {"B5": 100, "T10": 100}
        assert held.leases("F0001", Period("2026-11"))[0].spent == 0
        assert held.head().unsent == 4


def test_debits_that_the_copy_cannot_tell_are_counted(
    ledger: SqlLedger, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ledger.write() as uow:
        for asked in (attempt("A1"), attempt("A2")):
            uow.append(AttemptOpened(asked.id, asked.family, asked.card.last4, asked.amount, asked.intent()))
            uow.open_attempt(asked)
        uow.settle_attempt("A2", AttemptState.DECLINED)
        uow.append(AttemptSettled("A2", "declined", "51"))
    copied = Path(ledger.back_up(tmp_path_factory.mktemp("stick")).path)
    ledger.close()
    assert put_back(copied, tmp_path, KEY).in_doubt == 1


def test_a_directory_without_a_ledger_takes_any_copy_under_its_key(copy: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    done = put_back(copy, fresh, KEY)
    assert (done.replaced, done.entries) == ("", 4)
    assert names(fresh) == ["ledger.db", "ledger.lock"]


# --- refused, and nothing changed --------------------------------------------------------------------------------


def files(folder: Path) -> dict[str, bytes]:
    """What is in a directory, but for what a reader may leave beside a ledger."""
    passing = ("ledger.lock", "ledger.db-shm", "ledger.db-wal")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in passing}


def refused(copy: Path, data_dir: Path, key: bytes = KEY) -> PosError:
    before = files(data_dir)
    with pytest.raises((LedgerError, ConfigError)) as caught:
        put_back(copy, data_dir, key)
    assert files(data_dir) == before
    return caught.value


def test_while_the_till_runs_nothing_is_restored(copy: Path, opened: Open, tmp_path: Path) -> None:
    running = opened()
    assert isinstance(refused(copy, tmp_path), LedgerBusy)
    assert running.read().head().seq == 6


def test_a_copy_that_was_touched_is_not_restored(copy: Path, tmp_path: Path) -> None:
    connection = connect(copy, KEY)
    connection.execute("UPDATE stock SET packs = 7")
    connection.close()
    assert refused(copy, tmp_path).reason == "verify"


def test_a_damaged_page_is_found(copy: Path, tmp_path: Path) -> None:
    body = bytearray(copy.read_bytes())
    body[len(body) // 2] ^= 1
    copy.write_bytes(body)
    assert isinstance(refused(copy, tmp_path), LedgerCorrupt)


def test_a_copy_under_another_key_is_not_restored(copy: Path, tmp_path: Path) -> None:
    assert isinstance(refused(copy, tmp_path, bytes(32)), LedgerKeyWrong)


def test_a_copy_of_no_kiosk_is_not_restored(
    empty: SqlLedger, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copied = Path(empty.back_up(tmp_path_factory.mktemp("stick")).path)
    empty.close()
    assert refused(copied, tmp_path).reason == "no_identity"


@pytest.mark.parametrize("permille", [0, 1, 20, 500, 990, 999])
def test_a_copy_that_was_cut_off_is_not_restored(copy: Path, tmp_path: Path, permille: int) -> None:
    """The stick was pulled while somebody copied the copy."""
    body = copy.read_bytes()
    copy.write_bytes(body[: len(body) * permille // 1000])
    assert isinstance(refused(copy, tmp_path), LedgerError)
    assert entries(tmp_path / "ledger.db") == 6


def test_a_copy_of_a_newer_version_is_not_restored(copy: Path, tmp_path: Path) -> None:
    connection = connect(copy, KEY)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    assert isinstance(refused(copy, tmp_path), LedgerTooNew)


def test_a_copy_of_an_ended_epoch_does_not_replace_the_sound_ledger_of_the_next(
    copy: Path, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored twice from one copy: the second time there is a ledger that may hold what nobody else does."""
    import msgspec

    from tests.integration.ledger import kiosk

    monkeypatch.setattr(kiosk, "IDENTITY", msgspec.structs.replace(kiosk.IDENTITY, epoch=2))
    next_epoch = tmp_path / "next"
    next_epoch.mkdir()
    other = opened(next_epoch, create=True)
    enrol(other)
    other.close()
    assert refused(copy, next_epoch).reason == "ended_epoch"
    assert not holds_copy(next_epoch / "ledger.db", KEY)
    connection = connect(next_epoch / "ledger.db", KEY)
    connection.execute("INSERT INTO stock VALUES ('B5', 7)")
    connection.close()
    assert put_back(copy, next_epoch, KEY).epoch == 1  # the one in place is not sound: an old copy may be all there is


def test_a_copy_of_the_next_epoch_knows_more_however_few_entries_it_has(
    ledger: SqlLedger, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kiosk went on elsewhere; the machine of before still has the ledger that it left behind."""
    import msgspec

    from tests.integration.ledger import kiosk

    before = ledger.read().head().seq
    ledger.close()
    monkeypatch.setattr(kiosk, "IDENTITY", msgspec.structs.replace(kiosk.IDENTITY, epoch=2))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = opened(elsewhere, create=True)
    enrol(other)
    later = Path(other.back_up(elsewhere).path)
    other.close()
    done = restore(later, tmp_path, KEY)
    assert (done.epoch, done.replaced_epoch, done.replaced_entries) == (2, 1, before)
    assert done.entries < before


def test_another_kiosk_s_copy_is_not_put_in_the_place_of_this_one_s(
    copy: Path, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import msgspec

    from tests.integration.ledger import kiosk

    neighbour = tmp_path / "neighbour"
    neighbour.mkdir()
    monkeypatch.setattr(kiosk, "IDENTITY", msgspec.structs.replace(kiosk.IDENTITY, device="EW-0002"))
    other = opened(neighbour, create=True)
    enrol(other)
    other.close()
    assert refused(copy, neighbour).reason == "other_kiosk"


def test_a_newer_ledger_in_place_is_left_alone(copy: Path, tmp_path: Path) -> None:
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("PRAGMA user_version = 9")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    with pytest.raises(LedgerTooNew):
        put_back(copy, tmp_path, KEY)
    assert names(tmp_path) == ["ledger.db", "ledger.lock"]


def test_a_directory_that_cannot_be_used_is_named(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "restoring-x").write_text("in the way")
    assert refused(copy, tmp_path).reason == "data_dir"


# --- a ledger in place that cannot be read -----------------------------------------------------------------------


def test_an_unreadable_ledger_is_kept_as_it_is_with_its_log(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a ledger" * 400)
    (tmp_path / "ledger.db-wal").write_bytes(b"nor a log")
    done = put_back(copy, tmp_path, KEY)
    assert (done.replaced_entries, done.replaced_ok, done.replaced_serves) == (-1, False, False)
    assert names(tmp_path) == [ASIDE, f"{ASIDE}-wal", "ledger.db", "ledger.lock"]
    assert (tmp_path / ASIDE).read_bytes() == b"not a ledger" * 400
    assert (tmp_path / f"{ASIDE}-wal").read_bytes() == b"nor a log"
    assert verify(tmp_path, KEY).ok


def test_a_ledger_in_place_that_does_not_verify_is_kept_and_said(copy: Path, tmp_path: Path) -> None:
    connection = connect(tmp_path / "ledger.db", KEY)
    connection.execute("UPDATE stock SET packs = 7")
    connection.close()
    done = put_back(copy, tmp_path, KEY)
    assert (done.replaced_entries, done.replaced_ok) == (6, False)


def test_a_log_that_cannot_be_brought_home_is_kept_beside_its_ledger(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledger.db-wal").write_bytes(b"a log")

    def damaged(*_: object) -> None:
        raise LedgerError("SQLITE_IOERR", reason="io")

    monkeypatch.setattr(module, "_make_whole", damaged)
    done = put_back(copy, tmp_path, KEY)
    assert (done.replaced_entries, done.replaced_ok, done.replaced_serves) == (6, False, True)
    assert (tmp_path / f"{ASIDE}-wal").read_bytes() == b"a log"


def die_serving(data_dir: Path) -> None:
    """A till that dies: its last entry is in the log only."""
    code = (
        "import os, pathlib, sys\n"
        "from ewarung_pos.ledger.database import open_ledger\n"
        "from tests.integration.ledger.kiosk import KEY, ToldClock, rice, serve\n"
        "ledger = open_ledger(pathlib.Path(sys.argv[1]), KEY, ToldClock())\n"
        "with ledger.write() as uow:\n"
        "    serve(uow, 'F0003', rice(1))\n"
        "os._exit(9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, os.fspath(data_dir)], cwd=ROOT, check=False)
    assert died.returncode == 9
    assert (data_dir / "ledger.db-wal").stat().st_size > 0


def test_what_the_log_held_is_in_the_ledger_that_is_kept(copy: Path, tmp_path: Path) -> None:
    die_serving(tmp_path)
    assert put_back(copy, tmp_path, KEY).replaced_entries == 7
    assert entries(tmp_path / ASIDE) == 7


LOG = "ledger-EW-0001-1-log-1.db-wal"


def test_a_log_whose_file_is_gone_is_kept_and_named(copy: Path, tmp_path: Path) -> None:
    """It may hold what was acknowledged and is nowhere else: beside its file, found again, it tells."""
    die_serving(tmp_path)
    log = (tmp_path / "ledger.db-wal").read_bytes()
    lost = (tmp_path / "ledger.db").rename(tmp_path / "lost")
    done = put_back(copy, tmp_path, KEY)
    assert (done.replaced, done.log) == ("", os.fspath(tmp_path / LOG))
    assert (tmp_path / LOG).read_bytes() == log
    assert entries(tmp_path / "ledger.db") == 4
    found = tmp_path / "found"
    found.mkdir()
    lost.rename(found / "ledger.db")
    (found / "ledger.db-wal").write_bytes(log)
    assert entries(found / "ledger.db") == 7


@pytest.mark.parametrize("size", [0, 1])
def test_a_log_is_written_over_no_other_and_an_empty_one_is_none(copy: Path, tmp_path: Path, size: int) -> None:
    (tmp_path / LOG).write_bytes(b"an earlier one")
    (tmp_path / "ledger.db").unlink()
    (tmp_path / "ledger.db-wal").write_bytes(bytes(size))
    done = put_back(copy, tmp_path, KEY)
    assert (tmp_path / LOG).read_bytes() == b"an earlier one"
    assert Path(done.log).name == (LOG.replace("-1.db", "-2.db") if size else "")
    assert put_back(copy, tmp_path, KEY).log == ""


# --- power cuts and full disks -----------------------------------------------------------------------------------


class _CutError(Exception):
    """The power failed here."""


def cut_before(number: int, work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do `work` and die before that change of a name; whether it came so far."""
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **more: object) -> object:
            nonlocal count
            count += 1
            if count == number:
                raise _CutError
            return real(*arguments, **more)

        return step

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", counted(os.link))
        patched.setattr(Path, "replace", counted(Path.replace))
        patched.setattr(Path, "unlink", counted(Path.unlink))
        patched.setattr(module, "sync_directory", counted(sync_directory))
        try:
            work()
        except _CutError:
            return True
    return False


def test_a_power_cut_at_any_step_leaves_the_old_file_or_the_new_one(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dies before each change of a name; given once more, the restore is as if nothing had been."""
    seen = set()
    for step in range(1, 40):
        place = tmp_path / f"till-{step}"
        place.mkdir()
        (place / "ledger.db").write_bytes((tmp_path / "ledger.db").read_bytes())
        cut = cut_before(step, lambda at=place: put_back(copy, at, KEY), monkeypatch)  # type: ignore[misc]
        report = verify(place, KEY)
        assert report.ok
        assert holds_copy(place / "ledger.db", KEY) is (report.entries == 4)
        seen.add(report.entries)
        if report.entries == 4:
            assert entries(place / ASIDE) == 6
        else:
            put_back(copy, place, KEY)
            assert [name for name in names(place) if "replaced" in name] == [ASIDE]
        if not cut:
            break
    assert (seen, step > 5) == ({4, 6}, True)


def test_a_power_cut_at_any_step_loses_no_log_without_its_file(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(1, 40):
        place = tmp_path / f"till-{step}"
        place.mkdir()
        (place / "ledger.db-wal").write_bytes(b"a log")
        cut = cut_before(step, lambda at=place: put_back(copy, at, KEY), monkeypatch)  # type: ignore[misc]
        assert b"a log" in [file.read_bytes() for file in place.glob("*-wal")]
        put_back(copy, place, KEY)
        assert [name for name in names(place) if "-log-" in name] == [LOG]
        if not cut:
            break
    assert step > 3


def test_an_archive_of_nobody_s_ledger_is_not_made(opened: Open, tmp_path: Path) -> None:
    opened(create=True).close()
    with pytest.raises(LedgerCorrupt):
        retire(tmp_path, KEY, tmp_path / "nothing.db")


def test_a_power_cut_while_the_epoch_ends_leaves_the_copy_or_the_new_ledger(
    copy: Path, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for step in range(1, 40):
        place = tmp_path / f"till-{step}"
        for folder in (place, place / "next"):
            folder.mkdir()
        put_back(copy, place, KEY)
        opened(place / "next", create=True).close()
        cut = cut_before(step, lambda at=place: retire(at, KEY, at / "next" / "ledger.db"), monkeypatch)  # type: ignore[misc]
        held = entries(place / "ledger.db")
        seen.add(held)
        if held == 0:
            assert entries(place / "epochs" / "ledger-EW-0001-1.db") == 4
        else:
            assert holds_copy(place / "ledger.db", KEY)
        if not cut:
            break
    assert (seen, step > 5) == ({0, 4}, True)


@pytest.mark.parametrize("room", [0, 16 * 1024])
def test_without_room_the_old_ledger_stays(copy: Path, tmp_path: Path, room: int) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises((LedgerError, ConfigError)) as caught:
            put_back(copy, tmp_path, KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not isinstance(caught.value, LedgerCorrupt)
    assert names(tmp_path) == ["ledger.db", "ledger.lock"]
    assert entries(tmp_path / "ledger.db") == 6


def test_a_full_disk_while_the_ledger_in_place_is_read_stops_the_restore(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LedgerFull("SQLITE_FULL")

    monkeypatch.setattr(module, "_make_whole", full)
    with pytest.raises(LedgerFull):
        put_back(copy, tmp_path, KEY)
    assert entries(tmp_path / "ledger.db") == 6


# --- the new epoch in the place of the copy ----------------------------------------------------------------------


def test_the_copy_becomes_the_archive_of_its_epoch(copy: Path, opened: Open, tmp_path: Path) -> None:
    for number in ("", "-2"):
        put_back(copy, tmp_path, KEY)
        (tmp_path / "next").mkdir(exist_ok=True)
        opened(tmp_path / "next", create=True).close()
        kept = retire(tmp_path, KEY, tmp_path / "next" / "ledger.db")
        assert kept == tmp_path / "epochs" / f"ledger-EW-0001-1{number}.db"
        assert entries(kept) == 4
        fresh = opened()
        assert fresh.read().head().seq == 0
        fresh.close()


def test_an_archive_that_cannot_be_kept_leaves_the_copy(copy: Path, opened: Open, tmp_path: Path) -> None:
    put_back(copy, tmp_path, KEY)
    (tmp_path / "epochs").write_text("in the way")
    (tmp_path / "next").mkdir()
    opened(tmp_path / "next", create=True).close()
    with pytest.raises(ConfigError) as caught:
        retire(tmp_path, KEY, tmp_path / "next" / "ledger.db")
    assert caught.value.reason == "data_dir"
    assert entries(tmp_path / "ledger.db") == 4


def test_the_key_of_an_archive_is_that_of_its_data_directory(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledger.key").write_text(KEY.hex())
    (tmp_path / "ledger.key").chmod(0o600)
    (tmp_path / "epochs").mkdir()
    archive = tmp_path / "epochs" / "ledger-EW-0001-1.db"
    archive.write_bytes(copy.read_bytes())
    assert key_for(archive).secret == key_for(tmp_path / "ledger.db").secret == KEY
    assert verify(archive).ok
    monkeypatch.chdir(archive.parent)
    assert verify(Path(archive.name)).ok
    with pytest.raises(ConfigError) as caught:
        verify(copy)
    assert caught.value.reason == "no_key"
