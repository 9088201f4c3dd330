"""Two pasts with one key: the kiosk is stopped, two officers say that the city's past stands, and it alone goes on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ewarung_city import forks, leases, officers, recovery
from ewarung_city.__main__ import cli
from ewarung_city.cases import Case, history, take_step
from ewarung_city.officers import Signed
from ewarung_city.store import schema
from ewarung_pos.domain.timeline import Period
from ewarung_pos.errors import NotEntitled, RuleViolation, Unauthorised
from ewarung_pos.ledger.database import open_ledger
from ewarung_pos.ledger.verify import verify
from ewarung_pos.sync.engine import SyncEngine
from tests.integration.city.city_kit import LEDGER_KEY, LiveCity, Pen, Till
from tests.integration.city.moving import Kiosk, ask, at_home, rest, serve, sound
from tests.integration.city.test_greeting import greeting, say, write

NEXT = Period("2026-12")
TWO = ("Ratna", "Heru")
WHY = "Disk lama dipasang di komputer kedua; komputer itu sudah diambil."


class Image(Till):
    """A machine with the ledger that another one has now: its disk was copied."""

    def __init__(self, of: Till, folder: Path) -> None:
        of.close()
        shutil.copytree(of.data_dir, folder)
        for machine, place in ((of, of.data_dir), (self, folder)):
            machine.data_dir, machine.clock, machine.url, machine.enrolment = place, of.clock, of.url, of.enrolment
            machine.ledger = open_ledger(place, LEDGER_KEY, of.clock)
            machine.engine = SyncEngine(machine.ledger, of.clock, of.url)


@pytest.fixture
def home(kiosk: Kiosk) -> Till:
    """EW-0001, its day open."""
    till = kiosk("EW-0001")
    till.drain()
    return till


@pytest.fixture
def image(home: Till, tmp_path: Path) -> Iterator[Image]:
    """The same disk in another machine."""
    made = Image(home, tmp_path / "image")
    yield made
    made.close()


def greets(till: Till) -> str:
    """What a step of a till that greets anew comes to: empty if all went well."""
    till.clock.wait(11 * 60_000)
    report = till.engine.step()
    return f"{report.code}.{report.reason}" if report.code else ""


def mode(city: LiveCity) -> str:
    return str(city.epoch()["mode"])


def release(city: LiveCity, names: tuple[str, ...] = TWO, why: str = WHY) -> forks.Released:
    return city.store.decide(lambda tx: forks.release(tx, "EW-0001", 1, names, "Ratna", why, city.clock.ms))


def grant(city: LiveCity, period: Period = NEXT) -> int:
    return city.store.decide(lambda tx: leases.grant(tx, period.iso)).leases


def forked(city: LiveCity, home: Till, image: Till, entries: int = 1) -> None:
    """The home kiosk served on, and so did the other machine; that one greets."""
    serve(home, at_home(city))
    home.drain()
    for which in range(1, entries + 1):
        serve(image, at_home(city, which=which))
    assert greets(image) == "unauthorised.fork"
    assert mode(city) == "upload_only"


def steps(city: LiveCity) -> list[list[tuple[str, str]]]:
    """What was done with each case of a fork, and by whom."""
    with city.store.read() as tx:
        rows = tx.all(schema.case, "seq", reason="FORK")
        return [[(x.did, x.officer) for x in history(tx, Case("EW-0001", 1, int(row["seq"]), "FORK"))] for row in rows]


def states(city: LiveCity) -> set[str]:
    with city.store.read() as tx:
        return {row["state"] for row in tx.all(schema.case, reason="FORK")}


# --- what goes on, and what does not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", [1, 6], ids=["shorter than the city's", "longer than the city's"])
def test_the_kiosk_with_the_citys_past_goes_on_and_the_other_is_found_again(
    city: LiveCity, home: Till, image: Image, entries: int
) -> None:
    forked(city, home, image, entries)
    assert grant(city) > 0
    serve(home, at_home(city), 1)  # what it does meanwhile arrives: the goods have left
    assert greets(home) == "unauthorised.fork"
    assert city.epoch()["acked_seq"] >= home.ledger.read().head().seq - 2
    assert rest(home, at_home(city), month=NEXT) == 0, "nothing new before people decided"
    done = release(city)
    assert (done.acked_seq, done.acked_hash, done.waits) == (
        city.epoch()["acked_seq"],
        city.epoch()["acked_hash"],
        False,
    )
    assert done.cases == len(steps(city)) > 0
    assert (mode(city), city.epoch()["reason"], states(city)) == ("normal", "", {"closed"})
    assert {each[-1] for each in steps(city)} == {("closed", "Ratna")}
    assert greets(home) == ""
    home.drain()
    assert rest(home, at_home(city), month=NEXT) == 10_000, "it is granted again"

    assert greets(image) == "unauthorised.fork"
    assert mode(city) == "upload_only"
    assert "open" in states(city)
    assert rest(image, at_home(city), month=NEXT) == 0
    with pytest.raises(Unauthorised):
        ask(image, at_home(city, which=2))
    assert greets(home) == "unauthorised.fork", "one key: both are stopped"
    release(city)
    assert greets(home) == ""
    assert sound(city)
    for each in (home, image):
        each.close()
        assert verify(each.data_dir, LEDGER_KEY).ok


def test_a_machine_that_only_lost_what_it_had_sent_is_found_again_too(city: LiveCity, home: Till, image: Image) -> None:
    """An old image that wrote nothing since: its past is the beginning of the city's, and it would write another."""
    for which in range(3):
        serve(home, at_home(city, which=which))
    home.drain()
    for _ in range(2):
        assert greets(image) == "unauthorised.fork"
        assert mode(city) == "upload_only"
        assert release(city).cases == 1
        assert greets(home) == ""
    assert [did for did, _ in steps(city)[0]] == ["closed", "reopened", "closed"]
    assert steps(city)[0][1] == ("reopened", "kota")
    assert city.epoch()["acked_seq"] == home.ledger.read().head().acked_seq
    assert sound(city)


