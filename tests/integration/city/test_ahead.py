"""A month that is not granted in time is said, with what to run; once it is granted nothing more is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import requests
from click.testing import CliRunner

from ewarung_city import accounts, ahead, leases, recovery, register
from ewarung_city.__main__ import cli
from ewarung_city.accounts import Role
from ewarung_city.ahead import Due, due, expected, is_granted, sentences
from ewarung_city.store import schema
from ewarung_pos.domain.entitlement import LeaseGrant
from ewarung_pos.domain.journal import StateReceived
from ewarung_pos.domain.timeline import WIB
from ewarung_pos.domain.units import Unit
from ewarung_pos.errors import ConfigError
from tests.integration.city.city_kit import PERIOD, SAMPLE, LiveCity, Pen, ToldClock
from tests.integration.city.moving import at_home

CHOSEN = "kata sandi yang panjang"


def at(text: str) -> int:
    """That time in WIB, ms UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=WIB).timestamp() * 1000)


def said(city: LiveCity, ms: int) -> list[str]:
    with city.store.read() as tx:
        return [line for month in due(tx, ms) for line in sentences(month)]


@pytest.mark.parametrize(
    ("first", "days_of_the_month_before"),
    [("2026-12-01", 30), ("2027-01-01", 31), ("2027-03-01", 28), ("2028-03-01", 29), ("2026-11-01", 31)],
)
def test_a_month_is_expected_from_seven_days_before_it(first: str, days_of_the_month_before: int) -> None:
    begins, month = datetime.fromisoformat(first).replace(tzinfo=WIB), first[:7]
    earlier = (begins - timedelta(days=1)).strftime("%Y-%m")

    def on(day: datetime) -> dict[str, int]:
        return dict(expected(round(day.timestamp() * 1000)))

    for days in range(1, days_of_the_month_before + 1):
        for hour in (0, 23):  # by the day in WIB, at whatever hour
            told = on(begins - timedelta(days=days) + timedelta(hours=hour))
            assert told.pop(earlier) == days - days_of_the_month_before
            assert told == ({month: days} if days <= 7 else {})
    assert on(begins) == {month: 0}
    assert on(begins - timedelta(milliseconds=1))[month] == 1


def test_it_is_said_seven_days_before_the_month_and_not_eight(stocked: LiveCity) -> None:
    run = "Jalankan: ewarung-city grant 2026-12"
    assert said(stocked, at("2026-11-23T23:59:59")) == []
    assert said(stocked, at("2026-11-24T00:00")) == [
        "Jatah Desember 2026 belum diberikan ke kios; bulan itu mulai 7 hari lagi, 1 Desember 2026.",
        run,
    ]
    assert said(stocked, at("2026-11-30T12:00"))[0].endswith("bulan itu mulai besok, 1 Desember 2026.")
    assert said(stocked, at("2026-12-01T00:00"))[0].endswith("bulan itu mulai hari ini.")
    assert said(stocked, at("2026-12-20T12:00"))[0].endswith("bulan itu sudah berjalan.")
    assert said(stocked, at("2026-12-20T12:00"))[1:] == [run]
    with stocked.store.write() as tx:
        leases.grant(tx, "2026-12")
    for day in ("2026-11-24", "2026-11-30", "2026-12-01", "2026-12-24"):
        assert said(stocked, at(f"{day}T12:00")) == []


def test_two_months_are_said_when_neither_is_granted(stocked: LiveCity) -> None:
    with stocked.store.read() as tx:
        assert [(each.period, each.days) for each in due(tx, at("2026-12-27T08:00"))] == [
            ("2026-12", -26),
            ("2027-01", 5),
        ]


