"""What a till writes that is not the program it should be: taken, because the goods have left, and never overlooked.

No number makes the city fail, no invented counter-entry gives a right back, and a kiosk that was declared lost is seen.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from ewarung_city import leases, monitoring
from ewarung_city.__main__ import main
from ewarung_city.attest import fold_day
from ewarung_city.reading import decode_push
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.bounds import EXACT
from ewarung_pos.domain.business_day import ControlLine, DayTotals
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import (
    AttemptOpened,
    AttemptSettled,
    ComplaintRecorded,
    DayClosed,
    DayOpened,
    Entry,
    Fact,
    PriceChanged,
    Redeemed,
    Reversed,
    StateReceived,
    StockAdjusted,
    StockReceived,
    canonical,
    decode,
)
from ewarung_pos.domain.redemption import PurseDebit, RedemptionLine, RightDebit, Tender
from ewarung_pos.domain.stock import CountLine, ReceivedLine
from ewarung_pos.domain.units import Unit
from ewarung_pos.sync.enrolment import enrol
from ewarung_pos.sync.protocol import MESSAGE_BYTES, Ack, Outcome, batch_text, encode
from ewarung_pos.sync.signing import sign
from tests.integration.city.city_kit import PERIOD, LiveCity, Pen, begun, trying
from tests.integration.city.test_intake import PRICE, RICE, aside, lease, ration_family, redeemed, undo

replace = msgspec.structs.replace


def flags(city: LiveCity, pen: Pen) -> list[tuple[int, str]]:
    ack = pen.send(city.url, pen.batch())
    assert ack.outcome is Outcome.ACCEPTED
    assert ack.acked_seq == len(pen.rows)
    with city.store.read() as tx:
        assert verify(tx) == []
    return list(ack.flagged)


@pytest.fixture
def sold(city: LiveCity, pen: Pen) -> tuple[Entry, Redeemed]:
    """A day with one redemption of the whole ration: receipt 1 of entry 3."""
    pen.write(DayOpened())
    fact = redeemed(ration_family(city), packs=2)
    return pen.write(fact), fact


# --- counter-entries ------------------------------------------------------------------------------------------------


def test_a_counter_entry_to_nothing_gives_no_right_back(city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed]) -> None:
    """The whole ration, an invented reversal of it, and the whole ration again."""
    fact = sold[1]
    pen.write(replace(undo("no-such-entry", fact, 2), original_receipt=77))
    pen.write(replace(fact, receipt=3))
    assert flags(city, pen) == [(4, "BAD_REVERSAL"), (5, "OVER_LEASE")]
    assert lease(city, fact.family) == (10_000, 20_000, 0)


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_redemption_is_undone_once(city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed], batches: int) -> None:
    entry, fact = sold
    if batches > 1:
        pen.send(city.url, pen.batch())
    pen.write(undo(entry.id, fact, 2))
    if batches > 2:
        assert pen.send(city.url, pen.batch()).flagged == ()
    pen.write(undo(entry.id, fact, 3))
    pen.write(replace(fact, receipt=4))
    assert flags(city, pen) == [(5, "BAD_REVERSAL")]
    assert lease(city, fact.family) == (10_000, 20_000, 10_000)


@pytest.mark.parametrize(
    "change",
    [
        {"family": "K0"},
        {"original_receipt": 2},
        {"lines": ()},
        {"debits": (RightDebit("JATAH", PERIOD, "beras", Unit.GRAM, 4 * RICE),)},
        {"debits": ()},
        {"void": PurseDebit("a", 1, "1", "2", "3", "t", "m", "b")},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("together", [True, False])
def test_a_counter_entry_that_repeats_something_else_gives_no_right_back(
    city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed], change: dict[str, Any], together: bool
) -> None:
    entry, fact = sold
    if not together:
        pen.send(city.url, pen.batch())
    pen.write(replace(undo(entry.id, fact, 2), **change))
    assert flags(city, pen) == [(4, "BAD_REVERSAL")]
    assert lease(city, fact.family) == (10_000, 10_000, 0)


def test_the_day_after_nothing_can_be_undone(city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed]) -> None:
    entry, fact = sold
    pen.write(undo(entry.id, fact, 2), date="2026-11-25")
    assert flags(city, pen) == [(4, "BAD_REVERSAL")]


def test_what_is_no_redemption_cannot_be_undone(city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed]) -> None:
    entry, fact = sold
    other = pen.write(undo(entry.id, fact, 2))
    pen.write(undo(other.id, fact, 3))
    pen.send(city.url, pen.batch())
    pen.write(undo(other.id, fact, 4))
    body = msgspec.json.decode(canonical(pen.write(DayOpened())))
    pen.rows.pop()
    pen.body(msgspec.json.encode(body | {"fact": {"kind": "OfTomorrow"}}, order="sorted"))
    pen.send(city.url, pen.batch())
    pen.write(undo(body["id"], fact, 5))  # of a version that the city cannot read
    pen.send(city.url, pen.batch())
    reasons = {seq: reason for seq, reason in city.cases() if reason == "BAD_REVERSAL"}
    assert list(reasons) == [5, 6, 8]
    assert lease(city, fact.family) == (10_000, 10_000, 10_000)


# --- lines, debits and receipts -------------------------------------------------------------------------------------

PURSE = PurseDebit("a", PRICE, "1", "2", "3", "t", "m", "b")


def changed_line(fact: Redeemed, **change: Any) -> tuple[RedemptionLine, ...]:
    return (replace(fact.lines[0], **change),)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"debits": ()}, {}),
        ({"debits": (RightDebit("JATAH", PERIOD, "beras", Unit.GRAM, RICE - 1),)}, {}),
        ({"debits": (RightDebit("JATAH", "2026-12", "beras", Unit.GRAM, RICE),)}, {}),
        ({"debits": (RightDebit("JATAH", PERIOD, "gula", Unit.GRAM, RICE),)}, {}),
        ({"debits": (RightDebit("JATAH", PERIOD, "beras", Unit.MILLILITRE, RICE),)}, {}),
        ({"debits": (RightDebit("SEMBAKO", PERIOD, "beras", Unit.GRAM, RICE),)}, {}),
        ({"debits": (RightDebit("JATAH", PERIOD, "beras", Unit.GRAM, RICE),) * 2}, {}),
        ({}, {"amount": 5}),
        ({}, {"packs": 2}),
        ({}, {"commodity": "gula"}),
        ({}, {"unit": Unit.MILLILITRE}),
        ({}, {"tender": Tender.CASH}),
        ({}, {"tender": Tender.PURSE, "programme": "SEMBAKO"}),
        ({"debits": ()}, {"tender": Tender.PURSE, "programme": "SEMBAKO"}),
        ({"debits": (), "purse": replace(PURSE, amount=PRICE - 1)}, {"tender": Tender.PURSE}),
        ({"purse": PURSE}, {}),
    ],
)
def test_goods_that_nothing_paid_for_are_seen(
    city: LiveCity, pen: Pen, change: dict[str, Any], line: dict[str, Any]
) -> None:
    pen.write(DayOpened())
    fact = redeemed(ration_family(city))
    pen.write(replace(fact, lines=changed_line(fact, **line), **change))
    assert (3, "LINES_DIFFER") in flags(city, pen)


def test_goods_that_were_paid_for_are_no_case(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    fact = redeemed(ration_family(city))
    ration, cash = fact.lines[0], replace(fact.lines[0], tender=Tender.CASH, programme="")
    purse = replace(ration, tender=Tender.PURSE, programme="SEMBAKO")
    pen.write(replace(fact, lines=(ration, cash, purse), purse=PURSE))
    assert flags(city, pen) == []


@pytest.mark.parametrize("receipts", [(2,), (1, 3), (1, 1), (1, 2, 2), (0,), (1, 2, 3, 9)])
@pytest.mark.parametrize("together", [True, False])
def test_receipts_are_numbered_without_gaps(
    city: LiveCity, pen: Pen, receipts: tuple[int, ...], together: bool
) -> None:
    family = ration_family(city)
    pen.write(DayOpened())
    for receipt in receipts:
        if not together:
            pen.send(city.url, pen.batch())
        pen.write(redeemed(family, receipt=receipt, tender=Tender.CASH))
    assert flags(city, pen) == [(len(pen.rows), "RECEIPT_GAP")]
    pen.write(redeemed(family, receipt=receipts[-1] + 1, tender=Tender.CASH))
    assert flags(city, pen) == []


# --- numbers that cannot be -----------------------------------------------------------------------------------------


def one_line(**changed: Any) -> Redeemed:
    fact = redeemed("K1", tender=Tender.CASH)
    return replace(fact, lines=changed_line(fact, **changed))


HUGE = 2**70
BEYOND: dict[str, Fact] = {
    "price": one_line(price=HUGE),
    "packs": one_line(packs=HUGE),
    "value of a line": one_line(packs=2**50, price=2**50),
    "value of all lines": replace(one_line(), lines=(one_line(price=EXACT).lines[0],) * 2),
    "receipt": replace(one_line(), receipt=HUGE),
    "debit": replace(one_line(), debits=(RightDebit("JATAH", PERIOD, "beras", Unit.GRAM, HUGE),)),
    "all debits": replace(one_line(), debits=(RightDebit("JATAH", PERIOD, "beras", Unit.GRAM, EXACT),) * 2),
    "purse": replace(one_line(), purse=replace(PURSE, amount=HUGE)),
    "stock": StockReceived("s", "n", (ReceivedLine("p", HUGE),)),
    "all stock": StockReceived("s", "n", (ReceivedLine("p", EXACT),) * 2),
    "count": StockAdjusted((CountLine("p", 0, HUGE),)),
    "new price": PriceChanged("gula-1", 0, HUGE, ""),
    "lease": StateReceived(1, "", (LeaseGrant("K1", "JATAH", PERIOD, "beras", Unit.GRAM, HUGE),)),
    "cursor": StateReceived(HUGE, ""),
    "seal": DayClosed(DayTotals(first_seq=HUGE), (), None, "00", "00", 1),
    "control": DayClosed(DayTotals(control=(ControlLine("b", Unit.GRAM, HUGE, 1, 1, 1),)), (), None, "0", "0", 1),
    "no text": replace(one_line(), family="a\0b"),
}
UNREAD: dict[str, Fact] = {
    "packs": one_line(packs=-1),
    "price": one_line(price=-1),
    "receipt": replace(one_line(), receipt=-1),
    "debit": replace(one_line(), debits=(RightDebit("JATAH", PERIOD, "beras", Unit.GRAM, -5),)),
    "new price": PriceChanged("gula-1", 0, -5, ""),
    "long name": replace(one_line(), family="x" * 81),
    "long product": one_line(product="x" * 81),
}


@pytest.mark.parametrize("name", BEYOND)
def test_an_entry_that_cannot_be_true_moves_nothing_and_holds_nothing_back(city: LiveCity, pen: Pen, name: str) -> None:
    pen.write(DayOpened())
    pen.write(redeemed(ration_family(city)))
    pen.write(BEYOND[name])
    pen.write(redeemed(ration_family(city), receipt=2))
    assert flags(city, pen) == [(4, "UNREADABLE")]
    assert city.cases() == [(4, "UNREADABLE")]
    assert aside(city) == []
    with city.store.read() as tx:
        assert tx.count(schema.redemption) == 2
        assert [row["packs"] for row in tx.all(schema.stock)] == [-2]
        assert {row["uncounted"] for row in map(msgspec.to_builtins, monitoring.realisation(tx, PERIOD))} == {0, 1}
        (case,) = monitoring.cases(tx, PERIOD)
        assert (case.device, case.seq, case.reason, case.state) == ("EW-0001", 4, "UNREADABLE", "open")


@pytest.mark.parametrize("name", UNREAD)
def test_what_only_another_version_could_mean_is_kept_unread_and_moves_nothing(
    city: LiveCity, pen: Pen, name: str
) -> None:
    pen.write(DayOpened())
    pen.write(UNREAD[name])
    pen.write(redeemed(ration_family(city)))
    assert flags(city, pen) == [(3, "UNREADABLE")]
    with city.store.read() as tx:
        assert tx.count(schema.redemption) == 1


@pytest.mark.parametrize("cuts", [(6,), (2, 6), (3, 4, 6), (4, 6)])
def test_the_entry_with_which_a_total_cannot_be_is_not_counted(city: LiveCity, pen: Pen, cuts: tuple[int, ...]) -> None:
    """Each entry could be true; all of them together could not, however they are cut into batches."""
    for _ in range(3):
        pen.write(StockReceived("s", "n", (ReceivedLine("p", EXACT // 2),)))
    pen.write(StockReceived("s", "n", (ReceivedLine("p", 1),)))
    pen.write(ComplaintRecorded("1", "antrean", "lama", anonymous=True))
    for last in cuts:
        pen.send(city.url, pen.batch(1, last))
    assert city.epoch()["acked_seq"] == 6
    assert city.cases() == [(4, "UNREADABLE")]
    with city.store.read() as tx:
        assert [row["packs"] for row in tx.all(schema.stock)] == [EXACT]
        assert verify(tx) == []


def test_a_product_named_like_a_tender_is_weighed_by_its_own_packs(city: LiveCity, pen: Pen) -> None:
    pen.write(StockReceived("s", "n", (ReceivedLine("cash", EXACT),)))
    pen.write(undo("no-such-entry", one_line(product="cash", packs=1, price=0), 1))
    assert (3, "UNREADABLE") in flags(city, pen)
    with city.store.read() as tx:
        assert [row["packs"] for row in tx.all(schema.stock)] == [EXACT]


def test_a_day_whose_sums_cannot_be_is_not_sealed(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    for receipt in (1, 2):
        fact = redeemed("K1", price=EXACT // 2 + 1, receipt=receipt, tender=Tender.CASH)
        pen.write(fact)
    pen.write(DayClosed(DayTotals(), (), None, "00", "00", 1))
    assert (5, "UNREADABLE") in flags(city, pen)
    with city.store.read() as tx:
        assert monitoring.days(tx, PERIOD) == []


def seal(pen: Pen, first: int) -> Entry:
    """A seal that fits everything from that entry on."""
    last = len(pen.rows)
    totals = fold_day([decode(row.body) for row in pen.rows[first - 1 :]], first, last)
    text = batch_text(pen.device, pen.epoch, first, last, pen.head.hex())
    return pen.write(DayClosed(totals, (), None, pen.head.hex(), sign(pen.key, text).hex(), 1))


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("sealed", [True, False])
def test_a_day_that_is_opened_again_hides_nothing_of_itself(
    city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed], sealed: bool, together: bool
) -> None:
    """The second seal is sound by itself, and says that nothing was sold."""
    if sealed:
        seal(pen, 2)
    if not together:
        assert flags(city, pen) == []
    again = pen.write(DayOpened()).seq
    last = seal(pen, again).seq
    assert flags(city, pen) == [(again, "DAY_DIFFERS"), (last, "DAY_DIFFERS")]
    with city.store.read() as tx:
        (day,) = monitoring.days(tx, PERIOD)
    assert (day.redemptions, day.ration_value) == (1, sold[1].lines[0].total.amount)


@pytest.mark.parametrize("together", [True, False])
def test_what_leaves_after_the_seal_of_its_day_is_seen(
    city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed], together: bool
) -> None:
    """No figure of any day holds it."""
    seal(pen, 2)
    if not together:
        assert flags(city, pen) == []
    late = pen.write(redeemed("K1", tender=Tender.CASH, receipt=2)).seq
    pen.write(undo(sold[0].id, sold[1], 3))
    assert {flag for flag in flags(city, pen) if flag[1] == "DAY_DIFFERS"} == {
        (late, "DAY_DIFFERS"),
        (late + 1, "DAY_DIFFERS"),
    }


def test_days_do_not_overlap_and_a_batch_of_seals_reads_them_once(
    city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred seals of old days in one batch, each of which would have been folded from its opening to here."""
    days = [f"2026-{month:02}-{day:02}" for month in (8, 9) for day in range(1, 29)]
    for day in days:
        pen.write(DayOpened(), date=day)
        pen.write(redeemed("K1", tender=Tender.CASH, receipt=2), date=day)
    pen.send(city.url, pen.batch())
    sent = len(pen.rows)
    for _ in range(4):
        for day in days:
            pen.write(DayClosed(DayTotals(), (), None, "00", "00", 1), date=day)
    read = [0]
    between = Tx.between

    def counted(tx: Tx, table: Any, *span: Any, **equal: Any) -> Any:
        rows = between(tx, table, *span, **equal)
        read[0] += len(rows) if table is schema.entry else 0
        return rows

    monkeypatch.setattr(Tx, "between", counted)
    assert pen.send(city.url, pen.batch(sent + 1)).acked_seq == len(pen.rows)
    monkeypatch.undo()
    assert read[0] <= 2 * sent
    with city.store.read() as tx:
        assert verify(tx) == []
        rows = monitoring.days(tx, "2026-08") + monitoring.days(tx, "2026-09")
    assert [(row.redemptions, row.date) for row in rows] == [(1, day) for day in days]


