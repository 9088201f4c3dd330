"""The command `export`: beside a running till, with the documented exit codes, and whole or not there at any death."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.kit import other_connection, refused, run, said, surroundings
from tests.till_kit import TillKit, till_kit

pytestmark = pytest.mark.system

CHECKER = Path(__file__).resolve().parents[2] / "tools" / "check_ledger.py"

# The till's own program, killed without warning at the so-many-th call of one function of the system.
DIES = """
import os, signal, sys
from ewarung_pos.__main__ import main
real, left = os.{name}, [{after}]
def dying(*words, **more):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*words, **more)
os.{name} = dying
main(sys.argv[1:])
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[TillKit]:
    """A till that is open in this process while the command works beside it."""
    folder = tmp_path / "kiosk"
    folder.mkdir()
    kit = till_kit(folder, families=2)
    (folder / "ledger.key").write_text("00" * 32)
    (folder / "ledger.key").chmod(0o600)
    kit.open_shop()
    yield kit
    kit.ledger.close()


def export(kit: TillKit, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run("export", str(out), "--data-dir", str(kit.data_dir), *more)


def checked(out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(out)], check=False, capture_output=True, text=True, timeout=60
    )


def test_a_running_till_is_exported_for_anyone_to_check(running: TillKit, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = export(running, out, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    head = running.ledger.read().head()
    assert (told["first_seq"], told["last_seq"], told["head"]) == (1, head.seq, head.hash)
    assert said(out)["head"] == head.hash
    assert checked(out).returncode == 0
    later = tmp_path / "later.jsonl"
    plain = export(running, later, "--from", "3")
    assert plain.returncode == 0
    assert "catatan 3 sampai 4" in plain.stdout
    assert checked(later).returncode == 0


def test_wrong_use_is_said_and_changes_nothing(running: TillKit, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("a report of mine")
    assert "tidak pernah menimpa" in refused(export(running, out), 2)
    assert out.read_text() == "a report of mine"
    refused(export(running, tmp_path / "new.jsonl", "--from", "99"), 2)
    refused(export(running, tmp_path / "gone" / "new.jsonl"), 2)
    refused(run("export", str(tmp_path / "new.jsonl"), "--data-dir", str(tmp_path / "nowhere")), 2)
    assert not list(tmp_path.glob("new.jsonl*"))


def test_a_broken_ledger_is_not_exported(running: TillKit, tmp_path: Path) -> None:
    with other_connection(running.data_dir) as connection:
        connection.execute("DROP TRIGGER guard_ledger_entry_update")
        connection.execute("UPDATE ledger_entry SET prev_hash = zeroblob(32) WHERE seq = 3")
    assert "verify" in refused(export(running, tmp_path / "out.jsonl"), 1)
    assert not list(tmp_path.glob("out.jsonl*"))


def test_an_export_that_was_touched_is_named_by_verify(running: TillKit, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    export(running, out)
    out.write_bytes(out.read_bytes().replace(b'"SJ-1"', b'"SJ-2"'))
    done = run("verify", str(out))
    assert done.returncode == 1
    assert "Catatan pertama yang salah: nomor 4" in done.stdout
    assert checked(out).returncode == 1
    out.write_bytes(out.read_bytes().rpartition(b'{"commodities"')[0].replace(b'"SJ-2"', b'"SJ-1"'))
    cut = run("verify", str(out))
    assert cut.returncode == 1
    assert "Yang salah bukan sebuah catatan" in cut.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(("name", "after"), [("fsync", 1), ("fsync", 2), ("rename", 1)])
def test_a_killed_export_is_whole_or_not_there(running: TillKit, tmp_path: Path, name: str, after: int) -> None:
    """At the file's own sync, at the folder's (the name is there by then, and so is all of the file), at the rename."""
    out = tmp_path / "out.jsonl"
    words = ["export", str(out), "--data-dir", str(running.data_dir)]
    done = subprocess.run(
        [sys.executable, "-c", DIES.format(name=name, after=after), *words],
        check=False,
        capture_output=True,
        timeout=60,
        env=surroundings(),
    )
    assert done.returncode == -signal.SIGKILL
    named = (name, after) == ("fsync", 2)
    assert out.exists() is named
    if not named:
        assert export(running, out).returncode == 0
    assert checked(out).returncode == 0