def test_what_is_missing_before_a_month_can_be_granted_is_said_first(bare: LiveCity) -> None:
    now = at("2026-11-26T08:00")
    with bare.store.write() as tx:
        assert due(tx, now)[-1] == Due("2026-12", 5, catalogue=False, families=0, register_date="")
    lines = said(bare, now)
    assert [line.partition(":")[0] for line in lines[-4:]] == [
        "Jatah Desember 2026 belum diberikan ke kios; bulan itu mulai 5 hari lagi, 1 Desember 2026.",
        "Katalog belum ada. Muat dahulu",
        "Belum ada keluarga yang berhak. Muat dahulu",
        "Jalankan",
    ]
    with bare.store.write() as tx:
        register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        assert due(tx, now)[-1] == Due("2026-12", 5, catalogue=True, families=0, register_date="")
        register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        register.import_families(tx, SAMPLE / "families.csv", bare.keys, now, "contoh", "2026-10-31")
        waiting = due(tx, now)[-1]
        assert (waiting.catalogue, waiting.families > 0, waiting.register_date) == (True, True, "2026-10-31")
        assert "Daftar keluarga bertanggal 2026-10-31." in " ".join(sentences(waiting))
        tx.set("register_date", "2026-11-01")
        assert due(tx, now)[-1].register_date == ""
        entitled = waiting.families
        tx.set("rations", "{}")
        tx.set("purses", "{}")
        assert due(tx, now)[-1].families == 0 < entitled


def test_a_grant_that_gives_nobody_anything_is_none(bare: LiveCity) -> None:
    with bare.store.write() as tx:
        register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
        leases.grant(tx, "2026-12")
        assert not is_granted(tx, "2026-12")


def test_a_city_of_an_older_program_is_known_by_its_leases_or_its_credits(stocked: LiveCity) -> None:
    with stocked.store.write() as tx:
        tx.remove(schema.city, name=f"granted|{PERIOD}")
        assert is_granted(tx, PERIOD)
        tx.remove(schema.lease, period=PERIOD)
        assert is_granted(tx, PERIOD), "credits"
        tx.remove(schema.credit, period=PERIOD)
        assert not is_granted(tx, PERIOD)
        ahead.was_granted(tx, PERIOD)
        assert is_granted(tx, PERIOD)


def test_a_right_that_a_kiosk_claims_is_no_grant(city: LiveCity, pen: Pen) -> None:
    """An altered till cannot keep the office from being told."""
    lease = LeaseGrant(at_home(city)["key"], "JATAH", "2026-12", "beras", Unit.GRAM, 10_000)
    pen.write(StateReceived(1, "ab" * 32, (lease,)))
    pen.send(city.url, pen.batch())
    with city.store.read() as tx:
        assert tx.count(schema.lease, period="2026-12") == 1
        assert not is_granted(tx, "2026-12")


# --- where it is said -------------------------------------------------------------------------------------------------


Run = Callable[..., str]


