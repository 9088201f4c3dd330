"""Files carried between a till and its city: real engines and services on both sides, and no line between them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec
import pytest

from ewarung_city import leases
from ewarung_city.bundles import Carried, take_bundle
from ewarung_city.store import schema
from ewarung_city.verify import verify
from ewarung_pos.domain.journal import SettingsChanged
from ewarung_pos.errors import BundleRefused, ServerBusy
from ewarung_pos.ports import SyncReport
from ewarung_pos.sync import bundle
from ewarung_pos.sync.bundle import Header, Message, Way
from ewarung_pos.sync.protocol import encode
from ewarung_pos.sync.stick import Notes, fetch_bundle, outgoing_bundle
from tests.altered import altered
from tests.integration.city.city_kit import Cities, LiveCity, Pen, Till
from tests.integration.city.test_day import morning
from tests.integration.city.test_greeting import greeting

DAY_MS = 86_400_000


def out(till: Till, notes: Notes | None = None) -> bytes:
    return outgoing_bundle(till.ledger.read(), till.clock, notes).data


def at_the_city(city: LiveCity, data: bytes) -> Carried:
    return take_bundle(city.store, city.keys, data, city.clock.ms)


def home(till: Till, reply: bytes) -> SyncReport:
    report, _ = fetch_bundle(till.ledger, till.clock, reply)
    assert (report.code, report.reason) == ("", "")
    return report


def there_and_back(city: LiveCity, till: Till) -> SyncReport:
    return home(till, at_the_city(city, out(till)).reply)


def note(till: Till, text: str = "x") -> None:
    with till.ledger.write() as uow:
        uow.append(SettingsChanged("note", "", text))


def heads(city: LiveCity, till: Till) -> tuple[int, str, int, str]:
    """(last entry that the till knows to be acknowledged, its hash; the same at the city)."""
    head, held = till.ledger.read().head(), city.epoch()
    return head.acked_seq, head.acked_hash, held["acked_seq"], held["acked_hash"]


def rows(till: Till) -> list[bytes]:
    return [row.body for row in till.ledger.read().sealed(0, 10_000, 10**8)]


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(BundleRefused) as caught:
        work()
    return caught.value.reason


@pytest.fixture
def cut(city: LiveCity, till: Till) -> Till:
    """Enrolled, and never on a line since."""
    till.reconnect("")
    return till


def test_a_kiosk_without_a_line_serves_a_day_and_the_city_confirms_it(city: LiveCity, cut: Till) -> None:
    first = there_and_back(city, cut)
    assert first.received > 200  # register, rights, people and goods came by hand
    assert first.sent == 1
    _, sealed = morning(cut)
    cut.clock.wait(2 * DAY_MS)  # the way to the office, and back
    done = at_the_city(city, out(cut))
    assert done.entries > 20
    assert (done.flagged, done.aside, done.again) == ((), (), False)
    cut.clock.wait(DAY_MS)
    report = home(cut, done.reply)
    assert report.sent == done.entries
    assert report.attested == ("2026-11-24",)
    assert cut.ledger.read().settings()["attested:2026-11-24"].startswith(f"agrees {sealed.head}")
    ours, our_hash, held, held_hash = heads(city, cut)
    assert (ours, our_hash) == (held, held_hash)
    assert ours == done.acked_seq
    assert report.unsent == 0
    with city.store.read() as tx:
        assert verify(tx) == []
    assert city.cases() == []


def test_either_file_again_does_nothing_and_says_the_same(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    morning(cut)
    file = out(cut)
    done = at_the_city(city, file)
    held = city.content()
    cut.clock.wait(DAY_MS)
    again = at_the_city(city, file)
    assert (again.reply, again.name, again.entries, again.again) == (done.reply, done.name, 0, True)
    assert city.content() == held
    home(cut, done.reply)
    kept = rows(cut)
    for _ in range(2):
        report = home(cut, done.reply)
        assert (report.sent, report.received, report.attested, report.flagged) == (0, 0, (), ())
    assert rows(cut) == kept


def test_when_the_line_comes_back_nothing_is_there_twice(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    morning(cut)
    done = at_the_city(city, out(cut))
    cut.reconnect(city.url)  # the reply is still on its way
    cut.drain()
    _, _, held, _ = heads(city, cut)
    assert held >= done.acked_seq
    sums = _sums(city)
    home(cut, done.reply)
    cut.drain()
    assert _sums(city) == sums
    ours, our_hash, held, held_hash = heads(city, cut)
    assert (ours, our_hash) == (held, held_hash)
    with city.store.read() as tx:
        assert verify(tx) == []
    assert city.cases() == []


def _sums(city: LiveCity) -> tuple[int, int]:
    with city.store.read() as tx:
        return tx.count(schema.redemption), sum(int(row["spent"]) for row in tx.all(schema.lease))


def test_files_that_come_in_the_wrong_order_are_all_taken(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    first = out(cut)
    note(cut)
    cut.clock.wait(60_000)
    second = out(cut)
    later, earlier = at_the_city(city, second), at_the_city(city, first)
    assert (later.entries > 0, earlier.entries) == (True, 0)
    home(cut, later.reply)
    assert home(cut, earlier.reply).received == 0
    assert city.cases() == []


def test_what_the_city_grants_meanwhile_comes_with_the_next_file(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    assert there_and_back(city, cut).received == 0
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
    before, after = (there_and_back(city, cut).received for _ in range(2))
    assert (before > 100, after) == (True, 0)
    assert int(city.epoch()["pulled"]) == cut.ledger.read().cursor()


def test_a_file_that_was_touched_or_cut_off_changes_nothing_on_either_side(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    note(cut)
    file = out(cut)
    held = city.content()
    for data in (file[:-1], file[: len(file) // 2], altered(file, -70), file + b"\0"):
        assert refusal(lambda data=data: at_the_city(city, data)) == "damaged"  # type: ignore[misc]
    assert city.content() == held
    reply = at_the_city(city, file).reply
    kept = rows(cut)
    for data in (reply[:-1], reply[: len(reply) // 2], altered(reply, -70)):
        assert refusal(lambda data=data: home(cut, data)) == "damaged"  # type: ignore[misc]
    assert rows(cut) == kept
    assert home(cut, reply).sent == 3  # what the first reply brought, its acknowledgement, and the note


def test_an_import_that_was_cut_off_is_begun_again(city: LiveCity, cut: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(40):
        note(cut, "m" * 20_000)
    file = out(cut)
    calls = [0]
    true = city.store.turn

    def busy(*words: object, **more: object) -> object:
        calls[0] += 1
        if calls[0] == 3:
            raise ServerBusy("held", reason="database")
        return true(*words, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(city.store, "turn", busy)
        with pytest.raises(ServerBusy):
            at_the_city(city, file)
    assert 0 < int(city.epoch()["acked_seq"]) < 40
    done = at_the_city(city, file)
    assert (done.again, done.acked_seq) == (False, 41)
    assert home(cut, done.reply).sent == 41


def test_a_city_that_lost_entries_asks_for_them_and_grants_nothing_before_it_heard_anew(
    city: LiveCity, cities: Cities, cut: Till
) -> None:
    """A database restored from a copy; the kiosk speaks through files alone."""
    there_and_back(city, cut)
    note(cut)
    city.stop()
    city.store.close()
    copy = cities.copy_of(city, "copy")
    there_and_back(copy, cut)
    early = out(cut)  # lies in a drawer until the copy is in use
    note(cut)
    there_and_back(copy, cut)
    copy.stop()
    copy.store.close()
    restored = cities.copy_of(city, "restored")  # knows nothing of what the copy was told
    restored.clock.wait(DAY_MS)
    with restored.store.write() as tx:
        assert leases.restored(tx) == ["EW-0001/1"]
    restored.clock.wait(60_000)
    at_the_city(restored, early)
    done = at_the_city(restored, out(cut))
    assert done.aside == ("GAP",)
    report, notes = fetch_bundle(cut.ledger, cut.clock, done.reply)
    assert (report.code, report.reason, report.received) == ("unauthorised", "quarantined_gap", 0)
    assert notes.resend_from == int(restored.epoch()["acked_seq"]) + 1
    assert notes.asks
    with restored.store.read() as tx:
        assert leases.recovering(tx) == ["EW-0001/1"]  # what lay in the drawer answers nothing
    restored.clock.wait(60_000)
    done = at_the_city(restored, out(cut, notes))
    assert done.aside == ()
    report, notes = fetch_bundle(cut.ledger, cut.clock, done.reply)
    assert (report.code, notes) == ("", Notes())
    with restored.store.write() as tx:
        assert leases.recovering(tx) == []
    assert heads(restored, cut)[2] == cut.ledger.read().head().seq - 1  # but for what the reply itself brought


def test_a_message_that_is_not_understood_is_answered_and_the_others_are_taken(city: LiveCity, pen: Pen) -> None:
    header = Header(
        way=Way.TO_CITY,
        city=city.keys.public.hex(),
        device="EW-0001",
        epoch=1,
        id="1" * 32,
        created_s=city.clock.ms // 1000,
    )
    hello = greeting(pen, 1)
    said = [
        Message("POST /v1/hello", b"{"),
        Message("POST /v1/hello", encode(msgspec.structs.replace(hello, schema=99))),
        Message("POST /v1/hello", encode(msgspec.structs.replace(hello, device="EW-0002"))),
        Message("POST /v1/push", b"[]"),
        Message("POST /v1/push", encode(msgspec.structs.replace(pen.batch(), epoch=2))),
        Message("POST /v1/push", encode(pen.batch())),
        Message("GET /v1/attest/yesterday"),
        Message("GET /v1/attest/2026-11-23"),
        Message("GET /v1/pull"),
        Message("GET /v1/pull?cursor=x&acked_seq=1"),
        Message(f"GET /v1/pull?cursor=0&acked_seq=1&acked_hash={pen.head.hex()}"),
        Message(f"GET /v1/pull?cursor=0&acked_seq=1&acked_hash={pen.head.hex()}"),
        Message("POST /v1/tomorrow", b"{}"),
        Message("nonsense"),
    ]
    done = take_bundle(city.store, city.keys, bundle.write(header, said, pen.key, city.keys.public), city.clock.ms)
    opened = bundle.read(done.reply, lambda _: city.keys.public, pen.key)
    statuses = [message.status for message in opened.messages()]
    pages = len(statuses) - len(said) + 1
    assert statuses == [400, 409, 403, 400, 403, 200, 400, 404, 400, 400, *[200] * pages, 409, 404, 404]
    assert (done.entries, done.acked_seq) == (1, 1)
    reasons = [msgspec.json.decode(m.body)["reason"] for m in opened.messages() if m.status != 200]
    assert reasons == [
        "malformed", "schema", "wrong_key", "malformed", "wrong_key", "malformed", "day_not_here", "malformed",
        "malformed", "replayed", "not_found", "not_found",
    ]  # fmt: skip


def test_only_the_newest_replies_are_kept_and_an_older_file_is_answered_anew(city: LiveCity, cut: Till) -> None:
    files = []
    for _ in range(5):
        note(cut)
        cut.clock.wait(1_000)
        files.append(out(cut))
        at_the_city(city, files[-1])
    with city.store.read() as tx:
        held = {row["digest"]: bool(row["reply"]) for row in tx.all(schema.bundle)}
    assert [held[hashlib.sha256(file).hexdigest()] for file in files] == [False, False, True, True, True]
    old = at_the_city(city, files[0])
    assert (old.again, old.entries) == (False, 0)
    assert home(cut, old.reply).sent > 0
    assert city.cases() == []
