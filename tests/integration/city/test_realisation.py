"""What was reached of what was meant, and the days for the SPJ, in a city so small that each figure is done by hand."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ewarung_city import leases, monitoring, register
from ewarung_city.__main__ import cli
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.domain.family import HolderPresence
from ewarung_pos.domain.redemption import Basket, Tender
from ewarung_pos.domain.rights import HARDSHIP, HardshipReason
from ewarung_pos.domain.timeline import Period
from ewarung_pos.ports import RightsWish
from ewarung_pos.services.day import DayService
from ewarung_pos.services.hardship import HardshipService
from ewarung_pos.services.leftovers import LeftoverService
from ewarung_pos.services.redeem import Redemption
from ewarung_pos.services.reverse import ReversalReason, ReverseService
from ewarung_pos.services.stock import StockService
from tests.integration.city.city_kit import PERIOD, SAMPLE, Cities, LiveCity, Till, ToldClock
from tests.integration.city.moving import RICE, Kiosk, ask, at_home, card_of, open_day, serve, sound
from tests.integration.city.test_months import DECEMBER, carrying

A, B, C = "EW-0001", "EW-0002", "EW-0003"
SACK = 67_500
"""Rupiah, of five kilograms of rice."""
HOMES = dict.fromkeys(("a1", "a2", "a3", "a4", "a5", "a6"), A) | {"b1": B, "b2": B, "c1": C}
TEN_DAYS = 10 * 86_400_000

Figures = tuple[int, int, int, int, int, int | None, int | None, int]
"""Families, stopped, entitled, brought, granted, issued, served, uncounted."""


class Small:
    """Three kiosks and nine families, who have 10 kg of rice and 2 of each other thing a month."""

    def __init__(self, city: LiveCity, folder: Path) -> None:
        self.city = city
        self.folder = folder
        with (SAMPLE / "families.csv").open(encoding="utf-8") as file:
            sound = [row for row in csv.DictReader(file) if row["card_status"] == "active"]
        self.rows = {
            name: {**row, "name": f"KELUARGA {name.upper()}", "programmes": "JATAH", "home_kiosk": home}
            for (name, home), row in zip(HOMES.items(), sound, strict=False)
        }
        with city.store.write() as tx:
            register.import_regions(tx, SAMPLE / "semarang-kelurahan.csv")
            register.import_catalogue(tx, SAMPLE / "catalogue.json", PERIOD)
            register.import_kiosks(tx, SAMPLE / "kiosks.csv")
        self.list_families()
        carrying(city)
        with city.store.write() as tx:
            leases.grant(tx, PERIOD)
        city.start()

    def list_families(self, **changed: dict[str, str]) -> None:
        """Import the list, with these columns of some families changed."""
        for name, columns in changed.items():
            self.rows[name] |= columns
        path = self.folder / "families.csv"
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, self.rows["a1"].keys())
            writer.writeheader()
            writer.writerows(self.rows.values())
        with self.city.store.write() as tx:
            report = register.import_families(tx, path, self.city.keys, self.city.clock.ms, "contoh")
        assert report.refused == 0

    def family(self, name: str) -> Row:
        with self.city.store.read() as tx:
            (row,) = tx.all(schema.family, name=f"KELUARGA {name.upper()}")
        return row

    def said(self, kind: str, month: str) -> list[dict[str, Any]]:
        """The report as JSON, after a look that its CSV, printed and in a file, says the same."""
        of_month = ["report", kind, "--period", month, "--data-dir", str(self.city.data_dir)]
        papers = self.folder / "papers"
        answers = [CliRunner().invoke(cli, [*of_month, *more]) for more in (["--json"], [], ["--out", str(papers)])]
        assert [answer.exit_code for answer in answers] == [0, 0, 0]
        rows: list[dict[str, Any]] = json.loads(answers[0].output.splitlines()[-1])
        printed = [{name: "" if held is None else str(held) for name, held in row.items()} for row in rows]
        assert list(csv.DictReader(io.StringIO(answers[1].output))) == printed
        assert (papers / f"{kind}-{month}.csv").read_text(encoding="utf-8") == answers[1].output
        return rows

    def figures(self, month: str) -> dict[tuple[str, str, str], Figures]:
        """By kiosk, programme and commodity."""
        names = ("families", "stopped", "entitled", "brought", "granted", "issued", "served", "uncounted")
        rows = self.said("realisasi", month)
        assert all(
            (row["period"], row["unit"]) == (month, "ml" if row["commodity"] == "minyak" else "g") for row in rows
        )
        return {(row["device"], row["programme"], row["commodity"]): tuple(row[name] for name in names) for row in rows}


@pytest.fixture
def small(cities: Cities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    city = cities.new("small")
    monkeypatch.setenv("EWARUNG_CITY_DATABASE", city.database)
    return Small(city, tmp_path)


@pytest.fixture
def till(small: Small, tmp_path: Path, clock: ToldClock) -> Iterator[Callable[..., Till]]:
    """Enrols a kiosk with the small city and opens its day; each time it is a new machine."""
    made: list[Till] = []

    def enrol(device: str) -> Till:
        made.append(Till(tmp_path / f"till-{len(made)}", small.city.url, small.city.code(device), clock))
        made[-1].drain()
        open_day(made[-1])
        return made[-1]

    yield enrol
    for one in made:
        one.close()


def seal(till: Till) -> None:
    """Close the day, send it, and give back what is left of months that are over."""
    day = DayService(till.ledger, till.clock, StockService(till.ledger))
    day.begin_close("siti")
    day.explain(day.count(till.ledger.read().stock(), "siti"), "siti")
    with till.ledger.write() as uow:
        for job in uow.print_jobs():
            uow.print_done(job.id)
    day.seal("siti", None)
    till.drain()


def give_back(till: Till) -> None:
    LeftoverService(till.ledger, till.clock, till.engine.offset_ms).give_back()
    till.drain()


def help_out(till: Till, family: Row) -> Redemption:
    """A sack out of the kiosk's pool."""
    service = HardshipService(till.ledger, till.clock, lambda: None)
    basket = Basket().with_packs(RICE, 1, Tender.RATION, HARDSHIP)
    return service.serve(card_of(family), basket, HolderPresence.SELF, HardshipReason.NO_LINE, "siti", "yuni")


