"""The ladder of keys: each rung gives back what it holds, says what is wrong with it, and is left without a gap."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count, product
from pathlib import Path

import pytest

from ewarung_pos.errors import ConfigError, LedgerBusy, LedgerKeyWrong, PosError
from ewarung_pos.ledger import key_file, key_passphrase, key_store, key_tpm
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.key_passphrase import Question
from ewarung_pos.ledger.keys import (
    DESCRIPTOR_FILE,
    KEY_FILE,
    LedgerKey,
    Tier,
    best_tier,
    destroy_key,
    key_of,
    left_over,
    make_key,
    rekey,
    unavailable,
)
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from tests.integration.ledger.key_kit import KEEP_NOTHING, MemoryStore, software_tpm, use_store
from tests.integration.ledger.kiosk import ToldClock

PASSPHRASE = "beras lima kilo, minyak dua"
COST = (key_passphrase.MEMORY_KIB, key_passphrase.PASSES)
WRAPPED = (Tier.TPM, Tier.OS_STORE, Tier.PASSPHRASE)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short path for a socket, and a TPM that is not there."""
    with tempfile.TemporaryDirectory(prefix="ew-") as name:
        monkeypatch.setenv("EWARUNG_TCTI", f"swtpm:path={name}/none")
        yield Path(name)


