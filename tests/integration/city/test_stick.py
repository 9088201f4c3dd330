"""A till's stick against its city: what belongs elsewhere, what was lost on the way, and what the command says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ewarung_city import leases
from ewarung_city.__main__ import cli
from ewarung_city.bundles import state_bundle
from ewarung_city.store import schema
from ewarung_city.verify import verify
from ewarung_pos.domain.journal import ComplaintRecorded
from ewarung_pos.domain.timeline import ClockReading, Instant, Period
from ewarung_pos.errors import NotEntitled, StickError
from ewarung_pos.sync import bundle
from ewarung_pos.sync.bundle import Header, Way
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.sync.protocol import CLOCK_TOLERANCE_S
from ewarung_pos.sync.stick import Stick, fetch_bundle, outgoing_bundle
from tests.integration.city.city_kit import Cities, LiveCity, Till
from tests.integration.city.test_bundles import (
    DAY_MS,
    at_the_city,
    heads,
    home,
    note,
    out,
    refusal,
    rows,
    there_and_back,
)

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")
"""What is on a stick does not depend on what the city keeps its data in; what does is in `test_bundles`."""


@pytest.fixture
def cut(city: LiveCity, till: Till) -> Till:
    """Enrolled, and never on a line since."""
    till.reconnect("")
    return till


def test_a_lost_stick_costs_its_way_alone(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    note(cut)
    out(cut)  # lost on the way there
    note(cut)
    at_the_city(city, out(cut))  # its reply is lost on the way back
    note(cut)
    unsent = cut.ledger.read().head().unsent
    assert unsent >= 3
    report = there_and_back(city, cut)
    assert report.unsent == 0
    assert heads(city, cut)[0] == heads(city, cut)[2]


def test_an_acknowledgement_that_a_stick_did_not_bring_comes_over_the_line(city: LiveCity, cut: Till) -> None:
    """Even where all that the city holds more is an acknowledgement, which no till sends for its own sake."""
    there_and_back(city, cut)
    there_and_back(city, cut)
    assert cut.ledger.read().head().unsent == 0
    at_the_city(city, out(cut))  # its reply is lost on the way back
    heard, _, held, _ = heads(city, cut)
    assert heard < held
    cut.reconnect(city.url)
    cut.drain()
    assert heads(city, cut)[:2] == heads(city, cut)[2:]
    held = heads(city, cut)[2]
    cut.drain()
    assert heads(city, cut)[2] == held, "and then there is silence"


def test_a_file_is_refused_where_it_does_not_belong(city: LiveCity, cities: Cities, cut: Till, tmp_path: Path) -> None:
    other_city = cities.new("other")
    file = out(cut)
    reply = at_the_city(city, file).reply
    assert refusal(lambda: at_the_city(other_city, file)) == "other_city"
    assert refusal(lambda: at_the_city(city, reply)) == "wrong_way"
    assert refusal(lambda: home(cut, file)) == "wrong_way"
    theirs = Header(
        way=Way.TO_KIOSK, city=other_city.keys.public.hex(), device="EW-0001", epoch=1, id="0" * 32, created_s=1
    )
    elsewhere = bundle.write(theirs, (), other_city.keys.signing, cut.enrolment.device_public)
    assert refusal(lambda: home(cut, elsewhere)) == "other_city"
    neighbour = Till(tmp_path / "neighbour", city.url, city.code("EW-0002"), cut.clock)
    again = Till(tmp_path / "again", city.url, city.code(), cut.clock)
    try:
        assert refusal(lambda: home(neighbour, reply)) == "other_kiosk"
        assert refusal(lambda: home(again, reply)) == "other_epoch"
    finally:
        neighbour.close()
        again.close()
    unknown = Header(way=Way.TO_CITY, city=city.keys.public.hex(), device="EW-0999", epoch=1, id="0" * 32, created_s=1)
    stray = bundle.write(unknown, (), bytes(32), city.keys.public)
    assert refusal(lambda: at_the_city(city, stray)) == "unknown_kiosk"


def test_somebody_else_s_words_in_a_kiosk_s_name_are_refused(city: LiveCity, cut: Till) -> None:
    header = outgoing_bundle(cut.ledger.read(), cut.clock).header
    forged = bundle.write(header, (), bytes(32), city.keys.public)
    assert refusal(lambda: at_the_city(city, forged)) == "damaged"
    reply = msgspec.structs.replace(header, way=Way.TO_KIOSK)
    forged = bundle.write(reply, (), bytes(32), cut.enrolment.device_public)
    assert refusal(lambda: home(cut, forged)) == "damaged"


def test_a_reply_of_the_city_with_an_answer_that_is_not_is_refused_whole(city: LiveCity, cut: Till) -> None:
    """Somebody holds the file's key alone, not the one that signs answers: as if the two were ever parted."""
    opened = bundle.read(at_the_city(city, out(cut)).reply, lambda _: city.keys.public, cut.enrolment.device_key)
    told = list(opened.messages())
    kept = rows(cut)
    for place, message in enumerate(told):
        changed = list(told)
        changed[place] = msgspec.structs.replace(message, body=message.body.replace(b"1", b"2", 1))
        reply = bundle.write(opened.header, changed, city.keys.signing, cut.enrolment.device_public)
        assert refusal(lambda reply=reply: home(cut, reply)) == "damaged"  # type: ignore[misc]
    other = msgspec.structs.replace(opened.header, head="0" * 64)
    reply = bundle.write(other, told, city.keys.signing, cut.enrolment.device_public)
    assert refusal(lambda: home(cut, reply)) == "other_past"
    moved = bundle.write(opened.header, told[::-1], city.keys.signing, cut.enrolment.device_public)
    assert refusal(lambda: home(cut, moved)) == "damaged"
    assert rows(cut) == kept


