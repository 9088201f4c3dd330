"""Names leave the till when their time is over; what the families received stays, and the chain stays whole."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import msgspec
import pytest

from ewarung_pos.devices.durable import next_numbered
from ewarung_pos.devices.old_papers import drop_papers
from ewarung_pos.domain.journal import AttemptOpened, RegisterPurged, StateReceived
from ewarung_pos.domain.timeline import CityTime
from ewarung_pos.ledger.engine import connect
from ewarung_pos.ledger.register import FAMILIES, digest_of
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ports import Declined, Unknown
from ewarung_pos.services.retention import RetentionService
from ewarung_pos.services.reverse import ReversalReason
from tests.till_kit import TillKit
from tests.unit.services.counter import DAY_MS, RICE, begin, buy, facts, pay, purse, ration, reopened, serve, tell_city

YEAR_MS = 366 * DAY_MS


def heard(kit: TillKit, ms: int) -> None:
    with kit.ledger.write() as uow:
        uow.heard_city(CityTime(ms, kit.clock.ms, 0, "boot-1"))


def purged(kit: TillKit, months: int = 12) -> RegisterPurged | None:
    entry = RetentionService(kit.ledger, months).purge()
    if entry is None:
        return None
    assert isinstance(entry.fact, RegisterPurged)
    return entry.fact


def raw(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("ledger.db*"))


def test_after_a_year_nobody_is_known_by_name_and_every_receipt_is_there(shop: TillKit) -> None:
    serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))
    buy(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    (token,) = (family.card.token for family in shop.families if family.name == "TUKINAH")
    heard(shop, shop.clock.ms + YEAR_MS + 31 * DAY_MS)
    assert b"SRI WAHYUNI" in raw(shop.data_dir)
    everybody = tuple(sorted(family.key for family in shop.families))
    assert purged(shop) == RegisterPurged(everybody, (), 12, shop.clock.ms + YEAR_MS + 31 * DAY_MS)
    reader = shop.ledger.read()
    assert reader.families() == ()
    assert [(row.name, row.receipt) for row in reader.history(None)] == [("", 2), ("", 1)]
    assert reader.visit(token, reader.history(None)[0].date.period()).family is None
    assert purged(shop) is None, "once is enough"
    shop.ledger.close()
    left = raw(shop.data_dir)
    for family in shop.families:
        for personal in (family.name, family.nik_masked, family.card.token):
            assert personal.encode() not in left, "still in a page of the file"
    assert verify(shop.data_dir, encrypted=False).ok


@pytest.mark.parametrize("ended", ["paid", "declined", "voided"])
def test_of_a_debit_stays_what_the_journal_says_and_nothing_else_can_be_put_there(shop: TillKit, ended: str) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    if ended == "declined":
        shop.redeem.conclude(attempt.id, Declined("51", "insufficient"), "siti")
    done = None if ended == "declined" else pay(shop, attempt)
    if ended == "voided" and done is not None:
        attempt, original = shop.reverse.begin_void(done.entry.id, ReversalReason.WRONG_AMOUNT, "siti", "yuni")
        shop.reverse.conclude(attempt.id, msgspec.structs.replace(original, approval="V1"), "siti")
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    purged(shop)
    held = shop.ledger.read().attempt(attempt.id)
    assert held is not None
    assert held == held.forgotten()
    assert (held.card.token, held.basket.lines, held.lines, held.programme) == ("", (), (), "")
    assert (held.kind, held.amount, held.operator) == ("void" if ended == "voided" else "sale", 29_000, "siti")
    assert verify(shop.data_dir, encrypted=False).problems == ()
    hand = connect(shop.data_dir / "ledger.db", None)
    for change in ({"kind": "other"}, {"amount": 1}, {"operator": "yuni"}, {"leader": "yuni"}, {"opened_ms": 7}):
        body = msgspec.json.encode(msgspec.structs.replace(held, **change))
        hand.execute("UPDATE attempt SET body = ? WHERE id = ?", (body, attempt.id))
        assert [problem.what for problem in verify(shop.data_dir, encrypted=False).problems] == ["paperwork"]
    hand.close()


@pytest.mark.parametrize("back", ["all of it", "its basket", "its card"])
def test_what_a_purge_took_from_a_debit_cannot_be_put_back(shop: TillKit, back: str) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    pay(shop, attempt)
    whole = shop.ledger.read().attempt(attempt.id)
    assert whole is not None
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    purged(shop)
    bare = whole.forgotten()
    puts = {
        "all of it": whole,
        "its basket": msgspec.structs.replace(bare, basket=whole.basket, lines=whole.lines),
        "its card": msgspec.structs.replace(bare, card=whole.card),
    }
    assert verify(shop.data_dir, encrypted=False).problems == ()
    hand = connect(shop.data_dir / "ledger.db", None)
    body = msgspec.json.encode(puts[back])
    hand.execute("UPDATE attempt SET opened_ms = ?, body = ? WHERE id = ?", (puts[back].opened_ms, body, attempt.id))
    hand.close()
    assert [problem.what for problem in verify(shop.data_dir, encrypted=False).problems] == ["paperwork"]


def test_a_purge_that_left_a_debit_as_it_was_is_found(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    shop.redeem.conclude(attempt.id, Declined("51", "insufficient"), "siti")
    with shop.ledger.write() as uow:
        uow.execute("DELETE FROM register_card WHERE family = ?", (attempt.family,))
        uow.execute("DELETE FROM register_family WHERE key = ?", (attempt.family,))
        uow.append(RegisterPurged((attempt.family,), (), 12, shop.clock.ms))
    (problem,) = verify(shop.data_dir, encrypted=False).problems
    assert (problem.what, "left with its family" in problem.detail) == ("paperwork", True)


def test_a_debit_that_ended_after_its_family_was_back_is_whole(shop: TillKit) -> None:
    family = next(family for family in shop.families if family.name == "SUMINAH")
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    purged(shop)
    tell_city(shop, family, cursor=3)
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    shop.redeem.conclude(attempt.id, Declined("51", "insufficient"), "siti")
    assert verify(shop.data_dir, encrypted=False).problems == ()
    held = shop.ledger.read().attempt(attempt.id)
    assert held is not None
    hand = connect(shop.data_dir / "ledger.db", None)
    bare = held.forgotten()
    hand.execute(
        "UPDATE attempt SET opened_ms = ?, body = ? WHERE id = ?",
        (bare.opened_ms, msgspec.json.encode(bare), attempt.id),
    )
    hand.close()
    assert [problem.what for problem in verify(shop.data_dir, encrypted=False).problems] == ["paperwork"]


def test_a_list_of_names_goes_by_the_same_months(shop: TillKit, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    kept = ["pdp-EW-0001-20261124-0900.csv", "struk-000001.pdf", "pdp-EW-0001-20250101-0900.txt"]
    for name in (*kept, "pdp-EW-0001-20251031-0900.csv", "pdp-EW-0001-20251031-0900.pdf"):
        (papers / name).write_bytes(b"x")
    (papers / "pdp-EW-0001-20240101-0900.csv").mkdir()  # whatever cannot be removed keeps nobody
    service = RetentionService(shop.ledger, 12, partial(drop_papers, tmp_path))
    assert service.purge() is None
    assert len(list(papers.iterdir())) == 6, "the city never told the time"
    heard(shop, shop.clock.ms)
    assert service.purge() is None
    assert sorted(file.name for file in papers.iterdir() if file.is_file()) == sorted(kept)
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    assert service.purge() is not None
    assert not (papers / kept[0]).exists()
    RetentionService(shop.ledger, 12, partial(drop_papers, tmp_path / "not there")).purge()


def test_papers_go_by_the_same_months_so_that_they_do_not_fill_the_disk(shop: TillKit, tmp_path: Path) -> None:
    written = {"print/000001.bin": -13, "print/000002.bin": -11, "papers/struk-1.pdf": -13, "papers/struk-2.pdf": -11}
    for name, months in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
        at = shop.clock.ms // 1000 + months * 31 * DAY_MS // 1000
        os.utime(tmp_path / name, (at, at))
    heard(shop, shop.clock.ms)
    assert RetentionService(shop.ledger, 12, partial(drop_papers, tmp_path)).purge() is None
    left = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.glob("*/*"))
    assert left == ["papers/struk-2.pdf", "print/000002.bin"]
    assert next_numbered(tmp_path / "print", ".bin", b"y").name == "000003.bin"


def test_the_kiosk_s_own_clock_removes_nobody(shop: TillKit) -> None:
    shop.clock.ms += 3 * YEAR_MS
    assert purged(shop) is None, "the city never told the time"
    heard(shop, shop.clock.ms - 3 * YEAR_MS)
    assert purged(shop) is None
    assert len(shop.ledger.read().families()) == 12


def told_of(kit: TillKit) -> set[str]:
    """Every digest of a family that the journal holds."""
    return {
        digest
        for fact in facts(kit)
        if isinstance(fact, StateReceived)
        for kind, _, digest in fact.items
        if kind == "family"
    }


def test_whom_the_journal_was_of_nobody_finds_out_by_guessing(shop: TillKit) -> None:
    """With the ledger, its keys, and everything that anybody can know of the family."""
    tell_city(shop, shop.families[0])
    hand = connect(shop.data_dir / "ledger.db", None)
    rows = hand.execute(FAMILIES).fetchall()
    hand.close()
    key = shop.ledger.read().secret("card_key") or b""
    digests = {row[0]: digest_of(key, "family", *row) for row in rows}
    assert set(digests.values()) < told_of(shop), "one was told twice, each time with a salt of its own"
    known = {digest_of(key, "family", *(value for value in row if not isinstance(value, bytes))) for row in rows}
    assert not known & told_of(shop)
    salts = [value for row in rows for value in row if isinstance(value, bytes)]
    assert {len(salt) for salt in salts} == {16}
    assert len(set(salts)) == len(rows) == 12
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    purged(shop)
    shop.ledger.close()
    left = raw(shop.data_dir)
    assert not any(salt in left for salt in salts), "still in a page of the file"
    assert verify(shop.data_dir, encrypted=False).problems == ()


@pytest.mark.parametrize("kind", ["sale", "void"])
def test_which_card_was_debited_nobody_finds_out_by_guessing(shop: TillKit, kind: str) -> None:
    attempt = begin(shop, shop.card("SUMINAH"), purse("telur-1", 1))
    done = pay(shop, attempt)
    if kind == "void":
        attempt, original = shop.reverse.begin_void(done.entry.id, ReversalReason.WRONG_AMOUNT, "siti", "yuni")
        shop.reverse.conclude(attempt.id, msgspec.structs.replace(original, approval="V1"), "siti")
    whole = shop.ledger.read().attempt(attempt.id)
    assert whole is not None
    told = {fact.intent for fact in facts(shop) if isinstance(fact, AttemptOpened)}
    assert whole.intent() in told
    assert len(bytes.fromhex(whole.salt)) == 16
    assert msgspec.structs.replace(whole, salt="").intent() not in told, "all but this can be guessed"
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    purged(shop)
    shop.ledger.close()
    assert whole.salt.encode() not in raw(shop.data_dir)


def test_who_moved_away_goes_at_the_end_of_the_month(shop: TillKit) -> None:
    here, gone = shop.families[0], shop.families[1]
    tell_city(shop, msgspec.structs.replace(gone, home="EW-0002"))
    heard(shop, shop.clock.ms)
    assert purged(shop) is None, "what is left of this month can still be had here"
    heard(shop, shop.clock.ms + 10 * DAY_MS)
    found = purged(shop)
    assert found is not None
    assert (found.expired, found.moved) == ((), (gone.key,))
    keys = {family.key for family in shop.ledger.read().families()}
    assert here.key in keys
    assert gone.key not in keys


def test_a_family_whose_card_went_to_another_one_goes_like_any_other(shop: TillKit) -> None:
    without, heir = shop.families[0], shop.families[1]
    tell_city(shop, msgspec.structs.replace(heir, card=without.card))
    assert verify(shop.data_dir, encrypted=False).problems == ()
    heard(shop, shop.clock.ms)
    assert purged(shop) is None, "its rights are not over"
    heard(shop, shop.clock.ms + YEAR_MS + 31 * DAY_MS)
    found = purged(shop)
    assert found is not None
    assert {without.key, heir.key} <= set(found.expired)
    shop.ledger.close()
    assert without.name.encode() not in raw(shop.data_dir)
    assert verify(shop.data_dir, encrypted=False).problems == ()


def test_a_card_that_somebody_took_away_is_found(shop: TillKit) -> None:
    """What a page of the city does is sound; the same by hand, or undone by hand, is not."""
    without, heir = shop.families[0], shop.families[1]
    hand = connect(shop.data_dir / "ledger.db", None)
    hand.execute("DELETE FROM register_card WHERE family = ?", (without.key,))
    assert [problem.detail.partition(":")[0] for problem in verify(shop.data_dir, encrypted=False).problems] == [
        "register_family"
    ]
    tell_city(shop, msgspec.structs.replace(heir, card=without.card))
    assert verify(shop.data_dir, encrypted=False).problems != (), "no page took this one away"
    tell_city(shop, without, msgspec.structs.replace(heir, card=without.card), cursor=3)
    assert verify(shop.data_dir, encrypted=False).problems == ()
    hand.execute("INSERT INTO register_card VALUES (?, ?, '0042', 'active')", ("ab" * 32, without.key))
    hand.close()
    assert [problem.detail.partition(":")[0] for problem in verify(shop.data_dir, encrypted=False).problems] == [
        "register_family"
    ]


def test_a_family_whose_debit_is_in_doubt_waits(shop: TillKit) -> None:
    attempt = begin(shop, shop.card("TUKINAH"), purse("telur-1", 1))
    shop.redeem.conclude(attempt.id, Unknown("no_answer"), "siti")
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    purged(shop)
    assert [family.name for family in shop.ledger.read().families()] == ["TUKINAH"]
    assert shop.ledger.read().open_attempts()[0].card == attempt.card


def test_a_family_comes_back_when_the_city_tells_of_it_again(shop: TillKit) -> None:
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    purged(shop)
    tell_city(shop, shop.families[1])
    assert [family.name for family in shop.ledger.read().families()] == ["SRI WAHYUNI"]
    serve(shop, shop.card("SRI WAHYUNI"), ration(RICE, 1))


def test_the_city_s_time_and_the_purge_outlive_a_restart(shop: TillKit) -> None:
    heard(shop, shop.clock.ms + 2 * YEAR_MS)
    shop.ledger.close()
    shop.ledger = reopened(shop.data_dir, shop.clock)
    assert purged(shop) is not None
    assert isinstance(facts(shop)[-1], RegisterPurged)


def test_a_ledger_without_an_identity_has_nobody_to_remove(tmp_path: Path, kit: TillKit) -> None:
    from ewarung_pos.ledger.database import open_ledger

    (tmp_path / "other").mkdir()
    empty = open_ledger(tmp_path / "other", bytes(32), kit.clock, create=True, encrypted=False)
    try:
        assert RetentionService(empty, 12).purge() is None
    finally:
        empty.close()
