"""What a lost kiosk holds is freed by two officers' signatures, and by nothing else; no clock takes part."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ewarung_city import leases, officers
from ewarung_city.__main__ import cli
from ewarung_city.officers import Signed
from ewarung_city.store import schema
from ewarung_pos.errors import ConfigError, NotEntitled
from tests.integration.city.city_kit import PERIOD, LiveCity, Pen, ToldClock
from tests.integration.city.moving import Kiosk, ask, at_home, serve, sound

Run = Callable[..., str]


@pytest.fixture
def run(stocked: LiveCity) -> Run:
    """A command of the city; what it printed."""

    def call(*arguments: object, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*map(str, arguments), "--data-dir", str(stocked.data_dir)])
        reason = getattr(done.exception, "reason", "")
        assert (done.exit_code == 0) is (code == 0), done.output
        return str(done.output) + str(reason)

    return call


def test_a_stolen_kiosk_is_frozen_at_once_and_freed_by_two_keys(
    city: LiveCity, kiosk: Kiosk, run: Run, tmp_path: Path, clock: ToldClock
) -> None:
    home, other = kiosk("EW-0001"), kiosk("EW-0002")
    family = at_home(city)
    serve(home, family)
    home.drain()
    ratna, heru = tmp_path / "ratna.key", tmp_path / "heru.key"
    assert len(run("officer", "key", "Ratna", ratna).split()[1]) == 64
    run("officer", "key", "Heru", heru)
    assert stat.S_IMODE(ratna.stat().st_mode) == 0o600
    assert "EW-0001/1 is frozen" in run("freeze", "EW-0001")
    assert "not_active" in run("freeze", "EW-0001", code=1)
    clock.wait(90 * 86_400_000)
    other.engine.step()  # greets again after so long
    clock.wait(-90 * 86_400_000)
    assert ask(other, family).reason == "frozen", "no timer frees it"
    for wrong in (["Ratna"], ["Ratna", "Heru"], [f"Ratna={ratna}"], [f"Ratna={ratna}", f"Ratna={ratna}"]):
        run("lost", "EW-0001", 1, *(part for each in wrong for part in ("--officer", each)), code=1)
    assert "bad_signature" in run(
        "lost", "EW-0001", 1, "--officer", f"Ratna={heru}", "--officer", f"Heru={heru}", code=1
    )
    said = run("lost", "EW-0001", 1, "--officer", f"Ratna={ratna}", "--officer", f"Heru={heru}")
    assert "leases released" in said
    with city.store.read() as tx:
        assert leases.is_lost(tx, "EW-0001", 1)
        words = msgspec.json.decode(tx.setting("signed|EW-0001|1"), type=list[Signed])
    assert [word.officer for word in words] == ["Ratna", "Heru"]
    assert {word.text.split("|")[:3] == ["lost", "EW-0001", "1"] for word in words} == {True}
    assert ask(other, family, "r-2").outcome == "granted"
    assert sound(city)


def test_a_key_is_made_once_and_never_over_a_file(city: LiveCity, pen: Pen, tmp_path: Path) -> None:
    with city.store.write() as tx:
        assert not officers.has_keys(tx)
        officers.register_officer(tx, "Ratna", tmp_path / "ratna.key")
        assert officers.has_keys(tx)
        for name, file in (("Ratna", "other.key"), (" ", "other.key"), ("Heru", "ratna.key")):
            with pytest.raises(ConfigError):
                officers.register_officer(tx, name, tmp_path / file)
        (tmp_path / "empty").write_text("")
        for file in ("empty", "gone"):
            with pytest.raises(ConfigError):
                officers.sign_lost(tx, pen.device, 1, "Ratna", tmp_path / file)


def test_one_key_under_two_names_is_one_officer(city: LiveCity, pen: Pen, tmp_path: Path) -> None:
    with city.store.write() as tx:
        officers.freeze(tx, pen.device)
        officers.register_officer(tx, "Ratna", tmp_path / "ratna.key")
        tx.set("officer|Heru", tx.setting("officer|Ratna"))
        words = [officers.sign_lost(tx, pen.device, 1, name, tmp_path / "ratna.key") for name in ("Ratna", "Heru")]
        with pytest.raises(NotEntitled) as caught:
            officers.declare_lost(tx, pen.device, 1, words)
    assert caught.value.reason == "second_person"


def test_what_was_signed_before_the_kiosk_sent_more_is_signed_again(city: LiveCity, pen: Pen, tmp_path: Path) -> None:
    with city.store.write() as tx:
        for name in ("Ratna", "Heru"):
            officers.register_officer(tx, name, tmp_path / name)
        words = [officers.sign_lost(tx, pen.device, 1, name, tmp_path / name) for name in ("Ratna", "Heru")]
    pen.send(city.url, pen.batch())
    with city.store.write() as tx:
        officers.freeze(tx, pen.device)
        with pytest.raises(NotEntitled) as caught:
            officers.declare_lost(tx, pen.device, 1, words)
        assert caught.value.reason == "bad_signature"
        again = [officers.sign_lost(tx, pen.device, 1, name, tmp_path / name) for name in ("Ratna", "Heru")]
        assert officers.declare_lost(tx, pen.device, 1, again) > 0
        with pytest.raises(NotEntitled):
            officers.lost_text(tx, "EW-9999", 1)
        assert tx.all(schema.lease, device=pen.device, period=PERIOD, released=0) == []


def test_where_a_key_was_dropped_two_names_alone_still_sign_nothing(stocked: LiveCity, tmp_path: Path) -> None:
    with stocked.store.write() as tx:
        officers.register_officer(tx, "Ratna", tmp_path / "ratna.key")
        assert officers.has_keys(tx)
        officers.drop_key(tx, "Ratna")
        assert officers.has_keys(tx)