def fetch(till: Till, family: Row, month: Period = DECEMBER) -> str:
    return till.engine.ask(RightsWish("visit", card_of(family), month)).outcome


def in_november(small: Small, mine: Till, theirs: Till) -> None:
    """a1 takes half of her rice; then the month is over, and what is left is carried into December."""
    serve(mine, small.family("a1"))
    for each in (mine, theirs):
        seal(each)
    small.city.clock.wait(TEN_DAYS)
    for each in (mine, theirs):
        each.drain()
        give_back(each)


def in_december(small: Small, mine: Till, theirs: Till, enrol: Callable[..., Till]) -> None:
    """Everything that moves a figure, once."""
    with small.city.store.write() as tx:
        leases.grant(tx, DECEMBER.iso)
    for each in (mine, theirs):
        each.drain()
        open_day(each)
    serve(mine, small.family("a1"), 3)  # all she has: 10 kg, and 5 from November
    visitor = small.family("a2")
    assert fetch(theirs, visitor) == "waiting"
    mine.drain()
    assert fetch(theirs, visitor) == "granted"
    serve(theirs, visitor, 2)
    undone = help_out(theirs, small.family("c1"))
    ReverseService(theirs.ledger, theirs.clock).reverse(undone.entry.id, ReversalReason.WRONG_FAMILY, "siti", "yuni")
    help_out(theirs, small.family("a3"))
    help_out(theirs, small.family("a4"))
    serve(theirs, small.family("b2"))
    theirs.drain()
    serve(mine, small.family("a5"))
    mine.drain()
    again = enrol(A)  # a new machine; two officers say that the old one is gone
    with small.city.store.write() as tx:
        leases.declare_lost(tx, A, 1, ["Ratna", "Heru"])
        leases.grant(tx, DECEMBER.iso)
    again.drain()
    serve(again, small.family("a5"), 2)
    small.list_families(a6={"card_status": "deceased"}, b2={"card_status": "moved"})
    for each in (theirs, again):
        each.drain()
        seal(each)


def other_things(rice: dict[tuple[str, str], Figures], each: dict[tuple[str, str], Figures]) -> dict[
    tuple[str, str, str], Figures
]:  # fmt: skip
    """The same for sugar, oil and flour, of which nobody takes any."""
    figures = {(device, programme, "beras"): said for (device, programme), said in rice.items()}
    for commodity in ("gula", "minyak", "tepung"):
        figures |= {(device, programme, commodity): said for (device, programme), said in each.items()}
    return figures


