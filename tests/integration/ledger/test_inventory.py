"""What a ledger says of itself, beside a running till: whose data it holds, and what the file is like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ewarung_pos.domain.timeline import CityTime, Instant
from ewarung_pos.errors import LedgerKeyWrong
from ewarung_pos.ledger.anatomy import anatomy
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.inventory import take_inventory
from ewarung_pos.ledger.keys import key_of
from tests.integration.ledger.kiosk import ToldClock
from tests.till_kit import START_MS, TillKit, till_kit

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


def test_a_wrong_key_is_said(kit: TillKit) -> None:
    (kit.data_dir / "ledger.key").write_text("ff" * 32)
    for look in (lambda: take_inventory(kit.data_dir, NOW), lambda: anatomy(kit.data_dir)):
        with pytest.raises(LedgerKeyWrong):
            look()
