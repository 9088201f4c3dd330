"""A till and the real city server, over HTTP: enrolment, a day sent and attested, an old disk image, a restart."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ewarung_pos.clock import SystemClock
from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.domain.family import CardStatus, HolderPresence
from ewarung_pos.domain.journal import SettingsChanged
from ewarung_pos.domain.redemption import Basket, BasketLine, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.errors import ConfigError, PosError, ServerUnreachable, Unauthorised
from ewarung_pos.kiosk.enrolment import enrol_into
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.ledger.keys import Tier, key_of, make_key
from ewarung_pos.ports import SyncReport
from ewarung_pos.services.day import DayService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.embedded import EmbeddedCity
from ewarung_pos.sync.engine import SyncEngine
from tests.integration.ledger.key_kit import MemoryStore, use_store

RICE = "beras-medium-5"


@dataclass
class Place:
    """A running city and its command line."""

    data_dir: Path
    url: str
    code: str

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ewarung_city", *arguments, "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def new_code(self, kiosk: str, *options: str) -> str:
        done = self.command("enrol", kiosk, "--json", *options)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout.splitlines()[-1])["code"])


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data_dir = tmp_path_factory.mktemp("city")
    with EmbeddedCity(data_dir) as started:
        yield Place(data_dir, started.url, started.code)


@dataclass
class Till:
    ledger: SqlLedger
    city: SyncEngine

    def note(self, text: str) -> None:
        with self.ledger.write() as uow:
            uow.append(SettingsChanged("note", "", text))

    def drain(self) -> list[SyncReport]:
        """Steps until nothing more is to do."""
        reports = []
        for _ in range(30):
            reports.append(self.city.step())
            if not reports[-1].more:
                return reports
        raise AssertionError("the till never comes to rest")


@contextmanager
def till(folder: Path, url: str) -> Iterator[Till]:
    ledger = open_ledger(folder, key_of(folder).secret, SystemClock())
    engine = SyncEngine(ledger, SystemClock(), url)
    try:
        yield Till(ledger, engine)
    finally:
        engine.close()
        ledger.close()


def test_a_day_from_enrolment_to_the_city_s_word(city: Place, tmp_path: Path) -> None:
    identity = enrol_into(tmp_path, city.url, city.code, SystemClock(), practice=True)
    assert (identity.device, identity.epoch, identity.practice) == ("EW-0001", 1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.db", "ledger.key"]
    with till(tmp_path, city.url) as kiosk:
        reader = kiosk.ledger.read()
        served = [
            family
            for family in reader.families()
            if "JATAH" in family.programmes and family.card_status is CardStatus.ACTIVE
        ][:3]
        assert len(served) == 3
        stock = StockService(kiosk.ledger)
        day = DayService(kiosk.ledger, SystemClock(), stock, kiosk.city.offset_ms)
        redeem = RedeemService(kiosk.ledger, SystemClock(), kiosk.city.offset_ms)
        opened = day.open("siti")
        stock.receive("Bulog", "SJ-1", tuple(ReceivedLine(p.code, 20, 0) for p in reader.catalogue().products), "siti")
        for family in served:
            redeem.redeem(
                family.card, Basket((BasketLine(RICE, 1, Tender.RATION, "JATAH"),)), HolderPresence.SELF, "siti"
            )
        first = kiosk.drain()
        assert sum(report.sent for report in first) > 4
        assert [report.code for report in first] == [""] * len(first)
        assert [flag for report in first for flag in report.flagged] == []
        offset = kiosk.city.offset_ms()
        assert offset is not None
        assert abs(offset) < 5000
        day.begin_close("siti")
        day.count(dict(reader.stock()), "siti")
        day.explain((), "siti")
        with kiosk.ledger.write() as uow:  # the receipts of these redemptions are of no interest here
            for job in uow.print_jobs():
                uow.print_done(job.id)
        day.seal("siti", EdcTotals(0))
        closed = kiosk.drain()
        assert [report.code for report in closed] == [""] * len(closed)
        assert [date for report in closed for date in report.attested] == [opened.date]
        assert kiosk.ledger.read().head().unsent == 0
        assert kiosk.drain()[-1].sent == 0
    checked = city.command("verify", "--json")
    assert checked.returncode == 0, checked.stdout


def test_a_person_at_the_city_compares_six_digits_first(city: Place, tmp_path: Path) -> None:
    said: list[str] = []

    def compare(digits: str) -> None:
        waiting = city.command("approve").stdout.split()
        said.append(digits)
        assert waiting == ["EW-0002", digits]
        assert city.command("approve", "EW-0002", digits).returncode == 0

    code = city.new_code("EW-0002")
    identity = enrol_into(tmp_path, city.url, code, SystemClock(), practice=False, on_digits=compare)
    assert len(said) == 1
    assert (identity.device, identity.practice) == ("EW-0002", False)


def test_a_wrong_spent_or_malformed_code_leaves_nothing_behind(city: Place, tmp_path: Path) -> None:
    code = city.new_code("EW-0003", "--practice")
    wrong = code[:-1] + ("0" if code[-1] != "0" else "2")
    for attempt in (wrong, "XXXX"):
        with pytest.raises(Unauthorised):
            enrol_into(tmp_path / "a", city.url, attempt, SystemClock(), practice=True)
    enrol_into(tmp_path / "b", city.url, code, SystemClock(), practice=True)
    with pytest.raises(Unauthorised) as caught:
        enrol_into(tmp_path / "a", city.url, code, SystemClock(), practice=True)
    assert caught.value.reason == "code_used"
    with pytest.raises(ServerUnreachable):
        enrol_into(tmp_path / "a", "http://127.0.0.1:1", code, SystemClock(), practice=True)
    assert list((tmp_path / "a").iterdir()) == []
    with pytest.raises(ConfigError):
        enrol_into(tmp_path / "b", city.url, code, SystemClock(), practice=True)
    with till(tmp_path / "b", city.url) as kiosk:
        assert kiosk.ledger.read().head().seq > 0


def test_a_failed_enrolment_leaves_no_key_behind_wherever_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    use_store(monkeypatch, store)
    with pytest.raises(PosError):
        enrol_into(tmp_path / "a", "http://127.0.0.1:1", "EWARUNG", SystemClock(), tier=Tier.OS_STORE)
    assert (list((tmp_path / "a").iterdir()), store.entries) == ([], {})

    cut_off = tmp_path / "a" / "enrolling-cut"  # by a power cut: its key is destroyed with the next try
    cut_off.mkdir()
    make_key(cut_off, Tier.OS_STORE)
    assert len(store.entries) == 1
    with pytest.raises(PosError):
        enrol_into(tmp_path / "a", "http://127.0.0.1:1", "EWARUNG", SystemClock())
    assert (list((tmp_path / "a").iterdir()), store.entries) == ([], {})


def test_an_old_disk_image_is_found_before_any_new_right_and_its_entries_are_kept_aside(
    city: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "kiosk"
    enrol_into(folder, city.url, city.new_code("EW-0004", "--practice"), SystemClock(), practice=True)
    shutil.copytree(folder, tmp_path / "image")
    with till(folder, city.url) as kiosk:
        kiosk.note("after the image was taken")
        kiosk.drain()
        assert kiosk.ledger.read().head().unsent == 0
    with till(tmp_path / "image", city.url) as kiosk:
        kiosk.note("another past")
        cursor = kiosk.ledger.read().cursor()
        for _ in range(3):
            report = kiosk.city.step()
            assert (report.code, report.reason, report.more) == ("unauthorised", "fork", False)
        head = kiosk.ledger.read().head()
        assert head.unsent > 0
        assert kiosk.ledger.read().cursor() == cursor


@pytest.mark.slow
def test_a_city_comes_up_again_with_the_same_state_and_keys(tmp_path: Path) -> None:
    folder = tmp_path / "kiosk"
    with EmbeddedCity(tmp_path / "city", log=tmp_path / "city.log") as before:
        enrol_into(folder, before.url, before.code, SystemClock(), practice=True)
        gone = before.url
    with till(folder, gone) as kiosk:
        kiosk.note("no line")
        report = kiosk.city.step()
        assert (report.code, report.more) == ("server_unreachable", False)
        assert report.retry_ms >= 2000
    with EmbeddedCity(tmp_path / "city", log=tmp_path / "city.log") as after, till(folder, after.url) as kiosk:
        assert [report.code for report in kiosk.drain()][-1] == ""
        assert kiosk.ledger.read().head().unsent == 0
    assert "Traceback" not in (tmp_path / "city.log").read_text(encoding="utf-8")


_TILL = """
import sys, time
from pathlib import Path
from ewarung_pos.sync.embedded import EmbeddedCity
city = EmbeddedCity(Path(sys.argv[1]))
city.start()
print(city.url, flush=True)
time.sleep(120)
"""


def answers(url: str) -> bool:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")
def test_a_city_does_not_outlive_a_till_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _TILL, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert answers(url)
        os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while answers(url):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_city_that_cannot_start_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    city = EmbeddedCity(tmp_path / "file")
    with pytest.raises(ConfigError) as caught:
        city.start()
    assert caught.value.reason == "city_start"
    city.stop()