def test_a_day_that_never_began_is_no_day(city: LiveCity, pen: Pen) -> None:
    seal(pen, len(pen.rows) + 1)
    assert flags(city, pen) == [(2, "DAY_DIFFERS")]
    with city.store.read() as tx:
        assert monitoring.days(tx, PERIOD) == []


def test_a_day_of_one_epoch_says_nothing_of_the_next_one(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    seal(pen, 2)
    assert flags(city, pen) == []
    enrolled = enrol(city.url, city.code(), "0.1.0", now_s=lambda: pen.clock.ms // 1000)
    other = begun(Pen(enrolled, pen.clock))
    other.write(DayOpened())
    seal(other, 2)
    assert flags(city, other) == []


def test_a_sealed_day_says_how_many_of_its_entries_count_for_nothing(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    pen.write(one_line(packs=-1))
    pen.send(city.url, pen.batch())
    pen.write(BEYOND["value of a line"])
    pen.write(redeemed(ration_family(city)))
    pen.write(DayClosed(DayTotals(), (), None, "00", "00", 1))
    flags(city, pen)
    with city.store.read() as tx:
        (day,) = monitoring.days(tx, PERIOD)
    assert (day.uncounted, day.redemptions, day.cash) == (2, 1, 0)


def test_an_entry_that_was_counted_or_not_against_its_case_is_found(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    pen.write(one_line(packs=-1))
    flags(city, pen)
    where = {"device": "EW-0001", "epoch": 1}
    for change, seq in (({"kind": "Redeemed"}, 3), ({"kind": ""}, 2), ({"kind": "Redeemed"}, 2)):
        with trying(city.store) as tx:
            tx.change(schema.entry, change, seq=seq, **where)
            assert [(found.seq, found.what) for found in verify(tx)] == [(seq, "unread")]


@pytest.mark.parametrize(
    "change",
    [
        (b"siti", b"\xff\xfe"),
        (b"siti", b"\\u0000"),
        (b'"instant":', b'"instant":1.5,"x":'),
        (b'"monotonic":1', b'"monotonic":' + b"9" * 5000),
        (b'"cash_float":0', b'"cash_float":1e999'),
        (b'"epoch":1', b'"epoch":1,"epoch":1'),
        (b'"id":"', b'"id":"\\u0000'),
        (b'"kind":"DayOpened"', b'"kind":"\xff"'),
        (b"DayOpened", b"\\u0000"),
    ],
)
def test_bytes_that_are_no_honest_json_cost_the_others_nothing(
    city: LiveCity, pen: Pen, change: tuple[bytes, bytes]
) -> None:
    body = canonical(pen.write(DayOpened()))
    pen.rows.pop()
    assert change[0] in body
    pen.body(body.replace(*change))
    pen.write(redeemed(ration_family(city)))
    assert flags(city, pen) == [(2, "UNREADABLE")]
    pen.write(ComplaintRecorded("1", "antrean", "ditulis \\u0000 oleh orang", anonymous=True))
    assert flags(city, pen) == []
    with city.store.read() as tx:
        assert tx.count(schema.redemption) == 1
        assert bytes(tx.all(schema.entry, seq=2)[0]["body"]) == pen.rows[1].body


@pytest.mark.parametrize(
    "body",
    [
        b'{"seq":NaN}',
        b'{"seq":-Infinity,"a":[{"b":"]}"}]}',
        b"NaN",
        b"1e999",
        b"9" * 6000,
        b'"\\ud800"',
        b'{"id":"\\ud800\\u0041"}',
        b"\xef\xbb\xbf{}",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'"' + b"x" * 300_000 + b'"',
        b'{"a":1,"a":2,"epoch":1,"epoch":1}',
        b'{"a":01,}',
        b"'",
        b"\x00",
        b'{"seq":true}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_one_entry_of_no_honest_json_is_flagged_and_the_rest_of_its_batch_is_taken(
    city: LiveCity, pen: Pen, body: bytes
) -> None:
    pen.body(body)
    pen.write(DayOpened())
    pen.write(redeemed(ration_family(city)))
    pen.body(body)
    pen.write(redeemed(ration_family(city), receipt=2))
    assert flags(city, pen) == [(2, "UNREADABLE"), (5, "UNREADABLE")]
    with city.store.read() as tx:
        assert tx.count(schema.redemption) == 2


@pytest.mark.parametrize(
    "change",
    [
        (b'"entries":[', b'"entries":[,'),
        (b'"entries":[', b'"entries":[NaN],"entries":['),
        (b'"entries":[', b'"entries":[NaN]],"x":['),
        (b'"entries":[', b'"entries":["'),
        (b'"entries":[', b'"entries":[{],'),
        (b'"entries":[', b'"entrees":[NaN,'),
        (b'"entries":[', b'"x":"entries","y":[NaN,'),
        (b'"entries":[', b'"entries":[' + b"NaN," * 501),
        (b'"first_seq":1', b'"first_seq":NaN'),
        (b'"first_seq":1', b'"first_seq":1,"x":NaN,"y":"' + b"z" * 5000 + b'"'),
        (b'"entries":[', b'"entries":[NaN,\xff"'),
    ],
    ids=lambda change: repr(change[1][:40]),
)
def test_what_is_no_honest_json_around_the_entries_is_refused(pen: Pen, change: tuple[bytes, bytes]) -> None:
    body = encode(pen.batch())
    assert body.count(change[0]) >= 1
    with pytest.raises((msgspec.MsgspecError, UnicodeError)):
        decode_push(body.replace(change[0], change[1], 1))


def test_a_text_that_never_ends_is_refused_at_once(pen: Pen) -> None:
    """As many quotes as go into a message: looking for the end anew from each of them would take an hour."""
    with pytest.raises(msgspec.MsgspecError):
        decode_push(encode(pen.batch()).replace(b'"entries":[', b'"entries":["' + b'\\"' * (MESSAGE_BYTES // 2), 1))


# --- a slip that two debits claim -------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_a_disputed_slip_is_a_case_with_its_receipt_and_amount(
    city: LiveCity, pen: Pen, known: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    pen.write(DayOpened())
    fact = redeemed(ration_family(city))
    lines = changed_line(fact, tender=Tender.PURSE, programme="SEMBAKO")
    pen.write(replace(fact, lines=lines, debits=(), purse=PURSE))
    pen.write(AttemptSettled("a" if known else "of another journal", "slip_disputed", "123456", "edc"))
    pen.write(AttemptSettled("a", "declined", "51", "edc"))
    assert flags(city, pen) == [(4, "SLIP_DISPUTED")]
    with pytest.raises(SystemExit) as done:
        main(["report", "kasus", "--period", PERIOD, "--data-dir", str(city.data_dir), "--json"])
    assert done.value.code in (0, None)
    (case,) = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert (case["device"], case["date"], case["reason"]) == ("EW-0001", "2026-11-24", "SLIP_DISPUTED")
    assert (case["receipt"], case["amount"]) == ((1, PRICE) if known else (None, None))


@pytest.mark.parametrize("outcome", ["other_debit", "other_debit_voided"])
@pytest.mark.parametrize("known", [True, False])
def test_a_debit_of_another_card_is_a_case_with_its_amount(
    city: LiveCity, pen: Pen, known: bool, outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pen.write(DayOpened())
    pen.write(AttemptOpened("b", "K00001", "4821", 29_000, "0" * 64))
    pen.write(AttemptOpened("a", "K00001", "4821", 58_000, "0" * 64))
    pen.write(
        AttemptSettled("a" if known else "of another journal", outcome, "1190 004512 000123", "slip", ("siti", "yuni"))
    )
    assert flags(city, pen) == [(5, outcome.upper())]
    with pytest.raises(SystemExit) as done:
        main(["report", "kasus", "--period", PERIOD, "--data-dir", str(city.data_dir), "--json"])
    assert done.value.code in (0, None)
    (case,) = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert (case["reason"], case["receipt"]) == (outcome.upper(), None)
    assert case["amount"] == (58_000 if known else None)


def test_a_case_about_a_redemption_says_which(city: LiveCity, pen: Pen, sold: tuple[Entry, Redeemed]) -> None:
    pen.write(replace(sold[1], receipt=9))
    assert (4, "RECEIPT_GAP") in flags(city, pen)
    with city.store.read() as tx:
        assert {(case.receipt, case.amount) for case in monitoring.cases(tx, PERIOD)} == {(9, 2 * PRICE)}


# --- a kiosk that was declared lost -----------------------------------------------------------------------------------


def frozen(city: LiveCity, pen: Pen) -> None:
    from ewarung_pos.sync.enrolment import enrol

    pen.send(city.url, pen.batch())
    enrol(city.url, city.code(), "0.1.0", now_s=lambda: pen.clock.ms // 1000)


def late(city: LiveCity, pen: Pen) -> Ack:
    pen.write(DayOpened())
    pen.write(redeemed(ration_family(city), packs=2))
    return pen.send(city.url, pen.batch(2))


def test_what_a_lost_kiosk_still_sends_is_kept_and_a_person_sees_it(city: LiveCity, pen: Pen) -> None:
    frozen(city, pen)
    with city.store.write() as tx:
        assert leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"]) > 0
    for _ in range(2):
        ack = late(city, pen)
        assert (ack.outcome, ack.reason) == (Outcome.QUARANTINED, "UNKNOWN_EPOCH")
    with city.store.read() as tx:
        rows = tx.all(schema.case)
        seen = monitoring.cases(tx, "2026-11")
    assert [(row["device"], row["epoch"], row["seq"], row["reason"]) for row in rows] == [
        ("EW-0001", 1, 2, "AFTER_LOST")
    ]
    assert [(case.reason, case.date, case.state) for case in seen] == [("AFTER_LOST", "2026-11-24", "open")]
    assert aside(city)[0] == ("UNKNOWN_EPOCH", 2)


def test_so_is_what_an_old_enrolment_sends_that_nobody_declared_lost(city: LiveCity, pen: Pen) -> None:
    frozen(city, pen)
    late(city, pen)
    assert city.cases() == [(2, "UNKNOWN_EPOCH")]


def test_a_gap_is_no_case(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    pen.write(DayOpened())
    assert pen.send(city.url, pen.batch(2)).reason == "GAP"
    assert city.cases() == []


def test_a_case_that_was_closed_is_not_opened_again_by_the_same_batch(city: LiveCity, pen: Pen) -> None:
    frozen(city, pen)
    late(city, pen)
    with city.store.write() as tx:
        tx.change(schema.case, {"state": "closed", "owner": "Ratna"}, device="EW-0001")
    pen.send(city.url, pen.batch(2))
    with city.store.read() as tx:
        assert [(row["state"], row["owner"]) for row in tx.all(schema.case)] == [("closed", "Ratna")]


def test_reversed_is_what_the_counter_entry_is_called() -> None:
    """`undo` of the other tests writes what a till writes."""
    assert isinstance(undo("x", redeemed("K1"), 2), Reversed)


def test_the_list_of_cases_takes_no_more_questions_the_more_there_are(city: LiveCity, pen: Pen) -> None:
    def questions() -> tuple[int, int]:
        asked: list[str] = []

        def count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        event.listen(city.store._engine, "before_cursor_execute", count)
        with city.store.read() as tx:
            found = monitoring.cases(tx, PERIOD)
        event.remove(city.store._engine, "before_cursor_execute", count)
        return len(asked), len(found)

    pen.write(DayOpened())
    for receipt in range(1, 4):
        pen.write(redeemed("K1", tender=Tender.CASH, receipt=receipt))
    flags(city, pen)
    few, some = questions()
    sent = len(pen.rows)
    for receipt in range(4, 40):
        pen.write(redeemed("K1", tender=Tender.CASH, receipt=receipt))
    pen.send(city.url, pen.batch(sent + 1))
    many, more = questions()
    assert more > some + 30
    assert many == few