@pytest.fixture
def tpm(away: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A software TPM; the folder of its state."""
    with software_tpm(away / "tpm") as tcti:
        monkeypatch.setenv("EWARUNG_TCTI", tcti)
        yield away / "tpm"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    held = MemoryStore()
    use_store(monkeypatch, *KEEP_NOTHING, held)
    return held


@pytest.fixture(autouse=True)
def stretching_costs_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not the thing tested."""
    monkeypatch.setattr(key_passphrase, "MEMORY_KIB", 64)
    monkeypatch.setattr(key_passphrase, "PASSES", 1)


class Person:
    """Gives these answers in turn, and remembers what she was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []

    def __call__(self, question: Question) -> str:
        self.asked.append(question)
        if not self.answers:
            raise ConfigError(reason="no_passphrase")
        return self.answers.pop(0)


def knows(question: Question) -> str:
    return PASSPHRASE


def reason(work: Callable[[], object]) -> str:
    with pytest.raises(PosError) as caught:
        work()
    assert PASSPHRASE not in str(caught.value)
    return f"{caught.value.code}.{caught.value.reason}"


def kiosk(folder: Path, tier: Tier) -> LedgerKey:
    """A ledger whose key is on this rung."""
    folder.mkdir(exist_ok=True)
    key = make_key(folder, tier, knows)
    open_ledger(folder, key.secret, ToldClock(), create=True).close()
    return key


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith("ledger.db")} - {LOCK_FILE}


# -- what every rung does ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", WRAPPED)
def test_a_rung_gives_back_what_it_holds(tier: Tier, tmp_path: Path, tpm: Path, store: MemoryStore) -> None:
    key = kiosk(tmp_path, tier)
    assert (len(key.secret), len(key.pepper), key.tier) == (32, 32, tier)
    assert key.pepper != key.derived
    assert key_of(tmp_path, knows) == key
    open_ledger(tmp_path, key_of(tmp_path, knows).secret, ToldClock()).close()
    assert names(tmp_path) == {DESCRIPTOR_FILE}
    assert stat.S_IMODE((tmp_path / DESCRIPTOR_FILE).stat().st_mode) == 0o600
    written = (tmp_path / DESCRIPTOR_FILE).read_text()
    assert json.loads(written)["held"]["tier"] == tier
    assert not any(secret.hex() in written for secret in (key.secret, key.pepper))
    assert not any(secret.hex() in repr(key) for secret in (key.secret, key.pepper))


def test_two_ledgers_share_no_secret(tmp_path: Path, store: MemoryStore) -> None:
    one, other = kiosk(tmp_path / "a", Tier.OS_STORE), kiosk(tmp_path / "b", Tier.OS_STORE)
    assert len({one.secret, one.pepper, other.secret, other.pepper}) == 4


@pytest.mark.parametrize("tier", list(Tier))
def test_a_key_is_made_once(tier: Tier, tmp_path: Path, tpm: Path, store: MemoryStore) -> None:
    kiosk(tmp_path, tier)
    assert reason(lambda: make_key(tmp_path, tier, knows)) == "config.enrolled"
    for name in names(tmp_path):
        (tmp_path / name).unlink()
    assert reason(lambda: make_key(tmp_path, tier, knows)) == "config.enrolled"  # the ledger is there
    assert key_store.available() == ""
    assert reason(lambda: key_of(tmp_path, knows, create=True)) == "config.no_key"


@pytest.mark.parametrize("tier", WRAPPED)
def test_a_key_file_is_not_made_beside_another_rung(tier: Tier, tmp_path: Path, tpm: Path, store: MemoryStore) -> None:
    key = make_key(tmp_path, tier, knows)
    assert key_of(tmp_path, knows, create=True) == key
    assert names(tmp_path) == {DESCRIPTOR_FILE}


def test_the_best_rung_is_the_highest_that_is_there(
    away: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_store(monkeypatch, *KEEP_NOTHING)
    assert best_tier(with_person=False) is Tier.KEY_FILE
    assert best_tier(with_person=True) is Tier.PASSPHRASE
    monkeypatch.setenv("EWARUNG_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    assert best_tier(with_person=False) is Tier.PASSPHRASE
    use_store(monkeypatch, MemoryStore())
    assert best_tier(with_person=True) is Tier.OS_STORE
    with software_tpm(away / "tpm") as tcti:
        monkeypatch.setenv("EWARUNG_TCTI", tcti)
        assert best_tier(with_person=True) is Tier.TPM
    assert unavailable(Tier.PASSPHRASE) == unavailable(Tier.KEY_FILE) == ""


@pytest.mark.parametrize("tier", [Tier.TPM, Tier.OS_STORE])
def test_a_rung_that_is_not_there_makes_no_key(
    tier: Tier, away: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_store(monkeypatch, *KEEP_NOTHING)
    assert unavailable(tier)
    assert reason(lambda: make_key(tmp_path, tier)) == "config.key_rung"
    assert names(tmp_path) == set()


def test_a_rung_that_gives_something_else_back_is_not_trusted(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "get_password", lambda service, entry: "ab" * 32)
    assert reason(lambda: make_key(tmp_path, Tier.OS_STORE)) == "config.key_rung"
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.update(version=2),
        lambda held: held.update(box="00" * 80),
        lambda held: held.update(box="zz"),
        lambda held: held["held"].update(tier="stone"),
        lambda held: held["held"].update(facts={}),
        lambda held: held["held"]["facts"].update(more="x"),
    ],
)
def test_a_descriptor_that_was_touched_opens_nothing(
    change: Callable[[dict[str, object]], None], tmp_path: Path, store: MemoryStore
) -> None:
    make_key(tmp_path, Tier.OS_STORE)
    file = tmp_path / DESCRIPTOR_FILE
    held = json.loads(file.read_text())
    change(held)
    file.write_text(json.dumps(held))
    assert reason(lambda: key_of(tmp_path)) == "ledger_key_wrong.descriptor"


def test_a_descriptor_that_others_can_read_is_refused(tmp_path: Path, store: MemoryStore) -> None:
    make_key(tmp_path, Tier.OS_STORE)
    (tmp_path / DESCRIPTOR_FILE).chmod(0o644)
    assert reason(lambda: key_of(tmp_path)) == "config.key_exposed"


def test_a_key_that_was_destroyed_opens_nothing(tmp_path: Path, store: MemoryStore) -> None:
    """The file that held it is written over before it goes, and a copy of the descriptor is worth nothing."""
    kiosk(tmp_path, Tier.OS_STORE)
    copy = (tmp_path / DESCRIPTOR_FILE).read_bytes()
    destroy_key(tmp_path)
    assert (names(tmp_path), store.entries) == (set(), {})
    key_file.put(tmp_path / DESCRIPTOR_FILE, copy)
    assert reason(lambda: key_of(tmp_path)) == "ledger_key_wrong.store_empty"


def test_a_key_file_is_written_over_before_it_goes(tmp_path: Path) -> None:
    key = make_key(tmp_path, Tier.KEY_FILE)
    os.link(tmp_path / KEY_FILE, tmp_path / "watched")
    (tmp_path / f"{KEY_FILE}.0123abcd").write_text("what a power cut left")
    destroy_key(tmp_path)
    assert names(tmp_path) == {"watched"}
    assert (tmp_path / "watched").read_bytes() == bytes(64)
    assert len(key.secret.hex()) == 64


def test_a_folder_that_is_not_there_holds_no_key(tmp_path: Path) -> None:
    assert reason(lambda: make_key(tmp_path / "none", Tier.KEY_FILE)) == "config.data_dir"


# -- the pepper --------------------------------------------------------------------------------------------------------


def test_the_pepper_of_a_lone_key_is_derived_as_rfc_5869_says(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = make_key(tmp_path, Tier.KEY_FILE)
    expected = HKDF(SHA256(), 32, None, b"ewarung-pos pin pepper v1").derive(key.secret)
    assert key.pepper == key.derived == expected
    assert key.peppers == (expected,)


# -- TPM ---------------------------------------------------------------------------------------------------------------


def test_the_tpm_opens_after_a_restart_of_the_machine(
    away: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with software_tpm(away / "tpm") as tcti:
        monkeypatch.setenv("EWARUNG_TCTI", tcti)
        key = kiosk(tmp_path, Tier.TPM)
        for _ in range(5):  # nothing stays loaded in the chip: three objects would fill it
            assert key_of(tmp_path) == key
    assert reason(lambda: key_of(tmp_path)) == "config.tpm_missing"
    with software_tpm(away / "tpm"):
        assert key_of(tmp_path) == key
    shutil.rmtree(away / "tpm")
    with software_tpm(away / "tpm"):
        assert reason(lambda: key_of(tmp_path)) == "ledger_key_wrong.tpm_refused"


def test_a_tpm_that_was_cleared_opens_nothing_and_no_other_rung_is_tried(
    tpm: Path, store: MemoryStore, tmp_path: Path
) -> None:
    kiosk(tmp_path, Tier.TPM)
    key_file.write(tmp_path, bytes(32))
    subprocess.run(["tpm2_clear", "-Q", "--tcti", os.environ["EWARUNG_TCTI"]], check=True)
    assert reason(lambda: key_of(tmp_path, knows)) == "ledger_key_wrong.tpm_refused"


def test_a_tpm_that_asks_for_the_owners_password_does_not_seal(tpm: Path, tmp_path: Path) -> None:
    tcti = os.environ["EWARUNG_TCTI"]
    subprocess.run(["tpm2_changeauth", "-Q", "-c", "owner", "rahasia", "--tcti", tcti], check=True)
    assert reason(lambda: make_key(tmp_path, Tier.TPM)) == "config.key_rung"


def test_a_machine_without_the_tools_or_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EWARUNG_TCTI", "TPM2TOOLS_TCTI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(key_tpm, "DEVICE", str(tmp_path / "tpmrm0"))
    assert "tpmrm0 is not there" in key_tpm.available()
    monkeypatch.setenv("TPM2TOOLS_TCTI", "swtpm:path=/nowhere")
    assert key_tpm.available() == "the TPM does not answer"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert key_tpm.available() == "tpm2-tools is not installed"


def test_a_tool_that_cannot_be_started_or_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "tpm2_unseal"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o700)
    slow = tmp_path / "tpm2_getcap"
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    monkeypatch.setenv("EWARUNG_TCTI", "swtpm")
    assert key_tpm.available() == "the TPM does not answer"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 5\n")
    slow.chmod(0o700)
    monkeypatch.setattr(key_tpm, "_SECONDS", 0.05)
    assert key_tpm.available() == "the TPM does not answer"


# -- the system's store ------------------------------------------------------------------------------------------------


def test_stores_that_keep_no_secret_are_never_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither by themselves nor because the library is configured for one."""
    use_store(monkeypatch, *reversed(KEEP_NOTHING))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    assert unavailable(Tier.OS_STORE)
    assert not any(name.startswith(("keyring.backends.null", "keyring.backends.fail")) for name in key_store.ACCEPTED)


def test_a_store_that_is_locked_says_so(store: MemoryStore, tmp_path: Path) -> None:
    key = kiosk(tmp_path, Tier.OS_STORE)
    store.locked = True
    assert reason(lambda: key_of(tmp_path)) == "config.store_locked"
    assert reason(lambda: make_key(tmp_path / "other", Tier.OS_STORE)) == "config.key_rung"
    store.locked = False
    assert key_of(tmp_path) == key


def test_a_store_that_is_gone_or_forgot(store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk(tmp_path, Tier.OS_STORE)
    store.entries.clear()
    assert reason(lambda: key_of(tmp_path)) == "ledger_key_wrong.store_empty"
    use_store(monkeypatch, *KEEP_NOTHING)
    assert reason(lambda: key_of(tmp_path)) == "config.store_missing"


_ON_A_REAL_BUS = """
import pathlib, sys
from ewarung_pos.ledger.keys import Tier, best_tier, destroy_key, key_of, make_key, unavailable
folder = pathlib.Path(sys.argv[1])
assert unavailable(Tier.OS_STORE) == "", unavailable(Tier.OS_STORE)
key = make_key(folder, Tier.OS_STORE)
assert key_of(folder) == key
print((folder / "ledger.key.json").read_text())
destroy_key(folder)
from keyring.backends.SecretService import Keyring
print([item.get_label() for item in Keyring().get_preferred_collection().get_all_items()])
"""


def test_the_secret_service_of_a_desktop(tmp_path: Path) -> None:
    """A session bus and a keyring daemon of their own, with the real library between."""
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir(0o700)
    data.mkdir()
    script = (
        "printf rahasia | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1\n"
        f'"{sys.executable}" -c "$CODE" "{data}"\n'
    )
    surroundings = {
        **os.environ,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "CODE": _ON_A_REAL_BUS,
    }
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script],
        env=surroundings,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written, left = done.stdout.rsplit("\n", 2)[:2]
    assert json.loads(written)["held"]["facts"]["store"] == "secret-service"
    assert left == "[]"


# -- the passphrase ----------------------------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_asked_for_again(tmp_path: Path) -> None:
    key = kiosk(tmp_path, Tier.PASSPHRASE)
    person = Person("salah", "salah lagi", PASSPHRASE)
    assert key_of(tmp_path, person) == key
    assert person.asked == [Question.OPEN, Question.WRONG, Question.WRONG]
    assert reason(lambda: key_of(tmp_path, Person("salah"))) == "config.no_passphrase"
    assert reason(lambda: key_of(tmp_path)) == "config.no_passphrase"


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    assert reason(lambda: make_key(tmp_path, Tier.PASSPHRASE, Person("123456789"))) == "config.short_passphrase"
    assert names(tmp_path) == set()


def test_a_passphrase_out_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "passphrase"
    file.touch(0o600)
    file.write_text(f"{PASSPHRASE}\r\nanother line\n")
    monkeypatch.setenv("EWARUNG_PASSPHRASE_FILE", str(file))
    folder = tmp_path / "kiosk"
    folder.mkdir()
    key = make_key(folder, Tier.PASSPHRASE)
    nobody = Person()
    assert key_of(folder, nobody) == key
    assert nobody.asked == []
    file.write_text("something else\n")
    assert reason(lambda: key_of(folder, nobody)) == "ledger_key_wrong.passphrase"
    file.chmod(0o640)
    assert reason(lambda: key_of(folder)) == "config.key_exposed"
    monkeypatch.delenv("EWARUNG_PASSPHRASE_FILE")
    assert key_of(folder, knows) == key


def test_the_same_letters_are_the_same_passphrase(tmp_path: Path) -> None:
    """One keyboard writes é as one sign, another as e and an accent."""
    key = make_key(tmp_path, Tier.PASSPHRASE, Person("caf\u00e9 caf\u00e9 caf\u00e9"))
    assert key_of(tmp_path, Person("cafe\u0301 cafe\u0301 cafe\u0301")) == key


def test_the_cost_of_a_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost is written down and held to: 64 MiB, three passes, four lanes."""
    monkeypatch.setattr(key_passphrase, "MEMORY_KIB", COST[0])
    monkeypatch.setattr(key_passphrase, "PASSES", COST[1])
    make_key(tmp_path, Tier.PASSPHRASE, knows)
    facts = json.loads((tmp_path / DESCRIPTOR_FILE).read_text())["held"]["facts"]
    assert (facts["memory_kib"], facts["passes"], facts["lanes"]) == ("65536", "3", "4")
    assert len(bytes.fromhex(facts["salt"])) == 16


@pytest.mark.parametrize("cost", [{"memory_kib": "99999999"}, {"passes": "0"}, {"lanes": "99"}, {"lanes": "x"}])
def test_a_cost_that_no_version_wrote_is_not_paid(cost: dict[str, str], tmp_path: Path) -> None:
    make_key(tmp_path, Tier.PASSPHRASE, knows)
    file = tmp_path / DESCRIPTOR_FILE
    held = json.loads(file.read_text())
    held["held"]["facts"].update(cost)
    file.write_text(json.dumps(held))
    assert reason(lambda: key_of(tmp_path, knows)) == "ledger_key_wrong.descriptor"


# -- from one rung to another ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), list(product(Tier, Tier)))
def test_a_ledger_moves_from_any_rung_to_any(
    before: Tier, after: Tier, tmp_path: Path, tpm: Path, store: MemoryStore
) -> None:
    old = kiosk(tmp_path, before)
    written = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    entries = set(store.entries)
    new = rekey(tmp_path, after, knows)
    assert (new.secret, new.tier) == (old.secret, after)
    assert key_of(tmp_path, knows) == new
    open_ledger(tmp_path, new.secret, ToldClock()).close()
    assert names(tmp_path) == {KEY_FILE if after is Tier.KEY_FILE else DESCRIPTOR_FILE}
    assert not left_over(tmp_path)
    assert not entries & set(store.entries)
    # A pepper of its own is kept: PINs are hashed with it. One that anybody with the key could derive is replaced.
    assert (new.pepper == old.pepper) == (before is not Tier.KEY_FILE or after is Tier.KEY_FILE)
    assert old.pepper in new.peppers
    if before is after is not Tier.KEY_FILE:
        assert written != {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}


def test_a_pepper_of_its_own_stays_through_a_key_file(tmp_path: Path, store: MemoryStore) -> None:
    first = kiosk(tmp_path, Tier.OS_STORE)
    assert rekey(tmp_path, Tier.KEY_FILE).pepper == first.pepper
    assert rekey(tmp_path, Tier.OS_STORE).pepper == first.pepper


def test_a_till_that_runs_is_not_rekeyed(tmp_path: Path, store: MemoryStore) -> None:
    key = kiosk(tmp_path, Tier.KEY_FILE)
    running = open_ledger(tmp_path, key.secret, ToldClock())
    try:
        with pytest.raises(LedgerBusy):
            rekey(tmp_path, Tier.OS_STORE)
    finally:
        running.close()
    assert key_of(tmp_path) == key


def test_a_key_that_does_not_open_the_ledger_is_not_moved(tmp_path: Path, store: MemoryStore) -> None:
    kiosk(tmp_path, Tier.KEY_FILE)
    key_file.write(tmp_path, bytes(32))
    with pytest.raises(LedgerKeyWrong):
        rekey(tmp_path, Tier.OS_STORE)
    assert (names(tmp_path), store.entries) == ({KEY_FILE}, {})


def test_a_rung_that_cannot_be_had_leaves_the_old_one(tmp_path: Path, away: Path, store: MemoryStore) -> None:
    key = kiosk(tmp_path, Tier.OS_STORE)
    assert reason(lambda: rekey(tmp_path, Tier.TPM)) == "config.key_rung"
    assert reason(lambda: rekey(tmp_path, Tier.PASSPHRASE, Person("short"))) == "config.short_passphrase"
    assert key_of(tmp_path) == key


def test_another_ledgers_key_file_is_not_touched(tmp_path: Path, store: MemoryStore) -> None:
    key = kiosk(tmp_path, Tier.OS_STORE)
    key_file.write(tmp_path, bytes(32))
    assert key_of(tmp_path) == key
    assert reason(lambda: rekey(tmp_path, Tier.KEY_FILE)) == "config.key_rung"
    assert key_file.read(tmp_path) == bytes(32)
    (tmp_path / KEY_FILE).write_text("not a key")
    assert key_of(tmp_path) == key
    assert (tmp_path / KEY_FILE).read_text() == "not a key"


@pytest.mark.parametrize("after", [Tier.KEY_FILE, Tier.PASSPHRASE])
def test_what_a_locked_store_holds_is_destroyed_once_it_opens(
    after: Tier, tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk(tmp_path, Tier.OS_STORE)
    monkeypatch.setattr(key_store, "forget", lambda facts: False)
    key = rekey(tmp_path, after, knows)
    assert left_over(tmp_path)
    assert key_of(tmp_path, knows) == key
    assert len(store.entries) == 1
    monkeypatch.undo()
    use_store(monkeypatch, store)
    store.locked = True
    assert key_of(tmp_path, knows) == key
    assert left_over(tmp_path)
    store.locked = False
    assert key_of(tmp_path, knows) == key
    assert (left_over(tmp_path), store.entries) == (False, {})


def test_a_store_that_is_not_there_is_asked_later(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk(tmp_path, Tier.OS_STORE)
    facts = json.loads((tmp_path / DESCRIPTOR_FILE).read_text())["held"]["facts"]
    use_store(monkeypatch)
    assert not key_store.forget(facts)
    use_store(monkeypatch, store)
    assert key_store.forget(facts)
    assert key_store.forget(facts)  # gone is gone


def test_what_is_left_over_waits_while_the_ledger_is_in_use(tmp_path: Path, store: MemoryStore) -> None:
    """A rekey under way looks the same as one that was cut off."""
    key = kiosk(tmp_path, Tier.OS_STORE)
    key_file.write(tmp_path, key.secret)
    lock = InstanceLock(tmp_path / LOCK_FILE)
    try:
        assert key_of(tmp_path) == key
        assert names(tmp_path) == {DESCRIPTOR_FILE, KEY_FILE}
    finally:
        lock.release()
    assert key_of(tmp_path) == key
    assert names(tmp_path) == {DESCRIPTOR_FILE}


class _PowerCut(BaseException):
    pass


def _cut_at(step: int, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> Callable[[], bool]:
    """Power fails before (or just after) the n-th thing that reaches a disk or a store; tells whether it came to it."""
    steps = count()
    failed: list[int] = []

    def cut(real: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **named: object) -> object:
            if failed:
                raise _PowerCut
            now = next(steps) == step
            if now:
                failed.append(step)
            if now and not after:
                raise _PowerCut
            done = real(*arguments, **named)
            if now:
                raise _PowerCut
            return done

        return wrapped

    for owner, name in (
        (os, "write"),
        (os, "fsync"),
        (Path, "replace"),
        (Path, "unlink"),
        (MemoryStore, "set_password"),
        (MemoryStore, "delete_password"),
    ):
        monkeypatch.setattr(owner, name, cut(getattr(owner, name)))
    return lambda: bool(failed)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("old", "new"), [pair for pair in product(Tier, Tier) if Tier.TPM not in pair and set(pair) != {Tier.KEY_FILE}]
)
def test_power_may_fail_at_any_moment_of_a_rekey(
    old: Tier, new: Tier, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in count():
        folder, store = tmp_path / str(step), MemoryStore()
        with monkeypatch.context() as context:
            use_store(context, store)
            key = kiosk(folder, old)
            with context.context() as cut:
                failed = _cut_at(step, cut, after=after)
                ended = True
                try:
                    rekey(folder, new, knows)
                except _PowerCut:
                    ended = False
            opened = key_of(folder, knows)
            assert opened.secret == key.secret
            assert opened.tier in (old, new)
            assert key.pepper in opened.peppers
            # However it ended, one wrapping is in force, and the next opening has removed every other.
            assert not left_over(folder)
            assert names(folder) == {KEY_FILE if opened.tier == Tier.KEY_FILE else DESCRIPTOR_FILE}
            if opened.tier == old:
                assert rekey(folder, new, knows).secret == key.secret
        if not failed():
            assert ended
            break
    assert step > 3
