"""Whoever holds the key can write anything; `verify` finds it and names the first entry that is wrong."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from ewarung_pos.domain.business_day import DayTotals
from ewarung_pos.domain.entitlement import Refusal
from ewarung_pos.domain.journal import (
    AttemptOpened,
    AttemptSettled,
    CardTyped,
    ClockStepped,
    ClosingBegun,
    ClosingCancelled,
    ComplaintRecorded,
    DayClosed,
    Entry,
    Fact,
    HardshipAllowed,
    OperatorChanged,
    PeriodClosed,
    PriceChanged,
    RedemptionRefused,
    RegisterPurged,
    SettingsChanged,
    StockAdjusted,
    StockCounted,
    Surrendered,
    canonical,
    decode,
    genesis,
    seal,
)
from ewarung_pos.domain.redemption import AttemptState, Tender
from ewarung_pos.domain.rights import Surrender
from ewarung_pos.domain.stock import CountLine, VarianceReason
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import ConfigError, LedgerCorrupt, LedgerKeyWrong
from ewarung_pos.ledger import guards
from ewarung_pos.ledger.database import SqlLedger
from ewarung_pos.ledger.engine import PAGE_BYTES, Connection, connect
from ewarung_pos.ledger.keys import KEY_FILE
from ewarung_pos.ledger.verify import verify
from ewarung_pos.ledger.verify_report import Problem, VerifyReport
from tests.altered import altered
from tests.integration.ledger.kiosk import (
    KEY,
    ToldClock,
    acknowledged,
    attempt,
    eggs,
    enrol,
    goods,
    granted,
    printed,
    rice,
    serve,
    signer,
    stock_up,
)
from tests.integration.ledger.test_units_of_work import debit, undo

DEVICE_KEY = bytes(31) + b"\1"
DEVICE = signer(DEVICE_KEY)


def fill(ledger: SqlLedger) -> None:
    """At least one entry of every kind, and a sealed day."""
    enrol(ledger, DEVICE_KEY)
    stock_up(ledger)
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1), eggs(2))
        printed(uow, entry)
        gone = serve(uow, "F0002", rice(1), eggs(1, Tender.PURSE), purse=debit(20_000))
        back = undo(uow, gone.id, void=debit(20_000))
        uow.queue_print("reversal", uow.append(back).id, back.receipt, 0, goods(*back.lines))
        serve(uow, "F0003", eggs(1, Tender.CASH))
        asked = attempt("A2")
        uow.open_attempt(asked)
        uow.settle_attempt("A2", AttemptState.DECLINED)
        uow.put_setting("theme", "dark")
        uow.put_setting("z_report", "1")
        plain: tuple[Fact, ...] = (
            RedemptionRefused("0009", "", (Refusal.UNKNOWN_CARD,)),
            AttemptOpened("A2", "F0001", "0001", 20_000, asked.intent()),
            AttemptSettled("A2", "declined", "51"),
            PriceChanged("B5", 65_000, 66_000),
            OperatorChanged("K1", "signed_in"),
            ComplaintRecorded("P-1", "mutu", "5a" * 32, anonymous=True),
            SettingsChanged("theme", "light", "dark"),
            RegisterPurged(("F0008",), ("F0009",), 12, 1_795_485_600_000),
            CardTyped("4821", "F0001", "kartu_rusak", "yuni"),
            ClockStepped(5),
            ClosingBegun(),
            ClosingCancelled(),
            ClosingBegun(),
            StockCounted((CountLine("B5", 99, 98),), closing=True),
            StockAdjusted((CountLine("B5", 99, 98, VarianceReason.LEAKED),), closing=True),
        )
        for fact in plain:
            uow.append(fact, "K1")
        uow.append(granted("R-1", "F0009", 5_000))
        uow.append(Surrendered((Surrender("F0009", "BPNT", "2026-11", "beras", Unit.GRAM, 1_000),), "asked"))
        uow.append(PeriodClosed("2026-10"))
        uow.append(HardshipAllowed(9, "C0123", "0009", "tanpa_sambungan", "yuni"), "K1")
        uow.append(acknowledged(uow, 5))
        head = uow.head()
        text = f"EW-0001|1|3|{head.seq}|{head.hash}".encode()
        closed = DayClosed(DayTotals(first_seq=3), (), None, head.hash, DEVICE.sign(text).hex(), 1)
        uow.queue_print("day_report", uow.append(closed, "K1").id, 0, 0, {})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from ewarung_pos.ledger.database import open_ledger

    directory = tmp_path_factory.mktemp("model")
    ledger = open_ledger(directory, KEY, ToldClock(), create=True)
    fill(ledger)
    ledger.close()
    return directory


@pytest.fixture
def directory(model: Path, tmp_path: Path) -> Path:
    """A copy of the filled ledger, to be tampered with."""
    shutil.copy(model / "ledger.db", tmp_path / "ledger.db")
    return tmp_path


@pytest.fixture
def tamper(directory: Path) -> Iterator[Connection]:
    """A connection of somebody who knows the key and has taken the guards away."""
    connection = connect(directory / "ledger.db", KEY)
    take_guards_away(connection)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    yield connection
    connection.close()


def take_guards_away(connection: Connection) -> None:
    for name in [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]:
        connection.execute(f"DROP TRIGGER {name}")


def look(directory: Path, tamper: Connection) -> VerifyReport:
    """What verify says when the guards were put back as if nothing had happened."""
    guards.install(tamper)
    try:
        return verify(directory, KEY)
    finally:
        take_guards_away(tamper)


KINDS = [kind.__name__ for kind in get_args(Fact)]


def test_a_sound_ledger_verifies(directory: Path) -> None:
    report = verify(directory, KEY)
    assert report.problems == ()
    assert report.ok
    assert (report.entries, report.device, report.epoch, report.sealed_days) == (30, "EW-0001", 1, 1)
    assert report.acked_seq == 5
    assert json.loads(msgspec.json.encode(report))["head"] == report.head
    assert verify(directory / "ledger.db", KEY) == report


def test_the_model_has_an_entry_of_every_kind(directory: Path) -> None:
    connection = connect(directory / "ledger.db", KEY, query_only=True)
    held = {row[0] for row in connection.execute("SELECT kind FROM ledger_entry")}
    connection.close()
    assert held == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_one_flipped_byte_in_an_entry_of_any_kind_is_found_and_named(
    directory: Path, tamper: Connection, kind: str
) -> None:
    seq, payload = tamper.execute(
        "SELECT seq, payload FROM ledger_entry WHERE kind = ? ORDER BY seq LIMIT 1", (kind,)
    ).fetchone()
    for place in (1, len(payload) // 2, len(payload) - 2):
        flipped = altered(payload, place)
        tamper.execute("UPDATE ledger_entry SET payload = ? WHERE seq = ?", (flipped, seq))
        report = look(directory, tamper)
        assert not report.ok
        assert report.first_bad_seq == seq
        assert Problem(seq, "hash") in report.problems
    tamper.execute("UPDATE ledger_entry SET payload = ? WHERE seq = ?", (payload, seq))
    assert look(directory, tamper).ok


@pytest.mark.parametrize(
    ("change", "seq", "what"),
    [
        ("UPDATE ledger_entry SET kind = 'Other' WHERE seq = 8", 8, "column"),
        ("UPDATE ledger_entry SET business_date = '2026-11-23' WHERE seq = 8", 8, "column"),
        ("UPDATE ledger_entry SET instant = instant + 1 WHERE seq = 8", 8, "column"),
        ("UPDATE ledger_entry SET family = 'F0003' WHERE seq = 5", 5, "column"),
        ("UPDATE ledger_entry SET receipt = 99 WHERE seq = 5", 5, "column"),
        ("UPDATE ledger_entry SET reverses = 5 WHERE seq = 8", 8, "column"),
        ("UPDATE ledger_entry SET id = 'x' WHERE seq = 8", 8, "column"),
        ("UPDATE ledger_entry SET hash = zeroblob(32) WHERE seq = 8", 8, "hash"),
        ("UPDATE ledger_entry SET prev_hash = zeroblob(32) WHERE seq = 8", 8, "prev_hash"),
        ("DELETE FROM ledger_entry WHERE seq = 8", 8, "gap"),
        ("DELETE FROM ledger_entry WHERE seq = 1", 1, "gap"),
        ("UPDATE goods_movement SET issued = replace(issued, '5000', '9000') WHERE seq = 5", 5, "projection"),
        ("DELETE FROM goods_movement WHERE seq = 5", 5, "projection"),
        ("INSERT INTO goods_movement VALUES (999, 'redeemed', '[]', '[]')", 999, "projection"),
        ("UPDATE goods_movement SET moved = replace(moved, '5000', '1') WHERE seq = 7", 7, "projection"),
        ("UPDATE goods_movement SET kind = 'received' WHERE seq = 7", 7, "projection"),
        ("UPDATE receipt_paper SET copy = 3", 6, "projection"),
        ("UPDATE identity SET device = 'EW-0002'", 1, "identity"),
        ("UPDATE identity SET epoch = 2", 1, "prev_hash"),
    ],
)
def test_a_change_of_any_column_or_row_is_found_and_named(
    directory: Path, tamper: Connection, change: str, seq: int, what: str
) -> None:
    tamper.execute(change)
    report = look(directory, tamper)
    assert report.first_bad_seq == seq
    assert what in [problem.what for problem in report.problems if problem.seq == seq]


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE lease SET granted = granted + 5000 WHERE family = 'F0001'", "lease"),
        ("UPDATE lease SET spent = 0", "lease"),
        ("DELETE FROM lease WHERE family = 'F0003'", "lease"),
        ("UPDATE stock SET packs = packs + 1 WHERE product = 'B5'", "stock"),
        ("INSERT INTO stock VALUES ('X', 1)", "stock"),
        ("UPDATE purse_credit SET amount = amount + 1 WHERE family = 'F0001'", "purse_credit"),
        ("UPDATE purse_spent SET spent = 0", "purse_spent"),
        ("UPDATE business_day SET state = 'open'", "business_day"),
        ("UPDATE business_day SET count = x'5b5d'", "business_day"),
        ("UPDATE city_state SET acked_seq = 7", "city_state"),
        ("UPDATE city_state SET cursor = 9", "city_state"),
    ],
)
def test_totals_that_the_entries_do_not_explain_are_found(
    directory: Path, tamper: Connection, change: str, table: str
) -> None:
    tamper.execute(change)
    assert Problem(0, "projection", table) in look(directory, tamper).problems


@pytest.mark.parametrize(
    ("change", "what", "detail"),
    [
        ("UPDATE print_job SET goods = '{}' WHERE id = 5000", "paperwork", "print_job: copy 0: not the paper"),
        ("UPDATE print_job SET done = 1 WHERE id = 7000", "paperwork", "print_job: copy 0: printed or not"),
        ("UPDATE print_job SET id = 6000 WHERE id = 5000", "paperwork", "print_job: a job that no entry explains"),
        ("UPDATE print_job SET id = 99000 WHERE id = 30000", "paperwork", "print_job: a job that no entry explains"),
        ("DELETE FROM print_job WHERE id = 5000", "paperwork", "print_job: more was printed"),
        ("UPDATE attempt SET state = 'pending'", "paperwork", "attempt: not in the state"),
        (
            "UPDATE attempt SET body = CAST(replace(body, 'B5', 'B9') AS BLOB)",
            "paperwork",
            "attempt: not as it was opened",
        ),
        (
            "UPDATE attempt SET body = CAST(json_set(CAST(body AS TEXT), '$.card.token', '') AS BLOB)",
            "paperwork",
            "attempt: not as it was opened",
        ),
        ("UPDATE attempt SET body = x'00'", "paperwork", "attempt: not readable"),
        ("UPDATE attempt SET body = x'ff'", "paperwork", "attempt: not readable"),
        ("DELETE FROM attempt", "paperwork", "attempt: missing"),
        ("INSERT INTO attempt SELECT 'X', state, date, opened_ms, body FROM attempt", "paperwork", "attempt: one that"),
        ("UPDATE register_family SET programmes = '[]'", "reference", "register_family: F0001"),
        ("UPDATE register_family SET salt = x'00' WHERE key = 'F0001'", "reference", "register_family: F0001"),
        ("UPDATE register_card SET status = 'blocked' WHERE last4 = '0001'", "reference", "register_family: F0001"),
        ("UPDATE register_card SET family = 'F9999' WHERE last4 = '0001'", "reference", "register_card: a card"),
        ("DELETE FROM register_family WHERE key = 'F0002'", "reference", "register_family: F0002: missing"),
        ("INSERT INTO operator VALUES ('L9', 'X', 'ketua', 'h', 1)", "reference", "operator: L9"),
        ("UPDATE city_state SET register_date = '2026-11-24'", "reference", "city_state: date"),
        ("UPDATE reference SET set_by = 'x'", "reference", "reference: catalogue: set by"),
        ("UPDATE reference SET body = x'00'", "reference", "reference: catalogue: not readable"),
        (
            "UPDATE reference SET body = x'7b22636f6d6d6f646974696573223a5b7b22636f6465223a22ff227d5d7d'",
            "reference",
            "reference: catalogue: not readable",
        ),
        ("UPDATE reference SET body = CAST(body || ' ' AS BLOB)", "reference", "reference: catalogue: written"),
        (
            "UPDATE reference SET body = CAST(replace(body, '66000', '65000') AS BLOB)",
            "reference",
            "reference: catalogue: a price",
        ),
        (
            "UPDATE reference SET body = CAST(replace(body, '20000', '10000') AS BLOB)",
            "reference",
            "reference: catalogue: not as",
        ),
        ("DELETE FROM reference", "reference", "reference: the catalogue is missing"),
        ("INSERT INTO pin_failure VALUES ('K1', 5)", "reference", "pin_failure: K1"),
        ("UPDATE setting SET value = '2' WHERE key = 'z_report'", "reference", "setting: z_report"),
        ("INSERT INTO setting VALUES ('attest_due', '2026-11-24')", "reference", "setting: 2026-11-24"),
        ("INSERT INTO setting VALUES ('attest_due', ',')", "reference", "setting: attest_due: not a list"),
        ("INSERT INTO setting VALUES ('copy', 'no')", "reference", "setting: copy: not as it was set"),
        ("UPDATE register_family SET since_ms = 1 WHERE key = 'F0003'", "reference", "register_family: F0003: here"),
        ("INSERT INTO setting VALUES ('clock', '{}')", "reference", "setting: clock"),
        ("INSERT INTO setting VALUES ('clock', 'x')", "reference", "setting: clock"),
        (
            """INSERT INTO setting VALUES ('clock', '{"city":null,"highest_ms":0,"accepted_ms":9}')""",
            "reference",
            "setting: clock",
        ),
        (
            """INSERT INTO setting VALUES ('clock', '{"city":null,"highest_ms":9,"accepted_ms":0}')""",
            "reference",
            "setting: clock",
        ),
        ("UPDATE secret SET value = zeroblob(32) WHERE name = 'device_key'", "reference", "secret: device_key"),
        ("DELETE FROM secret WHERE name = 'device_key'", "reference", "secret: device_key"),
        ("UPDATE secret SET value = zeroblob(32) WHERE name = 'city_key'", "reference", "secret: city_key"),
        ("DELETE FROM secret WHERE name = 'card_key'", "reference", "secret: card_key: missing"),
        ("INSERT INTO secret VALUES ('x', x'00')", "reference", "secret: x"),
        ("UPDATE identity SET practice = 1", "reference", "identity: not the kiosk"),
        ("DELETE FROM identity", "identity", "entries of nobody"),
        ("UPDATE alembic_version SET version_num = '0002'", "schema", "alembic_version"),
        ("PRAGMA user_version = 0", "schema", "schema 0"),
        ("CREATE TRIGGER x AFTER INSERT ON stock BEGIN SELECT 1; END", "schema", "x"),
        ("ALTER TABLE stock ADD COLUMN x INTEGER", "schema", "stock"),
        ("UPDATE purse_spent SET family = CAST(x'ff' AS TEXT)", "file", "Could not decode"),
    ],
)
def test_what_stands_beside_the_journal_must_be_what_it_says(
    directory: Path, tamper: Connection, change: str, what: str, detail: str
) -> None:
    tamper.execute(change)
    found = [problem.detail for problem in look(directory, tamper).problems if problem.what == what]
    assert [said for said in found if said.startswith(detail)], found


def test_a_register_that_nothing_explains_is_found_before_the_city_sent_any(empty: SqlLedger, tmp_path: Path) -> None:
    enrol(empty)
    assert verify(tmp_path, KEY).ok
    with empty.write() as uow:
        uow.execute("INSERT INTO reference VALUES ('catalogue', '', x'7b7d')")
    assert whats(verify(tmp_path, KEY)) == {"reference"}


def test_the_word_on_a_day_is_awaited_or_there_once_its_seal_has_arrived(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        for fact in (ClosingBegun(), StockCounted((), closing=True), StockAdjusted((), closing=True)):
            uow.append(fact, "K1")
        head = uow.head()
        uow.put_setting("z_report", "1")
        uow.queue_print("day_report", uow.append(DayClosed(DayTotals(), (), None, head.hash, "", 1)).id, 0, 0, {})
        uow.append(acknowledged(uow, head.seq + 1))
    settings = [problem.detail for problem in verify(tmp_path, KEY).problems if problem.what == "reference"]
    assert settings == ["setting: 2026-11-24: the city's word is neither here nor awaited, or both"]
    for kept, said in (
        ({"attest_due": "2026-11-24"}, []),
        ({"attest_due": "", "attested:2026-11-24": f"agrees {head.hash} {'0' * 128}"}, []),
        ({"attest_due": "", "attested:2026-11-24": f"differs {'0' * 64} {'0' * 128}"}, []),
        (
            {"attest_due": "", "attested:2026-11-24": f"agrees {'0' * 64} {'0' * 128}"},
            ["setting: attested:2026-11-24: not a word on this day"],
        ),
    ):
        with ledger.write() as uow:
            for key, value in kept.items():
                uow.put_setting(key, value)
        found = [problem.detail for problem in verify(tmp_path, KEY).problems if problem.what == "reference"]
        assert found == said
        with ledger.write() as uow:
            uow.execute("DELETE FROM setting WHERE key LIKE 'attest%'")


def test_the_city_s_signature_on_an_acknowledgement_is_checked(directory: Path, tamper: Connection) -> None:
    place = tamper.execute("SELECT seq FROM ledger_entry WHERE kind = 'CityAcknowledged'").fetchone()[0]
    rewrite(tamper, replaced(place, acked_hash="00" * 32))
    assert Problem(place, "acknowledged", "signature") in look(directory, tamper).problems


def test_nobody_waits_for_a_report_that_is_not_wanted_any_more(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        for _ in range(600):
            uow.append(ClockStepped(1))
    assert verify(tmp_path, KEY).ok
    assert verify(tmp_path, KEY, wanted=lambda: False).problems == (Problem(0, "stopped"),)


def test_missing_guards_are_named(directory: Path, tamper: Connection) -> None:
    report = verify(directory, KEY, chain_only=True)
    assert {problem.what for problem in report.problems} == {"guard"}
    assert "guard_ledger_entry_update" in [problem.detail for problem in report.problems]
    assert report.first_bad_seq is None


def rewrite(tamper: Connection, change: Callable[[Entry], Entry | None]) -> None:
    """Forge the whole journal anew: every entry passes through `change`, and the chain is linked again."""
    rows = tamper.execute("SELECT payload FROM ledger_entry ORDER BY seq").fetchall()
    entries = [changed for (payload,) in rows if (changed := change(decode(payload))) is not None]
    forged = list(seal(entries, genesis("EW-0001", 1)))
    for row in forged:
        tamper.execute(
            "UPDATE ledger_entry SET payload = ?, prev_hash = ?, hash = ? WHERE seq = ?",
            (row.body, row.prev_hash, row.hash, row.seq),
        )
    tamper.execute("DELETE FROM ledger_entry WHERE seq > ?", (forged[-1].seq,))


def replaced(seq: int, **fields: object) -> Callable[[Entry], Entry]:
    def change(entry: Entry) -> Entry:
        if entry.seq != seq:
            return entry
        return msgspec.structs.replace(entry, fact=msgspec.structs.replace(entry.fact, **fields))

    return change


def whats(report: VerifyReport, seq: int | None = None) -> set[str]:
    return {problem.what for problem in report.problems if seq is None or problem.seq == seq}


def test_a_journal_forged_from_end_to_end_differs_from_what_the_city_acknowledged(
    directory: Path, tamper: Connection
) -> None:
    rewrite(tamper, replaced(4, note_number="DO-2"))
    report = look(directory, tamper)
    assert not {"hash", "prev_hash"} & whats(report)
    assert "acknowledged" in whats(report, 5)
    assert "seal" in whats(report, 30)


def test_a_seal_that_the_device_did_not_make_is_found(directory: Path, tamper: Connection) -> None:
    rewrite(tamper, replaced(30, signature="00" * 64))
    assert look(directory, tamper).problems == (Problem(30, "seal", "signature"),)
    rewrite(tamper, replaced(30, signature="not hex"))
    assert "seal" in whats(look(directory, tamper), 30)
    rewrite(tamper, replaced(30, head="00" * 32))
    assert Problem(30, "seal", "head") in look(directory, tamper).problems


@pytest.mark.parametrize(
    ("seq", "fields", "what"),
    [
        (5, {"receipt": 2}, "receipt_gap"),
        (5, {"lines": (rice(101, Tender.CASH),), "debits": ()}, "stock_below_zero"),
        (8, {"original": "unknown"}, "reversed_twice"),
        (2, {"leases": ()}, "overdrawn"),
        (25, {"leases": ()}, "surrendered"),
        (25, {"serial": 21}, "grant_signature"),
    ],
)
def test_entries_that_break_a_rule_are_found_even_when_the_chain_holds(
    directory: Path, tamper: Connection, seq: int, fields: dict[str, object], what: str
) -> None:
    rewrite(tamper, replaced(seq, **fields))
    assert what in whats(look(directory, tamper))


def test_rights_that_come_back_must_have_been_spent(directory: Path, tamper: Connection) -> None:
    rewrite(tamper, replaced(7, debits=()))
    assert "returned_more" in whats(look(directory, tamper), 8)


def test_a_seal_without_a_day_is_found(directory: Path, tamper: Connection) -> None:
    rewrite(tamper, lambda entry: msgspec.structs.replace(entry, fact=ClockStepped(0)) if entry.seq == 3 else entry)
    assert "no_day" in whats(look(directory, tamper), 30)


def test_a_plain_database_is_refused(tmp_path: Path) -> None:
    import sqlite3

    other = sqlite3.connect(tmp_path / "ledger.db")
    other.execute("CREATE TABLE other (a)")
    other.commit()
    other.close()
    with pytest.raises(LedgerCorrupt):
        verify(tmp_path, KEY)


def test_a_day_that_was_never_opened_cannot_move(directory: Path, tamper: Connection) -> None:
    def change(entry: Entry) -> Entry:
        return entry if entry.seq != 3 else msgspec.structs.replace(entry, fact=ClockStepped(0))

    rewrite(tamper, change)
    assert "no_day" in whats(look(directory, tamper))


def test_a_second_enrolment_and_another_device_are_found(directory: Path, tamper: Connection) -> None:
    rewrite(tamper, lambda entry: msgspec.structs.replace(entry, device="X") if entry.seq == 9 else entry)
    assert "identity" in whats(look(directory, tamper), 9)
    first = decode(tamper.execute("SELECT payload FROM ledger_entry WHERE seq = 1").fetchone()[0])
    rewrite(tamper, lambda entry: msgspec.structs.replace(entry, fact=first.fact) if entry.seq == 9 else entry)
    assert "not_first" in whats(look(directory, tamper), 9)


def test_bytes_that_are_not_canonical_are_found(directory: Path, tamper: Connection) -> None:
    import hashlib

    seq = 30
    payload, prev_hash = tamper.execute("SELECT payload, prev_hash FROM ledger_entry WHERE seq = ?", (seq,)).fetchone()
    spaced = b" " + payload
    tamper.execute(
        "UPDATE ledger_entry SET payload = ?, hash = ? WHERE seq = ?",
        (spaced, hashlib.sha256(prev_hash + spaced).digest(), seq),
    )
    assert look(directory, tamper).problems == (Problem(seq, "canonical"),)
    assert canonical(decode(spaced)) == payload


def test_entries_that_are_cut_off_at_the_end_are_found_once_acknowledged(directory: Path, tamper: Connection) -> None:
    tamper.execute("UPDATE city_state SET acked_seq = 0")
    rewrite(tamper, lambda entry: entry if entry.seq < 30 else None)
    tamper.execute("DELETE FROM ledger_entry WHERE seq BETWEEN 5 AND 5")
    assert look(directory, tamper).first_bad_seq == 5


def test_a_ruined_journal_is_reported_up_to_a_limit(directory: Path, tamper: Connection) -> None:
    tamper.execute("UPDATE ledger_entry SET payload = x'00', hash = zeroblob(32), prev_hash = randomblob(32)")
    report = look(directory, tamper)
    assert report.first_bad_seq == 1
    assert len(report.problems) == 50


def test_one_flipped_bit_in_any_page_is_reported(directory: Path) -> None:
    file = directory / "ledger.db"
    sound = file.read_bytes()
    for page in range(1, len(sound) // PAGE_BYTES):
        damaged = bytearray(sound)
        damaged[page * PAGE_BYTES + 100] ^= 1
        file.write_bytes(damaged)
        assert Problem(0, "file", "SQLITE_CORRUPT") in verify(directory, KEY).problems, page


def test_structural_damage_that_the_key_holder_made_is_reported(directory: Path, tamper: Connection) -> None:
    tamper.execute("PRAGMA writable_schema = ON")
    tamper.execute("DELETE FROM sqlite_schema WHERE name = 'uq_ledger_entry_receipt'")
    tamper.execute("PRAGMA writable_schema = OFF")
    assert not verify(directory, KEY).ok


def test_a_running_till_can_be_verified_beside_it(ledger: SqlLedger, tmp_path: Path) -> None:
    with ledger.write() as uow:
        uow.append(StockCounted((CountLine("B5", 100, 100),)))
        report = verify(tmp_path, KEY)
    assert (report.ok, report.entries) == (True, 4)
    assert verify(tmp_path, KEY).entries == 5


def test_a_ledger_without_an_identity_is_empty_and_sound(empty: SqlLedger, tmp_path: Path) -> None:
    report = verify(tmp_path, KEY)
    assert (report.ok, report.entries, report.head, report.device) == (True, 0, "", "")


def test_the_key_file_beside_the_ledger_opens_it(directory: Path) -> None:
    with pytest.raises(ConfigError):
        verify(directory)
    (directory / KEY_FILE).touch(0o600)
    (directory / KEY_FILE).write_text(KEY.hex())
    assert verify(directory).ok
    with pytest.raises(LedgerKeyWrong):
        verify(directory, bytes(32))


def test_something_else_is_not_verified_but_refused(tmp_path: Path) -> None:
    other = connect(tmp_path / "ledger.db", KEY, create=True)
    other.execute("PRAGMA application_id = 7")
    other.close()
    with pytest.raises(LedgerCorrupt):
        verify(tmp_path, KEY)


def test_problems_read_like_a_line() -> None:
    assert str(Problem(7, "column")) == "seq 7 column"
    assert str(Problem(0, "projection", "lease")) == "projection lease"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_ledger_on_a_read_only_medium_can_be_verified(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import subprocess

    medium = tmp_path_factory.mktemp("medium")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", medium], check=True)
    try:
        shutil.copy(directory / "ledger.db", medium / "ledger.db")
        subprocess.run(["mount", "-o", "remount,ro", medium], check=True)
        assert verify(medium, KEY).ok
        subprocess.run(["mount", "-o", "remount,rw", medium], check=True)
        (medium / "ledger.db-wal").write_bytes(b"not all of it")
        subprocess.run(["mount", "-o", "remount,ro", medium], check=True)
        with pytest.raises(ConfigError):
            verify(medium, KEY)
    finally:
        subprocess.run(["umount", medium], check=True)
