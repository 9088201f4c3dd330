"""A case has an owner, an end, and a history that nobody can rewrite."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ewarung_city.__main__ import cli, main
from ewarung_city.cases import Case, history, set_owner_of_new, take_step
from ewarung_city.store import schema
from ewarung_city.store.database import Tx
from ewarung_pos.domain.journal import AttemptSettled
from ewarung_pos.errors import ConfigError, NotEntitled, PosError
from tests.integration.city.city_kit import LiveCity, Pen

DISPUTED = Case("EW-0001", 1, 2, "SLIP_DISPUTED")


@pytest.fixture
def opened(city: LiveCity, pen: Pen) -> Callable[[], None]:
    """Sends an entry that opens a case."""

    def send() -> None:
        pen.write(AttemptSettled("a-1", "slip_disputed"))
        pen.send(city.url, pen.batch(len(pen.rows), len(pen.rows)) if len(pen.rows) > 2 else pen.batch())

    return send


def where(tx: Tx, case: Case = DISPUTED) -> tuple[str, str]:
    row = tx.one(schema.case, **msgspec.structs.asdict(case))
    assert row is not None
    return row["state"], row["owner"]


def refusal(kind: type[PosError], work: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        work()
    return caught.value.reason


def test_a_case_goes_from_open_by_an_answer_to_its_end_and_each_step_is_kept(
    city: LiveCity, opened: Callable[[], None]
) -> None:
    opened()
    with city.store.write() as tx:
        assert where(tx) == ("open", "")
        take_step(tx, DISPUTED, "assigned", "Ratna W.", "", 10, "Heru S.")
        assert where(tx) == ("open", "Heru S.")
        take_step(tx, DISPUTED, "answered", "Heru S.", "Kios mengirim foto slip.", 20)
        assert where(tx) == ("answered", "Heru S.")
        take_step(tx, DISPUTED, "closed", "Heru S.", "Slip cocok dengan rekening koran.", 30)
        assert where(tx) == ("closed", "Heru S.")
        take_step(tx, DISPUTED, "reopened", "Ratna W.", "Bank menyanggah.", 40)
        assert where(tx) == ("open", "Heru S.")
    with city.store.read() as tx:
        steps = history(tx, DISPUTED)
    assert [(each.step, each.did, each.officer, each.owner, each.at_ms) for each in steps] == [
        (1, "assigned", "Ratna W.", "Heru S.", 10),
        (2, "answered", "Heru S.", "Heru S.", 20),
        (3, "closed", "Heru S.", "Heru S.", 30),
        (4, "reopened", "Ratna W.", "Heru S.", 40),
    ]


def test_who_does_something_with_a_case_that_was_nobodys_has_it(city: LiveCity, opened: Callable[[], None]) -> None:
    opened()
    with city.store.write() as tx:
        take_step(tx, DISPUTED, "closed", "  Ratna   W. ", "Salah catat.", 10)
        assert where(tx) == ("closed", "Ratna W.")


@pytest.mark.parametrize("change", ["UPDATE case_step SET why = 'x'", "DELETE FROM case_step"])
def test_nobody_rewrites_what_was_done(city: LiveCity, opened: Callable[[], None], change: str) -> None:
    opened()
    with city.store.write() as tx:
        take_step(tx, DISPUTED, "closed", "Ratna W.", "Salah catat.", 10)
    with pytest.raises(DBAPIError), city.store._engine.begin() as connection:
        connection.execute(text(change))
    with city.store.read() as tx:
        assert [each.why for each in history(tx, DISPUTED)] == ["Salah catat."]


def test_what_cannot_be_is_refused_and_nothing_is_written(city: LiveCity, opened: Callable[[], None]) -> None:
    opened()
    with city.store.write() as tx:
        for name in ("", " - ", "3374010101800001", "x" * 81):
            assert refusal(ConfigError, lambda name=name: take_step(tx, DISPUTED, "closed", name, "x", 1)) == (  # type: ignore[misc]
                "officer_name"
            )
        for why in ("", "  ", "kartu 6013 0112 3456 7890", "x" * 501):
            assert refusal(ConfigError, lambda why=why: take_step(tx, DISPUTED, "closed", "R", why, 1)) == "case_why"  # type: ignore[misc]
        other = msgspec.structs.replace(DISPUTED, seq=99)
        assert refusal(NotEntitled, lambda: take_step(tx, other, "closed", "R", "x", 1)) == "unknown_case"
        assert refusal(NotEntitled, lambda: take_step(tx, DISPUTED, "reopened", "R", "x", 1)) == "case_state"
        take_step(tx, DISPUTED, "closed", "R", "x", 1)
        for did in ("closed", "answered", "assigned"):
            assert refusal(NotEntitled, lambda did=did: take_step(tx, DISPUTED, did, "R", "x", 1, "S")) == "case_state"  # type: ignore[misc]
        assert len(history(tx, DISPUTED)) == 1


def test_new_cases_have_their_owner_from_the_moment_they_open(city: LiveCity, opened: Callable[[], None]) -> None:
    opened()
    with city.store.write() as tx:
        assert set_owner_of_new(tx, "Ratna W.", "Ratna W.", 10) == 1
        assert where(tx) == ("open", "Ratna W.")
        assert set_owner_of_new(tx, "Heru S.", "Ratna W.", 20, "EW-0001") == 0
        assert refusal(NotEntitled, lambda: set_owner_of_new(tx, "R", "R", 1, "EW-0999")) == "unknown_kiosk"
    opened()
    with city.store.read() as tx:
        assert where(tx, msgspec.structs.replace(DISPUTED, seq=3)) == ("open", "Heru S.")
        assert [each.did for each in history(tx, DISPUTED)] == ["assigned"]


def test_what_is_put_aside_opens_a_case_with_an_owner_too(city: LiveCity, pen: Pen) -> None:
    with city.store.write() as tx:
        set_owner_of_new(tx, "Ratna W.", "Ratna W.", 10)
    forged = msgspec.structs.replace(pen.batch(), signature="00" * 64)
    pen.send(city.url, forged)
    with city.store.read() as tx:
        assert where(tx, Case("EW-0001", 1, 1, "BAD_SIGNATURE")) == ("open", "Ratna W.")


def test_the_commands_say_it(city: LiveCity, opened: Callable[[], None]) -> None:
    opened()

    def said(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, ["case", *words, "--data-dir", str(city.data_dir)])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    which = ("EW-0001", "1", "2", "SLIP_DISPUTED")
    assert "nothing was done yet" in said("show", *which)
    said("owner", "Ratna W.", "--by", "Ratna W.")
    said("assign", *which, "--to", "Heru S.", "--by", "Ratna W.")
    said("answer", *which, "--by", "Heru S.", "--why", "Kios mengirim foto slip.")
    assert [row["owner"] for row in msgspec.json.decode(said("list", "--open", "--json"))] == ["Heru S."]
    assert msgspec.json.decode(said("list", "--owner", "", "--json")) == []
    assert "closed by Heru S., Heru S.'s" in said("close", *which, "--by", "Heru S.", "--why", "Cocok.")
    assert msgspec.json.decode(said("list", "--open", "--json")) == []
    assert ",closed,Heru S.," in said("list", "--kiosk", "EW-0001")
    assert "reopened" in said("reopen", *which, "--by", "Heru S.", "--why", "Bank menyanggah.")
    assert [each["did"] for each in msgspec.json.decode(said("show", *which, "--json"))] == [
        "assigned", "assigned", "answered", "closed", "reopened",
    ]  # fmt: skip
    assert "3. " in said("show", *which)
    said("close", *which, "--by", "Heru S.", code=2)


@pytest.mark.parametrize(
    "none", [("EW-0001", "1", "77", "SLIP_DISPUTED"), ("EW-0001", "1", "2", "FORK"), ("EW-0999", "1", "2", "FORK")]
)
def test_a_case_that_is_none_is_said_to_be_none(
    city: LiveCity, opened: Callable[[], None], capsys: pytest.CaptureFixture[str], none: tuple[str, ...]
) -> None:
    opened()
    with pytest.raises(SystemExit) as ended:
        main(["case", "show", *none, "--data-dir", str(city.data_dir)])
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "unknown_case" in said.err
    assert f"no case {none[3]} at {'/'.join(none[:3])}" in said.err


def test_a_list_of_a_month_or_kiosk_that_is_none_is_not_an_empty_one(
    city: LiveCity, opened: Callable[[], None]
) -> None:
    """2026-1 is no month, and not October to December either."""
    opened()

    def said(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["case", "list", *words, "--data-dir", str(city.data_dir)])
        return done.exit_code, done.output + str(getattr(done.exception, "reason", ""))

    assert "SLIP_DISPUTED" in said("--period", "2026-11", "--kiosk", "EW-0001")[1]
    for wrong, told in (("--period", "2026-1"), ("--period", "x"), ("--kiosk", "EW-9999")):
        code, text = said(wrong, told)
        assert code
        assert ("expected YYYY-MM" if wrong == "--period" else "unknown_kiosk") in text


def test_the_morning_counts_cases_that_are_not_closed(
    city: LiveCity, opened: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: city.clock.ms * 1_000_000)
    opened()
    with city.store.read() as tx:
        before = tx.count(schema.case)
    with city.store.write() as tx:
        case = {"epoch": 1, "reason": "PRICE_MISMATCH"}
        states = (("EW-0001", "open"), ("EW-0001", "answered"), ("EW-0002", "answered"), ("EW-0002", "closed"))
        tx.add(
            schema.case,
            [{**case, "device": kiosk, "seq": 50 + at, "state": state} for at, (kiosk, state) in enumerate(states)],
        )
    done = CliRunner().invoke(cli, ["today", "--data-dir", str(city.data_dir)])
    assert f"Kasus yang belum ditutup: {before + 3}." in done.output