@pytest.fixture
def run(stocked: LiveCity, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command of the city at noon of a day; what it printed to either side."""

    def call(day: str, *words: str) -> str:
        monkeypatch.setattr("time.time_ns", lambda: at(f"{day}T12:00") * 1_000_000)
        done = CliRunner().invoke(cli, [*words, "--data-dir", str(stocked.data_dir)])
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    return call


def test_today_says_it_until_it_is_granted(run: Run) -> None:
    assert run("2026-11-23", "today") == "Tidak ada yang menunggu.\n"
    assert run("2026-11-24", "today").splitlines()[-1] == "Jalankan: ewarung-city grant 2026-12"
    months = msgspec.json.decode(run("2026-11-24", "today", "--json"))["months"]
    assert [(each["period"], each["days"]) for each in months] == [("2026-12", 7)]
    run("2026-11-24", "grant", "2026-12")
    assert run("2026-11-24", "today") == "Tidak ada yang menunggu.\n"
    assert run("2026-12-01", "today") == "Tidak ada yang menunggu.\n"


def test_a_slip_of_the_finger_grants_no_month_out_of_turn(run: Run, stocked: LiveCity) -> None:
    for month in ("2026-10", "2027-01", "1999-01", "2062-12"):
        done = CliRunner().invoke(cli, ["grant", month, "--data-dir", str(stocked.data_dir)])
        assert isinstance(done.exception, ConfigError)
        assert "2026-11 is the newest" in done.exception.detail
    with stocked.store.read() as tx:
        assert {row["period"] for row in tx.all(schema.lease)} == {PERIOD}
    run("2026-11-24", "grant", PERIOD)
    run("2026-11-24", "grant", "2026-12")
    run("2026-11-24", "grant", "2027-03", "--any-month")
    done = CliRunner().invoke(cli, ["grant", "november", "--data-dir", str(stocked.data_dir)])
    assert isinstance(done.exception, ConfigError)
    assert "expected YYYY-MM" in done.exception.detail


def test_today_says_for_whom_a_restored_city_waits_and_what_waits_with_it(
    run: Run, stocked: LiveCity, pen: Pen
) -> None:
    with stocked.store.write() as tx:
        leases.restored(tx)
    waits = f"Kota dipulihkan dari salinan dan menunggu laporan: {pen.device}/1.\n"
    assert run("2026-11-23", "today") == waits
    with stocked.store.write() as tx:
        recovery.divide(tx, "ab" * 16)
    said = run("2026-11-23", "today")
    assert said.startswith(waits)
    assert "dilayani basis data lain" in said.removeprefix(waits)


def test_at_a_terminal_every_command_says_it_and_elsewhere_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Jatah" not in run("2026-11-24", "case", "list")
    monkeypatch.setattr("ewarung_city.acting._heard_at_terminal", lambda: True)
    assert "Jalankan: ewarung-city grant 2026-12" in run("2026-11-24", "case", "list")
    assert run("2026-11-24", "today").count("Jalankan: ewarung-city grant 2026-12") == 1
    assert "Jatah" not in run("2026-11-23", "case", "list")
    assert "Jatah" not in run("2026-11-24", "grant", "2026-12")
    assert "Jatah" not in run("2026-11-24", "case", "list")


def test_only_whoever_may_grant_is_told_at_a_terminal(
    stocked: LiveCity, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ewarung_city.accounts.COST", (1, 8, 1))
    monkeypatch.setattr("ewarung_city.acting._heard_at_terminal", lambda: True)
    monkeypatch.setenv("EWARUNG_OFFICER_PASSPHRASE", CHOSEN)
    people = {"Ratna": (Role.ADMIN, ""), "Heru": (Role.OFFICER, ""), "Sari": (Role.OFFICER, "33.74.01"),
              "Budi": (Role.VIEWER, "")}  # fmt: skip
    with stocked.store.write() as tx:
        for name, (role, region) in people.items():
            accounts.add(tx, name, role, region)
            accounts.set_passphrase(tx, name, CHOSEN)
    told = {name for name in people if "Jatah" in run("2026-11-24", "report", "spj", "--period", PERIOD, "--as", name)}
    assert told == {"Ratna", "Heru"}


def test_the_figures_say_it(city: LiveCity, clock: ToldClock) -> None:
    def told(day: str) -> dict[str, int]:
        clock.ms = at(f"{day}T12:00")
        text = requests.get(city.url + "/metrics", timeout=10).text
        lines = [line for line in text.splitlines() if line.startswith("ewarung_period_granted{")]
        return {line.split('"')[1]: round(float(line.split()[-1])) for line in lines}

    assert told("2026-11-23") == {PERIOD: 1}
    assert told("2026-11-24") == {PERIOD: 1, "2026-12": 0}
    assert told("2026-12-01") == {"2026-12": 0}
    with city.store.write() as tx:
        leases.grant(tx, "2026-12")
    assert told("2026-11-24") == {PERIOD: 1, "2026-12": 1}
    assert told("2026-12-26") == {"2026-12": 1, "2027-01": 0}