def test_a_right_that_comes_back_after_the_release_is_not_handed_out_by_the_other_machine(
    city: LiveCity, home: Till, image: Image, kiosk: Kiosk
) -> None:
    other = kiosk("EW-0002")
    family = at_home(city, which=3)
    forked(city, home, image)
    with city.store.read() as tx:
        before = [row["granted"] for row in tx.all(schema.lease, device="EW-0002", family=family["key"])]
    assert before == []
    release(city)
    assert greets(home) == ""
    assert ask(other, family).outcome == "waiting"
    home.drain()
    home.clock.wait(11 * 60_000)
    home.drain()
    assert ask(other, family).outcome == "granted"
    serve(other, family, 2)
    other.drain()
    assert rest(home, family) == 0
    with pytest.raises(RuleViolation):
        serve(home, family)
    assert greets(image) == "unauthorised.fork"
    with city.store.read() as tx:
        spent = [int(row["spent"]) for row in tx.all(schema.lease, family=family["key"], commodity="beras")]
    assert sum(spent) == 10_000
    assert sound(city)


@pytest.mark.parametrize("seed", [2, 3])
def test_whatever_comes_in_whatever_order_nothing_is_granted_twice(
    city: LiveCity, home: Till, image: Image, seed: int
) -> None:
    """Both machines serve, send and greet; officers grant and release. The other machine is given nothing, ever."""
    draw = random.Random(seed)
    forked(city, home, image)
    families = [at_home(city, which=which) for which in range(4)]
    handed = {families[0]["key"]: 5_000}
    had = {family["key"]: rest(image, family) for family in families}
    found = released = 0

    def hand_out(till: Till) -> None:
        family = draw.choice(families)
        try:
            serve(till, family)
        except RuleViolation:
            return
        if till is home:
            handed[family["key"]] = handed.get(family["key"], 0) + 5_000

    for _ in range(30):
        till = draw.choice((home, home, image))
        what = draw.choice(("serve", "step", "step", "grant", "release"))
        if what == "serve":
            hand_out(till)
        elif what == "step":
            assert (greets(till) == "unauthorised.fork") is (till is image or mode(city) == "upload_only")
            found += till is image
        elif what == "grant":
            grant(city)
        elif mode(city) == "upload_only":
            release(city)
            released += 1
        assert sound(city)
        assert all(rest(image, family) <= had[family["key"]] for family in families)
        assert [rest(image, family, month=NEXT) for family in families] == [0] * 4
    assert (found > 2, released > 2) == (True, True)
    if mode(city) == "upload_only":
        release(city)
    assert greets(home) == ""
    home.drain()
    assert max(handed.values()) <= 10_000
    with city.store.read() as tx:
        spent = {row["family"]: int(row["spent"]) for row in tx.all(schema.lease, commodity="beras") if row["spent"]}
    assert spent == handed, "the city counts what its own past handed out, and that alone"
    assert sound(city)


