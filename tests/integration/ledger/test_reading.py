"""Look-ups, Riwayat and its search."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ewarung_pos.domain.journal import (
    AttemptOpened,
    AttemptSettled,
    ReceiptPrinted,
    StockAdjusted,
    StockCounted,
    decode,
)
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.timeline import BusinessDate, Period
from ewarung_pos.ledger.database import SqlLedger
from tests.integration.ledger.kiosk import ToldClock, eggs, family, page, rice, serve
from tests.integration.ledger.test_day import SEAL, append
from tests.integration.ledger.test_units_of_work import undo

TODAY = BusinessDate("2026-11-24")


def receipts(ledger: SqlLedger, text: str = "", date: BusinessDate | None = TODAY, limit: int = 200) -> list[int]:
    return [row.receipt for row in ledger.read().history(date, text, limit)]


def test_families_are_found_by_card_and_key(ledger: SqlLedger) -> None:
    reader = ledger.read()
    assert reader.family_by_card(family(2).card.token) == family(2)
    assert reader.family("F0002") == family(2)
    assert reader.family_by_card("unknown") is None
    assert reader.family("unknown") is None
    assert reader.families() == (family(1), family(2), family(3))
    assert reader.register_info() == ("2026-11-01", "DTSEN", 3)


def test_leases_are_those_of_the_month(ledger: SqlLedger) -> None:
    assert ledger.read().leases("F0001", Period("2026-12")) == ()
    assert ledger.read().other_periods("F0001", Period("2026-12"))
    assert not ledger.read().other_periods("F0001", Period("2026-11"))


def test_history_is_newest_first_and_says_what_was_handed_out(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1), eggs(2))
        uow.append(ReceiptPrinted(1, entry.id, 0))
        second = serve(uow, "F0002", rice(1))
        counter = uow.append(undo(uow, second.id), "K1")
    newest, middle, oldest = ledger.read().history(TODAY)
    assert (newest.kind, newest.entry, newest.reversible) == ("Reversed", counter.id, False)
    assert (middle.reversed, middle.reversible) == (True, False)
    assert (oldest.receipt, oldest.name, oldest.last4, oldest.goods, oldest.total, oldest.printed) == (
        1,
        "KELUARGA 0001",
        "0001",
        "beras 5 kg · telur 20 butir",
        105_000,
        1,
    )
    assert (oldest.reversed, oldest.reversible, oldest.date, oldest.seq) == (False, True, TODAY, entry.seq)
    assert receipts(ledger, limit=2) == [3, 2]
    assert ledger.read().copies(entry.id) == 1
    assert ledger.read().copies(second.id) == 0


def test_history_finds_by_name_digits_and_receipt_number(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        for key in ("F0001", "F0002", "F0003"):
            serve(uow, key, rice(1))
    for date in (TODAY, None):
        assert receipts(ledger, "keluarga 0002", date) == [2]
        assert receipts(ledger, " 0003 ", date) == [3]
        assert receipts(ledger, "1", date)[-1] == 1
        assert receipts(ledger, "nobody", date) == []
        assert receipts(ledger, "%", date) == []
        assert receipts(ledger, "_", date) == []
        assert receipts(ledger, "keluarga", date) == [3, 2, 1]
    assert receipts(ledger, "", None) == [3, 2, 1]
    assert receipts(ledger, "", BusinessDate("2026-11-23")) == []


def test_rare_names_are_found_through_the_register_whatever_its_size(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        uow.accept(page(20, families=100), "digest")
        serve(uow, "F0001", rice(1))
        serve(uow, "F0077", rice(1))
    assert receipts(ledger, "keluarga 0077", None) == [2]
    assert receipts(ledger, "0077", None) == [2]
    assert receipts(ledger, "1", None) == [2, 1] or receipts(ledger, "1", None) == [1]
    assert receipts(ledger, "keluarga", None) == [2, 1]


def test_a_family_that_left_the_register_keeps_its_receipts_without_a_name(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        uow.execute("DELETE FROM register_card WHERE family = 'F0001'")
        uow.execute("DELETE FROM register_family WHERE key = 'F0001'")
    (row,) = ledger.read().history(TODAY)
    assert (row.name, row.last4) == ("", "0001")
    assert receipts(ledger, "0001") == [1]


def test_a_receipt_of_another_day_cannot_be_reversed(ledger: SqlLedger, clock: ToldClock) -> None:
    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
    from ewarung_pos.domain.journal import ClosingBegun, DayOpened

    append(ledger, ClosingBegun())
    assert not ledger.read().history(TODAY)[0].reversible
    append(ledger, StockCounted((), closing=True), StockAdjusted((), closing=True), SEAL)
    assert not ledger.read().history(TODAY)[0].reversible
    clock.ms += 86_400_000
    append(ledger, DayOpened())
    assert not ledger.read().history(TODAY)[0].reversible


def test_commodities_that_left_the_catalogue_show_their_code(ledger: SqlLedger) -> None:
    from ewarung_pos.domain.catalogue import Catalogue

    with ledger.write() as uow:
        serve(uow, "F0001", rice(1))
        uow.accept(StatePage(cursor=11, catalogue=Catalogue()), "digest")
    assert ledger.read().history(TODAY)[0].goods == "beras 5 kg"


def test_entries_are_found_by_receipt(ledger: SqlLedger) -> None:
    with ledger.write() as uow:
        entry = serve(uow, "F0001", rice(1))
    sealed = ledger.read().entry_by_receipt(1)
    assert sealed is not None
    assert decode(sealed.body) == entry
    assert ledger.read().entry_by_receipt(2) is None


def test_what_became_of_an_attempt_is_told_newest_first_and_of_no_other(ledger: SqlLedger) -> None:
    told = {
        "A1": [AttemptSettled("A1", "in_doubt", "timeout"), AttemptSettled("A1", "declined", "51")],
        "A2": [AttemptSettled("A2", "in_doubt", "offline")],
    }
    with ledger.write() as uow:
        uow.append(AttemptOpened("A1", "F0001", "0001", 20_000))
        uow.append(told["A1"][0])
        uow.append(AttemptOpened("A2", "F0002", "0002", 65_000))
        uow.append(told["A2"][0])
        uow.append(told["A1"][1])
        uow.append(AttemptOpened("A3", "F0003", "0003", 20_000))
        assert uow.settlements("A1") == tuple(reversed(told["A1"])), "what is not committed yet counts as well"
    reader = ledger.read()
    assert reader.settlements("A1") == tuple(reversed(told["A1"]))
    assert reader.settlements("A2") == tuple(told["A2"])
    assert reader.settlements("A3") == ()
    assert reader.settlements("A4") == (), "the journal knows no such attempt"


def test_nothing_before_the_opening_of_an_attempt_is_looked_at(ledger: SqlLedger) -> None:
    from ewarung_pos.ledger.attempts import settlements

    with ledger.write() as uow:
        for number in range(50):
            uow.append(AttemptOpened(f"A{number}", "F0001", "0001", 20_000))
            uow.append(AttemptSettled(f"A{number}", "declined", "51"))
    looked_at = []

    with ledger.read()._snapshot() as execute:

        def counted(*words: str) -> Iterator[tuple[bytes]]:
            for row in execute(*words):
                looked_at.append(row)
                yield row

        assert settlements(counted, "A48") == (AttemptSettled("A48", "declined", "51"),)
    assert len(looked_at) == 4


def test_a_batch_is_limited_in_entries_and_bytes_but_never_empty(ledger: SqlLedger) -> None:
    reader = ledger.read()
    assert [row.seq for row in reader.sealed(0, 2, 10**6)] == [1, 2]
    assert [row.seq for row in reader.sealed(2, 500, 10**6)] == [3, 4]
    assert [row.seq for row in reader.sealed(0, 500, 1)] == [1]
    first, second = (len(row.body) for row in reader.sealed(0, 2, 10**6))
    assert [row.seq for row in reader.sealed(0, 500, first + second)] == [1, 2]
    assert [row.seq for row in reader.sealed(0, 500, first + second - 1)] == [1]
    assert reader.sealed(4, 500, 10**6) == ()


@pytest.mark.parametrize("query", ["history", "history_name", "last_visit", "receipt", "jobs", "totals", "acks"])
def test_no_look_up_scans_the_journal(ledger: SqlLedger, query: str) -> None:
    """Flat in the length of history: the plan of every look-up uses an index or a range of the journal."""
    from ewarung_pos.ledger import history, queries

    statements = {
        "history": history._ROW + history._IN_SPAN + history._NEWEST,
        "history_name": history._ROW
        + f"WHERE (e.receipt = :number OR e.family IN ({history._KNOWN})) AND e.receipt IS NOT NULL"
        + history._NEWEST,
        "last_visit": queries._LAST_VISIT.replace("?", ":text"),
        "receipt": queries._SEALED + "WHERE receipt = :number",
        "jobs": queries._JOBS,
        "totals": "SELECT payload FROM ledger_entry WHERE seq BETWEEN :first AND :last",
        "acks": "SELECT count(*) FROM ledger_entry WHERE kind = 'CityAcknowledged' AND seq > :first",
    }
    given = {"first": 1, "last": 9, "limit": 5, "text": "a", "like": "%a%", "number": 1}
    with ledger.read()._snapshot() as execute:
        plan = [row[3] for row in execute("EXPLAIN QUERY PLAN " + statements[query], given).fetchall()]
    scans = [step for step in plan if step.startswith("SCAN") and "register" not in step and "INDEX" not in step]
    assert scans == []