def test_a_month_without_a_line_goes_in_many_batches(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    for _ in range(40):
        note(cut, "m" * 20_000)
    done = at_the_city(city, out(cut))
    assert done.entries >= 40
    report = home(cut, done.reply)
    assert (report.sent, report.unsent) == (done.entries, 0)
    assert report.sent > 40


def test_what_found_no_room_goes_with_the_next(city: LiveCity, cut: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ewarung_pos.sync.stick.BATCHES", 2)
    for _ in range(40):
        note(cut, "m" * 20_000)
    made = outgoing_bundle(cut.ledger.read(), cut.clock)
    assert 0 < made.left < 40
    left = made.left
    home(cut, at_the_city(city, made.data).reply)
    for _ in range(5):
        if not cut.ledger.read().head().unsent:
            break
        there_and_back(city, cut)
    assert (cut.ledger.read().head().unsent, left > 0) == (0, True)
    assert heads(city, cut)[0] == heads(city, cut)[2]


def test_a_till_that_died_half_way_takes_its_reply_again(city: LiveCity, cut: Till) -> None:
    for _ in range(40):
        note(cut, "m" * 20_000)
    reply = at_the_city(city, out(cut)).reply

    class Died(Exception):
        pass

    true = SyncEngine.step

    def step(self: object) -> object:
        if calls.pop():
            raise Died
        return true(self)  # type: ignore[arg-type]

    calls = [True, False]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SyncEngine, "step", step)
        with pytest.raises(Died):
            fetch_bundle(cut.ledger, cut.clock, reply)
    assert 0 < cut.ledger.read().head().acked_seq < 41
    home(cut, reply)
    assert cut.ledger.read().head().acked_seq == 41


def test_a_clock_that_is_ahead_costs_a_flag_and_waits_for_rights_and_the_way_costs_nothing(
    city: LiveCity, cut: Till
) -> None:
    late = out(cut)
    cut.clock.wait(40 * DAY_MS)
    assert at_the_city(city, late).flagged == ()
    note(cut)
    cut.clock.ms += (CLOCK_TOLERANCE_S + 60) * 1000
    ahead = out(cut)
    cut.clock.ms -= (CLOCK_TOLERANCE_S + 60) * 1000
    done = at_the_city(city, ahead)
    assert done.flagged == ((2, "CLOCK_SKEW"),)
    report, _ = fetch_bundle(cut.ledger, cut.clock, done.reply)
    assert (report.code, report.reason) == ("clock_suspect", "off_server")
    assert (report.sent, report.received) == (2, 0)


def test_the_time_of_a_reply_is_not_the_time_now(city: LiveCity, cut: Till) -> None:
    reply = at_the_city(city, out(cut)).reply
    cut.clock.wait(3 * DAY_MS)
    home(cut, reply)
    assert cut.engine.offset_ms() is None


def test_an_old_disk_image_is_found_by_the_file_too(city: LiveCity, cut: Till, cities: Cities, tmp_path: Path) -> None:
    """It is told nothing new, finds out by the reply itself, and by its own entries the city does."""
    from ewarung_pos.ledger.database import open_ledger
    from tests.integration.city.city_kit import LEDGER_KEY

    there_and_back(city, cut)
    cut.ledger.close()
    image = tmp_path / "image"
    image.mkdir()
    for path in cut.data_dir.iterdir():
        (image / path.name).write_bytes(path.read_bytes())
    cut.ledger = open_ledger(cut.data_dir, LEDGER_KEY, cut.clock)
    cut.clock.wait(60_000)
    note(cut)
    there_and_back(city, cut)
    cut.clock.wait(3_600_000)
    cut.ledger.close()
    cut.ledger = open_ledger(image, LEDGER_KEY, cut.clock)
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
    report, _ = fetch_bundle(cut.ledger, cut.clock, at_the_city(city, out(cut)).reply)
    assert (report.code, report.reason, report.received) == ("unauthorised", "fork", 0)
    assert city.epoch()["mode"] == "normal"  # it may have been an old file of the true till
    note(cut, "another past")
    done = at_the_city(city, out(cut))
    assert done.aside == ("FORK",)
    report, _ = fetch_bundle(cut.ledger, cut.clock, done.reply)
    assert (report.code, report.reason, report.received) == ("unauthorised", "fork", 0)
    assert city.epoch()["mode"] == "upload_only"


def test_a_file_that_others_overtook_is_no_old_image_whatever_its_clock_said(
    city: LiveCity, cut: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was written while the clock was hours ahead; then that was put right, over a restart."""
    there_and_back(city, cut)
    cut.clock.wait(4 * 3_600_000)
    overtaken = out(cut)
    cut.clock.ms -= 4 * 3_600_000
    monkeypatch.setattr(cut.clock, "now", lambda: ClockReading(Instant(cut.clock.ms), 5, "another boot"))
    note(cut)
    there_and_back(city, cut)
    cut.clock.wait(DAY_MS)
    done = at_the_city(city, overtaken)
    assert (done.entries, done.aside, city.epoch()["mode"], city.cases()) == (0, (), "normal", [])
    assert home(cut, done.reply).received == 0


def test_a_kiosk_that_may_only_upload_is_told_so_and_keeps_its_entries(city: LiveCity, cut: Till) -> None:
    there_and_back(city, cut)
    note(cut)
    with city.store.write() as tx:
        tx.change(schema.epoch, {"mode": "upload_only", "reason": "FORK"}, device="EW-0001", epoch=1)
        leases.grant(tx, "2026-12")
    report, _ = fetch_bundle(cut.ledger, cut.clock, at_the_city(city, out(cut)).reply)
    assert (report.code, report.reason) == ("unauthorised", "fork")
    assert (report.sent, report.received, report.unsent) == (3, 0, 0)


def imported(city: LiveCity, path: Path, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        cli, ["bundle", "import", str(path), "--data-dir", str(city.data_dir), *more], catch_exceptions=True
    )
    return done.exit_code, done.output if done.exception is None else f"{done.output}{done.exception!r}"


def test_a_stick_goes_there_and_back_through_the_city_s_command(city: LiveCity, cut: Till, tmp_path: Path) -> None:
    usb = tmp_path / "usb"
    usb.mkdir()
    stick = Stick(cut.ledger, cut.clock, cut.data_dir)
    with pytest.raises(StickError) as caught:
        stick.fetch(str(usb))
    assert caught.value.reason == "no_reply"
    saved = stick.save(str(usb))
    assert (saved.file, saved.first_seq, saved.last_seq) == ("ewarung-EW-0001-1-1.bundle", 1, 1)
    (usb / "letter.bundle").write_text("mine")
    code, said = imported(city, usb / saved.file, "--json")
    assert code == 0, said
    told = msgspec.json.decode(said.splitlines()[-1])
    assert told == {
        "device": "EW-0001", "epoch": 1, "first_seq": 1, "last_seq": 1, "entries": 1, "acked_seq": 1, "flagged": [],
        "aside": [], "again": False, "reply": str(usb / "ewarung-EW-0001-1-1-reply.bundle"),
    }  # fmt: skip
    fetched = stick.fetch(str(usb))
    assert (fetched.report.code, fetched.report.sent, fetched.resend_from) == ("", 1, 0)
    assert fetched.report.received > 200
    replies = tmp_path / "replies"
    replies.mkdir()
    code, said = imported(city, usb / saved.file, "--reply", str(replies))
    assert (code, "came before, nothing changed" in said) == (0, True)
    assert (replies / "ewarung-EW-0001-1-1-reply.bundle").read_bytes() == (
        usb / "ewarung-EW-0001-1-1-reply.bundle"
    ).read_bytes()


def test_a_name_is_never_believed(city: LiveCity, cut: Till, tmp_path: Path) -> None:
    """Renamed, in capitals as old file systems have it, between others' files: what counts stands inside."""
    there_and_back(city, cut)
    note(cut)
    reply = at_the_city(city, out(cut)).reply
    (tmp_path / "EWARUNG~1.BUNDLE").write_bytes(reply)
    (tmp_path / "ewarung-EW-0001-1-99-reply.bundle").write_bytes(out(cut))
    stick = Stick(cut.ledger, cut.clock, cut.data_dir)
    assert stick.fetch(str(tmp_path)).report.sent == 3


def test_of_many_replies_all_are_taken_and_a_broken_old_one_is_no_hindrance(
    city: LiveCity, cut: Till, tmp_path: Path
) -> None:
    stick = Stick(cut.ledger, cut.clock, cut.data_dir)
    for _ in range(3):
        note(cut)
        cut.clock.wait(60_000)
        saved = stick.save(str(tmp_path))
        imported(city, tmp_path / saved.file)
    first, second, third = sorted(tmp_path.glob("*-reply.bundle"))
    second.write_bytes(second.read_bytes()[:-1])
    report = stick.fetch(str(tmp_path)).report
    assert (report.sent, report.unsent) == (4, 1)  # what it brought is an entry too, and waits for the next way
    first.unlink()
    third.write_bytes(third.read_bytes()[:-1])
    assert refusal(lambda: stick.fetch(str(tmp_path))) == "damaged"
    second.unlink()
    third.unlink()
    neighbour = Till(tmp_path / "neighbour", city.url, city.code("EW-0002"), cut.clock)
    try:
        (tmp_path / "other.bundle").write_bytes(at_the_city(city, out(neighbour)).reply)
    finally:
        neighbour.close()
    assert refusal(lambda: stick.fetch(str(tmp_path))) == "other_kiosk"


def test_a_stick_asks_for_a_second_way_when_the_city_lost_entries(
    city: LiveCity, cities: Cities, cut: Till, tmp_path: Path
) -> None:
    city.stop()
    city.store.close()
    lost = cities.copy_of(city, "lost")
    there_and_back(lost, cut)
    lost.close()
    note(cut)
    restored = cities.copy_of(city, "restored")
    stick = Stick(cut.ledger, cut.clock, cut.data_dir)
    saved = stick.save(str(tmp_path))
    assert saved.first_seq == 2
    (tmp_path / "reply.bundle").write_bytes(at_the_city(restored, (tmp_path / saved.file).read_bytes()).reply)
    assert stick.fetch(str(tmp_path)).resend_from == 1
    saved = stick.save(str(tmp_path))
    assert saved.first_seq == 1
    (tmp_path / "reply.bundle").write_bytes(at_the_city(restored, (tmp_path / saved.file).read_bytes()).reply)
    fetched = stick.fetch(str(tmp_path))
    assert (fetched.resend_from, fetched.report.code, fetched.report.unsent) == (0, "", 1)
    assert stick.save(str(tmp_path)).first_seq > 2


def test_a_kiosk_without_work_and_without_a_line_answers_a_restored_city_and_rights_flow_again(
    city: LiveCity, cities: Cities, cut: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sells anything meanwhile: what is on top of its journal are the city's own words."""
    there_and_back(city, cut)
    assert there_and_back(city, cut).unsent == 0
    city.close()
    lost = cities.copy_of(city, "lost")
    with lost.store.write() as tx:
        leases.grant(tx, "2026-12")
        family = next(row["family"] for row in tx.all(schema.lease, "family", device="EW-0001", period="2026-12"))
    there_and_back(lost, cut)
    there_and_back(lost, cut)
    lost.close()
    head = cut.ledger.read().head()
    assert (head.unsent, head.seq > head.acked_seq) == (0, True)
    restored = cities.copy_of(city, "restored")
    monkeypatch.setenv("EWARUNG_CITY_DATABASE", restored.database)
    done = CliRunner().invoke(cli, ["recover", "--data-dir", str(restored.data_dir)])
    assert done.exit_code == 0, done.output
    stick = Stick(cut.ledger, cut.clock, cut.data_dir)

    def way() -> list[str]:
        """There and back; whom the city waits for then."""
        cut.clock.wait(DAY_MS)
        saved = stick.save(str(tmp_path))
        (tmp_path / "reply.bundle").write_bytes(at_the_city(restored, (tmp_path / saved.file).read_bytes()).reply)
        stick.fetch(str(tmp_path))
        with restored.store.write() as tx:
            return leases.recovering(tx)

    assert way() == ["EW-0001/1"], "it asked, and lacks what the lost one was told"
    assert way() == []
    with restored.store.write() as tx:
        held = [row for row in tx.all(schema.lease, family=family, period="2026-12") if row["commodity"] == "beras"]
        assert [leases.outstanding(row) for row in held] == [10_000], "known by the journal before anything is granted"
        leases.grant(tx, "2026-12")
        leases.grant(tx, "2027-01")
        assert verify(tx) == []
    assert way() == []
    held_here = cut.ledger.read().leases(family, Period("2027-01"))
    assert [lease.rest for lease in held_here if lease.commodity == "beras"] == [10_000]


def test_the_command_says_why_it_refuses_and_puts_nothing_anywhere(city: LiveCity, cut: Till, tmp_path: Path) -> None:
    file = tmp_path / "x.bundle"
    file.write_bytes(out(cut)[:-1])
    code, said = imported(city, file)
    assert (code, "damaged" in said or "cut off" in said) == (1, True)
    assert [path.name for path in tmp_path.glob("*.bundle")] == ["x.bundle"]


def test_entries_that_were_put_aside_are_told_by_the_exit_code(city: LiveCity, cut: Till, tmp_path: Path) -> None:
    with cut.ledger.write() as uow:
        uow.append(ComplaintRecorded("1", "antrean", "lama", anonymous=True))
    with city.store.write() as tx:
        tx.change(schema.epoch, {"state": "frozen"}, device="EW-0001", epoch=1)
    file = tmp_path / "x.bundle"
    file.write_bytes(out(cut))
    code, said = imported(city, file)
    assert (code, "put aside: UNKNOWN_EPOCH" in said) == (1, True)


def test_a_kiosk_that_has_not_asked_is_told_all_it_should_know(city: LiveCity, cut: Till, tmp_path: Path) -> None:
    """The first state, and a new month's rights: by a courier who goes one way."""

    def state() -> Path:
        done = CliRunner().invoke(
            cli, ["bundle", "state", "EW-0001", "--data-dir", str(city.data_dir), "--out", str(tmp_path), "--json"]
        )
        assert done.exit_code == 0, done.output
        return Path(msgspec.json.decode(done.output.splitlines()[-1])["file"])

    stick = Stick(cut.ledger, cut.clock, cut.data_dir)
    first = state()
    assert first.name == "ewarung-EW-0001-0-state.bundle"
    report = stick.take(first).report
    assert (report.code, report.sent, report.unsent) == ("", 0, 2)
    assert report.received > 200
    there_and_back(city, cut)
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
    note(cut)
    report = stick.fetch(str(tmp_path)).report
    assert report.received == 0  # it is of before
    cut.clock.wait(60_000)
    later = state()
    report = stick.fetch(str(tmp_path)).report
    assert (report.code, report.sent) == ("", 0)
    assert report.received > 100
    kept = rows(cut)
    assert stick.take(later).report.received == 0
    assert rows(cut) == kept
    there_and_back(city, cut)
    assert city.cases() == []


def test_what_a_kiosk_should_know_is_not_for_an_older_journal_nor_for_one_that_a_person_looks_at(
    city: LiveCity, cut: Till, tmp_path: Path
) -> None:
    neighbour = Till(tmp_path / "neighbour", city.url, city.code("EW-0002"), cut.clock)
    try:
        neighbour.drain()
        _, data = state_bundle(city.store, city.keys, "EW-0002", city.clock.ms)
        assert home(neighbour, data).received == 0
        older = Header(
            way=Way.TO_KIOSK,
            city=city.keys.public.hex(),
            device="EW-0002",
            epoch=1,
            id="1" * 32,
            answers="1" * 32,
            created_s=1,
            last_seq=neighbour.ledger.read().head().seq + 1,
            head="2" * 64,
        )
        ahead = bundle.write(older, (), city.keys.signing, neighbour.enrolment.device_public)
        assert refusal(lambda: home(neighbour, ahead)) == "other_past"
    finally:
        neighbour.close()
    with city.store.write() as tx:
        tx.change(schema.epoch, {"mode": "upload_only"}, device="EW-0001", epoch=1)
    for device, reason in (("EW-0001", "upload_only"), ("EW-0003", "unknown_kiosk"), ("EW-0999", "unknown_kiosk")):
        with pytest.raises(NotEntitled) as caught:
            state_bundle(city.store, city.keys, device, city.clock.ms)
        assert caught.value.reason == reason
