"""What a ledger says of itself, beside a running till: whose data it holds, and what the file is like."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from ewarung_pos.domain.breach import breach_csv, breach_paper
from ewarung_pos.domain.documents import text_lines
from ewarung_pos.domain.timeline import CityTime, Instant
from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerKeyWrong
from ewarung_pos.ledger import inventory, key_passphrase
from ewarung_pos.ledger.anatomy import anatomy
from ewarung_pos.ledger.backup import complete, copy_ledger
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.engine import PAGE_BYTES, connect
from ewarung_pos.ledger.forward import DRAFT, brought_forward
from ewarung_pos.ledger.inventory import take_inventory
from ewarung_pos.ledger.keys import Tier, key_of, make_key
from ewarung_pos.ledger.lock import LOCK_FILE, InstanceLock
from tests.integration.ledger.kiosk import ToldClock
from tests.till_kit import START_MS, TillKit, till_kit

pytestmark = pytest.mark.usefixtures("own_drafts")

NOW = Instant(START_MS)


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[TillKit]:
    (tmp_path / "ledger.key").write_text("00" * 32)
    (tmp_path / "ledger.key").chmod(0o600)
    kit = till_kit(tmp_path, families=12)
    yield kit
    kit.ledger.close()


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """A ledger before its first entry."""
    folder = tmp_path / "new"
    folder.mkdir()
    open_ledger(folder, key_of(folder, create=True).secret, ToldClock(), create=True).close()
    return folder


def test_a_till_names_every_family_it_holds_and_since_when(kit: TillKit) -> None:
    with kit.ledger.write() as uow:
        uow.heard_city(CityTime(START_MS - 5, START_MS, 0, "boot-1"))
    held = take_inventory(kit.data_dir, NOW)
    assert {(family.key, family.name, family.nik_masked, family.last4) for family in held.families} == {
        (family.key, family.name, family.nik_masked, family.card.last4) for family in kit.families
    }
    assert [family.name for family in held.families] == sorted(family.name for family in kit.families)
    assert {(family.since, family.address) for family in held.families} == {
        ("2026-11", "Kel. Kauman, Kec. Semarang Tengah")
    }
    assert (held.device, held.kiosk, held.place) == ("EW-0001", "e-Warung Mawar", "Kel. Kauman")
    assert (held.key_tier, held.contact_ms, held.by_city, held.practice) == ("key_file", START_MS - 5, False, False)
    head = kit.ledger.read().head()
    assert (held.head_seq, held.head_hash) == (head.seq, head.hash)
    assert "Bu Siti" in " ".join(held.people)


def test_a_family_is_known_since_it_first_came_and_not_since_it_last_changed(kit: TillKit) -> None:
    from tests.unit.services.counter import DAY_MS, tell_city

    kit.clock.ms += 60 * DAY_MS
    tell_city(kit, *kit.families)
    assert {family.since for family in take_inventory(kit.data_dir, NOW).families} == {"2026-11"}


def test_a_family_whose_card_went_to_another_one_is_named_as_well(kit: TillKit) -> None:
    from tests.unit.services.counter import tell_city

    without, heir = kit.families[:2]
    tell_city(kit, msgspec.structs.replace(heir, card=without.card))
    held = {family.key: family for family in take_inventory(kit.data_dir, NOW).families}
    assert held.keys() == {family.key for family in kit.families}
    assert (held[without.key].name, held[without.key].card) == (without.name, "tanpa kartu")
    assert held[heir.key].card == f"**** {without.card.last4}"
    assert "tanpa kartu" in breach_csv(take_inventory(kit.data_dir, NOW))


def test_a_till_before_its_enrolment_holds_nobody(nobody: Path) -> None:
    held = take_inventory(nobody, NOW)
    assert (held.device, held.families, held.people, held.contact_ms, held.head_seq) == ("-", (), (), 0, 0)
    found = anatomy(nobody)
    assert (found["device"], found["epoch"], found["day"], found["head_seq"]) == ("", 0, "closed", 0)


def test_the_anatomy_counts_and_tells_nothing_of_anybody(kit: TillKit) -> None:
    kit.open_shop()
    found = anatomy(kit.data_dir)
    assert found["rows"]["register_family"] == 12
    assert found["entries"] == {"DayOpened": 1, "KioskEnrolled": 1, "StateReceived": 1, "StockReceived": 1}
    assert (found["device"], found["epoch"], found["day"]) == ("EW-0001", 1, "2026-11-24 open")
    assert found["guards_missing"] == []
    assert any("CREATE TABLE register_family" in sql for sql in found["schema"])
    text = json.dumps(found)
    for family in kit.families:
        for personal in (family.name, family.nik_masked, family.card.token, family.key):
            assert personal not in text


def test_a_ledger_that_lacks_a_table_is_told_as_such(kit: TillKit) -> None:
    kit.ledger.close()
    connection = connect(kit.data_dir / "ledger.db", bytes(32))
    connection.execute("ALTER TABLE city_state RENAME TO town_state")
    connection.close()
    with pytest.raises(LedgerCorrupt) as caught:
        anatomy(kit.data_dir)
    assert caught.value.reason == "schema"


def test_a_wrong_key_is_said(kit: TillKit) -> None:
    (kit.data_dir / "ledger.key").write_text("ff" * 32)
    for look in (lambda: take_inventory(kit.data_dir, NOW), lambda: anatomy(kit.data_dir)):
        with pytest.raises(LedgerKeyWrong):
            look()


# --- copies beside the ledger --------------------------------------------------------------------------------------


def test_who_left_the_register_is_still_named_by_a_copy_that_lies_about(kit: TillKit, tmp_path: Path) -> None:
    from tests.unit.services.counter import DAY_MS, tell_city

    gone, stays = kit.families[0], kit.families[1]
    stick = tmp_path / "stick"
    stick.mkdir()
    kit.ledger.back_up(stick)
    (stick / "ledger-of-another.db").write_bytes(b"noise" * 4000)
    kit.clock.ms += 60 * DAY_MS
    with kit.ledger.write() as uow:
        uow.forget_families((gone.key, stays.key))
    tell_city(kit, stays)
    here = {family.key: family.since for family in take_inventory(kit.data_dir, NOW).families}
    assert gone.key not in here
    assert here[stays.key] == "2027-01"
    held = take_inventory(kit.data_dir, NOW, copies=(stick, tmp_path / "not there")).families
    assert {family.key for family in held} == {family.key for family in kit.families}
    assert {family.since for family in held} == {"2026-11"}
    assert [family.name for family in held] == sorted(family.name for family in kit.families)
    next(stick.glob("ledger-EW-*.db")).rename(kit.data_dir / "ledger.db.schema-1")
    held = take_inventory(kit.data_dir, NOW).families
    assert {family.key for family in held} == {family.key for family in kit.families}


def test_a_copy_of_an_older_version_names_whom_it_holds(
    kit: TillKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: Callable[[str], None]
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    kit.ledger.back_up(stick)
    before = {file.name: file.read_bytes() for file in stick.iterdir()}
    with kit.ledger.write() as uow:
        uow.forget_families((kit.families[0].key,))
    second("op.add_column('register_family', sa.Column('village', sa.Text(), nullable=False, server_default='x'))")
    monkeypatch.setattr(inventory, "_FAMILIES", inventory._FAMILIES.replace("f.kelurahan,", "f.village,"))
    held = take_inventory(kit.data_dir, NOW, copies=(stick,))
    assert {family.key for family in held.families} == {family.key for family in kit.families}
    assert {family.address for family in held.families} == {"Kel. x, Kec. Semarang Tengah"}
    assert held.unread == 0
    assert {file.name: file.read_bytes() for file in stick.iterdir()} == before
    assert not list(Path(tempfile.gettempdir()).glob("ewarung-reading-*"))


def test_a_file_that_is_being_read_is_not_taken_for_one_that_was_left(
    kit: TillKit, tmp_path: Path, second: Callable[[str], None]
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    copied = Path(kit.ledger.back_up(stick).path)
    second("op.add_column('register_family', sa.Column('village', sa.Text(), nullable=False, server_default='x'))")
    with brought_forward(copied, bytes(32)) as read:
        read.write_bytes(read.read_bytes()[: 5 * PAGE_BYTES])  # as it is while it is being written
        assert take_inventory(kit.data_dir, NOW).unread == 0
        left = shutil.copytree(read.parent, read.parent.with_name(f"{DRAFT}left"))
        (left / LOCK_FILE).unlink()
        assert take_inventory(kit.data_dir, NOW).unread == 1


def test_a_copy_that_opens_and_cannot_be_read_is_counted(kit: TillKit, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    whole = Path(kit.ledger.back_up(stick).path)
    for name, statement in (
        ("newer.db", "PRAGMA user_version = 9"),
        ("odd.db", "ALTER TABLE register_card RENAME TO cards"),
        ("older-and-odd.db", "PRAGMA user_version = 0"),
    ):
        shutil.copy(whole, stick / name)
        connection = connect(stick / name, bytes(32))
        connection.execute(statement)
        if "older" in name:
            connection.execute("DROP TABLE alembic_version")
        complete(connection)
        connection.close()
    (stick / "of-another.db").write_bytes(os.urandom(20 * PAGE_BYTES))
    (stick / "no-ledger.db").write_bytes(b"x")
    held = take_inventory(kit.data_dir, NOW, copies=(stick,))
    assert held.unread == 3
    assert len(held.families) == 12
    said = "\n".join(text_lines(breach_paper(held), 80))
    assert "3 berkas salinan tidak terbaca" in said


@pytest.mark.parametrize(
    "left", [".ledger.db.copying-ab/ledger.db", "restoring-ab/ledger.db", "ledger.db.upgrade", "ledger.db.new"]
)
@pytest.mark.parametrize("where", ["data", "stick"])
def test_what_a_copy_left_that_was_cut_off_names_whom_it_holds(
    kit: TillKit, tmp_path: Path, left: str, where: str
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    draft = {"data": kit.data_dir, "stick": stick}[where] / left
    draft.parent.mkdir(exist_ok=True)
    copy_ledger(kit.data_dir / "ledger.db", draft, bytes(32))
    with kit.ledger.write() as uow:
        uow.forget_families((kit.families[0].key,))
    assert len(take_inventory(kit.data_dir, NOW, copies=(stick,)).families) == 12
    if "-ab/" in left:
        with lock_of(draft.parent):
            held = take_inventory(kit.data_dir, NOW, copies=(stick,))
        assert (len(held.families), held.unread) == (11, 0), "one under way is left alone"


@contextmanager
def lock_of(folder: Path) -> Iterator[None]:
    lock = InstanceLock(folder / "ledger.lock")
    yield
    lock.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_draft_on_a_stick_that_turned_read_only_names_whom_it_holds(kit: TillKit, tmp_path: Path) -> None:
    """Its lock cannot be taken, but not because somebody holds it."""
    stick = tmp_path / "stick"
    draft = stick / ".ledger.db.copying-ab"
    draft.mkdir(parents=True)
    copy_ledger(kit.data_dir / "ledger.db", draft / "ledger.db", bytes(32))
    InstanceLock(draft / "ledger.lock").release()
    with kit.ledger.write() as uow:
        uow.forget_families((kit.families[0].key,))
    subprocess.run(["mount", "--bind", stick, stick], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", stick], check=True)
        with pytest.raises(ConfigError):
            InstanceLock(draft / "ledger.lock")
        held = take_inventory(kit.data_dir, NOW, copies=(stick,))
    finally:
        subprocess.run(["umount", stick], check=True)
    assert (len(held.families), held.unread) == (12, 0)


_HALF = """
import os, sys
from pathlib import Path
from ewarung_pos.ledger.engine import connect
source = connect(Path(sys.argv[1]), bytes(32), query_only=True)
target = connect(Path(sys.argv[2]), bytes(32), create=True)
source.backup(target, pages=5, progress=lambda *_: os._exit(9))
"""


def test_half_a_copy_is_counted(kit: TillKit, tmp_path: Path) -> None:
    """Its pages can be read by whoever has the key, though SQLite takes none of them for committed."""
    draft = tmp_path / ".ledger.db.copying-ab"
    draft.mkdir()
    words = [sys.executable, "-c", _HALF, str(kit.data_dir / "ledger.db"), str(draft / "ledger.db")]
    assert subprocess.run(words, check=False).returncode == 9
    held = take_inventory(kit.data_dir, NOW)
    assert (len(held.families), held.unread) == (12, 1)


def test_what_an_enrolment_left_opens_under_its_own_key(kit: TillKit) -> None:
    draft = kit.data_dir / "enrolling-ab"
    (draft / "other").mkdir(parents=True)
    other = till_kit(draft / "other", families=14)
    other.ledger.close()
    shutil.move(draft / "other" / "ledger.db", draft / "ledger.db")
    rekeyed = connect(draft / "ledger.db", bytes(32))
    rekeyed.execute(f"PRAGMA rekey = \"x'{'77' * 32}'\"")
    complete(rekeyed)
    rekeyed.close()
    assert take_inventory(kit.data_dir, NOW).unread == 1
    (draft / "ledger.key").write_text("77" * 32)
    (draft / "ledger.key").chmod(0o600)
    held = take_inventory(kit.data_dir, NOW)
    assert (len(held.families), held.unread) == (14, 0)


def test_a_draft_of_this_report_itself_counts(kit: TillKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    left = tmp_path / "temporary" / "ewarung-reading-ab"
    left.mkdir(parents=True)
    copy_ledger(kit.data_dir / "ledger.db", left / "ledger.db", bytes(32))
    with kit.ledger.write() as uow:
        uow.forget_families((kit.families[0].key,))
    assert len(take_inventory(kit.data_dir, NOW).families) == 12


def test_a_passphrase_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_passphrase, "MEMORY_KIB", 64)
    monkeypatch.setattr(key_passphrase, "PASSES", 1)
    key = make_key(tmp_path, Tier.PASSPHRASE, lambda _: "beras lima kilo, minyak dua")
    open_ledger(tmp_path, key.secret, ToldClock(), create=True).close()
    for look in (lambda ask: take_inventory(tmp_path, NOW, ask), lambda ask: anatomy(tmp_path, ask)):
        with pytest.raises(ConfigError) as caught:
            look(None)
        assert caught.value.reason == "no_passphrase"
        look(lambda _: "beras lima kilo, minyak dua")
