"""What the city makes of batches: taken, taken with a case, put aside; and never lost or counted twice."""

from __future__ import annotations

import gc
import random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ewarung_city import intake
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.business_day import DayTotals, EdcTotals
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.journal import (
    DayClosed,
    DayOpened,
    Entry,
    KioskEnrolled,
    PriceChanged,
    Redeemed,
    Reversed,
    StateReceived,
    StockAdjusted,
    StockReceived,
    canonical,
)
from ewarung_pos.domain.redemption import PurseDebit, RedemptionLine, RightDebit, Tender
from ewarung_pos.domain.stock import CountLine, ReceivedLine
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import Unauthorised
from ewarung_pos.sync.protocol import Ack, Flag, Outcome, Push, encode
from tests.integration.city.city_kit import LiveCity, Pen, trying

RICE = 5_000
PRICE = 67_500


def ration_family(city: LiveCity, place: int = 0, status: str = "active") -> str:
    with city.store.read() as tx:
        rows = tx.all(schema.family, "key", home="EW-0001", card_status=status, programmes="JATAH")
        rows = rows or tx.all(schema.family, "key", home="EW-0001", card_status=status)
    return str(rows[place]["key"])


def redeemed(
    family: str, packs: int = 1, price: int = PRICE, receipt: int = 1, tender: Tender = Tender.RATION
) -> Redeemed:
    programme = "JATAH" if tender is Tender.RATION else ""
    line = RedemptionLine(
        "beras-medium-5", "Beras", "beras", packs, "karung", RICE * packs, Unit.GRAM, price, tender, programme
    )
    debits = (RightDebit("JATAH", "2026-11", "beras", Unit.GRAM, RICE * packs),) if tender is Tender.RATION else ()
    return Redeemed(receipt, family, "4821", HolderPresence.SELF, (line,), debits, ())


def undo(original: str, fact: Redeemed, receipt: int) -> Reversed:
    return Reversed(receipt, original, fact.receipt, fact.family, "4821", "salah", "yuni", fact.lines, fact.debits, ())


def lease(city: LiveCity, family: str, commodity: str = "beras") -> tuple[int, int, int]:
    with city.store.read() as tx:
        (row,) = tx.all(schema.lease, device="EW-0001", epoch=1, family=family, commodity=commodity)
    return int(row["granted"]), int(row["spent"]), int(row["returned"])


def aside(city: LiveCity) -> list[tuple[str, int]]:
    with city.store.read() as tx:
        return [(row["reason"], row["first_seq"]) for row in tx.all(schema.aside, "received_ms")]