# --- who may say so, and when -----------------------------------------------------------------------------------------


@pytest.fixture
def stopped(city: LiveCity, pen: Pen) -> Pen:
    """EW-0001 with two entries at the city, stopped by a greeting with another past."""
    write(pen)
    pen.send(city.url, pen.batch())
    say(city, greeting(pen, 2, head_hash="ab" * 32))
    assert mode(city) == "upload_only"
    return pen


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its reason is looked at
        work()
    return str(getattr(caught.value, "reason", caught.value))


def test_it_takes_two_officers_and_a_reason(city: LiveCity, stopped: Pen) -> None:
    for names in ((), ("Ratna",), ("Ratna", " Ratna "), ("Ratna", " ")):
        assert refused(lambda names=names: release(city, names)) == "second_person"  # type: ignore[misc]
    assert refused(lambda: release(city, why="  ")) == "reason"
    assert refused(lambda: release(city, why="kartu 6013 0112 3456 7890")) == "case_why"
    assert (mode(city), states(city)) == ("upload_only", {"open"})
    assert release(city).acked_seq == 2
    with city.store.read() as tx:
        (step,) = history(tx, Case("EW-0001", 1, 2, "FORK"))
        assert tx.setting("released|EW-0001|1|2") == "Heru, Ratna"
    assert step.why == f"{WHY} (yang berlaku: catatan di kota sampai no. 2; Heru, Ratna)"


def test_a_release_grants_to_that_kiosk_and_to_no_other(city: LiveCity, stopped: Pen) -> None:
    """An officer of a part of the city may say it, who may not grant to the whole of it."""
    ours, theirs = at_home(city), at_home(city, "EW-0002")
    with city.store.write() as tx:
        for family in (ours, theirs):
            tx.change(schema.lease, {"released": 10_000}, family=family["key"], commodity="beras")
    release(city)
    with city.store.read() as tx:
        granted = [
            int(tx.all(schema.lease, family=family["key"], commodity="beras")[0]["granted"])
            for family in (ours, theirs)
        ]
    assert granted == [20_000, 10_000]


def test_only_a_kiosk_that_is_stopped_is_released(city: LiveCity, pen: Pen) -> None:
    assert refused(lambda: release(city)) == "not_forked"
    with city.store.write() as tx:
        with pytest.raises(NotEntitled) as caught:
            forks.release(tx, "EW-0001", 2, TWO, "Ratna", WHY, 1)
        assert caught.value.reason == "unknown_kiosk"
        recovery.doubt(tx, "EW-0001", 1, 9)
        with pytest.raises(NotEntitled, match="wait for entries that it has not sent"):
            forks.release_text(tx, "EW-0001", 1)
    say(city, greeting(pen, 0, head_hash="ab" * 32))
    assert release(city).waits, "what ends a doubt is the journal, and nobody's word"
    say(city, greeting(pen, 0, head_hash="ab" * 32))
    with city.store.write() as tx:
        officers.freeze(tx, "EW-0001")
    assert refused(lambda: release(city)) == "not_active"


def test_a_city_that_lost_entries_cannot_say_which_past_is_true(city: LiveCity, stopped: Pen) -> None:
    with city.store.write() as tx:
        tx.change(schema.epoch, {"claimed_seq": 3}, device="EW-0001", epoch=1)
    assert refused(lambda: release(city)) == "behind"
    with city.store.write() as tx:
        tx.change(schema.epoch, {"claimed_seq": 2}, device="EW-0001", epoch=1)
        recovery.restored(tx)
    assert refused(lambda: release(city)) == "recovery"
    assert mode(city) == "upload_only"