def test_every_figure_of_two_months_is_what_was_done(small: Small, till: Callable[..., Till]) -> None:
    mine, theirs = till(A), till(B)
    in_november(small, mine, theirs)
    assert small.figures(PERIOD) == other_things(
        {
            # six families; all that was not handed out has come back
            (A, "JATAH"): (6, 0, 60_000, 0, 5_000, 5_000, 1, 0),
            (A, HARDSHIP): (0, 0, 0, 0, 0, 0, 0, 0),
            (B, "JATAH"): (2, 0, 20_000, 0, 0, 0, 0, 0),
            (B, HARDSHIP): (0, 0, 0, 0, 0, 0, 0, 0),
            # it was never enrolled: nobody knows what it handed out
            (C, "JATAH"): (1, 0, 10_000, 0, 10_000, None, None, 0),
            (C, HARDSHIP): (0, 0, 0, 0, 10_000, None, None, 0),
        },
        {
            (A, "JATAH"): (6, 0, 12_000, 0, 0, 0, 0, 0),
            (A, HARDSHIP): (0, 0, 0, 0, 0, 0, 0, 0),
            (B, "JATAH"): (2, 0, 4_000, 0, 0, 0, 0, 0),
            (B, HARDSHIP): (0, 0, 0, 0, 0, 0, 0, 0),
            (C, "JATAH"): (1, 0, 2_000, 0, 2_000, None, None, 0),
            (C, HARDSHIP): (0, 0, 0, 0, 2_000, None, None, 0),
        },
    )
    in_december(small, mine, theirs, till)
    december = other_things(
        {
            # entitled a1 to a5, a6 is dead. a1 brought 5 kg and the four others 10 each. Granted 15 to a1, 5 and 10 to
            # a5 on two machines, 15 each to a3 and a4 (of 20, 5 came from a pool); what a2 has is at B. Handed out 15
            # to a1, 5 and 10 to a5.
            (A, "JATAH"): (5, 1, 50_000, 45_000, 60_000 + 5_000, 30_000, 2, 0),
            (A, HARDSHIP): (0, 0, 0, 0, 10_000, 0, 0, 0),
            # b1, and b2 who had 5 kg before she moved away. Granted 20 to each, and 20 to the visitor, who took 10.
            (B, "JATAH"): (2, 0, 20_000, 20_000, 60_000, 15_000, 2, 0),
            # a3 and a4; what c1 had was brought back.
            (B, HARDSHIP): (0, 0, 0, 0, 10_000, 10_000, 2, 0),
            (C, "JATAH"): (1, 0, 10_000, 0, 10_000, None, None, 0),
            (C, HARDSHIP): (0, 0, 0, 0, 10_000, None, None, 0),
        },
        {
            (A, "JATAH"): (5, 1, 10_000, 10_000, 16_000, 0, 0, 0),
            (A, HARDSHIP): (0, 0, 0, 0, 2_000, 0, 0, 0),
            (B, "JATAH"): (2, 0, 4_000, 4_000, 12_000, 0, 0, 0),
            (B, HARDSHIP): (0, 0, 0, 0, 2_000, 0, 0, 0),
            (C, "JATAH"): (1, 0, 2_000, 0, 2_000, None, None, 0),
            (C, HARDSHIP): (0, 0, 0, 0, 2_000, None, None, 0),
        },
    )
    assert small.figures(DECEMBER.iso) == december
    small.list_families(b1={"home_kiosk": A}, a3={"home_kiosk": B})
    assert small.figures(DECEMBER.iso) == december, "whoever moves later was at home there all the same"
    assert sound(small.city)


def test_the_days_are_those_that_were_sealed(small: Small, till: Callable[..., Till]) -> None:
    mine, theirs = till(A), till(B)
    in_november(small, mine, theirs)
    in_december(small, mine, theirs, till)

    def day(device: str, epoch: int, date: str, *counts: int) -> dict[str, Any]:
        names = ("redemptions", "reversals", "families", "ration_value", "purse", "cash")
        said = dict(zip(names, counts, strict=True))
        return {"device": device, "epoch": epoch, "date": date, **said, "differs": "", "uncounted": 0}

    assert small.said("spj", PERIOD) == [
        day(A, 1, "2026-11-24", 1, 0, 1, SACK, 0, 0),
        day(B, 1, "2026-11-24", 0, 0, 0, 0, 0, 0),
    ]
    assert small.said("spj", DECEMBER.iso) == [
        # the old machine of A never sealed its day
        day(A, 2, "2026-12-04", 1, 0, 1, 2 * SACK, 0, 0),
        # the visitor's two sacks, one that came back, a3's, a4's and b2's
        day(B, 1, "2026-12-04", 5, 1, 4, 5 * SACK, 0, 0),
    ]


def test_a_visit_makes_no_home_and_a_choice_does(city: LiveCity, kiosk: Kiosk) -> None:
    """In its month; where a family is at home afterwards changes nothing of it."""
    home, other = kiosk(A), kiosk(B)
    family = at_home(city)

    def at(device: str) -> int:
        with city.store.read() as tx:
            rows = monitoring.realisation(tx, PERIOD)
        (row,) = (row for row in rows if (row.device, row.programme, row.commodity) == (device, "JATAH", "beras"))
        return row.families

    def settle_at(device: str) -> None:
        with city.store.write() as tx:
            tx.change(schema.family, {"home": device}, key=family["key"])

    before = at(A), at(B)
    assert ask(other, family).outcome == "waiting"
    home.drain()
    assert ask(other, family).outcome == "granted"
    settle_at(B)
    assert (at(A), at(B)) == before
    settle_at(A)
    assert ask(other, family, "chosen", home=True).outcome == "granted"
    moved = at(A), at(B)
    assert moved == (before[0] - 1, before[1] + 1)
    settle_at(C)
    assert (at(A), at(B)) == moved