def test_a_redemption_moves_rights_stock_and_figures(city: LiveCity, pen: Pen) -> None:
    family = ration_family(city)
    pen.write(DayOpened())
    pen.write(StockReceived("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 10),)))
    fact = redeemed(family, packs=2)
    entry = pen.write(fact)
    assert pen.send(city.url, pen.batch()).flagged == ()
    assert lease(city, family) == (10_000, 10_000, 0)
    pen.write(undo(entry.id, fact, 2))
    pen.write(StockAdjusted((CountLine("beras-medium-5", 10, 9),)))
    ack = pen.send(city.url, pen.batch(5))
    assert (ack.outcome, ack.acked_seq, ack.flagged) == (Outcome.ACCEPTED, 6, ())
    assert lease(city, family) == (10_000, 10_000, 10_000)
    with city.store.read() as tx:
        assert [row["packs"] for row in tx.all(schema.stock)] == [9]
        rows = tx.all(schema.redemption, "seq")
        assert [(r["receipt"], r["original"], r["ration_value"]) for r in rows] == [
            (1, "", 2 * PRICE),
            (2, entry.id, -2 * PRICE),
        ]
        assert verify(tx) == []


def test_a_batch_leaves_the_memory_as_soon_as_it_is_answered(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    pen.write(redeemed(ration_family(city)))
    push, now_ms = pen.batch(), pen.clock.ms

    def alive() -> int:
        return sum(type(one) is Entry for one in gc.get_objects())

    gc.collect()
    gc.disable()  # what stands in a circle stays until it is looked for, and a busy city looks seldom
    try:
        before = alive()
        city.store.turn(pen.device, lambda tx: intake.take(tx, city.keys, push, now_ms, now_ms // 1000))
        assert alive() == before
    finally:
        gc.enable()
    assert lease(city, ration_family(city))[1] == RICE


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_altered_byte_is_put_aside_and_nothing_of_the_batch_is_taken(city: LiveCity, pen: Pen, place: int) -> None:
    family = ration_family(city)
    pen.write(DayOpened())
    pen.write(redeemed(family))
    good = pen.batch()
    entries = list(good.entries)
    entries[place] = msgspec.Raw(bytes(entries[place]).replace(b'"epoch":1', b'"epoch":2'))
    ack = pen.send(city.url, msgspec.structs.replace(good, entries=tuple(entries)))
    assert (ack.outcome, ack.reason, ack.acked_seq) == (Outcome.QUARANTINED, "HASH", 0)
    assert city.epoch()["acked_seq"] == 0
    assert aside(city) == [("HASH", 1)]
    assert lease(city, family) == (10_000, 0, 0)
    assert pen.send(city.url, good).outcome is Outcome.ACCEPTED


def test_a_removed_or_moved_entry_is_found(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    pen.write(PriceChanged("beras-medium-5", PRICE, PRICE - 500))
    good = pen.batch()
    for entries in (good.entries[:1] + good.entries[2:], (good.entries[0], good.entries[2], good.entries[1])):
        assert pen.send(city.url, msgspec.structs.replace(good, entries=entries)).outcome is Outcome.QUARANTINED
    assert city.epoch()["acked_seq"] == 0


def test_a_batch_that_the_device_did_not_sign_is_put_aside(city: LiveCity, pen: Pen) -> None:
    ack = pen.send(city.url, msgspec.structs.replace(pen.batch(), signature="ab" * 64))
    assert (ack.outcome, ack.reason) == (Outcome.QUARANTINED, "BAD_SIGNATURE")


def test_a_gap_is_named_and_filled_later(city: LiveCity, pen: Pen) -> None:
    pen.write(DayOpened())
    pen.write(PriceChanged("beras-medium-5", PRICE, PRICE - 500))
    assert pen.send(city.url, pen.batch(1, 1)).acked_seq == 1
    ack = pen.send(city.url, pen.batch(3))
    assert (ack.outcome, ack.reason, ack.bad_seq, ack.acked_seq) == (Outcome.QUARANTINED, "GAP", 2, 1)
    assert pen.send(city.url, pen.batch(2)).acked_seq == 3


def test_a_fork_stops_rights_but_not_the_truth(city: LiveCity, pen: Pen) -> None:
    family = ration_family(city)
    pen.write(DayOpened())
    pen.send(city.url, pen.batch())
    other = list(pen.rows)
    pen.write(redeemed(family))
    pen.send(city.url, pen.batch())
    pen.rows = other  # the disk image of an hour ago
    pen.write(redeemed(family, packs=2))
    ack = pen.send(city.url, pen.batch())
    assert (ack.outcome, ack.bad_seq, ack.acked_seq) == (Outcome.FORK, 3, 3)
    assert lease(city, family) == (10_000, 5_000, 0)
    assert aside(city) == [("FORK", 1)]
    line = pen.city(city.url)
    with pytest.raises(Unauthorised) as refused:
        line.pull(0)
    line.close()
    assert refused.value.reason == "upload_only"


def test_overlapping_batches_count_once(city: LiveCity, pen: Pen) -> None:
    families = [ration_family(city, place) for place in range(6)]
    pen.write(DayOpened())
    for receipt, family in enumerate(families, start=1):
        pen.write(redeemed(family, receipt=receipt))
    for first, last in [(1, 3), (2, 5), (1, 8), (4, 8), (1, 2)]:
        assert pen.send(city.url, pen.batch(first, last)).outcome is Outcome.ACCEPTED
    assert city.epoch()["acked_seq"] == 8
    assert [lease(city, family)[1] for family in families] == [RICE] * 6
    with city.store.read() as tx:
        assert tx.count(schema.redemption) == 6
        assert verify(tx) == []


def test_what_the_city_would_not_have_allowed_opens_a_case_and_blocks_nothing(city: LiveCity, pen: Pen) -> None:
    family, blocked = ration_family(city), ration_family(city, status="blocked")
    twice = pen.write(DayOpened())
    pen.write(redeemed(family, packs=3))  # 15 kg of 10
    pen.write(redeemed("K0000", packs=1, receipt=2, tender=Tender.CASH))
    pen.write(redeemed(blocked, packs=1, receipt=3, tender=Tender.CASH))
    pen.write(redeemed(family, packs=1, price=PRICE + 1, receipt=4, tender=Tender.CASH))
    pen.write(PriceChanged("beras-medium-5", PRICE, PRICE + 1000, "langka"))  # above the ceiling
    pen.write(StockReceived("x", "y", ()), instant=pen.clock.ms + 600_000)
    pen.write(StockReceived("x", "y", ()), id=twice.id)
    pen.write(StateReceived(9, "", (LeaseGrant(family, "JATAH", "2026-11", "beras", Unit.GRAM, 99_000),)))
    ack = pen.send(city.url, pen.batch())
    expected = [
        (3, Flag.OVER_LEASE),
        (4, Flag.UNKNOWN_CARD),
        (5, Flag.REVOKED_LATER),
        (6, Flag.PRICE_MISMATCH),
        (7, Flag.PRICE_MISMATCH),
        (8, Flag.CLOCK_SKEW),
        (9, Flag.DUPLICATE_UID),
        (10, Flag.UNKNOWN_GRANT),
    ]
    assert (ack.outcome, ack.acked_seq) == (Outcome.ACCEPTED, 10)
    assert list(ack.flagged) == expected
    assert city.cases() == expected
    assert lease(city, family) == (10_000, 15_000, 0)
    pen.write(redeemed(family, packs=1, price=PRICE + 1000, receipt=5, tender=Tender.CASH))
    assert pen.send(city.url, pen.batch(11)).flagged == ()  # the changed price is known by now


def test_a_card_that_was_blocked_after_the_redemption_is_no_case(city: LiveCity, pen: Pen) -> None:
    blocked = ration_family(city, status="blocked")
    pen.write(redeemed(blocked, tender=Tender.CASH), instant=pen.clock.ms - 86_400_000)
    assert pen.send(city.url, pen.batch()).flagged == ()


def test_an_entry_of_a_version_to_come_is_kept_and_flagged(city: LiveCity, pen: Pen) -> None:
    body = msgspec.json.decode(canonical(pen.write(DayOpened())))
    pen.rows.pop()
    body["fact"] = {"kind": "SurrenderOfTomorrow", "amount": 5}
    pen.body(msgspec.json.encode(body, order="sorted"))
    pen.write(StockReceived("x", "y", ()))
    ack = pen.send(city.url, pen.batch())
    assert (ack.acked_seq, ack.flagged) == (3, ((2, "UNREADABLE"),))


@pytest.mark.parametrize("change", [{"seq": 9}, {"device": "EW-0002"}, {"epoch": 2}, {"epoch": 2, "instant": 2**60}])
def test_an_entry_that_is_not_what_its_place_says_ends_the_batch_there(
    city: LiveCity, pen: Pen, change: dict[str, Any]
) -> None:
    pen.write(DayOpened())
    pen.write(StockReceived("x", "y", ()), **change)
    pen.write(StockReceived("x", "y", ()))
    ack = pen.send(city.url, pen.batch())
    assert (ack.outcome, ack.reason, ack.bad_seq, ack.acked_seq) == (Outcome.QUARANTINED, "BAD_ENTRY", 3, 2)
    assert ack.acked_hash == pen.rows[1].hash.hex()
    again = pen.send(city.url, pen.batch(3))
    assert (again.outcome, again.acked_seq) == (Outcome.QUARANTINED, 2)


@pytest.mark.parametrize("change", [{"instant": 2**60}, {"id": "x" * 81}, {"date": "x" * 81}])
def test_an_entry_out_of_bounds_stands_in_its_place_and_counts_for_nothing(
    city: LiveCity, pen: Pen, change: dict[str, Any]
) -> None:
    pen.write(StockReceived("x", "y", (ReceivedLine("p", 1),)), **change)
    pen.write(StockReceived("x", "y", (ReceivedLine("p", 2),)))
    ack = pen.send(city.url, pen.batch())
    assert (ack.outcome, ack.acked_seq, ack.flagged) == (Outcome.ACCEPTED, 3, ((2, "UNREADABLE"),))
    with city.store.read() as tx:
        assert [row["packs"] for row in tx.all(schema.stock)] == [2]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"b":1,"a":2}', b'{"seq": 2}', b'{"id":"\xff"}'])
def test_bytes_that_are_no_entry_are_kept_and_flagged(city: LiveCity, pen: Pen, body: bytes) -> None:
    pen.body(body)
    ack = pen.send(city.url, pen.batch())
    assert (ack.outcome, ack.acked_seq, ack.flagged) == (Outcome.ACCEPTED, 2, ((2, "UNREADABLE"),))


@pytest.mark.parametrize("text", [b'"id":"', b'"operator":"', b'"seq":2,"x":"'])
def test_bytes_that_are_no_text_are_kept_and_no_fault_of_the_city(city: LiveCity, pen: Pen, text: bytes) -> None:
    body = canonical(pen.write(DayOpened()))
    pen.rows.pop()
    pen.body(body.replace(text, text + b"\xa2") if text in body else body.replace(b'"seq":2', text + b'\xa2"'))
    now = city.clock.ms
    with trying(city.store) as tx:
        ack = msgspec.json.decode(intake.take(tx, city.keys, pen.batch(), now, now // 1000), type=Ack)
    assert (ack.outcome, ack.acked_seq, ack.flagged) == (Outcome.ACCEPTED, 2, ((2, "UNREADABLE"),))


def test_a_body_that_is_not_canonical_is_flagged_and_counts_for_nothing(city: LiveCity, pen: Pen) -> None:
    spaced = canonical(pen.write(redeemed(ration_family(city)))).replace(b'"seq":2', b'"seq": 2')
    pen.rows.pop()
    pen.body(spaced)
    assert pen.send(city.url, pen.batch()).flagged == ((2, "UNREADABLE"),)
    with city.store.read() as tx:
        assert tx.count(schema.redemption) == 0


def test_the_old_epoch_is_frozen_when_the_kiosk_is_enrolled_again(city: LiveCity, pen: Pen) -> None:
    from ewarung_pos.sync.enrolment import enrol

    pen.send(city.url, pen.batch())
    again = enrol(city.url, city.code(), "0.1.0", now_s=lambda: pen.clock.ms // 1000)
    assert again.identity.epoch == 2
    pen.write(DayOpened())
    ack = pen.send(city.url, pen.batch(2))
    assert (ack.outcome, ack.reason, ack.acked_seq) == (Outcome.QUARANTINED, "UNKNOWN_EPOCH", 1)
    assert aside(city) == [("UNKNOWN_EPOCH", 2)]
    new = Pen(again, pen.clock)
    new.write(KioskEnrolled("e-Warung Mawar", "33.74.01.1010", "", "", "0.1.0"), date="")
    assert new.send(city.url, new.batch()).acked_seq == 1


def test_a_seal_that_does_not_fit_its_entries_is_a_case(city: LiveCity, pen: Pen) -> None:
    family = ration_family(city)
    pen.write(DayOpened())
    fact = redeemed(family)
    purse = PurseDebit("a1", 20_000, "1", "2", "3", "t", "m", "b")
    pen.write(msgspec.structs.replace(fact, purse=purse))
    pen.write(DayClosed(DayTotals(first_seq=2, last_seq=3), (), None, "00" * 32, "zz", 1))
    assert pen.send(city.url, pen.batch()).flagged == ((3, "LINES_DIFFER"), (4, "DAY_DIFFERS"))
    line = pen.city(city.url)
    said = line.attest("2026-11-24")
    line.close()
    assert said is not None
    assert {"redemptions", "purse", "ration_value", "families", "control.beras", "head", "signature"} <= set(
        said.differs
    )
    assert (said.totals.purse, said.totals.ration_value, said.totals.redemptions) == (20_000, PRICE, 1)


@pytest.mark.parametrize(
    ("purse", "edc", "differs"),
    [
        (20_000, EdcTotals(20_000, "000001"), False),
        (20_000, EdcTotals(19_000, "000001", "kurang bayar, struk 0002"), True),
        (20_000, None, True),
        (0, EdcTotals(5_000, "000001", "uji coba bank"), True),
        (0, EdcTotals(0), False),
        (0, None, False),
    ],
)
def test_an_edc_that_says_another_total_or_none_is_a_case_explained_or_not(
    city: LiveCity, pen: Pen, purse: int, edc: EdcTotals | None, differs: bool
) -> None:
    pen.write(DayOpened())
    pen.write(DayClosed(DayTotals(first_seq=2, last_seq=2, purse=purse), (), edc, "00" * 32, "zz", 1))
    flagged = pen.send(city.url, pen.batch()).flagged
    assert ((3, "EDC_DIFFERS") in flagged) is differs


# --- the same entries, whichever way they come --------------------------------------------------------------------


def story(pen: Pen, families: list[str]) -> None:
    chance = random.Random(7)
    pen.write(DayOpened())
    pen.write(StockReceived("Bulog", "SJ-1", (ReceivedLine("beras-medium-5", 50),)))
    receipt = 0
    for _ in range(12):
        receipt += 1
        fact = redeemed(chance.choice(families), packs=chance.choice([1, 1, 2]), receipt=receipt)
        entry = pen.write(fact)
        if chance.random() < 0.3:
            receipt += 1
            pen.write(undo(entry.id, fact, receipt))


@pytest.fixture
def whole(stocked: LiveCity) -> tuple[LiveCity, Pen, bytes]:
    """A journal, and the figures it leaves when it comes in one piece; the city is empty again."""
    from ewarung_city.enrolment import enrol
    from ewarung_pos.domain.state import KioskIdentity
    from ewarung_pos.sync.enrolment import Enrolment
    from ewarung_pos.sync.protocol import Enrol
    from ewarung_pos.sync.signing import code_secret, enrol_proof, new_key, new_wrap_key, public_of, wrap_public_of

    key, wrap = new_key(), new_wrap_key()
    name, secret = code_secret(stocked.code())
    public, wrap_public = public_of(key).hex(), wrap_public_of(wrap).hex()
    with stocked.store.write() as tx:
        message = Enrol(name, enrol_proof(secret, name, public, wrap_public), public, wrap_public, "0.1.0")
        enrol(tx, stocked.keys, message, stocked.clock.ms)
    identity = KioskIdentity("EW-0001", 1, "e-Warung Mawar", "33.74.01.1010", "Kauman")
    pen = Pen(Enrolment(identity, key, b"", b"", stocked.keys.public, 0, "0.1.0"), stocked.clock)
    pen.write(KioskEnrolled("e-Warung Mawar", "33.74.01.1010", "", "", "0.1.0"), date="")
    story(pen, [ration_family(stocked, place) for place in range(5)])
    with trying(stocked.store) as tx:
        intake.take(tx, stocked.keys, pen.batch(), stocked.clock.ms, stocked.clock.ms // 1000)
        return stocked, pen, _figures_in(tx)


def _figures_in(tx: Tx) -> bytes:
    tables = (schema.lease, schema.stock, schema.redemption, schema.redemption_line, schema.case, schema.day)
    return encode([tx.all(table, *table.primary_key.columns.keys()) for table in tables])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_figures_depend_on_the_entries_not_on_how_they_were_sent(
    whole: tuple[LiveCity, Pen, bytes], data: st.DataObject
) -> None:
    city, pen, expected = whole
    last = len(pen.rows)
    spans = data.draw(st.lists(st.tuples(st.integers(1, last), st.integers(1, last)), max_size=8))
    with trying(city.store) as tx:
        for first, end in [(min(s), max(s)) for s in spans] + [(1, last)]:
            push: Push = pen.batch(first, end)
            ack = msgspec.json.decode(intake.take(tx, city.keys, push, city.clock.ms, city.clock.ms // 1000), type=Ack)
            assert ack.outcome is not Outcome.FORK
        assert _figures_in(tx) == expected
        assert verify(tx) == []