def test_a_case_that_was_closed_before_releases_nobody(city: LiveCity, stopped: Pen) -> None:
    with city.store.write() as tx:
        take_step(tx, Case("EW-0001", 1, 2, "FORK"), "closed", "Ratna", "Sudah ditelepon.", 1)
    for _ in range(2):  # and the kiosk that goes on asking does not open it again: it was stopped all the time
        assert say(city, greeting(stopped, 2, head_hash="ab" * 32)).reason == "FORK"
    assert states(city) == {"closed"}
    assert release(city).cases == 0
    assert say(city, greeting(stopped, 2)).mode == "normal"
    assert say(city, greeting(stopped, 2, head_hash="ab" * 32)).reason == "FORK"
    assert states(city) == {"open"}


def test_two_keys_sign_which_journal_stands(city: LiveCity, stopped: Pen, tmp_path: Path) -> None:
    def words(*pairs: tuple[str, str]) -> list[Signed]:
        with city.store.read() as tx:
            return [officers.sign_release(tx, "EW-0001", 1, name, tmp_path / file) for name, file in pairs]

    def signed(given: list[Signed]) -> forks.Released:
        return city.store.decide(lambda tx: officers.release(tx, "EW-0001", 1, given, "Ratna", WHY, city.clock.ms))

    with city.store.write() as tx:
        for name in TWO:
            officers.register_officer(tx, name, tmp_path / name)
    both = words(("Ratna", "Ratna"), ("Heru", "Heru"))
    assert {word.text for word in both} == {f"release|EW-0001|1|2|{city.epoch()['acked_hash']}"}
    assert refused(lambda: signed(both[:1])) == "second_person"
    assert refused(lambda: signed(words(("Ratna", "Heru"), ("Heru", "Heru")))) == "bad_signature"
    with city.store.read() as tx:
        lost = [officers.sign_lost(tx, "EW-0001", 1, name, tmp_path / name) for name in TWO]
    assert refused(lambda: signed(lost)) == "bad_signature", "what was signed to free a lost kiosk is another thing"
    write(stopped)
    stopped.send(city.url, stopped.batch())
    assert refused(lambda: signed(both)) == "bad_signature", "the journal that stands is another one by now"
    done = signed(words(("Ratna", "Ratna"), ("Heru", "Heru")))
    assert (done.acked_seq, mode(city)) == (3, "normal")
    with city.store.read() as tx:
        kept = msgspec.json.decode(tx.setting("released|EW-0001|1|3"), type=list[Signed])
    assert [word.officer for word in kept] == ["Ratna", "Heru"]


def test_the_command_says_which_journal_stands(city: LiveCity, stopped: Pen, tmp_path: Path) -> None:
    def run(*words: object, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*map(str, words), "--data-dir", str(city.data_dir)])
        assert (done.exit_code == 0) is (code == 0), done.output
        return str(done.output) + str(getattr(done.exception, "reason", ""))

    two = ("--officer", f"Ratna={tmp_path / 'Ratna'}", "--officer", f"Heru={tmp_path / 'Heru'}")
    for name in TWO:
        run("officer", "key", name, tmp_path / name)
    assert "reason" in run("release", "EW-0001", 1, *two, code=1)
    assert "second_person" in run("release", "EW-0001", 1, *two[:2], "--reason", WHY, code=1)
    assert "unknown_kiosk" in run("release", "EW-0002", 1, *two, "--reason", WHY, code=1)
    said = run("release", "EW-0001", 1, *two, "--reason", WHY)
    assert said == f"EW-0001/1 goes on after entry 2, {city.epoch()['acked_hash'][:12]}; 1 cases closed\n"
    assert "not_forked" in run("release", "EW-0001", 1, *two, "--reason", WHY, code=1)
    with city.store.write() as tx:
        tx.change(schema.epoch, {"mode": "upload_only"}, device="EW-0001", epoch=1)
        recovery.doubt(tx, "EW-0001", 1, 9)
    assert "wait for entries" in run("release", "EW-0001", 1, *two, "--reason", WHY)
    acts = run("report", "audit")
    assert acts.count(",release,kiosk:EW-0001,") == 5
    assert f",{WHY},done" in acts.replace('"', "")
