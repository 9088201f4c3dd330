"""The city's half of the rule: never more granted than the family is entitled to, whatever happens in between."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ewarung_city import feed, leases
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.verify import verify
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import StateReceived, genesis
from ewarung_pos.domain.rights import is_pool
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import ConfigError, NotEntitled
from ewarung_pos.sync.protocol import Hello, ack_text
from ewarung_pos.sync.signing import sign
from tests.integration.city.city_kit import PERIOD, LiveCity, Pen, trying
from tests.integration.city.moving import Kiosk, ask, at_home


def granted(tx: Tx, family: str, period: str = PERIOD) -> dict[tuple[str, int], int]:
    rows = tx.all(schema.lease, family=family, period=period, commodity="beras")
    return {(row["device"], row["epoch"]): int(row["granted"]) for row in rows if row["granted"]}


def one_family(tx: Tx) -> str:
    return str(tx.all(schema.lease, "family", device="EW-0001", commodity="beras")[0]["family"])


def test_the_whole_ration_goes_to_the_home_kiosk_once(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        family = one_family(tx)
        assert granted(tx, family) == {("EW-0001", 1): 10_000}
        again = leases.grant(tx, PERIOD)
        assert (again.leases, again.credits, again.families) == (0, 0, 0)
        assert granted(tx, family) == {("EW-0001", 1): 10_000}


def test_the_next_month_is_granted_beside_this_one(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        family = one_family(tx)
        cursor = feed.page_for(tx, "EW-0001", 1, 0).cursor
        done = leases.grant(tx, "2026-12")
        assert granted(tx, family, "2026-12") == granted(tx, family) == {("EW-0001", 1): 10_000}
        assert done.leases == 900
        page = feed.page_for(tx, "EW-0001", 1, cursor)
        assert {lease.period for lease in page.leases} == {"2026-12"}
        assert {credit.amount for credit in page.credits} == {200_000}  # the monthly credit, not the opening balance


def test_a_kiosk_is_told_again_of_families_that_it_may_have_forgotten(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        cursor = feed.page_for(tx, "EW-0001", 1, 0).cursor
        leases.grant(tx, "2026-12")
        page = feed.page_for(tx, "EW-0001", 1, cursor)
        assert page.families == (), "it had rights last month"
        leases.grant(tx, "2028-01")
        told: dict[str, int] = {}
        while True:
            page = feed.page_for(tx, "EW-0001", 1, page.cursor)
            for at, family in enumerate(page.families):
                told[family.key] = at
            whose = {lease.family for lease in page.leases if not is_pool(lease.family)}
            assert whose <= told.keys(), "rights come after their family"
            if not page.more:
                break
        homes = {row["key"] for row in tx.all(schema.family, home="EW-0001")}
        assert told.keys() == homes


def test_a_family_that_moves_gets_nothing_twice(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        family = one_family(tx)
        tx.change(schema.family, {"home": "EW-0002"}, key=family)
        done = leases.grant(tx, PERIOD)
        assert granted(tx, family) == {("EW-0001", 1): 10_000}
        assert done.short == 4
        held = {"device": "EW-0001", "family": family, "commodity": "beras"}
        tx.change(schema.lease, {"surrendered": 4_000}, **held)
        leases.grant(tx, PERIOD)
        assert granted(tx, family) == {("EW-0001", 1): 10_000, ("EW-0002", 1): 4_000}
        assert verify(tx) == []


def test_what_is_wrong_with_rights_is_found_however_few_families_are_looked_at_at_once(
    stocked: LiveCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ewarung_city.verify._FAMILIES", 7)
    with stocked.store.write() as tx:
        rows = [
            tx.all(schema.lease, "family", device=device, commodity="beras")[1] for device in ("EW-0003", "EW-0001")
        ]
        for row in rows:
            tx.change(schema.lease, {"granted": 99_000}, device=row["device"], family=row["family"], commodity="beras")
        charged = {"family": rows[0]["family"], "commodity": "beras"}
        tx.change(schema.entitlement, {"charged": 1}, **charged)
        found = [(each.device, each.what.split("/")[:2]) for each in verify(tx)]
    assert found == [
        ("EW-0001", [f"overgrant {rows[1]['family']}", rows[1]["programme"]]),
        ("EW-0003", [f"overgrant {rows[0]['family']}", rows[0]["programme"]]),
        ("", [f"charge {rows[0]['family']}", rows[0]["programme"]]),
    ]


def test_a_lost_kiosks_rights_are_free_only_when_two_officers_sign(city: LiveCity, pen: Pen) -> None:
    with city.store.write() as tx:
        family = one_family(tx)
        with pytest.raises(NotEntitled):  # it is still at work
            leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
        tx.change(schema.epoch, {"state": "frozen"}, device="EW-0001", epoch=1)
        tx.change(schema.kiosk, {"epoch": 2}, device="EW-0001")
        leases.grant(tx, PERIOD)
        assert granted(tx, family) == {("EW-0001", 1): 10_000}
        for officers in (["Ratna"], ["Ratna", " Ratna "], ["Ratna", ""]):
            with pytest.raises(NotEntitled):
                leases.declare_lost(tx, "EW-0001", 1, officers)
        tx.change(schema.lease, {"spent": 6_000, "returned": 1_000}, device="EW-0001", family=family, commodity="beras")
        assert leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"]) > 0
        leases.grant(tx, PERIOD)
        assert granted(tx, family) == {("EW-0001", 1): 10_000, ("EW-0001", 2): 5_000}
        assert leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"]) == 0


def test_a_month_of_a_kiosk_that_is_gone_stays_where_others_can_ask_for_it(city: LiveCity, kiosk: Kiosk) -> None:
    kiosk("EW-0001")
    other, card = kiosk("EW-0002"), at_home(city)
    with city.store.write() as tx:
        family = str(card["key"])
        tx.change(schema.epoch, {"state": "frozen"}, device="EW-0001")
        leases.declare_lost(tx, "EW-0001", 1, ["Ratna", "Heru"])
        done = leases.grant(tx, PERIOD)
        assert (done.leases, granted(tx, family)) == (0, {("EW-0001", 1): 10_000}), (
            "that went, and comes back to nobody"
        )
        assert done.short > 0
        leases.grant(tx, "2026-12")
        assert granted(tx, family, "2026-12") == {}
    assert ask(other, card).outcome == "granted"
    with city.store.write() as tx:
        tx.change(schema.kiosk, {"epoch": 2}, device="EW-0001")
        again = {"device": "EW-0001", "epoch": 2, "acked_hash": genesis("EW-0001", 2).hex()}
        tx.put(schema.epoch, [{**again, "state": "active", "mode": "normal"}])
        leases.grant(tx, "2026-12")
        assert granted(tx, family, "2026-12") == {("EW-0001", 2): 10_000}
        assert verify(tx) == []


@pytest.mark.parametrize("period", ["november", "2026-13", "2026"])
def test_what_is_no_period_is_refused(stocked: LiveCity, period: str) -> None:
    with pytest.raises(ConfigError), stocked.store.write() as tx:
        leases.grant(tx, period)


def test_without_a_catalogue_nothing_is_granted(bare: LiveCity) -> None:
    with pytest.raises(ConfigError) as refused, bare.store.write() as tx:
        leases.grant(tx, PERIOD)
    assert refused.value.reason == "no_catalogue"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), st.just(0)),
        st.tuples(st.just("move"), st.integers(1, 4)),
        st.tuples(st.just("surrender"), st.integers(0, 10_000)),
        st.tuples(st.just("spend"), st.integers(0, 10_000)),
        st.tuples(st.just("enrol"), st.integers(1, 4)),
        st.tuples(st.just("lost"), st.integers(1, 4)),
    ),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_never_more_than_the_entitlement_can_be_handed_out(stocked: LiveCity, steps: list[tuple[str, int]]) -> None:
    """Whatever is granted, moved, surrendered, lost: what may be spent, with what was, is at most E."""
    with trying(stocked.store) as tx:
        family = one_family(tx)
        for what, number in steps:
            _play(tx, family, what, number)
            rows = tx.all(schema.lease, family=family, commodity="beras", period=PERIOD)
            at_most = sum(_may_be_handed_out(row) for row in rows)
            assert at_most <= 10_000
            assert [found for found in verify(tx) if found.what.startswith("overgrant")] == []


def _may_be_handed_out(lease: Row) -> int:
    """A live device can spend all it was granted and has not given back; a lost one has spent what it reported."""
    return int(lease["granted"]) - int(lease["surrendered"]) - int(lease["released"])


def _play(tx: Tx, family: str, what: str, number: int) -> None:
    rows = tx.all(schema.lease, "device", "epoch", family=family, commodity="beras", period=PERIOD)
    device = f"EW-000{number}"
    match what:
        case "grant":
            leases.grant(tx, PERIOD)
        case "move":
            tx.change(schema.family, {"home": device}, key=family)
        case "surrender" | "spend":
            for row in rows:
                rest = leases.outstanding(row) - int(row["spent"])
                column = "surrendered" if what == "surrender" else "spent"
                key = {name: row[name] for name in ("device", "epoch", "family", "programme", "period", "commodity")}
                tx.change(schema.lease, {column: int(row[column]) + min(number, max(0, rest))}, **key)
        case "enrol":
            held = tx.one(schema.kiosk, device=device)
            assert held is not None
            epoch = int(held["epoch"]) + 1
            tx.change(schema.epoch, {"state": "frozen"}, device=device)
            tx.change(schema.kiosk, {"epoch": epoch}, device=device)
            tx.put(schema.epoch, [{"device": device, "epoch": epoch, "state": "active", "mode": "normal"}])
        case _:
            for frozen in tx.all(schema.epoch, device=device, state="frozen"):
                leases.declare_lost(tx, device, int(frozen["epoch"]), ["Ratna", "Heru"])


# --- a database restored from a backup -------------------------------------------------------------------------------


def test_a_city_restored_from_a_backup_grants_nothing_before_its_kiosks_reported(city: LiveCity, pen: Pen) -> None:
    """The kiosk was acknowledged up to 2 by a database that is gone; this one knows 1."""
    pen.send(city.url, pen.batch())
    with city.store.read() as tx:
        family = one_family(tx)
    pen.write(StateReceived(500, "", (LeaseGrant(family, "JATAH", "2026-12", "beras", Unit.GRAM, 10_000),)))
    line = pen.city(city.url)
    seq, head = len(pen.rows), pen.head.hex()
    said = Hello("EW-0001", 1, seq, head, 2, head, 500, 1, "0.1.0", pen.clock.ms, 1, "boot", 7, ((2, "x"),))
    proof = sign(city.keys.signing, ack_text("EW-0001", 1, 2, head, 7, ((2, "x"),))).hex()
    said = msgspec.structs.replace(said, ack_signature=proof)
    welcome = line.hello(said)

    def refused() -> None:
        with pytest.raises(ConfigError) as caught, city.store.write() as tx:
            leases.grant(tx, "2026-12")
        assert caught.value.reason == "recovery"
        assert "EW-0001/1" in caught.value.detail

    refused()
    assert pen.send(city.url, pen.batch(2)).flagged == ((2, "UNKNOWN_GRANT"),)
    refused()  # whether that is all, only the kiosk can say
    assert line.hello(msgspec.structs.replace(said, recovery=welcome.recovery)).recovery == ""
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
        assert granted(tx, family, "2026-12") == {}  # counted as granted by the database that is gone
        assert leases.recovering(tx) == []

    page, _ = line.pull(500)
    assert page.cursor > 500  # versions go on above what the kiosk has seen
    assert len(page.families) == 240
    line.close()


def test_a_kiosk_in_doubt_is_short_of_what_it_does_not_hold_yet_and_of_nothing_else(city: LiveCity, pen: Pen) -> None:
    with city.store.write() as tx:
        leases.doubt(tx, pen.device, 1, 99)
        whole = leases.grant(tx, PERIOD)
        before = leases.grant(tx, "2026-12")
        leases.doubt(tx, pen.device, 1, 0)
        after = leases.grant(tx, "2026-12")
        assert (whole.leases, whole.short) == (0, 0)
        assert before.short == after.leases > 0
        assert after.short == 0


def test_a_page_is_no_larger_than_allowed_and_none_is_missed(
    stocked: LiveCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAGE_BYTES", 8_000)
    monkeypatch.setattr(feed, "_THINGS", 50)
    cursor, families, rights, more, catalogues = 0, set(), set(), True, 0
    with stocked.store.write() as tx:
        while more:
            page = feed.page_for(tx, "EW-0001", 1, cursor)
            assert page.cursor > cursor
            cursor, more = page.cursor, page.more
            families |= {family.key for family in page.families}
            rights |= {(lease.family, lease.commodity) for lease in page.leases}
            catalogues += page.catalogue is not None
        assert feed.page_for(tx, "EW-0001", 1, cursor).cursor == cursor
    assert (len(families), len(rights), catalogues) == (240, 720 + 4, 1), "the pool of each good is a right too"


def test_a_message_and_a_thing_that_is_gone(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        cursor = feed.page_for(tx, "EW-0001", 1, 0).cursor
        feed.tell(tx, "EW-0001", [("message", "Rapat Jumat"), ("family", "K0"), ("operator", "tidak-ada")])
        feed.tell(tx, "EW-9999", [("message", "x")])
        feed.tell(tx, "EW-0001", [])
        page = feed.page_for(tx, "EW-0001", 1, cursor)
    assert (page.messages, page.families, page.operators, page.cursor) == (("Rapat Jumat",), (), (), cursor + 3)
