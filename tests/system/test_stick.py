"""A kiosk that never has a line: a morning, a file out, the office, a file home; then the line comes after all."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ewarung_pos.clock import SystemClock
from ewarung_pos.devices.pdf import PdfPrinter
from ewarung_pos.domain.business_day import EdcTotals
from ewarung_pos.domain.family import CardStatus, HolderPresence
from ewarung_pos.domain.redemption import Basket, BasketLine, Tender
from ewarung_pos.domain.stock import ReceivedLine
from ewarung_pos.kiosk.enrolment import enrol_into
from ewarung_pos.ledger.database import SqlLedger, open_ledger
from ewarung_pos.ledger.keys import key_of
from ewarung_pos.services.day import DayService
from ewarung_pos.services.printing import PaperService
from ewarung_pos.services.redeem import RedeemService
from ewarung_pos.services.stock import StockService
from ewarung_pos.sync.embedded import EmbeddedCity
from ewarung_pos.sync.engine import SyncEngine
from ewarung_pos.ui.text_stick import day_words
from tests.altered import altered
from tests.system.kit import CITY, book, refused, run, said, surroundings

pytestmark = pytest.mark.system

RICE = Basket((BasketLine("beras-medium-5", 1, Tender.RATION, "JATAH"),))


@dataclass
class Places:
    """A kiosk, its city's computer, and a stick that is carried between them."""

    kiosk: Path
    city: Path
    stick: Path

    def export(self) -> dict[str, Any]:
        done = run("export", str(self.stick), "--data-dir", str(self.kiosk), "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    def office(self, file: str, code: int = 0) -> dict[str, Any]:
        """The city's server does not run: the office works on its data."""
        done = subprocess.run(
            [*CITY, "bundle", "import", file, "--data-dir", str(self.city), "--json"],
            capture_output=True, text=True, timeout=60, env=surroundings(), check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"error": done.stderr}
        return told

    def take(self, file: str) -> tuple[dict[str, Any], str]:
        done = run("import", file, "--data-dir", str(self.kiosk), "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    def held(self) -> tuple[list[tuple[int, str]], list[tuple[Any, ...]]]:
        """The city's copy of the journal, and what it counted from it."""
        with contextlib.closing(sqlite3.connect(self.city / "city.db")) as city:
            entries = city.execute("SELECT seq, hash FROM entry WHERE device = 'EW-0001' ORDER BY seq").fetchall()
            counted = city.execute("SELECT seq, family, ration_value FROM redemption ORDER BY seq").fetchall()
            counted += city.execute("SELECT family, commodity, spent FROM lease WHERE spent > 0").fetchall()
        return [(seq, bytes(digest).hex()) for seq, digest in entries], sorted(counted, key=str)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[SqlLedger]:
    ledger = open_ledger(folder, key_of(folder).secret, SystemClock())
    try:
        yield ledger
    finally:
        ledger.close()


def a_morning(folder: Path) -> str:
    """Three families come; then the day is closed. Returns its date."""
    clock = SystemClock()
    with opened(folder) as ledger:
        reader = ledger.read()
        stock = StockService(ledger)
        day = DayService(ledger, clock, stock, lambda: None)
        redeem = RedeemService(ledger, clock, lambda: None)
        opened_day = day.open("siti", date_confirmed=True)  # nobody but the operator knows what day it is here
        assert opened_day.date is not None
        stock.receive("Bulog", "SJ-1", tuple(ReceivedLine(p.code, 20, 0) for p in reader.catalogue().products), "siti")
        active = (f for f in reader.families() if "JATAH" in f.programmes and f.card_status is CardStatus.ACTIVE)
        for _, family in zip(range(3), active, strict=False):
            redeem.redeem(family.card, RICE, HolderPresence.SELF, "siti")
        day.begin_close("siti")
        day.count(dict(reader.stock()), "siti")
        day.explain((), "siti")
        papers, printer = PaperService(ledger), PdfPrinter(folder / "papers")
        for job in papers.owed():
            papers.print_out(job, printer)
        day.seal("siti", EdcTotals(0))
        return str(opened_day.date)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Enrolled in the office, before the till was carried to where there is no line."""
    found = Places(*(tmp_path / name for name in ("kiosk", "city", "stick")))
    found.stick.mkdir()
    with EmbeddedCity(found.city) as city:
        enrol_into(found.kiosk, city.url, city.code, SystemClock(), practice=True)
    return found


def test_a_kiosk_without_a_line_is_whole_at_the_city_and_stays_so_when_the_line_comes(places: Places) -> None:
    date = a_morning(places.kiosk)
    head = book(places.kiosk).head
    out = places.export()
    assert (out["last_seq"], out["left"]) == (head[0], 0)
    assert Path(out["path"]).name == f"ewarung-EW-0001-{out['first_seq']}-{head[0]}.bundle"

    # half of it, and then with a bit changed: refused whole, and the office keeps what it has
    before = places.held()
    whole = Path(out["path"]).read_bytes()
    broken = places.stick / "half.bundle"
    for data in (whole[: len(whole) // 2], altered(whole, -200)):
        broken.write_bytes(data)
        assert "damaged" in places.office(str(broken), code=1)["error"]
    assert places.held() == before
    broken.unlink()

    at_office = places.office(out["path"])
    assert (at_office["entries"], at_office["acked_seq"]) == (head[0] - out["first_seq"] + 1, head[0])
    assert (at_office["flagged"], at_office["aside"]) == ([], [])
    assert places.held()[0][-1] == head  # the two heads are one

    told, words = places.take(at_office["reply"])
    assert (told["attested"], told["unsent"], told["code"]) == ([date], 0, "")
    assert f"{day_words(date)}: kota membenarkan" in words
    (acknowledged,) = book(places.kiosk).facts("CityAcknowledged")[-1:]
    assert (acknowledged["acked_seq"], acknowledged["acked_hash"]) == head

    # either way once more: nothing moves, and the office says the very same
    kept, held, reply = book(places.kiosk), places.held(), Path(at_office["reply"]).read_bytes()
    again = places.office(out["path"])
    assert (again["again"], again["entries"], Path(again["reply"]).read_bytes()) == (True, 0, reply)
    told, words = places.take(at_office["reply"])
    assert (told["sent"], told["received"], told["attested"]) == (0, 0, [])
    assert "sudah pernah diambil" in words
    assert (book(places.kiosk), places.held()) == (kept, held)

    # the line comes after all
    with EmbeddedCity(places.city) as city, opened(places.kiosk) as ledger:
        engine = SyncEngine(ledger, SystemClock(), city.url)
        try:
            reports = [engine.step() for _ in range(4)]
        finally:
            engine.close()
    assert {report.code for report in reports} == {""}
    entries, counted = places.held()
    assert entries[: head[0]] == held[0]
    assert counted == held[1]
    report = said(places.kiosk)
    assert report["ok"], report["problems"]
    checked = subprocess.run(
        [*CITY, "verify", "--data-dir", str(places.city), "--json"],
        capture_output=True, text=True, timeout=60, env=surroundings(), check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_a_file_that_does_not_belong_here_is_said_in_the_words_of_the_till(places: Places, tmp_path: Path) -> None:
    out = places.export()
    kept = book(places.kiosk)
    reply = places.office(out["path"])["reply"]
    cut = places.stick / "cut.bundle"
    cut.write_bytes(Path(reply).read_bytes()[:-1])
    for file, words in (
        (str(cut), "belum selesai disalin"),
        (out["path"], "kiriman kios untuk kota"),
        (str(places.kiosk / "ledger.db"), "jenis lain"),
    ):
        assert words in refused(run("import", file, "--data-dir", str(places.kiosk)), 1)
    assert book(places.kiosk) == kept
    taken = run("export", out["path"], "--data-dir", str(places.kiosk))
    assert "tidak pernah menimpa" in refused(taken, 2)
    gone = tmp_path / "pulled-out" / "x.bundle"
    assert "USB tercabut" in refused(run("export", str(gone), "--data-dir", str(places.kiosk)), 3)
    file = tmp_path / "beside.bundle"
    with opened(places.kiosk):  # a till that runs: files go out of it beside it, and come in by its own screen
        assert run("export", str(file), "--data-dir", str(places.kiosk)).returncode == 0
        assert "Kasir sudah berjalan" in refused(run("import", reply, "--data-dir", str(places.kiosk)), 2)
    assert file.stat().st_size > 1000
