"""The till's steps against a scripted city on loopback: what is sent, what is believed, what every failure leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from ewarung_pos import __version__
from ewarung_pos.domain.business_day import DayTotals, EdcTotals
from ewarung_pos.domain.journal import (
    CityAcknowledged,
    DayClosed,
    SettingsChanged,
    StateReceived,
    decode,
    genesis,
    link,
)
from ewarung_pos.domain.state import StatePage
from ewarung_pos.domain.versions import OLDEST_SETTING
from ewarung_pos.ports import SyncPhase
from ewarung_pos.sync import packing, protocol, signing
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.leg import BASE_MS, CAP_MS
from ewarung_pos.sync.protocol import Ack, Hello, Mode, Outcome, Push, Welcome, encode
from tests.till_kit import FakeClock, TillKit, till_kit
from tests.unit.sync.line import CITY, DEVICE, Reply, Seen, served

OTHER = bytes(range(2, 34))
ZERO = genesis("EW-0001", 1).hex()

SECOND, THIRD = "2" * 32, "3" * 32
"""Lives of the city after its first."""


@dataclass
class City:
    """A city that keeps what it is sent, and may be told to answer otherwise for once."""

    clock: FakeClock
    hashes: list[str] = field(default_factory=lambda: [ZERO])
    bodies: list[bytes] = field(default_factory=list)
    pages: list[StatePage] = field(default_factory=list)
    days: dict[str, protocol.Attest] = field(default_factory=dict)
    mode: Mode = Mode.NORMAL
    reason: str = ""
    ahead_ms: int = 0
    recovery: str = ""
    life: str = ""
    upgrade: str | None = ""
    answers: list[tuple[str, int]] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    next: dict[str, list[Callable[[Seen], Reply]]] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Reply:
        what = seen.url.split("/v1/")[1].split("?")[0].split("/")[0]
        self.asked.append(what)
        if self.next.get(what):
            return self.next[what].pop(0)(seen)
        return getattr(self, what)(seen)  # type: ignore[no-any-return]

    def hello(self, seen: Seen) -> Reply:
        body = packing.unpack(seen.body) if seen.headers.get("Content-Encoding") == "gzip" else seen.body
        hello = msgspec.json.decode(body, type=Hello)
        self.answers.append((hello.recovery, hello.head_seq))
        asks = "" if hello.recovery == self.recovery else self.recovery
        now = self.clock.ms + self.ahead_ms
        held = (len(self.bodies), self.hashes[-1], 0, now)
        said = Welcome(*held, self.mode, self.reason, asks, self.life, hello.life, self.upgrade)
        return Reply(body=encode(said))

    def push(self, seen: Seen) -> Reply:
        body = packing.unpack(seen.body) if seen.headers.get("Content-Encoding") == "gzip" else seen.body
        push = msgspec.json.decode(body, type=Push)
        assert push.first_seq <= len(self.bodies) + 1
        assert push.prev_hash == self.hashes[push.first_seq - 1]
        text = protocol.batch_text(push.device, push.epoch, push.first_seq, push.last_seq, push.head_hash)
        assert signing.verify(signing.public_of(DEVICE), text, bytes.fromhex(push.signature))
        del self.hashes[push.first_seq :], self.bodies[push.first_seq - 1 :]
        for raw in push.entries:
            self.bodies.append(bytes(raw))
            self.hashes.append(link(bytes.fromhex(self.hashes[-1]), bytes(raw)).hex())
        assert self.hashes[-1] == push.head_hash
        return self.acked()

    def acked(
        self,
        outcome: Outcome = Outcome.ACCEPTED,
        seq: int | None = None,
        digest: str = "",
        key: bytes = CITY,
        **more: str,
    ) -> Reply:
        seq = len(self.bodies) if seq is None else seq
        digest = digest or self.hashes[seq]
        now = self.clock.ms + self.ahead_ms
        signature = signing.sign(key, protocol.ack_text("EW-0001", 1, seq, digest, now, ())).hex()
        return Reply(body=encode(Ack(outcome, seq, digest, now, signature=signature, **more)))  # type: ignore[arg-type]

    def pull(self, seen: Seen) -> Reply:
        asked = dict(parse_qsl(urlsplit(seen.url).query))
        if (asked["acked_seq"], asked["acked_hash"]) != (str(len(self.bodies)), self.hashes[-1]):
            return Reply(409, body=encode(protocol.Problem(409, "Another entry is the last", "behind")))
        self.most.append(int(asked.get("most", protocol.PAGE_BYTES)))
        cursor = int(asked["cursor"])
        waiting = [page for page in self.pages if page.cursor > cursor]
        return Reply(body=encode(waiting[0] if waiting else StatePage(cursor)))

    def attest(self, seen: Seen) -> Reply:
        day = self.days.get(seen.url.rpartition("/")[2])
        if day is None:
            return Reply(404, body=encode(protocol.Problem(404, "Not here", "day_not_here")))
        signature = signing.sign(CITY, protocol.attest_text(day)).hex()
        return Reply(body=encode(msgspec.structs.replace(day, signature=signature)))


@dataclass
class Line:
    kit: TillKit
    city: City
    engine: SyncEngine
    url: str

    def note(self, text: str = "x") -> None:
        with self.kit.ledger.write() as uow:
            uow.append(SettingsChanged("note", "", text))

    def drain(self) -> int:
        """Steps until nothing more is to do; never without end."""
        for count in range(1, 20):
            report = self.engine.step()
            assert report.code == "", report
            if not report.more:
                return count
        raise AssertionError("the till never comes to rest")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    kit = till_kit(tmp_path, families=3)
    with kit.ledger.write() as uow:
        uow.put_secret("city_key", signing.public_of(CITY))
    city = City(kit.clock)
    with served(city) as (url, _):
        engine = SyncEngine(kit.ledger, kit.clock, url)
        yield Line(kit, city, engine, url)
        engine.close()
    kit.ledger.close()


def test_a_till_without_a_city_is_off_and_counts(line: Line) -> None:
    engine = SyncEngine(line.kit.ledger, line.kit.clock, "")
    report = engine.step()
    assert (report.phase, report.unsent, report.more) == (SyncPhase.OFF, 2, False)
    assert engine.offset_ms() is None
    engine.close()


def test_an_address_that_cannot_be_used_is_said_and_nothing_is_lost(line: Line) -> None:
    engine = SyncEngine(line.kit.ledger, line.kit.clock, "http://kota.example")
    report = engine.step()
    assert (report.code, report.unsent, report.more) == ("config", 2, False)
    engine.close()


def test_a_step_sends_what_waits_and_keeps_the_acknowledgement(line: Line) -> None:
    report = line.engine.step()
    assert (report.phase, report.sent, report.unsent, report.more) == (SyncPhase.IDLE, 2, 0, False)
    assert report.sent_bytes > sum(len(body) for body in line.city.bodies)
    head = line.kit.ledger.read().head()
    assert (head.seq, head.acked_seq, head.acked_hash) == (3, 2, line.city.hashes[2])
    (row,) = line.kit.ledger.read().sealed(2, 1, 1)
    fact = decode(row.body).fact
    assert isinstance(fact, CityAcknowledged)
    text = protocol.ack_text("EW-0001", 1, 2, fact.acked_hash, fact.server_ms, fact.flagged)
    assert signing.verify(signing.public_of(CITY), text, bytes.fromhex(fact.signature))


def test_acknowledgements_alone_are_not_sent_and_go_with_the_next_entry(line: Line) -> None:
    line.drain()
    for _ in range(3):
        report = line.engine.step()
        assert (report.sent, report.more) == (0, False)
    assert line.kit.ledger.read().head().seq == 3
    line.note()
    assert line.engine.step().sent == 2
    assert line.city.bodies == [row.body for row in line.kit.ledger.read().sealed(0, 10, 10**6)][:-1]


def test_hello_is_said_once_and_again_after_a_failure_ten_minutes_or_a_moved_clock(line: Line) -> None:
    for _ in range(3):
        line.engine.step()
    assert line.city.asked.count("hello") == 1
    line.city.next["pull"] = [lambda _: Reply(503)]
    line.engine.step()
    line.engine.step()
    assert line.city.asked.count("hello") == 2
    line.kit.clock.ms += 600_000
    line.engine.step()
    assert line.city.asked.count("hello") == 3


def test_many_entries_go_in_batches_that_the_protocol_allows(line: Line) -> None:
    for _ in range(30):
        line.note("m" * 20_000)
    first = line.engine.step()
    assert first.more
    assert first.phase is SyncPhase.SENDING
    assert 0 < first.sent < 30
    assert first.sent_bytes <= protocol.BATCH_BYTES + 2000  # the frame around the entries
    line.drain()
    assert len(line.city.bodies) >= 32
    assert line.kit.ledger.read().head().unsent == 0


def test_a_lost_acknowledgement_is_fetched_again_and_nothing_counts_twice(line: Line) -> None:
    def lose(seen: Seen) -> Reply:
        line.city.push(seen)
        return Reply(cut=True)

    line.city.next["push"] = [lose]
    report = line.engine.step()
    assert (report.code, report.reason, report.unsent, report.more) == ("server_unreachable", "cut", 2, False)
    line.drain()
    assert len(line.city.bodies) == 2
    assert line.kit.ledger.read().head().acked_seq == 2


def test_pages_come_one_a_step_and_each_is_an_entry(line: Line) -> None:
    line.drain()
    line.city.pages = [
        StatePage(cursor=2, register_source="a", messages=("halo", "lagi"), more=True),
        StatePage(cursor=3, register_date="2026-11-02", register_source="b"),
    ]
    report = line.engine.step()
    assert (report.received, report.more) == (2, True)
    line.drain()
    assert line.kit.ledger.read().cursor() == 3
    assert line.kit.ledger.read().register_info()[:2] == ("2026-11-02", "b")
    facts = [decode(row.body).fact for row in line.kit.ledger.read().sealed(3, 10, 10**6)]
    digests = [fact.digest for fact in facts if isinstance(fact, StateReceived)]
    assert digests == [hashlib.sha256(encode(page)).hexdigest() for page in line.city.pages]


def test_a_page_from_the_past_is_refused(line: Line) -> None:
    line.city.next["pull"] = [lambda _: Reply(body=encode(StatePage(cursor=0, register_source="old")))]
    report = line.engine.step()
    assert (report.code, report.reason, report.sent) == ("protocol_mismatch", "downgrade", 2)
    assert line.kit.ledger.read().register_info()[1] == "contoh"


def test_an_upload_that_fails_does_not_stop_a_download_nor_the_reverse(line: Line) -> None:
    line.city.pages = [StatePage(cursor=2, register_source="neu")]
    line.city.next["push"] = [lambda _: Reply(503, headers={"Retry-After": "120"})]
    report = line.engine.step()
    assert (report.code, report.sent, report.received) == ("server_busy", 0, 1)
    assert report.retry_ms == 120_000
    asked = line.city.asked.count("push")
    assert line.engine.step().code == "server_busy"
    assert line.city.asked.count("push") == asked  # not before the time that the city gave
    line.kit.clock.ms += 120_000
    line.city.next["pull"] = [lambda _: Reply(cut=True)]
    report = line.engine.step()
    assert (report.code, report.sent) == ("server_unreachable", 3)


@pytest.mark.parametrize("what", ["hello", "push", "pull"])
def test_an_answer_that_is_not_the_city_s_changes_nothing(line: Line, what: str) -> None:
    line.city.pages = [StatePage(cursor=9, register_source="forged")]

    def forge(seen: Seen) -> Reply:
        reply = getattr(line.city, what)(seen)
        reply.key = OTHER
        return reply  # type: ignore[no-any-return]

    before = line.kit.ledger.read().head()
    line.city.next = {name: [forge] if name == what else [lambda _: Reply(cut=True)] for name in ("push", "pull")}
    line.city.next.setdefault(what, [forge])
    report = line.engine.step()
    assert report.code in {"unauthorised", "server_unreachable"}
    assert line.kit.ledger.read().head() == before
    assert line.kit.ledger.read().cursor() == 1


def test_an_acknowledgement_of_another_chain_is_a_fork_and_is_not_kept(line: Line) -> None:
    line.city.next["push"] = [lambda _: line.city.acked(seq=2, digest="ab" * 32)]
    report = line.engine.step()
    assert (report.code, report.reason) == ("unauthorised", "fork")
    assert line.kit.ledger.read().head().acked_seq == 0


def test_a_fork_is_said_sent_once_and_nothing_comes_down(line: Line) -> None:
    line.city.pages = [StatePage(cursor=2, register_source="new")]
    line.city.next["push"] = [lambda _: line.city.acked(Outcome.FORK, 0, ZERO)] * 3
    line.city.mode, line.city.reason = Mode.UPLOAD_ONLY, "FORK"
    for _ in range(3):
        report = line.engine.step()
        assert (report.code, report.reason, report.more) == ("unauthorised", "fork", False)
    assert line.city.asked.count("push") == 1
    line.note()  # what is handed out afterwards is evidence too
    line.engine.step()
    assert line.city.asked.count("push") == 2
    assert "pull" not in line.city.asked
    assert line.kit.ledger.read().head().acked_seq == 0


def test_a_batch_with_an_entry_that_the_city_cannot_take_is_said_and_what_was_taken_counts(line: Line) -> None:
    def part(seen: Seen) -> Reply:
        line.city.push(seen)
        del line.city.bodies[1:], line.city.hashes[2:]
        return line.city.acked(Outcome.QUARANTINED, 1, reason="BAD_ENTRY")

    line.city.next["push"] = [part]
    report = line.engine.step()
    assert (report.code, report.reason, report.sent) == ("unauthorised", "quarantined_bad_entry", 1)
    assert line.kit.ledger.read().head().acked_seq == 1
    line.drain()
    assert line.kit.ledger.read().head().unsent == 0


def test_a_city_that_does_not_know_this_epoch_any_more_says_so(line: Line) -> None:
    unknown = Welcome(0, "", 0, line.kit.clock.ms, Mode.UPLOAD_ONLY, "UNKNOWN_EPOCH")
    line.city.next["hello"] = [lambda _: Reply(body=encode(unknown))]
    report = line.engine.step()
    assert (report.code, report.reason) == ("unauthorised", "unknown_epoch")


def test_a_person_s_decision_at_the_city_ends_upload_only(line: Line) -> None:
    line.city.mode = Mode.UPLOAD_ONLY
    report = line.engine.step()
    assert (report.code, report.reason, report.sent) == ("unauthorised", "upload_only", 2)
    assert "pull" not in line.city.asked
    line.city.mode = Mode.NORMAL
    line.kit.clock.ms += 600_000
    line.drain()
    assert "pull" in line.city.asked


# --- versions ---------------------------------------------------------------------------------------------------------


def changes(line: Line) -> list[tuple[str, str]]:
    """What the journal says of the oldest version, before and after."""
    facts = [decode(row.body).fact for row in line.kit.ledger.read().sealed(0, 1_000, 10**7)]
    return [(x.before, x.after) for x in facts if isinstance(x, SettingsChanged) and x.key == OLDEST_SETTING]


def later(line: Line, upgrade: str | None) -> str:
    """What the next greeting leaves, if the city says this of versions."""
    line.city.upgrade = upgrade
    line.kit.clock.ms += 600_000
    line.drain()
    return line.engine.step().upgrade


def test_a_till_that_is_too_old_for_its_city_is_told_once_and_works_on(line: Line) -> None:
    assert later(line, "") == ""
    assert later(line, __version__) == ""
    assert later(line, "99.1") == "99.1"
    assert later(line, "99.1") == "99.1"
    assert changes(line) == [("", __version__), (__version__, "99.1")]
    line.note()
    line.drain()
    assert line.kit.ledger.read().head().unsent == 0
    assert later(line, "") == ""


@pytest.mark.parametrize("said", [None, "soon", "9" * 200, "1.0\n"])
def test_a_city_that_says_nothing_of_versions_or_nothing_that_is_one_changes_nothing(
    line: Line, said: str | None
) -> None:
    assert later(line, "99.1") == "99.1"
    assert later(line, said) == "99.1"
    assert changes(line) == [("", "99.1")]


def test_a_city_of_before_has_no_word_for_versions(line: Line) -> None:
    said = msgspec.json.decode(encode(Welcome(0, ZERO, 0, line.kit.clock.ms)))
    del said["upgrade"]
    line.city.next["hello"] = [lambda _: Reply(body=msgspec.json.encode(said))]
    report = line.engine.step()
    assert (report.code, report.sent, report.upgrade) == ("", 2, "")
    assert changes(line) == []


def test_what_the_city_said_of_versions_is_known_without_a_line(line: Line) -> None:
    later(line, "99.1")
    engine = SyncEngine(line.kit.ledger, line.kit.clock, "")
    assert (engine.step().phase, engine.step().upgrade) == (SyncPhase.OFF, "99.1")
    engine.close()


def test_a_city_restored_from_an_older_backup_is_sent_the_rest_again(line: Line) -> None:
    line.drain()
    line.note()
    line.drain()
    kept = len(line.city.bodies)
    del line.city.bodies[1:], line.city.hashes[2:]
    line.kit.clock.ms += 600_000
    line.drain()
    assert len(line.city.bodies) >= kept
    assert line.kit.ledger.read().head().acked_seq >= kept


def test_a_city_restored_from_a_copy_is_answered_at_once_with_the_head_of_then(line: Line) -> None:
    line.drain()
    line.city.recovery = "what did I give you?"
    line.kit.clock.ms += 600_000
    line.note()
    line.engine.step()
    head = line.kit.ledger.read().head().seq - 1  # the acknowledgement came after it
    assert line.city.answers[-2:] == [("", head), ("what did I give you?", head)]
    asked = line.city.asked.count("hello")
    line.drain()
    assert line.city.asked.count("hello") == asked


def test_what_an_earlier_life_of_the_city_gave_is_taken_no_more(line: Line) -> None:
    line.drain()
    line.city.pages = [StatePage(cursor=2, register_source="gone")]
    line.city.life = SECOND
    line.kit.clock.ms += 600_000
    report = line.engine.step()
    assert (report.code, report.reason, report.received) == ("server_busy", "behind", 0)
    line.city.pages = [StatePage(cursor=2, register_source="neu", life=SECOND)]
    line.drain()
    line.city.life = THIRD
    line.kit.clock.ms += 600_000
    line.drain()
    line.city.life = SECOND  # late, or a copy that nobody spoke of
    line.city.pages.append(StatePage(cursor=3, register_source="gone too", life=SECOND))
    line.kit.clock.ms += 600_000
    assert line.engine.step().reason == "behind"
    facts = [decode(row.body).fact for row in line.kit.ledger.read().sealed(0, 500, 10**7)]
    lives = [fact.after for fact in facts if isinstance(fact, SettingsChanged) and fact.key == "city_life"]
    assert lives == [SECOND, f"{THIRD},{SECOND}"]


def test_what_a_life_asks_that_is_over_is_not_answered(line: Line) -> None:
    """The kiosk takes nothing of that life, but would still take what is late of its own, above the head it said."""
    for life in (SECOND, THIRD):
        line.city.life = life
        line.kit.clock.ms += 600_000
        line.drain()
    line.city.life, line.city.recovery = SECOND, "what did I give you?"
    for _ in range(2):
        line.kit.clock.ms += 600_000
        line.engine.step()
    assert {recovery for recovery, _ in line.city.answers} == {""}


def test_a_life_is_not_the_newest_because_it_was_not_heard_of(line: Line) -> None:
    """It answered a greeting from before the kiosk heard of the life that it is in, and comes late."""
    line.city.life = THIRD
    line.drain()

    def late(seen: Seen) -> Reply:
        welcome = msgspec.json.decode(line.city.hello(seen).body, type=Welcome)
        return Reply(body=encode(msgspec.structs.replace(welcome, life=SECOND, heard="")))

    line.city.pages = [StatePage(cursor=2, register_source="gone", life=SECOND)]
    line.city.next["hello"] = [late]
    line.kit.clock.ms += 600_000
    assert line.engine.step().reason == "behind"
    assert line.kit.ledger.read().settings()["city_life"] == THIRD
    line.city.pages = [StatePage(cursor=2, register_source="neu", life=THIRD)]
    line.drain()
    assert line.kit.ledger.read().cursor() == 2


def test_a_question_that_was_not_heard_to_be_answered_is_answered_again(line: Line) -> None:
    line.city.recovery = "what did I give you?"

    def unheard(seen: Seen) -> Reply:
        line.city.hello(seen)
        return Reply(cut=True)

    line.city.next["hello"] = [line.city.hello, unheard]
    assert line.engine.step().reason == "cut"
    line.drain()
    words = [word for word, _ in line.city.answers]
    assert words == ["", "what did I give you?", "", "what did I give you?"]


def test_a_till_without_work_reaches_the_head_it_told_in_as_many_short_batches_as_the_line_lets_through(
    line: Line,
) -> None:
    """Two breaks in a row, so that each batch is a quarter; then no step waits for the next half minute."""
    for _ in range(6):
        line.note("m" * 20_000)
    line.drain()
    told = line.kit.ledger.read().head().seq
    assert line.kit.ledger.read().head().unsent == 0
    del line.city.bodies[:], line.city.hashes[1:]
    line.city.recovery, line.city.life = "what did I give you?", SECOND
    line.city.next["push"] = [lambda _: Reply(cut=True), lambda _: Reply(cut=True)]
    line.kit.clock.ms += 600_000
    assert [line.engine.step().reason for _ in range(2)] == ["cut", "cut"]
    assert line.city.answers[-1] == ("what did I give you?", told + 1), "the word of the city's new life is the last"
    before = line.city.asked.count("push")
    assert line.drain() > 2
    assert line.city.asked.count("push") - before > 2
    assert len(line.city.bodies) >= told + 1


def test_a_city_that_forgot_to_say_that_it_lives_anew_is_shown_the_acknowledgements_too(line: Line) -> None:
    """Nothing counts as unsent, and it waits for the head that it was told."""
    line.drain()
    head = line.kit.ledger.read().head()
    assert (head.unsent, head.seq > len(line.city.bodies)) == (0, True)
    line.city.recovery = "what did I give you?"
    line.kit.clock.ms += 600_000
    line.drain()
    assert line.city.answers[-1] == ("what did I give you?", head.seq)
    assert len(line.city.bodies) == head.seq
    pushed = line.city.asked.count("push")
    for _ in range(3):
        line.engine.step()
    assert line.city.asked.count("push") == pushed, "once, for the head of then; the newer acknowledgement waits"


def test_an_answer_that_came_to_the_city_and_was_not_heard_of_is_kept_all_the_same(line: Line) -> None:
    """It asks nothing more, and waits for the head that it was told; the till was started again meanwhile."""
    line.drain()
    line.city.recovery, line.city.life = "what did I give you?", SECOND

    def unheard(seen: Seen) -> Reply:
        line.city.hello(seen)
        line.city.recovery = ""
        return Reply(cut=True)

    line.city.next["hello"] = [line.city.hello, unheard]
    line.kit.clock.ms += 600_000
    assert line.engine.step().reason == "cut"
    _, told = line.city.answers[-1]
    line.engine.close()
    again = SyncEngine(line.kit.ledger, line.kit.clock, line.url)
    assert again.step().code == ""
    again.close()
    assert len(line.city.bodies) >= told


def test_where_the_city_holds_more_than_was_heard_nothing_is_taken_before_a_greeting(line: Line) -> None:
    line.city.pages = [StatePage(cursor=2, register_source="neu")]
    line.drain()
    line.city.pages.append(StatePage(cursor=3, register_source="newer"))
    line.city.next["pull"] = [lambda _: Reply(409, body=encode(protocol.Problem(409, "", "behind")))]
    report = line.engine.step()
    assert (report.code, report.reason, report.received) == ("server_busy", "behind", 0)
    asked = line.city.asked.count("hello")
    line.drain()
    assert line.city.asked.count("hello") == asked + 1
    assert line.kit.ledger.read().cursor() == 3


def test_a_page_whose_answer_is_lost_is_asked_for_again_without_a_greeting(line: Line) -> None:
    line.drain()
    line.city.pages = [StatePage(cursor=2, register_source="neu")]
    line.city.next["pull"] = [lambda _: Reply(cut=True)]
    asked = line.city.asked.count("hello")
    assert line.engine.step().reason == "cut"
    assert line.engine.step().received == 1
    assert line.city.asked.count("hello") == asked


def test_what_became_of_a_batch_is_asked_before_anything_else(line: Line) -> None:
    line.drain()
    line.note()

    def unheard(seen: Seen) -> Reply:
        line.city.push(seen)
        return Reply(cut=True)

    line.city.next["push"] = [unheard]
    line.city.pages = [StatePage(cursor=2, register_source="neu")]
    before = len(line.city.asked)
    report = line.engine.step()
    assert (report.reason, report.sent, report.received) == ("cut", 0, 1)
    assert line.city.asked[before:] == ["push", "hello", "pull"]


def test_an_acknowledgement_that_was_lost_is_fetched_with_one_entry_and_no_day_is_forgotten(line: Line) -> None:
    line.drain()
    seal_day(line)
    for _ in range(50):
        line.note("x" * 400)

    def unheard(seen: Seen) -> Reply:
        line.city.push(seen)
        return Reply(cut=True)

    line.city.next["push"] = [unheard]
    before = line.kit.ledger.read().head()
    assert line.engine.step().reason == "cut"
    report = line.engine.step()
    assert (report.code, report.sent) == ("", before.seq - before.acked_seq)
    assert report.sent_bytes < 1_500
    assert report.attested or line.engine.step().attested


def test_on_a_line_that_cuts_everything_long_batches_and_pages_get_short(line: Line) -> None:
    line.drain()
    for _ in range(400):
        line.note("x" * 400)
    line.city.pages = [StatePage(cursor=2, register_source="neu")]
    cut = [lambda _: Reply(cut=True)]
    line.city.next = {"push": cut * 2, "pull": cut * 2}
    for _ in range(2):
        assert line.engine.step().reason == "cut"
    report = line.engine.step()
    assert 0 < report.sent_bytes < 70_000
    assert report.received == 1
    assert line.city.most[-1] == protocol.PAGE_BYTES // 4
    line.drain()
    assert len(line.city.bodies) == line.kit.ledger.read().head().acked_seq


def test_a_step_whose_greeting_fails_asks_for_nothing(line: Line) -> None:
    line.city.pages = [StatePage(cursor=2, register_source="neu")]
    line.city.next["hello"] = [lambda _: Reply(cut=True)]
    report = line.engine.step()
    assert (report.reason, report.received) == ("cut", 0)
    assert line.city.asked == ["hello"]
    assert line.engine.step().received == 1


def test_a_fork_that_is_found_between_sending_and_receiving_lets_nothing_down(line: Line) -> None:
    line.city.pages = [StatePage(cursor=2, register_source="neu")]

    def then_a_person_looks(seen: Seen) -> Reply:
        line.city.mode, line.city.reason = Mode.UPLOAD_ONLY, "FORK"
        return Reply(cut=True)

    line.city.next["push"] = [then_a_person_looks]
    report = line.engine.step()
    assert (report.code, report.reason, report.received) == ("server_unreachable", "cut", 0)
    assert line.city.asked == ["hello", "push", "hello"]


def test_a_city_that_holds_what_this_till_does_not_have_is_a_fork(line: Line) -> None:
    line.city.next["hello"] = [lambda _: Reply(body=encode(Welcome(50, "cd" * 32, 0, line.kit.clock.ms)))]
    report = line.engine.step()
    assert (report.code, report.reason) == ("unauthorised", "fork")
    assert "pull" not in line.city.asked


def test_the_offset_is_the_city_s_time_minus_ours(line: Line) -> None:
    assert line.engine.offset_ms() is None
    line.city.ahead_ms = 400_000
    line.engine.step()
    assert line.engine.offset_ms() == 400_000


def test_the_wait_grows_from_two_seconds_to_a_minute_and_starts_anew_after_success(line: Line) -> None:
    line.city.next["hello"] = [lambda _: Reply(cut=True)] * 40
    waits = [line.engine.step().retry_ms for _ in range(40)]
    assert all(BASE_MS <= wait <= CAP_MS for wait in waits)
    assert max(waits) > 10 * BASE_MS
    assert waits[0] <= 3 * BASE_MS
    assert len(set(waits)) > 10
    assert line.engine.step().retry_ms == 0
    line.city.next["pull"] = [lambda _: Reply(cut=True)]
    assert line.engine.step().retry_ms <= 3 * BASE_MS


def seal_day(line: Line) -> protocol.Attest:
    """Seal today; returns what an honest city says of it."""
    kit = line.kit
    kit.day.open("siti")
    kit.day.begin_close("siti")
    kit.day.count({}, "siti")
    kit.day.explain((), "siti")
    before = kit.ledger.read().head()
    entry, _ = kit.day.seal("siti", EdcTotals(0))
    fact = entry.fact
    assert isinstance(fact, DayClosed)
    said = protocol.Attest(
        "EW-0001", 1, entry.date, fact.totals.first_seq, before.seq, before.hash, fact.totals, (), kit.clock.ms
    )
    line.city.days[entry.date] = said
    return said


def test_a_sealed_day_is_attested_once_and_the_proof_is_kept(line: Line) -> None:
    said = seal_day(line)
    report = line.engine.step()
    assert (report.attested, report.unsent) == ((said.date,), 0)
    word, head, signature = line.kit.ledger.read().settings()[f"attested:{said.date}"].split()
    assert (word, head) == ("agrees", said.head)
    assert signing.verify(signing.public_of(CITY), protocol.attest_text(said), bytes.fromhex(signature))
    assert line.engine.step().attested == ()
    assert line.city.asked.count("attest") == 1


def test_a_day_is_attested_even_when_the_next_one_is_open_already_and_the_till_was_restarted(line: Line) -> None:
    said = seal_day(line)
    del line.city.days[said.date]
    assert line.engine.step().attested == ()
    line.kit.clock.ms += 24 * 3_600_000
    line.kit.day.open("siti")
    line.city.days[said.date] = said
    line.engine.close()
    again = SyncEngine(line.kit.ledger, line.kit.clock, line.url)
    assert again.step().attested == (said.date,)
    again.close()


@pytest.mark.parametrize(
    "told",
    [{"differs": ("receipts",)}, {"head": "ef" * 32}, {"totals": DayTotals(redemptions=9)}, {"last_seq": 3}],
)
def test_a_day_that_the_city_sees_otherwise_is_said_once(line: Line, told: dict[str, object]) -> None:
    said = seal_day(line)
    line.city.days[said.date] = msgspec.structs.replace(said, **told)
    report = line.engine.step()
    assert (report.code, report.reason, report.attested) == ("protocol_mismatch", "day_differs", ())
    assert line.kit.ledger.read().settings()[f"attested:{said.date}"].startswith("differs ")
    assert line.engine.step().code == ""


def test_an_attest_that_is_not_signed_inside_or_of_another_day_is_not_kept(line: Line) -> None:
    said = seal_day(line)
    signed = msgspec.structs.replace(said, signature=signing.sign(OTHER, protocol.attest_text(said)).hex())
    other = msgspec.structs.replace(said, date="2026-11-25")
    other = msgspec.structs.replace(other, signature=signing.sign(CITY, protocol.attest_text(other)).hex())
    line.city.next["attest"] = [lambda _: Reply(body=encode(signed)), lambda _: Reply(body=encode(other))]
    assert line.engine.step().reason == "signature"
    assert line.engine.step().reason == "body"
    assert f"attested:{said.date}" not in line.kit.ledger.read().settings()
    assert line.engine.step().attested == (said.date,)


@pytest.mark.parametrize("signature", ["", "zz", "00" * 64])
def test_an_acknowledgement_is_signed_inside_too(line: Line, signature: str) -> None:
    def forge(seen: Seen) -> Reply:
        line.city.push(seen)
        said = Ack(Outcome.ACCEPTED, 2, line.city.hashes[2], line.kit.clock.ms, signature=signature)
        return Reply(body=encode(said))

    line.city.next["push"] = [forge]
    assert line.engine.step().reason == "signature"
    assert line.kit.ledger.read().head().acked_seq == 0


def test_entries_made_while_the_line_is_busy_are_not_mistaken_for_a_fork(line: Line) -> None:
    def meanwhile(seen: Seen) -> Reply:
        line.note("during the exchange")
        return line.city.push(seen)

    line.city.next["push"] = [meanwhile]
    report = line.engine.step()
    assert (report.code, report.sent, report.unsent, report.more) == ("", 2, 1, True)
    line.drain()


def test_close_may_be_called_twice(line: Line) -> None:
    line.engine.step()
    line.engine.close()
    line.engine.close()
    line.note()
    assert line.engine.step().sent
